"""From a contract: the polars types of its lake, and the pandera schema of its rules.

pandera checks only the schema of a LazyFrame, so validate collected frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from edp_platform.contracts.model import (
    PLATFORM_COLUMNS,
    Column,
    Contract,
    QualityRule,
)

_TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "string": pl.String,
    "integer": pl.Int64,
    "number": pl.Float64,
    "boolean": pl.Boolean,
    "date": pl.Date,
    "timestamp": pl.Datetime("us", "UTC"),
}


def polars_type(logical_type: str) -> pl.DataType | type[pl.DataType]:
    """Return the polars type of an ODCS logical type.

    Raises:
        KeyError: the type is not one the lake keeps.
    """
    return _TYPES[logical_type]


def lake_schema(contract: Contract) -> dict[str, pl.DataType | type[pl.DataType]]:
    """Return name → type of every column of a lake file: contract, then platform."""
    own = {column.name: polars_type(column.logical_type) for column in contract.columns}
    return own | {
        name: polars_type(kind) for name, (kind, _) in PLATFORM_COLUMNS.items()
    }


def pandera_schema(contract: Contract) -> Any:
    """Generate the pandera schema of the rules whose breach quarantines a row.

    Rules 10 and 14 are left out: they have a door of their own
    (`ingestion.row_rules`), so that a row refused by one says which.

    Returns:
        a `pandera.polars.DataFrameSchema` over the contract's columns; other columns
        of the frame (platform columns, `month`) are left alone.
    """
    # Imported here: it costs half a second that `edp status` need not pay.
    import pandera.polars as pa

    def column_schema(column: Column) -> Any:
        checks = [
            check
            for rule in column.rules
            if rule.severity == "error" and not column.is_category
            for check in _pandera_checks(rule)
        ]
        return pa.Column(
            polars_type(column.logical_type),
            checks=checks,
            nullable=not (column.required or _must_be_given(column)),
            description=column.description,
        )

    return pa.DataFrameSchema(
        {column.name: column_schema(column) for column in contract.columns},
        name=contract.data_set,
        strict=False,
    )


def _must_be_given(column: Column) -> bool:
    return not column.is_category and any(
        rule.severity == "error" and rule.metric in ("nullValues", "missingValues")
        for rule in column.rules
    )


def _pandera_checks(rule: QualityRule) -> Iterator[Any]:
    import pandera.polars as pa

    arguments = rule.arguments
    if rule.metric == "invalidValues":
        if "pattern" in arguments:
            yield pa.Check.str_matches(arguments["pattern"], name="pattern")
        if "min" in arguments:
            yield pa.Check.ge(arguments["min"], name="minimum")
        if "max" in arguments:
            yield pa.Check.le(arguments["max"], name="maximum")
        if "validValues" in arguments:
            yield pa.Check.isin([*arguments["validValues"]], name="valid values")


def warning_rules(contract: Contract) -> dict[str, pl.Expr]:
    """Return check name → expression that is true where a row breaks a warning rule.

    A value not in a column's `enum` is such a warning: a publisher's new label must be
    seen, and must not cost the row.
    """
    rules: dict[str, pl.Expr] = {}
    for column in contract.columns:
        value = pl.col(column.name)
        if column.known_values:
            known = [known.value for known in column.known_values]
            rules[f"{column.name}: label not in the contract"] = (
                value.is_not_null() & ~value.is_in(known)
            )
        if column.flag_outside is not None:
            low, high = column.flag_outside
            rules[f"{column.name}: outside {low} to {high}"] = (
                value.is_not_null() & ~value.is_between(low, high)
            )
        for rule in column.rules:
            if rule.severity != "warning":
                continue
            for name, broken in _broken(value, rule):
                rules[f"{column.name}: {name}"] = broken
    return rules


def _broken(value: pl.Expr, rule: QualityRule) -> Iterator[tuple[str, pl.Expr]]:
    arguments = rule.arguments
    if rule.metric in ("nullValues", "missingValues"):
        yield "missing", value.is_null()
    if "pattern" in arguments:
        yield "pattern", value.is_not_null() & ~value.str.contains(arguments["pattern"])
    if "min" in arguments:
        yield "minimum", value.is_not_null() & (value < arguments["min"])
    if "max" in arguments:
        yield "maximum", value.is_not_null() & (value > arguments["max"])
    if "validValues" in arguments:
        allowed = [*arguments["validValues"]]
        yield "valid values", value.is_not_null() & ~value.is_in(allowed)
