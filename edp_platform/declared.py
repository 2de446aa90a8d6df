"""What people declared, as one mark: it changes when any file of it does.

A process that stays warm asks for it before each run: a DPIA that was withdrawn while
it waited must stop the very next run, so what was loaded before is then loaded anew.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from edp_platform.datasets import defs_root
from edp_platform.governance.registers import registers_root


def declared_mark() -> str:
    """Return a mark of every file under the folders of defs and registers."""
    digest = hashlib.sha256()
    for root in (defs_root(), registers_root()):
        for path, stat in _files(root):
            digest.update(f"{path}\0{stat.st_mtime_ns}\0{stat.st_size}\0".encode())
    return digest.hexdigest()


def _files(root: Path) -> list[tuple[str, os.stat_result]]:
    return sorted(
        (str(path), path.stat())
        for path in root.rglob("*")
        if path.suffix in (".yaml", ".yml", ".py") and path.is_file()
    )
