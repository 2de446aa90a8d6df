"""What Dagster has on record of some days, as plain values for an evidence pack.

Read run by run, which every storage answers alike; a run is looked at where it began
within the days or up to two days before, so that one over midnight is not lost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from edp_platform.governance.review_pack.evidence import (
    Checked,
    Evidence,
    Materialized,
    RunSeen,
    Step,
)

#: Days begin and end as people in London have them.
LONDON = ZoneInfo("Europe/London")
_KINDS = {
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.STEP_START,
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
}
_BEFORE = timedelta(days=2)


def read_evidence(
    instance: dg.DagsterInstance, first: date, last: date, assets: Collection[str]
) -> Evidence:
    """Return what is on record of these days.

    Args:
        instance: Dagster's.
        first: first day.
        last: last day, included.
        assets: keys of which to say whether they had been made before `first`.

    Returns:
        runs, steps, materialisations and checks of every asset; the caller chooses.
    """
    began = datetime.combine(first, time(), LONDON)
    ended = datetime.combine(last + timedelta(days=1), time(), LONDON)
    filters = dg.RunsFilter(created_after=began - _BEFORE, created_before=ended)
    runs: list[RunSeen] = []
    steps: list[Step] = []
    made: list[Materialized] = []
    checked: list[Checked] = []
    for record in instance.get_run_records(filters, ascending=True):
        run_id = record.dagster_run.run_id
        opened = _moment(record.start_time or record.create_timestamp.timestamp())
        if began <= opened < ended:
            runs.append(_run(record, opened))
        read = _Events(run_id)
        for entry in _entries(instance, run_id):
            read.take(entry)
        within = [one for one in read.steps() if began <= one.began < ended]
        steps += within
        made += [one for one in read.materialized if began <= one.at < ended]
        checked += [one for one in read.checked if began <= one.at < ended]
    return Evidence(
        first,
        last,
        tuple(runs),
        tuple(steps),
        tuple(made),
        tuple(checked),
        _made_before(instance, assets, began),
    )


def _run(record: dg.RunRecord, opened: datetime) -> RunSeen:
    seconds = None
    if record.start_time is not None and record.end_time is not None:
        seconds = record.end_time - record.start_time
    run = record.dagster_run
    return RunSeen(run.run_id, run.status.value, opened, seconds)


def _entries(instance: dg.DagsterInstance, run_id: str) -> list[dg.EventLogEntry]:
    found: list[dg.EventLogEntry] = []
    cursor = None
    while True:
        page = instance.get_records_for_run(
            run_id, of_type=_KINDS, cursor=cursor, limit=5000
        )
        found += [record.event_log_entry for record in page.records]
        if not page.has_more:
            return found
        cursor = page.cursor


class _Events:
    """Puts together the events of one run."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.materialized: list[Materialized] = []
        self.checked: list[Checked] = []
        self._began: dict[str, float] = {}
        self._ended: dict[str, tuple[float, bool]] = {}
        self._assets: dict[str, list[str]] = {}

    def take(self, entry: dg.EventLogEntry) -> None:
        """Take one event."""
        event = entry.dagster_event
        if event is None:
            return
        step = event.step_key or ""
        kind = event.event_type
        if kind is dg.DagsterEventType.STEP_START:
            self._began.setdefault(step, entry.timestamp)
        elif kind in (
            dg.DagsterEventType.STEP_SUCCESS,
            dg.DagsterEventType.STEP_FAILURE,
        ):
            good = kind is dg.DagsterEventType.STEP_SUCCESS
            self._ended[step] = (entry.timestamp, good)
        elif kind is dg.DagsterEventType.ASSET_MATERIALIZATION:
            self._take_materialization(entry, event, step)
        elif kind is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            self._take_check(entry, event)

    def _take_materialization(
        self, entry: dg.EventLogEntry, event: dg.DagsterEvent, step: str
    ) -> None:
        told = event.step_materialization_data.materialization
        rows = _number(told.metadata, "dagster/row_count")
        asset = "/".join(told.asset_key.path)
        if asset not in self._assets.setdefault(step, []):
            self._assets[step].append(asset)
        self.materialized.append(
            Materialized(
                asset=asset,
                at=_moment(entry.timestamp),
                run_id=self.run_id,
                partition=told.partition,
                rows=None if rows is None else int(rows),
                seconds=_number(told.metadata, "seconds"),
            )
        )

    def _take_check(self, entry: dg.EventLogEntry, event: dg.DagsterEvent) -> None:
        told = event.asset_check_evaluation_data
        is_warning = told.severity is dg.AssetCheckSeverity.WARN
        outcome = "passed" if told.passed else "warned" if is_warning else "failed"
        self.checked.append(
            Checked(
                asset="/".join(told.asset_key.path),
                check=told.check_name,
                outcome=outcome,  # type: ignore[arg-type]
                at=_moment(entry.timestamp),
                run_id=self.run_id,
                seconds=_number(told.metadata, "seconds"),
            )
        )

    def steps(self) -> list[Step]:
        """Return the steps that began."""
        found = []
        for key, start in self._began.items():
            end, good = self._ended.get(key, (None, False))
            found.append(
                Step(
                    run_id=self.run_id,
                    key=key,
                    assets=tuple(self._assets.get(key, ())),
                    began=_moment(start),
                    seconds=None if end is None else end - start,
                    succeeded=good,
                )
            )
        return found


def _made_before(
    instance: dg.DagsterInstance, assets: Collection[str], began: datetime
) -> frozenset[str]:
    found = set()
    for asset in assets:
        records = instance.fetch_materializations(
            dg.AssetRecordsFilter(
                dg.AssetKey(asset.split("/")), before_timestamp=began.timestamp()
            ),
            limit=1,
        ).records
        if records:
            found.add(asset)
    return frozenset(found)


def _number(metadata: Mapping[str, Any], name: str) -> float | None:
    found = getattr(metadata.get(name), "value", None)
    return float(found) if isinstance(found, int | float) else None


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, LONDON)
