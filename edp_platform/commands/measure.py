"""`edp measure`: the figures of the framework, what they say, and why they changed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from edp_platform.commands.access import who_acts
from edp_platform.commands.acting import AsPersonOption
from edp_platform.commands.console import JsonFlag, doing, fail, open_home, out
from edp_platform.consoles import listing

if TYPE_CHECKING:
    from edp_platform.home import Home
    from edp_platform.measures.declared import Measure
    from edp_platform.measures.reading import Shown
    from edp_platform.measures.reading_published import Published

app = typer.Typer(
    help="Measures: trend and signals, where a figure comes from, why it changed.",
    epilog=(
        "edp measure list    edp measure show burglary --area Camden    "
        "edp measure why burglary    edp measure freeze board-2026-11 --measures burglary"
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
)
frozen_app = typer.Typer(
    help="A meeting's figures as they stood.", no_args_is_help=True
)
app.add_typer(frozen_app, name="frozen")

_PERIODS_TOLD = 13

MeasureArgument = Annotated[str, typer.Argument(metavar="ID", help="A measure's id.")]
AreaOption = Annotated[
    str | None,
    typer.Option("--area", help="An area, by code or name. Default: the force."),
]
MonthOption = Annotated[
    datetime | None,
    typer.Option(
        "--month", formats=["%Y-%m", "%Y-%m-%d"], help="A period: its first month."
    ),
]
LookReason = Annotated[
    str,
    typer.Option(
        "--reason", help="Why, for the log. Default: what your grants are for."
    ),
]


@app.command(name="list")
def list_measures(
    aim: Annotated[
        str | None, typer.Option(help="Only those of trust, crime or standards.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """List every measure: its aim, unit, areas, target and sources."""
    if aim is not None and aim not in ("trust", "crime", "standards"):
        fail(f"there is no aim {aim}; there are trust, crime and standards.", 2)
    chosen = [one for one in _measures().values() if aim in (None, one.aim)]
    if as_json:
        print(
            json.dumps([_listed(one) for one in chosen], ensure_ascii=False, indent=1)
        )
        return
    table = listing("measure", "aim", "title", "unit", "areas", "target")
    for one in chosen:
        target = f"{one.target.value:g}" if one.target else "-"
        row = (one.id, one.aim, one.title, one.unit, ", ".join(one.areas), target)
        table.add_row(*map(escape, row))
    out.print(table)
    out.print(f"{len(chosen)} measures. See one: edp measure show ID", highlight=False)


def _listed(measure: Measure) -> dict[str, Any]:
    return {
        "id": measure.id,
        "aim": measure.aim,
        "title": measure.title,
        "unit": measure.unit,
        "areas": list(measure.areas),
        "source": list(measure.source),
        "frequency": measure.frequency,
        "better": measure.better,
        "target": measure.target.model_dump(mode="json") if measure.target else None,
        "owner": measure.owner,
        "disclosure": measure.disclosure,
    }


@app.command()
def show(
    measure: MeasureArgument,
    area: AreaOption = None,
    as_at: Annotated[
        str | None,
        typer.Option("--as-at", help="As published in this snapshot. Default: now."),
    ] = None,
    as_person: AsPersonOption = None,
    reason: LookReason = "",
    as_json: JsonFlag = False,
) -> None:
    """Show a measure's periods with limits and signals, in figures, a chart and words."""
    from edp_platform.measures.history import History

    home = open_home()
    with _told():
        known = _measure(measure)
        published = _published(home, as_person, reason, "json" if as_json else None)
        if as_at is None:
            shown = published.show(known, area)
        else:
            shown = published.show_as_at(known, area, History(home).find(as_at))
    if as_json:
        print(json.dumps(_shown_json(known, shown), ensure_ascii=False, default=str))
    else:
        _show(known, shown)


def _shown_json(measure: Measure, shown: Shown) -> dict[str, Any]:
    return {
        **_listed(measure),
        "area": shown.area.as_dict(),
        "snapshot": shown.snapshot,
        "as_at": shown.as_at,
        "periods": shown.periods,
        "series": shown.series,
        "words": shown.series.get("words"),
        "signals_over_all_series": shown.is_from_mart,
    }


def _show(measure: Measure, shown: Shown) -> None:
    from edp_platform.measures.reading_plot import plot

    def say(text: str) -> None:
        out.print(text, highlight=False, soft_wrap=True)

    say(f"[bold]{escape(measure.title)}[/], {escape(shown.area.name)}")
    below = f" per {escape(measure.denominator)}" if measure.denominator else ""
    say(f"{escape(measure.unit)}: {escape(measure.numerator)}{below}")
    target = measure.target.value if measure.target else None
    for line in plot(shown.periods, target):
        out.print(line, highlight=False, markup=False, no_wrap=True, overflow="crop")
    out.print(_table(measure, shown.periods[-_PERIODS_TOLD:]))
    words = shown.series.get("words")
    if words:
        say(escape(str(words)))
    if measure.target:
        say(
            f"Target {target:g} {escape(measure.unit)}, set by "
            f"{escape(measure.target.authority.rstrip('.'))}."
        )
    newest = shown.periods[-1]
    say(
        f"Newest period {newest['month'][:7]} is {newest['completeness']}"
        + (f", of the release of {newest['as_at']}" if newest["as_at"] else "")
        + f". Snapshot {shown.snapshot}, as at {shown.as_at}."
    )
    if not shown.is_from_mart:
        say(
            "Limits were worked out of these figures alone: whether it is an alert is "
            "decided over all watched series, in the published marts."
        )


def _table(measure: Measure, periods: list[dict[str, Any]]) -> Table:
    table = listing()
    table.add_column("period")
    numbers = ["value", "95 % interval", "numerator"]
    if measure.denominator:
        numbers.append("denominator")
    for head in (*numbers, "limits"):
        table.add_column(head, justify="right")
    table.add_column("signal", overflow="fold")
    table.add_column("state")
    for one in periods:
        limits, interval = one["limits"], one["interval"]
        row = [
            one["month"][:7],
            _number(one["value"]),
            _span(interval["lower"], interval["upper"]),
            _number(one["numerator"]),
            *([_number(one["denominator"])] if measure.denominator else []),
            _span(limits["lower"], limits["upper"])
            + (" trial" if limits["is_trial"] else ""),
            "; ".join(one["signals"])
            + (f" ({one['direction']})" if one["signals"] else ""),
            one["completeness"] or "",
        ]
        table.add_row(*(escape(each) for each in row))
    return table


def _number(value: float | None) -> str:
    from edp_platform.measures.reading import number

    return number(value)


def _span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{_number(low)} to {_number(high)}"


@app.command()
def explain(
    measure: MeasureArgument,
    area: AreaOption = None,
    month: MonthOption = None,
    as_person: AsPersonOption = None,
    reason: LookReason = "",
    as_json: JsonFlag = False,
) -> None:
    """Say what a measure is; with an area or a month, which rows its figure is made of."""
    from edp_platform.measures.explaining_trace import definition_of, trace_figure

    home = open_home()
    with _told():
        known = _measure(measure)
        told = definition_of(known)
        if area is not None or month is not None:
            from edp_platform.datasets import DataSets

            published = _published(home, as_person, reason, None)
            shown = published.show(known, area)
            told["figure"] = trace_figure(
                home, DataSets.load(home), known, shown, month.date() if month else None
            )
    if as_json:
        print(json.dumps(told, ensure_ascii=False, default=str))
        return
    for name, value in told.items():
        if name not in ("sql", "figure", "values") and value not in (None, [], ""):
            said = _said(value)
            out.print(
                f"[bold]{name.replace('_', ' ')}[/]  {escape(said)}",
                highlight=False,
                soft_wrap=True,
            )
    for name, sql in told["sql"].items():
        out.print(f"[bold]SQL of {escape(name)}[/]", highlight=False)
        out.print(sql, highlight=False, markup=False, soft_wrap=True)
    if "figure" in told:
        _show_figure(told["figure"])


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(each)}" for name, each in value.items())
    if isinstance(value, list):
        return "; ".join(_said(one) for one in value)
    return str(value)


def _show_figure(figure: dict[str, Any]) -> None:
    out.print(
        f"[bold]{figure['month'][:7]}, {escape(figure['area'])}[/]: "
        f"{_number(figure['value'])} = {_number(figure['numerator'])}"
        + (f" / {_number(figure['denominator'])}" if figure["denominator"] else "")
        + f" (snapshot {figure['snapshot']})",
        highlight=False,
    )
    for one in figure["rows"]:
        out.print(escape(one["says"]), highlight=False, soft_wrap=True)
        if one["command"]:
            out.print(
                f"  {one['command']}", highlight=False, markup=False, soft_wrap=True
            )


@app.command()
def why(
    measure: MeasureArgument,
    from_: Annotated[
        str | None,
        typer.Option("--from", help="A snapshot. Default: the one before --to."),
    ] = None,
    to: Annotated[
        str, typer.Option(help="A later snapshot. Default: the latest.")
    ] = "latest",
    area: AreaOption = None,
    month: MonthOption = None,
    as_person: AsPersonOption = None,
    reason: LookReason = "",
    as_json: JsonFlag = False,
) -> None:
    """Split the change of a published figure into its causes, which add up to it.

    Late records, reclassification, the publisher's revision, disposal, definition and
    code; what nobody can tell apart is named as that.
    """
    from edp_platform.datasets import DataSets
    from edp_platform.measures.explaining_change import why as explained
    from edp_platform.measures.explaining_telling import as_json as told
    from edp_platform.measures.explaining_telling import show as show_why
    from edp_platform.measures.history import History
    from edp_platform.measures.reading import choose_area

    home = open_home()
    with _told():
        known = _measure(measure)
        history = History(home)
        publications = history.span(from_, to)
        published = _published(home, as_person, reason, "json" if as_json else None)
        published.may_see()
        chosen = choose_area(published.areas(known.id), area)
        with doing("reading what stood beneath", as_json):
            found = explained(
                home,
                DataSets.load(home).by_name,
                known.id,
                publications,
                (chosen.kind, chosen.code),
                month.date().replace(day=1) if month else None,
            )
    if as_json:
        print(json.dumps(told(found), ensure_ascii=False, default=str))
    else:
        show_why(found, known.title, known.unit, chosen.name, out)


@app.command()
def freeze(
    name: Annotated[str, typer.Argument(help="Of the pack, such as board-2026-11.")],
    measures: Annotated[
        list[str], typer.Option("--measures", help="A measure; repeat, or commas.")
    ],
    meeting: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day of the meeting."),
    ] = None,
    areas: Annotated[
        str, typer.Option(help="Kinds of area, with commas.")
    ] = "force,borough",
    periods: Annotated[
        int, typer.Option(min=1, max=240, help="How many periods of each series.")
    ] = 25,
    inside_force: Annotated[
        bool,
        typer.Option(
            "--inside-force",
            help="The pack does not leave the force: small numbers that the force may "
            "see are kept.",
        ),
    ] = False,
    as_person: AsPersonOption = None,
    reason: LookReason = "",
    as_json: JsonFlag = False,
) -> None:
    """Keep a meeting's figures as they stand: once, read-only, with their digest."""
    from edp_platform.measures.freezing import freeze as keep
    from edp_platform.measures.freezing_packs import pack

    home = open_home()
    person = who_acts(home, as_person)
    with _told():
        chosen = [_measure(one) for one in _divided(measures)]
        published = _published(home, as_person, reason, "json")
        content = pack(published, chosen, _divided([areas]), periods)
        now = datetime.now().astimezone()
        day = meeting.date().isoformat() if meeting else None
        path = keep(home, name, content, now, person, day, inside_force=inside_force)
    count = sum(len(one["series"]) for one in content["measures"])
    if as_json:
        print(json.dumps({"pack": name, "path": str(path), "series": count}))
        return
    out.print(
        f"Kept {count:,} series of {len(chosen)} measures as {name}, snapshot "
        f"{content['snapshot']}: {path}",
        highlight=False,
        soft_wrap=True,
    )


def _divided(stated: list[str]) -> list[str]:
    found = [part.strip() for one in stated for part in one.split(",")]
    return list(dict.fromkeys(part for part in found if part))


@frozen_app.command(name="list")
def list_frozen(as_json: JsonFlag = False) -> None:
    """List the packs that are kept, oldest first."""
    from edp_platform.measures.freezing import packs

    with _told():
        rows = packs(open_home())
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    table = listing("pack", "meeting", "snapshot", "kept", "by")
    for row in rows:
        cells = (
            row["name"],
            row["meeting"],
            row["snapshot"],
            row["at"][:16],
            row["by"],
        )
        table.add_row(*(escape(str(one or "-")) for one in cells))
    out.print(table if rows else "No pack is kept yet: edp measure freeze NAME …")


@frozen_app.command(name="show")
def show_frozen(
    name: Annotated[str, typer.Argument(help="Of the pack.")],
    as_person: AsPersonOption = None,
    reason: LookReason = "",
    as_json: JsonFlag = False,
) -> None:
    """Show a pack as it was kept, having made sure that it is."""
    from edp_platform.measures.freezing import read_pack

    home = open_home()
    with _told():
        _published(home, as_person, reason, "json" if as_json else None).may_see()
        pack = read_pack(home, name)
    if as_json:
        print(json.dumps(pack, ensure_ascii=False))
        return
    out.print(
        f"[bold]{escape(name)}[/], kept {pack['frozen_at']} by "
        f"{escape(pack['frozen_by'])}, snapshot {pack['snapshot']} (as at "
        f"{pack['as_at']}); to be seen {pack['circulation']}; unchanged since, SHA-256 "
        f"{pack['sha256']}",
        highlight=False,
        soft_wrap=True,
    )
    table = listing("measure", "area", "period", "value", "what it said")
    for one in pack["measures"]:
        for series in one["series"]:
            last = series["periods"][-1]
            row = (
                one["id"],
                series["area"]["name"],
                last["month"][:7],
                f"{_number(last['value'])} {one['definition']['unit']}",
                series["series"].get("words") or "",
            )
            table.add_row(*map(escape, row))
    out.print(table)


@frozen_app.command(name="compare")
def compare_frozen(
    name: Annotated[str, typer.Argument(help="Of the pack.")],
    as_person: AsPersonOption = None,
    reason: LookReason = "",
    as_json: JsonFlag = False,
) -> None:
    """List the figures of a pack that are others now; exit 1 if there are any."""
    from edp_platform.measures.freezing import compare, read_pack

    home = open_home()
    with _told():
        published = _published(home, as_person, reason, "json" if as_json else None)
        pack = read_pack(home, name)
        now: dict[tuple[str, str, str, str], float | None] = {}
        for one in pack["measures"]:
            for row in published.values(one["id"]):
                place = (row["area_kind"], row["area_code"], str(row["month"])[:10])
                now[(one["id"], *place)] = row["value"]
        found = compare(pack, now)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    elif not found:
        out.print("Every figure is as it was.")
    else:
        table = Table("measure", "area", "period", "then", "now", "change", box=None)
        for one in found:
            table.add_row(
                escape(one["measure"]),
                escape(one["area"]),
                one["month"][:7],
                _number(one["then"]),
                _number(one["now"]),
                _number(one["change"]),
            )
        out.print(table)
        out.print(
            f"{len(found):,} figures are others now. Why: edp measure why "
            f"{found[0]['measure']} --from {pack['snapshot']}",
            highlight=False,
            soft_wrap=True,
        )
    if found:
        raise typer.Exit(1)


@app.command()
def alerts(
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Send now what is due to be sent.")
    ] = False,
    limit: Annotated[int, typer.Option(min=0, help="Most events to show.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """Show what changed state, newest first, and what of it waits to be sent.

    The exit status is 1 while something could not be sent.
    """
    from dataclasses import asdict

    from edp_platform.measures.alerts import EventLog, in_words
    from edp_platform.measures.alerts_delivery import Named, Outbox, webhook_of

    home = open_home()
    with _told():
        names = {one.id: Named(one.title, one.owner) for one in _measures().values()}
        outbox = Outbox(home)
        sent = None
        url = webhook_of(os.environ)
        if deliver:
            sent = outbox.deliver(names, datetime.now().astimezone(), url)
        events = EventLog(home).events()[::-1][:limit]
        waiting = len(outbox.pending("webhook")) if url else 0
    if as_json:
        told = {
            "events": [asdict(one) for one in events],
            "waiting": waiting,
            "delivered": None if sent is None else asdict(sent),
        }
        print(json.dumps(told, ensure_ascii=False))
    else:
        for one in events:
            mark = "alert" if one.is_sent else "event"
            title = names[one.measure].title if one.measure in names else one.measure
            out.print(
                f"{one.at[:16]}  {mark}  {escape(in_words(one, title))}",
                highlight=False,
                soft_wrap=True,
            )
        out.print(f"{len(events)} events shown, {waiting} wait for the webhook.")
        if sent is not None:
            out.print(
                f"sent {sent.posted}, {sent.written} e-mail files, {sent.failed} failed"
                + (f" ({sent.why})" if sent.why else ""),
                highlight=False,
            )
    if waiting and deliver:
        raise typer.Exit(1)


# What every command shares -------------------------------------------------------------


def _measures() -> dict[str, Measure]:
    from edp_platform.measures.loading import load_measures

    return load_measures()


def _measure(name: str) -> Measure:
    from edp_platform.measures.reading import find_measure

    return find_measure(_measures(), name)


def _published(
    home: Home, as_person: str | None, reason: str, export: str | None
) -> Published:
    from edp_platform.measures.reading_published import Published

    person = who_acts(home, as_person)
    return Published(home, person, reason, datetime.now().astimezone(), export)


@contextmanager
def _told() -> Iterator[None]:
    """Tell what is unknown with status 2, and what is refused with status 1."""
    from edp_platform.measures.history import UnknownSnapshot
    from edp_platform.measures.reading import UnknownArea, UnknownMeasure
    from edp_platform.publishing.query import QueryFailed

    try:
        yield
    except (UnknownArea, UnknownMeasure, UnknownSnapshot) as error:
        fail(str(error), 2)
    except QueryFailed as error:
        fail(str(error))
