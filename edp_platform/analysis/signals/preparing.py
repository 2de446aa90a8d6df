"""Tidy values made ready for the charts: one order, phases, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from edp_platform.analysis.signals.settings import MONTHS, SeriesSettings
from edp_platform.told import Told

SERIES = ("measure", "area_kind", "area_code")
#: Periods of another completeness are shown, and never used.
USABLE = "complete"
#: Why a proportion of a few is left out, and how many a few are fewer than.
FEW = "few"
LEAST = 5.0


class SignalsRefused(Told):
    """The charts cannot be made of what was given; the message says what to do."""


def prepare(
    values: pl.DataFrame, settings: Mapping[str, SeriesSettings]
) -> pl.DataFrame:
    """Return values in order of series and month, with what the charts need of each.

    Args:
        values: as the mart `measure_values`; more columns do no harm, and numerator
            and denominator are needed of rates only.
        settings: by measure.

    Returns:
        One row per series and month: `measure`, `area_kind`, `area_code`, `month`,
        `value`, `numerator`, `denominator`, `series` (0, 1 …), `group` (one per
        measure and kind of area), `phase` (from 1; a new one at each break and step),
        `era` (from 1; a new one at each break), `position` in the year (0 …), `time`
        (months), `in_baseline` and `excluded` (why the point is left out, or null).

    Raises:
        SignalsRefused: a measure without settings, or two rows for one period.
    """
    frame = values.select(
        *(*SERIES, "month", "value", "completeness"),
        *(
            name if name in values.columns else pl.lit(None, pl.Float64).alias(name)
            for name in ("numerator", "denominator")
        ),
    )
    measures = frame["measure"].unique().sort().to_list()
    _refuse_undeclared(measures, settings)
    codes = frame.select(SERIES).unique().sort(SERIES).with_row_index("series")
    codes = codes.with_columns(
        pl.struct("measure", "area_kind").rle_id().alias("group"),
        pl.col("measure")
        .replace_strict(_overlapping(settings), return_dtype=pl.Boolean)
        .alias("overlapping"),
    )
    frame = (
        frame.join(codes, on=SERIES, how="left", nulls_equal=True)
        .join(_calendar(frame, settings), on=("measure", "month"), how="left")
        .sort("series", "month")
        .with_columns(_excluded().alias("excluded"))
        .drop("completeness", "overlapping")
    )
    _refuse_repeats(frame)
    return _without_few(frame, settings)


def _without_few(
    frame: pl.DataFrame, settings: Mapping[str, SeriesSettings]
) -> pl.DataFrame:
    """Leave out proportions of a few: of two searches, 0, 50 and 100 per cent say nothing.

    A proportion is charted where on average at least five are counted and five are not
    (the rule for the normal approximation of a binomial, Montgomery 2009, 7.2).
    """
    shares = [name for name, one in settings.items() if one.highest is not None]
    usable = pl.when(pl.col("excluded").is_null())
    counted = usable.then("numerator").mean().over("series")
    others = usable.then(pl.col("denominator") - pl.col("numerator"))
    is_few = pl.min_horizontal(counted, others.mean().over("series")) < LEAST
    return frame.with_columns(
        pl.when(
            pl.col("excluded").is_null()
            & pl.col("measure").is_in(shares)
            & is_few.fill_null(False)
        )
        .then(pl.lit(FEW))
        .otherwise("excluded")
        .alias("excluded")
    )


def _overlapping(settings: Mapping[str, SeriesSettings]) -> dict[str, bool]:
    return {name: one.overlapping is not None for name, one in settings.items()}


def _excluded() -> pl.Expr:
    is_missing = pl.col("value").is_null() | pl.col("value").is_nan()
    return (
        pl.when(is_missing | (pl.col("completeness") == "missing"))
        .then(pl.lit("missing"))
        .when(pl.col("completeness") == USABLE)
        .then(pl.when("overlapping").then(pl.lit("overlapping")))
        .otherwise(pl.col("completeness").fill_null("provisional"))
    )


def _calendar(
    frame: pl.DataFrame, settings: Mapping[str, SeriesSettings]
) -> pl.DataFrame:
    """Return phase, era, position and baseline of each month of each measure."""
    months = frame.select("measure", "month").unique()
    rows = [
        (name, month, *_place(month, settings[name]))
        for name, month in months.iter_rows()
    ]
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "measure": pl.String,
        "month": months.schema["month"],
        "phase": pl.Int32,
        "era": pl.Int32,
        "position": pl.Int32,
        "time": pl.Int32,
        "in_baseline": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _place(month: date, one: SeriesSettings) -> tuple[int, int, int, int, bool]:
    breaks = {day for day in one.breaks if day <= month}
    changes = breaks | {day for day in one.steps if day <= month}
    first, last = one.baseline or (date.max, date.min)
    return (
        1 + len(changes),
        1 + len(breaks),
        (month.month - 1) // MONTHS[one.frequency],
        month.year * 12 + month.month,
        first <= month <= last,
    )


def _refuse_undeclared(
    measures: list[str], settings: Mapping[str, SeriesSettings]
) -> None:
    missing = [name for name in measures if name not in settings]
    if missing:
        raise SignalsRefused(
            f"No settings for {', '.join(missing)}: without them nobody has said which "
            "way is good, which breaks the series has or whether its periods overlap, "
            "so no signal can be computed. Declare the measure in "
            "defs/<use case>/measures/."
        )


def _refuse_repeats(frame: pl.DataFrame) -> None:
    repeated = frame.filter(
        (pl.col("series") == pl.col("series").shift())
        & (pl.col("month") == pl.col("month").shift())
    )
    if repeated.height:
        names = ", ".join(repeated["measure"].unique().sort().head(5).to_list())
        raise SignalsRefused(
            f"{repeated.height} periods occur twice in {names}: one series must have "
            "one value a period, or its moving ranges mean nothing. Look at what builds "
            "measure_values."
        )
