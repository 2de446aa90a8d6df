"""How soon calls were reached: shares in time, medians and 90th percentiles.

Calls that nobody reached are shown, and counted in a second set of figures as reached
never: a figure of the reached alone looks better the more are not reached.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from edp_platform.analysis.demand.declared import DemandModel
from edp_platform.analysis.demand.history import FORCE
from edp_platform.analysis.intervals import quantile as normal
from edp_platform.analysis.intervals import wilson

_KEYS = ["month", "borough_code", "borough", "grade"]
_ENDINGS = {
    "abandoned": "abandoned",
    "reached": "reached",
    "sent_without_arrival": "sent, no arrival recorded",
    "nobody_sent": "nobody sent",
}
#: Of the calls that were reached, and of all that were graded for somebody to come.
_OF = {"": ["reached"], "_of_all": [*_ENDINGS.values()][1:]}
_QUANTILES = {"median": 0.5, "p90": 0.9}


def response_times(times: pl.DataFrame, model: DemandModel) -> pl.DataFrame:
    """Return response times by month, borough and grade, and of all boroughs.

    Args:
        times: Rows of `marts.call_times_by_month`.
        model: Which grades have a target.

    Returns:
        month, borough_code (`all`: their sum), borough, grade, calls, the four endings,
        target_minutes, in_target, `percent_in_target` with `_lower` and `_upper`
        (Wilson), `median_minutes` and `p90_minutes` with the same; each of these again
        with `_of_all`, where calls nobody reached count as never reached. Null where a
        grade has no target, nobody is meant to come (`R`, abandoned), or too few calls
        fix the figure. Minutes are upper ends of bands: "half within 8 minutes".
    """
    calls = times.filter(pl.col("stage") == "call to arrival").select(
        *_KEYS, "ending", "within_minutes", "calls"
    )
    whole = calls.with_columns(
        borough_code=pl.lit(FORCE), borough=pl.lit("All boroughs")
    )
    both = (
        pl.concat([calls, whole])
        .group_by(*_KEYS, "ending", "within_minutes")
        .agg(pl.col("calls").sum().cast(pl.Int64))
    )
    targets = pl.DataFrame(
        [(one.grade, one.minutes) for one in model.targets],
        schema={"grade": pl.String, "target_minutes": pl.Int32},
        orient="row",
    )
    made = both.join(targets, on="grade", how="left")
    counted = made.group_by(_KEYS).agg(
        pl.col("calls").sum(),
        *(
            pl.col("calls").filter(pl.col("ending") == ending).sum().alias(name)
            for name, ending in _ENDINGS.items()
        ),
        pl.col("target_minutes").first(),
        in_target=pl.when(pl.col("target_minutes").first().is_not_null()).then(
            pl.col("calls")
            .filter(pl.col("within_minutes") <= pl.col("target_minutes"))
            .sum()
        ),
    )
    attended = pl.col("grade").is_in(list(model.cars.per_call))
    for suffix, endings in _OF.items():
        those = made.filter(attended, pl.col("ending").is_in(endings))
        counted = counted.join(
            _quantiles(those, suffix), on=_KEYS, how="left"
        ).with_columns(_shares(suffix))
    return counted.sort(_KEYS)


def _shares(suffix: str) -> list[pl.Expr]:
    of = pl.sum_horizontal(
        name for name, ending in _ENDINGS.items() if ending in _OF[suffix]
    )
    value = pl.when(of > 0).then(100 * pl.col("in_target") / of)
    ends = wilson(pl.col("in_target").cast(pl.Float64), of.cast(pl.Float64))
    name = f"percent_in_target{suffix}"
    return [
        value.alias(name),
        (100 * ends.lower).alias(f"{name}_lower"),
        (100 * ends.upper).alias(f"{name}_upper"),
    ]


def rank_bounds(count: pl.Expr, share: float) -> tuple[pl.Expr, pl.Expr]:
    """Return which values, counted from the least, bound a quantile with 95 %.

    Source: Campbell and Gardner (1988), "Calculating confidence intervals for some
    non-parametric analyses", BMJ 296, 1454-1456: n q -/+ 1.96 root(n q (1 - q)), one more
    above, to the nearest whole number.

    Args:
        count: How many values there are.
        share: The quantile, 0.5 for the median.

    Returns:
        Ranks from 1; null where the value lies outside those there are.
    """
    middle = count * share
    half = normal(0.95) * (count * share * (1 - share)).sqrt()
    lower = (middle - half).round().cast(pl.Int64)
    upper = (1 + middle + half).round().cast(pl.Int64)
    return (
        pl.when(lower >= 1).then(lower),
        pl.when(upper <= count).then(upper),
    )


def _quantiles(calls: pl.DataFrame, suffix: str) -> pl.DataFrame:
    """Return quantiles of bands; calls without minutes are the longest."""
    bands = (
        calls.group_by(*_KEYS, "within_minutes")
        .agg(pl.col("calls").sum())
        .sort("within_minutes", nulls_last=True)
        .with_columns(
            reached=pl.col("calls").cum_sum().over(_KEYS),
            count=pl.col("calls").sum().over(_KEYS),
        )
    )
    return bands.group_by(_KEYS).agg(
        pl.col("within_minutes").filter(pl.col("reached") >= rank).first().alias(name)
        for name, rank in _ranks(suffix)
    )


def _ranks(suffix: str) -> Iterator[tuple[str, pl.Expr]]:
    count = pl.col("count")
    for name, share in _QUANTILES.items():
        lower, upper = rank_bounds(count, share)
        yield f"{name}_minutes{suffix}", (count * share).ceil()
        yield f"{name}_minutes{suffix}_lower", lower
        yield f"{name}_minutes{suffix}_upper", upper
