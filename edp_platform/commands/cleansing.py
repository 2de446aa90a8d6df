"""`edp cleansing`: what the declared rules changed, and what stood there before."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from edp_platform.commands.acting import AsPersonOption, allowed, log_refusal
from edp_platform.commands.console import JsonFlag, fail, open_home, out

app = typer.Typer(
    help="What cleansing changed, by rule and month; and each cell as it was received.",
    epilog=(
        "edp cleansing rules   then edp cleansing show nominals   then edp cleansing "
        "cells nominals --as-person ID --purpose P-LE-CRIME --reason TEXT"
    ),
    no_args_is_help=True,
)

#: Who may look at changed cells of any data set; its owners may at those of theirs.
_ANY = frozenset(
    {"information_rights", "data_protection_officer", "records_management"}
)

RuleOption = Annotated[
    str | None, typer.Option("--rule", help="One rule, as edp cleansing rules says.")
]


@app.command()
def rules(as_json: JsonFlag = False) -> None:
    """List the rules a contract may name on a column, and what each does to a value."""
    from edp_platform.contracts.vocabulary import CLEANSING_RULES

    if as_json:
        print(json.dumps(CLEANSING_RULES))
        return
    table = Table("rule", "what it does")
    for name, meaning in CLEANSING_RULES.items():
        table.add_row(name, meaning)
    out.print(table)


@app.command()
def show(
    data_set: Annotated[str, typer.Argument(help="The data set.")],
    rule: RuleOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Count the cells that cleansing changed, by month, column and rule. No values."""
    from edp_platform.ingestion.cleansed_cells import cleansed_by_rule
    from edp_platform.ingestion.landing import WHOLE, LandingStore, Supplies

    home, found = _data_set(data_set, rule)
    supplies = LandingStore(home).supplies().get(data_set, Supplies([]))
    counted: list[dict[str, Any]] = [
        {"month": month, "column": column, "rule": name, "cells": cells}
        for month, by_rule in cleansed_by_rule(home, supplies).items()
        for column, name, cells in _parted(by_rule)
        if rule in (None, name)
    ]
    declared = {one.name: one.cleansing for one in found.contract.columns}
    if as_json:
        told = {name: list(each) for name, each in declared.items() if each}
        print(json.dumps({"data_set": data_set, "declared": told, "changed": counted}))
        return
    if not any(declared.values()):
        out.print(f"The contract of {data_set} names no cleansing rule.")
        return
    if not counted:
        out.print(f"Nothing of {data_set} had to be changed.")
        return
    table = Table("month", "column", "rule", "cells")
    for one in counted:
        month = "all" if one["month"] == WHOLE else str(one["month"])
        table.add_row(month, one["column"], one["rule"], f"{one['cells']:,}")
    out.print(table)
    total = sum(one["cells"] for one in counted)
    out.print(f"{total:,} changes; what was received: edp cleansing cells {data_set}")


@app.command()
def cells(
    data_set: Annotated[str, typer.Argument(help="The data set.")],
    purpose: Annotated[
        str, typer.Option("--purpose", help="The purpose of the register it is for.")
    ],
    reason: Annotated[
        str, typer.Option("--reason", help="Why, in words; it is logged for good.")
    ],
    rule: RuleOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Most changes to show.")] = 50,
    as_person: AsPersonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show changed cells: file, line, column, what was received, what became of it.

    For the data set's owners; what is shown is logged first (DPA 2018 s.62). Lines of
    persons whose data may not be used now are left out.
    """
    from edp_platform.governance.acting import NotAllowed, require_purpose
    from edp_platform.governance.audit import AuditLog, Event
    from edp_platform.governance.registers import Registers
    from edp_platform.ingestion.cleansed_cells import cleansed_cells, subjects_of
    from edp_platform.ingestion.landing import LandingStore

    home, found = _data_set(data_set, rule)
    registers = Registers(home.made_on)
    every_role = frozenset(one.role for one in registers.people.values())
    what = "see cells as they were received"
    purpose_id = require_purpose(registers, purpose)
    actor = allowed(home, as_person, every_role, what, purpose_id)
    stranger = _stranger(registers, registers.people[actor], found, what)
    if stranger:
        log_refusal(home, actor, f"{what} of {data_set}", purpose_id)
        raise NotAllowed(stranger)
    changed = cleansed_cells(home, LandingStore(home).deliveries(data_set), rule, limit)
    AuditLog(home).record(
        Event(
            operation="consultation",
            actor=actor,
            purpose_id=purpose_id,
            justification=reason,
            object=f"cleansed {data_set}",
            columns=sorted(changed["column"].unique()),
            row_count=changed.height,
            subjects=subjects_of(home, found.contract, changed),
            dpia_ref=found.contract.dpia_ref,
        ),
        datetime.now().astimezone(),
    )
    if as_json:
        print(json.dumps(changed.to_dicts()))
        return
    table = Table("file", "line", "column", "rule", "received", "after")
    for one in changed.to_dicts():
        table.add_row(
            one["source_file"],
            str(one["source_line"]),
            one["column"],
            one["rule"],
            escape(repr(one["original"])),
            escape(
                repr(one["cleansed"]) if one["cleansed"] is not None else "no value"
            ),
        )
    out.print(table if changed.height else "No cell was changed.")


def _data_set(name: str, rule: str | None) -> tuple[Any, Any]:
    from edp_platform.contracts.vocabulary import CLEANSING_RULES
    from edp_platform.datasets import DataSets

    home = open_home()
    found = DataSets.load(home).by_name.get(name)
    if found is None:
        fail(f"there is no data set {name}, or it is set aside. See: edp status", 2)
    if rule is not None and rule not in CLEANSING_RULES:
        fail(f"there is no rule {rule}. See: edp cleansing rules", 2)
    return home, found


def _parted(by_rule: dict[str, int]) -> list[tuple[str, str, int]]:
    return [
        (*name.split(": ", 1), cells)  # type: ignore[misc]
        for name, cells in by_rule.items()
    ]


def _stranger(registers: Any, person: Any, data_set: Any, what: str) -> str | None:
    """Return why a person may not look at cells of a data set; None where they may."""
    teams = [registers.teams.get(owner) for owner in data_set.contract.owners]
    own = {
        one
        for team in teams
        if team
        for one in (team.lead, team.information_asset_owner)
    }
    if person.role in _ANY or person.id in own:
        return None
    return (
        f"{person.id} may not {what} of {data_set.name}: its owners may "
        f"({', '.join(sorted(own)) or 'none is named'}), and information rights, "
        "records management and the data protection officer."
    )
