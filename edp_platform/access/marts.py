"""What each mart's columns say about people, and which data sets stand beneath it.

A column is personal where its value is made of a data set's column that identifies a
person (identifier class direct, quasi or sensitive in the contract), unless the column
gate let it pass under a named rule (`protected_by`, checked against the SQL itself). A
product in Python declares its lineage and is judged by that alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from edp_platform.governance.column_law import ColumnLaw, Judged
from edp_platform.governance.column_lineage import LOOKUP
from edp_platform.governance.refusal import Refusal

#: From what says nothing about a person to what names one.
CLASSES = ("none", "quasi", "sensitive", "direct")
#: Of a governed column whose contract gives no class: the most careful reading.
_UNSTATED = "direct"


@dataclass(frozen=True)
class MartColumn:
    """One column of a mart.

    Attributes:
        name: as the database has it.
        identifier_class: what it can tell about a person: none, quasi, sensitive or
            direct.
        data_sets: those whose personal columns it is made of, where it is personal.
    """

    name: str
    identifier_class: str = "none"
    data_sets: frozenset[str] = frozenset()

    @property
    def is_personal(self) -> bool:
        """Whether it can tell something about a person."""
        return self.identifier_class != "none"


@dataclass(frozen=True)
class Source:
    """One data set beneath a mart.

    Attributes:
        data_set: its name.
        purposes: those that it is used for in this mart.
        refusals: why the mart may not use it today, whatever the grant.
        is_open_data: whether its publisher licenses it to everybody.
    """

    data_set: str
    purposes: tuple[str, ...]
    refusals: tuple[Refusal, ...] = ()
    is_open_data: bool = False


@dataclass(frozen=True)
class Mart:
    """One mart.

    Attributes:
        name: as it is published.
        columns: in order.
        sources: the data sets beneath it.
        use_case: whose it is.
        refusals: why it may be shown to nobody today.
        counts: of a brokered mart the columns that count (`access.brokering`); None:
            it is no such mart.
    """

    name: str
    columns: tuple[MartColumn, ...]
    sources: tuple[Source, ...] = ()
    use_case: str | None = None
    refusals: tuple[Refusal, ...] = ()
    counts: tuple[str, ...] | None = None

    @cached_property
    def by_name(self) -> Mapping[str, MartColumn]:
        """Column → what it is."""
        return {one.name: one for one in self.columns}

    @property
    def data_sets(self) -> frozenset[str]:
        """The data sets beneath it."""
        return frozenset(one.data_set for one in self.sources)

    @property
    def is_brokered(self) -> bool:
        """Whether it is reached through a function alone."""
        return self.counts is not None

    def admits(self, purposes: Iterable[str]) -> bool:
        """Whether each data set beneath it is used for one of these purposes."""
        asked = frozenset(purposes)
        return all(asked & {*one.purposes} for one in self.sources)


@dataclass(frozen=True)
class DataSetState:
    """Whether a data set's DPIA lets its data be seen, and until when.

    Attributes:
        data_set: its name.
        dpia: the record.
        is_open: whether no rule refuses it today.
        good_until: the last day without another review, of its own DPIA and the
            overarching one; None where there is none to rely on.
        said: why it is shut.
    """

    data_set: str
    dpia: str
    is_open: bool
    good_until: date | None
    said: tuple[str, ...] = ()


def column_of(
    law: ColumnLaw, relation: tuple[str, str], name: str, rules: Iterable[str] = ()
) -> MartColumn:
    """Return what a column of a mart says about people.

    Args:
        law: the lineage under the contracts.
        relation: schema and table.
        name: the column.
        rules: those that its declaration names as protecting it.
    """
    traced = law.origins.lineage.get(relation)
    if traced is None or name not in traced.columns:
        # What cannot be followed may hold anybody's data, whatever its name.
        return MartColumn(name, _UNSTATED)
    if tuple(rules):
        return MartColumn(name)
    found: dict[str, str] = {}
    for one in law.governed(law.origins.of((*relation, name))):
        if one.is_direct or _is_looked_up_by(law, one):
            stated = one.column.identifier_class or _UNSTATED
            held = stated if stated in CLASSES else _UNSTATED
            before = found.get(one.key[1], "none")
            found[one.key[1]] = max(before, held, key=CLASSES.index)
    highest = max(found.values(), default="none", key=CLASSES.index)
    return MartColumn(
        name,
        highest,
        frozenset(one for one, held in found.items() if held != "none"),
    )


def _is_looked_up_by(law: ColumnLaw, one: Judged) -> bool:
    """Whether a value says what it was looked up by: a label says the code.

    A record found by its number says what the record holds, not the number.
    """
    return LOOKUP in one.step.how and not law.identifies(one.key, one.column)
