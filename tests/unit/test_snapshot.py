"""A published copy equals the warehouse, however little of it was copied anew."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from edp_platform.home import Home
from edp_platform.publishing.snapshot import KEPT, copy_anew_next, current, publish

NOW = datetime(2026, 1, 2, 3, 4, 5).astimezone()
MONTHLY = {"code": "a", "months": {"2025-01": "1", "2025-02": "1"}, "whole": None}
WHOLE = {"code": "a", "months": {}, "whole": "x"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.open(date(2026, 1, 2), tmp_path)
    home.warehouse.parent.mkdir()
    in_warehouse(home, "create schema marts")
    in_warehouse(
        home,
        "create table marts.crimes as select * from (values "
        "(date '2025-01-01', 'a', 1), (date '2025-02-01', 'a', 2)) as t(month, ward, n)",
    )
    in_warehouse(home, "create table marts.wards as select 'a' as ward")
    return home


def in_warehouse(home: Home, sql: str) -> None:
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute(sql)


def published(home: Home, table: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(current(home).path), read_only=True) as connection:
        found = connection.execute(f"from marts.{table} order by all").fetchall()
    return [tuple(str(value) for value in row) for row in found]


def publish_all(home: Home, nth: int, monthly: Any, whole: Any = WHOLE) -> None:
    publish(
        home,
        ["crimes", "wards"],
        NOW + timedelta(seconds=nth),
        records={"crimes": monthly, "wards": whole},
    )


def test_a_month_built_again_is_the_only_one_taken_over(home: Home) -> None:
    publish_all(home, 0, MONTHLY)
    # 2025-01 changes too, behind the record's back: it must not be looked at.
    in_warehouse(home, "update marts.crimes set n = n * 10")
    publish_all(home, 1, MONTHLY | {"months": {"2025-01": "1", "2025-02": "2"}})
    assert published(home, "crimes") == [
        ("2025-01-01", "a", "1"),
        ("2025-02-01", "a", "20"),
    ]


def test_a_month_that_is_gone_or_new_is_gone_or_new_in_the_copy(home: Home) -> None:
    publish_all(home, 0, MONTHLY)
    in_warehouse(home, "delete from marts.crimes where month = date '2025-01-01'")
    in_warehouse(home, "insert into marts.crimes values (date '2025-03-01', 'b', 7)")
    publish_all(home, 1, MONTHLY | {"months": {"2025-02": "1", "2025-03": "1"}})
    assert published(home, "crimes") == [
        ("2025-02-01", "a", "2"),
        ("2025-03-01", "b", "7"),
    ]


@pytest.mark.parametrize(
    "record",
    [MONTHLY | {"code": "b"}, MONTHLY | {"whole": "y"}, None],
    ids=["other code", "other reference data", "never recorded"],
)
def test_what_the_months_do_not_tell_is_copied_whole(home: Home, record: Any) -> None:
    publish_all(home, 0, MONTHLY)
    in_warehouse(home, "update marts.crimes set n = n * 10")
    publish_all(home, 1, record)
    assert [row[2] for row in published(home, "crimes")] == ["10", "20"]


def test_another_number_of_rows_is_copied_whole_whatever_the_record(home: Home) -> None:
    publish_all(home, 0, MONTHLY)
    in_warehouse(home, "insert into marts.crimes values (date '2025-01-01', 'c', 5)")
    in_warehouse(home, "insert into marts.wards values ('c')")
    publish_all(home, 1, MONTHLY)
    assert len(published(home, "crimes")) == 3
    assert len(published(home, "wards")) == 2


def test_other_columns_are_copied_whole(home: Home) -> None:
    publish_all(home, 0, MONTHLY)
    in_warehouse(home, "alter table marts.crimes add column extra int default 4")
    publish_all(home, 1, MONTHLY | {"months": {"2025-01": "1", "2025-02": "2"}})
    assert {row[-1] for row in published(home, "crimes")} == {"4"}


def test_a_mart_no_longer_published_leaves_no_bytes(home: Home) -> None:
    word = "a-word-that-must-go"
    in_warehouse(home, f"update marts.wards set ward = '{word}'")
    publish_all(home, 0, MONTHLY)
    assert word.encode() in current(home).path.read_bytes()
    records = {"crimes": MONTHLY}
    publish(home, ["crimes"], NOW + timedelta(seconds=1), records=records)
    assert word.encode() not in current(home).path.read_bytes()
    assert current(home).rows == {"crimes": 2}


def test_only_the_last_copies_are_kept_with_their_records(home: Home) -> None:
    for nth in range(KEPT + 2):
        publish_all(home, nth, MONTHLY)
    names = sorted(path.name for path in home.published.iterdir())
    assert len([name for name in names if name.endswith(".duckdb")]) == KEPT
    assert len([name for name in names if name.endswith(".built_from.json")]) == KEPT
    assert published(home, "snapshot")[0][0] == current(home).id


def test_a_copy_made_anew_holds_nothing_of_the_last(home: Home) -> None:
    word = "a-word-that-must-go"
    in_warehouse(home, f"update marts.wards set ward = '{word}'")
    publish_all(home, 0, MONTHLY)
    in_warehouse(home, "update marts.wards set ward = 'b'")
    copy_anew_next(home)
    publish_all(home, 1, MONTHLY, WHOLE | {"whole": "y"})
    assert word.encode() not in current(home).path.read_bytes()


@pytest.mark.parametrize("records", [None, {"crimes": MONTHLY, "wards": WHOLE}])
def test_a_mart_in_doubt_stays_as_it_was_published(home: Home, records: Any) -> None:
    publish_all(home, 0, MONTHLY)
    in_warehouse(home, "update marts.crimes set n = n * 10")
    in_warehouse(home, "insert into marts.crimes values (date '2025-03-01', 'b', 7)")
    tables = ["crimes", "wards"]
    later = NOW + timedelta(seconds=1)
    publish(home, tables, later, records=records, doubted={"crimes"})
    assert [row[2] for row in published(home, "crimes")] == ["1", "2"]
    assert current(home).rows == {"crimes": 2, "wards": 1}

    publish_all(home, 2, MONTHLY)
    assert [row[2] for row in published(home, "crimes")] == ["10", "20", "7"]


def test_a_mart_in_doubt_from_the_start_is_not_published(home: Home) -> None:
    publish(home, ["crimes", "wards"], NOW, doubted={"crimes"})
    assert current(home).rows == {"wards": 1}
