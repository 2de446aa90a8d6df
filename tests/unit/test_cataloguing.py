"""The catalogue: words, pages that anybody can read, freshness, who may see what."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from edp_platform.access.declared import Facts
from edp_platform.access.marts import DataSetState, Mart, MartColumn, Source
from edp_platform.cataloguing.access import AccessBook
from edp_platform.cataloguing.freshness import freshness
from edp_platform.cataloguing.pages import pages, write_catalogue
from edp_platform.cataloguing.searching import search, words_of
from edp_platform.governance.pages.layout import render
from edp_platform.governance.registers import Registers
from edp_platform.ingestion.landing import Delivery, Supplies
from edp_platform.orchestration.latest_checks import latest_checks
from tests.accessible import Document, faults

DAY = date(2026, 11, 22)
HOSTILE = "<script>alert('x')</script>"


def entry(kind: str, name: str, **changed: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "name": name,
        "title": f"Title of {name}",
        "about": "Counts of burglary.",
        "grain": "One row per month.",
        "limits": "",
        "owner": {"id": "team:x", "name": "Crime data", "email": "x@force.example"},
        "classification": "public",
        "columns": [
            {
                "name": "lsoa_code",
                "type": "string",
                "meaning": "Small area.",
                "classification": "public",
                "identifier_class": "none",
                "unit": "m",
                "protected_characteristic": None,
                "protected_by": ["aggregate"],
            }
        ],
        "purposes": [{"id": "P-X", "title": "To know"}],
        "dpias": [
            {"id": "DPIA-X", "title": "", "status": "approved", "review_due": "2027-01-01",
             "notice": "", "covers": "All of it."}
        ],
        "regimes": ["part2"],
        "retention": ["G1"],
        "quality": {"checked": True, "passed": 3, "warned": ["w"], "failed": [],
                    "at": "2026-11-21T09:00", "quarantined": 2, "set_aside": 0,
                    "reasons": {"broken": 2}},
        "freshness": {"promised_days": 31.0, "newest_month": "2026-10",
                      "newest_release": "2026-11-01", "landed_on": "2026-11-02",
                      "missing": [], "state": "kept"},
        "lineage": {"up": [{"kind": "data_set", "name": "burglary_files"}], "down": []},
        "supplier": "S", "licence": "L", "use_cases": [], "access": [],
        "next_review": "2027-01-01", "gate": "open", "refusals": [],
        "published": None, "ask": [f"edp access request {name}"],
    } | changed  # fmt: skip


ACCESS = {
    "person": "a", "name": "Ann Other", "firm": "SUP-X", "mart": "burglary_by_area",
    "columns": ("lsoa_code",), "rows": {"force": ("x",)}, "until": "2027-01-31",
    "grant": "G-1", "purposes": ("P-X",), "project": "A project",
}  # fmt: skip
ENTRIES = [
    entry("data_set", "burglary_files", refusals=["refused"], gate="refused"),
    entry("mart", "burglary_by_area", access=[ACCESS]),
    entry("mart", "hostile", title=HOSTILE, about=HOSTILE, ask=[], columns=[]),
]


def test_every_page_is_accessible_linked_and_takes_no_markup(tmp_path: Path) -> None:
    made = pages(ENTRIES, DAY)
    assert set(made) == {
        "index.html",
        "words.html",
        "data_set/burglary_files.html",
        "mart/burglary_by_area.html",
        "mart/hostile.html",
    }
    for path, page in made.items():
        text = render(page)
        assert faults(text) == [], path
        assert HOSTILE not in text
        document = Document(text)
        for at in document.all("a"):
            href = document.tags[at][1]["href"].partition("#")[0]
            if href:
                target = (tmp_path / path).parent / href
                inside = target.resolve().relative_to(tmp_path.resolve())
                assert str(inside) in made, (path, href)
    index = Document(render(made["index.html"]))
    assert len(index.all("details")) == len(index.all("summary")) == len(ENTRIES)
    shown = render(made["mart/burglary_by_area.html"])
    for said in ("Ann Other (SUP-X)", "31 January 2027", "DPIA-X", "3 passed, 1 warn",
                 "edp access request burglary_by_area", "within 31 days"):  # fmt: skip
        assert said in shown


def test_a_page_whose_entry_is_gone_is_removed_and_nothing_else(tmp_path: Path) -> None:
    write_catalogue(ENTRIES, tmp_path, DAY)
    other = tmp_path / "mart" / "notes.txt"
    other.write_text("mine")
    write_catalogue(ENTRIES[:2], tmp_path, DAY)
    assert not (tmp_path / "mart" / "hostile.html").exists()
    assert other.exists() and (tmp_path / "index.html").exists()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("burglary files", ["burglary_files"]),
        ("BURGLAR", ["burglary_files", "burglary_by_area", "hostile"]),
        ("lsoa", ["burglary_files", "burglary_by_area"]),
        ("small area", ["burglary_by_area", "burglary_files"]),
        ("zebra", []),
        ("of the", []),
    ],
)
def test_words_find_names_first_then_columns_then_meanings(
    words: str, found: list[str]
) -> None:
    entries = [ENTRIES[0], ENTRIES[1], {**ENTRIES[2], "title": "Burglaries"}]
    hits = search(entries, words)
    names = [one["entry"]["name"] for one in hits]
    assert sorted(names) == sorted(found)
    if found and words != "BURGLAR":
        assert names[0] == found[0]
    assert words_of("The LSOA_code of a place") == ["lsoa", "code", "place"]


def _supplied(*months: str, landed: str = "2026-11-02") -> Supplies:
    return Supplies(
        [
            Delivery("a" * 64, f"{month}.csv", month, "made", "", (month,), 1, "s",
                     landed, f"{landed}T09:00:00")
            for month in months
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("months", "days", "is_monthly", "state", "missing"),
    [
        (["2026-08", "2026-09"], 45.0, True, "kept", []),
        (["2026-08"], 45.0, True, "late", ["2026-09"]),
        (["2026-08"], None, True, "nothing promised", []),
        ([], 45.0, True, "nothing landed", []),
        (["whole"], 10.0, False, "late", []),
        (["whole"], 365.0, False, "kept", []),
    ],
)
def test_what_is_promised_is_told_beside_what_came(
    months: list[str],
    days: float | None,
    is_monthly: bool,
    state: str,
    missing: list[str],
) -> None:
    contract: Any = SimpleNamespace(
        data_set="made", freshness_days=days, is_monthly=is_monthly
    )
    found = freshness(contract, _supplied(*months), DAY)
    assert (found["state"], found["missing"]) == (state, missing)


def test_only_live_grants_are_told_and_end_with_the_first_that_ends() -> None:
    registers = Registers(DAY)
    columns = (MartColumn("month"), MartColumn("crimes"))
    source = Source("police_uk_street", ("P-STATISTICS", "P-PERFORMANCE"))
    soon = DAY + timedelta(days=40)
    state = DataSetState("police_uk_street", "DPIA-STREET-CRIME", True, soon)
    facts = Facts(
        {"crime_by_month": Mart("crime_by_month", columns, (source,))},
        {"police_uk_street": state},
    )
    book = AccessBook.of(registers, facts, DAY)
    ids = {*registers.grants}
    assert book.live and {one.grant for one in book.live} <= ids
    assert book.access_of("crime_by_month") == book.access_of("police_uk_street")
    assert book.access_of("nothing") == []
    for one in book.live:
        grant = registers.grants[one.grant]
        assert one.until <= grant.last_day and one.columns == ("month", "crimes")
        assert grant.starts <= DAY <= one.until <= soon


def test_checks_are_told_as_they_last_came_out() -> None:
    good = dg.AssetCheckSpec("good", asset="made")
    bad = dg.AssetCheckSpec("bad", asset="made")
    soft = dg.AssetCheckSpec("soft", asset="made")
    never = dg.AssetCheckKey(dg.AssetKey("made"), "never")
    outcomes = {"bad": False}

    @dg.asset(check_specs=[good, bad, soft])
    def made() -> Any:
        yield dg.Output(None)
        yield dg.AssetCheckResult(check_name="good", passed=True)
        yield dg.AssetCheckResult(check_name="bad", passed=outcomes["bad"])
        yield dg.AssetCheckResult(
            check_name="soft", passed=False, severity=dg.AssetCheckSeverity.WARN
        )

    with dg.DagsterInstance.ephemeral() as instance:
        keys = [*(one.key for one in (good, bad, soft)), never]
        assert latest_checks(instance, keys) == {}
        dg.materialize([made], instance=instance)
        seen = latest_checks(instance, keys)["made"]
        assert (seen.passed, seen.warned, seen.failed) == (1, ("soft",), ("bad",))
        outcomes["bad"] = True
        dg.materialize([made], instance=instance)
        seen = latest_checks(instance, keys)["made"]
        assert (seen.passed, seen.failed) == (2, ()) and seen.at
