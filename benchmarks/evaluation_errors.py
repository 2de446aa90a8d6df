"""How often evaluations find what is not there, and whether they find what is.

Made-up counts of 28 areas over 24 months, 14 of them treated in the second year: areas of
unlike size, shocks that all areas share, shocks of each area that last (0.5 from month to
month), Poisson noise. Once with no effect, once with a fall of a quarter. Run:

    python -m benchmarks.evaluation_errors [simulations]

Prints, as JSON, shares of the simulations: `found` (interval leaves no change out),
`found_by_lot` (randomisation over areas below 0.05), `series` (interrupted time series),
`trends` and `placebo` (the checks that stop a finding), `caused` (every check of one
estimate passed), and with an effect `covered` (the interval holds the truth).
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date

import numpy as np

from edp_platform.analysis.evaluation.checks import placebo_areas, placebo_months
from edp_platform.analysis.evaluation.design import Panel, months_between
from edp_platform.analysis.evaluation.difference import difference, randomisation_p
from edp_platform.analysis.evaluation.series import interrupted
from edp_platform.analysis.evaluation.trends import trends

AREAS, TREATED, MONTHS, START = 28, 14, 24, 12
_SPAN = months_between(date(2023, 1, 1), date(2024, 12, 1))


def simulated(random: np.random.Generator, ratio: float, mean: float = 15) -> Panel:
    """Return a panel whose first areas are treated, with a rate ratio planted.

    Args:
        random: source of numbers.
        ratio: the effect; 1 is none.
        mean: reports an area and month.
    """
    level = mean * random.gamma(4, 1 / 4, (AREAS, 1))
    shared = np.exp(random.normal(0, 0.1, (1, MONTHS)))
    own = np.zeros((AREAS, MONTHS))
    shock = random.normal(0, 0.1, (AREAS, MONTHS))
    own[:, 0] = shock[:, 0] / np.sqrt(1 - 0.5**2)
    for month in range(1, MONTHS):
        own[:, month] = 0.5 * own[:, month - 1] + shock[:, month]
    effect = np.ones((AREAS, MONTHS))
    effect[:TREATED, START:] = ratio
    counts = random.poisson(level * shared * np.exp(own) * effect).astype(float)
    areas = tuple(f"E{at:08d}" for at in range(AREAS))
    return Panel(counts, areas, _SPAN, _SPAN[START])


def measured(simulations: int, ratio: float, seed: int = 5) -> dict[str, float]:
    """Return the shares of the simulations; see the module."""
    random = np.random.default_rng(seed)
    counted: dict[str, int] = {}
    treated = np.arange(AREAS) < TREATED
    for _ in range(simulations):
        panel = simulated(random, ratio)
        estimate = difference(panel, treated)
        by_lot = randomisation_p(panel, treated, draws=499) < 0.05
        parallel = trends(panel, treated).is_parallel
        months = placebo_months(panel, panel.areas[:TREATED], [_SPAN[5], _SPAN[7]])
        elsewhere = placebo_areas(
            panel.of(panel.areas[TREATED:]), panel.areas[TREATED : TREATED + 6]
        )
        placebo = all(one.passed for one in (*months, elsewhere))
        series = interrupted(panel.counts[treated].sum(axis=0), START)
        seen = {
            "found": estimate.is_clear,
            "found_by_lot": by_lot,
            "series": series.step.is_clear,
            "trends": not parallel,
            "placebo": not placebo,
            "caused": estimate.is_clear and by_lot and parallel and placebo,
            "covered": estimate.lower <= ratio <= estimate.upper,
        }
        for name, value in seen.items():
            counted[name] = counted.get(name, 0) + int(value)
    return {name: round(value / simulations, 3) for name, value in counted.items()}


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    begun = time.process_time()
    told: dict[str, object] = {
        "simulations": number,
        "no effect": measured(number, 1.0),
        "a fall of a quarter": measured(number, 0.75),
    }
    told["cpu_seconds"] = round(time.process_time() - begun, 1)
    print(json.dumps(told, indent=1))
