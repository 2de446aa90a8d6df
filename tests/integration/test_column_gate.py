"""Rule 4 through the real doors: a mart that leaks is not built, and others are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from edp_platform.warehouse.manifest import dbt_project_folder

from .conftest import Platform

pytestmark = pytest.mark.doors

_LEAK = """
with searches as (
    select * from {{ ref('fct_searches') }}
),

renamed as (
    select
        month,
        force,
        self_defined_ethnicity as remark
    from searches
)

select * from renamed
"""
_COUNTED = """
select
    force,
    self_defined_ethnicity as remark,
    cast(count(*) as integer) as searches
from {{ ref('fct_searches') }}
group by force, self_defined_ethnicity
"""
_YAML = """
version: 2
models:
  - name: search_remarks
    description: One row per search.
    config:
      meta: {partitioned: none}
    columns:
      - name: remark
        data_type: varchar
        description: What was said.
"""
_DECLARED = "        config: {meta: {protected_by: group_by_dimension}}\n"
_PATH = (
    "rule 4: police_uk_stop_and_search.self_defined_ethnicity → "
    "stg_police_uk_stop_and_search.self_defined_ethnicity → "
    "fct_searches.self_defined_ethnicity → marts.search_remarks.remark"
)


@pytest.fixture
def project(fresh: Platform, tmp_path: Path) -> Path:
    """A copy of the dbt project that a test may add to."""
    copied = tmp_path / "dbt_project"
    shutil.copytree(
        dbt_project_folder(),
        copied,
        ignore=shutil.ignore_patterns("target", "logs", ".edp"),
    )
    fresh.environment["EDP_DBT_PROJECT"] = str(copied)
    return copied


def _add(project: Path, sql: str, yaml: str = _YAML) -> None:
    folder = project / "models" / "marts" / "performance_framework"
    (folder / "search_remarks.sql").write_text(sql)
    (folder / "search_remarks.yml").write_text(yaml)


def _marts(platform: Platform) -> set[str]:
    with duckdb.connect(
        str(platform.home / "warehouse" / "edp.duckdb"), read_only=True
    ) as connection:
        rows = connection.execute(
            "select table_name from information_schema.tables "
            "where table_schema = 'marts'"
        ).fetchall()
    return {name for (name,) in rows}


def test_rule_04_refuses_a_mart_that_leaks_and_others_are_built(
    fresh: Platform, project: Path
) -> None:
    _add(project, _LEAK)
    checked = fresh.edp("lineage", "check")
    assert checked.returncode == 1
    assert _PATH in checked.stderr and "DPIA-STOP-SEARCH" in checked.stderr
    done = fresh.edp("run", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert _PATH in json.dumps(told, ensure_ascii=False)
    failed = {(one["asset"], one["check"]) for one in told["checks_failed"]}
    assert ("marts/search_remarks", "dpia_gate") in failed
    assert ("marts/stop_and_search_by_month", "dpia_gate") not in failed
    marts = _marts(fresh)
    assert "search_remarks" not in marts
    assert {"stop_and_search_by_month", "crime_by_month"} <= marts
    assert fresh.edp("sql", "select * from marts.search_remarks").returncode == 1
    assert fresh.rows("select count(*) > 0 as held from marts.stop_and_search_by_month")
    # A person who reads it as a column of the data set finds it refused, too.
    shown = fresh.edp("lineage", "search_remarks.remark", "--json")
    assert json.loads(shown.stdout)["classification"] == "special-category"


def test_rule_04_passes_the_same_column_once_it_is_aggregated_and_declared(
    fresh: Platform, project: Path
) -> None:
    _add(project, _COUNTED)
    assert fresh.edp("lineage", "check").returncode == 1
    _add(project, _LEAK, _YAML.rstrip("\n") + "\n" + _DECLARED)
    untrue = fresh.edp("lineage", "check")
    assert untrue.returncode == 1
    assert "declared `group_by_dimension`, but" in untrue.stderr
    _add(project, _COUNTED, _YAML.rstrip("\n") + "\n" + _DECLARED)
    checked = fresh.edp("lineage", "check")
    assert checked.returncode == 0, checked.stderr


def test_rule_04_refuses_a_model_that_reads_a_file(
    fresh: Platform, project: Path
) -> None:
    _add(project, "select surname as remark from read_csv('people.csv')")
    checked = fresh.edp("lineage", "check", "--json")
    assert checked.returncode == 1
    (refused,) = json.loads(checked.stdout)["refused"]
    assert refused["asset"] == "marts/search_remarks"
    assert "read_csv() reads what is not a model" in refused["refusals"][0]


def test_lineage_is_shown_both_ways_and_near_names_are_suggested(
    landed: Platform,
) -> None:
    up = landed.edp("lineage", "stop_and_search_by_month.outcome", "--up")
    assert up.returncode == 0, up.stderr
    assert "raw.police_uk_stop_and_search.outcome" in up.stdout
    assert "group_by_dimension" in up.stdout and "criminal-offence" in up.stdout
    down = landed.edp(
        "lineage", "police_uk_stop_and_search.outcome", "--down", "--json"
    )
    told = json.dumps(json.loads(down.stdout)["columns"])
    assert '"stop_and_search_by_month"' in told
    wrong = landed.edp("lineage", "stop_and_search_by_month.outcom")
    assert wrong.returncode == 2
    assert "stop_and_search_by_month.outcome" in wrong.stderr


_ASSET = """
import dagster as dg
import polars as pl


@dg.asset(
    key=["performance_framework", "search_list"],
    deps=[dg.AssetKey(["facts", "fct_searches"])],
    metadata={metadata},
    kinds={{"python"}},
    description="A list.",
)
def search_list() -> None:
    raise RuntimeError("its own code ran")
"""
_PRODUCTS = {
    "undeclared": ({}, "declares no column lineage"),
    "as it is": (
        {
            "columns": {
                "name": {"made_of": ["facts.fct_searches.self_defined_ethnicity"]}
            }
        },
        "search_list.name: special category data",
    ),
    "counted": (
        {
            "columns": {
                "searches": {
                    "made_of": ["facts.fct_searches.self_defined_ethnicity"],
                    "protected_by": "aggregate",
                }
            }
        },
        "",
    ),
}


@pytest.mark.parametrize("case", _PRODUCTS)
def test_rule_04_refuses_and_passes_python_assets_by_what_they_declare(
    case: str, fresh: Platform, own_defs: Path
) -> None:
    declared, expected = _PRODUCTS[case]
    metadata = {"edp/lineage": declared} if declared else {}
    (own_defs / "performance_framework" / "assets.py").write_text(
        _ASSET.format(metadata=metadata)
    )
    checked = fresh.edp("lineage", "check")
    assert checked.returncode == (0 if case == "counted" else 1), checked.stderr
    done = fresh.edp("run", "performance_framework/search_list", "--json")
    told = json.dumps(json.loads(done.stdout), ensure_ascii=False)
    assert done.returncode == 1
    assert expected in told
    assert ("rule 4: " in told) is (case != "counted")
