"""What can be wrong with the server, each with what to do next."""

from __future__ import annotations

from edp_platform.told import Told


class DatabaseUnavailable(Told):
    """The server is not running, cannot be started, or cannot be reached."""


class AccountUnusable(DatabaseUnavailable):
    """Started as root, and there is no account that PostgreSQL could run under."""


class NotEncrypted(Told):
    """A server on another machine would be talked to without TLS."""


class PasswordLost(Told):
    """A role's password is not kept in this home."""
