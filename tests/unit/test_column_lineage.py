"""Column lineage: what is traced is right, and what is not is said to be untraced."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from edp_platform.contracts import load_contract
from edp_platform.contracts.dbt_sources import write_generated
from edp_platform.datasets import defs_root
from edp_platform.governance.column_lineage import (
    UNNAMED,
    ColumnLineage,
    Lineage,
    trace,
)
from edp_platform.home import Home
from edp_platform.warehouse.building import build
from edp_platform.warehouse.manifest import ManifestStore, dbt_project_folder

SOURCES = {("raw", "t"): ["a", "b", "c"], ("raw", "u"): ["a", "d", "tags"]}
MODEL = ("staging", "m")


def origins(lineage: Lineage, model: tuple[str, str] = MODEL) -> dict[str, str]:
    """The columns of a model, each with its origins as one text."""
    return {
        column: " ".join(f"{table}.{name}" for _, table, name in keys)
        for column, keys in lineage.origins[model].items()
    }


def traced(sql: str) -> dict[str, str]:
    lineage = trace({MODEL: sql}, SOURCES)
    assert lineage.untraced == {}
    return origins(lineage)


FOLLOWED = {
    "columns and an alias": (
        "select a, b as x from raw.t",
        {"a": "t.a", "x": "t.b"},
    ),
    "a database in front": (
        'select a from "edp"."raw"."t"',
        {"a": "t.a"},
    ),
    "CTEs, the last one starred": (
        "with s as (select * from raw.t), f as (select a, b || c as bc from s) "
        "select * from f",
        {"a": "t.a", "bc": "t.b t.c"},
    ),
    "a CTE named as the table it reads": (
        "with t as (select b as a from raw.t) select a from t",
        {"a": "t.b"},
    ),
    "a CTE with a column list": (
        "with s(x, y) as (select a, b from raw.t) select y from s",
        {"y": "t.b"},
    ),
    "star of one of two tables": (
        "select t.*, u.d from raw.t as t left join raw.u as u on t.a = u.a",
        {"a": "t.a", "b": "t.b", "c": "t.c", "d": "u.d"},
    ),
    "star that leaves out and replaces": (
        "select * exclude (c) replace (upper(b) as b) from raw.t",
        {"a": "t.a", "b": "t.b"},
    ),
    "join using": (
        "select * from raw.t join raw.u using (a)",
        {"a": "t.a u.a", "b": "t.b", "c": "t.c", "d": "u.d", "tags": "u.tags"},
    ),
    "semi join keeps the left columns": (
        "select * from raw.t semi join raw.u on t.a = u.a",
        {"a": "t.a", "b": "t.b", "c": "t.c"},
    ),
    "join of tables with a column of the same name": (
        "select t.a as one, u.a as two from raw.t as t join raw.u as u on t.b = u.d",
        {"one": "t.a", "two": "u.a"},
    ),
    "join of one table with itself": (
        "select x.a, y.b from raw.t as x join raw.t as y on x.a = y.a",
        {"a": "t.a", "b": "t.b"},
    ),
    "union takes columns by position": (
        "select a, b from raw.t union all select d, a from raw.u",
        {"a": "t.a u.d", "b": "t.b u.a"},
    ),
    "union of three in brackets": (
        "(select a from raw.t) union (select d from raw.u) union all "
        "select b from raw.t",
        {"a": "t.a t.b u.d"},
    ),
    "union by name takes them by name": (
        "select a, b from raw.t union all by name select d as b, a from raw.u",
        {"a": "t.a u.a", "b": "t.b u.d"},
    ),
    "union in FROM with a column list": (
        "select y from (select a, b from raw.t union select a, d from raw.u) "
        "as s(x, y)",
        {"y": "t.b u.d"},
    ),
    "window function": (
        "select row_number() over (partition by a order by b) as n from raw.t",
        {"n": "t.a t.b"},
    ),
    "named window": (
        "select sum(a) over w as s from raw.t window w as (partition by b order by c)",
        {"s": "t.a t.b t.c"},
    ),
    "constants": (
        "select 1 as one, 'x' as x, cast(null as integer) as n, current_date as d "
        "from raw.t",
        {"one": "", "x": "", "n": "", "d": ""},
    ),
    "constant in one branch of a union": (
        "select a, 2019 as y from raw.t union all select a, cast(d as int) from raw.u",
        {"a": "t.a u.a", "y": "u.d"},
    ),
    "values": (
        "select * from (values ('x', 1), ('y', 2)) as v (name, n)",
        {"name": "", "n": ""},
    ),
    "aggregates": (
        "select a, max(b) as m, string_agg(b, ',' order by c) as g "
        "from raw.t group by a",
        {"a": "t.a", "m": "t.b", "g": "t.b t.c"},
    ),
    "count(*) counts rows": (
        "select count(*) as n, count(*) - count(b) as blank from raw.t",
        {"n": "", "blank": "t.b"},
    ),
    "filtered aggregate": (
        "select count(*) filter (where b = 'x') as n from raw.t",
        {"n": "t.b"},
    ),
    "case": (
        "select case when a = 'x' then b else c end as v from raw.t",
        {"v": "t.a t.b t.c"},
    ),
    "WHERE and HAVING decide rows, not values": (
        "select a from raw.t where b = 'x' group by a having max(c) > 'y'",
        {"a": "t.a"},
    ),
    "an alias used by a later column": (
        "select b as y, y || c as z from raw.t",
        {"y": "t.b", "z": "t.b t.c"},
    ),
    "a column goes before an alias of the same name": (
        "select b as a, a || 'x' as z from raw.t",
        {"a": "t.b", "z": "t.a"},
    ),
    "scalar subquery": (
        "select a, (select max(u.d) from raw.u as u where u.a = t.a) as m "
        "from raw.t as t",
        {"a": "t.a", "m": "u.d"},
    ),
    "value in a subquery": (
        "select t.b in (select u.d from raw.u as u) as is_in from raw.t as t",
        {"is_in": "t.b u.d"},
    ),
    "EXISTS tells its condition": (
        "select exists (select 1 from raw.u as u where u.a = t.a) as has_u "
        "from raw.t as t",
        {"has_u": "t.a u.a"},
    ),
    "unnest in SELECT and in FROM": (
        "select unnest(u.tags) as one, x.tag from raw.u as u, unnest(u.tags) as x(tag)",
        {"one": "u.tags", "tag": "u.tags"},
    ),
    "lambda": (
        "select list_transform(tags, lambda x: x || d) as y from raw.u",
        {"y": "u.d u.tags"},
    ),
    "a keyword of other databases as a name": (
        "with s as (select a as force from raw.t) select a.force, force as f "
        "from s as a",
        {"force": "t.a", "f": "t.a"},
    ),
}


@pytest.mark.parametrize("case", FOLLOWED)
def test_follows(case: str) -> None:
    sql, expected = FOLLOWED[case]
    assert traced(sql) == expected


@pytest.fixture(scope="module")
def engine() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as edp; use edp; create schema raw")
    connection.execute("create table raw.t (a varchar, b varchar, c varchar)")
    connection.execute("create table raw.u (a varchar, d varchar, tags varchar[])")
    return connection


@pytest.mark.parametrize("case", FOLLOWED)
def test_names_columns_as_duckdb_does(
    case: str, engine: duckdb.DuckDBPyConnection
) -> None:
    sql, _ = FOLLOWED[case]
    # `sum` of text is the one thing in the table that does not run.
    relation = engine.sql(sql.replace("sum(a)", "max(a)"))
    assert [*traced(sql)] == relation.columns


UNTRACED = {
    "unknown table": ("select x.z from raw.nowhere as x", ["z"]),
    "unknown column of a known table": ("select t.z, t.a from raw.t as t", ["z"]),
    "star of an unknown table": ("select * from raw.nowhere", [UNNAMED]),
    "star of a known and an unknown table": (
        "select * from raw.t as t join raw.nowhere as n on true",
        [UNNAMED],
    ),
    "read_parquet": ("select * from read_parquet('x.parquet')", [UNNAMED]),
    "a column of read_parquet": ("select p.a from read_parquet('x') as p", ["a"]),
    "whole row": ("select z from raw.t as z", ["z"]),
    "whole row in a function": ("select to_json(z) as j, a from raw.t as z", ["j"]),
    "star in a function": ("select struct_pack(t.*) as s from raw.t as t", ["s"]),
    "columns()": ("select columns('a|b') from raw.t", [UNNAMED]),
    "columns() in a function": ("select max(columns(*)) as m from raw.t", [UNNAMED]),
    "position": ("select #1 as j, a from raw.t", ["j"]),
    "parameter": ("select $1 as j, a from raw.t", ["j"]),
    "table with a column list": ("select y from raw.t as s(x, y, z)", ["y"]),
    "pivot": ("pivot raw.t on a using count(*)", [UNNAMED]),
    "pivot in FROM": (
        "select x.n from raw.t pivot (count(b) for a in ('n')) as x",
        ["n"],
    ),
    "unpivot in FROM": (
        "select x.v from raw.t unpivot (v for n in (b, c)) as x",
        ["v"],
    ),
    "recursive CTE": (
        "with recursive r as (select a, b from raw.t union all select b, a from r) "
        "select a from r",
        ["a"],
    ),
    "union by name of different columns": (
        "select a, b from raw.t union all by name select a, d from raw.u",
        [UNNAMED],
    ),
    "expression without a name": (
        "select a, count(*) from raw.t group by a",
        [UNNAMED],
    ),
    "cast without a name": ("select cast(a as int) from raw.t", [UNNAMED]),
    "cast without a name below": (
        "select * from (select cast(a as int) from raw.t)",
        [UNNAMED],
    ),
    "name given twice": (
        "select * from raw.t as t join raw.u as u on t.a = u.a",
        ["a"],
    ),
    "names given twice in a union": (
        "select a, b, a from raw.t union all select a as x, a as x, d from raw.u",
        [UNNAMED],
    ),
    "subquery that unnests a subquery": (
        "select x.y from raw.t as t, "
        "unnest((select list(u.d) from raw.u as u)) as x(y)",
        ["y"],
    ),
    "lateral subquery": (
        "select l.k from raw.t as t, lateral (select t.a as k) as l",
        ["k"],
    ),
    "not a query": ("create table x as select 1 as a", [UNNAMED]),
    "not SQL": ("selec a fro", [UNNAMED]),
    "nothing": ("", [UNNAMED]),
}


@pytest.mark.parametrize("case", UNTRACED)
def test_says_what_it_cannot_follow(case: str) -> None:
    sql, expected = UNTRACED[case]
    lineage = trace({MODEL: sql}, SOURCES)
    assert lineage.untraced == {MODEL: tuple(expected)}
    for column in expected:
        assert lineage.origins[MODEL].get(column, ()) == ()


def test_names_direct_parents_whatever_the_order() -> None:
    lineage = trace(
        {
            ("marts", "late"): 'select * from "edp"."facts"."middle"',
            (
                "facts",
                "middle",
            ): "with f as (select * from staging.early) select * from f",
            ("staging", "early"): "select a as x, b from raw.t",
        },
        SOURCES,
    )
    assert lineage.untraced == {}
    assert lineage.origins[("marts", "late")] == {
        "x": (("facts", "middle", "x"),),
        "b": (("facts", "middle", "b"),),
    }
    assert lineage.origins[("facts", "middle")]["x"] == (("staging", "early", "x"),)
    assert lineage.origins[("staging", "early")]["x"] == (("raw", "t", "a"),)


def test_child_of_an_untraced_model_keeps_what_is_known() -> None:
    child = ("marts", "child")
    lineage = trace(
        {
            MODEL: "select t.a, n.* from raw.t as t join raw.nowhere as n on true",
            child: "select m.a, m.other from staging.m as m",
            ("marts", "star"): "select * from staging.m",
        },
        SOURCES,
    )
    assert lineage.untraced == {
        MODEL: (UNNAMED,),
        child: ("other",),
        ("marts", "star"): (UNNAMED,),
    }
    assert origins(lineage, child) == {"a": "m.a", "other": ""}


def test_a_traced_column_stays_traced_beside_an_untraced_one() -> None:
    lineage = trace({MODEL: "select t.a, t.z from raw.t as t"}, SOURCES)
    assert origins(lineage) == {"a": "t.a", "z": ""}
    assert lineage.untraced == {MODEL: ("z",)}


def test_sources_keep_their_own_spelling() -> None:
    lineage = trace({MODEL: "select ID from raw.people"}, {("raw", "People"): ["Id"]})
    assert lineage.origins[MODEL] == {"id": (("raw", "People", "Id"),)}


def test_models_that_read_each_other_are_untraced() -> None:
    lineage = trace(
        {("a", "x"): "select * from a.y", ("a", "y"): "select * from a.x"}, {}
    )
    assert lineage.untraced == {("a", "x"): (UNNAMED,), ("a", "y"): (UNNAMED,)}


def test_a_model_that_reads_itself_does_not_stop_the_others() -> None:
    lineage = trace({MODEL: "select s.a from staging.m as s"}, SOURCES)
    assert lineage.untraced == {MODEL: ("a",)}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ManifestStore:
    """The manifest of this repository's dbt project, generated files fresh."""
    root = tmp_path_factory.mktemp("lineage")
    project = root / "dbt_project"
    shutil.copytree(
        dbt_project_folder(), project, ignore=shutil.ignore_patterns("target", "logs")
    )
    paths = sorted(defs_root().glob("datasets/*/contract.yaml"))
    write_generated([load_contract(path) for path in paths], project)
    found = ManifestStore(Home.open(date(2026, 1, 1), root / "home"), project)
    found.make()
    return found


def test_no_column_of_the_project_is_untraced(store: ManifestStore) -> None:
    lineage = ColumnLineage(store)
    models = [
        node["name"]
        for node in store.manifest["nodes"].values()
        if node["resource_type"] == "model"
    ]
    assert len(models) > 40
    assert {
        name: lineage.untraced(name) for name in models if lineage.untraced(name)
    } == {}


def test_every_origin_is_a_column_of_a_parent(store: ManifestStore) -> None:
    lineage = ColumnLineage(store)
    manifest = store.manifest
    keys = {**manifest["nodes"], **manifest["sources"]}
    declared = {
        (source["schema"], source["name"]): set(source["columns"])
        for source in manifest["sources"].values()
    }
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model":
            continue
        parents = {
            (keys[one]["schema"], keys[one]["name"])
            for one in node["depends_on"]["nodes"]
        }
        for found in lineage.of(node["name"]).values():
            for schema, table, column in found:
                assert (schema, table) in parents
                columns = declared.get((schema, table)) or lineage.of(table)
                assert column in columns


def test_documented_columns_are_the_traced_ones(store: ManifestStore) -> None:
    lineage = ColumnLineage(store)
    for node in store.manifest["nodes"].values():
        if node["resource_type"] == "model":
            assert set(node["columns"]) <= set(lineage.of(node["name"])), node["name"]


def test_crime_by_month_derives_from_what_it_reads(store: ManifestStore) -> None:
    below = ("marts", "crime_by_borough_and_month")
    found = ColumnLineage(store).of("crime_by_month")
    supply = found.pop("supply")
    assert supply == [("marts", "supply_by_month", "supply")]
    assert {"month", "force", "crime_type", "crimes"} <= set(found)
    assert found == {column: [(*below, column)] for column in found}


def test_staging_derives_from_the_raw_lake(store: ManifestStore) -> None:
    found = ColumnLineage(store).of("stg_police_uk_street")
    assert found["month"] == [("raw", "police_uk_street", "month")]
    assert found["crime_key"] == [("raw", "police_uk_street", "crime_id")]
    assert found["crime_type"] == [
        ("raw", "police_uk_street", "crime_type"),
        ("staging", "code_list_police_uk_street", "label"),
    ]
    assert ColumnLineage(store).of("code_list_police_uk_street")["label"] == []


def test_tracing_leaves_nothing_behind(store: ManifestStore) -> None:
    assert not store.home.warehouse.exists()
    assert not list(store.home.dbt.glob("*.making"))
    assert not (store.folder / "compiling").exists()
    # The manifest that runs read still says where the sources are.
    source = next(iter(store.parsed().sources.values()))
    assert "read_parquet" in source.meta["external_location"]
    # And a run of this same process reaches the warehouse, not the one in memory.
    outcome = build(store.home, store, ["code_list_police_uk_street"], [])
    assert [node.status for node in outcome.models] == ["success"]
    assert store.home.warehouse.exists()


def test_a_macro_that_cannot_compile_leaves_the_manifest_and_says_untraced(
    tmp_path: Path,
) -> None:
    project = tmp_path / "dbt_project"
    (project / "models" / "staging").mkdir(parents=True)
    for name in ("dbt_project.yml", "profiles.yml", "macros"):
        source = dbt_project_folder() / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, project / name)
    (project / "models" / "staging" / "asks.sql").write_text(
        "{% if execute %}{% do run_query('select * from nowhere') %}{% endif %}"
        "select 1 as a"
    )
    store = ManifestStore(Home.open(date(2026, 1, 1), tmp_path / "home"), project)
    store.make()
    assert json.loads((store.folder / "column_lineage.json").read_text()) == {
        "asks": {},
        "untraced": {"asks": [UNNAMED]},
    }
    assert ColumnLineage(store).untraced("asks") == [UNNAMED]


def test_without_a_lineage_file_every_model_is_untraced(tmp_path: Path) -> None:
    store = ManifestStore(Home.open(date(2026, 1, 1), tmp_path), dbt_project_folder())
    assert ColumnLineage(store).of("crime_by_month") == {}
    assert ColumnLineage(store).untraced("crime_by_month") == [UNNAMED]
