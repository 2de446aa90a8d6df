"""Connections of the three kinds there are: administrator, owner, a person.

Each is one sign-in with a password of its own; nobody borrows another's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edp_platform.database.failures import DatabaseUnavailable
from edp_platform.database.server import Server
from edp_platform.home import Home

if TYPE_CHECKING:
    from psycopg import Connection

#: The databases: what is served to people, and Dagster's own storage.
SERVING = "edp"
DAGSTER = "dagster"

#: Owns what is served; may not make roles and passes no row security of people.
OWNER = "edp_owner"
#: What every person's login is a member of: may connect, and sees nothing by itself.
READER = "edp_reader"
#: Owns Dagster's storage and sees nothing else.
DAGSTER_ROLE = "edp_dagster"


def administrator(
    home: Home, database: str = SERVING, *, autocommit: bool = False
) -> Connection[Any]:
    """Connect as who may make roles and databases.

    Raises:
        DatabaseUnavailable: the server is not running or refuses.
    """
    return _connect(Server.of(home).administrator(), database, autocommit)


def owner(
    home: Home, *, autocommit: bool = False, database: str = SERVING
) -> Connection[Any]:
    """Connect as the owner of what is served.

    Raises:
        DatabaseUnavailable: the server is not running or refuses.
        PasswordLost: the server was never migrated from this home.
    """
    return _connect(Server.of(home).sign_in(OWNER), database, autocommit)


def as_person(
    home: Home, person_id: str, *, autocommit: bool = True
) -> Connection[Any]:
    """Connect as a person: their own login, which bears their id.

    Raises:
        DatabaseUnavailable: the server is not running, or refuses this person.
        PasswordLost: the person has no login.
    """
    return _connect(Server.of(home).sign_in(person_id), SERVING, autocommit)


def connection_string(home: Home, role: str, database: str = SERVING) -> str:
    """Return what a client (psql, Power BI's gateway, Python) connects with.

    Raises:
        DatabaseUnavailable: the server is not running.
        PasswordLost: the role has no login.
    """
    from psycopg.conninfo import make_conninfo

    return make_conninfo("", **Server.of(home).sign_in(role), dbname=database)


def _connect(
    parameters: dict[str, Any], database: str, autocommit: bool
) -> Connection[Any]:
    import psycopg

    try:
        return psycopg.connect(
            **{"application_name": "edp", **parameters, "dbname": database},
            autocommit=autocommit,
        )
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())
        if "password authentication failed" in said:
            # Whoever signs in may have changed it there.
            said += (
                ". The password kept in this home is not the server's; of a person it is "
                "set again by: edp access apply."
            )
        raise DatabaseUnavailable(
            f"The database {database} could not be opened as {parameters['user']}: "
            f"{said}"
        ) from error
