"""`edp legacy`: what the platform replaces, compared cell by cell until it is retired."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from edp_platform.commands.console import Format, JsonFlag, err, fail, open_home, out
from edp_platform.commands.records import add_record_commands
from edp_platform.consoles import listing

app = typer.Typer(
    help="What the platform replaces: compared cell by cell, tracked until it is retired.",
    epilog=(
        "edp legacy list    edp legacy compare report.csv crime_by_month --where "
        "\"force = 'metropolitan'\"    edp legacy show LS-CRIME-DASHBOARD"
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
)
add_record_commands(app, "legacy")

_STATUS = {"running": "red", "parallel": "yellow", "retired": "green"}


@app.command(name="list")
def list_services(as_json: JsonFlag = False) -> None:
    """List every legacy service: users, cost, what replaces it, by when it is gone.

    The exit status is 1 while one is past the day it was to be retired by.
    """
    from edp_platform.governance.registers import Registers

    today = date.today()
    services = Registers(open_home().made_on).legacy_services
    told = [
        {
            "id": one.id,
            "name": one.name,
            "owner": one.owner,
            "status": one.status,
            "retire_by": one.retire_by.isoformat(),
            "overdue": one.review_due is not None and one.review_due < today,
            "users": one.users,
            "cost_a_year": one.cost_a_year,
            "replaced_by": one.replaced_by,
            "not_accepted": [
                mart for mart in one.replaced_by if not one.is_compared(mart)
            ],
        }
        for one in services.values()
    ]
    if as_json:
        print(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        _show_list(told)
    for fault in services.faults:
        err.print(escape(fault), highlight=False, soft_wrap=True)
    if services.faults or any(one["overdue"] for one in told):
        raise typer.Exit(1)


def _show_list(told: list[dict[str, Any]]) -> None:
    table = listing("service", "status", "retire by", "replaced by", "still to accept")
    for head in ("users", "a year"):
        table.add_column(head, justify="right")
    for one in told:
        by = f"[bold red]{one['retire_by']} overdue[/]" if one["overdue"] else None
        table.add_row(
            one["id"],
            f"[{_STATUS[one['status']]}]{one['status']}[/]",
            by or one["retire_by"],
            ", ".join(one["replaced_by"]) or "-",
            ", ".join(one["not_accepted"]) or "-",
            f"{one['users']:,}",
            f"£{one['cost_a_year']:,.0f}",
        )
    out.print(table)
    running = [one for one in told if one["status"] != "retired"]
    cost = sum(one["cost_a_year"] for one in running)
    out.print(
        f"{len(running)} of {len(told)} still cost £{cost:,.0f} a year.",
        highlight=False,
    )


@app.command()
def compare(
    file: Annotated[Path, typer.Argument(help="The report: a CSV or a workbook.")],
    mart: Annotated[str, typer.Argument(help="The published mart that replaces it.")],
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help='Which column is which: "Their Column=our_column"; "Their Column=" '
            "leaves it out.",
        ),
    ] = None,
    value: Annotated[
        list[str] | None,
        typer.Option(
            "--value",
            help='What a label is called here: "our_column: Their label=our label".',
        ),
    ] = None,
    measure: Annotated[
        str | None, typer.Option(help="Which figure of the mart is compared.")
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            help="What of the mart the report is about, as SQL: \"force = 'metropolitan'\"."
        ),
    ] = None,
    sum_over: Annotated[
        list[str] | None,
        typer.Option(help="A column of the mart that the report adds up over."),
    ] = None,
    months: Annotated[
        str | None,
        typer.Option(
            help="What the report should cover: 2016-01...2016-12. Default: from its "
            "first month to its last."
        ),
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(help="Which sheet of a workbook.")
    ] = None,
    record: Annotated[
        str | None,
        typer.Option(
            "--record",
            help="Keep the comparison under this legacy service, and print what to "
            "write into its record.",
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=0, help="Most differences to show, the largest first.")
    ] = 20,
    format: Annotated[
        Format, typer.Option(help="csv gives every cell.")
    ] = Format.table,
    as_json: JsonFlag = False,
) -> None:
    """Compare a legacy report with a mart: every cell that differs, and why.

    One line a figure, or one column a month. Columns and labels are matched by name and
    value (capitals, spaces, & and the way of writing months do not count) and every
    reading is told; what could be read in two ways is refused until you say.

    Each difference is followed to what the platform has on record: an earlier release,
    rows quarantined or set aside as repeats, partial supply, a break in the series, a
    label; and to the files and lines that our figure is made of.

    Exit status: 0 every cell is equal, 1 some differ, 2 it cannot be compared.
    """
    from edp_platform.datasets import DataSets
    from edp_platform.governance.gate import GateRefused
    from edp_platform.legacy.comparison import Asked, compare_report, months_stated
    from edp_platform.legacy.failure import CannotCompare
    from edp_platform.legacy.keeping import record as keep
    from edp_platform.legacy.keeping import refuse_unknown
    from edp_platform.legacy.mapping import Stated, parse_columns, parse_values
    from edp_platform.legacy.telling import as_json as told
    from edp_platform.legacy.telling import cells_as_csv, show
    from edp_platform.publishing.query import QueryFailed, pass_gate
    from edp_platform.publishing.snapshot import NothingPublished, current
    from edp_platform.tracing import TraceFailed
    from edp_platform.use_cases import UseCases
    from edp_platform.warehouse.manifest import DbtFailed

    home = open_home()
    today = date.today()
    data_sets = DataSets.load(home)
    name = mart.removeprefix("marts.")
    try:
        stated = Stated(
            parse_columns(map_ or ()),
            parse_values(value or ()),
            measure,
            tuple(sum_over or ()),
        )
        if record is not None:
            refuse_unknown(home, record, name)
        period = months_stated(months) if months else None
        pass_gate(current(home), {name}, data_sets, UseCases.load(home).by_name, today)
        found = compare_report(
            home, data_sets, Asked(file, name, stated, where, sheet, period)
        )
    except (
        CannotCompare,
        DbtFailed,
        GateRefused,
        NothingPublished,
        QueryFailed,
        TraceFailed,
    ) as error:
        fail(str(error), 2)
    if as_json or format is Format.json:
        print(json.dumps(told(found), ensure_ascii=False, default=str))
    elif format is Format.csv:
        sys.stdout.write(cells_as_csv(found))
    else:
        show(found, out, limit)
    if record is not None:
        entry = keep(home, record, found, today)
        err.print(
            f"Kept. Write this into `compared` of {record}, and have who accepts what "
            "differs sign it:",
            highlight=False,
            soft_wrap=True,
        )
        err.print(entry, end="", highlight=False, markup=False, soft_wrap=True)
    if not found.is_equal:
        raise typer.Exit(1)
