"""The change of a figure is told apart by what stood beneath, to the last record."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edp_platform.ingestion.landing import LandingStore
from edp_platform.measures.explaining import (
    CAUSES,
    CODE,
    DEFINITION,
    DISPOSAL,
    LATE,
    NOT_SEPARABLE,
    RECLASSIFICATION,
    REVISION,
    Figure,
    shapley,
    split,
    totals,
)
from edp_platform.measures.explaining_change import CannotExplain, Explained, why
from edp_platform.measures.history import History, Publication, UnknownSnapshot
from tests.landing_room import (
    STREET,
    STREET_FILE,
    all_data_sets,
    open_room,
    street_row,
    text,
)
from tests.measures_room import WARD_CODE, Measures, street_code

CHARGED = "Awaiting court outcome"
FIRST, SECOND = date(2024, 3, 1), date(2024, 6, 1)


@pytest.fixture
def measures(tmp_path: Path) -> Measures:
    room = open_room(tmp_path, all_data_sets(tmp_path / "home"))
    made = Measures(room, street_code("Burglary"))
    made.define("1")
    return made


def split_of(
    measures: Measures, measure: str, ends: tuple[Publication, Publication]
) -> tuple[Explained, dict[str, float | None], dict[str, float | None]]:
    """Return what was found of the one changed figure: its parts, and of the value."""
    found = why(measures.room.home, measures.room.data_sets.by_name, measure, ends)
    (one,) = found.changed
    change = (one.after.numerator or 0) - (one.before.numerator or 0)
    assert sum(part.numerator or 0 for part in one.parts.values()) == change
    value = (one.after.value or 0) - (one.before.value or 0)
    assert sum(part.value or 0 for part in one.parts.values()) == pytest.approx(
        value, abs=1e-12
    )
    parts = {
        cause: part for cause, part in one.parts.items() if part.value or part.numerator
    }
    return (
        found,
        {cause: part.numerator for cause, part in parts.items()},
        {cause: part.value for cause, part in parts.items()},
    )


def test_a_later_release_is_told_apart_record_by_record(measures: Measures) -> None:
    rows = [street_row(number) for number in range(10)]
    measures.room.receive(STREET_FILE, text(STREET, *rows), FIRST)
    before = measures.publish()
    rows[0:1] = []  # withdrawn
    rows[0] = street_row(1, crime_type="Robbery")
    rows[1] = street_row(2, crime_type="Drugs", longitude="-0.2")
    rows[2] = street_row(3, outcome=CHARGED)
    rows[3] = street_row(4, location="On or near Street")
    rows += [street_row(100), street_row(101), street_row(102, outcome=CHARGED)]
    rows += [street_row(None), street_row(103, crime_type="Drugs")]
    measures.room.receive(STREET_FILE, text(STREET, *rows), SECOND)
    after = measures.publish()

    found, crimes, _ = split_of(measures, "crimes", (before, after))
    # 10 burglaries; one withdrawn and one without an identifier come and go alike.
    assert crimes == {RECLASSIFICATION: -2, LATE: 3}
    (beneath,) = found.beneath
    assert beneath["kinds"] == sorted([REVISION, RECLASSIFICATION, LATE])
    assert (beneath["rows_before"], beneath["rows_after"]) == (10, 14)
    assert found.notes == []

    _, charged, value = split_of(measures, "charged", (before, after))
    assert charged == {RECLASSIFICATION: 1, LATE: 1}
    # 0/10 → 2/11: two more charged; two fewer and three more burglaries.
    assert set(value) <= {REVISION, RECLASSIFICATION, LATE}
    assert sum(v or 0 for v in value.values()) == pytest.approx(100 * 2 / 11)


def test_one_cause_alone_takes_all_of_the_change(measures: Measures) -> None:
    rows = [street_row(number) for number in range(5)]
    rows.append(street_row(9, crime_type="Robbery"))
    measures.room.receive(STREET_FILE, text(STREET, *rows), FIRST)
    first = measures.publish()
    measures.code = street_code("Burglary", "Robbery")
    measures.define("2")
    second = measures.publish()
    found, parts, _ = split_of(measures, "crimes", (first, second))
    assert (parts, found.is_redefined, found.code) == ({DEFINITION: 1}, True, [])

    measures.code["marts.street"] = measures.code["marts.street"].replace(
        "count(*) as crimes", "2 * count(*) as crimes"
    )
    third = measures.publish()
    found, parts, _ = split_of(measures, "crimes", (second, third))
    assert (parts, found.code) == ({CODE: 6}, ["marts.street"])


def test_code_definition_and_data_at_once_are_told_apart(measures: Measures) -> None:
    rows = [street_row(number) for number in range(5)]
    rows.append(street_row(9, crime_type="Robbery"))
    measures.room.receive(STREET_FILE, text(STREET, *rows), FIRST)
    before = measures.publish()
    measures.code = street_code("Burglary", "Robbery")
    measures.define("2")
    measures.code["marts.street"] = measures.code["marts.street"].replace(
        "count(*) as crimes", "2 * count(*) as crimes"
    )
    rows += [street_row(10), street_row(11, crime_type="Robbery")]
    measures.room.receive(STREET_FILE, text(STREET, *rows), SECOND)
    after = measures.publish()
    # 5 → twice 5 → with the robbery 12 → with two more 16.
    _, parts, _ = split_of(measures, "crimes", (before, after))
    assert parts == {CODE: 5, DEFINITION: 2, LATE: 4}


def test_rows_disposed_of_are_told_as_that_beside_a_later_release(
    measures: Measures,
) -> None:
    rows = [street_row(number) for number in range(6)]
    delivery = measures.room.receive(STREET_FILE, text(STREET, *rows), FIRST)
    before = measures.publish()
    LandingStore(measures.room.home).rewrite(delivery.sha256, text(STREET, *rows[1:]))
    between = measures.publish()
    _, parts, _ = split_of(measures, "crimes", (before, between))
    assert parts == {DISPOSAL: -1}
    later = [*rows[1:], street_row(7), street_row(8)]
    measures.room.receive(STREET_FILE, text(STREET, *later), SECOND)
    after = measures.publish()
    _, parts, _ = split_of(measures, "crimes", (before, after))
    assert parts == {DISPOSAL: -1, LATE: 2}


def test_what_can_no_longer_be_read_is_not_put_elsewhere(measures: Measures) -> None:
    rows = [street_row(number) for number in range(6)]
    delivery = measures.room.receive(STREET_FILE, text(STREET, *rows), FIRST)
    before = measures.publish()
    later = [*rows[1:], street_row(7), street_row(8)]
    measures.room.receive(STREET_FILE, text(STREET, *later), SECOND)
    after = measures.publish()
    original = LandingStore(measures.room.home).original(delivery.sha256)
    original.unlink()
    found, parts, _ = split_of(measures, "crimes", (before, after))
    assert parts == {NOT_SEPARABLE: 1}
    assert "in landing no more" in found.notes[0]


def test_a_force_that_arrives_late_is_late_and_no_revision(measures: Measures) -> None:
    measures.code = {
        name: sql.replace("force as area_code", "'all' as area_code")
        .replace("'force', force, month", "'force', 'all', month")
        .replace("group by force, month", "group by month")
        for name, sql in street_code("Burglary").items()
    }
    measures.room.receive(STREET_FILE, text(STREET, street_row(None)), FIRST)
    before = measures.publish()
    other = street_row(
        None,
        reported_by="British Transport Police",
        falls_within="British Transport Police",
    )
    measures.room.receive("2024-01-btp-street.csv", text(STREET, other, other), FIRST)
    after = measures.publish()
    _, parts, _ = split_of(measures, "crimes", (before, after))
    assert parts == {LATE: 2}


def test_nothing_changed_and_nothing_there_are_said(measures: Measures) -> None:
    measures.room.receive(STREET_FILE, text(STREET, street_row(1)), FIRST)
    first = measures.publish()
    second = measures.publish()
    # Kept is what differs, and nothing does.
    for kept in (second.periods, second.lake, second.definitions, second.code):
        assert kept == {}
    found = why(
        measures.room.home, measures.room.data_sets.by_name, "crimes", (first, second)
    )
    assert (found.changed, found.cells) == ([], 1)
    with pytest.raises(CannotExplain, match="no figure"):
        why(measures.room.home, {}, "unknown", (first, second))
    history = History(measures.room.home)
    assert history.span(None, "latest") == (first, second)
    with pytest.raises(UnknownSnapshot, match="not published before"):
        history.span("latest", "first")
    with pytest.raises(UnknownSnapshot, match=f"Near: .*{second.snapshot}"):
        history.find(second.snapshot + "x")


def test_figures_are_kept_as_they_stood_and_only_periods_that_changed(
    measures: Measures,
) -> None:
    room = measures.room
    for month in ("2024-01", "2024-02"):
        name = f"{month}-city-of-london-street.csv"
        room.receive(name, text(STREET, street_row(1, month)), FIRST)
    first = measures.publish()
    name = "2024-02-city-of-london-street.csv"
    room.receive(
        name, text(STREET, street_row(1, "2024-02"), street_row(2, "2024-02")), SECOND
    )
    # Killed after the register and before what stands beside it: both are read again.
    (room.home.root / "measures" / "newest.json").unlink()
    second = measures.publish()
    assert set(second.periods) == {"2024-02-01"}
    assert second.nth == 1 and second.code == {}
    assert set(second.lake["police_uk_street"]) == {"2024-02"}
    history = History(room.home)

    def kept(publication: Publication) -> list[tuple[str, float]]:
        frame = history.values_at(publication, ["crimes"])
        return [(str(m), v) for m, v in frame.select("month", "value").iter_rows()]

    assert kept(first) == [("2024-01-01", 1.0), ("2024-02-01", 1.0)]
    assert kept(second) == [("2024-01-01", 1.0), ("2024-02-01", 2.0)]


# The arithmetic -----------------------------------------------------------------------

_COUNTS = st.integers(0, 10**9)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.sampled_from([*CAUSES]), _COUNTS), min_size=1, max_size=12)
)
def test_parts_of_a_count_add_up_to_the_last_one(states: list[tuple[str, int]]) -> None:
    walk = [(cause, Figure(float(n), None, float(n))) for cause, n in states]
    parts = totals(split(walk))
    change = states[-1][1] - states[0][1]
    assert sum(int(one.numerator or 0) for one in parts.values()) == change
    assert sum(int(one.value or 0) for one in parts.values()) == change
    assert all(one.denominator is None for one in parts.values())


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(_COUNTS, st.integers(1, 10**9)), min_size=2, max_size=7),
    st.sampled_from([1, 100, 1000]),
)
def test_parts_of_a_rate_add_up_in_all_three(
    states: list[tuple[int, int]], scale: int
) -> None:
    walk = [
        (cause, Figure(float(n), float(d), scale * n / d))
        for cause, (n, d) in zip([*CAUSES, *CAUSES], states, strict=False)
    ]
    parts = split(walk)
    (n0, d0), (n1, d1) = states[0], states[-1]
    assert sum(int(one.numerator or 0) for one in parts) == n1 - n0
    assert sum(int(one.denominator or 0) for one in parts) == d1 - d0
    total = sum(Fraction(one.value or 0) for one in parts)
    assert float(total) == pytest.approx(
        scale * n1 / d1 - scale * n0 / d0, rel=1e-9, abs=1e-6 * scale
    )


def test_shapley_of_the_glove_game_and_of_two_components() -> None:
    # The glove game, as in Maschler, Solan and Zamir, *Game Theory* (2013), 18.2: one
    # left glove and two right ones give 2/3, 1/6, 1/6.
    pairs = shapley(3, lambda chosen: Fraction(0 in chosen and len(chosen) > 1))
    assert pairs == [Fraction(2, 3), Fraction(1, 6), Fraction(1, 6)]

    # Two causes: the mean of both orders, which is Kitagawa's decomposition (1955,
    # Components of a difference between two rates, JASA 50: 1168-1194).
    walk = [
        ("", Figure(10, 100, 10.0)),
        (REVISION, Figure(10, 125, 8.0)),
        (LATE, Figure(15, 125, 12.0)),
    ]
    base, top = split(walk)
    assert base.value == pytest.approx((8.0 - 10.0 + 12.0 - 15.0) / 2)
    assert top.value == pytest.approx((15.0 - 10.0 + 12.0 - 8.0) / 2)


# Published files ----------------------------------------------------------------------


def _street(folder: Path, month: str) -> dict[str, list[dict[str, str]]]:
    name = f"{month}-city-of-london-street.csv"
    (path,) = folder.rglob(name)
    found: dict[str, list[dict[str, str]]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found.setdefault(row["Crime ID"], []).append(row)
    return found


def test_two_releases_of_city_of_london_months(
    shared_data: Path, tmp_path: Path
) -> None:
    room = open_room(tmp_path, all_data_sets(tmp_path / "home"))
    measures = Measures(room, street_code("Burglary", "Robbery", "Shoplifting"))
    measures.define("1")
    months = ("2023-03", "2024-01", "2024-02")
    room.land(shared_data / "police_uk_earlier_release", release=FIRST)
    before = measures.publish()
    for month in months:
        (path,) = (shared_data / "police_uk").rglob(
            f"{month}-city-of-london-street.csv"
        )
        room.land(path, release=date(2025, 11, 1))
    after = measures.publish()
    found = why(room.home, room.data_sets.by_name, "charged", (before, after))
    assert found.notes == [] and found.cells == len(months)
    types = {"Burglary", "Robbery", "Shoplifting"}
    expected = {}
    for month in months:
        totals_of = [
            Counter(
                row["Last outcome category"] == CHARGED
                for rows in _street(shared_data / folder, month).values()
                for row in rows
                if row["Crime type"] in types
            )
            for folder in ("police_uk_earlier_release", "police_uk")
        ]
        change = totals_of[1][True] - totals_of[0][True]
        if change:
            expected[f"{month}-01"] = float(change)
    told = {
        one.cell[2]: (one.after.numerator or 0) - (one.before.numerator or 0)
        for one in found.changed
    }
    assert {month: change for month, change in told.items() if change} == expected
    assert expected
    for one in found.changed:
        # Rows and identifiers stay; outcomes do not (corpus README): the same records
        # are of another class, and nothing else.
        parts = {
            cause: part.numerator for cause, part in one.parts.items() if part.numerator
        }
        assert set(parts) <= {RECLASSIFICATION}
        assert sum(parts.values()) == told[one.cell[2]]


def _without_months(source: Path, target: Path, kept: set[str]) -> None:
    """Copy a wide file with the columns of some months only: 24 take their time."""
    with source.open(encoding="utf-8-sig", newline="") as stream:
        rows = [*csv.reader(stream)]
    columns = [
        at for at, name in enumerate(rows[0]) if not name.isdigit() or name in kept
    ]
    with target.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([[row[at] for at in columns] for row in rows])


def test_two_releases_of_the_ward_file(shared_data: Path, tmp_path: Path) -> None:
    room = open_room(tmp_path, all_data_sets(tmp_path / "home"))
    measures = Measures(room, WARD_CODE)
    measures.define("1", "ward")
    files = [*(shared_data / "london_datastore").glob("release_*/MPS Ward*.csv")]
    published = []
    for path in sorted(files):
        narrow = tmp_path / path.parent.name / path.name
        narrow.parent.mkdir()
        _without_months(path, narrow, {"202505", "202506"})
        room.land(narrow)
        published.append(measures.publish())
    month = date(2025, 5, 1)
    found = why(
        room.home,
        room.data_sets.by_name,
        "wards",
        (published[0], published[1]),
        month=month,
    )
    assert found.notes == []
    assert {cause for one in found.changed for cause in one.parts} == {REVISION}
    change = sum(
        (one.after.value or 0) - (one.before.value or 0) for one in found.changed
    )
    # README of the corpus: the London total for 202505 went from 77,428 to 76,977. A
    # ward that only one release names is no change of a figure, and is counted apart.
    sums = [
        History(room.home).values_at(one).filter(pl.col("month") == month)
        for one in published
    ]
    both = sums[0].join(sums[1], on="area_code", how="inner", suffix="_now")
    assert [int(one["value"].sum()) for one in sums] == [77_428, 76_977]
    assert change == float((both["value_now"] - both["value"]).sum())
    assert sum(
        part.numerator or 0 for one in found.changed for part in one.parts.values()
    ) == int(change)
