"""The events of s.62 that one query makes: a look, a combination, a disclosure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edp_platform.auditing.known import NO_PURPOSE, Background
from edp_platform.auditing.statements import Statement
from edp_platform.governance.audit import Event, Operation

_CHANGES: dict[str, Operation] = {
    "insert": "alteration",
    "update": "alteration",
    "merge": "alteration",
    "create": "alteration",
    "alter": "alteration",
    "grant": "alteration",
    "delete": "erasure",
    "truncate": "erasure",
    "drop": "erasure",
}


@dataclass(frozen=True)
class Look:
    """One query, and all that the log says of it.

    Attributes:
        actor: the person whose login asked.
        statement: what was asked.
        session: the session of the database.
        justification: why in fact; blank: what the grants are for.
        purpose: of the register; None: those of the grants.
        row_count: rows given; None where nobody counted them.
        outcome: as `Event` has it.
        export: where rows go beyond the screen, such as "csv"; None: nowhere.
        hash: keyed hash of a text that cannot be read.
    """

    actor: str
    statement: Statement
    session: str | None = None
    justification: str = ""
    purpose: str | None = None
    row_count: int | None = None
    outcome: str = "done"
    export: str | None = None
    hash: str | None = None


def events_of(look: Look, background: Background) -> Iterator[Event]:
    """Yield the events of a query, the look itself first."""
    read = look.statement
    grants = background.grants_on(look.actor, read.marts)
    purposes = sorted({one for grant in grants for one in grant.purposes})
    projects = sorted({grant.project for grant in grants})
    text = read.text
    if text is None and look.hash:
        text = f"not readable as SQL; keyed hash {look.hash}"
    personal = read.personal(background.marts)

    def event(operation: Operation, recipient: str | None = None) -> Event:
        return Event(
            operation=operation,
            actor=look.actor,
            purpose_id=look.purpose or ", ".join(purposes) or NO_PURPOSE,
            justification=look.justification or _why(projects),
            object=read.object,
            columns=read.touched,
            row_count=look.row_count,
            recipient=recipient,
            project="; ".join(projects) or None,
            dpia_ref=", ".join(background.dpias(read.marts)) or None,
            grant_id=", ".join(one.id for one in grants) or None,
            outcome=look.outcome,
            session=look.session,
            statement=text,
        )

    first = (text or "").partition(" ")[0]
    yield event(_CHANGES.get(first, "consultation"))
    if read.combines(background.marts):
        yield event("combination")
    if personal and (look.export or read.is_export):
        yield event("disclosure", f"{look.actor}, as {look.export or 'COPY'}")


def _why(projects: list[str]) -> str:
    if projects:
        return f"within the grant: {'; '.join(projects)}"
    return "no grant says why"
