"""Which boundary a point lies in, so that later joins on place use codes, not shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import shapely


class Boundaries:
    """Polygons with a code each, indexed for points.

    Args:
        frame: `borough_code` and `geometry` (GeoJSON text, WGS84).
    """

    def __init__(self, frame: pl.DataFrame, code: str = "borough_code") -> None:
        self.codes = frame[code].to_list()
        # Generalised boundaries, rounded to 5 decimals, can touch themselves.
        shapes = shapely.make_valid(shapely.from_geojson(frame["geometry"].to_list()))
        self.tree = shapely.STRtree(shapes)

    @classmethod
    def read(cls, path: Path) -> Boundaries | None:
        """Read a lake file of boundaries; None while none has been loaded."""
        if not path.exists():
            return None
        frame = pl.read_parquet(path, columns=["borough_code", "geometry"])
        return cls(frame) if frame.height else None

    def code_at(self, longitude: pl.Series, latitude: pl.Series) -> pl.Series:
        """Return the code of the boundary each point lies in; null outside them all.

        Points that fall on a shared border take the first code in order, so that the
        answer never depends on the order of the rows.
        """
        points = pl.DataFrame({"longitude": longitude, "latitude": latitude})
        # Publishers snap to a few thousand map points: each is looked up once.
        unique = points.unique().drop_nulls()
        shapes = shapely.points(
            unique["longitude"].to_numpy(), unique["latitude"].to_numpy()
        )
        at, shape = self.tree.query(shapes, predicate="intersects")
        found = (
            pl.DataFrame(
                {"at": at, "code": [self.codes[one] for one in shape]},
                schema={"at": pl.Int64, "code": pl.String},
            )
            .group_by("at")
            .agg(pl.col("code").min())
        )
        looked_up = (
            unique.with_row_index("at")
            .with_columns(pl.col("at").cast(pl.Int64))
            .join(found, on="at", how="left")
        )
        return points.join(
            looked_up,
            on=["longitude", "latitude"],
            how="left",
            maintain_order="left",
        )["code"]


def feature_frame(text: str, properties: dict[str, str]) -> pl.DataFrame:
    """Return one row a GeoJSON feature: named properties and `geometry` as text.

    Args:
        text: a GeoJSON FeatureCollection.
        properties: property in the file → column of the frame.

    Raises:
        ValueError: not a FeatureCollection.
    """
    rows = [
        {
            **{
                column: _text(feature["properties"].get(name))
                for name, column in properties.items()
            },
            "geometry": json.dumps(feature.get("geometry"), separators=(",", ":")),
        }
        for feature in features_of(text)
    ]
    schema = dict.fromkeys([*properties.values(), "geometry"], pl.String)
    return pl.DataFrame(rows, schema=schema)


def features_of(text: str) -> list[dict[str, Any]]:
    """Return the features of a GeoJSON FeatureCollection, each with `properties`.

    Raises:
        ValueError: not a FeatureCollection of features.
    """
    try:
        collection = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply to be a map") from None
    if (
        not isinstance(collection, dict)
        or collection.get("type") != "FeatureCollection"
    ):
        raise ValueError("it is not a GeoJSON FeatureCollection")
    features = collection.get("features")
    if not isinstance(features, list):
        raise ValueError("it has no list of features")
    for feature in features:
        if not isinstance(feature, dict):
            raise ValueError("one of its features is not a feature")
        feature["properties"] = feature.get("properties") or {}
        if not isinstance(feature["properties"], dict):
            raise ValueError("the properties of a feature are not names and values")
    return features


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
