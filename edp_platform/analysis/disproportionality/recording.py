"""Officer-defined against self-defined ethnicity: how often the two differ."""

from __future__ import annotations

import polars as pl

from edp_platform.analysis.disproportionality.counts import GROUPS, UNKNOWN, by_period
from edp_platform.analysis.disproportionality.words import in_words_period, number
from edp_platform.analysis.intervals import LEVEL, divided, wilson

EVERYBODY = "All"
#: Groups that both lists have. Officers have no code for Mixed, so such a pair can
#: neither agree nor differ.
COMPARABLE = ("Asian", "Black", "Other", "White")

_SUPPLY = ("source", "force", "month", "months_in_period")


def ethnicity_recording_agreement(
    searches: pl.DataFrame, level: float = LEVEL
) -> pl.DataFrame:
    """Return for each self-defined group how officers saw the people of it.

    Source of the interval: `intervals.wilson`.

    Args:
        searches: `counts.searches_of`.
        level: coverage of the interval.

    Returns:
        one row per source, force, month, months_in_period and self-defined group, with
        a row "All"; `seen_as_…` is one line of the matrix of pairs, and
        `mismatch_percent` the share, of the pairs that can be compared, in which the
        officer saw another group. What each column means stands in
        `ethnicity_recording_agreement.yml`.
    """
    pairs = ("source", "force", "month", "ethnic_group", "officer_defined_ethnic_group")
    periods = by_period(
        searches.group_by(pairs).agg(pl.col("searches").sum()), ("source", "force")
    )
    own, seen = pl.col("ethnic_group"), pl.col("officer_defined_ethnic_group")
    is_comparable = own.is_in(COMPARABLE) & seen.is_in(COMPARABLE)
    counts = [
        pl.col("searches").sum(),
        pl.col("searches").filter(is_comparable).sum().alias("comparable"),
        pl.col("searches")
        .filter(is_comparable & (own != seen))
        .sum()
        .alias("mismatched"),
        *(
            pl.col("searches").filter(seen == group).sum().alias(_seen_as(group))
            for group in (*GROUPS, UNKNOWN)
        ),
    ]
    by_group = periods.group_by(*_SUPPLY, "ethnic_group").agg(counts)
    everybody = (
        periods.group_by(_SUPPLY)
        .agg(counts)
        .with_columns(ethnic_group=pl.lit(EVERYBODY))
    )
    mismatched, comparable = pl.col("mismatched"), pl.col("comparable")
    interval = wilson(mismatched, comparable, level)
    whole = ["searches", "comparable", "mismatched", *map(_seen_as, (*GROUPS, UNKNOWN))]
    return (
        pl.concat([by_group, everybody], how="diagonal")
        .with_columns(
            divided(100 * mismatched, comparable).alias("mismatch_percent"),
            (100 * interval.lower).alias("mismatch_lower"),
            (100 * interval.upper).alias("mismatch_upper"),
            divided(100 * comparable, pl.col("searches")).alias("comparable_percent"),
        )
        .with_columns(words=_words())
        .select(
            *_SUPPLY,
            pl.col("ethnic_group").alias("self_defined_ethnic_group"),
            pl.col(*whole).cast(pl.Int64),
            "comparable_percent",
            "mismatch_percent",
            "mismatch_lower",
            "mismatch_upper",
            "words",
        )
        .sort(*_SUPPLY, "self_defined_ethnic_group")
    )


def _seen_as(group: str) -> str:
    return f"seen_as_{group.lower().replace(' ', '_')}"


def _words() -> pl.Expr:
    whose = (
        pl.when(pl.col("ethnic_group") == EVERYBODY)
        .then(pl.lit("people"))
        .otherwise(pl.format("people who call themselves {}", "ethnic_group"))
    )
    where = pl.format("{}, {}", "force", in_words_period())
    return (
        pl.when(pl.col("comparable") > 0)
        .then(
            pl.format(
                "{}: officers saw another group in {} per cent of the searches of {} in "
                "which the two descriptions can be compared (95 per cent interval {} to "
                "{}); that is {} per cent of those searches.",
                where,
                number("mismatch_percent", 1),
                whose,
                number("mismatch_lower", 1),
                number("mismatch_upper", 1),
                number("comparable_percent", 0),
            )
        )
        .otherwise(
            pl.format(
                "{}: of {} no two descriptions can be compared: officers have no code "
                "for the group, or one of the two is not known.",
                where,
                whose,
            )
        )
    )
