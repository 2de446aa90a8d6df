"""What happened in a sprint, as values: no Dagster, no clock, no file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

#: How a check came out. A warning says that something is wrong which stops nothing.
Outcome = Literal["passed", "warned", "failed"]


@dataclass(frozen=True)
class Materialized:
    """One asset made once (a month of it, where it is monthly).

    Attributes:
        asset: its key, parts joined by "/".
        at: when, with its time zone.
        run_id: of the run.
        partition: the month, or None.
        rows: of the whole asset, where the event says so.
        seconds: what making it took, where the event says so.
    """

    asset: str
    at: datetime
    run_id: str
    partition: str | None = None
    rows: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Checked:
    """One check evaluated once.

    Attributes:
        asset: the asset's key, parts joined by "/".
        check: its name.
        outcome: passed, warned or failed.
        at: when, with its time zone.
        run_id: of the run.
        seconds: what it took, where the event says so.
    """

    asset: str
    check: str
    outcome: Outcome
    at: datetime
    run_id: str
    seconds: float | None = None


@dataclass(frozen=True)
class Step:
    """One step of a run: what it made, when it began and ended.

    Attributes:
        run_id: of the run.
        key: the step's name.
        assets: keys of the assets it was to make.
        began: when.
        seconds: from its start to its end; None where no end is on record (the process
            died).
        succeeded: whether it ended well.
    """

    run_id: str
    key: str
    assets: tuple[str, ...]
    began: datetime
    seconds: float | None
    succeeded: bool


@dataclass(frozen=True)
class RunSeen:
    """One run.

    Attributes:
        run_id: of the run.
        status: as Dagster has it: SUCCESS, FAILURE, CANCELED, STARTED …
        began: when it began, or was made where it never began.
        seconds: from start to end; None where no end is on record.
    """

    run_id: str
    status: str
    began: datetime
    seconds: float | None


@dataclass(frozen=True)
class Change:
    """One change in version control.

    Attributes:
        commit: its hash.
        on: the day.
        subject: its first line.
        files: how many files of the use case it touched.
    """

    commit: str
    on: date
    subject: str
    files: int


@dataclass(frozen=True)
class Evidence:
    """Everything on record between two days, both included.

    Attributes:
        first: first day.
        last: last day.
        runs: that began in these days.
        steps: of those runs.
        materialized: in these days.
        checked: in these days.
        made_before: assets that had been made before `first`.
    """

    first: date
    last: date
    runs: tuple[RunSeen, ...] = ()
    steps: tuple[Step, ...] = ()
    materialized: tuple[Materialized, ...] = ()
    checked: tuple[Checked, ...] = ()
    made_before: frozenset[str] = frozenset()
