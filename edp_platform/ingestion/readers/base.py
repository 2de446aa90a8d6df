"""What every reader offers, and what a file's name says about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import polars as pl

from edp_platform.contracts import Contract

#: Named parts of a file name, such as month and force.
NameParts = Mapping[str, str]


@dataclass(frozen=True)
class Reading:
    """What one file holds.

    Attributes:
        rows: contract columns that stand in the file (and those taken from its name),
            typed; `source_line`; and `month` ("YYYY-MM") for a monthly data set.
        quarantined: `source_line, column, reason, record` for what could not be read.
        records: data records in the file, sound or not.
        cells: for a wide file, how many cells it holds; else equal to `records`.
        warnings: what was seen and did not cost a row → in how many records.
    """

    rows: pl.DataFrame
    quarantined: pl.DataFrame
    records: int
    cells: int
    warnings: Mapping[str, int] = field(default_factory=dict)


class Reader(Protocol):
    """Reads one shape of file."""

    def header(self, path: Path) -> tuple[str, ...]:
        """Return the received column names.

        Raises:
            UnreadableFile: the file is not of this shape at all.
        """

    def misfit(self, contract: Contract, header: tuple[str, ...]) -> list[str]:
        """Return what of the header does not fit the contract, in words."""

    def months(self, path: Path, contract: Contract, parts: NameParts) -> list[str]:
        """Return the months a file supplies."""

    def count(self, path: Path) -> int:
        """Return how many data records the file holds."""

    def read(self, path: Path, contract: Contract, parts: NameParts) -> Reading:
        """Read the file.

        Raises:
            UnreadableFile: the file as a whole cannot be read; nothing may be loaded.
        """


def name_misfit(
    expected: set[str], header: tuple[str, ...], allowed: str | None = None
) -> list[str]:
    """Say which expected columns are missing and which given ones are unknown.

    Args:
        expected: names the contract gives.
        header: names received; "" is an unnamed column and is ignored here.
        allowed: what unknown names are allowed instead, for the message.
    """
    given = [name for name in header if name]
    if expected and not expected & set(given):
        # Without its header line a file begins with a row, whose values may not be told.
        return [
            f"none of the {len(header)} names in its first line is one the contract "
            f"knows. {_likely_cause(header)}"
        ]
    problems = []
    missing = sorted(expected - set(given))
    if missing:
        problems.append(f"missing {', '.join(missing)}")
    extra = [name for name in given if name not in expected]
    if extra:
        problems.append(
            f"not in the contract: {', '.join(extra)}"
            + (f" (expected {allowed})" if allowed else "")
        )
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        problems.append(f"given twice: {', '.join(twice)}")
    return problems


def record_text(lines: pl.Series, at: pl.Series) -> pl.Series:
    """Return the received text of the records that start at 1-based lines `at`."""
    return lines.gather(at - 1)


def _likely_cause(header: Sequence[str]) -> str:
    first = header[0].lstrip().lower() if header else ""
    if first.startswith(("<!doctype", "<html", "<?xml")):
        return "It is a web page or XML, perhaps an error page saved as a file"
    if len(header) == 1:
        for mark, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if header[0].count(mark) > 1:
                return f"Its fields are separated by {name}; commas are agreed"
    return "Perhaps its header line is missing"
