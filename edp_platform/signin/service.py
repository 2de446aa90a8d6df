"""Who a request comes from: the one question every web part asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import Response

from edp_platform.access.holders import Holder
from edp_platform.home import Home
from edp_platform.signin.directory import Directory
from edp_platform.signin.log import SignInLog
from edp_platform.signin.refusals import Refused
from edp_platform.signin.sessions import LONGEST_SECONDS, Sessions
from edp_platform.signin.settings import Settings
from edp_platform.signin.trusted_header import stated_person

_SCOPE = "edp.signed_in"


@dataclass(frozen=True)
class SignedIn:
    """Somebody who is signed in.

    Attributes:
        person: as the register has them at this moment.
        mode: how they signed in.
    """

    person: Holder
    mode: str


@dataclass
class SignIn:
    """What signing in needs, of one home and one process.

    Attributes:
        settings: the way.
        directory: the people.
        sessions: theirs.
        log: of what happened.
        now: the time in seconds since 1970, asked at each request.
    """

    settings: Settings
    directory: Directory
    sessions: Sessions
    log: SignInLog
    now: Callable[[], float] = time.time
    _greeted: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, home: Home, settings: Settings) -> SignIn:
        """Open what a home holds.

        Raises:
            PersonasInvalid: the register of sign-in cannot be relied on.
            OSError: sessions or their key cannot be written.
        """
        directory = Directory(home.made_on)
        directory.personas()
        return cls(settings, directory, Sessions(home), SignInLog(home))

    @property
    def cookie(self) -> str:
        """The session cookie's name; a browser sets `__Host-` only over https."""
        return "__Host-edp_session" if self.settings.is_secure else "edp_session"

    def who(self, conn: HTTPConnection) -> SignedIn | None:
        """Return who asks; None for nobody.

        Asked anew at each request: whoever has left since is nobody from then on.

        Raises:
            Refused: they are named, and may not be let in.
        """
        mode = self.settings.mode
        if self.settings.header is not None:
            person = self._stated(stated_person(self.settings.header, conn))
            if self.now() - self._greeted.get(person.id, 0) > LONGEST_SECONDS:
                self.log.add("signed_in", conn, mode, person=person.id)
                self._greeted[person.id] = self.now()
            return SignedIn(person, mode)
        cookie = conn.cookies.get(self.cookie, "")
        session = self.sessions.find(cookie, mode, self.now())
        if session is None:
            return None
        return SignedIn(self.directory.person(session.person), mode)

    def _stated(self, name: str) -> Holder:
        if "@" in name:
            return self.directory.person_by_email(name)
        return self.directory.person(name)

    def begin(self, conn: HTTPConnection, response: Response, person: Holder) -> None:
        """Sign a person in: end the session there was, begin one, log it."""
        mode = self.settings.mode
        self.sessions.end(conn.cookies.get(self.cookie, ""))
        self.log.add("signed_in", conn, mode, person=person.id, role=person.role)
        self.set_cookie(
            response,
            self.cookie,
            self.sessions.begin(person.id, mode, self.now()),
            LONGEST_SECONDS,
        )

    def end(self, conn: HTTPConnection, response: Response) -> None:
        """Sign out whoever is signed in here."""
        cookie = conn.cookies.get(self.cookie, "")
        session = self.sessions.find(cookie, self.settings.mode, self.now())
        self.sessions.end(cookie)
        if session is not None:
            self.log.add("signed_out", conn, session.mode, person=session.person)
        self.set_cookie(response, self.cookie, "", 0)

    def set_cookie(
        self, response: Response, name: str, value: str, seconds: int
    ) -> None:
        """Set a cookie that no script reads and no other site's form sends."""
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/",
            secure=self.settings.is_secure,
            httponly=True,
            samesite="lax",
        )

    def refuse(self, conn: HTTPConnection, refused: Refused, **facts: Any) -> None:
        """Log that somebody was not let in."""
        self.log.add(
            "refused",
            conn,
            self.settings.mode,
            reason=refused.reason,
            claimed=refused.claimed,
            **facts,
        )


def signed_in(conn: HTTPConnection) -> SignedIn | None:
    """Return who the layer found; None where a page is open to everybody."""
    found: SignedIn | None = conn.scope.get(_SCOPE)
    return found


def mark(scope: Any, found: SignedIn | None) -> Any:
    """Return a request's scope with who asks in it."""
    return {**scope, _SCOPE: found}
