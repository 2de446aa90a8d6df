"""People and teams: who answers for what. Nothing in code names a person."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from edp_platform.governance.records.base import (
    OWNING,
    PersonId,
    Record,
    RecordDate,
    Words,
)

Role = Literal[
    "data_protection_officer",
    "senior_information_risk_owner",
    "information_asset_owner",
    "information_rights",
    "information_assurance",
    "records_management",
    "commercial_services",
    "equality_lead",
    "ethics_panel",
    "platform_owner",
    "product_owner",
    "business_lead",
    "data_steward",
    "data_scientist",
    "single_point_of_contact",
    "chief_officer",
    "analyst",
    "platform_operator",
    "member_of_public",
]

#: Levels of vetting: `recruitment` and `management` of officers and staff, `nppv…` of
#: those who are not police personnel.
Vetting = Literal["none", "recruitment", "management", "nppv1", "nppv2", "nppv3"]


class Person(Record):
    """One person of the force."""

    register: ClassVar[str] = "person"

    id: PersonId = Field(description="the id that other records name them by")
    name: Words = Field(description="their name")
    role: Role = Field(description="the role they sign in")
    email: str | None = Field(
        default=None,
        pattern=r"^[^@\s]+@[^@\s]+$",
        description="where they are reached; also how they own a data set, or null",
    )
    information_and_you: RecordDate | None = Field(
        default=None,
        description="the day they last finished the training Information and You; "
        "without it they see no personal data",
    )
    vetting: Vetting | None = Field(
        default=None,
        description="their vetting: none, recruitment or management; without it they "
        "see no personal data",
    )
    vetting_until: RecordDate | None = Field(
        default=None, description="the last day of that vetting, YYYY-MM-DD"
    )
    left: RecordDate | None = Field(
        default=None, description="the day they left, YYYY-MM-DD, or null"
    )


class Team(Record):
    """One team; data sets and use cases are owned by teams, so that people can move."""

    register: ClassVar[str] = "team"

    id: Words = Field(
        pattern=r"^team:[a-z0-9-]+$", description="its id, such as team:crime-data"
    )
    title: Words = Field(description="what people call it")
    answers_for: Words = Field(description="what it answers for")
    email: Words = Field(
        pattern=r"^[^@\s]+@[^@\s]+$", description="where it is reached"
    )
    lead: PersonId = Field(
        json_schema_extra=OWNING, description="the person who leads it"
    )
    information_asset_owner: PersonId = Field(
        json_schema_extra=OWNING,
        description="the person who answers for the information",
    )
