"""`edp`: a thin command line over the platform. Each command says what it did and why.

Exit status: 0 only when all that was asked was done; 1 when something was refused,
failed or set aside; 2 when the command was not understood.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from edp_platform.commands.access import add_supplier_commands
from edp_platform.commands.access import app as access_app
from edp_platform.commands.audit import app as audit_app
from edp_platform.commands.catalogue import app as catalogue_app
from edp_platform.commands.cleansing import app as cleansing_app
from edp_platform.commands.console import (
    JsonFlag,
    WaitOption,
    err,
    fail,
    open_home,
    open_session,
    out,
)
from edp_platform.commands.database import app as database_app
from edp_platform.commands.evaluation import app as evaluation_app
from edp_platform.commands.export import app as export_app
from edp_platform.commands.governance import app as governance_app
from edp_platform.commands.legacy import app as legacy_app
from edp_platform.commands.lineage import app as lineage_app
from edp_platform.commands.linkage import app as linkage_app
from edp_platform.commands.measure import app as measure_app
from edp_platform.commands.people import app as people_app
from edp_platform.commands.quarantine import app as quarantine_app
from edp_platform.commands.records import (
    dpia_app,
    eqia_app,
    model_app,
    problem_app,
    supplier_app,
    use_case_app,
)
from edp_platform.commands.retention import app as retention_app
from edp_platform.commands.review import app as review_app
from edp_platform.commands.rights import app as rights_app
from edp_platform.commands.sample import app as sample_app
from edp_platform.commands.sql import sql

app = typer.Typer(
    name="edp",
    help="The Enterprise Data Platform: land files, build marts, ask them.",
    epilog=(
        "Start here:  edp sample   then the edp land line it prints,   then edp run,   "
        'then edp sql "select * from marts.crime_by_month limit 5"'
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
new_app = typer.Typer(
    help="Start a data set or a use case: a folder with the questions to answer.",
    no_args_is_help=True,
)
fetch_app = typer.Typer(
    help="Download published files, ready to land.", no_args_is_help=True
)
app.add_typer(new_app, name="new")
app.add_typer(fetch_app, name="fetch")
app.add_typer(sample_app, name="sample")
app.add_typer(database_app, name="database")
app.add_typer(export_app, name="export")
app.add_typer(review_app, name="review")
app.add_typer(lineage_app, name="lineage")
app.add_typer(governance_app, name="governance")
app.add_typer(dpia_app, name="dpia")
app.add_typer(eqia_app, name="eqia")
app.add_typer(use_case_app, name="use-case")
add_supplier_commands(supplier_app)
app.add_typer(access_app, name="access")
app.add_typer(supplier_app, name="supplier")
app.add_typer(problem_app, name="problem")
app.add_typer(model_app, name="model")
app.add_typer(people_app, name="people")
app.add_typer(retention_app, name="retention")
app.add_typer(rights_app, name="rights")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(audit_app, name="audit")
app.add_typer(linkage_app, name="linkage")
app.add_typer(cleansing_app, name="cleansing")
app.add_typer(legacy_app, name="legacy")
app.add_typer(catalogue_app, name="catalogue")
app.add_typer(evaluation_app, name="evaluation")
app.add_typer(measure_app, name="measure")


def main() -> None:
    """Run the command line; expected errors become one clear message."""
    # polars hands memory back to the system half a second after its last use and the
    # next file asks for it again: a tenth of the time of loading went into that. Read
    # by polars when it is imported.
    os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:10000,muzzy_decay_ms:-1")
    # Half a million objects of Dagster's and dbt's live as long as the process. To look
    # through them each time as many again were made costs 3 s of a run of a minute.
    gc.set_threshold(500_000, 20, 50)
    from edp_platform.errors import EXPECTED

    try:
        app()
    except EXPECTED as error:
        err.print(
            f"[bold red]edp:[/] {escape(str(error))}", highlight=False, soft_wrap=True
        )
        sys.exit(1)
    except KeyboardInterrupt:
        err.print("edp: interrupted; what was finished is kept. Run again to go on.")
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
    finally:
        # Nothing that was loaded is garbage: Python would look through it all as it
        # ends, which costs a second of every command.
        gc.freeze()


@app.command()
def land(
    sources: Annotated[
        list[str], typer.Argument(help="Files, folders, zips or http(s) URLs.")
    ],
    as_data_set: Annotated[
        str | None,
        typer.Option("--as", help="The data set, where the name does not say."),
    ] = None,
    released: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="When the publisher released these files. Default: read off a folder "
            "release_YYYY-MM or an archive YYYY-MM.zip, else today.",
        ),
    ] = None,
    supplier: Annotated[
        str | None, typer.Option(help="Who supplied them, if not the publisher.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Keep files exactly as received, once, under their data set's DPIA.

    A file landed again changes nothing; a later release supersedes an earlier one and
    both are kept. What is not recognised, or has no DPIA, is refused before a byte is
    written, and the others go on.
    """
    from collections import Counter

    from edp_platform.datasets import DataSets
    from edp_platform.ingestion.land import Landed, LandingOptions
    from edp_platform.ingestion.land import land as land_files

    home = open_home()
    data_sets = DataSets.load(home)
    if as_data_set and as_data_set not in data_sets.by_name:
        fail(
            f"there is no data set {as_data_set}; there are "
            f"{', '.join(data_sets.by_name)}",
            2,
        )

    with err.status("landing") as status:

        def told(landed: Landed) -> None:
            status.update(f"{landed.outcome}: {escape(landed.name)}")
            if landed.outcome == "refused" and not as_json:
                text = f"[red]refused[/] {escape(landed.name)}: {escape(landed.reason)}"
                err.print(text, highlight=False, soft_wrap=True)

        outcomes = land_files(
            home,
            data_sets,
            sources,
            LandingOptions(
                as_data_set, released.date() if released else None, supplier
            ),
            datetime.now().astimezone(),
            told,
        )
    counts = Counter(one.outcome for one in outcomes)
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "name": one.name,
                        "outcome": one.outcome,
                        "reason": one.reason,
                        "file": one.delivery.file if one.delivery else None,
                        "data_set": one.delivery.data_set if one.delivery else None,
                        "records": one.delivery.records if one.delivery else None,
                    }
                    for one in outcomes
                ]
            )
        )
    else:
        _show_landed(outcomes, counts)
    if not outcomes:
        fail("nothing to land: the folder holds no files.")
    if counts["refused"]:
        raise typer.Exit(1)


def _show_landed(outcomes: list[Any], counts: Any) -> None:
    from edp_platform.ingestion.land import summary

    table = Table("data set", "files", "records", "new files")
    by_set: dict[str, list[Any]] = {}
    for one in outcomes:
        if one.delivery:
            by_set.setdefault(one.delivery.data_set, []).append(one)
    for name, each in sorted(by_set.items()):
        table.add_row(
            name,
            f"{len(each):,}",
            f"{sum(one.delivery.records for one in each):,}",
            f"{sum(one.outcome == 'landed' for one in each):,}",
        )
    if by_set:
        out.print(table)
    out.print(summary(counts))


@app.command()
def run(
    selection: Annotated[
        list[str] | None,
        typer.Argument(
            help="Data sets or marts by name, with + before or after for upstream or "
            "downstream, or Dagster's syntax (group:…, tag:…). Default: what is due."
        ),
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Load again what stands unchanged.")
    ] = False,
    wait: WaitOption = 600,
    as_json: JsonFlag = False,
) -> None:
    """Load and build everything that is due, or what you name.

    Refuses a selection that matches nothing. Every run is recorded in Dagster; open it
    with edp up.
    """
    from edp_platform.orchestration.report import Request, run_and_report

    session = open_session()
    if selection or rebuild:
        keys = session.select(selection or ["*"])
        request = Request(keys, months=session.supplied_months(), rebuild=rebuild)
    else:
        due = session.due()
        request = Request(due.keys, due.refused, due.months)
    raise typer.Exit(0 if run_and_report(session, request, wait, as_json) else 1)


@app.command()
def backfill(
    selection: Annotated[
        list[str], typer.Argument(help="Data sets or marts; what they feed follows.")
    ],
    partitions: Annotated[
        str,
        typer.Option(
            help="Months: 2015-04...2018-11, or a list 2016-01,2016-03, or both."
        ),
    ],
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Load again what stands unchanged.")
    ] = False,
    only: Annotated[
        bool, typer.Option("--only", help="Not what the selection feeds.")
    ] = False,
    wait: WaitOption = 600,
    as_json: JsonFlag = False,
) -> None:
    """Load and build a range of months, in one run however long the range.

    Months that no file supplies are told and left out; unchanged months are skipped.
    """
    from edp_platform.home import FIRST_MONTH
    from edp_platform.orchestration.report import Request, run_and_report
    from edp_platform.orchestration.scope import months_as_text, months_from_text

    try:
        months = months_from_text(partitions)
    except ValueError as error:
        fail(f"--partitions: {error}. Example: --partitions 2015-04...2018-11", 2)
    if not months:
        fail("--partitions names no month. Example: 2015-04...2018-11", 2)
    if months[0] < FIRST_MONTH:
        fail(
            f"--partitions: months are kept from {FIRST_MONTH} on, and {months[0]} is "
            "earlier. Leave the earlier months out.",
            2,
        )
    session = open_session()
    chosen = session.select(selection)
    keys = chosen if only else session.with_downstream(chosen)
    unsupplied = session.unsupplied(chosen, months)
    raw = [key.path[-1] for key in chosen if key.path[0] == "raw"]
    if raw and not any(
        len(unsupplied.get(name, ())) < len(months)
        for name in raw
        if session.is_monthly(name)
    ):
        fail(
            f"nothing of {', '.join(sorted(raw))} is kept or supplied for these months, "
            "so there is nothing to load. edp status says which months are held; a set "
            "that has no months is loaded by edp run NAME."
        )
    for name, missing in unsupplied.items():
        err.print(
            f"{name}: no file was landed for {len(missing)} of these months "
            f"({months_as_text(missing)}); they are left out.",
            soft_wrap=True,
        )
    request = Request(keys, months=months, named=True, rebuild=rebuild)
    raise typer.Exit(0 if run_and_report(session, request, wait, as_json) else 1)


app.command()(sql)


@app.command()
def status(as_json: JsonFlag = False) -> None:
    """Show every data set: what is held, what is due, its DPIA, and what went wrong."""
    from edp_platform.status import platform_status, show

    session = open_session()
    told = platform_status(session.home, session.data_sets, session.set_aside)
    if as_json:
        print(json.dumps(told, default=str))
    else:
        show(told, out)
    if not told["is_good"]:
        raise typer.Exit(1)


@app.command()
def trace(
    what: Annotated[
        str, typer.Argument(help="A mart, or a landed file (name or SHA-256).")
    ],
    where: Annotated[
        str | None, typer.Option(help="For a mart: which rows, as SQL.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Most source lines to list.")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """From a mart's row back to files and lines, or from a file on to where it went."""
    from edp_platform.datasets import DataSets
    from edp_platform.publishing.query import QueryFailed, pass_gate
    from edp_platform.publishing.snapshot import current, is_published
    from edp_platform.tracing import TraceFailed, show_trace, trace_any
    from edp_platform.use_cases import UseCases

    home = open_home()
    data_sets = DataSets.load(home)
    try:
        if is_published(home):
            use_cases = UseCases.load(home).by_name
            pass_gate(current(home), {what}, data_sets, use_cases, date.today())
        found = trace_any(home, data_sets, what, where, limit)
    except (QueryFailed, TraceFailed) as error:
        fail(str(error))
    if as_json:
        print(json.dumps(found, default=str))
    else:
        show_trace(found, out)


@app.command()
def revisions(
    data_set: Annotated[str | None, typer.Argument(help="One data set.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show what later releases changed: rows added, removed, changed per column."""
    from dataclasses import asdict
    from difflib import get_close_matches

    from edp_platform.datasets import DataSets
    from edp_platform.ingestion.revisions import read_revisions

    home = open_home()
    known = DataSets.load(home).by_name
    if data_set and data_set not in known:
        near = get_close_matches(data_set, known, cutoff=0.4)
        hint = f"Near names: {', '.join(near)}." if near else "edp status lists them."
        fail(f"there is no data set {data_set}. {hint}", 2)
    found = read_revisions(home, data_set)
    if as_json:
        print(json.dumps([asdict(one) for one in found]))
        return
    table = Table(
        "data set",
        "slice",
        "releases",
        "matched",
        "added",
        "removed",
        "changed",
        "identifiers changed",
    )
    for one in found:
        changed = ", ".join(f"{name} {count:,}" for name, count in one.changed.items())
        table.add_row(
            one.data_set,
            f"{one.month} {one.scope}".strip(),
            f"{one.earlier_release} → {one.later_release}",
            f"{one.matched:,}",
            f"{one.added + one.unidentified_added:,}",
            f"{one.removed + one.unidentified_removed:,}",
            changed,
            ", ".join(
                f"{name} {count:,} of {one.identifiers:,}"
                for name, count in one.identifiers_changed.items()
            ),
        )
    out.print(table if found else "No release has superseded another yet.")


@fetch_app.command("police-uk")
def fetch_police_uk(
    from_month: Annotated[str, typer.Option("--from", help="First month, YYYY-MM.")],
    to_month: Annotated[str, typer.Option("--to", help="Last month, YYYY-MM.")],
    force: Annotated[
        list[str], typer.Option(help="A force, as data.police.uk spells it; repeat.")
    ],
    target: Annotated[
        Path | None, typer.Option(help="Where to put files. Default: EDP_HOME/fetched.")
    ] = None,
    base_url: Annotated[
        str, typer.Option(help="The site.", envvar="EDP_POLICE_UK_URL")
    ] = "https://data.police.uk",
    land_them: Annotated[
        bool, typer.Option("--land/--no-land", help="Land what was fetched.")
    ] = True,
) -> None:
    """Download months of forces from data.police.uk; an interrupted fetch goes on."""
    from edp_platform.ingestion.fetching import fetch_and_land

    good = fetch_and_land(
        open_home(), from_month, to_month, force, target, base_url, land_them, out, err
    )
    raise typer.Exit(0 if good else 1)


@new_app.command("dataset")
def new_dataset(
    name: Annotated[str, typer.Argument(help="The data set's name, like_this.")],
    source: Annotated[
        Path, typer.Option("--from", help="A file of it, to profile its columns.")
    ],
) -> None:
    """Profile a file and write the data set's folder, with governance left blank.

    It refuses to load until a person has answered every blank.
    """
    from edp_platform.scaffolding import ScaffoldFailed, scaffold_data_set

    try:
        written = scaffold_data_set(name, source)
    except ScaffoldFailed as error:
        fail(str(error))
    for path in written:
        out.print(f"wrote {path}", soft_wrap=True)
    out.print(
        "Next: answer the blanks in contract.yaml and dpia.yaml, then: edp status"
    )


@new_app.command("use-case")
def new_use_case(
    name: Annotated[str, typer.Argument(help="The use case's name, like_this.")],
) -> None:
    """Write a use case's folder and its dbt folder, with the questions to answer."""
    from edp_platform.scaffolding import ScaffoldFailed, scaffold_use_case

    try:
        written = scaffold_use_case(name)
    except ScaffoldFailed as error:
        fail(str(error))
    for path in written:
        out.print(f"wrote {path}", soft_wrap=True)


@app.command()
def generate(
    check: Annotated[
        bool, typer.Option("--check", help="Only say what differs; exit 1 if any.")
    ] = False,
) -> None:
    """Write the dbt models that follow from the contracts and from the measures."""
    from edp_platform.contracts.dbt_sources import drift, write_generated
    from edp_platform.datasets import DataSets
    from edp_platform.measures import sql as measures_sql
    from edp_platform.measures.loading import load_measures
    from edp_platform.warehouse.manifest import dbt_project_folder

    project = dbt_project_folder()
    contracts = [one.contract for one in DataSets.load(open_home()).by_name.values()]
    measures = [*load_measures().values()]
    if check:
        differing = drift(contracts, project)
        differing += measures_sql.drift(measures, project)
        for path in differing:
            err.print(f"differs from what it is generated of: {path}", soft_wrap=True)
        if differing:
            fail(
                "generated files differ. Change the contract or the measure and run: "
                "edp generate"
            )
        out.print("Every generated file follows its contract or its measures.")
        return
    written = write_generated(contracts, project)
    written += measures_sql.write_generated(measures, project)
    for path in written:
        out.print(f"wrote {path}", soft_wrap=True)


@app.command()
def manifest() -> None:
    """Get ready what the first run would wait for.

    Parses the dbt project, traces its columns to the contracts and makes Dagster's
    storage. Whatever is not ready is made when it is needed.
    """
    session = open_session()
    with err.status("parsing the dbt project"):
        warehouse = session.platform.warehouse
        path = warehouse.store.make()
    with err.status("tracing its columns"):
        columns = sum(len(one.columns) for one in warehouse.lineage.lineage.values())
    with err.status("making Dagster's storage"), session.instance():
        pass
    out.print(f"ready: {path}, {columns:,} columns traced", soft_wrap=True)


@app.command()
def up(
    port: Annotated[
        int,
        typer.Option(
            help="Port of the Dagster UI.", envvar="EDP_PORT", min=1, max=65535
        ),
    ] = 3000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    watch: Annotated[
        bool, typer.Option("--watch/--no-watch", help="Load new landings at once.")
    ] = True,
) -> None:
    """Serve the Dagster UI and load new landings as they come, until interrupted."""
    from edp_platform.orchestration.serving import serve

    serve(open_session(), host, port, watch, out, err)


if __name__ == "__main__":
    main()
