"""Signing in behind a proxy that has done it: its header, and proof that it is it."""

from __future__ import annotations

import hmac

from starlette.requests import HTTPConnection

from edp_platform.signin.addresses import is_listed
from edp_platform.signin.refusals import Refused
from edp_platform.signin.settings import TrustedHeader

SECRET_HEADER = "X-EDP-Proxy-Secret"
_WORDS = "This platform is reached through the force's sign-in. Open it from there."


def stated_person(trusted: TrustedHeader, conn: HTTPConnection) -> str:
    """Return the name that the proxy states.

    The address is that of the other end of the connection: what `X-Forwarded-For` says,
    anybody can write.

    Raises:
        Refused: it does not come from the proxy, or names nobody or more than one.
    """
    address = conn.client.host if conn.client else ""
    names = conn.headers.getlist(trusted.name)
    claimed = names[0] if names else ""
    if not is_listed(address, trusted.proxies):
        raise Refused("not_the_proxy", _WORDS, claimed)
    secrets = conn.headers.getlist(SECRET_HEADER)
    is_proven = len(secrets) == 1 and hmac.compare_digest(
        secrets[0].encode(), trusted.secret.encode()
    )
    if not is_proven:
        raise Refused("wrong_proxy_secret", _WORDS, claimed)
    if len(names) != 1 or not claimed.strip():
        raise Refused("nobody_named", _WORDS, claimed)
    return claimed.strip()
