"""The mart of near-repeats: how many pairs, against how many by chance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from edp_platform.analysis.false_discovery import benjamini_hochberg
from edp_platform.analysis.neighbourhood.declared import NearRepeats, load_ranking
from edp_platform.analysis.neighbourhood.failure import NearRepeatRefused
from edp_platform.analysis.neighbourhood.near_repeat import Knox, knox, near_pairs
from edp_platform.analysis.neighbourhood.panels import later

_PLACES = ("same postcode", "same LSOA, another or no postcode")
_SCHEMA = {
    "data_set": pl.String,
    "crime_type": pl.String,
    "place_band": pl.String,
    "days_from": pl.Int64,
    "days_to": pl.Int64,
    "month_from": pl.Date,
    "month_to": pl.Date,
    "reports": pl.Int64,
    "reports_left_out": pl.Int64,
    "observed_pairs": pl.Int64,
    "expected_pairs": pl.Float64,
    "by_chance_lower": pl.Float64,
    "by_chance_upper": pl.Float64,
    "ratio": pl.Float64,
    "p_value": pl.Float64,
    "q_value": pl.Float64,
    "why_refused": pl.String,
}


def near_repeats(reports: pl.DataFrame, street: pl.DataFrame) -> pl.DataFrame:
    """Return pairs of reports by how near they are, and the refusal of public files.

    Args:
        reports: of the force's own system: `month`, `crime_type`, `reported_at`,
            `occurred_from`, `occurred_to`, `location_postcode`, `lsoa_code`.
        street: any rows of the published street files: they are refused.
    """
    ranking = load_ranking()
    generator = np.random.default_rng(ranking.seed)
    rows = [
        row
        for crime_type in ranking.near_repeats.crime_types
        for row in _of_type(reports, crime_type, ranking.near_repeats, generator)
    ]
    adjusted = benjamini_hochberg(np.array([row["p_value"] for row in rows]))
    rows = [row | {"q_value": q} for row, q in zip(rows, adjusted, strict=True)]
    if not street.is_empty():
        try:
            events(street, ranking.near_repeats.longest_window_days)
        except NearRepeatRefused as refused:
            rows.append({"data_set": "police_uk_street", "why_refused": str(refused)})
    whole: dict[str, Any] = {
        "place_band": "none",
        "crime_type": "any",
        "days_to": 0,
    }
    return pl.DataFrame([whole | row for row in rows], schema=_SCHEMA, orient="row")


def events(reports: pl.DataFrame, longest_window_days: float) -> pl.DataFrame:
    """Return when and where each report's crime was: the middle of its time window.

    Source: the middle of the window is as good as finer ways where windows are short;
    Ashby and Bowers (2013), "A comparison of methods for temporal analysis of aoristic
    crime", Crime Science 2(1). Reports with a vaguer time are left out.

    Args:
        reports: as `near_repeats` takes them; without `occurred_to`, by `reported_at`.
        longest_window_days: reports whose window is longer are left out.

    Returns:
        `days` since 1970, `lsoa_code`, `location_postcode`.

    Raises:
        NearRepeatRefused: the rows hold no times or no places.
    """
    needed = {
        "occurred_from",
        "occurred_to",
        "reported_at",
        "location_postcode",
        "lsoa_code",
    }
    missing = sorted(needed - {*reports.columns})
    if missing:
        raise NearRepeatRefused(
            f"Near-repeats cannot be looked for here: there is no {', '.join(missing)}. "
            "They are days and streets apart, and published files hold only the month, "
            "and a map point that stands for several streets; what looked near would be "
            "how the publisher rounded. Use the force's own reports."
        )
    begun = pl.col("occurred_from")
    # It had happened by the time it was reported.
    ended = pl.coalesce("occurred_to", "reported_at")
    window = (ended - begun).dt.total_seconds() / 86_400
    return reports.filter(
        begun.is_not_null()
        & pl.col("lsoa_code").is_not_null()
        & (window <= longest_window_days)
    ).select(
        days=(begun.dt.epoch("s") + window * 43_200) / 86_400,
        lsoa_code="lsoa_code",
        location_postcode="location_postcode",
    )


def _of_type(
    reports: pl.DataFrame,
    crime_type: str,
    declared: NearRepeats,
    generator: np.random.Generator,
) -> Iterator[dict[str, Any]]:
    of_type = reports.filter(pl.col("crime_type") == crime_type)
    # The first file of a new system brings older reports over: those are no sample.
    of_type = of_type.filter(pl.col("reported_at").dt.date() >= pl.col("month"))
    if of_type.is_empty():
        return
    months = of_type["month"].to_list()
    first = max(min(months), later(max(months), 1 - declared.months))
    of_type = of_type.filter(pl.col("month") >= first)
    found = events(of_type, declared.longest_window_days)
    pairs = near_pairs(found["lsoa_code"], found["location_postcode"])
    if not len(pairs[0]):
        return
    result = knox(
        pairs,
        found["days"].to_numpy(),
        declared.days,
        declared.permutations,
        generator,
    )
    yield from (
        {
            "data_set": "crime_reports",
            "crime_type": crime_type,
            "month_from": first,
            "month_to": max(months),
            "reports": found.height,
            "reports_left_out": of_type.height - found.height,
            **row,
        }
        for row in _bands(result, declared.days)
    )


def _bands(result: Knox, days: list[int]) -> Iterator[dict[str, Any]]:
    for place, time in np.ndindex(*result.observed.shape):
        expected = float(result.expected[place, time])
        observed = int(result.observed[place, time])
        yield {
            "place_band": _PLACES[place],
            "days_from": 0 if time == 0 else days[time - 1],
            "days_to": days[time],
            "observed_pairs": observed,
            "expected_pairs": expected,
            "by_chance_lower": float(result.lower[place, time]),
            "by_chance_upper": float(result.upper[place, time]),
            "ratio": observed / expected if expected > 0 else None,
            "p_value": float(result.p_values[place, time]),
        }
