"""Names that may be taken, and new files written together or not at all."""

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Mapping
from pathlib import Path

from edp_platform.datasets import defs_root
from edp_platform.files import replacing
from edp_platform.warehouse.manifest import dbt_project_folder

#: Longer names are cut by PostgreSQL, which serves the marts.
MAX_NAME = 63
#: Where folders and models are, when not the package's own: both or neither.
_TREES = ("EDP_DEFS", "EDP_DBT_PROJECT")
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
#: Names that folders, schemas and asset groups of the platform already carry.
_RESERVED = frozenset(
    {
        "datasets",
        "facts",
        "ingestion",
        "intermediate",
        "landing",
        "main",
        "marts",
        "published",
        "quarantine",
        "raw",
        "set_aside",
        "staging",
        "warehouse",
    }
)


class ScaffoldFailed(ValueError):
    """The folder was not written; the message says why and what to do."""


def refuse_name(name: str, kind: str) -> None:
    """Refuse a name that cannot be a folder, a table and an asset at once.

    Args:
        name: the name asked for.
        kind: "data set" or "use case", for the message.

    Raises:
        ScaffoldFailed: it is not lower_snake_case, too long, reserved, or taken.
    """
    if not _NAME.match(name):
        raise ScaffoldFailed(
            f"`{name}` cannot name a {kind}: it becomes a folder, a table and an "
            "asset, so it must be lower case words joined by underscores, such as "
            "police_uk_street."
        )
    if len(name) > MAX_NAME:
        raise ScaffoldFailed(
            f"`{name}` has {len(name)} characters; a {kind}'s name has at most "
            f"{MAX_NAME}, or databases cut it. Choose a shorter one."
        )
    if keyword.iskeyword(name) or name in _RESERVED:
        raise ScaffoldFailed(
            f"`{name}` is a reserved word and cannot name a {kind}. Choose another, "
            f"such as {name}_records."
        )
    project = dbt_project_folder() / "models"
    for taken in (
        defs_root() / "datasets" / name,
        defs_root() / name,
        project / "staging" / name,
        project / "marts" / name,
    ):
        if taken.exists():
            raise ScaffoldFailed(
                f"`{name}` is taken: {taken} exists, and nothing there was changed. "
                "Choose another name, or remove that folder first."
            )


def write_together(texts: Mapping[Path, str]) -> list[Path]:
    """Write new files; on any fault remove those already written.

    Args:
        texts: path → content; none of the paths exists.

    Raises:
        ScaffoldFailed: a folder cannot be written, or the folders of one tree and the
            models of another would be.
    """
    moved = {name: bool(os.environ.get(name)) for name in _TREES}
    if len(set(moved.values())) > 1:
        unset = next(name for name, is_set in moved.items() if not is_set)
        other = next(name for name, is_set in moved.items() if is_set)
        raise ScaffoldFailed(
            f"{other} is set and {unset} is not, so the contract and its models would "
            "stand in different trees, and nothing was written. Set both, or neither."
        )
    written: list[Path] = []
    made = [folder for path in texts for folder in path.parents if not folder.exists()]
    try:
        for path, text in texts.items():
            with replacing(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
            written.append(path)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        for folder in sorted(set(made), key=lambda one: len(one.parts), reverse=True):
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        reason = cause.strerror or "not writable"
        raise ScaffoldFailed(
            f"{path} could not be written ({reason}), so nothing was. An installed "
            "package is not the place for a team's folders: work in a checkout, or "
            "copy the folders `defs` and `dbt_project` where you may write and point "
            "EDP_DEFS and EDP_DBT_PROJECT at the copies."
        ) from error
    return written
