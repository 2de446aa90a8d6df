"""Back: from rows of a mart, through its fact, to files and line numbers.

The mart's rows are chosen in the published copy, with the person's own SQL locked in;
the facts stand in the warehouse file only, which is opened to read and asked nothing
that a person wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from edp_platform.home import Home
from edp_platform.ingestion.landing import WHOLE, Delivery, Supplies
from edp_platform.publishing.snapshot import Snapshot, current
from edp_platform.tracing.failure import TraceFailed
from edp_platform.tracing.receipts import receipt, with_receipts
from edp_platform.warehouse.models import Model, Models

#: Mart rows whose grain is told by value; of more, only the number.
ROWS_TOLD = 10
#: What a mart states of `trace.measure` where none of its columns counts all rows.
_NO_MEASURE = "none"
_WHOLE_NUMBERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UINTEGER", "UBIGINT"}
)
#: Errors about the condition itself. What others say may quote a value of a row.
_ABOUT_THE_SQL = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.PermissionException,
)


def trace_mart(
    home: Home,
    models: Models,
    mart: Model,
    where: str | None,
    limit: int,
    deliveries: Iterable[Delivery],
) -> dict[str, Any]:
    """Trace the matching rows of one mart.

    Returns:
        `kind` "mart", `mart`, `where`, `snapshot`, `mart_rows` (how many match),
        `grain` (column names), `rows` (grain values of at most `ROWS_TOLD` rows),
        `precision` "lines" or "files" and `note` saying why not lines, `fact`,
        `fact_rows`, `lines` (distinct), `lines_listed`, `measure` (`column`, `total`,
        `from_fact`, `how` "rows" or "sum", `is_equal`; None where there is nothing to
        compare) and `files`: each `file`, `name`, `received_as`, `data_set`, `scope`,
        `supplier`, `release_date`, `landed_at`, `sha256`, `records`, `rows` (of the
        fact; None where not known by row), `lines`, `line_numbers`.

    Raises:
        TraceFailed: wrong condition, no row matches, warehouse held or not built.
        NothingPublished: no published copy yet.
    """
    snapshot = current(home)
    fact = models.by_name.get(str(mart.trace.get("fact", "")))
    in_fact = grain_in_fact(mart)
    grain = [*in_fact]
    chosen = _chosen_rows(snapshot, mart, where, grain)
    told: dict[str, Any] = {
        "kind": "mart",
        "mart": mart.name,
        "where": where,
        "snapshot": {"id": snapshot.id, "as_at": snapshot.as_at},
        "mart_rows": chosen.num_rows,
        "grain": [name for name in grain if name in chosen.column_names],
    }
    names = told["grain"]
    few = chosen.num_rows <= ROWS_TOLD
    told["rows"] = [
        {name: _plain(value) for name, value in row.items()}
        for row in (chosen.select(names).to_pylist() if few and names else [])
    ]
    known = list(deliveries)
    if fact is not None and grain and set(grain) <= set(chosen.column_names):
        with closing(open_warehouse(home)) as connection:
            columns = fact_columns(connection, fact)
            if {"source_file", "source_line", *in_fact.values()} <= columns:
                found = _follow(connection, fact, columns, in_fact, chosen, limit)
                read = models.data_sets(fact.unique_id)
                files = with_receipts(home, found["files"], read, known)
                return told | found | {"files": files}
    return told | _files_only(models, mart, chosen, known)


def grain_in_fact(mart: Model) -> dict[str, str]:
    """Return the columns of a mart's grain → what the fact calls them."""
    stated = mart.trace.get("on") or []
    named = stated if isinstance(stated, dict) else {name: name for name in stated}
    return {str(name): str(held) for name, held in named.items()}


def _plain(value: Any) -> Any:
    is_plain = value is None or isinstance(value, str | int | float)
    return value if is_plain else str(value)


def _chosen_rows(
    snapshot: Snapshot, mart: Model, where: str | None, grain: list[str]
) -> pa.Table:
    """Return the matching mart rows: grain, month, scope, and the measure last."""
    if mart.name not in snapshot.rows:
        raise TraceFailed(
            f"{mart.name} is not in the published copy of {snapshot.as_at}. Build and "
            f"publish it (edp run +{mart.name}), then trace again."
        )
    with duckdb.connect(str(snapshot.path), read_only=True) as connection:
        # A person's SQL: the copy and nothing else, as for edp sql.
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        table = connection.table(f"marts.{mart.name}")
        columns = dict(zip(table.columns, map(str, table.types), strict=True))
        keys = [
            *(name for name in grain if name in columns),
            *(
                name
                for name in ("month", "force", "data_set")
                if name in columns and name not in grain
            ),
        ]
        counted = [
            name
            for name, kind in columns.items()
            if name not in keys and kind in _WHOLE_NUMBERS
        ]
        stated = mart.trace.get("measure")
        if stated == _NO_MEASURE:
            counted = []
        elif stated in counted:
            counted = [stated]
        wanted = [*keys, *counted[:1]] or list(columns)[:1]
        try:
            # `filter` takes one expression: no second statement, no other table.
            rows = table.filter(where) if where is not None else table
            chosen = rows.project(", ".join(f'"{name}"' for name in wanted))
            found: pa.Table = chosen.to_arrow_table()
        except duckdb.Error as error:
            raise TraceFailed(_wrong(error, mart, where, columns)) from None
    if not found.num_rows:
        raise TraceFailed(
            f"No row of {mart.name} matches {where or 'anything: the mart is empty'}. "
            f'Look at what there is: edp sql "select * from marts.{mart.name} limit 5".'
        )
    return found


def _wrong(
    error: duckdb.Error, mart: Model, where: str | None, columns: dict[str, str]
) -> str:
    said = (
        str(error).splitlines()[0]
        if isinstance(error, _ABOUT_THE_SQL)
        else (f"{type(error).__name__}: it could not be worked out for every row")
    )
    return (
        f"--where {where!r} cannot be used: {said}. {mart.name} has the columns "
        f"{', '.join(columns)}. Example: --where \"month = date '2024-01-01'\"."
    )


def open_warehouse(home: Home) -> duckdb.DuckDBPyConnection:
    """Open the warehouse to read, whose facts say which lines a row came from.

    Raises:
        TraceFailed: there is none, a run holds it, or it cannot be read.
    """
    if not home.warehouse.exists():
        raise TraceFailed(
            f"There is no warehouse at {home.warehouse}, and only it holds the facts "
            "that say which lines a row came from. Build it again: edp run."
        )
    try:
        connection = duckdb.connect(str(home.warehouse), read_only=True)
    except duckdb.Error as error:
        text = str(error)
        if "lock" in text or "different configuration" in text:
            raise TraceFailed(
                f"{home.warehouse} is held by another process (a run that is "
                "building), and only it holds the facts that say which lines a row "
                "came from. Nothing is wrong with the question: wait for the run to "
                "finish and trace again."
            ) from error
        raise TraceFailed(
            f"{home.warehouse} cannot be read ({text.splitlines()[0]}). If it is "
            "damaged, delete it and build it again from the lake: edp run."
        ) from error
    # Staging views read the lake by relative paths, as in dbt's profile.
    folder = str(home.raw).replace("'", "''")
    connection.execute(f"set file_search_path = '{folder}'")
    connection.execute("set TimeZone = 'UTC'")
    return connection


def fact_columns(connection: duckdb.DuckDBPyConnection, fact: Model) -> frozenset[str]:
    """Return the columns of a fact.

    Raises:
        TraceFailed: it does not stand in the warehouse.
    """
    try:
        described = connection.execute(
            f'describe "{fact.schema}"."{fact.name}"'
        ).fetchall()
    except duckdb.Error as error:
        raise TraceFailed(
            f"{fact.schema}.{fact.name} cannot be read from the warehouse "
            f"({type(error).__name__}). Build it again: edp run {fact.name}."
        ) from error
    return frozenset(str(row[0]) for row in described)


def _follow(
    connection: duckdb.DuckDBPyConnection,
    fact: Model,
    columns: frozenset[str],
    in_fact: dict[str, str],
    chosen: pa.Table,
    limit: int,
) -> dict[str, Any]:
    measure = _measure(chosen, [*in_fact])
    # A fact that carries the measure itself (crimes of a borough and month) is summed;
    # otherwise the mart counts rows.
    is_sum = measure is not None and measure in columns
    matches = " and ".join(
        f'fact."{held}" is not distinct from chosen."{name}"'
        for name, held in in_fact.items()
    )
    connection.register("chosen", chosen)
    connection.execute(
        "create temp table traced as select fact.source_file, fact.source_line, "
        + (f'fact."{measure}"' if is_sum else "1")
        + f' as counted from "{fact.schema}"."{fact.name}" as fact '
        f"semi join chosen on {matches}"
    )
    rows, counted = _one(
        connection, "select count(*), coalesce(sum(counted), 0) from traced"
    )
    by_file = connection.execute(
        "select source_file, count(*), count(distinct source_line) from traced "
        "group by source_file"
    ).fetchall()
    # In turn from each file, so that a long file does not take every place.
    listed = connection.execute(
        "with lines as (select distinct source_file, source_line from traced), "
        "numbered as (select *, row_number() over "
        "(partition by source_file order by source_line) as nth from lines) "
        "select source_file, source_line from numbered "
        "order by nth, source_file limit ?",
        [limit],
    ).fetchall()
    numbers: dict[str, list[int]] = {}
    for file, line in sorted(listed):
        numbers.setdefault(file, []).append(line)
    told_measure = None
    if measure is not None:
        # The copy may be older than the warehouse: then they need not agree.
        values = chosen.column(measure).to_pylist()
        total = sum(value for value in values if value is not None)
        told_measure = {
            "column": measure,
            "total": total,
            "from_fact": int(counted),
            "how": "sum" if is_sum else "rows",
            "is_equal": total == int(counted),
        }
    return {
        "precision": "lines",
        "note": None
        if rows
        else "No line made it: the mart fills in what no file holds (a wide file "
        "leaves out what is nought).",
        "fact": f"{fact.schema}.{fact.name}",
        "fact_rows": rows,
        "lines": sum(lines for _, _, lines in by_file),
        "lines_listed": len(listed),
        "measure": told_measure,
        "files": [
            {
                "file": file,
                "rows": count,
                "lines": lines,
                "line_numbers": numbers.get(file, []),
            }
            for file, count, lines in by_file
        ],
    }


def _measure(chosen: pa.Table, grain: list[str]) -> str | None:
    """Return the mart's first whole number outside its grain: what it counts."""
    last = chosen.schema[-1]
    return (
        last.name if last.name not in grain and pa.types.is_integer(last.type) else None
    )


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = connection.execute(sql).fetchone()
    return row or (0, 0)


def _files_only(
    models: Models, mart: Model, chosen: pa.Table, known: list[Delivery]
) -> dict[str, Any]:
    """Return the files now active for the mart's data sets, and for its rows' months.

    A mart over reference sets has no fact, and one row may come of many lines.
    """
    names = set(models.data_sets(mart.unique_id))
    values = {
        name: set(chosen.column(name).to_pylist())
        for name in ("month", "force", "data_set")
        if name in chosen.column_names
    }
    names &= values.get("data_set", names)
    months = {
        f"{month:%Y-%m}" for month in values.get("month", ()) if isinstance(month, date)
    }
    files: dict[tuple[str, str], dict[str, Any]] = {}
    for name in sorted(names):
        supplies = Supplies([one for one in known if one.data_set == name])
        for month, active in supplies.active_by_month().items():
            if months and month != WHOLE and month not in months:
                continue
            for one in active:
                if "force" in values and one.scope and one.scope not in values["force"]:
                    continue
                files[(one.sha256, one.scope)] = receipt(one)
    return {
        "precision": "files",
        "note": (
            f"A row of {mart.name} does not come of single lines that it could be "
            "followed to, so these are the files of the data sets it is made from: "
            f"{', '.join(sorted(names))}."
        ),
        "fact": None,
        "fact_rows": None,
        "lines": None,
        "lines_listed": 0,
        "measure": None,
        "files": [
            one | {"rows": None, "lines": None, "line_numbers": []}
            for one in sorted(
                files.values(), key=lambda each: (each["data_set"], each["name"])
            )
        ],
    }
