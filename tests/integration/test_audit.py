"""The log of s.62 through real connections: a direct query leaves a record, no value.

The made-up force of `tests.access_room`, on one real PostgreSQL with its own log.
"""

from __future__ import annotations

import csv
import io
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from edp_platform.access.applying import apply, grant_columns
from edp_platform.auditing.collecting import BROKER, Collected, collect
from edp_platform.auditing.known import background_of, keep_background
from edp_platform.auditing.raw_log import read_entries
from edp_platform.database.connecting import administrator, as_person, owner
from edp_platform.database.server import Server
from edp_platform.governance.audit import AuditLog, Event
from edp_platform.home import Home
from tests.access_room import MARTS, ROWS, World
from tests.serving_room import reachable_folder, running_home

WORLD = World()
#: What must be nowhere in the log: a name somebody typed.
SECRET = "Zebedee"


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """A server with the two marts, opened as the force declares."""
    for home in running_home():
        declared = WORLD.declared()
        with owner(home) as connection:
            connection.execute("create schema if not exists marts")
            for mart in MARTS.values():
                columns = ", ".join(
                    f"{one.name} {'integer' if one.name == 'n' else 'text'}"
                    for one in mart.columns
                )
                connection.execute(f"create table marts.{mart.name} ({columns})")
                for row in ROWS[mart.name]:
                    places = ", ".join(["%s"] * len(row))
                    connection.execute(
                        f"insert into marts.{mart.name} values ({places})",
                        [*row.values()],
                    )
            grant_columns(connection, "marts")
        with administrator(home) as connection:
            apply(home, connection, declared)
        keep_background(home, background_of(declared, WORLD.facts))
        yield home


def _now() -> datetime:
    return datetime.now(UTC)


def _raw_text(home: Home) -> str:
    logs = Server.of(home).logs  # type: ignore[attr-defined]
    return "".join(path.read_text() for path in sorted(logs.glob("*.json")))


def _collected(home: Home, mark: str, now: datetime | None = None) -> Collected:
    """Collect once the server has written what bears a mark: its log comes later."""
    deadline = time.monotonic() + 20
    while mark not in _raw_text(home):
        assert time.monotonic() < deadline, "the server did not log it"
        time.sleep(0.02)
    return collect(home, now or _now())


def _since(home: Home, count: int) -> list[dict[str, Any]]:
    return [*AuditLog(home).rows()][count:]


def test_a_direct_query_leaves_a_record_and_no_value(home: Home) -> None:
    collect(home, _now())
    before = len(_since(home, 0))
    asked = (
        f"select offence from marts.reports where report_id = '{SECRET}'",
        "select age_band from marts.reports",
        f'select offence as "{SECRET}" from marts.reports where force = "{SECRET}"',
        f"selec '{SECRET}'",
        f"select '{SECRET}",
        "select r.offence from reports as r join counted as c using (force)",
        f"explain select r from reports as r -- {SECRET}",
        f"copy (select offence from reports where force = '{SECRET}') to stdout",
        f"delete from reports where force = '{SECRET}'",
    )
    for one in asked:
        with suppress(psycopg.Error), as_person(home, "ann") as connection:
            connection.execute(one)
    with as_person(home, "ann") as connection:
        connection.execute("select n from counted where force = %s", [SECRET])
    given = Server.of(home).sign_in("ann") | {"password": SECRET, "dbname": "edp"}
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(**given)
    found = _collected(home, "password authentication failed")
    rows = _since(home, before)
    assert found.events == len(rows) and found.source == "jsonlog"
    told = [(row["op"], row["object"], row["outcome"]) for row in rows]
    denied, reports = "refused: InsufficientPrivilege", "marts.reports"
    both = "marts.counted, marts.reports"
    assert told == [
        ("consultation", reports, "done"),
        ("consultation", reports, denied),
        ("consultation", reports, "failed: UndefinedColumn"),
        ("consultation", "no table", "failed: SyntaxError"),
        ("consultation", "no table", "failed: SyntaxError"),
        ("consultation", both, "done"),
        ("combination", both, "done"),
        ("consultation", reports, denied),
        ("consultation", reports, "done"),
        ("disclosure", reports, "done"),
        ("erasure", reports, denied),
        ("consultation", "marts.counted", "done"),
        ("consultation", "serving database", "refused: InvalidPassword"),
    ]
    first = rows[0]
    assert first["columns"] == ["reports.report_id", "reports.offence"]
    assert (first["actor"], first["grant_id"]) == ("ann", "G-ANN-1")
    assert first["dpia_ref"] == "DPIA-crime, DPIA-street"
    assert first["purpose_id"] == "P-STATISTICS" and first["row_count"] is None
    assert first["statement"] == "select offence from marts.reports where report_id = ?"
    assert rows[4]["statement"].startswith("not readable as SQL; keyed hash ")
    assert rows[9]["recipient"] == "ann, as COPY"
    for path in home.audit.rglob("*"):
        assert path.is_dir() or SECRET.lower() not in path.read_text().lower(), path
    # Nothing is read twice, and a record still being written waits for its end.
    assert collect(home, _now()).events == 0
    assert AuditLog(home).verify().is_whole


def test_what_edp_sql_asked_is_not_counted_twice_and_its_name_hides_nobody(
    home: Home,
) -> None:
    log = AuditLog(home)
    collect(home, _now())
    before = len(_since(home, 0))

    def broker(mark: str) -> str:
        with as_person(home, "ann") as connection:
            connection.execute(f"set application_name = '{BROKER}'")
            row = connection.execute(
                "select to_hex(floor(extract(epoch from backend_start))::bigint) || '.' "
                "|| to_hex(pid) from pg_stat_activity where pid = pg_backend_pid()"
            ).fetchone()
            connection.execute(f"select count(n), '{mark}' from counted")
        assert row is not None
        return str(row[0])

    session = broker("mark one")
    log.record(
        Event("consultation", "ann", "P-STATISTICS", "why", "x", session=session),
        _now(),
    )
    broker("mark two")  # psql under that name: no event of edp sql stands for it
    assert _collected(home, "mark two").events == 0
    later = collect(home, _now() + timedelta(hours=2))
    rows = _since(home, before + 1)
    assert later.events == len(rows) == 2
    assert {row["object"] for row in rows} == {"marts.counted", "pg_stat_activity"}
    assert all(row["actor"] == "ann" for row in rows)
    assert collect(home, _now() + timedelta(hours=3)).events == 0


def _csv(*values: str) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def test_the_raw_log_is_for_its_account_alone_and_goes_after_thirty_days(
    home: Home,
) -> None:
    logs = Server.of(home).logs  # type: ignore[attr-defined]
    assert logs.parent.stat().st_mode & 0o077 == 0
    for path in logs.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
    entry = {
        "timestamp": "2026-01-02 10:00:00.000 UTC",
        "user": "bob",
        "session_id": "1.2",
        "line_num": 3,
        "error_severity": "LOG",
        "message": f"statement: select n from counted where force = '{SECRET}'",
    }
    old = logs / "edp-2026-01-02.json"
    old.write_text(json.dumps(entry) + "\n" + '{"cut": "sho')
    days = (_now() - timedelta(days=31)).timestamp()
    os.utime(old, (days, days))
    before = len(_since(home, 0))
    found = collect(home, _now())
    assert found.deleted == (old.name,) and not old.exists()
    assert found.open_to_others == ()
    assert [row["actor"] for row in _since(home, before)] == ["bob"]
    # One that goes before its time, and not by the platform, is told.
    other = logs / "edp-2026-11-01.json"
    other.write_text(json.dumps(entry | {"session_id": "1.3"}) + "\n")
    collect(home, _now())
    other.unlink()
    collect(home, _now())
    last = _since(home, before)[-1]
    assert (last["op"], last["object"]) == ("erasure", f"server log {other.name}")
    assert AuditLog(home).verify().is_whole


def test_a_managed_server_without_its_log_claims_no_more(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any
) -> None:
    given = Server.of(home).administrator()
    url = (
        f"postgresql://{given['user']}:{given['password']}@127.0.0.1:{given['port']}/x"
    )
    monkeypatch.setenv("EDP_POSTGRES_URL", url)
    found = collect(home, _now())
    assert found.source == "brokered" and "does not claim" in found.says
    # With a folder of its csvlog, as pgaudit fills it, direct queries are taken on.
    folder = tmp_path_factory.mktemp("pglogs")
    folder.chmod(0o700)
    text = f"select n\nfrom counted -- {SECRET}"
    record = _csv(
        *("2026-11-22 10:00:00.000 BST", "bob", "edp", "1", "127.0.0.1:1", "9.9", "4"),
        *("SELECT", "2026-11-22 10:00:00 BST", "1/1", "0", "LOG", "00000"),
        f"AUDIT: {_csv('SESSION', '1', '1', 'READ', 'SELECT', '', '', text, 'none')}",
        *("", "", "", "", "", "", "", "", "psql", "client backend", "", "0"),
    )
    (folder / "postgresql.csv").write_text(record + record[:40])
    monkeypatch.setenv("EDP_POSTGRES_LOGS", str(folder))
    found = collect(home, _now())
    assert (found.source, found.events) == ("folder", 1)
    row = [*AuditLog(home).rows()][-1]
    assert row["at_utc"].startswith("2026-11-22T09:00") and row["actor"] == "bob"
    assert row["statement"] == "select n from counted"
    entries, offset = read_entries(folder / "postgresql.csv", 0)
    assert len(entries) == 1 and offset == len(record)


@contextmanager
def _debian(logs: Path) -> Iterator[str]:
    """Debian's own server with its log in a folder, by pgaudit where it is installed."""
    tools = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not tools:
        pytest.skip("Debian's postgresql is not installed")
    by_pgaudit = (tools[-1].parents[1] / "lib" / "pgaudit.so").exists()
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    user = account.pw_name if account else None
    data, word = logs.parent / "data", logs.parent / "word"
    word.write_text("made-up-word")
    if account:
        for path in (logs.parent, word, logs):
            os.chown(path, account.pw_uid, account.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = [tools[-1], "-D", data, "-U", "edp", "-A", "scram-sha-256"]
    subprocess.run(
        [*made, f"--pwfile={word}", "-E", "UTF8"],
        user=user,
        cwd=logs.parent,
        check=True,
        capture_output=True,
    )
    settings = {
        "logging_collector": "on",
        "log_destination": "jsonlog",
        "log_directory": logs,
        **(
            {"shared_preload_libraries": "pgaudit", "pgaudit.log": "read,write"}
            if by_pgaudit
            else {"log_statement": "all"}
        ),
    }
    given = [f"--{name}={value}" for name, value in settings.items()]
    server = subprocess.Popen(
        [
            *(tools[-1].parent / "postgres", "-D", data, "-p", str(port)),
            *("-k", logs.parent, "-h", "127.0.0.1", *given),
        ],
        user=user,
        cwd=logs.parent,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"postgresql://edp:made-up-word@127.0.0.1:{port}/postgres"
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(url).close()
                break
            except psycopg.OperationalError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield url
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


def test_a_direct_query_of_debians_server_leaves_a_record(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = reachable_folder()
    logs = folder / "log"
    logs.mkdir(mode=0o700)
    try:
        with _debian(logs) as url:
            with psycopg.connect(url, autocommit=True) as connection:
                for one in (
                    "create role ann login password 'another-made-up-word'",
                    "create schema marts",
                    "create table marts.counted (month text, force text, n integer)",
                    "grant usage on schema marts to ann",
                    "grant select on marts.counted to ann",
                ):
                    connection.execute(one)
            own = url.replace("edp:made-up-word", "ann:another-made-up-word")
            with psycopg.connect(own) as connection:
                asked = f"select n from marts.counted where force = '{SECRET} D'"
                connection.execute(asked)
        monkeypatch.setenv("EDP_POSTGRES_URL", url)
        monkeypatch.setenv("EDP_POSTGRES_LOGS", str(logs))
        before = len(_since(home, 0))
        found = collect(home, _now())
        assert (found.source, found.open_to_others) == ("folder", ())
        (row,) = _since(home, before)
        assert (row["actor"], row["object"]) == ("ann", "marts.counted")
        assert row["statement"] == "select n from marts.counted where force = ?"
        assert SECRET not in AuditLog(home).path.read_text()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_the_log_is_read_by_those_who_may_and_shows_that_they_did(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edp_platform.cli import app

    monkeypatch.setenv("EDP_HOME", str(home.root))
    monkeypatch.setattr(
        "edp_platform.publishing.readiness.background_now",
        lambda home, today: background_of(WORLD.declared(), WORLD.facts),
    )
    command = CliRunner()
    asked = ["audit", "report", "--person", "ann", "--object", "offence", "--json"]
    refused = command.invoke(app, [*asked, "--as-person", "performance-lead"])
    assert refused.exit_code == 1
    assert [*AuditLog(home).rows()][-1]["outcome"] == "refused: not allowed"
    done = command.invoke(app, [*asked, "--as-person", "dpo"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert rows and {row["actor"] for row in rows} == {"ann"}
    last = [*AuditLog(home).rows()][-1]
    assert (last["actor"], last["object"]) == ("dpo", "audit log")
    assert "person ann" in last["justification"]
    # The same is done each minute while `edp up` serves, and the head noted once a day.
    from edp_platform.components.auditing import keep_up

    said = keep_up(home, _now())
    assert "taken from the server's log" in said and "Head noted in" in said
    assert "Head noted" not in keep_up(home, _now())
    assert command.invoke(app, ["audit", "verify"]).exit_code == 0
