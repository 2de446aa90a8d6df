"""Figures and periods as they are written in sentences."""

from __future__ import annotations

import polars as pl


def in_words_period() -> pl.Expr:
    """Return the period: "March 2018", "the 12 months to March 2018"."""
    month = pl.col("month").dt.strftime("%B %Y")
    return (
        pl.when(pl.col("months_in_period") == 1)
        .then(month)
        .otherwise(pl.format("the {} months to {}", "months_in_period", month))
    )


def number(column: str, digits: int = 2) -> pl.Expr:
    """Return a figure rounded to so many digits after the point."""
    rounded = pl.col(column).round(digits)
    return (rounded if digits else rounded.cast(pl.Int64)).cast(pl.String)
