"""The linkage model as it is declared: one YAML file that a person can read and sign."""

from __future__ import annotations

import hashlib
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

#: How a column is compared; the levels of each stand in `scoring`.
Comparing = Literal["name", "date", "postcode", "number", "identifier", "category"]

#: Way of comparing → its levels of agreement, from the strongest.
LEVELS: dict[Comparing, tuple[str, ...]] = {
    "name": (
        "same",
        "nearly the same",
        "short form",
        "sounds the same",
        "initial only",
        "alike",
        "different",
    ),
    "date": (
        "same",
        "day and month swapped",
        "one digit differs",
        "a few days apart",
        "one year out",
        "same year",
        "different",
    ),
    "postcode": ("same", "one sign differs", "same sector", "different"),
    "number": ("same", "one digit differs", "different"),
    "identifier": ("same", "one sign differs", "different"),
    "category": ("same", "different"),
}

#: What is said where one of the two values is blank.
NOT_KNOWN = "not known"

#: Columns that are derived for blocking, from which kind of column, and how.
DERIVED: dict[str, tuple[Comparing, str]] = {
    "sound": ("name", "how the name sounds in English, as a code"),
    "initial": ("name", "its first letter"),
    "family": ("name", "the names that are short forms of one another, as one"),
    "unordered": ("date", "the year, with day and month in either order"),
    "year": ("date", "the year"),
    "birthday": ("date", "day and month, in either order, without the year"),
    "sector": ("postcode", "the postcode without its last two letters"),
}


class LinkageModelInvalid(RecordInvalid):
    """The linkage model cannot be relied on; file and line of each fault."""


class Comparison(Part):
    """One column that two nominals are compared by."""

    column: Words = Field(description="the column of the data set that is compared")
    how: Comparing = Field(
        alias="as",
        description="name, date, postcode, number, identifier or category",
    )
    unknown: list[str] = Field(
        default=[], description="values that say nothing, such as [Not known]"
    )


class Thresholds(Part):
    """Where a probability stops being a match, and where it stops being a doubt."""

    match: float = Field(gt=0.5, lt=1, description="at or above: one person")
    review: float = Field(
        gt=0, lt=1, description="at or above, below match: a person decides"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Thresholds:
        if self.review >= self.match:
            raise ValueError("`review` lies below `match`: between them people decide")
        return self


class Training(Part):
    """How the weights are estimated from the nominals themselves."""

    certain: list[list[str]] = Field(
        min_length=1,
        description="columns which, all the same, nearly always mean one person",
    )
    recall_of_certain: float = Field(
        gt=0, le=1, description="which share of true pairs those rules find"
    )
    sessions: list[list[str]] = Field(
        min_length=2,
        description="blocking rules of the estimation; each column is left out of one",
    )
    random_pairs: int = Field(
        ge=10_000, description="random pairs from which chance agreement is estimated"
    )
    fewest_nominals: int = Field(
        ge=1, description="with fewer nominals the start values are used as they are"
    )


class Doubt(Part):
    """A disagreement that no score outweighs: a person decides."""

    column: Words = Field(description="the compared column")
    when: list[Words] = Field(
        min_length=1, description="the levels of agreement that call for a person"
    )
    unless_same: list[str] = Field(
        description="columns any of which, the same, outweighs it; [] for none"
    )


class Quality(Part):
    """What is asked of the model where the truth is known."""

    precision: float = Field(
        gt=0, le=1, description="least share of links that are true"
    )
    recall: float = Field(gt=0, le=1, description="least share of true links found")


class ClericalReview(Part):
    """Who may look at doubtful pairs and decide them."""

    roles: list[Words] = Field(
        min_length=1, description="roles of the people register that may"
    )


class LinkageModel(Record):
    """The declared model.

    Attributes:
        fingerprint: of the file's bytes, 8 hex digits; part of every version.
    """

    register: ClassVar[str] = "linkage model"

    version: str = Field(pattern=r"^\d+\.\d+\.\d+$", description="three numbers")
    title: Words = Field(description="what it does, in a line")
    model_record: Words = Field(
        description="its algorithmic transparency record, in model_records/"
    )
    data_set: Words = Field(description="the data set of nominals")
    identifier: Words = Field(description="the column that names a nominal")
    purpose: Words = Field(description="the purpose of the register it serves")
    seed: int = Field(description="of every random choice, so that a run repeats")
    thresholds: Thresholds = Field(description="match and review")
    comparisons: list[Comparison] = Field(
        min_length=2, description="what nominals are compared by"
    )
    blocking: list[list[str]] = Field(
        min_length=1,
        description="pairs that agree on every column of one line are compared",
    )
    doubts: list[Doubt] = Field(
        description="disagreements that no score outweighs; [] for none"
    )
    training: Training = Field(description="how the weights are estimated")
    quality: Quality = Field(description="least precision and recall")
    short_forms: list[list[str]] = Field(
        default=[], description="names that are short forms of one another, a list each"
    )
    monitored_by: list[Words] = Field(
        default=[],
        description="columns by whose groups precision and recall are told apart",
    )
    largest_gap: float = Field(
        gt=0,
        lt=1,
        description="a group whose recall is this much below the whole is looked at",
    )
    largest_plausible_person: int = Field(
        ge=2, description="more nominals than this in one person is looked at"
    )
    clerical_review: ClericalReview = Field(description="who may review")
    fingerprint: str = Field(default="", exclude=True, description="set on loading")

    @model_validator(mode="after")
    def _known_columns(self) -> LinkageModel:
        known = set(self.columns) | set(self.derived)
        named = {
            name
            for rules in (self.blocking, self.training.certain, self.training.sessions)
            for rule in rules
            for name in rule
        }
        unknown = sorted(named - known)
        if unknown:
            raise ValueError(
                f"{', '.join(unknown)}: neither compared nor derived from what is; "
                f"there are {', '.join(sorted(known))}"
            )
        for doubt in self.doubts:
            for column in (doubt.column, *doubt.unless_same):
                if column not in self.columns:
                    raise ValueError(f"doubts: {column} is not compared")
            levels = (*LEVELS[self.how(doubt.column)], NOT_KNOWN)
            wrong = sorted(set(doubt.when) - set(levels))
            if wrong:
                raise ValueError(
                    f"doubts: {doubt.column} is never `{wrong[0]}`; it is one of "
                    f"{', '.join(levels)}"
                )
        forms = [name for names in self.short_forms for name in names]
        twice = sorted({name for name in forms if forms.count(name) > 1})
        if twice:
            raise ValueError(f"short_forms: {', '.join(twice)} stands in two lists")
        if any(not name.isascii() or name != name.upper() for name in forms):
            raise ValueError("short_forms: names are written in capital letters A to Z")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("a column is compared twice")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are compared."""
        return tuple(one.column for one in self.comparisons)

    def how(self, column: str) -> Comparing:
        """Return how a column is compared."""
        return next(one.how for one in self.comparisons if one.column == column)

    @property
    def derived(self) -> dict[str, tuple[str, str]]:
        """Derived column → (column it comes from, how): `surname_sound`."""
        return {
            f"{one.column}_{way}": (one.column, way)
            for one in self.comparisons
            for way, (kind, _) in DERIVED.items()
            if kind == one.how
        }


def load_linkage_model(path: Path, made_on: date) -> LinkageModel:
    """Load the declared model.

    Raises:
        LinkageModelInvalid: missing, unknown or contradictory; file and line of each.
    """
    model = load_record(path, LinkageModel, made_on, LinkageModelInvalid)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    return model.model_copy(update={"fingerprint": digest})
