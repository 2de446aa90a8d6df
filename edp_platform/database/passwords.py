"""Passwords of the server's roles: random, one file a role, readable by its owner alone.

The server gets only what SCRAM derives from a password, so that neither its catalogue
nor its log ever holds one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from edp_platform.database.failures import PasswordLost
from edp_platform.home import Home

_BYTES = 32
#: As the catalogue keeps it.
_VERIFIER = re.compile(
    r"SCRAM-SHA-256\$(?P<times>\d+):(?P<salt>[^$]+)\$(?P<stored>[^:]+):.+"
)
#: What a file may be called, so that no role's name leads out of the folder.
_ROLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,62}\Z")


def password_file(home: Home, role: str) -> Path:
    """Return where a role's password is kept.

    Raises:
        ValueError: the name could not be a role's.
    """
    if not _ROLE.match(role):
        raise ValueError(f"{role!r} is no name of a role")
    return home.keys / "postgres" / role


def has_password(home: Home, role: str) -> bool:
    """Whether this home keeps a password of the role."""
    return password_file(home, role).exists()


def password_of(home: Home, role: str) -> str:
    """Return a role's password.

    Raises:
        PasswordLost: this home keeps none.
    """
    try:
        return password_file(home, role).read_text(encoding="ascii")
    except FileNotFoundError:
        raise PasswordLost(
            f"This home keeps no password of the database role {role} "
            f"({password_file(home, role)}), so nobody can sign in as it. A role that "
            "is declared gets one with: edp access apply. The platform's own get one "
            "with: edp database migrate."
        ) from None


def ensure_password(home: Home, role: str) -> tuple[str, bool]:
    """Return a role's password, making one if there is none, and whether it is new."""
    path = password_file(home, role)
    if path.exists():
        return password_of(home, role), False
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        # Two commands at once must agree on one.
        with suppress(FileExistsError):
            os.link(temporary, path)
            return password_of(home, role), True
    finally:
        temporary.unlink()
    return password_of(home, role), False


def passfile(home: Home, role: str) -> Path:
    """Return where a role's password stands in the form that libpq reads."""
    return password_file(home, role).parent / "passfiles" / role


def forget_password(home: Home, role: str) -> None:
    """Remove a role's password, where there is one, in every form it was kept."""
    password_file(home, role).unlink(missing_ok=True)
    passfile(home, role).unlink(missing_ok=True)


def is_of(verifier: str, password: str) -> bool:
    """Whether what a server keeps of a password is of this one.

    Source: RFC 5802, 3 (SaltedPassword, ClientKey, StoredKey); RFC 7677 for SHA-256;
    PostgreSQL writes `SCRAM-SHA-256$ITERATIONS:SALT$STORED_KEY:SERVER_KEY`.
    """
    found = _VERIFIER.fullmatch(verifier)
    if found is None:
        return False
    salt, stored = (base64.b64decode(found[one]) for one in ("salt", "stored"))
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, int(found["times"]))
    client = hmac.digest(salted, b"Client Key", "sha256")
    return hmac.compare_digest(hashlib.sha256(client).digest(), stored)
