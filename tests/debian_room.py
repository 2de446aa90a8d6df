"""Debian's own PostgreSQL as the managed server of a force, where it is installed."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

_SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@pytest.fixture(scope="session")
def debian_url() -> Iterator[str]:
    """The URL of a server on loopback, of its superuser `edp`; shared."""
    if not _SERVERS:
        pytest.skip("Debian's postgresql is not installed")
    tools = _SERVERS[-1].parent
    # PostgreSQL will not run as root; Debian brings an account for it.
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    user = account.pw_name if account else None
    folder = Path(tempfile.mkdtemp(prefix="edp-postgres-"))
    password = secrets.token_hex(16)
    (folder / "password").write_text(password)
    if account:
        for path in (folder, folder / "password"):
            os.chown(path, account.pw_uid, account.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "data"
    subprocess.run(
        [
            *(tools / "initdb", "-D", data, "-U", "edp", "-A", "scram-sha-256"),
            *(f"--pwfile={folder / 'password'}", "-E", "UTF8"),
        ],
        user=user,
        cwd=folder,
        check=True,
        capture_output=True,
    )
    server = subprocess.Popen(
        [
            *(tools / "postgres", "-D", data, "-p", str(port), "-k", folder),
            *("-h", "127.0.0.1"),
        ],
        user=user,
        cwd=folder,
        stderr=subprocess.DEVNULL,
    )
    url = f"postgresql://edp:{password}@127.0.0.1:{port}/postgres"
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(url).close()
                break
            except psycopg.OperationalError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        yield url
    finally:
        # Fast shutdown: a smart one (SIGTERM) waits for the clients of a failed test.
        server.send_signal(signal.SIGINT)
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)
