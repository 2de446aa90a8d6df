"""Counts of crimes as tables of areas by periods: what every figure here begins from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from edp_platform.analysis.neighbourhood.concentration import Floats
from edp_platform.analysis.neighbourhood.declared import Frequency, Ranking
from edp_platform.analysis.neighbourhood.places import constant_areas, places_only

#: A month with less than this share of the median of the year before is taken for partly
#: supplied, as in `supply_by_month`. (That mart is not read here: it is also made of
#: searches of people, and the ranking reads nothing about people.)
_LEAST_SHARE, _MONTHS_COMPARED = 0.5, 12
_AREA = ("area_code", "area", "borough_code", "borough")
#: What tells one panel from another, in the order of the marts' columns.
KEYS = ("data_set", "force", "area_kind", "offence_group")


@dataclass(frozen=True)
class Counted:
    """The marts that counts come from.

    Attributes:
        crimes: `crime_by_lsoa_and_month`: `month`, `force`, `lsoa_code`, `crimes` of
            every type, by which alone it is seen whether a month is whole, and a column
            of counts for each offence group.
        partial: months that the street files' contract declares partly supplied:
            `force`, `valid_from` and `valid_to` (`YYYY-MM`, null for open).
        wards: `recorded_crime_by_ward_and_month`: `month`, `ward_code`, `ward`,
            `borough_code`, `borough`, `offence`, `crimes`, `is_borough`.
        burglary: `burglary_by_lsoa_and_year`: `lsoa_code`, `lsoa_name`, `borough_code`,
            `borough`, `year`, `burglaries`.
        lookup: `lsoa_lookup`: `lsoa_code`, `lsoa_name`, `ward_code`, `ward`,
            `borough_code`, `borough`, `force`.
        overlaps: LSOAs of 2011 and 2021 that overlap.
    """

    crimes: pl.DataFrame
    partial: pl.DataFrame
    wards: pl.DataFrame
    burglary: pl.DataFrame
    lookup: pl.DataFrame
    overlaps: pl.DataFrame


@dataclass(frozen=True)
class Panel:
    """The counts of one offence group in the areas of one force.

    Attributes:
        data_set: where the counts are from.
        force: whose areas they are.
        area_kind: `lsoa` or `ward`.
        offence_group: of the declared ranking.
        frequency: of the periods.
        areas: `area_code`, `area`, `borough_code`, `borough`; a row for each of counts.
        periods: first days, without gaps; a column of counts each.
        counts: (areas, periods); nan where the period was not supplied whole.
    """

    data_set: str
    force: str
    area_kind: str
    offence_group: str
    frequency: Frequency
    areas: pl.DataFrame
    periods: tuple[date, ...]
    counts: Floats

    @property
    def is_whole(self) -> NDArray[np.bool_]:
        """Whether each period was supplied whole, (periods,)."""
        whole: NDArray[np.bool_] = ~np.isnan(self.counts[0])
        return whole

    @property
    def keys(self) -> dict[str, str]:
        """What tells it from the others, by the names of the marts' columns."""
        return {name: getattr(self, name) for name in KEYS}

    @property
    def a_year(self) -> int:
        """How many of its periods are a year."""
        return 12 if self.frequency == "month" else 1

    def next_period(self) -> date:
        """Return the first day of the period after the last."""
        return later(self.periods[-1], 12 // self.a_year)


def later(day: date, months: int) -> date:
    """Return the first day of the month that many months later."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def panels(counted: Counted, ranking: Ranking) -> list[Panel]:
    """Return every panel that the marts hold, in a fixed order.

    Panels of fewer areas than the ranking declares are left out: there is nothing to
    rank among them.

    Args:
        counted: the marts.
        ranking: as declared.
    """
    found = [
        *_of_street_files(counted, ranking),
        *_of_ward_files(counted, ranking),
        *_of_burglary_files(counted, ranking),
    ]
    return sorted(
        (one for one in found if one.areas.height >= ranking.fewest_areas),
        key=lambda one: tuple(one.keys.values()),
    )


def whole_months(counted: Counted, force: str) -> pl.Series:
    """Return the months that a force supplied whole; the others are not nought.

    Args:
        counted: the marts.
        force: which has at least one month.
    """
    months = (
        counted.crimes.filter(pl.col("force") == force)
        .group_by("month")
        .agg(pl.col("crimes").sum())
        .sort("month")
    )
    declared = [
        (pl.col("month").dt.strftime("%Y-%m") >= (first or "0"))
        & (pl.col("month").dt.strftime("%Y-%m") <= (last or "9"))
        for first, last in counted.partial.filter(pl.col("force") == force)
        .select("valid_from", "valid_to")
        .rows()
    ]
    if declared:
        months = months.filter(~pl.any_horizontal(declared))
    return months.filter(
        (
            pl.col("crimes")
            >= _LEAST_SHARE
            * pl.col("crimes").shift(1).rolling_median(_MONTHS_COMPARED, min_samples=1)
        ).fill_null(value=True)
    )["month"]


def _of_street_files(counted: Counted, ranking: Ranking) -> Iterator[Panel]:
    """Yield LSOA and ward panels of each force, of the crimes in its own area.

    A force also records crimes in its neighbours' areas; there it is not the one that
    most crimes are recorded by, so those areas are not compared with its own.
    """
    # Wards are those of 2019, through the published code of either year.
    constant = constant_areas(counted.lookup, counted.overlaps)
    wards = counted.lookup.filter(pl.col("ward_code").is_not_null()).select(
        "lsoa_code", "borough_code", "borough", "force",
        area_code="ward_code", area="ward",
    )  # fmt: skip
    groups = list(ranking.offences("police_uk_street"))
    for area_kind, places in (("lsoa", constant), ("ward", wards)):
        placed = counted.crimes.join(
            places.select("lsoa_code", "area_code", "force"),
            on=["lsoa_code", "force"],
        )
        for force in sorted(counted.crimes["force"].unique()):
            areas = _areas(places.filter(pl.col("force") == force))
            if areas.is_empty():
                continue
            supplied = whole_months(counted, force)
            of_force = placed.filter(pl.col("force") == force)
            for group in groups:
                yield _panel(
                    {
                        "data_set": "police_uk_street",
                        "force": force,
                        "area_kind": area_kind,
                        "offence_group": group,
                    },
                    "month",
                    areas,
                    of_force.select("area_code", period="month", crimes=group),
                    supplied,
                )


def _of_ward_files(counted: Counted, ranking: Ranking) -> Iterator[Panel]:
    """Yield a panel for each force of the wards in its boroughs; airports are none."""
    forces = _forces(counted.lookup)
    wards = counted.wards.filter(pl.col("is_borough")).join(forces, on="borough_code")
    for force in sorted(wards["force"].unique()):
        of_force = wards.filter(pl.col("force") == force)
        areas = _areas(
            of_force.select(
                "borough_code", "borough", area_code="ward_code", area="ward"
            )
        )
        for group, offences in ranking.offences("mps_ward_crime").items():
            yield _panel(
                {
                    "data_set": "mps_ward_crime",
                    "force": force,
                    "area_kind": "ward",
                    "offence_group": group,
                },
                "month",
                areas,
                of_force.filter(pl.col("offence").is_in(offences)).select(
                    "crimes", area_code="ward_code", period="month"
                ),
                of_force["month"].unique(),
            )


def _of_burglary_files(counted: Counted, ranking: Ranking) -> Iterator[Panel]:
    """Yield a panel for each force of yearly burglaries by LSOA of 2011."""
    forces = _forces(counted.lookup)
    rows = counted.burglary.join(forces, on="borough_code").with_columns(
        period=pl.date("year", 1, 1)
    )
    for force in sorted(rows["force"].unique()):
        of_force = rows.filter(pl.col("force") == force)
        areas = _areas(
            of_force.select(
                "borough_code", "borough", area_code="lsoa_code", area="lsoa_name"
            )
        )
        for group in ranking.offences("mps_lsoa_burglary"):
            yield _panel(
                {
                    "data_set": "mps_lsoa_burglary",
                    "force": force,
                    "area_kind": "lsoa",
                    "offence_group": group,
                },
                "year",
                areas,
                of_force.select("period", area_code="lsoa_code", crimes="burglaries"),
                of_force["period"].unique(),
            )


def _forces(lookup: pl.DataFrame) -> pl.DataFrame:
    return lookup.select("borough_code", "force").drop_nulls().unique()


def _areas(places: pl.DataFrame) -> pl.DataFrame:
    """Return one row an area, however often and under however many names it stands."""
    return places.group_by("area_code").agg(
        pl.col("area").min(), pl.col("borough_code").min(), pl.col("borough").min()
    ).select(_AREA).sort("area_code")  # fmt: skip


def _panel(
    keys: Mapping[str, str],
    frequency: Frequency,
    areas: pl.DataFrame,
    rows: pl.DataFrame,
    supplied: pl.Series,
) -> Panel:
    """Put rows into a table; an area without a row in a supplied period had none."""
    rows = places_only(rows)
    held: list[date] = supplied.to_list()
    first, last = min(held), max(held)
    step = 1 if frequency == "month" else 12
    number = (last.year - first.year) * 12 + last.month - first.month
    periods = tuple(later(first, at) for at in range(0, number + 1, step))
    at_area = areas.select("area_code", row=pl.int_range(pl.len()))
    at_period = pl.DataFrame(
        {"period": periods, "column": range(len(periods))}
    ).with_columns(pl.col("period").cast(pl.Date))
    placed = rows.join(at_area, on="area_code").join(at_period, on="period")
    counts = np.zeros((areas.height, len(periods)))
    np.add.at(
        counts,
        (placed["row"].to_numpy(), placed["column"].to_numpy()),
        placed["crimes"].to_numpy(),
    )
    whole = at_period["period"].is_in(supplied.implode()).to_numpy()
    counts[:, ~whole] = np.nan
    return Panel(
        **keys, frequency=frequency, areas=areas, periods=periods, counts=counts
    )
