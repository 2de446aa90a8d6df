"""Measures as data: what is refused, what is generated, and the intervals' formulas."""

from __future__ import annotations

import math
import shutil
from datetime import date
from pathlib import Path

import duckdb
import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edp_platform.datasets import defs_root
from edp_platform.measures.declared import Measure
from edp_platform.measures.loading import (
    MeasureInvalid,
    breaks_declared,
    check_measures,
    load_measures,
    measure_files,
    no_ratio_of_groups,
    total_notifiable,
)
from edp_platform.measures.sql import drift, effective_sample, generated_files
from edp_platform.measures.sql import write_generated as write
from edp_platform.warehouse.manifest import dbt_project_folder

OWN = defs_root() / "performance_framework"
MEASURES = load_measures()


def _root(tmp_path: Path, **texts: str) -> Path:
    """Return a folder of use cases that holds these measures and no others."""
    folder = tmp_path / "performance_framework" / "measures"
    folder.mkdir(parents=True)
    shutil.copy(OWN / "eqia.yaml", folder.parent)
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def _text(name: str, *changes: tuple[str, str]) -> str:
    text = (OWN / "measures" / f"{name}.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, f"{name} no longer says {old!r}"
        text = text.replace(old, new)
    return text


# ------------------------------------------------------------------ the measures held


def test_there_are_measures_of_every_aim_and_each_stands_in_its_own_file() -> None:
    assert check_measures() == []
    assert len(MEASURES) >= 25
    assert {one.aim for one in MEASURES.values()} == {"trust", "crime", "standards"}
    assert [path.stem for path in measure_files()] == [*MEASURES]
    # Every measure says how it stands to equality, and under which assessment.
    assert {one.eqia for one in MEASURES.values()} == {"EQIA-PERFORMANCE-FRAMEWORK"}
    assert all(one.equality for one in MEASURES.values())


def test_a_measure_says_what_its_charts_need() -> None:
    calls = MEASURES["immediate_calls_on_time"].series_settings()
    assert (calls.better, calls.target, calls.highest) == ("higher", 90, 100)
    assert not calls.is_count
    homicide = MEASURES["homicide"].series_settings()
    assert (homicide.is_count, homicide.lowest, homicide.highest) == (True, 0, None)
    assert homicide.breaks == (date(2024, 3, 1),)
    assert homicide.steps == (date(2023, 8, 1),)
    assert homicide.rate_per is None
    assert MEASURES["burglary_rate"].series_settings().rate_per == 1000
    trust = MEASURES["trust_in_police"].series_settings()
    assert trust.frequency == "quarter"
    assert trust.overlapping is not None and "rolling year" in trust.overlapping


def test_no_find_rate_where_the_link_is_never_filled() -> None:
    (values,) = MEASURES["search_find_rate"].values
    assert "metropolitan" in values.without["force"]
    assert "Metropolitan" in MEASURES["search_find_rate"].method


# ----------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("burglary", [("  better: lower", "  beter: lower")], "`beter` is not a field"),
        ("burglary", [("  owner: team:crime-data\n", "")], "`owner` is not answered"),
        ("burglary", [("team:crime-data", "team:nobody")], "stands in no register"),
        ("burglary", [("  title: Burglary", "  title:")], "`title` is not answered"),
        ("homicide", [("areas: [force, borough]", "areas: [county]")], "`areas.0`"),
        ("burglary", [("areas: [ward]", "areas: [borough]")], "each kind of area"),
        ("burglary", [("int_measure_recorded_crime", "no_model")], "no model no_model"),
        ("burglary", [("numerator: crimes", "numerator: crime")], "no column `crime`"),
        ("burglary", [("[Burglary]", "[Burglery]")], "such as Burglary"),
        ("burglary", [("source: [mps_borough_crime, ", "source: [")], "its `source`"),
        ("burglary", [("  source: [", "  source: [no_set, ")], "no data set no_set"),
        ("burglary", [("EQIA-PERFORMANCE-FRAMEWORK", "EQIA-X")], "is EQIA-PERFORM"),
        ("burglary", [("  id: burglary", "  id: theft")], "stands in theft.yaml"),
        ("burglary", [("denominator: null", "denominator: People")], "a count has"),
        ("burglary", [("kind: count", "kind: proportion")], "says what it is divided"),
        ("burglary", [("settles_after: 1", "settles_after: true")], "`settles_after`"),
        ("burglary", [("from: 2024-03", "from: March")], "a month such as 2024-03"),
        (
            "burglary_small_areas",
            [("frequency: year", "frequency: month")],
            "by the year",
        ),
        ("custody", [], "the file is missing"),
    ],
)
def test_a_measure_is_refused_with_its_line_and_what_to_write(
    tmp_path: Path, name: str, changes: list[tuple[str, str]], told: str
) -> None:
    if name == "custody":
        root = _root(tmp_path, burglary=_text("burglary"))
        (root / "performance_framework/measures/custody.yaml").symlink_to("nowhere")
    else:
        root = _root(tmp_path, **{name: _text(name, *changes)})
    with pytest.raises(MeasureInvalid) as refused:
        load_measures(root)
    path = root / "performance_framework" / "measures" / f"{name}.yaml"
    lines = str(refused.value).splitlines()
    assert all(line.startswith(f"{path}:") for line in lines)
    assert any(told in line for line in lines), str(refused.value)
    assert check_measures(root) == lines


@pytest.mark.parametrize("field", ["method", "disclosure"])
def test_method_and_disclosure_are_asked_for(tmp_path: Path, field: str) -> None:
    text = _text("homicide")
    head, _, rest = text.partition(f"  {field}:")
    body = rest.split("\n  ", 1)
    while body[-1].startswith("  "):
        body = body[-1].split("\n  ", 1)
    root = _root(tmp_path, homicide=f"{head}  {body[-1]}")
    with pytest.raises(MeasureInvalid, match=f"`{field}` is not answered"):
        load_measures(root)


def test_an_unchanged_measure_passes_and_two_of_one_id_do_not(tmp_path: Path) -> None:
    assert [*load_measures(_root(tmp_path, burglary=_text("burglary")))] == ["burglary"]
    other = tmp_path / "other_use" / "measures"
    other.mkdir(parents=True)
    shutil.copy(OWN / "eqia.yaml", other.parent)
    (other / "burglary.yaml").write_text(_text("burglary"), encoding="utf-8")
    with pytest.raises(MeasureInvalid, match="the id of another measure too"):
        load_measures(tmp_path)


def _without_breaks(name: str) -> Measure:
    return MEASURES[name].model_copy(update={"breaks": []})


def test_rule_38_refuses_a_measure_of_hate_crime_without_the_break() -> None:
    ((keys, told),) = breaks_declared(_without_breaks("aggravated_public_order"))
    assert keys == ["id"] and "rule 38" in told and "from: 2024-03" in told
    named = _without_breaks("burglary").model_copy(update={"title": "Domestic abuse"})
    assert "domestic abuse" in breaks_declared(named)[0][1]


def test_rule_38_passes_a_measure_that_declares_the_break() -> None:
    assert breaks_declared(MEASURES["aggravated_public_order"]) == ()
    assert breaks_declared(_without_breaks("burglary")) == ()


def test_rule_37_refuses_a_ratio_of_groups_without_its_unknown_share() -> None:
    named = MEASURES["search_rate"].model_copy(update={"id": "search_disparity_black"})
    ((keys, told),) = no_ratio_of_groups(named)
    assert keys == ["id"] and "rule 37" in told and "search_disparity" in told


def test_rule_37_passes_a_rate_that_compares_nobody() -> None:
    assert no_ratio_of_groups(MEASURES["search_rate"]) == ()


def test_rule_39_refuses_a_total_with_other_accepted_crime() -> None:
    total = MEASURES["total_notifiable_offences"]
    first = total.values[0].model_copy(update={"without": {}})
    found = total_notifiable(total.model_copy(update={"values": [first]}))
    assert [keys for keys, _ in found] == [["values", 0]]
    assert "rule 39" in found[0][1]
    asked = first.model_copy(
        update={
            "only": {"offence_group": ["Other Accepted Crime"]},
            "without": {"offence": ["other accepted crime"]},
        }
    )
    assert total_notifiable(total.model_copy(update={"values": [asked]}))


def test_rule_39_passes_a_total_that_leaves_it_out_in_yaml_and_in_sql() -> None:
    total = MEASURES["total_notifiable_offences"]
    assert total_notifiable(total) == ()
    assert total_notifiable(MEASURES["burglary"]) == ()
    sql = _generated([total], "int_measure_counts_whole.sql")
    for select in sql.split("union all"):
        assert "not (counts.offence_group in ('Other Accepted Crime'" in select


# ----------------------------------------------------------------------- generated


def _generated(measures: list[Measure], name: str) -> str:
    files = generated_files(measures, dbt_project_folder())
    return files[Path("models/intermediate") / name]


def test_the_generated_models_say_what_the_measures_say() -> None:
    assert drift(MEASURES.values(), dbt_project_folder()) == []


def test_an_edited_file_is_found_and_written_again(tmp_path: Path) -> None:
    project = tmp_path / "dbt"
    shutil.copytree(dbt_project_folder() / "models", project / "models")
    edited = project / "models" / "intermediate" / "int_measure_settings.sql"
    edited.write_text("select 1\n", encoding="utf-8")
    assert drift(MEASURES.values(), project) == [edited]
    assert write(MEASURES.values(), project) == [edited]
    assert drift(MEASURES.values(), project) == []


def test_a_measure_is_added_by_one_file(tmp_path: Path) -> None:
    text = _text(
        "weapons_possession",
        ("  id: weapons_possession", "  id: arson"),
        ("  title: Possession of weapons", "  title: Arson"),
        ("only: {offence_group: [Possession of Weapons]}", "only: {offence: [Arson]}"),
    )
    measures = load_measures(_root(tmp_path, arson=text))
    sql = _generated([*measures.values()], "int_measure_counts_whole.sql")
    assert sql.count("'arson' as measure") == 3
    assert "(counts.offence = 'Arson')" in sql
    assert "('arson', 'ward', 'count'" in _generated(
        [*measures.values()], "int_measure_settings.sql"
    )


def test_the_measure_of_the_documentation_is_one(tmp_path: Path) -> None:
    page = (dbt_project_folder().parent / "docs" / "measures.md").read_text("utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    assert [*load_measures(_root(tmp_path, arson=example))] == ["arson"]


def test_monthly_models_are_counted_month_by_month_and_others_whole() -> None:
    monthly = _generated([*MEASURES.values()], "int_measure_counts_by_month.sql")
    whole = _generated([*MEASURES.values()], "int_measure_counts_whole.sql")
    assert "incremental_strategy='by_month'" in monthly
    selects = monthly.split("union all")
    assert all("month_dates_in_scope('counts.month')" in one for one in selects)
    assert "in_scope" not in whole
    # A survey by quarter belongs to no month of a run.
    assert "'trust_in_police'" in whole and "'trust_in_police'" not in monthly
    # A force's figure of a borough is of its own records alone.
    borough = next(one for one in selects if "'published_crime' as measure" in one
                   and "'borough' as area_kind" in one)  # fmt: skip
    assert "counts.force = areas.force" in borough


def test_a_survey_rests_on_the_answers_its_areas_share() -> None:
    trust = MEASURES["trust_in_police"]
    assert trust.survey is not None
    whole = trust.survey.respondents_per_year / trust.survey.design_effect
    # Four overlapping quarters are a year; a borough has a thirty-second of it.
    assert effective_sample(trust, "force") == pytest.approx(whole)
    assert effective_sample(trust, "borough") == pytest.approx(whole / 32)
    assert effective_sample(MEASURES["victim_satisfaction"], "force") is None


# ----------------------------------------------------------------------- intervals


def _macros() -> jinja2.environment.TemplateModule:
    path = dbt_project_folder() / "macros" / "intervals.sql"
    return jinja2.Environment().from_string(path.read_text(encoding="utf-8")).module


MACROS = _macros()
DUCK = duckdb.connect()


def _wilson(successes: float, trials: float) -> tuple[float, float]:
    sides = [
        getattr(MACROS, f"wilson_{side}")("successes", "trials")
        for side in ("lower", "upper")
    ]
    given_values = "select ?::double as successes, ?::double as trials"
    asked = f"select {', '.join(sides)} from ({given_values})"
    found = DUCK.execute(asked, [successes, trials]).fetchone()
    assert found is not None
    return found


def _counted(count: float) -> tuple[float, float, str]:
    asked = ", ".join(
        getattr(MACROS, name)("n")
        for name in ("count_lower", "count_upper", "count_interval")
    )
    found = DUCK.execute(
        f"select {asked} from (select ?::double as n)", [count]
    ).fetchone()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("successes", "trials", "lower", "upper"),
    [
        # Newcombe 1998, Stat. Med. 17:857-872, table I, method 3 (Wilson's score).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_newcombe_published_it(
    successes: int, trials: int, lower: float, upper: float
) -> None:
    assert _wilson(successes, trials) == pytest.approx((lower, upper), abs=0.00005)


def test_wilson_as_scipy_has_it() -> None:
    from scipy.stats import binomtest

    for successes, trials in ((0, 1), (1, 1), (3, 7), (20, 20), (450, 9000)):
        known = binomtest(successes, trials).proportion_ci(method="wilson")
        assert _wilson(successes, trials) == pytest.approx(
            (known.low, known.high), abs=1e-12
        )


def test_exact_poisson_limits_as_garwood_has_them() -> None:
    """Garwood 1936: half the quantiles of chi-squared of 2n and 2n + 2 degrees."""
    from scipy.special import chdtri

    for count in range(10):
        lower = chdtri(2 * count, 0.975) / 2 if count else 0.0
        upper = chdtri(2 * count + 2, 0.025) / 2
        assert _counted(count) == (
            pytest.approx(lower, abs=5e-7),
            pytest.approx(upper, abs=5e-7),
            "exact poisson",
        )


def test_byars_limits_from_ten_on_are_close_to_exact() -> None:
    """Breslow and Day 1987, p. 69: the approximation is accurate even for small n.

    Against the exact limits, and against their formula written out by itself.
    """
    from scipy.special import chdtri

    z = 1.959963984540054
    for count in (10, 15, 50, 400, 67791):
        lower, upper, method = _counted(count)
        one = count + 1
        assert lower == pytest.approx(
            count * (1 - 1 / (9 * count) - z / (3 * math.sqrt(count))) ** 3
        )
        assert upper == pytest.approx(
            one * (1 - 1 / (9 * one) + z / (3 * math.sqrt(one))) ** 3
        )
        assert lower == pytest.approx(chdtri(2 * count, 0.975) / 2, rel=0.002)
        assert upper == pytest.approx(chdtri(2 * one, 0.025) / 2, rel=0.002)
        assert method == "byar"


@settings(max_examples=40, deadline=None, derandomize=True)
@given(trials=st.integers(1, 10**6), share=st.floats(0, 1))
def test_an_interval_holds_its_share_and_stays_possible(
    trials: int, share: float
) -> None:
    lower, upper = _wilson(share * trials, trials)
    assert 0 <= lower <= share + 1e-9
    assert share - 1e-9 <= upper <= 1
    wider = _wilson(share * trials / 4, trials / 4)
    assert wider[1] - wider[0] >= upper - lower - 1e-12


@settings(max_examples=40, deadline=None, derandomize=True)
@given(count=st.integers(0, 10**7))
def test_a_counts_interval_holds_it_and_grows_with_it(count: int) -> None:
    lower, upper, _ = _counted(count)
    above = _counted(count + 1)
    assert 0 <= lower <= count < upper
    assert lower < above[0] and upper < above[1]


def test_nothing_known_gives_no_interval() -> None:
    asked = ", ".join(
        [
            MACROS.wilson_lower("n", "n"),  # type: ignore[attr-defined]
            MACROS.wilson_upper("n", "0.0"),  # type: ignore[attr-defined]
            MACROS.count_lower("n"),  # type: ignore[attr-defined]
            MACROS.count_upper("n"),  # type: ignore[attr-defined]
        ]
    )
    row = DUCK.execute(f"select {asked} from (select null::double as n)").fetchone()
    assert row == (None, None, None, None)
