"""`edp people`: who is on the register, and what happens when one leaves."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated

import typer
from rich.table import Table

from edp_platform.commands.console import JsonFlag, fail, open_home, out

app = typer.Typer(
    help="Who is on the register, and who answers when one leaves.",
    no_args_is_help=True,
)


@app.command("list")
def list_people(as_json: JsonFlag = False) -> None:
    """List the people of the register, with role and teams."""
    from edp_platform.governance.registers import Registers

    registers = Registers(open_home().made_on)
    rows = [
        {
            "id": person.id,
            "name": person.name,
            "role": person.role,
            "leads": [
                team.id for team in registers.teams.values() if team.lead == name
            ],
            "left": person.left.isoformat() if person.left else None,
        }
        for name, person in registers.people.items()
    ]
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    table = Table("id", "name", "role", "leads", "left")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    out.print(table)


def _cell(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value or "")


@app.command()
def leave(
    person: Annotated[str, typer.Argument(help="The id of who leaves.")],
    to: Annotated[str, typer.Option("--to", help="The id of who answers from now on.")],
    as_json: JsonFlag = False,
) -> None:
    """Hand over what a person answered for, and write that they left.

    Teams they led, assets of information, sprints under way, suppliers, models, and what
    they owned by e-mail address. What they signed, advised or decided stays theirs. Refused
    (rule 8) where the successor is the data protection officer, or would both write and
    approve one DPIA. The files keep their comments; read the change with your version
    control, and commit it.
    """
    from edp_platform.governance.handover import CannotHandOver, hand_over

    try:
        handed = hand_over(person, to, date.today(), open_home())
    except CannotHandOver as error:
        fail(str(error))
    if as_json:
        told = [
            {"path": str(one.path), "line": one.line, "field": one.field}
            for one in handed
        ]
        print(json.dumps(told, indent=1))
        return
    for one in handed:
        out.print(
            f"{one.path}:{one.line}: {one.field}", highlight=False, soft_wrap=True
        )
    out.print(f"{len(handed) - 1} handed over to {to}; {person} has left.")
