"""What must be so before a person's query is asked: published, and open as declared.

Both take seconds where something changed and nothing where it did not: a fingerprint of
registers, contracts, marts, snapshot and day tells. Whether a grant is live is asked by
the database at each query in any case; a lapse needs no look here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edp_platform.auditing.known import (
    Background,
    background_of,
    keep_background,
    kept_background,
)
from edp_platform.datasets import defs_root
from edp_platform.files import read_json, write_json
from edp_platform.governance.registers import registers_root
from edp_platform.home import Home
from edp_platform.warehouse.manifest import dbt_project_folder

if TYPE_CHECKING:
    from psycopg import Connection

_IGNORED = {"__pycache__", "target", "logs", "dbt_packages"}


@dataclass(frozen=True)
class Made:
    """From what the database was last made as it should be.

    Attributes:
        inputs: fingerprint of registers, contracts, marts and the day.
        state: digest of what the database held then.
        asked: marts whose gate was asked under these inputs, and stood open.
    """

    inputs: str = ""
    state: str = ""
    asked: tuple[str, ...] = ()


def fingerprint(today: date) -> str:
    """Return a fingerprint of all that access follows from, by names, sizes and times."""
    digest = hashlib.sha256(today.isoformat().encode())
    for root in (registers_root(), defs_root(), dbt_project_folder()):
        digest.update(str(root).encode())
        for path, stamp in sorted(_stamps(root)):
            digest.update(f"{path} {stamp}\n".encode())
    return digest.hexdigest()


def _stamps(root: Path) -> Iterator[tuple[str, str]]:
    for folder, names, files in os.walk(root):
        names[:] = [one for one in names if one not in _IGNORED]
        for name in files:
            if name.endswith((".pyc", ".tmp")):
                continue
            status = Path(folder, name).stat()
            yield f"{folder}/{name}", f"{status.st_size} {status.st_mtime_ns}"


def made(home: Home) -> Made:
    """Return from what the database was last made as it should be."""
    found: dict[str, Any] = read_json(_path(home), {})
    return Made(
        found.get("inputs", ""), found.get("state", ""), tuple(found.get("asked", ()))
    )


def keep_made(home: Home, what: Made) -> None:
    """Remember it.

    Raises:
        WriteFailed: it cannot be written.
    """
    told = {"inputs": what.inputs, "state": what.state, "asked": sorted(what.asked)}
    write_json(_path(home), told)


def _path(home: Home) -> Path:
    return home.root / "cache" / "serving_made.json"


def make_ready(home: Home, inputs: str, today: date) -> Background:
    """Have the published copy served, and opened to whom the registers name.

    Args:
        home: whose server is running.
        inputs: `fingerprint` of the day.
        today: the day.

    Returns:
        what the log must know of marts and grants.

    Raises:
        NothingPublished, PublicationBusy, TypeNotServed: see `publish_serving`.
        NotAsDeclared: something must be put right by a person.
        DbtFailed: the dbt project does not parse.
    """
    from edp_platform.database.connecting import owner
    from edp_platform.publishing.serving import current_served

    before = made(home)
    with owner(home) as connection:
        served = current_served(connection)
        state = _state(connection)
    pointer = read_json(home.published / "current.json", {})
    is_behind = served is None or served.id != pointer.get("id")
    background = kept_background(home)
    is_made = before.inputs == inputs and before.state == state
    if background is not None and is_made and not is_behind:
        return background
    return _make(home, inputs, today, is_behind)


def _make(home: Home, inputs: str, today: date, is_behind: bool) -> Background:
    from edp_platform.access.applying import apply, grant_columns
    from edp_platform.access.declared import declare
    from edp_platform.access.facts import read_facts
    from edp_platform.database.connecting import administrator, owner
    from edp_platform.governance.registers import Registers
    from edp_platform.publishing.serving import publish_serving

    registers = Registers(home.made_on)
    facts = read_facts(home, registers, today)
    declared = declare(registers, facts, today)
    if is_behind:
        publish_serving(
            home,
            _notes(home),
            grants=lambda connection, schema: grant_columns(
                connection, schema, declared
            ),
        )
    with administrator(home) as connection:
        apply(home, connection, declared)
    background = background_of(declared, facts)
    keep_background(home, background)
    with owner(home) as connection:
        keep_made(home, Made(inputs, _state(connection)))
    return background


def _notes(home: Home) -> dict[str, Any]:
    from edp_platform.publishing.mart_notes import mart_notes
    from edp_platform.warehouse.manifest import ManifestStore

    return mart_notes(ManifestStore(home).manifest)


def _state(connection: Connection[Any]) -> str:
    """Return a digest of what entitlements are read from."""
    from edp_platform.access.live import STATE

    asked = " || ".join(
        f"(select coalesce(md5(string_agg(t::text, '|' order by t::text)), '-') "
        f"from gov.{table} as t)"
        for table in sorted(STATE)
    )
    row = connection.execute(f"select {asked}").fetchone()
    return str(row[0]) if row else ""


def background_now(home: Home, today: date) -> Background:
    """Return what the log must know, without asking the database.

    Raises:
        DbtFailed: the dbt project does not parse.
    """
    from edp_platform.access.declared import declare
    from edp_platform.access.facts import read_facts
    from edp_platform.governance.registers import Registers

    kept = kept_background(home)
    if kept is not None and made(home).inputs == fingerprint(today):
        return kept
    registers = Registers(home.made_on)
    facts = read_facts(home, registers, today)
    background = background_of(declare(registers, facts, today), facts)
    keep_background(home, background)
    return background
