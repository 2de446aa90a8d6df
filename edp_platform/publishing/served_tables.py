"""One mart, filled into a table of PostgreSQL: rows, indexes, comments, and shut.

What stands unchanged in the snapshot that is served now is copied within the server; the
rest comes from the published DuckDB copy as binary COPY, encoded beside the sending.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edp_platform.publishing.served_types import ServedType, served_type
from edp_platform.told import Told

if TYPE_CHECKING:
    import duckdb
    from psycopg import Connection, sql

#: Rows encoded at a time: the blocks stay in the processor's cache.
_BATCH = 16_384
_AHEAD = 4
#: Columns that people ask by, where a mart has them: the time, and the finest area.
_TIME = ("month",)
_AREA = ("lsoa_code", "ward_code", "area_code", "borough_code", "borough")
#: Enough for good plans, at a third of the time.
_STATISTICS = 40
#: A table that is read in a millisecond needs no index.
_FEW_ROWS = 5_000


class PublicationDiffers(Told):
    """What arrived in PostgreSQL is not what was sent; nothing was published."""


@dataclass(frozen=True)
class Notes:
    """What is said of a mart: its meaning, and what tells its rows apart.

    Attributes:
        description: what one row is, first of all.
        columns: column → meaning.
        key: the columns that tell rows apart, as dbt tests them.
    """

    description: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One mart of the published copy."""

    name: str
    columns: tuple[tuple[str, ServedType], ...]
    rows: int

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(name for name, _ in self.columns)


def tables_of(copy: duckdb.DuckDBPyConnection) -> dict[str, Table]:
    """Return the marts of the published copy, attached as `copy`.

    Raises:
        TypeNotServed: a column is of a type that nobody has said how to serve.
    """
    found: dict[str, list[tuple[str, ServedType]]] = {}
    for table, column, kind in copy.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where database_name = 'copy' and schema_name = 'marts' "
        "and table_name <> 'snapshot' order by table_name, column_index"
    ).fetchall():
        found.setdefault(table, []).append((column, served_type(table, column, kind)))
    return {
        name: Table(name, tuple(columns), _count(copy, name))
        for name, columns in found.items()
    }


def _count(copy: duckdb.DuckDBPyConnection, table: str) -> int:
    counted = copy.execute(f"select count(*) from {_quoted(table)}").fetchone()
    return int(counted[0]) if counted else 0


def _quoted(table: str) -> str:
    escaped = table.replace('"', '""')
    return f'copy.marts."{escaped}"'


def served_columns(
    connection: Connection[Any], schema: str
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return table → (column, type) as they stand in a schema of the server."""
    found = connection.execute(
        "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) "
        "from pg_class as c join pg_attribute as a on a.attrelid = c.oid "
        "where c.relnamespace = to_regnamespace(%s) and c.relkind = 'r' "
        "and a.attnum > 0 and not a.attisdropped order by 1, a.attnum",
        [schema],
    ).fetchall()
    tables: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in found:
        tables.setdefault(table, []).append((column, kind))
    return {name: tuple(columns) for name, columns in tables.items()}


def fill(
    connection: Connection[Any],
    copy: duckdb.DuckDBPyConnection,
    schema: str,
    table: Table,
    notes: Notes,
    changed: Sequence[str] | None,
) -> int:
    """Make and fill one table, in one transaction.

    Args:
        connection: the owner's, in autocommit.
        copy: the published copy, attached as `copy`.
        schema: where the new snapshot is being made.
        table: which mart.
        notes: what is said of it.
        changed: months that differ from what schema `marts` holds of it, with the same
            columns; None for all of it.

    Returns:
        the rows that came from the published copy.

    Raises:
        PublicationDiffers: the rows that arrived are not as many as the copy has.
        psycopg.Error: the server refused.
    """
    if changed is not None:
        with suppress(_NotAsRecorded):
            return _fill(connection, copy, schema, table, notes, changed)
    return _fill(connection, copy, schema, table, notes, None)


class _NotAsRecorded(Exception):
    """What the server holds is not what the record says; it is copied whole."""


def _fill(
    connection: Connection[Any],
    copy: duckdb.DuckDBPyConnection,
    schema: str,
    table: Table,
    notes: Notes,
    changed: Sequence[str] | None,
) -> int:
    from psycopg import sql

    target = sql.Identifier(schema, table.name)
    with connection.transaction():
        connection.execute(_created(target, table))
        kept = sent = 0
        if changed is not None:
            kept = connection.execute(
                _kept(target, table, changed), [list(changed)]
            ).rowcount
        if changed is None or changed:
            sent = _send(connection, copy, target, table, changed)
        arrived = kept + sent
        if arrived != table.rows and changed is not None:
            raise _NotAsRecorded
        if arrived != table.rows:
            raise PublicationDiffers(
                f"marts.{table.name} has {table.rows:,} rows in the published copy and "
                f"{arrived:,} arrived in PostgreSQL. Nothing was published, and readers "
                "keep the snapshot they have. Run again; if it stays so, report it."
            )
        _make_quick(connection, target, table, notes)
        for statement in _comments(target, table, notes):
            connection.execute(statement)
        # Shut, until `access` opens it: without a policy nobody sees a row.
        for what in ("enable", "force"):
            connection.execute(
                sql.SQL(f"alter table {{}} {what} row level security").format(target)
            )
        connection.execute(sql.SQL("revoke all on table {} from public").format(target))
    return sent


def _created(target: sql.Identifier, table: Table) -> sql.Composed:
    from psycopg import sql

    columns = [
        sql.SQL("{} ").format(sql.Identifier(name)) + sql.SQL(served.postgresql)
        for name, served in table.columns
    ]
    return sql.SQL("create table {} ({})").format(target, sql.SQL(", ").join(columns))


def _kept(target: sql.Identifier, table: Table, changed: Sequence[str]) -> sql.Composed:
    """Copy, within the server, the rows of the months that stand."""
    from psycopg import sql

    condition = (
        " where month is null or to_char(month, 'YYYY-MM') <> all(%s)"
        if changed
        else " where %s::text[] is not null"
    )
    columns = sql.SQL(", ").join(map(sql.Identifier, table.names))
    source = sql.Identifier("marts", table.name)
    return sql.SQL("insert into {} ({}) select {} from {}" + condition).format(
        target, columns, columns, source
    )


def _send(
    connection: Connection[Any],
    copy: duckdb.DuckDBPyConnection,
    target: sql.Identifier,
    table: Table,
    changed: Sequence[str] | None,
) -> int:
    """Send rows; the next block is encoded while one is on its way.

    Returns:
        the rows that the server says it took.
    """
    from psycopg import sql

    from edp_platform.publishing.binary_copy import HEADER, TRAILER

    # Frozen: a transaction that began before the swap sees the rows as well.
    statement = sql.SQL("copy {} from stdin (format binary, freeze)").format(target)
    ahead = _Ahead(copy, table, changed)
    with connection.cursor() as cursor, closing(ahead):
        with cursor.copy(statement) as into:
            into.write(HEADER)
            for block in ahead:
                into.write(block)
            into.write(TRAILER)
        return cursor.rowcount


class _Ahead:
    """Blocks of encoded rows, made by a thread some blocks ahead of who takes them."""

    def __init__(
        self,
        copy: duckdb.DuckDBPyConnection,
        table: Table,
        changed: Sequence[str] | None,
    ) -> None:
        self._copy = copy
        self._table = table
        self._changed = changed
        self._blocks: queue.Queue[memoryview | BaseException | None] = queue.Queue(
            _AHEAD
        )
        self._is_wanted = True
        self._thread = threading.Thread(target=self._make, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[memoryview]:
        while (block := self._blocks.get()) is not None:
            if isinstance(block, BaseException):
                raise block
            yield block

    def close(self) -> None:
        """Stop making blocks."""
        self._is_wanted = False
        while self._thread.is_alive():
            with suppress(queue.Empty):
                self._blocks.get(timeout=0.01)
        self._thread.join()

    def _make(self) -> None:
        from edp_platform.publishing.binary_copy import encoded

        types = [served for _, served in self._table.columns]
        try:
            reader = self._copy.execute(*self._question()).to_arrow_reader(_BATCH)
            for batch in reader:
                if not self._is_wanted:
                    break
                self._blocks.put(encoded(batch, types))
            self._blocks.put(None)
        except BaseException as error:
            self._blocks.put(error)

    def _question(self) -> tuple[str, list[Any]]:
        columns = ", ".join(
            served.asked_as.format('"' + name.replace('"', '""') + '"')
            for name, served in self._table.columns
        )
        question = f"select {columns} from {_quoted(self._table.name)}"
        if self._changed is None:
            return question, []
        return (
            f"{question} where strftime(month, '%Y-%m') in "
            "(select unnest(?::varchar[]))",
            [list(self._changed)],
        )


def _make_quick(
    connection: Connection[Any], target: sql.Identifier, table: Table, notes: Notes
) -> None:
    """Make the indexes, and the statistics by which queries are planned."""
    from psycopg import sql

    for statement in _indexes(target, table, notes):
        connection.execute(statement)
    connection.execute(f"set local default_statistics_target = {_STATISTICS}")
    connection.execute(sql.SQL("analyze {}").format(target))


def _indexes(
    target: sql.Identifier, table: Table, notes: Notes
) -> Iterator[sql.Composed]:
    """Yield what indexes a table: what tells rows apart, and what people ask by."""
    from psycopg import sql

    if table.rows < _FEW_ROWS:
        return
    names = set(table.names)
    chosen: list[tuple[str, ...]] = []
    if notes.key and names.issuperset(notes.key):
        chosen.append(notes.key)
    for asked_by in (_TIME, _AREA):
        name = next((one for one in asked_by if one in names), None)
        if name and not any(one[0] == name for one in chosen):
            chosen.append((name,))
    for columns in chosen:
        yield sql.SQL("create index on {} ({})").format(
            target, sql.SQL(", ").join(map(sql.Identifier, columns))
        )


def _comments(
    target: sql.Identifier, table: Table, notes: Notes
) -> Iterator[sql.Composed]:
    from psycopg import sql

    if notes.description:
        yield sql.SQL("comment on table {} is {}").format(
            target, sql.Literal(notes.description.strip())
        )
    for name, meaning in notes.columns.items():
        if name in table.names and meaning:
            yield sql.SQL("comment on column {} is {}").format(
                sql.Identifier(*target._obj, name), sql.Literal(meaning.strip())
            )
