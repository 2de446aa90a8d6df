"""What the platform holds, what is due, what the gate says, and what went wrong.

Counted in what stands on disk now, not remembered from the last run: receipts and
footers are read once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from itertools import pairwise
from typing import Any

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edp_platform.datasets import DataSet, DataSets, SetAside
from edp_platform.governance.dpia import DpiaInvalid
from edp_platform.governance.review_dates import notice
from edp_platform.home import Home
from edp_platform.ingestion.cleansed_cells import cleansed_by_rule
from edp_platform.ingestion.lake import footers, lake_path
from edp_platform.ingestion.landing import (
    WHOLE,
    LandingStore,
    Supplies,
    newest_release,
)
from edp_platform.ingestion.loading import wanted_signatures
from edp_platform.ingestion.preparation import evidence_path
from edp_platform.ingestion.reconciliation import accounts
from edp_platform.publishing.snapshot import NothingPublished, current
from edp_platform.warehouse.built import BuiltRecord
from edp_platform.warehouse.manifest import DbtFailed, ManifestStore
from edp_platform.warehouse.models import Models

_PARTS = (
    "landed",
    "loaded",
    "quarantined",
    "set_aside",
    "superseded",
    "waiting",
    "disposed",
    "restricted",
)


def platform_status(
    home: Home, data_sets: DataSets, set_aside: tuple[SetAside, ...]
) -> dict[str, Any]:
    """Return the state of the platform, ready for JSON.

    Args:
        home: whose state.
        data_sets: the data sets that could be loaded.
        set_aside: folders (of data sets and use cases) that could not.

    Returns:
        `home`, `is_good`, `snapshot` (`id`, `as_at` and `held_back`, the marts that
        stand in it as an earlier copy had them; or None), `data_sets` (see below),
        `models_due` (how many; None with `dbt_error` when the dbt project does not
        parse), `set_aside` (`folder`, `error`) and `quarantine_by_reason` (data set →
        reason → lines).

        Of each data set: `name`, `title`, `owner`, `regime`, `dpia` (its id),
        `dpia_status` ("invalid" when it cannot be relied on), `dpia_review_due`,
        `dpia_notice` (how soon: "", "90 days", "30 days", "7 days", "extended",
        "overdue"),
        `gate` ("open" or "refused"), `refusals`, `files`, `first_month` and
        `last_month` (supplied), `months_held` (in the lake), `months_due` (lists;
        "whole" for a set without months), `months_missing` (scope → months that nobody
        supplied between its first and last), `records` (counts of `landed`, `loaded`,
        `quarantined`, `set_aside`, `superseded`, `waiting`, `disposed`, `restricted`),
        `is_exact`, `error` (of a lake file that cannot be read, else None),
        `newest_release`, `cells_cleansed`.

        `is_good` is False when a folder is set aside, an account is not exact, a data
        set that has files is refused by the gate, or dbt does not parse.
    """
    today = date.today()
    supplied = LandingStore(home).supplies()
    held: dict[str, dict[str, str]] = {}
    told = []
    reasons: dict[str, dict[str, int]] = {}
    for name, data_set in sorted(data_sets.by_name.items()):
        supplies = supplied.get(name, Supplies([]))
        governed = _governance(data_set, today)
        loaded = _loaded(home, data_set, supplies, held)
        told.append(governed | loaded)
        by_reason = _by_reason(home, supplies)
        if by_reason:
            reasons[name] = by_reason
    models_due, dbt_error = _models_due(home, held)
    folders = {one.folder: one.error for one in (*data_sets.set_aside, *set_aside)}
    is_good = (
        not folders
        and dbt_error is None
        and all(one["is_exact"] for one in told)
        and not any(one["files"] and one["gate"] == "refused" for one in told)
    )
    return {
        "home": str(home.root),
        "is_good": is_good,
        "snapshot": _snapshot(home),
        "data_sets": told,
        "models_due": models_due,
        "dbt_error": dbt_error,
        "set_aside": [
            {"folder": str(folder), "error": error} for folder, error in folders.items()
        ],
        "quarantine_by_reason": reasons,
    }


def _snapshot(home: Home) -> dict[str, Any] | None:
    from edp_platform.publishing.serving import held_back

    try:
        snapshot = current(home)
    except NothingPublished:
        return None
    return {
        "id": snapshot.id,
        "as_at": snapshot.as_at,
        "held_back": held_back(home, snapshot),
    }


def _governance(data_set: DataSet, today: date) -> dict[str, Any]:
    contract = data_set.contract
    refusals = data_set.refusals("raw", today)
    status, due, soon = "invalid", None, ""
    with suppress(DpiaInvalid):  # told as a refusal
        status = str(data_set.dpia.status)
        due = data_set.dpia.review.due.isoformat()
        soon = notice(data_set.dpia.review, today)
    return {
        "name": data_set.name,
        "title": contract.name,
        "owner": ", ".join(contract.owners),
        "regime": contract.regime,
        "dpia": contract.dpia_ref,
        "dpia_status": status,
        "dpia_review_due": due,
        "dpia_notice": soon,
        "gate": "refused" if refusals else "open",
        "refusals": [str(refusal) for refusal in refusals],
    }


def _loaded(
    home: Home,
    data_set: DataSet,
    supplies: Supplies,
    held: dict[str, dict[str, str]],
) -> dict[str, Any]:
    """Return what is landed and loaded; add the lake's signatures to `held`."""
    months = [month for month in supplies.months if month != WHOLE]
    told: dict[str, Any] = {
        "files": len({one.sha256 for one in supplies.deliveries}),
        "first_month": months[0] if months else None,
        "last_month": months[-1] if months else None,
        "months_held": [],
        "months_due": [],
        "months_missing": months_missing(supplies),
        "records": dict.fromkeys(_PARTS, 0),
        "is_exact": True,
        "error": None,
        "newest_release": newest_release(supplies.deliveries),
        "cells_cleansed": 0,
    }
    if data_set.contract.is_cleansed:
        by_month = cleansed_by_rule(home, supplies)
        told["cells_cleansed"] = sum(sum(one.values()) for one in by_month.values())
    try:
        held_now = footers(home, data_set.contract)
        wanted = wanted_signatures(home, data_set, supplies)
        known = {
            lake_path(home, data_set.name, month): footer
            for month, footer in held_now.items()
        }
        counted = accounts(home, supplies, supplies.deliveries, known)
    except OSError as error:
        # One damaged file must not hide the state of everything else.
        return told | {"is_exact": False, "error": str(error)}
    present = {month: footer.signature for month, footer in held_now.items()}
    held[data_set.name] = present
    return told | {
        "months_held": sorted(present),
        "months_due": sorted(
            month for month, signed in wanted.items() if present.get(month) != signed
        ),
        "records": {
            part: sum(getattr(one, part) for one in counted) for part in _PARTS
        },
        "is_exact": all(one.is_exact for one in counted),
    }


def months_missing(supplies: Supplies) -> dict[str, list[str]]:
    """Return scope → months between its first and last that nobody supplied."""
    by_scope: dict[str, set[str]] = {}
    for scope, month in supplies.slices:
        if month != WHOLE:
            by_scope.setdefault(scope, set()).add(month)
    # A file of many months shows the rhythm of its series: a quarterly survey does not
    # lack the two months between. Where files are of one month, every month counts.
    step = min(
        (
            later - earlier
            for delivery in supplies.deliveries
            if len(delivery.months) > 1
            for earlier, later in pairwise(sorted(map(_number, delivery.months)))
        ),
        default=1,
    )
    found = {}
    for scope, months in sorted(by_scope.items()):
        numbers = {_number(month) for month in months}
        gaps = sorted({*range(min(numbers), max(numbers) + 1, step)} - numbers)
        if gaps:
            found[scope] = [_month(number) for number in gaps]
    return found


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1


def _month(number: int) -> str:
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def _by_reason(home: Home, supplies: Supplies) -> dict[str, int]:
    """Count quarantined lines by reason, but for the months a file supplies no more."""
    frames = []
    for delivery in supplies.deliveries:
        path = evidence_path(home.quarantine, delivery)
        gone = [one for one in delivery.months if not supplies.is_active(delivery, one)]
        if len(gone) == len(delivery.months) or not path.exists():
            continue
        rows = pl.scan_parquet(path).select("source_line", "month", "reason")
        kept = pl.col("month").is_null() | ~pl.col("month").is_in(gone)
        lines = rows.filter(kept).select("source_line", "reason").unique()
        frames.append(lines.group_by("reason").len("lines"))
    counted: Counter[str] = Counter()
    for frame in pl.collect_all(frames):
        counted.update(dict(frame.iter_rows()))
    return dict(counted.most_common())


def _models_due(
    home: Home, held: Mapping[str, Mapping[str, str]]
) -> tuple[int | None, str | None]:
    try:
        models = Models(ManifestStore(home).manifest)
    except DbtFailed as error:
        return None, str(error)
    due = BuiltRecord.read(home).due(models, held, models.built.keys())
    return len(due.models), None


def show(told: dict[str, Any], console: Console) -> None:
    """Print the status: one table, and beneath it what needs attention."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("data set", overflow="fold")
    for title in ("files", "months", "due", "landed", "loaded", "quar-\nantined"):
        table.add_column(title, justify="left" if title == "months" else "right")
    table.add_column("set\naside", justify="right")
    table.add_column("gate")
    for one in told["data_sets"]:
        records = one["records"]
        table.add_row(
            one["name"],
            f"{one['files']:,}",
            _span(one),
            f"{len(one['months_due']):,}" if one["months_due"] else "-",
            *(f"{records[part]:,}" for part in _PARTS[:4]),
            "[green]open[/]" if one["gate"] == "open" else "[red]refused[/]",
        )
    console.print(table)
    for line in _attention(told):
        console.print(line, highlight=False, soft_wrap=True)
    snapshot = told["snapshot"]
    published = (
        f"published {snapshot['as_at']}" if snapshot else "nothing is published yet"
    )
    due = told["models_due"]
    models = "dbt does not parse" if due is None else f"{due:,} models due"
    console.print(
        f"{told['home']}: {published}; {models}.", highlight=False, soft_wrap=True
    )
    if due or any(one["months_due"] for one in told["data_sets"]):
        console.print("Next: edp run", highlight=False)


def _span(one: Mapping[str, Any]) -> str:
    first, last = one["first_month"], one["last_month"]
    if first is None:
        return "whole" if one["files"] else "-"
    return first if first == last else f"{first}…{last}"


def _attention(told: Mapping[str, Any]) -> Iterable[str]:
    """Yield a line for each thing that somebody should look at, the worst first."""
    for one in told["set_aside"]:
        yield f"[red]set aside[/] {escape(one['folder'])}: {escape(one['error'])}"
    if told["dbt_error"]:
        yield f"[red]dbt[/] {escape(told['dbt_error'])}"
    sets = told["data_sets"]
    for one in sets:
        if one["error"]:
            yield f"[red]damaged[/] {one['name']}: {escape(one['error'])}"
        elif not one["is_exact"]:
            yield (
                f"[red]not exact[/] {one['name']}: some rows are not accounted for; "
                "edp trace FILE shows each file's account"
            )
    for one in sets:
        for refusal in one["refusals"]:
            yield f"[red]refused[/] {one['name']}: {escape(refusal)}"
    for one in sets:
        soon = one["dpia_notice"]
        if soon in ("90 days", "30 days", "7 days"):
            style = "red" if soon == "7 days" else "yellow"
            due = one["dpia_review_due"]
            yield (
                f"[{style}]review[/] {one['name']}: {one['dpia']} is due by {due}, "
                f"within {soon}"
            )
        elif soon == "extended":
            yield (
                f"[red]review[/] {one['name']}: {one['dpia']} was due on "
                f"{one['dpia_review_due']} and is put off for some days"
            )
    for name, reasons in told["quarantine_by_reason"].items():
        for reason, lines in reasons.items():
            yield f"[yellow]quarantined[/] {name}: {lines:,} {escape(reason)}"
    for one in sets:
        for scope, months in one["months_missing"].items():
            whose = f"{one['name']} {scope}".rstrip()
            yield f"[yellow]missing[/] {whose}: {_ranges(months)}"
    for mart in (told["snapshot"] or {}).get("held_back", ()):
        yield (
            f"[yellow]held back[/] {mart}: its last build or check did not end well, so "
            "it is published as an earlier copy had it"
        )
    for one in sets:
        if one["records"]["superseded"]:
            number = one["records"]["superseded"]
            yield (
                f"superseded {one['name']}: {number:,} records by a later release "
                "(edp revisions)"
            )
        if one["cells_cleansed"]:
            yield (
                f"cleansed {one['name']}: {one['cells_cleansed']:,} cells (edp "
                f"cleansing show {one['name']})"
            )
        if one["records"]["waiting"]:
            number = one["records"]["waiting"]
            yield f"waiting {one['name']}: {number:,} records to be loaded"


def _ranges(months: list[str]) -> str:
    """Return months in short: 2017-04…2017-11, 2019-12."""
    parts: list[list[str]] = []
    for month in months:
        if parts and _number(month) == _number(parts[-1][-1]) + 1:
            parts[-1].append(month)
        else:
            parts.append([month])
    return ", ".join(
        part[0] if len(part) == 1 else f"{part[0]}…{part[-1]}" for part in parts
    )
