"""Registers that are only ever added to: one JSON object a line.

What was decided stays on record; a later line may end an earlier one, never change it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edp_platform.files import WriteFailed


class AppendOnly:
    """One such file, which several processes may add to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, *rows: dict[str, Any]) -> None:
        """Add rows, all or none, and wait until they are on the disk.

        Raises:
            WriteFailed: they could not be written.
        """
        if not rows:
            return
        data = b"".join(
            json.dumps(row, sort_keys=True, ensure_ascii=False, default=str).encode()
            + b"\n"
            for row in rows
        )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT
            with os.fdopen(os.open(self.path, flags, 0o600), "r+b") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX)
                start = _end_of_whole_lines(stream)
                stream.seek(start)
                stream.truncate()
                try:
                    stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
                except OSError:
                    stream.truncate(start)
                    raise
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise WriteFailed(
                error.errno,
                f"{self.path} could not be written ({error.strerror or error}). Nothing "
                "was added. "
                + (
                    "Free some space and try again."
                    if full
                    else "Check that EDP_HOME is a folder you may write to."
                ),
            ) from error

    def rows(self) -> list[dict[str, Any]]:
        """Return every row, oldest first; a line cut short by a kill is none."""
        return list(self._read())

    def _read(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        with self.path.open("rb") as stream:
            for line in stream:
                if line.endswith(b"\n"):
                    yield json.loads(line)


def _end_of_whole_lines(stream: Any) -> int:
    """Return where the last whole line ends; what follows was cut short by a kill."""
    size = stream.seek(0, os.SEEK_END)
    at = size
    while at > 0:
        start = max(0, at - 65_536)
        stream.seek(start)
        found = stream.read(at - start).rfind(b"\n")
        if found >= 0:
            return int(start + found + 1)
        at = start
    return 0
