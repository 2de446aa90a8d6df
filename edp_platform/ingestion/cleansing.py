"""Cleansing: declared rules on received text, counted, and never the only copy.

A contract names rules on a column (`cleansing: [trim, uppercase-postcode]`) from the
closed list `contracts.vocabulary.CLEANSING_RULES`. They are applied to the text of a
file after it is read and before anything is checked. Every cell that changes is kept in
`EDP_HOME/cleansed` with its line, what was received and what each rule made of it; the
received file itself stays in landing as it came. Nothing here knows a person or a file:
pure polars expressions in, frames out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from edp_platform.contracts import Contract
from edp_platform.ingestion.landing import WHOLE

#: One row for each rule that changed a cell. `original` is what was received, in every
#: row of the cell; `cleansed` is what stood after this rule; `step` orders the rules.
CHANGES_SCHEMA = pl.Schema(
    {
        "source_line": pl.Int64,
        "month": pl.String,
        "column": pl.String,
        "step": pl.Int64,
        "rule": pl.String,
        "original": pl.String,
        "cleansed": pl.String,
    }
)

#: Words that say that nothing is known. "Null" and "Na" are surnames and "none" and
#: "not stated" are answers, so they are not among them.
_NULL_WORDS = (
    r"(?i)\A\s*(?:unknown|not known|n/k|n/a|not recorded|not given|[-.?*_/\s]+)\s*\z"
)
_APOSTROPHES = "[\u2018\u2019\u02bc\u00b4`]"
#: The shapes of UK postcodes (British Standard 7666), blanks taken out.
_POSTCODE = r"\A(?:GIR0AA|[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2})\z"
_BLANKS = r"\s+"


@dataclass(frozen=True)
class Cleansed:
    """The rows after cleansing, and every change (`CHANGES_SCHEMA`)."""

    rows: pl.DataFrame
    changes: pl.DataFrame


def _straight_apostrophes(value: pl.Expr) -> pl.Expr:
    # U+0149 is an apostrophe and an n in one sign, deprecated by Unicode itself.
    return value.str.replace_all("\u0149", "'n", literal=True).str.replace_all(
        _APOSTROPHES, "'"
    )


def _trim(value: pl.Expr) -> pl.Expr:
    bare = value.str.strip_chars()
    return pl.when(bare != "").then(bare)


def _collapse_spaces(value: pl.Expr) -> pl.Expr:
    return value.str.replace_all(_BLANKS, " ")


def _null_words(value: pl.Expr) -> pl.Expr:
    return pl.when(~value.str.contains(_NULL_WORDS)).then(value)


def _title_case_name(value: pl.Expr) -> pl.Expr:
    title = value.str.to_titlecase()
    # A few letters of other alphabets are still of one case when they stand in title
    # case; they are changed only where a second time would change nothing more.
    settled = ~_one_case(title) | (title.str.to_titlecase() == title)
    return pl.when(_one_case(value) & settled).then(title).otherwise(value)


def _one_case(value: pl.Expr) -> pl.Expr:
    return (value == value.str.to_uppercase()) | (value == value.str.to_lowercase())


def _uppercase(value: pl.Expr) -> pl.Expr:
    return value.str.to_uppercase()


def _lowercase(value: pl.Expr) -> pl.Expr:
    return value.str.to_lowercase()


def _uppercase_postcode(value: pl.Expr) -> pl.Expr:
    joined = value.str.replace_all(_BLANKS, "").str.to_uppercase()
    spaced = joined.str.head(-3) + pl.lit(" ") + joined.str.tail(3)
    return pl.when(joined.str.contains(_POSTCODE)).then(spaced).otherwise(value)


def _plain_phone(value: pl.Expr) -> pl.Expr:
    plain = (
        value.str.replace_all(r"[\s().-]", "")
        .str.replace(r"\A(?:\+|00)44(?:0)?([1-9][0-9]{8,9})\z", "0${1}")
        .str.replace(r"\A\+", "00")
    )
    return pl.when(plain.str.contains(r"\A[0-9]{6,}\z")).then(plain).otherwise(value)


#: Rule → its expression; the names and the order are those of `CLEANSING_RULES`.
EXPRESSIONS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "straight-apostrophes": _straight_apostrophes,
    "trim": _trim,
    "collapse-spaces": _collapse_spaces,
    "null-words": _null_words,
    "title-case-name": _title_case_name,
    "uppercase": _uppercase,
    "lowercase": _lowercase,
    "uppercase-postcode": _uppercase_postcode,
    "plain-phone": _plain_phone,
}


def cleanse(rows: pl.DataFrame, contract: Contract) -> Cleansed:
    """Apply a contract's cleansing rules to the rows of one file.

    Args:
        rows: typed rows with `source_line`, and `month` where the data set is monthly.
        contract: names the rules, already in the order in which they are applied.

    Returns:
        the same rows in the same order, and the changes. A line of a wide file makes
        several rows; a change of one of its cells is kept once.
    """
    month = pl.col("month") if "month" in rows.columns else pl.lit(WHOLE)
    changes = [pl.DataFrame(schema=CHANGES_SCHEMA)]
    for column in contract.columns:
        if not column.cleansing:
            continue
        received = rows[column.name]
        value = received
        for step, rule in enumerate(column.cleansing, start=1):
            after = _applied(rule, value)
            changed = value.ne_missing(after)
            if changed.any():
                changes.append(
                    rows.select(
                        "source_line",
                        month=month,
                        column=pl.lit(column.name),
                        step=pl.lit(step, dtype=pl.Int64),
                        rule=pl.lit(rule),
                        original=received,
                        cleansed=after,
                    )
                    .filter(changed)
                    .unique(["source_line", "column", "step"], maintain_order=True)
                )
                value = after
        rows = rows.with_columns(value.alias(column.name))
    return Cleansed(rows, pl.concat(changes))


def _applied(rule: str, value: pl.Series) -> pl.Series:
    name = value.name
    return value.to_frame().select(EXPRESSIONS[rule](pl.col(name))).to_series()


def counts(changes: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Count changed cells: month → "column: rule" → cells."""
    counted: dict[str, dict[str, int]] = {}
    rows = changes.group_by("month", "column", "rule").len().sort(pl.all())
    for month, column, rule, number in rows.iter_rows():
        counted.setdefault(month, {})[f"{column}: {rule}"] = number
    return counted


def restored(rows: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """Give rows back the values that were received.

    Args:
        rows: of one file, with `source_line`, as the lake holds them.
        changes: of that file (`CHANGES_SCHEMA`).
    """
    first = changes.unique(["source_line", "column"], keep="first", maintain_order=True)
    for (column,), cells in first.group_by("column", maintain_order=True):
        name = str(column)
        received = cells.select(
            "source_line", _received=pl.col("original"), _changed=pl.lit(True)
        )
        rows = (
            rows.join(received, on="source_line", how="left", maintain_order="left")
            .with_columns(
                pl.when(pl.col("_changed"))
                .then(pl.col("_received"))
                .otherwise(pl.col(name))
                .alias(name)
            )
            .drop("_received", "_changed")
        )
    return rows
