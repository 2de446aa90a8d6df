"""How a week's calls lie over its hours, by grade and borough."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from edp_platform.analysis.demand.declared import Profile
from edp_platform.analysis.demand.history import FORCE, History

_HOURS_OF_WEEK = 168


def hour_of_week(
    calls: pl.DataFrame, history: History, settings: Profile
) -> pl.DataFrame:
    """Return the share of calls in each hour of the week.

    Each borough's shares are drawn towards the force's, as if so many further calls had
    come as the force's do; the force's towards those of its weekdays and of its hours by
    themselves: the mean of a Dirichlet-multinomial posterior (Gelman et al.
    2013, "Bayesian Data Analysis", 3.4). Hours are local; calls are divided by how often
    the hour came, so that a day of 23 or 25 hours bends nothing.

    Args:
        calls: Rows of `marts.calls_by_day_and_hour`.
        history: Of the same calls: which days are whole.
        settings: How many days, and how strong the force's profile is.

    Returns:
        area, name, grade, day_of_week (1 Monday), hour_of_day, calls, weeks (how often
        the hour came), share_of_week and share_of_day (each of the day's or week's
        calls, 0 to 1), calls_per_hour.
    """
    last = history.last
    first = max(history.first, last - timedelta(days=settings.days - 1))
    inside = calls.filter(pl.col("call_date").is_between(first, last))
    hours = _hours(first, last)
    areas = pl.DataFrame({"area": history.areas, "name": history.names})
    cells = (
        areas.join(pl.DataFrame({"grade": history.grades}), how="cross")
        .join(hours, how="cross")
        .join(
            _counted(inside),
            on=["area", "grade", "day_of_week", "hour_of_day"],
            how="left",
        )
        .with_columns(pl.col("calls").fill_null(0))
    )
    rate = pl.col("calls") / pl.col("weeks")
    force = _of_force(cells.filter(pl.col("area") == FORCE), settings.prior_calls)
    series = ["area", "grade"]
    prior = settings.prior_calls
    seen = rate / rate.sum().over(series)
    total = pl.col("calls").sum().over(series)
    shared = cells.join(force, on=["grade", "day_of_week", "hour_of_day"]).with_columns(
        share_of_week=pl.when(pl.col("area") == FORCE)
        .then("of_force")
        .otherwise(
            (total * seen.fill_nan(0.0) + prior * pl.col("of_force")) / (total + prior)
        )
    )
    of_day = pl.col("share_of_week").sum().over(*series, "day_of_week")
    weekly = rate.sum().over(series)
    return shared.select(
        "area",
        "name",
        "grade",
        "day_of_week",
        "hour_of_day",
        "calls",
        "weeks",
        "share_of_week",
        share_of_day=pl.when(of_day > 0)
        .then(pl.col("share_of_week") / of_day)
        .otherwise(1 / 24),
        calls_per_hour=pl.col("share_of_week") * weekly,
    ).sort("area", "grade", "day_of_week", "hour_of_day")


def _of_force(cells: pl.DataFrame, prior: float) -> pl.DataFrame:
    """Return the force's share of the week by grade, weekday and hour."""
    rate = pl.col("calls") / pl.col("weeks")
    total = rate.sum().over("grade")
    apart = (rate.sum().over("grade", "day_of_week") / total) * (
        rate.sum().over("grade", "hour_of_day") / total
    )
    count = pl.col("calls").sum().over("grade")
    return cells.select(
        "grade",
        "day_of_week",
        "hour_of_day",
        # Where nothing was ever counted each hour has the same share.
        of_force=pl.when(total > 0)
        .then((count * rate / total + prior * apart) / (count + prior))
        .otherwise(1 / _HOURS_OF_WEEK),
    )


def _counted(calls: pl.DataFrame) -> pl.DataFrame:
    keys = ["grade", "day_of_week", "hour_of_day"]
    boroughs = calls.group_by(pl.col("borough_code").alias("area"), *keys).agg(
        pl.col("calls").sum()
    )
    whole = calls.group_by(keys).agg(pl.col("calls").sum())
    return pl.concat(
        [boroughs, whole.select(pl.lit(FORCE).alias("area"), *keys, "calls")]
    ).with_columns(pl.col("calls").cast(pl.Int64))


def _hours(first: date, last: date) -> pl.DataFrame:
    """Return how often each local hour of the week came, by the clock.

    One UTC hour after another, told in local time: on the day when clocks go forward one
    number is missing, on the day when they go back one comes twice.
    """
    begin = datetime.combine(first - timedelta(days=1), time(), UTC)
    moments = pl.datetime_range(
        begin, begin + timedelta(days=(last - first).days + 3), "1h", eager=True
    )
    local = pl.col("moment").dt.convert_time_zone("Europe/London")
    return (
        moments.to_frame("moment")
        .with_columns(local=local)
        .filter(pl.col("local").dt.date().is_between(first, last))
        .group_by(
            day_of_week=pl.col("local").dt.weekday().cast(pl.Int32),
            hour_of_day=pl.col("local").dt.hour().cast(pl.Int32),
        )
        .agg(weeks=pl.len().cast(pl.Int64))
    )
