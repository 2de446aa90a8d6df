"""Text to types: what each type takes, and what it leaves for the quarantine."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from edp_platform.contracts.model import Column
from edp_platform.ingestion.conversion import convert


def converted(
    value: str | None, logical_type: str, **options: str
) -> tuple[object, list[str]]:
    """Return the converted value and the reasons for which it would not go."""
    column = Column("v", "V", logical_type, "", **options)  # type: ignore[arg-type]
    frame = pl.DataFrame(
        {"v": [value], "source_line": [2]},
        schema={"v": pl.String, "source_line": pl.Int64},
    )
    rows, faults = convert(frame, [column])
    return rows["v"].item(), faults["reason"].to_list()


TAKEN: list[tuple[str, dict[str, str], str | None, object]] = [
    ("string", {}, "  =cmd()  ", "  =cmd()  "),
    ("integer", {}, "18", 18),
    ("integer", {}, "-1", -1),
    ("integer", {}, "+1", 1),
    ("integer", {}, " 7 ", 7),
    ("integer", {}, "18.0", 18),
    ("integer", {}, "9007199254740993", 9007199254740993),
    ("integer", {}, str(2**63 - 1), 2**63 - 1),
    ("integer", {}, None, None),
    ("number", {}, "-0.089", -0.089),
    ("number", {}, ".5", 0.5),
    ("number", {}, "1e-3", 0.001),
    ("number", {}, None, None),
    ("number", {"decimal_separator": ","}, "0,56", 0.56),
    ("number", {"decimal_separator": ","}, "1", 1.0),
    ("boolean", {}, "True", True),
    ("boolean", {}, "FALSE", False),
    ("date", {}, "2024-02-29", date(2024, 2, 29)),
    ("date", {"date_format": "D/M/YYYY"}, "1/2/2024", date(2024, 2, 1)),
    ("date", {"date_format": "D/M/YYYY"}, "31/12/2014", date(2014, 12, 31)),
    ("date", {"date_format": "M/D/YYYY"}, "2/1/2024", date(2024, 2, 1)),
    ("date", {"date_format": "DD/MM/YYYY"}, "01/02/2024", date(2024, 2, 1)),
    (
        "timestamp",
        {},
        "2016-05-31T23:01:00+00:00",
        datetime(2016, 5, 31, 23, 1, tzinfo=UTC),
    ),
    (
        "timestamp",
        {},
        "2016-06-01T00:01:00+01:00",
        datetime(2016, 5, 31, 23, 1, tzinfo=UTC),
    ),
]


@pytest.mark.parametrize(("kind", "options", "value", "expected"), TAKEN)
def test_a_value_of_its_type_is_taken(
    kind: str, options: dict[str, str], value: str | None, expected: object
) -> None:
    assert converted(value, kind, **options) == (expected, [])


LEFT: list[tuple[str, dict[str, str], str, str]] = [
    ("integer", {}, "1.5", "not a whole number"),
    ("integer", {}, "1,000", "not a whole number"),
    ("integer", {}, "", "not a whole number"),
    ("integer", {}, "x", "not a whole number"),
    ("integer", {}, "inf", "not a whole number"),
    ("integer", {}, "nan", "not a whole number"),
    ("integer", {}, str(2**63), "not a whole number"),
    ("integer", {}, "1e400", "not a whole number"),
    ("number", {}, "0,5", "not a number"),
    ("number", {}, "Infinity", "not a number"),
    ("number", {}, "-inf", "not a number"),
    ("number", {}, "NaN", "not a number"),
    ("number", {}, "1e400", "not a number"),
    ("number", {"decimal_separator": ","}, "0.56", "not a number"),
    ("number", {"decimal_separator": ","}, "1.234,5", "not a number"),
    ("number", {"decimal_separator": ","}, "0,5,6", "not a number"),
    ("boolean", {}, "yes", "not true or false"),
    ("boolean", {}, "1", "not true or false"),
    ("date", {}, "20240229", "not a date"),
    ("date", {}, "24-02-28", "not a date"),
    ("date", {}, "2023-02-29", "not a date"),
    ("date", {"date_format": "D/M/YYYY"}, "1/2/24", "not a date"),
    ("date", {"date_format": "D/M/YYYY"}, "1/2/5", "not a date"),
    ("date", {"date_format": "D/M/YYYY"}, "1/13/2024", "not a date"),
    ("date", {"date_format": "D/M/YYYY"}, "1/2/-2024", "not a date"),
    ("date", {"date_format": "D/M/YYYY"}, "1/2/20245", "not a date"),
    ("timestamp", {}, "2016-05-31", "not a date and time"),
    ("timestamp", {}, "2016-05-31T23:01:00", "not a date and time"),
    ("timestamp", {}, "0016-05-31T23:01:00+00:00", "not a date and time"),
    ("timestamp", {}, "2016-05-31T24:00:00+00:00", "not a date and time"),
]


@pytest.mark.parametrize(("kind", "options", "value", "reason"), LEFT)
def test_a_value_of_another_kind_is_left_null_and_told_without_its_text(
    kind: str, options: dict[str, str], value: str, reason: str
) -> None:
    taken, reasons = converted(value, kind, **options)
    assert taken is None
    assert reasons == [f"v is {reason}"]


def test_a_column_the_lake_cannot_hold_is_an_error() -> None:
    with pytest.raises(KeyError):
        converted("x", "object")


def test_rows_keep_their_order_and_number() -> None:
    frame = pl.DataFrame({"v": ["1", "x", "3"], "source_line": [2, 3, 4]})
    rows, faults = convert(frame, [Column("v", "V", "integer", "")])
    assert rows["v"].to_list() == [1, None, 3]
    assert faults.rows() == [(3, "v", "v is not a whole number")]
