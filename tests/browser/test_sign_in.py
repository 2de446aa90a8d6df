"""Signing in to the Dagster UI in a real browser: a viewer sees, and starts nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from edp_platform.home import Home
from edp_platform.orchestration.session import prepare_dagster_home
from tests.browser.driven import CHROMIUM, browser

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="Debian's chromium is not installed"
)
_CODE = """
import dagster as dg

@dg.asset(group_name="neighbourhood")
def first() -> int:
    return 1

@dg.asset(group_name="neighbourhood")
def second(first: int) -> int:
    return first

defs = dg.Definitions(assets=[first, second])
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The UI as `edp up` starts it, over two small assets."""
    folder = tmp_path_factory.mktemp("sign_in")
    (folder / "code.py").write_text(_CODE)
    place = {"relative_path": "code.py", "location_name": "code"}
    workspace = folder / "workspace.yaml"
    workspace.write_text(json.dumps({"load_from": [{"python_file": place}]}))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("EDP_HOME", "DAGSTER_HOME", "DAGSTER_EVENT_BATCH_SIZE"):
            patch.setenv(name, "1000")  # put back at the end
        prepare_dagster_home(Home.open(date.today(), folder / "home"))
        variables = dict(os.environ)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "edp_platform.orchestration.ui"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--workspace", str(workspace)],
            env=variables,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 120
    try:
        while True:
            assert process.poll() is None, (folder / "log").read_text()
            try:
                with urllib.request.urlopen(f"{address}/server_info", timeout=2):
                    break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 0


def test_a_viewer_sees_the_lineage_and_starts_nothing(
    served: str, tmp_path: Path
) -> None:
    with browser(tmp_path) as page:
        page.open(f"{served}/asset-groups")
        shown = page.wait_for("This is a demonstration")
        assert "Data steward" in shown and "Imran Qadir" in shown
        page.keep(tmp_path / "sign_in.png")
        page.run("document.querySelector('button[value=analyst]').click()")
        page.wait_for("Imran Qadir, viewer.")
        shown = page.wait_for("second")
        assert page.run("location.pathname") == "/asset-groups"
        assert "first" in shown and "Demonstration." in shown
        page.keep(tmp_path / "lineage.png")
        pressed = page.run(
            "[...document.querySelectorAll('button')]"
            ".filter(one => /materiali[sz]e/i.test(one.innerText) && !one.disabled)"
            ".map(one => one.click()).length"
        )
        assert pressed == 0, "a viewer is offered to materialise"
        asked = json.dumps({"query": "mutation { reloadWorkspace { __typename } }"})
        status = page.run(
            "fetch('/graphql', {method: 'POST', body: '" + asked + "', headers: "
            "{'Content-Type': 'application/json'}}).then(answer => answer.status)"
        )
        assert status == 403
        page.open(f"{served}/sign-out")
        page.wait_for("You are signed in as Imran Qadir")
        page.run("document.querySelector('form button').click()")
        page.wait_for("This is a demonstration")
        page.run("document.querySelector('button[value=steward]').click()")
        page.wait_for(", launcher.")
        page.keep(tmp_path / "signed_in.png")
        page.open(f"{served}/asset-groups")
        page.wait_for("Materialize all")
        page.keep(tmp_path / "launcher.png")
