"""One record as a page: every field of it, in the order the record states them.

Made from the model, not written for each register, so that a field added to a record
cannot be missing from its page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from pydantic import BaseModel

from edp_platform.governance.pages.layout import (
    Facts,
    Items,
    Link,
    Page,
    Section,
    Table,
    Text,
    label,
    words,
)

#: A list of parts with more fields than this is told part by part, not as a table.
_WIDEST = 6
#: Cells longer than this make a table that nobody can read across.
_LONGEST = 160
#: Fields that say by when something must be done.
_DUE = ("due", "review_due", "until", "ends", "expires")


def record_page(
    record: BaseModel,
    *,
    title: str,
    register: str,
    source: str,
    as_at: date,
    links: Mapping[str, str] | None = None,
    trail: Sequence[Link] = (),
) -> Page:
    """Return the page of one record.

    Args:
        record: any record; each of its fields is shown.
        title: the page's heading.
        register: what the register is called, for the introduction.
        source: the file it was read from.
        as_at: the day that "overdue" counts from.
        links: id of a record → its page; a value that is an id becomes a link.
        trail: the pages above.
    """
    known = links or {}
    top: list[tuple[str, Any]] = []
    sections: list[Section] = []
    for name, value in _fields(record):
        if _is_plain(value):
            top.append((label(name), _cell(name, value, as_at, known)))
        else:
            sections += _sections(label(name), value, as_at, known)
    identity = str(getattr(record, "id", "") or title)
    summary = Section("Summary", [Facts(f"{identity}: what it states", top)])
    return Page(
        title=title,
        sections=[summary, *sections],
        as_at=as_at,
        source=source,
        trail=trail,
        intro=[f"{_sentence(register)}. {_example(record)}".strip()],
    )


def linked(section: Section, links: Mapping[str, str]) -> Section:
    """Return a section of facts and tables whose ids lead to the pages they name."""

    def link(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [link(one) for one in value]
        is_id = isinstance(value, str) and value in links
        return Link(value, links[value]) if is_id else value

    blocks: list[Any] = []
    for block in section.blocks:
        if isinstance(block, Facts):
            block = replace(block, rows=[(name, link(one)) for name, one in block.rows])
        blocks.append(block)
    return replace(section, blocks=blocks)


def _fields(part: BaseModel | Mapping[str, Any]) -> list[tuple[str, Any]]:
    if isinstance(part, BaseModel):
        return [
            (name, getattr(part, name))
            for name in type(part).model_fields
            # Shown in the introduction.
            if name != "example"
        ]
    return [(str(name), value) for name, value in part.items()]


def _sections(
    title: str, value: Any, as_at: date, links: Mapping[str, str], level: int = 2
) -> list[Section]:
    """Return the sections that a part, or a list of parts, becomes."""
    if isinstance(value, BaseModel | Mapping):
        return _of_part(title, value, as_at, links, level)
    parts = list(value)
    if not parts:
        return [Section(title, [Text(["None."])], _level(level))]
    if not all(isinstance(one, BaseModel | Mapping) for one in parts):
        cells = [_cell(title, one, as_at, links) for one in parts]
        return [Section(title, [Items(cells)], _level(level))]
    table = _as_table(title, parts, as_at, links)
    if table is not None:
        return [Section(title, [table], _level(level))]
    blocks: list[Any] = []
    for at, one in enumerate(parts, start=1):
        rows = _flat_rows(one, as_at, links)
        blocks.append(Facts(f"{title} {at} of {len(parts)}{_name(one)}", rows))
    return [Section(title, blocks, _level(level))]


def _of_part(
    title: str,
    part: BaseModel | Mapping[str, Any],
    as_at: date,
    links: Mapping[str, str],
    level: int,
) -> list[Section]:
    plain, below = [], []
    for name, value in _fields(part):
        if _is_plain(value):
            plain.append((label(name), _cell(name, value, as_at, links)))
        elif level == 2:
            below += _sections(f"{title}: {label(name)}", value, as_at, links, level=3)
        else:
            plain.append((label(name), _say(value, as_at, links)))
    blocks = [Facts(title, plain)] if plain else []
    if not plain and not below:
        blocks = [Facts(title, [])]
    if not plain:
        # The heading would stand over nothing: its parts carry the name.
        return [Section(one.title, one.blocks, 2) for one in below]
    return [Section(title, blocks, _level(level)), *below]


def _level(level: int) -> Any:
    return 2 if level <= 2 else 3


def _flat_rows(
    part: BaseModel | Mapping[str, Any], as_at: date, links: Mapping[str, str]
) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in _fields(part):
        if _is_plain(value):
            rows.append((label(name), _cell(name, value, as_at, links)))
        else:
            rows.append((label(name), _say(value, as_at, links)))
    return rows


def _as_table(
    title: str, parts: Sequence[Any], as_at: date, links: Mapping[str, str]
) -> Table | None:
    """Return a table of parts that are all alike, narrow and short; None otherwise."""
    names: list[str] = []
    for one in parts:
        names += [name for name, _ in _fields(one) if name not in names]
    stated = [
        name
        for name in names
        if any(_is_stated(dict(_fields(one)).get(name)) for one in parts)
    ]
    if not stated or len(stated) > _WIDEST:
        return None
    rows = []
    for one in parts:
        values = dict(_fields(one))
        cells = []
        for name in stated:
            value = values.get(name)
            if not _is_plain(value):
                return None
            cells.append(_cell(name, value, as_at, links))
        if any(len(words(cell)) > _LONGEST for cell in cells):
            return None
        rows.append(cells)
    return Table(title, [label(name) for name in stated], rows)


def _is_stated(value: Any) -> bool:
    return value is not None and value != "" and value != []


def _is_plain(value: Any) -> bool:
    if isinstance(value, BaseModel | Mapping):
        return False
    if isinstance(value, list | tuple):
        return not any(isinstance(one, BaseModel | Mapping) for one in value)
    return True


def _cell(name: str, value: Any, as_at: date, links: Mapping[str, str]) -> Any:
    """Return a value as a cell: an id becomes a link, a day that is past says so."""
    if isinstance(value, list | tuple):
        return [_cell(name, one, as_at, links) for one in value]
    if isinstance(value, str) and value in links:
        return Link(value, links[value])
    if isinstance(value, date) and name.rsplit(".", 1)[-1] in _DUE and value < as_at:
        return f"{words(value)} (passed {_days((as_at - value).days)} ago)"
    return value


def _days(count: int) -> str:
    return f"{count:,} day" if count == 1 else f"{count:,} days"


def _say(value: Any, as_at: date, links: Mapping[str, str]) -> Any:
    """Return a part within a part in words: its names and values, one to a line."""
    if isinstance(value, BaseModel | Mapping):
        return [
            f"{label(name)}: {_plain_words(_say(one, as_at, links))}"
            for name, one in _fields(value)
            if _is_stated(one)
        ]
    if isinstance(value, list | tuple):
        return [_plain_words(_say(one, as_at, links)) for one in value]
    return value


def _plain_words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "; ".join(_plain_words(one) for one in value) or "none"
    return words(value)


def _name(part: BaseModel | Mapping[str, Any]) -> str:
    values = dict(_fields(part))
    for name in ("title", "name", "id", "number", "characteristic"):
        if values.get(name):
            return f": {words(values[name])}"
    return ""


def _sentence(register: str) -> str:
    return register[:1].upper() + register[1:]


def _example(record: BaseModel) -> str:
    if getattr(record, "example", False):
        return "A made-up record of the sample force: nobody named here exists."
    return ""
