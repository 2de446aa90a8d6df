"""`edp audit`: the log of DPA 2018 s.62, and whether it is whole."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from edp_platform.commands.acting import AsPersonOption, allowed
from edp_platform.commands.console import JsonFlag, fail, open_home, out

app = typer.Typer(
    help="The log of who did what with whose data (DPA 2018 s.62).",
    no_args_is_help=True,
)


@app.command()
def verify(
    anchor: Annotated[
        str | None,
        typer.Option(
            help="A head noted outside earlier, ROWS:HASH; the log must pass through it."
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Walk the chain of hashes: a line edited, removed or moved is found.

    Lines taken off the end are found only with --anchor.
    """
    from edp_platform.governance.audit import AuditLog

    noted = None
    if anchor is not None:
        rows, _, head = anchor.partition(":")
        if not rows.isdigit() or len(head) != 64:
            fail("--anchor: write ROWS:HASH as edp audit head gives it.", 2)
        noted = (int(rows), head)
    found = AuditLog(open_home()).verify(noted)
    if as_json:
        told = {"rows": found.rows, "head": found.head, "faults": [*found.faults]}
        print(json.dumps(told | {"is_whole": found.is_whole}))
    elif found.is_whole:
        out.print(f"whole: {found.rows} events, head {found.head}", soft_wrap=True)
    if not found.is_whole:
        if not as_json:
            fail("the log is not whole: " + "; ".join(found.faults))
        raise typer.Exit(1)


@app.command()
def head() -> None:
    """Print ROWS:HASH of the last event, to note outside (daily)."""
    from edp_platform.governance.audit import AuditLog

    rows, last = AuditLog(open_home()).head()
    print(f"{rows}:{last}")


@app.command()
def person(
    nominal_id: Annotated[str, typer.Argument(metavar="PERSON", help="Nominal id.")],
    as_person: AsPersonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """List what was done with one person's data: who, when, why. No values."""
    from edp_platform.governance.audit import AuditLog
    from edp_platform.governance.subject_keys import SubjectKey

    home = open_home()
    roles = {"information_rights", "data_protection_officer", "information_assurance"}
    allowed(home, as_person, roles, "read the log of one person", "P-RIGHTS")
    subject = SubjectKey(home, "audit").of(nominal_id)
    rows = [row for row in AuditLog(home).rows() if subject in row["subjects_hash"]]
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        out.print(
            f"{row['at_utc']} {row['op']} by {row['actor']} for {row['purpose_id']}: "
            f"{row['object']} ({row['outcome']})",
            soft_wrap=True,
            markup=False,
        )
    if not rows:
        out.print("nothing is on the log")
