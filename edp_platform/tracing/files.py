"""Forward: from a landed file to where each of its records went."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import polars as pl

from edp_platform.home import Home
from edp_platform.ingestion.landing import WHOLE, Delivery, Supplies
from edp_platform.ingestion.preparation import evidence_path
from edp_platform.ingestion.reconciliation import accounts
from edp_platform.tracing.failure import TraceFailed
from edp_platform.tracing.receipts import receipt
from edp_platform.warehouse.models import Models

#: A SHA-256 from its start; fewer than 6 digits match too much by chance.
_HASH_START = re.compile(r"[0-9a-f]{6,64}", re.IGNORECASE)


def matching(deliveries: list[Delivery], what: str) -> list[Delivery]:
    """Return the deliveries of the files that `what` names.

    Args:
        deliveries: every delivery on record.
        what: base name, path as received, or the start of a SHA-256.
    """
    digits = what.lower() if _HASH_START.fullmatch(what) else None
    return [
        one
        for one in deliveries
        if what in (one.name, one.received_as)
        or (digits is not None and one.sha256.startswith(digits))
    ]


def trace_file(
    home: Home,
    models: Models,
    what: str,
    found: list[Delivery],
    deliveries: list[Delivery],
    limit: int,
) -> dict[str, Any]:
    """Trace one landed file.

    Args:
        home: whose lake and evidence.
        models: for what the data set feeds.
        what: as the person named it.
        found: the deliveries it matches.
        deliveries: every delivery, to know which are superseded.
        limit: most quarantined and most set-aside lines to list, each.

    Returns:
        `kind` "file", `sha256`, `name` and `deliveries`, earliest release first: what
        `receipts.receipt` gives, with `months`, `account` (see
        `reconciliation.Account`), `quarantined` and `set_aside` (each `lines`,
        `listed`; quarantined also `by_reason`), `superseded` (`months`, `by`) and
        `feeds` (`facts`, `marts`).

    Raises:
        TraceFailed: several files match.
        OSError: a lake file is damaged.
    """
    shas = {one.sha256 for one in found}
    if len(shas) > 1:
        raise TraceFailed(_several(what, found))
    told = []
    for delivery in sorted(found, key=lambda one: one.order):
        supplies = Supplies(
            [one for one in deliveries if one.data_set == delivery.data_set]
        )
        told.append(_trace_delivery(home, models, supplies, delivery, limit))
    return {
        "kind": "file",
        "sha256": found[0].sha256,
        "name": found[0].name,
        "deliveries": told,
    }


def _several(what: str, found: list[Delivery]) -> str:
    latest = {one.sha256: one for one in sorted(found, key=lambda one: one.order)}
    lines = [
        f"  {one.file}  release {one.release_date}  {one.received_as}"
        for one in latest.values()
    ]
    return (
        f"{len(lines)} landed files match {what}. Name one by more digits of its "
        "SHA-256:\n" + "\n".join(lines)
    )


def _trace_delivery(
    home: Home, models: Models, supplies: Supplies, delivery: Delivery, limit: int
) -> dict[str, Any]:
    active = [one for one in delivery.months if supplies.is_active(delivery, one)]
    (account,) = accounts(home, supplies, [delivery])
    kept_out = _evidence(home, "quarantine", delivery, active)
    repeats = _evidence(home, "set_aside", delivery, active)
    return receipt(delivery) | {
        "months": [month for month in delivery.months if month != WHOLE],
        "account": account.as_dict(),
        "quarantined": {
            "lines": kept_out["source_line"].n_unique(),
            "by_reason": _by_reason(kept_out),
            # The reason and the line only: the record may hold personal data.
            "listed": _listed(kept_out, ["reason"], limit),
        },
        "set_aside": {
            "lines": repeats["source_line"].n_unique(),
            "listed": _listed(repeats, ["repeats_line"], limit),
        },
        "superseded": _superseded(supplies, delivery, active),
        "feeds": _feeds(models, delivery.data_set),
    }


def _evidence(
    home: Home, room: str, delivery: Delivery, active: list[str]
) -> pl.DataFrame:
    """Return what was kept out of the file, but for the months it supplies no more."""
    folder = home.quarantine if room == "quarantine" else home.set_aside
    detail = "reason" if room == "quarantine" else "repeats_line"
    path = evidence_path(folder, delivery)
    gone = [month for month in delivery.months if month not in active]
    if not path.exists() or not active:
        return pl.DataFrame(
            schema={"source_line": pl.Int64, "month": pl.String, detail: pl.String}
        )
    return (
        pl.read_parquet(path, columns=["source_line", "month", detail])
        .filter(pl.col("month").is_null() | ~pl.col("month").is_in(gone))
        .sort("source_line", "month")
    )


def _by_reason(kept_out: pl.DataFrame) -> dict[str, int]:
    counted = Counter(dict(kept_out.group_by("reason").len().iter_rows()))
    return dict(counted.most_common())


def _listed(
    frame: pl.DataFrame, details: list[str], limit: int
) -> list[dict[str, Any]]:
    rows = frame.head(limit).select(
        pl.col("source_line").alias("line"),
        "month",
        *details,
    )
    return list(rows.iter_rows(named=True))


def _superseded(
    supplies: Supplies, delivery: Delivery, active: list[str]
) -> list[dict[str, Any]]:
    """Return for each later file the months in which it stands in this one's place."""
    gone: dict[Delivery, list[str]] = {}
    for month in delivery.months:
        if month not in active:
            later = supplies.slices[(delivery.scope, month)][-1]
            gone.setdefault(later, []).append(month)
    return [
        {
            "months": [month for month in months if month != WHOLE],
            "by": receipt(later),
        }
        for later, months in gone.items()
    ]


def _feeds(models: Models, data_set: str) -> dict[str, list[str]]:
    """Return what is built from a data set, by the lineage of the manifest."""
    downstream = [
        model
        for model in models.built.values()
        if data_set in models.data_sets(model.unique_id)
    ]
    return {
        "facts": sorted(one.name for one in downstream if one.layer == "fact"),
        "marts": sorted(one.name for one in downstream if one.layer == "mart"),
    }
