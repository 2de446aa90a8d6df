"""Counts of every source in one shape: by month, and by the twelve months up to it.

A month of a borough holds few searches of a small group. Where all of the twelve months
up to a month are held they are added too; a gap is never bridged.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

#: The groups of the census that people are compared by, in alphabetical order, and the
#: one that the others are compared with.
GROUPS = ("Asian", "Black", "Mixed", "Other", "White")
REFERENCE = "White"
UNKNOWN = "Not known"
#: How marts say that an ethnic group is not known.
_NOT_KNOWN = ("Not stated", "Unrecognised", "Not known")

POLICE_UK = "police_uk_stop_and_search"
RECORDS = "stop_and_search_records"

#: What is counted of searches: see the mart `searches_by_ethnic_group_and_month`.
COUNTED = (
    "searches",
    "outcomes_stated",
    "positive_outcomes",
    "positive_outcomes_with_link",
    "finds_known",
    "finds",
)
#: Of what a row of searches is told.
_TOLD = (
    "source",
    "force",
    "month",
    "borough_code",
    "ethnic_group",
    "officer_defined_ethnic_group",
    "is_exact_repeat",
)
_MONTHS = "months_in_period"


def searches_of(
    published: pl.DataFrame, records: pl.DataFrame, own_force: str
) -> pl.DataFrame:
    """Return the searches of the published files and of the force's own records.

    Args:
        published: rows of the mart `searches_by_ethnic_group_and_month`.
        records: rows of the mart `stop_and_search_records_by_month`.
        own_force: whose records those are.

    Returns:
        source, force, month, borough_code, ethnic_group (`UNKNOWN` where it is),
        officer_defined_ethnic_group, is_exact_repeat and `COUNTED`, as floats.
    """
    own = records.select(
        pl.lit(RECORDS).alias("source"),
        pl.lit(own_force).alias("force"),
        "month",
        "borough_code",
        pl.col("ethnicity_self_defined_group").alias("ethnic_group"),
        pl.col("ethnicity_officer_defined_group").alias("officer_defined_ethnic_group"),
        # Each record has a number, so none repeats.
        pl.lit(False).alias("is_exact_repeat"),
        "searches",
        pl.col("searches").alias("outcomes_stated"),
        pl.col("with_further_action").alias("positive_outcomes"),
        pl.col("with_further_action").alias("positive_outcomes_with_link"),
        pl.col("searches").alias("finds_known"),
        pl.col("found_object_of_search").alias("finds"),
    )
    theirs = published.select(pl.lit(POLICE_UK).alias("source"), *_TOLD[1:], *COUNTED)
    types = pl.col(*COUNTED).cast(pl.Float64)
    return pl.concat(
        [theirs.with_columns(types), own.with_columns(types)]
    ).with_columns(
        known_groups("ethnic_group"), known_groups("officer_defined_ethnic_group")
    )


def known_groups(column: str) -> pl.Expr:
    """Return a column of groups with every way of not knowing called `UNKNOWN`."""
    group = pl.col(column)
    return (
        pl.when(group.is_in(_NOT_KNOWN) | group.is_null())
        .then(pl.lit(UNKNOWN))
        .otherwise(group)
        .alias(column)
    )


def by_period(
    rows: pl.DataFrame,
    series: Sequence[str],
    *,
    period: str = "month",
    every: int = 1,
    length: int = 12,
) -> pl.DataFrame:
    """Return the rows of each period, and of the year up to each where all is held.

    Args:
        rows: with a column `period`, the first day of a month or quarter.
        series: the columns that tell one supply from another, such as source and force:
            a period is held where the supply has any row of it.
        period: the column of the period.
        every: months in a period.
        length: months in the long period.

    Returns:
        the rows, with `period` the last one of what they are added to, and
        `months_in_period`, `every` or `length`. Nothing is added up yet: a row of a
        period stands in up to thirteen.
    """
    held = rows.select(*series, period).unique()
    reach = pl.DataFrame({"back": range(0, length, every)})
    windows = (
        held.rename({period: "last"})
        .join(reach, how="cross")
        .with_columns(
            pl.col("last")
            .dt.offset_by(pl.format("-{}mo", pl.col("back")))
            .alias(period)
        )
        .join(held, on=[*series, period])
        .filter(pl.len().over([*series, "last"]) == length // every)
        .drop("back")
    )
    long = rows.join(windows, on=[*series, period]).with_columns(
        pl.col("last").alias(period), pl.lit(length).alias(_MONTHS)
    )
    return pl.concat(
        [rows.with_columns(pl.lit(every).alias(_MONTHS)), long.drop("last")]
    )


def side_by_side(
    rows: pl.DataFrame, keys: Sequence[str], counted: Sequence[str]
) -> pl.DataFrame:
    """Return one row per key and group: its counts beside the reference's and unknown.

    Args:
        rows: with `keys`, ethnic_group and `counted`.
        keys: what a row stands for, such as force, month and borough.
        counted: columns to add up.

    Returns:
        `keys`, ethnic_group (each of `GROUPS`), and for each counted column c: c (the
        group's), reference_c, unknown_c and all_c; 0 where there is none.
    """

    def of(column: str, group: str) -> pl.Expr:
        return pl.col(column).filter(pl.col("ethnic_group") == group).sum()

    wide = rows.group_by(keys).agg(
        *(
            of(one, group).alias(f"{one}:{group}")
            for one in counted
            for group in GROUPS
        ),
        *(of(one, UNKNOWN).alias(f"unknown_{one}") for one in counted),
        *(pl.col(one).sum().alias(f"all_{one}") for one in counted),
    )
    return pl.concat(
        wide.select(
            *keys,
            pl.lit(group).alias("ethnic_group"),
            *(pl.col(f"{one}:{group}").alias(one) for one in counted),
            *(
                pl.col(f"{one}:{REFERENCE}").alias(f"reference_{one}")
                for one in counted
            ),
            *(f"unknown_{one}" for one in counted),
            *(f"all_{one}" for one in counted),
        )
        for group in GROUPS
    )


def residents_of(
    population: pl.DataFrame, forces: pl.DataFrame, policed: pl.DataFrame
) -> pl.DataFrame:
    """Return the residents of each area that a force polices, by group.

    The eight categories of the census become five groups as the contract maps them: two
    kinds of White other than British with White British; Asian (Chinese included, as
    the census counts it since 2011), Black, Mixed, and Other (Arab included).

    Args:
        population: rows of the mart `population_by_ethnic_group`.
        forces: borough_code, borough and force, as `int_borough_forces` has them.
        policed: borough_code and force beyond London (`Denominators.policed`).

    Returns:
        force, borough_code, borough, population_year, ethnic_group, people.
    """
    areas = pl.concat(
        [forces.select("force", "borough_code", "borough"), policed], how="diagonal"
    ).drop_nulls("force")
    return (
        population.rename({"area_code": "borough_code"})
        .join(areas, on="borough_code")
        # The lookups name boroughs in full; a mirror of the census has "W&sworth".
        .with_columns(pl.coalesce("borough", "area").alias("borough"))
        .filter(pl.col("ethnic_group_broad").is_in(GROUPS))
        .group_by(
            "force", "borough_code", "borough", "population_year", "ethnic_group_broad"
        )
        .agg(pl.col("people").sum().cast(pl.Float64))
        .rename({"ethnic_group_broad": "ethnic_group"})
    )
