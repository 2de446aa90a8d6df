"""The snapshots served by PostgreSQL as a copy: each searched by every text column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString

from edp_platform.database import managed
from edp_platform.datasets import DataSets
from edp_platform.home import Home
from edp_platform.ingestion.person_rows import is_reference
from edp_platform.publishing.serving import ServedSnapshot, snapshots
from edp_platform.retention.copies import Change, Exported, Held
from edp_platform.retention.people import People
from edp_platform.told import Told

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import SQL, Composed

#: How long an erasure waits for who reads a table.
_PATIENCE = "60s"


class NotSearchable(Told):
    """A served table does not show all its rows, so nobody can say whom it holds."""


class ServedTables:
    """The marts in PostgreSQL, of every snapshot that is kept."""

    name = "served snapshots"
    rooms = frozenset({"postgres"})
    in_use = True
    corrected_by = "published anew by the next run; older snapshots are dropped"

    def __init__(self, home: Home, data_sets: DataSets) -> None:
        self.home = home

    def find(self, people: People) -> list[Held]:
        """See `Copy`.

        Raises:
            NotSearchable: a table does not show all its rows.
            DatabaseUnavailable: the server cannot be started or reached.
        """
        with self._opened() as connection:
            if connection is None:
                return []
            return [
                Held(f"postgres/{schema}.{table}", about, naming)
                for one in snapshots(connection)
                for schema, table, about, naming in _counted(connection, one, people)
            ]

    def export(self, people: People) -> Exported:
        """See `Copy`: the rows of the current snapshot."""
        from psycopg.rows import dict_row

        told: Exported = {}
        with self._opened() as connection:
            if connection is None:
                return told
            for one in snapshots(connection):
                if not one.is_current:
                    continue
                for table, texts in _texts(connection, one.schema).items():
                    question = _asked("select * from {} where {}", one, table, texts)
                    with connection.cursor(row_factory=dict_row) as cursor:
                        found = cursor.execute(question, _given(people)).fetchall()
                    if found:
                        told[f"marts.{table}"] = found
        return told

    def correct(self, change: Change) -> int:
        """Take it at the next publication."""
        return 0

    def restrict(self, people: People) -> int:
        """Take the persons out of every snapshot."""
        return self.erase(people)

    def erase(self, people: People) -> int:
        """Drop the older snapshots, and take the persons out of the current one.

        An older one also holds counts that they were part of. The tables are written
        anew: a deletion alone would leave the rows in free blocks of their files.

        Raises:
            BlockingIOError: somebody reads a table and does not end.
            NotSearchable: a table does not show all its rows.
        """
        from psycopg import errors

        with self._opened() as connection:
            if connection is None:
                return 0
            connection.execute(f"set lock_timeout = '{_PATIENCE}'")
            try:
                return sum(
                    _erased(connection, one, people) for one in snapshots(connection)
                )
            except errors.LockNotAvailable:
                raise BlockingIOError(
                    "A query or an open transaction holds a served table, so that nobody "
                    "can be removed from it yet. End it (pg_stat_activity says who it "
                    "is) and run again."
                ) from None

    @contextmanager
    def _opened(self) -> Iterator[Connection[Any] | None]:
        """Open the database as its owner; None where this home never had one."""
        if not managed.is_named() and not (self.home.root / "postgres/data").exists():
            yield None
            return
        from edp_platform.database.connecting import owner
        from edp_platform.database.server import running

        with running(self.home), owner(self.home, autocommit=True) as connection:
            yield connection


def _texts(connection: Connection[Any], schema: str) -> dict[str, list[str]]:
    """Return table → its text columns."""
    found = connection.execute(
        "select table_name, array_agg(column_name::text) from information_schema.columns "
        "where table_schema = %s and data_type in ('text', 'json') group by 1 order by 1",
        [schema],
    ).fetchall()
    return dict(found)


def _given(people: People) -> dict[str, list[str]]:
    return {"wanted": people.compared.to_list()}


def _is_one(columns: Sequence[str]) -> SQL | Composed:
    """Return the SQL that says whether one of these cells is one of the identifiers."""
    from psycopg import sql

    if not columns:
        return sql.SQL("false")
    return sql.SQL(" or ").join(
        sql.SQL("coalesce(upper(btrim({}::text)) = any(%(wanted)s), false)").format(
            sql.Identifier(one)
        )
        for one in columns
    )


def _asked(
    question: LiteralString, one: ServedSnapshot, table: str, columns: Sequence[str]
) -> Composed:
    from psycopg import sql

    target = sql.Identifier(one.schema, table)
    return sql.SQL(question).format(target, _is_one(columns))


def _counted(
    connection: Connection[Any], one: ServedSnapshot, people: People
) -> Iterator[tuple[str, str, int, int]]:
    """Yield schema, table, rows about the persons, rows that only name them.

    Raises:
        NotSearchable: a table does not show all its rows.
    """
    from psycopg import sql

    for table, texts in _texts(connection, one.schema).items():
        about = _is_one([name for name in texts if not is_reference(name)])
        naming = _is_one([name for name in texts if is_reference(name)])
        found = connection.execute(
            sql.SQL(
                "select count(*), count(*) filter (where about), "
                "count(*) filter (where naming and not about) "
                "from (select {} as about, {} as naming from {}) as each"
            ).format(about, naming, sql.Identifier(one.schema, table)),
            _given(people),
        ).fetchone()
        rows, subject, mention = found or (0, 0, 0)
        if rows != one.rows.get(table):
            raise NotSearchable(
                f"The served table {one.schema}.{table} shows {rows:,} rows and holds "
                f"{one.rows.get(table, 0):,}, so nobody can say whom it holds. Publish "
                "anew (edp run) and see edp access plan."
            )
        if subject or mention:
            yield one.schema, table, subject, mention


def _erased(connection: Connection[Any], one: ServedSnapshot, people: People) -> int:
    from psycopg import sql

    held = list(_counted(connection, one, people))
    if not one.is_current:
        with connection.transaction():
            connection.execute(
                sql.SQL("drop schema {} cascade").format(sql.Identifier(one.schema))
            )
            connection.execute(
                "update publication.snapshot set dropped_at = clock_timestamp(), "
                "schema_name = 'dropped ' || id where id = %s",
                [one.id],
            )
        return sum(about + naming for *_, about, naming in held)
    gone = 0
    for _, table, _, _ in held:
        gone += _taken_out(connection, one, table, people)
        target = sql.Identifier(one.schema, table)
        connection.execute(sql.SQL("vacuum (full, analyze) {}").format(target))
    return gone


def _taken_out(
    connection: Connection[Any], one: ServedSnapshot, table: str, people: People
) -> int:
    """Delete the rows about the persons, blank the cells that name them."""
    from psycopg import sql

    texts = _texts(connection, one.schema)[table]
    target = sql.Identifier(one.schema, table)
    force = sql.SQL("alter table {} {} row level security")
    with connection.transaction():
        # The one policy of a table lets nobody change it, its owner included.
        connection.execute(force.format(target, sql.SQL("no force")))
        about = [name for name in texts if not is_reference(name)]
        gone = connection.execute(
            _asked("delete from {} where {}", one, table, about), _given(people)
        ).rowcount
        for name in set(texts) - set(about):
            blanked = sql.SQL("update {} set {} = null where {}").format(
                target, sql.Identifier(name), _is_one([name])
            )
            connection.execute(blanked, _given(people))
        connection.execute(force.format(target, sql.SQL("force")))
        # What was built from what is no longer known, so the next one is sent whole.
        connection.execute(
            "update publication.snapshot set built_from = '{}', "
            "rows = rows || jsonb_build_object(%s::text, (rows ->> %s)::bigint - %s) "
            "where id = %s",
            [table, table, gone, one.id],
        )
    return gone
