"""The rules of a use case, each by what it refuses and what it lets pass."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from edp_platform.governance import delivery, equality_rules, supplier_rules
from edp_platform.governance.records.eqia import CHARACTERISTICS, Eqia
from edp_platform.governance.records.model_record import ModelRecord
from edp_platform.governance.records.supplier_review import SupplierReview
from edp_platform.governance.records.use_case import (
    EqualityShown,
    Product,
    SignedReason,
    StageChange,
    UseCaseRecord,
)
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.registers import Registers
from edp_platform.governance.review_pack.decided import DecidedPacks
from edp_platform.home import Home
from edp_platform.use_cases import UseCaseFolder, UseCases
from tests import supplier_reviewed
from tests.supplier_reviewed import SUPPLIER

PACKAGE = Path(__file__).parents[2] / "edp_platform"
TODAY = date(2026, 3, 2)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def registers() -> Registers:
    return Registers(TODAY, PACKAGE / "registers")


@pytest.fixture(scope="module")
def use_case(registers: Registers, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """At `evolve`, in its second sprint, with a supplier."""
    home = Home.open(TODAY, tmp_path_factory.mktemp("home"))
    found = UseCases.load(home, PACKAGE / "defs", registers)
    one = found.by_name["performance_framework"]
    assert one.stated.stage == "evolve" and one.stated.sprint.number == 2
    assert one.refusals(TODAY) == ()
    return one


@pytest.fixture
def record(use_case: UseCaseFolder) -> UseCaseRecord:
    return use_case.record


@pytest.fixture
def eqia(use_case: UseCaseFolder) -> Eqia:
    return use_case.eqia


def _numbers(refusals: tuple[Refusal, ...]) -> set[int | None]:
    for one in refusals:
        assert one.missing and one.why and one.next_step
        assert str(one).startswith(f"rule {one.number}: ")
    return {one.number for one in refusals}


def _sprint(record: UseCaseRecord, number: int, **changed: Any) -> UseCaseRecord:
    sprints = [
        one.model_copy(update=changed) if one.number == number else one
        for one in record.sprints
    ]
    return record.model_copy(update={"sprints": sprints})


# ----------------------------------------------------------------------- rules 9 and 46


def _dpia_asked(
    registers: Registers,
    record: UseCaseRecord,
    *,
    sprint: int = 2,
    last: date | None = TODAY - 30 * DAY,
    reviews: Any = None,
) -> tuple[Refusal, ...]:
    platform = registers.platform_dpia
    review = platform.review.model_copy(update={"last": last})
    held = registers.platform_reviews if reviews is None else reviews
    return delivery.platform_dpia_reviewed(
        record, sprint, platform.model_copy(update={"review": review}), held, TODAY
    )


@pytest.mark.parametrize(
    ("delivered", "last", "refused"),
    [
        (40, 41, True),
        (40, 40, False),
        (40, 39, False),
        (40, None, True),
    ],
    ids=["the day before", "the same day", "the day after", "never"],
)
def test_rule_09_refuses_a_sprint_after_a_delivery_nobody_reviewed(
    registers: Registers,
    record: UseCaseRecord,
    delivered: int,
    last: int | None,
    refused: bool,
) -> None:
    changed = _sprint(record, 1, delivered_on=TODAY - delivered * DAY)
    day = None if last is None else TODAY - last * DAY
    found = _dpia_asked(registers, changed, last=day)
    assert _numbers(found) == ({9} if refused else set())
    if refused:
        assert "DPIA" in str(found[0])


def test_rule_09_refuses_without_a_review_on_record(
    registers: Registers, record: UseCaseRecord
) -> None:
    assert _numbers(_dpia_asked(registers, record, reviews={})) == {9}
    (other,) = [
        one
        for one in registers.platform_reviews.values()
        if one.use_case == "neighbourhood_crime"
    ]
    assert _numbers(_dpia_asked(registers, record, reviews={other.id: other})) == {9}
    (own,) = [
        one for one in registers.platform_reviews.values() if one.use_case == record.id
    ]
    for changed in ({"outcome": "stop"}, {"on": TODAY + DAY}):
        held = {own.id: own.model_copy(update=changed)}
        assert _numbers(_dpia_asked(registers, record, reviews=held)) == {9}


@pytest.mark.parametrize("status", ["delivered", "closed"])
def test_rule_09_refuses_delivered_before_the_review(
    registers: Registers, record: UseCaseRecord, status: str
) -> None:
    """Also where no later sprint is asked for: the mark itself asks."""
    first = record.model_copy(update={"status": status, "sprints": record.sprints[:1]})
    late = TODAY - 41 * DAY
    assert _numbers(_dpia_asked(registers, first, sprint=1, last=late)) == {9}
    undelivered = _sprint(first, 1, delivered_on=None)
    assert _numbers(_dpia_asked(registers, undelivered, sprint=1)) == {9}


def test_rule_09_refuses_without_an_overarching_record(
    registers: Registers, record: UseCaseRecord
) -> None:
    found = delivery.platform_dpia_reviewed(
        record, 2, None, registers.platform_reviews, TODAY
    )
    assert _numbers(found) == {9}


def test_rule_09_passes_after_the_review_and_within_the_sprint(
    registers: Registers, record: UseCaseRecord
) -> None:
    assert _dpia_asked(registers, record) == ()
    # The sprint that delivered may go on running; only the next one waits.
    assert _dpia_asked(registers, record, sprint=1, last=None) == ()
    done = record.model_copy(update={"status": "delivered"})
    assert _dpia_asked(registers, done) == ()


def _eqia_asked(
    registers: Registers, record: UseCaseRecord, last: date | None, sprint: int = 2
) -> tuple[Refusal, ...]:
    platform = registers.platform_eqia
    review = platform.review.model_copy(update={"last": last})
    changed = platform.model_copy(update={"review": review})
    return equality_rules.platform_equality_reviewed(record, sprint, changed, TODAY)


@pytest.mark.parametrize("last", [None, TODAY - 41 * DAY, TODAY + DAY])
def test_rule_46_refuses_before_the_platforms_equality_review(
    registers: Registers, record: UseCaseRecord, last: date | None
) -> None:
    assert _numbers(_eqia_asked(registers, record, last)) == {46}
    done = record.model_copy(update={"status": "delivered"})
    assert _numbers(_eqia_asked(registers, done, last, sprint=1)) == {46}
    absent = equality_rules.platform_equality_reviewed(record, 2, None, TODAY)
    assert _numbers(absent) == {46}


@pytest.mark.parametrize("last", [TODAY - 40 * DAY, TODAY])
def test_rule_46_passes_after_it(
    registers: Registers, record: UseCaseRecord, last: date
) -> None:
    assert _eqia_asked(registers, record, last) == ()
    assert _eqia_asked(registers, record, None, sprint=1) == ()


# ---------------------------------------------------------------------- rules 21 and 22


def _supplier(registers: Registers, **changed: Any) -> Any:
    held = registers.suppliers[SUPPLIER].model_copy(update=changed)
    return {SUPPLIER: held}


def _people(registers: Registers, **changed: Any) -> Any:
    people = registers.suppliers[SUPPLIER].people
    first, *others = people
    return _supplier(registers, people=[first.model_copy(update=changed), *others])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: {}, "not on the register"),
        (lambda r: _supplier(r, contract_ref=None), "contract_ref"),
        (lambda r: _supplier(r, basis="s93"), "s93_ref"),
        (
            lambda r: _supplier(r, single_point_of_contact=None),
            "single_point_of_contact",
        ),
        (
            lambda r: _supplier(r, single_point_of_contact=" "),
            "single_point_of_contact",
        ),
        (lambda r: _supplier(r, force_lead=None), "force_lead"),
        (lambda r: _supplier(r, people=[]), "names no people"),
        (lambda r: _people(r, information_and_you=None), "Information and You"),
        (lambda r: _people(r, information_and_you=TODAY + DAY), "Information and You"),
        (lambda r: _people(r, conflict_of_interest_form=None), "conflict of interest"),
        (lambda r: _supplier(r, ends=TODAY - DAY), "works from"),
        (lambda r: _supplier(r, starts=TODAY + DAY), "works from"),
    ],
    ids=[
        "unknown",
        "no contract",
        "no s.93 reference",
        "no contact",
        "a blank contact",
        "no lead",
        "nobody",
        "no training",
        "training to come",
        "no conflict form",
        "over",
        "not begun",
    ],
)
def test_rule_21_refuses_a_supplier_not_brought_on_completely(
    registers: Registers, change: Callable[[Registers], Any], said: str
) -> None:
    found = supplier_rules.supplier_complete(SUPPLIER, change(registers), TODAY)
    assert _numbers(found) == {21}
    assert said in str(found[0])


def test_rule_21_passes_a_complete_supplier_and_none(registers: Registers) -> None:
    assert supplier_rules.supplier_complete(SUPPLIER, registers.suppliers, TODAY) == ()
    assert supplier_rules.supplier_complete(None, {}, TODAY) == ()


def _continues(
    registers: Registers,
    record: UseCaseRecord,
    reviews: Any,
    packs: DecidedPacks,
    *,
    sprint: int = 2,
    supplier: str | None = SUPPLIER,
) -> tuple[Refusal, ...]:
    return supplier_rules.supplier_continues(
        record, sprint, supplier, reviews, packs, registers.people, TODAY
    )


@pytest.fixture
def packs(tmp_path: Path) -> DecidedPacks:
    return DecidedPacks(tmp_path / "evidence")


@pytest.fixture
def supplied(record: UseCaseRecord) -> UseCaseRecord:
    """The supplier did the first sprint too."""
    return _sprint(record, 1, supplier=SUPPLIER)


@pytest.fixture
def go_on(supplied: UseCaseRecord, packs: DecidedPacks) -> SupplierReview:
    """The decision of the day the first sprint was delivered, on that day's pack."""
    over = supplied.sprints[0].over_on
    sha256 = supplier_reviewed.keep_pack(packs.folder, over)
    return SupplierReview.model_validate(supplier_reviewed.review(sha256, over))


@pytest.mark.parametrize(
    "changed",
    [
        {"decision": "stop"},
        {"decision": "remediate"},
        {"on": TODAY + DAY},
        {"sprint": 3},
        {"use_case": "warehouse"},
        {"supplier": "SUP-OTHER"},
        {"reviewer": "performance-lead"},
        {"reviewer": "siro"},
        {"reviewer": "nobody"},
    ],
    ids=str,
)
def test_rule_22_refuses_a_next_sprint_without_a_decision_to_continue(
    registers: Registers,
    supplied: UseCaseRecord,
    packs: DecidedPacks,
    go_on: SupplierReview,
    changed: dict[str, Any],
) -> None:
    review = go_on.model_copy(update=changed)
    assert _numbers(_continues(registers, supplied, {"SR-01": review}, packs)) == {22}


def test_rule_22_refuses_a_decision_of_the_day_before_the_sprint_was_over(
    registers: Registers,
    supplied: UseCaseRecord,
    packs: DecidedPacks,
    go_on: SupplierReview,
) -> None:
    (day, *_) = [one.over_on for one in supplied.sprints]
    sha256 = supplier_reviewed.keep_pack(packs.folder, day - DAY)
    early = go_on.model_copy(update={"on": day - DAY, "evidence": sha256})
    found = _continues(registers, supplied, {"SR-01": early}, packs)
    assert _numbers(found) == {22}
    assert "a sprint is reviewed at its end" in " ".join(one.missing for one in found)


@pytest.mark.parametrize(
    ("days", "changed", "said"),
    [
        (-1, {}, "and the sprint was over on"),
        (1, {}, "after the decision"),
        (0, {"use_case": "warehouse"}, "sprint 1 of warehouse"),
        (0, {"sprint": 2}, "sprint 2 of performance_framework"),
        (0, {"supplier": None}, "no supplier"),
    ],
)
def test_rule_22_refuses_the_pack_of_another_sprint_or_day(
    registers: Registers,
    supplied: UseCaseRecord,
    packs: DecidedPacks,
    go_on: SupplierReview,
    days: int,
    changed: dict[str, Any],
    said: str,
) -> None:
    made_on = supplied.sprints[0].over_on + days * DAY
    sha256 = supplier_reviewed.keep_pack(packs.folder, made_on, **changed)
    review = go_on.model_copy(update={"evidence": sha256})
    (found,) = _continues(registers, supplied, {"SR-01": review}, packs)
    assert found.number == 22 and said in found.missing


def test_rule_22_refuses_evidence_that_is_not_there_or_was_changed(
    registers: Registers,
    supplied: UseCaseRecord,
    packs: DecidedPacks,
    go_on: SupplierReview,
) -> None:
    path = packs.path(go_on.evidence)
    kept = path.read_bytes()
    # The SHA-256 of nothing, and of something that is no pack.
    for content in (b"", b"[]", b"{}", b"\xff"):
        sha256 = hashlib.sha256(content).hexdigest()
        packs.path(sha256).write_bytes(content)
        review = go_on.model_copy(update={"evidence": sha256})
        (found,) = _continues(registers, supplied, {"SR-01": review}, packs)
        assert found.number == 22 and "is no evidence pack" in found.missing
    path.write_bytes(kept + b" ")
    (found,) = _continues(registers, supplied, {"SR-01": go_on}, packs)
    assert found.number == 22 and "was changed after it was kept" in found.missing
    path.unlink()
    (found,) = _continues(registers, supplied, {"SR-01": go_on}, packs)
    assert found.number == 22 and "is not kept in" in found.missing


def test_rule_22_refuses_without_any_review_and_after_a_later_stop(
    registers: Registers,
    supplied: UseCaseRecord,
    packs: DecidedPacks,
    go_on: SupplierReview,
) -> None:
    assert _numbers(_continues(registers, supplied, {}, packs)) == {22}
    for on in (go_on.on, go_on.on + DAY):
        stop = go_on.model_copy(update={"id": "SR-02", "decision": "stop", "on": on})
        for reviews in (
            {"SR-01": go_on, "SR-02": stop},
            {"SR-02": stop, "SR-01": go_on},
        ):
            assert _numbers(_continues(registers, supplied, reviews, packs)) == {22}


def test_rule_22_refuses_a_supplier_back_after_another_and_never_reviewed(
    registers: Registers,
    supplied: UseCaseRecord,
    packs: DecidedPacks,
    go_on: SupplierReview,
) -> None:
    """Its own last sprint is asked about, not the last of the one in between."""
    first, second = supplied.sprints
    other = second.model_copy(update={"supplier": "SUP-OTHER", "ends": first.ends})
    third = second.model_copy(update={"number": 3})
    sprints = {"sprints": [first, other, third]}
    record = supplied.model_copy(update=sprints)
    sha256 = supplier_reviewed.keep_pack(
        packs.folder, go_on.on, sprint=2, supplier="SUP-OTHER"
    )
    theirs = go_on.model_copy(
        update={
            "id": "SR-02",
            "sprint": 2,
            "supplier": "SUP-OTHER",
            "evidence": sha256,
        }
    )
    (found,) = _continues(registers, record, {"SR-02": theirs}, packs, sprint=3)
    assert "Sprint 1 of SUP-NORTHGATE" in found.missing
    both = {"SR-01": go_on, "SR-02": theirs}
    assert _continues(registers, record, both, packs, sprint=3) == ()


def test_rule_22_refuses_a_sprint_with_another_supplier_than_on_record(
    registers: Registers,
    supplied: UseCaseRecord,
    packs: DecidedPacks,
    go_on: SupplierReview,
) -> None:
    reviews = {"SR-01": go_on}
    for supplier in (None, "SUP-X"):
        found = _continues(registers, supplied, reviews, packs, supplier=supplier)
        assert _numbers(found) == {22}


def test_rule_22_passes_after_continue_and_without_a_supplier(
    registers: Registers,
    supplied: UseCaseRecord,
    packs: DecidedPacks,
    go_on: SupplierReview,
) -> None:
    assert _continues(registers, supplied, {"SR-01": go_on}, packs) == ()
    assert _continues(registers, supplied, {}, packs, sprint=1) == ()
    # What waits for the decision is the supplier, not the force's own staff.
    in_house = _sprint(supplied, 2, supplier=None)
    assert _continues(registers, in_house, {}, packs, supplier=None) == ()
    # Remediated, then decided anew.
    later = go_on.model_copy(update={"on": go_on.on + DAY})
    bad = go_on.model_copy(update={"id": "SR-00", "decision": "remediate"})
    both = {"SR-00": bad, "SR-01": later}
    assert _continues(registers, supplied, both, packs) == ()


@pytest.mark.parametrize(("days", "refused"), [(1, {22}), (0, set()), (-1, set())])
def test_rule_22_refuses_and_passes_a_sprint_past_the_suppliers_agreement(
    registers: Registers, record: UseCaseRecord, days: int, refused: set[int]
) -> None:
    suppliers = registers.suppliers
    ends = suppliers[SUPPLIER].ends + days * DAY
    found = supplier_rules.supplier_within_agreement(
        _sprint(record, 2, ends=ends), 2, SUPPLIER, suppliers
    )
    assert _numbers(found) == refused


def test_rule_22_passes_a_sprint_of_the_forces_own_staff_whenever_it_ends(
    registers: Registers, record: UseCaseRecord
) -> None:
    far = _sprint(record, 2, supplier=None, ends=TODAY + 900 * DAY)
    asked = supplier_rules.supplier_within_agreement(far, 2, None, registers.suppliers)
    assert asked == ()


# ------------------------------------------------------------------------------ rule 36


def _assessed(eqia: Eqia | None, today: date = TODAY) -> tuple[Refusal, ...]:
    return equality_rules.equality_assessed(eqia, "performance_framework", today)


@pytest.mark.parametrize("characteristic", CHARACTERISTICS)
def test_rule_36_refuses_a_missing_characteristic(
    eqia: Eqia, characteristic: str
) -> None:
    fewer = eqia.characteristics.model_copy(update={characteristic: None})
    found = _assessed(eqia.model_copy(update={"characteristics": fewer}))
    assert _numbers(found) == {36}
    assert characteristic in str(found[0])


@pytest.mark.parametrize(
    "changed",
    [
        {"monitoring": []},
        {"status": "draft"},
        {"status": "withdrawn"},
        {"sign_off": []},
        {"use_case": "warehouse"},
        {"author": "head-of-performance"},
    ],
    ids=str,
)
def test_rule_36_refuses_an_assessment_that_is_not_whole(
    eqia: Eqia, changed: dict[str, Any]
) -> None:
    assert _numbers(_assessed(eqia.model_copy(update=changed))) == {36}


def test_rule_36_refuses_none_a_late_one_and_one_signed_tomorrow(eqia: Eqia) -> None:
    assert _numbers(_assessed(None)) == {36}
    assert _numbers(_assessed(eqia, eqia.review.due + DAY)) == {36}
    far = eqia.review.model_copy(update={"due": TODAY + 400 * DAY})
    assert _numbers(_assessed(eqia.model_copy(update={"review": far}))) == {36}
    later = [one.model_copy(update={"on": TODAY + DAY}) for one in eqia.sign_off]
    assert 36 in _numbers(_assessed(eqia.model_copy(update={"sign_off": later})))


def test_rule_36_passes_a_whole_assessment_in_date(eqia: Eqia) -> None:
    assert _assessed(eqia) == ()
    assert _assessed(eqia, eqia.review.due) == ()


# ------------------------------------------------------------------------------ rule 43


def _models(
    records: dict[str, ModelRecord],
    asset: str | None = "nominal_pairs",
    *,
    is_model: bool = True,
    named: tuple[str, ...] = (),
) -> tuple[Refusal, ...]:
    return delivery.models_recorded(
        "record_linkage", named, asset, is_model, records, TODAY
    )


@pytest.fixture
def model(registers: Registers) -> ModelRecord:
    one = registers.model_records["MR-LINKAGE"]
    return one.model_copy(update={"assets": ["nominal_pairs"]})


def test_rule_43_refuses_a_model_with_no_record(model: ModelRecord) -> None:
    assert _numbers(_models({})) == {43}
    assert _numbers(_models({model.id: model}, "another_model")) == {43}
    elsewhere = model.model_copy(update={"use_case": "warehouse"})
    assert _numbers(_models({model.id: elsewhere})) == {43}
    assert _numbers(_models({}, None, is_model=False, named=("MR-X",))) == {43}


@pytest.mark.parametrize(
    "changed",
    [
        {"gates": []},
        {"status": "development"},
        {"status": "idea"},
        {"status": "retired"},
    ],
    ids=str,
)
def test_rule_43_refuses_a_model_not_approved_for_use(
    model: ModelRecord, changed: dict[str, Any]
) -> None:
    held = {model.id: model.model_copy(update=changed)}
    assert _numbers(_models(held)) == {43}
    # Named in a record, though nobody called the asset a model.
    assert _numbers(_models(held, is_model=False)) == {43}
    assert _numbers(_models(held, None, is_model=False, named=(model.id,))) == {43}


@pytest.mark.parametrize(
    "gate",
    [{"decision": "reject"}, {"decision": "pause"}, {"on": TODAY + DAY}],
    ids=str,
)
def test_rule_43_refuses_after_another_decision(
    model: ModelRecord, gate: dict[str, Any]
) -> None:
    (approved,) = model.gates
    later = approved.model_copy(update={"on": approved.on + DAY, **gate})
    held = {model.id: model.model_copy(update={"gates": [approved, later]})}
    assert _numbers(_models(held)) == {43}


def test_rule_43_passes_a_recorded_and_approved_model(model: ModelRecord) -> None:
    assert _models({model.id: model}) == ()
    assert _models({model.id: model}, None, is_model=False, named=(model.id,)) == ()
    assert _models({}, "nominal_counts", is_model=False) == ()


# ------------------------------------------------------------------------------ rule 44


def _decided(
    registers: Registers,
    record: UseCaseRecord,
    stage: Any = "evolve",
    sprint: int = 2,
    **changed: Any,
) -> tuple[Refusal, ...]:
    problem = registers.problems[record.problem].model_copy(update=changed)
    return delivery.problem_decided(record, stage, sprint, {problem.id: problem}, TODAY)


@pytest.mark.parametrize(
    "changed",
    [{"owner": None}, {"objective": None}, {"objective": " "}, {"status": "stopped"}],
    ids=str,
)
def test_rule_44_refuses_work_without_owner_or_objective(
    registers: Registers, record: UseCaseRecord, changed: dict[str, Any]
) -> None:
    assert _numbers(_decided(registers, record, **changed)) == {44}


def test_rule_44_refuses_a_stage_that_nobody_decided_on(
    registers: Registers, record: UseCaseRecord
) -> None:
    assert _numbers(_decided(registers, record, "embed")) == {44}
    gates = registers.problems[record.problem].gates
    assert _numbers(_decided(registers, record, gates=[])) == {44}
    for changed in (
        {"decision": "pending"},
        {"decision": "stop"},
        {"decision": "rework"},
        {"on": None},
        {"on": TODAY + DAY},
    ):
        last = gates[-1].model_copy(update=changed)
        assert _numbers(_decided(registers, record, gates=[*gates[:-1], last])) == {44}
        # A later decision takes an earlier one back.
        assert _numbers(_decided(registers, record, gates=[*gates, last])) == {44}


def test_rule_44_refuses_without_the_problem_or_the_sprint_on_record(
    registers: Registers, record: UseCaseRecord
) -> None:
    found = delivery.problem_decided(record, "evolve", 2, {}, TODAY)
    assert _numbers(found) == {44}
    assert _numbers(_decided(registers, record, sprint=3)) == {44}


def test_rule_44_passes_work_that_was_decided_on(
    registers: Registers, record: UseCaseRecord
) -> None:
    assert _decided(registers, record) == ()
    assert _decided(registers, record, "engage") == ()


# ------------------------------------------------------------------------------ rule 45


def _consulted(
    registers: Registers, record: UseCaseRecord, stage: Any = "evolve"
) -> tuple[Refusal, ...]:
    return delivery.consulted_at_every_stage(record, stage, registers.people, TODAY)


def _stage(record: UseCaseRecord, **changed: Any) -> UseCaseRecord:
    *others, last = record.stages
    return record.model_copy(
        update={"stages": [*others, last.model_copy(update=changed)]}
    )


@pytest.mark.parametrize("office", ["information_assurance", "information_rights"])
def test_rule_45_refuses_a_stage_without_either_office(
    registers: Registers, record: UseCaseRecord, office: str
) -> None:
    assert _numbers(_consulted(registers, _stage(record, **{office: None}))) == {45}
    last: StageChange = record.stages[-1]
    entry = getattr(last, office)
    for changed in (
        {"on": last.on + DAY},
        {"by": "siro"},
        {"by": "nobody"},
    ):
        wrong = _stage(record, **{office: entry.model_copy(update=changed)})
        assert _numbers(_consulted(registers, wrong)) == {45}


def test_rule_45_refuses_a_stage_that_is_not_on_record_or_has_not_come(
    registers: Registers, record: UseCaseRecord
) -> None:
    assert _numbers(_consulted(registers, record, "embed")) == {45}
    assert _numbers(_consulted(registers, _stage(record, on=TODAY + DAY))) == {45}


def test_rule_45_passes_when_both_answered_before_it_began(
    registers: Registers, record: UseCaseRecord
) -> None:
    assert _consulted(registers, record) == ()
    last = record.stages[-1]
    assert last.information_rights is not None
    on_the_day = last.information_rights.model_copy(update={"on": last.on})
    changed = _stage(record, information_rights=on_the_day)
    assert _consulted(registers, changed) == ()


# ------------------------------------------------------------------------------ rule 47


def _seen(
    registers: Registers, record: UseCaseRecord, *products: Product
) -> tuple[Refusal, ...]:
    changed = record.model_copy(update={"products": list(products)})
    return equality_rules.equality_seen(changed, "a_mart", registers.people, TODAY)


def _reason(**changed: Any) -> SignedReason:
    whole = {"reason": "Places alone.", "by": "head-of-performance", "on": TODAY}
    return SignedReason.model_construct(**{**whole, **changed})


@pytest.mark.parametrize(
    "products",
    [
        [],
        [Product(name="another_mart", or_reason_not=_reason())],
        [Product(name="a_mart")],
        [
            Product(
                name="a_mart", equality=EqualityShown.model_construct(shows=[], how="-")
            )
        ],
        [Product(name="a_mart", or_reason_not=_reason(by="nobody"))],
        [Product(name="a_mart", or_reason_not=_reason(on=TODAY + DAY))],
    ],
    ids=["none", "another's", "blank", "shows nothing", "unsigned", "signed tomorrow"],
)
def test_rule_47_refuses_a_product_that_does_not_show_equality(
    registers: Registers, record: UseCaseRecord, products: list[Product]
) -> None:
    assert _numbers(_seen(registers, record, *products)) == {47}


def test_rule_47_passes_a_section_on_equality_or_a_signed_reason(
    registers: Registers, record: UseCaseRecord
) -> None:
    shown = EqualityShown.model_construct(shows=["race"], how="by ethnicity")
    assert _seen(registers, record, Product(name="a_mart", equality=shown)) == ()
    signed = Product(name="a_mart", or_reason_not=_reason())
    assert _seen(registers, record, signed) == ()


# ------------------------------------------------------------------------ the whole


def test_every_rule_is_asked_of_a_use_case(
    use_case: UseCaseFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the doors call is the whole: each rule refuses through it."""
    asked = {9, 21, 22, 36, 43, 44, 45, 46, 47}
    found = set()
    for number in sorted(asked):
        for rule in _enforced(number):
            refusal = Refusal("x", "m", "w", "n", number)
            monkeypatch.setattr(rule, "function", lambda *a, _r=refusal, **k: (_r,))
            found |= {one.number for one in use_case.refusals(TODAY, "a_mart")}
            monkeypatch.undo()
    assert asked <= found


def _enforced(number: int) -> list[Any]:
    from edp_platform.governance.rules import ENFORCED

    return [one for one in ENFORCED if number in one.numbers]
