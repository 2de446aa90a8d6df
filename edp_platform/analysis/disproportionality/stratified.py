"""Mantel-Haenszel ratios: groups compared within each stratum, then put together.

A group that lives where more is searched has a higher crude rate without being searched
more than its neighbours; within boroughs that difference of place falls away. Each
function gives expressions for `group_by(...).agg(...)` whose rows are strata. With one
stratum they give the crude ratio.
"""

from __future__ import annotations

import polars as pl

from edp_platform.analysis.intervals import (
    LEVEL,
    Estimate,
    divided,
    quantile,
)


def rate_ratio_over_strata(
    events: pl.Expr,
    exposure: pl.Expr,
    reference_events: pl.Expr,
    reference_exposure: pl.Expr,
    level: float = LEVEL,
) -> Estimate:
    """Return the Mantel-Haenszel ratio of two rates.

    Source: Rothman, Greenland and Lash (2008), Modern Epidemiology, 3rd ed., p. 273
    (estimate) and 275 (variance); Greenland and Robins (1985), "Estimation of a common
    effect parameter from sparse follow-up data", Biometrics 41, 55-68.
    """
    together = exposure + reference_exposure
    above = _sum(divided(events * reference_exposure, together))
    below = _sum(divided(reference_events * exposure, together))
    spread = _sum(
        divided(
            (events + reference_events) * exposure * reference_exposure, together**2
        )
    )
    return _ratio(above, below, spread, level)


def proportion_ratio_over_strata(
    successes: pl.Expr,
    trials: pl.Expr,
    reference_successes: pl.Expr,
    reference_trials: pl.Expr,
    level: float = LEVEL,
) -> Estimate:
    """Return the Mantel-Haenszel ratio of two shares.

    Source: Greenland and Robins (1985), Biometrics 41, 55-68; Rothman, Greenland and
    Lash (2008), Modern Epidemiology, 3rd ed., p. 275.
    """
    together = trials + reference_trials
    above = _sum(divided(successes * reference_trials, together))
    below = _sum(divided(reference_successes * trials, together))
    spread = _sum(
        divided(
            (successes + reference_successes) * trials * reference_trials
            - successes * reference_successes * together,
            together**2,
        )
    )
    return _ratio(above, below, spread, level)


def odds_ratio_over_strata(
    successes: pl.Expr,
    trials: pl.Expr,
    reference_successes: pl.Expr,
    reference_trials: pl.Expr,
    level: float = LEVEL,
) -> Estimate:
    """Return the Mantel-Haenszel odds ratio.

    Source: Robins, Breslow and Greenland (1986), "Estimators of the Mantel-Haenszel
    variance consistent in both sparse data and large-strata limiting models",
    Biometrics 42, 311-323; statsmodels `StratifiedTable.oddsratio_pooled`.
    """
    together = trials + reference_trials
    failures = trials - successes
    reference_failures = reference_trials - reference_successes
    agree = divided(successes + reference_failures, together)
    differ = divided(failures + reference_successes, together)
    r = divided(successes * reference_failures, together)
    s = divided(failures * reference_successes, together)
    above, below = _sum(r), _sum(s)
    variance = (
        divided(_sum(agree * r), 2 * above**2)
        + divided(_sum(agree * s + differ * r), 2 * above * below)
        + divided(_sum(differ * s), 2 * below**2)
    )
    return _estimate(above, below, variance, level)


def _sum(terms: pl.Expr) -> pl.Expr:
    # A stratum without anybody of one group adds nothing.
    return terms.fill_null(0.0).sum()


def _ratio(above: pl.Expr, below: pl.Expr, spread: pl.Expr, level: float) -> Estimate:
    return _estimate(above, below, divided(spread, above * below), level)


def _estimate(
    above: pl.Expr, below: pl.Expr, variance: pl.Expr, level: float
) -> Estimate:
    ratio = divided(above, below)
    z = quantile(level)
    is_defined = (above > 0) & (below > 0)
    return Estimate(
        ratio,
        pl.when(is_defined).then(ratio * (-z * variance.sqrt()).exp()),
        pl.when(is_defined).then(ratio * (z * variance.sqrt()).exp()),
    )
