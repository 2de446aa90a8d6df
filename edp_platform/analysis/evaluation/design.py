"""The plan as the methods need it, and the counts it is put to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from edp_platform.told import Told

if TYPE_CHECKING:
    from edp_platform.governance.records.evaluation import Evaluation

Counts = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Fewer on either side of the start, and no change can be told from the usual ups and
#: downs of months.
FEWEST_MONTHS = 6
#: Fewer on either side, and areas cannot show how much areas differ.
FEWEST_AREAS = 4
#: A ratio of fewer is refused, as everywhere on the platform (rule 37).
FEWEST_EVENTS = 10


class TooLittle(Told):
    """The data cannot bear the question; the message says what is missing."""


@dataclass(frozen=True)
class Groups:
    """Which areas are held against which.

    Attributes:
        treated: codes of areas that had the activity.
        comparison: codes of those that had not, nor border on one that had.
        buffer: codes of those between: where the outcome could have moved to.
    """

    treated: tuple[str, ...]
    comparison: tuple[str, ...]
    buffer: tuple[str, ...]


def groups(
    evaluation: Evaluation, areas: Sequence[str], neighbours: Mapping[str, set[str]]
) -> Groups:
    """Return the groups of areas that a plan asks for.

    Args:
        evaluation: the record.
        areas: codes of the areas that there are counts of.
        neighbours: area → areas that share a border with it.

    Raises:
        TooLittle: the plan names an area without counts, neighbours are asked for and no
            border is held, or a group has too few areas.
    """
    plan = evaluation.plan
    known = set(areas)
    missing = sorted(set(plan.treated) - known)
    if missing:
        raise TooLittle(
            f"{evaluation.id} names the treated area {missing[0]}, of which no reports "
            "are held: the figure would be of other areas than was registered. Load "
            "them, or register another plan."
        )
    treated = set(plan.treated)
    named = plan.displacement.buffer
    if named == "neighbours":
        if not neighbours:
            raise TooLittle(
                f"{evaluation.id} keeps neighbours of the treated areas out of the "
                "comparison, and no boundaries are held. Load borough_boundaries."
            )
        beside = set().union(*(neighbours.get(area, set()) for area in treated))
        buffer = (beside & known) - treated
    else:
        buffer = set(named) & known
    others = known if plan.comparison == "others" else set(plan.comparison) & known
    comparison = others - treated - buffer
    for what, found in (("treated", treated), ("comparison", comparison)):
        if len(found) < FEWEST_AREAS:
            raise TooLittle(
                f"{evaluation.id} has too few {what} areas ({len(found)}, at least "
                f"{FEWEST_AREAS}): how much areas differ of themselves could not be "
                "told. Register a plan with more areas."
            )
    return Groups(
        tuple(sorted(treated)), tuple(sorted(comparison)), tuple(sorted(buffer))
    )


@dataclass(frozen=True)
class Panel:
    """Counts of one outcome by area and month; no report is 0.

    Attributes:
        counts: areas × months.
        areas: codes, in the order of the rows.
        months: first days, in the order of the columns; every month of the span.
        starts: the first month of the activity.
    """

    counts: Counts
    areas: tuple[str, ...]
    months: tuple[date, ...]
    starts: date

    @property
    def since(self) -> Flags:
        """Which months are of the activity."""
        return np.array([month >= self.starts for month in self.months])

    def of(self, areas: Sequence[str]) -> Panel:
        """Return the panel of some areas, in the panel's order."""
        chosen = set(areas)
        rows = [at for at, area in enumerate(self.areas) if area in chosen]
        kept = tuple(self.areas[at] for at in rows)
        return Panel(self.counts[rows], kept, self.months, self.starts)

    def before(self, starts: date) -> Panel:
        """Return the months before the activity, pretending that it began earlier."""
        kept = ~self.since
        months = tuple(month for month in self.months if month < self.starts)
        return Panel(self.counts[:, kept], self.areas, months, starts)

    def among(self, areas: Sequence[str]) -> Flags:
        """Tell which of the panel's areas are among these."""
        chosen = set(areas)
        return np.array([area in chosen for area in self.areas])


def months_between(first: date, last: date) -> tuple[date, ...]:
    """Return the first day of each month of a span."""
    start, end = (one.year * 12 + one.month - 1 for one in (first, last))
    return tuple(
        date(number // 12, number % 12 + 1, 1) for number in range(start, end + 1)
    )


def months_of(evaluation: Evaluation, held: Sequence[date]) -> tuple[date, ...]:
    """Return the months that a plan looks at and that are held.

    Args:
        evaluation: the record.
        held: months of which the force's reports are held whole.

    Raises:
        TooLittle: a month between the first and the last is missing, or too few are held
            before or since the start.
    """
    plan = evaluation.plan
    first = plan.first or min(held, default=plan.last)
    wanted = [month for month in held if first <= month <= plan.last]
    if not wanted:
        raise TooLittle(f"no month of {evaluation.id} is held. Load crime_reports.")
    months = months_between(min(wanted), max(wanted))
    gaps = sorted(set(months) - set(wanted))
    if gaps:
        raise TooLittle(
            f"{evaluation.id} runs over {gaps[0]:%Y-%m}, of which no reports are held: "
            "missing would be taken for none. Load that month."
        )
    since = sum(month >= plan.starts for month in months)
    before = len(months) - since
    if min(since, before) < FEWEST_MONTHS:
        raise TooLittle(
            f"{before} months before and {since} since {plan.starts:%Y-%m} are held for "
            f"{evaluation.id}, and {FEWEST_MONTHS} each are the fewest. Wait, or load "
            "earlier months."
        )
    return months


def panel(
    counts: pl.DataFrame,
    areas: Sequence[str],
    months: Sequence[date],
    starts: date,
) -> Panel:
    """Lay counts out by area and month.

    Args:
        counts: `borough_code`, `month`, `reports`; one row or more an area and month.
        areas: which areas, in which order.
        months: which months, in which order.
        starts: the first month of the activity.
    """
    row = {area: at for at, area in enumerate(areas)}
    column = {month: at for at, month in enumerate(months)}
    wanted = counts.filter(
        pl.col("borough_code").is_in(list(row)) & pl.col("month").is_in(list(column))
    )
    table = np.zeros((len(areas), len(months)))
    at = (
        wanted["borough_code"].replace_strict(row, return_dtype=pl.Int64).to_numpy(),
        wanted["month"].replace_strict(column, return_dtype=pl.Int64).to_numpy(),
    )
    np.add.at(table, at, wanted["reports"].to_numpy().astype(float))
    return Panel(table, tuple(areas), tuple(months), starts)
