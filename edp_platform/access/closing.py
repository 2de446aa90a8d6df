"""Closing the work with a supplier: access back, extracts destroyed, handover on record."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from edp_platform.governance.audit import AuditLog, Event
from edp_platform.governance.record_editing import (
    add_value,
    replace_value,
    write_checked,
)
from edp_platform.governance.records.supplier import Supplier
from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.told import Told

#: Destroys what a supplier was given, in one store; returns how many extracts went.
Destroy = Callable[[Home, str], int]
#: Every store of extracts that suppliers are given; one that is added later adds itself.
EXTRACTS: dict[str, Destroy] = {}

#: Who may close the work with a supplier, beside the force's lead.
CLOSERS = frozenset({"commercial_services", "senior_information_risk_owner"})


class CannotClose(Told):
    """The work with a supplier cannot be closed; nothing was changed."""


@dataclass(frozen=True)
class Closed:
    """What closing did.

    Attributes:
        grants: ids of those taken back.
        extracts: store → how many were destroyed.
    """

    grants: tuple[str, ...]
    extracts: dict[str, int]


def close(
    supplier_id: str,
    by: str,
    handover: str,
    home: Home,
    registers: Registers,
    now: datetime,
) -> Closed:
    """Close the work with a supplier, in the registers and in every store of extracts.

    Raises:
        CannotClose: nobody may say that, or ownership or learning is not on record.
        NotEditable, WriteFailed: a file cannot be changed; run it again.
    """
    supplier = _may_close(supplier_id, by, handover, registers, now.date())
    destroyed = {
        name: destroy(home, supplier_id) for name, destroy in sorted(EXTRACTS.items())
    }
    count = sum(destroyed.values())
    AuditLog(home).record(
        Event(
            operation="erasure",
            actor=by,
            purpose_id="supplier-close",
            justification=f"The work with {supplier_id} is closed.",
            object=f"extracts given to {supplier_id}",
            row_count=count,
        ),
        now,
    )
    grants = _revoke(supplier, registers, now.date())
    told = f"{count} destroyed, of {len(destroyed)} stores of extracts"
    closed = json.dumps(
        {
            "on": now.date().isoformat(),
            "by": by,
            "extracts": told,
            "handover": handover,
        },
        ensure_ascii=False,
    )
    path = registers.suppliers.path(supplier_id)
    text = path.read_text(encoding="utf-8")
    write_checked(path, add_value(text, [], "closed", closed))
    return Closed(grants, destroyed)


def _may_close(
    supplier_id: str, by: str, handover: str, registers: Registers, today: date
) -> Supplier:
    supplier = registers.suppliers.get(supplier_id)
    if supplier is None:
        raise CannotClose(
            f"{supplier_id} is no supplier of the register; there are "
            f"{', '.join(registers.suppliers) or 'none'}."
            + "".join(f" Left out: {one}" for one in registers.suppliers.faults)
        )
    if supplier.closed is not None:
        raise CannotClose(f"{supplier_id} was closed on {supplier.closed.on}.")
    person = registers.people.get(by)
    may = person is not None and (by == supplier.force_lead or person.role in CLOSERS)
    if person is None or not may or (person.left is not None and person.left <= today):
        raise CannotClose(
            f"{by} may not close {supplier_id}: its lead in the force "
            f"({supplier.force_lead}), commercial services or the senior information "
            "risk owner may."
        )
    for field, what in (
        ("ownership_of_work", "who owns what they made"),
        (
            "learning_shared",
            "what the force learnt from them, and where that is written",
        ),
    ):
        if not (getattr(supplier, field) or "").strip():
            raise CannotClose(
                f"{supplier_id} has no `{field}`: {what} cannot be found out once they "
                f"are gone. Write it in {registers.suppliers.path(supplier_id)}."
            )
    if not handover.strip():
        raise CannotClose("Say what was handed over, and to whom: --handover.")
    return supplier


def _revoke(supplier: Supplier, registers: Registers, today: date) -> tuple[str, ...]:
    people = {one.id for one in supplier.people if one.id is not None}
    taken = []
    for grant in registers.grants.values():
        if grant.person in people and grant.status in ("approved", "requested"):
            path = registers.grants.path(grant.id)
            text = path.read_text(encoding="utf-8")
            text = replace_value(text, ["status"], "revoked")
            text = add_value(text, [], "revoked_on", today.isoformat())
            write_checked(path, text)
            taken.append(grant.id)
    return tuple(taken)
