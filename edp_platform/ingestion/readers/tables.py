"""CSV files: one row a record, or wide with one column a month or year."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import polars as pl

from edp_platform.contracts import Column, Contract
from edp_platform.ingestion.conversion import convert
from edp_platform.ingestion.readers.base import (
    NameParts,
    Reading,
    name_misfit,
    record_text,
)
from edp_platform.ingestion.readers.delimited import (
    QUARANTINE_SCHEMA,
    TextTable,
    UnreadableFile,
    count_records,
    read_header,
    read_text_table,
)

_NO_MONTH = pl.lit(None, dtype=pl.String)
_MONTH = r"\d{4}-(0[1-9]|1[0-2])"


class CsvReader:
    """A CSV with one row a record.

    Args:
        ignore_unnamed_columns: accept columns without a name, where all are blank.
    """

    def __init__(self, ignore_unnamed_columns: bool = False) -> None:
        self.ignore_unnamed_columns = ignore_unnamed_columns

    def header(self, path: Path) -> tuple[str, ...]:
        """Return the header line's names."""
        return read_header(path)

    def misfit(self, contract: Contract, header: tuple[str, ...]) -> list[str]:
        """Compare the names as a set: order does not matter, since columns are named."""
        expected = {column.physical_name for column in contract.received}
        problems = name_misfit(expected, header)
        if "" in header and not self.ignore_unnamed_columns:
            problems.append(f"{header.count('')} columns without a name")
        return problems

    def months(self, path: Path, contract: Contract, parts: NameParts) -> list[str]:
        """Return the month of the name, or the distinct months of the date column."""
        if not contract.is_monthly:
            return []
        if contract.month_from == "fileName":
            return [parts["month"]]
        rows = self.read(path, contract, parts).rows
        return sorted(rows["month"].drop_nulls().unique().to_list())

    def count(self, path: Path) -> int:
        """Return the number of data records."""
        return count_records(path)

    def read(self, path: Path, contract: Contract, parts: NameParts) -> Reading:
        """Read every record; see `Reader.read`."""
        table = read_text_table(path)
        columns = contract.received
        frame = _named(table, columns)
        rows, cell_faults = convert(frame, columns)
        faults = [cell_faults]
        rows = rows.with_columns(
            pl.lit(parts.get(column.from_file_name or ""), dtype=pl.String).alias(
                column.name
            )
            for column in contract.columns
            if column.from_file_name
        )
        if contract.is_monthly:
            rows = rows.with_columns(_month(contract, parts).alias("month"))
        faults.append(_unlike_the_name(rows, contract, parts))
        reading = _reading(rows, table, pl.concat(faults))
        warnings = _other_local_month(reading.rows, contract, parts)
        stray = self._stray_values(table)
        if stray:
            warnings["a value in a column that has no name"] = stray
        return replace(reading, warnings=warnings)

    def _stray_values(self, table: TextTable) -> int:
        """Count records with a value under no name, a note in the margin.

        Shifted columns would show as values of the wrong type and be quarantined; where
        every named column is sound the record is loaded and the note is left behind.
        """
        unnamed = [
            f"c{position}" for position, name in enumerate(table.header) if not name
        ]
        stray = pl.any_horizontal(
            [pl.col(name).is_not_null() for name in unnamed] or [pl.lit(False)]
        )
        return table.frame.filter(stray).height


class WideCsvReader:
    """A CSV whose value columns are months or years; read into one row a cell.

    Args:
        columns: an expression that value columns' names match.
        as: "month" (names are YYYYMM) or "year"; what the name becomes.
        value: the contract column that the cells fill.
    """

    def __init__(self, columns: str, value: str, **options: str) -> None:
        self.expression = re.compile(columns)
        self.kind = options.pop("as", "month")
        self.value = value
        if options or self.kind not in ("month", "year"):
            raise TypeError(f"{sorted(options)}; `as` is month or year")

    def header(self, path: Path) -> tuple[str, ...]:
        """Return the header line's names."""
        return read_header(path)

    def _key_columns(self, contract: Contract) -> tuple[Column, ...]:
        return tuple(
            column
            for column in contract.received
            if column.name not in (self.value, self.kind)
        )

    def misfit(self, contract: Contract, header: tuple[str, ...]) -> list[str]:
        """Compare the key columns; every other name must be a month or year."""
        keys = tuple(name for name in header if not self.expression.match(name))
        expected = {column.physical_name for column in self._key_columns(contract)}
        problems = name_misfit(expected, keys, f"one column a {self.kind}")
        values = [name for name in header if self.expression.match(name)]
        if not values:
            problems.append(f"no column for any {self.kind}")
        if len(set(values)) < len(values):
            problems.append(f"a {self.kind} given twice")
        if self.kind == "month":
            wrong = [name for name in values if not re.fullmatch(_MONTH, _dashed(name))]
            if wrong:
                problems.append(f"no such month: {', '.join(wrong)}")
        return problems

    def months(self, path: Path, contract: Contract, parts: NameParts) -> list[str]:
        """Return the months of the header."""
        if not contract.is_monthly:
            return []
        return sorted(
            _dashed(name) for name in self.header(path) if self.expression.match(name)
        )

    def count(self, path: Path) -> int:
        """Return the number of data records (lines, not cells)."""
        return count_records(path)

    def read(self, path: Path, contract: Contract, parts: NameParts) -> Reading:
        """Read every cell; a bad cell is quarantined, its row's other cells are not."""
        table = read_text_table(path)
        keys = self._key_columns(contract)
        names = {
            f"c{position}": name
            for position, name in enumerate(table.header)
            if self.expression.match(name)
        }
        long = (
            _named(table, keys, keep=list(names))
            .rename(names)
            .unpivot(
                on=list(names.values()),
                index=[*(column.name for column in keys), "source_line"],
                variable_name=self.kind,
                value_name=self.value,
            )
        )
        month = _dashed_expr(pl.col("month")) if self.kind == "month" else _NO_MONTH
        blank = long.filter(pl.col(self.value).is_null()).select(
            "source_line",
            month=month,
            column=pl.lit(self.value),
            reason=pl.format("no value for {}", self.kind),
        )
        typed_columns = [
            column
            for column in contract.received
            if column.name in long.columns and column.name != "month"
        ]
        rows, _ = convert(long, typed_columns)
        unread = rows[self.value].is_null() & long[self.value].is_not_null()
        faults = long.filter(unread).select(
            "source_line",
            month=month,
            column=pl.lit(self.value),
            reason=pl.format("not a number for {}", self.kind),
        )
        if self.kind == "month":
            rows = rows.with_columns(month=_dashed_expr(pl.col("month")))
        rows = rows.filter(pl.col(self.value).is_not_null())
        cells = len(names) * table.records
        quarantined = _with_text(pl.concat([blank, faults]), table)
        return Reading(
            rows=rows,
            quarantined=pl.concat([table.quarantined, quarantined]),
            records=table.records,
            cells=cells,
        )


def _dashed(name: str) -> str:
    return f"{name[:4]}-{name[4:]}"


def _dashed_expr(name: pl.Expr) -> pl.Expr:
    return name.str.slice(0, 4) + "-" + name.str.slice(4)


def _named(
    table: TextTable, columns: tuple[Column, ...], keep: list[str] | None = None
) -> pl.DataFrame:
    """Give the columns their contract names.

    Raises:
        UnreadableFile: a column is missing; landing refuses such a file, so this is a
            file that changed, or a contract that did.
    """
    missing = [one for one in columns if one.physical_name not in table.header]
    if missing:
        names = ", ".join(column.physical_name for column in missing)
        raise UnreadableFile(
            f"the file lacks {names}, which the contract expects. Land a file that "
            "has them, or give the contract a new major version."
        )
    at = {name: f"c{position}" for position, name in enumerate(table.header)}
    return table.frame.select(
        *(pl.col(at[one.physical_name]).alias(one.name) for one in columns),
        *(keep or []),
        "source_line",
    )


def _month(contract: Contract, parts: NameParts) -> pl.Expr:
    if contract.month_from == "fileName":
        return pl.lit(parts["month"])
    return pl.col(str(contract.month_from)).dt.strftime("%Y-%m")


def _unlike_the_name(
    rows: pl.DataFrame, contract: Contract, parts: NameParts
) -> pl.DataFrame:
    """Find rows that say another month (or force) than their file's name does."""
    faults = []
    for column in contract.columns:
        what = column.matches_file_name or ""
        if column.logical_type != "string" or what not in parts:
            continue
        # A column says few things, many times: each is looked at once.
        said = rows.select(pl.col(column.name).drop_nulls().unique())
        wrong = said.filter(~_says(pl.col(column.name), what, parts[what]))
        if wrong.height:
            faults.append(
                rows.filter(
                    pl.col(column.name).is_in(wrong.to_series().implode())
                ).select(
                    "source_line",
                    column=pl.lit(column.name),
                    reason=pl.lit(f"the row's {what} is not the file's {what}"),
                )
            )
    empty = pl.DataFrame(
        schema={"source_line": pl.Int64, "column": pl.String, "reason": pl.String}
    )
    return pl.concat([empty, *faults])


def _says(value: pl.Expr, what: str, part: str) -> pl.Expr:
    """Say whether a value is what the file's name says.

    Forces are written out in rows and short in names: "City of London Police" is
    `city-of-london`, "British Transport Police" is `btp`.
    """
    if what != "force":
        return value == part
    words = (
        value.str.to_lowercase()
        .str.replace_all("&", " and ", literal=True)
        .str.replace_all("[^a-z0-9]+", "-")
        .str.strip_chars("-")
    )
    initials = words.str.replace_all("([a-z0-9])[a-z0-9]*-?", "$1")
    whole = pl.concat_str(pl.lit("-"), words, pl.lit("-"))
    return whole.str.contains(f"-{part}-", literal=True) | (initials == part)


def _other_local_month(
    rows: pl.DataFrame, contract: Contract, parts: NameParts
) -> dict[str, int]:
    """Count moments whose month, in local time, is not the file's.

    Only a warning: forces write clocks differently, and a search just past midnight is
    still a search; a whole file under the wrong month's name shows as all of its rows.
    """
    found = {}
    for column in contract.columns:
        if column.logical_type == "timestamp" and column.matches_file_name == "month":
            local = pl.col(column.name).dt.convert_time_zone("Europe/London")
            other = local.dt.strftime("%Y-%m") != parts["month"]
            count = int(rows.select(other.sum()).item() or 0)
            if count:
                found[f"{column.name}: not in the file's month"] = count
    return found


def _with_text(faults: pl.DataFrame, table: TextTable) -> pl.DataFrame:
    return faults.with_columns(
        record=record_text(table.lines, faults["source_line"])
    ).select(*QUARANTINE_SCHEMA)


def _reading(rows: pl.DataFrame, table: TextTable, faults: pl.DataFrame) -> Reading:
    """Leave out the rows with faults; a row with several is quarantined once."""
    merged = faults.group_by("source_line", maintain_order=True).agg(
        pl.col("column").drop_nulls().str.join(", "),
        pl.col("reason").str.join("; "),
    )
    if merged.height:
        rows = rows.filter(
            ~pl.col("source_line").is_in(merged["source_line"].implode())
        )
    merged = merged.with_columns(month=_NO_MONTH)
    return Reading(
        rows=rows,
        quarantined=pl.concat([table.quarantined, _with_text(merged, table)]),
        records=table.records,
        cells=table.records,
    )
