"""The rules of a use case: why work may begin, go on, and be shown.

Pure functions over records, asked by the use case's marts and assets before they are
built, and by `edp governance`. Sources: PCD 1305 (5.18, 5.20), PCD 1577 (5.7, 6.2,
6.3), Equality Act 2010 s.149, the Algorithmic Transparency Recording Standard, and the
College of Policing's guidance on data-driven technologies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from edp_platform.governance.records.dpia import Dpia
from edp_platform.governance.records.eqia import CHARACTERISTICS, Eqia
from edp_platform.governance.records.model_record import ModelRecord
from edp_platform.governance.records.people import Person
from edp_platform.governance.records.platform_review import PlatformReview
from edp_platform.governance.records.problem import Problem
from edp_platform.governance.records.supplier import Supplier
from edp_platform.governance.records.supplier_review import SupplierReview
from edp_platform.governance.records.use_case import Sprint, Stage, UseCaseRecord
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.review_dates import a_year_after, stands
from edp_platform.governance.review_pack.decided import (
    DecidedPack,
    DecidedPacks,
    PackMissing,
)
from edp_platform.governance.rules import enforces

_DOORS = "the use case's marts and assets, publication, questions"


@enforces(44, door=_DOORS)
def problem_decided(
    record: UseCaseRecord,
    stage: Stage,
    sprint: int,
    problems: Mapping[str, Problem],
    today: date,
) -> tuple[Refusal, ...]:
    """Refuse work that began without owner, objective or a decision to proceed.

    Each stage up to the present one was decided on, in the problem book. Source: College
    of Policing APP, Data-driven technologies (Engage, Evolve, Embed).
    """
    problem = problems.get(record.problem)
    if problem is None:
        return (
            _unfounded(
                f"The use case {record.id} begins from the problem {record.problem}, "
                "which is not in the problem book.",
                "Write it: edp problem new.",
            ),
        )
    found = []
    lacking = [
        name
        for name in ("owner", "objective")
        if not (getattr(problem, name) or "").strip()
    ]
    if lacking:
        found.append(
            _unfounded(
                f"The problem {problem.id} of the use case {record.id} has no "
                f"{' and no '.join(lacking)}.",
                f"Write {' and '.join(f'`{name}`' for name in lacking)} in its record.",
            )
        )
    if problem.status == "stopped":
        found.append(
            _unfounded(
                f"The problem {problem.id} of the use case {record.id} was stopped.",
                "Take the use case down, or open the problem again by a decision.",
            )
        )
    stages: tuple[Stage, ...] = ("engage", "evolve", "embed")
    for needed in stages[: stages.index(stage) + 1]:
        # The last decision about a stage is the one that holds.
        gates = [gate for gate in problem.gates if gate.stage == needed]
        last = gates[-1] if gates else None
        if (
            last is None
            or last.decision != "proceed"
            or last.on is None
            or last.on > today
        ):
            found.append(
                _unfounded(
                    f"The problem {problem.id} holds no decision to proceed to "
                    f"`{needed}`, and the use case {record.id} is at `{stage}`.",
                    "Have the decision maker decide, and write it under `gates`.",
                )
            )
    if record.sprint(sprint) is None:
        found.append(
            _unfounded(
                f"Sprint {sprint} of the use case {record.id} is not on record.",
                "Write its goal, dates and budget under `sprints` in use_case.yaml.",
            )
        )
    return tuple(found)


def _unfounded(missing: str, next_step: str) -> Refusal:
    return Refusal(
        "problem-decided",
        missing,
        "Work begins from a problem with an owner, an objective and a decision.",
        next_step,
        44,
    )


@enforces(45, door=_DOORS)
def consulted_at_every_stage(
    record: UseCaseRecord,
    stage: Stage,
    people: Mapping[str, Person],
    today: date,
) -> tuple[Refusal, ...]:
    """Refuse a stage that began without Information Assurance and Information Rights.

    The stage that `defs.yaml` states stands in the record, and both offices answered on
    or before the day it began. Source: PCD 1577, 6.3.
    """
    found = []
    if not any(change.stage == stage for change in record.stages):
        found.append(
            _unconsulted(
                f"The use case {record.id} is at `{stage}`, and its record does not say "
                "when that began.",
                f"Write the stage `{stage}` under `stages` in use_case.yaml, with both "
                "consultations.",
            )
        )
    offices = (
        ("information_assurance", "Information Assurance"),
        ("information_rights", "Information Rights"),
    )
    for change in record.stages:
        if change.on > today:
            found.append(
                _unconsulted(
                    f"The stage `{change.stage}` of the use case {record.id} begins on "
                    f"a date in the future ({change.on}).",
                    "Wait until then, or correct the date.",
                )
            )
        for field, office in offices:
            entry = getattr(change, field)
            where = f"the stage `{change.stage}` of the use case {record.id}"
            if entry is None:
                missing = f"{office} was not consulted on {where}."
            elif entry.on > min(change.on, today):
                missing = f"{office} was consulted on {where} only after it began."
            elif entry.by not in people or people[entry.by].role != field:
                missing = (
                    f"{entry.by} answered for {office} on {where} and does not hold "
                    "that role."
                )
            else:
                continue
            found.append(
                _unconsulted(
                    missing, f"Ask, and write `{field}` with by, on and advice."
                )
            )
    return tuple(found)


def _unconsulted(missing: str, next_step: str) -> Refusal:
    return Refusal(
        "consulted",
        missing[0].upper() + missing[1:],
        "Both are consulted at all stages, before each begins.",
        next_step,
        45,
    )


@enforces(36, door=_DOORS)
def equality_assessed(
    eqia: Eqia | None, use_case: str, today: date
) -> tuple[Refusal, ...]:
    """Refuse a use case whose equality impact assessment is not whole.

    Whole: approved, signed by somebody else than its author, in date, with each of the
    nine characteristics and a measure that watches the effect. Source: Equality Act
    2010 s.149.
    """
    if eqia is None:
        return (
            _unequal(
                f"The use case {use_case} has no equality impact assessment.",
                "Write eqia.yaml: edp eqia new.",
            ),
        )
    found = []
    if eqia.use_case != use_case:
        found.append(
            _unequal(
                f"{eqia.id} is about {eqia.use_case}, not {use_case}.",
                "Assess this use case by itself.",
            )
        )
    signers = {mark.by for mark in eqia.sign_off}
    if eqia.status != "approved" or not signers:
        found.append(
            _unequal(
                f"{eqia.id} is `{eqia.status}`"
                f"{'' if signers else ' and nobody signed it'}.",
                "Have it approved and signed.",
            )
        )
    if eqia.author in signers:
        found.append(
            _unequal(
                f"The author of {eqia.id} ({eqia.author}) signs it.",
                "Have somebody else sign it (separation of duty).",
            )
        )
    if any(mark.on > today for mark in eqia.sign_off):
        found.append(
            _unequal(
                f"{eqia.id} is signed with a date in the future.",
                "Correct the date of `sign_off`.",
            )
        )
    missing = [
        name for name in CHARACTERISTICS if getattr(eqia.characteristics, name) is None
    ]
    if missing:
        found.append(
            _unequal(
                f"{eqia.id} says nothing about {', '.join(missing)}.",
                "Answer for each of the nine characteristics; no effect is an answer.",
            )
        )
    if not eqia.monitoring:
        found.append(
            _unequal(
                f"{eqia.id} names no measure that watches the effect.",
                "Write one under `monitoring`.",
            )
        )
    found += _equality_review(eqia, today)
    return tuple(found)


def _equality_review(eqia: Eqia, today: date) -> Iterator[Refusal]:
    review = eqia.review
    since = review.last or max((mark.on for mark in eqia.sign_off), default=None)
    if since is not None and review.due > a_year_after(since):
        yield _unequal(
            f"{eqia.id} is due for review on {review.due}, more than twelve months "
            f"after {since}.",
            "Set `review.due` within twelve months.",
        )
    if review.due < today and not stands(review.extension, review.due, today):
        yield _unequal(
            f"{eqia.id} was due for review on {review.due}.",
            "Review it, and set the day of the next review in `review.due`.",
        )


def _unequal(missing: str, next_step: str) -> Refusal:
    return Refusal(
        "equality-assessed",
        missing,
        "The equality duty is met before a decision, for every use case.",
        next_step,
        36,
    )


def last_delivery(
    record: UseCaseRecord, sprint: int, today: date
) -> tuple[int, date] | None:
    """Return the last delivery that asks the platform to be looked at again.

    A sprint asks once the next one runs, or once the use case is marked delivered.

    Returns:
        its number and day, or None.
    """
    delivered = [
        (one.number, one.delivered_on)
        for one in record.sprints
        if one.delivered_on is not None
        and one.delivered_on <= today
        and (one.number < sprint or record.status in ("delivered", "closed"))
    ]
    return max(delivered, key=lambda found: (found[1], found[0]), default=None)


@enforces(9, door=_DOORS)
def platform_dpia_reviewed(
    record: UseCaseRecord,
    sprint: int,
    platform: Dpia | None,
    reviews: Mapping[str, PlatformReview],
    today: date,
) -> tuple[Refusal, ...]:
    """Refuse a next sprint, or "delivered", before the overarching DPIA was reviewed.

    The review is on or after the day of delivery, stands in the DPIA (`review.last`) and
    in the register with both consultations. Source: PCD 1577, 6.2 and 6.3.
    """
    if record.status in ("delivered", "closed") and not any(
        one.delivered_on is not None and one.delivered_on <= today
        for one in record.sprints
    ):
        return (
            Refusal(
                "platform-dpia-reviewed",
                f"The use case {record.id} is marked {record.status}, and none of its "
                "sprints was delivered.",
                "The overarching DPIA is reviewed as each use case is delivered.",
                "Write `delivered_on` in the sprint, or `status: active`.",
                9,
            ),
        )
    delivery = last_delivery(record, sprint, today)
    if delivery is None:
        return ()
    number, day = delivery
    reviewed = platform.review.last if platform else None
    told = f"sprint {number} of the use case {record.id} was delivered on {day}"
    if reviewed is None or not day <= reviewed <= today:
        since = f"on {reviewed}" if reviewed else "never"
        missing = f"The overarching DPIA was last reviewed {since}, and {told}."
    elif not _reviewed_for(record.id, day, reviews, today):
        missing = f"No review of the overarching DPIA is on record since {told}."
    else:
        return ()
    return (
        Refusal(
            "platform-dpia-reviewed",
            missing,
            "It is reviewed as each use case is delivered, before the next sprint runs.",
            "Hold the review: write `review.last` in dpia_platform.yaml, and its record "
            "in platform_reviews.",
            9,
        ),
    )


@enforces(46, door=_DOORS)
def platform_equality_reviewed(
    record: UseCaseRecord,
    sprint: int,
    platform: Eqia | None,
    today: date,
) -> tuple[Refusal, ...]:
    """Refuse a next sprint, or "delivered", before the platform's EqIA was reviewed.

    Source: Equality Act 2010 s.149 (a continuing duty).
    """
    delivery = last_delivery(record, sprint, today)
    if delivery is None:
        return ()
    number, day = delivery
    reviewed = platform.review.last if platform else None
    if reviewed is not None and day <= reviewed <= today:
        return ()
    return (
        Refusal(
            "platform-equality-reviewed",
            f"The platform's equality impact assessment was last reviewed "
            f"{f'on {reviewed}' if reviewed else 'never'}, and sprint {number} of the "
            f"use case {record.id} was delivered on {day}.",
            "The duty continues: it is reviewed after each delivery.",
            "Review it, and write `review.last` in eqia_platform.yaml.",
            46,
        ),
    )


def _reviewed_for(
    use_case: str, day: date, reviews: Mapping[str, PlatformReview], today: date
) -> bool:
    return any(
        one.use_case == use_case
        and day <= one.on <= today
        and one.information_assurance.on <= today
        and one.information_rights.on <= today
        and one.outcome != "stop"
        for one in reviews.values()
    )


@enforces(21, door=_DOORS)
def supplier_complete(
    supplier_id: str | None, suppliers: Mapping[str, Supplier], today: date
) -> tuple[Refusal, ...]:
    """Refuse a supplier who was not brought on completely.

    Source: PCD 1305, 5.18 and 5.20; Police Act 1996 s.93.
    """
    if supplier_id is None:
        return ()
    supplier = suppliers.get(supplier_id)
    if supplier is None:
        return (_incomplete(f"The supplier {supplier_id} is not on the register."),)
    found = []
    reference = "s93_ref" if supplier.basis == "s93" else "contract_ref"
    for field in (
        reference,
        "single_point_of_contact",
        "force_lead",
        "work_package",
        "ownership_of_work",
    ):
        if not (getattr(supplier, field) or "").strip():
            found.append(_incomplete(f"The supplier {supplier.id} has no `{field}`."))
    for field, what in (
        ("force_lead_conflict_form", "conflict of interest form"),
        ("force_lead_contract_training", "training on managing contracts"),
    ):
        done = getattr(supplier, field)
        if done is None or done > today:
            found.append(
                _incomplete(
                    f"The supplier {supplier.id} has no date of the {what} of the "
                    f"force's lead (`{field}`)."
                )
            )
    if not supplier.people:
        found.append(_incomplete(f"The supplier {supplier.id} names no people."))
    for field, what in (
        ("information_and_you", "training Information and You"),
        ("conflict_of_interest_form", "conflict of interest form"),
    ):
        without = [
            person
            for person in supplier.people
            if getattr(person, field) is None or getattr(person, field) > today
        ]
        if without:
            found.append(
                _incomplete(
                    f"The supplier {supplier.id} has no date of the {what} for "
                    f"{len(without)} of its {len(supplier.people)} people."
                )
            )
    if not supplier.starts <= today <= supplier.ends:
        found.append(
            _incomplete(
                f"The supplier {supplier.id} works from {supplier.starts} to "
                f"{supplier.ends}."
            )
        )
    return tuple(found)


def _incomplete(missing: str) -> Refusal:
    return Refusal(
        "supplier-complete",
        missing,
        "A supplier begins only once training, conflict form, single contact and "
        "agreement are on record.",
        "Complete the record in the register `suppliers`.",
        21,
    )


@enforces(22, door=_DOORS)
def supplier_continues(
    record: UseCaseRecord,
    sprint: int,
    supplier_id: str | None,
    reviews: Mapping[str, SupplierReview],
    packs: DecidedPacks,
    people: Mapping[str, Person],
    today: date,
) -> tuple[Refusal, ...]:
    """Refuse a supplier's next sprint without commercial services' `continue`.

    The decision rests on the sprint's evidence pack (see `review_faults`). What ends
    without it is the supplier's work: a sprint that the force's own staff do may run.
    Source: PCD 1577, 5.7.
    """
    stated = record.sprint(sprint)
    on_record = stated.supplier if stated else None
    if stated is not None and on_record != supplier_id:
        return (
            _uncommissioned(
                f"Sprint {sprint} of the use case {record.id} is with "
                f"{supplier_id or 'no supplier'}, and its record says "
                f"{on_record or 'none'}.",
                "Make defs.yaml and use_case.yaml say the same.",
            ),
        )
    if supplier_id is None:
        return ()
    before = [
        one
        for one in record.sprints
        if one.number < sprint and one.supplier is not None
    ]
    own = [one for one in before if one.supplier == supplier_id]
    # The last sprint of any supplier, and this one's own last where that was another.
    awaited = {one.number: one for one in (*own[-1:], *before[-1:])}
    return tuple(
        refusal
        for last in awaited.values()
        for refusal in _continued(record, last, sprint, reviews, packs, people, today)
    )


def _continued(
    record: UseCaseRecord,
    last: Sprint,
    sprint: int,
    reviews: Mapping[str, SupplierReview],
    packs: DecidedPacks,
    people: Mapping[str, Person],
    today: date,
) -> Iterator[Refusal]:
    decisions = [
        one
        for one in reviews.values()
        if (one.supplier, one.use_case, one.sprint)
        == (last.supplier, record.id, last.number)
        and one.on <= today
    ]
    if not decisions:
        yield _uncommissioned(
            f"Sprint {last.number} of {last.supplier} in the use case {record.id} "
            f"was not reviewed, and sprint {sprint} is next.",
            "Make the evidence with edp review pack, and have commercial services "
            "decide: edp review decide.",
        )
        return
    # Of two decisions on one day, the one that stops holds.
    latest = max(decisions, key=lambda one: (one.on, one.decision != "continue"))
    if latest.decision != "continue":
        yield _uncommissioned(
            f"The review {latest.id} of sprint {last.number} of {last.supplier} says "
            f"`{latest.decision}`.",
            "Do what it asks, and have it reviewed again.",
        )
        return
    for _, fault in review_faults(latest, record, packs, people):
        yield _uncommissioned(
            f"The review {latest.id} of sprint {last.number} of {last.supplier} does not "
            f"hold: {fault}.",
            "Have commercial services decide again: edp review pack, then edp review "
            "decide.",
        )


def review_faults(
    review: SupplierReview,
    record: UseCaseRecord,
    packs: DecidedPacks,
    people: Mapping[str, Person],
) -> Iterator[tuple[str, str]]:
    """Yield (field, what is wrong) where a decision on record does not hold.

    Args:
        review: the decision.
        record: of the use case that it names.
        packs: kept beside the decisions.
        people: of the force.
    """
    try:
        pack = packs.read(review.evidence)
    except PackMissing as error:
        yield "evidence", str(error)
        return
    yield from decision_faults(review, record, pack, people)


def decision_faults(
    review: SupplierReview,
    record: UseCaseRecord,
    pack: DecidedPack,
    people: Mapping[str, Person],
) -> Iterator[tuple[str, str]]:
    """Yield (field, what is wrong) where a decision is not one on this evidence.

    Asked before a decision is written, of each on record by `edp governance check`, and
    by the gate. The sprint is over; the pack is of that sprint, made since and before
    the decision; the reviewer is of commercial services and did not lead it.
    """
    sprint = record.sprint(review.sprint)
    if sprint is None or sprint.supplier != review.supplier:
        yield (
            "sprint",
            f"sprint {review.sprint} of {record.id} is not on record with "
            f"{review.supplier}",
        )
        return
    over = sprint.over_on
    if (pack.use_case, pack.sprint, pack.supplier) != (
        record.id,
        sprint.number,
        sprint.supplier,
    ):
        yield (
            "evidence",
            f"its pack is of sprint {pack.sprint} of {pack.use_case} by "
            f"{pack.supplier or 'no supplier'}",
        )
    elif pack.made_on < over:
        yield (
            "evidence",
            f"its pack was made on {pack.made_on}, and the sprint was over on {over}",
        )
    elif pack.made_on > review.on:
        yield (
            "evidence",
            f"its pack was made on {pack.made_on}, after the decision of {review.on}",
        )
    if review.on < over:
        yield (
            "on",
            f"it was decided on {review.on}, and the sprint was over on {over}; a sprint "
            "is reviewed at its end",
        )
    person = people.get(review.reviewer)
    if review.reviewer in (review.project_lead, sprint.project_lead):
        yield (
            "reviewer",
            f"{review.reviewer} led the sprint, and nobody reviews their own work",
        )
    elif person is None or person.role != "commercial_services":
        yield "reviewer", f"{review.reviewer} is not of commercial services"
    elif person.left is not None and person.left <= review.on:
        yield "reviewer", f"{review.reviewer} left on {person.left}"


@enforces(22, door=_DOORS)
def supplier_within_agreement(
    record: UseCaseRecord,
    sprint: int,
    supplier_id: str | None,
    suppliers: Mapping[str, Supplier],
) -> tuple[Refusal, ...]:
    """Refuse a sprint planned past the end of its supplier's agreement.

    A sprint stretched so far would have no end at which to decide whether the supplier
    goes on. Source: PCD 1577, 5.7.
    """
    stated = record.sprint(sprint)
    supplier = suppliers.get(supplier_id) if supplier_id is not None else None
    if stated is None or supplier is None or stated.ends <= supplier.ends:
        return ()
    return (
        _uncommissioned(
            f"Sprint {sprint} of the use case {record.id} ends on {stated.ends}, and the "
            f"agreement with {supplier.id} on {supplier.ends}.",
            "End the sprint within the agreement, or write the agreement's new end in the "
            "register `suppliers`.",
        ),
    )


def _uncommissioned(missing: str, next_step: str) -> Refusal:
    return Refusal(
        "supplier-continues",
        missing,
        "A supplier's next sprint follows a decision to continue, on evidence.",
        next_step,
        22,
    )


@enforces(43, door=_DOORS)
def models_recorded(
    use_case: str,
    named: tuple[str, ...],
    asset: str | None,
    is_model: bool,
    records: Mapping[str, ModelRecord],
    today: date,
) -> tuple[Refusal, ...]:
    """Refuse a model without transparency record or decision.

    Asked of each model record that the use case names, and of each asset that is a model
    (of the kind `model`, or named in a record).

    Source: Algorithmic Transparency Recording Standard.
    """
    found = []
    wanted = {name: records.get(name) for name in named}
    holders = {
        one.id: one
        for one in records.values()
        if asset is not None and one.use_case == use_case and asset in one.assets
    }
    if is_model and not holders:
        found.append(
            _unrecorded(
                f"The model {asset} of the use case {use_case} stands in no model record.",
                "Write one: edp model new.",
            )
        )
    for name, record in {**wanted, **holders}.items():
        if record is None:
            found.append(
                _unrecorded(
                    f"The model record {name} of the use case {use_case} is not on "
                    "record.",
                    "Write it: edp model new.",
                )
            )
            continue
        last = max(record.gates, key=lambda gate: gate.on, default=None)
        if record.status != "in_use":
            found.append(
                _unrecorded(
                    f"The model {name} is `{record.status}`, not in use.",
                    "Have its use decided, and write `status: in_use` and the decision.",
                )
            )
        elif last is None or last.decision != "approve" or last.on > today:
            found.append(
                _unrecorded(
                    f"The model {name} is in use with no decision to approve it.",
                    "Have it decided, and write it under `gates`.",
                )
            )
    return tuple(found)


def _unrecorded(missing: str, next_step: str) -> Refusal:
    return Refusal(
        "model-recorded",
        missing,
        "A tool that helps to decide about people is open to question.",
        next_step,
        43,
    )


@enforces(47, door="the product itself, publication, questions")
def equality_seen(
    record: UseCaseRecord, product: str, people: Mapping[str, Person], today: date
) -> tuple[Refusal, ...]:
    """Refuse a product that neither shows equality nor has a signed reason why not.

    Source: Equality Act 2010 s.149.
    """
    stated = record.product(product)
    if stated is not None and stated.equality is not None and stated.equality.shows:
        return ()
    reason = stated.or_reason_not if stated else None
    if reason is not None and reason.on <= today and reason.by in people:
        return ()
    missing = (
        f"The reason why the product {product} shows nothing about equality is not "
        "signed by a person of the register, on a day that has come."
        if reason is not None
        else f"The product {product} of the use case {record.id} has no section on "
        "equality and no signed reason."
    )
    return (
        Refusal(
            "equality-seen",
            missing,
            "Whoever reads a product sees what it means for equality.",
            "Write it under `products` in use_case.yaml: `equality`, or `or_reason_not` "
            "with by and on.",
            47,
        ),
    )
