"""The DPIA record: what a person signed, read strictly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from edp_platform.governance.dates import resolve_date
from edp_platform.governance.dpia import DpiaInvalid, load_dpia
from edp_platform.governance.records.dpia import Kind

MADE_ON = date(2026, 3, 2)

FULL = """\
dpia:
  id: DPIA-MADE
  kind: dataset
  parent: DPIA-PLATFORM
  version: 1.0.0
  status: approved
  author: the-author
  screening: {needed: true, triggers: [large_scale]}
  regimes:
    - {regime: part2, purpose_id: P-STATISTICS, art6: e}
  scope:
    datasets:
      - {contract: made.one, contract_major: 1, columns: [a, b], layers: [raw]}
    purposes: [P-STATISTICS]
  necessity: {test: it is needed, less_intrusive_options: none will do}
  risks:
    - {harm: something, likelihood: remote, severity: minimal, residual: low}
  dpo_advice: {outcome: accepted, by: the-dpo, on: 2026-01-01}
  sign_off:
    - {role: information_asset_owner, by: the-owner, on: 2026-01-02}
  review: {due: 2026-12-31}
"""


def written(path: Path, change: Callable[[dict[str, Any]], Any] | None = None) -> Path:
    record = yaml.load(FULL, Loader=yaml.BaseLoader)["dpia"]
    record["screening"]["needed"] = True
    record["scope"]["datasets"][0]["contract_major"] = 1
    if change:
        change(record)
    text = yaml.safe_dump({"dpia": record}, sort_keys=False)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_whole_record_is_read(tmp_path: Path) -> None:
    dpia = load_dpia(written(tmp_path / "dpia.yaml"), MADE_ON)
    assert dpia.review.due == date(2026, 12, 31)
    assert dpia.scope is not None and dpia.scope.columns == ["a", "b"]
    assert dpia.sign_off[0].on == date(2026, 1, 2)


@pytest.mark.parametrize("kind", ["overarching", "use_case"])
def test_a_record_of_another_kind_is_refused_where_it_stands(
    tmp_path: Path, kind: Kind
) -> None:
    def change(record: dict[str, Any]) -> None:
        record.update(kind=kind, relies_on=["DPIA-OTHER"])

    path = written(tmp_path / "dpia.yaml", change)
    assert load_dpia(path, MADE_ON, kind).kind == kind
    with pytest.raises(DpiaInvalid, match=rf"{path}:3: `kind` is {kind}"):
        load_dpia(path, MADE_ON, "dataset")


def _set(*keys: Any) -> Callable[[dict[str, Any]], None]:
    """Return a change: the last of `keys` is set at the place the others name."""
    *place, name, value = keys

    def change(record: Any) -> None:
        for key in place:
            record = record[key]
        record[name] = value

    return change


def _drop(*keys: Any) -> Callable[[dict[str, Any]], None]:
    *place, name = keys

    def change(record: Any) -> None:
        for key in place:
            record = record[key]
        del record[name]

    return change


BROKEN: list[tuple[str, Callable[[dict[str, Any]], None], str]] = [
    (
        "misspelt",
        _set("sing_off", []),
        "`sing_off` is not a field of this DPIA; is it misspelt?",
    ),
    (
        "misspelt inside",
        _set("scope", "colums", ["a"]),
        "`scope.colums` is not a field",
    ),
    ("no scope", _drop("scope"), "states its `scope`"),
    ("no parent", _drop("parent"), "`parent`"),
    ("its own parent", _set("parent", "DPIA-MADE"), "is the record itself"),
    ("a version", _set("version", "2026-13-45"), "`version`: "),
    (
        "true for a number",
        _set("scope", "datasets", 0, "contract_major", True),
        "`scope.datasets.0.contract_major`: Input should be a valid integer",
    ),
    (
        "words for true",
        _set("screening", "needed", "yes"),
        "`screening.needed`: Input should be a valid boolean",
    ),
    ("no review", _drop("review"), "`review` is not answered"),
    ("no due date", _drop("review", "due"), "`review.due` is not answered"),
    ("no regimes", _set("regimes", []), "`regimes`"),
    ("no necessity", _drop("necessity"), "`necessity`"),
    ("no risks", _drop("risks"), "`risks`"),
    ("approved and unsigned", _drop("sign_off"), "is signed"),
    ("signed by its author", _set("author", "the-owner"), "separation of duty"),
    ("advised by its author", _set("author", "the-dpo"), "neither author nor signer"),
    (
        "advised by its signer",
        _set("dpo_advice", "by", "the-owner"),
        "neither author nor signer",
    ),
    ("no such status", _set("status", "aproved"), "status"),
    (
        "no such layer",
        _set("scope", "datasets", 0, "layers", ["marts"]),
        "scope.datasets.0.layers.0",
    ),
    ("no data set", _set("scope", "datasets", []), "covers one data set"),
    (
        "people asked, nobody named",
        _set("consultation", {"done": True}),
        "write whom in `with`",
    ),
    (
        "nobody asked, no reason",
        _set("consultation", {"done": False}),
        "write why in `or_reason_not`",
    ),
    ("no such regime", _set("regimes", 0, "regime", "part4"), "regimes.0.regime"),
    ("no such residual", _set("risks", 0, "residual", "none"), "risks.0.residual"),
    ("no date", _set("review", "due", "soon"), "is not a date"),
    ("a day that is none", _set("review", "due", "2026-02-30"), "is not a date"),
    ("a relative date, signed for real", _set("review", "due", "+365d"), "is relative"),
]


@pytest.mark.parametrize(
    ("change", "reason"),
    [case[1:] for case in BROKEN],
    ids=[case[0] for case in BROKEN],
)
def test_a_record_that_cannot_be_relied_on_is_refused_with_its_line(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    path = written(tmp_path / "dpia.yaml", change)
    with pytest.raises(DpiaInvalid) as caught:
        load_dpia(path, MADE_ON)
    for line in str(caught.value).splitlines():
        assert line.startswith(f"{path}:")
        assert int(line.split(":")[1]) >= 1
    assert reason in str(caught.value)


def test_a_fault_is_told_on_the_line_it_stands_on(tmp_path: Path) -> None:
    path = tmp_path / "dpia.yaml"
    path.write_text(FULL.replace("layers: [raw]", "layers: [raw, marts]"))
    with pytest.raises(DpiaInvalid, match=rf"{path}:13: "):
        load_dpia(path, MADE_ON)


@pytest.mark.parametrize("inner", ["5", "[1, 2]", "words", "null"])
def test_a_record_that_is_no_mapping_is_told_to_be_one(
    tmp_path: Path, inner: str
) -> None:
    path = tmp_path / "dpia.yaml"
    path.write_text(f"# A record.\ndpia: {inner}\n")
    with pytest.raises(DpiaInvalid, match=rf"{path}:2: `dpia` holds no names"):
        load_dpia(path, MADE_ON)


def test_a_field_left_blank_is_asked_for_by_name(tmp_path: Path) -> None:
    path = tmp_path / "dpia.yaml"
    path.write_text(FULL.replace("status: approved", "status:"))
    with pytest.raises(DpiaInvalid, match=rf"{path}:6: `status` is not answered"):
        load_dpia(path, MADE_ON)


@pytest.mark.parametrize(
    ("missing", "opens"),
    [(None, True), ("reason", False), ("by", False), ("on", False)],
)
def test_a_screening_that_finds_none_needed_is_whole_only_when_signed(
    tmp_path: Path, missing: str | None, opens: bool
) -> None:
    screening = {"needed": False, "reason": "codes", "by": "a", "on": "2026-01-01"}
    if missing:
        del screening[missing]

    def change(record: dict[str, Any]) -> None:
        record["screening"] = screening
        for name in ("regimes", "necessity", "risks"):
            del record[name]

    path = written(tmp_path / "dpia.yaml", change)
    if opens:
        assert load_dpia(path, MADE_ON).screening.needed is False
    else:
        with pytest.raises(DpiaInvalid, match="somebody must have signed"):
            load_dpia(path, MADE_ON)


def test_relative_dates_count_from_the_home_in_example_records_only(
    tmp_path: Path,
) -> None:
    def change(record: dict[str, Any]) -> None:
        record["example"] = True
        record["review"] = {"due": "+365d", "last": "-30d"}

    dpia = load_dpia(written(tmp_path / "dpia.yaml", change), MADE_ON)
    assert (dpia.review.due, dpia.review.last) == (date(2027, 3, 2), date(2026, 1, 31))


@pytest.mark.parametrize("stated", ["false", "True", "yes"])
def test_only_a_plain_true_makes_a_record_an_example(
    tmp_path: Path, stated: str
) -> None:
    path = tmp_path / "dpia.yaml"
    relative = FULL.replace("due: 2026-12-31", "due: +365d")
    text = relative.replace("dpia:\n", f"dpia:\n  example: {stated}\n")
    path.write_text(text, encoding="utf-8")
    if stated == "True":  # YAML's own spelling of true
        assert load_dpia(path, MADE_ON).example
    else:
        with pytest.raises(DpiaInvalid, match="relative"):
            load_dpia(path, MADE_ON)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("2026-03-02", date(2026, 3, 2)),
        ("+0d", MADE_ON),
        ("-1d", date(2026, 3, 1)),
        ("+9999d", date(2053, 7, 17)),
    ],
)
def test_dates_resolve(stated: str, expected: date) -> None:
    assert resolve_date(stated, MADE_ON) == expected


@pytest.mark.parametrize(
    "stated",
    [
        *("365d", "+365", "+1.5d", "+10000d", "+1d ", "", "today"),
        *("2026-13-01", "2026-02-30", "20260302", "2026-W10-1"),
    ],
)
def test_what_is_no_date_is_refused(stated: str) -> None:
    with pytest.raises(ValueError, match="YYYY-MM-DD"):
        resolve_date(stated, MADE_ON)
