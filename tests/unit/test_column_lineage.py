"""Column lineage: what is traced is right, and what is not is said to be untraced."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from edp_platform.contracts import Contract, load_contract
from edp_platform.contracts.dbt_sources import write_generated
from edp_platform.datasets import defs_root
from edp_platform.governance.column_lineage import (
    UNNAMED,
    ColumnKey,
    Lineage,
    Origins,
    Step,
    Steps,
    Traced,
    parents_of,
)
from edp_platform.governance.lineage_tracing import trace
from edp_platform.home import Home
from edp_platform.warehouse.building import build
from edp_platform.warehouse.lineage import ColumnLineage
from edp_platform.warehouse.manifest import ManifestStore, dbt_project_folder
from edp_platform.warehouse.model_text import text_faults
from edp_platform.warehouse.models import Models

SOURCES = {("raw", "t"): ["a", "b", "c"], ("raw", "u"): ["a", "d", "tags"]}
MODEL = ("staging", "m")


def named(steps: Iterable[ColumnKey]) -> str:
    """Columns as one text."""
    keys = sorted(key for key in steps if key[2] != UNNAMED)
    return " ".join(f"{table}.{name}" for _, table, name in keys)


def origins(lineage: Lineage, model: tuple[str, str] = MODEL) -> dict[str, str]:
    """The columns of a model, each with what it is made of as one text."""
    return {
        name: named(column.direct) for name, column in lineage[model].columns.items()
    }


def one_of(sql: str) -> Traced:
    return trace({MODEL: sql}, SOURCES)[MODEL]


def traced(sql: str) -> dict[str, str]:
    found = one_of(sql)
    assert (found.untraced, found.faults) == ((), ())
    return origins({MODEL: found})


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
    "union in FROM with a column list": (
        "select y from (select a, b from raw.t union select a, d from raw.u) "
        "as s(x, y)",
        {"y": "t.b u.d"},
    ),
    "window function": (
        "select row_number() over (partition by a order by b) as n, "
        "lag(c) over (order by a) as l from raw.t",
        {"n": "", "l": "t.c"},
    ),
    "named window": (
        "select sum(a) over w as s from raw.t window w as (partition by b order by c)",
        {"s": "t.a"},
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
        {"a": "t.a", "m": "t.b", "g": "t.b"},
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
    "EXISTS is made of no value": (
        "select exists (select 1 from raw.u as u where u.a = t.a) as has_u "
        "from raw.t as t",
        {"has_u": ""},
    ),
    "a chain of aliases": (
        "with x as (select a as p from raw.t), y as (select p as q from x), "
        "z as (select q as r from y) select r as harmless from z",
        {"harmless": "t.a"},
    ),
    "a struct": (
        "select {'k': a, 'l': b} as s, struct_pack(n := c) as p from raw.t",
        {"s": "t.a t.b", "p": "t.c"},
    ),
    "lists and maps": (
        "select [a, b] as l, map([a], [b]) as m, array_agg(c) as g from raw.t group by all",
        {"l": "t.a t.b", "m": "t.a t.b", "g": "t.c"},
    ),
    "texts put together": (
        "select concat(a, '-', b) as x, a || c as y, format('{}', b) as z from raw.t",
        {"x": "t.a t.b", "y": "t.a t.c", "z": "t.b"},
    ),
    "the greatest and the first": (
        "select max(a) as m, min(b) as n, any_value(c) as v, first(a) as f, "
        "arg_max(a, b) as g, list(c) as l from raw.t",
        {"m": "t.a", "n": "t.b", "v": "t.c", "f": "t.a", "g": "t.a t.b", "l": "t.c"},
    ),
    "star that renames": (
        "select * rename (b as harmless) from raw.t",
        {"a": "t.a", "harmless": "t.b", "c": "t.c"},
    ),
    "group by place": (
        "select b as x, count(*) as n from raw.t group by 1",
        {"x": "t.b", "n": ""},
    ),
    "group by all": (
        "select b, c, count(a) as n from raw.t group by all",
        {"b": "t.b", "c": "t.c", "n": "t.a"},
    ),
    "rollup": (
        "select b, c, count(*) as n from raw.t group by rollup (b, c)",
        {"b": "t.b", "c": "t.c", "n": ""},
    ),
    "odd capitals and quotes": (
        'select "A" as "Harmless", T."b" as x from RAW."t" as T',
        {"harmless": "t.a", "x": "t.b"},
    ),
    "percentile within a group": (
        "select percentile_cont(0.5) within group (order by cast(a as double)) as p "
        "from raw.t",
        {"p": "t.a"},
    ),
    "comma join": (
        "select x.a, y.d from raw.t as x, raw.u as y where x.a = y.a",
        {"a": "t.a", "d": "u.d"},
    ),
    "from first": ("from raw.t select a, c", {"a": "t.a", "c": "t.c"}),
    "except and intersect": (
        "select a from raw.t except select d from raw.u",
        {"a": "t.a u.d"},
    ),
    "distinct on": ("select distinct on (a) b from raw.t", {"b": "t.b"}),
    "nested CTEs of one name": (
        "with s as (select a from raw.t), r as (with s as (select b as a from raw.t) "
        "select a from s) select s.a as one, r.a as two from s cross join r",
        {"one": "t.a", "two": "t.b"},
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
    assert [*traced(sql)] == [name.lower() for name in relation.columns]


def deciding(found: Traced, column: str) -> dict[str, str]:
    """What decides a column's rows, or it alone: column → how."""
    steps: Steps = {**found.rows}
    for key, step in found.columns[column].indirect.items():
        steps[key] = steps[key].also(step) if key in steps else step
    return {named([key]): " ".join(sorted(step.how)) for key, step in steps.items()}


INDIRECT = {
    "filter": ("select a as x from raw.t where b > 'k'", {"t.b": "filter"}),
    "filter of a CTE": (
        "with s as (select * from raw.t where b = 'k') select a as x from s",
        {"t.b": "filter"},
    ),
    "filter below a count of rows": (
        "with s as (select * from raw.t where b = 'k') select count(*) as x from s",
        {"t.b": "filter"},
    ),
    "a join, and what it looks up": (
        "select u.d as x from raw.t as t join raw.u as u on t.b = u.a",
        {"t.b": "join lookup", "u.a": "join"},
    ),
    "a join through another": (
        "select w.c as x from raw.t as t join raw.u as u on t.b = u.a "
        "join raw.t as w on u.d = w.a",
        {
            "t.b": "join lookup",
            "u.a": "join",
            "u.d": "join lookup",
            "t.a": "join",
        },
    ),
    "a join by comma": (
        "select u.d as x from raw.t as t, raw.u as u where t.b = u.a",
        {"t.b": "filter lookup", "u.a": "filter"},
    ),
    "a label from a subquery": (
        "select (select max(u.d) from raw.u as u where u.a = t.b) as x from raw.t as t",
        {"t.b": "filter lookup subquery", "u.a": "filter lookup subquery"},
    ),
    "using": (
        "select d as x from raw.t join raw.u using (a)",
        {"t.a": "join lookup", "u.a": "join"},
    ),
    "semi join": (
        "select t.c as x from raw.t semi join raw.u on t.a = u.a",
        {"t.a": "join", "u.a": "join lookup"},
    ),
    "exists": (
        "select t.c as x from raw.t as t "
        "where exists (select 1 from raw.u as u where u.a = t.b)",
        {"u.a": "filter subquery", "t.b": "filter subquery"},
    ),
    "in": (
        "select t.c as x from raw.t as t where t.b in (select u.d from raw.u as u)",
        {"t.b": "filter", "u.d": "filter subquery"},
    ),
    "group": ("select count(*) as x from raw.t group by b", {"t.b": "group"}),
    "having": (
        "select b as x from raw.t group by b having max(c) > 'k'",
        {"t.b": "group", "t.c": "filter max"},
    ),
    "order": ("select a as x from raw.t order by b limit 1", {"t.b": "order"}),
    "distinct on": ("select distinct on (a) b as x from raw.t", {"t.a": "group"}),
    "window": (
        "select row_number() over (partition by a order by b) as x from raw.t",
        {"t.a": "window", "t.b": "window"},
    ),
    "named window": (
        "select count(*) over w as x from raw.t window w as (order by c)",
        {"t.c": "window"},
    ),
    "qualify": (
        "select a as x from raw.t qualify row_number() over (order by c) = 1",
        {"t.c": "filter window"},
    ),
    "order within an aggregate": (
        "select string_agg(a, ',' order by c) as x from raw.t",
        {"t.c": "order"},
    ),
    "one branch of a union": (
        "select a as x from raw.t where b = 'k' union all select d from raw.u",
        {"t.b": "filter"},
    ),
    "rows that are kept by EXCEPT": (
        "select a as x from raw.t except select d from raw.u where a = 'k'",
        {"u.a": "filter", "u.d": "filter"},
    ),
}


@pytest.mark.parametrize("case", INDIRECT)
def test_records_what_decides_rows_and_values(case: str) -> None:
    sql, expected = INDIRECT[case]
    found = one_of(sql)
    assert (found.untraced, found.faults) == ((), ())
    told = deciding(found, "x")
    told.pop("", None)  # the rows of the parents, whatever decides them
    assert {
        key: set(how.split()) - {"cast", "combined", "computed"}
        for key, how in told.items()
    } == {key: set(how.split()) for key, how in expected.items()}


UNTRACED = {
    "unknown column of a known table": ("select t.z, t.a from raw.t as t", ["z"]),
    "whole row": ("select z from raw.t as z", ["z"]),
    "whole row in a function": ("select to_json(z) as j, a from raw.t as z", ["j"]),
    "star in a function": ("select struct_pack(t.*) as s from raw.t as t", ["s"]),
    "parameter": ("select $1 as j, a from raw.t", ["j"]),
    "table with a column list": ("select y from raw.t as s(x, y, z)", ["y"]),
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
    "the number of a row in its table": ("select rowid as r from raw.t", ["r"]),
}


@pytest.mark.parametrize("case", UNTRACED)
def test_says_what_it_cannot_follow(case: str) -> None:
    sql, expected = UNTRACED[case]
    found = one_of(sql)
    assert set(found.untraced) == set(expected)
    for column in set(expected) - {UNNAMED}:
        assert found.columns[column].direct == {}


FAULTS = {
    "unknown table": ("select x.z from raw.nowhere as x", "neither a model"),
    "unknown table of which nothing is taken": (
        "select count(*) as n from raw.nowhere",
        "neither a model",
    ),
    "table of another database": (
        "select t.a from other.raw.t as t",
        "neither a model",
    ),
    "the catalogue": ("select count(*) as n from information_schema.tables", "neither"),
    "star of an unknown table": ("select * from raw.nowhere", "neither a model"),
    "file by name": ("select count(*) as n from 'secret.parquet'", "neither a model"),
    "read_parquet": ("select * from read_parquet('x.parquet')", "read_parquet()"),
    "read_csv in a subquery": (
        "select a from raw.t where a in (select x from read_csv('people.csv'))",
        "read_csv()",
    ),
    "read_text": ("select count(*) as n from read_text('/etc/hosts')", "read_text()"),
    "SQL in a text": ("select * from query('select a from raw.t')", "query()"),
    "table by text": ("select * from query_table('raw.t')", "query_table()"),
    "a function nobody knows": (
        "select hidden_macro(a) as x from raw.t",
        "hidden_macro",
    ),
    "columns()": ("select columns('a|b') from raw.t", "columns()"),
    "columns() in a function": ("select max(columns(*)) as m from raw.t", "columns()"),
    "position": ("select #1 as j, a from raw.t", "`#`"),
    "pivot": ("pivot raw.t on a using count(*)", "one query"),
    "pivot in FROM": (
        "select x.n from raw.t pivot (count(b) for a in ('n')) as x",
        "PIVOT",
    ),
    "unpivot in FROM": (
        "select x.v from raw.t unpivot (v for n in (b, c)) as x",
        "PIVOT",
    ),
    "recursive CTE": (
        "with recursive r as (select a, b from raw.t union all select b, a from r) "
        "select a from r",
        "recursive",
    ),
    "union by name": (
        "select a, b from raw.t union all by name select d as b, a from raw.u",
        "BY NAME",
    ),
    "lateral subquery": (
        "select l.k from raw.t as t, lateral (select t.a as k) as l",
        "lateral",
    ),
    "natural join": ("select t.a from raw.t natural join raw.u", "natural join"),
    "positional join": ("select t.b from raw.t positional join raw.u", "positional"),
    "not a query": ("create table x as select 1 as a", "one query"),
    "two statements": ("select a from raw.t; select b from raw.t", "one query"),
    "not SQL": ("selec a fro", "one query"),
    "nothing": ("", "one query"),
    "a filter on nobody knows what": (
        "select a from raw.t as t where t.z = 1",
        "filters",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_rule_04_refuses_sql_that_no_lineage_can_be_read_off(case: str) -> None:
    from edp_platform.governance.column_rules import columns_traceable

    sql, expected = FAULTS[case]
    found = one_of(sql)
    assert expected in " ".join(found.faults)
    (refusal, *_) = columns_traceable("staging.m", found)
    assert str(refusal).startswith("rule 4: staging.m cannot be traced: ")


@pytest.mark.parametrize("case", UNTRACED)
def test_rule_04_refuses_a_column_that_cannot_be_traced(case: str) -> None:
    from edp_platform.governance.column_rules import columns_traceable

    sql, _ = UNTRACED[case]
    assert columns_traceable("staging.m", one_of(sql))


@pytest.mark.parametrize("case", FOLLOWED)
def test_rule_04_passes_sql_that_can_be_traced(case: str) -> None:
    from edp_platform.governance.column_rules import columns_traceable

    assert columns_traceable("staging.m", one_of(FOLLOWED[case][0])) == ()


def test_a_model_without_lineage_is_refused() -> None:
    from edp_platform.governance.column_rules import columns_traceable

    assert columns_traceable("marts.x", None)


PROTECTED = {
    "a plain copy": ("select a as x from raw.t", [set()]),
    "a sum over groups": ("select sum(a) as x from raw.t group by b", [{"sum@0"}]),
    "the greatest is not": ("select max(a) as x from raw.t group by b", [set()]),
    "a sum over a window is not": (
        "select sum(a) over (partition by b) as x from raw.t",
        [set()],
    ),
    "a sum of sums in a window": (
        "select sum(sum(a)) over () as x from raw.t group by b",
        [{"sum@0"}],
    ),
    "a key of groups": (
        "select upper(a) as x, count(*) as n from raw.t group by upper(a)",
        [{"key@0"}],
    ),
    "a value that is no key": (
        "select histogram(a) as x, b from raw.t group by b",
        [set()],
    ),
    "one way protected, another not": (
        "with s as (select b, count(a) as n from raw.t group by b) "
        "select s.n || t.a as x from raw.t as t join s on t.b = s.b",
        [set()],
    ),
    "bands": (
        "select case when a < 18 then 'child' when a >= 18 then 'adult' end as x "
        "from raw.t",
        [{"banded", "coded"}],
    ),
    "names for values are no bands": (
        "select case a when 1 then 'one' else 'other' end as x from raw.t",
        [{"coded"}],
    ),
    "a band that hands on the value": (
        "select case when a < 18 then 'child' else a end as x from raw.t",
        [set()],
    ),
    "ten years": ("select a // 10 * 10 as x from raw.t", [{"divided"}]),
    "one year is no band": ("select a // 1 as x from raw.t", [set()]),
    "month": (
        "select cast(date_trunc('month', a) as date) as x from raw.t",
        [{"month_of", "day_of"}],
    ),
    "minute is no month": ("select date_trunc('minute', a) as x from raw.t", [set()]),
    "month beside the moment": (
        "select date_trunc('month', a) || a as x from raw.t",
        [set()],
    ),
    "first half of a postcode": (
        "select split_part(a, ' ', 1) as x from raw.t",
        [{"outward"}],
    ),
    "second half of a postcode": (
        "select split_part(a, ' ', 2) as x from raw.t",
        [set()],
    ),
}


@pytest.mark.parametrize("case", PROTECTED)
def test_notes_what_protects_a_value(case: str) -> None:
    sql, expected = PROTECTED[case]
    found = one_of(sql)
    assert (found.untraced, found.faults) == ((), ())
    step = found.columns["x"].direct[("raw", "t", "a")]
    assert step.ways == {frozenset(way) for way in expected}


@pytest.mark.parametrize(
    "function",
    ["row_number()", "dense_rank()", "ntile(1000)"],
)
def test_a_numbering_tells_rows_apart(function: str) -> None:
    found = one_of(f"select {function} over (order by a) as n from raw.t")
    assert found.columns["n"].is_row_id


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
    assert all(not one.untraced for one in lineage.values())
    assert parents_of(lineage, ("marts", "late")) == {
        "x": [("facts", "middle", "x")],
        "b": [("facts", "middle", "b")],
    }
    assert parents_of(lineage, ("facts", "middle"))["x"] == [("staging", "early", "x")]
    assert parents_of(lineage, ("staging", "early"))["x"] == [("raw", "t", "a")]


def test_joins_models_up_to_the_data_sets() -> None:
    lineage = trace(
        {
            ("staging", "s"): "select a as p, b from raw.t where c = 'k'",
            ("facts", "f"): "select p as q, b from staging.s",
            ("marts", "m"): "select b as r, count(q) as n from facts.f group by b",
        },
        SOURCES,
    )
    found = Origins(lineage)
    counted = found.of(("marts", "m", "n"))
    assert counted.direct == {
        ("raw", "t", "a"): Step(
            frozenset(["count"]), frozenset([frozenset(["count@marts.m#0"])])
        )
    }
    assert named(counted.indirect) == "t.b t.c"
    way = found.path(("raw", "t", "a"), ("marts", "m", "n"))
    assert [key for key, _ in way] == [
        ("raw", "t", "a"),
        ("staging", "s", "p"),
        ("facts", "f", "q"),
        ("marts", "m", "n"),
    ]
    assert [how for _, how in way] == ["", "as it is", "as it is", "count"]


def test_every_form_of_a_models_sql_counts() -> None:
    forms = ["select a as x from raw.t", "select b as x from raw.t"]
    lineage = trace({MODEL: forms}, SOURCES)
    assert origins(lineage) == {"x": "t.a t.b"}
    other = trace({MODEL: [*forms, "select c as y from raw.t"]}, SOURCES)
    assert other[MODEL].faults == ("its SQL for some months makes other columns",)


def test_lineage_survives_its_json() -> None:
    lineage = trace(
        {MODEL: "select b as x, sum(a) as n from raw.t where c = 'k' group by b"},
        SOURCES,
    )
    told = json.loads(json.dumps(lineage[MODEL].as_json()))
    assert Traced.from_json(told) == lineage[MODEL]


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
    assert lineage[MODEL].untraced == (UNNAMED,)
    assert lineage[child].untraced == ("other",)
    assert lineage[("marts", "star")].untraced == (UNNAMED,)
    assert origins(lineage, child) == {"a": "m.a", "other": ""}


def test_sources_keep_their_own_spelling() -> None:
    lineage = trace({MODEL: "select ID from raw.people"}, {("raw", "People"): ["Id"]})
    assert list(lineage[MODEL].columns["id"].direct) == [("raw", "People", "Id")]


def test_models_that_read_each_other_are_untraced() -> None:
    lineage = trace(
        {("a", "x"): "select * from a.y", ("a", "y"): "select * from a.x"}, {}
    )
    assert all(one.faults and one.untraced == (UNNAMED,) for one in lineage.values())


def test_a_model_that_reads_itself_is_refused_and_does_not_stop_the_others() -> None:
    other = ("staging", "other")
    lineage = trace(
        {MODEL: "select s.a from staging.m as s", other: "select a from raw.t"}, SOURCES
    )
    assert lineage[MODEL].faults
    assert origins(lineage, other) == {"a": "t.a"}


def contracts() -> dict[str, Contract]:
    paths = sorted(defs_root().glob("datasets/*/contract.yaml"))
    found = [load_contract(path) for path in paths]
    return {one.data_set: one for one in found}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ManifestStore:
    """The manifest of this repository's dbt project, generated files fresh."""
    root = tmp_path_factory.mktemp("lineage")
    project = root / "dbt_project"
    shutil.copytree(
        dbt_project_folder(), project, ignore=shutil.ignore_patterns("target", "logs")
    )
    write_generated(contracts().values(), project)
    found = ManifestStore(Home.open(date(2026, 1, 1), root / "home"), project)
    found.make()
    return found


def test_no_column_of_the_project_is_untraced(store: ManifestStore) -> None:
    lineage = ColumnLineage(store, contracts())
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
    lineage = ColumnLineage(store, contracts())
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
    lineage = ColumnLineage(store, contracts())
    for node in store.manifest["nodes"].values():
        if node["resource_type"] == "model":
            assert set(node["columns"]) <= set(lineage.of(node["name"])), node["name"]


def test_crime_by_month_derives_from_what_it_reads(store: ManifestStore) -> None:
    below = ("marts", "crime_by_borough_and_month")
    found = ColumnLineage(store, contracts()).of("crime_by_month")
    supply = found.pop("supply")
    assert supply == [("marts", "supply_by_month", "supply")]
    assert {"month", "force", "crime_type", "crimes"} <= set(found)
    assert found == {column: [(*below, column)] for column in found}


def test_staging_derives_from_the_raw_lake(store: ManifestStore) -> None:
    found = ColumnLineage(store, contracts()).of("stg_police_uk_street")
    assert found["month"] == [("raw", "police_uk_street", "month")]
    assert found["crime_key"] == [("raw", "police_uk_street", "crime_id")]
    assert found["crime_type"] == [
        ("raw", "police_uk_street", "crime_type"),
        ("staging", "code_list_police_uk_street", "label"),
    ]
    assert (
        ColumnLineage(store, contracts()).of("code_list_police_uk_street")["label"]
        == []
    )


def test_what_marts_say_of_their_trace_is_so(store: ManifestStore) -> None:
    """`edp trace` follows a mart's grain into its fact: it must hold the same values."""
    lineage = ColumnLineage(store, contracts()).lineage
    models = Models(store.manifest)
    followed = 0
    for mart in models.marts:
        if not mart.trace:
            continue
        fact = models.by_name[mart.trace["fact"]].asset_key
        above = {one: traced for one, traced in lineage.items() if one != fact}
        stated = mart.trace["on"]
        named = stated if isinstance(stated, dict) else {one: one for one in stated}
        assert {"source_file", "source_line"} <= set(lineage[fact].columns), mart.name
        for column, held in named.items():
            reached = Origins(above).of((*mart.asset_key, column)).direct
            step = reached.get((*fact, held))
            assert step is not None and step.how <= {"group key"}, (mart.name, column)
            followed += 1
    assert followed > 30


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


def own_project(folder: Path, sql: str) -> ManifestStore:
    """A dbt project of one model in staging."""
    project = folder / "dbt_project"
    (project / "models" / "staging").mkdir(parents=True)
    for name in ("dbt_project.yml", "profiles.yml", "macros"):
        source = dbt_project_folder() / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, project / name)
    (project / "models" / "staging" / "asks.sql").write_text(sql)
    return ManifestStore(Home.open(date(2026, 1, 1), folder / "home"), project)


def test_a_macro_that_cannot_compile_leaves_the_manifest_and_says_untraced(
    tmp_path: Path,
) -> None:
    store = own_project(
        tmp_path,
        "{% if execute %}{% do run_query('select * from nowhere') %}{% endif %}"
        "select 1 as a",
    )
    lineage = ColumnLineage(store, {})
    assert lineage.untraced("asks") == [UNNAMED]
    assert lineage.lineage[("staging", "asks")].faults == (
        "its SQL does not compile",
        "its text uses execute, run_query, beside its query",
    )


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        # Other SQL when it is built than when it is traced.
        ("{% if flags.WHICH == 'build' %}select 1{% else %}select 2{% endif %} as a",
         "its text uses flags"),
        ("select '{{ env_var('EDP_WAREHOUSE') }}' as a", "its text uses env_var"),
        ("select {{ '2000-01' in var('months') }} as a", "its text uses var"),
        # A statement beside the query.
        ("{% call statement('x') %}select 1{% endcall %}select 1 as a",
         "its text uses statement"),
        ("{{ config(sql_header='create table t as select 1;') }}select 1 as a",
         "its sql_header is not for a model here"),
        # Elsewhere than its layer.
        ("{{ config(alias='other') }}select 1 as a", "written as other"),
        ("{{ config(schema='marts') }}select 1 as a", "it is written into marts"),
        ("{{ config(materialized='external') }}select 1 as a", "as external"),
    ],
)  # fmt: skip
def test_a_model_that_does_more_than_its_query_is_untraced(
    tmp_path: Path, sql: str, told: str
) -> None:
    """What lineage was read off must be what runs, where it may, and nothing else."""
    lineage = ColumnLineage(own_project(tmp_path, sql), {})
    faults = lineage.lineage.values()
    assert any(told in " ".join(one.faults) for one in faults)


def test_a_test_that_keeps_rows_is_no_test() -> None:
    """Failing rows would stand in a table of their own, of whatever it read."""
    nodes = {
        "model.m": {
            "resource_type": "model",
            "name": "m",
            "fqn": ["edp", "marts", "m"],
            "schema": "marts",
            "language": "sql",
            "raw_code": "select 1 as a",
            "config": {"materialized": "table"},
        },
        "test.t": {
            "resource_type": "test",
            "name": "t",
            "config": {"store_failures": True},
        },
    }
    assert text_faults(nodes, set()) == {
        "model.m": ["the test t keeps the rows it finds (store_failures)"]
    }
    nodes["test.t"]["config"] = {"store_failures": None}
    assert text_faults(nodes, set()) == {}


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ("{{ config(post_hook='select 1') }}", "post-hook"),
        ("{{ config(pre_hook='select 1') }}", "pre-hook"),
    ],
)
def test_sql_beside_the_query_is_a_fault(
    config: str, fault: str, tmp_path: Path
) -> None:
    store = own_project(tmp_path, f"{config} select 1 as a")
    traced = ColumnLineage(store, {}).lineage[("staging", "asks")]
    assert fault in traced.faults[0]


def test_a_model_that_is_read_behind_dbts_back_is_a_fault(tmp_path: Path) -> None:
    store = own_project(tmp_path, "select 1 as a")
    staging = store.project / "models" / "staging"
    (staging / "behind.sql").write_text("select a from staging.asks")
    (staging / "openly.sql").write_text("select a from {{ ref('asks') }}")
    (staging / "inline.sql").write_text(
        "{{ config(materialized='ephemeral') }} select a from {{ ref('asks') }}"
    )
    (staging / "through.sql").write_text("select a from {{ ref('inline') }}")
    found = ColumnLineage(ManifestStore(store.home, store.project), {}).lineage
    assert {name: one.faults for (_, name), one in found.items() if one.faults} == {
        "behind": ("it reads staging.asks without `ref` or `source`",)
    }


def test_what_only_a_run_of_some_months_does_is_traced_too(tmp_path: Path) -> None:
    store = own_project(
        tmp_path,
        "{{ config(materialized='incremental') }} select "
        "{% if is_incremental() %}b{% else %}a{% endif %} as x from "
        "(select 'k' as a, 'l' as b) as s",
    )
    (forms,) = store.compiled.values()
    assert len(forms) == 2


def test_lineage_is_kept_until_what_it_follows_from_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edp_platform.governance import lineage_tracing

    calls: list[int] = []
    real = lineage_tracing.trace

    def counted(compiled: Any, sources: Any, known: Any = None) -> Lineage:
        calls.append(len(compiled) - len(known or {}))
        return real(compiled, sources, known)

    monkeypatch.setattr(lineage_tracing, "trace", counted)
    store = own_project(tmp_path, "select 1 as a")
    (store.project / "models" / "staging" / "more.sql").write_text("select 2 as b")
    store = ManifestStore(store.home, store.project)
    first = ColumnLineage(store, {}).lineage
    assert ColumnLineage(store, {}).lineage == first
    assert calls == [2]
    # One model changes: it alone is traced again.
    (store.project / "models" / "staging" / "more.sql").write_text("select 3 as c")
    changed = ColumnLineage(ManifestStore(store.home, store.project), {})
    assert list(changed.lineage[("staging", "more")].columns) == ["c"]
    assert calls == [2, 1]
    # A contract gains a column: the schema that stars are expanded over is another.
    held = {"police_uk_street": contracts()["police_uk_street"]}
    assert ColumnLineage(changed.store, held).lineage == changed.lineage
    assert len(calls) == 3
    # A damaged file is worth as much as none.
    (store.home.cache / "column_lineage.json").write_text("{")
    assert ColumnLineage(changed.store, held).lineage == changed.lineage
    assert calls[-1] == 2
