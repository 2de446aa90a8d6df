"""Made-up nominals with known duplicates, for tests of linkage: no sample force needed.

Names are put together from syllables, so that some are common and most are rare, as
real ones are. A duplicate differs as records of one person do: typing errors, another
spelling, day and month swapped, a move, a new telephone, things not asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

import polars as pl

_STARTS = "Al Ban Car Dor El Far Gra Har Is Jo Kel Lin Mar Nor Ol Pat Ros Sam Tam Wil"
_MIDDLES = ["a", "e", "i", "o", "u", "an", "er", "in", "on", "ar", "el"]
_ENDS = "ley ton man son ford well den ris ters ne la ra th mond berg wood"


@dataclass(frozen=True)
class Made:
    """Nominals as the lake would hold them, and the person each is (`person`)."""

    nominals: pl.DataFrame
    truth: pl.DataFrame


def make_nominals(people: int, duplicate_share: float = 0.15, seed: int = 1) -> Made:
    """Make so many people; some of them have two or three records."""
    draw = Random(seed)
    rows = []
    number = 0
    for person in range(people):
        first = _person(draw)
        if rows and draw.random() < 0.1:
            first = _relative(rows[-1], first, draw)
        copies = 1
        if draw.random() < duplicate_share:
            copies = 3 if draw.random() < 0.2 else 2
        for copy in range(copies):
            number += 1
            record = first if copy == 0 else _again(first, draw)
            rows.append({"person": f"T{person:07d}", "number": number, **record})
    draw.shuffle(rows)
    for place, row in enumerate(rows):
        row["nominal_id"] = f"N{place:08d}"
    frame = pl.DataFrame(rows, infer_schema_length=None)
    truth = frame.select("nominal_id", person_id="person").sort("nominal_id")
    return Made(frame.drop("person", "number").sort("nominal_id"), truth)


def _word(draw: Random) -> str:
    starts = _STARTS.split()
    start = starts[min(int(draw.expovariate(0.25)), len(starts) - 1)]
    return start + draw.choice(_MIDDLES) + draw.choice(_ENDS.split())


def _person(draw: Random) -> dict[str, object]:
    born = date(1945, 1, 1) + timedelta(days=draw.randrange(22_000))
    first, last = _word(draw), _word(draw)
    return {
        "first_name": first,
        "surname": last,
        "date_of_birth": born,
        "sex": draw.choice(["Male", "Female"]),
        "postcode": _postcode(draw),
        "phone": f"07{draw.randrange(10**9):09d}" if draw.random() < 0.7 else None,
        "email": (
            f"{first}.{last}{draw.randrange(99)}@example.org".lower()
            if draw.random() < 0.4
            else None
        ),
        "pnc_id": (
            f"{draw.randrange(100):02d}/{draw.randrange(10**6)}{draw.choice('ABCD')}"
            if draw.random() < 0.3
            else None
        ),
    }


def _relative(
    other: dict[str, object], own: dict[str, object], draw: Random
) -> dict[str, object]:
    """Make somebody of the same household: surname, address, telephone.

    Now and then a twin, or a parent of the same name.
    """
    shared = ["surname", "postcode", "phone"]
    kind = draw.random()
    if kind < 0.1:
        shared.append("date_of_birth")
    elif kind < 0.2:
        shared += ["first_name", "sex"]
    return own | {name: other[name] for name in shared}


def _postcode(draw: Random) -> str:
    letters = "ABDEFGHJLN"
    end = draw.choice(letters) + draw.choice(letters)
    area = draw.choice(["E", "N", "SE", "SW"]) + str(draw.randrange(1, 20))
    return f"{area} {draw.randrange(1, 9)}{end}"


def _again(first: dict[str, object], draw: Random) -> dict[str, object]:
    record = dict(first)
    for _ in range(draw.choice([1, 1, 2, 3])):
        kind = draw.randrange(7)
        if kind == 0:
            record["first_name"] = _typed(str(record["first_name"]), draw)
        elif kind == 1:
            record["surname"] = _typed(str(record["surname"]), draw)
        elif kind == 2:
            born = record["date_of_birth"]
            if isinstance(born, date) and born.day <= 12:
                record["date_of_birth"] = born.replace(month=born.day, day=born.month)
        elif kind == 3:
            record["postcode"] = _postcode(draw)
        elif kind == 4:
            record["phone"] = f"07{draw.randrange(10**9):09d}"
        elif kind == 5:
            record[draw.choice(["phone", "email", "pnc_id"])] = None
        else:
            record["first_name"] = str(record["first_name"]).upper()
    return record


def _typed(word: str, draw: Random) -> str:
    at = draw.randrange(1, max(len(word) - 1, 2))
    kind = draw.randrange(3)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1:
        return word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
    return word[:at] + draw.choice("aeiou") + word[at:]
