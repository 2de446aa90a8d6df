"""What a chart may not claim: rules 38 and 40."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from edp_platform.analysis.signals.settings import SeriesSettings
from edp_platform.analysis.signals.xmr import TRIAL
from edp_platform.governance.rules import enforces

#: Variation that claims a change.
CLAIMS = ("improving", "concerning", "special cause")


@enforces(38, door="signals: before limits are computed and before they are given")
def limits_across_breaks(
    settings: Mapping[str, SeriesSettings], phases: pl.DataFrame | None = None
) -> list[str]:
    """Return what is wrong where limits would be computed across a series break.

    Args:
        settings: by measure.
        phases: one row per measure and phase with the `first` and `last` month that
            its limits are made of; None looks at the baselines only.
    """
    spans = [
        (name, one.baseline[0], one.baseline[1], "the baseline")
        for name, one in settings.items()
        if one.baseline is not None
    ]
    if phases is not None:
        spans += [
            (row["measure"], row["first"], row["last"], f"phase {row['phase']}")
            for row in phases.iter_rows(named=True)
        ]
    return [
        f"Rule 38: {what} of {name} runs from {first:%Y-%m} to {last:%Y-%m}, across the "
        f"series break of {day:%Y-%m}. Figures on either side are not of the same thing, "
        "so limits over both would call the change of system a change of policing. "
        "End the baseline before the break or begin it there."
        for name, first, last, what in spans
        for day in settings[name].breaks
        if first < day <= last
    ]


@enforces(40, door="signals: before points and states are given")
def claims_without_trial(claims: pl.DataFrame) -> list[str]:
    """Return what is wrong where a signal of few points is not called a trial.

    Args:
        claims: points or states with `measure`, `variation`, `points_used`, `is_trial`
            and, for states, `is_alert` and `words`.
    """
    is_few = (pl.col("points_used") < TRIAL) & pl.col("variation").is_in(CLAIMS)
    is_said = pl.col("is_trial").fill_null(False)
    if "words" in claims.columns:
        named = pl.col("words").str.to_lowercase().str.contains("trial", literal=True)
        is_said &= named.fill_null(False) & ~pl.col("is_alert").fill_null(False)
    bare = claims.filter(is_few & ~is_said)
    return [
        f"Rule 40: {rows} signals of {name} rest on fewer than {TRIAL} points and are "
        "not called a trial. Limits of so few points are too uncertain to act on: say "
        "`trial` in the words, mark them, and raise no alert."
        for name, rows in bare.group_by("measure").len().sort("measure").iter_rows()
    ]
