"""What in a query can pick single rows, read off its syntax alone.

A GROUP BY protects because many people stand in a group. It does not when the rows
were picked one by one before they were summed: by a condition on an identifier, a
limit, a numbered row, one value out of many. This module finds every such place and
judges none: `column_rules` does, which knows what identifies people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.optimizer.scope import walk_in_scope

from edp_platform.governance.column_lineage import HANDED_ON, LINK, RANGE, ROWS, TEST

_Parts = tuple[exp.Expr, ...]
_CONNECTORS = (exp.And, exp.Or, exp.Not, exp.Paren, exp.Xor)
_EQUALITIES = (exp.EQ, exp.NullSafeEQ)
_RANGES = (exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between)
#: Judged by what stands inside the query that they ask.
_OF_QUERIES = (exp.Exists, exp.Any, exp.All)
_COUNTS = (exp.Count, exp.ApproxDistinct)
_MODIFIERS = (exp.Filter, exp.IgnoreNulls, exp.RespectNulls, exp.WithinGroup)
_PLACES: dict[type[exp.Expr], str] = {
    exp.Case: "CASE",
    exp.If: "CASE",
    exp.Join: "JOIN",
    exp.Where: "WHERE",
    exp.Having: "HAVING",
    exp.Qualify: "QUALIFY",
    exp.Group: "GROUP BY",
}


@dataclass(frozen=True)
class Asked:
    """One place that can pick rows.

    Attributes:
        how: what it is in SQL, for people.
        kind: as in `column_lineage.Pick`.
        sides: the expressions that are asked.
        per: of ROWS, those for each of whose values a row is kept.
        is_late: it picks from what the query makes, which may be groups, and not from
            the rows that it reads.
    """

    how: str
    kind: str
    sides: _Parts = ()
    per: _Parts = ()
    is_late: bool = False


def asked_by(
    query: exp.Query,
    of_groups: frozenset[type[exp.Expr]],
    row_ids: frozenset[str],
) -> Iterator[Asked]:
    """Yield every place of a query, child queries aside, that can pick rows.

    Args:
        query: with its columns qualified.
        of_groups: the aggregates that hand on no row's value.
        row_ids: the functions that tell any two rows apart.
    """
    for name in ("limit", "offset"):
        if query.args.get(name):
            yield Asked(name.upper(), ROWS, is_late=True)
    if isinstance(query, exp.SetOperation):
        return
    distinct = query.args.get("distinct")
    if distinct is not None and distinct.args.get("on"):
        on = distinct.args["on"]
        yield Asked("DISTINCT ON", ROWS, per=(*on.iter_expressions(),), is_late=True)
    for node in walk_in_scope(query):
        if isinstance(node, exp.TableSample):
            yield Asked("SAMPLE", ROWS)
        elif isinstance(node, exp.Window):
            yield from _window(query, node, of_groups)
        elif isinstance(node, _COUNTS):
            sides = [*node.iter_expressions()]
            if isinstance(node.this, exp.Distinct):
                sides = [*node.this.expressions]
            yield from (
                Asked("count", LINK, (one,))
                for one in sides
                if not isinstance(one, exp.Star)
            )
        elif isinstance(node, exp.AggFunc) and type(node) not in of_groups:
            if not _is_windowed(node):
                yield Asked(_name(node), HANDED_ON, (*node.iter_expressions(),))
        elif _name(node) in row_ids and not _is_windowed(node):
            yield Asked(f"{_name(node)}()", ROWS)
        elif isinstance(node, exp.Predicate | exp.Nullif):
            yield from _predicate(node)
        yield from _conditions(node)


def _conditions(node: exp.Expr) -> Iterator[Asked]:
    """Yield what a clause asks that is no predicate: a flag, a function, an operand."""
    asked: exp.Expr | None = None
    if isinstance(node, exp.Where | exp.Having | exp.Qualify | exp.CountIf):
        asked = node.this
    elif isinstance(node, exp.Join):
        asked = node.args.get("on")
        if node.args.get("method") == "ASOF":
            yield Asked("ASOF JOIN", ROWS, per=(*_equated(asked),))
    elif isinstance(node, exp.Case) and node.this is not None:
        labels = [one.this for one in node.args["ifs"]]
        yield Asked("CASE", TEST, (node.this, *labels))
    elif isinstance(node, exp.If) and not _has_operand(node.parent):
        asked = node.this
    waiting = [asked] if asked is not None else []
    while waiting:
        one = waiting.pop()
        if isinstance(one, _CONNECTORS):
            waiting += one.iter_expressions()
        elif not isinstance(one, exp.Predicate | exp.Nullif):
            yield Asked(_place(one), TEST, (one,))


def _has_operand(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Case) and node.this is not None


def _predicate(node: exp.Expr) -> Iterator[Asked]:
    if isinstance(node, _OF_QUERIES):
        return
    how, sides = _place(node), (*node.iter_expressions(),)
    if isinstance(node, exp.Nullif):
        if not takes_blank_as_missing(node):
            yield Asked(how, LINK, sides)
    elif isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
        yield Asked(how, LINK, (node.this,))
    elif isinstance(node, _EQUALITIES) or (
        isinstance(node, exp.In) and node.args.get("query")
    ):
        # `= any (select …)` is `in (select …)`.
        yield Asked(
            how,
            LINK,
            tuple(one.this if isinstance(one, exp.Any) else one for one in sides),
        )
    else:
        yield Asked(how, RANGE if isinstance(node, _RANGES) else TEST, sides)


def takes_blank_as_missing(node: exp.Expr) -> bool:
    """Whether an expression is `nullif(x, '')`, which picks nobody."""
    if not isinstance(node, exp.Nullif):
        return False
    return bool(node.expression.is_string) and not node.expression.name.strip()


def _window(
    query: exp.Query, node: exp.Window, of_groups: frozenset[type[exp.Expr]]
) -> Iterator[Asked]:
    """Yield a window that tells rows apart: one in an order, or that hands a value on."""
    framed = [node]
    if node.args.get("alias") is not None:
        name = node.args["alias"].name
        framed += [one for one in query.args.get("windows") or [] if one.name == name]
    called = node.this
    while isinstance(called, _MODIFIERS):
        called = called.this
    is_ordered = any(one.args.get("order") or one.args.get("spec") for one in framed)
    if type(called) in of_groups and not is_ordered:
        return
    per = [key for one in framed for key in one.args.get("partition_by") or []]
    yield Asked(f"{_name(called)}() OVER", ROWS, per=(*per,), is_late=True)


def _is_windowed(node: exp.Expr) -> bool:
    above = node.parent
    while isinstance(above, _MODIFIERS):
        above = above.parent
    return isinstance(above, exp.Window) and node.find_ancestor(exp.Window) is above


def _equated(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    for one in condition.find_all(*_EQUALITIES) if condition else ():
        yield from one.iter_expressions()


def _place(node: exp.Expr) -> str:
    above = node.find_ancestor(*_PLACES, exp.Query)
    if isinstance(above, exp.Where) and isinstance(above.parent, exp.Filter):
        return "FILTER"
    return _PLACES.get(type(above), "SELECT") if above is not None else "SELECT"


def _name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
        return str(node.name).lower()
    return node.sql_name().lower() if isinstance(node, exp.Func) else ""
