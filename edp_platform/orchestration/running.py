"""Run assets in this process, watched, recorded in Dagster, one writer at a time."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run_iterator

from edp_platform.orchestration.progress import Listener, listening
from edp_platform.orchestration.recovery import fail_dead_runs, holders, process_tags
from edp_platform.orchestration.refusals import WaitedTooLong


@dataclass
class RunOutcome:
    """What a run came to."""

    run_id: str
    succeeded: bool
    checks: list[Any] = field(default_factory=list)
    materialized: set[dg.AssetKey] = field(default_factory=set)
    failures: list[tuple[str, str]] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)

    @property
    def checks_passed(self) -> int:
        """How many checks passed."""
        return sum(1 for check in self.checks if check.passed)

    def checks_failed(self, severity: dg.AssetCheckSeverity) -> list[Any]:
        """Return the failed checks of one severity."""
        return [
            check
            for check in self.checks
            if not check.passed and check.severity == severity
        ]


def run_assets(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    keys: Collection[dg.AssetKey],
    tags: Mapping[str, str],
    *,
    wait_seconds: float,
    told: Listener = lambda what: None,
    waiting: Callable[[str], None] = lambda why: None,
) -> RunOutcome:
    """Run assets and their checks in this process.

    Args:
        definitions: loaded definitions.
        instance: where the run is recorded.
        keys: what to run; upstream first.
        tags: the run's tags, `scope.run_tags` among them.
        wait_seconds: how long to wait for a pool that another run holds.
        told: called with what each step is doing.
        waiting: called with why the run waits, each time it looks.

    Raises:
        WaitedTooLong: a pool stayed held; nothing of this run was done after it.
    """
    job = definitions.resolve_implicit_global_asset_job_def()
    subset = job.get_subset(asset_selection=frozenset(keys))
    recovered = fail_dead_runs(instance)
    _wait_for_pools(instance, _pools(subset), wait_seconds, waiting)
    run = instance.create_run_for_job(
        job_def=subset,
        tags={**tags, **process_tags()},
        asset_selection=frozenset(keys),
        # The summary tells people; every event is in the instance. The console's copy
        # would be hundreds of lines.
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    outcome = RunOutcome(run.run_id, succeeded=False, recovered=recovered)

    def heard(what: str) -> None:
        word, _, key = what.partition(" ")
        if word == "materialized":
            outcome.materialized.add(dg.AssetKey.from_user_string(key))
        else:
            told(what)

    with listening(heard), _bounded_waiting(wait_seconds) as watch:
        try:
            for event in execute_run_iterator(InMemoryJob(subset), run, instance):
                watch(event)
                _note(event, outcome, told)
        except BaseException:
            # Interrupted or out of time: Dagster has told the run; give back its slots.
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            raise
    finished = instance.get_run_by_id(run.run_id)
    outcome.succeeded = bool(finished and finished.is_success)
    return outcome


def _note(event: dg.DagsterEvent, outcome: RunOutcome, told: Listener) -> None:
    if event.is_step_start:
        told(f"start {event.step_key}")
    elif event.is_step_success:
        told(f"done {event.step_key}")
    elif event.is_step_failure:
        outcome.failures.append((str(event.step_key), _why(event)))
        told(f"failed {event.step_key}")
    elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        outcome.checks.append(event.asset_check_evaluation_data)


def _why(event: dg.DagsterEvent) -> str:
    """Return what the step said of its failure: its own words, else the last cause."""
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return str(data.user_failure_data.description).strip()
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return str(error.message).strip() if error is not None else "no reason was given"


def _pools(job: dg.JobDefinition) -> set[str]:
    pools = {getattr(node.definition, "pool", None) for node in job.nodes}
    return {pool for pool in pools if pool}


def _wait_for_pools(
    instance: dg.DagsterInstance,
    pools: set[str],
    wait_seconds: float,
    waiting: Callable[[str], None],
) -> None:
    """Wait, visibly, until no other run holds a pool that this one needs.

    Dagster's in-process executor would wait inside the run without end, and spin.
    """
    deadline = time.monotonic() + wait_seconds
    while held := holders(instance, pools):
        pool, run_id = sorted(held.items())[0]
        why = f"run {run_id[:8]} holds {pool}"
        if time.monotonic() > deadline:
            raise WaitedTooLong(
                f"Waited {wait_seconds:.0f} s and {why} still; nothing of this run was "
                "started. See that run in the Dagster UI, or run again with --wait."
            )
        waiting(why)
        time.sleep(0.5)
        fail_dead_runs(instance)


@contextmanager
def _bounded_waiting(
    seconds: float,
) -> Iterator[Callable[[dg.DagsterEvent], None]]:
    """Bound the wait for a pool that another run took between our look and our step."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda event: None
        return

    def give_up(number: int, frame: FrameType | None) -> None:
        raise WaitedTooLong(
            f"Waited {seconds:.0f} s for a pool that another run holds. What was done "
            "before is kept; run again to go on."
        )

    before = signal.signal(signal.SIGALRM, give_up)

    def watch(event: dg.DagsterEvent) -> None:
        is_blocked = "blocked by limit" in (event.message or "")
        if is_blocked:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        elif event.is_step_start:
            signal.setitimer(signal.ITIMER_REAL, 0)

    try:
        yield watch
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
