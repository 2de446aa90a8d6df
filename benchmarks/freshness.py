"""From a file landing to the published mart that holds it, as `edp up` serves."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import duckdb

from benchmarks.children import CHECKOUT, CommandFailed, edp, environment, run
from edp_platform.datasets import DataSets
from edp_platform.home import Home
from edp_platform.ingestion.land import LandingOptions, land
from edp_platform.publishing.snapshot import current

_READY_SECONDS = 180


@contextmanager
def served(home: Path, log: Path, watch: bool) -> Iterator[None]:
    """Serve a home with `edp up` until the block ends.

    Args:
        home: a built home.
        log: where its output goes.
        watch: whether the warm process watches landing; else the daemon's sensor does.
    """
    port = _free_port()
    # The published copy is what is timed; its way on to PostgreSQL is another figure.
    variables = environment(home) | {"EDP_SERVING": "off"}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            edp("up", "--port", str(port), "--watch" if watch else "--no-watch"),
            cwd=CHECKOUT,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_ready(process, port, log)
        if not watch:
            _start_sensor(variables | {"DAGSTER_HOME": str(home / "dagster")}, log)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()


def seconds_until_fresh(
    home_folder: Path, files: Sequence[Path], patience: float
) -> list[float]:
    """Land files one by one; return how long each took to stand in the published mart.

    Args:
        home_folder: a home that is being served.
        files: street files of a month and force that the home does not hold yet.
        patience: seconds to wait for one.

    Raises:
        CommandFailed: a file was refused, or not published in time.
    """
    home = Home.open(date.today(), home_folder)
    data_sets = DataSets.load(home)
    taken = []
    for file in files:
        month, force = file.name[:7], file.name[8:].removesuffix("-street.csv")
        options = LandingOptions(None, None, None)
        started = time.perf_counter()
        now = datetime.now().astimezone()
        (outcome,) = land(home, data_sets, [str(file)], options, now)
        if outcome.outcome != "landed":
            raise CommandFailed(f"{file.name} was not landed: {outcome.reason}")
        before = current(home).id
        while True:
            if time.perf_counter() - started > patience:
                raise CommandFailed(
                    f"{file.name} was not in the published mart after {patience:.0f} s"
                )
            snapshot = current(home)
            if snapshot.id != before and _holds(snapshot.path, month, force):
                break
            time.sleep(0.02)
        taken.append(time.perf_counter() - started)
        time.sleep(0.5)
    return taken


def _holds(published: Path, month: str, force: str) -> bool:
    with duckdb.connect(str(published), read_only=True) as connection:
        found = connection.execute(
            "select count(*) from marts.crime_by_month where month = ? and force = ?",
            [date.fromisoformat(f"{month}-01"), force],
        ).fetchone()
    return bool(found and found[0])


def _start_sensor(variables: dict[str, str], log: Path) -> None:
    command = [sys.executable, "-m", "dagster", "sensor", "start", "landing"]
    run([*command, "-w", "workspace.yaml"], log.with_suffix(".sensor.log"), variables)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{port}/server_info", timeout=2
            ):
                # The watch looks once at once; let it find nothing to do.
                time.sleep(5)
                return
        except OSError:
            time.sleep(0.3)
    raise CommandFailed(f"edp up did not come up; its output is in {log}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def load_now() -> float:
    """Return the load of the last minute."""
    return os.getloadavg()[0]
