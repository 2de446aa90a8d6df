"""Stop and search of one force and month, with planted disparities.

Who is searched depends on the borough's residents and a rate ratio by ethnic group;
how often something is found depends on the group as well. Both are told in the truth
file, so that an analysis can be held against them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from edp_platform.sample.draws import (
    Draws,
    choose,
    cumulative,
    cumulative_by_group,
)
from edp_platform.sample.labels import (
    AGE_RANGES,
    ETHNIC_GROUPS,
    ETHNICITIES,
    ETHNICITY_NOT_STATED,
    GENDERS,
    NOTHING_FOUND,
    OFFICER_ETHNICITIES,
    SEARCH_FINDS,
    SEARCH_REASONS,
    SEARCH_TYPES,
    VEHICLE_ONLY,
)
from edp_platform.sample.population import Population
from edp_platform.sample.street import Places
from edp_platform.sample.timeline import (
    CITY,
    FORCE,
    MISSING_COORDINATES_SHARE,
    Timeline,
    month_start,
)

# Searches a resident, against White residents of the same borough.
RATE_RATIOS = {"White": 1.0, "Black": 4.0, "Asian": 1.4, "Mixed": 2.0, "Other": 1.2}
# Share of searches in which something was found.
FIND_RATES = {"White": 0.30, "Black": 0.24, "Asian": 0.25, "Mixed": 0.27, "Other": 0.25}
_SHARE_OF_STREET_ROWS = 0.2
_CITY_SHARE = 0.05
_NOT_STATED_SHARE = 0.14
_COORDINATES_USUALLY_MISSING = 0.075
_REPEATED_SHARE = {FORCE: 0.035, CITY: 0.02}
# By hour of the day from midnight.
_HOURS = [
    *(5, 4, 3, 2, 1, 1, 1, 1, 2, 3, 4, 5),
    *(6, 6, 7, 8, 8, 8, 8, 8, 8, 8, 7, 6),
]

_HOUR_BOUNDS = cumulative([float(weight) for weight in _HOURS])
_TYPE_BOUNDS = cumulative([share for _, share in SEARCH_TYPES])
_GENDER_BOUNDS = cumulative([share for _, share in GENDERS])
_AGE_BOUNDS = cumulative([share for _, share in AGE_RANGES])
_REASON_BOUNDS = cumulative([share for *_, share in SEARCH_REASONS])
_FIND_BOUNDS = cumulative([share for *_, share in SEARCH_FINDS])
_DETAIL_BOUNDS = cumulative_by_group(
    [[share for *_, share in rows] for rows in ETHNICITIES]
)
_OFFICER_BOUNDS = cumulative_by_group(
    [[share for _, share in rows] for rows in OFFICER_ETHNICITIES]
)


class SearchMaker:
    """Makes searches; holds what is the same for all months."""

    def __init__(self, places: Places, population: Population, seed: int):
        """Work out the chances of each group in each borough.

        Args:
            places: Where searches happen.
            population: The residents.
            seed: The sample's seed.
        """
        self._places = places
        self._seed = seed
        shares = population.group_shares().select(ETHNIC_GROUPS).rows()
        self._group_bounds = cumulative_by_group(
            [
                [
                    share * RATE_RATIOS[group]
                    for group, share in zip(ETHNIC_GROUPS, row, strict=True)
                ]
                for row in shares
            ]
        )
        self._printed = places.printed(
            lsoa_2021=False, unnamed=False, in_outcomes=False
        ).select("Latitude", "Longitude")
        # A point outside the region gets the first borough's mix: it has none.
        self._borough = places.geography.points["borough"].fill_null(0)

    def make(
        self, timeline: Timeline, base_rows: int, force: str, month: int
    ) -> pl.DataFrame:
        """Return a month's searches as the file prints them, in the order of time.

        Args:
            timeline: The planted changes.
            base_rows: Street rows of the sample force in an average month.
            force: The force.
            month: The month's number.
        """
        draws = Draws(self._seed, "searches", force, month)
        rows = base_rows * _SHARE_OF_STREET_ROWS
        rows *= _CITY_SHARE if force == CITY else 1.0
        rows *= 0.85 + 0.3 * draws.number("rows")
        random = draws.frame(
            max(3, round(rows)),
            *("day", "hour", "minute", "place", "unplaced", "type", "gender", "age"),
            *("group", "detail", "stated", "officer", "unseen", "reason", "found"),
            *("find", "linked", "removal", "blank", "pick"),
        )
        table = self._table(random, timeline, force, month)
        repeats = max(1, round(table.height * _REPEATED_SHARE[force]))
        again = table.bottom_k(repeats, by="pick")
        return (
            pl.concat([table, again]).sort("Date", "pick", maintain_order=True)
        ).drop("pick")

    def _table(
        self, random: pl.DataFrame, timeline: Timeline, force: str, month: int
    ) -> pl.DataFrame:
        place = choose(self._places.bounds[force], random["place"])
        borough = self._borough.gather(place)
        # The lists of all boroughs lie end to end, and are equally long.
        group = choose(self._group_bounds, borough + random["group"]) % len(
            ETHNIC_GROUPS
        )
        missing = (
            MISSING_COORDINATES_SHARE
            if force == FORCE and month == timeline.coordinates_missing
            else _COORDINATES_USUALLY_MISSING
        )
        kind = choose(_TYPE_BOUNDS, random["type"])
        reason = choose(_REASON_BOUNDS, random["reason"])
        columns = {
            "Type": _labels(SEARCH_TYPES, 0, kind),
            "Date": _utc_texts(random, month),
            "Gender": _labels(GENDERS, 0, choose(_GENDER_BOUNDS, random["gender"])),
            "Age range": _labels(AGE_RANGES, 0, choose(_AGE_BOUNDS, random["age"])),
            "Self-defined ethnicity": _ethnicity(
                group, random, long=month >= timeline.ethnicity_labels_from
            ),
            "Officer-defined ethnicity": _officer_ethnicity(group, random),
            "Legislation": _labels(SEARCH_REASONS, 0, reason),
            "Object of search": _labels(SEARCH_REASONS, 1, reason),
            "Outcome": _outcome(
                group,
                random,
                later=month >= timeline.search_outcome_labels_from(force),
            ),
        }
        where = self._printed.select(pl.all().gather(place))
        frame = pl.DataFrame(columns).hstack(where).hstack(random)
        placed = pl.col("unplaced") >= missing
        has_person = (pl.Series("kind", kind) != VEHICLE_ONLY) | (
            random["blank"] > 0.85
        )
        empty = pl.lit(None, dtype=pl.String)
        operation = pl.lit("False") if month >= timeline.operation_flag_from else empty
        # Only the city force fills the last columns, as in London.
        linked, removal = empty, empty
        if force == CITY:
            linked = _flag(pl.col("linked") < 0.4)
            removal = _flag(pl.col("removal") < 0.03)
        return frame.with_columns(has_person=has_person).select(
            "Type",
            "Date",
            operation.alias("Part of a policing operation"),
            empty.alias("Policing operation"),
            pl.when(placed).then("Latitude").alias("Latitude"),
            pl.when(placed).then("Longitude").alias("Longitude"),
            *(
                pl.when("has_person").then(column).alias(column)
                for column in (
                    "Gender",
                    "Age range",
                    "Self-defined ethnicity",
                    "Officer-defined ethnicity",
                )
            ),
            "Legislation",
            "Object of search",
            "Outcome",
            linked.alias("Outcome linked to object of search"),
            removal.alias("Removal of more than just outer clothing"),
            "pick",
        )


def _labels(
    table: Sequence[tuple[Any, ...]], position: int, number: pl.Series
) -> pl.Series:
    return pl.Series([row[position] for row in table], dtype=pl.String).gather(number)


def _flag(condition: pl.Expr) -> pl.Expr:
    return pl.when(condition).then(pl.lit("True")).otherwise(pl.lit("False"))


def _ethnicity(group: pl.Series, random: pl.DataFrame, *, long: bool) -> pl.Series:
    position = int(long)
    number = choose(_DETAIL_BOUNDS, group + random["detail"])
    labels = pl.Series([row[position] for rows in ETHNICITIES for row in rows])
    return (
        pl.DataFrame({"label": labels.gather(number), "stated": random["stated"]})
        .select(
            pl.when(pl.col("stated") < _NOT_STATED_SHARE)
            .then(pl.lit(ETHNICITY_NOT_STATED[position]))
            .when(pl.col("stated") < 0.9995)
            .then("label")
        )
        .to_series()
    )


def _officer_ethnicity(group: pl.Series, random: pl.DataFrame) -> pl.Series:
    number = choose(_OFFICER_BOUNDS, group + random["officer"])
    labels = pl.Series([label for rows in OFFICER_ETHNICITIES for label, _ in rows])
    return (
        pl.DataFrame({"label": labels.gather(number), "unseen": random["unseen"]})
        .select(pl.when(pl.col("unseen") > 0.01).then("label"))
        .to_series()
    )


def _outcome(group: pl.Series, random: pl.DataFrame, *, later: bool) -> pl.Series:
    position = int(later)
    find = choose(_FIND_BOUNDS, random["find"])
    labels = pl.Series([row[position] for row in SEARCH_FINDS]).gather(find)
    rates = pl.Series([FIND_RATES[name] for name in ETHNIC_GROUPS]).gather(group)
    return (
        pl.DataFrame({"label": labels, "rate": rates, "found": random["found"]})
        .select(
            pl.when(pl.col("found") < pl.col("rate"))
            .then("label")
            .otherwise(pl.lit(NOTHING_FOUND[position]))
        )
        .to_series()
    )


def _utc_texts(random: pl.DataFrame, month: int) -> pl.Series:
    """Return times as published: UTC, though the month is one of local time."""
    start = month_start(month)
    days = (month_start(month + 1) - start).days
    hour = choose(_HOUR_BOUNDS, random["hour"])
    minute = (pl.col("minute") * 60).cast(pl.Int64)
    minutes = (
        (pl.col("day") * days).cast(pl.Int64) * 1440
        + pl.lit(hour).cast(pl.Int64) * 60
        + minute
    )
    # A few searches in the month's first hour: in summer they are dated the evening
    # before, and a small file might hold none by chance.
    first_hour = pl.int_range(pl.len()) < max(1, random.height // 1000)
    local = pl.lit(start).cast(pl.Datetime("us")) + pl.duration(
        minutes=pl.when(first_hour).then(minute).otherwise(minutes)
    )
    zone = "Europe/London"
    # One hour a year does not exist: a search in it is put an hour later.
    instant = local.dt.replace_time_zone(
        zone, ambiguous="earliest", non_existent="null"
    ).fill_null(
        (local + pl.duration(hours=1)).dt.replace_time_zone(
            zone, ambiguous="earliest", non_existent="null"
        )
    )
    text = instant.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    return random.select(text.alias("Date")).to_series()
