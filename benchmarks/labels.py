"""The code lists that the hand-written scripts are given, from the contracts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from edp_platform.datasets import DataSets
from edp_platform.home import Home

_COLUMNS = [
    *("data_set", "column_name", "value", "label", "grouping"),
    *("valid_from", "valid_to"),
]


def write_labels(home: Path, target: Path) -> None:
    """Write one row a known value, and one a force that supplied only in part.

    Written anew from the contracts for every comparison, so that a label added to a
    contract is not a difference between the platform and the scripts.
    """
    rows: list[tuple[str | None, ...]] = []
    for name, data_set in DataSets.load(Home.open(date.today(), home)).by_name.items():
        contract = data_set.contract
        rows += [
            (
                *(name, column.name, known.value, known.label, known.grouping),
                *(known.valid_from, known.valid_to),
            )
            for column in contract.columns
            for known in column.known_values
        ]
        rows += [
            (
                *(name, "__partial_supply__", item["force"], item["why"], None),
                *(item["from"], item["to"]),
            )
            for item in contract.partial_supply
        ]
    schema = dict.fromkeys(_COLUMNS, pl.String)
    pl.DataFrame(rows, schema, orient="row").write_csv(target)
