"""Finding entries by words: in names and titles first, then columns, then meanings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_WORD = re.compile(r"[a-z0-9]+")
#: Words that every entry has, and nobody looks for.
_COMMON = frozenset(
    {
        "an", "and", "are", "as", "at", "be", "by", "each", "for", "from", "has", "have",
        "in", "is", "it", "its", "no", "not", "of", "on", "one", "only", "or", "per",
        "so", "that", "the", "their", "they", "this", "to", "which", "with", "was",
        "were", "who", "whose",
    }
)  # fmt: skip


def words_of(text: str) -> list[str]:
    """Return the words of a text as they are compared, each once, in order."""
    found = _WORD.findall(text.casefold().replace("_", " "))
    return [*dict.fromkeys(one for one in found if one not in _COMMON and len(one) > 1)]


def search(entries: Sequence[Mapping[str, Any]], text: str) -> list[dict[str, Any]]:
    """Return the entries that have every word, the nearest first.

    A word finds those that begin with it: "search" finds searches.

    Args:
        entries: of the catalogue.
        text: the words.

    Returns:
        each `entry` and `columns`: the names of those that have any of the words.
    """
    wanted = words_of(text)
    found = []
    for entry in entries:
        named = words_of(f"{entry['name']} {entry['title']}")
        about = words_of(f"{entry['about']} {entry['limits']} {entry['owner']['name']}")
        columns = {
            one["name"]: words_of(f"{one['name']} {one['meaning']}")
            for one in entry["columns"]
        }
        ranks = [_rank(word, named, about, columns) for word in wanted]
        if not wanted or None in ranks:
            continue
        hit = [
            name
            for name, held in columns.items()
            if any(_has(held, word) for word in wanted)
        ]
        found.append((sum(one or 0 for one in ranks), entry, hit))
    found.sort(key=lambda one: (one[0], one[1]["kind"], one[1]["name"]))
    return [{"entry": entry, "columns": hit} for _, entry, hit in found]


def _rank(
    word: str,
    named: Sequence[str],
    about: Sequence[str],
    columns: Mapping[str, Sequence[str]],
) -> int | None:
    if _has(named, word):
        return 0
    if any(_has(words_of(name), word) for name in columns):
        return 1
    if _has(about, word):
        return 2
    return 3 if any(_has(held, word) for held in columns.values()) else None


def _has(words: Sequence[str], wanted: str) -> bool:
    return any(one.startswith(wanted) for one in words)
