"""`edp database`: the PostgreSQL that serves the marts, started, stopped and migrated."""

from __future__ import annotations

import json
from typing import Any

import typer
from rich.markup import escape
from rich.table import Table

from edp_platform.commands.console import JsonFlag, err, open_home, out

app = typer.Typer(
    help="The PostgreSQL that serves the marts: its own in EDP_HOME, or EDP_POSTGRES_URL.",
    no_args_is_help=True,
)


@app.command()
def start() -> None:
    """Start the server of this home and leave it running; make it at first use.

    It listens on 127.0.0.1 alone, everybody signs in with SCRAM, and started as root it
    runs as the account nobody (or EDP_POSTGRES_ACCOUNT). With EDP_POSTGRES_URL nothing
    is started: that server is looked at, and migrated where it is behind.
    """
    from edp_platform.database.server import Server

    server = Server.of(open_home())
    with err.status("starting the database"):
        server.start()
    out.print(f"ready: PostgreSQL on {server.host}:{server.port}", highlight=False)


@app.command()
def stop() -> None:
    """Stop the server of this home, ending every connection; nothing is lost.

    A server of EDP_POSTGRES_URL is not ours to stop, and that is refused.
    """
    from edp_platform.database.server import Server

    server = Server.of(open_home())
    was_running = server.is_running()
    server.stop()
    out.print("stopped" if was_running else "It was not running.")


@app.command()
def migrate() -> None:
    """Bring roles, databases and schemas up to the newest number.

    Starting does this where it is needed; running it again changes nothing.
    """
    from edp_platform.database.migrating import migrate as bring_up_to_date
    from edp_platform.database.server import running

    home = open_home()
    with running(home):
        number = bring_up_to_date(home)
    out.print(f"The database is at migration {number}.", highlight=False)


@app.command()
def status(as_json: JsonFlag = False) -> None:
    """Show whether the server runs, which snapshot it serves, and what was held back.

    Exit status 0 when it runs, is migrated, serves the newest snapshot and holds
    nothing back.
    """
    told = database_status(open_home())
    if as_json:
        print(json.dumps(told, default=str))
    else:
        _show(told)
    if not told["is_good"]:
        raise typer.Exit(1)


def database_status(home: Any) -> dict[str, Any]:
    """Return what the server of a home is and serves.

    Raises:
        NotEncrypted: `EDP_POSTGRES_URL` names another machine without TLS.
    """
    from edp_platform.database.connecting import owner
    from edp_platform.database.migrating import is_behind, latest, version
    from edp_platform.database.server import Server
    from edp_platform.publishing import serving

    server = Server.of(home)
    told: dict[str, Any] = {
        "kind": "embedded" if server.is_embedded else "managed",
        "is_running": server.is_running(),
        "is_good": False,
    }
    if not told["is_running"]:
        return told
    told |= {"host": server.host, "port": server.port}
    told |= {"migration": version(home), "latest_migration": latest()}
    if is_behind(home):
        return told
    with owner(home) as connection:
        found = serving.snapshots(connection)
    now = next((one for one in found if one.is_current), None)
    told["snapshots"] = [
        {
            "id": one.id,
            "as_at": one.as_at.isoformat(),
            "published_at": one.published_at.isoformat(),
            "schema": one.schema,
            "is_current": one.is_current,
            "rows": one.rows,
            "reason_held": one.reason_held,
        }
        for one in found
    ]
    told["snapshot"] = now.id if now else None
    told["held_back"] = now.reason_held if now else {}
    told["is_behind"] = serving.is_behind(home)
    told["is_good"] = not told["is_behind"] and not told["held_back"]
    return told


def _show(told: dict[str, Any]) -> None:
    if not told["is_running"]:
        out.print(
            "The database of this home is not running. Start it: edp database start"
            if told["kind"] == "embedded"
            else "The server of EDP_POSTGRES_URL cannot be reached."
        )
        return
    out.print(f"PostgreSQL on {told['host']}:{told['port']}", highlight=False)
    if "snapshots" not in told:
        out.print(
            f"It is at migration {told['migration'] or 'none'} of "
            f"{told['latest_migration']}: edp database migrate"
        )
        return
    table = Table("snapshot", "as at", "schema", "marts", "rows")
    for one in told["snapshots"]:
        table.add_row(
            escape(one["id"]),
            one["as_at"],
            one["schema"],
            f"{len(one['rows']):,}",
            f"{sum(one['rows'].values()):,}",
        )
    out.print(table if told["snapshots"] else "Nothing is served yet: edp run")
    for mart, reason in told["held_back"].items():
        out.print(f"held back: {mart}. {escape(reason)}", highlight=False)
    if told["is_behind"]:
        out.print("A newer snapshot waits to be served: edp run")
