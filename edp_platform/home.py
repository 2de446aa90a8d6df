"""Where all state lives: one folder, `EDP_HOME`, and its rooms.

Nothing is written anywhere else, so a home can be copied, mounted or thrown away.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from edp_platform.files import read_json, write_json

#: The first month any monthly data set may carry. Earlier months need this moved.
FIRST_MONTH = "2008-01"


@dataclass(frozen=True)
class Home:
    """The folders of one platform, and the day it was first used.

    `made_on` anchors the relative dates of the example registers, so that the sample
    force's DPIAs are in date on whatever day somebody first tries the platform.
    """

    root: Path
    made_on: date

    @classmethod
    def open(cls, today: date, root: Path | None = None) -> Home:
        """Open the home at `root` (default: `EDP_HOME`, else `./.edp`), making it once.

        Raises:
            WriteFailed: the folder cannot be written.
        """
        chosen = root or Path(os.environ.get("EDP_HOME") or ".edp")
        resolved = chosen.expanduser().resolve()
        birth = resolved / "home.json"
        record = read_json(birth)
        if record is None:
            record = {"made_on": today.isoformat()}
            write_json(birth, record)
        return cls(resolved, date.fromisoformat(record["made_on"]))

    @property
    def landing(self) -> Path:
        """Originals by SHA-256, each with its receipt."""
        return self.root / "landing"

    @property
    def raw(self) -> Path:
        """Monthly Parquet: `<data set>/month=YYYY-MM/part-0.parquet`."""
        return self.root / "raw"

    @property
    def quarantine(self) -> Path:
        """Rows that could not be loaded, with the reason: `<data set>/<file>.parquet`."""
        return self.root / "quarantine"

    @property
    def set_aside(self) -> Path:
        """Exact repeats of a row that carries an identifier."""
        return self.root / "set_aside"

    @property
    def cleansed(self) -> Path:
        """Cells that cleansing changed, as received and after, by file."""
        return self.root / "cleansed"

    @property
    def linkage(self) -> Path:
        """Which nominals are one person: pairs, clusters, people's decisions."""
        return self.root / "linkage"

    @property
    def reconciliation(self) -> Path:
        """One account per landed file: where each of its rows went."""
        return self.root / "reconciliation"

    @property
    def revisions(self) -> Path:
        """What changed when a later release superseded an earlier one."""
        return self.root / "revisions"

    @property
    def corrections(self) -> Path:
        """Corrected values and records, beside the originals that landing keeps."""
        return self.root / "corrections"

    @property
    def retention(self) -> Path:
        """Review list, decisions, holds, tombstones and certificates of disposal."""
        return self.root / "retention"

    @property
    def rights(self) -> Path:
        """Requests of persons and restrictions, by keyed hash."""
        return self.root / "rights"

    @property
    def audit(self) -> Path:
        """The log of DPA 2018 s.62, only ever added to."""
        return self.root / "audit"

    @property
    def keys(self) -> Path:
        """Secret keys; readable by their owner alone, backed up apart."""
        return self.root / "keys"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that only the pipeline opens."""
        return self.root / "warehouse" / "edp.duckdb"

    @property
    def published(self) -> Path:
        """The read-only copy of the marts that people query."""
        return self.root / "published"

    @property
    def dbt(self) -> Path:
        """The dbt manifest, compiled SQL and logs."""
        return self.root / "dbt"

    @property
    def dagster(self) -> Path:
        """Dagster's own storage (`DAGSTER_HOME`)."""
        return self.root / "dagster"

    @property
    def cache(self) -> Path:
        """What can be thrown away at any time."""
        return self.root / "cache"
