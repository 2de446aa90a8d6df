"""Whether areas that had the most crime still have it."""

from __future__ import annotations

import numpy as np

from edp_platform.analysis.neighbourhood.concentration import Floats, top_weights


def average_ranks(values: Floats) -> Floats:
    """Return ranks from 1, those of equal values averaged.

    Args:
        values: (areas,).
    """
    _, place, times = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(times)
    ranks: Floats = (last - (times - 1) / 2)[place]
    return ranks


def spearman(before: Floats, after: Floats) -> float:
    """Return Spearman's rank correlation, −1 to 1; nan where one side is constant.

    Source: Spearman (1904), "The proof and measurement of association between two
    things", American Journal of Psychology 15(1), 72-101; ties averaged.

    Args:
        before: (areas,).
        after: (areas,), of the same areas.
    """
    one, other = average_ranks(before), average_ranks(after)
    one, other = one - one.mean(), other - other.mean()
    size = np.sqrt((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / size) if size > 0 else float("nan")


def still_top(before: Floats, after: Floats, number: int) -> float:
    """Return the share of the top areas of one window that are top in the next.

    By chance it is `number` / areas.

    Args:
        before: (areas,).
        after: (areas,), of the same areas.
        number: of top areas.
    """
    both = top_weights(before, number) * top_weights(after, number)
    return float(both.sum() / number)
