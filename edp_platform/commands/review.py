"""`edp review`: the evidence on a sprint, and commercial services' decision on it."""

from __future__ import annotations

import json
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from edp_platform.commands.console import (
    JsonFlag,
    err,
    fail,
    open_home,
    open_session,
    out,
)
from edp_platform.commands.records import add_record_commands

app = typer.Typer(
    help="Review a supplier's sprint on what really happened, before the next one.",
    no_args_is_help=True,
)
add_record_commands(app, "review", shows=False)  # `show` is the evidence

UseCaseArgument = Annotated[str, typer.Argument(help="The use case's folder.")]
SprintOption = Annotated[int, typer.Option("--sprint", help="The sprint's number.")]


class Decision(StrEnum):
    """What commercial services decide."""

    go_on = "continue"
    stop = "stop"
    remediate = "remediate"


@app.command()
def pack(
    use_case: UseCaseArgument,
    sprint: SprintOption,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="A folder to write a copy into."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make the evidence pack of a sprint: JSON, and a page with a table to each chart.

    Counted from Dagster's record, receipts, registers and version control: assets made,
    checks over time, freshness against the contracts' promises, run time and cost, plan
    against actual, DPIAs, equality, quarantine. What is not on record is listed. Each
    pack is kept under EDP_HOME/review_packs by its SHA-256, which the decision names.
    """
    from edp_platform.governance.records.base import RecordInvalid
    from edp_platform.governance.review_pack.keeping import keep, write
    from edp_platform.governance.review_pack.pack import build_pack, headline
    from edp_platform.orchestration.reviewing import NothingToReview, gather

    session = open_session()
    try:
        made = build_pack(gather(session, use_case, sprint, date.today()))
    except (NothingToReview, RecordInvalid) as error:
        fail(str(error))
    kept = keep(session.home, made)
    files = [kept.folder / "pack.json", kept.folder / "index.html"]
    if to is not None:
        files = write(to, made)
    if as_json:
        told = {"files": [str(one) for one in files], "sha256": kept.sha256, **made}
        print(json.dumps(told))
        return
    for line in headline(made):
        out.print(escape(line), soft_wrap=True, highlight=False)
    for line in made["not_found"]:
        out.print(f"  [yellow]not found[/] {escape(line)}", soft_wrap=True)
    for path in files:
        out.print(escape(str(path)), soft_wrap=True, highlight=False)
    out.print(f"SHA-256 {kept.sha256}", soft_wrap=True, highlight=False)
    decision = made["decision"]
    record = made["next"]["record"]
    if decision is not None:
        out.print(
            f"Decided already: {decision['decision']} ({escape(record)}).",
            soft_wrap=True,
            highlight=False,
        )
    elif made["sprint"]["supplier"] is None:
        out.print("No supplier in this sprint, so no decision is asked for.")
    else:
        out.print(
            f"Next: commercial services decide, in {escape(record)}:\n"
            f"  edp review decide {use_case} --sprint {sprint} --decision continue …",
            soft_wrap=True,
            highlight=False,
        )


@app.command("list")
def list_reviews(as_json: JsonFlag = False) -> None:
    """List every sprint: supplier, days, packs made, the decision.

    The exit status is 1 where a use case or its record cannot be read.
    """
    told = _sprints()
    faults = [one["fault"] for one in told if one["fault"]]
    if as_json:
        print(json.dumps(told))
        raise typer.Exit(1 if faults else 0)
    table = Table("use case", "sprint", "supplier", "ends", "packs", "decision")
    for one in told:
        table.add_row(
            one["use_case"],
            str(one["sprint"]),
            one["supplier"] or "none",
            one["ends"],
            str(len(one["packs"])),
            one["decision"] or ("awaited" if one["awaits"] else "-"),
        )
    out.print(table)
    for fault in faults:
        err.print(f"[red]not read[/] {escape(fault)}", soft_wrap=True)
    if faults:
        raise typer.Exit(1)


@app.command()
def show(
    use_case: UseCaseArgument, sprint: SprintOption, as_json: JsonFlag = False
) -> None:
    """Show the newest pack of a sprint in short, and what was decided on it."""
    from edp_platform.governance.registers import Registers
    from edp_platform.governance.review_pack.decisions import review_of
    from edp_platform.governance.review_pack.keeping import latest
    from edp_platform.governance.review_pack.pack import headline

    home = open_home()
    found = latest(home, use_case, sprint)
    if found is None:
        fail(
            f"No pack of sprint {sprint} of {use_case} was made yet: "
            f"edp review pack {use_case} --sprint {sprint}"
        )
    review = review_of(Registers(home.made_on), use_case, sprint)
    if as_json:
        told: dict[str, Any] = {
            "folder": str(found.folder),
            "sha256": found.sha256,
            "is_whole": found.is_whole,
            "pack": found.pack,
            "decision": review.model_dump(mode="json") if review else None,
        }
        print(json.dumps(told))
    else:
        out.print(
            f"{escape(found.pack['title'])}, sprint {sprint}: pack of "
            f"{found.pack['made_on']}",
            highlight=False,
        )
        for line in headline(found.pack):
            out.print(f"  {escape(line)}", soft_wrap=True, highlight=False)
        out.print(escape(str(found.folder / "index.html")), soft_wrap=True)
        out.print(f"SHA-256 {found.sha256}", soft_wrap=True, highlight=False)
        if review is None:
            out.print("No decision is on record.")
        else:
            out.print(
                f"{review.id}: {review.decision}, {review.on}, by {review.reviewer}: "
                f"{escape(review.reason)}",
                soft_wrap=True,
                highlight=False,
            )
    if not found.is_whole:
        fail(
            f"{found.folder}/pack.json was changed after it was made; no decision can "
            "rest on it. Make the pack again."
        )


@app.command()
def decide(
    use_case: UseCaseArgument,
    sprint: SprintOption,
    decision: Annotated[Decision, typer.Option(help="What is decided.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    reviewer: Annotated[
        str, typer.Option(help="Who decides: a person of commercial services.")
    ],
    quality: Annotated[str, typer.Option(help="How good it is, on what evidence.")],
    value_for_money: Annotated[
        str, typer.Option(help="What it cost for what it gave.")
    ],
    learning_shared: Annotated[
        str, typer.Option(help="What the force can now do itself.")
    ],
    delivered: Annotated[
        list[str] | None, typer.Option(help="A deliverable delivered; repeat.")
    ] = None,
    not_delivered: Annotated[
        list[str] | None, typer.Option(help="A deliverable not delivered; repeat.")
    ] = None,
) -> None:
    """Record commercial services' decision on the newest pack of a sprint.

    Writes a supplier review into the registers, and the pack it rests on beside it; both
    then go through the registers' own review (a pull request). Without `continue` the
    supplier's next sprint cannot run.
    """
    from edp_platform.governance.records.base import RecordInvalid
    from edp_platform.governance.registers import Registers
    from edp_platform.governance.review_pack.deciding import (
        DecisionRefused,
        Judgement,
    )
    from edp_platform.governance.review_pack.deciding import decide as record_decision
    from edp_platform.governance.review_pack.keeping import latest
    from edp_platform.use_cases import UseCases

    home = open_home()
    found = latest(home, use_case, sprint)
    if found is None:
        fail(
            f"No pack of sprint {sprint} of {use_case} was made yet, and a decision "
            f"rests on one: edp review pack {use_case} --sprint {sprint}"
        )
    registers = Registers(home.made_on)
    folder = UseCases.load(home, registers=registers).by_name.get(use_case)
    if folder is None:
        fail(
            f"The use case {use_case} cannot be read today, and a decision is held "
            "against its sprints: edp review list says why."
        )
    try:
        target = record_decision(
            registers,
            folder.record,
            found,
            Judgement(
                decision=decision.value,
                reason=reason,
                reviewer=reviewer,
                quality=quality,
                value_for_money=value_for_money,
                learning_shared=learning_shared,
                delivered=tuple(delivered or ()),
                not_delivered=tuple(not_delivered or ()),
            ),
            date.today(),
        )
    except (DecisionRefused, RecordInvalid) as error:
        fail(str(error))
    out.print(
        f"{decision.value}: written to {escape(str(target))}, its evidence to "
        f"{escape(str(registers.decided_packs.path(found.sha256)))}. Next: have both "
        "merged in the registers.",
        soft_wrap=True,
        highlight=False,
    )


def _sprints() -> list[dict[str, Any]]:
    """Return a line for each sprint of each use case, and for each unreadable record."""
    from edp_platform.governance.records.base import RecordInvalid
    from edp_platform.governance.registers import Registers
    from edp_platform.governance.review_pack.decisions import review_of
    from edp_platform.governance.review_pack.keeping import kept
    from edp_platform.use_cases import UseCases

    home = open_home()
    registers = Registers(home.made_on)
    packs = kept(home)
    told: list[dict[str, Any]] = []
    use_cases = UseCases.load(home, registers=registers)
    for fault in use_cases.set_aside:
        told.append(_line(fault.name, 0, None, "", [], None, False, fault.error))
    for name, folder in sorted(use_cases.by_name.items()):
        try:
            sprints = folder.record.sprints
        except RecordInvalid as error:
            told.append(_line(name, 0, None, "", [], None, False, str(error)))
            continue
        for one in sprints:
            review = review_of(registers, name, one.number)
            own = [
                str(each.folder)
                for each in packs
                if each.pack["use_case"] == name
                and each.pack["sprint"]["number"] == one.number
            ]
            over = one.over_on <= date.today()
            awaits = one.supplier is not None and over and review is None
            told.append(
                _line(
                    name,
                    one.number,
                    one.supplier,
                    one.ends.isoformat(),
                    own,
                    review.decision if review else None,
                    awaits,
                    None,
                )
            )
    return told


def _line(
    use_case: str,
    sprint: int,
    supplier: str | None,
    ends: str,
    packs: list[str],
    decision: str | None,
    awaits: bool,
    fault: str | None,
) -> dict[str, Any]:
    return {
        "use_case": use_case,
        "sprint": sprint,
        "supplier": supplier,
        "ends": ends,
        "packs": packs,
        "decision": decision,
        "awaits": awaits,
        "fault": fault,
    }
