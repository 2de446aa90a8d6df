"""A landing changes some measures: only their points are computed anew.

What a point depends on lies within its measure and kind of area (areas of a kind share
seasonal patterns, over-dispersion and the guard against overlapping periods), so these
are what is carried over or computed. Alerts are over all series and always decided anew
(`states`).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from edp_platform.analysis.signals.charting import POINTS, Signals, points
from edp_platform.analysis.signals.preparing import FEW, USABLE
from edp_platform.analysis.signals.settings import SeriesSettings
from edp_platform.analysis.signals.states import states

_GROUP = ("measure", "area_kind")


def updated(
    before: Signals,
    values: pl.DataFrame,
    settings: Mapping[str, SeriesSettings],
    settings_before: Mapping[str, SeriesSettings],
) -> Signals:
    """Return the signals of `values`, as `signals` would, from those of before.

    Args:
        before: signals as they stood, made by the same code.
        values: as the mart `measure_values` is now.
        settings: by measure, as they are now.
        settings_before: by measure, when `before` was made.

    Raises:
        SignalsRefused: as `signals`.
    """
    held, same = _carried_over(before.points, values, settings, settings_before)
    unchanged = before.series.join(same, on=_GROUP, how="semi")
    return Signals(held, states(held, settings, unchanged))


def updated_points(
    before: pl.DataFrame, values: pl.DataFrame, settings: Mapping[str, SeriesSettings]
) -> pl.DataFrame:
    """Return the points of `values`, as `points` would, from those of before.

    Args:
        before: points as they stood, made by the same code and settings.
        values: as the mart `measure_values` is now.
        settings: by measure.

    Raises:
        SignalsRefused: as `points`.
    """
    known = before.select(pl.col(name).cast(kind) for name, kind in POINTS.items())
    return _carried_over(known, values, settings, settings)[0]


def _carried_over(
    before: pl.DataFrame,
    values: pl.DataFrame,
    settings: Mapping[str, SeriesSettings],
    settings_before: Mapping[str, SeriesSettings],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return all points, and the measures and kinds of area whose are as they were."""
    redeclared = [
        name for name, one in settings.items() if settings_before.get(name) != one
    ]
    state = pl.when(pl.col("value").is_null() | pl.col("value").is_nan()).then(
        pl.lit("missing")
    )
    excluded = pl.col("excluded").fill_null(USABLE)
    was = _digests(before, state.otherwise(excluded), redeclared)
    now = _digests(values, state.otherwise("completeness"), redeclared)
    same = was.join(now, on=(*_GROUP, "digest", "rows"), how="semi")
    kept = before.join(same, on=_GROUP, how="semi", maintain_order="left")
    changed = values.join(same, on=_GROUP, how="anti")
    if changed.height:
        made = points(changed, settings)
        # Whole groups, each in order: a sort by two columns keeps the rest.
        kept = pl.concat([kept, made]).sort(_GROUP, maintain_order=True)
    return kept, same


def _digests(
    frame: pl.DataFrame, state: pl.Expr, redeclared: list[str]
) -> pl.DataFrame:
    """Return one row per measure and kind of area: its rows, and a sum of their hashes."""
    rows = frame.filter(~pl.col("measure").is_in(redeclared))
    # A series found to overlap was complete.
    plain = state.replace({"overlapping": USABLE, FEW: USABLE})
    each = rows.select(
        *_GROUP,
        # Minus nothing is nothing; hashes would differ.
        pl.struct("area_code", "month", pl.col("value") + 0.0, plain.alias("state"))
        .hash(seed=5)
        .alias("digest"),
    )
    return each.group_by(_GROUP).agg(pl.col("digest").sum(), pl.len().alias("rows"))
