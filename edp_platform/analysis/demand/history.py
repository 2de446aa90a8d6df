"""The past as one unbroken grid of days: a day without a call is a nought, not a gap."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from edp_platform.analysis.demand.failure import DemandRefused

#: The column of sums over all boroughs, those not known included.
FORCE = "all"
#: A whole month has calls on one of its first and on one of its last days, so many.
_EDGE_DAYS = 2


@dataclass(frozen=True)
class History:
    """Calls of the latest unbroken run of whole months.

    Attributes:
        first: The first day.
        calls: Shape (days, grades, areas): calls received, local days.
        grades: Names along the second axis.
        areas: Codes along the third axis; the last is `FORCE`, the sum of the others.
        names: Borough of each area.
    """

    first: date
    calls: np.ndarray
    grades: tuple[str, ...]
    areas: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def days(self) -> int:
        """Number of days."""
        return int(self.calls.shape[0])

    @property
    def last(self) -> date:
        """The last day."""
        return self.first + timedelta(days=self.days - 1)

    @property
    def month_ends(self) -> list[int]:
        """For each whole month, the number of days up to its end."""
        return [
            day + 1
            for day in range(self.days)
            if (self.first + timedelta(days=day + 1)).day == 1
        ]


def whole_months(calls: pl.DataFrame) -> list[date]:
    """Return the latest unbroken run of months that are there from end to end.

    A month whose extract is still growing, or of which days were lost, would look like
    a fall in calls. What lies before a gap is left out.

    Args:
        calls: `month` of the file and `call_date` (local) of counts of calls.

    Returns:
        First days of months, in order; empty where there is none.
    """
    held = (
        calls.group_by("month")
        .agg(first=pl.col("call_date").min(), last=pl.col("call_date").max())
        .filter(
            pl.col("first") < pl.col("month") + pl.duration(days=_EDGE_DAYS),
            pl.col("last") >= pl.col("month").dt.month_end() - pl.duration(days=1),
        )
        .sort("month")["month"]
        .to_list()
    )
    run: list[date] = []
    for month in reversed(held):
        if run and _next_month(month) != run[-1]:
            break
        run.append(month)
    return run[::-1]


def daily_history(calls: pl.DataFrame) -> History:
    """Return the grid of days, grades and boroughs.

    Args:
        calls: Rows of `marts.calls_by_day_and_hour`: month, call_date, borough_code,
            borough, grade, calls.

    Raises:
        DemandRefused: there is no whole month.
    """
    months = whole_months(calls)
    if not months:
        raise DemandRefused(
            "No month of calls is there from its first to its last day, so there is "
            "nothing to forecast from: a part of a month looks like a fall in calls. "
            "Land whole months of calls_for_service, then run again."
        )
    first, last = months[0], _next_month(months[-1]) - timedelta(days=1)
    inside = calls.filter(pl.col("call_date").is_between(first, last))
    areas = inside.select("borough_code", "borough").unique().sort("borough_code")
    codes = areas["borough_code"].to_list()
    grades = sorted(inside["grade"].unique().to_list())
    counts = inside.group_by("call_date", "grade", "borough_code").agg(
        pl.col("calls").sum()
    )
    grid = np.zeros(((last - first).days + 1, len(grades), len(codes) + 1))
    day = (counts["call_date"] - first).dt.total_days().to_numpy()
    grade = counts["grade"].replace_strict(
        {name: at for at, name in enumerate(grades)}, return_dtype=pl.Int64
    )
    area = counts["borough_code"].replace_strict(
        {code: at for at, code in enumerate(codes)}, return_dtype=pl.Int64
    )
    grid[day, grade.to_numpy(), area.to_numpy()] = counts["calls"].to_numpy()
    grid[:, :, -1] = grid[:, :, :-1].sum(axis=2)
    return History(
        first,
        grid,
        tuple(grades),
        (*codes, FORCE),
        (*areas["borough"].to_list(), "All boroughs"),
    )


def _next_month(month: date) -> date:
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)
