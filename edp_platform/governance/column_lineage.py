"""What is known of where columns come from: plain records, and how they are joined up.

Belongs here: the lineage of each relation from those it reads (`Lineage`), its JSON,
and the walk over many relations to the columns that contracts describe (`Origins`).
Does not belong here: SQL. `lineage_tracing` reads it; this module does not import the
parser, because a run whose SQL has not changed never needs it.

A *step* leads from one column to another that is made of it (direct lineage), or whose
rows it decides (indirect: filters, joins, groups, orders, windows). Each step says in
words how it was made, and carries its *protections*: for every way the value takes, the
set of what stands between the two, such as a sum over the query's own GROUP BY. The
rules of `column_rules` judge by these; a way with nothing on it is the value itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from itertools import groupby
from typing import Any

#: Schema and table: the key of the Dagster asset, too.
Relation = tuple[str, str]
#: Schema, table and column.
ColumnKey = tuple[str, str, str]
#: The protections met on one way from a column to another.
Way = frozenset[str]

#: Stands for columns whose names the SQL does not tell, and for a relation's rows.
UNNAMED = "*"
#: The schema of the raw lake, whose tables are the data sets under contract.
RAW = "raw"

#: How a value was made that a join found by another column: it says what that one says.
LOOKUP = "lookup"

#: How rows, and values beside their own making, are decided.
INDIRECT = frozenset(
    {"filter", "join", "group", "order", "window", "unnest", "subquery", LOOKUP}
)

_OPEN: frozenset[Way] = frozenset([frozenset()])
#: More ways than this between two columns are judged as if nothing protected them.
_MOST_WAYS = 512


@dataclass(frozen=True, slots=True)
class Step:
    """How one column, or the rows of one relation, reach another column.

    Attributes:
        how: what was done, in words, such as "sum" or "join"; empty for a plain copy.
        ways: the protections on each way the value takes, the least protected only.
    """

    how: frozenset[str] = frozenset()
    ways: frozenset[Way] = _OPEN

    def also(self, other: Step) -> Step:
        """Return this step and another between the same two columns."""
        if self == other:
            return self
        return Step(self.how | other.how, least(self.ways | other.ways))

    def then(self, how: str | None, protection: str | None = None) -> Step:
        """Return this step with one thing more done to the value."""
        words = self.how | {how} if how else self.how
        if protection is None:
            return Step(words, self.ways)
        return Step(words, least(way | {protection} for way in self.ways))

    def after(self, earlier: Step) -> Step:
        """Return the step that `earlier` and then this one make together."""
        return Step(earlier.how | self.how, _one_after(earlier.ways, self.ways))


def least(ways: Iterable[Way]) -> frozenset[Way]:
    """Return the ways that no other way of them is a part of: the least protected."""
    return _least(frozenset(ways))


@lru_cache(maxsize=100_000)
def _one_after(first: frozenset[Way], then: frozenset[Way]) -> frozenset[Way]:
    if first == _OPEN:
        return then
    return least(one | other for one in first for other in then)


# A measure is made of many marts, and the same hundreds of ways meet again and again.
@lru_cache(maxsize=100_000)
def _least(ways: frozenset[Way]) -> frozenset[Way]:
    if len(ways) < 2:
        return ways
    found: set[Way] = set()
    shorter: list[Way] = []
    for _, alike in groupby(sorted(ways, key=len), key=len):
        # Of two different ways of one length neither is a part of the other.
        kept = [way for way in alike if not any(one <= way for one in shorter)]
        shorter += kept
        found.update(kept)
    return _OPEN if len(found) > _MOST_WAYS else frozenset(found)


#: Column → the step from it.
Steps = dict[ColumnKey, Step]


def merged(*many: Mapping[ColumnKey, Step]) -> Steps:
    """Return the steps of all of these."""
    found: Steps = {}
    for steps in many:
        for key, step in steps.items():
            found[key] = found[key].also(step) if key in found else step
    return found


def without_lookup(steps: Steps) -> Steps:
    """Return the steps of what only decides rows: there nothing is looked up."""
    return {
        key: Step(step.how - {LOOKUP}, step.ways) if LOOKUP in step.how else step
        for key, step in steps.items()
    }


def only_lookup(steps: Steps) -> Steps:
    """Return the steps by which something was looked up."""
    return {key: step for key, step in steps.items() if LOOKUP in step.how}


@dataclass(frozen=True)
class Column:
    """One column of a relation.

    Attributes:
        direct: the parents' columns that its value is made of.
        indirect: those that decide it otherwise and are particular to this column,
            such as what a window is ordered by. What decides the rows of the whole
            relation stands in `Traced.rows`.
        is_row_id: it tells rows apart whatever it is made of, as `row_number()` does.
    """

    direct: Steps = field(default_factory=dict)
    indirect: Steps = field(default_factory=dict)
    is_row_id: bool = False


#: What a `Pick` is: an equality or `is null`, of which each side should identify; a
#: comparison by size; any other condition; one that takes rows as they come; an
#: aggregate that hands on the value of one row.
LINK, RANGE, TEST, ROWS, HANDED_ON = "link", "range", "test", "rows", "handed on"


@dataclass(frozen=True)
class Pick:
    """A place in a query that may pick single rows out of those it reads.

    Attributes:
        how: what it is in SQL, such as "WHERE" or "LIMIT".
        kind: LINK, RANGE, TEST, ROWS or HANDED_ON.
        sides: what is asked; of a comparison, each side.
        per: what a row is kept for each value of.
        rows: of ROWS, the relations that it picks from, as `*`, with what was grouped.
    """

    how: str
    kind: str
    sides: tuple[Column, ...] = ()
    per: tuple[Column, ...] = ()
    rows: Steps = field(default_factory=dict)


@dataclass(frozen=True)
class Grouping:
    """One GROUP BY, which protections name by its number.

    Attributes:
        keys: what its groups are of.
        picks: the places beneath it that may pick rows, by their number.
        reads: the relations beneath it.
    """

    keys: tuple[Column, ...] = ()
    picks: tuple[int, ...] = ()
    reads: tuple[Relation, ...] = ()


@dataclass(frozen=True)
class Traced:
    """The lineage of one relation.

    Attributes:
        columns: in the order of the SQL, in lower case.
        rows: what decides which rows there are; a column named `*` stands for whatever
            decides the rows of that parent.
        groupings: its GROUP BYs; `sum@0` is a sum over the first.
        picks: the places in it that may pick single rows.
        reads: every relation it names.
        untraced: columns whose origin is not known; `*` for those without a name.
        faults: what the SQL does that cannot be followed, in words.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    rows: Steps = field(default_factory=dict)
    groupings: tuple[Grouping, ...] = ()
    picks: tuple[Pick, ...] = ()
    reads: tuple[Relation, ...] = ()
    untraced: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    @classmethod
    def unknown(cls, *faults: str) -> Traced:
        """Return the lineage that says that nothing is known."""
        return cls(untraced=(UNNAMED,), faults=faults)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON, which `from_json` reads."""
        return {
            "columns": {
                name: _column_json(column) for name, column in self.columns.items()
            },
            "rows": _steps_json(self.rows),
            "groupings": [
                [[_column_json(key) for key in one.keys], one.picks, one.reads]
                for one in self.groupings
            ],
            "picks": [_pick_json(one) for one in self.picks],
            "reads": [list(one) for one in self.reads],
            "untraced": list(self.untraced),
            "faults": list(self.faults),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Traced:
        """Return what `as_json` wrote."""
        return cls(
            columns={
                name: _column_of(column) for name, column in told["columns"].items()
            },
            rows=_steps_of(told["rows"]),
            groupings=tuple(
                Grouping(
                    tuple(_column_of(key) for key in keys),
                    tuple(picks),
                    tuple((schema, name) for schema, name in reads),
                )
                for keys, picks, reads in told["groupings"]
            ),
            picks=tuple(_pick_of(one) for one in told["picks"]),
            reads=tuple((schema, name) for schema, name in told["reads"]),
            untraced=tuple(told["untraced"]),
            faults=tuple(told["faults"]),
        )


#: What every relation derives from, by relation.
Lineage = dict[Relation, Traced]


def untraced(lineage: Mapping[Relation, Traced], relation: Relation) -> tuple[str, ...]:
    """Return the columns of a relation whose origin is unknown (`*`: all of them)."""
    found = lineage.get(relation)
    return (UNNAMED,) if found is None else found.untraced


def parents_of(
    lineage: Mapping[Relation, Traced], relation: Relation
) -> dict[str, list[ColumnKey]]:
    """Return column → the parents' columns it is made of, sorted."""
    found = lineage.get(relation)
    columns = found.columns if found else {}
    return {name: sorted(column.direct) for name, column in columns.items()}


@dataclass(frozen=True)
class Reached:
    """The columns of data sets that a column derives from.

    Attributes:
        direct: those its value is made of.
        indirect: those that decide it otherwise, rows included.
    """

    direct: Steps
    indirect: Steps


class Origins:
    """The lineage joined up: from any column to columns of the data sets.

    Args:
        lineage: of every relation above the raw lake.
    """

    def __init__(self, lineage: Mapping[Relation, Traced]) -> None:
        self.lineage = lineage
        self._reached: dict[ColumnKey, Reached] = {}
        self._rows: dict[Relation, Steps] = {}

    def of(self, key: ColumnKey) -> Reached:
        """Return what a column derives from; itself where no relation here makes it."""
        found = self._reached.get(key)
        if found is None:
            # Something to answer with should a relation read itself.
            self._reached[key] = Reached({}, {})
            found = self._reached[key] = self._of(key)
        return found

    def rows_of(self, relation: Relation) -> Steps:
        """Return the columns of data sets that decide which rows a relation has."""
        found = self._rows.get(relation)
        if found is None:
            self._rows[relation] = {}
            traced = self.lineage.get(relation)
            steps = numbered(traced.rows, relation) if traced else {}
            found = self._rows[relation] = self._all_of(steps)
        return found

    def column(self, column: Column, relation: Relation) -> Reached:
        """Return what a column record of a relation derives from, its rows aside."""
        direct = numbered(column.direct, relation)
        indirect = self._all_of(numbered(column.indirect, relation))
        return Reached(
            self._through(direct, lambda parent: parent.direct),
            merged(indirect, self._through(direct, lambda parent: parent.indirect)),
        )

    def _of(self, key: ColumnKey) -> Reached:
        relation = key[:2]
        traced = self.lineage.get(relation)
        if traced is None:
            return Reached({key: Step()}, {})
        column = traced.columns.get(key[2])
        if column is None:
            return Reached({}, {})
        found = self.column(column, relation)
        return Reached(found.direct, merged(found.indirect, self.rows_of(relation)))

    def _through(self, steps: Steps, part: Any) -> Steps:
        return merged(
            *(_after(step, part(self.of(parent))) for parent, step in steps.items())
        )

    def _all_of(self, steps: Steps) -> Steps:
        """Return everything that these parents, or rows of parents, derive from."""
        found: list[Steps] = []
        for parent, step in steps.items():
            plain = Step(step.how - {LOOKUP}, step.ways)
            if parent[2] == UNNAMED:
                found.append(_after(plain, self.rows_of(parent[:2])))
                continue
            reached = self.of(parent)
            found.append(_after(step, reached.direct))
            # What the parent was itself looked up by, this one was too; what decided
            # the parent's rows did no more than that.
            looked_up = only_lookup(reached.indirect)
            others = {
                key: one
                for key, one in reached.indirect.items()
                if key not in looked_up
            }
            is_lookup = LOOKUP in step.how
            chained = looked_up if is_lookup else without_lookup(looked_up)
            found += [_after(plain, chained), _after(plain, others)]
        return merged(*found)

    def path(self, start: ColumnKey, end: ColumnKey) -> list[tuple[ColumnKey, str]]:
        """Return one shortest way from a data set's column to a column made of it.

        Returns:
            (column, how the step to it was made) from `start` to `end`, direct steps
            preferred; empty where there is no way.
        """
        came: dict[ColumnKey, tuple[ColumnKey, str]] = {}
        for is_direct in (True, False):
            came = {}
            waiting = [end]
            while waiting:
                following: list[ColumnKey] = []
                for key in waiting:
                    for parent, how in self._steps_to(key, is_direct):
                        if parent not in came and parent != end:
                            came[parent] = (key, how)
                            following.append(parent)
                waiting = [] if start in came else following
            if start in came:
                break
        if start not in came:
            return []
        walked, key = [(start, "")], start
        while key != end:
            key, how = came[key]
            if key[2] != UNNAMED:
                walked.append((key, how))
        return walked

    def _steps_to(self, key: ColumnKey, is_direct: bool) -> list[tuple[ColumnKey, str]]:
        traced = self.lineage.get(key[:2])
        if traced is None:
            return []
        column = traced.columns.get(key[2])
        steps: list[Steps] = [column.direct] if column else []
        if not is_direct:
            steps += [column.indirect] if column else []
            steps += [traced.rows]
        return [
            (parent, in_words(step)) for one in steps for parent, step in one.items()
        ]


def _after(step: Step, earlier: Steps) -> Steps:
    return {key: step.after(one) for key, one in earlier.items()}


def in_words(step: Step) -> str:
    """Return how a step was made, for people."""
    return ", ".join(sorted(step.how)) or "as it is"


def numbered(steps: Steps, relation: Relation) -> Steps:
    """Return steps whose protections say which relation's GROUP BY they name."""
    prefix = f"@{relation[0]}.{relation[1]}#"

    def placed(way: Way) -> Way:
        return frozenset(one.replace("@", prefix, 1) for one in way)

    return {
        key: step
        if step.ways == _OPEN
        else Step(step.how, frozenset(placed(way) for way in step.ways))
        for key, step in steps.items()
    }


def grouping_of(protection: str) -> tuple[Relation, int] | None:
    """Return the GROUP BY that a protection names, as its relation and number."""
    _, found, place = protection.partition("@")
    if not found:
        return None
    schema_and_table, _, number = place.partition("#")
    schema, _, table = schema_and_table.partition(".")
    return (schema, table), int(number)


def _steps_json(steps: Steps) -> list[Any]:
    return [
        [*key, sorted(step.how), sorted(sorted(way) for way in step.ways)]
        for key, step in steps.items()
    ]


def _steps_of(told: list[Any]) -> Steps:
    return {
        (schema, table, name): Step(
            frozenset(how), frozenset(frozenset(way) for way in ways)
        )
        for schema, table, name, how, ways in told
    }


def _column_json(column: Column) -> list[Any]:
    return [
        _steps_json(column.direct),
        _steps_json(column.indirect),
        column.is_row_id,
    ]


def _column_of(told: list[Any]) -> Column:
    return Column(_steps_of(told[0]), _steps_of(told[1]), told[2])


def _pick_json(pick: Pick) -> list[Any]:
    return [
        pick.how,
        pick.kind,
        [_column_json(one) for one in pick.sides],
        [_column_json(one) for one in pick.per],
        _steps_json(pick.rows),
    ]


def _pick_of(told: list[Any]) -> Pick:
    how, kind, sides, per, rows = told
    return Pick(
        how,
        kind,
        tuple(_column_of(one) for one in sides),
        tuple(_column_of(one) for one in per),
        _steps_of(rows),
    )


def both(first: Column, second: Column) -> Column:
    """Return a column made of two."""
    return Column(
        merged(first.direct, second.direct),
        merged(first.indirect, second.indirect),
        first.is_row_id or second.is_row_id,
    )


def all_of(columns: Iterable[Column]) -> Column:
    """Return a column made of all of these."""
    return reduce(both, columns, Column())
