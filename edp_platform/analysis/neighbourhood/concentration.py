"""How far crime is concentrated in few areas: top shares and the Gini coefficient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def areas_in(share: float, areas: int) -> int:
    """Return how many areas a share of them is: the nearest number, one at least."""
    return max(1, int(share * areas + 0.5))


def gini(counts: Floats) -> float:
    """Return the Gini coefficient of counts by area, 0 (even) to 1 − 1/areas.

    G = (2 Σ i·yᵢ − n − 1) / n, with yᵢ the share of the i-th least area of n.

    Source: Gini (1912), in the form of Bernasco and Steenbeek (2017), equation 1.

    Args:
        counts: (areas,), none negative.

    Returns:
        the coefficient; nan where there is no crime.
    """
    total, areas = counts.sum(), len(counts)
    if total <= 0:
        return float("nan")
    ranks = np.arange(1, areas + 1)
    share = np.sort(counts) / total
    return float((2 * (ranks * share).sum() - areas - 1) / areas)


def generalised_gini(counts: Floats) -> float:
    """Return the Gini coefficient against the most even spread that is possible.

    With fewer crimes than areas, some areas must be without: G′ = max(1, n/c)·(G − 1)
    + 1 is 0 where each of the c crimes is in an area of its own. With as many crimes as
    areas or more, it is the Gini coefficient.

    Source: Bernasco and Steenbeek (2017), "More places than crimes: implications for
    evaluating the law of crime concentration at place", Journal of Quantitative
    Criminology 33(3), 451-467.

    Args:
        counts: (areas,), whole numbers, none negative.
    """
    total = counts.sum()
    if total <= 0:
        return float("nan")
    return float(max(1.0, len(counts) / total) * (gini(counts) - 1) + 1)


def top_share(counts: Floats, share: float) -> float:
    """Return the share of all crime in the given share of areas with the most.

    Source: Weisburd (2015), "The law of crime concentration and the criminology of
    place", Criminology 53(2), 133-157.

    Args:
        counts: (areas,).
        share: of areas, 0 to 1.
    """
    total = counts.sum()
    if total <= 0:
        return float("nan")
    number = areas_in(share, len(counts))
    return float(np.sort(counts)[-number:].sum() / total)


def top_share_at_random(
    crimes: int, areas: int, share: float, generator: np.random.Generator
) -> float:
    """Return the share of crime in the top areas if every area were alike.

    Even then some areas have more than others by chance, the more so the fewer the
    crimes; a top share says something only where it is above this one. The mean of 30
    draws of crimes thrown on areas with equal chance.

    Args:
        crimes: how many.
        areas: how many.
        share: of areas, 0 to 1.
        generator: of random numbers, seeded by the caller.
    """
    if crimes <= 0:
        return float("nan")
    draws = generator.multinomial(crimes, np.full(areas, 1 / areas), size=30)
    number = areas_in(share, areas)
    top = np.partition(draws, areas - number, axis=1)[:, areas - number :]
    return float(top.sum(axis=1).mean() / crimes)


def top_weights(scores: Floats, number: int) -> Floats:
    """Return how far each area is among the `number` with the highest scores, 0 to 1.

    Areas that tie for the last places have an equal part of them, as if drawn by lot,
    so that no order of codes decides and rules with many ties are judged fairly.

    Args:
        scores: (areas,), without nan.
        number: of areas to name, 1 to all.

    Returns:
        (areas,); the sum is `number`.
    """
    last = np.partition(scores, len(scores) - number)[len(scores) - number]
    above, tied = scores > last, scores == last
    weights: Floats = above.astype(np.float64)
    weights[tied] = (number - above.sum()) / tied.sum()
    return weights
