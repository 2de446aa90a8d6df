"""Where and when nothing was done nothing may be found; where it could have moved to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from edp_platform.analysis.evaluation.design import Panel, TooLittle
from edp_platform.analysis.evaluation.difference import Estimate, difference

#: Months on either side of a placebo month.
_FEWEST = 3
Moved = Literal["none seen", "moved", "spread", "not known"]


@dataclass(frozen=True)
class Placebo:
    """One pretended activity.

    Attributes:
        what: the month or the areas it is pretended for.
        estimate: what is found, None where it could not be looked for.
    """

    what: str
    estimate: Estimate | None

    @property
    def passed(self) -> bool:
        """Whether it was looked for and nothing was found."""
        return self.estimate is not None and not self.estimate.is_clear


def placebo_months(
    panel: Panel, treated: Sequence[str], months: Sequence[date]
) -> list[Placebo]:
    """Pretend that the activity began at months before it did.

    Only months before the true start are used. The level is shared out over the months
    (Bonferroni), so that all of them together are passed by 95 % of null series.

    Args:
        panel: treated and comparison areas.
        treated: codes of the treated.
        months: the pretended starts.
    """
    found = []
    for month in months:
        earlier = panel.before(month)
        since = int(earlier.since.sum())
        estimate = None
        if min(since, len(earlier.months) - since) >= _FEWEST:
            estimate = _looked(earlier, treated, 1 - 0.05 / len(months))
        found.append(Placebo(f"{month:%Y-%m}", estimate))
    return found


def placebo_areas(panel: Panel, areas: Sequence[str]) -> Placebo:
    """Pretend that some areas without the activity had it.

    Args:
        panel: comparison areas alone.
        areas: codes of those that are pretended to be treated; those that are not in
            the panel, being neighbours of a treated one, are left out.
    """
    kept = sorted(set(areas) & set(panel.areas))
    estimate = None
    if len(kept) >= 2 and len(panel.areas) - len(kept) >= 2:
        estimate = _looked(panel, kept, 0.95)
    return Placebo(f"{len(kept)} areas", estimate)


@dataclass(frozen=True)
class Displaced:
    """What happened next to the treated areas.

    Attributes:
        verdict: none seen; moved (the outcome rose where it was to fall); spread (it
            changed as in the treated areas: diffusion of benefits); not known.
        estimate: buffer against comparison areas.
    """

    verdict: Moved
    estimate: Estimate | None


def displaced(panel: Panel, buffer: Sequence[str], expected: str) -> Displaced:
    """Hold the areas next to the treated ones against those far away.

    Displacement and diffusion, as Bowers and Johnson (2003, Journal of Quantitative
    Criminology 19:275) ask for both. "None seen" is not "none": the interval says how
    much there could be.

    Args:
        panel: buffer and comparison areas.
        buffer: codes of the buffer.
        expected: fewer or more, of the outcome in the treated areas.
    """
    if len(set(buffer) & set(panel.areas)) < 2:
        return Displaced("not known", None)
    estimate = _looked(panel, buffer, 0.95)
    if estimate is None:
        return Displaced("not known", None)
    if not estimate.is_clear:
        return Displaced("none seen", estimate)
    is_rise = estimate.ratio > 1
    return Displaced(
        "moved" if is_rise is (expected == "fewer") else "spread", estimate
    )


def _looked(panel: Panel, treated: Sequence[str], level: float) -> Estimate | None:
    try:
        return difference(panel, panel.among(treated), level)
    except TooLittle:
        return None
