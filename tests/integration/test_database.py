"""The server: who it runs as, how it starts, ends and comes back, who may enter it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

import psutil
import psycopg
import pytest

from edp_platform.database.connecting import OWNER, READER, administrator, owner
from edp_platform.database.embedded import EmbeddedServer
from edp_platform.database.failures import (
    AccountUnusable,
    DatabaseUnavailable,
    NotEncrypted,
)
from edp_platform.database.managed import parameters
from edp_platform.database.migrating import latest, migrate, version
from edp_platform.database.passwords import is_of, password_file, password_of
from edp_platform.database.server import Server, running
from edp_platform.home import Home
from tests.serving_room import reachable_folder

_IS_ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not _IS_ROOT, reason="only root hands the server over")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a home, which the server's account may enter."""
    found = reachable_folder()
    yield found
    with suppress(DatabaseUnavailable):
        Server.of(Home.open(date.today(), found)).stop()
    shutil.rmtree(found)


def _servers(folder: Path) -> list[psutil.Process]:
    """Return the servers that run on a home."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            command = process.cmdline()
            ended = process.status() == psutil.STATUS_ZOMBIE
            if command and command[0].endswith("postgres") and not ended:
                found += [process] if str(folder / "postgres/data") in command else []
    return found


def _edp(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "edp_platform.cli", *arguments],
        env={**os.environ, "EDP_HOME": str(folder), **environment},
        cwd=folder.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_runs_without_rights_and_lets_nobody_in_without_a_password(
    serving: Home,
) -> None:
    server = Server.of(serving)
    (process,) = _servers(serving.root)
    data = serving.root / "postgres" / "data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    if _IS_ROOT:
        assert process.username() == "nobody" == data.owner()
        assert (serving.root / "postgres").owner() == "root"
    logs = sorted(EmbeddedServer(serving).logs.glob("*.json"))
    assert logs and all(stat.S_IMODE(one.stat().st_mode) == 0o600 for one in logs)
    listening = {one.laddr.ip for one in process.net_connections() if not one.raddr}
    assert listening == {"127.0.0.1"}

    given = server.sign_in(OWNER) | {"dbname": "edp"}
    assert psycopg.connect(**given).execute("select 1").fetchone() == (1,)
    for password in ("", "guess"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(**(given | {"password": password}))
    kept = password_file(serving, OWNER)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    with administrator(serving) as connection:
        stored = connection.execute(
            "select rolpassword, rolsuper, rolcreaterole, rolbypassrls from pg_authid "
            "where rolname = %s",
            [OWNER],
        ).fetchone()
        assert stored is not None and stored[0].startswith("SCRAM-SHA-256$")
        assert stored[1:] == (False, False, False)
        with pytest.raises(psycopg.Error, match="ALTER SYSTEM"):
            connection.execute("alter system set log_statement = 'all'")
    # No password was ever in what the server logs.
    secret = password_of(serving, OWNER)
    assert not any(secret in one.read_text() for one in logs)


def test_a_password_is_told_by_what_the_server_keeps_of_it() -> None:
    """The exchange of RFC 7677, 3, in PostgreSQL's form."""
    kept = (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
        "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
        ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )
    assert is_of(kept, "pencil")
    assert not is_of(kept, "pencils")
    assert not is_of("md5" + "0" * 32, "pencil")
    assert not is_of("", "")


def test_who_is_granted_nothing_gets_nowhere(serving: Home) -> None:
    given = Server.of(serving).sign_in(OWNER) | {"user": "nobodys_login"}
    with administrator(serving, autocommit=True) as connection:
        for role, has_place in (("edp_owner", True), (READER, False)):
            (found,) = connection.execute(
                "select pg_has_role(%s, 'pg_use_reserved_connections', 'member')",
                [role],
            ).fetchone() or (None,)
            assert found is has_place  # people cannot take every place
        assert connection.execute("show reserved_connections").fetchone() == ("10",)
        connection.execute("create role nobodys_login login password 'x'")
        try:
            for database in ("edp", "dagster", "postgres", "template1"):
                with pytest.raises(psycopg.OperationalError, match="permission denied"):
                    psycopg.connect(**(given | {"password": "x", "dbname": database}))
            connection.execute(f"grant {READER} to nobodys_login")
            with psycopg.connect(
                **(given | {"password": "x", "dbname": "edp"}), autocommit=True
            ) as mine:
                assert mine.execute("select * from publication.current()").fetchall()
                for denied in (
                    "select * from publication.snapshot",
                    "select * from gov.schema_version",
                    "create table public.mine (x int)",
                    "create temp table mine (x int)",
                    "create schema mine",
                ):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        mine.execute(denied)
        finally:
            connection.execute("drop role nobodys_login")


def test_it_comes_back_after_a_kill_with_everything_and_stays_behind_no_command(
    own_serving: Home,
) -> None:
    server = Server.of(own_serving)
    port = server.port
    with owner(own_serving) as connection:
        connection.execute("create table gov.kept as select 7 as seven")
    with running(own_serving):  # another holder's end does not take it from us
        pass
    (process,) = _servers(own_serving.root)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    assert not server.is_running()
    with pytest.raises(DatabaseUnavailable, match="edp database start"):
        owner(own_serving)
    server.start()
    assert server.port == port
    with owner(own_serving) as connection:
        assert connection.execute("select seven from gov.kept").fetchone() == (7,)
    # Migrating again changes nothing.
    assert version(own_serving) == latest() == migrate(own_serving)
    with running(own_serving):
        pass
    assert server.is_running()  # `start` asked to keep it
    server.stop()
    assert not _servers(own_serving.root)


def test_two_starts_at_once_make_one_server_and_two_homes_two(folder: Path) -> None:
    starts = [_edp(folder, "database", "start") for _ in range(2)]
    for one in starts:
        out, error = one.communicate(timeout=60)
        assert one.returncode == 0, out + error
    assert len(_servers(folder)) == 1
    home = Home.open(date.today(), folder)
    told = _edp(folder, "database", "status", "--json")
    assert '"is_running": true' in told.communicate(timeout=60)[0]

    # A copy of the home, the marks of the running server among it.
    port = Server.of(home).port
    Server.of(home).stop()
    marked = folder / "postgres" / "data" / "postmaster.pid"
    with socket.socket() as other:
        # The server's own connections may linger for a minute.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        marked.write_text(f"{os.getpid()}\n{marked.parent}\n0\n{port}\n\n\n\nready\n")
        with running(home) as server:  # neither a taken port nor a stale mark stops it
            assert server.port != port
    done = _edp(folder, "database", "stop")
    assert "not running" in done.communicate(timeout=60)[0]
    assert not _servers(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whoever_is_stopped_leaves_no_server_behind(
    folder: Path, number: signal.Signals
) -> None:
    script = (
        "import sys, time; from datetime import date; from pathlib import Path\n"
        "from edp_platform.database.server import running\n"
        "from edp_platform.home import Home\n"
        "with running(Home.open(date.today(), Path(sys.argv[1]))):\n"
        "    print('up', flush=True); time.sleep(60)\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, folder], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None and holder.stdout.readline() == "up\n"
    (server,) = _servers(folder)
    holder.send_signal(number)
    assert holder.wait(20) != 0
    if number == signal.SIGKILL:  # nobody can clear up then; the next one does
        with running(Home.open(date.today(), folder)):
            assert _servers(folder) == [server]
    assert not _servers(folder)


@as_root
def test_a_home_that_the_account_cannot_reach_is_served_or_refused_unchanged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = Path(tempfile.mkdtemp(prefix="edp-closed-", dir="/root"))
    before = {one: one.stat().st_mode for one in (closed, closed.parent)}
    try:
        home = Home.open(date.today(), closed / "home")
        with monkeypatch.context() as patch:
            patch.setenv("PATH", str(closed))  # no unshare there
            with pytest.raises(AccountUnusable) as refused, running(home):
                pass
        for words in ("nobody", "EDP_HOME", "ordinary user", "EDP_POSTGRES_URL"):
            assert words in str(refused.value)
        assert not _servers(home.root)

        if subprocess.run(["unshare", "--user", "true"], check=False).returncode == 0:
            with running(home), owner(home) as connection:
                (process,) = _servers(home.root)
                # Root's own number, and none of root's capabilities outside.
                text = Path(f"/proc/{process.pid}/uid_map").read_text().split()
                assert text == ["65534", "0", "1"]
                assert connection.execute("select 1").fetchone() == (1,)
            # Moved to where the account may enter, it is handed over to it.
            moved = reachable_folder()
            shutil.copytree(home.root, moved / "home")
            try:
                home = Home.open(date.today(), moved / "home")
                with running(home), owner(home) as connection:
                    (process,) = _servers(home.root)
                    assert process.username() == "nobody"
                    assert connection.execute("select 1").fetchone() == (1,)
            finally:
                shutil.rmtree(moved)
        assert before == {one: one.stat().st_mode for one in before}
    finally:
        shutil.rmtree(closed)


@as_root
@pytest.mark.parametrize(
    ("account", "said"), [("root", "which is root"), ("no-such", "no account no-such")]
)
def test_an_account_with_rights_or_none_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, account: str, said: str
) -> None:
    monkeypatch.setenv("EDP_POSTGRES_ACCOUNT", account)
    with (
        pytest.raises(AccountUnusable, match=said),
        running(Home.open(date.today(), folder)),
    ):
        pass


@pytest.mark.parametrize(
    ("url", "refusal"),
    [
        ("postgresql://u:secret@db.force.uk/postgres", NotEncrypted),
        ("postgresql://u:secret@db.force.uk/postgres?sslmode=prefer", NotEncrypted),
        ("postgresql://u:secret@10.0.0.4/x?sslmode=disable", NotEncrypted),
        ("postgresql://u:secret@127.0.0.1,db.force.uk/x", NotEncrypted),
        ("postgresql://u:secret@localhost/x?hostaddr=10.0.0.4", NotEncrypted),
        ("postgresql:///x?service=secret", DatabaseUnavailable),
        ("postgresql://u:secret@/x", DatabaseUnavailable),
        ("mysql://u:secret@db", DatabaseUnavailable),
        ("postgresql+psycopg2://u:secret@db/x?sslmode=verify-full", None),
        ("postgres://u:secret@db/x?sslmode=require", None),
        ("postgresql://u:secret@localhost/x", None),
        ("postgresql://u:secret@[::1]:5433/x", None),
        ("postgresql://u:secret@127.0.0.2/x", None),
    ],
)
def test_another_machine_is_talked_to_with_tls_alone(
    url: str, refusal: type[Exception] | None
) -> None:
    if refusal is None:
        assert parameters(url)["password"] == "secret"
        return
    with pytest.raises(refusal) as refused:
        parameters(url)
    assert "secret" not in str(refused.value)


def test_every_command_refuses_a_managed_server_without_tls(folder: Path) -> None:
    url = "postgresql://u:secret@192.0.2.1/postgres"
    started = time.monotonic()
    for command in (("database", "start"), ("database", "status"), ("status",)):
        one = _edp(folder, *command, EDP_POSTGRES_URL=url)
        out, error = one.communicate(timeout=60)
        assert one.returncode == 1
        assert "sslmode=verify-full" in error and "secret" not in out + error
    assert time.monotonic() - started < 60  # nothing was waited for: nothing was asked


@pytest.mark.parametrize("which", ["debian", "wheel"])
def test_a_managed_server_takes_the_same_migrations_from_an_ordinary_administrator(
    which: str,
    request: pytest.FixtureRequest,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a cloud: who administers there may make roles and databases, no more."""
    if which == "debian":
        given = parameters(request.getfixturevalue("debian_url"))
    else:
        server = Server.of(request.getfixturevalue("own_serving"))
        given = {**server.administrator(), "dbname": "postgres"}
    with psycopg.connect(**given, autocommit=True) as connection:
        connection.execute(
            "create role cloud_admin login createrole createdb password 'x'"
        )
        connection.execute("grant connect on database postgres to cloud_admin")
        for database in ("edp", "dagster"):
            connection.execute(f"drop database if exists {database} (force)")
        for role in ("edp_owner", "edp_reader", "edp_dagster"):
            connection.execute(f"drop role if exists {role}")
    where = f"{given['host']}:{given['port']}"
    monkeypatch.setenv(
        "EDP_POSTGRES_URL", f"postgresql://cloud_admin:x@{where}/postgres"
    )
    home = Home.open(date.today(), folder)
    try:
        with running(home) as server:
            assert not server.is_embedded and version(home) == latest()
            with owner(home) as mine:
                found = mine.execute(
                    "select tableowner from pg_tables where tablename = 'snapshot'"
                ).fetchall()
            assert found == [(OWNER,)]
            with pytest.raises(DatabaseUnavailable, match="whoever runs it"):
                server.stop()
        assert not (folder / "postgres" / "data").exists()
    finally:
        monkeypatch.delenv("EDP_POSTGRES_URL")
        with psycopg.connect(**given, autocommit=True) as connection:
            for database in ("edp", "dagster"):
                connection.execute(f"drop database if exists {database} (force)")
            for (role,) in connection.execute(
                "select rolname from pg_roles where rolname ~ '^(edp_|cloud_admin)' "
                "and rolname <> current_user order by rolname = 'cloud_admin'"
            ).fetchall():
                connection.execute(f"drop owned by {role}")
                connection.execute(f"drop role {role}")
