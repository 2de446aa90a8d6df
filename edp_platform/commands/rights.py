"""`edp rights`: what a person may ask of the force, over every store that holds rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from edp_platform.commands.acting import (
    AsPersonOption,
    PersonArgument,
    ReasonOption,
    allowed,
)
from edp_platform.commands.console import (
    JsonFlag,
    WaitOption,
    doing,
    err,
    fail,
    open_home,
    open_session,
    out,
)

app = typer.Typer(
    help="Rights of the person (DPA 2018 ss.44-48, UK GDPR Arts.15-21).",
    epilog=(
        "A request is answered within a month:  edp rights request PERSON --right access"
        "   then edp rights export PERSON --request R-… --to FILE"
    ),
    no_args_is_help=True,
)

_ROLES = frozenset({"information_rights", "data_protection_officer"})
_PURPOSE = "P-RIGHTS"

RequestOption = Annotated[
    str | None,
    typer.Option(
        "--request", help="The request it answers. Default: one is opened for it."
    ),
]
ReceivedOption = Annotated[
    datetime | None,
    typer.Option(
        "--received", formats=["%Y-%m-%d"], help="When it came. Default: today."
    ),
]
AlsoOption = Annotated[
    list[str] | None,
    typer.Option("--also", help="Another nominal id of the same person."),
]


@app.command()
def find(
    person: PersonArgument,
    reason: ReasonOption,
    also: AlsoOption = None,
    as_person: AsPersonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Find a person in every registered store, quarantine included: counts, no values."""
    from edp_platform.datasets import DataSets
    from edp_platform.rights.restrictions import Restrictions
    from edp_platform.rights.service import find as find_in
    from edp_platform.rights.service import locate

    home = open_home()
    actor = _actor(home, as_person, "look a person up")
    ids = [person, *(also or [])]
    _log(home, actor, "consultation", reason, "every store: counts", ids)
    with err.status("searching every store"):
        found = find_in(locate(home, DataSets.load(home), ids))
    restricted = Restrictions(home).holds(person)
    if as_json:
        told = {
            store: [
                {"place": one.place, "rows": one.rows, "names_only": one.mentions}
                for one in held
            ]
            for store, held in found.items()
        }
        print(json.dumps({"restricted": restricted, "stores": told}))
        return
    table = Table("store", "place", "rows", "names only")
    for store, held in found.items():
        for one in held:
            table.add_row(store, one.place, str(one.rows), str(one.mentions))
        if not held:
            table.add_row(store, "", "0", "0")
    out.print(table)
    if restricted:
        out.print("The person is under a restriction.")


@app.command()
def export(
    person: PersonArgument,
    to: Annotated[Path, typer.Option(help="Where to write it; outside EDP_HOME.")],
    reason: ReasonOption,
    recipient: Annotated[
        str, typer.Option(help="To whom it goes, such as: the person.")
    ] = "the person",
    withhold: Annotated[
        list[str] | None,
        typer.Option(help="A data set (or table) that is left out. May be repeated."),
    ] = None,
    exemption: Annotated[
        str | None,
        typer.Option(help="What allows that, such as s.45(4)(b) or Sch.2(16)."),
    ] = None,
    request: RequestOption = None,
    received: ReceivedOption = None,
    also: AlsoOption = None,
    as_person: AsPersonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write everything held about a person to one JSON file (s.45, Art.15).

    What is withheld needs an exemption and a reason, which are recorded. Read the file
    before it goes out: rows may name other people.
    """
    from edp_platform.datasets import DataSets
    from edp_platform.rights.requests import check_exemption
    from edp_platform.rights.service import export as export_to
    from edp_platform.rights.service import find as find_in
    from edp_platform.rights.service import locate

    home, now = open_home(), datetime.now().astimezone()
    if home.root in to.resolve().parents:
        fail(
            f"{to} lies in EDP_HOME, where it would be a copy nobody registered. Write "
            "it elsewhere and delete it once it is handed over.",
            2,
        )
    actor = _actor(home, as_person, "export a person's data")
    if bool(withhold) != (exemption is not None):
        fail("--withhold and --exemption are given together.", 2)
    relied_on = check_exemption(exemption, reason) if exemption else None
    one = _request(home, request, person, "access", received, actor, now)
    ids = [person, *(also or [])]
    with err.status("searching every store"):
        located = locate(home, DataSets.load(home), ids)
        rows = sum(each.rows for held in find_in(located).values() for each in held)
    # Logged before it is written: what cannot be logged is not disclosed.
    _log(
        home,
        actor,
        "disclosure",
        f"{reason} (request {one.id}"
        + (
            f"; withheld {', '.join(withhold or [])} under {relied_on})"
            if relied_on
            else ")"
        ),
        "export of a person",
        ids,
        rows=rows,
        recipient=recipient,
    )
    counts = export_to(
        located,
        {name: str(relied_on) for name in withhold or []},
        to,
        {
            "request": one.id,
            "made_at": now.isoformat(timespec="seconds"),
            "made_by": actor,
            "recipient": recipient,
            "withheld": withhold or [],
        },
    )
    _requests(home).close(
        one.id, "exported" + (", in part" if withhold else ""), actor, now
    )
    told = {"request": one.id, "file": str(to), "rows": counts}
    if as_json:
        print(json.dumps(told))
    else:
        out.print(
            f"{sum(counts.values())} rows of {len(counts)} stores written to {to}; "
            f"request {one.id} closed.",
            soft_wrap=True,
        )


@app.command()
def rectify(
    person: PersonArgument,
    data_set: Annotated[
        str, typer.Option(help="The data set whose records are wrong.")
    ],
    column: Annotated[str, typer.Option(help="The column, as the lake names it.")],
    value: Annotated[str, typer.Option(help="What it should say; blank for no value.")],
    reason: ReasonOption,
    request: RequestOption = None,
    received: ReceivedOption = None,
    as_person: AsPersonOption = None,
    wait: WaitOption = 600,
    as_json: JsonFlag = False,
) -> None:
    """Correct a person's records (s.46, Art.16); the original stays on record.

    The value must pass the data set's contract. It is loaded in the place of what was
    received from now on, and what is built from it is built again. Have the system that
    supplied it corrected too: its next release would say the old value.
    """
    from edp_platform.commands.retention import rebuild
    from edp_platform.rights.service import locate
    from edp_platform.rights.service import rectify as correct

    session = open_session()
    home, now = session.home, datetime.now().astimezone()
    actor = _actor(home, as_person, "correct a person's data")
    answering = _answering(home, request, person, "rectification", received, actor, now)
    with doing("searching every file received", as_json) as step:
        with answering as one:
            located = locate(home, session.data_sets, [person])
            step("correcting")
            records = correct(
                home,
                session.data_sets,
                located,
                data_set=data_set,
                column=column,
                value=value,
                by=actor,
                reason=f"{reason} (request {one.id})",
                logged=lambda number: _log(
                    home,
                    actor,
                    "alteration",
                    f"{reason} (request {one.id})",
                    data_set,
                    [person],
                    columns=[column],
                    rows=number,
                ),
            )
        is_rebuilt = rebuild(session, wait, step)
    _requests(home).close(one.id, f"{records} records corrected", actor, now)
    told = {"request": one.id, "records": records, "rebuilt": is_rebuilt}
    if as_json:
        print(json.dumps(told))
    else:
        out.print(f"{records} records corrected; request {one.id} closed.")
    if not is_rebuilt:
        fail("the marts are not built again yet: see above, and give edp run.")


@app.command()
def restrict(
    person: PersonArgument,
    reason: ReasonOption,
    lift: Annotated[bool, typer.Option("--lift", help="Lift it.")] = False,
    request: RequestOption = None,
    received: ReceivedOption = None,
    also: AlsoOption = None,
    as_person: AsPersonOption = None,
    wait: WaitOption = 600,
    as_json: JsonFlag = False,
) -> None:
    """Keep a person's data and do not use it, until lifted (s.47, Art.18).

    Their rows leave lake, warehouse, published copies and linkage at once, and no load
    brings them back while it stands. Landing and quarantine keep them.
    """
    from edp_platform.commands.retention import rebuild
    from edp_platform.rights.service import locate, require_named
    from edp_platform.rights.service import restrict as keep_out

    session = open_session()
    home, now = session.home, datetime.now().astimezone()
    actor = _actor(home, as_person, "restrict a person's data")
    answering = _answering(home, request, person, "restriction", received, actor, now)
    located, gone = {}, 0
    with doing("searching every file received", as_json) as step:
        with answering as one:
            for each in (person, *(also or [])):
                _log(
                    home,
                    actor,
                    "alteration",
                    f"{reason} (request {one.id})",
                    "restriction lifted" if lift else "restriction",
                    [each],
                )
                located[each] = locate(home, session.data_sets, [each])
                if not lift:
                    require_named(located[each])
        step("lifting" if lift else "taking out of every store in use")
        for each, found in located.items():
            gone += keep_out(
                home,
                found,
                each,
                restricted=not lift,
                by=actor,
                reason=reason,
                now=now,
            )
        is_rebuilt = rebuild(session, wait, step)
    word = "lifted" if lift else "restricted"
    _requests(home).close(one.id, word, actor, now)
    if as_json:
        told = {"request": one.id, "rows_out_of_use": gone, "rebuilt": is_rebuilt}
        print(json.dumps(told))
    else:
        out.print(
            f"{word}; {gone} rows left the stores in use; request {one.id} closed."
        )
    if not is_rebuilt:
        fail("the marts are not built again yet: see above, and give edp run.")


@app.command("request")
def open_request(
    person: PersonArgument,
    right: Annotated[
        str,
        typer.Option(help="access, rectification, restriction, erasure or objection."),
    ],
    received: ReceivedOption = None,
    as_person: AsPersonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Open a request and tell the day by which it must be answered."""
    from typing import get_args

    from edp_platform.rights.requests import Right

    if right not in get_args(Right):
        fail(f"--right is one of {', '.join(get_args(Right))}.", 2)
    home, now = open_home(), datetime.now().astimezone()
    actor = _actor(home, as_person, "open a request")
    one = _request(home, None, person, right, received, actor, now)
    if as_json:
        print(json.dumps({"request": one.id, "due": one.due.isoformat()}))
    else:
        out.print(f"{one.id}: answer by {one.due}.")


@app.command()
def extend(
    identity: Annotated[str, typer.Argument(metavar="REQUEST", help="Its id, R-….")],
    reason: ReasonOption,
    months: Annotated[int, typer.Option(min=1, max=2, help="Further months.")] = 1,
    as_person: AsPersonOption = None,
) -> None:
    """Give a complex request up to two further months, before its time is up."""
    home, now = open_home(), datetime.now().astimezone()
    actor = _actor(home, as_person, "extend a request")
    one = _requests(home).extend(identity, months, reason, actor, now)
    out.print(f"{one.id}: answer by {one.due}. Tell the person, with the reason.")


@app.command("close")
def close_request(
    identity: Annotated[str, typer.Argument(metavar="REQUEST", help="Its id, R-….")],
    outcome: Annotated[str, typer.Option(help="How it ended, such as: refused.")],
    reason: ReasonOption,
    exemption: Annotated[
        str | None, typer.Option(help="What a refusal rests on, such as s.48(3).")
    ] = None,
    as_person: AsPersonOption = None,
) -> None:
    """Close a request that was answered otherwise, or refused under an exemption."""
    from edp_platform.rights.requests import check_exemption

    home, now = open_home(), datetime.now().astimezone()
    actor = _actor(home, as_person, "close a request")
    said = f"{outcome}: " + (
        check_exemption(exemption, reason) if exemption else reason
    )
    requests = _requests(home)
    requests.get(identity)
    _log(home, actor, "alteration", said, f"request {identity} closed", [])
    requests.close(identity, said, actor, now)
    out.print("closed")


@app.command("requests")
def list_requests(
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List requests and when each is due; ends with 1 when one is overdue."""
    today = date.today()
    found = [
        one for one in _requests(open_home()).all() if everything or one.state == "open"
    ]
    overdue = [one for one in found if one.state == "open" and one.days_left(today) < 0]
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "id": one.id,
                        "right": one.right,
                        "received": one.received.isoformat(),
                        "due": one.due.isoformat(),
                        "days_left": one.days_left(today),
                        "state": one.state,
                        "outcome": one.outcome,
                    }
                    for one in found
                ]
            )
        )
    else:
        table = Table("request", "right", "received", "due", "days left", "state")
        for one in found:
            left = one.days_left(today) if one.state == "open" else ""
            table.add_row(
                one.id, one.right, str(one.received), str(one.due), str(left), one.state
            )
        out.print(table if found else "No request is open.")
    if overdue:
        raise typer.Exit(1)


def _actor(home: Any, stated: str | None, what: str) -> str:
    return allowed(home, stated, _ROLES, what, _PURPOSE)


def _requests(home: Any) -> Any:
    from edp_platform.rights.requests import Requests

    return Requests(home)


@contextmanager
def _answering(
    home: Any,
    identity: str | None,
    person: str,
    right: str,
    received: datetime | None,
    actor: str,
    now: datetime,
) -> Iterator[Any]:
    """Yield the request that is answered; one opened for it ends with it."""
    from edp_platform.told import Told

    one = _request(home, identity, person, right, received, actor, now)
    try:
        yield one
    except Told:
        if identity is None:
            _requests(home).close(one.id, "not done: refused", actor, now)
        raise


def _request(
    home: Any,
    identity: str | None,
    person: str,
    right: str,
    received: datetime | None,
    actor: str,
    now: datetime,
) -> Any:
    """Return the request that is named, or open one for what is done now."""
    requests = _requests(home)
    if identity is not None:
        return requests.get(identity, person)
    day = received.date() if received else now.date()
    return requests.open(person, right, day, actor, now)


def _log(
    home: Any,
    actor: str,
    operation: Any,
    reason: str,
    what: str,
    subjects: list[str],
    *,
    columns: list[str] | None = None,
    rows: int = 0,
    recipient: str | None = None,
) -> None:
    from edp_platform.governance.audit import AuditLog, Event

    AuditLog(home).record(
        Event(
            operation=operation,
            actor=actor,
            purpose_id=_PURPOSE,
            justification=reason,
            object=what,
            columns=columns or [],
            row_count=rows,
            subjects=subjects,
            recipient=recipient,
        ),
        datetime.now().astimezone(),
    )
