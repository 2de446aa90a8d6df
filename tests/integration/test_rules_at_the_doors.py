"""What makes a use unlawful stops the very next run, in every door that writes."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from tests.supplier_reviewed import put_decision, put_supplier_in_sprint_1

from .conftest import Platform

pytestmark = pytest.mark.doors

_STREET = Path("datasets") / "police_uk_street"
_KEY = dg.AssetKey(["raw", "police_uk_street"])
_MART = dg.AssetKey(["marts", "crime_by_month"])


def _change(path: Path, expression: str, by: str) -> None:
    text = path.read_text(encoding="utf-8")
    changed = re.sub(expression, by, text, count=1)
    assert changed != text
    path.write_text(changed, encoding="utf-8")


def _withdrawn(root: Path) -> None:
    _change(root / _STREET / "dpia.yaml", r"status: approved", "status: withdrawn")


def _expired(root: Path) -> None:
    _change(root / _STREET / "dpia.yaml", r"due: \+\d+d", "due: -1d")


def _column_added(root: Path) -> None:
    column = """\
      - name: religion
        physicalName: Religion
        logicalType: string
        classification: special-category
        description: Religion of the person, as the feed now gives it.
        customProperties:
          - {property: identifierClass, value: sensitive}
      - name: crime_id
"""
    _change(root / _STREET / "contract.yaml", r"      - name: crime_id\n", column)


def _another_purpose(root: Path) -> None:
    """The contract and the use case both state a purpose that nobody assessed."""
    _change(
        root / _STREET / "contract.yaml",
        r"(property: purposes, value: \[)",
        r"\1P-FAIRNESS, ",
    )
    _change(
        root / "neighbourhood_crime" / "defs.yaml",
        r"purposes: \[",
        "purposes: [P-FAIRNESS, ",
    )


def _law_enforcement_data(root: Path) -> None:
    """The same purposes, all of them general, over data that is now Part 3."""
    _change(
        root / _STREET / "contract.yaml",
        r"(property: regime, value: )part2",
        r"\1part3",
    )


CHANGES: dict[str, tuple[Callable[[Path], None], int, str]] = {
    "approval taken away": (_withdrawn, 2, "DPIA-STREET-CRIME is `withdrawn`"),
    "expired": (_expired, 2, "DPIA-STREET-CRIME was due for review"),
    "a column added": (_column_added, 3, "does not cover the column religion"),
    "another purpose": (_another_purpose, 4, "does not cover the purpose P-FAIRNESS"),
    "Part 3 with no law": (_law_enforcement_data, 6, "s.36(4)"),
}


@pytest.fixture(params=CHANGES)
def unlawful(request: pytest.FixtureRequest, own_defs: Path) -> tuple[int, str]:
    """Make one change to the records; return the rule that must refuse, and its words."""
    change, number, said = CHANGES[request.param]
    change(own_defs)
    return number, said


def _files(platform: Platform) -> list[Path]:
    return [
        path
        for path in (platform.home / "raw" / "police_uk_street").rglob("part-0.parquet")
        if path.parent.name != "month=none"
    ]


def _assert_refused(said: str, unlawful: tuple[int, str]) -> None:
    number, words = unlawful
    flat = " ".join(said.split())
    assert f"rule {number}: " in flat, flat[-3000:]
    assert words in flat
    assert "DPIA" in flat


def _month(platform: Platform) -> str:
    return min(path.name for path in (platform.sample / "police_uk").iterdir())


def test_edp_run_is_refused(fresh: Platform, unlawful: tuple[int, str]) -> None:
    done = fresh.edp("run", "police_uk_street")
    assert done.returncode == 1
    assert _files(fresh) == []
    _assert_refused(done.stdout + done.stderr, unlawful)


def test_a_backfill_is_refused(fresh: Platform, unlawful: tuple[int, str]) -> None:
    done = fresh.edp(
        "backfill", "police_uk_street", "--only", "--partitions", _month(fresh)
    )
    assert done.returncode == 1
    assert _files(fresh) == []
    _assert_refused(done.stdout + done.stderr, unlawful)


def test_the_ui_is_refused(fresh: Platform, unlawful: tuple[int, str]) -> None:
    """A run as the web server starts it: Dagster's own command over the definitions."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dagster", "asset", "materialize"),
            *("--select", 'key:"raw/police_uk_street"'),
            *("--partition", _month(fresh)),
            *("-m", "edp_platform.definitions"),
        ],
        env={**fresh.variables(), "DAGSTER_HOME": _dagster_home(fresh)},
        cwd=fresh.home.parent,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode != 0
    assert _files(fresh) == []
    _assert_refused(done.stdout + done.stderr, unlawful)


def _dagster_home(platform: Platform) -> str:
    folder = platform.home / "dagster"
    folder.mkdir(exist_ok=True)
    return str(folder)


def _load(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Any:
    from edp_platform.components.platform import load_platform
    from edp_platform.home import Home

    for name, value in platform.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("EDP_HOME", str(platform.home))
    monkeypatch.setenv("DAGSTER_HOME", _dagster_home(platform))
    return load_platform(Home.open(date.today()))


def _told(result: Any) -> str:
    return " ".join(
        str(event.event_specific_data)
        for event in result.all_events
        if event.is_step_failure
    )


def test_a_sensors_run_is_refused(
    fresh: Platform, unlawful: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sensor sees what landed and asks; the run it asks for is refused."""
    loaded = _load(fresh, monkeypatch)
    sensor = loaded.definitions.resolve_sensor_def("landing")
    job = loaded.definitions.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        context = dg.build_sensor_context(instance, definitions=loaded.definitions)
        (request,) = sensor.evaluate_tick(context).run_requests
        assert _KEY in request.asset_selection
        result = job.execute_in_process(
            instance=instance,
            asset_selection=[_KEY],
            tags=request.tags,
            raise_on_error=False,
        )
    assert not result.success
    assert _files(fresh) == []
    _assert_refused(_told(result), unlawful)
    (check,) = [
        one
        for one in result.get_asset_check_evaluations()
        if one.check_name == "dpia_gate"
    ]
    assert check.passed is False
    assert unlawful[0] in check.metadata["rules"].value


def test_a_warm_process_sees_an_approval_taken_away(
    fresh: Platform, own_defs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`edp up` keeps its definitions loaded; a record that changed is read again."""
    from rich.console import Console

    from edp_platform.home import Home
    from edp_platform.orchestration.serving import watch_landing
    from edp_platform.orchestration.session import Session

    for name, value in fresh.environment.items():
        monkeypatch.setenv(name, value)
    session = Session(Home.open(date.today(), fresh.home))
    assert session.graph is not None
    assert (
        session.data_sets.by_name["police_uk_street"].refusals("raw", date.today())
        == ()
    )
    _withdrawn(own_defs)
    told = Console(record=True, width=200)
    watch_landing(session, told, iter([True, False]).__next__)
    assert _files(fresh) == []
    assert list((fresh.home / "raw" / "police_uk_outcomes").rglob("part-0.parquet"))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _copy_of(built: Platform, folder: Path) -> Platform:
    shutil.copytree(built.home, folder / "home_built")
    return Platform(folder / "home_built", built.sample, dict(built.environment))


@pytest.mark.parametrize("case", CHANGES)
def test_a_dbt_model_is_refused(
    built: Platform, tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lake holds the rows lawfully; the mart is not built from them any more."""
    import edp_platform

    root = tmp_path / "defs"
    shutil.copytree(Path(edp_platform.__file__).parent / "defs", root)
    change, number, words = CHANGES[case]
    change(root)
    platform = _copy_of(built, tmp_path)
    platform.environment["EDP_DEFS"] = str(root)
    loaded = _load(platform, monkeypatch)
    warehouse = platform.home / "warehouse" / "edp.duckdb"
    before = _digest(warehouse)
    job = loaded.definitions.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(
            instance=instance,
            asset_selection=[_MART],
            partition_key=_month(platform),
            tags={"edp/rebuild": "true"},
            raise_on_error=False,
        )
    assert not result.success
    assert _digest(warehouse) == before
    _assert_refused(_told(result), (number, words))


# ------------------------------------------------------------- the rules of a use case


@pytest.fixture
def own_registers(fresh: Platform, tmp_path: Path) -> Path:
    """A copy of the registers that a test may break."""
    import edp_platform

    root = tmp_path / "registers"
    shutil.copytree(Path(edp_platform.__file__).parent / "registers", root)
    fresh.environment["EDP_REGISTERS"] = str(root)
    return root


def _unreviewed_supplier(root: Path, registers: Path) -> None:
    put_supplier_in_sprint_1(_use_case(root, "use_case.yaml"))


def _remediate(root: Path, registers: Path) -> None:
    path = put_decision(root, registers, date.today())
    _change(path, "decision: continue", "decision: remediate")


def _no_evidence(root: Path, registers: Path) -> None:
    put_decision(root, registers, date.today())
    shutil.rmtree(registers / "supplier_reviews" / "evidence")


def _past_the_agreement(root: Path, registers: Path) -> None:
    path = registers / "suppliers" / "SUP-NORTHGATE.yaml"
    _change(path, r"ends: \+\d+d", "ends: +100d")


def _untrained(root: Path, registers: Path) -> None:
    path = registers / "suppliers" / "SUP-NORTHGATE.yaml"
    _change(path, r"information_and_you: -\d+d", "information_and_you: null")


def _dpia_not_reviewed(root: Path, registers: Path) -> None:
    _change(registers / "dpia_platform.yaml", r"last: -\d+d", "last: -300d")
    _change(registers / "dpia_platform.yaml", r"due: \+\d+d", "due: +60d")


def _eqia_not_reviewed(root: Path, registers: Path) -> None:
    _change(registers / "eqia_platform.yaml", r"last: -\d+d", "last: -300d")
    _change(registers / "eqia_platform.yaml", r"due: \+\d+d", "due: +60d")


def _use_case(root: Path, name: str) -> Path:
    return root / "performance_framework" / name


def _no_monitoring(root: Path, registers: Path) -> None:
    _change(
        _use_case(root, "eqia.yaml"),
        r"(?ms)^  monitoring:\n.*?(?=^  engagement)",
        "  monitoring: []\n",
    )


def _stage_moved(root: Path, registers: Path) -> None:
    """Decided in the problem book, and nobody was consulted."""
    _change(_use_case(root, "defs.yaml"), "stage: evolve", "stage: embed")
    path = registers / "problem_book" / "PB-02.yaml"
    gate = """\
  - stage: embed
    objective: Hand over.
    decision_maker: head-of-performance
    question: Is it used?
    advice: ["analysts: yes"]
    documents: [query log]
    decision: proceed
    on: -5d
"""
    path.write_text(path.read_text(encoding="utf-8") + gate, encoding="utf-8")


def _no_decision(root: Path, registers: Path) -> None:
    path = registers / "problem_book" / "PB-02.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count("decision: proceed") == 2
    path.write_text(text.replace("decision: proceed", "decision: rework"))


def _no_section(root: Path, registers: Path) -> None:
    _change(
        _use_case(root, "use_case.yaml"),
        r"name: stop_and_search_by_month",
        "name: another_mart",
    )


def _model_not_recorded(root: Path, registers: Path) -> None:
    _change(_use_case(root, "use_case.yaml"), r"models: \[\]", "models: [MR-NONE]")


USE_CASE_CHANGES: dict[str, tuple[Callable[[Path, Path], None], int]] = {
    "the overarching DPIA not reviewed": (_dpia_not_reviewed, 9),
    "a supplier's person untrained": (_untrained, 21),
    "no supplier review": (_unreviewed_supplier, 22),
    "a review that says remediate": (_remediate, 22),
    "a review whose evidence is not there": (_no_evidence, 22),
    "a sprint past the supplier's agreement": (_past_the_agreement, 22),
    "no monitoring measure": (_no_monitoring, 36),
    "a model on no record": (_model_not_recorded, 43),
    "no decision to proceed": (_no_decision, 44),
    "a stage moved unconsulted": (_stage_moved, 45),
    "the platform's EqIA not reviewed": (_eqia_not_reviewed, 46),
    "a mart without an equality section": (_no_section, 47),
}

_ASSETS = '''\
"""An asset of the use case's own code."""

import os
from pathlib import Path

import dagster as dg


@dg.asset(
    description="A letter.",
    metadata={"edp/lineage": {"columns": {"text": {"made_of": []}}, "rows": []}},
)
def stop_and_search_by_month_letter() -> None:
    """Write one file, so that a test sees whether it ran."""
    Path(os.environ["EDP_HOME"], "letter.txt").write_text("written")
'''


@pytest.mark.parametrize("case", USE_CASE_CHANGES)
def test_a_use_cases_marts_and_assets_are_refused(
    fresh: Platform,
    own_defs: Path,
    own_registers: Path,
    case: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (own_defs / "performance_framework" / "assets.py").write_text(_ASSETS)
    path = _use_case(own_defs, "use_case.yaml")
    text = path.read_text(encoding="utf-8")
    letter = (
        "    - name: stop_and_search_by_month_letter\n"
        "      equality: {shows: [race], how: as the mart}\n"
    )
    path.write_text(text + letter, encoding="utf-8")
    change, number = USE_CASE_CHANGES[case]
    change(own_defs, own_registers)
    loaded = _load(fresh, monkeypatch)
    assert loaded.set_aside == ()
    warehouse = loaded.warehouse
    model = warehouse.models.by_name["stop_and_search_by_month"]
    refused = {one.number for one in warehouse.refusals(model, date.today())}
    assert number in refused
    other = warehouse.models.by_name["crime_by_month"]
    if number not in (9, 46):  # those two ask after everybody's delivery
        assert warehouse.refusals(other, date.today()) == []
    if number == 47:
        return  # a product's own section; the letter has one
    key = dg.AssetKey("stop_and_search_by_month_letter")
    job = loaded.definitions.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(
            instance=instance, asset_selection=[key], raise_on_error=False
        )
    assert not result.success
    assert f"rule {number}: " in _told(result)
    assert not (fresh.home / "letter.txt").exists()


def test_a_use_cases_own_asset_runs_when_nothing_refuses(
    fresh: Platform, own_defs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_defs / "performance_framework" / "assets.py").write_text(_ASSETS)
    path = _use_case(own_defs, "use_case.yaml")
    key = dg.AssetKey("stop_and_search_by_month_letter")

    def run() -> Any:
        loaded = _load(fresh, monkeypatch)
        job = loaded.definitions.resolve_implicit_global_asset_job_def()
        with dg.DagsterInstance.get() as instance:
            return job.execute_in_process(
                instance=instance, asset_selection=[key], raise_on_error=False
            )

    refused = run()
    assert not refused.success and "rule 47: " in _told(refused)
    assert not (fresh.home / "letter.txt").exists()
    text = path.read_text(encoding="utf-8")
    letter = (
        "    - name: stop_and_search_by_month_letter\n"
        "      equality: {shows: [race], how: as the mart}\n"
    )
    path.write_text(text + letter, encoding="utf-8")
    assert run().success
    assert (fresh.home / "letter.txt").exists()


def test_rule_22_passes_a_mart_after_a_decision_on_the_suppliers_last_sprint(
    fresh: Platform,
    own_defs: Path,
    own_registers: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_decision(own_defs, own_registers, date.today())
    warehouse = _load(fresh, monkeypatch).warehouse
    model = warehouse.models.by_name["stop_and_search_by_month"]
    assert warehouse.refusals(model, date.today()) == []


def test_a_data_set_withdrawn_stops_a_use_cases_own_asset(
    fresh: Platform, own_defs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code that reads marts reads data sets: their DPIAs are asked too."""
    (own_defs / "neighbourhood_crime" / "assets.py").write_text(_ASSETS)
    path = own_defs / "neighbourhood_crime" / "use_case.yaml"
    letter = (
        "    - name: stop_and_search_by_month_letter\n"
        "      equality: {shows: [race], how: as the mart}\n"
    )
    path.write_text(path.read_text(encoding="utf-8") + letter, encoding="utf-8")
    _withdrawn(own_defs)
    loaded = _load(fresh, monkeypatch)
    job = loaded.definitions.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey("stop_and_search_by_month_letter")],
            raise_on_error=False,
        )
    assert not result.success
    _assert_refused(_told(result), (2, "withdrawn"))
    assert not (fresh.home / "letter.txt").exists()


def test_a_published_mart_is_not_shown_once_its_use_case_is_refused(
    built: Platform, tmp_path: Path
) -> None:
    import edp_platform

    root = tmp_path / "registers"
    shutil.copytree(Path(edp_platform.__file__).parent / "registers", root)
    _untrained(root, root)
    asked = Platform(built.home, built.sample, {"EDP_REGISTERS": str(root)})
    done = asked.edp("sql", "select count(*) from marts.stop_and_search_by_month")
    assert done.returncode == 1
    assert "rule 21: " in done.stderr
    other = asked.edp("sql", "select count(*) from marts.crime_by_month")
    assert other.returncode == 0, other.stderr


def test_code_that_would_run_without_asking_is_set_aside(
    fresh: Platform, own_defs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """\
import dagster as dg


@dg.op
def write() -> None: ...


@dg.job
def by_the_side() -> None:
    write()
"""
    (own_defs / "performance_framework" / "assets.py").write_text(source)
    loaded = _load(fresh, monkeypatch)
    (fault,) = loaded.set_aside
    assert "by_the_side would run without asking the gate" in fault.error
    # Its records stand, so its marts are asked as before.
    model = loaded.warehouse.models.by_name["stop_and_search_by_month"]
    assert loaded.warehouse.refusals(model, date.today()) == []
    assert os.environ["EDP_HOME"] == str(fresh.home)
