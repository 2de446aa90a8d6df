"""Text tables: where records begin and end, and which of them are sound."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pytest

from edp_platform.ingestion.readers.delimited import (
    MAX_RECORD_LINES,
    UnreadableFile,
    count_records,
    read_header,
    read_text_table,
)

HEADER = b"a,b,c\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


#: Content below the header; sound records with their line; lines quarantined.
TABLES: list[tuple[str, bytes, list[tuple[object, ...]], list[int]]] = [
    ("plain", b"1,2,3\n4,5,6\n", [("1", "2", "3", 2), ("4", "5", "6", 3)], []),
    ("last line without end", b"1,2,3", [("1", "2", "3", 2)], []),
    ("blank is null", b",2,\n", [(None, "2", None, 2)], []),
    ("quoted blank is null", b'"",2,""\n', [(None, "2", None, 2)], []),
    ("blanks around are kept", b" 1 , 2,3 \n", [(" 1 ", " 2", "3 ", 2)], []),
    ("a number sign is data", b"#1,2,3\n", [("#1", "2", "3", 2)], []),
    ("quoted comma", b'"1,1",2,3\n', [("1,1", "2", "3", 2)], []),
    ("doubled quote", b'"say ""so""",2,3\n', [('say "so"', "2", "3", 2)], []),
    (
        "doubled quote and comma",
        b'"a ""b, c"" d",2,3\n',
        [('a "b, c" d', "2", "3", 2)],
        [],
    ),
    (
        "over two lines",
        b'"1\n1",2,3\n4,5,6\n',
        [("1\n1", "2", "3", 2), ("4", "5", "6", 4)],
        [],
    ),
    ("over a blank line", b'"1\n\n1",2,3\n', [("1\n\n1", "2", "3", 2)], []),
    (
        "two of them",
        b'1,"2\n2",3\n4,"5\n5\n5",6\n7,8,9\n',
        [("1", "2\n2", "3", 2), ("4", "5\n5\n5", "6", 4), ("7", "8", "9", 7)],
        [],
    ),
    ("short", b"1,2\n4,5,6\n", [("4", "5", "6", 3)], [2]),
    ("long", b"1,2,3,4\n4,5,6\n", [("4", "5", "6", 3)], [2]),
    ("quote inside", b'1"x,2,3"\n4,5,6\n', [("4", "5", "6", 3)], [2]),
    ("text after quotes", b'"1"x,2,3\n4,5,6\n', [("4", "5", "6", 3)], [2]),
    ("space before quotes", b'1, "2,2",3\n4,5,6\n', [("4", "5", "6", 3)], [2]),
    ("quote lost", b'1,"2,3\n4,5,6\n', [("4", "5", "6", 3)], [2]),
    ("two lost", b'1,"2,3\n4,"5,6\n7,8,9\n', [("7", "8", "9", 4)], [2, 3]),
    ("lost, then a sound pair", b'1,"2,3\n4,"5\n5",6\n', [("4", "5\n5", "6", 3)], [2]),
    ("Latin-1", b"\xe9,2,3\n4,5,6\n", [("4", "5", "6", 3)], [2]),
    ("Latin-1 on a second line", b'"1\n\xe9",2,3\n4,5,6\n', [("4", "5", "6", 4)], [2]),
]


@pytest.mark.parametrize(
    ("body", "sound", "bad"),
    [case[1:] for case in TABLES],
    ids=[case[0] for case in TABLES],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_records_are_found_with_their_lines(
    file: Path,
    body: bytes,
    sound: list[tuple[object, ...]],
    bad: list[int],
    end: bytes,
) -> None:
    file.write_bytes((HEADER + body).replace(b"\n", end))
    table = read_text_table(file)
    found = table.frame.select(
        pl.col("c0", "c1", "c2").str.replace_all("\r", "", literal=True), "source_line"
    )
    assert found.rows() == sound
    assert table.quarantined["source_line"].to_list() == bad
    assert table.records == len(sound) + len(bad) == count_records(file)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"1,2,3\r4,5,6\n",
        "\u00a0\n\u2028,2,3\n".encode(),
        b"\x0b\n1,2,3\n",
        b"1,2,3\n \t\n\n4,5,6",
        b'"\n\n',
        b'"a\n' * 7,
        b'"' + b"x\n" * (MAX_RECORD_LINES + 5) + b'",2,3\n',
        b'"' + b"x" * 150_000 + b'\n",2,3\n1,2,3\n',
        b'"' + b"x" * 1_100_000 + b'\n",2,3\n1,2,3\n',
    ],
)
def test_the_count_at_landing_and_the_reading_agree_on_any_damage(
    file: Path, body: bytes
) -> None:
    file.write_bytes(HEADER + body)
    table = read_text_table(file)
    assert table.records == count_records(file)
    assert table.records == table.frame.height + table.quarantined.height


@pytest.mark.parametrize(
    ("lines", "is_one"), [(MAX_RECORD_LINES, True), (MAX_RECORD_LINES + 1, False)]
)
def test_a_quoted_field_runs_over_so_many_lines_and_no_more(
    file: Path, lines: int, is_one: bool
) -> None:
    file.write_bytes(HEADER + b'"' + b"\n".join([b"x"] * lines) + b'",2,3\n')
    table = read_text_table(file)
    assert (table.frame.height == 1) is is_one
    assert (table.records == 1) is is_one


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"a,b\n", ("a", "b")),
        (b"a,b", ("a", "b")),
        (b"a,b\r\n1,2\r\n", ("a", "b")),
        (b"\xef\xbb\xbfa,b\n", ("a", "b")),
        (b'"a, b",c\n', ("a, b", "c")),
        (b" a , b \n", ("a", "b")),
        (b"a,b,,\n", ("a", "b", "", "")),
    ],
)
def test_names_are_read_as_received(
    file: Path, content: bytes, names: tuple[str, ...]
) -> None:
    file.write_bytes(content)
    assert read_header(file) == names


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"\nx,y\n1,2\n", "no header"),
        (b",,\n1,2,3\n", "no header"),
        ("a,b\n".encode("utf-16"), "UTF-16"),
        (b"a,b\n\x00", "NUL"),
        (b"a,b\r1,2\r", "carriage returns"),
        (b"x" * 100_001, "no header"),
    ],
)
def test_what_is_no_table_is_refused_whole(
    file: Path, content: bytes, reason: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(UnreadableFile, match=reason):
        read_header(file)
    with pytest.raises(UnreadableFile, match=reason):
        read_text_table(file)


def test_nul_bytes_anywhere_are_refused_at_landing_and_at_loading(file: Path) -> None:
    """A disk fault leaves blocks of NUL, not only at the start of a file."""
    file.write_bytes(HEADER + b"1,2,3\n" * 300_000 + b"\x00" * 512)
    for read in (count_records, read_text_table):
        with pytest.raises(UnreadableFile, match="NUL"):
            read(file)


def test_a_quarantined_record_keeps_its_text_and_a_bad_byte_as_latin_1(
    file: Path,
) -> None:
    file.write_bytes(HEADER + b"1,2\n\xe9,5,6\n")
    assert read_text_table(file).quarantined["record"].to_list() == ["1,2", "é,5,6"]


def test_a_huge_record_is_cut_in_the_quarantine(file: Path) -> None:
    file.write_bytes(HEADER + b"x" * 2_000_000 + b",2,3\n")
    (record,) = read_text_table(file).quarantined["record"].to_list()
    assert len(record) == 1_000_000


_PIECES = [*"ab1,,,,#' ", "\n", "\n", "\r\n", "\r", '"', '"', '""', "\t", "\u00a0", "é"]


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_damage_each_record_is_counted_once_and_kept_once(
    file: Path, seed: int
) -> None:
    """Made at random: quotes, line ends and blanks in any order, some of them Latin-1."""
    made = random.Random(seed)
    for _ in range(60):
        body = "".join(made.choices(_PIECES, k=made.randint(0, 60))).encode()
        body += made.choice([b"", b"", b"\xe9,1,2", b'"\xe9\n",1,2\n'])
        file.write_bytes(HEADER + body)
        table = read_text_table(file)
        lines = [
            *table.frame["source_line"].to_list(),
            *table.quarantined["source_line"].to_list(),
        ]
        assert len(lines) == len(set(lines)) == table.records == count_records(file), (
            body
        )
        assert table.quarantined["reason"].null_count() == 0
