"""The state of each series at its newest usable point."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from edp_platform.analysis.false_discovery import benjamini_hochberg
from edp_platform.analysis.signals.alerts import ASKED_RATE, p_values
from edp_platform.analysis.signals.preparing import SERIES, SignalsRefused
from edp_platform.analysis.signals.settings import MONTHS, SeriesSettings
from edp_platform.analysis.signals.validity import claims_without_trial
from edp_platform.analysis.signals.words import with_words

STATES = {
    "measure": pl.String,
    "area_kind": pl.String,
    "area_code": pl.String,
    "month": pl.Date,
    "value": pl.Float64,
    "centre": pl.Float64,
    "lower_limit": pl.Float64,
    "upper_limit": pl.Float64,
    "variation": pl.String,
    "direction": pl.Int8,
    "assurance": pl.String,
    "target": pl.Float64,
    "chart": pl.String,
    "points_used": pl.UInt32,
    "is_trial": pl.Boolean,
    "p_value": pl.Float64,
    "window": pl.Int32,
    "change": pl.Float64,
    "is_watched": pl.Boolean,
    "is_alert": pl.Boolean,
    "since": pl.Date,
    "words": pl.String,
}

#: What of the points a state is made of.
_NEEDED = (
    *("measure", "area_kind", "area_code", "month", "value", "chart", "phase"),
    *("seasonal_factor", "factor_error", "adjusted", "events", "exposure"),
    *("centre", "lower_limit", "upper_limit", "points_used", "is_used"),
    *("is_outside_limits", "is_shift", "is_trend", "is_two_of_three"),
    *("direction", "since", "variation", "is_trial", "excluded"),
)


def states(
    points: pl.DataFrame,
    settings: Mapping[str, SeriesSettings],
    before: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return one row per series: its variation, assurance, alert and words.

    Alerts are decided over all series together, so this is given all points, also
    those of series that did not change.

    Args:
        points: as `charting.points` gives them.
        settings: by measure.
        before: states of series whose points are as they were, if there are such:
            their p-values are taken over.

    Returns:
        The columns of `STATES`. `variation` and `assurance` are null where no signal
        is computed; `p_value`, `window` and `change` where the series is too short.
        `direction` is that of the alert where there is one, else of the signal.

    Raises:
        SignalsRefused: a state would claim more than its points bear (rule 40).
    """
    points = _in_order(points.select(_NEEDED))
    ends = pl.col("series").ne_missing(pl.col("series").shift(-1))
    last = points.filter(ends)
    every = last.select(
        "series",
        pl.col("month").alias("latest"),
        pl.col("excluded").alias("latest_excluded"),
    )
    usable = points.filter(pl.col("chart") != "none")
    newest = usable.filter(ends)
    unusable = last.join(newest, on="series", how="anti")
    phase = newest.select("series", "phase")
    now = usable.join(phase, on=("series", "phase"), how="semi", maintain_order="left")
    kept = _kept(newest, before)
    if before is not None and kept is not None:
        group = ("measure", "area_kind")
        now = now.join(before, on=group, how="anti", maintain_order="left")
    judged = p_values(now.with_columns(pl.col("factor_error").fill_null(0)), settings)
    if kept is not None:
        judged = pl.concat([judged, kept.cast(judged.schema)])
    frame = (
        pl.concat([newest, unusable])
        .join(every, on="series", how="left")
        .join(judged, on="series", how="left")
        .join(_assured(usable, settings), on="series", how="left")
        .join(_declared(settings), on="measure", how="left")
        .sort(SERIES)
    )
    frame = _alerted(frame)
    frame = with_words(frame).select(
        pl.col(name).cast(kind) for name, kind in STATES.items()
    )
    faults = claims_without_trial(frame)
    if faults:
        raise SignalsRefused("\n".join(faults))
    return frame


def _in_order(points: pl.DataFrame) -> pl.DataFrame:
    """Number the series and their groups, after sorting where that is needed."""
    numbered = _numbered(points)
    apart = pl.col("series") != pl.col("series").shift()
    is_ordered = numbered.select(
        (apart | (pl.col("month") > pl.col("month").shift())).all()
    ).item()
    is_whole = numbered["series"].max() == points.select(SERIES).n_unique() - 1
    # Points that come from `points` are in order; sorting millions takes as long as
    # all that follows.
    return (
        numbered
        if is_ordered and is_whole
        else _numbered(points.sort(*SERIES, "month"))
    )


def _numbered(points: pl.DataFrame) -> pl.DataFrame:
    begins = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(name).shift()) for name in SERIES
    )
    first = pl.int_range(pl.len()) == 0
    return points.with_columns(
        ((begins | first).cum_sum() - 1).cast(pl.UInt32).alias("series"),
        pl.struct("measure", "area_kind").rle_id().alias("group"),
    )


def _kept(newest: pl.DataFrame, before: pl.DataFrame | None) -> pl.DataFrame | None:
    """Return the p-values that are taken over, by the number of the series."""
    if before is None or not before.height:
        return None
    return (
        newest.select("series", *SERIES)
        .join(before, on=SERIES)
        .select("series", "p_value", "window", "change")
        .drop_nulls("p_value")
    )


def _declared(settings: Mapping[str, SeriesSettings]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (name, one.seasonal and one.frequency != "year", one.overlapping)
            for name, one in settings.items()
        ],
        schema={
            "measure": pl.String,
            "is_seasonal": pl.Boolean,
            "why_overlapping": pl.String,
        },
        orient="row",
    )


def _assured(
    usable: pl.DataFrame, settings: Mapping[str, SeriesSettings]
) -> pl.DataFrame:
    """Return whether the target lies within what the process gives in a year.

    NHS "Making data count": a target beyond a limit is met, or missed, always. The
    limits of a seasonal series differ by month; the narrowest promise of the last year
    counts.
    """
    targets = pl.DataFrame(
        [
            (
                name,
                float(one.target),
                one.reached_when or ("lower" if one.better == "lower" else "higher"),
                12 // MONTHS[one.frequency],
            )
            for name, one in settings.items()
            if one.target is not None
        ],
        schema={
            "measure": pl.String,
            "target": pl.Float64,
            "reached_when": pl.String,
            "places": pl.Int32,
        },
        orient="row",
    )
    rows = usable.join(targets, on="measure", maintain_order="left")
    back = pl.len().over("series") - 1 - pl.int_range(pl.len()).over("series")
    latest_phase = pl.col("phase") == pl.col("phase").last().over("series")
    rows = rows.filter((back < pl.col("places")) & latest_phase)
    ends = rows.group_by("series").agg(
        pl.col("target", "reached_when").first(),
        pl.col("lower_limit").min(),
        pl.col("upper_limit").max(),
    )
    higher = pl.col("reached_when") == "higher"
    above = pl.col("lower_limit") >= pl.col("target")
    below = pl.col("upper_limit") <= pl.col("target")
    hits = pl.when(higher).then(above).otherwise(below)
    misses = (
        pl.when(higher)
        .then(pl.col("upper_limit") < pl.col("target"))
        .otherwise(pl.col("lower_limit") > pl.col("target"))
    )
    return ends.select(
        "series",
        "target",
        "reached_when",
        pl.when(pl.col("upper_limit").is_null())
        .then(None)
        .when(hits)
        .then(pl.lit("consistently hits"))
        .when(misses)
        .then(pl.lit("consistently misses"))
        .otherwise(pl.lit("hit or miss"))
        .alias("assurance"),
    )


def _alerted(frame: pl.DataFrame) -> pl.DataFrame:
    """Decide the alerts of all watched series together."""
    charted = pl.col("chart") != "none"
    # A series that stopped has no news.
    is_current = pl.col("month") == pl.col("month").filter(charted).max().over("group")
    watched = (
        charted & is_current & pl.col("p_value").is_not_null() & ~pl.col("is_trial")
    )
    frame = frame.with_columns(watched.fill_null(False).alias("is_watched"))
    # Weighted (Genovese, Roeder and Wasserman 2006, Biometrika 93: 509-524): each kind
    # of area has the same share of the whole, or the few series of forces would be lost
    # among the thousands of wards. The weights average 1, so the rate holds over all.
    kinds = pl.col("area_kind").filter("is_watched").n_unique()
    alike = pl.col("is_watched").sum().over("area_kind")
    weight = pl.col("is_watched").sum() / kinds / alike
    p = frame.select(
        pl.when("is_watched")
        .then((pl.col("p_value") / weight).clip(0, 1))
        .fill_null(np.nan)
        .alias("p")
    )["p"].to_numpy()
    is_alert = pl.Series("is_alert", benjamini_hochberg(p) <= ASKED_RATE)
    moved = pl.col("change").sign().cast(pl.Int8)
    return frame.with_columns(
        is_alert,
        pl.col("is_watched").sum().alias("watched"),
        pl.when(charted & pl.col("target").is_null())
        .then(pl.lit("no target"))
        .otherwise("assurance")
        .alias("assurance"),
    ).with_columns(
        pl.when(pl.col("is_alert") & moved.is_not_null())
        .then(moved)
        .otherwise("direction")
        .alias("direction")
    )
