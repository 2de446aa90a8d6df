"""A session of the database as one person, for any program that speaks to PostgreSQL."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from edp_platform.database.connecting import SERVING
from edp_platform.database.passwords import passfile, password_of
from edp_platform.database.server import Server
from edp_platform.governance.audit import AuditLog, Event
from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.told import Told

#: Who looks after the machine of a trial, and may try it as somebody else.
OPERATOR_ROLE = "platform_operator"


class NotAsThem(Told):
    """Who asks may not open a session as that person; nothing was opened."""


def may_open(registers: Registers, actor: str, person: str, is_embedded: bool) -> None:
    """Refuse a session as somebody else, but to the operator of the server at home.

    Raises:
        NotAsThem: see above.
    """
    if actor == person:
        return
    found = registers.people.get(actor)
    is_operator = found is not None and found.role == OPERATOR_ROLE
    if is_embedded and is_operator:
        return
    raise NotAsThem(
        f"{actor} may open a session as {actor} alone, not as {person}: what people ask "
        "is logged as theirs. The operator of a trial on one machine may; on a managed "
        "server nobody may."
    )


def environment(home: Home, person: str) -> dict[str, str]:
    """Return what libpq reads: server, login, database and where the password stands.

    The password stands in a file of its own that nobody else may read, never among the
    arguments of a program, which everybody on the machine can see.

    Raises:
        PasswordLost: the person has no login.
        DatabaseUnavailable: the server is not running.
    """
    server = Server.of(home)
    return {
        "PGHOST": server.host,
        "PGPORT": str(server.port),
        "PGUSER": person,
        "PGDATABASE": SERVING,
        "PGPASSFILE": str(_passfile(home, person)),
    }


def _passfile(home: Home, person: str) -> Path:
    password = password_of(home, person)
    path = passfile(home, person)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    # Any host and port: the embedded server takes another port when its own is taken.
    text = f"*:*:*:{person}:{password}\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(text)
    return path


def log_session(
    home: Home, actor: str, person: str, purposes: list[str], what: str, now: datetime
) -> None:
    """Log that a session was opened as a person, before it is.

    Raises:
        WriteFailed: it cannot be logged, so it must not be opened.
    """
    AuditLog(home).record(
        Event(
            operation="consultation",
            actor=actor,
            on_behalf_of=person,
            purpose_id=", ".join(purposes) or "none granted",
            justification=f"edp access as {person}: {what}",
            object="serving database: session opened",
        ),
        now,
    )
