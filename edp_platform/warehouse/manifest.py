"""The dbt manifest: made once for each state of the dbt project, then only read."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from edp_platform.home import Home

_SOURCES = ("*.sql", "*.yml", "*.yaml", "*.csv", "*.md")


class DbtFailed(RuntimeError):
    """dbt could not parse or build; the message says which node and why."""


def dbt_project_folder() -> Path:
    """Return the dbt project: `EDP_DBT_PROJECT`, else the package's own.

    It stands beside the package in a checkout and inside it in a wheel.
    """
    chosen = os.environ.get("EDP_DBT_PROJECT")
    if chosen:
        return Path(chosen).resolve()
    package = Path(__file__).parents[1]
    packed = package / "_dbt_project"
    return packed if packed.exists() else package.parent / "dbt_project"


def dbt_environment(home: Home) -> None:
    """Tell dbt's profile where the warehouse and the lake are."""
    os.environ["EDP_WAREHOUSE"] = str(home.warehouse)
    os.environ["EDP_RAW"] = str(home.raw)
    os.environ["DO_NOT_TRACK"] = "1"


class ManifestStore:
    """Manifests under `EDP_HOME/dbt`, by the fingerprint of the dbt project."""

    def __init__(self, home: Home, project: Path | None = None) -> None:
        self.home = home
        self.project = project or dbt_project_folder()

    @cached_property
    def fingerprint(self) -> str:
        """The content of every dbt file, as 16 hex digits."""
        digest = hashlib.sha256()
        paths = [path for kind in _SOURCES for path in self.project.rglob(kind)]
        for path in sorted(paths):
            inside = path.relative_to(self.project)
            if inside.parts[0] not in ("target", "logs"):
                digest.update(str(inside).encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()[:16]

    @property
    def folder(self) -> Path:
        """Where the manifest of this state of the project stands."""
        return self.home.dbt / self.fingerprint

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest as JSON, made now if it is not there.

        Raises:
            DbtFailed: the dbt project does not parse.
        """
        self.make()
        found: dict[str, Any] = json.loads((self.folder / "manifest.json").read_bytes())
        return found

    def parsed(self) -> Any:
        """Return the manifest as dbt's own object, to run without parsing again."""
        from dbt.contracts.graph.manifest import Manifest
        from dbt.parser.manifest import extended_mashumuro_decoder

        self.make()
        packed = (self.folder / "partial_parse.msgpack").read_bytes()
        return Manifest.from_msgpack(packed, decoder=extended_mashumuro_decoder)

    def make(self) -> Path:
        """Parse the project unless this state of it was parsed before.

        Raises:
            DbtFailed: the dbt project does not parse.
        """
        if not (self.folder / "manifest.json").exists():
            with self._alone():
                if not (self.folder / "manifest.json").exists():
                    self._parse()
        return self.folder / "manifest.json"

    def _parse(self) -> None:
        from dbt.cli.main import dbtRunner

        dbt_environment(self.home)
        scratch = self.home.dbt / f"{self.fingerprint}.making"
        shutil.rmtree(scratch, ignore_errors=True)
        arguments = ["parse", *project_arguments(self.project, scratch), "--quiet"]
        outcome = dbtRunner().invoke([*arguments, "--no-partial-parse"])
        if not outcome.success:
            shutil.rmtree(scratch, ignore_errors=True)
            raise DbtFailed(
                f"The dbt project {self.project} does not parse: {outcome.exception}"
            )
        scratch.rename(self.folder)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.home.dbt.mkdir(parents=True, exist_ok=True)
        with (self.home.dbt / ".making.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def project_arguments(project: Path, target: Path) -> list[str]:
    """Return the arguments that keep dbt from writing into the project."""
    return [
        "--project-dir",
        str(project),
        "--profiles-dir",
        str(project),
        "--target-path",
        str(target),
        "--log-path",
        str(target / "logs"),
        "--log-level-file",
        "none",
        "--no-send-anonymous-usage-stats",
    ]
