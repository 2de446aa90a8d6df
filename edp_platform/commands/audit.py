"""`edp audit`: the log of DPA 2018 s.62: take in, look, verify, anchor, prune."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from edp_platform.commands.acting import AsPersonOption, allowed
from edp_platform.commands.console import JsonFlag, err, fail, open_home, out
from edp_platform.home import Home

if TYPE_CHECKING:
    from edp_platform.auditing.collecting import Collected

app = typer.Typer(
    help="The log of who did what with whose data (DPA 2018 s.62).",
    no_args_is_help=True,
)


def _collect(home: Home) -> Collected:
    """Take on what people asked the server directly, and tell what is wrong with it."""
    from edp_platform.auditing.collecting import collect
    from edp_platform.publishing.readiness import background_now

    now = datetime.now().astimezone()
    found = collect(home, now, lambda: background_now(home, now.date()))
    for path in found.open_to_others:
        err.print(
            f"[yellow]readable by others[/] {path}: it holds statements with their "
            "values. Make it readable by its account alone (chmod 600).",
            soft_wrap=True,
        )
    if found.source == "brokered":
        err.print(f"[yellow]not all is logged[/] {found.says}", soft_wrap=True)
    return found


@app.command()
def collect(as_json: JsonFlag = False) -> None:
    """Take what people asked the server directly (psql, Power BI, Python) into the log.

    From the server's own log, without any value; what was read is remembered. Raw logs
    older than 30 days are deleted. `edp up` does so every minute.
    """
    home = open_home()
    found = _collect(home)
    if as_json:
        told = {
            "source": found.source,
            "events": found.events,
            "deleted": [*found.deleted],
            "open_to_others": [*found.open_to_others],
        }
        print(json.dumps(told))
    elif found.source != "brokered":
        out.print(
            f"{found.events} events added; {len(found.deleted)} raw logs deleted."
        )
    if found.open_to_others:
        raise typer.Exit(1)


@app.command()
def verify(
    anchor: Annotated[
        str | None,
        typer.Option(
            help="One more head noted outside, ROWS:HASH; the log must pass through it."
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Walk the chain against every head that was noted: whole, or told where not.

    A line edited, removed or moved is found; lines taken off the end are found from the
    heads in EDP_AUDIT_ANCHORS. What people asked directly is taken in first. The exit
    status is 0 only where nothing is wrong.
    """
    from edp_platform.auditing.anchors import anchors, anchors_folder
    from edp_platform.auditing.anchors import verify as walk

    noted = []
    if anchor is not None:
        rows, _, head = anchor.partition(":")
        if not rows.isdigit() or len(head) != 64:
            fail("--anchor: write ROWS:HASH as edp audit head gives it.", 2)
        noted = [(int(rows), head)]
    home = open_home()
    # A broken log is told before anything is added to it.
    found = walk(home, *noted)
    if found.is_whole:
        _collect(home)
        found = walk(home, *noted)
    known = len(anchors(home)[0])
    if as_json:
        told = {
            "rows": found.rows,
            "head": found.head,
            "faults": [*found.faults],
            "anchors": known,
            "is_whole": found.is_whole,
        }
        print(json.dumps(told))
    elif found.is_whole:
        out.print(
            f"whole: {found.rows} events, {known} noted heads, head {found.head}",
            soft_wrap=True,
        )
        if not known:
            err.print(
                f"No head is noted in {anchors_folder(home)}, so an end that was cut "
                "off is not seen. Note one each day: edp audit anchor.",
                soft_wrap=True,
            )
    if not found.is_whole:
        if not as_json:
            fail("the log is not whole: " + "; ".join(found.faults))
        raise typer.Exit(1)


@app.command()
def anchor() -> None:
    """Note the head outside the log, in EDP_AUDIT_ANCHORS; `edp up` does so daily.

    Put that folder on other storage, which whoever may write to the log may not.
    """
    from edp_platform.auditing.anchors import anchor as note

    path = note(open_home(), datetime.now().astimezone())
    if path is None:
        fail("the log is empty, so there is no head to note.")
    out.print(f"noted in {path}", soft_wrap=True, markup=False)


@app.command()
def head() -> None:
    """Print ROWS:HASH of the last event."""
    from edp_platform.governance.audit import AuditLog

    rows, last = AuditLog(open_home()).head()
    print(f"{rows}:{last}")


@app.command()
def report(
    from_day: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day, YYYY-MM-DD."),
    ] = None,
    to_day: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, YYYY-MM-DD."),
    ] = None,
    who: Annotated[
        str | None, typer.Option("--person", help="Who did it: an id of people.")
    ] = None,
    what: Annotated[
        str | None, typer.Option("--object", help="A mart, a column, a store.")
    ] = None,
    operation: Annotated[
        str | None,
        typer.Option(
            help="collection, alteration, consultation, disclosure, combination or "
            "erasure."
        ),
    ] = None,
    as_person: AsPersonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Tell who looked at what, when, why, and what was refused.

    Only for the purposes of s.62(4): Information Rights, the data protection officer,
    Information Assurance and professional standards may; the report is itself logged.
    """
    from edp_platform.auditing.reading import PURPOSE, READERS, Asked
    from edp_platform.auditing.reading import report as read
    from edp_platform.governance.audit import Operation

    if operation is not None and operation not in get_args(Operation):
        fail(
            f"There is no operation {operation}; there are "
            f"{', '.join(get_args(Operation))}.",
            2,
        )
    home = open_home()
    asked = Asked(_day(from_day), _day(to_day), who, what, operation)
    reader = allowed(home, as_person, READERS, "read the log", PURPOSE)
    _collect(home)
    rows = [*read(home, asked)]
    _log_reading(home, reader, asked.words, PURPOSE, len(rows))
    _show(rows, as_json)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _log_reading(home: Home, reader: str, what: str, purpose: str, count: int) -> None:
    """Log that the log was read, before it is shown."""
    from edp_platform.governance.audit import AuditLog, Event

    event = Event("consultation", reader, purpose, what, "audit log", row_count=count)
    AuditLog(home).record(event, datetime.now().astimezone())


@app.command()
def person(
    nominal_id: Annotated[str, typer.Argument(metavar="PERSON", help="Nominal id.")],
    as_person: AsPersonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """List what was done with one person's data: who, when, why. No values."""
    from edp_platform.auditing.reading import PURPOSE, READERS
    from edp_platform.governance.audit import AuditLog
    from edp_platform.governance.subject_keys import SubjectKey

    home = open_home()
    reader = allowed(home, as_person, READERS, "read the log of one person", PURPOSE)
    subject = SubjectKey(home, "audit").of(nominal_id)
    rows = [row for row in AuditLog(home).rows() if subject in row["subjects_hash"]]
    _log_reading(home, reader, "what was done with one person", PURPOSE, len(rows))
    _show(rows, as_json)


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        counted = "" if row["row_count"] is None else f", {row['row_count']:,} rows"
        out.print(
            f"{row['at_utc']} {row['op']} by {row['actor']} for {row['purpose_id']}: "
            f"{row['object']}{counted} ({row['outcome']})",
            soft_wrap=True,
            markup=False,
        )
    if not rows:
        out.print("nothing is on the log")


@app.command()
def prune(
    reason: Annotated[str, typer.Option(help="Why, in words; it is logged for good.")],
    before: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Seal events before this day. Default: those the schedule lets go.",
        ),
    ] = None,
    destroy: Annotated[
        bool, typer.Option("--destroy", help="Destroy sealed files that are due.")
    ] = False,
    as_person: AsPersonOption = None,
) -> None:
    """Seal the oldest part of the log; with --destroy, destroy what the schedule lets go.

    A sealed part is a file nobody writes to any more, and stays in the chain. It is
    destroyed only when its last event is older than the rule AUDIT-LOG of the retention
    schedule keeps it, a confirmed one; the log says by whom and why, and goes on from
    the head that part ended with.
    """
    from edp_platform.auditing.retention import KEEPERS, destroy_before
    from edp_platform.auditing.retention import prune as cut
    from edp_platform.governance.registers import Registers

    home = open_home()
    actor = allowed(home, as_person, KEEPERS, "prune the log", "P-RRD")
    now, registers = datetime.now().astimezone(), Registers(home.made_on)
    day = _day(before) or destroy_before(registers, now.date())
    pruned = cut(home, registers, actor, reason, before=day, destroys=destroy, now=now)
    if pruned.sealed is not None:
        out.print(f"sealed {pruned.sealed}", soft_wrap=True, markup=False)
    else:
        out.print(f"no open event is older than {day}")
    for path in pruned.destroyed:
        out.print(f"destroyed {path}", soft_wrap=True, markup=False)
