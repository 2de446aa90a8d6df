"""What of a model's SQL can be read at all, and what cannot be followed.

DuckDB's dialect as sqlglot parses it, the relations a query names, and every way of
writing that no lineage can be read off (`faults_in`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import ClassVar

from sqlglot import exp, parse
from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError

from edp_platform.governance.column_lineage import (
    ColumnKey,
    Relation,
)

#: The databases that dbt writes before a schema: the warehouse file's, and that of the
#: empty one in memory in which models are compiled.
_DATABASES = frozenset({"", "edp", "memory"})

#: Table functions that make rows of their arguments alone.
_ROW_MAKERS = frozenset({"generate_series", "range", "unnest"})


def with_names(query: exp.Query) -> exp.Query:
    """Give each expression without an alias the name that stands for not knowing it.

    sqlglot calls `cast(x as int)` x; DuckDB calls it `CAST(x AS INTEGER)`.
    """
    for select in query.find_all(exp.Select):
        for place, one in enumerate(select.expressions):
            if not isinstance(one, exp.Alias | exp.Column | exp.Star | exp.Columns):
                one.replace(exp.alias_(one.copy(), f"_col_{place}"))
    return query


def is_many(selected: exp.Expr) -> bool:
    """Whether one item of a SELECT makes columns that it does not name."""
    if selected.is_star or selected.find(exp.Columns):
        return True
    return isinstance(selected, exp.Dot) and isinstance(selected.expression, exp.Star)


def is_recursive(query: exp.Expr) -> bool:
    """Whether a query is the body of a CTE that reads itself.

    Tracing one needs its own result; sqlglot answers with its first branch alone.
    """
    cte = query.find_ancestor(exp.CTE, exp.Query)
    while isinstance(cte, exp.Subquery):
        cte = cte.find_ancestor(exp.CTE, exp.Query)
    if not isinstance(cte, exp.CTE) or not isinstance(cte.parent, exp.With):
        return False
    if not cte.parent.recursive:
        return False
    return any(
        table.name == cte.alias and not table.db for table in query.find_all(exp.Table)
    )


def faults_in(
    tree: exp.Query, known: Mapping[Relation, Mapping[str, ColumnKey]]
) -> Iterator[str]:
    """Yield what a query does that no lineage can be read off, in words."""
    ctes = {one.alias.lower() for one in tree.find_all(exp.CTE)}
    for node in tree.walk():
        if isinstance(node, exp.Pivot):
            yield "PIVOT or UNPIVOT makes columns of values"
        elif isinstance(node, exp.SetOperation) and node.args.get("by_name"):
            yield "UNION BY NAME depends on what the columns happen to be called"
        elif isinstance(node, exp.Columns):
            yield "columns() chooses columns by pattern"
        elif isinstance(node, exp.PositionalColumn):
            yield "`#` names a column by its place"
        elif isinstance(node, exp.Subquery) and (
            node.args.get("limit") or node.args.get("offset")
        ):
            yield "a LIMIT outside the brackets of its query"
        elif isinstance(node, exp.Lateral):
            yield "a lateral subquery"
        elif isinstance(node, exp.Join) and node.args.get("method") in (
            "NATURAL",
            "POSITIONAL",
        ):
            yield f"a {node.args['method'].lower()} join states no columns"
        elif isinstance(node, exp.With) and node.recursive:
            if any(is_recursive(one.this) for one in node.expressions):
                yield "a recursive CTE reads itself"
        elif isinstance(node, exp.Table):
            yield from _faults_of_table(node, ctes, known)
        elif isinstance(node, exp.Anonymous) and (
            node.name.lower() not in _functions()
        ):
            yield f"the function {node.name} is not one of DuckDB's own"


def _faults_of_table(
    table: exp.Table,
    ctes: set[str],
    known: Mapping[Relation, Mapping[str, ColumnKey]],
) -> Iterator[str]:
    called = table.this
    if not isinstance(called, exp.Identifier):
        name = function_name(called) or str(called.name).lower()
        if name not in _ROW_MAKERS:
            yield f"{name}() reads what is not a model or a data set"
        return
    database = table.catalog.lower()
    relation = (table.db.lower(), table.name.lower())
    is_cte = not table.db and relation[1] in ctes
    if database not in _DATABASES or not (is_cte or relation in known):
        yield f"{table.sql(dialect='duckdb')} is neither a model nor a data set"


def function_name(node: exp.Expr) -> str:
    """Return what a function is called, in lower case; "" for what is none."""
    if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
        return str(node.name).lower()
    return node.sql_name().lower() if isinstance(node, exp.Func) else ""


@cache
def _functions() -> frozenset[str]:
    """Return the names of DuckDB's own functions; a macro could hide a query."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        rows = connection.execute(
            "select distinct lower(function_name) from duckdb_functions() "
            "where internal and function_type in ('scalar', 'aggregate', 'macro')"
        ).fetchall()
    return frozenset(name for (name,) in rows)


def lower_case(relation: Relation) -> Relation:
    """Return a relation as names are compared."""
    return (relation[0].lower(), relation[1].lower())


def parsed(sql: str) -> exp.Query | None:
    """Return the syntax tree; None where sqlglot cannot read one query in the SQL."""
    try:
        trees = [one for one in parse(sql, dialect=_dialect()) if one is not None]
    except (SqlglotError, RecursionError):
        return None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        return None
    return trees[0]


def read_by(trees: Iterable[exp.Query | None]) -> tuple[Relation, ...]:
    """Return every relation that queries name, in order."""
    found = {
        lower_case((table.db, table.name))
        for tree in trees
        if tree is not None
        for table in tree.find_all(exp.Table)
    }
    return tuple(sorted(one for one in found if one[0]))


@cache
def _dialect() -> type[Dialect]:
    """Return DuckDB's dialect, in which `force` is a name like any other.

    sqlglot reads it as the start of MySQL's index hint and then fails on
    `select month, force`.
    """

    class WarehouseSql(DuckDB):
        class Tokenizer(DuckDB.Tokenizer):
            KEYWORDS: ClassVar = {
                word: kind
                for word, kind in DuckDB.Tokenizer.KEYWORDS.items()
                if word != "FORCE"
            }

    return WarehouseSql
