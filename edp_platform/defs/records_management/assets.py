"""What is due of everybody, what people decided, and what was disposed of.

The method stands in `edp_platform.retention`; this file says when it runs and what is
checked. Metadata holds counts, never a person.
"""

from collections import Counter
from dataclasses import fields
from datetime import date, datetime
from typing import Any

import dagster as dg
from dagster import AssetExecutionContext

from edp_platform.datasets import DataSets
from edp_platform.governance.product_lineage import LINEAGE_METADATA
from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.orchestration.scope import log_materializations
from edp_platform.retention.decisions import Decision, Decisions
from edp_platform.retention.disposal import (
    begin,
    carry_out,
    chosen_for_disposal,
    refusals_to_dispose,
    unfinished,
)
from edp_platform.retention.inputs import NothingToReview
from edp_platform.retention.reviewing import counted, keep_list, review_now
from edp_platform.retention.tombstones import Tombstones, returned

_POOL = "retention"
DUE = dg.AssetKey(["records_management", "rrd_due"])
DECISION = dg.AssetKey(["records_management", "rrd_decision"])
DISPOSAL = dg.AssetKey(["records_management", "rrd_disposal"])

_BIRTH = ("raw.nominals.date_of_birth",)
_ID = ("raw.nominals.nominal_id",)
_GROUP = ("raw.crime_reports.mopi_group",)
_CATEGORY = ("raw.crime_report_persons.subject_category",)
#: Every event that begins a clear period.
_EVENTS = (
    "raw.crime_reports.reported_at",
    "raw.crime_report_persons.linked_on",
    "raw.crime_report_persons.person_outcome",
    "raw.crime_report_persons.person_outcome_date",
    "raw.crime_report_persons.sentence_end",
    "raw.custody_records.arrested_at",
    "raw.custody_records.released_at",
    "raw.stop_and_search_records.searched_at",
)
#: By which persons, links and events are brought together.
_JOINS = (
    "raw.crime_report_persons.nominal_id",
    "raw.crime_report_persons.crime_number",
    "raw.crime_reports.crime_number",
    "raw.custody_records.nominal_id",
    "raw.stop_and_search_records.nominal_id",
)
_DATES = (*_BIRTH, *_GROUP, *_CATEGORY, *_EVENTS)


#: Type of the columns that are not text.
_TYPES = {
    "nominal_ids": "list of string",
    "exceptions": "list of string",
    "mopi_group": "integer",
    "is_offender": "boolean",
    "clear_from": "date",
    "review_on": "date",
    "disposal_on": "date",
    "on": "date",
    "subjects": "list of string",
    "nrac": "list of string",
    "persons": "list of object",
    "removed": "list of object",
}


def _lineage(columns: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    return {
        LINEAGE_METADATA: {
            "columns": {name: {"made_of": [*each]} for name, each in columns.items()},
            "rows": [*_ID, *_JOINS],
        },
        **_columns(*columns),
    }


def _columns(*names: str) -> dict[str, Any]:
    columns = [dg.TableColumn(name, _TYPES.get(name, "string")) for name in names]
    return {"dagster/column_schema": dg.TableSchema(columns)}


@dg.asset(
    key=DUE,
    deps=[
        dg.AssetKey(["raw", name])
        for name in (
            "nominals",
            "crime_reports",
            "crime_report_persons",
            "custody_records",
            "stop_and_search_records",
        )
    ],
    kinds={"duckdb", "parquet"},
    pool=_POOL,
    tags={"regime": "part3", "classification": "criminal-offence"},
    metadata=_lineage(
        {
            "person_id": _ID,
            "nominal_ids": _ID,
            "rule": (*_GROUP, *_CATEGORY),
            "mopi_group": _GROUP,
            "is_offender": _CATEGORY,
            "clear_from": _EVENTS,
            "clear_because": _EVENTS,
            "review_on": _DATES,
            "disposal_on": _DATES,
            "state_by_date": _DATES,
            "exceptions": _DATES,
            "state": _DATES,
        }
    ),
    check_specs=[
        dg.AssetCheckSpec(
            "reviews_in_time",
            asset=DUE,
            description="Nobody has been due for review or disposal for over a month.",
        ),
        dg.AssetCheckSpec(
            "nothing_missing",
            asset=DUE,
            description=(
                "Every person has a date of birth, a group for every linked crime and a "
                "rule that is confirmed; whoever has not is an exception and is kept."
            ),
        ),
    ],
)
def rrd_due(context: AssetExecutionContext) -> Any:
    """Who is due for review or disposal, and who cannot be judged.

    One row per person, by the highest group of every crime they are linked to, with
    clear period, next review, disposal and state. It names persons: `edp retention due
    --list` shows it to those who may see it, and logs that they did.
    """
    home, today = Home.open(date.today()), date.today()
    try:
        reviewed = review_now(home, Registers(home.made_on), today)
    except NothingToReview as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    keep_list(home, reviewed)
    told = counted(reviewed, today)
    metadata: dict[str, Any] = {
        "dagster/row_count": told["persons"],
        "overdue": told["overdue"],
        **{f"persons_{state}": count for state, count in told["by_state"].items()},
        "by_rule": dg.MetadataValue.json(told["by_rule"]),
    }
    log_materializations(context, DUE, metadata, None)
    yield dg.MaterializeResult(metadata=metadata)
    yield dg.AssetCheckResult(
        check_name="reviews_in_time",
        passed=told["overdue"] == 0,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"overdue": told["overdue"]},
    )
    yield dg.AssetCheckResult(
        check_name="nothing_missing",
        passed=not told["exceptions"],
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"exceptions": dg.MetadataValue.json(told["exceptions"])},
    )


@dg.asset(
    key=DECISION,
    deps=[DUE],
    kinds={"json"},
    pool=_POOL,
    tags={"regime": "part3", "classification": "official"},
    metadata={
        LINEAGE_METADATA: {"columns": {}, "rows": []},
        **_columns(*(one.name for one in fields(Decision))),
    },
)
def rrd_decision(context: AssetExecutionContext) -> dg.MaterializeResult:
    """What people decided on persons who were due: append-only, by keyed hash.

    One row per decision, with who, when, why, and the criteria answered yes. People
    make it with `edp retention decide`; a run only tells how many there are.
    """
    decisions = Decisions(Home.open(date.today()))
    told = Counter(one.decision for one in decisions.all())
    metadata: dict[str, Any] = {
        "dagster/row_count": sum(told.values()),
        "retain": told["retain"],
        "dispose": told["dispose"],
    }
    log_materializations(context, DECISION, metadata, None)
    return dg.MaterializeResult(metadata=metadata)


class CarryOut(dg.Config):
    """Who carries out the disposals; left blank, a run only tells what waits."""

    as_person: str = ""


@dg.asset(
    key=DISPOSAL,
    deps=[DECISION],
    kinds={"json"},
    pool=_POOL,
    tags={"regime": "part3", "classification": "official"},
    metadata={
        LINEAGE_METADATA: {"columns": {}, "rows": []},
        **_columns(
            "id", "completed_at", "carried_out_by", "reason", "persons", "removed"
        ),
    },
    check_specs=[
        dg.AssetCheckSpec(
            "nobody_returned",
            asset=DISPOSAL,
            blocking=True,
            description=(
                "Nobody who was disposed of stands in the lake, by the keyed hash of "
                "their tombstone (rule 16)."
            ),
        ),
        dg.AssetCheckSpec(
            "nothing_unfinished",
            asset=DISPOSAL,
            description="No disposal was begun and not finished.",
        ),
    ],
)
def rrd_disposal(context: AssetExecutionContext, config: CarryOut) -> Any:
    """Disposals carried out: a certificate each, and tombstones that keep people gone.

    One row per certificate. Deletes only when the run names who carries it out
    (`as_person`), whom somebody else decided on, and nobody whom rule 17 refuses; `edp
    retention dispose` does the same and builds the marts anew.
    """
    home, now = Home.open(date.today()), datetime.now().astimezone()
    data_sets = DataSets.load(home)
    waiting = 0
    if (home.retention / "decisions.jsonl").exists():
        waiting = _dispose(home, data_sets, config.as_person, now)
    certificates = list((home.retention / "certificates").glob("*.json"))
    metadata: dict[str, Any] = {
        "dagster/row_count": len(certificates),
        "persons_with_tombstone": len(Tombstones(home).hashes()),
        "decided_and_waiting": waiting,
    }
    log_materializations(context, DISPOSAL, metadata, None)
    yield dg.MaterializeResult(metadata=metadata)
    back = returned(
        home, {name: one.contract for name, one in data_sets.by_name.items()}
    )
    yield dg.AssetCheckResult(
        check_name="nobody_returned",
        passed=not back,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"why": "\n".join(map(str, back)) or "Nobody is back."},
    )
    begun = len(unfinished(home))
    yield dg.AssetCheckResult(
        check_name="nothing_unfinished",
        passed=not begun,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"unfinished": begun},
    )


def _dispose(home: Home, data_sets: DataSets, as_person: str, now: datetime) -> int:
    """Carry out what is decided where somebody is named; return how many still wait."""
    from edp_platform.governance.acting import acting_person

    registers = Registers(home.made_on)
    reviewed = review_now(home, registers, now.date())
    chosen = chosen_for_disposal(home, reviewed)
    if not as_person:
        return len(chosen)
    actor = acting_person(
        registers,
        as_person,
        {"records_management", "information_asset_owner"},
        "carry out disposals",
        now.date(),
    )
    for working in unfinished(home):
        carry_out(home, data_sets, working, now)
    kept = [
        one
        for one in chosen
        if not refusals_to_dispose(
            reviewed.filter(reviewed["person_id"] == one.person_id)
        )
    ]
    if kept:
        working = begin(
            home, reviewed, kept, by=actor.id, reason="monthly disposal", now=now
        )
        carry_out(home, data_sets, working, now)
    return len(chosen) - len(kept)
