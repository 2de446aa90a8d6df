"""Which months a run is about, and how it tells Dagster what it materialised.

A run started by `edp` names its months in a tag beside Dagster's range, because they
need not be a range: materialising all of it would mark months as loaded for which
nothing was ever supplied. Its materialisations are then logged one a month, by us
(`dagster/defer_asset_events` keeps Dagster from logging the whole range). A run started
in the UI has partition keys as usual, and Dagster logs them.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.events import (
    DagsterEvent,
    DagsterEventBatchMetadata,
    generate_event_batch_id,
)

from edp_platform.home import FIRST_MONTH
from edp_platform.orchestration.progress import tell

MONTHS_TAG = "edp/months"
REBUILD_TAG = "edp/rebuild"
DEFER_TAG = "dagster/defer_asset_events"
_RANGE_START_TAG = "dagster/asset_partition_range_start"
_RANGE_END_TAG = "dagster/asset_partition_range_end"

#: One definition for every monthly asset, so that one run can take them all. The month
#: in hand is included: calls arrive before it is over.
MONTHS = dg.MonthlyPartitionsDefinition(
    start_date=FIRST_MONTH, fmt="%Y-%m", end_offset=1
)


def run_tags(months: Collection[str], named: bool, this_month: str) -> dict[str, str]:
    """Return the tags of a run of ours.

    Args:
        months: the months it may touch; none for reference sets alone.
        named: whether it is bound to them, or may do all that is due.
        this_month: stands for "none": Dagster wants a range wherever an asset of the
            run is monthly.
    """
    first, last = min(months, default=this_month), max(months, default=this_month)
    return {
        DEFER_TAG: "true",
        _RANGE_START_TAG: first,
        _RANGE_END_TAG: last,
        **({MONTHS_TAG: months_as_text(months)} if named else {}),
    }


def months_as_text(months: Collection[str]) -> str:
    """Write months as ranges: "2015-04...2015-07,2016-06"."""
    numbers = sorted(_number(month) for month in months)
    ranges = []
    for _, group in itertools.groupby(
        enumerate(numbers), key=lambda pair: pair[1] - pair[0]
    ):
        run = [number for _, number in group]
        first, last = _month(run[0]), _month(run[-1])
        ranges.append(first if first == last else f"{first}...{last}")
    return ",".join(ranges)


def months_from_text(text: str) -> list[str]:
    """Read what `months_as_text` wrote; also what people type after `--partitions`.

    Raises:
        ValueError: not months or ranges of months.
    """
    months: set[str] = set()
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        first, dots, last = part.partition("...")
        start, end = _number(first), _number(last if dots else first)
        if end < start:
            raise ValueError(f"{part} ends before it begins")
        months.update(_month(number) for number in range(start, end + 1))
    if not months and text.strip():
        raise ValueError(f"{text} names no month")
    return sorted(months)


def _number(month: str) -> int:
    year, dash, rest = month.partition("-")
    if not (dash and len(year) == 4 and len(rest) == 2 and (year + rest).isdigit()):
        raise ValueError(f"`{month}` is not a month: write YYYY-MM")
    if not 1 <= int(rest) <= 12:
        raise ValueError(f"`{month}` is not a month: write YYYY-MM")
    return int(year) * 12 + int(rest) - 1


def _month(number: int) -> str:
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def requested_months(context: dg.AssetExecutionContext) -> list[str] | None:
    """Return the months the run names, or None where it names none: all that is due."""
    if MONTHS_TAG in context.run.tags:
        return months_from_text(context.run.tags[MONTHS_TAG])
    if context.run.tags.get(DEFER_TAG) == "true":
        return None
    if context.has_partition_key or context.has_partition_key_range:
        return list(context.partition_keys)
    return None


def is_rebuild(context: dg.AssetExecutionContext) -> bool:
    """Whether the run asks for months to be loaded again though nothing changed."""
    return context.run.tags.get(REBUILD_TAG) == "true"


def log_materializations(
    context: dg.AssetExecutionContext,
    key: dg.AssetKey,
    metadata: Mapping[str, Any],
    months: Sequence[tuple[str, Mapping[str, Any]]] | None,
) -> None:
    """Log what a run of ours materialised: one event a changed month, or one in all.

    Args:
        context: of the run; where Dagster logs the run's materialisations, this does
            nothing.
        key: the asset.
        metadata: of the asset as a whole; it goes on the last event, the one the UI
            shows first.
        months: for a monthly asset, the changed months and what is told of each.
    """
    if context.run.tags.get(DEFER_TAG) != "true":
        return
    if months is None:
        told = [dg.AssetMaterialization(key, metadata=metadata)]
    else:
        told = [
            dg.AssetMaterialization(
                key,
                partition=month,
                metadata={**(metadata if at == len(months) - 1 else {}), **own},
            )
            for at, (month, own) in enumerate(months)
        ]
    if told:
        tell(f"materialized {key.to_user_string()}")
    step = context.op_execution_context.get_step_execution_context()
    batch = generate_event_batch_id()
    for at, materialization in enumerate(told):
        # As Dagster logs the partitions of one output: in one write to the database.
        DagsterEvent.asset_materialization(
            step, materialization, DagsterEventBatchMetadata(batch, at == len(told) - 1)
        )
