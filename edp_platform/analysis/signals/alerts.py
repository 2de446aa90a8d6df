"""False alarms kept down over all watched series: p-values and their control.

A chart asks of one series whether its process changed; each of the four rules gives
false signals, and with hundreds of series watched every month there are dozens. So the
newest periods of each series get a p-value against the periods before them, and the
rate of false discoveries over all of them is held by Benjamini and Hochberg (1995,
*JRSS B* 57: 289-300). That it holds with series that move together is tried by
simulation (`benchmarks/signals.py`, figures in `docs/signals.md`); their theorem covers
positive dependence (Benjamini and Yekutieli 2001).

The p-value of a series compares the mean of its last 1, 3, 7 and 12 periods with what
its reference periods predict, and takes the smallest times four (Bonferroni):

- XmR: Student's t of a prediction (Hahn and Meeker 1991, *Statistical Intervals*,
  4.7): (mean of the last k - mean of the n before) / (s √(V(k) + V(n))), where V(k) is
  the variance of a mean of k periods that are correlated as the reference periods of
  all areas of the measure are (a first-order autoregression, V(k) = 1/k without).
  Values that have a floor of 0 and no ceiling are taken by their square root, which
  makes the spread of counts and rates even (Anscombe 1948).
- g: the exact tail of the negative binomial prediction: mean k times the reference
  mean, over-dispersion a / k + (1 / m + a) / n for what the reference leaves unknown.

The reference is the baseline where one is declared for the phase, else all of the phase
before the last twelve periods (fewer in a short phase, but twelve points at least).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from edp_platform.analysis.signals.rare import tails
from edp_platform.analysis.signals.settings import SeriesSettings
from edp_platform.analysis.signals.xmr import TRIAL

#: False discoveries among alerts, at most, in the long run: what is promised …
FALSE_DISCOVERY_RATE = 0.10
#: … and the rate that is asked of the procedure. The p-values are approximate (counts
#: lean to the right), and the promise is to hold in the simulations, not only on paper.
ASKED_RATE = 0.08
#: Periods whose mean is compared with the reference.
WINDOWS = (1, 3, 7, 12)
#: Points that the reference has at least.
_LEAST = TRIAL - 1
_MOST_CORRELATED = 0.9


def p_values(
    newest: pl.DataFrame, settings: Mapping[str, SeriesSettings]
) -> pl.DataFrame:
    """Return the p-value of each series' newest periods.

    Args:
        newest: usable rows in order of each series' newest phase, with `group`,
            `series`, `measure`, `chart`, `value`, `adjusted`, `events`,
            `exposure`, `factor_error`, `is_used`.
        settings: by measure.

    Returns:
        One row per series that can be judged: `series`, `p_value`, `window` (periods
        that the smallest was found in) and `change` (mean of these against the
        reference, as a share of it; null against 0).
    """
    frame = _with_reference(newest)
    rooted = [
        name
        for name, one in settings.items()
        if one.lowest == 0 and one.highest is None
    ]
    adjusted = pl.col("adjusted")
    frame = frame.with_columns(
        pl.when(pl.col("measure").is_in(rooted) & (pl.col("lowest") >= 0))
        .then(adjusted.clip(0).sqrt())
        .otherwise(adjusted)
        .alias("y")
    )
    known = _references(frame)
    windows = [_window(frame, known, length) for length in WINDOWS]
    found = pl.concat(windows)
    return (
        found.sort("series", "p", "window")
        .group_by("series", maintain_order=True)
        .agg(
            pl.col("p").first() * pl.col("looks").first(),
            pl.col("window").first(),
            pl.col("change").first(),
        )
        .select("series", pl.col("p").clip(0, 1).alias("p_value"), "window", "change")
    )


def _with_reference(newest: pl.DataFrame) -> pl.DataFrame:
    """Add `back` (0 is the newest), `held` (periods kept out) and `is_reference`."""
    each = newest.group_by("series").agg(
        pl.len().alias("points"),
        pl.col("is_used").sum().alias("used"),
        pl.col("value").min().alias("lowest"),
    )
    frame = newest.join(each, on="series", how="left", maintain_order="left")
    back = pl.int_range(pl.len(), dtype=pl.Int32).over("series")
    frame = frame.with_columns((pl.col("points") - 1 - back).alias("back"))
    held = (pl.col("points").cast(pl.Int32) - TRIAL).clip(1, max(WINDOWS))
    frozen = pl.col("used") < pl.col("points")
    return frame.with_columns(
        held.alias("held"),
        ((pl.col("back") >= held) & (pl.col("is_used") | ~frozen)).alias(
            "is_reference"
        ),
    )


def _references(frame: pl.DataFrame) -> pl.DataFrame:
    """Return what each series' reference says: one row per series with enough of it."""
    y = pl.col("y")
    reference = frame.filter("is_reference")
    known = (
        reference.group_by("series")
        .agg(
            pl.col("group").first(),
            pl.col("chart").first(),
            pl.col("held").first(),
            pl.len().alias("n"),
            y.mean().alias("mean"),
            y.std().alias("spread"),
            pl.col("adjusted").mean().alias("level"),
            pl.col("events").sum(),
            pl.col("exposure").sum(),
        )
        .filter(pl.col("n") >= _LEAST)
    )
    z = (y - pl.col("mean")) / pl.col("spread")
    scaled = (
        reference.join(
            known.select("series", "mean", "spread", "n"),
            on="series",
            maintain_order="left",
        )
        .filter(pl.col("spread") > 0)
        .select("group", "series", "n", z.alias("z"))
    )
    same = pl.col("series") == pl.col("series").shift()
    correlation = (
        scaled.select(
            "group",
            "n",
            pl.when(same).then(pl.col("z") * pl.col("z").shift()).alias("zz"),
        )
        .group_by("group")
        .agg(pl.col("zz").mean().alias("r"), pl.col("n").mean().alias("length"))
        .select(
            "group",
            # The estimate is low by about (1 + 3 r) / n (Marriott and Pope 1954).
            (pl.col("r") + (1 + 3 * pl.col("r")) / pl.col("length"))
            .clip(0, _MOST_CORRELATED)
            .alias("correlation"),
        )
    )
    m = pl.col("events") / pl.col("exposure")
    spread = (
        reference.filter(pl.col("chart") == "g")
        .join(known.select("series", m.alias("m"), "n"), on="series")
        .with_columns((pl.col("m") * pl.col("exposure")).alias("expected"))
        .group_by("group")
        .agg(
            (
                (pl.col("events") - pl.col("expected")) ** 2
                * pl.col("n")
                / (pl.col("n") - 1)
                - pl.col("expected")
            )
            .sum()
            .truediv((pl.col("expected") ** 2).sum())
            .fill_nan(0)
            .clip(0)
            .alias("dispersion")
        )
    )
    return (
        known.join(correlation, on="group", how="left")
        .join(spread, on="group", how="left")
        .with_columns(
            pl.col("correlation").fill_null(0), pl.col("dispersion").fill_null(0)
        )
    )


def variance_of_mean(length: np.ndarray, correlation: np.ndarray) -> np.ndarray:
    """Return the variance of a mean of `length` periods, each of variance 1.

    Of a first-order autoregression: (1 + 2 Σ (1 - j/k) r^j) / k, summed in closed form
    (Priestley 1981, *Spectral Analysis and Time Series*, 5.3.2).
    """
    k, r = length, correlation
    tail = 2 * r / (1 - r) * (1 - (1 - r**k) / (k * (1 - r)))
    return (1 + tail) / k


def _window(frame: pl.DataFrame, known: pl.DataFrame, length: int) -> pl.DataFrame:
    """Return the p-value of the last `length` periods of each series that has them."""
    recent = (
        frame.filter(pl.col("back") < length)
        .group_by("series")
        .agg(
            pl.col("y").mean().alias("recent"),
            pl.col("adjusted").mean().alias("recent_level"),
            pl.col("events").sum().alias("recent_events"),
            pl.col("exposure").sum().alias("recent_exposure"),
            (pl.col("factor_error") ** 2).mean().alias("factor_variance"),
        )
    )
    # Only windows that the reference does not reach into.
    each = known.filter(pl.col("held") >= length).join(recent, on="series")
    is_rare = (each["chart"] == "g").to_numpy()
    p = np.where(is_rare, _exact(each, length), _student(each, length))
    change = pl.col("recent_level") / pl.col("level") - 1
    looks = pl.sum_horizontal((pl.col("held") >= one).cast(pl.Int32) for one in WINDOWS)
    return each.select(
        "series",
        pl.Series("p", p),
        pl.lit(length).alias("window"),
        pl.when(pl.col("level") > 0).then(change).alias("change"),
        looks.alias("looks"),
    ).filter(pl.col("p").is_not_nan())


def _student(each: pl.DataFrame, length: int) -> np.ndarray:
    from scipy.special import stdtr

    n = each["n"].to_numpy().astype(float)
    r = each["correlation"].to_numpy()
    spread = each["spread"].to_numpy()
    mean = each["mean"].to_numpy()
    k = np.full(n.shape, float(length))
    of_windows = variance_of_mean(k, r) + variance_of_mean(n, r)
    # What is not known of the seasonal factors is of the size of the level.
    of_factors = each["factor_variance"].to_numpy() * mean**2 / length
    error = np.sqrt(spread**2 * of_windows + of_factors)
    # Correlated periods say less of the spread (Bartlett 1946).
    freedom = (n - 1) * (1 - r**2) / (1 + r**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.abs(each["recent"].to_numpy() - mean) / error
    return np.where(spread > 0, 2 * stdtr(freedom, -t), np.nan)


def _exact(each: pl.DataFrame, length: int) -> np.ndarray:
    n = each["n"].to_numpy().astype(float)
    # Half an event, so that a reference without any does not rule out the first.
    events = each["events"].to_numpy() + 0.5
    a, r = each["dispersion"].to_numpy(), each["correlation"].to_numpy()
    k = np.full(n.shape, float(length))
    spread = a * variance_of_mean(k, r) + (n / events + a) / n
    means = events / each["exposure"].to_numpy() * each["recent_exposure"].to_numpy()
    lower, upper = tails(each["recent_events"].to_numpy(), means, spread)
    return np.minimum(1.0, 2 * np.minimum(lower, upper))
