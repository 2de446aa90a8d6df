"""The public attitude survey: proportions by quarter, borough and measure."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from edp_platform.sample.draws import Draws
from edp_platform.sample.faults import LineFault, damage_lines, decimal_point
from edp_platform.sample.geography import (
    NAMED_CITY_IN_SURVEY,
    SPELT_TWO_WAYS,
    Geography,
)
from edp_platform.sample.timeline import Timeline, month_of_year, month_start

FILE_NAME = "PAS_Dashboard_Borough.csv"
_LATE_MEASURE = "Trust MPS"
_LATE_BY_QUARTERS = 5
_MEASURES = [
    ('"Good Job" local', 0.60),
    ("Contact ward officer", 0.24),
    ("Informed local", 0.39),
    ("Listen to concerns", 0.68),
    ("Relied on to be there", 0.69),
    ("Treat everyone fairly", 0.72),
    (_LATE_MEASURE, 0.81),
    ("Understand issues", 0.66),
]


def survey_quarters(timeline: Timeline) -> list[int]:
    """Return the last months of the quarters surveyed: eight or more, up to the end."""
    last = timeline.last
    while month_of_year(last) % 3:
        last -= 1
    quarters = max(8, timeline.months // 3)
    return [last - 3 * back for back in reversed(range(quarters))]


def survey_table(geography: Geography, timeline: Timeline, seed: int) -> pl.DataFrame:
    """Return the survey as printed: D/M/YYYY dates and decimal commas, all as text."""
    quarters = survey_quarters(timeline)
    boroughs = geography.boroughs.filter(pl.col("borough") > 0).select("name")
    table = (
        pl.DataFrame(
            {
                "quarter": list(range(len(quarters))),
                "Date": [_quarter_end(quarter) for quarter in quarters],
            }
        )
        .join(
            pl.DataFrame(_MEASURES, schema=["Measure", "level"], orient="row"),
            how="cross",
        )
        .join(boroughs, how="cross")
    )
    draws = Draws(seed, "survey").frame(table.height, "force")
    noise = _rolling_year(seed, len(quarters), table.height // len(quarters))
    # The force's value is the same on every row of a quarter and measure.
    force_wide = (
        pl.col("level")
        # Trust falls through the window, as it did; never below what can be.
        - 0.12 * pl.col("quarter") / len(quarters)
        + 0.03 * (pl.col("force").first().over("quarter", "Measure") - 0.5)
    )
    first_spelling, second_spelling = SPELT_TWO_WAYS
    capital_from = len(quarters) * 2 // 3
    name = (
        pl.when(
            (pl.col("name") == first_spelling) & (pl.col("quarter") >= capital_from)
        )
        .then(pl.lit(second_spelling))
        .otherwise(pl.col("name").replace(*NAMED_CITY_IN_SURVEY))
    )
    return (
        table.hstack(draws)
        .with_columns(noise)
        .filter(
            (pl.col("Measure") != _LATE_MEASURE)
            | (pl.col("quarter") >= _LATE_BY_QUARTERS)
        )
        .select(
            "Date",
            pl.lit("PAS").alias("Survey"),
            name.alias("Borough"),
            "Measure",
            _decimal_comma(force_wide + pl.col("noise")).alias("Proportion"),
            _decimal_comma(force_wide).alias("MPS"),
        )
    )


def _rolling_year(seed: int, quarters: int, series: int) -> pl.Series:
    """Return how far each borough's figure lies from the force's, quarter by quarter.

    A borough's figure is the mean of four quarters, as the publisher's seem to be: in
    the real file the change of a borough's figure correlates at about -0.35 with its
    change four quarters earlier. A plain mean of four gives -0.5; the force's own
    movement, which is of one quarter, and the two decimals printed bring it there.

    Args:
        seed: The sample's seed.
        quarters: Number of quarters.
        series: Number of boroughs times measures: neighbouring rows of a quarter.
    """
    drawn = Draws(seed, "survey").frame((quarters + 3) * series, "noise")["noise"] - 0.5
    four = pl.DataFrame(
        drawn.slice(back * series, quarters * series).alias(str(back))
        for back in range(4)
    )
    return four.select(noise=0.2 * pl.mean_horizontal(pl.all())).to_series()


def write_survey(path: Path, table: pl.DataFrame, *, faults: bool) -> list[LineFault]:
    """Write the survey, four empty columns at the end of each line.

    Args:
        path: The file.
        table: The rows as printed.
        faults: Plant one number with a decimal point.

    Returns:
        The lines to be quarantined.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    table.write_csv(buffer)
    # Not as columns: four columns with the same empty name are no valid table. The
    # publisher's file has no line end after its last line.
    data = buffer.getvalue().rstrip(b"\n").replace(b"\n", b",,,,\n") + b",,,,"
    planted: list[LineFault] = []
    if faults:
        # A measure without quotes, so that the first quotes hold the proportion.
        rows = table["Measure"].eq("Informed local").arg_true()
        planted = [decimal_point(int(rows[len(rows) // 2]) + 2, "Proportion")]
        data = damage_lines(data, planted, b"\n")
    path.write_bytes(data)
    return planted


def _quarter_end(month: int) -> str:
    days = (month_start(month + 1) - month_start(month)).days
    return f"{days}/{month_of_year(month)}/{month // 12}"


def _decimal_comma(value: pl.Expr) -> pl.Expr:
    return value.round(2).cast(pl.String).str.replace(".", ",", literal=True)
