"""Review, disposal, rights and quarantine as people do them, on the sample force."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from edp_platform.home import Home
from edp_platform.retention.copies import WITHOUT_ROWS, copies, unregistered_rooms
from edp_platform.retention.disposal import unfinished
from edp_platform.sample import make_sample
from tests.integration.conftest import Platform
from tests.person_room import holds

pytestmark = pytest.mark.doors

RECORDS = ("--as-person", "records-manager")
OWNER = ("--as-person", "iao-crime")
RIGHTS = ("--as-person", "information-rights-officer")


@pytest.fixture(scope="module")
def force(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """The force's internal systems, landed and built once. Copy it to change it."""
    folder = tmp_path_factory.mktemp("force")
    sample = folder / "sample"
    make_sample(sample, "small", 2, 11, today=date.today())
    platform = Platform(folder / "home", sample)
    names = ("force_systems", "reference")
    done = platform.edp("land", *(str(sample / name) for name in names))
    assert done.returncode == 0, done.stdout + done.stderr
    done = platform.edp("run", timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return platform


@pytest.fixture
def own(force: Platform, tmp_path: Path) -> Platform:
    shutil.copytree(force.home, tmp_path / "home")
    return Platform(tmp_path / "home", force.sample)


def told(platform: Platform, *arguments: str, status: int = 0) -> Any:
    done = platform.edp(*arguments, "--json", timeout=900)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def ok(platform: Platform, *arguments: str) -> str:
    done = platform.edp(*arguments, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def refused(platform: Platform, *arguments: str) -> str:
    done = platform.edp(*arguments, timeout=900)
    assert done.returncode == 1, done.stdout + done.stderr
    return " ".join(done.stderr.split())


def due(platform: Platform, state: str = "disposal_due") -> list[dict[str, Any]]:
    rows = told(platform, "retention", "due", "--list", *RECORDS)
    return [row for row in rows if row["state"] == state]


def held_in(platform: Platform, *words: str) -> set[str]:
    """Return every file of the home that holds one of the words."""
    return {
        str(path.relative_to(platform.home))
        for path in sorted(platform.home.rglob("*"))
        if path.is_file() and holds(path, *words)
    }


def lake(platform: Platform, name: str) -> pl.DataFrame:
    paths = sorted((platform.home / "raw" / name).glob("month=2*/part-0.parquet"))
    return pl.concat(pl.read_parquet(path, hive_partitioning=False) for path in paths)


def records(platform: Platform, name: str) -> dict[str, Any]:
    (one,) = [
        each for each in told(platform, "status")["data_sets"] if each["name"] == name
    ]
    assert one["is_exact"], one
    found: dict[str, Any] = one["records"]
    return found


def test_the_review_counts_everybody_once(force: Platform) -> None:
    told_ = told(force, "retention", "due")
    people = lake(force, "nominals")["nominal_id"].n_unique()
    assert told_["persons"] == people == sum(told_["by_state"].values())
    truth = json.loads((force.sample / "truth.json").read_text())
    assert truth  # what was planted is told by the sample, not by the code
    assert {"disposal_due", "review_due", "retained", "exception"} == set(
        told_["by_state"]
    )


def test_rule_16_passes_from_the_decision_to_the_certificate(own: Platform) -> None:
    chosen = due(own)[:3]
    ids = [one for row in chosen for one in row["nominal_ids"]]
    assert ids and held_in(own, *ids)
    before = records(own, "nominals")
    ok(own, "retention", "decide", *ids, "--dispose", "--reason", "over", *RECORDS)
    shown = told(own, "retention", "dispose", *OWNER)
    assert shown["persons"] == 3 and shown["certificates"] == []
    assert {"landing", "raw lake"} <= {one["store"] for one in shown["would_remove"]}
    assert held_in(own, *ids)  # a dry run: nothing went
    done = told(own, "retention", "dispose", "--yes", *OWNER)
    (path,) = done["certificates"]
    certificate = json.loads(Path(path).read_text())
    assert certificate["marts_rebuilt"] is True
    assert held_in(own, *ids) == set()
    after = records(own, "nominals")
    assert after["disposed"] == len(ids)
    assert after["loaded"] == before["loaded"] - len(ids)
    assert "whole" in ok(own, "audit", "verify")
    # The same file and a later release both come without them.
    nominals = sorted(own.sample.glob("force_systems/*/*-nominals.csv"))
    holding = next(one for one in nominals if ids[0] in one.read_text())
    ok(own, "land", str(holding))
    later = own.home.parent / holding.name
    later.write_text(holding.read_text().replace("Male", "Indeterminate"))
    ok(own, "land", str(later))
    ok(own, "run", "nominals")
    assert held_in(own, *ids) == set()
    assert set(ids).isdisjoint(lake(own, "nominals")["nominal_id"])
    assert records(own, "nominals")["disposed"] > 0
    run = told(own, "run", "rrd_due", "rrd_decision", "rrd_disposal")
    failed = [one for one in run["checks_failed"] if one["severity"] == "ERROR"]
    assert failed == [], failed


def test_rule_16_refuses_while_a_room_is_not_registered(own: Platform) -> None:
    (row, *_) = due(own)
    ids = row["nominal_ids"]
    ok(own, "retention", "decide", *ids, "--dispose", "--reason", "over", *RECORDS)
    (own.home / "extracts").mkdir()
    said = refused(own, "retention", "dispose", "--yes", *OWNER)
    assert "rule 16: extracts of EDP_HOME is no registered copy" in said
    (own.home / "extracts").rmdir()
    ok(own, "retention", "dispose", "--yes", *OWNER)
    assert held_in(own, *ids) == set()


def test_rule_17_refuses_exceptions_at_the_command_line(own: Platform) -> None:
    rows = told(own, "retention", "due", "--exceptions", *RECORDS)
    by_reason: dict[str, str] = {}
    for row in rows:
        for reason in row["exceptions"]:
            by_reason.setdefault(reason, row["person_id"])
    needed = {
        "missing_date_of_birth",
        "missing_group",
        "child_under_10",
        "unconfirmed_rule",
    }
    assert needed <= set(by_reason), by_reason
    for reason in sorted(needed):
        arguments = ("--dispose", "--reason", "over", *RECORDS)
        said = refused(own, "retention", "decide", by_reason[reason], *arguments)
        assert "rule 17: 1 person" in said
    (row, *_) = due(own)
    person = row["person_id"]
    ok(own, "retention", "hold", person, "--reason", "an inquiry", *RECORDS)
    said = refused(
        own, "retention", "decide", person, "--dispose", "--reason", "x", *RECORDS
    )
    assert "a legal hold" in said
    assert not (own.home / "retention" / "decisions.jsonl").exists()


def test_rule_17_passes_a_hold_that_was_lifted_and_asks_again_at_the_end(
    own: Platform,
) -> None:
    (row, *_) = due(own)
    person, ids = row["person_id"], row["nominal_ids"]
    ok(own, "retention", "decide", *ids, "--dispose", "--reason", "over", *RECORDS)
    # Whoever decided may not delete too.
    said = refused(own, "retention", "dispose", "--yes", *RECORDS)
    assert "rule 17: records-manager decided" in said
    ok(own, "retention", "hold", person, "--reason", "an inquiry", *RECORDS)
    said = refused(own, "retention", "dispose", "--yes", *OWNER)
    assert "rule 17: 1 person: a legal hold" in said
    assert held_in(own, *ids)
    ok(own, "retention", "hold", person, "--lift", "--reason", "ended", *RECORDS)
    ok(own, "retention", "dispose", "--yes", *OWNER)
    assert held_in(own, *ids) == set()


@pytest.mark.parametrize(
    ("who", "says"),
    [
        ((), "Nobody is named"),
        (("--as-person", "nobody-here"), "not on the register"),
        (("--as-person", "performance-lead"), "only"),
    ],
)
def test_who_may_not_is_refused_and_logged(
    own: Platform, who: tuple[str, ...], says: str
) -> None:
    said = refused(own, "retention", "due", "--list", *who)
    assert says in said
    lines = (own.home / "audit" / "s62.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["outcome"] == "refused: not allowed"


def test_a_disposal_killed_in_the_middle_is_taken_up_again(own: Platform) -> None:
    (row, *_) = due(own)
    ids = row["nominal_ids"]
    ok(own, "retention", "decide", *ids, "--dispose", "--reason", "over", *RECORDS)
    process = own.start("retention", "dispose", "--yes", *OWNER)
    folder = own.home / "retention" / "disposals"
    deadline = time.monotonic() + 300
    while not list(folder.glob("*.json")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    home = Home.open(date.today(), own.home)
    if unfinished(home):  # it is, unless the kill came after all was done
        assert (
            "begun and not finished" in own.edp("retention", "dispose", *OWNER).stderr
        )
    ok(own, "retention", "dispose", "--yes", *OWNER)
    assert unfinished(home) == []
    assert held_in(own, *ids) == set()
    assert len(list((own.home / "retention" / "certificates").glob("*.json"))) == 1


def test_every_room_that_holds_rows_is_registered(force: Platform) -> None:
    """No later store can be forgotten: a new room fails here until it is registered."""
    from edp_platform.datasets import DataSets

    home = Home.open(date.today(), force.home)
    registered = copies(home, DataSets.load(home))
    assert unregistered_rooms(home, registered) == []
    rooms = {
        name: getattr(home, name)
        for name, kind in vars(Home).items()
        if isinstance(kind, property)
    }
    tops = {path.relative_to(home.root).parts[0] for path in rooms.values()}
    answered = set(WITHOUT_ROWS).union(*(one.rooms for one in registered))
    assert tops <= answered, "Home has a room that no copy answers for"
    # Whatever is said of them, rooms without rows hold none: nobody's name is there.
    person = lake(force, "nominals").filter(pl.col("surname").str.len_chars() > 8)
    row = person.row(0, named=True)
    for path in held_in(force, row["nominal_id"]):
        room = path.split("/")[0]
        assert any(room in one.rooms for one in registered), path


def test_a_person_asks_and_is_answered_over_every_store(own: Platform) -> None:
    (row, *_) = due(own, "review_due")
    person = row["person_id"]
    found = told(own, "rights", "find", person, "--reason", "asked", *RIGHTS)
    assert {"landing", "quarantine", "raw lake", "warehouse", "published copy"} <= set(
        found["stores"]
    )
    target = own.home.parent / "export.json"
    asked = told(own, "rights", "request", person, "--right", "access", *RIGHTS)
    ok(
        own,
        *("rights", "export", person, "--to", str(target), "--reason", "asked"),
        *("--request", asked["request"], *RIGHTS),
    )
    given = json.loads(target.read_text())
    (nominal,) = given["held"]["raw lake"]["nominals"]
    assert nominal["nominal_id"] == person
    assert target.stat().st_mode & 0o077 == 0
    # In part, under an exemption that is on record.
    ok(
        own,
        *("rights", "export", person, "--to", str(target), "--reason", "prejudice"),
        *("--withhold", "nominals", "--exemption", "s.45(4)(b)", *RIGHTS),
    )
    assert "nominals" not in json.loads(target.read_text())["held"]["raw lake"]
    said = refused(
        own,
        *("rights", "export", person, "--to", str(target), "--reason", "x"),
        *("--withhold", "nominals", "--exemption", "s.1", *RIGHTS),
    )
    assert "s.1 is no exemption" in said
    lines = (own.home / "audit" / "s62.jsonl").read_text()
    assert person not in lines and '"op": "disclosure"' in lines


def test_a_correction_and_a_restriction_reach_every_store(own: Platform) -> None:
    (row, *_) = due(own, "review_due")
    person = row["person_id"]
    change = ("--data-set", "nominals", "--column", "surname")
    why = ("--reason", "misspelt", *RIGHTS)
    original = lake(own, "nominals").filter(pl.col("nominal_id") == person)["surname"][
        0
    ]
    ok(own, "rights", "rectify", person, *change, "--value", "Zebrafish", *why)
    ok(own, "run", "nominals", "--rebuild")  # loaded so again, not only once
    now = lake(own, "nominals").filter(pl.col("nominal_id") == person)
    assert now["surname"].to_list() == ["Zebrafish"]
    assert {path.split("/")[0] for path in held_in(own, "Zebrafish")} >= {
        "corrections",
        "raw",
    }
    landed = "".join(
        path.read_text("utf-8", "replace")
        for path in own.home.glob("landing/*/*/original")
    )
    assert original in landed and "Zebrafish" not in landed
    change = ("--data-set", "nominals", "--column", "postcode")
    said = refused(own, "rights", "rectify", person, *change, "--value", "ZZ99", *why)
    assert "would be refused" in said
    # Restricted: out of everything in use, and still held.
    said = refused(own, "rights", "restrict", "N99999999", *why)
    assert "No file received names this person" in said
    done = own.edp("rights", "restrict", person, *why, timeout=900)
    assert done.returncode == 0 and done.stdout.startswith("restricted; ")
    for step in ("searching every file", "out of every store", "building anew"):
        assert step in done.stderr  # off a terminal, a line a step
    found = told(own, "rights", "find", person, *why)
    assert found["restricted"] is True
    in_use = ("raw lake", "warehouse", "published copy")
    assert [found["stores"][name] for name in in_use] == [[], [], []]
    assert found["stores"]["landing"]
    assert records(own, "nominals")["restricted"] == 1
    ok(own, "run", "nominals", "--rebuild")
    assert person not in lake(own, "nominals")["nominal_id"].to_list()
    ok(own, "rights", "restrict", person, "--lift", *why)
    again = lake(own, "nominals").filter(pl.col("nominal_id") == person)
    assert again["surname"].to_list() == ["Zebrafish"]
    assert records(own, "nominals")["restricted"] == 0


def test_a_quarantined_row_is_seen_corrected_released_and_loaded(own: Platform) -> None:
    listed = told(own, "quarantine", "list", "nominals")
    assert '"record"' not in json.dumps(listed)
    row = next(one["rows"][0] for one in listed if "stand-in" in one["reason"])
    why = ("--purpose", "P-LE-CRIME", "--reason", "checked with the officer")
    said = refused(
        own, "quarantine", "show", row, *why, "--as-person", "performance-lead"
    )
    assert "may not see a quarantined row of nominals" in said
    shown = told(own, "quarantine", "show", row, *why, *OWNER)
    person = shown["cells"]["Nominal ID"]
    said = refused(
        own, "quarantine", "correct", row, "--set", "postcode=ZZ99 9ZZ", *why, *OWNER
    )
    assert "would be refused again" in said
    ok(own, "quarantine", "correct", row, "--set", "postcode=SE1 7PB", *why, *OWNER)
    said = refused(own, "quarantine", "release", row, *why, *OWNER)
    assert "somebody else releases it" in said
    before = records(own, "nominals")
    ok(own, "quarantine", "release", row, *why, *RECORDS)
    ok(own, "run", "nominals")
    after = records(own, "nominals")
    assert after["quarantined"] == before["quarantined"] - 1
    assert after["loaded"] == before["loaded"] + 1
    loaded = lake(own, "nominals").filter(pl.col("nominal_id") == person)
    assert loaded["postcode"].to_list() == ["SE1 7PB"]
    landed = "".join(
        path.read_text("utf-8", "replace")
        for path in own.home.glob("landing/*/*/original")
    )
    assert shown["cells"]["Postcode"] in landed  # the original is kept
    accounts = [
        json.loads(path.read_text())
        for path in own.home.glob("reconciliation/nominals/*.json")
        if "ledger" not in path.name
    ]
    assert sum(one["released"] for one in accounts) == 1
    assert all(one["is_exact"] for one in accounts)
    # One that is no use to anybody is discarded, and accounted for.
    other = next(
        one["rows"][0]
        for one in told(own, "quarantine", "list", "nominals")
        if one["rows"][0] != row
    )
    ok(own, "quarantine", "discard", other, *why, *OWNER)
    assert records(own, "nominals")["disposed"] == 0  # only shown
    ok(own, "quarantine", "discard", other, "--yes", *why, *OWNER)
    ok(own, "run", "nominals")
    final = records(own, "nominals")
    assert final["disposed"] == 1
    assert final["quarantined"] == after["quarantined"] - 1


def test_a_row_waits_as_long_as_the_schedule_says(
    own: Platform, tmp_path: Path
) -> None:
    from edp_platform.governance.registers import Registers

    assert "0 rows are due" in ok(own, "quarantine", "dispose", *RECORDS)
    registers = tmp_path / "registers"
    shutil.copytree(Registers(date.today()).folder, registers)
    own.environment["EDP_REGISTERS"] = str(registers)
    rule = registers / "retention_schedule" / "QUARANTINE.yaml"
    text = rule.read_text()
    assert "keep_days: 90" in text
    # Landed three months ago, by its receipt.
    for receipt in own.home.glob("landing/*/*/receipt.json"):
        stated = json.loads(receipt.read_text())
        for one in stated["deliveries"]:
            one["landed_at"] = "2020-01-01" + one["landed_at"][10:]
        receipt.chmod(0o640)
        receipt.write_text(json.dumps(stated))
    waits = sum(
        len(one["rows"])
        for one in told(own, "quarantine", "list")
        if one["dispose_on"] is not None
    )
    assert waits > 0
    rule.write_text(
        text.replace("confirmed_by: records-manager", "confirmed_by: null").replace(
            "confirmed_on: -60d", "confirmed_on: null"
        )
    )
    said = refused(own, "quarantine", "dispose", "--yes", *RECORDS)
    assert "rule 17" in said
    rule.write_text(text)
    done = told(own, "quarantine", "dispose", "--yes", *RECORDS)
    assert done["deleted"] == waits
    assert told(own, "quarantine", "dispose", *RECORDS)["due"] == 0
