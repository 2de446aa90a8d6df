"""Bringing a server's schema up to date: roles and databases, then numbered migrations.

Roles and databases belong to the whole server and cannot be made in a transaction, so
they are made here, each where it is missing. Everything else is a migration of Alembic
in `migrations/versions`, plain SQL, called `NNNN_what_it_does.py` with revision `NNNN`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edp_platform.database import locking
from edp_platform.database.connecting import (
    DAGSTER,
    DAGSTER_ROLE,
    OWNER,
    READER,
    SERVING,
    administrator,
)
from edp_platform.database.passwords import ensure_password, has_password
from edp_platform.home import Home

if TYPE_CHECKING:
    from psycopg import Connection

_FOLDER = Path(__file__).parent / "migrations"
#: Kept by Alembic: the number that the database stands at.
_TABLE = "schema_version"
_SCHEMA = "gov"
#: PostgreSQL 16 is the first that keeps places for roles that are no superusers.
_RESERVES = 160_000
#: Two machines may migrate one managed server: a number of our own, any would do.
_ADVISORY_LOCK = 477_104_001


def latest() -> str:
    """Return the number of the newest migration."""
    return max(path.name[:4] for path in (_FOLDER / "versions").glob("[0-9]*_*.py"))


def version(home: Home) -> str | None:
    """Return the number that the database stands at; None before the first.

    Raises:
        DatabaseUnavailable: the server is not running.
    """
    with administrator(home, "postgres", autocommit=True) as connection:
        known = connection.execute(
            "select 1 from pg_database where datname = %s", [SERVING]
        ).fetchone()
    if not known:
        return None
    with administrator(home, autocommit=True) as connection:
        known = connection.execute(
            "select to_regclass(%s)", [f"{_SCHEMA}.{_TABLE}"]
        ).fetchone()
        if known is None or known[0] is None:
            return None
        found = connection.execute(
            f"select version_num from {_SCHEMA}.{_TABLE}"
        ).fetchone()
    return str(found[0]) if found else None


def is_behind(home: Home) -> bool:
    """Whether a migration is waiting, or this home lacks the password of a role.

    Raises:
        DatabaseUnavailable: the server is not running.
    """
    if not all(has_password(home, role) for role in (OWNER, DAGSTER_ROLE)):
        return True
    found = version(home)
    return found is None or found < latest()


def migrate_if_behind(home: Home) -> None:
    """Migrate where something is waiting.

    Raises:
        DatabaseUnavailable: the server is not running.
    """
    if is_behind(home):
        migrate(home)


def migrate(home: Home) -> str:
    """Bring the server up to date; running it again changes nothing.

    Returns:
        the number it stands at.

    Raises:
        DatabaseUnavailable: the server is not running.
        psycopg.Error: a migration failed; it and those after it were not applied.
    """
    with (
        locking.alone(home.root / "postgres" / ".migrating.lock"),
        administrator(home, "postgres", autocommit=True) as connection,
    ):
        connection.execute("select pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        _make_roles(home, connection)
        _make_databases(connection)
        _close_to_strangers(home)
        _upgrade(home)
    return latest()


def _make_roles(home: Home, connection: Connection[Any]) -> None:
    known = {
        name
        for (name,) in connection.execute(
            "select rolname from pg_roles where rolname = any(%s)",
            [[OWNER, READER, DAGSTER_ROLE]],
        ).fetchall()
    }
    if READER not in known:
        connection.execute(f"create role {READER} nologin")
    for role in (OWNER, DAGSTER_ROLE):
        if role not in known:
            connection.execute(f"create role {role} login")
        password, is_new = ensure_password(home, role)
        if is_new or role not in known:
            set_password(connection, role, password)
        # Databases and migrations are made on its behalf.
        connection.execute(f"grant {role} to current_user")
        if _is_ours(connection) and connection.info.server_version >= _RESERVES:
            connection.execute(f"grant pg_use_reserved_connections to {role}")


def set_password(connection: Connection[Any], role: str, password: str) -> None:
    """Give a role a password; only what SCRAM derives from it reaches the server."""
    from psycopg import sql

    derived = connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    )
    connection.execute(
        sql.SQL("alter role {} password {}").format(
            sql.Identifier(role), sql.Literal(derived.decode())
        )
    )


def _make_databases(connection: Connection[Any]) -> None:
    for database, role in ((SERVING, OWNER), (DAGSTER, DAGSTER_ROLE)):
        if not connection.execute(
            "select 1 from pg_database where datname = %s", [database]
        ).fetchone():
            connection.execute(
                f"create database {database} owner {role} encoding 'UTF8' "
                "template template0"
            )
    # A power cut may cost Dagster's last events; never an entitlement.
    connection.execute(f"alter database {DAGSTER} set synchronous_commit = off")


def _close_to_strangers(home: Home) -> None:
    """Take from PUBLIC what PostgreSQL gives to everybody who can sign in."""
    with administrator(home, "postgres", autocommit=True) as connection:
        # Of a server that is somebody else's, these two are theirs to open.
        if _is_ours(connection):
            connection.execute(
                "revoke connect, temporary on database postgres, template1 from public"
            )
    for database in (SERVING, DAGSTER):
        with administrator(home, database) as connection:
            connection.execute(f"revoke all on database {database} from public")
            connection.execute("revoke all on schema public from public")
    with administrator(home) as connection:
        connection.execute(f"grant connect on database {SERVING} to {READER}")
        connection.execute(
            f"create schema if not exists {_SCHEMA} authorization {OWNER}"
        )


def _is_ours(connection: Connection[Any]) -> bool:
    row = connection.execute(
        "select rolsuper from pg_roles where rolname = current_user"
    ).fetchone()
    return row is not None and bool(row[0])


def _upgrade(home: Home) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: administrator(home), poolclass=NullPool
    )
    configuration = Config(attributes={"output_buffer": None})
    configuration.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    with engine.connect() as connection:
        configuration.attributes.update(
            connection=connection, version_table=_TABLE, version_schema=_SCHEMA
        )
        command.upgrade(configuration, "head")
    engine.dispose()
