"""Which addresses are this machine alone, and which a proxy may ask from."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Network = IPv4Network | IPv6Network


def is_loopback(host: str) -> bool:
    """Whether listening on `host` can be reached from this machine only.

    A name counts when every address it stands for does; no name, or one that stands for
    nothing, does not.
    """
    literal = _literal(host)
    if literal is not None:
        return literal.is_loopback
    try:
        found = socket.getaddrinfo(host, None) if host else []
    except OSError:
        return False
    addresses = {str(one[4][0]).partition("%")[0] for one in found}
    return bool(addresses) and all(ip_address(one).is_loopback for one in addresses)


def names_loopback(authority: str) -> bool:
    """Whether a request's `Host` names this machine, without asking any name server.

    A page elsewhere can have its own name stand for 127.0.0.1 (DNS rebinding) and would
    then be of the same origin as we are: only names that nobody else can own count.
    """
    host = host_of(authority)
    literal = _literal(host)
    return host == "localhost" if literal is None else literal.is_loopback


def host_of(authority: str) -> str:
    """Return the host of `host:port`, in lower case and without brackets."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    return (
        authority.rpartition(":")[0].lower() if ":" in authority else authority.lower()
    )


def is_listed(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address of the other end stands in one of these networks."""
    found = _literal(address)
    return found is not None and any(found in one for one in networks)


def networks(listed: str) -> tuple[Network, ...]:
    """Read addresses and networks parted by commas.

    Raises:
        ValueError: one of them is neither.
    """
    return tuple(ip_network(one.strip()) for one in listed.split(",") if one.strip())


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(host.strip("[]"))
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
