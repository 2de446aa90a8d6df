"""A home to land files in, and what became of each of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import polars as pl

from edp_platform.datasets import DataSets
from edp_platform.home import Home
from edp_platform.ingestion.lake import lake_path
from edp_platform.ingestion.land import Landed, LandingOptions, land
from edp_platform.ingestion.landing import Delivery, LandingStore, Supplies
from edp_platform.ingestion.loading import LoadResult, due_months, load_months
from edp_platform.ingestion.reconciliation import Account, accounts

TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

STREET = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,"
    "LSOA name,Crime type,Last outcome category,Context"
)
STOP = (
    "Type,Date,Part of a policing operation,Policing operation,Latitude,Longitude,"
    "Gender,Age range,Self-defined ethnicity,Officer-defined ethnicity,Legislation,"
    "Object of search,Outcome,Outcome linked to object of search,Removal of more than "
    "just outer clothing"
)
WARD = "MajorText,MinorText,WardName,WardCode,LookUp_BoroughName"
LOOKUP = "LSOA11CD,LSOA11NM,MSOA11CD,MSOA11NM,LAD11CD,LAD11NM"
SURVEY = "Date,Survey,Borough,Measure,Proportion,MPS"
BURGLARY = f"{LOOKUP},2020,2021"

STREET_FILE = "2024-01-city-of-london-street.csv"
STOP_FILE = "2024-01-city-of-london-stop-and-search.csv"
WARD_FILE = "MPS Ward Level Crime (most recent 24 months).csv"
LOOKUP_FILE = "lsoa2011_msoa2011_lad2011_made.csv"
SURVEY_FILE = "PAS_Dashboard_Borough.csv"
BURGLARY_FILE = "london-2020-2021-major-burglary.csv"


def crime_id(number: int) -> str:
    """Return a mark of the publisher's form."""
    return f"{number:064x}"


def street_row(number: int | None, month: str = "2024-01", **changed: str) -> str:
    """Return one street row; `number` None leaves its mark blank."""
    cells = {
        "crime_id": "" if number is None else crime_id(number),
        "month": month,
        "reported_by": "City of London Police",
        "falls_within": "City of London Police",
        "longitude": "-0.1",
        "latitude": "51.5",
        "location": "On or near Lane",
        "lsoa_code": "E01000001",
        "lsoa_name": "City of London 001A",
        "crime_type": "Burglary",
        "outcome": "Under investigation",
        "context": "",
    }
    assert set(changed) <= set(cells)
    return ",".join((cells | changed).values())


def stop_row(at: str = "2024-01-05T10:00:00+00:00", **changed: str) -> str:
    """Return one row of a stop and search file."""
    cells = {
        "type": "Person search",
        "at": at,
        "operation": "False",
        "operation_name": "",
        "latitude": "51.5",
        "longitude": "-0.1",
        "gender": "Male",
        "age": "18-24",
        "self": "",
        "officer": "White",
        "legislation": "",
        "object": "Controlled drugs",
        "outcome": "Arrest",
        "linked": "",
        "clothing": "",
    }
    assert set(changed) <= set(cells)
    return ",".join((cells | changed).values())


def text(header: str, *rows: str, end: str = "\n") -> bytes:
    """Return a file: the header, the rows, each line ended."""
    return (end.join([header, *rows]) + end).encode("utf-8")


@cache
def all_data_sets(folder: Path) -> DataSets:
    """Read the package's data sets once; nothing in them depends on the home."""
    found = DataSets.load(Home.open(TODAY, folder))
    assert found.set_aside == ()
    return found


@dataclass
class Room:
    """One home, and the files that somebody puts before it."""

    home: Home
    data_sets: DataSets
    inbox: Path
    landed: list[Landed] = field(default_factory=list)
    _hours: int = 0

    def write(self, name: str, content: bytes) -> Path:
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def land(
        self,
        *sources: Path | str,
        release: date | None = None,
        data_set: str | None = None,
    ) -> list[Landed]:
        """Land files; each call happens an hour after the one before."""
        self._hours += 1
        outcomes = land(
            self.home,
            self.data_sets,
            [str(one) for one in sources],
            LandingOptions(release=release, data_set=data_set),
            NOW + timedelta(hours=self._hours),
        )
        self.landed += outcomes
        return outcomes

    def receive(
        self, name: str, content: bytes, release: date | None = None
    ) -> Delivery:
        """Land one file that must be taken."""
        (outcome,) = self.land(self.write(name, content), release=release)
        assert outcome.outcome == "landed", outcome.reason
        assert outcome.delivery is not None
        return outcome.delivery

    def refusal(self, name: str, content: bytes) -> str:
        """Land one file that must be refused, and change nothing; return why."""
        before = bytes_under(self.home.landing)
        (outcome,) = self.land(self.write(name, content))
        assert outcome.outcome == "refused", outcome
        assert bytes_under(self.home.landing) == before
        return outcome.reason

    def supplies(self, data_set: str) -> Supplies:
        return LandingStore(self.home).supplies().get(data_set, Supplies([]))

    def due(self, data_set: str) -> list[str]:
        one = self.data_sets.by_name[data_set]
        return due_months(self.home, one, self.supplies(data_set))

    def load(
        self,
        data_set: str,
        months: Sequence[str] | None = None,
        rebuild: bool = False,
    ) -> LoadResult:
        """Load months (default: every month supplied); every account must be exact."""
        supplies = self.supplies(data_set)
        result = load_months(
            self.home,
            self.data_sets.by_name[data_set],
            supplies,
            supplies.months if months is None else months,
            rebuild=rebuild,
        )
        assert [one for one in result.accounts if not one.is_exact] == []
        assert half_written(self.home) == []
        return result

    def accounts(self, data_set: str) -> list[Account]:
        """Return every delivery's account, earliest release first."""
        supplies = self.supplies(data_set)
        deliveries = sorted(supplies.deliveries, key=lambda one: one.order)
        return accounts(self.home, supplies, deliveries)

    def lake(self, data_set: str) -> pl.DataFrame:
        """Return the rows that stand in the lake, `month` with them."""
        paths = sorted(
            path
            for path in (self.home.raw / data_set).rglob("part-0.parquet")
            if path.parent.name != "month=none"
        )
        frames = []
        for path in paths:
            frame = pl.read_parquet(path, hive_partitioning=False)
            month = path.parent.name.removeprefix("month=")
            frames.append(frame.with_columns(month=pl.lit(month)))
        return pl.concat(frames)

    def month(self, data_set: str, month: str) -> pl.DataFrame:
        path = lake_path(self.home, data_set, month)
        return pl.read_parquet(path, hive_partitioning=False)

    def lines(self, data_set: str) -> list[int]:
        return sorted(set(self.lake(data_set)["source_line"].to_list()))

    def quarantine(self, data_set: str) -> dict[int, str]:
        """Return line → reason; a line with several is told with all of them."""
        return {
            line: "; ".join(reasons)
            for line, reasons in _evidence(self.home.quarantine / data_set)
            .group_by("source_line")
            .agg(pl.col("reason").unique(maintain_order=True))
            .sort("source_line")
            .iter_rows()
        }

    def evidence(self, data_set: str) -> pl.DataFrame:
        return _evidence(self.home.quarantine / data_set)

    def set_aside(self, data_set: str) -> dict[int, int]:
        """Return line → the line it repeats."""
        frame = _evidence(self.home.set_aside / data_set)
        if "repeats_line" not in frame.columns:
            return {}
        return dict(frame.select("source_line", "repeats_line").unique().iter_rows())


def open_room(folder: Path, data_sets: DataSets) -> Room:
    """Make a home and an inbox in an empty folder."""
    return Room(Home.open(TODAY, folder / "home"), data_sets, folder / "inbox")


def _evidence(folder: Path) -> pl.DataFrame:
    paths = sorted(folder.glob("*.parquet"))
    if not paths:
        schema = {"source_file": pl.String, "source_line": pl.Int64}
        schema |= {"month": pl.String, "column": pl.String}
        return pl.DataFrame(schema=schema | {"reason": pl.String, "record": pl.String})
    return pl.concat([pl.read_parquet(path) for path in paths])


def bytes_under(folder: Path) -> dict[str, bytes]:
    """Return every file under a folder, by its path in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def half_written(home: Home) -> list[Path]:
    """Return what a writer left unfinished."""
    return sorted(home.root.rglob("*.tmp"))
