"""What the log must know of marts and grants, kept beside it from one look to the next.

To read it from contracts and lineage takes a second; a query waits for neither.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edp_platform.auditing.statements import Known, KnownMart
from edp_platform.files import read_json, write_json
from edp_platform.home import Home

if TYPE_CHECKING:
    from edp_platform.access.declared import Declared, Facts

#: What stands for a purpose where no grant gives one.
NO_PURPOSE = "none granted"


@dataclass(frozen=True)
class GrantUse:
    """One live grant of one person on one mart.

    Attributes:
        id: the grant's.
        purposes: of the register.
        project: what it is for.
        columns: those it opens.
    """

    id: str
    purposes: tuple[str, ...]
    project: str
    columns: frozenset[str]


@dataclass(frozen=True)
class Background:
    """What each event is told against.

    Attributes:
        marts: mart → what it is.
        grants: person → mart → live grants.
    """

    marts: Known = field(default_factory=dict)
    grants: Mapping[str, Mapping[str, tuple[GrantUse, ...]]] = field(
        default_factory=dict
    )

    def grants_on(self, person: str, marts: Collection[str]) -> tuple[GrantUse, ...]:
        """Return a person's live grants on some marts, each once."""
        own = self.grants.get(person, {})
        found = {one.id: one for mart in marts for one in own.get(mart, ())}
        return tuple(found[each] for each in sorted(found))

    def dpias(self, marts: Collection[str]) -> tuple[str, ...]:
        """Return the DPIAs beneath some marts."""
        found = {
            one
            for mart in marts
            if mart in self.marts
            for one in self.marts[mart].dpias
        }
        return tuple(sorted(found))


def background_of(declared: Declared, facts: Facts) -> Background:
    """Return the background out of what is declared today."""
    marts = {
        mart.name: KnownMart(
            tuple(one.name for one in mart.columns),
            frozenset(one.name for one in mart.columns if one.is_personal),
            mart.data_sets,
            tuple(
                sorted(
                    facts.states[one].dpia
                    for one in mart.data_sets
                    if one in facts.states
                )
            ),
            mart.is_brokered,
        )
        for mart in facts.marts.values()
    }
    grants: dict[str, dict[str, list[GrantUse]]] = {}
    for one in declared.judged:
        if one.is_live:
            use = GrantUse(
                one.grant.id,
                tuple(one.grant.purposes),
                one.grant.project,
                frozenset(column.name for column in one.columns),
            )
            grants.setdefault(one.grant.person, {}).setdefault(one.mart, []).append(use)
    return Background(
        marts,
        {
            person: {mart: tuple(uses) for mart, uses in each.items()}
            for person, each in grants.items()
        },
    )


def _path(home: Home) -> Path:
    return home.audit / "background.json"


def keep_background(home: Home, background: Background) -> None:
    """Keep it for the next look.

    Raises:
        WriteFailed: it cannot be written.
    """
    write_json(
        _path(home),
        {
            "marts": {
                name: {
                    "columns": [*one.columns],
                    "personal": sorted(one.personal),
                    "data_sets": sorted(one.data_sets),
                    "dpias": [*one.dpias],
                    "is_brokered": one.is_brokered,
                }
                for name, one in background.marts.items()
            },
            "grants": {
                person: {
                    mart: [
                        {
                            "id": one.id,
                            "purposes": [*one.purposes],
                            "project": one.project,
                            "columns": sorted(one.columns),
                        }
                        for one in uses
                    ]
                    for mart, uses in each.items()
                }
                for person, each in background.grants.items()
            },
        },
    )


def kept_background(home: Home) -> Background | None:
    """Return what was kept; None where nothing was."""
    found: dict[str, Any] | None = read_json(_path(home))
    if found is None:
        return None
    return Background(
        {
            name: KnownMart(
                tuple(one["columns"]),
                frozenset(one["personal"]),
                frozenset(one["data_sets"]),
                tuple(one["dpias"]),
                bool(one.get("is_brokered")),
            )
            for name, one in found["marts"].items()
        },
        {
            person: {
                mart: tuple(
                    GrantUse(
                        one["id"],
                        tuple(one["purposes"]),
                        one["project"],
                        frozenset(one["columns"]),
                    )
                    for one in uses
                )
                for mart, uses in each.items()
            }
            for person, each in found["grants"].items()
        },
    )
