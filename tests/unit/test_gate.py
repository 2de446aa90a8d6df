"""The gate: each rule with a record that breaks it, asked of the code and of a door."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edp_platform.contracts import Contract, load_contract
from edp_platform.datasets import DataSet, DataSets
from edp_platform.governance.dpia import Dpia, Layer, load_dpia
from edp_platform.governance.gate import GateRefused, Refusal, examine
from edp_platform.home import Home
from edp_platform.ingestion.land import LandingOptions, land
from tests.landing_room import STREET, STREET_FILE, bytes_under, street_row, text

PACKAGE = Path(__file__).parents[2] / "edp_platform"
STREET_SET = PACKAGE / "defs" / "datasets" / "police_uk_street"
TODAY = date(2026, 3, 2)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract(STREET_SET / "contract.yaml")


@pytest.fixture(scope="module")
def dpia() -> Dpia:
    return load_dpia(STREET_SET / "dpia.yaml", TODAY)


@pytest.fixture(scope="module")
def parent() -> Dpia:
    return load_dpia(PACKAGE / "registers" / "dpia_platform.yaml", TODAY)


def asked(
    contract: Contract,
    dpia: Dpia,
    parent: Dpia | None,
    layer: Layer = "raw",
    today: date = TODAY,
    **more: Any,
) -> list[str]:
    refusals = examine(contract, dpia, parent, layer=layer, today=today, **more)
    for one in refusals:
        # What is missing, why it matters, what to do next.
        assert one.missing and one.why and one.next_step
    return [one.rule for one in refusals]


def scoped(dpia: Dpia, **changed: Any) -> Dpia:
    """Return the record with its scope, or its data set's part of it, changed."""
    assert dpia.scope is not None
    (one,) = dpia.scope.datasets
    inner = {
        name: changed.pop(name) for name in ("columns", "layers") if name in changed
    }
    changed["datasets"] = [one.model_copy(update=inner)]
    return dpia.model_copy(update={"scope": dpia.scope.model_copy(update=changed)})


def test_an_approved_record_in_date_opens_the_gate(
    contract: Contract, dpia: Dpia, parent: Dpia
) -> None:
    assert asked(contract, dpia, parent) == []


@pytest.mark.parametrize(
    ("status", "opens"),
    [
        ("approved", True),
        ("screening", False),
        ("draft", False),
        ("dpo_review", False),
        ("expired", False),
        ("withdrawn", False),
    ],
)
@pytest.mark.parametrize("whose", ["own", "parent"])
def test_only_an_approved_record_opens(
    contract: Contract, dpia: Dpia, parent: Dpia, status: str, opens: bool, whose: str
) -> None:
    changed = {"status": status}
    if whose == "own":
        dpia = dpia.model_copy(update=changed)
    else:
        parent = parent.model_copy(update=changed)
    assert asked(contract, dpia, parent) == ([] if opens else ["approved"])


@pytest.mark.parametrize(
    ("due", "opens"),
    [(TODAY - DAY, False), (TODAY, True), (TODAY + DAY, True)],
    ids=["due yesterday", "due today", "due tomorrow"],
)
@pytest.mark.parametrize("whose", ["own", "parent"])
def test_a_record_is_in_date_up_to_the_day_its_review_is_due(
    contract: Contract, dpia: Dpia, parent: Dpia, due: date, opens: bool, whose: str
) -> None:
    record = dpia if whose == "own" else parent
    review = record.review.model_copy(update={"due": due})
    record = record.model_copy(update={"review": review})
    pair = (record, parent) if whose == "own" else (dpia, record)
    assert asked(contract, *pair) == ([] if opens else ["in-date"])


@pytest.mark.parametrize(
    ("on", "opens"),
    [(TODAY, True), (TODAY + DAY, False)],
    ids=["signed today", "signed tomorrow"],
)
def test_a_signature_in_the_future_is_no_signature(
    contract: Contract, dpia: Dpia, parent: Dpia, on: date, opens: bool
) -> None:
    marks = [mark.model_copy(update={"on": on}) for mark in dpia.sign_off]
    signed = dpia.model_copy(update={"sign_off": marks})
    assert asked(contract, signed, parent) == ([] if opens else ["approved"])


def test_a_record_of_another_data_set_opens_nothing(
    contract: Contract, dpia: Dpia, parent: Dpia
) -> None:
    other = dpia.model_copy(update={"id": "DPIA-STOP-SEARCH"})
    assert asked(contract, other, parent) == ["dpia-present"]


@pytest.mark.parametrize("found", ["none", "another"])
def test_without_the_overarching_record_nothing_opens(
    contract: Contract, dpia: Dpia, parent: Dpia, found: str
) -> None:
    held = (
        parent.model_copy(update={"id": "DPIA-OTHER"}) if found == "another" else None
    )
    assert asked(contract, dpia, held) == ["overarching-dpia"]


@pytest.mark.parametrize(
    ("version", "opens"),
    [("1.0.0", True), ("1.9.3", True), ("2.0.0", False), ("0.9.0", False)],
)
def test_a_record_covers_one_major_version(
    contract: Contract, dpia: Dpia, parent: Dpia, version: str, opens: bool
) -> None:
    found = asked(replace(contract, version=version), dpia, parent)
    assert found == ([] if opens else ["contract-version"])


def test_a_record_of_another_contract_covers_nothing(
    contract: Contract, dpia: Dpia, parent: Dpia
) -> None:
    assert asked(replace(contract, id="other"), dpia, parent) == ["contract-version"]


def test_each_column_nobody_assessed_is_named(
    contract: Contract, dpia: Dpia, parent: Dpia
) -> None:
    assert dpia.scope is not None
    fewer = [name for name in dpia.scope.columns if name not in ("longitude", "force")]
    (refusal,) = examine(
        contract, scoped(dpia, columns=fewer), parent, layer="raw", today=TODAY
    )
    assert refusal.rule == "columns"
    assert "longitude, force" in refusal.missing
    # A door that reads fewer columns asks for fewer.
    assert asked(contract, scoped(dpia, columns=fewer), parent, columns=["month"]) == [
        "columns"
    ]
    assert asked(contract, scoped(dpia, columns=fewer), parent, columns=fewer) == []


@pytest.mark.parametrize("layer", ["raw", "staging", "mart", "publication", "sandbox"])
def test_a_layer_opens_only_where_it_is_written(
    contract: Contract, dpia: Dpia, parent: Dpia, layer: Layer
) -> None:
    assert asked(contract, scoped(dpia, layers=[layer]), parent, layer) == []
    others = [one for one in ("raw", "mart") if one != layer]
    assert asked(contract, scoped(dpia, layers=others), parent, layer) == ["layer"]
    assert asked(contract, scoped(dpia, layers=[]), parent, layer) == ["layer"]


def test_a_purpose_opens_only_where_it_is_written(
    contract: Contract, dpia: Dpia, parent: Dpia
) -> None:
    assert asked(contract, dpia, parent, purposes=["P-STATISTICS"]) == []
    assert asked(contract, dpia, parent, purposes=["P-FAIRNESS"]) == ["purpose"]
    assert asked(contract, scoped(dpia, purposes=[]), parent) == ["purpose"]


def test_a_use_case_opens_where_it_is_written_or_where_none_is(
    contract: Contract, dpia: Dpia, parent: Dpia
) -> None:
    assert asked(contract, dpia, parent, use_case="neighbourhood_crime") == []
    assert asked(contract, dpia, parent, use_case="facial_matching") == ["use-case"]
    anyone = scoped(dpia, use_cases=[])
    assert asked(contract, anyone, parent, use_case="facial_matching") == []


def test_a_record_without_scope_covers_nothing(
    contract: Contract, dpia: Dpia, parent: Dpia
) -> None:
    bare = dpia.model_copy(update={"scope": None})
    assert asked(contract, bare, parent) == ["scope"]


def test_every_reason_is_told_at_once(
    contract: Contract, dpia: Dpia, parent: Dpia
) -> None:
    worst = scoped(dpia, layers=[], purposes=[], columns=[]).model_copy(
        update={"status": "draft", "id": "X"}
    )
    assert asked(contract, worst, None) == [
        "dpia-present",
        "overarching-dpia",
        "approved",
        "columns",
        "layer",
        "purpose",
    ]


def test_a_refusal_says_that_nothing_was_written() -> None:
    error = GateRefused("one", [Refusal("rule", "This lacks.", "So.", "Do that.")])
    assert str(error) == (
        "one was refused, and nothing was written:\n  - This lacks. So. Do that."
    )


# ------------------------------------------------------- through the door of landing


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A copy of the street data set's folder, to change."""
    folder = tmp_path / "defs" / "datasets" / "police_uk_street"
    shutil.copytree(STREET_SET, folder)
    return folder


def _opened(own: Path, home: Home) -> DataSets:
    return DataSets.load(home, own.parents[1])


def _land(home: Home, data_sets: DataSets, folder: Path, on: date) -> Any:
    path = folder / STREET_FILE
    path.write_bytes(text(STREET, street_row(1)))
    now = datetime(on.year, on.month, on.day, 9, tzinfo=UTC)
    (outcome,) = land(home, data_sets, [str(path)], LandingOptions(), now)
    return outcome


def _written(home: Home) -> dict[str, bytes]:
    """Return every file of a home but the locks, which are empty."""
    found = bytes_under(home.root)
    return {name: content for name, content in found.items() if content}


def _change(path: Path, expression: str, by: str) -> None:
    before = path.read_text(encoding="utf-8")
    after = re.sub(expression, by, before)
    assert after != before
    path.write_text(after, encoding="utf-8")


CHANGES: list[tuple[str, str, str, str]] = [
    ("withdrawn", r"(?m)^  status: approved", "  status: withdrawn", "not approved"),
    ("due yesterday", r"due: \+\d+d", "due: -1d", "was due for review"),
    ("signed tomorrow", r"(role: \w+, by: [\w-]+, on: )-\d+d", r"\1+1d", "future"),
    ("a column uncovered", r"crime_type, ", "", "column crime_type"),
    ("the layer", r"layers: \[raw, ", "layers: [", "layer `raw`"),
    ("a purpose", r"(  purposes: \[)P-\w+, ", r"\1", "does not cover the purpose"),
    ("another id", r"(?m)^  id: .*", "  id: DPIA-OTHER", "DPIA-OTHER"),
    ("another major", r"contract_major: 1", "contract_major: 2", "version 2"),
    ("another parent", r"(?m)^  parent: .*", "  parent: DPIA-NONE", "not on record"),
    ("a word misspelt", r"(?m)^  necessity:", "  neccessity:", "misspelt"),
    ("dates relative, no example", r"(?m)^  example: true.*", "", "YYYY-MM-DD"),
    ("no YAML", r"(?m)^  id: ", "  id: [", "not valid YAML"),
    ("no signature", r"(?ms)^  sign_off:.*?(?=^  \w)", "", "signed"),
]


@pytest.mark.parametrize(
    ("expression", "by", "reason"),
    [case[1:] for case in CHANGES],
    ids=[case[0] for case in CHANGES],
)
def test_landing_refuses_and_writes_nothing(
    own: Path, tmp_path: Path, expression: str, by: str, reason: str
) -> None:
    _change(own / "dpia.yaml", expression, by)
    home = Home.open(TODAY, tmp_path / "home")
    data_sets = _opened(own, home)
    before = _written(home)
    outcome = _land(home, data_sets, tmp_path, TODAY)
    assert outcome.outcome == "refused"
    assert reason in outcome.reason
    assert _written(home) == before
    with pytest.raises(GateRefused):
        data_sets.by_name["police_uk_street"].pass_gate("raw", TODAY)


def test_landing_refuses_without_a_record_at_all(own: Path, tmp_path: Path) -> None:
    (own / "dpia.yaml").unlink()
    home = Home.open(TODAY, tmp_path / "home")
    outcome = _land(home, _opened(own, home), tmp_path, TODAY)
    assert outcome.outcome == "refused" and "the file is missing" in outcome.reason
    assert not home.landing.exists()


@pytest.mark.parametrize(
    ("expression", "by"),
    [
        (r"(?m)^  status: approved", "  status: withdrawn"),
        (r"due: \+\d+d", "due: -1d"),
        (r"(?m)^  id: .*", "  id: DPIA-OTHER"),
    ],
    ids=["withdrawn", "due yesterday", "another"],
)
def test_landing_refuses_when_the_overarching_record_is_not_in_force(
    own: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    expression: str,
    by: str,
) -> None:
    registers = tmp_path / "registers"
    shutil.copytree(PACKAGE / "registers", registers)
    monkeypatch.setenv("EDP_REGISTERS", str(registers))
    _change(registers / "dpia_platform.yaml", expression, by)
    home = Home.open(TODAY, tmp_path / "home")
    outcome = _land(home, _opened(own, home), tmp_path, TODAY)
    assert outcome.outcome == "refused"
    assert not home.landing.exists()


@pytest.mark.parametrize("first_used", [TODAY, date(2031, 3, 2), date(2036, 2, 29)])
def test_a_home_first_used_on_any_day_opens_that_day_and_shuts_when_the_year_is_out(
    own: Path, tmp_path: Path, first_used: date
) -> None:
    """Example records move with the home: the platform works on any day it is tried."""
    home = Home.open(first_used, tmp_path / "home")
    data_set = _opened(own, home).by_name["police_uk_street"]
    assert _land(home, _opened(own, home), tmp_path, first_used).outcome == "landed"
    due = data_set.dpia.review.due
    assert due > first_used
    assert data_set.refusals("raw", due) == ()
    shut = data_set.refusals("raw", due + DAY)
    assert {one.rule for one in shut} == {"in-date"}
    # Opened again later, the home keeps the day it was made.
    again = Home.open(first_used + 400 * DAY, tmp_path / "home")
    assert again.made_on == first_used


def test_every_data_set_of_the_package_opens_on_its_first_day(tmp_path: Path) -> None:
    home = Home.open(TODAY, tmp_path)
    loaded = DataSets.load(home)
    assert loaded.set_aside == ()
    for one in loaded.by_name.values():
        assert one.refusals("raw", TODAY) == (), one.name


def test_a_folder_that_cannot_be_loaded_is_set_aside_and_the_others_go_on(
    own: Path, tmp_path: Path
) -> None:
    def copy(name: str) -> Path:
        target = own.parent / name
        shutil.copytree(own, target)
        return target

    _change(copy("bad_yaml") / "contract.yaml", r"(?m)^id: .*", "id: [")
    reader = copy("bad_reader")
    _change(reader / "defs.yaml", "police_uk_csv", "parquet_of_tomorrow")
    _change(reader / "contract.yaml", r"(?m)^id: .*", "id: other")
    (copy("no_defs") / "defs.yaml").unlink()
    (copy("no_reader") / "defs.yaml").write_text("type: x\n", encoding="utf-8")
    home = Home.open(TODAY, tmp_path / "home")
    loaded = _opened(own, home)
    assert set(loaded.by_name) == {"police_uk_street"}
    errors = {one.name: one.error for one in loaded.set_aside}
    assert "not valid YAML" in errors["bad_yaml"]
    assert "no reader" in errors["bad_reader"]
    assert "missing" in errors["no_defs"]
    assert "`reader` is not answered" in errors["no_reader"]
    one = loaded.by_name["police_uk_street"]
    assert isinstance(one, DataSet) and one.refusals("raw", TODAY) == ()


@pytest.mark.parametrize("name", ["a_newcomer", "the_newcomer"])
def test_of_two_folders_with_one_contract_id_neither_wins(
    own: Path, tmp_path: Path, name: str
) -> None:
    """Before or behind by its name: the alphabet does not say whose data it is."""
    shutil.copytree(own, own.parent / name)
    loaded = _opened(own, Home.open(TODAY, tmp_path / "home"))
    assert loaded.by_name == {}
    errors = {one.name: one.error for one in loaded.set_aside}
    assert set(errors) == {name, "police_uk_street"}
    assert name in errors["police_uk_street"]
    assert "police_uk_street" in errors[name]
    assert all("already that of" in error for error in errors.values())
