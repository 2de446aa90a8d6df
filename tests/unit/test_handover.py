"""Handing over: which duties may not meet in one person (rule 8)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from edp_platform.governance.dpia import load_dpia
from edp_platform.governance.handover import duties_stay_apart
from edp_platform.governance.records.dpia import Dpia
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.registers import Registers

PACKAGE = Path(__file__).parents[2] / "edp_platform"
TODAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def registers() -> Registers:
    return Registers(TODAY, PACKAGE / "registers")


@pytest.fixture(scope="module")
def street() -> Dpia:
    folder = PACKAGE / "defs" / "datasets" / "police_uk_street"
    return load_dpia(folder / "dpia.yaml", TODAY)


def _asked(
    registers: Registers, street: Dpia, leaver: str, heir: str, handed: int = 1
) -> tuple[Refusal, ...]:
    people = registers.people
    return duties_stay_apart(
        people[leaver],
        people[heir],
        handed,
        registers.teams.values(),
        {
            "team:crime-data": [street],
            "team:platform": [registers.platform_dpia],
        },
    )


@pytest.mark.parametrize(
    ("leaver", "heir", "said"),
    [
        ("siro", "dpo", "dpo is the data protection officer"),
        ("crime-data-lead", "dpo", "dpo is the data protection officer"),
        ("crime-data-lead", "iao-crime", "both lead and information asset owner"),
        ("iao-crime", "crime-data-lead", "both lead and information asset owner"),
        ("platform-owner", "information-assurance-lead", "signed DPIA-PLATFORM"),
    ],
)
def test_rule_08_refuses_a_hand_over_that_puts_two_duties_into_one_hand(
    registers: Registers, street: Dpia, leaver: str, heir: str, said: str
) -> None:
    found = _asked(registers, street, leaver, heir)
    assert found and {one.number for one in found} == {8}
    assert said in str(found[0]) and "Nothing was changed" in str(found[0])


def test_rule_08_refuses_to_make_the_author_of_a_dpia_its_owner(
    registers: Registers, street: Dpia
) -> None:
    theirs = street.model_copy(update={"author": "stop-search-lead"})
    (found,) = _asked(registers, theirs, "iao-crime", "stop-search-lead")
    assert found.number == 8 and f"wrote {street.id}" in found.missing


@pytest.mark.parametrize(
    ("leaver", "heir", "handed"),
    [
        ("siro", "iao-reference", 2),
        ("crime-data-lead", "stop-search-lead", 5),
        ("iao-crime", "iao-custody", 5),
        # Who answers for nothing hands nothing over.
        ("ethics-panel-chair", "dpo", 0),
    ],
)
def test_rule_08_passes_a_hand_over_to_somebody_apart(
    registers: Registers, street: Dpia, leaver: str, heir: str, handed: int
) -> None:
    assert _asked(registers, street, leaver, heir, handed) == ()
