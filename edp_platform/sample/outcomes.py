"""Outcomes files: what was decided in a month, mostly for crimes of earlier months."""

from __future__ import annotations

from collections import defaultdict

import polars as pl

from edp_platform.sample.draws import Draws
from edp_platform.sample.labels import OUTCOME_LABELS
from edp_platform.sample.street import Places, StreetMonth
from edp_platform.sample.timeline import FORCE_NAMES, Timeline, month_text

_REPEATED_SHARE = 0.002


class OutcomesPool:
    """Decisions waiting for the month in which they are published.

    Crimes are put in month by month; taking out a month needs all crimes up to it.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, int], list[pl.DataFrame]] = defaultdict(list)

    def add(self, street: StreetMonth, first: int, last: int) -> None:
        """Put in the decisions about one month's crimes.

        Args:
            street: The crimes.
            first: The first month that has an outcomes file.
            last: The last month that has one.
        """
        settled = pl.col("decided") == 0
        decisions = pl.concat(
            [
                street.rows.filter(pl.col("crime_id").is_not_null()).select(
                    "crime_id",
                    "place",
                    "outcome",
                    # Settled rows (see street) were decided in the crime's month.
                    decided=pl.when(settled)
                    .then(street.month)
                    .otherwise("decided")
                    .cast(pl.Int32),
                ),
                street.rows.filter(pl.col("court_month") <= last).select(
                    "crime_id",
                    "place",
                    outcome=pl.col("court"),
                    decided=pl.col("court_month").cast(pl.Int32),
                ),
            ],
            how="vertical_relaxed",
        ).filter(pl.col("decided").is_between(first, last))
        for (month,), part in decisions.partition_by("decided", as_dict=True).items():
            self._waiting[street.force, int(month)].append(part.drop("decided"))

    def take(self, seed: int, force: str, month: int) -> pl.DataFrame:
        """Take out a month's decisions, with a few exact repeats.

        Returns:
            Columns crime_id, place (index of a point), outcome (index).
        """
        parts = self._waiting.pop((force, month), [])
        if not parts:
            return pl.DataFrame(
                schema={
                    "crime_id": pl.String,
                    "place": pl.UInt32,
                    "outcome": pl.UInt32,
                }
            )
        frame = pl.concat(parts, how="vertical_relaxed")
        draws = Draws(seed, "outcomes", force, month).frame(frame.height, "order")
        frame = frame.hstack(draws)
        repeats = round(frame.height * _REPEATED_SHARE)
        again = frame.bottom_k(repeats, by="order")
        return (
            pl.concat([frame, again]).sort("order", maintain_order=True).drop("order")
        )


def outcomes_table(
    decisions: pl.DataFrame,
    places: Places,
    timeline: Timeline,
    force: str,
    month: int,
) -> pl.DataFrame:
    """Return the rows as the outcomes file prints them."""
    printed = places.printed(
        lsoa_2021=month >= timeline.lsoa_2021_from,
        unnamed=month in timeline.unnamed_streets,
        in_outcomes=True,
    )
    where = printed.select(pl.all().gather(decisions["place"]))
    name = FORCE_NAMES[force]
    rows = where.height
    return pl.DataFrame(
        {
            "Crime ID": decisions["crime_id"],
            "Month": pl.repeat(month_text(month), rows, eager=True),
            "Reported by": pl.repeat(name, rows, eager=True),
            "Falls within": pl.repeat(name, rows, eager=True),
            **{column: where[column] for column in where.columns},
            "Outcome type": pl.Series(OUTCOME_LABELS).gather(decisions["outcome"]),
        }
    )
