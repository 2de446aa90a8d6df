"""Where packs are kept: each one for good, by its own hash, since decisions rest on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edp_platform.files import replacing
from edp_platform.governance.pages.layout import render
from edp_platform.governance.review_pack.pack import as_text, digest
from edp_platform.governance.review_pack.page import pack_page
from edp_platform.home import Home


@dataclass(frozen=True)
class KeptPack:
    """One pack on disk.

    Attributes:
        folder: holds `pack.json` and `index.html`.
        sha256: of `pack.json`, counted now, not taken from its name.
        pack: what it says.
    """

    folder: Path
    sha256: str
    pack: dict[str, Any]

    @property
    def is_whole(self) -> bool:
        """Whether the file is the one that was kept: its folder is named by its hash."""
        return self.sha256.startswith(self.folder.name.rpartition("-")[2])


def keep(home: Home, pack: Mapping[str, Any]) -> KeptPack:
    """Keep a pack under the home; the same pack again changes nothing.

    Raises:
        WriteFailed: the home cannot be written.
    """
    sha256 = digest(pack)
    folder = (
        _folder(home, pack["use_case"], pack["sprint"]["number"])
        / f"{pack['made_on']}-{sha256[:12]}"
    )
    write(folder, pack)
    return KeptPack(folder, sha256, dict(pack))


def write(folder: Path, pack: Mapping[str, Any]) -> list[Path]:
    """Write `pack.json` and `index.html` into a folder; return both.

    Raises:
        WriteFailed: the folder cannot be written.
    """
    page = render(pack_page(pack, digest(pack)))
    written = []
    for name, text in (("pack.json", as_text(pack)), ("index.html", page)):
        target = folder / name
        with replacing(target) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
        written.append(target)
    return written


def kept(home: Home, use_case: str | None = None) -> list[KeptPack]:
    """Return the packs that are kept (of one use case), oldest first."""
    found = []
    pattern = f"{use_case or '*'}/sprint-*/*/pack.json"
    for path in sorted((home.root / "review_packs").glob(pattern)):
        try:
            pack = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # not a pack that a decision could rest on
        found.append(
            (path.stat().st_mtime_ns, KeptPack(path.parent, digest(pack), pack))
        )
    return [
        one
        for _, one in sorted(
            found, key=lambda pair: (pair[1].pack["made_on"], pair[0], pair[1].sha256)
        )
    ]


def latest(home: Home, use_case: str, number: int) -> KeptPack | None:
    """Return the newest pack of a sprint; None where none was made."""
    packs = [
        one for one in kept(home, use_case) if one.pack["sprint"]["number"] == number
    ]
    return packs[-1] if packs else None


def _folder(home: Home, use_case: str, number: int) -> Path:
    return home.root / "review_packs" / use_case / f"sprint-{number}"
