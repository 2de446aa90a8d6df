"""How well a rule named the areas of crime, on periods that it had not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from edp_platform.analysis.neighbourhood.concentration import (
    Floats,
    areas_in,
    top_weights,
)
from edp_platform.analysis.neighbourhood.panels import Panel
from edp_platform.analysis.neighbourhood.ranking import RANKING, naive_rules, scores


@dataclass(frozen=True)
class HeldOut:
    """What each rule found in the held-out periods, when it named a share of areas.

    Attributes:
        share: of areas that was asked for.
        named: how many areas that is.
        areas: of how many.
        periods: first days of the held-out periods that every rule could be asked for.
        crimes: (periods,), of all areas.
        best: (periods,), the most crimes that so many areas held.
        hits: rule → (periods,), crimes in the areas it named.
    """

    share: float
    named: int
    areas: int
    periods: tuple[date, ...]
    crimes: Floats
    best: Floats
    hits: Mapping[str, Floats]


@dataclass(frozen=True)
class Against:
    """The difference of two rules' hit rates, with a 95 % interval."""

    baseline: str
    difference: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Verdict:
    """What may be said of the ranking beside the naive rules.

    Attributes:
        claim: `better`, `worse`, `not shown to be better` or `not measured`.
        against: each naive rule, the best first.
    """

    claim: str
    against: tuple[Against, ...]


def hold_out(
    panel: Panel, shares: Sequence[float], held_out: int, half_life: float
) -> list[HeldOut]:
    """Ask each rule for each of the latest periods, with what was known before it.

    The origin rolls: the ranking for a period uses every period before it and none
    after. Periods that one of the rules cannot be asked for (a month before them is
    missing) are left out for all, so that all are judged on the same.

    Source: Tashman (2000), "Out-of-sample tests of forecasting accuracy", International
    Journal of Forecasting 16(4), 437-450.

    Args:
        panel: the counts.
        shares: of areas to name.
        held_out: how many of the latest periods.
        half_life: of the ranking, in periods.
    """
    last = len(panel.periods)
    rules = [RANKING, *naive_rules(panel.frequency)]
    asked = []
    for at in range(max(1, last - held_out), last):
        known = scores(panel, at, half_life)
        actual = panel.counts[:, at]
        if len(known) == len(rules) and not np.isnan(actual[0]) and actual.sum() > 0:
            asked.append((at, known, actual))
    found = []
    for share in shares:
        named = areas_in(share, panel.areas.height)
        found.append(
            HeldOut(
                share=share,
                named=named,
                areas=panel.areas.height,
                periods=tuple(panel.periods[at] for at, _, _ in asked),
                crimes=np.array([actual.sum() for _, _, actual in asked]),
                best=np.array([np.sort(a)[-named:].sum() for _, _, a in asked]),
                hits={
                    rule: np.array(
                        [top_weights(k[rule], named) @ actual for _, k, actual in asked]
                    )
                    for rule in rules
                },
            )
        )
    return found


def hit_rate(hits: Floats, crimes: Floats) -> float:
    """Return the share of crimes that lay in the areas named, 0 to 1; nan for none.

    Args:
        hits: (periods,), crimes in the areas named.
        crimes: (periods,), crimes in all areas.
    """
    total = crimes.sum()
    return float(hits.sum() / total) if total > 0 else float("nan")


def prediction_accuracy_index(rate: float, named: int, areas: int) -> float:
    """Return the PAI: the hit rate over the share of the area that was named.

    PAI = (n / N) / (a / A). Here a and A are numbers of areas: LSOAs are drawn to hold
    like numbers of people, and their ground is not held.

    Source: Chainey, Tompson and Uhlig (2008), "The utility of hotspot mapping for
    predicting spatial patterns of crime", Security Journal 21(1-2), 4-28.
    """
    return rate / (named / areas)


def prediction_efficiency_index(hits: Floats, best: Floats) -> float:
    """Return the PEI: the PAI over the highest that so many areas could have had, 0 to 1.

    Source: Hunt (2016), "Do crime hot spots move? Exploring the effects of the
    modifiable areal unit problem and modifiable temporal unit problem on crime hot spot
    stability", American University; PEI = n / n*, the areas being the same.

    Args:
        hits: (periods,), crimes in the areas named.
        best: (periods,), the most crimes that so many areas held.
    """
    total = best.sum()
    return float(hits.sum() / total) if total > 0 else float("nan")


def verdict(held: HeldOut, fewest: int) -> Verdict:
    """Say whether the ranking did better than every naive rule.

    `better` asks for a 95 % interval above nought against each of them, so that choosing
    the best rule after the event does not flatter the ranking (Berger 1982,
    intersection-union tests, Technometrics 24(4), 295-300). The interval is Student's t
    of the paired differences of hit rates by period.

    Args:
        held: what was found in the held-out periods.
        fewest: with fewer periods nothing is claimed.
    """
    if len(held.periods) < fewest:
        return Verdict("not measured", ())
    rates = {rule: hits / held.crimes for rule, hits in held.hits.items()}
    against = tuple(
        sorted(
            (
                _difference(rule, rates[RANKING] - rate)
                for rule, rate in rates.items()
                if rule != RANKING
            ),
            key=lambda one: (
                -hit_rate(held.hits[one.baseline], held.crimes),
                one.baseline,
            ),
        )
    )
    if all(one.lower > 0 for one in against):
        return Verdict("better", against)
    if any(one.upper < 0 for one in against):
        return Verdict("worse", against)
    return Verdict("not shown to be better", against)


def words(held: HeldOut, told: Verdict, frequency: str) -> str:
    """Return what was found, in a sentence or two that claim no more than was shown."""
    if told.claim == "not measured":
        return (
            f"Not measured: only {len(held.periods)} held-out {frequency}s could be "
            "asked for. Nothing is claimed of this ranking."
        )
    best = told.against[0]
    own = hit_rate(held.hits[RANKING], held.crimes)
    naive = hit_rate(held.hits[best.baseline], held.crimes)
    begins = {
        "better": "Better than each naive rule",
        "worse": "Worse than a naive rule, which should be used instead",
        "not shown to be better": "Not shown to be better than the best naive rule",
    }[told.claim]
    return (
        f"{begins}. In {len(held.periods)} held-out {frequency}s the {held.named:,} of "
        f"{held.areas:,} areas that it named held {100 * own:.1f} % of the crimes; those "
        f"of the best naive rule ({best.baseline}) held {100 * naive:.1f} % (mean "
        f"difference of the {frequency}s {_points(best.difference)} percentage points, "
        f"95 % interval {_points(best.lower)} to {_points(best.upper)})."
    )


def _points(share: float) -> str:
    """Return a difference of shares in percentage points, nought without a sign."""
    text = f"{100 * share:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text


def _difference(baseline: str, differences: Floats) -> Against:
    from scipy.special import stdtrit

    number = len(differences)
    mean = float(differences.mean())
    error = float(differences.std(ddof=1)) / number**0.5
    reach = float(stdtrit(number - 1, 0.975)) * error
    return Against(baseline, mean, mean - reach, mean + reach)
