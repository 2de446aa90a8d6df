"""Forecasts of calls: what is fitted, what is known when, what is shown and told."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from edp_platform.analysis.demand import mart
from edp_platform.analysis.demand.backtest import (
    DAY_NAIVE,
    MONTH_NAIVE,
    expected,
    origins,
    rolling_origin,
)
from edp_platform.analysis.demand.bounds import (
    OWN,
    calibrated,
    corrections,
    count_quantiles,
)
from edp_platform.analysis.demand.candidates import (
    CALENDAR,
    RECENT,
    month_sums,
    regression,
    same_day_last_week,
    same_month_last_year,
)
from edp_platform.analysis.demand.declared import (
    DemandModelInvalid,
    Forecasting,
    Profile,
    load_demand_model,
)
from edp_platform.analysis.demand.evaluation import (
    AS_SHOWN,
    as_known_then,
    choice,
    scores,
    words,
)
from edp_platform.analysis.demand.failure import DemandRefused
from edp_platform.analysis.demand.history import FORCE, History, daily_history
from edp_platform.analysis.demand.profile import hour_of_week
from edp_platform.analysis.demand.response import rank_bounds, response_times
from edp_platform.datasets import defs_root
from edp_platform.warehouse.manifest import dbt_project_folder

_SETTINGS = Forecasting(
    horizon_days=28,
    horizon_months=3,
    fewest_training_months=12,
    origins=12,
    fewest_origins=2,
    fewest_points=40,
    half_life_days=56,
)
_DECLARED = defs_root() / "demand" / "demand_model.yaml"
_MODELS = dbt_project_folder() / "models" / "marts" / "demand"


def _history(calls: np.ndarray, first: date = date(2023, 1, 1)) -> History:
    """Return a history of grade I in boroughs A, B … and their sum."""
    areas = [chr(ord("A") + at) for at in range(calls.shape[1])]
    grid = np.concatenate([calls, calls.sum(axis=1, keepdims=True)], axis=1)
    names = [f"Borough {one}" for one in areas]
    return History(
        first,
        grid[:, None, :].astype(float),
        ("I",),
        (*areas, FORCE),
        (*names, "All boroughs"),
    )


@cache
def _noisy() -> History:
    """Sixteen months of three boroughs: weekdays, a season, and chance."""
    random = np.random.default_rng(3)
    days = np.arange(486)
    week = np.array([1.0, 0.9, 0.9, 1.0, 1.3, 1.5, 1.0])[days % 7]
    season = 1 + 0.2 * np.sin(2 * np.pi * days / 365.25)
    mean = np.outer(week * season, [2.0, 6.0, 12.0])
    return _history(random.poisson(mean))


def _rows(history: History) -> pl.DataFrame:
    """Return a history as rows of calls_by_day_and_hour, all calls at noon."""
    days, _, areas = history.calls.shape
    return pl.DataFrame(
        [
            (
                day.replace(day=1),
                day,
                day.isoweekday(),
                12,
                history.areas[area],
                history.names[area],
                "I",
                int(history.calls[number, 0, area]),
            )
            for number in range(days)
            for area in range(areas - 1)
            if history.calls[number, 0, area] and (day := _day(history, number))
        ],
        schema={
            "month": pl.Date,
            "call_date": pl.Date,
            "day_of_week": pl.Int32,
            "hour_of_day": pl.Int32,
            "borough_code": pl.String,
            "borough": pl.String,
            "grade": pl.String,
            "calls": pl.Int32,
        },
        orient="row",
    )


def _day(history: History, number: int) -> date:
    return history.first + timedelta(days=number)


def test_the_grid_holds_whole_months_and_noughts() -> None:
    whole = _noisy()
    rows = _rows(whole)
    begun = pl.concat(
        [rows, rows.filter(pl.col("call_date") == date(2023, 1, 1)).with_columns(
            month=pl.lit(date(2024, 5, 1)), call_date=pl.lit(date(2024, 5, 1))
        )]
    )  # fmt: skip
    found = daily_history(begun)
    assert (found.first, found.last) == (date(2023, 1, 1), date(2024, 4, 30))
    np.testing.assert_array_equal(found.calls, whole.calls)
    # A month that is not held ends the run: nothing is taken for a month of noughts.
    gap = rows.filter(pl.col("month") != date(2023, 7, 1))
    assert daily_history(gap).first == date(2023, 8, 1)
    with pytest.raises(DemandRefused, match="Land whole months"):
        daily_history(rows.filter(pl.col("call_date").dt.day() < 20))


def test_naives_repeat_the_season() -> None:
    days = np.arange(10)[:, None]
    assert same_day_last_week(days, 9)[:, 0].tolist() == [3, 4, 5, 6, 7, 8, 9, 3, 4]
    months = np.arange(14)[:, None]
    assert same_month_last_year(months, 3)[:, 0].tolist() == [2, 3, 4]
    starts, sums = month_sums(np.ones((70, 1)), date(2024, 1, 1))
    # The eleven days of March are no month yet.
    assert starts == [date(2024, 1, 1), date(2024, 2, 1)]
    assert sums[:, 0].tolist() == [31, 29]


@pytest.mark.parametrize("model", [CALENDAR, RECENT])
def test_one_fit_to_the_sum_is_the_joint_fit_of_all_boroughs(model: str) -> None:
    """Against statsmodels with an effect for each borough, fitted to all at once."""
    import statsmodels.api as sm

    history = _noisy()
    known, ahead = 400, 20
    found = regression(model, history.calls[:known], history.first, ahead, 56)
    number = np.arange(known + ahead)
    weekday = (number + history.first.weekday()) % 7
    columns = [weekday == one for one in range(1, 7)]
    if model == CALENDAR:
        angle = 2 * np.pi * (number + 1) / 365.25
        columns += [np.sin(angle), np.cos(angle)]
        columns += [np.minimum(number, known - 1) / 365.25]
    calendar = np.column_stack([np.asarray(one, dtype=float) for one in columns])
    design = np.concatenate(
        [
            np.column_stack([np.tile(np.eye(3)[area], (len(number), 1)), calendar])
            for area in range(3)
        ]
    )
    is_known = np.tile(number < known, 3)
    weights = 0.5 ** ((known - 1 - number[:known]) / 56) if model == RECENT else None
    fit = sm.GLM(
        history.calls[:known, 0, :3].T.ravel(),
        design[is_known],
        family=sm.families.Poisson(),
        freq_weights=None if weights is None else np.tile(weights, 3),
    ).fit()
    joint = np.exp(design[~is_known] @ fit.params).reshape(3, ahead).T
    np.testing.assert_allclose(found.mean[:, 0, :3], joint, rtol=1e-4)
    np.testing.assert_allclose(found.mean[:, 0, 3], joint.sum(axis=1), rtol=1e-4)
    assert (found.dispersion >= 1).all()


def test_what_never_happened_is_expected_never() -> None:
    calls = np.zeros((400, 2))
    calls[:, 0] = 3
    found = regression(RECENT, _history(calls).calls, date(2023, 1, 1), 10, 56)
    np.testing.assert_allclose(found.mean[:, 0, 0], 3, rtol=1e-6)
    assert found.mean[:, 0, 1].max() == 0
    nothing = regression(CALENDAR, np.zeros((400, 1, 2)), date(2023, 1, 1), 10, 56)
    assert nothing.mean.max() == 0


def test_quantiles_are_those_of_the_negative_binomial() -> None:
    from scipy import stats

    mean, spread = np.array([0.0, 0.3, 4.0, 90.0]), np.array([1.0, 1.0, 1.0, 3.0])
    found = count_quantiles(mean, spread, 0.9)
    # Variance three times the mean: n = mean / 2, p = 1 / 3.
    wide = stats.nbinom(45, 1 / 3)
    assert wide.var() == pytest.approx(270)
    assert found.tolist() == [0, 1, stats.poisson(4).ppf(0.9), wide.ppf(0.9)]


def _points(actual: np.ndarray, origin: date = date(2024, 1, 1)) -> pl.DataFrame:
    """Return forecasts of 10 with bounds that are far too narrow."""
    return pl.DataFrame(
        {
            "actual": actual,
            "mean": 10.0,
            "scale": 2.0,
            "own_025": 9.0,
            "own_10": 9.0,
            "own_90": 11.0,
            "own_975": 11.0,
        }
    ).with_columns(by=pl.lit("x"), origin=pl.lit(origin))


def test_bounds_move_by_the_rank_that_the_theorem_names() -> None:
    # Of nine the ceil(10 x 0.9) = ninth: the largest, 20, is 4.5 scales above 11.
    nine = _points(np.array([8, 9, 10, 10, 10, 11, 12, 13, 20.0]))
    moves = corrections(nine, ["by"], 9).row(0, named=True)
    assert moves["move_own_90"] == pytest.approx(4.5)
    assert moves["move_own_10"] == pytest.approx(0.5)
    assert moves["move_own_975"] == pytest.approx(4.5)
    # Bounds that were too wide come nearer, unless so few points say it.
    wide = nine.with_columns(own_90=pl.lit(30.0))
    assert corrections(wide, ["by"], 9)["move_own_90"][0] == pytest.approx(-5)
    assert corrections(wide, ["by"], 10)["move_own_90"][0] == 0
    told = calibrated(nine, corrections(nine, ["by"], 9), ["by"])
    assert told.select("lower_80", "upper_80", "lower_95", "upper_95").row(0) == (
        8, 20, 8, 20,
    )  # fmt: skip


@settings(max_examples=15, deadline=None, derandomize=True)
@given(spread=st.floats(0.5, 9), seed=st.integers(0, 999))
def test_corrected_bounds_hold_what_they_promise(spread: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    counts = np.maximum(np.round(random.normal(30, spread, 4000)), 0)
    seen, new = _points(counts[:2000]), _points(counts[2000:])
    told = calibrated(new, corrections(seen, ["by"], 40), ["by"])
    for level in (80, 95):
        held = told["actual"].is_between(told[f"lower_{level}"], told[f"upper_{level}"])
        # Whole numbers hold a little more; chance takes at most three points.
        assert held.mean() * 100 > level - 3  # type: ignore[operator]
    assert (told["lower_95"] <= told["lower_80"]).all()
    assert (told["upper_80"] <= told["upper_95"]).all()


def test_no_origin_knows_what_came_after_it() -> None:
    history = _noisy()
    known = origins(history, _SETTINGS)
    assert [_day(history, days) for days in known] == [
        date(2024, 1, 1),
        date(2024, 2, 1),
        date(2024, 3, 1),
        date(2024, 4, 1),
    ]
    changed = history.calls.copy()
    changed[known[2] :] *= 7
    other = History(
        history.first, changed, history.grades, history.areas, history.names
    )
    before, after = (
        as_known_then(rolling_origin(one, _SETTINGS), 2, 40)
        .filter(pl.col("origin") <= _day(history, known[2] - 1))
        .drop("actual")
        .sort("period", "model", "origin", "date", "area")
        for one in (history, other)
    )
    assert before.height > 0
    assert before.equals(after)


def test_a_model_is_shown_where_it_beat_the_naive() -> None:
    tried = rolling_origin(_noisy(), _SETTINGS)
    chosen = choice(tried, 2)
    day = chosen.filter(period="day", scope="boroughs").row(0, named=True)
    assert day["model"] in (CALENDAR, RECENT)
    assert 0 < day["skill"] < 1
    # Chance alone: the naive's errors have twice the variance, 1 - 1 / root 2 = 0.29.
    assert day["skill"] == pytest.approx(0.27, abs=0.06)
    measured = scores(as_known_then(tried, 2, 40))
    told = words(chosen, measured, 2)
    said = told.filter(period="day", scope="boroughs")["words"][0]
    assert said.startswith(f"Shown: {day['model']}. Over 4 origins its error was ")
    assert "80 % bounds held" in said
    whole = measured.filter(
        period="day", model=AS_SHOWN, fold="all", area_code="boroughs"
    ).row(0, named=True)
    assert whole["forecasts"] == 4 * 28 * 3
    assert 75 < whole["coverage_80"] < 95
    assert whole["coverage_95"] > 90
    # With too few origins nothing is claimed.
    few = words(choice(tried, 5), measured, 5)["words"]
    assert all("too few to know" in one for one in few)
    assert set(choice(tried, 5)["model"]) == {DAY_NAIVE, MONTH_NAIVE}


def test_the_naive_is_shown_where_no_model_is_better() -> None:
    # Borough B comes on another weekday each: no common weekday tells both.
    days = np.arange(486)
    calls = np.stack([(days % 7 == 1) * 9, (days % 7 == 4) * 5], axis=1)
    tried = rolling_origin(_history(calls), _SETTINGS)
    chosen = choice(tried, 2)
    day = chosen.filter(period="day", scope="boroughs").row(0, named=True)
    assert (day["model"], day["skill"]) == (DAY_NAIVE, 0.0)
    told = words(chosen, scores(as_known_then(tried, 2, 40)), 2)
    said = told.filter(period="day", scope="boroughs")["words"][0]
    assert said.startswith("Shown: the same day last week. No model was better")


def test_errors_are_those_worked_out_by_hand() -> None:
    points = pl.DataFrame(
        {
            "period": ["day"] * 4,
            "grade": ["I"] * 4,
            "scope": ["boroughs"] * 4,
            "area": ["A"] * 4,
            "model": [CALENDAR, CALENDAR, DAY_NAIVE, DAY_NAIVE],
            "mean": [4.0, 6.0, 3.0, 9.0],
            "actual": [5.0, 9.0, 5.0, 9.0],
            "season_error": [2.0] * 4,
            "origin": [date(2024, 1, 31)] * 4,
            "lower_80": [2.0] * 4,
            "upper_80": [6.0] * 4,
            "lower_95": [1.0] * 4,
            "upper_95": [9.0] * 4,
            **{name: [5.0] * 4 for name in OWN.values()},
        }
    )
    found = scores(points).filter(model=CALENDAR, fold="all", area_code="A")
    one = found.row(0, named=True)
    assert one["mean_absolute_error"] == 2.0
    assert one["root_mean_squared_error"] == pytest.approx(5**0.5)
    assert one["mase"] == 1.0
    assert one["skill"] == pytest.approx(1 - 5**0.5 / 2**0.5)
    assert (one["coverage_80"], one["coverage_95"]) == (50.0, 100.0)
    assert (one["own_coverage_80"], one["own_coverage_95"]) == (50.0, 50.0)
    # Koenker and Bassett: by count (0.1 x 3 + 0.1 x 1 + 0.025 x 4 + 0.025 x 4) / 4 and
    # (0.1 x 7 + 0.9 x 3 + 0.025 x 8 + 0) / 4.
    assert one["pinball_loss"] == pytest.approx((0.6 / 4 + 3.6 / 4) / 2)


def test_hours_that_come_twice_or_never_bend_nothing() -> None:
    # Four weeks to the end of October 2024, one call in every hour by the clock.
    moments = pl.datetime_range(
        date(2024, 9, 30), date(2024, 11, 2), "1h", time_zone="UTC", eager=True
    ).dt.convert_time_zone("Europe/London")
    calls = (
        pl.DataFrame({"moment": moments})
        .select(
            call_date=pl.col("moment").dt.date(),
            day_of_week=pl.col("moment").dt.weekday().cast(pl.Int32),
            hour_of_day=pl.col("moment").dt.hour().cast(pl.Int32),
            borough_code=pl.lit("A"),
            borough=pl.lit("Borough A"),
            grade=pl.lit("I"),
        )
        .filter(pl.col("call_date").dt.month() == 10)
        .group_by(pl.all())
        .agg(calls=pl.len().cast(pl.Int32))
        .with_columns(month=pl.lit(date(2024, 10, 1)))
    )
    history = daily_history(calls)
    assert history.days == 31
    found = hour_of_week(calls, history, Profile(days=28, prior_calls=10))
    sunday = found.filter(area="A", day_of_week=7, hour_of_day=1).row(0, named=True)
    assert (sunday["calls"], sunday["weeks"]) == (5, 5)
    by_area = found.group_by("area").agg(pl.col("share_of_week").sum())
    assert by_area["share_of_week"].to_list() == pytest.approx([1, 1])
    assert found["share_of_week"].to_list() == pytest.approx([1 / 168] * 336)
    assert found["share_of_day"].to_list() == pytest.approx([1 / 24] * 336)


def _times(**ending: int) -> pl.DataFrame:
    rows = [
        ("reached", 10, ending.get("in_ten", 0)),
        ("reached", 20, ending.get("in_twenty", 0)),
        ("sent, no arrival recorded", None, ending.get("lost", 0)),
        ("nobody sent", None, ending.get("nobody", 0)),
    ]
    return pl.DataFrame(
        rows, schema=["ending", "within_minutes", "calls"], orient="row"
    ).select(
        month=pl.lit(date(2024, 1, 1)),
        borough_code=pl.lit("A"),
        borough=pl.lit("Borough A"),
        grade=pl.lit("I"),
        stage=pl.lit("call to arrival"),
        ending="ending",
        within_minutes="within_minutes",
        calls="calls",
    )


def test_ranks_of_the_median_are_those_of_the_published_table() -> None:
    """Campbell and Gardner (1988): of 100 values, the 40th and the 61st."""
    found = pl.DataFrame({"n": [100, 5]}).select(
        one.alias(side)
        for side, one in zip("lu", rank_bounds(pl.col("n"), 0.5), strict=True)
    )
    assert found.row(0) == (40, 61)
    # Of five no value bounds it with 95 %.
    assert found.row(1) == (None, None)


def test_calls_that_nobody_reached_are_in_the_figures() -> None:
    made = response_times(
        _times(in_ten=60, in_twenty=20, lost=15, nobody=5), load_demand_model()
    )
    one = made.filter(borough_code="A").row(0, named=True)
    assert (one["calls"], one["reached"], one["sent_without_arrival"]) == (100, 80, 15)
    assert one["nobody_sent"] == 5
    assert one["percent_in_target"] == 75.0
    assert one["percent_in_target_of_all"] == 60.0
    # Wilson (1927) for 60 of 100, as statsmodels has it: 50.2 to 69.1.
    from statsmodels.stats.proportion import proportion_confint

    ends = [one[f"percent_in_target_of_all_{side}"] for side in ("lower", "upper")]
    assert ends == pytest.approx(
        [100 * end for end in proportion_confint(60, 100, method="wilson")]
    )
    assert (one["median_minutes"], one["p90_minutes"]) == (10, 20)
    # A tenth of all was never reached, so nobody can say by when nine in ten were.
    assert (one["median_minutes_of_all"], one["p90_minutes_of_all"]) == (10, None)
    assert made.filter(borough_code="all").height == 1


def test_marts_are_there_with_all_columns_and_no_rows_without_calls() -> None:
    """And the columns are those that the models of dbt declare."""
    calls = _rows(_noisy()).with_columns(despatched="calls", hours_on_clock=pl.lit(1))
    times = _times(in_ten=3).with_columns(total_seconds=pl.lit(1800))
    made_on = date(2024, 5, 20)
    full = mart.demand_forecast(calls, made_on)
    hours = mart.demand_hour_of_week(calls)
    service = times.with_columns(stage=pl.lit("despatch to close"))
    travel = times.with_columns(stage=pl.lit("despatch to arrival"))
    every = pl.concat([service, travel])
    made = {
        "demand_forecast": (full, mart.demand_forecast(calls.clear(), made_on)),
        "demand_hour_of_week": (hours, mart.demand_hour_of_week(calls.clear())),
        "forecast_evaluation": (
            mart.forecast_evaluation(calls),
            mart.forecast_evaluation(calls.clear()),
        ),
        "staffing_by_shift": (
            mart.staffing_by_shift(full, hours, every, calls),
            mart.staffing_by_shift(
                full.clear(), hours.clear(), every.clear(), calls.clear()
            ),
        ),
        "response_times_by_month": (
            mart.response_times_by_month(times),
            mart.response_times_by_month(times.clear()),
        ),
    }
    for name, (rows, none) in made.items():
        declared = yaml.safe_load((_MODELS / f"{name}.yml").read_text())["models"][0]
        columns = {one["name"] for one in declared["columns"]}
        assert set(rows.columns) == set(none.columns) == columns, name
        assert rows.height > 0, name
        assert none.height == 0, name
        key = declared["data_tests"][0]["primary_key"]["arguments"]["columns"]
        assert not rows.select(key).is_duplicated().any(), name
        assert not any(rows.select(key).null_count().row(0)), name
    assert full["date"].min() == date(2024, 5, 1)
    assert full.filter(period="day")["date"].n_unique() == 28
    assert full.filter(period="month")["date"].n_unique() == 3
    short = mart.demand_forecast(
        calls.filter(pl.col("call_date") < date(2023, 6, 1)), made_on
    )
    # Five months: nothing can be tried, and no month of last year is held.
    assert set(short["model"]) == {DAY_NAIVE}
    assert "too little history" in short["words"][0]


def test_expected_sums_of_months_are_those_of_days() -> None:
    history = _noisy()
    made = expected(history, history.days, _SETTINGS).filter(area="A", model=RECENT)
    days = made.filter(period="day")["mean"].sum()
    may = made.filter(period="month", date=date(2024, 5, 1))["mean"][0]
    # May has three days more than the 28.
    assert days < may < days * 31 / 28 * 1.1


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ("[0.45, 0.40, 0.15]", "[0.45, 0.40, 0.05]", "add up to 0.9, not 1"),
        ("begins: 23, ends: 7", "begins: 23, ends: 6", "each hour of the day once"),
        ("origins: 12 ", "orgins: 12 ", "orgins"),
    ],
)
def test_a_model_that_contradicts_itself_is_refused(
    written: str, instead: str, said: str, tmp_path: Path
) -> None:
    text = _DECLARED.read_text()
    assert written in text
    copy = tmp_path / "demand_model.yaml"
    copy.write_text(text)
    assert load_demand_model(copy).target("R") is None
    copy.write_text(text.replace(written, instead))
    with pytest.raises(DemandModelInvalid, match=said):
        load_demand_model(copy)
