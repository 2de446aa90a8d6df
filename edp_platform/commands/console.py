"""What every command shares: the consoles, the common options, the way to end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, NoReturn

import typer
from rich.markup import escape

from edp_platform.consoles import console
from edp_platform.home import Home

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
        "--wait",
        min=0,
        help="Seconds to wait for another run that holds the warehouse.",
    ),
]


def open_home() -> Home:
    """Open the home."""
    return Home.open(date.today())


def open_session() -> Any:
    """Open a session; its parts load when asked for."""
    from edp_platform.orchestration.session import Session

    return Session(open_home())


@contextmanager
def doing(what: str, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Show what a long command does: live on a terminal, else a line a step (cron, CI).

    Args:
        what: its first step.
        quiet: show nothing (`--json`).

    Yields:
        what tells the next step.
    """
    if err.is_terminal and not quiet:
        with err.status(escape(what)) as status:
            yield lambda step: status.update(escape(step))
        return
    started, last = time.monotonic(), ""

    def line(step: str) -> None:
        nonlocal last
        if not quiet and step != last:
            seconds = time.monotonic() - started
            text = f"{seconds:6.1f} s  {escape(step)}"
            err.print(text, highlight=False, soft_wrap=True)
        last = step

    line(what)
    yield line


def fail(message: str, status: int = 1) -> NoReturn:
    """Tell why, on standard error, and end with this exit status."""
    err.print(f"[bold red]edp:[/] {escape(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(status)
