"""Readers: one per file shape. A reader yields typed rows and quarantined records.

A new shape is a new module here, or `reader: {shape: "package.module:Class"}` in a data
set's `defs.yaml`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from edp_platform.ingestion.readers.base import NameParts, Reader, Reading
from edp_platform.ingestion.readers.delimited import UnreadableFile

__all__ = ["NameParts", "Reader", "Reading", "UnreadableFile", "make_reader"]

_SHAPES = {
    "csv": "edp_platform.ingestion.readers.tables:CsvReader",
    "police_uk_csv": "edp_platform.ingestion.readers.tables:CsvReader",
    "wide_csv": "edp_platform.ingestion.readers.tables:WideCsvReader",
    "spreadsheet_years": "edp_platform.ingestion.readers.spreadsheets:YearSheetsReader",
    "spreadsheet_profiles": (
        "edp_platform.ingestion.readers.spreadsheets:ProfilesReader"
    ),
    "geojson": "edp_platform.ingestion.readers.geojson:GeoJsonReader",
}


def make_reader(stated: str | Mapping[str, Any]) -> Reader:
    """Make the reader that a data set's `defs.yaml` names.

    Args:
        stated: the shape's name, or a mapping of `shape` and its options.

    Raises:
        ValueError: no such shape, or options that the shape does not take.
    """
    options = {"shape": stated} if isinstance(stated, str) else dict(stated)
    shape = options.pop("shape", None)
    place = _SHAPES.get(str(shape), str(shape))
    if ":" not in place:
        raise ValueError(
            f"no reader for the shape `{shape}`; there are {', '.join(_SHAPES)}"
        )
    module, name = place.split(":")
    try:
        reader: Reader = getattr(importlib.import_module(module), name)(**options)
    except TypeError as error:
        raise ValueError(f"the reader {shape} does not take: {error}") from error
    return reader
