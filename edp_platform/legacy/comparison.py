"""A whole comparison: reads both sides, compares every cell, explains what differs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from edp_platform.datasets import DataSet, DataSets
from edp_platform.home import Home
from edp_platform.ingestion.landing import Delivery, LandingStore, Supplies
from edp_platform.ingestion.reconciliation import accounts
from edp_platform.ingestion.revisions import read_revisions
from edp_platform.legacy.causes import Context, Reason, Supply, explain
from edp_platform.legacy.comparing import (
    Cell,
    MartCells,
    ReportCells,
    compare,
    mart_cells,
    report_cells,
)
from edp_platform.legacy.failure import CannotCompare
from edp_platform.legacy.mapping import Columns, Known, Stated, map_columns
from edp_platform.legacy.mart import MartRows, grain_of, read_mart, written
from edp_platform.legacy.releases import Releases
from edp_platform.legacy.report import Report, read_report
from edp_platform.legacy.values import as_day, folded
from edp_platform.publishing.snapshot import Snapshot, current
from edp_platform.tracing.cells import CELL, TracedCells, trace_cells
from edp_platform.tracing.marts import grain_in_fact
from edp_platform.warehouse.manifest import ManifestStore
from edp_platform.warehouse.models import Model, Models

_LINES_TOLD = 20
_STATES = ("equal", "differs", "missing", "extra")


@dataclass(frozen=True)
class Asked:
    """What is to be compared, and what the person says of the report.

    Attributes:
        path: the report.
        mart: the mart's name.
        stated: columns, labels, measure.
        where: which rows of the mart, as SQL.
        sheet: of a workbook.
        months: first and last month that the report is to cover (YYYY-MM); by default
            the first and last that it names.
    """

    path: Path
    mart: str
    stated: Stated = field(default_factory=Stated)
    where: str | None = None
    sheet: str | None = None
    months: tuple[str, str] | None = None


@dataclass(frozen=True)
class Comparison:
    """One report beside one mart.

    Attributes:
        report: as read.
        mart: its rows.
        columns: which column is which.
        cells: every cell, by key.
        taken: what the report says.
        outside: cells of the mart outside the report's period.
        window: first and last period compared, where the key has one.
        reasons: key → why, of each cell that is not equal.
        traced: what the mart's figures are made of, by the place of the cell.
    """

    report: Report
    mart: MartRows
    columns: Columns
    cells: Sequence[Cell]
    taken: ReportCells
    outside: int
    window: tuple[str, str] | None
    reasons: Mapping[tuple[str, ...], tuple[Reason, ...]]
    traced: TracedCells

    @property
    def is_equal(self) -> bool:
        """Whether every cell is equal."""
        return all(one.state == "equal" for one in self.cells)

    @property
    def counts(self) -> dict[str, int]:
        """How many cells are in each state."""
        return {
            state: sum(one.state == state for one in self.cells) for state in _STATES
        }


def compare_report(home: Home, data_sets: DataSets, asked: Asked) -> Comparison:
    """Compare a report with a mart of the published copy.

    The caller has asked the gate for the mart.

    Args:
        home: whose copy, landing and warehouse.
        data_sets: their contracts name the labels, the breaks and the supply.
        asked: see `Asked`.

    Raises:
        CannotCompare: the file, a column, a label or the mart cannot be placed.
        NothingPublished: there is no published copy.
        TraceFailed: the warehouse cannot be read now.
        DbtFailed: the dbt project does not parse.
    """
    snapshot = current(home)
    manifest = ManifestStore(home).manifest
    models = Models(manifest)
    model = _model(models, asked.mart)
    report = read_report(asked.path, asked.sheet)
    mart = read_mart(snapshot, model, grain_of(manifest, model), asked.where)
    counted = _counted_sets(models, model, data_sets)
    in_fact = grain_in_fact(model)
    labels = {
        name: known
        for name in mart.grain
        if (known := _known_labels(mart, name, in_fact.get(name, name), counted))
    }
    columns = map_columns(
        report, mart, labels, asked.stated, _usual_measure(model, mart)
    )
    taken = report_cells(report, columns, mart, labels, asked.stated)
    ours = mart_cells(mart, columns)
    period = _period(taken.order, mart)
    window = _window(taken, period, asked.months)
    if not taken.entries:
        raise CannotCompare(f"{report.name} has no line that could be compared.")
    cells, outside = compare(taken, ours, period, window, _is_count(mart, columns))
    if all(one.ours is None for one in cells):
        raise CannotCompare(
            f"No cell of {report.name} has a row in {mart.name}: its periods and labels "
            "are all others. Is it the right mart, and the right --where?"
        )
    deliveries = LandingStore(home).deliveries()
    traced = _trace(home, models, model, mart, ours, cells, deliveries)
    context = _context(
        home, snapshot, mart, columns, taken, period, window, counted, in_fact, labels,
        traced, deliveries,
    )  # fmt: skip
    return Comparison(
        report,
        mart,
        columns,
        cells,
        taken,
        outside,
        window if period else None,
        explain(cells, taken, context),
        traced,
    )


def _model(models: Models, name: str) -> Model:
    marts = {model.name: model for model in models.marts}
    wanted = name.removeprefix("marts.")
    if wanted not in marts:
        near = difflib.get_close_matches(wanted, marts, 3, 0.5)
        hint = f" Did you mean: {', '.join(near)}?" if near else ""
        raise CannotCompare(f"There is no mart {name}.{hint} edp catalogue lists them.")
    return marts[wanted]


def _counted_sets(
    models: Models, model: Model, data_sets: DataSets
) -> dict[str, DataSet]:
    """Return the data sets beneath a mart that are loaded, by name."""
    return {
        name: data_sets.by_name[name]
        for name in sorted(models.data_sets(model.unique_id))
        if name in data_sets.by_name
    }


def _known_labels(
    mart: MartRows, ours: str, held: str, counted: Mapping[str, DataSet]
) -> dict[str, Known]:
    """Return folded value → what contracts, or the mart, call it, of one column."""
    found = {
        folded(text): Known(code, how="name")
        for text, code in mart.names.get(ours, {}).items()
    }
    for data_set in counted.values():
        contract = data_set.contract
        for name in dict.fromkeys((ours, held)):
            if name not in contract.column_names:
                continue
            for one in contract.column(name).known_values:
                found[folded(one.value)] = Known(one.label, one.valid_to)
                found.setdefault(folded(one.label), Known(one.label, None))
    return found


def _usual_measure(model: Model, mart: MartRows) -> str | None:
    stated = model.trace.get("measure")
    if stated in mart.measures:
        return str(stated)
    for name in mart.measures:
        if pa.types.is_integer(mart.rows.schema.field(name).type):
            return name
    return None


def _is_count(mart: MartRows, columns: Columns) -> bool:
    return pa.types.is_integer(mart.rows.schema.field(columns.measure).type)


def _period(order: Sequence[str], mart: MartRows) -> str | None:
    for name in order:
        if name in mart.days or name == "year":
            return name
    return None


def _window(
    taken: ReportCells, period: str | None, months: tuple[str, str] | None
) -> tuple[str, str] | None:
    """Return the first and last period that is compared."""
    if period is None:
        return None
    if months is not None:
        # ~ sorts after every day of the last month.
        return (months[0], f"{months[1]}~")
    at = taken.order.index(period)
    stated = sorted(
        key[at]
        for key, entries in taken.entries.items()
        if any(one.value is not None for one in entries)
    )
    return (stated[0], stated[-1]) if stated else None


def _trace(
    home: Home,
    models: Models,
    model: Model,
    mart: MartRows,
    ours: MartCells,
    cells: Sequence[Cell],
    deliveries: list[Delivery],
) -> TracedCells:
    """Trace the rows behind each cell that is not equal."""
    places: list[int] = []
    numbers: list[int] = []
    for at, cell in enumerate(cells):
        if cell.state != "equal":
            rows = ours.rows.get(cell.key, ())
            places += rows
            numbers += [at] * len(rows)
    if not places:
        # Which files the mart counts is asked all the same, where nothing is traced.
        return TracedCells()
    chosen = mart.rows.select([*mart.grain]).take(pa.array(places, pa.int64()))
    chosen = chosen.append_column(CELL, pa.array(numbers, pa.int64()))
    return trace_cells(home, models, model, chosen, deliveries, _LINES_TOLD)


def _context(
    home: Home,
    snapshot: Snapshot,
    mart: MartRows,
    columns: Columns,
    taken: ReportCells,
    period: str | None,
    window: tuple[str, str] | None,
    counted: Mapping[str, DataSet],
    in_fact: Mapping[str, str],
    labels: Mapping[str, Mapping[str, Known]],
    traced: TracedCells,
    deliveries: list[Delivery],
) -> Context:
    fixed = {name: folded(written(one)) for name, one in columns.fixed.items()}
    wanted = [
        name for name in (*taken.order, *fixed) if not (name == period == "month")
    ]
    supplied = {
        name: Supplies([one for one in deliveries if one.data_set == name])
        for name in counted
    }
    by_set = {
        name: {
            one: lake
            for one in wanted
            if (lake := _lake_column(data_set, one, in_fact)) is not None
        }
        for name, data_set in counted.items()
        # Without a file of the fact's, it is a look-up: none of its rows are counted.
        if not traced.files
        or traced.files & {one.file for one in supplied[name].deliveries}
    }
    held = max((tuple(own) for own in by_set.values()), key=len, default=())
    blanks = frozenset(
        one
        for one in held
        if any(folded(written(each)) == "not stated" for each in mart.values(one))
    )
    releases = [
        Releases(
            home, counted[name], supplied[name], own, labels, columns.measure, blanks
        )
        for name, own in by_set.items()
        if own and tuple(own) == held
    ]
    names = {one.data_set.name for one in releases}
    at = mart.grain.index(period) if period else None
    return Context(
        order=taken.order,
        fixed=fixed,
        period=period,
        releases=releases,
        held=tuple(held),
        supply=[*_supply(snapshot, names)],
        periods=frozenset(map(written, mart.values(mart.grain[at])))
        if at is not None
        else frozenset(),
        revisions=[one for one in read_revisions(home) if one.data_set in names],
        out=_out(home, releases),
        first=window[0] if window else "",
        last=window[1] if window else "",
    )


def _lake_column(
    data_set: DataSet, name: str, in_fact: Mapping[str, str]
) -> str | None:
    contract = data_set.contract
    for one in (name, in_fact.get(name, name)):
        if one in contract.column_names:
            return one
    return None


def _out(home: Home, releases: Iterable[Releases]) -> dict[str, int]:
    """Return file → rows disposed of or restricted, of files in force."""
    found = {}
    for one in releases:
        active = {
            each for every in one.supplies.active_by_month().values() for each in every
        }
        for account in accounts(home, one.supplies, active):
            if account.disposed or account.restricted:
                found[account.file] = account.disposed + account.restricted
    return found


def _supply(snapshot: Snapshot, names: Iterable[str]) -> Iterator[Supply]:
    """Yield each month that was not supplied whole, as the mart of it says."""
    if "supply_by_month" not in snapshot.rows:
        return
    with duckdb.connect(str(snapshot.path), read_only=True) as connection:
        rows = connection.execute(
            "select data_set, strftime(month, '%Y-%m'), force, supply, "
            "coalesce(reason, '') from marts.supply_by_month "
            "where supply <> 'supplied' and data_set = any(?)",
            [sorted(names)],
        ).fetchall()
    for row in rows:
        yield Supply(*row)


def months_stated(text: str) -> tuple[str, str]:
    """Read `2016-01...2016-12`.

    Raises:
        CannotCompare: it is not written so.
    """
    first, dots, last = text.partition("...")
    days = [as_day(one) for one in (first, last)]
    if not dots or None in days or days[0] > days[1]:  # type: ignore[operator]
        raise CannotCompare(
            f"--months {text!r}: write the first and last month the report is to cover, "
            "such as 2016-01...2016-12."
        )
    named = [one for one in days if isinstance(one, date)]
    return f"{named[0]:%Y-%m}", f"{named[1]:%Y-%m}"
