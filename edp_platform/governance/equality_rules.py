"""The rules of equality: assessed for every use case, and seen in what it shows.

Pure functions over records, asked by the use case's marts and assets before they are
built, and by `edp governance`. Source: Equality Act 2010 s.149.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from edp_platform.governance.delivery import last_delivery
from edp_platform.governance.records.eqia import CHARACTERISTICS, Eqia
from edp_platform.governance.records.people import Person
from edp_platform.governance.records.use_case import UseCaseRecord
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.review_dates import a_year_after, stands
from edp_platform.governance.rules import enforces

_DOORS = "the use case's marts and assets, publication, questions"


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
