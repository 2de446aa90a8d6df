"""The controller: who the force is, and how it is reached.

UK GDPR Art. 30(1)(a) and DPA 2018 s.61(2)(a) to (c) want it in the record of
processing; a catalogue names it as publisher.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from edp_platform.governance.records.base import Part, PersonId, Record, Words


class JointController(Part):
    """Another who decides, with the force, why and how data is processed."""

    name: Words = Field(description="who it is")
    contact: Words = Field(description="how it is reached")
    data_sets: list[str] = Field(description="the data sets it is joint controller of")


class Transfer(Part):
    """Personal data that goes to another country or an international organisation."""

    to: Words = Field(description="the country or organisation")
    data_sets: list[str] = Field(description="the data sets that go there")
    safeguards: Words = Field(
        description="the adequacy regulation or the safeguards it rests on"
    )
    law: Words = Field(
        description="the provision relied on: UK GDPR Chapter V, or DPA 2018 ss.73 to 76"
    )


class Supplier(Part):
    """Who makes a data set that the force receives, as catalogues name it."""

    supplier: Words = Field(description="as the contract's `supplier` has it")
    slug: str = Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        description="the organisation's short name on GOV.UK, or one made like it",
    )


class Organisation(Record):
    """The force as controller."""

    register: ClassVar[str] = "organisation"

    name: Words = Field(description="the controller's full name")
    slug: str = Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        description="its short name, such as those of GOV.UK organisations",
    )
    organisation_type: Words = Field(description="what kind of body it is")
    region: Words = Field(description="the region it serves")
    address: Words = Field(description="its postal address")
    email: str = Field(
        pattern=r"^[^@\s]+@[^@\s]+$", description="the controller's address for mail"
    )
    website: str = Field(
        pattern=r"^https://\S+$", description="where its public pages stand"
    )
    identifier_base: str = Field(
        pattern=r"^https://\S+[^/]$",
        description="what the identifiers of its data sets begin with",
    )
    data_protection_officer: PersonId = Field(description="a person of the register")
    data_protection_email: str = Field(
        pattern=r"^[^@\s]+@[^@\s]+$", description="how that officer is reached"
    )
    joint_controllers: list[JointController] = Field(
        description="those it decides with; [] where there are none"
    )
    transfers: list[Transfer] = Field(
        description="transfers out of the United Kingdom; [] where there are none"
    )
    security: list[Words] = Field(
        min_length=1,
        description="technical and organisational measures that hold for all data",
    )
    suppliers: list[Supplier] = Field(
        default=[], description="short names of those who make what the force receives"
    )
    security_classification: Literal["OFFICIAL", "NOT_APPLICABLE"] = Field(
        default="OFFICIAL",
        description="the classification of what stands on this platform",
    )
