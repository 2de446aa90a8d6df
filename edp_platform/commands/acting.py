"""The options of commands that touch data about persons: who, why, for which purpose."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

import typer

from edp_platform.home import Home

AsPersonOption = Annotated[
    str | None,
    typer.Option(
        "--as-person",
        envvar="EDP_USER",
        help="Who you are: an id of the register of people.",
    ),
]
ReasonOption = Annotated[
    str, typer.Option("--reason", help="Why, in words; it is logged for good.")
]
PurposeOption = Annotated[
    str, typer.Option("--purpose", help="The purpose of the register it is for.")
]
PeopleArgument = Annotated[
    list[str], typer.Argument(metavar="PERSON...", help="Nominal ids.")
]
PersonArgument = Annotated[str, typer.Argument(metavar="PERSON", help="Nominal id.")]
YesOption = Annotated[
    bool, typer.Option("--yes", help="Do it; without, it is only shown.")
]


def allowed(
    home: Home, stated: str | None, roles: Collection[str], what: str, purpose: str
) -> str:
    """Return the id of the person who acts; log it where they may not.

    Args:
        home: whose log.
        stated: who they say they are.
        roles: those who may.
        what: what they would do.
        purpose: of the register, for the log.

    Raises:
        NotAllowed: nobody is named, or not somebody who may.
    """
    from datetime import datetime

    from edp_platform.governance.acting import NotAllowed, acting_person
    from edp_platform.governance.registers import Registers

    now = datetime.now().astimezone()
    try:
        registers = Registers(home.made_on)
        return acting_person(registers, stated, roles, what, now.date()).id
    except NotAllowed:
        log_refusal(home, stated, what, purpose)
        raise


def log_refusal(home: Home, stated: str | None, what: str, purpose: str) -> None:
    """Log that somebody was refused: a denial is an event too."""
    from datetime import datetime

    from edp_platform.governance.audit import AuditLog, Event

    AuditLog(home).record(
        Event(
            operation="consultation",
            actor=stated or "nobody named",
            purpose_id=purpose,
            justification=what,
            object="refused at the door",
            outcome="refused: not allowed",
        ),
        datetime.now().astimezone(),
    )
