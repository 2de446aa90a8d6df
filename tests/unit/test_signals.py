"""The charts against a slow implementation of the published rules, and their laws."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edp_platform.analysis.signals.charting import points, signals
from edp_platform.analysis.signals.preparing import SignalsRefused
from edp_platform.analysis.signals.rare import exact_limits, time_between
from edp_platform.analysis.signals.settings import SeriesSettings
from edp_platform.analysis.signals.validity import (
    claims_without_trial,
    limits_across_breaks,
)

LIMITS = ("centre", "lower_limit", "upper_limit")
RULES = ("is_outside_limits", "is_shift", "is_trend", "is_two_of_three")
PLAIN = SeriesSettings(better="lower")
few = settings(max_examples=12, deadline=None, derandomize=True)


def months(number: int, start: date = date(2015, 1, 1), step: int = 1) -> list[date]:
    first = start.year * 12 + start.month - 1
    return [
        date((first + step * i) // 12, (first + step * i) % 12 + 1, 1)
        for i in range(number)
    ]


def values(series: dict[str, list[Any]], step: int = 1, **more: Any) -> pl.DataFrame:
    """Rows of measure_values: series by area, all complete unless told otherwise."""
    return pl.concat(
        pl.DataFrame(
            {
                "measure": "m",
                "area_kind": "borough",
                "area_code": area,
                "month": months(len(one), step=step),
                "value": pl.Series(one, dtype=pl.Float64, strict=False),
                "completeness": "complete",
            }
            | more
        )
        for area, one in series.items()
    )


def charted(one: list[Any], **kept: Any) -> pl.DataFrame:
    return points(values({"A": one}), {"m": SeriesSettings(better="lower", **kept)})


# XmR -----------------------------------------------------------------------------------


def test_the_published_example_with_its_outlier_screened() -> None:
    """4.60, 1.94, -0.72: governance.md 7, from NHSRplotthedots."""
    one = [1, 2, 1, 2, 10, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]

    point = charted(one).row(0, named=True)

    assert point["upper_limit"] == pytest.approx(4.60, abs=0.005)
    assert point["centre"] == pytest.approx(1.94, abs=0.005)
    assert point["lower_limit"] == pytest.approx(-0.72, abs=0.005)
    assert point["is_screened"]
    # Unscreened it would be 6.95 and -3.06: one month hides all others.
    ranges = np.abs(np.diff(one)).mean()
    assert np.mean(one) + 2.66 * ranges == pytest.approx(6.95, abs=0.005)
    assert np.mean(one) - 2.66 * ranges == pytest.approx(-3.06, abs=0.005)


def plotthedots(y: list[float]) -> list[dict[str, Any]]:
    """The rules point by point, as the text of NHSRplotthedots 0.2 has them.

    From `R/ptd_spc_standard.R` and `R/ptd_calculate_point_type.R`; written for this
    test, with a loop where the platform has expressions over all series.
    """
    mean = sum(y) / len(y)
    ranges = [abs(b - a) for a, b in pairwise(y)]
    average = sum(ranges) / len(ranges)
    kept = [one for one in ranges if one < 3.267 * average] or ranges
    reach = 2.66 * sum(kept) / len(kept)
    side = [(one > mean) - (one < mean) for one in y]
    outside = [abs(one - mean) > reach for one in y]
    close = [
        not out and abs(one - mean) > reach * 2 / 3
        for one, out in zip(y, outside, strict=True)
    ]
    shift, trend, pair = ([False] * len(y) for _ in range(3))
    for start in range(len(y) - 6):
        window = range(start, start + 7)
        if len({side[i] for i in window}) == 1 and side[start]:
            for i in window:
                shift[i] = True
        steps = [y[i + 1] - y[i] for i in window[:-1]]
        if all(one > 0 for one in steps) or all(one < 0 for one in steps):
            for i in window:
                trend[i] = True
    for start in range(len(y) - 2):
        window = range(start, start + 3)
        if abs(sum(side[i] for i in window)) == 3 and sum(close[i] for i in window) > 1:
            for i in window:
                pair[i] = pair[i] or close[i]
    return [
        {
            "centre": mean,
            "lower_limit": mean - reach,
            "upper_limit": mean + reach,
            "is_outside_limits": outside[i],
            "is_shift": shift[i],
            "is_trend": trend[i],
            "is_two_of_three": pair[i],
        }
        for i in range(len(y))
    ]


def test_every_rule_agrees_with_a_slow_implementation() -> None:
    random = np.random.default_rng(4)
    walks = np.cumsum(random.normal(0, 0.6, (40, 60)), axis=1)
    noise = random.normal(0, 1, (40, 60)) + random.integers(0, 5, (40, 60)) * 0.2
    made = {
        f"{kind}{i}": rows[i].round(2).tolist()
        for kind, rows in (("walk", walks), ("noise", noise), ("both", walks + noise))
        for i in range(40)
    }
    found = points(values(made), {"m": PLAIN}).select("area_code", *LIMITS, *RULES)

    expected = pl.concat(
        pl.DataFrame(plotthedots(one)).select(pl.lit(area).alias("area_code"), pl.all())
        for area, one in made.items()
    )
    # A point between segments of two series would show here: 120 of them meet.
    ours, theirs = (
        each.sort("area_code", maintain_order=True) for each in (found, expected)
    )
    assert ours.select("area_code", *RULES).equals(theirs.select("area_code", *RULES))
    for name in LIMITS:
        assert np.allclose(ours[name], theirs[name], rtol=1e-9, atol=1e-9)
    assert all(expected[name].sum() > 20 for name in RULES)  # each rule is tried


@pytest.mark.parametrize(
    ("one", "since", "variation"),
    [
        # NHSRplotthedots, test-ptd_calculate_point_type.R: seven rising, seven falling.
        ([*range(14), 13.5, 13, 12, 11, 10, 9, 8], 14, "improving"),
        ([5, 6] * 8 + [9, 9.5, 9, 9.6, 9, 9.5, 9], 16, "concerning"),
    ],
)
def test_the_newest_state_says_which_way_and_since_when(
    one: list[float], since: int, variation: str
) -> None:
    state = signals(values({"A": one}), {"m": PLAIN}).series.row(0, named=True)

    assert state["variation"] == variation
    if variation == "concerning":
        assert state["since"] == months(len(one))[since]
        assert f"{state['since']:%B %Y}" in state["words"]
    assert state["words"].endswith(
        "It says that something changed, not what caused it."
    )


@given(
    st.lists(st.integers(-50, 50), min_size=3, max_size=40),
    st.integers(-20, 20),
    st.integers(1, 9),
)
@few
def test_limits_hold_the_mean_and_move_with_the_series(
    one: list[int], shift: int, scale: int
) -> None:
    plain, moved = charted(one), charted([scale * x + shift for x in one])

    assert (plain["lower_limit"] <= plain["centre"]).all()
    assert (plain["centre"] <= plain["upper_limit"]).all()
    for name in LIMITS:
        assert np.allclose(moved[name], scale * plain[name] + shift, atol=1e-6)
    assert moved.select(RULES).equals(plain.select(RULES))


@given(st.lists(st.integers(0, 30), min_size=13, max_size=40), st.randoms())
@few
def test_order_of_rows_means_nothing_and_better_turns_good_to_bad(
    one: list[int], random: Any
) -> None:
    frame = values({"A": one, "B": one[::-1]})
    order = list(range(frame.height))
    random.shuffle(order)
    told = {
        better: signals(frame[order], {"m": SeriesSettings(better=better)})  # type: ignore[arg-type]
        for better in ("lower", "higher", "neither")
    }

    straight = signals(frame, {"m": PLAIN})
    assert told["lower"].points.equals(straight.points)
    assert told["lower"].series.equals(straight.series)
    turned = {"improving": "concerning", "concerning": "improving"}
    assert (
        told["lower"].points["variation"].replace(turned).to_list()
        == told["higher"].points["variation"].to_list()
    )
    neither = set(told["neither"].points["variation"])
    assert neither <= {"common cause", "special cause"}


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.sampled_from(["complete", "partial", "provisional", "missing"]),
        ),
        min_size=14,
        max_size=30,
    )
)
@few
def test_what_is_not_complete_never_signals_nor_moves_a_limit(
    one: list[tuple[int, str]],
) -> None:
    frame = values({"A": [x for x, _ in one]}).with_columns(
        pl.Series("completeness", [kind for _, kind in one])
    )
    # Late figures are often far too low: the worst that could be shown.
    bad = pl.when(pl.col("completeness") == "complete").then("value").otherwise(-999.0)

    told = points(frame, {"m": PLAIN})
    late = points(frame.with_columns(bad.alias("value")), {"m": PLAIN})

    usable = pl.col("excluded").is_null()
    assert told.filter(usable).equals(late.filter(usable))
    out = late.filter(~usable)
    assert out["variation"].is_null().all()
    assert not out.select(pl.any_horizontal(RULES).any()).item()
    assert out.select(LIMITS).null_count().row(0) == (out.height,) * 3


def test_a_partial_newest_month_is_named_and_the_state_is_of_the_one_before() -> None:
    frame = values({"A": [5.0, 6.0] * 8 + [0.0]}).with_columns(
        pl.when(pl.col("month") == months(17)[-1])
        .then(pl.lit("partial"))
        .otherwise("completeness")
        .alias("completeness")
    )

    state = signals(frame, {"m": PLAIN}).series.row(0, named=True)

    assert (state["month"], state["variation"]) == (months(16)[-1], "common cause")
    assert "May 2016 is partial and raises no signal." in state["words"]


# Phases, baselines, assurance ------------------------------------------------------------


def test_limits_begin_again_at_a_break_and_at_a_step() -> None:
    one = [1.0, 2.0] * 6 + [11.0, 12.0] * 6 + [21.0, 22.0] * 6
    told = charted(one, breaks=(months(36)[12],), steps=(months(36)[24],))

    assert told["phase"].to_list() == [1] * 12 + [2] * 12 + [3] * 12
    assert told["centre"].to_list() == [1.5] * 12 + [11.5] * 12 + [21.5] * 12
    # 1.5 ± 2.66: the ranges from one phase to the next, of 9, are nowhere.
    assert np.allclose(told["upper_limit"] - told["centre"], 2.66)
    assert not told.select(pl.any_horizontal(RULES).any()).item()


def test_a_declared_baseline_freezes_the_limits() -> None:
    frozen = (months(24)[0], months(24)[11])
    told = charted([1.0, 2.0] * 6 + [3.0, 4.0] * 6, baseline=frozen)

    assert set(told["centre"]) == {1.5}
    assert told["is_used"].sum() == 12
    assert told["is_shift"].to_list() == [False] * 11 + [True] * 13


@pytest.mark.parametrize(
    ("target", "reached", "assurance"),
    [
        (10.0, "higher", "consistently misses"),
        (1.0, "higher", "consistently hits"),
        (5.0, "higher", "hit or miss"),
        (10.0, "lower", "consistently hits"),
        (1.0, "lower", "consistently misses"),
        (None, None, "no target"),
    ],
)
def test_assurance_is_apart_from_variation(
    target: float | None, reached: Any, assurance: str
) -> None:
    one = SeriesSettings(better="higher", target=target, reached_when=reached)
    state = signals(values({"A": [5.0, 6.0] * 8}), {"m": one}).series.row(0, named=True)

    assert (state["assurance"], state["variation"]) == (assurance, "common cause")


def test_limits_are_clipped_to_what_there_can_be() -> None:
    told = charted([1.0, 99.0] * 8, lowest=0.0, highest=100.0)

    assert set(told["lower_limit"]) == {0.0}
    assert set(told["upper_limit"]) == {100.0}


# Rules 38 and 40 -------------------------------------------------------------------------

_CONNECT = date(2024, 3, 1)


def test_rule_38_refuses_a_baseline_across_a_break() -> None:
    one = SeriesSettings(
        breaks=(_CONNECT,), baseline=(date(2023, 1, 1), date(2024, 6, 1))
    )
    with pytest.raises(SignalsRefused, match=r"Rule 38: the baseline of m .* 2024-03"):
        points(values({"A": [1.0] * 20}), {"m": one})


def test_rule_38_refuses_limits_made_of_both_sides() -> None:
    phases = pl.DataFrame(
        {
            "measure": ["m"],
            "phase": [1],
            "first": [date(2022, 1, 1)],
            "last": [_CONNECT],
        }
    )
    (fault,) = limits_across_breaks({"m": SeriesSettings(breaks=(_CONNECT,))}, phases)
    assert "change of system a change of policing" in fault


def test_rule_38_passes_limits_of_one_side() -> None:
    one = SeriesSettings(
        breaks=(date(2016, 1, 1),), baseline=(date(2015, 1, 1), date(2015, 12, 1))
    )
    told = points(values({"A": [5.0, 6.0] * 8 + [50.0] * 8}), {"m": one})
    assert told.filter(pl.col("phase") == 1)["centre"].to_list() == [5.5] * 12


def test_rule_40_refuses_a_signal_of_few_points_that_is_not_called_a_trial() -> None:
    claim = {"measure": "m", "variation": "concerning", "points_used": 11}
    points_ = pl.DataFrame(claim | {"is_trial": False})
    (fault,) = claims_without_trial(points_)
    assert fault.startswith("Rule 40: 1 signals of m rest on fewer than 12 points")
    words = {"is_trial": True, "is_alert": False, "words": "Higher than expected."}
    assert claims_without_trial(pl.DataFrame(claim | words))
    alert = {"is_trial": True, "is_alert": True, "words": "Trial limits: 11 points."}
    assert claims_without_trial(pl.DataFrame(claim | alert))


def test_rule_40_passes_a_signal_that_is_called_a_trial() -> None:
    told = signals(values({"A": [1.0, 2.0] * 5 + [30.0]}), {"m": PLAIN})

    state = told.series.row(0, named=True)
    assert (state["variation"], state["is_trial"]) == ("concerning", True)
    assert "Trial limits: 11 points, fewer than 12." in state["words"]
    assert not state["is_watched"] and not state["is_alert"]
    assert claims_without_trial(told.points) == claims_without_trial(told.series) == []


# Seasons ---------------------------------------------------------------------------------


def test_a_yearly_pattern_is_found_whole_and_put_back_into_the_limits() -> None:
    pattern = 1 + 0.3 * np.sin(2 * np.pi * np.arange(12) / 12)
    # A straight trend must not tilt the factors.
    level = 100 + 0.5 * np.arange(60)
    one = (level * np.tile(pattern, 5)).tolist()
    told = charted(one, seasonal=True)

    factors = told["seasonal_factor"].to_numpy()[:12]
    assert np.allclose(factors, pattern / pattern.mean(), atol=0.02)
    assert np.allclose(told["adjusted"] * told["seasonal_factor"], told["value"])
    ratio = (told["upper_limit"] - told["centre"]) / told["seasonal_factor"]
    assert np.allclose(ratio, ratio[0])
    # Frozen: five more years of another pattern leave the factors as they were.
    longer = charted(one + one[::-1], seasonal=True)
    assert np.allclose(longer["seasonal_factor"].to_numpy()[:12], factors)


def test_factors_agree_with_the_classical_decomposition_of_statsmodels() -> None:
    from statsmodels.tsa.seasonal import seasonal_decompose

    random = np.random.default_rng(1)
    pattern = 1 + 0.3 * np.sin(2 * np.pi * np.arange(12) / 12)
    one = 200 * np.tile(pattern, 3) * random.lognormal(0, 0.01, 36)
    theirs = seasonal_decompose(one, model="multiplicative", period=12).seasonal[:12]

    ours = charted(one.tolist(), seasonal=True)["seasonal_factor"].to_numpy()[:12]

    assert np.abs(ours / theirs - 1).max() < 0.02


def test_noise_is_not_taken_for_a_season_and_two_years_are_needed() -> None:
    random = np.random.default_rng(2)
    made = {f"A{i}": random.poisson(50, 48).tolist() for i in range(30)}
    settings_ = {"m": SeriesSettings(seasonal=True, lowest=0.0)}
    factors = points(values(made), settings_)["seasonal_factor"].to_numpy()
    # Unshrunk means of three values would differ by 1 / √(3 × 50) = 0.08.
    assert factors.std() < 0.03

    short = signals(values({"A": [5.0, 6.0] * 11}), settings_)
    assert short.points["seasonal_factor"].is_null().all()
    assert "Not adjusted for the time of year" in short.series["words"][0]


# Rare events -----------------------------------------------------------------------------


def test_exact_limits_agree_with_scipy() -> None:
    from scipy import stats

    means = np.array([0.05, 0.4, 1.0, 2.5, 4.9, 20.0])
    for a in (0.0, 0.3):
        low, high = exact_limits(means, np.full(6, a))
        known = stats.nbinom(1 / a, 1 / (1 + a * means)) if a else stats.poisson(means)
        assert high.tolist() == np.maximum(known.ppf(1 - 0.00135), 1).tolist()
        assert (known.cdf(low - 1) <= 0.00135).all()
        assert (known.cdf(low) > 0.00135).all()


def test_rare_counts_go_on_a_g_chart_with_whole_limits() -> None:
    random = np.random.default_rng(3)
    made = {f"A{i}": random.poisson(0.8, 60).tolist() for i in range(40)}
    made["up"] = [*([1, 0] * 29), 0, 9]
    made["quiet"] = [*([1, 2] * 24), *([0] * 12)]
    counts = SeriesSettings(better="lower", lowest=0.0, is_count=True)
    told = signals(values(made), {"m": counts})

    assert set(told.points["chart"]) == {"g"}
    null = told.points.filter(pl.col("area_code").str.starts_with("A"))
    # An XmR chart of the same counts, for comparison: 4 % and more.
    assert null.select(pl.any_horizontal(RULES).mean()).item() < 0.01
    state = {one["area_code"]: one for one in told.series.iter_rows(named=True)}
    assert state["up"]["variation"] == "concerning"
    assert state["quiet"]["variation"] == "improving"
    assert state["quiet"]["since"] == months(60)[48]
    assert (
        "fewer events than chance gives since January 2019" in state["quiet"]["words"]
    )


def test_rates_of_few_events_are_charted_by_their_numerator() -> None:
    random = np.random.default_rng(9)
    made = {f"A{i}": random.poisson(2, 40).tolist() for i in range(20)}
    made["A0"][-1] = 12
    events = values(made).with_columns(
        pl.col("value").alias("numerator"), pl.lit(8000.0).alias("denominator")
    )
    rates = events.with_columns(pl.col("value") / 8)
    count = SeriesSettings(better="lower", lowest=0.0, is_count=True)
    rate = SeriesSettings(better="lower", lowest=0.0, rate_per=1000.0)

    of_events = signals(events, {"m": count})
    of_rates = signals(rates, {"m": rate})

    assert set(of_rates.points["chart"]) == {"g"}
    assert of_rates.points.select(RULES).equals(of_events.points.select(RULES))
    for name in LIMITS:
        assert np.allclose(of_rates.points[name] * 8, of_events.points[name])
    p = (one.series["p_value"].to_numpy() for one in (of_rates, of_events))
    assert np.allclose(*p)
    state = of_rates.series.row(0, named=True)
    assert (state["variation"], state["is_alert"]) == ("concerning", True)
    # Only what is a number of events can be; a mean in minutes is not.
    mean = SeriesSettings(better="lower", lowest=0.0)
    assert set(points(rates, {"m": mean})["chart"]) == {"xmr"}


def test_the_t_chart_of_montgomery() -> None:
    """Montgomery, 6th ed., example 7.6: hours between failures of a valve."""
    hours = [286, 948, 536, 124, 816, 729, 4, 143, 431, 8]
    hours += [2837, 596, 81, 227, 603, 492, 1199, 1214, 2831, 96]

    chart = time_between(hours)

    # He gives a centre line of 5.386 and limits of 11.607 and 0 (his -0.835) for y.
    y = np.array(hours) ** 0.2777
    assert chart.centre ** (1 / 3.6) == pytest.approx(y.mean(), abs=0.01)
    assert chart.centre ** (1 / 3.6) == pytest.approx(5.386, abs=0.01)
    assert chart.lower == 0 and max(hours) < chart.upper
    with pytest.raises(ValueError, match="each above 0"):
        time_between([3.0, 0.0])


# Overlapping periods, and other refusals -------------------------------------------------


def test_rolling_years_raise_no_signal_declared_or_not() -> None:
    random = np.random.default_rng(6)
    own = random.normal(0, 1, (32, 43))
    rolling = np.stack([own[:, i : i + 40] for i in range(4)]).mean(axis=0)
    honest = dict(zip("ABCDEFGH", own[:8, :40].tolist(), strict=True))
    made = {f"A{i}": rolling[i].tolist() for i in range(32)}
    quarters = SeriesSettings(better="higher", frequency="quarter")

    undeclared = signals(values(made, step=3), {"m": quarters})
    assert set(undeclared.points["excluded"]) == {"overlapping"}
    assert undeclared.points["variation"].is_null().all()
    assert not undeclared.series["is_alert"].any()
    assert "declare it under `overlapping`" in undeclared.series["words"][0]

    declared = SeriesSettings(frequency="quarter", overlapping="rolling years.")
    words = signals(values(honest, step=3), {"m": declared}).series["words"][0]
    assert "its periods overlap (rolling years), so one change shows" in words

    # Series of separate periods pass, also with a yearly pattern nobody declared.
    season = 2 * np.sin(2 * np.pi * np.arange(40) / 12)
    waves = {name: (one + season).tolist() for name, one in honest.items()}
    for separate in (honest, waves):
        told = points(values(separate), {"m": PLAIN})
        assert set(told["chart"]) == {"xmr"}


def test_the_public_attitude_survey_is_found_to_overlap(shared_data: Path) -> None:
    """Its lag-4 correlation of differences is about -0.35 in seven of eight measures."""
    raw = pl.read_csv(
        shared_data / "london_datastore" / "PAS_Dashboard_Borough.csv",
        columns=["Date", "Borough", "Measure", "Proportion"],
        infer_schema=False,
    )
    ends = pl.col("Date").str.strptime(pl.Date, "%d/%m/%Y").dt.month_start()
    share = pl.col("Proportion").str.replace(",", ".").cast(pl.Float64)
    frame = raw.select(
        pl.col("Measure").alias("measure"),
        pl.lit("borough").alias("area_kind"),
        pl.col("Borough").str.to_lowercase().alias("area_code"),
        ends.dt.offset_by("-2mo").alias("month"),
        (100 * share).alias("value"),
        pl.lit("complete").alias("completeness"),
    ).drop_nulls("value")
    one = SeriesSettings(better="higher", frequency="quarter", lowest=0, highest=100)

    told = points(frame, dict.fromkeys(frame["measure"].unique(), one))

    assert told["measure"].n_unique() == 8
    assert set(told["excluded"]) == {"overlapping"}


def test_a_measure_nobody_declared_and_a_period_twice_are_refused() -> None:
    frame = values({"A": [1.0, 2.0, 3.0]})
    with pytest.raises(SignalsRefused, match="No settings for m"):
        points(frame, {})
    with pytest.raises(SignalsRefused, match="3 periods occur twice in m"):
        points(pl.concat([frame, frame]), {"m": PLAIN})


def test_nothing_usable_is_said() -> None:
    frame = values({"A": [None, None]}, completeness="missing")
    state = signals(frame, {"m": PLAIN}).series.row(0, named=True)
    assert state["variation"] is None and state["chart"] == "none"
    assert state["words"] == "No signal is computed: it has no complete period yet."
    none = signals(frame.clear(), {"m": PLAIN})
    assert (none.points.height, none.series.height) == (0, 0)
