"""The rules of a use case: why work may begin, go on, and be shown.

Pure functions over records, asked by the use case's marts and assets before they are
built, and by `edp governance`. Sources: PCD 1305 (5.18, 5.20), PCD 1577 (5.7, 6.2,
6.3), Equality Act 2010 s.149, the Algorithmic Transparency Recording Standard, and the
College of Policing's guidance on data-driven technologies.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from edp_platform.governance.records.dpia import Dpia
from edp_platform.governance.records.model_record import ModelRecord
from edp_platform.governance.records.people import Person
from edp_platform.governance.records.platform_review import PlatformReview
from edp_platform.governance.records.problem import Problem
from edp_platform.governance.records.use_case import Stage, UseCaseRecord
from edp_platform.governance.refusal import Refusal
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
