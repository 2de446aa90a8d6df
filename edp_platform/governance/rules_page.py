"""Which rules there are, what enforces each, and which tests show it: one page.

Made from `RULES`, from what `enforces` marked, and from the names of the tests, so that
the page cannot say what is not so.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import edp_platform
from edp_platform.governance.rules import ENFORCED, RULES, Enforced, Rule

_TEST = re.compile(r"(?m)^def (test_rule_(\d\d)_(refuses|passes)_\w+)\(")
_MARK = "@enforces("
_KINDS = ("unit", "contract", "integration")


@dataclass(frozen=True)
class NamedTest:
    """One test that is named after a rule.

    Attributes:
        number: of the rule.
        shows: `refuses` or `passes`.
        name: of the function.
        path: of its file.
    """

    number: int
    shows: str
    name: str
    path: Path


def enforced() -> list[Enforced[..., object]]:
    """Return everything that enforces a rule, in order, having imported all of it."""
    package = Path(edp_platform.__file__).parent
    for path in sorted(package.rglob("*.py")):
        if _MARK in path.read_text(encoding="utf-8"):
            inside = path.relative_to(package.parent).with_suffix("")
            importlib.import_module(".".join(inside.parts))
    return sorted(ENFORCED, key=lambda one: (min(one.numbers), one.where))


def named_tests(tests: Path) -> list[NamedTest]:
    """Return the tests that are named after a rule, by number, file and name.

    Args:
        tests: the folder of tests.
    """
    found = []
    for kind in _KINDS:
        for path in sorted((tests / kind).glob("test_*.py")):
            for match in _TEST.finditer(path.read_text(encoding="utf-8")):
                name, number, shows = match.groups()
                found.append(NamedTest(int(number), shows, name, path))
    return sorted(found, key=lambda one: (one.number, _rank(one), one.name))


def _rank(test: NamedTest) -> tuple[int, str]:
    # The plainest first: a unit test shows a rule by itself.
    return _KINDS.index(test.path.parent.name), test.path.name


def rules_page(tests: Path) -> str:
    """Return the page as Markdown.

    Args:
        tests: the folder of tests.
    """
    asked: dict[int, list[Enforced[..., object]]] = {}
    for one in enforced():
        for number in one.numbers:
            asked.setdefault(number, []).append(one)
    shown: dict[int, list[NamedTest]] = {}
    for test in named_tests(tests):
        shown.setdefault(test.number, []).append(test)
    sections = [
        _section(rule, asked.get(number, []), shown.get(number, []))
        for number, rule in sorted(RULES.items())
    ]
    table = [
        "| rule | what it asks for | enforced in | a test that refuses | one that passes |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| [{number}](#rule-{number}) | {rule.title} | "
            f"{_places(asked.get(number, []))} | "
            f"{_first(shown.get(number, []), 'refuses')} | "
            f"{_first(shown.get(number, []), 'passes')} |"
            for number, rule in sorted(RULES.items())
        ),
    ]
    return "\n".join([_INTRODUCTION, *table, "", *sections]).rstrip() + "\n"


def _places(enforcers: Iterable[Enforced[..., object]]) -> str:
    places = (one.where.removeprefix("edp_platform.") for one in enforcers)
    return ", ".join(f"`{place.replace(':', '.')}`" for place in places) or "nowhere"


def _first(tests: Iterable[NamedTest], shows: str) -> str:
    name = next((one.name for one in tests if one.shows == shows), None)
    return f"`{name}`" if name else "none"


def _section(
    rule: Rule, enforcers: list[Enforced[..., object]], tests: list[NamedTest]
) -> str:
    lines = [f"## Rule {rule.number}", "", f"**{rule.title}.** {rule.law}.", ""]
    lines.append(f"Catches: {rule.catches}.")
    lines.append("")
    for one in enforcers:
        module, name = one.where.split(":")
        place = module.removeprefix("edp_platform.").replace(".", "/") + ".py"
        lines.append(f"- Enforced by `{name}` in `{place}`, asked at: {one.door}.")
    for shows, said in (("refuses", "Refused in"), ("passes", "Passed in")):
        by_file: dict[str, list[str]] = {}
        for test in tests:
            if test.shows == shows:
                place = f"tests/{test.path.parent.name}/{test.path.name}"
                by_file.setdefault(place, []).append(f"`{test.name}`")
        for place, names in by_file.items():
            lines.append(f"- {said} `{place}`: {', '.join(names)}.")
    return "\n".join([*lines, ""])


_INTRODUCTION = """\
# Governance: the rules, where each is enforced, and its tests

This page is generated (`edp governance rules --write docs/governance.md`, part of
`make docs`) from the rules in the code, from what enforces each, and from the names of
the tests; `make lint` fails when it has drifted. `make mutation` takes each enforcer
away in turn and shows that a test named here fails. What a refusal says, and what to do
about one, stands in [gates](gates.md); how records are written, in
[information rights](information-rights.md).

A refusal begins with its rule's number (`rule 2: …`), says what is missing, why it
matters and what to do next, and names the DPIA where it is one. Every door asks before
a byte is written.
"""
