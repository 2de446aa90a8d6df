"""Platform reviews: the overarching DPIA and EqIA, looked at after each delivery."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from edp_platform.governance.records.base import (
    Consulted,
    PersonId,
    Record,
    RecordDate,
    Version,
    Words,
)


class PlatformReview(Record):
    """One review, occasioned by one delivery (PCD 1577, 6.2 and 6.3)."""

    register: ClassVar[str] = "platform review"

    id: Words = Field(description="its id, such as PR-2026-03")
    use_case: Words = Field(description="the use case that was delivered")
    sprint: int = Field(ge=1, description="the sprint that delivered it")
    dpia_version: Version = Field(description="the version of the overarching DPIA")
    eqia_version: Version = Field(description="the version of the platform's EqIA")
    on: RecordDate = Field(description="the day of the review, YYYY-MM-DD")
    by: PersonId = Field(description="who held it")
    information_assurance: Consulted = Field(
        description="what Information Assurance advised"
    )
    information_rights: Consulted = Field(description="what Information Rights advised")
    outcome: Literal["no_change", "changed", "stop"] = Field(
        description="no_change, changed or stop"
    )
    note: Words = Field(description="what was looked at and what changed")
