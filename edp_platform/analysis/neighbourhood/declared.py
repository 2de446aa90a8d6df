"""The ranking as it is declared: one YAML file that a person can read and sign."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from edp_platform.governance.records.base import (
    Part,
    Record,
    RecordInvalid,
    Words,
    load_record,
)

Frequency = Literal["month", "year"]
DataSetName = Literal["police_uk_street", "mps_ward_crime", "mps_lsoa_burglary"]

#: Parts of the names of offences that are mostly found by stops, searches and patrols: more
#: police make more of them, and a ranking by them would send police where police were.
#: Source: Lum and Isaac (2016), "To predict and serve?", Significance 13(5), 14-19.
POLICE_GENERATED = ("drug", "weapon", "public order", "disorder", "public fear")

_DECLARED = Path(__file__).parents[2] / "defs" / "neighbourhood_crime" / "ranking.yaml"


class RankingInvalid(RecordInvalid):
    """The declared ranking cannot be relied on; file and line of each fault."""


class OffenceGroup(Part):
    """Offences that are counted together."""

    id: str = Field(pattern=r"^[a-z_]+$", description="its name in the marts")
    title: Words = Field(description="its name for people")
    offences: dict[DataSetName, list[Words]] = Field(
        min_length=1, description="data set → the offences of it that are counted"
    )
    limit: Words = Field(description="what the group is not")


class KeptOut(Part):
    """Offences that no area is ranked by."""

    offence: Words = Field(description="its name, or a part of it")
    why: Words = Field(description="why it is kept out")


class Shares(Part):
    """How many areas a ranking may name, as shares of all."""

    main: float = Field(gt=0, lt=1, description="the share that figures are told for")
    others: list[float] = Field(description="further shares to evaluate; [] for none")


class ByFrequency(Part):
    """A number of periods, for months and for years."""

    month: int = Field(ge=1, description="months")
    year: int = Field(ge=1, description="years")

    def of(self, frequency: Frequency) -> int:
        """Return the number for series of one frequency."""
        return self.month if frequency == "month" else self.year


class NearRepeats(Part):
    """How near in time two reports are, and by how many permutations that is judged."""

    crime_types: list[Words] = Field(min_length=1, description="what is looked at")
    days: list[int] = Field(
        min_length=1, description="upper ends of the bands, in days, rising"
    )
    longest_window_days: float = Field(
        gt=0, description="reports whose time is vaguer than this are left out"
    )
    months: int = Field(ge=1, description="the latest months looked at")
    permutations: int = Field(ge=99, description="of the times over the reports")


class NoResidentRate(Part):
    """A force for whose areas residents are no denominator."""

    force: Words = Field(description="its name in the marts")
    why: Words = Field(description="why a rate per resident would mislead")


class Ranking(Record):
    """The declared ranking."""

    register: ClassVar[str] = "ranking of areas"

    version: str = Field(pattern=r"^\d+\.\d+\.\d+$", description="three numbers")
    title: Words = Field(description="what it does, in a line")
    model_record: Words = Field(description="its record in model_records/")
    seed: int = Field(description="of every random choice, so that a run repeats")
    offence_groups: list[OffenceGroup] = Field(
        min_length=1, description="what areas are ranked by"
    )
    kept_out: list[KeptOut] = Field(description="what no area is ranked by, and why")
    areas: Shares = Field(description="how many areas are named")
    half_life: ByFrequency = Field(
        description="after so many periods a crime counts half in the ranking"
    )
    held_out: ByFrequency = Field(description="latest periods it is measured on")
    fewest_held_out: int = Field(
        ge=3, description="with fewer nothing is claimed of the ranking"
    )
    fewest_areas: int = Field(ge=2, description="with fewer there is nothing to rank")
    false_discovery_rate: float = Field(
        gt=0, lt=1, description="of areas called newly rising"
    )
    no_resident_rate: list[NoResidentRate] = Field(
        description="forces whose residents are no denominator; [] for none"
    )
    near_repeats: NearRepeats = Field(description="how near-repeats are looked for")

    @model_validator(mode="after")
    def _police_activity_stays_out(self) -> Ranking:
        for group in self.offence_groups:
            for offence in (one for each in group.offences.values() for one in each):
                found = next(_why_kept_out(offence, self.kept_out), None)
                if found:
                    raise ValueError(
                        f"offence_groups: {group.id} counts {offence}, which is kept "
                        f"out of the ranking: {found}. Take it out of the group"
                    )
        return self

    @model_validator(mode="after")
    def _each_once(self) -> Ranking:
        names = [group.id for group in self.offence_groups]
        if len(set(names)) < len(names):
            raise ValueError("offence_groups: an id stands twice")
        if sorted(self.near_repeats.days) != self.near_repeats.days:
            raise ValueError("near_repeats.days: write them rising")
        return self

    def offences(self, data_set: DataSetName) -> dict[str, tuple[str, ...]]:
        """Return offence group → its offences, of those the data set can show."""
        return {
            group.id: tuple(group.offences[data_set])
            for group in self.offence_groups
            if data_set in group.offences
        }

    def why_no_rate(self, force: str) -> str | None:
        """Return why residents are no denominator for a force, if they are none."""
        return next(
            (one.why for one in self.no_resident_rate if one.force == force), None
        )


def _why_kept_out(offence: str, kept_out: list[KeptOut]) -> Iterator[str]:
    """Yield the declared reasons, and the one that no declaration can remove."""
    name = offence.casefold()
    for one in kept_out:
        if one.offence.casefold() in name:
            yield one.why
    if any(part in name for part in POLICE_GENERATED):
        yield "it is found by police activity, and more police make more of it"


def load_ranking(path: Path = _DECLARED) -> Ranking:
    """Load the declared ranking.

    Raises:
        RankingInvalid: missing, contradictory, or it ranks areas by an offence that
            police activity generates; file and line of each.
    """
    # Nothing in it counts from a day.
    return load_record(path, Ranking, date.min, RankingInvalid)
