"""Who a grant is for: a person of the force, or a supplier's, with what they have done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from edp_platform.governance.records.people import Person
from edp_platform.governance.records.supplier import Supplier, SupplierPerson
from edp_platform.governance.registers import Registers

#: How long the training Information and You holds. A rule of the platform's own: the
#: College of Policing asks for it to be refreshed each year.
TRAINING_HOLDS = timedelta(days=365)
#: Vetting that lets somebody see personal data. NPPV level 1 gives access to premises
#: and to no police information (College of Policing, APP Vetting).
VETTED = frozenset({"recruitment", "management", "nppv2", "nppv3"})


@dataclass(frozen=True)
class Holder:
    """One person who may be granted something.

    Attributes:
        id: as grants name them.
        name: for people.
        role: the role of the register, or `supplier`.
        supplier: the supplier's record, of one of its people.
        training: the day of the training Information and You.
        conflict_form: the day of the conflict of interest form, of a supplier's person.
        vetting: the level.
        vetting_until: its last day.
        left: the day they left.
    """

    id: str
    name: str
    role: str
    supplier: Supplier | None = None
    training: date | None = None
    conflict_form: date | None = None
    vetting: str | None = None
    vetting_until: date | None = None
    left: date | None = None

    @property
    def training_until(self) -> date | None:
        """The last day their training holds; None where there is none."""
        return self.training + TRAINING_HOLDS if self.training else None

    @property
    def vetted_until(self) -> date | None:
        """The last day of vetting that lets them see personal data; None for none."""
        return self.vetting_until if self.vetting in VETTED else None


class Holders:
    """Everybody who may be granted something, by id.

    An id that two people carry is nobody's: whose grant it is could not be told.

    Args:
        registers: the force's people and suppliers.
    """

    def __init__(self, registers: Registers) -> None:
        found: dict[str, list[Holder]] = {}
        for one in _all(registers):
            found.setdefault(one.id, []).append(one)
        self.by_id = {name: held[0] for name, held in found.items() if len(held) == 1}
        self.ambiguous = frozenset(
            name for name, held in found.items() if len(held) > 1
        )

    def get(self, person_id: str) -> Holder | None:
        """Return one person; None where nobody, or more than one, has the id."""
        return self.by_id.get(person_id)


def _all(registers: Registers) -> Iterator[Holder]:
    for person in registers.people.values():
        yield _of_force(person)
    for supplier in registers.suppliers.values():
        for one in supplier.people:
            if one.id is not None:
                yield _of_supplier(supplier, one)


def _of_force(person: Person) -> Holder:
    return Holder(
        id=person.id,
        name=person.name,
        role=person.role,
        training=person.information_and_you,
        vetting=person.vetting,
        vetting_until=person.vetting_until,
        left=person.left,
    )


def _of_supplier(supplier: Supplier, one: SupplierPerson) -> Holder:
    return Holder(
        id=str(one.id),
        name=one.name,
        role="supplier",
        supplier=supplier,
        training=one.information_and_you,
        conflict_form=one.conflict_of_interest_form,
        vetting=one.vetting,
        vetting_until=one.vetting_until,
    )
