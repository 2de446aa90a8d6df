"""Requests that change something come from our own pages, and redirects stay here."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from edp_platform.signin.addresses import names_loopback
from edp_platform.signin.settings import Settings

#: What a browser sends for a request that changes nothing.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def expected_origin(settings: Settings, conn: HTTPConnection) -> str | None:
    """Return the origin of our pages; None where the request names no host of ours."""
    hosts = conn.headers.getlist("host")
    if len(hosts) != 1:
        return None
    if settings.public_url is None:
        is_ours = names_loopback(hosts[0])
        return f"http://{hosts[0].lower()}" if is_ours else None
    is_ours = hosts[0].lower() == urlsplit(settings.public_url).netloc
    return settings.public_url if is_ours else None


def is_same_origin(origin: str, conn: HTTPConnection) -> bool:
    """Whether a page of ours, and no other, sends this.

    Every browser in use states `Origin` on a POST and on a websocket; what states
    neither it nor `Sec-Fetch-Site` is refused.
    """
    stated = conn.headers.getlist("origin")
    fetched = conn.headers.getlist("sec-fetch-site")
    if any(one != "same-origin" for one in fetched):
        return False
    if stated:
        return [one.lower() for one in stated] == [origin]
    return bool(fetched)


def next_path(text: str | None) -> str:
    r"""Return where to go after signing in: a path of ours, else the front page.

    A browser takes `//host`, `/\host` and a path with a tab or a new line in it as
    another site's address.
    """
    chosen = text or "/"
    is_path = chosen.startswith("/") and not chosen.startswith(("//", "/\\"))
    is_plain = all(" " < one <= "~" for one in chosen) and "\\" not in chosen
    is_ours = not chosen.startswith(("/sign-in", "/sign-out"))
    return chosen if is_path and is_plain and is_ours and len(chosen) < 2000 else "/"
