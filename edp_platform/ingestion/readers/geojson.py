"""GeoJSON boundaries: one row a feature. `source_line` is the feature's position."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import polars as pl
import shapely

from edp_platform.contracts import Contract
from edp_platform.ingestion.places import feature_frame, features_of
from edp_platform.ingestion.readers.base import NameParts, Reading, name_misfit
from edp_platform.ingestion.readers.delimited import QUARANTINE_SCHEMA, UnreadableFile

_POLYGON, _MULTI_POLYGON = 3, 6
_Read = TypeVar("_Read")


class GeoJsonReader:
    """Reads a FeatureCollection of polygons in WGS84."""

    def _frame(self, path: Path, properties: dict[str, str]) -> pl.DataFrame:
        return self._opened(path, lambda text: feature_frame(text, properties))

    def _opened(self, path: Path, reading: Callable[[str], _Read]) -> _Read:
        try:
            return reading(path.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, ValueError) as error:
            raise UnreadableFile(
                f"{path.name} cannot be read as GeoJSON ({error}). Was it cut short? "
                "Ask the supplier for it again."
            ) from error

    def header(self, path: Path) -> tuple[str, ...]:
        """Return the property names of the first feature, and `geometry`."""
        features = self._opened(path, features_of)
        if not features:
            raise UnreadableFile(f"{path.name} holds no features.")
        return (*features[0]["properties"], "geometry")

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
        shapes = shapely.from_geojson(frame["geometry"].to_list(), on_invalid="ignore")
        kinds = shapely.get_type_id(shapes)
        west, south, east, north = shapely.bounds(shapes).T
        is_polygon = (kinds == _POLYGON) | (kinds == _MULTI_POLYGON)
        is_polygon &= ~shapely.is_empty(shapes)
        # Metres of a national grid would put every point outside every boundary.
        is_degrees = (west >= -180) & (east <= 180) & (south >= -90) & (north <= 90)
        sound = pl.Series(is_polygon & is_degrees)
        reason = (
            pl.when(pl.Series(is_polygon))
            .then(pl.lit("geometry is not in degrees (WGS84)"))
            .otherwise(pl.lit("geometry is not a polygon"))
        )
        quarantined = (
            frame.with_columns(reason=reason)
            .filter(~sound)
            .select(
                "source_line",
                month=pl.lit(None, dtype=pl.String),
                column=pl.lit("geometry"),
                reason="reason",
                record="geometry",
            )
        )
        return Reading(
            rows=frame.filter(sound),
            quarantined=quarantined.cast(QUARANTINE_SCHEMA),
            records=frame.height,
            cells=frame.height,
        )
