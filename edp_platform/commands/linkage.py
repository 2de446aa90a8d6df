"""`edp linkage`: which nominal records are one person, and who decided."""

from __future__ import annotations

import json
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from edp_platform.commands.acting import (
    AsPersonOption,
    PurposeOption,
    ReasonOption,
    allowed,
    log_refusal,
)
from edp_platform.commands.console import (
    JsonFlag,
    WaitOption,
    err,
    fail,
    open_home,
    open_session,
    out,
)

if TYPE_CHECKING:
    from edp_platform.analysis.linkage.store import LinkageStore
    from edp_platform.datasets import DataSet
    from edp_platform.governance.registers import Registers
    from edp_platform.home import Home

app = typer.Typer(
    help="Find the nominal records that are about one person; decide the doubtful ones.",
    epilog=(
        "Start here:  edp linkage run   then edp linkage show   then edp linkage review "
        "--as-person ID --purpose P-LINKAGE --reason TEXT"
    ),
    no_args_is_help=True,
)

#: The folder of the use case, where its model stands.
USE_CASE = "record_linkage"
_LOOK = "look at pairs of nominals"


class Answer(StrEnum):
    """What a person says of a pair."""

    same = "same"
    different = "different"
    withdrawn = "withdrawn"


@app.command()
def run(
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Score again what stands unchanged.")
    ] = False,
    wait: WaitOption = 600,
    as_json: JsonFlag = False,
) -> None:
    """Score the pairs, make persons of them, and queue what a person must decide.

    Pairs are scored again only when the nominals or the model changed; decisions count
    at every run. Recorded in Dagster, with precision and recall as checks.
    """
    from edp_platform.orchestration.report import Request, run_and_report

    session = open_session()
    keys = session.select([f"group:{USE_CASE}"])
    request = Request(keys, rebuild=rebuild)
    raise typer.Exit(0 if run_and_report(session, request, wait, as_json) else 1)


@app.command()
def show(as_json: JsonFlag = False) -> None:
    """Show the model, what the last run came to, and how good it was. No row is shown."""
    _, _, store, data_set = _opened()
    told = _told(store, data_set)
    if as_json:
        print(json.dumps(told, default=str))
        return
    table = Table(show_header=False, box=None)
    for name, value in told["figures"].items():
        table.add_row(name, _figure(value))
    out.print(f"[bold]{escape(told['title'])}[/] {told['version']}", highlight=False)
    out.print(table)
    if told["groups"]:
        groups = Table("group", "true pairs", "precision", "recall")
        for column, figures in told["groups"].items():
            for group, one in figures.items():
                groups.add_row(
                    f"{column}: {escape(group)}",
                    f"{one['pairs_true']:,}",
                    _share(one["precision"]),
                    _share(one["recall"]),
                )
        out.print(groups)
    if told["figures"]["waiting for a person"]:
        out.print("Next: edp linkage review --as-person ID --purpose … --reason TEXT")


@app.command()
def review(
    purpose: PurposeOption,
    reason: ReasonOption,
    as_person: AsPersonOption = None,
    pair: Annotated[
        str | None, typer.Option("--pair", help="One pair, decided or not.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most pairs to show.")] = 10,
    as_json: JsonFlag = False,
) -> None:
    """Show doubtful pairs side by side, the likeliest first, to one who may see them.

    Shows values of people's records, so it asks who you are and what for, refuses
    everybody else, and logs what was shown (DPA 2018 s.62) before showing it.
    """
    from edp_platform.analysis.linkage.review import review_pairs
    from edp_platform.governance.acting import require_purpose
    from edp_platform.governance.audit import AuditLog, Event

    home, registers, store, data_set = _opened()
    actor = _clerk(home, store, as_person, _LOOK)
    if require_purpose(registers, purpose) != store.model.purpose:
        log_refusal(home, actor, _LOOK, purpose)
        fail(
            f"Pairs are looked at for {store.model.purpose} alone, not for {purpose}: "
            "that is what the DPIA of the nominals covers."
        )
    pairs = review_pairs(store, data_set.contract, pair=pair, limit=limit)
    if not pairs:
        out.print("[]" if as_json else "No pair waits for a decision.")
        return
    AuditLog(home).record(
        Event(
            operation="consultation",
            actor=actor,
            purpose_id=purpose,
            justification=reason,
            object="linkage/review_queue",
            columns=store.model.columns,
            row_count=2 * len(pairs),
            subjects=sorted({one for each in pairs for one in each.nominal_ids}),
            dpia_ref=data_set.contract.dpia_ref,
        ),
        datetime.now().astimezone(),
    )
    if as_json:
        print(json.dumps([each.as_dict() for each in pairs], default=str))
        return
    for each in pairs:
        table = Table("", *each.nominal_ids, "agreement")
        for column, left, right, agreement in each.rows:
            table.add_row(column, escape(left), escape(right), agreement)
        out.print(
            f"[bold]pair {each.pair}[/]  probability {_share(each.probability)}, "
            f"{escape(each.reason)}",
            highlight=False,
        )
        out.print(table)
    err.print(
        "Decide: edp linkage decide PAIR same|different --reason TEXT", highlight=False
    )


@app.command()
def decide(
    pair: Annotated[str, typer.Argument(help="The pair, as edp linkage review says.")],
    answer: Annotated[
        Answer, typer.Argument(help="withdrawn: the score counts again.")
    ],
    reason: ReasonOption,
    as_person: AsPersonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Record that two nominals are one person, or are not. It overrides the score.

    Decisions are only ever added; a later one takes the place of an earlier one. No
    nominal is changed. The persons follow at the next edp linkage run.
    """
    from dataclasses import asdict

    from edp_platform.analysis.linkage.review import decide_pair
    from edp_platform.governance.audit import AuditLog, Event

    home, _, store, data_set = _opened()
    actor = _clerk(home, store, as_person, "decide about pairs of nominals")
    now = datetime.now().astimezone()

    def logged(subjects: tuple[str, str]) -> None:
        AuditLog(home).record(
            Event(
                operation="combination" if answer is Answer.same else "alteration",
                actor=actor,
                purpose_id=store.model.purpose,
                justification=reason,
                object=f"linkage/decisions/{pair}: {answer.value}",
                row_count=1,
                subjects=subjects,
                dpia_ref=data_set.contract.dpia_ref,
            ),
            now,
        )

    decision = decide_pair(
        store,
        pair,
        answer.value,
        by=actor,
        at=now.isoformat(),
        why=reason,
        log=logged,
    )
    if as_json:
        print(json.dumps(asdict(decision)))
        return
    out.print(
        f"{decision.pair}: {decision.answer}, by {decision.by}. Next: edp linkage run",
        highlight=False,
    )


def _opened() -> tuple[Home, Registers, LinkageStore, DataSet]:
    """Open the room behind the gate: nobody looks at what may not be used today."""
    from edp_platform.analysis.linkage.model import load_linkage_model
    from edp_platform.analysis.linkage.store import LinkageStore
    from edp_platform.datasets import DataSets, defs_root
    from edp_platform.governance.refusal import GateRefused
    from edp_platform.governance.registers import Registers
    from edp_platform.use_cases import load_use_case

    home = open_home()
    path = defs_root() / USE_CASE / "linkage_model.yaml"
    model = load_linkage_model(path, home.made_on)
    data_set = DataSets.load(home).by_name.get(model.data_set)
    if data_set is None:
        fail(
            f"The data set {model.data_set} is set aside or not there, so nothing of it "
            "may be looked at. See: edp status"
        )
    registers, today = Registers(home.made_on), date.today()
    use_case = load_use_case(defs_root() / USE_CASE, home, registers)
    refusals = [
        *use_case.refusals(today, "clerical_review_queue"),
        *data_set.refusals("mart", today, purposes=[model.purpose], use_case=USE_CASE),
    ]
    if refusals:
        raise GateRefused(data_set.name, refusals)
    return home, registers, LinkageStore(home, model), data_set


def _clerk(home: Home, store: LinkageStore, stated: str | None, what: str) -> str:
    """Return who acts, where their role may review pairs; log it where it may not."""
    return allowed(
        home, stated, store.model.clerical_review.roles, what, store.model.purpose
    )


def _told(store: LinkageStore, data_set: DataSet) -> dict[str, Any]:
    from edp_platform.analysis.linkage.store import as_told

    run_told = store.last_run()
    clusters = store.clusters()
    measured = store.measured(clusters)
    groups = store.measured_by_group(data_set.contract, clusters)
    decisions = store.decisions.all()
    return {
        "title": store.model.title,
        "version": run_told.model_version,
        "figures": {
            "nominals": clusters.height,
            "persons": clusters["person_id"].n_unique(),
            "pairs compared": run_told.compared,
            "pairs matched": run_told.matches,
            "waiting for a person": store.queue().height,
            "decisions on record": decisions.height,
            "threshold of a match": store.model.thresholds.match,
            "threshold of review": store.model.thresholds.review,
            "weights": "trained" if run_told.trained else "start values",
            "up to date": run_told.made_from == store.made_from(data_set.contract),
            **as_told(measured),
        },
        "groups": {
            column: {group: as_told(one) for group, one in figures.items()}
            for column, figures in groups.items()
        },
    }


def _figure(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
