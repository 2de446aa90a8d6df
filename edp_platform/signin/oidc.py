"""Signing in with OpenID Connect: authorization code with PKCE, ID token checked.

Entra ID in production. The ID token is checked here claim by claim (OpenID Connect Core
3.1.3.7), because Authlib's own check takes the algorithms from the provider and passes
an audience that is not ours when `azp` is.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.requests import Request

from edp_platform.signin.refusals import Refused
from edp_platform.signin.settings import Oidc

#: Asymmetric only: `none` is no signature, and with HS256 our own secret would be a key.
_ALGORITHMS = ["RS256", "PS256", "ES256"]
_LEEWAY_SECONDS = 60
_WORDS = "The sign-in could not be completed. Start again from the first page."


class Provider:
    """The identity provider.

    Args:
        oidc: which, and who we are to it.
        redirect_uri: where it sends the browser back to, as registered with it.
    """

    def __init__(self, oidc: Oidc, redirect_uri: str) -> None:
        self._oidc = oidc
        self._redirect_uri = redirect_uri
        self._metadata: dict[str, Any] | None = None
        self._keys: KeySet | None = None

    async def begin(self, next_path: str) -> tuple[str, dict[str, Any]]:
        """Return the address to send the browser to, and what to keep until it is back.

        Raises:
            Refused: the provider does not answer.
        """
        kept = {
            "state": secrets.token_urlsafe(32),
            "nonce": secrets.token_urlsafe(32),
            "verifier": secrets.token_urlsafe(48),
            "next": next_path,
        }
        metadata = await self._load_metadata()
        async with self._client() as client:
            address, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=kept["state"],
                code_verifier=kept["verifier"],
                nonce=kept["nonce"],
            )
        return str(address), kept

    async def finish(self, request: Request, kept: dict[str, Any] | None) -> str:
        """Return the e-mail address of who has signed in.

        Raises:
            Refused: the answer is not to a question of this browser, or the provider or
                its ID token says no.
        """
        answer = request.query_params
        stated = answer.get("state", "")
        if kept is None or not hmac.compare_digest(
            stated.encode(), kept["state"].encode()
        ):
            raise Refused("state_mismatch", _WORDS)
        if "error" in answer:
            raise Refused("provider_refused", _WORDS, answer["error"])
        if answer.get("iss", self._oidc.issuer).rstrip("/") != self._oidc.issuer:
            raise Refused("wrong_issuer", _WORDS)  # RFC 9207
        metadata = await self._load_metadata()
        try:
            async with self._client() as client:
                token = await client.fetch_token(
                    metadata["token_endpoint"],
                    code=answer.get("code", ""),
                    code_verifier=kept["verifier"],
                )
        except (AuthlibBaseError, httpx.HTTPError, ValueError) as error:
            raise Refused("code_refused", _WORDS) from error
        return self._address(await self._claims(token, kept["nonce"]))

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self._oidc.client_id,
            self._oidc.client_secret,
            scope="openid profile email",
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            timeout=10,
        )

    async def _claims(self, token: dict[str, Any], nonce: str) -> CodeIDToken:
        text = token.get("id_token")
        if not isinstance(text, str):
            raise Refused("no_id_token", _WORDS)
        try:
            decoded = jwt.decode(text, await self._load_keys(text), _ALGORITHMS)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self._issuer()},
                    "aud": {"essential": True, "value": self._oidc.client_id},
                },
                {
                    "nonce": nonce,
                    "client_id": self._oidc.client_id,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(leeway=_LEEWAY_SECONDS)
        except (AuthlibBaseError, JoseError, ValueError) as error:
            # The kind alone: a message may quote the token.
            raise Refused(f"id_token: {type(error).__name__}", _WORDS) from error
        return claims

    def _address(self, claims: CodeIDToken) -> str:
        found = claims.get(self._oidc.claim)
        if not isinstance(found, str) or "@" not in found:
            raise Refused(f"no_claim: {self._oidc.claim}", _WORDS)
        if claims.get("email_verified") is False and self._oidc.claim == "email":
            raise Refused("email_not_verified", _WORDS, found)
        return found

    def _issuer(self) -> str:
        assert self._metadata is not None
        return str(self._metadata["issuer"])

    async def _load_metadata(self) -> dict[str, Any]:
        if self._metadata is None:
            found = await self._get(
                f"{self._oidc.issuer}/.well-known/openid-configuration"
            )
            if str(found.get("issuer", "")).rstrip("/") != self._oidc.issuer:
                raise Refused("wrong_issuer", _WORDS)
            self._metadata = found
        return self._metadata

    async def _load_keys(self, token: str) -> KeySet:
        """Return the provider's keys; asked for anew when it has changed them."""
        named = jws.extract_compact(token.encode()).headers().get("kid")
        known = {key.kid for key in self._keys.keys} if self._keys else set()
        if self._keys is None or (named is not None and named not in known):
            metadata = await self._load_metadata()
            found = await self._get(metadata["jwks_uri"])
            self._keys = KeySet.import_key_set(found)  # type: ignore[arg-type]
        return self._keys

    async def _get(self, address: str) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=10) as client:
                answer = await client.get(address)
                answer.raise_for_status()
                found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Refused(
                "provider_unreachable",
                "The force's sign-in does not answer. Try again in a minute.",
            ) from error
        return found
