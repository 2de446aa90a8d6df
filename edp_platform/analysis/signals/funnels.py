"""Funnel plots: areas beside one another, without ranking them.

Control limits at two and three standard deviations around the figure of all areas
together, exact for the size of each area, widened where areas differ by more than
chance (Spiegelhalter 2005, "Funnel plots for comparing institutional performance",
*Statistics in Medicine* 24: 1185-1202):

- limits: the quantiles of the binomial (proportions) or the Poisson (rates),
  interpolated to be smooth in the size (his appendix A.1);
- over-dispersion: φ, the mean square of the areas' z-scores, taken on scales that make
  the variance even (2 √n (asin √p - asin √p₀) and 2 (√O - √E)), the outer tenth at each
  end drawn in (winsorised); limits are widened by √φ where φ is more than two standard
  errors above 1 (his 3.2 to 3.4).

An area within the limits is not told apart from the rest: no order among those areas
says anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from edp_platform.analysis.signals.preparing import USABLE
from edp_platform.analysis.signals.settings import MONTHS, SeriesSettings
from edp_platform.analysis.signals.words import number

Kind = Literal["proportion", "rate"]
#: One side of the normal distribution beyond two and three standard deviations.
TAILS = {2: 0.02275013194817921, 3: 0.0013498980316301035}
#: Fewer areas than this do not say how much areas differ.
LEAST_AREAS = 5
_WINSORISED = 0.1
_SCALES: dict[str, float] = {"proportion": 100.0, "rate": 1000.0}

FUNNELS = {
    "measure": pl.String,
    "area_kind": pl.String,
    "area_code": pl.String,
    "from_month": pl.Date,
    "to_month": pl.Date,
    "numerator": pl.Float64,
    "denominator": pl.Float64,
    "value": pl.Float64,
    "centre": pl.Float64,
    "lower_2": pl.Float64,
    "upper_2": pl.Float64,
    "lower_3": pl.Float64,
    "upper_3": pl.Float64,
    "dispersion": pl.Float64,
    "position": pl.String,
    "words": pl.String,
}


def funnels(
    values: pl.DataFrame,
    settings: Mapping[str, SeriesSettings],
    kinds: Mapping[str, Kind],
) -> pl.DataFrame:
    """Return the funnel plot of each measure and kind of area over its last year.

    Args:
        values: as the mart `measure_values`, with `numerator` and `denominator`.
        settings: by measure.
        kinds: by measure that has a numerator and a denominator of its own: a
            `proportion` in per cent or a `rate` per 1,000.

    Returns:
        The columns of `FUNNELS`: one row per measure and area with complete periods
        among the last twelve months of the measure since its last break. `position` is
        `within`, or `above` or `below` with `2` or `3` for the limit that it is beyond.
    """
    rows = values.filter(
        pl.col("measure").is_in(list(kinds))
        & (pl.col("completeness") == USABLE)
        & pl.col("numerator").is_not_null()
        & (pl.col("denominator") > 0)
    )
    if not rows.height:
        return pl.DataFrame(schema=FUNNELS)
    summed = _last_year(rows, settings)
    made = [
        _funnel(areas, kinds[str(name[0])])
        for name, areas in summed.group_by("measure", "area_kind", maintain_order=True)
        if areas.height >= LEAST_AREAS
    ]
    if not made:
        return pl.DataFrame(schema=FUNNELS)
    whole = _with_words(pl.concat(made))
    return whole.select(pl.col(name).cast(kind) for name, kind in FUNNELS.items())


def _last_year(
    rows: pl.DataFrame, settings: Mapping[str, SeriesSettings]
) -> pl.DataFrame:
    """Add up each area over the last twelve months, and never across a break."""
    by = ("measure", "area_kind")
    last = rows.group_by(by).agg(pl.col("month").max().alias("last"))
    starts = [
        (measure, kind, _start(settings[measure], day))
        for measure, kind, day in last.iter_rows()
    ]
    since = pl.DataFrame(
        starts,
        schema={"measure": pl.String, "area_kind": pl.String, "start": pl.Date},
        orient="row",
    )
    return (
        rows.join(since, on=by)
        .filter(pl.col("month") >= pl.col("start"))
        .group_by(*by, "area_code")
        .agg(
            pl.col("month").min().alias("from_month"),
            pl.col("month").max().alias("to_month"),
            pl.col("numerator", "denominator").sum(),
        )
        .sort(*by, "area_code")
    )


def _start(one: SeriesSettings, last: date) -> date:
    back = 12 - MONTHS[one.frequency]
    total = last.year * 12 + last.month - 1 - back
    start = date(total // 12, total % 12 + 1, 1)
    return max([start, *(day for day in one.breaks if day <= last)])


def _funnel(areas: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    events = areas["numerator"].to_numpy()
    size = areas["denominator"].to_numpy()
    share = events.sum() / size.sum()
    spread = over_dispersion(events, size, kind)
    scale, top = _SCALES[kind], 100.0 if kind == "proportion" else np.inf
    made = areas.with_columns(
        (pl.col("numerator") / pl.col("denominator") * scale).alias("value"),
        pl.lit(share * scale).alias("centre"),
        pl.lit(spread).alias("dispersion"),
    )
    for sigmas, tail in TAILS.items():
        for name, chance in (("lower", tail), ("upper", 1 - tail)):
            exact = control_limit(share, size, chance, kind)
            wide = share + (exact - share) * np.sqrt(spread)
            made = made.with_columns(
                pl.Series(f"{name}_{sigmas}", np.clip(wide * scale, 0, top))
            )
    return made


def control_limit(
    share: float, size: np.ndarray, chance: float, kind: Kind
) -> np.ndarray:
    """Return the exact, interpolated control limits of areas of these sizes.

    Spiegelhalter (2005), A.1: with r the smallest count whose P(X ≤ r) is at least
    `chance`, the limit is (r - (P(X ≤ r) - chance) / P(X = r)) / size.

    Args:
        share: events per unit of size, of all areas together.
        size: of each area, its denominator.
        chance: below the limit.
        kind: binomial for a proportion, Poisson for a rate.
    """
    from scipy.special import bdtr, pdtr

    def below(count: np.ndarray) -> np.ndarray:
        if kind == "rate":
            found = pdtr(np.maximum(count, 0), size * share)
        else:
            found = bdtr(np.clip(count, 0, size), size, share)
        return np.where(count < 0, 0.0, found)

    low = np.full(size.shape, -1.0)
    high = np.ceil(size * share + 12 * np.sqrt(size * share) + 12)
    if kind == "proportion":
        size = np.round(size)
        high = np.minimum(high, size)
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        is_enough = below(middle) >= chance
        high, low = np.where(is_enough, middle, high), np.where(is_enough, low, middle)
    reached = below(high)
    at = reached - below(high - 1)
    back = np.where(at > 0, (reached - chance) / np.where(at > 0, at, 1), 0.0)
    return np.maximum(high - back, 0) / size


def over_dispersion(events: np.ndarray, size: np.ndarray, kind: Kind) -> float:
    """Return φ, or 1 where areas differ no more than chance makes them."""
    share = events.sum() / size.sum()
    if kind == "rate":
        z = 2 * (np.sqrt(events) - np.sqrt(size * share))
    else:
        own = np.clip(events / size, 0, 1)
        z = 2 * np.sqrt(size) * (np.arcsin(np.sqrt(own)) - np.arcsin(np.sqrt(share)))
    low, high = np.quantile(z, [_WINSORISED, 1 - _WINSORISED])
    found = float((np.clip(z, low, high) ** 2).mean())
    return found if found > 1 + 2 * np.sqrt(2 / z.size) else 1.0


def _with_words(whole: pl.DataFrame) -> pl.DataFrame:
    value = pl.col("value")
    position = (
        pl.when(value > pl.col("upper_3"))
        .then(pl.lit("above 3"))
        .when(value < pl.col("lower_3"))
        .then(pl.lit("below 3"))
        .when(value > pl.col("upper_2"))
        .then(pl.lit("above 2"))
        .when(value < pl.col("lower_2"))
        .then(pl.lit("below 2"))
        .otherwise(pl.lit("within"))
    )
    whole = whole.with_columns(position.alias("position"))
    limits = pl.format(
        "{} to {} expected for its size, {} for all areas",
        number(pl.col("lower_3")),
        number(pl.col("upper_3")),
        number(pl.col("centre")),
    )
    side = (
        pl.when(pl.col("position").str.starts_with("above"))
        .then(pl.lit("higher"))
        .otherwise(pl.lit("lower"))
    )
    within = pl.format(
        "{}: not told apart from the other areas ({}); no place in an order would mean "
        "anything.",
        number(value),
        limits,
    )
    some = pl.format(
        "{}: {} than most, between the limits of two and three standard deviations ({}); "
        "one area in twenty lies there by chance.",
        number(value),
        side,
        limits,
    )
    beyond = pl.format(
        "{}: {} than chance gives an area of its size ({}); it says nothing of why.",
        number(value),
        side,
        limits,
    )
    return whole.with_columns(
        pl.when(pl.col("position") == "within")
        .then(within)
        .when(pl.col("position").str.ends_with("2"))
        .then(some)
        .otherwise(beyond)
        .alias("words")
    )
