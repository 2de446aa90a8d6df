"""Publication to PostgreSQL: every value, only what changed, all at once or not at all."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from edp_platform.database.connecting import administrator, owner
from edp_platform.database.server import Server
from edp_platform.datasets import DataSets
from edp_platform.home import Home
from edp_platform.publishing.served_tables import Notes
from edp_platform.publishing.served_types import TypeNotServed
from edp_platform.publishing.serving import (
    PublicationBusy,
    drop_old,
    is_behind,
    publish_serving,
    schema_as_at,
    snapshots,
)
from edp_platform.publishing.snapshot import publish
from edp_platform.retention.copies import copies, unregistered_rooms
from edp_platform.retention.people import People
from edp_platform.retention.served import NotSearchable, ServedTables
from tests.integration.conftest import Platform
from tests.publication_room import (
    NAMES,
    READER,
    START,
    build,
    build_version,
    mixed,
    open_to_reader,
    reading,
    record,
    serve,
    swap_under_readers,
)


@pytest.fixture
def debian_room(
    debian_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Home]:
    """The same on Debian's PostgreSQL, as a managed server."""
    monkeypatch.setenv("EDP_POSTGRES_URL", debian_url)
    home = Home.open(START.date(), tmp_path)
    Server.of(home).start()
    with administrator(home, autocommit=True) as connection:
        connection.execute(
            f"create role {READER} login password 'x' in role edp_reader"
        )
    home.warehouse.parent.mkdir(parents=True)
    yield home
    with administrator(home, "postgres", autocommit=True) as connection:
        connection.execute("drop database edp (force)")
        connection.execute(f"drop role {READER}")


_TYPES = """
create or replace table marts.every_type as
select * from (values
    (1, true, 1::tinyint, 2::utinyint, (-32768)::smallint, 65535::usmallint,
     2147483647::integer, 4294967295::uinteger, (-9223372036854775808)::bigint,
     18446744073709551615::ubigint, 99999999999999999999999999999999999999::hugeint,
     1.5::float, 'nan'::double, 12345.678::decimal(18, 3),
     '-1234567890123456789012345.6789012345678'::decimal(38, 13), 0.0001::decimal(9, 4),
     'Crème "brûlée", 100% \\ \t\n☕', 'a'::enum('a', 'b'), '{"a": [1, null]}'::json,
     '00112233-4455-6677-8899-aabbccddeeff'::uuid, '\\x00\\xFF'::blob,
     date '1999-12-31', timestamp '1969-12-31 23:59:59.999999',
     timestamp_s '2026-03-29 01:30:00', timestamp_ms '2026-03-29 01:30:00.123',
     timestamp_ns '2026-03-29 01:30:00.123456', timestamptz '2026-03-29 01:30:00+01',
     time '23:59:59.999999', interval '14 months 3 days 04:05:06.000007'),
    (2, false, -128, 0, 32767, 0, -2147483648, 0, 9223372036854775807, 0,
     (-170000000000000000000000000000000000)::hugeint, '-inf'::float, 'inf'::double,
     -0.001, 0, 9999.9999, '', 'b', 'null', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '',
     'infinity'::date, 'infinity'::timestamp, '1970-01-01', '1970-01-01', '1970-01-01',
     '-infinity'::timestamptz, '00:00:00', interval '-1 day'),
    (3, null, null, null, null, null, null, null, null, null, null, null, null, null,
     null, null, null, null, null, null, null, null, null, null, null, null, null, null,
     null),
    (4, true, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'x', 'a', '1',
     '00000000-0000-0000-0000-000000000000', 'y', '-infinity'::date,
     '-infinity'::timestamp, '2000-01-01', '2000-01-01', '2000-01-01',
     'infinity'::timestamptz, '12:00:00', interval '0 days')
) as t (id, boolean, tinyint, utinyint, smallint, usmallint, "Integer", uinteger, bigint,
    ubigint, hugeint, float, double, decimal_18, decimal_38, decimal_9, text, enum, json,
    uuid, blob, date, timestamp, timestamp_s, timestamp_ms, timestamp_ns, timestamptz,
    time, "an interval")
"""


def _as_text(value: Any) -> str | None:
    """Return one value as both databases' text for it is made to agree."""
    if value is None:
        return None
    text = re.sub(r"\b(mon|day|year)(?:th)?s?\b", r"\1", str(value))
    number = re.fullmatch(r"(-?\d+\.\d*?)0*", text)
    return number.group(1).rstrip(".") if number else text


def _texts(home: Home) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return every_type of both, each value cast to text by its own database."""
    with (
        duckdb.connect(str(home.warehouse), read_only=True) as ours,
        reading(home) as served,
    ):
        ours.execute("set timezone = 'UTC'")
        served.execute("set timezone = 'UTC'")
        served.execute("set intervalstyle = 'postgres'")
        columns = [
            name
            for (name,) in ours.execute(
                "select column_name from duckdb_columns() "
                "where table_name = 'every_type' order by column_index"
            ).fetchall()
        ]
        chosen = [name for name in columns if name != "blob"]
        question = ", ".join(f'cast("{name}" as varchar)' for name in chosen)
        left = ours.execute(
            f"select {question}, hex(blob) from marts.every_type order by id"
        ).fetchall()
        right = served.execute(
            f"select {question}, upper(encode(blob, 'hex')) from marts.every_type "
            "order by id"
        ).fetchall()
    return left, right


def _agreeing(rows: list[tuple[Any, ...]]) -> list[list[str | None]]:
    """Return texts without what the two only spell differently."""
    spelled = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}
    spelled |= {"infinity": "inf", "-infinity": "-inf"}
    zone = re.compile(r"\+00\Z")
    return [
        [
            None
            if value is None
            else zone.sub("", _as_text(spelled.get(value, value)) or "")
            for value in row
        ]
        for row in rows
    ]


@pytest.mark.parametrize("where", ["marts_room", "debian_room"])
def test_every_value_of_every_type_arrives_and_what_nobody_said_is_refused(
    where: str, request: pytest.FixtureRequest
) -> None:
    home: Home = request.getfixturevalue(where)
    build(
        home,
        "set timezone = 'UTC'",
        _TYPES,
        # Enough rows that blocks end within it, and every text has its own length.
        "create or replace table marts.long as select cast(i as integer) as number, "
        "case when i % 7 > 0 then repeat(chr((192 + i % 50)::int), i % 90) end as words, "
        "case when i % 3 > 0 then cast(i * i as hugeint) - 1000000 end as square, "
        "case when i % 5 > 0 then date '2020-01-31' + i::int end as day "
        "from range(40000) as r (i)",
        "create or replace table marts.empty as select 1 as one where false",
    )
    first = serve(home, 0, ["every_type", "long", "empty"])
    assert first.rows == {"every_type": 4, "long": 40_000, "empty": 0} == first.sent
    left, right = _texts(home)
    assert _agreeing(left) == _agreeing(right)
    with (
        duckdb.connect(str(home.warehouse), read_only=True) as ours,
        reading(home) as served,
    ):
        question = "select number, words, square, day from marts.long order by number"
        assert ours.execute(question).fetchall() == [
            (number, words, square if square is None else int(square), day)
            for number, words, square, day in served.execute(question)
        ]
        # Serving it again, unchanged, does nothing.
        assert publish_serving(home, grants=open_to_reader).sent == {}
    assert not is_behind(home)

    build(
        home, "create or replace table marts.listed as select 1 as id, [1] as several"
    )
    with pytest.raises(
        TypeNotServed, match=r"marts\.listed\.several is of type INTEGER\["
    ):
        serve(home, 1, ["every_type", "long", "empty", "listed"])
    assert is_behind(home)
    with owner(home) as connection:
        assert [one.id for one in snapshots(connection)] == [first.id]
    build(home, "drop table marts.listed")


def test_only_what_changed_is_sent_and_a_record_that_is_wrong_is_found_out(
    marts_room: Home,
) -> None:
    build(
        marts_room,
        "create table marts.monthly as select cast(m as date) as month, i as n from "
        "generate_series(date '2026-01-01', date '2026-03-01', interval 1 month) as t (m),"
        " range(1000) as r (i)",
        "create table marts.whole as select i as n from range(2000) as r (i)",
    )
    whole = record("a")
    before = {"monthly": record("a", m01="1", m02="1", m03="1"), "whole": whole}
    assert serve(marts_room, 0, [*before], before).sent == {
        "monthly": 3000,
        "whole": 2000,
    }

    build(
        marts_room,
        "update marts.monthly set n = n + 5 where month = '2026-02-01'",
        "insert into marts.monthly values ('2026-04-01', 1)",
    )
    after = {
        "monthly": record("a", m01="1", m02="2", m03="1", m04="1"),
        "whole": whole,
    }
    assert serve(marts_room, 1, [*after], after).sent == {"monthly": 1001, "whole": 0}
    question = "select month, sum(n), count(*) from marts.monthly group by 1 order by 1"
    with duckdb.connect(str(marts_room.warehouse), read_only=True) as ours:
        wanted = ours.execute(question).fetchall()
    with reading(marts_room) as served:
        assert served.execute(question).fetchall() == wanted
        assert served.execute("select sum(n) from marts.whole").fetchone() == (1999000,)

    # Someone took rows out on the server: the counts differ, so it is copied whole.
    with administrator(marts_room, autocommit=True) as connection:
        connection.execute("delete from marts.whole where n < 10")
    assert serve(marts_room, 2, [*after], after).sent == {"monthly": 0, "whole": 2000}
    # The model's SQL changed, and a column: nothing of the old table is taken.
    build(marts_room, "alter table marts.whole add column more integer")
    changed = after | {"whole": record("b")}
    assert serve(marts_room, 3, [*changed], changed).sent == {
        "monthly": 0,
        "whole": 2000,
    }


def test_what_is_in_doubt_stays_and_says_why_and_older_snapshots_answer_for_their_time(
    marts_room: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDP_SNAPSHOTS_KEPT", "3")
    records = {"good": record("a"), "doubted": record("a")}
    earlier = datetime.now(UTC)
    ids = []
    moments = []
    for number in range(4):
        build(
            marts_room,
            f"create or replace table marts.good as select {number} as n",
            f"create or replace table marts.doubted as select {number} as n",
        )
        mark = {name: record(f"{number}") for name in records}
        doubted = ["doubted"] if number in (1, 3) else []
        served = serve(marts_room, number, [*records], mark, doubted)
        ids.append(served.id)
        moments.append(datetime.now(UTC))
        assert set(served.reason_held) == set(doubted)
    assert "did not end well" in served.reason_held["doubted"]
    assert ids[2] in served.reason_held["doubted"]
    with owner(marts_room, autocommit=True) as connection:
        assert [one.id for one in snapshots(connection)] == ids[:0:-1]  # three are kept
        assert schema_as_at(connection, earlier) is None
        assert schema_as_at(connection, moments[0]) is None  # no longer kept
        with reading(marts_room) as reader:
            for number, wanted in ((1, (1, 0)), (2, (2, 2)), (3, (3, 2))):
                schema = schema_as_at(connection, moments[number])
                assert schema is not None
                assert (
                    reader.execute(
                        f"select g.n, d.n from {schema}.good as g, {schema}.doubted as d"
                    ).fetchone()
                    == wanted
                )
            current = reader.execute("select * from publication.current()").fetchone()
            assert current is not None and current[0] == ids[-1]
        # Who reads an old one is not thrown out; it goes when they have ended.
        with reading(marts_room, autocommit=False) as reader:
            old = schema_as_at(connection, moments[1])
            reader.execute(f"select * from {old}.good")
            assert drop_old(connection, 1) == [ids[2]]
            assert reader.execute(f"select n from {old}.good").fetchone() == (1,)
        assert drop_old(connection, 1) == [ids[1]]


def test_tables_are_told_indexed_and_shut(marts_room: Home) -> None:
    build(
        marts_room,
        "create table marts.told as select date '2026-01-01' as month, "
        "cast(i as varchar) as borough_code, i as n from range(6000) as r (i)",
        "create table marts.few as select 1 as month",
    )
    notes = {
        "told": Notes(
            "One row per month and borough. It's so.",
            {"n": "How many.", "gone": "Not there."},
            ("month", "borough_code"),
        )
    }
    publish(marts_room, ["told", "few"], START)
    publish_serving(marts_room, notes, grants=lambda connection, schema: None)
    with administrator(marts_room) as connection:
        told = connection.execute(
            "select obj_description('marts.told'::regclass), "
            "col_description('marts.told'::regclass, 3)"
        ).fetchone()
        assert told == ("One row per month and borough. It's so.", "How many.")
        indexes = connection.execute(
            "select indexdef from pg_indexes where schemaname = 'marts'"
        ).fetchall()
        assert sorted(text.partition("(")[2] for (text,) in indexes) == [
            "borough_code)",
            "month, borough_code)",
        ]
        shut = connection.execute(
            "select relrowsecurity, relforcerowsecurity, relacl::text, "
            "pg_get_userbyid(relowner) from pg_class "
            "where relnamespace = 'marts'::regnamespace and relkind = 'r'"
        ).fetchall()
        assert [one[:2] for one in shut] == [(True, True)] * 2
        assert {one[3] for one in shut} == {"edp_owner"}
        assert not any("=r" in (one[2] or "").replace("edp_owner=", "") for one in shut)
    with (
        reading(marts_room) as reader,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        reader.execute("select * from marts.told")


def test_readers_see_one_snapshot_or_the_other_and_never_an_error(
    marts_room: Home,
) -> None:
    seen, served, faults = swap_under_readers(marts_room, 8, iter(range(9)))
    assert not faults
    assert not mixed(seen, served)
    assert len({row[0] for row in seen}) > 4 and len(seen) > 100

    # A reader that does not end keeps its snapshot, and the pipeline does not hang.
    build_version(marts_room, 9)
    with reading(marts_room, autocommit=False) as stays:
        assert stays.execute("select max(version) from marts.first").fetchone() == (8,)
        with pytest.raises(PublicationBusy, match="pg_stat_activity"):
            serve(marts_room, 9, NAMES, patience_seconds=0)
        assert stays.execute("select max(version) from marts.second").fetchone() == (8,)
    assert publish_serving(marts_room, grants=open_to_reader).is_current
    with reading(marts_room) as connection:
        assert connection.execute(
            "select max(version) from marts.third"
        ).fetchone() == (9,)


def test_a_person_who_is_removed_leaves_every_snapshot(marts_room: Home) -> None:
    people = People(("NOM-1",))
    served = ServedTables(marts_room, DataSets({}, ()))
    for number in range(2):
        build(
            marts_room,
            "create or replace table marts.persons as select * from (values "
            f"('nom-1 ', 'NOM-2', {number}), ('NOM-3', 'NOM-1', 1), ('NOM-4', null, 1)) "
            "as t (nominal_id, officer_ref, n)",
            "create or replace table marts.others as select 'NOM-9' as nominal_id",
        )
        serve(marts_room, number, ["persons", "others"], {"persons": record("a")})
    assert unregistered_rooms(marts_room, copies(marts_room, DataSets({}, ()))) == []
    found = served.find(people)
    assert [one.place.rpartition(".")[2] for one in found] == ["persons"] * 2
    assert {(one.rows, one.mentions) for one in found} <= {(1, 1), (2, 0)}
    assert len(served.export(people)["marts.persons"]) == 2

    assert served.erase(people) > 0
    assert served.find(people) == [] == served.find(People(("NOM-5",)))
    with owner(marts_room) as connection:
        assert [one.is_current for one in snapshots(connection)] == [True]
    with reading(marts_room) as reader:
        left = reader.execute("select * from marts.persons").fetchall()
        assert "NOM-1" not in str(left).upper() and ("NOM-4", None, 1) in left
    # Nobody to be removed: a table that is shut to its owner is not searched for.
    with owner(marts_room) as connection:
        connection.execute("drop policy may_read on marts.others")
    with pytest.raises(NotSearchable, match=r"marts\.others"):
        served.find(people)


def test_each_use_case_is_published_with_the_run_that_asks_for_it(
    built: Platform, tmp_path: Path
) -> None:
    shutil.copytree(built.home, tmp_path / "home")
    platform = Platform(tmp_path / "home", built.sample)
    assert not (platform.home / "postgres").exists()  # nobody had asked for it
    try:
        assert platform.edp("database", "start").returncode == 0
        behind = platform.edp("database", "status", "--json")
        assert behind.returncode == 1 and json.loads(behind.stdout)["is_behind"]
        done = platform.edp("run", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        status = platform.edp("database", "status", "--json")
        assert status.returncode == 0, status.stdout
        copy = json.loads((platform.home / "published/current.json").read_text())
        (served,) = json.loads(status.stdout)["snapshots"]
        assert (served["id"], served["rows"]) == (copy["id"], copy["rows"])
        # Nothing is left to do.
        again = json.loads(platform.edp("run", "--json").stdout)
        assert not again["runs"]
        with administrator(Home.open(START.date(), platform.home)) as connection:
            told = connection.execute(
                "select count(*) filter (where obj_description(oid) > ''), count(*), "
                "bool_and(relforcerowsecurity), "
                "count(*) filter (where exists (select from pg_policy "
                "where polrelid = c.oid)) from pg_class as c "
                "where relnamespace = 'marts'::regnamespace and relkind = 'r'"
            ).fetchone()
        assert told == (len(copy["rows"]), len(copy["rows"]), True, len(copy["rows"]))
    finally:
        assert platform.edp("database", "stop").returncode == 0
