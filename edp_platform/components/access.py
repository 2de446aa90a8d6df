"""Access as an asset: grants carried out every few minutes, and what was not by grant.

A grant that lapses gives no rows from that moment on, whatever this does; the sweep
takes the columns and the login away, and ends the sessions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from edp_platform.home import Home

GRANTS = dg.AssetKey(["access", "grants"])
CHECK = "access_as_declared"
_GROUP = "access"


def access_definitions(home: Home) -> dg.Definitions:
    """Return the asset that keeps the database as declared, its check and schedule.

    Args:
        home: whose registers and server.
    """

    @dg.asset(
        key=GRANTS,
        group_name=_GROUP,
        owners=["team:platform"],
        kinds={"postgres"},
        tags={"layer": "governance"},
        description=(
            "One row per column that somebody may see: people, suppliers and grants of "
            "the registers, carried out in the database. The same as edp access apply."
        ),
        metadata={
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn(name=one)
                    for one in ("person", "mart", "column_name")
                ]
            )
        },
        check_specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=GRANTS,
                description=(
                    "Nobody holds what no grant gives: no manual GRANT, every published "
                    "table under forced row security, no view of its owner (rule 23). "
                    "Asked before what is found is put right."
                ),
            )
        ],
    )
    def grants() -> Iterator[Any]:
        from edp_platform.access.applying import NotAsDeclared, apply, settings_of
        from edp_platform.access.declared import declare
        from edp_platform.access.facts import read_facts
        from edp_platform.access.live import read_live
        from edp_platform.access.planning import drift
        from edp_platform.database.connecting import administrator
        from edp_platform.database.server import running
        from edp_platform.governance.registers import Registers

        today = date.today()
        registers = Registers(home.made_on)
        declared = declare(registers, read_facts(home, registers, today), today)
        with running(home), administrator(home) as connection:
            found = drift(read_live(connection), settings_of(connection))
            connection.rollback()
            by_hand = ""
            try:
                apply(home, connection, declared)
            except NotAsDeclared as error:
                by_hand = str(error)
        told = "\n".join(f"- {one.kind} {one.name} {one.said}" for one in found)
        yield dg.AssetCheckResult(
            check_name=CHECK,
            asset_key=GRANTS,
            passed=not found and not by_hand,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={
                "found": len(found),
                "what": dg.MetadataValue.md(
                    "\n".join(one for one in (told, by_hand) if one)
                    or "The database gives what is declared, and nothing else."
                ),
            },
        )
        yield dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(declared.column_grants),
                "logins": sum(declared.logins.values()),
                "as_of": today.isoformat(),
            }
        )

    job = dg.define_asset_job("access", selection=dg.AssetSelection.groups(_GROUP))
    sweep = dg.ScheduleDefinition(
        name="access_sweep",
        job=job,
        cron_schedule="*/15 * * * *",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Takes away what lapsed, and opens what was approved.",
    )
    return dg.Definitions(assets=[grants], jobs=[job], schedules=[sweep])
