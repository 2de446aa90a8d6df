"""Did data come when its contract promised: month by month, within a sprint's days."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal

Kept = Literal["kept", "late", "missing"]


@dataclass(frozen=True)
class Promise:
    """One month of one data set that was promised within the days in question.

    Attributes:
        data_set: whose.
        month: YYYY-MM.
        due: the last day on which the promise was kept.
        landed: the first day on which a file of the month was landed; None for never.
        state: kept, late or missing.
        days_late: whole days after `due`; 0 where kept, counted to the last of the
            days in question where missing.
    """

    data_set: str
    month: str
    due: date
    landed: date | None
    state: Kept
    days_late: int


def promises(
    data_set: str,
    freshness_days: float,
    first_landed: Mapping[str, date],
    first: date,
    last: date,
    known_months: Iterable[str] | None = None,
) -> list[Promise]:
    """Return each promise that fell due between two days, both included.

    A month is promised `freshness_days` after its last day. Whether a data set has every
    month is told by those it has: a quarterly one is promised its quarters alone.

    Args:
        data_set: its name.
        freshness_days: of its contract.
        first_landed: month → the first day a file of it was landed.
        first: first day.
        last: last day.
        known_months: months it has at all; default those landed.
    """
    step = _rhythm(known_months if known_months is not None else first_landed)
    anchor = max(first_landed, default=None)
    found = []
    for month in _months_due(first, last, freshness_days):
        if anchor is not None and (_number(anchor) - _number(month)) % step:
            continue
        due = _last_day(month) + timedelta(days=freshness_days)
        landed = first_landed.get(month)
        if landed is not None and landed > last:
            landed = None  # it came after the sprint; within it, it was missing
        state: Kept = "missing"
        if landed is not None:
            state = "kept" if landed <= due else "late"
        until = landed or last
        found.append(
            Promise(data_set, month, due, landed, state, max((until - due).days, 0))
        )
    return found


def _months_due(first: date, last: date, freshness_days: float) -> list[str]:
    """Return the months whose promise falls between two days."""
    start = _number(f"{first - timedelta(days=freshness_days + 31):%Y-%m}")
    end = _number(f"{last:%Y-%m}")
    found = []
    for number in range(start, end + 1):
        month = f"{number // 12:04d}-{number % 12 + 1:02d}"
        if first <= _last_day(month) + timedelta(days=freshness_days) <= last:
            found.append(month)
    return found


def _rhythm(months: Iterable[str]) -> int:
    numbers = sorted({_number(month) for month in months})
    gaps = [later - earlier for earlier, later in pairwise(numbers)]
    return max(min(gaps, default=1), 1)


def _last_day(month: str) -> date:
    year, number = int(month[:4]), int(month[5:7])
    return date(year, number, calendar.monthrange(year, number)[1])


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:7]) - 1
