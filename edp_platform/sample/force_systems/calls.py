"""Calls for service: when they came, how soon they were answered and reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from edp_platform.sample.draws import Draws
from edp_platform.sample.force_systems.columns import (
    Areas,
    drawn,
    drawn_by_group,
    moments,
    numbered,
    seconds,
)

_CHANNELS = [("999", 0.46), ("101", 0.38), ("online", 0.16)]
_ABANDONED = {"999": 0.02, "101": 0.13, "online": 0.0}
#: Seconds until a call is answered, on average, by channel.
_WAITS = {"999": 6.0, "101": 95.0, "online": 0.0}
_GRADES = [
    [("I", 0.34), ("S", 0.38), ("E", 0.16), ("R", 0.12)],
    [("I", 0.06), ("S", 0.26), ("E", 0.30), ("R", 0.38)],
    [("I", 0.01), ("S", 0.10), ("E", 0.24), ("R", 0.65)],
]
#: Minutes until a unit is sent, and from then until it is there, on average.
_MINUTES = {"I": (2.0, 7.0), "S": (9.0, 22.0), "E": (160.0, 60.0), "R": (0.0, 0.0)}
#: What calls are about: public, private and online share; the rest is not recorded.
_CATEGORIES: list[tuple[str, float, tuple[float, float, float]]] = [
    ("violence", 0.16, (0.42, 0.38, 0.0)),
    ("domestic incident", 0.14, (0.05, 0.86, 0.02)),
    ("concern for a person", 0.15, (0.30, 0.55, 0.01)),
    ("anti-social behaviour", 0.14, (0.70, 0.14, 0.0)),
    ("theft", 0.13, (0.46, 0.30, 0.02)),
    ("suspicious circumstances", 0.09, (0.52, 0.30, 0.0)),
    ("road traffic", 0.08, (0.88, 0.02, 0.0)),
    ("burglary", 0.05, (0.02, 0.84, 0.0)),
    ("fraud or online", 0.06, (0.01, 0.05, 0.72)),
]
#: Calls come most often at the end of the week: planted, for a forecast to find.
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEKDAY_WEIGHTS = (0.95, 0.93, 0.94, 0.97, 1.10, 1.15, 0.96)


@dataclass(frozen=True)
class Calls:
    """One month's calls: rows under contract names, with `fault`."""

    table: pl.DataFrame


class CallMaker:
    """Makes calls; numbers run on from month to month."""

    def __init__(self, areas: Areas, seed: int) -> None:
        self._areas = areas
        self._seed = seed
        self._calls = 0

    def calls(
        self,
        month: int,
        rows: int,
        window: tuple[date, date],
        linkable: pl.DataFrame,
        *,
        faults: int,
    ) -> Calls:
        """Make one month's calls, in the order of time.

        Args:
            month: The month's number.
            rows: How many.
            window: First day of the month and of the next.
            linkable: Reports that may have come of a call (`crime_number`).
            faults: Rows whose unit arrives before the call.
        """
        draws = Draws(self._seed, "force systems", "calls", month)
        table = call_table(draws, self._areas, rows, window, linkable)
        table = table.with_columns(
            call_number=numbered("K", pl.int_range(pl.len()) + self._calls + 1, 10)
        )
        self._calls += rows
        reached = pl.col("arrived_at").is_not_null()
        place = pl.when(reached).then("pick").rank("ordinal")
        wrong = (place <= faults).fill_null(False)
        table = table.with_columns(
            arrived_at=pl.when(wrong)
            .then(pl.col("received_at") - timedelta(minutes=20))
            .otherwise("arrived_at"),
            fault=pl.when(wrong).then(pl.lit("impossible_times")),
        )
        return Calls(table.select(*COLUMNS, "fault"))


COLUMNS = [
    "call_number",
    "received_at",
    "channel",
    "grade",
    "opening_category",
    "answered_after_seconds",
    "abandoned",
    "despatched_at",
    "arrived_at",
    "closed_at",
    "lsoa_code",
    "borough_code",
    "crime_number",
    "environment",
]


def call_table(
    draws: Draws,
    areas: Areas,
    rows: int,
    window: tuple[date, date],
    linkable: pl.DataFrame,
) -> pl.DataFrame:
    """Return calls without numbers, in the order of time, with `pick` in [0, 1)."""
    random = draws.frame(
        rows,
        *("day", "hour", "second", "channel", "grade", "about", "hang_up", "answer"),
        *("send", "drive", "close", "place", "nowhere", "where", "crime", "which"),
        "pick",
    )
    number = {name: at for at, (name, _) in enumerate(_CHANNELS)}
    channel = drawn(_CHANNELS, random["channel"]).alias("channel_name")
    in_channel = channel.replace_strict(number, return_dtype=pl.UInt32)
    frame = random.hstack(
        [
            channel,
            moments(*window, random, WEEKDAY_WEIGHTS).alias("received_at"),
            drawn_by_group(_GRADES, in_channel, random["grade"]).alias("graded"),
            drawn(
                [(name, share) for name, share, _ in _CATEGORIES], random["about"]
            ).alias("opening_category"),
        ]
    ).hstack(areas.drawn(random["place"]))
    abandoned = pl.col("hang_up") < pl.col("channel_name").replace_strict(
        _ABANDONED, return_dtype=pl.Float64
    )
    frame = frame.with_columns(
        abandoned=abandoned,
        grade=pl.when(~abandoned).then("graded"),
        channel="channel_name",
    ).with_columns(
        answered_after_seconds=pl.when(
            ~pl.col("abandoned") & (pl.col("channel") != "online")
        ).then(
            _spread(
                pl.col("channel").replace_strict(_WAITS, return_dtype=pl.Float64),
                pl.col("answer"),
            )
            .round()
            .cast(pl.Int64)
        ),
        sent=pl.col("grade").is_in(["I", "S", "E"]),
    )
    frame = _response(frame)
    where = pl.col("where")
    public, private, online = (
        pl.col("opening_category").replace_strict(
            {name: shares[position] for name, _, shares in _CATEGORIES},
            return_dtype=pl.Float64,
        )
        for position in range(3)
    )
    has_crime = (pl.col("crime") < 0.2) & ~pl.col("abandoned")
    crimes = linkable["crime_number"]
    at = (frame["which"] * max(len(crimes), 1)).cast(pl.Int64)
    if crimes.is_empty():
        crimes = pl.Series("crime_number", [None], dtype=pl.String)
    return (
        frame.with_columns(
            crimes.gather(at).alias("crime_of_call"),
            environment=pl.when(where < public)
            .then(pl.lit("public"))
            .when(where < public + private)
            .then(pl.lit("private"))
            .when(where < public + private + online)
            .then(pl.lit("online")),
        )
        .with_columns(
            crime_number=pl.when(has_crime).then("crime_of_call"),
            lsoa_code=pl.when(
                pl.col("environment").ne_missing("online") & (pl.col("nowhere") > 0.08)
            ).then("lsoa_code"),
            borough_code=pl.when(pl.col("nowhere") > 0.03).then("borough_code"),
        )
        .sort("received_at", "pick")
    )


def _spread(mean: pl.Expr, uniform: pl.Expr) -> pl.Expr:
    """Return waiting times: many short, a few long."""
    return -mean * (1.0 - uniform).log()


def _response(frame: pl.DataFrame) -> pl.DataFrame:
    send, drive = (
        pl.col("grade").replace_strict(
            {name: both[position] for name, both in _MINUTES.items()},
            default=0.0,
            return_dtype=pl.Float64,
        )
        for position in range(2)
    )
    frame = frame.with_columns(
        despatched_at=pl.when("sent").then(
            pl.col("received_at") + seconds(20 + 60 * _spread(send, pl.col("send")))
        )
    ).with_columns(
        # One in fourteen units is called away before it is there.
        arrived_at=pl.when(pl.col("sent") & (pl.col("close") > 0.07)).then(
            pl.col("despatched_at") + seconds(30 + 60 * _spread(drive, pl.col("drive")))
        )
    )
    last = pl.coalesce("arrived_at", "despatched_at", "received_at")
    return frame.with_columns(
        closed_at=last + seconds(120 + 5400 * pl.col("close").pow(2))
    )
