"""Suppliers: who they are, on what ground they work, and what they may see."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from edp_platform.governance.records.base import (
    ASKED,
    OWNING,
    Part,
    PersonId,
    Record,
    RecordDate,
    Words,
)


class SupplierPerson(Part):
    """One named person of the supplier, and what they have done before they begin."""

    id: PersonId | None = Field(
        json_schema_extra=ASKED,
        default=None,
        description="the id that grants name them by; without one they see nothing",
    )
    name: Words = Field(description="their name")
    information_and_you: RecordDate | None = Field(
        json_schema_extra=ASKED,
        default=None,
        description="the day they finished the training Information and You",
    )
    conflict_of_interest_form: RecordDate | None = Field(
        json_schema_extra=ASKED,
        default=None,
        description="the day they signed the conflict of interest form",
    )
    vetting: Literal["none", "recruitment", "nppv1", "nppv2", "nppv3"] = Field(
        description="their vetting: none, recruitment, nppv1, nppv2 or nppv3"
    )
    vetting_until: RecordDate | None = Field(
        default=None, description="the last day of that vetting, YYYY-MM-DD"
    )


class Closing(Part):
    """How the work with a supplier ended: what was made, learnt and handed over."""

    on: RecordDate = Field(description="the day it was closed, YYYY-MM-DD")
    by: PersonId = Field(description="who closed it")
    extracts: Words = Field(
        description="what became of every extract of data they were given"
    )
    handover: Words = Field(description="what was handed over, and to whom")


class Supplier(Record):
    """One supplier (PCD 1305, 5.18 and 5.20)."""

    register: ClassVar[str] = "supplier"

    id: Words = Field(description="its id, such as SUP-NORTHGATE")
    name: Words = Field(description="the firm's name")
    basis: Literal["s93", "contract"] = Field(
        description="s93 (pro bono, Police Act 1996) or contract"
    )
    s93_ref: str | None = Field(
        default=None, description="the reference of the agreement under s.93"
    )
    contract_ref: str | None = Field(
        default=None, description="the contract's reference"
    )
    starts: RecordDate = Field(description="the first day, YYYY-MM-DD")
    ends: RecordDate = Field(description="the last day, YYYY-MM-DD")
    single_point_of_contact: str | None = Field(
        json_schema_extra=ASKED,
        default=None,
        description="the supplier's one point of contact",
    )
    force_lead: PersonId | None = Field(
        json_schema_extra={**OWNING, **ASKED},
        default=None,
        description="who in the force leads the work with them",
    )
    force_lead_conflict_form: RecordDate | None = Field(
        json_schema_extra=ASKED,
        default=None,
        description="the day that lead signed the conflict of interest form",
    )
    force_lead_contract_training: RecordDate | None = Field(
        json_schema_extra=ASKED,
        default=None,
        description="the day that lead finished the training on managing contracts",
    )
    work_package: str | None = Field(
        json_schema_extra=ASKED,
        default=None,
        description="the reference of the work package: what they are to deliver",
    )
    ownership_of_work: str | None = Field(
        json_schema_extra=ASKED,
        default=None,
        description="who owns what they make, and where that is agreed",
    )
    learning_shared: str | None = Field(
        default=None,
        description="before closing: what the force learnt, and where it is written",
    )
    data_class: Literal["none", "open", "synthetic", "aggregate", "personal"] = Field(
        description="what they may see: none, open, synthetic, aggregate or personal"
    )
    processing_contract_ref: str | None = Field(
        default=None, description="where personal: the processing contract's reference"
    )
    dpia_refs: list[Words] = Field(
        default=[], description="where personal: the DPIAs that name them"
    )
    processing_contract_ends: RecordDate | None = Field(
        default=None,
        description="where personal: the processing contract's last day, YYYY-MM-DD",
    )
    people: list[SupplierPerson] = Field(description="each person who works for them")
    closed: Closing | None = Field(
        default=None, description="how it ended; written by edp supplier close"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Supplier:
        if self.ends < self.starts:
            raise ValueError("`ends` comes after `starts`")
        return self
