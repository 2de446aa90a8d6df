"""`edp catalogue`: what there is, what it means, who answers for it, how to ask for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
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
from edp_platform.consoles import listing


class _NameFirst(typer.core.TyperGroup):
    """Takes `edp catalogue [NAME]` for `edp catalogue show [NAME]`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (
            args[0] not in self.commands and args[0] not in ("--help", "-h")
        ):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_NameFirst,
    help="What data there is, what it means, who answers for it, who sees it, how to ask.",
    epilog=(
        "edp catalogue    edp catalogue crime_by_month    edp catalogue search burglary"
        "    edp catalogue --html pages"
    ),
    rich_markup_mode=None,
)


@app.command()
def show(
    name: Annotated[
        str | None, typer.Argument(help="A data set or a mart; without one, all.")
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", help="Write the whole catalogue as pages into a folder."
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show the catalogue, or one data set or mart of it.

    Owner, meaning of columns, classification, purpose, DPIA, quality, freshness, lineage,
    who may see it until when, the next review, and how to ask. The pages need no script
    and no other file. Exit status 1 when a folder could not be read and is left out.
    """
    if name is not None and html is not None:
        fail("--html writes the whole catalogue: leave the name out.", 2)
    known = _known(with_checks=True)
    from edp_platform.cataloguing.entries import catalogue

    entries = catalogue(known)
    if name is not None:
        _show_one(_entry(entries, name), as_json)
        return
    if html is not None:
        from edp_platform.cataloguing.pages import write_catalogue

        written = write_catalogue(entries, html, known.today)
        told = f"{len(written)} pages; begin with {escape(str(written[0]))}"
        out.print(told, soft_wrap=True, highlight=False)
    elif as_json:
        print(json.dumps(entries, ensure_ascii=False, default=str))
    else:
        _show_all(entries)
    left_out = (*known.data_sets.set_aside, *known.use_cases.set_aside)
    for folder, error in {one.folder: one.error for one in left_out}.items():
        err.print(
            f"[red]left out[/] {escape(folder.name)}: {escape(error)}", soft_wrap=True
        )
    if left_out:
        raise typer.Exit(1)


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help="Words to look for.")],
    as_json: JsonFlag = False,
) -> None:
    """Find data sets and marts by words of their names, columns and meanings.

    Each must stand somewhere in it; "search" finds "searches". Exit status 1 when
    nothing is found.
    """
    from edp_platform.cataloguing.entries import catalogue
    from edp_platform.cataloguing.searching import search as look_for

    found = look_for(catalogue(_known(with_checks=False)), " ".join(words))
    if as_json:
        told = [
            {
                "kind": one["entry"]["kind"],
                "name": one["entry"]["name"],
                "title": one["entry"]["title"],
                "columns": one["columns"],
            }
            for one in found
        ]
        print(json.dumps(told, ensure_ascii=False))
    for one in () if as_json else found:
        entry = one["entry"]
        out.print(
            f"[bold]{entry['name']}[/]  [dim]{_KIND[entry['kind']]}[/]  "
            f"{escape(entry['title'])}",
            soft_wrap=True,
            highlight=False,
        )
        if one["columns"]:
            out.print(f"    {', '.join(one['columns'])}", highlight=False)
    if not found:
        err.print("Nothing has all of these words. edp catalogue lists everything.")
        raise typer.Exit(1)


_KIND = {"data_set": "data set", "mart": "mart"}


def _known(*, with_checks: bool) -> Any:
    from edp_platform.cataloguing.loading import load_known

    home, checks = open_home(), None
    if with_checks and (home.dagster / "dagster.yaml").exists():
        session = open_session()
        with session.instance() as instance:
            # The asset graph, which names the checks, takes seconds to load.
            if instance.get_run_records(limit=1):
                from edp_platform.orchestration.latest_checks import latest_checks

                checks = latest_checks(instance, session.graph.asset_check_keys)
    return load_known(home, date.today(), checks)


def _entry(entries: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    from difflib import get_close_matches

    wanted = name.removeprefix("marts.").removeprefix("raw.")
    for one in entries:
        if one["name"] == wanted:
            return one
    near = get_close_matches(wanted, [one["name"] for one in entries], 5, 0.5)
    hint = f" Near it: {', '.join(near)}." if near else ""
    fail(
        f"The catalogue has no {name}.{hint} edp catalogue search WORDS looks in "
        "columns and meanings too.",
        2,
    )


def _show_all(entries: Sequence[dict[str, Any]]) -> None:
    for kind, title in (("data_set", "Data sets"), ("mart", "Marts")):
        table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
        table.add_column("name", no_wrap=True)
        for head in ("owner", "classification", "newest", "state", "may see it"):
            table.add_column(head)
        for one in entries:
            if one["kind"] != kind:
                continue
            people = {each["person"] for each in one["access"]}
            table.add_row(
                one["name"],
                escape(one["owner"]["name"]),
                one["classification"],
                one["freshness"]["newest_month"] or "-",
                _state(one),
                f"{len(people)}",
            )
        out.print(table)
    out.print("edp catalogue NAME tells all of one.", highlight=False)


def _state(one: dict[str, Any]) -> str:
    if one["gate"] == "refused":
        return "[bold red]refused[/]"
    if one["kind"] == "mart" and one["published"] is None:
        return "not published"
    state = one["freshness"]["state"]
    return f"[yellow]{state}[/]" if state == "late" else str(state)


def _show_one(one: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(one, ensure_ascii=False, default=str))
        return
    quality, fresh = one["quality"], one["freshness"]
    _say(f"[bold]{one['name']}[/]  {_KIND[one['kind']]}  {escape(one['title'])}")
    _say(escape(one["about"]))
    facts = [
        ("one row", one["grain"]),
        ("limits", one["limits"]),
        ("owner", f"{one['owner']['name']} {one['owner']['email']}".strip()),
        ("classification", one["classification"]),
        (
            "purposes",
            "; ".join(f"{each['id']} {each['title']}" for each in one["purposes"]),
        ),
        ("retention", ", ".join(one["retention"])),
        *(
            (
                "DPIA",
                f"{each['id']} {each['status']}, review due {each['review_due']}. "
                f"{each['covers']}",
            )
            for each in one["dpias"]
        ),
        (
            "checks",
            f"{quality['passed']} passed, {len(quality['warned'])} warn, "
            f"{len(quality['failed'])} failed ({quality['at']})"
            if quality["checked"]
            else "no run is on record",
        ),
        ("failed", ", ".join(quality["failed"])),
        ("quarantined", f"{quality['quarantined']:,} rows"),
        (
            "freshness",
            f"{fresh['state']}; promised "
            + (
                f"within {fresh['promised_days']:g} days"
                if fresh["promised_days"] is not None
                else "nothing"
            )
            + f", newest {fresh['newest_month'] or '-'}"
            + f", landed {fresh['landed_on'] or '-'}",
        ),
        (
            "published",
            f"{one['published']['as_at']}, {one['published']['rows']:,} rows"
            if one["published"]
            else "not yet"
            if one["kind"] == "mart"
            else "",
        ),
        ("made from", ", ".join(each["name"] for each in one["lineage"]["up"])),
        ("goes into", ", ".join(each["name"] for each in one["lineage"]["down"])),
        ("next review", one["next_review"] or "none"),
    ]
    for label, fact in facts:
        if fact:
            _say(f"  [dim]{label:<15}[/] {escape(fact)}")
    for refusal in one["refusals"]:
        _say(f"  [bold red]refused[/] {escape(refusal)}")
    table = listing()
    table.add_column("column", no_wrap=True)
    for head in ("meaning", "classification", "identifies"):
        table.add_column(head, overflow="fold")
    for each in one["columns"]:
        table.add_row(
            each["name"],
            escape(each["meaning"] or "not stated"),
            each["classification"],
            each["identifier_class"] or "unknown",
        )
    out.print(table)
    for each in one["access"]:
        firm = f" of {each['firm']}" if each["firm"] else ""
        _say(
            f"  {escape(each['name'])}{firm} sees {len(each['columns'])} columns of "
            f"{each['mart']} until {each['until']} ({each['grant']})"
        )
    if not one["access"]:
        _say("  Nobody has a live grant today.")
    for command in one["ask"]:
        _say(f"  to ask: {command}")


def _say(text: str) -> None:
    out.print(text, soft_wrap=True, highlight=False)
