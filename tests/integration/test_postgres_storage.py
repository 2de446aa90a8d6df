"""Dagster's storage in a real PostgreSQL, where `EDP_POSTGRES_URL` names one."""

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

import psycopg2
import pytest

from .conftest import Platform

_SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
pytestmark = pytest.mark.skipif(
    not _SERVERS, reason="Debian's postgresql is not installed"
)


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    """A server of this test's own, on loopback, with a password."""
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
                psycopg2.connect(url).close()
                break
            except psycopg2.OperationalError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        yield url
    finally:
        # Fast shutdown: a smart one (SIGTERM) waits for the clients of a failed test.
        server.send_signal(signal.SIGINT)
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def test_runs_are_kept_in_postgresql(fresh: Platform, postgres_url: str) -> None:
    fresh.environment["EDP_POSTGRES_URL"] = postgres_url
    shutil.rmtree(fresh.home / "dagster" / "history", ignore_errors=True)
    done = fresh.edp("run", "police_uk_street", "borough_profiles", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    with psycopg2.connect(postgres_url) as connection, connection.cursor() as cursor:
        cursor.execute("select status from runs")
        assert cursor.fetchall() == [("SUCCESS",)]
        cursor.execute(
            "select count(distinct partition) from event_logs "
            "where dagster_event_type = 'ASSET_MATERIALIZATION' "
            """and asset_key = '["raw", "police_uk_street"]'"""
        )
        (months,) = cursor.fetchone() or (0,)
    held = list((fresh.home / "raw" / "police_uk_street").glob("month=2*"))
    assert months == len(held) > 0
    assert not (fresh.home / "dagster" / "history" / "runs").exists()
