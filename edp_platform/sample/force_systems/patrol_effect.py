"""The planted effect of patrols: hotspot patrols begin in some boroughs, violence falls.

Chosen so that an evaluation can be held against the truth: the boroughs are the same
for every seed, lie together on the map of the default seed (so that there are
neighbours, where crime could be displaced to, and boroughs far away), and the months
are counted from the end of the window, whatever its length.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from edp_platform.sample.geography import Geography
from edp_platform.sample.timeline import (
    FORCE,
    PATROL_CRIME_TYPE,
    PATROL_ENVIRONMENT,
    PATROL_FACTOR,
    Timeline,
    month_text,
)

HOTSPOT = "hotspot patrol"
_NEIGHBOURHOOD = "neighbourhood patrol"
#: Positions of the boroughs: the western columns of the default seed's map.
_TREATED = (2, 4, 6, 8, 10, 11, 12, 13, 18, 20, 21, 25, 28, 32)
#: Share of neighbourhood patrols that became hotspot patrols where these began.
_TURNED = 0.6


@dataclass(frozen=True)
class PatrolEffect:
    """Where and from when hotspot patrols run, and what they prevent.

    Attributes:
        since: First month, as a number of months; None where the window is too short
            for an effect to be seen, and nothing is planted.
        boroughs: Codes of the boroughs that have them.
    """

    since: int | None
    boroughs: tuple[str, ...]

    @classmethod
    def planned(cls, timeline: Timeline, geography: Geography) -> PatrolEffect:
        """Return the effect of a sample."""
        codes = geography.boroughs["borough_code"]
        treated = tuple(sorted(codes[position] for position in _TREATED))
        return cls(timeline.patrols_from, treated)

    def prevented(self, month: int, uniform: pl.Expr) -> pl.Expr:
        """Tell which reports of a month never happened.

        Args:
            month: The month's number.
            uniform: A number in [0, 1) a report.

        Returns:
            Boolean, over rows with `crime_type`, `environment`, `borough_code`.
        """
        if self.since is None or month < self.since:
            return pl.lit(False)
        return (
            (pl.col("crime_type") == PATROL_CRIME_TYPE)
            & pl.col("environment").eq_missing(PATROL_ENVIRONMENT)
            & pl.col("borough_code").is_in(self.boroughs)
            & (uniform >= PATROL_FACTOR)
        )

    def activity(self, month: int, activity: pl.Expr, uniform: pl.Expr) -> pl.Expr:
        """Turn patrols into hotspot patrols where these run, and nowhere else.

        Args:
            month: The month's number.
            activity: What each patrol was for, as drawn.
            uniform: A number in [0, 1) a patrol.
        """
        if self.since is None:
            return activity
        here = pl.col("borough_code").is_in(self.boroughs) & pl.lit(month >= self.since)
        turned = (activity == _NEIGHBOURHOOD) & (uniform < _TURNED)
        return (
            pl.when(here & turned)
            .then(pl.lit(HOTSPOT))
            .when(~here & (activity == HOTSPOT))
            .then(pl.lit(_NEIGHBOURHOOD))
            .otherwise(activity)
        )

    def as_truth(self) -> dict[str, object] | None:
        """Return what is told of it; None where nothing is planted."""
        if self.since is None:
            return None
        return {
            "force": FORCE,
            "activity": HOTSPOT,
            "from": month_text(self.since),
            "boroughs": list(self.boroughs),
            "crime_type": PATROL_CRIME_TYPE,
            "environment": PATROL_ENVIRONMENT,
            "factor": PATROL_FACTOR,
            "displacement": None,
        }
