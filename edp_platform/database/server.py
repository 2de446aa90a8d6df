"""The PostgreSQL of one home, whoever runs it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Any, NoReturn, Protocol

from edp_platform.database import managed
from edp_platform.database.embedded import EmbeddedServer
from edp_platform.database.managed import ManagedServer
from edp_platform.home import Home


class AnyServer(Protocol):
    """What every server can be asked."""

    home: Home

    @property
    def is_embedded(self) -> bool:
        """Whether the platform starts and stops it."""

    @property
    def host(self) -> str:
        """Where it listens."""

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            DatabaseUnavailable: it is not running.
        """

    def administrator(self) -> dict[str, Any]:
        """Return how the administrator connects, without the database."""

    def sign_in(self, role: str) -> dict[str, Any]:
        """Return how a role connects, without the database.

        Raises:
            PasswordLost: this home keeps no password of the role.
        """

    def is_running(self) -> bool:
        """Whether it takes connections."""

    def start(self) -> None:
        """Start it if need be, leave it running, and migrate it if it is behind.

        Raises:
            DatabaseUnavailable: it cannot be started or reached.
        """

    def stop(self) -> None:
        """Stop it.

        Raises:
            DatabaseUnavailable: it does not stop, or is not ours to stop.
        """

    def running(self) -> AbstractContextManager[None]:
        """Have it running for a while."""


class Server:
    """Finds the server of a home."""

    @staticmethod
    def of(home: Home) -> AnyServer:
        """Return the server of a home: the one `EDP_POSTGRES_URL` names, else its own.

        Raises:
            DatabaseUnavailable: the URL cannot be understood.
            NotEncrypted: the server would be talked to without TLS.
        """
        url = os.environ.get(managed.SETTING)
        return ManagedServer(home, url) if url else EmbeddedServer(home)


@contextmanager
def running(home: Home) -> Iterator[AnyServer]:
    """Have the server of a home running; leave no process behind that was not there.

    Also where the command is interrupted or told to end. One that is killed leaves the
    server; the next command that needs it stops it when it ends.

    Raises:
        DatabaseUnavailable: it cannot be started or reached.
        NotEncrypted: it would be talked to without TLS.
    """
    server = Server.of(home)
    with _ending_in_order(), server.running():
        yield server


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Have SIGTERM unwind, where it would end the process where it stands."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    try:
        signal.signal(signal.SIGTERM, end)
    except ValueError:  # only the main thread hears signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
