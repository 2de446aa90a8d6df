"""The retention schedule: how long each kind of data is kept, and by whose authority.

A rule that nobody has confirmed is reported on and never deletes (rule 17). Periods are
data: the disposal code knows none.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from edp_platform.governance.records.base import (
    Part,
    PersonId,
    Record,
    RecordDate,
    Words,
)


class Period(Part):
    """When records under the rule are reviewed and disposed of, as numbers.

    Years are whole years; null means that the rule has none.
    """

    review_every_years: int | None = Field(
        default=None, ge=1, description="years between reviews, or null"
    )
    clear_years: int | None = Field(
        default=None,
        ge=0,
        description="clear period: years since the person last came to notice",
    )
    keep_years: int | None = Field(
        default=None, ge=0, description="years kept from `starts`, or null"
    )
    keep_days: int | None = Field(
        default=None, ge=1, description="days kept from `starts`, or null"
    )
    dispose_at_age: int | None = Field(
        default=None, ge=1, description="the age of the person at disposal, or null"
    )
    follows_linked_group: bool = Field(
        default=False,
        description="true where a victim's or witness's record goes with the group of "
        "the offender it is linked to",
    )
    or_sentence_if_longer: bool = Field(
        default=False, description="true where a longer sentence keeps it longer"
    )
    dispose_after: Literal["review", "time", "never"] = Field(
        description="review (a decision is needed), time (when it is up), or never"
    )


class RetentionRule(Record):
    """One rule of the schedule; a contract's `rrdRule` names one."""

    register: ClassVar[str] = "retention rule"

    id: Words = Field(description="its id, such as PUBLISHED-STATISTICS")
    title: Words = Field(description="what it is a rule for")
    basis: Literal["record", "person"] = Field(
        default="record",
        description="record, or person where each person's highest group decides",
    )
    applies_to: Words = Field(description="which data it applies to")
    groups: list[Annotated[int, Field(ge=1, le=3)]] = Field(
        default=[], description="the offence groups it applies to, where it has them"
    )
    keep: Words = Field(description="how long, in words")
    review: Words = Field(description="when somebody looks, and at what, in words")
    disposal: Words = Field(description="what is deleted, and what stays, in words")
    starts: Words = Field(description="the event that the period counts from")
    resets: list[Words] = Field(
        default=[], description="events that begin a clear period again"
    )
    period: Period = Field(description="the same as numbers, for the monthly review")
    reason: Words = Field(description="why so long")
    authority: Words = Field(description="the law, code or policy it rests on")
    confidence: Literal["high", "medium", "low"] = Field(
        description="how sure the author is of the authority: high, medium or low"
    )
    legal_hold: Words = Field(
        description="what a legal hold does, such as: stops disposal"
    )
    effective_from: RecordDate = Field(
        description="the day from which it applies, YYYY-MM-DD"
    )
    confirmed_by: PersonId | None = Field(
        default=None,
        description="who confirmed it; null until then, and it then never deletes",
    )
    confirmed_on: RecordDate | None = Field(
        default=None, description="the day it was confirmed, YYYY-MM-DD"
    )

    @model_validator(mode="after")
    def _whole(self) -> RetentionRule:
        if (self.confirmed_by is None) != (self.confirmed_on is None):
            raise ValueError("`confirmed_by` and `confirmed_on` are stated together")
        return self
