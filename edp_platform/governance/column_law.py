"""What contracts say of columns, carried along the lineage to whatever is made of them.

`ColumnLaw` tells of any column of any model or product which governed columns of data
sets reach it, how, and whether what stands between makes groups of many people of them.
What follows from that is judged by `column_rules`.

Pure: lineage and contracts in, facts out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from edp_platform.contracts import Contract
from edp_platform.contracts.model import Column as ContractColumn
from edp_platform.governance.column_lineage import (
    HANDED_ON,
    LINK,
    LOOKUP,
    RANGE,
    RAW,
    ROWS,
    UNNAMED,
    ColumnKey,
    Grouping,
    Origins,
    Pick,
    Reached,
    Relation,
    Step,
    Steps,
    Traced,
    Way,
    grouping_of,
    numbered,
)

#: From the least to the most protected by law.
CLASSIFICATIONS = (
    "public",
    "official",
    "personal",
    "special-category",
    "criminal-offence",
)
_GOVERNED = frozenset(CLASSIFICATIONS[2:])
MOMENTS = frozenset({"date", "timestamp"})
#: Types whose values are so many that each row may be a group of its own.
CONTINUOUS = frozenset({"timestamp", "number"})
COARSE = frozenset({"coded", "banded", "divided", "month_of", "day_of", "outward"})
#: What makes even an identifier coarse.
_COARSEST = frozenset({"coded", "banded", "divided", "outward"})
#: What leaves an identity what it was, so that two of them may be linked.
_LINKING = frozenset(
    {
        "cast", "combined", "group key", "window",
        "any_value", "arg_max", "arg_min", "first", "last", "max", "min",
    }
)  # fmt: skip
#: What a row is told apart by, beside what contracts call an identifier.
_LINE = "source_line"


@dataclass(frozen=True)
class Judged:
    """One governed column of a data set, as it reaches a column that is judged.

    Attributes:
        key: the data set's column.
        column: what its contract says of it.
        step: how it reaches the column that is judged.
        is_direct: whether the value is made of it.
        value: all that the value is made of.
    """

    key: ColumnKey
    column: ContractColumn
    step: Step
    is_direct: bool
    value: frozenset[ColumnKey] = frozenset()


class ColumnLaw:
    """What contracts say, carried along the lineage.

    Args:
        origins: the lineage, joined up.
        contracts: data set → its contract.
    """

    def __init__(self, origins: Origins, contracts: Mapping[str, Contract]) -> None:
        self.origins = origins
        self.contracts = contracts
        self._many: dict[tuple[Relation, int], bool] = {}
        self._picked: dict[tuple[Relation, int], str | None] = {}
        self._picks: dict[Relation, str | None] = {}

    def column(self, key: ColumnKey) -> ContractColumn | None:
        """Return a data set's column; None for one that ingestion adds."""
        contract = self.contracts.get(key[1]) if key[0] == RAW else None
        if contract is None or key[2] not in contract.column_names:
            return None
        return contract.column(key[2])

    def classification(self, key: ColumnKey) -> str:
        """Return the highest classification of all that a column derives from."""
        reached = self.origins.of(key)
        held = [self._class_of(one) for one in (*reached.direct, *reached.indirect)]
        return max(held, key=CLASSIFICATIONS.index, default="public")

    def value_classification(self, key: ColumnKey) -> str:
        """Return the highest classification of what a column's value says.

        What it is made of, and what it was looked up by, unless that is an identity: a
        record found by its number says what the record holds, not the number.
        """
        reached = self.origins.of(key)
        looked_up = [
            one
            for one, step in reached.indirect.items()
            if LOOKUP in step.how
            and (column := self.column(one)) is not None
            and not self.identifies(one, column)
        ]
        held = [self._class_of(one) for one in (*reached.direct, *looked_up)]
        return max(held, key=CLASSIFICATIONS.index, default="public")

    def _class_of(self, key: ColumnKey) -> str:
        column = self.column(key)
        stated = column.classification if column else None
        return stated if stated in CLASSIFICATIONS else "public"

    def governed(self, reached: Reached) -> Iterator[Judged]:
        """Yield the personal and sensitive columns that something derives from."""
        for steps, is_direct in ((reached.direct, True), (reached.indirect, False)):
            for key, step in steps.items():
                column = self.column(key)
                if column is not None and column.classification in _GOVERNED:
                    yield Judged(
                        key, column, step, is_direct, frozenset(reached.direct)
                    )

    def is_safe(self, protection: str) -> bool:
        """Whether a protection is over a GROUP BY in whose groups many people stand.

        Its keys do not tell rows apart, and nothing beneath it picked single rows.
        """
        return self._is_of_many(protection) and self.picked(protection) is None

    def _is_of_many(self, protection: str) -> bool:
        place = grouping_of(protection)
        if place is None:
            return False
        if place not in self._many:
            self._many[place] = False  # until known, and where it asks of itself
            self._many[place] = self._has_wide_keys(*place)
        return self._many[place]

    def _has_wide_keys(self, relation: Relation, number: int) -> bool:
        grouping = self._grouping(relation, number)
        return grouping is not None and not any(
            key.is_row_id or self._is_row_id(self.origins.column(key, relation))
            for key in grouping.keys
        )

    def _grouping(self, relation: Relation, number: int) -> Grouping | None:
        traced = self.origins.lineage.get(relation)
        if traced is None or number >= len(traced.groupings):
            return None
        return traced.groupings[number]

    def picked(self, protection: str) -> str | None:
        """Return what picks single people beneath a GROUP BY, and where; None: nothing.

        An identifier may link: an equality of two identifiers of data sets, as a join
        or as IN, `is null`, a count, one row for each of its values. A condition of
        any other kind on it picks its people, because what stands on the other side
        is written down, numbered or generated. So does what takes rows of people as
        they come: a limit, a sample, a numbered row, somebody's value handed on.
        """
        place = grouping_of(protection)
        if place is None:
            return None
        if place not in self._picked:
            relation, number = place
            grouping = self._grouping(relation, number) or Grouping()
            self._picked[place] = self._first_of(
                relation, grouping.picks, grouping.reads
            )
        return self._picked[place]

    def picked_rows(self, relation: Relation) -> str | None:
        """Return what picked the people whose groups a relation's rows are."""
        traced = self.origins.lineage.get(relation, Traced())
        above = {key: one for key, one in traced.rows.items() if key[2] == UNNAMED}
        for key, step in numbered(above, relation).items():
            tokens = sorted({one for way in step.ways for one in way})
            found = next((what for one in tokens if (what := self.picked(one))), None)
            if found is None and key[0] != RAW:
                found = self.picked_rows(key[:2])
            if found is not None:
                return found
        return None

    def _picked_in(self, relation: Relation) -> str | None:
        """Return what picks single people in a relation or in one that it reads."""
        if relation not in self._picks:
            self._picks[relation] = None
            traced = self.origins.lineage.get(relation, Traced())
            self._picks[relation] = self._first_of(
                relation, range(len(traced.picks)), traced.reads
            )
        return self._picks[relation]

    def _first_of(
        self, relation: Relation, picks: Iterable[int], reads: Iterable[Relation]
    ) -> str | None:
        traced = self.origins.lineage.get(relation, Traced())
        for number in picks:
            pick = traced.picks[number]
            what = self._picks_by(pick, relation)
            if what is not None:
                return f"{what} ({pick.how} in {relation[1]})"
        for one in reads:
            found = self._picked_in(one) if one != relation else None
            if found is not None:
                return found
        return None

    def _picks_by(self, pick: Pick, relation: Relation) -> str | None:
        """Return what a place picks single people by; None where it does not."""
        if pick.kind in (ROWS, HANDED_ON) and any(
            self._links(self.origins.column(one, relation)) for one in pick.per
        ):
            return None  # one row for each person, and so everybody
        if pick.kind == ROWS:
            rows = numbered(pick.rows, relation)
            return next((f"rows of {one[1]}" for one in self._people_of(rows)), None)
        sides = [self.origins.column(one, relation) for one in pick.sides]
        if pick.kind == HANDED_ON:
            return next((shown(one) for one in self._values_of(sides)), None)
        asked = [key for side in sides for key in self._identities(side)]
        if not asked:
            return None
        if pick.kind == LINK and all(map(self._links, sides)):
            return None
        if pick.kind == RANGE:
            asked = [key for key in asked if not self._is_aged(pick, key, sides)]
        return shown(asked[0]) if asked else None

    def _values_of(self, sides: Iterable[Reached]) -> Iterator[ColumnKey]:
        """Yield the governed columns whose single values stand in some others."""
        for side in sides:
            for one in self.governed(side):
                if one.is_direct and not all(
                    any(map(self._is_of_many, way)) for way in one.step.ways
                ):
                    yield one.key

    def _identities(self, reached: Reached) -> list[ColumnKey]:
        """Return what of a value still tells one person or record from another."""
        return [
            key
            for key, step in reached.direct.items()
            if (self._is_identity(key) or self._is_moment(key, step))
            and not all(
                self._is_coarse(key, step, way)
                or any(one.startswith("count@") for one in way)
                for way in step.ways
            )
        ]

    def _is_identity(self, key: ColumnKey) -> bool:
        column = self.column(key)
        if column is None:
            return key[2] == _LINE and key[1] in self._holding_people
        return column.classification in _GOVERNED and self.identifies(key, column)

    def _is_moment(self, key: ColumnKey, step: Step) -> bool:
        """Whether a value is a moment of somebody's to the second, as it was."""
        column = self.column(key)
        return (
            column is not None
            and column.classification in _GOVERNED
            and column.logical_type == "timestamp"
            and step.how <= _LINKING
        )

    def _links(self, reached: Reached) -> bool:
        """Whether a value is an identity out of a data set, and nothing else."""
        asked = self._identities(reached)
        return bool(asked) and all(reached.direct[key].how <= _LINKING for key in asked)

    def _is_aged(self, pick: Pick, key: ColumnKey, sides: Iterable[Reached]) -> bool:
        """Whether a range is of a moment: one of birth in years or as bands of a CASE."""
        column = self.column(key)
        return (
            column is not None
            and column.logical_type in MOMENTS
            and all(
                not self._is_identity(key)
                or pick.how == "CASE"
                or "years" in side.direct[key].how
                for side in sides
                if key in side.direct
            )
        )

    def _people_of(self, rows: Steps) -> Iterator[Relation]:
        """Yield the data sets whose people or records stand one by one in some rows."""
        for key, step in rows.items():
            if all(any(map(self._is_of_many, way)) for way in step.ways):
                continue
            relation = key[:2]
            if relation[0] == RAW:
                if relation[1] in self._holding_people:
                    yield relation
                continue
            traced = self.origins.lineage.get(relation, Traced())
            above = {one: how for one, how in traced.rows.items() if one[2] == UNNAMED}
            yield from self._people_of(numbered(above, relation))

    def _is_row_id(self, reached: Reached) -> bool:
        return any(
            self.tells_rows_apart(key)
            and not all(
                self._is_coarse(key, step, way)
                or any(one.startswith("count@") for one in way)
                for way in step.ways
            )
            for key, step in reached.direct.items()
        )

    def _is_coarse(self, key: ColumnKey, step: Step, way: Way) -> bool:
        column = self.column(key)
        is_identity = column is not None and self.identifies(key, column)
        return bool((_COARSEST if is_identity else COARSE) & sound_way(step, way))

    def tells_rows_apart(self, key: ColumnKey) -> bool:
        """Whether grouping by a data set's column would leave single people."""
        column = self.column(key)
        if column is None:
            return key[2] == _LINE and key[1] in self._holding_people
        if column.classification not in _GOVERNED:
            return False
        return self.identifies(key, column) or column.logical_type in CONTINUOUS

    def identifies(self, key: ColumnKey, column: ContractColumn) -> bool:
        """Whether a column is the identity of a person or of a record about people."""
        contract = self.contracts[key[1]]
        return (
            column.identifier_class == "direct"
            or column.primary_key
            or column.name in contract.identity
            or column.name in self._record_keys
        )

    @cached_property
    def _holding_people(self) -> frozenset[str]:
        return frozenset(
            name
            for name, contract in self.contracts.items()
            if any(one.classification in _GOVERNED for one in contract.columns)
        )

    @cached_property
    def _record_keys(self) -> frozenset[str]:
        return frozenset(
            key
            for name in self._holding_people
            for key in self.contracts[name].primary_key
        )


def shown(key: ColumnKey) -> str:
    """Return a column as people write it: `stg_x.col`, but `marts.x.col`."""
    schema, table, column = key
    return f"{schema}.{table}.{column}" if schema == "marts" else f"{table}.{column}"


def sound_way(step: Step, way: Way) -> Way:
    """Return a way without the division of a value that was computed first."""
    return way - {"divided"} if step.how & {"computed", "combined"} else way
