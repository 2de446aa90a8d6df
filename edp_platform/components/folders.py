"""Load each folder by itself, so that one team's mistake is one team's.

Dagster's own loader stops at the first bad YAML file of the whole tree. Here every
folder is a tree of its own: what fails is set aside with its error, shown as an asset
in the group `set_aside`, told by `edp status` and by the exit status of every run.
"""


import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import dagster as dg
from dagster import AssetExecutionContext

from edp_platform.datasets import SetAside

#: The group of the assets that stand for folders which could not be loaded.
SET_ASIDE_GROUP = "set_aside"


@dataclass(frozen=True)
class LoadedFolders:
    """What the folders define, and those that could not be loaded."""

    definitions: tuple[dg.Definitions, ...]
    set_aside: tuple[SetAside, ...]


def load_folders(root: Path) -> LoadedFolders:
    """Load every folder under `root` that holds a `defs.yaml`.

    A folder that repeats an asset key of another is set aside too: both cannot be the
    owner, and the one that was there first (by path) stays.
    """
    loaded: list[dg.Definitions] = []
    faults: list[SetAside] = []
    holder: dict[dg.AssetKey, Path] = {}
    for path in sorted(root.rglob("defs.yaml")):
        folder = path.parent
        if any(part.startswith((".", "_")) for part in folder.relative_to(root).parts):
            continue
        try:
            definitions = _load(folder)
            keys = {key for asset in definitions.assets or () for key in _keys(asset)}
        except Exception as error:
            # Any error at all: a folder is a team's own code and YAML.
            faults.append(SetAside(folder, _cause(error)))
            continue
        repeated = sorted(key.to_user_string() for key in keys if key in holder)
        if repeated:
            first = holder[dg.AssetKey.from_user_string(repeated[0])]
            text = (
                f"{path}: {', '.join(repeated)} is already defined in {first}. An "
                "asset has one home; rename this one, or remove it."
            )
            faults.append(SetAside(folder, text))
            continue
        holder.update(dict.fromkeys(keys, folder))
        loaded.append(definitions)
    return LoadedFolders(tuple(loaded), tuple(faults))


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


def _load(folder: Path) -> dg.Definitions:
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
    """Return the innermost error: Dagster wraps it in a drawing of the tree."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = str(error)
    known = isinstance(error, ValueError | LookupError)
    return text if known and text else f"{type(error).__name__}: {text}"
