"""When a person leaves: what they answered for goes to another; what they did stays.

Signatures, advice and decisions are facts about the past and are never rewritten. Fields
that name who answers from now on are marked `OWNING` in the models; each is changed in
place, so that comments and layout stay as people wrote them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from edp_platform.datasets import DataSet, DataSets, defs_root
from edp_platform.governance.catalogue import entries
from edp_platform.governance.record_editing import (
    add_value,
    replace_value,
    write_checked,
)
from edp_platform.governance.records.base import (
    Record,
    RecordInvalid,
    field_named,
    part_of,
)
from edp_platform.governance.records.dpia import Dpia
from edp_platform.governance.records.people import Person, Team
from edp_platform.governance.records.use_case import UseCaseRecord
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.registers import Registers
from edp_platform.governance.rules import enforces
from edp_platform.home import Home
from edp_platform.use_cases import UseCaseFolder, UseCases
from edp_platform.yaml_source import UnreadableYaml, load_yaml


class CannotHandOver(ValueError):
    """Nothing was changed; the message says why."""


@dataclass(frozen=True)
class Handed:
    """One field handed over: where, and what it says now."""

    path: Path
    line: int
    field: str


def hand_over(leaver: str, successor: str, today: date, home: Home) -> list[Handed]:
    """Give what one person answers for to another, and write that they left.

    Args:
        leaver: the id of who leaves.
        successor: the id of who answers from now on.
        today: the day they leave.
        home: whose registers.

    Returns:
        each field changed, the leaver's own record last.

    Raises:
        CannotHandOver: either is not on the register, the successor has left, would
            answer for what they must stay apart from (rule 8), or lacks an e-mail address
            that data sets are owned by.
        NotEditable, WriteFailed: a file cannot be changed; those before it are.
    """
    registers = Registers(home.made_on)
    gone, heir = _people(leaver, successor, today, registers)
    changes = [
        *_in_registers(leaver, registers),
        *_in_use_cases(leaver, home, today),
        *_in_eqias(leaver, home),
    ]
    by_mail = _by_mail(gone)
    refusals = duties_stay_apart(
        gone,
        heir,
        len(changes) + len(by_mail),
        registers.teams.values(),
        _assessments(registers, home),
    )
    if refusals:
        raise CannotHandOver("\n".join(str(one) for one in refusals))
    if by_mail and heir.email is None:
        raise CannotHandOver(
            f"{leaver} owns {len(by_mail)} by e-mail address, and {successor} has none "
            f"on record. Write `email` in {registers.people.path(successor)}."
        )
    handed = [_replace(path, keys, successor) for path, keys in dict.fromkeys(changes)]
    handed += [_replace(path, keys, str(heir.email)) for path, keys in by_mail]
    path = registers.people.path(leaver)
    text = add_value(path.read_text(encoding="utf-8"), [], "left", today.isoformat())
    write_checked(path, text)
    return [*handed, Handed(path, load_yaml(path).line(["left"]), "left")]


def _people(
    leaver: str, successor: str, today: date, registers: Registers
) -> tuple[Person, Person]:
    found = []
    for name in (leaver, successor):
        if name not in registers.people:
            raise CannotHandOver(
                f"{name} is nobody of the register `people`; nothing was changed."
            )
        found.append(registers.people[name])
    if leaver == successor:
        raise CannotHandOver("A person cannot hand over to themselves.")
    heir = found[1]
    if heir.left is not None and heir.left <= today:
        raise CannotHandOver(
            f"{successor} left on {heir.left} and cannot take anything over."
        )
    return found[0], heir


@enforces(8, door="edp people leave")
def duties_stay_apart(
    leaver: Person,
    heir: Person,
    handed: int,
    teams: Collection[Team],
    assessments: Mapping[str, Collection[Dpia]],
) -> tuple[Refusal, ...]:
    """Refuse a hand-over by which one person would hold duties that are kept apart.

    The data protection officer answers for nothing they advise on. A team's lead writes
    the DPIAs of its data sets and its information asset owner signs them, so neither
    goes to the other, nor to who signed, or wrote, one of them. Source: UK GDPR
    Art. 38(6); DPA 2018 s.70(3).

    Args:
        leaver: who leaves.
        heir: who answers from now on.
        handed: how many fields would be handed over.
        teams: of the register.
        assessments: the DPIAs of what each team owns, by the team's id.
    """
    if heir.role == "data_protection_officer" and handed:
        return (
            _together(
                f"{heir.id} is the data protection officer, and would answer in "
                f"{handed} places where {leaver.id} does.",
                "The officer advises, and neither owns nor signs (UK GDPR Art. 38(6)).",
            ),
        )
    found = []
    for team in teams:
        leads, owns = team.lead == leaver.id, team.information_asset_owner == leaver.id
        if (leads and team.information_asset_owner == heir.id) or (
            owns and team.lead == heir.id
        ):
            found.append(
                _together(
                    f"{heir.id} would be both lead and information asset owner of "
                    f"{team.id}.",
                    "Whoever writes an assessment does not approve it.",
                )
            )
            continue
        for dpia in assessments.get(team.id, ()):
            if owns and dpia.author == heir.id:
                did, would = "wrote", "own, and sign for,"
            elif leads and heir.id in {mark.by for mark in dpia.sign_off}:
                did, would = "signed", "lead the team that writes"
            else:
                continue
            found.append(
                _together(
                    f"{heir.id} {did} {dpia.id}, and would {would} it in {team.id}.",
                    "Whoever writes an assessment does not approve it.",
                )
            )
    return tuple(found)


def _together(missing: str, why: str) -> Refusal:
    return Refusal(
        "separation",
        missing,
        f"{why} Nothing was changed (separation of duty).",
        "Name somebody else with --to, or hand over the team first in the registers.",
        8,
    )


def _assessments(registers: Registers, home: Home) -> dict[str, list[Dpia]]:
    """Return the DPIAs of what each team owns; the overarching one is the platform's."""
    owned: list[tuple[str, DataSet | UseCaseFolder]] = [
        (owner, data_set)
        for data_set in DataSets.load(home, registers=registers).by_name.values()
        for owner in data_set.contract.owners
    ]
    owned += [
        (use_case.product_owner, use_case)
        for use_case in UseCases.load(home, registers=registers).by_name.values()
    ]
    found: dict[str, list[Dpia]] = {}
    with suppress(RecordInvalid):
        found["team:platform"] = [registers.platform_dpia]
    for owner, one in owned:
        with suppress(RecordInvalid):  # edp governance check tells of it
            if one.dpia is not None:
                found.setdefault(owner, []).append(one.dpia)
    return found


_Place = tuple[Path, tuple[str | int, ...]]


def _in_registers(leaver: str, registers: Registers) -> Iterator[_Place]:
    for register in registers.all.values():
        for record in register.values():
            for keys in owning(record, leaver):
                yield register.path(record.id), tuple(keys)


def _in_use_cases(leaver: str, home: Home, today: date) -> Iterator[_Place]:
    for entry in entries("use-case", home):
        record = entry.record
        assert isinstance(record, UseCaseRecord)
        for keys in owning(record, leaver):
            if keys[0] == "sprints":
                delivered = record.sprints[int(keys[1])].delivered_on
                if delivered is not None and delivered <= today:
                    continue  # who led a sprint that is over stays a fact
            yield entry.path, (*entry.prefix, *keys)


def _in_eqias(leaver: str, home: Home) -> Iterator[_Place]:
    for entry in entries("eqia", home):
        for keys in owning(entry.record, leaver):
            yield entry.path, (*entry.prefix, *keys)


def owning(record: Record | BaseModel, person: str) -> Iterator[list[str | int]]:
    """Yield the place of each field by which a person answers for something."""
    written = record.model_dump(by_alias=True)
    yield from _owning(type(record), written, person, [])


def _owning(
    model: type[BaseModel], value: Any, person: str, place: list[str | int]
) -> Iterator[list[str | int]]:
    for name, inner in value.items():
        field = field_named(model, name)
        if field is None:
            continue
        here = [*place, name]
        part = part_of(field.annotation)
        if part is None:
            extra = field.json_schema_extra
            if isinstance(extra, dict) and extra.get("owning") and inner == person:
                yield here
        elif isinstance(inner, dict):
            yield from _owning(part, inner, person, here)
        elif isinstance(inner, list):
            for index, one in enumerate(inner):
                yield from _owning(part, one, person, [*here, index])


def _by_mail(leaver: Person) -> list[_Place]:
    """Return where data sets and use cases are owned by the leaver's address."""
    if leaver.email is None:
        return []
    found: list[_Place] = []
    for path in sorted(defs_root().rglob("*.yaml")):
        if path.name not in ("contract.yaml", "defs.yaml"):
            continue
        try:
            document = load_yaml(path)
            members = document.mapping("team").get("members") or []
            attributes = document.mapping("attributes")
        except UnreadableYaml:
            continue  # edp governance check tells of it
        for index, member in enumerate(members):
            if isinstance(member, dict) and member.get("username") == leaver.email:
                found.append((path, ("team", "members", index, "username")))
        if attributes.get("product_owner") == leaver.email:
            found.append((path, ("attributes", "product_owner")))
    return found


def _replace(path: Path, keys: Sequence[str | int], value: str) -> Handed:
    text = replace_value(path.read_text(encoding="utf-8"), keys, value)
    write_checked(path, text)
    field = ".".join(str(key) for key in keys)
    return Handed(path, load_yaml(path).line(list(keys)), field)


__all__ = ["CannotHandOver", "Handed", "hand_over", "owning"]
