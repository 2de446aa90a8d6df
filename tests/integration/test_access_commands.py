"""`edp access` and `edp supplier close`: what they say, write, refuse and end with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from typer.testing import CliRunner

from edp_platform.database.connecting import as_person
from edp_platform.home import Home
from tests.access_room import (
    DAY,
    TODAY,
    World,
    grant,
    person,
)
from tests.access_server import (
    WORLD,
    as_administrator,
    differences,
    make_so,
    placed,
)


@pytest.fixture(scope="module")
def place() -> Iterator[Home]:
    """A server of this module's own, with the two marts published in it."""
    yield from placed()


@pytest.fixture
def home(place: Home) -> Home:
    """The server as the made-up force declares it."""
    make_so(place, WORLD)
    return place


@contextmanager
def _commands(
    home: Home, monkeypatch: pytest.MonkeyPatch, world: World
) -> Iterator[Any]:
    """Have `edp access` read the made-up force."""
    from edp_platform.commands import access
    from edp_platform.governance import registers as kept

    monkeypatch.setenv("EDP_HOME", str(home.root))
    monkeypatch.delenv("EDP_USER", raising=False)
    loaded = (world.registers, world.facts, world.declared())
    monkeypatch.setattr(access, "_loaded", lambda _: loaded)
    monkeypatch.setattr(kept, "Registers", lambda _: world.registers)
    run = CliRunner()
    yield lambda *asked: run.invoke(access.app, [*asked])


def test_the_commands_say_what_is_so_and_end_with_it(
    home: Home, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    operator = person("operator", "platform_operator")
    world = WORLD.peopled(operator).granted(grant("G-OPE-1", "operator", "counted"))
    with _commands(home, monkeypatch, world) as edp:
        assert edp("plan").exit_code == 1
        assert edp("apply").exit_code == 0
        found = edp("plan", "--json")
        assert found.exit_code == 0 and '"as_declared": true' in found.stdout
        mine = edp("me", "--json").stdout
        assert '"person": "operator"' in mine and "No grant names reports" in mine
        assert "iao" in mine
        assert edp("who", "nobody").exit_code == 2
        assert "ann" in edp("what", "crime").stdout
        assert edp("what", "crimes").exit_code == 2
        soon = world.granted(
            grant("G-OPE-1", "operator", "counted", until=(TODAY + 6 * DAY).isoformat())
        )
    with _commands(home, monkeypatch, soon) as edp:
        told = edp("expiring", "--json").stdout
        assert (
            '"notice": "7 days"' in told and "G-OPE-1" in told and "G-ANN" not in told
        )
        capfd.readouterr()
        opened = edp(
            "as", "ann", "--", "psql", "-Atc", "select user, sum(n) from counted"
        )
        assert opened.exit_code == 0
        assert capfd.readouterr().out.strip() == "ann|9"
        refused = edp(
            "as", "ann", "--as-person", "bob", "--", "psql", "-Atc", "select 1"
        )
        assert refused.exit_code != 0 and "bob may open a session as bob alone" in str(
            refused.exception
        )
        assert edp("as", "nobody", "--", "psql").exit_code == 2
        assert edp("as", "cat", "--", "psql").exit_code == 1  # no grant: no login
        # Many columns of one table are told in one line.
        as_administrator(home, "revoke select (month, n) on marts.counted from bob")
        assert "marts.counted (2 columns) bob lacks SELECT" in edp("plan").stdout
        assert edp("apply").exit_code == 0
        printed = edp("as", "bob").stdout
        assert printed.startswith("postgresql://bob@127.0.0.1")
        with psycopg.connect(printed.strip()) as connection:
            assert connection.execute("select count(*) from counted").fetchone() == (3,)
    log = (home.audit / "s62.jsonl").read_text(encoding="utf-8")
    assert '"on_behalf_of": "ann"' in log and '"actor": "operator"' in log
    assert '"outcome": "refused: not allowed"' in log and '"actor": "bob"' in log
    passwords = home.keys / "postgres"
    for path in (passwords / "bob", passwords / "passfiles" / "bob"):
        assert path.stat().st_mode & 0o777 == 0o600
    make_so(home, WORLD)


def test_a_request_opens_nothing_before_somebody_else_decides(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from edp_platform.governance.registers import Registers

    (tmp_path / "grants").mkdir()
    world = WORLD
    own = replace(world)
    registers = own.registers
    registers.folder = tmp_path
    monkeypatch.setattr(World, "registers", property(lambda _: registers))
    monkeypatch.setenv("EDP_REGISTERS", str(tmp_path))
    with _commands(home, monkeypatch, world) as edp:
        asked = ("request", "reports", "--purpose", "P-LE", "--project", "PB-02")
        done = edp(*asked, "--column", "offence", "--as-person", "bob", "--days", "30")
        assert done.exit_code == 0, done.output
        assert edp(*asked, "--column", "nothing", "--as-person", "bob").exit_code == 2
        assert edp("request", "report", *asked[2:]).exit_code == 2
        wrong = ("request", "reports", "--purpose", "P-NONE", "--project", "x")
        assert edp(*wrong, "--as-person", "bob").exit_code == 2
        # A purpose that the mart is not used for would open nothing: told at once.
        other = ("request", "counted", *asked[2:], "--as-person", "bob")
        assert edp(*other).exit_code == 2
    monkeypatch.undo()
    (path,) = (tmp_path / "grants").glob("*.yaml")
    found = Registers(TODAY, tmp_path).grants[path.stem]
    assert (found.person, found.status, found.columns) == (
        "bob",
        "requested",
        ["offence"],
    )
    asked_for = WORLD.granted(found)
    assert {one.number for one in asked_for.refused(found.id)} >= {8}
    assert differences(home, asked_for) == []


def test_rule_8_refuses_who_decides_on_their_own_request(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from edp_platform.access.approving import CannotDecide, decide
    from edp_platform.governance.registers import Registers

    kept = {
        "people": [
            *WORLD.people.values(),
            person("sira", "senior_information_risk_owner"),
        ],
        "grants": [
            grant(
                *("G-NEW", "bob", "counted"),
                status="requested",
                requested_by="iao",
                approved_by=None,
                approved_on=None,
            )
        ],
    }
    for folder, records in kept.items():
        (tmp_path / folder).mkdir()
        for record in records:
            text = yaml.safe_dump(record.model_dump(mode="json"), sort_keys=False)
            (tmp_path / folder / f"{record.id}.yaml").write_text(text)

    def decided(by: str, to: str = "approved", which: str = "G-NEW") -> str:
        decide(which, by, home, Registers(TODAY, tmp_path), TODAY, to=to)
        return Registers(TODAY, tmp_path).grants["G-NEW"].status

    with pytest.raises(CannotDecide, match="no registers of its own"):
        decided("sira")
    monkeypatch.setenv("EDP_REGISTERS", str(tmp_path))
    before = (tmp_path / "grants" / "G-NEW.yaml").read_text()
    for by in ("iao", "bob", "ann", "nobody"):
        for to in ("approved", "refused"):
            with pytest.raises(CannotDecide):
                decided(by, to)
    with pytest.raises(CannotDecide, match="waiting are G-NEW"):
        decided("sira", which="G-OLD")
    assert (tmp_path / "grants" / "G-NEW.yaml").read_text() == before
    assert decided("sira") == "approved"
    made = Registers(TODAY, tmp_path).grants["G-NEW"]
    assert (made.approved_by, made.approved_on) == ("sira", TODAY)
    world = WORLD.peopled(person("sira", "senior_information_risk_owner"))
    assert world.granted(made).refused("G-NEW") == ()
    with pytest.raises(CannotDecide, match="is approved"):
        decided("sira", "refused")


def test_a_supplier_is_closed_when_all_is_on_record(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from datetime import datetime

    from edp_platform.access import closing
    from edp_platform.governance.registers import Registers

    people = [one.model_dump(mode="json") for one in WORLD.people.values()]
    firm = WORLD.suppliers["SUP-CON"].model_dump(mode="json")
    kept = {
        "people": people,
        "suppliers": [firm],
        "grants": [WORLD.grants["G-SAM-1"].model_dump(mode="json")],
    }
    for folder, records in kept.items():
        (tmp_path / folder).mkdir()
        for record in records:
            text = yaml.safe_dump(record, sort_keys=False)
            (tmp_path / folder / f"{record['id']}.yaml").write_text(text)
    gone: list[str] = []

    def destroy(_: Home, who: str) -> int:
        gone.append(who)
        return 2

    monkeypatch.setitem(closing.EXTRACTS, "a store", destroy)
    now = datetime.now().astimezone()

    def close(by: str, handover: str = "code to the team") -> closing.Closed:
        registers = Registers(TODAY, tmp_path)
        assert registers.suppliers.faults == registers.grants.faults == ()
        return closing.close("SUP-CON", by, handover, home, registers, now)

    with pytest.raises(closing.CannotClose, match="learning_shared"):
        close("lead")
    path = tmp_path / "suppliers" / "SUP-CON.yaml"
    text = path.read_text().replace("learning_shared: null", "learning_shared: wiki/12")
    path.write_text(text)
    for by, handover in (("ann", "all"), ("nobody", "all"), ("lead", " ")):
        with pytest.raises(closing.CannotClose):
            close(by, handover)
    assert gone == []
    closed = close("lead")
    assert (closed.grants, closed.extracts) == (("G-SAM-1",), {"a store": 2})
    assert gone == ["SUP-CON"]
    registers = Registers(TODAY, tmp_path)
    assert registers.grants["G-SAM-1"].revoked_on == TODAY
    record = registers.suppliers["SUP-CON"].closed
    assert record is not None and record.handover == "code to the team"
    world = WORLD.but(
        suppliers={**WORLD.suppliers, **registers.suppliers.records}
    ).granted(registers.grants["G-SAM-1"])
    make_so(home, world)
    with pytest.raises(Exception, match="sam"):
        as_person(home, "sam")
    with pytest.raises(closing.CannotClose, match="was closed"):
        close("lead")
