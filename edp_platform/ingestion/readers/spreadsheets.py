"""Workbooks (.xls, .xlsx), read by fastexcel into one row a cell.

A workbook has no lines: `source_line` is the sheet's position × 1,000,000 + the row.
"""

from __future__ import annotations

import re
from pathlib import Path

import fastexcel
import polars as pl

from edp_platform.contracts import Contract
from edp_platform.ingestion.conversion import convert
from edp_platform.ingestion.readers.base import NameParts, Reading, name_misfit
from edp_platform.ingestion.readers.delimited import QUARANTINE_SCHEMA, UnreadableFile

SHEET_STEP = 1_000_000
#: Publishers' marks for a value they do not give.
_NOT_GIVEN = ("-", "!", ".", "x", "")


def _sheets(path: Path) -> list[tuple[int, str, pl.DataFrame]]:
    """Return (position, name, cells as text with `source_line`) of each sheet.

    Raises:
        UnreadableFile: not a workbook.
    """
    try:
        book = fastexcel.read_excel(str(path))
        sheets = []
        for position, name in enumerate(book.sheet_names):
            # skip_rows=0: blank rows at the top count, or lines would be out by them.
            cells = book.load_sheet(
                name, header_row=None, skip_rows=0, dtypes="string"
            ).to_polars()
            names = {old: f"c{at}" for at, old in enumerate(cells.columns)}
            cells = cells.rename(names)
            line = position * SHEET_STEP + 1
            cells = cells.with_columns(
                source_line=pl.int_range(line, line + cells.height, dtype=pl.Int64)
            )
            sheets.append((position, name, cells))
    except BaseException as error:
        # The library panics on some workbooks cut short, with an exception of its own
        # that is neither public nor an `Exception`; one file must not stop the rest.
        is_panic = type(error).__name__ == "PanicException"
        if not is_panic and not isinstance(error, fastexcel.FastExcelError):
            raise
        raise UnreadableFile(
            f"{path.name} is not a workbook that can be read ({_first_line(error)}). "
            "Was it cut short? Ask the supplier for it again."
        ) from error
    return sheets


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:120]


def _not_given_to_null(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    value = pl.col(names).str.strip_chars()
    return frame.with_columns(pl.when(~value.is_in(_NOT_GIVEN)).then(value))


def _finish(
    long: pl.DataFrame, contract: Contract, records: int, names: list[str]
) -> Reading:
    columns = [contract.column(name) for name in names]
    rows, faults = convert(_not_given_to_null(long, names), columns)
    bad = faults["source_line"].unique()
    quarantined = faults.select(
        "source_line",
        month=pl.lit(None, dtype=pl.String),
        column="column",
        reason="reason",
        record=pl.lit(None, dtype=pl.String),
    ).cast(QUARANTINE_SCHEMA)
    return Reading(
        rows=rows.filter(~pl.col("source_line").is_in(bad.implode())),
        quarantined=quarantined,
        records=records,
        cells=long.height,
    )


class YearSheetsReader:
    """One sheet a year; two header rows: a block (Number, interval) over its groups."""

    _FIRST_RECORD = 2

    def _year_sheets(self, path: Path) -> list[tuple[str, pl.DataFrame]]:
        found = [
            (name, cells)
            for _, name, cells in _sheets(path)
            if re.fullmatch(r"\d{4}", name)
        ]
        if not found:
            raise UnreadableFile(
                f"{path.name} has no sheet named for a year; expected one a year."
            )
        short = [name for name, cells in found if cells.height < self._FIRST_RECORD]
        if short:
            raise UnreadableFile(
                f"{path.name}: the sheet {', '.join(short)} has no two header rows. "
                "Ask the supplier for the workbook again."
            )
        return found

    def header(self, path: Path) -> tuple[str, ...]:
        """Return the two key columns' names and the block names of the first year."""
        top = self._year_sheets(path)[0][1].row(0)
        return tuple(str(name).strip() for name in top[:-1] if name)

    def misfit(self, contract: Contract, header: tuple[str, ...]) -> list[str]:
        """Expect Code, Area, Number and 95% Confidence Interval."""
        return name_misfit({"Code", "Area", *_BLOCKS}, header)

    def months(self, path: Path, contract: Contract, parts: NameParts) -> list[str]:
        """Return nothing: the workbook is replaced whole."""
        return []

    def _records(self, cells: pl.DataFrame) -> pl.DataFrame:
        values = [name for name in cells.columns if name != "source_line"]
        return cells.slice(self._FIRST_RECORD).filter(
            pl.any_horizontal(pl.col(name).is_not_null() for name in values)
        )

    def count(self, path: Path) -> int:
        """Return the number of rows below the headers that hold anything."""
        return sum(self._records(cells).height for _, cells in self._year_sheets(path))

    def read(self, path: Path, contract: Contract, parts: NameParts) -> Reading:
        """Read one row a year, area and ethnic group."""
        frames, records = [], 0
        for year, cells in self._year_sheets(path):
            body = self._records(cells)
            records += body.height
            for group, number, interval in _groups(path, cells):
                frames.append(
                    body.select(
                        year=pl.lit(year),
                        area_code="c0",
                        area="c1",
                        ethnic_group=pl.lit(group),
                        people=number,
                        confidence_interval=interval,
                        source_line="source_line",
                    )
                )
        names = [
            "year",
            "area_code",
            "area",
            "ethnic_group",
            "people",
            "confidence_interval",
        ]
        return _finish(pl.concat(frames), contract, records, names)


_BLOCKS = ("Number", "95% Confidence Interval")


def _groups(path: Path, cells: pl.DataFrame) -> list[tuple[str, str, str]]:
    """Return (ethnic group, column of its number, column of its interval)."""
    top, below = cells.row(0), cells.row(1)
    if not all(block in top for block in _BLOCKS):
        raise UnreadableFile(
            f"{path.name}: a year's sheet lacks {' or '.join(_BLOCKS)}."
        )
    starts = [top.index(block) for block in _BLOCKS]
    numbers = {below[at]: f"c{at}" for at in range(starts[0], starts[1]) if below[at]}
    width = len(below) - 1
    intervals = {below[at]: f"c{at}" for at in range(starts[1], width) if below[at]}
    if set(numbers) != set(intervals):
        # Left out silently, a group would be missing from every count made of it.
        raise UnreadableFile(
            f"{path.name}: a year's sheet has other groups under {_BLOCKS[0]} than "
            f"under {_BLOCKS[1]}. Ask the supplier which is right."
        )
    return [(str(group), column, intervals[group]) for group, column in numbers.items()]


class ProfilesReader:
    """One sheet, one row an area, one column an indicator."""

    _KEYS = ("Code", "Area/INDICATOR")

    def _cells(self, path: Path) -> pl.DataFrame:
        return _sheets(path)[0][2]

    def header(self, path: Path) -> tuple[str, ...]:
        """Return the first row."""
        cells = self._cells(path)
        if cells.is_empty():
            raise UnreadableFile(f"{path.name} has an empty first sheet.")
        return tuple(str(name or "").strip() for name in cells.row(0)[:-1])

    def misfit(self, contract: Contract, header: tuple[str, ...]) -> list[str]:
        """Expect the two key columns first; the rest are indicators."""
        if header[:2] != self._KEYS:
            return [f"the first columns are not {' and '.join(self._KEYS)}"]
        return ["no indicator"] if len(header) < 3 else []

    def months(self, path: Path, contract: Contract, parts: NameParts) -> list[str]:
        """Return nothing: the workbook is replaced whole."""
        return []

    def _records(self, cells: pl.DataFrame) -> pl.DataFrame:
        values = [name for name in cells.columns if name != "source_line"]
        return cells.slice(1).filter(
            pl.any_horizontal(pl.col(name).is_not_null() for name in values)
        )

    def count(self, path: Path) -> int:
        """Return the number of rows below the header that hold anything."""
        return self._records(self._cells(path)).height

    def read(self, path: Path, contract: Contract, parts: NameParts) -> Reading:
        """Read one row an area and indicator; values stay text, as given."""
        cells = self._cells(path)
        body = self._records(cells)
        indicators = {
            f"c{at}": name
            for at, name in enumerate(self.header(path))
            if at > 1 and name
        }
        long = body.rename({"c0": "area_code", "c1": "area"} | indicators).unpivot(
            on=list(indicators.values()),
            index=["area_code", "area", "source_line"],
            variable_name="indicator",
            value_name="value_text",
        )
        names = ["area_code", "area", "indicator", "value_text"]
        columns = [contract.column(name) for name in names]
        rows, _ = convert(long, columns)
        return Reading(
            rows=rows,
            quarantined=pl.DataFrame(schema=QUARANTINE_SCHEMA),
            records=body.height,
            cells=long.height,
        )
