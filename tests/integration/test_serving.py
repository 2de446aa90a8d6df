"""`edp up`: refuses a port that is taken; loads what lands in its warm process."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from .conftest import Platform


def test_a_port_that_is_taken_is_told(built: Platform) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = built.edp("up", "--port", str(port))
    assert done.returncode == 1
    assert f"port {port} on 127.0.0.1 is taken" in done.stderr


def test_what_lands_is_in_a_mart_without_being_asked(
    built: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edp_platform.home import Home
    from edp_platform.orchestration.serving import watch_landing
    from edp_platform.orchestration.session import Session

    shutil.copytree(built.home, tmp_path / "home")
    platform = Platform(tmp_path / "home", built.sample)
    monkeypatch.setenv("EDP_HOME", str(platform.home))
    source = next((built.sample / "police_uk").glob("*/*-sample-city-street.csv"))
    lines = source.read_text(encoding="utf-8").splitlines()
    late = tmp_path / f"2021-05{source.name[7:]}"
    rows = [line.replace(source.name[:7], "2021-05") for line in lines[1:11]]
    late.write_text("\n".join([lines[0], *rows]) + "\n", encoding="utf-8")
    assert platform.edp("land", str(late)).returncode == 0
    told = Console(record=True, quiet=False, file=(tmp_path / "out").open("w"))
    watch_landing(
        Session(Home.open(date.today(), platform.home)),
        told,
        iter([True, False]).__next__,
    )
    assert "loaded: police_uk_street" in told.export_text()
    assert platform.rows(
        "select sum(crimes) as crimes from marts.crime_by_month "
        "where month = date '2021-05-01'"
    ) == [{"crimes": 10}]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("ending", ["interrupt", "terminate", "web server dies"])
def test_serving_in_the_background_ends_and_leaves_no_process(
    built: Platform, tmp_path: Path, ending: str
) -> None:
    """Started as a shell starts `edp up &`: with SIGINT ignored; and after a load."""
    shutil.copytree(built.home, tmp_path / "home")
    platform = Platform(tmp_path / "home", built.sample)
    source = next((built.sample / "police_uk").glob("*/*-sample-city-street.csv"))
    log = tmp_path / "up.log"
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    command = platform.command("up", "--port", str(_free_port()))
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", ignoring, *command],
            env=platform.variables(),
            stdout=stream,
            stderr=stream,
            cwd=tmp_path,
            start_new_session=True,
        )
    try:
        _wait_for(log, "ready: Dagster UI", process)
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        if ending != "web server dies":
            late = tmp_path / f"2021-05{source.name[7:]}"
            text = source.read_text(encoding="utf-8")
            late.write_text(text.replace(source.name[:7], "2021-05"), encoding="utf-8")
            assert platform.edp("land", str(late)).returncode == 0
            _wait_for(log, "loaded: police_uk_street", process)
        if ending == "web server dies":
            ui = "edp_platform.orchestration.ui"
            next(one for one in children if ui in one.cmdline()).kill()
        else:
            number = signal.SIGINT if ending == "interrupt" else signal.SIGTERM
            os.kill(process.pid, number)
        status = process.wait(60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]
    if ending == "web server dies":
        assert status == 1
        assert "the web server stopped" in log.read_text()
    else:
        assert status == 0
        assert "stopping" in log.read_text()


def _wait_for(log: Path, words: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 240
    while words not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
