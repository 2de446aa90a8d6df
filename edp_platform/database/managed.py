"""A PostgreSQL that somebody else runs, named in `EDP_POSTGRES_URL`."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edp_platform.database.failures import DatabaseUnavailable, NotEncrypted
from edp_platform.database.passwords import password_of
from edp_platform.home import Home

SETTING = "EDP_POSTGRES_URL"
_ENCRYPTED = ("require", "verify-ca", "verify-full")
#: A service's file could name any server, so that nobody could say here which.
_NOT_TAKEN = ("service", "passfile")


def is_named() -> bool:
    """Whether a managed server is named."""
    return bool(os.environ.get(SETTING))


def parameters(url: str) -> dict[str, Any]:
    """Return what the URL says, for psycopg.

    Raises:
        DatabaseUnavailable: it is no URL of a PostgreSQL, or names no server.
        NotEncrypted: it would be talked to over the network without TLS.
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    scheme, mark, rest = url.partition("://")
    if mark and scheme.partition("+")[0] in ("postgres", "postgresql"):
        url = f"postgresql://{rest}"
    try:
        found = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # psycopg's words would repeat the URL, and the password in it.
        raise DatabaseUnavailable(
            f"{SETTING} is not the URL of a PostgreSQL server. Write: "
            "postgresql://USER:PASSWORD@HOST:5432/postgres?sslmode=verify-full"
        ) from None
    hosts = _hosts(found)
    refused = [name for name in _NOT_TAKEN if found.get(name)]
    if refused or not hosts:
        raise DatabaseUnavailable(
            f"{SETTING} must name the server itself (postgresql://USER:PASSWORD@HOST…)"
            + (f", not through {refused[0]}." if refused else ".")
        )
    if not all(map(_is_loopback, hosts)) and found.get("sslmode") not in _ENCRYPTED:
        raise NotEncrypted(
            f"{SETTING} names {', '.join(hosts)}, which is another machine, without "
            "TLS: people's data and passwords would cross the network readable. "
            "Nothing was sent. Add sslmode=verify-full (with sslrootcert=FILE of the "
            "server's authority, or sslrootcert=system), or at least sslmode=require, "
            "to the URL."
        )
    return found


def _hosts(found: dict[str, Any]) -> list[str]:
    """Return every host and address that may be talked to."""
    given = ",".join(str(found[name]) for name in ("host", "hostaddr") if name in found)
    return [one.strip() for one in given.split(",") if one.strip()]


def _is_loopback(host: str) -> bool:
    if host.startswith("/") or host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class ManagedServer:
    """A server that the platform neither starts nor stops.

    Args:
        home: who keeps the passwords of the roles made there.
        url: as given; its user may make roles and databases.

    Raises:
        DatabaseUnavailable: the URL cannot be understood.
        NotEncrypted: it would be talked to without TLS.
    """

    def __init__(self, home: Home, url: str) -> None:
        self.home = home
        self._given = parameters(url)

    @property
    def is_embedded(self) -> bool:
        """Whether the platform starts and stops it."""
        return False

    @property
    def host(self) -> str:
        """Where it listens."""
        return _hosts(self._given)[0]

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(str(self._given.get("port") or 5432).split(",")[0])

    def administrator(self) -> dict[str, Any]:
        """Return how the administrator connects, without the database."""
        return {name: value for name, value in self._given.items() if name != "dbname"}

    def sign_in(self, role: str) -> dict[str, Any]:
        """Return how a role connects, without the database.

        Raises:
            PasswordLost: this home keeps no password of the role.
        """
        password = password_of(self.home, role)
        return self.administrator() | {"user": role, "password": password}

    def is_running(self) -> bool:
        """Whether it takes connections."""
        import psycopg

        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def start(self) -> None:
        """See that it is there, and migrate it if it is behind.

        Raises:
            DatabaseUnavailable: it cannot be reached, or refuses the sign-in.
        """
        import psycopg

        from edp_platform.database.migrating import migrate_if_behind

        try:
            self._connect().close()
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(
                f"The PostgreSQL server {self.host}:{self.port} of {SETTING} cannot be "
                f"used: {' '.join(str(error).split())}"
            ) from None
        migrate_if_behind(self.home)

    def stop(self) -> None:
        """Leave it running: it is not ours.

        Raises:
            DatabaseUnavailable: always, to say so.
        """
        raise DatabaseUnavailable(
            f"The server {self.host}:{self.port} is named in {SETTING}; whoever runs it "
            "stops it."
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Have it there.

        Raises:
            DatabaseUnavailable: it cannot be reached.
        """
        self.start()
        yield

    def _connect(self) -> Any:
        import psycopg

        given = self.administrator() | {"dbname": "postgres", "connect_timeout": 10}
        return psycopg.connect(**given)
