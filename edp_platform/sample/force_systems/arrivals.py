"""Calls and reports that arrive now: extracts of the current month that grow.

A system that is asked again an hour later knows more: further calls, and when the unit
of an earlier one arrived. Each file holds the month as it is known at the moment, so
the next one is a later release of the same slice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from edp_platform.sample.draws import Draws
from edp_platform.sample.force_systems.calls import COLUMNS as CALL_COLUMNS
from edp_platform.sample.force_systems.calls import call_table
from edp_platform.sample.force_systems.columns import Areas, numbered
from edp_platform.sample.force_systems.generate import DATA_SETS, write_extract
from edp_platform.sample.force_systems.reports import ReportMaker, link_slots
from edp_platform.sample.timeline import FORCE

#: Reports of one month that can be numbered; a drip stays far below.
MOST_REPORTS = 9_999
_REPORT_TIMES = ("reported_at", "occurred_from", "occurred_to")
_CALL_TIMES = ("received_at", "despatched_at", "arrived_at", "closed_at")


class TooMany(ValueError):
    """The month's numbers are used up."""


@dataclass(frozen=True)
class Arrivals:
    """All that has arrived in one month, as it will one day be known.

    Attributes:
        calls: Calls under contract names.
        reports: Crime reports under contract names.
        links: Links under contract names.
    """

    calls: pl.DataFrame
    reports: pl.DataFrame
    links: pl.DataFrame

    @classmethod
    def read(cls, folder: Path) -> Arrivals | None:
        """Return what was kept in a folder; None where nothing was."""
        if not (folder / "calls.parquet").exists():
            return None
        return cls(*(pl.read_parquet(folder / f"{name}.parquet") for name in _PARTS))

    def keep(self, folder: Path) -> None:
        """Keep it for the next time."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _PARTS:
            getattr(self, name).write_parquet(folder / f"{name}.parquet")

    def write(self, folder: Path, now: datetime) -> list[Path]:
        """Write the extracts of the month as they are known at a moment.

        Args:
            folder: Where the files go, under the names of the month.
            now: Later moments are not known yet and are left blank.

        Returns:
            The files: calls, reports, links.
        """
        month = f"{now:%Y-%m}"
        later = {
            name: pl.when(pl.col(name) <= now).then(name) for name in _CALL_TIMES[1:]
        }
        # An answer takes seconds: it is known with the first extract after it.
        answered = pl.col("received_at") + pl.duration(seconds="answered_after_seconds")
        calls = self.calls.with_columns(
            **later,
            answered_after_seconds=pl.when(answered <= now).then(
                "answered_after_seconds"
            ),
        )
        paths = []
        for data_set, table in (
            ("calls_for_service", calls),
            ("crime_reports", self.reports),
            ("crime_report_persons", self.links),
        ):
            path = folder / f"{month}-{FORCE}-{data_set.replace('_', '-')}.csv"
            write_extract(path, table, DATA_SETS[data_set])
            paths.append(path)
        return paths


_PARTS = ("calls", "reports", "links")


def arrive(
    before: Arrivals | None,
    *,
    now: datetime,
    since: timedelta,
    calls: int,
    reports: int,
    areas: Areas,
    nominal_ids: pl.Series,
    seed: int,
) -> Arrivals:
    """Add what has arrived of late to what had arrived before.

    Args:
        before: What had arrived in this month; None at its beginning.
        now: The moment, in UTC.
        since: How far back the new ones lie at most; never before the month.
        calls: New calls and online reports.
        reports: New crime reports.
        areas: Where things happen.
        nominal_ids: Persons that new reports may name.
        seed: The sample's seed; with the number of rows so far it settles the new ones.

    Returns:
        Everything of the month, the earlier rows unchanged.

    Raises:
        TooMany: the month's report numbers are used up.
    """
    now = now.astimezone(UTC)
    begun = before.calls.height if before else 0
    written = before.reports.height if before else 0
    linked = before.links.height if before else 0
    if written + reports > MOST_REPORTS:
        raise TooMany(
            f"{written} reports have arrived this month, and {MOST_REPORTS} can be "
            "numbered. Wait for the next month, or make a sample of its own for more."
        )
    month_start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    first = max(now - since, month_start)
    stamp = f"{now:%y%m}"
    day = (now.date(), now.date() + timedelta(days=1))
    draws = Draws(seed, "arrivals", f"{now:%Y-%m}", begun, written)
    maker = ReportMaker(areas, draws.seed_of("reports"), now.date())
    made = maker.reports(0, reports, day, faults=0)
    moved = _moved(made.table, _REPORT_TIMES, first, now, draws, "reported")
    numbers = pl.int_range(pl.len()) + written + 1
    new_reports = moved.with_columns(
        crime_number=pl.lit(f"C9{stamp}") + numbers.cast(pl.String).str.zfill(4),
        outcome_date=pl.lit(None, dtype=pl.Date),
        outcome=pl.lit(None, dtype=pl.String),
        status=pl.lit("open"),
    ).select(*DATA_SETS["crime_reports"])
    linkable = made.linkable.with_columns(
        crime_number=new_reports["crime_number"],
        reported_at=new_reports["reported_at"],
    )
    new_links = _links(draws, maker, linkable, nominal_ids, stamp, linked)
    table = call_table(draws, areas, calls, day, linkable)
    table = _moved(table, _CALL_TIMES, first, now, draws, "received")
    new_calls = table.with_columns(
        call_number=pl.lit(f"K9{stamp}")
        + (pl.int_range(pl.len()) + begun + 1).cast(pl.String).str.zfill(5)
    ).select(*CALL_COLUMNS)
    if before is None:
        return Arrivals(new_calls, new_reports, new_links)
    return Arrivals(
        pl.concat([before.calls, new_calls]),
        pl.concat([before.reports, new_reports]),
        pl.concat([before.links, new_links]),
    )


def _moved(
    table: pl.DataFrame,
    times: tuple[str, ...],
    first: datetime,
    now: datetime,
    draws: Draws,
    name: str,
) -> pl.DataFrame:
    """Move each row's times so that its first lies between two moments."""
    length = max(int((now - first).total_seconds()), 1)
    when = draws.frame(table.height, name)[name]
    begins = pl.lit(first).cast(pl.Datetime("us", "UTC")) + pl.duration(
        seconds=(pl.lit(when) * length).cast(pl.Int64)
    )
    by = begins.dt.truncate("1s") - pl.col(times[0])
    return table.with_columns((pl.col(one) + by).alias(one) for one in times).sort(
        times[0], maintain_order=True
    )


def _links(
    draws: Draws,
    maker: ReportMaker,
    linkable: pl.DataFrame,
    nominal_ids: pl.Series,
    stamp: str,
    linked: int,
) -> pl.DataFrame:
    slots = maker.dated(link_slots(draws, linkable)).sort("crime_number", "order")
    place = (slots["whom"] * len(nominal_ids)).cast(pl.Int64)
    return slots.with_columns(
        nominal_ids.gather(place).alias("nominal_id"),
        link_id=numbered(f"L9{stamp}", pl.int_range(pl.len()) + linked + 1, 5),
    ).select(*DATA_SETS["crime_report_persons"])
