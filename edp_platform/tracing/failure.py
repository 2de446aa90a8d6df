"""What a person is told when a trace cannot be made."""

from __future__ import annotations


class TraceFailed(ValueError):
    """The trace could not be made; the message says why and what to do next."""
