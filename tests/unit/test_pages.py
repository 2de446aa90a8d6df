"""Pages: escaping, words, headings, links, charts; any record whatever it states."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from edp_platform.governance.pages.charts import Series, plan_and_actual, stacked_bars
from edp_platform.governance.pages.layout import (
    Chart,
    Facts,
    Items,
    Link,
    Page,
    Section,
    Table,
    Text,
    label,
    render,
    words,
)
from edp_platform.governance.pages.record_page import record_page
from edp_platform.governance.pages.site import Entry, Records, pages, write_pages
from edp_platform.governance.records.base import Record
from tests.accessible import Document, faults

DAY = date(2026, 11, 22)
SCRIPT = "<script>alert('x')</script>"
ATTRIBUTE = "\"><img src=x onerror=alert(1)>'"


class Part(BaseModel):
    harm: str
    residual: str
    due: date | None = None


class Small(Record):
    example: bool = True
    status: str = "approved"
    signed: bool = True
    count: int = 1234
    columns: list[str] = Field(default=[])
    risks: list[Part] = Field(default=[])
    review: Part | None = None
    more: dict[str, list[str]] = Field(default={})


def page_of(record: Small, **more: object) -> Page:
    return record_page(
        record, title="A record", register="record", source="a.yaml", as_at=DAY, **more
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "not stated"),
        ("", "not stated"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (1234567, "1,234,567"),
        (0.5, "0.50"),
        (date(2026, 1, 2), "2 January 2026"),
        (datetime(2026, 1, 2, 3, 4), "2 January 2026, 03:04"),
        ([], "none"),
        (["a", None], "a; not stated"),
        ({"apd_ref": "APD-01"}, "Policy document reference: APD-01"),
    ],
)
def test_values_are_said_in_words(value: object, said: str) -> None:
    assert words(value) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("review_due", "Review due"),
        ("dpia", "DPIA"),
        ("art6", "UK GDPR Article 6(1)"),
        ("by", "By whom"),
        ("relies_on", "Relies on"),
        ("accepted_by", "Accepted by"),
        ("eqia_ref", "EqIA reference"),
    ],
)
def test_names_of_fields_become_headings(name: str, said: str) -> None:
    assert label(name) == said


@pytest.mark.parametrize("hostile", [SCRIPT, ATTRIBUTE, "{{ 7 * 7 }}", "&amp;<b>"])
def test_markup_in_a_record_is_shown_and_never_taken(hostile: str) -> None:
    record = Small(
        id=hostile,
        status=hostile,
        columns=[hostile],
        risks=[Part(harm=hostile, residual=hostile)],
        review=Part(harm=hostile, residual=hostile, due=DAY),
        more={hostile: [hostile]},
    )
    page = record_page(
        record,
        title=hostile,
        register=hostile,
        source=hostile,
        as_at=DAY,
        links={"other": hostile},
        trail=[Link(hostile, "../index.html")],
    )
    text = render(page)
    document = Document(text)
    assert document.all("script") == []
    assert document.all("img") == []
    assert document.all("b") == []
    assert "49" not in text
    (heading,) = document.all("h1")
    assert document.text(heading) == " ".join(hostile.split())
    assert faults(text) == []


@pytest.mark.parametrize("hostile", [SCRIPT, ATTRIBUTE])
def test_markup_in_a_chart_is_shown_and_never_taken(hostile: str) -> None:
    svg = stacked_bars(
        hostile, hostile, [hostile], [Series(hostile, "plain", [1])], "x"
    )
    svg += plan_and_actual(hostile, hostile, [(hostile, 1, None)], hostile)
    document = Document(svg)
    assert document.all("script") == []
    assert document.all("img") == []
    assert document.unbalanced == []


def test_every_field_of_a_record_is_on_its_page() -> None:
    record = Small(
        id="R-1",
        columns=["a_column", "another"],
        risks=[
            Part(harm="first harm", residual="low"),
            Part(harm="h2", residual="high"),
        ],
        review=Part(harm="reviewed", residual="medium", due=date(2026, 11, 1)),
        more={"note": ["said twice", "said once"]},
    )
    text = render(page_of(record))
    for expected in (
        "R-1",
        "approved",
        "1,234",
        "a_column",
        "another",
        "first harm",
        "h2",
        "high",
        "reviewed",
        "medium",
        "said twice",
        "made-up record",
        "1 November 2026 (passed 21 days ago)",
    ):
        assert expected in text
    assert faults(text) == []


@pytest.mark.parametrize(
    "record",
    [
        Small(id="empty"),
        Small(id="long", risks=[Part(harm="x" * 900, residual="y")]),
        Small(id="wide", risks=[Part(harm=f"h{n}", residual="r") for n in range(40)]),
        Small(id="only parts", more={"a": []}),
    ],
)
def test_pages_of_odd_records_are_accessible(record: Small) -> None:
    assert faults(render(page_of(record))) == []


def test_an_id_of_another_record_becomes_a_link_and_words_do_not() -> None:
    record = Small(id="R-1", columns=["R-2", "R-22"], status="R-2")
    document = Document(render(page_of(record, links={"R-2": "../x/R-2.html"})))
    hrefs = [document.tags[at][1]["href"] for at in document.all("a")]
    assert hrefs.count("../x/R-2.html") == 2


def test_sections_of_one_name_have_anchors_of_their_own() -> None:
    again = [Section("Same", [Text([str(n)])]) for n in range(5)]
    assert faults(render(Page("Page", again, DAY))) == []


def test_a_chart_stands_with_its_name_its_words_and_its_table() -> None:
    table = Table("Checks", ["Day", "Passed", "Failed"], [["1 May", 3, 1]])
    svg = stacked_bars(
        "Checks",
        "3 passed, 1 failed.",
        ["1 May"],
        [Series("passed", "plain", [3]), Series("failed", "stripes", [1])],
        "checks",
    )
    page = Page(
        "Pack",
        [
            Section("A", [Chart("Checks", "3 passed, 1 failed.", svg, table)]),
            Section("B", [Facts("None", []), Items([]), Table("Empty", ["Head"], [])]),
        ],
        DAY,
    )
    text = render(page)
    assert faults(text) == []
    document = Document(text)
    (drawing,) = document.all("svg")
    said = document.text(drawing)
    # Names and numbers stand in the drawing: colour alone would tell nothing.
    for expected in ("passed", "failed", "3 + 1", "3 passed, 1 failed. In checks."):
        assert expected in said


def test_each_series_has_a_pattern_of_its_own() -> None:
    svg = stacked_bars(
        "C",
        "s",
        ["r"],
        [
            Series("a", "plain", [1]),
            Series("b", "stripes", [1]),
            Series("c", "dots", [1]),
        ],
        "x",
    )
    fills = {attrs["fill"] for tag, attrs in Document(svg).tags if tag == "rect"} - {
        "#ffffff"
    }
    assert {"url(#chart-c-stripes)", "url(#chart-c-dots)"} <= fills


@pytest.mark.parametrize("values", [[], [0, 0], [-3, 2], [1e12, 1]])
def test_charts_of_odd_numbers_are_drawn(values: list[float]) -> None:
    rows = [f"row {at}" for at in range(len(values))]
    svg = stacked_bars("C", "s", rows, [Series("a", "plain", values)], "x")
    widths = [
        float(attrs["width"]) for tag, attrs in Document(svg).tags if tag == "rect"
    ]
    assert all(0 <= width <= 720 for width in widths)


def test_the_set_links_records_and_keeps_ids_inside_the_folder(tmp_path: Path) -> None:
    entries = (
        Entry("purposes", Small(id="../../etc/passwd"), "Climbing out", "a.yaml"),
        Entry("purposes", Small(id="P 1"), "One", "b.yaml"),
        Entry("purposes", Small(id="P/1", columns=["P 1"]), "Other", "c.yaml"),
    )
    made = pages(Records(entries, ("a.yaml:3: wrong",)), DAY)
    assert sorted(made) == [
        "index.html",
        "purposes/P-1-2.html",
        "purposes/P-1.html",
        "purposes/etc-passwd.html",
    ]
    for path in write_pages(Records(entries, ()), tmp_path / "set", DAY):
        assert path.resolve().is_relative_to((tmp_path / "set").resolve())
        assert faults(path.read_text(encoding="utf-8")) == []
    other = (tmp_path / "set/purposes/P-1-2.html").read_text(encoding="utf-8")
    assert 'href="../purposes/P-1.html"' in other


def test_the_index_names_what_cannot_be_read_and_what_is_overdue() -> None:
    late = Small(id="L", review=Part(harm="h", residual="r", due=date(2026, 1, 1)))
    made = pages(
        Records((Entry("dpias", late, "Late", "l.yaml"),), ("x.yaml:3: wrong",)), DAY
    )
    text = render(made["index.html"])
    assert "x.yaml:3: wrong" in text
    assert "1 January 2026 (overdue)" in text
    assert faults(text) == []


def test_pages_of_records_that_are_gone_are_removed_and_others_left(
    tmp_path: Path,
) -> None:
    one = Entry("teams", Small(id="A"), "A", "a.yaml")
    two = Entry("teams", Small(id="B"), "B", "b.yaml")
    write_pages(Records((one, two), ()), tmp_path, DAY)
    (tmp_path / "teams" / "own.html").write_text("mine")
    (tmp_path / "kept.html").write_text("mine")
    # A list that somebody edited may not lead to files the set did not write.
    made = tmp_path / "pages.json"
    made.write_text(made.read_text().replace("[", '["kept.html", "../kept.html", ', 1))
    write_pages(Records((one,), ()), tmp_path, DAY)
    assert sorted(path.name for path in tmp_path.rglob("*.html")) == [
        "A.html",
        "index.html",
        "kept.html",
        "own.html",
    ]


def test_the_same_records_and_day_give_the_same_bytes(tmp_path: Path) -> None:
    records = Records((Entry("teams", Small(id="A"), "A", "a.yaml"),), ())
    first = [path.read_bytes() for path in write_pages(records, tmp_path / "1", DAY)]
    second = [path.read_bytes() for path in write_pages(records, tmp_path / "2", DAY)]
    assert first == second
