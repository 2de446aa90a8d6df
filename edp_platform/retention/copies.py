"""The register of copies: every store that holds rows, and how to reach a person in it.

A store that is added later adds itself to `REGISTER`; a room of the home that nobody
registered makes every disposal fail, because nobody could say that it is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from edp_platform.datasets import DataSets
from edp_platform.home import Home
from edp_platform.retention.people import People

#: Data set (or table) → rows, each column → value.
Exported = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Held:
    """What one place of a store holds about some persons: how much, never what.

    Attributes:
        place: file or table, relative to the home.
        rows: that are about them.
        mentions: that only name them, and stay without the name.
    """

    place: str
    rows: int
    mentions: int = 0


@dataclass(frozen=True)
class Change:
    """A correction of one cell of some records.

    Attributes:
        data_set: whose records.
        column: lake name of the column.
        received_as: name of the column in the file.
        value: the text that stands there from now on.
        lines: account of a landed file → first lines of the records.
        by: who corrects.
        reason: why.
    """

    data_set: str
    column: str
    received_as: str
    value: str
    lines: Mapping[str, tuple[int, ...]]
    by: str
    reason: str


class Copy(Protocol):
    """A store that holds rows.

    `erase` and `restrict` may be asked again after a kill and then do the rest.
    """

    name: str
    #: Top-level names in `EDP_HOME` that it answers for.
    rooms: frozenset[str]
    #: What becomes of a correction here, in words for people.
    corrected_by: str
    #: Whether people or models work from it: a restricted person may not be in it.
    in_use: bool

    def find(self, people: People) -> list[Held]:
        """Return where it holds rows of the persons; nothing when it holds none."""

    def export(self, people: People) -> Exported:
        """Return the rows of the persons."""

    def correct(self, change: Change) -> int:
        """Put a correction in force; return how many records it now stands in.

        A copy that is rebuilt from another takes it at the rebuild and returns 0.
        """

    def restrict(self, people: People) -> int:
        """Take the persons out of use; return the rows that left.

        A copy that nobody works from keeps them and returns 0.
        """

    def erase(self, people: People) -> int:
        """Remove the persons; return the rows that went.

        Raises:
            OSError: it cannot be written, or is held by another process.
        """


#: Makes a store's copy for one home.
Maker = Callable[[Home, DataSets], Copy]

#: Every store, in the order in which a disposal empties them: what others are rebuilt
#: from comes first.
REGISTER: list[Maker] = []

#: Top-level names in `EDP_HOME` without rows of persons, and why there are none.
WITHOUT_ROWS: dict[str, str] = {
    "home.json": "the day the home was made",
    "reconciliation": "counts by file",
    "revisions": "counts by file and column",
    "dbt": "the parsed project and compiled SQL",
    "dagster": "events of runs: counts, columns, names of assets",
    "cache": "validity of contracts; can be thrown away",
    "fetched": "published files downloaded to be landed; they know nobody by identifier",
    "logs": "what the server says of itself",
    "review_packs": "counts, costs and states of a sprint",
    "measures": "figures of measures as they were published: aggregates",
    "frozen": "figures of measures as a meeting saw them: aggregates",
    "alerts": "changes of trend, and messages about them: aggregates",
    "evaluations": "who looked at an outcome first, and when",
    "sample": "the made-up force's own systems, which landing reads from",
    "requests": "requests for access, by people of the register",
    "audit": "persons as keyed hashes only",
    "keys": "keys",
    "manifest": "the parsed dbt project",
}


def register(maker: Maker) -> Maker:
    """Add a store to the register."""
    REGISTER.append(maker)
    return maker


def copies(home: Home, data_sets: DataSets) -> list[Copy]:
    """Return every registered store of a home."""
    from edp_platform.retention import stores  # registers the platform's own

    assert stores.__name__
    return [maker(home, data_sets) for maker in REGISTER]


def unregistered_rooms(home: Home, registered: list[Copy]) -> list[str]:
    """Return what stands in the home and no copy answers for.

    Files and folders whose names begin with a dot are locks and half-written files.
    """
    known = set(WITHOUT_ROWS).union(*(one.rooms for one in registered))
    return sorted(
        path.name
        for path in home.root.iterdir()
        if path.name not in known and not path.name.startswith(".")
    )
