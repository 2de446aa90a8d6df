"""`edp up` in a real browser: the lineage is there, and nothing is left behind."""

from __future__ import annotations

import signal
import socket
import time
import urllib.request
from collections.abc import Iterator

import psutil
import pytest

from tests.browser.driven import CHROMIUM, Browser, browser
from tests.integration.conftest import Platform, built, landed  # noqa: F401

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="Debian's chromium is not installed"
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


@pytest.fixture(scope="module")
def signed_in(
    served: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """A browser in which an analyst has signed in."""
    with browser(tmp_path_factory.mktemp("profile")) as page:
        page.open(f"{served}/asset-groups")
        page.wait_for("This is a demonstration")
        page.run("document.querySelector('button[value=analyst]').click()")
        page.wait_for(", viewer.")
        yield page


def test_the_lineage_shows_the_groups(served: str, signed_in: Browser) -> None:
    signed_in.open(f"{served}/asset-groups")
    for group in ("ingestion", "warehouse", "neighbourhood_crime"):
        signed_in.wait_for(group)


def test_a_mart_shows_owner_rows_and_columns(served: str, signed_in: Browser) -> None:
    signed_in.open(f"{served}/assets/marts/crime_by_month?view=overview")
    for word in ("neighbourhood-policing", "Row count", "crimes_without_identifier"):
        signed_in.wait_for(word)
