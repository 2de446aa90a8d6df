"""The governed files of all data sets: whole, valid, and true of the real files."""

# A test's name says what it shows.

from __future__ import annotations

import csv
import io
import json
import os
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path

import polars as pl
import pytest
from jsonschema import Draft201909Validator

from edp_platform.contracts.loading import load_contract
from edp_platform.contracts.model import Contract
from edp_platform.governance.dpia import Dpia, load_dpia
from edp_platform.governance.registers import Registers
from edp_platform.yaml_source import load_yaml

PACKAGE = Path(__file__).parents[2] / "edp_platform"
FOLDERS = sorted(path for path in (PACKAGE / "defs" / "datasets").iterdir())
REGISTERS = PACKAGE / "registers"
TODAY = date(2026, 11, 22)

#: Data sets of which there are published files.
PUBLISHED = {
    "borough_boundaries",
    "borough_ethnic_group",
    "borough_profiles",
    "census_2021_ethnic_group",
    "deprivation_2019",
    "deprivation_2025",
    "lsoa_2011_to_borough",
    "lsoa_2011_to_lsoa_2021",
    "lsoa_2011_to_ward_2019",
    "lsoa_2021_to_borough",
    "mopac_public_attitude_survey",
    "mps_borough_crime",
    "mps_lsoa_burglary",
    "mps_ward_crime",
    "police_uk_outcomes",
    "police_uk_stop_and_search",
    "police_uk_street",
    "population_mid_2020",
}
#: The sample force's internal systems; nothing of a real one is here.
INTERNAL = {
    "calls_for_service",
    "crime_report_persons",
    "crime_reports",
    "custody_records",
    "misconduct_cases",
    "nominals",
    "patrol_activity",
    "stop_and_search_records",
    "victim_satisfaction_survey",
}
DATA_SETS = PUBLISHED | INTERNAL
#: Columns of a sheet or a wide table that a reader makes out of headings.
MADE_BY_READER = {
    "borough_ethnic_group": {"year", "ethnic_group", "people", "confidence_interval"},
    "borough_profiles": {"indicator", "value_text"},
    "mps_borough_crime": {"crimes"},
    "mps_ward_crime": {"crimes"},
    "mps_lsoa_burglary": {"year", "burglaries"},
}
#: The checks that exist today; a DPIA may rest on no other.
CHECKS = {"reconciliation", "contract_quality", "dpia_gate"}

every_folder = pytest.mark.parametrize(
    "folder", [f for f in FOLDERS if f.name in DATA_SETS], ids=lambda path: path.name
)


@cache
def _contract_of(name: str) -> Contract:
    return load_contract(PACKAGE / "defs" / "datasets" / name / "contract.yaml")


@cache
def _dpia_of(name: str) -> Dpia:
    return load_dpia(PACKAGE / "defs" / "datasets" / name / "dpia.yaml", TODAY)


@cache
def _registers() -> Registers:
    return Registers(TODAY, REGISTERS)


# --------------------------------------------------------------- files as written


def test_every_data_set_has_a_folder_of_three_files() -> None:
    assert {folder.name for folder in FOLDERS} >= DATA_SETS
    for folder in FOLDERS:
        for name in ("defs.yaml", "contract.yaml", "dpia.yaml"):
            assert (folder / name).is_file(), f"{folder.name} lacks {name}"


@every_folder
def test_contract_is_valid_against_the_standard_and_this_platform(
    folder: Path,
) -> None:
    schema = json.loads(
        resources.files("open_data_contract_standard")
        .joinpath("schema.json")
        .read_text(encoding="utf-8")
    )
    data = load_yaml(folder / "contract.yaml").data
    faults = [
        f"{list(error.absolute_path)}: {error.message}"
        for error in Draft201909Validator(schema).iter_errors(data)
    ]
    assert faults == []
    # The loader also refuses unknown custom properties and unanswered governance.
    assert _contract_of(folder.name).data_set == folder.name


@every_folder
def test_defs_names_the_files_beside_it_and_a_reader(folder: Path) -> None:
    data = load_yaml(folder / "defs.yaml").data
    assert data["type"] == "edp_platform.components.GovernedDataset"
    assert data["attributes"]["contract"] == "contract.yaml"
    assert data["attributes"]["dpia"] == "dpia.yaml"
    reader = data["attributes"]["reader"]
    shape = reader if isinstance(reader, str) else reader["shape"]
    assert shape in {
        "police_uk_csv",
        "csv",
        "wide_csv",
        "spreadsheet_years",
        "spreadsheet_profiles",
        "geojson",
    }


@every_folder
def test_dpia_is_approved_signed_and_covers_the_contract(folder: Path) -> None:
    contract, dpia = _contract_of(folder.name), _dpia_of(folder.name)
    assert dpia.scope is not None
    assert dpia.id == contract.dpia_ref
    assert dpia.status == "approved"
    (covered,) = dpia.scope.datasets
    assert (covered.contract, covered.contract_major) == (contract.id, contract.major)
    assert set(contract.column_names) <= set(covered.columns)
    assert set(contract.purposes) <= set(dpia.scope.purposes)
    assert {"raw", "staging", "mart"} <= set(covered.layers)
    assert dpia.retention_rule == contract.retention_rule
    assert dpia.review.due > TODAY
    assert all(mark.on <= TODAY for mark in dpia.sign_off)


def _every_dpia() -> list[Dpia]:
    platform = load_dpia(REGISTERS / "dpia_platform.yaml", TODAY)
    return [platform, *(_dpia_of(name) for name in sorted(DATA_SETS))]


def test_every_reference_resolves() -> None:
    registers = _registers()
    purposes, rules = registers.purposes, registers.retention_rules
    teams, documents = registers.teams, registers.policy_documents
    for name in sorted(DATA_SETS):
        contract = _contract_of(name)
        assert set(contract.purposes) <= set(purposes), name
        assert contract.retention_rule in rules, name
        assert contract.owners, name
        for owner in contract.owners:
            assert owner in teams or re.fullmatch(r"[^@\s]+@[^@\s]+", owner), owner
    for dpia in _every_dpia():
        assert dpia.kind == "overarching" or dpia.parent == "DPIA-PLATFORM"
        assert dpia.retention_rule in rules, dpia.id
        for regime in dpia.regimes:
            assert regime.purpose in purposes, dpia.id
            assert regime.apd_ref is None or regime.apd_ref in documents, dpia.id
        if dpia.scope is not None and dpia.screening.needed:
            stated = {regime.purpose for regime in dpia.regimes}
            assert stated == set(dpia.scope.purposes), dpia.id


def test_dpia_ids_and_contract_ids_are_each_used_once() -> None:
    dpia_ids = [dpia.id for dpia in _every_dpia()]
    assert len(dpia_ids) == len(set(dpia_ids))
    contract_ids = [_contract_of(name).id for name in DATA_SETS]
    assert len(contract_ids) == len(set(contract_ids))


def test_authors_advisers_and_signers_are_different_people_on_the_register() -> None:
    roles = {one.id: one.role for one in _registers().people.values()}
    for dpia in _every_dpia():
        signers = {mark.by for mark in dpia.sign_off}
        advisers = {dpia.dpo_advice.by} if dpia.dpo_advice else set()
        assert dpia.author in roles, dpia.id
        assert signers | advisers <= set(roles), dpia.id
        assert not signers & advisers and dpia.author not in signers | advisers
        assert all(roles[one] == "data_protection_officer" for one in advisers)
        assert dpia.screening.by in roles, dpia.id
        for mark in dpia.sign_off:
            assert roles[mark.by] == mark.role, dpia.id
        if dpia.screening.needed:
            assert dpia.dpo_advice is not None, dpia.id


def test_teams_are_led_by_people_on_the_register() -> None:
    people = set(_registers().people)
    for team in _registers().teams.values():
        assert {team.lead, team.information_asset_owner} <= people, team.id
        assert team.email.endswith(".example"), team.id


def test_each_risk_rests_on_a_check_that_exists_and_high_ones_are_lowered() -> None:
    for dpia in _every_dpia():
        for risk in dpia.risks:
            assert risk.measures, f"{dpia.id} {risk.id}"
            assert {measure.check for measure in risk.measures} <= CHECKS, dpia.id
            assert risk.residual != "high", f"{dpia.id} {risk.id}"


def test_platform_dpia_was_reviewed_after_each_use_case_it_names() -> None:
    platform = load_dpia(REGISTERS / "dpia_platform.yaml", TODAY)
    named = {
        use_case
        for name in DATA_SETS
        for use_case in (_dpia_of(name).scope.use_cases if _dpia_of(name).scope else [])
    }
    assert named <= set(platform.review.on_use_case)
    assert platform.review.last is not None and platform.review.last <= TODAY


@every_folder
def test_identity_is_the_primary_key_where_a_key_is_complete(folder: Path) -> None:
    """police.uk marks are blank or shared, so they identify without being a key."""
    contract = _contract_of(folder.name)
    if folder.name.startswith("police_uk"):
        assert contract.primary_key == ()
        assert contract.identity in ((), ("crime_id",))
    else:
        assert contract.identity == contract.primary_key
        assert all(contract.column(name).required for name in contract.identity)


MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])\Z")


@every_folder
def test_known_values_are_labelled_once_and_dated_in_order(folder: Path) -> None:
    for column in _contract_of(folder.name).columns:
        values = [known.value for known in column.known_values]
        assert len(values) == len(set(values)), column.name
        groupings: dict[str, set[str | None]] = defaultdict(set)
        for known in column.known_values:
            groupings[known.label].add(known.grouping)
            for month in (known.valid_from, known.valid_to):
                assert month is None or MONTH.match(month), known.value
            if known.valid_from and known.valid_to:
                assert known.valid_from <= known.valid_to, known.value
        mixed = [label for label, group in groupings.items() if len(group) > 1]
        assert mixed == [], f"{column.name}: one label in two groupings"


LISTED = [
    ("police_uk_street", "crime_type"),
    ("police_uk_street", "last_outcome_category"),
    ("police_uk_outcomes", "outcome_type"),
    *(
        ("police_uk_stop_and_search", name)
        for name in (
            "search_type",
            "gender",
            "age_range",
            "self_defined_ethnicity",
            "officer_defined_ethnicity",
            "legislation",
            "object_of_search",
            "outcome",
        )
    ),
    ("mps_borough_crime", "offence_group"),
    ("mps_borough_crime", "borough"),
    ("mps_ward_crime", "offence_group"),
    ("mps_ward_crime", "borough"),
    ("mopac_public_attitude_survey", "borough"),
    ("mopac_public_attitude_survey", "measure"),
]


@pytest.mark.parametrize(("name", "column"), LISTED)
def test_labels_that_marts_need_are_listed_with_a_grouping(
    name: str, column: str
) -> None:
    known = _contract_of(name).column(column).known_values
    assert known
    assert [value.value for value in known if not value.grouping] == []


@pytest.mark.parametrize(
    ("name", "column", "values", "label", "grouping"),
    [
        (
            "police_uk_stop_and_search",
            "outcome",
            ["Suspect arrested", "Arrest"],
            "Arrest",
            "arrest",
        ),
        (
            "police_uk_stop_and_search",
            "outcome",
            ["Nothing found - no further action", "A no further action disposal"],
            "No further action",
            "no further action",
        ),
        (
            "police_uk_stop_and_search",
            "self_defined_ethnicity",
            [
                "Chinese or other ethnic group - Chinese (O1)",
                "Asian/Asian British - Chinese",
            ],
            "Asian - Chinese",
            "Asian",
        ),
        (
            "police_uk_stop_and_search",
            "self_defined_ethnicity",
            ["Not Stated (NS)", "Other ethnic group - Not stated"],
            "Not stated",
            "Not stated",
        ),
        (
            "mps_ward_crime",
            "offence_group",
            ["Historical Fraud and Forgery", "FRAUD AND FORGERY"],
            "Fraud and Forgery",
            "comparable",
        ),
        (
            "mps_borough_crime",
            "borough",
            ["London Heathrow and London City Airports", "Aviation Security (SO18)"],
            "Heathrow and London City airports",
            "not a borough",
        ),
        (
            "mopac_public_attitude_survey",
            "borough",
            ["Richmond upon Thames", "Richmond Upon Thames"],
            "Richmond upon Thames",
            "borough",
        ),
        (
            "mopac_public_attitude_survey",
            "borough",
            ["City of Westminster"],
            "Westminster",
            "borough",
        ),
    ],
)
def test_drifting_labels_meet_in_one(
    name: str, column: str, values: list[str], label: str, grouping: str
) -> None:
    known = {one.value: one for one in _contract_of(name).column(column).known_values}
    assert {known[value].label for value in values} == {label}
    assert {known[value].grouping for value in values} == {grouping}


def test_same_columns_carry_the_same_labels_in_both_police_uk_crime_files() -> None:
    street = _contract_of("police_uk_street").column("last_outcome_category")
    outcomes = _contract_of("police_uk_outcomes").column("outcome_type")
    in_outcomes = {one.value: one for one in outcomes.known_values}
    for one in street.known_values:
        assert in_outcomes[one.value].label == one.label
        assert in_outcomes[one.value].grouping == one.grouping


# --------------------------------------------------------------- the real files


@pytest.fixture(scope="module")
def shared_data() -> Path:
    stated = os.environ.get("EDP_TEST_DATA")
    folder = Path(stated) if stated else PACKAGE.parent / ".." / "shared" / "data"
    if not (folder / "manifest.csv").is_file():
        pytest.skip(f"the published test files are not at {folder}")
    return folder.resolve()


def _published(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (base name, content) of each published file, members of zips included."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for member in archive.namelist():
                    if not member.endswith("/"):
                        yield Path(member).name, archive.read(member)
        elif path.is_file() and path.parent != folder:
            yield path.name, path.read_bytes()


def _recognised(base_name: str) -> dict[str, dict[str, str]]:
    """Return data set → named parts for every contract whose pattern takes the name."""
    return {
        name: match.groupdict()
        for name in sorted(DATA_SETS)
        for expression in _contract_of(name).file_name_expressions
        if (match := expression.match(base_name))
    }


def _is_value_column(name: str, header: str) -> bool:
    """Whether a heading is a value of a wide table and not a column of the contract."""
    reader = load_yaml(PACKAGE / "defs" / "datasets" / name / "defs.yaml").data[
        "attributes"
    ]["reader"]
    if isinstance(reader, str):
        return False
    if reader.get("ignore_unnamed_columns") and header == "":
        return True
    return "columns" in reader and re.match(reader["columns"], header) is not None


def test_each_published_file_is_taken_by_exactly_one_pattern(shared_data: Path) -> None:
    taken: dict[str, int] = defaultdict(int)
    for base_name, _ in _published(shared_data):
        names = list(_recognised(base_name))
        assert len(names) == 1, f"{base_name} is taken by {names or 'nothing'}"
        taken[names[0]] += 1
    assert set(taken) == PUBLISHED


def test_sample_force_names_are_taken_too() -> None:
    assert _recognised("2024-01-metropolitan-street.csv") == {
        "police_uk_street": {"month": "2024-01", "force": "metropolitan"}
    }
    taken_by = list(_recognised("ethnic-groups-by-borough.xlsx"))
    assert taken_by == ["borough_ethnic_group"]


def test_each_received_column_is_in_its_contract_and_the_other_way(
    shared_data: Path,
) -> None:
    seen: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for base_name, content in _published(shared_data):
        if base_name.endswith(".csv"):
            (name,) = _recognised(base_name)
            header = next(csv.reader(io.StringIO(content.decode("utf-8"))))
            seen[name].add(tuple(header))
    for name, headers in seen.items():
        contract = _contract_of(name)
        expected = {
            column.physical_name
            for column in contract.received
            if column.name not in MADE_BY_READER.get(name, set())
        }
        for header in headers:
            received = {one for one in header if not _is_value_column(name, one)}
            assert received == expected, name


def _text_frames(
    shared_data: Path, name: str
) -> Iterator[tuple[str | None, pl.DataFrame]]:
    """Yield (month of the file name, all columns as text) of each CSV of a data set."""
    for base_name, content in _published(shared_data):
        parts = _recognised(base_name).get(name)
        if parts is not None:
            yield parts.get("month"), pl.read_csv(content, infer_schema=False)


@pytest.mark.parametrize("name", sorted({name for name, _ in LISTED}))
def test_each_real_label_is_known_in_the_month_it_is_used(
    shared_data: Path, name: str
) -> None:
    contract = _contract_of(name)
    columns = [column for column in contract.received if column.known_values]
    unknown: set[tuple[str, str]] = set()
    out_of_date: set[tuple[str, str, str]] = set()
    for file_month, frame in _text_frames(shared_data, name):
        if name == "mopac_public_attitude_survey":
            month = pl.col("Date").str.to_date("%-d/%-m/%Y").dt.strftime("%Y-%m")
        else:
            month = pl.lit(file_month, dtype=pl.String)
        frame = frame.with_columns(month.alias("month of row"))
        for column in columns:
            known = {one.value: one for one in column.known_values}
            used = frame.select(column.physical_name, "month of row").unique()
            for value, at in used.drop_nulls(column.physical_name).iter_rows():
                if value not in known:
                    unknown.add((column.name, value))
                    continue
                first, last = known[value].valid_from, known[value].valid_to
                if at and not (first or at) <= at <= (last or at):
                    out_of_date.add((column.name, value, at))
    assert unknown == set()
    assert out_of_date == set()


def test_each_enum_of_a_reference_set_knows_its_real_labels(shared_data: Path) -> None:
    for name in ("census_2021_ethnic_group", "lsoa_2011_to_lsoa_2021"):
        for column in _contract_of(name).columns:
            if column.known_values:
                known = {one.value for one in column.known_values}
                for _, frame in _text_frames(shared_data, name):
                    assert set(frame[column.physical_name].unique()) <= known, name


@pytest.mark.parametrize(
    "name",
    [
        "police_uk_street",
        "police_uk_outcomes",
        "police_uk_stop_and_search",
        "mps_borough_crime",
        "mps_ward_crime",
        "mopac_public_attitude_survey",
    ],
)
def test_no_real_row_is_refused_for_a_required_value(
    shared_data: Path, name: str
) -> None:
    """`required` is for what the real data always has; else good rows would be lost."""
    contract = _contract_of(name)
    required = [
        column.physical_name
        for column in contract.received
        if column.required and column.name not in MADE_BY_READER.get(name, set())
    ]
    for _, frame in _text_frames(shared_data, name):
        missing = frame.select(pl.col(required).null_count()).row(0)
        assert sum(missing) == 0, name


def test_every_reference_key_is_unique_in_the_real_file(shared_data: Path) -> None:
    for name in sorted(DATA_SETS):
        contract = _contract_of(name)
        keys = [
            contract.column(one).physical_name
            for one in contract.primary_key
            if one not in MADE_BY_READER.get(name, set())
        ]
        if contract.primary_key and not name.startswith("borough_"):
            for _, frame in _text_frames(shared_data, name):
                assert frame.select(keys).is_duplicated().sum() == 0, name
