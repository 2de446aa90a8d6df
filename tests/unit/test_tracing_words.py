"""How a trace names lines and finds files, with no home."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edp_platform.ingestion.landing import Delivery
from edp_platform.tracing.files import matching
from edp_platform.tracing.showing import _places, ranges

_DELIVERY = Delivery(
    sha256="ab12cd" + "0" * 58,
    name="2024-01-a-force-street.csv",
    received_as="/in/2024-01/2024-01-a-force-street.csv",
    data_set="police_uk_street",
    scope="a-force",
    months=("2024-01",),
    records=2,
    supplier="somebody",
    release_date="2024-03-01",
    landed_at="2024-03-02T09:00:00.000000#000000",
)


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ([], ""),
        ([2], "2"),
        ([2, 3], "2-3"),
        ([2, 4], "2, 4"),
        ([2, 3, 4, 9, 11, 12], "2-4, 9, 11-12"),
    ],
)
def test_ranges(numbers: list[int], told: str) -> None:
    assert ranges(numbers) == told


@pytest.mark.parametrize(
    ("name", "numbers", "told"),
    [
        ("a.csv", [2, 1_000_002], "2, 1000002"),
        ("a.xlsx", [13], "sheet 1: row 13"),
        ("a.XLS", [4, 5, 5_000_004], "sheet 1: rows 4-5; sheet 6: row 4"),
    ],
)
def test_a_workbook_is_told_by_sheet_and_row(
    name: str, numbers: list[int], told: str
) -> None:
    assert _places(name, numbers) == told


@pytest.mark.parametrize(
    ("what", "is_found"),
    [
        ("ab12cd", True),
        ("AB12CD00", True),
        ("ab12c", False),
        ("ab12ce", False),
        ("2024-01-a-force-street.csv", True),
        ("/in/2024-01/2024-01-a-force-street.csv", True),
        ("a-force-street.csv", False),
        ("", False),
    ],
)
def test_a_file_is_named_by_name_path_or_six_digits(what: str, is_found: bool) -> None:
    other = replace(_DELIVERY, sha256="f" * 64, name="b.csv", received_as="/in/b.csv")
    found = matching([_DELIVERY, other], what)
    assert found == ([_DELIVERY] if is_found else [])
