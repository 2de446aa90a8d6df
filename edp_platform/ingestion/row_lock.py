"""Who may move rows: many may land and load at once, a disposal or correction alone.

Without it a load that read a file before a person was removed from it could write the
person's rows after.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager

from edp_platform.home import Home
from edp_platform.told import Told


class RowsBusy(Told):
    """Another process moves rows; nothing was changed."""


@contextmanager
def moving_rows(
    home: Home, *, alone: bool = False, wait_seconds: float = 3600
) -> Iterator[None]:
    """Hold the right to move rows in landing, the lake and its evidence.

    Args:
        home: whose rows.
        alone: shut everyone else out; else only those who ask for that.
        wait_seconds: how long to wait for the others.

    Raises:
        RowsBusy: they did not finish in time.
        OSError: the lock cannot be made.
    """
    path = home.root / ".rows.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    deadline = time.monotonic() + wait_seconds
    with path.open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise RowsBusy(
                        f"Waited {wait_seconds:.0f} s: another command lands, loads or "
                        "removes rows. Nothing was changed; try again once it is done."
                    ) from None
                time.sleep(0.1)
        yield
