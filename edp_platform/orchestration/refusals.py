"""Why a run was not started, or stopped waiting. Apart, so that Dagster need not load."""

from __future__ import annotations


class NothingSelected(LookupError):
    """The selection matches no asset; nothing was run."""


class WaitedTooLong(TimeoutError):
    """Another run held what this one needs for longer than it may wait."""
