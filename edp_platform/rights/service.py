"""Find, export, rectify and restrict a person, over every registered copy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from edp_platform.datasets import DataSet, DataSets
from edp_platform.files import replacing
from edp_platform.home import Home
from edp_platform.ingestion.landing import SHORT, Delivery, LandingStore
from edp_platform.ingestion.person_rows import Marked, is_person_key
from edp_platform.ingestion.preparation import evidence_path, prepare
from edp_platform.ingestion.row_lock import moving_rows
from edp_platform.ingestion.treatment import Corrections, corrected_copy
from edp_platform.retention.copies import Change, Copy, Held, copies
from edp_platform.retention.people import People
from edp_platform.retention.stores.originals import Landing, account_lines
from edp_platform.rights.restrictions import Restrictions
from edp_platform.told import Told


class NotThere(Told):
    """The person, data set or column is not there; nothing was done."""


class CorrectionRefused(Told):
    """The correction would not load, so it was not recorded."""


class StillInUse(Told):
    """A restricted person is still in a store that people work from."""


@dataclass(frozen=True)
class Located:
    """A person and every store that may hold them."""

    people: People
    registered: list[Copy]
    landing: Landing


def locate(home: Home, data_sets: DataSets, nominal_ids: Sequence[str]) -> Located:
    """Find the lines about a person in every landed file.

    Raises:
        UnreadableFile: a file that may name persons cannot be read by row.
    """
    registered = copies(home, data_sets)
    landing = next(one for one in registered if isinstance(one, Landing))
    people = People(tuple(nominal_ids))
    marks = landing.marks(people)
    lines = {sha256[:SHORT]: marked.lines for sha256, marked in marks.items()}
    return Located(people.at(lines), registered, landing)


def require_named(located: Located) -> None:
    """Refuse where no file received names the person.

    Raises:
        NotThere: so; a misspelt id would be taken for a person who is looked after.
    """
    if not located.people.lines:
        raise NotThere(
            "No file received names this person, so nothing was done. Check the id: "
            "edp rights find PERSON."
        )


def find(located: Located) -> dict[str, list[Held]]:
    """Return copy → where it holds the person, for every copy, none left out."""
    return {copy.name: copy.find(located.people) for copy in located.registered}


def export(
    located: Located, withheld: Mapping[str, str], target: Path, told: dict[str, Any]
) -> dict[str, int]:
    """Write everything held about a person to a file of their own.

    Args:
        located: see `locate`.
        withheld: data set (or table) → exemption and reason; said in the file unless
            the exemption is one that saying it would defeat.
        target: written readable by its owner alone.
        told: what else the file says at its head.

    Returns:
        copy → rows written.

    Raises:
        WriteFailed: it cannot be written.
    """
    given: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for copy in located.registered:
        rows = {
            name: each
            for name, each in copy.export(located.people).items()
            if name.rsplit(".", 1)[-1] not in withheld and name not in withheld
        }
        if rows:
            given[copy.name] = rows
            counts[copy.name] = sum(len(each) for each in rows.values())
    text = json.dumps(
        {**told, "held": given}, indent=1, ensure_ascii=False, default=str
    )
    with replacing(target) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_text(text + "\n", encoding="utf-8")
    return counts


def rectify(
    home: Home,
    data_sets: DataSets,
    located: Located,
    *,
    data_set: str,
    column: str,
    value: str,
    by: str,
    reason: str,
    logged: Callable[[int], None] = lambda records: None,
) -> int:
    """Correct one column of a person's records in one data set.

    The original stays in landing; the correction stands beside it and is loaded in its
    place from then on. Every record is tried against the contract first.

    Args:
        home: whose stores.
        data_sets: the contracts.
        located: the person; see `locate`.
        data_set, column, value: what should say what.
        by: id of the person who corrects.
        reason: why.
        logged: called with the number of records before any is changed.

    Returns:
        how many records were corrected.

    Raises:
        NotThere: no such data set or column, or no active record of the person in it.
        CorrectionRefused: a corrected record would be quarantined.
        WriteFailed: it cannot be written.
    """
    found = data_sets.by_name.get(data_set)
    if found is None:
        raise NotThere(f"There is no data set {data_set}.")
    known = {one.name: one for one in found.contract.received}
    if column not in known or is_person_key(column):
        raise NotThere(
            f"{column} of {data_set} cannot be corrected: it is not among "
            f"{', '.join(name for name in known if not is_person_key(name))}. An "
            "identifier of a person is corrected by linkage, not here."
        )
    with moving_rows(home, alone=True):
        marks = located.landing.marks(located.people)
        lines = _loaded_lines(home, data_set, marks)
        if not lines:
            raise NotThere(
                f"{data_set} holds no active record of this person; nothing was done."
            )
        change = Change(
            data_set=data_set,
            column=column,
            received_as=known[column].physical_name,
            value=value,
            lines=lines,
            by=by,
            reason=reason,
        )
        _try(home, found, change)
        logged(sum(len(each) for each in lines.values()))
        for copy in located.registered:
            copy.correct(change)
    return sum(len(each) for each in lines.values())


def _loaded_lines(
    home: Home, data_set: str, marks: Mapping[str, Marked]
) -> dict[str, tuple[int, ...]]:
    """Return account of each file → lines about the person that are not in quarantine.

    A row that waits there is corrected there (`edp quarantine correct`).
    """
    known = {one.account_name: one for one in LandingStore(home).deliveries(data_set)}
    found = {}
    for account, lines in account_lines(home, data_set, marks).items():
        path = evidence_path(home.quarantine, known[account])
        waiting: set[int] = set()
        if path.exists():
            waiting = set(pl.read_parquet(path, columns=["source_line"])["source_line"])
        kept = tuple(line for line in lines if line not in waiting)
        if kept:
            found[account] = kept
    return found


def _try(home: Home, data_set: DataSet, change: Change) -> None:
    known = {
        one.account_name: one for one in LandingStore(home).deliveries(change.data_set)
    }
    for account, lines in change.lines.items():
        faults = faults_after(
            home,
            data_set,
            known[account],
            {line: {change.received_as: change.value} for line in lines},
        )
        if faults:
            raise CorrectionRefused(
                f"{len(faults)} of {len(lines)} records would be refused with this "
                f"{change.column}: {'; '.join(sorted(set(faults.values())))}. Nothing "
                "was corrected. Give a value that the contract allows."
            )


def faults_after(
    home: Home,
    data_set: DataSet,
    delivery: Delivery,
    changes: Mapping[int, Mapping[str, str]],
) -> dict[int, str]:
    """Try corrections of one file; return line → why it would still be refused.

    The same reading and the same contract as at a load, nothing less.

    Raises:
        UncorrectableRecord: a correction does not fit its record.
        UnreadableFile: the file is no text, or a correction would renumber its rows.
    """
    merged = dict(Corrections(home, delivery).in_force())
    for line, change in changes.items():
        merged[line] = {**merged.get(line, {}), **change}
    original = LandingStore(home).original(delivery.sha256)
    with corrected_copy(home, original, merged) as path:
        prepared = prepare(data_set, delivery, path)
    wanted = pl.Series([*changes], dtype=pl.Int64).implode()
    refused = prepared.quarantined.filter(pl.col("source_line").is_in(wanted))
    faults = dict(refused.select("source_line", "reason").iter_rows())
    rows = prepared.rows.filter(pl.col("source_line").is_in(wanted))
    elsewhere = rows.filter(~pl.col("month").is_in([*delivery.months]))
    for line in elsewhere["source_line"]:
        faults[line] = "it would be of a month that its file does not supply"
    return faults


def restrict(
    home: Home,
    located: Located,
    nominal_id: str,
    *,
    restricted: bool,
    by: str,
    reason: str,
    now: datetime,
) -> int:
    """Keep a person out of everything that people work from, or lift that.

    Returns:
        rows that left the stores in use; 0 when lifted (the next run brings them back).

    Raises:
        NotThere: no file received names them, and nobody was restricted.
        StillInUse: a store in use still holds the person; do not rely on it.
        WriteFailed: it cannot be written.
    """
    if restricted:
        require_named(located)
    with moving_rows(home, alone=True):
        Restrictions(home).set(nominal_id, restricted, by, reason, now)
        if not restricted:
            located.landing.restrict(located.people)  # their months are due again
            return 0
        gone = sum(copy.restrict(located.people) for copy in located.registered)
        left = in_use(located)
    if left:
        raise StillInUse(
            f"The person is still in {', '.join(sorted(left))}. Run the command again; "
            "if it stays, that store's own `restrict` is at fault."
        )
    return gone


def in_use(located: Located) -> list[str]:
    """Return the stores that people work from and that hold the person."""
    return [
        copy.name
        for copy in located.registered
        if copy.in_use and copy.find(located.people)
    ]
