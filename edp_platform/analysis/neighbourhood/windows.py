"""Whole years of a panel, counted back from its latest period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from edp_platform.analysis.neighbourhood.concentration import Floats
from edp_platform.analysis.neighbourhood.panels import Panel


@dataclass(frozen=True)
class Window:
    """The crimes of a year, or of as much of it as was supplied.

    Attributes:
        first: first day of its first period.
        last: first day of its last period.
        counts: (areas,), the sum of the periods that count.
        periods: how many count.
        years: the same in years.
    """

    first: date
    last: date
    counts: Floats
    periods: int
    years: float


def windows(panel: Panel, fewest: float = 0.5) -> list[Window]:
    """Return years that do not overlap, the latest last.

    A year of which less than `fewest` was supplied is left out, and ends the list: what
    lies before it is not next to what comes after.
    """
    found = []
    end = len(panel.periods)
    while end >= panel.a_year:
        window = _window(panel, end - panel.a_year, end, panel.is_whole)
        if window.periods < fewest * panel.a_year:
            break
        found.append(window)
        end -= panel.a_year
    return found[::-1]


def latest_two(panel: Panel) -> tuple[Window, Window] | None:
    """Return the year before and the latest one, by the months that both have.

    So a missing month is no fall, and a season is compared with itself.
    """
    year, end = panel.a_year, len(panel.periods)
    if end < 2 * year:
        return None
    whole = panel.is_whole
    both = whole.copy()
    both[end - year : end] &= whole[end - 2 * year : end - year]
    both[end - 2 * year : end - year] &= whole[end - year : end]
    found = (
        _window(panel, end - 2 * year, end - year, both),
        _window(panel, end - year, end, both),
    )
    return found if found[1].periods >= year / 2 else None


def _window(panel: Panel, start: int, end: int, counting: NDArray[np.bool_]) -> Window:
    chosen = counting[start:end]
    return Window(
        first=panel.periods[start],
        last=panel.periods[end - 1],
        counts=panel.counts[:, start:end][:, chosen].sum(axis=1),
        periods=int(chosen.sum()),
        years=float(chosen.sum()) / panel.a_year,
    )
