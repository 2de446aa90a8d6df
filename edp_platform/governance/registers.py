"""The registers: the folder of records that the force, not the package, keeps."""

from __future__ import annotations

import os
from datetime import date
from functools import cached_property
from pathlib import Path

from edp_platform.governance.dpia import Dpia, load_dpia
from edp_platform.yaml_source import load_yaml


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

    @cached_property
    def purposes(self) -> frozenset[str]:
        """The ids of the purposes that data may be used for.

        Raises:
            UnreadableYaml: the register is missing or is not YAML.
        """
        return self._ids("purposes.yaml", "purposes")

    @cached_property
    def retention_rules(self) -> frozenset[str]:
        """The ids of the rules of the retention schedule.

        Raises:
            UnreadableYaml: the register is missing or is not YAML.
        """
        return self._ids("retention_schedule.yaml", "rules")

    def _ids(self, name: str, field: str) -> frozenset[str]:
        records = load_yaml(self.folder / name).data.get(field) or []
        return frozenset(str(record["id"]) for record in records if "id" in record)
