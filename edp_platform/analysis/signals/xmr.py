"""XmR charts by the rules of NHS England's "Making data count", for all series at once.

The arithmetic is that of NHSRplotthedots 0.2 (`ptd_spc_standard`,
`ptd_calculate_point_type`), which is checked in the tests by a slow implementation of
its text. Expressions run over the whole frame in order; `segment` numbers a series and
phase, and says where one ends: nothing is computed from one into the next (rule 38).
"""

from __future__ import annotations

import polars as pl

#: 3 / d2 for moving ranges of two: Wheeler and Chambers (1992).
LIMIT = 2.66
#: D4: moving ranges above this many means are screened out, once.
SCREEN = 3.267
#: Points of a run or of a trend.
RUN = 7
#: With fewer points the limits are trial limits (rule 40).
TRIAL = 12
#: Differences below this share of the size of the values are of the arithmetic.
_EPSILON = 1e-9


def broadcast(values: pl.Series, by: pl.Series) -> pl.Series:
    """Return one value per segment as one per row; `by` counts from 0."""
    return values.gather(by)


def limits(points: pl.DataFrame) -> pl.DataFrame:
    """Return one row per segment, in order: the centre and the limits of its points.

    The centre is the mean; the limits are the mean ± 2.66 × the mean moving range, of
    the points that are `is_used`. Moving ranges of 3.267 × their mean and more are left
    out of the mean, once.

    Args:
        points: usable rows in order, with `segment`, `adjusted`, `is_used`.

    Returns:
        `segment`, `points_used`, `centre`, `reach` (from centre to limit; null for one
        point), `moving_range_limit`, `is_screened`.
    """
    here, used = pl.col("segment"), pl.col("is_used")
    ranges = points.select(
        "segment",
        pl.when(used).then("adjusted").alias("x"),
        pl.when(used & used.shift() & (here == here.shift()))
        .then(pl.col("adjusted").diff().abs())
        .alias("range"),
    )
    first = (
        ranges.group_by("segment")
        .agg(
            pl.col("x").count().alias("points_used"),
            pl.col("x").mean().alias("centre"),
            pl.col("range").mean().alias("mean_range"),
        )
        .sort("segment")
    )
    cut = broadcast(first["mean_range"] * SCREEN, points["segment"])
    kept = (
        ranges.select("segment", "range", cut.alias("cut"))
        .with_columns((pl.col("range") < pl.col("cut")).alias("is_kept"))
        .group_by("segment")
        .agg(
            pl.col("range").filter("is_kept").mean().alias("kept_range"),
            (~pl.col("is_kept") & (pl.col("cut") > 0)).any().alias("is_screened"),
        )
        .sort("segment")
    )
    mean_range = pl.coalesce("kept_range", "mean_range")
    return first.hstack(kept.drop("segment")).select(
        "segment",
        "points_used",
        "centre",
        (LIMIT * mean_range).alias("reach"),
        (SCREEN * pl.col("mean_range")).alias("moving_range_limit"),
        pl.col("is_screened").fill_null(False),
    )


def side_of_centre(points: pl.DataFrame) -> pl.DataFrame:
    """Add `side`: 1 above the centre, -1 below, 0 on it; and whether it is outside.

    Args:
        points: rows with `adjusted`, `centre` and `reach`.

    Returns:
        The rows with `side`, `is_outside_limits` and `is_close`, which is beyond two
        thirds of the way to a limit and not outside it.
    """
    away = pl.col("adjusted") - pl.col("centre")
    size = _EPSILON * pl.max_horizontal(
        pl.col("centre").abs(), pl.col("adjusted").abs()
    )
    distance = away.abs() - size
    return points.with_columns(
        pl.when(distance > 0)
        .then(away.sign())
        .otherwise(0)
        .cast(pl.Int8)
        .alias("side"),
        (distance > pl.col("reach")).fill_null(False).alias("is_outside_limits"),
        ((distance <= pl.col("reach")) & (distance > pl.col("reach") * 2 / 3))
        .fill_null(False)
        .alias("is_close"),
    )


def rules(points: pl.DataFrame) -> pl.DataFrame:
    """Add the three rules about several points: shift, trend and two of three.

    Each marks every point that takes part, as plotthedots does.

    Args:
        points: rows in order with `segment`, `month`, `adjusted`, `side`, `is_close`.

    Returns:
        The rows with `is_shift`, `is_trend`, `is_two_of_three`, `slope` (direction of
        the trend) and `since` (month the longest of these began; null without one).
    """
    points = _shift(points)
    points = _trend(points)
    points = _two_of_three(points)
    began = pl.min_horizontal(
        pl.when("is_shift").then("run_began"),
        pl.when("is_trend").then("trend_began"),
        pl.when("is_two_of_three").then("pair_began"),
    )
    return points.with_columns(began.alias("since")).drop(
        "run_began", "trend_began", "pair_began"
    )


def _runs(points: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return, row by row, the length and the first month of the run of equal values."""
    changes = (pl.col("segment") != pl.col("segment").shift()) | (
        pl.col(column).ne_missing(pl.col(column).shift())
    )
    run = points.select(
        (changes.fill_null(True).cum_sum() - 1).cast(pl.UInt32).alias("run")
    )["run"]
    starts = points.select("month", pl.Series("run", run)).filter(
        pl.col("run").ne_missing(pl.col("run").shift())
    )
    lengths = run.rle().struct.field("len")
    return pl.DataFrame(
        {
            "length": broadcast(lengths, run),
            "began": broadcast(starts["month"], run),
        }
    )


def _shift(points: pl.DataFrame) -> pl.DataFrame:
    run = _runs(points, "side")
    is_shift = (run["length"] >= RUN) & (points["side"] != 0)
    return points.with_columns(
        is_shift.alias("is_shift"), run["began"].alias("run_began")
    )


def _trend(points: pl.DataFrame) -> pl.DataFrame:
    """Seven points that each rise or each fall: six steps the same way."""
    here = pl.col("segment")
    inside = here == here.shift()
    frame = points.select(
        "segment",
        "month",
        pl.when(inside)
        .then(pl.col("adjusted").diff().sign())
        .cast(pl.Int8)
        .alias("step"),
        pl.when(inside).then(pl.col("month").shift()).alias("before"),
    )
    run = _runs(frame, "step")
    frame = frame.with_columns(
        ((run["length"] >= RUN - 1) & (frame["step"] != 0))
        .fill_null(False)
        .alias("ends"),
        # The trend begins at the point from which the first step was taken.
        run["began"].alias("began"),
    )
    starts = here.shift(-1) == here
    opens = (pl.col("ends").shift(-1) & starts).fill_null(False)
    slope = pl.when(opens).then(pl.col("step").shift(-1)).otherwise("step")
    first = pl.when(pl.col("month") == pl.col("began")).then("before")
    frame = frame.with_columns(first.alias("from_first"))
    origin = frame["from_first"].fill_null(strategy="forward")
    return points.with_columns(
        frame.select((pl.col("ends") | opens).alias("is_trend"))["is_trend"],
        frame.select(
            pl.when(pl.col("ends") | opens).then(slope).fill_null(0).alias("slope")
        )["slope"],
        pl.when(frame["ends"]).then(origin).otherwise("month").alias("trend_began"),
    )


def _two_of_three(points: pl.DataFrame) -> pl.DataFrame:
    here, side = pl.col("segment"), pl.col("side")
    close = pl.col("is_close")
    together = (here == here.shift(2)) & (
        (side + side.shift(1) + side.shift(2)).abs() == 3
    )
    near = close.cast(pl.Int8)
    ends = together & (near + near.shift(1) + near.shift(2) >= 2)
    frame = points.select(
        "segment", "month", "is_close", ends.fill_null(False).alias("e")
    )
    # A window that ends one or two points later holds this one too: it cannot reach
    # back over the start of the next segment.
    e = pl.col("e")
    held = e | e.shift(-1, fill_value=False) | e.shift(-2, fill_value=False)
    month = pl.col("month")
    began = (
        pl.when(e & close.shift(2))
        .then(month.shift(2))
        .when(e & close.shift(1))
        .then(month.shift(1))
        .otherwise(month)
    )
    return points.with_columns(
        frame.select((held & close).alias("is_two_of_three"))["is_two_of_three"],
        frame.select(began.alias("pair_began"))["pair_began"],
    )
