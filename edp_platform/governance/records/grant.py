"""Grants: who may see which columns of which marts, for what, until when, by whose word.

One YAML a grant. What is not written here nobody may see: `edp access apply` compiles
the grants to the database, and `edp access plan` tells where the two differ.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from edp_platform.governance.records.base import (
    ASKED,
    Part,
    PersonId,
    Record,
    RecordDate,
    Words,
)

Kind = Literal["force", "s93", "contract"]
Status = Literal["requested", "approved", "refused", "revoked"]
#: What a column can tell about a person, as contracts class it; `none`: nothing.
IdentifierClass = Literal["none", "quasi", "sensitive", "direct"]

#: Stands for every mart that the purposes admit; only for columns about nobody.
EVERY_MART = "*"


class Recertification(Part):
    """One look at whether a contract grant is still needed."""

    by: PersonId = Field(description="who in the force looked at it")
    on: RecordDate = Field(description="the day they said it is still needed")


class Grant(Record):
    """One grant (PCD 1305, 5.18 and 5.20; UK GDPR Art. 32; DPA 2018 ss.40 and 66)."""

    register: ClassVar[str] = "grant"

    id: Words = Field(
        pattern=r"^[A-Z0-9][A-Z0-9-]*$", description="its id, such as G-0007"
    )
    status: Status = Field(
        description="requested, approved, refused or revoked; only approved counts"
    )
    person: Words = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*$",
        description="who it is for: an id of the register `people`, or of a supplier's "
        "person",
    )
    kind: Kind = Field(
        description="force (officer or staff), s93 (pro bono, six months at most) or "
        "contract (to the contract's end at most, recertified each quarter)"
    )
    marts: list[Words] = Field(
        default=[],
        description='the marts, such as [crime_by_month]; ["*"] for every mart that '
        "the purposes admit, of columns about nobody",
    )
    data_sets: list[Words] = Field(
        default=[],
        description="in place of marts: every mart made of nothing but these data sets",
    )
    columns: list[Words] = Field(
        default=[], description="the columns, where one mart is named"
    )
    identifier_classes: list[IdentifierClass] = Field(
        default=[],
        description="in place of columns: which classes of columns, such as [none]",
    )
    rows: dict[str, list[Words]] = Field(
        default={},
        description="column → the only values whose rows they see, such as "
        "{force: [metropolitan]}",
    )
    purposes: list[Words] = Field(
        min_length=1, description="purposes of the register, such as [P-STATISTICS]"
    )
    project: Words = Field(
        description="the use case or piece of work that needs it, in a few words"
    )
    starts: RecordDate = Field(description="the first day, YYYY-MM-DD")
    until: RecordDate = Field(description="the last day, YYYY-MM-DD")
    requested_by: Words = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*$", description="who asked, an id"
    )
    requested_on: RecordDate = Field(description="the day they asked, YYYY-MM-DD")
    approved_by: PersonId | None = Field(
        json_schema_extra=ASKED,
        default=None,
        description="the information asset owner who approved it; neither who asked "
        "nor who it is for",
    )
    approved_on: RecordDate | None = Field(
        json_schema_extra=ASKED, default=None, description="the day they approved it"
    )
    revoked_on: RecordDate | None = Field(
        default=None, description="the day it was taken back, or null"
    )
    recertified: list[Recertification] = Field(
        default=[],
        description="of a contract grant: each quarter's look at whether it is needed",
    )

    @property
    def is_every_mart(self) -> bool:
        """Whether it names no mart, but all that its purposes admit."""
        return self.marts == [EVERY_MART]

    @property
    def last_day(self) -> date:
        """The last day it gives, one taken back early included."""
        if self.revoked_on is None:
            return self.until
        return min(self.until, self.revoked_on)

    @model_validator(mode="after")
    def _whole(self) -> Grant:
        if self.until < self.starts:
            raise ValueError("`until` comes after `starts`")
        if bool(self.marts) == bool(self.data_sets):
            raise ValueError("name either `marts` or `data_sets`")
        if bool(self.columns) == bool(self.identifier_classes):
            raise ValueError("name either `columns` or `identifier_classes`")
        if self.columns and len(self.marts) != 1:
            raise ValueError("`columns` are those of one mart: name one")
        if EVERY_MART in self.marts and (
            self.marts != [EVERY_MART]
            or self.identifier_classes != ["none"]
            or self.kind != "force"
        ):
            raise ValueError(
                'marts: ["*"] stands alone, is for the force, and gives '
                "identifier_classes: [none]"
            )
        if any(not values for values in self.rows.values()):
            raise ValueError("`rows` names at least one value for each column")
        if self.status == "approved" and (
            self.approved_by is None or self.approved_on is None
        ):
            raise ValueError("an approved grant names `approved_by` and `approved_on`")
        if self.status == "revoked" and self.revoked_on is None:
            raise ValueError("a revoked grant names `revoked_on`")
        return self
