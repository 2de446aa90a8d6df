"""The files as received, what is passing through, and the corrections beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from edp_platform.append_only import AppendOnly
from edp_platform.contracts import Contract
from edp_platform.datasets import DataSets
from edp_platform.files import replacing
from edp_platform.home import Home
from edp_platform.ingestion.landing import SHORT, Delivery, LandingStore, Supplies
from edp_platform.ingestion.person_rows import (
    Marked,
    mark,
    may_hold_persons,
    record_cells,
    without,
    words_in,
)
from edp_platform.ingestion.treatment import RECTIFICATION, Corrections
from edp_platform.retention.copies import Change, Exported, Held
from edp_platform.retention.people import People


class Landing:
    """The originals, and the corrections beside them."""

    name = "landing"
    rooms = frozenset({"landing"})
    in_use = False
    corrected_by = "the original stays as received"

    def __init__(self, home: Home, data_sets: DataSets) -> None:
        self.home = home
        self.store = LandingStore(home)
        self.data_sets = data_sets

    def marks(self, people: People) -> dict[str, Marked]:
        """Return SHA-256 → what of the file concerns the persons, for files with any.

        Raises:
            UnreadableFile: a file that may name persons cannot be read by row, so
                nobody can say whether it does.
        """
        found = {}
        for sha256, contract in self._files().items():
            marked = mark(self.store.original(sha256), contract, people.nominal_ids)
            if not marked.is_empty:
                found[sha256] = marked
        return found

    def find(self, people: People) -> list[Held]:
        """See `Copy`."""
        return self.held(self.marks(people))

    def held(self, marks: Mapping[str, Marked]) -> list[Held]:
        """Return what `find` would, of marks that were just made."""
        return [
            Held(f"landing/{sha256[:SHORT]}", len(one.lines), len(one.cells))
            for sha256, one in marks.items()
        ]

    def export(self, people: People) -> Exported:
        """See `Copy`: each record as received, under the name of its file."""
        names = {one.sha256: one for one in self.store.deliveries()}
        rows: Exported = {}
        for sha256, marked in self.marks(people).items():
            path = self.store.original(sha256)
            delivery = names[sha256]
            rows.setdefault(delivery.data_set, []).extend(
                {
                    "file": delivery.name,
                    "line": line,
                    "supplied_by": delivery.supplier,
                    "landed_at": delivery.landed_at,
                    "record": record_cells(path, line),
                }
                for line in (*marked.lines, *marked.cells)
            )
        return rows

    def correct(self, change: Change) -> int:
        """Keep the originals: what was received stays on record."""
        return 0

    def restrict(self, people: People) -> int:
        """Keep the originals, and make their months due: the lake holds them back."""
        for sha256 in self.marks(people):
            self.store.treat(sha256)
        return 0

    def erase(self, people: People) -> int:
        """Rewrite the files without the persons."""
        gone = 0
        for sha256, marked in self.marks(people).items():
            self.rewrite(sha256, marked)
            gone += len(marked.lines)
        return gone

    def rewrite(self, sha256: str, marked: Marked) -> tuple[str, str]:
        """Rewrite one file without what is marked; return its hash before and after."""
        path = self.store.original(sha256)
        return self.store.rewrite(sha256, without(path.read_bytes(), path, marked))

    def _files(self) -> dict[str, Contract | None]:
        """Return SHA-256 → contract of the files that may name persons."""
        found: dict[str, Contract | None] = {}
        for delivery in self.store.deliveries():
            data_set = self.data_sets.by_name.get(delivery.data_set)
            contract = data_set.contract if data_set else None
            if not may_hold_persons(contract):
                continue
            if contract is None and not _is_text(self.store.original(delivery.sha256)):
                continue  # a spreadsheet or map whose data set is set aside
            found[delivery.sha256] = contract
        return found


def _is_text(path: Path) -> bool:
    with path.open("rb") as stream:
        return b"\0" not in stream.read(4096)


class Passing:
    """What passes through while it is landed or read; a kill may leave it behind."""

    name = "passing through"
    rooms = frozenset({"incoming"})
    corrected_by = "gone once it is read"
    in_use = False

    def __init__(self, home: Home, data_sets: DataSets) -> None:
        self.home = home
        self.folder = home.root / "incoming"

    def find(self, people: People) -> list[Held]:
        """See `Copy`: text files, by word."""
        root = self.home.root
        return [Held(str(path.relative_to(root)), 1) for path in self._about(people)]

    def export(self, people: People) -> Exported:
        """Nothing: it is a copy of what landing holds."""
        return {}

    def correct(self, change: Change) -> int:
        """Nothing: it is gone once it is read."""
        return 0

    def restrict(self, people: People) -> int:
        """Nothing: nobody works from it."""
        return 0

    def erase(self, people: People) -> int:
        """Delete the files: nothing lands or loads while a disposal holds the rows."""
        found = self._about(people)
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)

    def _about(self, people: People) -> list[Path]:
        wanted = people.compared
        found = []
        for path in sorted(self.folder.rglob("*")):
            if not path.is_file() or not _is_text(path):
                continue
            text = pl.DataFrame({"text": [path.read_text("utf-8", "replace")]})
            words = text.select(words_in(pl.col("text")))["text"].explode()
            if words.is_in(wanted.implode()).any():
                found.append(path)
        return found


class CorrectionsBeside:
    """What people put in the place of records: values, so a copy like any other."""

    name = "corrections"
    rooms = frozenset({"corrections"})
    in_use = False
    corrected_by = "the correction is recorded here, beside the original"

    def __init__(self, home: Home, data_sets: DataSets) -> None:
        self.home = home

    def find(self, people: People) -> list[Held]:
        """See `Copy`."""
        found = []
        for path, rows in self._files():
            count = sum(self._is_about(row, path, people) for row in rows)
            if count:
                found.append(Held(str(path.relative_to(self.home.root)), count))
        return found

    def export(self, people: People) -> Exported:
        """See `Copy`."""
        told: Exported = {}
        for path, rows in self._files():
            about = [row for row in rows if self._is_about(row, path, people)]
            if about:
                told.setdefault(path.parent.name, []).extend(about)
        return told

    def correct(self, change: Change) -> int:
        """Record the correction of each record, and make its months due."""
        store = LandingStore(self.home)
        known = {one.account_name: one for one in store.deliveries(change.data_set)}
        now = datetime.now(UTC)
        for account, lines in change.lines.items():
            for line in lines:
                Corrections(self.home, known[account]).add(
                    line,
                    {change.received_as: change.value},
                    kind=RECTIFICATION,
                    state="in force",
                    by=change.by,
                    reason=change.reason,
                    now=now,
                )
            store.treat(known[account].sha256)
        return sum(len(lines) for lines in change.lines.values())

    def restrict(self, people: People) -> int:
        """Keep them: they apply again when the restriction is lifted."""
        return 0

    def erase(self, people: People) -> int:
        """Rewrite the files without what is about the persons."""
        gone = 0
        for path, rows in self._files():
            about = {row["id"] for row in rows if self._is_about(row, path, people)}
            if not about:
                continue
            rest = [row for row in rows if row["id"] not in about]
            gone += len(about)
            if rest:
                with replacing(path) as temporary:
                    AppendOnly(temporary).add(*rest)
            else:
                path.unlink()
        return gone

    def _files(self) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
        for path in sorted(self.home.corrections.glob("*/*.jsonl")):
            yield path, AppendOnly(path).rows()

    def _is_about(self, row: dict[str, Any], path: Path, people: People) -> bool:
        if "line" not in row:
            return False  # ends an earlier row, and says nothing of anybody
        if row["line"] in people.lines.get(path.stem[:SHORT], ()):
            return True
        values = {str(value).strip().upper() for value in row["change"].values()}
        return bool(values & set(people.compared))


def account_lines(
    home: Home, data_set: str, marks: Mapping[str, Marked]
) -> dict[str, tuple[int, ...]]:
    """Return account of each active file of a data set → lines about some persons."""
    supplies = Supplies(LandingStore(home).deliveries(data_set))
    found: dict[str, tuple[int, ...]] = {}
    for delivery in supplies.deliveries:
        if _is_active(supplies, delivery) and delivery.sha256 in marks:
            lines = marks[delivery.sha256].lines
            if lines:
                found[delivery.account_name] = lines
    return found


def _is_active(supplies: Supplies, delivery: Delivery) -> bool:
    return any(supplies.is_active(delivery, month) for month in delivery.months)
