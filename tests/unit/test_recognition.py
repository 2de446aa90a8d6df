"""Which data set is this file? Its header must fit and its name must say the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from edp_platform.datasets import DataSets
from edp_platform.ingestion.readers import make_reader
from edp_platform.ingestion.readers.base import name_misfit
from edp_platform.ingestion.recognition import NotRecognised, Recognised, recognise
from tests.landing_room import (
    LOOKUP,
    STOP,
    STREET,
    WARD,
    all_data_sets,
    street_row,
    text,
)


@pytest.fixture(scope="module")
def data_sets(tmp_path_factory: pytest.TempPathFactory) -> DataSets:
    return all_data_sets(tmp_path_factory.mktemp("contracts"))


def asked(
    tmp_path: Path,
    data_sets: DataSets,
    name: str,
    content: bytes,
    stated: str | None = None,
) -> Recognised:
    path = tmp_path / "file"
    path.write_bytes(content)
    return recognise(path, name, data_sets.by_name.values(), stated)


OUTCOMES = STREET.replace("Crime type,Last outcome category,Context", "Outcome type")


@pytest.mark.parametrize(
    ("name", "header", "data_set", "scope"),
    [
        ("2024-01-btp-street.csv", STREET, "police_uk_street", "btp"),
        ("2024-01-btp-outcomes.csv", OUTCOMES, "police_uk_outcomes", "btp"),
        (
            "2024-01-City-Of-London-Stop-And-Search.csv",
            STOP,
            "police_uk_stop_and_search",
            "city-of-london",
        ),
        ("MPS Ward Level Crime (x).csv", f"{WARD},202401", "mps_ward_crime", ""),
        ("anything at all.csv", f"{WARD},202401", "mps_ward_crime", ""),
        ("lsoa2011_msoa2011_lad2011_x.csv", LOOKUP, "lsoa_2011_to_borough", ""),
    ],
)
def test_a_file_is_known_by_its_name_and_header(
    tmp_path: Path,
    data_sets: DataSets,
    name: str,
    header: str,
    data_set: str,
    scope: str,
) -> None:
    found = asked(tmp_path, data_sets, name, text(header))
    assert (found.data_set.name, found.scope) == (data_set, scope)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("2024-01-btp-street.csv", text(STOP), "police_uk_street"),
        ("2024-01-btp-street.csv", text(f"{STREET},Victim"), "Victim"),
        ("2024-01-btp-street.csv", b"", "is empty"),
        ("street.csv", text(STREET), "name does not say the rest"),
        ("notes.txt", b"Dear all,\n", "not a file of any data set"),
        ("notes.txt", bytes(range(256)), "not a file of any data set"),
        ("notes.txt", b"", "not a file of any data set"),
    ],
)
def test_what_is_not_known_is_refused_with_the_next_step(
    tmp_path: Path, data_sets: DataSets, name: str, content: bytes, reason: str
) -> None:
    with pytest.raises(NotRecognised, match=reason):
        asked(tmp_path, data_sets, name, content)


def test_a_file_without_its_header_line_does_not_show_its_first_row(
    tmp_path: Path, data_sets: DataSets
) -> None:
    row = street_row(1, location="Zebedee Crescent")
    with pytest.raises(NotRecognised) as caught:
        asked(tmp_path, data_sets, "2024-01-btp-street.csv", text(row, row))
    assert "Zebedee" not in str(caught.value)
    assert "header line is missing" in str(caught.value)


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (("a", "b"), []),
        (("b", "a"), []),
        (("a", "b", ""), []),
        (("a",), ["missing b"]),
        (("a", "b", "c"), ["not in the contract: c"]),
        (("a", "b", "b"), ["given twice: b"]),
        (("A", "b"), ["missing a", "not in the contract: A"]),
        ((), ["none of the 0 names in its first line"]),
        (("x", "y"), ["none of the 2 names in its first line"]),
    ],
)
def test_names_that_differ_are_told(header: tuple[str, ...], told: list[str]) -> None:
    found = name_misfit({"a", "b"}, header)
    assert len(found) == len(told)
    assert all(one.startswith(start) for one, start in zip(found, told, strict=True))


@pytest.mark.parametrize(
    "stated",
    [
        "parquet",
        {"shape": None},
        {},
        {"shape": "csv", "separator": ";"},
        {"shape": "wide_csv", "columns": "x", "value": "v", "as": "week"},
        {"shape": "wide_csv", "columns": "x", "value": "v", "skip": "1"},
    ],
)
def test_a_reader_that_is_none_or_takes_no_such_option_is_refused(
    stated: str | dict[str, object],
) -> None:
    with pytest.raises(ValueError, match="reader"):
        make_reader(stated)
