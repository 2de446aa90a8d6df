"""Removing persons from every store, proving it, and saying so.

Done in steps that can each be done again: a disposal killed in the middle leaves its
working list (`retention/disposals`), and is taken up where it stood by the next. While
it stands the list names the persons; it goes when the certificate is written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from edp_platform.datasets import DataSets
from edp_platform.files import read_json, replacing, sweep_folder
from edp_platform.governance.audit import AuditLog, Event
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.rules import enforces
from edp_platform.governance.subject_keys import SubjectKey
from edp_platform.home import Home
from edp_platform.ingestion.landing import SHORT, LandingStore
from edp_platform.ingestion.person_rows import Marked
from edp_platform.ingestion.row_lock import moving_rows
from edp_platform.retention.certificate import write_certificate
from edp_platform.retention.computing import REASONS
from edp_platform.retention.copies import Copy, copies, unregistered_rooms
from edp_platform.retention.decisions import Decisions
from edp_platform.retention.people import People
from edp_platform.retention.stores.originals import Landing
from edp_platform.retention.tombstones import Tombstones
from edp_platform.told import Told

#: The purpose that disposals are logged under.
PURPOSE = "P-RRD"
_DUE = ("review_due", "disposal_due")


class DisposalRefused(Told):
    """Nothing was deleted; `refusals` says why, by number of the rule."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        self.refusals = tuple(refusals)
        body = "\n".join(f"  - {one}" for one in refusals)
        super().__init__(f"The disposal was refused, and nothing was deleted:\n{body}")


class DisposalIncomplete(Told):
    """A person is still somewhere; no certificate is written, and the list stays."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        self.refusals = tuple(refusals)
        body = "\n".join(f"  - {one}" for one in refusals)
        super().__init__(
            "The disposal is not complete, so it has no certificate. Mend what is named "
            f"and run edp retention dispose --yes again; it goes on from here:\n{body}"
        )


@dataclass(frozen=True)
class Chosen:
    """One person to be disposed of, and by whose decision.

    Attributes:
        person_id: as the review calls them.
        nominal_ids: every identifier they are known by.
        rule, mopi_group: of the schedule.
        decision, decided_by, decided_on: the decision to dispose.
    """

    person_id: str
    nominal_ids: tuple[str, ...]
    rule: str | None
    mopi_group: int | None
    decision: str
    decided_by: str
    decided_on: str


@dataclass
class Working:
    """The working list of one disposal, as it stands on the disk until it is done."""

    id: str
    chosen: list[Chosen]
    carried_out_by: str
    reason: str
    begun_at: str
    #: SHA-256 → what of the stored file goes, and its hash before.
    marks: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: (copy, place, rows, mentions) found before anything went.
    found: list[tuple[str, str, int, int]] = field(default_factory=list)
    is_searched: bool = False

    @property
    def nominal_ids(self) -> tuple[str, ...]:
        """Every identifier of every person."""
        return tuple(one for each in self.chosen for one in each.nominal_ids)

    @property
    def people(self) -> People:
        """The persons, with the lines that were about them."""
        return People(self.nominal_ids).at(
            {sha256[:SHORT]: marked["lines"] for sha256, marked in self.marks.items()}
        )


@enforces(17, door="decision to dispose, disposal")
def refusals_to_dispose(reviewed: pl.DataFrame) -> tuple[Refusal, ...]:
    """Say why persons may not be disposed of; an empty tuple lets it go on.

    Fails closed (PIRM Code 2023; CPIA 1996): whoever lacks an offence group or a date of
    birth, is under a legal hold, falls under a rule nobody confirmed, or is otherwise an
    exception, is never deleted; nor is anybody who is not due.

    Args:
        reviewed: rows of `computing.review`, of the persons asked about, as of today.
    """
    counted = (
        reviewed.explode("exceptions").drop_nulls("exceptions").group_by("exceptions")
    )
    found = [
        Refusal(
            rule=reason,
            missing=f"{_persons(count)}: {REASONS.get(reason, reason)}.",
            why="What cannot be judged is kept: a deletion cannot be taken back.",
            next_step=_REMEDIES.get(reason, "See edp retention review."),
            number=17,
        )
        for reason, count in counted.len().sort("exceptions").iter_rows()
    ]
    early = reviewed.filter(~pl.col("state_by_date").is_in([*_DUE])).height
    if early:
        found.append(
            Refusal(
                rule="not_due",
                missing=f"{_persons(early)}: not due for review or disposal.",
                why="Something happened since the decision, or it was never due.",
                next_step="Leave them out; edp retention due tells who is due.",
                number=17,
            )
        )
    return tuple(found)


_REMEDIES = {
    "missing_date_of_birth": "Have it recorded at the source, or rectified.",
    "missing_group": "Have the group of every linked crime recorded at the source.",
    "child_under_10": "Take the special decision (Children Act 2004 s.11) first.",
    "legal_hold": "Wait until the hold is lifted (edp retention hold --lift).",
    "unconfirmed_rule": "Have the rule confirmed in the retention schedule.",
    "no_start": "Have the dates of the linked crimes recorded at the source.",
    "linked_offender": "Settle the exception of the linked offender first.",
}


@enforces(16, door="disposal, before its certificate")
def left_behind(
    home: Home, registered: Sequence[Copy], people: People
) -> tuple[Refusal, ...]:
    """Search every store for persons who were disposed of; empty when nobody is left.

    Args:
        home: whose stores.
        registered: every store of the register of copies.
        people: the persons, with the lines that were about them.
    """
    found = []
    for copy in registered:
        held = copy.find(people)
        if held:
            rows = sum(one.rows + one.mentions for one in held)
            found.append(
                Refusal(
                    rule="still_held",
                    missing=f"{copy.name} still holds {rows} rows of them: "
                    f"{', '.join(one.place for one in held[:5])}.",
                    why="A disposal that leaves a copy is none.",
                    next_step="Run the disposal again; if it stays, the store's own "
                    "`erase` is at fault.",
                    number=16,
                )
            )
    rooms = unregistered_rooms(home, list(registered))
    if rooms:
        found.append(
            Refusal(
                rule="unregistered_room",
                missing=f"{', '.join(rooms)} of EDP_HOME is no registered copy.",
                why="Nobody can say whether it holds rows of the persons.",
                next_step="Move it out of EDP_HOME, or register it in "
                "edp_platform/retention/copies.py.",
                number=16,
            )
        )
    unmarked = len(people.nominal_ids) - len(
        Tombstones(home).among(pl.Series(people.nominal_ids, dtype=pl.String))
    )
    if unmarked:
        found.append(
            Refusal(
                rule="no_tombstone",
                missing=f"{_persons(unmarked)} without a tombstone.",
                why="The next file that names them would bring them back.",
                next_step="Run the disposal again.",
                number=16,
            )
        )
    return tuple(found)


def _persons(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} persons"


def chosen_for_disposal(
    home: Home, reviewed: pl.DataFrame, only: Sequence[str] = ()
) -> list[Chosen]:
    """Return the persons whose last decision is to dispose.

    Args:
        home: whose decisions.
        reviewed: of `computing.review`.
        only: identifiers; nobody else.
    """
    members = reviewed.explode("nominal_ids").rename({"nominal_ids": "nominal_id"})
    if only:
        members = members.filter(pl.col("nominal_id").is_in([*only]))
    decided = Decisions(home).decided(members["nominal_id"])
    # The last word on any of a person's records counts for the person.
    last = (
        decided.join(members.select("nominal_id", "person_id"), on="nominal_id")
        .sort("on", "id")
        .group_by("person_id", maintain_order=True)
        .last()
        .filter(pl.col("decision") == "dispose")
        .select("person_id", "by", "on", pl.col("id").alias("decision"))
    )
    rows = reviewed.join(last, on="person_id", how="inner").sort("person_id")
    return [
        Chosen(
            person_id=row["person_id"],
            nominal_ids=tuple(row["nominal_ids"]),
            rule=row["rule"],
            mopi_group=row["mopi_group"],
            decision=row["decision"],
            decided_by=row["by"],
            decided_on=row["on"].isoformat(),
        )
        for row in rows.iter_rows(named=True)
    ]


def preview(
    home: Home, data_sets: DataSets, chosen: Sequence[Chosen]
) -> list[tuple[str, str, int, int]]:
    """Return (copy, place, rows, mentions) of what a disposal would take, by store."""
    registered = copies(home, data_sets)
    people = People(tuple(i for one in chosen for i in one.nominal_ids))
    marks = _marks(registered, people)
    lines = {sha256[:SHORT]: one.lines for sha256, one in marks.items()}
    return _found(registered, people.at(lines), marks)


def _marks(registered: Sequence[Copy], people: People) -> dict[str, Marked]:
    """Return SHA-256 → what of each file received concerns the persons."""
    return {
        sha256: marked
        for copy in registered
        if isinstance(copy, Landing)
        for sha256, marked in copy.marks(people).items()
    }


def _found(
    registered: Sequence[Copy], people: People, marks: Mapping[str, Marked]
) -> list[tuple[str, str, int, int]]:
    # Every file received was just read for its marks, and there may be thousands.
    return [
        (copy.name, held.place, held.rows, held.mentions)
        for copy in registered
        for held in (
            copy.held(marks) if isinstance(copy, Landing) else copy.find(people)
        )
    ]


def unfinished(home: Home) -> list[Working]:
    """Return the disposals that were begun and not finished, oldest first."""
    found = []
    for path in sorted((home.retention / "disposals").glob("*.json")):
        record = read_json(path)
        record["chosen"] = [
            Chosen(**{**one, "nominal_ids": tuple(one["nominal_ids"])})
            for one in record["chosen"]
        ]
        record["found"] = [tuple(one) for one in record["found"]]
        found.append(Working(**record))
    return found


def begin(
    home: Home,
    reviewed: pl.DataFrame,
    chosen: Sequence[Chosen],
    *,
    by: str,
    reason: str,
    now: datetime,
) -> Working:
    """Ask the rules, log, and write the working list; nothing is deleted yet.

    Raises:
        DisposalRefused: a rule refuses, nobody is chosen, or the person who decided
            would also carry it out.
        WriteFailed: the log or the list cannot be written.
    """
    asked = reviewed.filter(
        pl.col("person_id").is_in([one.person_id for one in chosen])
    )
    refusals = [*refusals_to_dispose(asked), *_one_hand(chosen, by)]
    if not chosen:
        refusals.append(
            Refusal(
                "nobody",
                "Nobody is decided on for disposal.",
                "Only what a person decided is deleted.",
                "Decide first: edp retention decide PERSON dispose.",
                17,
            )
        )
    subjects = [identifier for one in chosen for identifier in one.nominal_ids]
    log = AuditLog(home)
    if refusals:
        log.record(
            _event(by, reason, "disposal", subjects, 0, f"refused: {refusals[0].rule}"),
            now,
        )
        raise DisposalRefused(refusals)
    mark = hashlib.sha256("\n".join([now.isoformat(), *sorted(subjects)]).encode())
    working = Working(
        id=f"D-{now:%Y%m%d}-{mark.hexdigest()[:8]}",
        chosen=list(chosen),
        carried_out_by=by,
        reason=reason,
        begun_at=now.isoformat(),
    )
    log.record(_event(by, reason, working.id, subjects, 0, "begun"), now)
    _save(home, working)
    return working


def _one_hand(chosen: Sequence[Chosen], by: str) -> Iterator[Refusal]:
    own = sum(one.decided_by == by for one in chosen)
    if own:
        yield Refusal(
            "one_hand",
            f"{by} decided on {_persons(own)} of these and would delete them too.",
            "One person alone may not make a record disappear.",
            "Have somebody else carry it out (--as-person).",
            17,
        )


def _event(
    by: str, reason: str, what: str, subjects: Sequence[str], rows: int, outcome: str
) -> Event:
    return Event(
        operation="erasure",
        actor=by,
        purpose_id=PURPOSE,
        justification=reason,
        object=what,
        row_count=rows,
        subjects=subjects,
        outcome=outcome,
    )


def carry_out(
    home: Home,
    data_sets: DataSets,
    working: Working,
    now: datetime,
    rebuild: Callable[[], bool] = lambda: False,
    told: Callable[[str], None] = lambda what: None,
) -> Path:
    """Remove the persons from every store, prove it, and write the certificate.

    May be called again after a kill or a failure at any point.

    Args:
        home: whose stores.
        data_sets: their contracts say which columns name persons.
        working: as `begin` or `unfinished` gave it.
        now: the time of the certificate.
        rebuild: builds what depends on the lake again and publishes it; says whether
            it could. The persons are gone before it is called.
        told: called with each step, for whoever watches.

    Returns:
        the certificate's JSON file; a readable one stands beside it.

    Raises:
        DisposalIncomplete: somebody is still somewhere after everything was done.
        RowsBusy: another command moves rows and did not finish.
        OSError: a store cannot be written, or is held by another process.
    """
    registered = copies(home, data_sets)
    with moving_rows(home, alone=True):
        if not working.is_searched:
            told("searching every store: where they are")
            _search(home, registered, working)
        Tombstones(home).add(working.nominal_ids, working.id, now)
        told("rewriting the files received without them")
        landing = Landing(home, data_sets)
        for sha256, marked in working.marks.items():
            cells = {int(line): tuple(each) for line, each in marked["cells"].items()}
            landing.rewrite(sha256, Marked(tuple(marked["lines"]), cells))
        for copy in registered:
            told(f"removing from: {copy.name}")
            copy.erase(working.people)
        sweep_folder(home.root)
    is_rebuilt = rebuild()
    told("searching every store: that nobody is left")
    with moving_rows(home, alone=True):
        left = left_behind(home, registered, working.people)
        if left:
            raise DisposalIncomplete(left)
        certificate = _certify(home, registered, working, now, is_rebuilt)
    rows = sum(one[2] for one in working.found)
    AuditLog(home).record(
        _event(
            working.carried_out_by,
            working.reason,
            working.id,
            working.nominal_ids,
            rows,
            "done",
        ),
        now,
    )
    _path(home, working).unlink()
    with suppress(OSError):
        (home.retention / "disposals").rmdir()
    return certificate


def _search(home: Home, registered: Sequence[Copy], working: Working) -> None:
    """Note where the persons are, before the first of it goes."""
    store = LandingStore(home)
    marks = _marks(registered, People(working.nominal_ids))
    working.marks = {
        sha256: {
            "lines": list(one.lines),
            "cells": {str(line): list(each) for line, each in one.cells.items()},
            "before": store.stored_sha256(sha256),
        }
        for sha256, one in marks.items()
    }
    working.found = _found(registered, working.people, marks)
    working.is_searched = True
    _save(home, working)


def _certify(
    home: Home,
    registered: Sequence[Copy],
    working: Working,
    now: datetime,
    is_rebuilt: bool,
) -> Path:
    store = LandingStore(home)
    key = SubjectKey(home, "tombstone")
    known = {one.sha256: one for one in store.deliveries()}
    return write_certificate(
        home.retention / "certificates",
        {
            "id": working.id,
            "begun_at": working.begun_at,
            "completed_at": now.isoformat(),
            "carried_out_by": working.carried_out_by,
            "reason": working.reason,
            "persons": [
                {
                    "subject": [key.of(each) for each in one.nominal_ids],
                    "rule": one.rule,
                    "mopi_group": one.mopi_group,
                    "decision": one.decision,
                    "decided_by": one.decided_by,
                    "decided_on": one.decided_on,
                }
                for one in working.chosen
            ],
            "removed": [
                {"store": copy, "place": place, "rows": rows, "names_only": mentions}
                for copy, place, rows, mentions in working.found
            ],
            "files": [
                {
                    "identity": sha256,
                    "name": known[sha256].name,
                    "stored_before": marked["before"],
                    "stored_now": store.stored_sha256(sha256),
                    "records_removed": len(marked["lines"]),
                }
                for sha256, marked in sorted(working.marks.items())
            ],
            "searched_after": [
                {"store": copy.name, "rows_found": 0} for copy in registered
            ],
            "tombstones": len(working.nominal_ids),
            "marts_rebuilt": is_rebuilt,
        },
    )


def _path(home: Home, working: Working) -> Path:
    return home.retention / "disposals" / f"{working.id}.json"


def _save(home: Home, working: Working) -> None:
    with replacing(_path(home, working)) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps(asdict(working)), encoding="utf-8")
