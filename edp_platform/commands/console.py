"""What every command shares: the consoles, the common options, the way to end."""

from __future__ import annotations

import os
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from edp_platform.home import Home

#: Columns of a log or a pipe: in 80, rich breaks names that people search for.
_WIDTH_OF_A_LOG = 200


def console(stderr: bool = False, quiet: bool = False) -> Console:
    """Return a console: as wide as the terminal, or wide where there is none."""
    made = Console(stderr=stderr, quiet=quiet, emoji=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = _WIDTH_OF_A_LOG
    return made


# No emoji: `contract.yaml:100:` is a file and a line.
out = console()
err = console(stderr=True)


class Format(StrEnum):
    """How a result is written."""

    table = "table"
    csv = "csv"
    json = "json"


JsonFlag = Annotated[bool, typer.Option("--json", help="Write JSON, for a script.")]
WaitOption = Annotated[
    float,
    typer.Option(
        "--wait", help="Seconds to wait for another run that holds the warehouse."
    ),
]


def open_home() -> Home:
    """Open the home."""
    return Home.open(date.today())


def open_session() -> Any:
    """Open a session; its parts load when asked for."""
    from edp_platform.orchestration.session import Session

    return Session(open_home())


def fail(message: str, status: int = 1) -> NoReturn:
    """Tell why, on standard error, and end with this exit status."""
    err.print(f"[bold red]edp:[/] {escape(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(status)
