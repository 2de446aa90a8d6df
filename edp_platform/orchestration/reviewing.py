"""Gathers what an evidence pack is made of: Dagster's record, receipts, registers.

Where something is not there (no price list, no version control, nothing published), it
is told and the pack says so; only a use case or sprint that nobody declared is refused.
"""

from __future__ import annotations

import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl

from edp_platform.components.governed_dataset import raw_key
from edp_platform.components.warehouse import PUBLISHED
from edp_platform.datasets import DataSet, defs_root
from edp_platform.governance.dpia import DpiaInvalid
from edp_platform.governance.records.base import RecordInvalid
from edp_platform.governance.records.use_case import Sprint
from edp_platform.governance.registers import Registers
from edp_platform.governance.review_pack.cost import Prices
from edp_platform.governance.review_pack.decisions import next_record, review_of
from edp_platform.governance.review_pack.evidence import Change
from edp_platform.governance.review_pack.freshness import promises
from edp_platform.governance.review_pack.pack import (
    AssessmentState,
    DataSetState,
    Facts,
    sprint_days,
)
from edp_platform.home import Home
from edp_platform.ingestion.landing import WHOLE, LandingStore, Supplies
from edp_platform.ingestion.preparation import evidence_path
from edp_platform.orchestration.evidence import read_evidence
from edp_platform.orchestration.session import Session
from edp_platform.publishing.snapshot import NothingPublished, current
from edp_platform.use_cases import UseCaseFolder, UseCases
from edp_platform.warehouse.manifest import dbt_project_folder


class NothingToReview(LookupError):
    """There is no such use case or sprint on record."""


def gather(session: Session, use_case: str, number: int, today: date) -> Facts:
    """Return everything a pack of this sprint is made of.

    Args:
        session: whose home, definitions and Dagster instance.
        use_case: the use case's folder.
        number: of the sprint.
        today: the day of the pack.

    Raises:
        NothingToReview: no such use case, or its record has no such sprint.
        RecordInvalid: the use case's record cannot be relied on.
    """
    registers = Registers(session.home.made_on)
    declared = UseCases.load(session.home, registers=registers)
    folder = find_use_case(declared, use_case)
    sprint = find_sprint(folder, number)
    reach = {
        name: _reach(session, name, one.stated.uses)
        for name, one in declared.by_name.items()
    }
    readers = _shared(reach, use_case)
    own = _own(session, use_case)
    first, last = sprint_days(sprint, today)
    with session.instance() as instance:
        evidence = read_evidence(instance, first, max(first, last), own)
    supplies = LandingStore(session.home).supplies()
    missing: list[str] = []
    uses = sorted({one.split("/")[-1] for one in readers if one.startswith("raw/")})
    states = []
    for name in uses:
        data_set = session.data_sets.by_name.get(name)
        if data_set is None:
            missing.append(f"The data set {name} is set aside: see edp status.")
            continue
        states.append(
            _data_set(
                session.home,
                data_set,
                supplies.get(name, Supplies([])),
                (first, last),
                today,
                use_case,
            )
        )
    prices = _prices(registers, missing)
    return Facts(
        use_case=use_case,
        title=folder.stated.title,
        product_owner=folder.product_owner,
        stage=folder.stated.stage,
        sprint=sprint,
        supplier=_supplier(registers, sprint),
        review=review_of(registers, use_case, number),
        own=own,
        readers=readers,
        evidence=evidence,
        data_sets=tuple(states),
        eqia=_eqia(folder, missing),
        overarching=_overarching(registers, use_case, sprint, missing),
        prices=prices,
        stored=_stored(session.home, supplies, readers, own, missing),
        changes=changes(_folders(use_case), first, last),
        next_record=str(next_record(registers, use_case, number)),
        made_on=today,
        first_used=session.home.made_on,
        not_found=tuple(missing),
    )


def find_use_case(declared: UseCases, use_case: str) -> UseCaseFolder:
    """Return one use case.

    Raises:
        NothingToReview: there is none of that name, or its folder is set aside.
    """
    if use_case in declared.by_name:
        return declared.by_name[use_case]
    faults = [one.error for one in declared.set_aside if one.name == use_case]
    if faults:
        raise NothingToReview(
            f"The use case {use_case} is set aside, so nothing can be said of it: "
            f"{faults[0]}"
        )
    raise NothingToReview(
        f"There is no use case {use_case}; there are "
        f"{', '.join(sorted(declared.by_name)) or 'none'}."
    )


def find_sprint(folder: UseCaseFolder, number: int) -> Sprint:
    """Return one sprint of a use case.

    Raises:
        NothingToReview: its record has no such sprint.
        RecordInvalid: its record cannot be relied on.
    """
    sprint = folder.record.sprint(number)
    if sprint is None:
        numbers = ", ".join(str(one.number) for one in folder.record.sprints) or "none"
        raise NothingToReview(
            f"{folder.name} has no sprint {number} on record (there are: {numbers}). "
            f"Add it to {folder.record_path}: its dates say what the pack is about."
        )
    return sprint


def _own(session: Session, use_case: str) -> tuple[str, ...]:
    """Return the assets of the use case's group."""
    graph = session.graph
    return tuple(
        sorted(
            "/".join(key.path)
            for key in graph.materializable_asset_keys
            if graph.get(key).group_name == use_case
        )
    )


def _reach(session: Session, use_case: str, uses: Iterable[str]) -> set[str]:
    """Return every asset a use case makes, reads, or reads through another."""
    graph = session.graph
    # The publication of a use case waits for the copy of everybody's marts.
    keys = {
        dg.AssetKey(one.split("/"))
        for one in _own(session, use_case)
        if not one.startswith(f"{PUBLISHED.path[0]}/")
    }
    keys |= {raw_key(name) for name in uses} & set(graph.get_all_asset_keys())
    upstream = (
        dg.AssetSelection.keys(*keys).upstream().resolve(graph) if keys else set()
    )
    # The published copy is everybody's.
    return {"/".join(key.path) for key in {*upstream, PUBLISHED}}


def _shared(reach: Mapping[str, set[str]], use_case: str) -> dict[str, int]:
    counted = Counter(asset for assets in reach.values() for asset in assets)
    return {asset: counted[asset] for asset in sorted(reach[use_case])}


def _supplier(registers: Registers, sprint: Sprint) -> tuple[str, str] | None:
    if sprint.supplier is None:
        return None
    found = registers.suppliers.get(sprint.supplier)
    return sprint.supplier, found.name if found else "on no register of suppliers"


def _prices(registers: Registers, missing: list[str]) -> Prices | None:
    try:
        stated = registers.prices
    except RecordInvalid as error:
        missing.append(f"The price list cannot be read: {error}")
        return None
    return Prices(
        run_hour=stated.run_hour_pounds,
        stored_gigabyte_month=stated.stored_gigabyte_month_pounds,
        source=f"{stated.id}: {' '.join(stated.source.split())}",
    )


def _data_set(
    home: Home,
    data_set: DataSet,
    supplies: Supplies,
    days: tuple[date, date],
    today: date,
    use_case: str,
) -> DataSetState:
    contract = data_set.contract
    status, due = "invalid", None
    try:
        status = str(data_set.dpia.status)
        due = data_set.dpia.review.due.isoformat()
    except DpiaInvalid:
        pass  # told as a refusal
    promised = contract.freshness_days is not None and contract.is_monthly
    within = [
        one
        for one in supplies.deliveries
        if days[0] <= date.fromisoformat(one.landed_at[:10]) <= days[1]
    ]
    return DataSetState(
        name=data_set.name,
        title=contract.name,
        dpia=contract.dpia_ref,
        dpia_status=status,
        review_due=due,
        refusals=tuple(
            str(one) for one in data_set.refusals("mart", today, use_case=use_case)
        ),
        promises=tuple(
            promises(
                data_set.name,
                contract.freshness_days or 0,
                first_landed(supplies),
                *days,
            )
            if promised
            else ()
        ),
        promised=promised,
        quarantined=_quarantined(home, within),
        landed=sum(one.records for one in within),
    )


def first_landed(supplies: Supplies) -> dict[str, date]:
    """Return month → the first day on which a file of it was landed."""
    found: dict[str, date] = {}
    for delivery in supplies.deliveries:
        landed = date.fromisoformat(delivery.landed_at[:10])
        for month in delivery.months:
            if month != WHOLE:
                found[month] = min(found.get(month, landed), landed)
    return found


def _quarantined(home: Home, deliveries: list[Any]) -> dict[str, int]:
    """Count lines set aside by reason; never what stands in them."""
    counted: Counter[str] = Counter()
    for one in deliveries:
        path = evidence_path(home.quarantine, one)
        if path.exists():
            lines = (
                pl.scan_parquet(path)
                .select("source_line", "reason")
                .unique()
                .group_by("reason")
                .len("lines")
                .collect()
            )
            counted.update(dict(lines.iter_rows()))
    return dict(counted)


def _eqia(folder: UseCaseFolder, missing: list[str]) -> AssessmentState | None:
    try:
        return _assessment(folder.eqia)
    except RecordInvalid as error:
        missing.append(f"The equality impact assessment cannot be read: {error}")
        return None


def _assessment(found: Any, note: str = "") -> AssessmentState:
    return AssessmentState(
        id=found.id,
        status=str(found.status),
        review_due=found.review.due.isoformat(),
        reviewed=found.review.last.isoformat() if found.review.last else None,
        note=note,
    )


def _overarching(
    registers: Registers, use_case: str, sprint: Sprint, missing: list[str]
) -> tuple[AssessmentState, ...]:
    """Return the platform's two assessments, and whether they followed this delivery."""
    reviewed = [
        one
        for one in registers.platform_reviews.values()
        if one.use_case == use_case and one.sprint == sprint.number
    ]
    if sprint.delivered_on is None:
        note = "not delivered yet, so no review was due"
    elif any(one.on >= sprint.delivered_on for one in reviewed):
        last = max(reviewed, key=lambda one: one.on)
        note = f"reviewed after this delivery: {last.id}, {last.on}, {last.outcome}"
    else:
        note = "not reviewed after this delivery"
    found = []
    for name in ("platform_dpia", "platform_eqia"):
        try:
            found.append(_assessment(getattr(registers, name), note))
        except RecordInvalid as error:
            missing.append(f"An overarching assessment cannot be read: {error}")
    return tuple(found)


def _stored(
    home: Home,
    supplies: Mapping[str, Supplies],
    readers: Mapping[str, int],
    own: tuple[str, ...],
    missing: list[str],
) -> dict[str, tuple[int, int]]:
    """Return what is kept, in bytes, and how many use cases share it."""
    store = LandingStore(home)
    found: dict[str, tuple[int, int]] = {}
    for asset, shared in readers.items():
        layer, _, name = asset.partition("/")
        if layer != "raw":
            continue
        hashes = {one.sha256 for one in supplies.get(name, Supplies([])).deliveries}
        originals = sum(_size(store.original(one)) for one in hashes)
        lake = sum(_size(path) for path in (home.raw / name).rglob("*.parquet"))
        found[f"{name}: files as received"] = (originals, shared)
        found[f"{name}: raw lake"] = (lake, shared)
    try:
        for name, size in _published_bytes(home).items():
            if f"marts/{name}" in own:
                found[f"{name}: published copy"] = (size, 1)
    except NothingPublished:
        missing.append("Nothing is published, so the marts' size is not known.")
    except duckdb.Error:
        missing.append("The published copy cannot be read, so its size is not known.")
    missing.append(
        "The warehouse is one file of all use cases and is not divided; the published "
        "copy, which holds the same marts, is."
    )
    return found


def _published_bytes(home: Home) -> dict[str, int]:
    """Return mart → bytes of the published copy, a shared block divided equally."""
    snapshot = current(home)
    holders: dict[int, set[str]] = defaultdict(set)
    with duckdb.connect(str(snapshot.path), read_only=True) as connection:
        row = connection.execute("pragma database_size").fetchone()
        block_size = int(row[2]) if row else 0
        for name in snapshot.rows:
            # A name of a mart is a name of our own dbt project; quoted all the same.
            table = f'marts."{name}"'.replace("'", "''")
            blocks = connection.execute(
                f"select distinct block_id from pragma_storage_info('{table}') "
                "where block_id >= 0"
            ).fetchall()
            for (block,) in blocks:
                holders[block].add(name)
    sizes: dict[str, float] = dict.fromkeys(snapshot.rows, 0.0)
    for names in holders.values():
        for name in names:
            sizes[name] += block_size / len(names)
    return {name: round(size) for name, size in sizes.items()}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _folders(use_case: str) -> list[Path]:
    """Return the folders that are the use case's own: its definitions and its marts."""
    marts = dbt_project_folder() / "models" / "marts" / use_case
    return [one for one in (defs_root() / use_case, marts) if one.exists()]


def changes(folders: list[Path], first: date, last: date) -> tuple[Change, ...] | None:
    """Return what version control has of these folders between two days.

    Args:
        folders: those that belong to the use case.
        first: first day.
        last: last day, included.

    Returns:
        the commits, oldest first; None where the folders are under no version control.
    """
    found: dict[str, Change] = {}
    for folder in folders:
        command = [
            "git",
            "-C",
            str(folder),
            "log",
            f"--since={first.isoformat()}T00:00:00",
            f"--until={last.isoformat()}T23:59:59",
            "--date=short",
            "--format=%x1e%H%x1f%ad%x1f%s",
            "--name-only",
            "--",
            ".",
        ]
        try:
            told = subprocess.run(
                command, capture_output=True, text=True, timeout=60, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if told.returncode != 0:
            return None
        for entry in told.stdout.split("\x1e")[1:]:
            head, _, names = entry.partition("\n")
            commit, day, subject = head.split("\x1f")
            touched = len([one for one in names.splitlines() if one.strip()])
            before = found.get(commit)
            found[commit] = Change(
                commit,
                date.fromisoformat(day),
                subject,
                touched + (before.files if before else 0),
            )
    return tuple(sorted(found.values(), key=lambda one: (one.on, one.commit)))
