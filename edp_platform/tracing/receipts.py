"""What a trace tells of a delivery."""

from __future__ import annotations

from typing import Any

from edp_platform.ingestion.landing import Delivery


def receipt(delivery: Delivery) -> dict[str, Any]:
    """Return what a receipt says of one delivery, ready for JSON."""
    return {
        "file": delivery.file,
        "sha256": delivery.sha256,
        "name": delivery.name,
        "received_as": delivery.received_as,
        "data_set": delivery.data_set,
        "scope": delivery.scope,
        "supplier": delivery.supplier,
        "release_date": delivery.release_date,
        "landed_at": delivery.landed_at.partition("#")[0],
        "records": delivery.records,
    }
