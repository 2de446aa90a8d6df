"""The lake: months written whole, with what they were made from in their footer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from edp_platform.contracts import Contract, load_contract
from edp_platform.contracts.frame_schema import lake_schema
from edp_platform.home import Home
from edp_platform.ingestion.lake import (
    ensure_readable,
    lake_path,
    month_signature,
    read_footer,
    rows_by_file,
    signatures,
    write_month,
)
from edp_platform.ingestion.landing import WHOLE, Delivery

SETS = Path(__file__).parents[2] / "edp_platform" / "defs" / "datasets"


@pytest.fixture(scope="module")
def street() -> Contract:
    return load_contract(SETS / "police_uk_street" / "contract.yaml")


@pytest.fixture(scope="module")
def lookup() -> Contract:
    return load_contract(SETS / "lsoa_2011_to_borough" / "contract.yaml")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(date(2026, 3, 2), tmp_path)


def frame(contract: Contract, count: int, file: str = "f") -> pl.DataFrame:
    return pl.DataFrame(
        {"source_file": [file] * count, "source_line": range(2, count + 2)},
        schema_overrides={"source_file": pl.String, "source_line": pl.Int64},
    ).select(
        pl.col(name)
        if name in ("source_file", "source_line")
        else pl.lit(None, dtype=kind).alias(name)
        for name, kind in lake_schema(contract).items()
    )


def delivery(**changed: object) -> Delivery:
    one = Delivery(
        "a" * 64,
        "n",
        "r",
        "police_uk_street",
        "btp",
        ("2024-01",),
        1,
        "s",
        "2024-03-01",
        "t",
    )
    return replace(one, **changed)  # type: ignore[arg-type]


def test_a_month_stands_in_its_own_folder_and_says_what_it_was_made_from(
    home: Home, street: Contract
) -> None:
    path = lake_path(home, street.data_set, "2024-01")
    assert path.parent.name == "month=2024-01"
    written = write_month(
        path, street, [frame(street, 2, "a"), frame(street, 3, "b")], "sig", ["a", "b"]
    )
    footer = read_footer(path)
    assert footer is not None and written == 5
    assert (footer.signature, footer.rows, footer.files) == ("sig", 5, ("a", "b"))
    assert signatures(home, street) == {"2024-01": "sig"}
    counted = rows_by_file([path]).sort("source_file").rows()
    assert counted == [("a", 2, 2), ("b", 3, 3)]


def test_a_month_of_no_rows_still_has_every_column(
    home: Home, street: Contract
) -> None:
    path = lake_path(home, street.data_set, "2024-01")
    assert write_month(path, street, [], "sig", []) == 0
    assert pl.read_parquet_schema(path) == lake_schema(street)


def test_a_frame_of_other_types_is_never_written(home: Home, street: Contract) -> None:
    path = lake_path(home, street.data_set, "2024-01")
    wrong = frame(street, 1).with_columns(pl.col("longitude").cast(pl.String))
    with pytest.raises(pl.exceptions.PolarsError):
        write_month(path, street, [wrong], "sig", [])
    assert not path.exists()


@pytest.mark.parametrize(
    ("changed", "is_new"),
    [
        ({}, False),
        ({"name": "other", "received_as": "x", "landed_at": "later"}, False),
        ({"sha256": "b" * 64}, True),
        ({"release_date": "2024-04-01"}, True),
        ({"scope": "other"}, True),
        ({"disposed": 1}, True),
    ],
)
def test_a_month_is_due_when_what_its_rows_follow_from_changes(
    street: Contract, changed: dict[str, object], is_new: bool
) -> None:
    before = month_signature(street, [delivery()])
    after = month_signature(street, [delivery(**changed)])
    assert (before != after) is is_new


def test_signatures_follow_the_contract_the_boundaries_and_the_files(
    street: Contract, lookup: Contract
) -> None:
    one = delivery()
    found = {
        month_signature(street, [one]),
        month_signature(street, []),
        month_signature(street, [one, one]),
        month_signature(street, [one], "boundaries"),
        month_signature(lookup, [one]),
    }
    assert len(found) == 5


@pytest.mark.parametrize("name", ["police_uk_street", "lsoa_2011_to_borough"])
def test_a_set_never_landed_is_an_empty_table_of_the_right_columns(
    home: Home, name: str
) -> None:
    contract = load_contract(SETS / name / "contract.yaml")
    ensure_readable(home, contract)
    (path,) = (home.raw / name).rglob("*.parquet")
    assert pl.read_parquet_schema(path) == lake_schema(contract)
    assert read_footer(path) is None and signatures(home, contract) == {}
    inode = path.stat().st_ino
    ensure_readable(home, contract)
    assert path.stat().st_ino == inode


@pytest.mark.parametrize("name", ["police_uk_street", "lsoa_2011_to_borough"])
@pytest.mark.parametrize("what", ["another type", "another column"])
def test_the_empty_table_follows_the_contract(home: Home, name: str, what: str) -> None:
    """DuckDB's union of an old empty text column and new numbers would be text."""
    contract = load_contract(SETS / name / "contract.yaml")
    ensure_readable(home, contract)
    first, *rest = contract.columns
    if what == "another type":
        columns = (replace(first, logical_type="number"), *rest)
    else:
        columns = (*contract.columns, replace(first, name="new"))
    newer = replace(contract, columns=columns)
    ensure_readable(home, newer)
    (path,) = (home.raw / name).rglob("*.parquet")
    assert pl.read_parquet_schema(path) == lake_schema(newer)


def test_loaded_rows_are_never_replaced_by_the_empty_table(
    home: Home, lookup: Contract
) -> None:
    path = lake_path(home, lookup.data_set, WHOLE)
    write_month(path, lookup, [frame(lookup, 3)], "sig", ["f"])
    ensure_readable(home, replace(lookup, columns=lookup.columns[:2]))
    assert read_footer(path) is not None and pl.read_parquet(path).height == 3


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\x00" * 50 + b"PAR1"])
def test_a_damaged_file_is_an_error_with_what_to_do(
    home: Home, street: Contract, content: bytes
) -> None:
    path = lake_path(home, street.data_set, "2024-01")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(OSError, match="delete it and run again"):
        signatures(home, street)
