"""What an expression does to what it is made of, in SQL: bands, months, comparisons.

Small questions about one expression or one query, asked while columns are followed
(`lineage_tracing`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp
from sqlglot.optimizer.scope import walk_in_scope

from edp_platform.governance.column_lineage import (
    Steps,
)

_COARSE_UNITS = frozenset({"MONTH", "QUARTER", "YEAR", "DECADE", "CENTURY"})

#: Parts of a moment that come again and again, and so single nobody out.
_CYCLES = frozenset({"HOUR", "DOW", "ISODOW", "DAYOFWEEK", "WEEK", "DAY"})

#: A CASE of more labels than this could name every value.
MOST_LABELS = 50

#: A band of numbers is at least as wide as this.
_LEAST_BAND = 5

_COMPARISONS = (exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between)


def parts_of(condition: exp.Expr) -> Iterator[exp.Expr]:
    """Yield what a condition asks, each part by itself."""
    inner = condition.this if isinstance(condition, exp.Where) else condition
    if isinstance(inner, exp.Paren):
        yield from parts_of(inner.this)
    elif isinstance(inner, exp.And):
        yield from parts_of(inner.left)
        yield from parts_of(inner.right)
    else:
        yield inner


def columns_in(condition: exp.Expr) -> Iterator[exp.Column]:
    """Yield the columns of a condition, child queries aside."""
    for node in walk_in_scope(condition):
        if isinstance(node, exp.Column) and not node.is_star:
            yield node


def unwrapped(node: exp.Expr) -> exp.Expr:
    """Return an aggregate without its FILTER, IGNORE NULLS and RESPECT NULLS."""
    while isinstance(node, exp.Filter | exp.IgnoreNulls | exp.RespectNulls):
        node = node.this
    return node


def in_a_word(node: exp.Expr, kinds: Sequence[str], parts: Steps) -> str:
    """Return what an expression does to its parts, for people.

    "computed" matters to bands (what was multiplied before it was divided is no band)
    and to identities (one that was computed links nothing).
    """
    if isinstance(node, exp.Cast):
        return "cast"
    if "month_of" in kinds:
        return "month"
    if "divided" in kinds and isinstance(node, exp.IntDiv):
        return "band"
    # The division within floor(x / 10), and what is done to a band afterwards.
    is_inside = isinstance(node, exp.Div) and isinstance(node.parent, exp.Floor)
    is_after = all("divided" in way for step in parts.values() for way in step.ways)
    if "divided" in kinds or (is_inside and _is_wide(node.expression)) or is_after:
        return "band"
    if isinstance(node, exp.DateDiff) and node.text("unit").upper() == "YEAR":
        return "years"
    return "computed"


def coarser_kinds(node: exp.Expr) -> Iterator[str]:
    """Yield what an expression does to its parts that makes them coarser."""
    if isinstance(node, exp.Predicate):
        yield "coded"
        # A value that is compared with none that is written down singles nobody out.
        if isinstance(node, exp.Is) or node.find(exp.Literal) is None:
            yield "blind"
    if isinstance(node, exp.TimestampTrunc | exp.DateTrunc | exp.DatetimeTrunc):
        unit = node.args.get("unit")
        name = unit.name.upper() if unit is not None else ""
        if name in _COARSE_UNITS:
            yield "month_of"
        elif name in ("DAY", "WEEK"):
            yield "day_of"
    elif isinstance(node, exp.Cast):
        if node.is_type(exp.DType.DATE):
            yield "day_of"
    elif isinstance(node, exp.Year | exp.Quarter | exp.Month | exp.LastDay):
        yield "month_of"
    elif isinstance(node, exp.Extract):
        if node.name.upper() in _COARSE_UNITS:
            yield "month_of"
        elif node.name.upper() in _CYCLES:
            yield "coded"
    elif isinstance(node, exp.Hour | exp.DayOfWeek | exp.DayOfWeekIso):
        yield "coded"
    elif isinstance(node, exp.IntDiv):
        if _is_wide(node.expression):
            yield "divided"
    elif isinstance(node, exp.Floor):
        inner = node.this.unnest()
        if isinstance(inner, exp.Div) and _is_wide(inner.expression):
            yield "divided"
    elif isinstance(node, exp.SplitPart):
        part = node.args.get("part_index")
        is_first = part is not None and part.name == "1"
        # Of the column as it is: what was replaced in it first may hold no blank.
        is_bare = isinstance(node.this, exp.Column)
        if node.args["delimiter"].name == " " and is_first and is_bare:
            yield "outward"  # the first half of a postcode


def _is_wide(divisor: exp.Expr) -> bool:
    return divisor.is_number and float(divisor.name or 0) >= _LEAST_BAND


def is_constant(value: exp.Expr) -> bool:
    """Whether a value is made of no column and no query."""
    return value.find(exp.Column, exp.Star, *exp.UNWRAPPED_QUERIES) is None


def is_range(test: exp.Expr) -> bool:
    """Whether a condition asks only in which range of constants a column lies."""
    if isinstance(test, exp.Paren | exp.Not):
        return is_range(test.this)
    if isinstance(test, exp.And | exp.Or):
        return is_range(test.left) and is_range(test.right)
    if isinstance(test, exp.Is):
        return isinstance(test.expression, exp.Null | exp.Not)
    if not isinstance(test, _COMPARISONS):
        return False
    sides = [one for one in test.iter_expressions() if not is_constant(one)]
    return len(sides) == 1


def aggregates_in(query: exp.Select) -> Iterator[exp.Expr]:
    """Yield the aggregates of a query that are not windows, child queries aside."""
    asked = [*query.selects, query.args.get("having"), query.args.get("qualify")]
    if query.args.get("order"):
        asked.append(query.args["order"])
    for one in asked:
        if one is None:
            continue
        for node in walk_in_scope(one):
            if not isinstance(node, exp.AggFunc):
                continue
            above = node.parent
            while isinstance(above, exp.Filter | exp.IgnoreNulls | exp.RespectNulls):
                above = above.parent
            if not (isinstance(above, exp.Window) and unwrapped(above.this) is node):
                yield node


def group_keys(query: exp.Select, group: exp.Expr) -> Iterator[exp.Expr]:
    """Yield what a query groups by, each expression by itself."""
    if group.args.get("all"):
        for one in query.selects:
            value = one.unalias()
            # A function that sqlglot does not know may be an aggregate.
            unknown = value.find(exp.Anonymous) is not None
            if not unknown and not any(
                isinstance(node, exp.AggFunc) for node in walk_in_scope(value)
            ):
                yield value
        return
    waiting = [*group.iter_expressions()]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, exp.Rollup | exp.Cube | exp.GroupingSets | exp.Tuple):
            waiting += one.iter_expressions()
        else:
            yield one.unnest()


def width_of(query: exp.Expr) -> int:
    """Return how many columns a query selects."""
    return len(query.selects) if isinstance(query, exp.Query) else 0
