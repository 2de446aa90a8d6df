"""The registers: the folder of records that the force, not the package, keeps.

The one way in to them. Each register is a folder of one YAML file a record, named after
its id; the overarching records, the prices and the controller are a file each. A record
that cannot be relied on is left out and told: whatever names it is then refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar

from edp_platform.governance.dpia import Dpia, load_dpia
from edp_platform.governance.records.base import (
    Fault,
    Record,
    RecordInvalid,
    load_record,
)
from edp_platform.governance.records.eqia import Eqia
from edp_platform.governance.records.evaluation import Evaluation
from edp_platform.governance.records.grant import Grant
from edp_platform.governance.records.legacy_service import LegacyService
from edp_platform.governance.records.model_record import ModelRecord
from edp_platform.governance.records.organisation import Organisation
from edp_platform.governance.records.people import Person, Team
from edp_platform.governance.records.platform_review import PlatformReview
from edp_platform.governance.records.policy_document import PolicyDocument
from edp_platform.governance.records.price_list import PriceList
from edp_platform.governance.records.problem import Problem
from edp_platform.governance.records.purpose import Purpose
from edp_platform.governance.records.retention_rule import RetentionRule
from edp_platform.governance.records.sign_in import Personas, PersonasInvalid
from edp_platform.governance.records.supplier import Supplier
from edp_platform.governance.records.supplier_review import SupplierReview
from edp_platform.governance.review_pack.decided import DecidedPacks

_R = TypeVar("_R", bound=Record)


def registers_root() -> Path:
    """Return the folder of registers: `EDP_REGISTERS`, else the package's examples."""
    chosen = os.environ.get("EDP_REGISTERS")
    return Path(chosen) if chosen else Path(__file__).parents[1] / "registers"


@dataclass(frozen=True)
class Register(Mapping[str, _R], Generic[_R]):
    """One register: id → record, in the order of the ids.

    Attributes:
        folder: where it stands.
        model: what each record is.
        records: those that can be relied on.
        faults: why the others cannot; each begins with file and line.
    """

    folder: Path
    model: type[_R]
    records: dict[str, _R] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    @classmethod
    def load(cls, folder: Path, model: type[_R], made_on: date) -> Register[_R]:
        """Read every record of a folder; an empty or missing one holds none."""
        records: dict[str, _R] = {}
        faults: list[str] = []
        for path in sorted(folder.glob("*.yaml")):
            try:
                record = load_record(path, model, made_on, RecordInvalid)
            except RecordInvalid as invalid:
                faults += str(invalid).splitlines()
                continue
            if record.id.removeprefix("team:") != path.stem:
                # Two files could otherwise claim one id, and the later would win.
                message = (
                    f"`id` is {record.id}, the file is {path.name}: a record's file is "
                    f"named after its id. Rename one of them."
                )
                faults.append(str(Fault(path, 1, message)))
                continue
            records[record.id] = record
        return cls(folder, model, records, tuple(faults))

    def path(self, record_id: str) -> Path:
        """Return where a record of this id stands, or would stand."""
        return self.folder / f"{record_id.removeprefix('team:')}.yaml"

    def __getitem__(self, record_id: str) -> _R:
        """Return a record by its id."""
        return self.records[record_id]

    def __iter__(self) -> Iterator[str]:
        """Go through the ids."""
        return iter(self.records)

    def __len__(self) -> int:
        """Count the records that can be relied on."""
        return len(self.records)


class Registers:
    """The records of one force.

    Args:
        folder: where they stand; default `EDP_REGISTERS`, else the sample force's
            examples that ship with the package.
        made_on: the anchor of example records' relative dates.
    """

    def __init__(self, made_on: date, folder: Path | None = None) -> None:
        self.folder = folder or registers_root()
        self.made_on = made_on
        #: The names of every check of the asset graph; None before it was loaded.
        self.asset_checks: frozenset[str] | None = None

    def _register(self, name: str, model: type[_R]) -> Register[_R]:
        return Register.load(self.folder / name, model, self.made_on)

    @cached_property
    def people(self) -> Register[Person]:
        """The people of the force."""
        return self._register("people", Person)

    @cached_property
    def teams(self) -> Register[Team]:
        """The teams that own data sets and use cases."""
        return self._register("teams", Team)

    @cached_property
    def purposes(self) -> Register[Purpose]:
        """The purposes that data may be used for."""
        return self._register("purposes", Purpose)

    @cached_property
    def policy_documents(self) -> Register[PolicyDocument]:
        """The appropriate policy documents."""
        return self._register("policy_documents", PolicyDocument)

    @cached_property
    def retention_rules(self) -> Register[RetentionRule]:
        """The rules of the retention schedule."""
        return self._register("retention_schedule", RetentionRule)

    @cached_property
    def suppliers(self) -> Register[Supplier]:
        """The suppliers."""
        return self._register("suppliers", Supplier)

    @cached_property
    def supplier_reviews(self) -> Register[SupplierReview]:
        """Commercial services' decisions at the end of each sprint."""
        return self._register("supplier_reviews", SupplierReview)

    @property
    def decided_packs(self) -> DecidedPacks:
        """The evidence packs that those decisions rest on."""
        return DecidedPacks(self.folder / "supplier_reviews" / "evidence")

    @cached_property
    def grants(self) -> Register[Grant]:
        """Who may see what, and what was asked for or taken back."""
        return self._register("grants", Grant)

    @cached_property
    def problems(self) -> Register[Problem]:
        """The problem book."""
        return self._register("problem_book", Problem)

    @cached_property
    def model_records(self) -> Register[ModelRecord]:
        """The algorithmic transparency records."""
        return self._register("model_records", ModelRecord)

    @cached_property
    def evaluations(self) -> Register[Evaluation]:
        """The evaluations of what was done, registered before the outcomes were seen."""
        return self._register("evaluations", Evaluation)

    @cached_property
    def platform_reviews(self) -> Register[PlatformReview]:
        """The reviews of the overarching records, one a delivery."""
        return self._register("platform_reviews", PlatformReview)

    @cached_property
    def legacy_services(self) -> Register[LegacyService]:
        """What the platform replaces, until it is switched off."""
        return self._register("legacy_services", LegacyService)

    @cached_property
    def platform_dpia(self) -> Dpia:
        """The overarching DPIA.

        Raises:
            DpiaInvalid: it is missing or cannot be relied on.
        """
        path = self.folder / "dpia_platform.yaml"
        return load_dpia(path, self.made_on, "overarching")

    @cached_property
    def platform_eqia(self) -> Eqia:
        """The platform's equality impact assessment.

        Raises:
            RecordInvalid: it is missing or cannot be relied on.
        """
        path = self.folder / "eqia_platform.yaml"
        return load_record(path, Eqia, self.made_on, RecordInvalid)

    @cached_property
    def prices(self) -> PriceList:
        """The price list.

        Raises:
            RecordInvalid: it is missing or cannot be relied on.
        """
        path = self.folder / "prices.yaml"
        return load_record(path, PriceList, self.made_on, RecordInvalid)

    @cached_property
    def organisation(self) -> Organisation:
        """The controller.

        Raises:
            RecordInvalid: its record is missing or cannot be relied on.
        """
        path = self.folder / "organisation.yaml"
        return load_record(path, Organisation, self.made_on, RecordInvalid)

    @cached_property
    def sign_in(self) -> Personas:
        """What a role may do in the pipeline's user interface, and the personas.

        Raises:
            PersonasInvalid: the record is missing or cannot be relied on.
        """
        path = self.folder / "personas.yaml"
        return load_record(path, Personas, self.made_on, PersonasInvalid)

    @property
    def all(self) -> dict[str, Register[Record]]:
        """Every register that is a folder, by the folder's name."""
        found = (
            self.people,
            self.teams,
            self.purposes,
            self.policy_documents,
            self.retention_rules,
            self.suppliers,
            self.supplier_reviews,
            self.grants,
            self.problems,
            self.model_records,
            self.evaluations,
            self.platform_reviews,
            self.legacy_services,
        )
        return {one.folder.name: one for one in found}  # type: ignore[misc]

    def faults(self) -> list[str]:
        """Return each fault of each register as `file:line: message`."""
        found = [fault for one in self.all.values() for fault in one.faults]
        for name in (
            "platform_dpia",
            "platform_eqia",
            "prices",
            "organisation",
            "sign_in",
        ):
            try:
                getattr(self, name)
            except RecordInvalid as invalid:
                found += str(invalid).splitlines()
        return found
