"""Sessions: a signed name in a cookie, and a record of ours that says whose it is.

The cookie holds a random name and nothing about the person. The record is a file, so
that every web part of one home knows the session, and removing it ends it everywhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from itsdangerous import BadSignature, TimestampSigner, URLSafeTimedSerializer

from edp_platform.files import read_json, write_json
from edp_platform.home import Home

#: A session ends after this, whatever happens in it.
LONGEST_SECONDS = 8 * 3600
#: How long somebody may take at the identity provider.
_UNDERWAY_SECONDS = 600


@dataclass(frozen=True)
class Session:
    """One session.

    Attributes:
        person: whose, by id.
        mode: how they signed in; it counts only while that is still the way.
        began: when, in seconds since 1970.
    """

    person: str
    mode: str
    began: float


class Sessions:
    """The sessions of one home.

    Args:
        home: where records and the signing key stand, readable by its owner alone.

    Raises:
        OSError: they cannot be made.
    """

    def __init__(self, home: Home) -> None:
        self._folder = home.root / "signin" / "sessions"
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = _key(home)
        self._signer = TimestampSigner(
            key, salt="edp.session", digest_method=hashlib.sha256
        )
        self._underway = URLSafeTimedSerializer(
            key, salt="edp.underway", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def begin(self, person: str, mode: str, now: float) -> str:
        """Begin a session; return what goes into the cookie."""
        self._sweep(now)
        name = secrets.token_urlsafe(32)
        write_json(self._path(name), asdict(Session(person, mode, now)))
        return self._signer.sign(name).decode()

    def find(self, cookie: str, mode: str, now: float) -> Session | None:
        """Return the session of a cookie, if it is one of ours and still runs."""
        name = self._name(cookie)
        record = read_json(self._path(name)) if name else None
        if record is None:
            return None
        session = Session(**record)
        is_running = 0 <= now - session.began < LONGEST_SECONDS
        return session if session.mode == mode and is_running else None

    def end(self, cookie: str) -> None:
        """End a session: whoever holds a copy of the cookie is signed out too."""
        name = self._name(cookie)
        if name:
            self._path(name).unlink(missing_ok=True)

    def seal(self, value: dict[str, Any]) -> str:
        """Sign what a browser keeps for us while its person is at the provider."""
        return str(self._underway.dumps(value))

    def unseal(self, cookie: str) -> dict[str, Any] | None:
        """Return what was sealed within the last ten minutes; else None."""
        try:
            found: dict[str, Any] = self._underway.loads(
                cookie, max_age=_UNDERWAY_SECONDS
            )
        except BadSignature:
            return None
        return found

    def _name(self, cookie: str) -> str | None:
        try:
            return self._signer.unsign(cookie, max_age=LONGEST_SECONDS).decode()
        except (BadSignature, UnicodeError):
            return None

    def _path(self, name: str) -> Path:
        # Hashed: who reads the folder cannot sign in with what they find.
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()}.json"

    def _sweep(self, now: float) -> None:
        for path in self._folder.glob("*.json"):
            with contextlib.suppress(FileNotFoundError):
                if now - path.stat().st_mtime > LONGEST_SECONDS:
                    path.unlink()


def _key(home: Home) -> bytes:
    path = home.keys / "signin"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Written beside and linked in place: another process never reads half of it.
        mine = path.with_name(f".signin.{secrets.token_hex(8)}")
        descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(32))
        with contextlib.suppress(FileExistsError):  # another was first
            os.link(mine, path)
        mine.unlink()
    return path.read_bytes()
