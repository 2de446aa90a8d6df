"""Reads what the catalogue is gathered from, each thing once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from edp_platform.access.facts import read_facts
from edp_platform.cataloguing.access import AccessBook
from edp_platform.cataloguing.entries import ChecksSeen, Known
from edp_platform.datasets import DataSets
from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.ingestion.landing import LandingStore
from edp_platform.publishing.snapshot import NothingPublished, current
from edp_platform.status import platform_status
from edp_platform.use_cases import UseCases
from edp_platform.warehouse.lineage import ColumnLineage
from edp_platform.warehouse.manifest import ManifestStore
from edp_platform.warehouse.models import Models


def load_known(
    home: Home, today: date, checks: Mapping[str, ChecksSeen] | None = None
) -> Known:
    """Read everything.

    Args:
        home: whose catalogue.
        today: the day of the question.
        checks: asset → its checks as they last came out; None where nobody asked.

    Raises:
        DbtFailed: the dbt project does not parse.
    """
    registers = Registers(home.made_on)
    data_sets = DataSets.load(home, registers=registers)
    use_cases = UseCases.load(home, registers=registers)
    store = ManifestStore(home)
    contracts = {name: one.contract for name, one in data_sets.by_name.items()}
    facts = read_facts(home, registers, today)
    status = platform_status(home, data_sets, use_cases.set_aside)
    try:
        snapshot = current(home)
    except NothingPublished:
        snapshot = None
    return Known(
        data_sets=data_sets,
        use_cases=use_cases,
        registers=registers,
        models=Models(store.manifest),
        law=ColumnLineage(store, contracts).law,
        facts=facts.marts,
        supplies=LandingStore(home).supplies(),
        status={one["name"]: one for one in status["data_sets"]},
        reasons=status["quarantine_by_reason"],
        snapshot=snapshot,
        access=AccessBook.of(registers, facts, today),
        today=today,
        checks=checks,
    )
