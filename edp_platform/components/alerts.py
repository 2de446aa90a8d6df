"""Changes of trend on arrival: told by a check of `measure_series`, sent by a sensor.

The check runs with every build of the mart, in a run of `edp run` and in the warm process
of `edp up` alike: it compares the states of all series with those last seen, puts what
changed on record, and lets another thread send it, so that nobody who lands a file waits
for a receiver. What could not be sent waits in the outbox for the sensor, which looks
every minute where Dagster's daemon runs.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from edp_platform.components.warehouse import POOL
from edp_platform.home import Home

if TYPE_CHECKING:
    import polars as pl

    from edp_platform.measures.alerts import Event
    from edp_platform.measures.alerts_delivery import Delivered

SERIES = dg.AssetKey(["marts", "measure_series"])
CHECK = "trend_changed"
_SECONDS = 60
#: Sentences of changes told in the check; the rest is counted.
_TOLD = 20


def alert_definitions(home: Home) -> dg.Definitions:
    """Return the check of a change of state, and the sensor that sends alerts.

    Args:
        home: whose warehouse, events and outbox.
    """

    @dg.asset_check(
        asset=SERIES,
        name=CHECK,
        blocking=False,
        # It opens the warehouse, which another run may be writing by then.
        pool=POOL,
        description=(
            "No series changed its state (variation, direction, assurance, alert) since "
            "it was last seen. A change is no fault: it is a warning with the reason in "
            "words, and is sent where it is an alert."
        ),
    )
    def trend_changed() -> dg.AssetCheckResult:
        events = observe(home, datetime.now().astimezone())
        if any(one.is_sent for one in events):
            threading.Thread(target=_send_quietly, args=[home], daemon=False).start()
        return _told(events)

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Sends alerts that wait: to the webhook of EDP_ALERT_WEBHOOK, and as e-mail "
            "files in EDP_HOME/alerts/outbox. The same as edp measure alerts --deliver."
        ),
    )
    def alerts() -> dg.SkipReason:
        return dg.SkipReason(said(send(home, datetime.now().astimezone())))

    return dg.Definitions(asset_checks=[trend_changed], sensors=[alerts])


def observe(home: Home, now: datetime) -> list[Event]:
    """Put on record which series of the warehouse changed state; return the events.

    Raises:
        WriteFailed: they cannot be recorded.
    """
    from edp_platform.measures.alerts import EventLog

    series = _series(home)
    if series is None:
        return []
    # No snapshot: what was just built is published only after its checks.
    return EventLog(home).observe(series, now)


def _series(home: Home) -> pl.DataFrame | None:
    """Return the states of all series as they were just built; None before the first."""
    import duckdb

    if not home.warehouse.exists():
        return None
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        held = {
            name
            for (name,) in connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'marts'"
            ).fetchall()
        }
        if "measure_series" not in held:
            return None
        names = (
            "left join (select measure, area_kind, area_code, max(area) as area "
            "from marts.measure_values group by all) as areas "
            "using (measure, area_kind, area_code)"
            if "measure_values" in held
            else "cross join (select cast(null as varchar) as area) as areas"
        )
        return connection.execute(
            "select series.measure, series.area_kind, series.area_code, areas.area, "
            "series.month, series.variation, series.direction, series.assurance, "
            f"series.is_alert, series.words from marts.measure_series as series {names}"
        ).pl()


def send(home: Home, now: datetime) -> Delivered:
    """Deliver what waits.

    Raises:
        WebhookInvalid: the address cannot be trusted with it.
        WriteFailed: a delivery cannot be recorded.
    """
    from edp_platform.measures.alerts_delivery import Named, Outbox, webhook_of
    from edp_platform.measures.loading import MeasureInvalid, load_measures

    url = webhook_of(os.environ)
    outbox = Outbox(home)
    if not outbox.pending("mail") and not (url and outbox.pending("webhook")):
        return outbox.deliver({}, now, None)
    try:
        names = {
            one.id: Named(one.title, one.owner) for one in load_measures().values()
        }
    except MeasureInvalid:
        names = {}  # told by `edp governance check`; an alert is sent all the same
    return outbox.deliver(names, now, url)


def _send_quietly(home: Home) -> None:
    """Deliver beside the run; what fails waits for the sensor, which tells why."""
    from edp_platform.errors import EXPECTED

    try:
        send(home, datetime.now().astimezone())
    except EXPECTED:
        return


def said(done: Delivered) -> str:
    """Return what a round of delivering did, in words."""
    why = f" ({done.why})" if done.why else ""
    return (
        f"{done.posted} sent, {done.written} e-mail files, {done.failed} failed{why}, "
        f"{done.waiting} wait."
    )


def _told(events: list[Event]) -> dg.AssetCheckResult:
    from edp_platform.measures.alerts import in_words

    counted = Counter(one.measure for one in events)
    alerts = [one for one in events if one.is_sent]
    metadata: dict[str, Any] = {
        "changed": len(events),
        "alerts": len(alerts),
        "by_measure": dict(counted),
        "words": "\n".join(in_words(one, one.measure) for one in alerts[:_TOLD]),
    }
    return dg.AssetCheckResult(
        passed=not events,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata,
        description=f"{len(events)} series changed state, {len(alerts)} of them alerts.",
    )
