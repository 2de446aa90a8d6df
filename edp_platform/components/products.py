"""The Python assets of use cases as lineage: what each declares, and whether it may."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from edp_platform.contracts.model import PLATFORM_COLUMNS
from edp_platform.datasets import DataSet
from edp_platform.governance.column_law import CLASSIFICATIONS, ColumnLaw
from edp_platform.governance.column_lineage import RAW, Lineage, Origins, Relation
from edp_platform.governance.column_rules import (
    ColumnUse,
    columns_protected,
)
from edp_platform.governance.dpia import DpiaInvalid
from edp_platform.governance.product_lineage import (
    GOVERNED_SCHEMAS,
    LINEAGE_METADATA,
    product_declared,
    read_declaration,
)
from edp_platform.governance.refusal import Refusal
from edp_platform.home import Home
from edp_platform.use_cases import UseCaseFolder
from edp_platform.warehouse.lineage import ColumnLineage
from edp_platform.warehouse.manifest import ManifestStore

#: The schema under which products with a key of one part stand in lineage.
PRODUCTS = "products"
_ABOUT_PEOPLE = frozenset(CLASSIFICATIONS[2:])
#: What code may import that reads no data.
_HARMLESS = frozenset(
    {"__future__", "collections", "dagster", "datetime", "math", "typing"}
)


@dataclass(frozen=True)
class Product:
    """One Python asset of a use case."""

    asset: dg.AssetsDefinition
    use_case: UseCaseFolder


def products_in(
    definitions: Iterable[dg.Definitions], use_cases: Mapping[str, UseCaseFolder]
) -> tuple[Product, ...]:
    """Return the Python assets that folders of use cases define."""
    return tuple(
        Product(asset, use_cases[name])
        for one in definitions
        for asset in one.assets or ()
        if isinstance(asset, dg.AssetsDefinition) and asset.is_executable
        for name in {spec.tags.get("use_case", "") for spec in asset.specs}
        if name in use_cases
    )


def relation_of(key: dg.AssetKey) -> Relation:
    """Return how an asset is named in lineage: all but the last part, and the last."""
    return ("/".join(key.path[:-1]) or PRODUCTS, key.path[-1])


def product_column_refusals(
    asset: dg.AssetsDefinition,
    use_case: UseCaseFolder,
    data_sets: Mapping[str, DataSet],
    today: date,
) -> list[Refusal]:
    """Return why the columns of a use case's own asset are refused (rule 4).

    Args:
        asset: with its declarations in the metadata of its specs.
        use_case: whose it is.
        data_sets: those loaded, by name.
        today: the day of the question.

    Raises:
        DbtFailed: the dbt project, whose lineage products continue, does not parse.
    """
    contracts = {name: one.contract for name, one in data_sets.items()}
    lineage = ColumnLineage(ManifestStore(Home.open(today)), contracts)
    return refusals_of(
        asset.specs, use_case, data_sets, lineage.lineage, reads_files(asset)
    )


def refusals_of(
    specs: Iterable[dg.AssetSpec],
    use_case: UseCaseFolder,
    data_sets: Mapping[str, DataSet],
    models: Lineage,
    reads_files: bool = True,
) -> list[Refusal]:
    """Return why product columns are refused, given the lineage of every model.

    Args:
        specs: of the assets.
        use_case: whose they are.
        data_sets: those loaded, by name.
        models: the lineage of every model.
        reads_files: whether their code could read data that they do not depend on.
    """
    columns = {
        name: [*one.contract.column_names, *PLATFORM_COLUMNS, "month"]
        for name, one in data_sets.items()
    }
    lineage = {**models, **declared_lineage(specs)}
    law = ColumnLaw(
        Origins(lineage), {name: one.contract for name, one in data_sets.items()}
    )
    found: list[Refusal] = []
    uses: list[tuple[Relation, Any]] = []
    for spec in specs:
        relation = relation_of(spec.key)
        stated = _stated(spec)
        refusals = product_declared(
            spec.key.to_user_string(),
            stated,
            [one for one in _governed_deps(spec) if _holds_people(one, law, data_sets)],
            lineage,
            columns,
            reads_files and _uses_people(use_case, data_sets),
        )
        found += refusals
        if stated is not None and not refusals:
            uses.append((relation, read_declaration(stated)))
    for relation, declared in uses:
        found += columns_protected(
            law,
            ColumnUse(
                relation=relation,
                columns=[*declared.columns],
                declared=declared.protected_by,
                use_case=use_case.name,
                purposes={
                    name: use_case.purposes_of(one.contract)
                    for name, one in data_sets.items()
                },
                dpias=_dpias(data_sets),
                is_declared_only=True,
            ),
        )
    return found


def declared_lineage(specs: Iterable[dg.AssetSpec]) -> Lineage:
    """Return the lineage that assets declare; those that declare none are left out."""
    found: Lineage = {}
    for spec in specs:
        stated = _stated(spec)
        if stated is not None:
            with suppress(ValueError):  # it is refused, with what is wrong
                found[relation_of(spec.key)] = read_declaration(stated).traced()
    return found


def _stated(spec: dg.AssetSpec) -> Any:
    stated = spec.metadata.get(LINEAGE_METADATA)
    return stated.value if isinstance(stated, dg.MetadataValue) else stated


def _governed_deps(spec: dg.AssetSpec) -> list[Relation]:
    return [
        relation_of(dep.asset_key)
        for dep in spec.deps
        if dep.asset_key.path[0] in GOVERNED_SCHEMAS
    ]


def reads_files(asset: dg.AssetsDefinition) -> bool:
    """Whether the file of an asset's code imports anything that reads data.

    An asset that depends on nothing may still open the lake itself.
    """
    compute: Any = asset.op.compute_fn
    function = inspect.unwrap(getattr(compute, "decorated_fn", compute))
    try:
        tree = ast.parse(Path(inspect.getfile(function)).read_text(encoding="utf-8"))
    except (OSError, TypeError, SyntaxError):
        return True  # nobody can tell
    named = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [one.name for one in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    return not named <= _HARMLESS


def _holds_people(
    relation: Relation, law: ColumnLaw, data_sets: Mapping[str, DataSet]
) -> bool:
    """Whether a relation holds values made of data about people."""
    if relation[0] == "published":
        return True
    if relation[0] == RAW:
        data_set = data_sets.get(relation[1])
        return data_set is None or _is_about_people(data_set)
    traced = law.origins.lineage.get(relation)
    if traced is None or traced.untraced or traced.faults:
        return True
    return any(
        law.value_classification((*relation, name)) in _ABOUT_PEOPLE
        for name in traced.columns
    )


def _is_about_people(data_set: DataSet) -> bool:
    return any(
        column.classification in _ABOUT_PEOPLE for column in data_set.contract.columns
    )


def _uses_people(use_case: UseCaseFolder, data_sets: Mapping[str, DataSet]) -> bool:
    """Whether a use case states that it uses a data set with data about people."""
    return any(
        name in data_sets and _is_about_people(data_sets[name])
        for name in use_case.stated.uses
    )


def _dpias(data_sets: Mapping[str, DataSet]) -> dict[str, Any]:
    found = {}
    for name, one in data_sets.items():
        # One that cannot be relied on shuts the gate by itself.
        with suppress(DpiaInvalid):
            found[name] = one.dpia
    return found
