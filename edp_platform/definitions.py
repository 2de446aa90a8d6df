"""What Dagster loads: the folders under `defs`, the warehouse, the landing sensor."""

from __future__ import annotations

import warnings
from datetime import date

import dagster as dg

from edp_platform.components.folders import load_folders, set_aside_assets
from edp_platform.components.use_case import use_cases
from edp_platform.components.warehouse import Warehouse
from edp_platform.datasets import DataSets, defs_root
from edp_platform.home import Home
from edp_platform.orchestration.landing_sensor import landing_sensor

warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)


@dg.definitions
def defs() -> dg.Definitions:
    """Load every folder, the warehouse over them, and the sensor that watches landing."""
    home = Home.open(date.today())
    root = defs_root()
    folders = load_folders(root)
    data_sets = DataSets.load(home, root)
    warehouse = Warehouse(home, data_sets, use_cases(root))
    return dg.Definitions.merge(
        *folders.definitions,
        warehouse.definitions(),
        dg.Definitions(
            assets=set_aside_assets(folders.set_aside),
            sensors=[landing_sensor(home, data_sets)],
            # A step in a process of its own costs seconds of imports.
            executor=dg.in_process_executor,
        ),
    )
