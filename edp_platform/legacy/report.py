"""A legacy report as it was received: a header, lines of text cells, line numbers."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from edp_platform.ingestion.landing import sha256_of
from edp_platform.legacy.failure import CannotCompare

#: Title lines above the header: it is looked for in these.
_TITLES = 20
_WORKBOOKS = (".xlsx", ".xls", ".xlsm")


@dataclass(frozen=True)
class Report:
    """One report.

    Attributes:
        name: of its file.
        sha256: of its bytes.
        header: the text of its header, column by column; blank ones are `column N`.
        header_line: where it stands, 1-based.
        lines: (line number, cells) of each line below the header that holds anything.
    """

    name: str
    sha256: str
    header: tuple[str, ...]
    header_line: int
    lines: tuple[tuple[int, tuple[str, ...]], ...]


def read_report(path: Path, sheet: str | None = None) -> Report:
    """Read a report.

    Args:
        path: a CSV (comma, semicolon or tab; UTF-8 or Windows-1252) or a workbook.
        sheet: which sheet of a workbook; the only one that holds anything by default.

    Raises:
        CannotCompare: it is not there, not readable, or holds no table.
    """
    if not path.is_file():
        raise CannotCompare(
            f"There is no file {path}. Name the report as it was sent, a CSV or a workbook."
        )
    if path.suffix.lower() in _WORKBOOKS:
        lines = _of_workbook(path, sheet)
    else:
        lines = _of_text(path)
    filled = [(number, cells) for number, cells in lines if any(cells)]
    if not filled:
        raise CannotCompare(f"{path.name} holds nothing. Is it the whole report?")
    at = _header_at(filled)
    header_line, header = filled[at]
    width = max(len(cells) for _, cells in filled[at:])
    names = [*header, *[""] * (width - len(header))]
    rows = tuple(
        (number, (*cells, *[""] * (width - len(cells))))
        for number, cells in filled[at + 1 :]
    )
    if not rows:
        raise CannotCompare(
            f"{path.name} has a header on line {header_line} and no line below it. Is "
            "it the whole report?"
        )
    return Report(
        path.name,
        sha256_of(path),
        tuple(name or f"column {nth}" for nth, name in enumerate(names, start=1)),
        header_line,
        rows,
    )


def _header_at(filled: list[tuple[int, tuple[str, ...]]]) -> int:
    """Return the first of the fullest lines at the top: titles fill one cell or two."""
    counts = [sum(map(bool, cells)) for _, cells in filled[:_TITLES]]
    return counts.index(max(counts))


def _of_text(path: Path) -> list[tuple[int, tuple[str, ...]]]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    if "\0" in text[:4096]:
        raise CannotCompare(
            f"{path.name} is not text. Save the report as CSV (UTF-8) or as a workbook."
        )
    top = text.splitlines()[: _TITLES * 2]
    delimiter = max(",;\t", key=lambda one: max(line.count(one) for line in [*top, ""]))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    found = []
    before = 0
    try:
        for cells in reader:
            found.append((before + 1, tuple(cell.strip() for cell in cells)))
            before = reader.line_num
    except csv.Error as error:
        raise CannotCompare(
            f"{path.name} cannot be read past line {before} ({error}). Save it anew."
        ) from error
    return found


def _of_workbook(path: Path, sheet: str | None) -> list[tuple[int, tuple[str, ...]]]:
    import fastexcel

    try:
        book = fastexcel.read_excel(str(path))
        names = book.sheet_names
        if sheet is not None and sheet not in names:
            raise CannotCompare(
                f"{path.name} has no sheet {sheet}; it has {', '.join(names)}."
            )
        wanted = [sheet] if sheet is not None else names
        sheets = {name: _cells(book, name) for name in wanted}
    except fastexcel.FastExcelError as error:
        raise CannotCompare(
            f"{path.name} is not a workbook that can be read. Save it anew as .xlsx, or "
            "as CSV."
        ) from error
    full = {
        name: lines
        for name, lines in sheets.items()
        if any(any(cells) for _, cells in lines)
    }
    if len(full) > 1:
        raise CannotCompare(
            f"{path.name} has several sheets that hold something: {', '.join(full)}. Say "
            "which is the report: --sheet NAME."
        )
    return next(iter(full.values()), [])


def _cells(book: object, name: str) -> list[tuple[int, tuple[str, ...]]]:
    frame = book.load_sheet(  # type: ignore[attr-defined]
        name, header_row=None, skip_rows=0, dtypes="string"
    ).to_polars()
    return [
        (number, tuple((cell or "").strip() for cell in row))
        for number, row in enumerate(frame.iter_rows(), start=1)
    ]
