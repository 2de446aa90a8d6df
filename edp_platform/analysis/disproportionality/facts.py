"""What people declare about denominators: which do not fit, and which are whose.

Decided by declared facts, never by a force's name in code: who finds another population
that does not fit writes it down, with the reason that will stand beside the refusal.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import polars as pl
from pydantic import Field

from edp_platform.datasets import defs_root
from edp_platform.governance.records.base import (
    Part,
    Record,
    RecordInvalid,
    Words,
    load_record,
)
from edp_platform.told import Told

_FILE = "performance_framework/denominators.yaml"


class DenominatorsInvalid(RecordInvalid, Told):
    """The declared denominators cannot be relied on; each line is `file:line: fault`."""


class Policed(Part):
    """Which areas of the census a force polices."""

    force: Words = Field(description="the force, as its files name it")
    areas: list[str] = Field(description="codes of upper tier local authorities")
    authority: Words = Field(description="who says so")


class Unfit(Part):
    """A resident population that rates may not be divided by."""

    force: Words = Field(description="the force whose residents do not fit")
    areas: list[str] = Field(description="codes of its areas, as areas of any force")
    why: Words = Field(description="why, in words that will stand beside the refusal")
    authority: Words = Field(description="who says so")


class Denominators(Record):
    """What rates of searches are divided by, where it is not plain."""

    own_force: Words = Field(description="whose own records the platform holds")
    areas_policed: list[Policed] = Field(description="areas of forces beyond London")
    unfit: list[Unfit] = Field(description="populations that do not fit, each with why")

    def policed(self) -> pl.DataFrame:
        """Return `force` and `borough_code` of every area declared."""
        rows = [(one.force, area) for one in self.areas_policed for area in one.areas]
        return pl.DataFrame(
            rows, {"force": pl.String, "borough_code": pl.String}, orient="row"
        )

    def unfit_areas(self) -> pl.DataFrame:
        """Return `area_kind`, `area_code` and `unfit_why` of what does not fit."""
        rows = [
            (kind, code, one.why)
            for one in self.unfit
            for kind, code in [
                ("force", one.force),
                *(("borough", area) for area in one.areas),
            ]
        ]
        names = ("area_kind", "area_code", "unfit_why")
        return pl.DataFrame(rows, dict.fromkeys(names, pl.String), orient="row")


def load_denominators(path: Path | None = None) -> Denominators:
    """Read what is declared.

    Args:
        path: of the file; the performance framework's own where left out.

    Raises:
        DenominatorsInvalid: with a line for each fault.
        UnreadableYaml: it is missing or is not plain YAML.
    """
    return _read(path or defs_root() / _FILE)


@cache
def _read(path: Path) -> Denominators:
    return load_record(path, Denominators, date.min, DenominatorsInvalid)
