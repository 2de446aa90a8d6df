"""`edp lineage`: where a column comes from and goes to, and whether it may."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.tree import Tree

from edp_platform.commands.console import JsonFlag, err, fail, open_session, out

if TYPE_CHECKING:
    from edp_platform.governance.refusal import Refusal


class _ColumnFirst(typer.core.TyperGroup):
    """Takes `edp lineage COLUMN` for `edp lineage show COLUMN`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_ColumnFirst,
    help="Follow a column to the data it is made of, or on to what is made of it.",
    epilog=(
        "edp lineage stop_and_search_by_month.outcome --up    edp lineage "
        "police_uk_stop_and_search.outcome --down    edp lineage check"
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
)

_COLOURS = {
    "personal": "yellow",
    "special-category": "red",
    "criminal-offence": "red",
}


@app.command()
def show(
    column: Annotated[
        str, typer.Argument(help="mart.column, data_set.column or model.column.")
    ],
    up: Annotated[
        bool, typer.Option("--up", help="What it is made of (the default).")
    ] = False,
    down: Annotated[bool, typer.Option("--down", help="What is made of it.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show one column's lineage: each step, how it was made, and what law it is under.

    COLUMN alone will do: edp lineage COLUMN.
    """
    from edp_platform.governance.lineage_catalogue import (
        Direction,
        NoSuchColumn,
        catalogue_lineage,
        every_column,
        find_column,
    )

    warehouse = open_session().platform.warehouse
    law = warehouse.law
    try:
        key = find_column(column, every_column(law))
    except NoSuchColumn as error:
        fail(str(error), 2)
    directions: list[Direction] = ["up"] if up or not down else []
    directions += ["down"] if down else []
    told = [
        catalogue_lineage(law, key, one, warehouse.protected_by) for one in directions
    ]
    if as_json:
        print(json.dumps(told[0] if len(told) == 1 else told))
        return
    for one in told:
        _show(one)


@app.command()
def check(as_json: JsonFlag = False) -> None:
    """Check every model and product: each column traced, and where it may be (rule 4).

    Exit status 1 if anything is refused.
    """
    warehouse = open_session().platform.warehouse
    refused = warehouse.lineage_refusals()
    columns = sum(len(one.columns) for one in warehouse.law.origins.lineage.values())
    if as_json:
        told = [
            {"asset": name, "refusals": [str(one) for one in refusals]}
            for name, refusals in refused.items()
        ]
        print(json.dumps({"columns": columns, "refused": told}))
    else:
        for name, refusals in refused.items():
            err.print(f"[bold]{escape(name)}[/]", soft_wrap=True)
            for line in _paragraph(refusals):
                err.print(f"  {escape(line)}", soft_wrap=True)
        tables = len(warehouse.law.origins.lineage)
        out.print(
            f"{columns:,} columns of {tables} models and products traced; "
            f"{len(refused)} refused."
        )
    if refused:
        raise typer.Exit(1)


def _paragraph(refusals: Sequence[Refusal]) -> Iterator[str]:
    """Yield what is refused of one model, each reason and next step once."""
    alike: dict[tuple[str, str], list[Refusal]] = {}
    for one in refusals:
        alike.setdefault((one.why, one.next_step), []).append(one)
    for (why, next_step), found in alike.items():
        for one in found:
            yield str(replace(one, why="", next_step="")).strip()
        yield f"{why} {next_step}"


def _show(told: dict[str, Any]) -> None:
    is_up = told["direction"] == "up"
    tree = Tree(_line(told))
    _grow(tree, told["columns"])
    out.print(tree, soft_wrap=True, highlight=False)
    if not told["columns"]:
        said = (
            "made of no column: a constant, or a count of rows" if is_up else "nothing"
        )
        if not (is_up and told["data_set"]):
            out.print(f"  {said if is_up else 'nothing is made of it'}")
    if not told["indirect"]:
        return
    if is_up:
        out.print("decided also by (filters, joins, groups, orders, windows):")
        for one in told["indirect"]:
            text = f"  {one['table']}.{one['column']}  ({one['how']})"
            out.print(escape(text) + _law(one["classification"]), soft_wrap=True)
    else:
        out.print("it also decides rows or values of:")
        for one in told["indirect"]:
            names = ", ".join(one["columns"])
            out.print(
                escape(f"  {one['schema']}.{one['table']}: {names}"), soft_wrap=True
            )


def _grow(tree: Tree, parts: list[dict[str, Any]]) -> None:
    for one in parts:
        _grow(tree.add(_line(one)), one["columns"])


def _line(one: dict[str, Any]) -> str:
    text = escape(f"{one['schema']}.{one['table']}.{one['column']}")
    text += _law(one["classification"], one["identifier_class"])
    if one["how"]:
        text += f"  [dim]{escape(one['how'])}[/]"
    if one["protected_by"]:
        text += f"  [green]{escape(', '.join(one['protected_by']))}[/]"
    return text + ("  [dim](told above)[/]" if one["is_repeated"] else "")


def _law(classification: str, identifier_class: str = "none") -> str:
    colour = _COLOURS.get(classification)
    shown = f"[{colour}]{classification}[/]" if colour else f"[dim]{classification}[/]"
    is_identity = identifier_class == "direct" and colour is not None
    return f"  {shown}{', identifies people' if is_identity else ''}"
