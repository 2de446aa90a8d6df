"""Load each folder by itself, so that one team's mistake is one team's.

Dagster's own loader stops at the first bad YAML file of the whole tree. Here every
folder is a tree of its own: what fails is set aside with its error, shown as an asset
in the group `set_aside`, told by `edp status` and by the exit status of every run.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg
from dagster import AssetExecutionContext
from dagster.components.resolved.context import ResolutionContext
from pydantic import ValidationError

from edp_platform.components.governed_dataset import GovernedDataset, raw_asset
from edp_platform.components.use_case import UseCase, refuse_blanks
from edp_platform.datasets import DataSet, DataSets, SetAside, load_data_set
from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.yaml_source import YamlDocument, load_yaml

#: The group of the assets that stand for folders which could not be loaded.
SET_ASIDE_GROUP = "set_aside"
_OURS = "edp_platform.components."


@dataclass
class LoadedFolders:
    """What the folders define, and those that could not be loaded."""

    definitions: list[dg.Definitions] = field(default_factory=list)
    data_sets_by_name: dict[str, DataSet] = field(default_factory=dict)
    use_cases: dict[str, UseCase] = field(default_factory=dict)
    faults: list[SetAside] = field(default_factory=list)

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        """The folders that could not be loaded."""
        return tuple(self.faults)

    @property
    def data_sets(self) -> DataSets:
        """The data sets that could."""
        return DataSets(self.data_sets_by_name, self.set_aside)


def load_folders(root: Path, home: Home) -> LoadedFolders:
    """Load every folder under `root` that holds a `defs.yaml`.

    A folder that repeats an asset key (or a contract's id) of another is set aside too:
    both cannot be the owner, and the one that was there first, by path, stays.
    """
    loaded = LoadedFolders()
    registers = Registers(home.made_on)
    holder: dict[dg.AssetKey, Path] = {}
    contract_ids: dict[str, Path] = {}
    for path in sorted(root.rglob("defs.yaml")):
        folder = path.parent
        if any(part.startswith((".", "_")) for part in folder.relative_to(root).parts):
            continue
        try:
            definitions, declared = _load(folder, home, registers)
            keys = {key for asset in definitions.assets or () for key in _keys(asset)}
        except Exception as error:
            # Any error at all: a folder is a team's own code and YAML.
            loaded.faults.append(SetAside(folder, _cause(error)))
            continue
        repeated = _repeated(folder, declared, keys, holder, contract_ids)
        if repeated:
            loaded.faults.append(SetAside(folder, repeated))
            continue
        holder.update(dict.fromkeys(keys, folder))
        loaded.definitions.append(definitions)
        if isinstance(declared, DataSet):
            contract_ids[declared.contract.id] = folder
            loaded.data_sets_by_name[folder.name] = declared
        elif isinstance(declared, UseCase):
            loaded.use_cases[folder.name] = declared
    return loaded


def _repeated(
    folder: Path,
    declared: DataSet | UseCase | None,
    keys: set[dg.AssetKey],
    holder: dict[dg.AssetKey, Path],
    contract_ids: dict[str, Path],
) -> str:
    """Say what of a folder is already another's; empty when nothing is."""
    taken = sorted(key.to_user_string() for key in keys if key in holder)
    if taken:
        first = holder[dg.AssetKey.from_user_string(taken[0])]
        return (
            f"{folder}: {', '.join(taken)} is already defined in {first}. An asset has "
            "one home; rename this one, or remove it."
        )
    if isinstance(declared, DataSet) and declared.contract.id in contract_ids:
        contract = declared.contract
        return (
            f"{contract.path}: the contract id {contract.id} is already that of "
            f"{contract_ids[contract.id]}. Two data sets cannot be one; give this "
            "contract an id of its own."
        )
    return ""


def set_aside_assets(faults: tuple[SetAside, ...]) -> list[dg.AssetsDefinition]:
    """Return an asset for each folder set aside, that tells its error and fails."""
    return [_standing_for(fault) for fault in faults]


def _standing_for(fault: SetAside) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey([SET_ASIDE_GROUP, fault.name.replace("-", "_")]),
        group_name=SET_ASIDE_GROUP,
        owners=["team:data-engineering"],
        kinds={"yaml"},
        description=f"This folder could not be loaded.\n\n```\n{fault.error}\n```",
        metadata={"folder": str(fault.folder), "error": fault.error},
    )
    def folder_set_aside(context: AssetExecutionContext) -> None:
        raise dg.Failure(
            f"{fault.folder} could not be loaded: {fault.error}", allow_retries=False
        )

    return folder_set_aside


def _load(
    folder: Path, home: Home, registers: Registers
) -> tuple[dg.Definitions, DataSet | UseCase | None]:
    """Load one folder: ours directly, any other component by Dagster's own loader."""
    document = load_yaml(folder / "defs.yaml")
    stated = document.data.get("type")
    if stated == f"{_OURS}GovernedDataset":
        _declared(GovernedDataset, document)
        data_set = load_data_set(folder, home, registers)
        return dg.Definitions(assets=[raw_asset(data_set)]), data_set
    if stated == f"{_OURS}UseCase":
        refuse_blanks(folder)
        use_case = _declared(UseCase, document)
        return use_case.definitions(folder), use_case
    return _load_any(folder), None


def _declared(component: Any, document: YamlDocument) -> Any:
    """Read a component's attributes strictly.

    Raises:
        ValueError: file, line and field of each fault.
    """
    attributes = document.data.get("attributes") or {}
    try:
        model = component.model().model_validate(attributes)
    except ValidationError as error:
        raise ValueError(_in_words(error, document)) from None
    return component.resolve_from_model(ResolutionContext.default(), model)


def _in_words(error: ValidationError, document: YamlDocument) -> str:
    lines = []
    for fault in error.errors():
        keys = [
            "attributes",
            *(key for key in fault["loc"] if isinstance(key, str | int)),
        ]
        name = ".".join(str(key) for key in keys[1:])
        message = {
            "missing": f"`{name}` is not answered: write it under attributes.",
            "extra_forbidden": f"`{name}` is not known here; is it misspelt?",
        }.get(fault["type"], f"`{name}`: {fault['msg']}.")
        lines.append(f"{document.path}:{document.line(keys)}: {message}")
    return "\n".join(lines)


def _load_any(folder: Path) -> dg.Definitions:
    # A module of the folder alone: Dagster's tree reads a module's path.
    name = f"edp_folder_{folder.name}"
    module = ModuleType(name)
    module.__path__ = [str(folder)]
    module.__file__ = str(folder / "__init__.py")
    sys.modules[name] = module
    tree = dg.ComponentTree.from_module(defs_module=module, project_root=folder)
    built = tree.build_defs()
    # Without its tree: Dagster merges definitions of one tree only.
    return dg.Definitions(
        assets=built.assets,
        asset_checks=built.asset_checks,
        schedules=built.schedules,
        sensors=built.sensors,
        jobs=built.jobs,
        resources=built.resources,
    )


def _keys(asset: object) -> set[dg.AssetKey]:
    if isinstance(asset, dg.AssetsDefinition):
        return set(asset.keys)
    if isinstance(asset, dg.AssetSpec | dg.SourceAsset):
        return {asset.key}
    return set()


def _cause(error: BaseException) -> str:
    """Return what a person can act on: our own words, else the innermost error."""
    while not isinstance(error, ValueError) and error.__cause__ is not None:
        error = error.__cause__
    text = str(error)
    return (
        text
        if isinstance(error, ValueError) and text
        else (f"{type(error).__name__}: {text}")
    )
