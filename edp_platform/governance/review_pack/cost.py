"""What running and keeping a use case's data cost: recorded seconds and bytes × prices.

What several use cases share (a data set, a table between) is divided equally among
those that read it, so that the costs of all of them add up to the whole once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edp_platform.governance.review_pack.evidence import Evidence

_HOUR = 3600
_GIGABYTE = 1_000_000_000
#: Days of a month, for a price by the month: 365.25 / 12.
_MONTH_DAYS = 30.4375


@dataclass(frozen=True)
class Prices:
    """Pounds, as the price list has them."""

    run_hour: float
    stored_gigabyte_month: float
    source: str


@dataclass(frozen=True)
class CostLine:
    """One part of the cost.

    Attributes:
        what: it is for.
        quantity: seconds or bytes, before sharing.
        unit: "seconds" or "bytes".
        shared_by: how many use cases share it; 1 for its own.
        pounds: this use case's part.
    """

    what: str
    quantity: float
    unit: str
    shared_by: int
    pounds: float


def run_lines(
    evidence: Evidence, readers: Mapping[str, int], prices: Prices
) -> list[CostLine]:
    """Return what making its assets took, and what it cost.

    Seconds of a model and of a dbt test are those its events tell. A raw data set is a
    step of its own, and the step's seconds count. Nothing is counted twice.

    Args:
        evidence: of the sprint.
        readers: asset the use case makes or reads → how many use cases share it.
        prices: in pounds.
    """
    seconds: dict[str, float] = {}
    for made in evidence.materialized:
        if made.seconds is not None and made.asset in readers:
            seconds[made.asset] = seconds.get(made.asset, 0) + made.seconds
    for check in evidence.checked:
        if check.seconds is not None and check.asset in readers:
            seconds[check.asset] = seconds.get(check.asset, 0) + check.seconds
    for step in evidence.steps:
        # One asset a step: its whole time is that asset's. A step of many tells the
        # seconds of each with the asset.
        if len(step.assets) != 1 or step.seconds is None:
            continue
        alone = step.assets[0]
        told = any(
            made.asset == alone and made.seconds is not None
            for made in evidence.materialized
        )
        if alone in readers and not told:
            seconds[alone] = seconds.get(alone, 0) + step.seconds
    return [
        CostLine(
            what=asset,
            quantity=round(taken, 3),
            unit="seconds",
            shared_by=readers[asset],
            pounds=taken / _HOUR * prices.run_hour / readers[asset],
        )
        for asset, taken in sorted(
            seconds.items(), key=lambda pair: (-pair[1], pair[0])
        )
    ]


def storage_lines(
    stored: Mapping[str, tuple[int, int]], days: int, prices: Prices
) -> list[CostLine]:
    """Return what keeping its data for these days cost.

    Args:
        stored: what → (bytes, how many use cases share it).
        days: of the sprint.
        prices: in pounds.
    """
    return [
        CostLine(
            what=what,
            quantity=size,
            unit="bytes",
            shared_by=shared,
            pounds=size
            / _GIGABYTE
            * prices.stored_gigabyte_month
            * days
            / _MONTH_DAYS
            / shared,
        )
        for what, (size, shared) in sorted(stored.items())
        if size
    ]
