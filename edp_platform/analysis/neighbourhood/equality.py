"""Who lives where the ranking points, looked at after it is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from edp_platform.analysis.neighbourhood.concentration import Floats
from edp_platform.analysis.neighbourhood.panels import Panel
from edp_platform.analysis.neighbourhood.places import constant_areas

#: Deciles of deprivation that are called the most deprived: a fifth of the country.
_MOST_DEPRIVED = 2


@dataclass(frozen=True)
class Residents:
    """The marts that say who lives where.

    Attributes:
        population: `population_by_area`: `area_type`, `area_code`, `sex`, `age_band`,
            `people`; LSOAs are those of 2011.
        deprivation: `deprivation_by_lsoa`: `lsoa_code`, `index_year`, `imd_score`,
            `imd_decile`.
        ethnicity: `population_by_ethnic_group`: `area_code`, `ethnic_group_broad`,
            `people`; by borough.
        lookup: `lsoa_lookup`.
        overlaps: LSOAs of 2011 and 2021 that overlap.
    """

    population: pl.DataFrame
    deprivation: pl.DataFrame
    ethnicity: pl.DataFrame
    lookup: pl.DataFrame
    overlaps: pl.DataFrame


@dataclass(frozen=True)
class Characteristic:
    """One thing that is compared between the top areas and the rest.

    Attributes:
        column: of the profile.
        title: what it is, with its unit.
        limit: what the figure cannot say.
        of_borough: it is held for boroughs alone.
    """

    column: str
    title: str
    limit: str
    of_borough: bool = False


_AREAS_NOT_PEOPLE = "Of all who live in the areas; it says nothing of any person."
CHARACTERISTICS = (
    Characteristic(
        "imd_score",
        "Deprivation: mean IMD 2019 score (higher is more deprived)",
        "One domain of the index is recorded crime, a part of its weight of 9.3 %.",
    ),
    Characteristic(
        "most_deprived",
        "Deprivation: % of residents in the most deprived fifth of England",
        "One domain of the index is recorded crime, a part of its weight of 9.3 %.",
    ),
    Characteristic("under_16", "Age: % of residents aged 0 to 15", _AREAS_NOT_PEOPLE),
    Characteristic(
        "aged_16_to_29", "Age: % of residents aged 16 to 29", _AREAS_NOT_PEOPLE
    ),
    Characteristic(
        "aged_65_plus", "Age: % of residents aged 65 or over", _AREAS_NOT_PEOPLE
    ),
    Characteristic(
        "not_white",
        "Ethnic group: % of the borough's residents not of a White group, Census 2021",
        "Held by borough only, so areas of one borough cannot be told apart: a "
        "difference inside a borough does not show, and a small one here is no proof "
        "of none. Areas weigh alike where the residents of some are not held.",
        of_borough=True,
    ),
)

_OF_AREAS = [one for one in CHARACTERISTICS if not one.of_borough]


def profiles(residents: Residents) -> pl.DataFrame:
    """Return who lives in each area, of every kind that a panel may have.

    Returns:
        `area_kind` (`lsoa` is the area that is the same in 2011 and 2021, `lsoa 2011` the
        code of that year, `ward` that of 2019), `area_code`, `residents`, and a column
        for each characteristic that is held for areas; means are weighted by residents.
    """
    people = residents.population.filter(
        (pl.col("area_type") == "lsoa") & (pl.col("sex") == "all")
    )
    ages = people.group_by(lsoa_code="area_code").agg(
        residents=_aged("all"),
        under_16=100 * _aged("0-15") / _aged("all"),
        aged_16_to_29=100 * _aged("16-29") / _aged("all"),
        aged_65_plus=100 * _aged("65+") / _aged("all"),
    )
    ages = ages.with_columns(pl.col(pl.Float64).fill_nan(None))
    deprivation = residents.deprivation.filter(pl.col("index_year") == 2019).select(
        "lsoa_code",
        "imd_score",
        most_deprived=100.0 * (pl.col("imd_decile") <= _MOST_DEPRIVED),
    )
    lsoas = ages.join(deprivation, on="lsoa_code", how="left").join(
        residents.lookup, on="lsoa_code", how="left"
    )
    constant = constant_areas(residents.lookup, residents.overlaps)
    kinds = {
        "lsoa": lsoas.join(constant.select("lsoa_code", "area_code"), on="lsoa_code"),
        "lsoa 2011": lsoas.with_columns(area_code="lsoa_code"),
        "ward": lsoas.filter(pl.col("ward_code").is_not_null()).with_columns(
            area_code="ward_code"
        ),
    }
    return pl.concat(
        frame.group_by("area_code")
        .agg(pl.col("residents").sum(), *(_mean(one.column) for one in _OF_AREAS))
        .with_columns(area_kind=pl.lit(kind))
        for kind, frame in kinds.items()
    ).sort("area_kind", "area_code")


def profile_kind(panel: Panel) -> str:
    """Return which areas of `profiles` are those of a panel."""
    return "lsoa 2011" if panel.data_set == "mps_lsoa_burglary" else panel.area_kind


def boroughs(residents: Residents) -> pl.DataFrame:
    """Return what is held for boroughs alone: `borough_code` and a column each."""
    people = pl.col("people")
    return residents.ethnicity.group_by(borough_code="area_code").agg(
        not_white=100
        * people.filter(pl.col("ethnic_group_broad") != "White").sum()
        / people.sum()
    )


def of_panel(
    panel: Panel, known: pl.DataFrame, of_boroughs: pl.DataFrame
) -> pl.DataFrame:
    """Return the profile of each area of a panel, in its order; blank where unknown.

    Args:
        panel: whose areas.
        known: of `profiles`.
        of_boroughs: of `boroughs`.
    """
    of_kind = known.filter(pl.col("area_kind") == profile_kind(panel))
    return (
        panel.areas.select("area_code", "borough_code")
        .join(
            of_kind.drop("area_kind"), on="area_code", how="left", maintain_order="left"
        )
        .join(of_boroughs, on="borough_code", how="left", maintain_order="left")
    )


def compared(named: Floats, profile: pl.DataFrame) -> Iterator[dict[str, object]]:
    """Yield how the areas that the ranking names differ from the rest.

    Means are weighted by residents. Every area is there, so no interval of chance is
    given; a difference is one of these areas, and no cause of anything.

    Args:
        named: (areas,), how far each area is among those named, 0 to 1.
        profile: of the same areas, in their order.
    """
    are_counted = profile["residents"].null_count() == 0
    for one in CHARACTERISTICS:
        alike = one.of_borough and not are_counted
        frame = profile.select(
            pl.lit(1.0).alias("residents") if alike else pl.col("residents"),
            value=one.column,
            named=pl.Series(named),
        ).with_columns(
            known=pl.col("value").is_not_null() & pl.col("residents").is_not_null()
        )
        is_known = frame.filter("known")
        top = _weighted(is_known, pl.col("named"))
        rest = _weighted(is_known, 1 - pl.col("named"))
        yield {
            "characteristic": one.title,
            "top_areas": float(named.sum()),
            "top_value": top,
            "rest_value": rest,
            "difference": None if top is None or rest is None else top - rest,
            "areas": frame.height,
            "areas_unknown": frame.height - is_known.height,
            "limit": one.limit,
        }


def _aged(band: str) -> pl.Expr:
    return pl.col("people").filter(pl.col("age_band") == band).sum()


def _mean(column: str) -> pl.Expr:
    value, weight = pl.col(column), pl.col("residents")
    known = weight.filter(value.is_not_null())
    return (pl.when(known.sum() > 0).then((value * weight).sum() / known.sum())).alias(
        column
    )


def _weighted(frame: pl.DataFrame, share: pl.Expr) -> float | None:
    found = frame.select(
        total=(pl.col("residents") * share).sum(),
        value=(pl.col("value") * pl.col("residents") * share).sum(),
    ).row(0)
    return found[1] / found[0] if found[0] else None
