"""Appropriate policy documents (DPA 2018 s.42 and Sch. 1 Part 4)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from edp_platform.governance.records.base import PersonId, Record, RecordDate, Words


class PolicyDocument(Record):
    """How sensitive, special category and offence data are handled lawfully."""

    register: ClassVar[str] = "policy document"

    id: Words = Field(description="its id, such as APD-01; a DPIA's `apd_ref` names it")
    title: Words = Field(description="what it covers")
    conditions: list[Words] = Field(
        description="the conditions that ask for it, such as [sch1 para 6, sch8 para 1]"
    )
    principles: Words = Field(
        description="how compliance with the data protection principles is secured"
    )
    retention: Words = Field(description="the retention rule, as registered")
    erasure: Words = Field(description="how and when the data is erased")
    approved_by: PersonId = Field(description="who approved it")
    approved_on: RecordDate = Field(description="the day it was approved, YYYY-MM-DD")
    review_due: RecordDate = Field(
        description="when it must be looked at again, YYYY-MM-DD"
    )
