"""`edp quarantine`: rows that could not be loaded are data, seen and handled as such."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from edp_platform.commands.acting import (
    AsPersonOption,
    PurposeOption,
    ReasonOption,
    YesOption,
    allowed,
    log_refusal,
)
from edp_platform.commands.console import JsonFlag, fail, open_home, out

app = typer.Typer(
    help="Rows that could not be loaded: see, correct, release, discard, dispose.",
    epilog=(
        "edp quarantine list   then edp quarantine show FILE:LINE   then correct   then, "
        "by somebody else, release   then edp run"
    ),
    no_args_is_help=True,
)

#: Who may look at any quarantined row; the lead and the asset owner of the teams that
#: own a data set may look at its rows.
_ANY = frozenset(
    {"information_rights", "data_protection_officer", "records_management"}
)
_DISPOSE = frozenset({"records_management", "information_asset_owner"})

RowArgument = Annotated[
    str, typer.Argument(metavar="FILE:LINE", help="As edp quarantine list names it.")
]


@app.command("list")
def list_waiting(
    data_set: Annotated[str | None, typer.Argument(help="One data set.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List what waits by file and reason, since when and until when. No values."""
    from edp_platform.datasets import DataSets
    from edp_platform.governance.registers import Registers
    from edp_platform.ingestion.quarantine import waiting
    from edp_platform.retention.schedule import read_schedule

    home, today = open_home(), date.today()
    data_sets = DataSets.load(home)
    if data_set and data_set not in data_sets.by_name:
        fail(f"there is no data set {data_set}.", 2)
    schedule = read_schedule(Registers(home.made_on))
    found = [
        one
        for one in waiting(home, data_sets, schedule, today)
        if data_set in (None, one.data_set)
    ]
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "data_set": one.data_set,
                        "file": one.name,
                        "reason": one.reason,
                        "rows": [f"{one.account}:{line}" for line in one.lines],
                        "since": one.since.isoformat(),
                        "dispose_on": one.dispose_on and one.dispose_on.isoformat(),
                    }
                    for one in found
                ]
            )
        )
        return
    table = Table("data set", "rows", "first", "reason", "since", "kept until")
    for one in found:
        table.add_row(
            one.data_set,
            f"{len(one.lines):,}",
            f"{one.account}:{one.lines[0]}",
            escape(one.reason),
            str(one.since),
            str(one.dispose_on or ""),
        )
    out.print(table if found else "Nothing waits in the quarantine.")


@app.command()
def show(
    row: RowArgument,
    purpose: PurposeOption,
    reason: ReasonOption,
    as_person: AsPersonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show one row with its values. For the data set's owners; logged by person."""
    from edp_platform.ingestion.treatment import Corrections

    home, data_set, found, actor = _opened(
        row, as_person, "see a quarantined row", purpose
    )
    _log(home, actor, "consultation", purpose, reason, row, found)
    proposed = [
        {"id": one.id, "by": one.by, "change": dict(one.change), "reason": one.reason}
        for one in Corrections(home, found.delivery).all()
        if one.line == found.line and one.state == "proposed"
    ]
    if as_json:
        print(
            json.dumps(
                {
                    "data_set": data_set.name,
                    "file": found.delivery.name,
                    "line": found.line,
                    "reason": found.reason,
                    "record": found.record,
                    "cells": found.cells,
                    "proposed": proposed,
                }
            )
        )
        return
    out.print(f"{data_set.name}, {found.delivery.name}, line {found.line}")
    out.print(f"why: {found.reason}", markup=False, soft_wrap=True)
    if found.cells is None:
        out.print(found.record, markup=False, highlight=False, soft_wrap=True)
    else:
        table = Table("column", "as received")
        for name, value in found.cells.items():
            table.add_row(escape(name), escape(value or ""))
        out.print(table)
    for one in proposed:
        out.print(f"proposed by {one['by']}: {one['change']}", markup=False)


@app.command()
def correct(
    row: RowArgument,
    purpose: PurposeOption,
    reason: ReasonOption,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="COLUMN=VALUE, by lake name. May be given again."),
    ] = None,
    record: Annotated[
        str | None,
        typer.Option(help="The whole record as CSV, where its columns are lost."),
    ] = None,
    as_person: AsPersonOption = None,
) -> None:
    """Propose a correction. It must pass the contract; somebody else releases it."""
    from edp_platform.ingestion.quarantine import propose

    if bool(set_) == (record is not None):
        fail("say either --set COLUMN=VALUE or --record CSV.", 2)
    pairs = [one.partition("=") for one in set_ or []]
    if any(not equals for _, equals, _ in pairs):
        fail("--set: write COLUMN=VALUE.", 2)
    home, data_set, found, actor = _opened(
        row, as_person, "correct a quarantined row", purpose
    )
    _log(home, actor, "alteration", purpose, f"{reason} (proposed)", row, found)
    one = propose(
        home,
        data_set,
        found,
        record if record is not None else {name: value for name, _, value in pairs},
        by=actor,
        reason=reason,
        now=datetime.now().astimezone(),
    )
    out.print(
        f"{one.id} proposed. Next, by somebody else: edp quarantine release {row}"
    )


@app.command()
def release(
    row: RowArgument,
    purpose: PurposeOption,
    reason: ReasonOption,
    as_person: AsPersonOption = None,
) -> None:
    """Release a corrected row: the next load takes it; landing keeps the original."""
    from edp_platform.ingestion.quarantine import release as let_go

    home, data_set, found, actor = _opened(
        row, as_person, "release a quarantined row", purpose
    )
    _log(home, actor, "alteration", purpose, f"{reason} (released)", row, found)
    one = let_go(home, data_set, found, by=actor, now=datetime.now().astimezone())
    out.print(f"{one.id} is in force. Next: edp run {data_set.name}")


@app.command()
def discard(
    row: RowArgument,
    purpose: PurposeOption,
    reason: ReasonOption,
    yes: YesOption = False,
    as_person: AsPersonOption = None,
) -> None:
    """Delete one row that is no use to anybody, from quarantine and stored file."""
    from edp_platform.datasets import DataSets
    from edp_platform.ingestion.quarantine import (
        QuarantineRefused,
        refusals_to_discard,
    )
    from edp_platform.ingestion.quarantine import discard as delete

    home, _, found, actor = _opened(
        row, as_person, "discard a quarantined row", purpose
    )
    data_sets, rows = DataSets.load(home), [(found.delivery, found.line)]
    refusals = refusals_to_discard(home, data_sets, rows)
    _log(
        home,
        actor,
        "erasure",
        purpose,
        reason,
        row,
        found,
        f"refused: {refusals[0].rule}" if refusals else "done" if yes else "shown",
    )
    if refusals:
        raise QuarantineRefused("\n".join(map(str, refusals)))
    if not yes:
        out.print(f"{row} would be deleted for good. Do it with --yes.")
        return
    delete(home, data_sets, rows)
    out.print("deleted; the file's account counts it as disposed. Next: edp run")


@app.command()
def dispose(
    yes: YesOption = False,
    reason: ReasonOption = "their time in quarantine is up",
    as_person: AsPersonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Delete the rows whose time in quarantine is up (rule QUARANTINE of the schedule)."""
    from edp_platform.datasets import DataSets
    from edp_platform.governance.audit import AuditLog, Event
    from edp_platform.governance.registers import Registers
    from edp_platform.ingestion.quarantine import (
        discard as delete,
    )
    from edp_platform.ingestion.quarantine import due_rows, keep_days
    from edp_platform.retention.schedule import read_schedule

    home, now = open_home(), datetime.now().astimezone()
    registers = Registers(home.made_on)
    actor = allowed(home, as_person, _DISPOSE, "dispose of quarantined rows", "P-RRD")
    schedule, data_sets = read_schedule(registers), DataSets.load(home)
    if keep_days(schedule, now.date()) is None:
        fail(
            "rule 17: no confirmed rule QUARANTINE in the retention schedule says how "
            "long rows wait, so nothing is deleted. Have it confirmed."
        )
    rows = due_rows(home, data_sets, schedule, now.date())
    if yes and rows:
        AuditLog(home).record(
            Event(
                operation="erasure",
                actor=actor,
                purpose_id="P-RRD",
                justification=reason,
                object="quarantine: rows whose time is up",
                row_count=len(rows),
            ),
            now,
        )
        delete(home, data_sets, rows)
    if as_json:
        print(json.dumps({"due": len(rows), "deleted": len(rows) if yes else 0}))
    elif yes:
        out.print(f"{len(rows)} rows deleted. Next: edp run")
    else:
        out.print(f"{len(rows)} rows are due. Delete them with --yes.")


def _opened(
    row: str, as_person: str | None, what: str, purpose: str
) -> tuple[Any, Any, Any, str]:
    """Return home, data set, row and actor, once the person may see the row."""
    from edp_platform.datasets import DataSets
    from edp_platform.governance.acting import NotAllowed, require_purpose
    from edp_platform.governance.registers import Registers
    from edp_platform.ingestion.quarantine import (
        QuarantineRefused,
        names_restricted,
        quarantined_row,
    )

    home = open_home()
    registers = Registers(home.made_on)
    require_purpose(registers, purpose)
    every_role = frozenset(one.role for one in registers.people.values())
    actor = allowed(home, as_person, every_role, what, purpose)
    data_sets = DataSets.load(home)
    found = quarantined_row(home, row)
    data_set = data_sets.by_name.get(found.delivery.data_set)
    if data_set is None:
        raise QuarantineRefused(
            f"{found.delivery.data_set} is set aside, so nobody can say who owns its "
            "rows. See edp status."
        )
    teams = [registers.teams.get(owner) for owner in data_set.contract.owners]
    own = {
        one
        for team in teams
        if team
        for one in (team.lead, team.information_asset_owner)
    }
    role = registers.people[actor].role
    why = ""
    if role not in _ANY and actor not in own:
        why = (
            f"{actor} may not {what} of {data_set.name}: its owners may "
            f"({', '.join(sorted(own)) or 'none is named'}), and information rights, "
            "records management and the data protection officer."
        )
    elif names_restricted(home, data_set, found) and role != "information_rights":
        why = (
            f"The row names a person under a restriction; {actor} may not {what} "
            "while it stands. Ask information rights."
        )
    if why:
        log_refusal(home, actor, f"{what} {row}", purpose)
        raise NotAllowed(why)
    return home, data_set, found, actor


def _log(
    home: Any,
    actor: str,
    operation: Any,
    purpose: str,
    reason: str,
    row: str,
    found: Any,
    outcome: str = "done",
) -> None:
    from edp_platform.governance.acting import require_purpose
    from edp_platform.governance.audit import AuditLog, Event
    from edp_platform.governance.registers import Registers

    AuditLog(home).record(
        Event(
            operation=operation,
            actor=actor,
            purpose_id=require_purpose(Registers(home.made_on), purpose),
            justification=reason,
            object=f"quarantine {found.delivery.data_set} {row}",
            row_count=1,
            subjects=_subjects(found),
            outcome=outcome,
        ),
        datetime.now().astimezone(),
    )


def _subjects(found: Any) -> list[str]:
    """Return the identifiers of persons that the row's own columns hold."""
    from edp_platform.ingestion.person_rows import is_person_key, lake_names

    cells = found.cells or {}
    names = lake_names(list(cells), None)
    return [
        value
        for name, value in zip(names, cells.values(), strict=True)
        if value and is_person_key(name)
    ]
