"""The monthly review: worked out for everybody, kept as the list `rrd_due`."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from edp_platform.files import replacing
from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.retention.computing import REASONS, review
from edp_platform.retention.inputs import read_inputs
from edp_platform.retention.schedule import read_schedule
from edp_platform.told import Told


class ScheduleUnclear(Told):
    """The schedule names an event that the platform does not know."""


def review_now(home: Home, registers: Registers, today: date) -> pl.DataFrame:
    """Work out what is due of everybody; see `computing.review`.

    Raises:
        NothingToReview: a data set that the review needs holds no rows.
        ScheduleUnclear: a rule is reset by an event that nothing here recognises, so
            it would never count and somebody would go too early.
    """
    schedule = read_schedule(registers)
    unknown = schedule.unknown_resets()
    if unknown:
        raise ScheduleUnclear(
            f"The retention schedule names resets that are not known: "
            f"{'; '.join(unknown)}. Until they are, nobody is reviewed. Use the words of "
            "edp_platform/retention/schedule.py, or add the kind of event there."
        )
    return review(read_inputs(home), schedule, today)


def keep_list(home: Home, reviewed: pl.DataFrame) -> Path:
    """Keep the review as `EDP_HOME/retention/due.parquet`; it names persons.

    Raises:
        WriteFailed: the disk is full or read-only.
    """
    path = home.retention / "due.parquet"
    with replacing(path) as temporary:
        reviewed.write_parquet(temporary)
        temporary.chmod(0o600)
    return path


def counted(reviewed: pl.DataFrame, today: date) -> dict[str, Any]:
    """Return a review in numbers: nobody is named.

    Returns:
        `persons`, `by_state` (state → persons), `by_rule` (rule → state → persons),
        `exceptions` (reason → persons; one may have several), and `overdue`: persons
        due for more than 31 days, a month's review missed.
    """
    by_rule: dict[str, Counter[str]] = {}
    for rule, state, count in reviewed.group_by("rule", "state").len().iter_rows():
        by_rule.setdefault(rule or "none", Counter())[state] += count
    reasons = reviewed.explode("exceptions").drop_nulls("exceptions")
    counted_reasons = dict(reasons.group_by("exceptions").len().iter_rows())
    due_on = pl.min_horizontal(
        pl.when(pl.col(name) <= today).then(pl.col(name))
        for name in ("review_on", "disposal_on")
    )
    late = reviewed.filter(
        pl.col("state").is_in(["review_due", "disposal_due"])
        & ((pl.lit(today) - due_on).dt.total_days() > 31)
    )
    return {
        "persons": reviewed.height,
        "by_state": dict(reviewed.group_by("state").len().sort("state").iter_rows()),
        "by_rule": {rule: dict(each) for rule, each in sorted(by_rule.items())},
        "exceptions": {
            reason: counted_reasons.get(reason, 0)
            for reason in REASONS
            if counted_reasons.get(reason)
        },
        "overdue": late.height,
    }
