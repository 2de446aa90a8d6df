"""Columns that several extracts share: labels drawn by share, moments, places."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import polars as pl

from edp_platform.sample.draws import choose, cumulative, cumulative_by_group
from edp_platform.sample.geography import Geography

#: When calls come in and reports are made, by hour of the day (UTC) from midnight.
HOURS = [
    *(5, 4, 3, 2, 2, 2, 3, 4, 6, 7, 8, 8),
    *(9, 9, 9, 10, 11, 12, 12, 11, 10, 9, 8, 7),
]
_HOUR_BOUNDS = cumulative([float(weight) for weight in HOURS])


def drawn(shares: Sequence[tuple[str | None, float]], uniform: pl.Series) -> pl.Series:
    """Return a label for each number, each label as often as its share says."""
    labels = pl.Series([label for label, _ in shares], dtype=pl.String)
    return labels.gather(choose(cumulative([share for _, share in shares]), uniform))


def drawn_by_group(
    shares: Sequence[Sequence[tuple[str, float]]], group: pl.Series, uniform: pl.Series
) -> pl.Series:
    """Return a label for each number from the list of its group."""
    bounds = cumulative_by_group([[share for _, share in one] for one in shares])
    labels = pl.Series([label for one in shares for label, _ in one])
    return labels.gather(choose(bounds, group + uniform))


def picked(words: Sequence[str], uniform: pl.Expr) -> pl.Expr:
    """Return a word for each number, all words equally often."""
    number = (uniform * len(words)).cast(pl.Int64).clip(0, len(words) - 1)
    return number.replace_strict(dict(enumerate(words)), return_dtype=pl.String)


def moment(day: date) -> datetime:
    """Return the day's first moment, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def moments(
    start: date,
    end: date,
    random: pl.DataFrame,
    weekdays: Sequence[float] | None = None,
) -> pl.Series:
    """Return moments between two days, more of them when people are about.

    Args:
        start: First day.
        end: Day after the last.
        random: Columns `day`, `hour` and `second`, numbers in [0, 1).
        weekdays: How busy each day of the week is, from Monday; by default all alike.

    Returns:
        Datetime("us", "UTC"), to the second.
    """
    days = (end - start).days
    hour = choose(_HOUR_BOUNDS, random["hour"]).alias("of_day")
    of_window = (random["day"] * days).cast(pl.Int64)
    if weekdays is not None:
        busy = [weekdays[(start.weekday() + day) % 7] for day in range(days)]
        of_window = choose(cumulative(busy), random["day"]).cast(pl.Int64)
    return (
        random.hstack([hour, of_window.alias("of_window")])
        .select(
            pl.lit(moment(start)).cast(pl.Datetime("us", "UTC"))
            + pl.duration(
                days=pl.col("of_window"),
                hours=pl.col("of_day").cast(pl.Int64),
                seconds=(pl.col("second") * 3600).cast(pl.Int64),
            )
        )
        .to_series()
    )


def seconds(amount: pl.Expr) -> pl.Expr:
    """Return a duration of whole seconds."""
    return pl.duration(seconds=amount.round().cast(pl.Int64))


def numbered(letter: str, number: pl.Expr, digits: int) -> pl.Expr:
    """Return identifiers: a letter and a number of fixed width."""
    return pl.lit(letter) + number.cast(pl.String).str.zfill(digits)


def postcodes(uniform: pl.Expr) -> pl.Expr:
    """Return postcodes of a true shape that no place has: they begin with Q, V or X.

    Args:
        uniform: Numbers in [0, 1), from which all parts are taken.
    """
    # One number holds 53 random bits; its digits in a mixed base are the parts.
    whole = (uniform * 3 * 8 * 28 * 10 * 18 * 18).cast(pl.Int64)
    first, rest = whole % 3, whole // 3
    second, rest = rest % 8, rest // 8
    district, rest = rest % 28, rest // 28
    sector, rest = rest % 10, rest // 10
    unit = "ABDEFGHJLNPQRSTUWY"

    def letter(letters: str, number: pl.Expr) -> pl.Expr:
        return number.replace_strict(dict(enumerate(letters)), return_dtype=pl.String)

    return (
        letter("QVX", first)
        + letter("ABDEFHKL", second)
        + (district + 1).cast(pl.String)
        + " "
        + sector.cast(pl.String)
        + letter(unit, rest % 18)
        + letter(unit, rest // 18)
    )


class Areas:
    """Small areas and boroughs, drawn as crime is spread."""

    def __init__(self, geography: Geography) -> None:
        # The city polices itself: its boroughs' crimes are in another force's systems.
        cells = geography.cells.filter(pl.col("borough") > 0)
        self._codes = cells.select(
            lsoa_code="west_2021_code", borough_code="borough_code"
        )
        self._bounds = cumulative(cells["weight"].to_list())

    def drawn(self, uniform: pl.Series) -> pl.DataFrame:
        """Return `lsoa_code` (2021) and `borough_code` for each number."""
        place = choose(self._bounds, uniform)
        return self._codes.select(pl.all().gather(place))
