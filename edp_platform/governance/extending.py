"""Putting a DPIA's review off: by the senior risk owner, fourteen days, on the record."""

from __future__ import annotations

import json
from datetime import date, timedelta

from edp_platform.governance.catalogue import Entry
from edp_platform.governance.record_editing import add_value, write_checked
from edp_platform.governance.records.dpia import Dpia
from edp_platform.governance.registers import Registers
from edp_platform.governance.review_dates import LONGEST_EXTENSION
from edp_platform.home import Home


class CannotExtend(ValueError):
    """The review may not be put off; nothing was written."""


def extend_review(
    entry: Entry, by: str, reason: str, days: int, today: date, home: Home
) -> date:
    """Write an extension into a DPIA.

    Args:
        entry: a DPIA whose review has fallen due, or falls due today.
        by: who grants it.
        reason: why the review could not be held.
        days: how many days after it was due.
        today: the day it is granted.
        home: whose registers.

    Returns:
        the last day it gives.

    Raises:
        CannotExtend: not the senior information risk owner, too long, not yet due,
            extended before, or no reason.
    """
    record = entry.record
    assert isinstance(record, Dpia)
    person = Registers(home.made_on).people.get(by)
    if person is None or person.role != "senior_information_risk_owner":
        raise CannotExtend(
            f"rule 2: {by} is not the senior information risk owner, and only they may "
            f"put the review of {record.id} off."
        )
    if person.left is not None and person.left <= today:
        raise CannotExtend(f"rule 2: {by} left on {person.left}.")
    if by == record.author:
        raise CannotExtend(
            f"rule 8: {by} wrote {record.id} and may not put its review off (separation "
            "of duty)."
        )
    until = record.review.due + timedelta(days=days)
    if not 1 <= days <= LONGEST_EXTENSION.days or until < today:
        raise CannotExtend(
            f"rule 2: {record.id} was due for review on {record.review.due}; it may be "
            f"put off to {record.review.due + LONGEST_EXTENSION} at most. Review it."
        )
    if record.review.due > today:
        raise CannotExtend(
            f"{record.id} is due for review on {record.review.due}, which has not come: "
            "there is nothing to put off."
        )
    if record.review.extension is not None:
        raise CannotExtend(
            f"rule 2: the review of {record.id} was put off once already, to "
            f"{record.review.extension.until}. Review it."
        )
    if not reason.strip():
        raise CannotExtend("Say why the review could not be held in time.")
    value = (
        f"{{by: {by}, on: {today}, until: {until}, "
        f"reason: {json.dumps(reason.strip(), ensure_ascii=False)}}}"
    )
    text = add_value(
        entry.path.read_text(encoding="utf-8"),
        [*entry.prefix, "review"],
        "extension",
        value,
    )
    write_checked(entry.path, text)
    return until
