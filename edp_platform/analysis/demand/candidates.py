"""Ways to forecast: two naive ones, and regressions that must beat them.

The regressions share the effects of the calendar over all boroughs of a grade and give
each borough its own level. For Poisson counts with a log link on a whole grid of days and
boroughs the estimates of that joint model are those of a fit to the sum over boroughs,
times each borough's share of all calls (the margins are sufficient: McCullagh and Nelder
1989, "Generalized Linear Models", 6.4), so one small fit a grade serves every borough.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

DAY_NAIVE = "same day last week"
MONTH_NAIVE = "same month last year"
CALENDAR = "weekday and season"
RECENT = "recent weekdays"
#: The regressions, in the order in which they are named.
MODELS = (CALENDAR, RECENT)

_YEAR_DAYS = 365.25
_WEEK = 7
#: With this much the year is told by two waves; with a year by one; with less by none.
_TWO_WAVES_DAYS = 730
_ONE_WAVE_DAYS = 365
#: A call counts this little at least, so that a quiet week is no certainty of nothing.
_LEAST_MEAN = 1e-6


@dataclass(frozen=True)
class Expected:
    """What one way expects.

    Attributes:
        mean: Shape (days, grades, areas).
        dispersion: Shape (grades, areas): variance over mean, at least 1.
    """

    mean: np.ndarray
    dispersion: np.ndarray


def same_day_last_week(calls: np.ndarray, ahead: int) -> np.ndarray:
    """Return the seasonal naive of days: each weekday as it last was.

    Source: Hyndman and Athanasopoulos (2021), "Forecasting: principles and practice", 3rd
    edition, 5.2.

    Args:
        calls: Shape (days, …), at least a week.
        ahead: Days ahead.
    """
    lag = np.arange(ahead) % _WEEK
    return calls[-_WEEK:][lag]


def month_sums(calls: np.ndarray, first: date) -> tuple[list[date], np.ndarray]:
    """Return whole months and their sums.

    Args:
        calls: Shape (days, …).
        first: The first day, of a month.

    Returns:
        First days of the months that are whole, and sums of shape (months, …).
    """
    starts = [
        day for day in range(len(calls)) if (first + timedelta(days=day)).day == 1
    ]
    if not starts or (first + timedelta(days=len(calls))).day != 1:
        starts = starts[:-1]
        ends = [*starts[1:], _end_of(first, starts[-1])] if starts else []
    else:
        ends = [*starts[1:], len(calls)]
    sums = [
        calls[start:end].sum(axis=0) for start, end in zip(starts, ends, strict=True)
    ]
    months = [first + timedelta(days=start) for start in starts]
    return months, np.asarray(sums).reshape(len(starts), *calls.shape[1:])


def _end_of(first: date, start: int) -> int:
    begun = first + timedelta(days=start)
    following = (begun + timedelta(days=32)).replace(day=1)
    return start + (following - begun).days


def same_month_last_year(months: np.ndarray, ahead: int) -> np.ndarray:
    """Return the seasonal naive of months: each as it was a year before.

    Args:
        months: Sums, shape (months, …), at least twelve.
        ahead: Months ahead, at most twelve.
    """
    return months[len(months) - 12 : len(months) - 12 + ahead]


def regression(
    model: str, calls: np.ndarray, first: date, ahead: int, half_life: int
) -> Expected:
    """Return what a Poisson regression on the calendar expects, day by day.

    Args:
        model: `CALENDAR` (weekday, waves of the year, a straight trend) or `RECENT`
            (weekday, days weighted by how long ago they were).
        calls: Shape (days, grades, areas); the last area is the sum of the others.
        first: The first day.
        ahead: Days ahead.
        half_life: Days after which a day counts half; of `RECENT` only.
    """
    days, grades, areas = calls.shape
    design = _design(model, days + ahead, first, days)
    age = np.arange(days)[::-1]
    weights = 0.5 ** (age / half_life) if model == RECENT else np.ones(days)
    mean = np.zeros((ahead, grades, areas))
    dispersion = np.ones((grades, areas))
    for grade in range(grades):
        of_all = calls[:, grade, -1]
        path = _fitted(of_all, design[:days], design, weights)
        if path is None:
            continue
        total = float(weights @ of_all)
        shares = weights @ calls[:, grade, :] / total
        mean[:, grade, :] = path[days:, None] * shares
        dispersion[grade] = _dispersion(
            calls[:, grade, :], path[:days, None] * shares, weights, design.shape[1]
        )
    return Expected(mean, dispersion)


def _design(model: str, days: int, first: date, known: int) -> np.ndarray:
    """Return one row a day: level, weekdays and, with season, waves and trend."""
    number = np.arange(days)
    weekday = (number + first.weekday()) % _WEEK
    columns = [np.ones(days), *(weekday == one for one in range(1, _WEEK))]
    if model == CALENDAR:
        waves = 2 if known >= _TWO_WAVES_DAYS else 1 if known >= _ONE_WAVE_DAYS else 0
        start = first.timetuple().tm_yday
        angle = 2 * np.pi * (number + start) / _YEAR_DAYS
        for wave in range(1, waves + 1):
            columns += [np.sin(wave * angle), np.cos(wave * angle)]
        # Scaled to be near one, and held at its last value: no trend goes on for ever.
        columns.append(np.minimum(number, known - 1) / _YEAR_DAYS)
    return np.column_stack([np.asarray(one, dtype=float) for one in columns])


def _fitted(
    counts: np.ndarray, known: np.ndarray, whole: np.ndarray, weights: np.ndarray
) -> np.ndarray | None:
    """Return the expected counts of all days; None where nothing was ever counted."""
    if not (weights @ counts) > 0:
        return None
    import statsmodels.api as sm

    with warnings.catch_warnings():
        # A weekday that never had a call makes its effect minus infinity: it is nought.
        warnings.simplefilter("ignore")
        fit = sm.GLM(
            counts, known, family=sm.families.Poisson(), freq_weights=weights
        ).fit(maxiter=50)
    effects = np.clip(whole @ fit.params, -30.0, 30.0)
    return np.maximum(np.exp(effects), _LEAST_MEAN)


def _dispersion(
    counts: np.ndarray, mean: np.ndarray, weights: np.ndarray, parameters: int
) -> np.ndarray:
    """Return variance over mean by Pearson's statistic (McCullagh and Nelder 1989)."""
    expected = np.maximum(mean, _LEAST_MEAN)
    effective = weights.sum() ** 2 / (weights**2).sum()
    squared = (weights[:, None] * (counts - expected) ** 2 / expected).sum(axis=0)
    spread = squared / weights.sum() * effective / max(effective - parameters, 1.0)
    # A borough with next to no calls has a statistic that says nothing.
    enough = counts.sum(axis=0) >= parameters
    return np.where(enough, np.maximum(spread, 1.0), 1.0)
