"""What cleansing changed, read back: counts for anyone, the cells for a few.

The counts stand in the ledgers of the files; the cells (values of rows, so personal
data where the column is) in `EDP_HOME/cleansed/<data set>/<file>.parquet`.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from edp_platform.contracts import Contract
from edp_platform.files import read_json
from edp_platform.home import Home
from edp_platform.ingestion.cleansing import CHANGES_SCHEMA
from edp_platform.ingestion.landing import Delivery, Supplies
from edp_platform.ingestion.person_rows import person_keys
from edp_platform.ingestion.preparation import evidence_path, ledger_path
from edp_platform.ingestion.treatment import held_back_room


def cleansed_by_rule(
    home: Home, supplies: Supplies, months: Collection[str] | None = None
) -> dict[str, dict[str, int]]:
    """Count the cells changed in files that supply a month now.

    Args:
        home: whose ledgers.
        supplies: of one data set.
        months: those to count; default all.

    Returns:
        month → "column: rule" → cells; a data set without months has one, `WHOLE`.
    """
    counted: dict[str, dict[str, int]] = {}
    for delivery in supplies.deliveries:
        ledger = read_json(ledger_path(home, delivery)) or {}
        for month, rules in ledger.get("cleansed", {}).items():
            if months is not None and month not in months:
                continue
            if month not in delivery.months or not supplies.is_active(delivery, month):
                continue
            into = counted.setdefault(month, {})
            for rule, cells in rules.items():
                into[rule] = into.get(rule, 0) + cells
    return dict(sorted(counted.items()))


def cleansed_cells(
    home: Home,
    deliveries: Collection[Delivery],
    rule: str | None = None,
    limit: int | None = None,
) -> pl.DataFrame:
    """Return changed cells: `source_file`, then `CHANGES_SCHEMA`, in file order.

    Lines held back for a person whose data may not be used now are left out.

    Args:
        home: whose evidence.
        deliveries: of one data set.
        rule: only what this rule changed.
        limit: at most so many rows.
    """
    schema = pl.Schema({"source_file": pl.String(), **CHANGES_SCHEMA})
    paths = [
        path
        for one in deliveries
        if (path := evidence_path(home.cleansed, one)).exists()
    ]
    if not paths:
        return pl.DataFrame(schema=schema)
    cells = pl.scan_parquet(sorted(paths)).select(list(schema))
    held = [
        path
        for one in deliveries
        if (path := evidence_path(held_back_room(home), one)).exists()
    ]
    if held:
        lines = pl.scan_parquet(sorted(held)).select("source_file", "source_line")
        cells = cells.join(lines, on=["source_file", "source_line"], how="anti")
    if rule is not None:
        cells = cells.filter(pl.col("rule") == rule)
    if limit is not None:
        cells = cells.head(limit)
    return cells.collect()


def subjects_of(home: Home, contract: Contract, cells: pl.DataFrame) -> list[str]:
    """Return the identifiers of the persons whose loaded rows these cells are of.

    Args:
        home: whose lake.
        contract: of the data set.
        cells: `cleansed_cells`.
    """
    keys = person_keys(contract)
    paths = sorted((home.raw / contract.data_set).rglob("*.parquet"))
    if not keys or not paths or cells.is_empty():
        return []
    lines = cells.select("source_file", "source_line").unique().lazy()
    rows = (
        pl.scan_parquet(paths, hive_partitioning=False)
        .select("source_file", "source_line", *keys)
        .join(lines, on=["source_file", "source_line"], how="semi")
        .collect()
    )
    found = pl.concat([rows[key].drop_nulls().rename("key") for key in keys])
    return [str(one) for one in found.unique().sort()]
