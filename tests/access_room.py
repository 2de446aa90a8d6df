"""A made-up force for tests of access: people, suppliers, grants, two marts.

`counted` holds counts that anybody may see under a grant; `reports` holds columns about
people. Everything is a plain value, so that a test can change one thing and compile.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

from edp_platform.access.declared import Declared, Facts, declare
from edp_platform.access.marts import DataSetState, Mart, MartColumn, Source
from edp_platform.governance.records.grant import Grant, Recertification
from edp_platform.governance.records.people import Person
from edp_platform.governance.records.supplier import Supplier, SupplierPerson
from edp_platform.governance.refusal import Refusal

DAY = timedelta(days=1)
TODAY = date.today()
#: What DPIAs name as recipients where a supplier may see what they cover.
NAMED = "supplier:SUP-CON"

MARTS = {
    "counted": Mart(
        "counted",
        (MartColumn("month"), MartColumn("force"), MartColumn("n")),
        (Source("street", ("P-STATISTICS",), is_open_data=True),),
        "neighbourhood",
    ),
    "reports": Mart(
        "reports",
        (
            MartColumn("force"),
            MartColumn("report_id", "direct", frozenset({"crime"})),
            MartColumn("age_band", "quasi", frozenset({"crime"})),
            MartColumn("offence", "sensitive", frozenset({"crime"})),
            MartColumn("n"),
        ),
        (
            Source("crime", ("P-LE", "P-STATISTICS")),
            Source("street", ("P-STATISTICS", "P-LE"), is_open_data=True),
        ),
        "records",
    ),
}
#: Rows of each mart: the same in the database and in what tests expect.
ROWS: dict[str, list[dict[str, Any]]] = {
    "counted": [
        {"month": "2026-01", "force": "metropolitan", "n": 4},
        {"month": "2026-01", "force": "city", "n": 2},
        {"month": "2026-02", "force": "metropolitan", "n": 5},
    ],
    "reports": [
        {
            "force": "metropolitan",
            "report_id": "R1",
            "age_band": "18-24",
            "offence": "theft",
            "n": 1,
        },
        {
            "force": "city",
            "report_id": "R2",
            "age_band": "25-34",
            "offence": "robbery",
            "n": 1,
        },
    ],
}


def person(name: str, role: str = "analyst", **changed: Any) -> Person:
    """Return a person of the force, trained and vetted."""
    given: dict[str, Any] = {
        "id": name,
        "name": name.title(),
        "role": role,
        "information_and_you": (TODAY - 10 * DAY).isoformat(),
        "vetting": "recruitment",
        "vetting_until": (TODAY + 500 * DAY).isoformat(),
    }
    return Person.model_validate({**given, **changed})


def supplier(identity: str, basis: str, who: str, **changed: Any) -> Supplier:
    """Return a supplier that was brought on completely, with one of its people."""
    before = (TODAY - 20 * DAY).isoformat()
    given: dict[str, Any] = {
        "id": identity,
        "name": f"Firm of {who}",
        "basis": basis,
        "s93_ref": "S93-1" if basis == "s93" else None,
        "contract_ref": "CON-1" if basis == "contract" else None,
        "starts": (TODAY - 100 * DAY).isoformat(),
        "ends": (TODAY + 300 * DAY).isoformat(),
        "single_point_of_contact": "Somebody",
        "force_lead": "lead",
        "force_lead_conflict_form": before,
        "force_lead_contract_training": before,
        "work_package": "WP-1",
        "ownership_of_work": "the force",
        "data_class": "aggregate",
        "people": [
            SupplierPerson(
                id=who,
                name=who.title(),
                information_and_you=before,  # type: ignore[arg-type]
                conflict_of_interest_form=before,  # type: ignore[arg-type]
                vetting="nppv2",
                vetting_until=(TODAY + 90 * DAY).isoformat(),  # type: ignore[arg-type]
            ).model_dump(mode="json")
        ],
    }
    return Supplier.model_validate({**given, **changed})


def grant(identity: str, who: str, mart: str, **changed: Any) -> Grant:
    """Return an approved grant of a mart's columns about nobody, live today."""
    given: dict[str, Any] = {
        "id": identity,
        "status": "approved",
        "person": who,
        "kind": "force",
        "marts": [mart],
        "identifier_classes": ["none"],
        "purposes": ["P-STATISTICS"],
        "project": "a test",
        "starts": (TODAY - 10 * DAY).isoformat(),
        "until": (TODAY + 60 * DAY).isoformat(),
        "requested_by": "lead",
        "requested_on": (TODAY - 12 * DAY).isoformat(),
        "approved_by": "iao",
        "approved_on": (TODAY - 11 * DAY).isoformat(),
    }
    if "columns" in changed:
        del given["identifier_classes"]
    return Grant.model_validate({**given, **changed})


def _people() -> dict[str, Person]:
    return {
        one.id: one
        for one in (
            person("ann"),
            person("bob", information_and_you=None, vetting=None, vetting_until=None),
            person("cat"),
            person("lead", "business_lead"),
            person("iao", "information_asset_owner"),
        )
    }


def _grants() -> dict[str, Grant]:
    return {
        one.id: one
        for one in (
            grant(
                "G-ANN-1", "ann", "reports", columns=["force", "report_id", "offence"]
            ),
            grant("G-ANN-2", "ann", "counted", rows={"force": ["metropolitan"]}),
            grant("G-BOB-1", "bob", "reports"),
            grant("G-BOB-2", "bob", "counted"),
            grant("G-SAM-1", "sam", "counted", kind="contract"),
            grant("G-PIA-1", "pia", "counted", kind="s93"),
        )
    }


@dataclass(frozen=True)
class World:
    """All that is compiled; change one thing with `but`."""

    people: dict[str, Person] = field(default_factory=_people)
    suppliers: dict[str, Supplier] = field(
        default_factory=lambda: {
            "SUP-CON": supplier("SUP-CON", "contract", "sam"),
            "SUP-S93": supplier("SUP-S93", "s93", "pia"),
        }
    )
    grants: dict[str, Grant] = field(default_factory=_grants)
    marts: dict[str, Mart] = field(default_factory=lambda: dict(MARTS))
    states: dict[str, DataSetState] = field(
        default_factory=lambda: {
            name: DataSetState(name, f"DPIA-{name}", True, TODAY + 100 * DAY)
            for name in ("street", "crime")
        }
    )
    named: tuple[str, ...] = ()

    def but(self, **changed: Any) -> World:
        """Return this force with some things else."""
        return replace(self, **changed)

    def granted(self, *grants: Grant) -> World:
        """Return this force with some grants more, or in place of those of their id."""
        return self.but(grants={**self.grants, **{one.id: one for one in grants}})

    def without(self, *identities: str) -> World:
        """Return this force without some grants."""
        kept = {
            name: one for name, one in self.grants.items() if name not in identities
        }
        return self.but(grants=kept)

    def peopled(self, *people: Person) -> World:
        """Return this force with some people in place of those of their id."""
        return self.but(people={**self.people, **{one.id: one for one in people}})

    def supplied(self, *suppliers: Supplier) -> World:
        """Return this force with some suppliers in place of those of their id."""
        return self.but(suppliers={**self.suppliers, **{s.id: s for s in suppliers}})

    @property
    def registers(self) -> Any:
        """What the compiler reads of the registers."""
        return SimpleNamespace(
            people=self.people,
            suppliers=self.suppliers,
            grants=self.grants,
            purposes={"P-STATISTICS": None, "P-LE": None},
        )

    @property
    def facts(self) -> Facts:
        """The marts, and the DPIAs beneath them."""
        dpias: Any = {
            name: SimpleNamespace(
                id=f"DPIA-{name}", scope=SimpleNamespace(recipients=[*self.named])
            )
            for name in ("street", "crime")
        }
        return Facts(self.marts, self.states, dpias, {"street": "iao", "crime": "iao"})

    def declared(self, today: date = TODAY) -> Declared:
        """Compile."""
        return declare(self.registers, self.facts, today)

    def refused(self, identity: str, today: date = TODAY) -> tuple[Refusal, ...]:
        """Return what refuses a grant, on all its marts."""
        return tuple(
            refusal
            for one in self.declared(today).judged
            if one.grant.id == identity
            for refusal in one.refusals
        )


def looked(*days: date) -> list[Any]:
    """Return recertifications on some days."""
    return [
        Recertification(by="lead", on=one.isoformat()).model_dump(mode="json")  # type: ignore[arg-type]
        for one in days
    ]
