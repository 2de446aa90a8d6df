"""`edp up`: the database, the Dagster UI, its daemon, a warm watch over landing."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from edp_platform.database.ports import is_free
from edp_platform.errors import EXPECTED
from edp_platform.orchestration.served import is_due, is_off, served_among
from edp_platform.orchestration.session import Session, platform_file
from edp_platform.signin.settings import Settings

_READY_SECONDS = 120
_STOP_SECONDS = 15
#: How often the watch looks at landing: one `stat` of one file.
_LOOK_SECONDS = 0.2
#: How long after a load that failed it is tried again.
_AGAIN_SECONDS = 60


def serve(
    session: Session, host: str, port: int, watch: bool, out: Console, err: Console
) -> None:
    """Serve until interrupted or told to stop; leave no process behind.

    Raises:
        NotServable: nobody has said how people sign in, or not whole.
        SystemExit: the port is taken, or the UI does not come up.
    """
    # Read again by the child: a refusal is told here, not in its log.
    Settings.read(os.environ, host)
    if not is_free(host, port):
        err.print(
            f"edp: port {port} on {host} is taken. Stop what holds it, or choose "
            f"another: edp up --port {port + 1}"
        )
        raise SystemExit(1)
    _listen_for_the_end()
    logs = session.home.root / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    workspace = str(platform_file("workspace.yaml"))
    with (
        _database(session, out),
        _child(_webserver(host, port, workspace), logs / "webserver.log") as web,
        _child(_daemon(workspace), logs / "daemon.log") as daemon,
    ):
        _wait_until_ready(f"http://{host}:{port}/server_info", web, logs, err)
        out.print(f"ready: Dagster UI on http://{host}:{port}", highlight=False)
        out.print("Ctrl-C stops everything.")
        try:
            served = {"web server": web, "daemon": daemon}
            publish_if_behind(session, out)
            if watch:
                watch_landing(session, out, lambda: _goes_on(served))
            while _goes_on(served):
                time.sleep(1)
        except KeyboardInterrupt:
            out.print("stopping")
            return
        for name, child in served.items():
            if child.poll() is not None:
                err.print(f"edp: the {name} stopped, so everything stops; see {logs}")
        raise SystemExit(1)


@contextmanager
def _database(session: Session, out: Console) -> Iterator[None]:
    """Have the server of the marts running as long as the rest, unless it is off.

    Raises:
        DatabaseUnavailable: it does not start.
    """
    if is_off():
        yield
        return
    from edp_platform.database.server import running

    with running(session.home) as server:
        # `edp database start` may have been told to keep it: then it stays.
        out.print(f"PostgreSQL on {server.host}:{server.port}", highlight=False)
        yield


def publish_if_behind(session: Session, out: Console) -> None:
    """Serve the published copy, where the server has an older one."""
    if is_off() or not is_due(session.home):
        return
    try:
        keys = served_among(session.graph.get_all_asset_keys())
        outcome = session.run(keys, wait_seconds=600)
    except EXPECTED as error:
        out.print(f"not published: {escape(str(error))}", highlight=False)
        return
    word = "published" if outcome.succeeded else "not published (see the run in the UI)"
    out.print(f"{word}: the marts, to PostgreSQL", highlight=False)


def _goes_on(served: Mapping[str, subprocess.Popen[bytes]]) -> bool:
    _listen_for_the_end()
    return all(child.poll() is None for child in served.values())


def _listen_for_the_end() -> None:
    """Take both signals, however the caller set them, and again after each run.

    A shell starts what it puts in the background with SIGINT ignored, and Dagster puts
    back after a run, for both signals, the handler it found for SIGINT.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def watch_landing(
    session: Session, out: Console, goes_on: Callable[[], bool] = lambda: True
) -> None:
    """Load what lands, in this warm process: definitions and libraries stay loaded.

    What could not be loaded is tried again after a minute, and when more lands.

    Args:
        session: kept for the whole watch, unless contracts or records change.
        out: told of each load.
        goes_on: asked before each look; the watch ends when it says no.
    """
    marker = session.home.landing / "changed"
    seen: int | None = None
    tried_at = -math.inf
    is_done = True
    _ = session.graph
    while goes_on():
        time.sleep(_LOOK_SECONDS)
        stamp = marker.stat().st_mtime_ns if marker.exists() else None
        again = not is_done and time.monotonic() - tried_at > _AGAIN_SECONDS
        if stamp != seen or again:
            seen, tried_at = stamp, time.monotonic()
            try:
                session = session.renewed()
                is_done = _load_due(session, out)
            except EXPECTED as error:
                is_done = False
                out.print(f"not loaded: {escape(str(error))}", highlight=False)


def _load_due(session: Session, out: Console) -> bool:
    """Load what is due; say whether nothing of it is left to do."""
    due = session.due(after_landing=True)
    if not due.keys:
        return True
    started = time.monotonic()
    outcome = session.run(due.keys, wait_seconds=600, months=due.months)
    seconds = time.monotonic() - started
    raw = sorted(key.path[-1] for key in due.keys if key.path[0] == "raw")
    word = "loaded" if outcome.succeeded else "failed (see the run in the UI)"
    out.print(
        f"{word}: {', '.join(raw) or 'models'} in {seconds:.1f} s", highlight=False
    )
    return bool(outcome.succeeded)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _webserver(host: str, port: int, workspace: str) -> list[str]:
    return [
        *(sys.executable, "-m", "edp_platform.orchestration.ui"),
        *("--host", host, "--port", str(port), "--workspace", workspace),
    ]


def _daemon(workspace: str) -> list[str]:
    return [sys.executable, "-m", "dagster._daemon", "run", "--workspace", workspace]


@contextmanager
def _child(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a child in a session of its own, so that its own children go with it."""
    with log.open("ab") as stream:
        process = subprocess.Popen(
            command,
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number, patience in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # a grandchild that outlived it


def _wait_until_ready(
    url: str, web: subprocess.Popen[bytes], logs: Path, err: Console
) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    with err.status("starting the Dagster UI"):
        while time.monotonic() < deadline and web.poll() is None:
            try:
                with urllib.request.urlopen(url, timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.3)
    err.print(f"edp: the Dagster UI did not start; its log is {logs / 'webserver.log'}")
    raise SystemExit(1)
