"""Who looked at what: the log, for those whom s.62(4) lets use it.

The log may be used to check that processing is lawful, to watch over oneself, to keep
data whole and secure, and for criminal proceedings. The roles that do that read it;
whoever does is on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from edp_platform.governance.audit import AuditLog
from edp_platform.home import Home

#: Who may read the log (DPA 2018 s.62(4)).
READERS = frozenset(
    {
        "information_rights",
        "data_protection_officer",
        "information_assurance",
        "professional_standards",
    }
)
#: The purpose of the register under which they do.
PURPOSE = "P-RIGHTS"


@dataclass(frozen=True)
class Asked:
    """Which events are asked for; None: all.

    Attributes:
        first, last: days, the last one included.
        person: who did it, or for whom.
        object: a word of what it was done to, or of its columns.
        operation: as s.62(1) names it.
    """

    first: date | None = None
    last: date | None = None
    person: str | None = None
    object: str | None = None
    operation: str | None = None

    @property
    def words(self) -> str:
        """What is asked, for the log."""
        given = {
            "from": self.first,
            "to": self.last,
            "person": self.person,
            "object": self.object,
            "operation": self.operation,
        }
        told = [f"{name} {value}" for name, value in given.items() if value is not None]
        return "report of the log: " + (", ".join(told) or "all of it")


def report(home: Home, asked: Asked) -> Iterator[dict[str, Any]]:
    """Yield the events that were asked for, oldest first, in the order of the chain."""
    begins = _moment(asked.first) if asked.first else ""
    ends = _moment(asked.last + timedelta(days=1)) if asked.last else "~"
    for row in AuditLog(home).rows():
        if not begins <= row["at_utc"] < ends:
            continue
        if asked.person not in (None, row["actor"], row["on_behalf_of"]):
            continue
        if asked.operation not in (None, row["op"]):
            continue
        about = f"{row['object']} {' '.join(row['columns'])}".lower()
        if asked.object and asked.object.lower() not in about:
            continue
        yield row


def _moment(day: date) -> str:
    start = datetime.combine(day, time.min).astimezone(UTC)
    return start.isoformat(timespec="microseconds")
