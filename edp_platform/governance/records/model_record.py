"""Model records: the Algorithmic Transparency Recording Standard, tiers 1 and 2."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from edp_platform.governance.records.base import (
    OWNING,
    Owner,
    Part,
    PersonId,
    Record,
    RecordDate,
    Version,
    Words,
)


class DecisionProcess(Part):
    """Tier 2, section 2: the decision that the tool is part of."""

    description: Words = Field(description="the decision that the tool is part of")
    information_provided: Words = Field(description="what the tool tells, and to whom")
    frequency_and_scale: Words = Field(description="how often, for how many")
    human_decisions: Words = Field(description="what people decide, and can overrule")
    required_training: Words = Field(description="what those who use it are taught")
    appeals: Words = Field(description="how a person can have it looked at again")


class ModelRisk(Part):
    """Tier 2, section 5: one risk of the tool."""

    risk: Words = Field(description="what could go wrong, for whom")
    mitigation: Words = Field(description="what is done about it")


class ModelGate(Part):
    """The decision to use the tool."""

    by: PersonId = Field(description="who decided")
    on: RecordDate = Field(description="the day, YYYY-MM-DD")
    decision: Literal["approve", "reject", "pause"] = Field(
        description="approve, reject or pause"
    )
    advice: Words = Field(description="what the ethics panel or others advised")


class ModelRecord(Record):
    """One tool of algorithms: what the public and those who use it may know."""

    register: ClassVar[str] = "model record"

    id: Words = Field(description="its id, such as MR-LINKAGE")
    name: Words = Field(description="the tool's name")
    use_case: Words = Field(description="the use case's folder")
    assets: list[Words] = Field(description="the assets that are or run the model")
    status: Literal["idea", "development", "in_use", "retired"] = Field(
        description="idea, development, in_use or retired"
    )
    version: Version | None = Field(
        default=None, description="the model's version, such as 1.0.0"
    )
    capability: str | None = Field(
        default=None,
        description="what it can do, as GOV.UK's records name it: Analysis, Discovery, "
        "Forecasting, Planning, Computer vision, Computer linguistics, …",
    )
    # Tier 1: for everybody.
    description: Words = Field(description="tier 1: what it does, in plain words")
    website: str | None = Field(default=None, description="tier 1: where to read more")
    contact: Words = Field(
        pattern=r"^[^@\s]+@[^@\s]+$", description="tier 1: an e-mail address"
    )
    # Tier 2: for those who want to know more.
    owner: Owner = Field(
        json_schema_extra=OWNING,
        description="who answers for it: team:… or an e-mail address",
    )
    senior_responsible_owner: PersonId = Field(
        json_schema_extra=OWNING, description="who answers at the top"
    )
    supplier: str | None = Field(
        default=None, description="the supplier's record, or null"
    )
    rationale: Words = Field(
        description="why a tool, what it improves, what else was tried"
    )
    decision_process: DecisionProcess = Field(description="the decision it is part of")
    technique: Words = Field(description="the kind of model, and how it was made")
    inputs: list[Words] = Field(description="the data sets it reads")
    training_data: Words = Field(description="what it was fitted on, or none")
    outputs: Words = Field(description="what it gives")
    performance: Words = Field(
        description="how good it is, measured how, where to see it"
    )
    maintenance: Words = Field(description="how often it is looked at and fitted again")
    dpia_refs: list[Words] = Field(description="the DPIAs that cover it")
    eqia_ref: Words = Field(description="the equality impact assessment that covers it")
    risks: list[ModelRisk] = Field(description="each risk, and what is done about it")
    gates: list[ModelGate] = Field(default=[], description="each decision on its use")
    review_due: RecordDate = Field(
        description="when it must be looked at again, YYYY-MM-DD"
    )
