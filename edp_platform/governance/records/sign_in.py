"""The register of sign-in: demonstration personas, and what a role may do in the UI."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from edp_platform.governance.records.base import (
    Part,
    PersonId,
    Record,
    RecordInvalid,
    Words,
)
from edp_platform.governance.records.people import Role

#: The roles of people of the force, and that of everybody who works for a supplier.
AnyRole = Role | Literal["supplier"]
#: What somebody may do in the user interface of the pipeline.
Level = Literal["viewer", "launcher", "admin"]


class Persona(Part):
    """One button of the demonstration."""

    id: str = Field(pattern=r"^[a-z][a-z-]*$", description="its id, such as analyst")
    title: Words = Field(description="what the button says, such as Analyst")
    person: PersonId = Field(description="the person of the register it signs in as")
    about: Words = Field(description="who that stands for, in a sentence")


class Personas(Record):
    """Who can be tried in the demonstration, and the level of each role."""

    register: ClassVar[str] = "sign-in register"

    user_interface: dict[AnyRole, Level] = Field(
        description="role: viewer, launcher or admin; a role that is not named gets none"
    )
    personas: list[Persona] = Field(description="the buttons of the demonstration")

    @property
    def levels(self) -> dict[str, Level]:
        """The level of each role that has one."""
        return {str(role): level for role, level in self.user_interface.items()}

    @model_validator(mode="after")
    def _told_apart(self) -> Personas:
        ids = [one.id for one in self.personas]
        if len(set(ids)) != len(ids):
            raise ValueError("`personas`: an id stands twice. Give each its own")
        return self


class PersonasInvalid(RecordInvalid):
    """The register of sign-in cannot be relied on, so nobody is let in."""
