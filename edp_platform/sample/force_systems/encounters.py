"""Custody records, and stop and search records as the force itself keeps them."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from edp_platform.sample.draws import Draws, choose, cumulative
from edp_platform.sample.force_systems.columns import (
    Areas,
    drawn,
    drawn_by_group,
    moments,
    numbered,
    seconds,
)
from edp_platform.sample.force_systems.nominals import People
from edp_platform.sample.force_systems.word_lists import (
    OFFICER_DEFINED,
    SELF_DEFINED,
)

CUSTODY_COLUMNS = [
    "custody_number",
    "nominal_id",
    "crime_number",
    "arrested_at",
    "detention_authorised_at",
    "released_at",
    "disposal",
    "age_at_arrest",
    "ethnicity_officer_defined",
    "ethnicity_self_defined",
]
SEARCH_COLUMNS = [
    "search_number",
    "nominal_id",
    "searched_at",
    "officer_id",
    "age",
    "sex",
    "ethnicity_officer_defined",
    "ethnicity_self_defined",
    "legislation",
    "object_of_search",
    "outcome",
    "outcome_linked_to_object",
    "lsoa_code",
    "borough_code",
]
_ARREST_SHARE = 0.4
_AGE_OF_RESPONSIBILITY = 10
_OLDEST = 80
_DRUGS = "Misuse of Drugs Act 1971 (section 23)"
_PACE = "Police and Criminal Evidence Act 1984 (section 1)"
_ORDER = "Criminal Justice and Public Order Act 1994 (section 60)"
_REASONS = [
    (_DRUGS, "Controlled drugs", 0.62),
    (_PACE, "Offensive weapons", 0.14),
    (_PACE, "Stolen goods", 0.11),
    (_PACE, "Articles for use in theft", 0.08),
    ("Firearms Act 1968 (section 47)", "Firearms", 0.02),
    (_ORDER, "Anything to threaten or harm anyone", 0.03),
]
#: By group of ethnicity, as the published searches of the sample: what is found.
_FIND_RATES = [0.30, 0.24, 0.25, 0.27, 0.25]
_SEARCHED_SHARES = [0.42, 0.34, 0.15, 0.06, 0.03]
_FINDS = [
    ("Arrest", 0.46),
    ("Community resolution", 0.30),
    ("Penalty notice for disorder", 0.10),
    ("Khat or cannabis warning", 0.09),
    ("Caution", 0.05),
]


class EncounterMaker:
    """Makes custody and search records; numbers run on from month to month."""

    def __init__(self, areas: Areas, people: People, seed: int, until: date) -> None:
        """Begin.

        Args:
            areas: Where searches happen.
            people: Whom records may name.
            seed: The sample's seed.
            until: The day of the extracts: nothing later is known to them.
        """
        self._areas = areas
        self._people = people
        self._seed = seed
        self._until = until
        self._detentions = 0
        self._searches = 0

    def custody(self, links: pl.DataFrame, *, faults: int) -> pl.DataFrame:
        """Make the detentions of a month's suspects, in the order of arrest.

        Args:
            links: Sound links of the month.
            faults: Rows released before detention was authorised.
        """
        suspects = links.filter(
            pl.col("subject_category").is_in(["suspect", "convicted"])
            & (pl.col("arrest") < _ARREST_SHARE)
        )
        about = self._people.known.with_columns(pl.col("number").cast(pl.Int64))
        arrested = pl.col("reported_at") + seconds(
            1800 + pl.col("hours").pow(4) * 20 * 86400
        )
        frame = suspects.join(about, on="number", how="left", maintain_order="left")
        frame = frame.with_columns(arrested_at=arrested).with_columns(
            age_at_arrest=_age(pl.col("date_of_birth"), pl.col("arrested_at")),
            detention_authorised_at=pl.col("arrested_at")
            + seconds(600 + pl.col("wait").pow(2) * 7200),
        )
        frame = frame.filter(
            (pl.col("arrested_at").dt.date() < self._until)
            & pl.col("age_at_arrest")
            .fill_null(_OLDEST)
            .is_between(_AGE_OF_RESPONSIBILITY, _OLDEST)
        ).with_columns(
            released_at=pl.col("detention_authorised_at")
            + seconds(7200 + pl.col("held") * 72000)
        )
        frame = frame.with_columns(disposal=_disposal()).sort("arrested_at", "held")
        frame = frame.with_columns(
            custody_number=numbered(
                "D", pl.int_range(pl.len()) + self._detentions + 1, 9
            )
        )
        self._detentions += frame.height
        early = pl.col("wait").rank("ordinal") <= faults
        return frame.with_columns(
            released_at=pl.when(early)
            .then(pl.col("detention_authorised_at") - timedelta(minutes=5))
            .otherwise("released_at"),
            fault=pl.when(early).then(pl.lit("impossible_times")),
        ).select(*CUSTODY_COLUMNS, "fault")

    def searches(
        self, month: int, rows: int, window: tuple[date, date]
    ) -> pl.DataFrame:
        """Make one month's searches of persons, in the order of time."""
        draws = Draws(self._seed, "force systems", "searches", month)
        random = draws.frame(
            rows,
            *("day", "hour", "second", "place", "unplaced", "officer", "age", "no_age"),
            *("sex", "group", "self", "stated", "seen", "reason", "found", "find"),
            *("linked", "named", "whom", "pick"),
        )
        group = choose(cumulative(_SEARCHED_SHARES), random["group"])
        reason = choose(cumulative([share for *_, share in _REASONS]), random["reason"])
        rate = pl.Series("rate", _FIND_RATES).gather(group)
        known = self._people.known
        place = (random["whom"].pow(1.6) * known.height).cast(pl.Int64)
        person = known.select(pl.all().gather(place)).rename(
            {name: f"known_{name}" for name in known.columns if name != "number"}
        )
        frame = random.hstack(
            [
                moments(*window, random).alias("searched_at"),
                rate,
                pl.Series("legislation", [row[0] for row in _REASONS]).gather(reason),
                pl.Series("object_of_search", [row[1] for row in _REASONS]).gather(
                    reason
                ),
                drawn_by_group(SELF_DEFINED, group, random["self"]).alias("self_code"),
                drawn_by_group(OFFICER_DEFINED, group, random["seen"]).alias("ic_code"),
                drawn(_FINDS, random["find"]).alias("finding"),
            ]
        )
        frame = frame.hstack(person).hstack(self._areas.drawn(random["place"]))
        frame = _searched(frame).sort("searched_at", "pick")
        frame = frame.with_columns(
            search_number=numbered("S", pl.int_range(pl.len()) + self._searches + 1, 9)
        )
        self._searches += rows
        return frame.select(*SEARCH_COLUMNS, fault=pl.lit(None, dtype=pl.String))


def _age(born: pl.Expr, moment: pl.Expr) -> pl.Expr:
    """Return whole years on the day."""
    day = moment.dt.date()
    before_birthday = (day.dt.month() * 100 + day.dt.day()) < (
        born.dt.month() * 100 + born.dt.day()
    )
    return (day.dt.year() - born.dt.year() - before_birthday.cast(pl.Int32)).cast(
        pl.Int64
    )


def _disposal() -> pl.Expr:
    """Return how detention ended, in keeping with what came of it for the person."""
    outcome = pl.col("person_outcome")
    return (
        pl.when(outcome.is_in(["charged", "convicted"]))
        .then(pl.lit("charged"))
        .when(outcome == "cautioned")
        .then(pl.lit("cautioned"))
        .when(outcome == "no further action")
        .then(pl.lit("no further action"))
        .when(pl.col("disposal") < 0.45)
        .then(pl.lit("bailed"))
        .otherwise(pl.lit("released under investigation"))
    )


def _searched(frame: pl.DataFrame) -> pl.DataFrame:
    """Give each search a person: one in ten a known one, with that person's attributes."""
    age = (10.5 + 55 * pl.col("age").pow(2)).cast(pl.Int64)
    known_age = _age(pl.col("known_date_of_birth"), pl.col("searched_at"))
    named = (pl.col("named") < 0.1) & known_age.fill_null(_OLDEST).is_between(
        _AGE_OF_RESPONSIBILITY, _OLDEST
    )
    found = pl.col("found") < pl.col("rate")
    return frame.with_columns(
        nominal_id=pl.when(named).then(numbered("N", pl.col("number"), 8)),
        officer_id=numbered("P", 100_001 + (pl.col("officer") * 900).cast(pl.Int64), 6),
        age=pl.when(named).then(known_age).when(pl.col("no_age") >= 0.05).then(age),
        sex=pl.when(named)
        .then("known_sex")
        .when(pl.col("sex") < 0.9)
        .then(pl.lit("Male"))
        .when(pl.col("sex") < 0.99)
        .then(pl.lit("Female"))
        .otherwise(pl.lit("Not known")),
        ethnicity_officer_defined=pl.when(named)
        .then("known_ethnicity_officer_defined")
        .otherwise("ic_code"),
        ethnicity_self_defined=pl.when(named)
        .then("known_ethnicity_self_defined")
        .when(pl.col("stated") < 0.16)
        .then(pl.lit(None, dtype=pl.String))
        .when(pl.col("stated") < 0.24)
        .then(pl.lit("NS"))
        .otherwise("self_code"),
        outcome=pl.when(found).then("finding").otherwise(pl.lit("No further action")),
        outcome_linked_to_object=pl.when(found).then(pl.col("linked") < 0.78),
        lsoa_code=pl.when(pl.col("unplaced") >= 0.04).then("lsoa_code"),
        borough_code=pl.when(pl.col("unplaced") >= 0.02).then("borough_code"),
    )
