"""`edp governance`, the registers' commands and `edp people`, over real folders."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import edp_platform
from edp_platform.cli import app
from edp_platform.commands.console import out
from edp_platform.home import Home
from edp_platform.yaml_source import load_yaml
from tests.supplier_reviewed import put_decision

from .conftest import Platform

pytestmark = pytest.mark.doors

PACKAGE = Path(edp_platform.__file__).parent
TODAY = date.today()


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it told."""

    returncode: int
    stdout: str
    stderr: str


class Governed(Platform):
    """A home first used today, with defs and registers of its own.

    The first sprint of the use case that has a supplier was theirs, and was decided on.
    """

    def edp(self, *arguments: str, timeout: float = 300) -> Any:
        """Run one command in this process: it is the command line, without its start."""
        variables = {**self.environment, "EDP_HOME": str(self.home), "COLUMNS": "200"}
        done = CliRunner().invoke(app, list(arguments), env=variables)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Done(done.exit_code, done.stdout, done.stderr)

    @property
    def defs(self) -> Path:
        return Path(self.environment["EDP_DEFS"])

    @property
    def registers(self) -> Path:
        return Path(self.environment["EDP_REGISTERS"])

    @property
    def street(self) -> Path:
        return self.defs / "datasets" / "police_uk_street" / "dpia.yaml"

    def told(self, *arguments: str, status: int) -> Any:
        done = self.edp(*arguments, "--json")
        assert done.returncode == status, done.stdout + done.stderr
        return json.loads(done.stdout)

    def check(self) -> list[str]:
        """Return the faults, each `file:line: …`, having seen the exit status."""
        done = self.edp("governance", "check", "--json")
        found: list[str] = json.loads(done.stdout)["faults"]
        assert done.returncode == (1 if found else 0)
        for fault in found:
            assert re.match(r"/.+\.yaml:\d+: ", fault), fault
        return found


@pytest.fixture
def governed(tmp_path: Path) -> Governed:
    for name in ("defs", "registers"):
        shutil.copytree(PACKAGE / name, tmp_path / name)
    put_decision(tmp_path / "defs", tmp_path / "registers", TODAY)
    environment = {
        "EDP_DEFS": str(tmp_path / "defs"),
        "EDP_REGISTERS": str(tmp_path / "registers"),
    }
    home = tmp_path / "home"
    Home.open(TODAY, home)
    return Governed(home, tmp_path / "none", environment)


def _change(path: Path, expression: str, by: str) -> None:
    text = path.read_text(encoding="utf-8")
    changed = re.sub(expression, by, text, count=1)
    assert changed != text, path
    path.write_text(changed, encoding="utf-8")


# ------------------------------------------------------------------------------- check


def test_a_use_that_no_dpia_covers_is_told_before_any_run(governed: Governed) -> None:
    """A purpose of the use case, and a mart without a word on equality."""
    assert governed.check() == []
    folder = governed.defs / "demand"
    _change(folder / "defs.yaml", r"purposes: \[.*\]", "purposes: [P-LE-CRIME]")
    _change(folder / "use_case.yaml", "- name: calls_by_hour\n", "- name: other\n")
    found = governed.check()
    assert any("demand/defs.yaml" in one and "rule 4" in one for one in found)
    assert any("rule 47: The product calls_by_hour" in one for one in found)


# ------------------------------------------------------------------------------ status


def test_status_tells_every_data_set_and_use_case(governed: Governed) -> None:
    told = governed.told("governance", "status", status=0)
    assert set(told) == {"data_sets", "use_cases", "overdue"}
    assert told["overdue"] == []
    names = {
        path.parent.name for path in governed.defs.glob("datasets/*/contract.yaml")
    }
    assert {one["name"] for one in told["data_sets"]} == names
    for one in told["data_sets"]:
        for fact in ("owner", "regime", "dpia", "dpia_review_due", "retention_rule"):
            assert one[fact], (one["name"], fact)
        assert one["gate"] == "open" and one["dpia_status"] == "approved"
    use_cases = {one["name"]: one for one in told["use_cases"]}
    one = use_cases["performance_framework"]
    assert one["stage"] == "evolve" and one["eqia"] == "EQIA-PERFORMANCE-FRAMEWORK"
    assert one["supplier_review"]["decision"] == "continue"
    sprint = one["sprint"]
    assert sprint["number"] == 2 and sprint["budget_pounds"] > sprint["spent_pounds"]
    assert 0 < sprint["actual_days"] <= sprint["planned_days"]
    # Once as a person runs it, in a process of its own.
    shown = Platform.edp(governed, "governance", "status")
    assert shown.returncode == 0
    for word in ("police_uk_street", "performance_framework", "Nothing is overdue"):
        assert word in shown.stdout


@pytest.mark.parametrize("width", [80, 200])
def test_status_shows_every_fact_whole_on_a_screen_of_any_width(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr(out, "width", width)
    told = governed.told("governance", "status", status=0)
    shown = governed.edp("governance", "status").stdout
    assert max(len(line) for line in shown.splitlines()) <= width
    for one in told["data_sets"]:
        for fact in ("name", "owner", "regime", "stage", "dpia", "retention_rule"):
            assert one[fact] and one[fact] in shown, (one["name"], fact)
    blocks = shown[shown.index("Use cases") :]
    for one in told["use_cases"]:
        for fact in (*one["dpias"], *one["retention_rules"], one["stage"], one["eqia"]):
            assert fact in blocks, (one["name"], fact)
    table = "┃ kept by" in shown
    assert table is (width == 200)


def test_status_says_what_is_overdue_and_whose(governed: Governed) -> None:
    _change(governed.street, r"due: \+\d+d", "due: -1d")
    (governed.registers / "supplier_reviews" / "SR-01.yaml").unlink()
    (governed.registers / "platform_reviews" / "PR-01.yaml").unlink()
    use_case = governed.defs / "performance_framework"
    _change(use_case / "eqia.yaml", r"due: \+\d+d", "due: -1d")
    _change(use_case / "use_case.yaml", r"(?s)      acceptance:.*?accepted\}?\n", "")
    told = governed.told("governance", "status", status=1)
    found = {(one["kind"], one["name"]) for one in told["overdue"]}
    assert found >= {
        ("dpia", "DPIA-STREET-CRIME"),
        ("eqia", "EQIA-PERFORMANCE-FRAMEWORK"),
        ("supplier_review", "performance_framework sprint 1"),
        ("platform_review", "neighbourhood_crime sprint 1"),
        ("acceptance", "performance_framework sprint 1"),
    }
    (late,) = [one for one in told["overdue"] if one["kind"] == "dpia"]
    assert late["owner"] == "team:crime-data"
    assert late["since"] == (TODAY - timedelta(days=1)).isoformat()
    shown = governed.edp("governance", "status")
    assert shown.returncode == 1
    assert "overdue" in shown.stdout and "DPIA-STREET-CRIME" in shown.stdout


@pytest.mark.parametrize(
    ("days", "notice"),
    [(91, ""), (90, "90 days"), (31, "90 days"), (30, "30 days"), (7, "7 days")],
)
def test_a_review_is_announced_90_30_and_7_days_before(
    governed: Governed, days: int, notice: str
) -> None:
    _change(governed.street, r"due: \+\d+d", f"due: +{days}d")
    told = governed.told("governance", "status", status=0)
    (one,) = [one for one in told["data_sets"] if one["name"] == "police_uk_street"]
    assert one["dpia_notice"] == notice
    due = governed.told("dpia", "due", status=0)
    assert ("DPIA-STREET-CRIME" in {one["id"] for one in due}) is bool(notice)


def test_a_folder_set_aside_is_overdue(governed: Governed) -> None:
    _change(governed.defs / "neighbourhood_crime" / "defs.yaml", "title: .*", "title:")
    told = governed.told("governance", "status", status=1)
    assert "set_aside" in {one["kind"] for one in told["overdue"]}


# ------------------------------------------------------------------------------- check


def test_check_passes_what_ships(governed: Governed) -> None:
    assert governed.check() == []


BROKEN: dict[str, tuple[str, str, str, str]] = {
    "a grant for nobody": (
        "registers/grants/G-OPERATOR.yaml",
        "person: operator",
        "person: operater",
        "operater is neither on the register of people nor one of a supplier's",
    ),
    "a grant of no mart": (
        "registers/grants/G-OPERATOR.yaml",
        'marts: \\["\\*"\\]',
        "marts: [crime_by_mouth]",
        "there is no mart crime_by_mouth",
    ),
    "a grant for no purpose": (
        "registers/grants/G-OPERATOR.yaml",
        "purposes: .*",
        "purposes: [P-NONE]",
        "P-NONE is no purpose of the register",
    ),
    "a misspelt field": (
        "registers/purposes/P-DEMAND.yaml",
        "meaning:",
        "meening:",
        "`meening` is not a field of this purpose",
    ),
    "a blank": (
        "registers/suppliers/SUP-NORTHGATE.yaml",
        "data_class: open",
        "data_class:",
        "Write what they may see",
    ),
    "another's id": (
        "registers/problem_book/PB-02.yaml",
        "id: PB-02",
        "id: PB-01",
        "named after its id",
    ),
    "a relative date, signed for real": (
        "registers/retention_schedule/G1.yaml",
        "example: true.*",
        "",
        "is relative",
    ),
    "an unconfirmed date": (
        "registers/retention_schedule/G1.yaml",
        "confirmed_by: records-manager",
        "confirmed_by: null",
        "stated together",
    ),
    "nobody of the register": (
        "registers/teams/crime-data.yaml",
        "lead: crime-data-lead",
        "lead: somebody",
        "`somebody` is nobody of the register",
    ),
    "no YAML": (
        "registers/prices.yaml",
        "id: ",
        "id: [",
        "not valid YAML",
    ),
    "a reviewer who led": (
        "registers/supplier_reviews/SR-01.yaml",
        "reviewer: commercial-lead",
        "reviewer: performance-lead",
        "rule 22",
    ),
    "a decision on the pack of nothing": (
        "registers/supplier_reviews/SR-01.yaml",
        "evidence: [0-9a-f]+",
        "evidence: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "its evidence pack is not kept in",
    ),
    "a decision before the sprint was over": (
        "registers/supplier_reviews/SR-01.yaml",
        "'on': .*",
        f"'on': '{TODAY - timedelta(days=41)}'",
        "a sprint is reviewed at its end",
    ),
    "a decision about no use case": (
        "registers/supplier_reviews/SR-01.yaml",
        "use_case: performance_framework",
        "use_case: no_such",
        "there is no use case no_such",
    ),
    "a data set's DPIA of another kind": (
        "defs/datasets/police_uk_street/dpia.yaml",
        "kind: dataset",
        "kind: overarching",
        "`kind` is overarching",
    ),
    "true for a number": (
        "defs/datasets/police_uk_street/dpia.yaml",
        "contract_major: 1",
        "contract_major: true",
        "Input should be a valid integer",
    ),
    "a day for a version": (
        "defs/datasets/police_uk_street/dpia.yaml",
        "version: 1.0.0",
        "version: 2026-13-45",
        "`version`",
    ),
    "a contract's misspelt property": (
        "defs/datasets/police_uk_street/contract.yaml",
        "classification:",
        "classificaton:",
        "classificaton",
    ),
    "a contract's unknown rule": (
        "defs/datasets/police_uk_street/contract.yaml",
        "value: PUBLISHED-STATISTICS",
        "value: NO-SUCH",
        "rule 15",
    ),
    "a DPIA withdrawn": (
        "defs/datasets/police_uk_street/dpia.yaml",
        "status: approved",
        "status: withdrawn",
        "rule 2",
    ),
    "a DPIA signed by its author": (
        "defs/datasets/police_uk_street/dpia.yaml",
        "author: crime-data-lead",
        "author: iao-crime",
        "rule 8",
    ),
    "a DPIA advised by an owner": (
        "defs/datasets/police_uk_street/dpia.yaml",
        "by: dpo",
        "by: siro",
        "not the data protection officer",
    ),
    "a model under no DPIA": (
        "registers/model_records/MR-LINKAGE.yaml",
        "DPIA-NOMINALS",
        "DPIA-NONE",
        "the DPIA DPIA-NONE is not on record",
    ),
    "a DPIA with an EqIA there is not": (
        "defs/datasets/nominals/dpia.yaml",
        "(?m)^  retention_rule:",
        "  eqia_ref: EQIA-NONE\n  retention_rule:",
        "the EqIA EQIA-NONE is not on record",
    ),
    "a use case's stage": (
        "defs/performance_framework/defs.yaml",
        "stage: evolve",
        "stage: embed",
        "rule 45",
    ),
    "a use case's purpose": (
        "defs/performance_framework/defs.yaml",
        "P-FAIRNESS",
        "P-NONE",
        "stands in no register",
    ),
    "an EqIA without a characteristic": (
        "defs/performance_framework/eqia.yaml",
        r"(?ms)^    race:\n.*?(?=^    religion)",
        "",
        "rule 36",
    ),
    "a few aliases that stand for a thousand million words": (
        "defs/datasets/police_uk_street/dpia.yaml",
        r"(?s).*",
        "a: &a [x, x, x, x, x, x, x, x, x]\\n"
        + "".join(
            f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\\n"
            for before, name in pairwise("abcdefghij")
        )
        + "dpia: *j\\n",
        "Write the words out",
    ),
    "an alias in a contract": (
        "defs/datasets/police_uk_street/contract.yaml",
        "description:",
        "x: &x [1]\\ndescription:",
        "Write the words out",
    ),
    "brackets without end": (
        "registers/purposes/P-DEMAND.yaml",
        "meaning:.*",
        f"meaning: {'[' * 5000}{']' * 5000}",
        "nested more than 50 deep",
    ),
    "a record that is one number": (
        "defs/datasets/police_uk_street/dpia.yaml",
        r"(?s).*",
        "dpia: 5\\n",
        "`dpia` holds no names and values",
    ),
    "a use case's attributes that are none": (
        "defs/performance_framework/defs.yaml",
        r"(?s)attributes:.*",
        "attributes: 5\\n",
        "`attributes` holds no names and values",
    ),
    "a data set's attributes that are none": (
        "defs/datasets/police_uk_street/defs.yaml",
        r"(?s)attributes:.*",
        "attributes: 5\\n",
        "`attributes` holds no names and values",
    ),
    "a DPIA that is its own parent": (
        "defs/datasets/police_uk_street/dpia.yaml",
        "parent: DPIA-PLATFORM",
        "parent: DPIA-STREET-CRIME",
        "is the record itself",
    ),
    "a budget that is no number": (
        "defs/performance_framework/use_case.yaml",
        r"budget_pounds: \d+",
        "budget_pounds: .nan",
        "finite number",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_check_names_each_fault_with_its_file_and_line(
    governed: Governed, case: str
) -> None:
    place, expression, by, said = BROKEN[case]
    path = governed.defs.parent / place
    _change(path, expression, by)
    if case == "a use case's stage":
        path = path.with_name("use_case.yaml")  # what is missing is missing there
    found = governed.check()
    own = [fault for fault in found if fault.startswith(f"{path}:")]
    assert own, found
    assert any(said in fault for fault in own), own


@pytest.mark.parametrize(
    "place",
    [
        "defs/datasets/police_uk_street/defs.yaml",
        "defs/datasets/police_uk_street/contract.yaml",
        "defs/datasets/police_uk_street/dpia.yaml",
        "defs/performance_framework/eqia.yaml",
        "registers/purposes/P-DEMAND.yaml",
        "registers/dpia_platform.yaml",
    ],
)
@pytest.mark.parametrize("instead", ["a folder", "UTF-16", "nothing"])
def test_check_goes_on_where_a_file_is_none(
    governed: Governed, place: str, instead: str
) -> None:
    path = governed.defs.parent / place
    text = path.read_text(encoding="utf-8")
    path.unlink()
    if instead == "a folder":
        path.mkdir()
    elif instead == "UTF-16":
        path.write_text(text, encoding="utf-16")
    found = "\n".join(governed.check())
    for machine_talk in ("codec", "Errno", "Traceback"):
        assert machine_talk not in found
    if instead != "nothing":
        assert f"{path}:1: " in found


def test_a_use_case_whose_declaration_is_a_folder_stops_nobody(
    governed: Governed,
) -> None:
    path = governed.defs / "performance_framework" / "defs.yaml"
    path.unlink()
    path.mkdir()
    told = governed.told("governance", "status", status=0)
    assert "neighbourhood_crime" in {one["name"] for one in told["use_cases"]}


def test_check_names_the_very_line(governed: Governed) -> None:
    path = governed.registers / "purposes" / "P-DEMAND.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    at = next(i for i, line in enumerate(lines, 1) if line.startswith("regime:"))
    _change(path, "regime: part2", "regime: part4")
    (fault,) = [one for one in governed.check() if one.startswith(str(path))]
    assert fault.startswith(f"{path}:{at}: `regime`")


# ------------------------------------------------------------- new, show, due and diff


def test_a_dpia_is_begun_from_its_contract(governed: Governed) -> None:
    path = governed.defs / "datasets" / "custody_records" / "dpia.yaml"
    kept = governed.edp("dpia", "new", "custody_records")
    assert kept.returncode == 2 and "nothing there was changed" in kept.stderr
    path.unlink()
    assert governed.edp("dpia", "new", "custody_records").returncode == 0
    text = path.read_text(encoding="utf-8")
    for known in ("DPIA-CUSTODY", "RRD-PERSON", "detention_authorised_at", "s38:"):
        assert known in text
    blanks = [line for _, line in load_yaml(path).blanks()]
    found = [one for one in governed.check() if one.startswith(f"{path}:")]
    assert sorted(int(one.split(":")[1]) for one in found) == blanks
    assert all("Write " in one for one in found)


@pytest.mark.parametrize(
    ("kind", "folder"),
    [
        ("supplier", "suppliers"),
        ("review", "supplier_reviews"),
        ("problem", "problem_book"),
        ("model", "model_records"),
    ],
)
def test_a_record_is_begun_with_every_question(
    governed: Governed, kind: str, folder: str
) -> None:
    assert governed.edp(kind, "new", "NEW-1").returncode == 0
    path = governed.registers / folder / "NEW-1.yaml"
    blanks = load_yaml(path).blanks()
    assert len(blanks) > 5
    found = [one for one in governed.check() if one.startswith(f"{path}:")]
    assert [int(one.split(":")[1]) for one in found] == [line for _, line in blanks]
    assert all("Write " in one for one in found)
    again = governed.edp(kind, "new", "NEW-1")
    assert again.returncode == 2


@pytest.mark.parametrize("kind", ["eqia", "use-case", "dpia"])
def test_a_use_cases_records_are_begun_in_its_folder(
    governed: Governed, kind: str
) -> None:
    folder = governed.defs / "warehouse"
    name = {"eqia": "eqia.yaml", "use-case": "use_case.yaml", "dpia": "dpia.yaml"}[kind]
    (folder / name).unlink(missing_ok=True)
    assert governed.edp(kind, "new", "warehouse").returncode == 0
    assert load_yaml(folder / name).blanks()
    nowhere = governed.edp(kind, "new", "no_such_use_case")
    assert nowhere.returncode == 2 and "edp new use-case" in nowhere.stderr


def test_show_tells_the_record_and_what_refuses_it(governed: Governed) -> None:
    told = governed.told("dpia", "show", "police_uk_street", status=0)
    assert told["record"]["id"] == "DPIA-STREET-CRIME" and told["refusals"] == []
    assert governed.told("dpia", "show", "DPIA-STREET-CRIME", status=0) == told
    _change(governed.street, "status: approved", "status: expired")
    told = governed.told("dpia", "show", "police_uk_street", status=1)
    assert told["refusals"][0].startswith("rule 2: ")
    for kind, name in (
        ("eqia", "warehouse"),
        ("use-case", "warehouse"),
        ("supplier", "SUP-NORTHGATE"),
        ("problem", "PB-01"),
        ("model", "MR-LINKAGE"),
        ("dpia", "platform"),
    ):
        assert governed.told(kind, "show", name, status=0)["refusals"] == []
    absent = governed.edp("supplier", "show", "SUP-NONE")
    assert absent.returncode == 2 and "SUP-NORTHGATE" in absent.stderr


def test_due_lists_the_soonest_first_and_fails_when_overdue(governed: Governed) -> None:
    assert governed.told("eqia", "due", status=0) == []
    _change(governed.street, r"due: \+\d+d", "due: +20d")
    outcomes = governed.defs / "datasets" / "police_uk_outcomes" / "dpia.yaml"
    _change(outcomes, r"due: \+\d+d", "due: -2d")
    due = governed.told("dpia", "due", status=1)
    assert [(one["id"], one["days"], one["notice"]) for one in due] == [
        ("DPIA-OUTCOMES", -2, "overdue"),
        ("DPIA-STREET-CRIME", 20, "30 days"),
    ]
    assert len(governed.told("dpia", "due", "--within", "0", status=1)) == 1


def _git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A Writer", "-c", "user.email=writer@force.example")
    subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True
    )


def test_diff_tells_who_changed_a_record_and_how(governed: Governed) -> None:
    alone = governed.edp("dpia", "diff", "police_uk_street")
    assert alone.returncode == 1 and "not under version control" in alone.stderr
    root = governed.defs.parent
    _git(root, "init", "--quiet")
    unknown = governed.edp("dpia", "diff", "police_uk_street")
    assert unknown.returncode == 1 and "never committed" in unknown.stderr
    _git(root, "add", "defs", "registers")
    _git(root, "commit", "--quiet", "-m", "Records as signed")
    _change(governed.street, "version: 1.0.0", "version: 1.1.0")
    waiting = governed.edp("dpia", "diff", "police_uk_street")
    assert "not committed yet" in waiting.stdout
    _git(root, "commit", "--quiet", "-a", "-m", "Reviewed after the delivery")
    done = governed.edp("dpia", "diff", "police_uk_street")
    assert done.returncode == 0
    for word in ("A Writer", "Reviewed after the delivery", "+  version: 1.1.0"):
        assert word in done.stdout
    since = governed.edp("dpia", "diff", "police_uk_street", "--since", "HEAD~1")
    assert "-  version: 1.0.0" in since.stdout and "A Writer" not in since.stdout


# --------------------------------------------------------------------------- extending


def _extend(governed: Governed, by: str = "siro", days: str = "14") -> Any:
    reason = "The lead is ill: back on Monday."
    return governed.edp(
        *("dpia", "extend", "police_uk_street", "--by", by, "--days", days),
        *("--reason", reason),
    )


def test_rule_02_passes_once_the_senior_risk_owner_put_the_review_off(
    governed: Governed,
) -> None:
    early = _extend(governed)
    assert early.returncode == 1 and "which has not come" in early.stderr
    _change(governed.street, r"due: \+\d+d", "due: -3d")
    comment = "# the made-up sample force"
    assert comment in governed.street.read_text(encoding="utf-8")
    assert governed.told("dpia", "show", "police_uk_street", status=1)["refusals"]
    done = _extend(governed)
    assert done.returncode == 0, done.stderr
    text = governed.street.read_text(encoding="utf-8")
    assert comment in text and "The lead is ill" in text
    told = governed.told("dpia", "show", "police_uk_street", status=0)
    granted = told["record"]["review"]["extension"]
    assert granted["by"] == "siro" and granted["on"] == TODAY.isoformat()
    assert granted["until"] == (TODAY + timedelta(days=11)).isoformat()
    status = governed.told("governance", "status", status=0)
    (one,) = [one for one in status["data_sets"] if one["name"] == "police_uk_street"]
    assert one["dpia_notice"] == "extended"
    twice = _extend(governed)
    assert twice.returncode == 1 and "once already" in twice.stderr


@pytest.mark.parametrize(
    ("by", "days", "late", "said"),
    [
        ("iao-crime", "14", 3, "not the senior information risk owner"),
        ("nobody", "14", 3, "not the senior information risk owner"),
        ("siro", "15", 3, "14"),
        ("siro", "14", 15, "at most"),
    ],
)
def test_rule_02_refuses_an_extension_by_others_or_too_long(
    governed: Governed, by: str, days: str, late: int, said: str
) -> None:
    _change(governed.street, r"due: \+\d+d", f"due: -{late}d")
    before = governed.street.read_bytes()
    done = _extend(governed, by, days)
    assert done.returncode != 0 and said in done.stderr
    assert governed.street.read_bytes() == before


# ------------------------------------------------------------------------ people leave


def test_who_leaves_hands_over_what_they_owned_and_nothing_they_did(
    governed: Governed,
) -> None:
    team = governed.registers / "teams" / "crime-data.yaml"
    path = governed.defs / "neighbourhood_crime" / "use_case.yaml"
    _change(team, r"lead: crime-data-lead", "lead: crime-data-lead  # since May")
    before = load_yaml(path).data["use_case"]
    assert [one["project_lead"] for one in before["sprints"]] == 2 * ["crime-data-lead"]
    done = governed.edp(
        "people", "leave", "crime-data-lead", "--to", "stop-search-lead"
    )
    assert done.returncode == 0, done.stderr
    assert "lead: stop-search-lead  # since May" in team.read_text(encoding="utf-8")
    after = load_yaml(path).data["use_case"]
    # The sprint that is over was theirs; the one under way is handed over.
    assert [one["project_lead"] for one in after["sprints"]] == [
        "crime-data-lead",
        "stop-search-lead",
    ]
    dpia = load_yaml(governed.street).data["dpia"]
    assert dpia["author"] == "crime-data-lead"
    person = governed.registers / "people" / "crime-data-lead.yaml"
    assert load_yaml(person).data["left"] == TODAY.isoformat()
    assert governed.check() == []
    assert governed.told("governance", "status", status=0)["overdue"] == []


def test_what_nobody_owns_is_overdue(governed: Governed) -> None:
    person = governed.registers / "people" / "crime-data-lead.yaml"
    person.write_text(
        person.read_text(encoding="utf-8") + f"left: {TODAY}\n", encoding="utf-8"
    )
    told = governed.told("governance", "status", status=1)
    names = {one["name"] for one in told["overdue"] if one["kind"] == "owner"}
    assert {"team:crime-data", "police_uk_street", "neighbourhood_crime"} <= names
    assert all(
        one["owner"] is None for one in told["overdue"] if one["kind"] == "owner"
    )


def test_owners_by_e_mail_are_handed_over(governed: Governed) -> None:
    people = governed.registers / "people"
    for name in ("crime-data-lead", "stop-search-lead"):
        path = people / f"{name}.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(f"{text}email: {name}@force.example\n", encoding="utf-8")
    contract = governed.street.with_name("contract.yaml")
    _change(contract, '"team:crime-data"', "crime-data-lead@force.example")
    assert governed.check() == []
    done = governed.edp(
        "people", "leave", "crime-data-lead", "--to", "stop-search-lead"
    )
    assert done.returncode == 0, done.stderr
    assert "stop-search-lead@force.example" in contract.read_text(encoding="utf-8")
    told = governed.told("governance", "status", status=0)
    (one,) = [one for one in told["data_sets"] if one["name"] == "police_uk_street"]
    assert one["owner"] == "stop-search-lead@force.example"


@pytest.mark.parametrize(
    ("leaver", "to", "said"),
    [
        ("nobody", "siro", "nobody of the register"),
        ("crime-data-lead", "nobody", "nobody of the register"),
        ("crime-data-lead", "crime-data-lead", "to themselves"),
        ("siro", "dpo", "rule 8: "),
        ("crime-data-lead", "iao-crime", "rule 8: "),
    ],
)
def test_nothing_is_handed_over_to_or_by_nobody(
    governed: Governed, leaver: str, to: str, said: str
) -> None:
    before = {path: path.read_bytes() for path in governed.registers.rglob("*.yaml")}
    done = governed.edp("people", "leave", leaver, "--to", to)
    assert done.returncode == 1 and said in done.stderr
    after = {path: path.read_bytes() for path in governed.registers.rglob("*.yaml")}
    assert after == before
