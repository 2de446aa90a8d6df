"""Access through real connections: each person's own login, on one real PostgreSQL.

The made-up force of `tests.access_room` is compiled and applied; what people then get
is asked of the server. Expiry is shown by moving the dates of entitlements, not clocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from edp_platform.access.sessions import environment
from edp_platform.database.connecting import as_person, owner
from edp_platform.home import Home
from tests.access_room import (
    DAY,
    MARTS,
    NAMED,
    ROWS,
    TODAY,
    World,
    grant,
    supplier,
)
from tests.access_server import (
    WORLD,
    as_owner,
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


# --------------------------------------------------------------------------- matrix


def _expected(who: str, mart: str, column: str) -> Any:
    """Return what a person should get of a column, worked out from the grants alone."""
    own = [one for one in WORLD.grants.values() if one.person == who]
    held = {
        one.name
        for each in own
        if mart in each.marts
        for one in MARTS[mart].columns
        if one.name in each.columns or one.identifier_class in each.identifier_classes
    }
    if column not in held:
        return errors.InsufficientPrivilege
    limits = [each.rows for each in own if mart in each.marts]
    return sorted(
        (row[column],)
        for row in ROWS[mart]
        if all(row[name] in values for one in limits for name, values in one.items())
    )


def test_everybody_gets_of_every_column_what_the_register_says(home: Home) -> None:
    for who in sorted({one.person for one in WORLD.grants.values()}):
        for mart in MARTS.values():
            for column in mart.columns:
                query = f"select {column.name} from marts.{mart.name} order by 1"
                got = rows_of(home, who, query)
                assert got == _expected(who, mart.name, column.name), (who, query)
    # Nobody without a grant has a login at all.
    assert not {"cat", "lead", "iao"} & WORLD.declared().logins.keys()
    assert rows_of(home, "ann", "select sum(n), count(*) from counted") == [(9, 2)]
    assert rows_of(home, "ann", "select * from reports") is errors.InsufficientPrivilege


def test_rule_23_passes_a_server_as_declared(home: Home) -> None:
    assert differences(home) == []
    assert make_so(home, WORLD).changes == ()


# ------------------------------------------------------------------ lapsing (rule 18)

_COUNTED = "select count(*) from marts.counted"
_REPORTS = "select count(*) from marts.reports where report_id > ''"
_FORCES = "select count(force) from marts.reports"

#: Who asks what, and what is moved while they are signed in.
_LAPSES = [
    ("bob", _COUNTED, "update gov.entitlement set ends = clock_timestamp()"),
    ("bob", _COUNTED, "update gov.entitlement set starts = clock_timestamp() + '1h'"),
    ("bob", _COUNTED, "update gov.login set active_until = clock_timestamp()"),
    ("bob", _COUNTED, "update gov.entitlement set purposes = '{P-OTHER}'"),
    ("bob", _COUNTED, "update gov.mart_source set purposes = '{P-OTHER}'"),
    ("bob", _COUNTED, "update gov.mart_source set is_covered = false"),
    ("bob", _COUNTED, "update gov.mart set is_open = false"),
    ("bob", _COUNTED, "update gov.data_set_state set is_open = false"),
    ("bob", _COUNTED, "update gov.data_set_state set good_until = clock_timestamp()"),
    ("bob", _COUNTED, "update gov.data_set_state set good_until = null"),
    ("bob", _COUNTED, "delete from gov.data_set_state where data_set = 'street'"),
    ("bob", _COUNTED, "delete from gov.entitlement where login = 'bob'"),
    ("bob", _COUNTED, "delete from gov.column_grant where login = 'bob'"),
    ("ann", _REPORTS, "update gov.login set training_until = clock_timestamp()"),
    ("ann", _REPORTS, "update gov.login set training_until = null"),
    ("ann", _REPORTS, "update gov.login set vetting_until = clock_timestamp()"),
    ("ann", _REPORTS, "delete from gov.data_set_state where data_set = 'crime'"),
    ("sam", _COUNTED, "update gov.login set training_until = null"),
    ("sam", _COUNTED, "update gov.supplier_state set ends = clock_timestamp()"),
    ("sam", _COUNTED, "delete from gov.supplier_state"),
    ("sam", _COUNTED, "update gov.entitlement set recertified_until = null"),
    (
        "sam",
        _COUNTED,
        "update gov.entitlement set recertified_until = clock_timestamp()",
    ),
    ("sam", _FORCES, "update gov.supplier_state set processing_until = null"),
    ("sam", _FORCES, "update gov.login set vetting_until = clock_timestamp()"),
    ("pia", _COUNTED, "update gov.supplier_state set starts = 'infinity'"),
]


def _processing() -> World:
    """The force, with a supplier that may see a column about people."""
    firm = supplier(
        *("SUP-CON", "contract", "sam"),
        data_class="personal",
        processing_contract_ref="PC-1",
        dpia_refs=["DPIA-crime"],
    )
    own = grant(
        *("G-SAM-2", "sam", "reports"), kind="contract", columns=["force", "age_band"]
    )
    return WORLD.supplied(firm).granted(own).but(named=(NAMED,))


def test_rule_18_refuses_what_lapsed_from_the_next_statement_on(place: Home) -> None:
    """Also in a transaction that was open before, and in a prepared statement."""
    make_so(place, _processing())
    for who, query, moved in _LAPSES:
        with as_person(place, who, autocommit=False) as connection:

            def asked(
                one: psycopg.Connection[Any] = connection, text: str = query
            ) -> int:
                # Prepared on the server, once and for all.
                row = one.execute(text, prepare=True).fetchone()
                return int(row[0]) if row else 0

            assert asked() > 0, (who, query)
            with owner(place) as held:
                before = {
                    table: held.execute(f"select * from gov.{table}").fetchall()
                    for table in ("data_set_state", "entitlement", "login")
                }
                assert before["entitlement"]
                held.execute(moved)
            assert asked() == 0, (who, query, moved)
        make_so(place, _processing())
        assert rows_of(place, who, query)[0][0] > 0, moved


def test_rule_18_passes_while_every_column_is_covered(home: Home) -> None:
    """One column's grant lapses: no rows until the sweep, then the rest."""
    more = grant("G-ANN-3", "ann", "reports", columns=["force", "n"])
    world = WORLD.granted(more)
    make_so(home, world)
    query = "select count(force), count(n), count(report_id) from marts.reports"
    assert rows_of(home, "ann", query) == [(2, 2, 2)]
    ended = "update gov.entitlement set ends = clock_timestamp() where grant_id = "
    as_owner(home, ended + "'G-ANN-1'")
    assert rows_of(home, "ann", "select count(n) from marts.reports") == [(0,)]
    make_so(home, world.without("G-ANN-1"))
    assert rows_of(home, "ann", "select count(n) from marts.reports") == [(2,)]
    assert rows_of(home, "ann", query) is errors.InsufficientPrivilege


def test_rows_are_those_that_every_live_grant_names(home: Home) -> None:
    forces = "select distinct force from marts.counted"
    wide = grant("G-ANN-3", "ann", "counted", rows={"force": ["city", "metropolitan"]})
    make_so(home, WORLD.granted(wide))
    assert rows_of(home, "ann", forces) == [("metropolitan",)]
    make_so(home, WORLD.granted(wide).without("G-ANN-2"))
    assert len(rows_of(home, "ann", forces)) == 2
    other = grant("G-ANN-3", "ann", "counted", rows={"force": ["city"]})
    make_so(home, WORLD.granted(other))
    assert rows_of(home, "ann", forces) == []
    by_number = grant("G-ANN-2", "ann", "counted", rows={"n": ["4"], "force": ["city"]})
    make_so(home, WORLD.granted(by_number))
    assert rows_of(home, "ann", "select n from marts.counted") == []
    numbered = grant("G-ANN-2", "ann", "counted", rows={"n": ["4", "5"]})
    make_so(home, WORLD.granted(numbered))
    assert differences(home, WORLD.granted(numbered)) == []
    assert rows_of(home, "ann", "select n from marts.counted order by 1") == [
        (4,),
        (5,),
    ]


def test_who_has_no_live_grant_loses_the_login_and_the_session(home: Home) -> None:
    with as_person(home, "bob") as connection:
        connection.execute("select 1")
        applied = make_so(home, WORLD.without("G-BOB-1", "G-BOB-2"))
        assert applied.ended == ("bob",)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    with pytest.raises(Exception, match="bob"):
        as_person(home, "bob")
    make_so(home, WORLD)
    assert rows_of(home, "bob", _COUNTED) == [(3,)]


def test_who_changes_their_password_gets_the_one_that_is_kept_here(home: Home) -> None:
    with as_person(home, "bob") as connection:
        connection.execute("alter role bob password 'another'")
    with pytest.raises(Exception, match="set again by: edp access apply"):
        as_person(home, "bob")
    assert make_so(home, WORLD).passwords == ("bob",)
    assert make_so(home, WORLD).passwords == ()
    assert rows_of(home, "bob", _COUNTED) == [(3,)]
    # Whoever loses the login leaves no password behind, in whatever form it was kept.
    kept = home.keys / "postgres" / "passfiles" / "bob"
    environment(home, "bob")
    assert kept.exists()
    make_so(home, WORLD.without("G-BOB-1", "G-BOB-2"))
    assert not kept.exists() and not (home.keys / "postgres" / "bob").exists()


def test_no_reader_holds_a_change_of_access_up(home: Home) -> None:
    """Neither by a transaction left open, nor by a lock: those are nobody's to take."""
    held, other = (as_person(home, who, autocommit=False) for who in ("bob", "sam"))
    held.execute("set idle_in_transaction_session_timeout = 0")
    with pytest.raises(errors.InsufficientPrivilege), held.transaction():
        held.execute("select pg_advisory_lock(one) from generate_series(1, 50) as one")
    held.execute(_COUNTED)
    other.execute("select 1")
    # Another column limits the rows, so the table's policy must change.
    limited = grant("G-ANN-2", "ann", "counted", rows={"month": ["2026-02"]})
    assert make_so(home, WORLD.granted(limited)).ended == ("bob", "sam")
    held.close()
    other.close()
    assert rows_of(home, "ann", "select n from marts.counted") == [(5,)]


# ----------------------------------------------------------------- suppliers (19 to 21)


def test_rules_19_to_21_take_a_supplier_s_login_away(home: Home) -> None:
    late = grant(
        *("G-PIA-1", "pia", "counted"),
        kind="s93",
        until=(TODAY + 250 * DAY).isoformat(),
    )
    untrained = supplier("SUP-CON", "contract", "sam", work_package=None)
    for world, who in (
        (WORLD.granted(late), "pia"),
        (WORLD.supplied(untrained), "sam"),
    ):
        assert rows_of(home, who, _COUNTED) == [(3,)]
        make_so(home, world)
        with pytest.raises(Exception, match=who):
            as_person(home, who)
        make_so(home, WORLD)
    # Rule 20: without the processing contract, no column of the mart; with it, those.
    assert rows_of(home, "sam", _FORCES) is errors.InsufficientPrivilege
    make_so(home, _processing())
    assert rows_of(home, "sam", _FORCES) == [(2,)]
    make_so(home, _processing().but(named=()))
    assert rows_of(home, "sam", _FORCES) is errors.InsufficientPrivilege
