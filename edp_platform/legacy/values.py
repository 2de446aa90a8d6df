"""How people write labels, months and figures, read as one thing."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache

_SEPARATORS = re.compile(r"[^0-9a-z]+")
_MONTHS = (
    "jan", "feb", "mar", "apr", "may", "jun",
    "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip
_YEAR_MONTH = re.compile(r"(\d{4})[-/.\s]?(\d{2})")
_MONTH_YEAR = re.compile(r"(\d{1,2})[-/.](\d{4})")
_NAMED = re.compile(r"([a-z]{3,9})[-/.\s']*(\d{4}|\d{2})")
_YEAR_NAMED = re.compile(r"(\d{4})[-/.\s]*([a-z]{3,9})")
_DAYS = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y/%m/%d")
_NUMBER = re.compile(r"[+-]?(\d{1,3}([,\s]\d{3})+|\d+)?(\.\d+)?")
#: What stands in a cell that has no figure.
_NO_FIGURE = frozenset({"", "-", "–", "n/a", "na", "null", "none", "..", ":"})


@lru_cache(maxsize=65_536)
def folded(text: str | None) -> str:
    """Return a label as it is compared: no capitals, marks or doubled spaces, & is and."""
    plain = (text or "").casefold().replace("&", " and ")
    return _SEPARATORS.sub(" ", plain).strip()


def as_day(text: str | None) -> date | None:
    """Return the day, or the first day of the month, that a text names; else None.

    Days are read as in Britain, day before month.
    """
    plain = " ".join((text or "").casefold().replace("'", " ").split())
    plain = re.sub(r"[ t]00:00(:00(\.0+)?)?$", "", plain)
    for form in _DAYS:
        try:
            return datetime.strptime(plain, form).date()
        except ValueError:
            continue
    found = _YEAR_MONTH.fullmatch(plain)
    if found:
        return _first(found[1], found[2])
    found = _MONTH_YEAR.fullmatch(plain)
    if found:
        return _first(found[2], found[1])
    found = _NAMED.fullmatch(plain)
    if found:
        return _first(found[2], _month_named(found[1]))
    found = _YEAR_NAMED.fullmatch(plain)
    return _first(found[1], _month_named(found[2])) if found else None


def _month_named(word: str) -> str:
    is_name = word[:3] in _MONTHS and len(word) >= 3
    return str(_MONTHS.index(word[:3]) + 1) if is_name else ""


def _first(year: str, month: str) -> date | None:
    if not month or not 1 <= int(month) <= 12:
        return None
    whole = int(year) + (2000 if len(year) == 2 else 0)
    return date(whole, int(month), 1) if 1900 <= whole <= 2200 else None


def as_figure(text: str | None) -> tuple[float, int] | None:
    """Return a figure and to how many decimals it was written.

    Thousands may be parted; a share written as 12.5% is 0.125, to three decimals.

    Returns:
        None where the cell has no figure (blank, a dash, n/a).

    Raises:
        ValueError: it is text, not a figure.
    """
    plain = (text or "").strip()
    if plain.casefold() in _NO_FIGURE:
        return None
    is_share = plain.endswith("%")
    number = plain.removesuffix("%").strip().removeprefix("£")
    if not number or not _NUMBER.fullmatch(number) or number in "+-.":
        raise ValueError(f"{plain!r} is not a figure")
    decimals = len(number.partition(".")[2])
    value = float(re.sub(r"[,\s]", "", number))
    # A workbook writes whole numbers as 12.0.
    if value == int(value) and set(number.partition(".")[2]) <= {"0"}:
        decimals = 0
    return (value / 100, decimals + 2) if is_share else (value, decimals)
