"""What people asked the server directly, taken from its own log into the chain.

The server's log holds statements with their values, so only its account may read it and
it is deleted after thirty days. The chain gets who, when, which tables and columns, and
the outcome. A position per file is remembered, so that nothing is read twice; what was
asked by `edp sql` is on the chain already, by the session it was asked in.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from edp_platform.auditing.events import Look, events_of
from edp_platform.auditing.known import (
    NO_PURPOSE,
    Background,
    keep_background,
    kept_background,
)
from edp_platform.auditing.raw_log import Entry, read_entries
from edp_platform.auditing.statements import read_statement
from edp_platform.database.connecting import DAGSTER_ROLE, OWNER
from edp_platform.database.embedded import ADMINISTRATOR, EmbeddedServer
from edp_platform.database.server import Server
from edp_platform.files import read_json, write_json
from edp_platform.governance.audit import AuditLog, Event
from edp_platform.governance.subject_keys import SubjectKey
from edp_platform.home import Home
from edp_platform.told import Told

#: A folder of a managed server's csvlog or jsonlog.
SETTING = "EDP_POSTGRES_LOGS"
#: The name under which `edp sql` signs in.
BROKER = "edp sql"
#: How long the server's log may stand.
RAW_LOG_DAYS = 30
#: Longer than any query may run: then what `edp sql` asked is on the chain, or it was
#: killed before.
_PENDING = timedelta(hours=1)
_REMEMBERED = timedelta(days=2)
#: The platform itself: what it publishes and deletes it logs where it does so.
_PLATFORM = frozenset({OWNER, ADMINISTRATOR, DAGSTER_ROLE})
_PROGRAMS = re.compile(r"psql|pgAdmin|Power BI|Mashup|DBeaver|Tableau", re.IGNORECASE)


class LogUnreadable(Told):
    """The server's log cannot be taken on; the message says why."""


@dataclass(frozen=True)
class Collected:
    """What one look at the server's log brought.

    Attributes:
        source: "jsonlog", "folder", or "brokered" where there is no log to read.
        events: how many were added.
        deleted: raw logs that were old enough to delete.
        open_to_others: raw logs that more than their owner can read.
    """

    source: str
    events: int = 0
    deleted: tuple[str, ...] = ()
    open_to_others: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        """What is logged of direct queries, for people."""
        if self.source == "brokered":
            return (
                "Only what goes through edp sql is on the log: this server is somebody "
                f"else's, and {SETTING} names no folder of its csvlog or jsonlog. What "
                "people ask it directly is not here, and the platform does not claim it."
            )
        return "Direct queries are taken from the server's log."


@dataclass
class _State:
    """What is remembered from one look to the next."""

    files: dict[str, int] = field(default_factory=dict)
    brokered: dict[str, str] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)
    pending: list[dict[str, Any]] = field(default_factory=list)
    chain_at: int = 0


def collect(
    home: Home, now: datetime, background: Callable[[], Background] | None = None
) -> Collected:
    """Take on what the server's log has gained, and delete what is too old.

    Args:
        home: whose server and log.
        now: the moment.
        background: reads what events are told against, where there is a log; without
            it, what was kept of it last.

    Raises:
        LogUnreadable: the log cannot be read by this account.
        WriteFailed: the chain cannot be written; the same is read again next time.
    """
    source, folder = _folder(home)
    if folder is None:
        return Collected("brokered")
    if not folder.is_dir() and not _state_path(home).exists():
        return Collected(source)  # a home whose server never ran
    if background is not None:
        keep_background(home, background())
    with _alone(home):
        state = _State(**read_json(_state_path(home), {}))
        against = kept_background(home) or Background()
        entries, positions, gone = _read(source, folder, state)
        _from_chain(home, state, now)
        drafts = [*_pending(state), *_looks(home, entries, against, _platform(home))]
        kept: list[dict[str, Any]] = []
        events: list[tuple[Event, datetime]] = []
        for draft in drafts:
            if draft.session in state.brokered or draft.place in state.taken:
                continue
            if draft.is_brokered and now - draft.at < _PENDING:
                kept.append(draft.as_json())
                continue
            events += [(one, draft.at) for one in draft.events]
        # Somebody else's server keeps and cuts its files as its owner decides.
        events += [(_gone(name), now) for name in gone if source == "jsonlog"]
        AuditLog(home).record_all(events)
        state.files = positions
        state.pending = kept
        deleted = _delete_old(folder, state, now) if source == "jsonlog" else ()
        write_json(_state_path(home), vars(state))
    return Collected(source, len(events), deleted, open_to_others(folder))


def _folder(home: Home) -> tuple[str, Path | None]:
    """Return where the server's log stands."""
    server = Server.of(home)
    if isinstance(server, EmbeddedServer):
        return "jsonlog", server.logs
    given = os.environ.get(SETTING)
    if not given:
        return "brokered", None
    folder = Path(given)
    if not folder.is_dir():
        raise LogUnreadable(
            f"{SETTING} names {folder}, which is no folder. Direct queries cannot be "
            "taken into the log until it names the folder of the server's csvlog or "
            "jsonlog."
        )
    return "folder", folder


def _state_path(home: Home) -> Path:
    return home.audit / "collected.json"


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    from edp_platform.database import locking

    home.audit.mkdir(parents=True, exist_ok=True)
    with locking.alone(home.audit / ".collecting.lock"):
        yield


# Reading ------------------------------------------------------------------------------


def _files(folder: Path) -> list[Path]:
    found = [*folder.glob("*.json"), *folder.glob("*.csv")]
    return sorted(found, key=lambda path: (path.stat().st_mtime, path.name))


def _read(
    source: str, folder: Path, state: _State
) -> tuple[list[Entry], dict[str, int], tuple[str, ...]]:
    """Return new entries, the positions after them, and files that went or shrank."""
    entries: list[Entry] = []
    positions: dict[str, int] = {}
    gone = []
    try:
        files = _files(folder)
        for path in files:
            key = f"{source}/{path.name}"
            offset = state.files.get(key, 0)
            if path.stat().st_size < offset:
                gone.append(path.name)
                offset = 0
            found, positions[key] = read_entries(path, offset)
            entries += found
    except PermissionError as error:
        raise LogUnreadable(
            f"The server's log in {folder} cannot be read by this account, so direct "
            "queries are not taken into the log. Run edp as the account that runs the "
            "server."
        ) from error
    for name, offset in state.files.items():
        if not name.startswith(f"{source}/"):
            positions[name] = offset  # of another server
        elif name not in positions:
            gone.append(name.partition("/")[2])
    return entries, positions, tuple(gone)


def _platform(home: Home) -> frozenset[str]:
    """Return the logins whose statements are not people's."""
    server = Server.of(home)
    if isinstance(server, EmbeddedServer):
        return _PLATFORM
    return _PLATFORM | {str(server.administrator().get("user") or "")}


def _from_chain(home: Home, state: _State, now: datetime) -> None:
    """Learn which sessions and records the chain holds by now."""
    path = AuditLog(home).path
    size = path.stat().st_size if path.exists() else 0
    at = state.chain_at if state.chain_at <= size else 0
    if size:
        import json

        with path.open("rb") as stream:
            stream.seek(at)
            if at and not _begins_line(path, at):
                stream.seek(0)
            for line in stream:
                if b'"session": "' not in line or not line.endswith(b"\n"):
                    continue
                row = json.loads(line)
                known = state.taken if ":" in row["session"] else state.brokered
                known[row["session"]] = now.isoformat()
    state.chain_at = size
    limit = (now - _REMEMBERED).isoformat()
    for held in (state.brokered, state.taken):
        for name in [name for name, at_utc in held.items() if at_utc < limit]:
            del held[name]


def _begins_line(path: Path, offset: int) -> bool:
    with path.open("rb") as stream:
        stream.seek(offset - 1)
        return stream.read(1) == b"\n"


# What was asked -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Draft:
    """A query before it is an event."""

    at: datetime
    session: str
    place: str
    is_brokered: bool
    events: tuple[Event, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(),
            "session": self.session,
            "place": self.place,
            "events": [vars(one) for one in self.events],
        }


def _pending(state: _State) -> Iterator[_Draft]:
    for one in state.pending:
        yield _Draft(
            datetime.fromisoformat(one["at"]),
            one["session"],
            one["place"],
            True,
            tuple(Event(**each) for each in one["events"]),
        )


def _looks(
    home: Home,
    entries: Sequence[Entry],
    background: Background,
    platform: frozenset[str],
) -> Iterator[_Draft]:
    """Yield what people did, an error together with the statement that met it."""
    found = _paired(one for one in entries if one.user not in platform)
    for entry, outcome in sorted(found, key=lambda pair: pair[0].at):
        if entry.kind == "unreadable":
            events: tuple[Event, ...] = (_unreadable(),)
        elif entry.kind == "sign-in":
            events = (_refused_sign_in(entry, background),)
        else:
            events = _events(home, entry, outcome, background)
        if events:
            is_brokered = entry.application == BROKER
            yield _Draft(entry.at, entry.session, entry.place, is_brokered, events)


def _paired(entries: Iterable[Entry]) -> Iterator[tuple[Entry, str]]:
    """Yield each statement with its outcome: an error follows what it is of."""
    held: dict[str, Entry] = {}
    for entry in entries:
        before = held.get(entry.session)
        same = before is not None and before.text == entry.text
        if entry.kind == "error":
            held.pop(entry.session, None)
            if before is not None and not same:
                yield before, "done"
            yield (before if before is not None and same else entry), _outcome(entry)
        elif entry.kind == "statement":
            if before is not None and same and before.by_pgaudit != entry.by_pgaudit:
                continue  # the server's log and pgaudit both tell of it
            if before is not None:
                yield before, "done"
            held[entry.session] = entry
        elif entry.kind == "given":
            # Said while the statement runs; where that was taken on before, alone.
            told = before or entry
            rows = (before.rows or 0 if before else 0) + (entry.rows or 0)
            held[entry.session] = replace(told, rows=rows)
        else:
            yield entry, "done"
    for entry in held.values():
        yield entry, "done"


def _outcome(entry: Entry) -> str:
    """Return what an error came to: its condition, never its message."""
    from psycopg import errors

    try:
        name = errors.lookup(entry.sqlstate).__name__
    except KeyError:
        name = f"SQLSTATE {entry.sqlstate}"
    return f"{'refused' if entry.sqlstate == '42501' else 'failed'}: {name}"


def _events(
    home: Home, entry: Entry, outcome: str, background: Background
) -> tuple[Event, ...]:
    statement = read_statement(entry.text, background.marts)
    if statement.is_quiet and outcome == "done":
        return ()
    unread = statement.text is None
    program = _PROGRAMS.search(entry.application)
    grants = background.grants_on(entry.user, statement.marts)
    within = "; ".join(sorted({one.project for one in grants}))
    look = Look(
        entry.user,
        statement,
        entry.place,
        justification=f"asked directly ({program[0] if program else 'a program'})"
        + (f", within the grant: {within}" if within else ""),
        row_count=entry.rows,
        outcome=outcome,
        hash=SubjectKey(home, "audit").of(entry.text) if unread else None,
    )
    return tuple(events_of(look, background))


def _refused_sign_in(entry: Entry, background: Background) -> Event:
    known = entry.user in background.grants
    return Event(
        "consultation",
        # Anything can be typed where a name is asked, a password too.
        actor=entry.user if known else "nobody with a grant",
        purpose_id=NO_PURPOSE,
        justification="signing in to the serving database",
        object="serving database",
        row_count=0,
        outcome=_outcome(entry).replace("failed", "refused"),
        session=entry.place,
    )


def _unreadable() -> Event:
    return Event(
        "consultation",
        actor="unknown",
        purpose_id=NO_PURPOSE,
        justification="a record of the server's log that cannot be read",
        object="serving database",
        row_count=None,
        outcome="failed: not readable",
    )


def _gone(name: str) -> Event:
    return Event(
        "erasure",
        actor="unknown",
        purpose_id=NO_PURPOSE,
        justification="a file of the server's log went or shrank before its time, and "
        "not by the platform; what it told after the last look is lost",
        object=f"server log {name}",
        row_count=None,
    )


# The raw log itself -------------------------------------------------------------------


def _delete_old(folder: Path, state: _State, now: datetime) -> tuple[str, ...]:
    """Delete raw logs that are old enough; what they tell was taken on just before."""
    limit = now.astimezone(UTC) - timedelta(days=RAW_LOG_DAYS)
    deleted = []
    for path in sorted(folder.glob("*")):
        status = path.stat()
        if datetime.fromtimestamp(status.st_mtime, UTC) >= limit:
            continue
        key = f"jsonlog/{path.name}"
        if path.suffix == ".log" or key in state.files:
            path.unlink()
            state.files.pop(key, None)
            deleted.append(path.name)
    return tuple(deleted)


def open_to_others(folder: Path) -> tuple[str, ...]:
    """Return what of the raw log more than its own account can read."""
    paths = [path for path in (folder, *folder.glob("*")) if path.exists()]
    inner = [str(path) for path in paths if path.stat().st_mode & 0o077]
    # A folder nobody else can enter keeps what lies in it.
    shut = any(
        one.exists() and not one.stat().st_mode & 0o077
        for one in (folder, folder.parent)
    )
    return () if shut else tuple(inner)
