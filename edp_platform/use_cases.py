"""The use cases on this platform: each folder's declaration and records, plainly read.

Knows nothing of Dagster, so that `edp governance` answers at once; the component in
`components/use_case.py` builds the assets of the same folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from edp_platform.contracts import Contract
from edp_platform.datasets import DataSet, SetAside, defs_root
from edp_platform.governance import delivery, equality_rules, supplier_rules
from edp_platform.governance.dpia import Dpia, DpiaInvalid, load_dpia
from edp_platform.governance.gate import (
    approved_in_date,
    commissioner_consulted,
    measures_exist,
)
from edp_platform.governance.records.base import (
    Fault,
    Owner,
    Part,
    RecordInvalid,
    Words,
    blanks,
    load_record,
    question,
)
from edp_platform.governance.records.eqia import Eqia
from edp_platform.governance.records.use_case import Stage, UseCaseRecord
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.yaml_source import UnreadableYaml, YamlDocument, load_yaml

#: What `defs.yaml` names as its type.
TYPE = "edp_platform.components.UseCase"


class UseCaseInvalid(ValueError):
    """A use case cannot be loaded; each line of the message is `file:line: fault`."""


class StatedSprint(Part):
    """The sprint a use case is in, and its supplier where it has one."""

    number: int = Field(description="the number of the sprint it is in")
    supplier: str | None = Field(
        default=None, description="the supplier's record, or null for none"
    )


class Stated(Part):
    """What `defs.yaml` says of a use case under `attributes`."""

    title: Words = Field(description="what the use case is called")
    aim: list[Literal["trust", "crime", "standards"]] = Field(
        description="one or more of trust, crime, standards, such as [crime]"
    )
    product_owner: Owner = Field(
        description="who answers for it: team:… or an e-mail address"
    )
    sprint: StatedSprint = Field(description="the sprint it is in")
    stage: Stage = Field(description="engage, evolve or embed")
    uses: list[str] = Field(
        description="the data sets it reads, such as [police_uk_street]"
    )
    purposes: list[str] = Field(
        description="purposes of the register, such as [P-STATISTICS]"
    )
    dpia: str | None = Field(default=None, description="its own DPIA's file, if any")
    eqia: str = Field(default="eqia.yaml", description="its EqIA's file")
    record: str = Field(default="use_case.yaml", description="its record's file")


@dataclass(frozen=True)
class UseCaseFolder:
    """One use case: what it states, and the records that let it run."""

    folder: Path
    stated: Stated
    made_on: date
    registers: Registers = field(repr=False)

    @property
    def name(self) -> str:
        """The folder's name, used everywhere."""
        return self.folder.name

    @property
    def product_owner(self) -> str:
        """Who answers for it."""
        return self.stated.product_owner

    @property
    def purposes(self) -> list[str]:
        """The purposes it uses data for."""
        return self.stated.purposes

    def purposes_of(self, contract: Contract) -> tuple[str, ...]:
        """Return the purposes for which it uses one data set: those both sides state.

        Where they share none, its own, so that the gate is asked about them and refuses.
        """
        shared = [one for one in self.purposes if one in contract.purposes]
        return tuple(shared or self.purposes)

    @property
    def record_path(self) -> Path:
        """Where its record stands."""
        return self.folder / self.stated.record

    @property
    def eqia_path(self) -> Path:
        """Where its equality impact assessment stands."""
        return self.folder / self.stated.eqia

    @cached_property
    def record(self) -> UseCaseRecord:
        """How it came to be where it is.

        Raises:
            RecordInvalid: it is missing or cannot be relied on.
        """
        path = self.record_path
        return load_record(path, UseCaseRecord, self.made_on, RecordInvalid)

    @cached_property
    def eqia(self) -> Eqia:
        """Its equality impact assessment.

        Raises:
            RecordInvalid: it is missing or cannot be relied on.
        """
        return load_record(self.eqia_path, Eqia, self.made_on, RecordInvalid)

    @cached_property
    def dpia(self) -> Dpia | None:
        """What it adds to its data sets' DPIAs, where it states one.

        Raises:
            DpiaInvalid: it is missing or cannot be relied on.
        """
        if self.stated.dpia is None:
            return None
        return load_dpia(self.folder / self.stated.dpia, self.made_on, "use_case")

    def refusals(
        self, today: date, product: str | None = None, *, is_model: bool = False
    ) -> tuple[Refusal, ...]:
        """Return why this use case, or one product of it, may not be built or shown.

        Args:
            today: the day of the question.
            product: a mart's or an asset's name; None asks about the use case alone.
            is_model: whether the product is a model.
        """
        registers, stated = self.registers, self.stated
        found: list[Refusal] = []
        try:
            eqia = self.eqia
        except RecordInvalid as error:
            found.append(_unreliable(36, "equality-assessed", error, self.eqia_path))
        else:
            found += equality_rules.equality_assessed(eqia, self.name, today)
        found += self._own_dpia(today)
        try:
            record = self.record
        except RecordInvalid as error:
            found.append(_unreliable(44, "problem-decided", error, self.record_path))
            return tuple(found)
        number, supplier = stated.sprint.number, stated.sprint.supplier
        if record.id != self.name:
            found.append(
                Refusal(
                    "problem-decided",
                    f"{self.record_path.name} is the record of {record.id}, not of "
                    f"{self.name}.",
                    "A use case runs only under its own record.",
                    "Write one for this use case: edp use-case new.",
                    44,
                )
            )
        found += delivery.problem_decided(
            record, stated.stage, number, registers.problems, today
        )
        found += delivery.consulted_at_every_stage(
            record, stated.stage, registers.people, today
        )
        found += delivery.platform_dpia_reviewed(
            record, number, self._platform_dpia, registers.platform_reviews, today
        )
        found += equality_rules.platform_equality_reviewed(
            record, number, self._platform_eqia, today
        )
        found += supplier_rules.supplier_complete(supplier, registers.suppliers, today)
        found += supplier_rules.supplier_continues(
            record,
            number,
            supplier,
            registers.supplier_reviews,
            registers.decided_packs,
            registers.people,
            today,
        )
        found += supplier_rules.supplier_within_agreement(
            record, number, supplier, registers.suppliers
        )
        found += delivery.models_recorded(
            self.name,
            tuple(record.models),
            product,
            is_model,
            registers.model_records,
            today,
        )
        if product is not None:
            found += equality_rules.equality_seen(
                record, product, registers.people, today
            )
        return tuple(found)

    def _own_dpia(self, today: date) -> list[Refusal]:
        try:
            dpia = self.dpia
        except DpiaInvalid as error:
            return list(error.refusals) or [
                _unreliable(
                    2, "approved", error, self.folder / str(self.stated.dpia), "DPIA "
                )
            ]
        if dpia is None:
            return []
        return [
            *approved_in_date(dpia, today, self.registers.people),
            *commissioner_consulted(dpia, today),
            *measures_exist(dpia, self.registers.asset_checks),
        ]

    @property
    def _platform_dpia(self) -> Dpia | None:
        try:
            return self.registers.platform_dpia
        except DpiaInvalid:
            return None

    @property
    def _platform_eqia(self) -> Eqia | None:
        try:
            return self.registers.platform_eqia
        except RecordInvalid:
            return None


def _unreliable(
    number: int, rule: str, error: Exception, path: Path, kind: str = "record "
) -> Refusal:
    return Refusal(
        rule,
        f"A {kind}cannot be relied on: {error}",
        "A use case runs only under records that somebody signed.",
        f"Write or mend {path}.",
        number,
    )


@dataclass(frozen=True)
class UseCases:
    """Every use case that could be loaded, and every folder that could not."""

    by_name: dict[str, UseCaseFolder]
    set_aside: tuple[SetAside, ...]

    @classmethod
    def load(
        cls, home: Home, root: Path | None = None, registers: Registers | None = None
    ) -> UseCases:
        """Load each folder that declares a use case."""
        chosen = registers or Registers(home.made_on)
        loaded: dict[str, UseCaseFolder] = {}
        faults = []
        for folder in use_case_folders(root or defs_root()):
            try:
                loaded[folder.name] = load_use_case(folder, home, chosen)
            except (UseCaseInvalid, UnreadableYaml) as error:
                faults.append(SetAside(folder, str(error)))
        return cls(loaded, tuple(faults))


def data_refusals(
    use_case: UseCaseFolder, data_sets: Mapping[str, DataSet], today: date
) -> Iterator[tuple[str, Refusal]]:
    """Yield (data set, refusal) of each that may not stand in the use case's marts.

    What is wrong with a data set itself is told with it; here, that this use case may
    not use it for what it states (rules 4 and 6).

    Args:
        use_case: whose marts.
        data_sets: those loaded, by name.
        today: the day of the question.
    """
    for name in use_case.stated.uses:
        data_set = data_sets.get(name)
        if data_set is not None:
            purposes = use_case.purposes_of(data_set.contract)
            for refusal in data_set.refusals(
                "mart", today, purposes=purposes, use_case=use_case.name
            ):
                if refusal.number in (4, 6):
                    yield name, refusal


def product_refusals(
    use_cases: Mapping[str, UseCaseFolder],
    name: str | None,
    product: str,
    today: date,
    *,
    is_model: bool = False,
) -> tuple[Refusal, ...]:
    """Return why a mart may not be built or shown, by the rules of its use case.

    Args:
        use_cases: those whose records could be read.
        name: the use case the mart belongs to; None for none, and nothing is asked.
        product: the mart.
        today: the day of the question.
        is_model: whether the mart forecasts, ranks or scores.
    """
    if name is None:
        return ()
    use_case = use_cases.get(name)
    if use_case is None:
        return (
            Refusal(
                "problem-decided",
                f"The use case {name} of {product} is set aside or unknown.",
                "A product is made only for a use case whose records can be read.",
                "See edp status for its error, or write it: edp new use-case.",
                44,
            ),
        )
    return use_case.refusals(today, product, is_model=is_model)


def use_case_folders(root: Path) -> list[Path]:
    """Return the folders under `root` whose `defs.yaml` declares a use case."""
    return [
        path.parent
        for path in sorted(root.glob("*/defs.yaml"))
        if not path.parent.name.startswith(("_", "."))
        and path.is_file()
        and f"type: {TYPE}" in path.read_text(encoding="utf-8", errors="replace")
    ]


def load_use_case(folder: Path, home: Home, registers: Registers) -> UseCaseFolder:
    """Load one use case's folder.

    Raises:
        UseCaseInvalid: one line for each blank of defs.yaml, use_case.yaml, eqia.yaml
            and dpia.yaml, or for each fault of defs.yaml.
        UnreadableYaml: defs.yaml is missing or no YAML.
    """
    document = load_yaml(folder / "defs.yaml")
    attributes = document.mapping("attributes")
    faults = [*_open_questions(document), *_blanks_beside(folder, attributes)]
    if not faults:
        try:
            stated = Stated.model_validate(attributes)
        except ValidationError as error:
            faults = list(_in_words(error, document))
    if faults:
        raise UseCaseInvalid("\n".join(str(fault) for fault in faults))
    return UseCaseFolder(folder, stated, home.made_on, registers)


def _blanks_beside(folder: Path, attributes: dict[str, object]) -> list[Fault]:
    """Return the open questions of the records that stand beside `defs.yaml`."""
    found = []
    for name, model in (
        (attributes.get("dpia"), Dpia),
        (attributes.get("eqia", "eqia.yaml"), Eqia),
        (attributes.get("record", "use_case.yaml"), UseCaseRecord),
    ):
        path = folder / str(name)
        if name and path.exists():
            found += blanks(load_yaml(path), model)
    return found


def _open_questions(document: YamlDocument) -> list[Fault]:
    found = []
    for keys, line in document.blanks():
        inner = [key for key in keys if key != "attributes"]
        what = question(Stated, inner)
        remedy = f"Write {what}" if what else "Write it, or remove the line"
        where = ".".join(key for key in inner if isinstance(key, str))
        message = f"`{where}` is not answered. {remedy}."
        found.append(Fault(document.path, line, message))
    return found


def _in_words(error: ValidationError, document: YamlDocument) -> Sequence[Fault]:
    found = []
    for fault in error.errors():
        keys: list[str | int] = [
            "attributes",
            *(key for key in fault["loc"] if isinstance(key, str | int)),
        ]
        name = ".".join(str(key) for key in keys[1:])
        message = {
            "missing": f"`{name}` is not answered: write it under attributes.",
            "extra_forbidden": f"`{name}` is not known here; is it misspelt?",
        }.get(fault["type"], f"`{name}`: {fault['msg']}.")
        found.append(Fault(document.path, document.line(keys), message))
    return found
