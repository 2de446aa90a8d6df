"""The rules of grants, each by what it refuses and what it lets pass."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import edp_platform
from edp_platform.access.rules import last_of_s93
from edp_platform.governance.overview import _records_overdue
from edp_platform.governance.records.grant import Grant
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.registers import Registers
from tests.access_room import DAY, NAMED, TODAY, World, grant, looked, person, supplier

Change = Callable[[World], World]


def _numbers(refusals: tuple[Refusal, ...]) -> set[int | None]:
    for one in refusals:
        assert one.missing and one.why and one.next_step
    return {one.number for one in refusals}


def _personal(identity: str = "G-SAM-2", **changed: Any) -> Grant:
    """A contract supplier's grant of a column about people."""
    given = {"kind": "contract", "columns": ["force", "report_id"], **changed}
    return grant(identity, "sam", "reports", **given)


def _processor(**changed: Any) -> Any:
    given = {
        "data_class": "personal",
        "processing_contract_ref": "PC-1",
        "dpia_refs": ["DPIA-crime"],
    }
    return supplier("SUP-CON", "contract", "sam", **{**given, **changed})


def _s93(identity: str, start: int, end: int, **changed: Any) -> Grant:
    days = {
        "starts": (TODAY + start * DAY).isoformat(),
        "until": (TODAY + end * DAY).isoformat(),
    }
    return grant(identity, changed.pop("who", "pia"), "counted", kind="s93", **days)


def test_every_grant_of_the_made_up_force_is_live() -> None:
    world = World()
    assert [one for one in world.declared().judged if not one.is_live] == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"approved_by": "lead"}, "who asked for it"),
        ({"requested_by": "ann", "approved_by": "ann"}, "who asked for it"),
        ({"approved_by": "bob"}, "no information asset owner"),
        ({"approved_by": "nobody"}, "no information asset owner"),
        ({"approved_on": (TODAY + DAY).isoformat()}, "in the future"),
        ({"approved_on": (TODAY - 13 * DAY).isoformat()}, "before it was asked for"),
        ({"status": "requested"}, "not approved"),
        ({"status": "refused"}, "was refused"),
        ({"status": "revoked", "revoked_on": TODAY.isoformat()}, "taken back"),
    ],
)
def test_rule_08_refuses_a_grant_nobody_else_approved(
    changed: dict[str, Any], said: str
) -> None:
    world = World().granted(grant("G-ANN-2", "ann", "counted", **changed))
    found = world.refused("G-ANN-2")
    assert _numbers(found) == {8} and said in str(found[0])
    assert ("ann", "counted", "n") not in world.declared().column_grants


def test_rule_08_passes_a_grant_that_another_approved() -> None:
    assert World().refused("G-ANN-2") == ()
    asked_by_herself = grant("G-ANN-2", "ann", "counted", requested_by="ann")
    assert World().granted(asked_by_herself).refused("G-ANN-2") == ()


def _state(**changed: Any) -> Change:
    from dataclasses import replace

    def change(world: World) -> World:
        state = replace(world.states["crime"], **changed)
        return world.but(states={**world.states, "crime": state})

    return change


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda w: _again(w, until=(TODAY - DAY).isoformat()), "grant-dates"),
        (lambda w: _again(w, starts=(TODAY + DAY).isoformat()), "grant-dates"),
        (lambda w: _again(w, person="nobody"), "grant-person"),
        (lambda w: _again(w, kind="contract"), "grant-person"),
        (lambda w: w.peopled(person("ann", left=TODAY.isoformat())), "grant-left"),
        (
            lambda w: w.peopled(person("ann", information_and_you=None)),
            "grant-training",
        ),
        (
            lambda w: w.peopled(
                person("ann", information_and_you=(TODAY - 366 * DAY).isoformat())
            ),
            "grant-training",
        ),
        (
            lambda w: w.peopled(
                person("ann", information_and_you=(TODAY + DAY).isoformat())
            ),
            "grant-training",
        ),
        (lambda w: w.peopled(person("ann", vetting="nppv1")), "grant-vetting"),
        (lambda w: w.peopled(person("ann", vetting_until=None)), "grant-vetting"),
        (
            lambda w: w.peopled(person("ann", vetting_until=(TODAY - DAY).isoformat())),
            "grant-vetting",
        ),
        (lambda w: _again(w, purposes=["P-UNKNOWN"]), "grant-purpose"),
        (_state(is_open=False), "grant-dpia"),
        (_state(good_until=TODAY - DAY), "grant-dpia"),
        (_state(good_until=None), "grant-dpia"),
        (lambda w: w.but(states={"street": w.states["street"]}), "grant-dpia"),
        (lambda w: _again(w, marts=["no_such_mart"]), "grant-names"),
        (lambda w: _again(w, columns=["no_such_column"]), "grant-names"),
        (lambda w: _again(w, rows={"no_such_column": ["a"]}), "grant-names"),
    ],
)
def test_rule_18_refuses_a_grant_that_is_not_live(change: Change, rule: str) -> None:
    world = change(World())
    found = world.refused("G-ANN-1")
    assert rule in {one.rule for one in found} and 18 in _numbers(found)
    declared = world.declared()
    assert not any(row[0] == "G-ANN-1" for row in declared.state["entitlement"])
    assert ("ann", "reports", "report_id") not in declared.column_grants


def _again(world: World, **changed: Any) -> World:
    given = {"columns": ["force", "report_id", "offence"], **changed}
    who = given.pop("person", "ann")
    mart = given.pop("marts", ["reports"])[0]
    return world.granted(grant("G-ANN-1", who, mart, **given))


def test_rule_18_passes_what_is_live_to_its_last_day() -> None:
    ends = World().grants["G-ANN-1"].until
    world = _state(good_until=ends)(World())
    assert world.refused("G-ANN-1", ends) == ()
    assert world.refused("G-ANN-1", ends + DAY) != ()
    # Nothing about people is asked of somebody with neither training nor vetting.
    assert World().refused("G-BOB-1") == ()
    assert ("bob", "reports", "n") in World().declared().column_grants


def test_rule_18_refuses_an_id_that_two_people_carry() -> None:
    world = World().supplied(supplier("SUP-CON", "contract", "ann"))
    assert {one.rule for one in world.refused("G-ANN-2")} >= {"grant-person"}
    assert "ann" not in world.declared().logins


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 1, 1), date(2026, 6, 30)),
        (date(2025, 8, 31), date(2026, 2, 27)),
        (date(2026, 3, 15), date(2026, 9, 14)),
    ],
)
def test_six_months_end_on_the_day_before(first: date, last: date) -> None:
    assert last_of_s93(first) == last


@pytest.mark.parametrize(
    "grants",
    [
        [_s93("G-PIA-1", -10, 180)],
        [_s93("G-PIA-0", -100, 10), _s93("G-PIA-1", -10, 100)],  # overlapping
        [_s93("G-PIA-0", -300, -200), _s93("G-PIA-1", -10, 30)],  # after a gap
        [_s93("G-PIA-0", -150, -100, who="pip"), _s93("G-PIA-1", -10, 60)],  # the firm
    ],
    ids=["too long", "renewed by overlap", "renewed after a gap", "by a colleague"],
)
def test_rule_19_refuses_pro_bono_beyond_six_months(grants: list[Grant]) -> None:
    # The firm has a second record, under which its first grant was given.
    second = supplier("SUP-S93-2", "s93", "pip", name="FIRM of Pia ")
    world = World().supplied(second).granted(*grants)
    assert _numbers(world.refused("G-PIA-1")) == {19}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"until": (TODAY + 301 * DAY).isoformat()}, "agreement with SUP-CON ends"),
        (
            {
                "requested_on": (TODAY - 101 * DAY).isoformat(),
                "approved_on": (TODAY - 100 * DAY).isoformat(),
                "recertified": looked(TODAY - 93 * DAY),
            },
            "more than 92 days",
        ),
        (
            {
                "requested_on": (TODAY - 101 * DAY).isoformat(),
                "approved_on": (TODAY - 100 * DAY).isoformat(),
                "recertified": looked(TODAY + DAY),
            },
            "more than 92 days",
        ),
    ],
    ids=["past the contract", "a quarter ago", "a look to come"],
)
def test_rule_19_refuses_a_contract_grant_beyond_its_term(
    change: dict[str, Any], said: str
) -> None:
    given = {"kind": "contract", "starts": (TODAY - 90 * DAY).isoformat(), **change}
    world = World().granted(grant("G-SAM-1", "sam", "counted", **given))
    found = world.refused("G-SAM-1")
    assert _numbers(found) == {19} and said in str(found[0])


def test_rule_19_passes_six_months_and_a_quarter() -> None:
    whole = (last_of_s93(TODAY) - TODAY).days
    assert World().granted(_s93("G-PIA-1", 0, whole)).refused("G-PIA-1") == ()
    given = {
        "kind": "contract",
        "requested_on": (TODAY - 101 * DAY).isoformat(),
        "approved_on": (TODAY - 100 * DAY).isoformat(),
        "recertified": looked(TODAY - 92 * DAY),
    }
    world = World().granted(grant("G-SAM-1", "sam", "counted", **given))
    assert world.refused("G-SAM-1") == ()


@pytest.mark.parametrize(
    ("change", "named", "said"),
    [
        ({"data_class": "aggregate"}, True, "may see `aggregate` data"),
        ({"processing_contract_ref": None}, True, "has no processing contract"),
        (
            {"processing_contract_ends": (TODAY - DAY).isoformat()},
            True,
            "processing contract of SUP-CON ended",
        ),
        ({"dpia_refs": []}, True, "no DPIA of crime names"),
        ({}, False, "no DPIA of crime names"),
    ],
)
def test_rule_20_refuses_personal_data_to_a_supplier(
    change: dict[str, Any], named: bool, said: str
) -> None:
    world = World().supplied(_processor(**change)).granted(_personal())
    world = world.but(named=(NAMED,) if named else ())
    found = world.refused("G-SAM-2")
    assert _numbers(found) == {20} and any(said in str(one) for one in found)


def test_rule_20_passes_a_processor_that_the_dpia_names() -> None:
    world = World().supplied(_processor()).granted(_personal()).but(named=(NAMED,))
    assert world.refused("G-SAM-2") == ()
    # Open data is all that some firms may see.
    firm = supplier("SUP-CON", "contract", "sam", data_class="open")
    assert World().supplied(firm).refused("G-SAM-1") == ()
    inside = grant("G-SAM-2", "sam", "reports", kind="contract")
    assert _numbers(World().supplied(firm).granted(inside).refused("G-SAM-2")) == {20}


@pytest.mark.parametrize(
    "change",
    [
        {"single_point_of_contact": None},
        {"contract_ref": None},
        {"work_package": None},
        {"ownership_of_work": " "},
        {"force_lead_conflict_form": None},
        {"force_lead_contract_training": (TODAY + DAY).isoformat()},
        {
            "closed": {
                "on": TODAY.isoformat(),
                "by": "lead",
                "extracts": "none",
                "handover": "all",
            }
        },
    ],
)
def test_rule_21_refuses_a_firm_that_was_not_brought_on(change: dict[str, Any]) -> None:
    world = World().supplied(supplier("SUP-CON", "contract", "sam", **change))
    assert _numbers(world.refused("G-SAM-1")) == {21}
    assert not world.declared().logins["sam"]
    held = {row[0] for row in world.declared().state["supplier_state"]}
    assert held == {"SUP-S93"}


def test_rule_21_refuses_one_of_its_people_and_not_the_others() -> None:
    firm = supplier("SUP-CON", "contract", "sam")
    new = firm.people[0].model_copy(
        update={"id": "sue", "conflict_of_interest_form": None}
    )
    firm = firm.model_copy(update={"people": [*firm.people, new]})
    world = World().supplied(firm)
    world = world.granted(grant("G-SUE-1", "sue", "counted", kind="contract"))
    assert _numbers(world.refused("G-SUE-1")) == {21}
    assert world.refused("G-SAM-1") == ()


def test_rule_21_passes_people_of_the_force() -> None:
    assert World().refused("G-ANN-1") == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"marts": ["*"], "columns": ["n"]}, "stands alone"),
        ({"marts": []}, "either `marts` or `data_sets`"),
        ({"marts": ["a", "b"], "columns": ["n"]}, "name one"),
        ({"identifier_classes": []}, "either `columns` or"),
        ({"rows": {"force": []}}, "at least one value"),
        ({"until": (TODAY - 30 * DAY).isoformat()}, "comes after"),
        ({"approved_by": None}, "names `approved_by`"),
        ({"status": "revoked"}, "names `revoked_on`"),
    ],
)
def test_a_grant_that_says_too_little_is_no_record(
    changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        grant("G-1", "ann", "counted", **changed)


def test_a_quarter_that_nobody_looked_in_is_overdue() -> None:
    registers = Registers(TODAY, Path(edp_platform.__file__).parent / "registers")
    assert registers.grants and registers.grants.faults == ()

    def overdue(today: date) -> list[str]:
        found = _records_overdue(registers, today)
        return [one.name for one in found if one.kind == "grant"]

    assert overdue(TODAY) == [] and overdue(TODAY + 91 * DAY) == []
    assert overdue(TODAY + 92 * DAY) == ["G-NORTHGATE-1"]
