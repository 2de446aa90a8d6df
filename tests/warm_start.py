"""`edp` from a process that has its libraries imported already.

Importing Dagster and dbt is half of what a short command costs, and the suites run
hundreds. Each command is a fork of a process that imported libraries and did nothing
else: it has its own environment, folder, output and end, as if started anew. polars and
DuckDB start threads when imported, which a fork would lose, so every child imports them.
"""

from __future__ import annotations

import array
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

_LIBRARIES = (
    "dagster",
    "dagster._core.execution.api",
    "dagster._core.definitions.job_base",
    "dagster._core.storage.event_log.sqlite.sqlite_event_log",
    "dagster_dbt",
    "dbt.cli.main",
    "dbt.parser.manifest",
    "jsonschema",
    "psutil",
    "sqlglot",
    "sqlalchemy",
)


class WarmStart:
    """One such process, and commands forked from it."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._process: subprocess.Popen[bytes] | None = None

    def _start(self) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())],
            env={**self._variables, "OPENBLAS_NUM_THREADS": "1"},
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self._answers = self._ours.makefile("r")

    def run(
        self,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        timeout: float,
    ) -> subprocess.CompletedProcess[str]:
        """Run one command to its end, as `subprocess.run` does with captured text."""
        if self._process is None:
            self._start()
        asked = {"arguments": [*arguments], "env": {**env}, "cwd": str(cwd)}
        with (
            tempfile.TemporaryFile("w+") as told,
            tempfile.TemporaryFile("w+") as wrong,
        ):
            body = json.dumps(asked).encode()
            handles = array.array("i", [told.fileno(), wrong.fileno()]).tobytes()
            self._ours.sendmsg(
                [len(body).to_bytes(8, "big")],
                [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handles)],
            )
            self._ours.sendall(body)
            child = int(self._answers.readline())
            self._ours.settimeout(timeout)
            try:
                code = int(self._answers.readline())
            except TimeoutError:
                os.kill(child, signal.SIGKILL)
                self.close()
                raise subprocess.TimeoutExpired([*arguments], timeout) from None
            self._ours.settimeout(None)
            return subprocess.CompletedProcess(
                [*arguments], code, _text(told), _text(wrong)
            )

    def close(self) -> None:
        """End the process; a command under way is not waited for."""
        if self._process is not None:
            self._ours.close()
            self._process.kill()
            self._process.wait()
            self._process = None


def _text(stream: IO[str]) -> str:
    stream.seek(0)
    return stream.read()


def _serve(channel: socket.socket) -> dict[str, Any] | None:
    """Fork a child for each command; return its command in the child."""
    while True:
        head, control, _, _ = channel.recvmsg(8, socket.CMSG_SPACE(8))
        if not head:
            return None
        handles = array.array("i")
        handles.frombytes(control[0][2][:8])
        body = b""
        size = int.from_bytes(head, "big")
        while len(body) < size:
            body += channel.recv(size - len(body))
        child = os.fork()
        if child == 0:
            channel.close()
            for number, handle in enumerate(handles, start=1):
                os.dup2(handle, number)
                os.close(handle)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            asked: dict[str, Any] = json.loads(body)
            return asked
        for handle in handles:
            os.close(handle)
        channel.sendall(f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        channel.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _main() -> None:
    import importlib

    channel = socket.socket(fileno=int(sys.argv[1]))
    for library in _LIBRARIES:
        importlib.import_module(library)
    import edp_platform.cli

    threads = len([*Path("/proc/self/task").iterdir()])
    if threads != 1:
        raise SystemExit(f"{threads} threads: a fork would lose them")
    asked = _serve(channel)
    if asked is None:
        return
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    sys.argv = ["edp", *asked["arguments"]]
    edp_platform.cli.main()


if __name__ == "__main__":
    _main()
