"""Which columns each column of a model derives from, read off the SQL.

`trace` is a pure function: compiled SQL in, lineage out. What a value is selected from
or computed from is direct; what filters, joins, groups, orders or windows it is
indirect. On the way it notes what protects a value (`column_lineage.Step`): an
aggregate over the query's own GROUP BY, a group key, a band, a month.

What it cannot follow it says (`untraced`, `faults`) and never guesses: a gate that
trusts a wrong answer opens. sqlglot resolves names and stars; the walk from there is
our own, because sqlglot's gives an unknown source and a constant the same empty answer,
takes `UNION BY NAME` by position, overlooks named windows and says nothing of rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

from edp_platform.governance.column_lineage import (
    HANDED_ON,
    LINK,
    LOOKUP,
    ROWS,
    UNNAMED,
    Column,
    ColumnKey,
    Grouping,
    Lineage,
    Pick,
    Relation,
    Step,
    Steps,
    Traced,
    Way,
    all_of,
    both,
    merged,
    only_lookup,
    without_lookup,
)
from edp_platform.governance.row_picking import (
    Asked,
    asked_by,
    takes_blank_as_missing,
)
from edp_platform.governance.sql_reading import (
    faults_in,
    function_name,
    is_many,
    is_recursive,
    lower_case,
    parsed,
    read_by,
    with_names,
)
from edp_platform.governance.sql_shapes import (
    MOST_LABELS,
    aggregates_in,
    coarser_kinds,
    columns_in,
    group_keys,
    in_a_word,
    is_constant,
    is_range,
    parts_of,
    unwrapped,
    width_of,
)

#: What sqlglot calls, and `with_names`, an expression without an alias.
_MADE_UP = re.compile(r"_col_\d+")

#: Aggregates that say something of a group and not of one of its rows. `max`, `first`,
#: `list` and the like hand on a value as it was, so they are not here.
_AGGREGATES: dict[type[exp.Expr], str] = {
    exp.Count: "count",
    exp.CountIf: "count",
    exp.ApproxDistinct: "count",
    exp.Sum: "sum",
    exp.Avg: "avg",
    exp.Stddev: "stddev",
    exp.StddevPop: "stddev",
    exp.StddevSamp: "stddev",
    exp.Variance: "variance",
    exp.VariancePop: "variance",
    exp.Median: "median",
    exp.PercentileCont: "median",
}
#: Functions whose result tells one row from another whatever they are given.
_ROW_IDS = frozenset(
    {
        "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile",
        "uuid", "gen_random_uuid", "uuidv4", "uuidv7", "random", "rand", "nextval",
    }
)  # fmt: skip
_OF_GROUPS = frozenset(_AGGREGATES)
#: Functions of a whole identity, which still tells what it told before.
_COMBINING = (
    exp.Coalesce, exp.Concat, exp.DPipe, exp.Lower, exp.MD5, exp.SHA2, exp.Trim,
    exp.Tuple, exp.Upper,
)  # fmt: skip


def trace(
    compiled: Mapping[Relation, str | Sequence[str]],
    sources: Mapping[Relation, Iterable[str]],
    known: Mapping[Relation, Traced] | None = None,
) -> Lineage:
    """Trace every column of every model to the columns of its direct parents.

    Args:
        compiled: model → its SQL (DuckDB), naming other relations as schema.table or
            database.schema.table; or each form that its SQL takes. Parents are traced
            before their children whatever the order here, so that `select *` is known
            to the last column.
        sources: relation that no model makes → all its columns.
        known: models among `compiled` that need not be traced again.

    Returns:
        The lineage. SQL that cannot be read or followed never raises: the model, and
        whatever its children take from it, is untraced.
    """
    known = known or {}
    tracer = _Tracer()
    for relation, columns in sources.items():
        tracer.know(relation, columns)
    trees = {
        relation: [
            parsed(sql) for sql in ([forms] if isinstance(forms, str) else forms)
        ]
        for relation, forms in compiled.items()
        if relation not in known
    }
    by_lower = {lower_case(relation): relation for relation in compiled}
    reads = {
        relation: known[relation].reads
        if relation in known
        else read_by(trees[relation])
        for relation in compiled
    }
    parents = {
        relation: {by_lower[one] for one in names if one in by_lower} - {relation}
        for relation, names in reads.items()
    }
    try:
        order = [*TopologicalSorter(parents).static_order()]
    except CycleError:
        fault = "models read each other in a circle"
        return {relation: Traced.unknown(fault) for relation in compiled}
    lineage: Lineage = {}
    for relation in order:
        traced = known.get(relation)
        if traced is None:
            traced = tracer.traced(trees[relation], reads[relation])
        lineage[relation] = traced
        tracer.know(relation, traced.columns, UNNAMED not in traced.untraced)
    return lineage


@dataclass
class _Query:
    """What one query makes. A column whose origin is not known is None."""

    columns: dict[str, Column | None] = field(default_factory=dict)
    rows: Steps = field(default_factory=dict)


@dataclass(frozen=True)
class _Beneath:
    """What stands in a query and in those that it reads: picks, and relations."""

    picks: frozenset[int] = frozenset()
    reads: frozenset[Relation] = frozenset()

    def also(self, other: _Beneath) -> _Beneath:
        return _Beneath(self.picks | other.picks, self.reads | other.reads)


@dataclass(frozen=True)
class _Place:
    """Where in a query an expression stands.

    Attributes:
        scope: the query.
        grouping: the number of its GROUP BY; None where it does not group, and inside
            its aggregates and keys, where a column is that of a row.
        keys: the expressions that it groups by.
    """

    scope: Scope
    grouping: int | None = None
    keys: tuple[exp.Expr, ...] = ()


class _Untraceable(Exception):
    """The expression names something that is not known."""


class _Tracer:
    """Follows columns through the scopes (CTEs, subqueries, unions) of a query."""

    def __init__(self) -> None:
        self._schema = MappingSchema(dialect="duckdb")
        self._known: dict[Relation, dict[str, ColumnKey]] = {}
        self._seen: dict[int, tuple[Scope, _Query]] = {}
        self._lookups: dict[tuple[int, str], Steps] = {}
        self._joined: dict[int, list[list[exp.Column]]] = {}
        self._beneath: dict[int, _Beneath] = {}
        self._groupings: list[Grouping] = []
        self._picks: list[Pick] = []
        self._faults: list[str] = []

    def know(
        self, relation: Relation, columns: Iterable[str], is_complete: bool = True
    ) -> None:
        """Make the columns of a relation known to the queries that read it.

        One with columns that have no known name is kept from sqlglot, which would
        expand a star over it to the named ones alone.
        """
        names = list(columns)
        lower = lower_case(relation)
        self._known[lower] = {name.lower(): (*relation, name) for name in names}
        if is_complete and names:
            table = exp.table_(lower[1], db=lower[0])
            self._schema.add_table(table, dict.fromkeys(names, "unknown"))

    def traced(
        self, trees: Sequence[exp.Query | None], reads: tuple[Relation, ...]
    ) -> Traced:
        """Return the lineage of one model, of all the forms of its SQL together."""
        self._groupings, self._picks, self._faults = [], [], []
        queries = [self._form(tree) for tree in trees]
        if not queries:
            return Traced.unknown("its SQL does not compile")
        columns = dict(queries[0].columns)
        for one in queries[1:]:
            if [*one.columns] != [*columns]:
                self._faults.append("its SQL for some months makes other columns")
                columns[UNNAMED] = None
            for name, column in one.columns.items():
                before = columns.get(name)
                columns[name] = _both(before, column)
        return Traced(
            columns={
                name: column or Column()
                for name, column in columns.items()
                if name != UNNAMED
            },
            rows=merged(*(one.rows for one in queries)),
            groupings=tuple(self._groupings),
            picks=tuple(self._picks),
            reads=reads,
            untraced=tuple(name for name, one in columns.items() if one is None),
            faults=tuple(dict.fromkeys(self._faults)),
        )

    def _form(self, tree: exp.Query | None) -> _Query:
        if tree is None:
            self._faults.append("its SQL is not one query that can be read")
            return _Query({UNNAMED: None})
        self._seen.clear()
        self._lookups.clear()
        self._joined.clear()
        self._beneath.clear()
        self._faults += faults_in(tree, self._known)
        try:
            return self._query(tree)
        # sqlglot raises nearly every kind of exception on SQL it does not expect.
        except Exception:
            self._faults.append("its SQL cannot be followed")
            return _Query({UNNAMED: None})

    def _query(self, query: exp.Query) -> _Query:
        qualified = qualify(
            with_names(query),
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
            return _Query({UNNAMED: None})
        found = self._outputs(scope)
        made_up = [name for name in found.columns if _MADE_UP.fullmatch(name)]
        for name in made_up:
            del found.columns[name]
            found.columns[UNNAMED] = None
        return found

    def _outputs(self, scope: Scope) -> _Query:
        if id(scope) not in self._seen:
            place = self._grouped(_Place(scope))
            found = self._outputs_once(place)
            # The scope is kept beside its result: an id is reused once it is gone.
            self._seen[id(scope)] = (scope, found)
            self._note_picks(place, found)
        return self._seen[id(scope)][1]

    def _outputs_once(self, place: _Place) -> _Query:
        scope = place.scope
        query = scope.expression
        if is_recursive(query):
            return _Query()
        if isinstance(query, exp.SetOperation):
            return self._of_union(query, scope)
        if isinstance(query, exp.Subquery) and scope.subquery_scopes:
            return self._outputs(scope.subquery_scopes[0])
        if not isinstance(query, exp.Select):
            return _Query({UNNAMED: None})
        found: dict[str, Column | None] = {}
        for one in query.selects:
            name = UNNAMED if is_many(one) else one.alias_or_name
            # A name given twice is renamed by DuckDB in one place and not in another.
            origin = None if name in found else self._or_none(one, place)
            found[name] = None if name == UNNAMED else origin
        return _Query(found, self._rows(query, place))

    def _of_union(self, query: exp.SetOperation, scope: Scope) -> _Query:
        sides = scope.set_operation_scopes
        left, right = (self._outputs(one) for one in sides)
        rows = merged(left.rows, right.rows)
        # A name given twice stands once in the outputs: the places no longer match.
        widths = {
            len(left.columns),
            len(right.columns),
            *(width_of(one.expression) for one in sides),
        }
        if (
            len(widths) > 1
            or UNNAMED in left.columns
            or UNNAMED in right.columns
            or query.args.get("by_name")  # a fault: see `faults_in`
        ):
            return _Query({UNNAMED: None}, rows)
        pairs = zip(left.columns.items(), right.columns.values(), strict=True)
        columns = {name: _united(first, second) for (name, first), second in pairs}
        if not isinstance(query, exp.Union):
            # EXCEPT and INTERSECT: the other side decides which rows are kept.
            decided = merged(*(_steps(one) for one in right.columns.values() if one))
            rows = merged(rows, _done(decided, "filter"))
        return _Query(columns, rows)

    def _note_picks(self, place: _Place, found: _Query) -> None:
        """Note what may pick rows, in a query and beneath its GROUP BY.

        What picks from the groups themselves is not beneath it.
        """
        scope, query = place.scope, place.scope.expression
        if not isinstance(query, exp.Query) or is_recursive(query):
            return
        beneath = _Beneath()
        below = [*scope.subquery_scopes, *(scope.set_operation_scopes or [])]
        for node, source in _tables(scope).values():
            if isinstance(source, Scope):
                below.append(source)
            else:
                relation = lower_case((node.db, node.name))
                beneath = beneath.also(_Beneath(reads=frozenset([relation])))
        for one in below:
            if isinstance(one.expression, exp.Query):
                self._outputs(one)
                beneath = beneath.also(self._beneath.get(id(one), _Beneath()))
        early, late = set[int](), set[int]()
        for asked in asked_by(query, _OF_GROUPS, _ROW_IDS):
            pick = self._pick(asked, place, found)
            if pick is not None:
                is_late = asked.is_late or asked.kind == HANDED_ON
                (late if is_late else early).add(self._numbered(pick))
        if isinstance(query, exp.SetOperation) and not isinstance(query, exp.Union):
            early |= self._picks_of_sides(query, scope)
        beneath = beneath.also(_Beneath(frozenset(early)))
        if place.grouping is not None:
            self._groupings[place.grouping] = replace(
                self._groupings[place.grouping],
                picks=tuple(sorted(beneath.picks)),
                reads=tuple(sorted(beneath.reads)),
            )
        self._beneath[id(scope)] = beneath.also(_Beneath(frozenset(late)))

    def _picks_of_sides(self, query: exp.SetOperation, scope: Scope) -> set[int]:
        """Return the picks of EXCEPT and INTERSECT: an equality, column by column."""
        left, right = (self._outputs(one) for one in scope.set_operation_scopes)
        return {
            self._numbered(Pick(query.key.upper(), LINK, sides))
            for one in zip(left.columns.values(), right.columns.values(), strict=False)
            if (sides := _asked_of(one))
        }

    def _numbered(self, pick: Pick) -> int:
        if pick not in self._picks:
            self._picks.append(pick)
        return self._picks.index(pick)

    def _pick(self, asked: Asked, place: _Place, found: _Query) -> Pick | None:
        """Return what a place of a query asks; None where that is of no column."""
        if asked.kind == ROWS:
            if not any(one is None or one.direct for one in found.columns.values()):
                return None  # rows of constants
            rows = self._rows_read(place)
            if asked.is_late and place.grouping is not None:
                rows = _done(rows, None, f"rows@{place.grouping}")
            per = [self._asked(one, place) for one in asked.per]
            return Pick(asked.how, ROWS, (), (*per,), rows) if rows else None
        sides = _asked_of(self._asked(one, place) for one in asked.sides)
        if not sides:
            return None
        keys = place.keys if asked.kind == HANDED_ON else ()
        per = [self._asked(one, place) for one in keys]
        return Pick(asked.how, asked.kind, sides, (*per,))

    def _asked(self, value: exp.Expr, place: _Place) -> Column:
        """Return what an expression that is asked is made of.

        Raises nothing: one that cannot be traced is a fault of the model.
        """
        if (
            isinstance(value.parent, exp.In | exp.Any)
            and value.arg_key != "expressions"
        ):
            query = value.unnest() if isinstance(value, exp.Subquery) else value
            children = {id(one.expression): one for one in place.scope.subquery_scopes}
            child = children.get(id(query))
            if child is not None:
                return all_of(
                    one for one in self._outputs(child).columns.values() if one
                )
        column = self._or_none(value, place)
        if column is None:
            self._faults.append("it asks something that cannot be traced")
        return column or Column()

    def _rows_read(self, place: _Place) -> Steps:
        """Return the relations whose rows a query reads, with what was grouped."""
        scope = place.scope
        if isinstance(scope.expression, exp.SetOperation):
            sources: list[Any] = [*scope.set_operation_scopes]
        else:
            sources = [source for _, source in _tables(scope).values()]
        found: list[Steps] = []
        for one in sources:
            if not isinstance(one, Scope):
                found.append({(*lower_case((one.db, one.name)), UNNAMED): Step()})
            elif isinstance(one.expression, exp.Query):
                rows = self._outputs(one).rows
                found.append({key: rows[key] for key in rows if key[2] == UNNAMED})
        return merged(*found)

    def _grouped(self, place: _Place) -> _Place:
        """Return the place with its GROUP BY, recorded, where the query has one."""
        query = place.scope.expression
        if not isinstance(query, exp.Select):
            return place
        group = query.args.get("group")
        if group is None and not any(aggregates_in(query)):
            return place
        keys = tuple(group_keys(query, group)) if group else ()
        columns = []
        for key in keys:
            column = self._or_none(key, place)
            if column is None:
                self._faults.append("it groups by something that cannot be traced")
            columns.append(column or Column(is_row_id=True))
        self._groupings.append(Grouping(tuple(columns)))
        return replace(place, grouping=len(self._groupings) - 1, keys=keys)

    def _rows(self, query: exp.Select, place: _Place) -> Steps:
        """Return what decides which rows a query has."""
        found: list[Steps] = []
        for node, source in _tables(place.scope).values():
            if not isinstance(source, Scope):
                key = self._known.get((source.db, source.name))
                relation = next(iter(key.values()))[:2] if key else None
                if relation and not node.args.get("pivots"):
                    found.append({(*relation, UNNAMED): Step()})
            elif isinstance(source.expression, exp.Query):
                found.append(self._outputs(source).rows)
            else:  # UNNEST: how many there are follows from what it is made of
                for column in source.expression.find_all(exp.Column):
                    found.append(
                        _done(self._deciding(column, _Place(source)), "unnest")
                    )
        plain = replace(place, grouping=None, keys=())
        asked: list[tuple[exp.Expr | None, str, _Place]] = [
            (query.args.get("where"), "filter", plain),
            *((join.args.get("on"), "join", plain) for join in query.args.get("joins", [])),
            *((key, "group", plain) for key in place.keys),
        ]  # fmt: skip
        found += [_done(self._deciding(one, at), how) for one, how, at in asked if one]
        if place.grouping is not None:
            found = [_done(one, None, f"rows@{place.grouping}") for one in found]
        distinct = query.args.get("distinct")
        after = [
            (query.args.get("having"), "filter"),
            (query.args.get("qualify"), "filter"),
            (query.args.get("order"), "order"),
            (distinct.args.get("on") if distinct else None, "group"),
        ]
        found += [_done(self._deciding(one, place), how) for one, how in after if one]
        return merged(*found)

    def _deciding(self, value: exp.Expr, place: _Place) -> Steps:
        """Return everything that an expression that decides rows is made of."""
        column = self._or_none(value, place)
        if column is None:
            self._faults.append(
                "it filters, joins, groups or orders by something that cannot be traced"
            )
            return {}
        return _steps(column)

    def _or_none(self, value: exp.Expr, place: _Place) -> Column | None:
        try:
            return self._value(value, place)
        except _Untraceable:
            return None

    def _value(self, node: exp.Expr, place: _Place) -> Column:
        """Return what an expression is made of.

        Raises:
            _Untraceable: a part of it is not known.
        """
        if place.grouping is not None and node in place.keys:
            inner = self._value(node, replace(place, grouping=None, keys=()))
            return _over_groups(inner, place.grouping, "group key", "key")
        if isinstance(node, exp.Alias | exp.Paren | exp.Where | exp.Having):
            return self._value(node.this, place)
        if isinstance(node, exp.Column):
            if node.is_star:
                raise _Untraceable
            return self._of_column(node, place.scope)
        if isinstance(node, exp.Star):
            raise _Untraceable  # f(t.*) is made of every column of t
        if isinstance(
            node,
            exp.Columns
            | exp.TableColumn
            | exp.PositionalColumn
            | exp.Placeholder
            | exp.Parameter
            | exp.Lateral,
        ):
            raise _Untraceable
        if isinstance(node, exp.UNWRAPPED_QUERIES):
            return self._of_child(node, place)
        if isinstance(node, exp.Subquery):
            return self._value(node.this, place)
        if isinstance(node, exp.Window):
            return self._of_window(node, place)
        if isinstance(node, exp.Filter):
            # sum(x) filter (where y) is made of both, row by row.
            return self._of_aggregate(node, unwrapped(node), place)
        if isinstance(node, exp.WithinGroup):
            return self._of_aggregate(node, node.this, place)
        if isinstance(node, exp.AggFunc):
            return self._of_aggregate(node, node, place)
        if isinstance(node, exp.Case | exp.If):
            return self._of_case(node, place)
        if isinstance(node, exp.Order):
            return self._of_order(node, place)
        return self._of_expression(node, place)

    def _of_expression(self, node: exp.Expr, place: _Place) -> Column:
        """Return what any other expression is made of: all of its parts."""
        found = self._parts(node, place)
        kinds = [*coarser_kinds(node)]
        word = in_a_word(node, kinds, found.direct)
        if word == "computed" and self._is_combined(node, place):
            word = "combined"
        direct = _done(found.direct, word)
        for one in kinds:
            direct = _done(direct, None, one)
        is_row_id = found.is_row_id or function_name(node) in _ROW_IDS
        return Column(direct, found.indirect, is_row_id and "coded" not in kinds)

    def _is_combined(self, node: exp.Expr, place: _Place) -> bool:
        """Whether an expression puts whole values together and adds none of its own."""
        if takes_blank_as_missing(node):
            return True
        return isinstance(node, _COMBINING) and all(
            self._value(one, place).direct
            or (isinstance(node, exp.DPipe) and isinstance(one, exp.Literal))
            for one in node.iter_expressions()
        )

    def _parts(self, node: exp.Expr, place: _Place) -> Column:
        return all_of(self._value(one, place) for one in node.iter_expressions())

    def _of_case(self, node: exp.Case | exp.If, place: _Place) -> Column:
        branches = node.args["ifs"] if isinstance(node, exp.Case) else [node]
        tests = [one.this for one in branches]
        results = [one.args.get("true") for one in branches]
        results.append(node.args.get("default") or node.args.get("false"))
        given = [one for one in results if one is not None]
        operand = node.this if isinstance(node, exp.Case) else None
        asked = all_of(self._value(one, place) for one in [*tests, operand] if one)
        direct = _done(asked.direct, "case")
        is_coded = len(tests) <= MOST_LABELS and all(map(is_constant, given))
        if is_coded:
            direct = _done(direct, None, "coded")
            if operand is None and all(is_range(one) for one in tests):
                direct = _done(direct, "band", "banded")
        made = all_of(self._value(one, place) for one in given)
        return both(
            Column(direct, asked.indirect, asked.is_row_id and not is_coded),
            Column(_done(made.direct, "case"), made.indirect, made.is_row_id),
        )

    def _of_order(self, node: exp.Order, place: _Place) -> Column:
        """Return what ordered values are made of: `x` directly, the order not."""
        ordered = all_of(self._value(one, place) for one in node.expressions)
        inner = self._value(node.this, place) if node.this else Column()
        return Column(
            inner.direct,
            merged(inner.indirect, _done(_steps(ordered), "order")),
            inner.is_row_id,
        )

    def _of_aggregate(self, node: exp.Expr, called: exp.Expr, place: _Place) -> Column:
        """Return what an aggregate is made of, and whether it protects."""
        if isinstance(called, exp.Count) and isinstance(called.this, exp.Star):
            parts = [node.expression] if isinstance(node, exp.Filter) else []
        elif isinstance(node, exp.WithinGroup):
            # percentile_cont(0.5) within group (order by x) is made of x.
            order = node.expression
            parts = [*called.iter_expressions()]
            parts += [one.this for one in order.expressions]
        else:
            parts = [*called.iter_expressions()]
            if isinstance(node, exp.Filter):
                parts.append(node.expression)
        plain = replace(place, grouping=None, keys=())
        inner = all_of(self._value(one, plain) for one in parts)
        if place.grouping is None:
            # Inside another aggregate or a window: nothing to be said of it.
            return Column(
                _done(inner.direct, function_name(called)),
                inner.indirect,
                inner.is_row_id,
            )
        protection = _AGGREGATES.get(type(called))
        found = _over_groups(inner, place.grouping, function_name(called), protection)
        return replace(found, is_row_id=False) if protection else found

    def _of_window(self, node: exp.Window, place: _Place) -> Column:
        called = node.this
        parts: list[exp.Expr] = []
        while isinstance(called, exp.Filter | exp.IgnoreNulls | exp.RespectNulls):
            if isinstance(called, exp.Filter):
                parts.append(called.expression)
            called = called.this
        is_counted = isinstance(called, exp.Count) and isinstance(called.this, exp.Star)
        parts += [] if is_counted else [*called.iter_expressions()]
        inner = all_of(self._value(one, place) for one in parts)
        framed = self._framed(node, place)
        return Column(
            _done(inner.direct, "window"),
            merged(inner.indirect, _done(framed, "window")),
            inner.is_row_id or function_name(called) in _ROW_IDS,
        )

    def _framed(self, node: exp.Window, place: _Place) -> Steps:
        """Return what a window is partitioned and ordered by, through its name too."""
        named = node.args.get("alias")
        found: list[Steps] = []
        if named is not None:
            windows = place.scope.expression.args.get("windows") or []
            meant = [one for one in windows if one.name == named.name]
            if not meant:
                raise _Untraceable
            found += [self._framed(one, place) for one in meant if one is not node]
        parts = [*(node.args.get("partition_by") or [])]
        if node.args.get("order"):
            parts += [one.this for one in node.args["order"].expressions]
        if node.args.get("spec"):
            parts += [*node.args["spec"].find_all(exp.Column)]
        found += [_steps(self._value(one, place)) for one in parts]
        return merged(*found)

    def _of_column(self, column: exp.Column, scope: Scope) -> Column:
        above: Scope | None = scope
        while above is not None and column.table not in _tables(above):
            above = above.parent  # a correlated subquery, or a function in FROM
        if above is None or not column.table or column.args.get("db"):
            raise _Untraceable
        found = self._of_named(column, above)
        looked_up = self._looked_up(above, column.table)
        return replace(found, indirect=merged(found.indirect, looked_up))

    def _looked_up(self, scope: Scope, table: str) -> Steps:
        """Return the columns of other tables by which this one's rows were found.

        A label that is joined to a code says what the code says.
        """
        key = (id(scope), table)
        if key not in self._lookups:
            found: list[Steps] = []
            reached, waiting = {table}, [table]
            while waiting:
                by = self._found_by(scope, waiting.pop(), reached)
                for column in by:
                    made = self._of_named(column, scope)
                    found += [made.direct, only_lookup(made.indirect)]
                    if column.table not in reached:
                        reached.add(column.table)
                        waiting.append(column.table)
            self._lookups[key] = _done(merged(*found), LOOKUP)
        return self._lookups[key]

    def _found_by(
        self, scope: Scope, table: str, reached: set[str]
    ) -> list[exp.Column]:
        """Return the columns of other tables that share a condition with this one.

        Those of tables that were reached before only lead back to where it began.
        """
        return [
            column
            for one in self._conditions(scope)
            if any(column.table == table for column in one)
            for column in one
            if column.table not in reached and column.table in _tables(scope)
        ]

    def _conditions(self, scope: Scope) -> list[list[exp.Column]]:
        """Return the columns of each condition of a query that joins tables."""
        if id(scope) not in self._joined:
            query = scope.expression
            asked = [query.args.get("where")]
            asked += [join.args.get("on") for join in query.args.get("joins") or []]
            parts = [part for one in asked if one for part in parts_of(one)]
            columns = [[*columns_in(part)] for part in parts]
            self._joined[id(scope)] = [
                one for one in columns if len({column.table for column in one}) > 1
            ]
        return self._joined[id(scope)]

    def _of_named(self, column: exp.Column, above: Scope) -> Column:
        """Return what a column of a table in a query's FROM is made of."""
        node, source = _tables(above)[column.table]
        if node.args.get("pivots") or (
            isinstance(node, exp.Table)
            and (node.alias_column_names or not isinstance(node.this, exp.Identifier))
        ):
            # Columns renamed, or made by a function such as read_parquet.
            raise _Untraceable
        found: Column | None
        if isinstance(source, Scope):
            made = source.expression
            if isinstance(made, exp.Unnest | exp.Values):
                if made.find(*exp.UNWRAPPED_QUERIES):
                    raise _Untraceable
                # Which element makes which column is not told: each has them all.
                inside = made.find_all(exp.Column)
                found = all_of(self._of_column(one, source) for one in inside)
                return Column(_done(found.direct, "unnest"), found.indirect)
            found = self._outputs(source).columns.get(column.name)
        else:
            key = self._known.get((source.db, source.name), {}).get(column.name)
            found = None if key is None else Column({key: Step()})
        if found is None:
            raise _Untraceable
        return found

    def _of_child(self, query: exp.Expr, place: _Place) -> Column:
        """Return what a subquery used as a value is made of."""
        children = {id(one.expression): one for one in place.scope.subquery_scopes}
        child = children.get(id(query))
        if child is None:
            raise _Untraceable
        made = self._outputs(child)
        rows = _done(made.rows, "subquery")
        parent = query.parent
        while isinstance(parent, exp.Subquery):
            parent = parent.parent
        if isinstance(parent, exp.Exists):
            # What EXISTS tells is which rows there are; what they hold is not asked.
            return Column({}, rows)
        if not made.columns or None in made.columns.values():
            raise _Untraceable
        found = all_of(one for one in made.columns.values() if one)
        return Column(
            _done(found.direct, "subquery"),
            merged(found.indirect, _done(rows, LOOKUP)),
            found.is_row_id,
        )


def _tables(scope: Scope) -> dict[str, tuple[Any, Any]]:
    """Return name → node and source of every table in a query's FROM and joins.

    Those of semi and anti joins too: their columns decide rows.
    """
    return {
        name: (node, scope.sources[name])
        for name, node in scope.references
        if name in scope.sources
    }


def _both(first: Column | None, second: Column | None) -> Column | None:
    return None if first is None or second is None else both(first, second)


def _united(first: Column | None, second: Column | None) -> Column | None:
    """Return a column of a UNION, noting where only one side is made of columns."""
    found = _both(first, second)
    if found is None or first is None or second is None:
        return None
    if bool(first.direct) == bool(second.direct):
        return found
    return replace(found, direct=_done(found.direct, "constant"))


def _asked_of(sides: Iterable[Column | None]) -> tuple[Column, ...]:
    """Return what is asked, without what says nothing of one row; () if that is all."""
    found = [
        Column(
            {
                key: step
                for key, step in side.direct.items()
                if not all(_says_little(way) for way in step.ways)
            }
        )
        for side in sides
        if side is not None
    ]
    return (*found,) if any(one.direct for one in found) else ()


def _says_little(way: Way) -> bool:
    return "coded" in way or any(one.startswith("count@") for one in way)


def _done(steps: Steps, how: str | None, protection: str | None = None) -> Steps:
    return {key: step.then(how, protection) for key, step in steps.items()}


def _steps(column: Column) -> Steps:
    return merged(column.direct, without_lookup(column.indirect))


def _over_groups(
    inner: Column, grouping: int, how: str, protection: str | None
) -> Column:
    """Return a value that stands once for each group of a GROUP BY."""
    token = f"{protection}@{grouping}" if protection else None
    return Column(
        _done(inner.direct, how, token),
        _done(inner.indirect, None, f"rows@{grouping}"),
        inner.is_row_id,
    )
