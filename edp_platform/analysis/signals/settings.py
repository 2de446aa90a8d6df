"""What the charts need to know of a measure, and nothing else of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

Better = Literal["higher", "lower", "neither"]
Frequency = Literal["month", "quarter", "year"]

#: Months from the start of one period to the start of the next.
MONTHS: dict[Frequency, int] = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class SeriesSettings:
    """How the series of one measure are charted; the same for each of its areas.

    Attributes:
        better: which way is good; `neither` makes a signal "special cause" only.
        target: in the measure's unit; None where no authority has set one.
        reached_when: the target is reached at or above it (`higher`) or at or below
            it (`lower`); None takes `better`.
        frequency: of the periods.
        seasonal: the series has a yearly pattern, taken out before limits are set.
        overlapping: why the periods overlap (rolling years, say); such a series
            raises no signal. None where each period stands on its own.
        breaks: first months of another definition or system. Nothing is computed
            across one: limits, seasonal factors and runs begin again (rule 38).
        steps: first months after a real, explained change of the process. Limits and
            runs begin again; the seasonal pattern is kept.
        baseline: first and last month that limits and seasonal factors are frozen
            from; None computes them from every usable point of the phase.
        lowest: the smallest value that is possible, such as 0; None for no floor.
        highest: the largest value that is possible, such as 100; None for no ceiling.
        is_count: the value is a whole number of events in the period, so rare ones
            are charted as counts and not by their moving ranges.
        rate_per: the value is this times numerator / denominator, and the numerator a
            whole number of events, as in crimes per 1,000 residents; rare ones are
            charted by their numerator. None for any other value.
    """

    better: Better = "neither"
    target: float | None = None
    reached_when: Literal["higher", "lower"] | None = None
    frequency: Frequency = "month"
    seasonal: bool = False
    overlapping: str | None = None
    breaks: Sequence[date] = ()
    steps: Sequence[date] = ()
    baseline: tuple[date, date] | None = None
    lowest: float | None = None
    highest: float | None = None
    is_count: bool = False
    rate_per: float | None = None
