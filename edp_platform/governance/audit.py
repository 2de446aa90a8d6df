"""The log of DPA 2018 s.62: who did what with whose data, when, and why.

One JSON object a line in `EDP_HOME/audit/s62.jsonl`, only ever added to. Each carries
the hash of the one before, so that a line edited, removed or moved breaks the chain;
`edp audit verify` walks it. Removing the last lines cannot be seen from inside: the head
is noted outside each day (`auditing.anchors`) and verified against. Uses are limited to
s.62(4).

The file stands outside the serving database, so that who administers that cannot edit
what they did there. No value of any row stands here, and persons only as keyed hashes.

The oldest events can be sealed: moved, as they stand, into a file of their own that
nobody writes to any more. Where one was destroyed under the retention schedule, the
event that says so carries the head it ended with, and the chain begins there.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from edp_platform.files import WriteFailed, replacing
from edp_platform.governance.rules import enforces
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
#: What the events of sealing and destroying say of which part.
_PART = "audit log: events 1 to {rows}, head {head}"
_PART_SAID = re.compile(r"audit log: events 1 to (\d+), head ([0-9a-f]{64})")

#: How many events there are, and the hash of the last.
Head = tuple[int, str]


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
        row_count: rows touched; None where nobody counted them.
        subjects: nominal ids; logged as keyed hashes.
        recipient: to whom data was disclosed (s.62(3)).
        on_behalf_of, project, dpia_ref, grant_id, run_id: where there is one.
        outcome: "done", "refused: …" or "failed: …".
        session: the session of the database it was asked in.
        statement: what was asked, without any literal.
    """

    operation: Operation
    actor: str
    purpose_id: str
    justification: str
    object: str
    columns: Sequence[str] = ()
    row_count: int | None = 0
    subjects: Sequence[str] = ()
    recipient: str | None = None
    on_behalf_of: str | None = None
    project: str | None = None
    dpia_ref: str | None = None
    grant_id: str | None = None
    run_id: str | None = None
    outcome: str = "done"
    session: str | None = None
    statement: str | None = None


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


@enforces(34, door="AuditLog.record: whatever reads, joins, exports or deletes")
def unaccounted(event: Event) -> tuple[str, ...]:
    """Return what an event does not answer; nothing: the operation may be done.

    Source: DPA 2018 s.62(1) to (3): the log says who, when and, so far as possible, to
    whom; the purpose register and PCD 1577 ask for the purpose.
    """
    asked = ("actor", "purpose_id", "justification", "object")
    return tuple(name for name in asked if not str(getattr(event, name)).strip())


@enforces(35, door="edp audit verify")
def broken_links(
    lines: Iterable[bytes], start: Head, anchors: Sequence[Head]
) -> tuple[str, ...]:
    """Return where the chain is broken; nothing: no line was edited, removed or moved.

    Source: DPA 2018 ss.40, 62 and 66(2); UK GDPR Art. 32(1)(b).

    Args:
        lines: every event that stands, oldest first.
        start: how many events were destroyed under the schedule before, and the head
            they ended with.
        anchors: heads noted outside; the chain must pass through each.
    """
    faults: list[str] = []
    number, previous = start
    noted: dict[int, set[str]] = {0: {GENESIS}}
    for rows, head in anchors:
        noted.setdefault(rows, set()).add(head)
    last = max(noted)
    passed = noted.get(number, {previous}) == {previous}
    for number, line in enumerate(lines, start=start[0] + 1):
        try:
            row = json.loads(line)
            stated, linked = row.pop("hash"), row["prev_hash"]
        except (ValueError, KeyError, TypeError, AttributeError):
            faults.append(f"line {number} is not an event")
            continue
        if linked != previous:
            faults.append(f"line {number} does not follow the line before it")
        if stated != _hash(row):
            faults.append(f"line {number} was changed after it was written")
        previous = stated
        passed = passed and noted.get(number, {stated}) == {stated}
    if not passed or number < last:
        faults.append(
            "the log does not pass through the head that was noted: lines were "
            "removed from its end, or it was written anew"
        )
    return tuple(faults)


class AuditLog:
    """The log of one home."""

    def __init__(self, home: Home) -> None:
        self.path = home.audit / "s62.jsonl"
        self.sealed = home.audit / "sealed"
        self._home = home

    def record(self, event: Event, now: datetime) -> str:
        """Add one event; return its id. Call it before what it tells of is given out.

        Raises:
            NotAccountable: actor, purpose, justification or object is blank.
            WriteFailed: it cannot be written, so the operation must not go on.
        """
        (identity,) = self.record_all([(event, now)])
        return identity

    def record_all(self, events: Sequence[tuple[Event, datetime]]) -> list[str]:
        """Add events in order, all or none, each at its moment; return their ids.

        Raises:
            NotAccountable, WriteFailed: as `record`.
        """
        for event, _ in events:
            missing = unaccounted(event)
            if missing:
                raise NotAccountable(
                    f"`{missing[0]}` is blank, so the operation is not logged and not "
                    "done. DPA 2018 s.62 asks who and what; say why too."
                )
        rows = [self._row(event, now) for event, now in events]
        with self._locked():
            self._add(rows)
        return [str(row["event_id"]) for row in rows]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every event, oldest first."""
        for line in self._lines():
            yield json.loads(line)

    def head(self) -> Head:
        """Return how many events there are and the hash of the last, to note outside."""
        found = self.verify()
        return found.rows, found.head

    def verify(self, *anchors: Head) -> Verification:
        """Walk the chain.

        Args:
            anchors: heads noted outside earlier; the chain must pass through each.
        """
        start = self._start()
        rows, head = start
        for line in self._lines():
            try:
                head = json.loads(line)["hash"]
            except (ValueError, KeyError, TypeError):
                continue
            rows += 1
        return Verification(rows, head, broken_links(self._lines(), start, anchors))

    # Sealing ---------------------------------------------------------------------------

    def seal(self, before: datetime, event: Event, now: datetime) -> Path | None:
        """Move the events before a moment into a file of their own; log that it was so.

        Args:
            before: events of this moment and later stay.
            event: who does it and why; its object is filled in.
            now: of the event.

        Returns:
            the file; None where no event is that old.

        Raises:
            NotAccountable, WriteFailed: as `record`; nothing was moved.
        """
        with self._locked():
            start = self._start()[0] + sum(map(_count, self._sealed()))
            lines = [*_read(self.path)]
            chosen = _older(lines, before)
            if not chosen:
                return None
            rows = start + len(chosen)
            head = str(json.loads(chosen[-1])["hash"])
            path = self.sealed / f"s62-{start + 1:09d}-{rows:09d}.jsonl"
            self.sealed.mkdir(exist_ok=True)
            with replacing(path) as temporary:
                temporary.write_bytes(b"".join(chosen))
                temporary.chmod(0o440)
            said = replace(event, object=_PART.format(rows=rows, head=head))
            self._answered(said)
            self._add([self._row(said, now)])
            with replacing(self.path) as temporary:
                temporary.write_bytes(b"".join([*_read(self.path)][len(chosen) :]))
                temporary.chmod(0o640)
        return path

    def sealed_files(self) -> list[Path]:
        """Return the files of sealed events, oldest first."""
        return self._sealed()

    def destroy(self, path: Path, event: Event, now: datetime) -> None:
        """Destroy the oldest sealed file, after logging who did it and why.

        Whether the retention schedule allows it, `auditing.retention` asks.

        Raises:
            ValueError: it is not the oldest.
            NotAccountable, WriteFailed: as `record`; nothing was destroyed.
        """
        with self._locked():
            sealed = self._sealed()
            if not sealed or sealed[0] != path:
                raise ValueError(f"{path} is not the oldest sealed file")
            last = [*_read(path)][-1]
            rows, head = self._start()[0] + _count(path), json.loads(last)["hash"]
            said = replace(event, object=_PART.format(rows=rows, head=head))
            self._answered(said)
            self._add([self._row(said, now)])
            path.unlink()
            _sync_folder(self.sealed)

    def _answered(self, event: Event) -> None:
        if unaccounted(event):
            raise NotAccountable("Who seals or destroys a part of the log says why.")

    def _sealed(self) -> list[Path]:
        """Return the sealed files that the log goes on from, oldest first.

        One that holds what the log still begins with was written by a sealing that was
        broken off: it is no part of the chain.
        """
        begins = _previous(next(_read(self.path), b""))
        return [
            path
            for path in sorted(self.sealed.glob("s62-*.jsonl"))
            if _previous(next(_read(path), b"")) != begins
        ]

    def _start(self) -> Head:
        """Return what was destroyed under the schedule before the first line."""
        first = _previous(next(self._lines(), b""))
        if first is None or first == GENESIS:
            return 0, GENESIS
        for line in self._lines():
            if b'"erasure"' not in line or first.encode() not in line:
                continue
            row = json.loads(line)
            said = _PART_SAID.fullmatch(str(row.get("object")))
            if said and said[2] == first and row.get("op") == "erasure":
                return int(said[1]), first
        return 0, GENESIS

    def _lines(self) -> Iterator[bytes]:
        for path in (*self._sealed(), self.path):
            yield from _read(path)

    def _add(self, rows: list[dict[str, Any]]) -> None:
        """Add rows to the chain; the caller holds the lock."""
        previous = self._last_hash()
        text = []
        for row in rows:
            row["prev_hash"] = previous
            row["hash"] = previous = _hash(row)
            text.append(json.dumps(row, sort_keys=True, ensure_ascii=False) + "\n")
        if text:
            self._append("".join(text))

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
            **({"session": event.session} if event.session else {}),
            **({"statement": event.statement} if event.statement else {}),
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


def _read(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as stream:
            yield from stream


def _count(path: Path) -> int:
    return sum(1 for _ in _read(path))


def _previous(line: bytes) -> str | None:
    try:
        return str(json.loads(line)["prev_hash"])
    except (ValueError, KeyError, TypeError):
        return None


def _older(lines: Sequence[bytes], before: datetime) -> Sequence[bytes]:
    """Return the lines up to the first that is not before a moment."""
    limit = before.astimezone(UTC).isoformat(timespec="microseconds")
    for number, line in enumerate(lines):
        if json.loads(line)["at_utc"] >= limit:
            return lines[:number]
    return lines


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
