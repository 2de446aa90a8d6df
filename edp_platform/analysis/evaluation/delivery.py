"""Whether the activity was done where and when the plan says, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from edp_platform.analysis.evaluation.design import Groups

#: So much of what the treated areas had may lie where or when none was planned.
_MOST_ELSEWHERE = 0.1
#: So many of the treated areas must have had it.
_LEAST_REACHED = 0.9


@dataclass(frozen=True)
class Delivered:
    """What was done.

    Attributes:
        verdict: as planned; not as planned; not known, where the data hold none of it.
        treated, before, compared: officer hours an area and month: in the treated areas
            since the start, there before it, and in the comparison areas since.
    """

    verdict: Literal["as planned", "not as planned", "not known"]
    treated: float | None = None
    before: float | None = None
    compared: float | None = None


def delivered(
    patrols: pl.DataFrame,
    activity: str,
    chosen: Groups,
    months: Sequence[date],
    starts: date,
) -> Delivered:
    """Return whether an activity was done as planned.

    Comparison areas that had it too, or treated areas that had it before, make the
    estimate one of something else than the plan's question.

    Args:
        patrols: `month`, `borough_code`, `activity`, `officer_hours`.
        activity: its name in the data.
        chosen: the groups of areas.
        months: those looked at.
        starts: the first month of the activity.
    """
    hours = patrols.filter(
        (pl.col("activity") == activity) & pl.col("month").is_in(list(months))
    )
    if hours.is_empty():
        return Delivered("not known")
    since = pl.col("month") >= starts
    before_months = sum(month < starts for month in months)
    since_months = len(months) - before_months

    def a_month(areas: Sequence[str], when: pl.Expr, number: int) -> float:
        total = hours.filter(pl.col("borough_code").is_in(list(areas)) & when)
        return float(total["officer_hours"].sum()) / (len(areas) * number)

    treated = a_month(chosen.treated, since, since_months)
    before = a_month(chosen.treated, ~since, before_months)
    compared = a_month(chosen.comparison, since, since_months)
    reached = hours.filter(pl.col("borough_code").is_in(list(chosen.treated)) & since)[
        "borough_code"
    ].n_unique()
    most = _MOST_ELSEWHERE * treated
    is_planned = (
        reached >= _LEAST_REACHED * len(chosen.treated)
        and before <= most
        and compared <= most
    )
    verdict: Literal["as planned", "not as planned"] = (
        "as planned" if is_planned else "not as planned"
    )
    return Delivered(verdict, treated, before, compared)
