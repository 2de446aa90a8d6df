"""Areas that are most like an area, on covariates that are declared.

Nearest neighbours by Euclidean distance on standardised covariates, as in the Nearest
Neighbours Model of CIPFA and the most similar groups of HMICFRS (which add covariates
and weights of their own). Every covariate counts the same; which they are, from where
and why, stands in `COVARIATES`. A distance is in standard deviations: it says how alike
two areas are on these covariates, not whether they are alike enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

#: Neighbours that are given for each area.
NEIGHBOURS = 5
#: Edition of the English Indices of Deprivation that has scores.
INDEX_YEAR = 2019
_AREA = "Inland Area (Hectares)"


@dataclass(frozen=True)
class Covariate:
    """What areas are compared on.

    Attributes:
        name: a column of `covariates`.
        areas: kinds of area that it is known for.
        why: it is here.
        scale: `log` where areas differ by factors.
    """

    name: str
    areas: tuple[str, ...]
    why: str
    scale: Literal["plain", "log"] = "plain"


COVARIATES = (
    Covariate(
        "deprivation_score",
        ("borough", "ward"),
        "Index of multiple deprivation 2019, mean of LSOAs by population: the strongest "
        "single correlate of recorded crime between areas.",
    ),
    Covariate(
        "people_per_hectare",
        ("borough",),
        "Residents of mid-2020 by inland area: crowds, night life and through traffic. "
        "The area of wards is not held.",
        "log",
    ),
    Covariate("people", ("borough", "ward"), "Residents of mid-2020: size.", "log"),
    Covariate(
        "share_0_15", ("borough", "ward"), "Residents under 16: families, schools."
    ),
    Covariate(
        "share_16_29",
        ("borough", "ward"),
        "Residents of 16 to 29: the ages of most victims and suspects of violence.",
    ),
    Covariate("share_65_plus", ("borough", "ward"), "Residents of 65 and over."),
)


SIMILAR = {
    "area_kind": pl.String,
    "area_code": pl.String,
    "area": pl.String,
    "nearness": pl.Int32,
    "similar_area_code": pl.String,
    "similar_area": pl.String,
    "distance": pl.Float64,
    "covariates": pl.String,
}


def covariates(
    deprivation: pl.DataFrame,
    population: pl.DataFrame,
    profiles: pl.DataFrame,
    lookup: pl.DataFrame,
) -> pl.DataFrame:
    """Return the covariates of every borough and ward.

    Args:
        deprivation: of `deprivation_by_lsoa`: `lsoa_code`, `index_year`, `imd_score`.
        population: of `population_by_area`, with `lsoa` areas among them.
        profiles: of `borough_profile_indicators`, for the inland area.
        lookup: of `lsoa_lookup`, 2011 codes: `lsoa_code`, `ward_code`, `borough_code`.

    Returns:
        One row per borough or ward: `area_kind`, `area_code`, `area` and the columns
        of `COVARIATES`, null where not known.
    """
    everyone = population.filter(pl.col("sex") == "all")
    people = everyone.filter(pl.col("age_band") == "all").select(
        "area_type", "area_code", "area", "people"
    )
    shares = everyone.filter(pl.col("age_band") != "all").select(
        "area_type", "area_code", "age_band", pl.col("people").alias("aged")
    )
    areas = people.filter(pl.col("area_type").is_in(["borough", "ward"]))
    for name, band in (
        ("share_0_15", "0-15"),
        ("share_16_29", "16-29"),
        ("share_65_plus", "65+"),
    ):
        of_band = shares.filter(pl.col("age_band") == band).drop("age_band")
        areas = areas.join(of_band, on=("area_type", "area_code"), how="left")
        share = pl.col("aged") / pl.col("people")
        areas = areas.with_columns(share.alias(name)).drop("aged")
    hectares = profiles.filter(pl.col("indicator") == _AREA).select(
        pl.lit("borough").alias("area_type"),
        "area_code",
        pl.col("value_number").alias("hectares"),
    )
    return (
        areas.join(
            _deprived(deprivation, people, lookup),
            on=["area_type", "area_code"],
            how="left",
        )
        .join(hectares, on=("area_type", "area_code"), how="left")
        .with_columns(
            (pl.col("people") / pl.col("hectares")).alias("people_per_hectare"),
            pl.col("people").cast(pl.Float64),
        )
        .rename({"area_type": "area_kind"})
        .select("area_kind", "area_code", "area", *(one.name for one in COVARIATES))
        .sort("area_kind", "area_code")
    )


def _deprived(
    deprivation: pl.DataFrame, people: pl.DataFrame, lookup: pl.DataFrame
) -> pl.DataFrame:
    """Return the mean score of each borough and ward, by the people of its LSOAs."""
    scored = (
        deprivation.filter(pl.col("index_year") == INDEX_YEAR)
        .select("lsoa_code", "imd_score")
        .join(
            people.filter(pl.col("area_type") == "lsoa").select(
                pl.col("area_code").alias("lsoa_code"), "people"
            ),
            on="lsoa_code",
        )
        .join(
            lookup.select("lsoa_code", "ward_code", "borough_code").unique("lsoa_code"),
            on="lsoa_code",
        )
    )
    mean = (pl.col("imd_score") * pl.col("people")).sum() / pl.col("people").sum()
    return pl.concat(
        scored.group_by(pl.col(f"{kind}_code").alias("area_code"))
        .agg(mean.alias("deprivation_score"))
        .select(pl.lit(kind).alias("area_type"), "area_code", "deprivation_score")
        for kind in ("borough", "ward")
    )


def similar_areas(known: pl.DataFrame, neighbours: int = NEIGHBOURS) -> pl.DataFrame:
    """Return the areas most like each area, with their distances.

    Args:
        known: as `covariates` returns them. Areas that lack a covariate of their kind
            are left out: nothing is said of them rather than something made up.
        neighbours: of each area.

    Returns:
        One row per area and neighbour: `area_kind`, `area_code`, `area`, `nearness` (1
        is the most alike), `similar_area_code`, `similar_area`, `distance` in standard
        deviations, and `covariates` that it is on. Ties go by code.
        A kind of which fewer than two areas have all covariates has no rows: the data
        sets of `COVARIATES` have not arrived.
    """
    kinds = known["area_kind"].unique().sort().to_list()
    found = [_nearest(known, kind, neighbours) for kind in kinds]
    return pl.concat([pl.DataFrame(schema=SIMILAR), *found])


def _nearest(known: pl.DataFrame, kind: str, neighbours: int) -> pl.DataFrame:
    chosen = [one for one in COVARIATES if kind in one.areas]
    names = [one.name for one in chosen]
    areas = known.filter(pl.col("area_kind") == kind).drop_nulls(names)
    areas = areas.sort("area_code")
    if areas.height < 2:
        return pl.DataFrame(schema=SIMILAR)
    columns = [
        np.log(areas[one.name].to_numpy())
        if one.scale == "log"
        else areas[one.name].to_numpy()
        for one in chosen
    ]
    values = np.column_stack(columns)
    spread = values.std(axis=0)
    scaled = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    squares = (scaled**2).sum(axis=1)
    apart = squares[:, None] + squares[None, :] - 2 * scaled @ scaled.T
    distance = np.sqrt(np.maximum(apart, 0))
    np.fill_diagonal(distance, np.inf)
    count = min(neighbours, areas.height - 1)
    # Rounded, so that the same areas come first on every machine.
    order = np.argsort(distance.round(9), axis=1, kind="stable")[:, :count]
    codes, titles = areas["area_code"], areas["area"]
    rows = np.repeat(np.arange(areas.height), count)
    nearest = order.ravel()
    return pl.DataFrame(
        {
            "area_kind": [kind] * len(rows),
            "area_code": codes.gather(rows),
            "area": titles.gather(rows),
            "nearness": np.tile(np.arange(1, count + 1, dtype=np.int32), areas.height),
            "similar_area_code": codes.gather(nearest),
            "similar_area": titles.gather(nearest),
            "distance": distance[rows, nearest],
            "covariates": [", ".join(names)] * len(rows),
        }
    )
