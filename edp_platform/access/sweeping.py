"""The sweep: everything of access read anew and carried out, in one call."""

from __future__ import annotations

from datetime import date

from edp_platform.access.applying import Applied, apply
from edp_platform.access.declared import Declared, declare
from edp_platform.access.facts import read_facts
from edp_platform.database.connecting import administrator
from edp_platform.database.server import running
from edp_platform.governance.registers import Registers
from edp_platform.home import Home


def declared_now(home: Home, today: date) -> Declared:
    """Return what the database should hold on a day, by registers and marts.

    Raises:
        DbtFailed: the dbt project does not parse.
    """
    registers = Registers(home.made_on)
    return declare(registers, read_facts(home, registers, today), today)


def sweep(home: Home, today: date) -> Applied:
    """Make the database as declared on a day.

    Raises:
        DbtFailed: the dbt project does not parse.
        DatabaseUnavailable: the server cannot be started or reached.
        NotAsDeclared: something can be put right by a person alone.
    """
    declared = declared_now(home, today)
    with running(home), administrator(home) as connection:
        return apply(home, connection, declared)
