"""Rule 37: a ratio between groups is shown with all that it needs, or not at all."""

from __future__ import annotations

import polars as pl

from edp_platform.governance.rules import enforces

#: Fewer events than these in either group, and no ratio is shown.
LEAST_EVENTS = 10

#: What a refused row no longer shows.
_SHOWN = (
    "ratio",
    "lower",
    "upper",
    "odds_ratio",
    "odds_lower",
    "odds_upper",
    "ratio_without_repeats",
    "lower_without_repeats",
    "upper_without_repeats",
    "lowest_ratio",
    "highest_ratio",
)


def _everything(ratios: pl.DataFrame) -> pl.DataFrame:
    return ratios.with_columns(
        pl.lit(True).alias("is_given"), pl.lit(None, pl.String).alias("refused_why")
    )


@enforces(
    37,
    door="search_disparity and search_outcome_test, before a ratio is written",
    removed=_everything,
)
def shown_honestly(ratios: pl.DataFrame) -> pl.DataFrame:
    """Take away each ratio that may not be shown, and say why.

    Source: Race Disparity Unit, Cabinet Office, on relative disparities: interpretation
    turns on small counts, missing ethnicity and denominators. A ratio is given only
    with at least ten events in both groups, an interval, and the share of people whose
    group is not known.

    Args:
        ratios: with `least_events` (the smallest count that the ratio is made of),
            `ratio`, `lower`, `upper`, `unknown_percent`, `is_reference`, and `because`
            (a reason found earlier, such as a denominator that does not fit; null).

    Returns:
        the rows with `is_given`, `refused_why` (null where given), and no ratio, bound
        or interval where refused. A reference row is given unless `because` says why
        not. Small counts are never named in the reason.
    """
    has_interval = (
        pl.col("ratio").is_finite()
        & pl.col("lower").is_finite()
        & pl.col("upper").is_finite()
    )
    refused = (
        pl.when(pl.col("because").is_not_null())
        .then("because")
        .when(pl.col("is_reference"))
        .then(pl.lit(None, pl.String))
        .when(~(pl.col("least_events") >= LEAST_EVENTS).fill_null(False))
        .then(
            pl.lit(
                f"fewer than {LEAST_EVENTS} events in one of the two groups: chance alone "
                "could make or hide any difference"
            )
        )
        .when(~has_interval.fill_null(False))
        .then(pl.lit("the ratio has no interval, so nobody can say how sure it is"))
        .when(~pl.col("unknown_percent").is_finite().fill_null(False))
        .then(
            pl.lit(
                "it is not known of how many people the ethnic group is not known, and "
                "they could change the ratio"
            )
        )
    )
    shown = [one for one in _SHOWN if one in ratios.columns]
    return (
        ratios.with_columns(refused.alias("refused_why"))
        .with_columns(pl.col("refused_why").is_null().alias("is_given"))
        .with_columns(
            pl.when(pl.col("is_given") & ~pl.col("is_reference")).then(pl.col(*shown))
        )
    )
