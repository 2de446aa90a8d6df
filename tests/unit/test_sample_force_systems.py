"""The sample force's internal systems: that the truth file tells the truth of them.

Recounted with DuckDB over the written files, never with the code that made them.
"""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from math import log
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from edp_platform.contracts.loading import load_contract
from edp_platform.sample import make_sample
from edp_platform.sample.force_systems import DATA_SETS
from edp_platform.sample.force_systems.arrivals import Arrivals, TooMany, arrive
from edp_platform.sample.force_systems.columns import Areas
from edp_platform.sample.force_systems.duties import DutyMaker
from edp_platform.sample.force_systems.nominals import People
from edp_platform.sample.force_systems.patrol_effect import PatrolEffect
from edp_platform.sample.force_systems.reports import ReportMaker
from edp_platform.sample.geography import make_geography
from edp_platform.sample.timeline import Timeline, month_start

TODAY = date(2025, 11, 22)
DEFS = Path(__file__).parents[2] / "edp_platform" / "defs" / "datasets"
RECORDS, REPORTS, LINKS = "nominals", "crime_reports", "crime_report_persons"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five months of the small sample, ending 2025-09."""
    folder = tmp_path_factory.mktemp("systems")
    make_sample(folder, "small", 5, seed=3, today=TODAY)
    return folder


@pytest.fixture(scope="module")
def truth(sample: Path) -> dict[str, Any]:
    text = (sample / "truth.json").read_text(encoding="utf-8")
    return json.loads(text)["force_systems"]


def table(sample: Path, data_set: str) -> str:
    """Return SQL for every row of a data set's files, as text."""
    kebab = data_set.replace("_", "-")
    return (
        f"read_csv('{sample}/force_systems/*/*-sample-force-{kebab}.csv', "
        "header = true, all_varchar = true, filename = true)"
    )


def one(sql: str) -> Any:
    found = duckdb.sql(sql).fetchone()
    assert found is not None
    return found[0]


# --------------------------------------------------------------------- shapes


@pytest.mark.parametrize("data_set", DATA_SETS)
def test_headers_are_those_of_the_contract(sample: Path, data_set: str) -> None:
    contract = load_contract(DEFS / data_set / "contract.yaml")
    kebab = data_set.replace("_", "-")
    path = sample / f"force_systems/2025-07/2025-07-sample-force-{kebab}.csv"
    header = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert header == [column.physical_name for column in contract.received]


def test_former_systems_records_come_first_and_are_older(sample: Path) -> None:
    """Persons, reports and links only, and reports of before the window only."""
    folder = sample / "force_systems/2025-04"
    kinds = {path.name.split("sample-force-")[1] for path in folder.iterdir()}
    assert kinds == {"nominals.csv", "crime-reports.csv", "crime-report-persons.csv"}
    path = folder / "2025-04-sample-force-crime-reports.csv"
    years = one(f"select count(distinct year(\"Reported at\")) from '{path}'")
    assert years > 20
    assert one(f"select max(\"Reported at\") < date '2025-05-01' from '{path}'")


def test_same_arguments_give_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    make_sample(tmp_path, "small", 5, seed=3, today=date(2025, 11, 1))

    def digests(folder: Path) -> dict[str, str]:
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (folder / "force_systems").rglob("*.csv")
        }

    assert digests(tmp_path) == digests(sample)


def test_months_do_not_change_when_more_follow(tmp_path: Path) -> None:
    """Numbers run on, so what was sent once is not sent otherwise later."""
    made = []
    for name, months, end in (("short", 2, "2025-08"), ("long", 3, "2025-09")):
        make_sample(tmp_path / name, "small", months, 1, end, today=TODAY)
        folder = tmp_path / name / "force_systems/2025-07"
        made.append(
            {path.name: path.read_bytes() for path in sorted(folder.glob("*nominals*"))}
        )
    assert made[0] == made[1]


def test_nothing_points_at_a_real_person_or_place(sample: Path) -> None:
    """No postcode area begins with Q, V or X, no telephone number with 06."""
    people = table(sample, RECORDS)
    letters = duckdb.sql(
        f"select distinct left(Postcode, 1) from {people} "
        "where Postcode is not null and not Postcode similar to '(ZZ|AA|NO).*'"
    ).fetchall()
    assert {letter for (letter,) in letters} == {"Q", "V", "X"}
    assert one(f"select bool_and(Phone like '06%') from {people}")
    assert one(f"select bool_and(Email like '%@mail.example') from {people}")


# ---------------------------------------------------------------------- truth


def test_rows_and_environment_are_as_told(sample: Path, truth: dict[str, Any]) -> None:
    for data_set in DATA_SETS:
        told = sum(
            facts["rows"]
            for facts in truth["files"].values()
            if facts["data_set"] == data_set
        )
        assert one(f"select count(*) from {table(sample, data_set)}") == told > 0
    # One row a crime number, and only sound ones: contradictions and impossible times
    # are refused, repeats set aside.
    counted = duckdb.sql(
        f"""
        with every as (select * exclude filename from {table(sample, REPORTS)}),
        sound as (
            select distinct * from every
            where "Occurred from" is null or "Occurred from" <= "Reported at"
        )
        select coalesce(Environment, 'unknown'), count(*) from sound
        where "Crime number" not in (
            select "Crime number" from sound group by 1 having count(*) > 1
        )
        group by 1
        """
    ).fetchall()
    assert dict(counted) == truth["environment"]
    unknown = truth["environment"]["unknown"] / sum(truth["environment"].values())
    assert truth["environment_unknown_share"] == pytest.approx(unknown)
    assert 0.1 < unknown < 0.4


def faults(sample: Path) -> dict[str, int]:
    """Count every planted fault with SQL that knows the law and not the generator."""
    people, reports, links = (table(sample, name) for name in (RECORDS, REPORTS, LINKS))
    real = "'[A-Z]{1,2}[0-9]{1,2} [0-9][A-Z]{2}'"
    good_people = f"""(
        select * from {people}
        where ("Date of birth" is null or "Date of birth" <= "Recorded on")
        and (Postcode is null or (
            regexp_full_match(Postcode, {real})
            and not Postcode similar to '(ZZ|AA1).*' and Postcode not like '%CC'))
    )"""
    return {
        "future_date_of_birth": one(
            f'select count(*) from {people} where "Date of birth" > "Recorded on"'
        ),
        "fake_postcode": one(
            f"""select count(*) from {people} where Postcode similar to '(ZZ99|AA1).*'
            or not regexp_full_match(Postcode, {real}) or Postcode like '%CC'"""
        ),
        "missing_date_of_birth": one(
            f'select count(*) from {good_people} where "Date of birth" is null'
        ),
        "child_under_10": one(
            f"""select count(*) from {good_people} where
            cast("Date of birth" as date)
            > cast("Recorded on" as date) - interval 10 year"""
        ),
        "null_category": one(
            f'select count(*) from {links} where "Subject category" is null'
        ),
        "orphan_link": one(
            f"""select count(*) from {links}
            where "Nominal ID" not in (select "Nominal ID" from {people})"""
        ),
        "link_without_report": one(
            f"""select count(*) from {links}
            where "Crime number" not in (select "Crime number" from {reports})"""
        ),
        "orphan_nominal": one(
            f"""select count(*) from {good_people} where "Nominal ID" not in (
                select "Nominal ID" from {links}
                where "Subject category" is not null)"""
        ),
        "repeated_crime_number": one(
            f"""select count(*) - count(distinct every) from (
                select (columns(* exclude filename)) from {reports}) as every"""
        ),
        "contradicting_crime_number": one(
            f"""select coalesce(sum(n), 0) from (
                select count(distinct every) as n from (
                    select * exclude filename from {reports}) as every
                group by every."Crime number" having count(distinct every) > 1)"""
        ),
        "missing_mopi_group": one(
            f"""with sound as (
                select distinct * exclude filename from {reports}
                where "Occurred from" is null or "Occurred from" <= "Reported at")
            select count(*) from sound where "MoPI group" is null
            and "Crime number" not in (
                select "Crime number" from sound group by 1 having count(*) > 1)"""
        ),
        "impossible_times": sum(
            one(f"select count(*) from {table(sample, name)} where {broken}")
            for name, broken in (
                (REPORTS, '"Occurred from" > "Reported at"'),
                ("calls_for_service", '"Arrived at" < "Received at"'),
                ("custody_records", '"Released at" < "Detention authorised at"'),
                ("misconduct_cases", '"Closed on" < "Opened on"'),
            )
        ),
    }


def test_planted_faults_equal_an_independent_count(
    sample: Path, truth: dict[str, Any]
) -> None:
    counted = faults(sample)
    assert all(counted.values())
    assert counted == {name: truth["planted"][name] for name in counted}


def test_quarantined_lines_are_where_they_are_told(
    sample: Path, truth: dict[str, Any]
) -> None:
    for path, facts in truth["files"].items():
        lines = (sample / path).read_text(encoding="utf-8").splitlines()
        rows = list(csv.reader(lines))
        for fault in facts["quarantine"]:
            row = dict(zip(rows[0], rows[fault["line"] - 1], strict=True))
            match fault["reason"]:
                case "future_date_of_birth":
                    assert row["Date of birth"] > row["Recorded on"]
                case "null_category":
                    assert row["Subject category"] == ""
                case "fake_postcode":
                    assert not row["Postcode"].startswith(("QA", "VA", "XA"))
                case "contradicting_crime_number":
                    number = row["Crime number"]
                    assert sum(line.startswith(number) for line in lines) == 2
                case "impossible_times":
                    pass  # counted above, by data set
                case reason:
                    pytest.fail(f"unknown reason {reason}")


def test_one_person_may_have_several_records(
    sample: Path, truth: dict[str, Any]
) -> None:
    known = pl.read_parquet(sample / "nominal_truth.parquet")
    assert known.columns == ["nominal_id", "person_id"]
    assert known["nominal_id"].is_unique().all()
    assert known.height == truth["nominals"]
    assert known["person_id"].n_unique() == truth["persons"] < known.height
    # Every record that loads is somebody's, and nobody else is.
    loaded = duckdb.sql(
        f'select "Nominal ID" as nominal_id from {table(sample, RECORDS)}'
    ).pl()
    refused = sum(
        len(facts["quarantine"])
        for facts in truth["files"].values()
        if facts["data_set"] == RECORDS
    )
    assert known.join(loaded, on="nominal_id", how="anti").is_empty()
    assert loaded.height - known.height == refused
    # Records of one person differ in how the person is written, or nothing is planted.
    written = duckdb.sql(
        f"""select "Nominal ID" as nominal_id, Surname, "First name",
        "Date of birth", Postcode from {table(sample, RECORDS)}"""
    ).pl()
    several = known.filter(pl.len().over("person_id") > 1).join(
        written, on="nominal_id"
    )
    same = several.group_by("person_id").agg(
        pl.struct("Surname", "First name", "Date of birth", "Postcode").n_unique()
    )
    assert (same["Surname"] > 1).mean() > 0.5  # type: ignore[operator]


def test_faults_can_be_switched_off(tmp_path: Path) -> None:
    make_sample(tmp_path, "small", 2, seed=1, today=TODAY, faults=False)
    text = (tmp_path / "truth.json").read_text(encoding="utf-8")
    told = json.loads(text)["force_systems"]
    assert not any(facts["quarantine"] for facts in told["files"].values())
    counted = faults(tmp_path)
    natural = {"missing_date_of_birth", "child_under_10", "missing_mopi_group"}
    assert {name for name, number in counted.items() if number} <= natural


def test_published_files_can_be_made_alone(sample: Path, tmp_path: Path) -> None:
    """And are the same files, whether internal systems are made beside them or not."""
    made = make_sample(tmp_path, "small", 5, seed=3, today=TODAY, systems=False)
    assert not (tmp_path / "force_systems").exists()
    alone = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert len(alone) == made.files + 1  # and the truth
    for path in alone - {tmp_path / "truth.json"}:
        name = path.relative_to(tmp_path)
        assert path.read_bytes() == (sample / name).read_bytes(), name


# ----------------------------------------------------------- planted for analysis


def makers(end: str, months: int) -> tuple[ReportMaker, DutyMaker, Timeline]:
    geography = make_geography("medium", 3)
    timeline = Timeline.ending(end, months)
    effect = PatrolEffect.planned(timeline, geography)
    areas, until = Areas(geography), date(2025, 10, 15)
    reports = ReportMaker(areas, 3, until, effect)
    return reports, DutyMaker(areas, People(3), 3, until, effect), timeline


def test_patrols_prevent_a_quarter_of_one_crime_type_where_they_run() -> None:
    """Within three standard errors; and neither elsewhere nor before."""
    reports, duties, timeline = makers("2025-09", 24)
    effect = PatrolEffect.planned(timeline, make_geography("medium", 3))
    told = effect.as_truth()
    assert told is not None and (told["from"], len(effect.boroughs)) == ("2024-10", 14)
    here = pl.col("borough_code").is_in(effect.boroughs)
    outcome = (pl.col("crime_type") == told["crime_type"]) & (
        pl.col("environment").eq_missing("public")
    )
    counts: dict[tuple[bool, bool, bool], int] = {}
    for month in (*timeline.window[:3], *timeline.window[-3:]):
        window = (month_start(month), month_start(month + 1))
        made = reports.reports(month, 8_000, window, faults=0)
        is_since = month >= timeline.last - 11
        assert (made.prevented > 0) is is_since
        for about, there, rows in (
            made.table.group_by(about=outcome, there=here).len().iter_rows()
        ):
            key = (is_since, about, there)
            counts[key] = counts.get(key, 0) + rows
        patrols = duties.patrols(month, 3_000, window)
        hotspot = patrols.filter(pl.col("activity") == "hotspot patrol")
        placed = hotspot.drop_nulls("borough_code")
        assert (hotspot.height > 200) is is_since
        assert placed.select(here.all()).item()
    for about, factor in ((True, 0.75), (False, 1.0)):
        four = [
            counts[when, about, there] for when in (True, False) for there in (1, 0)
        ]
        ratio = (four[0] / four[1]) / (four[2] / four[3])
        error = sum(1 / one for one in four) ** 0.5
        assert abs(log(ratio / factor)) < 3 * error


def test_short_windows_plant_no_effect_of_patrols(truth: dict[str, Any]) -> None:
    assert truth["patrol_effect"] is None
    reports, duties, timeline = makers("2025-09", 17)
    window = (date(2025, 9, 1), date(2025, 10, 1))
    assert reports.reports(timeline.last, 500, window, faults=0).prevented == 0
    activities = duties.patrols(timeline.last, 500, window)["activity"]
    assert activities.eq("hotspot patrol").mean() == pytest.approx(0.16, abs=0.05)


def test_some_burglaries_are_followed_by_another_in_the_same_small_area() -> None:
    """Several times as often as areas drawn one by one would show."""
    reports, _, timeline = makers("2025-09", 3)
    window = (month_start(timeline.last), month_start(timeline.last + 1))
    made = reports.reports(timeline.last, 8_000, window, faults=0)
    burglaries = made.table.filter(pl.col("offence_code") == "28E")
    follows = burglaries.with_columns(
        near=(pl.col("reported_at").diff().over("lsoa_code") <= timedelta(days=7))
    )["near"].sum()
    others = made.table.filter(pl.col("offence_code") == "30C")
    by_chance = others.with_columns(
        near=(pl.col("reported_at").diff().over("lsoa_code") <= timedelta(days=7))
    )["near"].sum()
    assert made.near_repeats > 0.12 * burglaries.height
    share = by_chance / others.height * burglaries.height / others.height
    assert follows / burglaries.height > 1.5 * share
    postcodes = burglaries["location_postcode"].drop_nulls()
    assert 0.02 * burglaries.height < len(postcodes) - postcodes.n_unique()


def test_calls_come_oftener_at_the_end_of_the_week(sample: Path) -> None:
    day = 'isodow(cast("Received at" as timestamp))'
    weekend = one(
        f"select avg(case when {day} in (5, 6) then 1 else 0 end) "
        f"from {table(sample, 'calls_for_service')}"
    )
    assert weekend > 2 / 7 + 0.01


# ------------------------------------------------------------------- arrivals


@pytest.fixture
def drip() -> Any:
    areas = Areas(make_geography("small", 3))

    def next_of(before: Arrivals | None, now: datetime, reports: int = 3) -> Arrivals:
        return arrive(
            before,
            now=now,
            since=timedelta(minutes=5),
            calls=10,
            reports=reports,
            areas=areas,
            nominal_ids=pl.Series(["N00000001", "N00000002"]),
            seed=3,
        )

    return next_of


NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)


def test_arrivals_add_up_and_leave_earlier_rows_alone(drip: Any) -> None:
    first = drip(None, NOW)
    second = drip(first, NOW + timedelta(minutes=5))
    assert (second.calls.height, second.reports.height) == (20, 6)
    assert second.calls.head(10).equals(first.calls)
    assert second.links.head(first.links.height).equals(first.links)
    for frame, key in ((second.calls, "call_number"), (second.links, "link_id")):
        assert frame[key].is_unique().all()
    assert set(second.links["crime_number"]) <= set(second.reports["crime_number"])


def test_the_same_moment_gives_the_same_arrivals(drip: Any) -> None:
    one_way, other = drip(None, NOW), drip(None, NOW)
    assert one_way.calls.equals(other.calls)
    assert one_way.links.equals(other.links)


def test_an_extract_knows_nothing_later_than_its_moment(
    drip: Any, tmp_path: Path
) -> None:
    arrivals = drip(None, NOW)
    arrivals.keep(tmp_path)
    kept = Arrivals.read(tmp_path)
    assert kept is not None

    def known_at(moment: datetime) -> pl.DataFrame:
        calls, reports, links = kept.write(tmp_path, moment)
        assert calls.name == "2025-11-sample-force-calls-for-service.csv"
        assert {reports.name, links.name} == {
            "2025-11-sample-force-crime-reports.csv",
            "2025-11-sample-force-crime-report-persons.csv",
        }
        return pl.read_csv(calls, try_parse_dates=True)

    now, later = known_at(NOW), known_at(NOW + timedelta(days=2))
    for name in ("Received at", "Despatched at", "Arrived at", "Closed at"):
        times = now[name].drop_nulls()
        assert times.is_empty() or times.max() <= NOW
    assert later["Arrived at"].null_count() < now["Arrived at"].null_count()
    assert later["Closed at"].null_count() == 0


def test_arrivals_of_the_first_minute_of_a_month_stay_in_it(drip: Any) -> None:
    arrivals = drip(None, datetime(2025, 11, 1, 0, 0, 30, tzinfo=UTC))
    assert arrivals.calls["received_at"].min() >= datetime(2025, 11, 1, tzinfo=UTC)


def test_numbers_of_a_month_run_out_with_a_word(drip: Any) -> None:
    with pytest.raises(TooMany, match="Wait for the next month"):
        drip(drip(None, NOW, 9_998), NOW, 2)
