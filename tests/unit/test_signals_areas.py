"""Areas beside one another: funnel plots and areas that are alike."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from edp_platform.analysis.signals.funnels import (
    TAILS,
    Kind,
    control_limit,
    funnels,
    over_dispersion,
)
from edp_platform.analysis.signals.settings import SeriesSettings
from edp_platform.analysis.similar_areas import (
    COVARIATES,
    covariates,
    similar_areas,
)


def _interpolated(known: Any, chance: float, size: float) -> float:
    """Spiegelhalter (2005), A.1, one area at a time with scipy.stats."""
    r = known.ppf(chance)
    back = (known.cdf(r) - chance) / (known.cdf(r) - known.cdf(r - 1))
    return max(r - back, 0) / size


@pytest.mark.parametrize("kind", ["proportion", "rate"])
def test_control_limits_are_the_interpolated_quantiles(kind: Kind) -> None:
    from scipy import stats

    sizes, share = np.array([5.0, 40, 250, 3000, 90000]), 0.08
    for tail in (*TAILS.values(), *(1 - one for one in TAILS.values())):
        found = control_limit(share, sizes, tail, kind)
        for size, limit in zip(sizes, found, strict=True):
            known = (
                stats.poisson(size * share)
                if kind == "rate"
                else stats.binom(int(size), share)
            )
            expected = _interpolated(known, tail, size)
            assert limit == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_over_dispersion_is_one_by_chance_and_grows_with_real_differences() -> None:
    random = np.random.default_rng(8)
    size = random.integers(2_000, 20_000, 60).astype(float)
    same = random.poisson(size * 0.02).astype(float)
    apart = random.poisson(size * 0.02 * random.lognormal(0, 0.4, 60)).astype(float)

    assert over_dispersion(same, size, "rate") == 1.0
    z = 2 * (np.sqrt(apart) - np.sqrt(size * apart.sum() / size.sum()))
    low, high = np.quantile(z, [0.1, 0.9])
    expected = np.mean(np.clip(z, low, high) ** 2)
    assert over_dispersion(apart, size, "rate") == pytest.approx(expected)
    assert expected > 5


def _areas(number: int, of: Any, months: int = 12) -> pl.DataFrame:
    return pl.concat(
        pl.DataFrame(
            {
                "measure": "m",
                "area_kind": "borough",
                "area_code": [f"A{i:02}" for i in range(number)],
                "month": date(2024 + month // 12, month % 12 + 1, 1),
                "numerator": [float(of(i, month)) for i in range(number)],
                "denominator": 1000.0,
                "completeness": "complete",
            }
        )
        for month in range(months)
    )


def test_an_area_is_placed_by_its_last_year_and_the_others_are_not_ranked() -> None:
    # The year before, everything else was otherwise; it must not count.
    values = _areas(
        33, lambda i, m: 400 if m < 12 else 80 if i == 7 else 50 + i % 3, 24
    )
    partial = values.filter(pl.col("month") == date(2025, 12, 1)).with_columns(
        pl.lit(date(2026, 1, 1)).alias("month"),
        pl.lit(0.0).alias("numerator"),
        pl.lit("partial").alias("completeness"),
    )
    declared = {"m": SeriesSettings(lowest=0.0, highest=100.0)}
    told = funnels(pl.concat([values, partial]), declared, {"m": "proportion"})

    assert set(told["from_month"]) == {date(2025, 1, 1)}
    assert set(told["to_month"]) == {date(2025, 12, 1)}
    place = dict(told.select("area_code", "position").iter_rows())
    assert place.pop("A07") == "above 3"
    assert set(place.values()) == {"within"}
    words = dict(told.select("area_code", "words").iter_rows())
    assert "no place in an order would mean anything" in words["A01"]
    assert "higher than chance gives an area of its size" in words["A07"]
    limits = told.select(
        "lower_3", "lower_2", "centre", "upper_2", "upper_3"
    ).to_numpy()
    assert (np.diff(limits, axis=1) > 0).all()

    broken = {"m": SeriesSettings(breaks=(date(2025, 7, 1),), highest=100.0)}
    after = funnels(values, broken, {"m": "proportion"})
    assert set(after["from_month"]) == {date(2025, 7, 1)}
    few = values.filter(pl.col("area_code") < "A04")
    assert funnels(few, declared, {"m": "rate"}).height == 0


def _known() -> dict[str, pl.DataFrame]:
    """Six boroughs of two LSOAs each; B3 and B4 are made alike."""
    random = np.random.default_rng(5)
    rows, scores, lookup, hectares = [], [], [], []
    for number in range(6):
        like = 3 if number == 4 else number
        random = np.random.default_rng(like)
        code = f"B{number}"
        hectares.append((code, "Inland Area (Hectares)", random.uniform(900, 9000)))
        total = 0
        bands = dict.fromkeys(("0-15", "16-29", "65+"), 0)
        for part in range(2):
            lsoa, people = f"L{number}{part}", int(random.integers(900, 2000))
            total += people
            scores.append((lsoa, 2019, random.uniform(5, 50)))
            scores.append((lsoa, 2025, None))
            lookup.append((lsoa, f"W{number}", code))
            rows.append(("lsoa", lsoa, lsoa, "all", "all", people))
            for band in bands:
                bands[band] += int(random.integers(100, 300))
        for kind, area in (("borough", code), ("ward", f"W{number}")):
            rows.append((kind, area, f"Area {area}", "all", "all", total))
            rows.append((kind, area, f"Area {area}", "female", "all", total // 2))
            for band, people in bands.items():
                rows.append((kind, area, f"Area {area}", "all", band, people))
    names = ["area_type", "area_code", "area", "sex", "age_band", "people"]
    return {
        "deprivation": pl.DataFrame(
            scores, ["lsoa_code", "index_year", "imd_score"], orient="row"
        ),
        "population": pl.DataFrame(rows, names, orient="row"),
        "profiles": pl.DataFrame(
            hectares, ["area_code", "indicator", "value_number"], orient="row"
        ),
        "lookup": pl.DataFrame(
            lookup, ["lsoa_code", "ward_code", "borough_code"], orient="row"
        ),
    }


def test_the_nearest_area_is_the_one_that_was_made_alike() -> None:
    known = covariates(**_known())

    told = similar_areas(known, neighbours=3)
    first = told.filter((pl.col("area_code") == "B3") & (pl.col("nearness") == 1))
    assert first.select("similar_area_code", "similar_area").row(0) == ("B4", "Area B4")
    assert first["distance"].item() == pytest.approx(0, abs=1e-6)
    assert "people_per_hectare" in first["covariates"].item()
    # The area of wards is not held: it is not among what they are compared on.
    wards = told.filter(pl.col("area_kind") == "ward")
    assert "people_per_hectare" not in wards["covariates"].item(0)
    assert told.filter(pl.col("area_code") == pl.col("similar_area_code")).height == 0
    assert told.equals(told.sort("area_kind", "area_code", "nearness"))
    farther = pl.col("distance").diff().over("area_kind", "area_code")
    assert told.select(farther.drop_nulls() >= -1e-9).to_series().all()
    # Whatever the order the rows come in.
    shuffled = {
        n: one.sample(fraction=1, shuffle=True, seed=3) for n, one in _known().items()
    }
    assert similar_areas(covariates(**shuffled), neighbours=3).equals(told)


def test_distances_are_in_standard_deviations_of_declared_covariates() -> None:
    known = covariates(**_known())
    names = [one.name for one in COVARIATES]
    boroughs = known.filter(pl.col("area_kind") == "borough")
    columns = [
        np.log(boroughs[one.name].to_numpy())
        if one.scale == "log"
        else boroughs[one.name].to_numpy()
        for one in COVARIATES
    ]
    z = np.column_stack([(x - np.mean(x)) / np.std(x) for x in columns])

    told = similar_areas(known, neighbours=5)

    for row in told.filter(pl.col("area_kind") == "borough").iter_rows(named=True):
        one, other = int(row["area_code"][1]), int(row["similar_area_code"][1])
        expected = np.linalg.norm(z[one] - z[other])
        assert row["distance"] == pytest.approx(expected, abs=1e-6)
    # Nothing is said of areas whose deprivation is not known.
    unknown = known.with_columns(pl.lit(None, pl.Float64).alias(names[0]))
    assert similar_areas(unknown).height == similar_areas(known.clear()).height == 0
    one_unknown = pl.when(pl.col("area_code") != "B2").then(pl.col(names[0]))
    left = similar_areas(known.with_columns(one_unknown))
    assert "B2" not in {*left["area_code"], *left["similar_area_code"]}
