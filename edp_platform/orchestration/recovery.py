"""Runs that died with their process: fail them, and free what they held.

A killed in-process run stays "started" for ever and keeps its pool slot, so the next
run would wait for a dead one. Every start asks who is still alive.
"""

from __future__ import annotations

import socket

import dagster as dg
import psutil

HOST_TAG = "edp/host"
PID_TAG = "edp/pid"
STARTED_TAG = "edp/process_started"

_UNFINISHED = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING]


def process_tags() -> dict[str, str]:
    """Return the tags by which a later process can tell whether this one lives."""
    process = psutil.Process()
    return {
        HOST_TAG: socket.gethostname(),
        PID_TAG: str(process.pid),
        STARTED_TAG: f"{process.create_time():.2f}",
    }


def is_alive(tags: dict[str, str]) -> bool | None:
    """Say whether the process that a run's tags name lives; None if not ours to say."""
    if tags.get(HOST_TAG) != socket.gethostname() or PID_TAG not in tags:
        return None
    try:
        process = psutil.Process(int(tags[PID_TAG]))
        # A pid is used again; the moment it started is not.
        return abs(process.create_time() - float(tags[STARTED_TAG])) < 1
    except psutil.NoSuchProcess:
        return False


def fail_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Fail every in-process run whose process is gone; return their ids.

    Also frees the slots of runs that finished without giving them back.
    """
    dead = []
    runs = instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED))
    for run in runs:
        if is_alive(dict(run.tags)) is False:
            instance.report_run_failed(
                run, "The process of this run is gone; its work is taken up again."
            )
            dead.append(run.run_id)
    storage = instance.event_log_storage
    for run_id in storage.get_concurrency_run_ids():
        holder = instance.get_run_by_id(run_id)
        if holder is None or holder.is_finished:
            storage.free_concurrency_slots_for_run(run_id)
    return dead


def holders(instance: dg.DagsterInstance, pools: set[str]) -> dict[str, str]:
    """Return pool → id of the run that holds it, of the pools asked about."""
    storage = instance.event_log_storage
    found = {}
    for pool in pools & storage.get_concurrency_keys():
        info = storage.get_concurrency_info(pool)
        if info.active_slot_count:
            found[pool] = sorted(info.active_run_ids)[0]
    return found
