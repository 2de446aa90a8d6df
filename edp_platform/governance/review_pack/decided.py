"""The packs that decisions rest on: each kept beside the decisions, in the register.

A pack is made in one machine's home; a decision holds wherever the registers are checked
out. So the pack's JSON goes with the decision, named by its own SHA-256, and whoever asks
about the decision counts the hash again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any


class PackMissing(LookupError):
    """No pack of this SHA-256 is kept, or its file is not the one that was kept."""


@dataclass(frozen=True)
class DecidedPack:
    """What a kept pack says it is about.

    Attributes:
        use_case: its folder.
        sprint: its number.
        supplier: who did it; None where the force did.
        made_on: the day of the pack.
    """

    use_case: str
    sprint: int
    supplier: str | None
    made_on: date

    @classmethod
    def of(cls, pack: Any) -> DecidedPack:
        """Read it out of a pack.

        Raises:
            ValueError: it is no evidence pack.
        """
        try:
            sprint = pack["sprint"]
            return cls(
                str(pack["use_case"]),
                int(sprint["number"]),
                sprint["supplier"],
                date.fromisoformat(pack["made_on"]),
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ValueError("it is no evidence pack") from error


@dataclass(frozen=True)
class DecidedPacks:
    """The folder of packs beside the supplier reviews."""

    folder: Path

    def path(self, sha256: str) -> Path:
        """Return where the pack of this hash stands, or would stand."""
        return self.folder / f"{sha256}.json"

    def read(self, sha256: str) -> DecidedPack:
        """Read a pack, once its bytes have been found to be those that were kept.

        Raises:
            PackMissing: with the file, and what to do.
        """
        path = self.path(sha256)
        remedy = "make the pack with edp review pack, and decide with edp review decide"
        try:
            kept = path.read_bytes()
        except OSError as error:
            raise PackMissing(
                f"its evidence pack is not kept in {path}: {remedy}"
            ) from error
        if hashlib.sha256(kept).hexdigest() != sha256:
            raise PackMissing(f"{path} was changed after it was kept: {remedy}")
        try:
            return DecidedPack.of(json.loads(kept))
        except ValueError as error:
            raise PackMissing(f"{path} is no evidence pack: {remedy}") from error
