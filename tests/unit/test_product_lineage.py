"""Python assets say what they are made of, or are refused."""

from __future__ import annotations

from typing import Any

import pytest

from edp_platform.governance.column_lineage import Lineage, Relation
from edp_platform.governance.lineage_tracing import trace
from edp_platform.governance.product_lineage import product_declared, read_declaration

SOURCES = {("raw", "people"): ["surname", "force"]}
READ: Relation = ("facts", "people")
LINEAGE: Lineage = trace(
    {READ: "select surname, force from raw.people"},
    SOURCES,
)


def declared(stated: Any, reads: list[Relation], is_reader: bool = False) -> list[str]:
    columns = {name: columns for (_, name), columns in SOURCES.items()}
    return [
        str(one)
        for one in product_declared(
            "products/x", stated, reads, LINEAGE, columns, is_reader
        )
    ]


def made_of(*columns: str) -> dict[str, Any]:
    return {"columns": {"x": {"made_of": [*columns]}}}


@pytest.mark.parametrize(
    ("stated", "reads", "is_reader", "expected"),
    [
        (None, [READ], False, "reads facts.people and declares no column lineage"),
        (None, [], True, "reads data of its use case and declares no column lineage"),
        ({"colums": {}}, [READ], False, "declares lineage wrongly: colums"),
        ("everything", [READ], False, "declares lineage wrongly"),
        (
            made_of("facts.people.name"),
            [READ],
            False,
            "facts.people.name, and there is",
        ),
        (made_of("raw.people.name"), [READ], False, "raw.people.name, and there is"),
        (made_of("people"), [READ], False, "made of people, and there is no such"),
        (made_of("raw.people.force"), [READ], False, "names none of its columns"),
        ({"columns": {}}, [READ], False, "names none of its columns"),
    ],
)
def test_rule_04_refuses_a_python_asset_that_does_not_say_what_it_reads(
    stated: Any, reads: list[Relation], is_reader: bool, expected: str
) -> None:
    found = declared(stated, reads, is_reader)
    assert any(expected in one for one in found), found
    assert all(one.startswith("rule 4: products/x ") for one in found)


@pytest.mark.parametrize(
    ("stated", "reads", "is_reader"),
    [
        (None, [], False),
        (made_of("facts.people.force"), [READ], True),
        (made_of("raw.people.surname"), [], True),
        ({"columns": {"n": {}}, "rows": ["facts.people.force"]}, [READ], True),
        ({"columns": {}}, [], True),
    ],
)
def test_rule_04_passes_a_python_asset_that_says_what_it_reads(
    stated: Any, reads: list[Relation], is_reader: bool
) -> None:
    assert declared(stated, reads, is_reader) == []


def test_a_declaration_is_lineage_like_any_other() -> None:
    found = read_declaration(
        {
            "columns": {
                "x": {"made_of": ["facts.people.force"], "protected_by": "aggregate"},
                "y": {"protected_by": ["banded", "month_of"]},
            },
            "rows": ["facts.people.surname"],
        }
    )
    traced = found.traced()
    assert list(traced.columns["x"].direct) == [("facts", "people", "force")]
    assert list(traced.rows) == [("facts", "people", "surname")]
    assert traced.reads == (READ,)
    assert found.protected_by == {"x": ("aggregate",), "y": ("banded", "month_of")}
