"""The evidence pack: days, promises, costs, what is counted and what is not found."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from edp_platform.governance.pages.layout import render
from edp_platform.governance.records.supplier_review import SupplierReview
from edp_platform.governance.records.use_case import Spent, Sprint, UseCaseRecord
from edp_platform.governance.registers import Registers
from edp_platform.governance.review_pack.cost import Prices, run_lines, storage_lines
from edp_platform.governance.review_pack.deciding import (
    DecisionRefused,
    Judgement,
    decide,
)
from edp_platform.governance.review_pack.evidence import (
    Change,
    Checked,
    Evidence,
    Materialized,
    RunSeen,
    Step,
)
from edp_platform.governance.review_pack.freshness import promises
from edp_platform.governance.review_pack.keeping import KeptPack, keep, kept, latest
from edp_platform.governance.review_pack.pack import (
    AssessmentState,
    DataSetState,
    Facts,
    build_pack,
    digest,
    headline,
    sprint_days,
)
from edp_platform.governance.review_pack.page import pack_page
from edp_platform.governance.supplier_rules import review_faults
from edp_platform.home import Home
from tests.accessible import faults

LONDON = ZoneInfo("Europe/London")
TODAY = date(2026, 6, 30)
SPRINT = Sprint(
    number=1,
    goal="Marts of crime",
    starts="2026-05-01",
    ends="2026-05-31",
    budget_pounds=1000,
    supplier="SUP-1",
    project_lead="lead",
    deliverables=["crime_by_month", "a paper"],
    spent=Spent(pounds=1100, on="2026-06-01"),
    delivered_on="2026-06-05",
)


def at(day: int, hour: int = 12, month: int = 5) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=LONDON)


def facts(**changed: Any) -> Facts:
    evidence = Evidence(
        first=date(2026, 5, 1),
        last=date(2026, 6, 5),
        runs=(
            RunSeen("r1", "SUCCESS", at(2), 60.0),
            RunSeen("r2", "STARTED", at(3), None),
        ),
        steps=(Step("r1", "raw__street", ("raw/street",), at(2), 7200.0, True),),
        materialized=(
            Materialized("marts/crime_by_month", at(2), "r1", None, 10, 1800.0),
            Materialized("marts/crime_by_month", at(3), "r2", None, 12, 1800.0),
            Materialized("raw/street", at(2), "r1", "2026-04", 5, None),
            Materialized("marts/elsewhere", at(2), "r1", None, 99, 9999.0),
        ),
        checked=(
            Checked("marts/crime_by_month", "unique", "failed", at(2), "r1"),
            Checked("marts/crime_by_month", "unique", "passed", at(3), "r2"),
            Checked("raw/street", "contract_quality", "warned", at(3), "r2"),
            Checked("marts/elsewhere", "unique", "failed", at(2), "r1"),
        ),
    )
    found = Facts(
        use_case="crime",
        title="Crime",
        product_owner="team:crime",
        stage="evolve",
        sprint=SPRINT,
        supplier=("SUP-1", "A firm"),
        review=None,
        own=("marts/crime_by_month", "marts/crime_by_ward"),
        readers={"marts/crime_by_month": 1, "raw/street": 2},
        evidence=evidence,
        data_sets=(
            DataSetState("street", "Street", "DPIA-S", "approved", "2027-01-01"),
        ),
        eqia=AssessmentState("EQIA-C", "approved", "2027-01-01"),
        overarching=(AssessmentState("DPIA-PLATFORM", "approved", "2027-01-01"),),
        prices=Prices(1.0, 0.5, "PRICES: made up"),
        stored={"street: raw lake": (4_000_000_000, 2)},
        changes=(Change("abc", date(2026, 5, 3), "A mart", 2),),
        next_record="registers/supplier_reviews/SR-CRIME-1.yaml",
        made_on=TODAY,
        first_used=date(2026, 1, 1),
    )
    return replace(found, **changed)


@pytest.mark.parametrize(
    ("delivered", "today", "days"),
    [
        (None, date(2026, 6, 30), (date(2026, 5, 1), date(2026, 5, 31))),
        (None, date(2026, 5, 10), (date(2026, 5, 1), date(2026, 5, 10))),
        ("2026-06-05", date(2026, 6, 30), (date(2026, 5, 1), date(2026, 6, 5))),
        ("2026-05-20", date(2026, 6, 30), (date(2026, 5, 1), date(2026, 5, 31))),
    ],
)
def test_a_pack_covers_the_sprint_to_its_delivery_and_never_past_today(
    delivered: str | None, today: date, days: tuple[date, date]
) -> None:
    sprint = Sprint.model_validate(
        {**SPRINT.model_dump(mode="json"), "delivered_on": delivered}
    )
    assert sprint_days(sprint, today) == days


def test_only_what_the_use_case_makes_or_reads_is_counted() -> None:
    pack = build_pack(facts())
    assert [one["asset"] for one in pack["delivered"]] == ["marts/crime_by_month"]
    assert pack["not_made"] == ["marts/crime_by_ward"]
    checks = pack["checks"]
    assert (checks["passed"], checks["warned"], checks["failed"]) == (1, 1, 1)
    assert checks["failing_now"] == 0
    assert [one["day"] for one in checks["by_day"]] == ["2026-05-02", "2026-05-03"]
    made = pack["delivered"][0]
    assert (made["times"], made["rows"], made["is_new"]) == (2, 12, True)


def test_a_check_that_failed_when_last_asked_is_failing_now() -> None:
    known = facts()
    checked = (
        *known.evidence.checked,
        Checked("raw/street", "contract_quality", "failed", at(4), "r3"),
    )
    pack = build_pack(replace(known, evidence=replace(known.evidence, checked=checked)))
    assert pack["checks"]["failing_now"] == 1
    assert headline(pack)[0] == "1 check failed when last asked."


@pytest.mark.parametrize(
    ("made_before", "state"),
    [
        (frozenset(), "made, for the first time in this sprint"),
        (
            frozenset({"marts/crime_by_month"}),
            "made in this sprint, and before it",
        ),
    ],
)
def test_deliverables_are_held_against_what_was_made(
    made_before: frozenset[str], state: str
) -> None:
    known = facts()
    evidence = replace(known.evidence, made_before=made_before)
    found = build_pack(replace(known, evidence=evidence))["deliverables"]
    assert found[0]["state"] == state
    assert "judged by a person" in found[1]["state"]


def test_nothing_is_made_up_where_nothing_is_on_record() -> None:
    empty = Evidence(date(2026, 5, 1), date(2026, 5, 31))
    bare = Sprint.model_validate(
        {
            **SPRINT.model_dump(mode="json"),
            "spent": None,
            "deliverables": [],
            "delivered_on": None,
        }
    )
    pack = build_pack(
        facts(
            evidence=empty,
            sprint=bare,
            own=(),
            eqia=None,
            prices=None,
            changes=None,
            supplier=None,
            data_sets=(),
            stored={},
            first_used=date(2026, 6, 20),
        )
    )
    said = " ".join(pack["not_found"])
    for expected in (
        "No run began",
        "no asset of its own",
        "No equality impact assessment",
        "No version control",
        "no pounds spent",
        "names no deliverables",
        "no price list",
        "first used on 2026-06-20",
    ):
        assert expected in said
    assert pack["cost"] is None
    assert pack["plan"]["pounds"]["actual"] is None
    assert faults(render(pack_page(pack, digest(pack)))) == []


def test_costs_are_seconds_and_bytes_by_price_and_shared_equally() -> None:
    known = facts()
    assert known.prices is not None
    lines = {
        one.what: one for one in run_lines(known.evidence, known.readers, known.prices)
    }
    # Two builds of half an hour at a pound an hour, its own.
    assert lines["marts/crime_by_month"].pounds == pytest.approx(1.0)
    # A step of two hours, shared by two use cases.
    assert lines["raw/street"].pounds == pytest.approx(1.0)
    assert "marts/elsewhere" not in lines
    (stored,) = storage_lines({"lake": (4_000_000_000, 2)}, 30, known.prices)
    # 4 GB at 50p a month for 30 days of a month of 30.4375, shared by two.
    assert stored.pounds == pytest.approx(4 * 0.5 * 30 / 30.4375 / 2)


def test_shared_costs_of_all_use_cases_add_up_to_the_whole() -> None:
    known = facts()
    assert known.prices is not None
    one = run_lines(known.evidence, {"raw/street": 3}, known.prices)
    assert sum(line.pounds for line in one) * 3 == pytest.approx(7200 / 3600)


def test_a_step_that_tells_seconds_of_its_asset_is_not_counted_twice() -> None:
    step = Step("r", "s", ("marts/a",), at(2), 3600.0, True)
    made = Materialized("marts/a", at(2), "r", None, 1, 1800.0)
    evidence = Evidence(
        date(2026, 5, 1), date(2026, 5, 31), steps=(step,), materialized=(made,)
    )
    (line,) = run_lines(evidence, {"marts/a": 1}, Prices(1.0, 0.0, "x"))
    assert line.quantity == 1800.0


@pytest.mark.parametrize(
    ("landed", "state", "late"),
    [
        (date(2026, 5, 15), "kept", 0),
        (date(2026, 5, 16), "late", 1),
        (date(2026, 5, 31), "late", 16),
        (date(2026, 6, 1), "missing", 16),
        (None, "missing", 16),
    ],
)
def test_a_month_is_kept_late_or_missing_by_the_day_it_landed(
    landed: date | None, state: str, late: int
) -> None:
    """March is promised 45 days after 31 March: by 15 May."""
    known = {"2026-02": date(2026, 3, 20)}
    if landed is not None:
        known["2026-03"] = landed
    found = promises("street", 45, known, date(2026, 5, 1), date(2026, 5, 31))
    assert [(one.month, one.due) for one in found] == [("2026-03", date(2026, 5, 15))]
    assert (found[0].state, found[0].days_late) == (state, late)


def test_a_quarterly_set_is_promised_its_quarters_alone() -> None:
    known = {f"2025-{m:02d}": date(2026, 1, 1) for m in (3, 6, 9, 12)}
    found = promises("survey", 60, known, date(2026, 1, 1), date(2026, 12, 31))
    assert [one.month for one in found] == ["2025-12", "2026-03", "2026-06", "2026-09"]


def test_no_month_is_promised_where_none_fell_due() -> None:
    known = {"2026-01": date(2026, 2, 1)}
    assert promises("s", 45, known, date(2026, 5, 16), date(2026, 5, 17)) == []


def test_the_page_of_a_pack_is_accessible_and_shows_its_figures() -> None:
    known = facts()
    state = replace(
        known.data_sets[0],
        promised=True,
        promises=tuple(
            promises(
                "street",
                45,
                {"2026-03": date(2026, 5, 20)},
                date(2026, 5, 1),
                date(2026, 6, 5),
            )
        ),
        quarantined={"crime_id breaks <b>a rule</b>": 7},
        landed=50,
        refusals=("rule 2: withdrawn <script>",),
    )
    pack = build_pack(replace(known, data_sets=(state,)))
    text = render(pack_page(pack, digest(pack)))
    assert faults(text) == []
    for expected in (
        "36",  # days, counted to the delivery
        "1,100",
        "SR-CRIME-1.yaml",
        digest(pack),
        "20 May 2026",
        "&lt;b&gt;a rule&lt;/b&gt;",
        "rule 2: withdrawn &lt;script&gt;",
        "A mart",
    ):
        assert expected in text
    assert "<script" not in text


def test_the_same_facts_give_the_same_hash_and_other_facts_another() -> None:
    assert digest(build_pack(facts())) == digest(build_pack(facts()))
    other = facts(stored={"street: raw lake": (4_000_000_001, 2)})
    assert digest(build_pack(other)) != digest(build_pack(facts()))


def test_packs_are_kept_for_good_and_the_newest_is_found(tmp_path: Path) -> None:
    home = Home.open(TODAY, tmp_path / "home")
    first = keep(home, build_pack(facts()))
    again = keep(home, build_pack(facts()))
    assert (first.folder, first.sha256) == (again.folder, again.sha256)
    later = keep(home, build_pack(facts(made_on=TODAY + timedelta(days=1))))
    assert len(kept(home, "crime")) == 2
    newest = latest(home, "crime", 1)
    assert newest is not None and newest.sha256 == later.sha256
    assert newest.is_whole
    assert latest(home, "crime", 2) is None


def test_a_pack_that_was_changed_is_told(tmp_path: Path) -> None:
    home = Home.open(TODAY, tmp_path / "home")
    folder = keep(home, build_pack(facts())).folder
    path = folder / "pack.json"
    pack = json.loads(path.read_text())
    pack["checks"]["failed"] = 0
    path.write_text(json.dumps(pack))
    found = latest(home, "crime", 1)
    assert found is not None and not found.is_whole


CRIME = UseCaseRecord(
    id="crime",
    problem="PB-1",
    objective="crime",
    users=["analysts"],
    business_lead="head",
    status="active",
    stages=[],
    sprints=[SPRINT],
    products=[],
)
JUDGED = Judgement(
    decision="continue",
    reason="Delivered and tested.",
    reviewer="buyer",
    quality="Every check passed.",
    value_for_money="Ten per cent over budget.",
    learning_shared="Two analysts can go on alone.",
    delivered=("crime_by_month",),
    not_delivered=("a paper",),
)


@pytest.fixture
def registers(tmp_path: Path) -> Registers:
    folder = tmp_path / "registers"
    people = [
        ("buyer", "commercial_services", None),
        ("gone", "commercial_services", "2026-01-01"),
        ("lead", "commercial_services", None),
        ("officer", "data_steward", None),
    ]
    for identity, role, left in people:
        path = folder / "people" / f"{identity}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        record = {"id": identity, "name": identity, "role": role, "left": left}
        path.write_text(yaml.safe_dump(record))
    (folder / "supplier_reviews").mkdir()
    return Registers(TODAY, folder)


def pack_of(tmp_path: Path, **changed: Any) -> KeptPack:
    home = Home.open(TODAY, tmp_path / "home")
    return keep(home, build_pack(facts(**changed)))


def test_rule_22_passes_a_decision_by_commercial_services_on_a_pack(
    registers: Registers, tmp_path: Path
) -> None:
    pack = pack_of(tmp_path)
    target = decide(registers, CRIME, pack, JUDGED, TODAY)
    assert target.name == "SR-CRIME-1.yaml"
    again = Registers(TODAY, registers.folder)
    assert again.supplier_reviews.faults == ()
    written: SupplierReview = again.supplier_reviews["SR-CRIME-1"]
    assert (written.decision, written.evidence) == ("continue", pack.sha256)
    # Its evidence goes with it, and is found without the home it was made in.
    beside = target.parent / "evidence" / f"{pack.sha256}.json"
    assert beside.read_bytes() == (pack.folder / "pack.json").read_bytes()
    faults = review_faults(written, CRIME, again.decided_packs, again.people)
    assert list(faults) == []
    assert [one.delivered for one in written.deliverables] == [True, False]
    # A sprint that is mended is reviewed again, in a record of its own.
    assert decide(registers, CRIME, pack, JUDGED, TODAY).name == "SR-CRIME-1-2.yaml"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"reviewer": "officer"}, "not of commercial services"),
        ({"reviewer": "nobody"}, "not of commercial services"),
        ({"reviewer": "lead"}, "led the sprint"),
        ({"reviewer": "gone"}, "left on 2026-01-01"),
        ({"not_delivered": ()}, "not judged: a paper"),
        ({"reason": " "}, "`reason`"),
        ({"decision": "perhaps"}, "`decision`"),
    ],
)
def test_rule_22_refuses_a_decision_that_is_not_one(
    registers: Registers, tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(DecisionRefused, match=said):
        decide(registers, CRIME, pack_of(tmp_path), replace(JUDGED, **changed), TODAY)
    assert list((registers.folder / "supplier_reviews").iterdir()) == []


def test_rule_22_refuses_a_decision_before_the_sprint_is_over(
    registers: Registers, tmp_path: Path
) -> None:
    running = Sprint.model_validate(
        {**SPRINT.model_dump(mode="json"), "delivered_on": None}
    )
    evidence = Evidence(date(2026, 5, 1), date(2026, 5, 10))
    today = date(2026, 5, 10)
    pack = pack_of(tmp_path, sprint=running, evidence=evidence, made_on=today)
    crime = CRIME.model_copy(update={"sprints": [running]})
    with pytest.raises(DecisionRefused, match="over on 2026-05-31"):
        decide(registers, crime, pack, JUDGED, today)
    # Made while it ran, decided on once it was over.
    with pytest.raises(DecisionRefused, match="its pack was made on 2026-05-10"):
        decide(registers, crime, pack, JUDGED, TODAY)
    assert list((registers.folder / "supplier_reviews").iterdir()) == []


def test_rule_22_refuses_a_decision_on_a_changed_pack(
    registers: Registers, tmp_path: Path
) -> None:
    pack = replace(pack_of(tmp_path), sha256="0" * 64)
    with pytest.raises(DecisionRefused, match="not the pack that was made"):
        decide(registers, CRIME, pack, JUDGED, TODAY)


def test_a_sprint_without_a_supplier_asks_for_no_decision(
    registers: Registers, tmp_path: Path
) -> None:
    with pytest.raises(DecisionRefused, match="has no supplier"):
        decide(registers, CRIME, pack_of(tmp_path, supplier=None), JUDGED, TODAY)
