"""A use case: a folder of its own, an asset group of its own, and who answers for it."""

from __future__ import annotations

import copy
import functools
import importlib.util
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import dagster as dg
from dagster._core.definitions.decorators.op_decorator import DecoratedOpFunction
from pydantic import Field

from edp_platform.components.products import product_column_refusals
from edp_platform.datasets import DataSet, DataSets
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.use_cases import UseCaseFolder, load_use_case


class Sprint(dg.Model, dg.Resolvable):
    """The sprint a use case is in, and its supplier where it has one."""

    number: int
    supplier: str | None = None


class UseCase(dg.Component, dg.Model, dg.Resolvable):
    """Declares one use case and loads the assets that its folder adds.

    The marts under `dbt_project/models/marts/<use case>` belong to it too; they take
    its owner. Its records (`use_case.yaml`, `eqia.yaml`) and the DPIA of each data set
    that it uses are asked before any of them is built.
    """

    title: str
    aim: list[Literal["trust", "crime", "standards"]]
    product_owner: str = Field(pattern=r"^(team:[a-z0-9-]+|[^@\s]+@[^@\s]+)$")
    sprint: Sprint
    stage: Literal["engage", "evolve", "embed"]
    uses: list[str]
    purposes: list[str]
    dpia: str | None = None
    eqia: str = "eqia.yaml"
    record: str = "use_case.yaml"

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Load `assets.py`, if there is one, into the use case's group."""
        home = Home.open(date.today())
        use_case = load_use_case(context.path, home, Registers(home.made_on))
        return use_case_definitions(use_case, DataSets.load(home).by_name)


def use_case_definitions(
    use_case: UseCaseFolder, data_sets: Mapping[str, DataSet]
) -> dg.Definitions:
    """Load the assets of a use case's folder, each behind its gate.

    Args:
        use_case: whose `assets.py`.
        data_sets: those loaded; read when an asset runs, not before.

    Raises:
        ValueError: the code holds what no gate can stand before.
        Exception: whatever importing the team's code raises.
    """
    source = use_case.folder / "assets.py"
    if not source.exists():
        return dg.Definitions()
    loaded = dg.load_definitions_from_module(_module(source))
    _refuse_ungated(loaded, source)
    group = use_case.name

    def stamp(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec.replace_attributes(
            group_name=group,
            owners=spec.owners or [use_case.product_owner],
            tags={**spec.tags, "use_case": group, "layer": "product"},
        )

    stamped = loaded.map_asset_specs(func=stamp)
    return dg.Definitions(
        assets=[
            _gated(asset, use_case, data_sets)
            if isinstance(asset, dg.AssetsDefinition)
            else asset
            for asset in stamped.assets or ()
        ],
        asset_checks=stamped.asset_checks,
        schedules=stamped.schedules,
        sensors=stamped.sensors,
        jobs=stamped.jobs,
        resources=stamped.resources,
    )


def asset_refusals(
    use_case: UseCaseFolder,
    data_sets: Mapping[str, DataSet],
    asset: str,
    today: date,
    *,
    is_model: bool = False,
) -> list[Refusal]:
    """Return why an asset of a use case's own code may not be made today.

    Asks the use case's records, and the DPIA of every data set it uses for the purposes
    that both state.

    Args:
        use_case: whose asset.
        data_sets: those loaded, by name.
        asset: the asset's name.
        today: the day of the question.
        is_model: whether the asset is a model.
    """
    found = list(use_case.refusals(today, asset, is_model=is_model))
    for name in use_case.stated.uses:
        data_set = data_sets.get(name)
        if data_set is None:
            found.append(
                Refusal(
                    "contract-valid",
                    f"The data set {name} is set aside or unknown.",
                    "A use case may read only data sets under contract.",
                    "See edp status for its error.",
                    2,
                )
            )
            continue
        found += data_set.refusals(
            "mart",
            today,
            purposes=use_case.purposes_of(data_set.contract),
            use_case=use_case.name,
        )
    return list(dict.fromkeys(found))


def _gated(
    asset: dg.AssetsDefinition,
    use_case: UseCaseFolder,
    data_sets: Mapping[str, DataSet],
) -> dg.AssetsDefinition:
    """Return the asset with its gate asked before its first line runs."""
    if not asset.is_executable:
        return asset
    models = {spec.key.path[-1]: "model" in spec.kinds for spec in asset.specs}

    def refuse() -> None:
        today = date.today()
        refusals = [
            refusal
            for name, is_model in models.items()
            for refusal in asset_refusals(
                use_case, data_sets, name, today, is_model=is_model
            )
        ]
        refusals += product_column_refusals(asset, use_case, data_sets, today)
        if refusals:
            told = " ".join(map(str, dict.fromkeys(refusals)))
            raise dg.Failure(
                f"{', '.join(models)} of {use_case.name} was refused, and nothing was "
                f"written. {told}",
                allow_retries=False,
            )

    op = copy.copy(asset.op)
    compute = op.compute_fn
    # The function's own signature stays visible, or Dagster would not know its inputs.
    if isinstance(compute, DecoratedOpFunction):
        op._compute_fn = DecoratedOpFunction(_after(refuse, compute.decorated_fn))
    else:
        op._compute_fn = _after(refuse, compute)
    parts = asset.get_attributes_dict()
    return dg.AssetsDefinition.dagster_internal_init(**{**parts, "node_def": op})


def _after(first: Callable[[], None], function: Callable[..., Any]) -> Any:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        first()
        return function(*args, **kwargs)

    return call


def _refuse_ungated(loaded: dg.Definitions, source: Path) -> None:
    """Refuse what would run without asking: graphs, and jobs of plain ops.

    Raises:
        ValueError: with what was found and what to write instead.
    """
    graphs = [
        asset.node_def.name
        for asset in loaded.assets or ()
        if isinstance(asset, dg.AssetsDefinition)
        and asset.is_executable
        and not isinstance(asset.node_def, dg.OpDefinition)
    ]
    jobs = [job.name for job in loaded.jobs or () if isinstance(job, dg.JobDefinition)]
    if graphs or jobs:
        raise ValueError(
            f"{source}: {', '.join([*graphs, *jobs])} would run without asking the "
            "gate. Write each as @asset or @multi_asset, and a job with "
            "define_asset_job."
        )


def _module(source: Path) -> ModuleType:
    """Import a use case's code from its file: folders never import each other."""
    name = f"edp_use_case_{source.parent.name}"
    spec = importlib.util.spec_from_file_location(name, source)
    if spec is None or spec.loader is None:
        raise ImportError(f"{source} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
