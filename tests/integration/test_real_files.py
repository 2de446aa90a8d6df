"""The corpus of published files, landed and loaded: every row accounted for.

Figures come from `manifest.csv`, from the README of the corpus, and from DuckDB reading
the CSVs by itself, never from the code under test.
"""

from __future__ import annotations

import csv
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from edp_platform.ingestion.land import Landed
from edp_platform.ingestion.loading import LoadResult, load_months
from edp_platform.ingestion.reconciliation import Account
from edp_platform.ingestion.revisions import Revision, read_revisions
from tests.landing_room import Room, all_data_sets, bytes_under, open_room

EARLIER = date(2024, 3, 1)
ALL_ROWS = 409_031
CITY = "city-of-london"
SOURCES = ("police_uk", "police_uk_zip", "london_datastore", "reference")


@dataclass
class Corpus:
    """The corpus as it stands in one home."""

    room: Room
    folder: Path
    landed: list[Landed]
    loads: dict[str, LoadResult]

    def account(self, file: str) -> Account:
        """Return the account of one file of the manifest (`zip!member` in a zip)."""
        return self.accounts()[file]

    def accounts(self) -> dict[str, Account]:
        found = {}
        for name in self.loads:
            deliveries = self.room.supplies(name).deliveries
            by_order = sorted(deliveries, key=lambda one: one.order)
            for delivery, one in zip(by_order, self.room.accounts(name), strict=True):
                assert delivery.file == one.file
                found[delivery.received_as.removeprefix(f"{self.folder}/")] = one
        return found


@pytest.fixture(scope="module")
def corpus(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Corpus]:
    """Everything landed (the earlier releases as such) and every month loaded."""
    folder = tmp_path_factory.mktemp("corpus")
    source = shared_data.resolve()
    room = open_room(folder, all_data_sets(folder / "home"))
    landed = room.land(source / "police_uk_earlier_release", release=EARLIER)
    zips = sorted((source / "police_uk_zip").glob("*.zip"))
    folders = [source / name for name in SOURCES if name != "police_uk_zip"]
    landed += room.land(folders[0], *zips, *folders[1:])
    names = [*room.data_sets.by_name]
    # Stop and search rows are placed by the boundaries, which must stand first.
    names.sort(key=lambda name: name != "borough_boundaries")
    yield Corpus(room, source, landed, {name: room.load(name) for name in names})


@pytest.fixture(scope="module")
def manifest(shared_data: Path) -> list[dict[str, str]]:
    with (shared_data / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# ------------------------------------------------------------------- every row


def test_every_file_of_the_manifest_landed_and_nothing_else(
    corpus: Corpus, manifest: list[dict[str, str]]
) -> None:
    assert {one.outcome for one in corpus.landed} == {"landed"}
    landed = [one.name.removeprefix(f"{corpus.folder}/") for one in corpus.landed]
    listed = [
        one["file"]
        for one in manifest
        # A zip is a line of its own besides its members; it is not kept itself.
        if not one["file"].endswith(".zip")
    ]
    assert sorted(landed) == sorted(listed)


def test_every_file_landed_with_the_rows_of_the_manifest(
    corpus: Corpus, manifest: list[dict[str, str]]
) -> None:
    """Rows that a CSV file holds, counted by another program when it was obtained."""
    accounts = corpus.accounts()
    stated = {one["file"]: int(one["rows"]) for one in manifest if one["rows"]}
    differ = {
        file: (rows, accounts[file].landed)
        for file, rows in stated.items()
        if not file.endswith(".zip") and accounts[file].landed != rows
    }
    assert differ == {}
    counted = [rows for file, rows in stated.items() if not file.endswith(".zip")]
    assert sum(counted) == ALL_ROWS


def test_every_row_of_every_file_is_loaded_kept_out_or_superseded(
    corpus: Corpus,
) -> None:
    wrong = {}
    for file, one in corpus.accounts().items():
        parts = (
            one.loaded
            + one.quarantined
            + one.set_aside
            + one.superseded
            + one.disposed
            + one.waiting
        )
        if parts != one.landed or not one.is_exact:
            wrong[file] = one
    assert wrong == {}


def test_nothing_waits_and_nothing_real_is_quarantined(corpus: Corpus) -> None:
    """Published files break no rule that costs a row; every fault has another rule."""
    accounts = corpus.accounts().values()
    assert sum(one.waiting + one.disposed for one in accounts) == 0
    assert sum(one.quarantined for one in accounts) == 0
    assert list(corpus.room.home.quarantine.rglob("*.parquet")) == []


def test_what_is_set_aside_or_superseded_is_what_the_readme_says(
    corpus: Corpus,
) -> None:
    aside: Counter[str] = Counter()
    superseded = {}
    for file, one in corpus.accounts().items():
        aside[one.data_set] += one.set_aside
        if one.superseded:
            superseded[file] = one.superseded
    assert {name for name, count in aside.items() if count} == {
        "police_uk_street",
        "police_uk_outcomes",
    }
    earlier = "police_uk_earlier_release"
    assert set(superseded) == {
        f"{earlier}/{month}/{month}-{CITY}-street.csv"
        for month in ("2023-03", "2024-01", "2024-02")
    }
    assert sum(superseded.values()) == 2_269  # all rows of those three files


def test_every_cell_of_the_two_ward_releases_is_accounted_for(corpus: Corpus) -> None:
    accounts = corpus.accounts()
    ward = "MPS Ward Level Crime (most recent 24 months).csv"
    earlier = accounts[f"london_datastore/release_2025-07/{ward}"].cells
    later = accounts[f"london_datastore/release_2026-02/{ward}"].cells
    assert earlier is not None and later is not None
    # 24 columns each; 2024-02 to 2025-06 stand in both, so 7 months are left of one.
    assert earlier["landed"] == 17_894 * 24
    assert (earlier["loaded"], earlier["superseded"]) == (17_894 * 7, 17_894 * 17)
    assert (later["landed"], later["loaded"]) == (18_695 * 24, 18_695 * 24)


# ------------------------------------------- the same figures by another program


@pytest.fixture(scope="module")
def by_duckdb(
    shared_data: Path,
    manifest: list[dict[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> duckdb.DuckDBPyConnection:
    """Every active police.uk CSV read by DuckDB alone, one file at a time.

    Auto-detection over a glob that mixes LF and CRLF loses rows without a word, so
    each file is read by itself, all as text, and counted against the manifest.
    """
    unpacked = tmp_path_factory.mktemp("unpacked")
    connection = duckdb.connect()
    rows = {one["file"]: int(one["rows"]) for one in manifest if one["rows"]}
    made = set()
    for file, count in rows.items():
        match = re.search(
            r"(\d{4}-\d{2})-([a-z-]+?)-(street|outcomes|stop-and-search)\.csv$", file
        )
        if match is None or file.startswith("police_uk_earlier_release"):
            continue
        month, force, kind = match.groups()
        path = shared_data / file
        if "!" in file:
            archive, member = file.split("!")
            with zipfile.ZipFile(shared_data / archive) as opened:
                path = Path(opened.extract(member, unpacked))
        table = kind.replace("-", "_")
        query = (
            "select *, ? as file_name_month, ? as force from read_csv(?, header=true, "
            "all_varchar=true, delim=',', quote='\"', escape='\"')"
        )
        verb = f"insert into {table}" if table in made else f"create table {table} as"
        made.add(table)
        connection.execute(f"{verb} {query}", [month, force, str(path)])
        held = connection.execute(
            f"select count(*) from {table} where file_name_month = ? and force = ?",
            [month, force],
        ).fetchone()
        assert held == (count,), file
    return connection


def _pairs(query: duckdb.DuckDBPyConnection) -> dict[tuple[str, ...], int]:
    return {tuple(row[:-1]): row[-1] for row in query.fetchall()}


def _counted(frame: pl.DataFrame, *names: str) -> dict[tuple[str, ...], int]:
    return {tuple(row[:-1]): row[-1] for row in frame.group_by(names).len().iter_rows()}


@pytest.mark.parametrize(
    ("data_set", "table", "theirs", "ours"),
    [
        ("police_uk_street", "street", "Crime type", "crime_type"),
        ("police_uk_outcomes", "outcomes", "Outcome type", "outcome_type"),
    ],
)
def test_counts_by_month_force_and_type_equal_duckdb_reading_the_files(
    corpus: Corpus,
    by_duckdb: duckdb.DuckDBPyConnection,
    data_set: str,
    table: str,
    theirs: str,
    ours: str,
) -> None:
    """Exact repeats that carry a Crime ID count once; blank ones each count."""
    expected = _pairs(
        by_duckdb.execute(
            f"""
            with numbered as (
                select *, row_number() over () as n from {table}
            ), kept as (
                select * exclude (n) from numbered where "Crime ID" is null
                union all
                select distinct * exclude (n) from numbered
                where "Crime ID" is not null
            )
            select file_name_month, force, "{theirs}", count(*) from kept
            group by all
            """
        )
    )
    assert _counted(corpus.room.lake(data_set), "month", "force", ours) == expected


def test_set_aside_repeats_equal_duckdbs(
    corpus: Corpus, by_duckdb: duckdb.DuckDBPyConnection
) -> None:
    for data_set, table in (
        ("police_uk_street", "street"),
        ("police_uk_outcomes", "outcomes"),
    ):
        expected = by_duckdb.execute(
            f"""
            select sum(n - 1) from (
                select count(*) as n from {table}
                where "Crime ID" is not null group by all
            )
            """.replace("select count(*) as n", "select columns(*), count(*) as n")
        ).fetchone()
        aside = sum(one.set_aside for one in corpus.room.accounts(data_set))
        assert expected == (aside,) and aside > 0


def test_shared_identifiers_and_blank_repeats_are_flagged_as_duckdb_finds_them(
    corpus: Corpus, by_duckdb: duckdb.DuckDBPyConnection
) -> None:
    street = corpus.room.lake("police_uk_street")
    (shared,) = by_duckdb.execute(
        """
        select count(*) from (
            select * from (
                select distinct * from street where "Crime ID" is not null
            )
            qualify count(*) over (partition by "Crime ID", file_name_month, force) > 1
        )
        """
    ).fetchone() or (0,)
    assert street["shares_identifier"].sum() == shared > 0
    btp = street.filter(pl.col("force") == "btp")
    assert btp.height == 5_946
    assert btp["is_exact_repeat"].sum() == 3_098  # README: all kept, told apart
    assert not btp["shares_identifier"].any()


def test_stop_and_search_is_kept_whole_with_its_repeats_flagged(
    corpus: Corpus, by_duckdb: duckdb.DuckDBPyConnection
) -> None:
    rows = corpus.room.lake("police_uk_stop_and_search")
    expected = _pairs(
        by_duckdb.execute(
            "select file_name_month, force, count(*) from stop_and_search group by all"
        )
    )
    assert _counted(rows, "month", "force") == expected
    (repeats,) = by_duckdb.execute(
        """
        select sum(n - 1) from (
            select columns(*), count(*) as n from stop_and_search group by all
        )
        """
    ).fetchone() or (0,)
    assert rows["is_exact_repeat"].sum() == repeats > 0


def test_first_rows_of_a_summer_month_keep_their_utc_date_and_their_file_s_month(
    corpus: Corpus,
) -> None:
    june = corpus.room.month("police_uk_stop_and_search", "2016-06").filter(
        (pl.col("force") == "metropolitan")
        & (pl.col("searched_at").dt.strftime("%Y-%m") == "2016-05")
    )
    assert june.height == 13  # as the README counts them


def test_wide_tables_sum_to_what_duckdb_sums(corpus: Corpus, shared_data: Path) -> None:
    ward = corpus.room.lake("mps_ward_crime")
    name = "MPS Ward Level Crime (most recent 24 months).csv"
    for release, months in (
        ("2025-07", ("2023-07",)),
        ("2026-02", ("2024-02", "2025-05")),
    ):
        path = shared_data / "london_datastore" / f"release_{release}" / name
        for month in months:
            (total, rows) = duckdb.execute(
                f'select sum("{month.replace("-", "")}"::int), count(*) '
                "from read_csv(?, header=true, all_varchar=true)",
                [str(path)],
            ).fetchone() or (0, 0)
            held = ward.filter(pl.col("month") == month)
            assert (held["crimes"].sum(), held.height) == (total, rows)
    total = ward.filter(pl.col("month") == "2025-05")["crimes"].sum()
    assert total == 76_977  # README: 77,428 in the release before


def test_survey_values_have_points_for_commas_and_a_month_a_quarter(
    corpus: Corpus,
) -> None:
    survey = corpus.room.lake("mopac_public_attitude_survey")
    assert survey["month"].n_unique() == 37
    assert survey["proportion"].is_between(0, 1).all()
    assert survey["measure"].n_unique() == 8
    assert '"Good Job" local' in survey["measure"].to_list()


# ------------------------------------------------------------------- revisions


def _street_revision(corpus: Corpus, month: str) -> Revision:
    (found,) = [
        one
        for one in read_revisions(corpus.room.home, "police_uk_street")
        if one.month == month
    ]
    return found


def test_two_releases_of_2024_01_differ_as_the_readme_counts(corpus: Corpus) -> None:
    revision = _street_revision(corpus, "2024-01")
    assert (revision.earlier_release, revision.scope) == ("2024-03-01", CITY)
    assert revision.identifiers == 704
    assert revision.identifiers_changed["last_outcome_category"] == 349
    places = {"longitude", "latitude", "location"}  # "a few", says the README
    assert set(revision.identifiers_changed) == {"last_outcome_category", *places}
    assert max(revision.identifiers_changed[name] for name in places) < 5


def test_rows_of_two_releases_pair_as_duckdb_pairs_them(
    corpus: Corpus, shared_data: Path
) -> None:
    """16 marks stand on two rows each, so 704 marks are 720 pairs of rows."""
    file = f"2024-01/2024-01-{CITY}-street.csv"
    paths = [
        str(shared_data / folder / file)
        for folder in ("police_uk_earlier_release", "police_uk")
    ]
    values = (
        'Longitude::double, Latitude::double, Location, "LSOA code", "Crime type", '
        '"Last outcome category"'
    )
    release = f"""
        select *, row_number() over (
            partition by "Crime ID" order by {values}
        ) as nth
        from (select distinct * from read_csv(?, header=true, all_varchar=true))
        where "Crime ID" is not null
    """
    paired = duckdb.execute(
        f"""
        select count(*), count(*) filter (
            earlier."Last outcome category"
            is distinct from later."Last outcome category"
        )
        from ({release}) as earlier join ({release}) as later
        using ("Crime ID", nth)
        """,
        paths,
    ).fetchone()
    revision = _street_revision(corpus, "2024-01")
    changed = revision.changed["last_outcome_category"]
    assert (revision.matched, changed) == paired
    assert (revision.matched, revision.added, revision.removed) == (720, 1, 0)
    assert (revision.unidentified_added, revision.unidentified_removed) == (0, 0)


def test_only_republished_slices_have_a_revision(corpus: Corpus) -> None:
    found = read_revisions(corpus.room.home)
    street = {one.month for one in found if one.data_set == "police_uk_street"}
    assert street == {"2023-03", "2024-01", "2024-02"}
    ward = [one for one in found if one.data_set == "mps_ward_crime"]
    assert len(ward) == 17 and len(found) == 20


def test_ward_releases_differ_in_as_many_cells_as_the_readme_counts(
    corpus: Corpus,
) -> None:
    ward = read_revisions(corpus.room.home, "mps_ward_crime")
    assert sum(one.matched for one in ward) == 277_763
    assert sum(one.changed["crimes"] for one in ward) == 18_112
    assert all(set(one.changed) == {"crimes"} for one in ward)


# ------------------------------------------------------------- doing it again


def test_landing_everything_again_changes_no_byte(corpus: Corpus) -> None:
    home = corpus.room.home
    before = bytes_under(home.landing)
    earlier = corpus.folder / "police_uk_earlier_release"
    again = corpus.room.land(earlier, release=EARLIER)
    zips = sorted((corpus.folder / "police_uk_zip").glob("*.zip"))
    folders = [corpus.folder / name for name in SOURCES if name != "police_uk_zip"]
    again += corpus.room.land(*folders, *zips)
    assert {one.outcome for one in again} == {"unchanged"}
    assert len(again) == len(corpus.landed)
    assert bytes_under(home.landing) == before


def test_loading_everything_again_writes_no_month(corpus: Corpus) -> None:
    room = corpus.room
    parts = sorted(room.home.raw.rglob("*.parquet"))
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in parts}
    revisions = bytes_under(room.home.revisions)
    for name, load in corpus.loads.items():
        assert room.due(name) == []
        supplies = room.supplies(name)
        data_set = room.data_sets.by_name[name]
        again = load_months(room.home, data_set, supplies, supplies.months)
        assert again.changed == []
        assert [(one.month, one.rows) for one in again.months] == [
            (one.month, one.rows) for one in load.months
        ]
        assert again.accounts == load.accounts
    after = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in parts}
    assert after == before
    assert sorted(room.home.raw.rglob("*.parquet")) == parts
    assert bytes_under(room.home.revisions) == revisions


def test_rebuilding_a_month_gives_the_same_rows(corpus: Corpus) -> None:
    room = corpus.room
    for name, month in (
        ("police_uk_street", "2023-03"),
        ("police_uk_stop_and_search", "2018-02"),
        ("mps_ward_crime", "2024-02"),
    ):
        before = room.month(name, month)
        (again,) = room.load(name, [month], rebuild=True).months
        assert again.changed
        assert room.month(name, month).equals(before)
