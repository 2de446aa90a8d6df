"""`edp evaluation`: did what was done change what it was to change?"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from edp_platform.commands.access import who_acts
from edp_platform.commands.acting import AsPersonOption
from edp_platform.commands.console import (
    JsonFlag,
    WaitOption,
    err,
    fail,
    open_home,
    open_session,
    out,
)
from edp_platform.commands.records import add_record_commands
from edp_platform.consoles import listing

if TYPE_CHECKING:
    from edp_platform.governance.records.evaluation import Evaluation
    from edp_platform.governance.refusal import Refusal
    from edp_platform.governance.registers import Register
    from edp_platform.home import Home

app = typer.Typer(
    help="Did what was done change what it was to change? Plans first, figures after.",
    epilog=(
        "Start here:  edp evaluation new EV-02   then answer its questions and have it "
        "approved, then edp evaluation run, then edp evaluation show EV-02"
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
)
add_record_commands(app, "evaluation", shows=False)

MART = "evaluation_results"
_SIGNS = {True: "[green]passed[/]", False: "[red]not passed[/]", None: "not known"}


@app.command(name="list")
def list_evaluations(as_json: JsonFlag = False) -> None:
    """List every evaluation: its dates, who registered and approved it, and how it stands.

    Exit status 1 while a record cannot be relied on.
    """
    from edp_platform.analysis.evaluation.registration import Looks, not_registered

    home = open_home()
    register = _register(home)
    looks = list(Looks(home.root))
    told = [
        {
            "id": one.id,
            "title": one.title,
            "use_case": one.use_case,
            "owner": one.owner,
            "activity": one.plan.activity.name,
            "starts": f"{one.plan.starts:%Y-%m}",
            "last": f"{one.plan.last:%Y-%m}",
            "crime_type": one.plan.outcome.crime_type,
            "environment": one.plan.outcome.environment,
            "registered_by": one.registration.by if one.registration else None,
            "registered_on": (
                one.registration.on.isoformat() if one.registration else None
            ),
            "approved_by": one.approval.by if one.approval else None,
            "fingerprint": one.plan_fingerprint,
            "not_registered": list(not_registered(one, looks)),
            "path": str(register.path(one.id)),
        }
        for one in register.values()
    ]
    if as_json:
        print(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        _show_list(told)
    for fault in register.faults:
        err.print(escape(fault), highlight=False, soft_wrap=True)
    if register.faults:
        raise typer.Exit(1)


def _show_list(told: list[dict[str, Any]]) -> None:
    table = listing("id", "evaluation", "from", "to", "registered", "plan")
    for one in told:
        registered = f"{one['registered_on']} by {one['registered_by']}"
        table.add_row(
            one["id"],
            escape(one["title"]),
            one["starts"],
            one["last"],
            registered if one["registered_on"] else "no",
            "; ".join(one["not_registered"]) or "stands as registered",
        )
    out.print(table)
    out.print(f"{len(told)} evaluations. See one: edp evaluation show ID")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="An evaluation's id.")],
    as_person: AsPersonOption = None,
    reason: Annotated[
        str,
        typer.Option(
            "--reason", help="Why, for the log. Default: what your grants are for."
        ),
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Show what an evaluation came to, in words, with every check and a chart.

    The figures are asked for on your own login and are on the log. Exit status 1 when
    the record's conclusion names a cause that was not shown (rule 41), or when its plan
    is another one than the figures were worked out of.
    """
    from edp_platform.analysis.evaluation.registration import Looks, not_registered
    from edp_platform.analysis.evaluation.showing import answer
    from edp_platform.analysis.evaluation.wording import causal_wording

    home = open_home()
    evaluation = _evaluation(home, name)
    rows = _rows(home, evaluation, as_person, reason, "json" if as_json else None)
    found = answer(rows)
    said = evaluation.conclusion
    refused: tuple[Refusal, ...] = ()
    if said is not None:
        refused = causal_wording(said.words, found["wording"] if found else None)
    plan = evaluation.plan_fingerprint
    is_stale = found is not None and found["plan_fingerprint"] != plan
    if as_json:
        told = {
            "id": evaluation.id,
            "title": evaluation.title,
            "question": evaluation.plan.question,
            "fingerprint": evaluation.plan_fingerprint,
            "not_registered": list(not_registered(evaluation, Looks(home.root))),
            "verdict": found["wording"] if found else None,
            "words": found["words"] if found else None,
            "is_stale": is_stale,
            "conclusion_refused": [str(one) for one in refused],
            "results": rows,
        }
        print(json.dumps(told, indent=1, ensure_ascii=False, default=str))
    else:
        _show(home, evaluation, rows, refused, is_stale)
    if refused or is_stale:
        raise typer.Exit(1)


@app.command()
def run(wait: WaitOption = 600, as_json: JsonFlag = False) -> None:
    """Work out every evaluation of the register, and put the look on record.

    Who works it out looks at the outcomes: a plan changed afterwards is known by its
    fingerprint, and never again shows a cause.
    """
    from edp_platform.orchestration.report import Request, run_and_report

    session = open_session()
    keys = session.with_downstream(session.select([MART]))
    request = Request(keys, months=session.supplied_months())
    raise typer.Exit(0 if run_and_report(session, request, wait, as_json) else 1)


def _register(home: Home) -> Register[Evaluation]:
    from edp_platform.governance.registers import Registers

    return Registers(home.made_on).evaluations


def _evaluation(home: Home, name: str) -> Evaluation:
    register = _register(home)
    if name in register:
        return register[name]
    faults = [one for one in register.faults if f"{name}.yaml" in one]
    there = ", ".join(register) or "none yet: edp evaluation new ID begins one"
    fail("\n".join(faults) or f"there is no evaluation {name}. There are {there}.", 2)


def _rows(
    home: Home,
    evaluation: Evaluation,
    as_person: str | None,
    reason: str,
    export: str | None,
) -> list[dict[str, Any]]:
    from edp_platform.publishing.query import QueryFailed, Question, ask
    from edp_platform.publishing.snapshot import NothingPublished, current

    try:
        if MART not in current(home).rows:
            fail(
                "The published copy holds no evaluations yet. Work them out: "
                "edp evaluation run."
            )
        quoted = evaluation.id.replace("'", "''")
        sql = f"select * from marts.{MART} where evaluation = '{quoted}'"
        person = who_acts(home, as_person)
        question = Question(sql, person, reason, None, export)
        found = ask(home, question, datetime.now().astimezone())
    except (NothingPublished, QueryFailed) as error:
        fail(str(error))
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def _show(
    home: Home,
    evaluation: Evaluation,
    rows: list[dict[str, Any]],
    refused: tuple[Refusal, ...],
    is_stale: bool,
) -> None:
    from edp_platform.analysis.evaluation.registration import Looks, not_registered
    from edp_platform.analysis.evaluation.showing import answer, besides, chart, checks

    def say(text: str) -> None:
        out.print(text, highlight=False, soft_wrap=True)

    say(f"[bold]{escape(evaluation.title)}[/] ({escape(evaluation.id)})")
    say(escape(evaluation.plan.question.strip()))
    say(f"Plan {evaluation.plan_fingerprint}, owned by {escape(evaluation.owner)}.")
    found = answer(rows)
    if found is None:
        say("Not worked out yet: edp evaluation run.")
        for why in not_registered(evaluation, Looks(home.root)):
            say(f"Not registered beforehand: {escape(why)}.")
        return
    say(f"\n[bold]{escape(found['wording'])}[/]: {escape(found['words'])}\n")
    if found["rate_ratio"] is not None:
        out.print(_estimates(rows))
    if found["pre_registered"] is not None:
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for check, passed, figures in checks(found):
            table.add_row(_SIGNS[passed], escape(check), escape(figures))
        out.print(table)
    if found["not_passed"]:
        say(f'Against the word "caused": {escape(found["not_passed"])}.')
    for line in chart(rows):
        out.print(line, highlight=False, markup=False, no_wrap=True, overflow="crop")
    for line in besides(rows):
        say(escape(line))
    if is_stale:
        say(
            "[bold red]The plan was changed[/] since these figures were worked out. "
            "Work them out again (edp evaluation run): as a plan made after the look."
        )
    if evaluation.conclusion is not None and not refused:
        said = evaluation.conclusion
        say(f"{escape(said.words)} ({escape(said.by)}, {said.on})")
    for one in refused:
        say(f"[bold red]refused[/] the conclusion on record: {escape(str(one))}")


def _estimates(rows: list[dict[str, Any]]) -> Table:
    table = listing()
    table.add_column("method")
    for head in ("rate ratio", "95 % interval", "p"):
        table.add_column(head, justify="right")
    table.add_column("said")
    for row in rows:
        if row["method"] == "event_study" or row["role"] == "exploratory":
            continue
        ratio = row["rate_ratio"]
        table.add_row(
            row["method"].replace("_", " "),
            f"{ratio:.2f}" if ratio is not None else "-",
            f"{row['lower']:.2f} to {row['upper']:.2f}" if ratio is not None else "",
            _p_value(row["p_value"]),
            row["wording"],
        )
    return table


def _p_value(value: float | None) -> str:
    if value is None:
        return ""
    return "below 0.001" if value < 0.001 else f"{value:.3f}"
