"""Interrupted time series of counts (Lopez Bernal, Cummins and Gasparrini 2017).

Poisson regression of the monthly counts on time, the season (pairs of sines and cosines)
and a step where the activity begins: International Journal of Epidemiology 46:348, whose
figures on Sicily's smoking ban the tests reproduce. Errors allow for months that vary
more than Poisson and follow one another (Newey and West 1987, Econometrica 55:703). One
series alone cannot tell the activity from whatever else began in that month: its finding
is never more than associated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edp_platform.analysis.evaluation.design import (
    FEWEST_EVENTS,
    FEWEST_MONTHS,
    TooLittle,
)
from edp_platform.analysis.evaluation.difference import Estimate, estimate_of

Errors = Literal["poisson", "quasi", "hac", "robust"]
_YEAR = 12


@dataclass(frozen=True)
class Interrupted:
    """An interrupted series.

    Attributes:
        step: rate ratio of the step.
        fitted: expected counts, shape (months,).
        without: expected counts had nothing begun, shape (months,).
    """

    step: Estimate
    fitted: NDArray[np.float64]
    without: NDArray[np.float64]


def pairs_for(before: int, since: int) -> int:
    """Return how many pairs of sine and cosine the months can bear.

    A season is told from a step only where the months around the step were seen in
    another year too: none under a year before, one pair under three years in all.
    """
    if before < _YEAR:
        return 0
    return 1 if before + since < 3 * _YEAR else 2


def interrupted(
    counts: Sequence[float] | NDArray[np.float64],
    start: int,
    *,
    exposure: Sequence[float] | NDArray[np.float64] | None = None,
    first_month: int = 1,
    pairs: int | None = None,
    errors: Errors = "robust",
) -> Interrupted:
    """Fit an interrupted time series.

    Args:
        counts: one a month, in order, no month missing.
        start: position of the first month of the activity.
        exposure: what the rate is of, such as residents; by default counts are compared.
        first_month: month of the year (1 to 12) of the first count.
        pairs: of sine and cosine; by default as many as the months can bear.
        errors: poisson (as if months were independent and Poisson), quasi (their
            dispersion estimated), hac (Newey-West, lag by 4(n/100)^(2/9)), or robust:
            the wider of quasi and hac, for hac alone is too narrow in short series.

    Raises:
        TooLittle: too few months or events on either side.
    """
    import statsmodels.api as sm

    y = np.asarray(counts, dtype=float)
    months = len(y)
    before = start
    if min(before, months - start) < FEWEST_MONTHS:
        raise TooLittle(
            f"{before} months before and {months - start} since: an interrupted series "
            f"needs {FEWEST_MONTHS} on either side."
        )
    if min(y[:start].sum(), y[start:].sum()) < FEWEST_EVENTS:
        raise TooLittle(
            f"fewer than {FEWEST_EVENTS} reports before or since the activity: no rate "
            "can rest on them."
        )
    wanted = pairs_for(before, months - start) if pairs is None else pairs
    time = np.arange(months, dtype=float)
    # From the step on, so that the step is the change at the start itself.
    columns = [np.ones(months), (time >= start).astype(float), (time - start) / _YEAR]
    angle = 2 * np.pi * (time + first_month) / _YEAR
    for pair in range(1, wanted + 1):
        columns += [np.sin(pair * angle), np.cos(pair * angle)]
    design = np.column_stack(columns)
    model = sm.GLM(
        y,
        design,
        family=sm.families.Poisson(),
        exposure=None if exposure is None else np.asarray(exposure, dtype=float),
    )
    fit = model.fit()
    log_step = float(fit.params[1])
    freedom = float(fit.df_resid)
    error = _error(model, fit, errors, months)
    size = np.ones(months) if exposure is None else np.asarray(exposure, dtype=float)
    fitted = np.exp(design @ fit.params) * size
    unchanged = fitted / np.exp(design[:, 1] * log_step)
    if errors == "poisson":
        freedom = 1e7  # the normal distribution
    return Interrupted(estimate_of(log_step, error, freedom), fitted, unchanged)


def _error(model: object, fit: object, errors: Errors, months: int) -> float:
    found = []
    if errors in ("quasi", "robust"):
        found.append(model.fit(scale="X2").bse[1])  # type: ignore[attr-defined]
    if errors in ("hac", "robust"):
        lag = int(4 * (months / 100) ** (2 / 9))
        hac = model.fit(  # type: ignore[attr-defined]
            cov_type="HAC", cov_kwds={"maxlags": lag, "use_correction": True}
        )
        found.append(hac.bse[1])
    if errors == "poisson":
        found.append(fit.bse[1])  # type: ignore[attr-defined]
    return float(max(found))
