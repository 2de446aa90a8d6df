"""What a person means by a selection, and a refusal when it means nothing.

`dagster asset materialize --select` materialises everything when a typed key matches
nothing; here nothing matched is an error that says what came near.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

import dagster as dg

from edp_platform.orchestration.refusals import NothingSelected


def resolve(
    selections: Sequence[str], graph: dg.AssetGraph | object
) -> frozenset[dg.AssetKey]:
    """Return the assets that the selections name.

    Args:
        selections: a data set or mart by name (`police_uk_street`, `crime_by_month`),
            with `+` before or after for what it reads or feeds, or Dagster's selection
            syntax (`group:neighbourhood_crime`, `tag:layer=mart`, `key:"raw/*"`).
        graph: the asset graph of the definitions.

    Raises:
        NothingSelected: one of them matches nothing; near names are suggested.
    """
    keys: frozenset[dg.AssetKey] = graph.get_all_asset_keys()  # type: ignore[union-attr]
    chosen: set[dg.AssetKey] = set()
    for text in selections:
        found = _one(text, keys, graph)
        if not found:
            raise NothingSelected(_nothing(text, keys, graph))
        chosen |= found
    return frozenset(chosen)


def _one(text: str, keys: Collection[dg.AssetKey], graph: object) -> set[dg.AssetKey]:
    name = text.strip("+")
    named = {key for key in keys if name in (key.path[-1], key.to_user_string())}
    if named:
        selection: dg.AssetSelection = dg.AssetSelection.keys(*named)
        if text.startswith("+"):
            selection = selection.upstream()
        if text.endswith("+"):
            selection = selection | dg.AssetSelection.keys(*named).downstream()
        return set(selection.resolve(graph))  # type: ignore[arg-type]
    try:
        parsed = dg.AssetSelection.from_string(text)
        return set(parsed.resolve(graph, allow_missing=True))  # type: ignore[arg-type]
    except (dg.DagsterError, ValueError):
        return set()


def _nothing(text: str, keys: Collection[dg.AssetKey], graph: object) -> str:
    names = sorted({key.path[-1] for key in keys})
    groups = sorted({f"group:{node.group_name}" for node in graph.asset_nodes})  # type: ignore[attr-defined]
    near = difflib.get_close_matches(
        text.strip("+"), [*names, *groups], n=3, cutoff=0.5
    )
    hint = f" Near it: {', '.join(near)}." if near else ""
    return (
        f"`{text}` matches nothing, so nothing was run.{hint} List what there is with: "
        "edp status"
    )
