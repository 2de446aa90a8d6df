"""The people of the made-up land: by LSOA, sex and age, and by borough and group."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from edp_platform.sample.draws import Draws
from edp_platform.sample.geography import Geography

AGE_BANDS = ["0-15", "16-29", "30-44", "45-64", "65+"]
_AGE_SHARES = [0.20, 0.20, 0.25, 0.23, 0.12]

# The census categories and how they gather into the five groups of searches.
CENSUS_GROUPS = [
    (-8, "Does not apply", None),
    (1, "Asian", "Asian"),
    (2, "Black", "Black"),
    (3, "Mixed", "Mixed"),
    (4, "White British", "White"),
    (5, "White Other", "White"),
    (6, "White Other", "White"),
    (7, "Other", "Other"),
]


@dataclass(frozen=True)
class Population:
    """Residents.

    Attributes:
        by_lsoa: One row a 2011 LSOA, with cell, borough and a column a sex and age
            band, such as ``Persons_All-Ages``.
        by_ethnic_group: borough, code (of the census category), people.
    """

    by_lsoa: pl.DataFrame
    by_ethnic_group: pl.DataFrame

    def group_shares(self) -> pl.DataFrame:
        """Return borough and a column a group of searches: its share of residents."""
        groups = {code: group for code, _, group in CENSUS_GROUPS if group}
        return (
            self.by_ethnic_group.filter(pl.col("code") > 0)
            .with_columns(
                group=pl.col("code").replace_strict(groups, return_dtype=pl.String)
            )
            .group_by("borough", "group")
            .agg(pl.col("people").sum())
            .with_columns(
                share=pl.col("people") / pl.col("people").sum().over("borough")
            )
            .pivot("group", index="borough", values="share")
            .sort("borough")
        )


def make_population(geography: Geography, seed: int) -> Population:
    """Make residents for every LSOA, and their ethnic groups for every borough."""
    by_lsoa = _by_lsoa(geography, seed)
    return Population(by_lsoa, _by_ethnic_group(geography, by_lsoa, seed))


def _by_lsoa(geography: Geography, seed: int) -> pl.DataFrame:
    cells = geography.cells.select("cell", "borough")
    names = ["people", "men", *AGE_BANDS]
    draws = Draws(seed, "population").frame(cells.height, *names)
    people = 1300 + 900 * pl.col("people")
    total_share = pl.sum_horizontal(
        share * (0.6 + 0.8 * pl.col(band))
        for share, band in zip(_AGE_SHARES, AGE_BANDS, strict=True)
    )
    counted = draws.select(
        column
        for band, share in zip(AGE_BANDS, _AGE_SHARES, strict=True)
        for column in _both_sexes(
            band, people * share * (0.6 + 0.8 * pl.col(band)) / total_share
        )
    )
    for sex in ("Males", "Females"):
        counted = counted.with_columns(
            pl.sum_horizontal(f"{sex}_{band}" for band in AGE_BANDS).alias(
                f"{sex}_All-Ages"
            )
        )
    bands = ["All-Ages", *AGE_BANDS]
    persons = counted.with_columns(
        (pl.col(f"Males_{band}") + pl.col(f"Females_{band}")).alias(f"Persons_{band}")
        for band in bands
    )
    order = [
        f"{who}_{band}" for who in ("Persons", "Males", "Females") for band in bands
    ]
    return cells.hstack(persons.select(order))


def _both_sexes(band: str, people: pl.Expr) -> list[pl.Expr]:
    men = (people * (0.44 + 0.1 * pl.col("men"))).round().cast(pl.Int64)
    return [
        men.alias(f"Males_{band}"),
        (people.round().cast(pl.Int64) - men).alias(f"Females_{band}"),
    ]


def _by_ethnic_group(
    geography: Geography, by_lsoa: pl.DataFrame, seed: int
) -> pl.DataFrame:
    people = (
        by_lsoa.group_by("borough", maintain_order=True)
        .agg(pl.col("Persons_All-Ages").sum().alias("people"))
        .sort("borough")["people"]
        .to_list()
    )
    draws = Draws(seed, "ethnic groups")
    rows = []
    for borough, number in enumerate(people):
        weights = {
            -8: 0.0,
            1: 0.06 + 0.30 * draws.number(f"asian{borough}"),
            2: 0.05 + 0.22 * draws.number(f"black{borough}"),
            3: 0.04 + 0.03 * draws.number(f"mixed{borough}"),
            4: 0.28 + 0.40 * draws.number(f"british{borough}"),
            5: 0.01 + 0.02 * draws.number(f"irish{borough}"),
            6: 0.08 + 0.14 * draws.number(f"white{borough}"),
            7: 0.03 + 0.06 * draws.number(f"other{borough}"),
        }
        total = sum(weights.values())
        rows += [
            {
                "borough": borough,
                "code": code,
                "people": round(number * 1.02 * weight / total),
            }
            for code, weight in weights.items()
        ]
    return pl.DataFrame(rows)
