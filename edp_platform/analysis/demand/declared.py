"""The forecast and the cars as they are declared: one YAML file that can be signed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from edp_platform.governance.records.base import (
    Part,
    Record,
    RecordInvalid,
    Words,
    load_record,
)

#: Grades to which somebody is sent, in the order of the register of grades.
Attended = Literal["I", "S", "E"]
Share = Annotated[float, Field(ge=0, le=1)]

_DECLARED = Path(__file__).parents[2] / "defs" / "demand" / "demand_model.yaml"


class DemandModelInvalid(RecordInvalid):
    """The declared model cannot be relied on; file and line of each fault."""


class Forecasting(Part):
    """How far ahead, and how the forecast is tried."""

    horizon_days: int = Field(ge=1, description="days told one by one")
    horizon_months: int = Field(ge=1, description="months told as sums")
    fewest_training_months: int = Field(
        ge=12, description="whole months before the first origin; the naive needs 12"
    )
    origins: int = Field(ge=1, description="the latest month ends it is tried from")
    fewest_origins: int = Field(
        ge=2, description="with fewer nothing is claimed and the naive is shown"
    )
    fewest_points: int = Field(
        ge=40, description="held-out counts with fewer of which bounds only widen"
    )
    half_life_days: int = Field(
        ge=7, description="after so many days a day counts half in the recent model"
    )


class Profile(Part):
    """How the hours of the week are taken from the past."""

    days: int = Field(ge=28, multiple_of=7, description="whole weeks, in days")
    prior_calls: float = Field(
        gt=0, description="how many calls' worth of the force's profile a borough gets"
    )


class Target(Part):
    """How soon a grade is to be reached."""

    grade: Attended = Field(description="the grade")
    minutes: int = Field(ge=1, description="from the call to the first unit's arrival")
    percent: float = Field(gt=0, le=100, description="of calls to be reached by then")
    authority: Words = Field(description="who set it")


class Shift(Part):
    """One shift; it belongs to the day that it begins on."""

    name: Words = Field(description="its name")
    begins: int = Field(ge=0, le=23, description="first hour, local time")
    ends: int = Field(ge=0, le=23, description="the hour after its last")

    @property
    def hours(self) -> tuple[int, ...]:
        """Hours after midnight of its first day, past 23 on the next."""
        length = (self.ends - self.begins) % 24 or 24
        return tuple(range(self.begins, self.begins + length))


class Cars(Part):
    """What calls take, as far as it is not measured."""

    assumed: bool = Field(description="whether the shares are assumed, not measured")
    source: Words = Field(description="where the shares come from")
    per_call: dict[Attended, list[Share]] = Field(
        min_length=1, description="grade → share of its calls that take 1, 2, … cars"
    )
    without_wait_percent: float = Field(
        gt=0, lt=100, description="of calls that find all the cars they take free"
    )
    handling_minutes: float = Field(
        ge=0, description="from the call to the order to a free car"
    )
    officers_per_car: int = Field(ge=1, description="officers in one car")
    share_available: float = Field(
        gt=0, le=1, description="share of duty time that is free for calls"
    )

    @model_validator(mode="after")
    def _shares_of_one(self) -> Cars:
        for grade, shares in self.per_call.items():
            if abs(sum(shares) - 1) > 1e-9:
                raise ValueError(
                    f"per_call: the shares of {grade} add up to {sum(shares):g}, not 1"
                )
        return self


class DemandModel(Record):
    """The declared model."""

    register: ClassVar[str] = "demand model"

    version: str = Field(pattern=r"^\d+\.\d+\.\d+$", description="three numbers")
    title: Words = Field(description="what it does, in a line")
    model_record: Words = Field(description="its record in model_records/")
    forecast: Forecasting = Field(description="how far ahead, and how it is tried")
    profile: Profile = Field(description="how the hours of the week are taken")
    targets: list[Target] = Field(description="how soon grades are to be reached")
    shifts: list[Shift] = Field(min_length=1, description="the shifts of a day")
    cars: Cars = Field(description="what calls take")

    @model_validator(mode="after")
    def _whole_day_once(self) -> DemandModel:
        hours = sorted(hour % 24 for one in self.shifts for hour in one.hours)
        if hours != list(range(24)):
            raise ValueError("shifts: together they hold each hour of the day once")
        return self

    def target(self, grade: str) -> Target | None:
        """Return the target of a grade; None where it has none."""
        return next((one for one in self.targets if one.grade == grade), None)


def load_demand_model(path: Path = _DECLARED) -> DemandModel:
    """Load the declared model.

    Raises:
        DemandModelInvalid: missing, unknown or contradictory; file and line of each.
    """
    # Nothing in it counts from a day.
    return load_record(path, DemandModel, date.min, DemandModelInvalid)
