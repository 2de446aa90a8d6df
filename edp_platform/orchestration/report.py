"""Run, watch, and tell a person (or a script) what came of it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from edp_platform.consoles import console
from edp_platform.files import read_json
from edp_platform.home import Home
from edp_platform.orchestration.session import Session

_HEADS = {
    "landed": "landed",
    "loaded": "loaded",
    "quarantined": "bad",
    "set_aside": "repeats",
    "superseded": "replaced",
    "waiting": "waiting",
    "disposed": "disposed",
    "restricted": "restricted",
}
#: How often a run that waits says so again where there is no terminal.
_WAIT_LINE_SECONDS = 30
#: What the keys of dbt models begin with.
_MODEL_LAYERS = ("staging", "intermediate", "facts", "marts")
#: Columns shown only where a run has such rows.
_SELDOM = ("disposed", "restricted")


@dataclass(frozen=True)
class Request:
    """What a person asked to run.

    Attributes:
        keys: assets to run.
        refused: assets the gate refuses: run first and alone, so that the refusal is a
            failed check on record and the others do not wait for it.
        months: the months in question.
        named: whether the run is bound to these months.
        rebuild: load again what stands unchanged.
    """

    keys: Collection[Any]
    refused: Collection[Any] = ()
    months: Collection[str] = ()
    named: bool = False
    rebuild: bool = False


def run_and_report(
    session: Session, request: Request, wait_seconds: float, as_json: bool
) -> bool:
    """Run assets, show progress, print a summary; return whether all was done.

    With `as_json`, prints one JSON object and no progress.
    """
    out, err = console(), console(stderr=True, quiet=as_json)
    started = time.monotonic()
    outcomes = []
    for keys in (request.refused, request.keys):
        if keys:
            with _watched(err, len(_steps(keys))) as (told, waiting):
                outcome = session.run(
                    keys,
                    wait_seconds,
                    months=request.months,
                    named=request.named,
                    rebuild=request.rebuild,
                    told=told,
                    waiting=waiting,
                )
            outcomes.append(outcome)
    told = _summary(session, outcomes, time.monotonic() - started)
    if as_json:
        print(json.dumps(told, default=str))
    else:
        _show(out, told)
    return bool(told["is_good"])


def _steps(keys: Collection[Any]) -> set[str]:
    """Return the steps of a run: all models are one, everything else is one each."""
    return {
        "warehouse" if key.path[0] in _MODEL_LAYERS else "/".join(key.path)
        for key in keys
    }


@contextmanager
def _watched(console: Console, steps: int) -> Iterator[Any]:
    """Show what a run does: a bar on a terminal, else a line a step (cron, CI)."""
    if not console.is_terminal:
        yield _in_lines(console, steps)
        return
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} steps"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[doing]}"),
        console=console,
        transient=True,
    )
    with progress:
        task = progress.add_task("running", total=steps, doing="")

        def told(what: str) -> None:
            word, _, rest = what.partition(" ")
            if word in ("done", "failed"):
                progress.advance(task)
            progress.update(task, doing=rest if word == "start" else what)

        def waiting(why: str) -> None:
            progress.update(task, description="waiting", doing=why)

        yield told, waiting


def _in_lines(console: Console, steps: int) -> tuple[Any, Any]:
    started, done, last_wait = time.monotonic(), 0, -math.inf

    def line(text: str) -> None:
        seconds = time.monotonic() - started
        console.print(f"{seconds:6.1f} s  {text}", highlight=False, soft_wrap=True)

    def told(what: str) -> None:
        nonlocal done
        word, _, rest = what.partition(" ")
        if word in ("done", "failed"):
            done += 1
            line(f"{done}/{steps} {word} {rest}")

    def waiting(why: str) -> None:
        nonlocal last_wait
        now = time.monotonic()
        if now - last_wait >= _WAIT_LINE_SECONDS:
            last_wait = now
            line(f"waiting: {why}")

    return told, waiting


def _summary(session: Session, outcomes: list[Any], seconds: float) -> dict[str, Any]:
    import dagster as dg

    rows = _rows(session.home, outcomes)
    failed = [
        {
            "asset": check.asset_key.to_user_string(),
            "check": check.check_name,
            "severity": check.severity.value,
        }
        for outcome in outcomes
        for severity in (dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN)
        for check in outcome.checks_failed(severity)
    ]
    failures = [
        {"step": step, "why": why}
        for outcome in outcomes
        for step, why in outcome.failures
    ]
    set_aside = [
        {"folder": str(one.folder), "error": one.error} for one in session.set_aside
    ]
    succeeded = all(outcome.succeeded for outcome in outcomes)
    errors = [one for one in failed if one["severity"] == "ERROR"]
    return {
        "is_good": succeeded and not errors and not set_aside,
        "runs": [outcome.run_id for outcome in outcomes],
        "recovered_runs": [one for outcome in outcomes for one in outcome.recovered],
        "seconds": round(seconds, 1),
        "materialized": len({key for one in outcomes for key in one.materialized}),
        "rows": rows,
        "checks_passed": sum(outcome.checks_passed for outcome in outcomes),
        "checks_failed": failed,
        "failures": failures,
        "set_aside": set_aside,
    }


def _rows(home: Home, outcomes: list[Any]) -> dict[str, dict[str, int]]:
    """Add up the accounts of the data sets that ran."""
    names = sorted(
        {
            key.path[-1]
            for outcome in outcomes
            for key in outcome.materialized
            if key.path[0] == "raw"
        }
    )
    found = {}
    for name in names:
        totals = dict.fromkeys(_HEADS, 0)
        for path in (home.reconciliation / name).glob("*.json"):
            if not path.name.endswith(".ledger.json"):
                account = read_json(path)
                for field in _HEADS:
                    totals[field] += account[field]
        found[name] = totals
    return found


def _show(out: Console, told: dict[str, Any]) -> None:
    if told["recovered_runs"]:
        out.print(
            f"{len(told['recovered_runs'])} runs had died with their process; their "
            "work was taken up again."
        )
    if told["rows"]:
        sums = {
            field: sum(each[field] for each in told["rows"].values())
            for field in _HEADS
        }
        shown = [field for field in _HEADS if sums[field] or field not in _SELDOM]
        table = Table("data set", *(_HEADS[field] for field in shown))
        for name, totals in told["rows"].items():
            table.add_row(name, *(f"{totals[field]:,}" for field in shown))
        table.add_section()
        table.add_row("all", *(f"{sums[field]:,}" for field in shown))
        out.print(table)
    errors = [one for one in told["checks_failed"] if one["severity"] == "ERROR"]
    warned = [one for one in told["checks_failed"] if one["severity"] == "WARN"]
    if not told["runs"]:
        out.print("Everything is up to date; nothing was run.")
    else:
        out.print(
            f"{told['materialized']} asset{'s' * (told['materialized'] != 1)} "
            f"materialised in {told['seconds']} s; "
            f"checks: {told['checks_passed']} passed, {len(errors)} failed, "
            f"{len(warned)} warned."
        )
    for one in warned:
        out.print(f"  [yellow]warned[/] {one['asset']}: {one['check']}")
    for one in errors:
        out.print(f"  [red]failed[/] {one['asset']}: {one['check']}")
    for failure in told["failures"]:
        out.print(
            f"  [red]failed[/] {failure['step']}: {escape(failure['why'])}",
            soft_wrap=True,
            highlight=False,
        )
    for one in told["set_aside"]:
        out.print(
            f"  [red]set aside[/] {one['folder']}: {escape(one['error'])}",
            soft_wrap=True,
            highlight=False,
        )
    if told["runs"]:
        out.print(
            "Where to look: edp status; "
            'edp sql "select * from marts.crime_by_month limit 5"; '
            "edp up for the Dagster UI."
        )
