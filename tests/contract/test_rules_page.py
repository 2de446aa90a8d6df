"""Every rule is enforced somewhere and shown by tests, and the page says so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edp_platform.governance.rules import RULES, Rule
from edp_platform.governance.rules_page import enforced, named_tests, rules_page

ROOT = Path(__file__).parents[2]
every_rule = pytest.mark.parametrize(
    "rule", RULES.values(), ids=lambda rule: f"rule {rule.number:02}"
)


@every_rule
def test_each_rule_is_enforced_and_shown_by_a_refusal_and_a_pass(rule: Rule) -> None:
    assert any(rule.number in one.numbers for one in enforced())
    shown = {
        one.shows for one in named_tests(ROOT / "tests") if one.number == rule.number
    }
    assert shown == {"refuses", "passes"}


def test_no_test_is_named_after_a_rule_there_is_not() -> None:
    assert {one.number for one in named_tests(ROOT / "tests")} <= set(RULES)


def test_everything_enforced_says_at_which_door() -> None:
    for one in enforced():
        assert one.door.strip(), one.where
        assert set(one.numbers) <= set(RULES), one.where


def test_the_page_is_what_rules_and_tests_say() -> None:
    page = (ROOT / "docs" / "governance.md").read_text(encoding="utf-8")
    remedy = "edp governance rules --write docs/governance.md"
    assert page == rules_page(ROOT / "tests"), remedy
    for number in RULES:
        assert re.search(rf"(?m)^## Rule {number}$", page)
