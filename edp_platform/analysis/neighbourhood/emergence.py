"""Which areas are newly rising, by a test that keeps false alarms down.

The counts of an area in two windows are compared with those of the whole force, so that
a rise everywhere is no news of any area. Counts vary more than by chance alone, so the
test allows for as much extra variation as earlier windows showed.
"""

from __future__ import annotations

import numpy as np

from edp_platform.analysis.neighbourhood.concentration import Floats

#: Below it the beta-binomial cannot be told from the binomial.
_LEAST_EXTRA = 1e-6


def extra_variation(before: Floats, after: Floats) -> float:
    """Return how much more than by chance the split of crimes over two windows varies.

    The intra-class correlation ρ of the beta-binomial, by the method of moments: with n
    crimes in both windows and p of all crime in the later one, the later count has the
    variance n·p·(1 − p)·(1 + (n − 1)·ρ).

    Source: Kleinman (1973), "Proportions with extraneous variance: single and
    independent samples", JASA 68(341), 46-54, with weights n.

    Args:
        before: (areas,) or more, counts of the earlier window.
        after: the same of the later one; windows of several pairs may be joined where
            each pair's totals are alike.

    Returns:
        from 0 (chance alone) to below 1.
    """
    n = before + after
    if n.sum() <= 0 or after.sum() <= 0 or before.sum() <= 0:
        return 0.0
    p = after.sum() / n.sum()
    pairs = (n * (n - 1)).sum()
    if pairs <= 0:
        return 0.0
    scaled = ((after - n * p) ** 2).sum() / (p * (1 - p))
    return float(min(0.99, max(0.0, (scaled - n.sum()) / pairs)))


def rising_p_values(before: Floats, after: Floats, extra: float) -> Floats:
    """Return the chance of so many crimes in the later window if nothing had changed.

    Given the crimes n of both windows, the later count is beta-binomial with the mean
    n·p, p being the later window's share of all crime, and the intra-class correlation
    `extra`. With 0 it is the conditional (binomial) test of two Poisson counts. One-sided.

    Source: Przyborowski and Wilenski (1940), "Homogeneity of results in testing samples
    from Poisson series", Biometrika 31, 313-323; the beta-binomial follows where the
    counts of an area are negative binomial (Johnson, Kemp and Kotz, Univariate Discrete
    Distributions, 3rd ed., 6.2.2).

    Args:
        before: (areas,), counts of the earlier window.
        after: (areas,), of the later.
        extra: as `extra_variation` gives it, 0 to below 1.

    Returns:
        (areas,), 0 to 1; 1 where neither window has a crime.
    """
    from scipy.special import betaln, gammaln

    n, x = (before + after).astype(int), after.astype(int)
    total = n.sum()
    if total == 0 or after.sum() in (0, total):
        return np.ones(len(n))
    p = after.sum() / total
    strength = 1 / max(extra, _LEAST_EXTRA) - 1
    alpha, beta = p * strength, (1 - p) * strength
    # Every count from the one seen up to all of both windows, area after area.
    terms = n - x + 1
    area = np.repeat(np.arange(len(n)), terms)
    start = np.concatenate([[0], np.cumsum(terms)[:-1]])
    count = np.arange(terms.sum()) - start[area] + x[area]
    of = n[area]
    log = (
        gammaln(of + 1)
        - gammaln(count + 1)
        - gammaln(of - count + 1)
        + betaln(count + alpha, of - count + beta)
        - betaln(alpha, beta)
    )
    tail: Floats = np.minimum(1.0, np.add.reduceat(np.exp(log), start))
    return tail
