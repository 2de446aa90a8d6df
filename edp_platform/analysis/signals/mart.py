"""The marts of signals: what the dbt models of the same names hand their frames to."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from edp_platform.analysis.signals.charting import points
from edp_platform.analysis.signals.funnels import Kind, funnels
from edp_platform.analysis.signals.settings import SeriesSettings
from edp_platform.analysis.signals.states import states
from edp_platform.analysis.signals.updating import updated_points
from edp_platform.measures.declared import Measure
from edp_platform.measures.loading import load_measures


def declared_settings(measures: Mapping[str, Measure]) -> dict[str, SeriesSettings]:
    """Return the settings of every measure."""
    return {name: one.series_settings() for name, one in measures.items()}


def measure_signals(
    values: pl.DataFrame, before: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return the mart `measure_signals` from the mart `measure_values`.

    Args:
        values: the mart.
        before: this mart as it stood, where the same code and measures made it: what a
            landing did not change is taken over from it.
    """
    settings = declared_settings(load_measures())
    if before is None:
        return points(values, settings)
    return updated_points(before, values, settings)


def measure_series(charted: pl.DataFrame) -> pl.DataFrame:
    """Return the mart `measure_series` from the mart `measure_signals`."""
    return states(charted, declared_settings(load_measures()))


def area_funnels(values: pl.DataFrame) -> pl.DataFrame:
    """Return the mart `area_funnels` from the mart `measure_values`."""
    measures = load_measures()
    of_kind: tuple[Kind, ...] = ("proportion", "rate")
    kinds = {
        name: kind
        for kind in of_kind
        for name, one in measures.items()
        if one.kind == kind
    }
    return funnels(values, declared_settings(measures), kinds)
