"""Are two sets of tables the same, row for row?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb

#: Sums of the same numbers in another order differ in their last digits.
_DIGITS = 6


class TablesDiffer(AssertionError):
    """The two sides did not make the same rows, so their times say nothing."""


def compare_tables(
    left: Path,
    right: Path,
    schemas: Sequence[str] = ("facts", "marts"),
    only: Collection[str] | None = None,
) -> dict[str, int]:
    """Compare every table of the left with the right's, both ways.

    Args:
        left: a DuckDB file, the platform's.
        right: a DuckDB file, the script's.
        schemas: which schemas to compare.
        only: the tables ("marts.crime_by_month") to compare, in the columns that the
            right has; None: all of them, in all columns.

    Returns:
        table → rows, of the tables compared; every one is equal.

    Raises:
        TablesDiffer: rows of a table stand on one side only, or a table with rows or a
            column of the left is not on the right; with their numbers.
    """
    rows: dict[str, int] = {}
    problems = []
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach '{left}' as theirs (read_only)")
        connection.execute(f"attach '{right}' as ours (read_only)")
        connection.execute("set enable_progress_bar = false")
        made = set(_tables(connection, "ours", schemas))
        for name in only or _tables(connection, "theirs", schemas):
            # Tables of data sets that were not landed are empty, and not made by hand.
            if name not in made and not _count(connection, f"from theirs.{name}"):
                continue
            columns = _columns(connection, name, "ours" if only else "theirs")
            one = f"select {columns} from theirs.{name}"
            try:
                other = f"select {columns} from ours.{name}"
                rows[name] = _count(connection, one)
                missing = _count(connection, f"({one}) except all ({other})")
                surplus = _count(connection, f"({other}) except all ({one})")
            except duckdb.Error as error:
                problems.append(f"{name}: {str(error).splitlines()[0]}")
                continue
            if missing or surplus:
                problems.append(
                    f"{name}: {missing:,} rows only on the left, "
                    f"{surplus:,} only on the right"
                )
    if problems:
        raise TablesDiffer("; ".join(problems))
    return rows


def _tables(
    connection: duckdb.DuckDBPyConnection, database: str, schemas: Sequence[str]
) -> list[str]:
    found = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() "
        "where database_name = ? and list_contains(?, schema_name) order by 1",
        [database, list(schemas)],
    ).fetchall()
    return [name for (name,) in found]


def _columns(connection: duckdb.DuckDBPyConnection, name: str, database: str) -> str:
    """Return every column that one side has, floating numbers rounded."""
    schema, table = name.split(".")
    found = connection.execute(
        "select column_name, data_type from duckdb_columns() "
        "where database_name = ? and schema_name = ? and table_name = ? "
        "order by column_index",
        [database, schema, table],
    ).fetchall()
    return ", ".join(
        f'round("{column}", {_DIGITS})'
        if kind in ("DOUBLE", "FLOAT")
        else f'"{column}"'
        for column, kind in found
    )


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    counted = connection.execute(f"select count(*) from ({query})").fetchone()
    return int(counted[0]) if counted else 0


def gather_marts(folder: Path, target: Path) -> list[str]:
    """Put a script's Parquet marts into one DuckDB file to compare; return their names."""
    names = []
    with duckdb.connect(str(target)) as connection:
        connection.execute("create schema marts")
        for path in sorted(folder.glob("*.parquet")):
            names.append(f"marts.{path.stem}")
            connection.execute(f"create table {names[-1]} as from '{path}'")
    return names
