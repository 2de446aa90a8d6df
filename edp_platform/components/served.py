"""Publication to PostgreSQL as assets: `published/<use case>`, one step for them all.

A snapshot is served whole or not at all, so whichever use cases are chosen, the whole
published copy is served; each chosen one tells what it holds of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
from dagster import AssetExecutionContext

from edp_platform.components.warehouse import PUBLISHED, Warehouse
from edp_platform.database.server import running
from edp_platform.orchestration.scope import log_materializations
from edp_platform.publishing.mart_notes import mart_notes
from edp_platform.publishing.serving import Grants, ServedSnapshot, publish_serving
from edp_platform.publishing.snapshot import NothingPublished
from edp_platform.told import Told
from edp_platform.warehouse.models import Model

#: One publication at a time.
POOL = "serving_publication"
#: What a mart of no use case is published under, with the marts of everybody.
_SHARED = "warehouse"
_SHARED_OWNER = "team:data-engineering"


def served_definitions(warehouse: Warehouse) -> dg.Definitions:
    """Return the publication of each use case's marts."""
    marts = marts_by_use_case(warehouse.models.marts)
    specs = [_spec(warehouse, name, each) for name, each in sorted(marts.items())]

    @dg.multi_asset(name="serving_publication", specs=specs, can_subset=True, pool=POOL)
    def serving_publication(context: AssetExecutionContext) -> Iterator[Any]:
        try:
            with running(warehouse.home):
                served = publish_serving(
                    warehouse.home,
                    mart_notes(warehouse.store.manifest),
                    grants=_grants(warehouse),
                )
        except (Told, NothingPublished) as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        for name, each in sorted(marts.items()):
            key = served_key(name)
            if key in context.selected_asset_keys:
                metadata = _told(served, [one.name for one in each])
                log_materializations(context, key, metadata, None)
                yield dg.MaterializeResult(asset_key=key, metadata=metadata)

    return dg.Definitions(assets=[serving_publication] if specs else [])


def served_key(use_case: str) -> dg.AssetKey:
    """Return the key of a use case's publication."""
    return dg.AssetKey(["published", use_case])


def marts_by_use_case(marts: Sequence[Model]) -> dict[str, list[Model]]:
    """Return use case → its marts."""
    found: dict[str, list[Model]] = {}
    for model in marts:
        found.setdefault(model.use_case or _SHARED, []).append(model)
    return found


def _spec(warehouse: Warehouse, name: str, marts: Sequence[Model]) -> dg.AssetSpec:
    use_case = warehouse.use_cases.get(name)
    return dg.AssetSpec(
        served_key(name),
        deps=[PUBLISHED, *(dg.AssetKey(model.asset_key) for model in marts)],
        group_name=name,
        owners=[use_case.product_owner if use_case else _SHARED_OWNER],
        kinds={"postgres"},
        tags={"layer": "publication"},
        description=(
            f"The marts of {name} as people read them in PostgreSQL, each under its "
            "grants: one snapshot for all use cases, swapped in one transaction. A mart "
            "whose last build did not end well stays as the snapshot before had it."
        ),
    )


def _grants(warehouse: Warehouse) -> Grants:
    """Return what opens a new schema, by what the registers say today."""
    from edp_platform.access.applying import grant_columns
    from edp_platform.access.declared import declare
    from edp_platform.access.facts import read_facts
    from edp_platform.governance.registers import Registers

    registers, today = Registers(warehouse.home.made_on), date.today()
    declared = declare(registers, read_facts(warehouse.home, registers, today), today)
    return lambda connection, schema: grant_columns(connection, schema, declared)


def _told(served: ServedSnapshot, marts: Sequence[str]) -> Mapping[str, Any]:
    held = {
        name: served.reason_held[name] for name in marts if name in served.reason_held
    }
    return {
        "snapshot": served.id,
        "as_at": served.as_at.isoformat(),
        "dagster/row_count": sum(served.rows.get(name, 0) for name in marts),
        "tables": sum(name in served.rows for name in marts),
        "rows_sent": sum(served.sent.get(name, 0) for name in marts),
        **({"held_back": held} if held else {}),
    }
