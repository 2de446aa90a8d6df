"""The server's own log: who asked what, as PostgreSQL and pgaudit write it.

Two forms are read, by the ending: jsonlog (`.json`, the embedded server's) and csvlog
(`.csv`, what a managed server can put in a folder). A record that is still being
written is left for the next look.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal

from edp_platform.access.brokering import SAID
from edp_platform.access.naming import BROKER

Kind = Literal["statement", "error", "sign-in", "given", "unreadable"]

_STATEMENT = re.compile(r"(?:statement|execute [^:]*): (.*)", re.DOTALL)
_AUDIT = "AUDIT: "
_CSV_FIELDS = (
    "timestamp user dbname pid remote session_id line_num ps session_start vxid txid "
    "error_severity state_code message detail hint internal internal_at context "
    "statement statement_at where application_name"
)
_ZONES = {"UTC": 0, "GMT": 0, "BST": 1}
_FAILED = ("ERROR", "FATAL", "PANIC")
#: What the function of a brokered mart says (`access.brokering`). Anybody may have a
#: block of their own say the same words: the context says who did.
_GIVEN = re.compile(rf"{SAID} (\d+) rows")
_BY_BROKER = re.compile(rf"PL/pgSQL function {BROKER}\.(\S+)\(\) line \d+ at RAISE")


@dataclass(frozen=True)
class Entry:
    """One record of the log that says what somebody did.

    Attributes:
        kind: a statement, one that failed, a sign-in that was refused, how many rows a
            brokered mart gave, or no record.
        at: when.
        user: whose login.
        session: the server's id of the session.
        place: session and line: no two records have the same.
        text: what was asked, with its values: it goes nowhere as it is.
        sqlstate: of an error.
        application: what the program says it is.
        by_pgaudit: whether pgaudit wrote it.
        rows: how many rows brokered marts gave; None where none was asked.
    """

    kind: Kind
    at: datetime
    user: str = ""
    session: str = ""
    place: str = ""
    text: str = ""
    sqlstate: str = ""
    application: str = ""
    by_pgaudit: bool = False
    rows: int | None = None


def read_entries(path: Path, offset: int) -> tuple[list[Entry], int]:
    """Return what a file tells from a position on, and the position after it.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        stream.seek(offset)
        data = stream.read()
    whole = data[: data.rfind(b"\n") + 1]
    is_csv = path.suffix == ".csv"
    found = []
    for record in _csv_records(whole) if is_csv else whole.splitlines(keepends=True):
        offset += len(record)
        entry = _entry(_fields(record, is_csv))
        if entry is not None:
            found.append(entry)
    return found, offset


def _csv_records(data: bytes) -> Iterator[bytes]:
    """Yield whole records: a quoted statement may run over lines."""
    held = b""
    for line in data.splitlines(keepends=True):
        held += line
        if held.count(b'"') % 2 == 0:
            yield held
            held = b""


def _fields(record: bytes, is_csv: bool) -> dict[str, Any] | None:
    text = record.decode(errors="replace")
    try:
        if not is_csv:
            found = json.loads(text)
            return found if isinstance(found, dict) else None
        (row,) = csv.reader(io.StringIO(text))
        names = _CSV_FIELDS.split()
        return dict(zip(names, row, strict=False)) if len(row) >= len(names) else None
    except ValueError:
        return None


def _entry(fields: dict[str, Any] | None) -> Entry | None:
    """Return what a record tells; None where nobody asked anything."""
    if fields is None:
        return Entry("unreadable", datetime.now(UTC))
    said: dict[str, Any] = {
        "at": _moment(str(fields.get("timestamp") or "")),
        "user": str(fields.get("user") or ""),
        "session": str(fields.get("session_id") or ""),
        "place": f"{fields.get('session_id')}:{fields.get('line_num')}",
        "application": str(fields.get("application_name") or ""),
    }
    message = str(fields.get("message") or "")
    if fields.get("error_severity") in _FAILED:
        sqlstate = str(fields.get("state_code") or "")
        text = str(fields.get("statement") or "")
        if sqlstate.startswith("28"):
            return Entry("sign-in", sqlstate=sqlstate, **said)
        if text:
            return Entry("error", text=text, sqlstate=sqlstate, **said)
        return None
    if message.startswith(_AUDIT):
        parts = next(csv.reader([message.removeprefix(_AUDIT)]), [])
        if len(parts) > 7:
            said["by_pgaudit"] = True
            return Entry("statement", text=parts[7], **said)
        return None
    given = _GIVEN.fullmatch(message)
    if given is not None:
        by = _BY_BROKER.match(str(fields.get("context") or ""))
        if by is None:
            return None
        text = f"select * from {BROKER}.{by[1]}()"
        return Entry("given", text=text, rows=int(given[1]), **said)
    found = _STATEMENT.fullmatch(message)
    if found is None:
        return None
    # EXECUTE says what it runs in the detail.
    detail = str(fields.get("detail") or "")
    text = detail.removeprefix("prepare: ") if detail.startswith("prepare: ") else ""
    return Entry("statement", text=text or found[1], **said)


def _moment(text: str) -> datetime:
    day, _, zone = text.rpartition(" ")
    try:
        moment = datetime.fromisoformat(day)
    except ValueError:
        return datetime.now(UTC)
    if re.fullmatch(r"[+-]\d{2}", zone):
        return moment.replace(tzinfo=timezone(timedelta(hours=int(zone))))
    return moment.replace(tzinfo=timezone(timedelta(hours=_ZONES.get(zone, 0))))
