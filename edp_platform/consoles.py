"""The consoles that people and logs are told on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from rich.table import Table

#: Columns of a log or a pipe: in 80, rich breaks names that people search for.
_WIDTH_OF_A_LOG = 200


def console(stderr: bool = False, quiet: bool = False) -> Console:
    """Return a console: as wide as the terminal, or wide where there is none."""
    # No emoji: `contract.yaml:100:` is a file and a line.
    made = Console(stderr=stderr, quiet=quiet, emoji=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = _WIDTH_OF_A_LOG
    return made


def listing(*heads: str) -> Table:
    """Return a table without lines, whose texts fold; further columns may be added."""
    from rich.table import Table

    made = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for head in heads:
        made.add_column(head, overflow="fold")
    return made
