"""Review dates of persons: every date below was worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl
import pytest

from edp_platform.governance.records.retention_rule import Period, RetentionRule
from edp_platform.governance.registers import Registers
from edp_platform.retention.computing import INPUTS, ReviewInputs, review
from edp_platform.retention.schedule import Schedule, read_schedule

TODAY = date(2026, 3, 2)
ADULT = date(1970, 1, 1)


@pytest.fixture(scope="module")
def schedule() -> Schedule:
    """The sample force's schedule: G4A is the one rule that nobody confirmed."""
    return read_schedule(Registers(date(2026, 1, 1)))


@dataclass
class Case:
    """One person and what they are linked to."""

    born: date | None = ADULT
    links: list[dict[str, Any]] = field(default_factory=list)
    contacts: list[tuple[str, date]] = field(default_factory=list)
    retained: date | None = None
    held: bool = False
    held_crime: str | None = None


def linked(
    category: str,
    reported: date | None,
    group: int | None,
    crime: str = "C1",
    **more: Any,
) -> dict[str, Any]:
    return {
        "category": category,
        "reported": reported,
        "group": group,
        "crime": crime,
        **more,
    }


def frame(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=INPUTS[name])


def inputs(cases: dict[str, Case]) -> ReviewInputs:
    crimes = {
        one["crime"]: (one["group"], one["reported"])
        for case in cases.values()
        for one in case.links
        if not one.get("not_held")
    }
    return ReviewInputs(
        nominals=frame(
            "nominals",
            [
                {"nominal_id": name, "date_of_birth": case.born}
                for name, case in cases.items()
            ],
        ),
        links=frame(
            "links",
            [
                {
                    "crime_number": one["crime"],
                    "nominal_id": name,
                    "subject_category": one["category"],
                    "person_outcome": one.get("outcome"),
                    "person_outcome_date": one.get("outcome_on"),
                    "sentence_end": one.get("sentence_end"),
                    "linked_on": one.get("linked_on", one["reported"]),
                }
                for name, case in cases.items()
                for one in case.links
            ],
        ),
        crimes=frame(
            "crimes",
            [
                {"crime_number": crime, "mopi_group": group, "reported_on": reported}
                for crime, (group, reported) in crimes.items()
            ],
        ),
        contacts=frame(
            "contacts",
            [
                {"nominal_id": name, "kind": kind, "on": on}
                for name, case in cases.items()
                for kind, on in case.contacts
            ],
        ),
        held_nominals=frame(
            "held_nominals",
            [{"nominal_id": name} for name, case in cases.items() if case.held],
        ),
        held_crimes=frame(
            "held_crimes",
            [
                {"crime_number": case.held_crime}
                for case in cases.values()
                if case.held_crime
            ],
        ),
        retained=frame(
            "retained",
            [
                {"nominal_id": name, "on": case.retained}
                for name, case in cases.items()
                if case.retained
            ],
        ),
    )


def reviewed(case: Case, schedule: Schedule, today: date = TODAY) -> dict[str, Any]:
    found = review(inputs({"P": case}), schedule, today)
    return found.row(by_predicate=pl.col("person_id") == "P", named=True)


D = date
GOLDEN: dict[str, tuple[Case, dict[str, Any]]] = {
    # Group 3, time-based: six clear years, ended the day before.
    "group 3, the six years ended yesterday": (
        Case(links=[linked("suspect", D(2020, 3, 1), 3)]),
        {"rule": "G3", "disposal_on": D(2026, 3, 1), "state": "disposal_due"},
    ),
    "group 3, the six years end today": (
        Case(links=[linked("suspect", D(2020, 3, 2), 3)]),
        {"rule": "G3", "disposal_on": D(2026, 3, 2), "state": "disposal_due"},
    ),
    "group 3, the six years end tomorrow": (
        Case(links=[linked("suspect", D(2020, 3, 3), 3)]),
        {"rule": "G3", "disposal_on": D(2026, 3, 3), "state": "retained"},
    ),
    "group 3 from a leap day ends on the last of February": (
        Case(links=[linked("suspect", D(2020, 2, 29), 3)]),
        {"clear_from": D(2020, 2, 29), "disposal_on": D(2026, 2, 28)},
    ),
    # Group 2: ten clear years, then a review; nothing is disposed of by time.
    "group 2, reviewed after ten years": (
        Case(links=[linked("suspect", D(2016, 3, 2), 2)]),
        {"rule": "G2", "review_on": D(2026, 3, 2), "disposal_on": None},
    ),
    "group 2, the review is not due a day early": (
        Case(links=[linked("suspect", D(2016, 3, 3), 2)]),
        {"review_on": D(2026, 3, 3), "state": "retained"},
    ),
    "group 2 retained at a review: ten years from the decision": (
        Case(links=[linked("suspect", D(2005, 1, 1), 2)], retained=D(2016, 3, 3)),
        {"review_on": D(2026, 3, 3), "state": "retained"},
    ),
    "group 2 retained, due again ten years later": (
        Case(links=[linked("suspect", D(2005, 1, 1), 2)], retained=D(2016, 3, 2)),
        {"review_on": D(2026, 3, 2), "state": "review_due"},
    ),
    # Group 1: reviewed every ten years, disposed of at a hundred.
    "group 1, a review after ten years": (
        Case(links=[linked("convicted", D(2010, 6, 1), 1)]),
        {
            "rule": "G1",
            "review_on": D(2020, 6, 1),
            "disposal_on": D(2070, 1, 1),
            "state": "review_due",
        },
    ),
    "group 1, a hundred today": (
        Case(born=D(1926, 3, 2), links=[linked("convicted", D(2024, 6, 1), 1)]),
        {"disposal_on": D(2026, 3, 2), "state": "disposal_due"},
    ),
    "group 1, a hundred tomorrow": (
        Case(born=D(1926, 3, 3), links=[linked("convicted", D(2024, 6, 1), 1)]),
        {"disposal_on": D(2026, 3, 3), "state": "retained"},
    ),
    # The highest group of every linked crime wins, whatever the part played in it.
    "the highest group wins": (
        Case(
            links=[
                linked("suspect", D(2010, 1, 1), 3, "C1"),
                linked("suspect", D(2011, 1, 1), 2, "C2"),
                linked("suspect", D(2012, 1, 1), 3, "C3"),
            ]
        ),
        {"rule": "G2", "mopi_group": 2, "review_on": D(2022, 1, 1)},
    ),
    "a suspect of group 3 who witnessed group 1 is kept as group 1": (
        Case(
            links=[
                linked("suspect", D(2010, 1, 1), 3, "C1"),
                linked("witness", D(2011, 1, 1), 1, "C2"),
            ]
        ),
        {"rule": "G1", "mopi_group": 1},
    ),
    # The clear period counts from the last event that counts.
    "a later suspected offence resets": (
        Case(
            links=[
                linked("suspect", D(2010, 1, 1), 3, "C1"),
                linked("suspect", D(2021, 5, 5), 3, "C2"),
            ]
        ),
        {
            "clear_from": D(2021, 5, 5),
            "disposal_on": D(2027, 5, 5),
            "state": "retained",
        },
    ),
    "the decision counts where it came after the report": (
        Case(
            links=[
                linked(
                    "convicted",
                    D(2018, 1, 1),
                    3,
                    outcome="convicted",
                    outcome_on=D(2020, 3, 3),
                )
            ]
        ),
        {
            "clear_from": D(2020, 3, 3),
            "clear_because": "decision",
            "disposal_on": D(2026, 3, 3),
            "state": "retained",
        },
    ),
    "an arrest resets": (
        Case(
            links=[linked("suspect", D(2010, 1, 1), 3)],
            contacts=[("police_action", D(2022, 2, 2))],
        ),
        {"clear_from": D(2022, 2, 2), "disposal_on": D(2028, 2, 2)},
    ),
    "a request of the disclosure service resets": (
        Case(
            links=[linked("suspect", D(2010, 1, 1), 3)],
            contacts=[("dbs_request", D(2025, 2, 2))],
        ),
        {"clear_from": D(2025, 2, 2), "state": "retained"},
    ),
    "a subject access request does not reset": (
        Case(
            links=[linked("suspect", D(2010, 1, 1), 3)],
            contacts=[("subject_access_request", D(2025, 2, 2))],
        ),
        {"clear_from": D(2010, 1, 1), "state": "disposal_due"},
    ),
    "being a victim later does not reset": (
        Case(
            links=[
                linked("suspect", D(2010, 1, 1), 3, "C1"),
                linked("victim", D(2019, 1, 1), 3, "C2"),
            ]
        ),
        {
            "clear_from": D(2010, 1, 1),
            # But the victim's record is kept six years, so the person is.
            "disposal_on": D(2025, 1, 1),
        },
    ),
    "not before the sentence ends": (
        Case(links=[linked("convicted", D(2015, 1, 1), 3, sentence_end=D(2031, 7, 1))]),
        {"disposal_on": D(2031, 7, 1), "state": "retained"},
    ),
    # Victims and witnesses.
    "a victim of a report nobody was identified for: six years": (
        Case(links=[linked("victim", D(2020, 3, 2), 3)]),
        {"rule": "G4D", "disposal_on": D(2026, 3, 2), "state": "disposal_due"},
    ),
    "a witness, a day early": (
        Case(links=[linked("witness", D(2020, 3, 3), 3)]),
        {"disposal_on": D(2026, 3, 3), "state": "retained"},
    ),
    # Fail closed.
    "no date of birth": (
        Case(born=None, links=[linked("suspect", D(2010, 1, 1), 3)]),
        {"state": "exception", "exceptions": ["missing_date_of_birth"]},
    ),
    "a date of birth in the future is none": (
        Case(born=D(2026, 3, 3), links=[linked("suspect", D(2010, 1, 1), 3)]),
        {"state": "exception", "exceptions": ["missing_date_of_birth"]},
    ),
    "one crime of several without a group": (
        Case(
            links=[
                linked("suspect", D(2010, 1, 1), 3, "C1"),
                linked("suspect", D(2011, 1, 1), None, "C2"),
            ]
        ),
        {"state": "exception", "exceptions": ["missing_group"]},
    ),
    "a group that is none of three": (
        Case(links=[linked("suspect", D(2010, 1, 1), 7)]),
        {"state": "exception", "exceptions": ["missing_group", "no_start"]},
    ),
    "a link to a crime that is not held": (
        Case(links=[linked("suspect", D(2010, 1, 1), 3, "C9", not_held=True)]),
        {"state": "exception", "exceptions": ["missing_group", "no_start"]},
    ),
    "no link at all": (
        Case(),
        {"state": "exception", "exceptions": ["missing_group", "no_start"]},
    ),
    "a child of nine years and 364 days at the report": (
        Case(born=D(2000, 1, 2), links=[linked("suspect", D(2010, 1, 1), 3)]),
        {"state": "exception", "exceptions": ["child_under_10"]},
    ),
    "a child on their tenth birthday": (
        Case(born=D(2000, 1, 1), links=[linked("suspect", D(2010, 1, 1), 3)]),
        {"state": "disposal_due", "exceptions": []},
    ),
    "a legal hold on the person": (
        Case(links=[linked("suspect", D(2010, 1, 1), 3)], held=True),
        {
            "state": "exception",
            "state_by_date": "disposal_due",
            "exceptions": ["legal_hold"],
        },
    ),
    "a legal hold on a crime they are linked to": (
        Case(links=[linked("victim", D(2010, 1, 1), 3)], held_crime="C1"),
        {"state": "exception", "exceptions": ["legal_hold"]},
    ),
    "an undetected serious crime: its rule is not confirmed": (
        Case(links=[linked("victim", D(1960, 1, 1), 2)], born=D(1930, 1, 1)),
        {
            "state": "exception",
            "disposal_on": D(2010, 1, 1),
            "exceptions": ["unconfirmed_rule"],
        },
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_each_person_is_due_on_the_day_worked_out_by_hand(
    name: str, schedule: Schedule
) -> None:
    case, expected = GOLDEN[name]
    found = reviewed(case, schedule)
    assert {key: found[key] for key in expected} == expected


def test_all_of_them_at_once_give_the_same(schedule: Schedule) -> None:
    """Set-based: nobody's answer depends on who else is asked about."""
    cases = {
        name: Case(
            case.born,
            [{**one, "crime": f"{name}/{one['crime']}"} for one in case.links],
            case.contacts,
            case.retained,
            case.held,
            f"{name}/{case.held_crime}" if case.held_crime else None,
        )
        for name, (case, _) in GOLDEN.items()
    }
    together = review(inputs(cases), schedule, TODAY)
    assert together.height == len(cases)
    for name, (_, expected) in GOLDEN.items():
        row = together.row(by_predicate=pl.col("person_id") == name, named=True)
        assert {key: row[key] for key in expected} == expected, name


def test_a_victim_goes_with_the_offender_and_no_sooner(schedule: Schedule) -> None:
    crime = linked("suspect", D(2010, 1, 1), 3)
    cases = {
        "offender": Case(links=[crime], contacts=[("police_action", D(2021, 1, 1))]),
        "victim": Case(links=[linked("victim", D(2010, 1, 1), 3)]),
    }
    found = review(inputs(cases), schedule, TODAY)
    assert found["disposal_on"].to_list() == [D(2027, 1, 1), D(2027, 1, 1)]


def test_a_victim_waits_for_a_sentence(schedule: Schedule) -> None:
    cases = {
        "offender": Case(
            links=[linked("convicted", D(2010, 1, 1), 3, sentence_end=D(2030, 1, 1))]
        ),
        "victim": Case(links=[linked("victim", D(2010, 1, 1), 3)]),
    }
    found = review(inputs(cases), schedule, TODAY)
    assert found["disposal_on"].to_list() == [D(2030, 1, 1), D(2030, 1, 1)]


def test_a_victim_of_an_offender_who_is_an_exception_is_one(
    schedule: Schedule,
) -> None:
    cases = {
        "offender": Case(born=None, links=[linked("suspect", D(2010, 1, 1), 3)]),
        "victim": Case(links=[linked("victim", D(2010, 1, 1), 3)]),
    }
    found = review(inputs(cases), schedule, TODAY)
    assert found["exceptions"].to_list() == [
        ["missing_date_of_birth"],
        ["linked_offender"],
    ]


def test_records_that_linkage_found_to_be_one_person_count_together(
    schedule: Schedule,
) -> None:
    cases = {
        "N1": Case(links=[linked("suspect", D(2010, 1, 1), 3, "C1")]),
        "N2": Case(born=None, links=[linked("suspect", D(2011, 1, 1), 1, "C2")]),
    }
    asked = inputs(cases)
    asked.persons = frame(
        "persons",
        [{"nominal_id": name, "person_id": "P1"} for name in ("N1", "N2")],
    )
    (row,) = review(asked, schedule, TODAY).to_dicts()
    assert row["nominal_ids"] == ["N1", "N2"]
    assert (row["rule"], row["review_on"]) == ("G1", D(2021, 1, 1))
    assert row["exceptions"] == []  # one of the records has the date of birth


def rule(identity: str, confirmed: bool, **period: Any) -> RetentionRule:
    return RetentionRule.model_construct(
        id=identity,
        resets=["a suspected offence"],
        period=Period(**{"dispose_after": "time", **period}),
        effective_from=D(2020, 1, 1),
        confirmed_by="somebody" if confirmed else None,
        confirmed_on=D(2020, 1, 1) if confirmed else None,
    )


@pytest.mark.parametrize(
    ("changed", "is_exception"),
    [
        ({}, False),
        ({"confirmed_by": None, "confirmed_on": None}, True),
        ({"confirmed_on": D(2026, 3, 3)}, True),
        ({"confirmed_on": D(2026, 3, 2)}, False),
        ({"effective_from": D(2026, 3, 3)}, True),
        ({"effective_from": D(2026, 3, 2)}, False),
    ],
)
def test_a_rule_counts_once_it_is_confirmed_and_in_force(
    changed: dict[str, Any], is_exception: bool
) -> None:
    own = rule("G3", True, clear_years=6, review_every_years=5)
    schedule = Schedule({"G3": own.model_copy(update=changed)})
    found = reviewed(Case(links=[linked("suspect", D(2010, 1, 1), 3)]), schedule)
    assert (found["exceptions"] == ["unconfirmed_rule"]) is is_exception
    assert found["state_by_date"] == "disposal_due"  # still reported


def test_without_its_rule_nobody_is_due() -> None:
    found = reviewed(Case(links=[linked("suspect", D(2010, 1, 1), 3)]), Schedule({}))
    assert found["state"] == "exception"


def test_the_option_of_five_yearly_reviews_is_data() -> None:
    """Group 3 by review: after six clear years, and five years after each decision."""
    period = {"clear_years": 6, "review_every_years": 5, "dispose_after": "review"}
    schedule = Schedule({"G3": rule("G3", True, **period)})
    case = Case(links=[linked("suspect", D(2010, 1, 1), 3)])
    assert reviewed(case, schedule)["review_on"] == D(2016, 1, 1)
    case.retained = D(2021, 3, 3)
    found = reviewed(case, schedule)
    assert (found["review_on"], found["state"]) == (D(2026, 3, 3), "retained")


def test_a_reset_that_nothing_recognises_is_told() -> None:
    own = rule("G3", True, clear_years=6, review_every_years=5)
    odd = own.model_copy(update={"resets": ["a full moon"]})
    assert Schedule({"G3": odd}).unknown_resets() == ["G3: a full moon"]
