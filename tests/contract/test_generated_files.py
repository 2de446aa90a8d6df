"""What is generated from the contracts: no drift, and schemas that really refuse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import yaml
from pandera.errors import SchemaError, SchemaErrors

from edp_platform.contracts import Contract, load_contract
from edp_platform.contracts.dbt_sources import drift, generated_files, write_generated
from edp_platform.contracts.frame_schema import (
    lake_schema,
    pandera_schema,
    polars_type,
    warning_rules,
)
from edp_platform.contracts.model import Column, QualityRule
from edp_platform.datasets import DataSets
from edp_platform.ingestion import preparation
from tests.landing_room import (
    STREET,
    STREET_FILE,
    all_data_sets,
    open_room,
    street_row,
    text,
)

ROOT = Path(__file__).parents[2]
FOLDERS = sorted((ROOT / "edp_platform" / "defs" / "datasets").glob("*/contract.yaml"))
CONTRACTS = [load_contract(path) for path in FOLDERS]

every_contract = pytest.mark.parametrize(
    "contract", CONTRACTS, ids=[one.data_set for one in CONTRACTS]
)


@pytest.fixture(scope="module")
def data_sets(tmp_path_factory: pytest.TempPathFactory) -> DataSets:
    return all_data_sets(tmp_path_factory.mktemp("contracts"))


@pytest.fixture(scope="module")
def street() -> Contract:
    return next(one for one in CONTRACTS if one.data_set == "police_uk_street")


# --------------------------------------------------------------- files in the project


def test_the_generated_files_of_the_project_say_what_the_contracts_say() -> None:
    assert drift(CONTRACTS, ROOT / "dbt_project") == []


def test_no_generated_file_is_left_over_from_a_contract_that_is_gone() -> None:
    expected = {path for one in CONTRACTS for path in generated_files(one)}
    project = ROOT / "dbt_project"
    found = {
        path.relative_to(project)
        for path in (project / "models" / "staging").rglob("*")
        if path.suffix in (".yml", ".sql")
        and "Generated from edp_platform/defs/" in path.read_text(encoding="utf-8")
    }
    assert found == expected


@pytest.mark.parametrize("damage", ["edited", "deleted"])
def test_a_hand_edit_is_found_and_written_anew(
    tmp_path: Path, street: Contract, damage: str
) -> None:
    written = write_generated([street], tmp_path)
    assert len(written) == 3 and drift([street], tmp_path) == []
    assert write_generated([street], tmp_path) == []
    for path in written:
        before = path.read_text(encoding="utf-8")
        if damage == "edited":
            path.write_text(before + " ", encoding="utf-8")
        else:
            path.unlink()
        assert drift([street], tmp_path) == [path]
        assert write_generated([street], tmp_path) == [path]
        assert path.read_text(encoding="utf-8") == before


def test_a_changed_contract_is_drift_until_it_is_generated(
    tmp_path: Path, street: Contract
) -> None:
    write_generated([street], tmp_path)
    first, *rest = street.columns
    better = replace(street, columns=(replace(first, description="Better."), *rest))
    (path,) = drift([better], tmp_path)
    assert path.name == "_police_uk_street__sources.yml"


@every_contract
def test_a_source_names_every_column_of_the_lake(contract: Contract) -> None:
    files = generated_files(contract)
    (path,) = [one for one in files if one.name.endswith("__sources.yml")]
    (table,) = yaml.safe_load(files[path])["sources"][0]["tables"]
    named = [column["name"] for column in table["columns"]]
    expected = set(lake_schema(contract)) | (
        {"month"} if contract.is_monthly else set()
    )
    assert len(named) == len(set(named)) and set(named) == expected
    assert all(column["description"] for column in table["columns"])


@every_contract
def test_a_code_list_gives_duckdb_the_values_of_the_contract(
    contract: Contract,
) -> None:
    files = generated_files(contract)
    known = [
        (column.name, one.value, one.label, one.grouping, one.valid_from, one.valid_to)
        for column in contract.columns
        for one in column.known_values
    ]
    queries = [body for path, body in files.items() if path.suffix == ".sql"]
    if not queries:
        assert known == [] and not contract.partial_supply
        return
    rows = duckdb.sql(queries[0]).fetchall()
    listed = [row for row in rows if row[0] != "__partial_supply__"]
    assert sorted(listed, key=str) == sorted(known, key=str)
    assert len(rows) - len(listed) == len(contract.partial_supply)


# ------------------------------------------------------------ the schema in memory


def made(contract: Contract, **rules: Any) -> Contract:
    """Return a contract of one column `v`, made by `rules`."""
    column = Column(
        name="v",
        physical_name="V",
        logical_type=rules.pop("type", "string"),
        description="",
        required=rules.pop("required", False),
        rules=tuple(
            QualityRule(metric, "conformity", rules.get("severity", "error"), arguments)
            for metric, arguments in rules.get("rules", [])
        ),
    )
    return replace(contract, columns=(column,))


def refused(contract: Contract, values: list[Any]) -> set[int]:
    """Return the positions of the values that the schema refuses."""
    kind = polars_type(contract.columns[0].logical_type)
    frame = pl.DataFrame({"v": pl.Series(values, dtype=kind)})
    try:
        pandera_schema(contract).validate(frame, lazy=True)
    except SchemaErrors as error:
        return set(error.failure_cases["index"].to_list())
    return set()


CASES: list[tuple[str, dict[str, Any], list[Any], set[int]]] = [
    ("nothing asked", {}, ["a", None, ""], set()),
    ("required", {"required": True}, ["a", None, ""], {1}),
    ("a null rule alone", {"rules": [("nullValues", {})]}, ["a", None], {1}),
    ("missing alone", {"rules": [("missingValues", {})]}, ["a", None], {1}),
    (
        "pattern",
        {"rules": [("invalidValues", {"pattern": "^[a-z]+$"})]},
        ["ab", "A", "", None, "ab\n", "ab1"],
        {1, 2, 4, 5},
    ),
    (
        "minimum and maximum",
        {"type": "integer", "rules": [("invalidValues", {"min": 0, "max": 10})]},
        [-1, 0, 10, 11, None],
        {0, 3},
    ),
    (
        "bounds of a number",
        {"type": "number", "rules": [("invalidValues", {"min": 0, "max": 1})]},
        [-0.01, 0.0, 1.0, 1.01, None],
        {0, 3},
    ),
    (
        "valid values",
        {"rules": [("invalidValues", {"validValues": ["a", "b"]})]},
        ["a", "c", None],
        {1},
    ),
    (
        "a warning costs no row",
        {"severity": "warning", "rules": [("invalidValues", {"pattern": "^a$"})]},
        ["a", "b"],
        set(),
    ),
]


@pytest.mark.parametrize(
    ("rules", "values", "bad"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_the_schema_refuses_on_a_collected_frame_what_the_contract_forbids(
    street: Contract, rules: dict[str, Any], values: list[Any], bad: set[int]
) -> None:
    assert refused(made(street, **dict(rules)), values) == bad


@pytest.mark.parametrize(
    ("arguments", "values", "broken"),
    [
        ({"pattern": "^[a-z]+$"}, ["ab", "A", None], 1),
        ({"validValues": ["a"]}, ["a", "b", None], 1),
    ],
)
def test_a_warning_counts_the_same_rows_that_an_error_would_refuse(
    street: Contract, arguments: dict[str, Any], values: list[Any], broken: int
) -> None:
    rules = [("invalidValues", arguments)]
    as_error = made(street, rules=list(rules))
    as_warning = made(street, rules=list(rules), severity="warning")
    frame = pl.DataFrame({"v": values}, schema={"v": pl.String})
    counted = [
        frame.select(expression.sum()).item()
        for expression in warning_rules(as_warning).values()
    ]
    assert counted == [broken] and len(refused(as_error, values)) == broken


@every_contract
def test_every_contract_makes_a_schema_that_an_empty_lake_file_passes(
    contract: Contract,
) -> None:
    schema = pandera_schema(contract)
    empty = pl.DataFrame(schema=lake_schema(contract))
    assert schema.validate(empty, lazy=True).columns == empty.columns
    with pytest.raises(SchemaErrors):
        schema.validate(empty.drop(contract.columns[0].name), lazy=True)


def test_a_lazy_frame_would_pass_what_a_collected_one_does_not(
    street: Contract,
) -> None:
    """Why no lazy frame may be validated: pandera looks only at its schema."""
    contract = made(street, type="integer", rules=[("invalidValues", {"min": 0})])
    schema = pandera_schema(contract)
    frame = pl.DataFrame({"v": [-1]})
    assert schema.validate(frame.lazy()).collect().height == 1
    with pytest.raises((SchemaError, SchemaErrors)):
        schema.validate(frame)


def test_loading_validates_collected_frames_only_and_what_it_loads_last(
    tmp_path: Path, data_sets: DataSets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every frame given to pandera is watched while a file with faults is loaded."""
    seen: list[tuple[type, int]] = []
    real = preparation.pandera_schema

    def watched(contract: Contract) -> Any:
        schema = real(contract)
        validate = schema.validate

        def watch(frame: Any, *arguments: Any, **options: Any) -> Any:
            seen.append((type(frame), frame.height))
            return validate(frame, *arguments, **options)

        object.__setattr__(schema, "validate", watch)
        return schema

    monkeypatch.setattr(preparation, "pandera_schema", watched)
    room = open_room(tmp_path, data_sets)
    rows = [street_row(1), street_row(2, crime_type=""), street_row(3)]
    room.receive(STREET_FILE, text(STREET, *rows))
    room.load("police_uk_street")
    assert seen == [(pl.DataFrame, 3), (pl.DataFrame, 2)]
    assert room.lines("police_uk_street") == [2, 4]
