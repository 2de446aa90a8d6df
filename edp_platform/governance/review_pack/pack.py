"""The evidence pack: what the record shows of one sprint, ready for JSON."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

from edp_platform.governance.records.supplier_review import SupplierReview
from edp_platform.governance.records.use_case import Sprint
from edp_platform.governance.review_pack.cost import Prices, run_lines, storage_lines
from edp_platform.governance.review_pack.evidence import Change, Evidence
from edp_platform.governance.review_pack.freshness import Promise

#: Raise it when the shape of the pack changes.
PACK_VERSION = 1


@dataclass(frozen=True)
class DataSetState:
    """What governs a data set the use case reads, on the day of the pack.

    Attributes:
        name: its folder.
        title: in words.
        dpia: its id.
        dpia_status: as signed; "invalid" where it cannot be relied on.
        review_due: ISO day; None where the DPIA cannot be read.
        refusals: why the gate stays shut today.
        promises: those that fell due in the sprint.
        promised: whether its contract promises any month at all.
        quarantined: reason → lines, of files landed in the sprint.
        landed: records landed in the sprint.
    """

    name: str
    title: str
    dpia: str
    dpia_status: str
    review_due: str | None
    refusals: tuple[str, ...] = ()
    promises: tuple[Promise, ...] = ()
    promised: bool = False
    quarantined: Mapping[str, int] = field(default_factory=dict)
    landed: int = 0


@dataclass(frozen=True)
class AssessmentState:
    """An equality or overarching assessment: its id, state and days, as ISO text."""

    id: str
    status: str
    review_due: str | None
    reviewed: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """Everything a pack is made of.

    Attributes:
        use_case: its folder.
        title: in words.
        product_owner: who answers for it.
        stage: engage, evolve or embed.
        sprint: as planned, and what the programme office recorded.
        supplier: id and name, None where the force does it itself.
        review: the decision on this sprint, where one was made already.
        own: assets of the use case's group.
        readers: every asset it makes or reads → how many use cases share it.
        evidence: of the sprint's days.
        data_sets: that it reads.
        eqia: its equality impact assessment; None where none can be read.
        overarching: the overarching DPIA and EqIA, and whether they were reviewed after
            this sprint's delivery.
        prices: None where there is no price list.
        stored: what → (bytes, how many use cases share it), measured on `made_on`.
        changes: in version control; None where there is none to ask.
        next_record: where the decision is to be written.
        made_on: the day of the pack.
        first_used: the day the home was first used; nothing before it is on record.
        not_found: what could not be found while these facts were gathered.
    """

    use_case: str
    title: str
    product_owner: str
    stage: str
    sprint: Sprint
    supplier: tuple[str, str] | None
    review: SupplierReview | None
    own: tuple[str, ...]
    readers: Mapping[str, int]
    evidence: Evidence
    data_sets: tuple[DataSetState, ...]
    eqia: AssessmentState | None
    overarching: tuple[AssessmentState, ...]
    prices: Prices | None
    stored: Mapping[str, tuple[int, int]]
    changes: tuple[Change, ...] | None
    next_record: str
    made_on: date
    first_used: date
    not_found: tuple[str, ...] = ()


def sprint_days(sprint: Sprint, today: date) -> tuple[date, date]:
    """Return the first and last day a sprint's pack is about.

    The last is the day of delivery where there was one (a late delivery is part of the
    sprint), else the planned end, and never after today.
    """
    end = max(sprint.ends, sprint.delivered_on or sprint.ends)
    if sprint.delivered_on is not None and sprint.delivered_on < sprint.ends:
        end = sprint.ends
    return sprint.starts, min(end, today)


def build_pack(facts: Facts) -> dict[str, Any]:
    """Return the pack.

    Every figure comes from `facts`; what nobody recorded is listed in `not_found`.
    """
    evidence, sprint = facts.evidence, facts.sprint
    missing = list(facts.not_found)
    delivered, not_made = _delivered(facts)
    checks = _checks(facts)
    cost = _cost(facts, missing)
    freshness = _freshness(facts)
    if not evidence.runs:
        missing.append(
            f"No run began from {evidence.first} to {evidence.last}, so nothing was "
            "made and no check was asked in these days."
        )
    if not facts.own:
        missing.append("The use case has no asset of its own.")
    if facts.eqia is None:
        missing.append("No equality impact assessment could be read.")
    if facts.changes is None:
        missing.append("No version control could be asked what changed.")
    if sprint.spent is None:
        missing.append("The programme office recorded no pounds spent on this sprint.")
    if not sprint.deliverables:
        missing.append("The sprint's record names no deliverables.")
    unpromised = [one.name for one in facts.data_sets if not one.promised]
    if unpromised:
        missing.append(
            f"{len(unpromised)} data sets are promised by no month, so their freshness "
            f"cannot be held against a promise: {', '.join(unpromised)}."
        )
    if facts.first_used > evidence.first:
        missing.append(
            f"The platform was first used on {facts.first_used}; nothing of the days "
            "before it is on record."
        )
    return {
        "pack_version": PACK_VERSION,
        "use_case": facts.use_case,
        "title": facts.title,
        "product_owner": facts.product_owner,
        "stage": facts.stage,
        "made_on": facts.made_on.isoformat(),
        "covers": {
            "first": evidence.first.isoformat(),
            "last": evidence.last.isoformat(),
            "is_over": evidence.last >= sprint.ends,
        },
        "sprint": {
            "number": sprint.number,
            "goal": sprint.goal,
            "starts": sprint.starts.isoformat(),
            "ends": sprint.ends.isoformat(),
            "delivered_on": (
                sprint.delivered_on.isoformat() if sprint.delivered_on else None
            ),
            "project_lead": sprint.project_lead,
            "supplier": facts.supplier[0] if facts.supplier else None,
            "supplier_name": facts.supplier[1] if facts.supplier else None,
            "acceptance": (
                sprint.acceptance.model_dump(mode="json") if sprint.acceptance else None
            ),
        },
        "delivered": delivered,
        "not_made": not_made,
        "deliverables": _deliverables(facts),
        "changes": (
            None
            if facts.changes is None
            else [{**asdict(one), "on": one.on.isoformat()} for one in facts.changes]
        ),
        "checks": checks,
        "runs": _runs(evidence),
        "freshness": freshness,
        "cost": cost,
        "plan": _plan(facts),
        "dpias": [
            {
                "data_set": one.name,
                "title": one.title,
                "dpia": one.dpia,
                "status": one.dpia_status,
                "review_due": one.review_due,
                "is_overdue": bool(
                    one.review_due and one.review_due < facts.made_on.isoformat()
                ),
                "refusals": list(one.refusals),
            }
            for one in facts.data_sets
        ],
        "eqia": asdict(facts.eqia) if facts.eqia else None,
        "overarching": [asdict(one) for one in facts.overarching],
        "quarantine": [
            {
                "data_set": one.name,
                "landed": one.landed,
                "quarantined": sum(one.quarantined.values()),
                "by_reason": dict(sorted(one.quarantined.items())),
            }
            for one in facts.data_sets
        ],
        "decision": (
            facts.review.model_dump(mode="json") if facts.review is not None else None
        ),
        "next": {"record": facts.next_record},
        "not_found": missing,
    }


def digest(pack: Mapping[str, Any]) -> str:
    """Return the pack's SHA-256: what a decision names as its evidence."""
    return hashlib.sha256(as_text(pack).encode()).hexdigest()


def as_text(pack: Mapping[str, Any]) -> str:
    """Return the pack as its file has it."""
    return json.dumps(pack, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _delivered(facts: Facts) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what was made of the use case's own assets, and what was not."""
    found = []
    for asset in facts.own:
        made = [one for one in facts.evidence.materialized if one.asset == asset]
        if not made:
            continue
        rows = [one.rows for one in made if one.rows is not None]
        found.append(
            {
                "asset": asset,
                "times": len({one.run_id for one in made}),
                "months": sorted({one.partition for one in made if one.partition}),
                "is_new": asset not in facts.evidence.made_before,
                "last_made": max(one.at for one in made).isoformat(timespec="seconds"),
                "rows": rows[-1] if rows else None,
            }
        )
    made_names = {one["asset"] for one in found}
    return found, [asset for asset in facts.own if asset not in made_names]


def _deliverables(facts: Facts) -> list[dict[str, str]]:
    """Say of each planned deliverable whether an asset of its name was made."""
    by_name = {asset.rsplit("/", 1)[-1]: asset for asset in facts.own}
    made = {one.asset for one in facts.evidence.materialized}
    found = []
    for what in facts.sprint.deliverables:
        asset = by_name.get(what)
        if asset is None:
            state = "no asset has this name: to be judged by a person"
        elif asset in made and asset not in facts.evidence.made_before:
            state = "made, for the first time in this sprint"
        elif asset in made:
            state = "made in this sprint, and before it"
        elif asset in facts.evidence.made_before:
            state = "made before this sprint, not in it"
        else:
            state = "never made"
        found.append({"what": what, "asset": asset or "", "state": state})
    return found


def _checks(facts: Facts) -> dict[str, Any]:
    asked = [one for one in facts.evidence.checked if one.asset in facts.readers]
    own = set(facts.own)
    days: dict[date, Counter[str]] = {}
    each: dict[tuple[str, str], list[Any]] = {}
    for one in asked:
        days.setdefault(one.at.date(), Counter())[one.outcome] += 1
        each.setdefault((one.asset, one.check), []).append(one)
    by_check = []
    for (asset, check), several in sorted(each.items()):
        counts = Counter(one.outcome for one in several)
        last = max(several, key=lambda one: one.at)
        by_check.append(
            {
                "asset": asset,
                "check": check,
                "is_own": asset in own,
                "passed": counts["passed"],
                "warned": counts["warned"],
                "failed": counts["failed"],
                "last": last.outcome,
                "last_asked": last.at.isoformat(timespec="seconds"),
            }
        )
    totals = Counter(one.outcome for one in asked)
    return {
        "passed": totals["passed"],
        "warned": totals["warned"],
        "failed": totals["failed"],
        "distinct": len(each),
        "failing_now": sum(one["last"] == "failed" for one in by_check),
        "by_day": [
            {
                "day": day.isoformat(),
                "passed": days[day]["passed"],
                "warned": days[day]["warned"],
                "failed": days[day]["failed"],
            }
            for day in sorted(days)
        ],
        "by_check": by_check,
    }


def _runs(evidence: Evidence) -> dict[str, Any]:
    known = [one.seconds for one in evidence.runs if one.seconds is not None]
    return {
        "count": len(evidence.runs),
        "by_status": dict(sorted(Counter(one.status for one in evidence.runs).items())),
        "seconds": round(sum(known), 3),
        "without_end": len(evidence.runs) - len(known),
    }


def _freshness(facts: Facts) -> dict[str, Any]:
    promises = [one for each in facts.data_sets for one in each.promises]
    states = Counter(one.state for one in promises)
    return {
        "promised": len(promises),
        "kept": states["kept"],
        "late": states["late"],
        "missing": states["missing"],
        "promises": [
            {
                "data_set": one.data_set,
                "month": one.month,
                "due": one.due.isoformat(),
                "landed": one.landed.isoformat() if one.landed else None,
                "state": one.state,
                "days_late": one.days_late,
            }
            for one in sorted(promises, key=lambda one: (one.data_set, one.month))
        ],
    }


def _cost(facts: Facts, missing: list[str]) -> dict[str, Any] | None:
    if facts.prices is None:
        missing.append("There is no price list, so seconds and bytes have no price.")
        return None
    evidence = facts.evidence
    days = (evidence.last - evidence.first + timedelta(days=1)).days
    runs = run_lines(evidence, facts.readers, facts.prices)
    storage = storage_lines(facts.stored, days, facts.prices)
    unended = [one for one in evidence.steps if one.seconds is None]
    if unended:
        missing.append(
            f"{len(unended)} steps have no end on record (their process died), so what "
            "they took is not in the cost."
        )
    return {
        "prices": asdict(facts.prices),
        "days": days,
        "run_pounds": round(sum(one.pounds for one in runs), 6),
        "run_seconds": round(sum(one.quantity / one.shared_by for one in runs), 3),
        "storage_pounds": round(sum(one.pounds for one in storage), 6),
        "stored_bytes": round(sum(one.quantity / one.shared_by for one in storage)),
        "stored_measured_on": facts.made_on.isoformat(),
        "run": [_line(one) for one in runs],
        "storage": [_line(one) for one in storage],
    }


def _line(one: Any) -> dict[str, Any]:
    return {**asdict(one), "pounds": round(one.pounds, 6)}


def _plan(facts: Facts) -> dict[str, Any]:
    sprint = facts.sprint
    spent = sprint.spent
    return {
        "days": {
            "planned": sprint.planned_days,
            "actual": sprint.actual_days(facts.made_on),
            "is_delivered": sprint.delivered_on is not None,
        },
        "pounds": {
            "planned": sprint.budget_pounds,
            "actual": spent.pounds if spent else None,
            "as_of": spent.on.isoformat() if spent else None,
        },
    }


def headline(pack: Mapping[str, Any]) -> Sequence[str]:
    """Return the pack in a few sentences, the worst first."""
    checks, fresh, plan = pack["checks"], pack["freshness"], pack["plan"]
    days, pounds = plan["days"], plan["pounds"]
    parts = []
    if checks["failing_now"]:
        parts.append(f"{_many(checks['failing_now'], 'check')} failed when last asked.")
    refused = [one["data_set"] for one in pack["dpias"] if one["refusals"]]
    if refused:
        parts.append(f"The gate is shut for {', '.join(refused)}.")
    parts.append(
        f"{len(pack['delivered'])} of "
        f"{len(pack['delivered']) + len(pack['not_made'])} assets were made; "
        f"{checks['passed']:,} checks passed, {checks['warned']:,} warned, "
        f"{checks['failed']:,} failed."
    )
    if fresh["promised"]:
        parts.append(
            f"{fresh['kept']} of {fresh['promised']} months came when promised, "
            f"{fresh['late']} late, {fresh['missing']} not at all."
        )
    else:
        parts.append("No month was promised within these days.")
    spent = "not recorded" if pounds["actual"] is None else f"£{pounds['actual']:,.0f}"
    parts.append(
        f"{days['actual']} days of {days['planned']} planned; {spent} of "
        f"£{pounds['planned']:,.0f}."
    )
    if pack["not_found"]:
        parts.append(f"{_many(len(pack['not_found']), 'thing')} could not be found.")
    return parts


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
