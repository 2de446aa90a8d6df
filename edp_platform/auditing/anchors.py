"""The head of the log, noted outside it each day: what shows that its end was cut off.

One small file a note, `YYYY-MM-DDTHHMMSSZ.anchor`, never written twice. Where they stand
is `EDP_AUDIT_ANCHORS`; beside the log they only show a mistake, on other storage that
the log's administrators cannot write to they show a deed.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

from edp_platform.files import WriteFailed
from edp_platform.governance.audit import AuditLog, Head, Verification
from edp_platform.home import Home
from edp_platform.told import Told

SETTING = "EDP_AUDIT_ANCHORS"
_LINE = re.compile(r"(\S+) (\d+):([0-9a-f]{64})\n")


class LogBroken(Told):
    """The log is not whole, so nothing is built on it; the message says where."""


def anchors_folder(home: Home) -> Path:
    """Return where the heads are noted: `EDP_AUDIT_ANCHORS`, else `EDP_HOME/anchors`."""
    given = os.environ.get(SETTING)
    return Path(given) if given else home.root / "anchors"


def anchor(home: Home, now: datetime) -> Path | None:
    """Note the head; return the file, or None where the log is empty.

    Raises:
        WriteFailed: it cannot be written.
        LogBroken: the log is not whole, so its head says nothing.
    """
    found = verify(home)
    if not found.is_whole:
        raise LogBroken(
            f"The log is not whole: {'; '.join(found.faults)}. Its head is not noted. "
            "Tell Information Assurance, and compare with the backup."
        )
    if not found.rows:
        return None
    moment = now.astimezone(UTC)
    path = anchors_folder(home) / f"{moment:%Y-%m-%dT%H%M%SZ}.anchor"
    text = f"{moment.isoformat(timespec='seconds')} {found.rows}:{found.head}\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
    except FileExistsError:
        return path
    except OSError as error:
        raise WriteFailed(
            error.errno,
            f"The head of the log could not be noted in {path.parent} "
            f"({error.strerror or error}). Until it is, an end that is cut off is not "
            f"seen. Check {SETTING}.",
        ) from error
    return path


def anchor_daily(home: Home, now: datetime) -> Path | None:
    """Note the head, where it was not yet noted today; return the file, if there is one.

    Raises:
        WriteFailed, LogBroken: as `anchor`.
    """
    day = now.astimezone(UTC).strftime("%Y-%m-%d")
    if any(anchors_folder(home).glob(f"{day}T*.anchor")):
        return None
    return anchor(home, now)


def anchors(home: Home) -> tuple[list[Head], list[str]]:
    """Return the heads that were noted, and the files that are no notes."""
    found, faults = [], []
    for path in sorted(anchors_folder(home).glob("*.anchor")):
        match = _LINE.fullmatch(path.read_text(encoding="ascii", errors="replace"))
        if match is None:
            faults.append(f"{path} is no note of a head, or was changed")
        else:
            found.append((int(match[2]), match[3]))
    return found, faults


def verify(home: Home, *more: Head) -> Verification:
    """Walk the chain against every head that was noted.

    Args:
        home: whose log.
        more: heads noted elsewhere.
    """
    noted, wrong = anchors(home)
    log = AuditLog(home)
    found = log.verify(*noted, *more)
    faults = [*wrong, *found.faults]
    if noted and not log.path.exists():
        faults.append(f"{log.path} is gone, and {len(noted)} heads of it were noted")
    return Verification(found.rows, found.head, tuple(faults))
