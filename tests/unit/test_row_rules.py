"""Rules 10 and 14 on rows: what each refuses, and what it lets pass."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from edp_platform.contracts import Contract
from edp_platform.contracts.frame_schema import polars_type
from edp_platform.contracts.loading import ContractInvalid, load_contract
from edp_platform.governance.rules import ENFORCED
from edp_platform.ingestion.row_rules import below_pole_standards, uncategorised

DEFS = Path(__file__).parents[2] / "edp_platform" / "defs" / "datasets"
LANDED_ON = date(2024, 6, 30)


def contract(name: str) -> Contract:
    return load_contract(DEFS / name / "contract.yaml")


def rows(name: str, *given: Mapping[str, Any]) -> pl.DataFrame:
    """Return typed rows of a data set; what is not given is blank."""
    columns = contract(name).columns
    return pl.DataFrame(
        [{column.name: one.get(column.name) for column in columns} for one in given],
        schema={column.name: polars_type(column.logical_type) for column in columns},
    )


def at(hour: int, day: int = 1) -> datetime:
    return datetime(2024, 6, day, hour, tzinfo=UTC)


# -------------------------------------------------------------------- rule 10


@pytest.mark.parametrize(
    ("category", "reason"),
    [
        (None, "rule 10: subject_category is blank"),
        ("", "rule 10: subject_category is blank"),
        ("  ", "rule 10: subject_category is blank"),
        ("Suspect", "rule 10: subject_category is no category of the contract"),
        ("person of interest", "rule 10: subject_category is no category"),
    ],
)
def test_rule_10_refuses_a_link_without_a_known_category(
    category: str | None, reason: str
) -> None:
    links = rows(
        "crime_report_persons",
        {"link_id": "L1", "subject_category": "witness"},
        {"link_id": "L2", "subject_category": category},
    )
    found = uncategorised(links, contract("crime_report_persons"))
    assert found["at"].to_list() == [1]
    assert found["column"].to_list() == ["subject_category"]
    assert found["reason"][0].startswith(reason)


@pytest.mark.parametrize(
    "category", ["suspect", "convicted", "victim", "witness", "other"]
)
def test_rule_10_passes_each_category(category: str) -> None:
    links = rows("crime_report_persons", {"subject_category": category})
    assert uncategorised(links, contract("crime_report_persons")).is_empty()


def test_rule_10_passes_data_sets_without_categories() -> None:
    people = rows("nominals", {"nominal_id": "N1"})
    assert uncategorised(people, contract("nominals")).is_empty()


def changed(tmp_path: Path, name: str, column: str, change: Any) -> Path:
    """Write a copy of a contract with one column changed."""
    data = yaml.safe_load((DEFS / name / "contract.yaml").read_text(encoding="utf-8"))
    columns = data["schema"][0]["properties"]
    change(next(one for one in columns if one["name"] == column))
    path = tmp_path / name / "contract.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


def test_rule_10_refuses_a_contract_that_leaves_the_category_open(
    tmp_path: Path,
) -> None:
    """A category that may be blank would become one by default somewhere below."""

    def blank_allowed(column: dict[str, Any]) -> None:
        column["quality"] = [
            rule for rule in column["quality"] if rule["metric"] != "nullValues"
        ]

    path = changed(tmp_path, "crime_report_persons", "subject_category", blank_allowed)
    with pytest.raises(ContractInvalid, match="nobody is taken for suspect"):
        load_contract(path)


def test_rule_10_refuses_a_role_nobody_knows(tmp_path: Path) -> None:
    def misspelt(column: dict[str, Any]) -> None:
        column["customProperties"] = [
            {"property": "identifierClass", "value": "sensitive"},
            {"property": "s38Role", "value": "categorie"},
        ]

    path = changed(tmp_path, "crime_report_persons", "subject_category", misspelt)
    with pytest.raises(ContractInvalid, match="`s38Role` must be one of"):
        load_contract(path)


# -------------------------------------------------------------------- rule 14

PERSON = {"recorded_on": date(2024, 6, 10)}


@pytest.mark.parametrize(
    ("name", "row", "column", "reason"),
    [
        (
            "nominals",
            {**PERSON, "date_of_birth": date(2024, 6, 11)},
            "date_of_birth",
            "rule 14: date_of_birth is after recorded_on",
        ),
        (
            "nominals",
            {"recorded_on": date(2024, 7, 1)},
            "recorded_on",
            "rule 14: recorded_on is after the day the file landed",
        ),
        (
            "crime_reports",
            {"reported_at": datetime(2024, 7, 1, 0, 0, tzinfo=UTC)},
            "reported_at",
            "rule 14: reported_at is after the day the file landed",
        ),
        (
            "crime_reports",
            {"reported_at": at(10), "occurred_from": at(11)},
            "occurred_from",
            "rule 14: occurred_from is after reported_at",
        ),
        (
            "crime_reports",
            {"reported_at": at(10), "occurred_from": at(9), "occurred_to": at(8)},
            "occurred_to",
            "rule 14: occurred_to is before occurred_from",
        ),
        (
            "crime_reports",
            {"reported_at": at(10, day=3), "outcome_date": date(2024, 6, 2)},
            "outcome_date",
            "rule 14: outcome_date is before reported_at",
        ),
        (
            "calls_for_service",
            {"received_at": at(10), "arrived_at": at(9)},
            "arrived_at",
            "rule 14: arrived_at is before received_at",
        ),
        (
            "custody_records",
            {
                "arrested_at": at(8),
                "detention_authorised_at": at(9),
                "released_at": at(8),
            },
            "released_at",
            "rule 14: released_at is before detention_authorised_at",
        ),
        (
            "misconduct_cases",
            {"opened_on": date(2024, 6, 2), "closed_on": date(2024, 6, 1)},
            "closed_on",
            "rule 14: closed_on is before opened_on",
        ),
    ],
)
def test_rule_14_refuses_dates_that_cannot_be_true(
    name: str, row: dict[str, Any], column: str, reason: str
) -> None:
    found = below_pole_standards(rows(name, {}, row), contract(name), LANDED_ON)
    assert found.rows() == [(1, column, reason)]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("nominals", {**PERSON, "date_of_birth": date(2024, 6, 10)}),
        ("nominals", {**PERSON, "date_of_birth": None}),
        ("nominals", {"recorded_on": LANDED_ON}),
        ("crime_reports", {"reported_at": datetime(2024, 6, 30, 23, tzinfo=UTC)}),
        ("crime_reports", {"reported_at": at(10), "outcome_date": date(2024, 6, 1)}),
        ("calls_for_service", {"received_at": at(10), "arrived_at": at(10)}),
        ("calls_for_service", {"received_at": at(10), "arrived_at": None}),
    ],
)
def test_rule_14_passes_dates_that_can_be_true(name: str, row: dict[str, Any]) -> None:
    found = below_pole_standards(rows(name, row), contract(name), LANDED_ON)
    assert found.is_empty()


@pytest.mark.parametrize(
    ("postcode", "reason"),
    [
        ("ZZ99 3VZ", "is a stand-in, not a postcode"),
        ("ZZ99 3WZ", "is a stand-in, not a postcode"),
        ("AA1 1AA", "is a stand-in, not a postcode"),
        ("XX1 1XX", "is a stand-in, not a postcode"),
        ("NO FIXED ABODE", "has the shape of no postcode"),
        ("SW1A1AA", "has the shape of no postcode"),
        ("SW1A 1CC", "has the shape of no postcode"),
        ("sw1a 1aa", "has the shape of no postcode"),
        ("1", "has the shape of no postcode"),
        ("SW1A 1AA ", "has the shape of no postcode"),
        ("SW1A 1AA\nx", "has the shape of no postcode"),
    ],
)
def test_rule_14_refuses_made_up_postcodes(postcode: str, reason: str) -> None:
    people = rows("nominals", PERSON, {**PERSON, "postcode": postcode})
    found = below_pole_standards(people, contract("nominals"), LANDED_ON)
    assert found.rows() == [(1, "postcode", f"rule 14: postcode {reason}")]


@pytest.mark.parametrize(
    "postcode",
    [
        "SW1A 1AA",
        "M1 1AE",
        "EC1A 1BB",
        "W1A 0AX",
        "B33 8TH",
        "CR2 6XH",
        "QA1 2BD",
        None,
    ],
)
def test_rule_14_passes_postcodes_of_a_true_shape(postcode: str | None) -> None:
    people = rows("nominals", {**PERSON, "postcode": postcode})
    found = below_pole_standards(people, contract("nominals"), LANDED_ON)
    assert found.is_empty()


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"arguments": {"notAfter": "surname"}}, "no date or timestamp column"),
        ({"arguments": {"notBefore": "landing"}}, "no date or timestamp column"),
        ({"arguments": {"notAfter": "landing"}, "severity": "warning"}, "rule 14"),
    ],
)
def test_rule_14_refuses_a_contract_whose_rule_could_not_be_asked(
    tmp_path: Path, rule: dict[str, Any], message: str
) -> None:
    def ask(column: dict[str, Any]) -> None:
        column["quality"] = [
            {
                "type": "library",
                "metric": "invalidValues",
                "mustBe": 0,
                "severity": "error",
                **rule,
            }
        ]

    path = changed(tmp_path, "nominals", "date_of_birth", ask)
    with pytest.raises(ContractInvalid, match=message):
        load_contract(path)


def test_both_rules_are_on_the_list_with_their_doors() -> None:
    by_number = {one.numbers: one.where for one in ENFORCED if "row_rules" in one.where}
    assert by_number == {
        (10,): "edp_platform.ingestion.row_rules:uncategorised",
        (14,): "edp_platform.ingestion.row_rules:below_pole_standards",
    }
