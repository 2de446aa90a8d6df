"""Ratios between groups: formulas against textbooks and statsmodels, refusals, frames."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edp_platform.analysis import intervals
from edp_platform.analysis.disproportionality import stratified
from edp_platform.analysis.disproportionality.counts import (
    POLICE_UK,
    RECORDS,
    by_period,
    residents_of,
    searches_of,
)
from edp_platform.analysis.disproportionality.disparity import search_disparity
from edp_platform.analysis.disproportionality.facts import (
    DenominatorsInvalid,
    load_denominators,
)
from edp_platform.analysis.disproportionality.outcomes import search_outcome_test
from edp_platform.analysis.disproportionality.recording import (
    ethnicity_recording_agreement,
)
from edp_platform.analysis.disproportionality.refusing import shown_honestly
from edp_platform.analysis.disproportionality.satisfaction import satisfaction_gap

A, N1, B, N0 = (pl.col(one) for one in ("a", "n1", "b", "n0"))
LITTLE = settings(max_examples=25, deadline=None, derandomize=True)


def figures(estimate: intervals.Estimate | intervals.Interval, **counts: Any) -> Any:
    """Return what an estimate gives for one row of counts, or for the strata given."""
    frame = pl.DataFrame({name: counts[name] for name in counts}).cast(pl.Float64)
    return frame.select(one.alias(str(i)) for i, one in enumerate(estimate)).row(0)


# Formulas


@LITTLE
@given(
    a=st.integers(10, 5000),
    b=st.integers(10, 5000),
    n1=st.integers(1_000, 5_000_000),
    n0=st.integers(1_000, 5_000_000),
)
def test_score_interval_of_a_rate_ratio_is_that_of_statsmodels(
    a: int, b: int, n1: int, n0: int
) -> None:
    from statsmodels.stats.rates import confint_poisson_2indep

    ratio, lower, upper = figures(
        intervals.rate_ratio(A, N1, B, N0), a=[a], n1=[n1], b=[b], n0=[n0]
    )
    expected = confint_poisson_2indep(a, n1, b, n0, method="score", compare="ratio")
    assert ratio == pytest.approx(a * n0 / (b * n1))
    # It searches for its ends, to about 1e-9 of a ratio.
    assert (lower, upper) == pytest.approx(expected, rel=1e-4)
    # The other way round, the ends change places and turn over.
    turned = figures(intervals.rate_ratio(A, N1, B, N0), a=[b], n1=[n0], b=[a], n0=[n1])
    assert turned == pytest.approx((1 / ratio, 1 / upper, 1 / lower))


@LITTLE
@given(a=st.integers(10, 400), b=st.integers(10, 400), more=st.integers(1, 900))
def test_intervals_of_shares_are_those_of_statsmodels(
    a: int, b: int, more: int
) -> None:
    from statsmodels.stats.proportion import (
        confint_proportions_2indep,
        proportion_confint,
    )

    n1, n0 = a + more, b + 2 * more
    counts = {"a": [a], "n1": [n1], "b": [b], "n0": [n0]}
    assert figures(intervals.wilson(A, N1), **counts) == pytest.approx(
        proportion_confint(a, n1, method="wilson")
    )
    _, lower, upper = figures(intervals.proportion_ratio(A, N1, B, N0), **counts)
    assert (lower, upper) == pytest.approx(
        confint_proportions_2indep(a, n1, b, n0, method="log", compare="ratio")
    )
    _, lower, upper = figures(intervals.share_gap(A / N1, N1, B / N0, N0), **counts)
    assert (lower, upper) == pytest.approx(
        confint_proportions_2indep(a, n1, b, n0, method="newcomb", compare="diff")
    )


def test_byar_is_near_the_exact_poisson_limits() -> None:
    """Breslow and Day (1987), p. 69: the approximation is good even for small counts."""
    from scipy.stats import chi2

    for events in (5, 10, 50, 1000):
        exact = chi2.ppf(0.025, 2 * events) / 2, chi2.ppf(0.975, 2 * events + 2) / 2
        ends = figures(intervals.byar(A, N1), a=[events], n1=[1])
        assert ends == pytest.approx(exact, rel=0.01)
    assert figures(intervals.byar(A, N1), a=[0], n1=[10])[0] == 0


def test_a_counted_benchmark_adds_its_own_variance() -> None:
    """Hand-worked: log 6 ± 1.96 · √(1/30 + 1/100 + 1/10 + 1/200)."""
    ratio, lower, upper = figures(
        intervals.counts_ratio(A, N1, B, N0), a=[30], n1=[100], b=[10], n0=[200]
    )
    assert ratio == pytest.approx(6.0)
    assert (lower, upper) == pytest.approx((2.820453, 12.763906), rel=1e-6)


# Deaths of coronary disease among British doctors who smoke or not, by age.
DOCTORS = {
    "a": [32, 104, 206, 186, 102],
    "n1": [52407, 43248, 28612, 12663, 5317],
    "b": [2, 12, 28, 28, 31],
    "n0": [18790, 10673, 5710, 2585, 1462],
}
# Deaths in the University Group Diabetes Program, tolbutamide or placebo, by age.
DIABETES = {"a": [8, 22], "n1": [106, 98], "b": [5, 16], "n0": [120, 85]}


def test_mantel_haenszel_ratios_are_those_of_the_textbook() -> None:
    """Rothman, Greenland and Lash (2008), Modern Epidemiology, tables 15-1 and 15-2.

    Four figures as metafor's tests give them for 90 per cent; the rate ratio at 95 per
    cent as Stata's manual has it ([R] epitab, ir … by(age)).
    """
    rates = stratified.rate_ratio_over_strata
    assert figures(rates(A, N1, B, N0, 0.9), **DOCTORS) == pytest.approx(
        (1.4247, 1.1944, 1.6994), abs=5e-5
    )
    assert figures(rates(A, N1, B, N0), **DOCTORS) == pytest.approx(
        (1.424682, 1.154703, 1.757784), abs=5e-7
    )
    risks = stratified.proportion_ratio_over_strata(A, N1, B, N0, 0.9)
    assert figures(risks, **DIABETES) == pytest.approx(
        (1.3256, 0.8658, 2.0296), abs=5e-5
    )
    odds = stratified.odds_ratio_over_strata(A, N1, B, N0, 0.9)
    assert figures(odds, **DIABETES) == pytest.approx(
        (1.4031, 0.8411, 2.3409), abs=5e-5
    )


_STRATUM = st.tuples(*[st.integers(1, 60)] * 4)


@LITTLE
@given(strata=st.lists(_STRATUM, min_size=2, max_size=6))
def test_pooled_odds_and_risks_are_those_of_statsmodels(
    strata: list[tuple[int, int, int, int]],
) -> None:
    import numpy as np
    from statsmodels.stats.contingency_tables import StratifiedTable

    tables = StratifiedTable([np.array([[a, c], [b, d]]) for a, c, b, d in strata])
    counts = {
        "a": [a for a, *_ in strata],
        "n1": [a + c for a, c, *_ in strata],
        "b": [b for _, _, b, _ in strata],
        "n0": [b + d for _, _, b, d in strata],
    }
    odds = figures(stratified.odds_ratio_over_strata(A, N1, B, N0), **counts)
    assert odds[0] == pytest.approx(tables.oddsratio_pooled)
    assert odds[1:] == pytest.approx(tables.oddsratio_pooled_confint())
    risks = figures(stratified.proportion_ratio_over_strata(A, N1, B, N0), **counts)
    assert risks[0] == pytest.approx(tables.riskratio_pooled)
    # One stratum alone is the crude ratio, with the intervals of Katz and of Woolf.
    alone = {name: values[:1] for name, values in counts.items()}
    assert figures(
        stratified.proportion_ratio_over_strata(A, N1, B, N0), **alone
    ) == pytest.approx(figures(intervals.proportion_ratio(A, N1, B, N0), **alone))
    assert figures(
        stratified.odds_ratio_over_strata(A, N1, B, N0), **alone
    ) == pytest.approx(figures(intervals.odds_ratio(A, N1, B, N0), **alone))


# Rule 37

RATIO = {
    "least_events": 10.0,
    "ratio": 2.0,
    "lower": 1.5,
    "upper": 2.5,
    "unknown_percent": 5.0,
    "is_reference": False,
    "because": None,
}


def judged(**changes: Any) -> dict[str, Any]:
    row = pl.DataFrame([{**RATIO, **changes}], schema_overrides={"because": pl.String})
    return shown_honestly(row).to_dicts()[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"least_events": 9.0}, "fewer than 10 events"),
        ({"least_events": None}, "fewer than 10 events"),
        ({"upper": None}, "no interval"),
        ({"upper": float("inf")}, "no interval"),
        ({"lower": float("nan")}, "no interval"),
        ({"unknown_percent": None}, "not known of how many"),
        ({"because": "a wrong denominator"}, "a wrong denominator"),
    ],
)
def test_rule_37_refuses_a_ratio_without_what_it_needs(
    changes: dict[str, Any], said: str
) -> None:
    found = judged(**changes)
    assert not found["is_given"]
    assert said in found["refused_why"]
    assert (found["ratio"], found["lower"], found["upper"]) == (None, None, None)
    # A small count is never told in the reason.
    assert " 9 " not in found["refused_why"]


def test_rule_37_passes_a_ratio_with_events_interval_and_unknown() -> None:
    found = judged()
    assert found["is_given"]
    assert found["refused_why"] is None
    assert (found["ratio"], found["lower"], found["upper"]) == (2.0, 1.5, 2.5)
    reference = judged(is_reference=True, ratio=1.0, least_events=0.0)
    assert reference["is_given"]
    assert reference["ratio"] is None


# Frames

MONTH = date(2024, 1, 1)
COLUMNS = (
    "month",
    "force",
    "borough_code",
    "ethnic_group",
    "officer_defined_ethnic_group",
    "is_exact_repeat",
    "searches",
    "outcomes_stated",
    "positive_outcomes",
    "positive_outcomes_with_link",
    "finds_known",
    "finds",
)
NO_RECORDS = pl.DataFrame(
    schema={
        "month": pl.Date,
        "borough_code": pl.String,
        "ethnicity_self_defined_group": pl.String,
        "ethnicity_officer_defined_group": pl.String,
        "searches": pl.Int32,
        "with_further_action": pl.Int32,
        "found_object_of_search": pl.Int32,
    }
)
NO_DETENTIONS = pl.DataFrame(
    schema={"month": pl.Date, "ethnic_group": pl.String, "detentions": pl.Int32}
)
FACTS = load_denominators()


def published(*rows: tuple[Any, ...], month: date = MONTH) -> pl.DataFrame:
    """Return searches: force, borough, group, number, and how many were found."""
    return pl.DataFrame(
        [
            (month, force, borough, group, group, False, n, n, found, linked, n, found)
            for force, borough, group, n, found, linked in rows
        ],
        COLUMNS,
        orient="row",
    )


def residents(**people: dict[str, int]) -> pl.DataFrame:
    """Return residents of the Metropolitan Police's boroughs named, and of the City."""
    population = pl.DataFrame(
        [
            (code, code, 2021, group, number)
            for code, groups in people.items()
            for group, number in groups.items()
        ],
        ["area_code", "area", "population_year", "ethnic_group_broad", "people"],
        orient="row",
    )
    forces = pl.DataFrame(
        {
            "borough_code": ["E09000001", "E09000002", "E09000003"],
            "borough": ["City of London", "Barking", "Barnet"],
            "force": ["city-of-london", "metropolitan", "metropolitan"],
        }
    )
    return residents_of(population, forces, FACTS.policed())


PEOPLE = residents(
    E09000001={"White": 6000, "Black": 200},
    E09000002={"White": 50_000, "Black": 50_000},
    E09000003={"White": 150_000, "Black": 10_000},
    E06000055={"White": 1000, "Black": 1000},
)


def disparity(searches: pl.DataFrame, **where: Any) -> list[dict[str, Any]]:
    found = search_disparity(
        searches_of(searches, NO_RECORDS, "own"), PEOPLE, NO_DETENTIONS, FACTS
    )
    return found.filter(**{"months_in_period": 1, **where}).to_dicts()


#: Twice as many searches a head of Black people in either borough, more of them in the
#: first, where ten times as much is searched: crude is far from what holds within.
TWO_BOROUGHS = published(
    ("metropolitan", "E09000002", "White", 500, 100, 0),
    ("metropolitan", "E09000002", "Black", 1000, 200, 0),
    ("metropolitan", "E09000003", "White", 150, 30, 0),
    ("metropolitan", "E09000003", "Black", 20, 4, 0),
    ("metropolitan", "no-coordinates", "Not stated", 200, 40, 0),
)


def test_crude_disparity_comes_of_place_and_the_stratified_one_does_not() -> None:
    black = {
        one["method"]: one
        for one in disparity(TWO_BOROUGHS, area_kind="force", ethnic_group="Black")
    }
    crude, within = black["crude"], black["mantel-haenszel"]
    assert crude["rate_per_1000"] == pytest.approx(17.0)
    assert crude["white_rate_per_1000"] == pytest.approx(3.25)
    assert crude["ratio"] == pytest.approx(17 / 3.25)
    assert crude["population_year"] == 2021
    assert crude["unknown_percent"] == pytest.approx(100 * 200 / 1870)
    assert crude["ratio_if_all_unknown_in_group"] == pytest.approx(1220 / 60 / 3.25)
    assert crude["ratio_if_no_unknown_in_group"] == pytest.approx(17 / (850 / 200))
    assert within["ratio"] == pytest.approx(2.0)
    assert within["lower"] < 2.0 < within["upper"]
    assert (within["strata"], within["is_given"]) == (2, True)
    assert within["placed_percent"] == pytest.approx(100 * 1670 / 1870)
    assert "compared within 2 boroughs, which hold 89 per cent" in within["words"]


def test_a_stratified_ratio_of_few_placed_searches_is_refused() -> None:
    lost = TWO_BOROUGHS.with_columns(
        searches=pl.when(pl.col("borough_code") == "no-coordinates")
        .then(5000)
        .otherwise("searches")
    )
    within = disparity(lost, method="mantel-haenszel", ethnic_group="Black")[0]
    assert not within["is_given"]
    assert "only 25.0 per cent of the searches are placed" in within["refused_why"]
    assert disparity(lost, area_kind="force", method="crude", ethnic_group="Black")[0][
        "is_given"
    ]


def test_a_wrong_denominator_is_refused_by_what_is_declared(tmp_path: Path) -> None:
    city = published(
        ("city-of-london", "E09000001", "White", 100, 30, 30),
        ("city-of-london", "E09000001", "Black", 50, 20, 20),
        ("bedfordshire", "elsewhere", "White", 100, 30, 30),
        ("bedfordshire", "elsewhere", "Black", 50, 20, 20),
        ("kent", "elsewhere", "Black", 50, 20, 20),
    )
    refused = disparity(city, force="city-of-london")
    assert {one["area_kind"] for one in refused} == {"force", "borough"}
    for one in refused:
        assert "is a wrong denominator. About 8,600 people lived" in one["words"]
        shown = ("ratio", "rate_per_1000", "rate_upper", "white_rate_per_1000")
        assert [one[name] for name in shown] == [None] * 4
    policed = disparity(city, force="bedfordshire", ethnic_group="Black")[0]
    assert policed["ratio"] == pytest.approx(0.5)
    unknown = disparity(city, force="kent", ethnic_group="Black")[0]
    assert unknown["refused_why"] == "no resident population is held for kent"
    # Nothing knows the City by its name: undeclared, it is a force like any other.
    declared = FACTS.model_copy(update={"unfit": []})
    searches = searches_of(city, NO_RECORDS, "own")
    given = search_disparity(searches, PEOPLE, NO_DETENTIONS, declared)
    assert given.filter(force="city-of-london", ethnic_group="Black")["is_given"].all()
    (tmp_path / "d.yaml").write_text(
        "id: d\nown_force: x\nareas_policed: []\nunfitt: []"
    )
    with pytest.raises(DenominatorsInvalid, match="unfit"):
        load_denominators(tmp_path / "d.yaml")


def test_exact_repeats_count_and_are_left_out_beside() -> None:
    repeats = published(
        ("metropolitan", "E09000002", "Black", 100, 0, 0),
    ).with_columns(is_exact_repeat=pl.lit(True))
    black = disparity(
        pl.concat([TWO_BOROUGHS, repeats]), area_kind="force", ethnic_group="Black"
    )
    crude = next(one for one in black if one["method"] == "crude")
    assert crude["exact_repeats"] == 100
    assert crude["ratio"] == pytest.approx((1120 / 60) / 3.25)
    assert crude["ratio_without_repeats"] == pytest.approx((1020 / 60) / 3.25)
    assert crude["lower_without_repeats"] < crude["lower"]


def test_a_gap_in_the_months_is_never_bridged() -> None:
    few = [
        published(
            ("metropolitan", "E09000003", "Black", 2, 0, 0),
            ("metropolitan", "E09000003", "White", 3, 0, 0),
            month=date(2023 + (month > 11), month % 12 + 1, 1),
        )
        for month in range(13)
    ]
    whole = search_disparity(
        searches_of(pl.concat(few), NO_RECORDS, "own"), PEOPLE, NO_DETENTIONS, FACTS
    ).filter(area_kind="borough", ethnic_group="Black")
    assert whole.filter(months_in_period=1)["is_given"].any() is False
    year = whole.filter(months_in_period=12)
    assert year["month"].to_list() == [date(2023, 12, 1), date(2024, 1, 1)]
    assert year["searches"].to_list() == [24, 24]
    assert year["is_given"].all()
    gap = by_period(pl.concat(few[:4] + few[5:]).select("month", "force"), ["force"])
    assert gap["months_in_period"].unique().to_list() == [1]


def test_persons_detained_are_a_second_benchmark_of_the_forces_own_records() -> None:
    records = pl.DataFrame(
        {
            "month": [MONTH] * 3,
            "borough_code": ["unknown"] * 3,
            "ethnicity_self_defined_group": ["Black", "White", "Not stated"],
            "ethnicity_officer_defined_group": ["Black", "White", "White"],
            "searches": [30, 10, 5],
            "with_further_action": [10, 10, 0],
            "found_object_of_search": [10, 10, 0],
        }
    )
    detained = pl.DataFrame(
        {
            "month": [MONTH] * 3,
            "ethnic_group": ["Black", "White", "Not stated"],
            "detentions": [100, 200, 20],
        }
    )
    searches = searches_of(TWO_BOROUGHS.clear(), records, "own")
    facts = FACTS.model_copy(update={"own_force": "own"})
    found = search_disparity(searches, PEOPLE, detained, facts)
    assert found["source"].unique().to_list() == [RECORDS]
    black = found.filter(benchmark="detentions", ethnic_group="Black").to_dicts()[0]
    assert (black["ratio"], black["is_given"]) == (pytest.approx(6.0), True)
    assert black["rate_per_1000"] == pytest.approx(300)
    assert black["ratio_if_all_unknown_in_group"] == pytest.approx(
        35 * 220 / (10 * 100)
    )
    assert black["ratio_if_no_unknown_in_group"] == pytest.approx(30 * 200 / (15 * 120))
    few = search_disparity(
        searches, PEOPLE, detained.with_columns(detentions=pl.lit(9)), facts
    )
    assert not few.filter(benchmark="detentions", ethnic_group="Black")[
        "is_given"
    ].any()


def outcomes(searches: pl.DataFrame, **where: Any) -> dict[str, Any]:
    names = pl.DataFrame(
        {"borough_code": ["E09000002", "E09000003"], "borough": ["Barking", "Barnet"]}
    )
    found = search_outcome_test(searches_of(searches, NO_RECORDS, "own"), names)
    return found.filter(
        **{"area_kind": "force", "method": "crude", **where}
    ).to_dicts()[0]


def test_a_force_that_never_links_has_no_find_rate_but_positive_outcomes() -> None:
    find = outcomes(TWO_BOROUGHS, outcome="find", ethnic_group="Black")
    assert not find["is_given"]
    assert "metropolitan says of 0 per cent of its positive outcomes" in find["words"]
    assert (find["percent"], find["successes"], find["ratio"]) == (None, None, None)
    positive = outcomes(TWO_BOROUGHS, outcome="positive outcome", ethnic_group="Black")
    assert positive["is_given"]
    assert positive["percent"] == pytest.approx(20.0)
    assert positive["ratio"] == pytest.approx(1.0)
    assert "infra-marginality" in positive["words"]
    everybody = outcomes(TWO_BOROUGHS, outcome="positive outcome", ethnic_group="All")
    assert everybody["searches"] == 1870
    linked = TWO_BOROUGHS.with_columns(
        positive_outcomes_with_link=pl.col("positive_outcomes")
    )
    assert outcomes(linked, outcome="find", ethnic_group="Black")["ratio"] is not None


@settings(LITTLE, max_examples=12)
@given(
    found=st.lists(st.integers(10, 90), min_size=2, max_size=2),
    unknown=st.integers(1, 60),
    share=st.floats(0, 1),
    black=st.floats(0, 1),
    black_not=st.floats(0, 1),
)
def test_the_bounds_hold_however_the_unknown_are_shared_out(
    found: list[int], unknown: int, share: float, black: float, black_not: float
) -> None:
    hits = round(unknown * share)
    row = outcomes(
        published(
            ("a", "elsewhere", "White", 100, found[0], 0),
            ("a", "elsewhere", "Black", 100, found[1], 0),
            ("a", "elsewhere", "Not stated", unknown, hits, 0),
        ),
        outcome="positive outcome",
        ethnic_group="Black",
    )
    to_black, to_black_not = hits * black, (unknown - hits) * black_not
    mine = (found[1] + to_black) / (100 + to_black + to_black_not)
    theirs = (found[0] + hits - to_black) / (
        100 + hits - to_black + (unknown - hits) - to_black_not
    )
    slack = 1e-9
    assert row["lowest_ratio"] - slack <= mine / theirs <= row["highest_ratio"] + slack


def test_pairs_that_cannot_be_compared_are_left_out_of_the_mismatch() -> None:
    pairs = [
        ("White", "White", 90),
        ("White", "Asian", 10),
        ("Mixed", "Black", 7),
        ("Not stated", "White", 5),
        ("Black", "Not stated", 3),
    ]
    searches = pl.concat(
        published(("a", "elsewhere", own, n, 0, 0)).with_columns(
            officer_defined_ethnic_group=pl.lit(seen)
        )
        for own, seen, n in pairs
    )
    found = {
        one["self_defined_ethnic_group"]: one
        for one in ethnicity_recording_agreement(
            searches_of(searches, NO_RECORDS, "own")
        ).to_dicts()
    }
    assert found["All"]["source"] == POLICE_UK
    assert (found["All"]["searches"], found["All"]["comparable"]) == (115, 100)
    assert found["All"]["mismatch_percent"] == pytest.approx(10.0)
    # Wilson (1927), 10 of 100: 5.52 to 17.44 per cent.
    ends = found["White"]["mismatch_lower"], found["White"]["mismatch_upper"]
    assert ends == pytest.approx((5.5229, 17.4366), abs=1e-4)
    assert found["White"]["seen_as_asian"] == 10
    assert (found["Mixed"]["comparable"], found["Mixed"]["seen_as_black"]) == (0, 7)
    assert "no two descriptions can be compared" in found["Mixed"]["words"]


def answers(**groups: tuple[int, float]) -> pl.DataFrame:
    """Return answers of equal weight 2: number and share satisfied, by group."""
    return pl.DataFrame(
        [
            (date(2024, 1, 1), group.replace("_", " "), n, 2.0 * n, 4.0 * n, share)
            for group, (n, share) in groups.items()
        ],
        [
            *("quarter_start", "ethnic_group", "answers", "weight", "weight_squared"),
            "share_satisfied",
        ],
        orient="row",
    ).with_columns(
        answers_on_fairness=pl.lit(0),
        weight_on_fairness=pl.lit(0.0),
        weight_squared_on_fairness=pl.lit(0.0),
        share_treated_fairly=pl.lit(None, pl.Float64),
    )


def test_groups_are_not_ranked_where_their_intervals_overlap() -> None:
    found = {
        one["ethnic_group"]: one
        for one in satisfaction_gap(
            answers(
                White=(500, 0.7),
                Black=(200, 0.4),
                Asian=(50, 0.65),
                Mixed=(9, 0.5),
                Not_stated=(41, 0.5),
            )
        )
        .filter(question="satisfied overall")
        .to_dicts()
    }
    assert "Not known" not in found
    assert found["White"]["unknown_percent"] == pytest.approx(100 * 41 / 800)
    black = found["Black"]
    everybody = (350 + 80 + 32.5 + 4.5 + 20.5) / 800
    assert black["gap"] == pytest.approx(100 * (0.4 - everybody))
    assert black["gap_lower"] < black["gap"] < black["gap_upper"] < 0
    assert black["effective_answers"] == pytest.approx(200)
    assert black["may_be_ranked"]
    assert not found["White"]["may_be_ranked"]
    assert "the two are not ranked" in found["Asian"]["words"]
    assert not found["Mixed"]["is_given"]
    assert found["Mixed"]["percent"] is None
    fairly = satisfaction_gap(answers(White=(500, 0.7), Black=(200, 0.4)))
    assert not fairly.filter(question="treated fairly")["is_given"].any()


# The real files, counted here by other code than the platform's

_GROUP = {
    "White": "White",
    "Mixed": "Mixed",
    "Mixed/Multiple ethnic groups": "Mixed",
    "Asian or Asian British": "Asian",
    "Asian/Asian British": "Asian",
    "Black or Black British": "Black",
    "Black/African/Caribbean/Black British": "Black",
    "Chinese or other ethnic group": "Other",
    "Other ethnic group": "Other",
}
_NO_ACTION = [
    "A no further action disposal",
    "Nothing found - no further action",
    "Suspected psychoactive substances seized - No further action",
]


def files_of(shared_data: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every stop and search file held."""
    for path in sorted(shared_data.glob("police_uk/*/*-stop-and-search.csv")):
        yield path.name, path.read_bytes()
    for path in sorted(shared_data.glob("police_uk_zip/*.zip")):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield name.rpartition("/")[2], archive.read(name)


def counted(name: str, content: bytes) -> pl.DataFrame:
    """Return one file's searches of persons in the shape of the mart."""
    own, outcome = pl.col("Self-defined ethnicity"), pl.col("Outcome")
    link = pl.col("Outcome linked to object of search")
    positive = ~outcome.is_in(_NO_ACTION)
    group = (
        pl.when(own.str.contains("(?i)not stated"))
        .then(None)
        .when(own.str.contains("- Chinese"))
        .then(pl.lit("Asian"))
        .otherwise(
            own.str.split(" - ").list.first().replace_strict(_GROUP, default=None)
        )
    )
    return (
        pl.read_csv(content, infer_schema=False)
        .filter((pl.col("Type") != "Vehicle search").fill_null(True))
        .with_columns(ethnic_group=group)
        .group_by("ethnic_group")
        .agg(
            pl.len().alias("searches"),
            outcome.is_not_null().sum().alias("outcomes_stated"),
            positive.sum().alias("positive_outcomes"),
            (positive & link.is_not_null()).sum().alias("positive_outcomes_with_link"),
            (link.is_not_null() | ~positive).sum().alias("finds_known"),
            (link == "True").sum().alias("finds"),
        )
        .with_columns(
            month=pl.lit(date(int(name[:4]), int(name[5:7]), 1)),
            force=pl.lit(name[8:].removesuffix("-stop-and-search.csv")),
            borough_code=pl.lit("no-coordinates"),
            officer_defined_ethnic_group=pl.lit("Not known"),
            is_exact_repeat=pl.lit(False),
        )
        .select(COLUMNS)
    )


def test_every_month_held_is_compared_or_refused_as_statsmodels_compares_it(
    shared_data: Path,
) -> None:
    from statsmodels.stats.rates import confint_poisson_2indep

    census = pl.read_csv(
        shared_data / "reference" / "census2021_ethnic_group_by_local_authority.csv"
    )
    code, _, _, category, people = census.columns
    london = census.filter(pl.col(code).str.starts_with("E09")).select(
        area_code=code,
        area=code,
        population_year=pl.lit(2021),
        ethnic_group_broad=pl.col(category).str.split(" ").list.first(),
        people=people,
    )
    forces = london.select(
        borough_code="area_code",
        borough="area",
        force=pl.when(pl.col("area_code") == "E09000001")
        .then(pl.lit("city-of-london"))
        .otherwise(pl.lit("metropolitan")),
    ).unique()
    residents = residents_of(london, forces, FACTS.policed())
    files = [counted(*one) for one in files_of(shared_data)]
    searches = searches_of(pl.concat(files), NO_RECORDS, "own")
    found = search_disparity(searches, residents, NO_DETENTIONS, FACTS).filter(
        area_kind="force", method="crude"
    )
    met = found.filter(force="metropolitan", is_reference=False)
    assert met.filter(months_in_period=1)["month"].n_unique() == 19
    assert met["is_given"].all()
    for one in met.to_dicts():
        counts = [
            *(one["searches"], one["population"]),
            *(one["white_searches"], one["white_population"]),
        ]
        assert (one["lower"], one["upper"]) == pytest.approx(
            confint_poisson_2indep(*counts, method="score", compare="ratio"), rel=1e-4
        )
        bounds = (
            one["ratio_if_no_unknown_in_group"],
            one["ratio_if_all_unknown_in_group"],
        )
        assert bounds[0] < one["ratio"] < bounds[1]
    # As docs/equality.md has it.
    black = met.filter(ethnic_group="Black", months_in_period=1, month=date(2022, 9, 1))
    told = black.select("searches", "population", "white_searches", "white_population")
    assert told.row(0) == (2654, 1_188_141, 3833, 4_725_217)
    assert black.select("ratio", "lower", "upper", "unknown_percent").row(
        0
    ) == pytest.approx((2.7537, 2.6205, 2.8934, 29.023), abs=5e-4)
    for force in ("city-of-london", "btp"):
        refused = found.filter(force=force)
        assert refused.height
        assert refused["rate_per_1000"].is_null().all()
        assert refused["refused_why"].str.contains("is a wrong denominator").all()
    tested = search_outcome_test(searches, forces).filter(area_kind="force")
    finds = tested.filter(force="metropolitan", outcome="find")
    assert finds["refused_why"].str.contains("says of 0 per cent").all()
    assert finds["percent"].is_null().all()
    assert tested.filter(force="metropolitan", outcome="positive outcome")[
        "is_given"
    ].all()
    assert tested.filter(force="city-of-london", outcome="find", ethnic_group="Black")[
        "is_given"
    ].any()
