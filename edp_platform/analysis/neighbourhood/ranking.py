"""The next period's ranking of areas, and the naive rules that it is held against.

Each rule gives an area a score from the periods before; the areas with the highest are
named. All of them are a few sums that anybody can check.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from edp_platform.analysis.neighbourhood.concentration import Floats
from edp_platform.analysis.neighbourhood.panels import Panel

RANKING = "ranking"


def expected_counts(
    counts: Floats, boroughs: NDArray[np.int64], half_life: float
) -> Floats:
    """Return the crimes expected in each area in a period like the latest ones.

    A weighted mean of the area's own periods, the latest weighing most (exponentially,
    a period's weight halving every `half_life`), drawn towards the mean of its borough
    the more, the less the area's own counts can be told from chance.

    Sources: exponential weights: Brown (1959), Statistical Forecasting for Inventory
    Control. Shrinkage: Marshall (1991), "Mapping disease and mortality rates using
    empirical Bayes estimators", Applied Statistics 40(2), 283-294, with the method of
    moments; towards a regional mean as in its section 4.

    Args:
        counts: (areas, periods); nan where a period was not supplied, for all areas.
        boroughs: (areas,), a number from 0 for each area's borough.
        half_life: in periods, above 0.

    Returns:
        (areas,); nought for all where no period was supplied.
    """
    periods = counts.shape[1]
    weights = 0.5 ** (np.arange(periods)[::-1] / half_life)
    weights = np.where(np.isnan(counts[0]), 0.0, weights) if periods else weights
    if periods == 0 or weights.sum() == 0:
        return np.zeros(counts.shape[0])
    weights = weights / weights.sum()
    own: Floats = np.nan_to_num(counts) @ weights
    borough = np.bincount(boroughs, own) / np.maximum(np.bincount(boroughs), 1)
    towards = borough[boroughs]
    # The variance that chance alone gives a weighted mean of Poisson counts.
    chance = towards * (weights**2).sum()
    between = max(0.0, float(((own - towards) ** 2).mean() - chance.mean()))
    kept = np.divide(
        between, between + chance, out=np.zeros_like(own), where=between + chance > 0
    )
    expected: Floats = towards + kept * (own - towards)
    return expected


def scores(panel: Panel, at: int, half_life: float) -> Mapping[str, Floats]:
    """Return each rule's scores for the period `at`, from the periods before it alone.

    Args:
        panel: the counts.
        at: the period's column, 1 or more; one past the last is the period to come.
        half_life: of the ranking, in periods.

    Returns:
        rule → (areas,). A naive rule whose periods were not supplied is left out.
    """
    before = panel.counts[:, :at]
    boroughs = np.unique(panel.areas["borough_code"].to_numpy(), return_inverse=True)[1]
    found = {RANKING: expected_counts(before, boroughs, half_life)}
    for rule, columns in naive_rules(panel.frequency).items():
        chosen = [at + one for one in columns]
        if min(chosen) >= 0 and not np.isnan(before[0, chosen]).any():
            found[rule] = before[:, chosen].sum(axis=1)
    return found


def naive_rules(frequency: str) -> Mapping[str, range]:
    """Return naive rule → the periods it sums, counted from the one to come."""
    if frequency == "month":
        return {
            "last month": range(-1, 0),
            "last 12 months": range(-12, 0),
            "same month last year": range(-12, -11),
        }
    return {"last year": range(-1, 0), "last 3 years": range(-3, 0)}
