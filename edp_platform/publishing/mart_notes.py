"""What is said of each published mart: its meaning and key, out of the dbt project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edp_platform.publishing.served_tables import Notes
from edp_platform.warehouse.models import Models

_PRIMARY_KEY = "primary_key"


def mart_notes(manifest: Mapping[str, Any]) -> dict[str, Notes]:
    """Return mart → its meaning and its key, as its YAML states and dbt tests them."""
    keys: dict[str, tuple[str, ...]] = {}
    for node in manifest["nodes"].values():
        test = node.get("test_metadata") or {}
        if test.get("name") == _PRIMARY_KEY and node.get("attached_node"):
            keys[node["attached_node"]] = tuple(test["kwargs"]["columns"])
    return {
        model.name: Notes(
            model.description,
            {name: text for name, _, text in model.columns},
            keys.get(model.unique_id, ()),
        )
        for model in Models(dict(manifest)).marts
    }
