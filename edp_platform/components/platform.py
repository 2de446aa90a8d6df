"""Everything together: folders, warehouse, sensor, and what was set aside."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import dagster as dg

from edp_platform.components.access import access_definitions
from edp_platform.components.alerts import alert_definitions
from edp_platform.components.auditing import audit_definitions
from edp_platform.components.folders import load_folders, set_aside_assets
from edp_platform.components.governance_view import governance_definitions
from edp_platform.components.products import products_in
from edp_platform.components.served import served_definitions
from edp_platform.components.warehouse import Warehouse
from edp_platform.datasets import DataSets, SetAside, defs_root
from edp_platform.home import Home
from edp_platform.orchestration.landing_sensor import landing_sensor


@dataclass(frozen=True)
class Platform:
    """One load of the platform."""

    definitions: dg.Definitions
    data_sets: DataSets
    warehouse: Warehouse
    set_aside: tuple[SetAside, ...]
    asset_checks: frozenset[str]


def load_platform(home: Home) -> Platform:
    """Load every folder once and build the definitions over them.

    Raises:
        DbtFailed: the dbt project does not parse; without it nothing can be built.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        folders = load_folders(defs_root(), home)
        warehouse = Warehouse(home, folders.data_sets, folders.use_cases)
        warehouse.products = products_in(folders.definitions, folders.use_cases)
        definitions = dg.Definitions.merge(
            *folders.definitions,
            warehouse.definitions(),
            served_definitions(warehouse),
            access_definitions(home),
            audit_definitions(home),
            *(
                [alert_definitions(home)]
                if "measure_series" in warehouse.models.by_name
                else []
            ),
            dg.Definitions(
                assets=set_aside_assets(folders.set_aside),
                sensors=[landing_sensor(home, folders.data_sets)],
                # A step in a process of its own costs seconds of imports.
                executor=dg.in_process_executor,
            ),
        )
        checks = _check_names(definitions)
        definitions = dg.Definitions.merge(
            definitions, governance_definitions(home, checks)
        )
    # Only now is it known which checks there are; every door asks from here on.
    folders.registers.asset_checks = checks
    return Platform(
        definitions, folders.data_sets, warehouse, folders.set_aside, checks
    )


def _check_names(definitions: dg.Definitions) -> frozenset[str]:
    """Return the name of every check of the asset graph (rule 11 asks for them)."""
    assets = [one for one in definitions.assets or () if hasattr(one, "check_specs")]
    checks = [*assets, *(definitions.asset_checks or ())]
    return frozenset(spec.name for one in checks for spec in one.check_specs)
