"""One column's lineage as a page or a person reads it: what it is made of, and makes.

Pure: the joined-up lineage and the contracts in, plain records out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Literal

from edp_platform.governance.column_law import CLASSIFICATIONS, ColumnLaw
from edp_platform.governance.column_lineage import (
    INDIRECT,
    LOOKUP,
    RAW,
    UNNAMED,
    ColumnKey,
    Relation,
    Steps,
    in_words,
)

Direction = Literal["up", "down"]


class NoSuchColumn(LookupError):
    """No column has the name; the message suggests those that are near it."""


def find_column(text: str, known: Iterable[ColumnKey]) -> ColumnKey:
    """Return the column that a person means.

    Args:
        text: `mart.column`, `data_set.column` or `schema.table.column`; capitals and
            quotes do not count.
        known: every column there is.

    Raises:
        NoSuchColumn: none, or several, have the name.
    """
    wanted = text.replace('"', "").strip().lower()
    by_name: dict[str, list[ColumnKey]] = {}
    for key in known:
        by_name.setdefault(".".join(key[1:]).lower(), []).append(key)
        by_name.setdefault(".".join(key).lower(), []).append(key)
    found = by_name.get(wanted, [])
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(".".join(key) for key in found)
        raise NoSuchColumn(
            f"{text} is the name of several columns: {names}. Say which."
        )
    table, _, column = wanted.rpartition(".")
    if not table:
        holders = sorted(name for name in by_name if name.split(".")[-1] == column)
        near = holders or get_close_matches(wanted, by_name, n=8, cutoff=0.5)
    else:
        # A name that is wrong in one half is nearest to names that share the other.
        near = get_close_matches(wanted, by_name, n=6, cutoff=0.6)
    shown = f" Near it: {', '.join(near[:8])}." if near else ""
    raise NoSuchColumn(
        f"There is no column {text}. Write mart.column or data_set.column.{shown}"
    )


def every_column(law: ColumnLaw) -> list[ColumnKey]:
    """Return every column of every data set, model and product."""
    found: list[ColumnKey] = [
        (RAW, name, column)
        for name, contract in law.contracts.items()
        for column in contract.column_names
    ]
    for relation, traced in law.origins.lineage.items():
        found += [(*relation, name) for name in traced.columns]
    return found


def catalogue_lineage(
    law: ColumnLaw,
    key: ColumnKey,
    direction: Direction,
    declared: Mapping[Relation, Mapping[str, tuple[str, ...]]] | None = None,
) -> dict[str, Any]:
    """Return the lineage of one column.

    Args:
        law: the lineage under the contracts.
        key: the column.
        direction: `up` to what it is made of, `down` to what is made of it.
        declared: relation → column → the rules that are declared to protect it.

    Returns:
        `column`, `table`, `schema`, `data_set` (of the raw lake, else None),
        `classification` (of its value), `carried` (the highest along direct and
        indirect lineage), `identifier_class`, `protected_by`, `how` (of the step that
        led here, None at the root), `is_repeated` (told elsewhere in the tree, so
        without parts here) and `columns`: the same of each direct parent, or child.
        The root has `direction`, and `indirect` too: up, the data sets' columns that
        decide it otherwise, each with `how`, `classification` and `is_lookup`; down,
        the tables whose rows or values it decides, each with `columns`.
    """
    rules = declared or {}
    children = _children(law) if direction == "down" else {}
    told: set[ColumnKey] = set()

    def node(one: ColumnKey, how: str | None) -> dict[str, Any]:
        found = _described(law, one, rules) | {"how": how, "is_repeated": one in told}
        parts: list[dict[str, Any]] = []
        if one not in told:
            told.add(one)
            steps = _parents(law, one) if direction == "up" else children.get(one, {})
            parts = [node(key, in_words(step)) for key, step in sorted(steps.items())]
        return found | {"columns": parts}

    root = node(key, None) | {"direction": direction}
    if direction == "up":
        return root | {"indirect": _decided_by(law, key)}
    return root | {"indirect": _decides(law, key)}


def _parents(law: ColumnLaw, key: ColumnKey) -> Steps:
    traced = law.origins.lineage.get(key[:2])
    column = traced.columns.get(key[2]) if traced else None
    return column.direct if column else {}


def _children(law: ColumnLaw) -> dict[ColumnKey, Steps]:
    found: dict[ColumnKey, Steps] = {}
    for relation, traced in law.origins.lineage.items():
        for name, column in traced.columns.items():
            for parent, step in column.direct.items():
                found.setdefault(parent, {})[(*relation, name)] = step
    return found


def _described(
    law: ColumnLaw,
    key: ColumnKey,
    declared: Mapping[Relation, Mapping[str, tuple[str, ...]]],
) -> dict[str, Any]:
    own = law.column(key)
    reached = law.origins.of(key).direct
    identifiers = {
        column.identifier_class
        for one in reached
        if (column := law.column(one)) is not None
    }
    order = ("direct", "sensitive", "quasi")
    return {
        "schema": key[0],
        "table": key[1],
        "column": key[2],
        "data_set": key[1] if key[0] == RAW else None,
        "description": own.description if own else None,
        "classification": law.value_classification(key),
        "carried": law.classification(key),
        "identifier_class": next((one for one in order if one in identifiers), "none"),
        "protected_by": list(declared.get(key[:2], {}).get(key[2], ())),
    }


def _decided_by(law: ColumnLaw, key: ColumnKey) -> list[dict[str, Any]]:
    reached = law.origins.of(key)
    found = [
        {
            "schema": one[0],
            "table": one[1],
            "column": one[2],
            "how": ", ".join(sorted(step.how & INDIRECT)),
            "classification": law.value_classification(one),
            "is_lookup": LOOKUP in step.how,
        }
        for one, step in reached.indirect.items()
        if one[2] != UNNAMED
    ]
    return sorted(
        found,
        key=lambda one: (
            -CLASSIFICATIONS.index(one["classification"]),
            one["table"],
            one["column"],
        ),
    )


def _decides(law: ColumnLaw, key: ColumnKey) -> list[dict[str, Any]]:
    found: dict[Relation, list[str]] = {}
    for relation, traced in law.origins.lineage.items():
        for name in traced.columns:
            reached = law.origins.of((*relation, name))
            above = _above(law, (*relation, name)) if key[0] != RAW else None
            held = key in reached.indirect if above is None else key in above
            if held:
                found.setdefault(relation, []).append(name)
    return [
        {"schema": schema, "table": table, "columns": columns}
        for (schema, table), columns in sorted(found.items())
    ]


def _above(law: ColumnLaw, key: ColumnKey) -> set[ColumnKey]:
    """Return the columns, of any table, that decide a column's rows at its own step."""
    traced = law.origins.lineage.get(key[:2])
    if traced is None:
        return set()
    column = traced.columns.get(key[2])
    return {*traced.rows, *(column.indirect if column else {})}
