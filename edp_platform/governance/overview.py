"""Every data set and use case on one screen: who, under what, until when, what is late.

Pure: what is loaded goes in, plain values come out. The command line, the Dagster UI
and scripts show the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from edp_platform.access.rules import recertified_until
from edp_platform.datasets import DataSet, DataSets
from edp_platform.governance.dpia import Dpia, DpiaInvalid
from edp_platform.governance.records.base import RecordInvalid, Review
from edp_platform.governance.records.eqia import Eqia
from edp_platform.governance.records.use_case import Sprint, UseCaseRecord
from edp_platform.governance.registers import Registers
from edp_platform.governance.review_dates import notice
from edp_platform.governance.supplier_rules import review_faults
from edp_platform.use_cases import UseCaseFolder, UseCases, data_refusals


@dataclass(frozen=True)
class Overdue:
    """One thing that somebody should have done by now.

    Attributes:
        kind: `dpia`, `eqia`, `owner`, `supplier_review`, `platform_review`,
            `acceptance`, `sprint`, `policy_document`, `model_record`,
            `legacy_service`, `grant`, `legal_hold`, `record` or `set_aside`.
        name: the record, data set, use case or folder.
        owner: who answers for it, None where nobody does.
        since: the day it fell due, where there is one.
        message: what is overdue, and what to do.
    """

    kind: str
    name: str
    owner: str | None
    since: date | None
    message: str


def overview(
    data_sets: DataSets, use_cases: UseCases, registers: Registers, today: date
) -> dict[str, Any]:
    """Return the state of governance, ready for JSON.

    Args:
        data_sets: those loaded, and the folders set aside.
        use_cases: the same of use cases.
        registers: the force's records.
        today: the day of the question.

    Returns:
        `data_sets`, `use_cases` and `overdue`, each a list of mappings. Of a data set:
        `name`, `title`, `owner`, `regime`, `purposes`, `dpia`, `dpia_status`,
        `dpia_review_due`, `dpia_notice` ("", "90 days", "30 days", "7 days", "extended",
        "overdue"), `retention_rule`, `retention_confirmed`, `eqia`, `stage` (of the
        contract), `gate` ("open" or "refused") and `refusals`. Of a use case: `name`,
        `title`, `owner`, `regimes`, `dpias`, `dpia_review_due` (the earliest),
        `retention_rules`, `eqia`, `eqia_status`, `eqia_review_due`, `eqia_notice`,
        `stage`, `status`, `sprint` (see `_sprint`), `supplier`, `supplier_review`,
        `gate` and `refusals`. Of what is overdue: `kind`, `name`, `owner`, `since`,
        `message`.
    """
    found = [
        *_records_overdue(registers, today),
        *(
            item
            for data_set in data_sets.by_name.values()
            for item in _data_set_overdue(data_set, registers, today)
        ),
        *(
            item
            for use_case in use_cases.by_name.values()
            for item in _use_case_overdue(use_case, registers, today)
        ),
    ]
    aside = {
        one.folder: one.error for one in (*data_sets.set_aside, *use_cases.set_aside)
    }
    found += [
        Overdue("set_aside", folder.name, None, None, error)
        for folder, error in aside.items()
    ]
    return {
        "data_sets": [
            data_set_state(one, use_cases, today)
            for _, one in sorted(data_sets.by_name.items())
        ],
        "use_cases": [
            use_case_state(one, data_sets, today)
            for _, one in sorted(use_cases.by_name.items())
        ],
        "overdue": [
            {
                "kind": one.kind,
                "name": one.name,
                "owner": one.owner,
                "since": one.since.isoformat() if one.since else None,
                "message": one.message,
            }
            for one in sorted(found, key=lambda one: (one.kind, one.name))
        ],
    }


def data_set_state(
    data_set: DataSet, use_cases: UseCases, today: date
) -> dict[str, Any]:
    """Return the state of one data set; see `overview`."""
    contract, registers = data_set.contract, data_set.registers
    refusals = data_set.refusals("raw", today)
    dpia = _dpia_of(data_set)
    rule = registers.retention_rules.get(contract.retention_rule)
    readers = [
        name
        for name, one in use_cases.by_name.items()
        if data_set.name in one.stated.uses
    ]
    return {
        "name": data_set.name,
        "title": contract.name,
        "owner": ", ".join(contract.owners),
        "regime": contract.regime,
        "purposes": list(contract.purposes),
        "dpia": contract.dpia_ref,
        "dpia_status": dpia.status if dpia else "invalid",
        "dpia_review_due": dpia.review.due.isoformat() if dpia else None,
        "dpia_notice": notice(dpia.review, today) if dpia else "",
        "retention_rule": contract.retention_rule,
        "retention_confirmed": rule is not None and rule.confirmed_by is not None,
        "eqia": (dpia.eqia_ref if dpia else None) or _eqias(readers, use_cases),
        "stage": contract.status,
        "use_cases": readers,
        "gate": "refused" if refusals else "open",
        "refusals": [str(refusal) for refusal in refusals],
    }


def use_case_state(
    use_case: UseCaseFolder, data_sets: DataSets, today: date
) -> dict[str, Any]:
    """Return the state of one use case; see `overview`."""
    refusals = [
        *use_case.refusals(today),
        *(one for _, one in data_refusals(use_case, data_sets.by_name, today)),
    ]
    eqia, record = _eqia_of(use_case), _record_of(use_case)
    used = [
        data_sets.by_name[name]
        for name in use_case.stated.uses
        if name in data_sets.by_name
    ]
    reviews = [dpia.review.due for one in used if (dpia := _dpia_of(one))]
    own = None
    with suppress(DpiaInvalid):
        own = use_case.dpia
    if own is not None:
        reviews.append(own.review.due)
    number = use_case.stated.sprint.number
    sprint = record.sprint(number) if record else None
    return {
        "name": use_case.name,
        "title": use_case.stated.title,
        "owner": use_case.product_owner,
        "regimes": sorted({one.contract.regime for one in used}),
        "dpias": [
            *([own.id] if own else []),
            *sorted({one.contract.dpia_ref for one in used}),
        ],
        "dpia_review_due": min(reviews).isoformat() if reviews else None,
        "retention_rules": sorted({one.contract.retention_rule for one in used}),
        "eqia": eqia.id if eqia else None,
        "eqia_status": eqia.status if eqia else "invalid",
        "eqia_review_due": eqia.review.due.isoformat() if eqia else None,
        "eqia_notice": notice(eqia.review, today) if eqia else "",
        "stage": use_case.stated.stage,
        "status": record.status if record else "invalid",
        "sprint": _sprint(sprint, number, today),
        "sprints": [_sprint(one, one.number, today) for one in record.sprints]
        if record
        else [],
        "supplier": use_case.stated.sprint.supplier,
        "supplier_review": _supplier_review(use_case, record, today),
        "gate": "refused" if refusals else "open",
        "refusals": [str(refusal) for refusal in refusals],
    }


def _sprint(sprint: Sprint | None, number: int, today: date) -> dict[str, Any]:
    """Return plan against actual of one sprint, in days and pounds."""
    if sprint is None:
        return {"number": number, "goal": None}
    return {
        "number": number,
        "goal": sprint.goal,
        "starts": sprint.starts.isoformat(),
        "ends": sprint.ends.isoformat(),
        "supplier": sprint.supplier,
        "planned_days": sprint.planned_days,
        "actual_days": sprint.actual_days(today),
        "budget_pounds": sprint.budget_pounds,
        "spent_pounds": sprint.spent.pounds if sprint.spent else None,
        "delivered_on": sprint.delivered_on.isoformat()
        if sprint.delivered_on
        else None,
        "accepted": sprint.acceptance.decision if sprint.acceptance else None,
    }


def _supplier_review(
    use_case: UseCaseFolder, record: UseCaseRecord | None, today: date
) -> dict[str, Any] | None:
    """Return the last decision about a supplier of this use case, or None."""
    if record is None:
        return None
    own = [
        one
        for one in use_case.registers.supplier_reviews.values()
        if one.use_case == use_case.name and one.on <= today
    ]
    last = max(own, key=lambda one: (one.sprint, one.on), default=None)
    if last is None:
        return None
    return {
        "id": last.id,
        "supplier": last.supplier,
        "sprint": last.sprint,
        "decision": last.decision,
        "on": last.on.isoformat(),
    }


def _eqias(readers: list[str], use_cases: UseCases) -> str | None:
    ids = [eqia.id for name in readers if (eqia := _eqia_of(use_cases.by_name[name]))]
    return ", ".join(ids) or None


def _dpia_of(data_set: DataSet) -> Dpia | None:
    try:
        return data_set.dpia
    except DpiaInvalid:
        return None


def _eqia_of(use_case: UseCaseFolder) -> Eqia | None:
    try:
        return use_case.eqia
    except RecordInvalid:
        return None


def _record_of(use_case: UseCaseFolder) -> UseCaseRecord | None:
    try:
        return use_case.record
    except RecordInvalid:
        return None


# ------------------------------------------------------------------- what is overdue


def without_owner(owner: str, registers: Registers, today: date) -> str | None:
    """Say why nobody answers under this name; None where somebody does.

    Args:
        owner: a team, an e-mail address, or the id of a person.
        registers: people and teams.
        today: the day of the question.
    """
    if owner.startswith("team:"):
        team = registers.teams.get(owner)
        if team is None:
            return f"the team {owner} is not on the register"
        for role, person in (
            ("lead", team.lead),
            ("information asset owner", team.information_asset_owner),
        ):
            gone = _gone(person, registers, today)
            if gone:
                return f"the {role} of {owner}, {person}, {gone}"
        return None
    if "@" in owner:
        held = [one for one in registers.people.values() if one.email == owner]
        if not held:
            return f"{owner} is nobody on the register"
        owner = held[0].id
    gone = _gone(owner, registers, today)
    return f"{owner} {gone}" if gone else None


def _gone(person_id: str, registers: Registers, today: date) -> str:
    person = registers.people.get(person_id)
    if person is None:
        return "is not on the register"
    if person.left is not None and person.left <= today:
        return f"left on {person.left}"
    return ""


def _ownerless(
    kind: str, name: str, owner: str, registers: Registers, today: date
) -> Iterator[Overdue]:
    why = without_owner(owner, registers, today)
    if why:
        yield Overdue(
            "owner",
            name,
            None,
            None,
            f"Nobody answers for the {kind} {name}: {why}. Hand it over: edp people "
            "leave A --to B.",
        )


def _late(
    kind: str, name: str, owner: str | None, review: Review, today: date
) -> Iterator[Overdue]:
    state = notice(review, today)
    if state == "overdue":
        yield Overdue(
            kind,
            name,
            owner,
            review.due,
            f"{name} was due for review on {review.due}. Review it, and set "
            "`review.due`.",
        )


def _data_set_overdue(
    data_set: DataSet, registers: Registers, today: date
) -> Iterator[Overdue]:
    owners = data_set.contract.owners
    for owner in owners:
        yield from _ownerless("data set", data_set.name, owner, registers, today)
    if not owners:
        yield Overdue(
            "owner", data_set.name, None, None, f"Nobody owns {data_set.name}."
        )
    try:
        dpia = data_set.dpia
    except DpiaInvalid as error:
        yield Overdue("record", data_set.name, ", ".join(owners), None, str(error))
        return
    yield from _late("dpia", dpia.id, ", ".join(owners), dpia.review, today)


def _use_case_overdue(
    use_case: UseCaseFolder, registers: Registers, today: date
) -> Iterator[Overdue]:
    owner = use_case.product_owner
    yield from _ownerless("use case", use_case.name, owner, registers, today)
    for name, read in (("eqia", "eqia"), ("record", "record"), ("dpia", "dpia")):
        try:
            record = getattr(use_case, read)
        except RecordInvalid as error:
            yield Overdue("record", f"{use_case.name} {name}", owner, None, str(error))
            continue
        if isinstance(record, Eqia | Dpia):
            yield from _late(name, record.id, owner, record.review, today)
    record = _record_of(use_case)
    if record is None:
        return
    for person in (
        record.business_lead,
        *(one.project_lead for one in record.sprints[-1:]),
    ):
        yield from _ownerless("use case", use_case.name, person, registers, today)
    for sprint in record.sprints:
        yield from _sprint_overdue(use_case, record, sprint, registers, today)


def _sprint_overdue(
    use_case: UseCaseFolder,
    record: UseCaseRecord,
    sprint: Sprint,
    registers: Registers,
    today: date,
) -> Iterator[Overdue]:
    name, owner = f"{use_case.name} sprint {sprint.number}", use_case.product_owner
    day = sprint.delivered_on
    if day is None or day > today:
        if sprint.ends < today:
            yield Overdue(
                "sprint",
                name,
                owner,
                sprint.ends,
                f"{name} was planned to end on {sprint.ends} and is not delivered. "
                "Deliver it, or plan it anew.",
            )
        return
    if sprint.acceptance is None:
        yield Overdue(
            "acceptance",
            name,
            record.business_lead,
            day,
            f"{name} was delivered on {day} and the business lead has not decided. "
            "Write `acceptance`.",
        )
    reviewed = any(
        (one.use_case, one.sprint, one.supplier)
        == (use_case.name, sprint.number, sprint.supplier)
        and not list(
            review_faults(one, record, registers.decided_packs, registers.people)
        )
        for one in registers.supplier_reviews.values()
    )
    if sprint.supplier is not None and not reviewed:
        yield Overdue(
            "supplier_review",
            name,
            owner,
            day,
            f"{name} of {sprint.supplier} was delivered on {day} and is not reviewed. "
            "Make the evidence with edp review pack, and have commercial services "
            "decide: edp review decide.",
        )
    held = any(
        one.use_case == use_case.name and one.on >= day
        for one in registers.platform_reviews.values()
    )
    if not held:
        yield Overdue(
            "platform_review",
            name,
            "team:platform",
            day,
            f"{name} was delivered on {day}, and the overarching DPIA and EqIA were not "
            "reviewed since. Hold the review, and write it in platform_reviews.",
        )


def _records_overdue(registers: Registers, today: date) -> Iterator[Overdue]:
    for fault in registers.faults():
        yield Overdue("record", fault.split(":", 1)[0], None, None, fault)
    for name, kind in (("platform_dpia", "dpia"), ("platform_eqia", "eqia")):
        with suppress(RecordInvalid):
            record = getattr(registers, name)
            yield from _late(kind, record.id, "team:platform", record.review, today)
    for team in registers.teams:
        yield from _ownerless("team", team, team, registers, today)
    owned: Mapping[str, tuple[tuple[str, str], ...]] = {
        "purpose": tuple((one.id, one.owner) for one in registers.purposes.values()),
        "problem": tuple(
            (one.id, one.owner) for one in registers.problems.values() if one.owner
        ),
        "model": tuple(
            (one.id, owner)
            for one in registers.model_records.values()
            for owner in (one.owner, one.senior_responsible_owner)
            if one.status != "retired"
        ),
        "legacy service": tuple(
            (one.id, one.owner)
            for one in registers.legacy_services.values()
            if one.status != "retired"
        ),
        "supplier": tuple(
            (one.id, one.force_lead)
            for one in registers.suppliers.values()
            if one.force_lead and one.ends >= today
        ),
    }
    for kind, pairs in owned.items():
        for name, owner in pairs:
            yield from _ownerless(kind, name, owner, registers, today)
    for document in registers.policy_documents.values():
        if document.review_due < today:
            yield Overdue(
                "policy_document",
                document.id,
                document.approved_by,
                document.review_due,
                f"{document.id} was due for review on {document.review_due}.",
            )
    for service in registers.legacy_services.values():
        if service.review_due is not None and service.review_due < today:
            yield Overdue(
                "legacy_service",
                service.id,
                service.owner,
                service.review_due,
                f"{service.id} was to be retired by {service.review_due} and is "
                f"{service.status}. Compare it with what replaces it (edp legacy "
                "compare), retire it, or set `retire_by`.",
            )
    for grant in registers.grants.values():
        looked = recertified_until(grant, today)
        is_running = grant.status == "approved" and grant.starts <= today
        if grant.kind == "contract" and is_running and looked < today <= grant.until:
            yield Overdue(
                "grant",
                grant.id,
                grant.approved_by,
                looked,
                f"{grant.id} was to be looked at by {looked} and gives {grant.person} "
                "nothing since. If it is still needed, add `by` and `on` under "
                "`recertified`; else take it back.",
            )
    for model in registers.model_records.values():
        if model.status == "in_use" and model.review_due < today:
            yield Overdue(
                "model_record",
                model.id,
                model.owner,
                model.review_due,
                f"{model.id} was due for review on {model.review_due}.",
            )
