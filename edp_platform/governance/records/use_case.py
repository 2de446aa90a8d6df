"""The use case: its problem, its stages, its sprints, and what its products show.

`defs.yaml` says what the platform builds today (stage, sprint, data sets, purposes);
this record says how that was decided. The gate compares the two.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from edp_platform.governance.records.base import (
    ASKED,
    OWNING,
    Consulted,
    Part,
    PersonId,
    Record,
    RecordDate,
    Words,
)

Stage = Literal["engage", "evolve", "embed"]


class StageChange(Part):
    """The day a stage began, and both offices consulted before it (PCD 1577, 6.3)."""

    stage: Stage = Field(description="the stage that began: engage, evolve or embed")
    on: RecordDate = Field(description="the day it began, YYYY-MM-DD")
    by: PersonId = Field(description="who decided")
    information_assurance: Consulted | None = Field(
        default=None,
        json_schema_extra=ASKED,
        description="what Information Assurance advised, dated",
    )
    information_rights: Consulted | None = Field(
        default=None,
        json_schema_extra=ASKED,
        description="what Information Rights advised, dated",
    )


class Acceptance(Part):
    """The business lead's decision on what a sprint delivered."""

    by: PersonId = Field(description="the business lead")
    on: RecordDate = Field(description="the day of the decision, YYYY-MM-DD")
    decision: Literal["accepted", "accepted_with_actions", "rejected"] = Field(
        description="accepted, accepted_with_actions or rejected"
    )
    note: str | None = Field(default=None, description="what is still to be done")


class Spent(Part):
    """What a sprint took."""

    pounds: float = Field(ge=0, description="pounds spent so far")
    on: RecordDate = Field(description="the day these figures were taken, YYYY-MM-DD")


class Sprint(Part):
    """One sprint: what was planned, and what became of it."""

    number: int = Field(ge=1, description="its number, from 1")
    goal: Words = Field(description="what will be there at its end")
    starts: RecordDate = Field(description="its first day, YYYY-MM-DD")
    ends: RecordDate = Field(description="its last planned day, YYYY-MM-DD")
    budget_pounds: float = Field(ge=0, description="pounds it may cost")
    supplier: str | None = Field(
        default=None, description="the supplier's record, or null for none"
    )
    project_lead: PersonId = Field(json_schema_extra=OWNING, description="who leads it")
    deliverables: list[Words] = Field(
        default=[], description="what it delivers, as assets or documents"
    )
    spent: Spent | None = Field(default=None, description="so far: {pounds: …, on: …}")
    delivered_on: RecordDate | None = Field(
        default=None, description="the day it was delivered, or null"
    )
    acceptance: Acceptance | None = Field(
        default=None,
        description="the business lead's: {by: …, on: …, decision: accepted}, or null",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Sprint:
        if self.ends < self.starts:
            raise ValueError("a sprint ends on or after the day it starts")
        if self.delivered_on is not None and self.delivered_on < self.starts:
            raise ValueError("a sprint is delivered after it starts")
        if self.acceptance is not None and self.delivered_on is None:
            raise ValueError("what is accepted was delivered: write `delivered_on`")
        return self

    @property
    def over_on(self) -> date:
        """The day it is over: of its delivery, or, until it has one, its last planned.

        A late delivery is part of the sprint, so what was decided before it was decided
        too early.
        """
        return self.delivered_on or self.ends

    @property
    def planned_days(self) -> int:
        """Days from first to last planned day, both counted."""
        return (self.ends - self.starts).days + 1

    def actual_days(self, today: date) -> int:
        """Return the days it took, or has taken by today; 0 before it starts."""
        end = min(self.delivered_on or today, today)
        return max((end - self.starts).days + 1, 0)


class EqualityShown(Part):
    """What a product shows about equality."""

    shows: list[Words] = Field(description="the characteristics shown, such as [race]")
    how: Words = Field(
        description="how: which columns, against what, with which limits"
    )


class SignedReason(Part):
    """Why a product shows nothing about equality, signed."""

    reason: Words = Field(description="why this product shows nothing about equality")
    by: PersonId = Field(description="who signs the reason")
    on: RecordDate = Field(description="the day it was signed, YYYY-MM-DD")


class Product(Part):
    """One product: a mart, or an asset of the use case's own code."""

    name: Words = Field(description="the mart's or the asset's name")
    equality: EqualityShown | None = Field(
        default=None, description="what it shows: {shows: [race], how: …}"
    )
    or_reason_not: SignedReason | None = Field(
        default=None, description="or why not: {reason: …, by: …, on: …}"
    )


class UseCaseRecord(Record):
    """How a use case came to be where it is."""

    register: ClassVar[str] = "use case"
    wrapper: ClassVar[str | None] = "use_case"

    id: Words = Field(description="the name of the use case's folder")
    problem: Words = Field(description="the record of the problem book it begins from")
    objective: Literal["trust", "crime", "standards"] = Field(
        description="the mission it serves most: trust, crime or standards"
    )
    users: list[Words] = Field(
        description="who uses it, communities and MOPAC included"
    )
    business_lead: PersonId = Field(
        json_schema_extra=OWNING, description="who accepts what each sprint delivers"
    )
    measures_expected: list[Words] = Field(
        default=[], description="the measures it is expected to move"
    )
    status: Literal["active", "delivered", "closed"] = Field(
        description="active, delivered or closed"
    )
    stages: list[StageChange] = Field(
        description="each stage as it began, with both consultations"
    )
    sprints: list[Sprint] = Field(description="each sprint, planned or done")
    models: list[Words] = Field(
        default=[], description="model records of the models it uses; [] for none"
    )
    products: list[Product] = Field(
        description="each mart and asset, and what it shows about equality"
    )

    @model_validator(mode="after")
    def _numbered(self) -> UseCaseRecord:
        numbers = [sprint.number for sprint in self.sprints]
        if numbers != sorted(set(numbers)):
            raise ValueError("sprints stand in order, each number once")
        return self

    def sprint(self, number: int) -> Sprint | None:
        """Return the sprint of this number, or None."""
        return next((one for one in self.sprints if one.number == number), None)

    def product(self, name: str) -> Product | None:
        """Return the product of this name, or None."""
        return next((one for one in self.products if one.name == name), None)
