"""`edp sample`: make up a force's files, and let further ones arrive."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from edp_platform.commands.console import JsonFlag, err, fail, open_home, out

app = typer.Typer(
    help="Make up a force's files, with real faults and a truth file of what was "
    "planted.",
    invoke_without_command=True,
)
#: In the order in which they are landed; an earlier release has a date of its own.
_FOLDERS = (
    "police_uk_earlier_release",
    "police_uk",
    "london_datastore",
    "reference",
    "force_systems",
)


class SampleSize(StrEnum):
    """How large the sample force is."""

    small = "small"
    medium = "medium"
    met = "met"


@app.callback()
def sample(
    context: typer.Context,
    size: Annotated[
        SampleSize, typer.Option(help="met is the real size: 95,000 crimes a month.")
    ] = SampleSize.small,
    months: Annotated[int, typer.Option(min=1, help="Months of data.")] = 24,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 1,
    target: Annotated[
        Path | None, typer.Option(help="Where to write. Default: EDP_HOME/sample.")
    ] = None,
    end_month: Annotated[
        str | None, typer.Option(help="Last month, YYYY-MM. Default: two months ago.")
    ] = None,
    published_only: Annotated[
        bool,
        typer.Option("--published-only", help="Without the internal systems."),
    ] = False,
) -> None:
    """Make up a force's files, with real faults and a truth file of what was planted.

    Published files and, in the folder force_systems, the force's internal systems:
    persons, crime reports, calls, custody, searches, misconduct, patrols, a survey.
    """
    if context.invoked_subcommand is not None:
        return
    from rich.progress import Progress

    from edp_platform.sample import make_sample

    folder = target or open_home().root / "sample"
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("making the sample force", total=None)

        def told(step: str, done: int, total: int) -> None:
            progress.update(task, completed=done, total=total, description=step)

        try:
            made = make_sample(
                folder,
                size.value,
                months,
                seed,
                end_month,
                today=date.today(),
                progress=told,
                systems=not published_only,
            )
        except FileExistsError as error:
            fail(f"{error} Give another folder with --target, or remove this one.")
        except ValueError as error:
            fail(str(error), 2)
    out.print(
        f"{made.files} files, {made.rows:,} rows in {folder} "
        f"({made.first_month} to {made.last_month}); what was planted: {made.truth}"
    )
    folders = " ".join(
        str(folder / name) for name in _FOLDERS if (folder / name).exists()
    )
    out.print(f"Next: edp land {folders}", soft_wrap=True)


@app.command()
def tick(
    every: Annotated[
        float, typer.Option(min=0, help="Seconds between one arrival and the next.")
    ] = 10,
    times: Annotated[int, typer.Option(min=1, help="How often.")] = 1,
    calls: Annotated[int, typer.Option(min=1, help="New calls each time.")] = 20,
    reports: Annotated[
        int, typer.Option(min=1, help="New crime reports each time.")
    ] = 4,
    source: Annotated[
        Path | None,
        typer.Option("--sample", help="The sample. Default: EDP_HOME/sample."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Let calls and crime reports of the current month arrive in landing, as they would.

    Each time, the month's extracts are landed again with more in them: a later release
    of the same files, so that a dashboard, edp up or edp run can be seen to move.

    Example: edp sample tick --every 5 --times 12
    """
    from edp_platform.datasets import DataSets
    from edp_platform.ingestion.land import LandingOptions, land

    home = open_home()
    folder = source or home.root / "sample"
    drip = _drip(folder)
    data_sets = DataSets.load(home)
    told = []
    refused = False
    for at in range(times):
        if at:
            time.sleep(every)
        now = datetime.now(UTC)
        paths = drip(now, timedelta(seconds=max(every, 60)), calls, reports)
        for landed in land(
            home, data_sets, [str(path) for path in paths], LandingOptions(), now
        ):
            delivery = landed.delivery
            refused = refused or landed.outcome == "refused"
            if delivery is None:
                err.print(
                    f"[red]refused[/] {landed.name}: {landed.reason}", soft_wrap=True
                )
                continue
            told.append(
                {
                    "at": now.isoformat(timespec="seconds"),
                    "data_set": delivery.data_set,
                    "month": delivery.months[0],
                    "records": delivery.records,
                    "outcome": landed.outcome,
                }
            )
            if not as_json:
                out.print(
                    f"{now:%H:%M:%S} {delivery.data_set} {delivery.months[0]}: "
                    f"{delivery.records:,} records so far"
                )
    if as_json:
        print(json.dumps(told))
    if refused:
        raise typer.Exit(1)


def _drip(folder: Path) -> Any:
    """Return what makes the next extracts of a sample.

    It takes the moment, how far back arrivals lie, and how many calls and reports, and
    returns the files.
    """
    import polars as pl

    from edp_platform.sample.force_systems.arrivals import Arrivals, arrive
    from edp_platform.sample.force_systems.columns import Areas
    from edp_platform.sample.geography import make_geography

    truth_path = folder / "truth.json"
    known = folder / "nominal_truth.parquet"
    if not (truth_path.exists() and known.exists()):
        fail(
            f"{folder} holds no sample force, whose persons new reports could name. "
            "Make one first: edp sample"
        )
    truth = json.loads(truth_path.read_text(encoding="utf-8"))
    areas = Areas(make_geography(truth["size"], truth["seed"]))
    nominal_ids = pl.read_parquet(known)["nominal_id"]

    def drip(now: datetime, since: timedelta, calls: int, reports: int) -> list[Path]:
        kept = folder / "arriving" / f"{now:%Y-%m}"
        arrivals = arrive(
            Arrivals.read(kept),
            now=now,
            since=since,
            calls=calls,
            reports=reports,
            areas=areas,
            nominal_ids=nominal_ids,
            seed=truth["seed"],
        )
        arrivals.keep(kept)
        return arrivals.write(kept, now)

    return drip
