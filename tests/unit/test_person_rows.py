"""Records of persons in a file: found in any column, gone without renumbering others."""

from __future__ import annotations

from pathlib import Path

import pytest

from edp_platform.ingestion.person_rows import (
    Marked,
    UncorrectableRecord,
    cells_of,
    is_person_key,
    is_reference,
    mark,
    record_cells,
    with_records,
    without,
)
from edp_platform.ingestion.readers.delimited import (
    UnreadableFile,
    count_records,
    read_text_table,
)

HEADER = "Nominal ID,Surname,Complainant nominal ID,Note"
ROWS = {
    2: "N1,Zebrafish,,plain",
    3: 'N2,"Quetzal, junior",N1,"said ""no"""',
    4: "N3,Okapi,,aka N1",
    5: " n1 ,Zebrafish,,other case",
    6: "N1,too few",
    7: "N10,Tapir,,not N1 itself",
    8: "N4,Axolotl,,N1",
}


@pytest.fixture(params=["lf", "crlf", "bom", "no end"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    end = "\r\n" if request.param == "crlf" else "\n"
    text = end.join([HEADER, *ROWS.values()])
    text += "" if request.param == "no end" else end
    found = tmp_path / "f.csv"
    mark_ = b"\xef\xbb\xbf" if request.param == "bom" else b""
    found.write_bytes(mark_ + text.encode())
    return found


@pytest.mark.parametrize(
    ("column", "key", "reference"),
    [
        ("nominal_id", True, False),
        ("complainant_nominal_id", True, True),
        ("officer_id", False, False),
        ("nominal_ids", False, False),
    ],
)
def test_what_a_column_says_of_persons(column: str, key: bool, reference: bool) -> None:
    assert (is_person_key(column), is_reference(column)) == (key, reference)


def test_a_person_is_found_in_any_column_and_in_broken_records(path: Path) -> None:
    found = mark(path, None, ["N1"])
    # 4 and 7 hold the word inside a longer text, which is not searched; 8 is a cell.
    assert found.lines == (2, 5, 6, 8)
    assert found.cells == {3: ("Complainant nominal ID",)}


def test_what_is_taken_out_leaves_the_others_where_they_were(path: Path) -> None:
    before = {row["source_line"]: row for row in read_text_table(path).frame.to_dicts()}
    path.write_bytes(without(path.read_bytes(), path, mark(path, None, ["N1"])))
    table = read_text_table(path)
    after = {row["source_line"]: row for row in table.frame.to_dicts()}
    assert sorted(after) == [3, 4, 7]
    assert after[4] == before[4] and after[7] == before[7]
    assert after[3] == before[3] | {"c2": None}
    assert table.quarantined.is_empty()
    assert count_records(path) == 3
    assert mark(path, None, ["N1"]).is_empty


def test_taking_out_twice_changes_nothing_more(path: Path) -> None:
    marked = mark(path, None, ["N1"])
    path.write_bytes(without(path.read_bytes(), path, marked))
    once = path.read_bytes()
    assert without(once, path, marked) == once


def test_a_record_over_several_lines_goes_whole(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(f'{HEADER}\nN1,"Zebra\nfish",,\nN2,Okapi,,\n')
    path.write_bytes(without(path.read_bytes(), path, mark(path, None, ["N1"])))
    assert b"Zebra" not in path.read_bytes() and b"fish" not in path.read_bytes()
    assert read_text_table(path).frame["source_line"].to_list() == [4]


def test_everybody_gone_leaves_a_file_that_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(f"{HEADER}\nN1,Zebrafish,,\n")
    path.write_bytes(without(path.read_bytes(), path, mark(path, None, ["N1"])))
    assert count_records(path) == 0
    assert read_text_table(path).frame.is_empty()


def test_a_correction_changes_only_its_cells(path: Path) -> None:
    changed = with_records(
        path.read_bytes(), path, {3: {"Surname": 'Quetzal "Q", senior'}}
    )
    before = read_text_table(path).frame.to_dicts()
    path.write_bytes(changed)
    after = read_text_table(path).frame.to_dicts()
    assert after[1]["c1"] == 'Quetzal "Q", senior'
    assert after[1]["c2"] == "N1" and after[1]["c3"] == 'said "no"'
    assert [row for at, row in enumerate(after) if at != 1] == [
        row for at, row in enumerate(before) if at != 1
    ]


def test_a_broken_record_is_corrected_whole(path: Path) -> None:
    with pytest.raises(UncorrectableRecord, match="every column must be given"):
        with_records(path.read_bytes(), path, {6: {"Surname": "x"}})
    cells = cells_of(path, "N1,Whole,,now")
    path.write_bytes(with_records(path.read_bytes(), path, {6: cells}))
    assert record_cells(path, 6) == {
        "Nominal ID": "N1",
        "Surname": "Whole",
        "Complainant nominal ID": None,
        "Note": "now",
    }


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"Shoe size": "9"}, UncorrectableRecord, "no column Shoe size"),
        ({"Surname": "a\nb"}, UnreadableFile, "renumber"),
    ],
)
def test_a_correction_that_does_not_fit_is_refused(
    path: Path, change: dict[str, str], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        with_records(path.read_bytes(), path, {2: change})


def test_a_whole_record_has_the_columns_of_its_file(path: Path) -> None:
    with pytest.raises(UncorrectableRecord, match="2 fields and the file has 4"):
        cells_of(path, "N1,only")


def test_nothing_marked_is_empty() -> None:
    assert Marked().is_empty
    assert not Marked((2,)).is_empty
    assert not Marked((), {2: ("Surname",)}).is_empty
