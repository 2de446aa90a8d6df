"""The problem book: each question for data, and the decisions that let work begin.

The gates are those of the College of Policing's guidance on data-driven technologies:
Engage, Evolve, Embed, each with an objective, a decision maker, a question to proceed,
advice and documents.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from edp_platform.governance.records.base import (
    ASKED,
    OWNING,
    Owner,
    Part,
    PersonId,
    Record,
    RecordDate,
    Words,
)
from edp_platform.governance.records.use_case import Stage


class Gate(Part):
    """One gate: the decision whether work may enter a stage."""

    stage: Stage = Field(description="the stage it lets into: engage, evolve or embed")
    objective: Words = Field(description="what the stage is to find out or deliver")
    decision_maker: PersonId = Field(description="who decides")
    question: Words = Field(description="the question to answer before going on")
    advice: list[Words] = Field(description="who advised, and what they said")
    documents: list[Words] = Field(description="what was before the decision maker")
    decision: Literal["proceed", "stop", "rework", "pending"] = Field(
        description="proceed, stop, rework or pending"
    )
    on: RecordDate | None = Field(
        default=None, description="the day of the decision, YYYY-MM-DD"
    )


class Problem(Record):
    """One problem."""

    register: ClassVar[str] = "problem"

    id: Words = Field(description="its id, such as PB-01")
    title: Words = Field(description="the problem in a few words")
    statement: Words = Field(description="what is wrong, for whom, how we know")
    question: Words = Field(description="the question that data could answer")
    objective: str | None = Field(
        json_schema_extra=ASKED,
        default=None,
        description="what will be better, and how that is seen",
    )
    owner: Owner | None = Field(
        json_schema_extra={**OWNING, **ASKED},
        default=None,
        description="who answers for it: team:… or an e-mail address",
    )
    data_needed: list[Words] = Field(
        description="the data sets it needs, or [] for none"
    )
    status: Literal["proposed", "open", "answered", "stopped"] = Field(
        description="proposed, open, answered or stopped"
    )
    gates: list[Gate] = Field(description="each decision, in order")
