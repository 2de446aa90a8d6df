"""A comparison for scripts, spreadsheets and people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edp_platform.legacy.causes import IN_WORDS, NO_LINE, Reason
from edp_platform.legacy.comparing import Cell
from edp_platform.legacy.comparison import Comparison
from edp_platform.publishing.query import as_csv
from edp_platform.tracing.showing import counted, ranges

_STYLE = {"equal": "green", "differs": "red", "missing": "yellow", "extra": "magenta"}
_IN_WORDS = {
    "equal": "equal",
    "differs": "differing",
    "missing": "missing in the report",
    "extra": "extra in the report",
}
_FILES_TOLD = 3


def as_json(found: Comparison) -> dict[str, Any]:
    """Return the comparison, ready for JSON.

    Returns:
        `report` (`name`, `sha256`, `lines`), `mart`, `snapshot`, `as_at`, `measure`,
        `is_equal`, `cells` (counts: `compared`, `equal`, `differs`, `missing`, `extra`,
        `outside`, `equal_as_zero`), `totals` (`theirs`, `ours`), `period` (`first`,
        `last`), `columns`, `fixed`, `summed`, `labels` (each that is not written as
        ours), `totals_lines`, `notes_lines`, `causes` (see `causes`), `note` (on lines)
        and `differences`: each cell that is not equal: `key`, `theirs`, `ours`,
        `difference`, `state`, `report_lines`, `reasons` (`kind`, `text`, `is_whole`,
        `rows`, `files`), `rows` and `files` (as edp trace tells them).
    """
    counts = found.counts
    return {
        "report": {
            "name": found.report.name,
            "sha256": found.report.sha256,
            "lines": len(found.report.lines),
        },
        "mart": found.mart.name,
        "snapshot": found.mart.snapshot,
        "as_at": found.mart.as_at,
        "measure": found.columns.measure,
        "is_equal": found.is_equal,
        "cells": {
            "compared": len(found.cells),
            **counts,
            "outside": found.outside,
            "equal_as_zero": sum(one.is_absent_zero for one in found.cells),
        },
        "totals": totals(found),
        "period": {"first": found.window[0], "last": found.window[1].rstrip("~")}
        if found.window
        else None,
        "columns": list(found.columns.told),
        "fixed": {name: str(one) for name, one in found.columns.fixed.items()},
        "summed": list(found.columns.summed),
        "labels": labels(found),
        "totals_lines": list(found.taken.totals),
        "notes_lines": list(found.taken.notes),
        "causes": causes(found),
        "note": found.traced.note,
        "differences": [
            _difference(found, at, cell)
            for at, cell in enumerate(found.cells)
            if cell.state != "equal"
        ],
    }


def totals(found: Comparison) -> dict[str, float]:
    """Return the sum of the figures of either side, of the cells compared."""
    return {
        "theirs": _plain(sum(one.theirs or 0 for one in found.cells)) or 0,
        "ours": _plain(sum(one.ours or 0 for one in found.cells)) or 0,
    }


def labels(found: Comparison) -> list[dict[str, str | None]]:
    """Return each label of the report that is not written as ours."""
    return [
        {
            "column": column,
            "theirs": one.theirs,
            "ours": one.ours,
            "how": one.how,
            "used_until": one.until,
        }
        for column, several in found.taken.labels.items()
        for one in several.values()
        if one.how != "same"
    ]


def causes(found: Comparison) -> list[dict[str, Any]]:
    """Return each kind of cause: `kind`, `cells`, `whole`, `difference` of those."""
    cells: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    difference: Counter[str] = Counter()
    for cell in found.cells:
        told = found.reasons.get(cell.key, ())
        for kind in {one.kind for one in told}:
            cells[kind] += 1
            if any(one.is_whole for one in told if one.kind == kind):
                whole[kind] += 1
                difference[kind] += cell.difference  # type: ignore[assignment]
    return [
        {
            "kind": kind,
            "cells": cells[kind],
            "whole": whole[kind],
            "difference": _plain(difference[kind]),
        }
        for kind in IN_WORDS
        if cells[kind]
    ]


def _difference(found: Comparison, at: int, cell: Cell) -> dict[str, Any]:
    traced = found.traced.by_cell.get(at, {})
    return {
        "key": dict(zip(found.taken.order, cell.key, strict=True)),
        "theirs": _plain(cell.theirs),
        "ours": _plain(cell.ours),
        "difference": _plain(cell.difference),
        "state": cell.state,
        "report_lines": [one.line for one in cell.entries],
        "reasons": [_reason(one) for one in found.reasons.get(cell.key, ())],
        "rows": traced.get("rows"),
        "files": traced.get("files", []),
    }


def _reason(one: Reason) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "text": one.text,
        "is_whole": one.is_whole,
        "rows": one.rows,
        "files": [dict(each) for each in one.files],
    }


def _plain(value: float | None) -> float | int | None:
    return int(value) if value is not None and value == int(value) else value


def cells_as_csv(found: Comparison) -> str:
    """Return every cell, the equal ones too: one a line."""
    heads = [
        *found.taken.order,
        "theirs",
        "ours",
        "difference",
        "state",
        "causes",
        "why",
        "report_lines",
        "rows",
        "files",
    ]
    rows = []
    for at, cell in enumerate(found.cells):
        traced = found.traced.by_cell.get(at, {})
        reasons = found.reasons.get(cell.key, ())
        rows.append(
            (
                *cell.key,
                _plain(cell.theirs),
                _plain(cell.ours),
                _plain(cell.difference),
                cell.state,
                "; ".join(dict.fromkeys(one.kind for one in reasons)),
                " ".join(one.text for one in reasons),
                ranges(sorted({one.line for one in cell.entries})),
                traced.get("rows"),
                "; ".join(
                    f"{one['name']} ({one['file']}): lines {ranges(one['line_numbers'])}"
                    for one in traced.get("files", [])
                ),
            )
        )
    return as_csv(heads, rows)


def show(found: Comparison, console: Console, limit: int) -> None:
    """Print the comparison: the summary first, then the largest differences."""
    _show_summary(found, console)
    _show_reading(found, console)
    _show_causes(found, console)
    differing = _grouped(found)
    for cells in differing[:limit]:
        if len(cells) == 1:
            _show_cell(found, *cells[0], console)
        else:
            _show_group(found, cells, console)
    if len(differing) > limit:
        _say(
            console,
            f"\nThe {limit:,} largest of {len(differing):,} differences are shown; "
            "--limit gives more, --format csv gives all cells.",
        )
    if found.traced.note and differing:
        _say(console, f"\n{escape(found.traced.note)}")


def _grouped(found: Comparison) -> list[list[tuple[int, Cell]]]:
    """Return the cells that differ, largest first; what one thing explains together."""
    groups: dict[str, list[tuple[int, Cell]]] = {}
    for at, cell in enumerate(found.cells):
        if cell.state == "equal":
            continue
        told = found.reasons.get(cell.key, ())
        is_shared = len(told) == 1 and told[0].kind in ("not_in_report", "not_supplied")
        is_general = is_shared and told[0].text != NO_LINE
        same = told[0].text if is_general else f"cell {at}"
        groups.setdefault(f"{cell.state} {same}", []).append((at, cell))
    return sorted(
        groups.values(),
        key=lambda cells: -abs(sum(one.difference for _, one in cells)),
    )


def _show_group(
    found: Comparison, cells: list[tuple[int, Cell]], console: Console
) -> None:
    theirs = sum(one.theirs or 0 for _, one in cells)
    ours = sum(one.ours or 0 for _, one in cells)
    state = cells[0][1].state
    _say(
        console,
        f"\n[bold]{len(cells):,} cells[/]  [{_STYLE[state]}]{_IN_WORDS[state]}[/]  "
        f"{_figure(theirs)} in the report, {_figure(ours)} here "
        f"({_figure(theirs - ours, sign=True)})",
    )
    for one in found.reasons.get(cells[0][1].key, ()):
        _say(console, f"  because: {escape(one.text)}")
    names = {
        f"{each['name']} ({each['file']})"
        for at, _ in cells
        for each in found.traced.by_cell.get(at, {}).get("files", [])
    }
    for name in sorted(names)[:_FILES_TOLD]:
        _say(console, f"    {escape(name)}")


def _say(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False)


def _show_summary(found: Comparison, console: Console) -> None:
    counts, sums = found.counts, totals(found)
    _say(
        console,
        f"[bold]{escape(found.report.name)}[/] beside [bold]marts.{found.mart.name}[/] "
        f"({found.columns.measure}), the copy published {found.mart.as_at}",
    )
    table = Table(box=None, padding=(0, 1, 0, 0), show_header=False)
    table.add_column(justify="right")
    table.add_column()
    table.add_row(f"{len(found.cells):,}", "cells compared")
    for state, words in _IN_WORDS.items():
        style = _STYLE[state] if counts[state] else "dim"
        table.add_row(f"[{style}]{counts[state]:,}[/]", words)
    console.print(table)
    _say(
        console,
        f"total: {_figure(sums['theirs'])} in the report, {_figure(sums['ours'])} here, "
        f"difference {_figure(sums['theirs'] - sums['ours'], sign=True)}",
    )


def _show_reading(found: Comparison, console: Console) -> None:
    by_ours: dict[tuple[str, str], list[str]] = {}
    for one in found.columns.told:
        by_ours.setdefault((one["ours"], one["how"]), []).append(one["theirs"])
    for (ours, how), theirs in by_ours.items():
        shown = (
            theirs[0] if len(theirs) == 1 else f"{len(theirs)} columns, {theirs[0]} …"
        )
        says = f"is {ours}, by {how}" if ours else "is left out"
        _say(console, f"  {escape(shown)} {says}")
    for name, value in found.columns.fixed.items():
        _say(console, f"  {name} is {escape(str(value))} throughout")
    for name in found.columns.summed:
        _say(console, f"  {name} is added up")
    for label in labels(found):
        if label["how"] in ("contract", "stated"):
            used = f", used until {label['used_until']}" if label["used_until"] else ""
            _say(
                console,
                f"  {label['column']}: {escape(str(label['theirs']))} is read as "
                f"{escape(str(label['ours']))} ({label['how']}{used})",
            )
    for column, several in found.taken.labels.items():
        names = sum(one.how == "name" for one in several.values())
        if names:
            _say(console, f"  {column}: {counted(names, 'name')} read as codes")
    if found.outside and found.window:
        _say(
            console,
            f"  {found.outside:,} cells of the mart lie outside the report's period, "
            f"{found.window[0]} to {found.window[1].rstrip('~')}; --months widens it",
        )
    for lines, what in (
        (found.taken.totals, "of totals"),
        (found.taken.notes, "without a figure"),
    ):
        if lines:
            _say(
                console,
                f"  {counted(len(lines), 'line')} {what} not compared: {ranges(lines)}",
            )


def _show_causes(found: Comparison, console: Console) -> None:
    told = causes(found)
    if not told:
        return
    table = Table(
        "cause", title="Why they differ", title_justify="left", box=None,
        padding=(0, 2, 0, 0),
    )  # fmt: skip
    for head in ("cells", "accounts for all of it", "difference"):
        table.add_column(head, justify="right")
    for one in told:
        whole = f"{one['whole']:,}" if one["whole"] else "-"
        table.add_row(
            IN_WORDS[one["kind"]],
            f"{one['cells']:,}",
            whole,
            _figure(one["difference"], sign=True) if one["whole"] else "-",
        )
    console.print()
    console.print(table)


def _show_cell(found: Comparison, at: int, cell: Cell, console: Console) -> None:
    key = ", ".join(cell.key)
    _say(
        console,
        f"\n[bold]{escape(key)}[/]  [{_STYLE[cell.state]}]{_IN_WORDS[cell.state]}[/]  "
        f"{_figure(cell.theirs)} in the report, {_figure(cell.ours)} here "
        f"({_figure(cell.difference, sign=True)})",
    )
    for one in found.reasons.get(cell.key, ()):
        mark = "because" if one.is_whole else "perhaps"
        if one.kind == "unknown":
            mark = "[red]unknown[/]"
        _say(console, f"  {mark}: {escape(one.text)}")
        for each in one.files:
            if each.get("line_numbers"):
                _say(console, f"    {_where(each)}")
    traced = found.traced.by_cell.get(at)
    if traced:
        files = traced["files"]
        _say(
            console,
            f"  ours is {counted(traced['rows'], 'row')} of "
            f"{counted(len(files), 'file')}",
        )
        for each in files[:_FILES_TOLD]:
            _say(console, f"    {_where(each)}")
        if len(files) > _FILES_TOLD:
            _say(console, f"    and {len(files) - _FILES_TOLD:,} more files")


def _where(one: Mapping[str, Any]) -> str:
    lines = one["line_numbers"]
    more = (one.get("lines") or len(lines)) - len(lines)
    rest = f" and {more:,} more" if more > 0 else ""
    return f"{escape(one['name'])} ({one['file']}): lines {ranges(lines)}{rest}"


def _figure(value: float | None, *, sign: bool = False) -> str:
    if value is None:
        return "nothing"
    plain = _plain(round(value, 6))
    return f"{plain:+,}" if sign else f"{plain:,}"
