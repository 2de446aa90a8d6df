"""Trace on one small home: the sample force, and real files where there are any.

Lines are checked against the originals, read with the csv module alone.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from rich.console import Console

from edp_platform.datasets import DataSets
from edp_platform.home import Home
from edp_platform.ingestion.lake import ensure_readable, signatures
from edp_platform.ingestion.land import LandingOptions, land
from edp_platform.ingestion.landing import LandingStore
from edp_platform.ingestion.loading import due_months, load_months
from edp_platform.publishing.snapshot import publish
from edp_platform.sample import make_sample
from edp_platform.tracing import TraceFailed, show_trace, trace_any
from edp_platform.warehouse.building import build
from edp_platform.warehouse.built import BuiltRecord
from edp_platform.warehouse.manifest import ManifestStore
from edp_platform.warehouse.models import Models

_EVERYTHING = 1_000_000
_REAL = "2024-01/2024-01-city-of-london-street.csv"


@dataclass
class Platform:
    """A built and published home, and what was landed in it."""

    home: Home
    data_sets: DataSets
    models: Models
    sample: Path
    truth: dict[str, Any]
    real: Path | None

    def trace(
        self, what: str, where: str | None = None, limit: int = _EVERYTHING
    ) -> dict[str, Any]:
        found = trace_any(self.home, self.data_sets, what, where, limit)
        json.dumps(found)  # a date or a number of another library would fail here
        return found


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Land, load, build and publish once: the slow part of every test here."""
    with pytest.MonkeyPatch.context() as environment:
        # dbt reads where things stand from the environment of the process.
        for name in ("EDP_WAREHOUSE", "EDP_RAW", "DO_NOT_TRACK"):
            environment.setenv(name, "")
        yield _build(tmp_path_factory.mktemp("trace"))


def _build(folder: Path) -> Platform:
    sample = folder / "sample"
    made = make_sample(sample, "small", 3, 1, "2024-03", today=date(2024, 6, 1))
    home = Home.open(date.today(), folder / "home")
    data_sets = DataSets.load(home)
    real = _real_data()
    original = sample / "police_uk/2024-03/2024-03-sample-city-street.csv"
    copy = sample / "police_uk/2024-03/2023-12-sample-city-street.csv"
    copy.write_bytes(original.read_bytes())
    earlier = [sample / "police_uk_earlier_release"]
    later = [sample / name for name in ("police_uk", "london_datastore", "reference")]
    if real:
        earlier.append(real / "police_uk_earlier_release" / _REAL)
        later.append(real / "police_uk" / _REAL)
    for sources, released in (
        (earlier, date(2024, 4, 1)),
        (later, date(2024, 6, 1)),
    ):
        outcomes = land(
            home,
            data_sets,
            [str(one) for one in sources],
            LandingOptions(release=released),
            datetime.now().astimezone(),
        )
        assert not [one.reason for one in outcomes if one.outcome == "refused"]
    for name, supplies in sorted(LandingStore(home).supplies().items()):
        data_set = data_sets.by_name[name]
        load_months(home, data_set, supplies, due_months(home, data_set, supplies))
    for data_set in data_sets.by_name.values():
        ensure_readable(home, data_set.contract)
    store = ManifestStore(home)
    models = Models(store.manifest)
    names = [model.name for model in models.by_id.values()]
    outcome = build(home, store, names, [])
    assert outcome.succeeded, [node for node in outcome.nodes if not node.is_good]
    lake = {
        name: signatures(home, one.contract) for name, one in data_sets.by_name.items()
    }
    BuiltRecord.read(home).record(models, lake, list(models.built), [], is_full=True)
    publish(home, [model.name for model in models.marts], datetime.now())
    truth = json.loads(made.truth.read_text(encoding="utf-8"))
    return Platform(home, data_sets, models, sample, truth, real)


def _real_data() -> Path | None:
    # Not the fixture `shared_data`, which would skip the tests of the sample as well.
    default = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("EDP_TEST_DATA", default))
    return folder if (folder / "police_uk" / _REAL).exists() else None


def _lines_of(path: Path, crime_type: str) -> list[int]:
    """Return the lines of one crime type, exact repeats of a Crime ID counted once."""
    seen: set[tuple[str, ...]] = set()
    lines = []
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        header = next(rows)
        for row in rows:
            if row[header.index("Crime type")] != crime_type:
                continue
            if row[header.index("Crime ID")] and tuple(row) in seen:
                continue
            seen.add(tuple(row))
            lines.append(rows.line_num)
    return lines


def _count(platform: Platform, sql: str) -> Any:
    (copy,) = platform.home.published.glob("*.duckdb")
    with duckdb.connect(str(copy), read_only=True) as connection:
        row = connection.execute(sql).fetchone()
    assert row is not None
    return row[0]


def _shown(found: dict[str, Any]) -> str:
    text = StringIO()
    show_trace(found, Console(file=text, width=100))
    return text.getvalue()


def _mart_row(force: str, crime_type: str) -> str:
    return (
        f"month = date '2024-01-01' and force = '{force}' "
        f"and crime_type = '{crime_type}'"
    )


@pytest.mark.parametrize("crime_type", ["Burglary", "Anti-social behaviour", "Drugs"])
def test_a_mart_row_is_traced_to_exactly_its_lines_of_a_real_file(
    platform: Platform, shared_data: Path, crime_type: str
) -> None:
    found = platform.trace("crime_by_month", _mart_row("city-of-london", crime_type))

    (source,) = found["files"]
    expected = _lines_of(shared_data / "police_uk" / _REAL, crime_type)
    assert source["line_numbers"] == expected
    assert source["received_as"] == str(shared_data / "police_uk" / _REAL)
    assert source["release_date"] == "2024-06-01"
    assert found["fact_rows"] == len(expected) == found["measure"]["total"]
    assert found["measure"]["is_equal"] is True


def test_every_crime_type_of_the_sample_is_traced_to_exactly_its_lines(
    platform: Platform,
) -> None:
    original = platform.sample / "police_uk/2024-01/2024-01-sample-force-street.csv"
    with original.open(encoding="utf-8", newline="") as stream:
        types = {row["Crime type"] for row in csv.DictReader(stream)}

    assert len(types) > 10
    for crime_type in types:
        found = platform.trace("crime_by_month", _mart_row("sample-force", crime_type))
        (source,) = found["files"]
        assert source["line_numbers"] == _lines_of(original, crime_type)


def test_every_mart_is_traced_and_its_totals_add_up(platform: Platform) -> None:
    by_lines = set()
    landed = LandingStore(platform.home).supplies().keys()
    for mart in platform.models.marts:
        if not platform.models.data_sets(mart.unique_id) <= landed:
            continue  # of the internal systems: test_force_systems.py
        found = platform.trace(mart.name, limit=5)
        assert found["files"], mart.name
        assert all(len(one["sha256"]) == 64 for one in found["files"]), mart.name
        assert found["mart_rows"] == _count(
            platform, f"select count(*) from marts.{mart.name}"
        )
        if found["precision"] == "lines":
            by_lines.add(mart.name)
            assert sum(one["rows"] for one in found["files"]) == found["fact_rows"]
            assert found["lines_listed"] == 5
            measure = found["measure"]
            assert measure is None or measure["is_equal"], (mart.name, measure)
        else:
            assert found["note"]
        assert _shown(found)
    assert by_lines >= {
        "crime_by_month",
        "crime_by_borough_and_month",
        "crime_by_ward_and_month",
        "outcomes_by_month",
        "crime_outcomes_over_time",
        "stop_and_search_by_month",
        "recorded_crime_by_borough_and_month",
        "recorded_crime_by_ward_and_month",
        "burglary_by_lsoa_and_year",
        "public_attitude_by_quarter",
    }


def test_a_row_of_two_editions_is_not_traced_to_one_of_them(platform: Platform) -> None:
    """An LSOA code lives in both editions; a trace to 2019 alone would be wrong."""
    found = platform.trace("deprivation_by_lsoa", "index_year = 2025")

    assert {one["data_set"] for one in found["files"]} == {
        "deprivation_2019",
        "deprivation_2025",
    }


def test_a_row_of_supply_is_traced_to_the_files_of_its_month_and_force(
    platform: Platform,
) -> None:
    found = platform.trace(
        "supply_by_month", "month = date '2024-02-01' and force = 'sample-city'"
    )

    assert sorted(one["name"] for one in found["files"]) == [
        "2024-02-sample-city-outcomes.csv",
        "2024-02-sample-city-stop-and-search.csv",
        "2024-02-sample-city-street.csv",
    ]


def test_a_row_that_no_file_holds_says_so(platform: Platform) -> None:
    found = platform.trace("recorded_crime_by_borough_and_month", "is_absent_zero")

    assert (found["fact_rows"], found["files"]) == (0, [])
    assert found["measure"]["is_equal"] is True
    assert "No line made it" in _shown(found)


def test_lines_are_limited_in_all_and_taken_in_turn_from_each_file(
    platform: Platform,
) -> None:
    found = platform.trace(
        "crime_by_month", "force = 'sample-force' and crime_type = 'Burglary'", limit=4
    )

    assert [len(one["line_numbers"]) for one in found["files"]] == [2, 1, 1]
    assert "4 of" in _shown(found)
    none = platform.trace("crime_by_month", "crime_type = 'Burglary'", limit=0)
    assert none["lines_listed"] == 0 < none["lines"]


def test_a_mart_row_shows_its_grain_and_adds_up(platform: Platform) -> None:
    found = platform.trace(
        "marts.crime_by_month", _mart_row("sample-force", "Burglary"), limit=3
    )
    text = _shown(found)

    assert "month = 2024-01-01, force = sample-force, crime_type = Burglary" in text
    assert "adds up" in text
    assert "2024-01-sample-force-street.csv" in text


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (
            "moth = date '2024-01-01'",
            "has the columns month, force, crime_type, crimes",
        ),
        ("month = ", "cannot be used"),
        ("", "cannot be used"),
        ("true) union all select 1, 2, 3 --", "cannot be used"),
        ("true; drop table marts.crime_by_month", "cannot be used"),
        ("(select count(*) from read_csv('/etc/hostname')) > 0", "cannot be used"),
        ("(select count(*) from '/etc/hostname') > 0", "cannot be used"),
        ("month = date '1990-01-01'", "No row of crime_by_month matches"),
    ],
)
def test_a_condition_that_cannot_be_used_is_told_with_the_columns(
    platform: Platform, where: str, said: str
) -> None:
    with pytest.raises(TraceFailed, match="crime_by_month") as failed:
        platform.trace("crime_by_month", where)
    assert said in str(failed.value)


def test_an_error_never_quotes_a_value(platform: Platform) -> None:
    with pytest.raises(TraceFailed) as failed:
        platform.trace("crime_by_month", "cast(force as integer) = 1")
    assert "sample-force" not in str(failed.value)
    assert "ConversionException" in str(failed.value)


def test_a_warehouse_held_by_a_run_is_said_so(platform: Platform) -> None:
    hold = (
        "import duckdb, sys; held = duckdb.connect(sys.argv[1]); "
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(platform.home.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(TraceFailed, match=r"held by another process.*wait"):
            platform.trace("crime_by_month", limit=1)
        # What needs no fact needs no warehouse.
        file = platform.trace("2024-03-sample-force-street.csv")
        assert file["deliveries"][0]["account"]["is_exact"]
        holder.communicate()
    assert platform.trace("crime_by_month", limit=1)["fact_rows"]


def test_an_interrupted_publication_is_not_hidden(platform: Platform) -> None:
    """A copy older than the warehouse must not be told to add up."""
    with duckdb.connect(str(platform.home.warehouse)) as connection:
        connection.execute("begin")
        connection.execute(
            "create table facts.kept as select * from facts.fct_crimes "
            "where force = 'sample-city' and month = date '2024-03-01'"
        )
        connection.execute(
            "delete from facts.fct_crimes "
            "where force = 'sample-city' and month = date '2024-03-01'"
        )
        connection.execute("commit")
    try:
        found = platform.trace(
            "crime_by_month", "force = 'sample-city' and month = date '2024-03-01'"
        )
        assert found["measure"]["is_equal"] is False
        assert "does not add up" in _shown(found)
    finally:
        with duckdb.connect(str(platform.home.warehouse)) as connection:
            connection.execute("insert into facts.fct_crimes from facts.kept")
            connection.execute("drop table facts.kept")


def test_quarantined_lines_are_found_with_their_reasons(platform: Platform) -> None:
    planted = {
        name: file["quarantine"]
        for name, file in platform.truth["files"].items()
        if file["quarantine"] and not name.startswith("police_uk_earlier_release/")
    }
    assert len(planted) > 4
    for name, faults in planted.items():
        found = platform.trace(_sha256(platform.sample / name)[:12])
        (delivery,) = found["deliveries"]
        told = {row["line"]: row["reason"] for row in delivery["quarantined"]["listed"]}
        # Whether the reader catches each fault is its own tests' business; here every
        # line that was kept out is told, and no other.
        kept_out = pl.read_parquet(
            platform.home.quarantine
            / delivery["data_set"]
            / f"{delivery['file']}.parquet"
        )
        assert sorted(told) == sorted(kept_out["source_line"]), name
        assert set(told) <= {fault["line"] for fault in faults}, name
        assert all(told.values())
        assert sum(delivery["quarantined"]["by_reason"].values()) == len(told)
        for row in delivery["quarantined"]["listed"]:
            assert f"line {row['line']}" in _shown(found)


def test_a_file_trace_holds_no_value_of_a_row(platform: Platform) -> None:
    name = "police_uk/2024-02/2024-02-sample-force-stop-and-search.csv"
    original = platform.sample / name
    found = platform.trace(original.name)
    lines = original.read_text(encoding="utf-8", errors="replace").splitlines()
    text = json.dumps(found) + _shown(found)

    (delivery,) = found["deliveries"]
    for row in delivery["quarantined"]["listed"]:
        for value in lines[row["line"] - 1].split(","):
            assert len(value) < 5 or value not in text, row


def test_the_account_of_a_file_adds_up_and_names_where_it_goes(
    platform: Platform,
) -> None:
    found = platform.trace("2024-02-sample-force-street.csv")
    (delivery,) = found["deliveries"]
    account = delivery["account"]
    planted = platform.truth["files"][
        "police_uk/2024-02/2024-02-sample-force-street.csv"
    ]

    assert account["is_exact"] is True
    assert account["landed"] == planted["rows"] == delivery["records"]
    assert 0 < account["quarantined"] == delivery["quarantined"]["lines"]
    assert account["quarantined"] <= len(planted["quarantine"])
    assert account["set_aside"] == planted["exact_repeats_with_id"]
    assert delivery["set_aside"]["lines"] == planted["exact_repeats_with_id"]
    assert (delivery["data_set"], delivery["scope"]) == (
        "police_uk_street",
        "sample-force",
    )
    assert delivery["months"] == ["2024-02"]
    assert "fct_crimes" in delivery["feeds"]["facts"]
    assert "crime_by_month" in delivery["feeds"]["marts"]
    assert (
        "stop_and_search_by_month"
        in platform.trace("2024-02-sample-force-stop-and-search.csv")["deliveries"][0][
            "feeds"
        ]["marts"]
    )


def test_a_line_set_aside_says_which_line_it_repeats(platform: Platform) -> None:
    original = platform.sample / "police_uk/2024-02/2024-02-sample-force-street.csv"
    lines = original.read_bytes().splitlines()
    found = platform.trace(original.name)

    for row in found["deliveries"][0]["set_aside"]["listed"]:
        assert row["repeats_line"] < row["line"]
        assert lines[row["line"] - 1] == lines[row["repeats_line"] - 1]


def test_a_superseded_file_says_by_which(platform: Platform) -> None:
    name = "2024-01/2024-01-sample-force-street.csv"
    earlier = platform.sample / "police_uk_earlier_release" / name
    found = platform.trace(str(earlier))
    (delivery,) = found["deliveries"]
    (later,) = delivery["superseded"]

    assert delivery["account"]["superseded"] == delivery["records"]
    assert delivery["account"]["is_exact"] is True
    assert later["months"] == ["2024-01"]
    assert later["by"]["sha256"] == _sha256(platform.sample / "police_uk" / name)
    assert later["by"]["release_date"] == "2024-06-01"
    assert "superseded for 2024-01 by" in _shown(found)


def test_a_real_superseded_file_says_by_which(
    platform: Platform, shared_data: Path
) -> None:
    earlier = shared_data / "police_uk_earlier_release" / _REAL
    (delivery,) = platform.trace(_sha256(earlier))["deliveries"]

    assert delivery["superseded"][0]["by"]["sha256"] == _sha256(
        shared_data / "police_uk" / _REAL
    )


def test_a_copy_under_another_month_is_not_taken_for_the_file_that_was_loaded(
    platform: Platform,
) -> None:
    """The same bytes twice: named March, and named December and quarantined whole."""
    name = "2024-03-sample-city-street.csv"
    found = platform.trace(
        "crime_by_month", "force = 'sample-city' and month = date '2024-03-01'"
    )
    assert [one["name"] for one in found["files"]] == [name]

    deliveries = platform.trace(found["files"][0]["sha256"])["deliveries"]
    told = {one["name"]: one["account"] for one in deliveries}
    assert told[name]["loaded"] > 0 == told[name]["quarantined"]
    copied = told["2023-12-sample-city-street.csv"]
    assert copied["quarantined"] == copied["landed"]
    assert all(account["is_exact"] for account in told.values())


def test_several_files_of_one_name_are_listed(platform: Platform) -> None:
    name = "2024-01-sample-force-street.csv"
    with pytest.raises(TraceFailed, match="2 landed files match") as failed:
        platform.trace(name)
    for folder in ("police_uk", "police_uk_earlier_release"):
        assert _sha256(platform.sample / folder / "2024-01" / name)[:12] in str(
            failed.value
        )


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("crime_by_mnth", "crime_by_month"),
        ("marts.crime_by_mnth", "crime_by_month"),
        ("2024-02-sample-force-stret.csv", "2024-02-sample-force-street.csv"),
        ("burglary", "burglary_by_lsoa_and_year"),
        ("police_uk_street", "is a data set"),
        ("abcde", "6 or more digits"),
    ],
)
def test_what_nothing_matches_suggests_near_names(
    platform: Platform, what: str, said: str
) -> None:
    with pytest.raises(TraceFailed, match=said):
        platform.trace(what)


def test_a_condition_on_a_file_and_a_negative_limit_are_refused(
    platform: Platform,
) -> None:
    with pytest.raises(TraceFailed, match="--where chooses rows of a mart"):
        platform.trace("2024-02-sample-force-street.csv", "true")
    with pytest.raises(TraceFailed, match="0 or more"):
        platform.trace("crime_by_month", limit=-1)


def _sha256(path: Path) -> str:
    from edp_platform.ingestion.landing import sha256_of

    return sha256_of(path)
