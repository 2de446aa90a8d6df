"""The log of DPA 2018 s.62: who did what with whose data, when, and why.

One JSON object a line in `EDP_HOME/audit/s62.jsonl`, only ever added to. Each carries
the hash of the one before, so that a line edited, removed or moved breaks the chain;
`edp audit verify` walks it. Removing the last lines cannot be seen from inside: note the
head outside (`edp audit head`) and verify against it. Uses are limited to s.62(4).

No value of any row stands here, and persons only as keyed hashes. The table of the
serving database will take the place of the file: keep to `AuditLog`.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from edp_platform.files import WriteFailed
from edp_platform.governance.subject_keys import SubjectKey
from edp_platform.home import Home
from edp_platform.told import Told

Operation = Literal[
    "collection", "alteration", "consultation", "disclosure", "combination", "erasure"
]
#: What the chain starts from.
GENESIS = "0" * 64
#: Of more persons than this, one hash over all of theirs stands in the line.
_MOST_SUBJECTS = 200


@dataclass(frozen=True)
class Event:
    """One thing done, or refused.

    Attributes:
        operation: as s.62(1) names them.
        actor: id of the person who did it.
        purpose_id: purpose of the register; why in law.
        justification: why in fact. DUAA 2025 s.82 ends the duty to log it for police
            logs; the platform goes on asking, as a rule of its own.
        object: what it was done to: a data set, a store, a file; never a value.
        columns: columns touched, where not all.
        row_count: rows touched.
        subjects: nominal ids; logged as keyed hashes.
        recipient: to whom data was disclosed (s.62(3)).
        on_behalf_of, project, dpia_ref, grant_id, run_id: where there is one.
        outcome: "done", "refused: …" or "failed: …".
    """

    operation: Operation
    actor: str
    purpose_id: str
    justification: str
    object: str
    columns: Sequence[str] = ()
    row_count: int = 0
    subjects: Sequence[str] = ()
    recipient: str | None = None
    on_behalf_of: str | None = None
    project: str | None = None
    dpia_ref: str | None = None
    grant_id: str | None = None
    run_id: str | None = None
    outcome: str = "done"


@dataclass(frozen=True)
class Verification:
    """What walking the chain found.

    Attributes:
        rows: whole lines.
        head: hash of the last one.
        faults: line number and what is wrong, in order; empty when the log is whole.
    """

    rows: int
    head: str
    faults: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing was edited, removed or moved."""
        return not self.faults


class NotAccountable(Told):
    """An event without actor, purpose or justification; nothing may be done on it."""


class AuditLog:
    """The log of one home."""

    def __init__(self, home: Home) -> None:
        self.path = home.audit / "s62.jsonl"
        self._home = home

    def record(self, event: Event, now: datetime) -> str:
        """Add one event; return its id. Call it before what it tells of is given out.

        Raises:
            NotAccountable: actor, purpose, justification or object is blank.
            WriteFailed: it cannot be written, so the operation must not go on.
        """
        for name in ("actor", "purpose_id", "justification", "object"):
            if not str(getattr(event, name)).strip():
                raise NotAccountable(
                    f"`{name}` is blank, so the operation is not logged and not done. "
                    "DPA 2018 s.62 asks who and what; say why too."
                )
        row = self._row(event, now)
        with self._locked():
            previous = self._last_hash()
            row |= {"prev_hash": previous}
            row |= {"hash": _hash(row)}
            self._append(json.dumps(row, sort_keys=True, ensure_ascii=False) + "\n")
        return str(row["event_id"])

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every event, oldest first."""
        if self.path.exists():
            with self.path.open(encoding="utf-8") as stream:
                for line in stream:
                    yield json.loads(line)

    def head(self) -> tuple[int, str]:
        """Return how many events there are and the hash of the last, to note outside."""
        found = self.verify()
        return found.rows, found.head

    def verify(self, anchor: tuple[int, str] | None = None) -> Verification:
        """Walk the chain.

        Args:
            anchor: rows and head noted outside earlier; the chain must pass through it.
        """
        faults: list[str] = []
        previous, rows = GENESIS, 0
        anchored = anchor is None or anchor == (0, GENESIS)
        for number, line in enumerate(self._lines(), start=1):
            try:
                row = json.loads(line)
                stated, linked = row.pop("hash"), row["prev_hash"]
            except (ValueError, KeyError, TypeError, AttributeError):
                faults.append(f"line {number} is not an event")
                continue
            rows += 1
            if linked != previous:
                faults.append(f"line {number} does not follow the line before it")
            if stated != _hash(row):
                faults.append(f"line {number} was changed after it was written")
            previous = stated
            if anchor is not None and number == anchor[0]:
                anchored = stated == anchor[1]
        if not anchored:
            faults.append(
                "the log does not pass through the head that was noted: lines were "
                "removed from its end, or it was written anew"
            )
        return Verification(rows, previous, tuple(faults))

    def _lines(self) -> Iterator[bytes]:
        if self.path.exists():
            with self.path.open("rb") as stream:
                yield from stream

    def _row(self, event: Event, now: datetime) -> dict[str, Any]:
        hashes = SubjectKey(self._home, "audit").of_each(event.subjects)
        if len(hashes) > _MOST_SUBJECTS:
            whole = hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()
            hashes = [f"all {len(hashes)}: {whole}"]
        return {
            "event_id": str(uuid.uuid4()),
            "at_utc": now.astimezone(UTC).isoformat(timespec="microseconds"),
            "op": event.operation,
            "actor": event.actor,
            "on_behalf_of": event.on_behalf_of,
            "project": event.project,
            "purpose_id": event.purpose_id,
            "justification": event.justification,
            "object": event.object,
            "columns": [*event.columns],
            "row_count": event.row_count,
            "subjects_hash": hashes,
            "recipient": event.recipient,
            "dpia_ref": event.dpia_ref,
            "grant_id": event.grant_id,
            "run_id": event.run_id,
            "outcome": event.outcome,
        }

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with (self.path.parent / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except WriteFailed:
            raise
        except OSError as error:
            raise WriteFailed(error.errno, _unwritten(self.path, error)) from error

    def _last_hash(self) -> str:
        """Return the hash of the last whole line, dropping one that was cut short.

        A line without its end was being written when its process was killed: it was
        never acknowledged, so what it tells of was not done either.
        """
        if not self.path.exists():
            return GENESIS
        with self.path.open("r+b") as stream:
            size = stream.seek(0, os.SEEK_END)
            step, tail = 1 << 16, b""
            at = size
            while at > 0 and tail.count(b"\n") < 2:
                at = max(0, at - step)
                stream.seek(at)
                tail = stream.read(size - at)
            whole = tail.rfind(b"\n") + 1
            if whole < len(tail):
                stream.truncate(at + whole)
                tail = tail[:whole]
        lines = tail.splitlines()
        if not lines:
            return GENESIS
        try:
            return str(json.loads(lines[-1])["hash"])
        except (ValueError, KeyError, TypeError):
            raise WriteFailed(
                None,
                f"The last line of {self.path} is not an event, so nothing can follow "
                "it and the operation was not done. Run edp audit verify.",
            ) from None

    def _append(self, line: str) -> None:
        is_new = not self.path.exists()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            data = line.encode()
            if os.write(descriptor, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            _sync_folder(self.path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hash(row: dict[str, Any]) -> str:
    text = json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _unwritten(path: Path, error: OSError) -> str:
    return (
        f"{path} could not be written ({error.strerror or error}), so the operation was "
        "not done: what is not logged may not happen. Free some space or check that "
        "EDP_HOME is a folder you may write to."
    )
