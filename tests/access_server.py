"""The made-up force of `tests.access_room` on a real server: published, applied, asked.

A module of tests has a server of its own (`placed`), so that nothing it does by hand
meets another's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from edp_platform.access.applying import apply, grant_columns, plan
from edp_platform.access.declared import Declared
from edp_platform.database.connecting import administrator, as_person, owner
from edp_platform.home import Home
from tests.access_room import MARTS, ROWS, World
from tests.serving_room import running_home

WORLD = World()
_TYPES = {"n": "integer"}


def placed() -> Iterator[Home]:
    """Have a server of one's own, with the two marts published in it."""
    for home in running_home():
        with owner(home) as connection:
            connection.execute("create schema if not exists marts")
            publish(connection, "marts")
        yield home


def publish(connection: psycopg.Connection[Any], schema: str) -> None:
    """Make the marts in a schema, as publication does."""
    for mart in MARTS.values():
        columns = {one.name: _TYPES.get(one.name, "text") for one in mart.columns}
        make(connection, schema, mart.name, columns, ROWS[mart.name])
    grant_columns(connection, schema)


def make(
    connection: psycopg.Connection[Any],
    schema: str,
    name: str,
    columns: dict[str, str],
    rows: list[dict[str, Any]],
) -> None:
    """Make one table of a schema, with its rows."""
    table = sql.Identifier(schema, name)
    spelled = sql.SQL(", ").join(
        sql.SQL(f"{{}} {kind}").format(sql.Identifier(column))
        for column, kind in columns.items()
    )
    connection.execute(sql.SQL("create table {} ({})").format(table, spelled))
    for row in rows:
        connection.execute(
            sql.SQL("insert into {} values ({})").format(
                table, sql.SQL(", ").join(map(sql.Literal, row.values()))
            )
        )


def make_so(home: Home, world: World | Declared) -> Any:
    """Make the server as a force declares it."""
    declared = world.declared() if isinstance(world, World) else world
    with administrator(home) as connection:
        return apply(home, connection, declared)


def differences(home: Home, world: World = WORLD) -> list[str]:
    """Return where the server differs from what a force declares."""
    with administrator(home) as connection:
        return [
            f"{one.kind} {one.name} {one.said}"
            for one in plan(connection, world.declared())
        ]


def rows_of(home: Home, who: str, query: str) -> Any:
    """Return the rows that a person gets, or the kind of error that refuses them."""
    try:
        with as_person(home, who) as connection:
            return connection.execute(query).fetchall()
    except psycopg.Error as error:
        return type(error)


def as_owner(home: Home, statement: str) -> None:
    """Do something as the owner of what is published."""
    with owner(home) as connection:
        connection.execute(statement)


def as_administrator(home: Home, *statements: str) -> None:
    """Do something by hand, as who administers the server."""
    with administrator(home) as connection:
        for statement in statements:
            connection.execute(statement)
