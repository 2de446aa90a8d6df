"""Headless Chromium, driven: pages that need a click or a cookie before they are seen."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium")
_PATIENCE_SECONDS = 60


class Browser:
    """One page of a browser, over the DevTools protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = count(1)

    def ask(self, method: str, **params: Any) -> Any:
        """Give one command and return its answer."""
        number = next(self._numbers)
        asked = {"id": number, "method": method, "params": params}
        self._socket.send(json.dumps(asked))
        while True:
            answer = json.loads(self._socket.recv(_PATIENCE_SECONDS))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def run(self, script: str) -> Any:
        """Run a script in the page and return what it comes to."""
        answer = self.ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def open(self, address: str) -> None:
        """Go to an address."""
        self.ask("Page.navigate", url=address)

    def wait_for(self, words: str) -> str:
        """Wait until the page shows these words; return all that it shows."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while words not in (shown := self.run("document.body?.innerText ?? ''")):
            assert time.monotonic() < deadline, shown
            time.sleep(0.1)
        return str(shown)

    def keep(self, path: Path) -> None:
        """Write what the page looks like."""
        shot = self.ask("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start one with a profile of its own, and stop it."""
    assert CHROMIUM is not None
    process = subprocess.Popen(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu"),
            *("--disable-quic", "--no-first-run", "--disable-background-networking"),
            *("--disable-component-update", "--disable-sync"),
            f"--user-data-dir={folder / 'profile'}",
            *("--remote-debugging-port=0", "--window-size=1600,1200", "about:blank"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        told = folder / "profile" / "DevToolsActivePort"
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not told.exists() or not told.read_text().strip():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        port = told.read_text().split()[0]
        pages = httpx.get(f"http://127.0.0.1:{port}/json/list").json()
        page = next(one for one in pages if one["type"] == "page")
        with connect(page["webSocketDebuggerUrl"], max_size=None) as socket:
            yield Browser(socket)
    finally:
        process.terminate()
        process.wait(20)
