"""`edp new`: what the two pages say is done, and what a file is taken for."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl
import pytest
import yaml

from edp_platform.components.folders import load_folders
from edp_platform.components.use_case import UseCase
from edp_platform.contracts import ContractInvalid, load_contract
from edp_platform.datasets import DataSets
from edp_platform.governance.dpia import DpiaInvalid, load_dpia
from edp_platform.home import Home
from edp_platform.scaffolding import (
    ScaffoldFailed,
    scaffold_data_set,
    scaffold_use_case,
)
from edp_platform.scaffolding.naming import column_names, file_pattern
from edp_platform.scaffolding.profiling import FileProfile, InferredColumn, profile
from edp_platform.scaffolding.suspicion import suspicion
from edp_platform.yaml_source import load_yaml

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 11, 22)
#: What the copied platform holds beside the new folders: enough to see it unaffected.
OTHERS = ("lsoa_2011_to_borough", "mps_lsoa_burglary")
_FENCE = re.compile(r"^```(\w+) ?(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Platform:
    """A small copy of the folders, and the real command line over it."""

    root: Path

    @property
    def defs(self) -> Path:
        return self.root / "defs"

    @property
    def dbt(self) -> Path:
        return self.root / "dbt_project"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "EDP_DEFS": str(self.defs),
            "EDP_DBT_PROJECT": str(self.dbt),
            "EDP_LEAVE_OUT": "",  # nothing of the force's own project is in it
            "EDP_REGISTERS": str(self.root / "registers"),
            "EDP_HOME": str(self.home),
        }

    def run(self, command: str) -> str:
        """Run one command line of a page and return all it printed."""
        shims = self.root / "bin"
        shim = shims / "edp"
        if not shim.exists():
            shims.mkdir()
            shim.write_text(
                f'#!/bin/sh\nexec {sys.executable} -m edp_platform.cli "$@"\n'
            )
            shim.chmod(0o755)
        environment = {
            **os.environ,
            **self.environment,
            "PATH": f"{shims}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
        }
        environment.pop("EDP_POSTGRES_URL", None)
        done = subprocess.run(
            command,
            shell=True,
            cwd=self.root,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
        )
        return done.stdout

    def status(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.run("edp status --json 2>/dev/null"))
        return told

    def write(self, place: str, text: str) -> None:
        """Write a block of a page where its fence says."""
        inside = place.removeprefix("edp_platform/")
        path = self.root / inside
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _copy(root: Path) -> Platform:
    platform = Platform(root)
    for name in OTHERS:
        inside = Path("datasets") / name
        shutil.copytree(ROOT / "edp_platform" / "defs" / inside, platform.defs / inside)
        staging = Path("models/staging") / name
        shutil.copytree(ROOT / "dbt_project" / staging, platform.dbt / staging)
    shutil.copytree(ROOT / "edp_platform" / "registers", platform.root / "registers")
    use_case = Path("neighbourhood_crime")  # its mart is copied below
    shutil.copytree(ROOT / "edp_platform" / "defs" / use_case, platform.defs / use_case)
    for place in ("macros", "tests/generic"):
        shutil.copytree(ROOT / "dbt_project" / place, platform.dbt / place)
    mart = "models/marts/neighbourhood_crime/burglary_by_lsoa_and_year"
    (platform.dbt / mart).parent.mkdir(parents=True)
    for path in ("dbt_project.yml", "profiles.yml", f"{mart}.sql", f"{mart}.yml"):
        shutil.copy(ROOT / "dbt_project" / path, platform.dbt / path)
    return platform


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """A copy for this process."""
    copied = _copy(tmp_path / "platform")
    for name, value in copied.environment.items():
        monkeypatch.setenv(name, value)
    return copied


def _blocks(page: str) -> Iterator[tuple[str, str, str]]:
    """Yield (kind, place, text) of each fenced block of a page, in order."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        yield match.group(1), match.group(2), match.group(3)


def _commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield (command, lines expected) of a console block."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        yield command, [line for line in expected.splitlines() if line]


def _assert_told(expected: list[str], output: str, command: str) -> None:
    """Each expected line stands in the output, in order; `…` is any text of a line."""
    lines = iter(output.splitlines())
    for wanted in expected:
        pattern = ".*".join(re.escape(piece) for piece in wanted.split("…"))
        assert any(re.fullmatch(pattern, line.rstrip()) for line in lines), (
            f"`{command}` did not print, in order: {wanted}\n{output[-4000:]}"
        )


def _facts(value: Any, keys: tuple[Any, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """Yield (place, value) of every answered leaf; places by name, not position."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _facts(each, (*keys, key))
    elif isinstance(value, list):
        for at, each in enumerate(value):
            mark: Any = at
            if isinstance(each, dict):
                mark = each.get("property") or each.get("name") or at
            yield from _facts(each, (*keys, mark))
    elif value is not None:
        yield keys, value


class _Walk:
    """Does what a page says, block by block, with a look before the answers."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.scaffolded: dict[str, str] = {}

    def follow(self, page: str) -> None:
        for kind, place, text in _blocks(page):
            if kind == "console":
                for command, expected in _commands(text):
                    output = self.platform.run(command)
                    _assert_told(expected, output, command)
            elif place:
                inside = self.platform.root / place.removeprefix("edp_platform/")
                if inside.exists():
                    self.scaffolded[place] = inside.read_text(encoding="utf-8")
                self.platform.write(place, text)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> _Walk:
    """Both pages, followed to the end in one home."""
    walk = _Walk(_copy(tmp_path_factory.mktemp("walk") / "platform"))
    walk.follow("add-a-data-set.md")
    walk.follow("add-a-use-case.md")
    return walk


def test_the_pages_end_with_rows_in_the_lake_and_a_mart(walked: _Walk) -> None:
    home = walked.platform.home
    lake = pl.read_parquet(home / "raw/bike_marking/month=2024-05/part-0.parquet")
    assert lake.height == 15
    assert lake["bikes_marked"].sum() == 574
    assert lake.schema["held_on"] == pl.Date
    assert lake["hours"].null_count() == 1
    told = walked.platform.status()
    assert told["is_good"]
    assert told["set_aside"] == []
    assert {one["name"] for one in told["data_sets"]} == {"bike_marking", *OTHERS}


def test_the_page_changes_no_fact_that_the_scaffold_filled_in(walked: _Walk) -> None:
    place = "edp_platform/defs/datasets/bike_marking/contract.yaml"
    begun = dict(_facts(yaml.safe_load(walked.scaffolded[place])))
    answered = dict(
        _facts(
            yaml.safe_load(
                (walked.platform.root / place.removeprefix("edp_platform/")).read_text()
            )
        )
    )
    changed = {
        keys: (value, answered.get(keys))
        for keys, value in begun.items()
        if answered.get(keys) != value
    }
    assert changed == {("status",): ("draft", "active")}


def test_nothing_was_written_into_the_real_folders(walked: _Walk) -> None:
    for place in (
        "edp_platform/defs/datasets/bike_marking",
        "edp_platform/defs/bike_security",
        "dbt_project/models/staging/bike_marking",
        "dbt_project/models/marts/bike_security",
    ):
        assert not (ROOT / place).exists()


def _small_file(folder: Path, name: str = "visits-2024-01.csv") -> Path:
    path = folder / name
    path.write_text("Visit ref,Held on,Visitors\nV1,2024-01-02,3\nV2,2024-01-05,4\n")
    return path


def test_each_blank_is_named_once_with_its_line_and_the_others_go_on(
    platform: Platform, tmp_path: Path
) -> None:
    written = scaffold_data_set("station_visits", _small_file(tmp_path))
    folder = platform.defs / "datasets" / "station_visits"
    assert {path.name for path in written} == {
        "defs.yaml",
        "contract.yaml",
        "dpia.yaml",
        "_station_visits__sources.yml",
        "stg_station_visits.sql",
        "stg_station_visits.yml",
    }
    found = DataSets.load(Home.open(TODAY), platform.defs)
    assert set(found.by_name) == set(OTHERS)
    (fault,) = found.set_aside
    lines = fault.error.splitlines()
    for file in ("contract.yaml", "dpia.yaml"):
        blanks = [line for _, line in load_yaml(folder / file).blanks()]
        told = [
            int(match.group(1))
            for line in lines
            if (match := re.match(rf"{re.escape(str(folder / file))}:(\d+): ", line))
        ]
        assert told == blanks
        assert told == sorted(told)
    assert len(lines) == sum(
        len(load_yaml(folder / file).blanks())
        for file in ("contract.yaml", "dpia.yaml")
    )
    assert all("is not answered" in line and "Write " in line for line in lines)


def test_every_governance_field_is_asked_for_and_none_has_a_default(
    platform: Platform, tmp_path: Path
) -> None:
    scaffold_data_set("station_visits", _small_file(tmp_path))
    path = platform.defs / "datasets/station_visits/contract.yaml"
    with pytest.raises(ContractInvalid) as refused:
        load_contract(path)
    text = str(refused.value)
    for name in (
        "regime",
        "dpiaRef",
        "purposes",
        "rrdRule",
        "supplier",
        "identity",
        "username",
        "limitations",
        "purpose",
        "dataGranularityDescription",
    ):
        assert text.count(f"`{name}` is not answered") == 1
    for column in ("visit_ref", "held_on", "visitors"):
        for name in ("classification", "description", "identifierClass"):
            assert text.count(f"column {column}: `{name}` is not answered") == 1


def test_a_misspelt_name_is_told_beside_the_blanks(
    platform: Platform, tmp_path: Path
) -> None:
    scaffold_data_set("station_visits", _small_file(tmp_path))
    path = platform.defs / "datasets/station_visits/contract.yaml"
    path.write_text(
        path.read_text().replace("logicalType: integer", "logicalTyp: integer")
    )
    with pytest.raises(ContractInvalid, match="logicalTyp"):
        load_contract(path)


def test_a_dpia_with_blanks_is_refused_by_field(
    platform: Platform, tmp_path: Path
) -> None:
    scaffold_data_set("station_visits", _small_file(tmp_path))
    path = platform.defs / "datasets/station_visits/dpia.yaml"
    with pytest.raises(
        DpiaInvalid, match=r"dpia.yaml:5: `id` is not answered\. Write "
    ):
        load_dpia(path, TODAY)
    record = yaml.safe_load(path.read_text())["dpia"]
    assert record["status"] == "draft"
    (covered,) = record["scope"]["datasets"]
    assert covered["columns"] == ["visit_ref", "held_on", "visitors"]
    steps = re.findall(r"^  # Steps? (\d)", path.read_text(), re.MULTILINE)
    assert steps == ["1", "2", "3", "4", "5", "7"]


def test_an_open_data_set_leaves_the_run_of_the_others_alone(
    platform: Platform, tmp_path: Path
) -> None:
    from edp_platform.orchestration.session import Session

    scaffold_data_set("station_visits", _small_file(tmp_path))
    due = Session(Home.open(TODAY)).due()
    assert not [key for key in due.keys if key.path[-1] == "stg_station_visits"]


def test_the_dbt_project_parses_while_a_data_set_is_open(
    platform: Platform, tmp_path: Path
) -> None:
    from edp_platform.warehouse.manifest import ManifestStore
    from edp_platform.warehouse.models import Models

    wide = tmp_path / "counts.csv"
    wide.write_text("Area,202401,202402\nNorth,1,2\nSouth,3,4\n")
    scaffold_data_set("station_visits", _small_file(tmp_path))
    scaffold_data_set("area_counts", wide)
    models = Models(ManifestStore(Home.open(TODAY)).manifest)
    assert models.by_name["stg_station_visits"].is_monthly
    assert models.data_sets("model.edp.stg_area_counts") == {"area_counts"}


def test_a_use_case_with_blanks_is_set_aside_with_file_and_line(
    platform: Platform,
) -> None:
    written = scaffold_use_case("victim_care")
    folder = platform.defs / "victim_care"
    assert {path.name for path in written} == {
        "defs.yaml",
        "use_case.yaml",
        "dpia.yaml",
        "eqia.yaml",
        "assets.py",
    }
    loaded = load_folders(platform.defs, Home.open(TODAY))
    (fault,) = loaded.set_aside
    assert fault.name == "victim_care"
    assert len(loaded.definitions) == len(OTHERS) + 1
    for file in ("defs.yaml", "use_case.yaml", "dpia.yaml", "eqia.yaml"):
        for _, line in load_yaml(folder / file).blanks():
            assert f"{folder / file}:{line}: " in fault.error
    asked = set(re.findall(r"defs.yaml:\d+: `([\w.]+)`", fault.error))
    needed = {
        name for name, field in UseCase.model_fields.items() if field.is_required()
    }
    assert {name.split(".")[0] for name in asked} == needed
    assert "supplier" not in fault.error


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Bike_marking", "lower case words"),
        ("bike-marking", "lower case words"),
        ("bike__marking", "lower case words"),
        ("_bikes", "lower case words"),
        ("2024_bikes", "lower case words"),
        ("bikes_", "lower case words"),
        ("../bikes", "lower case words"),
        ("", "lower case words"),
        ("class", "reserved word"),
        ("datasets", "reserved word"),
        ("marts", "reserved word"),
        ("mps_lsoa_burglary", "is taken"),
        ("neighbourhood_crime", "is taken"),
        ("b" * 64, "at most 63"),
    ],
)
def test_names_that_cannot_be_used_are_refused(
    platform: Platform, tmp_path: Path, name: str, why: str
) -> None:
    before = sorted(platform.root.rglob("*"))
    with pytest.raises(ScaffoldFailed, match=why):
        scaffold_data_set(name, _small_file(tmp_path))
    with pytest.raises(ScaffoldFailed, match=why):
        scaffold_use_case(name)
    assert sorted(platform.root.rglob("*")) == before


def test_a_place_that_cannot_be_written_is_told_and_left_as_it_was(
    platform: Platform, tmp_path: Path
) -> None:
    shutil.rmtree(platform.dbt / "models")
    (platform.dbt / "models").write_text("not a folder")
    with pytest.raises(ScaffoldFailed, match="EDP_DEFS and EDP_DBT_PROJECT"):
        scaffold_data_set("station_visits", _small_file(tmp_path))
    assert not (platform.defs / "datasets" / "station_visits").exists()


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("gone.csv", None, "not a file that is there"),
        ("empty.csv", b"", "is empty"),
        ("cut.csv", b"a,b\n1,\x00\n", "not text"),
        ("utf16.csv", "a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        ("semicolons.csv", b"a;b\n1;2\n", "semicolons"),
        ("tabs.txt", b"a\tb\n1\t2\n", "tabs"),
        ("twice.csv", b"a,b,a\n1,2,3\n", "a more than once"),
        ("title.csv", b"Counts of things\na,b\n1,2\n", "does it begin with a title"),
        ("rows.json", b"[]", "no reader takes"),
        ("rows.tsv", b"a\tb\n1\t2\n", "no reader takes"),
        ("book.xlsx", b"no workbook", "not a workbook"),
        ("map.geojson", b'{"type": "Point"}', "not a GeoJSON"),
        (
            "map.geojson",
            b'{"type": "FeatureCollection", "features": []}',
            "no features",
        ),
    ],
)
def test_files_that_no_reader_takes_are_refused(
    platform: Platform, tmp_path: Path, file: str, content: bytes | None, why: str
) -> None:
    path = tmp_path / file
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ScaffoldFailed, match=f"(?i){why}"):
        scaffold_data_set("station_visits", path)
    assert not (platform.defs / "datasets" / "station_visits").exists()


def _column(tmp_path: Path, values: list[str], name: str = "Thing") -> InferredColumn:
    path = tmp_path / "one.csv"
    rows = "\n".join(f'{at},"{value}"' for at, value in enumerate(values))
    path.write_text(f"Row id,{name}\n{rows}\n", encoding="utf-8")
    return profile(path).columns[1]


@pytest.mark.parametrize(
    ("values", "logical_type", "date_format"),
    [
        (["1", "2", "0"], "integer", None),
        (["1", "-2"], "integer", None),
        (["1", ""], "integer", None),
        (["007", "12"], "string", None),
        (["999999999999999"], "integer", None),
        (["1000000000000000"], "string", None),
        (["1.0", "2"], "number", None),
        (["1.5", "2"], "number", None),
        (["0.5", ".5"], "number", None),
        (["00.5"], "string", None),
        (["1e3", "2"], "number", None),
        (["nan", "1"], "string", None),
        (["inf"], "string", None),
        (["1 000"], "string", None),
        (["true", "FALSE"], "boolean", None),
        (["Yes", "No"], "string", None),
        (["0", "1"], "integer", None),
        (["2024-02-29"], "date", "YYYY-MM-DD"),
        (["2023-02-29"], "string", None),
        (["31/12/2024"], "date", "DD/MM/YYYY"),
        (["1/2/2024", "31/12/2024"], "date", "D/M/YYYY"),
        (["01/02/2024"], "date", "DD/MM/YYYY"),
        (["12/31/2024", "01/02/2024"], "date", "MM/DD/YYYY"),
        (["12/31/2024", "1/2/2024"], "date", "M/D/YYYY"),
        (["12/31/2024", "31/12/2024"], "string", None),
        (["31-12-2024"], "date", "DD-MM-YYYY"),
        (["31.12.2024"], "date", "DD.MM.YYYY"),
        (["2024/12/31"], "date", "YYYY/MM/DD"),
        (["2024-01"], "string", "YYYY-MM"),
        (["2024-13"], "string", None),
        (["2024-01-02T03:04:05Z"], "timestamp", "YYYY-MM-DDThh:mm:ssZ"),
        (["2024-01-02T03:04:05+00:00"], "timestamp", "YYYY-MM-DDThh:mm:ssZ"),
        (["2024-01-02 03:04:05"], "timestamp", "YYYY-MM-DD hh:mm:ss"),
        (["2024-01-02T03:04"], "timestamp", "YYYY-MM-DDThh:mm"),
        (["02/01/2024 03:04"], "timestamp", "DD/MM/YYYY hh:mm"),
        (["2024-01-02 25:04:05"], "string", None),
        (["12:30"], "string", None),
        (["", ""], "string", None),
    ],
)
def test_types_are_those_that_ingestion_will_read(
    tmp_path: Path, values: list[str], logical_type: str, date_format: str | None
) -> None:
    column = _column(tmp_path, values)
    assert (column.logical_type, column.date_format) == (logical_type, date_format)
    assert column.is_required == all(values)


@pytest.mark.parametrize(
    ("values", "logical_type", "separator"),
    [
        (["0,56", "1"], "number", ","),
        (["0,5", "0,565"], "number", ","),
        (["1,234", "5"], "string", "."),
        (["1,234,567"], "string", "."),
        (["0,56", "0.57"], "string", "."),
    ],
)
def test_a_comma_is_decimal_only_where_it_cannot_mean_thousands(
    tmp_path: Path, values: list[str], logical_type: str, separator: str
) -> None:
    column = _column(tmp_path, values)
    assert (column.logical_type, column.decimal_separator) == (logical_type, separator)


@pytest.mark.parametrize(
    "name", ["Crime ID", "LSOA code", "Case reference", "Badge number"]
)
def test_numbers_that_count_nothing_stay_text(tmp_path: Path, name: str) -> None:
    assert _column(tmp_path, ["101", "102"], name).logical_type == "string"


def test_doubt_about_day_and_month_is_told(tmp_path: Path) -> None:
    assert "day first is assumed" in " ".join(_column(tmp_path, ["01/02/2024"]).notes)
    assert not _column(tmp_path, ["01/02/2024", "13/02/2024"]).notes


def test_a_type_that_nearly_fits_is_told_as_a_count(tmp_path: Path) -> None:
    column = _column(tmp_path, [*map(str, range(1, 39)), "n/a"])
    assert column.logical_type == "string"
    assert "1 of 39 values are no number" in " ".join(column.notes)


@pytest.mark.parametrize(
    ("received", "names"),
    [
        (["Crime ID"], ["crime_id"]),
        (["Self-defined ethnicity"], ["self_defined_ethnicity"]),
        (["MajorText"], ["major_text"]),
        (["LSOA11CD"], ["lsoa11cd"]),
        (["LookUp_BoroughName"], ["look_up_borough_name"]),
        (["  Start date (UTC) "], ["start_date_utc"]),
        (["% of people"], ["percent_of_people"]),
        (["Cost (£)"], ["cost_pounds"]),
        (["Officer's rank"], ["officers_rank"]),
        (["Café"], ["cafe"]),
        (["2019 total"], ["column_2019_total"]),
        (["…"], ["unnamed"]),
        (["A b", "A-b", "a_b"], ["a_b", "a_b_2", "a_b_3"]),
        (["Month"], ["file_month"]),
        (["Order", "Group", "To"], ["received_order", "received_group", "received_to"]),
        (["source_file", "Reason"], ["received_source_file", "received_reason"]),
    ],
)
def test_column_names(received: list[str], names: list[str]) -> None:
    assert column_names(received) == names


@pytest.mark.parametrize(
    ("name", "pattern", "has_month", "has_force"),
    [
        ("2024-01-metropolitan-street.csv", "{month}-{force}-street.csv", True, True),
        ("2024-01-city-of-london-x.csv", "{month}-{force}-x.csv", True, True),
        ("visits 2024-12.csv", "visits {month}.csv", True, False),
        ("visits 2024-13.csv", "visits 2024-13.csv", False, False),
        ("visits-2024-01-31.csv", "visits-*.csv", False, False),
        ("visits_20240131.csv", "visits_*.csv", False, False),
        ("visits 31-01-2024.csv", "visits *.csv", False, False),
        ("visits-202401.csv", "visits-*.csv", False, False),
        ("visits Jan 2024.csv", "visits *.csv", False, False),
        ("visits-2024-01-to-2024-03.csv", "visits-*-to-*.csv", False, False),
        ("2010-2011-12.csv", "2010-2011-12.csv", False, False),
        ("market-2024.csv", "market-2024.csv", False, False),
        ("mayor-2024.csv", "mayor-2024.csv", False, False),
        ("kentish-town.csv", "kentish-town.csv", False, False),
        ("kent-and-essex.csv", "kent-and-essex.csv", False, False),
        ("Kent.csv", "{force}.csv", False, True),
        ("plain.csv", "plain.csv", False, False),
        ("{odd}.csv", "*odd*.csv", False, False),
    ],
)
def test_file_patterns(
    name: str, pattern: str, has_month: bool, has_force: bool
) -> None:
    found = file_pattern(name)
    assert (found.text, found.has_month, found.has_force) == (
        pattern,
        has_month,
        has_force,
    )


def test_a_range_of_years_that_reads_as_a_month_is_told() -> None:
    assert "range of years" in file_pattern("crime-2010-11.csv").note
    assert not file_pattern("crime-2010-12.csv").note


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("surname", []),
        ("officer", ["a"]),
        ("date_of_birth", ["1980-01-01"]),
        ("home_postcode", []),
        ("contact_email", []),
        ("self_defined_ethnicity", []),
        ("age_range", []),
        ("notes", []),
        ("latitude", []),
        ("ref", ["SW1A 1AA", "N1 9GU"]),
        ("ref", ["ann@force.example", "x", "y"]),
        ("ref", ["07700 900123"]),
        ("ref", ["QQ123456C".replace("QQ", "AB")]),
        ("ref", ["943 476 5919", "943 476 5870"]),
        ("ref", ["AB12 CDE"]),
        ("ref", ["Ann Example", "Bob Example"]),
        ("ref", ["EXAMPLE, Ann"]),
        ("ref", ["PC Example"]),
        ("handler", ["Sarah", "David"]),
        ("ref", ["12 Example Street"]),
        ("ref", ["She said that the man ran away down the road towards the park"]),
    ],
)
def test_what_looks_personal_is_suspected(name: str, values: list[str]) -> None:
    assert suspicion(name, pl.Series(values, dtype=pl.String))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("kind", ["Roadshow", "School"]),
        (
            "borough",
            ["Camden", "Tower Hamlets", "Hackney", "Brent", "Barnet", "Ealing"],
        ),
        ("outcome", ["No further action", "Under investigation"]),
        ("bikes_marked", ["1", "2"]),
        ("held_on", ["2024-01-01"]),
        ("manage", ["stage one"]),
        ("blank", []),
    ],
)
def test_what_does_not_look_personal_is_not(name: str, values: list[str]) -> None:
    assert suspicion(name, pl.Series(values, dtype=pl.String)) is None


@pytest.mark.parametrize(
    ("name", "values", "is_listed"),
    [
        ("Kind", ["open", "shut"] * 5, True),
        ("Kind", ["open", "shut"] * 4, False),  # eight rows: four of each
        ("Kind", ["open"] * 9 + ["rare"], False),
        ("Kind", ["open"] * 10, False),
        ("Kind", [f"kind {at % 12}" for at in range(60)], True),
        ("Kind", [f"kind {at % 13}" for at in range(65)], False),
        ("Kind", ["x" * 40, "y"] * 5, True),
        ("Kind", ["x" * 41, "y"] * 5, False),
        ("Kind code", ["A", "B"] * 5, False),
        ("Officer", ["open", "shut"] * 5, False),
        ("Handler", ["Sarah", "David"] * 5, False),
        ("Seen by", ["Ann Example", "Bob Example"] * 5, False),
        ("Ethnicity", ["A1", "B2"] * 5, False),
        ("Home", ["SW1A 1AA", "N1 9GU"] * 5, False),
    ],
)
def test_values_are_suggested_only_where_nothing_is_doubtful(
    tmp_path: Path, name: str, values: list[str], is_listed: bool
) -> None:
    column = _column(tmp_path, values, name)
    assert column.values == (tuple(sorted(set(values))) if is_listed else ())


def test_no_personal_value_is_written_anywhere(
    platform: Platform, tmp_path: Path
) -> None:
    """Values of suspected columns, and of columns with many values, stay out."""
    path = tmp_path / "people.csv"
    rows = [
        f"Zebedee Quixote,1971-0{1 + at % 3}-09,SW1A {at % 3}AA,0770090012{at % 3},"
        f"quix{at % 3}@force.example,Unheard{at}"
        for at in range(30)
    ]
    path.write_text("\n".join(["Who,Born,Where,Call,Write to,Mark", *rows, ""]))
    for written in scaffold_data_set("people_seen", path):
        text = written.read_text()
        for value in ("Zebedee", "Quixote", "1971", "SW1A", "07700", "quix", "Unheard"):
            assert value not in text, f"{value} in {written.name}"
    contract = (platform.defs / "datasets/people_seen/contract.yaml").read_text()
    assert contract.count("Looks like personal data") == 5


def _wide(tmp_path: Path, header: str, row: str) -> FileProfile:
    path = tmp_path / "wide 2024-05.csv"
    path.write_text(f"{header}\n{row}\n")
    return profile(path)


def test_wide_files_are_read_one_row_a_cell(tmp_path: Path) -> None:
    months = _wide(tmp_path, "Area,Kind,202401,202402", "North,a,1,2")
    assert months.wide == "month"
    assert months.month_from == "columnNames"
    assert [one.name for one in months.columns] == ["area", "kind", "value"]
    assert yaml.safe_load(f"reader: {months.reader}")["reader"] == {
        "shape": "wide_csv",
        "columns": r"^\d{6}$",
        "as": "month",
        "value": "value",
    }
    assert months.pattern.text == "wide *.csv"
    years = _wide(tmp_path, "Area,2019,2020,2021", "North,1.5,2,3")
    assert years.wide == "year"
    assert [(one.name, one.logical_type) for one in years.columns] == [
        ("area", "string"),
        ("year", "integer"),
        ("value", "number"),
    ]
    two = _wide(tmp_path, "Area,2020,2021", "North,1,2")
    assert two.wide is None
    assert [one.name for one in two.columns] == ["area", "column_2020", "column_2021"]


def test_candidate_keys_never_include_counts(tmp_path: Path) -> None:
    path = tmp_path / "keys.csv"
    path.write_text("Place,Day,Seen\nA,2024-01-01,1\nA,2024-01-02,2\nB,2024-01-01,3\n")
    assert profile(path).keys[0] == ("place", "day")
    path.write_text("Ref,Seen\nA,1\nB,2\n")
    assert profile(path).keys == (("ref",),)


def test_columns_without_a_name_are_left_to_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "margin.csv"
    path.write_text("a,b,\n1,2,\n3,4,note\n")
    found = profile(path)
    assert [one.name for one in found.columns] == ["a", "b"]
    assert found.reader == "{shape: csv, ignore_unnamed_columns: true}"


def test_records_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "damaged.csv"
    path.write_text("a,b\n1,2\n3\n4,5,6\n")
    assert (profile(path).records, profile(path).unread) == (1, 2)


def test_a_geojson_file_keeps_its_properties_as_text(tmp_path: Path) -> None:
    path = tmp_path / "areas.geojson"
    feature = {
        "type": "Feature",
        "properties": {"CODE": "E1", "People": 4},
        "geometry": {"type": "Point", "coordinates": [0, 51]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    found = profile(path)
    assert found.reader == "geojson"
    assert [(one.name, one.logical_type) for one in found.columns] == [
        ("code", "string"),
        ("people", "string"),
        ("geometry", "string"),
    ]


def test_a_plain_workbook_is_profiled_and_asks_for_a_reader(
    platform: Platform, shared_data: Path
) -> None:
    source = shared_data / "reference" / "london-borough-profilesV2.xlsx"
    assert fastexcel.read_excel(str(source)).sheet_names
    scaffold_data_set("profiles_again", source)
    found = DataSets.load(Home.open(TODAY), platform.defs)
    (fault,) = found.set_aside
    assert re.search(r"defs\.yaml:\d+: `reader` is not answered", fault.error)


@pytest.mark.parametrize(
    ("file", "reader", "pattern"),
    [
        ("london_datastore/MPS Borough Level Crime (Historical).csv", "wide_csv", None),
        ("london_datastore/london-2011-2021-major-burglary.csv", "wide_csv", None),
        ("london_datastore/PAS_Dashboard_Borough.csv", "csv", None),
        ("reference/lsoa2011_population_mid2020_london.csv", "csv", None),
        ("reference/london_boroughs_2022.geojson", "geojson", None),
        (
            "police_uk/2018-07/2018-07-city-of-london-stop-and-search.csv",
            "csv",
            "{month}-{force}-stop-and-search.csv",
        ),
    ],
)
def test_real_files_give_folders_whose_only_faults_are_the_questions(
    platform: Platform, shared_data: Path, file: str, reader: str, pattern: str | None
) -> None:
    scaffold_data_set("from_real_file", shared_data / file)
    folder = platform.defs / "datasets" / "from_real_file"
    contract = load_yaml(folder / "contract.yaml")
    with pytest.raises(ContractInvalid) as refused:
        load_contract(folder / "contract.yaml")
    assert len(refused.value.problems) == len(contract.blanks())
    stated = load_yaml(folder / "defs.yaml").data["attributes"]["reader"]
    assert (stated if isinstance(stated, str) else stated["shape"]) == reader
    if pattern:
        held = {
            item["property"]: item["value"]
            for item in contract.data["customProperties"]
        }
        assert held["filePattern"] == pattern


def test_a_contract_and_its_models_are_not_written_to_different_trees(
    platform: Platform, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EDP_DBT_PROJECT")
    before = sorted(platform.defs.rglob("*"))
    file = shared_data / "reference" / "london_boroughs_2022.geojson"
    with pytest.raises(ScaffoldFailed, match="EDP_DBT_PROJECT is not"):
        scaffold_data_set("half_moved", file)
    assert sorted(platform.defs.rglob("*")) == before
