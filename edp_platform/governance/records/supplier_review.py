"""Supplier reviews: commercial services' decision at the end of each sprint."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from edp_platform.governance.records.base import (
    Part,
    PersonId,
    Record,
    RecordDate,
    Words,
)


class Deliverable(Part):
    """One deliverable of the work package, and what became of it."""

    what: Words = Field(description="the deliverable, as the work package names it")
    delivered: bool = Field(description="true or false")
    note: str | None = Field(default=None, description="what is missing")


class SupplierReview(Record):
    """One review (PCD 1577, 5.7): the next sprint waits for its decision."""

    register: ClassVar[str] = "supplier review"

    id: Words = Field(description="its id, such as SR-2026-014")
    supplier: Words = Field(description="the supplier's record")
    use_case: Words = Field(description="the use case's folder")
    sprint: int = Field(ge=1, description="the sprint reviewed")
    deliverables: list[Deliverable] = Field(
        description="each deliverable against the work package"
    )
    quality: Words = Field(description="how good it is, on what evidence")
    value_for_money: Words = Field(description="what it cost for what it gave")
    learning_shared: Words = Field(description="what the force can now do itself")
    evidence: str = Field(
        pattern=r"^[0-9a-f]{64}$",
        description="the SHA-256 of the evidence pack, kept as evidence/<SHA-256>.json "
        "beside this record by edp review decide",
    )
    project_lead: PersonId = Field(description="who led the sprint")
    reviewer: PersonId = Field(
        description="who decides, of commercial services; not the project lead"
    )
    decision: Literal["continue", "stop", "remediate"] = Field(
        description="continue, stop or remediate"
    )
    reason: Words = Field(description="why")
    on: RecordDate = Field(description="the day of the decision, YYYY-MM-DD")
