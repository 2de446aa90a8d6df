"""Who changed a record, when and how: told by version control, never kept twice."""

from __future__ import annotations

import subprocess
from pathlib import Path


class NoHistory(RuntimeError):
    """Version control knows nothing of the file; the message says what to do."""


def changes(path: Path, since: str | None = None) -> str:
    """Return every change of a file, newest first, as version control tells it.

    Args:
        path: the record's file.
        since: a revision to compare with; None for every change on record.

    Raises:
        NoHistory: the folder is not under version control, or the file never was.
    """
    folder = path.parent
    inside = _git(folder, "rev-parse", "--is-inside-work-tree")
    if inside.returncode != 0:
        raise NoHistory(
            f"{folder} is not under version control, so nobody can say who changed "
            f"{path.name}, or when. Keep the registers in a repository: git init, and "
            "point EDP_REGISTERS at it."
        )
    if _git(folder, "ls-files", "--error-unmatch", path.name).returncode != 0:
        raise NoHistory(
            f"{path.name} was never committed in {folder}, so it has no history yet. "
            "Commit it."
        )
    if since is not None:
        compared = _git(folder, "diff", "--no-color", since, "--", path.name)
        if compared.returncode != 0:
            raise NoHistory(compared.stderr.strip() or f"{since} is no revision")
        return compared.stdout or f"{path.name} has not changed since {since}.\n"
    waiting = _git(folder, "diff", "--no-color", "HEAD", "--", path.name).stdout
    told = _git(
        folder,
        "log",
        "--follow",
        "--no-color",
        "--patch",
        "--date=short",
        "--format=%n%h %ad %an: %s",
        "--",
        path.name,
    ).stdout
    return (f"not committed yet:\n{waiting}" if waiting else "") + told.lstrip("\n")


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise NoHistory(
            "git is not installed, so the history of records cannot be read."
        ) from None
