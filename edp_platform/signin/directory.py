"""The people of the registers, as they are at this moment.

A web process lives for weeks. Who left, or changed role, must count at the next request:
the files are looked at whenever somebody is asked about, and read when one changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

from edp_platform.access.holders import Holder, Holders
from edp_platform.governance.records.base import load_record
from edp_platform.governance.records.sign_in import (
    Level,
    Persona,
    Personas,
    PersonasInvalid,
)
from edp_platform.governance.registers import Registers
from edp_platform.signin.refusals import Refused

_UNKNOWN = (
    "You are not on the register of people of this platform. Ask the platform's owner to "
    "add you."
)


class _Known(NamedTuple):
    mark: tuple[tuple[str, int, int], ...]
    registers: Registers
    holders: Holders


class Directory:
    """Who is who.

    Args:
        made_on: the anchor of example records' relative dates.
        folder: the registers; default as `Registers`.
        today: the day, asked at each look.
    """

    def __init__(
        self,
        made_on: date,
        folder: Path | None = None,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._made_on = made_on
        self._folder = Registers(made_on, folder).folder
        self._today = today
        self._known: _Known | None = None
        self._personas: tuple[tuple[str, int, int], Personas] | None = None

    def person(self, person_id: str) -> Holder:
        """Return a person of the force, or of a supplier, who is here.

        Raises:
            Refused: there is none, they left, or their record cannot be relied on.
        """
        found = self._read().holders.get(person_id)
        if found is None:
            raise Refused("unknown", _UNKNOWN, person_id)
        return self._present(found)

    def person_by_email(self, address: str) -> Holder:
        """Return the one person of the force with this address, if they are here.

        Raises:
            Refused: nobody has it, more than one has, or they left.
        """
        known = self._read()
        wanted = address.strip().casefold()
        people = known.registers.people.values()
        found = [one.id for one in people if (one.email or "").casefold() == wanted]
        if not wanted or not found:
            raise Refused("unknown", _UNKNOWN, address)
        if len(found) > 1:
            raise Refused(
                "ambiguous",
                "More than one person of the register has your address. Ask the "
                "platform's owner to mend it.",
                address,
            )
        return self.person(found[0])

    def personas(self) -> list[tuple[Persona, Holder]]:
        """Return each persona whose person is on the registers and here.

        Raises:
            PersonasInvalid: the register of sign-in cannot be relied on.
        """
        found = []
        for persona in self._register().personas:
            try:
                found.append((persona, self.person(persona.person)))
            except Refused:
                continue
        return found

    def level(self, person: Holder) -> Level | None:
        """Return what a person may do in the user interface; None for nothing.

        Raises:
            PersonasInvalid: the register of sign-in cannot be relied on.
        """
        return self._register().levels.get(person.role)

    def _present(self, person: Holder) -> Holder:
        today = self._today()
        if person.left is not None and person.left <= today:
            raise Refused(
                "left",
                "The register says that you have left, so you are not signed in.",
                person.id,
            )
        supplier = person.supplier
        if supplier is not None and (
            not supplier.starts <= today <= supplier.ends or supplier.closed is not None
        ):
            raise Refused(
                "supplier_not_engaged",
                "The register says that your firm's work here has not begun or is over, "
                "so you are not signed in.",
                person.id,
            )
        return person

    def _register(self) -> Personas:
        path = self._folder / "personas.yaml"
        mark = next(_marks([path]), ("", 0, 0))
        if self._personas is None or self._personas[0] != mark:
            self._personas = None
            read = load_record(path, Personas, self._made_on, PersonasInvalid)
            self._personas = (mark, read)
        return self._personas[1]

    def _read(self) -> _Known:
        folders = [self._folder / name for name in ("people", "suppliers")]
        # Before reading: what changes meanwhile must be seen as changed.
        mark = tuple(sorted(_marks([path for one in folders for path in _files(one)])))
        if self._known is None or self._known.mark != mark:
            registers = Registers(self._made_on, self._folder)
            self._known = _Known(mark, registers, Holders(registers))
        return self._known


def _files(folder: Path) -> list[Path]:
    try:
        return [Path(one) for one in os.scandir(folder) if one.name.endswith(".yaml")]
    except FileNotFoundError:
        return []


def _marks(paths: list[Path]) -> Iterator[tuple[str, int, int]]:
    for path in paths:
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        yield str(path), stat.st_mtime_ns, stat.st_size
