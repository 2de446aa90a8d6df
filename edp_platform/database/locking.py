"""Locks between processes of one home: files that the kernel unlocks with their holder."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edp_platform.database.failures import DatabaseUnavailable


@contextmanager
def alone(path: Path, wait_seconds: float = 120) -> Iterator[None]:
    """Hold a lock that one process has at a time.

    Raises:
        DatabaseUnavailable: another process kept it all the while.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_seconds
    with path.open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise DatabaseUnavailable(
                        f"Waited {wait_seconds:.0f} s: another command starts, stops "
                        "or migrates the database of this home. Try again once it is "
                        "done."
                    ) from None
                time.sleep(0.05)
        yield


@contextmanager
def together(path: Path) -> Iterator[None]:
    """Hold a lock that many may share; a process that is killed lets go of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def is_free(path: Path) -> bool:
    """Whether nobody holds it now."""
    if not path.exists():
        return True
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
