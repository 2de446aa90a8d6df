"""What the review of persons reads: the lake as it stands, and people's registers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import polars as pl

from edp_platform.home import Home
from edp_platform.retention.computing import INPUTS, ReviewInputs
from edp_platform.retention.decisions import Decisions, Holds, Notices
from edp_platform.told import Told

#: Without these nobody can be reviewed.
NEEDED = ("nominals", "crime_report_persons", "crime_reports")


class NothingToReview(Told):
    """The data sets that a review needs hold no rows yet."""


#: Input → data set → columns as SQL. A nominal counts as it was last released.
_READ = {
    "nominals": (
        "nominals",
        "select nominal_id, arg_max(date_of_birth, (release_date, source_line)) "
        "as date_of_birth from given where nominal_id is not null group by 1",
    ),
    "links": (
        "crime_report_persons",
        "select crime_number, nominal_id, subject_category, person_outcome, "
        "person_outcome_date, sentence_end, linked_on from given",
    ),
    "crimes": (
        "crime_reports",
        "select crime_number, try_cast(mopi_group as bigint) as mopi_group, "
        "cast(reported_at as date) as reported_on from given",
    ),
}
#: An arrest and a search are police actions: they begin a clear period again.
_CONTACTS = {
    "custody_records": (
        "select nominal_id, 'police_action' as kind, cast(greatest(arrested_at, "
        'released_at) as date) as "on" from given where nominal_id is not null'
    ),
    "stop_and_search_records": (
        "select nominal_id, 'police_action' as kind, cast(searched_at as date) as "
        '"on" from given where nominal_id is not null'
    ),
}


def lake_files(home: Home, data_set: str) -> list[Path]:
    """Return the lake files of a data set that hold rows."""
    found = (home.raw / data_set).rglob("part-0.parquet")
    return sorted(path for path in found if path.parent.name != "month=none")


def read_inputs(home: Home) -> ReviewInputs:
    """Read what the review needs.

    Persons under a restriction are not in the lake, so they are not reviewed: what may
    not be used is not deleted either.

    Raises:
        NothingToReview: nominals, links or crime reports are not loaded.
        KeyLost: registers stand and the key of their hashes is gone.
    """
    missing = [name for name in NEEDED if not lake_files(home, name)]
    if missing:
        raise NothingToReview(
            f"{', '.join(missing)} hold no rows, so nobody can be reviewed. Land and "
            "load them first (edp land, edp run)."
        )
    frames = {
        name: _read(lake_files(home, data_set), sql)
        for name, (data_set, sql) in _READ.items()
    }
    contacts = [
        _read(paths, sql)
        for data_set, sql in _CONTACTS.items()
        if (paths := lake_files(home, data_set))
    ]
    nominal_ids = frames["nominals"]["nominal_id"]
    contacts.append(Notices(home).of(nominal_ids))
    decided = Decisions(home).decided(nominal_ids)
    holds = Holds(home)
    return ReviewInputs(
        **frames,
        contacts=pl.concat(
            one.select(
                pl.col(name).cast(kind) for name, kind in INPUTS["contacts"].items()
            )
            for one in contacts
        ),
        persons=_persons(home),
        held_nominals=pl.DataFrame(
            {"nominal_id": holds.nominals(nominal_ids)},
            schema=INPUTS["held_nominals"],
        ),
        held_crimes=pl.DataFrame(
            {"crime_number": sorted(holds.crimes())}, schema=INPUTS["held_crimes"]
        ),
        retained=decided.filter(pl.col("decision") == "retain").select(
            "nominal_id", "on"
        ),
    )


def _persons(home: Home) -> pl.DataFrame:
    """Return nominal → person as linkage last found it; nothing where it has not run."""
    path = home.linkage / "clusters.parquet"
    if not path.exists():
        return pl.DataFrame(schema=INPUTS["persons"])
    return pl.read_parquet(path, columns=["nominal_id", "person_id"])


def _read(paths: Sequence[Path], sql: str) -> pl.DataFrame:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(
            "create view given as from read_parquet("
            f"{[str(path) for path in paths]}, union_by_name = true, "
            "hive_partitioning = false)"
        )
        return connection.execute(sql).pl()
