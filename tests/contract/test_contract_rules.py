"""Rules 1, 12 and 13: contracts, what is generated from them, and the data itself."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from edp_platform.contracts import ContractInvalid, load_contract
from edp_platform.contracts.dbt_sources import drift, write_generated
from edp_platform.datasets import DataSets, defs_root
from tests.landing_room import (
    STREET,
    STREET_FILE,
    all_data_sets,
    open_room,
    street_row,
    text,
)

PATHS = sorted(defs_root().glob("datasets/*/contract.yaml"))


@pytest.fixture(scope="module")
def data_sets(tmp_path_factory: pytest.TempPathFactory) -> DataSets:
    return all_data_sets(tmp_path_factory.mktemp("contracts"))


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """A copy of one contract that a test may damage."""
    (original,) = [path for path in PATHS if path.parent.name == "police_uk_street"]
    copied = tmp_path / "police_uk_street" / "contract.yaml"
    copied.parent.mkdir()
    shutil.copy(original, copied)
    return copied


# ------------------------------------------------------------------------------ rule 1


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("classification: ", "classificaton: ", "classificaton"),
        (
            "property: rrdRule",
            "property: rrdRulle",
            "unknown custom property `rrdRulle`",
        ),
        ("property: identifierClass", "property: identifyerClass", "identifyerClass"),
        ("kind: DataContract", "kind: DataContrakt", "DataContrakt"),
    ],
)
def test_rule_01_refuses_a_contract_that_is_not_of_the_standard(
    street: Path, before: str, after: str, expected: str
) -> None:
    body = street.read_text(encoding="utf-8")
    assert before in body
    street.write_text(body.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ContractInvalid) as refused:
        load_contract(street)
    assert expected in str(refused.value)
    assert re.search(r"contract\.yaml:[1-9]\d*: ", str(refused.value))


@pytest.mark.parametrize("path", PATHS, ids=[path.parent.name for path in PATHS])
def test_rule_01_passes_every_contract_of_the_platform(path: Path) -> None:
    assert load_contract(path).data_set == path.parent.name


# ----------------------------------------------------------------------------- rule 12


def test_rule_12_refuses_a_generated_file_that_somebody_edited(
    street: Path, tmp_path: Path
) -> None:
    contract = load_contract(street)
    written = write_generated([contract], tmp_path / "project")
    for path in written:
        body = path.read_text(encoding="utf-8")
        path.write_text(body.replace("crime_type", "crime_kind"), encoding="utf-8")
    edited = [path for path in written if "crime_kind" in path.read_text()]
    assert edited and drift([contract], tmp_path / "project") == edited


def test_rule_12_refuses_a_contract_that_changed_since(
    street: Path, tmp_path: Path
) -> None:
    write_generated([load_contract(street)], tmp_path / "project")
    body = street.read_text(encoding="utf-8")
    street.write_text(body.replace("name: context", "name: remarks", 1))
    assert drift([load_contract(street)], tmp_path / "project")


def test_rule_12_passes_what_was_generated(street: Path, tmp_path: Path) -> None:
    contract = load_contract(street)
    write_generated([contract], tmp_path / "project")
    assert drift([contract], tmp_path / "project") == []


# ----------------------------------------------------------------------------- rule 13


def test_rule_13_refuses_a_bad_value_in_a_frame_whose_types_are_right(
    tmp_path: Path, data_sets: DataSets
) -> None:
    room = open_room(tmp_path, data_sets)
    rows = [street_row(1), street_row(2, crime_type=""), street_row(3)]
    room.receive(STREET_FILE, text(STREET, *rows))
    room.load("police_uk_street")
    assert room.lines("police_uk_street") == [2, 4]


def test_rule_13_passes_values_that_keep_the_contract(
    tmp_path: Path, data_sets: DataSets
) -> None:
    room = open_room(tmp_path, data_sets)
    room.receive(STREET_FILE, text(STREET, *(street_row(one) for one in (1, 2, 3))))
    room.load("police_uk_street")
    assert room.lines("police_uk_street") == [2, 3, 4]
