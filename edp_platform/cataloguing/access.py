"""Who may see what is published, until when: the live grants, by mart and data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from edp_platform.access.declared import Facts, Judged, judge
from edp_platform.access.rules import recertified_until
from edp_platform.governance.registers import Registers


@dataclass(frozen=True)
class Access:
    """What one person may see of one mart.

    Attributes:
        person: their id, as grants name them.
        name: for people.
        firm: their supplier's record; None for the force.
        mart: what they see.
        columns: which of its columns.
        rows: column → the only values whose rows they see; empty for all.
        until: the last day, of the grant or of a DPIA beneath, whichever is first.
        grant: the record that gives it.
        purposes: for which it is given.
        project: what it is needed for.
    """

    person: str
    name: str
    firm: str | None
    mart: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[str, ...]]
    until: date
    grant: str
    purposes: tuple[str, ...]
    project: str

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {**asdict(self), "until": self.until.isoformat()}


@dataclass(frozen=True)
class AccessBook:
    """Every live grant of a day.

    Attributes:
        live: what each gives, by mart and person.
        beneath: mart → the data sets it is made from.
    """

    live: tuple[Access, ...] = ()
    beneath: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, registers: Registers, facts: Facts, today: date) -> AccessBook:
        """Judge every grant as `edp access` does, and keep the live ones."""
        found = [
            _access(one, facts, today)
            for one in judge(registers, facts, today)
            if one.is_live and one.holder is not None
        ]
        beneath = {name: mart.data_sets for name, mart in facts.marts.items()}
        return cls(
            tuple(sorted(found, key=lambda one: (one.mart, one.person, one.grant))),
            beneath,
        )

    def access_of(self, name: str) -> list[Access]:
        """Return who may see a mart, or any mart that is made of a data set."""
        return [
            one
            for one in self.live
            if one.mart == name or name in self.beneath.get(one.mart, ())
        ]


def _access(one: Judged, facts: Facts, today: date) -> Access:
    assert one.holder is not None  # `of` keeps those that somebody holds
    grant = one.grant
    ends = [grant.last_day]
    for name in facts.marts[one.mart].data_sets:
        good_until = facts.states[name].good_until if name in facts.states else None
        ends += [good_until] if good_until else []
    if grant.kind == "contract":
        ends.append(recertified_until(grant, today))
    return Access(
        person=grant.person,
        name=one.holder.name,
        firm=one.holder.supplier.id if one.holder.supplier else None,
        mart=one.mart,
        columns=tuple(column.name for column in one.columns),
        rows={name: tuple(values) for name, values in grant.rows.items()},
        until=min(ends),
        grant=grant.id,
        purposes=tuple(grant.purposes),
        project=grant.project,
    )
