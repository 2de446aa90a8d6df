"""A quarantined row: corrected and released, discarded, kept as long as it may be."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from edp_platform.datasets import DataSets
from edp_platform.governance.registers import Registers
from edp_platform.ingestion.landing import LandingStore
from edp_platform.ingestion.person_rows import UncorrectableRecord
from edp_platform.ingestion.quarantine import (
    QuarantineRefused,
    Row,
    discard,
    due_rows,
    keep_days,
    propose,
    quarantined_row,
    refusals_to_discard,
    release,
    waiting,
)
from edp_platform.retention.decisions import Holds
from edp_platform.retention.schedule import Schedule, read_schedule
from edp_platform.retention.tombstones import Tombstones
from tests.landing_room import NOW, TODAY, Room, all_data_sets, bytes_under, open_room
from tests.person_room import FORCE, MONTH, csv_of, nominal

BAD = "N00000021"  # a stand-in for a postcode
BROKEN = "N00000022"  # too few fields
GOOD = "N00000023"


@pytest.fixture(scope="module")
def data_sets(tmp_path_factory: pytest.TempPathFactory) -> DataSets:
    return all_data_sets(tmp_path_factory.mktemp("contracts"))


@pytest.fixture
def room(tmp_path: Path, data_sets: DataSets) -> Room:
    room = open_room(tmp_path, data_sets)
    rows = [
        nominal(GOOD),
        nominal(BAD, postcode="ZZ99 9ZZ"),
        f"{BROKEN},Zebrafish",
    ]
    content = csv_of(data_sets, "nominals", rows)
    room.receive(f"{MONTH}-{FORCE}-nominals.csv", content)
    room.load("nominals")
    assert sorted(room.quarantine("nominals")) == [3, 4]
    return room


def row(room: Room, line: int = 3) -> Row:
    (delivery,) = room.supplies("nominals").deliveries
    return quarantined_row(room.home, f"{delivery.account_name}:{line}")


def nominals(room: Room) -> dict[str, str | None]:
    rows = room.month("nominals", MONTH).iter_rows(named=True)
    return {one["nominal_id"]: one["postcode"] for one in rows}


def proposed(room: Room, change: dict[str, str] | str, line: int = 3) -> None:
    propose(
        room.home,
        room.data_sets.by_name["nominals"],
        row(room, line),
        change,
        by="crime-records-lead",
        reason="the officer's notebook",
        now=NOW,
    )


def released(room: Room, line: int = 3, by: str = "iao-crime") -> None:
    data_set = room.data_sets.by_name["nominals"]
    release(room.home, data_set, row(room, line), by=by, now=NOW)


def test_a_released_row_is_loaded_and_the_original_kept(room: Room) -> None:
    original = row(room).cells
    assert original is not None and original["Postcode"] == "ZZ99 9ZZ"
    before = bytes_under(room.home.landing)
    proposed(room, {"postcode": "SE1 7PB"})
    room.load("nominals")
    assert BAD not in nominals(room)  # proposed is not released
    released(room)
    assert room.due("nominals") == [MONTH]
    room.load("nominals")
    assert nominals(room)[BAD] == "SE1 7PB"
    assert sorted(room.quarantine("nominals")) == [4]
    after = bytes_under(room.home.landing)
    assert {path: text for path, text in after.items() if "original" in path} == {
        path: text for path, text in before.items() if "original" in path
    }
    (account,) = room.accounts("nominals")
    assert (account.loaded, account.released, account.quarantined) == (2, 1, 1)
    assert account.is_exact
    room.load("nominals", rebuild=True)
    assert nominals(room)[BAD] == "SE1 7PB"


def test_a_row_too_broken_to_have_columns_is_given_whole(room: Room) -> None:
    with pytest.raises(UncorrectableRecord, match="every column must be given"):
        proposed(room, {"surname": "Zebrafish"}, line=4)
    content = csv_of(room.data_sets, "nominals", [nominal(BROKEN)])
    proposed(room, content.decode().splitlines()[1], line=4)
    released(room, line=4)
    room.load("nominals")
    assert BROKEN in nominals(room)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"postcode": "ZZ99 3VZ"}, "would be refused again"),
        ({"shoe_size": "9"}, "shoe_size is nothing to correct"),
        ({}, "No column"),
    ],
)
def test_a_correction_goes_through_the_same_contract(
    room: Room, change: dict[str, str], says: str
) -> None:
    with pytest.raises(QuarantineRefused, match=says):
        proposed(room, change)
    assert not room.home.corrections.exists()


def test_nobody_releases_their_own_correction(room: Room) -> None:
    with pytest.raises(QuarantineRefused, match="No correction"):
        released(room)
    proposed(room, {"postcode": "SE1 7PB"})
    with pytest.raises(QuarantineRefused, match="somebody else"):
        released(room, by="crime-records-lead")


def test_a_correction_brings_nobody_back_who_was_disposed_of(room: Room) -> None:
    Tombstones(room.home).add(["N00000099"], "D-1", NOW)
    with pytest.raises(QuarantineRefused, match="disposed of"):
        proposed(room, {"nominal_id": "N00000099", "postcode": "SE1 7PB"})


def test_rule_17_refuses_to_discard_under_a_legal_hold_and_passes_after(
    room: Room,
) -> None:
    holds = Holds(room.home)
    holds.set(BROKEN, False, True, "records-manager", "an inquiry", NOW)
    chosen = [(row(room, 4).delivery, 4)]
    refusals = refusals_to_discard(room.home, room.data_sets, chosen)
    assert [(one.number, one.rule) for one in refusals] == [(17, "legal_hold")]
    before = bytes_under(room.home.root)
    with pytest.raises(QuarantineRefused, match="rule 17: 1 rows"):
        discard(room.home, room.data_sets, chosen)
    assert bytes_under(room.home.root) == before
    holds.set(BROKEN, False, False, "records-manager", "ended", NOW)
    assert discard(room.home, room.data_sets, chosen) == 1


def test_a_discarded_row_is_gone_and_accounted_for(room: Room) -> None:
    chosen = [(row(room, line).delivery, line) for line in (3, 4)]
    discard(room.home, room.data_sets, chosen)
    (account,) = room.accounts("nominals")
    assert (account.loaded, account.disposed, account.quarantined) == (1, 2, 0)
    room.load("nominals")
    (delivery,) = room.supplies("nominals").deliveries
    text = LandingStore(room.home).original(delivery.sha256).read_text()
    assert BAD not in text and "Zebrafish" not in text and GOOD in text
    assert room.quarantine("nominals") == {}
    with pytest.raises(QuarantineRefused, match="No row"):
        row(room)


def test_a_row_that_is_not_there_is_told(room: Room) -> None:
    with pytest.raises(QuarantineRefused, match="names no row"):
        quarantined_row(room.home, "nonsense")
    with pytest.raises(QuarantineRefused, match="No row"):
        quarantined_row(room.home, "abc123:9")


@pytest.mark.parametrize(("days", "due"), [(89, 0), (90, 2), (91, 2)])
def test_a_row_waits_ninety_days_from_landing(room: Room, days: int, due: int) -> None:
    schedule = read_schedule(Registers(TODAY))
    assert keep_days(schedule, TODAY) == 90
    today = TODAY + timedelta(days=days)
    found = due_rows(room.home, room.data_sets, schedule, today)
    assert len(found) == due
    listed = waiting(room.home, room.data_sets, schedule, today)
    assert {one.dispose_on for one in listed} == {TODAY + timedelta(days=90)}


def test_without_a_confirmed_rule_nothing_is_ever_due(room: Room) -> None:
    schedule = read_schedule(Registers(TODAY))
    rule = schedule.rules["QUARANTINE"].model_copy(
        update={"confirmed_by": None, "confirmed_on": None}
    )
    for other in (Schedule({}), Schedule({"QUARANTINE": rule})):
        assert due_rows(room.home, room.data_sets, other, date(2040, 1, 1)) == []
