"""Who acts, and whether their role lets them: people of the register, nobody else."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import date

from edp_platform.governance.records.people import Person
from edp_platform.governance.registers import Registers
from edp_platform.told import Told


class NotAllowed(Told):
    """Nobody is named, or not somebody who may; nothing was shown or changed."""


def acting_person(
    registers: Registers,
    stated: str | None,
    roles: Collection[str],
    what: str,
    today: date,
) -> Person:
    """Return the person who acts.

    Args:
        registers: whose people.
        stated: the id that the command was given; else the environment's `EDP_USER`.
        roles: those who may, by their role.
        what: what they would do, for the message.
        today: a person who has left may do nothing.

    Raises:
        NotAllowed: see above.
    """
    chosen = stated or os.environ.get("EDP_USER")
    if not chosen:
        raise NotAllowed(
            f"Nobody is named, and {what} is logged by person. Say who you are with "
            "--as-person ID, or set EDP_USER."
        )
    person = registers.people.get(chosen)
    if person is None:
        raise NotAllowed(
            f"{chosen} is not on the register of people, so they may not {what}. Add "
            f"{registers.people.path(chosen)}, or name somebody who is."
        )
    if person.left is not None and person.left <= today:
        raise NotAllowed(f"{chosen} left on {person.left}, so they may not {what}.")
    if person.role not in roles:
        raise NotAllowed(
            f"{chosen} is {_words(person.role)}; only "
            f"{' or '.join(sorted(map(_words, roles)))} may {what}."
        )
    return person


def require_purpose(registers: Registers, purpose: str) -> str:
    """Return a purpose of the register.

    Raises:
        NotAllowed: it is not on the register.
    """
    if purpose not in registers.purposes:
        raise NotAllowed(
            f"{purpose} is no purpose of the register; there are "
            f"{', '.join(registers.purposes)}."
        )
    return purpose


def _words(role: str) -> str:
    return role.replace("_", " ")
