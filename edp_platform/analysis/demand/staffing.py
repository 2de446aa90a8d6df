"""Cars by shift: from the calls expected, the time they take, and how many cars each.

Hour by hour as if the hour went on for ever (stationary independent period by period),
with each hour's calls taken as those of one mean service time before, because cars are
still at work on them (lagged SIPP: Green, Kolesar and Soares 2001, "Improving the SIPP
approach for staffing service systems that have cyclic demands", Operations Research
49(4), 549-564). A shift has the cars of its busiest hour. What is left of a backlog when
a shift changes is not carried over: after an overload more is needed than is said here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from edp_platform.analysis.demand.declared import DemandModel
from edp_platform.analysis.demand.failure import DemandRefused
from edp_platform.analysis.demand.history import FORCE
from edp_platform.analysis.demand.queueing import cars_needed, multiple_dispatch

_WEEK_HOURS = 168
_UNKNOWN = "unknown"
_RECENT_MONTHS = 12
#: The grade that the prediction of reaching in time is for.
_FIRST = "I"


@dataclass(frozen=True)
class Work:
    """What a call takes.

    Attributes:
        shares: Of calls that take 1, 2, … cars.
        hours: Mean hours that a car is at work on a call.
        travel: Minutes from despatch to arrival of the first grade.
        weights: Share of its calls that have each; they add up to 1.
    """

    shares: tuple[float, ...]
    hours: float
    travel: np.ndarray
    weights: np.ndarray


def staffing(
    forecast: pl.DataFrame,
    hours: pl.DataFrame,
    times: pl.DataFrame,
    calls: pl.DataFrame,
    model: DemandModel,
) -> pl.DataFrame:
    """Return the cars that each borough needs in each shift of a week.

    Args:
        forecast: Rows of `marts.demand_forecast`; those of days are used.
        hours: Rows of `marts.demand_hour_of_week`.
        times: Rows of `marts.call_times_by_month`.
        calls: Rows of `marts.calls_by_day_and_hour`.
        model: Shifts, cars of a call, what is asked of them.

    Returns:
        One row per borough, day of the week (the shift's first) and shift; the columns of
        `marts.staffing_by_shift`.

    Raises:
        DemandRefused: no call of the last months says how long a car is at work.
    """
    grades = [*model.cars.per_call]
    days = forecast.filter(
        pl.col("period") == "day",
        pl.col("borough_code") != FORCE,
        pl.col("grade").is_in(grades),
    ).join(_sent(calls, times), on="grade")
    rates = _rates(days, hours)
    work = _work(days, times, model)
    names = (
        days.filter(pl.col("borough_code") != _UNKNOWN)
        .select("borough_code", "borough")
        .unique()
        .sort("borough_code")
    )
    codes = names["borough_code"].to_list()
    rate = {
        column: lagged(_grid(rates, codes, column), work.hours)
        for column in ("rate", "upper")
    }
    least = model.cars.without_wait_percent / 100
    needed = {
        column: cars_needed(values * work.hours, work.shares, least)
        for column, values in rate.items()
    }
    rows = [
        _shift(rate, needed, area, day, shift.hours, work, model)
        | {
            "borough_code": codes[area],
            "day_of_week": day + 1,
            "shift": shift.name,
            "begins_hour": shift.begins,
            "ends_hour": shift.ends,
        }
        for area in range(len(codes))
        for day in range(7)
        for shift in model.shifts
    ]
    made = pl.DataFrame(rows).join(names, on="borough_code")
    return _told(made, days, work, model)


def _sent(calls: pl.DataFrame, times: pl.DataFrame) -> pl.DataFrame:
    """Return the share of each grade's calls that anybody is sent to."""
    recent = _recent(calls)
    return recent.group_by("grade").agg(
        sent=pl.col("despatched").sum() / pl.col("calls").sum()
    )


def _recent(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the latest months."""
    months = frame["month"].unique().sort(descending=True)[:_RECENT_MONTHS]
    return frame.filter(pl.col("month").is_in(months.implode()))


def _rates(days: pl.DataFrame, hours: pl.DataFrame) -> pl.DataFrame:
    """Return calls an hour by borough and hour of the week, expected and upper.

    Calls whose borough is not known are shared out as the known ones of their grade
    are. Upper bounds of grades are put together as if independent: the roots of the sums
    of squares of what each adds to its mean.
    """
    weekly = (
        days.group_by(
            "borough_code",
            "grade",
            day_of_week=pl.col("date").dt.weekday().cast(pl.Int32),
        )
        .agg(
            rate=(pl.col("forecast") * pl.col("sent")).mean(),
            above=((pl.col("upper_80") - pl.col("forecast")) * pl.col("sent")).mean(),
        )
        .with_columns(is_known=pl.col("borough_code") != _UNKNOWN)
    )
    every = ["grade", "day_of_week"]
    known = pl.col("rate").filter(pl.col("is_known")).sum().over(every)
    shared = weekly.with_columns(
        factor=pl.when(known > 0).then(pl.col("rate").sum().over(every) / known)
    ).filter("is_known")
    hourly = shared.join(
        hours.select(*every, "borough_code", "hour_of_day", "share_of_day"),
        on=[*every, "borough_code"],
    ).with_columns(
        (pl.col(one) * pl.col("share_of_day") * pl.col("factor").fill_null(1.0)).alias(
            one
        )
        for one in ("rate", "above")
    )
    return (
        hourly.group_by(
            "borough_code",
            hour_of_week=(pl.col("day_of_week") - 1) * 24 + pl.col("hour_of_day"),
        )
        .agg(pl.col("rate").sum(), above=pl.col("above").clip(0).pow(2).sum().sqrt())
        .with_columns(upper=pl.col("rate") + pl.col("above"))
    )


def _grid(rates: pl.DataFrame, codes: Sequence[str], column: str) -> np.ndarray:
    """Return calls an hour, shape (boroughs, hours of the week)."""
    grid = np.zeros((len(codes), _WEEK_HOURS))
    place = {code: at for at, code in enumerate(codes)}
    area = rates["borough_code"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
    grid[area, rates["hour_of_week"].to_numpy()] = rates[column].to_numpy()
    return grid


def lagged(rate: np.ndarray, hours: float) -> np.ndarray:
    """Return for each hour of the week the rate of so many hours before.

    Args:
        rate: Calls an hour, the last axis the hours of a week, which follows itself.
        hours: How many; between whole hours it is interpolated.
    """
    whole, part = int(hours), hours - int(hours)
    near = np.roll(rate, whole, axis=-1)
    return (1 - part) * near + part * np.roll(rate, whole + 1, axis=-1)


def _work(days: pl.DataFrame, times: pl.DataFrame, model: DemandModel) -> Work:
    """Return what a call takes, over grades as they are expected to come."""
    volume = {
        grade: float(count)
        for grade, count in days.group_by("grade")
        .agg((pl.col("forecast") * pl.col("sent")).sum())
        .iter_rows()
    }
    recent = _recent(times)
    service = {
        grade: float(seconds) / 3600
        for grade, seconds in recent.filter(pl.col("stage") == "despatch to close")
        .group_by("grade")
        .agg(pl.col("total_seconds").sum() / pl.col("calls").sum())
        .iter_rows()
    }
    counted = {grade: count for grade, count in volume.items() if grade in service}
    total = sum(counted.values())
    if not total > 0:
        raise DemandRefused(
            "No call of the last months has a time of despatch and of close, so nobody "
            "can say how long a car is at work. Land calls_for_service with both times, "
            "then run again."
        )
    per_call = model.cars.per_call
    longest = max(len(shares) for shares in per_call.values())
    mixed = np.zeros(longest)
    cars = hours = 0.0
    for grade, count in counted.items():
        shares = np.asarray(per_call[grade])
        mixed[: len(shares)] += count / total * shares
        taken = count * float(shares @ np.arange(1, len(shares) + 1))
        cars += taken
        hours += taken * service[grade]
    travel = (
        recent.filter(
            pl.col("stage") == "despatch to arrival", pl.col("grade") == _FIRST
        )
        .group_by(pl.col("within_minutes").fill_null(np.inf))
        .agg(pl.col("calls").sum())
    )
    counts = travel["calls"].to_numpy().astype(float)
    return Work(
        tuple(mixed.tolist()),
        hours / cars,
        travel["within_minutes"].to_numpy().astype(float),
        counts / max(counts.sum(), 1.0),
    )


def _shift(
    rate: dict[str, np.ndarray],
    needed: dict[str, np.ndarray],
    area: int,
    day: int,
    hours: Sequence[int],
    work: Work,
    model: DemandModel,
) -> dict[str, float | int]:
    """Return the figures of one borough's shift."""
    at = (day * 24 + np.asarray(hours)) % _WEEK_HOURS
    cars = int(needed["rate"][area, at].max())
    coming = rate["rate"][area, at]
    waits = [multiple_dispatch(one * work.hours, cars, work.shares) for one in coming]
    weights = (
        coming / coming.sum() if coming.sum() > 0 else np.full(len(at), 1 / len(at))
    )
    target = model.target(_FIRST)
    left = (target.minutes if target else np.inf) - model.cars.handling_minutes
    after = (left - work.travel) / (60 * work.hours)
    in_time = [float(work.weights @ one.share_within(after)) for one in waits]
    return {
        "calls_expected": float(coming.sum()),
        "calls_upper_80": float(rate["upper"][area, at].sum()),
        "car_hours_expected": float(sum(one.busy for one in waits)),
        "busiest_hour": int(hours[int(np.argmax(coming))] % 24),
        "cars_needed": cars,
        "cars_needed_upper_80": int(needed["upper"][area, at].max()),
        "percent_without_wait": 100 * float(weights @ [1 - one.share for one in waits]),
        "mean_wait_minutes": 60 * work.hours * float(weights @ [w.mean for w in waits]),
        "percent_reached_in_target": 100 * float(weights @ in_time),
    }


def _told(
    made: pl.DataFrame, days: pl.DataFrame, work: Work, model: DemandModel
) -> pl.DataFrame:
    """Return the rows with what holds for all of them, officers and words."""
    target = model.target(_FIRST)
    minutes = target.minutes if target else None
    wanted = target.percent if target else None
    left = (minutes or np.inf) - model.cars.handling_minutes
    # Nobody waits: only the order and the way are left.
    best = 100 * float(work.weights[work.travel <= left].sum())
    one_car = model.cars.officers_per_car / model.cars.share_available
    taken = sum(number * share for number, share in enumerate(work.shares, 1))
    reaches = pl.format(
        "{} % of grade I within {} minutes",
        pl.col("percent_reached_in_target").round(1),
        pl.lit(minutes),
    )
    short = pl.lit(
        f", short of {wanted:g} %: with a car always free it would be {best:.1f} %, so "
        "more cars alone do not reach it."
        if wanted is not None and best < wanted
        else "."
    )
    return made.with_columns(
        pl.lit(minutes, pl.Int32).alias("target_minutes"),
        pl.lit(wanted, pl.Float64).alias("target_percent"),
        pl.lit(best).alias("percent_reached_if_nobody_waits"),
        pl.lit(60 * work.hours).alias("service_minutes"),
        pl.lit(float(taken)).alias("cars_per_call"),
        pl.lit(model.cars.assumed).alias("cars_per_call_are_assumed"),
        (pl.col("cars_needed") * one_car)
        .ceil()
        .cast(pl.Int64)
        .alias("officers_needed"),
        (pl.col("cars_needed_upper_80") * one_car)
        .ceil()
        .cast(pl.Int64)
        .alias("officers_needed_upper_80"),
        pl.lit(days["date"].min()).alias("forecast_from"),
        pl.lit(days["date"].max()).alias("forecast_to"),
        words=pl.concat_str(
            pl.format(
                "With {} cars {} % of calls find theirs free, and ",
                "cars_needed",
                pl.col("percent_without_wait").round(1),
            ),
            reaches,
            short,
        ),
    ).sort("borough_code", "day_of_week", "begins_hour")
