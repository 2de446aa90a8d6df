"""Figures computed again, in memory, by kept SQL over a state of the lake.

The models' SQL is what dbt compiled for a whole build; it is run over exactly the rows
given, in a database of its own that reads no file but those named. Nothing of the
warehouse or of the published copy is touched.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import polars as pl

from edp_platform.measures.explaining import Figure

#: What the compiled SQL calls the warehouse.
DATABASE = "edp"
RAW = "raw"
_RELATION = re.compile(rf'"{DATABASE}"\."(\w+)"\."(\w+)"')
_MEMORY = "1GB"

#: data set → month → its rows, or the lake file that holds them.
State = Mapping[str, Mapping[str, pl.DataFrame | Path]]
#: Kind of area, its code, and the first day of the period.
Cell = tuple[str, str, str]


class ReplayFailed(ValueError):
    """The SQL could not be run over the rows; the message says which model."""


class Replay:
    """One chain of models, run over one state of the lake after another.

    Args:
        code: `schema.name` of each model → its SQL.
        target: `schema.name` of the model that holds the figures.
        empty: data set → its rows' columns, of every data set that may be read.
    """

    def __init__(
        self, code: Mapping[str, str], target: str, empty: Mapping[str, pl.DataFrame]
    ) -> None:
        self._code = code
        self._target = target
        self._empty = empty
        self._order = models_beneath(code, target)
        self._connection: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> Replay:
        """Open the database."""
        self._connection = duckdb.connect(":memory:")
        self._connection.execute(f"set memory_limit = '{_MEMORY}'")
        self._connection.execute("set TimeZone = 'UTC'")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def figures(self, state: State, measure: str) -> dict[Cell, Figure]:
        """Return every figure of a measure that the models give over a state of the lake.

        Args:
            state: the rows of each data set by month.
            measure: its id.

        Raises:
            ReplayFailed: a model does not run over these rows.
        """
        assert self._connection is not None, "enter it first"
        connection = self._connection
        connection.execute(f"attach ':memory:' as {DATABASE}")
        try:
            self._build(connection, state)
            schema, _, name = self._target.partition(".")
            rows = connection.execute(
                "select area_kind, area_code, cast(month as varchar), numerator, "
                f'denominator, value from {DATABASE}."{schema}"."{name}" '
                "where measure = ?",
                [measure],
            ).fetchall()
        except duckdb.Error as error:
            raise ReplayFailed(
                f"{self._target} does not give the figures of this measure"
            ) from error
        finally:
            connection.execute("use memory")
            connection.execute(f"detach {DATABASE}")
        return {
            (kind, code, month): Figure(*map(_number, figures))
            for kind, code, month, *figures in rows
        }

    def _build(self, connection: duckdb.DuckDBPyConnection, state: State) -> None:
        schemas = {RAW, *(one.partition(".")[0] for one in self._order)}
        for schema in sorted(schemas):
            connection.execute(f'create schema if not exists {DATABASE}."{schema}"')
        for name in sorted(sources_of(self._code, self._order)):
            self._fill(connection, name, state.get(name, {}))
        connection.execute(f"use {DATABASE}")
        for one in self._order:
            schema, _, name = one.partition(".")
            kind = "view" if schema == "staging" else "table"
            _run(
                connection,
                f'create {kind} {DATABASE}."{schema}"."{name}" as {self._code[one]}',
                one,
            )

    def _fill(
        self,
        connection: duckdb.DuckDBPyConnection,
        name: str,
        months: Mapping[str, pl.DataFrame | Path],
    ) -> None:
        """Make the table that stands for a data set's lake files."""
        empty = self._empty.get(name)
        if empty is None:
            raise ReplayFailed(f"the data set {name} is set aside or unknown")
        relation = f'{DATABASE}.{RAW}."{name}"'
        columns = ", ".join(f'"{one}"' for one in empty.columns)
        connection.register("rows_given", empty)
        connection.execute(
            f"create table {relation} as "
            f"select {columns}, cast(null as varchar) as month from rows_given"
            if "month" not in empty.columns
            else f"create table {relation} as select {columns} from rows_given"
        )
        connection.unregister("rows_given")
        own = "" if "month" in empty.columns else ", month"
        for month, rows in sorted(months.items()):
            if isinstance(rows, Path):
                text = str(rows).replace("'", "''")
                given = f"read_parquet('{text}', hive_partitioning = false)"
            else:
                connection.register("rows_given", rows)
                given = "rows_given"
            label = f", '{month}'" if own else ""
            connection.execute(
                f"insert into {relation} ({columns}{own}) "
                f"select {columns}{label} from {given}"
            )
            if not isinstance(rows, Path):
                connection.unregister("rows_given")


def models_beneath(code: Mapping[str, str], target: str) -> list[str]:
    """Return the models that a model reads, through every one between, and itself.

    In an order where what is read comes first.
    """
    graph: dict[str, set[str]] = {}
    waiting = [target]
    while waiting:
        one = waiting.pop()
        if one in graph:
            continue
        graph[one] = {name for name in relations(code[one]) if name in code}
        waiting += graph[one]
    return [*TopologicalSorter(graph).static_order()]


def sources_of(code: Mapping[str, str], models: Collection[str]) -> set[str]:
    """Return the data sets that models read."""
    return {
        name.removeprefix(f"{RAW}.")
        for one in models
        for name in relations(code[one])
        if name.startswith(f"{RAW}.")
    }


def relations(sql: str) -> set[str]:
    """Return `schema.name` of every relation that compiled SQL names."""
    return {f"{schema}.{name}" for schema, name in _RELATION.findall(sql)}


def _run(connection: duckdb.DuckDBPyConnection, sql: str, what: str) -> Any:
    try:
        return connection.execute(sql)
    except duckdb.Error as error:
        # Never the rest of it: an error of a conversion quotes the value of a row.
        raise ReplayFailed(f"{what} does not run ({type(error).__name__})") from error


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
