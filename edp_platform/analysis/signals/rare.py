"""Charts of rare events: fewer than about five a period.

Moving ranges of small counts are mostly 0, 1 and 2, the distribution leans to the
right, and half of the points do not lie above the mean; limits and runs of the XmR
chart are wrong there.

**g chart, from counts per month** (`rare_limits`, `rare_rules`). Where counts are all
that is known, the limits are exact probability limits of the negative binomial, of
which the geometric is one case and the Poisson the limit without over-dispersion
(Kaminsky, Benneyan, Davis and Burke 1992, *Journal of Quality Technology* 24: 63-69;
Benneyan 2001, *Health Care Management Science* 4: 305-318). Each limit leaves out
0.00135, as three standard deviations do under a normal distribution. The
over-dispersion is estimated over all areas of the measure together: one area's few
events say nothing of it. In place of the run of seven stand the total of the last
seven periods under its own exact limits, and the spell without any event (the number
of periods between events is geometric), each at the same tail.

**t chart, from the times between events** (`time_between`), where dates of events are
known: times to the power 1/3.6 are nearly normal and go on an XmR chart (Nelson 1994,
*Journal of Quality Technology* 26: 166-170; Montgomery, *Introduction to Statistical
Quality Control*, 6th ed., 7.3.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from edp_platform.analysis.signals.xmr import LIMIT, RUN

#: Mean events a period below which a count is rare.
RARE = 5.0
#: Beyond three standard deviations of a normal distribution, on one side.
TAIL = 0.00135
#: Over-dispersion taken as none: the negative binomial is then the Poisson.
_POISSON = 1e-7
_NELSON = 3.6


def tails(
    counts: np.ndarray, means: np.ndarray, dispersions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return P(X ≤ count) and P(X ≥ count) of negative binomials.

    Args:
        counts: whole numbers.
        means: above 0.
        dispersions: a, where the variance is mean + a × mean²; 0 is the Poisson.
    """
    from scipy.special import betainc, betaincc

    size = 1 / np.maximum(dispersions, _POISSON)
    chance = size / (size + means)
    lower = betainc(size, np.floor(counts) + 1, chance)
    # P(X ≥ x) = 1 - P(X ≤ x - 1), and is 1 at x = 0.
    at_least = np.maximum(np.ceil(counts), 1)
    upper = np.where(counts <= 0, 1.0, betaincc(size, at_least, chance))
    return lower, upper


def exact_limits(
    means: np.ndarray, dispersions: np.ndarray, tail: float = TAIL
) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and largest counts that are no signal.

    Below the lower and above the upper one lies at most `tail` each.
    """
    spread = np.sqrt(means + dispersions * means**2)
    lower = _least(means, dispersions, 1 - tail, means + 40 * spread + 40)
    # The largest l with P(X < l) ≤ tail is the smallest l with P(X ≤ l) > tail.
    upper_of_lower = _least(means, dispersions, tail, means + spread + 2)
    return np.maximum(upper_of_lower, 0.0), np.maximum(lower, np.ceil(means))


def _least(
    means: np.ndarray, dispersions: np.ndarray, share: float, top: np.ndarray
) -> np.ndarray:
    """Return the smallest counts with P(X ≤ count) of at least `share`, by halving."""
    low, high = np.full(means.shape, -1.0), np.ceil(top)
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        is_enough = tails(middle, means, dispersions)[0] >= share
        high = np.where(is_enough, middle, high)
        low = np.where(is_enough, low, middle)
    return high


def dispersion(points: pl.DataFrame) -> pl.DataFrame:
    """Return the over-dispersion of each group: one row per `group`, `dispersion`.

    By moments, pooled over the areas: a = Σ (n/(n-1) (x - m)² - m) / Σ m², not below 0
    (m the expected count of the period in that area's phase).

    Args:
        points: rare usable rows with `group`, `events`, `expected`, `is_used` and
            `points_used`.
    """
    n, m = pl.col("points_used"), pl.col("expected")
    excess = (pl.col("events") - m) ** 2 * n / (n - 1) - m
    used = points.filter(pl.col("is_used") & (n > 1))
    return used.group_by("group").agg(
        (excess.sum() / (m**2).sum()).fill_nan(0).clip(0).alias("dispersion")
    )


def rare_limits(points: pl.DataFrame) -> pl.DataFrame:
    """Add `lower` and `upper`, the exact limits of each row's count.

    Args:
        points: rare usable rows with `expected` and `dispersion`.
    """
    return _with_limits(points, "expected", "dispersion", "lower", "upper")


def rare_rules(points: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the rules of the g chart in the place of the XmR ones.

    Args:
        points: rare usable rows in order with `segment`, `month`, `events`, `expected`,
            `dispersion`, `lower` and `upper`.

    Returns:
        The rows with `side`, `is_outside_limits`, `is_shift`, `since`.
    """
    here = pl.col("segment")
    whole = here == here.shift(RUN - 1)
    points = points.with_columns(
        pl.when(whole).then(pl.col("events").rolling_sum(RUN)).alias("total"),
        # Rounded, so that few different limits are worked out.
        pl.when(whole)
        .then(pl.col("expected").rolling_sum(RUN).round(6))
        .alias("total_expected"),
        (pl.col("dispersion") / RUN).alias("total_dispersion"),
        (here != here.shift()).fill_null(True).alias("opens"),
    )
    points = _with_limits(
        points, "total_expected", "total_dispersion", "total_lower", "total_upper"
    )
    points = _quiet(points)
    low = (pl.col("total") < pl.col("total_lower")).fill_null(False)
    high = (pl.col("total") > pl.col("total_upper")).fill_null(False)
    is_over = pl.col("events") > pl.col("upper")
    is_under = pl.col("events") < pl.col("lower")
    month = pl.col("month")
    side = (
        pl.when(is_over)
        .then(1)
        .when(is_under)
        .then(-1)
        .when(high)
        .then(1)
        .when(low | pl.col("is_quiet"))
        .then(-1)
        .otherwise((pl.col("events") - pl.col("expected")).sign())
    )
    return points.with_columns(
        side.cast(pl.Int8).alias("side"),
        (is_over | is_under).alias("is_outside_limits"),
        (low | high | pl.col("is_quiet")).alias("is_shift"),
        pl.when("is_quiet")
        .then("quiet_since")
        .when(low | high)
        .then(month.shift(RUN - 1))
        .alias("since"),
    )


def _quiet(points: pl.DataFrame) -> pl.DataFrame:
    """Add whether a spell without events is longer than chance gives, and its start."""
    a = pl.max_horizontal("dispersion", pl.lit(_POISSON))
    starts = pl.col("opens") | (pl.col("events") > 0) | (pl.col("events").shift() > 0)
    points = points.with_columns(
        starts.fill_null(True).cum_sum().alias("spell"),
        # log P(0) of a period.
        pl.when(pl.col("events") == 0)
        .then(-(a * pl.col("expected")).log1p() / a)
        .otherwise(0.0)
        .alias("log_none"),
    )
    return points.with_columns(
        (pl.col("log_none").cum_sum().over("spell") <= np.log(TAIL)).alias("is_quiet"),
        pl.col("month").first().over("spell").alias("quiet_since"),
    )


def _with_limits(
    points: pl.DataFrame, mean: str, spread: str, lower: str, upper: str
) -> pl.DataFrame:
    """Add exact limits, worked out once for each different mean and dispersion."""
    different = points.select(mean, spread).unique().drop_nulls()
    low, high = exact_limits(different[mean].to_numpy(), different[spread].to_numpy())
    worked = different.with_columns(pl.Series(lower, low), pl.Series(upper, high))
    return points.join(worked, on=(mean, spread), how="left", maintain_order="left")


@dataclass(frozen=True)
class TimeBetween:
    """A t chart.

    Attributes:
        times: between one event and the next, in the unit given.
        centre: back in that unit, as are the limits.
        lower: 0 at least.
        upper: a time above it says that events have become rarer.
    """

    times: tuple[float, ...]
    centre: float
    lower: float
    upper: float


def time_between(times: Sequence[float]) -> TimeBetween:
    """Return the t chart of times between events.

    Raises:
        ValueError: fewer than two times, or one that is not above 0.
    """
    given = np.asarray(times, dtype=float)
    if given.size < 2 or (given <= 0).any():
        raise ValueError(
            "A t chart needs at least two times between events, each above 0: events "
            "of one moment have no time between them, so count them per period instead."
        )
    scaled = given ** (1 / _NELSON)
    centre = scaled.mean()
    reach = LIMIT * np.abs(np.diff(scaled)).mean()
    lower, upper = max(centre - reach, 0.0), centre + reach
    return TimeBetween(
        tuple(given.tolist()),
        float(centre**_NELSON),
        float(lower**_NELSON),
        float(upper**_NELSON),
    )
