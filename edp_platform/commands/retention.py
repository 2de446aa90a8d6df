"""`edp retention`: what is due of whom, what people decide, and disposal."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from edp_platform.commands.acting import (
    AsPersonOption,
    PeopleArgument,
    PersonArgument,
    ReasonOption,
    YesOption,
    allowed,
)
from edp_platform.commands.console import (
    JsonFlag,
    WaitOption,
    doing,
    err,
    fail,
    open_home,
    open_session,
    out,
)

app = typer.Typer(
    help="Review, retention and disposal of what is held about persons.",
    epilog=(
        "Each month:  edp retention review   then edp retention due --list   then "
        "edp retention decide   then, by somebody else, edp retention dispose"
    ),
    no_args_is_help=True,
)

#: Who may look at the list and decide; who may carry out what another decided.
_DECIDE = frozenset({"records_management"})
_LOOK = _DECIDE | {"information_asset_owner", "information_rights"}
_CARRY_OUT = _DECIDE | {"information_asset_owner", "senior_information_risk_owner"}
_PURPOSE = "P-RRD"


@app.command()
def review(as_json: JsonFlag = False) -> None:
    """Work out what is due of everybody, and keep the list. Tells numbers, no names."""
    from edp_platform.governance.registers import Registers
    from edp_platform.retention.reviewing import counted, keep_list, review_now

    home, today = open_home(), date.today()
    with err.status("reviewing"):
        reviewed = review_now(home, Registers(home.made_on), today)
        keep_list(home, reviewed)
    _show_counts(counted(reviewed, today), as_json)


@app.command()
def due(
    list_: Annotated[
        bool, typer.Option("--list", help="Name the persons; logged, by role.")
    ] = False,
    exceptions: Annotated[
        bool, typer.Option("--exceptions", help="List the exceptions instead.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="End with 1 when somebody is overdue by a month."),
    ] = False,
    as_person: AsPersonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show who is due for review or disposal today: in numbers, or by name."""
    from edp_platform.governance.registers import Registers
    from edp_platform.retention.reviewing import counted, review_now

    home, today = open_home(), date.today()
    registers = Registers(home.made_on)
    with err.status("reviewing"):
        reviewed = review_now(home, registers, today)
    told = counted(reviewed, today)
    if list_ or exceptions:
        _list_due(home, registers, reviewed, exceptions, as_person, as_json)
    else:
        _show_counts(told, as_json)
    if check and told["overdue"]:
        raise typer.Exit(1)


def _list_due(
    home: Any,
    registers: Any,
    reviewed: Any,
    exceptions: bool,
    as_person: str | None,
    as_json: bool,
) -> None:
    import polars as pl

    from edp_platform.governance.audit import AuditLog, Event
    from edp_platform.retention.decisions import Decisions

    actor = allowed(home, as_person, _LOOK, "see who is due for disposal", _PURPOSE)
    wanted = ["exception"] if exceptions else ["review_due", "disposal_due"]
    chosen = reviewed.filter(pl.col("state").is_in(wanted))
    members = chosen.explode("nominal_ids").rename({"nominal_ids": "nominal_id"})
    decided = {
        row["nominal_id"]: f"{row['decision']} by {row['by']} on {row['on']}"
        for row in Decisions(home).decided(members["nominal_id"]).iter_rows(named=True)
    }
    rows = [
        {
            **row,
            "decision": next(filter(None, map(decided.get, row["nominal_ids"])), None),
        }
        for row in chosen.iter_rows(named=True)
    ]
    # Logged before anybody is named.
    AuditLog(home).record(
        Event(
            operation="consultation",
            actor=actor,
            purpose_id=_PURPOSE,
            justification="who is due for review or disposal",
            object="review list",
            row_count=len(rows),
            subjects=members["nominal_id"].to_list(),
        ),
        datetime.now().astimezone(),
    )
    if as_json:
        print(json.dumps(rows, default=str))
        return
    table = Table("person", "records", "rule", "group", "state", "since", "decision")
    for row in rows:
        since = (
            row["disposal_on"] if row["state"] == "disposal_due" else row["review_on"]
        )
        table.add_row(
            escape(row["person_id"]),
            str(len(row["nominal_ids"])),
            row["rule"] or "",
            str(row["mopi_group"] or ""),
            ", ".join(row["exceptions"]) or row["state"],
            str(since or ""),
            row["decision"] or "",
        )
    out.print(table)


def _show_counts(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(told))
        return
    table = Table("rule", "retained", "review due", "disposal due", "exception")
    for rule, states in told["by_rule"].items():
        counts = (
            states.get(state, 0)
            for state in ("retained", "review_due", "disposal_due", "exception")
        )
        table.add_row(rule, *(f"{count:,}" for count in counts))
    out.print(table)
    for reason, count in told["exceptions"].items():
        out.print(f"  exception: {reason.replace('_', ' ')}: {count:,}")
    out.print(
        f"{told['persons']:,} persons; {told['overdue']:,} overdue by more than a month. "
        "Next: edp retention due --list"
    )


@app.command()
def decide(
    people: PeopleArgument,
    reason: ReasonOption,
    dispose: Annotated[
        bool, typer.Option("--dispose", help="Decide to dispose.")
    ] = False,
    retain: Annotated[
        bool, typer.Option("--retain", help="Decide to retain until the next review.")
    ] = False,
    nrac: Annotated[
        list[str] | None,
        typer.Option(
            "--nrac",
            help="A retention criterion answered yes: serious-harm, vulnerable, trust, "
            "links, substances or mental-state. May be given again.",
        ),
    ] = None,
    as_person: AsPersonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Record a decision on persons who are due. It deletes nothing.

    To retain needs a criterion of the National Retention Assessment and a reason; to
    dispose is refused for whoever is an exception. Another person carries it out.
    """
    import polars as pl

    from edp_platform.governance.audit import AuditLog, Event
    from edp_platform.governance.registers import Registers
    from edp_platform.retention.decisions import Decisions
    from edp_platform.retention.disposal import DisposalRefused, refusals_to_dispose
    from edp_platform.retention.reviewing import review_now

    if dispose == retain:
        fail("say either --dispose or --retain.", 2)
    home, now = open_home(), datetime.now().astimezone()
    registers = Registers(home.made_on)
    actor = allowed(home, as_person, _DECIDE, "decide on retention", _PURPOSE)
    with err.status("reviewing"):
        reviewed = review_now(home, registers, now.date())
    asked = reviewed.filter(
        pl.col("nominal_ids").list.eval(pl.element().is_in(people)).list.any()
    )
    found = {one for ids in asked["nominal_ids"].to_list() for one in ids}
    unknown = sorted(set(people) - found)
    if unknown:
        fail(
            f"{len(unknown)} of these are no person of the review: nothing was decided. "
            "Check the ids; a person under a restriction is not reviewed."
        )
    refusals = refusals_to_dispose(asked) if dispose else ()
    log = AuditLog(home)
    word = "dispose" if dispose else "retain"
    event = Event(
        operation="alteration",
        actor=actor,
        purpose_id=_PURPOSE,
        justification=reason,
        object=f"decision to {word}",
        row_count=asked.height,
        subjects=sorted(found),
        outcome=f"refused: {refusals[0].rule}" if refusals else "done",
    )
    if refusals:
        log.record(event, now)
        raise DisposalRefused(refusals)
    made = []
    for row in asked.iter_rows(named=True):
        made.append(
            Decisions(home).add(
                row["nominal_ids"],
                "dispose" if dispose else "retain",
                by=actor,
                reason=reason,
                nrac=nrac or [],
                rule=row["rule"],
                state=row["state"],
                today=now.date(),
            )
        )
    log.record(event, now)
    if as_json:
        print(json.dumps([{"id": one.id, "decision": one.decision} for one in made]))
        return
    out.print(
        f"{len(made)} decided: {word}."
        + (" Next, by somebody else: edp retention dispose" if dispose else "")
    )


@app.command()
def dispose(
    people: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PERSON...]", help="Only these. Default: all decided."),
    ] = None,
    reason: ReasonOption = "monthly disposal",
    yes: YesOption = False,
    as_person: AsPersonOption = None,
    wait: WaitOption = 600,
    as_json: JsonFlag = False,
) -> None:
    """Remove from every store whom somebody else decided to dispose of.

    Without --yes it shows what would go, by store. With it: landed files are rewritten
    under a new hash, lake, quarantine, warehouse and published copies are cleaned, every
    store is searched, a tombstone keeps them from coming back, and a certificate is
    written. A disposal that was killed is taken up again first.
    """
    from edp_platform.governance.registers import Registers
    from edp_platform.retention.disposal import (
        begin,
        chosen_for_disposal,
        preview,
        refusals_to_dispose,
        unfinished,
    )
    from edp_platform.retention.reviewing import review_now

    session = open_session()
    home, now = session.home, datetime.now().astimezone()
    registers = Registers(home.made_on)
    actor = allowed(home, as_person, _CARRY_OUT, "carry out disposals", _PURPOSE)
    certificates: list[Path] = []
    pending = unfinished(home)
    if pending and not yes:
        err.print(
            f"{len(pending)} disposals were begun and not finished; --yes takes them up."
        )
    for working in pending if yes else ():
        certificates.append(_carry_out(session, working, wait, as_json))
    with err.status("reviewing"):
        reviewed = review_now(home, registers, now.date())
    chosen = chosen_for_disposal(home, reviewed, people or [])
    let_go: list[Any] = []
    refused: list[Any] = []
    import polars as pl

    for one in chosen:
        row = reviewed.filter(pl.col("person_id") == one.person_id)
        refusals = refusals_to_dispose(row)
        (refused if refusals else let_go).append((one, refusals))
    for _, refusals in refused:
        for refusal in refusals:
            err.print(f"[red]refused[/] {escape(str(refusal))}", soft_wrap=True)
    unknown = set(people or []) - {i for one in chosen for i in one.nominal_ids}
    told: dict[str, Any] = {
        "persons": len(let_go),
        "refused": [str(each) for _, refusals in refused for each in refusals],
        "not_decided": len(unknown),
        "certificates": [],
        "would_remove": [],
    }
    if unknown:
        err.print(
            f"{len(unknown)} of these have no decision to dispose; they stay.",
            soft_wrap=True,
        )
    going = [one for one, _ in let_go]
    if not yes:
        with err.status("searching every store"):
            found = preview(home, session.data_sets, going) if going else []
        told["would_remove"] = [
            {"store": store, "place": place, "rows": rows, "names_only": mentions}
            for store, place, rows, mentions in found
        ]
    elif going:
        working = begin(home, reviewed, going, by=actor, reason=reason, now=now)
        certificates.append(_carry_out(session, working, wait, as_json))
    told["certificates"] = [str(path) for path in certificates]
    _show_disposal(told, yes, as_json)
    if told["refused"] or unknown or any(not _is_rebuilt(one) for one in certificates):
        raise typer.Exit(1)


def _carry_out(session: Any, working: Any, wait: float, quiet: bool) -> Path:
    from edp_platform.retention.disposal import carry_out

    with doing(f"disposal {working.id}", quiet) as told:
        return carry_out(
            session.home,
            session.data_sets,
            working,
            datetime.now().astimezone(),
            rebuild=lambda: rebuild(session, wait, told),
            told=told,
        )


def rebuild(session: Any, wait: float, told: Callable[[str], None]) -> bool:
    """Build and publish again what rows that changed feed; say whether it could."""
    from edp_platform.orchestration.refusals import WaitedTooLong

    def step(what: str) -> None:
        word, _, name = what.partition(" ")
        if word == "start":
            told(f"building anew: {name}")

    told("building anew")
    due = session.due()
    if not due.keys:
        return True
    try:
        outcome = session.run(
            due.keys,
            wait,
            months=due.months,
            told=step,
            waiting=lambda why: told(f"waiting: {why}"),
        )
    except WaitedTooLong as error:
        err.print(escape(str(error)), soft_wrap=True)
        return False
    for step, why in outcome.failures:
        err.print(f"[red]failed[/] {step}: {escape(why)}", soft_wrap=True)
    return bool(outcome.succeeded)


def _is_rebuilt(certificate: Path) -> bool:
    told = json.loads(certificate.read_text(encoding="utf-8"))
    return bool(told["marts_rebuilt"])


def _show_disposal(told: dict[str, Any], yes: bool, as_json: bool) -> None:
    if as_json:
        print(json.dumps(told))
        return
    if yes:
        for path in told["certificates"]:
            out.print(f"disposed; certificate {path}", soft_wrap=True)
        if not told["certificates"]:
            out.print("Nobody to dispose of.")
        return
    if told["would_remove"]:
        table = Table("store", "place", "rows", "names only")
        for one in told["would_remove"]:
            table.add_row(
                one["store"], one["place"], str(one["rows"]), str(one["names_only"])
            )
        out.print(table)
    out.print(
        f"{told['persons']} persons would be removed; nothing was. Do it with --yes."
        if told["persons"]
        else "Nobody is decided on for disposal: edp retention decide PERSON --dispose"
    )


@app.command()
def hold(
    what: Annotated[str, typer.Argument(help="A nominal id, or a crime number.")],
    reason: ReasonOption,
    is_crime: Annotated[
        bool, typer.Option("--crime", help="It is a crime number.")
    ] = False,
    lift: Annotated[bool, typer.Option("--lift", help="Lift the hold.")] = False,
    as_person: AsPersonOption = None,
) -> None:
    """Set or lift a legal hold: what is held is never disposed of."""
    from edp_platform.governance.audit import AuditLog, Event
    from edp_platform.retention.decisions import Holds

    home, now = open_home(), datetime.now().astimezone()
    roles = _CARRY_OUT | {"information_rights"}
    actor = allowed(home, as_person, roles, "set a legal hold", _PURPOSE)
    AuditLog(home).record(
        Event(
            operation="alteration",
            actor=actor,
            purpose_id=_PURPOSE,
            justification=reason,
            object=f"legal hold{' lifted' if lift else ''}",
            subjects=[] if is_crime else [what],
        ),
        now,
    )
    Holds(home).set(what, is_crime, not lift, actor, reason, now)
    out.print("lifted" if lift else "held; nothing of it is disposed of until lifted")


@app.command()
def notice(
    person: PersonArgument,
    kind: Annotated[
        str,
        typer.Option(
            help="intelligence, risk_of_harm, information_request, dbs_request or "
            "subject_access_request."
        ),
    ],
    on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day. Default: today."),
    ] = None,
    reason: ReasonOption = "an event that no data set reports",
    as_person: AsPersonOption = None,
) -> None:
    """Note an event by which a person came to notice; the schedule says if it counts."""
    from edp_platform.governance.audit import AuditLog, Event
    from edp_platform.retention.decisions import Notices

    home, now = open_home(), datetime.now().astimezone()
    actor = allowed(home, as_person, _LOOK, "note an event", _PURPOSE)
    Notices(home).add(person, kind, on.date() if on else now.date(), actor, now)
    AuditLog(home).record(
        Event(
            operation="alteration",
            actor=actor,
            purpose_id=_PURPOSE,
            justification=reason,
            object=f"event noted: {kind}",
            subjects=[person],
        ),
        now,
    )
    out.print("noted")


@app.command()
def certificate(
    identity: Annotated[
        str | None, typer.Argument(help="Its id, D-…. Default: list them.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show a certificate of disposal, or list them. It names nobody."""
    folder = open_home().retention / "certificates"
    if identity is None:
        found = sorted(path.stem for path in folder.glob("*.json"))
        print(json.dumps(found) if as_json else "\n".join(found) or "none yet")
        return
    path = folder / f"{Path(identity).name}.json"
    if not path.exists():
        fail(
            f"there is no certificate {identity}; edp retention certificate lists them."
        )
    shown = path if as_json else path.with_suffix(".md")
    print(shown.read_text(encoding="utf-8"), end="")
