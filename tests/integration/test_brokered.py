"""A mart whose very counts disclose, through its function alone, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from edp_platform.access.applying import grant_columns
from edp_platform.access.marts import Mart, MartColumn, Source
from edp_platform.access.telling import access_of
from edp_platform.auditing.collecting import collect
from edp_platform.auditing.known import background_of
from edp_platform.auditing.raw_log import read_entries
from edp_platform.database.connecting import as_person, owner
from edp_platform.database.server import Server
from edp_platform.governance.audit import AuditLog
from edp_platform.home import Home
from edp_platform.publishing.query import QueryFailed, Question, _Asked
from edp_platform.publishing.snapshot import Snapshot
from tests.access_room import MARTS, TODAY, grant, person
from tests.access_server import (
    WORLD,
    as_administrator,
    as_owner,
    differences,
    make,
    make_so,
    placed,
    rows_of,
)

#: Detained people: their counts, and a figure that would give a small count away.
DETAINED = Mart(
    "detained",
    (
        MartColumn("force"),
        MartColumn("group"),
        MartColumn("people"),
        MartColumn("mean"),
    ),
    (Source("street", ("P-STATISTICS",)),),
    "custody",
    counts=("people",),
)
_COLUMNS = {
    "force": "text", "group": "text", "people": "integer", "mean": "numeric(6,2)",
}  # fmt: skip
_ROWS = [
    dict(zip(_COLUMNS, row, strict=True))
    for row in (
        ("city", "18-24", 9, 4.5),
        ("city", "25-34", 10, 5.25),
        ("city", "35-44", 0, None),
        ("metropolitan", "18-24", 1, 77.5),
        ("metropolitan", "25-34", 412, 6.5),
        ("metropolitan", "35-44", None, None),
    )
]
_GIVEN = [("city", 10), ("city", 0), ("metropolitan", 412), ("metropolitan", None)]
BROKERED = (
    WORLD.but(marts={**MARTS, "detained": DETAINED})
    .peopled(person("deb"), person("eli"))
    .granted(
        grant("G-DEB-1", "deb", "detained"),
        grant("G-ELI-1", "eli", "detained", rows={"force": ["city"]}),
    )
)
_ASK = 'select force, people from broker.detained() order by force, "group"'


@pytest.fixture(scope="module")
def place() -> Iterator[Home]:
    """A server of this module's own, with the brokered mart published in it."""
    for home in placed():
        with owner(home) as connection:
            make(connection, "marts", "detained", _COLUMNS, _ROWS)
            connection.execute("analyze marts.detained")
            connection.commit()  # publication fills in one transaction, opens in another
            grant_columns(connection, "marts", BROKERED.declared())
        yield home


@pytest.fixture
def home(place: Home) -> Home:
    """The server as the made-up force declares it."""
    make_so(place, BROKERED)
    return place


def test_rule_18_passes_whole_rows_without_small_counts(home: Home) -> None:
    assert rows_of(home, "deb", _ASK) == _GIVEN
    # Limits on rows hold within the function too.
    assert rows_of(home, "eli", _ASK) == _GIVEN[:2]
    assert differences(home, BROKERED) == []
    # No figure of a suppressed row is given, and nothing but whole rows.
    got = rows_of(home, "deb", "select * from broker.detained()")
    assert {len(row) for row in got} == {4} and 77.5 not in {row[3] for row in got}


def test_rule_18_refuses_the_table_itself_and_who_has_no_grant(home: Home) -> None:
    for query in (
        "select * from marts.detained",
        "select count(*) from marts.detained",
        "explain select * from marts.detained",
        "copy marts.detained to stdout",
    ):
        assert rows_of(home, "deb", query) is errors.InsufficientPrivilege, query
    assert rows_of(home, "bob", _ASK) is errors.InsufficientPrivilege
    # A grant of a part of it opens nothing: the function gives whole rows.
    part = grant("G-CAT-1", "cat", "detained", columns=["force", "people"])
    world = BROKERED.granted(part)
    (refused,) = world.refused("G-CAT-1")
    assert refused.number == 18 and "leaves out group, mean" in str(refused)
    make_so(home, world)
    assert not world.declared().logins["cat"]
    # One that names no count of its own is shut to everybody.
    for counts in ((), ("persons",)):
        shut = replace(DETAINED, counts=counts)
        world = BROKERED.but(marts={**MARTS, "detained": shut})
        assert "no column of its own that counts" in str(world.refused("G-DEB-1")[0])
        make_so(home, world)
        assert differences(home, world) == []
        with pytest.raises(Exception, match="deb"):
            as_person(home, "deb")
        make_so(home, BROKERED)


def test_no_estimate_tells_how_many_rows_there_are(home: Home) -> None:
    with as_person(home, "deb") as connection:

        def one(query: str) -> Any:
            row = connection.execute(query).fetchone()
            return row[0] if row else None

        before = one("explain select * from broker.detained()")
        assert "Function Scan" in before and "rows=1000 " in before
        as_owner(home, "delete from marts.detained")  # forced: it deletes nothing
        where = "where relname = 'detained'"
        assert one(f"select reltuples from pg_class {where}") == -1
        assert one("select count(*) from pg_stats where tablename = 'detained'") == 0
        for counted in (
            f"select n_live_tup from pg_stat_user_tables {where}",
            "select pg_stat_get_tuples_inserted('marts.detained'::regclass)",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                one(counted)


def test_rule_18_refuses_a_call_after_the_grant_lapsed(home: Home) -> None:
    """Also of a prepared statement, and within a transaction that was open before."""
    with as_person(home, "deb", autocommit=False) as connection:
        for _ in range(2):
            assert len(connection.execute(_ASK, prepare=True).fetchall()) == 4
        as_owner(
            home,
            "update gov.entitlement set ends = clock_timestamp() where login = 'deb'",
        )
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(_ASK, prepare=True)
    make_so(home, BROKERED)
    assert rows_of(home, "deb", _ASK) == _GIVEN
    # A column that a newer snapshot has and no grant names shuts the function.
    as_owner(home, "delete from gov.column_grant where column_name = 'mean'")
    assert rows_of(home, "deb", _ASK) is errors.InsufficientPrivilege


@pytest.mark.parametrize(
    "attack",
    [
        "set search_path = pg_temp, public, marts, pg_catalog",
        "set row_security = off",
        "set role edp_reader",
        "set plan_cache_mode = force_generic_plan",
    ],
)
def test_what_a_caller_sets_changes_nothing_for_the_function(
    home: Home, attack: str
) -> None:
    """Who may do more, as the administrator made them here, cannot bend it either."""
    as_administrator(
        home,
        "grant temporary on database edp to eli",
        "grant usage, create on schema public to eli",
    )
    with as_person(home, "eli") as connection:
        for decoy in (
            "create temporary table detained (force text)",
            "create function pg_temp.may_read(text) returns boolean "
            "language sql as 'select true'",
            "create function public.coalesce(boolean, boolean) returns boolean "
            "language sql as 'select true'",
            "create function public.lte(integer, integer) returns boolean "
            "language sql as 'select true'",
            "create operator public.>= (leftarg = integer, rightarg = integer, "
            "function = public.lte)",
            attack,
        ):
            connection.execute(decoy)
        try:
            got = connection.execute(_ASK).fetchall()
        except errors.InsufficientPrivilege:
            got = []
        assert got in ([], _GIVEN[:2]), attack
        connection.execute("reset role")
        connection.execute(
            "drop operator public.>= (integer, integer); "
            "drop function public.lte, public.coalesce"
        )
    make_so(home, BROKERED)


_TAMPERED = [
    ("grant select on marts.detained to deb", "marts.detained deb holds SELECT"),
    (
        "grant select (people) on marts.detained to deb",
        "marts.detained.people deb holds SELECT",
    ),
    ("grant execute on function broker.detained to bob", "bob holds EXECUTE"),
    ("grant execute on function broker.detained to public", "PUBLIC holds EXECUTE"),
    ("revoke execute on function broker.detained from deb", "deb lacks EXECUTE"),
    ("alter function broker.detained() reset all", "not as the platform has it"),
    ("alter function broker.detained() security invoker", "not as the platform has it"),
    ("alter function broker.detained() owner to edp_admin", "not as the platform"),
    (
        "create or replace function broker.detained() returns table "
        '(force text, "group" text, people integer, mean numeric) language sql '
        "security definer set search_path = pg_catalog, pg_temp "
        "as 'select * from marts.detained'",
        "broker.detained() is not as the platform has it",
    ),
    ("drop function broker.detained()", "broker.detained() is missing"),
    (
        "create function broker.reports() returns setof marts.reports language sql "
        "security definer as 'select * from marts.reports'",
        "broker.reports() gives out a mart that nobody declared",
    ),
    ("update gov.mart set counts = null where mart = 'detained'", "gov.mart 1 rows"),
]


def test_rule_23_refuses_a_function_that_is_not_as_declared(home: Home) -> None:
    for tampered, said in _TAMPERED:
        as_administrator(home, tampered)
        found = differences(home, BROKERED)
        assert any(said in one for one in found), (tampered, found)
        make_so(home, BROKERED)
        assert differences(home, BROKERED) == [], tampered
        assert rows_of(home, "deb", _ASK) == _GIVEN, tampered


def test_each_call_is_on_the_log_with_its_rows(home: Home) -> None:
    """Also of a call that was rolled back; words that somebody else says count nothing."""
    now = datetime.now(UTC)
    background = background_of(BROKERED.declared(), BROKERED.facts)
    collect(home, now, lambda: background)
    before = len([*AuditLog(home).rows()])
    with as_person(home, "deb", autocommit=False) as connection:
        connection.execute("select * from broker.detained() where people > 100")
        connection.rollback()
        connection.execute("do $$ begin raise log 'edp broker gave 5 rows'; end $$")
        connection.execute(
            "do $$ begin execute 'select ''PL/pgSQL function broker.detained() line 1 "
            "at RAISE'''; raise log 'edp broker gave 6 rows'; end $$"
        )
    with as_person(home, "bob") as connection, pytest.raises(psycopg.Error):
        connection.execute("select * from broker.detained()")
    collect(home, datetime.now(UTC), lambda: background)
    told = [*AuditLog(home).rows()][before:]
    named = [one for one in told if one["object"] == "marts.detained"]
    asked = [(one["actor"], one["row_count"], one["outcome"]) for one in named]
    assert asked[0] == ("deb", 4, "done")
    assert ("bob", None, "refused: InsufficientPrivilege") in asked
    assert {one["row_count"] for one in told} <= {None, 4}
    (log,) = Server.of(home).logs.glob("*.json")  # type: ignore[attr-defined]
    given = [one for one in read_entries(log, 0)[0] if one.kind == "given"]
    assert {one.text for one in given} == {"select * from broker.detained()"}
    assert {one.user for one in given} <= {"deb", "eli"}


def test_edp_sql_says_how_to_ask_and_shows_what_the_function_gives(home: Home) -> None:
    background = background_of(BROKERED.declared(), BROKERED.facts)
    snapshot = Snapshot("20260101T000000-aa", Path("x"), "2026-01-01T00:00:00", {})

    def answered(sql: str, who: str = "deb") -> list[Any]:
        question = Question(sql, who)
        return (
            _Asked(home, question, background, datetime.now(UTC)).answer(snapshot).rows
        )

    for sql in ("select * from marts.detained", "select count(*) from detained"):
        with pytest.raises(QueryFailed, match=r"select \* from broker\.detained\(\)"):
            answered(sql)
    with pytest.raises(QueryFailed, match="bob has no grant on detained"):
        answered(_ASK, "bob")
    with pytest.raises(QueryFailed, match=r"broker\.detained\(\) has for you force"):
        answered("select persons from broker.detained()")
    assert answered(_ASK) == _GIVEN
    (told,) = access_of("deb", BROKERED.declared(), BROKERED.facts, TODAY)["may"]
    assert told["ask"] == "broker.detained()"
    *_, last = AuditLog(home).rows()
    assert (last["object"], last["row_count"]) == ("marts.detained", 4)
