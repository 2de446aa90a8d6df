"""From received names to platform names: columns, and the pattern of a file's name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import duckdb

from edp_platform.contracts.model import PLATFORM_COLUMNS

#: Names that ingestion gives its own columns while it reads a file.
_OF_INGESTION = frozenset(
    {"at", "column", "reason", "record", "first_line", *PLATFORM_COLUMNS}
)
_MONTH = re.compile(r"(?<!\d)(?<!\d{4}-)(?:19|20)\d{2}-(?:0[1-9]|1[0-2])(?!\d)")
_DAY = re.compile(
    r"(?<!\d)(?:(?:19|20)\d{2}[-_.]?(?:0[1-9]|1[0-2])[-_.]?(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0[1-9]|[12]\d|3[01])[-_.](?:0[1-9]|1[0-2])[-_.](?:19|20)\d{2})(?!\d)"
)
_OTHER_MONTH = re.compile(
    r"(?<!\d)(?:19|20)\d{2}[_.]?(?:0[1-9]|1[0-2])(?!\d)"
    r"|(?<![a-z])(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?"
    r"|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
    r"[-_ .]?(?:19|20)?\d{2}(?!\d)",
    re.IGNORECASE,
)

#: Forces as data.police.uk spells them in file names.
_FORCES_TEXT = """
avon-and-somerset bedfordshire btp cambridgeshire cheshire city-of-london cleveland
cumbria derbyshire devon-and-cornwall dorset durham dyfed-powys essex
gloucestershire greater-manchester gwent hampshire hertfordshire humberside kent
lancashire leicestershire lincolnshire merseyside metropolitan norfolk north-wales
north-yorkshire northamptonshire northern-ireland northumbria nottinghamshire
south-wales south-yorkshire staffordshire suffolk surrey sussex thames-valley
warwickshire west-mercia west-midlands west-yorkshire wiltshire
"""
FORCES = tuple(_FORCES_TEXT.split())
_FORCE = re.compile(
    r"(?<![a-z0-9])(?:"
    + "|".join(sorted(FORCES, key=len, reverse=True))
    + r")(?![a-z0-9])",
    re.IGNORECASE,
)


@cache
def _sql_words() -> frozenset[str]:
    """The words that SQL would not take as a column without quotes."""
    rows = duckdb.sql(
        "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
    ).fetchall()
    return frozenset(str(word) for (word,) in rows)


def column_names(received: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Return a platform name for each received name, in order, all different.

    Args:
        received: names as the header gives them.
        taken: names that other columns of the data set hold already.
    """
    used = set(taken)
    names = []
    for text in received:
        base = _snake(text)
        if base == "month":
            base = "file_month"  # the lake's folders carry `month`
        if base in _OF_INGESTION or base in _sql_words() or base in taken:
            base = f"received_{base}"
        name, number = base, 2
        while name in used:
            name, number = f"{base}_{number}", number + 1
        used.add(name)
        names.append(name)
    return names


def _snake(text: str) -> str:
    text = text.replace("%", " percent ").replace("£", " pounds ").replace("&", " and ")
    text = re.sub(r"['’]", "", text)
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", plain)
    name = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
    if not name:
        return "unnamed"
    return f"column_{name}" if name[0].isdigit() else name


@dataclass(frozen=True)
class FilePattern:
    """How a data set's files are named, and what was seen to say so.

    Attributes:
        text: the contract's `filePattern`.
        has_month: whether the name says the month.
        has_force: whether the name says the force.
        note: what a person must check, or "".
    """

    text: str
    has_month: bool
    has_force: bool
    note: str = ""


def file_pattern(name: str) -> FilePattern:
    """Infer the pattern from one file's base name.

    A month written YYYY-MM becomes {month} and a force {force}; other dates, which say
    when a file was made rather than what it holds, become `*`.
    """
    notes = []
    text = re.sub(r"[{}]", "*", _DAY.sub("*", name))
    months = _MONTH.findall(text)
    if len(months) == 1:
        text = _MONTH.sub("{month}", text)
        first, second = months[0].split("-")
        if int(second) == int(first[2:]) + 1:
            notes.append("{month} may be a range of years here: check")
    elif months:
        text = _MONTH.sub("*", text)
        notes.append("the name holds several months, so it does not say a row's month")
    before = text
    text = _OTHER_MONTH.sub("*", text)
    if text != before and len(months) != 1:
        notes.append("a month is read from a name only as YYYY-MM; * matches any")
    forces = _FORCE.findall(text)
    if len(forces) == 1:
        text = _FORCE.sub("{force}", text)
    return FilePattern(
        re.sub(r"\*+", "*", text), len(months) == 1, len(forces) == 1, "; ".join(notes)
    )
