"""Rates and shares, and ratios of two of them, each with its interval.

Polars expressions, so that a formula is computed for every row at once. Each returns
null, never a number, where the formula gives none (nothing counted, a nought to divide
by). `level` is the coverage of the interval, 0.95 unless told.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import polars as pl

LEVEL = 0.95


class Interval(NamedTuple):
    """The two ends of an interval."""

    lower: pl.Expr
    upper: pl.Expr


class Estimate(NamedTuple):
    """An estimate and the ends of its interval."""

    value: pl.Expr
    lower: pl.Expr
    upper: pl.Expr

    def named(self, value: str, lower: str, upper: str) -> list[pl.Expr]:
        """Return the three as columns of these names."""
        return [
            self.value.alias(value),
            self.lower.alias(lower),
            self.upper.alias(upper),
        ]


def quantile(level: float) -> float:
    """Return the normal quantile of a two-sided interval, 1.96 for 0.95."""
    return NormalDist().inv_cdf(0.5 + level / 2)


def divided(above: pl.Expr, below: pl.Expr) -> pl.Expr:
    """Return above ÷ below; null where below is nought."""
    return pl.when(below != 0).then(above / below)


def wilson(successes: pl.Expr, trials: pl.Expr, level: float = LEVEL) -> Interval:
    """Return the interval of a share, 0 to 1.

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical
    inference", J. Am. Stat. Assoc. 22, 209-212; without continuity correction.

    Args:
        successes: counted, or an effective number.
        trials: of how many.
        level: coverage.
    """
    z = quantile(level)
    share = divided(successes, trials)
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = (
        (share * (1 - share) / trials + z**2 / (4 * trials**2)).sqrt()
        * z
        / (1 + z**2 / trials)
    )
    return Interval((centre - half).clip(0, 1), (centre + half).clip(0, 1))


def byar(events: pl.Expr, exposure: pl.Expr, level: float = LEVEL) -> Interval:
    """Return the interval of a rate, events per unit of exposure.

    Source: Breslow and Day (1987), Statistical Methods in Cancer Research II, p. 69,
    Byar's approximation to the exact Poisson limits; as the Office for Health
    Improvement and Disparities uses it for public health rates.
    """
    z = quantile(level)
    more = events + 1
    lower = (
        pl.when(events > 0)
        .then(events * (1 - 1 / (9 * events) - z / (3 * events.sqrt())) ** 3)
        .otherwise(0.0)
    )
    upper = more * (1 - 1 / (9 * more) + z / (3 * more.sqrt())) ** 3
    return Interval(divided(lower, exposure), divided(upper, exposure))


def rate_ratio(
    events: pl.Expr,
    exposure: pl.Expr,
    reference_events: pl.Expr,
    reference_exposure: pl.Expr,
    level: float = LEVEL,
) -> Estimate:
    """Return the ratio of two rates of events, with its score interval.

    Given the sum of both counts, the first is binomial; Wilson's limits p of its share
    become limits p/(1 - p) · (reference exposure ÷ exposure) of the ratio. The same as
    inverting the score test of two Poisson rates, which needs no search then.

    Source: Gu, Ng, Tang and Schucany (2008), "Testing the ratio of two Poisson rates",
    Biometrical Journal 50, 283-298 (their statistic W2); statsmodels
    `confint_poisson_2indep(method="score", compare="ratio")` gives it by search.

    Args:
        events: of the group.
        exposure: of the group, such as its residents.
        reference_events: of the group it is compared with.
        reference_exposure: of the same.
        level: coverage.
    """
    ends = wilson(events, events + reference_events, level)
    scale = divided(reference_exposure, exposure)
    has_both = (events > 0) & (reference_events > 0)
    return Estimate(
        divided(events * reference_exposure, reference_events * exposure),
        pl.when(has_both).then(divided(ends.lower, 1 - ends.lower) * scale),
        pl.when(has_both).then(divided(ends.upper, 1 - ends.upper) * scale),
    )


def counts_ratio(
    events: pl.Expr,
    benchmark: pl.Expr,
    reference_events: pl.Expr,
    reference_benchmark: pl.Expr,
    level: float = LEVEL,
) -> Estimate:
    """Return the ratio of events to a benchmark that was itself counted.

    Detentions in custody, unlike residents of a census, vary by chance: each of the
    four counts adds its share to the variance of the logarithm.

    Source: delta method for the logarithm of a ratio of independent Poisson counts;
    Rothman, Greenland and Lash (2008), Modern Epidemiology, 3rd ed., chapter 14.
    """
    four = (events, benchmark, reference_events, reference_benchmark)
    variance = pl.sum_horizontal(1 / one for one in four)
    ratio = divided(events * reference_benchmark, reference_events * benchmark)
    return _on_logarithm(
        ratio, variance.sqrt(), pl.all_horizontal(one > 0 for one in four), level
    )


def proportion_ratio(
    successes: pl.Expr,
    trials: pl.Expr,
    reference_successes: pl.Expr,
    reference_trials: pl.Expr,
    level: float = LEVEL,
) -> Estimate:
    """Return the ratio of two shares, with its interval on the logarithm.

    Source: Katz, Baptista, Azen and Pike (1978), "Obtaining confidence intervals for
    the risk ratio in cohort studies", Biometrics 34, 469-474; statsmodels
    `confint_proportions_2indep(method="log", compare="ratio")`.
    """
    variance = (
        1 / successes - 1 / trials + 1 / reference_successes - 1 / reference_trials
    )
    ratio = divided(successes * reference_trials, reference_successes * trials)
    return _on_logarithm(
        ratio, variance.sqrt(), (successes > 0) & (reference_successes > 0), level
    )


def odds_ratio(
    successes: pl.Expr,
    trials: pl.Expr,
    reference_successes: pl.Expr,
    reference_trials: pl.Expr,
    level: float = LEVEL,
) -> Estimate:
    """Return the ratio of the odds of two shares.

    Source: Woolf (1955), "On estimating the relation between blood group and disease",
    Annals of Human Genetics 19, 251-253.
    """
    failures, other = trials - successes, reference_trials - reference_successes
    four = (successes, failures, reference_successes, other)
    ratio = divided(successes * other, failures * reference_successes)
    variance = pl.sum_horizontal(1 / one for one in four)
    return _on_logarithm(
        ratio, variance.sqrt(), pl.all_horizontal(one > 0 for one in four), level
    )


def share_gap(
    share: pl.Expr,
    trials: pl.Expr,
    other_share: pl.Expr,
    other_trials: pl.Expr,
    level: float = LEVEL,
) -> Estimate:
    """Return the difference of two shares of separate samples, with its interval.

    Source: Newcombe (1998), "Interval estimation for the difference between independent
    proportions", Statistics in Medicine 17, 873-890, method 10; statsmodels
    `confint_proportions_2indep(method="newcomb", compare="diff")`.

    Args:
        share: of the group, 0 to 1.
        trials: answers, or their effective number.
        other_share: of the others.
        other_trials: of the others.
        level: coverage.
    """
    lower, upper = wilson(share * trials, trials, level)
    other_lower, other_upper = wilson(other_share * other_trials, other_trials, level)
    gap = share - other_share
    return Estimate(
        gap,
        gap - ((share - lower) ** 2 + (other_upper - other_share) ** 2).sqrt(),
        gap + ((upper - share) ** 2 + (other_share - other_lower) ** 2).sqrt(),
    )


def _on_logarithm(
    ratio: pl.Expr, error: pl.Expr, is_defined: pl.Expr, level: float
) -> Estimate:
    z = quantile(level)
    return Estimate(
        ratio,
        pl.when(is_defined).then(ratio * (-z * error).exp()),
        pl.when(is_defined).then(ratio * (z * error).exp()),
    )
