"""Publication at the size of a busy day: fifty readers for a minute."""

from __future__ import annotations

import time
from collections.abc import Iterator

from edp_platform.home import Home
from tests.publication_room import mixed, swap_under_readers

_READERS = 50
_SECONDS = 60


def _versions() -> Iterator[int]:
    """Yield numbers until the minute is over."""
    deadline = time.monotonic() + _SECONDS
    number = 0
    while time.monotonic() < deadline:
        yield number
        number += 1


def test_fifty_readers_see_whole_snapshots_for_a_minute(marts_room: Home) -> None:
    seen, served, faults = swap_under_readers(marts_room, _READERS, _versions())
    assert not faults
    assert not mixed(seen, served)
    print(f"{len(seen):,} answers of {len({row[0] for row in seen})} snapshots")
    assert len(served) > 5 and len({row[0] for row in seen}) > 5
