"""`edp up` in a real browser: the lineage is there, and nothing is left behind."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.conftest import Platform, built, landed  # noqa: F401

_CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(
    _CHROMIUM is None, reason="Debian's chromium is not installed"
)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def served(built: Platform) -> Iterator[str]:  # noqa: F811
    """The UI of a built home, on a port of its own."""
    port = _free_port()
    serving = built.start("up", "--port", str(port))
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 120
    while True:
        assert serving.poll() is None, serving.communicate()
        try:
            with urllib.request.urlopen(f"{address}/server_info", timeout=2):
                break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.5)
    family = psutil.Process(serving.pid).children(recursive=True)
    assert family
    yield address
    serving.send_signal(signal.SIGINT)
    serving.communicate(timeout=60)
    assert serving.returncode == 0
    _, alive = psutil.wait_procs(family, timeout=15)
    assert alive == []


def _page(address: str, tmp_path: Path) -> str:
    """Return a page's text as a browser shows it after its scripts have run."""
    assert _CHROMIUM is not None
    shown = subprocess.run(
        [
            *(_CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu"),
            *("--disable-quic", "--no-first-run", "--disable-background-networking"),
            *("--disable-component-update", "--disable-sync"),
            f"--user-data-dir={tmp_path / 'profile'}",
            *("--virtual-time-budget=30000", "--window-size=1600,1200", "--dump-dom"),
            address,
        ],
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    return shown.stdout


def test_the_lineage_shows_the_groups(served: str, tmp_path: Path) -> None:
    text = _page(f"{served}/asset-groups", tmp_path)
    for group in ("ingestion", "warehouse", "neighbourhood_crime"):
        assert group in text


def test_a_mart_shows_owner_rows_and_columns(served: str, tmp_path: Path) -> None:
    text = _page(f"{served}/assets/marts/crime_by_month?view=overview", tmp_path)
    for word in ("neighbourhood-policing", "Row count", "crimes_without_identifier"):
        assert word in text
