"""Rows of persons in a received file: found, taken out, and corrected, line by line.

A record that is taken out leaves its lines blank, so that every other row keeps the line
number by which the lake, the quarantine and a trace know it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from edp_platform.contracts import Contract
from edp_platform.governance.subject_keys import normalised
from edp_platform.ingestion.readers.delimited import (
    TextTable,
    UnreadableFile,
    read_text_table,
)
from edp_platform.told import Told

#: The column that says who a row is about. A column that ends in it names somebody the
#: row is not about (the complainant of a case against an officer).
SUBJECT = "nominal_id"
#: What an identifier may be written next to in the text of a broken record.
_WORD = r"[A-Za-z0-9_/\-]+"


@dataclass(frozen=True)
class Marked:
    """What of one file concerns some persons.

    Attributes:
        lines: first lines of the records that are about one of them.
        cells: first line → names (as received) of columns that only mention one.
    """

    lines: tuple[int, ...] = ()
    cells: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing concerns them."""
        return not self.lines and not self.cells


class UncorrectableRecord(Told):
    """A correction does not fit its record; the message says what would."""


def is_reference(column: str) -> bool:
    """Whether a column (its lake name) mentions a person the row is not about."""
    return column.endswith(f"_{SUBJECT}")


def is_person_key(column: str) -> bool:
    """Whether a column (its lake name) holds identifiers of persons."""
    return column == SUBJECT or is_reference(column)


def person_keys(contract: Contract) -> tuple[str, ...]:
    """Return the columns of a contract that hold identifiers of persons."""
    return tuple(name for name in contract.column_names if is_person_key(name))


def may_hold_persons(contract: Contract | None) -> bool:
    """Whether a data set's rows may name a person the platform knows by identifier.

    A data set whose contract cannot be read may.
    """
    if contract is None:
        return True
    return bool(person_keys(contract)) or any(
        column.identifier_class == "direct" for column in contract.columns
    )


def lake_names(header: Sequence[str], contract: Contract | None) -> list[str]:
    """Return what each received column is called in the lake, by position."""
    known = {
        column.physical_name: column.name
        for column in (contract.received if contract else ())
    }
    return [known.get(name) or _snake(name) for name in header]


def mark(path: Path, contract: Contract | None, nominal_ids: Collection[str]) -> Marked:
    """Find the records of a text file that concern some persons.

    Every cell is compared, whatever its column; a record so broken that it has no cells
    is searched word by word.

    Args:
        path: a file as received.
        contract: names its columns; None where it has none any more.
        nominal_ids: of the persons.

    Raises:
        UnreadableFile: not a text file.
    """
    table = read_text_table(path)
    wanted = pl.Series([normalised(one) for one in nominal_ids], dtype=pl.String)
    names = lake_names(table.header, contract)
    hits = {
        position: table.frame.filter(
            _compared(pl.col(f"c{position}")).is_in(wanted.implode())
        )["source_line"]
        for position in range(len(names))
    }
    lines = set(_broken_with(table, wanted))
    cells: dict[int, list[str]] = {}
    for position, found in hits.items():
        for line in found:
            if is_reference(names[position]):
                cells.setdefault(line, []).append(table.header[position])
            else:
                lines.add(line)
    return Marked(
        tuple(sorted(lines)),
        {
            line: tuple(columns)
            for line, columns in sorted(cells.items())
            if line not in lines
        },
    )


def identifiers(path: Path, contract: Contract) -> pl.Series:
    """Return the distinct words of a file that may be identifiers of persons.

    Those of the columns that hold identifiers, and every word of a broken record.

    Raises:
        UnreadableFile: not a text file.
    """
    table = read_text_table(path)
    names = lake_names(table.header, contract)
    found = [
        table.frame.select(_compared(pl.col(f"c{at}")).alias("word"))["word"]
        for at, name in enumerate(names)
        if is_person_key(name)
    ]
    broken = _words(table)["word"]
    return pl.concat([*found, broken]).drop_nulls().unique()


def without(content: bytes, path: Path, marked: Marked) -> bytes:
    """Return a file's bytes without the marked records and cells.

    Args:
        content: the bytes of `path`.
        path: the file, read again for its records.
        marked: of this very file.

    Raises:
        UnreadableFile: not a text file.
    """
    table = read_text_table(path)
    lines = content.split(b"\n")
    ends = _LastLines(table, len(lines))
    for line in marked.lines:
        for at in range(line, ends[line] + 1):
            lines[at - 1] = b""
    for line, columns in marked.cells.items():
        held = _values(table, line)
        if held is None:
            continue
        blanked = [
            None if name in columns else value
            for name, value in zip(table.header, held, strict=True)
        ]
        _put(lines, line, ends[line], _text(blanked))
    return b"\n".join(lines)


def with_records(
    content: bytes, path: Path, changes: Mapping[int, Mapping[str, str]]
) -> bytes:
    """Return a file's bytes with some records corrected.

    Args:
        content: the bytes of `path`.
        path: the file, read again for its records.
        changes: first line → column as received → its text. A record too broken to have
            columns needs every one of them.

    Raises:
        UnreadableFile: not a text file, or a correction would renumber its rows.
        UncorrectableRecord: a column the file has not, or a broken record given in part.
    """
    table = read_text_table(path)
    lines = content.split(b"\n")
    ends = _LastLines(table, len(lines))
    for line, change in changes.items():
        unknown = sorted(set(change) - set(table.header))
        if unknown:
            raise UncorrectableRecord(
                f"the file has no column {', '.join(unknown)}; it has "
                f"{', '.join(name for name in table.header if name)}."
            )
        held = _values(table, line)
        missing = [one for one in table.header if one and one not in change]
        if held is None and missing:
            raise UncorrectableRecord(
                f"line {line} could not be split into columns, so every column must be "
                f"given; {', '.join(missing)} are not. Give the whole record."
            )
        values = [
            change[name] if name in change else (held[at] if held else None)
            for at, name in enumerate(table.header)
        ]
        _put(lines, line, ends[line], _text(values))
    return b"\n".join(lines)


def cells_of(path: Path, record: str) -> dict[str, str]:
    """Return column as received → text, of a whole record that somebody typed.

    Raises:
        UnreadableFile: not a text file.
        UncorrectableRecord: it has not as many fields as the file has columns.
    """
    header = read_text_table(path).header
    values = next(csv.reader([record]), [])
    if len(values) != len(header):
        raise UncorrectableRecord(
            f"the record has {len(values)} fields and the file has {len(header)} "
            f"columns: {', '.join(header)}."
        )
    return {name: value for name, value in zip(header, values, strict=True) if name}


def record_cells(path: Path, line: int) -> dict[str, str | None] | None:
    """Return column as received → text of one record; None where it is not whole."""
    table = read_text_table(path)
    values = _values(table, line)
    if values is None:
        return None
    return {
        name: value for name, value in zip(table.header, values, strict=True) if name
    }


def words_in(text: pl.Expr) -> pl.Expr:
    """Return the words of a text that could be identifiers, as they are compared."""
    return text.str.to_uppercase().str.extract_all(_WORD)


def _compared(value: pl.Expr) -> pl.Expr:
    return value.str.strip_chars(" ").str.to_uppercase()


def _words(table: TextTable) -> pl.DataFrame:
    return (
        table.quarantined.select("source_line", word=words_in(pl.col("record")))
        .explode("word")
        .drop_nulls()
    )


def _broken_with(table: TextTable, wanted: pl.Series) -> list[int]:
    if table.quarantined.is_empty():
        return []
    words = _words(table)
    return (
        words.filter(pl.col("word").is_in(wanted.implode()))["source_line"]
        .unique()
        .to_list()
    )


class _LastLines:
    """First → last line of a record; blank lines after it go with it."""

    def __init__(self, table: TextTable, count: int) -> None:
        starts = pl.concat(
            [table.frame["source_line"], table.quarantined["source_line"]]
        )
        self._starts = starts.sort()
        self._count = count

    def __getitem__(self, line: int) -> int:
        after = self._starts.search_sorted(line, side="right")
        return (
            int(self._starts[after]) - 1 if after < len(self._starts) else self._count
        )


def _values(table: TextTable, line: int) -> tuple[str | None, ...] | None:
    """Return the cells of one record by position; None where it has none."""
    columns = [f"c{at}" for at in range(len(table.header))]
    row = table.frame.filter(pl.col("source_line") == line).select(columns)
    return row.row(0) if row.height else None


def _text(values: Sequence[str | None]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([value or "" for value in values])
    return text.getvalue()


def _put(lines: list[bytes], first: int, last: int, record: str) -> None:
    """Put a record in the place of another, keeping the number of lines."""
    ends_in_return = lines[first - 1].endswith(b"\r")
    given = record.split("\n")
    room = last - first + 1
    if len(given) > room:
        raise UnreadableFile(
            f"a corrected record takes {len(given)} lines where the one received took "
            f"{room}, which would renumber the rows after it. Write it without line "
            "breaks."
        )
    for at in range(first, last + 1):
        lines[at - 1] = b""
    for offset, part in enumerate(given):
        end = b"\r" if ends_in_return and not part.endswith("\r") else b""
        lines[first - 1 + offset] = part.encode() + end


def _snake(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
