"""Text to types: each column as its contract says, and the cells that will not go."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from edp_platform.contracts import Column

_TOKENS = {
    "YYYY": "%Y",
    "MM": "%m",
    "DD": "%d",
    "hh": "%H",
    "mm": "%M",
    "ss": "%S",
    "Z": "%#z",
    "M": "%m",
    "D": "%d",
}
_SINGLE_DIGITS = ("D/M", "M/D")
#: polars reads `1/1/23` as the year 23; a date that its format does not give is damage.
_FIRST_YEAR, _LAST_YEAR = 1000, 9999


def convert(
    frame: pl.DataFrame, columns: Sequence[Column]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Convert text columns to the types of the contract.

    Args:
        frame: String columns named as the contract names them, and `source_line`.
        columns: the columns to convert; all stand in `frame`.

    Returns:
        the converted frame (same rows; a cell that would not go is null), and one row
        per such cell: `source_line`, `column`, `reason`.
    """
    text_columns = [one for one in columns if one.logical_type != "string"]
    converted = frame.with_columns(
        [typed(column).alias(column.name) for column in text_columns]
    )
    faults = [
        frame.filter(
            frame[column.name].is_not_null() & converted[column.name].is_null()
        ).select(
            "source_line",
            column=pl.lit(column.name),
            reason=pl.lit(f"{column.name} is not {_NOUNS[column.logical_type]}"),
        )
        for column in text_columns
    ]
    empty = pl.DataFrame(
        schema={"source_line": pl.Int64, "column": pl.String, "reason": pl.String}
    )
    return converted, pl.concat([empty, *faults])


_NOUNS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "date": "a date",
    "timestamp": "a date and time",
}


def typed(column: Column) -> pl.Expr:
    """Return the expression that converts one text column; null where it cannot.

    Raises:
        KeyError: a logical type that the lake does not keep.
    """
    value = pl.col(column.name)
    if column.logical_type == "string":
        return value
    value = value.str.strip_chars()
    if column.logical_type == "boolean":
        known = {"true": True, "false": False}
        return value.str.to_lowercase().replace_strict(
            known, default=None, return_dtype=pl.Boolean
        )
    if column.logical_type in ("integer", "number"):
        if column.decimal_separator != ".":
            # "0.56" in a file of decimal commas is damage, not another spelling.
            plain = value.str.contains(".", literal=True)
            value = pl.when(~plain).then(
                value.str.replace(column.decimal_separator, ".", literal=True)
            )
        number = value.cast(pl.Float64, strict=False)
        number = pl.when(number.is_finite()).then(number)
        if column.logical_type == "number":
            return number
        # 18.0 is the whole number 18; 18.5 is not one. Read as a whole number first: a
        # Float64 would silently change those above 2^53.
        return pl.coalesce(
            value.cast(pl.Int64, strict=False),
            pl.when(number == number.floor()).then(number.cast(pl.Int64, strict=False)),
        )
    pattern = _pattern(column)
    if column.date_format and column.date_format.startswith(_SINGLE_DIGITS):
        value = value.str.replace_all(r"\b(\d)\b", "0$1")
    if column.logical_type == "date":
        moment = value.str.to_date(pattern, strict=False)
    else:
        moment = value.str.to_datetime(
            pattern, strict=False, time_unit="us", time_zone="UTC", exact=True
        )
    return pl.when(moment.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR)).then(moment)


def _pattern(column: Column) -> str:
    text = column.date_format
    if text is None:
        text = "YYYY-MM-DD" if column.logical_type == "date" else "YYYY-MM-DDThh:mm:ssZ"
    return re.sub("YYYY|MM|DD|hh|mm|ss|M|D|Z", lambda token: _TOKENS[token[0]], text)
