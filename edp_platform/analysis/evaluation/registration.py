"""Whether a plan stands as it was registered, and who looked at outcomes when."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from edp_platform.append_only import AppendOnly
from edp_platform.governance.records.evaluation import Evaluation


@dataclass(frozen=True)
class Look:
    """The first look at the outcomes of one plan.

    Attributes:
        evaluation: its id.
        fingerprint: of the plan at the time.
        on: the day, YYYY-MM-DD.
    """

    evaluation: str
    fingerprint: str
    on: str


class Looks:
    """The looks on record under one home, only ever added to.

    Args:
        root: the home's folder.
    """

    def __init__(self, root: Path) -> None:
        self.path = root / "evaluations" / "looks.jsonl"

    def __iter__(self) -> Iterator[Look]:
        """Go through the looks, earliest first."""
        if self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                yield Look(**json.loads(line))

    def record(self, evaluations: Iterable[Evaluation], today: date) -> None:
        """Put a look at each plan on record, once for each plan as it is written."""
        known = {(one.evaluation, one.fingerprint) for one in self}
        new = [
            Look(one.id, one.plan_fingerprint, today.isoformat())
            for one in evaluations
            if (one.id, one.plan_fingerprint) not in known
        ]
        AppendOnly(self.path).add(*(asdict(look) for look in new))


def not_registered(evaluation: Evaluation, looks: Iterable[Look]) -> tuple[str, ...]:
    """Return why a plan does not count as registered beforehand; empty where it does.

    Args:
        evaluation: the record.
        looks: at outcomes, earliest first.
    """
    registration, approval = evaluation.registration, evaluation.approval
    if registration is None:
        return ("the plan was never registered",)
    found = []
    if registration.fingerprint != evaluation.plan_fingerprint:
        found.append(
            "the plan was changed since it was registered: its fingerprint is "
            f"{evaluation.plan_fingerprint}, and {registration.fingerprint} was "
            "registered"
        )
    if approval is None:
        found.append("nobody approved the plan")
    elif approval.on < registration.on:
        found.append("the plan was approved before it was registered")
    starts = evaluation.plan.starts
    settled = max(registration.on, approval.on) if approval else registration.on
    if settled >= _next_month(starts):
        found.append(
            f"the plan was settled on {settled}, when outcomes since {starts:%Y-%m} "
            "could be seen"
        )
    for look in (one for one in looks if one.evaluation == evaluation.id):
        if date.fromisoformat(look.on) < settled:
            found.append(f"outcomes were looked at on {look.on}, before it was settled")
        if look.fingerprint != registration.fingerprint:
            found.append(
                f"outcomes were looked at on {look.on} under another plan "
                f"({look.fingerprint})"
            )
        break  # the first look is the one that counts
    late = [one for one in evaluation.amendments if one.on >= starts]
    if late:
        found.append(f"the plan was amended on {late[0].on}, after the activity began")
    return tuple(found)


def _next_month(month: date) -> date:
    number = month.year * 12 + month.month
    return date(number // 12, number % 12 + 1, 1)
