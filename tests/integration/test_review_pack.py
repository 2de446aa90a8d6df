"""The evidence pack of a real run: its figures are those Dagster and receipts have."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections import Counter
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import yaml

import edp_platform
from edp_platform.orchestration.reviewing import changes
from tests.accessible import faults
from tests.integration.conftest import Platform
from tests.supplier_reviewed import put_supplier_in_sprint_1

pytestmark = pytest.mark.doors

LONDON = ZoneInfo("Europe/London")
USE_CASE = "neighbourhood_crime"
PACKAGE = Path(edp_platform.__file__).parent


@pytest.fixture(scope="module")
def reviewed(built: Platform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """A copy of the built home, to keep packs in, with registers to write into."""
    folder = tmp_path_factory.mktemp("reviewed")
    shutil.copytree(built.home, folder / "home")
    shutil.copytree(PACKAGE / "registers", folder / "registers")
    environment = {"EDP_REGISTERS": str(folder / "registers")}
    return Platform(folder / "home", built.sample, environment)


@pytest.fixture(scope="module")
def pack(reviewed: Platform) -> dict[str, Any]:
    """The pack of the sprint that the run was made in."""
    done = reviewed.edp("review", "pack", USE_CASE, "--sprint", "2", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def recorded(reviewed: Platform) -> dict[str, Any]:
    """What Dagster has on record, asked in another way: asset by asset."""
    with dg.DagsterInstance.from_config(str(reviewed.home / "dagster")) as instance:
        made, checks = {}, {}
        for key in instance.all_asset_keys():
            name = "/".join(key.path)
            made[name] = instance.fetch_materializations(key, limit=5000).records
        keys = _check_keys(instance)
        for key in keys:
            checks[("/".join(key.asset_key.path), key.name)] = (
                instance.event_log_storage.get_asset_check_execution_history(key, 100)
            )
        runs = [
            (run.dagster_run.status.value, run.start_time, run.end_time)
            for run in instance.get_run_records()
        ]
    return {"made": made, "checks": checks, "runs": runs}


def _check_keys(instance: dg.DagsterInstance) -> list[dg.AssetCheckKey]:
    found = set()
    for run in instance.get_run_records():
        records = instance.get_records_for_run(
            run.dagster_run.run_id,
            of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION,
        ).records
        found |= {
            one.event_log_entry.dagster_event.asset_check_evaluation_data.asset_check_key
            for one in records
        }
    return sorted(found, key=str)


def test_the_assets_delivered_are_those_dagster_has(
    pack: dict[str, Any], recorded: dict[str, Any], reviewed: Platform
) -> None:
    assert pack["delivered"]
    for one in pack["delivered"]:
        records = recorded["made"][one["asset"]]
        assert one["times"] == len({record.run_id for record in records})
        assert one["months"] == sorted(
            {record.partition_key for record in records if record.partition_key}
        )
        assert one["is_new"]
        name = one["asset"].split("/")[-1]
        (row,) = reviewed.rows(f"select count(*) as n from marts.{name}")
        assert one["rows"] == row["n"]
    for asset in pack["not_made"]:
        assert not recorded["made"].get(asset)


def test_the_checks_are_those_dagster_has(
    pack: dict[str, Any], recorded: dict[str, Any]
) -> None:
    checks = pack["checks"]
    expected: Counter[str] = Counter()
    for one in checks["by_check"]:
        history = recorded["checks"][(one["asset"], one["check"])]
        for record in history:
            event = record.event.dagster_event
            if event.event_type is not dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                continue  # planned, and not carried out
            told = record.event.dagster_event.asset_check_evaluation_data
            warned = told.severity is dg.AssetCheckSeverity.WARN
            expected["passed" if told.passed else "warned" if warned else "failed"] += 1
    assert checks["by_check"]
    for outcome in ("passed", "warned", "failed"):
        assert checks[outcome] == expected[outcome]
        assert sum(day[outcome] for day in checks["by_day"]) == expected[outcome]
    # Of its own assets none is forgotten.
    own = {one["asset"] for one in pack["delivered"]}
    known = {key for key in recorded["checks"] if key[0] in own}
    assert {(one["asset"], one["check"]) for one in checks["by_check"]} >= known


def test_the_runs_and_their_seconds_are_those_dagster_has(
    pack: dict[str, Any], recorded: dict[str, Any]
) -> None:
    runs = recorded["runs"]
    assert pack["runs"]["count"] == len(runs)
    assert pack["runs"]["by_status"] == dict(Counter(status for status, *_ in runs))
    assert pack["runs"]["seconds"] == pytest.approx(
        sum(end - start for _, start, end in runs), abs=0.01
    )


def test_the_cost_is_recorded_seconds_and_bytes_by_the_registered_price(
    pack: dict[str, Any], reviewed: Platform
) -> None:
    prices = yaml.safe_load(
        (Path(reviewed.environment["EDP_REGISTERS"]) / "prices.yaml").read_text()
    )
    cost = pack["cost"]
    for one in cost["run"]:
        expected = one["quantity"] / 3600 * prices["run_hour_pounds"] / one["shared_by"]
        assert one["pounds"] == pytest.approx(expected, abs=1e-6)
    days = cost["days"]
    for one in cost["storage"]:
        price = prices["stored_gigabyte_month_pounds"]
        expected = one["quantity"] / 1e9 * price * days / 30.4375 / one["shared_by"]
        assert one["pounds"] == pytest.approx(expected, abs=1e-6)
    lake = {one["what"]: one["quantity"] for one in cost["storage"]}
    folder = reviewed.home / "raw/police_uk_street"
    assert lake["police_uk_street: raw lake"] == sum(
        path.stat().st_size for path in folder.rglob("*.parquet")
    )
    # What is divided is the published copy, and no byte of it twice.
    (copy,) = [
        path
        for path in (reviewed.home / "published").glob("*.duckdb")
        if path.stem
        == json.loads((reviewed.home / "published/current.json").read_text())["id"]
    ]
    own = sum(size for what, size in lake.items() if what.endswith("published copy"))
    assert 0 < own <= copy.stat().st_size


def test_freshness_is_held_against_the_contracts_promise(
    pack: dict[str, Any], reviewed: Platform
) -> None:
    first = date.fromisoformat(pack["covers"]["first"])
    last = date.fromisoformat(pack["covers"]["last"])
    landed: dict[tuple[str, str], date] = {}
    for path in (reviewed.home / "landing").glob("??/*/receipt.json"):
        for item in json.loads(path.read_text())["deliveries"]:
            day = date.fromisoformat(item["landed_at"][:10])
            for month in item["months"]:
                key = (item["data_set"], month)
                landed[key] = min(landed.get(key, day), day)
    told = pack["freshness"]["promises"]
    assert told
    for one in told:
        contract = yaml.safe_load(
            (PACKAGE / f"defs/datasets/{one['data_set']}/contract.yaml").read_text()
        )
        (days,) = [
            item["value"]
            for item in contract["slaProperties"]
            if item["property"] == "freshness"
        ]
        year, month = map(int, one["month"].split("-"))
        after = date(year + month // 12, month % 12 + 1, 1)
        due = after - timedelta(days=1) + timedelta(days=days)
        assert one["due"] == due.isoformat()
        assert first <= due <= last
        day = landed.get((one["data_set"], one["month"]))
        expected = "missing" if day is None else "kept" if day <= due else "late"
        assert one["state"] == expected


def test_quarantine_counts_are_those_of_status(
    pack: dict[str, Any], reviewed: Platform
) -> None:
    status = json.loads(reviewed.edp("status", "--json").stdout)
    told = {one["data_set"]: one for one in pack["quarantine"]}
    for name, reasons in status["quarantine_by_reason"].items():
        if name in told:
            assert told[name]["by_reason"] == reasons
            assert told[name]["quarantined"] == sum(reasons.values())
    assert any(one["quarantined"] for one in told.values())


def test_no_value_of_a_row_is_in_a_pack(
    reviewed: Platform, pack: dict[str, Any]
) -> None:
    """The crime identifiers of quarantined lines are values; none may leave."""
    import polars as pl

    text = json.dumps(pack)
    seen = 0
    for path in (reviewed.home / "quarantine").rglob("*.parquet"):
        frame = pl.read_parquet(path)
        for name in ("crime_id", "record"):
            if name in frame.columns:
                for value in frame[name].drop_nulls().cast(pl.String).to_list():
                    seen += 1
                    assert value not in text
    assert seen


def test_the_plan_is_the_programme_offices(pack: dict[str, Any]) -> None:
    record = yaml.safe_load((PACKAGE / f"defs/{USE_CASE}/use_case.yaml").read_text())
    sprint = record["use_case"]["sprints"][1]
    pounds = pack["plan"]["pounds"]
    assert pounds["planned"] == sprint["budget_pounds"]
    assert pounds["actual"] == sprint["spent"]["pounds"]


def test_the_pack_is_kept_shown_and_accessible(
    pack: dict[str, Any], reviewed: Platform
) -> None:
    page, kept = pack["files"][1], pack["files"][0]
    assert faults(Path(page).read_text(encoding="utf-8")) == []
    assert Path(kept).is_relative_to(reviewed.home / "review_packs")
    shown = reviewed.edp("review", "show", USE_CASE, "--sprint", "2", "--json")
    assert shown.returncode == 0, shown.stderr
    told = json.loads(shown.stdout)
    assert told["sha256"] == pack["sha256"]
    listed = json.loads(reviewed.edp("review", "list", "--json").stdout)
    (own,) = [
        one for one in listed if (one["use_case"], one["sprint"]) == (USE_CASE, 2)
    ]
    assert len(own["packs"]) >= 1


def test_a_pack_goes_where_it_is_asked(reviewed: Platform, tmp_path: Path) -> None:
    done = reviewed.edp(
        "review", "pack", USE_CASE, "--sprint", "2", "--to", str(tmp_path / "pack")
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "pack").iterdir()) == [
        "index.html",
        "pack.json",
    ]
    assert "SHA-256" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pack", "nowhere", "--sprint", "1"], "There is no use case nowhere"),
        (["pack", USE_CASE, "--sprint", "99"], "has no sprint 99 on record"),
        (["show", USE_CASE, "--sprint", "99"], "edp review pack"),
    ],
)
def test_what_nobody_declared_is_refused(
    reviewed: Platform, arguments: list[str], said: str
) -> None:
    done = reviewed.edp("review", *arguments)
    assert done.returncode == 1
    assert said in " ".join(done.stderr.split())


def test_a_pack_without_a_price_list_says_so(
    reviewed: Platform, tmp_path: Path
) -> None:
    registers = tmp_path / "registers"
    shutil.copytree(reviewed.environment["EDP_REGISTERS"], registers)
    (registers / "prices.yaml").unlink()
    poor = Platform(reviewed.home, reviewed.sample, {"EDP_REGISTERS": str(registers)})
    done = poor.edp("review", "pack", USE_CASE, "--sprint", "2", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["cost"] is None
    assert any("price list" in one for one in told["not_found"])


DECISION = [
    "--decision",
    "continue",
    "--reason",
    "What was ordered was delivered.",
    "--quality",
    "Every check passed.",
    "--value-for-money",
    "Within budget.",
    "--learning-shared",
    "Two analysts can go on alone.",
]


def test_rule_22_refuses_and_passes_a_decision_through_the_command_line(
    reviewed: Platform, tmp_path: Path
) -> None:
    """A supplier whose first sprint is over."""
    defs = tmp_path / "defs"
    shutil.copytree(PACKAGE / "defs", defs)
    put_supplier_in_sprint_1(defs / "performance_framework" / "use_case.yaml")
    reviewed = Platform(
        reviewed.home,
        reviewed.sample,
        {**reviewed.environment, "EDP_DEFS": str(defs)},
    )
    case = ["performance_framework", "--sprint", "1"]
    early = reviewed.edp(
        "review", "decide", *case, *DECISION, "--reviewer", "commercial-lead"
    )
    assert early.returncode == 1
    assert "No pack" in early.stderr
    made = reviewed.edp("review", "pack", *case, "--json")
    assert made.returncode == 0, made.stderr
    pack = json.loads(made.stdout)
    assert any("first used" in one for one in pack["not_found"])
    judged = [
        part for one in pack["deliverables"] for part in ("--delivered", one["what"])
    ]
    wrong = reviewed.edp(
        "review", "decide", *case, *DECISION, *judged, "--reviewer", "crime-data-lead"
    )
    assert wrong.returncode == 1
    assert "rule 22" in wrong.stderr
    done = reviewed.edp(
        "review", "decide", *case, *DECISION, *judged, "--reviewer", "commercial-lead"
    )
    assert done.returncode == 0, done.stderr
    folder = Path(reviewed.environment["EDP_REGISTERS"]) / "supplier_reviews"
    (written,) = folder.glob("SR-PERFORMANCE-FRAMEWORK-1.yaml")
    record = yaml.safe_load(written.read_text())
    assert record["evidence"] == pack["sha256"]
    beside = folder / "evidence" / f"{pack['sha256']}.json"
    assert hashlib.sha256(beside.read_bytes()).hexdigest() == pack["sha256"]
    # Nobody needs the home it was made in to find it.
    asked = reviewed.edp("governance", "check")
    assert asked.returncode == 0, asked.stderr
    beside.unlink()
    refused = reviewed.edp("governance", "check")
    assert refused.returncode == 1
    assert f"{written}:" in refused.stderr and "rule 22" in refused.stderr
    shown = reviewed.edp("review", "show", *case)
    assert "SR-PERFORMANCE-FRAMEWORK-1: continue" in shown.stdout


def test_a_pack_that_somebody_changed_is_shown_as_such(
    reviewed: Platform, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(reviewed.home / "review_packs", home / "review_packs")
    shutil.copy(reviewed.home / "home.json", home / "home.json")
    for path in home.glob(f"review_packs/{USE_CASE}/sprint-2/*/pack.json"):
        told = json.loads(path.read_text())
        told["checks"]["failed"] = 12345
        path.write_text(json.dumps(told))
    changed = Platform(home, reviewed.sample)
    done = changed.edp("review", "show", USE_CASE, "--sprint", "2")
    assert done.returncode == 1
    assert "was changed after it was made" in " ".join(done.stderr.split())


def test_changes_are_those_of_version_control(tmp_path: Path) -> None:
    def git(*arguments: str, day: str = "2026-05-03") -> None:
        moment = datetime.combine(date.fromisoformat(day), time(12), LONDON).isoformat()
        subprocess.run(
            [
                *("git", "-C", str(tmp_path)),
                *("-c", "user.name=a", "-c", "user.email=a@b.c"),
                *arguments,
            ],
            check=True,
            capture_output=True,
            env={
                "PATH": "/usr/bin:/bin",
                "GIT_AUTHOR_DATE": moment,
                "GIT_COMMITTER_DATE": moment,
                "HOME": str(tmp_path),
            },
        )

    for name in ("defs", "marts", "elsewhere"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.sql").write_text("1")
    git("init")
    git("add", ".")
    git("commit", "-m", "Before", day="2026-04-30")
    (tmp_path / "defs/a.sql").write_text("2")
    (tmp_path / "marts/a.sql").write_text("2")
    git("commit", "-am", "A mart")
    (tmp_path / "elsewhere/a.sql").write_text("2")
    git("commit", "-am", "Not ours")
    folders = [tmp_path / "defs", tmp_path / "marts"]
    found = changes(folders, date(2026, 5, 1), date(2026, 5, 31))
    assert found is not None
    assert [(one.subject, one.files, one.on) for one in found] == [
        ("A mart", 2, date(2026, 5, 3))
    ]


def test_no_version_control_is_told_and_not_taken_for_no_change(tmp_path: Path) -> None:
    assert changes([tmp_path], date(2026, 5, 1), date(2026, 5, 31)) is None
