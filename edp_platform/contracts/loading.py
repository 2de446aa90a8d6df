"""Read a contract and refuse what is unknown, misspelt or unanswered."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from edp_platform.contracts.model import (
    LANDING_DAY,
    PLATFORM_COLUMNS,
    POLE_ARGUMENTS,
    Column,
    Contract,
    KnownValue,
    QualityRule,
)
from edp_platform.contracts.standard import standard_validator
from edp_platform.contracts.vocabulary import (
    ANSWERS,
    CLASSIFICATIONS,
    CLEANSING_RULES,
    CLEANSING_SHAPES,
    COLUMN_PROPERTIES,
    CONTRACT_PROPERTIES,
    IDENTIFIER_CLASSES,
    NEEDED,
    REGIMES,
    S38_ROLES,
    VALUE_PROPERTIES,
    WHY,
)
from edp_platform.governance.rules import enforces
from edp_platform.yaml_source import UnreadableYaml, YamlDocument, load_yaml

_LOGICAL_TYPES = frozenset(
    {"string", "integer", "number", "boolean", "date", "timestamp"}
)
#: Metrics that the build enforces row by row. Duplicates are told apart by `primaryKey`
#: and `identity`, which say what a repeat means; a metric could only count them.
_METRICS = frozenset({"nullValues", "missingValues", "invalidValues"})
#: Argument of `invalidValues` → the types of column it can be asked of.
_ARGUMENTS: dict[str, frozenset[str]] = {
    "pattern": frozenset({"string"}),
    "min": frozenset({"integer", "number"}),
    "max": frozenset({"integer", "number"}),
    "validValues": frozenset({"string", "integer"}),
    "notAfter": frozenset({"date", "timestamp"}),
    "notBefore": frozenset({"date", "timestamp"}),
    "postcode": frozenset({"string"}),
}
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
#: Texts that the standard requires where their element stands.
_REQUIRED_TEXTS = frozenset({"value", "username", "name", "id"})
#: Names that hold further names: left blank, nothing more can be said of the document.
_CONTAINERS = frozenset(
    {"customProperties", "team", "members", "schema", "properties", "property"}
)


@dataclass(frozen=True)
class Problem:
    """One fault of a contract: where it stands and what to do."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class ContractInvalid(ValueError):
    """The contract cannot be relied on; `problems` says where and what to write."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


def load_contract(path: Path, cache_folder: Path | None = None) -> Contract:
    """Load and check one contract; the folder's name is the data set's name.

    Args:
        path: a `contract.yaml`.
        cache_folder: where to remember, by content hash, that a file is valid. Checking
            against the JSON schema costs 50 times the reading; only success is kept.

    Raises:
        ContractInvalid: with file and line for each fault.
    """
    try:
        document = load_yaml(path)
    except UnreadableYaml as error:
        told = re.match(rf"{re.escape(str(path))}:(\d+): (.*)", str(error), re.DOTALL)
        line, message = told.groups() if told else (1, str(error))
        raise ContractInvalid([Problem(path, int(line), message)]) from error
    fingerprint = hashlib.sha256(document.text.encode()).hexdigest()
    marker = None
    if cache_folder is not None:
        marker = cache_folder / f"{fingerprint}-{_checker_version()}"
    if marker is None or not marker.exists():
        problems = [
            Problem(path, document.line(keys), message)
            for keys, message in contract_faults(document)
        ]
        if problems:
            raise ContractInvalid(sorted(problems, key=lambda one: one.line))
        if marker is not None:
            # A full or read-only disk costs the time of checking again, nothing else.
            with suppress(OSError):
                marker.parent.mkdir(parents=True, exist_ok=True)
                marker.touch()
    return _contract(document, fingerprint)


@cache
def _checker_version() -> str:
    """A validity mark is worth only as much as the checker that gave it."""
    folder = Path(__file__).parent
    source = (folder / "loading.py").read_bytes()
    return hashlib.sha256(source + (folder / "vocabulary.py").read_bytes()).hexdigest()[
        :12
    ]


@enforces(1, door="whenever folders are loaded: the data set is set aside")
def contract_faults(
    document: YamlDocument,
) -> tuple[tuple[list[str | int], str], ...]:
    """Return (keys, message) for each fault of a contract: the standard's, then ours.

    Source: the JSON schema of ODCS 3.2; UK GDPR Art. 25 and DPA 2018 s.57, by which
    what governs data must be said where the build can read it.
    """
    return tuple(_faults(document))


def _faults(document: YamlDocument) -> Iterator[tuple[list[str | int], str]]:
    """Yield (keys, message) for each fault of the document."""
    data = document.data
    blanks = [keys for keys, _ in document.blanks()]
    for keys in blanks:
        yield keys, _unanswered(data, keys)
    found_in_schema = False
    kept = _without(data, blanks)
    untyped = dict(_untyped_columns(kept))
    for where, name in untyped.items():
        if [*where, "logicalType"] not in blanks:
            found_in_schema = True
            yield (
                [*where],
                f"column {name}: `logicalType` is not answered: "
                f"{NEEDED['logicalType']}. Write {ANSWERS['logicalType']}.",
            )
    for error in standard_validator().iter_errors(kept):
        for place, message in _schema_fault(error):
            if tuple(place) not in untyped:  # that one has been told, in words
                found_in_schema = True
                yield place, message
    if found_in_schema or any(
        keys[-1] in _CONTAINERS or isinstance(keys[-1], int) for keys in blanks
    ):
        return
    yield from _property_faults(
        data.get("customProperties", []), set(CONTRACT_PROPERTIES), ["customProperties"]
    )
    stated = _properties(data)
    left_blank = _blank_properties(data, ["customProperties"], blanks)
    for name, required in CONTRACT_PROPERTIES.items():
        if name in left_blank:
            continue
        if required and stated.get(name) in (None, "", []):
            yield (
                ["customProperties"],
                f"`{name}` is not answered: {WHY[name]}. "
                f"Write `- {{property: {name}, value: …}}` under customProperties.",
            )
    if stated.get("regime") not in (None, "", *REGIMES):
        yield ["customProperties"], "`regime` must be part2 or part3."
    if stated.get("partitioning") not in (None, "", "month", "none"):
        yield ["customProperties"], "`partitioning` must be month or none."
    needs_month = (
        stated.get("partitioning") == "month" and "monthFrom" not in left_blank
    )
    if needs_month and not stated.get("monthFrom"):
        yield (
            ["customProperties"],
            "`monthFrom` is not answered: a monthly data set must say where a row's "
            "month comes from (fileName, columnNames, or the name of a date column).",
        )
    if not _VERSION.fullmatch(str(data.get("version"))):
        yield (
            ["version"],
            "`version` must be three numbers such as 1.0.0: a DPIA covers one major "
            "version.",
        )
    if not _owners(data) and not any(keys[0] == "team" for keys in blanks):
        yield (
            ["team"],
            "no owner: someone must answer for this data set. Write a team member with "
            '`role: owner` and a username such as "team:stop-search".',
        )
    if len(data.get("schema") or []) != 1:
        yield ["schema"], "expected exactly one table under `schema`."
        return
    columns = data["schema"][0].get("properties") or []
    if data["schema"][0].get("quality"):
        yield (
            ["schema", 0, "quality"],
            "a rule on the whole table is not enforced here: write it on a column.",
        )
    yield from _name_faults(columns, stated)
    yield from _column_faults(columns, stated, blanks)


def _without(data: dict[str, Any], blanks: list[list[str | int]]) -> dict[str, Any]:
    """Return the document without its blanks, which the standard's schema calls nulls.

    What the schema requires takes a stand-in; the others go.
    """
    if not blanks:
        return data
    kept = copy.deepcopy(data)
    for keys in blanks:
        element: Any = kept
        for key in keys[:-1]:
            element = element[key]
        if keys[-1] in _REQUIRED_TEXTS or isinstance(keys[-1], int):
            element[keys[-1]] = "not answered"
        else:
            del element[keys[-1]]
    return kept


def _untyped_columns(
    data: dict[str, Any],
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield (keys, name) of each column without a type.

    The standard's schema says of such a one that it lacks `map`, which helps nobody.
    """
    tables = data.get("schema")
    for at, table in enumerate(tables if isinstance(tables, list) else []):
        columns = table.get("properties") if isinstance(table, dict) else None
        for index, column in enumerate(columns if isinstance(columns, list) else []):
            if isinstance(column, dict) and "logicalType" not in column:
                yield ("schema", at, "properties", index), str(column.get("name"))


def _unanswered(data: dict[str, Any], keys: list[str | int]) -> str:
    """Say what a value left blank is needed for and what to write there."""
    element: Any = data
    column = ""
    for depth, key in enumerate(keys[:-1]):
        element = element[key]
        if keys[max(depth - 1, 0)] == "properties" and isinstance(element, dict):
            column = f"column {element.get('name')}: "
    name = str(keys[-1])
    if name == "value" and isinstance(element, dict):
        name = str(element.get("property"))
    why = WHY.get(name) or NEEDED.get(name) or "a name without a value says nothing"
    what = ANSWERS.get(name)
    remedy = f"Write {what}" if what else "Write its value, or remove the line"
    return f"{column}`{name}` is not answered: {why}. {remedy}."


def _blank_properties(
    element: dict[str, Any], here: list[str | int], blanks: list[list[str | int]]
) -> set[str]:
    """Return the custom properties of an element whose value was left blank."""
    return {
        item["property"]
        for index, item in enumerate(element.get("customProperties") or [])
        if [*here, index, "value"] in blanks
    }


def _schema_fault(error: Any) -> Iterator[tuple[list[str | int], str]]:
    """Put a JSON-schema error in words; the deepest cause says the most."""
    deepest = error
    while deepest.context:
        deepest = max(deepest.context, key=lambda cause: len(cause.absolute_path))
    keys = list(deepest.absolute_path)
    if deepest.validator in ("unevaluatedProperties", "additionalProperties"):
        message = deepest.message.replace("Unevaluated properties are", "Names are")
        yield keys, f"{message} The standard (ODCS 3.2) knows no such name here."
    else:
        yield keys, f"{deepest.message} (ODCS 3.2)."


def _property_faults(
    properties: list[dict[str, Any]], known: set[str] | frozenset[str], keys: list[Any]
) -> Iterator[tuple[list[str | int], str]]:
    for index, item in enumerate(properties or []):
        if item["property"] not in known:
            yield (
                [*keys, index],
                f"unknown custom property `{item['property']}`. "
                f"Known here: {', '.join(sorted(known))}.",
            )


def _name_faults(
    columns: list[dict[str, Any]], stated: dict[str, Any]
) -> Iterator[tuple[list[str | int], str]]:
    """Yield what the file name is asked for and its patterns do not say."""
    patterns = stated.get("filePattern") or []
    patterns = [patterns] if isinstance(patterns, str) else patterns
    wanted = {
        str(_properties(column).get(name))
        for column in columns
        for name in ("fromFileName", "matchesFileName")
        if _properties(column).get(name)
    }
    if stated.get("monthFrom") == "fileName":
        wanted.add("month")
    for pattern in patterns:
        named = set(_PLACEHOLDER.findall(pattern))
        for unknown in sorted(named - {"month", "force"}):
            yield (
                ["customProperties"],
                f"`filePattern` {pattern} names {{{unknown}}}; a name can say "
                "{month}, {force} and * (anything).",
            )
        for missing in sorted(wanted - named):
            yield (
                ["customProperties"],
                f"`filePattern` {pattern} does not say {{{missing}}}, which the "
                "contract takes from the file's name.",
            )


def _column_faults(
    columns: list[dict[str, Any]],
    stated: dict[str, Any],
    blanks: list[list[str | int]],
) -> Iterator[tuple[list[str | int], str]]:
    names = [column["name"] for column in columns]
    for repeated in sorted({name for name in names if names.count(name) > 1}):
        yield ["schema", 0, "properties"], f"the column {repeated} is given twice."
    identity = stated.get("identity")
    named = [*identity] if isinstance(identity, list) else []
    if stated.get("monthFrom") not in (None, "fileName", "columnNames"):
        named.append(stated["monthFrom"])
    for name in named:
        if name not in names:
            yield ["customProperties"], f"`{name}` is not a column of this contract."
    for column in columns:
        if column["name"] == stated.get("monthFrom") and column.get(
            "logicalType"
        ) not in ("date", "timestamp"):
            yield (
                ["customProperties"],
                f"`monthFrom`: {column['name']} is not a date or timestamp column.",
            )
    for index, column in enumerate(columns):
        here: list[str | int] = ["schema", 0, "properties", index]
        own = _properties(column)
        if column["name"] in (*PLATFORM_COLUMNS, "month"):
            yield (
                here,
                f"the name {column['name']} is the platform's own, which every table "
                "has; call the column something else.",
            )
        for option in ("unique", *(column.get("logicalTypeOptions") or {})):
            if option != "format" and (option != "unique" or column.get("unique")):
                yield (
                    here,
                    f"column {column['name']}: `{option}` is not enforced here. Write "
                    "a quality rule (or, for unique, `primaryKey` and `identity`).",
                )
        yield from _property_faults(
            column.get("customProperties", []), COLUMN_PROPERTIES, here
        )
        for field in ("description", "logicalType", "classification"):
            if not column.get(field) and [*here, field] not in blanks:
                yield (
                    here,
                    f"column {column['name']}: `{field}` is not answered: "
                    f"{NEEDED[field]}. Write {ANSWERS[field]}.",
                )
        if column.get("classification") not in (None, "", *CLASSIFICATIONS):
            yield (
                here,
                f"column {column['name']}: classification must be one of "
                f"{', '.join(sorted(CLASSIFICATIONS))}.",
            )
        if column.get("logicalType") not in (None, *_LOGICAL_TYPES):
            yield (
                here,
                f"column {column['name']}: type {column['logicalType']} is not kept.",
            )
        is_blank = "identifierClass" in _blank_properties(
            column, [*here, "customProperties"], blanks
        )
        if own.get("identifierClass") not in IDENTIFIER_CLASSES and not is_blank:
            yield (
                here,
                f"column {column['name']}: `identifierClass` is not answered: grants "
                "depend on it. Write direct, quasi, sensitive or none.",
            )
        for message in _cleansing_faults(own.get("cleansing"), column):
            yield here, f"column {column['name']}: {message}"
        for value in column.get("enum") or []:
            if isinstance(value, dict):
                yield from _property_faults(
                    value.get("customProperties", []), VALUE_PROPERTIES, here
                )
        for rule in column.get("quality") or []:
            if rule.get("metric") not in _METRICS:
                yield (
                    here,
                    f"column {column['name']}: the metric {rule.get('metric')} is not "
                    f"one the build enforces ({', '.join(sorted(_METRICS))}).",
                )
            if rule.get("severity") not in ("error", "warning"):
                yield (
                    here,
                    f"column {column['name']}: a rule states `severity: error` (the "
                    "row is quarantined) or `warning` (it is counted).",
                )
            for message in (
                *_rule_faults(rule, column.get("logicalType")),
                *_pole_faults(rule, columns),
            ):
                yield here, f"column {column['name']}: {message}"
        for message in _s38_faults(column, own.get("s38Role")):
            yield here, f"column {column['name']}: {message}"


def _rule_faults(rule: dict[str, Any], logical_type: str | None) -> Iterator[str]:
    """Yield what of a rule would be passed over: a rule unenforced is worse than none."""
    bounds = {key: value for key, value in rule.items() if key.startswith("mustBe")}
    if bounds not in ({"mustBe": 0}, {}):
        yield "a rule holds for each row: write `mustBe: 0`."
    arguments = rule.get("arguments") or {}
    if rule.get("metric") != "invalidValues":
        return
    unknown = sorted(set(arguments) - set(_ARGUMENTS))
    if unknown or not arguments:
        yield (
            f"the rule invalidValues takes {', '.join(_ARGUMENTS)}, not "
            f"{', '.join(unknown) or 'nothing'}."
        )
    for name, value in arguments.items():
        if logical_type not in _ARGUMENTS.get(name, {logical_type}):
            yield f"`{name}` cannot be asked of a column of type {logical_type}."
        if name in ("min", "max") and not isinstance(value, int | float):
            yield f"`{name}` is not a number."
        if name == "validValues" and not isinstance(value, list):
            yield "`validValues` is not a list."
        if name == "pattern" and not _is_expression(value):
            yield "`pattern` is not an expression that the build can ask."


def _cleansing_faults(stated: Any, column: dict[str, Any]) -> Iterator[str]:
    """Yield what of a column's `cleansing` could not be done as it is written."""
    if stated is None:
        return
    if not isinstance(stated, list) or not stated:
        yield "`cleansing` is a list of rules, such as [trim, collapse-spaces]."
        return
    unknown = sorted({str(name) for name in stated} - set(CLEANSING_RULES))
    if unknown:
        yield (
            f"no cleansing rule is called {', '.join(unknown)}. There are "
            f"{', '.join(CLEANSING_RULES)}."
        )
    shapes = sorted(CLEANSING_SHAPES.intersection(map(str, stated)))
    if len(shapes) > 1:
        yield f"`cleansing`: {' and '.join(shapes)} contradict each other; keep one."
    if len({str(name) for name in stated}) < len(stated):
        yield "`cleansing`: a rule is listed twice."
    if column.get("logicalType") != "string":
        yield (
            "`cleansing` is for text: a value of another type is read or quarantined "
            "as it was received."
        )
    if column.get("primaryKey"):
        yield (
            "`cleansing` is not for a key: a person is found by it in the file as "
            "received, so one that is not as agreed is quarantined."
        )
    derived = {item["property"] for item in column.get("customProperties") or []}
    if derived & {"fromFileName", "fromCoordinates", "matchesFileName"}:
        yield (
            "`cleansing` is for received values; this column is derived or compared "
            "with the file's name."
        )


def _pole_faults(rule: dict[str, Any], columns: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what is wrong with a rule of the national standards (rule 14)."""
    arguments = rule.get("arguments") or {}
    asked = POLE_ARGUMENTS.intersection(arguments)
    if not asked:
        return
    if rule.get("severity") == "warning":
        yield (
            f"{', '.join(sorted(asked))} is asked by rule 14, which quarantines the "
            "row: write `severity: error`."
        )
    if "postcode" in arguments and arguments["postcode"] != "uk":
        yield "`postcode` knows the shapes of `uk` only."
    moments = {
        column["name"]
        for column in columns
        if column.get("logicalType") in ("date", "timestamp")
    }
    for name in sorted(asked - {"postcode"}):
        allowed = moments | ({LANDING_DAY} if name == "notAfter" else set())
        if arguments[name] not in allowed:
            yield (
                f"`{name}` names {arguments[name]}, which is no date or timestamp "
                f"column here{f' nor `{LANDING_DAY}`' if name == 'notAfter' else ''}."
            )


def _s38_faults(column: dict[str, Any], role: Any) -> Iterator[str]:
    """Yield what a column about the category of a person leaves open (rule 10)."""
    if role is None:
        return
    if role not in S38_ROLES:
        yield f"`s38Role` must be one of {', '.join(sorted(S38_ROLES))}."
    if role != "category":
        return
    rules = [
        rule for rule in column.get("quality") or [] if rule.get("severity") == "error"
    ]
    known = any("validValues" in (rule.get("arguments") or {}) for rule in rules)
    given = any(rule.get("metric") in ("nullValues", "missingValues") for rule in rules)
    if not (known and given):
        yield (
            "the category of a person (DPA 2018 s.38(3)) needs two rules of severity "
            "error, `nullValues` and `invalidValues` with `validValues`: nobody is "
            "taken for suspect or witness by default."
        )


def _is_expression(pattern: Any) -> bool:
    # Asked of polars, which applies it: its syntax has no look-around, Python's has.
    import polars as pl

    try:
        pl.Series([""]).str.contains(pattern)
    except (pl.exceptions.PolarsError, TypeError):
        return False
    return True


def _properties(element: dict[str, Any]) -> dict[str, Any]:
    return {
        item["property"]: item.get("value")
        for item in element.get("customProperties") or []
    }


def _owners(data: dict[str, Any]) -> tuple[str, ...]:
    team = data.get("team") or {}
    members = team.get("members", []) if isinstance(team, dict) else team
    return tuple(
        member["username"]
        for member in members or []
        if member.get("role") == "owner" and member.get("username")
    )


def _contract(document: YamlDocument, fingerprint: str) -> Contract:
    data, stated = document.data, _properties(document.data)
    table = data["schema"][0]
    description = data.get("description") or {}
    identity = stated["identity"]
    patterns = stated["filePattern"]
    freshness = next(
        (
            item
            for item in data.get("slaProperties") or []
            if item.get("property") == "freshness"
        ),
        None,
    )
    return Contract(
        path=document.path,
        data_set=document.path.parent.name,
        id=data["id"],
        version=str(data["version"]),
        status=data["status"],
        name=data.get("name") or data["id"],
        purpose=description.get("purpose") or "",
        limitations=description.get("limitations") or "",
        owners=_owners(data),
        columns=tuple(_column(item) for item in table["properties"]),
        granularity=table.get("dataGranularityDescription") or "",
        regime=stated["regime"],
        dpia_ref=stated["dpiaRef"],
        purposes=tuple(stated["purposes"]),
        retention_rule=stated["rrdRule"],
        file_patterns=(patterns,) if isinstance(patterns, str) else tuple(patterns),
        identity=() if identity == "none" else tuple(identity),
        is_monthly=stated["partitioning"] == "month",
        month_from=stated.get("monthFrom"),
        supplier=stated["supplier"],
        licence=stated.get("licence"),
        attribution=stated.get("attribution"),
        freshness_days=float(freshness["value"]) if freshness else None,
        series_breaks=tuple(stated.get("seriesBreaks") or ()),
        partial_supply=tuple(stated.get("partialSupply") or ()),
        fingerprint=fingerprint,
    )


def _column(item: dict[str, Any]) -> Column:
    own = _properties(item)
    options = item.get("logicalTypeOptions") or {}
    return Column(
        name=item["name"],
        physical_name=item.get("physicalName") or item["name"],
        logical_type=item["logicalType"],
        description=" ".join(item["description"].split()),
        required=bool(item.get("required")),
        primary_key=bool(item.get("primaryKey")),
        classification=item["classification"],
        identifier_class=own["identifierClass"],
        protected_characteristic=own.get("protectedCharacteristic"),
        unit=own.get("unit"),
        date_format=options.get("format"),
        decimal_separator=own.get("decimalSeparator", "."),
        flag_outside=tuple(own["flagOutside"]) if "flagOutside" in own else None,
        from_file_name=own.get("fromFileName"),
        matches_file_name=own.get("matchesFileName"),
        from_coordinates=own.get("fromCoordinates"),
        code_list=own.get("codeList"),
        pole_ref=own.get("poleRef"),
        s38_role=own.get("s38Role"),
        cleansing=_in_order(own.get("cleansing")),
        known_values=tuple(_known_value(value) for value in item.get("enum") or []),
        rules=tuple(_rule(rule) for rule in item.get("quality") or []),
    )


def _in_order(stated: list[str] | None) -> tuple[str, ...]:
    """Return cleansing rules in the order in which they are applied."""
    return tuple(name for name in CLEANSING_RULES if name in (stated or ()))


def _known_value(item: Any) -> KnownValue:
    if not isinstance(item, dict):
        return KnownValue(str(item), str(item))
    own = _properties(item)
    value = str(item["value"])
    return KnownValue(
        value=value,
        label=item.get("label") or value,
        grouping=own.get("grouping"),
        valid_from=own.get("validFrom"),
        valid_to=own.get("validTo"),
    )


def _rule(item: dict[str, Any]) -> QualityRule:
    return QualityRule(
        metric=item["metric"],
        dimension=item.get("dimension") or "conformity",
        severity=item["severity"],
        arguments=dict(item.get("arguments") or {}),
    )
