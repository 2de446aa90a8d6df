"""The data sets on this platform: each folder under `defs/datasets`, loaded plainly.

One folder that cannot be read is set aside with its error; the others go on.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from edp_platform.contracts import Contract, ContractInvalid, load_contract
from edp_platform.contracts.loading import Problem
from edp_platform.governance.dpia import (
    Dpia,
    DpiaInvalid,
    Layer,
    dpia_blanks,
    load_dpia,
)
from edp_platform.governance.gate import (
    examine,
    purposes_registered,
    retention_registered,
)
from edp_platform.governance.refusal import GateRefused, Refusal
from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.ingestion.readers import Reader, make_reader
from edp_platform.yaml_source import UnreadableYaml, load_yaml


def defs_root() -> Path:
    """Return the folder of data sets and use cases: `EDP_DEFS`, else the package's."""
    chosen = os.environ.get("EDP_DEFS")
    return Path(chosen).resolve() if chosen else Path(__file__).parent / "defs"


@dataclass(frozen=True)
class DataSet:
    """One data set: its contract, how its files are read, and its DPIA."""

    contract: Contract
    reader_stated: Any
    dpia_path: Path
    made_on: date
    registers: Registers = field(repr=False)

    @property
    def name(self) -> str:
        """The folder's name, used everywhere."""
        return self.contract.data_set

    @cached_property
    def reader(self) -> Reader:
        """The reader that `defs.yaml` names."""
        return make_reader(self.reader_stated)

    @cached_property
    def dpia(self) -> Dpia:
        """The record beside the contract.

        Raises:
            DpiaInvalid: it is missing or cannot be relied on.
        """
        return load_dpia(self.dpia_path, self.made_on, "dataset")

    def refusals(
        self,
        layer: Layer,
        today: date,
        *,
        columns: Sequence[str] | None = None,
        purposes: Sequence[str] | None = None,
        use_case: str | None = None,
    ) -> tuple[Refusal, ...]:
        """Return why the gate stays shut for this use; see `governance.gate.examine`."""
        registers, contract = self.registers, self.contract
        try:
            dpia, parent = self.dpia, registers.platform_dpia
        except DpiaInvalid as error:
            return error.refusals or (
                Refusal(
                    "record-present",
                    f"A DPIA cannot be relied on: {error}",
                    "No data set is loaded without its DPIA and the overarching one.",
                    f"Write or mend {self.dpia_path}, or the register that is named.",
                    2,
                ),
            )
        return (
            *purposes_registered(contract, registers.purposes),
            *retention_registered(contract, registers.retention_rules, dpia),
            *examine(
                contract,
                dpia,
                parent,
                layer=layer,
                today=today,
                columns=columns,
                purposes=purposes,
                use_case=use_case,
                registered=registers.purposes,
                documents=registers.policy_documents,
                people=registers.people,
                checks=registers.asset_checks,
            ),
        )

    def pass_gate(self, layer: Layer, today: date) -> None:
        """Pass the gate, or stop before a byte is written.

        Raises:
            GateRefused: with every reason.
        """
        refusals = self.refusals(layer, today)
        if refusals:
            raise GateRefused(self.name, refusals)


@dataclass(frozen=True)
class SetAside:
    """A folder that could not be loaded, and why."""

    folder: Path
    error: str

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name


@dataclass(frozen=True)
class DataSets:
    """Every data set that could be loaded, and every folder that could not."""

    by_name: dict[str, DataSet]
    set_aside: tuple[SetAside, ...]

    @classmethod
    def load(
        cls, home: Home, root: Path | None = None, registers: Registers | None = None
    ) -> DataSets:
        """Load each folder under `<root>/datasets`.

        Folders that claim one contract id are all set aside: which of them is meant
        cannot be told, and data under the wrong contract is unlawful.
        """
        chosen = registers or Registers(home.made_on)
        read: list[tuple[Path, DataSet]] = []
        faults: list[SetAside] = []
        for folder in sorted(((root or defs_root()) / "datasets").glob("*/")):
            if folder.name.startswith(("_", ".")):
                continue
            try:
                read.append((folder, load_data_set(folder, home, chosen)))
            except Exception as error:
                # Whatever is wrong with one team's folder (its reader may be the
                # team's own code) must not stop the others; it is shown and counted.
                faults.append(SetAside(folder, _said(error)))
        holders: dict[str, list[str]] = {}
        for folder, data_set in read:
            holders.setdefault(data_set.contract.id, []).append(folder.name)
        loaded: dict[str, DataSet] = {}
        for folder, data_set in read:
            contract = data_set.contract
            others = [name for name in holders[contract.id] if name != folder.name]
            if others:
                text = (
                    f"{contract.path}: the contract id {contract.id} is already that of "
                    f"{', '.join(others)}. Two data sets cannot be one, and which is "
                    "meant cannot be told, so all are set aside; give one an id of its "
                    "own."
                )
                faults.append(SetAside(folder, text))
            else:
                loaded[folder.name] = data_set
        return cls(loaded, tuple(faults))


def _said(error: Exception) -> str:
    if isinstance(error, ContractInvalid | UnreadableYaml | ValueError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def load_data_set(folder: Path, home: Home, registers: Registers) -> DataSet:
    """Load one data set's folder.

    Raises:
        ContractInvalid, UnreadableYaml: with file and line.
        ValueError: `defs.yaml` lacks its attributes or names no reader there is.
    """
    document = load_yaml(folder / "defs.yaml")
    attributes = document.mapping("attributes")
    if "reader" not in attributes:
        raise ValueError(
            f"{document.path}:{document.line(['attributes'])}: `reader` is not "
            "answered: it says how the data set's files are read."
        )
    dpia_path = folder / attributes.get("dpia", "dpia.yaml")
    try:
        contract = load_contract(
            folder / attributes.get("contract", "contract.yaml"),
            home.cache / "contracts",
        )
    except ContractInvalid as error:
        # Whoever fills in a new folder wants every open question at once.
        raise ContractInvalid([*error.problems, *_open_questions(dpia_path)]) from None
    data_set = DataSet(
        contract=contract,
        reader_stated=attributes["reader"],
        dpia_path=dpia_path,
        made_on=home.made_on,
        registers=registers,
    )
    _ = data_set.reader  # an unknown reader must be seen now, not at the first file
    return data_set


def _open_questions(dpia_path: Path) -> list[Problem]:
    try:
        document = load_yaml(dpia_path)
    except UnreadableYaml:
        return []  # the gate tells of it
    return [
        Problem(dpia_path, line, message) for line, message in dpia_blanks(document)
    ]
