"""When a review is due, how soon that is, and by how much it may be put off."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from edp_platform.governance.records.base import Extension, Review

#: Days before a review falls due at which its owner is warned.
WARNINGS = (90, 30, 7)
#: The most that the senior information risk owner may put a review off.
LONGEST_EXTENSION = timedelta(days=14)

Notice = Literal["overdue", "extended", "7 days", "30 days", "90 days", ""]


def a_year_after(day: date) -> date:
    """Return the same day twelve months on; 29 February gives 28 February."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return day.replace(year=day.year + 1, day=28)


def stands(extension: Extension | None, due: date, today: date) -> bool:
    """Say whether an extension covers today: granted, within its limit, not over."""
    return (
        extension is not None
        and extension.on <= today <= extension.until
        and extension.until <= due + LONGEST_EXTENSION
    )


def notice(review: Review, today: date) -> Notice:
    """Return how soon a review is due: nothing when it is more than 90 days off."""
    if review.due < today:
        return "extended" if stands(review.extension, review.due, today) else "overdue"
    days = (review.due - today).days
    for limit in sorted(WARNINGS):
        if days <= limit:
            return f"{limit} days"  # type: ignore[return-value]
    return ""
