"""GeoJSON boundaries: one row a feature. `source_line` is the feature's position."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import shapely

from edp_platform.contracts import Contract
from edp_platform.ingestion.places import feature_frame
from edp_platform.ingestion.readers.base import NameParts, Reading, name_misfit
from edp_platform.ingestion.readers.delimited import QUARANTINE_SCHEMA, UnreadableFile

_POLYGON, _MULTI_POLYGON = 3, 6


class GeoJsonReader:
    """Reads a FeatureCollection of polygons in WGS84."""

    def _frame(self, path: Path, properties: dict[str, str]) -> pl.DataFrame:
        try:
            return feature_frame(path.read_text(encoding="utf-8"), properties)
        except (UnicodeDecodeError, ValueError) as error:
            raise UnreadableFile(
                f"{path.name} cannot be read as GeoJSON ({error}). Was it cut short? "
                "Ask the supplier for it again."
            ) from error

    def header(self, path: Path) -> tuple[str, ...]:
        """Return the property names of the first feature, and `geometry`."""
        self._frame(path, {})  # refuses what is not a FeatureCollection
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        if not features:
            raise UnreadableFile(f"{path.name} holds no features.")
        return (*(features[0].get("properties") or {}), "geometry")

    def misfit(self, contract: Contract, header: tuple[str, ...]) -> list[str]:
        """Compare property names with the contract's."""
        return name_misfit({one.physical_name for one in contract.received}, header)

    def months(self, path: Path, contract: Contract, parts: NameParts) -> list[str]:
        """Return nothing: boundaries are replaced whole."""
        return []

    def count(self, path: Path) -> int:
        """Return the number of features."""
        return self._frame(path, {}).height

    def read(self, path: Path, contract: Contract, parts: NameParts) -> Reading:
        """Read the features; one whose geometry is no polygon is quarantined."""
        properties = {
            column.physical_name: column.name
            for column in contract.received
            if column.name != "geometry"
        }
        frame = self._frame(path, properties).with_columns(
            source_line=pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
        )
        shapes = shapely.from_geojson(
            frame["geometry"].to_list(), on_invalid="ignore"
        )
        kinds = shapely.get_type_id(shapes)
        sound = pl.Series(
            ((kinds == _POLYGON) | (kinds == _MULTI_POLYGON)) & ~shapely.is_empty(shapes)
        )
        quarantined = frame.filter(~sound).select(
            "source_line",
            month=pl.lit(None, dtype=pl.String),
            column=pl.lit("geometry"),
            reason=pl.lit("geometry is not a polygon"),
            record="geometry",
        )
        return Reading(
            rows=frame.filter(sound),
            quarantined=quarantined.cast(QUARANTINE_SCHEMA),
            records=frame.height,
            cells=frame.height,
        )
