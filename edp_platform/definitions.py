"""What Dagster loads: the folders under `defs`, the warehouse, the landing sensor."""

from __future__ import annotations

from datetime import date

import dagster as dg

from edp_platform.components.platform import load_platform
from edp_platform.home import Home


@dg.definitions
def defs() -> dg.Definitions:
    """Load everything; a folder that cannot be loaded is set aside, and shown."""
    return load_platform(Home.open(date.today())).definitions
