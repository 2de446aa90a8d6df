"""`edp dpia|eqia|use-case|supplier|problem|model`: new, show, diff and due, for each.

The commands of every register are the same, so that who knows one knows all. `review`
carries them too, beside `edp review pack`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.syntax import Syntax

from edp_platform.commands.console import JsonFlag, err, fail, open_home, out

_NameArgument = Annotated[str, typer.Argument(help="The record's id, or its folder.")]


def add_record_commands(app: typer.Typer, kind: str, *, shows: bool = True) -> None:
    """Add new, show, diff and due of one register to its commands.

    Args:
        app: the register's commands.
        kind: the register, as `governance.catalogue` names it.
        shows: whether to add `show`; False where the commands have one of their own.
    """
    app.command(name="new", help=_NEW[kind])(_new(kind))
    if shows:
        about = f"Show one {kind} record, and what refuses it."
        app.command(name="show", help=about)(_show(kind))
    app.command(
        name="diff",
        help="Show who changed the record, when and how, from version control.",
    )(_diff(kind))
    app.command(
        name="due",
        help="List what is due for review, soonest first. Exit status 1 when any is "
        "overdue.",
    )(_due(kind))


_NEW = {
    "dpia": "Start the DPIA of a data set or a use case: its seven steps, with what the "
    "contract says filled in.",
    "eqia": "Start the equality impact assessment of a use case.",
    "use-case": "Start the record of a use case: problem, stages, sprints, products.",
    "supplier": "Start the record of a supplier.",
    "review": "Start the review of a supplier's sprint.",
    "problem": "Start an entry of the problem book.",
    "model": "Start the transparency record of a model.",
    "legacy": "Start the record of a legacy service that the platform replaces.",
    "evaluation": "Start the plan of an evaluation, to be registered before anybody looks.",
}


def _new(kind: str) -> Callable[..., None]:
    def new(name: _NameArgument) -> None:
        from edp_platform.governance.catalogue import CannotStart, start_record

        try:
            path = start_record(kind, name, open_home())
        except CannotStart as error:
            fail(str(error), 2)
        out.print(f"wrote {path}", highlight=False, soft_wrap=True)
        err.print("Answer every blank; edp governance check names each with its line.")

    return new


def _show(kind: str) -> Callable[..., None]:
    def show(name: _NameArgument, as_json: JsonFlag = False) -> None:
        entry = _entry(kind, name)
        refusals = entry.refusals(date.today())
        if as_json:
            record = entry.record.model_dump(mode="json", by_alias=True)
            told = {
                "path": str(entry.path),
                "record": record,
                "refusals": [str(one) for one in refusals],
            }
            print(json.dumps(told, indent=1, ensure_ascii=False))
        else:
            out.print(str(entry.path), highlight=False, soft_wrap=True)
            text = entry.path.read_text(encoding="utf-8").rstrip()
            out.print(Syntax(text, "yaml", word_wrap=True, background_color="default"))
            for refusal in refusals:
                out.print(
                    f"[bold red]refused[/] {escape(str(refusal))}", highlight=False
                )
        if refusals:
            raise typer.Exit(1)

    return show


def _diff(kind: str) -> Callable[..., None]:
    def diff(
        name: _NameArgument,
        since: Annotated[
            str | None,
            typer.Option(help="A revision to compare with. Default: every change."),
        ] = None,
    ) -> None:
        from edp_platform.governance.history import NoHistory, changes

        entry = _entry(kind, name)
        try:
            text = changes(entry.path, since)
        except NoHistory as error:
            fail(str(error))
        print(text, end="")

    return diff


def _due(kind: str) -> Callable[..., None]:
    def due(
        within: Annotated[
            int, typer.Option(min=0, help="Days ahead to look; 0 for overdue alone.")
        ] = 90,
        as_json: JsonFlag = False,
    ) -> None:
        from edp_platform.governance.catalogue import entries

        today = date.today()
        until = today + timedelta(days=within)
        found: list[dict[str, Any]] = []
        for entry in entries(kind, open_home()):
            if entry.due is not None and entry.due <= until:
                found.append(
                    {
                        "id": entry.record.id,
                        "due": entry.due.isoformat(),
                        "days": (entry.due - today).days,
                        "notice": entry.notice(today),
                        "path": str(entry.path),
                    }
                )
        found.sort(key=lambda one: one["due"])
        if as_json:
            print(json.dumps(found, indent=1))
            _end(found)
            return
        for one in found:
            soon = f"  ({one['notice']})" if one["notice"] else ""
            out.print(f"{one['due']}  {one['id']}{soon}", highlight=False)
        if not found:
            out.print(f"Nothing is due within {within} days.")
        _end(found)

    return due


def _end(found: list[dict[str, Any]]) -> None:
    if any(one["notice"] == "overdue" for one in found):
        raise typer.Exit(1)


def _entry(kind: str, name: str) -> Any:
    from edp_platform.governance.catalogue import NotOnRecord, find

    try:
        return find(kind, name, open_home())
    except NotOnRecord as error:
        fail(str(error), 2)


def _app(kind: str, about: str) -> typer.Typer:
    app = typer.Typer(help=about, no_args_is_help=True)
    add_record_commands(app, kind)
    return app


dpia_app = _app("dpia", "Data protection impact assessments: start, read, compare.")
eqia_app = _app("eqia", "Equality impact assessments: start, read, compare.")
use_case_app = _app("use-case", "The records of use cases and their sprints.")
supplier_app = _app("supplier", "The register of suppliers.")
problem_app = _app("problem", "The problem book.")
model_app = _app("model", "Transparency records of models (ATRS).")


@dpia_app.command()
def extend(
    name: _NameArgument,
    by: Annotated[str, typer.Option("--by", help="The senior information risk owner.")],
    reason: Annotated[str, typer.Option(help="Why it could not be held in time.")],
    days: Annotated[
        int, typer.Option(min=1, max=14, help="Days after it was due.")
    ] = 14,
) -> None:
    """Put a DPIA's review off by at most fourteen days, on the record.

    Written into the DPIA itself, so that version control shows who granted it and why.
    """
    from edp_platform.governance.extending import CannotExtend, extend_review

    entry = _entry("dpia", name)
    try:
        until = extend_review(entry, by, reason, days, date.today(), open_home())
    except CannotExtend as error:
        fail(str(error))
    out.print(f"{entry.record.id} is in date until {until}.", highlight=False)
