"""Marts made up in a moment, published to a server, and read by one login."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import psycopg
import pytest
from psycopg import sql

from edp_platform.database.connecting import administrator
from edp_platform.database.server import Server
from edp_platform.home import Home
from edp_platform.publishing.serving import ServedSnapshot, publish_serving
from edp_platform.publishing.snapshot import publish

READER = "publication_reader"
START = datetime(2026, 3, 1, 9, tzinfo=UTC)


def open_to_reader(connection: psycopg.Connection[Any], schema: str) -> None:
    """Open every table to one login, where `access` would ask the register."""
    name = sql.Identifier(schema)
    connection.execute(
        sql.SQL("grant usage on schema {} to {}").format(name, sql.Identifier(READER))
    )
    for (table,) in connection.execute(
        "select tablename from pg_tables where schemaname = %s", [schema]
    ).fetchall():
        whole = sql.Identifier(schema, table)
        connection.execute(
            sql.SQL("create policy may_read on {} for select using (true)").format(
                whole
            )
        )
        connection.execute(
            sql.SQL("grant select on {} to {}").format(whole, sql.Identifier(READER))
        )


@pytest.fixture
def marts_room(own_serving: Home) -> Iterator[Home]:
    """A home with a running server, one login that reads, and no mart yet."""
    with administrator(own_serving, autocommit=True) as connection:
        connection.execute(
            f"create role {READER} login password 'x' in role edp_reader"
        )
    own_serving.warehouse.parent.mkdir(parents=True)
    yield own_serving


@contextmanager
def reading(home: Home, autocommit: bool = True) -> Iterator[psycopg.Connection[Any]]:
    given = Server.of(home).administrator() | {"user": READER, "password": "x"}
    with psycopg.connect(
        **(given | {"dbname": "edp"}), autocommit=autocommit
    ) as connection:
        yield connection


def build(home: Home, *statements: str) -> None:
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("create schema if not exists marts")
        for statement in statements:
            connection.execute(statement)


def record(code: str, **months: str) -> dict[str, Any]:
    return {
        "code": code,
        "whole": "w",
        "months": {f"2026-{name[1:]}": mark for name, mark in months.items()},
    }


def serve(
    home: Home,
    minute: int,
    tables: Sequence[str],
    records: Mapping[str, Any] | None = None,
    doubted: Sequence[str] = (),
    **options: Any,
) -> ServedSnapshot:
    """Publish the copy of a minute, and then to PostgreSQL."""
    publish(
        home,
        tables,
        START + timedelta(minutes=minute),
        records=records,
        doubted=doubted,
    )
    return publish_serving(home, grants=open_to_reader, **options)


NAMES = ("first", "second", "third")


def build_version(room: Home, number: int) -> None:
    """Make three marts that all say which build they are of."""
    build(
        room,
        *(
            f"create or replace table marts.{name} as select {number} as version, "
            "i as n from range(200) as r (i)"
            for name in NAMES
        ),
    )


def swap_under_readers(
    room: Home, readers: int, versions: Iterator[int]
) -> tuple[list[tuple[Any, ...]], dict[str, int], list[BaseException]]:
    """Publish version after version while readers join all three marts.

    Each reader asks the same question over and over on one connection, so that the
    driver prepares it; every fourth asks in transactions.

    Returns:
        what they saw (snapshot, then least, most and count of each mart), snapshot →
        version, and what went wrong.
    """
    first = next(versions)
    build_version(room, first)
    served = {serve(room, first, NAMES).id: first}
    question = (
        "select (select id from publication.current()), "
        + ", ".join(f"{name}.v, {name}.w, {name}.c" for name in NAMES)
        + " from "
        + ", ".join(
            f"(select min(version) as v, max(version) as w, count(*) as c "
            f"from marts.{name}) as {name}"
            for name in NAMES
        )
    )
    seen: list[tuple[Any, ...]] = []
    faults: list[BaseException] = []
    is_over = threading.Event()

    def read(number: int) -> None:
        try:
            with reading(room, autocommit=number % 4 != 0) as connection:
                while not is_over.is_set():
                    seen.extend(connection.execute(question).fetchall())
                    if number % 4 == 0:
                        connection.commit()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=read, args=[one]) for one in range(readers)]
    for one in threads:
        one.start()
    try:
        for number in versions:
            build_version(room, number)
            served[serve(room, number, NAMES).id] = number
    finally:
        is_over.set()
        for one in threads:
            one.join()
    return seen, served, faults


def mixed(seen: list[tuple[Any, ...]], served: Mapping[str, int]) -> list[Any]:
    """Return the answers that are not of one snapshot throughout."""
    return [
        row
        for row in seen
        if row[1:] != (served[row[0]], served[row[0]], 200) * len(NAMES)
    ]
