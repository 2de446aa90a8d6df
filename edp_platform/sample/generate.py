"""Makes a whole sample: goes through the months and writes every file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args

import polars as pl

from edp_platform.sample import faults as damage
from edp_platform.sample.counts import (
    borough_files,
    burglary_table,
    unquoted_lines,
    ward_files,
)
from edp_platform.sample.faults import LineFault
from edp_platform.sample.force_systems import ForceSystems
from edp_platform.sample.geography import Geography, make_geography
from edp_platform.sample.outcomes import OutcomesPool, outcomes_table
from edp_platform.sample.population import make_population
from edp_platform.sample.reference import write_reference
from edp_platform.sample.searches import FIND_RATES, RATE_RATIOS, SearchMaker
from edp_platform.sample.street import (
    LONGEST_LAG,
    PLAIN,
    Places,
    StreetMonth,
    make_places,
    make_street_month,
    street_table,
)
from edp_platform.sample.survey import FILE_NAME as SURVEY_FILE
from edp_platform.sample.survey import survey_table, write_survey
from edp_platform.sample.timeline import (
    CITY,
    FORCE,
    FORCE_NAMES,
    Timeline,
    default_end_month,
    month_text,
)
from edp_platform.sample.truth import (
    Truth,
    outcomes_facts,
    revision_facts,
    searches_facts,
    street_facts,
)
from edp_platform.sample.writing import write_table

Size = Literal["small", "medium", "met"]
Progress = Callable[[str, int, int], None]

# Street rows of the sample force in an average month.
_BASE_ROWS: dict[str, int] = {"small": 2_000, "medium": 20_000, "met": 95_000}
_STORE = "london_datastore"
_BURGLARY_FILE = "london-2011-2021-major-burglary.csv"


@dataclass(frozen=True)
class SampleSummary:
    """What was written.

    Attributes:
        files: Number of data files.
        rows: Rows of all of them.
        truth: The truth file.
        first_month: First month of the window, ``YYYY-MM``.
        last_month: Last month of the window, ``YYYY-MM``.
    """

    files: int
    rows: int
    truth: Path
    first_month: str
    last_month: str


def make_sample(
    target: Path,
    size: Size,
    months: int,
    seed: int,
    end_month: str | None = None,
    *,
    today: date,
    progress: Progress | None = None,
    faults: bool = True,
    systems: bool = True,
) -> SampleSummary:
    """Write a made-up force's files, and the truth of what was planted in them.

    The same size, months, seed, end month and faults give the same bytes.

    Args:
        target: Folder for the files; made if missing, and empty else.
        size: About 2,000, 20,000 or 95,000 street crimes a month.
        months: Length of the window.
        seed: Chooses among samples of the same shape.
        end_month: Last month, ``YYYY-MM``; by default the second-last full month
            before ``today``.
        today: The day it is taken to be.
        progress: Called with what was done, how many steps are done and how many
            there are.
        faults: Plant rows that must be quarantined.
        systems: Make the extracts of the internal systems too.

    Returns:
        Counts, and where the truth file is.

    Raises:
        ValueError: The size, the months or the end month make no sample.
        FileExistsError: The folder already holds something.
    """
    if size not in get_args(Size):
        raise ValueError(
            f"There is no sample size {size!r}, and the size decides every row count. "
            f"Choose one of: {', '.join(get_args(Size))}."
        )
    if target.exists() and any(target.iterdir()):
        raise FileExistsError(
            f"{target} is not empty: files of another sample would be taken for "
            "part of this one. Give a new folder, or remove that one first."
        )
    timeline = Timeline.ending(end_month or default_end_month(today), months)
    target.mkdir(parents=True, exist_ok=True)
    run = _Run(target, size, timeline, seed, faults, systems, progress or _silent)
    run.write_all()
    return SampleSummary(
        files=run.truth.files,
        rows=run.truth.rows,
        truth=target / "truth.json",
        first_month=month_text(timeline.first),
        last_month=month_text(timeline.last),
    )


def _silent(step: str, done: int, total: int) -> None:
    """Show no progress."""


class _Run:
    """One making of a sample: the parts that every file needs."""

    def __init__(
        self,
        target: Path,
        size: Size,
        timeline: Timeline,
        seed: int,
        faults: bool,
        systems: bool,
        progress: Progress,
    ):
        self._target = target
        self._base_rows = _BASE_ROWS[size]
        self._scale = self._base_rows / _BASE_ROWS["met"]
        self._timeline = timeline
        self._seed = seed
        self._faults = faults
        self._progress = progress
        self._geography: Geography = make_geography(size, seed)
        self._population = make_population(self._geography, seed)
        self._places: Places = make_places(self._geography)
        self._searches = SearchMaker(self._places, self._population, seed)
        self._pool = OutcomesPool()
        self._systems = (
            ForceSystems(target, size, timeline, seed, self._geography, faults)
            if systems
            else None
        )
        self.truth = Truth(
            {
                "size": size,
                "seed": seed,
                "faults": faults,
                "months": [month_text(month) for month in timeline.window],
                "forces": FORCE_NAMES,
                "events": timeline.as_truth(),
                "stop_and_search": {
                    "rate_ratio_within_borough": RATE_RATIOS,
                    "find_rate": FIND_RATES,
                },
            }
        )

    def write_all(self) -> None:
        """Write every file, and the truth last."""
        months = self._timeline.months
        total = months + 2 + (months + 1 if self._systems else 0)
        self._write_reference()
        self._progress("reference", 1, total)
        self._write_store()
        self._progress("counts and survey", 2, total)
        # Crimes from before the window are made only for what was decided in it.
        for month in range(self._timeline.first - LONGEST_LAG, self._timeline.first):
            for force in FORCE_NAMES:
                self._make_street(force, month)
        for done, month in enumerate(self._timeline.window, start=3):
            for force in FORCE_NAMES:
                self._write_month(force, month)
            self._progress(month_text(month), done, total)
        if self._systems:
            self._write_systems(self._systems, months + 3, total)
        self.truth.write(self._target / "truth.json")

    def _write_systems(self, systems: ForceSystems, begun: int, total: int) -> None:
        for done, month in enumerate(systems.window, start=begun):
            systems.write_month(month)
            self._progress(f"force systems {month_text(month)}", done, total)
        self.truth.add_systems(systems.finish())

    def _write_reference(self) -> None:
        written = write_reference(
            self._target / "reference", self._geography, self._population, self._seed
        )
        for name, facts in written.items():
            self.truth.add_file(
                f"reference/{name}", str(facts["data_set"]), int(str(facts["rows"]))
            )

    def _write_store(self) -> None:
        geography, timeline = self._geography, self._timeline
        boroughs = borough_files(geography, timeline, self._seed, self._scale)
        wards, changed = ward_files(geography, timeline, self._seed, self._scale)
        for data_set, files in (
            ("mps_borough_crime", boroughs),
            ("mps_ward_crime", wards),
        ):
            for file in files:
                path = "/".join(filter(None, (_STORE, file.folder, file.name)))
                faults = []
                # In the newest file: an older one may be superseded whole.
                if self._faults and file is files[-1]:
                    faults = [self._wide_fault(file.table)]
                write_table(self._target / path, file.table, faults=faults)
                texts = sum(kind == pl.String for kind in file.table.dtypes)
                self.truth.add_file(
                    path,
                    data_set,
                    file.table.height,
                    faults,
                    cells=file.table.height * len(file.months),
                    crimes=self._sum(file.table.select(file.table.columns[texts:])),
                    first_month=month_text(file.months[0]),
                    last_month=month_text(file.months[-1]),
                )
        self.truth.add_revision({"data_set": "mps_ward_crime", **changed})
        survey = survey_table(geography, timeline, self._seed)
        path = f"{_STORE}/{SURVEY_FILE}"
        planted = write_survey(self._target / path, survey, faults=self._faults)
        self.truth.add_file(
            path, "mopac_public_attitude_survey", survey.height, planted
        )
        burglary = burglary_table(geography, self._seed, self._scale)
        path = f"{_STORE}/{_BURGLARY_FILE}"
        write_table(self._target / path, burglary)
        self.truth.add_file(path, "mps_lsoa_burglary", burglary.height)

    @staticmethod
    def _sum(numbers: pl.DataFrame) -> int:
        return int(numbers.select(pl.sum_horizontal(pl.all().sum())).item())

    @staticmethod
    def _wide_fault(table: pl.DataFrame) -> LineFault:
        position = table.width - 3
        lines = unquoted_lines(table)
        return damage.not_a_number(
            lines[len(lines) // 2], table.columns[position], position, b"n/a"
        )

    def _make_street(self, force: str, month: int) -> StreetMonth:
        street = make_street_month(
            self._places, self._timeline, self._seed, self._base_rows, force, month
        )
        self._pool.add(street, self._timeline.first, self._timeline.last)
        return street

    def _write_month(self, force: str, month: int) -> None:
        street = self._make_street(force, month)
        decisions = self._pool.take(self._seed, force, month)
        if force == CITY and month == self._timeline.missing_supply:
            return
        if force == CITY and month == self._timeline.partial_supply:
            decisions = decisions.head(decisions.height // 5)
        self._write_street(street)
        self._write_outcomes(decisions, force, month)
        self._write_searches(force, month)

    def _path(self, month: int, force: str, kind: str, *, earlier: bool = False) -> str:
        folder = "police_uk_earlier_release" if earlier else "police_uk"
        text = month_text(month)
        return f"{folder}/{text}/{text}-{force}-{kind}.csv"

    def _is_faulty(self, force: str, month: int) -> bool:
        return self._faults and force == FORCE and month in self._timeline.faulty

    def _write_street(self, street: StreetMonth) -> None:
        force, month = street.force, street.month
        timeline = self._timeline
        # The newest release of every month knows what was decided in the whole window.
        table = street_table(street, self._places, timeline, timeline.last)
        faults = self._street_faults(street) if self._is_faulty(force, month) else []
        path = self._path(month, force, "street")
        crlf = month >= timeline.crlf_from
        write_table(self._target / path, table, crlf=crlf, faults=faults)
        facts: dict[str, Any] = {
            "month": month_text(month),
            "force": force,
            **street_facts(street),
        }
        self.truth.add_file(path, "police_uk_street", table.height, faults, **facts)
        excluded = [fault.line - 2 for fault in faults]
        self.truth.add_incidents(street, self._geography, excluded)
        if month in timeline.republished:
            self._write_earlier_release(street, table)

    def _write_earlier_release(self, street: StreetMonth, later: pl.DataFrame) -> None:
        earlier = street_table(
            street, self._places, self._timeline, street.month, earlier_release=True
        )
        path = self._path(street.month, street.force, "street", earlier=True)
        crlf = street.month >= self._timeline.crlf_from
        write_table(self._target / path, earlier, crlf=crlf)
        key: dict[str, Any] = {
            "month": month_text(street.month),
            "force": street.force,
        }
        facts: dict[str, Any] = {**key, **street_facts(street)}
        self.truth.add_file(path, "police_uk_street", earlier.height, **facts)
        self.truth.add_revision(
            {"data_set": "police_uk_street", **key, **revision_facts(earlier, later)}
        )

    def _street_faults(self, street: StreetMonth) -> list[LineFault]:
        usable = street.rows.select(
            pl.arg_where(
                (pl.col("kind") == PLAIN)
                & pl.col("crime_id").is_not_null()
                & (pl.col("place") < self._geography.nowhere)
            )
        ).to_series()
        few, many, bytes_, number, month = _spread(usable, 5)
        return [
            damage.too_few_fields(few, 6),
            damage.too_many_fields(many),
            damage.not_utf8(bytes_, "Location", 6),
            damage.not_a_number(number, "Longitude", 4),
            damage.wrong_month(month, "Month", 1, month_text(street.month - 1)),
        ]

    def _write_outcomes(self, decisions: pl.DataFrame, force: str, month: int) -> None:
        table = outcomes_table(decisions, self._places, self._timeline, force, month)
        faults: list[LineFault] = []
        if self._is_faulty(force, month):
            single = pl.len().over("crime_id") == 1
            usable = decisions.select(pl.arg_where(single)).to_series()
            few, many = _spread(usable, 2)
            faults = [damage.too_few_fields(few, 4), damage.too_many_fields(many)]
        path = self._path(month, force, "outcomes")
        crlf = month >= self._timeline.crlf_from
        write_table(self._target / path, table, crlf=crlf, faults=faults)
        self.truth.add_file(
            path,
            "police_uk_outcomes",
            table.height,
            faults,
            month=month_text(month),
            force=force,
            **outcomes_facts(decisions),
        )

    def _write_searches(self, force: str, month: int) -> None:
        table = self._searches.make(self._timeline, self._base_rows, force, month)
        faults: list[LineFault] = []
        if self._is_faulty(force, month):
            usable = table.select(
                pl.arg_where(
                    pl.Series(table.is_unique()) & pl.col("Latitude").is_not_null()
                )
            ).to_series()
            when, number, few = _spread(usable, 3)
            faults = [
                damage.unreadable_date(when, "Date", 1),
                damage.not_a_number(number, "Latitude", 4),
                damage.too_few_fields(few, 9),
            ]
        path = self._path(month, force, "stop-and-search")
        crlf = month >= self._timeline.crlf_from
        write_table(self._target / path, table, crlf=crlf, faults=faults)
        self.truth.add_file(
            path,
            "police_uk_stop_and_search",
            table.height,
            faults,
            month=month_text(month),
            force=force,
            **searches_facts(table, month),
        )


def _spread(positions: pl.Series, number: int) -> list[int]:
    """Return line numbers of ``number`` of the positions, evenly spread."""
    step = len(positions) // (number + 1)
    return [int(positions[step * (at + 1)]) + 2 for at in range(number)]
