"""The registers: the folder of records that the force, not the package, keeps."""

from __future__ import annotations

import os
from datetime import date
from functools import cached_property
from pathlib import Path

from edp_platform.governance.dpia import Dpia, load_dpia


class Registers:
    """The records of one force.

    Args:
        folder: where they stand; default `EDP_REGISTERS`, else the sample force's
            examples that ship with the package.
        made_on: the anchor of example records' relative dates.
    """

    def __init__(self, made_on: date, folder: Path | None = None) -> None:
        chosen = folder or os.environ.get("EDP_REGISTERS")
        self.folder = (
            Path(chosen) if chosen else Path(__file__).parents[1] / "registers"
        )
        self.made_on = made_on

    @cached_property
    def platform_dpia(self) -> Dpia:
        """The overarching DPIA.

        Raises:
            DpiaInvalid: it is missing or cannot be relied on.
        """
        return load_dpia(self.folder / "dpia_platform.yaml", self.made_on)
