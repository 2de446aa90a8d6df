"""Difference-in-differences of counts, as a ratio of rate ratios.

The Poisson model with a level for each area and each month and one effect,
log E(y_it) = a_i + b_t + d * treated_i * since_t, has its estimate in closed form where
every area is seen in every month and the activity begins in one month:
d = log[(T1/C1) / (T0/C0)], T and C the totals of treated and comparison areas before (0)
and since (1). (The score equations ask that area totals, month totals and T1 are met;
area levels cancel within a group, month levels between groups.) No Poisson variance is
used: each area is one cluster, and its influence on d is y_i1/T1 - y_i0/T0, with the
other sign in the comparison; the sum of their squares is the cluster-robust sandwich of
that model (Liang and Zeger 1986, Biometrika 73:13), here with the n/(n-1) correction in
each group. Held against statsmodels in `tests/unit/test_evaluation.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edp_platform.analysis.evaluation.design import (
    FEWEST_EVENTS,
    Counts,
    Flags,
    Panel,
    TooLittle,
)

#: Ways to choose the treated areas that the estimate is held against.
DRAWS = 1999


@dataclass(frozen=True)
class Estimate:
    """A rate ratio with its 95 % interval.

    Attributes:
        ratio: rate since / rate before, treated / comparison; 1 is no change.
        lower, upper: of the interval, from t with `freedom` degrees of freedom.
        p_value: two-sided, of no change.
        freedom: degrees of freedom.
    """

    ratio: float
    lower: float
    upper: float
    p_value: float
    freedom: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves no change out."""
        return self.lower > 1 or self.upper < 1


def estimate_of(
    log_ratio: float, error: float, freedom: float, level: float = 0.95
) -> Estimate:
    """Return the estimate of a log ratio and its standard error.

    Args:
        log_ratio: natural logarithm of the ratio.
        error: its standard error.
        freedom: degrees of freedom of t.
        level: of the interval.
    """
    from scipy.special import stdtr, stdtrit

    # Areas that are exactly alike have no spread; the ratio is then taken as it stands.
    error = max(error, 1e-12)
    reach = float(stdtrit(freedom, 0.5 + level / 2)) * error
    p_value = 2 * float(stdtr(freedom, -abs(log_ratio) / error))
    return Estimate(
        ratio=float(np.exp(log_ratio)),
        lower=float(np.exp(log_ratio - reach)),
        upper=float(np.exp(log_ratio + reach)),
        p_value=min(p_value, 1.0),
        freedom=freedom,
    )


@dataclass(frozen=True)
class LogRatios:
    """Log ratios of one panel for one or many choices of the treated areas.

    Attributes:
        value: shape (choices,).
        variance_treated, variance_comparison: the two groups' parts of the variance,
            shape (choices,).
        treated, comparison: areas in each group.
    """

    value: NDArray[np.float64]
    variance_treated: NDArray[np.float64]
    variance_comparison: NDArray[np.float64]
    treated: int
    comparison: int

    @property
    def error(self) -> NDArray[np.float64]:
        """Standard errors, shape (choices,)."""
        root: NDArray[np.float64] = np.sqrt(
            self.variance_treated + self.variance_comparison
        )
        return root

    @property
    def freedom(self) -> NDArray[np.float64]:
        """Degrees of freedom (Welch 1947, Biometrika 34:28, Satterthwaite's formula).

        Two groups of areas with spreads of their own, as in Welch's t-test.
        """
        both = (self.variance_treated + self.variance_comparison) ** 2
        parts = self.variance_treated**2 / (
            self.treated - 1
        ) + self.variance_comparison**2 / (self.comparison - 1)
        least = min(self.treated, self.comparison) - 1
        found: NDArray[np.float64] = np.where(
            parts > 0, both / np.maximum(parts, 1e-300), least
        )
        return found


def log_ratios(before: Counts, since: Counts, treated: Flags) -> LogRatios:
    """Return the log ratio of rate ratios; see the module for the model.

    Args:
        before: counts before the activity, shape (areas,).
        since: counts since it began, shape (areas,).
        treated: which areas had it, shape (areas,) or (choices, areas); every choice
            with the same number of areas.
    """
    chosen = np.atleast_2d(treated).astype(float)
    others = 1 - chosen
    number = int(chosen[0].sum())
    parts = []
    value = np.zeros(len(chosen))
    for sign, group, size in (
        (1.0, chosen, number),
        (-1.0, others, chosen.shape[1] - number),
    ):
        total_since, total_before = group @ since, group @ before
        with np.errstate(divide="ignore", invalid="ignore"):
            value = value + sign * (np.log(total_since) - np.log(total_before))
            influence = group * (
                since / total_since[:, None] - before / total_before[:, None]
            )
        parts.append((influence**2).sum(axis=1) * size / (size - 1))
    return LogRatios(value, parts[0], parts[1], number, chosen.shape[1] - number)


def split(panel: Panel) -> tuple[Counts, Counts]:
    """Return each area's counts before and since the start, shape (areas,)."""
    since = panel.since
    return panel.counts[:, ~since].sum(axis=1), panel.counts[:, since].sum(axis=1)


def difference(panel: Panel, treated: Flags, level: float = 0.95) -> Estimate:
    """Return the ratio of rate ratios of a panel.

    Args:
        panel: treated and comparison areas only.
        treated: which are treated, shape (areas,).
        level: of the interval.

    Raises:
        TooLittle: fewer than ten events in a group before or since, or a group of fewer
            than two areas.
    """
    before, since = split(panel)
    _enough(before, since, treated)
    found = log_ratios(before, since, treated)
    return estimate_of(
        float(found.value[0]), float(found.error[0]), float(found.freedom[0]), level
    )


def _enough(before: Counts, since: Counts, treated: Flags) -> None:
    for what, group in (("treated", treated), ("comparison", ~treated)):
        if group.sum() < 2:
            raise TooLittle(
                f"{int(group.sum())} {what} areas: how much areas differ of themselves "
                "cannot be told of fewer than two."
            )
        for when, counts in (("before", before), ("since", since)):
            events = int(counts[group].sum())
            if events < FEWEST_EVENTS:
                raise TooLittle(
                    f"{events} reports in the {what} areas {when} the activity, and "
                    f"{FEWEST_EVENTS} are the fewest a ratio may rest on."
                )


def choices(areas: int, treated: int, draws: int, seed: int) -> Flags:
    """Return random choices of the treated areas, shape (draws, areas)."""
    random = np.random.default_rng(seed)
    order = random.random((draws, areas)).argsort(axis=1)
    chosen: Flags = order < treated
    return chosen


def randomisation_p(
    panel: Panel, treated: Flags, draws: int = DRAWS, seed: int = 41
) -> float:
    """Return how often areas chosen by chance show as much as the treated ones.

    Every area is a placebo area in turn: the estimate over its standard error is held
    against that of `draws` random choices of as many areas. The observed choice counts
    as one, so that the p-value is never 0 (Phipson and Smyth 2010, SAGMB 9:39); the
    ratio to its error, not the ratio, keeps the test honest where groups spread
    differently (Chung and Romano 2013, Annals of Statistics 41:484).
    """
    before, since = split(panel)
    drawn = choices(len(treated), int(treated.sum()), draws, seed)
    found = log_ratios(before, since, np.vstack([treated, drawn]))
    with np.errstate(divide="ignore", invalid="ignore"):
        strength = np.abs(found.value / found.error)
    strength = np.nan_to_num(strength, nan=0.0, posinf=np.inf)
    as_much = strength[1:] >= strength[0] * (1 - 1e-9)
    return float((1 + as_much.sum()) / (1 + draws))
