"""Which areas share a border."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import polars as pl

#: Places after the comma that must agree: 5 are about a metre.
_PLACES = 5


def neighbours(boundaries: pl.DataFrame) -> dict[str, set[str]]:
    """Return, for each area, the areas that share a stretch of border with it.

    Boundaries of one publication share their corners, so two areas are neighbours where
    they have two corners in common; one corner alone is a touch.

    Args:
        boundaries: `borough_code` and `geometry_geojson` (Polygon or MultiPolygon).

    Returns:
        area → its neighbours; areas without any included.
    """
    at: defaultdict[tuple[float, float], set[str]] = defaultdict(set)
    for code, text in boundaries.select("borough_code", "geometry_geojson").iter_rows():
        for longitude, latitude in _corners(json.loads(text)["coordinates"]):
            at[(round(longitude, _PLACES), round(latitude, _PLACES))].add(code)
    shared: defaultdict[tuple[str, str], int] = defaultdict(int)
    for codes in at.values():
        for pair in combinations(sorted(codes), 2):
            shared[pair] += 1
    found: dict[str, set[str]] = {code: set() for code in boundaries["borough_code"]}
    for (one, other), corners in shared.items():
        if corners >= 2:
            found[one].add(other)
            found[other].add(one)
    return found


def _corners(coordinates: Any) -> Iterator[tuple[float, float]]:
    if isinstance(coordinates[0], int | float):
        yield coordinates[0], coordinates[1]
        return
    for inner in coordinates:
        yield from _corners(inner)
