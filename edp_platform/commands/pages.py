"""`edp governance pages`: every record as an accessible page, linked from an index."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from edp_platform.commands.console import JsonFlag, err, open_home, out


def pages(
    to: Annotated[Path, typer.Option("--to", help="The folder to write into.")],
    as_json: JsonFlag = False,
) -> None:
    """Write every record as a page: DPIAs, EqIAs, use cases, registers, with an index.

    The pages need no other file and no script, print well and can be read without the
    style sheet. A record that cannot be read has no page; it is named on the index, and
    the exit status is 1.
    """
    from edp_platform.governance.pages.site import all_records, write_pages

    home = open_home()
    records = all_records(home)
    written = write_pages(records, to, date.today())
    if as_json:
        told = {
            "index": str(written[0]),
            "pages": len(written),
            "faults": list(records.faults),
        }
        print(json.dumps(told))
    else:
        out.print(
            f"{len(written)} pages; begin with {escape(str(written[0]))}",
            soft_wrap=True,
            highlight=False,
        )
    for fault in records.faults:
        err.print(f"[red]not read[/] {escape(fault)}", soft_wrap=True, highlight=False)
    if records.faults:
        raise typer.Exit(1)
