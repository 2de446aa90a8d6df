"""The register of legacy services and the catalogue, through the command line."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import edp_platform
from edp_platform.cli import app
from edp_platform.home import Home
from edp_platform.warehouse.manifest import dbt_project_folder
from edp_platform.yaml_source import load_yaml
from tests.accessible import faults as page_faults

from .conftest import Platform

pytestmark = pytest.mark.doors

PACKAGE = Path(edp_platform.__file__).parent


class Registered:
    """A home first used today, with registers of its own."""

    def __init__(self, folder: Path) -> None:
        self.registers = folder / "registers"
        shutil.copytree(PACKAGE / "registers", self.registers)
        self.home = folder / "home"
        Home.open(date.today(), self.home)

    @property
    def dashboard(self) -> Path:
        return self.registers / "legacy_services" / "LS-CRIME-DASHBOARD.yaml"

    def edp(self, *arguments: str) -> Any:
        variables = {
            "EDP_HOME": str(self.home),
            "EDP_REGISTERS": str(self.registers),
            "COLUMNS": "200",
        }
        done = CliRunner().invoke(app, list(arguments), env=variables)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    def told(self, *arguments: str, status: int) -> Any:
        done = self.edp(*arguments, "--json")
        assert done.exit_code == status, done.stdout + done.stderr
        return json.loads(done.stdout)

    def faults(self) -> list[str]:
        """Return the faults of the register of legacy services."""
        done = self.edp("governance", "check", "--json")
        found: list[str] = json.loads(done.stdout)["faults"]
        return [one for one in found if "/legacy_services/" in one]

    def change(self, expression: str, by: str) -> None:
        text = self.dashboard.read_text(encoding="utf-8")
        changed = re.sub(expression, by, text, count=1)
        assert changed != text
        self.dashboard.write_text(changed, encoding="utf-8")


@pytest.fixture
def registered(tmp_path: Path) -> Registered:
    return Registered(tmp_path)


def test_legacy_services_are_listed_shown_and_begun_like_other_records(
    registered: Registered,
) -> None:
    assert registered.faults() == []
    told = registered.told("legacy", "list", status=0)
    assert [one["id"] for one in told] == ["LS-CRIME-DASHBOARD", "LS-SEARCH-EXTRACT"]
    assert told[0]["not_accepted"] == [] and told[1]["not_accepted"]
    shown = registered.edp("legacy", "list")
    assert "£80,500 a year" in shown.stdout
    assert registered.told("legacy", "show", "LS-SEARCH-EXTRACT", status=0)["record"]
    assert registered.edp("legacy", "new", "LS-NEW").exit_code == 0
    path = registered.registers / "legacy_services" / "LS-NEW.yaml"
    blanks = [line for _, line in load_yaml(path).blanks()]
    assert len(blanks) > 5
    assert [int(one.split(":")[1]) for one in registered.faults()] == blanks
    due = registered.told("legacy", "due", "--within", "150", status=0)
    assert [one["id"] for one in due] == ["LS-CRIME-DASHBOARD"]


def test_a_service_past_its_day_is_overdue_until_it_is_retired(
    registered: Registered,
) -> None:
    registered.change(r"retire_by: \+120d", "retire_by: -1d")
    told = registered.told("governance", "status", status=1)
    (late,) = [one for one in told["overdue"] if one["kind"] == "legacy_service"]
    assert late["name"] == "LS-CRIME-DASHBOARD" and late["owner"] == "team:performance"
    assert registered.told("legacy", "list", status=1)[0]["overdue"] is True
    registered.change("status: parallel", "status: retired")
    assert registered.faults() == []
    assert registered.told("governance", "status", status=0)["overdue"] == []
    assert registered.told("legacy", "list", status=0)[0]["overdue"] is False


#: What is wrong → in the example record, from and to; what is said of it.
WRONG = {
    "LS-NOBODY": (
        "accepted_by: performance-lead\n",
        "accepted_by: nobody-known\n",
        "nobody-known` is nobody of the register",
    ),
    "LS-NO-REASON": (
        r"why: >-\n( {6}.*\n)+",
        "why: null\n",
        "differences are accepted for a reason",
    ),
    "LS-TOO-MANY": ("differing: 3", "differing: 300", "more than `cells`"),
    "LS-NO-HASH": (r"file_sha256: \w+", "file_sha256: 5f0d", "file_sha256"),
    "LS-NO-TEAM": ("owner: team:performance", "owner: team:none", "stands in no"),
    "LS-OTHER-MART": (
        r"replaced_by: \[crime_by_month\]",
        "replaced_by: []",
        "`compared` names crime_by_month",
    ),
    "LS-NO-MART": (
        r"replaced_by: \[crime_by_month\]",
        "replaced_by: [crime_by_month, crime_by_moon]",
        "there is no mart crime_by_moon",
    ),
    "LS-RETIRED": (
        r"accepted_by: performance-lead\n    why: >-\n( {6}.*\n)+",
        "accepted_by: null\n    why: null\nstatus: retired\n",
        "no accepted comparison is on record with crime_by_month",
    ),
    # Not accepted yet, and not retired: nothing is wrong.
    "LS-WAITING": (
        r"accepted_by: performance-lead\n    why: >-\n( {6}.*\n)+",
        "accepted_by: null\n    why: null\n",
        None,
    ),
}


def test_what_the_register_cannot_rely_on_is_told_with_its_line(
    registered: Registered,
) -> None:
    good = registered.dashboard.read_text(encoding="utf-8")
    for name, (expression, by, _) in WRONG.items():
        text = good.replace("id: LS-CRIME-DASHBOARD", f"id: {name}")
        if name == "LS-RETIRED":
            text = text.replace("status: parallel\n", "")
        changed = re.sub(expression, by, text, count=1)
        assert changed != text, name
        path = registered.dashboard.with_name(f"{name}.yaml")
        path.write_text(changed, encoding="utf-8")
    found = registered.faults()
    for name, (_, _, said) in WRONG.items():
        own = [one for one in found if f"/{name}.yaml:" in one]
        if said is None:
            assert own == []
            continue
        (fault,) = own
        assert said in fault and re.match(r"/.+\.yaml:\d+: ", fault)


def _catalogue(home: Path, *arguments: str, status: int = 0) -> Any:
    done = CliRunner().invoke(
        app, ["catalogue", *arguments], env={"EDP_HOME": str(home), "COLUMNS": "200"}
    )
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == status, done.stdout + done.stderr
    return done


def test_the_catalogue_tells_every_data_set_and_mart(
    landed: Platform, tmp_path: Path
) -> None:
    everything = json.loads(_catalogue(landed.home, "--json").stdout)
    told = {one["name"]: one for one in everything}
    folders = {
        path.parent.name for path in PACKAGE.glob("defs/datasets/*/contract.yaml")
    }
    marts = (dbt_project_folder() / "models" / "marts").rglob("*.*")
    models = {path.stem for path in marts if path.suffix in (".py", ".sql")}
    assert set(told) == folders | models
    for one in told.values():
        for fact in ("title", "about", "purposes", "dpias", "columns", "retention"):
            assert one[fact], (one["name"], fact)
        assert one["owner"]["email"] and one["next_review"] and one["gate"] == "open"
        assert all(each["meaning"] for each in one["columns"]), one["name"]
    street = told["police_uk_street"]
    assert street["freshness"]["newest_month"] and street["freshness"]["landed_on"]
    mart = told["custody_by_month"]
    assert mart["classification"] == "criminal-offence" and mart["published"] is None
    assert {"kind": "data_set", "name": "custody_records"} in mart["lineage"]["up"]
    custody = told["custody_records"]["lineage"]["down"]
    assert {"kind": "mart", "name": "custody_by_month"} in custody
    nominals = {one["name"]: one for one in told["nominals"]["columns"]}
    assert nominals["surname"]["identifier_class"] == "direct"
    # Nothing that names a person reaches a mart.
    for name in models:
        classes = {each["identifier_class"] for each in told[name]["columns"]}
        assert "direct" not in classes, name

    shown = _catalogue(landed.home, "marts.crime_by_month").stdout
    for said in ("DPIA-STREET-CRIME", "edp access request", "not yet"):
        assert said in shown
    found = _catalogue(landed.home, "search", "ethnicity", "custody", "--json").stdout
    assert "custody_by_month" in [one["name"] for one in json.loads(found)]
    _catalogue(landed.home, "--html", str(tmp_path / "pages"))
    written = sorted((tmp_path / "pages").rglob("*.html"))
    assert len(written) == len(told) + 2
    for path in written:
        assert page_faults(path.read_text(encoding="utf-8")) == [], path
    _catalogue(landed.home, "crime_by_month", "--html", str(tmp_path / "x"), status=2)
    assert not (tmp_path / "x").exists()
