"""Accounts: they add up, or are told as inexact; nothing is assumed loaded."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from edp_platform.datasets import DataSets
from edp_platform.ingestion.lake import lake_path
from edp_platform.ingestion.reconciliation import Account
from tests.landing_room import (
    STREET,
    STREET_FILE,
    WARD,
    WARD_FILE,
    Room,
    all_data_sets,
    open_room,
    street_row,
    text,
)


@pytest.fixture(scope="module")
def data_sets(tmp_path_factory: pytest.TempPathFactory) -> DataSets:
    return all_data_sets(tmp_path_factory.mktemp("contracts"))


@pytest.fixture
def room(tmp_path: Path, data_sets: DataSets) -> Room:
    return open_room(tmp_path, data_sets)


def account(**changed: object) -> Account:
    parts = ("loaded", "quarantined", "set_aside", "superseded", "disposed", "waiting")
    stated = {"landed": 10, **dict.fromkeys(parts, 0), **changed}
    return Account(file="f", name="n", data_set="d", **stated)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "exact"),
    [
        ({"loaded": 10}, True),
        ({"loaded": 9}, False),
        ({"loaded": 11}, False),
        ({"loaded": 4, "quarantined": 3, "set_aside": 3}, True),
        ({"superseded": 5, "disposed": 3, "waiting": 2}, True),
        ({"loaded": 10, "cells": {"landed": 20, "loaded": 20}}, True),
        ({"loaded": 10, "cells": {"landed": 20, "loaded": 19}}, False),
        (
            {"loaded": 10, "cells": {"landed": 20, "loaded": 19, "quarantined": 1}},
            True,
        ),
    ],
)
def test_an_account_is_exact_when_rows_and_cells_add_up(
    changed: dict[str, object], exact: bool
) -> None:
    one = account(**changed)
    assert one.is_exact is exact
    assert one.as_dict()["is_exact"] is exact


def test_a_file_not_loaded_yet_waits_whole(room: Room) -> None:
    room.receive(STREET_FILE, text(STREET, street_row(1), street_row(2)))
    (one,) = room.accounts("police_uk_street")
    assert (one.landed, one.waiting, one.is_exact) == (2, 2, True)


@pytest.mark.parametrize("damage", ["a row gone", "a row twice", "no rows"])
def test_rows_that_vanish_from_the_lake_are_missed(room: Room, damage: str) -> None:
    """`loaded` is counted in what stands on disk, never remembered."""
    rows = [street_row(1), street_row(2), street_row(None), street_row(1), "short"]
    room.receive(STREET_FILE, text(STREET, *rows))
    room.load("police_uk_street")
    path = lake_path(room.home, "police_uk_street", "2024-01")
    metadata = pl.read_parquet_metadata(path)
    frame = pl.read_parquet(path, hive_partitioning=False)
    changed = {
        "a row gone": frame.tail(-1),
        "a row twice": pl.concat([frame.tail(-1), frame.tail(1)]),
        "no rows": frame.clear(),
    }[damage]
    changed.write_parquet(path, metadata={"edp": metadata["edp"]})
    (one,) = room.accounts("police_uk_street")
    assert not one.is_exact


def test_quarantine_that_vanishes_is_missed(room: Room) -> None:
    room.receive(STREET_FILE, text(STREET, street_row(1), "short"))
    room.load("police_uk_street")
    (path,) = room.home.quarantine.rglob("*.parquet")
    path.unlink()
    (one,) = room.accounts("police_uk_street")
    assert not one.is_exact


def test_a_wide_file_is_told_in_cells_while_some_months_wait(room: Room) -> None:
    rows = [
        f"A,B,Ward,E0500000{at},Camden,1,{cell},3" for at, cell in ((1, "2"), (2, ""))
    ]
    room.receive(WARD_FILE, text(f"{WARD},202401,202402,202403", *rows))
    room.load("mps_ward_crime", ["2024-01"])
    (one,) = room.accounts("mps_ward_crime")
    assert one.is_exact and (one.loaded, one.waiting) == (2, 0)
    assert one.cells is not None
    assert (one.cells["loaded"], one.cells["waiting"]) == (2, 4)
    room.load("mps_ward_crime", ["2024-02"])
    (one,) = room.accounts("mps_ward_crime")
    assert one.cells is not None and one.is_exact
    assert [one.cells[part] for part in ("loaded", "quarantined", "waiting")] == [
        3,
        1,
        2,
    ]


def test_a_wide_line_whose_only_loaded_month_is_bad_is_quarantined(room: Room) -> None:
    room.receive(
        WARD_FILE, text(f"{WARD},202401,202402", "A,B,Ward,E05000001,Camden,x,1")
    )
    room.load("mps_ward_crime", ["2024-01"])
    (one,) = room.accounts("mps_ward_crime")
    assert (one.loaded, one.quarantined, one.is_exact) == (0, 1, True)
    room.load("mps_ward_crime")
    (one,) = room.accounts("mps_ward_crime")
    assert (one.loaded, one.quarantined, one.is_exact) == (1, 0, True)
