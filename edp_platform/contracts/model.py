"""What a contract says, as frozen values the rest of the platform reads."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

#: Columns that ingestion adds to every row of every data set, in this order. They say
#: where a row came from and are about files, not people, so no DPIA need name them.
PLATFORM_COLUMNS: dict[str, tuple[str, str]] = {
    "source_file": (
        "string",
        "First 12 hex digits of the SHA-256 of the file this row came in.",
    ),
    "source_line": ("integer", "Line of that file, 1-based; the header is line 1."),
    "release_date": ("date", "When the publisher released that file."),
    "is_exact_repeat": (
        "boolean",
        "Repeats, in every received column, an earlier row of its file, and was kept "
        "because it carries no identifier.",
    ),
    "shares_identifier": (
        "boolean",
        "Another row of its file carries the same identifier but differs.",
    ),
}

#: Raise it when a cleansing rule gives another value: the months it touched become due.
CLEANSING_VERSION = 1

#: Arguments of `invalidValues` that rule 14 asks (NPCC Minimum POLE Data Standards):
#: they compare columns, look at the landing day or know pseudo postcodes.
POLE_ARGUMENTS: frozenset[str] = frozenset({"notAfter", "notBefore", "postcode"})
#: What `notAfter` may name instead of a column: the day the file landed.
LANDING_DAY = "landing"


@dataclass(frozen=True)
class KnownValue:
    """One value a column is known to take: as received, harmonised, and when."""

    value: str
    label: str
    grouping: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None


@dataclass(frozen=True)
class QualityRule:
    """One rule on a column. An `error` quarantines the row; a `warning` counts it."""

    metric: str
    dimension: str
    severity: str
    arguments: dict[str, Any]

    @property
    def is_pole(self) -> bool:
        """Whether it is one of the national standards' (rule 14), not of one column."""
        return not POLE_ARGUMENTS.isdisjoint(self.arguments)


@dataclass(frozen=True)
class Column:
    """One column of a data set, named as the lake names it."""

    name: str
    physical_name: str
    logical_type: str
    description: str
    required: bool = False
    primary_key: bool = False
    classification: str | None = None
    identifier_class: str | None = None
    protected_characteristic: str | None = None
    unit: str | None = None
    date_format: str | None = None
    decimal_separator: str = "."
    flag_outside: tuple[float, float] | None = None
    from_file_name: str | None = None
    matches_file_name: str | None = None
    from_coordinates: dict[str, str] | None = None
    code_list: str | None = None
    pole_ref: str | None = None
    s38_role: str | None = None
    cleansing: tuple[str, ...] = ()
    known_values: tuple[KnownValue, ...] = ()
    rules: tuple[QualityRule, ...] = ()

    @property
    def is_category(self) -> bool:
        """Whether it says what a person is to an event (DPA 2018 s.38(3))."""
        return self.s38_role == "category"

    @property
    def is_received(self) -> bool:
        """Whether the column stands in the file (not derived by ingestion)."""
        return self.from_file_name is None and self.from_coordinates is None


@dataclass(frozen=True)
class Contract:
    """One data set's contract. `data_set` is the folder's name, used everywhere."""

    path: Path
    data_set: str
    id: str
    version: str
    status: str
    name: str
    purpose: str
    limitations: str
    owners: tuple[str, ...]
    columns: tuple[Column, ...]
    granularity: str
    regime: str
    dpia_ref: str
    purposes: tuple[str, ...]
    retention_rule: str
    file_patterns: tuple[str, ...]
    identity: tuple[str, ...]
    is_monthly: bool
    month_from: str | None
    supplier: str
    licence: str | None
    attribution: str | None
    freshness_days: float | None
    series_breaks: tuple[dict[str, Any], ...]
    partial_supply: tuple[dict[str, Any], ...]
    fingerprint: str

    @property
    def major(self) -> int:
        """The major version: a DPIA covers one major version of a contract."""
        return int(self.version.split(".")[0])

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """The names of the contract's columns, in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def received(self) -> tuple[Column, ...]:
        """The columns that stand in the received file, in order."""
        return tuple(column for column in self.columns if column.is_received)

    @cached_property
    def primary_key(self) -> tuple[str, ...]:
        """The columns that identify a row, or nothing."""
        return tuple(column.name for column in self.columns if column.primary_key)

    @cached_property
    def is_cleansed(self) -> bool:
        """Whether any column names a cleansing rule."""
        return any(column.cleansing for column in self.columns)

    @cached_property
    def file_name_expressions(self) -> tuple[re.Pattern[str], ...]:
        """The file patterns as expressions over a base name, with named groups."""
        return tuple(_expression(pattern) for pattern in self.file_patterns)

    @cached_property
    def loading_fingerprint(self) -> str:
        """What of the contract shapes loaded rows, as 16 hex digits.

        A better description must not make ten years of months due again.
        """
        shape = [
            self.identity,
            self.is_monthly,
            self.month_from,
            [
                (
                    column.name,
                    column.physical_name,
                    column.logical_type,
                    column.required,
                    column.primary_key,
                    column.date_format,
                    column.decimal_separator,
                    column.from_file_name,
                    column.matches_file_name,
                    column.from_coordinates,
                    # Only where there is one: the other data sets stay as loaded.
                    *([column.s38_role] if column.s38_role else []),
                    [rule for rule in column.rules if rule.severity == "error"],
                )
                for column in self.columns
            ],
        ]
        cleansing = [(one.name, one.cleansing) for one in self.columns if one.cleansing]
        if cleansing:
            # Only then: data sets without it keep the fingerprint they always had.
            shape.append((CLEANSING_VERSION, cleansing))
        return hashlib.sha256(repr(shape).encode()).hexdigest()[:16]

    def column(self, name: str) -> Column:
        """Return one column.

        Raises:
            KeyError: the contract has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.data_set} has no column {name}")


def _expression(pattern: str) -> re.Pattern[str]:
    base_name = pattern.rsplit("/", 1)[-1]
    groups = {
        "{month}": r"(?P<month>\d{4}-(?:0[1-9]|1[0-2]))",
        "{force}": r"(?P<force>[a-z][a-z0-9]*(?:-[a-z0-9]+)*?)",
        "*": r".*",
    }
    pieces = re.split(r"(\{month\}|\{force\}|\*)", base_name)
    body = "".join(groups.get(piece, re.escape(piece)) for piece in pieces)
    return re.compile(body + r"\Z", re.IGNORECASE)
