"""The numbered rules of the platform, and what in the code enforces each.

A rule is asked through the `Enforced` object that `enforces` makes of its function, so
that one list says which rules there are, where each stands, and a test can take one
away and show that some test notices (`tests/mutation`). Nothing in the platform takes
one away.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        number: as refusals name it.
        title: what it asks for.
        law: where that is said.
        catches: the failure it must catch.
    """

    number: int
    title: str
    law: str
    catches: str


class Enforced(Generic[_P, _R]):
    """A function that enforces rules; calling it asks them.

    Attributes:
        numbers: of the rules it enforces.
        door: where it is asked, in words for people.
        removed: what stands in its place when a test takes it away.
    """

    def __init__(
        self,
        function: Callable[_P, _R],
        numbers: tuple[int, ...],
        door: str,
        removed: Callable[..., object],
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.numbers = numbers
        self.door = door
        self.removed = removed

    @property
    def where(self) -> str:
        """The module and name of the function."""
        return f"{self.function.__module__}:{self.function.__qualname__}"

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Ask."""
        return self.function(*args, **kwargs)


#: Everything that enforces a rule, filled as modules are imported.
ENFORCED: list[Enforced[..., object]] = []


def _nothing(*args: object, **kwargs: object) -> tuple[()]:
    return ()


def enforces(
    *numbers: int, door: str, removed: Callable[..., object] = _nothing
) -> Callable[[Callable[_P, _R]], Enforced[_P, _R]]:
    """Mark a module-level function as what enforces these rules.

    Args:
        numbers: of the rules, as in `RULES`.
        door: where it is asked, such as "landing, raw assets, dbt models".
        removed: what a mutation test puts in its place; by default a function that
            finds nothing to refuse.
    """

    def mark(function: Callable[_P, _R]) -> Enforced[_P, _R]:
        found: Enforced[_P, _R] = Enforced(function, numbers, door, removed)
        ENFORCED.append(found)  # type: ignore[arg-type]
        return found

    return mark


_RULES = [
    Rule(
        1,
        "A contract is valid against the ODCS JSON schema",
        "UK GDPR Art. 25; DPA 2018 s.57",
        "a misspelt `classificaton`, an unknown custom property",
    ),
    Rule(
        2,
        "Every data set that is loaded has an approved DPIA in date",
        "UK GDPR Art. 35; DPA 2018 s.64",
        "no DPIA, a draft, an expired one, one of another major version",
    ),
    Rule(
        3,
        "Only columns that the DPIA covers are loaded",
        "UK GDPR Art. 35(7); DPA 2018 s.64(3)",
        "a new column in the feed",
    ),
    Rule(
        4,
        "Layer, purpose and use case are within the DPIA's scope",
        "UK GDPR Art. 5(1)(b); DPA 2018 s.36",
        "a data set approved for one use read by another",
    ),
    Rule(
        5,
        "Sensitive Part 3 processing has a Schedule 8 condition and a policy document",
        "DPA 2018 ss.35(5), 42",
        "`sensitive: true` with no condition",
    ),
    Rule(
        6,
        "Part 3 data is used outside law enforcement only where authorised by law",
        "DPA 2018 s.36(4)",
        "a general purpose that names no law, Art. 6 or Art. 10 condition",
    ),
    Rule(
        7,
        "A high residual risk goes to the Information Commissioner first",
        "UK GDPR Art. 36; DPA 2018 s.65",
        "`residual: high` with no reference",
    ),
    Rule(
        8,
        "Author, data protection officer and signers are different people",
        "UK GDPR Art. 38(6); DPA 2018 s.70",
        "an author who signs",
    ),
    Rule(
        9,
        "The overarching DPIA is reviewed as each use case is delivered",
        "PCD 1577, 6.2",
        "a use case delivered after its last review",
    ),
    Rule(
        10,
        "Every person linked to an event has a category",
        "DPA 2018 s.38(3)",
        "a blank category; a witness recorded as a suspect by default",
    ),
    Rule(
        11,
        "Every measure a DPIA relies on exists",
        "UK GDPR Art. 35(7)(d)",
        "a check that no asset has",
    ),
    Rule(
        12,
        "Generated schemas match the contract",
        "UK GDPR Art. 25; DPA 2018 s.57",
        "a generated file that somebody edited",
    ),
    Rule(
        13,
        "The data is checked, not only its schema",
        "UK GDPR Art. 5(1)(d); DPA 2018 s.38(1)",
        "a bad value in a frame whose types are right",
    ),
    Rule(
        14,
        "Persons, objects, locations and events keep the national standards",
        "NPCC Minimum POLE Data Standards 1.1 (2023)",
        "an orphan person, a future date of birth, a made-up postcode",
    ),
    Rule(
        15,
        "Every data set has a retention rule that is registered",
        "UK GDPR Art. 5(1)(e); DPA 2018 s.39",
        "a contract with no `rrdRule`",
    ),
    Rule(
        16,
        "A disposal is complete",
        "PIRM Code 2023; DPA 2018 s.39",
        "a disposed person still in a store, or back after a reload",
    ),
    Rule(
        17,
        "A disposal fails closed",
        "PIRM Code 2023; CPIA 1996",
        "missing group or date of birth, a legal hold, an unconfirmed rule",
    ),
    Rule(
        18,
        "A grant is live at the moment of the query",
        "UK GDPR Arts. 5(1)(f), 32 and 35(11); DPA 2018 ss.40, 64 and 66",
        "an expired grant, training, vetting or DPIA that still returns rows",
    ),
    Rule(
        19,
        "A supplier's grant ends in time",
        "PCD 1305, 5.18; Police Act 1996 s.93",
        "a pro bono grant beyond six months, overlaps included; a contract grant past "
        "the contract, or not looked at this quarter",
    ),
    Rule(
        20,
        "A supplier sees personal data only under a DPIA and a processing contract",
        "UK GDPR Art. 28(3); DPA 2018 s.59; PCD 1305, 6.3-6.4",
        "a personal column that a supplier can reach without them",
    ),
    Rule(
        21,
        "A supplier is brought on completely",
        "PCD 1305, 5.18 and 5.20",
        "no training date, conflict form, single contact or s.93 reference",
    ),
    Rule(
        22,
        "A supplier's next sprint follows a decision to continue",
        "PCD 1577, 5.7",
        "a sprint with no `continue` on the one before",
    ),
    Rule(
        23,
        "The database gives what is declared, and nothing else",
        "UK GDPR Art. 32(1)(d); DPA 2018 s.66(2)",
        "a manual GRANT, a table without forced row security, a view of its owner",
    ),
    Rule(
        34,
        "Every look, join, export and deletion is on the log, with its purpose",
        "DPA 2018 s.62(1) to (3)",
        "an operation with no event, no person, no purpose",
    ),
    Rule(
        35,
        "The log shows whether it was touched",
        "DPA 2018 ss.40, 62 and 66(2); UK GDPR Art. 32(1)(b)",
        "an event edited, removed or moved, an end cut off",
    ),
    Rule(
        36,
        "Every use case has a whole equality impact assessment",
        "Equality Act 2010 s.149",
        "a missing characteristic, no monitoring measure",
    ),
    Rule(
        37,
        "Disparity is shown honestly",
        "Equality Act 2010 s.149; Race Disparity Unit, method of relative disparity",
        "a ratio with no interval, no unknown share, or fewer than ten events",
    ),
    Rule(
        38,
        "Limits are never computed across a break of the series",
        "PCD 1305, 1.9; Code of Practice for Statistics, Q2",
        "limits over March 2024 for hate crime or domestic abuse",
    ),
    Rule(
        39,
        "The total of notifiable offences holds notifiable offences alone",
        "Home Office Counting Rules for Recorded Crime",
        "“Other Accepted Crime” in the total",
    ),
    Rule(
        40,
        "A signal of fewer than twelve points is called a trial",
        "NHS England, Making data count",
        "a signal claimed on under 12 points without `trial`",
    ),
    Rule(
        41,
        "A cause is named only where it was shown",
        "PCD 1305, 1.9; Code of Practice for Statistics, V4",
        "`caused` without registration beforehand and passed placebos",
    ),
    Rule(
        43,
        "A model in use is on the algorithmic transparency record",
        "Algorithmic Transparency Recording Standard",
        "a deployed model with no record or no decision",
    ),
    Rule(
        44,
        "Work begins from a problem with an owner, an objective and a decision",
        "College of Policing APP, Data-driven technologies",
        "work started without them",
    ),
    Rule(
        45,
        "Information Assurance and Information Rights are consulted at every stage",
        "PCD 1577, 6.3",
        "a stage changed without dated entries of both",
    ),
    Rule(
        46,
        "The platform's equality assessment is reviewed after each delivery",
        "Equality Act 2010 s.149",
        "a use case delivered after its last review",
    ),
    Rule(
        47,
        "A product shows equality, or says why not",
        "Equality Act 2010 s.149",
        "a product with no equality section and no signed reason",
    ),
]

#: Number → rule, for those built so far.
RULES: dict[int, Rule] = {rule.number: rule for rule in _RULES}
