"""Repeats: set aside, quarantined or flagged, by whether rows can be told apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from edp_platform.contracts import Contract, load_contract
from edp_platform.ingestion.repeats import resolve_repeats

SETS = Path(__file__).parents[2] / "edp_platform" / "defs" / "datasets"


@pytest.fixture(scope="module")
def marked() -> Contract:
    """Rows carry a mark that is neither always given nor unique."""
    return load_contract(SETS / "police_uk_street" / "contract.yaml")


@pytest.fixture(scope="module")
def keyed() -> Contract:
    """Rows carry a key: lsoa_code and year."""
    return load_contract(SETS / "mps_lsoa_burglary" / "contract.yaml")


def rows(*cells: tuple[str | None, str], month: str = "2024-01") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "crime_id": [mark for mark, _ in cells],
            "location": [place for _, place in cells],
            "source_line": range(2, len(cells) + 2),
            "month": month,
        },
        schema_overrides={"crime_id": pl.String, "source_line": pl.Int64},
    )


#: Rows in order; line → line it repeats; lines flagged repeat; lines sharing a mark.
CASES: list[
    tuple[str, list[tuple[str | None, str]], dict[int, int], list[int], list[int]]
] = [
    ("none", [("a", "x"), ("b", "x")], {}, [], []),
    ("repeat with a mark", [("a", "x"), ("a", "x")], {3: 2}, [], []),
    ("three of one", [("a", "x"), ("a", "x"), ("a", "x")], {3: 2, 4: 2}, [], []),
    ("same mark, other row", [("a", "x"), ("a", "y")], {}, [], [2, 3]),
    ("both", [("a", "x"), ("a", "y"), ("a", "x")], {4: 2}, [], [2, 3]),
    ("repeat without a mark", [(None, "x"), (None, "x")], {}, [3], []),
    ("three without a mark", [(None, "x")] * 3, {}, [3, 4], []),
    ("no mark, other rows", [(None, "x"), (None, "y")], {}, [], []),
    ("apart", [("a", "x"), (None, "x"), ("b", "x"), ("a", "x")], {5: 2}, [], []),
    ("no rows", [], {}, [], []),
]


@pytest.mark.parametrize(
    ("cells", "aside", "flagged", "shared"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_rows_are_told_apart_by_their_mark(
    marked: Contract,
    cells: list[tuple[str | None, str]],
    aside: dict[int, int],
    flagged: list[int],
    shared: list[int],
) -> None:
    found = resolve_repeats(rows(*cells), marked)
    kept = found.rows
    told = found.set_aside.select("source_line", "repeats_line")
    assert dict(told.iter_rows()) == aside
    assert kept.filter("is_exact_repeat")["source_line"].to_list() == flagged
    assert kept.filter("shares_identifier")["source_line"].to_list() == shared
    assert kept.height + found.set_aside.height == len(cells)
    assert found.contradictions.is_empty()
    assert kept["source_line"].is_sorted()


def test_without_an_identity_every_repeat_is_kept_and_flagged(marked: Contract) -> None:
    nameless = replace(marked, identity=())
    found = resolve_repeats(rows(("a", "x"), ("a", "x"), (None, "y")), nameless)
    assert found.rows["is_exact_repeat"].to_list() == [False, True, False]
    assert found.set_aside.is_empty() and not found.rows["shares_identifier"].any()


def cells(*given: tuple[int, str, int, float]) -> pl.DataFrame:
    return pl.DataFrame(
        given,
        schema={
            "source_line": pl.Int64,
            "lsoa_code": pl.String,
            "year": pl.Int64,
            "burglaries": pl.Float64,
        },
        orient="row",
    )


def test_of_a_line_with_many_rows_only_those_of_the_key_go(keyed: Contract) -> None:
    """Once every other year of a line went with the one year that contradicted."""
    found = resolve_repeats(
        cells(
            (2, "E1", 2020, 1),
            (2, "E1", 2021, 2),
            (3, "E1", 2020, 1),
            (3, "E1", 2021, 9),
        ),
        keyed,
    )
    assert found.rows.select("source_line", "year").rows() == [(2, 2020)]
    assert found.set_aside.select("source_line", "repeats_line").rows() == [(3, 2)]
    assert found.contradictions.select("source_line", "year").rows() == [
        (2, 2021),
        (3, 2021),
    ]


def test_a_repeat_of_a_contradicted_row_is_set_aside_not_quarantined_twice(
    keyed: Contract,
) -> None:
    found = resolve_repeats(
        cells((2, "E1", 2020, 1), (3, "E1", 2020, 2), (4, "E1", 2020, 1)), keyed
    )
    assert found.rows.is_empty()
    assert found.set_aside["source_line"].to_list() == [4]
    assert found.contradictions["source_line"].to_list() == [2, 3]
