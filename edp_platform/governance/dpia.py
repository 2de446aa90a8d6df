"""The DPIA record: what a person signed, read strictly.

Fields follow the ICO's seven steps (see `docs/gates.md`); this is the minimum that the
gate needs, and unknown names are refused so that nothing signed is silently ignored.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from edp_platform.governance.dates import resolve_date
from edp_platform.yaml_source import UnreadableYaml, YamlDocument, load_yaml

Layer = Literal["raw", "staging", "mart", "publication", "sandbox"]


def _date(value: Any, info: ValidationInfo) -> date:
    anchor = (info.context or {}).get("anchor")
    return resolve_date(str(value), anchor)


RecordDate = Annotated[date, BeforeValidator(_date)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Screening(_Record):
    """Step 1: is a DPIA needed? A signed "no" is the whole record of a reference set."""

    needed: bool
    triggers: list[str] = []
    reason: str | None = None
    by: str | None = None
    on: RecordDate | None = None


class Regime(_Record):
    """One entry for one regime and purpose; Part 2 and Part 3 are never merged."""

    regime: Literal["part2", "part3"]
    purpose: str
    art6: str | None = None
    art9: list[str] = []
    sch1: list[int] = []
    art10_sch1: list[int] = []
    s35: str | None = None
    sensitive: bool = False
    sch8: list[int] = []
    apd_ref: str | None = None
    law: str | None = None


class Scope(_Record):
    """What the record covers: exactly these columns, layers, purposes, use cases."""

    contract: str
    contract_major: int
    columns: list[str]
    layers: list[Layer]
    purposes: list[str]
    use_cases: list[str] = []


class Necessity(_Record):
    """Step 4: necessity and proportionality."""

    test: str
    less_intrusive_options: str
    minimisation: str | None = None


class Measure(_Record):
    """Step 6: what is done about a risk, and the check that shows it."""

    effect: Literal["eliminated", "reduced", "accepted"]
    check: str | None = None
    control_id: str | None = None
    description: str | None = None


class Risk(_Record):
    """Step 5: one risk to people."""

    id: str | None = None
    harm: str
    likelihood: Literal["remote", "possible", "probable"]
    severity: Literal["minimal", "significant", "severe"]
    inherent: Literal["low", "medium", "high"] | None = None
    measures: list[Measure] = []
    residual: Literal["low", "medium", "high"]
    accepted_by: str | None = None


class Advice(_Record):
    """The data protection officer's advice."""

    outcome: Literal["accepted", "overruled", "pending"]
    by: str
    on: RecordDate
    summary: str | None = None
    overrule_reason: str | None = None


class Signature(_Record):
    """Step 7: who signed, in which role, when."""

    role: str
    by: str
    on: RecordDate


class Review(_Record):
    """When the record must be looked at again."""

    due: RecordDate
    last: RecordDate | None = None
    on_use_case: list[str] = []


class Dpia(_Record):
    """A DPIA, or a signed screening that none is needed."""

    id: str
    kind: Literal["dataset", "overarching"]
    parent: str | None = None
    version: str
    status: Literal[
        "screening", "draft", "dpo_review", "approved", "expired", "withdrawn"
    ]
    example: bool = False
    title: str | None = None
    author: str | None = None
    screening: Screening
    regimes: list[Regime] = []
    scope: Scope | None = None
    description: dict[str, Any] | None = None
    consultation: dict[str, Any] | None = None
    necessity: Necessity | None = None
    risks: list[Risk] = []
    rights: dict[str, Any] | None = None
    retention_rule: str | None = None
    dpo_advice: Advice | None = None
    sign_off: list[Signature] = []
    review: Review
    supersedes: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Dpia:
        if self.kind == "dataset" and (self.scope is None or self.parent is None):
            raise ValueError(
                "a data set's DPIA states its `scope` and its `parent` (DPIA-PLATFORM)"
            )
        if self.screening.needed:
            if not self.regimes or self.necessity is None or not self.risks:
                raise ValueError(
                    "a DPIA that is needed states `regimes`, `necessity` and `risks`"
                )
        elif not (self.screening.reason and self.screening.by and self.screening.on):
            raise ValueError(
                "a screening that finds no DPIA is needed states `reason`, `by` and "
                "`on`: somebody must have signed it"
            )
        if self.status == "approved" and not self.sign_off:
            raise ValueError("an approved DPIA is signed: write `sign_off`")
        signers = {signature.by for signature in self.sign_off}
        if self.author and self.author in signers:
            raise ValueError("the author of a DPIA cannot sign it (separation of duty)")
        if self.dpo_advice and self.dpo_advice.by in signers | {self.author}:
            raise ValueError(
                "the data protection officer advises, and is neither author nor signer"
            )
        return self


#: What to write where a field was left blank, by its place in the record.
_ANSWERS: dict[str, str] = {
    "id": "the contract's `dpiaRef`, such as DPIA-STOP-SEARCH",
    "title": "what the data set is, in words a member of the public knows",
    "author": "the id of whoever writes this record; the author may not sign it",
    "screening.needed": "true or false: is a DPIA needed (step 1)",
    "screening.triggers": "what calls for one, such as [large_scale], or []",
    "screening.reason": "why one is needed, or why not",
    "screening.by": "who screened it, not the author",
    "screening.on": "the day of the screening, YYYY-MM-DD",
    "scope.layers": "layers it may reach: raw, staging, mart, publication, sandbox",
    "scope.purposes": "purposes of the register, such as [P-STATISTICS]",
    "scope.use_cases": "the use cases that may read it; [] for any",
    "description.nature": "what is done with the data (step 2)",
    "description.scope": "how much, about whom, how often, for how long",
    "description.context": "who the people are and what they would expect",
    "description.source": "where it comes from",
    "consultation.done": "true or false: were people asked (step 3)",
    "consultation.with": "who was asked, or [] with the reason as outcome",
    "consultation.outcome": "what they said and what changed",
    "regimes.regime": "part2 or part3",
    "regimes.purpose": "one purpose of the register",
    "regimes.art6": "the letter of UK GDPR Art. 6(1), or for part3 remove it and "
    "state `law`",
    "necessity.test": "why the purpose cannot be reached without this data (step 4)",
    "necessity.less_intrusive_options": "what else was looked at, and why it will not do",
    "necessity.minimisation": "what was left out",
    "risks.harm": "what could happen to whom (step 5)",
    "risks.likelihood": "remote, possible or probable",
    "risks.severity": "minimal, significant or severe",
    "risks.inherent": "low, medium or high, before measures",
    "risks.measures.effect": "eliminated, reduced or accepted (step 6)",
    "risks.measures.check": "the check that shows it, such as dpia_gate",
    "risks.measures.description": "what is done",
    "risks.residual": "low, medium or high, after measures",
    "risks.accepted_by": "who accepts what is left",
    "rights.information": "how people are told",
    "rights.requests": "how a person's request is answered",
    "retention_rule": "the contract's `rrdRule`",
    "dpo_advice.outcome": "accepted, overruled or pending (step 7)",
    "dpo_advice.by": "the data protection officer, neither author nor signer",
    "dpo_advice.on": "the day of the advice, YYYY-MM-DD",
    "dpo_advice.summary": "the advice in short",
    "sign_off.role": "such as information_asset_owner",
    "sign_off.by": "who signs, not the author",
    "sign_off.on": "the day it was signed, YYYY-MM-DD",
    "review.due": "when it must be looked at again, YYYY-MM-DD, within twelve months",
}


class DpiaInvalid(ValueError):
    """The record cannot be relied on; the message gives file, line and remedy."""


def load_dpia(path: Path, made_on: date) -> Dpia:
    """Load one DPIA.

    Args:
        path: a `dpia.yaml`.
        made_on: the day the home was first used, from which an example record's
            relative dates count.

    Raises:
        DpiaInvalid: missing file, unknown or missing field, broken rule.
    """
    try:
        document = load_yaml(path)
    except UnreadableYaml as error:
        raise DpiaInvalid(str(error)) from error
    unanswered = dpia_blanks(document)
    if unanswered:
        raise DpiaInvalid(
            "\n".join(f"{path}:{line}: {message}" for line, message in unanswered)
        )
    anchor = made_on if document.data.get("example") is True else None
    try:
        return Dpia.model_validate(document.data, context={"anchor": anchor})
    except ValidationError as error:
        raise DpiaInvalid(_in_words(error, document)) from error


def dpia_blanks(document: YamlDocument) -> list[tuple[int, str]]:
    """Return (line, what to write) of each field of a record that was left blank."""
    found = []
    for keys, line in document.blanks():
        where = ".".join(key for key in keys if isinstance(key, str))
        what = _ANSWERS.get(where)
        remedy = f"Write {what}" if what else "Write it, or remove the line"
        found.append((line, f"`{where}` is not answered. {remedy}."))
    return found


def _in_words(error: ValidationError, document: YamlDocument) -> str:
    lines = []
    for fault in error.errors():
        keys = [key for key in fault["loc"] if isinstance(key, str | int)]
        where = ".".join(str(key) for key in keys)
        message = {
            "missing": f"`{where}` is not answered; a DPIA must state it",
            "extra_forbidden": f"`{where}` is not a field of a DPIA; is it misspelt",
        }.get(fault["type"], f"{where}: {fault['msg']}".lstrip(": "))
        lines.append(f"{document.path}:{document.line(keys)}: {message}.")
    return "\n".join(lines)
