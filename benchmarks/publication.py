"""Publication to PostgreSQL beside raw COPY: `python -m benchmarks.publication HOME N`.

Both fill tables of the same columns on the same server, in turns. Raw COPY reads files
that PostgreSQL itself wrote in its binary form, so that nothing is left to encode; a
server that has nothing else to do is what publication is held against. Once the rows
alone, and once with indexes and statistics: there raw COPY makes the same ones after it.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from edp_platform.database.connecting import administrator, owner
from edp_platform.database.server import running
from edp_platform.home import Home
from edp_platform.publishing import served_tables
from edp_platform.publishing.serving import publish_serving

_BLOCK = 1 << 18


def _publish(home: Home) -> tuple[float, int]:
    """Publish to a server that holds nothing; return the seconds and the rows."""
    with administrator(home, autocommit=True) as connection:
        connection.execute("drop schema if exists marts cascade")
        connection.execute("truncate publication.snapshot")
    started = time.perf_counter()
    served = publish_serving(home, grants=lambda connection, schema: None)
    return time.perf_counter() - started, sum(served.sent.values())


def _made(connection: psycopg.Connection[Any]) -> dict[str, tuple[str, list[str]]]:
    """Return table → what makes one of the same columns in `raw`, and makes it quick."""
    tables = served_tables.served_columns(connection, "marts")
    found: dict[str, tuple[str, list[str]]] = {}
    for name, columns in tables.items():
        stated = ", ".join(f'"{column}" {kind}' for column, kind in columns)
        indexes = connection.execute(
            "select indexdef from pg_indexes where schemaname = 'marts' "
            "and tablename = %s",
            [name],
        ).fetchall()
        found[name] = (
            f'create table raw."{name}" ({stated})',
            [
                *(text.replace(" ON marts.", " ON raw.") for (text,) in indexes),
                f"set local default_statistics_target = {served_tables._STATISTICS}",
                f'analyze raw."{name}"',
            ],
        )
    return found


def _write_ready(home: Home, folder: Path, tables: list[str]) -> None:
    with administrator(home) as connection:
        for name in tables:
            question = sql.SQL("copy {} to stdout (format binary)").format(
                sql.Identifier("marts", name)
            )
            with (
                (folder / name).open("wb") as file,
                connection.cursor() as cursor,
                cursor.copy(question) as out,
            ):
                for block in out:
                    file.write(block)


def _raw(home: Home, folder: Path, tables: dict[str, tuple[str, list[str]]]) -> float:
    with owner(home) as connection:
        connection.execute("drop schema if exists raw cascade")
        connection.execute("create schema raw")
        connection.commit()
        started = time.perf_counter()
        for name, (statement, indexes) in tables.items():
            connection.execute(statement)
            into = sql.SQL("copy {} from stdin (format binary, freeze)").format(
                sql.Identifier("raw", name)
            )
            with (
                (folder / name).open("rb") as file,
                connection.cursor() as cursor,
                cursor.copy(into) as copy,
            ):
                while block := file.read(_BLOCK):
                    copy.write(block)
            for index in indexes:
                connection.execute(index)
            connection.commit()
        return time.perf_counter() - started


@contextmanager
def _rows_alone() -> Iterator[None]:
    before = served_tables._make_quick
    served_tables._make_quick = lambda *given: None
    try:
        yield
    finally:
        served_tables._make_quick = before


def measure(home: Home, rounds: int) -> dict[str, Any]:
    """Return the rows, and per round the seconds of each of the four."""
    told: dict[str, Any] = {"plain": [], "indexed": []}
    with (
        tempfile.TemporaryDirectory() as given,
        running(home),
    ):
        folder = Path(given)
        _publish(home)
        with owner(home) as connection:
            tables = _made(connection)
        _write_ready(home, folder, list(tables))
        bare = {name: (made, []) for name, (made, _) in tables.items()}
        _raw(home, folder, bare)
        for _ in range(rounds):
            with _rows_alone():
                seconds, told["rows"] = _publish(home)
            told["plain"].append([seconds, _raw(home, folder, bare)])
            seconds, _ = _publish(home)
            told["indexed"].append([seconds, _raw(home, folder, tables)])
    return told


if __name__ == "__main__":
    opened = Home.open(date.today(), Path(sys.argv[1]))
    print(json.dumps(measure(opened, int(sys.argv[2]))))
