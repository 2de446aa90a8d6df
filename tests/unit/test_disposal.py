"""Disposal: complete or it has no certificate, and never of whom a rule keeps."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from edp_platform.datasets import DataSets
from edp_platform.governance.audit import AuditLog
from edp_platform.governance.registers import Registers
from edp_platform.governance.subject_keys import KeyLost, SubjectKey
from edp_platform.ingestion.landing import LandingStore, sha256_of
from edp_platform.retention import copies as register_of_copies
from edp_platform.retention.copies import Held, copies
from edp_platform.retention.decisions import DecisionRefused, Decisions, Holds
from edp_platform.retention.disposal import (
    DisposalIncomplete,
    DisposalRefused,
    begin,
    carry_out,
    chosen_for_disposal,
    left_behind,
    preview,
    unfinished,
)
from edp_platform.retention.people import People
from edp_platform.retention.reviewing import keep_list, review_now
from edp_platform.retention.tombstones import Tombstones, disposed_again, returned
from tests.landing_room import NOW, TODAY, Room, all_data_sets, bytes_under
from tests.person_room import (
    CHILD,
    DUE,
    FORCE,
    KEPT,
    MONTH,
    NO_BIRTH,
    NO_GROUP,
    PERSON_SETS,
    RECENT,
    REVIEW,
    VICTIM,
    csv_of,
    delivery_of,
    files,
    files_holding,
    holds,
    nominal,
    room_of_persons,
)


@pytest.fixture(scope="module")
def data_sets(tmp_path_factory: pytest.TempPathFactory) -> DataSets:
    return all_data_sets(tmp_path_factory.mktemp("contracts"))


@pytest.fixture
def room(tmp_path: Path, data_sets: DataSets) -> Room:
    return room_of_persons(tmp_path, data_sets)


def registers() -> Registers:
    return Registers(TODAY)


def decide(room: Room, *nominal_ids: str) -> None:
    for one in nominal_ids:
        Decisions(room.home).add(
            [one],
            "dispose",
            by="records-manager",
            reason="its time is up",
            nrac=[],
            rule="G3",
            state="disposal_due",
            today=TODAY,
        )


def dispose(room: Room, *nominal_ids: str) -> Path:
    """Decide and carry out; return the certificate."""
    decide(room, *nominal_ids)
    reviewed = review_now(room.home, registers(), TODAY)
    chosen = chosen_for_disposal(room.home, reviewed, nominal_ids)
    working = begin(
        room.home, reviewed, chosen, by="iao-crime", reason="monthly", now=NOW
    )
    return carry_out(room.home, room.data_sets, working, NOW)


def test_rule_16_passes_when_nothing_of_the_person_is_left_in_any_file(
    room: Room,
) -> None:
    keep_list(room.home, review_now(room.home, registers(), TODAY))
    before = files_holding(room.home, DUE, "Zebrafish")
    rooms = {path.split("/")[0] for path in before}
    assert rooms == {
        "landing",
        "quarantine",
        "raw",
        "retention",
        "warehouse",
        "published",
    }
    dispose(room, DUE)
    assert files_holding(room.home, DUE, "Zebrafish") == []
    # And nobody else is touched.
    for word in ("Quetzal", "Okapi", "Axolotl", "Narwhal", "Quokka", "Tapir"):
        found = files_holding(room.home, word)
        assert {path.split("/")[0] for path in found} >= {"landing", "raw", "warehouse"}


def test_rule_16_passes_and_every_account_stays_exact(room: Room) -> None:
    dispose(room, DUE)
    for name in PERSON_SETS:
        assert room.due(name) in ([], [MONTH])
        room.load(name)  # asserts that each account is exact
    disposed = {
        name: [one.disposed for one in room.accounts(name) if MONTH in one.name]
        for name in PERSON_SETS
    }
    assert disposed == {
        # Their row, its repeat, and the broken line that named them.
        "nominals": [3],
        "crime_reports": [0],
        "crime_report_persons": [1],
        "custody_records": [1],
        # A case against an officer stays; it no longer names who complained.
        "misconduct_cases": [0],
    }
    cases = room.month("misconduct_cases", MONTH)
    assert cases["case_number"].to_list() == ["M00000001"]
    assert cases["complainant_nominal_id"].to_list() == [None]
    assert files_holding(room.home, DUE, "Zebrafish") == []


def test_other_rows_keep_their_line_numbers(room: Room) -> None:
    lines = {
        row["nominal_id"]: row["source_line"]
        for row in room.month("nominals", MONTH).iter_rows(named=True)
    }
    dispose(room, VICTIM)
    room.load("nominals")
    after = {
        row["nominal_id"]: row["source_line"]
        for row in room.month("nominals", MONTH).iter_rows(named=True)
    }
    assert lines.pop(VICTIM) == 3
    assert after == lines


def test_the_file_keeps_its_identity_and_gets_a_new_hash(room: Room) -> None:
    delivery = delivery_of(room, "nominals")
    store = LandingStore(room.home)
    assert store.stored_sha256(delivery.sha256) == delivery.sha256
    certificate = json.loads(dispose(room, DUE).read_text())
    stored = store.stored_sha256(delivery.sha256)
    assert stored != delivery.sha256
    assert sha256_of(store.original(delivery.sha256)) == stored
    (told,) = [
        one for one in certificate["files"] if one["identity"] == delivery.sha256
    ]
    assert (told["stored_before"], told["stored_now"]) == (delivery.sha256, stored)
    assert told["records_removed"] == 3


def test_the_certificate_names_nobody_and_tells_every_store(room: Room) -> None:
    path = dispose(room, DUE)
    for one in (path, path.with_suffix(".md")):
        assert not holds(one, DUE, "Zebrafish")
    told = json.loads(path.read_text())
    assert told["persons"][0]["subject"] == [SubjectKey(room.home, "tombstone").of(DUE)]
    assert told["persons"][0]["decided_by"] == "records-manager"
    assert told["carried_out_by"] == "iao-crime"
    names = [copy.name for copy in copies(room.home, room.data_sets)]
    assert [one["store"] for one in told["searched_after"]] == names
    removed = {one["store"] for one in told["removed"]}
    assert removed == {
        "landing",
        "quarantine",
        "repeats set aside",
        "raw lake",
        "warehouse",
        "published copy",
    }


@pytest.mark.parametrize("again", ["the same file", "a later release", "a new month"])
def test_rule_16_passes_when_a_file_brings_the_person_again(
    room: Room, again: str
) -> None:
    dispose(room, DUE)
    name = f"{MONTH}-{FORCE}-nominals.csv"
    content = files(room.data_sets)[name]
    if again != "the same file":
        rows = [nominal(DUE, surname="Zebrafish"), nominal(KEPT)]
        content = csv_of(room.data_sets, "nominals", rows)
    if again == "a new month":
        name = f"2010-02-{FORCE}-nominals.csv"
    (outcome,) = room.land(
        room.write(f"again/{name}", content), release=date(2010, 3, 1)
    )
    assert outcome.delivery is not None, outcome.reason
    room.load("nominals")
    assert DUE not in room.lake("nominals")["nominal_id"].to_list()
    assert files_holding(room.home, DUE, "Zebrafish") == []
    latest = max(room.supplies("nominals").deliveries, key=lambda one: one.order)
    assert latest.disposed == (3 if again == "the same file" else 1)
    assert all(one.is_exact for one in room.accounts("nominals"))


def test_a_broken_line_that_names_the_person_stays_out_too(room: Room) -> None:
    dispose(room, DUE)
    content = csv_of(
        room.data_sets, "nominals", [nominal(KEPT), f"x,{DUE.lower()} ,Zebrafish"]
    )
    room.receive(f"2010-02-{FORCE}-nominals.csv", content)
    room.load("nominals")
    assert files_holding(room.home, DUE.lower(), "Zebrafish") == []


def test_rule_16_refuses_a_store_that_still_holds_the_person(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forgetful:
        name = "a forgetful store"
        rooms: frozenset[str] = frozenset()
        corrected_by = ""
        in_use = False

        def find(self, people: People) -> list[Held]:
            return [Held("somewhere", 2)]

        def export(self, people: People) -> dict[str, list[dict[str, object]]]:
            return {}

        def correct(self, change: object) -> int:
            return 0

        def restrict(self, people: People) -> int:
            return 0

        def erase(self, people: People) -> int:
            return 0

    makers = [*register_of_copies.REGISTER, lambda home, data_sets: Forgetful()]
    monkeypatch.setattr(register_of_copies, "REGISTER", makers)
    with pytest.raises(DisposalIncomplete, match="rule 16: a forgetful store still"):
        dispose(room, DUE)
    assert not (room.home.retention / "certificates").exists()
    assert len(unfinished(room.home)) == 1


def test_rule_16_refuses_a_room_that_nobody_registered(room: Room) -> None:
    (room.home.root / "my_extract").mkdir()
    (room.home.root / "my_extract" / "rows.csv").write_text(f"{DUE}\n")
    with pytest.raises(DisposalIncomplete, match="rule 16: my_extract of EDP_HOME"):
        dispose(room, DUE)
    (room.home.root / "my_extract" / "rows.csv").unlink()
    (room.home.root / "my_extract").rmdir()
    (working,) = unfinished(room.home)
    carry_out(room.home, room.data_sets, working, NOW)
    assert unfinished(room.home) == []


def test_rule_16_refuses_when_there_is_no_tombstone(room: Room) -> None:
    registered = copies(room.home, room.data_sets)
    refusals = left_behind(room.home, registered, People(("N99999999",)))
    assert [one.rule for one in refusals] == ["no_tombstone"]
    assert refusals[0].number == 16


def test_rule_16_refuses_a_person_who_came_back_by_another_way(room: Room) -> None:
    contracts = {name: one.contract for name, one in room.data_sets.by_name.items()}
    assert returned(room.home, contracts) == ()
    Tombstones(room.home).add([KEPT], "D-1", NOW)  # whom the lake still holds
    refusals = returned(room.home, contracts)
    assert {one.missing.split()[0] for one in refusals} == {
        "nominals",
        "crime_report_persons",
    }


def test_rule_16_passes_a_file_that_names_nobody_who_went(room: Room) -> None:
    dispose(room, DUE)
    contract = room.data_sets.by_name["nominals"].contract
    content = csv_of(room.data_sets, "nominals", [nominal(KEPT)])
    path = room.write("one.csv", content)
    assert disposed_again(room.home, path, contract).is_empty
    path = room.write("two.csv", csv_of(room.data_sets, "nominals", [nominal(DUE)]))
    assert disposed_again(room.home, path, contract).lines == (2,)


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        (NO_BIRTH, "no date of birth"),
        (NO_GROUP, "without an offence group"),
        (CHILD, "a child under ten"),
        (RECENT, "not due"),
    ],
)
def test_rule_17_refuses_whom_it_cannot_judge(
    room: Room, who: str, reason: str
) -> None:
    before = bytes_under(room.home.landing)
    with pytest.raises(DisposalRefused, match=f"rule 17: 1 person: .*{reason}"):
        dispose(room, who)
    assert bytes_under(room.home.landing) == before
    assert unfinished(room.home) == []
    assert Tombstones(room.home).hashes() == frozenset()
    assert [row["outcome"][:7] for row in AuditLog(room.home).rows()] == ["refused"]


@pytest.mark.parametrize("is_crime", [False, True])
def test_rule_17_refuses_under_a_legal_hold_and_passes_once_lifted(
    room: Room, is_crime: bool
) -> None:
    what = "C000000001" if is_crime else DUE
    holds_ = Holds(room.home)
    holds_.set(what, is_crime, True, "records-manager", "an inquiry", NOW)
    with pytest.raises(DisposalRefused, match="rule 17: 1 person: a legal hold"):
        dispose(room, DUE)
    holds_.set(what, is_crime, False, "records-manager", "the inquiry ended", NOW)
    dispose(room, DUE)
    assert files_holding(room.home, DUE) == []


def test_rule_17_refuses_under_a_rule_that_nobody_confirmed(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    own = tmp_path / "registers"
    shutil.copytree(registers().folder, own)
    record = own / "retention_schedule" / "G3.yaml"
    text = record.read_text()
    text = text.replace("confirmed_by: records-manager", "confirmed_by: null")
    record.write_text(text.replace("confirmed_on: -60d", "confirmed_on: null"))
    monkeypatch.setenv("EDP_REGISTERS", str(own))
    with pytest.raises(DisposalRefused, match="rule 17: 1 person: a rule that nobody"):
        dispose(room, DUE)


def test_rule_17_refuses_whoever_decided(room: Room) -> None:
    decide(room, DUE)
    reviewed = review_now(room.home, registers(), TODAY)
    chosen = chosen_for_disposal(room.home, reviewed)
    with pytest.raises(DisposalRefused, match="rule 17: records-manager decided"):
        begin(room.home, reviewed, chosen, by="records-manager", reason="own", now=NOW)


def test_rule_17_refuses_when_something_happened_since_the_decision(
    room: Room,
) -> None:
    decide(room, DUE)
    arrest = {
        "custody_number": "D000000009",
        "nominal_id": DUE,
        "crime_number": "C000000001",
        "arrested_at": "2026-02-06T10:00:00Z",
        "detention_authorised_at": "2026-02-06T10:30:00Z",
        "released_at": "2026-02-06T18:00:00Z",
    }
    content = csv_of(room.data_sets, "custody_records", [arrest])
    room.receive(f"2026-02-{FORCE}-custody-records.csv", content)
    room.load("custody_records")
    with pytest.raises(DisposalRefused, match="rule 17: 1 person: not due"):
        dispose(room, DUE)


def test_rule_17_passes_a_group_2_review_that_found_no_risk(room: Room) -> None:
    dispose(room, REVIEW)
    assert files_holding(room.home, REVIEW, "Tapir") == []


def test_nobody_goes_without_a_decision(room: Room) -> None:
    reviewed = review_now(room.home, registers(), TODAY)
    assert chosen_for_disposal(room.home, reviewed) == []
    with pytest.raises(DisposalRefused, match="Nobody is decided on"):
        begin(room.home, reviewed, [], by="iao-crime", reason="x", now=NOW)


def test_the_last_decision_counts(room: Room) -> None:
    decide(room, DUE)
    Decisions(room.home).add(
        [DUE],
        "retain",
        by="records-manager",
        reason="links to others",
        nrac=["links"],
        rule="G3",
        state="disposal_due",
        today=date(2026, 3, 3),
    )
    reviewed = review_now(room.home, registers(), date(2026, 3, 3))
    assert chosen_for_disposal(room.home, reviewed) == []
    row = reviewed.row(by_predicate=pl.col("person_id") == DUE, named=True)
    assert (row["state"], row["disposal_on"]) == ("retained", date(2031, 3, 3))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"reason": " "}, "gives no reason"),
        ({"nrac": []}, "at least one question"),
        ({"nrac": ["star-sign"]}, "star-sign is no question"),
    ],
)
def test_a_decision_to_retain_says_why(
    room: Room, arguments: dict[str, object], says: str
) -> None:
    given = {"reason": "risk", "nrac": ["links"], **arguments}
    with pytest.raises(DecisionRefused, match=says):
        Decisions(room.home).add(
            [DUE],
            "retain",
            by="records-manager",
            rule="G3",
            state="disposal_due",
            today=TODAY,
            **given,  # type: ignore[arg-type]
        )
    assert Decisions(room.home).all() == []


def test_decisions_and_tombstones_know_nobody_by_name(room: Room) -> None:
    dispose(room, DUE)
    for path in room.home.retention.rglob("*"):
        assert path.is_dir() or not holds(path, DUE), path


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it runs, no clean-up is asked for."""


STEPS = [
    "edp_platform.retention.disposal.Tombstones.add",
    "edp_platform.ingestion.landing.write_json",
    "edp_platform.retention.stores.Landing.rewrite",
    "edp_platform.retention.stores.TablesOfRoom._rewrite",
    "edp_platform.retention.stores.Warehouse.erase",
    "edp_platform.retention.stores.Published.erase",
    "edp_platform.retention.disposal.left_behind",
    "edp_platform.retention.disposal.write_certificate",
]


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("step", STEPS)
def test_a_disposal_killed_anywhere_is_finished_by_the_next(
    room: Room, monkeypatch: pytest.MonkeyPatch, step: str, after: int
) -> None:
    from importlib import import_module

    decide(room, DUE)
    reviewed = review_now(room.home, registers(), TODAY)
    chosen = chosen_for_disposal(room.home, reviewed)
    working = begin(
        room.home, reviewed, chosen, by="iao-crime", reason="monthly", now=NOW
    )
    module, rest = _split(step)
    owner, name = import_module(module), rest[-1]
    for part in rest[:-1]:
        owner = getattr(owner, part)
    whole: Callable[..., object] = getattr(owner, name)
    calls = []

    def dies(*args: object, **kwargs: object) -> object:
        calls.append(1)
        if len(calls) > after:
            raise Killed
        return whole(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dies)
        try:
            carry_out(room.home, room.data_sets, working, NOW)
        except Killed:
            (found,) = unfinished(room.home)
            assert found.nominal_ids == (DUE,)
        else:
            assert len(calls) <= after  # it never came so far
            return
    certificate = carry_out(room.home, room.data_sets, found, NOW)
    told = json.loads(certificate.read_text())
    by_store = {one["store"] for one in told["removed"]}
    assert {"landing", "raw lake", "warehouse"} <= by_store
    assert files_holding(room.home, DUE, "Zebrafish") == []
    assert unfinished(room.home) == []
    for name_ in PERSON_SETS:
        room.load(name_)


def _split(step: str) -> tuple[str, list[str]]:
    parts = step.split(".")
    at = next(i for i, part in enumerate(parts) if part[0].isupper() or i == 3)
    return ".".join(parts[:at]), parts[at:]


def test_what_a_killed_process_left_half_written_goes_too(room: Room) -> None:
    import socket
    import subprocess

    process = subprocess.Popen(["true"])
    process.wait()
    mark = f"{socket.gethostname()}.{process.pid}.0a1b2c3d.tmp"
    left = room.home.landing / "aa" / f".original.{mark}"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_text(f"Nominal ID\n{DUE}\n")
    incoming = room.home.root / "incoming"
    incoming.mkdir(exist_ok=True)
    (incoming / "corrected-1.csv").write_text(f"Nominal ID,Surname\n{DUE},Zebrafish\n")
    (incoming / "other.csv").write_text(f"Nominal ID,Surname\n{KEPT},Okapi\n")
    dispose(room, DUE)
    assert not left.exists()
    assert [one.name for one in incoming.iterdir()] == ["other.csv"]


def test_the_working_list_is_its_owners_alone_and_goes(room: Room) -> None:
    decide(room, DUE)
    reviewed = review_now(room.home, registers(), TODAY)
    chosen = chosen_for_disposal(room.home, reviewed)
    working = begin(
        room.home, reviewed, chosen, by="iao-crime", reason="monthly", now=NOW
    )
    (path,) = (room.home.retention / "disposals").glob("*.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    carry_out(room.home, room.data_sets, working, NOW)
    assert not path.exists()


def test_a_dry_run_changes_nothing(room: Room) -> None:
    decide(room, DUE)
    reviewed = review_now(room.home, registers(), TODAY)
    before = bytes_under(room.home.root)
    found = preview(room.home, room.data_sets, chosen_for_disposal(room.home, reviewed))
    assert sum(rows for _, _, rows, _ in found) > 10
    assert bytes_under(room.home.root) == before


def test_the_key_is_its_owners_alone_and_is_missed(room: Room) -> None:
    dispose(room, DUE)
    key = room.home.keys / "subjects.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    aside = key.rename(key.with_suffix(".aside"))
    content = csv_of(room.data_sets, "nominals", [nominal(KEPT)])
    (outcome,) = room.land(room.write(f"2010-02-{FORCE}-nominals.csv", content))
    assert outcome.outcome == "refused" and "backup of keys" in outcome.reason
    with pytest.raises(KeyLost):
        Tombstones(room.home).among(pl.Series([KEPT]))
    aside.rename(key)
    (outcome,) = room.land(room.write(f"2010-02-{FORCE}-nominals.csv", content))
    assert outcome.outcome == "landed"


def test_rule_17_refuses_when_the_key_of_the_holds_is_gone(room: Room) -> None:
    """A hold that recognises nobody would hold nobody."""
    Holds(room.home).set(DUE, False, True, "records-manager", "an inquiry", NOW)
    (room.home.keys / "subjects.key").unlink()
    with pytest.raises(KeyLost, match="backup of keys"):
        review_now(room.home, registers(), TODAY)


def test_the_set_based_hash_is_the_standard_one(room: Room) -> None:
    import hashlib
    import hmac

    key = SubjectKey(room.home, "tombstone")
    master = (room.home.keys / "subjects.key").read_bytes()
    own = hmac.digest(master, b"tombstone", "sha256")
    expected = hmac.new(own, DUE.encode(), hashlib.sha256).hexdigest()
    assert key.of(f" {DUE.lower()} ") == expected
    found = key.hashed(pl.Series([DUE, f" {DUE.lower()} ", None]))
    assert found.to_list() == [expected, expected, None]
    assert SubjectKey(room.home, "hold").of(DUE) != expected


def test_the_erasure_is_on_the_log_without_a_name(room: Room) -> None:
    dispose(room, DUE)
    rows = list(AuditLog(room.home).rows())
    assert [(row["op"], row["outcome"]) for row in rows] == [
        ("erasure", "begun"),
        ("erasure", "done"),
    ]
    assert rows[1]["actor"] == "iao-crime" and rows[1]["purpose_id"] == "P-RRD"
    assert not holds(AuditLog(room.home).path, DUE)
    assert AuditLog(room.home).verify().is_whole
