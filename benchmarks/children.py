"""Run a command in a process of its own and say what it took."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]


class CommandFailed(RuntimeError):
    """A measured command did not succeed; its log says why."""


@dataclass(frozen=True)
class Taken:
    """What a process took: seconds of wall and processor, peak memory in bytes."""

    wall: float
    processor: float
    peak: int


def environment(home: Path | None = None) -> dict[str, str]:
    """Return the environment of an ordinary user's shell, with a home of the platform.

    Without `PYTHONDONTWRITEBYTECODE`, which some machines that build software set:
    every process would then compile a thousand files anew. Without measures and
    forecasts: no script beside it makes any.
    """
    own = {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONDONTWRITEBYTECODE"
        and not name.startswith(("EDP_", "DAGSTER_"))
    }
    own["EDP_LEAVE_OUT"] = "slow,measure_values"
    return own | ({"EDP_HOME": str(home)} if home else {})


def run(
    arguments: Sequence[str | Path],
    log: Path,
    variables: Mapping[str, str] | None = None,
) -> Taken:
    """Run a command from the checkout to its end, its output in `log`.

    Raises:
        CommandFailed: its exit status was not 0.
    """
    with log.open("wb") as stream:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(one) for one in arguments],
            cwd=CHECKOUT,
            env=dict(variables or environment()),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        memory = _PeakMemory(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        name = " ".join(str(one) for one in arguments[:4])
        raise CommandFailed(
            f"{name} … ended with status {process.returncode}, so there is nothing to "
            f"compare. Its output is in {log}."
        )
    return Taken(wall, used.ru_utime + used.ru_stime, memory.peak)


class _PeakMemory:
    """Watches the high-water mark of a process until it is gone.

    Not `ru_maxrss`: that begins with what this process itself once held.
    """

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._status = Path(f"/proc/{pid}/status")
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            try:
                found = re.search(r"VmHWM:\s+(\d+) kB", self._status.read_text())
            except OSError:
                return
            if found:
                self.peak = max(self.peak, int(found[1]) * 1024)
            time.sleep(0.05)


def edp(*arguments: str | Path) -> list[str | Path]:
    """Return the command line of `edp` in this environment."""
    return [sys.executable, "-m", "edp_platform.cli", *arguments]
