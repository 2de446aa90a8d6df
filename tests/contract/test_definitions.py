"""The definitions as a whole: a snapshot, and what every asset must carry."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from edp_platform.home import Home

_SNAPSHOT = Path(__file__).parent / "definitions_snapshot.json"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home.open(date.today(), tmp_path_factory.mktemp("definitions") / "home")


@pytest.fixture(scope="module")
def graph(home: Home) -> Any:
    from edp_platform.components.platform import load_platform

    return load_platform(home).definitions.resolve_asset_graph()


def _described(graph: Any) -> dict[str, Any]:
    return {
        node.key.to_user_string(): {
            "group": node.group_name,
            "owners": sorted(node.owners),
            "kinds": sorted(node.kinds),
            "monthly": node.partitions_def is not None,
            "parents": sorted(key.to_user_string() for key in node.parent_keys),
            "checks": sorted(key.name for key in node.check_keys),
        }
        for node in sorted(graph.asset_nodes, key=lambda node: node.key)
    }


def test_the_definitions_are_those_of_the_snapshot(graph: Any) -> None:
    found = _described(graph)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        _SNAPSHOT.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    kept = json.loads(_SNAPSHOT.read_text())
    assert found == kept, "if this is meant: UPDATE_SNAPSHOTS=1 make test"


def test_every_asset_says_whose_it_is_and_what(graph: Any) -> None:
    for node in graph.asset_nodes:
        name = node.key.to_user_string()
        assert node.owners, name
        assert node.kinds, name
        assert node.group_name not in (None, "default"), name
        assert (node.description or "").strip(), name
        assert "layer" in node.tags, name


def test_every_table_has_its_columns(graph: Any) -> None:
    for node in graph.asset_nodes:
        if node.key.path[0] != "published":
            schema = node.metadata.get("dagster/column_schema")
            assert schema is not None and schema.columns, node.key


def test_every_model_has_a_primary_key_test(graph: Any) -> None:
    for node in graph.asset_nodes:
        if node.key.path[0] in ("staging", "intermediate", "facts", "marts"):
            names = [key.name for key in node.check_keys]
            assert any(name.startswith("primary_key") for name in names), node.key


def test_every_mart_is_behind_the_gate(graph: Any) -> None:
    for node in graph.asset_nodes:
        if node.key.path[0] in ("raw", "marts"):
            assert "dpia_gate" in {key.name for key in node.check_keys}, node.key


def test_every_grant_of_the_sample_force_is_live(graph: Any, home: Home) -> None:
    """And the operator sees every column of every mart that is about nobody."""
    from edp_platform.access.sweeping import declared_now

    declared = declared_now(home, date.today())
    shut = [one for one in declared.judged if not one.is_live]
    assert [(one.grant.id, one.mart, str(one.refusals[0])) for one in shut] == []
    marts = {
        key.path[1] for key in graph.get_all_asset_keys() if key.path[0] == "marts"
    }
    seen = {mart for who, mart, _ in declared.column_grants if who == "operator"}
    assert seen == marts
    assert not any(row[5] for row in declared.state["entitlement"])
