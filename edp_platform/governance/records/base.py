"""How every record is read: strictly, with file, line and what to write instead.

Unknown names are refused, so that nothing signed is silently ignored. The description
of each field is the question it answers; blanks, templates and pages all ask it.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from edp_platform.governance.dates import resolve_date
from edp_platform.yaml_source import UnreadableYaml, YamlDocument, load_yaml


def _date(value: Any, info: ValidationInfo) -> date:
    anchor = (info.context or {}).get("anchor")
    return resolve_date(str(value), anchor)


#: A date: YYYY-MM-DD, or, in an example record, days from the home's first use.
RecordDate = Annotated[date, BeforeValidator(_date)]
#: Text that says something.
Words = Annotated[str, Field(min_length=1, pattern=r"\S")]
#: A version of three numbers, such as 1.0.0.
Version = Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
#: The id of a person of the people register.
PersonId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
#: Who answers: a team of the register or an e-mail address.
Owner = Annotated[str, Field(pattern=r"^(team:[a-z0-9-]+|[^@\s]+@[^@\s]+)$")]

#: Marks a field that names who answers for something from now on. When a person leaves,
#: these are handed over; what they signed or decided stays theirs.
OWNING: dict[str, Any] = {"owning": True}

#: Marks a field that a template asks for although a record may leave it out.
ASKED: dict[str, Any] = {"asked": True}


class Part(BaseModel):
    """A part of a record: no unknown names, never changed after it is read.

    Strict: what was written is not read as something else (`true` is no number).
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        allow_inf_nan=False,
    )

    @model_validator(mode="before")
    @classmethod
    def _on(cls, value: Any) -> Any:
        # A tool that reads YAML 1.1 turns the name `on` into true when it writes back.
        if isinstance(value, dict) and True in value and "on" not in value:
            return {
                ("on" if name is True else name): one for name, one in value.items()
            }
        return value


class Record(Part):
    """One record of a register.

    Attributes:
        register: what the register is called, in words; also the command's name.
        wrapper: the name under which the whole record stands in its file, where it does.
    """

    register: ClassVar[str] = "record"
    wrapper: ClassVar[str | None] = None

    id: Words = Field(description="a short name for this record, never used again")
    example: bool = Field(
        default=False,
        description="true only in a made-up record, whose dates may be relative",
    )


class Signature(Part):
    """Who signed, in which role, when."""

    role: Words = Field(
        description="the role they signed in, such as information_asset_owner"
    )
    by: PersonId = Field(description="who signs, not the author")
    on: RecordDate = Field(description="the day it was signed, YYYY-MM-DD")


class Consulted(Part):
    """One entry of a consultation: who was asked, when, and what they said."""

    by: PersonId = Field(description="who was consulted")
    on: RecordDate = Field(description="the day they answered, YYYY-MM-DD")
    advice: Words = Field(description="what they advised")


class Extension(Part):
    """A review put off by the senior information risk owner, at most fourteen days."""

    by: PersonId = Field(description="the senior information risk owner")
    on: RecordDate = Field(description="the day it was granted, YYYY-MM-DD")
    until: RecordDate = Field(
        description="the last day it gives, at most 14 days after the review was due"
    )
    reason: Words = Field(description="why the review could not be held in time")


class Review(Part):
    """When a record must be looked at again."""

    due: RecordDate = Field(
        description="when it must be looked at again, YYYY-MM-DD, within twelve months"
    )
    last: RecordDate | None = Field(
        default=None, description="the day of the last review, YYYY-MM-DD"
    )
    on_use_case: list[str] = Field(
        default=[], description="the use cases whose delivery calls for a review"
    )
    extension: Extension | None = Field(
        default=None, description="an extension granted after the review fell due"
    )


class RecordInvalid(ValueError):
    """A record cannot be relied on; each line of the message is `file:line: fault`."""


@dataclass(frozen=True)
class Fault:
    """One fault of a record.

    Attributes:
        path: the file.
        line: 1-based.
        message: what is wrong and what to write.
    """

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


_R = TypeVar("_R", bound=Record)


def load_record(
    path: Path, model: type[_R], made_on: date, error: type[RecordInvalid]
) -> _R:
    """Load one record.

    Args:
        path: its YAML file.
        model: what it must be.
        made_on: the day the home was first used, from which an example record's
            relative dates count.
        error: what to raise.

    Raises:
        RecordInvalid: of the class `error`: a missing file, blank, unknown or missing
            field, or a value of the wrong kind; one line for each.
    """
    try:
        document = load_yaml(path)
    except UnreadableYaml as unreadable:
        raise error(str(unreadable)) from unreadable
    return read_record(document, model, made_on, error)


def read_record(
    document: YamlDocument, model: type[_R], made_on: date, error: type[RecordInvalid]
) -> _R:
    """Read one record out of a document; see `load_record`."""
    prefix, data = _unwrapped(document, model)
    unanswered = blanks(document, model)
    if unanswered:
        raise error("\n".join(str(fault) for fault in unanswered))
    wrapper = model.wrapper
    if wrapper and not prefix and list(data) == [wrapper]:
        message = (
            f"`{wrapper}` holds no names and values: write the fields of this "
            f"{model.register} below it."
        )
        raise error(str(Fault(document.path, document.line([wrapper]), message)))
    anchor = made_on if data.get("example") is True else None
    try:
        return model.model_validate(data, context={"anchor": anchor})
    except ValidationError as invalid:
        lines = _in_words(invalid, document, prefix, model)
        raise error("\n".join(str(fault) for fault in lines)) from invalid


def blanks(document: YamlDocument, model: type[Record]) -> list[Fault]:
    """Return a fault for each field that was left blank, with what to write."""
    prefix, _ = _unwrapped(document, model)
    found = []
    for keys, line in document.blanks():
        inner = keys[len(prefix) :] if keys[: len(prefix)] == prefix else keys
        where = ".".join(key for key in inner if isinstance(key, str))
        what = question(model, inner)
        remedy = f"Write {what}" if what else "Write it, or remove the line"
        message = f"`{where}` is not answered. {remedy}."
        found.append(Fault(document.path, line, message))
    return found


def question(model: type[BaseModel], keys: Sequence[str | int]) -> str | None:
    """Return what a field asks, by its place in a record; None where nobody asks."""
    field = None
    current: type[BaseModel] | None = model
    for key in keys:
        if isinstance(key, int):
            continue
        if current is None:
            return field.description if field is not None else None
        field = field_named(current, key)
        if field is None:
            return None
        current = part_of(field.annotation)
    return field.description if field is not None else None


def field_named(model: type[BaseModel], name: str) -> Any:
    """Return the field of a model that a file writes as `name`, or None."""
    for own, field in model.model_fields.items():
        if name in (own, field.alias):
            return field
    return None


def part_of(annotation: Any) -> type[BaseModel] | None:
    """Return the part that an annotation holds (one, or a list or mapping of it)."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    origin = typing.get_origin(annotation)
    if origin in (list, dict, tuple, typing.Union, types.UnionType, Annotated):
        for argument in typing.get_args(annotation):
            found = part_of(argument)
            if found is not None:
                return found
    return None


def _unwrapped(
    document: YamlDocument, model: type[Record]
) -> tuple[list[str | int], dict[str, Any]]:
    """Return the place of the record in its file, and the record."""
    wrapper = model.wrapper
    inner = document.data.get(wrapper) if wrapper else None
    if wrapper and len(document.data) == 1 and isinstance(inner, dict):
        return [wrapper], inner
    return [], document.data


def _in_words(
    error: ValidationError,
    document: YamlDocument,
    prefix: list[str | int],
    model: type[Record],
) -> Iterator[Fault]:
    kind = model.register
    for fault in error.errors():
        keys = [key for key in fault["loc"] if isinstance(key, str | int)]
        where = ".".join(str(key) for key in keys)
        what = question(model, keys)
        asked = f" ({what})" if what else ""
        message = {
            "missing": f"`{where}` is not answered{asked}; this {kind} must state it.",
            "extra_forbidden": f"`{where}` is not a field of this {kind}; is it "
            "misspelt?",
        }.get(fault["type"])
        if message is None:
            said = str(fault["msg"]).removeprefix("Value error, ")
            message = f"`{where}`: {said}{asked}." if where else f"{said}."
        yield Fault(document.path, document.line([*prefix, *keys]), message)
