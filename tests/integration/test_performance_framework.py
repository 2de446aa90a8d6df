"""Measures, signals, forecasts and evaluations, from landed files to what people see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from edp_platform.database.embedded import EmbeddedServer
from edp_platform.home import Home
from edp_platform.sample import make_sample
from tests.integration.conftest import Platform

pytestmark = pytest.mark.doors
#: Enough for a year before and a year of the planted patrols.
_MONTHS = 24
_MADE_IN_PYTHON = (
    *("measure_signals", "measure_series", "area_funnels", "similar_areas"),
    *("search_disparity", "search_outcome_test", "ethnicity_recording_agreement"),
    *("satisfaction_gap", "evaluation_results", "response_times_by_month"),
    *("demand_hour_of_week", "demand_forecast", "forecast_evaluation"),
    *("staffing_by_shift", "area_standing", "area_concentration", "area_persistence"),
    *("area_ranking", "ranking_evaluation", "ranking_equality_check", "near_repeat"),
)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The whole sample force, everything built; published twice."""
    folder = tmp_path_factory.mktemp("framework")
    sample = folder / "sample"
    make_sample(sample, "small", _MONTHS, 7, today=date.today())
    made = Platform(
        folder / "home", sample, {"EDP_LEAVE_OUT": "", "EDP_SERVING": "off"}
    )
    parts = ("police_uk", "london_datastore", "reference", "force_systems")
    done = made.edp("land", *(str(sample / name) for name in parts))
    assert done.returncode == 0, done.stdout + done.stderr
    yield made
    EmbeddedServer(Home.open(date.today(), made.home)).stop()


def test_a_whole_run_makes_every_mart_and_a_landing_only_the_quick_ones(
    platform: Platform,
) -> None:
    """Real dbt, SQL and Python, with every check; then a later release of one month."""
    done = platform.edp("run", "--json", timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {
        name: platform.rows(f"select count(*) as n from marts.{name}")[0]["n"]
        for name in _MADE_IN_PYTHON
    }
    assert all(counts.values()), counts
    assert (
        counts["measure_signals"]
        == (platform.rows("select count(*) as n from marts.measure_values")[0]["n"])
    )
    again = platform.edp("run")
    assert "nothing was run" in again.stdout

    done = platform.edp("sample", "tick", "--sample", str(platform.sample))
    assert done.returncode == 0, done.stdout + done.stderr
    platform.environment["EDP_LEAVE_OUT"] = "slow"
    try:
        later = platform.edp("run", "--json")
    finally:
        platform.environment["EDP_LEAVE_OUT"] = ""
    assert later.returncode == 0, later.stdout + later.stderr
    # What the landing did not change was taken over, and is what anew would give.
    signals = "select * from marts.measure_signals order by all"
    kept = platform.rows(signals)
    done = platform.edp("run", "--rebuild", "measure_signals", "published/marts")
    assert done.returncode == 0, done.stdout + done.stderr
    assert platform.rows(signals) == kept


def test_a_measure_is_shown_with_limits_words_and_its_snapshot(
    platform: Platform,
) -> None:
    """What the command says is what the mart holds."""
    done = platform.edp("measure", "show", "burglary", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = json.loads(done.stdout)
    held = platform.rows(
        "select month, value from marts.measure_values where measure = 'burglary' "
        "and area_kind = 'force' order by month"
    )
    assert [(one["month"], one["value"]) for one in shown["periods"]] == [
        (one["month"], one["value"]) for one in held
    ]
    assert shown["words"] and shown["snapshot"]
    listed = json.loads(platform.edp("measure", "list", "--json").stdout)
    assert len(listed) >= 25
    assert {"trust", "crime", "standards"} == {one["aim"] for one in listed}
    assert {"id", "aim", "title", "unit", "areas", "source"} <= listed[0].keys()
    wrong = platform.edp("measure", "show", "burglry")
    assert wrong.returncode == 2 and "Near: burglary" in wrong.stderr


def test_why_a_figure_changed_adds_up(platform: Platform) -> None:
    """The month that came in twice: each part named, nothing left over."""
    measure = "calls_999_answered_on_time"
    done = platform.edp("measure", "why", measure, "--from", "first", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["from"]["snapshot"] != told["to"]["snapshot"]
    for one in told["changed"]:
        parts = sum(part["numerator"] or 0 for part in one["parts"])
        assert parts == one["change"]["numerator"], one["month"]
    # The month of today came in as a whole: nothing before it changed.
    assert told["only_later"] or told["changed"]


def test_an_evaluation_says_what_it_may(platform: Platform) -> None:
    """The plan was registered, the effect is planted; the sample is small."""
    done = platform.edp("evaluation", "show", "EV-01")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "difference in differences" in done.stdout
    assert "caused" not in done.stdout.partition("Against")[0]


def test_a_mart_made_in_python_of_persons_is_refused(
    platform: Platform, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Its YAML says what it is made of, and the gate judges that (rule 4)."""
    import shutil

    from edp_platform.warehouse.manifest import dbt_project_folder

    project = shutil.copytree(dbt_project_folder(), tmp_path / "dbt")
    folder = project / "models" / "marts" / "demand"
    (folder / "staffing_by_shift.py").write_text(
        '"""."""\n\n\ndef model(dbt, session):\n    """."""\n'
        '    return dbt.ref("stg_nominals").project("surname").pl()\n'
    )
    (folder / "staffing_by_shift.yml").write_text(
        "version: 2\nmodels:\n  - name: staffing_by_shift\n    description: One row.\n"
        "    config: {meta: {rows: [staging.stg_nominals.nominal_id]}}\n    columns:\n"
        "      - name: surname\n        data_type: varchar\n        description: It.\n"
        "        config: {meta: {made_of: [staging.stg_nominals.surname]}}\n"
    )
    own = Platform(
        platform.home,
        platform.sample,
        {**platform.environment, "EDP_DBT_PROJECT": str(project)},
    )
    done = own.edp("run", "staffing_by_shift")
    assert done.returncode == 1
    assert "rule 4" in done.stdout and "surname" in done.stdout
