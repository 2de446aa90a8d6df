"""The rules of a data set's record, each by what it refuses and what it lets pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from edp_platform.contracts import Contract, load_contract
from edp_platform.governance.dpia import DpiaInvalid, load_dpia
from edp_platform.governance.gate import (
    examine,
    purposes_registered,
    retention_registered,
)
from edp_platform.governance.records.base import Extension
from edp_platform.governance.records.dpia import (
    Advice,
    CommissionerConsultation,
    Dpia,
    Measure,
    Regime,
)
from edp_platform.governance.records.purpose import Purpose
from edp_platform.governance.registers import Registers

PACKAGE = Path(__file__).parents[2] / "edp_platform"
SETS = PACKAGE / "defs" / "datasets"
TODAY = date(2026, 3, 2)
DAY = timedelta(days=1)
CHECKS = frozenset({"dpia_gate", "reconciliation", "contract_quality"})


@pytest.fixture(scope="module")
def registers() -> Registers:
    return Registers(TODAY, PACKAGE / "registers")


@pytest.fixture(scope="module")
def street() -> tuple[Contract, Dpia]:
    return _read("police_uk_street")


@pytest.fixture(scope="module")
def searches() -> tuple[Contract, Dpia]:
    """Law enforcement data with special category columns."""
    return _read("stop_and_search_records")


def _read(name: str) -> tuple[Contract, Dpia]:
    folder = SETS / name
    contract = load_contract(folder / "contract.yaml")
    return contract, load_dpia(folder / "dpia.yaml", TODAY)


def _refused(
    registers: Registers,
    contract: Contract,
    dpia: Dpia,
    *,
    parent: Dpia | None = None,
    today: date = TODAY,
    checks: frozenset[str] | None = None,
    **asked: Any,
) -> dict[int | None, list[str]]:
    """Return the rules that refuse, each with what it says."""
    found: dict[int | None, list[str]] = {}
    for one in examine(
        contract,
        dpia,
        parent or registers.platform_dpia,
        layer=asked.pop("layer", "raw"),
        today=today,
        registered=registers.purposes,
        documents=registers.policy_documents,
        people=registers.people,
        checks=checks,
        **asked,
    ):
        assert str(one).startswith(f"rule {one.number}: ")
        assert "DPIA" in str(one)
        found.setdefault(one.number, []).append(str(one))
    return found


def _with(dpia: Dpia, **changed: Any) -> Dpia:
    return dpia.model_copy(update=changed)


def _entry(dpia: Dpia, **changed: Any) -> Dpia:
    """Return the record with its first entry changed."""
    first, *others = dpia.regimes
    return _with(dpia, regimes=[first.model_copy(update=changed), *others])


# ------------------------------------------------------------------------------ rule 2


def _advice(dpia: Dpia, **changed: Any) -> Dpia:
    assert dpia.dpo_advice is not None
    return _with(dpia, dpo_advice=dpia.dpo_advice.model_copy(update=changed))


def _screened(dpia: Dpia, **changed: Any) -> Dpia:
    return _with(dpia, screening=dpia.screening.model_copy(update=changed))


def _reviewed(dpia: Dpia, **changed: Any) -> Dpia:
    return _with(dpia, review=dpia.review.model_copy(update=changed))


NOT_IN_FORCE: dict[str, tuple[Callable[[Dpia], Dpia], str]] = {
    "screening": (lambda one: _with(one, status="screening"), "not approved"),
    "draft": (lambda one: _with(one, status="draft"), "not approved"),
    "with the officer": (lambda one: _with(one, status="dpo_review"), "not approved"),
    "expired": (lambda one: _with(one, status="expired"), "not approved"),
    "withdrawn": (lambda one: _with(one, status="withdrawn"), "not approved"),
    "advice pending": (lambda one: _advice(one, outcome="pending"), "is pending"),
    "no advice": (lambda one: _with(one, dpo_advice=None), "no advice"),
    "overruled, no reason": (
        lambda one: _advice(one, outcome="overruled"),
        "with no reason",
    ),
    "overruled, a blank reason": (
        lambda one: _advice(one, outcome="overruled", overrule_reason="  "),
        "with no reason",
    ),
    "screened tomorrow": (lambda one: _screened(one, on=TODAY + DAY), "future"),
    "advised tomorrow": (lambda one: _advice(one, on=TODAY + DAY), "future"),
    "signed tomorrow": (
        lambda one: _with(
            one,
            sign_off=[one.sign_off[0].model_copy(update={"on": TODAY + DAY})],
        ),
        "future",
    ),
    "reviewed tomorrow": (lambda one: _reviewed(one, last=TODAY + DAY), "future"),
    "due yesterday": (lambda one: _reviewed(one, due=TODAY - DAY), "was due"),
    "due in thirteen months": (
        lambda one: _reviewed(one, last=TODAY, due=TODAY + 396 * DAY),
        "more than twelve months",
    ),
    "due twelve months and a day on": (
        lambda one: _reviewed(one, last=TODAY, due=date(2027, 3, 3)),
        "more than twelve months",
    ),
}


@pytest.mark.parametrize("whose", ["own", "overarching"])
@pytest.mark.parametrize("case", NOT_IN_FORCE)
def test_rule_02_refuses_a_record_that_is_not_in_force(
    registers: Registers, street: tuple[Contract, Dpia], case: str, whose: str
) -> None:
    change, said = NOT_IN_FORCE[case]
    contract, dpia = street
    if whose == "own":
        found = _refused(registers, contract, change(dpia))
    else:
        parent = change(registers.platform_dpia)
        found = _refused(registers, contract, dpia, parent=parent)
    assert set(found) == {2}
    assert any(said in one for one in found[2])


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one,
        lambda one: _advice(
            one, outcome="overruled", overrule_reason="The risk is low."
        ),
        lambda one: _screened(one, on=TODAY),
        lambda one: _reviewed(one, due=TODAY),
        lambda one: _reviewed(one, last=TODAY, due=date(2027, 3, 2)),
    ],
    ids=[
        "as it is",
        "overruled with reason",
        "screened today",
        "due today",
        "a year on",
    ],
)
def test_rule_02_passes_a_record_in_force(
    registers: Registers, street: tuple[Contract, Dpia], change: Callable[[Dpia], Dpia]
) -> None:
    contract, dpia = street
    assert _refused(registers, contract, change(dpia)) == {}


def test_rule_02_refuses_another_data_set_another_major_and_no_parent(
    registers: Registers, street: tuple[Contract, Dpia]
) -> None:
    contract, dpia = street
    other = replace(contract, dpia_ref="DPIA-OTHER")
    assert set(_refused(registers, other, dpia)) == {2}
    assert set(_refused(registers, replace(contract, version="2.0.0"), dpia)) == {2}
    orphan = _with(dpia, parent="DPIA-NONE")
    assert set(_refused(registers, contract, orphan)) == {2}
    assert set(_refused(registers, contract, _with(dpia, scope=None))) == {2}


def _extended(
    dpia: Dpia,
    *,
    by: str = "siro",
    days_late: int = 3,
    until: int = 14,
    on: date = TODAY,
) -> Dpia:
    """Return a record due some days ago, put off by so many days after."""
    due = TODAY - days_late * DAY
    granted = Extension(by=by, on=on, until=due + until * DAY, reason="the lead is ill")
    return _reviewed(dpia, due=due, extension=granted)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"by": "iao-crime"}, "not the senior information risk owner"),
        ({"by": "nobody"}, "not the senior information risk owner"),
        ({"until": 15}, "more than 14 days"),
        ({"on": TODAY + DAY}, "future"),
        ({"days_late": 15}, "was due"),
        ({"days_late": 5, "until": 4}, "was due"),
    ],
    ids=[
        "an owner",
        "nobody",
        "fifteen days",
        "granted tomorrow",
        "over",
        "shorter, over",
    ],
)
def test_rule_02_refuses_an_extension_that_is_not_one(
    registers: Registers,
    street: tuple[Contract, Dpia],
    given: dict[str, Any],
    said: str,
) -> None:
    contract, dpia = street
    found = _refused(registers, contract, _extended(dpia, **given))
    assert set(found) == {2}
    assert said in found[2][0]


@pytest.mark.parametrize("days_late", [1, 14])
def test_rule_02_passes_within_an_extension(
    registers: Registers, street: tuple[Contract, Dpia], days_late: int
) -> None:
    contract, dpia = street
    assert _refused(registers, contract, _extended(dpia, days_late=days_late)) == {}


# ------------------------------------------------------------------------ rules 3 and 4


def test_rule_03_refuses_a_column_that_nobody_assessed(
    registers: Registers, street: tuple[Contract, Dpia]
) -> None:
    contract, dpia = street
    columns = [*contract.column_names, "religion"]
    found = _refused(registers, contract, dpia, columns=columns)
    assert set(found) == {3}
    assert "religion" in found[3][0]


def test_rule_03_passes_columns_that_are_covered(
    registers: Registers, street: tuple[Contract, Dpia]
) -> None:
    contract, dpia = street
    assert _refused(registers, contract, dpia, columns=["crime_type"]) == {}
    assert _refused(registers, contract, dpia, columns=[]) == {}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"layer": "sandbox"}, "the layer `sandbox`"),
        ({"purposes": ["P-FAIRNESS"]}, "the purpose P-FAIRNESS"),
        ({"use_case": "facial_matching"}, "the use case facial_matching"),
    ],
    ids=["layer", "purpose", "use case"],
)
def test_rule_04_refuses_a_use_outside_the_scope(
    registers: Registers,
    street: tuple[Contract, Dpia],
    asked: dict[str, Any],
    said: str,
) -> None:
    contract, dpia = street
    found = _refused(registers, contract, dpia, **asked)
    assert set(found) == {4}
    assert said in found[4][0]


def test_rule_04_refuses_a_purpose_that_rests_on_no_entry(
    registers: Registers, street: tuple[Contract, Dpia]
) -> None:
    contract, dpia = street
    fewer = [one for one in dpia.regimes if one.purpose != "P-NEIGHBOURHOOD"]
    found = _refused(registers, contract, _with(dpia, regimes=fewer))
    assert set(found) == {4}
    assert "no regime and no law" in found[4][0]


def test_rule_04_refuses_a_purpose_on_no_register(
    registers: Registers, street: tuple[Contract, Dpia]
) -> None:
    contract, _ = street
    other = replace(contract, purposes=("P-STATISTICS", "P-NONE"))
    (refusal,) = purposes_registered(other, registers.purposes)
    assert refusal.number == 4 and "P-NONE" in str(refusal)
    assert purposes_registered(contract, registers.purposes) == ()


def test_rule_04_passes_a_use_within_the_scope(
    registers: Registers, street: tuple[Contract, Dpia]
) -> None:
    contract, dpia = street
    asked = {
        "layer": "mart",
        "purposes": ["P-NEIGHBOURHOOD"],
        "use_case": "neighbourhood_crime",
    }
    assert _refused(registers, contract, dpia, **asked) == {}


# ------------------------------------------------------------------------------ rule 5


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sch8": []}, "no condition of Schedule 8"),
        ({"sch8": [10]}, "does not have (10)"),
        ({"apd_ref": None}, "no appropriate policy document"),
        ({"apd_ref": "APD-99"}, "not on record"),
        ({"sensitive": False}, "not marked sensitive"),
        ({"s35": "consent", "apd_ref": None}, "no appropriate policy document"),
    ],
    ids=[
        "no condition",
        "no such paragraph",
        "no document",
        "no such document",
        "hidden by not saying so",
        "consent without a document",
    ],
)
def test_rule_05_refuses_sensitive_processing_without_its_conditions(
    registers: Registers,
    searches: tuple[Contract, Dpia],
    changed: dict[str, Any],
    said: str,
) -> None:
    contract, dpia = searches
    assert dpia.regimes[0].regime == "part3" and dpia.regimes[0].sensitive
    found = _refused(registers, contract, _entry(dpia, **changed))
    assert set(found) == {5}
    assert said in found[5][0]


def test_rule_05_refuses_under_a_policy_document_past_its_review(
    registers: Registers, searches: tuple[Contract, Dpia]
) -> None:
    contract, dpia = searches
    name = str(dpia.regimes[0].apd_ref)
    old = registers.policy_documents[name].model_copy(
        update={"review_due": TODAY - DAY}
    )
    found = examine(
        contract,
        dpia,
        registers.platform_dpia,
        layer="raw",
        today=TODAY,
        documents={**registers.policy_documents, name: old},
    )
    assert {one.number for one in found} == {5}


@pytest.mark.parametrize("changed", [{}, {"s35": "consent", "sch8": []}])
def test_rule_05_passes_with_condition_or_consent_and_a_document(
    registers: Registers, searches: tuple[Contract, Dpia], changed: dict[str, Any]
) -> None:
    contract, dpia = searches
    assert _refused(registers, contract, _entry(dpia, **changed)) == {}


# ------------------------------------------------------------------------------ rule 6


def _general(**stated: Any) -> Regime:
    whole = {
        "regime": "part2",
        "purpose": "P-STATISTICS",
        "law": "Police Act 1996 s.44",
        "art6": "e",
        "art10_sch1": [4],
    }
    return Regime(**{**whole, **stated})


def _for_statistics(dpia: Dpia, entry: Regime | None) -> Dpia:
    """Return the record with P-STATISTICS in scope, under this entry."""
    assert dpia.scope is not None
    others = [one for one in dpia.regimes if one.purpose != "P-STATISTICS"]
    scope = dpia.scope.model_copy(
        update={"purposes": [*dpia.scope.purposes, "P-STATISTICS"]}
    )
    entries = [*others, entry] if entry else others
    return _with(dpia, scope=scope, regimes=entries)


@pytest.mark.parametrize("field", ["law", "art6", "art10_sch1"])
def test_rule_06_refuses_a_general_use_that_names_no_law(
    registers: Registers, searches: tuple[Contract, Dpia], field: str
) -> None:
    contract, dpia = searches
    blank: Any = [] if field == "art10_sch1" else None
    changed = _for_statistics(dpia, _general(**{field: blank}))
    found = _refused(registers, contract, changed, purposes=["P-STATISTICS"])
    assert set(found) == {6}
    assert field in found[6][0] and "s.36(4)" in found[6][0]


def test_rule_06_refuses_a_general_use_without_an_entry_of_its_own(
    registers: Registers, searches: tuple[Contract, Dpia]
) -> None:
    contract, dpia = searches
    changed = _for_statistics(dpia, None)
    found = _refused(registers, contract, changed, purposes=["P-STATISTICS"])
    assert 6 in found


@pytest.mark.parametrize(
    "mixed",
    [{"s35": "necessary_for_task"}, {"sch8": [1]}, {"sensitive": True}],
    ids=["s.35", "Schedule 8", "sensitive"],
)
def test_rule_06_refuses_part_2_and_part_3_under_one_entry(
    registers: Registers, searches: tuple[Contract, Dpia], mixed: dict[str, Any]
) -> None:
    contract, dpia = searches
    found = _refused(registers, contract, _for_statistics(dpia, _general(**mixed)))
    assert set(found) == {6}
    assert "never stand in one entry" in found[6][0]


def test_rule_06_refuses_a_law_enforcement_entry_with_general_conditions(
    registers: Registers, searches: tuple[Contract, Dpia]
) -> None:
    contract, dpia = searches
    found = _refused(registers, contract, _entry(dpia, art6="e"))
    assert set(found) == {6}


def test_rule_06_refuses_a_purpose_under_the_other_regime(
    registers: Registers, searches: tuple[Contract, Dpia]
) -> None:
    contract, dpia = searches
    wrong = _for_statistics(
        dpia,
        Regime(
            regime="part3",
            purpose="P-STATISTICS",
            s35="necessary_for_task",
            sensitive=True,
            sch8=[9],
            apd_ref="APD-02",
        ),
    )
    found = _refused(registers, contract, wrong)
    assert 6 in found and "the register says part2" in found[6][0]


def test_rule_06_refuses_when_the_entry_is_unknown_to_the_register(
    registers: Registers, searches: tuple[Contract, Dpia]
) -> None:
    """Without a register of purposes the entry's own word is taken, and still asked."""
    contract, dpia = searches
    changed = _for_statistics(dpia, _general(law=None))
    found = examine(
        contract,
        changed,
        registers.platform_dpia,
        layer="raw",
        today=TODAY,
        purposes=["P-STATISTICS"],
    )
    assert [one.number for one in found] == [6]


def test_rule_06_passes_a_general_use_that_the_law_authorises(
    registers: Registers, searches: tuple[Contract, Dpia]
) -> None:
    contract, dpia = searches
    changed = _for_statistics(dpia, _general())
    assert _refused(registers, contract, changed, purposes=["P-STATISTICS"]) == {}


def test_rule_06_passes_general_data_for_a_general_purpose(
    registers: Registers, street: tuple[Contract, Dpia]
) -> None:
    contract, dpia = street
    assert contract.regime == "part2"
    assert all(one.law is None for one in dpia.regimes)
    assert _refused(registers, contract, dpia) == {}


def test_every_purpose_is_of_one_regime(registers: Registers) -> None:
    regimes = {name: one.regime for name, one in registers.purposes.items()}
    assert regimes["P-LE-CRIME"] == "part3" and regimes["P-DEMAND"] == "part2"
    with pytest.raises(ValueError, match="regime"):
        Purpose.model_validate(
            registers.purposes["P-DEMAND"].model_dump() | {"regime": "both"}
        )


# ------------------------------------------------------------------------------ rule 7


def _high(dpia: Dpia) -> Dpia:
    first, *others = dpia.risks
    return _with(dpia, risks=[first.model_copy(update={"residual": "high"}), *others])


@pytest.mark.parametrize(
    "asked",
    [
        None,
        CommissionerConsultation(required=True),
        CommissionerConsultation(required=False, ref=None),
        CommissionerConsultation(required=True, ref="  "),
        CommissionerConsultation(required=True, ref="IC-1", on=TODAY + DAY),
    ],
    ids=["not asked", "no reference", "said not needed", "blank", "answered tomorrow"],
)
@pytest.mark.parametrize("whose", ["own", "overarching"])
def test_rule_07_refuses_a_high_residual_risk_without_the_commissioner(
    registers: Registers,
    street: tuple[Contract, Dpia],
    asked: CommissionerConsultation | None,
    whose: str,
) -> None:
    contract, dpia = street
    if whose == "own":
        found = _refused(
            registers, contract, _with(_high(dpia), ico_consultation=asked)
        )
    else:
        parent = _with(_high(registers.platform_dpia), ico_consultation=asked)
        found = _refused(registers, contract, dpia, parent=parent)
    assert set(found) == {7}


def test_rule_07_passes_once_the_commissioner_answered(
    registers: Registers, street: tuple[Contract, Dpia]
) -> None:
    contract, dpia = street
    answered = CommissionerConsultation(required=True, ref="IC-1234", on=TODAY)
    changed = _with(_high(dpia), ico_consultation=answered)
    assert _refused(registers, contract, changed) == {}
    assert _refused(registers, contract, dpia) == {}


# ------------------------------------------------------------------------------ rule 8


@pytest.mark.parametrize(
    "change",
    [
        lambda one: _with(one, author=one.sign_off[0].by),
        lambda one: _with(one, author="dpo"),
        lambda one: _advice(one, by=one.sign_off[0].by),
        lambda one: _with(
            _extended(one, days_late=1), author="siro", sign_off=one.sign_off
        ),
    ],
    ids=["author signs", "officer writes", "officer signs", "author puts it off"],
)
def test_rule_08_refuses_duties_in_one_hand(
    registers: Registers, street: tuple[Contract, Dpia], change: Callable[[Dpia], Dpia]
) -> None:
    contract, dpia = street
    found = _refused(registers, contract, change(dpia))
    assert set(found) == {8}
    assert all("separation of duty" in one for one in found[8])


def test_rule_08_refuses_to_read_such_a_record_at_all(tmp_path: Path) -> None:
    text = (SETS / "police_uk_street" / "dpia.yaml").read_text(encoding="utf-8")
    path = tmp_path / "dpia.yaml"
    path.write_text(text.replace("author: crime-data-lead", "author: iao-crime"))
    with pytest.raises(DpiaInvalid, match=r"dpia.yaml:\d+: rule 8: ") as caught:
        load_dpia(path, TODAY)
    assert [one.number for one in caught.value.refusals] == [8]


def test_rule_08_passes_three_different_people(
    registers: Registers, street: tuple[Contract, Dpia]
) -> None:
    contract, dpia = street
    assert isinstance(dpia.dpo_advice, Advice)
    hands = {dpia.author, dpia.dpo_advice.by, *(one.by for one in dpia.sign_off)}
    assert len(hands) >= 3
    assert _refused(registers, contract, dpia) == {}


# ---------------------------------------------------------------------- rules 11 and 15


def _measures(dpia: Dpia, *measures: Measure) -> Dpia:
    first, *others = dpia.risks
    changed = first.model_copy(update={"measures": list(measures)})
    return _with(dpia, risks=[changed, *others])


@pytest.mark.parametrize(
    "measure",
    [
        Measure(effect="reduced", check="suppression_of_small_counts"),
        Measure(effect="reduced", description="staff are told to be careful"),
    ],
    ids=["a check that no asset has", "no check at all"],
)
@pytest.mark.parametrize("whose", ["own", "overarching"])
def test_rule_11_refuses_a_measure_that_does_not_exist(
    registers: Registers, street: tuple[Contract, Dpia], measure: Measure, whose: str
) -> None:
    contract, dpia = street
    if whose == "own":
        found = _refused(registers, contract, _measures(dpia, measure), checks=CHECKS)
    else:
        parent = _measures(registers.platform_dpia, measure)
        found = _refused(registers, contract, dpia, parent=parent, checks=CHECKS)
    assert set(found) == {11}


def test_rule_11_passes_measures_that_assets_have(
    registers: Registers, street: tuple[Contract, Dpia]
) -> None:
    contract, dpia = street
    assert _refused(registers, contract, dpia, checks=CHECKS) == {}
    accepted = _measures(dpia, Measure(effect="accepted"))
    assert _refused(registers, contract, accepted, checks=CHECKS) == {}


@pytest.mark.parametrize("rule", ["", "NO-SUCH-RULE"])
def test_rule_15_refuses_a_retention_rule_on_no_schedule(
    registers: Registers, street: tuple[Contract, Dpia], rule: str
) -> None:
    contract, _ = street
    changed = replace(contract, retention_rule=rule)
    (refusal,) = retention_registered(changed, registers.retention_rules)
    assert refusal.number == 15 and str(refusal).startswith("rule 15: ")


def test_rule_15_refuses_a_record_that_names_another_rule(
    registers: Registers, street: tuple[Contract, Dpia]
) -> None:
    contract, dpia = street
    other = _with(dpia, retention_rule="PUBLIC-REFERENCE")
    (refusal,) = retention_registered(contract, registers.retention_rules, other)
    assert refusal.number == 15


def test_rule_15_passes_a_registered_rule(
    registers: Registers, street: tuple[Contract, Dpia]
) -> None:
    contract, dpia = street
    assert retention_registered(contract, registers.retention_rules, dpia) == ()
