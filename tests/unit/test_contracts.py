"""Contracts: what is unknown, misspelt, unanswered or unenforceable is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from edp_platform.contracts import ContractInvalid, load_contract
from edp_platform.contracts.frame_schema import lake_schema, warning_rules

MADE = """\
apiVersion: v3.2.0
kind: DataContract
id: made.one
version: 1.2.3
status: active
name: Made
domain: policing
description: {purpose: To be tested., limitations: None known.}
team:
  members:
    - {username: "team:made", role: owner}
customProperties:
  - {property: regime, value: part2}
  - {property: dpiaRef, value: DPIA-MADE}
  - {property: purposes, value: [P-STATISTICS]}
  - {property: rrdRule, value: PUBLISHED-STATISTICS}
  - {property: filePattern, value: "{month}-{force}-made.csv"}
  - {property: identity, value: [mark]}
  - {property: partitioning, value: month}
  - {property: monthFrom, value: fileName}
  - {property: supplier, value: Somebody}
schema:
  - name: made
    dataGranularityDescription: One row per thing.
    properties:
      - name: mark
        physicalName: Mark
        logicalType: string
        classification: official
        description: What it is known by.
        customProperties:
          - {property: identifierClass, value: quasi}
        quality:
          - type: library
            metric: invalidValues
            arguments: {pattern: "^[a-z]+$"}
            mustBe: 0
            severity: error
      - name: count
        physicalName: Count
        logicalType: integer
        classification: public
        description: How many.
        customProperties:
          - {property: identifierClass, value: none}
        quality:
          - {type: library, metric: nullValues, mustBe: 0, severity: error}
          - type: library
            metric: invalidValues
            arguments: {min: 0}
            mustBe: 0
            severity: warning
      - name: seen_on
        logicalType: date
        classification: public
        description: The day.
        customProperties:
          - {property: identifierClass, value: none}
      - name: force
        logicalType: string
        classification: public
        description: Whose file.
        customProperties:
          - {property: identifierClass, value: none}
          - {property: fromFileName, value: force}
"""
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    folder.mkdir()
    return folder / "contract.yaml"


def write(path: Path, change: Change | None = None) -> Path:
    record = yaml.safe_load(MADE)
    if change:
        change(record)
    # Round JSON, or what a change uses twice would be written as an alias.
    record = json.loads(json.dumps(record))
    path.write_text(yaml.safe_dump(record, sort_keys=False), encoding="utf-8")
    return path


def refused(path: Path) -> str:
    """Return why the contract is refused; each fault has file and line."""
    with pytest.raises(ContractInvalid) as caught:
        load_contract(path)
    lines = len(path.read_text(encoding="utf-8").splitlines())
    for problem in caught.value.problems:
        assert str(problem).startswith(f"{path}:{problem.line}: ")
        assert 1 <= problem.line <= lines
    return str(caught.value)


def test_a_sound_contract_is_read(path: Path) -> None:
    contract = load_contract(write(path))
    assert (contract.data_set, contract.major, contract.is_monthly) == ("made", 1, True)
    assert contract.column_names == ("mark", "count", "seen_on", "force")
    assert [one.name for one in contract.received] == ["mark", "count", "seen_on"]
    assert contract.identity == ("mark",)
    assert contract.owners == ("team:made",)


def column(at: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda record: record["schema"][0]["properties"][at]


def set_in(at: int, name: str, value: Any) -> Change:
    return lambda record: column(at)(record).update({name: value})


def drop_in(at: int, name: str) -> Change:
    def change(record: dict[str, Any]) -> None:
        del column(at)(record)[name]

    return change


def rule(at: int, **changed: Any) -> Change:
    """Return a change of the first rule of a column; None takes a word out."""

    def change(record: dict[str, Any]) -> None:
        stated = column(at)(record)["quality"][0]
        stated.update(changed)
        for name, value in changed.items():
            if value is None:
                del stated[name]

    return change


def prop(name: str, value: Any) -> Change:
    """Return a change of a property of the contract; None takes it out."""

    def change(record: dict[str, Any]) -> None:
        kept = [one for one in record["customProperties"] if one["property"] != name]
        if value is not None:
            kept.append({"property": name, "value": value})
        record["customProperties"] = kept

    return change


def column_prop(at: int, name: str, value: Any) -> Change:
    def change(record: dict[str, Any]) -> None:
        properties = column(at)(record)["customProperties"]
        properties[:] = [one for one in properties if one["property"] != name]
        if value is not None:
            properties.append({"property": name, "value": value})

    return change


def twice(record: dict[str, Any]) -> None:
    properties = record["schema"][0]["properties"]
    properties.append(dict(properties[0]))


def top(name: str, value: Any) -> Change:
    return lambda record: record.update({name: value})


FAULTS: list[tuple[str, Change, str]] = [
    # misspelt or unknown
    ("classificaton", set_in(0, "classificaton", "public"), "classificaton"),
    ("a name at the top", top("owner", "me"), "owner"),
    (
        "property of the contract",
        prop("dpiaReff", "X"),
        "unknown custom property `dpiaReff`",
    ),
    (
        "property of a column",
        column_prop(0, "unti", "km"),
        "unknown custom property `unti`",
    ),
    ("metric", rule(0, metric="invalidValue"), "'invalidValue' is not one of"),
    (
        "metric nothing enforces",
        rule(0, metric="duplicateValues"),
        "metric duplicateValues",
    ),
    ("argument", rule(0, arguments={"pattrn": "x"}), "not pattrn"),
    ("type", set_in(1, "logicalType", "int"), "int"),
    ("type not kept", set_in(1, "logicalType", "object"), "object"),
    ("class", column_prop(0, "identifierClass", "indirect"), "identifierClass"),
    ("classification", set_in(0, "classification", "secret"), "must be one of"),
    ("regime", prop("regime", "part4"), "`regime` must be part2 or part3"),
    ("partitioning", prop("partitioning", "year"), "must be month or none"),
    ("placeholder", prop("filePattern", "{month}-{force}-{kind}.csv"), "{kind}"),
    # unanswered
    *(
        (f"no {name}", prop(name, None), f"`{name}` is not answered")
        for name in (
            "regime",
            "dpiaRef",
            "purposes",
            "rrdRule",
            "filePattern",
            "identity",
            "partitioning",
            "supplier",
            "monthFrom",
        )
    ),
    ("no purposes at all", prop("purposes", []), "`purposes` is not answered"),
    ("no team", top("team", {"members": []}), "no owner"),
    (
        "nobody owns",
        top("team", {"members": [{"username": "a", "role": "reader"}]}),
        "no owner",
    ),
    (
        "no classification",
        drop_in(0, "classification"),
        "`classification` is not answered",
    ),
    ("no description", drop_in(0, "description"), "`description` is not answered"),
    ("no type", drop_in(0, "logicalType"), "`logicalType` is not answered"),
    ("no class", column_prop(0, "identifierClass", None), "`identifierClass`"),
    ("no severity", rule(0, severity=None), "severity"),
    ("no argument", rule(0, arguments={}), "not nothing"),
    # contradictory, or not enforced
    ("a column twice", twice, "mark is given twice"),
    ("identity of no column", prop("identity", ["id"]), "`id` is not a column"),
    ("month of no column", prop("monthFrom", "day"), "`day` is not a column"),
    ("month of a text", prop("monthFrom", "mark"), "not a date or timestamp"),
    ("month not in the name", prop("filePattern", "{force}-made.csv"), "{month}"),
    ("force not in the name", prop("filePattern", "{month}-made.csv"), "{force}"),
    ("a name of the platform", set_in(1, "name", "source_line"), "platform's own"),
    ("the partition's name", set_in(1, "name", "month"), "platform's own"),
    ("no three numbers", top("version", "v1"), "three numbers"),
    ("two tables", lambda one: one["schema"].append(one["schema"][0]), "one table"),
    ("no table", top("schema", []), "one table"),
    (
        "a rule of the table",
        lambda one: one["schema"][0].update(
            quality=[{"type": "sql", "query": "select 1", "mustBe": 0}]
        ),
        "whole table",
    ),
    ("a share allowed", rule(0, mustBe=5), "mustBe: 0"),
    (
        "a pattern of a number",
        rule(1, metric="invalidValues", arguments={"pattern": "x"}),
        "type integer",
    ),
    ("a minimum of a text", rule(0, arguments={"min": 1}), "type string"),
    (
        "a minimum that is text",
        rule(1, metric="invalidValues", arguments={"min": "1"}),
        "not a number",
    ),
    ("no expression", rule(0, arguments={"pattern": "["}), "not an expression"),
    ("look-around", rule(0, arguments={"pattern": "a(?=b)"}), "not an expression"),
    ("values that are no list", rule(0, arguments={"validValues": "a"}), "not a list"),
    ("unique", set_in(0, "unique", True), "`unique` is not enforced"),
    ("an option", set_in(1, "logicalTypeOptions", {"minimum": 0}), "`minimum` is not"),
]


@pytest.mark.parametrize(
    ("change", "reason"),
    [case[1:] for case in FAULTS],
    ids=[case[0] for case in FAULTS],
)
def test_a_contract_that_cannot_be_relied_on_is_refused_with_file_and_line(
    path: Path, change: Change, reason: str
) -> None:
    assert reason in refused(write(path, change))


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        (
            "status: active",
            "status: active\nstatus: draft",
            6,
            "'status' is given twice",
        ),
        ("kind: DataContract", "kind: DataContrct", 2, "DataContrct"),
        (
            "        classification: official",
            "        classificaton: official",
            26,
            "classificaton",
        ),
        (
            "metric: invalidValues\n            arguments: {pattern",
            "metric: z\n            arguments: {pattern",
            35,
            "'z' is not one of",
        ),
        ("value: part2}", "value: part5}", 12, "regime"),
        ('username: "team:made"', "username: ", 11, "username"),
    ],
)
def test_the_message_names_the_line(
    path: Path, old: str, new: str, line: int, reason: str
) -> None:
    assert old in MADE
    path.write_text(MADE.replace(old, new), encoding="utf-8")
    told = refused(path)
    hit = [one for one in told.splitlines() if reason in one]
    assert hit and any(f"{path}:{line}: " in one for one in hit), told


def test_a_file_that_is_missing_or_no_yaml_is_told_as_a_contract_s_fault(
    path: Path,
) -> None:
    with pytest.raises(ContractInvalid, match="is missing"):
        load_contract(path)
    path.write_text("id: [", encoding="utf-8")
    with pytest.raises(ContractInvalid, match="not valid YAML"):
        load_contract(path)


def test_validity_is_remembered_by_content_and_a_fault_never_is(
    path: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    write(path, prop("regime", "part9"))
    for _ in range(2):
        with pytest.raises(ContractInvalid):
            load_contract(path, cache)
    assert not cache.exists()
    load_contract(write(path), cache)
    assert len(list(cache.iterdir())) == 1
    write(path, prop("regime", "part9"))
    with pytest.raises(ContractInvalid):
        load_contract(path, cache)


def test_a_cache_that_cannot_be_written_costs_time_only(
    path: Path, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_bytes(b"")
    assert load_contract(write(path), tmp_path / "cache").id == "made.one"


@pytest.mark.parametrize(
    ("change", "is_new"),
    [
        (set_in(0, "description", "Said better."), False),
        (top("version", "1.3.0"), False),
        (set_in(0, "classification", "personal"), False),
        (set_in(0, "physicalName", "Mark No"), True),
        (set_in(1, "logicalType", "number"), True),
        (set_in(0, "required", True), True),
        (rule(0, arguments={"pattern": "^[A-Z]+$"}), True),
        (prop("identity", "none"), True),
    ],
)
def test_months_become_due_only_when_the_contract_shapes_rows_anew(
    path: Path, change: Change, is_new: bool
) -> None:
    before = load_contract(write(path)).loading_fingerprint
    after = load_contract(write(path, change)).loading_fingerprint
    assert (before != after) is is_new


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        (
            "2024-01-city-of-london-made.csv",
            {"month": "2024-01", "force": "city-of-london"},
        ),
        ("2024-12-btp-MADE.CSV", {"month": "2024-12", "force": "btp"}),
        ("2024-13-btp-made.csv", None),
        ("2024-00-btp-made.csv", None),
        ("2024-01--made.csv", None),
        ("2024-01-btp-made.csv.bak", None),
        ("x2024-01-btp-made.csv", None),
        ("2024-01-btp-made.csv\n", None),
        ("2024-01-btp-madeXcsv", None),
    ],
)
def test_a_file_name_says_month_and_force_or_does_not_match(
    path: Path, name: str, parts: dict[str, str] | None
) -> None:
    (expression,) = load_contract(write(path)).file_name_expressions
    match = expression.match(name)
    assert (match.groupdict() if match else None) == parts


def test_lake_columns_are_the_contract_s_then_the_platform_s(path: Path) -> None:
    names = list(lake_schema(load_contract(write(path))))
    assert names[:4] == ["mark", "count", "seen_on", "force"]
    assert names[4:] == [
        "source_file",
        "source_line",
        "release_date",
        "is_exact_repeat",
        "shares_identifier",
    ]


def test_warnings_are_counted_by_rule_and_errors_are_not_among_them(
    path: Path,
) -> None:
    assert list(warning_rules(load_contract(write(path)))) == ["count: minimum"]
