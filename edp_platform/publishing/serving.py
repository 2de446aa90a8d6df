"""Publication to PostgreSQL: the marts of one snapshot, all at once or not at all.

A new schema is filled beside the one that is served, and takes its name in one
transaction: a reader has one snapshot or the other. Rows, months and types come from the
published DuckDB copy (`publishing.snapshot`), and so does the snapshot's id.

PostgreSQL looks up the tables of one query one after the other, so that a swap between
two look-ups would give a query half of each snapshot. The swap therefore waits, a moment
at a time, until no query holds a table of the old one, and has them all when it commits.
It gives up each attempt before PostgreSQL would see a deadlock, so that no reader is ever
the one to be refused.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from edp_platform.database.connecting import owner
from edp_platform.files import read_json
from edp_platform.home import Home
from edp_platform.publishing.served_tables import (
    Notes,
    Table,
    fill,
    served_columns,
    tables_of,
)
from edp_platform.publishing.snapshot import Snapshot, current, months_changed
from edp_platform.told import Told

if TYPE_CHECKING:
    import duckdb
    from psycopg import Connection

SETTING = "EDP_SNAPSHOTS_KEPT"
_KEPT = 7
#: The schema that readers name.
MARTS = "marts"
#: What a new snapshot is called while it is made; a kill may leave one.
_FILLING = "filling_"
#: One publication at a time, on whatever machine: a number of our own, any would do.
_ADVISORY_LOCK = 477_104_003
#: Well below the second after which PostgreSQL looks for deadlocks.
_ATTEMPT_SECONDS = 0.3
_PATIENCE_SECONDS = 900.0
_MEMORY = "512MB"

#: Opens a new schema to those who may read it, in the transaction of the swap.
Grants = Callable[["Connection[Any]", str], None]


class PublicationBusy(Told):
    """Nothing was published: somebody else publishes, or a reader does not end."""


@dataclass(frozen=True)
class ServedSnapshot:
    """One snapshot that is or was served.

    Attributes:
        id: the same as the published copy's.
        as_at: the moment whose marts it holds.
        published_at: when readers got it.
        schema: where it stands.
        is_current: whether it is in schema `marts`.
        rows: mart → rows.
        reason_held: mart → why it stands as an earlier snapshot had it.
        sent: mart → rows that came from the copy, where it was published just now.
    """

    id: str
    as_at: datetime
    published_at: datetime
    schema: str
    is_current: bool
    rows: dict[str, int]
    reason_held: dict[str, str]
    sent: dict[str, int] = field(default_factory=dict)


def publish_serving(
    home: Home,
    notes: Mapping[str, Notes] | None = None,
    *,
    grants: Grants | None = None,
    reasons: Mapping[str, str] | None = None,
    patience_seconds: float = _PATIENCE_SECONDS,
) -> ServedSnapshot:
    """Serve the published copy, where it is not served yet.

    Args:
        home: whose published copy; its server is running.
        notes: mart → what is said of it.
        grants: opens the new schema; without it `access` does, from what was applied.
        reasons: mart → why it stands as an earlier snapshot had it; without it, what
            the copy's own record says.
        patience_seconds: how long the swap waits for readers.

    Returns:
        what is served now.

    Raises:
        NothingPublished: there is no copy.
        TypeNotServed: a mart has a column of a type that nobody said how to serve.
        PublicationBusy: another publication is under way, or a reader did not end.
        PublicationDiffers: what arrived is not what was sent.
        DatabaseUnavailable: the server is not running.
        psycopg.Error: the server refused; readers keep what they have.
    """
    snapshot = current(home)
    records = read_json(home.published / f"{snapshot.id}.built_from.json", {})
    with owner(home, autocommit=True) as connection, _publishing_alone(connection):
        _sweep(connection)
        served = current_served(connection)
        if served is not None and served.id == snapshot.id:
            return served
        held = dict(reasons or {}) or _held(snapshot, records, served)
        schema = _FILLING + _as_name(snapshot.id)
        with _opened(snapshot) as copy:
            tables = tables_of(copy)
            changes = _changes(connection, tables, records)
            connection.execute(f"create schema {schema}")
            sent = {
                name: fill(
                    connection,
                    copy,
                    schema,
                    table,
                    (notes or {}).get(name, Notes()),
                    changes.get(name),
                )
                for name, table in tables.items()
            }
        rows = {name: table.rows for name, table in tables.items()}
        _swap(
            connection,
            schema,
            snapshot,
            _Told(rows, held, records),
            grants or _granted,
            patience_seconds,
        )
        drop_old(connection)
        published = current_served(connection)
        assert published is not None
        return ServedSnapshot(**{**vars(published), "sent": sent})


def _granted(connection: Connection[Any], schema: str) -> None:
    """Open a schema as `edp access apply` last declared."""
    from edp_platform.access.applying import grant_columns

    grant_columns(connection, schema)


# What is served ------------------------------------------------------------------------


def snapshots(connection: Connection[Any]) -> list[ServedSnapshot]:
    """Return the snapshots that can be asked, newest first."""
    found = connection.execute(
        "select id, as_at, published_at, schema_name, is_current, rows, reason_held "
        "from publication.snapshot where dropped_at is null order by published_at desc"
    ).fetchall()
    return [ServedSnapshot(*row) for row in found]


def current_served(connection: Connection[Any]) -> ServedSnapshot | None:
    """Return what schema `marts` holds; None before the first publication."""
    return next((one for one in snapshots(connection) if one.is_current), None)


def schema_as_at(connection: Connection[Any], moment: datetime) -> str | None:
    """Return the schema that was served at a moment; None before the oldest kept."""
    found = connection.execute(
        "select publication.schema_as_at(%s)", [moment]
    ).fetchone()
    return found[0] if found else None


def is_behind(home: Home) -> bool:
    """Whether there is a published copy that is not what is served.

    Raises:
        DatabaseUnavailable: the server is not running.
    """
    pointer = read_json(home.published / "current.json")
    if pointer is None:
        return False
    with owner(home) as connection:
        served = current_served(connection)
    return served is None or served.id != pointer["id"]


# Filling -------------------------------------------------------------------------------


@contextmanager
def _publishing_alone(connection: Connection[Any]) -> Iterator[None]:
    got = connection.execute(
        "select pg_try_advisory_lock(%s)", [_ADVISORY_LOCK]
    ).fetchone()
    if got is None or not got[0]:
        raise PublicationBusy(
            "Another process publishes to this server now. Nothing was done here; what "
            "it publishes is served in a moment."
        )
    yield  # ends with the connection


@contextmanager
def _opened(snapshot: Snapshot) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"set memory_limit = '{_MEMORY}'")
        path = str(snapshot.path).replace("'", "''")
        connection.execute(f"attach '{path}' as copy (read_only)")
        yield connection


def _sweep(connection: Connection[Any]) -> None:
    """Remove what a killed publication left half-filled."""
    from psycopg import sql

    for (name,) in connection.execute(
        "select nspname from pg_namespace where starts_with(nspname, %s)", [_FILLING]
    ).fetchall():
        connection.execute(
            sql.SQL("drop schema {} cascade").format(sql.Identifier(name))
        )


def held_back(home: Home, snapshot: Snapshot) -> list[str]:
    """Return the marts of a published copy that stand as an earlier one had them."""
    records = read_json(home.published / f"{snapshot.id}.built_from.json", {})
    return sorted(snapshot.rows.keys() - records.keys()) if records else []


def _held(
    snapshot: Snapshot,
    records: Mapping[str, Any],
    served: ServedSnapshot | None,
) -> dict[str, str]:
    """Return why marts stand as they stood: the copy has no record of their build."""
    if not records:
        return {}
    earlier = f"snapshot {served.id}" if served else "an earlier copy"
    reason = (
        "Its last build did not end well (a failed check, or a build that was broken "
        f"off), so it stands as {earlier} had it. See edp status and the run in "
        "Dagster; edp run builds it again."
    )
    return dict.fromkeys(sorted(snapshot.rows.keys() - records.keys()), reason)


def _changes(
    connection: Connection[Any],
    tables: Mapping[str, Table],
    records: Mapping[str, Any],
) -> dict[str, list[str]]:
    """Return table → months that differ from what is served, where all else is equal."""
    standing = served_columns(connection, MARTS)
    known = _built_from(connection)
    found = {}
    for name, table in tables.items():
        record, before = records.get(name), known.get(name)
        wanted = _columns(connection, table)
        if not record or not before or standing.get(name) != wanted:
            continue
        months = months_changed(before, record)
        if months is not None and (not months or ("month", "date") in wanted):
            found[name] = months
    return found


def _built_from(connection: Connection[Any]) -> dict[str, Any]:
    found = connection.execute(
        "select built_from from publication.snapshot where is_current"
    ).fetchone()
    return dict(found[0]) if found else {}


def _columns(connection: Connection[Any], table: Table) -> tuple[tuple[str, str], ...]:
    """Return a table's columns with the types as the server spells them."""
    spelled = {
        "timestamptz": "timestamp with time zone",
        "timestamp": "timestamp without time zone",
        "time": "time without time zone",
    }
    return tuple(
        (
            name,
            spelled.get(served.postgresql, served.postgresql.replace(", ", ",")),
        )
        for name, served in table.columns
    )


# Swapping ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Told:
    """What is kept of a snapshot beside its tables."""

    rows: Mapping[str, int]
    held: Mapping[str, str]
    built_from: Mapping[str, Any]


def _swap(
    connection: Connection[Any],
    schema: str,
    snapshot: Snapshot,
    told: _Told,
    grants: Grants,
    patience_seconds: float,
) -> None:
    """Have readers get the new schema, in one transaction.

    Raises:
        PublicationBusy: some reader held the old one all the while.
    """
    from psycopg import errors

    deadline = time.monotonic() + patience_seconds
    pause = 0.01
    while True:
        try:
            with connection.transaction():
                grants(connection, schema)
                _take_the_old(connection)
                _rename(connection, schema)
                _record(connection, snapshot, told)
            return
        except errors.LockNotAvailable:
            if time.monotonic() > deadline:
                raise PublicationBusy(
                    f"Waited {patience_seconds:.0f} s: a query or an open transaction "
                    "holds tables of the snapshot that is served. Nothing was changed "
                    "and readers keep it; edp run publishes again. pg_stat_activity "
                    "says who it is."
                ) from None
        # Readers that queued behind the attempt go first.
        time.sleep(pause)
        pause = min(2 * pause, 1.0)


def _take_the_old(connection: Connection[Any]) -> None:
    """Lock every table that is served, within a moment, or none.

    Raises:
        psycopg.errors.LockNotAvailable: a reader holds one.
    """
    from psycopg import sql

    deadline = time.monotonic() + _ATTEMPT_SECONDS
    for name in served_columns(connection, MARTS):
        left = max(1, round(1000 * (deadline - time.monotonic())))
        connection.execute(f"set local lock_timeout = '{left}ms'")
        connection.execute(
            sql.SQL("lock table {} in access exclusive mode").format(
                sql.Identifier(MARTS, name)
            )
        )


def _rename(connection: Connection[Any], schema: str) -> None:
    from psycopg import sql

    found = connection.execute(
        "select id from publication.snapshot where is_current"
    ).fetchone()
    if found is not None:
        old = sql.Identifier(f"{MARTS}_{_as_name(found[0])}")
        connection.execute(sql.SQL(f"alter schema {MARTS} rename to {{}}").format(old))
        connection.execute(
            "update publication.snapshot set is_current = false, schema_name = %s "
            "where is_current",
            [f"{MARTS}_{_as_name(found[0])}"],
        )
    else:
        # A schema of that name before the first publication holds no snapshot.
        connection.execute(f"drop schema if exists {MARTS} cascade")
    connection.execute(
        sql.SQL(f"alter schema {{}} rename to {MARTS}").format(sql.Identifier(schema))
    )


def _record(connection: Connection[Any], snapshot: Snapshot, told: _Told) -> None:
    from psycopg.types.json import Jsonb

    connection.execute(
        "insert into publication.snapshot "
        "(id, as_at, schema_name, is_current, rows, reason_held, built_from) "
        "values (%s, %s, %s, true, %s, %s, %s)",
        [
            snapshot.id,
            snapshot.as_at,
            MARTS,
            Jsonb(dict(told.rows)),
            Jsonb(dict(told.held)),
            Jsonb(dict(told.built_from)),
        ],
    )


def _as_name(identity: str) -> str:
    return identity.lower().replace("-", "_")


# Dropping ------------------------------------------------------------------------------


def snapshots_kept() -> int:
    """Return how many snapshots are kept, the current one included.

    Raises:
        SettingInvalid: the setting is no number above 0.
    """
    given = os.environ.get(SETTING, "").strip()
    if not given:
        return _KEPT
    if not given.isdecimal() or int(given) < 1:
        raise SettingInvalid(
            f"{SETTING} is {given!r}. It says how many snapshots are kept for questions "
            f"of an earlier date: write a whole number from 1 on (default {_KEPT})."
        )
    return int(given)


class SettingInvalid(Told):
    """A setting of the environment cannot be understood."""


def drop_old(connection: Connection[Any], kept: int | None = None) -> list[str]:
    """Drop the snapshots beyond the last few; one that is being read waits its turn.

    Args:
        connection: the owner's, in autocommit.
        kept: how many stay, the current one included; default: the setting.

    Returns:
        the ids of those that went.
    """
    from psycopg import errors, sql

    gone = []
    for one in snapshots(connection)[kept or snapshots_kept() :]:
        try:
            with connection.transaction():
                connection.execute(f"set local lock_timeout = '{_ATTEMPT_SECONDS}s'")
                connection.execute(
                    sql.SQL("drop schema if exists {} cascade").format(
                        sql.Identifier(one.schema)
                    )
                )
                connection.execute(
                    "update publication.snapshot set dropped_at = clock_timestamp(), "
                    "schema_name = 'dropped ' || id where id = %s",
                    [one.id],
                )
        except errors.LockNotAvailable:
            continue
        gone.append(one.id)
    return gone
