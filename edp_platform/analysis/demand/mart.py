"""The marts of demand: each a function from marts to a frame with its columns.

Where there is too little to make one of, the mart is there and has no rows: what others
build does not wait for calls.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from edp_platform.analysis.demand.backtest import NAIVE, expected, rolling_origin
from edp_platform.analysis.demand.bounds import calibrated, corrections
from edp_platform.analysis.demand.declared import DemandModel, load_demand_model
from edp_platform.analysis.demand.evaluation import (
    MOVES_BY,
    as_known_then,
    choice,
    scores,
    words,
)
from edp_platform.analysis.demand.failure import DemandRefused
from edp_platform.analysis.demand.history import History, daily_history
from edp_platform.analysis.demand.profile import hour_of_week
from edp_platform.analysis.demand.response import response_times
from edp_platform.analysis.demand.staffing import staffing

_BOUNDS = ["lower_80", "upper_80", "lower_95", "upper_95"]
_SHOWN = ["period", "grade", "scope"]
_AREA = ("borough_code", "borough")
_HOURS = (
    *_AREA,
    *("grade", "day_of_week", "hour_of_day", "calls", "weeks"),
    *("share_of_week", "share_of_day", "calls_per_hour"),
)
_FORECAST = (
    *("period", "date", *_AREA, "grade", "forecast", *_BOUNDS),
    *("model", "words", "history_to", "made_on"),
)
_EVALUATION = (
    *("period", "grade", "model", "fold", "origin", "area_code", "borough"),
    *("forecasts", "mean_absolute_error", "root_mean_squared_error", "mase"),
    *("pinball_loss", "skill", "coverage_80", "coverage_95"),
    *("own_coverage_80", "own_coverage_95", "is_shown"),
)
_STAFFING = (
    *(*_AREA, "day_of_week", "shift", "begins_hour", "ends_hour"),
    *("calls_expected", "calls_upper_80", "car_hours_expected", "busiest_hour"),
    *("cars_needed", "cars_needed_upper_80"),
    *("officers_needed", "officers_needed_upper_80"),
    *("percent_without_wait", "mean_wait_minutes"),
    *("percent_reached_in_target", "percent_reached_if_nobody_waits"),
    *("target_minutes", "target_percent", "service_minutes", "cars_per_call"),
    *("cars_per_call_are_assumed", "forecast_from", "forecast_to", "words"),
)


def response_times_by_month(times: pl.DataFrame) -> pl.DataFrame:
    """Return `marts.response_times_by_month`; see `response.response_times`.

    Args:
        times: Rows of `marts.call_times_by_month`.
    """
    return response_times(times, load_demand_model())


def demand_hour_of_week(calls: pl.DataFrame) -> pl.DataFrame:
    """Return `marts.demand_hour_of_week`; see `profile.hour_of_week`.

    Args:
        calls: Rows of `marts.calls_by_day_and_hour`.
    """
    model = load_demand_model()
    history = _whole(calls)
    if history is None:
        return _no_rows(_HOURS)
    made = hour_of_week(calls, history, model.profile)
    return made.rename({"area": "borough_code", "name": "borough"}).select(_HOURS)


def demand_forecast(calls: pl.DataFrame, made_on: date) -> pl.DataFrame:
    """Return `marts.demand_forecast`: what is expected, by the way that did best.

    Args:
        calls: Rows of `marts.calls_by_day_and_hour`.
        made_on: The day it is made.

    Returns:
        period, date, borough_code (`all`: their sum, forecast by itself), borough, grade,
        forecast, bounds of 80 and 95 %, model, words, history_to, made_on.
    """
    model = load_demand_model()
    history = _whole(calls)
    if history is None:
        return _no_rows(_FORECAST)
    tried = rolling_origin(history, model.forecast)
    ahead = expected(history, history.days, model.forecast)
    fewest = model.forecast.fewest_origins
    if tried.is_empty():
        shown = _naive_alone(ahead)
        moves = pl.DataFrame(schema=_moves_schema())
    else:
        chosen = choice(tried, fewest)
        measured = scores(as_known_then(tried, fewest, model.forecast.fewest_points))
        shown = chosen.select(*_SHOWN, "model").join(
            words(chosen, measured, fewest), on=_SHOWN
        )
        moves = corrections(tried, MOVES_BY, model.forecast.fewest_points)
    names = pl.DataFrame({"area": history.areas, "borough": history.names})
    return (
        calibrated(ahead, moves, MOVES_BY)
        .join(shown, on=[*_SHOWN, "model"])
        .join(names, on="area")
        .rename({"area": "borough_code", "mean": "forecast"})
        .with_columns(history_to=pl.lit(history.last), made_on=pl.lit(made_on))
        .select(_FORECAST)
        .sort("period", "date", "borough_code", "grade")
    )


def forecast_evaluation(calls: pl.DataFrame) -> pl.DataFrame:
    """Return `marts.forecast_evaluation`; see `evaluation.scores`.

    Args:
        calls: Rows of `marts.calls_by_day_and_hour`.

    Returns:
        The scores, with `borough` and `is_shown`; no rows where there is too little
        history to try anything.
    """
    model = load_demand_model()
    history = _whole(calls)
    tried = None if history is None else rolling_origin(history, model.forecast)
    if history is None or tried is None or tried.is_empty():
        return _no_rows(_EVALUATION)
    return _scored(history, tried, model).select(_EVALUATION)


def _scored(history: History, tried: pl.DataFrame, model: DemandModel) -> pl.DataFrame:
    fewest = model.forecast.fewest_origins
    made = scores(as_known_then(tried, fewest, model.forecast.fewest_points))
    names = {
        **dict(zip(history.areas, history.names, strict=True)),
        "force": "All boroughs together",
        "boroughs": "Each borough by itself",
    }
    shown = choice(tried, fewest).select(*_SHOWN, "model", is_shown=pl.lit(True))
    scope = (
        pl.when(pl.col("area_code") == "force")
        .then(pl.lit("force"))
        .otherwise(pl.lit("boroughs"))
    )
    return (
        made.with_columns(
            borough=pl.col("area_code").replace_strict(names), scope=scope
        )
        .join(shown, on=[*_SHOWN, "model"], how="left")
        .with_columns(pl.col("is_shown").fill_null(False))
    )


def staffing_by_shift(
    forecast: pl.DataFrame,
    hours: pl.DataFrame,
    times: pl.DataFrame,
    calls: pl.DataFrame,
) -> pl.DataFrame:
    """Return `marts.staffing_by_shift`; see `staffing.staffing`.

    Args:
        forecast: Rows of `marts.demand_forecast`.
        hours: Rows of `marts.demand_hour_of_week`.
        times: Rows of `marts.call_times_by_month`.
        calls: Rows of `marts.calls_by_day_and_hour`.
    """
    try:
        made = staffing(forecast, hours, times, calls, load_demand_model())
    except DemandRefused:
        return _no_rows(_STAFFING)
    return made.select(_STAFFING)


def _whole(calls: pl.DataFrame) -> History | None:
    """Return the history; None where no month is whole."""
    try:
        return daily_history(calls)
    except DemandRefused:
        return None


def _no_rows(columns: tuple[str, ...]) -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))


def _naive_alone(ahead: pl.DataFrame) -> pl.DataFrame:
    naive = pl.col("period").replace_strict(NAIVE)
    return (
        ahead.select(*_SHOWN)
        .unique()
        .select(
            *_SHOWN,
            model=naive,
            words=pl.format(
                "Shown: the {}. There is too little history to try whether a model is "
                "better, and the bounds are untried.",
                naive,
            ),
        )
    )


def _moves_schema() -> dict[str, type[pl.DataType]]:
    from edp_platform.analysis.demand.bounds import OWN

    return {
        **dict.fromkeys(MOVES_BY, pl.String),
        **{f"move_{name}": pl.Float64 for name in OWN.values()},
    }
