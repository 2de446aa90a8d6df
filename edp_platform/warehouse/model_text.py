"""What a model may write beside its query: nothing that runs, and nothing that tells when.

Lineage is read off the SQL that dbt compiles ahead. A text that asks whether it is being
built, or for a setting, could be other SQL then; a text that runs a statement of its own
does what nobody traced. So a model names `ref`, `source`, the project's macros and little
else, and is written where its layer stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

#: What the text of a model may name beside the project's macros.
_MAY_NAME = frozenset({"ref", "source", "config", "is_incremental", "this"})
_MATERIALIZED = frozenset({"table", "view", "incremental", "ephemeral"})
_LAYERS = frozenset({"staging", "intermediate", "facts", "marts"})
#: Settings that run SQL beside the query, or write elsewhere.
_NOT_SET = ("sql_header", "location", "plugin", "pre-hook", "post-hook")


def text_faults(
    nodes: Mapping[str, Mapping[str, Any]], macros: Collection[str]
) -> dict[str, list[str]]:
    """Return model (unique id) → what it does beside its query, in words.

    Args:
        nodes: of the manifest.
        macros: names of the project's own macros.
    """
    of_project = [*_of_project(nodes)]
    found: dict[str, list[str]] = {}
    for unique_id, node in nodes.items():
        if node["resource_type"] == "model":
            reasons = [*of_project, *_of_settings(node), *_of_text(node, macros)]
            if reasons:
                found[unique_id] = reasons
    return found


def _of_project(nodes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for node in nodes.values():
        kind = node["resource_type"]
        if kind == "operation":
            yield f"the project's {node['name']} runs SQL of its own"
        elif kind == "snapshot":
            yield f"the snapshot {node['name']} makes a table that nobody traces"
        elif kind == "test" and node["config"].get("store_failures"):
            yield f"the test {node['name']} keeps the rows it finds (store_failures)"


def _of_settings(node: Mapping[str, Any]) -> Iterator[str]:
    config = node["config"]
    for name in _NOT_SET:
        if config.get(name):
            does = (
                "runs SQL of its own" if "hook" in name else "is not for a model here"
            )
            yield f"its {name} {does}"
    if config.get("materialized") not in _MATERIALIZED:
        yield f"it is materialized as {config.get('materialized')}"
    if (node.get("alias") or node["name"]) != node["name"]:
        yield f"it is written as {node['alias']}, under another name than its own"
    layer = node["fqn"][1]
    if layer in _LAYERS and node["schema"] != layer:
        yield f"it is written into {node['schema']}, and stands under {layer}"


def _of_text(node: Mapping[str, Any], macros: Collection[str]) -> Iterator[str]:
    if node.get("language", "sql") != "sql":
        return  # `python_models` reads that
    from jinja2 import TemplateError, meta

    try:
        named = meta.find_undeclared_variables(_jinja().parse(node["raw_code"]))
    except TemplateError:
        yield "its text cannot be read"
        return
    others = sorted(named - _MAY_NAME - set(macros))
    if others:
        yield f"its text uses {', '.join(others)}, beside its query"


def _jinja() -> Environment:
    from jinja2 import Environment

    return Environment(extensions=["jinja2.ext.do"])
