"""Writing files so that a reader sees the old one or the new one, never a half."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil


class WriteFailed(OSError):
    """A file could not be written; nothing half-written was left behind."""


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; put it in place in one rename.

    On any error the temporary file is removed and `target` is as it was. The name
    starts with a dot and ends in `.tmp`, so no reader's `*.parquet` ever matches it.

    Raises:
        WriteFailed: the disk is full, read-only, or the folder cannot be made.
    """
    mine = f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}"
    temporary = target.parent / f".{target.name}.{mine}.tmp"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        yield temporary
        temporary.replace(target)
    except BaseException as error:
        with suppress(OSError):  # the folder itself may be what is wrong
            temporary.unlink(missing_ok=True)
        fault = _system_error(error)
        if fault is None:
            raise
        raise WriteFailed(fault.errno, _explain(fault, target)) from error


def _sweep(target: Path) -> None:
    """Remove what a process that was killed while writing `target` left behind."""
    host = socket.gethostname()
    for left in target.parent.glob(f".{target.name}.{host}.*.tmp"):
        pid = left.name.removesuffix(".tmp").rsplit(".", 2)[-2]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            left.unlink(missing_ok=True)


def sweep_folder(folder: Path) -> int:
    """Remove what processes of this host that are gone left half-written below a folder.

    `replacing` does so for the file it writes; a file that nobody writes again would
    keep its half-written copy for good.

    Returns:
        how many files went.
    """
    host = re.escape(socket.gethostname())
    name = re.compile(rf"\..*\.{host}\.(\d+)\.[0-9a-f]+\.tmp(\.wal)?\Z")
    gone = 0
    for left in folder.rglob(".*.tmp*"):
        found = name.match(left.name)
        if found and not psutil.pid_exists(int(found.group(1))):
            left.unlink(missing_ok=True)
            gone += 1
    return gone


def _system_error(error: BaseException) -> OSError | None:
    """Return the operating system's error, also where polars has wrapped it.

    A full disk under `write_parquet` is a polars ComputeError that ends in
    "No space left on device (os error 28)".
    """
    if isinstance(error, OSError):
        return error
    number = re.search(r"\(os error (\d+)\)\s*\Z", str(error))
    if number is None or not isinstance(error, Exception):
        return None
    code = int(number.group(1))
    return OSError(code, os.strerror(code))


def _explain(error: OSError, target: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"No space left to write {target}. Nothing was half-written. "
            "Free some space (or point EDP_HOME at a larger disk) and run again."
        )
    return (
        f"{target} could not be written ({error.strerror or error}). Nothing was "
        "half-written. Check that EDP_HOME is a folder you may write to."
    )


def write_json(target: Path, value: Any) -> None:
    """Write `value` as sorted, indented JSON, atomically.

    Raises:
        WriteFailed: as `replacing`.
    """
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, default=str)
    with replacing(target) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path, default: Any = None) -> Any:
    """Return the JSON in `path`, or `default` when there is no such file."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return default
