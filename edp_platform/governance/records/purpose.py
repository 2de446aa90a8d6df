"""Purposes: what the platform's data may be used for, and under which regime."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from edp_platform.governance.records.base import OWNING, Owner, Record, Words


class Purpose(Record):
    """One purpose; a use for no purpose of the register is refused."""

    register: ClassVar[str] = "purpose"

    id: Words = Field(description="its id, such as P-STATISTICS")
    title: Words = Field(description="the purpose in a few words")
    regime: Literal["part2", "part3"] = Field(
        description="part2 (general) or part3 (law enforcement); never both"
    )
    meaning: Words = Field(description="what is done for it, and for whom")
    legal_basis: Words = Field(description="the law it rests on")
    not_for: Words = Field(description="what it does not cover")
    owner: Owner = Field(
        json_schema_extra=OWNING,
        description="who answers for it: team:… or an e-mail address",
    )
