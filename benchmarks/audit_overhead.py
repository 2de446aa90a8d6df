"""What the log of s.62 costs a query: the server's own log, and the chain of `edp sql`.

`python -m benchmarks.audit_overhead` runs both in turns on a server of its own and
prints the ratios; neither may reach 2.
"""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from edp_platform.auditing.events import Look, events_of
from edp_platform.auditing.known import Background
from edp_platform.auditing.statements import KnownMart, read_statement
from edp_platform.database.connecting import administrator, as_person
from edp_platform.database.migrating import set_password
from edp_platform.database.passwords import ensure_password
from edp_platform.database.server import running
from edp_platform.governance.audit import AuditLog
from edp_platform.home import Home

_QUERIES = 200
_BROKERED = 40
_READER = "bench-reader"
_SQL = "select count(*), sum(n) from public.counted where month = %s"
_KNOWN = {"counted": KnownMart(("month", "n"))}


@dataclass(frozen=True)
class Overhead:
    """Medians of the ratios of pairs, run in turns.

    Attributes:
        server_log: small queries on one connection, all statements logged or none.
        chain: `edp sql`'s share, connection included, with its events or without.
    """

    server_log: float
    chain: float


def audit_overhead(rounds: int = 7) -> Overhead:
    """Measure both on a small server of its own, and leave nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="edp-audit-"))
    folder.chmod(0o755)
    try:
        home = Home.open(date.today(), folder)
        with running(home):
            _prepare(home)
            return Overhead(
                _ratio(
                    rounds, lambda: _direct(home, "all"), lambda: _direct(home, "none")
                ),
                _ratio(rounds, lambda: _asked(home, True), lambda: _asked(home, False)),
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ratio(rounds: int, one: Callable[[], float], other: Callable[[], float]) -> float:
    one(), other()
    return statistics.median(one() / other() for _ in range(rounds))


def _prepare(home: Home) -> None:
    with administrator(home) as connection:
        connection.execute(
            "create table counted as select date '2016-01-01' + (i % 120) * 30 as "
            "month, i as n from generate_series(1, 20000) as i"
        )
        connection.execute("create index on counted (month)")
        connection.execute("analyze counted")
        connection.execute(f'create role "{_READER}" login in role edp_reader')
        connection.execute("grant usage on schema public to edp_reader")
        connection.execute("grant select on counted to edp_reader")
        password, _ = ensure_password(home, _READER)
        set_password(connection, _READER, password)


def _direct(home: Home, logged: str) -> float:
    with administrator(home) as connection:
        statement = f"alter role \"{_READER}\" set log_statement = '{logged}'"
        connection.execute(statement)
    with as_person(home, _READER) as connection:
        begun = time.perf_counter()
        for number in range(_QUERIES):
            connection.execute(_SQL, [_month(number)], prepare=False).fetchall()
        return time.perf_counter() - begun


def _asked(home: Home, is_logged: bool) -> float:
    background, log = Background(_KNOWN), AuditLog(home)
    begun = time.perf_counter()
    for number in range(_BROKERED):
        with as_person(home, _READER) as connection:
            rows: list[Any] = connection.execute(_SQL, [_month(number)]).fetchall()
        if is_logged:
            text = _SQL.replace("%s", f"'{_month(number)}'")
            look = Look(_READER, read_statement(text, _KNOWN), row_count=len(rows))
            now = datetime.now(UTC)
            log.record_all([(one, now) for one in events_of(look, background)])
    return time.perf_counter() - begun


def _month(number: int) -> date:
    return date(2016, 1 + number % 12, 1)


if __name__ == "__main__":
    print(json.dumps(asdict(audit_overhead()), indent=1))
