"""The marts of neighbourhood crime that are made in Python, each from marts alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from edp_platform.analysis.false_discovery import benjamini_hochberg
from edp_platform.analysis.intervals import byar
from edp_platform.analysis.neighbourhood.concentration import (
    Floats,
    areas_in,
    generalised_gini,
    gini,
    top_share,
    top_share_at_random,
    top_weights,
)
from edp_platform.analysis.neighbourhood.declared import Ranking, load_ranking
from edp_platform.analysis.neighbourhood.emergence import (
    extra_variation,
    rising_p_values,
)
from edp_platform.analysis.neighbourhood.equality import (
    Residents,
    boroughs,
    compared,
    of_panel,
    profiles,
)
from edp_platform.analysis.neighbourhood.evaluation import (
    HeldOut,
    Verdict,
    hit_rate,
    hold_out,
    prediction_accuracy_index,
    prediction_efficiency_index,
    verdict,
    words,
)
from edp_platform.analysis.neighbourhood.panels import Counted, Panel, panels
from edp_platform.analysis.neighbourhood.persistence import spearman, still_top
from edp_platform.analysis.neighbourhood.places import constant_areas
from edp_platform.analysis.neighbourhood.ranking import RANKING, scores
from edp_platform.analysis.neighbourhood.windows import latest_two, windows

_PANEL: Mapping[str, Any] = {
    "data_set": pl.String,
    "force": pl.String,
    "area_kind": pl.String,
    "offence_group": pl.String,
}
_AREA: Mapping[str, Any] = {
    "area_code": pl.String,
    "area": pl.String,
    "borough_code": pl.String,
    "borough": pl.String,
    "geography": pl.String,
}
#: With fewer areas one of them is too much of the whole that it is compared with.
FEWEST_AREAS_TESTED = 20


def area_concentration(
    counted: Counted, ranking: Ranking | None = None
) -> pl.DataFrame:
    """Return how concentrated each panel was in each year held.

    Args:
        counted: the marts.
        ranking: as declared; read from its file where none is given.
    """
    ranking = ranking or load_ranking()
    generator = np.random.default_rng(ranking.seed)
    share = ranking.areas.main
    rows = []
    for panel in panels(counted, ranking):
        areas = panel.areas.height
        top = areas_in(share, areas)
        for window in windows(panel):
            crimes = int(window.counts.sum())
            rows.append(
                panel.keys
                | {
                    "period_from": window.first,
                    "period_to": window.last,
                    "periods": window.periods,
                    "areas": areas,
                    "areas_without_crime": int((window.counts == 0).sum()),
                    "crimes": crimes,
                    "top_areas": top,
                    "top_share_of_areas": top / areas,
                    "top_share_of_crimes": top_share(window.counts, share),
                    "top_share_at_random": top_share_at_random(
                        crimes, areas, share, generator
                    ),
                    "gini": gini(window.counts),
                    "generalised_gini": generalised_gini(window.counts),
                }
            )
    return _frame(
        rows,
        {
            **_PANEL,
            "period_from": pl.Date,
            "period_to": pl.Date,
            "periods": pl.Int64,
            "areas": pl.Int64,
            "areas_without_crime": pl.Int64,
            "crimes": pl.Int64,
            "top_areas": pl.Int64,
            "top_share_of_areas": pl.Float64,
            "top_share_of_crimes": pl.Float64,
            "top_share_at_random": pl.Float64,
            "gini": pl.Float64,
            "generalised_gini": pl.Float64,
        },
    )


def area_persistence(counted: Counted, ranking: Ranking | None = None) -> pl.DataFrame:
    """Return how far the areas of one year are those of the year before.

    Args:
        counted: the marts.
        ranking: as declared; read from its file where none is given.
    """
    ranking = ranking or load_ranking()
    rows = []
    for panel in panels(counted, ranking):
        areas = panel.areas.height
        top = areas_in(ranking.areas.main, areas)
        held = windows(panel)
        for before, after in pairwise(held):
            rows.append(
                panel.keys
                | {
                    "period_to_before": before.last,
                    "period_to": after.last,
                    "areas": areas,
                    "top_areas": top,
                    "spearman": spearman(before.counts, after.counts),
                    "share_still_top": still_top(before.counts, after.counts, top),
                    "share_still_top_at_random": top / areas,
                }
            )
    return _frame(
        rows,
        {
            **_PANEL,
            "period_to_before": pl.Date,
            "period_to": pl.Date,
            "areas": pl.Int64,
            "top_areas": pl.Int64,
            "spearman": pl.Float64,
            "share_still_top": pl.Float64,
            "share_still_top_at_random": pl.Float64,
        },
    )


def area_standing(
    counted: Counted, residents: Residents, ranking: Ranking | None = None
) -> pl.DataFrame:
    """Return each area's latest year: its rate, its place, and whether it newly rises.

    Args:
        counted: the marts.
        residents: the marts that say who lives where.
        ranking: as declared; read from its file where none is given.
    """
    ranking = ranking or load_ranking()
    known, of_boroughs = profiles(residents), boroughs(residents)
    found = [
        _standing(panel, of_panel(panel, known, of_boroughs), ranking, counted)
        for panel in panels(counted, ranking)
        if latest_two(panel) is not None
    ]
    schema = {
        **_PANEL,
        **_AREA,
        "period_from": pl.Date,
        "period_to": pl.Date,
        "periods": pl.Int64,
        "crimes": pl.Int64,
        "crimes_before": pl.Int64,
        "residents": pl.Int64,
        "rate_per_1_000": pl.Float64,
        "rate_lower": pl.Float64,
        "rate_upper": pl.Float64,
        "why_no_rate": pl.String,
        "rank": pl.Int64,
        "is_top": pl.Boolean,
        "years_top": pl.Int64,
        "years": pl.Int64,
        "change_against_force": pl.Float64,
        "p_value": pl.Float64,
    }
    frame = pl.concat(found) if found else pl.DataFrame(schema=schema)
    frame = frame.select(pl.col(name).cast(kind) for name, kind in schema.items())
    # False alarms are kept down over every area and group that is looked at.
    tested = frame["p_value"].is_not_null()
    adjusted = benjamini_hochberg(frame.filter(tested)["p_value"].to_numpy())
    place = tested.cum_sum() - 1
    q_value = pl.Series(adjusted, dtype=pl.Float64).gather(
        pl.select(pl.when(tested).then(place)).to_series()
    )
    return frame.with_columns(
        q_value=q_value,
        is_newly_rising=q_value <= ranking.false_discovery_rate,
    )


def area_ranking(counted: Counted, ranking: Ranking | None = None) -> pl.DataFrame:
    """Return every area's rank for the next period, with how good such ranks were.

    Args:
        counted: the marts.
        ranking: as declared; read from its file where none is given.
    """
    ranking = ranking or load_ranking()
    geography = _geographies(counted)
    found = []
    for panel in panels(counted, ranking):
        held, told = _measured(panel, ranking)
        half_life = ranking.half_life.of(panel.frequency)
        expected = scores(panel, len(panel.periods), half_life)[RANKING]
        if expected.sum() <= 0:
            continue
        weights = top_weights(expected, areas_in(ranking.areas.main, len(expected)))
        found.append(
            _with_geography(panel, geography).with_columns(
                period=pl.lit(panel.next_period()),
                rank=_ranks(expected),
                expected_share=pl.Series(expected / expected.sum()),
                is_top=pl.Series(weights >= 0.5),
                hit_rate=pl.lit(hit_rate(held.hits[RANKING], held.crimes)).fill_nan(
                    None
                ),
                best_naive_rule=pl.lit(
                    told.against[0].baseline if told.against else None, pl.String
                ),
                best_naive_hit_rate=pl.lit(
                    hit_rate(held.hits[told.against[0].baseline], held.crimes)
                    if told.against
                    else None,
                    pl.Float64,
                ),
                claim=pl.lit(told.claim),
            )
        )
    schema = {
        **_PANEL,
        **_AREA,
        "period": pl.Date,
        "rank": pl.Int64,
        "expected_share": pl.Float64,
        "is_top": pl.Boolean,
        "hit_rate": pl.Float64,
        "best_naive_rule": pl.String,
        "best_naive_hit_rate": pl.Float64,
        "claim": pl.String,
    }
    frame = pl.concat(found) if found else pl.DataFrame(schema=schema)
    return frame.select(pl.col(name).cast(kind) for name, kind in schema.items())


def ranking_evaluation(
    counted: Counted, ranking: Ranking | None = None
) -> pl.DataFrame:
    """Return how well the ranking and each naive rule did on held-out periods.

    Args:
        counted: the marts.
        ranking: as declared; read from its file where none is given.
    """
    ranking = ranking or load_ranking()
    shares = [ranking.areas.main, *ranking.areas.others]
    rows: list[dict[str, Any]] = []
    for panel in panels(counted, ranking):
        half_life = ranking.half_life.of(panel.frequency)
        for held in hold_out(
            panel, shares, ranking.held_out.of(panel.frequency), half_life
        ):
            told = verdict(held, ranking.fewest_held_out)
            rows += (panel.keys | row for row in _evaluated(held, told, panel))
    return _frame(
        rows,
        {
            **_PANEL,
            "share_of_areas": pl.Float64,
            "rule": pl.String,
            "areas": pl.Int64,
            "areas_named": pl.Int64,
            "held_out_periods": pl.Int64,
            "held_out_from": pl.Date,
            "held_out_to": pl.Date,
            "crimes": pl.Int64,
            "hits": pl.Float64,
            "hit_rate": pl.Float64,
            "pai": pl.Float64,
            "pei": pl.Float64,
            "ranking_better_by": pl.Float64,
            "ranking_better_by_lower": pl.Float64,
            "ranking_better_by_upper": pl.Float64,
            "claim": pl.String,
            "words": pl.String,
        },
    )


def ranking_equality_check(
    counted: Counted, residents: Residents, ranking: Ranking | None = None
) -> pl.DataFrame:
    """Return how the areas that the ranking names differ from the rest.

    Args:
        counted: the marts.
        residents: the marts that say who lives where.
        ranking: as declared; read from its file where none is given.
    """
    ranking = ranking or load_ranking()
    known, of_boroughs = profiles(residents), boroughs(residents)
    rows = []
    for panel in panels(counted, ranking):
        half_life = ranking.half_life.of(panel.frequency)
        expected = scores(panel, len(panel.periods), half_life)[RANKING]
        if expected.sum() <= 0:
            continue
        named = top_weights(expected, areas_in(ranking.areas.main, len(expected)))
        rows += [
            panel.keys | {"period": panel.next_period()} | row
            for row in compared(named, of_panel(panel, known, of_boroughs))
        ]
    return _frame(
        rows,
        {
            **_PANEL,
            "period": pl.Date,
            "characteristic": pl.String,
            "top_areas": pl.Float64,
            "top_value": pl.Float64,
            "rest_value": pl.Float64,
            "difference": pl.Float64,
            "areas": pl.Int64,
            "areas_unknown": pl.Int64,
            "limit": pl.String,
        },
    )


def _frame(
    rows: Iterable[Mapping[str, Any]], schema: Mapping[str, Any]
) -> pl.DataFrame:
    """Return rows as a frame; what could not be computed is blank, never nan."""
    return pl.DataFrame([*rows], schema=dict(schema), orient="row").with_columns(
        pl.col(pl.Float64).fill_nan(None)
    )


def _measured(panel: Panel, ranking: Ranking) -> tuple[HeldOut, Verdict]:
    (held,) = hold_out(
        panel,
        [ranking.areas.main],
        ranking.held_out.of(panel.frequency),
        ranking.half_life.of(panel.frequency),
    )
    return held, verdict(held, ranking.fewest_held_out)


def _evaluated(
    held: HeldOut, told: Verdict, panel: Panel
) -> Iterator[dict[str, object]]:
    against = {one.baseline: one for one in told.against}
    sentence = words(held, told, panel.frequency)
    for rule, hits in held.hits.items():
        rate = hit_rate(hits, held.crimes)
        other = against.get(rule)
        yield {
            "share_of_areas": held.share,
            "rule": rule,
            "areas": held.areas,
            "areas_named": held.named,
            "held_out_periods": len(held.periods),
            "held_out_from": min(held.periods, default=None),
            "held_out_to": max(held.periods, default=None),
            "crimes": int(held.crimes.sum()),
            "hits": float(hits.sum()),
            "hit_rate": rate,
            "pai": prediction_accuracy_index(rate, held.named, held.areas),
            "pei": prediction_efficiency_index(hits, held.best),
            "ranking_better_by": other.difference if other else None,
            "ranking_better_by_lower": other.lower if other else None,
            "ranking_better_by_upper": other.upper if other else None,
            "claim": told.claim,
            "words": sentence,
        }


def _standing(
    panel: Panel, known: pl.DataFrame, ranking: Ranking, counted: Counted
) -> pl.DataFrame:
    pair = latest_two(panel)
    if pair is None:
        raise ValueError("a standing needs two years")
    before, after = pair
    areas = panel.areas.height
    top = areas_in(ranking.areas.main, areas)
    held = windows(panel)
    years_top = np.sum([top_weights(one.counts, top) >= 0.5 for one in held], axis=0)
    people = known["residents"].cast(pl.Float64)
    why = ranking.why_no_rate(panel.force)
    thousands = pl.when(pl.lit(why is None) & (pl.col("residents") > 0)).then(
        pl.col("residents") * after.years / 1000
    )
    interval = byar(pl.col("crimes"), thousands)
    growth = np.divide(
        after.counts * before.counts.sum(),
        before.counts * max(after.counts.sum(), 1),
        out=np.full(areas, np.nan),
        where=before.counts > 0,
    )
    no_residents = (
        "The residents of this area are not held: its code is not one of the year that "
        "residents are counted by."
    )
    return _with_geography(panel, _geographies(counted)).with_columns(
        period_from=pl.lit(after.first),
        period_to=pl.lit(after.last),
        periods=pl.lit(after.periods),
        crimes=pl.Series(after.counts).cast(pl.Int64),
        crimes_before=pl.Series(before.counts).cast(pl.Int64),
        residents=people,
    ).with_columns(
        rate_per_1_000=pl.col("crimes") / thousands,
        rate_lower=interval.lower,
        rate_upper=interval.upper,
        why_no_rate=pl.when(pl.lit(why is not None))
        .then(pl.lit(why, pl.String))
        .when(pl.col("residents").is_null())
        .then(pl.lit(no_residents)),
        rank=_ranks(after.counts),
        is_top=pl.Series(top_weights(after.counts, top) >= 0.5),
        years_top=pl.Series(years_top),
        years=pl.lit(len(held)),
        change_against_force=pl.Series(growth).fill_nan(None),
        p_value=_rising(panel, before.counts, after.counts),
    )  # fmt: skip


def _rising(panel: Panel, before: Floats, after: Floats) -> pl.Series:
    """Return the p value of each area, blank where too few areas are compared."""
    if panel.areas.height < FEWEST_AREAS_TESTED:
        return pl.Series([None] * panel.areas.height, dtype=pl.Float64)
    held = windows(panel)
    seen = [extra_variation(one.counts, other.counts) for one, other in pairwise(held)]
    extra = float(np.mean([*seen[:-1], extra_variation(before, after)]))
    return pl.Series(rising_p_values(before, after, extra))


def _ranks(values: Floats) -> pl.Series:
    """Return ranks from 1 for the highest; equal ones share the better."""
    return pl.Series(values).rank("min", descending=True).cast(pl.Int64)


def _geographies(counted: Counted) -> pl.DataFrame:
    """Return how each constant area was found."""
    constant = constant_areas(counted.lookup, counted.overlaps)
    return constant.group_by("area_code").agg(pl.col("mapping").max())


def _with_geography(panel: Panel, geography: pl.DataFrame) -> pl.DataFrame:
    """Return the areas of a panel, in its order, with what kind of area each is."""
    keys = [pl.lit(value).alias(name) for name, value in panel.keys.items()]
    if panel.data_set == "police_uk_street" and panel.area_kind == "lsoa":
        frame = panel.areas.join(
            geography, on="area_code", how="left", maintain_order="left"
        ).rename({"mapping": "geography"})
        return frame.with_columns(
            *keys, geography=pl.lit("LSOA, ") + pl.col("geography")
        ).select(*_PANEL, *_AREA)
    kind = {
        "police_uk_street": "ward of 2019, best fit of LSOAs",
        "mps_ward_crime": "ward as published",
        "mps_lsoa_burglary": "LSOA of 2011",
    }[panel.data_set]
    return panel.areas.with_columns(*keys, geography=pl.lit(kind)).select(
        *_PANEL, *_AREA
    )
