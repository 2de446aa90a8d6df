"""The guard against series of overlapping periods that nobody declared.

A rolling sum of w periods changes by what comes in less what went out w periods ago,
so its differences at lag w are correlated by -1/2 (if x(t) = e(t) + … + e(t-w+1), then
x(t) - x(t-1) = e(t) - e(t-w)), whereas those of separate periods are not correlated at
lags of 2 and more. Limits from the moving ranges of such a series are far too narrow:
about half of its points would be signals where nothing has changed.
"""

from __future__ import annotations

import polars as pl

#: Rolling windows that are looked for, in periods.
LAGS = range(2, 13)
#: The strongest correlation must be as negative as this …
STRONGEST = -0.25
#: … and this many standard errors from nothing: eleven lags of every measure are
#: looked at, so two would refuse honest series.
_ERRORS = 3.0
#: Differences of separate periods are correlated by -1/2 at lag 1, those of rolling
#: ones hardly: a second sign, without which nothing is refused.
_SEPARATE = -0.2
#: A yearly pattern also gives negative lags, but returns at a later one.
_RETURNS = 0.25
#: Areas move together: a hundred of them are not a hundred witnesses.
_WITNESSES = 10


def overlapping_groups(usable: pl.DataFrame) -> pl.DataFrame:
    """Return the groups of series whose differences say that their periods overlap.

    Args:
        usable: usable rows in order, with `group`, `series`, `segment` and `adjusted`.

    Returns:
        One row per such group: `group`, `lag` in periods and `correlation`.
    """
    here = pl.col("segment")
    frame = usable.select(
        "group",
        "segment",
        pl.when(here == here.shift()).then(pl.col("adjusted").diff()).alias("d"),
    )
    # Each series counts the same, however large its values are.
    spread = (
        frame.group_by("segment")
        .agg((pl.col("d") ** 2).mean().sqrt().alias("spread"))
        .sort("segment")["spread"]
        .gather(frame["segment"])
    )
    frame = frame.with_columns(spread).select(
        "group",
        "segment",
        pl.when(pl.col("spread") > 0).then(pl.col("d") / pl.col("spread")),
    )
    lags = {1, *LAGS, *(2 * lag for lag in LAGS)}
    sums = usable.group_by("group").agg(pl.col("series").n_unique().alias("areas"))
    # One lag at a time: all at once would hold a copy of the values for each.
    for lag in sorted(lags):
        product = pl.when(here == here.shift(lag)).then(
            pl.col("d") * pl.col("d").shift(lag)
        )
        one = frame.select("group", product.alias("product")).group_by("group")
        found = one.agg(
            pl.col("product").mean().alias(f"r{lag}"),
            pl.col("product").count().alias(f"n{lag}"),
        )
        sums = sums.join(found, on="group")
    witnesses = pl.col("areas").clip(1, _WITNESSES) / pl.col("areas")
    each = [
        sums.select(
            "group",
            "r1",
            pl.lit(lag).alias("lag"),
            pl.col(f"r{lag}").alias("correlation"),
            pl.max_horizontal(
                f"r{2 * lag}", *(f"r{later}" for later in LAGS if later > lag)
            ).alias("again"),
            (pl.col(f"n{lag}") * witnesses).alias("pairs"),
        )
        for lag in LAGS
    ]
    # The variance of a correlation of differences is 1.5 / pairs, as their own
    # correlation at lag 1 is -1/2 (Bartlett 1946).
    error = (1.5 / pl.col("pairs")).sqrt()
    return (
        pl.concat(each)
        .sort("group", "correlation", nulls_last=True)
        .unique("group", keep="first", maintain_order=True)
        .filter(
            (pl.col("correlation") <= STRONGEST)
            & (pl.col("correlation") / error <= -_ERRORS)
            & (pl.col("r1") >= _SEPARATE)
            & (pl.col("again").fill_null(0) < _RETURNS)
        )
        .select("group", "lag", "correlation")
    )
