"""Persons whose data may be kept and not used, until somebody lifts it.

DPA 2018 s.47(3)-(4), UK GDPR Art.18. Their rows stay in landing, and are kept out of the
lake, so of every mart and every query. The register knows them by keyed hash.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from edp_platform.append_only import AppendOnly
from edp_platform.contracts import Contract
from edp_platform.governance.subject_keys import SubjectKey
from edp_platform.home import Home
from edp_platform.ingestion.person_rows import person_keys


class Restrictions:
    """The restrictions of one home: `EDP_HOME/rights/restrictions.jsonl`."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._register = AppendOnly(home.rights / "restrictions.jsonl")

    def in_force(self) -> frozenset[str]:
        """Return the keyed hashes of those restricted now."""
        now: dict[str, bool] = {}
        for row in self._register.rows():
            now[row["subject"]] = row["state"] == "restricted"
        return frozenset(subject for subject, is_on in now.items() if is_on)

    def holds(self, nominal_id: str) -> bool:
        """Whether one person is restricted now."""
        return SubjectKey(self._home, "restriction").of(nominal_id) in self.in_force()

    def set(
        self, nominal_id: str, restricted: bool, by: str, reason: str, now: datetime
    ) -> None:
        """Restrict a person, or lift it.

        Raises:
            WriteFailed: the register cannot be written.
        """
        self._register.add(
            {
                "subject": SubjectKey(self._home, "restriction").of(nominal_id),
                "state": "restricted" if restricted else "lifted",
                "by": by,
                "reason": reason,
                "at": now.isoformat(),
            }
        )

    def rows_of(self, rows: pl.DataFrame, contract: Contract) -> pl.Series:
        """Return, for each row, whether it names a restricted person.

        Args:
            rows: typed rows of a data set.
            contract: of the data set.
        """
        hashes = self.in_force()
        keys = [name for name in person_keys(contract) if name in rows.columns]
        nobody = pl.repeat(False, rows.height, eager=True)
        if not hashes or not keys or rows.is_empty():
            return nobody
        key = SubjectKey(self._home, "restriction")
        wanted = pl.Series(sorted(hashes)).implode()
        for name in keys:
            nobody = nobody | key.hashed(rows[name]).is_in(wanted).fill_null(False)
        return nobody
