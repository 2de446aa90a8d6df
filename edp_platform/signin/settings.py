"""How people sign in: chosen outright, and refused where it would let anybody in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from edp_platform.signin.addresses import Network, host_of, is_loopback, networks
from edp_platform.signin.refusals import NotServable

Mode = Literal["demo", "oidc", "header"]
#: Issuers of Entra ID that let in people of every organisation, each of which can give
#: its own people any e-mail address.
_ANY_TENANT = ("common", "organizations", "consumers")


@dataclass(frozen=True)
class Oidc:
    """The identity provider, and us as its client.

    Attributes:
        issuer: as the provider names itself; its metadata stands below it.
        client_id: ours.
        client_secret: ours.
        claim: the claim of the ID token that holds a person's e-mail address.
    """

    issuer: str
    client_id: str
    client_secret: str
    claim: str

    def __repr__(self) -> str:
        return f"Oidc(issuer={self.issuer!r}, client_id={self.client_id!r})"


@dataclass(frozen=True)
class TrustedHeader:
    """The proxy that signs people in before us.

    Attributes:
        name: the header that names the person.
        secret: what the proxy sends in `X-EDP-Proxy-Secret`.
        proxies: the addresses it asks from.
    """

    name: str
    secret: str
    proxies: tuple[Network, ...]

    def __repr__(self) -> str:
        return f"TrustedHeader(name={self.name!r}, proxies={self.proxies!r})"


@dataclass(frozen=True)
class Settings:
    """How people sign in.

    Attributes:
        mode: demo, oidc or header.
        public_url: scheme, host and port under which browsers reach us; None in a
            demonstration, which any name of this machine reaches.
        oidc: in that mode.
        header: in that mode.
    """

    mode: Mode
    public_url: str | None = None
    oidc: Oidc | None = None
    header: TrustedHeader | None = None

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach us over https."""
        return (self.public_url or "").startswith("https://")

    @classmethod
    def read(cls, environment: Mapping[str, str], host: str) -> Settings:
        """Read them from the environment, for listening on `host`.

        Raises:
            NotServable: no way is chosen where one must be, the demonstration would be
                reached from other machines, or the way chosen is not set up whole.
        """
        chosen = environment.get("EDP_SIGN_IN", "").strip()
        if not chosen:
            if not is_loopback(host):
                raise NotServable(
                    f"Nobody has said how people sign in, and {host} is reached from "
                    "other machines: everybody there could run and read everything. Set "
                    "EDP_SIGN_IN to oidc (Entra ID) or header (a trusted proxy); "
                    "docs/sign-in.md says what each needs."
                )
            chosen = "demo"
        if chosen == "demo":
            _require_loopback(host)
            return cls("demo")
        if chosen == "oidc":
            return cls("oidc", _public_url(environment), oidc=_oidc(environment))
        if chosen == "header":
            return cls("header", _public_url(environment), header=_header(environment))
        raise NotServable(
            f"EDP_SIGN_IN is {chosen!r}, which is no way to sign in: write demo (this "
            "machine only), oidc or header."
        )


def _require_loopback(host: str) -> None:
    if not is_loopback(host):
        raise NotServable(
            f"The demonstration lets anybody sign in as anybody with one click, so it is "
            f"served on this machine only (127.0.0.1 or ::1), never on {host or 'every'} "
            "address. Leave --host out, or set EDP_SIGN_IN to oidc or header."
        )


def _public_url(environment: Mapping[str, str]) -> str:
    text = _needed(environment, "EDP_PUBLIC_URL", "https://edp.force.example").rstrip(
        "/"
    )
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path:
        raise NotServable(
            f"EDP_PUBLIC_URL is {text!r}: write scheme and host alone, such as "
            "https://edp.force.example; it is what browsers are checked against."
        )
    _require_https("EDP_PUBLIC_URL", text)
    return text.lower()


def _require_https(name: str, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not is_loopback(host_of(parts.netloc)):
        raise NotServable(
            f"{name} is {url!r}: without https, whoever is on the way reads the session "
            "and is signed in too. Write https://…"
        )


def _oidc(environment: Mapping[str, str]) -> Oidc:
    issuer = _needed(environment, "EDP_OIDC_ISSUER", "the provider's issuer address")
    _require_https("EDP_OIDC_ISSUER", issuer)
    if any(part in _ANY_TENANT for part in urlsplit(issuer).path.split("/")):
        raise NotServable(
            f"EDP_OIDC_ISSUER is {issuer!r}, which signs in people of every "
            "organisation, and each can claim any e-mail address. Write the issuer of "
            "the force's own tenant: https://login.microsoftonline.com/<tenant id>/v2.0"
        )
    return Oidc(
        issuer.rstrip("/"),
        _needed(environment, "EDP_OIDC_CLIENT_ID", "the id it gave this platform"),
        _secret(environment, "EDP_OIDC_CLIENT_SECRET"),
        environment.get("EDP_OIDC_CLAIM", "email"),
    )


def _header(environment: Mapping[str, str]) -> TrustedHeader:
    listed = _needed(environment, "EDP_HEADER_PROXIES", "the addresses of the proxy")
    try:
        proxies = networks(listed)
    except ValueError as error:
        raise NotServable(f"EDP_HEADER_PROXIES: {error}.") from error
    if not proxies or any(one.prefixlen == 0 for one in proxies):
        raise NotServable(
            f"EDP_HEADER_PROXIES is {listed!r}, which is nobody or everybody: list the "
            "addresses that the proxy asks from, such as 10.1.2.3 or 10.1.2.0/28."
        )
    return TrustedHeader(
        _needed(environment, "EDP_HEADER_NAME", "the header that names the person"),
        _secret(environment, "EDP_HEADER_SECRET"),
        proxies,
    )


def _secret(environment: Mapping[str, str], name: str) -> str:
    """Return a secret: of the file that `<name>_FILE` names, else of the variable."""
    path = environment.get(f"{name}_FILE")
    if not path:
        found = _needed(environment, name, f"the secret, or {name}_FILE a file of it")
    else:
        try:
            found = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NotServable(
                f"{name}_FILE names {path}, which cannot be read: have it written, "
                "readable by the account that runs this."
            ) from error
    if len(found) < 16:
        raise NotServable(
            f"{name} is shorter than 16 characters, so it could be guessed: have a "
            "random one made."
        )
    return found


def _needed(environment: Mapping[str, str], name: str, what: str) -> str:
    found = environment.get(name, "").strip()
    if not found:
        raise NotServable(
            f"EDP_SIGN_IN is {environment.get('EDP_SIGN_IN')}, and {name} is not set: "
            f"set it to {what}. docs/sign-in.md lists all that it needs."
        )
    return found
