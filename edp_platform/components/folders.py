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

from edp_platform.components.governed_dataset import (
    GovernedDataset,
    raw_asset,
    raw_key,
)
from edp_platform.components.use_case import UseCase, use_case_definitions
from edp_platform.datasets import DataSet, DataSets, SetAside, load_data_set
from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.use_cases import UseCaseFolder, load_use_case
from edp_platform.yaml_source import YamlDocument, load_yaml

#: The group of the assets that stand for folders which could not be loaded.
SET_ASIDE_GROUP = "set_aside"
_OURS = "edp_platform.components."


@dataclass
class LoadedFolders:
    """What the folders define, and those that could not be loaded."""

    registers: Registers
    definitions: list[dg.Definitions] = field(default_factory=list)
    data_sets_by_name: dict[str, DataSet] = field(default_factory=dict)
    use_cases: dict[str, UseCaseFolder] = field(default_factory=dict)
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

    Folders that claim one asset key, or one contract id, are all set aside: nobody but
    their owners can say whose it is, and data under the wrong contract is unlawful. A
    use case whose code does not load keeps its records, and its marts their gate.
    """
    registers = Registers(home.made_on)
    loaded = LoadedFolders(registers=registers)
    found: list[_Folder] = []
    for path in sorted(root.rglob("defs.yaml")):
        folder = path.parent
        if any(part.startswith((".", "_")) for part in folder.relative_to(root).parts):
            continue
        try:
            found.append(_load(folder, home, registers, loaded))
        except Exception as error:
            # Any error at all: a folder is a team's own code and YAML.
            loaded.faults.append(SetAside(folder, _cause(error)))
    claims = _claims(found)
    for one in found:
        repeated = _repeated(one, claims)
        if repeated:
            loaded.faults.append(SetAside(one.folder, repeated))
            loaded.use_cases.pop(one.folder.name, None)
            continue
        loaded.definitions.append(one.definitions)
        if one.data_set is not None:
            loaded.data_sets_by_name[one.folder.name] = one.data_set
    return loaded


@dataclass(frozen=True)
class _Folder:
    """One folder as it loaded, before it is known whether another claims the same."""

    folder: Path
    definitions: dg.Definitions
    data_set: DataSet | None = None

    @property
    def claims(self) -> list[str]:
        """What only one folder may hold: asset keys, the contract's id."""
        if self.data_set is not None:
            # Its raw asset is named after its folder: nobody else's claim counts.
            return [f"contract {self.data_set.contract.id}"]
        return sorted(
            key.to_user_string()
            for asset in self.definitions.assets or ()
            for key in _keys(asset)
        )


def _claims(found: list[_Folder]) -> dict[str, list[Path]]:
    """Return claim → the folders that make it."""
    holders: dict[str, list[Path]] = {
        raw_key(one.folder.name).to_user_string(): [one.folder]
        for one in found
        if one.data_set is not None
    }
    for one in found:
        for claim in one.claims:
            holders.setdefault(claim, []).append(one.folder)
    return holders


def _repeated(one: _Folder, claims: dict[str, list[Path]]) -> str:
    """Say what of a folder another claims too; empty when nothing is."""
    taken = [claim for claim in one.claims if len(claims[claim]) > 1]
    if not taken:
        return ""
    others = sorted(
        {str(path) for claim in taken for path in claims[claim]} - {str(one.folder)}
    )
    if one.data_set is not None and taken[-1].startswith("contract "):
        contract = one.data_set.contract
        return (
            f"{contract.path}: the contract id {contract.id} is already that of "
            f"{', '.join(others)}. Two data sets cannot be one, and which is meant "
            "cannot be told, so all are set aside; give one an id of its own."
        )
    return (
        f"{one.folder}: {', '.join(taken)} is already defined in {', '.join(others)}. "
        "An asset has one home, and whose it is cannot be told, so all are set aside; "
        "rename it in one, or remove it."
    )


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
    folder: Path, home: Home, registers: Registers, loaded: LoadedFolders
) -> _Folder:
    """Load one folder: ours directly, any other component by Dagster's own loader."""
    document = load_yaml(folder / "defs.yaml")
    stated = document.data.get("type")
    if stated == f"{_OURS}GovernedDataset":
        _declared(GovernedDataset, document)
        data_set = load_data_set(folder, home, registers)
        return _Folder(folder, dg.Definitions(assets=[raw_asset(data_set)]), data_set)
    if stated == f"{_OURS}UseCase":
        use_case = load_use_case(folder, home, registers)
        _declared(UseCase, document)
        # Before its code, which may not load: its marts ask its records all the same.
        loaded.use_cases[folder.name] = use_case
        definitions = use_case_definitions(use_case, loaded.data_sets_by_name)
        return _Folder(folder, definitions)
    return _Folder(folder, _load_any(folder))


def _declared(component: Any, document: YamlDocument) -> Any:
    """Read a component's attributes strictly.

    Raises:
        ValueError: file, line and field of each fault.
    """
    attributes = document.mapping("attributes")
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
