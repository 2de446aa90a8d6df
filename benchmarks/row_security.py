"""What row security costs a query: a mart under its policies beside the bare table.

`python -m benchmarks.row_security` makes one table twice on a server of its own, grants
one person both, and has them ask the same of each in turns. The table is as large as a
mart of ten years by ward; the questions are those of an analyst: a month, a sum by area,
and the whole. It prints the ratio of the sum of times, the largest of one question, and
the one of a question so small (one row by its key) that asking the entitlement is most
of it.
"""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edp_platform.access.applying import apply, grant_columns
from edp_platform.access.marts import Mart, MartColumn, Source
from edp_platform.database.connecting import administrator, as_person, owner
from edp_platform.database.server import running
from edp_platform.home import Home
from tests.access_room import World, grant, person

if TYPE_CHECKING:
    from psycopg import Connection

_READER = "bench-reader"
#: 120 months by 630 wards by 16 types of crime.
_ROWS = 120 * 630 * 16
_LIMITED = tuple(f"force {number}" for number in range(20))
_MART = Mart(
    "counted",
    tuple(MartColumn(one) for one in ("month", "ward", "crime_type", "force", "n")),
    (Source("street", ("P-STATISTICS",)),),
)
_MADE = f"""
create table {{}}.counted as
select (date '2016-01-01' + make_interval(months => i % 120))::date as month,
    'E05' || (i / 120 % 630) as ward, 'type ' || (i / 75600) as crime_type,
    'force ' || (i / 120 % 20) as force, i % 97 as n
from generate_series(0, {_ROWS} - 1) as i
"""
_ASKED = {
    "a month": "select crime_type, sum(n) from {}.counted "
    "where month = date '2019-05-01' group by 1",
    "a sum by ward": "select ward, sum(n) from {}.counted group by 1",
    "the whole": "select count(*), sum(n), max(ward) from {}.counted",
}
_SMALL = (
    "select n from {}.counted where month = date '2019-05-01' and ward = 'E057' limit 1"
)
_TIMES_SMALL = 300


@dataclass(frozen=True)
class Overhead:
    """Medians of the ratios of pairs, run in turns: under policies / bare.

    Attributes:
        all_questions: the sum of the times of all questions.
        worst: question → its ratio, of the one that costs most.
        with_row_limit: all questions, of who sees the rows of two forces alone (the
            bare side asks the same with a WHERE).
        with_long_limit: the same of ten forces, where PostgreSQL looks a list that
            stands in a query up by hash, and one that is asked for not.
        small: a question that takes a fraction of a millisecond.
        milliseconds: what the entitlement adds to a query.
    """

    all_questions: float
    worst: dict[str, float]
    with_row_limit: float
    with_long_limit: float
    small: float
    milliseconds: float


def row_security(rounds: int = 9) -> Overhead:
    """Measure on a server of its own, and leave nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="edp-rows-"))
    folder.chmod(0o755)
    try:
        home = Home.open(date.today(), folder)
        with running(home):
            _prepare(home)
            return _measured(home, rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prepare(home: Home) -> None:
    with owner(home) as connection:
        for schema in ("marts", "bare"):
            connection.execute(f"create schema {schema}")
            connection.execute(_MADE.format(schema))
            connection.execute(f"create index on {schema}.counted (month, ward)")
            connection.execute(f"analyze {schema}.counted")
        grant_columns(connection, "marts")
    _grant(home, {})
    with administrator(home) as connection:
        connection.execute(f'grant usage on schema bare to "{_READER}"')
        connection.execute(f'grant select on bare.counted to "{_READER}"')


def _grant(home: Home, rows: dict[str, list[str]]) -> None:
    world = World(
        people={
            one.id: one
            for one in (person(_READER), person("iao", "information_asset_owner"))
        },
        suppliers={},
        grants={"G-1": grant("G-1", _READER, "counted", rows=rows)},
        marts={"counted": _MART},
    )
    with administrator(home) as connection:
        apply(home, connection, world.declared())


def _measured(home: Home, rounds: int) -> Overhead:
    with as_person(home, _READER) as connection:
        for schema in ("marts", "bare"):  # into memory
            for query in _ASKED.values():
                connection.execute(query.format(schema))
        ratios: dict[str, list[float]] = {name: [] for name in _ASKED}
        sums, small, more = [], [], []
        for _ in range(rounds):
            taken = {
                name: _pair(connection, query, 1) for name, query in _ASKED.items()
            }
            for name, (secured, bare) in taken.items():
                ratios[name].append(secured / bare)
            sums.append(
                sum(one for one, _ in taken.values())
                / sum(other for _, other in taken.values())
            )
            secured, bare = _pair(connection, _SMALL, _TIMES_SMALL)
            small.append(secured / bare)
            more.append((secured - bare) / _TIMES_SMALL * 1000)
    medians = {name: statistics.median(found) for name, found in ratios.items()}
    worst = max(medians, key=lambda name: medians[name])
    return Overhead(
        statistics.median(sums),
        {worst: medians[worst]},
        _limited(home, rounds, 2),
        _limited(home, rounds, 10),
        statistics.median(small),
        statistics.median(more),
    )


def _limited(home: Home, rounds: int, values: int) -> float:
    """Return the ratio where the grant limits rows; the bare side asks by WHERE."""
    chosen = _LIMITED[:values]
    _grant(home, {"force": [*chosen]})
    with administrator(home) as connection:
        connection.execute(f'grant usage on schema bare to "{_READER}"')
        connection.execute(f'grant select on bare.counted to "{_READER}"')
    listed = ", ".join(f"'{one}'" for one in chosen)
    found = []
    with as_person(home, _READER) as connection:
        for _ in range(rounds):
            secured = bare = 0.0
            for query in _ASKED.values():
                word = "and" if " where " in query else "where"
                head, by, tail = query.format("bare").partition(" group by ")
                asked = f"{head} {word} force = any (array[{listed}]){by}{tail}"
                secured += _timed(connection, query.format("marts"), 1)
                bare += _timed(connection, asked, 1)
            found.append(secured / bare)
    return statistics.median(found)


def _pair(connection: Connection[Any], query: str, times: int) -> tuple[float, float]:
    secured = _timed(connection, query.format("marts"), times)
    return secured, _timed(connection, query.format("bare"), times)


def _timed(connection: Connection[Any], query: str, times: int) -> float:
    begun = time.perf_counter()
    for _ in range(times):
        connection.execute(query, prepare=False).fetchall()
    return time.perf_counter() - begun


if __name__ == "__main__":
    print(json.dumps(asdict(row_security()), indent=1))
