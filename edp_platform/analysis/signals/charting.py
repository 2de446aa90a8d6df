"""From tidy values to points with limits and series with a state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from edp_platform.analysis.signals import rare, xmr
from edp_platform.analysis.signals.overlap import overlapping_groups
from edp_platform.analysis.signals.preparing import SignalsRefused, prepare
from edp_platform.analysis.signals.seasonal import seasonal_factors
from edp_platform.analysis.signals.settings import SeriesSettings
from edp_platform.analysis.signals.states import states
from edp_platform.analysis.signals.validity import (
    claims_without_trial,
    limits_across_breaks,
)

#: A baseline shorter than this says nothing; the whole phase is used.
_LEAST_BASELINE = 2

POINTS = {
    "measure": pl.String,
    "area_kind": pl.String,
    "area_code": pl.String,
    "month": pl.Date,
    "value": pl.Float64,
    "chart": pl.String,
    "phase": pl.Int32,
    "seasonal_factor": pl.Float64,
    "factor_error": pl.Float64,
    "adjusted": pl.Float64,
    "events": pl.Float64,
    "exposure": pl.Float64,
    "centre": pl.Float64,
    "lower_limit": pl.Float64,
    "upper_limit": pl.Float64,
    "moving_range_limit": pl.Float64,
    "points_used": pl.UInt32,
    "is_used": pl.Boolean,
    "is_screened": pl.Boolean,
    "is_outside_limits": pl.Boolean,
    "is_shift": pl.Boolean,
    "is_trend": pl.Boolean,
    "is_two_of_three": pl.Boolean,
    "direction": pl.Int8,
    "since": pl.Date,
    "variation": pl.String,
    "is_trial": pl.Boolean,
    "excluded": pl.String,
}
RULES = ("is_outside_limits", "is_shift", "is_trend", "is_two_of_three")


@dataclass(frozen=True)
class Signals:
    """What the charts say.

    Attributes:
        points: one row per series and month, as `points` gives them.
        series: one row per series, as `states` gives them.
    """

    points: pl.DataFrame
    series: pl.DataFrame


def signals(values: pl.DataFrame, settings: Mapping[str, SeriesSettings]) -> Signals:
    """Return the signals of all series.

    Args:
        values: as the mart `measure_values`.
        settings: by measure, of every measure in it.

    Raises:
        SignalsRefused: as `points` and `states`.
    """
    charted = points(values, settings)
    return Signals(charted, states(charted, settings))


def points(
    values: pl.DataFrame, settings: Mapping[str, SeriesSettings]
) -> pl.DataFrame:
    """Return every period with its limits and the rules that it breaks.

    Limits are shown with the season put back; `adjusted` is the value without it.
    `direction` is 1 for a signal upwards and -1 for one downwards. Left out of
    everything, with no limits, are the points that say why in `excluded`.

    Args:
        values: as the mart `measure_values`: one row per measure, area and period.
        settings: by measure, of every measure in it.

    Returns:
        The columns of `POINTS`, in order of measure, area and month.

    Raises:
        SignalsRefused: a measure without settings, two values for a period, or limits
            that would be computed across a break (rule 38).
    """
    faults = limits_across_breaks(settings)
    if faults:
        raise SignalsRefused("\n".join(faults))
    frame = prepare(values, settings).with_row_index("row")
    usable = frame.filter(pl.col("excluded").is_null())
    usable = _adjusted(usable, settings)
    usable = _segmented(usable)
    refused = overlapping_groups(usable)
    charted = _charted(
        usable.filter(~pl.col("group").is_in(refused["group"].implode())), settings
    )
    whole = _all_rows(frame, charted, refused, settings)
    _refuse_faults(whole, settings)
    return whole


def _refuse_faults(
    points: pl.DataFrame, settings: Mapping[str, SeriesSettings]
) -> None:
    phases = (
        points.filter(pl.col("is_used") & (pl.col("chart") != "none"))
        .group_by("measure", "phase")
        .agg(pl.col("month").min().alias("first"), pl.col("month").max().alias("last"))
    )
    faults = [
        *limits_across_breaks(settings, phases),
        *claims_without_trial(points),
    ]
    if faults:
        raise SignalsRefused("\n".join(faults))


def _adjusted(
    usable: pl.DataFrame, settings: Mapping[str, SeriesSettings]
) -> pl.DataFrame:
    """Take the season out."""
    if any(one.seasonal for one in settings.values()):
        factors = seasonal_factors(usable, settings)
        on = ("series", "era", "position")
        usable = usable.join(factors, on=on, how="left", maintain_order="left")
    else:
        usable = usable.with_columns(
            pl.lit(None, pl.Float64).alias(name)
            for name in ("seasonal_factor", "factor_error")
        )
    factor = pl.col("seasonal_factor").fill_null(1.0)
    return usable.with_columns((pl.col("value") / factor).alias("adjusted"))


def _numbered(usable: pl.DataFrame) -> pl.DataFrame:
    """Number the phases of all series from 0, in order, as `segment`."""
    begins = (pl.col("series") != pl.col("series").shift()) | (
        pl.col("phase") != pl.col("phase").shift()
    )
    return usable.with_columns(
        (begins.fill_null(True).cum_sum() - 1).cast(pl.UInt32).alias("segment")
    )


def _segmented(usable: pl.DataFrame) -> pl.DataFrame:
    """Number the phases, and say which of their points the limits are made of."""
    usable = _numbered(usable)
    frozen = (
        usable.group_by("segment")
        .agg(pl.col("in_baseline").sum().alias("baseline"))
        .sort("segment")["baseline"]
        >= _LEAST_BASELINE
    )
    is_frozen = xmr.broadcast(frozen, usable["segment"])
    return usable.with_columns((pl.col("in_baseline") | ~is_frozen).alias("is_used"))


def _charted(
    usable: pl.DataFrame, settings: Mapping[str, SeriesSettings]
) -> pl.DataFrame:
    """Add limits and rules, by the chart that fits each phase of each series."""
    # Without those of refused groups, whose numbers would be missing.
    usable = _numbered(usable)
    found = xmr.limits(usable)
    segment = usable["segment"]
    usable = usable.with_columns(
        xmr.broadcast(found[name], segment).alias(name)
        for name in found.columns
        if name != "segment"
    )
    usable = _events(usable, settings)
    is_rare = xmr.broadcast(_few_events(usable), usable["segment"])
    usable = usable.with_columns(is_rare.alias("is_rare"))
    often = _xmr(usable.filter(~pl.col("is_rare")), settings)
    seldom = _rare(usable.filter("is_rare"), settings)
    return pl.concat([often, seldom], how="diagonal") if seldom.height else often


def _events(
    usable: pl.DataFrame, settings: Mapping[str, SeriesSettings]
) -> pl.DataFrame:
    """Add `events`, where they can be counted, and `exposure`, what they come from."""
    counts = [name for name, one in settings.items() if one.is_count]
    rates = [name for name, one in settings.items() if one.rate_per is not None]
    is_count, is_rate = (pl.col("measure").is_in(each) for each in (counts, rates))
    factor = pl.col("seasonal_factor").fill_null(1.0)
    is_known = is_rate & (pl.col("denominator") > 0)
    return usable.with_columns(
        pl.when(is_count)
        .then("value")
        .when(is_known)
        .then("numerator")
        .alias("events"),
        pl.when(is_rate)
        .then(pl.col("denominator") * factor)
        .otherwise(factor)
        .alias("exposure"),
    )


def _few_events(usable: pl.DataFrame) -> pl.Series:
    """Return, by segment, whether its events are rare enough for a g chart."""
    used = pl.when("is_used").then("events")
    found = usable.group_by("segment").agg(
        (used.mean() < rare.RARE).alias("is_few"),
        pl.col("events").null_count().alias("unknown"),
    )
    is_rare = pl.col("is_few") & (pl.col("unknown") == 0)
    return found.sort("segment").select(is_rare.fill_null(False))["is_few"]


def _xmr(usable: pl.DataFrame, settings: Mapping[str, SeriesSettings]) -> pl.DataFrame:
    usable = xmr.rules(xmr.side_of_centre(usable))
    factor = pl.col("seasonal_factor").fill_null(1.0)
    lower = (pl.col("centre") - pl.col("reach")) * factor
    upper = (pl.col("centre") + pl.col("reach")) * factor
    direction = (
        pl.when(pl.col("is_outside_limits"))
        .then("side")
        .when(pl.col("is_trend"))
        .then("slope")
        .otherwise("side")
    )
    since = (
        pl.when(pl.col("is_outside_limits"))
        .then(pl.coalesce("since", "month"))
        .otherwise("since")
    )
    return usable.with_columns(
        pl.lit("xmr").alias("chart"),
        (pl.col("centre") * factor).alias("centre"),
        _possible(lower, settings, "lowest").alias("lower_limit"),
        _possible(upper, settings, "highest").alias("upper_limit"),
        direction.alias("direction"),
        since.alias("since"),
    )


def _possible(
    limit: pl.Expr, settings: Mapping[str, SeriesSettings], end: str
) -> pl.Expr:
    """Clip a limit to values that there can be."""
    ends = {name: getattr(one, end) for name, one in settings.items()}
    known = {name: float(value) for name, value in ends.items() if value is not None}
    if not known:
        return limit
    bound = pl.col("measure").replace_strict(
        known, default=None, return_dtype=pl.Float64
    )
    # min_horizontal and max_horizontal pass over what has no bound.
    clip = pl.max_horizontal if end == "lowest" else pl.min_horizontal
    return pl.when(limit.is_not_null()).then(clip(limit, bound))


def _rare(usable: pl.DataFrame, settings: Mapping[str, SeriesSettings]) -> pl.DataFrame:
    if not usable.height:
        return usable
    level = (
        usable.filter("is_used")
        .group_by("segment")
        .agg((pl.col("events").sum() / pl.col("exposure").sum()).alias("level"))
    )
    usable = usable.join(level, on="segment", how="left", maintain_order="left")
    usable = usable.with_columns(
        (pl.col("level") * pl.col("exposure")).alias("expected"),
    )
    spread = rare.dispersion(usable)
    usable = usable.join(spread, on="group", how="left", maintain_order="left")
    usable = usable.with_columns(pl.col("dispersion").fill_null(0.0))
    usable = rare.rare_rules(rare.rare_limits(usable))
    rates = {
        name: one.rate_per for name, one in settings.items() if one.rate_per is not None
    }
    per_event = (
        pl.col("measure").replace_strict(rates, default=None, return_dtype=pl.Float64)
        / pl.col("denominator")
    ).fill_null(1.0)
    return usable.with_columns(
        pl.lit("g").alias("chart"),
        (pl.col("expected") * per_event).alias("centre"),
        (pl.col("lower") * per_event).alias("lower_limit"),
        (pl.col("upper") * per_event).alias("upper_limit"),
        pl.lit(None, pl.Float64).alias("moving_range_limit"),
        pl.lit(False).alias("is_screened"),
        pl.lit(False).alias("is_trend"),
        pl.lit(False).alias("is_two_of_three"),
        pl.col("side").alias("direction"),
        pl.when(pl.col("is_outside_limits"))
        .then(pl.coalesce("since", "month"))
        .otherwise("since")
        .alias("since"),
    )


def _all_rows(
    frame: pl.DataFrame,
    charted: pl.DataFrame,
    refused: pl.DataFrame,
    settings: Mapping[str, SeriesSettings],
) -> pl.DataFrame:
    """Put the points that were left out back in their places."""
    names = [
        name for name in POINTS if name in charted.columns and name not in frame.columns
    ]
    whole = frame.join(
        charted.select("row", *names), on="row", how="left", maintain_order="left"
    )
    signal = pl.any_horizontal(pl.col(name).fill_null(False) for name in RULES)
    is_found = pl.col("group").is_in(refused["group"].implode())
    whole = whole.with_columns(
        pl.when(pl.col("excluded").is_null() & is_found)
        .then(pl.lit("overlapping"))
        .otherwise("excluded")
        .alias("excluded"),
        pl.col("chart").fill_null("none"),
        (pl.col("points_used") < xmr.TRIAL).fill_null(False).alias("is_trial"),
        pl.when(signal).then("direction").otherwise(0).cast(pl.Int8).alias("direction"),
        pl.when(signal).then("since").alias("since"),
        *(pl.col(name).fill_null(False) for name in (*RULES, "is_used", "is_screened")),
    )
    whole = whole.with_columns(_variation(settings))
    return whole.select(pl.col(name).cast(kind) for name, kind in POINTS.items())


def _variation(settings: Mapping[str, SeriesSettings]) -> pl.Expr:
    """Say of each charted point whether its signal is good, bad or neither."""
    signs = {"higher": 1, "lower": -1, "neither": 0}
    good = pl.col("measure").replace_strict(
        {name: signs[one.better] for name, one in settings.items()},
        return_dtype=pl.Int8,
    )
    signal = pl.any_horizontal(RULES)
    way = pl.col("direction") * good
    return (
        pl.when(pl.col("chart") == "none")
        .then(None)
        .when(~signal)
        .then(pl.lit("common cause"))
        .when(way > 0)
        .then(pl.lit("improving"))
        .when(way < 0)
        .then(pl.lit("concerning"))
        .otherwise(pl.lit("special cause"))
        .alias("variation")
    )
