"""Cleansing: each rule, that twice is once, and that what was received comes back."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random

import polars as pl
import pytest

from edp_platform.contracts import ContractInvalid, load_contract
from edp_platform.contracts.vocabulary import CLEANSING_RULES, CLEANSING_SHAPES
from edp_platform.ingestion.cleansed_cells import cleansed_by_rule, cleansed_cells
from edp_platform.ingestion.cleansing import EXPRESSIONS, cleanse, counts, restored
from edp_platform.ingestion.landing import LandingStore
from edp_platform.ingestion.loading import due_months
from edp_platform.ingestion.preparation import evidence_path
from tests.landing_room import Room, all_data_sets, open_room
from tests.person_room import csv_of, nominal

MONTH = "2010-01"
FILE = f"{MONTH}-sample-force-nominals.csv"


def apply(rules: tuple[str, ...], values: pl.Series) -> pl.Series:
    for rule in rules:
        frame = values.to_frame("value")
        values = frame.select(EXPRESSIONS[rule](pl.col("value"))).to_series()
    return values


def test_every_rule_a_contract_may_name_is_there_in_the_same_order() -> None:
    assert [*EXPRESSIONS] == [*CLEANSING_RULES]
    assert set(CLEANSING_RULES) >= CLEANSING_SHAPES


@pytest.mark.parametrize(
    ("rule", "received", "clean"),
    [
        ("straight-apostrophes", "O’Brien", "O'Brien"),
        ("straight-apostrophes", "O`Brien", "O'Brien"),
        ("trim", "  Ann\t", "Ann"),
        ("trim", "\u00a0Ann\u00a0", "Ann"),
        ("trim", "   ", None),
        ("trim", "", None),
        ("collapse-spaces", "Mary \t Ann", "Mary Ann"),
        ("null-words", "Not Known", None),
        ("null-words", "N/K", None),
        ("null-words", "--", None),
        ("null-words", " unknown ", None),
        ("null-words", "Null", "Null"),  # a surname
        ("null-words", "Na", "Na"),
        ("null-words", "None", "None"),  # an answer
        ("null-words", "Not stated", "Not stated"),
        ("null-words", "Unknown Road", "Unknown Road"),
        ("title-case-name", "SMITH-JONES", "Smith-Jones"),
        ("title-case-name", "o'brien", "O'Brien"),
        ("title-case-name", "josé", "José"),
        ("title-case-name", "McDonald", "McDonald"),
        ("title-case-name", "van der Berg", "van der Berg"),
        ("uppercase", "10/1234a", "10/1234A"),
        ("lowercase", "A.B@Mail.Example", "a.b@mail.example"),
        ("uppercase-postcode", "sw1a1aa", "SW1A 1AA"),
        ("uppercase-postcode", "E1  6AN", "E1 6AN"),
        ("uppercase-postcode", "gir 0aa", "GIR 0AA"),
        ("uppercase-postcode", "not one", "not one"),
        ("uppercase-postcode", "E1", "E1"),
        ("plain-phone", "+44 (0)7700 900-123", "07700900123"),
        ("plain-phone", "0044 7700 900123", "07700900123"),
        ("plain-phone", "+33 1 23 45 67 89", "0033123456789"),
        ("plain-phone", "07700 900123 (work)", "07700 900123 (work)"),
        ("plain-phone", "12", "12"),
    ],
)
def test_a_rule_makes_of_a_value(rule: str, received: str, clean: str | None) -> None:
    assert apply((rule,), pl.Series([received])).to_list() == [clean]


def test_nothing_becomes_something() -> None:
    nothing = pl.Series([None], dtype=pl.String)
    for rule in EXPRESSIONS:
        assert apply((rule,), nothing).to_list() == [None], rule


def _chains() -> list[tuple[str, ...]]:
    plain = [rule for rule in CLEANSING_RULES if rule not in CLEANSING_SHAPES]
    chosen = itertools.chain.from_iterable(
        itertools.combinations(plain, number) for number in range(len(plain) + 1)
    )
    return [
        tuple(rule for rule in CLEANSING_RULES if rule in some or rule == shape)
        for some in chosen
        for shape in (None, *sorted(CLEANSING_SHAPES))
    ]


def test_cleansing_what_is_clean_changes_nothing() -> None:
    """Whatever rules a column names together, and whatever is received."""
    draw = Random(20260301)
    pieces = [
        *"abzABZ 0129'-./?*_+()",
        *("\u00a0", "’", "`", "ß", "ŉ", "é", "É", "ǆ", "\t", "\n", "İ", "ſ", "ﬁ"),
        *("Σ", "ς", "ΐ", "\u2003", "Mc", "O'", "n/a", "unknown", "N/K", "+44", "0044"),
        *("44", "0", "sw1a", "1AA", "GIR"),
    ]
    values = pl.Series(
        ["".join(draw.choices(pieces, k=draw.randrange(10))) for _ in range(20_000)]
    )
    for chain in _chains():
        once = apply(chain, values)
        assert apply(chain, once).equals(once, null_equal=True), chain


@pytest.fixture
def room(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Room:
    return open_room(tmp_path, all_data_sets(tmp_path_factory.getbasetemp() / "all"))


DIRTY: list[Mapping[str, str]] = [
    nominal("N00000001", first_name=" JANE ", surname="O’BRIEN", postcode="se17pb"),
    nominal(
        "N00000002", first_name="Jo  Ann", surname="Unknown", phone="+44 7700 900123"
    ),
    nominal("N00000003", first_name="Clean", surname="McDonald", phone="07700900123"),
    nominal("N00000004", surname="Fake", postcode=" zz993vz "),
]


def loaded(room: Room, rows: list[Mapping[str, str]]) -> pl.DataFrame:
    room.receive(FILE, csv_of(room.data_sets, "nominals", rows), date(2010, 2, 1))
    room.load("nominals")
    return pl.read_parquet(room.home.raw / "nominals" / f"month={MONTH}/part-0.parquet")


def test_rows_are_cleansed_before_they_are_checked(room: Room) -> None:
    rows = loaded(room, DIRTY).sort("nominal_id")
    assert rows.select("first_name", "surname", "postcode", "phone").rows() == [
        ("Jane", "O'Brien", "SE1 7PB", None),
        ("Jo Ann", None, "SE1 7PB", "07700900123"),
        ("Clean", "McDonald", "SE1 7PB", "07700900123"),
    ]
    # The stand-in for a postcode is no better for being tidy.
    (account,) = room.accounts("nominals")
    assert (account.loaded, account.quarantined) == (3, 1)


def test_changes_are_counted_by_rule_and_month(room: Room) -> None:
    loaded(room, DIRTY)
    supplies = LandingStore(room.home).supplies()["nominals"]
    assert cleansed_by_rule(room.home, supplies) == {
        MONTH: {
            "first_name: collapse-spaces": 1,
            "first_name: title-case-name": 1,
            "first_name: trim": 1,
            "phone: plain-phone": 1,
            "postcode: trim": 1,
            "postcode: uppercase-postcode": 2,
            "surname: null-words": 1,
            "surname: straight-apostrophes": 1,
            "surname: title-case-name": 1,
        }
    }


def test_what_was_received_comes_back_cell_by_cell(room: Room) -> None:
    """Against the received file, read by the standard library and not by the platform."""
    rows = loaded(room, DIRTY)
    delivery = LandingStore(room.home).deliveries("nominals")[0]
    changes = pl.read_parquet(evidence_path(room.home.cleansed, delivery))
    assert changes["source_file"].unique().to_list() == [delivery.file]
    original = LandingStore(room.home).original(delivery.sha256)
    with original.open(newline="", encoding="utf-8") as stream:
        received = list(csv.DictReader(stream))
    columns = room.data_sets.by_name["nominals"].contract.columns
    names = {one.name: one.physical_name for one in columns if one.cleansing}
    back = restored(rows, changes)
    assert back.height == 3
    for row in back.to_dicts():
        was = received[row["source_line"] - 2]
        for name, physical in names.items():
            assert (row[name] or "") == was[physical], (row["source_line"], name)
    for cell in changes.to_dicts():
        was = received[cell["source_line"] - 2]
        assert cell["original"] == was[names[cell["column"]]]


def test_a_file_without_faults_leaves_no_evidence(room: Room) -> None:
    clean = [nominal("N00000009", first_name="Ann", surname="Lee")]
    loaded(room, clean)
    assert not any(room.home.cleansed.rglob("*.parquet"))
    supplies = LandingStore(room.home).supplies()["nominals"]
    assert cleansed_by_rule(room.home, supplies) == {}


def test_counts_follow_the_file_that_supplies_the_month_now(room: Room) -> None:
    loaded(room, DIRTY)
    clean = [nominal("N00000001", first_name="Jane", surname="O'Brien")]
    content = csv_of(room.data_sets, "nominals", clean)
    room.receive(FILE, content, date(2010, 3, 1))
    room.load("nominals")
    supplies = LandingStore(room.home).supplies()["nominals"]
    assert cleansed_by_rule(room.home, supplies) == {}
    # What the superseded file held is still on record.
    assert cleansed_cells(room.home, supplies.deliveries).height > 0


def test_a_rule_added_makes_the_months_due(room: Room) -> None:
    loaded(room, DIRTY)
    data_set = room.data_sets.by_name["nominals"]
    supplies = LandingStore(room.home).supplies()["nominals"]
    assert due_months(room.home, data_set, supplies) == []
    columns = tuple(
        replace(one, cleansing=(*one.cleansing, "uppercase"))
        if one.name == "address_line"
        else one
        for one in data_set.contract.columns
    )
    stricter = replace(data_set, contract=replace(data_set.contract, columns=columns))
    assert due_months(room.home, stricter, supplies) == [MONTH]


def test_a_line_that_makes_many_rows_is_kept_once(room: Room) -> None:
    """A wide file repeats its key columns in the row of every cell."""
    contract = room.data_sets.by_name["nominals"].contract
    one = next(column for column in contract.columns if column.name == "surname")
    narrow = replace(contract, columns=(one,))
    rows = pl.DataFrame(
        {"surname": [" LEE "] * 3, "source_line": [2, 2, 3], "month": ["a", "b", "a"]}
    )
    done = cleanse(rows, narrow)
    assert done.rows["surname"].to_list() == ["Lee"] * 3
    assert done.changes["source_line"].to_list() == [2, 3, 2, 3]
    assert counts(done.changes)["a"] == {
        "surname: title-case-name": 2,
        "surname: trim": 2,
    }


@pytest.mark.parametrize(
    ("column", "stated", "says"),
    [
        ("surname", "[tidy]", "no cleansing rule is called tidy"),
        ("surname", "trim", "is a list of rules"),
        ("surname", "[]", "is a list of rules"),
        ("surname", "[trim, trim]", "listed twice"),
        ("surname", "[uppercase, lowercase]", "contradict each other"),
        ("date_of_birth", "[trim]", "is for text"),
        ("nominal_id", "[trim]", "is not for a key"),
    ],
)
def test_a_contract_that_cannot_be_done_is_refused(
    room: Room, tmp_path: Path, column: str, stated: str, says: str
) -> None:
    text = room.data_sets.by_name["nominals"].contract.path.read_text()
    lines, inside = [], False
    for line in text.splitlines():
        if line.startswith("      - name: "):
            inside = line.endswith(f": {column}")
        if inside and "property: cleansing" in line:
            continue
        lines.append(line)
        if inside and line.strip() == "customProperties:":
            lines.append(f"          - {{property: cleansing, value: {stated}}}")
    path = tmp_path / "nominals" / "contract.yaml"
    path.parent.mkdir()
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(ContractInvalid) as refused:
        load_contract(path)
    assert says in str(refused.value)
    assert f"column {column}" in str(refused.value)
    assert str(path) in str(refused.value)


def test_data_sets_without_cleansing_load_as_they_always_did(room: Room) -> None:
    """Their months are not due again because cleansing came to be."""
    for data_set in room.data_sets.by_name.values():
        contract = data_set.contract
        plain = tuple(replace(one, cleansing=()) for one in contract.columns)
        without = replace(contract, columns=plain)
        same = contract.loading_fingerprint == without.loading_fingerprint
        assert same is not contract.is_cleansed, data_set.name
