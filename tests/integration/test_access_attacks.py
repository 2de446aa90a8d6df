"""Attacks of an ordinary reader, on their own login: they get nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from edp_platform.database.connecting import as_person
from edp_platform.home import Home
from tests.access_server import (
    WORLD,
    as_administrator,
    differences,
    make_so,
    placed,
    rows_of,
)


@pytest.fixture(scope="module")
def place() -> Iterator[Home]:
    """A server of this module's own, with the two marts published in it."""
    yield from placed()


@pytest.fixture
def home(place: Home) -> Home:
    """The server as the made-up force declares it."""
    make_so(place, WORLD)
    return place


#: As an ordinary reader, who may see the counts of `reports` and nothing about people.
_ATTACKS = [
    "copy marts.reports to program 'cat'",
    "copy (select 1) to '/tmp/out'",
    "copy marts.counted from '/etc/passwd'",
    "select pg_read_file('/etc/passwd')",
    "select pg_ls_dir('.')",
    "select lo_import('/etc/passwd')",
    "select lo_from_bytea(0, convert_to((select string_agg(force, '') from "
    "marts.reports), 'utf8'))",
    "select lo_create(0)",
    "select pg_advisory_lock(1)",
    "select pg_try_advisory_lock_shared(1, 2)",
    "select pg_logical_emit_message(false, 'a', repeat('x', 1000))",
    "select n_live_tup from pg_stat_user_tables",
    "select pg_stat_get_live_tuples('marts.reports'::regclass)",
    "set temp_file_limit = -1",
    "alter role bob set temp_file_limit = -1",
    "select * from pg_authid",
    "select * from pg_shadow",
    "select rolpassword from pg_authid",
    "select * from pg_statistic",
    "select * from gov.entitlement",
    "select * from gov.login",
    "insert into gov.column_grant values ('bob', 'reports', 'offence')",
    "select gov.live('ann', 'reports', now())",
    "select gov.readable('ann', 'reports', now())",
    "select * from publication.snapshot",
    "set role edp_owner",
    "set role ann",
    "set session authorization ann",
    "set log_statement = 'none'",
    "alter role bob superuser",
    "alter role bob reset log_statement",
    "alter table marts.reports disable row level security",
    "create policy open on marts.reports using (true)",
    "set row_security = off; select n from marts.reports",
    "create table marts.mine (a int)",
    "create schema mine",
    "create table public.mine (a int)",
    "create temporary table mine (a int)",
    "create function public.f() returns int language sql as 'select 1'",
    "create function pg_temp.f() returns int language sql as 'select 1'",
    "create view public.v as select 1",
    "create extension file_fdw",
    "create role mallory",
    "do $$ begin execute 'select offence from marts.reports'; end $$",
    "select offence from marts.reports",
    "select n from marts.reports where offence = 'theft'",
    "select n from marts.reports order by report_id",
    "select (r).offence from marts.reports as r",
    "select r from marts.reports as r",
    "select row_to_json(r) from marts.reports as r",
    "select count(*) from marts.reports group by age_band",
    "select query_to_xml('select * from marts.reports', true, true, '')",
    "select table_to_xml('marts.reports', true, true, '')",
    "select ctid, xmin from marts.reports",
    "table marts.reports",
    "lock table marts.reports in access exclusive mode",
    "delete from marts.reports",
    "update marts.counted set n = 0",
    "truncate marts.counted",
    "vacuum full marts.counted",
    "prepare p as select report_id from marts.reports; execute p",
    "declare c cursor for select report_id from marts.reports",
    "grant select on marts.reports to bob",
    "select dblink('host=127.0.0.1', 'select 1')",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'edp_owner'",
]


def test_an_ordinary_reader_gets_nothing_by_attack(home: Home) -> None:
    with as_person(home, "bob") as connection:
        for attack in _ATTACKS:
            try:
                asked = connection.execute(attack)
                got = asked.fetchall() if asked.description else []
            except psycopg.Error as error:
                told = str(error)
            else:
                told = str(got)
                if got or asked.description is None:
                    # Allowed without effect: a warning, and nothing was changed.
                    assert attack.startswith(("vacuum", "grant")), (attack, got)
            for secret in ("R1", "R2", "robbery", "theft,", "18-24"):
                assert secret not in told, attack
            connection.execute("reset role")
    assert differences(home) == []


def test_what_a_reader_writes_in_a_query_runs_on_no_row_they_may_not_see(
    home: Home,
) -> None:
    """A function or an error in WHERE is asked of rows that row security let through."""
    counted = "select force from marts.counted"
    for leak in (
        "(force = 'city' and 1 / (n - 2) > 0)",
        "cast(force as integer) > 0",
        "force::jsonb is not null",
    ):
        with as_person(home, "ann") as connection:
            try:
                connection.execute(f"{counted} where {leak}")
            except psycopg.Error as error:
                assert "city" not in str(error) and "zero" not in str(error), leak
    # The path is the session's own to set, and leads to nothing of theirs.
    with as_person(home, "bob") as connection:
        connection.execute("set search_path = pg_temp, public, marts")
        got = connection.execute("select count(*) from counted").fetchone()
        assert got == (3,)
        asked = connection.execute("select gov.may_read('reports')").fetchone()
        assert asked == (True,)
        kept = connection.execute(
            "select reltuples from pg_class where oid = 'marts.reports'::regclass"
        ).fetchone()
        assert kept is not None  # row estimates are a documented, accepted risk
        seen = connection.execute(
            "select count(*) from pg_stats where schemaname = 'marts' "
            "and attname in ('report_id', 'offence', 'age_band')"
        ).fetchone()
        assert seen == (0,)
        others = connection.execute(
            "select count(*) from pg_stat_activity where usename <> 'bob' "
            "and query not in ('', '<insufficient privilege>')"
        ).fetchone()
        assert others == (0,)


def test_views_of_somebody_else_leak_nothing(home: Home) -> None:
    as_administrator(
        home,
        "create view marts.asked with (security_invoker = true) "
        "as select offence from marts.reports",
        "alter view marts.asked owner to edp_owner",
        "grant select on marts.asked to bob",
        "create view marts.lent as select report_id from marts.reports",
        "alter view marts.lent owner to edp_owner",
        "grant select on marts.lent to sam",
    )
    assert rows_of(home, "bob", "select * from marts.asked") is (
        errors.InsufficientPrivilege
    )
    # Forced row security asks for who is signed in, not for the view's owner.
    assert rows_of(home, "sam", "select * from marts.lent") == []
    make_so(home, WORLD)
    assert rows_of(home, "sam", "select * from marts.lent") is (
        errors.InsufficientPrivilege
    )
    as_administrator(home, "drop view marts.asked, marts.lent")


def test_a_query_under_row_security_asks_its_entitlement_once(home: Home) -> None:
    with as_person(home, "bob") as connection:
        lines = [
            line
            for (line,) in connection.execute(
                "explain select * from marts.counted"
            ).fetchall()
        ]
    text = "\n".join(lines)
    assert "InitPlan" in text and re.search(r"One-Time Filter|\(InitPlan", text)
