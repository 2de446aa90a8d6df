"""Whether an address names the machine that this runs on."""

from __future__ import annotations

import ipaddress


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine, without asking any name server.

    What goes there does not cross a network, so it need not be encrypted.

    Args:
        host: a name or an address, without port.
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
