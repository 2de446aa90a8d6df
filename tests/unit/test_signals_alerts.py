"""False alarms over many series: formulas against scipy, and the rate by simulation."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from benchmarks.false_alarms import (
    WORLDS,
    as_values,
    counts,
    p_values_of,
    settings_of,
    try_alarms,
)
from edp_platform.analysis.false_discovery import benjamini_hochberg
from edp_platform.analysis.signals.alerts import (
    ASKED_RATE,
    FALSE_DISCOVERY_RATE,
    variance_of_mean,
)
from edp_platform.analysis.signals.charting import Signals, points, signals
from edp_platform.analysis.signals.settings import SeriesSettings
from edp_platform.analysis.signals.states import _alerted, states
from edp_platform.analysis.signals.updating import updated


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(0, 5))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_discoveries_are_those_of_scipy(p: list[float], unknown: int) -> None:
    """Benjamini and Hochberg (1995), against scipy.stats.false_discovery_control."""
    from scipy.stats import false_discovery_control

    adjusted = benjamini_hochberg(np.array(p + [np.nan] * unknown))

    assert adjusted[: len(p)] == pytest.approx(false_discovery_control(p, method="bh"))
    assert np.isnan(adjusted[len(p) :]).all()
    assert not (adjusted[len(p) :] <= ASKED_RATE).any()


def test_the_variance_of_a_mean_of_correlated_periods_is_the_sum_over_all_pairs() -> (
    None
):
    for length in (1, 3, 12):
        for correlation in (0.0, 0.3, 0.8):
            places = np.arange(length)
            pairs = correlation ** np.abs(places[:, None] - places[None, :])
            (found,) = variance_of_mean(
                np.array([float(length)]), np.array([correlation])
            )
            assert found == pytest.approx(pairs.mean())


def _months(number: int) -> list[date]:
    return [date(2015 + i // 12, i % 12 + 1, 1) for i in range(number)]


def test_the_p_value_of_a_chart_is_students_t_of_a_prediction() -> None:
    """Hahn and Meeker (1991), 4.7; window by window with scipy's t."""
    from scipy import stats

    # Turns from month to month, so that no correlation is taken into account.
    one = [50 + 3 * (-1) ** i + (i * 7 % 5) for i in range(40)] + [59.0, 60.0, 61.0]
    frame = pl.DataFrame(
        {
            "measure": "m",
            "area_kind": "force",
            "area_code": "A",
            "month": _months(43),
            "value": [float(x) for x in one],
            "completeness": "complete",
        }
    )
    state = signals(frame, {"m": SeriesSettings()}).series.row(0, named=True)

    reference, smallest = np.array(one[:-12]), {}
    for window in (1, 3, 7, 12):
        error = reference.std(ddof=1) * np.sqrt(1 / window + 1 / reference.size)
        t = abs(np.mean(one[-window:]) - reference.mean()) / error
        smallest[window] = 2 * stats.t.sf(t, reference.size - 1)
    best = min(smallest, key=lambda window: smallest[window])
    assert state["p_value"] == pytest.approx(4 * smallest[best])
    assert (state["window"], state["is_alert"]) == (best, True)
    change = np.mean(one[-best:]) / reference.mean() - 1
    assert state["change"] == pytest.approx(change)
    told = f"The last {best} periods together are {change:.0%} higher"
    assert told.replace("%", " %") in state["words"]


def test_p_values_of_series_without_change_are_as_rare_as_they_say() -> None:
    """4,500 series: counts of 0.4 to 400 a month, seasonal, correlated both ways.

    At most 0.5 % may have p ≤ 0.005; the margin is three standard errors of as many
    independent ones. Alerts a month of 300 such series: docs/signals.md.
    """
    made, _ = counts(WORLDS["and across areas"], worlds=15, seed=11)
    p, _ = p_values_of(made, season=0.15)

    assert p.shape == (15, 300) and not np.isnan(p).any()
    assert (p <= 0.005).mean() <= 0.005 + 3 * np.sqrt(0.005 / p.size)
    assert (p <= 0.05).mean() <= 0.05
    assert (p <= 0.05).mean() > 0.005  # and they are not all 1
    months_with_alerts = np.mean(
        [(benjamini_hochberg(one) <= ASKED_RATE).any() for one in p]
    )
    # One month in ten, and two standard errors of 15 months.
    assert months_with_alerts <= FALSE_DISCOVERY_RATE + 2 * np.sqrt(0.09 / 15)


def test_planted_changes_are_found_and_one_alert_in_ten_is_false_at_most() -> None:
    """40 % in a tenth of the series, half a year ago; margin: two standard errors."""
    alarms = try_alarms(WORLDS["and across areas"], 12, seed=3, change=-0.4, since=6)

    assert alarms.found > 0.4
    assert alarms.false_rate <= FALSE_DISCOVERY_RATE + 2 * 0.08 / np.sqrt(12)


def test_one_changed_measure_is_computed_anew_and_the_rest_carried_over() -> None:
    made, _ = counts(WORLDS["and across areas"], worlds=1, seed=2)
    frame, declared = as_values(made), dict(settings_of(made, 0.15))
    newest = pl.col("month") == frame["month"].max()
    landed = newest & (pl.col("measure") == "m3")
    before = signals(frame.filter(~landed), declared)
    # What must not be computed again is marked, and the mark must survive.
    mark = pl.lit(-1.0).alias("factor_error")
    marked = Signals(
        before.points.with_columns(mark),
        before.series.with_columns(pl.lit(1.0).alias("p_value")),
    )

    after = updated(marked, frame, declared, declared)

    whole = signals(frame, declared)
    is_new = pl.col("measure") == "m3"
    assert_frame_equal(after.points.filter(is_new), whole.points.filter(is_new))
    assert set(after.points.filter(~is_new)["factor_error"]) == {-1.0}
    marks = after.points.drop("factor_error"), whole.points.drop("factor_error")
    assert_frame_equal(*marks)
    judged = after.series.filter(is_new), whole.series.filter(is_new)
    assert_frame_equal(*(one.select("p_value", "window") for one in judged))
    assert set(after.series.filter(~is_new)["p_value"]) == {1.0}
    same = updated(before, frame, declared, declared)
    assert_frame_equal(same.series, whole.series)

    # A measure that is declared otherwise is another one, and a row gone is a change.
    other = declared | {"m5": SeriesSettings(better="higher", lowest=0.0)}
    fewer = frame.filter((pl.col("measure") != "m0") | (pl.col("area_code") != "A1"))
    both, anew = updated(before, fewer, other, declared), signals(fewer, other)
    assert_frame_equal(both.points, anew.points)
    assert_frame_equal(both.series, anew.series)
    # Nothing changed at all: nothing is computed.
    idle = updated(marked, frame.filter(~landed), declared, declared)
    assert idle.points.equals(marked.points)


def test_a_series_that_stopped_is_not_watched() -> None:
    frame = pl.concat(
        pl.DataFrame(
            {
                "measure": "m",
                "area_kind": "ward",
                "area_code": area,
                "month": _months(number),
                "value": [5.0, 7.0] * (number // 2 - 1) + [50.0, 60.0],
                "completeness": "complete",
            }
        )
        for area, number in (("abolished", 30), ("kept", 40))
    )
    settings_ = {"m": SeriesSettings(better="lower")}
    told = states(points(frame, settings_), settings_)

    assert told["is_watched"].to_list() == [False, True]
    assert told["is_alert"].to_list() == [False, True]


def test_a_force_is_not_lost_among_its_wards() -> None:
    """Each kind of area has the same share: 0.0005 of 3,001 series is an alert."""

    def decided(force: float) -> pl.Series:
        wards = 3000
        frame = pl.DataFrame(
            {
                "area_kind": ["force", *["ward"] * wards],
                "p_value": [force, *np.linspace(0.02, 1, wards)],
            }
        ).with_columns(
            pl.lit("xmr").alias("chart"),
            pl.lit(date(2026, 1, 1)).alias("month"),
            pl.lit(0).alias("group"),
            pl.lit(False).alias("is_trial"),
            pl.lit(0.6).alias("change"),
            pl.lit(None, pl.Float64).alias("target"),
            pl.lit(None, pl.String).alias("assurance"),
            pl.lit(0, pl.Int8).alias("direction"),
        )
        return _alerted(frame)["is_alert"]

    assert decided(0.0005).to_list() == [True, *[False] * 3000]
    assert not decided(0.08).any()
