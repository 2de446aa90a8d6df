"""Rights of the person: every copy asked, deadlines, corrections and restrictions."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from edp_platform.datasets import DataSets
from edp_platform.retention.copies import copies
from edp_platform.rights.requests import (
    EXEMPTIONS,
    RequestRefused,
    Requests,
    check_exemption,
    months_after,
)
from edp_platform.rights.restrictions import Restrictions
from edp_platform.rights.service import (
    CorrectionRefused,
    Located,
    NotThere,
    StillInUse,
    export,
    find,
    in_use,
    locate,
    rectify,
    restrict,
)
from tests.landing_room import NOW, TODAY, Room, all_data_sets
from tests.person_room import (
    DUE,
    FORCE,
    KEPT,
    MONTH,
    PERSON_SETS,
    csv_of,
    files_holding,
    nominal,
    room_of_persons,
)


@pytest.fixture(scope="module")
def data_sets(tmp_path_factory: pytest.TempPathFactory) -> DataSets:
    return all_data_sets(tmp_path_factory.mktemp("contracts"))


@pytest.fixture
def room(tmp_path: Path, data_sets: DataSets) -> Room:
    return room_of_persons(tmp_path, data_sets)


def located(room: Room, *ids: str) -> Located:
    return locate(room.home, room.data_sets, ids or (DUE,))


def test_a_person_is_found_in_every_store_quarantine_included(room: Room) -> None:
    found = find(located(room))
    assert list(found) == [one.name for one in copies(room.home, room.data_sets)]
    rows = {name: sum(one.rows for one in held) for name, held in found.items()}
    assert rows["landing"] == 5 and rows["quarantine"] == 1
    assert rows["repeats set aside"] == 1
    assert rows["raw lake"] == 3 and rows["warehouse"] == 2
    names = {one.place: one.mentions for one in found["raw lake"] if one.mentions}
    assert names == {f"raw/misconduct_cases/month={MONTH}/part-0.parquet": 1}


def test_nobody_else_is_found_under_a_similar_identifier(room: Room) -> None:
    found = find(located(room, DUE[:-1]))
    assert [one for held in found.values() for one in held] == []


def test_an_export_holds_all_of_it_and_only_for_its_reader(
    room: Room, tmp_path: Path
) -> None:
    target = tmp_path / "out" / "export.json"
    counts = export(located(room), {}, target, {"request": "R-1"})
    given = json.loads(target.read_text())
    assert given["request"] == "R-1"
    assert target.stat().st_mode & 0o077 == 0
    assert counts["landing"] == 6  # five records, and the case that names them
    surnames = {row["surname"] for row in given["held"]["raw lake"]["nominals"]}
    assert surnames == {"Zebrafish"}
    (broken,) = given["held"]["quarantine"]["nominals"]
    assert "broken Zebrafish" in broken["record"]
    assert "Okapi" not in target.read_text()


def test_what_is_withheld_is_left_out_of_every_copy(room: Room, tmp_path: Path) -> None:
    target = tmp_path / "export.json"
    export(located(room), {"nominals": "s.45(4)(b): x"}, target, {})
    given = json.loads(target.read_text())["held"]
    assert all("nominals" not in tables for tables in given.values())
    assert "custody_records" in given["raw lake"]


@pytest.mark.parametrize("name", EXEMPTIONS)
def test_an_exemption_goes_on_record_with_its_reason(name: str) -> None:
    assert check_exemption(name, "prejudice") == f"{name}: prejudice"
    with pytest.raises(RequestRefused, match="without a reason"):
        check_exemption(name, " ")


@pytest.mark.parametrize(
    ("received", "months", "due"),
    [
        (date(2026, 3, 2), 1, date(2026, 4, 2)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 10, 31), 3, date(2027, 1, 31)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
    ],
)
def test_a_request_is_due_on_the_corresponding_day(
    received: date, months: int, due: date
) -> None:
    assert months_after(received, months) == due


def test_a_request_may_take_two_further_months_and_no_more(room: Room) -> None:
    requests = Requests(room.home)
    one = requests.open(DUE, "access", date(2026, 2, 20), "iro", NOW)
    assert one.due == date(2026, 3, 20) and one.days_left(TODAY) == 18
    assert requests.extend(one.id, 1, "complex", "iro", NOW).due == date(2026, 4, 20)
    assert requests.extend(one.id, 1, "complex", "iro", NOW).due == date(2026, 5, 20)
    with pytest.raises(RequestRefused, match="2 further months"):
        requests.extend(one.id, 1, "more", "iro", NOW)
    requests.close(one.id, "exported", "iro", NOW)
    with pytest.raises(RequestRefused, match="is closed"):
        requests.extend(one.id, 1, "more", "iro", NOW)
    assert requests.get(one.id).outcome == "exported"


def test_time_is_not_extended_once_it_is_up(room: Room) -> None:
    requests = Requests(room.home)
    one = requests.open(DUE, "access", date(2026, 1, 20), "iro", NOW)
    assert one.days_left(TODAY) < 0
    with pytest.raises(RequestRefused, match="before it is up"):
        requests.extend(one.id, 1, "late", "iro", NOW)


def test_a_request_is_of_one_person_and_of_the_past(room: Room) -> None:
    requests = Requests(room.home)
    one = requests.open(DUE, "access", TODAY, "iro", NOW)
    with pytest.raises(RequestRefused, match="somebody else"):
        requests.get(one.id, KEPT)
    with pytest.raises(RequestRefused, match="There is no request"):
        requests.get("R-0")
    with pytest.raises(RequestRefused, match="future"):
        requests.open(DUE, "access", date(2026, 3, 3), "iro", NOW)
    assert files_holding(room.home, "request") and not any(
        path.startswith("rights") for path in files_holding(room.home, DUE)
    )


def corrected(room: Room, column: str, value: str, data_set: str = "nominals") -> int:
    return rectify(
        room.home,
        room.data_sets,
        located(room),
        data_set=data_set,
        column=column,
        value=value,
        by="information-rights-officer",
        reason="misspelt",
    )


def test_a_correction_stands_beside_the_original(room: Room) -> None:
    assert corrected(room, "surname", "Lionfish") == 2  # the row and its repeat
    lake = room.month("nominals", MONTH)
    surname = dict(lake.select("nominal_id", "surname").iter_rows())
    assert surname[DUE] == "Lionfish"  # at once, before the next load
    room.load("nominals")
    surname = dict(
        room.month("nominals", MONTH).select("nominal_id", "surname").iter_rows()
    )
    assert surname[DUE] == "Lionfish" and surname[KEPT] == "Okapi"
    assert all(one.is_exact for one in room.accounts("nominals"))
    stores = {path.split("/")[0] for path in files_holding(room.home, "Lionfish")}
    assert stores == {"corrections", "raw"}
    assert any("landing" in one for one in files_holding(room.home, "Zebrafish"))


@pytest.mark.parametrize(
    ("data_set", "column", "value", "error", "says"),
    [
        ("nominals", "postcode", "ZZ99 9ZZ", CorrectionRefused, "would be refused"),
        ("nominals", "date_of_birth", "soon", CorrectionRefused, "would be refused"),
        ("nominals", "nominal_id", "N00000099", NotThere, "corrected by linkage"),
        ("nominals", "shoe_size", "9", NotThere, "cannot be corrected"),
        ("nothing", "surname", "x", NotThere, "no data set nothing"),
        ("stop_and_search_records", "sex", "F", NotThere, "no active record"),
    ],
)
def test_a_correction_that_cannot_be_is_refused_whole(
    room: Room,
    data_set: str,
    column: str,
    value: str,
    error: type[Exception],
    says: str,
) -> None:
    with pytest.raises(error, match=says):
        corrected(room, column, value, data_set)
    assert not room.home.corrections.exists()


def restricted(room: Room, is_on: bool = True, nominal_id: str = DUE) -> int:
    return restrict(
        room.home,
        located(room, nominal_id),
        nominal_id,
        restricted=is_on,
        by="information-rights-officer",
        reason="contested",
        now=NOW,
    )


def test_a_restricted_person_is_kept_and_not_used(room: Room) -> None:
    before = {name: room.accounts(name) for name in PERSON_SETS}
    assert restricted(room) > 0
    assert in_use(located(room)) == []
    for name in PERSON_SETS:
        room.load(name)  # asserts that every account is exact
    assert in_use(located(room)) == []
    held = {
        name: sum(one.restricted for one in room.accounts(name)) for name in PERSON_SETS
    }
    assert held == {
        "nominals": 1,
        "crime_reports": 0,
        "crime_report_persons": 1,
        "custody_records": 1,
        "misconduct_cases": 1,
    }
    stores = {path.split("/")[0] for path in files_holding(room.home, DUE)}
    assert stores == {"landing", "quarantine"}
    # A later file is held back too.
    content = csv_of(room.data_sets, "nominals", [nominal(DUE), nominal(KEPT)])
    room.receive(f"2010-02-{FORCE}-nominals.csv", content)
    room.load("nominals")
    assert DUE not in room.lake("nominals")["nominal_id"].to_list()
    restricted(room, is_on=False)
    for name in PERSON_SETS:
        room.load(name)
        after = {one.file: one.loaded for one in room.accounts(name)}
        assert all(after[one.file] == one.loaded for one in before[name])
    assert room.lake("nominals")["nominal_id"].to_list().count(DUE) == 2


def test_a_restriction_of_nobody_is_refused_and_not_recorded(room: Room) -> None:
    with pytest.raises(NotThere, match="names this person"):
        restricted(room, nominal_id="N00009999")
    assert Restrictions(room.home).in_force() == frozenset()


def test_a_restriction_that_leaves_somebody_in_use_is_told(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edp_platform.retention.stores import Warehouse

    monkeypatch.setattr(Warehouse, "restrict", lambda self, people: 0)
    with pytest.raises(StillInUse, match="warehouse"):
        restricted(room)


def test_restrictions_know_nobody_by_name(room: Room) -> None:
    restrictions = Restrictions(room.home)
    now = datetime(2026, 3, 2, tzinfo=UTC)
    restrictions.set(DUE, True, "iro", "contested", now)
    assert restrictions.holds(f" {DUE.lower()}") and not restrictions.holds(KEPT)
    text = (room.home.rights / "restrictions.jsonl").read_text()
    assert DUE not in text
    restrictions.set(DUE, False, "iro", "settled", now)
    assert not restrictions.holds(DUE)
    assert len(text.splitlines()) == 1
