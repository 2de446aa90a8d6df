"""Where did every row go? An account for each landed file that must add up.

landed = loaded + quarantined + set aside + superseded + disposed + restricted + waiting,
where `landed` was counted when the file arrived, `loaded` is counted in the lake as it
stands, `disposed` were taken out of the stored file because of whom they were about,
`restricted` are held back for persons whose data may not be used now, and `waiting` are
months that nobody has asked to be loaded yet. Of those loaded, `released` left the
quarantine corrected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from edp_platform.files import read_json
from edp_platform.home import Home
from edp_platform.ingestion.lake import LakeFile, lake_path, read_footer
from edp_platform.ingestion.landing import Delivery, Supplies
from edp_platform.ingestion.preparation import evidence_path, ledger_path
from edp_platform.ingestion.treatment import (
    Corrections,
    held_back_lines,
    held_back_room,
)


@dataclass(frozen=True)
class Account:
    """One file's account, in records. For a wide file `cells` is the same in cells."""

    file: str
    name: str
    data_set: str
    landed: int
    loaded: int
    quarantined: int
    set_aside: int
    superseded: int
    disposed: int
    waiting: int
    cells: dict[str, int] | None = None
    restricted: int = 0
    released: int = 0

    @property
    def is_exact(self) -> bool:
        """Whether every record is accounted for, and every cell of a wide file."""
        whole = self.landed == (
            self.loaded
            + self.quarantined
            + self.set_aside
            + self.superseded
            + self.disposed
            + self.restricted
            + self.waiting
        )
        # Said apart, so that a release that brought nothing back is seen.
        whole = whole and 0 <= self.released <= self.loaded
        cells = self.cells
        if cells is None:
            return whole
        parts = sum(count for name, count in cells.items() if name != "landed")
        return whole and cells["landed"] == parts

    def as_dict(self) -> dict[str, object]:
        """Return the account for JSON, with whether it is exact."""
        return {**asdict(self), "is_exact": self.is_exact}


def account_path(home: Home, delivery: Delivery) -> Path:
    """Return where a delivery's account stands."""
    return home.reconciliation / delivery.data_set / f"{delivery.account_name}.json"


def read_account(home: Home, delivery: Delivery) -> Account | None:
    """Return a delivery's account as it was last counted; None if it never was."""
    recorded = read_json(account_path(home, delivery))
    if recorded is None:
        return None
    recorded.pop("is_exact", None)
    return Account(**recorded)


def accounts(
    home: Home,
    supplies: Supplies,
    deliveries: Iterable[Delivery],
    known: Mapping[Path, LakeFile] | None = None,
) -> list[Account]:
    """Return the account of each delivery, counted in what stands on disk now.

    Args:
        home: whose lake and evidence.
        supplies: of the data set.
        deliveries: of that data set.
        known: footers that the caller has just read, so that they are read once.
    """
    chosen = list(deliveries)
    footers = {path: footer.files for path, footer in (known or {}).items()}
    counted = _count_plain(home, chosen, footers)
    return [_account(home, supplies, one, footers, counted) for one in chosen]


def _holds(
    home: Home, delivery: Delivery, month: str, footers: dict[Path, tuple[str, ...]]
) -> bool:
    path = lake_path(home, delivery.data_set, month)
    if path not in footers:
        footer = read_footer(path)
        footers[path] = footer.files if footer else ()
    return delivery.file in footers[path]


def _count_plain(
    home: Home, deliveries: Iterable[Delivery], footers: dict[Path, tuple[str, ...]]
) -> dict[Delivery, int]:
    """Count the loaded lines of files of one month that nothing was kept out of.

    Nearly every file is one: counted in one scan, a thousand of them take a quarter of
    a second, one by one three.
    """
    places = {
        one: (str(lake_path(home, one.data_set, one.months[0])), one.file)
        for one in deliveries
        if len(one.months) == 1
        and not evidence_path(home.quarantine, one).exists()
        and not evidence_path(home.set_aside, one).exists()
        and not evidence_path(held_back_room(home), one).exists()
        and not Corrections(home, one).path.exists()
        and _holds(home, one, one.months[0], footers)
    }
    paths = sorted({path for path, _ in places.values()})
    if not paths:
        return {}
    counted = (
        pl.scan_parquet(paths, hive_partitioning=False, include_file_paths="path")
        .group_by("path", "source_file")
        .agg(pl.col("source_line").n_unique())
        .collect()
    )
    lines = {(path, file): count for path, file, count in counted.iter_rows()}
    return {one: lines.get(place, 0) for one, place in places.items()}


def _account(
    home: Home,
    supplies: Supplies,
    delivery: Delivery,
    footers: dict[Path, tuple[str, ...]],
    counted: dict[Delivery, int],
) -> Account:
    active = [one for one in delivery.months if supplies.is_active(delivery, one)]
    gone = [one for one in delivery.months if one not in active]
    built = [month for month in active if _holds(home, delivery, month, footers)]
    ledger = read_json(ledger_path(home, delivery))
    empty: dict[str, Any] = {
        "file": delivery.file,
        "name": delivery.name,
        "data_set": delivery.data_set,
        "landed": delivery.records,
        "loaded": 0,
        "quarantined": 0,
        "set_aside": 0,
        "superseded": 0,
        "disposed": delivery.disposed,
        "waiting": 0,
        "restricted": 0,
        "released": 0,
    }
    remaining = delivery.records - delivery.disposed
    if not active:
        return Account(**{**empty, "superseded": remaining})
    if ledger is None or not built:
        return Account(**{**empty, "waiting": remaining})
    if delivery in counted:
        return Account(**{**empty, "loaded": counted[delivery]})
    is_wide = ledger["cells"] != ledger["records"]
    lake = _lake_lines(home, delivery, built)
    kept_out = _evidence(home.quarantine, delivery)
    # Repeats of months not built yet are still among what waits.
    repeats = _evidence(home.set_aside, delivery).filter(
        pl.col("month").is_null() | pl.col("month").is_in(built)
    )
    loaded = lake["source_line"].unique()
    quarantined = _others(kept_out["source_line"], loaded)
    set_aside = _others(repeats["source_line"], loaded, quarantined)
    held_back = held_back_lines(home, delivery).filter(pl.col("month").is_in(built))
    restricted = _others(held_back["source_line"], loaded, quarantined, set_aside)
    released = loaded.filter(loaded.is_in(Corrections(home, delivery).released_lines()))
    by_month: dict[str, int] = ledger["by_month"]

    def records_of(months: list[str]) -> int:
        # A wide record is of every month at once, and is loaded if any cell is.
        return 0 if is_wide else sum(by_month.get(month, 0) for month in months)

    return Account(
        **{
            **empty,
            "loaded": loaded.len(),
            "quarantined": quarantined.len(),
            "set_aside": set_aside.len(),
            "restricted": restricted.len(),
            "released": released.len(),
            "superseded": records_of(gone),
            "waiting": records_of([one for one in active if one not in built]),
        },
        cells=_cells(delivery, active, built, gone, lake, kept_out, repeats)
        if is_wide and len(delivery.months) * delivery.records == ledger["cells"]
        else None,
    )


def _cells(
    delivery: Delivery,
    active: list[str],
    built: list[str],
    gone: list[str],
    lake: pl.DataFrame,
    kept_out: pl.DataFrame,
    repeats: pl.DataFrame,
) -> dict[str, int]:
    whole_rows = kept_out.filter(pl.col("month").is_null()).height
    single = kept_out.filter(pl.col("month").is_in(built)).height
    return {
        "landed": delivery.records * len(delivery.months),
        "loaded": lake.height,
        "quarantined": whole_rows * len(built) + single,
        "set_aside": repeats.filter(pl.col("month").is_in(built)).height,
        "superseded": delivery.records * len(gone),
        "waiting": delivery.records * (len(active) - len(built)),
    }


def _lake_lines(home: Home, delivery: Delivery, months: list[str]) -> pl.DataFrame:
    paths = [lake_path(home, delivery.data_set, month) for month in months]
    return (
        pl.scan_parquet(paths, hive_partitioning=False)
        .filter(pl.col("source_file") == delivery.file)
        .select("source_line")
        .collect()
    )


def _evidence(folder: Path, delivery: Delivery) -> pl.DataFrame:
    path = evidence_path(folder, delivery)
    if not path.exists():
        return pl.DataFrame(schema={"source_line": pl.Int64, "month": pl.String})
    return pl.read_parquet(path, columns=["source_line", "month"])


def _others(lines: pl.Series, *counted: pl.Series) -> pl.Series:
    """Return the distinct lines not counted yet: a record is counted once."""
    rest = lines.unique()
    for one in counted:
        rest = rest.filter(~rest.is_in(one.implode()))
    return rest
