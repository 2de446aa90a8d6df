"""The equality impact assessment (Equality Act 2010 s.149): one a use case, one for all.

Nine characteristics under the three aims of the duty; marriage and civil partnership
under the first alone, since s.149(7) leaves it out of the other two.
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
    Review,
    Signature,
    Version,
    Words,
)

#: The protected characteristics of s.149(7), and marriage and civil partnership (s.8).
CHARACTERISTICS = (
    "age",
    "disability",
    "gender_reassignment",
    "marriage_and_civil_partnership",
    "pregnancy_and_maternity",
    "race",
    "religion_or_belief",
    "sex",
    "sexual_orientation",
)
#: The aims of the duty (s.149(1)).
AIMS = (
    "eliminate_discrimination",
    "advance_equality",
    "foster_good_relations",
)


class FirstAim(Part):
    """What the use case may mean for people of one characteristic, under the first aim."""

    impact: Literal["none", "positive", "negative", "mixed", "unknown"] = Field(
        description="none, positive, negative, mixed or unknown"
    )
    evidence: Words = Field(description="what this rests on, or why there is none")
    eliminate_discrimination: Words = Field(
        description="what it means for ending discrimination, or why nothing"
    )
    mitigation: str | None = Field(
        default=None, description="what is done about a negative effect"
    )


class Characteristic(FirstAim):
    """The same, under all three aims."""

    advance_equality: Words = Field(
        description="what it means for equal opportunity, or why nothing"
    )
    foster_good_relations: Words = Field(
        description="what it means for good relations, or why nothing"
    )


class Characteristics(Part):
    """The nine; one that is left out makes the assessment incomplete (rule 36)."""

    age: Characteristic | None = Field(
        default=None,
        json_schema_extra=ASKED,
        description="who could be touched by age, and how",
    )
    disability: Characteristic | None = Field(
        default=None,
        json_schema_extra=ASKED,
        description="who could be touched by disability, and how",
    )
    gender_reassignment: Characteristic | None = Field(
        default=None,
        json_schema_extra=ASKED,
        description="who could be touched by reassignment, and how",
    )
    marriage_and_civil_partnership: FirstAim | None = Field(
        default=None,
        json_schema_extra=ASKED,
        description="under the first aim alone (s.149(7))",
    )
    pregnancy_and_maternity: Characteristic | None = Field(
        default=None,
        json_schema_extra=ASKED,
        description="who could be touched by pregnancy, and how",
    )
    race: Characteristic | None = Field(
        default=None,
        json_schema_extra=ASKED,
        description="who could be touched by race, and how",
    )
    religion_or_belief: Characteristic | None = Field(
        default=None,
        json_schema_extra=ASKED,
        description="who could be touched by belief, and how",
    )
    sex: Characteristic | None = Field(
        default=None,
        json_schema_extra=ASKED,
        description="who could be touched by sex, and how",
    )
    sexual_orientation: Characteristic | None = Field(
        default=None,
        json_schema_extra=ASKED,
        description="who could be touched by orientation, and how",
    )


class Monitoring(Part):
    """One measure that shows whether the effect is as it was expected."""

    metric: Words = Field(description="the measure: a mart, a column or a check")
    characteristics: list[Words] = Field(
        description="which characteristics it watches, such as [race, age]"
    )
    every: Words = Field(description="how often somebody looks, such as: month")


class Engagement(Part):
    """Who was asked."""

    with_: list[Words] = Field(alias="with", description="who was asked")
    outcome: Words = Field(description="what they said, and what changed")


class Action(Part):
    """What is done about an effect."""

    what: Words = Field(description="what is done")
    by: Owner | PersonId = Field(description="who does it")


class Eqia(Record):
    """One equality impact assessment."""

    register: ClassVar[str] = "equality impact assessment"
    wrapper: ClassVar[str | None] = "eqia"

    id: Words = Field(description="its id, such as EQIA-NEIGHBOURHOOD-CRIME")
    use_case: Words = Field(description="the use case's folder, or platform")
    version: Version = Field(description="the record's version, such as 1.0.0")
    status: Literal["draft", "approved", "withdrawn"] = Field(
        description="draft, approved or withdrawn"
    )
    author: PersonId = Field(description="who writes this; the author may not sign it")
    owner: Owner = Field(
        json_schema_extra=OWNING,
        description="who answers for it: team:… or an e-mail address",
    )
    characteristics: Characteristics = Field(
        description="for each characteristic: impact, evidence, and each aim of the duty"
    )
    monitoring: list[Monitoring] = Field(
        description="the measures that watch the effect; at least one"
    )
    engagement: Engagement = Field(description="who was asked, and what they said")
    actions: list[Action] = Field(
        description="what is done about each effect, by whom; [] if none is found"
    )
    decision: Words = Field(description="go on, change or stop, and why")
    sign_off: list[Signature] = Field(
        description="role, by (not the author) and on, YYYY-MM-DD"
    )
    review: Review = Field(description="when it must be looked at again")
    published_at: str | None = Field(
        default=None, description="where it is published, or null"
    )
