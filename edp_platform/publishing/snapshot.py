"""The published copy: the marts of one moment, in a DuckDB file nobody writes to.

A new copy is written beside the old one and a pointer is moved, so a reader has one
moment or the other, and the pipeline never waits for readers. The new copy begins as the
last one and takes over what was built since, so that one more month costs the same after
ten years as after one.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from edp_platform.files import read_json, replacing, write_json
from edp_platform.home import Home

#: Copies kept, the current one included: readers of an older one finish undisturbed.
KEPT = 3
#: DuckDB would else take four fifths of the machine.
_MEMORY = "512MB"


class NothingPublished(LookupError):
    """There is no published copy yet."""


@dataclass(frozen=True)
class Use:
    """What a mart uses: one data set, for these purposes, for this use case."""

    data_set: str
    purposes: tuple[str, ...]
    use_case: str | None


@dataclass(frozen=True)
class Snapshot:
    """One published copy."""

    id: str
    path: Path
    as_at: str
    rows: dict[str, int]
    uses: dict[str, list[Use]] = field(default_factory=dict)


def publish(
    home: Home,
    tables: Sequence[str],
    now: datetime,
    built_from: str = "",
    uses: Mapping[str, Sequence[Use]] | None = None,
    records: Mapping[str, Mapping[str, Any] | None] | None = None,
    doubted: Collection[str] = (),
) -> Snapshot:
    """Copy the marts and point readers at the copy.

    Args:
        home: whose warehouse; the caller holds its one writer's place.
        tables: names of the marts that may be published.
        now: the as-at time.
        built_from: what the marts were built from, to tell a copy that fell behind.
        uses: mart → what data set it uses for which purposes, so that whoever answers
            a query can ask the gate again.
        records: mart → what its code, its months and the whole of it were built from
            (`warehouse.built`); what stands in the last copy already is taken over
            from it. Without them, and where a mart is no longer to be published, every
            table is copied anew: what was taken out must not linger in free blocks of
            the file.
        doubted: marts whose last build did not end well: they stay as the last copy
            has them, and are left out where it has none.

    Returns:
        the new snapshot, with the rows of each table.

    Raises:
        WriteFailed: the disk is full; the old copy stays.
        duckdb.Error: the warehouse cannot be read.
    """
    as_at = now.isoformat(timespec="seconds")
    identity = hashlib.sha256(f"{as_at}{sorted(tables)}".encode()).hexdigest()[:8]
    name = f"{now:%Y%m%dT%H%M%S}-{identity}"
    target = home.published / f"{name}.duckdb"
    rows: dict[str, int] = {}
    with replacing(target) as temporary, duckdb.connect() as connection:
        connection.execute(f"set memory_limit = '{_MEMORY}'")
        connection.execute(
            f"attach '{_quoted(home.warehouse)}' as warehouse (read_only)"
        )
        # A mart nobody has asked for yet is not an error: it is not published yet.
        chosen = sorted(set(tables) & _tables(connection, "warehouse"))
        known = _begin_with_last(home, temporary, chosen) if records else {}
        # The newest storage form takes half the time for text. Readers use this DuckDB.
        connection.execute(
            f"attach '{_quoted(temporary)}' as published (storage_version 'latest')"
        )
        connection.execute("create schema if not exists published.marts")
        held = set(doubted) & set(chosen)
        _keep_as_published(home, connection, held)
        for table in sorted(set(chosen) - held):
            _bring_up_to_date(
                connection, table, known.get(table), (records or {}).get(table)
            )
        for table in sorted(set(chosen) & _tables(connection, "published")):
            rows[table] = _count(connection, "published", table)
        connection.execute(
            "create or replace table published.marts.snapshot as "
            "select ? as snapshot_id, cast(? as timestamp with time zone) as as_at",
            [name, as_at],
        )
        connection.execute("detach published")
        connection.execute("detach warehouse")
    target.chmod(0o440)
    # What is held back is copied whole as soon as it is in doubt no more.
    taken = {one: each for one, each in (records or {}).items() if one not in held}
    write_json(_records_path(home, name), taken)
    pointer = {
        "id": name,
        "as_at": as_at,
        "rows": rows,
        "built_from": built_from,
        "uses": {
            mart: [asdict(use) for use in each]
            for mart, each in (uses or {}).items()
            if mart in rows
        },
    }
    write_json(home.published / "current.json", pointer)
    _drop_old(home)
    return Snapshot(name, target, as_at, rows)


def _begin_with_last(
    home: Home, target: Path, chosen: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Copy the last published file, if the new one may begin as it.

    Returns:
        mart → what it was built from; empty where the new copy begins empty.
    """
    pointer = read_json(home.published / "current.json")
    if pointer is None or not pointer["rows"].keys() <= set(chosen):
        return {}
    known: dict[str, dict[str, Any]] = read_json(_records_path(home, pointer["id"]), {})
    last = home.published / f"{pointer['id']}.duckdb"
    if not known or not last.exists():
        return {}
    shutil.copyfile(last, target)
    return known


def _keep_as_published(
    home: Home, connection: duckdb.DuckDBPyConnection, tables: Collection[str]
) -> None:
    """Have the new copy hold these tables as the last one does, or not at all."""
    missing = set(tables) - _tables(connection, "published")
    pointer = read_json(home.published / "current.json")
    if not missing or pointer is None:
        return
    last = home.published / f"{pointer['id']}.duckdb"
    if not last.exists():
        return
    connection.execute(f"attach '{_quoted(last)}' as last (read_only)")
    for table in sorted(missing & _tables(connection, "last")):
        connection.execute(
            f'create table published.marts."{table}" as select * from last.marts."{table}"'
        )
    connection.execute("detach last")


def _bring_up_to_date(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    known: Mapping[str, Any] | None,
    record: Mapping[str, Any] | None,
) -> None:
    """Make a table of the copy equal to the warehouse's, months that changed only.

    Monthly tables are brought up to date month by month. If the two then hold different
    numbers of rows, whatever the record says, the table is copied whole.
    """
    months = months_changed(known, record) if known and record else None
    if months == [] or (months and _has_month(connection, table)):
        for month in months:
            scope = f"month = date '{month}-01'"
            connection.execute(f'delete from published.marts."{table}" where {scope}')
            connection.execute(
                f'insert into published.marts."{table}" by name '
                f'select * from warehouse.marts."{table}" where {scope}'
            )
        counts = {_count(connection, one, table) for one in ("warehouse", "published")}
        if len(counts) == 1:
            return
    connection.execute(
        f'create or replace table published.marts."{table}" as '
        f'select * from warehouse.marts."{table}"'
    )


def months_changed(
    known: Mapping[str, Any], record: Mapping[str, Any]
) -> list[str] | None:
    """Return the months that differ; None where that does not tell all of it."""
    if known == record:
        return []
    if (known["code"], known["whole"]) != (record["code"], record["whole"]):
        return None
    return sorted(
        month
        for month in known["months"].keys() | record["months"].keys()
        if known["months"].get(month) != record["months"].get(month)
    )


def _has_month(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether both tables have the same columns, a date `month` among them."""
    columns = {
        database: connection.execute(
            "select column_name, data_type from duckdb_columns() where "
            "database_name = ? and schema_name = 'marts' and table_name = ? "
            "order by column_index",
            [database, table],
        ).fetchall()
        for database in ("warehouse", "published")
    }
    same = columns["warehouse"] == columns["published"]
    return same and ("month", "DATE") in columns["warehouse"]


def _tables(connection: duckdb.DuckDBPyConnection, database: str) -> set[str]:
    found = connection.execute(
        "select table_name from duckdb_tables() "
        "where database_name = ? and schema_name = 'marts'",
        [database],
    ).fetchall()
    return {name for (name,) in found}


def _count(connection: duckdb.DuckDBPyConnection, database: str, table: str) -> int:
    counted = connection.execute(
        f'select count(*) from {database}.marts."{table}"'
    ).fetchone()
    return int(counted[0]) if counted else 0


def copy_anew_next(home: Home) -> None:
    """Have the next copy begin empty: what a person was part of must not linger."""
    for path in home.published.glob("*.built_from.json"):
        path.unlink(missing_ok=True)


def _records_path(home: Home, name: str) -> Path:
    return home.published / f"{name}.built_from.json"


def current(home: Home) -> Snapshot:
    """Return the published copy.

    Raises:
        NothingPublished: nothing was published yet.
    """
    pointer = read_json(home.published / "current.json")
    if pointer is None:
        raise NothingPublished(
            "Nothing is published yet, so there is nothing to query. Land files "
            "(edp land) and build the marts (edp run)."
        )
    path = home.published / f"{pointer['id']}.duckdb"
    uses = {
        mart: [Use(**{**use, "purposes": tuple(use["purposes"])}) for use in each]
        for mart, each in pointer.get("uses", {}).items()
    }
    return Snapshot(pointer["id"], path, pointer["as_at"], pointer["rows"], uses)


def is_published(home: Home) -> bool:
    """Whether there is a published copy."""
    return (home.published / "current.json").exists()


def published_from(home: Home) -> str | None:
    """Return what the published copy was built from; None while there is no copy."""
    pointer = read_json(home.published / "current.json", {})
    found: str | None = pointer.get("built_from")
    return found


def _drop_old(home: Home) -> None:
    copies = sorted(home.published.glob("*.duckdb"))
    for path in copies[:-KEPT]:
        path.unlink(missing_ok=True)
        _records_path(home, path.stem).unlink(missing_ok=True)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
