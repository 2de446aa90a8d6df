"""Which months somebody should have supplied, and did not."""

from __future__ import annotations

import pytest

from edp_platform.ingestion.landing import WHOLE, Delivery, Supplies
from edp_platform.status import months_missing


def _supplies(*files: tuple[str, list[str]]) -> Supplies:
    return Supplies(
        [
            Delivery(
                sha256=f"{number:064x}",
                name=f"{number}.csv",
                received_as=f"/in/{number}.csv",
                data_set="a_set",
                scope=scope,
                months=tuple(months),
                records=1,
                supplier="somebody",
                release_date="2024-06-01",
                landed_at=f"2024-06-02#{number:06d}",
            )
            for number, (scope, months) in enumerate(files)
        ]
    )


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        ([], {}),
        ([("", [WHOLE])], {}),
        ([("a", ["2024-01"])], {}),
        ([("a", ["2023-12"]), ("a", ["2024-01"])], {}),
        ([("a", ["2023-11"]), ("a", ["2024-02"])], {"a": ["2023-12", "2024-01"]}),
        # Two files a year apart are a gap of eleven months, not a yearly series.
        (
            [("a", ["2023-01"]), ("a", ["2024-01"])],
            {"a": [f"2023-{month:02d}" for month in range(2, 13)]},
        ),
        # Each force by itself: one began later, one left off earlier.
        ([("a", ["2024-01"]), ("b", ["2024-03"])], {}),
        (
            [("a", ["2024-01"]), ("b", ["2024-02"]), ("a", ["2024-03"])],
            {"a": ["2024-02"]},
        ),
        # A survey of quarters in one file lacks a quarter, never the months between.
        ([("", ["2023-03", "2023-06", "2023-09"])], {}),
        ([("", ["2023-03", "2023-06", "2023-12"])], {"": ["2023-09"]}),
        # Two wide files that do not meet.
        (
            [("", ["2023-01", "2023-02"]), ("", ["2023-05", "2023-06"])],
            {"": ["2023-03", "2023-04"]},
        ),
    ],
)
def test_months_missing(
    files: list[tuple[str, list[str]]], missing: dict[str, list[str]]
) -> None:
    assert months_missing(_supplies(*files)) == missing
