"""Status of a small home: what it counts, what makes it bad, and what it shows."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import time_machine
from rich.console import Console

from edp_platform import status
from edp_platform.datasets import DataSets, SetAside
from edp_platform.files import write_json
from edp_platform.home import Home
from edp_platform.ingestion.lake import ensure_readable, lake_path, signatures
from edp_platform.ingestion.land import LandingOptions, land
from edp_platform.ingestion.landing import LandingStore
from edp_platform.ingestion.loading import due_months, load_months
from edp_platform.ingestion.reconciliation import accounts
from edp_platform.publishing.snapshot import Snapshot
from edp_platform.sample import make_sample
from edp_platform.status import platform_status, show
from edp_platform.warehouse.built import BuiltRecord
from edp_platform.warehouse.manifest import DbtFailed, ManifestStore
from edp_platform.warehouse.models import Models

_PARTS = (
    "landed",
    "loaded",
    "quarantined",
    "set_aside",
    "superseded",
    "waiting",
    "disposed",
    "restricted",
)

CopyOfHome = Callable[[], tuple[Home, DataSets]]


@pytest.fixture(scope="module")
def loaded_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Three months of the sample force, landed and loaded; no warehouse."""
    folder = tmp_path_factory.mktemp("status")
    sample = folder / "sample"
    make_sample(sample, "small", 3, 1, "2024-03", today=date(2024, 6, 1))
    home = Home.open(date.today(), folder / "home")
    data_sets = DataSets.load(home)
    for names, released in (
        (["police_uk_earlier_release"], date(2024, 4, 1)),
        (["police_uk", "london_datastore", "reference"], date(2024, 6, 1)),
    ):
        outcomes = land(
            home,
            data_sets,
            [str(sample / name) for name in names],
            LandingOptions(release=released),
            datetime.now().astimezone(),
        )
        assert not [one.reason for one in outcomes if one.outcome != "landed"]
    for name, supplies in sorted(LandingStore(home).supplies().items()):
        data_set = data_sets.by_name[name]
        load_months(home, data_set, supplies, due_months(home, data_set, supplies))
    for data_set in data_sets.by_name.values():
        ensure_readable(home, data_set.contract)
    ManifestStore(home).make()
    return home


@pytest.fixture
def copy_of_home(loaded_home: Home, tmp_path: Path) -> CopyOfHome:
    """A copy of the loaded home that a test may damage."""

    def copied() -> tuple[Home, DataSets]:
        shutil.copytree(loaded_home.root, tmp_path / "home")
        home = Home.open(date.today(), tmp_path / "home")
        return home, DataSets.load(home)

    return copied


def _of(told: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in told["data_sets"] if one["name"] == name]
    return found


def _shown(told: dict[str, Any]) -> str:
    text = StringIO()
    show(told, Console(file=text, width=100))
    return text.getvalue()


def test_counts_are_those_of_the_accounts(loaded_home: Home) -> None:
    data_sets = DataSets.load(loaded_home)
    told = platform_status(loaded_home, data_sets, ())

    assert told["is_good"] is True
    json.dumps(told)
    assert {one["name"] for one in told["data_sets"]} == set(data_sets.by_name)
    for name, supplies in LandingStore(loaded_home).supplies().items():
        each = accounts(loaded_home, supplies, supplies.deliveries)
        one = _of(told, name)
        assert one["records"] == {
            part: sum(getattr(account, part) for account in each) for part in _PARTS
        }
        assert one["is_exact"] is True
        assert one["files"] == len(supplies.deliveries)
    street = _of(told, "police_uk_street")
    assert street["months_held"] == ["2024-01", "2024-02", "2024-03"]
    assert (street["first_month"], street["last_month"]) == ("2024-01", "2024-03")
    assert street["months_due"] == []
    assert street["newest_release"] == "2024-06-01"
    assert (street["gate"], street["dpia_status"]) == ("open", "approved")
    assert street["records"]["superseded"] > 0 < street["records"]["set_aside"]
    reference = _of(told, "lsoa_2011_to_borough")
    assert (reference["first_month"], reference["months_held"]) == (None, ["whole"])
    assert told["snapshot"] is None


def test_accounts_are_the_same_one_by_one_and_all_at_once(loaded_home: Home) -> None:
    """Plain files are counted in one scan, others alone: both must agree."""
    for supplies in LandingStore(loaded_home).supplies().values():
        together = accounts(loaded_home, supplies, supplies.deliveries)
        alone = [
            account
            for one in supplies.deliveries
            for account in accounts(loaded_home, supplies, [one])
        ]
        assert together == alone
        assert all(account.is_exact for account in together)


def test_quarantined_lines_are_counted_by_reason(loaded_home: Home) -> None:
    told = platform_status(loaded_home, DataSets.load(loaded_home), ())

    expected: dict[str, Counter[str]] = {}
    for path in loaded_home.quarantine.glob("*/*.parquet"):
        frame = pl.read_parquet(path).unique(["source_line", "reason"])
        expected.setdefault(path.parent.name, Counter()).update(frame["reason"])
    assert len(expected) > 3
    assert told["quarantine_by_reason"] == expected
    assert "not UTF-8 text" in told["quarantine_by_reason"]["police_uk_street"]


def test_quarantine_of_a_superseded_file_is_not_counted(
    copy_of_home: CopyOfHome,
) -> None:
    home, data_sets = copy_of_home()
    supplies = LandingStore(home).supplies()["police_uk_street"]
    earlier, _ = supplies.superseded("2024-01")[0]
    path = home.quarantine / "police_uk_street" / f"{earlier.file}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(
        {
            "source_file": [earlier.file],
            "source_line": [7],
            "month": [None],
            "column": [None],
            "reason": ["of another age"],
            "record": [""],
        },
        schema_overrides={"month": pl.String, "column": pl.String},
    ).write_parquet(path)

    told = platform_status(home, data_sets, ())
    assert "of another age" not in told["quarantine_by_reason"]["police_uk_street"]


def test_a_month_that_is_not_in_the_lake_is_due_and_waits(
    copy_of_home: CopyOfHome,
) -> None:
    home, data_sets = copy_of_home()
    lake_path(home, "police_uk_street", "2024-03").unlink()
    told = platform_status(home, data_sets, ())

    street = _of(told, "police_uk_street")
    assert street["months_due"] == ["2024-03"]
    assert street["records"]["waiting"] > 1000
    assert street["is_exact"] is told["is_good"] is True
    assert "waiting police_uk_street" in _shown(told)
    assert "Next: edp run" in _shown(told)


def test_a_lost_row_is_not_exact(copy_of_home: CopyOfHome) -> None:
    home, data_sets = copy_of_home()
    path = lake_path(home, "police_uk_street", "2024-03")
    footer = pl.read_parquet_metadata(path)["edp"]
    frame = pl.read_parquet(path, hive_partitioning=False)
    frame.tail(-1).write_parquet(path, metadata={"edp": footer})
    told = platform_status(home, data_sets, ())

    assert _of(told, "police_uk_street")["is_exact"] is told["is_good"] is False
    assert "not exact" in _shown(told)


def test_a_damaged_lake_file_is_told_and_hides_nothing_else(
    copy_of_home: CopyOfHome,
) -> None:
    home, data_sets = copy_of_home()
    lake_path(home, "police_uk_street", "2024-03").write_bytes(b"not Parquet at all")
    told = platform_status(home, data_sets, ())

    street = _of(told, "police_uk_street")
    assert street["is_exact"] is told["is_good"] is False
    assert "cannot be read as Parquet" in street["error"]
    assert _of(told, "police_uk_outcomes")["records"]["loaded"] > 0
    assert "damaged" in _shown(told)


def test_a_folder_set_aside_is_told_once_and_is_bad(loaded_home: Home) -> None:
    fault = SetAside(Path("/somewhere/defs/datasets/broken"), "contract.yaml:3: [why]")
    data_sets = DataSets(DataSets.load(loaded_home).by_name, (fault,))
    told = platform_status(loaded_home, data_sets, (fault,))

    assert told["is_good"] is False
    assert told["set_aside"] == [{"folder": str(fault.folder), "error": fault.error}]
    assert "contract.yaml:3: [why]" in _shown(told)


def test_a_shut_gate_is_bad_only_where_there_are_files(
    loaded_home: Home, tmp_path: Path
) -> None:
    data_sets = DataSets.load(loaded_home)
    empty = Home.open(date.today(), tmp_path / "empty")
    shutil.copytree(loaded_home.dbt, empty.dbt)
    with time_machine.travel(datetime.now() + timedelta(days=1000)):
        told = platform_status(loaded_home, data_sets, ())
        nothing_landed = platform_status(empty, data_sets, ())
        text = _shown(told)

    street = _of(told, "police_uk_street")
    assert street["gate"] == "refused"
    assert any("was due for review" in refusal for refusal in street["refusals"])
    assert told["is_good"] is False
    assert "refused" in text
    assert _of(nothing_landed, "police_uk_street")["gate"] == "refused"
    assert nothing_landed["is_good"] is True


def test_a_review_that_is_near_is_told(loaded_home: Home) -> None:
    told = platform_status(loaded_home, DataSets.load(loaded_home), ())
    due = date.fromisoformat(_of(told, "police_uk_street")["dpia_review_due"])
    for days, is_told in ((91, False), (90, True), (0, True)):
        day = due - timedelta(days=days)
        with time_machine.travel(
            datetime.combine(day, datetime.min.time()), tick=False
        ):
            told = platform_status(loaded_home, DataSets.load(loaded_home), ())
            assert (
                f"police_uk_street: DPIA-STREET-CRIME is due by {due}" in _shown(told)
            ) is (is_told)


def test_models_due_follow_the_record_of_what_was_built(
    copy_of_home: CopyOfHome,
) -> None:
    home, data_sets = copy_of_home()
    models = Models(ManifestStore(home).manifest)
    assert platform_status(home, data_sets, ())["models_due"] == len(models.built)

    home.warehouse.parent.mkdir(parents=True)
    home.warehouse.touch()  # the record counts only beside a warehouse
    lake = {
        name: signatures(home, one.contract) for name, one in data_sets.by_name.items()
    }
    BuiltRecord.read(home).record(models, lake, list(models.built), [], is_full=True)
    assert platform_status(home, data_sets, ())["models_due"] == 0


def test_a_dbt_project_that_does_not_parse_is_told(
    loaded_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def __init__(self, home: Home) -> None:
            raise DbtFailed("model x does not parse")

    monkeypatch.setattr(status, "ManifestStore", Broken)
    told = platform_status(loaded_home, DataSets.load(loaded_home), ())

    assert (told["models_due"], told["is_good"]) == (None, False)
    assert told["dbt_error"] == "model x does not parse"
    assert "model x does not parse" in _shown(told)


def test_the_published_copy_is_told(
    loaded_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {"crime_by_month": 4, "supply_by_month": 2}
    copy = Snapshot("20240602T100000-ab", Path("x"), "2024-06-02T10:00:00", rows)
    monkeypatch.setattr(status, "current", lambda home: copy)
    data_sets = DataSets.load(loaded_home)
    told = platform_status(loaded_home, data_sets, ())

    expected = {"id": copy.id, "as_at": copy.as_at, "held_back": []}
    assert told["snapshot"] == expected
    assert "published 2024-06-02T10:00:00" in _shown(told)
    # A mart that the copy has no record of stands as an earlier one had it.
    record = loaded_home.published / f"{copy.id}.built_from.json"
    write_json(record, {"supply_by_month": {}})
    told = platform_status(loaded_home, data_sets, ())
    assert told["snapshot"]["held_back"] == ["crime_by_month"]
    assert "held back crime_by_month" in _shown(told)


def test_the_table_fits_100_columns_and_names_the_missing_months(
    loaded_home: Home,
) -> None:
    told = platform_status(loaded_home, DataSets.load(loaded_home), ())
    for one in told["data_sets"]:
        one["records"] = dict.fromkeys(_PARTS, 12_345) | dict.fromkeys(
            ("landed", "loaded"), 12_345_678
        )
        one["files"] = 12_345
    _of(told, "police_uk_street")["months_missing"] = {
        "sample-city": ["2023-11", "2023-12", "2024-01", "2024-03"]
    }
    lines = _shown(told).splitlines()

    table = lines[: 2 + len(told["data_sets"])]
    assert max(len(line) for line in table) <= 100
    for one, line in zip(told["data_sets"], table[2:], strict=True):
        # Nothing wrapped or cut: each data set stands on its one line, whole.
        assert line.startswith(one["name"])
        assert line.count("12,345,678") == 2
    assert "missing police_uk_street sample-city: 2023-11…2024-01, 2024-03" in lines
