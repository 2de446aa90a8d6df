"""Dagster's storage in a real PostgreSQL, where `EDP_POSTGRES_URL` names one."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

from edp_platform.database.connecting import administrator
from edp_platform.home import Home

from .conftest import Platform


def test_runs_are_kept_in_postgresql(
    fresh: Platform, debian_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh.environment["EDP_POSTGRES_URL"] = debian_url
    shutil.rmtree(fresh.home / "dagster" / "history", ignore_errors=True)
    done = fresh.edp("run", "police_uk_street", "borough_profiles", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.setenv("EDP_POSTGRES_URL", debian_url)
    home = Home.open(date.today(), fresh.home)
    with administrator(home, "dagster") as connection:
        statuses = connection.execute("select status from runs").fetchall()
        assert statuses == [("SUCCESS",)]
        (months,) = connection.execute(
            "select count(distinct partition) from event_logs "
            "where dagster_event_type = 'ASSET_MATERIALIZATION' "
            """and asset_key = '["raw", "police_uk_street"]'"""
        ).fetchone() or (0,)
        (user,) = connection.execute(
            "select tableowner from pg_tables where tablename = 'runs'"
        ).fetchone() or ("",)
    held = list((fresh.home / "raw" / "police_uk_street").glob("month=2*"))
    assert months == len(held) > 0
    # Dagster's sign-in owns its own database and nothing that is served.
    assert user == "edp_dagster"
    assert not (fresh.home / "dagster" / "history" / "runs").exists()
