"""`edp up`: refuses a port that is taken; loads what lands in its warm process."""

from __future__ import annotations

import shutil
import socket
from datetime import date
from pathlib import Path

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
    watch_landing(Session(Home.open(date.today(), platform.home)), told, rounds=1)
    assert "loaded: police_uk_street" in told.export_text()
    assert platform.rows(
        "select sum(crimes) as crimes from marts.crime_by_month "
        "where month = date '2021-05-01'"
    ) == [{"crimes": 10}]
