"""What a trace tells of a delivery, and which delivery a loaded row came in."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from edp_platform.home import Home
from edp_platform.ingestion.landing import Delivery, Supplies
from edp_platform.ingestion.reconciliation import accounts


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


def with_receipts(
    home: Home,
    files: list[dict[str, Any]],
    read: Collection[str],
    known: list[Delivery],
) -> list[dict[str, Any]]:
    """Add to each file what its receipt says.

    Args:
        home: whose lake.
        files: `file` and counts.
        read: the data sets that the fact reads.
        known: every delivery.
    """
    wanted = {one["file"] for one in files}
    by_file: dict[str, list[Delivery]] = {}
    for delivery in sorted(known, key=lambda one: one.order):
        if delivery.file in wanted and delivery.data_set in read:
            by_file.setdefault(delivery.file, []).append(delivery)
    told = [
        receipt(_that_loaded(home, by_file[one["file"]], known)) | one
        if one["file"] in by_file
        # Never left out: the totals must add up even where a receipt was lost.
        else {"name": "(no receipt)", "release_date": ""} | one
        for one in files
    ]
    return sorted(told, key=lambda one: (one["release_date"], one["name"]))


def _that_loaded(
    home: Home, several: list[Delivery], known: list[Delivery]
) -> Delivery:
    """Return the latest delivery of one file that has rows in the lake.

    The same bytes may have come twice: as a later release, which stands, or as a copy
    under another month's name, none of whose rows were loaded.
    """
    if len(several) == 1:
        return several[0]
    loaded = []
    for delivery in several:
        same = [one for one in known if one.data_set == delivery.data_set]
        (account,) = accounts(home, Supplies(same), [delivery])
        if account.loaded:
            loaded.append(delivery)
    return (loaded or several)[-1]
