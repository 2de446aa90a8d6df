"""Reading a report as people made it, and finding what each column and label is."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from edp_platform.legacy.comparing import compare, mart_cells, report_cells
from edp_platform.legacy.failure import CannotCompare
from edp_platform.legacy.mapping import (
    Known,
    Stated,
    map_columns,
    parse_columns,
    parse_values,
)
from edp_platform.legacy.mart import MartRows, read_mart
from edp_platform.legacy.report import read_report
from edp_platform.legacy.values import as_day, as_figure, folded
from edp_platform.publishing.snapshot import Snapshot
from edp_platform.sample.spreadsheets import write_workbook


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-01", date(2024, 1, 1)),
        ("202401", date(2024, 1, 1)),
        ("Jan 2024", date(2024, 1, 1)),
        ("January 2024", date(2024, 1, 1)),
        ("Jan-24", date(2024, 1, 1)),
        ("Sept '23", date(2023, 9, 1)),
        ("01/2024", date(2024, 1, 1)),
        ("2/1/2024", date(2024, 1, 2)),
        ("2024-01-31 00:00:00", date(2024, 1, 31)),
        ("2024 jan", date(2024, 1, 1)),
        *[(one, None) for one in ("", "2024", "13/2024", "May", "Burglary", "Total")],
    ],
)
def test_months_are_read_however_they_are_written(text: str, day: date | None) -> None:
    assert as_day(text) == day


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        ("12", (12, 0)),
        ("1,234", (1234, 0)),
        ("1 234", (1234, 0)),
        ("£3,000.50", (3000.5, 2)),
        ("12.0", (12, 0)),
        ("12.5%", (0.125, 3)),
        ("-4", (-4, 0)),
        *[(one, None) for one in ("", "-", "n/a", "..")],
    ],
)
def test_figures_are_read_with_their_decimals(
    text: str, figure: tuple[float, int] | None
) -> None:
    assert as_figure(text) == figure


@pytest.mark.parametrize("text", ["three", "12a", "1,23", "+", "."])
def test_what_is_no_figure_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a figure"):
        as_figure(text)


def test_labels_are_compared_without_capitals_marks_and_spaces() -> None:
    assert folded(" Arson &  Criminal Damage ") == folded("arson and criminal_damage")
    assert folded("City of London") == folded("city-of-london")
    assert folded(None) == ""


ROWS: list[list[Any]] = [
    ["Our report"],
    [],
    ["Type", "Crimes"],
    ["Burglary", 3],
    ["Drugs", 4],
]


def test_a_workbook_and_each_kind_of_text_read_alike(tmp_path: Path) -> None:
    book = tmp_path / "report.xlsx"
    write_workbook(book, [("Notes", []), ("Figures", ROWS)])
    comma = tmp_path / "a.csv"
    comma.write_text("Our report\n\nType,Crimes\nBurglary,3\nDrugs,4\n")
    semicolon = tmp_path / "b.csv"
    semicolon.write_bytes(
        "Our report\r\n\r\nType;Crimes\r\nBurglary;3\r\nDrugs;4".encode("cp1252")
    )
    bom = tmp_path / "c.csv"
    bom.write_bytes(b"\xef\xbb\xbfType\tCrimes\nBurglary\t3\n")
    for path in (comma, semicolon, book):
        report = read_report(path)
        assert report.header == ("Type", "Crimes")
        assert report.header_line == 3
        assert [line for line, _ in report.lines] == [4, 5]
        assert report.lines[0][1] == ("Burglary", "3")
    assert read_report(bom).header == ("Type", "Crimes")


def test_what_holds_no_table_is_refused(tmp_path: Path) -> None:
    two = tmp_path / "two.xlsx"
    write_workbook(two, [("A", ROWS), ("B", ROWS)])
    with pytest.raises(CannotCompare, match="several sheets that hold something: A, B"):
        read_report(two)
    assert read_report(two, "B").header == ("Type", "Crimes")
    with pytest.raises(CannotCompare, match="no sheet C"):
        read_report(two, "C")
    with pytest.raises(CannotCompare, match="There is no file"):
        read_report(tmp_path / "none.csv")
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(CannotCompare, match="not a workbook"):
        read_report(broken)
    empty = tmp_path / "empty.csv"
    empty.write_text("\n\n")
    with pytest.raises(CannotCompare, match="holds nothing"):
        read_report(empty)


MART = MartRows(
    "made",
    "s1",
    "2024-06-01",
    ("month", "area", "kind"),
    ("crimes", "share"),
    frozenset({"month"}),
    pa.table(
        {
            "month": [date(2024, 1, 1), date(2024, 1, 1), date(2024, 2, 1)],
            "area": ["North", "North", "North"],
            "kind": ["Burglary", "Theft and robbery", "Burglary"],
            "crimes": pa.array([3, 4, 0], pa.int32()),
            "share": [0.125, 0.5, 0.25],
        }
    ),
)
LABELS = {"kind": {"break in": Known("Burglary", "2013-04")}}


def _compared(tmp_path: Path, text: str, stated: Stated | None = None) -> Any:
    path = tmp_path / "r.csv"
    path.write_text(text)
    said = stated or Stated()
    report = read_report(path)
    columns = map_columns(report, MART, LABELS, said, "crimes")
    taken = report_cells(report, columns, MART, LABELS, said)
    ours = mart_cells(MART, columns)
    is_count = columns.measure == "crimes"
    cells, _ = compare(taken, ours, "month", None, is_count)
    return columns, taken, {one.key: one for one in cells}


@pytest.mark.parametrize(
    "text",
    [
        "Month,Kind,Crimes\n2024-01,Burglary,3\n2024-01,THEFT & ROBBERY,4\n"
        "2024-02,break in,0",
        "What,When,How many\nBurglary,Jan 2024,3\nTheft and Robbery,Jan 2024,4\n"
        "Break-in,Feb 2024,0",
        "Kind,Jan-24,Feb-24,Total\nBurglary,3,0,3\nTheft And Robbery,4,,4\nTotal,7,0,7",
    ],
)
def test_one_mart_is_recognised_in_reports_of_each_shape(
    tmp_path: Path, text: str
) -> None:
    columns, _, cells = _compared(tmp_path, text)
    assert columns.measure == "crimes" and columns.fixed == {"area": "North"}
    assert len(cells) == 3
    assert {one.state for one in cells.values()} == {"equal"}


def test_nought_beside_no_row_is_equal_only_where_the_month_is_there(
    tmp_path: Path,
) -> None:
    text = (
        "Month,Kind,Crimes\n2024-02,Theft and robbery,0\n2024-03,Burglary,0\n"
        "2024-02,Burglary,"
    )
    _, _, cells = _compared(tmp_path, text)
    known = cells[("2024-02-01", "Theft and robbery")]
    assert known.state == "equal" and known.is_absent_zero
    assert cells[("2024-03-01", "Burglary")].state == "extra"
    assert cells[("2024-02-01", "Burglary")].state == "equal"
    assert cells[("2024-01-01", "Burglary")].state == "missing"


def test_shares_are_equal_to_the_decimals_that_the_report_gives(tmp_path: Path) -> None:
    text = (
        "Month,Kind,Share\n2024-01,Burglary,13%\n2024-01,Theft and robbery,49%\n"
        "2024-02,Burglary,0.25"
    )
    _, _, cells = _compared(tmp_path, text)
    assert cells[("2024-02-01", "Burglary")].state == "equal"
    assert cells[("2024-01-01", "Theft and robbery")].state == "differs"
    # 12.5 % written as 13 %.
    assert cells[("2024-01-01", "Burglary")].state == "equal"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Month,Kind,A,B\n2024-01,Burglary,3,4", "These hold figures: A, B"),
        ("Month,Kind,Crimes,Share\n2024-01,Burglary,3,0.1", "several figures"),
        (
            "Month,Kind,Crimes\n2024-01,Burglery,3\n2024-01,Burglary,3",
            "is 'Burglery' our",
        ),
        (
            "Month,Kind,Crimes\n2024-01,Theft,3\n2024-01,Burglary,3",
            "our 'Theft and robbery'",
        ),
        ("Kind,Crimes\nBurglary,3", "does not say month"),
        ("Month,Kind,Crimes\nlater,Burglary,3", "'later' is no month"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(CannotCompare, match=said):
        _compared(tmp_path, text)


def test_what_a_person_states_settles_it(tmp_path: Path) -> None:
    text = (
        "Month,Kind,A,B\n2024-01,Burglery,3,4\n2024-01,Theft,4,1\n2024-02,Burglary,0,1"
    )
    said = Stated(
        parse_columns(["A=crimes", "B="]),
        parse_values(["kind: Burglery=Burglary", "kind:Theft = Theft and robbery"]),
    )
    _, taken, cells = _compared(tmp_path, text, said)
    assert {one.state for one in cells.values()} == {"equal"}
    assert taken.labels["kind"]["Burglery"].how == "stated"
    for wrong in ("A", "=crimes"):
        with pytest.raises(CannotCompare, match="--map"):
            parse_columns([wrong])
    for wrong in ("Theft=Robbery", "kind: Theft", "kind: =x"):
        with pytest.raises(CannotCompare, match="--value"):
            parse_values([wrong])


def test_names_of_the_marts_codes_are_read_as_codes(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "copy.duckdb")) as connection:
        connection.execute(
            "create schema marts; create table marts.made as from (values "
            "(date '2024-01-01', 'E1', 'Barnet', 3), "
            "(date '2024-01-01', 'E2', 'Brent', 4), "
            "(date '2024-01-01', 'E3', 'Twin', 1), (date '2024-01-01', 'E4', 'Twin', 2)"
            ") as made(month, borough_code, borough, crimes)"
        )
    copy = Snapshot("s", tmp_path / "copy.duckdb", "now", {"made": 4})
    model: Any = SimpleNamespace(name="made")
    mart = read_mart(copy, model, ("month", "borough_code"), None)
    assert mart.names == {"borough_code": {"Barnet": "E1", "Brent": "E2"}}
    labels = {
        "borough_code": {
            folded(name): Known(code, how="name")
            for name, code in mart.names["borough_code"].items()
        }
    }
    path = tmp_path / "r.csv"
    path.write_text(
        "Month,Borough,N\n2024-01,BARNET,3\n2024-01,Brent,4\n2024-01,E3,1\n"
    )
    report = read_report(path)
    columns = map_columns(report, mart, labels, Stated(), "crimes")
    taken = report_cells(report, columns, mart, labels, Stated())
    assert columns.keys["borough_code"] == 1
    assert {key[1] for key in taken.entries} == {"E1", "E2", "E3"}
    with pytest.raises(CannotCompare, match="cannot be used"):
        read_mart(copy, model, ("month", "borough_code"), "crimes = 'x' || nothing")
    with pytest.raises(CannotCompare, match="No row of made matches"):
        read_mart(copy, model, ("month", "borough_code"), "crimes > 9")
    with pytest.raises(CannotCompare, match="does not say what tells its rows apart"):
        read_mart(copy, model, (), None)
    with pytest.raises(CannotCompare, match="not in the published copy"):
        read_mart(copy, SimpleNamespace(name="other"), ("month",), None)  # type: ignore[arg-type]
