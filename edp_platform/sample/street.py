"""Street crimes of one force and month: what happened, and the rows of the file.

The crimes are made once, with what becomes of each (see ``outcomes``); the street file
of a month and its earlier release are two views of the same crimes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import polars as pl

from edp_platform.sample.draws import (
    Draws,
    choose,
    cumulative,
    cumulative_by_group,
)
from edp_platform.sample.geography import (
    NO_LOCATION_IN_OUTCOMES,
    NO_STREET_NAME,
    Geography,
)
from edp_platform.sample.labels import (
    ANTI_SOCIAL_BEHAVIOUR,
    AWAITING_COURT,
    COURT_RESULT_UNAVAILABLE,
    COURT_RESULTS,
    CRIME_TYPES,
    FIRST_COURT_RESULT,
    FURTHER_ACTION,
    NO_SUSPECT,
    NOT_IN_PUBLIC_INTEREST,
    OUTCOME_LABELS,
    OUTCOME_SHARES,
    STATUS_UNAVAILABLE,
    SUSPECT_CHARGED,
    UNABLE_TO_PROSECUTE,
    UNDER_INVESTIGATION,
)
from edp_platform.sample.timeline import (
    CITY,
    FORCE,
    FORCE_NAMES,
    PARTIAL_SHARE,
    STEP_CRIME_TYPE,
    STEP_FACTOR,
    Timeline,
    month_of_year,
    month_text,
)

# What a row is among the rows of its file.
PLAIN = 0
HAS_COPY = 1
EXACT_COPY = 2
SHARES_IDENTIFIER = 3

# Months from a crime to its outcome: a quarter of a month's outcomes are for crimes
# of the same month, most of the rest for the year before.
_LAG_SHARES = [0.27, 0.21, 0.14, 0.10, 0.07, 0.05, 0.04, 0.03, 0.03, 0.02, 0.02, 0.02]
LONGEST_LAG = len(_LAG_SHARES) - 1
_LAG_BOUNDS = cumulative(_LAG_SHARES)
_OUTCOME_BOUNDS = cumulative_by_group(OUTCOME_SHARES)
_COURT_BOUNDS = cumulative([share for _, share in COURT_RESULTS])
_DECIDED_SHARE = 0.92
_NEVER = 1_000_000
_NO_LOCATION_SHARE = {FORCE: 0.025, CITY: 0.07}
_CITY_SHARE_ELSEWHERE = 0.05
_OUTSIDE_SHARE = {FORCE: 0.0004, CITY: 0.003}
_EARLIER_PLACE_SHARE = 0.006


@dataclass(frozen=True)
class Places:
    """Where crimes of each force happen, ready to be drawn and printed.

    Attributes:
        geography: The land.
        bounds: Cumulated weights of the points, by force.
    """

    geography: Geography
    bounds: dict[str, pl.Series]
    _printed: dict[tuple[bool, bool, bool], pl.DataFrame] = field(default_factory=dict)

    def printed(
        self, *, lsoa_2021: bool, unnamed: bool, in_outcomes: bool
    ) -> pl.DataFrame:
        """Return the place columns of every point as a file of that time prints them.

        Args:
            lsoa_2021: With the LSOA codes of 2021, else of 2011.
            unnamed: Some streets have lost their name.
            in_outcomes: For an outcomes file, which spells no location otherwise.
        """
        key = (lsoa_2021, unnamed, in_outcomes)
        if key not in self._printed:
            self._printed[key] = self._print(*key)
        return self._printed[key]

    def _print(self, lsoa_2021: bool, unnamed: bool, in_outcomes: bool) -> pl.DataFrame:
        year = "2021" if lsoa_2021 else "2011"
        location = pl.col("location")
        if unnamed:
            location = (
                pl.when("loses_name").then(pl.lit(NO_STREET_NAME)).otherwise(location)
            )
        if in_outcomes:
            location = (
                pl.when(pl.int_range(pl.len()) == self.geography.nowhere)
                .then(pl.lit(NO_LOCATION_IN_OUTCOMES))
                .otherwise(location)
            )
        return self.geography.points.select(
            pl.col("longitude").alias("Longitude"),
            pl.col("latitude").alias("Latitude"),
            location.alias("Location"),
            pl.col(f"lsoa_{year}_code").alias("LSOA code"),
            pl.col(f"lsoa_{year}_name").alias("LSOA name"),
        )


def make_places(geography: Geography) -> Places:
    """Return where each force's crimes happen.

    The city force finds about 5 % of its crimes in the boroughs around its own.
    """
    points = geography.points
    city = geography.boroughs.row(0, named=True)
    around = geography.boroughs.filter(
        ((pl.col("x") - city["x"]).abs() <= 1)
        & ((pl.col("y") - city["y"]).abs() <= 1)
        & (pl.col("borough") != 0)
    )["borough"].to_list()
    weight = pl.col("weight")
    in_city = pl.col("borough") == 0
    nearby = pl.col("borough").is_in(around)
    outside = pl.col("borough").is_null() & pl.col("longitude").is_not_null()

    def shared(which: pl.Expr, share: float) -> pl.Expr:
        value = pl.when(which).then(weight).otherwise(0.0)
        return value / value.sum() * share

    weights = {
        FORCE: shared(~in_city.fill_null(True), 1 - _OUTSIDE_SHARE[FORCE]),
        CITY: shared(
            in_city.fill_null(False), 1 - _CITY_SHARE_ELSEWHERE - _OUTSIDE_SHARE[CITY]
        )
        + shared(nearby.fill_null(False), _CITY_SHARE_ELSEWHERE),
    }
    bounds = {}
    for force, expression in weights.items():
        apart = pl.when(outside).then(_OUTSIDE_SHARE[force] / 2).otherwise(0.0)
        series = points.select((expression + apart).alias("weight")).to_series()
        bounds[force] = cumulative(series.to_list())
    return Places(geography, bounds)


@dataclass(frozen=True)
class StreetMonth:
    """The crimes of one force and month.

    Attributes:
        force: The force.
        month: The month's number.
        rows: One row a row of the file, in its order, with ``crime_id``,
            ``crime_type`` (index), ``place`` (index of a point), ``earlier_place``
            (where an earlier release put it), ``decided`` (month), ``outcome``
            (index), ``court_month``, ``court`` (index), ``kind``.
    """

    force: str
    month: int
    rows: pl.DataFrame


def make_street_month(
    places: Places,
    timeline: Timeline,
    seed: int,
    base_rows: int,
    force: str,
    month: int,
) -> StreetMonth:
    """Make a month's crimes.

    Args:
        places: Where crimes happen.
        timeline: The planted changes.
        seed: The sample's seed.
        base_rows: Rows of the sample force in an average month.
        force: The force.
        month: The month's number; months before the window are made too, for the
            outcomes that are decided inside it.
    """
    draws = Draws(seed, "street", force, month)
    counts = _counts_by_type(draws, timeline, base_rows, force, month)
    rows = sum(counts)
    random = draws.frame(
        rows,
        *("place", "nowhere", "decided", "lag", "outcome", "court", "court_lag"),
        *("pick", "earlier", "further"),
    )
    nowhere = places.geography.nowhere
    types = pl.Series([number for number, _ in enumerate(counts)], dtype=pl.UInt8)
    crime_type = (
        pl.select(pl.lit(types).repeat_by(pl.Series(counts)).explode())
        .to_series()
        .rename("crime_type")
    )
    personal = crime_type.replace_strict(
        {number: int(kind.is_personal) for number, kind in enumerate(CRIME_TYPES)},
        return_dtype=pl.UInt8,
    )
    personal_outcome = choose(_OUTCOME_BOUNDS, personal + random["outcome"])
    court = choose(_COURT_BOUNDS, random["court"])
    blank = pl.col("crime_type") == _blank_type()
    frame = pl.DataFrame(
        {
            "crime_id": draws.hex_identifiers(rows),
            "crime_type": crime_type,
            "place": choose(places.bounds[force], random["place"]),
            # Both lists of outcomes are equally long: laid end to end, the rest of
            # the division is the outcome.
            "outcome": personal_outcome % len(OUTCOME_SHARES[0]),
            "lag": choose(_LAG_BOUNDS, random["lag"]),
            "court": court + FIRST_COURT_RESULT,
            "nowhere": random["nowhere"],
            "decided": random["decided"],
            "court_lag": random["court_lag"],
            "pick": random["pick"],
            "earlier": random["earlier"],
            "further": random["further"],
        }
    ).with_columns(
        crime_id=pl.when(~blank).then("crime_id"),
        place=pl.when(pl.col("nowhere") < _NO_LOCATION_SHARE[force])
        .then(nowhere)
        .otherwise("place"),
        decided=pl.when(~blank & (pl.col("decided") < _DECIDED_SHARE))
        .then(month + pl.col("lag").cast(pl.Int32))
        .otherwise(_NEVER),
        kind=pl.lit(PLAIN, dtype=pl.UInt8),
    )
    frame = frame.with_columns(
        outcome=pl.when(
            (pl.col("decided") >= timeline.further_action_from)
            & pl.col("outcome").is_in(NOT_IN_PUBLIC_INTEREST)
            & (pl.col("further") < 0.5)
        )
        .then(FURTHER_ACTION)
        .otherwise("outcome"),
    )
    court_month = pl.col("decided") + 2 + (pl.col("court_lag") * 4).cast(pl.Int32)
    frame = frame.with_columns(
        court_month=pl.when(
            (pl.col("outcome") == SUSPECT_CHARGED)
            & (pl.col("decided") < _NEVER)
            & (court_month < timeline.court_outcomes_until)
        )
        .then(court_month)
        .otherwise(_NEVER),
        earlier_place=pl.when(
            ~blank
            & (pl.col("place") < nowhere)
            & (pl.col("earlier") < _EARLIER_PLACE_SHARE)
        )
        .then(_next_point(pl.col("place")))
        .otherwise("place"),
    ).select(
        *("crime_id", "crime_type", "place", "earlier_place", "decided", "outcome"),
        *("court_month", "court", "kind", "pick"),
    )
    frame = _with_repeats(frame, nowhere, force)
    return StreetMonth(
        force, month, frame.drop("pick").sort("place", maintain_order=True)
    )


def _counts_by_type(
    draws: Draws, timeline: Timeline, base_rows: int, force: str, month: int
) -> list[int]:
    total = base_rows * (0.05 if force == CITY else 1.0)
    if force == CITY and month == timeline.partial_supply:
        total *= PARTIAL_SHARE
    all_shares = sum(kind.share for kind in CRIME_TYPES)
    counts = []
    for kind in CRIME_TYPES:
        turn = 2 * math.pi * (month_of_year(month) - kind.peak) / 12
        mean = total * kind.share / all_shares * (1 + kind.swing * math.cos(turn))
        if kind.name == STEP_CRIME_TYPE and force == FORCE:
            mean *= STEP_FACTOR if month >= timeline.step_from else 1.0
        spread = math.sqrt(mean) * 2 * (draws.number(kind.name) - 0.5)
        counts.append(max(0, round(mean + spread)))
    return counts


def _blank_type() -> int:
    return next(
        number
        for number, kind in enumerate(CRIME_TYPES)
        if kind.name == ANTI_SOCIAL_BEHAVIOUR
    )


def _next_point(place: pl.Expr) -> pl.Expr:
    """Return another point, nearly always in the same borough."""
    return pl.when(place > 0).then(place - 1).otherwise(place + 1)


def _with_repeats(frame: pl.DataFrame, nowhere: int, force: str) -> pl.DataFrame:
    """Add exact copies, and rows that share a Crime ID but differ."""
    blank = frame.filter(pl.col("crime_id").is_null())
    identified = frame.filter(
        pl.col("crime_id").is_not_null() & (pl.col("place") < nowhere)
    )
    least = 1 if force == FORCE else 0
    exact = min(max(least, round(frame.height * 0.0008)), identified.height // 4)
    sharing = min(max(1, round(frame.height * 0.004)), identified.height // 4)
    picked = identified.bottom_k(exact + sharing, by="pick").sort("pick")
    # Rows of one ID stay as they are between releases: with two rows an ID, what
    # changed from one release to the next could not be told for certain.
    settled = picked.with_columns(
        decided=pl.lit(0, dtype=frame.schema["decided"]),
        outcome=pl.lit(UNABLE_TO_PROSECUTE, dtype=frame.schema["outcome"]),
        court_month=pl.lit(_NEVER, dtype=frame.schema["court_month"]),
        earlier_place=pl.col("place"),
        kind=pl.when(pl.int_range(pl.len()) < exact)
        .then(HAS_COPY)
        .otherwise(SHARES_IDENTIFIER)
        .cast(pl.UInt8),
    )
    copies = settled.head(exact).with_columns(kind=pl.lit(EXACT_COPY, dtype=pl.UInt8))
    differing = settled.slice(exact).with_columns(
        # Half differ in place, half in outcome.
        place=pl.when(pl.int_range(pl.len()) % 2 == 0)
        .then(_next_point(pl.col("place")))
        .otherwise("place")
        .cast(frame.schema["place"]),
        outcome=pl.when(pl.int_range(pl.len()) % 2 == 0)
        .then("outcome")
        .otherwise(pl.lit(NO_SUSPECT))
        .cast(frame.schema["outcome"]),
    )
    differing = differing.with_columns(earlier_place=pl.col("place"))
    again = blank.bottom_k(min(max(2, blank.height // 25), blank.height), by="pick")
    rest = frame.join(
        picked.select("crime_id"), on="crime_id", how="anti", maintain_order="left"
    )
    return pl.concat([rest, settled, copies, differing, again], how="vertical_relaxed")


def street_table(
    street: StreetMonth,
    places: Places,
    timeline: Timeline,
    known_until: int,
    *,
    earlier_release: bool = False,
) -> pl.DataFrame:
    """Return the rows as the street file prints them.

    Args:
        street: The month's crimes.
        places: Where they happened.
        timeline: The planted changes.
        known_until: The last month whose decisions the release knows.
        earlier_release: Print the places of the earlier release.
    """
    month = street.month
    printed = places.printed(
        lsoa_2021=month >= timeline.lsoa_2021_from,
        unnamed=month in timeline.unnamed_streets,
        in_outcomes=False,
    )
    place = street.rows["earlier_place" if earlier_release else "place"]
    where = printed.select(pl.all().gather(place))
    kinds = pl.Series([kind.name for kind in CRIME_TYPES])
    name = FORCE_NAMES[street.force]
    return pl.DataFrame(
        {
            "Crime ID": street.rows["crime_id"],
            "Month": pl.repeat(month_text(month), where.height, eager=True),
            "Reported by": pl.repeat(name, where.height, eager=True),
            "Falls within": pl.repeat(name, where.height, eager=True),
            **{column: where[column] for column in where.columns},
            "Crime type": kinds.gather(street.rows["crime_type"]),
            "Last outcome category": _last_outcome(street, known_until),
            "Context": pl.repeat(None, where.height, dtype=pl.String, eager=True),
        }
    )


def _last_outcome(street: StreetMonth, known_until: int) -> pl.Series:
    age = known_until - street.month
    undecided = STATUS_UNAVAILABLE if age > 17 else UNDER_INVESTIGATION
    charged = COURT_RESULT_UNAVAILABLE if age > 9 else AWAITING_COURT
    labels = pl.Series(
        [charged if label == "Suspect charged" else label for label in OUTCOME_LABELS]
        + [undecided]
    )
    number = (
        pl.when(pl.col("court_month") <= known_until)
        .then("court")
        .when(pl.col("decided") <= known_until)
        .then("outcome")
        .otherwise(len(OUTCOME_LABELS))
    )
    return street.rows.select(
        pl.when(pl.col("crime_id").is_not_null()).then(
            pl.lit(labels).gather(number.cast(pl.UInt32))
        )
    ).to_series()
