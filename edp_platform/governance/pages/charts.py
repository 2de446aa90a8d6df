"""Charts as SVG text: two kinds, enough for an evidence pack.

Each series has a pattern of its own and its number beside it, so that nothing is told
by colour alone. Texts are escaped here; a chart goes into a page as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

Pattern = Literal["plain", "stripes", "dots"]

#: Fill of each pattern; each is told from the others and from white in grey print too.
_INK = {"plain": "#1d5f8a", "stripes": "#7a1f1f", "dots": "#8a5a00"}
_WIDTH, _LEFT, _RIGHT = 720, 190, 70
_ROW, _GAP, _TOP = 26, 12, 34


@dataclass(frozen=True)
class Series:
    """One series of a chart: a name, a pattern, one number for each row."""

    name: str
    pattern: Pattern
    values: Sequence[float]


def stacked_bars(
    title: str, summary: str, rows: Sequence[str], series: Sequence[Series], unit: str
) -> str:
    """Return horizontal bars, one a row, each series a part of it.

    Args:
        title: the drawing's name.
        summary: what is to be seen, for whoever cannot see it.
        rows: what each bar is.
        series: its parts, in the order they stand; negative numbers are not drawn.
        unit: of the numbers, such as "checks".

    Returns:
        an `svg` element with a name and a description.
    """
    totals = [sum(max(one.values[at], 0) for one in series) for at in range(len(rows))]
    largest = max(totals, default=0) or 1
    scale = (_WIDTH - _LEFT - _RIGHT) / largest
    height = _TOP + len(rows) * (_ROW + _GAP)
    parts = [_legend(series)]
    for at, name in enumerate(rows):
        y = _TOP + at * (_ROW + _GAP)
        parts.append(_text(_LEFT - 10, y + 18, _short(name), anchor="end"))
        x = float(_LEFT)
        for one in series:
            width = max(one.values[at], 0) * scale
            if width > 0:
                parts.append(_bar(x, y, width, one.pattern))
            x += width
        shown = " + ".join(
            _number(one.values[at]) for one in series if one.values[at] > 0
        )
        parts.append(_text(x + 8, y + 18, shown or "0", anchor="start"))
    return _drawing(title, f"{summary} In {unit}.", height, "".join(parts))


def plan_and_actual(
    title: str,
    summary: str,
    rows: Sequence[tuple[str, float | None, float | None]],
    unit: str,
) -> str:
    """Return, for each row, a bar of what was planned and one of what came of it.

    Args:
        title: the drawing's name.
        summary: what is to be seen.
        rows: name, planned, actual; None where nobody stated it.
        unit: of the numbers.

    Returns:
        an `svg` element with a name and a description.
    """
    numbers = [one for _, *pair in rows for one in pair if one is not None]
    largest = max([*numbers, 0]) or 1
    scale = (_WIDTH - _LEFT - _RIGHT) / largest
    parts = [
        _legend([Series("planned", "dots", []), Series("actual", "plain", [])]),
    ]
    y = float(_TOP)
    for name, planned, actual in rows:
        parts.append(_text(_LEFT - 10, y + 30, _short(name), anchor="end"))
        for value, pattern in ((planned, "dots"), (actual, "plain")):
            width = max(value or 0, 0) * scale
            if width > 0:
                parts.append(_bar(_LEFT, y, width, pattern))
            shown = "not stated" if value is None else _number(value)
            parts.append(_text(_LEFT + width + 8, y + 17, shown, anchor="start"))
            y += _ROW - 2
        y += _GAP
    return _drawing(title, f"{summary} In {unit}.", int(y), "".join(parts))


def _drawing(title: str, summary: str, height: int, body: str) -> str:
    identity = "chart-" + "".join(
        one if one.isalnum() else "-" for one in title.lower()
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-labelledby="{identity}-title {identity}-words">'
        f'<title id="{identity}-title">{escape(title)}</title>'
        f'<desc id="{identity}-words">{escape(summary)}</desc>'
        f"{_patterns(identity)}{body.replace('url(#', f'url(#{identity}-')}</svg>"
    )


def _patterns(identity: str) -> str:
    """Return the patterns, named by the drawing: one page may hold several."""
    stripes, dots = _INK["stripes"], _INK["dots"]
    return (
        "<defs>"
        f'<pattern id="{identity}-stripes" width="8" height="8" '
        'patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="8" height="8" fill="#ffffff"/>'
        f'<rect width="4" height="8" fill="{stripes}"/></pattern>'
        f'<pattern id="{identity}-dots" width="8" height="8" '
        'patternUnits="userSpaceOnUse"><rect width="8" height="8" fill="#ffffff"/>'
        f'<circle cx="4" cy="4" r="2.5" fill="{dots}"/></pattern></defs>'
    )


def _legend(series: Sequence[Series]) -> str:
    parts, x = [], float(_LEFT)
    for one in series:
        parts.append(_bar(x, 4, 22, one.pattern, height=14))
        parts.append(_text(x + 28, 16, one.name, anchor="start"))
        x += 28 + 9 * len(one.name) + 24
    return "".join(parts)


def _bar(x: float, y: float, width: float, pattern: str, height: int = _ROW - 6) -> str:
    ink = _INK[pattern]
    fill = ink if pattern == "plain" else f"url(#{pattern})"
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" '
        f'fill="{fill}" stroke="{ink}" stroke-width="1.5"/>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="14" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def _short(name: str) -> str:
    return name if len(name) <= 24 else name[:23] + "…"
