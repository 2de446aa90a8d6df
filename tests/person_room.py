"""A home with a few persons in every store, and the words to look for them by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from edp_platform.datasets import DataSets
from edp_platform.files import write_json
from edp_platform.home import Home
from edp_platform.ingestion.lake import lake_path
from edp_platform.ingestion.landing import Delivery
from tests.landing_room import Room, open_room

MONTH = "2010-01"
FORCE = "sample-force"

#: One person each: what is due of them as of `landing_room.TODAY`, 2026-03-02.
DUE = "N00000001"  # suspect of a group 3 crime of 2010
VICTIM = "N00000002"  # of the same crime
KEPT = "N00000003"  # suspect of a group 1 crime of 2010: to the age of 100
NO_BIRTH = "N00000004"
NO_GROUP = "N00000005"
CHILD = "N00000006"
RECENT = "N00000007"  # suspect of a group 3 crime of 2010, arrested in 2025
REVIEW = "N00000008"  # suspect of a group 2 crime of 2010: a review

_NOMINALS: dict[str, dict[str, str]] = {
    DUE: {"surname": "Zebrafish", "date_of_birth": "1980-05-06"},
    VICTIM: {"surname": "Quetzal", "date_of_birth": "1975-01-01"},
    KEPT: {"surname": "Okapi", "date_of_birth": "1970-02-03"},
    NO_BIRTH: {"surname": "Axolotl"},
    NO_GROUP: {"surname": "Narwhal", "date_of_birth": "1990-10-11"},
    CHILD: {"surname": "Pangolin", "date_of_birth": "2002-06-01"},
    RECENT: {"surname": "Quokka", "date_of_birth": "1985-12-24"},
    REVIEW: {"surname": "Tapir", "date_of_birth": "1988-08-08"},
}
_CRIMES = {
    "C000000001": "3",
    "C000000002": "1",
    "C000000003": "",
    "C000000004": "3",
    "C000000005": "2",
}
_LINKS = [
    ("C000000001", DUE, "suspect"),
    ("C000000001", VICTIM, "victim"),
    ("C000000002", KEPT, "suspect"),
    ("C000000004", NO_BIRTH, "suspect"),
    ("C000000003", NO_GROUP, "suspect"),
    ("C000000004", CHILD, "suspect"),
    ("C000000004", RECENT, "suspect"),
    ("C000000005", REVIEW, "suspect"),
]


def csv_of(
    data_sets: DataSets, name: str, rows: Sequence[Mapping[str, str] | str]
) -> bytes:
    """Return a file of a data set; a row is its cells by lake name, or its text."""
    columns = data_sets.by_name[name].contract.received
    lines = [",".join(column.physical_name for column in columns)]
    for row in rows:
        if isinstance(row, str):
            lines.append(row)
            continue
        assert set(row) <= {column.name for column in columns}, row
        lines.append(",".join(row.get(column.name, "") for column in columns))
    return ("\n".join(lines) + "\n").encode()


def nominal(identifier: str, **changed: str) -> dict[str, str]:
    """Return one nominal's row."""
    return {
        "nominal_id": identifier,
        "first_name": "Made",
        "sex": "Male",
        "postcode": "SE1 7PB",
        "recorded_on": "2010-01-05",
        **_NOMINALS.get(identifier, {}),
        **changed,
    }


def link(number: int, crime: str, identifier: str, category: str) -> dict[str, str]:
    """Return one link's row."""
    return {
        "link_id": f"L{number:010d}",
        "crime_number": crime,
        "nominal_id": identifier,
        "subject_category": category,
        "is_assessment": "true",
        "person_outcome": "none",
        "linked_on": "2010-01-06",
    }


def crime(number: str, group: str) -> dict[str, str]:
    """Return one crime report's row."""
    return {
        "crime_number": number,
        "reported_at": "2010-01-05T10:00:00Z",
        "occurred_from": "2010-01-05T09:00:00Z",
        "offence_code": "105/1",
        "offence": "Assault",
        "crime_type": "Violence and sexual offences",
        "mopi_group": group,
        "environment": "public",
        "domestic_abuse": "false",
        "hate_crime": "false",
        "status": "closed",
    }


def files(data_sets: DataSets) -> dict[str, bytes]:
    """Return the files of the first month, by name."""
    made = {
        "nominals": [
            *(nominal(one) for one in _NOMINALS),
            nominal(DUE),  # an exact repeat, which is set aside
            # Too few fields: quarantined whole, and about the person all the same.
            f"{DUE},broken Zebrafish",
        ],
        "crime_reports": [crime(number, group) for number, group in _CRIMES.items()],
        "crime_report_persons": [
            link(at, *each) for at, each in enumerate(_LINKS, start=1)
        ],
        "custody_records": [
            {
                "custody_number": "D000000001",
                "nominal_id": DUE,
                "crime_number": "C000000001",
                "arrested_at": "2010-01-06T10:00:00Z",
                "detention_authorised_at": "2010-01-06T10:30:00Z",
                "released_at": "2010-01-06T18:00:00Z",
            }
        ],
        "misconduct_cases": [
            {
                "case_number": "M00000001",
                "opened_on": "2010-01-20",
                "allegation": "Incivility",
                "severity": "misconduct",
                "officer_id": "P000001",
                "complainant_nominal_id": DUE,
            }
        ],
    }
    return {
        f"{MONTH}-{FORCE}-{name.replace('_', '-')}.csv": csv_of(data_sets, name, rows)
        for name, rows in made.items()
    }


def room_of_persons(folder: Path, data_sets: DataSets) -> Room:
    """Return a home with all of it landed, loaded, and in a warehouse and its copy."""
    room = open_room(folder, data_sets)
    for name, content in files(data_sets).items():
        room.receive(name, content, date(2010, 2, 1))
    arrest = {
        "custody_number": "D000000002",
        "nominal_id": RECENT,
        "crime_number": "C000000004",
        "arrested_at": "2025-06-06T10:00:00Z",
        "detention_authorised_at": "2025-06-06T10:30:00Z",
        "released_at": "2025-06-06T18:00:00Z",
    }
    room.receive(
        f"2025-06-{FORCE}-custody-records.csv",
        csv_of(data_sets, "custody_records", [arrest]),
        date(2025, 7, 1),
    )
    for name in PERSON_SETS:
        room.load(name)
    build_by_hand(room.home)
    return room


PERSON_SETS = (
    "nominals",
    "crime_reports",
    "crime_report_persons",
    "custody_records",
    "misconduct_cases",
)


def build_by_hand(home: Home) -> None:
    """Build a warehouse and two published copies, as a team's own models would.

    One table renames the identifier, one keeps lists of them.
    """
    home.warehouse.parent.mkdir(parents=True, exist_ok=True)
    home.warehouse.unlink(missing_ok=True)
    home.published.mkdir(parents=True, exist_ok=True)
    for old in home.published.glob("*.duckdb"):
        old.unlink()
    paths = {
        name: str(lake_path(home, name, MONTH))
        for name in ("nominals", "crime_report_persons", "misconduct_cases")
    }
    statements = [
        "create schema staging; create schema marts",
        f"create view staging.stg_nominals as from read_parquet('{paths['nominals']}')",
        "create table marts.persons as select nominal_id as who, surname, source_file, "
        "source_line from staging.stg_nominals",
        "create table marts.linked as select crime_number, list(nominal_id) as people, "
        f"count(*) as n from read_parquet('{paths['crime_report_persons']}') group by 1",
        "create table marts.cases as select case_number, complainant_nominal_id "
        f"from read_parquet('{paths['misconduct_cases']}')",
        "create table marts.crimes as select 1 as crimes",
    ]
    for path in (
        home.warehouse,
        home.published / "20100101T000000-old.duckdb",
        home.published / "20100201T000000-new.duckdb",
    ):
        with duckdb.connect(str(path)) as connection:
            for statement in statements:
                connection.execute(statement)
            if path != home.warehouse:
                connection.execute("drop view staging.stg_nominals")
    write_json(
        home.published / "current.json",
        {
            "id": "20100201T000000-new",
            "as_at": "2010-02-01T00:00:00",
            "rows": {"persons": 8, "linked": 5, "cases": 1, "crimes": 1},
            "uses": {},
        },
    )


def holds(path: Path, *words: str) -> bool:
    """Whether a file holds one of these words: as bytes, or in a cell it unpacks to."""
    if path.suffix == ".parquet":
        text = pl.read_parquet(path, hive_partitioning=False).write_json().encode()
    elif path.suffix == ".duckdb":
        text = path.read_bytes()
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = connection.execute(
                "select schema_name, table_name from duckdb_tables()"
            ).fetchall()
            for schema, table in tables:
                rows = connection.execute(f'from "{schema}"."{table}"').fetchall()
                text += repr(rows).encode()
    else:
        text = path.read_bytes()
    return any(word.encode() in text for word in words)


def files_holding(home: Home, *words: str) -> list[str]:
    """Return every file of the home, whatever its room, that holds one of the words."""
    return [
        str(path.relative_to(home.root))
        for path in sorted(home.root.rglob("*"))
        if path.is_file() and holds(path, *words)
    ]


def delivery_of(room: Room, data_set: str) -> Delivery:
    """Return the first month's delivery of a data set."""
    return next(
        one for one in room.supplies(data_set).deliveries if MONTH in one.months
    )
