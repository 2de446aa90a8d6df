"""Repeated records: set aside, quarantined or flagged, by whether they can be told apart.

- A row that carries an identifier and repeats another in every received column is one
  thing published twice: the repeat is set aside, and says which line it repeats.
- Rows that carry the same identifier but differ cannot be resolved: all are kept and
  flagged (`shares_identifier`). Where the contract makes the identifier a primary key,
  such rows contradict each other and all are quarantined.
- A row with no identifier that repeats another may be a second, separate event: it is
  kept and flagged (`is_exact_repeat`).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from edp_platform.contracts import Contract

SET_ASIDE_SCHEMA: dict[str, type[pl.DataType]] = {
    "source_line": pl.Int64,
    "month": pl.String,
    "repeats_line": pl.Int64,
}


@dataclass(frozen=True)
class Resolved:
    """Rows to load with their two flags, repeats set aside, contradictions."""

    rows: pl.DataFrame
    set_aside: pl.DataFrame
    contradictions: pl.DataFrame


def resolve_repeats(rows: pl.DataFrame, contract: Contract) -> Resolved:
    """Tell repeated records apart within one file.

    Args:
        rows: typed rows of one file with `source_line`, in file order, and `month`
            where the data set is monthly.
        contract: names the identifying columns, or none.

    Returns:
        the rows to load, `SET_ASIDE_SCHEMA` for the repeats, and the rows (whole) that
        contradict another of their key.
    """
    month = [name for name in ("month",) if name in rows.columns]
    received = [
        name for name in rows.columns if name not in ("source_line", *month)
    ] + month
    key = [*contract.identity, *month]
    flagged = rows.with_columns(
        is_exact_repeat=pl.lit(False), shares_identifier=pl.lit(False)
    )
    nothing = pl.DataFrame(schema=SET_ASIDE_SCHEMA)
    if not contract.identity:
        repeats = ~rows.select(pl.struct(received).is_first_distinct()).to_series()
        return Resolved(
            flagged.with_columns(is_exact_repeat=repeats), nothing, rows.clear()
        )
    identified = rows.select(
        pl.all_horizontal(pl.col(name).is_not_null() for name in contract.identity)
    ).to_series()
    if not identified.all():
        blank = rows.filter(~identified)
        again = ~blank.select(pl.struct(received).is_first_distinct()).to_series()
        lines = blank.filter(again)["source_line"]
        flagged = flagged.with_columns(
            is_exact_repeat=pl.col("source_line").is_in(lines.implode())
        )
    shared = (
        identified
        & rows.select(
            pl.struct(key).is_duplicated()
            if len(key) > 1
            else pl.col(key[0]).is_duplicated()
        ).to_series()
    )
    if not shared.any():
        return Resolved(flagged, nothing, rows.clear())
    among = rows.filter(shared).with_columns(
        first_line=pl.col("source_line").min().over(received),
    )
    repeated = among.filter(pl.col("source_line") != pl.col("first_line"))
    differing = among.filter(pl.col("source_line") == pl.col("first_line")).filter(
        pl.struct(key).is_duplicated()
    )
    # A line of a wide file holds many rows: only those of this key go, not the line's.
    cell = ["source_line", *key]
    out = repeated.select(cell)
    flagged = flagged.join(out, on=out.columns, how="anti", maintain_order="left")
    contradictions = rows.clear()
    if contract.primary_key:
        contradictions = differing.select(rows.columns)
        gone = differing.select(cell)
        flagged = flagged.join(gone, on=gone.columns, how="anti", maintain_order="left")
    elif differing.height:
        lines = differing["source_line"].implode()
        flagged = flagged.with_columns(
            shares_identifier=pl.col("source_line").is_in(lines)
        )
    return Resolved(
        flagged,
        repeated.select(
            "source_line",
            month=pl.col("month") if month else pl.lit(None, dtype=pl.String),
            repeats_line="first_line",
        ),
        contradictions,
    )
