"""Rules 10 and 14, asked of every row before it may enter the lake.

Rule 10 (DPA 2018 s.38(3)): a person linked to an event has a category, and none is
given by default. Rule 14 (NPCC Minimum POLE Data Standards 1.1): no date in the future,
no end before its beginning, no made-up postcode. That a person is linked to something,
and a link to a person who exists, needs more than one file: the warehouse keeps such
orphans apart (`int_crime_links`) and counts them (`pole_quality_by_month`).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from edp_platform.contracts import Contract
from edp_platform.contracts.model import LANDING_DAY, Column, QualityRule
from edp_platform.governance.rules import enforces

#: `at` is the row's position in the frame that was asked about.
FAULTS_SCHEMA = pl.Schema({"at": pl.Int64, "column": pl.String, "reason": pl.String})

#: The shapes of a United Kingdom postcode (BS 7666), in capitals with one space. The
#: second half never holds C, I, K, M, O or V.
_POSTCODE = (
    r"\A(?:[A-Z][0-9]{1,2}|[A-Z][A-HK-Y][0-9]{1,2}|[A-Z][0-9][A-HJKPSTUW]"
    r"|[A-Z][A-HK-Y][0-9][ABEHMNPRVWXY]|GIR) [0-9][ABD-HJLNP-UW-Z]{2}\z"
)
#: Stand-ins that registers use where there is no address: ZZ99 is the one of the
#: national statistics, the others are typed when a form insists on a postcode.
_PSEUDO_POSTCODE = r"\A(?:ZZ|AA[0-9]|XX[0-9])"


def no_faults(*args: object, **kwargs: object) -> pl.DataFrame:
    """Return no fault at all: what stands where a test takes a rule away."""
    return pl.DataFrame(schema=FAULTS_SCHEMA)


@enforces(10, door="raw assets: the row is quarantined", removed=no_faults)
def uncategorised(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Find links of a person to an event that do not say as what.

    Args:
        rows: typed rows of one file.
        contract: says which column holds the category (`s38Role: category`) and which
            categories there are.

    Returns:
        `FAULTS_SCHEMA`: one row for each faulty row and column.
    """
    found = [no_faults()]
    for column in contract.columns:
        if not column.is_category:
            continue
        value = pl.col(column.name)
        known = [
            one
            for rule in column.rules
            for one in rule.arguments.get("validValues", ())
        ]
        blank = value.is_null() | (value.str.strip_chars() == "")
        found += [
            _faults(rows, blank, column, "rule 10: {} is blank"),
            _faults(
                rows,
                ~blank & ~value.is_in(known),
                column,
                "rule 10: {} is no category of the contract",
            ),
        ]
    return pl.concat(found)


@enforces(14, door="raw assets: the row is quarantined", removed=no_faults)
def below_pole_standards(
    rows: pl.DataFrame, contract: Contract, landed_on: date
) -> pl.DataFrame:
    """Find rows whose dates or postcodes cannot be true.

    Args:
        rows: typed rows of one file.
        contract: its `notAfter`, `notBefore` and `postcode` rules are asked.
        landed_on: the day the file landed, for dates that may not lie after it.

    Returns:
        `FAULTS_SCHEMA`: one row for each faulty row and rule.
    """
    found = [no_faults()]
    for column in contract.columns:
        for rule in column.rules:
            if rule.is_pole:
                found += _asked(rows, contract, column, rule, landed_on)
    return pl.concat(found)


def _asked(
    rows: pl.DataFrame,
    contract: Contract,
    column: Column,
    rule: QualityRule,
    landed_on: date,
) -> list[pl.DataFrame]:
    value = pl.col(column.name)
    found = []
    if "postcode" in rule.arguments:
        found += [
            _faults(
                rows,
                value.str.contains(_PSEUDO_POSTCODE),
                column,
                "rule 14: {} is a stand-in, not a postcode",
            ),
            _faults(
                rows,
                ~value.str.contains(_PSEUDO_POSTCODE) & ~value.str.contains(_POSTCODE),
                column,
                "rule 14: {} has the shape of no postcode",
            ),
        ]
    if rule.arguments.get("notAfter") == LANDING_DAY:
        future = value.cast(pl.Date) > pl.lit(landed_on)
        reason = "rule 14: {} is after the day the file landed"
        found.append(_faults(rows, future, column, reason))
    elif "notAfter" in rule.arguments:
        other = contract.column(rule.arguments["notAfter"])
        this, that = _comparable(column, other)
        reason = f"rule 14: {{}} is after {other.name}"
        found.append(_faults(rows, this > that, column, reason))
    if "notBefore" in rule.arguments:
        other = contract.column(rule.arguments["notBefore"])
        this, that = _comparable(column, other)
        reason = f"rule 14: {{}} is before {other.name}"
        found.append(_faults(rows, this < that, column, reason))
    return found


def _comparable(column: Column, other: Column) -> tuple[pl.Expr, pl.Expr]:
    """Return both as days where only one of them knows the time of day."""
    this, that = pl.col(column.name), pl.col(other.name)
    if column.logical_type == other.logical_type:
        return this, that
    return this.cast(pl.Date), that.cast(pl.Date)


def _faults(
    rows: pl.DataFrame, broken: pl.Expr, column: Column, reason: str
) -> pl.DataFrame:
    # A comparison with a blank is null, and no fault: completeness is another rule.
    at = rows.select(pl.arg_where(broken.fill_null(False))).to_series()
    return pl.DataFrame({"at": at.cast(pl.Int64)}).with_columns(
        column=pl.lit(column.name),
        reason=pl.lit(reason.format(column.name)),
    )
