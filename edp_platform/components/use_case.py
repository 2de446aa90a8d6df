"""A use case: a folder of its own, an asset group of its own, and who answers for it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Literal

import dagster as dg
from pydantic import Field


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
        return self.definitions(context.path)

    def definitions(self, folder: Path) -> dg.Definitions:
        """Load the assets of a use case's folder.

        Raises:
            Exception: whatever importing the team's code raises.
        """
        source = folder / "assets.py"
        if not source.exists():
            return dg.Definitions()
        loaded = dg.load_definitions_from_module(_module(source))
        group = folder.name

        def stamp(spec: dg.AssetSpec) -> dg.AssetSpec:
            return spec.replace_attributes(
                group_name=group,
                owners=spec.owners or [self.product_owner],
                tags={**spec.tags, "use_case": group, "layer": "product"},
            )

        return loaded.map_asset_specs(func=stamp)


#: What to write where a use case's declaration was left blank.
_ANSWERS: dict[str, str] = {
    "title": "what the use case is called",
    "aim": "one or more of trust, crime, standards, such as [crime]",
    "product_owner": "who answers for it: team:… or an e-mail address",
    "number": "the number of the sprint it is in",
    "stage": "engage, evolve or embed",
    "uses": "the data sets it reads, such as [police_uk_street]",
    "purposes": "purposes of the register, such as [P-STATISTICS]",
}


class Unanswered(ValueError):
    """A use case left questions open; the message gives file and line of each."""


def refuse_blanks(folder: Path) -> None:
    """Refuse a use case that leaves a question of its records open.

    Asked before Dagster resolves the folder, whose words for a blank are a page long.
    Folders of other components pass.

    Raises:
        Unanswered: one line for each blank of defs.yaml, dpia.yaml and eqia.yaml.
        UnreadableYaml: one of them is missing or no YAML.
    """
    document = load_yaml(folder / "defs.yaml")
    if not str(document.data.get("type")).endswith(".UseCase"):
        return
    attributes = document.data.get("attributes") or {}
    documents = [document]
    for name in (attributes.get("dpia"), attributes.get("eqia")):
        if name:
            documents.append(load_yaml(folder / str(name)))
    lines = []
    for each in documents:
        for keys, line in each.blanks():
            names = [str(key) for key in keys if key != "attributes"]
            what = _ANSWERS.get(names[-1]) if each is document else None
            remedy = f"Write {what}" if what else "Write it, or remove the line"
            where = ".".join(name for name in names if not name.isdigit())
            lines.append(f"{each.path}:{line}: `{where}` is not answered. {remedy}.")
    if lines:
        raise Unanswered("\n".join(lines))


def _module(source: Path) -> ModuleType:
    """Import a use case's code from its file: folders never import each other."""
    name = f"edp_use_case_{source.parent.name}"
    spec = importlib.util.spec_from_file_location(name, source)
    if spec is None or spec.loader is None:
        raise ImportError(f"{source} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

