"""Every door asks the gate before a byte is written: one test each, through the door."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from .conftest import Platform

pytestmark = pytest.mark.doors

_STREET = Path("datasets") / "police_uk_street"


def _withdraw(own_defs: Path, data_set: Path = _STREET) -> None:
    """Take a DPIA's approval away."""
    path = own_defs / data_set / "dpia.yaml"
    text = path.read_text()
    changed = re.sub(r"(?m)^  status: approved", "  status: withdrawn", text)
    assert changed != text
    path.write_text(changed)


def _tree(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file()
    }


def _check(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the last evaluation of the street data set's gate check on record."""
    monkeypatch.setenv("DAGSTER_HOME", str(platform.home / "dagster"))
    key = dg.AssetCheckKey(dg.AssetKey(["raw", "police_uk_street"]), "dpia_gate")
    with dg.DagsterInstance.get() as instance:
        record = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [key]
        )[key]
        assert record is not None and record.event is not None
        event = record.event.dagster_event
        assert event is not None
        return event.asset_check_evaluation_data


def test_landing_refuses_before_a_byte_is_written(
    fresh: Platform, own_defs: Path, tmp_path: Path
) -> None:
    _withdraw(own_defs)
    fresh.home = tmp_path / "empty"
    done = fresh.edp("land", str(fresh.sample / "police_uk"), "--json")
    outcomes = json.loads(done.stdout)
    refused = [one for one in outcomes if one["outcome"] == "refused"]
    assert done.returncode == 1
    assert refused and all("street" in one["name"] for one in refused)
    assert all(
        "withdrawn, not approved" in one["reason"].replace("`", "") for one in refused
    )
    landed = list((fresh.home / "landing").glob("*/*/receipt.json"))
    assert landed and not any('"police_uk_street"' in one.read_text() for one in landed)


def test_a_run_refuses_and_the_refusal_is_a_failed_check(
    fresh: Platform, own_defs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _withdraw(own_defs)
    done = fresh.edp("run", "police_uk_street", "--json")
    assert done.returncode == 1
    assert not list((fresh.home / "raw" / "police_uk_street").glob("month=2*"))
    assert _check(fresh, monkeypatch).passed is False


def test_a_backfill_refuses(fresh: Platform, own_defs: Path) -> None:
    _withdraw(own_defs)
    month = min(path.name for path in (fresh.sample / "police_uk").iterdir())
    done = fresh.edp("backfill", "police_uk_street", "--only", "--partitions", month)
    assert done.returncode == 1
    assert "withdrawn" in done.stdout
    assert not list((fresh.home / "raw" / "police_uk_street").glob("month=2*"))


def test_what_others_own_is_loaded_all_the_same(
    fresh: Platform, own_defs: Path
) -> None:
    _withdraw(own_defs)
    done = fresh.edp("run", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    failed = {(one["asset"], one["check"]) for one in told["checks_failed"]}
    assert ("raw/police_uk_street", "dpia_gate") in failed
    assert "police_uk_stop_and_search" in told["rows"]
    assert fresh.rows("select count(*) as n from marts.public_attitude_by_quarter") != [
        {"n": 0}
    ]


def test_a_mart_is_not_built_for_a_use_case_its_dpia_does_not_cover(
    fresh: Platform, own_defs: Path
) -> None:
    path = own_defs / _STREET / "dpia.yaml"
    text = path.read_text()
    changed = re.sub(r"(?m)^(\s+)(use_cases: .*)$", r"\1use_cases: [another]", text)
    assert changed != text
    path.write_text(changed)
    done = fresh.edp("run", "--json")
    told = json.loads(done.stdout)
    failed = {(one["asset"], one["check"]) for one in told["checks_failed"]}
    assert done.returncode == 1
    assert ("marts/crime_by_month", "dpia_gate") in failed
    assert ("marts/public_attitude_by_quarter", "dpia_gate") not in failed
    answer = fresh.edp("sql", "select count(*) from marts.crime_by_month")
    assert answer.returncode == 1


def test_a_new_column_in_the_feed_is_refused(fresh: Platform, tmp_path: Path) -> None:
    source = next((fresh.sample / "police_uk").glob("*/*-sample-force-street.csv"))
    text = source.read_text(encoding="utf-8", errors="replace").splitlines()
    widened = tmp_path / source.name.replace(source.name[:7], "2019-01")
    widened.write_text("\n".join([text[0] + ",Religion", text[1] + ",x"]) + "\n")
    before = _tree(fresh.home / "landing")
    done = fresh.edp("land", str(widened))
    assert done.returncode == 1
    assert "not in the contract: Religion" in done.stderr
    assert "Rule 3: a column that DPIA-STREET-CRIME does not cover" in done.stderr
    assert _tree(fresh.home / "landing") == before


def test_the_sensor_asks_for_what_landed_and_then_for_nothing(
    fresh: Platform, built: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edp_platform.components.platform import load_platform
    from edp_platform.home import Home

    for platform, asks in ((fresh, True), (built, False)):
        monkeypatch.setenv("EDP_HOME", str(platform.home))
        loaded = load_platform(Home.open(date.today()))
        sensor = loaded.definitions.resolve_sensor_def("landing")
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_sensor_context(instance, definitions=loaded.definitions)
            result = sensor.evaluate_tick(context)
        if asks:
            (request,) = result.run_requests or []
            names = {key.path[-1] for key in request.asset_selection or []}
            assert {"police_uk_street", "crime_by_month"} <= names
        else:
            assert not result.run_requests
            assert "loaded" in str(result.skip_message)


def test_the_registers_are_in_date_whenever_a_home_is_first_used(
    tmp_path: Path,
) -> None:
    from edp_platform.datasets import DataSets
    from edp_platform.home import Home

    in_five_years = date(date.today().year + 5, 6, 1)
    home = Home.open(in_five_years, tmp_path / "home")
    data_sets = DataSets.load(home)
    assert data_sets.by_name
    for data_set in data_sets.by_name.values():
        assert data_set.refusals("raw", in_five_years) == (), data_set.name
    late = date(in_five_years.year + 2, 6, 1)
    assert all(one.refusals("raw", late) for one in data_sets.by_name.values())


def test_a_published_mart_is_not_shown_once_its_dpia_is_withdrawn(
    built: Platform, tmp_path: Path
) -> None:
    import shutil

    import edp_platform

    root = tmp_path / "defs"
    shutil.copytree(Path(edp_platform.__file__).parent / "defs", root)
    _withdraw(root)
    asked = Platform(built.home, built.sample, {"EDP_DEFS": str(root)})
    for arguments in (
        ("sql", "select count(*) from marts.crime_by_month"),
        ("trace", "crime_by_month"),
    ):
        done = asked.edp(*arguments)
        assert done.returncode == 1
        assert "withdrawn" in done.stderr
    other = asked.edp("sql", "select count(*) from marts.public_attitude_by_quarter")
    assert other.returncode == 0, other.stderr


def test_a_purpose_or_retention_rule_in_no_register_is_refused(
    fresh: Platform, own_defs: Path, tmp_path: Path
) -> None:
    path = own_defs / _STREET / "contract.yaml"
    path.write_text(
        path.read_text().replace("value: PUBLISHED-STATISTICS", "value: NO-SUCH-RULE")
    )
    fresh.home = tmp_path / "empty"
    source = next((fresh.sample / "police_uk").glob("*/*-sample-force-street.csv"))
    done = fresh.edp("land", str(source))
    assert done.returncode == 1
    assert "NO-SUCH-RULE" in done.stderr
    assert not list((fresh.home / "landing").glob("*/*"))
