"""Marts in Python: what they say of themselves is read, judged and held to."""

from __future__ import annotations

from typing import Any

import duckdb
import polars as pl
import pytest

from edp_platform.access.brokering import declared_counts
from edp_platform.warehouse.models import Models
from edp_platform.warehouse.python_models import (
    ColumnsDiffer,
    code_read,
    declared,
    declared_only,
    not_there,
    previous,
    standing,
    without_values,
    write,
)

_CODE = """
from edp_platform.analysis.signals.mart import measure_series

def model(dbt, session):
    return measure_series(dbt.ref("measure_signals").pl())
"""


def _node(code: str = _CODE, **column: Any) -> dict[str, Any]:
    stated = {"data_type": "double", "meta": {"made_of": ["marts.a.value"]}, **column}
    return {
        "language": "python",
        "raw_code": code,
        "config": {"meta": {"rows": ["marts.a.month"]}},
        "columns": {"value": {"name": "value", **stated}},
    }


def test_what_a_model_declares_is_its_lineage() -> None:
    """Columns, rows and what is read follow from the YAML."""
    traced, faults = declared(_node())
    assert faults == ()
    assert [*traced.columns["value"].direct] == [("marts", "a", "value")]
    assert [*traced.rows] == [("marts", "a", "month")]
    assert traced.reads == (("marts", "a"),)
    known = {("marts", "a"): frozenset({"value", "month"})}
    assert [*not_there(traced, known)] == []


def _body(text: str) -> str:
    return f"def model(dbt, session):\n {text}\n"


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (_node(meta={}), "its column value does not say `made_of`"),
        (_node(data_type=None), "its column value has no `data_type` that is known"),
        (_node(meta={"made_of": ["a.value"]}), "a.value is not schema.table.column"),
        (_node("import os\n"), "line 1 stands outside"),
        (_node("from edp_platform.home import Home\n"), "line 1 imports Home"),
        (_node("from polars import read_parquet as get\n"), "imports read_parquet"),
        # What a room of methods imports itself is none of its methods.
        (_node("from edp_platform.analysis.signals.mart import pl\n"), "imports pl"),
        (
            _node("from edp_platform.analysis.linkage.nominals import read_nominals\n"),
            "imports read_nominals",
        ),
        (_node(_body("return session.sql('x')")), "line 2 does more"),
        (_node(_body("return open('x')")), "line 2 does more"),
        (_node(_body("return __builtins__['open']('x')")), "line 2 does more"),
        (_node(_body("return dbt.ref('a').query('b', 'c')")), "line 2 does more"),
        (_node(_body("return dbt.ref('a').project('(select 1) as v')")), "line 2"),
        (_node(_body("return dbt.ref('a').pl().write_csv('x')")), "line 2 does more"),
        (_node(_body("return dbt.ref(name)")), "line 2 does more"),
        (_node(_body("return [x for x in dbt.ref('a').pl()]")), "line 2 does more"),
        (_node(_body("match dbt:\n  case object(ref=r): r('a')")), "line 2 does more"),
        (_node(_body("return lambda: dbt")), "line 2 does more"),
        (_node(_body("session = dbt.ref('a').pl()")), "line 2 does more"),
        (_node("def model(dbt, s):\n return 1\n"), "is not `def model(dbt, session)`"),
        (_node("def previous(c, name):\n return c\n"), "line 1 stands outside"),
        (
            _node(data_type="varchar) as v from (select 1) --"),
            "no `data_type` that is known",
        ),
        (_node("def\n"), "line 1 is not Python"),
        (_node(meta={"made_of": 3}), "made_of"),
    ],
)
def test_what_could_not_be_judged_is_told(node: dict[str, Any], told: str) -> None:
    """A fault makes the lineage untraceable, which the gate refuses."""
    assert told in " ".join(declared(node)[1])


def test_a_column_that_is_not_there_is_told() -> None:
    """A misspelt origin would else stand as harmless."""
    traced, _ = declared(_node())
    faults = [*not_there(traced, {("marts", "a"): frozenset({"month"})})]
    assert faults == [
        "it says it is made of marts.a.value, and there is no such column"
    ]


def test_code_that_is_named_counts_and_must_be_there() -> None:
    """A changed method makes the mart due; a misspelt path must not go unseen."""
    node = _node()
    node["config"]["meta"]["code"] = ["warehouse/python_models.py"]
    assert code_read(node) != code_read(_node())
    node["config"]["meta"]["code"] = ["warehouse/none.py"]
    assert "none.py, which is not there" in " ".join(declared(node)[1])


def test_only_declared_columns_are_written_in_their_types() -> None:
    """What nobody declared, nobody judged."""
    with duckdb.connect() as connection:
        frame = pl.DataFrame({"n": [1], "name": ["x"]})
        with pytest.raises(ColumnsDiffer, match="also name"):
            write(frame, connection, "t", {"n": "double"})
        with pytest.raises(ColumnsDiffer, match="not other"):
            write(
                frame, connection, "t", {"n": "double", "name": "varchar", "other": "x"}
            )
        write(frame, connection, "t", {"name": "varchar", "n": "double"})
        described = connection.execute("describe t").fetchall()
        assert [one[:2] for one in described] == [("name", "VARCHAR"), ("n", "DOUBLE")]


def test_an_error_never_quotes_a_row() -> None:
    """Polars says which value it could not read; the run's record must not."""
    quoted = (
        "Runtime Error in model m\n  Python model failed:\n  Traceback (most recent "
        'call last):\n    File "/x/edp_platform/analysis/a.py", line 9, in made\n'
        '      return 1\n    File "/x/polars/frame.py", line 1, in collect\n      f()\n'
        '  polars.exceptions.ComputeError: conversion failed: ["JOHN SMITH"]\nSMITH: x'
    )
    assert without_values(quoted) == (
        "Python model failed: polars.exceptions.ComputeError "
        "(edp_platform/analysis/a.py, line 9, in made)"
    )
    ours = quoted.replace("polars.exceptions.ComputeError", "edp_platform.a.TooFew")
    assert "TooFew: conversion failed" in without_values(ours)
    assert without_values("SQL failed") == "SQL failed"


def test_what_a_mart_says_of_itself_is_read_from_its_yaml() -> None:
    """Brokered, slow, a model: one place, the model's `meta`."""
    node = {
        "unique_id": "model.edp.m",
        "name": "m",
        "schema": "marts",
        "resource_type": "model",
        "fqn": ["edp", "marts", "demand", "m"],
        "language": "sql",
        "raw_code": "select 1",
        "depends_on": {"nodes": []},
        "description": "",
        "columns": {},
        "config": {
            "materialized": "table",
            "meta": {"brokered": ["people"], "after_landing": False, "is_model": True},
        },
    }
    (mart,) = Models({"nodes": {"m": node}, "sources": {}, "macros": {}}).marts
    assert declared_counts(mart.brokered) == ("people",)
    assert (mart.after_landing, mart.is_model, mart.is_python) == (False, True, False)
    node["config"]["meta"] = {}
    (plain,) = Models({"nodes": {"m": node}, "sources": {}, "macros": {}}).marts
    assert declared_counts(plain.brokered) is None and plain.after_landing


def test_a_model_takes_over_from_its_own_table_only_while_it_is_said_to_stand() -> None:
    """Other code, or a whole rebuild, makes it anew."""
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.m as select 1 as n")
        assert previous(connection, "m") is None
        with standing(["m"]):
            before = previous(connection, "m")
            assert before is not None and before["n"].to_list() == [1]
            assert previous(connection, "other") is None
        assert previous(connection, "m") is None


def test_a_model_may_ask_its_session_for_its_own_table_alone() -> None:
    """Anything else asked of it would go behind the gate's back."""
    head = "from edp_platform.warehouse.python_models import previous\n"
    own = head + _body("return previous(session, 'm')")
    assert declared(_node(own))[1] == ()
    # Not by a function of that name of its own.
    assert "line 2" in declared(_node(_body("return previous(session, 'm')")))[1][0]
    assert "line 3" in declared(_node(head + _body("return previous(dbt, 'm')")))[1][0]


def test_a_model_is_handed_the_columns_that_it_names_alone() -> None:
    """What its YAML does not name it cannot read, and so cannot pass on."""

    class Dbt:
        def __init__(self, load: Any) -> None:
            self.ref = load

    with duckdb.connect() as connection:
        connection.execute("create table m as select 1 as n, 'SMITH' as surname")
        handed = declared_only(Dbt, {"m": ["n", "n"]})(connection.table)
        assert handed.ref("m").columns == ["n"]
        # A mart, each of whose columns the gate let through, is whole.
        assert declared_only(Dbt, {})(connection.table).ref("m").columns == [
            "n",
            "surname",
        ]
