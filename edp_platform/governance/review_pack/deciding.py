"""Writes commercial services' decision as a record, on the evidence of a kept pack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from edp_platform.files import replacing
from edp_platform.governance.records.people import Person
from edp_platform.governance.records.supplier_review import SupplierReview
from edp_platform.governance.registers import Registers
from edp_platform.governance.review_pack.decisions import first_id
from edp_platform.governance.review_pack.keeping import KeptPack


class DecisionRefused(ValueError):
    """The decision cannot be recorded; nothing was written."""


@dataclass(frozen=True)
class Judgement:
    """What a person decides and says.

    Attributes:
        decision: continue, stop or remediate.
        reason: why.
        reviewer: who decides, of commercial services.
        quality: how good it is, on what evidence.
        value_for_money: what it cost for what it gave.
        learning_shared: what the force can now do itself.
        delivered: deliverables that were delivered.
        not_delivered: deliverables that were not.
    """

    decision: str
    reason: str
    reviewer: str
    quality: str
    value_for_money: str
    learning_shared: str
    delivered: tuple[str, ...]
    not_delivered: tuple[str, ...]


def decide(
    registers: Registers, pack: KeptPack, judgement: Judgement, today: date
) -> Path:
    """Write the record.

    Args:
        registers: of the force.
        pack: the evidence it rests on.
        judgement: what was decided.
        today: the day of the decision.

    Returns:
        the file.

    Raises:
        DecisionRefused: the sprint has no supplier, the pack was changed since it was
            made, the sprint is not over, the reviewer is not of commercial services or
            led the sprint (rules 8 and 22), a deliverable of the plan is not judged, or
            the record is not complete.
        WriteFailed: the register cannot be written.
    """
    said = pack.pack
    sprint = said["sprint"]
    _refuse(pack, judgement, registers.people, today)
    folder = registers.folder / "supplier_reviews"
    identity = _free_id(folder, said["use_case"], sprint["number"])
    record = {
        "id": identity,
        "supplier": sprint["supplier"],
        "use_case": said["use_case"],
        "sprint": sprint["number"],
        "deliverables": [
            *({"what": one, "delivered": True} for one in judgement.delivered),
            *({"what": one, "delivered": False} for one in judgement.not_delivered),
        ],
        "quality": judgement.quality,
        "value_for_money": judgement.value_for_money,
        "learning_shared": judgement.learning_shared,
        "evidence": pack.sha256,
        "project_lead": sprint["project_lead"],
        "reviewer": judgement.reviewer,
        "decision": judgement.decision,
        "reason": judgement.reason,
        "on": today.isoformat(),
    }
    _refuse_incomplete(record)
    target = folder / f"{identity}.yaml"
    text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=88)
    with replacing(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return target


def _refuse(
    pack: KeptPack,
    judgement: Judgement,
    people: Mapping[str, Person],
    today: date,
) -> None:
    said = pack.pack
    sprint = said["sprint"]
    if sprint["supplier"] is None:
        raise DecisionRefused(
            f"Sprint {sprint['number']} of {said['use_case']} has no supplier, so there "
            "is no next sprint of theirs to commission. The business lead's acceptance "
            "in use_case.yaml is the decision on it."
        )
    if not pack.is_whole:
        raise DecisionRefused(
            f"{pack.folder}/pack.json is not the pack that was made: its SHA-256 is "
            f"{pack.sha256}. A decision rests on what was recorded; make the pack again "
            f"with edp review pack {said['use_case']} --sprint {sprint['number']}."
        )
    if not said["covers"]["is_over"] and sprint["delivered_on"] is None:
        raise DecisionRefused(
            f"The pack covers {said['covers']['first']} to {said['covers']['last']}, and "
            f"the sprint ends on {sprint['ends']} and is not delivered. A sprint is "
            "reviewed at its end (PCD 1577, 5.7); make the pack again then."
        )
    person = people.get(judgement.reviewer)
    if person is None or person.role != "commercial_services":
        raise DecisionRefused(
            f"rule 22: {judgement.reviewer} is not of commercial services on the "
            "register of people. Commercial services decide on a supplier's next "
            "sprint; name one of them with --reviewer."
        )
    if person.left is not None and person.left <= today:
        raise DecisionRefused(
            f"rule 22: {judgement.reviewer} left on {person.left}. Name somebody of "
            "commercial services who is there."
        )
    if judgement.reviewer == sprint["project_lead"]:
        raise DecisionRefused(
            f"rule 22: {judgement.reviewer} led this sprint, and nobody reviews their "
            "own work. Name somebody else of commercial services."
        )
    judged = {*judgement.delivered, *judgement.not_delivered}
    planned = [one["what"] for one in said["deliverables"]]
    forgotten = [one for one in planned if one not in judged]
    if forgotten:
        raise DecisionRefused(
            f"These deliverables of the plan are not judged: {', '.join(forgotten)}. "
            "Say of each --delivered or --not-delivered."
        )


def _free_id(folder: Path, use_case: str, number: int) -> str:
    """Return an id no record has: a sprint to be mended is reviewed again."""
    base = first_id(use_case, number)
    identity, nth = base, 1
    while (folder / f"{identity}.yaml").exists():
        nth += 1
        identity = f"{base}-{nth}"
    return identity


def _refuse_incomplete(record: dict[str, Any]) -> None:
    try:
        SupplierReview.model_validate(record)
    except ValidationError as error:
        faults = [
            f"`{'.'.join(str(key) for key in one['loc'])}`: {one['msg']}"
            for one in error.errors()
        ]
        raise DecisionRefused(
            "The record would not be complete: " + "; ".join(faults)
        ) from error
