"""Each gate is taken away in turn: some test that is named after its rule must fail.

A rule that can be removed with every test still green is not shown by any test.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edp_platform.governance.rules import Enforced
from edp_platform.governance.rules_page import NamedTest, enforced, named_tests

ROOT = Path(__file__).parents[2]
TESTS = named_tests(ROOT / "tests")
CASES = [(one, number) for one in enforced() for number in one.numbers]
#: What pytest says when a test failed, rather than could not be found or imported.
_FAILED = 1


def _tests_of(number: int) -> list[list[NamedTest]]:
    """Return the tests named after a rule: the quick ones, then those through doors."""
    found = [one for one in TESTS if one.number == number]
    found.sort(key=lambda one: one.shows != "refuses")
    quick = [one for one in found if one.path.parent.name != "integration"]
    slow = [one for one in found if one.path.parent.name == "integration"]
    return [each for each in (quick, slow) if each]


def _run(taken: Enforced[..., object], tests: list[NamedTest]) -> tuple[int, str]:
    """Run tests without one enforcer, to the first failure; return status and output."""
    nodes = [f"{one.path.relative_to(ROOT)}::{one.name}" for one in tests]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-x", "-q", "--no-header"),
            *("-p", "no:cacheprovider", "-p", "tests.mutation.taking_away"),
            *nodes,
        ],
        env={**os.environ, "EDP_RULE_TAKEN_AWAY": taken.where},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.mark.parametrize(
    ("taken", "number"),
    CASES,
    ids=[f"rule {number:02}: {one.function.__qualname__}" for one, number in CASES],
)
def test_a_named_test_notices(taken: Enforced[..., object], number: int) -> None:
    groups = _tests_of(number)
    assert groups, f"no test is named test_rule_{number:02}_refuses_…"
    told = ""
    for tests in groups:
        status, told = _run(taken, tests)
        if status == _FAILED:
            return
        assert status == 0, f"the tests of rule {number} could not run:\n{told}"
    pytest.fail(
        f"{taken.where} was taken away, and every test of rule {number} passed:\n{told}"
    )
