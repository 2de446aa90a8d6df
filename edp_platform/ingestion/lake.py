"""The raw lake: one Parquet file a month, put in place in one rename.

A file carries in its own footer what it was made from, so that data and evidence can
never disagree: a month is unchanged exactly when its footer's signature is the one that
its files, contract and reading version give now.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from edp_platform.contracts import Contract
from edp_platform.contracts.frame_schema import lake_schema
from edp_platform.files import replacing
from edp_platform.home import Home
from edp_platform.ingestion.landing import WHOLE, Delivery

#: Raise it when reading the same bytes gives other rows: every month becomes due.
READING_VERSION = 1
_KEY = "edp"
#: Level 1 writes twice as fast as the default for files 5 % larger.
_COMPRESSION_LEVEL = 1


class LakeDamaged(OSError):
    """A lake file cannot be read; it is rebuilt from landing once it is deleted."""


@dataclass(frozen=True)
class LakeFile:
    """What a lake file's footer says."""

    signature: str
    rows: int
    files: tuple[str, ...]


def lake_path(home: Home, data_set: str, month: str) -> Path:
    """Return where a month (or a whole reference set) stands."""
    folder = home.raw / data_set
    return (folder if month == WHOLE else folder / f"month={month}") / "part-0.parquet"


def month_signature(
    contract: Contract, deliveries: Iterable[Delivery], derived_from: str = ""
) -> str:
    """Return what a month's rows follow from, as 16 hex digits.

    Args:
        contract: the columns, rules and patterns that shape the rows.
        deliveries: the active delivery of each scope.
        derived_from: signature of other lake files the rows depend on (boundaries).
    """
    parts = [
        str(READING_VERSION),
        contract.loading_fingerprint,
        derived_from,
        *(
            f"{one.sha256}/{one.scope}/{one.release_date}/{one.disposed}"
            + (f"/{one.treated}" if one.treated else "")
            for one in deliveries
        ),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def read_footer(path: Path) -> LakeFile | None:
    """Return what a lake file was made from; None when it is not there or is empty.

    Raises:
        LakeDamaged: the file is there and cannot be read as Parquet.
    """
    if not path.exists():
        return None
    try:
        footer = pq.read_metadata(path)
    except (OSError, ValueError) as error:
        raise LakeDamaged(
            f"{path} cannot be read as Parquet ({error}). It was damaged after it was "
            "written: delete it and run again, it is rebuilt from landing."
        ) from error
    text = (footer.metadata or {}).get(_KEY.encode())
    if text is None:
        return None
    stated = json.loads(text)
    return LakeFile(stated["signature"], footer.num_rows, tuple(stated["files"]))


def footers(home: Home, contract: Contract) -> dict[str, LakeFile]:
    """Return month → what the footer of its lake file says, for every month held.

    Raises:
        OSError: a file is there and cannot be read as Parquet.
    """
    found = {}
    for month in _months_held(home, contract):
        footer = read_footer(lake_path(home, contract.data_set, month))
        if footer:
            found[month] = footer
    return found


def _months_held(home: Home, contract: Contract) -> list[str]:
    if not contract.is_monthly:
        return [WHOLE]
    paths = (home.raw / contract.data_set).glob("month=????-??/part-0.parquet")
    return sorted(path.parent.name.removeprefix("month=") for path in paths)


def is_held(home: Home, contract: Contract) -> bool:
    """Whether the lake holds anything of a data set; no file is opened."""
    return any(
        lake_path(home, contract.data_set, month).exists()
        for month in _months_held(home, contract)
    )


def signatures(home: Home, contract: Contract) -> dict[str, str]:
    """Return month → signature of what the lake holds of a data set now."""
    return {
        month: footer.signature for month, footer in footers(home, contract).items()
    }


def write_month(
    path: Path,
    contract: Contract,
    frames: Sequence[pl.DataFrame],
    signature: str,
    files: Sequence[str],
) -> int:
    """Write one month; return its number of rows.

    Raises:
        WriteFailed: the disk is full or read-only; the month is as it was.
    """
    columns = list(lake_schema(contract))
    empty = pl.DataFrame(schema=lake_schema(contract))
    frame = pl.concat([empty, *(one.select(columns) for one in frames)])
    footer = json.dumps({"signature": signature, "files": [*files]})
    with replacing(path) as temporary:
        frame.write_parquet(
            temporary,
            compression="zstd",
            compression_level=_COMPRESSION_LEVEL,
            metadata={_KEY: footer},
        )
    return frame.height


def ensure_readable(home: Home, contract: Contract) -> None:
    """Put an empty file of the right columns where a data set has none.

    dbt reads the lake by a glob, and DuckDB refuses a glob that matches nothing; a data
    set that was never landed is an empty table, not an error.
    """
    folder = home.raw / contract.data_set
    path = folder / (
        "month=none/part-0.parquet" if contract.is_monthly else "part-0.parquet"
    )
    schema = lake_schema(contract)
    # Names and types: DuckDB would read the union of a text and a number as text.
    if path.exists() and (
        read_footer(path) is not None or pl.read_parquet_schema(path) == schema
    ):
        return
    with replacing(path) as temporary:
        pl.DataFrame(schema=schema).write_parquet(temporary)


def rows_by_file(paths: Iterable[Path]) -> pl.DataFrame:
    """Count what lake files hold: `source_file, rows, lines` (distinct lines)."""
    existing = [path for path in paths if path.exists()]
    schema = {"source_file": pl.String, "rows": pl.Int64, "lines": pl.Int64}
    if not existing:
        return pl.DataFrame(schema=schema)
    return (
        pl.scan_parquet(existing, hive_partitioning=False)
        .group_by("source_file")
        .agg(
            rows=pl.len().cast(pl.Int64),
            lines=pl.col("source_line").n_unique().cast(pl.Int64),
        )
        .collect()
    )
