"""One team's mistake is one team's: it is set aside, told, and the others run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from .conftest import Platform


def _bad_yaml(root: Path) -> None:
    (root / "datasets" / "police_uk_street" / "defs.yaml").write_text("type: [\n")


def _import_error(root: Path) -> None:
    (root / "neighbourhood_crime" / "assets.py").write_text("import no_such_module\n")


def _misspelt_contract(root: Path) -> None:
    path = root / "datasets" / "police_uk_street" / "contract.yaml"
    path.write_text(path.read_text().replace("classification:", "classificaton:", 1))


def _repeated_key(root: Path) -> None:
    source = root / "datasets" / "police_uk_street"
    shutil.copytree(source, root / "datasets" / "police_uk_street_again")


def _missing_answer(root: Path) -> None:
    path = root / "performance_framework" / "defs.yaml"
    lines = path.read_text().splitlines()
    kept = [line for line in lines if "product_owner" not in line]
    path.write_text("\n".join(kept) + "\n")


@pytest.mark.parametrize(
    ("mistake", "folder", "says"),
    [
        (_bad_yaml, "police_uk_street", "not valid YAML"),
        (_import_error, "neighbourhood_crime", "no_such_module"),
        (_misspelt_contract, "police_uk_street", "classificaton"),
        (_missing_answer, "performance_framework", "product_owner"),
    ],
)
def test_a_broken_folder_is_set_aside_and_the_others_run(
    fresh: Platform, own_defs: Path, mistake: object, folder: str, says: str
) -> None:
    mistake(own_defs)  # type: ignore[operator]
    done = fresh.edp("run", "borough_profiles", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert [Path(one["folder"]).name for one in told["set_aside"]] == [folder]
    assert says in told["set_aside"][0]["error"]
    assert told["rows"]["borough_profiles"]["loaded"] == 38
    status = fresh.edp("status", "--json")
    assert status.returncode == 1
    assert says in json.dumps(json.loads(status.stdout)["set_aside"])


def test_two_folders_with_one_contract_are_both_set_aside(
    fresh: Platform, own_defs: Path
) -> None:
    """The first by its path is not the owner for that: nobody can tell whose it is."""
    _repeated_key(own_defs)
    done = fresh.edp("run", "borough_profiles", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    aside = {Path(one["folder"]).name: one["error"] for one in told["set_aside"]}
    assert set(aside) == {"police_uk_street", "police_uk_street_again"}
    assert all("already that of" in error for error in aside.values())
    assert told["rows"]["borough_profiles"]["loaded"] == 38


def test_the_ui_shows_a_folder_set_aside(
    fresh: Platform, own_defs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import date

    from edp_platform.components.platform import load_platform
    from edp_platform.home import Home

    _bad_yaml(own_defs)
    monkeypatch.setenv("EDP_DEFS", str(own_defs))
    loaded = load_platform(Home.open(date.today(), fresh.home))
    graph = loaded.definitions.resolve_asset_graph()
    (shown,) = [node for node in graph.asset_nodes if node.group_name == "set_aside"]
    assert shown.key.path == ["set_aside", "police_uk_street"]
    assert "not valid YAML" in (shown.description or "")
