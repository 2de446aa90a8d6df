"""What a file is: its reader, its columns, their types. Facts only, never row values.

Types are tried with the very expressions that ingestion converts with, so a type that
is inferred here loads there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import fastexcel
import polars as pl

from edp_platform.contracts import Column
from edp_platform.ingestion.conversion import typed
from edp_platform.ingestion.readers import UnreadableFile
from edp_platform.ingestion.readers.delimited import read_text_table
from edp_platform.scaffolding.naming import FilePattern, column_names, file_pattern
from edp_platform.scaffolding.suspicion import suspicion
from edp_platform.scaffolding.writing import ScaffoldFailed

#: Values are suggested only where few, short, and each seen often enough that none
#: points at one row.
MAX_LISTED_VALUES = 12
MAX_LISTED_CHARACTERS = 40
MIN_ROWS_A_VALUE = 5
#: A type that this share of the values has is worth a comment when the rest has not.
_NEARLY = 0.95
_LISTED_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 &/(),.'+-]*\Z")
#: Names of numbers that count nothing: kept as text, so that no leading nought is lost.
_MARK = re.compile(
    r"(^|_)(id|ref|reference|code|number|no|key|phone|telephone|mobile|uprn|urn|fid)$"
)
_MONTH_TEXT = r"^\d{4}-(0[1-9]|1[0-2])$"
_WIDE_MONTH = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])\Z")
_WIDE_YEAR = re.compile(r"(19|20)\d{2}\Z")


@dataclass(frozen=True)
class _Kind:
    """One type a column may have, and the texts that may be of it."""

    logical_type: str
    pattern: str
    date_format: str | None = None
    decimal_separator: str = "."
    note: str = ""


_D4, _D2, _D12 = r"\d{4}", r"\d{2}", r"\d{1,2}"
_UTC = "the values name no time zone and are read as UTC: ask the supplier"
_US = "month first, as in the United States: at least one second part is above 12"
_UNSURE = "day or month first? No value tells; day first is assumed: ask the supplier"
#: Tried in order; the first that every value fits is taken.
_KINDS: tuple[_Kind, ...] = (
    _Kind("boolean", r"(?i)^(true|false)$"),
    # Longer numbers lose digits on their way through a double.
    _Kind("integer", r"^[+-]?(0|[1-9]\d{0,14})$"),
    _Kind("number", r"^[+-]?((0|[1-9]\d{0,14})(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?$"),
    _Kind("date", rf"^{_D4}-{_D2}-{_D2}$", "YYYY-MM-DD"),
    _Kind("date", rf"^{_D4}/{_D2}/{_D2}$", "YYYY/MM/DD"),
    _Kind("date", rf"^{_D2}/{_D2}/{_D4}$", "DD/MM/YYYY"),
    _Kind("date", rf"^{_D12}/{_D12}/{_D4}$", "D/M/YYYY"),
    _Kind("date", rf"^{_D2}/{_D2}/{_D4}$", "MM/DD/YYYY", note=_US),
    _Kind("date", rf"^{_D12}/{_D12}/{_D4}$", "M/D/YYYY", note=_US),
    _Kind("date", rf"^{_D2}-{_D2}-{_D4}$", "DD-MM-YYYY"),
    _Kind("date", rf"^{_D2}\.{_D2}\.{_D4}$", "DD.MM.YYYY"),
    _Kind(
        "timestamp",
        rf"^{_D4}-{_D2}-{_D2}T{_D2}:{_D2}:{_D2}(Z|[+-]{_D2}:?{_D2})$",
        "YYYY-MM-DDThh:mm:ssZ",
    ),
    *(
        _Kind(
            "timestamp",
            rf"^{shape}{gap}{_D2}:{_D2}{end}$",
            form + gap + clock,
            note=_UTC,
        )
        for shape, form in (
            (rf"{_D4}-{_D2}-{_D2}", "YYYY-MM-DD"),
            (rf"{_D2}/{_D2}/{_D4}", "DD/MM/YYYY"),
        )
        for gap in (" ", "T")
        for end, clock in ((rf":{_D2}", "hh:mm:ss"), ("", "hh:mm"))
    ),
    _Kind("string", _MONTH_TEXT, "YYYY-MM"),
)
_COMMA = _Kind(
    "number",
    r"^[+-]?(0|[1-9]\d{0,14})(,\d+)?$",
    decimal_separator=",",
    note="a comma before the decimals",
)
_THOUSANDS = r"^[+-]?[1-9]\d{0,2}(,\d{3})+$"


@dataclass(frozen=True)
class InferredColumn:
    """One column as the file shows it.

    Attributes:
        name: platform name.
        physical_name: name as received; None for one that ingestion makes.
        logical_type: ODCS logical type.
        date_format: format of a date, or None.
        decimal_separator: "." or ",".
        is_required: whether no value was blank.
        suspicion: what personal data it looks like, or None.
        values: values that may be suggested as its list; () for none.
        notes: what a person should check.
        from_file_name: the part of the file's name it is taken from.
        description: known only for columns that ingestion makes.
    """

    name: str
    physical_name: str | None
    logical_type: str = "string"
    date_format: str | None = None
    decimal_separator: str = "."
    is_required: bool = True
    suspicion: str | None = None
    values: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    from_file_name: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class FileProfile:
    """A file as it was found.

    Attributes:
        file: its base name.
        pattern: what its name says.
        reader: the text of `reader` in defs.yaml, or None where no reader fits.
        columns: in order.
        records: rows read.
        unread: records that could not be read.
        month_from: the contract's `monthFrom`; None for a set without months.
        keys: sets of columns whose values never repeat.
        date_columns: columns that a month could be taken from.
        wide: "month" or "year" where the file has one column for each.
    """

    file: str
    pattern: FilePattern
    reader: str | None
    columns: tuple[InferredColumn, ...]
    records: int
    unread: int
    month_from: str | None
    keys: tuple[tuple[str, ...], ...]
    date_columns: tuple[str, ...]
    wide: str | None = None


@dataclass(frozen=True)
class _Table:
    header: tuple[str, ...]
    frame: pl.DataFrame
    unread: int
    reader: str | None


def profile(source: Path) -> FileProfile:
    """Profile one file.

    Raises:
        ScaffoldFailed: it is missing, unreadable, or of a shape that no reader takes.
    """
    table = _read(source)
    pattern = file_pattern(source.name)
    wide = _wide(table) if table.reader == "csv" else None
    if wide:
        return _wide_profile(source.name, table, pattern, *wide)
    named = [at for at, name in enumerate(table.header) if name]
    reader = table.reader
    if len(named) < len(table.header) and reader == "csv":
        reader = "{shape: csv, ignore_unnamed_columns: true}"
    taken = ("force",) if pattern.has_force else ()
    names = column_names([table.header[at] for at in named], taken)
    text_only = table.reader == "geojson"
    columns = [
        _column(name, table.header[at], table.frame[f"c{at}"], text_only)
        for name, at in zip(names, named, strict=True)
    ]
    frame = table.frame.select(
        pl.col(f"c{at}").alias(name) for name, at in zip(names, named, strict=True)
    )
    if pattern.has_force:
        columns.append(_FORCE_COLUMN)
    return FileProfile(
        file=source.name,
        pattern=pattern,
        reader=reader,
        columns=tuple(columns),
        records=table.frame.height,
        unread=table.unread,
        month_from="fileName" if pattern.has_month and not text_only else None,
        keys=_keys(frame, columns),
        date_columns=tuple(
            one.name
            for one in columns
            if one.logical_type in ("date", "timestamp") and one.is_required
        ),
    )


_FORCE_COLUMN = InferredColumn(
    "force",
    None,
    from_file_name="force",
    description="Force whose file the row came in, as the file's name spells it.",
)


def _read(source: Path) -> _Table:
    if not source.is_file():
        raise ScaffoldFailed(
            f"{source} is not a file that is there. Give one file of the data set, as "
            "its supplier sent it."
        )
    kind = source.suffix.lower()
    try:
        if kind in (".xls", ".xlsx", ".xlsm", ".ods"):
            return _read_sheet(source)
        if kind in (".geojson",):
            return _read_features(source)
        if kind in (".csv", ".txt", ""):
            return _read_text(source)
    except UnreadableFile as error:
        raise ScaffoldFailed(str(error)) from error
    except OSError as error:
        raise ScaffoldFailed(
            f"{source} cannot be read ({error.strerror or error}). Check that you may "
            "read it."
        ) from error
    raise ScaffoldFailed(
        f"{source.name}: no reader takes a file of the kind `{kind}`. Readers take "
        ".csv (UTF-8, commas), .xls, .xlsx and .geojson: ask the supplier for one of "
        "them, or save it as CSV UTF-8."
    )


def _read_text(source: Path) -> _Table:
    table = read_text_table(source)
    if len(table.header) == 1:
        for mark, said in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if mark in table.header[0]:
                raise ScaffoldFailed(
                    f"{source.name} is separated by {said}; readers take commas. Save "
                    "it as CSV UTF-8 (comma) and ask the supplier to do the same."
                )
    _refuse_repeated(source, table.header)
    if table.records and table.frame.is_empty():
        raise ScaffoldFailed(
            f"{source.name}: none of its {table.records} records fits the header line "
            f"of {len(table.header)} names. Does it begin with a title? Take out what "
            "stands above the header, or ask the supplier for the table alone."
        )
    return _Table(table.header, table.frame, table.quarantined.height, "csv")


def _refuse_repeated(source: Path, header: Sequence[str]) -> None:
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise ScaffoldFailed(
            f"{source.name} gives {', '.join(twice)} more than once, so its columns "
            "cannot be told apart. Ask the supplier for different names."
        )


def _read_features(source: Path) -> _Table:
    try:
        collection = json.loads(source.read_text(encoding="utf-8"))
        features = [one.get("properties") or {} for one in collection["features"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ScaffoldFailed(
            f"{source.name} is not a GeoJSON FeatureCollection. Was it cut short? Ask "
            "the supplier for it again."
        ) from error
    if not features:
        raise ScaffoldFailed(
            f"{source.name} holds no features, so it shows no columns."
        )
    header = tuple(features[0])
    frame = pl.DataFrame(
        {
            f"c{at}": pl.Series(
                [None if one.get(name) is None else str(one[name]) for one in features],
                dtype=pl.String,
            )
            for at, name in enumerate((*header, "geometry"))
        }
    ).with_columns(pl.lit("{}").alias(f"c{len(header)}"))
    return _Table((*header, "geometry"), frame, 0, "geojson")


def _read_sheet(source: Path) -> _Table:
    try:
        book = fastexcel.read_excel(str(source))
        cells = book.load_sheet(0, header_row=None, dtypes="string").to_polars()
    except (fastexcel.FastExcelError, ValueError) as error:
        raise ScaffoldFailed(
            f"{source.name} is not a workbook that can be read. Was it cut short, or "
            "is it another kind of file under this name?"
        ) from error
    cells = cells.rename({old: f"c{at}" for at, old in enumerate(cells.columns)})
    if cells.is_empty():
        raise ScaffoldFailed(f"{source.name} has an empty first sheet.")
    header = tuple(str(name or "").strip() for name in cells.row(0))
    _refuse_repeated(source, header)
    body = cells.slice(1).filter(pl.any_horizontal(pl.all().is_not_null()))
    return _Table(header, body, 0, None)


def _wide(table: _Table) -> tuple[str, list[int]] | None:
    """Return whether the file has one column a month or year, and which."""
    for kind, expression, least in (("month", _WIDE_MONTH, 2), ("year", _WIDE_YEAR, 3)):
        found = [at for at, name in enumerate(table.header) if expression.match(name)]
        if len(found) >= least and len(found) < len(table.header):
            return kind, found
    return None


def _wide_profile(
    file: str, table: _Table, pattern: FilePattern, kind: str, cells: list[int]
) -> FileProfile:
    """Profile a wide file: its key columns, and the one column its cells become."""
    keys = [at for at, name in enumerate(table.header) if name and at not in cells]
    names = column_names([table.header[at] for at in keys], ("value", "year"))
    columns = [
        _column(name, table.header[at], table.frame[f"c{at}"])
        for name, at in zip(names, keys, strict=True)
    ]
    frame = table.frame.select(
        pl.col(f"c{at}").alias(name) for name, at in zip(names, keys, strict=True)
    )
    found = _keys(frame, columns)
    stacked = pl.concat([table.frame[f"c{at}"].rename("value") for at in cells])
    value = replace(
        _column("value", "value", stacked), physical_name=None, suspicion=None
    )
    value = replace(
        value,
        values=(),
        is_required=True,
        notes=(
            *value.notes,
            "give it a better name here and in defs.yaml, such as crimes",
        ),
    )
    if kind == "year":
        columns.append(
            InferredColumn(
                "year",
                None,
                "integer",
                description="Calendar year, from the column's heading.",
            )
        )
        found = tuple((*key, "year") for key in found)
    columns.append(value)
    headings = f"^\\\\d{{{6 if kind == 'month' else 4}}}$"
    return FileProfile(
        file=file,
        # The months are in the header; a month in the name is when the file was made.
        pattern=replace(pattern, text=pattern.text.replace("{month}", "*")),
        reader=(
            f'{{shape: wide_csv, columns: "{headings}", as: {kind}, value: value}}'
        ),
        columns=tuple(columns),
        records=table.frame.height,
        unread=table.unread,
        month_from="columnNames" if kind == "month" else None,
        keys=found,
        date_columns=(),
        wide=kind,
    )


def _column(
    name: str, physical_name: str, values: pl.Series, text_only: bool = False
) -> InferredColumn:
    stripped = values.str.strip_chars()
    present = stripped.filter(stripped.is_not_null() & (stripped != ""))
    is_required = present.len() == values.len() and values.len() > 0
    column = InferredColumn(
        name,
        physical_name,
        is_required=is_required,
        suspicion=suspicion(name, present),
    )
    if present.is_empty():
        return replace(column, notes=("blank in every row of this file",))
    if not text_only:
        column = _with_type(column, present)
    if column.logical_type == "string" and column.date_format is None:
        column = replace(column, values=_listed(column, present))
    return column


def _with_type(column: InferredColumn, present: pl.Series) -> InferredColumn:
    """Return the column with the type that all its values have."""
    for kind in _kinds(present):
        if not present.str.contains(kind.pattern).all() or not _loads(kind, present):
            continue
        if kind.logical_type in ("integer", "number") and _MARK.search(column.name):
            return replace(
                column, notes=("digits only, kept as text because it counts nothing",)
            )
        notes = [kind.note] if kind.note else []
        if kind.date_format in ("DD/MM/YYYY", "D/M/YYYY"):
            second = present.str.split("/").list.get(1).cast(pl.Int64)
            first = present.str.split("/").list.get(0).cast(pl.Int64)
            if int(first.max()) <= 12 and int(second.max()) <= 12:  # type: ignore[arg-type]
                notes.append(_UNSURE)
        return replace(
            column,
            logical_type=kind.logical_type,
            date_format=kind.date_format,
            decimal_separator=kind.decimal_separator,
            notes=tuple(notes),
        )
    return replace(column, notes=tuple(_near_misses(present)))


def _kinds(present: pl.Series) -> Iterator[_Kind]:
    yield from _KINDS
    commas = present.filter(present.str.contains(",", literal=True))
    # "1,234" alone may be one thousand or one and a bit: left as text, with a note.
    if commas.len() and not commas.str.contains(_THOUSANDS).all():
        yield _COMMA


def _loads(kind: _Kind, present: pl.Series) -> bool:
    """Whether ingestion would convert every value."""
    column = Column(
        "value",
        "value",
        kind.logical_type,
        "",
        date_format=kind.date_format,
        decimal_separator=kind.decimal_separator,
    )
    converted = pl.DataFrame({"value": present}).select(typed(column)).to_series()
    return converted.null_count() == 0


def _near_misses(present: pl.Series) -> Iterator[str]:
    total = present.len()
    if present.str.contains(_THOUSANDS).any():
        yield "some values have commas like 1,000: ask the supplier for plain numbers"
    if present.str.contains(r"^0\d+$").any():
        yield "digits with leading noughts, kept as text"
        return
    for noun, kinds in (("number", ("integer", "number")), ("date", ("date",))):
        fitting = max(
            int(present.str.contains(kind.pattern).sum())
            for kind in _KINDS
            if kind.logical_type in kinds
        )
        if _NEARLY * total <= fitting < total:
            yield (
                f"{total - fitting} of {total} values are no {noun}: make it one if "
                "such rows may be quarantined"
            )


def _listed(column: InferredColumn, present: pl.Series) -> tuple[str, ...]:
    """Return the values of a short list, unless anything about it is doubtful."""
    if column.suspicion or _MARK.search(column.name):
        return ()
    counts = present.value_counts()
    if not 1 < counts.height <= MAX_LISTED_VALUES:
        return ()
    values = sorted(counts[present.name].to_list())
    short = all(
        len(value) <= MAX_LISTED_CHARACTERS and _LISTED_VALUE.match(value)
        for value in values
    )
    if not short or int(counts["count"].min()) < MIN_ROWS_A_VALUE:  # type: ignore[arg-type]
        return ()
    return tuple(values)


def _keys(
    frame: pl.DataFrame, columns: Sequence[InferredColumn]
) -> tuple[tuple[str, ...], ...]:
    """Return the columns, or else the pairs of columns, that never repeat."""
    able = [
        one.name
        for one in columns
        if one.is_required
        and one.physical_name is not None
        and one.logical_type not in ("number", "boolean")
        and "free text" not in (one.suspicion or "")
        and one.name != "geometry"
    ]
    if frame.height < 2:
        return ()
    counted = {one.name for one in columns if one.logical_type == "integer"}
    single = [
        (name,)
        for name in able
        # A count that happens not to repeat identifies nothing.
        if name not in counted and frame[name].n_unique() == frame.height
    ]
    if single:
        return tuple(single[:3])
    return tuple(
        pair
        for pair in combinations(able[:8], 2)
        if frame.select(pl.struct(pair).n_unique()).item() == frame.height
    )[:3]
