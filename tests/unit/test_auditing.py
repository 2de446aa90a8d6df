"""Around the chain: statements without values, heads noted outside, the log's retention."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from edp_platform.auditing.anchors import (
    LogBroken,
    anchor,
    anchor_daily,
    anchors_folder,
    verify,
)
from edp_platform.auditing.events import Look, events_of
from edp_platform.auditing.known import (
    Background,
    GrantUse,
    keep_background,
    kept_background,
)
from edp_platform.auditing.retention import NotDue, prune
from edp_platform.auditing.statements import KnownMart, read_statement
from edp_platform.cli import app
from edp_platform.datasets import defs_root
from edp_platform.files import WriteFailed
from edp_platform.governance.audit import AuditLog, Event
from edp_platform.governance.registers import Registers, registers_root
from edp_platform.home import Home
from edp_platform.publishing.readiness import fingerprint
from edp_platform.warehouse.manifest import dbt_project_folder

TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
YEAR = timedelta(days=365)
KNOWN = {
    "reports": KnownMart(
        ("force", "report_id", "n"),
        frozenset({"report_id"}),
        frozenset({"crime"}),
        ("DPIA-1",),
    ),
    "counted": KnownMart(("month", "force", "n"), data_sets=frozenset({"street"})),
}
ALL = ("force", "report_id", "n")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("EDP_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(
        "edp_platform.publishing.readiness.background_now",
        lambda home, today: Background(KNOWN),
    )
    return Home.open(TODAY, tmp_path / "home")


def event(**changed: object) -> Event:
    stated: dict[str, object] = {
        "operation": "consultation",
        "actor": "ann",
        "purpose_id": "P-RRD",
        "justification": "monthly review",
        "object": "review list",
    }
    return Event(**{**stated, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sql", "columns", "text"),
    [
        (
            "select n from marts.reports where force = 'Smith' and n > 18 -- Smith",
            {"reports": ("force", "n")},
            "select n from marts.reports where force = ? and n > ?",
        ),
        (
            "select n as \"Smith\", $$Smith$$, E'Smith' from reports smith",
            {"reports": ("n",)},
            "select n as ?, ?, ? from reports ?",
        ),
        ("select smith from reports smith", {"reports": ALL}, None),
        ("table reports", {"reports": ALL}, None),
        ("select count(*), n * 2 from reports", {"reports": ("n",)}, None),
        ("select query_to_xml('select * from reports', true)", {"reports": ALL}, None),
        ("explain select n from reports", {"reports": ALL}, None),
        ("do $$begin perform 'Smith' from reports; end$$", {"reports": ALL}, "do ?"),
        ("set x = 1; select n from reports", {"reports": ("n",)}, None),
        ("declare smith cursor for select * from reports", {"reports": ALL}, None),
        ("select '{{Smith}}', n from reports", {"reports": ("n",)}, None),
    ],
)
def test_a_statement_is_read_without_its_values(
    sql: str, columns: dict[str, tuple[str, ...]], text: str | None
) -> None:
    found = read_statement(sql, KNOWN)
    assert found.columns == columns
    assert found.text is not None and "smith" not in found.text.lower()
    assert text is None or found.text == text


def test_what_cannot_be_read_is_on_every_mart_it_names_and_has_no_text() -> None:
    found = read_statement("select 'Smith from reports", KNOWN)
    assert (found.text, found.marts, found.is_parsed) == (None, ("reports",), False)
    assert read_statement("begin", KNOWN).is_quiet
    assert not read_statement("begin; select n from reports", KNOWN).is_quiet


def test_a_combination_is_of_two_contracts_and_a_personal_column() -> None:
    both = "from reports r join counted c using (force)"
    assert read_statement(f"select r.report_id {both}", KNOWN).combines(KNOWN)
    assert read_statement(f"select * {both}", KNOWN).combines(KNOWN)
    assert not read_statement(f"select c.month {both}", KNOWN).combines(KNOWN)
    assert not read_statement("select report_id from reports", KNOWN).combines(KNOWN)


def test_personal_columns_that_leave_as_a_file_are_a_disclosure() -> None:
    use = GrantUse("G-1", ("P-RRD",), "a test", frozenset({"n"}))
    background = Background(KNOWN, {"ann": {"reports": (use,)}})

    def events(sql: str, export: str | None, **stated: Any) -> list[Event]:
        look = Look("ann", read_statement(sql, KNOWN), export=export, **stated)
        return [*events_of(look, background)]

    personal = "select report_id from reports"
    (seen,) = events(personal, None, justification="a complaint")
    assert (seen.operation, seen.justification) == ("consultation", "a complaint")
    (seen, given) = events(personal, "csv", purpose="P-RIGHTS")
    assert (given.operation, given.recipient) == ("disclosure", "ann, as csv")
    assert given.purpose_id == seen.purpose_id == "P-RIGHTS"
    assert (seen.grant_id, seen.dpia_ref) == ("G-1", "DPIA-1")
    (counted,) = events("select n from counted", "csv")
    assert counted.grant_id is None and counted.purpose_id == "none granted"


def test_the_background_comes_back_as_it_was_kept(home: Home) -> None:
    use = GrantUse("G-1", ("P-RRD",), "a test", frozenset({"n"}))
    background = Background(KNOWN, {"ann": {"reports": (use,)}})
    keep_background(home, background)
    assert kept_background(home) == background
    assert background.grants_on("ann", ["reports", "counted"]) == (use,)


def test_the_fingerprint_follows_registers_contracts_and_the_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting, root in (
        ("EDP_REGISTERS", registers_root),
        ("EDP_DEFS", defs_root),
        ("EDP_DBT_PROJECT", dbt_project_folder),
    ):
        (tmp_path / setting).mkdir()
        monkeypatch.setenv(setting, str(tmp_path / setting))
        (tmp_path / setting / "dbt_project.yml").write_text("name: x\n")
        before = fingerprint(TODAY)
        assert before == fingerprint(TODAY) != fingerprint(TODAY + timedelta(days=1))
        (root() / "one.yaml").write_text("x")
        assert fingerprint(TODAY) != before, setting


# ------------------------------------------------------------------------- anchors


def _cut(lines: list[str]) -> list[str]:
    return lines[:2]


DAMAGES: dict[str, Callable[[list[str]], list[str]]] = {
    "edited": lambda lines: [lines[0].replace("monthly", "yearly"), *lines[1:]],
    "deleted": lambda lines: [lines[0], *lines[2:]],
    "moved": lambda lines: [lines[1], lines[0], *lines[2:]],
    "cut off": _cut,
    "emptied": lambda lines: [],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_rule_35_refuses_through_edp_audit_verify(home: Home, damage: str) -> None:
    log, command = AuditLog(home), CliRunner()
    assert anchor(home, NOW) is None, "an empty log has no head"
    for number in range(4):
        log.record(event(row_count=number), NOW)
    assert anchor_daily(home, NOW) is not None
    assert anchor_daily(home, NOW + timedelta(hours=3)) is None, "once a day"
    assert command.invoke(app, ["audit", "verify"]).exit_code == 0
    whole = log.path.read_text()
    lines = whole.splitlines(keepends=True)
    log.path.write_text("".join(DAMAGES[damage](lines)))
    found = command.invoke(app, ["audit", "verify", "--json"])
    assert found.exit_code == 1 and json.loads(found.stdout)["faults"]
    with pytest.raises(LogBroken):
        anchor(home, NOW + timedelta(days=1))
    log.path.unlink()
    gone = command.invoke(app, ["audit", "verify", "--json"])
    assert gone.exit_code == 1 and "is gone" in gone.stdout
    log.path.write_text(whole)
    log.record(event(), NOW)
    assert command.invoke(app, ["audit", "verify"]).exit_code == 0
    (note,) = anchors_folder(home).glob("*")
    note.chmod(0o600)
    note.write_text("nothing\n")
    assert "no note of a head" in verify(home).faults[0]


def test_heads_are_noted_where_the_setting_says(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    AuditLog(home).record(event(), NOW)
    monkeypatch.setenv("EDP_AUDIT_ANCHORS", str(tmp_path / "away"))
    assert anchor(home, NOW) == tmp_path / "away" / "2026-03-02T090000Z.anchor"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EDP_AUDIT_ANCHORS", str(tmp_path / "file" / "below"))
    with pytest.raises(WriteFailed, match="EDP_AUDIT_ANCHORS"):
        anchor(home, NOW)


# ----------------------------------------------------------------------- retention


def _prune(home: Home, now: datetime, destroys: bool, before: date) -> int:
    registers = Registers(home.made_on)
    found = prune(
        home, registers, "keeper", "yearly", before=before, destroys=destroys, now=now
    )
    return len(found.destroyed)


def test_the_oldest_part_is_sealed_and_goes_only_when_the_schedule_says(
    home: Home,
) -> None:
    log = AuditLog(home)
    for number in range(3):
        log.record(event(row_count=number), NOW)
    anchor(home, NOW)
    log.record(event(object="later"), NOW + YEAR)
    anchor(home, NOW + YEAR)
    cut = date(2026, 6, 1)
    with pytest.raises(NotDue, match="nothing was destroyed"):
        _prune(home, NOW + YEAR, True, cut)  # sealed, and not due for six more years
    assert [row["row_count"] for row in log.rows()] == [0, 1, 2, 0, None]
    (sealed,) = log.sealed_files()
    assert verify(home).is_whole and verify(home).rows == 5
    late = NOW + 8 * YEAR
    assert _prune(home, late, True, cut) == 1
    found = verify(home)
    assert found.is_whole and found.rows == 6 and not sealed.exists()
    last = [*log.rows()][-1]
    assert (last["op"], last["actor"]) == ("erasure", "keeper")
    assert "events 1 to 3" in last["object"] and "yearly" in last["justification"]
    # What was destroyed is answered for; what somebody removes is not.
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[1:]))
    assert not verify(home).is_whole
    with pytest.raises(LogBroken):
        _prune(home, late, False, cut)


def test_a_sealed_part_that_was_touched_or_left_half_moved_is_told_or_mended(
    home: Home,
) -> None:
    log = AuditLog(home)
    for number in range(4):
        log.record(event(row_count=number), NOW + number * YEAR)
    whole = log.path.read_bytes()
    path = log.seal(NOW + 2 * YEAR, event(), NOW + 4 * YEAR)
    assert path is not None and log.verify().rows == 5 and log.verify().is_whole
    assert log.seal(NOW, event(), NOW + 4 * YEAR) is None, "nothing is that old"
    text = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(text.replace(b"monthly", b"yearly "))
    assert not log.verify().is_whole
    path.unlink()
    assert not log.verify().is_whole
    # Killed after the file was written, before the log was cut: it is no part of it.
    path.write_bytes(text)
    log.path.write_bytes(whole)
    assert log.verify().is_whole and log.verify().rows == 4
    assert log.seal(NOW + 2 * YEAR, event(), NOW + 4 * YEAR) == path
    assert log.verify().is_whole and log.verify().rows == 5


def test_a_rule_nobody_confirmed_destroys_nothing(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    shutil.copytree(registers_root(), tmp_path / "registers")
    rule = tmp_path / "registers" / "retention_schedule" / "AUDIT-LOG.yaml"
    text = rule.read_text().replace(
        "confirmed_by: records-manager", "confirmed_by: null"
    )
    rule.write_text(text.replace("confirmed_on: -60d", "confirmed_on: null"))
    monkeypatch.setenv("EDP_REGISTERS", str(tmp_path / "registers"))
    AuditLog(home).record(event(), NOW)
    asked = ["audit", "prune", "--reason", "yearly", "--as-person"]
    done = CliRunner().invoke(app, [*asked, "records-manager"])
    assert done.exit_code == 1 and isinstance(done.exception, NotDue)
    rule.unlink()
    done = CliRunner().invoke(app, [*asked, "records-manager"])
    assert done.exit_code == 1 and isinstance(done.exception, NotDue)
    assert CliRunner().invoke(app, [*asked, "operator"]).exit_code == 1
