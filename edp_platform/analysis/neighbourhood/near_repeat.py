"""Near-repeats: whether crimes follow one another closely in place and time.

Knox's test counts the pairs of reports that are near both in place and in time, and holds
them against what remains when the times are dealt out again among the same places. Places
with much crime and months with much crime are in both, so what is left is that one
crime follows another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from edp_platform.analysis.neighbourhood.concentration import Floats

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Knox:
    """Pairs by how near they are in place (rows) and in time (columns).

    Attributes:
        observed: (places, times), pairs of reports.
        expected: the mean of the permutations.
        lower: their 2.5th percentile.
        upper: their 97.5th percentile.
        p_values: (1 + permutations with as many pairs or more) / (1 + permutations).
    """

    observed: Numbers
    expected: Floats
    lower: Floats
    upper: Floats
    p_values: Floats


def near_pairs(
    coarse: pl.Series | Sequence[str | None], fine: pl.Series | Sequence[str | None]
) -> tuple[Numbers, Numbers, Numbers]:
    """Return the pairs of events in the same place, and how near: 0 fine, 1 coarse.

    Args:
        coarse: (events,), the area of each; None where it is not known.
        fine: (events,), the place inside it; None where it is not known.

    Returns:
        first and second event of each pair, and its band. A pair of the same fine place
        is in band 0 alone.
    """
    areas = _groups(coarse)
    first, second = _pairs_within(areas)
    places = _groups(fine)
    same = (places[first] == places[second]) & (places[first] >= 0)
    return first, second, np.where(same, 0, 1).astype(np.int64)


def pairs_by_distance(
    x: Floats, y: Floats, metres: Sequence[float]
) -> tuple[Numbers, Numbers, Numbers]:
    """Return the pairs of events within a distance, and which band each is in.

    Args:
        x: (events,), metres east.
        y: (events,), metres north.
        metres: upper ends of the bands, rising; an end belongs to its band.

    Returns:
        as `near_pairs`.
    """
    first, second = np.triu_indices(len(x), 1)
    distance = np.hypot(x[first] - x[second], y[first] - y[second])
    band = np.searchsorted(np.asarray(metres), distance, side="left")
    near = band < len(metres)
    return first[near], second[near], band[near].astype(np.int64)


def knox(
    pairs: tuple[Numbers, Numbers, Numbers],
    days: Floats,
    bands: Sequence[float],
    permutations: int,
    generator: np.random.Generator,
) -> Knox:
    """Count pairs near in place and time, and hold them against dealt-out times.

    Sources: Knox (1964), "The detection of space-time interactions", Applied Statistics
    13(1), 25-29; by permutation, Besag and Diggle (1977), "Simple Monte Carlo tests for
    spatial pattern", Applied Statistics 26(3), 327-333; of crime, Johnson and others
    (2007), "Space-time patterns of risk: a cross national assessment of residential
    burglary victimization", Journal of Quantitative Criminology 23(3), 201-219.

    Args:
        pairs: first and second event and place band of each pair that is near in place.
        days: (events,), the time of each in days.
        bands: upper ends of the time bands in days, rising; an end belongs to its band.
        permutations: how often the times are dealt out anew.
        generator: of random numbers, seeded by the caller.
    """
    first, second, place = pairs
    ends, places = np.asarray(bands, dtype=np.float64), int(max(place, default=0)) + 1
    observed = _counted(pairs, days, ends, places)
    dealt = np.empty((permutations, *observed.shape), dtype=np.int64)
    for number in range(permutations):
        dealt[number] = _counted(
            (first, second, place), generator.permutation(days), ends, places
        )
    lower, upper = np.percentile(dealt, [2.5, 97.5], axis=0)
    return Knox(
        observed=observed,
        expected=dealt.mean(axis=0),
        lower=lower,
        upper=upper,
        p_values=(1 + (dealt >= observed).sum(axis=0)) / (1 + permutations),
    )


def expected_pairs(near_in_place: int, near_in_time: int, pairs: int) -> float:
    """Return how many pairs would be near in both, if the one knew nothing of the other.

    Source: Knox (1964), p. 27: pairs near in place × pairs near in time / all pairs. The
    mean over all permutations.
    """
    return near_in_place * near_in_time / pairs


def _counted(
    pairs: tuple[Numbers, Numbers, Numbers], days: Floats, ends: Floats, places: int
) -> Numbers:
    first, second, place = pairs
    band = np.searchsorted(ends, np.abs(days[first] - days[second]), side="left")
    near = band < len(ends)
    counted = np.bincount(
        place[near] * len(ends) + band[near], minlength=places * len(ends)
    )
    found: Numbers = counted.reshape(places, len(ends))
    return found


def _groups(names: pl.Series | Sequence[str | None]) -> Numbers:
    """Return a number for each name; −1 where there is none."""
    numbers = pl.Series(names, dtype=pl.String).rank("dense").cast(pl.Int64)
    return numbers.fill_null(-1).to_numpy()


def _pairs_within(groups: Numbers) -> tuple[Numbers, Numbers]:
    """Return every pair of positions whose group is the same and known."""
    order = np.argsort(groups, kind="stable")
    order = order[groups[order] >= 0]
    sorted_groups = groups[order]
    firsts, seconds = [], []
    step = 1
    # All neighbours one apart, then two apart, until no group is that large.
    while step < len(order):
        same = sorted_groups[step:] == sorted_groups[:-step]
        if not same.any():
            break
        firsts.append(order[:-step][same])
        seconds.append(order[step:][same])
        step += 1
    if not firsts:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing
    return np.concatenate(firsts), np.concatenate(seconds)
