"""The DPIA record: the Information Commissioner's seven steps, read strictly.

Sources: UK GDPR Art. 35(7); DPA 2018 ss. 38, 42, 62, 64 and Sch. 8; the ICO's DPIA
template. One record covers one data set (`dataset`), the platform (`overarching`), or
what a use case adds by joining sets (`use_case`).
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from edp_platform.governance.records.base import (
    Part,
    PersonId,
    Record,
    RecordDate,
    Review,
    Signature,
    Version,
    Words,
)

Layer = Literal["raw", "staging", "mart", "publication", "sandbox"]
Status = Literal["screening", "draft", "dpo_review", "approved", "expired", "withdrawn"]
#: What a record covers, and so where it stands: beside a data set, in the registers,
#: beside a use case.
Kind = Literal["dataset", "overarching", "use_case"]
#: Processing operations that DPA 2018 s.62(1) asks a log of.
Operation = Literal[
    "collection", "alteration", "consultation", "disclosure", "combination", "erasure"
]


class Screening(Part):
    """Step 1: is a DPIA needed? A signed "no" is the whole record of a reference set."""

    needed: bool = Field(description="true or false: is a DPIA needed (step 1)")
    triggers: list[str] = Field(
        default=[],
        description="what calls for one: special_category, large_scale, children, …",
    )
    reason: str | None = Field(
        default=None, description="why one is needed, or why not"
    )
    by: PersonId | None = Field(
        default=None, description="who screened it, not the author"
    )
    on: RecordDate | None = Field(
        default=None, description="the day of the screening, YYYY-MM-DD"
    )


class Regime(Part):
    """One entry for one regime and purpose; Part 2 and Part 3 are never merged."""

    regime: Literal["part2", "part3"] = Field(description="part2 or part3")
    purpose: Words = Field(
        alias="purpose_id", description="one purpose of the register"
    )
    law: str | None = Field(
        default=None,
        description="the law that authorises it; Part 3 data used for a general purpose "
        "must name it (s.36(4))",
    )
    art6: str | None = Field(
        default=None, description="part2: the letter of UK GDPR Art. 6(1), such as e"
    )
    art9: list[str] = Field(
        default=[],
        description="part2: the letters of Art. 9(2), for special categories",
    )
    sch1: list[int] = Field(
        default=[], description="part2: paragraphs of DPA 2018 Sch. 1 for Art. 9"
    )
    art10_sch1: list[int] = Field(
        default=[], description="part2: paragraphs of Sch. 1 for Art. 10, offences"
    )
    s35: Literal["necessary_for_task", "consent"] | None = Field(
        default=None, description="part3: necessary_for_task or consent (s.35(2))"
    )
    sensitive: bool = Field(
        default=False,
        description="part3: true where it is sensitive processing (s.35(8))",
    )
    sch8: list[int] = Field(
        default=[], description="part3: paragraphs of Sch. 8, 1 to 9, where sensitive"
    )
    apd_ref: str | None = Field(
        default=None, description="the appropriate policy document, such as APD-01"
    )


class DataScope(Part):
    """One data set the record covers: exactly these columns and layers."""

    contract: Words = Field(description="the contract's id")
    contract_major: int = Field(description="the contract's major version")
    columns: list[str] = Field(description="each column that may be loaded")
    layers: list[Layer] = Field(
        description="layers it may reach: raw, staging, mart, publication, sandbox"
    )
    as_such: dict[str, list[str]] = Field(
        default={},
        description="use case: columns that may reach its marts and products as they "
        "are, not aggregated or de-identified; leave out where there are none",
    )


class Scope(Part):
    """What the record covers: data sets, purposes, readers, use cases."""

    datasets: list[DataScope] = Field(
        description="the data sets covered, each with columns and layers"
    )
    purposes: list[str] = Field(
        description="purposes of the register, such as [P-STATISTICS]"
    )
    recipients: list[str] = Field(
        default=[], description="who reads it, as roles, such as role:mart_analyst"
    )
    use_cases: list[str] = Field(
        default=[], description="the use cases that may read it; [] for any"
    )

    def of(self, contract: str) -> DataScope | None:
        """Return what it covers of the data set under a contract, None for nothing."""
        return next((one for one in self.datasets if one.contract == contract), None)

    @property
    def columns(self) -> list[str]:
        """Every column covered, of whichever data set."""
        return [column for one in self.datasets for column in one.columns]


class Description(Part):
    """Step 2: what is done with which data, about whom, from where."""

    nature: Words = Field(description="what is done with the data (step 2)")
    scope: Words = Field(description="how much, about whom, how often, for how long")
    context: Words = Field(description="who the people are and what they would expect")
    source: str | None = Field(default=None, description="where it comes from")
    subjects_count: str | int | None = Field(
        default=None, description="about how many people it concerns"
    )


class PersonCategories(Part):
    """How the data tells categories of person, fact and opinion apart (s.38)."""

    categories: list[Literal["suspect", "convicted", "victim", "witness", "other"]] = (
        Field(description="the categories of person it distinguishes (s.38(3))")
    )
    column: Words = Field(description="the column that says the category")
    fact_vs_opinion_column: str | None = Field(
        default=None,
        description="the column that tells personal assessment from fact (s.38(2))",
    )


class Consultation(Part):
    """Step 3: who was asked."""

    done: bool = Field(description="true or false: were people asked (step 3)")
    with_: list[str] = Field(
        default=[], alias="with", description="who was asked, or [] with the reason"
    )
    outcome: str | None = Field(
        default=None, description="what they said and what changed"
    )
    or_reason_not: str | None = Field(default=None, description="why nobody was asked")

    @model_validator(mode="after")
    def _whole(self) -> Consultation:
        if not self.done and not (self.or_reason_not or self.outcome):
            raise ValueError("nobody was asked: write why in `or_reason_not`")
        if self.done and not self.with_:
            raise ValueError("people were asked: write whom in `with`")
        return self


class Necessity(Part):
    """Step 4: necessity and proportionality."""

    test: Words = Field(
        description="why the purpose cannot be reached without this data (step 4)"
    )
    less_intrusive_options: Words = Field(
        description="what else was looked at, and why it will not do"
    )
    minimisation: str | None = Field(default=None, description="what was left out")


class Measure(Part):
    """Step 6: what is done about a risk, and the check that shows it."""

    effect: Literal["eliminated", "reduced", "accepted"] = Field(
        description="eliminated, reduced or accepted (step 6)"
    )
    check: str | None = Field(
        default=None, description="the check that shows it, such as dpia_gate"
    )
    control_id: str | None = Field(default=None, description="the control's id")
    description: str | None = Field(default=None, description="what is done")


class Risk(Part):
    """Step 5: one risk to people."""

    id: str | None = Field(default=None, description="R1, R2, …")
    harm: Words = Field(description="what could happen to whom (step 5)")
    likelihood: Literal["remote", "possible", "probable"] = Field(
        description="remote, possible or probable"
    )
    severity: Literal["minimal", "significant", "severe"] = Field(
        description="minimal, significant or severe"
    )
    inherent: Literal["low", "medium", "high"] | None = Field(
        default=None, description="low, medium or high, before measures"
    )
    measures: list[Measure] = Field(default=[], description="what is done about it")
    residual: Literal["low", "medium", "high"] = Field(
        description="low, medium or high, after measures"
    )
    accepted_by: PersonId | None = Field(
        default=None, description="who accepts what is left"
    )


class Rights(Part):
    """How people are told, and how each of their rights is met."""

    information: str | None = Field(default=None, description="how people are told")
    requests: str | None = Field(
        default=None, description="how a person's request is answered"
    )
    part2: list[Words] = Field(
        default=[], description="the articles that apply, such as [art15, art16]"
    )
    part3: list[Words] = Field(
        default=[], description="the sections that apply, such as [s44, s45, s46, s47]"
    )
    restrictions: str | None = Field(
        default=None, description="when a right may be restricted, and who decides"
    )


class Logging(Part):
    """What is logged of law enforcement processing (DPA 2018 s.62)."""

    ops: list[Operation] = Field(description="the operations that are logged (s.62)")
    sink: Words = Field(description="where the log stands, such as audit.log")


class Processor(Part):
    """Somebody who processes the data for the force (UK GDPR Art. 28; s.59)."""

    name: Words = Field(description="the processor's name, or its supplier record")
    contract_ref: Words = Field(description="the processing contract's reference")
    vetted: bool = Field(description="true or false: are its people vetted")


class Advice(Part):
    """The data protection officer's advice."""

    outcome: Literal["accepted", "overruled", "pending"] = Field(
        description="accepted, overruled or pending (step 7)"
    )
    by: PersonId = Field(
        description="the data protection officer, neither author nor signer"
    )
    on: RecordDate = Field(description="the day of the advice, YYYY-MM-DD")
    summary: str | None = Field(default=None, description="the advice in short")
    overrule_reason: str | None = Field(
        default=None, description="why the advice was not taken, where it was not"
    )


class CommissionerConsultation(Part):
    """Prior consultation of the Information Commissioner (Art. 36; s.65)."""

    required: bool = Field(description="true where a residual risk is high")
    ref: str | None = Field(
        default=None, description="the Commissioner's reference, once consulted"
    )
    on: RecordDate | None = Field(default=None, description="the day of the answer")
    outcome: str | None = Field(default=None, description="what was answered")


class Dpia(Record):
    """A DPIA, or a signed screening that none is needed."""

    register: ClassVar[str] = "DPIA"
    wrapper: ClassVar[str | None] = "dpia"

    id: Words = Field(description="the contract's `dpiaRef`, such as DPIA-STOP-SEARCH")
    title: str | None = Field(
        default=None,
        description="what the data set is, in words a member of the public knows",
    )
    kind: Kind = Field(description="dataset, overarching or use_case")
    parent: str | None = Field(
        default=None, description="the overarching record, DPIA-PLATFORM"
    )
    version: Version = Field(description="the record's version, such as 1.0.0")
    status: Status = Field(
        description="screening, draft, dpo_review, approved, expired or withdrawn"
    )
    author: PersonId | None = Field(
        default=None,
        description="the id of whoever writes this record; the author may not sign it",
    )
    screening: Screening = Field(description="step 1")
    relies_on: list[str] = Field(
        default=[], description="use_case: the DPIAs of its data sets"
    )
    regimes: list[Regime] = Field(
        default=[], description="one entry for each regime and purpose"
    )
    scope: Scope | None = Field(default=None, description="what the record covers")
    description: Description | None = Field(default=None, description="step 2")
    s38: PersonCategories | None = Field(
        default=None, description="categories of person, where the data has them"
    )
    consultation: Consultation | None = Field(default=None, description="step 3")
    necessity: Necessity | None = Field(default=None, description="step 4")
    risks: list[Risk] = Field(default=[], description="steps 5 and 6")
    rights: Rights | None = Field(default=None, description="the rights of the person")
    retention_rule: str | None = Field(
        default=None, description="the contract's `rrdRule`"
    )
    s62_logging: Logging | None = Field(
        default=None, description="part3: what is logged, and where"
    )
    processors: list[Processor] = Field(
        default=[], description="who processes it for the force; [] for nobody"
    )
    eqia_ref: str | None = Field(
        default=None, description="the equality impact assessment that goes with it"
    )
    dpo_advice: Advice | None = Field(default=None, description="step 7")
    sign_off: list[Signature] = Field(default=[], description="step 7: who signed")
    ico_consultation: CommissionerConsultation | None = Field(
        default=None, description="prior consultation, where a residual risk is high"
    )
    review: Review = Field(description="when it must be looked at again")
    supersedes: str | None = Field(
        default=None, description="the id of the record that this one replaces"
    )

    @model_validator(mode="after")
    def _complete(self) -> Dpia:
        if self.kind == "dataset" and (self.scope is None or self.parent is None):
            raise ValueError(
                "a data set's DPIA states its `scope` and its `parent` (DPIA-PLATFORM)"
            )
        if self.parent == self.id:
            raise ValueError(
                "`parent` is the record itself: write the id of the overarching DPIA"
            )
        if self.kind == "dataset" and self.scope and len(self.scope.datasets) != 1:
            raise ValueError("a data set's DPIA covers one data set: `scope.datasets`")
        if self.kind == "use_case" and not self.relies_on:
            raise ValueError(
                "a use case's DPIA states `relies_on`: the DPIAs of its data sets"
            )
        if self.screening.needed:
            lacks_regimes = not self.regimes and self.kind != "use_case"
            if lacks_regimes or self.necessity is None or not self.risks:
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
        return self
