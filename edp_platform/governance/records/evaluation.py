"""Evaluations: what is to be found out, written down and approved before anybody looks.

Whoever may choose dates, areas and outcomes after seeing the figures will find an effect
in noise. So the plan is a record, its registration names the plan's fingerprint, and a
plan that was changed since no longer has it: the word "caused" is then refused (rule 41).
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationInfo,
    model_validator,
)

from edp_platform.governance.records.base import (
    OWNING,
    Owner,
    Part,
    PersonId,
    Record,
    RecordDate,
    Words,
)

Method = Literal["difference_in_differences", "interrupted_time_series"]
Environment = Literal["public", "private", "online", "any"]
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])\Z")
_RELATIVE = re.compile(r"([+-]\d{1,3})m\Z")


def _month(value: Any, info: ValidationInfo) -> date:
    text = str(value)
    written = _MONTH.match(text)
    if written:
        return date(int(written[1]), int(written[2]), 1)
    relative = _RELATIVE.match(text)
    if relative is None:
        raise ValueError(f"`{text}` is not a month: write YYYY-MM")
    anchor: date | None = (info.context or {}).get("anchor")
    if anchor is None:
        raise ValueError(
            f"`{text}` is relative: only a record with `example: true` may move with "
            "the day it is tried; write YYYY-MM"
        )
    number = anchor.year * 12 + anchor.month - 1 + int(relative[1])
    return date(number // 12, number % 12 + 1, 1)


#: A month, YYYY-MM; in an example record also months from the home's first use: -13m.
Month = Annotated[date, BeforeValidator(_month)]
#: The code of an area, such as E09000033.
AreaCode = Annotated[str, Field(pattern=r"^[EW]\d{8}$")]


class Activity(Part):
    """What was done."""

    name: Words = Field(description="the activity, as the data name it: hotspot patrol")
    what: Words = Field(description="what was done, by whom, how much of it")


class Outcome(Part):
    """What it was to change: reports of one crime type in one environment."""

    crime_type: Words = Field(description="the crime type, as crime_reports name it")
    environment: Environment = Field(description="public, private, online or any")
    expected: Literal["fewer", "more"] = Field(description="fewer or more reports")


class Displacement(Part):
    """Where the outcome could have moved to."""

    buffer: Literal["neighbours"] | list[AreaCode] = Field(
        description="neighbours (areas that share a border with a treated one), or the "
        "codes of areas; they are left out of the comparison and looked at apart"
    )
    why: Words = Field(description="why it would move there")


class Placebo(Part):
    """Where and when nothing was done, so that nothing may be found."""

    months: list[Month] = Field(
        min_length=1,
        description="months before the activity, at which it is pretended to begin",
    )
    areas: list[AreaCode] = Field(
        min_length=2,
        description="areas that never had it and border on none that had, where it is "
        "pretended to begin",
    )


class Plan(Part):
    """All that could be bent to a finding, settled beforehand."""

    question: Words = Field(description="the question, in one sentence")
    activity: Activity = Field(description="what was done")
    outcome: Outcome = Field(description="what it was to change")
    treated: list[AreaCode] = Field(
        min_length=2, description="the areas that had the activity"
    )
    comparison: Literal["others"] | list[AreaCode] = Field(
        description="others (every area of the force that had none of it), or the codes"
    )
    why_these: Words = Field(description="how the areas were chosen")
    starts: Month = Field(description="the first month of the activity, YYYY-MM")
    first: Month | None = Field(
        default=None,
        description="the first month looked at; null for all months held",
    )
    last: Month = Field(description="the last month looked at, YYYY-MM")
    method: Method = Field(
        description="which estimate answers: difference_in_differences (the other, "
        "interrupted_time_series, has no comparison and never shows a cause)"
    )
    minimum_effect: float = Field(
        gt=0,
        description="the rate ratio nearest to 1 that would matter: 0.9 for a fall of a "
        "tenth",
    )
    placebo: Placebo = Field(description="where and when nothing may be found")
    displacement: Displacement = Field(description="where it could have moved to")
    analysis: Words = Field(
        description="anything else that was settled: what is left out, what is looked "
        "at besides, what would change the decision"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Plan:
        first = self.first or date.min
        if not first < self.starts <= self.last:
            raise ValueError(
                "`first`, `starts` and `last` must follow one another: a change is seen "
                "against months before it"
            )
        late = [one for one in self.placebo.months if not first < one < self.starts]
        if late:
            raise ValueError(
                f"`placebo.months` holds {late[0]:%Y-%m}, which is not before the "
                "activity: an effect there would be the activity's own"
            )
        comparison = [] if self.comparison == "others" else self.comparison
        buffer = self.displacement.buffer
        apart = [] if buffer == "neighbours" else buffer
        for name, codes in (
            ("comparison", comparison),
            ("placebo.areas", self.placebo.areas),
            ("displacement.buffer", apart),
        ):
            both = sorted(set(codes) & set(self.treated))
            if both:
                raise ValueError(
                    f"`{name}` holds {both[0]}, which is among `treated`: an area that "
                    "had the activity cannot stand for those that had not"
                )
        fewer = self.outcome.expected == "fewer"
        if (self.minimum_effect < 1) is not fewer or self.minimum_effect == 1:
            raise ValueError(
                "`minimum_effect` is on the other side of 1 than `outcome.expected`"
            )
        return self


class Registration(Part):
    """Who settled the plan, when, and which plan it was."""

    by: PersonId = Field(description="who registered the plan")
    on: RecordDate = Field(description="the day, before anybody saw an outcome")
    fingerprint: Words = Field(
        description="the plan's fingerprint, as edp evaluation show prints it"
    )


class Approval(Part):
    """Who approved the plan: not who registered it."""

    by: PersonId = Field(description="who approved it, another person")
    on: RecordDate = Field(description="the day, YYYY-MM-DD")


class Amendment(Part):
    """A change of the plan after its registration, told openly."""

    on: RecordDate = Field(description="the day, YYYY-MM-DD")
    by: PersonId = Field(description="who changed it")
    what: Words = Field(description="what was changed")
    why: Words = Field(description="why, and whether outcomes had been seen")


class Conclusion(Part):
    """What is told of the outcome, in the force's own words."""

    words: Words = Field(description="the finding, in a sentence or two")
    by: PersonId = Field(description="who answers for these words")
    on: RecordDate = Field(description="the day, YYYY-MM-DD")


class Evaluation(Record):
    """One evaluation of an activity."""

    register: ClassVar[str] = "evaluation"

    id: Words = Field(description="its id, such as EV-01")
    title: Words = Field(description="the evaluation in a few words")
    use_case: Words = Field(description="the use case's folder")
    owner: Owner = Field(
        json_schema_extra=OWNING,
        description="who answers for it: team:… or an e-mail address",
    )
    plan: Plan = Field(description="the plan")
    registration: Registration | None = Field(
        default=None, description="who registered the plan, once it is settled"
    )
    approval: Approval | None = Field(
        default=None, description="who approved the plan, another person"
    )
    amendments: list[Amendment] = Field(
        default=[], description="each change of the plan since, openly told"
    )
    conclusion: Conclusion | None = Field(
        default=None, description="what is told of the outcome"
    )
    _fingerprint: str = PrivateAttr(default="")

    @model_validator(mode="wrap")
    @classmethod
    def _fingerprinted(
        cls, value: Any, read: ModelWrapValidatorHandler[Evaluation]
    ) -> Evaluation:
        # Of the plan as it is written: read, relative months would move with the day.
        record = read(value)
        if isinstance(value, dict):
            record._fingerprint = fingerprint(value.get("plan"))
        return record

    @property
    def plan_fingerprint(self) -> str:
        """The fingerprint of the plan as it stands in the file."""
        return self._fingerprint

    @model_validator(mode="after")
    def _two_people(self) -> Evaluation:
        registered, approved = self.registration, self.approval
        if registered and approved and registered.by == approved.by:
            raise ValueError(
                f"`approval.by` is {approved.by}, who registered the plan: another "
                "person must have seen it before the outcomes were"
            )
        return self


def fingerprint(plan: object) -> str:
    """Return the fingerprint of a plan as it is written, 16 hexadecimal characters.

    Over the text of its values in the order of their names: the order of lines and
    comments do not count, every word does.
    """
    text = json.dumps(plan, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
