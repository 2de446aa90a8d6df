"""`edp governance`: who answers for what, until when, and what is overdue."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from edp_platform.commands.console import JsonFlag, err, fail, open_home, out
from edp_platform.commands.pages import pages

app = typer.Typer(
    help="Who answers for what, under which DPIA, until when, and what is overdue.",
    no_args_is_help=True,
)
app.command()(pages)

_STATE = {"open": "[green]open[/]", "refused": "[bold red]refused[/]"}
_NOTICE = {
    "overdue": "bold red",
    "extended": "red",
    "7 days": "red",
    "30 days": "yellow",
}

#: Columns that facts stand in, below the name they are about.
_INDENT = 4


@app.command()
def status(as_json: JsonFlag = False) -> None:
    """Show every data set and use case on one screen, and what is overdue.

    Owner, regime, DPIA and its review date, retention rule, EqIA, stage, sprint (plan
    against actual, in days and pounds), supplier review, and whether the gate is open.
    A review date is marked 90, 30 and 7 days before it. The exit status is 1 when
    something is overdue or a gate is shut.
    """
    from edp_platform.governance.overview import overview

    data_sets, use_cases, registers = _loaded()
    told = overview(data_sets, use_cases, registers, date.today())
    is_good = not told["overdue"] and not any(
        one["gate"] == "refused" for one in (*told["data_sets"], *told["use_cases"])
    )
    if as_json:
        print(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        _show(told)
    if not is_good:
        raise typer.Exit(1)


@app.command()
def check(
    graph: Annotated[
        bool,
        typer.Option(
            "--graph",
            help="Load the asset graph too, and look whether the check that each DPIA "
            "relies on exists (slower).",
        ),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Check every register and contract; each fault is told with its file and line.

    The exit status is 1 when there is any. Meant for every commit; `--graph` for the
    build.
    """
    from edp_platform.governance.checking import faults

    data_sets, use_cases, registers = _loaded(graph=graph)
    found = faults(data_sets, use_cases, registers, date.today())
    counted = sum(len(one) for one in registers.all.values())
    if as_json:
        print(json.dumps({"faults": found, "records": counted}, indent=1))
    else:
        for fault in found:
            err.print(escape(fault), highlight=False, soft_wrap=True)
        err.print(
            f"{len(data_sets.by_name)} data sets, {len(use_cases.by_name)} use cases and "
            f"{counted} records checked: {len(found) or 'no'} "
            f"fault{'s' * (len(found) != 1)}.",
            highlight=False,
        )
    if found:
        raise typer.Exit(1)


@app.command()
def rules(
    write: Annotated[
        Path | None, typer.Option(help="Write the page to this file of a checkout.")
    ] = None,
    is_check: Annotated[
        Path | None,
        typer.Option(
            "--check", help="Fail when this file is not as it would be written."
        ),
    ] = None,
) -> None:
    """List every rule, where it is enforced, and the tests that show it.

    Made from the code and the names of the tests, so that it cannot drift.
    """
    from edp_platform.governance.rules_page import rules_page

    target = write or is_check
    root = target.resolve().parents[1] if target else Path.cwd()
    page = rules_page(root / "tests")
    if write is not None:
        write.write_text(page, encoding="utf-8")
        err.print(f"wrote {write}", highlight=False)
    elif is_check is not None:
        if not is_check.exists() or is_check.read_text(encoding="utf-8") != page:
            fail(
                f"{is_check} is not what the rules and tests say. Write it again: edp "
                f"governance rules --write {is_check}"
            )
    else:
        print(page, end="")


def _loaded(*, graph: bool = False) -> tuple[Any, Any, Any]:
    from edp_platform.datasets import DataSets
    from edp_platform.governance.registers import Registers
    from edp_platform.use_cases import UseCases

    home = open_home()
    registers = Registers(home.made_on)
    if graph:
        from edp_platform.components.platform import load_platform

        platform = load_platform(home)
        registers.asset_checks = platform.asset_checks
    data_sets = DataSets.load(home, registers=registers)
    return data_sets, UseCases.load(home, registers=registers), registers


def _show(told: dict[str, Any]) -> None:
    rows = [(one["name"], one["gate"], _of_data_set(one)) for one in told["data_sets"]]
    table = Table(title="Data sets", title_justify="left")
    for name in ("data set", *(rows[0][2] if rows else ()), "gate"):
        table.add_column(name, no_wrap=True)
    for name, gate, facts in rows:
        cells = [fact.replace(", ", "\n") for fact in facts.values()]
        table.add_row(name, *cells, _STATE[gate])
    unbounded = out.options.update(max_width=sys.maxsize)
    if out.measure(table, options=unbounded).maximum <= out.width:
        out.print(table)
    else:
        _blocks("Data sets", rows)
    _blocks(
        "Use cases",
        [(one["name"], one["gate"], _of_use_case(one)) for one in told["use_cases"]],
    )
    for one in (*told["data_sets"], *told["use_cases"]):
        for refusal in one["refusals"]:
            out.print(
                f"[bold red]refused[/] {one['name']}: {escape(refusal)}",
                highlight=False,
            )
    for one in told["overdue"]:
        owner = f" ({one['owner']})" if one["owner"] else ""
        out.print(
            f"[bold red]overdue[/] {one['kind']}{owner}: {escape(one['message'])}",
            highlight=False,
        )
    if not told["overdue"]:
        out.print("Nothing is overdue.")


def _blocks(title: str, rows: list[tuple[str, str, dict[str, str]]]) -> None:
    """Print each row as its name, and its facts below, on a screen of any width."""
    out.print(f"[italic]{title}[/]")
    for name, gate, facts in rows:
        out.print(f"[bold]{escape(name)}[/]  {_STATE[gate]}", highlight=False)
        parts = [f"[dim]{label}[/] {fact}" for label, fact in facts.items()]
        for line in _filled(parts, out.width - _INDENT):
            out.print(Padding(line, (0, 0, 0, _INDENT), expand=False), highlight=False)


def _filled(parts: Sequence[str], width: int) -> Iterator[Text]:
    """Yield lines of whole parts, as many to a line as it holds."""
    line = Text()
    for part in map(Text.from_markup, parts):
        if line and line.cell_len + 2 + part.cell_len > width:
            yield line
            line = Text()
        line = Text.assemble(line, "; " if line else "", part)
    yield line


def _of_data_set(one: dict[str, Any]) -> dict[str, str]:
    return {
        "owner": escape(one["owner"]) or "-",
        "regime": one["regime"],
        "stage": one["stage"],
        "DPIA": one["dpia"],
        "review due": _due(one["dpia_review_due"], one["dpia_notice"]),
        "kept by": one["retention_rule"] + ("" if one["retention_confirmed"] else " ?"),
        "EqIA": one["eqia"] or "-",
    }


def _of_use_case(one: dict[str, Any]) -> dict[str, str]:
    sprint, review = one["sprint"], one["supplier_review"]
    days = _against(sprint.get("actual_days"), sprint.get("planned_days"))
    pounds = _against(sprint.get("spent_pounds"), sprint.get("budget_pounds"))
    decided = f" ({review['decision']} {review['on']})" if review else ""
    return {
        "owner": escape(one["owner"]),
        "regime": ", ".join(one["regimes"]) or "-",
        "stage": one["stage"],
        "sprint": str(sprint["number"]),
        "days": days,
        "pounds": pounds,
        "supplier": (one["supplier"] or "-") + decided,
        "DPIA": ", ".join(one["dpias"]) or "-",
        "first DPIA review": one["dpia_review_due"] or "-",
        "kept by": ", ".join(one["retention_rules"]) or "-",
        "EqIA": one["eqia"] or "-",
        "EqIA review": _due(one["eqia_review_due"], one["eqia_notice"]),
    }


def _against(actual: float | None, planned: float | None) -> str:
    if planned is None:
        return "-"
    text = "-" if actual is None else f"{actual:,.0f}"
    late = actual is not None and actual > planned
    return f"[red]{text}[/] of {planned:,.0f}" if late else f"{text} of {planned:,.0f}"


def _due(day: str | None, notice: str) -> str:
    if day is None:
        return "-"
    style = _NOTICE.get(notice)
    text = f"{day} ({notice})" if notice else day
    return f"[{style}]{text}[/]" if style else text
