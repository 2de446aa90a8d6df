"""What is left of a person who was disposed of: a keyed hash, so that they stay gone.

A file that holds the person again, the same or a later one, is kept without them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path

import polars as pl

from edp_platform.append_only import AppendOnly
from edp_platform.contracts import Contract
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.rules import enforces
from edp_platform.governance.subject_keys import SubjectKey
from edp_platform.home import Home
from edp_platform.ingestion.person_rows import Marked, identifiers, mark, person_keys


class Tombstones:
    """The tombstones of one home: `EDP_HOME/retention/tombstones.jsonl`."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._register = AppendOnly(home.retention / "tombstones.jsonl")

    def hashes(self) -> frozenset[str]:
        """Return the keyed hash of everybody who was disposed of."""
        return frozenset(row["subject"] for row in self._register.rows())

    def add(self, nominal_ids: Collection[str], disposal: str, now: datetime) -> None:
        """Set a tombstone for each person who has none yet.

        Raises:
            WriteFailed: the register cannot be written; nobody may be disposed of.
        """
        known = self.hashes()
        key = SubjectKey(self._home, "tombstone")
        self._register.add(
            *(
                {"subject": one, "disposal": disposal, "at": now.isoformat()}
                for one in sorted({*key.of_each(nominal_ids)} - known)
            )
        )

    def among(self, nominal_ids: pl.Series) -> list[str]:
        """Return those of the identifiers that have a tombstone.

        Raises:
            KeyLost: the key is gone, so nobody could be recognised.
        """
        known = self.hashes()
        if not known or nominal_ids.is_empty():
            return []
        hashes = SubjectKey(self._home, "tombstone").hashed(nominal_ids)
        is_known = hashes.is_in(pl.Series(sorted(known)).implode())
        found: list[str] = nominal_ids.filter(is_known).to_list()
        return found


def _nobody(*args: object) -> Marked:
    return Marked()


@enforces(16, door="landing", removed=_nobody)
def disposed_again(home: Home, path: Path, contract: Contract) -> Marked:
    """Find the records of a file about persons who were disposed of.

    Args:
        home: whose tombstones.
        path: a file about to be landed.
        contract: of its data set.

    Returns:
        what must be taken out before the file is kept.

    Raises:
        KeyLost: tombstones stand and their key is gone; the file may not be kept.
        UnreadableFile: the data set holds identifiers of persons and the file cannot be
            read by row.
    """
    tombstones = Tombstones(home)
    if not person_keys(contract) or not tombstones.hashes():
        return Marked()
    found = tombstones.among(identifiers(path, contract))
    return mark(path, contract, found) if found else Marked()


@enforces(16, door="the asset rrd_disposal")
def returned(home: Home, data_sets: Mapping[str, Contract]) -> tuple[Refusal, ...]:
    """Look for persons in the lake who were disposed of; empty when nobody is back.

    Args:
        home: whose tombstones and lake.
        data_sets: data set → contract, of those loaded.
    """
    found = []
    tombstones = Tombstones(home)
    for name, contract in data_sets.items():
        paths = sorted((home.raw / name).rglob("part-0.parquet"))
        keys = person_keys(contract)
        if not keys or not paths or not tombstones.hashes():
            continue
        held = (
            pl.scan_parquet(paths, hive_partitioning=False)
            .select(pl.concat([pl.col(key) for key in keys]).drop_nulls().unique())
            .collect()
            .to_series()
        )
        back = len(tombstones.among(held))
        if back:
            found.append(
                Refusal(
                    "returned",
                    f"{name} holds {back} persons who were disposed of.",
                    "A person who was disposed of may not come back.",
                    "Run edp retention dispose --yes for them again.",
                    16,
                )
            )
    return tuple(found)
