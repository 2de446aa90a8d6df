"""Misconduct cases, patrols, and the victims' survey."""

from __future__ import annotations

from datetime import date

import polars as pl

from edp_platform.sample.draws import Draws
from edp_platform.sample.force_systems.columns import (
    Areas,
    drawn,
    moments,
    numbered,
    seconds,
)
from edp_platform.sample.force_systems.nominals import People
from edp_platform.sample.force_systems.offences import OFFENCES
from edp_platform.sample.force_systems.patrol_effect import PatrolEffect
from edp_platform.sample.force_systems.word_lists import GROUP_SHARES, GROUPS

CASE_COLUMNS = [
    "case_number",
    "opened_on",
    "closed_on",
    "allegation",
    "severity",
    "officer_id",
    "complainant_nominal_id",
    "outcome",
]
PATROL_COLUMNS = [
    "patrol_id",
    "unit",
    "activity",
    "started_at",
    "ended_at",
    "officers",
    "lsoa_code",
    "borough_code",
]
ANSWER_COLUMNS = [
    "response_id",
    "surveyed_on",
    "crime_number",
    "offence_group",
    "borough_code",
    "ethnic_group",
    "sex",
    "age_band",
    "satisfied",
    "treated_fairly",
    "weight",
]
_ALLEGATIONS: list[tuple[str | None, float]] = [
    ("use of force", 0.2),
    ("discourtesy", 0.22),
    ("duties and responsibilities", 0.24),
    ("confidentiality", 0.07),
    ("discreditable conduct", 0.15),
    ("discrimination", 0.08),
    ("honesty and integrity", 0.04),
]
_SEVERITIES: list[tuple[str | None, float]] = [
    ("gross misconduct", 0.2),
    ("misconduct", 0.45),
    ("performance", 0.35),
]
_CASE_OUTCOMES: list[tuple[str | None, float]] = [
    ("no case to answer", 0.44),
    ("reflective practice", 0.24),
    ("written warning", 0.16),
    ("final written warning", 0.08),
    ("dismissed", 0.08),
]
_ACTIVITIES: list[tuple[str | None, float]] = [
    ("response patrol", 0.42),
    ("neighbourhood patrol", 0.27),
    ("hotspot patrol", 0.16),
    ("traffic patrol", 0.07),
    ("school patrol", 0.05),
    ("weapons sweep", 0.03),
]
_AGE_BANDS: list[tuple[str | None, float]] = [
    ("16-24", 0.16),
    ("25-34", 0.25),
    ("35-44", 0.21),
    ("45-54", 0.16),
    ("55-64", 0.12),
    ("65+", 0.10),
]
#: Share satisfied by offence group; a gap between ethnic groups is planted on top.
_SATISFIED = {
    "burglary": 0.66,
    "robbery": 0.60,
    "vehicle crime": 0.52,
    "violence": 0.58,
}
_SATISFACTION_GAP = {"Black": -0.06, "Mixed": -0.05, "Asian": -0.02}


class DutyMaker:
    """Makes cases, patrols and answers; numbers run on from month to month."""

    def __init__(
        self,
        areas: Areas,
        people: People,
        seed: int,
        until: date,
        patrols: PatrolEffect,
    ) -> None:
        """Begin.

        Args:
            areas: Where patrols go.
            people: Who may complain.
            seed: The sample's seed.
            until: The day of the extracts.
            patrols: Where hotspot patrols run.
        """
        self._areas = areas
        self._patrols = patrols
        self._people = people
        self._seed = seed
        self._until = until
        self._numbers = {"cases": 0, "patrols": 0, "answers": 0}

    def _number(
        self, what: str, frame: pl.DataFrame, letter: str, digits: int
    ) -> pl.Expr:
        first = self._numbers[what] + 1
        self._numbers[what] += frame.height
        return numbered(letter, pl.int_range(pl.len()) + first, digits)

    def cases(
        self, month: int, rows: int, window: tuple[date, date], *, faults: int
    ) -> pl.DataFrame:
        """Make the cases opened in one month; `faults` are closed before that."""
        draws = Draws(self._seed, "force systems", "cases", month)
        random = draws.frame(
            rows,
            *("day", "about", "grave", "officer", "named", "whom", "took", "ended"),
            "pick",
        )
        start, end = window
        known = self._people.known["number"]
        person = known.gather((random["whom"] * len(known)).cast(pl.Int64))
        frame = random.hstack(
            [
                drawn(_ALLEGATIONS, random["about"]).alias("allegation"),
                drawn(_SEVERITIES, random["grave"]).alias("severity"),
                drawn(_CASE_OUTCOMES, random["ended"]).alias("end"),
                person.alias("number"),
            ]
        )
        opened = pl.lit(start) + pl.duration(
            days=(pl.col("day") * (end - start).days).cast(pl.Int64)
        )
        # Half are closed in six months, one in eight takes more than a year.
        days = (20 + 520 * pl.col("took").pow(2)).cast(pl.Int64)
        frame = frame.with_columns(opened_on=opened).with_columns(
            closing=pl.col("opened_on") + pl.duration(days=days)
        )
        closed = pl.col("closing") <= self._until
        wrong = pl.col("pick").rank("ordinal") <= faults
        frame = frame.sort("opened_on", "pick").with_columns(
            closed_on=pl.when(wrong)
            .then(pl.col("opened_on").dt.offset_by("-9d"))
            .when(closed)
            .then("closing"),
            outcome=pl.when(closed | wrong).then("end"),
            fault=pl.when(wrong).then(pl.lit("impossible_times")),
            officer_id=numbered(
                "P", 100_001 + (pl.col("officer") * 900).cast(pl.Int64), 6
            ),
            complainant_nominal_id=pl.when(pl.col("named") < 0.5).then(
                numbered("N", pl.col("number"), 8)
            ),
        )
        return frame.with_columns(
            case_number=self._number("cases", frame, "M", 8)
        ).select(*CASE_COLUMNS, "fault")

    def patrols(self, month: int, rows: int, window: tuple[date, date]) -> pl.DataFrame:
        """Make one month's patrols, in the order of time."""
        draws = Draws(self._seed, "force systems", "patrols", month)
        random = draws.frame(
            rows,
            *("day", "hour", "second", "place", "nowhere", "activity", "long", "many"),
            *("unit", "pick", "turned"),
        )
        frame = random.hstack(
            [
                moments(*window, random).alias("started_at"),
                drawn(_ACTIVITIES, random["activity"]).alias("activity_name"),
            ]
        ).hstack(self._areas.drawn(random["place"]))
        frame = frame.with_columns(
            activity=self._patrols.activity(
                month, pl.col("activity_name"), pl.col("turned")
            ),
            ended_at=pl.col("started_at") + seconds(1800 + pl.col("long") * 5.5 * 3600),
            officers=(1 + pl.col("many").pow(2) * 6).cast(pl.Int64),
            unit=numbered("U", 100 + (pl.col("unit") * 800).cast(pl.Int64), 3),
            lsoa_code=pl.when(pl.col("nowhere") > 0.1).then("lsoa_code"),
            borough_code=pl.when(pl.col("nowhere") > 0.02).then("borough_code"),
        ).sort("started_at", "pick")
        return frame.with_columns(
            patrol_id=self._number("patrols", frame, "A", 9)
        ).select(*PATROL_COLUMNS, fault=pl.lit(None, dtype=pl.String))

    def answers(
        self,
        month: int,
        rows: int,
        window: tuple[date, date],
        linkable: pl.DataFrame,
    ) -> pl.DataFrame:
        """Make one month's answers of victims of the survey's groups of offences.

        Args:
            month: The month's number.
            rows: At most so many.
            window: First day of the month and of the next.
            linkable: Sound reports of the months before and of this one.
        """
        groups = pl.Series("offence_group", [one.survey_group for one in OFFENCES])
        asked = linkable.with_columns(
            offence_group=groups.gather(linkable["offence_number"])
        ).filter(
            pl.col("offence_group").is_not_null()
            & (pl.col("reported_at").dt.date() < window[1])
        )
        draws = Draws(self._seed, "force systems", "answers", month)
        asked = asked.with_columns(draws.frame(asked.height, "asked")["asked"])
        asked = asked.bottom_k(min(rows, asked.height), by="asked").sort("crime_number")
        random = draws.frame(
            asked.height,
            *("day", "group", "sex", "age", "happy", "how", "fair", "weight"),
        )
        group_shares = [
            (group, share * 0.95)
            for group, share in zip(GROUPS, GROUP_SHARES, strict=True)
        ]
        frame = asked.hstack(random).hstack(
            [
                drawn([*group_shares, ("Not stated", 0.05)], random["group"]).alias(
                    "ethnic_group"
                ),
                drawn(_AGE_BANDS, random["age"]).alias("age_band"),
            ]
        )
        start, end = window
        share = pl.col("offence_group").replace_strict(
            _SATISFIED, return_dtype=pl.Float64
        ) + pl.col("ethnic_group").replace_strict(
            _SATISFACTION_GAP, default=0.0, return_dtype=pl.Float64
        )
        how = (pl.col("how") * 2).cast(pl.Int64)
        frame = frame.with_columns(
            # Asked in the month, and never before it was reported.
            surveyed_on=pl.max_horizontal(
                pl.lit(start)
                + pl.duration(days=(pl.col("day") * (end - start).days).cast(pl.Int64)),
                pl.col("reported_at").dt.date(),
            ),
            sex=pl.when(pl.col("sex") < 0.49)
            .then(pl.lit("Female"))
            .when(pl.col("sex") < 0.98)
            .then(pl.lit("Male"))
            .otherwise(pl.lit("Not stated")),
            satisfied=pl.when(pl.col("happy") < share).then(4 + how).otherwise(1 + how),
            treated_fairly=pl.when(pl.col("fair") < 0.03)
            .then(None)
            .when(pl.col("fair") < share + 0.1)
            .then(4 + how)
            .otherwise(2 + how),
            weight=(0.5 + pl.col("weight")).round(4),
        ).sort("surveyed_on", "asked")
        return frame.with_columns(
            response_id=self._number("answers", frame, "R", 8)
        ).select(*ANSWER_COLUMNS, fault=pl.lit(None, dtype=pl.String))
