"""`edp run` and `edp backfill`, through the real command line on a real home."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from .conftest import MONTHS, Platform

_MARTS = (
    "crime_by_month",
    "crime_by_ward_and_month",
    "outcomes_by_month",
    "stop_and_search_by_month",
    "recorded_crime_by_ward_and_month",
    "public_attitude_by_quarter",
)


def _summary(done: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _published(platform: Platform) -> Path:
    pointer = json.loads((platform.home / "published" / "current.json").read_text())
    return platform.home / "published" / f"{pointer['id']}.duckdb"


def _assert_same_marts(one: Platform, other: Platform) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{_published(one)}' as one (read_only)")
        connection.execute(f"attach '{_published(other)}' as other (read_only)")
        for mart in _MARTS:
            query = (
                f"(select * from one.marts.{mart} except all "
                f"select * from other.marts.{mart}) union all "
                f"(select * from other.marts.{mart} except all "
                f"select * from one.marts.{mart})"
            )
            differing = connection.execute(f"select count(*) from ({query})").fetchone()
            held = connection.execute(
                f"select count(*) from one.marts.{mart}"
            ).fetchone()
            assert differing == (0,), mart
            assert held is not None and held[0] > 0, mart


def test_the_marts_say_what_was_planted(built: Platform) -> None:
    truth = json.loads((built.sample / "truth.json").read_text())
    planted = {
        (item["month"], item["force"], item["crime_type"]): item["crimes"]
        for item in truth["incidents"]
    }
    found = {
        (row["month"][:7], row["force"], row["crime_type"]): row["crimes"]
        for row in built.rows("select * from marts.crime_by_month")
    }
    assert found == planted


def test_a_second_run_has_nothing_to_do(built: Platform) -> None:
    done = built.edp("run", "--json")
    assert done.returncode == 0, done.stderr
    assert _summary(done)["runs"] == []


def test_a_selection_that_matches_nothing_runs_nothing(built: Platform) -> None:
    done = built.edp("run", "police_uk_stret")
    assert done.returncode == 1
    assert "nothing was run" in done.stderr
    assert "police_uk_street" in done.stderr


@pytest.mark.parametrize(
    "selection", ["group:neighbourhod", "tag:layer=mrt", "key:x/y"]
)
def test_a_typed_selection_that_matches_nothing_runs_nothing(
    built: Platform, selection: str
) -> None:
    done = built.edp("run", selection)
    assert done.returncode == 1
    assert "matches nothing" in done.stderr


@pytest.mark.parametrize("partitions", ["2024-13", "2024-02...2024-01", "May", ""])
def test_a_backfill_refuses_what_is_no_month(built: Platform, partitions: str) -> None:
    done = built.edp("backfill", "police_uk_street", "--partitions", partitions)
    assert done.returncode == 2
    assert "--partitions" in done.stderr


def test_a_backfill_loads_its_months_and_no_others(fresh: Platform) -> None:
    months = sorted(path.name for path in (fresh.sample / "police_uk").iterdir())
    assert len(months) == MONTHS
    done = fresh.edp(
        *("backfill", "police_uk_street", "--only"),
        *("--partitions", f"{months[1]}...{months[2]}", "--json"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    held = sorted(
        path.name.removeprefix("month=")
        for path in (fresh.home / "raw" / "police_uk_street").glob("month=2*")
    )
    assert held == months[1:3]
    assert len(_summary(done)["runs"]) == 1


def test_months_without_a_file_are_told_and_not_made_up(fresh: Platform) -> None:
    month = json.loads((fresh.sample / "truth.json").read_text())["months"][-1]
    done = fresh.edp(
        *("backfill", "police_uk_street", "--only"),
        *("--partitions", f"2015-01...2015-03,{month}", "--json"),
    )
    assert done.returncode == 0, done.stderr
    assert "no file was landed for 3 of these months" in done.stderr
    assert not list((fresh.home / "raw" / "police_uk_street").glob("month=2015*"))


@pytest.mark.parametrize(
    ("selection", "months", "status", "told"),
    [
        ("police_uk_street", "2015-01...2015-03", 1, "nothing of police_uk_street"),
        ("population_mid_2020", "2018-01", 1, "is loaded by edp run"),
        ("police_uk_street", "1900-01", 2, "months are kept from 2008-01"),
    ],
)
def test_a_backfill_of_nothing_is_refused(
    fresh: Platform, selection: str, months: str, status: int, told: str
) -> None:
    done = fresh.edp("backfill", selection, "--partitions", months)
    assert done.returncode == status, done.stdout + done.stderr
    assert told in done.stderr
    assert not (fresh.home / "raw").exists() or not list(
        (fresh.home / "raw").glob("*/month=*")
    )


def test_a_killed_run_is_taken_up_again_and_gives_the_same_tables(
    fresh: Platform, built: Platform
) -> None:
    running = fresh.start("run", "--json")
    deadline = time.monotonic() + 120
    # In the middle: the lake has begun, the marts are not published.
    while not list((fresh.home / "raw").glob("police_uk_street/month=2*")):
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert not (fresh.home / "published" / "current.json").exists()
    done = fresh.edp("run", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(_summary(done)["recovered_runs"]) == 1
    assert list(fresh.home.rglob("*.tmp")) == []
    _assert_same_marts(fresh, built)


def test_a_run_killed_while_dbt_builds_gives_the_same_tables(
    fresh: Platform, built: Platform
) -> None:
    running = fresh.start("run", "--json")
    deadline = time.monotonic() + 120
    while not (fresh.home / "warehouse" / "edp.duckdb").exists():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.7)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    done = fresh.edp("run", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    _assert_same_marts(fresh, built)


def test_two_runs_at_once_neither_corrupt_nor_deadlock(
    fresh: Platform, built: Platform
) -> None:
    first, second = fresh.start("run", "--json"), fresh.start("run", "--json")
    for running in (first, second):
        told, complaint = running.communicate(timeout=280)
        assert running.returncode == 0, told + complaint
    _assert_same_marts(fresh, built)


def test_a_held_warehouse_is_waited_for_and_then_given_up(fresh: Platform) -> None:
    script = (
        "import datetime, time\n"
        "from edp_platform.home import Home\n"
        "from edp_platform.orchestration.session import Session\n"
        "from edp_platform.orchestration.recovery import process_tags\n"
        "import dagster as dg\n"
        "session = Session(Home.open(datetime.date.today()))\n"
        "with session.instance() as instance:\n"
        "    job = session.definitions.resolve_implicit_global_asset_job_def()\n"
        "    run = instance.create_run_for_job(job, tags=process_tags(),\n"
        "        status=dg.DagsterRunStatus.STARTED)\n"
        "    storage = instance.event_log_storage\n"
        "    storage.initialize_concurrency_limit_to_default('duckdb_warehouse')\n"
        "    storage.claim_concurrency_slot('duckdb_warehouse', run.run_id, 'held')\n"
        "    print('held', flush=True)\n"
        "    time.sleep(120)\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script],
        env=fresh.variables(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "held"
        done = fresh.edp("run", "crime_by_month", "--wait", "1")
        assert done.returncode == 1
        assert re.search(r"Waited 1 s and run \w+ holds duckdb_warehouse", done.stderr)
    finally:
        holder.kill()
        holder.wait()
    # The holder is dead now: its slot is freed, and the run goes through.
    done = fresh.edp("run", "lsoa_2011_to_borough", "stg_lsoa_2011_to_borough")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_warehouse_that_another_program_opened_is_a_clear_refusal(
    fresh: Platform,
) -> None:
    warehouse = fresh.home / "warehouse" / "edp.duckdb"
    warehouse.parent.mkdir(exist_ok=True)
    holding = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); "
        "sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", holding, str(warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        done = fresh.edp("run")
    finally:
        holder.communicate()
    assert done.returncode == 1
    told = " ".join((done.stdout + done.stderr).split())
    assert "is held by another process" in told
    assert "edp sql" in told
    assert not (fresh.home / "published" / "current.json").exists()
    again = fresh.edp("run")
    assert again.returncode == 0, again.stdout + again.stderr


def test_a_query_cannot_write_or_leave_the_published_copy(built: Platform) -> None:
    for sql in (
        "create table marts.mine as select 1",
        "copy (select 1) to '/tmp/leak.csv'",
        "select * from read_csv('/etc/passwd')",
        "attach '/tmp/other.duckdb' as other",
        "set enable_external_access = true",
        "select * from marts.no_such_mart",
    ):
        done = built.edp("sql", sql)
        assert done.returncode == 1, sql
        assert "Error: " in done.stderr or "COPY is for psql" in done.stderr
    assert "crime_by_month" in done.stderr, "what there is, where a name was wrong"


def test_a_query_is_asked_as_a_person_and_is_on_the_log(built: Platform) -> None:
    """Each on their own login: what no grant gives is refused, with what is missing."""
    log = built.home / "audit" / "s62.jsonl"
    before = len(log.read_text().splitlines()) if log.exists() else 0
    asked = "select month, sum(crimes) as n, avg(crimes) as each, current_user as who "
    asked += "from marts.crime_by_month where force <> 'Zebedee' group by 1 order by 1"
    done = built.edp("sql", asked, "--format", "json", "--reason", "monthly figures")
    assert done.returncode == 0, done.stderr
    (first, *_) = json.loads(done.stdout)
    assert first["who"] == "operator" and isinstance(first["n"], int)
    assert isinstance(first["each"], float) and len(first["month"]) == 10
    for who, sql, says in (
        ("operator", "from marts.crime_by_month limit 5", "select * from marts."),
        ("operator", "select 1; select 2", "one query at a time"),
        ("operator", "select * from marts.crime_by_mont", "Near names: crime_by_month"),
        ("operator", "select x from marts.crime_by_month", "has for you"),
        ("public-reader", "select 1", "No grant of theirs is live"),
        ("nobody-at-all", "select 1", "is nobody of the register"),
        ("chief-officer", "select * from marts.patrol_by_month", "edp access request"),
    ):
        done = built.edp("sql", sql, "--as-person", who)
        assert done.returncode == 1 and says in done.stderr, (who, done.stderr)
    text = log.read_text()
    rows = [json.loads(line) for line in text.splitlines()][before:]
    assert [row["outcome"].partition(":")[0] for row in rows] == [
        *("done", "failed", "refused", "failed", "failed"),
        *("refused", "refused", "refused"),
    ]
    assert rows[0]["justification"] == "monthly figures" and rows[0]["row_count"] > 1
    assert rows[0]["grant_id"] == "G-OPERATOR" and "Zebedee" not in text
    checked = built.edp("audit", "verify")
    assert checked.returncode == 0, checked.stderr
    assert len(log.read_text().splitlines()) == before + len(rows), "counted once"


def test_csv_does_not_run_as_a_formula(built: Platform) -> None:
    """A column is named by whoever asks, and the file is read by somebody else."""
    sql = "select '=1+1' as a, -1 as b, 2 as \"=c\", chr(9) || 'd' as d"
    done = built.edp("sql", sql, "--format", "csv")
    assert done.stdout == "a,b,'=c,d\n'=1+1,-1,2,'\td\n"


def test_a_failed_test_keeps_the_old_copy_and_stays_due(
    fresh: Platform, tmp_path: Path
) -> None:
    """A mart whose test fails is not published, and the next run says so again."""
    import edp_platform

    project = tmp_path / "dbt_project"
    source = Path(edp_platform.__file__).parents[1] / "dbt_project"
    shutil.copytree(source, project, ignore=shutil.ignore_patterns("target"))
    fresh.environment["EDP_DBT_PROJECT"] = str(project)
    model = project / "models" / "marts" / "warehouse" / "lsoa_lookup.yml"
    text = model.read_text()
    broken = text.replace("- primary_key:", "- impossible\n      - primary_key:", 1)
    assert broken != text
    model.write_text(broken)
    (project / "tests" / "generic" / "impossible.sql").write_text(
        "{% test impossible(model) %} select 1 as fault {% endtest %}\n"
    )
    for _ in range(2):
        done = fresh.edp("run", "--json")
        told = json.loads(done.stdout)
        assert done.returncode == 1
        failed = {one["asset"] for one in told["checks_failed"]}
        assert "marts/lsoa_lookup" in failed
        assert not (fresh.home / "published" / "current.json").exists()

    # A run that does not touch it publishes what it may, and not this.
    months = sorted(json.loads((fresh.sample / "truth.json").read_text())["months"])
    other = fresh.edp(
        *("backfill", "police_uk_stop_and_search", "--partitions", months[-1])
    )
    assert other.returncode == 0, other.stdout + other.stderr
    assert fresh.rows("select count(*) > 0 as n from marts.crime_by_month")[0]["n"]
    refused = fresh.edp("sql", "select * from marts.lsoa_lookup")
    assert refused.returncode == 1

    model.write_text(text)
    done = fresh.edp("run", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert fresh.rows("select count(*) > 0 as any from marts.lsoa_lookup") == [
        {"any": True}
    ]
