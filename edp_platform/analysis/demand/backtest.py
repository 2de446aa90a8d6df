"""Forecasts tried on days that they had not seen, from one month end after another.

Rolling origin: at each of the latest month ends every way to forecast sees what was known
then and nothing later (Tashman 2000, "Out-of-sample tests of forecasting accuracy",
International Journal of Forecasting 16(4), 437-450).
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from edp_platform.analysis.demand.bounds import OWN, count_quantiles, scale_of
from edp_platform.analysis.demand.candidates import (
    DAY_NAIVE,
    MODELS,
    MONTH_NAIVE,
    month_sums,
    regression,
    same_day_last_week,
    same_month_last_year,
)
from edp_platform.analysis.demand.declared import Forecasting
from edp_platform.analysis.demand.history import FORCE, History

DAY, MONTH = "day", "month"
NAIVE = {DAY: DAY_NAIVE, MONTH: MONTH_NAIVE}
#: What errors are compared over: the sum over boroughs, or the boroughs one by one.
FORCE_SCOPE, BOROUGHS_SCOPE = "force", "boroughs"
_NAIVE_WEEKS = 8


def origins(history: History, settings: Forecasting) -> list[int]:
    """Return from how many days of history forecasts are tried, in order.

    The latest month ends with enough months before them and something to compare with
    after them.
    """
    ends = history.month_ends
    usable = [
        days
        for months, days in enumerate(ends, 1)
        if months >= settings.fewest_training_months and days < history.days
    ]
    return usable[-settings.origins :]


def rolling_origin(history: History, settings: Forecasting) -> pl.DataFrame:
    """Return every held-out forecast of every way, beside what came.

    Returns:
        Columns of `expected`, and `origin` (last day known), `actual`, `season_error`
        (mean absolute seasonal-naive error within what was known: the scale of MASE;
        null where it cannot be had or is 0).
    """
    frames = []
    for known in origins(history, settings):
        past = history.calls[:known]
        after = history.calls[known:]
        found = expected(history, known, settings)
        origin = history.first + timedelta(days=known - 1)
        scale = _season_error(history, past)
        actual = _actuals(history, after, known, settings)
        frames.append(
            found.join(actual, on=["period", "date", "grade", "area"])
            .join(scale, on=["period", "grade", "area"])
            .with_columns(origin=pl.lit(origin))
        )
    return pl.concat(frames) if frames else pl.DataFrame()


def expected(history: History, known: int, settings: Forecasting) -> pl.DataFrame:
    """Return what every way expects after the first `known` days.

    Returns:
        period (`day`, `month`), model, date (first day of the month for months), grade,
        area, scope, mean, scale and the model's own bounds (columns of `OWN`).
    """
    past = history.calls[:known]
    begins = history.first + timedelta(days=known)
    months = _months_from(begins, settings.horizon_months)
    ahead = max((months[-1][1] - begins).days, settings.horizon_days)
    dates = [begins + timedelta(days=day) for day in range(settings.horizon_days)]
    firsts = [month for month, _ in months]
    frames = []
    for model in MODELS:
        path = regression(model, past, history.first, ahead, settings.half_life_days)
        days = path.mean[: settings.horizon_days]
        frames.append(_frame(history, DAY, model, dates, days, path.dispersion, None))
        sums = np.stack(
            [
                path.mean[(month - begins).days : (end - begins).days].sum(axis=0)
                for month, end in months
            ]
        )
        frames.append(
            _frame(history, MONTH, model, firsts, sums, path.dispersion, None)
        )
    naive = same_day_last_week(past, settings.horizon_days)
    level = past[-7 * _NAIVE_WEEKS :].mean(axis=0)
    frames.append(
        _frame(history, DAY, DAY_NAIVE, dates, naive, _naive_spread(past, 7), level)
    )
    _, held = month_sums(past, history.first)
    if len(held) >= 12:
        last_year = same_month_last_year(held, settings.horizon_months)
        level = held[-12:].mean(axis=0)
        spread = _naive_spread(held, 1)
        frames.append(
            _frame(history, MONTH, MONTH_NAIVE, firsts, last_year, spread, level)
        )
    return pl.concat(frames)


def _months_from(begins: date, count: int) -> list[tuple[date, date]]:
    """Return first days of months and of the months after them."""
    found = []
    month = begins
    for _ in range(count):
        following = (month.replace(day=1) + timedelta(days=32)).replace(day=1)
        found.append((month, following))
        month = following
    return found


def _naive_spread(counts: np.ndarray, lag: int) -> np.ndarray:
    """Return the variance of differences over a season, over the mean; at least 2.

    The difference of two independent counts of one mean has twice the variance.
    """
    if len(counts) <= lag:
        return np.full(counts.shape[1:], 2.0)
    moved = counts[lag:] - counts[:-lag]
    mean = np.maximum(counts.mean(axis=0), 1e-9)
    return np.maximum((moved**2).mean(axis=0) / mean, 2.0)


def _frame(
    history: History,
    period: str,
    model: str,
    dates: list[date],
    mean: np.ndarray,
    dispersion: np.ndarray,
    level: np.ndarray | None,
) -> pl.DataFrame:
    """Return one way's forecast as rows; `level` gives a naive the spread of its past."""
    around = mean if level is None else np.broadcast_to(level, mean.shape)
    scale = scale_of(around, dispersion)
    if level is None:
        own = {
            name: count_quantiles(mean, dispersion, quantile)
            for quantile, name in OWN.items()
        }
    else:
        own = {
            name: np.maximum(np.round(mean + _normal(quantile) * scale), 0.0)
            for quantile, name in OWN.items()
        }
    count, grades, areas = mean.shape
    return pl.DataFrame(
        {
            "date": np.repeat(np.asarray(dates, dtype="datetime64[D]"), grades * areas),
            "grade": list(np.tile(np.repeat(history.grades, areas), count)),
            "area": list(np.tile(history.areas, count * grades)),
            "mean": mean.ravel(),
            "scale": scale.ravel(),
            **{name: values.ravel() for name, values in own.items()},
        }
    ).select(
        pl.lit(period).alias("period"),
        pl.lit(model).alias("model"),
        pl.col("date").cast(pl.Date),
        "grade",
        "area",
        pl.when(pl.col("area") == FORCE)
        .then(pl.lit(FORCE_SCOPE))
        .otherwise(pl.lit(BOROUGHS_SCOPE))
        .alias("scope"),
        "mean",
        "scale",
        *OWN.values(),
    )


def _normal(quantile: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(quantile))


def _actuals(
    history: History, after: np.ndarray, known: int, settings: Forecasting
) -> pl.DataFrame:
    begins = history.first + timedelta(days=known)
    days = after[: settings.horizon_days]
    dates = [begins + timedelta(days=day) for day in range(len(days))]
    months, sums = month_sums(after, begins)
    months = months[: settings.horizon_months]
    parts = [(DAY, dates, days), (MONTH, months, sums[: settings.horizon_months])]
    return pl.concat(
        _values(history, period, when, values, "actual")
        for period, when, values in parts
    )


def _values(
    history: History, period: str, dates: list[date], values: np.ndarray, name: str
) -> pl.DataFrame:
    count, grades, areas = values.shape
    return pl.DataFrame(
        {
            "date": np.repeat(np.asarray(dates, dtype="datetime64[D]"), grades * areas),
            "grade": list(np.tile(np.repeat(history.grades, areas), count)),
            "area": list(np.tile(history.areas, count * grades)),
            name: values.ravel(),
        }
    ).select(
        pl.lit(period).alias("period"),
        pl.col("date").cast(pl.Date),
        "grade",
        "area",
        name,
    )


def _season_error(history: History, past: np.ndarray) -> pl.DataFrame:
    """Return the scale of MASE (Hyndman and Koehler 2006) by period, grade and area."""
    _, months = month_sums(past, history.first)
    frames = []
    for period, counts, lag in ((DAY, past, 7), (MONTH, months, 12)):
        if len(counts) > lag:
            error = np.abs(counts[lag:] - counts[:-lag]).mean(axis=0)
        else:
            error = np.full(counts.shape[1:], np.nan)
        flat = pl.Series(error.ravel(), dtype=pl.Float64)
        grades, areas = error.shape
        frames.append(
            pl.DataFrame(
                {
                    "grade": list(np.repeat(history.grades, areas)),
                    "area": list(np.tile(history.areas, grades)),
                    "season_error": flat,
                }
            ).select(
                pl.lit(period).alias("period"),
                "grade",
                "area",
                pl.when(pl.col("season_error") > 0).then("season_error"),
            )
        )
    return pl.concat(frames).with_columns(pl.col("season_error").fill_nan(None))
