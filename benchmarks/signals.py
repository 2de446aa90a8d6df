"""The signals of every measure for 32 boroughs and 600 wards over ten years.

`python -m benchmarks.signals [case]` computes them in a process of its own, beside plain
polars on the same frame: group by series, the mean and the mean moving range, which is
what one XmR chart needs at the least. Cases:

- `all`: every series computed, states and alerts included;
- `month`: one new month of one measure, only that measure's series computed, the alerts
  of all series decided anew; plain polars, which knows no before, computes them all;
- `plain`: plain polars alone, for its memory.

The last line is JSON: pairs of seconds (ours, theirs), rows, series.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import polars as pl

from edp_platform.analysis.signals.charting import signals
from edp_platform.analysis.signals.settings import SeriesSettings
from edp_platform.analysis.signals.updating import updated

MEASURES = 30
BOROUGHS = 32
WARDS = 600
MONTHS = 120
_SERIES = ("measure", "area_kind", "area_code")


def made_up(
    measures: int = MEASURES, wards: int = WARDS, months: int = MONTHS
) -> tuple[pl.DataFrame, dict[str, SeriesSettings]]:
    """Return values and settings: counts and rates, half of them seasonal."""
    random = np.random.default_rng(2026)
    areas = BOROUGHS + wards
    level = random.lognormal(2.5, 1.2, (measures, areas, 1))
    season = 1 + 0.15 * np.sin(2 * np.pi * np.arange(months) / 12)
    events = random.poisson(level * season).astype(float)
    measure, area, month = (axis.ravel() for axis in np.indices(events.shape))
    day = pl.date_range(date(2015, 1, 1), date(2044, 12, 1), "1mo", eager=True)
    values = pl.DataFrame(
        {
            "m": measure,
            "a": area,
            "month": day.gather(month),
            "numerator": events.ravel(),
        }
    ).select(
        pl.format("measure_{}", "m").alias("measure"),
        pl.when(pl.col("a") < BOROUGHS)
        .then(pl.lit("borough"))
        .otherwise(pl.lit("ward"))
        .alias("area_kind"),
        pl.format("E05{}", "a").alias("area_code"),
        "month",
        "numerator",
        pl.lit(10_000.0).alias("denominator"),
        pl.when(pl.col("m") % 2 == 0)
        .then("numerator")
        .otherwise(pl.col("numerator") / 10.0)
        .alias("value"),
        pl.lit("complete").alias("completeness"),
    )
    settings = {
        f"measure_{number}": SeriesSettings(
            better="lower",
            seasonal=number % 4 < 2,
            lowest=0.0,
            is_count=number % 2 == 0,
            rate_per=None if number % 2 == 0 else 1000.0,
            breaks=(date(2020, 3, 1),) if number % 5 == 0 else (),
        )
        for number in range(measures)
    }
    return values, settings


def plain(values: pl.DataFrame) -> pl.DataFrame:
    """Return mean and mean moving range of every series, in plain polars."""
    return (
        values.sort(*_SERIES, "month")
        .group_by(_SERIES)
        .agg(
            pl.col("value").mean().alias("mean"),
            pl.col("value").diff().abs().mean().alias("moving_range"),
        )
    )


def everything(
    values: pl.DataFrame, settings: Mapping[str, SeriesSettings]
) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return ours and theirs, of all series."""
    return (
        lambda: signals(values, settings),
        lambda: plain(values),
    )


def one_month(
    values: pl.DataFrame, settings: Mapping[str, SeriesSettings]
) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return ours and theirs, of a new month of one measure."""
    is_one = pl.col("measure") == "measure_0"
    landed = is_one & (pl.col("month") == pl.col("month").max())
    before = signals(values.filter(~landed), settings)

    def ours() -> object:
        return updated(before, values, settings, settings)

    return ours, lambda: plain(values)


def taken(work: Callable[[], object]) -> float:
    """Return the seconds of wall time that work took."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    """Run a case and print its JSON."""
    case, rounds, measures = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    values, settings = made_up(measures)
    if case == "plain":
        seconds = [(0.0, taken(lambda: plain(values))) for _ in range(rounds)]
    else:
        cases = {"all": everything, "month": one_month}
        ours, theirs = cases[case](values, settings)
        # Small first: what is imported late is imported now.
        signals(*made_up(2, 10, 40))
        seconds = [(taken(ours), taken(theirs)) for _ in range(rounds)]
    series = values.select(_SERIES).unique().height
    print(json.dumps({"seconds": seconds, "rows": values.height, "series": series}))


if __name__ == "__main__":
    main()
