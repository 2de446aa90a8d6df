"""Writes commercial services' decision as a record, on the evidence of a kept pack."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from edp_platform.files import replacing
from edp_platform.governance.records.supplier_review import SupplierReview
from edp_platform.governance.records.use_case import UseCaseRecord
from edp_platform.governance.registers import Registers
from edp_platform.governance.review_pack.decided import DecidedPack
from edp_platform.governance.review_pack.decisions import first_id
from edp_platform.governance.review_pack.keeping import KeptPack
from edp_platform.governance.review_pack.pack import as_text
from edp_platform.governance.supplier_rules import decision_faults


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
    registers: Registers,
    use_case: UseCaseRecord,
    pack: KeptPack,
    judgement: Judgement,
    today: date,
) -> Path:
    """Write the record, and keep the pack it rests on beside it.

    Args:
        registers: of the force.
        use_case: the record of the use case, as it is today.
        pack: the evidence it rests on.
        judgement: what was decided.
        today: the day of the decision.

    Returns:
        the file of the record.

    Raises:
        DecisionRefused: the sprint has no supplier, the pack was changed since it was
            made, a deliverable of the plan is not judged, the record is not complete, or
            the decision would not hold at the gate (`supplier_rules.decision_faults`).
        WriteFailed: the register cannot be written.
    """
    said = pack.pack
    sprint = said["sprint"]
    _refuse(pack, judgement)
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
    review = _complete(record)
    faults = [
        fault
        for _, fault in decision_faults(
            review, use_case, DecidedPack.of(said), registers.people
        )
    ]
    if faults:
        raise DecisionRefused(
            f"rule 22: the decision would not hold: {'; '.join(faults)}. Mend that, or "
            f"make the pack again with edp review pack {review.use_case} --sprint "
            f"{review.sprint}."
        )
    target = folder / f"{identity}.yaml"
    text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=88)
    # The evidence first: no decision stands without it.
    for path, content in (
        (registers.decided_packs.path(pack.sha256), as_text(said)),
        (target, text),
    ):
        with replacing(path) as temporary:
            temporary.write_text(content, encoding="utf-8", newline="\n")
    return target


def _refuse(pack: KeptPack, judgement: Judgement) -> None:
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


def _complete(record: dict[str, Any]) -> SupplierReview:
    try:
        return SupplierReview.model_validate(record)
    except ValidationError as error:
        faults = [
            f"`{'.'.join(str(key) for key in one['loc'])}`: {one['msg']}"
            for one in error.errors()
        ]
        raise DecisionRefused(
            "The record would not be complete: " + "; ".join(faults)
        ) from error
