"""Whether the server is as declared (rule 23): what was done by hand is seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from psycopg import errors

from edp_platform.access.applying import (
    NotAsDeclared,
    grant_columns,
    settings_of,
)
from edp_platform.access.live import read_live
from edp_platform.access.planning import drift
from edp_platform.database.connecting import administrator, owner
from edp_platform.home import Home
from tests.access_room import (
    MARTS,
    grant,
    person,
)
from tests.access_server import (
    WORLD,
    as_administrator,
    as_owner,
    differences,
    make_so,
    placed,
    publish,
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


_TAMPERED: list[tuple[str, str]] = [
    ("grant select on marts.reports to bob", "marts.reports bob holds SELECT"),
    ("grant select (offence) on marts.reports to bob", "reports.offence bob holds"),
    ("grant select (n) on marts.counted to public", "counted.n PUBLIC holds SELECT"),
    ("grant insert, trigger on marts.counted to edp_reader", "edp_reader holds INSERT"),
    (
        "grant select (n) on marts.counted to ann with grant option",
        "may hand it on",
    ),
    ("revoke select (n) on marts.counted from bob", "bob lacks SELECT"),
    ("revoke usage on schema marts from edp_reader", "edp_reader lacks USAGE"),
    ("grant create on schema marts to ann", "ann holds CREATE"),
    ("grant select on gov.entitlement to bob", "gov.entitlement bob holds SELECT"),
    ("grant usage, create on schema public to public", "public PUBLIC holds CREATE"),
    ("grant temporary on database edp to public", "edp PUBLIC holds TEMPORARY"),
    (
        "alter default privileges for role edp_owner in schema marts "
        "grant select on tables to edp_reader",
        "edp_reader holds SELECT by default",
    ),
    ("alter table marts.reports no force row level security", "owner passes by"),
    ("alter table marts.reports disable row level security", "row security off"),
    ("alter table marts.reports owner to edp_admin", "is owned by edp_admin"),
    ("alter policy may_read on marts.reports using (true)", "asks something else"),
    ("drop policy may_read on marts.reports", "has no policy"),
    (
        "create policy open on marts.reports for select using (true)",
        "a policy that nobody declared: open",
    ),
    (
        "create view marts.seen as select * from marts.reports; "
        "alter view marts.seen owner to edp_owner; "
        "grant select on marts.seen to bob",
        "marts.seen is a view that reads with its owner's rights",
    ),
    (
        "create view public.seen as select * from marts.reports; "
        "grant usage on schema public to bob; grant select on public.seen to bob",
        "public.seen bob holds SELECT",
    ),
    ("grant edp_owner to bob", "bob is a member of edp_owner"),
    ("grant pg_read_all_data to bob", "bob is a member of pg_read_all_data"),
    ("grant ann to bob", "bob is a member of ann"),
    ("revoke edp_reader from bob", "bob is no member of edp_reader"),
    ("alter role bob bypassrls", "bob is bypassrls"),
    ("alter role bob superuser", "bob is superuser, bypassrls"),
    ("alter role bob connection limit -1", "bob may hold -1 connections"),
    ("alter role bob reset log_statement", "bob has other settings"),
    ("alter role bob in database edp set work_mem = '1GB'", "work_mem"),
    ("alter role bob nologin", "bob may not sign in"),
    (
        "create role eve login in role edp_reader; "
        "grant select on marts.reports to eve",
        "eve holds SELECT",
    ),
    ("grant pg_write_all_data to eve", "eve is a member of pg_write_all_data"),
    (
        "create or replace function gov.may_read(mart text) returns boolean "
        "language sql stable parallel safe security definer as 'select true'",
        "gov.may_read(text) is not as the platform has it",
    ),
    ("grant execute on function gov.live to bob", "bob holds EXECUTE"),
    ("update gov.entitlement set ends = 'infinity'", "gov.entitlement"),
    (
        "insert into gov.column_grant values ('bob', 'reports', 'offence')",
        "gov.column_grant 0 rows to write, 1 to take away",
    ),
    ("update gov.row_limit set allowed = '{metropolitan,city}'", "gov.row_limit"),
    ("grant execute on function lo_create(oid) to public", "1 functions of the server"),
    (
        "select lo_create(4711); alter large object 4711 owner to bob",
        "large object 4711 is kept by bob",
    ),
]


def test_rule_23_refuses_what_nobody_declared(home: Home) -> None:
    """One after the other is done by hand and seen; then one apply puts all right."""
    for tampered, said in _TAMPERED:
        as_administrator(home, tampered)
        found = differences(home)
        assert any(said in one for one in found), (tampered, found)
    with administrator(home) as connection:
        # What was changed in the catalogue is drift; in the rows of gov, a plan's.
        assert drift(read_live(connection), settings_of(connection))
    applied = make_so(home, WORLD)
    assert {one.kind for one in applied.changes} == {
        *("role", "membership", "function", "large object", "state", "table"),
        "privilege",
    }
    assert differences(home) == []
    for who, column in (("bob", "offence"), ("sam", "n"), ("ann", "age_band")):
        query = f"select {column} from marts.reports"
        assert rows_of(home, who, query) is errors.InsufficientPrivilege
    assert rows_of(home, "bob", "select count(*) from marts.counted") == [(3,)]
    as_administrator(
        home,
        "drop view marts.seen, public.seen",
        "drop owned by eve; drop role eve",
    )
    with administrator(home) as connection:
        assert drift(read_live(connection), settings_of(connection)) == ()


_BY_HAND = [
    (
        "create role mal login bypassrls",
        "drop role mal",
        "mal is bypassrls, so row security does not hold it",
    ),
    (
        "create materialized view marts.kept as select * from marts.reports",
        "drop materialized view marts.kept",
        "no plain table",
    ),
    (
        "create function public.peek() returns text language sql security definer "
        "as 'select max(report_id) from marts.reports'",
        "drop function public.peek()",
        "runs with its owner's rights",
    ),
]


@pytest.mark.parametrize(("made", "undone", "said"), _BY_HAND)
def test_rule_23_refuses_what_only_a_person_can_put_right(
    home: Home, made: str, undone: str, said: str
) -> None:
    as_administrator(home, made, "grant select on marts.reports to bob")
    with pytest.raises(NotAsDeclared, match=said):
        make_so(home, WORLD)
    # What a program may take back is taken back all the same.
    assert [one for one in differences(home) if "bob" in one] == []
    as_administrator(home, undone)
    assert differences(home) == []


def test_a_role_that_somebody_else_made_is_given_nothing(home: Home) -> None:
    as_administrator(home, "create role dan login")
    dan = grant("G-DAN-1", "dan", "reports", columns=["report_id"])
    world = WORLD.peopled(person("dan")).granted(dan)
    with pytest.raises(NotAsDeclared, match="dan is a role that somebody else made"):
        make_so(home, world)
    with owner(home) as connection:
        grant_columns(connection, "marts", world.declared())
    with administrator(home) as connection:
        asked = "select has_column_privilege('dan', 'marts.reports', 'report_id', %s)"
        assert connection.execute(asked, ["SELECT"]).fetchone() == (False,)
    as_administrator(home, "drop role dan")


def test_a_new_snapshot_opens_to_the_same_people_and_no_more(home: Home) -> None:
    """A column that has become personal is granted to nobody who may not see it."""
    counted = MARTS["counted"]
    about = replace(
        counted,
        columns=tuple(
            replace(one, identifier_class="quasi") if one.name == "n" else one
            for one in counted.columns
        ),
    )
    changed = WORLD.but(marts={**MARTS, "counted": about})
    with owner(home) as connection:
        connection.execute("create schema marts_new")
        publish(connection, "marts_new")
        grant_columns(connection, "marts_new", changed.declared())
        connection.execute("alter schema marts rename to marts_old")
        connection.execute("alter schema marts_new rename to marts")
    assert rows_of(home, "bob", "select force from marts.counted limit 1")
    assert rows_of(home, "bob", "select n from marts.counted") is (
        errors.InsufficientPrivilege
    )
    # The snapshot before stays open to them until apply narrows it too.
    make_so(home, changed)
    for schema in ("marts", "marts_old"):
        query = f"select n from {schema}.counted"
        assert rows_of(home, "bob", query) is errors.InsufficientPrivilege
        assert len(rows_of(home, "bob", f"select force from {schema}.counted")) == 3
    assert differences(home, changed) == []
    as_owner(home, "drop schema marts_old cascade")


def test_the_asset_check_names_what_was_changed_by_hand(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails once, with what it found, which is put right by the same run."""
    import dagster as dg

    from edp_platform.access import facts
    from edp_platform.components.access import access_definitions
    from edp_platform.governance import registers

    monkeypatch.setattr(registers, "Registers", lambda _: WORLD.registers)
    monkeypatch.setattr(facts, "read_facts", lambda *_: WORLD.facts)
    (asset,) = access_definitions(home).assets or ()
    as_administrator(home, "grant select (offence) on marts.reports to bob")
    for is_whole in (False, True):
        with dg.DagsterInstance.ephemeral() as instance:
            done = dg.materialize([asset], instance=instance)  # type: ignore[list-item]
        (check,) = done.get_asset_check_evaluations()
        assert done.success and check.passed == is_whole
        told = str(check.metadata["what"].value)
        assert ("bob holds SELECT" in told) != is_whole
    offences = "select offence from marts.reports"
    assert rows_of(home, "bob", offences) is errors.InsufficientPrivilege
