"""Workbooks: one row a cell, lines that point at the sheet's row, marks for no value."""

from __future__ import annotations

from pathlib import Path

import pytest

from edp_platform.contracts import Contract, load_contract
from edp_platform.ingestion.readers import UnreadableFile
from edp_platform.ingestion.readers.spreadsheets import (
    SHEET_STEP,
    ProfilesReader,
    YearSheetsReader,
)
from edp_platform.sample.spreadsheets import write_workbook

SETS = Path(__file__).parents[2] / "edp_platform" / "defs" / "datasets"
TOP = ["Code", "Area", "Number", None, "95% Confidence Interval", None]
GROUPS = [None, None, "White", "Asian", "White", "Asian"]


@pytest.fixture(scope="module")
def groups() -> Contract:
    return load_contract(SETS / "borough_ethnic_group" / "contract.yaml")


@pytest.fixture(scope="module")
def profiles() -> Contract:
    return load_contract(SETS / "borough_profiles" / "contract.yaml")


def book(tmp_path: Path, *sheets: tuple[str, list[list[object]]]) -> Path:
    path = tmp_path / "book.xlsx"
    write_workbook(path, sheets)  # type: ignore[arg-type]
    return path


def test_each_year_s_sheet_is_read_with_its_rows_as_lines(
    tmp_path: Path, groups: Contract
) -> None:
    path = book(
        tmp_path,
        ("Metadata", [["About"]]),
        ("2018", [TOP, GROUPS, [None], ["E1", "One", "10", "20", "1", "2"]]),
        ("2017", [TOP, GROUPS, ["E1", "One", "-", "!", "x", "."]]),
    )
    reading = YearSheetsReader().read(path, groups, {})
    found = reading.rows.select("year", "ethnic_group", "people", "source_line").rows()
    assert sorted(found, key=str) == [
        (2017, "Asian", None, 2 * SHEET_STEP + 3),
        (2017, "White", None, 2 * SHEET_STEP + 3),
        (2018, "Asian", 20.0, SHEET_STEP + 4),
        (2018, "White", 10.0, SHEET_STEP + 4),
    ]
    assert reading.records == YearSheetsReader().count(path) == 2
    assert reading.quarantined.is_empty()


@pytest.mark.parametrize(
    ("sheets", "reason"),
    [
        ([("Notes", [["x"]])], "no sheet named for a year"),
        ([("2018", [])], "no two header rows"),
        ([("2018", [TOP])], "no two header rows"),
    ],
)
def test_a_workbook_without_its_sheets_or_headers_is_refused(
    tmp_path: Path, sheets: list[tuple[str, list[list[object]]]], reason: str
) -> None:
    path = book(tmp_path, *sheets)
    with pytest.raises(UnreadableFile, match=reason):
        YearSheetsReader().header(path)


@pytest.mark.parametrize(
    ("top", "below", "reason"),
    [
        (["Code", "Area", "Number", None], [None, None, "White", "Asian"], "lacks"),
        (TOP, [None, None, "White", "Asian", "White", "Black"], "other groups"),
        (TOP, [None, None, "White", "Asian", "White", None], "other groups"),
    ],
)
def test_a_later_year_of_another_shape_is_refused_not_read_in_part(
    tmp_path: Path,
    groups: Contract,
    top: list[object],
    below: list[object],
    reason: str,
) -> None:
    values = ["E1", "One", "1", "2", "3", "4"]
    path = book(
        tmp_path,
        ("2018", [list(TOP), list(GROUPS), values]),
        ("2017", [top, below, values[: len(top)]]),
    )
    with pytest.raises(UnreadableFile, match=reason):
        YearSheetsReader().read(path, groups, {})


def test_blank_rows_at_the_top_count_as_lines(
    tmp_path: Path, profiles: Contract
) -> None:
    """The library leaves them out unless told, and every line would be out by them."""
    path = book(
        tmp_path,
        ("Data", [["Code", "Area/INDICATOR", "People"], [None], ["E1", "One", "3"]]),
    )
    reading = ProfilesReader().read(path, profiles, {})
    assert reading.rows["source_line"].to_list() == [3]
    shifted = book(tmp_path, ("Data", [[None], ["Code", "Area/INDICATOR", "People"]]))
    assert ProfilesReader().misfit(profiles, ProfilesReader().header(shifted))


def test_profiles_become_one_row_an_area_and_indicator(
    tmp_path: Path, profiles: Contract
) -> None:
    path = book(
        tmp_path,
        (
            "Data",
            [
                ["Code", "Area/INDICATOR", "People", "Happiness"],
                ["E1", "One", "3", "=cmd()"],
                ["E2", "Two", None, "."],
            ],
        ),
    )
    reading = ProfilesReader().read(path, profiles, {})
    rows = reading.rows.select("area_code", "indicator", "value_text").rows()
    assert sorted(rows, key=str) == [
        ("E1", "Happiness", "=cmd()"),
        ("E1", "People", "3"),
        ("E2", "Happiness", "."),
        ("E2", "People", None),
    ]
    assert (reading.records, reading.cells) == (2, 4)


def test_real_workbooks_have_the_rows_they_have(shared_data: Path) -> None:
    folder = shared_data / "reference"
    assert YearSheetsReader().count(folder / "ethnic-groups-by-borough.xls") == 7 * 46
    assert ProfilesReader().count(folder / "london-borough-profilesV2.xlsx") == 38
