"""Where the records of each register stand, and how a new one is begun."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from edp_platform.contracts import ContractInvalid, load_contract
from edp_platform.datasets import DataSets, defs_root
from edp_platform.files import replacing
from edp_platform.governance.dpia import Dpia
from edp_platform.governance.equality_rules import equality_assessed
from edp_platform.governance.gate import (
    approved_in_date,
    commissioner_consulted,
    measures_exist,
)
from edp_platform.governance.records.base import Record, RecordInvalid, Review
from edp_platform.governance.records.eqia import Eqia
from edp_platform.governance.records.evaluation import Evaluation
from edp_platform.governance.records.legacy_service import LegacyService
from edp_platform.governance.records.model_record import ModelRecord
from edp_platform.governance.records.problem import Problem
from edp_platform.governance.records.supplier import Supplier
from edp_platform.governance.records.supplier_review import SupplierReview
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.registers import Register, Registers
from edp_platform.governance.review_dates import Notice, notice
from edp_platform.governance.supplier_rules import supplier_complete
from edp_platform.governance.templates import (
    dpia_template,
    eqia_template,
    record_template,
    use_case_dpia_template,
    use_case_template,
)
from edp_platform.home import Home
from edp_platform.use_cases import UseCaseFolder, UseCases
from edp_platform.yaml_source import load_yaml

#: The registers that are a folder: kind → (register of `Registers`, model).
_REGISTERS: dict[str, tuple[str, type[Record]]] = {
    "supplier": ("suppliers", Supplier),
    "review": ("supplier_reviews", SupplierReview),
    "problem": ("problems", Problem),
    "model": ("model_records", ModelRecord),
    "evaluation": ("evaluations", Evaluation),
    "legacy": ("legacy_services", LegacyService),
}


class NotOnRecord(LookupError):
    """No record goes by that name; the message lists those there are."""


class CannotStart(ValueError):
    """A new record cannot be begun; nothing was written."""


@dataclass(frozen=True)
class Entry:
    """One record, where it stands, and what asks about it.

    Attributes:
        kind: the register, as the command is called.
        names: what people may call it: its id, its data set or use case.
        path: its file.
        record: what it says.
    """

    kind: str
    names: tuple[str, ...]
    path: Path
    record: Record
    _holder: Any = field(default=None, repr=False)
    _registers: Registers | None = field(default=None, repr=False)

    @property
    def prefix(self) -> list[str]:
        """The place of the record in its file."""
        wrapper = type(self.record).wrapper
        wrapped = wrapper is not None and list(load_yaml(self.path).data) == [wrapper]
        return [wrapper] if wrapped and wrapper else []

    @property
    def due(self) -> date | None:
        """When it must be looked at again, where it must."""
        review = getattr(self.record, "review", None)
        if isinstance(review, Review):
            return review.due
        due = getattr(self.record, "review_due", None)
        return due if isinstance(due, date) else None

    def notice(self, today: date) -> Notice:
        """Return how soon that is."""
        review = getattr(self.record, "review", None)
        if not isinstance(review, Review):
            review = Review(due=self.due) if self.due else None
        return notice(review, today) if review else ""

    def refusals(self, today: date) -> tuple[Refusal, ...]:
        """Return which rules refuse what the record stands for."""
        record, holder = self.record, self._holder
        registers = self._registers
        if isinstance(holder, UseCaseFolder):
            return holder.refusals(today)
        if hasattr(holder, "refusals"):
            return tuple(holder.refusals("raw", today))
        if isinstance(record, Dpia) and registers is not None:
            return (
                *approved_in_date(record, today, registers.people),
                *commissioner_consulted(record, today),
                *measures_exist(record, registers.asset_checks),
            )
        if isinstance(record, Eqia):
            return equality_assessed(record, record.use_case, today)
        if isinstance(record, Supplier) and registers is not None:
            return supplier_complete(record.id, registers.suppliers, today)
        return ()


def entries(kind: str, home: Home) -> Iterator[Entry]:
    """Yield each record of a register that can be read."""
    registers = Registers(home.made_on)
    if kind in _REGISTERS:
        register: Register[Any] = getattr(registers, _REGISTERS[kind][0])
        for record in register.values():
            path = register.path(record.id)
            yield Entry(kind, (record.id,), path, record, None, registers)
        return
    if kind == "dpia":
        path = registers.folder / "dpia_platform.yaml"
        with suppress(RecordInvalid):
            dpia = registers.platform_dpia
            yield Entry(kind, (dpia.id, "platform"), path, dpia, None, registers)
        for name, data_set in DataSets.load(home, registers=registers).by_name.items():
            with suppress(RecordInvalid):
                one = data_set.dpia
                yield Entry(
                    kind, (one.id, name), data_set.dpia_path, one, data_set, registers
                )
    elif kind == "eqia":
        path = registers.folder / "eqia_platform.yaml"
        with suppress(RecordInvalid):
            eqia = registers.platform_eqia
            yield Entry(kind, (eqia.id, "platform"), path, eqia, None, registers)
    for name, use_case in UseCases.load(home, registers=registers).by_name.items():
        with suppress(RecordInvalid):
            if kind == "dpia" and use_case.dpia is not None:
                path = use_case.folder / str(use_case.stated.dpia)
                own = use_case.dpia
                yield Entry(kind, (own.id, name), path, own, None, registers)
            elif kind == "eqia":
                eqia = use_case.eqia
                path = use_case.eqia_path
                yield Entry(kind, (eqia.id, name), path, eqia, None, registers)
            elif kind == "use-case":
                path, record = use_case.record_path, use_case.record
                yield Entry(kind, (name,), path, record, use_case, registers)


def find(kind: str, name: str, home: Home) -> Entry:
    """Return one record by its id, or by its data set or use case.

    Raises:
        NotOnRecord: there is none that can be read.
    """
    known = []
    for entry in entries(kind, home):
        if name in entry.names:
            return entry
        known.append(entry.record.id)
    raise NotOnRecord(
        f"no {kind} record that can be read goes by {name}. There are "
        f"{', '.join(sorted(known)) or 'none'}; edp governance check says what is wrong "
        "with the others."
    )


def start_record(kind: str, name: str, home: Home) -> Path:
    """Write a new record with its questions open.

    Args:
        kind: the register.
        name: the data set (DPIA), the use case (DPIA, EqIA, use case), or the id.
        home: whose registers.

    Returns:
        the file written.

    Raises:
        CannotStart: it exists, or the folder it belongs to does not.
    """
    registers = Registers(home.made_on)
    if kind in _REGISTERS:
        attribute, model = _REGISTERS[kind]
        register: Register[Any] = getattr(registers, attribute)
        if not name or "/" in name or name.startswith("."):
            raise CannotStart(
                f"`{name}` cannot name a record: it becomes a file's name."
            )
        return _write(register.path(name), record_template(model, {"id": name}))
    folder = defs_root() / name
    data_set = defs_root() / "datasets" / name
    upper = name.upper().replace("_", "-")
    if kind == "dpia" and data_set.is_dir():
        return _write(data_set / "dpia.yaml", _for_data_set(data_set, upper))
    if not folder.is_dir() or name == "datasets":
        raise CannotStart(
            f"there is no {'data set or ' * (kind == 'dpia')}use case {name} under "
            f"{defs_root()}. Begin it: edp new use-case {name}."
        )
    if kind == "dpia":
        text = use_case_dpia_template(name, f"DPIA-{upper}")
        return _write(folder / "dpia.yaml", text)
    if kind == "eqia":
        return _write(folder / "eqia.yaml", eqia_template(name, f"EQIA-{upper}"))
    return _write(folder / "use_case.yaml", use_case_template(name))


def _for_data_set(folder: Path, upper: str) -> str:
    try:
        contract = load_contract(folder / "contract.yaml")
    except ContractInvalid as error:
        raise CannotStart(
            f"{folder.name}'s contract cannot be read, and the DPIA begins from it:\n"
            f"{error}"
        ) from error
    return dpia_template(
        example_id=f"DPIA-{upper}",
        contract=contract.id,
        columns=contract.column_names,
        contract_major=contract.major,
        known_id=contract.dpia_ref,
        purposes=contract.purposes,
        retention_rule=contract.retention_rule,
        is_part3=contract.regime == "part3",
    )


def _write(path: Path, text: str) -> Path:
    if path.exists():
        raise CannotStart(
            f"{path} exists, and nothing there was changed. Edit it, or choose another "
            "name."
        )
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


__all__ = [
    "CannotStart",
    "Entry",
    "NotOnRecord",
    "entries",
    "find",
    "start_record",
]
