"""A meeting's figures stay as they stood, and show it when they do not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edp_platform.home import Home
from edp_platform.measures.freezing import (
    CannotFreeze,
    PackTampered,
    UnknownPack,
    compare,
    digest_of,
    freeze,
    least_shown,
    packs,
    read_pack,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(NOW.date(), tmp_path)


def content(
    *values: float, disclosure: str = "Any count may be shown."
) -> dict[str, Any]:
    periods = [
        {
            "month": f"2026-0{at + 1}-01",
            "numerator": one,
            "denominator": None,
            "value": one,
        }
        for at, one in enumerate(values)
    ]
    return {
        "snapshot": "20260302T080000-aaaaaaaa",
        "as_at": "2026-03-02T08:00:00+00:00",
        "measures": [
            {
                "id": "burglary",
                "definition": {"disclosure": disclosure, "unit": "offences"},
                "series": [
                    {
                        "area": {"kind": "borough", "code": "E1", "name": "Camden"},
                        "series": {"words": "As before."},
                        "periods": periods,
                    }
                ],
            }
        ],
    }


def test_a_pack_is_kept_once_and_read_again_as_it_was(home: Home) -> None:
    path = freeze(home, "board-1", content(10.0, 12.0), NOW, "P-1", "2026-03-05")
    assert path.stat().st_mode & 0o222 == 0
    pack = read_pack(home, "board-1")
    assert (pack["meeting"], pack["frozen_by"]) == ("2026-03-05", "P-1")
    assert pack["measures"] == content(10.0, 12.0)["measures"]
    assert [row["sha256"] for row in packs(home)] == [pack["sha256"]]
    with pytest.raises(CannotFreeze, match="never written over"):
        freeze(home, "board-1", content(11.0), NOW, "P-1")
    with pytest.raises(CannotFreeze, match="cannot be the name"):
        freeze(home, "../board", content(11.0), NOW, "P-1")
    with pytest.raises(UnknownPack, match="Near: board-1"):
        read_pack(home, "board-2")


def _edit(path: Path, change: Any) -> None:
    path.chmod(0o640)
    pack = json.loads(path.read_text())
    change(pack)
    path.write_text(json.dumps(pack))


def _better(pack: dict[str, Any]) -> None:
    pack["measures"][0]["series"][0]["periods"][0]["value"] = 1.0


def _better_with_digest(pack: dict[str, Any]) -> None:
    _better(pack)
    pack.pop("sha256")
    pack["sha256"] = digest_of(pack)


@pytest.mark.parametrize("change", [_better, _better_with_digest])
def test_an_edited_pack_is_not_shown(home: Home, change: Any) -> None:
    path = freeze(home, "board", content(10.0), NOW, "P-1")
    _edit(path, change)
    with pytest.raises(PackTampered, match="not the one on the register"):
        read_pack(home, "board")
    path.write_text("{")
    with pytest.raises(PackTampered, match="no longer be read"):
        read_pack(home, "board")
    path.unlink()
    with pytest.raises(PackTampered, match="it is gone"):
        read_pack(home, "board")


def test_an_edited_register_shows_and_is_not_added_to(home: Home) -> None:
    for name in ("one", "two", "three"):
        freeze(home, name, content(10.0), NOW, "P-1")
    register = home.root / "frozen" / "register.jsonl"
    lines = register.read_text().splitlines(keepends=True)
    for bad in (
        [lines[0], lines[2]],
        [lines[0], lines[1].replace('"P-1"', '"P-2"'), lines[2]],
    ):
        register.write_text("".join(bad))
        with pytest.raises(PackTampered, match="changed at line 2"):
            packs(home)
        with pytest.raises(PackTampered):
            freeze(home, "four", content(10.0), NOW, "P-1")
    register.write_text("".join(lines[:2]))  # cut off: the pack itself tells
    with pytest.raises(PackTampered, match="not on the register"):
        read_pack(home, "three")


def test_small_numbers_are_refused_where_the_rule_says_so(home: Home) -> None:
    rule = "Fewer than 10 persons are not shown outside the force."
    with pytest.raises(CannotFreeze, match=r"burglary \(1 figures below 10\)"):
        freeze(home, "board", content(9.0, 10.0, 0.0, disclosure=rule), NOW, "P-1")
    assert packs(home) == []
    freeze(home, "board", content(10.0, 0.0, disclosure=rule), NOW, "P-1")
    inside = "Inside the force and to MOPAC; counts under 10 are not published."
    small = content(3.0, disclosure=inside)
    with pytest.raises(CannotFreeze, match="--inside-force"):
        freeze(home, "inside", small, NOW, "P-1")
    freeze(home, "inside", small, NOW, "P-1", inside_force=True)
    assert read_pack(home, "inside")["circulation"] == "inside the force"
    with pytest.raises(CannotFreeze):  # the force may not see these either
        small = content(3.0, disclosure=rule.replace(" outside the force", ""))
        freeze(home, "all", small, NOW, "P-1", inside_force=True)
    assert least_shown("Persons under 18: as published") is None
    assert least_shown("Less than five or fewer than 12 are hidden") == 12
    assert least_shown("Any count may be shown") is None


def test_a_pack_is_compared_with_now(home: Home) -> None:
    freeze(home, "board", content(10.0, 12.0, 8.0), NOW, "P-1")
    place = ("burglary", "borough", "E1")
    now = {(*place, "2026-01-01"): 10.0, (*place, "2026-02-01"): 14.0}
    found = compare(read_pack(home, "board"), now)
    assert [
        (one["month"], one["then"], one["now"], one["change"]) for one in found
    ] == [
        ("2026-02-01", 12.0, 14.0, 2.0),
        ("2026-03-01", 8.0, None, None),
    ]
