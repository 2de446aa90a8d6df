"""The log of s.62 kept up while `edp up` runs: direct queries each minute, a daily anchor.

A sensor, and no run: it starts no process, and asks nothing of anybody who waits.
"""

from __future__ import annotations

from datetime import datetime

import dagster as dg

from edp_platform.home import Home

_SECONDS = 60


def audit_definitions(home: Home) -> dg.Definitions:
    """Return the sensor that keeps the log up.

    Args:
        home: whose log and server.
    """

    @dg.sensor(
        name="audit_log",
        minimum_interval_seconds=_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Takes what people asked the server directly into the log of DPA 2018 s.62, "
            "and notes its head outside once a day. The same as edp audit collect and "
            "edp audit anchor."
        ),
    )
    def audit_log() -> dg.SkipReason:
        return dg.SkipReason(keep_up(home, datetime.now().astimezone()))

    return dg.Definitions(sensors=[audit_log])


def keep_up(home: Home, now: datetime) -> str:
    """Take in and anchor; return what was done, in words.

    Raises:
        LogUnreadable, LogBroken, WriteFailed: the tick fails, and the UI shows why.
    """
    from edp_platform.auditing.anchors import anchor_daily
    from edp_platform.auditing.collecting import collect
    from edp_platform.publishing.readiness import background_now

    found = collect(home, now, lambda: background_now(home, now.date()))
    noted = anchor_daily(home, now)
    said = f"{found.events} events added. {found.says}"
    return f"{said} Head noted in {noted}." if noted else said
