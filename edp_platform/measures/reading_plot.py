"""A series as a chart of characters: limits, centre and marks that need no colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: What a mark means; each is a shape of its own.
MARKS = {
    "•": "within the limits",
    "▲": "signal, upwards",
    "▼": "signal, downwards",
    "○": "left out of the limits (partial, provisional, overlapping or of few)",
}
_LINES = {"╌": "limits", "─": "centre", "═": "target"}


def plot(
    periods: Sequence[Mapping[str, Any]],
    target: float | None = None,
    height: int = 12,
    width: int = 60,
) -> list[str]:
    """Draw the newest periods of a series.

    Args:
        periods: as `reading.put_together` gives them, oldest first.
        target: in the measure's unit; None for none.
        height: rows of the chart.
        width: most periods shown; one takes one or two columns.

    Returns:
        lines of text: the chart, its months, and what the marks in it mean; none where
        no period has a value.
    """
    shown = periods[-width:]
    heights = [one["value"] for one in shown if one["value"] is not None]
    if not heights:
        return []
    lines = [
        value
        for one in shown
        for name in ("lower", "centre", "upper")
        if (value := one["limits"].get(name)) is not None
    ]
    every = [*heights, *lines, *([target] if target is not None else [])]
    low, high = min(every), max(every)
    if high == low:
        low, high = low - 0.5, high + 0.5
    step = 2 if len(shown) * 2 <= width else 1
    grid = [[" "] * (len(shown) * step) for _ in range(height)]

    def row(value: float) -> int:
        return height - 1 - round((value - low) / (high - low) * (height - 1))

    used: set[str] = set()
    if target is not None:
        grid[row(target)] = ["═"] * (len(shown) * step)
        used.add("═")
    for at, one in enumerate(shown):
        for name, mark in (("centre", "─"), ("lower", "╌"), ("upper", "╌")):
            value = one["limits"].get(name)
            if value is not None:
                used.add(mark)
                for column in range(at * step, (at + 1) * step):
                    grid[row(value)][column] = mark
    for at, one in enumerate(shown):
        if one["value"] is not None:
            mark = _mark(one)
            used.add(mark)
            grid[row(one["value"])][at * step] = mark
    return [*_framed(grid, low, high), *_months(shown, step), *_legend(used)]


def _mark(period: Mapping[str, Any]) -> str:
    if period["left_out"]:
        return "○"
    if not period["signals"]:
        return "•"
    return "▼" if period["direction"] == "down" else "▲"


def _framed(grid: Sequence[Sequence[str]], low: float, high: float) -> list[str]:
    last = len(grid) - 1
    labels = {0: high, last // 2: high - (high - low) * (last // 2) / last, last: low}
    return [
        f"{_number(labels[at]) if at in labels else '':>9} ┤{''.join(cells)}".rstrip()
        for at, cells in enumerate(grid)
    ]


def _months(shown: Sequence[Mapping[str, Any]], step: int) -> list[str]:
    """Return the axis: the first and the last month under their columns."""
    first, last = shown[0]["month"][:7], shown[-1]["month"][:7]
    room = len(shown) * step
    gap = " " * max(1, room - len(first) - len(last))
    axis = f"{'':>9} └{'─' * room}"
    return [
        axis,
        f"{'':>11}{first}{gap}{last}" if len(shown) > 1 else f"{'':>11}{first}",
    ]


def _legend(used: set[str]) -> list[str]:
    told = [
        f"{mark} {words}" for mark, words in (MARKS | _LINES).items() if mark in used
    ]
    return [f"{'':>11}{'   '.join(told)}"]


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
