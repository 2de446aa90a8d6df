"""A use case: a folder of its own, an asset group of its own, and who answers for it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Literal

import dagster as dg
from pydantic import Field

from edp_platform.governance.dpia import dpia_blanks
from edp_platform.yaml_source import YamlDocument, load_yaml


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
#: The same for its equality impact assessment.
_EQUALITY_ANSWERS: dict[str, str] = {
    "author": "who writes this; the author may not sign it",
    "aims": 'what the use case does for this aim of the duty, or "none" with why',
    "characteristics": 'who could be touched and how, or "no effect" with why',
    "engagement": "who was asked, and what they said",
    "actions": "what is done about each effect, by whom; [] if none is found",
    "decision": "go on, change or stop, and why",
    "sign_off": "role, by (not the author) and on, YYYY-MM-DD",
    "review": "when it must be looked at again, YYYY-MM-DD, within twelve months",
}


class Unanswered(ValueError):
    """A use case left questions open; the message gives file and line of each."""


def refuse_blanks(folder: Path) -> None:
    """Refuse a use case that leaves a question of its records open.

    Its dpia.yaml and eqia.yaml are asked too, where it names them.

    Raises:
        Unanswered: one line for each blank of defs.yaml, dpia.yaml and eqia.yaml.
        UnreadableYaml: one of them is missing or no YAML.
    """
    document = load_yaml(folder / "defs.yaml")
    attributes = document.data.get("attributes") or {}
    lines = _open_questions(document, _ANSWERS, skipped=("attributes",))
    if attributes.get("dpia"):
        record = load_yaml(folder / str(attributes["dpia"]))
        lines += [f"{record.path}:{line}: {text}" for line, text in dpia_blanks(record)]
    if attributes.get("eqia"):
        record = load_yaml(folder / str(attributes["eqia"]))
        lines += _open_questions(record, _EQUALITY_ANSWERS)
    if lines:
        raise Unanswered("\n".join(lines))


def _open_questions(
    document: YamlDocument, answers: dict[str, str], skipped: tuple[str, ...] = ()
) -> list[str]:
    lines = []
    for keys, line in document.blanks():
        names = [key for key in keys if isinstance(key, str) and key not in skipped]
        what = answers.get(names[-1]) or answers.get(names[0])
        remedy = f"Write {what}" if what else "Write it, or remove the line"
        lines.append(
            f"{document.path}:{line}: `{'.'.join(names)}` is not answered. {remedy}."
        )
    return lines


def _module(source: Path) -> ModuleType:
    """Import a use case's code from its file: folders never import each other."""
    name = f"edp_use_case_{source.parent.name}"
    spec = importlib.util.spec_from_file_location(name, source)
    if spec is None or spec.loader is None:
        raise ImportError(f"{source} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
