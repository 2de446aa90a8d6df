"""Concentration, persistence, emergence, the ranking and its evaluation, near-repeats."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from edp_platform.analysis.false_discovery import benjamini_hochberg
from edp_platform.analysis.neighbourhood import tables
from edp_platform.analysis.neighbourhood.concentration import (
    generalised_gini,
    gini,
    top_share,
    top_weights,
)
from edp_platform.analysis.neighbourhood.declared import (
    RankingInvalid,
    load_ranking,
)
from edp_platform.analysis.neighbourhood.emergence import (
    extra_variation,
    rising_p_values,
)
from edp_platform.analysis.neighbourhood.equality import Residents
from edp_platform.analysis.neighbourhood.evaluation import (
    HeldOut,
    hit_rate,
    hold_out,
    prediction_accuracy_index,
    prediction_efficiency_index,
    verdict,
    words,
)
from edp_platform.analysis.neighbourhood.failure import (
    NearRepeatRefused,
    RankingRefused,
)
from edp_platform.analysis.neighbourhood.near_repeat import (
    expected_pairs,
    knox,
    near_pairs,
    pairs_by_distance,
)
from edp_platform.analysis.neighbourhood.near_repeat_table import events, near_repeats
from edp_platform.analysis.neighbourhood.panels import Counted, Panel, later, panels
from edp_platform.analysis.neighbourhood.persistence import spearman, still_top
from edp_platform.analysis.neighbourhood.places import (
    DERIVED,
    UNCHANGED,
    constant_areas,
    places_only,
)
from edp_platform.analysis.neighbourhood.ranking import (
    RANKING,
    expected_counts,
    scores,
)
from edp_platform.analysis.neighbourhood.windows import latest_two, windows

PACKAGE = Path(tables.__file__).parents[2]
DECLARED = PACKAGE / "defs" / "neighbourhood_crime" / "ranking.yaml"
MARTS = PACKAGE.parent / "dbt_project" / "models" / "marts" / "neighbourhood_crime"
few = settings(max_examples=25, deadline=None, derandomize=True)
counts = st.lists(st.integers(0, 30), min_size=3, max_size=25).map(
    lambda found: np.array(found, dtype=np.float64)
)


def panel(table: Any, first: date = date(2021, 1, 1), **changed: Any) -> Panel:
    """Make a panel of one borough from a table of areas by months."""
    table = np.asarray(table, dtype=np.float64)
    areas = pl.DataFrame(
        {
            "area_code": [f"A{number:04d}" for number in range(len(table))],
            "area": [f"Area {number}" for number in range(len(table))],
            "borough_code": ["B"] * len(table),
            "borough": ["Bee"] * len(table),
        }
    )
    step = 12 if changed.get("frequency") == "year" else 1
    whole: dict[str, Any] = {
        "data_set": "police_uk_street",
        "force": "a",
        "area_kind": "lsoa",
        "offence_group": "neighbourhood_crime",
        "frequency": "month",
        "areas": areas,
        "periods": tuple(later(first, step * n) for n in range(table.shape[1])),
        "counts": table,
    }
    return Panel(**whole | changed)


# Concentration ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("crimes", "plain", "generalised"),
    [
        # The examples of R's lorenzgini 0.1.2, by the authors of the 2017 article.
        ([10, 8, 2, *[0] * 7], 0.78, 0.78),
        ([5, 2, 1, *[0] * 7], 0.80, 0.75),
        ([10, *[0] * 9], 0.90, 0.90),
        # Each crime in an area of its own is as even as it can be.
        ([1, 1, 1, *[0] * 7], 0.70, 0.0),
    ],
)
def test_the_gini_coefficient_and_its_correction_for_few_crimes(
    crimes: list[int], plain: float, generalised: float
) -> None:
    found = np.array(crimes, dtype=np.float64)
    assert gini(found) == pytest.approx(plain)
    assert generalised_gini(found) == pytest.approx(generalised)


@few
@given(counts)
def test_concentration_lies_between_even_and_all_in_one(crimes: Any) -> None:
    if crimes.sum() == 0:
        assert np.isnan(gini(crimes))
        return
    # Half the mean absolute difference over the mean: another form of the same.
    apart = np.abs(crimes[:, None] - crimes[None, :]).mean() / (2 * crimes.mean())
    assert gini(crimes) == pytest.approx(apart)
    assert -1e-9 <= generalised_gini(crimes) <= gini(crimes) + 1e-9
    if crimes.sum() >= len(crimes):
        assert generalised_gini(crimes) == pytest.approx(gini(crimes))
    assert 0.05 <= top_share(crimes, 0.05) <= 1
    assert gini(crimes * 3) == pytest.approx(gini(crimes))


@few
@given(counts, st.integers(1, 3))
def test_ties_share_the_last_places(scores_: Any, number: int) -> None:
    weights = top_weights(scores_, number)
    assert weights.sum() == pytest.approx(number)
    assert weights.min() >= 0
    assert weights.max() <= 1
    assert weights @ scores_ == pytest.approx(np.sort(scores_)[-number:].sum())
    for value in np.unique(scores_):
        assert len(np.unique(weights[scores_ == value])) == 1


# Persistence --------------------------------------------------------------------------


def test_persistence_against_scipy_and_by_hand() -> None:
    from scipy.stats import spearmanr

    generator = np.random.default_rng(3)
    before = generator.poisson(3, 60).astype(float)
    after = generator.poisson(before + 0.5).astype(float)
    assert spearman(before, after) == pytest.approx(spearmanr(before, after).statistic)
    assert np.isnan(spearman(np.ones(4), np.arange(4.0)))
    # Two of the three top areas stay; then two tie for the last place.
    assert still_top(
        np.array([9.0, 8, 7, 1, 0]), np.array([9.0, 8, 1, 7, 0]), 3
    ) == pytest.approx(2 / 3)
    assert still_top(np.array([9.0, 5, 5]), np.array([9.0, 5, 1]), 2) == 0.75


def test_years_are_counted_back_from_the_latest_and_gaps_are_no_fall() -> None:
    table = np.ones((2, 30))
    table[:, 25] = np.nan  # in the latest year, so its twin counts in neither
    found = panel(table)
    assert [one.periods for one in windows(found)] == [12, 11]
    pair = latest_two(found)
    assert pair is not None
    before, after = pair
    assert (before.periods, after.periods) == (11, 11)
    assert before.counts.tolist() == after.counts.tolist() == [11.0, 11.0]
    assert latest_two(panel(np.ones((2, 23)))) is None


# Emergence ----------------------------------------------------------------------------


def test_the_test_of_a_rise_against_scipy() -> None:
    from scipy.stats import betabinom, binom

    before = np.array([10.0, 3, 0, 7, 0])
    after = np.array([12.0, 9, 4, 2, 0])
    n, share = before + after, after.sum() / (before + after).sum()
    assert rising_p_values(before, after, 0.0) == pytest.approx(
        binom.sf(after - 1, n, share), abs=2e-5
    )
    strength = 1 / 0.05 - 1
    expected = betabinom.sf(after - 1, n, share * strength, (1 - share) * strength)
    assert rising_p_values(before, after, 0.05) == pytest.approx(expected)
    assert rising_p_values(before, np.zeros(5), 0.05).tolist() == [1.0] * 5


def test_false_discoveries_against_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    p_values = np.random.default_rng(5).uniform(size=40) ** 3
    assert benjamini_hochberg(p_values) == pytest.approx(
        multipletests(p_values, method="fdr_bh")[1]
    )
    assert benjamini_hochberg(np.zeros(0)).tolist() == []


def test_false_alarms_are_few_on_unchanged_areas_and_a_planted_rise_is_found() -> None:
    """400 areas, rates that differ much, counts that vary more than by chance."""
    generator = np.random.default_rng(11)
    alarms, found = 0, 0
    for _ in range(60):
        rate = generator.gamma(0.8, 15, size=400)
        # A year's rate of an area varies by a fifth; the force falls by a tenth.
        years = [
            generator.poisson(rate * generator.gamma(25, 1 / 25, 400) * level)
            for level in (1.0, 1.0, 0.9)
        ]
        first, before, after = (one.astype(float) for one in years)
        extra = (extra_variation(first, before) + extra_variation(before, after)) / 2
        alarms += benjamini_hochberg(rising_p_values(before, after, extra)).min() <= 0.1
        planted = after.copy()
        planted[0], before[0] = 90, 15
        q = benjamini_hochberg(rising_p_values(before, planted, extra))
        found += q[0] <= 0.1
    # With nothing there, any call is a false one: one run in ten, and chance about it.
    assert alarms <= 12
    assert found >= 55


# Places -------------------------------------------------------------------------------


def lookup(*rows: tuple[str, str, str]) -> pl.DataFrame:
    """LSOAs: code, ward and borough; all of the force a."""
    return pl.DataFrame(
        [
            {
                "lsoa_code": code,
                "lsoa_name": f"LSOA {code}",
                "ward_code": ward,
                "ward": f"Ward {ward}",
                "borough_code": borough,
                "borough": f"Borough {borough}",
                "force": "a",
            }
            for code, ward, borough in rows
        ]
    )


def overlaps(*pairs: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        pairs, schema=["lsoa_2011_code", "lsoa_2021_code"], orient="row"
    )


def test_areas_stay_the_same_when_lsoas_split_merge_and_change_shape() -> None:
    codes = [(code, "W", "B") for code in ("E1", "E2", "E3", "E4", "E8", "E9", "E7")]
    found = constant_areas(
        lookup(*codes),
        overlaps(
            ("E1", "E1"),  # unchanged
            ("E2", "E8"), ("E2", "E9"),  # split
            ("E3", "E7"), ("E4", "E7"),  # merged
        ),
    )  # fmt: skip
    areas = dict(found.select("lsoa_code", "area_code").iter_rows())
    assert areas == {
        "E1": "E1", "E2": "E2", "E8": "E2", "E9": "E2", "E3": "E3", "E4": "E3",
        "E7": "E3",
    }  # fmt: skip
    derived = dict(found.select("lsoa_code", "mapping").iter_rows())
    assert derived["E1"] == UNCHANGED
    assert {derived[code] for code in ("E2", "E8", "E3", "E4", "E7")} == {DERIVED}


def test_a_ranking_knows_places_and_counts_and_refuses_people() -> None:
    rows = pl.DataFrame({"area_code": ["A"], "period": [date(2024, 1, 1)], "crimes": 1})
    assert places_only(rows).equals(rows)
    for column in ("ethnic_group", "imd_decile", "residents", "nominal_id", "age_band"):
        with pytest.raises(RankingRefused, match=f"not ranked by {column}"):
            places_only(rows.with_columns(pl.lit("x").alias(column)))


#: Marts that hold counts and places alone.
OF_PLACES = {
    "marts.crime_by_lsoa_and_month",
    "marts.recorded_crime_by_ward_and_month",
    "marts.burglary_by_lsoa_and_year",
    "marts.lsoa_lookup",
    "staging.stg_lsoa_2011_to_lsoa_2021",
    "staging.code_list_police_uk_street",
}


@pytest.mark.parametrize("mart", ["area_ranking", "ranking_evaluation"])
def test_no_mart_about_people_reaches_the_ranking(mart: str) -> None:
    """What it declares to be made of is held to what it reads by `edp lineage check`."""
    (model,) = yaml.safe_load((MARTS / f"{mart}.yml").read_text())["models"]
    meta = model["config"]["meta"]
    made_of = [
        one
        for column in model["columns"]
        for one in column["config"]["meta"]["made_of"]
    ]
    assert {one.rpartition(".")[0] for one in made_of + meta["rows"]} <= OF_PLACES
    assert meta["is_model"]
    read = set(re.findall(r'dbt\.ref\("(\w+)"\)', (MARTS / f"{mart}.py").read_text()))
    assert read == {one.partition(".")[2] for one in OF_PLACES}


# The declaration ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data_set", "offence"),
    [
        ("police_uk_street", "Drugs"),
        ("police_uk_street", "Possession of weapons"),
        ("police_uk_street", "Public order"),
        ("police_uk_street", "Public disorder and weapons"),
        ("mps_ward_crime", "Trafficking of drugs"),
        ("mps_ward_crime", "Public fear alarm or distress"),
        ("mps_ward_crime", "Violent disorder"),
    ],
)
@pytest.mark.parametrize("is_declared", [True, False])
def test_what_police_activity_generates_is_refused(
    tmp_path: Path, data_set: str, offence: str, *, is_declared: bool
) -> None:
    stated = yaml.safe_load(DECLARED.read_text())
    stated["offence_groups"][0]["offences"][data_set].append(offence)
    if not is_declared:  # taking the declaration away does not help
        stated["kept_out"] = []
    path = tmp_path / "ranking.yaml"
    path.write_text(yaml.safe_dump(stated))
    with pytest.raises(RankingInvalid, match=f"counts {offence}, which is kept out"):
        load_ranking(path)


def test_the_mart_counts_what_the_declaration_says() -> None:
    """The groups of the SQL are those of the YAML, and each is counted in one column."""
    sql = (MARTS / "crime_by_lsoa_and_month.sql").read_text()
    found = {}
    assert "count(*) as crimes" in sql  # of every type, to trace by
    for condition, group in re.findall(
        r"crime_type (?:=|in) ?(.+?)\s+then 1.+?as (\w+)", sql, re.DOTALL
    ):
        found[group] = set(re.findall(r"'([^']+)'", condition))
    declared = load_ranking().offences("police_uk_street")
    assert found == {group: set(names) for group, names in declared.items()}


# The ranking --------------------------------------------------------------------------


def test_expected_counts_by_hand() -> None:
    """Weights 1/7, 2/7, 4/7 at a half-life of one period; a borough of one keeps all."""
    table = np.array([[7.0, 0, 0], [0, 0, 7], [70, 70, 70]])
    found = expected_counts(table, np.array([0, 0, 1]), half_life=1)
    own = np.array([1.0, 4.0, 70.0])
    towards = np.array([2.5, 2.5, 70.0])
    chance = towards * (1 + 4 + 16) / 49
    between = ((own - towards) ** 2).mean() - chance.mean()
    assert between < 0  # so nothing can be told from chance: all go to their borough
    assert found == pytest.approx(towards)
    apart = expected_counts(table * 10, np.array([0, 0, 1]), half_life=1)
    between = ((10 * own - 10 * towards) ** 2).mean() - (10 * chance).mean()
    kept = between / (between + 10 * chance)
    assert apart == pytest.approx(10 * towards + kept * (10 * own - 10 * towards))
    assert expected_counts(table[:, :0], np.array([0, 0, 1]), 1).tolist() == [0.0] * 3


@few
@given(st.integers(0, 10_000))
def test_expected_counts_do_not_see_a_missing_month_or_the_order_of_areas(
    seed: int,
) -> None:
    generator = np.random.default_rng(seed)
    table = generator.poisson(4, (8, 10)).astype(float)
    boroughs = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    found = expected_counts(table, boroughs, 6)
    order = generator.permutation(8)
    assert expected_counts(table[order], boroughs[order], 6) == pytest.approx(
        found[order]
    )
    for borough in (0, 1):  # what is drawn to the mean leaves the mean where it was
        own = table[boroughs == borough] @ (0.5 ** (np.arange(10)[::-1] / 6))
        mean = own.mean() / (0.5 ** (np.arange(10)[::-1] / 6)).sum()
        assert found[boroughs == borough].mean() == pytest.approx(mean)
    gap = table.copy()
    gap[:, 4] = np.nan
    assert not np.isnan(expected_counts(gap, boroughs, 6)).any()


def test_a_ranking_uses_nothing_of_the_period_it_ranks_nor_after() -> None:
    table = np.random.default_rng(2).poisson(5, (10, 20)).astype(float)
    known = scores(panel(table), 15, half_life=6)
    changed = table.copy()
    changed[:, 15:] = 999
    for rule, found in scores(panel(changed), 15, half_life=6).items():
        assert found.tolist() == known[rule].tolist()
    assert known["last month"].tolist() == table[:, 14].tolist()
    assert known["last 12 months"].tolist() == table[:, 3:15].sum(axis=1).tolist()
    assert known["same month last year"].tolist() == table[:, 3].tolist()
    gap = table.copy()
    gap[:, 14] = np.nan
    assert set(scores(panel(gap), 15, half_life=6)) == {RANKING, "same month last year"}


# The evaluation -----------------------------------------------------------------------


def test_hit_rate_pai_and_pei_by_hand() -> None:
    """Of 100 crimes 25 are in 10 of 100 areas, and the best 10 hold 50."""
    hits, crimes, best = np.array([25.0]), np.array([100.0]), np.array([50.0])
    assert hit_rate(hits, crimes) == 0.25
    # By the formula of Chainey and others (2008).
    assert prediction_accuracy_index(0.25, 50, 100) == 0.5
    assert prediction_accuracy_index(0.20, 10, 100) == pytest.approx(2)
    assert prediction_efficiency_index(hits, best) == 0.5
    pai_best = prediction_accuracy_index(hit_rate(best, crimes), 10, 100)
    pai = prediction_accuracy_index(0.25, 10, 100)
    assert prediction_efficiency_index(hits, best) == pytest.approx(pai / pai_best)


def test_held_out_periods_against_a_plain_loop() -> None:
    table = np.random.default_rng(4).poisson(5, (40, 30)).astype(float)
    (held,) = hold_out(panel(table), [0.05], held_out=6, half_life=12)
    assert held.named == 2
    assert held.periods == panel(table).periods[24:]
    for rule in held.hits:
        for number, at in enumerate(range(24, 30)):
            score = scores(panel(table[:, :at]), at, 12)[rule]
            # Drawing lots many times among the tied gives the same in the mean.
            lots = np.random.default_rng(1)
            drawn = [
                table[np.lexsort((lots.random(40), -score))[:2], at].sum()
                for _ in range(400)
            ]
            assert held.hits[rule][number] == pytest.approx(np.mean(drawn), abs=0.6)
    gap = table.copy()
    gap[:, 26] = np.nan  # asked of neither itself nor as the last month of the next
    (fewer,) = hold_out(panel(gap), [0.05], held_out=6, half_life=12)
    assert [one.month for one in fewer.periods] == [1, 2]


def held_out(ranking: Any, naive: Any) -> HeldOut:
    crimes = np.full(len(ranking), 100.0)
    return HeldOut(
        share=0.05,
        named=5,
        areas=100,
        periods=tuple(later(date(2024, 1, 1), n) for n in range(len(ranking))),
        crimes=crimes,
        best=crimes,
        hits={RANKING: np.array(ranking), "last month": np.array(naive)},
    )


def test_nothing_is_claimed_that_was_not_shown() -> None:
    from scipy.stats import ttest_rel

    naive = np.array([20.0, 22, 19, 21, 20, 23])
    noise = np.array([0.5, -0.5, 1.0, -1.0, 0.2, -0.2])
    for shift, claim, said in (
        (3.0, "better", "Better than each naive rule."),
        (0.0, "not shown to be better", "Not shown to be better than the best"),
        (-3.0, "worse", "Worse than a naive rule, which should be used instead."),
    ):
        held = held_out(naive + noise + shift, naive)
        told = verdict(held, fewest=5)
        assert told.claim == claim
        (against,) = told.against
        interval = ttest_rel(
            held.hits[RANKING] / 100, naive / 100
        ).confidence_interval()
        assert (against.lower, against.upper) == pytest.approx(
            (interval.low, interval.high)
        )
        assert words(held, told, "month").startswith(said)
        assert ("Better" in words(held, told, "month")) == (claim == "better")
    few_periods = held_out(naive[:4] + 3, naive[:4])
    told = verdict(few_periods, fewest=5)
    assert told.claim == "not measured"
    assert "Nothing is claimed" in words(few_periods, told, "month")


# Near-repeats -------------------------------------------------------------------------


def test_knox_as_published() -> None:
    """Knox (1964): 96 cases of leukaemia, 25 pairs near in place and 152 in time."""
    assert 96 * 95 // 2 == 4560
    assert expected_pairs(25, 152, 4560) == pytest.approx(0.83, abs=0.005)


def test_knox_against_every_permutation_by_hand() -> None:
    """Six events: two streets of two and one apart; all 720 dealings of the times."""
    x = np.array([0.0, 10, 500, 510, 2000, 4000])
    y = np.zeros(6)
    days = np.array([1.0, 2, 40, 41, 90, 200])

    def near(times: Any) -> int:
        return sum(
            abs(x[a] - x[b]) <= 100 and abs(times[a] - times[b]) <= 7
            for a, b in combinations(range(6), 2)
        )

    every = [near(times) for times in permutations(days)]
    pairs = pairs_by_distance(x, y, [100])
    found = knox(pairs, days, [7], 4000, np.random.default_rng(8))
    assert found.observed.tolist() == [[near(days)]] == [[2]]
    # All permutations: the mean is Knox's expectation, the tail is the exact p value.
    assert np.mean(every) == pytest.approx(expected_pairs(2, 2, 15))
    assert found.expected[0, 0] == pytest.approx(np.mean(every), abs=0.03)
    exact = np.mean([one >= 2 for one in every])
    assert found.p_values[0, 0] == pytest.approx(exact, abs=0.01)


@few
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from(["p", "q", None])),
        min_size=2,
        max_size=12,
    )
)
def test_pairs_in_the_same_place_against_a_plain_loop(
    where: list[tuple[str | None, str | None]],
) -> None:
    areas, places = [one for one, _ in where], [one for _, one in where]
    first, second, band = near_pairs(areas, places)
    found = {
        (*sorted((int(a), int(b))), int(c))
        for a, b, c in zip(first, second, band, strict=True)
    }
    expected = {
        (a, b, 0 if places[a] is not None and places[a] == places[b] else 1)
        for a, b in combinations(range(len(where)), 2)
        if areas[a] is not None and areas[a] == areas[b]
    }
    assert found == expected


def reports(seed: int, planted: float) -> pl.DataFrame:
    """A year of burglaries in 60 LSOAs; a share is followed by another nearby."""
    generator = np.random.default_rng(seed)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    rows: list[tuple[int, str | None, datetime]] = []
    for number in range(900):
        lsoa = int(60 * generator.random() ** 2)
        at = start + timedelta(days=float(generator.uniform(0, 365)))
        rows.append((lsoa, f"Q{number}", at))
        if generator.random() < planted:
            again = at + timedelta(days=float(generator.uniform(1, 7)))
            same = generator.random() < 0.3
            rows.append((lsoa, f"Q{number}" if same else None, again))
    return pl.DataFrame(
        [
            {
                "month": date(at.year, at.month, 1),
                "crime_type": "Burglary",
                "reported_at": at + timedelta(hours=5),
                "occurred_from": at,
                "occurred_to": at + timedelta(hours=3),
                "location_postcode": postcode,
                "lsoa_code": f"E01{lsoa:06d}",
            }
            for lsoa, postcode, at in rows
        ]
    )


NOTHING = pl.DataFrame(schema={"month": pl.Date})


def test_planted_near_repeats_are_found_and_none_where_there_are_none() -> None:
    planted = near_repeats(reports(1, planted=0.15), NOTHING).sort(
        "place_band", "days_to"
    )
    near = planted.filter(pl.col("days_to") == 7)
    assert near["place_band"][1] == "same postcode"
    assert near["p_value"].max() <= 0.005  # type: ignore[operator]
    assert near["q_value"].max() <= 0.01  # type: ignore[operator]
    # Most are in the same LSOA, among many pairs that are there by chance.
    assert near["ratio"][0] > 1.05
    assert near["ratio"][1] > 5
    later_bands = planted.filter(pl.col("days_to") > 7)
    assert later_bands["p_value"].min() > 0.01  # type: ignore[operator]
    none = near_repeats(reports(2, planted=0.0), NOTHING)
    assert none["q_value"].min() > 0.1  # type: ignore[operator]
    # The same seed gives the same figures.
    assert none.equals(near_repeats(reports(2, planted=0.0), NOTHING))


def test_near_repeats_are_refused_on_published_months_and_map_points() -> None:
    street = pl.DataFrame({"month": [date(2024, 1, 1)], "lsoa_code": ["E01000001"]})
    with pytest.raises(NearRepeatRefused, match="hold only the month, and a map point"):
        events(street, 2)
    refused = near_repeats(reports(1, 0.0), street).filter(
        pl.col("data_set") == "police_uk_street"
    )
    assert refused["observed_pairs"].to_list() == [None]
    assert "Use the force's own reports" in refused["why_refused"][0]
    vague = reports(1, 0.0).with_columns(
        occurred_to=pl.lit(None, pl.Datetime(time_zone="UTC")),
        reported_at=pl.col("occurred_from") + timedelta(days=3),
    )
    assert events(vague, 2).is_empty()
    assert events(vague, 4).height == 900


# The marts ----------------------------------------------------------------------------


def counted(**changed: pl.DataFrame) -> Counted:
    """Forty LSOAs of two boroughs over 40 months; the last is split in 2024."""
    generator = np.random.default_rng(7)
    codes = [f"E{number:03d}" for number in range(40)]
    rows = []
    for month in (later(date(2021, 1, 1), n) for n in range(40)):
        split = month >= date(2023, 6, 1)
        for number, code in enumerate(
            [*codes[:39], *(["N1", "N2"] if split else ["E039"])]
        ):
            rows.append(
                {
                    "month": month,
                    "force": "a",
                    "lsoa_code": code,
                    "neighbourhood_crime": int(generator.poisson(1 + 8 / (1 + number))),
                    "anti_social_behaviour": int(generator.poisson(2)),
                    "violence_and_sexual_offences": int(generator.poisson(3)),
                }
            )
    crimes = pl.DataFrame(rows).with_columns(pl.col(pl.Int64).cast(pl.Int32))
    crimes = crimes.with_columns(crimes=pl.sum_horizontal(pl.col(pl.Int32)))
    wards = pl.DataFrame(
        schema={
            "month": pl.Date, "ward_code": pl.String, "ward": pl.String,
            "borough_code": pl.String, "borough": pl.String, "offence": pl.String,
            "crimes": pl.Int32, "is_borough": pl.Boolean,
        }
    )  # fmt: skip
    burglary = pl.DataFrame(
        schema={
            "lsoa_code": pl.String, "lsoa_name": pl.String, "borough_code": pl.String,
            "borough": pl.String, "year": pl.Int32, "burglaries": pl.Int32,
        }
    )  # fmt: skip
    places = [(one, f"W{n // 5}", f"B{n // 20}") for n, one in enumerate(codes)]
    whole = Counted(
        crimes=crimes,
        partial=pl.DataFrame(
            schema={"force": pl.String, "valid_from": pl.String, "valid_to": pl.String}
        ),
        wards=wards,
        burglary=burglary,
        lookup=lookup(*places, ("N1", "W7", "B1"), ("N2", "W7", "B1")),
        overlaps=overlaps(
            *((one, one) for one in codes[:39]), ("E039", "N1"), ("E039", "N2")
        ),
    )
    return replace(whole, **changed)


def residents(base: Counted) -> Residents:
    codes = [f"E{number:03d}" for number in range(40)]
    ages = {"all": 1000, "0-15": 200, "16-29": 300, "30-44": 200, "65+": 100}
    return Residents(
        population=pl.DataFrame(
            [
                {
                    "area_type": "lsoa", "area_code": code, "sex": "all",
                    "age_band": band, "people": people + (100 * n if band == "all" else 0),
                }
                for n, code in enumerate(codes)
                for band, people in ages.items()
            ]
        ),
        deprivation=pl.DataFrame(
            [
                {
                    "lsoa_code": code, "index_year": 2019, "imd_score": 50.0 - n,
                    "imd_decile": 1 if n < 4 else 8,
                }
                for n, code in enumerate(codes)
            ]
        ),
        ethnicity=pl.DataFrame(
            [
                {"area_code": area, "ethnic_group_broad": group, "people": people}
                for area, group, people in (
                    ("B0", "White", 40), ("B0", "Asian", 60), ("B1", "White", 80),
                    ("B1", "Black", 20),
                )
            ]
        ),
        lookup=base.lookup,
        overlaps=base.overlaps,
    )  # fmt: skip


def test_the_marts_hold_together() -> None:
    from scipy.stats import chi2

    base = counted()
    people = residents(base)
    standing = tables.area_standing(base, people)
    lsoas = standing.filter(
        (pl.col("area_kind") == "lsoa")
        & (pl.col("offence_group") == "neighbourhood_crime")
    )
    assert lsoas.height == 40  # N1 and N2 are E039, whose residents are known
    split = lsoas.filter(pl.col("area_code") == "E039")
    assert split["geography"][0] == f"LSOA, {DERIVED}"
    in_year = base.crimes.filter(
        pl.col("month") > date(2023, 4, 1),
        pl.col("lsoa_code").is_in(["N1", "N2", "E039"]),
    )
    assert split["crimes"][0] == in_year["neighbourhood_crime"].sum()
    assert split["rate_per_1_000"][0] == pytest.approx(
        1000 * split["crimes"][0] / (1000 + 100 * 39)
    )
    # Byar's interval is near the exact one (Garwood 1936).
    exact = (
        chi2.ppf([0.025, 0.975], 2 * split["crimes"][0] + np.array([0, 2])) / 2 / 4.9
    )
    ends = split.select("rate_lower", "rate_upper").row(0)
    assert ends == pytest.approx(exact.tolist(), rel=0.01)
    assert lsoas.filter(
        ~pl.col("rate_per_1_000").is_between("rate_lower", "rate_upper")
    ).is_empty()
    assert (
        standing["q_value"].null_count()
        == standing.filter(pl.col("area_kind") == "ward").height
    )  # eight wards are too few to test
    concentration = tables.area_concentration(base)
    assert (
        concentration.select("period_to", "offence_group", "area_kind")
        .is_unique()
        .all()
    )
    assert tables.area_persistence(base)["share_still_top"].is_between(0, 1).all()
    ranked = tables.area_ranking(base).filter(
        (pl.col("area_kind") == "lsoa")
        & (pl.col("offence_group") == "neighbourhood_crime")
    )
    assert ranked["period"].unique().to_list() == [date(2024, 5, 1)]
    assert ranked["expected_share"].sum() == pytest.approx(1)
    assert set(ranked.filter("is_top")["area_code"]) == {"E000", "E001"}
    evaluated = tables.ranking_evaluation(base)
    assert set(evaluated["held_out_periods"]) == {12}
    for share in evaluated["share_of_areas"].unique():
        assert evaluated.filter(pl.col("share_of_areas") == share)["pei"].max() <= 1  # type: ignore[operator]
    check = tables.ranking_equality_check(base, people).filter(
        (pl.col("area_kind") == "lsoa")
        & (pl.col("offence_group") == "neighbourhood_crime")
    )
    found = {row["characteristic"][:11]: row for row in check.iter_rows(named=True)}
    # E000 and E001, weighted by their 1,000 and 1,100 residents.
    deprived = (50 * 1000 + 49 * 1100) / 2100
    scores_ = check.filter(pl.col("characteristic").str.contains("IMD"))
    assert scores_["top_value"][0] == pytest.approx(deprived)
    assert found["Ethnic grou"]["top_value"] == pytest.approx(60)
    assert "Held by borough only" in found["Ethnic grou"]["limit"]


def test_nothing_held_gives_no_rows_and_no_fault() -> None:
    base = counted()
    people = residents(base)
    nothing = Counted(*(getattr(base, one.name).clear() for one in fields(Counted)))
    nobody = Residents(
        *(getattr(people, one.name).clear() for one in fields(Residents))
    )
    for made in (
        tables.area_concentration(nothing),
        tables.area_persistence(nothing),
        tables.area_standing(nothing, nobody),
        tables.area_ranking(nothing),
        tables.ranking_evaluation(nothing),
        tables.ranking_equality_check(nothing, nobody),
        near_repeats(reports(1, 0.0).clear(), NOTHING),
    ):
        assert made.is_empty()
        assert made.width > 10


def test_rates_are_refused_where_residents_are_no_denominator() -> None:
    base = counted()
    city = replace(
        base,
        crimes=base.crimes.with_columns(force=pl.lit("city-of-london")),
        lookup=base.lookup.with_columns(force=pl.lit("city-of-london")),
    )
    refused = tables.area_standing(city, residents(city))
    assert refused["rate_per_1_000"].null_count() == refused.height
    assert refused["why_no_rate"].str.contains("work there").all()
    assert tables.area_standing(base, residents(base))["why_no_rate"].null_count() > 0


def test_months_in_part_supplied_are_not_known_rather_than_low() -> None:
    base = counted()
    ranking = load_ranking()
    thin = base.crimes.with_columns(
        pl.when(pl.col("month") == date(2023, 3, 1))
        .then(pl.col(pl.Int32) // 10)
        .otherwise(pl.col(pl.Int32))
    )
    declared = pl.DataFrame(
        {"force": ["a"], "valid_from": ["2022-02"], "valid_to": ["2022-03"]}
    )
    found = panels(replace(base, crimes=thin, partial=declared), ranking)[0]
    unknown = [
        period
        for period, whole in zip(found.periods, found.is_whole, strict=True)
        if not whole
    ]
    assert unknown == [date(2022, 2, 1), date(2022, 3, 1), date(2023, 3, 1)]


REAL = PACKAGE.parent.parent / "shared" / "data"
BURGLARY = REAL / "london_datastore" / "london-2011-2021-major-burglary.csv"


@pytest.mark.skipif(not BURGLARY.exists(), reason="the real files are not here")
def test_real_burglary_by_lsoa_2011_to_2021() -> None:
    """Figures of the file, found here by SQL and by hand."""
    con = duckdb.connect()
    wide = con.sql(f"select * from read_csv('{BURGLARY}', header=true)").pl()
    table = wide.select(str(year) for year in range(2011, 2022)).to_numpy()
    real = panel(
        table, date(2011, 1, 1), frequency="year", data_set="mps_lsoa_burglary"
    )
    assert table[:, -1].sum() == 52_345
    assert top_share(table[:, -1].astype(float), 0.05) == pytest.approx(
        0.1696, abs=1e-4
    )
    found = windows(real)
    assert len(found) == 11
    assert spearman(found[-2].counts, found[-1].counts) == pytest.approx(
        0.5209, abs=1e-4
    )
    (held,) = hold_out(real, [0.05], held_out=5, half_life=2)
    told = verdict(held, 5)
    assert hit_rate(held.hits[RANKING], held.crimes) == pytest.approx(0.146, abs=0.002)
    assert told.claim == "not shown to be better"
