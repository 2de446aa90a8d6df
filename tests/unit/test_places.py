"""Which boundary a point lies in."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from edp_platform.ingestion.places import Boundaries, feature_frame


def square(west: float, south: float, size: float = 1) -> str:
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return json.dumps({"type": "Polygon", "coordinates": [ring]})


@pytest.fixture(scope="module")
def boundaries() -> Boundaries:
    """Two squares that share an edge, and a bow tie that crosses itself."""
    bow_tie = json.dumps(
        {"type": "Polygon", "coordinates": [[[5, 0], [6, 1], [6, 0], [5, 1], [5, 0]]]}
    )
    return Boundaries(
        pl.DataFrame(
            {
                "borough_code": ["B", "A", "C"],
                "geometry": [square(1, 0), square(0, 0), bow_tie],
            }
        )
    )


@pytest.mark.parametrize(
    ("longitude", "latitude", "code"),
    [
        (0.5, 0.5, "A"),
        (1.5, 0.5, "B"),
        (1.0, 0.5, "A"),  # on the shared edge: the first code in order
        (0.0, 0.0, "A"),
        (5.1, 0.5, "C"),
        (3.0, 0.5, None),
        (0.5, 51.0, None),
        (None, 0.5, None),
        (0.5, None, None),
        (None, None, None),
    ],
)
def test_a_point_takes_the_code_it_lies_in(
    boundaries: Boundaries,
    longitude: float | None,
    latitude: float | None,
    code: str | None,
) -> None:
    found = boundaries.code_at(
        pl.Series([longitude], dtype=pl.Float64),
        pl.Series([latitude], dtype=pl.Float64),
    )
    assert found.to_list() == [code]


def test_answers_stand_in_the_order_of_the_rows_whatever_it_is(
    boundaries: Boundaries,
) -> None:
    points = [(0.5, 0.5), (None, None), (1.5, 0.5), (0.5, 0.5), (9.0, 9.0)]
    for order in (points, points[::-1]):
        frame = pl.DataFrame(
            order, schema={"x": pl.Float64, "y": pl.Float64}, orient="row"
        )
        expected = [
            {(0.5, 0.5): "A", (1.5, 0.5): "B"}.get(point)  # type: ignore[arg-type]
            for point in order
        ]
        assert boundaries.code_at(frame["x"], frame["y"]).to_list() == expected


def test_no_rows_have_no_codes(boundaries: Boundaries) -> None:
    empty = pl.Series([], dtype=pl.Float64)
    assert boundaries.code_at(empty, empty).to_list() == []


def test_boundaries_that_were_never_loaded_are_none(tmp_path: Path) -> None:
    path = tmp_path / "part-0.parquet"
    assert Boundaries.read(path) is None
    schema = {"borough_code": pl.String, "geometry": pl.String}
    pl.DataFrame(schema=schema).write_parquet(path)
    assert Boundaries.read(path) is None


def test_the_real_boundaries_place_known_points(shared_data: Path) -> None:
    text = (shared_data / "reference" / "london_boroughs_2022.geojson").read_text()
    frame = feature_frame(text, {"LAD22CD": "borough_code"})
    assert frame.height == 33
    real = Boundaries(frame)
    # St Paul's in the City, Trafalgar Square in Westminster, Oxford in neither.
    found = real.code_at(
        pl.Series([-0.0984, -0.1281, -1.2577]), pl.Series([51.5138, 51.5080, 51.7520])
    )
    assert found.to_list() == ["E09000001", "E09000033", None]
