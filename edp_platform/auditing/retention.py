"""The log's own retention: sealed when it is old, destroyed when the schedule says so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from edp_platform.auditing.anchors import LogBroken, verify
from edp_platform.governance.audit import AuditLog, Event
from edp_platform.home import Home
from edp_platform.told import Told

if TYPE_CHECKING:
    from edp_platform.governance.registers import Registers

#: The rule of the retention schedule that the log stands under.
RULE = "AUDIT-LOG"
#: Who may seal and destroy; another role than those who read it.
KEEPERS = frozenset({"records_management"})
_PURPOSE = "P-RRD"


class NotDue(Told):
    """The schedule does not let the log go yet; nothing was deleted."""


@dataclass(frozen=True)
class Pruned:
    """What was done.

    Attributes:
        sealed: the new file of sealed events, if any was old enough.
        destroyed: files destroyed.
        kept_until: the day before which events may be destroyed.
    """

    sealed: Path | None
    destroyed: tuple[Path, ...]
    kept_until: date


def destroy_before(registers: Registers, today: date) -> date:
    """Return the day before which events may be destroyed.

    Raises:
        NotDue: the schedule has no rule for the log, or nobody confirmed it (rule 17).
    """
    rule = registers.retention_rules.get(RULE)
    if rule is None or rule.period.keep_years is None:
        raise NotDue(
            f"The retention schedule has no rule {RULE} with `keep_years`, so nothing "
            "of the log may be destroyed. Add it, and have it confirmed."
        )
    if rule.confirmed_by is None or rule.effective_from > today:
        raise NotDue(
            f"Nobody has confirmed the rule {RULE}, or it is not in force yet, and an "
            "unconfirmed rule never deletes (rule 17). The records manager confirms it."
        )
    return _years_before(today, rule.period.keep_years)


def prune(
    home: Home,
    registers: Registers,
    actor: str,
    reason: str,
    *,
    before: date,
    destroys: bool,
    now: datetime,
) -> Pruned:
    """Seal the events before a day, and destroy what the schedule lets go.

    Args:
        home: whose log.
        registers: the schedule.
        actor: who does it.
        reason: why, in words.
        before: events of this day and later stay in the open log.
        destroys: whether sealed files that are old enough go.
        now: of the events that say so.

    Raises:
        NotDue: nothing may be destroyed; nothing was.
        LogBroken: the log is not whole; nothing was changed.
        NotAccountable, WriteFailed: it cannot be logged; nothing was changed.
    """
    log = AuditLog(home)
    limit = destroy_before(registers, now.date())
    found = verify(home)
    if not found.is_whole:
        raise LogBroken(
            f"The log is not whole: {'; '.join(found.faults)}. Nothing of it is moved "
            "or destroyed until that is explained."
        )
    sealed = log.seal(
        _start(before), _event("alteration", actor, f"sealed: {reason}"), now
    )
    due = _due(log, limit) if destroys else ()
    if destroys and not due:
        raise NotDue(
            f"No sealed file holds only events before {limit}, which is what the rule "
            f"{RULE} lets go; nothing was destroyed."
        )
    for path in due:
        said = f"destroyed under {RULE}: {reason}"
        log.destroy(path, _event("erasure", actor, said), now)
    return Pruned(sealed, tuple(due), limit)


def _due(log: AuditLog, limit: date) -> Sequence[Path]:
    """Return the sealed files, oldest first, up to one that holds a later event."""
    found = []
    for path in log.sealed_files():
        if _last(path) >= _start(limit):
            break
        found.append(path)
    return tuple(found)


def _last(path: Path) -> datetime:
    """Return the latest moment of a file: a direct query is logged after it was asked."""
    with path.open("rb") as stream:
        return max(
            datetime.fromisoformat(json.loads(line)["at_utc"]) for line in stream
        )


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min).astimezone(UTC)


def _event(operation: str, actor: str, reason: str) -> Event:
    return Event(
        operation="erasure" if operation == "erasure" else "alteration",
        actor=actor,
        purpose_id=_PURPOSE,
        justification=reason,
        object="audit log",
        row_count=None,
    )
