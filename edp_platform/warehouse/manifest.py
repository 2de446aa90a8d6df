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
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edp_platform.files import read_json, write_json
from edp_platform.home import Home
from edp_platform.warehouse import model_text
from edp_platform.warehouse.model_text import text_faults

_SOURCES = ("*.sql", "*.py", "*.yml", "*.yaml", "*.csv", "*.md")
_COMPILED = "compiled.json"
_FAULTS = "text_faults.json"


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
        """The content of every dbt file and of what reads it, as 16 hex digits."""
        digest = hashlib.sha256(version("dbt-core").encode())
        digest.update(Path(__file__).read_bytes())
        digest.update(Path(model_text.__file__).read_bytes())
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

    @cached_property
    def compiled(self) -> dict[str, list[str]]:
        """Model (unique id) → each form its SQL takes, sources named as tables.

        The first is that of a whole build; a second is there where a build of some
        months writes other SQL. A model that does not compile has none.

        Raises:
            DbtFailed: the dbt project does not parse.
        """
        self.make()
        found: dict[str, list[str]] = read_json(self.folder / _COMPILED, {})
        return found

    @cached_property
    def text_faults(self) -> dict[str, list[str]]:
        """Model (unique id) → what it does beside its query; see `model_text`.

        Raises:
            DbtFailed: the dbt project does not parse.
        """
        self.make()
        found: dict[str, list[str]] = read_json(self.folder / _FAULTS, {})
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
        forms = _forms(outcome.result, self.project, scratch)
        write_json(scratch / _COMPILED, forms)
        made = json.loads((scratch / "manifest.json").read_bytes())
        own = {
            one["name"]
            for one in made["macros"].values()
            if one["package_name"] == made["metadata"]["project_name"]
        }
        write_json(scratch / _FAULTS, text_faults(made["nodes"], own))
        scratch.rename(self.folder)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.home.dbt.mkdir(parents=True, exist_ok=True)
        with (self.home.dbt / ".making.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


#: What a build of some months asks of dbt, answered without a warehouse.
_SOME_MONTHS = ("--vars", json.dumps({"months": ["2000-01", "2000-02"]}))
_ANSWERS = {
    "is_incremental": "{{ return(config.get('materialized') == 'incremental') }}",
    "run_query": "{{ return({'rows': [], 'columns': []}) }}",
}


def _forms(manifest: Any, project: Path, scratch: Path) -> dict[str, list[str]]:
    """Return model → each form of its SQL, of dbt's parsed manifest, which it changes.

    Never raises: SQL that cannot be compiled must not stop the others, so it is left
    out, and whoever asks where its columns come from refuses it.
    """
    for source in manifest.sources.values():
        # Without its location a source is written as "raw"."name", where the Parquet
        # files it stands for would have no columns to trace to.
        for meta in (source.meta, source.config.meta):
            meta.pop("external_location", None)
    whole = _compiled(manifest, project, scratch / "compiling", "--full-refresh")
    macros = manifest.macros.values()
    for macro in macros:
        body = _ANSWERS.get(macro.name)
        if body is not None:
            macro.macro_sql = (
                f"{{% macro {macro.name}(sql=none) %}}{body}{{% endmacro %}}"
            )
    for node in manifest.nodes.values():
        if node.resource_type == "model":
            # Or the second compilation would leave out what ephemeral models put in.
            node.compiled, node.compiled_code = False, None
            node.extra_ctes, node.extra_ctes_injected = [], False
    partial = _compiled(manifest, project, scratch / "compiling", *_SOME_MONTHS)
    return {
        unique_id: [sql, *_other(sql, partial.get(unique_id))]
        for unique_id, sql in whole.items()
        if sql
    }


def _other(sql: str, again: str | None) -> list[str]:
    """Return a model's other form; "" where it has one that does not compile."""
    return [] if again == sql else [again or ""]


def _compiled(
    manifest: Any, project: Path, scratch: Path, *arguments: str
) -> dict[str, str]:
    """Return model → its SQL; without those that do not compile."""
    from dbt.cli.main import dbtRunner

    command = [
        "compile",
        *project_arguments(project, scratch),
        "--quiet",
        "--log-level",
        "none",
        "--select",
        "resource_type:model",
        "--indirect-selection",
        "empty",
        "--no-populate-cache",
        "--no-write-json",
        *arguments,
    ]
    try:
        with _empty_warehouse():
            ran: Any = dbtRunner(manifest).invoke(command).result
    # dbt answers some errors of a macro with exceptions of any kind.
    except Exception:
        return {}
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    results = ran.results if ran is not None else []
    return {
        one.node.unique_id: one.node.compiled_code or ""
        for one in results
        if one.node.language == "sql"
    }


@contextmanager
def _empty_warehouse() -> Iterator[None]:
    """Let dbt connect to an empty database in memory: the real one may be in use."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    before = os.environ["EDP_WAREHOUSE"]
    os.environ["EDP_WAREHOUSE"] = ":memory:"
    try:
        yield
    finally:
        os.environ["EDP_WAREHOUSE"] = before
        DuckDBConnectionManager.close_all_connections()


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
