"""Deciding on a request: a change to the register, by somebody else than who asked."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from edp_platform.access.rules import approved_by_another
from edp_platform.governance.record_editing import (
    add_value,
    replace_value,
    write_checked,
)
from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.told import Told


class CannotDecide(Told):
    """The request cannot be decided so; the register stands as it stood."""


def decide(
    grant_id: str, by: str, home: Home, registers: Registers, today: date, *, to: str
) -> Path:
    """Write what was decided on a request into the register of grants (rule 8).

    Args:
        grant_id: of the request.
        by: who decides.
        home: where requests wait while the force keeps no registers of its own.
        registers: the force's.
        today: the day of the decision.
        to: approved or refused.

    Returns:
        the file written.

    Raises:
        CannotDecide: there is no such request, it was decided, or this person may not.
        NotEditable, WriteFailed: the file cannot be written.
    """
    grant = registers.grants.get(grant_id)
    if grant is None or os.environ.get("EDP_REGISTERS") is None:
        raise CannotDecide(_nowhere(grant_id, home, registers))
    if grant.status != "requested":
        raise CannotDecide(
            f"The grant {grant_id} is {grant.status}, so there is nothing to decide. "
            "What changes later is written in the register: edp access who "
            f"{grant.person} says what holds."
        )
    decided = grant.model_copy(
        update={"status": "approved", "approved_by": by, "approved_on": today}
    )
    # Who may not approve may not refuse either.
    for refusal in approved_by_another(decided, registers.people, today):
        raise CannotDecide(f"{by} may not decide on {grant_id}: {refusal}")
    path = registers.grants.path(grant_id)
    text = path.read_text(encoding="utf-8")
    text = replace_value(text, ["status"], to)
    text = add_value(text, [], "approved_by", by if to == "approved" else "null")
    day = today.isoformat() if to == "approved" else "null"
    write_checked(path, add_value(text, [], "approved_on", day))
    return path


def _nowhere(grant_id: str, home: Home, registers: Registers) -> str:
    waiting = home.root / "requests" / f"{grant_id}.yaml"
    if waiting.exists() or grant_id in registers.grants:
        return (
            f"The force keeps no registers of its own yet (EDP_REGISTERS is not set), so "
            f"there is nowhere to write a decision on {grant_id}. Copy "
            f"{registers.folder} to a folder of the force's, set EDP_REGISTERS to it"
            + (f", and move {waiting} into its grants." if waiting.exists() else ".")
        )
    asked = sorted(
        one.id for one in registers.grants.values() if one.status == "requested"
    )
    return (
        f"There is no request {grant_id} in {registers.folder / 'grants'}; waiting are "
        f"{', '.join(asked) or 'none'}."
    )
