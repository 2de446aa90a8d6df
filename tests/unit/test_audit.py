"""The log of s.62: whole or told as broken, and never a person by name."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edp_platform.files import WriteFailed
from edp_platform.governance.audit import GENESIS, AuditLog, Event, NotAccountable
from edp_platform.governance.subject_keys import SubjectKey
from edp_platform.home import Home
from tests.landing_room import TODAY

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def event(**changed: object) -> Event:
    stated: dict[str, object] = {
        "operation": "consultation",
        "actor": "records-manager",
        "purpose_id": "P-RRD",
        "justification": "monthly review",
        "object": "review list",
    }
    return Event(**{**stated, **changed})  # type: ignore[arg-type]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(TODAY, tmp_path / "home")


def test_rule_34_passes_what_says_who_why_and_what(home: Home) -> None:
    log = AuditLog(home)
    assert log.verify().rows == 0 and log.verify().head == GENESIS
    for number in range(5):
        log.record(event(row_count=number), NOW)
    rows = list(log.rows())
    assert [row["row_count"] for row in rows] == [0, 1, 2, 3, 4]
    assert [row["prev_hash"] for row in rows[1:]] == [row["hash"] for row in rows[:-1]]
    assert log.verify().is_whole and log.verify().rows == 5


@pytest.mark.parametrize("field", ["actor", "purpose_id", "justification", "object"])
def test_rule_34_refuses_what_nobody_answers_for(home: Home, field: str) -> None:
    with pytest.raises(NotAccountable, match=field):
        AuditLog(home).record(event(**{field: "  "}), NOW)
    assert list(AuditLog(home).rows()) == []


def test_persons_stand_as_keyed_hashes(home: Home) -> None:
    AuditLog(home).record(event(subjects=["N00000001"]), NOW)
    text = AuditLog(home).path.read_text()
    assert "N00000001" not in text
    assert SubjectKey(home, "audit").of("N00000001") in text


def test_many_persons_stand_as_one_hash(home: Home) -> None:
    AuditLog(home).record(event(subjects=[f"N{n}" for n in range(500)]), NOW)
    (row,) = AuditLog(home).rows()
    (only,) = row["subjects_hash"]
    assert only.startswith("all 500: ")


def _edit(lines: list[str]) -> list[str]:
    return [lines[0], lines[1].replace("monthly review", "nothing at all"), *lines[2:]]


DAMAGES: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "edited": (_edit, "line 2 was changed"),
    "removed": (lambda lines: [lines[0], *lines[2:]], "line 2 does not follow"),
    "moved": (
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        "line 2 does not follow",
    ),
    "added": (lambda lines: [*lines[:2], lines[1], *lines[2:]], "line 3 does not"),
    "no event": (
        lambda lines: [lines[0], "{}\n", *lines[2:]],
        "line 2 is not an event",
    ),
    "first removed": (lambda lines: lines[1:], "line 1 does not follow"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_rule_35_refuses_a_damaged_log(home: Home, damage: str) -> None:
    log = AuditLog(home)
    for number in range(4):
        log.record(event(row_count=number), NOW)
    change, says = DAMAGES[damage]
    lines = log.path.read_text().splitlines(keepends=True)
    log.path.write_text("".join(change(lines)))
    found = log.verify()
    assert not found.is_whole
    assert found.faults[0].startswith(says), found.faults


def test_lines_off_the_end_are_seen_from_a_head_noted_outside(home: Home) -> None:
    log = AuditLog(home)
    for number in range(4):
        log.record(event(row_count=number), NOW)
    noted = log.head()
    lines = log.path.read_text().splitlines(keepends=True)
    log.path.write_text("".join(lines[:2]))
    assert log.verify().is_whole  # from inside nothing can be seen
    assert not log.verify(noted).is_whole
    log.path.write_text("".join(lines))
    log.record(event(), NOW)
    assert log.verify(noted).is_whole


def test_a_log_written_anew_does_not_pass_through_the_head(home: Home) -> None:
    log = AuditLog(home)
    log.record(event(), NOW)
    noted = log.head()
    log.path.unlink()
    log.record(event(justification="another story"), NOW)
    assert log.verify().is_whole and not log.verify(noted).is_whole


def test_a_line_cut_short_by_a_kill_is_dropped(home: Home) -> None:
    log = AuditLog(home)
    log.record(event(), NOW)
    log.record(event(row_count=1), NOW)
    whole = log.path.read_bytes()
    log.path.write_bytes(whole + whole[: len(whole) // 3])
    assert not log.verify().is_whole
    log.record(event(row_count=2), NOW)
    assert [row["row_count"] for row in log.rows()] == [0, 1, 2]
    assert log.verify().is_whole


def test_nothing_follows_a_last_line_that_is_no_event(home: Home) -> None:
    log = AuditLog(home)
    log.record(event(), NOW)
    log.path.write_bytes(log.path.read_bytes() + b"rubbish\n")
    with pytest.raises(WriteFailed, match="edp audit verify"):
        log.record(event(), NOW)


def test_what_cannot_be_logged_is_not_done(home: Home) -> None:
    home.audit.mkdir(parents=True)
    (home.audit / "s62.jsonl").mkdir()  # stands for a disk that cannot be written
    with pytest.raises(WriteFailed, match="what is not logged may not happen"):
        AuditLog(home).record(event(), NOW)


def _write_some(root: Path, number: int) -> None:
    log = AuditLog(Home.open(TODAY, root))
    for each in range(20):
        log.record(event(object=f"process {number}", row_count=each), NOW)


def test_rule_35_passes_one_chain_of_several_processes(home: Home) -> None:
    SubjectKey(home, "audit")
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=_write_some, args=(home.root, number))
        for number in range(4)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert AuditLog(home).verify().is_whole
    counts = [json.loads(line)["object"] for line in AuditLog(home).path.open()]
    assert len(counts) == 80 and len(set(counts)) == 4
