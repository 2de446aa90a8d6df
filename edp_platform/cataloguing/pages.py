"""The catalogue as pages: an index, one page an entry, and every word and where it is.

Without a script nothing can be typed and looked for in a file, so the index holds every
name, column and meaning (a browser's own search opens what is folded), and a page of
words leads to each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from edp_platform.cataloguing.searching import words_of
from edp_platform.files import read_json, replacing, write_json
from edp_platform.governance.pages.layout import (
    Facts,
    Folded,
    Items,
    Link,
    Page,
    Section,
    Table,
    Text,
    render,
)

#: Lists the pages of the last time, so that one of a mart that is gone is removed.
_MADE = "catalogue.json"
_PAGE = re.compile(r"(data_set|mart)/[A-Za-z0-9_]+\.html")
_KINDS = {"data_set": "Data sets", "mart": "Marts"}
_NAME = re.compile(r"[A-Za-z0-9_]+")
_FROM = "contracts, DPIAs, registers, grants and the models of the warehouse"


def pages(entries: Sequence[Mapping[str, Any]], as_at: date) -> dict[str, Page]:
    """Return path → page: the index, the words, then each entry.

    Args:
        entries: of the catalogue.
        as_at: the day it was made for.
    """
    known = {one["name"] for one in entries}
    made = {
        "index.html": _index(entries, as_at),
        "words.html": _words(entries, as_at),
    }
    for one in entries:
        made[_path(one)] = _entry(one, known, as_at)
    return made


def write_catalogue(
    entries: Sequence[Mapping[str, Any]], folder: Path, as_at: date
) -> list[Path]:
    """Write the pages; remove those of an earlier time whose entry is gone.

    Returns:
        every page, the index first.

    Raises:
        WriteFailed: the folder cannot be written.
    """
    made = pages(entries, as_at)
    written = []
    for name, page in made.items():
        with replacing(folder / name) as temporary:
            temporary.write_text(render(page), encoding="utf-8", newline="\n")
        written.append(folder / name)
    for name in read_json(folder / _MADE, []):
        # Only what this wrote: the list could have been edited to lead elsewhere.
        if isinstance(name, str) and _PAGE.fullmatch(name) and name not in made:
            (folder / name).unlink(missing_ok=True)
    write_json(folder / _MADE, sorted(made))
    return written


def _path(entry: Mapping[str, Any]) -> str:
    # A folder's and a model's name are such words; anything else must not lead out.
    name = "".join(_NAME.findall(entry["name"]))
    return f"{entry['kind']}/{name}.html"


def _index(entries: Sequence[Mapping[str, Any]], as_at: date) -> Page:
    sections = []
    for kind, heading in _KINDS.items():
        own = [one for one in entries if one["kind"] == kind]
        table = Table(
            f"{heading}: {len(own)}",
            ["Name", "What it is", "Owner", "Classification", "Newest", "State"],
            [
                [
                    Link(one["name"], _path(one)),
                    one["title"] if kind == "data_set" else one["about"],
                    one["owner"]["name"],
                    one["classification"],
                    one["freshness"]["newest_month"] or "no months",
                    _state(one),
                ]
                for one in own
            ],
        )
        sections.append(Section(heading, [table]))
    folded = [
        Folded(
            f"{one['name']}: {len(one['columns'])} columns",
            Table(
                f"Columns of {one['name']}",
                ["Column", "Meaning"],
                [
                    [each["name"], each["meaning"] or "not stated"]
                    for each in one["columns"]
                ],
            ),
        )
        for one in entries
    ]
    sections.append(Section("Every column", folded))
    return Page(
        title="Catalogue of data",
        sections=sections,
        as_at=as_at,
        source=_FROM,
        trail=[Link("Words", "words.html")],
        intro=[
            "What there is, what it means, who answers for it, and how to ask for it. "
            "To find something, look its word up on the page of words, or search this "
            "page in your browser: what is folded opens where it is found. On the "
            "command line: edp catalogue search WORDS.",
        ],
    )


def _state(one: Mapping[str, Any]) -> str:
    if one["gate"] == "refused":
        return "refused by the gate"
    if one["kind"] == "mart" and one["published"] is None:
        return "not published yet"
    return str(one["freshness"]["state"])


def _words(entries: Sequence[Mapping[str, Any]], as_at: date) -> Page:
    """Return the page of words: each word of a name, title or column, and where it is."""
    where: dict[str, dict[str, str]] = {}
    for one in entries:
        names = " ".join(each["name"] for each in one["columns"])
        for word in words_of(f"{one['name']} {one['title'][:80]} {names}"):
            if not word.isdigit():
                where.setdefault(word, {})[one["name"]] = _path(one)
    letters: dict[str, list[str]] = {}
    for word in sorted(where):
        letters.setdefault(word[0].upper(), []).append(word)
    return Page(
        title="Words of the catalogue",
        sections=[
            Section(
                letter,
                [
                    Table(
                        f"Words that begin with {letter}",
                        ["Word", "Stands in"],
                        [
                            [word, [Link(name, to) for name, to in where[word].items()]]
                            for word in words
                        ],
                    )
                ],
            )
            for letter, words in letters.items()
        ],
        as_at=as_at,
        source=_FROM,
        trail=[Link("Catalogue", "index.html")],
        intro=["Each word of a name, a title or a column, and what it stands in."],
    )


def _entry(one: Mapping[str, Any], known: set[str], as_at: date) -> Page:
    is_set = one["kind"] == "data_set"
    what = "Data set" if is_set else "Mart"
    owner = one["owner"]
    summary = Facts(
        f"{one['name']} in short",
        [
            ("What one row is", one["grain"] or "not stated"),
            ("Limits", one["limits"] or "none stated"),
            (
                "Owner",
                " ".join(part for part in (owner["name"], owner["email"]) if part),
            ),
            ("Classification", f"{one['classification']} (its highest column)"),
            ("Regime", [_REGIMES.get(each, each) for each in one["regimes"]]),
            (
                "Purposes",
                [f"{each['id']}: {each['title']}" for each in one["purposes"]],
            ),
            ("Use cases", one["use_cases"]),
            ("Retention rule", one["retention"]),
            ("Next review", _day(one["next_review"])),
            ("Gate", "open" if one["gate"] == "open" else "refused"),
            *(
                [("Supplier", one["supplier"]), ("Licence", one["licence"])]
                if is_set
                else []
            ),
        ],
    )
    sections = [
        Section("In short", [summary]),
        Section("Columns", [_columns(one)]),
        Section("Data protection", [_dpias(one)]),
        Section("Quality and freshness", _quality(one)),
        Section("Where it comes from and goes", [_lineage(one, known)]),
        Section("Who may see it", [_access(one, known)]),
        Section("How to ask", [_ask(one)]),
    ]
    if one["refusals"]:
        refused = Section("Why the gate is shut", [Items(list(one["refusals"]))])
        sections.insert(1, refused)
    return Page(
        title=one["title"] if is_set else one["name"],
        sections=sections,
        as_at=as_at,
        source=_FROM,
        trail=[
            Link("Catalogue", "../index.html"),
            Link(_KINDS[one["kind"]], f"../index.html#{_anchor(_KINDS[one['kind']])}"),
        ],
        intro=[f"{what} {one['name']}. {one['about']}".strip()],
    )


_REGIMES = {"part2": "general processing", "part3": "law enforcement processing"}


def _anchor(title: str) -> str:
    return Section(title, []).anchor


def _day(text: str | None) -> Any:
    return date.fromisoformat(text) if text else "none"


def _columns(one: Mapping[str, Any]) -> Table:
    return Table(
        f"{len(one['columns'])} columns of {one['name']}",
        ["Column", "Meaning", "Type", "Classification", "Identifies"],
        [
            [
                each["name"],
                _meaning(each),
                each["type"],
                each["classification"],
                each["identifier_class"] or "unknown",
            ]
            for each in one["columns"]
        ],
    )


def _meaning(column: Mapping[str, Any]) -> str:
    parts = [column["meaning"] or "not stated"]
    if column["unit"]:
        parts.append(f"In {column['unit']}.")
    if column["protected_characteristic"]:
        parts.append(f"Protected characteristic: {column['protected_characteristic']}.")
    if column["protected_by"]:
        parts.append(f"Protected by {', '.join(column['protected_by'])}.")
    return " ".join(parts)


def _dpias(one: Mapping[str, Any]) -> Table:
    return Table(
        "Data protection impact assessments",
        ["Reference", "Status", "Review due", "What it covers"],
        [
            [each["id"], each["status"], _day(each["review_due"]), each["covers"]]
            for each in one["dpias"]
        ],
    )


def _quality(one: Mapping[str, Any]) -> list[Facts]:
    quality, fresh = one["quality"], one["freshness"]
    if not quality["checked"]:
        checks: Any = "no run is on record"
    else:
        checks = (
            f"{quality['passed']} passed, {len(quality['warned'])} warn, "
            f"{len(quality['failed'])} failed, last {quality['at']}"
        )
    kept_out = [f"{count:,} {why}" for why, count in quality["reasons"].items()]
    rows: list[tuple[str, Any]] = [
        ("Checks", checks),
        ("Failed", quality["failed"]),
        ("Warn", quality["warned"]),
        ("Rows quarantined", quality["quarantined"]),
        ("Why they are", kept_out),
        ("Exact repeats set aside", quality["set_aside"]),
    ]
    days = fresh["promised_days"]
    promised = "nothing is promised"
    if days is not None:
        promised = f"within {days:g} days" + (
            " of a month's end" if fresh["newest_month"] else ""
        )
    freshness: list[tuple[str, Any]] = [
        ("Promised", promised),
        ("Newest month", fresh["newest_month"] or "none"),
        ("Newest release", fresh["newest_release"] or "none"),
        ("Last landed", _day(fresh["landed_on"])),
        ("Promised and not here", fresh["missing"]),
        ("State", fresh["state"]),
    ]
    if one["kind"] == "mart":
        published = one["published"]
        freshness.append(
            (
                "Published",
                f"{published['as_at']}, {published['rows']:,} rows"
                if published
                else "not yet",
            )
        )
    return [
        Facts(f"Quality of {one['name']}", rows),
        Facts(f"Freshness of {one['name']}", freshness),
    ]


def _lineage(one: Mapping[str, Any], known: set[str]) -> Facts:
    lineage = one["lineage"]
    return Facts(
        f"Lineage of {one['name']}",
        [
            ("Made from", [_linked(each, known) for each in lineage["up"]]),
            ("Goes into", [_linked(each, known) for each in lineage["down"]]),
            ("By column", f"edp lineage {one['name']}.COLUMN --up"),
            ("By row", f"edp trace {one['name']}"),
        ],
    )


def _linked(each: Mapping[str, str], known: set[str]) -> Any:
    if each["name"] not in known or each["kind"] not in _KINDS:
        return each["name"]
    return Link(each["name"], f"../{_path(each)}")


def _access(one: Mapping[str, Any], known: set[str]) -> Table | Text:
    if not one["access"]:
        return Text(["Nobody has a live grant today."])
    return Table(
        "Live grants",
        ["Who", "Sees", "Columns", "Rows", "Until", "For", "Grant"],
        [
            [
                f"{each['name']} ({each['firm']})" if each["firm"] else each["name"],
                _linked({"kind": "mart", "name": each["mart"]}, known),
                len(each["columns"]),
                [f"{name}: {', '.join(of)}" for name, of in each["rows"].items()]
                or "all",
                _day(each["until"]),
                each["project"],
                each["grant"],
            ]
            for each in one["access"]
        ],
    )


def _ask(one: Mapping[str, Any]) -> Text | Items:
    if not one["ask"]:
        return Text(
            ["Nothing made of it is published, so there is nothing to ask for."]
        )
    return Items([*one["ask"]])
