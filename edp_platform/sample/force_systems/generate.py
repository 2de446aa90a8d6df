"""Goes through the months and writes the extracts of the internal systems."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from edp_platform.sample.force_systems.calls import (
    WEEKDAY_WEIGHTS,
    WEEKDAYS,
    CallMaker,
)
from edp_platform.sample.force_systems.columns import Areas
from edp_platform.sample.force_systems.duties import DutyMaker
from edp_platform.sample.force_systems.encounters import EncounterMaker
from edp_platform.sample.force_systems.near_repeats import (
    NEAR_REPEAT_DAYS,
    NEAR_REPEAT_OFFENCE,
    NEAR_REPEAT_SHARE,
    SAME_POSTCODE_SHARE,
)
from edp_platform.sample.force_systems.nominals import People
from edp_platform.sample.force_systems.patrol_effect import PatrolEffect
from edp_platform.sample.force_systems.reports import ReportMaker
from edp_platform.sample.geography import Geography
from edp_platform.sample.timeline import FORCE, Timeline, month_start, month_text

FOLDER = "force_systems"
NOMINAL_TRUTH = "nominal_truth.parquet"
#: Data set → the header of its files: contract name → physical name.
DATA_SETS: dict[str, dict[str, str]] = {
    "nominals": {
        "nominal_id": "Nominal ID",
        "pnc_id": "PNC ID",
        "first_name": "First name",
        "middle_names": "Middle names",
        "surname": "Surname",
        "date_of_birth": "Date of birth",
        "sex": "Sex",
        "ethnicity_officer_defined": "Officer-defined ethnicity",
        "ethnicity_self_defined": "Self-defined ethnicity",
        "address_line": "Address",
        "postcode": "Postcode",
        "phone": "Phone",
        "email": "Email",
        "recorded_on": "Recorded on",
    },
    "crime_reports": {
        "crime_number": "Crime number",
        "reported_at": "Reported at",
        "occurred_from": "Occurred from",
        "occurred_to": "Occurred to",
        "offence_code": "Offence code",
        "offence": "Offence",
        "crime_type": "Crime type",
        "mopi_group": "MoPI group",
        "environment": "Environment",
        "domestic_abuse": "Domestic abuse",
        "hate_crime": "Hate crime",
        "location_postcode": "Location postcode",
        "lsoa_code": "LSOA code",
        "borough_code": "Borough code",
        "status": "Status",
        "outcome": "Outcome",
        "outcome_date": "Outcome date",
    },
    "crime_report_persons": {
        "link_id": "Link ID",
        "crime_number": "Crime number",
        "nominal_id": "Nominal ID",
        "subject_category": "Subject category",
        "is_assessment": "Is assessment",
        "person_outcome": "Person outcome",
        "person_outcome_date": "Person outcome date",
        "sentence_end": "Sentence end",
        "linked_on": "Linked on",
    },
    "calls_for_service": {
        "call_number": "Call number",
        "received_at": "Received at",
        "channel": "Channel",
        "grade": "Grade",
        "opening_category": "Opening category",
        "answered_after_seconds": "Answered after seconds",
        "abandoned": "Abandoned",
        "despatched_at": "Despatched at",
        "arrived_at": "Arrived at",
        "closed_at": "Closed at",
        "lsoa_code": "LSOA code",
        "borough_code": "Borough code",
        "crime_number": "Crime number",
        "environment": "Environment",
    },
    "custody_records": {
        "custody_number": "Custody number",
        "nominal_id": "Nominal ID",
        "crime_number": "Crime number",
        "arrested_at": "Arrested at",
        "detention_authorised_at": "Detention authorised at",
        "released_at": "Released at",
        "disposal": "Disposal",
        "age_at_arrest": "Age at arrest",
        "ethnicity_officer_defined": "Officer-defined ethnicity",
        "ethnicity_self_defined": "Self-defined ethnicity",
    },
    "stop_and_search_records": {
        "search_number": "Search number",
        "nominal_id": "Nominal ID",
        "searched_at": "Searched at",
        "officer_id": "Officer ID",
        "age": "Age",
        "sex": "Sex",
        "ethnicity_officer_defined": "Officer-defined ethnicity",
        "ethnicity_self_defined": "Self-defined ethnicity",
        "legislation": "Legislation",
        "object_of_search": "Object of search",
        "outcome": "Outcome",
        "outcome_linked_to_object": "Outcome linked to object of search",
        "lsoa_code": "LSOA code",
        "borough_code": "Borough code",
    },
    "misconduct_cases": {
        "case_number": "Case number",
        "opened_on": "Opened on",
        "closed_on": "Closed on",
        "allegation": "Allegation",
        "severity": "Severity",
        "officer_id": "Officer ID",
        "complainant_nominal_id": "Complainant nominal ID",
        "outcome": "Outcome",
    },
    "patrol_activity": {
        "patrol_id": "Patrol ID",
        "unit": "Unit",
        "activity": "Activity",
        "started_at": "Started at",
        "ended_at": "Ended at",
        "officers": "Officers",
        "lsoa_code": "LSOA code",
        "borough_code": "Borough code",
    },
    "victim_satisfaction_survey": {
        "response_id": "Response ID",
        "surveyed_on": "Surveyed on",
        "crime_number": "Crime number",
        "offence_group": "Offence group",
        "borough_code": "Borough code",
        "ethnic_group": "Ethnic group",
        "sex": "Sex",
        "age_band": "Age band",
        "satisfied": "Satisfied",
        "treated_fairly": "Treated fairly",
        "weight": "Weight",
    },
}
#: Why a planted row must be quarantined: the column, and words of the reason.
FAULTS: dict[tuple[str, str], tuple[str, str]] = {
    ("nominals", "future_date_of_birth"): (
        "date_of_birth",
        "rule 14: date_of_birth is after recorded_on",
    ),
    ("nominals", "fake_postcode"): ("postcode", "rule 14: postcode"),
    ("crime_reports", "impossible_times"): (
        "occurred_from",
        "rule 14: occurred_from is after reported_at",
    ),
    ("crime_reports", "contradicting_crime_number"): (
        "crime_number",
        "another row has the same key and differs",
    ),
    ("crime_report_persons", "null_category"): (
        "subject_category",
        "rule 10: subject_category is blank",
    ),
    ("calls_for_service", "impossible_times"): (
        "arrived_at",
        "rule 14: arrived_at is before received_at",
    ),
    ("custody_records", "impossible_times"): (
        "released_at",
        "rule 14: released_at is before detention_authorised_at",
    ),
    ("misconduct_cases", "impossible_times"): (
        "closed_on",
        "rule 14: closed_on is before opened_on",
    ),
}
#: Years before the window from which the former system's records were taken over.
_BACK_RECORD_YEARS = 30
#: Of each kind, planted rows in a row of the month's reports.
_FAULT_SHARE = 0.0004


@dataclass(frozen=True)
class Volume:
    """Rows in an average month; `back_record` reports are taken over once."""

    reports: int
    calls: int
    searches: int
    cases: int
    patrols: int
    answers: int
    back_record: int


VOLUMES = {
    "small": Volume(150, 800, 70, 4, 130, 40, 1_000),
    "medium": Volume(8_000, 42_000, 1_200, 25, 3_000, 160, 60_000),
    "met": Volume(76_000, 400_000, 11_500, 240, 30_000, 800, 900_000),
}


@dataclass
class ForceSystems:
    """Makes the extracts of one sample, month by month, and their truth.

    Attributes:
        rows: Rows of all files written so far.
        files: Path in the sample → what is true of the file.
    """

    target: Path
    size: str
    timeline: Timeline
    seed: int
    geography: Geography
    faults: bool = True
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start with nobody known."""
        self._volume = VOLUMES[self.size]
        # Publishers are behind, and so are extracts: nothing later is known to them.
        last = self.timeline.last
        self._until = month_start(last + 1).replace(day=15)
        areas = Areas(self.geography)
        self._people = People(self.seed)
        self._patrols = PatrolEffect.planned(self.timeline, self.geography)
        self._reports = ReportMaker(areas, self.seed, self._until, self._patrols)
        self._calls = CallMaker(areas, self.seed)
        self._encounters = EncounterMaker(areas, self._people, self.seed, self._until)
        self._duties = DutyMaker(
            areas, self._people, self.seed, self._until, self._patrols
        )
        self._recent: list[pl.DataFrame] = []
        self._nominal_truth: list[pl.DataFrame] = []
        self._planted: Counter[str] = Counter()
        self._prevented = 0
        self._near_repeats = 0

    @property
    def rows(self) -> int:
        """Rows of all files written so far."""
        return sum(facts["rows"] for facts in self.files.values())

    @property
    def window(self) -> range:
        """The months: one for the former system's records, then the sample's own."""
        return range(self.timeline.first - 1, self.timeline.last + 1)

    def write_month(self, month: int) -> None:
        """Write the extracts of one month; months must come in order.

        Args:
            month: One of `window`. The first holds persons, reports and links that were
                taken over from the former system.
        """
        is_back = month < self.timeline.first
        start, end = month_start(month), month_start(month + 1)
        span = (start.replace(year=start.year - _BACK_RECORD_YEARS, day=1), end)
        volume = self._volume
        number = volume.back_record if is_back else volume.reports
        faults = max(1, round(_FAULT_SHARE * number)) if self.faults else 0
        reports = self._reports.reports(
            month,
            number,
            span if is_back else (start, end),
            faults=faults,
            back_record=is_back,
        )
        self._prevented += reports.prevented
        self._near_repeats += reports.near_repeats
        links, records = self._reports.links(
            month, reports, self._people, (start, end), faults=faults
        )
        self._nominal_truth.append(records.truth)
        self._planted.update(
            orphan_nominal=records.orphans,
            duplicate_nominal=records.duplicates,
            child_under_10=records.under_ten,
            missing_date_of_birth=records.without_birth_date,
            orphan_link=links.without_nominal,
            link_without_report=links.without_report,
        )
        people_facts = {
            "orphan_nominals": records.orphans,
            "duplicates": records.duplicates,
            "under_10": records.under_ten,
            "without_date_of_birth": records.without_birth_date,
        }
        self._write("nominals", month, records.table, **people_facts)
        self._write_reports(month, reports.table)
        self._write(
            "crime_report_persons",
            month,
            links.table,
            orphan_links=links.without_nominal,
            links_without_report=links.without_report,
        )
        if is_back:
            return
        window = (start, end)
        linkable = reports.linkable
        self._write(
            "calls_for_service",
            month,
            self._calls.calls(
                month, volume.calls, window, linkable, faults=faults
            ).table,
        )
        custody = self._encounters.custody(links.sound, faults=faults)
        self._write("custody_records", month, custody)
        searches = self._encounters.searches(month, volume.searches, window)
        self._write("stop_and_search_records", month, searches)
        # A small force has four cases a month: one in each would be a quarter of them.
        is_planted = (month - self.timeline.first) % 4 == 0
        cases = self._duties.cases(
            month,
            volume.cases,
            window,
            faults=min(faults, 1 + volume.cases // 100) if is_planted else 0,
        )
        self._write("misconduct_cases", month, cases)
        self._write(
            "patrol_activity",
            month,
            self._duties.patrols(month, volume.patrols, window),
        )
        self._recent = [*self._recent[-2:], linkable]
        answers = self._duties.answers(
            month, volume.answers, window, pl.concat(self._recent)
        )
        self._write("victim_satisfaction_survey", month, answers)

    def finish(self) -> dict[str, Any]:
        """Write who is whom, and return the truth of the whole."""
        truth = pl.concat(self._nominal_truth)
        truth.write_parquet(self.target / NOMINAL_TRUTH)
        reports = [
            facts
            for facts in self.files.values()
            if facts["data_set"] == "crime_reports"
        ]
        environment: Counter[str] = Counter()
        for facts in reports:
            environment.update(facts["environment"])
        planted = Counter(self._planted)
        for facts in self.files.values():
            planted.update(Counter(one["reason"] for one in facts["quarantine"]))
            planted["repeated_crime_number"] += facts.get("repeats", 0)
            planted["missing_mopi_group"] += facts.get("without_mopi_group", 0)
        total = sum(environment.values())
        return {
            "extracted_on": self._until.isoformat(),
            "nominals": truth.height,
            "persons": truth["person_id"].n_unique(),
            "planted": dict(sorted(planted.items())),
            "environment": dict(sorted(environment.items())),
            "environment_unknown_share": environment["unknown"] / total,
            "patrol_effect": self._patrol_truth(),
            "calls_by_weekday": dict(zip(WEEKDAYS, WEEKDAY_WEIGHTS, strict=True)),
            "near_repeats": {
                "offence_code": NEAR_REPEAT_OFFENCE,
                "share_moved": NEAR_REPEAT_SHARE,
                "same": "lsoa_code",
                "same_postcode_share": round(SAME_POSTCODE_SHARE, 3),
                "within_days": NEAR_REPEAT_DAYS,
                "reports": self._near_repeats,
            },
            "files": self.files,
        }

    def _patrol_truth(self) -> dict[str, object] | None:
        told = self._patrols.as_truth()
        return told and {**told, "reports_prevented": self._prevented}

    def _write_reports(self, month: int, table: pl.DataFrame) -> None:
        loaded = table.filter(pl.col("fault").is_null() & ~pl.col("is_repeat"))
        environment = loaded["environment"].fill_null("unknown").value_counts()
        self._write(
            "crime_reports",
            month,
            table.drop("is_repeat"),
            repeats=int(table["is_repeat"].sum()),
            without_mopi_group=loaded["mopi_group"].null_count(),
            environment=dict(sorted(environment.iter_rows())),
        )

    def _write(
        self, data_set: str, month: int, table: pl.DataFrame, **facts: object
    ) -> None:
        """Write one file, and say which lines must be quarantined."""
        names = DATA_SETS[data_set]
        text = month_text(month)
        kebab = data_set.replace("_", "-")
        path = f"{FOLDER}/{text}/{text}-{FORCE}-{kebab}.csv"
        target = self.target / path
        target.parent.mkdir(parents=True, exist_ok=True)
        write_extract(target, table, names)
        faulty = table.with_row_index("line", 2).filter(pl.col("fault").is_not_null())
        self.files[path] = {
            "data_set": data_set,
            "month": text,
            "force": FORCE,
            "rows": table.height,
            **facts,
            "quarantine": [
                {
                    "line": line,
                    "reason": fault,
                    "column": FAULTS[data_set, fault][0],
                    "says": FAULTS[data_set, fault][1],
                }
                for line, fault in faulty.select("line", "fault").iter_rows()
            ],
        }


def write_extract(path: Path, table: pl.DataFrame, names: Mapping[str, str]) -> None:
    """Write rows as the internal systems do: UTF-8, comma, UTC with a Z.

    Args:
        path: The file.
        table: Columns under contract names; further ones are left out.
        names: Contract name → header.
    """
    buffer = io.BytesIO()
    table.select(pl.col(own).alias(given) for own, given in names.items()).write_csv(
        buffer, datetime_format="%Y-%m-%dT%H:%M:%SZ", date_format="%Y-%m-%d"
    )
    path.write_bytes(buffer.getvalue())
