"""`edp access`: who may see what until when, and whether the database says the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from edp_platform.commands.acting import AsPersonOption, log_refusal
from edp_platform.commands.console import JsonFlag, err, fail, open_home, out
from edp_platform.home import Home

if TYPE_CHECKING:
    from edp_platform.access.declared import Declared, Facts
    from edp_platform.access.planning import Change
    from edp_platform.governance.registers import Registers

app = typer.Typer(
    help="Who may see what until when: ask, compile, compare, open a session.",
    epilog=(
        "Grants are YAML in the register `grants`, approved by somebody else's change. "
        "edp access apply makes the database so; edp access me says what you may see, "
        "and what is missing for the rest."
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
)

#: Who acts where nobody is named: the operator of a trial on one machine.
OPERATOR = "operator"


def who_acts(home: Home, stated: str | None) -> str:
    """Return who acts: who is named, else the operator of a trial on one machine."""
    from edp_platform.database.server import Server

    if stated is None and not Server.of(home).is_embedded:
        fail(
            "Nobody is named. Say who you are with --as-person ID, or set EDP_USER.", 2
        )
    return stated or OPERATOR


def _loaded(home: Home) -> tuple[Registers, Facts, Declared]:
    from edp_platform.access.declared import declare
    from edp_platform.access.facts import read_facts
    from edp_platform.governance.registers import Registers

    today = date.today()
    registers = Registers(home.made_on)
    facts = read_facts(home, registers, today)
    # A record that cannot be read gives nothing, and takes what hung on it.
    for fault in (
        *(*registers.grants.faults, *registers.people.faults),
        *(*registers.suppliers.faults, *registers.purposes.faults),
        *registers.teams.faults,
    ):
        err.print(f"[yellow]left out[/] {escape(fault)}", soft_wrap=True)
    return registers, facts, declare(registers, facts, today)


@app.command()
def plan(as_json: JsonFlag = False) -> None:
    """Compare the database with the register, and list what apply would change.

    Roles, memberships, privileges, row security, policies, views, functions, and the
    rows that entitlements are read from (rule 23). The exit status is 0 only when the
    database is as declared. Nothing is changed.
    """
    from edp_platform.access.applying import plan as differences
    from edp_platform.database.connecting import administrator
    from edp_platform.database.server import running

    home = open_home()
    _, _, declared = _loaded(home)
    with running(home), administrator(home) as connection:
        changes = differences(connection, declared)
    if as_json:
        told = [
            {
                "kind": one.kind,
                "name": one.name,
                "says": one.said,
                "by_hand": one.is_by_hand,
                "statements": [*one.statements],
            }
            for one in changes
        ]
        print(json.dumps({"as_declared": not changes, "changes": told}, indent=1))
    else:
        for kind, text, is_by_hand in _brief(changes):
            hand = "  [yellow](by hand)[/]" * is_by_hand
            out.print(
                f"{kind:12} {escape(text)}{hand}", soft_wrap=True, highlight=False
            )
        out.print(
            f"{len(changes)} differences; put them right: edp access apply."
            if changes
            else "The database is as declared."
        )
    if changes:
        raise typer.Exit(1)


def _brief(changes: Iterable[Change]) -> list[tuple[str, str, bool]]:
    """Return kind, text and whether by hand, a table's columns told as one."""
    columns: dict[tuple[str, str], list[str]] = {}
    told = []
    for one in changes:
        table, _, column = one.name.rpartition(".")
        if one.kind == "privilege" and table.count(".") == 1:
            columns.setdefault((table, one.said), []).append(column)
        else:
            told.append((one.kind, f"{one.name} {one.said}", one.is_by_hand))
    for (table, said), names in columns.items():
        few = names[0] if len(names) == 1 else f"{len(names)} columns"
        told.append(("privilege", f"{table} ({few}) {said}", False))
    return told


@app.command()
def apply(as_json: JsonFlag = False) -> None:
    """Make the database as declared, all of it or nothing, and end lapsed sessions.

    `edp up` does so every few minutes. Whoever has no live grant loses the login, and
    what lapsed is taken away; what lapsed had given no rows since then already.
    """
    from edp_platform.access.applying import apply as make_so
    from edp_platform.database.connecting import administrator
    from edp_platform.database.server import running

    home = open_home()
    _, _, declared = _loaded(home)
    with running(home), administrator(home) as connection:
        applied = make_so(home, connection, declared)
    if as_json:
        print(
            json.dumps(
                {
                    "changed": len(applied.changes),
                    "ended": [*applied.ended],
                    "passwords": [*applied.passwords],
                    "logins": sorted(
                        name for name, may in declared.logins.items() if may
                    ),
                }
            )
        )
        return
    out.print(
        f"{len(applied.changes)} differences put right; "
        f"{sum(declared.logins.values())} people may sign in."
    )
    if applied.ended:
        out.print(f"Sessions ended of {', '.join(applied.ended)}.")
    if applied.passwords:
        out.print(
            f"The password kept here was set again for {', '.join(applied.passwords)}, "
            "who had another."
        )


@app.command()
def me(as_person: AsPersonOption = None, as_json: JsonFlag = False) -> None:
    """List what you may see and until when; for the rest, what is missing.

    Each missing condition is told with who puts it right.
    """
    _show_person(who_acts(open_home(), as_person), as_json)


@app.command()
def who(
    person: Annotated[str, typer.Argument(help="An id of people or of a supplier's.")],
    as_json: JsonFlag = False,
) -> None:
    """List what one person may see and until when, and what is missing for the rest."""
    _show_person(person, as_json)


def _show_person(person: str, as_json: bool) -> None:
    from edp_platform.access.holders import Holders
    from edp_platform.access.telling import access_of

    registers, facts, declared = _loaded(open_home())
    if Holders(registers).get(person) is None:
        fail(
            f"{person} is nobody of the register `people`, nor of a supplier's people. "
            "Say who you are with --as-person ID, or set EDP_USER.",
            2,
        )
    told = access_of(person, declared, facts, date.today())
    if as_json:
        print(json.dumps(told, indent=1))
        return
    table = Table("mart", "columns", "until", "ends with")
    for one in told["may"]:
        soon = f" ({one['notice']})" if one["notice"] else ""
        rows = "".join(
            f"; rows of {column} {', '.join(values)} only"
            for column, values in one["rows"].items()
        )
        by_function = one["ask"] != f"marts.{one['mart']}"
        table.add_row(
            f"{one['mart']} (ask {one['ask']})" if by_function else one["mart"],
            f"{len(one['columns'])}{rows}",
            one["until"] + soon,
            one["ends_with"],
        )
    if told["may"]:
        out.print(f"{person} may see:")
        out.print(table)
    else:
        out.print(f"{person} may see nothing.")
    missing: dict[tuple[str, str], list[str]] = {}
    for one in told["may_not"]:
        for each in one["missing"]:
            says = "No grant names it." if each["rule"] == "no-grant" else each["says"]
            missing.setdefault((says, each["who"]), []).append(one["mart"])
    if missing:
        out.print("Not open, what is missing, and who puts it right:")
    for (says, by), marts in missing.items():
        out.print(
            escape(f"  {', '.join(marts)}\n    {says}\n    → {by}"),
            soft_wrap=True,
            highlight=False,
        )


@app.command()
def what(
    name: Annotated[str, typer.Argument(metavar="DATASET", help="A data set or mart.")],
    as_json: JsonFlag = False,
) -> None:
    """List who may see a mart, or anything made of a data set, and until when."""
    from edp_platform.access.telling import readers_of

    _, facts, declared = _loaded(open_home())
    known = {*facts.marts, *facts.states}
    if name not in known:
        from difflib import get_close_matches

        near = get_close_matches(name, known, n=5)
        fail(
            f"There is no data set or mart {name}."
            + (f" Near it: {', '.join(near)}." if near else ""),
            2,
        )
    told = readers_of(name, declared, facts, date.today())
    if as_json:
        print(json.dumps(told, indent=1))
        return
    table = Table("mart", "person", "columns", "grants", "until")
    for one in told:
        table.add_row(
            one["mart"],
            one["person"],
            str(len(one["columns"])),
            ", ".join(one["grants"]),
            one["until"],
        )
    out.print(table if told else f"Nobody may see {name}.")


@app.command()
def expiring(as_json: JsonFlag = False) -> None:
    """List what ends within 30, 14 or 7 days: grants, quarters, training, DPIAs.

    The exit status is 0 whether or not anything ends.
    """
    from edp_platform.access.telling import endings

    _, facts, declared = _loaded(open_home())
    told = endings(declared, facts, date.today())
    if as_json:
        print(json.dumps(told, indent=1))
        return
    table = Table("within", "until", "person", "grant", "ends with", "marts")
    for one in told:
        table.add_row(
            one["notice"],
            one["until"],
            one["person"],
            one["grant"],
            one["ends_with"],
            str(len(one["marts"])),
        )
    out.print(table if told else "Nothing ends within 30 days.")


@app.command()
def request(
    marts: Annotated[list[str], typer.Argument(metavar="MART...", help="The marts.")],
    purpose: Annotated[
        list[str],
        typer.Option("--purpose", help="A purpose of the register; again for more."),
    ],
    project: Annotated[
        str, typer.Option("--project", help="The use case or work that needs it.")
    ],
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="How long.")] = 90,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            help="A column, where one mart is asked for; again for more. Without, every "
            "column about nobody.",
        ),
    ] = None,
    for_person: Annotated[
        str | None, typer.Option("--for", help="Who it is for, if not you.")
    ] = None,
    as_person: AsPersonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Ask for access: writes a grant that an information asset owner decides on.

    It is written into the register of grants (EDP_REGISTERS), or under
    EDP_HOME/requests where the force keeps no registers of its own yet. Nothing opens
    before somebody other than you approves it there.
    """
    from edp_platform.access.requesting import CannotRequest, Wanted, write_request

    home = open_home()
    registers, facts, _ = _loaded(home)
    by = who_acts(home, as_person)
    unknown = [one for one in marts if one not in facts.marts]
    if unknown:
        fail(
            f"There is no mart {', '.join(unknown)}. There are "
            f"{', '.join(sorted(facts.marts))}.",
            2,
        )
    wrong = [
        one
        for one in column or []
        if any(one not in facts.marts[mart].by_name for mart in marts)
    ]
    if wrong:
        fail(f"{marts[0]} has no column {', '.join(wrong)}.", 2)
    for mart in marts:
        if not facts.marts[mart].admits(purpose):
            admitted = sorted(
                {" or ".join(each.purposes) for each in facts.marts[mart].sources}
            )
            fail(
                f"{', '.join(purpose)} would open nothing: {mart} is used for "
                f"{', and for '.join(admitted) or 'no purpose'}. Name what it is used "
                "for with --purpose; another use needs its DPIA reviewed first.",
                2,
            )
    wanted = Wanted(for_person or by, by, marts, column or [], purpose, project, days)
    try:
        path = write_request(wanted, home, registers, date.today())
    except CannotRequest as error:
        fail(str(error), 2)
    owners = sorted(
        {
            facts.owners[one.data_set]
            for mart in marts
            for one in facts.marts[mart].sources
            if one.data_set in facts.owners
        }
    )
    if as_json:
        print(json.dumps({"path": str(path), "decided_by": owners}))
        return
    out.print(f"wrote {escape(str(path))}", soft_wrap=True, highlight=False)
    err.print(
        f"Asked of {', '.join(owners) or 'an information asset owner'}: they decide with "
        f"edp access approve {path.stem}, or in the register `grants`.",
        soft_wrap=True,
        highlight=False,
    )


@app.command()
def approve(
    grant: Annotated[str, typer.Argument(metavar="GRANT", help="The request's id.")],
    refuse: Annotated[
        bool, typer.Option("--refuse", help="Refuse it, in place of approving.")
    ] = False,
    as_person: AsPersonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Decide on a request, in the register of grants (EDP_REGISTERS).

    An information asset owner or the senior information risk owner may, who is neither
    who asked nor the person. What is still missing besides is told: approving does not
    open what another rule keeps shut. The next edp access apply opens it.
    """
    from edp_platform.access.approving import CannotDecide, decide
    from edp_platform.governance.registers import Registers

    home = open_home()
    if as_person is None:
        fail("Say who you are with --as-person ID, or set EDP_USER.", 2)
    to = "refused" if refuse else "approved"
    registers = Registers(home.made_on)
    try:
        path = decide(grant, as_person, home, registers, date.today(), to=to)
    except CannotDecide:
        log_refusal(home, as_person, f"edp access approve {grant}", "none granted")
        raise
    _, _, declared = _loaded(home)
    missing = sorted(
        {
            f"{one.mart}: {refusal}"
            for one in declared.judged
            if one.grant.id == grant and to == "approved"
            for refusal in one.refusals
        }
    )
    if as_json:
        print(json.dumps({"path": str(path), "status": to, "missing": missing}))
        return
    out.print(f"{grant} is {to}: {escape(str(path))}", soft_wrap=True, highlight=False)
    for one in missing:
        err.print(f"[yellow]still missing[/] {escape(one)}", soft_wrap=True)
    if to == "approved":
        out.print(
            "It opens nothing before that is put right."
            if missing
            else "It opens with: edp access apply."
        )


@app.command(
    "as",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def as_(
    context: typer.Context,
    person: Annotated[str, typer.Argument(help="Whose session: an id.")],
    as_person: AsPersonOption = None,
) -> None:
    """Open a database session as a person: edp access as PERSON -- psql.

    The command gets PGHOST, PGPORT, PGUSER, PGDATABASE and PGPASSFILE; without one, a
    connection string is printed (of a server that edp up keeps running). On your own
    machine the operator may be anybody, to try what they see; it is logged. On a
    managed server you may be yourself alone.
    """
    import os
    import subprocess

    from edp_platform.access.holders import Holders
    from edp_platform.access.sessions import (
        NotAsThem,
        environment,
        log_session,
        may_open,
    )
    from edp_platform.database.passwords import has_password
    from edp_platform.database.server import Server, running
    from edp_platform.governance.registers import Registers

    home = open_home()
    actor = who_acts(home, as_person)
    registers = Registers(home.made_on)
    if Holders(registers).get(person) is None:
        fail(
            f"{person} is nobody of the register `people`, nor of a supplier's people.",
            2,
        )
    try:
        may_open(registers, actor, person, Server.of(home).is_embedded)
    except NotAsThem:
        log_refusal(home, actor, f"edp access as {person}", "none granted")
        raise
    purposes = sorted(
        {
            purpose
            for one in registers.grants.values()
            if one.person == person and one.status == "approved"
            for purpose in one.purposes
        }
    )
    if not has_password(home, person):
        fail(
            f"{person} has no login: no grant of theirs is live, or it was not applied "
            f"yet. What is missing: edp access who {person}. What is declared is put "
            "in place by: edp access apply."
        )
    command = [*context.args]
    said = command[0] if command else "connection string"
    if not command:
        if not Server.of(home).is_running():
            fail("The database is not running. Start it: edp up, then ask again.")
        given = environment(home, person)
        log_session(home, actor, person, purposes, said, datetime.now().astimezone())
        print(
            f"postgresql://{given['PGUSER']}@{given['PGHOST']}:{given['PGPORT']}/"
            f"{given['PGDATABASE']}?passfile={given['PGPASSFILE']}"
        )
        return
    with running(home):
        given = environment(home, person)
        log_session(home, actor, person, purposes, said, datetime.now().astimezone())
        try:
            done = subprocess.run(
                [_program(command[0]), *command[1:]],
                env={**os.environ, **given},
                check=False,
            )
        except FileNotFoundError:
            fail(f"There is no program {command[0]} here.", 127)
    raise typer.Exit(done.returncode)


def _program(name: str) -> str:
    """Return a program, from among the server's own where it is not installed."""
    import shutil

    if shutil.which(name) is None and name in ("psql", "pg_dump", "pgbench"):
        from edp_platform.database.embedded import program_folder

        return str(program_folder() / name)
    return name


def add_supplier_commands(supplier_app: typer.Typer) -> None:
    """Add `close` to the commands of the register of suppliers."""

    @supplier_app.command()
    def close(
        supplier: Annotated[str, typer.Argument(help="The supplier's id.")],
        handover: Annotated[
            str, typer.Option("--handover", help="What was handed over, and to whom.")
        ],
        as_person: AsPersonOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        """Close the work with a supplier: access back, extracts destroyed, handover kept.

        Their grants are revoked in the register and in the database, every store of
        extracts is emptied of theirs, and the supplier's record says how it ended.
        Refused while `ownership_of_work` or `learning_shared` is not on record.
        """
        from edp_platform.access.applying import apply as make_so
        from edp_platform.access.closing import close as close_supplier
        from edp_platform.database.connecting import administrator
        from edp_platform.database.server import running
        from edp_platform.governance.registers import Registers

        home = open_home()
        if as_person is None:
            fail("Say who you are with --as-person ID, or set EDP_USER.", 2)
        closed = close_supplier(
            supplier,
            as_person,
            handover,
            home,
            Registers(home.made_on),
            datetime.now().astimezone(),
        )
        _, _, declared = _loaded(home)
        with running(home), administrator(home) as connection:
            applied = make_so(home, connection, declared)
        told: dict[str, Any] = {
            "supplier": supplier,
            "revoked": [*closed.grants],
            "extracts": closed.extracts,
            "ended": [*applied.ended],
        }
        if as_json:
            print(json.dumps(told))
            return
        out.print(
            f"{supplier} is closed: {len(closed.grants)} grants taken back, "
            f"{sum(closed.extracts.values())} extracts destroyed."
        )
