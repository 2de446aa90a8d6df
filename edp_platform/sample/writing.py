"""Writing tables as CSV bytes, with the line ends the publisher used."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from edp_platform.sample.faults import LineFault, damage_lines


def write_table(
    path: Path,
    table: pl.DataFrame,
    *,
    crlf: bool = False,
    faults: list[LineFault] | None = None,
) -> None:
    """Write a table as UTF-8 CSV without a byte order mark.

    Args:
        path: The file; its folder is made.
        table: Columns named as the header must be; nulls become empty fields.
        crlf: End lines with CRLF, else with LF.
        faults: Damage done to single lines after writing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    line_end = "\r\n" if crlf else "\n"
    if not faults:
        table.write_csv(path, line_terminator=line_end)
        return
    buffer = io.BytesIO()
    table.write_csv(buffer, line_terminator=line_end)
    path.write_bytes(damage_lines(buffer.getvalue(), faults, line_end.encode()))
