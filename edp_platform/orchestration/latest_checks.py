"""How the checks of every asset last came out, as plain values for the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import dagster as dg
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecordStatus as Status,
)

from edp_platform.cataloguing.entries import ChecksSeen
from edp_platform.orchestration.evidence import LONDON


def latest_checks(
    instance: dg.DagsterInstance, keys: Iterable[dg.AssetCheckKey]
) -> dict[str, ChecksSeen]:
    """Return asset (`raw/NAME`, `marts/NAME`) → its checks as they last came out.

    A check that never ran is not counted; one whose run ended before it did, failed.

    Args:
        instance: Dagster's.
        keys: the checks there are.
    """
    storage = instance.event_log_storage
    found: dict[str, ChecksSeen] = {}
    moments: dict[str, float] = {}
    latest = storage.get_latest_asset_check_execution_by_key([*keys])
    for key, record in sorted(latest.items(), key=lambda one: str(one[0])):
        if record is None or record.status is Status.PLANNED:
            continue
        asset = "/".join(key.asset_key.path)
        seen = found.get(asset, ChecksSeen())
        moments[asset] = max(moments.get(asset, 0.0), record.create_timestamp)
        at = datetime.fromtimestamp(moments[asset], LONDON).isoformat(
            timespec="minutes"
        )
        evaluation = record.event.dagster_event if record.event else None
        told = evaluation.asset_check_evaluation_data if evaluation else None
        is_warning = told is not None and told.severity is dg.AssetCheckSeverity.WARN
        if record.status is Status.SUCCEEDED:
            found[asset] = ChecksSeen(seen.passed + 1, seen.warned, seen.failed, at)
        elif is_warning:
            warned = (*seen.warned, key.name)
            found[asset] = ChecksSeen(seen.passed, warned, seen.failed, at)
        else:
            failed = (*seen.failed, key.name)
            found[asset] = ChecksSeen(seen.passed, seen.warned, failed, at)
    return found
