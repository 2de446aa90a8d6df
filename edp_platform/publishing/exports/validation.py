"""Each export against its schema, before anybody sees it."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any, Literal

from jsonschema import Draft202012Validator, FormatChecker

SchemaName = Literal[
    "record_of_processing_article_30",
    "record_of_processing_section_61",
    "catalogue",
    "algorithmic_transparency_record",
]


class ExportInvalid(ValueError):
    """An export does not fit its schema, and nothing was written."""


@cache
def schema(name: SchemaName) -> dict[str, Any]:
    """Return a schema of `schemas/`; its description says what it was written from."""
    text = (
        resources.files("edp_platform.publishing.exports")
        .joinpath("schemas", f"{name}.schema.json")
        .read_text(encoding="utf-8")
    )
    found: dict[str, Any] = json.loads(text)
    return found


def refuse_invalid(name: SchemaName, document: dict[str, Any]) -> None:
    """Refuse a document that does not fit.

    Raises:
        ExportInvalid: one line for each fault: its place, and what is wrong. Records
            hold no row of any data set, so a value may stand in the message.
    """
    validator = Draft202012Validator(schema(name), format_checker=FormatChecker())
    faults = sorted(validator.iter_errors(document), key=lambda one: one.json_path)
    if faults:
        lines = [f"  {one.json_path}: {one.message[:300]}" for one in faults]
        raise ExportInvalid(
            f"The export does not fit the schema {name}, so nothing was written:\n"
            + "\n".join(lines)
            + "\nAn export that leaves out what the law or the standard asks for is not "
            "one. Complete the contract, DPIA or register that each line names."
        )
