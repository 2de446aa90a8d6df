"""The internal systems from file to mart: every planted fault is where truth says.

Marts are held against DuckDB over the received CSV files, without the lines that truth
says must be refused.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from tests.integration.conftest import Platform

pytestmark = pytest.mark.doors


@pytest.fixture(scope="session")
def truth(systems: Platform) -> dict[str, Any]:
    text = (systems.sample / "truth.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)["force_systems"]
    return found


@pytest.fixture(scope="session")
def received(
    systems: Platform,
    truth: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> duckdb.DuckDBPyConnection:
    """A view a data set over the received lines that are sound, with `file_month`."""
    folder = tmp_path_factory.mktemp("received")
    for path, facts in truth["files"].items():
        refused = {fault["line"] for fault in facts["quarantine"]}
        records = list(
            csv.reader((systems.sample / path).read_text(encoding="utf-8").splitlines())
        )
        sound = [
            tuple(record)
            for line, record in enumerate(records[1:], start=2)
            if line not in refused
        ]
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow([*records[0], "file_month"])
        writer.writerows([*one, f"{facts['month']}-01"] for one in dict.fromkeys(sound))
        target = folder / facts["data_set"] / f"{facts['month']}.csv"
        target.parent.mkdir(exist_ok=True)
        target.write_text(text.getvalue(), encoding="utf-8")
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for each in folder.iterdir():
        connection.execute(
            f"create view {each.name} as select * from "
            f"read_csv('{each}/*.csv', header = true, nullstr = '')"
        )
    return connection


def warehouse(platform: Platform) -> duckdb.DuckDBPyConnection:
    """Open the warehouse itself, which no person may ask."""
    connection = duckdb.connect(
        str(platform.home / "warehouse/edp.duckdb"), read_only=True
    )
    connection.execute(f"set file_search_path = '{platform.home}/raw'")
    return connection


def counted(platform: Platform, sql: str) -> list[tuple[Any, ...]]:
    """Return rows of the warehouse."""
    with warehouse(platform) as connection:
        return connection.execute(sql).fetchall()


def same(
    platform: Platform, received: duckdb.DuckDBPyConnection, mart: str, sql: str
) -> None:
    """A mart's columns, as the independent query names them, hold the same rows."""
    expected = received.execute(sql).pl()
    names = ", ".join(expected.columns)
    with warehouse(platform) as connection:
        held = connection.execute(f"select {names} from marts.{mart}").pl()
    shared = {
        name: pl.Float64
        for name in expected.columns
        if expected[name].dtype.is_numeric()
    }

    def in_order(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.cast(shared).sort(expected.columns)  # type: ignore[arg-type]

    assert expected.height > 0
    assert (
        in_order(held)
        .with_columns(pl.col(pl.Float64).round(6))
        .equals(in_order(expected).with_columns(pl.col(pl.Float64).round(6)))
    )


# ---------------------------------------------------------- where faults end up


def test_rule_10_refuses_links_without_category_and_rule_14_false_dates(
    systems_built: Platform, truth: dict[str, Any]
) -> None:
    """Exactly the planted lines are in quarantine, each with its reason and column."""
    held: dict[tuple[str, str, int], tuple[str, str]] = {}
    with duckdb.connect() as connection:
        for data_set, file, line, column, reason in connection.execute(
            f"""select split_part(filename, '/', -2), source_file, source_line,
            "column", reason from read_parquet(
                '{systems_built.home}/quarantine/*/*.parquet', filename = true)"""
        ).fetchall():
            held[data_set, file, line] = (column, reason)
    names = files_by_name(systems_built)
    told = {
        (facts["data_set"], names[Path(path).name], fault["line"]): fault
        for path, facts in truth["files"].items()
        for fault in facts["quarantine"]
    }
    assert held.keys() == told.keys()
    for place, fault in told.items():
        column, reason = held[place]
        assert fault["column"] in column
        assert fault["says"] in reason
    said = Counter(fault["reason"] for fault in told.values())
    planted = truth["planted"]
    assert all(number == planted[name] for name, number in said.items())
    assert {"null_category", "fake_postcode", "future_date_of_birth"} <= said.keys()


def files_by_name(platform: Platform) -> dict[str, str]:
    """Return file name → the identity its rows carry."""
    names = {}
    for receipt in platform.home.glob("landing/*/*/receipt.json"):
        for delivery in json.loads(receipt.read_text(encoding="utf-8"))["deliveries"]:
            names[delivery["name"]] = receipt.parent.name[:12]
    return names


def test_rule_10_passes_and_rule_14_passes_every_other_row(
    systems_built: Platform, truth: dict[str, Any]
) -> None:
    """Landed rows are loaded, quarantined or repeats: nothing is lost."""
    for data_set in {facts["data_set"] for facts in truth["files"].values()}:
        files = [one for one in truth["files"].values() if one["data_set"] == data_set]
        landed = sum(one["rows"] for one in files)
        refused = sum(len(one["quarantine"]) for one in files)
        repeats = sum(one.get("repeats", 0) for one in files)
        [(loaded,)] = counted(
            systems_built, f"select count(*) from staging.stg_{data_set}"
        )
        assert loaded == landed - refused - repeats > 0, data_set


def test_rule_14_refuses_orphans_a_place_among_the_links(
    systems_built: Platform, truth: dict[str, Any]
) -> None:
    """Orphans are kept apart by kind, as many as were planted, and a check says so."""
    held = dict(
        counted(
            systems_built,
            "select orphan, count(*) from intermediate.int_orphan_records group by 1",
        )
    )
    planted = truth["planted"]
    assert held == {
        "link without person": planted["orphan_link"],
        "link without report": planted["link_without_report"],
        "person without link": planted["orphan_nominal"],
    }
    [(links,)] = counted(
        systems_built, "select count(*) from intermediate.int_crime_links"
    )
    [(every,)] = counted(
        systems_built, "select count(*) from staging.stg_crime_report_persons"
    )
    assert links + planted["orphan_link"] + planted["link_without_report"] == every
    told = systems_built.edp("run", "int_orphan_records", "--rebuild", "--json")
    assert told.returncode == 0, told.stderr
    assert "no_rows_int_orphan_records" in told.stdout


def test_rule_14_passes_links_whose_ends_both_loaded(systems_built: Platform) -> None:
    [(bad,)] = counted(
        systems_built,
        """select count(*) from intermediate.int_crime_links as links
        where not exists (select 1 from staging.stg_nominals as people
            where people.nominal_id = links.nominal_id)
        or not exists (select 1 from staging.stg_crime_reports as reports
            where reports.crime_number = links.crime_number)""",
    )
    assert bad == 0


# ------------------------------------------------------------------------ marts


def test_calls_by_hour(
    systems_built: Platform, received: duckdb.DuckDBPyConnection
) -> None:
    same(
        systems_built,
        received,
        "calls_by_hour",
        """
        select file_month as month, coalesce("Borough code", 'unknown') as borough_code,
        coalesce(Grade, 'none') as grade, coalesce(Environment, 'unknown') as environment,
        hour(timezone('Europe/London', "Received at")) as hour_of_day,
        count(*) as calls, count(*) filter (Abandoned) as abandoned,
        count(*) filter (Channel = '999') as calls_999,
        count(*) filter (Channel = '999' and "Answered after seconds" <= 10)
            as answered_999_in_10_seconds,
        count("Arrived at") as attended,
        count(*) filter ("Arrived at" <= "Received at" + interval 15 minute)
            as attended_in_15_minutes,
        count(*) filter ("Arrived at" <= "Received at" + interval 1 hour)
            as attended_in_60_minutes
        from calls_for_service group by all
        """,
    )


def test_crime_reports_by_month_with_the_unknown_environment(
    systems_built: Platform,
    received: duckdb.DuckDBPyConnection,
    truth: dict[str, Any],
) -> None:
    same(
        systems_built,
        received,
        "crime_reports_by_month",
        """
        with every as (
            select file_month as month, "Crime type" as crime_type,
            coalesce("Borough code", 'unknown') as borough_code,
            coalesce(Environment, 'unknown') as environment,
            cast("Reported at" as date) < file_month as is_older
            from crime_reports)
        select month, borough_code, crime_type, environment,
        count(*) as crime_reports, count(*) filter (is_older) as reported_earlier,
        any_value((select avg(cast(environment = 'unknown' as integer)) from every as all_of
            where all_of.month = every.month
            and all_of.borough_code = every.borough_code
            and all_of.crime_type = every.crime_type)) as environment_unknown_share
        from every group by month, borough_code, crime_type, environment
        """,
    )
    held = dict(
        counted(
            systems_built,
            """select environment, sum(crime_reports)
            from marts.crime_reports_by_month group by 1""",
        )
    )
    assert held == truth["environment"]


def test_patrol_by_month(
    systems_built: Platform, received: duckdb.DuckDBPyConnection
) -> None:
    same(
        systems_built,
        received,
        "patrol_by_month",
        """
        select file_month as month, coalesce("Borough code", 'unknown') as borough_code,
        Activity as activity, count(*) as patrols,
        sum(Officers * epoch("Ended at" - "Started at") / 3600) as officer_hours
        from patrol_activity group by all
        """,
    )


def test_custody_by_month(
    systems_built: Platform, received: duckdb.DuckDBPyConnection
) -> None:
    same(
        systems_built,
        received,
        "custody_by_month",
        """
        select file_month as month,
        case when "Age at arrest" < 18 then 'Under 18'
            when "Age at arrest" >= 18 then '18 and over' else 'Not known' end
            as age_group,
        case left("Self-defined ethnicity", 1) when 'W' then 'White' when 'M' then 'Mixed'
            when 'A' then 'Asian' when 'B' then 'Black' when 'O' then 'Other'
            else 'Not stated' end as ethnicity_self_defined_group,
        Disposal as disposal, count(*) as detentions,
        sum(epoch("Detention authorised at" - "Arrested at") / 60)
            as minutes_to_authorisation,
        count("Released at") as detentions_ended,
        sum(epoch("Released at" - "Detention authorised at") / 3600) as hours_detained
        from custody_records group by all
        """,
    )


def test_stop_and_search_records_by_month_and_the_two_views_of_ethnicity(
    systems_built: Platform, received: duckdb.DuckDBPyConnection
) -> None:
    same(
        systems_built,
        received,
        "stop_and_search_records_by_month",
        """
        with every as (
            select file_month as month, coalesce("Borough code", 'unknown') as borough_code,
            "Object of search" as object_of_search,
            case left("Self-defined ethnicity", 1) when 'W' then 'White'
                when 'M' then 'Mixed' when 'A' then 'Asian' when 'B' then 'Black'
                when 'O' then 'Other' else 'Not stated' end
                as ethnicity_self_defined_group,
            case when "Officer-defined ethnicity" in ('IC1', 'IC2') then 'White'
                when "Officer-defined ethnicity" = 'IC3' then 'Black'
                when "Officer-defined ethnicity" in ('IC4', 'IC5') then 'Asian'
                when "Officer-defined ethnicity" = 'IC6' then 'Other'
                else 'Not stated' end as ethnicity_officer_defined_group,
            Outcome as outcome, "Outcome linked to object of search" as linked
            from stop_and_search_records),
        compared as (
            select *, ethnicity_self_defined_group not in ('Mixed', 'Not stated')
            and ethnicity_officer_defined_group <> 'Not stated' as comparable from every)
        select month, borough_code, object_of_search, ethnicity_self_defined_group,
        ethnicity_officer_defined_group, count(*) as searches,
        count(*) filter (outcome <> 'No further action') as with_further_action,
        count(*) filter (linked) as found_object_of_search,
        count(*) filter (comparable) as ethnicity_comparable,
        count(*) filter (comparable and ethnicity_self_defined_group
            <> ethnicity_officer_defined_group) as ethnicity_mismatched
        from compared group by all
        """,
    )


def test_victim_satisfaction_by_quarter(
    systems_built: Platform, received: duckdb.DuckDBPyConnection
) -> None:
    same(
        systems_built,
        received,
        "victim_satisfaction_by_quarter",
        """
        select cast(date_trunc('quarter', file_month) as date) as quarter_start,
        "Offence group" as offence_group, "Ethnic group" as ethnic_group,
        count(*) as answers, sum(Weight) as weight,
        coalesce(sum(Weight) filter (Satisfied >= 4), 0) / sum(Weight) as share_satisfied,
        count("Treated fairly") as answers_on_fairness
        from victim_satisfaction_survey group by all
        """,
    )


def test_misconduct_timeliness_by_month(
    systems_built: Platform, received: duckdb.DuckDBPyConnection
) -> None:
    same(
        systems_built,
        received,
        "misconduct_timeliness_by_month",
        """
        with happened as (
            select "Opened on" as day, Severity, 1 as opened, 0 as closed, null as days,
            false as in_time from misconduct_cases
            union all
            select "Closed on", Severity, 0, 1, "Closed on" - "Opened on",
            "Closed on" <= "Opened on" + interval 1 year from misconduct_cases
            where "Closed on" is not null)
        select cast(date_trunc('month', day) as date) as month, Severity as severity,
        sum(opened) as cases_opened, sum(closed) as cases_closed,
        count(*) filter (in_time) as closed_in_12_months, avg(days) as mean_days_to_close
        from happened group by all
        """,
    )


def test_pole_quality_by_month_counts_what_was_planted(
    systems_built: Platform, truth: dict[str, Any]
) -> None:
    held = dict(
        counted(
            systems_built,
            """select measure, cast(sum(failing) as integer)
            from marts.pole_quality_by_month group by 1""",
        )
    )
    planted = truth["planted"]
    assert held.pop("self-defined ethnicity missing") > 0
    assert held == {
        "date of birth missing": planted["missing_date_of_birth"],
        "under 10 when recorded": planted["child_under_10"],
        "retention group missing": planted["missing_mopi_group"],
        "environment missing": truth["environment"]["unknown"],
        "person without link": planted["orphan_nominal"],
        "link without person": planted["orphan_link"],
        "link without report": planted["link_without_report"],
    }


def test_marts_hold_no_column_about_a_person(systems_built: Platform) -> None:
    """Not one direct identifier, and not one record number, is a mart's column."""
    columns = {
        name
        for (name,) in counted(
            systems_built,
            "select column_name from information_schema.columns "
            "where table_schema = 'marts'",
        )
    }
    forbidden = {
        *("nominal_id", "pnc_id", "first_name", "surname", "date_of_birth", "postcode"),
        *(
            "phone",
            "email",
            "address_line",
            "crime_number",
            "custody_number",
            "link_id",
        ),
        *(
            "search_number",
            "case_number",
            "call_number",
            "officer_id",
            "lsoa_code_2021",
        ),
        *("complainant_nominal_id", "response_id", "unit"),
    }
    assert not columns & forbidden


@pytest.mark.parametrize(
    ("mart", "precision"),
    [
        ("calls_by_hour", "lines"),
        ("patrol_by_month", "lines"),
        ("crime_reports_by_month", "lines"),
        ("custody_by_month", "lines"),
        ("stop_and_search_records_by_month", "lines"),
        ("victim_satisfaction_by_quarter", "lines"),
        ("misconduct_timeliness_by_month", "files"),
        ("pole_quality_by_month", "files"),
    ],
)
def test_marts_are_traced_to_their_files(
    systems_built: Platform, mart: str, precision: str
) -> None:
    done = systems_built.edp("trace", mart, "--limit", "3", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["precision"] == precision
    assert found["files"]
    if precision == "lines":
        assert sum(one["rows"] for one in found["files"]) == found["fact_rows"] > 0
        assert found["measure"] is None or found["measure"]["is_equal"]


# ---------------------------------------------------------------------- arrivals


def test_ticks_arrive_as_later_releases_and_the_marts_move(
    systems_built: Platform, tmp_path: Path
) -> None:
    shutil.copytree(systems_built.home, tmp_path / "home")
    shutil.copytree(systems_built.sample, tmp_path / "sample")
    platform = Platform(tmp_path / "home", tmp_path / "sample")
    sample = ["--sample", str(platform.sample)]

    def total() -> int:
        [row] = platform.rows("select sum(calls) as calls from marts.calls_by_hour")
        return int(row["calls"])

    before = total()
    done = platform.edp(
        "sample", "tick", "--every", "0", "--times", "2", "--calls", "5", *sample,
        "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert [
        one["records"] for one in told if one["data_set"] == "calls_for_service"
    ] == [
        5,
        10,
    ]
    assert {one["outcome"] for one in told} == {"landed"}
    ran = platform.edp("run", "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert total() == before + 10
    orphans = counted(
        platform,
        """select count(*) from intermediate.int_orphan_records as orphans
        join staging.stg_crime_report_persons as links on orphans.record_id = link_id
        where links.link_id like 'L9%'""",
    )
    assert orphans == [(0,)]


def test_a_tick_without_a_sample_says_what_to_do(systems: Platform) -> None:
    done = systems.edp("sample", "tick", "--sample", str(systems.home / "nowhere"))
    assert done.returncode == 1
    assert "Make one first: edp sample" in done.stderr
