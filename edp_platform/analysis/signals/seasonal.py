"""The yearly pattern of a series: factors frozen from its baseline.

Multiplicative: a period is its level times the factor of its place in the year.

- The factor of a place is the sum of its values over the sum of a straight line through
  the baseline, scaled to a mean of 1 (ratio to trend: Hyndman and Athanasopoulos,
  *Forecasting: Principles and Practice*, 3rd ed., 3.4). The slope is fitted within
  places of the year, so that the pattern itself does not tilt it.
- Two or three years say little of twelve factors, and noise taken for a pattern would
  be put into every later month. So the factors of an area are shrunk towards those of
  all areas of its kind together, and these towards 1, by the positive-part James-Stein
  rule (Efron and Morris 1973; for seasonal factors Miller and Williams 2003,
  *International Journal of Forecasting* 19: 669-684).
- The baseline is the declared one; without it the first three years since the last
  break. Later months never change it. Each place needs two values in it (24 months);
  with fewer the series is not adjusted.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from edp_platform.analysis.signals.settings import MONTHS, SeriesSettings

#: Of the baseline where none is declared, in months.
BASELINE_MONTHS = 36
#: Values that each place in the year must have in the baseline.
LEAST_YEARS = 2
_SMALLEST_FACTOR = 0.05
_CYCLE = ("series", "era")


def seasonal_factors(
    usable: pl.DataFrame, settings: Mapping[str, SeriesSettings]
) -> pl.DataFrame:
    """Return the factors of every series that is declared seasonal and long enough.

    Args:
        usable: usable rows, as `prepare` gives them.
        settings: by measure.

    Returns:
        One row per series, era and position in the year: `seasonal_factor` (mean 1 over
        the year) and `factor_error` (standard error, as a share of 1).
    """
    periods = {
        name: 12 // MONTHS[one.frequency]
        for name, one in settings.items()
        if one.seasonal and one.frequency != "year"
    }
    declared = [name for name in periods if settings[name].baseline is not None]
    rows = usable.filter(pl.col("measure").is_in(list(periods)))
    start = pl.col("time").min().over(_CYCLE)
    rows = rows.filter(
        pl.when(pl.col("measure").is_in(declared))
        .then("in_baseline")
        .otherwise(pl.col("time") < start + BASELINE_MONTHS)
    ).with_columns(
        pl.col("measure").replace_strict(periods, return_dtype=pl.Int32).alias("places")
    )
    return _shrunk(_with_trend(_long_enough(rows)))


def _long_enough(rows: pl.DataFrame) -> pl.DataFrame:
    enough = (
        rows.group_by(*_CYCLE, "position", "places")
        .agg(pl.len().alias("values"))
        .filter(pl.col("values") >= LEAST_YEARS)
        .group_by(*_CYCLE, "places")
        .agg(pl.len().alias("found"))
        .filter(pl.col("found") == pl.col("places"))
    )
    rows = rows.join(enough.select(_CYCLE), on=_CYCLE, how="semi")
    # A ratio to a level of nothing, or below it, means nothing.
    return rows.filter(
        (pl.col("value").min() >= 0).over(_CYCLE)
        & (pl.col("value").mean() > 0).over(_CYCLE)
    )


def _with_trend(rows: pl.DataFrame) -> pl.DataFrame:
    """Add `fitted`, the straight line through the baseline."""
    place = [*_CYCLE, "position"]
    x = pl.col("value") - pl.col("value").mean().over(place)
    t = pl.col("time") - pl.col("time").mean().over(place)
    rows = rows.with_columns((x * t).alias("xt"), (t * t).alias("tt"))
    slope = pl.col("xt").sum().over(_CYCLE) / pl.col("tt").sum().over(_CYCLE)
    level = pl.col("value").mean().over(_CYCLE)
    since = pl.col("time") - pl.col("time").mean().over(_CYCLE)
    fitted = pl.max_horizontal(level + slope * since, 0.25 * level)
    return rows.with_columns(fitted.alias("fitted"))


def _factors(rows: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Return the unshrunk factor of each place and the sampling variance of one."""
    factors = rows.group_by(*by, "position", "places").agg(
        (pl.col("value").sum() / pl.col("fitted").sum()).alias("factor")
    )
    factors = factors.with_columns(pl.col("factor") / pl.col("factor").mean().over(by))
    left = (
        rows.join(factors.select(*by, "position", "factor"), on=[*by, "position"])
        .with_columns(
            (pl.col("value") / pl.col("fitted") - pl.col("factor")).alias("e")
        )
        .group_by(*by, "places")
        .agg((pl.col("e") ** 2).sum().alias("squares"), pl.len().alias("values"))
    )
    # One more parameter than places: the slope.
    freedom = (pl.col("values") - pl.col("places") - 1).clip(1)
    variance = pl.col("squares") / freedom * pl.col("places") / pl.col("values")
    return factors.join(left.select(*by, variance.alias("variance")), on=by)


def _weight(towards: pl.Expr, by: list[str]) -> pl.Expr:
    """Share of the distance from the target that is kept: positive-part James-Stein."""
    distance = ((pl.col("factor") - towards) ** 2).sum().over(by)
    kept = 1 - (pl.col("places") - 3) * pl.col("variance") / distance
    return pl.when(distance > 0).then(kept.clip(0, 1)).otherwise(0.0)


def _shrunk(rows: pl.DataFrame) -> pl.DataFrame:
    own_by, all_by = [*_CYCLE], ["group", "era"]
    together = rows.group_by(*all_by, "time", "position", "places").agg(
        pl.col("value").sum(), pl.col("fitted").sum()
    )
    target = _factors(together, all_by).with_columns(
        _weight(pl.lit(1.0), all_by).alias("kept")
    )
    target = target.select(
        *all_by,
        "position",
        (1 + pl.col("kept") * (pl.col("factor") - 1)).alias("target"),
        (pl.col("kept") * pl.col("variance")).alias("target_variance"),
    )
    groups = rows.select("series", "group").unique()
    sizes = rows.select(*_CYCLE, "group").unique().group_by(all_by).len("areas")
    own = (
        _factors(rows, own_by)
        .join(groups, on="series")
        .join(sizes, on=all_by)
        .join(target, on=[*all_by, "position"])
        # An area alone in its kind has only "no pattern" to be drawn to.
        .with_columns(
            pl.when(pl.col("areas") > 1).then("target").otherwise(1.0).alias("target"),
            pl.when(pl.col("areas") > 1)
            .then("target_variance")
            .otherwise(0.0)
            .alias("target_variance"),
        )
        .with_columns(_weight(pl.col("target"), own_by).alias("kept"))
    )
    factor = pl.col("target") + pl.col("kept") * (pl.col("factor") - pl.col("target"))
    own = own.with_columns(factor.clip(_SMALLEST_FACTOR).alias("seasonal_factor"))
    error = pl.col("kept") * pl.col("variance")
    error += (1 - pl.col("kept")) * pl.col("target_variance")
    return own.select(
        *own_by,
        "position",
        pl.col("seasonal_factor") / pl.col("seasonal_factor").mean().over(own_by),
        error.sqrt().alias("factor_error"),
    )
