"""The dbt project itself: it builds on an empty lake, and its unit tests pass."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

from edp_platform.datasets import DataSets
from edp_platform.home import Home
from edp_platform.ingestion.lake import ensure_readable
from edp_platform.warehouse.manifest import dbt_project_folder


def test_it_builds_on_an_empty_lake_with_every_unit_test(tmp_path: Path) -> None:
    home = Home.open(date.today(), tmp_path / "home")
    for data_set in DataSets.load(home).by_name.values():
        ensure_readable(home, data_set.contract)
    home.warehouse.parent.mkdir(parents=True)
    project = dbt_project_folder()
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("dbt")), "build"),
            *("--project-dir", str(project), "--profiles-dir", str(project)),
            *("--target-path", str(tmp_path / "target")),
            *("--log-path", str(tmp_path / "logs"), "--no-use-colors"),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "EDP_WAREHOUSE": str(home.warehouse),
            "EDP_RAW": str(home.raw),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " unit_test " in done.stdout or "unit tests" in done.stdout
    assert "ERROR=0" in done.stdout
