"""What is compiled, and what is planned, from plain values: no server."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from edp_platform.access.brokering import declared_counts, functions_of
from edp_platform.access.declared import after, start_of, without
from edp_platform.access.functions import FUNCTIONS
from edp_platform.access.live import (
    STATE,
    Live,
    LiveFunction,
    LivePolicy,
    LiveRole,
    LiveTable,
    Privilege,
)
from edp_platform.access.marts import Mart, MartColumn, Source, column_of
from edp_platform.access.naming import NoSuchLogin, role_of
from edp_platform.access.planning import (
    CONNECTIONS,
    SETTINGS,
    as_declared,
    condition_kept,
    drift,
    policy_statement,
)
from edp_platform.access.telling import access_of, endings, readers_of
from edp_platform.governance.column_law import ColumnLaw
from edp_platform.governance.column_lineage import Origins
from edp_platform.governance.lineage_tracing import trace
from tests.access_room import DAY, MARTS, TODAY, World, grant, supplier
from tests.unit.test_column_rules import CONTRACTS, SOURCES

WORLD = World()


def _live(world: World = WORLD) -> Live:
    """Return a server that is just as a force declares it."""
    declared = world.declared()
    settings = frozenset(f"{name}={value}" for name, value in SETTINGS.items())
    tables = {}
    for mart in MARTS.values():
        columns = tuple(one.name for one in mart.columns)
        limited = declared.limited.get(mart.name, ())
        condition = condition_kept(mart.name, {"force": "force"}, limited)
        policy = LivePolicy("may_read", "r", True, ("PUBLIC",), condition)
        tables["marts", mart.name] = LiveTable(
            *("r", "edp_owner", True, True, False),
            *(columns, columns, (policy,), ("text",) * len(columns)),
        )
    return Live(
        database="edp",
        administrator="admin",
        roles={
            "edp_owner": LiveRole(True),
            "edp_reader": LiveRole(False),
            "admin": LiveRole(True, ("superuser",)),
            **{
                name: LiveRole(may, (), CONNECTIONS, settings, True)
                for name, may in declared.logins.items()
            },
        },
        memberships=frozenset(
            {("edp_owner", "admin"), *(("edp_reader", one) for one in declared.logins)}
        ),
        published=("marts",),
        tables=tables,
        privileges=frozenset(
            {
                Privilege("database", "", "edp", "", "edp_reader", "CONNECT"),
                *(
                    Privilege("schema", one, one, "", "edp_reader", "USAGE")
                    for one in ("broker", "gov", "marts", "publication")
                ),
                *(
                    Privilege(
                        *("function", "gov", f"{one.name}({one.arguments})", ""),
                        *("edp_reader", "EXECUTE"),
                    )
                    for one in FUNCTIONS
                    if one.is_definer
                ),
                *(
                    Privilege("column", "marts", mart, column, login, "SELECT")
                    for login, mart, column in declared.column_grants
                ),
            }
        ),
        functions={
            one.signature: LiveFunction(
                "edp_owner", one.is_definer, (one.config,), "s", "s", one.body
            )
            for one in FUNCTIONS
        },
        state=declared.state,
    )


def test_what_is_brokered_by_a_slip_is_shut() -> None:
    for said, counts in (
        (None, None),
        (False, None),
        (["people", "a", "people"], ("a", "people")),
        (True, ()),
        ("people", ()),
        ([], ()),
    ):
        assert declared_counts(said) == counts
    tables = {"m": [("force", "text"), ("people", "integer")]}
    assert functions_of({"m": ()}, tables) == functions_of({"m": ("n",)}, tables) == ()
    (made,) = functions_of({"m": ("people",), "gone": ("people",)}, tables)
    assert made.signature == "broker.m()"


def test_rule_23_passes_what_is_just_as_declared() -> None:
    assert as_declared(WORLD.declared(), _live()) == ()
    assert drift(_live()) == ()


@pytest.mark.parametrize(
    ("held", "statement"),
    [
        (
            Privilege("table", "marts", "reports", "", "bob", "SELECT"),
            'revoke SELECT on "marts"."reports" from "bob" cascade',
        ),
        (
            Privilege("column", "marts", "reports", "n", "PUBLIC", "SELECT"),
            'revoke SELECT ("n") on "marts"."reports" from public cascade',
        ),
        (
            Privilege("default", "marts", "edp_owner r", "", "ann", "SELECT"),
            'alter default privileges for role "edp_owner" in schema "marts" revoke '
            'SELECT on tables from "ann"',
        ),
        (
            Privilege("table", "gov", "login", "", "some role", "UPDATE"),
            'revoke UPDATE on "gov"."login" from "some role" cascade',
        ),
    ],
)
def test_rule_23_refuses_a_privilege_that_nobody_declared(
    held: Privilege, statement: str
) -> None:
    live = _live()
    live = replace(live, privileges=live.privileges | {held})
    (found,) = as_declared(WORLD.declared(), live)
    assert found.statements == (statement,) and found.kind == "privilege"
    assert found.ends == frozenset({held.grantee} & WORLD.declared().logins.keys())
    assert drift(live) == (found,)


def test_a_lapsed_grant_is_planned_and_is_no_drift() -> None:
    lapsed = WORLD.without("G-BOB-1", "G-BOB-2").declared()
    found = as_declared(lapsed, _live())
    told = {(one.kind, one.name) for one in found}
    assert ("role", "bob") in told and ("state", "gov.column_grant") in told
    assert ("privilege", "marts.counted.n") in told
    assert {name for one in found for name in one.ends} == {"bob"}
    assert drift(_live()) == ()


def test_a_day_begins_and_ends_at_midnight_here() -> None:
    assert start_of(TODAY) == datetime(TODAY.year, TODAY.month, TODAY.day).astimezone()
    assert after(TODAY) == start_of(TODAY + DAY) and after(None) is None
    rows = {row[0]: row for row in WORLD.declared().state["entitlement"]}
    ends = rows["G-ANN-1"][STATE["entitlement"].index("ends")]
    assert ends == start_of(WORLD.grants["G-ANN-1"].until + DAY)


def test_every_mart_that_the_purposes_admit_and_no_personal_column() -> None:
    every = grant("G-BOB-3", "bob", "*", purposes=["P-STATISTICS"])
    only = grant("G-BOB-4", "bob", "*", purposes=["P-LE"])
    world = WORLD.without("G-BOB-1", "G-BOB-2")
    held = world.granted(every).declared().column_grants
    assert {(mart, name) for who, mart, name in held if who == "bob"} == {
        *(("counted", one) for one in ("month", "force", "n")),
        *(("reports", one) for one in ("force", "n")),
    }
    held = world.granted(only).declared().column_grants
    assert {mart for who, mart, _ in held if who == "bob"} == {"reports"}
    of_set = grant("G-BOB-5", "bob", "x", marts=[], data_sets=["street"])
    held = world.granted(of_set).declared().column_grants
    assert {mart for who, mart, _ in held if who == "bob"} == {"counted"}
    assert without(world.declared(), ["ann"]).state["row_limit"] == frozenset()


def test_a_limited_column_that_a_snapshot_lacks_shows_nothing_to_the_limited() -> None:
    asked = policy_statement("marts", "it's", ("a",), ("a", "b"))
    assert "gov.may_read('it''s')" in asked
    assert '"a"::text = any' in asked and '"b"' not in asked
    assert asked.endswith("'b')) is null)")


def test_what_people_are_told_of_their_access() -> None:
    declared, facts = WORLD.declared(), WORLD.facts
    told = access_of("bob", declared, facts, TODAY)
    assert [one["mart"] for one in told["may"]] == ["counted", "reports"]
    told = access_of("sam", declared, facts, TODAY)
    (missing,) = told["may_not"]
    assert missing["missing"][0]["who"] == "iao" and missing["mart"] == "reports"
    (held,) = told["may"]
    # The quarter since approval ends before grant, training, agreement and DPIA.
    assert (held["until"], held["ends_with"]) == (
        WORLD.grants["G-SAM-1"].until.isoformat(),
        "the grant G-SAM-1",
    )
    lapsed = WORLD.supplied(supplier("SUP-CON", "contract", "sam", contract_ref=None))
    told = access_of("sam", lapsed.declared(), facts, TODAY)
    assert "contract_ref" in told["may_not"][0]["missing"][0]["says"]
    assert "commercial services" in told["may_not"][0]["missing"][0]["who"]
    people = {one["person"] for one in readers_of("crime", declared, facts, TODAY)}
    assert people == {"ann", "bob"}
    soon = TODAY + 53 * DAY
    found = endings(WORLD.declared(soon), facts, soon)
    assert {(one["grant"], one["notice"]) for one in found} >= {("G-BOB-1", "7 days")}


@pytest.mark.parametrize("name", ["postgres", "public", "none", "a" * 64])
def test_an_id_that_the_database_has_names_no_login(name: str) -> None:
    with pytest.raises(NoSuchLogin):
        role_of(name)


def test_a_mart_of_nothing_is_admitted_by_any_purpose_and_open_to_none() -> None:
    mart = Mart("months", (MartColumn("month"),))
    assert mart.admits(["P-LE"]) and not mart.data_sets
    source = Source("street", ("P-STATISTICS",))
    assert not replace(mart, sources=(source,)).admits(["P-LE"])


def test_a_column_is_personal_by_what_it_is_made_of() -> None:
    lineage = trace(
        {
            (
                "marts",
                "m",
            ): "select p.force, p.surname, p.ethnicity, p.offence || p.age "
            "as x, c.label, count(*) over () as n, p.borough_code as area "
            "from raw.people as p join raw.codes as c on p.ethnicity = c.value"
        },
        SOURCES,
    )
    law = ColumnLaw(Origins(lineage), CONTRACTS)
    found = {
        name: column_of(law, ("marts", "m"), name)
        for name in (*lineage["marts", "m"].columns, "unknown")
    }
    assert {name: one.identifier_class for name, one in found.items()} == {
        "force": "none",
        "n": "none",
        "surname": "direct",
        "ethnicity": "sensitive",
        # A label says the code; of two, the one that says more counts.
        "label": "sensitive",
        "x": "sensitive",
        "area": "quasi",
        # What cannot be followed may hold anybody's data.
        "unknown": "direct",
    }
    assert found["x"].data_sets == {"people"} and not found["force"].is_personal
    protected = column_of(law, ("marts", "m"), "area", ["generalised_area"])
    assert protected.identifier_class == "none"
