"""What people decided about rows of a file: corrections, releases, restrictions.

A file is read as it was received but for the records that somebody corrected; landing
keeps the original, `EDP_HOME/corrections` says what was put in its place, by whom and
why. Rows of restricted persons are read and then held back from the lake.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from edp_platform.append_only import AppendOnly
from edp_platform.datasets import DataSet
from edp_platform.files import replacing
from edp_platform.home import Home
from edp_platform.ingestion.landing import Delivery, LandingStore
from edp_platform.ingestion.person_rows import with_records
from edp_platform.ingestion.preparation import Prepared, evidence_path
from edp_platform.rights.restrictions import Restrictions

#: What a correction is of: a row that is loaded, or one that waits in quarantine.
RECTIFICATION = "rectification"
RELEASE = "release"


@dataclass(frozen=True)
class Correction:
    """What somebody put in the place of one record, or proposes to.

    Attributes:
        id: of this correction.
        line: first line of the record in its file.
        change: column as received → its text.
        kind: `RECTIFICATION` or `RELEASE`.
        state: "proposed", "in force" or "withdrawn".
        by: who said so.
        approved_by: who put it in force.
        reason: why.
        at: when it was proposed.
    """

    id: str
    line: int
    change: Mapping[str, str]
    kind: str
    state: str
    by: str
    reason: str
    at: str
    approved_by: str | None = None


class Corrections:
    """The corrections of one file: `corrections/<data set>/<file>.jsonl`."""

    def __init__(self, home: Home, delivery: Delivery) -> None:
        name = f"{delivery.account_name}.jsonl"
        self._register = AppendOnly(home.corrections / delivery.data_set / name)

    @property
    def path(self) -> Path:
        """Where they stand."""
        return self._register.path

    def all(self) -> list[Correction]:
        """Return every correction in its last state, oldest first."""
        found: dict[str, Correction] = {}
        for row in self._register.rows():
            if row["state"] == "proposed" or row["id"] not in found:
                found[row["id"]] = Correction(**row)
            else:
                found[row["id"]] = replace(
                    found[row["id"]],
                    state=row["state"],
                    approved_by=row.get("approved_by"),
                )
        return list(found.values())

    def in_force(self) -> dict[int, Mapping[str, str]]:
        """Return line → what stands there instead; later columns over earlier ones."""
        merged: dict[int, Mapping[str, str]] = {}
        for one in self.all():
            if one.state == "in force":
                merged[one.line] = {**merged.get(one.line, {}), **one.change}
        return merged

    def released_lines(self) -> list[int]:
        """Return the lines that left the quarantine corrected."""
        return sorted(
            {
                one.line
                for one in self.all()
                if one.kind == RELEASE and one.state == "in force"
            }
        )

    def add(
        self,
        line: int,
        change: Mapping[str, str],
        *,
        kind: str,
        state: str,
        by: str,
        reason: str,
        now: datetime,
        approved_by: str | None = None,
    ) -> str:
        """Record one; return its id.

        Raises:
            WriteFailed: it cannot be written.
        """
        identity = f"C-{secrets.token_hex(4)}"
        row: dict[str, Any] = {
            "id": identity,
            "line": line,
            "change": dict(change),
            "kind": kind,
            "state": state,
            "by": by,
            "reason": reason,
            "at": now.isoformat(),
            "approved_by": approved_by,
        }
        self._register.add(row)
        return identity

    def settle(self, identity: str, state: str, by: str, now: datetime) -> None:
        """Put a proposed correction in force, or withdraw one.

        Raises:
            WriteFailed: it cannot be written.
        """
        self._register.add(
            {"id": identity, "state": state, "approved_by": by, "at": now.isoformat()}
        )


class Treatments:
    """What applies to the files of one data set while it is loaded."""

    def __init__(self, home: Home, data_set: DataSet) -> None:
        self._home = home
        self._contract = data_set.contract
        self._restrictions = Restrictions(home)

    @contextmanager
    def reading(self, delivery: Delivery) -> Iterator[Path]:
        """Yield the file to read: the original, or a passing copy with corrections."""
        original = LandingStore(self._home).original(delivery.sha256)
        changes = Corrections(self._home, delivery).in_force()
        if not changes:
            yield original
            return
        with corrected_copy(self._home, original, changes) as path:
            yield path

    def hold_back(self, prepared: Prepared) -> Prepared:
        """Take the rows of restricted persons out, and keep which lines they were.

        Raises:
            WriteFailed: the evidence cannot be written.
        """
        delivery, rows = prepared.delivery, prepared.rows
        is_held = self._restrictions.rows_of(rows, self._contract)
        path = evidence_path(held_back_room(self._home), delivery)
        if not is_held.any():
            path.unlink(missing_ok=True)
            return prepared
        with replacing(path) as temporary:
            rows.filter(is_held).select("source_file", "source_line", "month").unique(
                maintain_order=True
            ).write_parquet(temporary)
        return replace(prepared, rows=rows.filter(~is_held))


def held_back_room(home: Home) -> Path:
    """Return where the line numbers of restricted rows stand."""
    return home.rights / "held_back"


@contextmanager
def corrected_copy(
    home: Home, original: Path, changes: Mapping[int, Mapping[str, str]]
) -> Iterator[Path]:
    """Yield a copy of a file with corrections, which goes when the reading is done.

    Raises:
        UnreadableFile: the file is no text, or a correction would renumber its rows.
        UncorrectableRecord: a correction does not fit its record.
        OSError: the copy cannot be written.
    """
    content = with_records(original.read_bytes(), original, changes)
    folder = home.root / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"corrected-{secrets.token_hex(8)}.csv"
    try:
        path.touch(mode=0o600)
        path.write_bytes(content)
        yield path
    finally:
        path.unlink(missing_ok=True)


def held_back_lines(home: Home, delivery: Delivery) -> pl.DataFrame:
    """Return the lines of one file held back for restricted persons, with months."""
    path = evidence_path(held_back_room(home), delivery)
    if not path.exists():
        return pl.DataFrame(schema={"source_line": pl.Int64, "month": pl.String})
    return pl.read_parquet(path, columns=["source_line", "month"])
