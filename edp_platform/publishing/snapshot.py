"""The published copy: the marts of one moment, in a DuckDB file nobody writes to.

A new copy is written beside the old one and a pointer is moved, so a reader has one
moment or the other, and the pipeline never waits for readers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from edp_platform.files import read_json, replacing, write_json
from edp_platform.home import Home

#: Copies kept, the current one included: readers of an older one finish undisturbed.
KEPT = 3


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
) -> Snapshot:
    """Copy the marts and point readers at the copy.

    Args:
        home: whose warehouse; the caller holds its one writer's place.
        tables: names of the marts that may be published.
        now: the as-at time.
        built_from: what the marts were built from, to tell a copy that fell behind.
        uses: mart → what data set it uses for which purposes, so that whoever answers
            a query can ask the gate again.

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
        connection.execute(
            f"attach '{_quoted(home.warehouse)}' as warehouse (read_only)"
        )
        connection.execute(f"attach '{_quoted(temporary)}' as published")
        connection.execute("create schema published.marts")
        connection.execute("set preserve_insertion_order = true")
        built = connection.execute(
            "select table_name from duckdb_tables() "
            "where database_name = 'warehouse' and schema_name = 'marts'"
        ).fetchall()
        # A mart nobody has asked for yet is not an error: it is not published yet.
        for table in sorted(set(tables) & {name for (name,) in built}):
            connection.execute(
                f'create table published.marts."{table}" as '
                f'select * from warehouse.marts."{table}"'
            )
            counted = connection.execute(
                f'select count(*) from published.marts."{table}"'
            ).fetchone()
            rows[table] = int(counted[0]) if counted else 0
        connection.execute(
            "create table published.marts.snapshot as "
            "select ? as snapshot_id, cast(? as timestamp with time zone) as as_at",
            [name, as_at],
        )
        connection.execute("detach published")
        connection.execute("detach warehouse")
    target.chmod(0o440)
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


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
