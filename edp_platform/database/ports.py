"""Whether a port of this machine can be listened on."""

from __future__ import annotations

import socket


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens on a port; one that lingers after its program counts.

    Args:
        host: an address of this machine, of either family.
        port: the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
