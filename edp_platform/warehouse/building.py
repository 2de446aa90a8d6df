"""Run dbt in process, with the manifest already parsed.

A dbt of its own process costs 5 seconds of imports and parsing a run; this costs the
SQL and about 30 ms a node.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from edp_platform.home import Home
from edp_platform.warehouse.manifest import (
    DbtFailed,
    ManifestStore,
    dbt_environment,
    project_arguments,
)
from edp_platform.warehouse.python_models import without_values

#: Marks what is to be built, in the manifest of one build.
_CHOSEN = "edp-chosen"


@dataclass(frozen=True)
class NodeOutcome:
    """What became of one model or test."""

    unique_id: str
    kind: str
    status: str
    seconds: float
    failures: int | None
    message: str

    @property
    def is_good(self) -> bool:
        """Whether the model was built or the test passed (a warning is not a pass)."""
        return self.status in ("success", "pass")


@dataclass(frozen=True)
class BuildOutcome:
    """What dbt did."""

    nodes: tuple[NodeOutcome, ...]
    succeeded: bool

    @property
    def models(self) -> list[NodeOutcome]:
        """The models, in the order they finished."""
        return [node for node in self.nodes if node.kind == "model"]

    @property
    def tests(self) -> list[NodeOutcome]:
        """The tests, in the order they finished."""
        return [node for node in self.nodes if node.kind == "test"]


def import_dbt() -> None:
    """Import what a build needs; called beside the loading of files, it costs no time."""
    import dbt.adapters.duckdb
    import dbt.cli.main  # noqa: F401


def build(
    home: Home,
    store: ManifestStore,
    names: Collection[str],
    months: Sequence[str],
    finished: Callable[[str, str], None] = lambda name, status: None,
) -> BuildOutcome:
    """Build models and run their tests.

    Args:
        home: whose warehouse.
        store: the parsed manifest.
        names: model names to build; their tests run with them.
        months: the scope; empty builds every month again.
        finished: called with each node's name and status as it finishes.

    Raises:
        DbtFailed: dbt could not start (warehouse locked or damaged, bad arguments). A
            model or test that fails does not raise: it is in the outcome.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    dbt_environment(home)
    home.warehouse.parent.mkdir(parents=True, exist_ok=True)

    def heard(event: Any) -> None:
        if event.info.name == "NodeFinished":
            node = event.data.node_info
            finished(node.node_name, node.node_status)

    arguments = [
        "build",
        *project_arguments(store.project, home.dbt / "run"),
        # Its outcome is told by the checks; its own lines would spoil `--json`.
        "--log-level",
        "none",
        "--select",
        f"tag:{_CHOSEN}",
        "--exclude",
        "resource_type:unit_test",
        "--indirect-selection",
        "buildable",
        "--vars",
        json.dumps({"months": [*months]}),
        "--no-write-json",
        "--cache-selected-only",
    ]
    manifest = store.parsed()
    for node in manifest.nodes.values():
        if node.resource_type == "model" and node.name in names:
            # One word to choose by: dbt compares each name with every node.
            node.tags.append(_CHOSEN)
    try:
        outcome = dbtRunner(manifest, [heard]).invoke(arguments)
    finally:
        # dbt-duckdb holds the file, and its lock, for the life of the process.
        DuckDBConnectionManager.close_all_connections()
    if outcome.result is None:
        raise DbtFailed(_explain(home, outcome.exception))
    results: Any = outcome.result
    nodes = tuple(_node(result) for result in results.results)
    return BuildOutcome(nodes, bool(outcome.success))


def _node(result: Any) -> NodeOutcome:
    return NodeOutcome(
        unique_id=result.node.unique_id,
        kind=str(result.node.resource_type),
        status=str(result.status),
        seconds=float(result.execution_time),
        failures=result.failures,
        message=without_values(result.message or ""),
    )


def _explain(home: Home, error: BaseException | None) -> str:
    text = str(error)
    if "Conflicting lock" in text or "Could not set lock" in text:
        return (
            f"{home.warehouse} is held by another process, and DuckDB allows one. "
            "Nothing was written. Wait for the other run, or close the program that "
            "opened the file; people read the published copy (edp sql), never this."
        )
    return f"dbt could not start: {text}"
