"""One column's lineage as pages and people read it."""

from __future__ import annotations

from typing import Any

import pytest

from edp_platform.governance.column_law import ColumnLaw
from edp_platform.governance.column_lineage import Origins
from edp_platform.governance.lineage_catalogue import (
    NoSuchColumn,
    catalogue_lineage,
    every_column,
    find_column,
)
from edp_platform.governance.lineage_tracing import trace

from .test_column_rules import CONTRACTS, SOURCES

FACT, MART = ("facts", "f"), ("marts", "m")


@pytest.fixture(scope="module")
def law() -> ColumnLaw:
    lineage = trace(
        {
            FACT: "select p.ethnicity as eth, p.force, c.label, p.surname "
            "from raw.people as p join raw.codes as c on p.ethnicity = c.value",
            MART: "select force, eth || eth as both, count(surname) as n from facts.f "
            "where label = 'k' group by all",
        },
        SOURCES,
    )
    return ColumnLaw(Origins(lineage), CONTRACTS)


def shape(node: dict[str, Any]) -> Any:
    name = f"{node['table']}.{node['column']}"
    return {name: [shape(one) for one in node["columns"]]} if node["columns"] else name


def test_up_leads_to_the_data_set_with_what_each_step_did(law: ColumnLaw) -> None:
    found = catalogue_lineage(
        law, (*MART, "both"), "up", {MART: {"both": ("group_by_dimension",)}}
    )
    assert shape(found) == {"m.both": [{"f.eth": ["people.ethnicity"]}]}
    assert found["classification"] == "special-category"
    assert found["identifier_class"] == "sensitive"
    assert found["protected_by"] == ["group_by_dimension"]
    (fact,) = found["columns"]
    assert fact["how"] == "combined, group key"
    (source,) = fact["columns"]
    assert (source["data_set"], source["how"]) == ("people", "as it is")
    decided = {(one["table"], one["column"]): one["how"] for one in found["indirect"]}
    assert decided[("people", "ethnicity")] == "filter, group, join"
    assert decided[("codes", "label")] == "filter"


def test_down_leads_to_all_that_is_made_of_it_and_all_that_it_decides(
    law: ColumnLaw,
) -> None:
    found = catalogue_lineage(law, ("raw", "people", "ethnicity"), "down")
    assert shape(found) == {"people.ethnicity": [{"f.eth": ["m.both"]}]}
    decided = {one["table"]: one["columns"] for one in found["indirect"]}
    assert decided["m"] == ["force", "both", "n"]
    model = catalogue_lineage(law, (*FACT, "label"), "down")
    assert model["columns"] == []
    assert [one["table"] for one in model["indirect"]] == ["m"]


def test_a_name_counts_an_identity_and_says_so(law: ColumnLaw) -> None:
    found = catalogue_lineage(law, (*MART, "n"), "up")
    assert found["identifier_class"] == "direct"
    assert found["carried"] == "special-category"


@pytest.mark.parametrize(
    "text", ["m.both", "marts.m.both", 'MARTS."m".Both', " m.both "]
)
def test_a_column_is_found_by_any_of_its_names(text: str, law: ColumnLaw) -> None:
    assert find_column(text, every_column(law)) == (*MART, "both")


@pytest.mark.parametrize(
    ("text", "near"),
    [("m.bot", "m.both"), ("people.surnam", "people.surname"), ("both", "m.both")],
)
def test_near_names_are_suggested(text: str, near: str, law: ColumnLaw) -> None:
    with pytest.raises(NoSuchColumn, match=near):
        find_column(text, every_column(law))


def test_a_name_of_two_columns_is_asked_about(law: ColumnLaw) -> None:
    columns = [*every_column(law), ("staging", "m", "both")]
    with pytest.raises(NoSuchColumn, match=r"marts\.m\.both, staging\.m\.both"):
        find_column("m.both", columns)
