"""What a measure states: everything a reader of its figure may ask.

A figure without its numerator, denominator, source, owner, method and disclosure rule
cannot be held against anybody, so each is required. Sources of the list: A New Met for
London (2023) and the published measures of MOPAC, the Home Office and HMICFRS.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from edp_platform.analysis.signals.settings import SeriesSettings
from edp_platform.governance.records.base import (
    OWNING,
    Owner,
    Part,
    Record,
    RecordDate,
    Words,
)

Aim = Literal["trust", "crime", "standards"]
AreaKind = Literal["force", "borough", "ward", "lsoa"]
Better = Literal["higher", "lower", "neither"]
Frequency = Literal["month", "quarter", "year"]
#: How a value is worked out of numerator and denominator, and with which interval.
Kind = Literal["count", "rate", "proportion", "mean", "survey"]

#: Where the force's crime recording went from CRIS to CONNECT.
CONNECT_FROM = date(2024, 3, 1)
#: Subjects whose counts cannot be compared across it (rule 38).
BROKEN_BY_CONNECT = frozenset({"hate crime", "domestic abuse"})
#: What is not notifiable, and so never part of the total (rule 39).
NOT_NOTIFIABLE = "other accepted crime"
#: Residents per which a rate is given.
RATE_PER = 1000


def _month(value: object) -> date:
    text = str(value)
    try:
        return date.fromisoformat(f"{text}-01" if len(text) == 7 else text)
    except ValueError:
        raise ValueError("write a month such as 2024-03") from None


#: A month, written YYYY-MM; its first day.
Month = Annotated[date, BeforeValidator(_month)]


class Target(Part):
    """A target, and who set it."""

    value: float = Field(description="in the measure's unit")
    authority: Words = Field(description="who set it, and where that is said")


class Break(Part):
    """A month from which nothing is compared with what was before."""

    from_: Month = Field(
        alias="from", description="the first month of the new series, YYYY-MM"
    )
    why: Words = Field(description="what changed, so that nothing is comparable")


class Step(Part):
    """A month from which limits are worked out anew, the series staying one."""

    from_: Month = Field(
        alias="from", description="the first month of the new level, YYYY-MM"
    )
    why: Words = Field(description="what was done or happened, and who says so")


class Baseline(Part):
    """Periods that limits and seasonal factors are frozen from."""

    from_: Month = Field(alias="from", description="its first month, YYYY-MM")
    to: Month = Field(description="its last month, YYYY-MM")
    why: Words = Field(description="why these periods, and who agreed")

    @model_validator(mode="after")
    def _in_order(self) -> Baseline:
        if self.to < self.from_:
            raise ValueError("`to` is before `from`")
        return self


class Overlapping(Part):
    """A series whose periods share observations; no signal is read off it."""

    periods: int = Field(ge=2, description="how many periods share an observation")
    why: Words = Field(description="how that is known")


class Survey(Part):
    """What is documented of a survey whose file gives no sample size."""

    respondents_per_year: int = Field(ge=1, description="people asked each year")
    areas: int = Field(
        ge=1, description="areas that share the sample evenly, such as 32 boroughs"
    )
    design_effect: float = Field(
        ge=1, description="variance against a simple random sample of that size"
    )
    source: Words = Field(description="where the sample and its design are said")


class Values(Part):
    """Where the figures come from: a model, its rows and the columns to add up."""

    areas: list[AreaKind] = Field(
        min_length=1, description="force, borough, ward or lsoa, such as [borough]"
    )
    model: Words = Field(
        alias="from", description="the dbt model that holds them, such as calls_by_hour"
    )
    period: Words = Field(
        default="month", description="its column of months, quarters or years"
    )
    force: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9-]+$",
        description="the force, where the model has no column `force`",
    )
    supplied_by: list[Words] = Field(
        min_length=1,
        description="the data sets whose supply says whether a period is complete",
    )
    supplied_every: Frequency = Field(
        default="month", description="how often they come: month, quarter or year"
    )
    numerator: Words = Field(description="the column that is added up")
    denominator: Words | None = Field(
        default=None, description="the column that it is divided by"
    )
    squared_weights: Words | None = Field(
        default=None,
        description="of a survey: the column of squared weights, for its sample size",
    )
    minus: Words | None = Field(
        default=None,
        description="a column taken off it, and off a denominator that is the same column",
    )
    only: dict[str, list[str]] = Field(
        default={}, description="column: [values] that the rows must have"
    )
    without: dict[str, list[str]] = Field(
        default={}, description="column: [values] that the rows must not have"
    )
    counted: dict[str, list[str]] = Field(
        default={},
        description="column: [values] of the rows that count in the numerator alone",
    )

    @property
    def supply(self) -> str:
        """The name that its supply has in the models: the data sets, joined."""
        return ", ".join(sorted(self.supplied_by))

    def columns(self) -> Iterator[tuple[list[str | int], str]]:
        """Yield (place, name) of each column of the model that it names."""
        yield ["period"], self.period
        for place in ("numerator", "denominator", "squared_weights", "minus"):
            name = getattr(self, place)
            if name is not None:
                yield [place], name
        for place in ("only", "without", "counted"):
            for name in getattr(self, place):
                yield [place, name], name


class Measure(Record):
    """One measure of the performance framework."""

    register: ClassVar[str] = "measure"
    wrapper: ClassVar[str | None] = "measure"

    id: Words = Field(
        pattern=r"^[a-z][a-z0-9_]*$",
        description="a short name in lower case, such as burglary; never used again",
    )
    aim: Aim = Field(description="trust, crime or standards")
    title: Words = Field(description="what people call it")
    subject: list[str] = Field(
        default=[],
        description="what it is about where rules ask, such as [hate crime]",
    )
    kind: Kind = Field(
        description="count, rate (per 1,000 residents), proportion, mean or survey"
    )
    numerator: Words = Field(description="what is counted, in words")
    denominator: Words | None = Field(
        description="what it is divided by, in words; null for a plain count"
    )
    unit: Words = Field(description="the unit of the value, such as per cent")
    better: Better = Field(description="higher, lower or neither")
    target: Target | None = Field(
        default=None, description="the target and its authority; leave out for none"
    )
    areas: list[AreaKind] = Field(
        min_length=1, description="the kinds of area it is given for"
    )
    frequency: Frequency = Field(description="month, quarter or year")
    owner: Owner = Field(
        json_schema_extra=OWNING,
        description="who answers for it: team:… or an e-mail address",
    )
    source: list[Words] = Field(
        min_length=1, description="the data sets it is worked out from"
    )
    values: list[Values] = Field(
        min_length=1, description="where the figures come from, by kind of area"
    )
    breaks: list[Break] = Field(
        default=[], description="months across which nothing is compared"
    )
    steps: list[Step] = Field(
        default=[], description="months from which limits begin again"
    )
    baseline: Baseline | None = Field(
        default=None, description="periods that limits are frozen from"
    )
    seasonal: bool = Field(description="true where the year has a shape, else false")
    overlapping: Overlapping | None = Field(
        default=None, description="where periods share observations"
    )
    settles_after: int = Field(
        ge=0, description="how many of the latest periods are still provisional"
    )
    survey: Survey | None = Field(
        default=None, description="its sample, where the file does not give it"
    )
    method: Words = Field(
        description="how it is worked out, with population year and what is left out"
    )
    disclosure: Words = Field(
        description="what may be shown to whom, down to which area"
    )
    eqia: Words = Field(description="the equality impact assessment, such as EQIA-…")
    equality: Words | None = Field(
        default=None, description="what it shows of groups, or of whom it is silent"
    )
    reviewed: RecordDate | None = Field(
        default=None, description="the day its owner last looked at it, YYYY-MM-DD"
    )

    @model_validator(mode="after")
    def _whole(self) -> Measure:
        if (self.denominator is None) != (self.kind == "count"):
            raise ValueError(
                "a count has `denominator: null` and everything else says what it is "
                "divided by"
            )
        given = [kind for one in self.values for kind in one.areas]
        if sorted(given) != sorted(set(given)) or set(given) != set(self.areas):
            raise ValueError(
                "`values` must give each kind of area of `areas` once, no more and no "
                "less"
            )
        needed = self.kind in ("proportion", "mean")
        for one in self.values:
            if (one.denominator is not None) != needed and self.kind != "survey":
                raise ValueError(
                    "`values`: a proportion or a mean names the column `denominator`; "
                    "a count has none, and a rate takes residents"
                )
        if self.kind == "rate" and "lsoa" in self.areas and self.frequency != "year":
            raise ValueError(
                "a rate of small areas is given by the year only: in a month most are "
                "nought or one"
            )
        if "lsoa" in self.areas and self.frequency != "year":
            raise ValueError(
                "small areas are given by the year only: a month and a small area can "
                "point to one household"
            )
        if self.survey is not None and self.kind != "survey":
            raise ValueError("`survey` is for measures of kind survey")
        return self

    def series_settings(self) -> SeriesSettings:
        """Return what the charts need to know of it."""
        bounded = self.kind in ("proportion", "survey")
        return SeriesSettings(
            better=self.better,
            target=self.target.value if self.target else None,
            frequency=self.frequency,
            seasonal=self.seasonal,
            overlapping=self.overlapping.why if self.overlapping else None,
            breaks=tuple(one.from_ for one in self.breaks),
            steps=tuple(one.from_ for one in self.steps),
            baseline=(
                (self.baseline.from_, self.baseline.to) if self.baseline else None
            ),
            lowest=0.0,
            highest=100.0 if bounded else None,
            is_count=self.kind == "count",
            rate_per=RATE_PER if self.kind == "rate" else None,
        )
