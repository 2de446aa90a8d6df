"""A meeting's figures kept as they stood: written once, and shown to be unchanged.

A pack holds figures, limits, signals and definitions of one snapshot, and its own digest.
The register `EDP_HOME/frozen/register.jsonl` holds the digest too, chained to the line
before it: a pack that was edited no longer has its digest, and a pack edited together
with its digest no longer has that of the register. Packs hold aggregates only.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from edp_platform.append_only import AppendOnly
from edp_platform.files import read_json, replacing
from edp_platform.home import Home
from edp_platform.told import Told

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
#: In the words of a disclosure rule: the least number that may be shown.
_FEWER = re.compile(
    r"\b(?:(?:fewer|less) than|(?:counts?|numbers?|figures?) (?:under|below)) (\w+)",
    re.IGNORECASE,
)
#: A disclosure rule that lets small numbers be seen by the force itself.
_INSIDE = "inside the force"
_NUMBERS = {"three": 3, "five": 5, "ten": 10, "twenty": 20}
_FIRST = "0" * 64


class CannotFreeze(Told):
    """The figures may not be, or cannot be, kept under that name."""


class UnknownPack(Told):
    """No pack of that name is kept."""


class PackTampered(Told):
    """A pack, or the register of packs, is not as it was written."""


def freeze(
    home: Home,
    name: str,
    content: Mapping[str, Any],
    now: datetime,
    by: str,
    meeting: str | None = None,
    *,
    inside_force: bool = False,
) -> Path:
    """Keep a pack, once.

    Args:
        home: whose room `frozen`.
        name: of the pack: lower case, digits and hyphens.
        content: JSON-ready: `snapshot`, `as_at`, `measures` (each with its definition
            and series).
        now: when it is kept.
        by: who keeps it.
        meeting: the day it is for, ISO 8601.
        inside_force: the pack stays inside the force, and says so; small numbers of
            measures whose rule lets the force see them are kept.

    Returns:
        the pack, which nobody may write to.

    Raises:
        CannotFreeze: the name is taken or no name; a small number may not be shown.
        PackTampered: the register was changed, so nothing may be added to it.
        WriteFailed: it could not be kept.
    """
    if not _NAME.fullmatch(name):
        raise CannotFreeze(
            f"{name!r} cannot be the name of a pack. Write lower case letters, digits "
            "and hyphens, such as performance-board-2026-11."
        )
    rows = _register_rows(home)
    if _path(home, name).exists() or any(row["name"] == name for row in rows):
        raise CannotFreeze(
            f"There is a pack {name} already, and what a meeting saw is never written "
            "over. Choose another name; edp measure frozen list shows those there are."
        )
    _refuse_small(content["measures"], inside_force)
    pack = {
        **content,
        "circulation": _INSIDE if inside_force else "as its disclosure rules allow",
        "name": name,
        "frozen_at": now.isoformat(timespec="seconds"),
        "frozen_by": by,
        "meeting": meeting,
    }
    digest = digest_of(pack)
    path = _path(home, name)
    text = json.dumps(pack | {"sha256": digest}, ensure_ascii=False, sort_keys=True)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
        temporary.chmod(0o440)
    row = {
        "name": name,
        "sha256": digest,
        "at": pack["frozen_at"],
        "by": by,
        "meeting": meeting,
        "snapshot": content["snapshot"],
        "previous": rows[-1]["line"] if rows else _FIRST,
    }
    _register(home).add(row | {"line": digest_of(row)})
    return path


def packs(home: Home) -> list[dict[str, Any]]:
    """Return what the register says of each pack, oldest first.

    Raises:
        PackTampered: a line was changed or taken out.
    """
    return _register_rows(home)


def read_pack(home: Home, name: str) -> dict[str, Any]:
    """Return a pack, having made sure that it is as it was written.

    Raises:
        UnknownPack: there is none of that name.
        PackTampered: it, or the register, is not.
    """
    rows = _register_rows(home)
    row = next((one for one in rows if one["name"] == name), None)
    pack: dict[str, Any] | None = None
    try:
        pack = read_json(_path(home, name))
    except ValueError as error:
        if row is not None:
            raise _tampered(home, name, "it can no longer be read") from error
    if row is None:
        names = [one["name"] for one in rows]
        if pack is not None:
            raise _tampered(home, name, "it is not on the register")
        near = get_close_matches(name, names, 3, 0.5)
        raise UnknownPack(
            f"No pack {name} is kept. "
            + (f"Near: {', '.join(near)}. " if near else "")
            + f"There are {', '.join(names) or 'none'}."
        )
    if pack is None:
        raise _tampered(home, name, "it is gone")
    stated = pack.pop("sha256", None)
    if digest_of(pack) != row["sha256"] or stated != row["sha256"]:
        raise _tampered(home, name, "its digest is not the one on the register")
    return pack | {"sha256": stated}


def compare(
    pack: Mapping[str, Any], now: Mapping[tuple[str, str, str, str], float | None]
) -> list[dict[str, Any]]:
    """Return the figures of a pack that are others now.

    Args:
        pack: see `read_pack`.
        now: (measure, area kind, area code, month) → value.

    Returns:
        each with `then`, `now` (None where there is none any more) and `change`.
    """
    found = []
    for measure, series, period in figures(pack["measures"]):
        key = (measure, series["kind"], series["code"], period["month"])
        then, value = period["value"], now.get(key)
        if then != value:
            found.append(
                {
                    "measure": measure,
                    "area_kind": series["kind"],
                    "area_code": series["code"],
                    "area": series["name"],
                    "month": period["month"],
                    "then": then,
                    "now": value,
                    "change": None if None in (then, value) else value - then,
                }
            )
    return found


def figures(
    measures: Sequence[Mapping[str, Any]],
) -> Iterable[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Yield (measure, area, period) of every figure of a pack."""
    for one in measures:
        for series in one["series"]:
            for period in series["periods"]:
                yield one["id"], series["area"], period


def least_shown(disclosure: str) -> int | None:
    """Return the least number that a disclosure rule lets be shown; None for any.

    Args:
        disclosure: in words, such as "Fewer than 10 are not shown".
    """
    found = [
        int(word) if word.isdigit() else _NUMBERS.get(word.lower())
        for word in _FEWER.findall(disclosure)
    ]
    return max((one for one in found if one is not None), default=None)


def _refuse_small(measures: Sequence[Mapping[str, Any]], inside_force: bool) -> None:
    """Refuse numbers that a measure's disclosure rule does not let be shown.

    Raises:
        CannotFreeze: with the measures and how many figures; never which.
    """
    least = {}
    for one in measures:
        rule = one["definition"].get("disclosure", "")
        may_see = inside_force and _INSIDE in rule.lower()
        least[one["id"]] = None if may_see else least_shown(rule)
    kept = [
        one["id"]
        for one in measures
        if not inside_force
        and least[one["id"]] is None
        and _INSIDE in one["definition"].get("disclosure", "").lower()
    ]
    if kept:
        raise CannotFreeze(
            f"Not kept: {', '.join(sorted(kept))}. The measure's disclosure rule keeps it "
            "inside the force, and a pack is handed round. Leave the measure out, or, "
            "where the pack does not leave the force, say so: --inside-force."
        )
    small: dict[str, int] = {}
    for measure, _, period in figures(measures):
        limit = least[measure]
        counts = [period["numerator"], period["denominator"]]
        if None not in counts:
            counts.append(counts[1] - counts[0])  # 98 of 100 tells of the other two
        if limit and any(one is not None and 0 < one < limit for one in counts):
            small[measure] = small.get(measure, 0) + 1
    if small:
        told = ", ".join(
            f"{name} ({count:,} figures below {least[name]})"
            for name, count in sorted(small.items())
        )
        raise CannotFreeze(
            f"Not kept: {told}. The measure's disclosure rule says that so few are not "
            "shown, and a pack is handed round. Freeze it for larger areas (--areas "
            "force), leave the measure out, or, where the rule lets the force see them "
            "and the pack does not leave it, say so: --inside-force."
        )


def digest_of(value: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a JSON-ready value, whatever the order of its keys."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _register(home: Home) -> AppendOnly:
    return AppendOnly(home.root / "frozen" / "register.jsonl")


def _register_rows(home: Home) -> list[dict[str, Any]]:
    rows = _register(home).rows()
    previous = _FIRST
    for at, row in enumerate(rows):
        line = row.get("line")
        own = {name: value for name, value in row.items() if name != "line"}
        if row.get("previous") != previous or digest_of(own) != line:
            raise PackTampered(
                f"The register of frozen packs was changed at line {at + 1}: what a "
                "meeting saw can no longer be shown by it. Nothing was done. Put "
                f"{home.root / 'frozen' / 'register.jsonl'} back from a backup, and "
                "find out who wrote to it."
            )
        previous = str(line)
    return rows


def _tampered(home: Home, name: str, what: str) -> PackTampered:
    return PackTampered(
        f"The pack {name} is not as it was frozen: {what}. It cannot be shown as what "
        f"the meeting saw. Put {_path(home, name)} back from a backup, and find out who "
        "wrote to it."
    )


def _path(home: Home, name: str) -> Path:
    return home.root / "frozen" / f"{name}.json"
