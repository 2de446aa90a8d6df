"""Cell by cell: what a report says, what the mart says, and whether they are equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from edp_platform.legacy.failure import CannotCompare
from edp_platform.legacy.mapping import Columns, Label, Labels, Stated, place_labels
from edp_platform.legacy.mart import TOTALS, MartRows, written
from edp_platform.legacy.report import Report
from edp_platform.legacy.values import as_figure, folded

State = Literal["equal", "differs", "missing", "extra"]
Key = tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """One figure of the report.

    Attributes:
        line: where it stands.
        labels: as the report has them, in the order of the key.
        value: None where the cell is blank.
        decimals: to how many it was written.
    """

    line: int
    labels: Key
    value: float | None
    decimals: int


@dataclass(frozen=True)
class ReportCells:
    """What the report says.

    Attributes:
        order: the columns that name a cell.
        entries: key → each figure that the report gives it.
        labels: column → label of the report → what it is here.
        totals: lines that are sums of others, and are not compared.
        notes: lines below the header without any figure: footnotes, sources.
    """

    order: tuple[str, ...]
    entries: Mapping[Key, tuple[Entry, ...]]
    labels: Mapping[str, Mapping[str, Label]]
    totals: tuple[int, ...]
    notes: tuple[int, ...]

    @cached_property
    def stated(self) -> Mapping[str, frozenset[str]]:
        """Column → the values for which the report has any figure."""
        given = [
            key
            for key, entries in self.entries.items()
            if any(one.value is not None for one in entries)
        ]
        return {
            name: frozenset(key[at] for key in given)
            for at, name in enumerate(self.order)
        }


@dataclass(frozen=True)
class MartCells:
    """What the mart says.

    Attributes:
        values: key → its figure, summed where the report is coarser.
        rows: key → places of the mart's rows it is made of.
    """

    values: Mapping[Key, float]
    rows: Mapping[Key, tuple[int, ...]]


@dataclass(frozen=True)
class Cell:
    """One cell, compared.

    Attributes:
        key: in the order of the report's key columns.
        theirs: the report's figure; None where it has none.
        ours: the mart's; None where it has no row.
        state: see `State`; missing is missing in the report.
        entries: what the report says of it.
        is_absent_zero: equal only because nought on one side has no row on the other.
    """

    key: Key
    theirs: float | None
    ours: float | None
    state: State
    entries: tuple[Entry, ...] = field(default=())
    is_absent_zero: bool = False

    @property
    def difference(self) -> float:
        """The report's figure less the mart's, with nothing for none."""
        return (self.theirs or 0) - (self.ours or 0)


def report_cells(
    report: Report,
    columns: Columns,
    mart: MartRows,
    labels: Labels,
    stated: Stated,
) -> ReportCells:
    """Take the report apart into cells under the mart's labels.

    Raises:
        CannotCompare: a label could be several of ours, or a figure is none; all are
            named at once, by line.
    """
    order = columns.order(mart)
    totals, notes, body = _sorted_lines(report, columns, mart)
    placed: dict[str, dict[str, Label]] = {}
    troubles: list[str] = []
    for name in order:
        if name == columns.across_key:
            theirs = [*columns.across.values()]
        else:
            theirs = [cells[columns.keys[name]] for _, cells in body]
        placed[name], wrong = place_labels(name, theirs, mart, labels, stated)
        troubles += wrong
    if troubles:
        raise CannotCompare(
            f"{report.name} has labels that could not be placed:\n"
            + "\n".join(f"  - {one}" for one in troubles[:20])
        )
    found: dict[Key, list[Entry]] = {}
    for line, cells in body:
        figures = columns.across or {columns.figure or 0: ""}
        for place, across in figures.items():
            raw = tuple(
                across if name == columns.across_key else cells[columns.keys[name]]
                for name in order
            )
            key = tuple(
                placed[name][text].ours for name, text in zip(order, raw, strict=True)
            )
            try:
                figure = as_figure(cells[place])
            except ValueError:
                # The cell is not quoted: what somebody wrote there could be anything.
                troubles.append(f"line {line}: {report.header[place]} is no figure")
                continue
            value, decimals = figure if figure else (None, 0)
            found.setdefault(key, []).append(Entry(line, raw, value, decimals))
    if troubles:
        raise CannotCompare(
            f"{report.name} has cells that are no figures:\n"
            + "\n".join(f"  - {one}" for one in troubles[:20])
        )
    entries = {key: tuple(each) for key, each in found.items()}
    return ReportCells(order, entries, placed, totals, notes)


def _sorted_lines(
    report: Report, columns: Columns, mart: MartRows
) -> tuple[tuple[int, ...], tuple[int, ...], list[tuple[int, Key]]]:
    """Return the lines of totals, the lines of notes, and the others."""
    places = {**dict.fromkeys(columns.across, "")}
    if columns.figure is not None:
        places[columns.figure] = ""
    ours = {folded(written(one)) for name in columns.keys for one in mart.values(name)}
    totals, notes, body = [], [], []
    for line, cells in report.lines:
        words = {folded(cells[at]) for at in columns.keys.values()}
        blank_keys = sum(not cells[at] for at in columns.keys.values())
        if not any(cells[at] for at in places) and blank_keys == len(columns.keys) - 1:
            notes.append(line)
        elif words & (TOTALS - ours):
            totals.append(line)
        elif blank_keys == len(columns.keys) and columns.keys:
            notes.append(line)
        else:
            body.append((line, cells))
    return tuple(totals), tuple(notes), body


def mart_cells(mart: MartRows, columns: Columns) -> MartCells:
    """Return the mart's figures at the report's grain."""
    order = columns.order(mart)
    names = [
        [written(one) for one in mart.rows.column(name).to_pylist()] for name in order
    ]
    figures = mart.rows.column(columns.measure).to_pylist()
    values: dict[Key, float] = {}
    rows: dict[Key, list[int]] = {}
    for at, figure in enumerate(figures):
        key = tuple(column[at] for column in names)
        rows.setdefault(key, []).append(at)
        if figure is not None:
            values[key] = values.get(key, 0) + float(figure)
    return MartCells(values, {key: tuple(each) for key, each in rows.items()})


def compare(
    report: ReportCells,
    mart: MartCells,
    period: str | None,
    window: tuple[str, str] | None,
    is_count: bool,
) -> tuple[list[Cell], int]:
    """Compare every cell of either side within the report's period.

    Args:
        report: what the report says.
        mart: what the mart says.
        period: the column of the key that holds days or years; None where none does.
        window: first and last period that the report is to cover.
        is_count: whether a row that is not there means nought.

    Returns:
        the cells, by key, and how many of the mart's lie outside the window.
    """
    at = report.order.index(period) if period in report.order else None
    first, last = window if window else ("", "")

    def outside(key: Key) -> bool:
        return at is not None and window is not None and not first <= key[at] <= last

    held = {key[at] for key in mart.values} if at is not None else None
    cells, left = [], 0
    for key in sorted({*report.entries, *mart.values}):
        entries = report.entries.get(key, ())
        if outside(key) and not entries:
            left += 1
            continue
        ours = mart.values.get(key)
        given = [one for one in entries if one.value is not None]
        theirs = sum(one.value or 0 for one in given) if given else None
        if theirs is not None and ours is not None:
            decimals = min(one.decimals for one in given)
            # A share is as near as its decimals say; a half may be rounded either way.
            near = 0.5 * 10**-decimals + 1e-9
            is_whole = ours == int(ours)
            equal = theirs == ours or (not is_whole and abs(theirs - ours) <= near)
            cells.append(
                Cell(key, theirs, ours, "equal" if equal else "differs", entries)
            )
        elif theirs is None and ours is None:
            continue  # blank on both sides
        elif is_count and not theirs and not ours:
            # Nought on one side. Of a period that the mart has not, nothing is known.
            known = ours is not None or held is None or key[at or 0] in held
            state: State = "equal" if known else "extra"
            cells.append(Cell(key, theirs, ours, state, entries, is_absent_zero=known))
        else:
            side: State = "missing" if theirs is None else "extra"
            cells.append(Cell(key, theirs, ours, side, entries))
    return cells, left
