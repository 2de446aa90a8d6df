"""GeoJSON: what is no collection of features is refused; no shape is ever guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edp_platform.ingestion.readers import UnreadableFile
from edp_platform.ingestion.readers.geojson import GeoJsonReader


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "map.geojson"


def collection(*features: object) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b"null",
        b'"text"',
        b"{}",
        b'{"type": "Feature"}',
        b'{"type": "FeatureCollection"}',
        b'{"type": "FeatureCollection", "features": {}}',
        collection(1),
        collection({"properties": [1], "geometry": None}),
        b"[" * 100_000,
        b'{"type": "FeatureCollection", "name": "\xe9"}',
        collection({"properties": {"a": 1}})[:-5],
    ],
)
@pytest.mark.parametrize("ask", ["header", "count"])
def test_what_is_no_map_is_refused_by_name(
    file: Path, content: bytes, ask: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"map\.geojson .*[Aa]sk"):
        getattr(GeoJsonReader(), ask)(file)


def test_a_map_without_features_has_no_header(file: Path) -> None:
    file.write_bytes(collection())
    assert GeoJsonReader().count(file) == 0
    with pytest.raises(UnreadableFile, match="no features"):
        GeoJsonReader().header(file)


@pytest.mark.parametrize("properties", [{"code": "E1"}, {"code": 7}, {}, None])
def test_the_header_is_the_properties_of_the_first_feature(
    file: Path, properties: dict[str, object] | None
) -> None:
    file.write_bytes(collection({"properties": properties, "geometry": None}))
    assert GeoJsonReader().header(file) == (*(properties or {}), "geometry")
