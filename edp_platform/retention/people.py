"""Some persons, as every store is asked about them: by identifier, and by line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import polars as pl

from edp_platform.governance.subject_keys import normalised

LINES_SCHEMA = {"source_file": pl.String, "source_line": pl.Int64}


@dataclass(frozen=True)
class People:
    """Some persons.

    Attributes:
        nominal_ids: every identifier by which they are known.
        lines: short identity of a landed file → first lines of the records about them.
            Evidence that holds no identifier (a repeat set aside, a cleansed cell) is
            found by these.
    """

    nominal_ids: tuple[str, ...]
    lines: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def compared(self) -> pl.Series:
        """The identifiers as they are compared with cells."""
        return pl.Series(
            sorted({normalised(one) for one in self.nominal_ids}), dtype=pl.String
        )

    @property
    def line_frame(self) -> pl.DataFrame:
        """The lines as a frame: `source_file`, `source_line`."""
        return pl.DataFrame(
            [
                {"source_file": file, "source_line": line}
                for file, lines in self.lines.items()
                for line in lines
            ],
            schema=LINES_SCHEMA,
        )

    def at(self, lines: Mapping[str, Collection[int]]) -> People:
        """Return the same persons, known by these lines too."""
        merged = {file: set(found) for file, found in self.lines.items()}
        for file, found in lines.items():
            merged.setdefault(file, set()).update(found)
        return People(
            self.nominal_ids,
            {file: tuple(sorted(found)) for file, found in merged.items()},
        )
