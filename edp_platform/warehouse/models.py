"""What the manifest says of each model: where it stands, what it reads, its code."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any

from edp_platform.warehouse.python_models import code_read, is_python


@dataclass(frozen=True)
class Model:
    """One dbt model.

    `columns` are (name, type, description), as the model's YAML states them.
    `is_monthly` models replace the months in scope; `is_onward` ones also every later
    month, because an earlier month decides what a later one holds. `protected_by` is
    column → what its YAML declares to protect personal data in it. `is_python` models
    declare their lineage; `is_model` ones forecast, rank or score (rule 43);
    `after_landing` says whether each landing makes them anew, or the next whole run;
    `brokered` what the YAML says of a mart that is reached through a function alone.
    """

    unique_id: str
    name: str
    schema: str
    layer: str
    use_case: str | None
    is_monthly: bool
    is_onward: bool
    materialized: str
    parents: tuple[str, ...]
    columns: tuple[tuple[str, str, str], ...]
    description: str
    trace: dict[str, Any]
    protected_by: dict[str, Any]
    is_python: bool = False
    is_model: bool = False
    after_landing: bool = True
    brokered: Any = None

    @property
    def asset_key(self) -> tuple[str, str]:
        """The key of its Dagster asset."""
        return (self.schema, self.name)


class Models:
    """Every model of a manifest, with what each derives from."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self._nodes = manifest["nodes"]
        self._sources = manifest["sources"]
        self._macros = manifest["macros"]
        self.by_id = {
            unique_id: _model(node)
            for unique_id, node in self._nodes.items()
            if node["resource_type"] == "model"
        }
        self.by_name = {model.name: model for model in self.by_id.values()}

    @cached_property
    def built(self) -> dict[str, Model]:
        """The models that stand in the warehouse (an ephemeral one is only text)."""
        return {
            unique_id: model
            for unique_id, model in self.by_id.items()
            if model.materialized != "ephemeral"
        }

    @cached_property
    def marts(self) -> list[Model]:
        """The models that people may query."""
        return [model for model in self.built.values() if model.layer == "mart"]

    def data_sets(self, unique_id: str) -> frozenset[str]:
        """Return the data sets a model derives from, through every model between."""
        return self._data_sets[unique_id]

    @cached_property
    def _data_sets(self) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}

        def visit(unique_id: str) -> frozenset[str]:
            if unique_id not in found:
                names: set[str] = set()
                for parent in self._nodes[unique_id]["depends_on"]["nodes"]:
                    if parent in self._sources:
                        names.add(self._sources[parent]["name"])
                    elif parent in self._nodes:
                        names |= visit(parent)
                found[unique_id] = frozenset(names)
            return found[unique_id]

        for unique_id in self.by_id:
            visit(unique_id)
        return found

    def fed_by(
        self, data_sets: Collection[str], without: Collection[str] = ()
    ) -> set[str]:
        """Return the models that derive from one of these data sets, and what those read.

        A mart of no data set at all is among them: it waits for none.

        Args:
            data_sets: that something has arrived of.
            without: unique ids of models that are left out.
        """
        return self.ancestors(
            one.unique_id
            for one in self.by_id.values()
            if one.unique_id not in without
            and (
                not self.data_sets(one.unique_id).isdisjoint(data_sets)
                or (one.layer == "mart" and not self.data_sets(one.unique_id))
            )
        )

    def ancestors(self, unique_ids: Iterable[str]) -> set[str]:
        """Return these models and every model that they read, through others too."""
        waiting = [*unique_ids]
        reached: set[str] = set()
        while waiting:
            unique_id = waiting.pop()
            if unique_id not in reached:
                reached.add(unique_id)
                waiting += [
                    one for one in self.by_id[unique_id].parents if one in self.by_id
                ]
        return reached

    def descendants(self, unique_ids: set[str]) -> set[str]:
        """Return these models and every model that reads one of them."""
        reached = set(unique_ids)
        grew = True
        while grew:
            more = {
                model.unique_id
                for model in self.by_id.values()
                if model.unique_id not in reached
                and reached.intersection(model.parents)
            }
            reached |= more
            grew = bool(more)
        return reached

    @cached_property
    def order(self) -> dict[str, int]:
        """Return each model's place in an order where parents come first."""
        sorter = TopologicalSorter(
            {
                unique_id: [one for one in model.parents if one in self.by_id]
                for unique_id, model in self.by_id.items()
            }
        )
        return {unique_id: at for at, unique_id in enumerate(sorter.static_order())}

    def code(self, unique_id: str) -> str:
        """Return a hash of a model's SQL, its parents' and every macro's."""
        return self._codes[unique_id]

    @cached_property
    def _codes(self) -> dict[str, str]:
        macros = hashlib.sha256()
        for name in sorted(self._macros):
            if self._macros[name]["package_name"] == "edp":
                macros.update(self._macros[name]["macro_sql"].encode())
        base = macros.hexdigest()
        found: dict[str, str] = {}

        def visit(unique_id: str) -> str:
            if unique_id not in found:
                node = self._nodes[unique_id]
                above = sorted(
                    visit(parent)
                    for parent in node["depends_on"]["nodes"]
                    if parent in self.by_id
                )
                config = node["config"]
                own = (
                    node["raw_code"],
                    config.get("materialized"),
                    config.get("incremental_strategy"),
                    base,
                    *([code_read(node)] if is_python(node) else []),
                    *above,
                )
                found[unique_id] = hashlib.sha256(repr(own).encode()).hexdigest()[:16]
            return found[unique_id]

        for unique_id in self.by_id:
            visit(unique_id)
        return found


def _model(node: dict[str, Any]) -> Model:
    folders = node["fqn"][1:-1]
    layer = {"facts": "fact", "marts": "mart"}.get(folders[0], folders[0])
    config = node["config"]
    meta = config.get("meta") or {}
    return Model(
        unique_id=node["unique_id"],
        name=node["name"],
        schema=node["schema"],
        layer=layer,
        use_case=folders[1] if layer == "mart" and len(folders) > 1 else None,
        is_monthly=meta.get("partitioned") == "month",
        is_onward=config.get("incremental_strategy") == "by_month_onward",
        materialized=config["materialized"],
        parents=tuple(node["depends_on"]["nodes"]),
        columns=tuple(
            (
                name,
                column.get("data_type") or "unknown",
                column.get("description") or "",
            )
            for name, column in node["columns"].items()
        ),
        description=node["description"],
        trace=dict(meta.get("trace") or {}),
        protected_by={
            name.lower(): column["meta"]["protected_by"]
            for name, column in node["columns"].items()
            if "protected_by" in (column.get("meta") or {})
        },
        is_python=is_python(node),
        is_model=bool(meta.get("is_model")),
        after_landing=bool(meta.get("after_landing", True)),
        brokered=meta.get("brokered"),
    )
