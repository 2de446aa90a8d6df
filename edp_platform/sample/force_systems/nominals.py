"""Records of persons, with several records of some, spelt and dated otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from edp_platform.sample.draws import Draws, choose, cumulative
from edp_platform.sample.force_systems.columns import (
    drawn_by_group,
    numbered,
    picked,
    postcodes,
)
from edp_platform.sample.force_systems.word_lists import (
    FIRST_NAMES,
    GROUP_SHARES,
    OFFICER_DEFINED,
    SELF_DEFINED,
    SHORT_FORMS,
    SOUND_ALIKES,
    SURNAMES,
)
from edp_platform.sample.geography import STREET_FIRST, STREET_LAST

#: Share of a month's records that are of a person who has one already.
DUPLICATE_SHARE = 0.07
_POOL_SHARE = 0.1
_UNDER_TEN_SHARE = 0.004
_NO_BIRTH_DATE_SHARE = 0.012
#: Postcodes that stand for "none": refused by rule 14.
FAKE_POSTCODES = ["ZZ99 3VZ", "ZZ99 3WZ", "AA1 1AA", "Q1 1CC", "NO FIXED ABODE"]

_ATTRIBUTES = [
    "pnc_id",
    "first_name",
    "middle_names",
    "surname",
    "date_of_birth",
    "sex",
    "ethnicity_officer_defined",
    "ethnicity_self_defined",
    "address_line",
    "postcode",
    "phone",
    "email",
]


@dataclass(frozen=True)
class Records:
    """One month's records.

    Attributes:
        table: The file's rows under contract names, in the order of recording, with
            `fault` (why the row must be quarantined, or null).
        slots: For each linked record, its position among the links to be given one.
        numbers: The number of that record.
        truth: `nominal_id`, `person_id` of each row that can be loaded.
        duplicates: Rows that are further records of a person.
        under_ten: Rows of children under 10 on the day of recording.
        without_birth_date: Rows that can be loaded and have no date of birth.
        orphans: Rows that no link names.
    """

    table: pl.DataFrame
    slots: pl.Series
    numbers: pl.Series
    truth: pl.DataFrame
    duplicates: int
    under_ten: int
    without_birth_date: int
    orphans: int


class People:
    """Everybody the sample force knows of so far."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._records = 0
        self._persons = 0
        self._pool: list[pl.DataFrame] = []
        self._known: list[pl.DataFrame] = []
        self._gathered: pl.DataFrame | None = None

    @property
    def known(self) -> pl.DataFrame:
        """Records that links may name.

        `number`, `date_of_birth`, `sex` and both ethnicities, in the order of number.
        """
        if self._gathered is None:
            self._gathered = pl.concat(self._known, rechunk=True)
            self._known = [self._gathered]
        return self._gathered

    def record(
        self,
        month: int,
        recorded: pl.Series,
        *,
        window: tuple[date, date],
        orphans: int,
        faults: int,
    ) -> Records:
        """Make the records of one month.

        Args:
            month: The month's number, which names the random numbers.
            recorded: Day of recording of each record that some link will name.
            window: First day of the month and of the next, for the others.
            orphans: Records that no link will name.
            faults: Of each kind, rows that must be quarantined.
        """
        linked = len(recorded)
        again = min(round(linked * DUPLICATE_SHARE), linked // 2)
        others = orphans + 2 * faults
        draws = Draws(self._seed, "force systems", "nominals", month)
        start, end = window
        spare = draws.frame(others, "spare").select(
            pl.lit(start)
            + pl.duration(days=(pl.col("spare") * (end - start).days).cast(pl.Int64))
        )
        days = pl.concat(
            [recorded.cast(pl.Date).rename("day"), spare.to_series().cast(pl.Date)]
        )
        fresh = self._persons_made(draws, days, again, linked)
        rows = fresh.with_columns(
            at=pl.int_range(pl.len()),
            kind=pl.when(pl.int_range(pl.len()) < linked)
            .then(pl.lit("linked"))
            .when(pl.int_range(pl.len()) < linked + orphans)
            .then(pl.lit("orphan"))
            .when(pl.int_range(pl.len()) < linked + orphans + faults)
            .then(pl.lit("future_date_of_birth"))
            .otherwise(pl.lit("fake_postcode")),
        )
        rows = _with_faults(rows).sort("recorded_on", "at")
        rows = rows.with_columns(number=pl.int_range(pl.len()) + self._records + 1)
        self._records += rows.height
        return self._told(rows, linked)

    def _told(self, rows: pl.DataFrame, linked: int) -> Records:
        rows = rows.with_columns(
            nominal_id=numbered("N", pl.col("number"), 8),
            fault=pl.when(~pl.col("kind").is_in(["linked", "orphan"])).then("kind"),
        )
        named = rows.filter(pl.col("kind") == "linked").sort("at")
        self._known.append(
            named.sort("number").select(
                "number",
                "date_of_birth",
                "sex",
                "ethnicity_officer_defined",
                "ethnicity_self_defined",
            )
        )
        self._gathered = None
        sound = rows.filter(pl.col("fault").is_null())
        born = pl.col("date_of_birth")
        under_ten = born > pl.col("recorded_on").dt.offset_by("-10y")
        return Records(
            table=rows.select("nominal_id", *_ATTRIBUTES, "recorded_on", "fault"),
            slots=named["at"],
            numbers=named["number"],
            truth=sound.select(
                "nominal_id", person_id=numbered("T", pl.col("person"), 8)
            ),
            duplicates=int(sound["is_again"].sum()),
            under_ten=int(sound.select(under_ten.sum()).item()),
            without_birth_date=sound["date_of_birth"].null_count(),
            orphans=rows.filter(pl.col("kind") == "orphan").height,
        )

    def _persons_made(
        self, draws: Draws, days: pl.Series, again: int, linked: int
    ) -> pl.DataFrame:
        """Return attributes of as many persons as days; some linked ones are known."""
        rows = _new_persons(draws, days).with_columns(
            person=pl.int_range(pl.len()) + self._persons + 1, is_again=pl.lit(False)
        )
        self._persons += rows.height
        # The first records of the month are further ones of persons known or new.
        sampled = draws.frame(linked - again, "keep")["keep"] < _POOL_SHARE
        self._pool.append(rows.slice(again, linked - again).filter(sampled))
        pool = pl.concat(self._pool)
        if not again or pool.is_empty():
            return rows
        place = (draws.frame(again, "whom")["whom"] * pool.height).cast(pl.Int64)
        known = pool.select(pl.all().gather(place)).with_columns(
            days.head(again).alias("day")
        )
        # A further record is never older than the first, nor the person unborn.
        known = known.with_columns(
            is_again=pl.lit(True), recorded_on=pl.max_horizontal("recorded_on", "day")
        ).drop("day")
        return pl.concat([_told_otherwise(draws, known), rows.slice(again)]).select(
            rows.columns
        )


def _new_persons(draws: Draws, days: pl.Series) -> pl.DataFrame:
    random = draws.frame(
        len(days),
        *("group", "sex", "first", "middle", "has_middle", "surname", "age", "young"),
        *("born", "officer", "self", "stated", "pnc", "pnc_number", "house", "street"),
        *("way", "post", "no_address", "phone", "no_phone", "no_email", "email"),
    )
    group = choose(cumulative(GROUP_SHARES), random["group"])
    male = random["sex"] < 0.62
    kind = (group.cast(pl.Int64) * 2 + (~male).cast(pl.Int64)).alias("kind")
    firsts = [names for pair in FIRST_NAMES for names in pair]
    young = pl.int_range(pl.len()) % round(1 / _UNDER_TEN_SHARE) == 11
    years = (
        pl.when(young)
        .then(pl.col("age") * 9.5)
        .otherwise(10.1 + 75 * pl.col("age").pow(1.7))
    )
    address = pl.col("no_address") >= 0.12
    frame = random.hstack([kind, group.alias("in_group"), male.alias("male")])
    frame = frame.with_columns(
        recorded_on=days,
        ethnicity_officer_defined=drawn_by_group(
            OFFICER_DEFINED, group, random["officer"]
        ),
        self_defined=drawn_by_group(SELF_DEFINED, group, random["self"]),
        first_name=_from_lists(firsts, kind, random["first"]),
        middle_names=_from_lists(firsts, kind, random["middle"]),
        surname=_from_lists(SURNAMES, group, random["surname"]),
    ).with_columns(
        date_of_birth=pl.when(pl.col("born") >= _NO_BIRTH_DATE_SHARE).then(
            pl.col("recorded_on") - pl.duration(days=(years * 365.25).cast(pl.Int64))
        ),
        year=pl.col("recorded_on").dt.year() % 100,
    )
    return frame.select(
        pnc_id=pl.when(pl.col("pnc") < 0.3).then(
            (pl.col("year")).cast(pl.String).str.zfill(2)
            + "/"
            + (pl.col("pnc_number") * 9_999_999).cast(pl.Int64).cast(pl.String)
            + picked("ABCDEFGHJKLMNPQRTUVWXYZ", pl.col("pnc") / 0.3)
        ),
        first_name="first_name",
        middle_names=pl.when(pl.col("has_middle") < 0.4).then("middle_names"),
        surname="surname",
        date_of_birth="date_of_birth",
        sex=pl.when(pl.col("sex") > 0.995)
        .then(pl.lit("Not known"))
        .when("male")
        .then(pl.lit("Male"))
        .otherwise(pl.lit("Female")),
        ethnicity_officer_defined="ethnicity_officer_defined",
        ethnicity_self_defined=pl.when(pl.col("stated") < 0.22)
        .then(pl.lit(None, dtype=pl.String))
        .when(pl.col("stated") < 0.28)
        .then(pl.lit("NS"))
        .otherwise("self_defined"),
        address_line=pl.when(address).then(_address()),
        postcode=pl.when(address).then(postcodes(pl.col("post"))),
        phone=pl.when(pl.col("no_phone") >= 0.35).then(_phone(pl.col("phone"))),
        email=pl.when(pl.col("no_email") >= 0.55).then(
            pl.col("first_name").str.to_lowercase()
            + "."
            + pl.col("surname").str.to_lowercase().str.replace_all("'", "")
            + (pl.col("email") * 99).cast(pl.Int64).cast(pl.String)
            + "@mail.example"
        ),
        recorded_on="recorded_on",
    )


def _from_lists(
    lists: Sequence[Sequence[str]], which: pl.Series, uniform: pl.Series
) -> pl.Series:
    """Return a word from each row's list, the earlier ones of a list more often."""
    shares = [[(word, 1.0 / (4 + at)) for at, word in enumerate(one)] for one in lists]
    return drawn_by_group(shares, which, uniform)


def _address() -> pl.Expr:
    return (
        (1 + pl.col("house") * 180).cast(pl.Int64).cast(pl.String)
        + " "
        + picked(STREET_FIRST, pl.col("street"))
        + " "
        + picked(STREET_LAST, pl.col("way"))
    )


def _phone(uniform: pl.Expr) -> pl.Expr:
    digits = (uniform * 999_999_999).cast(pl.Int64).cast(pl.String).str.zfill(9)
    return pl.lit("06") + digits.str.slice(0, 3) + " " + digits.str.slice(3)


def _with_faults(rows: pl.DataFrame) -> pl.DataFrame:
    """Give the rows that must be quarantined what they are quarantined for."""
    return rows.with_columns(
        date_of_birth=pl.when(pl.col("kind") == "future_date_of_birth")
        .then(pl.col("recorded_on") + timedelta(days=400))
        .otherwise("date_of_birth"),
        postcode=pl.when(pl.col("kind") == "fake_postcode")
        .then(
            (pl.col("at") % len(FAKE_POSTCODES)).replace_strict(
                dict(enumerate(FAKE_POSTCODES)), return_dtype=pl.String
            )
        )
        .otherwise("postcode"),
    )


def _told_otherwise(draws: Draws, known: pl.DataFrame) -> pl.DataFrame:
    """Return further records of persons: misspelt, shortened, moved, misdated."""
    names = ["spell", "where", "short", "date", "moved", "again", "blank", "lose"]
    more = draws.frame(
        known.height,
        *(f"{name} otherwise" for name in names),
        *("house", "street", "way", "post", "new phone"),
    ).rename({f"{name} otherwise": name for name in names})
    frame = known.hstack(more)
    spell, short, when = pl.col("spell"), pl.col("short"), pl.col("date")
    moved = pl.col("moved") < 0.45
    born = pl.col("date_of_birth")
    swapped = pl.date(born.dt.year(), born.dt.day(), born.dt.month())
    can_swap = (born.dt.day() <= 12) & born.is_not_null()
    surname = pl.col("surname")
    at = (pl.col("where") * (surname.str.len_chars() - 2)).cast(pl.Int64) + 1
    dropped = surname.str.slice(0, at) + surname.str.slice(at + 1)
    doubled = surname.str.slice(0, at + 1) + surname.str.slice(at)
    turned = (
        surname.str.slice(0, at)
        + surname.str.slice(at + 1, 1)
        + surname.str.slice(at, 1)
        + surname.str.slice(at + 2)
    )
    return (
        frame.with_columns(
            surname=pl.when(spell < 0.10)
            .then(dropped)
            .when(spell < 0.18)
            .then(doubled)
            .when(spell < 0.28)
            .then(turned)
            .when(spell < 0.45)
            .then(_alike(surname))
            .when((spell < 0.50) & (pl.col("sex") == "Female"))
            .then(pl.col("surname").gather(pl.int_range(pl.len()).reverse()))
            .when(spell < 0.55)
            .then(surname.str.to_uppercase())
            .otherwise(surname),
            first_name=pl.when(short < 0.30)
            .then(pl.col("first_name").replace(SHORT_FORMS))
            .when(short < 0.35)
            .then(pl.col("first_name").str.slice(0, 1))
            .otherwise("first_name"),
            middle_names=pl.when(pl.col("again") < 0.6).then("middle_names"),
            date_of_birth=pl.when((when < 0.12) & can_swap)
            .then(swapped)
            .when(when < 0.18)
            .then(born.dt.offset_by("-1y"))
            .when(when < 0.24)
            .then(born.dt.offset_by("1d"))
            .when(when >= 0.97)
            .then(pl.lit(None, dtype=pl.Date))
            .otherwise(born),
            pnc_id=pl.when(pl.col("lose") < 0.5).then("pnc_id"),
            ethnicity_self_defined=pl.when(pl.col("blank") >= 0.2).then(
                "ethnicity_self_defined"
            ),
            address_line=pl.when(moved).then(_address()).otherwise("address_line"),
            postcode=pl.when(moved)
            .then(postcodes(pl.col("post")))
            .otherwise("postcode"),
            phone=pl.when(moved & (pl.col("again") < 0.5))
            .then(_phone(pl.col("new phone")))
            .otherwise("phone"),
            email=pl.when(pl.col("lose") < 0.7).then("email"),
        )
        .with_columns(
            # Nobody's other record may by chance be one that must be quarantined.
            date_of_birth=pl.when(born > pl.col("recorded_on"))
            .then("recorded_on")
            .otherwise(born),
        )
        .select(known.columns)
    )


def _alike(surname: pl.Expr) -> pl.Expr:
    changed = surname
    found = pl.lit(False)
    for written, heard in SOUND_ALIKES:
        here = ~found & surname.str.slice(1).str.contains(written, literal=True)
        changed = (
            pl.when(here)
            .then(
                surname.str.slice(0, 1)
                + surname.str.slice(1).str.replace(written, heard, literal=True)
            )
            .otherwise(changed)
        )
        found = found | here
    return changed
