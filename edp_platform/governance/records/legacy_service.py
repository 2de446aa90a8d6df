"""Legacy services: what the platform replaces, until each is switched off."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

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

#: The SHA-256 of a file, in full: a comparison is of these bytes and no others.
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Compared(Part):
    """One comparison of a report of the service with the mart that takes its place."""

    on: RecordDate = Field(description="the day it was compared, YYYY-MM-DD")
    file_sha256: Sha256 = Field(description="the SHA-256 of the report's file")
    mart: Words = Field(description="the mart it was compared with")
    cells: int = Field(ge=1, description="how many cells were compared")
    differing: int = Field(
        ge=0, description="how many differ, are missing in the report or extra in it"
    )
    accepted_by: PersonId | None = Field(
        json_schema_extra=ASKED,
        default=None,
        description="who accepts the differences; null until somebody does",
    )
    why: str | None = Field(
        json_schema_extra=ASKED,
        default=None,
        description="why they are accepted; null until they are",
    )

    @model_validator(mode="after")
    def _possible(self) -> Compared:
        if self.differing > self.cells:
            raise ValueError("`differing` is more than `cells`")
        if self.accepted_by and self.differing and not (self.why or "").strip():
            raise ValueError("differences are accepted for a reason: write `why`")
        return self

    @property
    def is_accepted(self) -> bool:
        """Whether nothing differs, or somebody accepted what does."""
        return self.differing == 0 or self.accepted_by is not None


class LegacyService(Record):
    """One system, report or spreadsheet that the platform replaces.

    PCD 1577 (1.2 to 1.4) and PCD 1305 (1.13): one source of truth, no second pipeline
    for the same data. A service is retired when every mart that replaces it was
    compared with it, and what differs was accepted by a named person.
    """

    register: ClassVar[str] = "legacy service"

    id: Words = Field(description="its id, such as LS-CRIME-DASHBOARD")
    name: Words = Field(description="what people call it")
    owner: Owner = Field(
        json_schema_extra=OWNING,
        description="who answers for it: team:… or an e-mail address",
    )
    serves: Words = Field(description="what it tells, to whom, and how often")
    replaced_by: list[Words] = Field(description="the marts that take its place")
    users: int = Field(ge=0, description="how many people use it")
    cost_a_year: float = Field(ge=0, description="what it costs a year, in pounds")
    status: Literal["running", "parallel", "retired"] = Field(
        description="running, parallel (the platform serves beside it) or retired"
    )
    retire_by: RecordDate = Field(
        description="the day it is to be switched off, or was, YYYY-MM-DD"
    )
    compared: list[Compared] = Field(
        default=[],
        description="each comparison, as edp legacy compare --record prints it",
    )

    @model_validator(mode="after")
    def _retired_when_accepted(self) -> LegacyService:
        strange = sorted({one.mart for one in self.compared} - {*self.replaced_by})
        if strange:
            raise ValueError(
                f"`compared` names {', '.join(strange)}, which `replaced_by` does not"
            )
        missing = [one for one in self.replaced_by if not self.is_compared(one)]
        if self.status == "retired" and (missing or not self.replaced_by):
            raise ValueError(
                "it is retired, and no accepted comparison is on record with "
                f"{', '.join(missing) or 'any mart'}"
            )
        return self

    def is_compared(self, mart: str) -> bool:
        """Whether the last comparison with a mart was equal, or accepted."""
        last = max(
            (one for one in self.compared if one.mart == mart),
            key=lambda one: one.on,
            default=None,
        )
        return last is not None and last.is_accepted

    @property
    def review_due(self) -> date | None:
        """The day it is to be gone; None once it is."""
        return None if self.status == "retired" else self.retire_by
