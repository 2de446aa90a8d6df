"""The event study, and the look at trends before the activity.

Blocks of three months are held against the last block before the start: the ratio of
rate ratios of each, from the Poisson model with a level for each area and month
(`difference` says why its estimate is a plain ratio of totals). If the groups had moved
apart before, what follows cannot be laid on the activity.

The limits of that look (Roth 2022, AER: Insights 4:305): it passes easily where data are
few, and estimates that passed it are not thereby sound. So `unseen` tells how large a
trend the look would have missed half of the time, and what that would make of the effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from edp_platform.analysis.evaluation.design import Counts, Flags, Panel
from edp_platform.analysis.evaluation.difference import (
    Estimate,
    choices,
    estimate_of,
    log_ratios,
)

BLOCK = 3
#: The look fails below this p-value: looser than 0.05, for it is failing that protects.
LEAST_P = 0.1
_DRAWS = 499


@dataclass(frozen=True)
class Block:
    """One block of the event study.

    Attributes:
        month: its first month.
        since: how many months after the start that is; negative before it.
        estimate: against the last block before the start.
    """

    month: date
    since: int
    estimate: Estimate


@dataclass(frozen=True)
class Trends:
    """What is seen before the activity.

    Attributes:
        blocks: of the event study, in order, without the one they are held against.
        joint_p: of no difference in any block before, by randomisation over areas; None
            where there are too few months for two blocks.
        unseen: the rate ratio that a steady drift, missed half the time by the look,
            would make by itself between the months before and since.
    """

    blocks: tuple[Block, ...]
    joint_p: float | None
    unseen: float | None

    @property
    def is_parallel(self) -> bool:
        """Whether the look was possible and saw nothing."""
        return self.joint_p is not None and self.joint_p >= LEAST_P


def trends(panel: Panel, treated: Flags, seed: int = 41) -> Trends:
    """Return the event study of a panel and the look at the trends before.

    Args:
        panel: treated and comparison areas only.
        treated: which are treated, shape (areas,).
        seed: of the randomisation.
    """
    start = int(np.argmax(panel.since))
    spans = _spans(start, len(panel.months))
    reference = panel.counts[:, start - BLOCK : start].sum(axis=1)
    totals = [panel.counts[:, first:end].sum(axis=1) for first, end in spans]
    blocks = []
    for (first, _), counts in zip(spans, totals, strict=True):
        if _is_empty(counts, treated) or _is_empty(reference, treated):
            continue
        found = log_ratios(reference, counts, treated)
        estimate = estimate_of(
            float(found.value[0]), float(found.error[0]), float(found.freedom[0])
        )
        blocks.append(Block(panel.months[first], first - start, estimate))
    leads = [
        counts
        for (first, _), counts in zip(spans, totals, strict=True)
        if first < start and not _is_empty(counts, treated)
    ]
    if not leads or _is_empty(reference, treated):
        return Trends(tuple(blocks), None, None)
    drawn = choices(len(treated), int(treated.sum()), _DRAWS, seed)
    waves = np.array([_wald(reference, leads, one) for one in (treated, *drawn)])
    joint = float((1 + (waves[1:] >= waves[0] * (1 - 1e-9)).sum()) / (1 + _DRAWS))
    return Trends(tuple(blocks), joint, _unseen(panel, treated, start))


def _spans(start: int, months: int) -> list[tuple[int, int]]:
    """Return whole blocks before and since the start, without the one just before."""
    before = [(first, first + BLOCK) for first in range(start - 2 * BLOCK, -1, -BLOCK)]
    since = [
        (first, first + BLOCK) for first in range(start, months - BLOCK + 1, BLOCK)
    ]
    return [*reversed(before), *since]


def _is_empty(counts: Counts, treated: Flags) -> bool:
    return counts[treated].sum() == 0 or counts[~treated].sum() == 0


def _wald(reference: Counts, leads: list[Counts], treated: Flags) -> float:
    """Return Wald's statistic of no difference in any block before the activity."""
    values = np.zeros(len(leads))
    influence = np.zeros((len(leads), len(treated)))
    for at, counts in enumerate(leads):
        for sign, group in ((1.0, treated), (-1.0, ~treated)):
            now, then = counts[group].sum(), reference[group].sum()
            if now == 0 or then == 0:
                return 0.0
            values[at] += sign * np.log(now / then)
            size = group.sum()
            influence[at, group] = (counts[group] / now - reference[group] / then) * (
                np.sqrt(size / (size - 1))
            )
    spread = influence @ influence.T
    return float(values @ np.linalg.pinv(spread) @ values)


def _unseen(panel: Panel, treated: Flags, start: int) -> float | None:
    """Return what a drift of 1.96 standard errors of the drift seen before would make.

    The drift is the slope over months of log(treated / comparison) before the start, by
    the same influence of areas: each month's ratio weighs by its distance from the
    middle of the months before. A drift of 1.96 errors would be missed by a 5 % test
    about half of the time.
    """
    before = panel.counts[:, :start]
    at = np.arange(start) - (start - 1) / 2
    weight = at / (at**2).sum()
    spread = 0.0
    for group in (treated, ~treated):
        total = before[group].sum(axis=0)
        if (total == 0).any():
            return None
        influence = (before[group] / total) @ weight
        size = int(group.sum())
        spread += float(((influence - influence.mean()) ** 2).sum()) * size / (size - 1)
    middle_before = (start - 1) / 2
    middle_since = (start + len(panel.months) - 1) / 2
    return float(np.exp(1.96 * np.sqrt(spread) * (middle_since - middle_before)))
