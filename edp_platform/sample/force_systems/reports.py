"""Crime reports, and the links of persons to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from edp_platform.sample.draws import Draws, choose, cumulative
from edp_platform.sample.force_systems.columns import (
    Areas,
    drawn,
    moments,
    numbered,
    postcodes,
    seconds,
)
from edp_platform.sample.force_systems.near_repeats import (
    NEAR_REPEAT_OFFENCE,
    near_repeats,
)
from edp_platform.sample.force_systems.nominals import People, Records
from edp_platform.sample.force_systems.offences import OFFENCES
from edp_platform.sample.force_systems.patrol_effect import PatrolEffect

NO_MOPI_GROUP_SHARE = 0.02
_OUTCOMES: list[tuple[str | None, float]] = [
    ("investigation complete; no suspect identified", 0.52),
    ("victim does not support further action", 0.18),
    ("charged or summonsed", 0.11),
    ("evidential difficulties", 0.10),
    ("community resolution", 0.05),
    ("caution", 0.03),
    ("not in the public interest", 0.01),
]
_PERSON_OUTCOMES: list[tuple[str | None, float]] = [
    ("none", 0.35),
    ("no further action", 0.32),
    ("charged", 0.13),
    ("cautioned", 0.06),
    ("convicted", 0.14),
]
#: Number of persons of each kind on a report.
_VICTIMS = [0.12, 0.80, 0.08]
_SUSPECTS = [0.55, 0.36, 0.09]
_WITNESSES = [0.74, 0.20, 0.06]
_OTHERS = [0.95, 0.05]
#: Share of links that name a record made in the same month.
NEW_SHARE = 0.62


@dataclass(frozen=True)
class Reports:
    """One month's reports.

    Attributes:
        table: The file's rows under contract names, with `fault` and `is_repeat`.
        linkable: Sound reports: `crime_number`, `reported_at`, `occurred_to`, `offence`
            (position in `OFFENCES`), `lsoa_code`, `borough_code`, `environment`.
        prevented: Reports that the planted patrols prevented: in no file.
        near_repeats: Burglaries moved to the small area of one just before.
    """

    table: pl.DataFrame
    linkable: pl.DataFrame
    prevented: int
    near_repeats: int


@dataclass(frozen=True)
class Links:
    """One month's links.

    Attributes:
        table: The file's rows under contract names, with `fault`.
        sound: The rows that load and join, with `number` (of the record) and
            `reported_at`.
        without_nominal: Rows whose record no file holds.
        without_report: Rows whose report no file holds.
    """

    table: pl.DataFrame
    sound: pl.DataFrame
    without_nominal: int
    without_report: int


class ReportMaker:
    """Makes reports and links; numbers run on from month to month."""

    def __init__(
        self,
        areas: Areas,
        seed: int,
        known_until: date,
        patrols: PatrolEffect | None = None,
    ) -> None:
        """Begin.

        Args:
            areas: Where things happen.
            seed: The sample's seed.
            known_until: The day of the extracts: nothing later is known to them.
            patrols: What prevents some of them; by default nothing does.
        """
        self._areas = areas
        self._patrols = patrols
        self._seed = seed
        self._known_until = known_until
        self._reports = 0
        self._links = 0

    def reports(
        self,
        month: int,
        rows: int,
        window: tuple[date, date],
        *,
        faults: int,
        back_record: bool = False,
    ) -> Reports:
        """Make one month's reports, in the order of reporting.

        Args:
            month: The month's number, which names the random numbers.
            rows: Sound reports to make.
            window: First day and the day after the last.
            faults: Rows of each kind that must be quarantined or set aside.
            back_record: Older reports, closed, with more of the serious ones: what a
                new system takes over from the old one.
        """
        draws = Draws(self._seed, "force systems", "reports", month)
        total = rows + 3 * faults
        random = draws.frame(
            total,
            *("day", "hour", "second", "offence", "place", "environment", "lag"),
            *("span", "open_end", "mopi", "flag", "hate", "post", "no_post"),
            *("outcome", "decided", "delay", "kind", "deterred", "follows", "after"),
        )
        # Older crimes are kept the longer the graver they are.
        shares = [
            one.share * (3.0 if back_record and one.mopi_group < 3 else 1.0)
            for one in OFFENCES
        ]
        frame = self._frame(random, window, shares).sort("reported_at", "kind")
        # Thirty years of back record hold no two burglaries of one week and area.
        repeating = [] if back_record else [NEAR_REPEAT_OFFENCE]
        frame = near_repeats(frame, repeating)
        if self._patrols is not None:
            gone = self._patrols.prevented(month, pl.col("deterred"))
            frame = frame.filter(~gone)
        prevented = total - frame.height
        frame = frame.with_columns(
            at=pl.int_range(pl.len()),
            crime_number=pl.lit("C")
            + (pl.col("reported_at").dt.year() % 100).cast(pl.String).str.zfill(2)
            + (pl.int_range(pl.len()) + self._reports + 1).cast(pl.String).str.zfill(7),
        )
        self._reports += frame.height
        frame = self._decided(frame, back_record)
        # The planted rows are those with the least of one random number: anywhere.
        place = pl.col("kind").rank("ordinal")
        fault = (
            pl.when(place <= faults)
            .then(pl.lit("impossible_times"))
            .when(place <= 2 * faults)
            .then(pl.lit("contradicting_crime_number"))
        )
        repeated = (place > 2 * faults) & (place <= 3 * faults)
        frame = frame.with_columns(fault=fault, repeated=repeated)
        linkable = frame.filter(pl.col("fault").is_null()).select(
            "crime_number",
            "reported_at",
            "offence_number",
            "mopi_group",
            "lsoa_code",
            "borough_code",
            "environment",
        )
        return Reports(
            _with_faulty_rows(frame),
            linkable,
            prevented,
            int(frame["is_near_repeat"].sum()),
        )

    def _frame(
        self, random: pl.DataFrame, window: tuple[date, date], shares: list[float]
    ) -> pl.DataFrame:
        offence = choose(cumulative(shares), random["offence"]).alias("offence_number")
        table = pl.DataFrame(OFFENCES, orient="row", schema=list(OFFENCES[0]._fields))
        behaviour = table.select(pl.all().gather(offence)).rename({"name": "title"})
        where = self._areas.drawn(random["place"])
        reported = moments(*window, random).alias("reported_at")
        frame = random.hstack([offence, reported]).hstack(behaviour).hstack(where)
        value = pl.col("environment")
        public, private = pl.col("public"), pl.col("private")
        environment = (
            pl.when(value < public)
            .then(pl.lit("public"))
            .when(value < public + private)
            .then(pl.lit("private"))
            .when(value < public + private + pl.col("online"))
            .then(pl.lit("online"))
        )
        # Hours to weeks, most of them hours.
        begun = pl.col("reported_at") - seconds(
            600 + 5_000 * ((1 / (1.02 - pl.col("lag"))) ** 2)
        )
        gap = pl.col("reported_at") - begun
        frame = frame.with_columns(environment=environment).with_columns(
            occurred_from=begun,
            occurred_to=pl.when(pl.col("open_end") > 0.2).then(
                begun + seconds(gap.dt.total_seconds() * 0.8 * pl.col("span"))
            ),
            online_only=pl.col("environment").eq_missing("online"),
        )
        return frame.with_columns(
            lsoa_code=pl.when(~pl.col("online_only")).then("lsoa_code"),
            location_postcode=pl.when(
                ~pl.col("online_only") & (pl.col("no_post") > 0.25)
            ).then(postcodes(pl.col("post"))),
            mopi_group=pl.when(pl.col("mopi") >= NO_MOPI_GROUP_SHARE).then(
                "mopi_group"
            ),
            domestic_abuse=pl.col("flag") < pl.col("domestic"),
            hate_crime=pl.col("hate") < 0.025,
        )

    def _decided(self, frame: pl.DataFrame, back_record: bool) -> pl.DataFrame:
        delay = pl.col("delay").pow(2) * 240 + 1
        on = pl.col("reported_at").dt.date() + pl.duration(days=delay.cast(pl.Int64))
        until = pl.lit(self._known_until)
        closed = (on <= until) & ((pl.col("decided") < 0.9) | pl.lit(back_record))
        frame = frame.with_columns(word=drawn(_OUTCOMES, frame["outcome"]))
        return frame.with_columns(
            status=pl.when(closed).then(pl.lit("closed")).otherwise(pl.lit("open")),
            outcome=pl.when(closed).then("word"),
            outcome_date=pl.when(closed).then(on),
        )

    def links(
        self,
        month: int,
        reports: Reports,
        people: People,
        window: tuple[date, date],
        *,
        faults: int,
    ) -> tuple[Links, Records]:
        """Make the month's links, and the records of persons that they need.

        Args:
            month: The month's number.
            reports: Of the month.
            people: Everybody so far; grows by the month's records.
            window: First day of the month and of the next.
            faults: Rows of each planted kind.
        """
        draws = Draws(self._seed, "force systems", "links", month)
        slots = self.dated(link_slots(draws, reports.linkable))
        new = max(1, round(slots.height * NEW_SHARE))
        order = slots.select(pl.col("order").arg_sort()).to_series()
        slots = slots.select(pl.all().gather(order))
        records = people.record(
            month,
            slots["linked_on"].head(new),
            window=window,
            orphans=faults,
            faults=faults,
        )
        slots = _named(slots, records, people, new)
        return self._told(slots, faults, new), records

    def dated(self, slots: pl.DataFrame) -> pl.DataFrame:
        """Say when each link was made and what came of it, as far as is known."""
        until = pl.lit(self._known_until)
        reported = pl.col("reported_at").dt.date()
        linked = reported + pl.duration(
            days=(pl.col("linked").pow(3) * 12).cast(pl.Int64)
        )
        decided = reported + pl.duration(
            days=(5 + pl.col("delay").pow(2) * 300).cast(pl.Int64)
        )
        slots = slots.with_columns(word=drawn(_PERSON_OUTCOMES, slots["outcome"]))
        happened = (
            (pl.col("role") == "suspect")
            & (pl.col("word") != "none")
            & (decided <= until)
        )
        slots = slots.with_columns(
            linked_on=pl.min_horizontal(linked, until),
            person_outcome=pl.when(happened).then("word").otherwise(pl.lit("none")),
            person_outcome_date=pl.when(happened).then(decided),
        )
        convicted = pl.col("person_outcome") == "convicted"
        return slots.with_columns(
            subject_category=pl.when(convicted)
            .then(pl.lit("convicted"))
            .otherwise("role"),
            sentence_end=pl.when(convicted & (pl.col("sentence") < 0.6)).then(
                pl.col("person_outcome_date")
                + pl.duration(
                    days=(30 + pl.col("sentence").pow(2) * 6000).cast(pl.Int64)
                )
            ),
            is_assessment=(pl.col("role") == "suspect") & (pl.col("opinion") < 0.25),
        )

    def _told(self, slots: pl.DataFrame, faults: int, new: int) -> Links:
        # Only links beyond the first of a record are damaged: every record that is no
        # planted orphan keeps one that loads.
        spare = slots.slice(new).sort("order").head(3 * faults)
        kinds = ["null_category", "without_nominal", "without_report"]
        at = pl.int_range(pl.len())
        extra = spare.with_columns(
            kind=(at % 3).replace_strict(dict(enumerate(kinds)), return_dtype=pl.String)
        ).with_columns(
            subject_category=pl.when(pl.col("kind") != "null_category").then(
                "subject_category"
            ),
            nominal_id=pl.when(pl.col("kind") == "without_nominal")
            .then(numbered("N", 99_000_000 + self._links + at, 8))
            .otherwise("nominal_id"),
            crime_number=pl.when(pl.col("kind") == "without_report")
            .then(numbered("C", 990_000_000 + self._links + at, 9))
            .otherwise("crime_number"),
        )
        rows = pl.concat(
            [slots.with_columns(kind=pl.lit(None, dtype=pl.String)), extra]
        ).sort("reported_at", "crime_number", "order", "kind", nulls_last=False)
        rows = rows.with_columns(
            link_id=numbered("L", pl.int_range(pl.len()) + self._links + 1, 10),
            fault=pl.when(pl.col("kind") == "null_category").then("kind"),
        )
        self._links += rows.height
        table = rows.select(
            "link_id",
            "crime_number",
            "nominal_id",
            "subject_category",
            "is_assessment",
            "person_outcome",
            "person_outcome_date",
            "sentence_end",
            "linked_on",
            "fault",
        )
        counts = dict(rows["kind"].value_counts().iter_rows())
        return Links(
            table=table,
            sound=rows.filter(pl.col("kind").is_null()),
            without_nominal=counts.get("without_nominal", 0),
            without_report=counts.get("without_report", 0),
        )


def _with_faulty_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the second row of a repeat or contradiction; turn times round."""
    columns = [
        "crime_number",
        "reported_at",
        "occurred_from",
        "occurred_to",
        "offence_code",
        "offence",
        "crime_type",
        "mopi_group",
        "environment",
        "domestic_abuse",
        "hate_crime",
        "location_postcode",
        "lsoa_code",
        "borough_code",
        "status",
        "outcome",
        "outcome_date",
    ]
    wrong = pl.col("fault").eq_missing("impossible_times")
    frame = frame.with_columns(
        occurred_from=pl.when(wrong)
        .then(pl.col("reported_at") + timedelta(hours=30))
        .otherwise("occurred_from"),
        occurred_to=pl.when(~wrong).then("occurred_to"),
        second=pl.lit(0),
        is_repeat=pl.lit(False),
    ).rename({"code": "offence_code", "title": "offence_name"})
    frame = frame.drop("offence").rename({"offence_name": "offence"})
    again = frame.filter("repeated").with_columns(
        second=pl.lit(1), is_repeat=pl.lit(True)
    )
    other = frame.filter(
        pl.col("fault").eq_missing("contradicting_crime_number")
    ).with_columns(
        second=pl.lit(1),
        hate_crime=~pl.col("hate_crime"),
    )
    rows = pl.concat([frame, again, other]).sort("at", "second")
    return rows.select(*columns, "fault", "is_repeat")


def link_slots(draws: Draws, linkable: pl.DataFrame) -> pl.DataFrame:
    """Return one row a link: the report, the role, and random numbers."""
    counts = draws.frame(linkable.height, "victims", "suspects", "witnesses", "others")
    roles = []
    for role, column, shares in (
        ("victim", "victims", _VICTIMS),
        ("suspect", "suspects", _SUSPECTS),
        ("witness", "witnesses", _WITNESSES),
        ("other", "others", _OTHERS),
    ):
        number = choose(cumulative(shares), counts[column])
        roles += [
            linkable.filter(number > at).with_columns(role=pl.lit(role))
            for at in range(len(shares) - 1)
        ]
    slots = pl.concat(roles)
    random = draws.frame(
        slots.height,
        *("order", "linked", "outcome", "delay", "sentence", "opinion", "whom"),
        *("arrest", "hours", "wait", "held", "disposal"),
    )
    return slots.hstack(random)


def _named(
    slots: pl.DataFrame, records: Records, people: People, new: int
) -> pl.DataFrame:
    """Give each link a record: the first ones a new record, the others a known one."""
    fresh = (
        pl.DataFrame({"at": records.slots, "number": records.numbers})
        .sort("at")["number"]
        .cast(pl.Int64)
    )
    known = people.known["number"]
    rest = slots.slice(new)
    # A few suspects come to notice again and again.
    place = rest.select(
        (
            pl.when(pl.col("role") == "suspect")
            .then(pl.col("whom").pow(2.2))
            .otherwise("whom")
            * known.len()
        ).cast(pl.Int64)
    ).to_series()
    numbers = pl.concat([fresh, known.gather(place).cast(pl.Int64)])
    return slots.with_columns(number=numbers).with_columns(
        nominal_id=numbered("N", pl.col("number"), 8)
    )
