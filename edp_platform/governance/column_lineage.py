"""Which columns each column of a model derives from, read off the SQL.

`trace` is a pure function: compiled SQL in, lineage out. It names the columns that a
value is made of: what is selected, computed from, aggregated, partitioned or ordered
by. It does not follow what only decides *which* rows there are (WHERE, JOIN, QUALIFY,
GROUP BY), so `count(*)` derives from no column.

What it cannot follow it says (`untraced`) and never guesses: a gate that trusts a wrong
answer opens. sqlglot resolves names and stars; the walk from there is our own, because
sqlglot's gives an unknown source and a constant the same empty answer, takes
`UNION BY NAME` by position and overlooks named windows.

The lineage of a dbt project is made with its manifest: see
`edp_platform.warehouse.manifest`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, ClassVar

from sqlglot import exp, parse_one
from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope, walk_in_scope
from sqlglot.schema import MappingSchema

from edp_platform.files import read_json

if TYPE_CHECKING:
    from edp_platform.warehouse.manifest import ManifestStore

#: Schema and table: the key of the Dagster asset, too.
Relation = tuple[str, str]
#: Schema, table and column.
ColumnKey = tuple[str, str, str]

#: Stands for columns whose names the SQL does not tell.
UNNAMED = "*"

_FILE = "column_lineage.json"
_UNTRACED = "untraced"
#: What sqlglot calls, and `_with_names`, an expression without an alias.
_MADE_UP = re.compile(r"_col_\d+")


@dataclass(frozen=True)
class Lineage:
    """What every model's columns derive from.

    Attributes:
        origins: relation → column → the columns of its direct parents that the value is
            made of, sorted. Empty for a constant, for `count(*)` and for a column that
            is untraced. Columns stand in the order of the SQL, in lower case.
        untraced: relation → columns that could not be traced; `*` stands for those
            whose very names are unknown. A relation without any is not there.
    """

    origins: dict[Relation, dict[str, tuple[ColumnKey, ...]]] = field(
        default_factory=dict
    )
    untraced: dict[Relation, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def unknown(cls, relations: Iterable[Relation]) -> Lineage:
        """Return the lineage that says of every relation that it is untraced."""
        names = list(relations)
        return cls({one: {} for one in names}, dict.fromkeys(names, (UNNAMED,)))

    def as_json(self) -> dict[str, Any]:
        """Return model → column → [schema, table, column], and `untraced`."""
        return {
            **{
                name: {
                    column: [list(one) for one in keys] for column, keys in own.items()
                }
                for (_, name), own in self.origins.items()
            },
            _UNTRACED: {name: list(own) for (_, name), own in self.untraced.items()},
        }


class ColumnLineage:
    """The column lineage of one state of the dbt project, made with its manifest."""

    def __init__(self, store: ManifestStore) -> None:
        found = read_json(store.folder / _FILE, {})
        self._untraced: dict[str, list[str]] = found.pop(_UNTRACED, {})
        self._by_model: dict[str, dict[str, list[list[str]]]] = found

    def of(self, model: str) -> dict[str, list[tuple[str, str, str]]]:
        """Return column → (schema, table, column) of each it derives from."""
        found = self._by_model.get(model, {})
        return {
            column: [(schema, table, name) for schema, table, name in sources]
            for column, sources in found.items()
        }

    def untraced(self, model: str) -> list[str]:
        """Return the columns of a model whose origin is unknown (`*`: all of them)."""
        known = model in self._by_model
        return list(self._untraced.get(model, [] if known else [UNNAMED]))


def trace(
    compiled: Mapping[Relation, str], sources: Mapping[Relation, Iterable[str]]
) -> Lineage:
    """Trace every column of every model to the columns of its direct parents.

    Args:
        compiled: model → its SQL (DuckDB), naming other relations as schema.table or
            database.schema.table. Parents are traced before their children whatever
            the order here, so that `select *` is known to the last column.
        sources: relation that no model makes → all its columns.

    Returns:
        The lineage. SQL that cannot be read or followed never raises: the model, and
        whatever its children take from it, is untraced.
    """
    tracer = _Tracer()
    for relation, columns in sources.items():
        tracer.know(relation, columns)
    trees = {relation: _parse(sql) for relation, sql in compiled.items()}
    by_lower = {_lower(relation): relation for relation in trees}
    parents = {
        relation: {by_lower[one] for one in _read_by(tree) if one in by_lower}
        - {relation}
        for relation, tree in trees.items()
    }
    try:
        order = [*TopologicalSorter(parents).static_order()]
    except CycleError:
        return Lineage.unknown(compiled)
    lineage = Lineage()
    for relation in order:
        tree, outputs = trees[relation], None
        if tree is not None:
            try:
                outputs = tracer.outputs(tree)
            # sqlglot raises nearly every kind of exception on SQL it does not expect.
            except Exception:
                outputs = None
        outputs = outputs or {UNNAMED: None}
        unknown = tuple(name for name, keys in outputs.items() if keys is None)
        named = {name: keys for name, keys in outputs.items() if name != UNNAMED}
        lineage.origins[relation] = {
            name: tuple(sorted(keys or ())) for name, keys in named.items()
        }
        if unknown:
            lineage.untraced[relation] = unknown
        tracer.know(relation, named, is_complete=UNNAMED not in outputs)
    return lineage


#: What a column derives from; None where that is not known.
_Origin = frozenset[ColumnKey] | None


class _Tracer:
    """Follows columns through the scopes (CTEs, subqueries, unions) of a query."""

    def __init__(self) -> None:
        self._schema = MappingSchema(dialect="duckdb")
        self._known: dict[Relation, dict[str, ColumnKey]] = {}
        self._seen: dict[int, tuple[Scope, dict[str, _Origin]]] = {}

    def know(
        self, relation: Relation, columns: Iterable[str], is_complete: bool = True
    ) -> None:
        """Make the columns of a relation known to the queries that read it.

        One with columns that have no known name is kept from sqlglot, which would
        expand a star over it to the named ones alone.
        """
        names = list(columns)
        lower = _lower(relation)
        self._known[lower] = {name.lower(): (*relation, name) for name in names}
        if is_complete and names:
            table = exp.table_(lower[1], db=lower[0])
            self._schema.add_table(table, dict.fromkeys(names, "unknown"))

    def outputs(self, query: exp.Query) -> dict[str, _Origin]:
        """Return the columns of a query in order, with the origin of each."""
        self._seen.clear()
        qualified = qualify(
            _with_names(query),
            dialect="duckdb",
            schema=self._schema,
            validate_qualify_columns=False,
            # A column that its table is not known to have is one untraced column.
            allow_partial_qualification=True,
            identify=False,
            quote_identifiers=False,
        )
        scope = build_scope(qualified.unnest())
        if scope is None:
            return {UNNAMED: None}
        found = self._outputs(scope)
        named = {name: found[name] for name in found if not _MADE_UP.fullmatch(name)}
        return named if len(named) == len(found) else {**named, UNNAMED: None}

    def _outputs(self, scope: Scope) -> dict[str, _Origin]:
        if id(scope) not in self._seen:
            # The scope is kept beside its result: an id is reused once it is gone.
            self._seen[id(scope)] = (scope, self._outputs_once(scope))
        return self._seen[id(scope)][1]

    def _outputs_once(self, scope: Scope) -> dict[str, _Origin]:
        query = scope.expression
        if _is_recursive(query):
            return {}
        if isinstance(query, exp.SetOperation):
            return self._of_union(query, scope)
        if isinstance(query, exp.Subquery) and scope.subquery_scopes:
            return self._outputs(scope.subquery_scopes[0])
        if not isinstance(query, exp.Select):
            return {UNNAMED: None}
        found: dict[str, _Origin] = {}
        for one in query.selects:
            name = UNNAMED if _is_many(one) else one.alias_or_name
            # A name given twice is renamed by DuckDB in one place and not in another.
            origin = None if name in found else self._origin(one, scope)
            found[name] = None if name == UNNAMED else origin
        return found

    def _of_union(self, query: exp.SetOperation, scope: Scope) -> dict[str, _Origin]:
        sides = scope.set_operation_scopes
        left, right = (self._outputs(one) for one in sides)
        # A name given twice stands once in the outputs: the places no longer match.
        widths = {len(left), len(right), *(_width(one.expression) for one in sides)}
        if len(widths) > 1 or UNNAMED in left or UNNAMED in right:
            return {UNNAMED: None}
        if query.args.get("by_name"):
            if set(left) != set(right):
                # sqlglot expands a star over it to the left names alone.
                return {UNNAMED: None}
            return {name: _both(origin, right[name]) for name, origin in left.items()}
        pairs = zip(left.items(), right.values(), strict=True)
        return {name: _both(first, second) for (name, first), second in pairs}

    def _origin(self, value: exp.Expr, scope: Scope) -> _Origin:
        """Return the columns an expression is made of, not entering child queries."""
        children = {id(one.expression): one for one in scope.subquery_scopes}
        found: set[ColumnKey] = set()
        for node in walk_in_scope(value):
            origin: _Origin = frozenset()
            if isinstance(node, exp.Expr) and node.is_star:
                # count(*) counts rows; f(t.*) is made of every column of t.
                counted = isinstance(node.parent, exp.Count | exp.Column)
                origin = frozenset() if counted else None
            elif isinstance(node, exp.Column):
                origin = self._of_column(node, scope)
            elif isinstance(
                node,
                exp.Columns | exp.TableColumn | exp.PositionalColumn | exp.Placeholder,
            ):
                origin = None
            elif isinstance(node, exp.UNWRAPPED_QUERIES):
                child = children.get(id(node))
                origin = self._of_child(node, child) if child else None
            elif isinstance(node, exp.Window) and node.args.get("alias"):
                origin = self._of_named_window(node.args["alias"].name, scope)
            if origin is None:
                return None
            found |= origin
        return frozenset(found)

    def _of_column(self, column: exp.Column, scope: Scope) -> _Origin:
        above: Scope | None = scope
        while above is not None and column.table not in above.selected_sources:
            above = above.parent  # a correlated subquery, or a function in FROM
        if above is None or not column.table:
            return None
        node, source = above.selected_sources[column.table]
        if node.args.get("pivots") or (
            isinstance(node, exp.Table)
            and (node.alias_column_names or not isinstance(node.this, exp.Identifier))
        ):
            return None  # columns renamed, or made by a function such as read_parquet
        if isinstance(source, Scope):
            made = source.expression
            if isinstance(made, exp.Unnest | exp.Values):
                if made.find(*exp.UNWRAPPED_QUERIES):
                    return None
                # Which element makes which column is not told: each has them all.
                return self._union(made.find_all(exp.Column), source)
            return self._outputs(source).get(column.name)
        key = self._known.get((source.db, source.name), {}).get(column.name)
        return None if key is None else frozenset([key])

    def _of_child(self, query: exp.Expr, child: Scope) -> _Origin:
        """Return what a subquery used as a value is made of."""
        parent = query.parent
        while isinstance(parent, exp.Subquery):
            parent = parent.parent
        if not isinstance(parent, exp.Exists):
            origins = [*self._outputs(child).values()]
            return _all(origins) if origins else None
        # What EXISTS tells is its condition.
        if not isinstance(query, exp.Select) or query.args.get("having"):
            return None
        conditions = [query.args.get("where")]
        conditions += [join.args.get("on") for join in query.args.get("joins") or []]
        return self._union([one for one in conditions if one is not None], child)

    def _of_named_window(self, name: str, scope: Scope) -> _Origin:
        for window in scope.expression.args.get("windows") or []:
            if window.name == name:
                return self._origin(window, scope)
        return None

    def _union(self, values: Iterable[exp.Expr], scope: Scope) -> _Origin:
        return _all([self._origin(one, scope) for one in values])


def _width(query: exp.Expr) -> int:
    return len(query.selects) if isinstance(query, exp.Query) else 0


def _both(first: _Origin, second: _Origin) -> _Origin:
    return None if first is None or second is None else first | second


def _all(origins: Iterable[_Origin]) -> _Origin:
    found: _Origin = frozenset()
    for origin in origins:
        found = _both(found, origin)
    return found


def _with_names(query: exp.Query) -> exp.Query:
    """Give each expression without an alias the name that stands for not knowing it.

    sqlglot calls `cast(x as int)` x; DuckDB calls it `CAST(x AS INTEGER)`.
    """
    for select in query.find_all(exp.Select):
        for place, one in enumerate(select.expressions):
            if not isinstance(one, exp.Alias | exp.Column | exp.Star | exp.Columns):
                one.replace(exp.alias_(one.copy(), f"_col_{place}"))
    return query


def _is_many(selected: exp.Expr) -> bool:
    """Whether one item of a SELECT makes columns that it does not name."""
    if selected.is_star or selected.find(exp.Columns):
        return True
    return isinstance(selected, exp.Dot) and isinstance(selected.expression, exp.Star)


def _is_recursive(query: exp.Expr) -> bool:
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


def _lower(relation: Relation) -> Relation:
    return (relation[0].lower(), relation[1].lower())


def _parse(sql: str) -> exp.Query | None:
    """Return the syntax tree; None where sqlglot cannot read the SQL."""
    try:
        tree = parse_one(sql, dialect=_dialect())
    except (SqlglotError, RecursionError):
        return None
    if not isinstance(tree, exp.Query):
        return None
    for table in tree.find_all(exp.Table):
        table.set("catalog", None)
    return tree


def _read_by(tree: exp.Query | None) -> set[Relation]:

    if tree is None:
        return set()
    return {_lower((table.db, table.name)) for table in tree.find_all(exp.Table)}


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
