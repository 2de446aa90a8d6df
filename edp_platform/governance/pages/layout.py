"""The one layout of every page, and the pieces a page is made of.

Everything that reaches a page passes through jinja2 with escaping on, so that a record
cannot put markup into what others read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


@dataclass(frozen=True)
class Link:
    """Text that leads somewhere within the same set of pages."""

    text: str
    href: str


@dataclass(frozen=True)
class Table:
    """A table: a caption, one heading a column, the first cell of a row its heading.

    Attributes:
        caption: says what the table shows, and stands for it in a list of tables.
        heads: one for each column.
        rows: cells of any kind that `words` can say.
        numeric: places (from 0) of columns that hold numbers, set to the right.
    """

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Facts:
    """Names and what each is: a table of two columns."""

    caption: str
    rows: Sequence[tuple[str, Any]]


@dataclass(frozen=True)
class Text:
    """Paragraphs; with `lead` the first thing a reader should know."""

    paragraphs: Sequence[str]
    lead: bool = False


@dataclass(frozen=True)
class Items:
    """A list."""

    items: Sequence[Any]


@dataclass(frozen=True)
class Chart:
    """A drawing with its name, its words and the table that holds the same figures.

    Attributes:
        title: what it shows.
        summary: what is to be seen in it, for whoever cannot see it.
        svg: made by `charts`, which escapes every text in it.
        table: the figures.
    """

    title: str
    summary: str
    svg: str
    table: Table


@dataclass(frozen=True)
class Folded:
    """A table that stands folded under its summary until somebody opens it."""

    summary: str
    table: Table


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it.

    `level` is 2 or 3; sections follow each other in the order of the page.
    """

    title: str
    blocks: Sequence[Text | Facts | Table | Items | Chart | Folded]
    level: Literal[2, 3] = 2

    @property
    def anchor(self) -> str:
        """The fragment that leads here."""
        kept = "".join(one if one.isalnum() else "-" for one in self.title.lower())
        return "-".join(part for part in kept.split("-") if part) or "section"


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        title: its `h1`, and first in the browser's title.
        sections: what stands on it.
        source: the file the page was made from, so that a reader knows what to change.
        as_at: the day it was made for.
        trail: pages above this one, outermost first.
        intro: what stands under the title.
    """

    title: str
    sections: Sequence[Section]
    as_at: date
    source: str = ""
    trail: Sequence[Link] = ()
    intro: Sequence[str] = field(default=())


def render(page: Page) -> str:
    """Return a page as HTML that needs no other file.

    Returns:
        the whole document; every text in it escaped.
    """
    anchors = _unique([section.anchor for section in page.sections])
    return (
        _environment()
        .get_template("page.html")
        .render(page=page, sections=list(zip(page.sections, anchors, strict=True)))
    )


def _unique(anchors: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    found = []
    for one in anchors:
        seen[one] = seen.get(one, 0) + 1
        found.append(one if seen[one] == 1 else f"{one}-{seen[one]}")
    return found


@cache
def _environment() -> Environment:
    # StrictUndefined: a misspelt name must fail here, not leave a gap in evidence.
    environment = Environment(
        loader=PackageLoader("edp_platform.governance.pages"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["words"] = words
    environment.tests["link"] = lambda value: isinstance(value, Link)
    environment.tests["many"] = lambda value: isinstance(value, list | tuple)
    environment.tests["day"] = lambda value: isinstance(value, date)
    environment.tests["facts"] = lambda value: isinstance(value, Facts)
    environment.tests["table"] = lambda value: isinstance(value, Table)
    environment.tests["text"] = lambda value: isinstance(value, Text)
    environment.tests["items"] = lambda value: isinstance(value, Items)
    environment.tests["folded"] = lambda value: isinstance(value, Folded)
    environment.tests["chart"] = lambda value: isinstance(value, Chart)
    return environment


def words(value: Any) -> str:
    """Return one value in words a person reads.

    Nothing is "not stated", a boolean is yes or no, a day is written out, a number has
    its thousands parted.
    """
    if value is None or value == "":
        return "not stated"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.day} {value:%B %Y, %H:%M}"
    if isinstance(value, date):
        return f"{value.day} {value:%B %Y}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, Link):
        return value.text
    if isinstance(value, Mapping):
        return "; ".join(f"{label(str(k))}: {words(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(words(one) for one in value) or "none"
    return str(value)


#: Parts of names that are not words: how each is written out.
_SPELT = {
    "dpia": "DPIA",
    "dpias": "DPIAs",
    "eqia": "EqIA",
    "dpo": "DPO",
    "ico": "ICO",
    "apd": "policy document",
    "ref": "reference",
    "refs": "references",
    "sch8": "Schedule 8 conditions",
    "sch1": "Schedule 1 conditions",
    "art6": "UK GDPR Article 6(1)",
    "art9": "UK GDPR Article 9(2)",
    "art10": "Article 10",
    "s35": "DPA 2018 section 35",
    "s38": "DPA 2018 section 38",
    "s62": "DPA 2018 section 62",
    "s93": "section 93",
    "url": "address",
    "atrs": "ATRS",
    "rrd": "review, retention and disposal",
}
#: Whole names that say little by themselves.
_WHOLE = {"id": "reference", "on": "date", "by": "by whom", "with_": "with"}


def label(name: str) -> str:
    """Return a field's name as a heading: `review_due` is "Review due"."""
    parts = name.replace("-", "_").split("_")
    text = _WHOLE.get(name) or " ".join(
        _SPELT.get(part.lower(), part) for part in parts if part
    )
    return text[:1].upper() + text[1:]
