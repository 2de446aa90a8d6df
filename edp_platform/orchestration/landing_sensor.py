"""The sensor that sees new landings and asks for what they touch."""

from __future__ import annotations

import hashlib
import json
from datetime import date

import dagster as dg

from edp_platform.datasets import DataSets
from edp_platform.home import Home
from edp_platform.ingestion.landing import WHOLE, LandingStore
from edp_platform.ingestion.loading import due_months
from edp_platform.orchestration.scope import run_tags


def due_data_sets(home: Home, data_sets: DataSets) -> dict[str, list[str]]:
    """Return data set → months that landing supplies and the lake does not hold yet."""
    found = {}
    for name, supplies in LandingStore(home).supplies().items():
        data_set = data_sets.by_name.get(name)
        if data_set is None:
            continue
        months = due_months(home, data_set, supplies)
        if months:
            found[name] = months
    return found


def landing_sensor(home: Home, data_sets: DataSets) -> dg.SensorDefinition:
    """Return the sensor; it asks once for each state of landing.

    `edp up` watches landing in a warm process, which is the quick way; this is the way
    of a deployment that runs Dagster's daemon.
    """

    @dg.sensor(
        name="landing",
        target=dg.AssetSelection.all(),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Materialises what newly landed files touch, and all downstream.",
    )
    def landing(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        due = due_data_sets(home, data_sets)
        if not due:
            return dg.SkipReason("Every landed file is loaded.")
        graph = context.repository_def
        state = hashlib.sha256(json.dumps(due, sort_keys=True).encode()).hexdigest()
        months = {month for each in due.values() for month in each} - {WHOLE}
        raw = dg.AssetSelection.keys(*(["raw", name] for name in due))
        keys = raw.downstream().resolve(graph.asset_graph) if graph else set()
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    run_key=state[:16],
                    asset_selection=sorted(keys),
                    tags=run_tags(months, False, f"{date.today():%Y-%m}"),
                )
            ]
        )

    return landing
