"""Writes exports as files: the same document gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from edp_platform.files import replacing
from edp_platform.governance.pages.layout import Page, render
from edp_platform.publishing.exports import catalogue as catalogues
from edp_platform.publishing.exports import pages, transparency
from edp_platform.publishing.exports import record_of_processing as processing
from edp_platform.publishing.exports.sources import Sources
from edp_platform.publishing.exports.validation import SchemaName, refuse_invalid
from edp_platform.publishing.query import as_csv

Kind = Literal["ropa", "catalogue", "atrs"]
FileFormat = Literal["json", "csv", "html"]
FORMATS: tuple[FileFormat, ...] = ("json", "csv", "html")


@dataclass(frozen=True)
class Exported:
    """What an export came to.

    Attributes:
        files: written, in order.
        entries: what stands in them.
        left_out: folders and records that could not be read, and why: the export is
            incomplete while there is one.
        not_stated: record → required attributes that no register answers.
    """

    files: tuple[Path, ...]
    entries: int
    left_out: tuple[tuple[str, str], ...] = ()
    not_stated: dict[str, list[str]] | None = None


def export(
    kind: Kind,
    sources: Sources,
    folder: Path,
    on: date,
    formats: Sequence[FileFormat] = FORMATS,
) -> Exported:
    """Make, check and write one export.

    Args:
        kind: ropa, catalogue or atrs.
        sources: what it is made from.
        folder: where to write; made if it is not there.
        on: the day it is made for; the same sources and day give the same bytes.
        formats: which files to write.

    Raises:
        ExportInvalid: a document does not fit its schema; no file was written.
        WriteFailed: the folder cannot be written.
    """
    if kind == "ropa":
        return _ropa(sources, folder, on, formats)
    if kind == "catalogue":
        return _catalogue(sources, folder, on, formats)
    return _atrs(sources, folder, on, formats)


def _ropa(
    sources: Sources, folder: Path, on: date, formats: Sequence[FileFormat]
) -> Exported:
    part2 = processing.record_of_processing(sources, "part2", on)
    part3 = processing.record_of_processing(sources, "part3", on)
    # Both are checked before either is written.
    refuse_invalid("record_of_processing_article_30", part2)
    refuse_invalid("record_of_processing_section_61", part3)
    files: list[Path] = []
    for name, document in (
        ("record-of-processing-article-30", part2),
        ("record-of-processing-section-61", part3),
    ):
        columns, rows = processing.as_rows(document)
        page = pages.processing_page(document, on)
        files += _write(folder, name, document, columns, rows, page, formats)
    left_out = tuple((one["name"], one["error"]) for one in part2["left_out"])
    entries = len(part2["processing"]) + len(part3["processing"])
    return Exported(tuple(files), entries, left_out)


def _catalogue(
    sources: Sources, folder: Path, on: date, formats: Sequence[FileFormat]
) -> Exported:
    document = catalogues.catalogue(sources, on)
    refuse_invalid("catalogue", document)
    columns, rows = catalogues.as_rows(document)
    page = pages.catalogue_page(document, on)
    files = _write(
        folder, "catalogue", document, columns, rows, page, formats, "jsonld"
    )
    left_out = tuple((one["name"], one["error"]) for one in document["leftOut"])
    return Exported(tuple(files), len(document["dataset"]), left_out)


def _atrs(
    sources: Sources, folder: Path, on: date, formats: Sequence[FileFormat]
) -> Exported:
    documents = [
        transparency.transparency_record(model, sources, on)
        for _, model in sorted(sources.models.items())
    ]
    schema: SchemaName = "algorithmic_transparency_record"
    for one in documents:
        refuse_invalid(schema, one)
    columns, rows = transparency.as_rows(documents)
    left_out = sources.left_out(("model_records", "people", "suppliers", "teams"))
    whole = {
        "standard": "ATRS 3.0",
        "as_at": on.isoformat(),
        "records": documents,
        "left_out": left_out,
    }
    page = pages.transparency_page(whole, sources.organisation.name, on)
    name = "algorithmic-transparency-records"
    files = _write(folder, name, whole, columns, rows, page, formats)
    return Exported(
        tuple(files),
        len(documents),
        tuple((one["name"], one["error"]) for one in left_out),
        not_stated={
            one["metadata"]["id"]: one["not_stated"]
            for one in documents
            if one["not_stated"]
        },
    )


def _write(
    folder: Path,
    name: str,
    document: dict[str, Any],
    columns: list[str],
    rows: list[tuple[Any, ...]],
    page: Page,
    formats: Sequence[FileFormat],
    json_suffix: str = "json",
) -> list[Path]:
    texts = {
        "json": (
            json_suffix,
            lambda: json.dumps(document, indent=1, ensure_ascii=False) + "\n",
        ),
        # Guarded: a cell that a spreadsheet would run as a formula starts with '.
        "csv": ("csv", lambda: as_csv(columns, list(rows))),
        "html": ("html", lambda: render(page)),
    }
    written = []
    for one in formats:
        suffix, text = texts[one]
        target = folder / f"{name}.{suffix}"
        with replacing(target) as temporary:
            temporary.write_text(text(), encoding="utf-8", newline="\n")
        written.append(target)
    return written
