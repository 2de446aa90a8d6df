"""What a later release changed: rows paired by identifier, the others compared whole."""

from __future__ import annotations

import polars as pl
import pytest

from edp_platform.ingestion.revisions import compare

Rows = list[tuple[str | None, str | None, str | None]]


def table(rows: Rows) -> pl.DataFrame:
    return pl.DataFrame(
        rows,
        schema={"id": pl.String, "place": pl.String, "outcome": pl.String},
        orient="row",
    )


def compared(
    old: Rows, new: Rows, identity: tuple[str, ...] = ("id",)
) -> dict[str, object]:
    names = ["id", "place", "outcome"]
    counts = compare(table(old), table(new), identity, names)
    return {name: count for name, count in counts.items() if count}


CASES: list[tuple[str, Rows, Rows, dict[str, object]]] = [
    ("the same", [("a", "x", "1")], [("a", "x", "1")], {"matched": 1, "identifiers": 1}),
    ("nothing", [], [], {}),
    (
        "one value",
        [("a", "x", "1"), ("b", "x", "1")],
        [("a", "x", "2"), ("b", "x", "1")],
        {
            "matched": 2,
            "changed": {"outcome": 1},
            "identifiers": 2,
            "identifiers_changed": {"outcome": 1},
        },
    ),
    (
        "a value that becomes blank, one that was",
        [("a", "x", "1"), ("b", None, "1")],
        [("a", "x", None), ("b", None, "1")],
        {
            "matched": 2,
            "changed": {"outcome": 1},
            "identifiers": 2,
            "identifiers_changed": {"outcome": 1},
        },
    ),
    ("added", [("a", "x", "1")], [("a", "x", "1"), ("b", "x", "1")],
        {"matched": 1, "added": 1, "identifiers": 1}),
    ("removed", [("a", "x", "1"), ("b", "x", "1")], [("a", "x", "1")],
        {"matched": 1, "removed": 1, "identifiers": 1}),
    ("another order", [("a", "x", "1"), ("b", "x", "1")],
        [("b", "x", "1"), ("a", "x", "1")], {"matched": 2, "identifiers": 2}),
    (
        "an identifier on two rows, in another order",
        [("a", "x", "1"), ("a", "y", "1")],
        [("a", "y", "1"), ("a", "x", "1")],
        {"matched": 2, "identifiers": 1, "identifiers_changed": {"place": 1}},
    ),
    (
        "an identifier that gains a row",
        [("a", "x", "1")],
        [("a", "x", "1"), ("a", "y", "1")],
        {"matched": 1, "added": 1, "identifiers": 1, "identifiers_changed": {"place": 1}},
    ),
    ("blank ones alike", [(None, "x", "1")] * 2, [(None, "x", "1")] * 2, {}),
    ("a blank one more", [(None, "x", "1")] * 2, [(None, "x", "1")] * 3,
        {"unidentified_added": 1}),
    ("a blank one changed", [(None, "x", "1")], [(None, "x", "2")],
        {"unidentified_added": 1, "unidentified_removed": 1}),
    ("a blank one with blanks", [(None, None, None)], [(None, None, None)], {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_two_releases_are_compared(
    old: Rows, new: Rows, expected: dict[str, object]
) -> None:
    assert compared(old, new) == expected


def test_without_an_identity_rows_are_compared_whole() -> None:
    old: Rows = [("a", "x", "1"), ("b", "x", "1")]
    new: Rows = [("a", "x", "2"), ("b", "x", "1")]
    assert compared(old, new, ()) == {
        "unidentified_added": 1,
        "unidentified_removed": 1,
    }


def test_many_rows_without_an_identity_can_be_compared() -> None:
    """Polars 2.1 failed to filter 100,000 rows or more by a constant."""
    many: Rows = [(None, str(at), "1") for at in range(120_000)]
    assert compared(many, many[:-7], ()) == {"unidentified_removed": 7}
