"""Rows that could not be loaded: seen, corrected and released, discarded, disposed of.

A quarantined row is data like any other. It is named by file and line, `FILE:LINE`. A
correction is proposed by one person and released by another; the corrected record goes
through the same contract as any, at the next load, and landing keeps what was received.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from edp_platform.datasets import DataSet, DataSets
from edp_platform.files import replacing
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.rules import enforces
from edp_platform.home import Home
from edp_platform.ingestion.landing import Delivery, LandingStore, Supplies
from edp_platform.ingestion.person_rows import (
    Marked,
    cells_of,
    may_hold_persons,
    person_keys,
    record_cells,
    without,
    words_in,
)
from edp_platform.ingestion.preparation import evidence_path
from edp_platform.ingestion.row_lock import moving_rows
from edp_platform.ingestion.treatment import RELEASE, Correction, Corrections
from edp_platform.retention.decisions import Holds
from edp_platform.retention.schedule import QUARANTINE_RULE, Schedule
from edp_platform.retention.tombstones import Tombstones
from edp_platform.rights.restrictions import Restrictions
from edp_platform.rights.service import faults_after
from edp_platform.told import Told


class QuarantineRefused(Told):
    """What was asked of a quarantined row is refused; nothing was changed."""


@dataclass(frozen=True)
class Waiting:
    """The quarantined rows of one file and reason.

    Attributes:
        data_set: whose rows.
        account: identity of the file, as rows are named by.
        name: of the file.
        reason: why they wait.
        lines: their lines.
        since: the day the file landed.
        dispose_on: the day they are due for disposal; None where the data set names no
            persons, or no rule gives a time.
    """

    data_set: str
    account: str
    name: str
    reason: str
    lines: tuple[int, ...]
    since: date
    dispose_on: date | None


@dataclass(frozen=True)
class Row:
    """One quarantined row, with its values.

    Attributes:
        delivery: its file.
        line: first line of the record.
        columns: that are at fault.
        reason: why it waits.
        record: the text as received, or as read.
        cells: column as received → text; None where it could not be split.
    """

    delivery: Delivery
    line: int
    columns: str | None
    reason: str
    record: str
    cells: dict[str, str | None] | None


def keep_days(schedule: Schedule, today: date) -> int | None:
    """Return how many days a row may wait; None where no rule in force says."""
    if not schedule.is_in_force(QUARANTINE_RULE, today):
        return None
    return schedule.rules[QUARANTINE_RULE].period.keep_days


def waiting(
    home: Home, data_sets: DataSets, schedule: Schedule, today: date
) -> list[Waiting]:
    """Return what waits in the quarantine, by file and reason: no values.

    Rows of months that a later release supplies are left out: nobody can load them.
    """
    days = keep_days(schedule, today)
    found = []
    for name, supplies in sorted(LandingStore(home).supplies().items()):
        data_set = data_sets.by_name.get(name)
        is_due = data_set is None or may_hold_persons(data_set.contract)
        for delivery in sorted(supplies.deliveries, key=lambda one: one.order):
            rows = _rows(home, supplies, delivery)
            grouped = rows.group_by("reason", maintain_order=True).agg(
                pl.col("source_line").unique().sort()
            )
            for reason, lines in grouped.iter_rows():
                due = delivery.landed_on + timedelta(days=days) if days else None
                found.append(
                    Waiting(
                        name,
                        delivery.account_name,
                        delivery.name,
                        reason,
                        tuple(lines),
                        delivery.landed_on,
                        due if is_due else None,
                    )
                )
    return found


def _rows(home: Home, supplies: Supplies, delivery: Delivery) -> pl.DataFrame:
    path = evidence_path(home.quarantine, delivery)
    active = [one for one in delivery.months if supplies.is_active(delivery, one)]
    if not path.exists() or not active:
        return pl.DataFrame(schema={"source_line": pl.Int64, "reason": pl.String})
    gone = [one for one in delivery.months if one not in active]
    return (
        pl.scan_parquet(path)
        .filter(pl.col("month").is_null() | ~pl.col("month").is_in(gone))
        .select("source_line", "reason")
        .sort("source_line")
        .collect()
    )


def quarantined_row(home: Home, address: str) -> Row:
    """Return one row with its values; whoever calls has asked who may look, and logged.

    Args:
        home: whose quarantine.
        address: `FILE:LINE`, as `waiting` names them.

    Raises:
        QuarantineRefused: no such row.
    """
    delivery, line = _place(home, address)
    path = evidence_path(home.quarantine, delivery)
    rows = pl.read_parquet(path).filter(pl.col("source_line") == line)
    original = LandingStore(home).original(delivery.sha256)
    return Row(
        delivery=delivery,
        line=line,
        columns=", ".join(sorted(set(rows["column"].drop_nulls()))) or None,
        reason="; ".join(rows["reason"].unique(maintain_order=True)),
        record=rows["record"][0],
        cells=record_cells(original, line),
    )


def _place(home: Home, address: str) -> tuple[Delivery, int]:
    account, _, line = address.rpartition(":")
    if not account or not line.isdigit():
        raise QuarantineRefused(
            f"{address} names no row: write FILE:LINE as edp quarantine list gives them."
        )
    for delivery in LandingStore(home).deliveries():
        path = evidence_path(home.quarantine, delivery)
        if delivery.account_name == account and path.exists():
            lines = pl.read_parquet(path, columns=["source_line"])["source_line"]
            if int(line) in lines:
                return delivery, int(line)
    raise QuarantineRefused(
        f"No row {address} is in the quarantine. It may have been released, discarded "
        "or superseded; edp quarantine list shows what waits."
    )


def names_restricted(home: Home, data_set: DataSet, row: Row) -> bool:
    """Whether a row names a person whose data may not be used now."""
    text = pl.DataFrame({"record": [row.record]})
    words = text.select(words_in(pl.col("record")))["record"].explode()
    restrictions = Restrictions(home)
    if not person_keys(data_set.contract) or not restrictions.in_force():
        return False
    return any(restrictions.holds(word) for word in words.drop_nulls())


def propose(
    home: Home,
    data_set: DataSet,
    row: Row,
    change: Mapping[str, str] | str,
    *,
    by: str,
    reason: str,
    now: datetime,
) -> Correction:
    """Propose a correction: columns by lake name or as received, or the whole record.

    Raises:
        QuarantineRefused: no change, a column that is not there, a value that would
            still be refused, or a person who was disposed of.
        UncorrectableRecord: it does not fit the record.
        WriteFailed: it cannot be recorded.
    """
    original = LandingStore(home).original(row.delivery.sha256)
    if isinstance(change, str):
        cells = cells_of(original, change)
    else:
        known = {
            name: column.physical_name
            for column in data_set.contract.received
            for name in (column.name, column.physical_name)
        }
        unknown = sorted(set(change) - set(known))
        if unknown or not change:
            raise QuarantineRefused(
                f"{', '.join(unknown) or 'No column'} is nothing to correct in "
                f"{data_set.name}; its columns are "
                f"{', '.join(data_set.contract.column_names)}."
            )
        cells = {known[name]: value for name, value in change.items()}
    _refuse_faults(home, data_set, row.delivery, row.line, cells)
    corrections = Corrections(home, row.delivery)
    identity = corrections.add(
        row.line,
        cells,
        kind=RELEASE,
        state="proposed",
        by=by,
        reason=reason,
        now=now,
    )
    return next(one for one in corrections.all() if one.id == identity)


def _refuse_faults(
    home: Home,
    data_set: DataSet,
    delivery: Delivery,
    line: int,
    cells: Mapping[str, str],
) -> None:
    values = pl.Series([value.strip() for value in cells.values()], dtype=pl.String)
    if Tombstones(home).among(values):
        raise QuarantineRefused(
            "The correction names a person who was disposed of, who may not come back. "
            "Discard the row (edp quarantine discard)."
        )
    faults = faults_after(home, data_set, delivery, {line: cells})
    if faults:
        raise QuarantineRefused(
            f"The corrected row would be refused again: {faults[line]}. Nothing was "
            "recorded; correct that too."
        )


def release(
    home: Home, data_set: DataSet, row: Row, *, by: str, now: datetime
) -> Correction:
    """Release a row with its last proposed correction; it loads with the next load.

    Raises:
        QuarantineRefused: nothing is proposed, the same person proposed it, or it no
            longer passes.
        WriteFailed: it cannot be recorded.
    """
    corrections = Corrections(home, row.delivery)
    proposed = [
        one
        for one in corrections.all()
        if one.line == row.line and one.state == "proposed"
    ]
    if not proposed:
        raise QuarantineRefused(
            "No correction of this row is proposed. Correct it first: edp quarantine "
            "correct FILE:LINE --set column=value."
        )
    last = proposed[-1]
    if last.by == by:
        raise QuarantineRefused(
            f"{by} proposed this correction; somebody else releases it, so that no one "
            "person changes what is on record."
        )
    with moving_rows(home, alone=True):
        _refuse_faults(home, data_set, row.delivery, row.line, last.change)
        corrections.settle(last.id, "in force", by, now)
        LandingStore(home).treat(row.delivery.sha256)
    return next(one for one in corrections.all() if one.id == last.id)


@enforces(17, door="quarantine, discard and disposal")
def refusals_to_discard(
    home: Home, data_sets: DataSets, rows: Iterable[tuple[Delivery, int]]
) -> tuple[Refusal, ...]:
    """Say why quarantined rows may not be deleted; an empty tuple lets it go on.

    Fails closed: a row that names a person under a legal hold, or of a file some of
    whose other cells are loaded, stays.

    Args:
        home: whose quarantine.
        data_sets: the contracts.
        rows: file and line of each.
    """
    found: dict[str, int] = {}
    holds = Holds(home)
    by_file: dict[Delivery, list[int]] = {}
    for delivery, line in rows:
        by_file.setdefault(delivery, []).append(line)
    for delivery, lines in by_file.items():
        evidence = pl.read_parquet(evidence_path(home.quarantine, delivery)).filter(
            pl.col("source_line").is_in(lines)
        )
        words = evidence.select(words_in(pl.col("record")))["record"].explode()
        named = words.drop_nulls().unique()
        if holds.nominals(named) or holds.crimes() & set(named):
            found["legal_hold"] = found.get("legal_hold", 0) + len(lines)
        data_set = data_sets.by_name.get(delivery.data_set)
        if data_set is None or len(delivery.months) > 1:
            found["in_part"] = found.get("in_part", 0) + len(lines)
    said = {
        "legal_hold": (
            "a row of theirs names a person or crime under a legal hold.",
            "A deletion under a hold destroys evidence.",
            "Wait until the hold is lifted (edp retention hold --lift).",
        ),
        "in_part": (
            "their file supplies several months, or its data set is set aside.",
            "Other cells of the same line may be loaded.",
            "Correct them at the source and land the file again.",
        ),
    }
    return tuple(
        Refusal(
            name, f"{count} rows: {said[name][0]}", said[name][1], said[name][2], 17
        )
        for name, count in found.items()
    )


def discard(
    home: Home, data_sets: DataSets, rows: Iterable[tuple[Delivery, int]]
) -> int:
    """Delete quarantined rows: from the quarantine and from the stored file.

    The file keeps its hash as its identity; its account counts the rows as disposed.

    Returns:
        how many rows went.

    Raises:
        QuarantineRefused: rule 17 refuses.
        WriteFailed: a file cannot be written; run it again.
    """
    chosen = list(rows)
    refusals = refusals_to_discard(home, data_sets, chosen)
    if refusals:
        raise QuarantineRefused(
            "Nothing was deleted:\n" + "\n".join(f"  - {one}" for one in refusals)
        )
    store = LandingStore(home)
    by_file: dict[Delivery, list[int]] = {}
    for delivery, line in chosen:
        by_file.setdefault(delivery, []).append(line)
    with moving_rows(home, alone=True):
        for delivery, lines in by_file.items():
            path = store.original(delivery.sha256)
            marked = Marked(tuple(sorted(lines)))
            store.rewrite(delivery.sha256, without(path.read_bytes(), path, marked))
            evidence = evidence_path(home.quarantine, delivery)
            kept = pl.read_parquet(evidence).filter(~pl.col("source_line").is_in(lines))
            if kept.is_empty():
                evidence.unlink()
            else:
                with replacing(evidence) as temporary:
                    kept.write_parquet(temporary)
            for one in Corrections(home, delivery).all():
                if one.line in lines and one.state == "proposed":
                    Corrections(home, delivery).settle(
                        one.id, "withdrawn", "discarded", datetime.now().astimezone()
                    )
    return len(chosen)


def due_rows(
    home: Home, data_sets: DataSets, schedule: Schedule, today: date
) -> list[tuple[Delivery, int]]:
    """Return the rows whose time in the quarantine is up, by file and line."""
    known = {one.account_name: one for one in LandingStore(home).deliveries()}
    return sorted(
        {
            (known[one.account], line)
            for one in waiting(home, data_sets, schedule, today)
            if one.dispose_on is not None and one.dispose_on <= today
            for line in one.lines
        },
        key=lambda pair: (pair[0].account_name, pair[1]),
    )
