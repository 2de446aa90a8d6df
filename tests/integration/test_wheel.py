"""The installed wheel works from any folder: nothing is read from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files, as an installer would lay them."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=_ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_lands_and_loads_from_another_folder(
    unpacked: Path, tmp_path: Path
) -> None:
    script = (
        "import sys, pathlib; sys.path.insert(0, sys.argv.pop(1));"
        "import edp_platform; from edp_platform.cli import main;"
        f"assert edp_platform.__file__.startswith({str(unpacked)!r}), edp_platform;"
        "main()"
    )
    environment = {
        **os.environ,
        "EDP_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(unpacked),
    }

    def edp(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script, str(unpacked), *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    edp(
        "sample",
        "--size",
        "small",
        "--months",
        "1",
        "--target",
        str(tmp_path / "force"),
    )
    edp("land", str(tmp_path / "force" / "reference"))
    edp("run", "borough_profiles", "stg_borough_profiles")
    assert list((tmp_path / "home" / "raw" / "borough_profiles").glob("*.parquet"))
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {"home", "force"}
    assert not list(unpacked.glob("**/target")), "dbt wrote into the package"
