"""The certificate of a disposal: JSON for programs, a page for people.

It names nobody: persons stand in it by the keyed hash of their tombstone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edp_platform.files import replacing, write_json


def write_certificate(folder: Path, told: dict[str, Any]) -> Path:
    """Write both; return the JSON's path.

    Raises:
        WriteFailed: they cannot be written.
    """
    path = folder / f"{told['id']}.json"
    with replacing(path.with_suffix(".md")) as temporary:
        temporary.write_text(as_text(told), encoding="utf-8")
    write_json(path, told)
    return path


def as_text(told: dict[str, Any]) -> str:
    """Return the certificate as a page of Markdown."""
    persons = told["persons"]
    lines = [
        f"# Certificate of disposal {told['id']}",
        "",
        f"Completed {told['completed_at']} by {told['carried_out_by']}.",
        f"Reason: {told['reason']}",
        "",
        "## Persons",
        "",
        "| tombstone | rule | group | decided by | on | decision |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {', '.join(each[:12] for each in one['subject'])} | {one['rule']} | "
            f"{one['mopi_group'] or ''} | {one['decided_by']} | {one['decided_on']} | "
            f"{one['decision']} |"
            for one in persons
        ),
        "",
        "## What was removed",
        "",
        "| store | place | rows | names only |",
        "| --- | --- | --- | --- |",
        *(
            f"| {one['store']} | {one['place']} | {one['rows']} | {one['names_only']} |"
            for one in told["removed"]
        ),
        "",
        "## Files rewritten",
        "",
        "A file keeps the hash of what was received as its identity.",
        "",
        "| file | identity | stored before | stored now | records removed |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {one['name']} | {one['identity'][:12]} | {one['stored_before'][:12]} | "
            f"{one['stored_now'][:12]} | {one['records_removed']} |"
            for one in told["files"]
        ),
        "",
        "## Proof",
        "",
        "Afterwards every store was searched for the persons:",
        "",
        *(
            f"- {one['store']}: {one['rows_found']} rows"
            for one in told["searched_after"]
        ),
        "",
        f"{told['tombstones']} tombstones keep them from coming back with a later file.",
        "Counts in the marts were worked out again without them."
        if told["marts_rebuilt"]
        else "Counts in the marts are worked out again by the next edp run.",
        "",
    ]
    return "\n".join(lines)
