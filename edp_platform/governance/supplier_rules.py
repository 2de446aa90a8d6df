"""The rules of suppliers: brought on completely, and going on only by decision.

Pure functions over records, asked by the use case's marts and assets before they are
built, and by `edp governance`. Sources: PCD 1305 (5.18, 5.20), PCD 1577 (5.7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from edp_platform.governance.records.people import Person
from edp_platform.governance.records.supplier import Supplier
from edp_platform.governance.records.supplier_review import SupplierReview
from edp_platform.governance.records.use_case import Sprint, UseCaseRecord
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.review_pack.decided import (
    DecidedPack,
    DecidedPacks,
    PackMissing,
)
from edp_platform.governance.rules import enforces

_DOORS = "the use case's marts and assets, publication, questions"


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
