"""When data is promised, and whether it came."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from edp_platform.contracts import Contract
from edp_platform.governance.review_pack.freshness import promises
from edp_platform.ingestion.landing import WHOLE, Supplies, newest_release

#: How far back a promise that was not kept is still told, beyond its own days.
_LOOK_BACK = timedelta(days=92)


def freshness(contract: Contract, supplies: Supplies, today: date) -> dict[str, Any]:
    """Return what is promised and what came, ready for JSON.

    Args:
        contract: promises the days.
        supplies: of the data set.
        today: the day of the question.

    Returns:
        `promised_days` (None where nothing is promised), `newest_month`,
        `newest_release`, `landed_on` (the latest landing), `missing` (months promised
        in the last quarter that did not come) and `state`: kept, late, nothing landed or
        nothing promised.
    """
    days = contract.freshness_days
    landed = [one.landed_on for one in supplies.deliveries]
    last = max(landed, default=None)
    months = [month for month in supplies.months if month != WHOLE]
    missing: list[str] = []
    if days is not None and contract.is_monthly and months:
        first_landed: dict[str, date] = {}
        for one in supplies.deliveries:
            for month in one.months:
                before = first_landed.get(month, one.landed_on)
                first_landed[month] = min(before, one.landed_on)
        due = promises(contract.data_set, days, first_landed, today - _LOOK_BACK, today)
        # Gaps among the months that are held are told by edp status; here, whether new
        # ones come.
        missing = [one.month for one in due if one.month > months[-1]]
    is_late = bool(missing) or (
        days is not None
        and not contract.is_monthly
        and last is not None
        and last + timedelta(days=days) < today
    )
    if last is None:
        state = "nothing landed"
    elif days is None:
        state = "nothing promised"
    else:
        state = "late" if is_late else "kept"
    return {
        "promised_days": days,
        "newest_month": months[-1] if months else None,
        "newest_release": newest_release(supplies.deliveries),
        "landed_on": last.isoformat() if last else None,
        "missing": missing,
        "state": state,
    }
