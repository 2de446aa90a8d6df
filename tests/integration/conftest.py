"""A sample force landed once, copied for each test that runs it."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from edp_platform.sample import make_sample

from ..warm_start import WarmStart

MONTHS = 4
#: Begun last, one of these would leave the other core idle for minutes.
_LONG = ("test_records_management.py", "test_column_gate.py", "test_real_files.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files; a file's tests stay together and in order."""
    items.sort(key=lambda item: item.path.name not in _LONG)


@dataclass
class Platform:
    """One home, and `edp` run against it as a person would."""

    home: Path
    sample: Path
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "edp_platform.cli", *arguments]

    def variables(self) -> dict[str, str]:
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith("DAGSTER")},
            "EDP_HOME": str(self.home),
            "COLUMNS": "200",
            **self.environment,
        }

    def edp(self, *arguments: str, timeout: float = 300) -> Any:
        """Run one command to its end; never from the checkout's folder."""
        variables = self.variables()
        return _warm_start().run(
            arguments, env=variables, cwd=self.home.parent, timeout=timeout
        )

    def start(self, *arguments: str) -> Any:
        """Start one command and leave it running."""
        return subprocess.Popen(
            self.command(*arguments),
            env=self.variables(),
            cwd=self.home.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Ask the published copy itself: `edp sql`, which starts a server, has tests."""
        published = self.home / "published"
        pointer = json.loads((published / "current.json").read_text())
        copy = str(published / f"{pointer['id']}.duckdb")
        with duckdb.connect(copy, read_only=True) as connection:
            found = connection.execute(sql)
            names = [one[0] for one in found.description]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        as_json: list[dict[str, Any]] = json.loads(json.dumps(rows, default=str))
        return as_json


@functools.cache
def _warm_start() -> WarmStart:
    plain = {
        k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER", "EDP"))
    }
    started = WarmStart({**plain, "COLUMNS": "200"})
    atexit.register(started.close)
    return started


@pytest.fixture(scope="session")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """A small sample force, landed and not loaded."""
    folder = tmp_path_factory.mktemp("landed")
    sample = folder / "sample"
    make_sample(sample, "small", MONTHS, 7, today=date.today())
    platform = Platform(folder / "home", sample)
    early = sample / "police_uk_earlier_release"
    if early.exists():
        done = platform.edp("land", str(early), "--released", "2020-01-01")
        assert done.returncode == 0, done.stdout + done.stderr
    done = platform.edp(
        "land",
        *(
            str(sample / name)
            for name in ("police_uk", "london_datastore", "reference")
        ),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    done = platform.edp("manifest")
    assert done.returncode == 0, done.stderr
    return platform


@pytest.fixture
def fresh(landed: Platform, tmp_path: Path) -> Platform:
    """A copy of the landed home of its own."""
    shutil.copytree(landed.home, tmp_path / "home")
    return Platform(tmp_path / "home", landed.sample)


@pytest.fixture(scope="session")
def built(landed: Platform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """A landed home after one undisturbed run. Read it; do not change it."""
    folder = tmp_path_factory.mktemp("built")
    shutil.copytree(landed.home, folder / "home")
    platform = Platform(folder / "home", landed.sample)
    done = platform.edp("run", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return platform


@pytest.fixture
def own_defs(fresh: Platform, tmp_path: Path) -> Path:
    """A copy of the data sets and use cases that a test may break."""
    import edp_platform

    root = tmp_path / "defs"
    shutil.copytree(Path(edp_platform.__file__).parent / "defs", root)
    fresh.environment["EDP_DEFS"] = str(root)
    return root


@pytest.fixture(scope="session")
def systems(landed: Platform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """The force's internal systems and the reference sets, landed and not loaded.

    A home of its own: the published files' tests stay as quick as they are.
    """
    platform = Platform(tmp_path_factory.mktemp("systems") / "home", landed.sample)
    done = platform.edp(
        "land", *(str(landed.sample / name) for name in ("reference", "force_systems"))
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return platform


@pytest.fixture(scope="session")
def systems_built(
    systems: Platform, tmp_path_factory: pytest.TempPathFactory
) -> Platform:
    """Its copy after one undisturbed run. Read it; do not change it."""
    folder = tmp_path_factory.mktemp("systems_built")
    shutil.copytree(systems.home, folder / "home")
    platform = Platform(folder / "home", systems.sample)
    done = platform.edp("run", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return platform
