"""A use case: a folder of its own, an asset group of its own, and who answers for it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Literal

import dagster as dg
from pydantic import Field

from edp_platform.yaml_source import UnreadableYaml, load_yaml


class Sprint(dg.Model, dg.Resolvable):
    """The sprint a use case is in, and its supplier where it has one."""

    number: int
    supplier: str | None = None


class UseCase(dg.Component, dg.Model, dg.Resolvable):
    """Declares one use case and loads the assets that its folder adds.

    The marts under `dbt_project/models/marts/<use case>` belong to it too; they take
    its owner, and the gate asks each data set's DPIA about its purposes.
    """

    title: str
    aim: list[Literal["trust", "crime", "standards"]]
    product_owner: str = Field(pattern=r"^(team:[a-z0-9-]+|[^@\s]+@[^@\s]+)$")
    sprint: Sprint
    stage: Literal["engage", "evolve", "embed"]
    uses: list[str]
    purposes: list[str]
    dpia: str | None = None
    eqia: str | None = None

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Load `assets.py`, if there is one, into the use case's group."""
        source = context.path / "assets.py"
        if not source.exists():
            return dg.Definitions()
        loaded = dg.load_definitions_from_module(_module(source))
        group = context.path.name

        def stamp(spec: dg.AssetSpec) -> dg.AssetSpec:
            return spec.replace_attributes(
                group_name=group,
                owners=spec.owners or [self.product_owner],
                tags={**spec.tags, "use_case": group, "layer": "product"},
            )

        return loaded.map_asset_specs(func=stamp)


def _module(source: Path) -> ModuleType:
    """Import a use case's code from its file: folders never import each other."""
    name = f"edp_use_case_{source.parent.name}"
    spec = importlib.util.spec_from_file_location(name, source)
    if spec is None or spec.loader is None:
        raise ImportError(f"{source} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def use_cases(root: Path) -> dict[str, UseCase]:
    """Return folder name → declaration of every use case that can be read.

    One that cannot is set aside by `folders.load_folders`, which tells its error.
    """
    found = {}
    for path in sorted(root.glob("*/defs.yaml")):
        try:
            attributes = load_yaml(path).data.get("attributes") or {}
            found[path.parent.name] = UseCase.resolve_from_dict(attributes)
        except (UnreadableYaml, ValueError, dg.DagsterError):
            continue
    return found
