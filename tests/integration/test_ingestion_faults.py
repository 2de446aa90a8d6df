"""Damaged files through the two doors: a clear refusal, or quarantine; nothing lost."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from edp_platform.datasets import DataSets
from edp_platform.files import WriteFailed
from edp_platform.ingestion import landing
from edp_platform.ingestion.land import LandingOptions, land
from edp_platform.ingestion.revisions import read_revisions
from edp_platform.sample.spreadsheets import write_workbook
from tests.landing_room import (
    BURGLARY,
    BURGLARY_FILE,
    LOOKUP,
    LOOKUP_FILE,
    NOW,
    STOP,
    STOP_FILE,
    STREET,
    STREET_FILE,
    SURVEY,
    SURVEY_FILE,
    TODAY,
    WARD,
    WARD_FILE,
    Room,
    all_data_sets,
    bytes_under,
    crime_id,
    half_written,
    open_room,
    stop_row,
    street_row,
    text,
)

#: Stands in rows only; a message that shows it shows a row's value.
SECRET = "Zebedee Crescent"


@pytest.fixture(scope="module")
def data_sets(tmp_path_factory: pytest.TempPathFactory) -> DataSets:
    return all_data_sets(tmp_path_factory.mktemp("contracts"))


@pytest.fixture
def room(tmp_path: Path, data_sets: DataSets) -> Room:
    return open_room(tmp_path, data_sets)


def secret_row(number: int, **changed: str) -> str:
    return street_row(number, **{"location": SECRET, **changed})


GOOD = [secret_row(1), secret_row(2), secret_row(3)]


# --------------------------------------------------------- files refused at landing


WHOLE_FILES: list[tuple[str, str, bytes, str]] = [
    ("empty", STREET_FILE, b"", "is empty"),
    ("only blank lines", STREET_FILE, b"\n \r\n\n", "is empty"),
    ("UTF-16", STREET_FILE, text(STREET, *GOOD).decode().encode("utf-16"), "UTF-16"),
    ("NUL at once", STREET_FILE, text(STREET) + b"\x00" * 512, "NUL"),
    (
        "NUL after a megabyte",
        STREET_FILE,
        text(STREET, *[street_row(one) for one in range(8_000)]) + b"\x00" * 512,
        "NUL",
    ),
    (
        "old Mac line ends",
        STREET_FILE,
        text(STREET, *GOOD, end="\r"),
        "carriage returns",
    ),
    ("no header line", STREET_FILE, text(*GOOD), "header line is missing"),
    (
        "extra column",
        STREET_FILE,
        text(f"{STREET},Victim", *(f"{row},{SECRET}" for row in GOOD)),
        "not in the contract: Victim",
    ),
    (
        "missing column",
        STREET_FILE,
        text(STREET.removesuffix(",Context"), *GOOD),
        "missing Context",
    ),
    (
        "a name twice",
        STREET_FILE,
        text(STREET.replace("Falls within", "Reported by"), *GOOD),
        "given twice: Reported by",
    ),
    (
        "a name misspelt",
        STREET_FILE,
        text(STREET.replace("Crime type", "Crime typ"), *GOOD),
        "missing Crime type",
    ),
    (
        "an unnamed column",
        STREET_FILE,
        text(f"{STREET},", *(f"{row},{SECRET}" for row in GOOD)),
        "without a name",
    ),
    ("a page of HTML", STREET_FILE, b"<html>\n<b>Not found</b></html>", "web page"),
    (
        "semicolons",
        STREET_FILE,
        text(STREET.replace(",", ";"), *GOOD),
        "separated by semicolons",
    ),
    ("a long first line", STREET_FILE, b"x" * 200_000, "no header"),
    (
        "wide with a month twice",
        WARD_FILE,
        text(f"{WARD},202401,202401", f"A,B,{SECRET},E05000001,Camden,1,1"),
        "given twice",
    ),
    (
        "wide with another column",
        WARD_FILE,
        text(f"{WARD},202401,Total", f"A,B,{SECRET},E05000001,Camden,1,1"),
        "Total",
    ),
    (
        "wide with a month that is none",
        WARD_FILE,
        text(f"{WARD},202413", f"A,B,{SECRET},E05000001,Camden,1"),
        "no such month",
    ),
    (
        "wide without a month",
        WARD_FILE,
        text(WARD, f"A,B,{SECRET},E05000001,Camden"),
        "no column for any month",
    ),
    (
        "survey without one date",
        SURVEY_FILE,
        text(SURVEY, f'soon,PAS,{SECRET},Trust MPS,"0,5","0,5"'),
        "no month",
    ),
    ("survey of a header only", SURVEY_FILE, text(SURVEY), "no month"),
    (
        "map cut short",
        "london_boroughs_2022.geojson",
        b'{"type": "Feature',
        "cut short",
    ),
    ("map of nothing", "london_boroughs_2022.geojson", b"[1, 2]", "FeatureCollection"),
    (
        "map without features",
        "london_boroughs_2022.geojson",
        b'{"type": "FeatureCollection"}',
        "list of features",
    ),
    (
        "map nested without end",
        "london_boroughs_2022.geojson",
        b"[" * 100_000,
        "too deeply",
    ),
    (
        "workbook that is text",
        "london-borough-profilesV2.xlsx",
        text("Code,Area/INDICATOR,x", f"E09,{SECRET},1"),
        "not a workbook",
    ),
    ("empty workbook", "ethnic-groups-by-borough.xls", b"", "not a workbook"),
]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [case[1:] for case in WHOLE_FILES],
    ids=[case[0] for case in WHOLE_FILES],
)
def test_a_file_that_is_not_what_it_says_is_refused_and_nothing_is_written(
    room: Room, name: str, content: bytes, reason: str
) -> None:
    told = room.refusal(name, content)
    assert reason in told
    assert SECRET not in told and crime_id(1) not in told
    # What is wrong, why, and what to do: never one bare sentence.
    assert told.count(".") >= 2
    assert half_written(room.home) == []


@pytest.mark.parametrize("kept", [100, 5_000, -100, -3_000])
@pytest.mark.parametrize(
    "name", ["ethnic-groups-by-borough.xls", "london-borough-profilesV2.xlsx"]
)
def test_a_real_workbook_cut_short_is_refused(
    room: Room, shared_data: Path, name: str, kept: int
) -> None:
    """Calamine panics on some of them, which once stopped the whole landing."""
    whole = (shared_data / "reference" / name).read_bytes()
    assert "workbook" in room.refusal(name, whole[:kept])


def test_one_refused_file_does_not_stop_the_others(room: Room) -> None:
    """An unknown kind of file in the folder is refused by name; the rest land."""
    room.write("list.json", b"[1, 2]")
    room.write("a/data.bin", bytes(range(256)) * 50)
    room.write("a/one-long-line.txt", b"x" * 300_000)
    room.write("a/quotes.csv", b'"a\n' * 100)
    room.write("a/report.xlsx", b"PK\x03\x04 broken")
    room.write("z/2024-01-city-of-london-street.csv", text(STREET, *GOOD))
    (room.inbox / "gone.csv").symlink_to(room.inbox / "nowhere.csv")
    outcomes = {Path(one.name).name: one for one in room.land(room.inbox)}
    assert outcomes["2024-01-city-of-london-street.csv"].outcome == "landed"
    refused = {name for name, one in outcomes.items() if one.outcome == "refused"}
    assert refused == {
        "list.json",
        "data.bin",
        "one-long-line.txt",
        "quotes.csv",
        "report.xlsx",
        "gone.csv",
    }
    assert "cannot be read" in outcomes["gone.csv"].reason
    assert all(SECRET not in one.reason for one in outcomes.values())


@pytest.mark.parametrize("target", ["missing.csv", "folder-that-is-not"])
def test_a_source_that_is_not_there_is_refused(room: Room, target: str) -> None:
    (outcome,) = room.land(room.inbox / target)
    assert outcome.outcome == "refused"
    assert "is not there" in outcome.reason


def test_a_folder_named_like_a_file_is_looked_into_not_read(room: Room) -> None:
    room.write(f"{STREET_FILE}/{STREET_FILE}", text(STREET, *GOOD))
    (outcome,) = room.land(room.inbox / STREET_FILE)
    assert outcome.outcome == "landed"


def test_a_file_that_changes_while_it_is_landed_is_refused(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is another than what was hashed and counted: as if still uploading."""
    path = room.write(STREET_FILE, text(STREET, *GOOD))
    real_copy = landing.shutil.copyfile

    def grow_then_copy(source: Path, target: Path) -> object:
        with path.open("ab") as stream:
            stream.write(secret_row(4).encode() + b"\n")
        return real_copy(source, target)

    monkeypatch.setattr(landing.shutil, "copyfile", grow_then_copy)
    (outcome,) = room.land(path)
    assert outcome.outcome == "refused"
    assert "changed while it was being read" in outcome.reason
    assert [one for one in room.home.landing.rglob("*") if one.is_file()] == []
    monkeypatch.undo()
    (outcome,) = room.land(path)
    assert outcome.outcome == "landed" and outcome.delivery is not None
    assert outcome.delivery.records == 4


# ------------------------------------------------------ rows quarantined, with lines


def _splice(rows: list[str], at: int, raw: bytes, end: bytes = b"\n") -> bytes:
    """Return a street file with `raw` as its line `at` (the header is line 1)."""
    lines = [STREET.encode(), *(row.encode() for row in rows)]
    lines.insert(at - 1, raw)
    return end.join(lines) + end


#: What it is; the file; lines that must load; line → why quarantined.
LINES: list[tuple[str, bytes, list[int], dict[int, str]]] = [
    ("sound", text(STREET, *GOOD), [2, 3, 4], {}),
    ("CRLF", text(STREET, *GOOD, end="\r\n"), [2, 3, 4], {}),
    (
        "LF and CRLF mixed",
        f"{STREET}\r\n{GOOD[0]}\n{GOOD[1]}\r\n{GOOD[2]}\n".encode(),
        [2, 3, 4],
        {},
    ),
    ("byte order mark", b"\xef\xbb\xbf" + text(STREET, *GOOD), [2, 3, 4], {}),
    ("no end to the last line", text(STREET, *GOOD)[:-1], [2, 3, 4], {}),
    ("header only", text(STREET), [], {}),
    ("header only, no end", STREET.encode(), [], {}),
    (
        "blank lines are no rows and count as lines",
        text(STREET, "", GOOD[0], "  ", "\t", GOOD[1], "", ""),
        [3, 6],
        {},
    ),
    (
        "cut in the middle of a row",
        text(STREET, *GOOD) + secret_row(4)[:90].encode(),
        [2, 3, 4],
        {5: "fields where the header has 12"},
    ),
    (
        "cut in the middle of a letter",
        text(STREET, *GOOD) + "On or near Clôs".encode()[:-2],
        [2, 3, 4],
        {5: "not UTF-8"},
    ),
    (
        "one line in Latin-1",
        _splice(GOOD, 3, secret_row(9, location="Clôs").encode("latin-1")),
        [2, 4, 5],
        {3: "not UTF-8"},
    ),
    (
        "Latin-1 inside a field of two lines",
        _splice(GOOD, 3, secret_row(9, location='"a\nCl\xf4s"').encode("latin-1")),
        [2, 5, 6],
        {3: "not UTF-8"},
    ),
    (
        "one field too many",
        _splice(GOOD, 4, f"{secret_row(9)},more".encode()),
        [2, 3, 5],
        {4: "13 fields where the header has 12"},
    ),
    (
        "one field too few",
        _splice(GOOD, 2, secret_row(9)[:-1].encode()),
        [3, 4, 5],
        {2: "11 fields"},
    ),
    (
        "only commas",
        _splice(GOOD, 3, b"," * 11),
        [2, 4, 5],
        {3: "breaks the rule"},
    ),
    (
        "a no-break space alone",
        _splice(GOOD, 3, "\u00a0".encode()),
        [2, 4, 5],
        {3: "1 fields"},
    ),
    (
        "the header again in the middle",
        _splice(GOOD, 3, STREET.encode()),
        [2, 4, 5],
        {3: "longitude is not a number"},
    ),
    (
        "a comma in quotes",
        _splice(GOOD, 3, secret_row(9, location='"Lane, near"').encode()),
        [2, 3, 4, 5],
        {},
    ),
    (
        "a line feed in quotes",
        _splice(GOOD, 3, secret_row(9, location='"Lane\nnear"').encode()),
        [2, 3, 5, 6],
        {},
    ),
    (
        "a carriage return and line feed in quotes",
        _splice(
            GOOD, 3, secret_row(9, location='"Lane\r\nnear"').encode(), end=b"\r\n"
        ),
        [2, 3, 5, 6],
        {},
    ),
    (
        "a lone carriage return in a value",
        _splice(GOOD, 3, secret_row(9, location="Lane\rnear").encode()),
        [2, 3, 4, 5],
        {},
    ),
    (
        "every field quoted, blanks too",
        text(
            ",".join(f'"{name}"' for name in STREET.split(",")),
            *(
                ",".join(f'"{cell}"' for cell in street_row(one).split(","))
                for one in (None, 1)
            ),
        ),
        [2, 3],
        {},
    ),
    (
        "a quote never closed",
        _splice(GOOD, 3, secret_row(9, location='"Lane').encode()),
        [2, 4, 5],
        {3: "never closed"},
    ),
    (
        "two quotes lost on two lines",
        _splice(
            GOOD,
            3,
            "\n".join(secret_row(one, location='"Lane') for one in (8, 9)).encode(),
        ),
        [2, 5, 6],
        {3: "never closed", 4: "never closed"},
    ),
    (
        "quotes inside a value",
        _splice(GOOD, 3, secret_row(9, location='The "Rose, Crown" pub').encode()),
        [2, 4, 5],
        {3: "not around a whole field"},
    ),
    (
        "text after a closing quote",
        _splice(GOOD, 3, secret_row(9, location='"Rose" pub').encode()),
        [2, 4, 5],
        {3: "not around a whole field"},
    ),
    (
        "a field of 2 MB",
        _splice(GOOD, 3, secret_row(9, location="x" * 2_000_000).encode()),
        [2, 4, 5],
        {3: "longer than"},
    ),
    (
        "a quoted field of 2 MB over two lines",
        _splice(
            GOOD,
            3,
            secret_row(9, location='"' + "x" * 2_000_000 + '\nend"').encode(),
        ),
        [2, 5, 6],
        {3: "longer than", 4: "never closed"},
    ),
    (
        "values of the wrong kind",
        text(
            STREET,
            secret_row(1, longitude="-0,1"),
            secret_row(2, latitude="north"),
            secret_row(3, longitude="inf"),
            secret_row(4, latitude="NaN"),
            secret_row(5, longitude=" -0.1 "),
        ),
        [6],
        {
            2: "13 fields",
            3: "latitude is not a number",
            4: "longitude is not a number",
            5: "latitude is not a number",
        },
    ),
    (
        "rules of the contract",
        text(
            STREET,
            secret_row(1, crime_id="12AB"),
            secret_row(2, crime_type=""),
            secret_row(3, crime_type="A type nobody knew"),
            secret_row(4, crime_id="x", crime_type=""),
        ),
        [4],
        {2: "crime_id breaks", 3: "crime_type breaks", 5: "crime_type breaks"},
    ),
    (
        "another month than the file's",
        text(
            STREET,
            secret_row(1),
            secret_row(2, month="2023-12"),
            secret_row(3, month="2024-1"),
            secret_row(4, month=""),
        ),
        [2],
        {
            3: "month is not the file's month",
            4: "month is not the file's month",
            5: "file_month breaks the rule",
        },
    ),
    (
        "another force than the file's",
        text(
            STREET,
            secret_row(1),
            secret_row(2, reported_by="Bedfordshire Police"),
            secret_row(3, reported_by=""),
        ),
        [2, 4],
        {3: "force is not the file's force"},
    ),
]


@pytest.mark.parametrize(
    ("content", "loaded", "quarantined"),
    [case[1:] for case in LINES],
    ids=[case[0] for case in LINES],
)
def test_each_damaged_row_is_quarantined_by_its_line_and_every_other_loads(
    room: Room, content: bytes, loaded: list[int], quarantined: dict[int, str]
) -> None:
    room.receive(STREET_FILE, content)
    result = room.load("police_uk_street")
    assert room.lines("police_uk_street") == loaded
    found = room.quarantine("police_uk_street")
    assert found.keys() == quarantined.keys()
    for line, reason in quarantined.items():
        assert reason in found[line]
    (account,) = result.accounts
    assert (account.landed, account.loaded, account.quarantined) == (
        len(loaded) + len(quarantined),
        len(loaded),
        len(quarantined),
    )
    # The reason is told in logs; the record stays in the quarantine.
    assert all(SECRET not in reason for reason in found.values())
    assert SECRET not in repr(result)


def test_a_quarantined_row_keeps_its_text(room: Room) -> None:
    """Nothing is lost: what was received can be read beside the reason."""
    short = secret_row(9)[:-1]
    room.receive(
        STREET_FILE, text(STREET, short, secret_row(1, crime_id="no"), GOOD[1])
    )
    room.load("police_uk_street")
    kept = dict(
        room.evidence("police_uk_street").select("source_line", "record").iter_rows()
    )
    assert kept[2] == short
    assert json.loads(kept[3])["location"] == SECRET


def test_columns_in_another_order_load_by_name(room: Room) -> None:
    order = [11, 9, 0, 1, 8, 2, 3, 5, 4, 6, 7, 10]

    def turned(line: str) -> str:
        cells = line.split(",")
        return ",".join(cells[at] for at in order)

    room.receive(STREET_FILE, text(turned(STREET), *(turned(row) for row in GOOD)))
    other = open_room(room.home.root.parent / "other", room.data_sets)
    other.receive(STREET_FILE, text(STREET, *GOOD))
    room.load("police_uk_street")
    other.load("police_uk_street")
    ours, theirs = room.lake("police_uk_street"), other.lake("police_uk_street")
    assert ours.drop("source_file").equals(theirs.drop("source_file"))


@pytest.mark.parametrize(
    "value", ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "'; drop table x; --"]
)
def test_a_formula_is_kept_as_the_text_it_is(room: Room, value: str) -> None:
    room.receive(STREET_FILE, text(STREET, street_row(1, location=value)))
    room.load("police_uk_street")
    assert room.lake("police_uk_street")["location"].to_list() == [value]


def test_line_ends_change_no_row_and_no_flag(room: Room) -> None:
    """Mirrors rewrite line ends: rows must be told apart without them."""
    rows = [street_row(None), street_row(None), street_row(1), street_row(1)]
    for month, end in (("2024-01", "\n"), ("2024-02", "\r\n")):
        moved = [row.replace("2024-01", month) for row in rows]
        name = STREET_FILE.replace("2024-01", month)
        room.receive(name, text(STREET, *moved, end=end))
    room.load("police_uk_street")
    first, second = (
        room.month("police_uk_street", month).drop(
            "source_file", "file_month", "release_date"
        )
        for month in ("2024-01", "2024-02")
    )
    assert first.equals(second)


# ------------------------------------------------------------------------- repeats


def test_repeats_are_set_aside_kept_or_flagged_by_whether_they_carry_a_mark(
    room: Room,
) -> None:
    rows = [
        street_row(1),  # 2
        street_row(1),  # 3 repeats 2
        street_row(2),  # 4
        street_row(2, outcome="Local resolution"),  # 5 shares the mark of 4
        street_row(2),  # 6 repeats 4
        street_row(None),  # 7
        street_row(None),  # 8 repeats 7, with no mark: kept
        street_row(None, location="Elsewhere"),  # 9
        street_row(1),  # 10 repeats 2
    ]
    room.receive(STREET_FILE, text(STREET, *rows))
    room.load("police_uk_street")
    assert room.set_aside("police_uk_street") == {3: 2, 6: 4, 10: 2}
    flags = {
        line: (repeat, shared)
        for line, repeat, shared in room.lake("police_uk_street")
        .select("source_line", "is_exact_repeat", "shares_identifier")
        .iter_rows()
    }
    plain = (False, False)
    assert flags == {
        2: plain,
        4: (False, True),
        5: (False, True),
        7: plain,
        8: (True, False),
        9: plain,
    }


def test_searches_have_no_mark_so_every_repeat_is_kept_and_flagged(room: Room) -> None:
    room.receive(
        STOP_FILE, text(STOP, stop_row(), stop_row(), stop_row(gender="Female"))
    )
    room.load("police_uk_stop_and_search")
    rows = room.lake("police_uk_stop_and_search")
    assert rows["is_exact_repeat"].to_list() == [False, True, False]
    assert not rows["shares_identifier"].any()
    assert room.set_aside("police_uk_stop_and_search") == {}


def lookup_row(code: int, borough: str = "Camden") -> str:
    return f"E0100000{code},name,E02000001,name,E09000007,{borough}"


def test_a_repeated_lookup_row_is_set_aside_and_contradictions_are_quarantined(
    room: Room,
) -> None:
    """Which of two boroughs is right cannot be known, so neither is used."""
    room.receive(
        LOOKUP_FILE,
        text(
            LOOKUP,
            lookup_row(1),  # 2
            lookup_row(2),  # 3
            lookup_row(2),  # 4 repeats 3
            lookup_row(3, "Barnet"),  # 5 contradicts 6
            lookup_row(3, "Brent"),  # 6
            lookup_row(3, "Barnet"),  # 7 repeats 5
            ",name,E02000001,name,E09000007,Camden",  # 8 has no key
        ),
    )
    room.load("lsoa_2011_to_borough")
    assert room.lines("lsoa_2011_to_borough") == [2, 3]
    assert room.set_aside("lsoa_2011_to_borough") == {4: 3, 7: 5}
    found = room.quarantine("lsoa_2011_to_borough")
    assert found.keys() == {5, 6, 8}
    assert found[5] == found[6] == "another row has the same key and differs"
    assert "lsoa_code breaks the rule" in found[8]


def test_a_doubled_wide_row_is_set_aside_and_a_contradiction_costs_its_cell_only(
    room: Room,
) -> None:
    key = "THEFT,OTHER,Ward,E05000001,Camden"
    room.receive(
        WARD_FILE,
        text(
            f"{WARD},202401,202402",
            f"{key},1,2",  # 2
            f"{key},1,2",  # 3 repeats 2
            f"{key.replace('E05000001', 'E05000002')},5,6",  # 4
            f"{key.replace('E05000001', 'E05000002')},5,7",  # 5 contradicts 4 in 2024-02
        ),
    )
    (account,) = room.load("mps_ward_crime").accounts
    rows = room.lake("mps_ward_crime").select("month", "source_line", "crimes")
    assert rows.sort("month", "source_line").rows() == [
        ("2024-01", 2, 1),
        ("2024-01", 4, 5),
        ("2024-02", 2, 2),
    ]
    kept_out = room.evidence("mps_ward_crime").select("month", "source_line")
    assert sorted(kept_out.rows()) == [("2024-02", 4), ("2024-02", 5)]
    assert account.cells == {
        "landed": 8,
        "loaded": 3,
        "quarantined": 2,
        "set_aside": 3,
        "superseded": 0,
        "waiting": 0,
    }


def test_a_contradiction_in_one_year_keeps_the_other_years_of_both_lines(
    room: Room,
) -> None:
    """A line holds a row a year; once the whole line went with its one bad cell."""
    room.receive(
        BURGLARY_FILE,
        text(
            BURGLARY,
            f"{lookup_row(1)},10,20",  # 2
            f"{lookup_row(1)},10,21",  # 3: 2020 repeats, 2021 contradicts
            f"{lookup_row(2)},30,40",  # 4
        ),
    )
    room.load("mps_lsoa_burglary")
    rows = room.lake("mps_lsoa_burglary").select("source_line", "year", "burglaries")
    assert sorted(rows.rows()) == [(2, 2020, 10.0), (4, 2020, 30.0), (4, 2021, 40.0)]
    assert room.quarantine("mps_lsoa_burglary").keys() == {2, 3}
    assert room.set_aside("mps_lsoa_burglary") == {3: 2}


# -------------------------------------------------------- wide, survey, map, workbook


def test_wide_cells_that_cannot_be_counts_are_quarantined_one_by_one(
    room: Room,
) -> None:
    key = "THEFT,OTHER,Ward,E0500000{},Camden"
    cells = ["", "x", "1.5", "-1", '"1,000"', "inf", "1.0"]
    rows = [f"{key.format(at)},{at},{cell}" for at, cell in enumerate(cells, 1)]
    room.receive(WARD_FILE, text(f"{WARD},202401,202402", *rows))
    (account,) = room.load("mps_ward_crime").accounts
    loaded = room.lake("mps_ward_crime").select("month", "source_line", "crimes").rows()
    assert sorted(loaded) == [
        *(("2024-01", at + 1, at) for at in range(1, 8)),
        ("2024-02", 8, 1),
    ]
    kept_out = room.evidence("mps_ward_crime")
    assert kept_out["month"].unique().to_list() == ["2024-02"]
    reasons = dict(kept_out.select("source_line", "reason").iter_rows())
    assert reasons.keys() == {2, 3, 4, 5, 6, 7}
    assert "no value" in reasons[2] and "breaks the rule: crimes" in (
        f"breaks the rule: {reasons[5]}"
    )
    assert all("not a number" in reasons[line] for line in (3, 4, 6, 7))
    assert account.loaded == 7 and account.quarantined == 0
    assert account.cells is not None
    assert (account.cells["loaded"], account.cells["quarantined"]) == (8, 6)


def survey_row(day: str, borough: str = "Camden", share: str = '"0,5"') -> str:
    return f'{day},PAS,{borough},Trust MPS,{share},"0,6"'


@pytest.mark.parametrize(
    ("day", "month"),
    [
        ("31/12/2023", "2023-12"),
        ("1/3/2023", "2023-03"),
        ("01/03/2023", "2023-03"),
        ("31/3/23", None),
        ("31/3/5", None),
        ("2023-03-31", None),
        ("3/31/2023", None),
        ("30/2/2023", None),
        ("31/3/20233", None),
        ("31/3/2023 00:00", None),
        ("", None),
        ("March 2023", None),
    ],
)
def test_a_survey_date_is_read_as_its_format_says_or_quarantined(
    room: Room, day: str, month: str | None
) -> None:
    room.receive(SURVEY_FILE, text(SURVEY, survey_row("30/6/2023"), survey_row(day)))
    room.load("mopac_public_attitude_survey")
    rows = room.lake("mopac_public_attitude_survey")
    placed = dict(rows.select("source_line", "month").iter_rows())
    quarantined = room.quarantine("mopac_public_attitude_survey")
    if month is None:
        assert placed == {2: "2023-06"}
        assert "survey_date" in quarantined[3]
    else:
        assert placed == {2: "2023-06", 3: month} and quarantined == {}


@pytest.mark.parametrize(
    ("share", "value"),
    [
        ('"0,56"', 0.56),
        ('"1,00"', 1.0),
        ("1", 1.0),
        ("0", 0.0),
        ('"0,5,6"', None),
        ("0.56", None),
        ('"1,2"', None),
        ('"-0,1"', None),
        ("56%", None),
        ("", None),
        ("nan", None),
    ],
)
def test_a_decimal_comma_is_read_and_nothing_else(
    room: Room, share: str, value: float | None
) -> None:
    rows = [survey_row("30/6/2023", share=share), survey_row("30/6/2023", "Brent")]
    room.receive(SURVEY_FILE, text(SURVEY, *rows))
    room.load("mopac_public_attitude_survey")
    read = room.lake("mopac_public_attitude_survey").filter(source_line=2)
    assert read["proportion"].to_list() == ([] if value is None else [value])
    kept_out = room.quarantine("mopac_public_attitude_survey")
    assert kept_out.keys() == (set() if value is not None else {2})


def test_a_survey_loaded_in_part_counts_its_repeats_once(room: Room) -> None:
    """A repeat in a quarter not loaded yet waits; it is not set aside as well."""
    room.receive(
        SURVEY_FILE,
        text(
            SURVEY,
            survey_row("31/3/2023"),
            survey_row("31/3/2023"),
            survey_row("30/6/2023"),
            survey_row("30/6/2023"),
            survey_row("30/6/2023", borough="Brent"),
        ),
    )
    (account,) = room.load("mopac_public_attitude_survey", ["2023-03"]).accounts
    assert (account.loaded, account.set_aside, account.waiting) == (1, 1, 3)
    (account,) = room.load("mopac_public_attitude_survey").accounts
    assert (account.loaded, account.set_aside, account.waiting) == (3, 2, 0)


def _square(west: float, south: float, size: float = 1) -> dict[str, object]:
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def _map(*shapes: object) -> bytes:
    features = [
        {
            "type": "Feature",
            "properties": {"LAD22CD": f"E0900000{at}", "LAD22NM": f"Borough {at}"},
            "geometry": shape,
        }
        for at, shape in enumerate(shapes, 1)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def test_a_shape_that_bounds_nothing_is_quarantined_by_its_place(room: Room) -> None:
    room.receive(
        "london_boroughs_2022.geojson",
        _map(
            _square(0, 51),
            {"type": "Point", "coordinates": [0, 51]},
            None,
            "a line",
            {"type": "Polygon", "coordinates": [[[0, 51], [1]]]},
            _square(530_000, 180_000),  # metres of the national grid
            {"type": "MultiPolygon", "coordinates": [_square(2, 51)["coordinates"]]},
        ),
    )
    (account,) = room.load("borough_boundaries").accounts
    assert room.lines("borough_boundaries") == [1, 7]
    found = room.quarantine("borough_boundaries")
    assert [found[line] for line in (2, 3, 4, 5)] == ["geometry is not a polygon"] * 4
    assert found[6] == "geometry is not in degrees (WGS84)"
    assert (account.landed, account.loaded, account.quarantined) == (7, 2, 5)


def test_searches_are_placed_again_when_the_boundaries_change(room: Room) -> None:
    rows = [stop_row(), stop_row(longitude="9"), stop_row(longitude="", latitude="")]
    room.receive(STOP_FILE, text(STOP, *rows))
    room.load("police_uk_stop_and_search")
    codes = room.lake("police_uk_stop_and_search")["borough_code"].to_list()
    assert codes == [None, None, None]
    room.receive("london_boroughs_2022.geojson", _map(_square(-1, 51)))
    room.load("borough_boundaries")
    assert room.due("police_uk_stop_and_search") == ["2024-01"]
    room.load("police_uk_stop_and_search")
    codes = room.lake("police_uk_stop_and_search")["borough_code"].to_list()
    assert codes == ["E09000001", None, None]
    assert room.due("police_uk_stop_and_search") == []


def _groups(path: Path, *, top: list[str | None], rows: list[list[str]]) -> bytes:
    header = ["Code", "Area", "Number", None, "95% Confidence Interval", None]
    write_workbook(path, [("2018", [header, top, *rows])])
    return path.read_bytes()


def test_a_workbook_s_bad_cell_is_quarantined_by_sheet_and_row(
    room: Room, tmp_path: Path
) -> None:
    content = _groups(
        tmp_path / "made.xlsx",
        top=[None, None, "White", "Asian", "White", "Asian"],
        rows=[
            ["E09000001", "City of London", "-", "-", "-", "-"],
            ["E09000007", "Camden", "100", "many", "3", "2"],
            ["E09000003", "Barnet", "200", "300", "4", "5"],
        ],
    )
    room.receive("ethnic-groups-by-borough.xlsx", content)
    (account,) = room.load("borough_ethnic_group").accounts
    assert (account.landed, account.loaded, account.quarantined) == (3, 2, 1)
    assert room.quarantine("borough_ethnic_group") == {4: "people is not a number"}
    rows = room.lake("borough_ethnic_group").sort("source_line", "ethnic_group")
    assert rows["people"].to_list() == [None, None, 300.0, 200.0]


def test_a_workbook_whose_groups_do_not_agree_is_not_loaded(
    room: Room, tmp_path: Path
) -> None:
    """A group under one heading only was once left out without a word."""
    content = _groups(
        tmp_path / "made.xlsx",
        top=[None, None, "White", "Asian", "White", "Black"],
        rows=[["E09000007", "Camden", "100", "50", "3", "2"]],
    )
    room.write("ethnic-groups-by-borough.xlsx", content)
    (outcome,) = room.land(room.inbox / "ethnic-groups-by-borough.xlsx")
    if outcome.outcome == "landed":
        with pytest.raises(ValueError, match="other groups"):
            room.load("borough_ethnic_group")
        assert not (
            room.home.raw / "borough_ethnic_group" / "part-0.parquet"
        ).exists() or (room.lake("borough_ethnic_group").is_empty())
    else:
        assert "other groups" in outcome.reason


# ------------------------------------------------------------- releases and copies


def _released(room: Room, outcome: str, day: date, extra: int = 0) -> str:
    rows = [
        street_row(1, outcome=outcome),
        *(street_row(10 + at) for at in range(extra)),
    ]
    return room.receive(STREET_FILE, text(STREET, *rows), release=day).file


def _standing(room: Room) -> list[str]:
    room.load("police_uk_street")
    return sorted(set(room.lake("police_uk_street")["source_file"].to_list()))


FEBRUARY, MARCH, APRIL = date(2024, 2, 1), date(2024, 3, 1), date(2024, 4, 1)


@pytest.mark.parametrize(
    "order",
    [(FEBRUARY, MARCH), (MARCH, FEBRUARY)],
    ids=["earlier lands first", "earlier lands last"],
)
def test_the_later_release_stands_whichever_lands_first(
    room: Room, order: tuple[date, date]
) -> None:
    files = {}
    for day in order:
        files[day] = _released(room, f"Outcome of {day:%B}", day)
        _standing(room)
    assert _standing(room) == [files[MARCH]]
    superseded = {one.file: one.superseded for one in room.accounts("police_uk_street")}
    assert superseded == {files[FEBRUARY]: 1, files[MARCH]: 0}
    (revision,) = read_revisions(room.home, "police_uk_street")
    assert (revision.earlier, revision.later) == (files[FEBRUARY], files[MARCH])
    assert revision.changed == {"last_outcome_category": 1}


def test_of_two_files_released_on_one_day_the_one_landed_last_stands(
    room: Room,
) -> None:
    first = _released(room, "Under investigation", MARCH)
    second = _released(room, "Local resolution", MARCH)
    assert _standing(room) == [second]
    by_file = {one.file: one for one in room.accounts("police_uk_street")}
    assert (by_file[first].superseded, by_file[second].loaded) == (1, 1)


def test_a_third_release_equal_to_the_first_stands_again(room: Room) -> None:
    first = _released(room, "Under investigation", FEBRUARY)
    second = _released(room, "Local resolution", MARCH, extra=2)
    _standing(room)
    again = _released(room, "Under investigation", APRIL)
    assert again == first
    assert _standing(room) == [first]
    told = [
        (one.file, one.loaded, one.superseded)
        for one in room.accounts("police_uk_street")
    ]
    assert told == [(first, 0, 1), (second, 0, 3), (first, 1, 0)]
    revisions = {
        (one.earlier, one.later): (one.added, one.removed)
        for one in read_revisions(room.home, "police_uk_street")
    }
    assert revisions == {(first, second): (2, 0), (second, first): (0, 2)}
    assert room.lake("police_uk_street")["release_date"].to_list() == [APRIL]


def test_the_same_bytes_without_a_release_date_change_nothing(room: Room) -> None:
    path = room.write(STREET_FILE, text(STREET, *GOOD))
    room.land(path, release=FEBRUARY)
    before = bytes_under(room.home.landing)
    (again,) = room.land(path)
    (earlier,) = room.land(path, release=date(2024, 1, 15))
    assert (again.outcome, earlier.outcome) == ("unchanged", "unchanged")
    assert bytes_under(room.home.landing) == before


def test_a_revision_is_recorded_once_and_after_a_death_between_two_writes(
    room: Room,
) -> None:
    """A process that died after the month and before its revision left none for good."""
    _released(room, "Under investigation", FEBRUARY)
    _released(room, "Local resolution", MARCH)
    _standing(room)
    (path,) = sorted(room.home.revisions.rglob("*.json"))
    recorded = path.read_bytes()
    inode = path.stat().st_ino
    _standing(room)
    assert path.stat().st_ino == inode
    path.unlink()
    assert room.load("police_uk_street").changed == []
    assert path.read_bytes() == recorded


def ward(*months: str, cells: tuple[int, ...]) -> bytes:
    values = ",".join(str(cell) for cell in cells)
    return text(
        f"{WARD},{','.join(months)}", f"THEFT,OTHER,Ward,E05000001,Camden,{values}"
    )


def test_wide_windows_that_overlap_in_part_supersede_by_month(room: Room) -> None:
    first = room.receive(
        f"a/{WARD_FILE}", ward("202401", "202402", cells=(1, 2)), FEBRUARY
    )
    room.load("mps_ward_crime")
    second = room.receive(
        f"b/{WARD_FILE}", ward("202402", "202403", cells=(20, 30)), MARCH
    )
    assert room.due("mps_ward_crime") == ["2024-02", "2024-03"]
    room.load("mps_ward_crime")
    rows = room.lake("mps_ward_crime").select("month", "crimes", "source_file")
    assert sorted(rows.rows()) == [
        ("2024-01", 1, first.file),
        ("2024-02", 20, second.file),
        ("2024-03", 30, second.file),
    ]
    earlier, later = room.accounts("mps_ward_crime")
    assert (earlier.loaded, earlier.superseded) == (1, 0)  # its line stands in January
    assert earlier.cells is not None and later.cells is not None
    assert (earlier.cells["loaded"], earlier.cells["superseded"]) == (1, 1)
    assert (later.cells["loaded"], later.cells["superseded"]) == (2, 0)
    (revision,) = read_revisions(room.home, "mps_ward_crime")
    assert (revision.month, revision.changed) == ("2024-02", {"crimes": 1})


def test_two_forces_of_a_month_stand_beside_each_other(room: Room) -> None:
    room.receive(STREET_FILE, text(STREET, street_row(1)))
    room.receive(
        "2024-01-btp-street.csv",
        text(STREET, street_row(None, reported_by="British Transport Police")),
    )
    room.load("police_uk_street")
    rows = room.lake("police_uk_street")
    assert sorted(rows["force"].to_list()) == ["btp", "city-of-london"]
    assert all(one.superseded == 0 for one in room.accounts("police_uk_street"))


def test_header_only_files_of_two_months_are_two_deliveries(room: Room) -> None:
    for month in ("2024-01", "2024-02"):
        room.receive(STREET_FILE.replace("2024-01", month), text(STREET))
    result = room.load("police_uk_street")
    assert [(one.month, one.rows) for one in result.months] == [
        ("2024-01", 0),
        ("2024-02", 0),
    ]
    assert len(list(room.home.landing.rglob("original"))) == 1
    assert room.due("police_uk_street") == []


@pytest.mark.parametrize("load_order", [["2024-01", "2024-02"], ["2024-02", "2024-01"]])
def test_a_copy_under_another_month_s_name_is_quarantined_by_itself(
    room: Room, load_order: list[str]
) -> None:
    """January's file named February: its account must not take January's with it."""
    content = text(STREET, *GOOD, street_row(1), secret_row(4, crime_id="no"))
    for month in ("2024-01", "2024-02"):
        room.receive(STREET_FILE.replace("2024-01", month), content)
    for month in load_order:
        room.load("police_uk_street", [month])
    told = {
        one.name[:7]: (one.loaded, one.quarantined, one.waiting)
        for one in room.accounts("police_uk_street")
    }
    assert told == {"2024-01": (4, 1, 0), "2024-02": (0, 5, 0)}
    assert len(list(room.home.quarantine.rglob("*.parquet"))) == 2
    written = sorted((room.home.reconciliation / "police_uk_street").glob("*.json"))
    accounts = [json.loads(path.read_bytes()) for path in written]
    names = sorted(one["name"][:7] for one in accounts if "name" in one)
    assert names == ["2024-01", "2024-02"]


# ------------------------------------------------------------------ all or nothing


def _full_disk(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """Let polars meet a full disk on paths that hold `part`, as it words it."""
    real = pl.DataFrame.write_parquet

    def write(self: pl.DataFrame, file: Path, **options: object) -> object:
        if part in str(file):
            Path(file).write_bytes(b"PAR1half")
            raise pl.exceptions.ComputeError(
                "parquet: underlying IO error: No space left on device "
                f"(os error {errno.ENOSPC})"
            )
        return real(self, file, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pl.DataFrame, "write_parquet", write)


@pytest.mark.parametrize("place", ["/raw/", "/quarantine/"])
def test_a_full_disk_leaves_the_old_month_and_nothing_half_written(
    room: Room, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    _released(room, "Under investigation", FEBRUARY)
    room.load("police_uk_street")
    before = bytes_under(room.home.raw)
    rows = [street_row(1, outcome="Local resolution"), secret_row(2, crime_id="no")]
    room.receive(STREET_FILE, text(STREET, *rows), release=MARCH)
    _full_disk(monkeypatch, place)
    with pytest.raises(WriteFailed, match="No space left") as caught:
        room.load("police_uk_street")
    assert "Free some space" in str(caught.value)
    assert bytes_under(room.home.raw) == before
    assert half_written(room.home) == []
    monkeypatch.undo()
    room.load("police_uk_street")
    assert room.lines("police_uk_street") == [2]
    assert room.quarantine("police_uk_street").keys() == {3}


#: A disk with room for the home but not for the month; needs leave to mount.
_ON_A_SMALL_DISK = """
import os, sys
from pathlib import Path
import tests.landing_room as made
from edp_platform.files import WriteFailed

disk = Path(sys.argv[1])
data_sets = made.all_data_sets(disk.parent / "contracts")
room = made.open_room(disk, data_sets)
room.inbox = disk.parent / "inbox"
small = [made.street_row(one) for one in range(10)]
room.receive(made.STREET_FILE, made.text(made.STREET, *small))
room.load("police_uk_street")
before = made.bytes_under(room.home.raw)
rows = [made.street_row(one, location=f"On or near {one * 7919}") for one in range(9000)]
path = room.write(made.STREET_FILE, made.text(made.STREET, *rows))
outcomes = room.land(path)
if outcomes[0].outcome == "landed":
    left = os.statvfs(disk)
    (disk / "ballast").write_bytes(bytes(left.f_bavail * left.f_frsize - 16_384))
if outcomes[0].outcome == "refused":
    print("landing:", outcomes[0].reason)
else:
    try:
        room.load("police_uk_street")
    except WriteFailed as error:
        print("raw:", error)
assert made.bytes_under(room.home.raw) == before
assert made.half_written(room.home) == []
"""


@pytest.mark.parametrize(
    ("size", "door"), [("300k", "landing"), ("8m", "raw")], ids=["landing", "raw"]
)
def test_a_disk_that_is_really_full_stops_either_door_with_nothing_half_written(
    tmp_path: Path, size: str, door: str
) -> None:
    """Polars words a full disk as its own error, with no number to look at."""
    disk = tmp_path / "disk"
    disk.mkdir()
    script = tmp_path / "script.py"
    script.write_text(_ON_A_SMALL_DISK, encoding="utf-8")
    mount = f"mount -t tmpfs -o size={size} tmpfs {disk}"
    probe = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount], capture_output=True, check=False
    )
    if probe.returncode:
        pytest.skip("mounting a small disk is not allowed here")
    run = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{mount} && {sys.executable} {script} {disk}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(f"{door}:"), run.stdout
    assert "No space left" in run.stdout and "run again" in run.stdout


def test_a_home_that_cannot_be_written_refuses_each_file_and_says_so(
    room: Room,
) -> None:
    """A file where a room should be stops a writer even as root."""
    room.home.landing.write_bytes(b"")
    (outcome,) = room.land(room.write(STREET_FILE, text(STREET, *GOOD)))
    assert outcome.outcome == "refused"
    assert "could not be written" in outcome.reason
    room.home.landing.unlink()
    room.receive(STREET_FILE, text(STREET, *GOOD))
    room.home.raw.write_bytes(b"")
    with pytest.raises(WriteFailed, match="could not be written"):
        room.load("police_uk_street")


_LOAD = """
import os, signal, sys
from pathlib import Path
import tests.landing_room as made
from edp_platform.ingestion import loading
from edp_platform.ingestion.lake import write_month as write

folder, die_at = Path(sys.argv[1]), int(sys.argv[2])
data_sets = made.all_data_sets(folder.parent / "contracts")
room = made.open_room(folder, data_sets)
written = []

def write_and_die(*arguments):
    rows = write(*arguments)
    written.append(rows)
    if len(written) == die_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return rows

loading.write_month = write_and_die
room.load("police_uk_street")
"""


def _fill(room: Room) -> None:
    for at in range(1, 7):
        month = f"2024-{at:02d}"
        rows = [
            street_row(one, month=month, location=f"Lane {one}") for one in range(300)
        ]
        rows += [rows[0], street_row(900, month="1999-01"), "short"]
        name = STREET_FILE.replace("2024-01", month)
        room.receive(name, text(STREET, *rows), release=FEBRUARY)
        later = [row.replace("Under investigation", "Local resolution") for row in rows]
        room.receive(name, text(STREET, *later), release=MARCH)


@pytest.mark.parametrize("die_at", [1, 4])
def test_a_load_killed_in_the_middle_and_run_again_gives_the_undisturbed_rows(
    tmp_path: Path, data_sets: DataSets, die_at: int
) -> None:
    disturbed, quiet = (
        open_room(tmp_path / name, data_sets) for name in ("disturbed", "quiet")
    )
    _fill(disturbed)
    _fill(quiet)
    script = tmp_path / "load.py"
    script.write_text(textwrap.dedent(_LOAD), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "disturbed"), str(die_at)],
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert run.returncode == -signal.SIGKILL, run.stderr
    assert len(disturbed.due("police_uk_street")) > 0  # it died before the end
    for part in disturbed.home.raw.rglob("*.parquet"):
        pl.read_parquet(part)  # what stands is whole
    disturbed.load("police_uk_street")
    quiet.load("police_uk_street")
    for one in ("raw", "quarantine", "set_aside", "reconciliation", "revisions"):
        assert bytes_under(disturbed.home.root / one) == bytes_under(
            quiet.home.root / one
        ), one


def test_landing_killed_between_the_file_and_its_receipt_lands_it_again(
    room: Room,
) -> None:
    delivery = room.receive(STREET_FILE, text(STREET, *GOOD))
    receipt = room.home.landing / delivery.sha256[:2] / delivery.sha256 / "receipt.json"
    receipt.unlink()
    assert room.supplies("police_uk_street").deliveries == []
    (again,) = room.land(room.inbox / STREET_FILE)
    assert again.outcome == "landed"
    assert len(room.supplies("police_uk_street").deliveries) == 1


def test_a_damaged_lake_file_is_told_with_what_to_do(room: Room) -> None:
    room.receive(STREET_FILE, text(STREET, *GOOD))
    room.load("police_uk_street")
    (part,) = room.home.raw.glob("police_uk_street/month=2024-01/part-0.parquet")
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(OSError, match="delete it and run again"):
        room.load("police_uk_street")
    part.unlink()
    room.load("police_uk_street")
    assert room.lines("police_uk_street") == [2, 3, 4]


# ------------------------------------------------------------------- the rest of land


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("2024-13-city-of-london-street.csv", "month"),
        ("city-of-london-street.csv", "name does not say"),
        ("crimes.csv", "name does not say"),
    ],
)
def test_columns_that_fit_and_a_name_that_says_no_month_are_refused_with_the_pattern(
    room: Room, name: str, reason: str
) -> None:
    told = room.refusal(name, text(STREET, *GOOD))
    assert reason in told and "{month}-{force}-street.csv" in told


def test_a_reference_file_under_another_name_is_known_by_its_columns(
    room: Room,
) -> None:
    delivery = room.receive("from the website (2).csv", text(LOOKUP, lookup_row(1)))
    assert delivery.data_set == "lsoa_2011_to_borough"


def test_names_are_taken_whatever_their_case(room: Room) -> None:
    delivery = room.receive("2024-01-City-of-London-STREET.CSV", text(STREET, *GOOD))
    assert (delivery.scope, delivery.months) == ("city-of-london", ("2024-01",))


def test_a_stated_data_set_must_still_fit(room: Room) -> None:
    path = room.write(STREET_FILE, text(STREET, *GOOD))
    (outcome,) = room.land(path, data_set="police_uk_outcomes")
    assert outcome.outcome == "refused" and SECRET not in outcome.reason
    (outcome,) = room.land(path, data_set="no_such_set")
    assert outcome.outcome == "refused" and "no_such_set" in outcome.reason


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("release_2025-07", "2025-07-01"),
        ("release_2025-07-15", "2025-07-15"),
        ("release-2025-07/deeper", "2025-07-01"),
        ("release_2025-13", TODAY.isoformat()),
        ("released_2025-07", TODAY.isoformat()),
        ("plain", TODAY.isoformat()),
    ],
)
def test_the_release_date_is_read_off_the_folder_or_is_the_day_of_landing(
    room: Room, folder: str, expected: str
) -> None:
    delivery = room.receive(f"{folder}/{STREET_FILE}", text(STREET, *GOOD))
    assert delivery.release_date == expected


def test_progress_tells_each_file_as_it_is_done(
    room: Room, data_sets: DataSets
) -> None:
    room.write(STREET_FILE, text(STREET, *GOOD))
    room.write("bad.csv", b"")
    seen: list[str] = []
    told: Callable[..., None] = lambda one: seen.append(one.outcome)  # noqa: E731
    outcomes = land(
        room.home, data_sets, [str(room.inbox)], LandingOptions(), NOW, told
    )
    assert seen == [one.outcome for one in outcomes]
    assert sorted(seen) == ["landed", "refused"]
