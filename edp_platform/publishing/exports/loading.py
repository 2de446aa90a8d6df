"""Reads what exports are made from: folders, registers, receipts, the published copy."""

from __future__ import annotations

from contextlib import suppress

from edp_platform.datasets import DataSets
from edp_platform.governance.records.base import RecordInvalid
from edp_platform.governance.records.eqia import Eqia
from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.ingestion.landing import WHOLE, LandingStore, Supplies
from edp_platform.publishing.exports.catalogue import is_quarterly
from edp_platform.publishing.exports.sources import Held, Mart, Sources
from edp_platform.publishing.snapshot import NothingPublished, current
from edp_platform.use_cases import UseCases

_SHARED_OWNER = "team:data-engineering"


def load_sources(home: Home, *, with_marts: bool = True) -> Sources:
    """Read everything.

    Args:
        home: whose data is described.
        with_marts: whether the published marts are wanted; the dbt project is read for
            them.

    Raises:
        RecordInvalid: the organisation's record or the overarching DPIA is missing or
            cannot be relied on; each export names the controller.
        DbtFailed: marts are wanted and the dbt project does not parse.
    """
    data_sets = DataSets.load(home)
    registers = Registers(home.made_on)
    use_cases = UseCases.load(home, registers=registers)
    return Sources(
        organisation=registers.organisation,
        data_sets=data_sets.by_name,
        set_aside=data_sets.set_aside,
        platform_dpia=registers.platform_dpia,
        purposes=registers.purposes,
        retention_rules=registers.retention_rules,
        policy_documents=registers.policy_documents,
        people=registers.people,
        teams=registers.teams,
        suppliers=registers.suppliers,
        models=registers.model_records,
        eqias=_eqias(registers, use_cases),
        held={
            name: _held(supplies)
            for name, supplies in LandingStore(home).supplies().items()
        },
        marts=_marts(home, use_cases) if with_marts else (),
        faults=tuple(
            (name, fault)
            for name, register in registers.all.items()
            for fault in register.faults
        ),
    )


def _eqias(registers: Registers, use_cases: UseCases) -> dict[str, Eqia]:
    """Return the assessments that can be relied on, the platform's among them."""
    found = {}
    for folder in use_cases.by_name.values():
        # governance check tells of one that cannot be read; here it is not found
        with suppress(RecordInvalid):
            found[folder.eqia.id] = folder.eqia
    with suppress(RecordInvalid):
        found[registers.platform_eqia.id] = registers.platform_eqia
    return found


def _held(supplies: Supplies) -> Held:
    months = [month for month in supplies.months if month != WHOLE]
    landed = [one.landed_at[:10] for one in supplies.deliveries]
    return Held(
        first_month=months[0] if months else None,
        last_month=months[-1] if months else None,
        changed_on=max(landed, default=None),
        is_quarterly=is_quarterly(months),
    )


def _marts(home: Home, use_cases: UseCases) -> tuple[Mart, ...]:
    """Return the marts of the published copy; none while there is no copy."""
    from edp_platform.warehouse.manifest import ManifestStore
    from edp_platform.warehouse.models import Models

    try:
        snapshot = current(home)
    except NothingPublished:
        return ()
    models = Models(ManifestStore(home).manifest)
    owners = {name: one.product_owner for name, one in use_cases.by_name.items()}
    found = []
    for name in sorted(snapshot.rows):
        model = models.by_name.get(name)
        if model is None:
            continue  # its model is gone; the next run publishes a copy without it
        found.append(
            Mart(
                name=name,
                title=name.replace("_", " ").capitalize(),
                description=" ".join(model.description.split()),
                use_case=model.use_case,
                owner=owners.get(model.use_case or "", _SHARED_OWNER),
                version=f"sql-{models.code(model.unique_id)}",
                changed_on=snapshot.as_at[:10],
                data_sets=tuple(sorted(models.data_sets(model.unique_id))),
                columns=model.columns,
            )
        )
    return tuple(found)
