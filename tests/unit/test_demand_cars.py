"""Cars for calls: the queueing model against Erlang and a simulation, and shifts."""

from __future__ import annotations

import heapq
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edp_platform.analysis.demand.declared import load_demand_model
from edp_platform.analysis.demand.failure import DemandRefused
from edp_platform.analysis.demand.queueing import (
    capacity,
    cars_needed,
    erlang_c,
    most_load,
    multiple_dispatch,
)
from edp_platform.analysis.demand.staffing import lagged, staffing

_few = settings(max_examples=25, deadline=None, derandomize=True)


def test_erlang_c_is_that_of_the_published_example() -> None:
    """200 calls an hour of three minutes, 14 agents.

    Source: Call Centre Helper, "Erlang C formula, made simple with an easy worked
    example": 17.4 % wait, 88.8 % are answered within 20 seconds, on average in 7.8.
    """
    assert round(100 * erlang_c(10, 14), 1) == 17.4
    waiting = multiple_dispatch(10, 14, [1.0])
    assert round(100 * float(waiting.share_within(20 / 180)), 1) == 88.8
    assert round(180 * waiting.mean, 1) == 7.8
    # Gross and Harris, "Fundamentals of Queueing Theory": M/M/2 with half the load.
    assert erlang_c(1, 2) == pytest.approx(1 / 3)
    assert erlang_c(3, 2) == 1.0


@_few
@given(cars=st.integers(1, 25), used=st.floats(0.05, 0.97))
def test_calls_of_one_car_are_erlangs(cars: int, used: float) -> None:
    waiting = multiple_dispatch(used * cars, cars, [1.0, 0.0])
    share = erlang_c(used * cars, cars)
    assert waiting.share == pytest.approx(share, abs=1e-9)
    assert waiting.mean == pytest.approx(share / (cars * (1 - used)), rel=1e-6)
    assert waiting.busy == pytest.approx(used * cars)


def _simulated(
    load: float, cars: int, shares: list[float], calls: int
) -> tuple[np.ndarray, float]:
    """Return the wait of each call, in mean service times, and the share that waits."""
    arrivals = np.cumsum(np.random.default_rng(5).exponential(1 / load, calls))
    kept = _waits(arrivals, cars, shares)[calls // 10 :]
    return kept, float((kept > 1e-12).mean())


def _waits(arrivals: np.ndarray, cars: int, shares: list[float]) -> np.ndarray:
    """Return how long each call waits, by events alone; services of mean one."""
    random = np.random.default_rng(6)
    calls = len(arrivals)
    taken = random.choice(len(shares), calls, p=shares) + 1
    service = random.exponential(1.0, (calls, len(shares)))
    free_at = [0.0] * cars
    heapq.heapify(free_at)
    before = 0.0
    waits = np.empty(calls)
    for call in range(calls):
        # First come, first served: it begins when the last of its cars is free.
        freed = [heapq.heappop(free_at) for _ in range(taken[call])]
        begins = max(arrivals[call], before, freed[-1])
        for number in range(taken[call]):
            heapq.heappush(free_at, begins + service[call, number])
        before = begins
        waits[call] = begins - arrivals[call]
    return waits


@pytest.mark.parametrize(
    ("load", "cars", "shares"),
    [
        (3.0, 8, [0.5, 0.35, 0.15]),
        (1.2, 3, [0.6, 0.3, 0.1]),
        (3.0, 8, [0.0, 1.0]),
    ],
)
def test_a_simulation_says_the_same(
    load: float, cars: int, shares: list[float]
) -> None:
    waits, share = _simulated(load, cars, shares, 150_000)
    waiting = multiple_dispatch(load, cars, shares)
    assert waiting.share == pytest.approx(share, abs=0.015)
    assert waiting.mean == pytest.approx(float(waits.mean()), rel=0.08)
    # The wait's distribution is an approximation; this is how close it is.
    for time in (0.1, 0.3, 1.0):
        told = float(waiting.share_within(time))
        assert told == pytest.approx(float((waits <= time).mean()), abs=0.03)


def test_waits_follow_the_calls_of_a_service_time_before() -> None:
    """Lagged SIPP (Green, Kolesar and Soares 2001) against a day that goes up and down.

    Calls come by the hour in a wave; services take two hours on average.
    """
    shares, cars, service = [0.6, 0.4], 12, 2.0
    hours = np.arange(168)
    rate = 2.0 + 1.4 * np.sin(2 * np.pi * hours / 24)
    random = np.random.default_rng(7)
    weeks = 110
    counts = random.poisson(np.tile(rate, weeks))
    begins = np.repeat(np.arange(168 * weeks), counts)
    arrivals = np.sort(begins + random.random(len(begins)))
    waited = _waits(arrivals / service, cars, shares) > 1e-12
    hour = arrivals.astype(int) % 24
    seen = np.bincount(hour, waited, 24) / np.bincount(hour, minlength=24)

    def told(rates: np.ndarray) -> np.ndarray:
        return np.array(
            [multiple_dispatch(one * service, cars, shares).share for one in rates[:24]]
        )

    errors = {
        name: float(np.sqrt(((told(rates) - seen) ** 2).mean()))
        for name, rates in (("lagged", lagged(rate, service)), ("plain", rate))
    }
    # It is no more than an approximation, and much nearer than none.
    assert errors["lagged"] < 0.5 * errors["plain"]
    assert errors["lagged"] < 0.08


@_few
@given(
    load=st.floats(0.05, 12),
    two=st.floats(0, 0.5),
    three=st.floats(0, 0.3),
    without=st.floats(0.5, 0.98),
)
def test_no_fewer_cars_would_do(
    load: float, two: float, three: float, without: float
) -> None:
    shares = [1 - two - three, two, three]
    cars = int(cars_needed(np.array([load]), shares, without)[0])
    assert multiple_dispatch(load, cars, shares).share <= 1 - without + 1e-9
    fewer = cars - 1
    if fewer and load < capacity(fewer, shares):
        # `most_load` stops within one part in a thousand of the bound.
        assert load > most_load(fewer, shares, without)
        assert multiple_dispatch(load * 1.002, fewer, shares).share > 1 - without


def test_an_endless_queue_is_refused() -> None:
    # Calls of two cars cannot use an odd one: three cars do less than three times one.
    assert capacity(2, [0.0, 1.0]) == pytest.approx(2 / 3)
    assert capacity(1, [0.5, 0.5]) == 0.0
    assert multiple_dispatch(0.6, 2, [0.0, 1.0]).share < 1
    with pytest.raises(DemandRefused, match=r"2 cars cannot serve a load of 0\.70"):
        multiple_dispatch(0.7, 2, [0.0, 1.0])
    assert multiple_dispatch(0.0, 2, [1.0]).share == 0.0
    assert cars_needed(np.zeros((2, 3)), [1.0], 0.9).tolist() == [[0] * 3] * 2


_MONDAY = date(2024, 1, 1)


def _marts(per_day: float, hour: int, minutes: int) -> list[pl.DataFrame]:
    """Return forecast, hours, times and calls of one borough; calls at one hour."""
    days = [_MONDAY + timedelta(days=day) for day in range(28)]
    forecast = pl.concat(
        pl.DataFrame({"date": days}).with_columns(
            period=pl.lit("day"),
            borough_code=pl.lit(code),
            borough=pl.lit(code),
            grade=pl.lit("I"),
            forecast=pl.lit(count),
            upper_80=pl.lit(2 * count),
        )
        for code, count in (("A", per_day), ("unknown", per_day / 2), ("all", 9e9))
    )
    hours = pl.DataFrame(
        [
            (code, "I", day, at, float(at == hour))
            for code in ("A", "unknown", "all")
            for day in range(1, 8)
            for at in range(24)
        ],
        schema=["borough_code", "grade", "day_of_week", "hour_of_day", "share_of_day"],
        orient="row",
    )
    times = pl.DataFrame(
        {
            "month": [_MONDAY] * 3,
            "grade": ["I"] * 3,
            "stage": [
                "despatch to close",
                "despatch to arrival",
                "despatch to arrival",
            ],
            "within_minutes": [minutes, 5, 30],
            "calls": [10, 8, 2],
            "total_seconds": [10 * 60 * minutes, 2400, 3600],
        }
    )
    calls = pl.DataFrame(
        {"month": [_MONDAY], "grade": ["I"], "calls": [100], "despatched": [50]}
    )
    return [forecast, hours, times, calls]


def test_shifts_have_the_cars_of_their_busiest_hour() -> None:
    model = load_demand_model()
    made = staffing(*_marts(12.0, 13, 60), model)
    # 12 calls a day and half as many of unknown borough, a car sent to every second.
    assert made["borough_code"].unique().to_list() == ["A"]
    assert made.height == 7 * len(model.shifts)
    late = made.filter(day_of_week=3, shift="early").row(0, named=True)
    # Those of 13 o'clock are worked on an hour later, a mean service time.
    assert late["busiest_hour"] == 14
    assert late["calls_expected"] == pytest.approx((12 + 6) / 2)
    shares = model.cars.per_call["I"]
    least = model.cars.without_wait_percent / 100
    assert late["cars_needed"] == cars_needed(np.array([9.0]), shares, least)[0]
    assert late["cars_needed_upper_80"] > late["cars_needed"]
    assert late["percent_without_wait"] >= model.cars.without_wait_percent
    # Two in ten drives take half an hour: no number of cars reaches nine in ten.
    assert late["percent_reached_if_nobody_waits"] == pytest.approx(80)
    assert late["percent_reached_in_target"] < 80
    assert "more cars alone do not reach it" in late["words"]
    assert late["cars_per_call_are_assumed"] is True
    assert made.filter(shift="night")["cars_needed"].sum() == 0


def test_work_between_two_hours_is_shared_by_them() -> None:
    made = staffing(*_marts(16.0, 22, 90), load_demand_model())
    by_shift = dict(made.filter(day_of_week=2).select("shift", "calls_expected").rows())
    # An hour and a half after 22 o'clock lies half in the hour from 23, half in the next,
    # both of the night that begins on this day.
    assert by_shift == pytest.approx({"early": 0, "late": 0, "night": 12})


def test_without_a_service_time_nothing_is_said() -> None:
    forecast, hours, times, calls = _marts(12.0, 13, 60)
    with pytest.raises(DemandRefused, match="how long a car is at work"):
        staffing(
            forecast,
            hours,
            times.filter(pl.col("stage") == "despatch to arrival"),
            calls,
            load_demand_model(),
        )
