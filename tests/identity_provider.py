"""A small OpenID Connect provider for tests: real HTTP, real signatures, and faults.

Each fault is a way in which a provider, or somebody who poses as one, can be wrong.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "edp", "a secret of more than sixteen"


class IdentityProvider:
    """One provider; `address` is who signs in next, `fault` what goes wrong then."""

    def __init__(self) -> None:
        self.issuer = ""
        self.address = ""
        self.fault = ""
        self._key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self._asked: dict[str, dict[str, str]] = {}
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/keys", self._keys),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _metadata(self, request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                # A provider that has been tampered with may offer anything.
                "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            }
        )

    async def _keys(self, request: Request) -> Response:
        return JSONResponse(KeySet([self._key]).as_dict(private=False))

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == CLIENT and asked["response_type"] == "code"
        assert "openid" in asked["scope"]
        code = secrets.token_urlsafe()
        self._asked[code] = asked
        back = {"code": code, "state": asked["state"]}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}")

    async def _token(self, request: Request) -> Response:
        form = {k: v[0] for k, v in parse_qs((await request.body()).decode()).items()}
        given = request.headers.get("authorization", "").removeprefix("Basic ")
        asked = self._asked.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or base64.b64decode(given).decode() != f"{CLIENT}:{SECRET}"
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form.get("redirect_uri")
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        answer = {"access_token": secrets.token_urlsafe(), "token_type": "Bearer"}
        if self.fault != "no token":
            answer["id_token"] = self._id_token(asked["nonce"])
        return JSONResponse(answer)

    def _id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": "1",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "email": self.address,
        }
        claims |= {
            "wrong nonce": {"nonce": "another"},
            "wrong audience": {"aud": "another", "azp": CLIENT},
            "wrong issuer": {"iss": "https://evil.example"},
            "expired": {"iat": now - 900, "exp": now - 600},
            "not verified": {"email_verified": False},
            "no address": {"email": None},
        }.get(self.fault, {})
        if self.fault == "no nonce":
            del claims["nonce"]
        header = {"alg": "RS256", "kid": "first"}
        key: Any = self._key
        if self.fault == "unsigned":
            return ".".join((_part({"alg": "none"}), _part(claims), ""))
        if self.fault == "another's key":
            key = RSAKey.generate_key(2048)
        if self.fault == "our secret as key":
            header, key = {"alg": "HS256"}, OctKey.import_key(SECRET)
        return jwt.encode(header, claims, key, algorithms=["RS256", "HS256"])


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """Serve one on loopback, on a port of its own."""
    provider = IdentityProvider()
    settings = uvicorn.Config(
        provider.app, host="127.0.0.1", port=0, log_level="error", lifespan="off"
    )
    with serving(settings) as port:
        provider.issuer = f"http://127.0.0.1:{port}"
        yield provider


@contextmanager
def serving(settings: uvicorn.Config) -> Iterator[int]:
    """Run a server in a thread; yield its port; stop it."""
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive() and time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(15)
