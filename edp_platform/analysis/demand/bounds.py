"""Prediction intervals: what the distribution says, then what it really covered.

The model's own bounds are quantiles of the negative binomial. They are moved by how far
held-out counts lay outside them (conformalized quantile regression, each side by itself:
Romano, Patterson and Candès 2019, "Conformalized quantile regression", NeurIPS 32,
theorem 2). The proof asks that days be exchangeable, which days are not: what the bounds
covered on later origins is therefore measured, and told.
"""

from __future__ import annotations

import numpy as np
import polars as pl

#: Per cent of an interval → its lower and upper quantile.
LEVELS = {80: (0.10, 0.90), 95: (0.025, 0.975)}
#: Column of each quantile: what the model says itself.
OWN = {0.025: "own_025", 0.10: "own_10", 0.90: "own_90", 0.975: "own_975"}
#: Counts near nought have bounds a unit wide, whatever the scale.
_LEAST_SCALE = 0.5


def count_quantiles(
    mean: np.ndarray, dispersion: np.ndarray, quantile: float
) -> np.ndarray:
    """Return a quantile of counts whose variance is `dispersion` times their mean.

    Negative binomial with n = mean / (dispersion - 1) and p = 1 / dispersion (the NB1 of
    Cameron and Trivedi 2013, "Regression Analysis of Count Data", 3.3); Poisson where the
    dispersion is 1.
    """
    from scipy import stats

    spread = np.broadcast_to(dispersion, mean.shape)
    over = np.maximum(spread, 1 + 1e-6)
    wide = stats.nbinom.ppf(quantile, np.maximum(mean, 1e-9) / (over - 1), 1 / over)
    found = np.where(spread > 1 + 1e-3, wide, stats.poisson.ppf(quantile, mean))
    return np.where(mean > 0, np.nan_to_num(found), 0.0)


def scale_of(mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    """Return the standard deviation by which distances from the bounds are compared."""
    return np.maximum(np.sqrt(mean * dispersion), _LEAST_SCALE)


def corrections(points: pl.DataFrame, by: list[str], fewest: int) -> pl.DataFrame:
    """Return how far each bound must move, in scales, to hold what it promises.

    Args:
        points: Held-out forecasts: `by`, `actual`, `scale` and the columns of `OWN`.
        by: What has corrections of its own.
        fewest: With fewer points a bound is moved outwards only, as far as the farthest
            of them where there are too few for its rank: points of one origin go
            together, so a few of them say less than they seem to.

    Returns:
        `by`, and `move_<own>` for each own quantile: the bound moves outwards by it
        (inwards where it is negative).
    """
    moves = []
    for quantile, name in OWN.items():
        outside = (
            pl.col(name) - pl.col("actual")
            if quantile < 0.5
            else pl.col("actual") - pl.col(name)
        ) / pl.col("scale")
        kept = max(quantile, 1 - quantile)
        # The ceil((n + 1)(1 - a))-th smallest of n.
        rank = ((pl.len() + 1) * kept).ceil().cast(pl.Int64)
        far = outside.sort().get(pl.min_horizontal(rank, pl.len()) - 1)
        moves.append(
            pl.when(pl.len() >= fewest)
            .then(far)
            .otherwise(pl.max_horizontal(far, 0.0))
            .alias(f"move_{name}")
        )
    return points.group_by(by).agg(moves)


def calibrated(
    points: pl.DataFrame, moves: pl.DataFrame, by: list[str]
) -> pl.DataFrame:
    """Return bounds of whole calls: the model's own, moved by the corrections.

    Args:
        points: `by`, `mean`, `scale` and the columns of `OWN`.
        moves: See `corrections`; where one is missing the own bound stands.
        by: What they are joined by.

    Returns:
        The points with `lower_80`, `upper_80`, `lower_95`, `upper_95`, the wider interval
        around the narrower. Where next to nothing is expected the upper bound may be 0,
        below the mean: fewer than one count in ten is above it.
    """
    joined = points.join(moves, on=by, how="left", nulls_equal=True)
    found = joined.with_columns(
        [_bound(level, side) for level in LEVELS for side in ("lower", "upper")]
    )
    return found.with_columns(
        lower_95=pl.min_horizontal("lower_95", "lower_80"),
        upper_95=pl.max_horizontal("upper_95", "upper_80"),
    ).drop(f"move_{name}" for name in OWN.values())


def _bound(level: int, side: str) -> pl.Expr:
    quantile = LEVELS[level][0 if side == "lower" else 1]
    own = pl.col(OWN[quantile])
    move = pl.col(f"move_{OWN[quantile]}").fill_null(0.0) * pl.col("scale")
    if side == "lower":
        moved = pl.min_horizontal((own - move).ceil(), pl.col("mean").floor())
        return pl.max_horizontal(moved, 0.0).alias(f"lower_{level}")
    moved = pl.max_horizontal((own + move).floor(), pl.col("mean").floor())
    return moved.alias(f"upper_{level}")
