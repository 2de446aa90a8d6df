"""Dates in records: absolute, or, in example records only, relative to the home."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, timedelta

_RELATIVE = re.compile(r"([+-]\d{1,4})d\Z")
#: Python reads 20271012 and 2027-W41-2 as dates too; a record has one way to write one.
_WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


def resolve_date(text: str, anchor: date | None) -> date:
    """Return the date that `text` names.

    Args:
        text: "2027-10-12", or "+365d" (days after `anchor`).
        anchor: the day the home was made for an example record, else None.

    Raises:
        ValueError: not a date, or a relative date in a record that people signed.
    """
    relative = _RELATIVE.match(text)
    if relative is None:
        with suppress(ValueError):  # 30 February
            if _WRITTEN.match(text):
                return date.fromisoformat(text)
        raise ValueError(f"`{text}` is not a date: write YYYY-MM-DD")
    if anchor is None:
        raise ValueError(
            f"`{text}` is relative: only a record with `example: true` may move with "
            "the day it is tried; write YYYY-MM-DD"
        )
    return anchor + timedelta(days=int(relative.group(1)))
