"""One file, from its bytes to rows ready for the lake and rows kept out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from edp_platform.contracts import Contract
from edp_platform.contracts.frame_schema import pandera_schema, warning_rules
from edp_platform.datasets import DataSet
from edp_platform.files import replacing, write_json
from edp_platform.governance.rules import enforces
from edp_platform.home import Home
from edp_platform.ingestion import cleansing
from edp_platform.ingestion.landing import WHOLE, Delivery
from edp_platform.ingestion.places import Boundaries
from edp_platform.ingestion.readers.delimited import QUARANTINE_SCHEMA
from edp_platform.ingestion.repeats import resolve_repeats
from edp_platform.ingestion.row_rules import (
    FAULTS_SCHEMA,
    below_pole_standards,
    no_faults,
    uncategorised,
)


@dataclass(frozen=True)
class Prepared:
    """What became of one file's records.

    Attributes:
        delivery: the file.
        rows: rows to load, all lake columns, and `month`.
        quarantined: `QUARANTINE_SCHEMA`.
        set_aside: `repeats.SET_ASIDE_SCHEMA`.
        cleansed: cells that cleansing changed (`cleansing.CHANGES_SCHEMA`).
        warnings: rule → number of rows that break it and are loaded all the same.
        by_month: month → records that are sound (loaded or set aside).
        cells: cells of a wide file; else its records.
    """

    delivery: Delivery
    rows: pl.DataFrame
    quarantined: pl.DataFrame
    set_aside: pl.DataFrame
    cleansed: pl.DataFrame
    warnings: dict[str, int]
    by_month: dict[str, int]
    records: int
    cells: int


def prepare(
    data_set: DataSet,
    delivery: Delivery,
    original: Path,
    boundaries: Boundaries | None = None,
) -> Prepared:
    """Read, type, check and resolve one file.

    Raises:
        UnreadableFile: the file as a whole cannot be read; nothing may be loaded.
    """
    contract = data_set.contract
    parts = {"force": delivery.scope}
    if contract.month_from == "fileName":
        parts["month"] = delivery.months[0]
    reading = data_set.reader.read(original, contract, parts)
    rows = _located(reading.rows, contract, boundaries)
    cleansed = cleansing.cleanse(rows, contract)
    rows, broken = _check(cleansed.rows, contract, delivery.landed_on)
    resolved = resolve_repeats(rows, contract)
    contradictions = _quarantined(
        resolved.contradictions.with_columns(
            column=pl.lit(", ".join(contract.identity)),
            reason=pl.lit("another row has the same key and differs"),
        ),
    )
    quarantined = pl.concat(
        [reading.quarantined, broken, contradictions], how="diagonal"
    ).select(*QUARANTINE_SCHEMA)
    rows = resolved.rows
    if "month" not in rows.columns:
        rows = rows.with_columns(month=pl.lit(WHOLE))
    rows = rows.with_columns(
        source_file=pl.lit(delivery.file),
        release_date=pl.lit(delivery.release_date).str.to_date(),
    )
    return Prepared(
        delivery=delivery,
        rows=rows,
        quarantined=quarantined,
        set_aside=resolved.set_aside,
        cleansed=cleansed.changes,
        warnings={**reading.warnings, **_warnings(rows, contract)},
        by_month=_by_month(rows, resolved.set_aside),
        records=reading.records,
        cells=reading.cells,
    )


def _located(
    rows: pl.DataFrame, contract: Contract, boundaries: Boundaries | None
) -> pl.DataFrame:
    """Add the columns that ingestion derives from coordinates."""
    for column in contract.columns:
        places = column.from_coordinates
        if places is None:
            continue
        code = pl.Series(column.name, [None] * rows.height, dtype=pl.String)
        if boundaries is not None:
            code = boundaries.code_at(
                rows[places["longitude"]], rows[places["latitude"]]
            )
        rows = rows.with_columns(code.alias(column.name))
    return rows


def _check(
    rows: pl.DataFrame, contract: Contract, landed_on: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split the rows by the contract's error rules and by rules 10 and 14."""
    found = pl.concat(
        [
            schema_faults(rows, contract),
            uncategorised(rows, contract),
            below_pole_standards(rows, contract, landed_on),
        ]
    )
    if found.is_empty():
        return rows, pl.DataFrame(schema=QUARANTINE_SCHEMA)
    faults = found.group_by("at").agg(
        pl.col("column").unique(maintain_order=True).str.join(", "),
        pl.col("reason").unique(maintain_order=True).str.join("; "),
    )
    numbered = rows.with_row_index("at").with_columns(pl.col("at").cast(pl.Int64))
    broken = numbered.join(faults, on="at", how="inner", maintain_order="left")
    sound = numbered.join(faults, on="at", how="anti", maintain_order="left")
    sound = sound.drop("at")
    # What is loaded has passed, not merely been filtered.
    pandera_schema(contract).validate(sound)
    return sound, _quarantined(broken.drop("at"))


@enforces(13, door="raw assets: the row is quarantined", removed=no_faults)
def schema_faults(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Find what breaks the rules of single columns; pandera checks the whole frame.

    Of a lazy frame it would look at the types alone, so `rows` is a collected one.
    Source: UK GDPR Art. 5(1)(d); DPA 2018 s.38(1), accuracy.

    Returns:
        `at` (the row's position), `column`, `reason`: one row for each fault.

    Raises:
        RuntimeError: a column is missing or of another type, which is no row's fault.
    """
    from pandera.errors import SchemaErrors

    try:
        pandera_schema(contract).validate(rows, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        if cases["index"].null_count():
            # Not a row's fault: a column is missing or of another type.
            raise RuntimeError(
                f"{contract.data_set}: the reader gave other columns than the contract "
                f"states: {sorted(set(cases['column'].to_list()))}"
            ) from None
        return cases.select(
            at=pl.col("index").cast(pl.Int64),
            column=pl.col("column").cast(pl.String),
            reason=pl.format(
                "{} breaks the rule: {}", pl.col("column"), pl.col("check")
            ),
        )
    return pl.DataFrame(schema=FAULTS_SCHEMA)


def _quarantined(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep a typed row as JSON beside its reason; the original stays in landing."""
    own = ("source_line", "month", "column", "reason")
    month = (
        pl.col("month") if "month" in rows.columns else pl.lit(None, dtype=pl.String)
    )
    values = [name for name in rows.columns if name not in own]
    return rows.select(
        "source_line",
        month.alias("month"),
        "column",
        "reason",
        record=pl.struct(values).struct.json_encode(),
    )


def _warnings(rows: pl.DataFrame, contract: Contract) -> dict[str, int]:
    rules = warning_rules(contract)
    if not rules or rows.is_empty():
        return {}
    counted = rows.select(
        expression.sum().alias(name) for name, expression in rules.items()
    ).row(0, named=True)
    return {name: int(number) for name, number in counted.items() if number}


def _by_month(rows: pl.DataFrame, set_aside: pl.DataFrame) -> dict[str, int]:
    months = pl.concat(
        [rows["month"], set_aside["month"].fill_null(WHOLE)]
    ).value_counts()
    return dict(months.iter_rows())


def keep_evidence(home: Home, prepared: Prepared) -> None:
    """Write what was kept out of the lake or cleansed, and the ledger of the reading.

    Files are named by the original, so reading it again writes the same ones.

    Raises:
        WriteFailed: the disk is full or read-only.
    """
    delivery = prepared.delivery
    file = pl.lit(delivery.file).alias("source_file")
    for folder, frame in (
        (home.quarantine, prepared.quarantined),
        (home.set_aside, prepared.set_aside),
        (home.cleansed, prepared.cleansed),
    ):
        path = evidence_path(folder, delivery)
        if frame.height:
            with replacing(path) as temporary:
                frame.select(file, pl.all()).write_parquet(temporary)
        else:
            path.unlink(missing_ok=True)
    write_json(
        ledger_path(home, delivery),
        {
            "records": prepared.records,
            "cells": prepared.cells,
            "by_month": prepared.by_month,
            "warnings": prepared.warnings,
            "cleansed": cleansing.counts(prepared.cleansed),
        },
    )


def ledger_path(home: Home, delivery: Delivery) -> Path:
    """Return where the ledger of a file's last reading stands."""
    name = f"{delivery.account_name}.ledger.json"
    return home.reconciliation / delivery.data_set / name


def evidence_path(folder: Path, delivery: Delivery) -> Path:
    """Return where a file's evidence stands in one of the rooms.

    These are the quarantine, repeats set aside, and cells cleansed.
    """
    return folder / delivery.data_set / f"{delivery.account_name}.parquet"
