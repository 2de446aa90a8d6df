"""`edp export`: the record of processing, the catalogue, the transparency records."""

from __future__ import annotations

import json
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from edp_platform.commands.console import JsonFlag, err, fail, open_home, out

app = typer.Typer(
    help="Hand over what the law and the standards ask for, made from the records.",
    no_args_is_help=True,
)


class ExportFormat(StrEnum):
    """Which files an export writes."""

    all = "all"
    json = "json"
    csv = "csv"
    html = "html"


ToOption = Annotated[Path, typer.Option("--to", help="The folder to write into.")]
FormatOption = Annotated[
    ExportFormat,
    typer.Option("--format", help="One kind of file, or all: JSON, CSV and HTML."),
]
OnOption = Annotated[
    datetime | None,
    typer.Option(
        "--on",
        formats=["%Y-%m-%d"],
        help="The day it is made for. The same records and day give the same bytes. "
        "Default: today.",
    ),
]


@app.command()
def ropa(
    to: ToOption,
    format: FormatOption = ExportFormat.all,
    on: OnOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Record of processing: UK GDPR Art. 30 and DPA 2018 s.61, in two records.

    Made from contracts, DPIAs and registers, never kept by hand. A data set whose folder
    or DPIA cannot be read is named in it as left out, and the exit status is 1.
    """
    _export("ropa", to, format, on, as_json)


@app.command()
def catalogue(
    to: ToOption,
    format: FormatOption = ExportFormat.all,
    on: OnOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Catalogue of every data set and published mart: DCAT in JSON-LD, CSV, HTML.

    Fields are those of the UK Cross-Government Metadata Exchange Model.
    """
    _export("catalogue", to, format, on, as_json)


@app.command()
def atrs(
    to: ToOption,
    format: FormatOption = ExportFormat.all,
    on: OnOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Algorithmic transparency records, tiers 1 and 2, of every model on record.

    Required attributes that no register answers are named, and the exit status is 1
    where the model is in use.
    """
    _export("atrs", to, format, on, as_json)


def _export(
    kind: Any, to: Path, format: ExportFormat, on: datetime | None, as_json: bool
) -> None:
    from edp_platform.governance.records.base import RecordInvalid
    from edp_platform.publishing.exports.loading import load_sources
    from edp_platform.publishing.exports.validation import ExportInvalid
    from edp_platform.publishing.exports.writing import FORMATS, export

    home = open_home()
    day = on.date() if on else date.today()
    formats: Any = FORMATS if format is ExportFormat.all else (format.value,)
    try:
        sources = load_sources(home, with_marts=kind == "catalogue")
        done = export(kind, sources, to, day, formats)
    except (RecordInvalid, ExportInvalid) as error:
        fail(str(error))
    unanswered = done.not_stated or {}
    in_use = [
        name
        for name in unanswered
        if name in sources.models and sources.models[name].status == "in_use"
    ]
    if as_json:
        told = {
            "files": [str(path) for path in done.files],
            "entries": done.entries,
            "left_out": [{"name": name, "error": why} for name, why in done.left_out],
            "not_stated": unanswered,
        }
        print(json.dumps(told))
    else:
        for path in done.files:
            out.print(escape(str(path)), soft_wrap=True, highlight=False)
        out.print(f"{done.entries} entries, as at {day}.")
    for name, why in done.left_out:
        err.print(f"[red]left out[/] {name}: {escape(why)}", soft_wrap=True)
    for name, attributes in unanswered.items():
        err.print(
            f"[yellow]not stated[/] {name}: {', '.join(attributes)}",
            soft_wrap=True,
            highlight=False,
        )
    if done.left_out or in_use:
        raise typer.Exit(1)
