"""Which way to forecast is shown, how good it was, and whether its bounds held.

Whatever is told of an origin uses only what was known then: the choice, the corrections
of the bounds, and so what they covered. A model is shown only where it beat the seasonal
naive; else the naive is, and the words say so.
"""

from __future__ import annotations

import polars as pl

from edp_platform.analysis.demand.backtest import (
    FORCE_SCOPE,
    MONTH,
    NAIVE,
)
from edp_platform.analysis.demand.bounds import LEVELS, OWN, calibrated, corrections

#: What would have been shown at each origin.
AS_SHOWN = "as shown"
ALL_ORIGINS = "all"
#: Corrections of bounds are shared by the boroughs of a grade; the sum has its own.
MOVES_BY = ["period", "model", "grade", "scope"]
_SERIES = ["period", "grade", "scope"]
_QUANTILES = {
    f"{side}_{level}": both[position]
    for level, both in LEVELS.items()
    for position, side in enumerate(("lower", "upper"))
}


def choice(points: pl.DataFrame, fewest_origins: int) -> pl.DataFrame:
    """Return the way to be shown for each period and grade.

    The one with the least root mean squared error, if that is below the naive's and it
    beat the naive from more than half of the origins. The sum over boroughs is judged by
    itself: what is better for boroughs need not be for their sum.

    Args:
        points: Held-out forecasts with `actual`, of one or more origins.
        fewest_origins: With fewer the naive is shown.

    Returns:
        period, grade, scope (`force` or `boroughs`), model, skill (1 - error / the
        naive's; 0 for the naive), origins, better (origins at which it beat the naive),
        best (the best model, shown or not) and best_skill.
    """
    squared = (pl.col("mean") - pl.col("actual")).pow(2)
    folds = (
        points.with_columns(naive=pl.col("period").replace_strict(NAIVE))
        .group_by(*_SERIES, "model", "naive", "origin")
        .agg(error=squared.sum(), count=pl.len())
    )
    against = folds.join(
        folds.filter(pl.col("model") == pl.col("naive")).select(
            *_SERIES, "origin", naive_error="error"
        ),
        on=[*_SERIES, "origin"],
    )
    scored = (
        against.group_by(*_SERIES, "model", "naive")
        .agg(
            pl.col("error").sum(),
            pl.col("naive_error").sum(),
            origins=pl.len(),
            better=(pl.col("error") < pl.col("naive_error")).sum(),
        )
        .with_columns(
            skill=pl.when(pl.col("naive_error") > 0)
            .then(1 - (pl.col("error") / pl.col("naive_error")).sqrt())
            .otherwise(0.0)
        )
        .sort(*_SERIES, "skill", "model", descending=[False] * 3 + [True, False])
    )
    best = (
        scored.filter(pl.col("model") != pl.col("naive"))
        .group_by(*_SERIES, maintain_order=True)
        .first()
    )
    good = (
        (pl.col("origins") >= fewest_origins)
        & (pl.col("skill") > 0)
        & (pl.col("better") * 2 > pl.col("origins"))
    )
    return best.select(
        *_SERIES,
        pl.when(good).then("model").otherwise("naive").alias("model"),
        pl.when(good).then("skill").otherwise(0.0).alias("skill"),
        pl.col("origins").cast(pl.Int64),
        pl.col("better").cast(pl.Int64),
        best="model",
        best_skill="skill",
    )


def as_known_then(
    points: pl.DataFrame, fewest_origins: int, fewest_points: int
) -> pl.DataFrame:
    """Return the held-out forecasts with bounds, and what would have been shown.

    Args:
        points: See `backtest.rolling_origin`.
        fewest_origins: See `choice`.
        fewest_points: See `bounds.corrections`.

    Returns:
        The points with bounds corrected by what was known then (where that was too
        little, the model's own), and further rows of the model `AS_SHOWN`.
    """
    came = (
        pl.when(pl.col("period") == MONTH)
        .then(pl.col("date").dt.month_end())
        .otherwise(pl.col("date"))
    )
    frames = []
    for origin in points["origin"].unique().sort():
        earlier = points.filter(pl.col("origin") < origin, came <= origin)
        now = points.filter(pl.col("origin") == origin)
        moves = corrections(earlier, MOVES_BY, fewest_points)
        frames.append(calibrated(now, moves, MOVES_BY))
        frames.append(_shown(frames[-1], earlier, fewest_origins))
    return pl.concat(frames)


def _shown(
    now: pl.DataFrame, earlier: pl.DataFrame, fewest_origins: int
) -> pl.DataFrame:
    chosen = choice(earlier, fewest_origins).select(*_SERIES, chosen="model")
    naive = pl.col("period").replace_strict(NAIVE)
    return (
        now.join(chosen, on=_SERIES, how="left")
        .filter(pl.col("model") == pl.coalesce("chosen", naive))
        .with_columns(model=pl.lit(AS_SHOWN))
        .drop("chosen")
    )


def scores(points: pl.DataFrame) -> pl.DataFrame:
    """Return errors and coverage by period, grade, model, origin and area.

    Args:
        points: See `as_known_then`.

    Returns:
        period, grade, model, fold (an origin or `ALL_ORIGINS`), origin, area (`force`:
        the sum; `boroughs`: one by one; or, over all origins, one borough), forecasts,
        mean_absolute_error, root_mean_squared_error, mase, pinball_loss, skill (1 -
        root mean squared error / the naive's), coverage and own_coverage (the model's
        bounds before correction) of both intervals in per cent.
    """
    keys = ["period", "grade", "model"]
    every = pl.lit(ALL_ORIGINS).alias("fold")
    fold = pl.col("origin").cast(pl.String).alias("fold")
    at = pl.col("scope").alias("area_code")
    single = points.filter(pl.col("scope") != FORCE_SCOPE)
    parts = [
        points.with_columns(fold, at),
        points.with_columns(every, at, pl.lit(None, pl.Date).alias("origin")),
        single.with_columns(
            every,
            pl.col("area").alias("area_code"),
            pl.lit(None, pl.Date).alias("origin"),
        ),
    ]
    measured = pl.concat(
        part.group_by(*keys, "fold", "origin", "area_code").agg(*_measures())
        for part in parts
    )
    naive = measured.filter(
        pl.col("model") == pl.col("period").replace_strict(NAIVE)
    ).select(*keys[:2], "fold", "area_code", naive_error="root_mean_squared_error")
    return (
        measured.join(naive, on=[*keys[:2], "fold", "area_code"], how="left")
        .with_columns(
            skill=pl.when(pl.col("naive_error") > 0).then(
                1 - pl.col("root_mean_squared_error") / pl.col("naive_error")
            )
        )
        .drop("naive_error")
        .sort(*keys, "fold", "area_code")
    )


def _measures() -> list[pl.Expr]:
    error = pl.col("mean") - pl.col("actual")

    def held(lower: str, upper: str) -> pl.Expr:
        inside = pl.col("actual").is_between(pl.col(lower), pl.col(upper))
        return 100 * inside.mean()

    return [
        pl.len().cast(pl.Int64).alias("forecasts"),
        error.abs().mean().alias("mean_absolute_error"),
        error.pow(2).mean().sqrt().alias("root_mean_squared_error"),
        # Series that never changed have no scale and are left out of it.
        (error.abs() / pl.col("season_error")).mean().alias("mase"),
        pl.mean_horizontal(_pinball()).mean().alias("pinball_loss"),
        *(
            held(f"lower_{one}", f"upper_{one}").alias(f"coverage_{one}")
            for one in LEVELS
        ),
        *(
            held(OWN[low], OWN[high]).alias(f"own_coverage_{one}")
            for one, (low, high) in LEVELS.items()
        ),
    ]


def _pinball() -> list[pl.Expr]:
    """Return the quantile loss of each bound (Koenker and Bassett 1978)."""
    return [
        pl.max_horizontal(
            quantile * (pl.col("actual") - pl.col(name)),
            (quantile - 1) * (pl.col("actual") - pl.col(name)),
        )
        for name, quantile in _QUANTILES.items()
    ]


def words(chosen: pl.DataFrame, measured: pl.DataFrame, fewest: int) -> pl.DataFrame:
    """Return, for each period and grade, what is shown and why, in words.

    Args:
        chosen: See `choice`.
        measured: See `scores`.
        fewest: Origins with fewer of which nothing is claimed.

    Returns:
        period, grade, scope, words.
    """
    covered = measured.filter(
        pl.col("model") == AS_SHOWN, pl.col("fold") == ALL_ORIGINS
    ).select("period", "grade", "coverage_80", "coverage_95", scope="area_code")
    naive = pl.col("period").replace_strict(NAIVE)
    is_naive = pl.col("model") == naive
    percent = (100 * pl.col("best_skill")).round(0).cast(pl.Int64)
    shown = (
        pl.when(is_naive & (pl.col("origins") < fewest))
        .then(
            pl.format(
                "Shown: the {}. Only {} origins could be tried, too few to know whether "
                "a model is better.",
                naive,
                "origins",
            )
        )
        .when(is_naive & (pl.col("best_skill") <= 0))
        .then(
            pl.format(
                "Shown: the {}. No model was better: the error of the best, {}, was {} % "
                "above its own over {} origins.",
                naive,
                "best",
                -percent,
                "origins",
            )
        )
        .when(is_naive)
        .then(
            pl.format(
                "Shown: the {}. No model was better often enough: {} beat it from {} of "
                "{} origins.",
                naive,
                "best",
                "better",
                "origins",
            )
        )
        .otherwise(
            pl.format(
                "Shown: {}. Over {} origins its error was {} % below that of "
                "the {}; it was better from {} of them.",
                "model",
                "origins",
                percent,
                naive,
                "better",
            )
        )
    )
    held = pl.format(
        " On {}s not seen before, the 80 % bounds held {} % and the 95 % bounds {} % of "
        "the counts.",
        "period",
        pl.col("coverage_80").round(1),
        pl.col("coverage_95").round(1),
    ).fill_null(" What the bounds hold could not be measured yet.")
    shortfall = (
        pl.when((pl.col("coverage_80") < 75) | (pl.col("coverage_95") < 92.5))
        .then(pl.lit(" They are narrower than they should be."))
        .when(pl.col("coverage_80") > 90)
        .then(pl.lit(" They are wider than they promise."))
        .otherwise(pl.lit(""))
    )
    return chosen.join(covered, on=_SERIES, how="left").select(
        *_SERIES, words=pl.concat_str(shown, held, shortfall)
    )
