"""What may reach a mart or product column, by where it comes from (rule 4).

A column that derives from personal, special-category or criminal-offence data stays
within its DPIA's scope (columns, layer, purpose, use case), and is one of these:
covered as it is (`as_such` in the DPIA), or protected by a rule that its declaration
names (`protected_by` in the model's YAML) and that the SQL itself bears out. What only
decides its rows (filters, joins, groups) must have been summed over the query's own
GROUP BY, in whose groups many people stand (`ColumnLaw.is_safe`, `ColumnLaw.picked`).
Sources: UK GDPR Arts. 5(1)(b)-(c), 25, 35(7); DPA 2018 ss. 36, 37, 57, 64.

Pure: lineage, contracts and DPIAs in, refusals out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

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
from edp_platform.governance.gate import columns_covered, within_scope
from edp_platform.governance.records.dpia import Dpia
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.rules import enforces

#: Raise it when a rule judges otherwise than before.
RULES_VERSION = 2

#: Where a model's YAML declares what protects a column: `meta: {protected_by: …}`.
DECLARATION = "protected_by"
#: From the least to the most protected by law.
CLASSIFICATIONS = (
    "public",
    "official",
    "personal",
    "special-category",
    "criminal-offence",
)
_GOVERNED = frozenset(CLASSIFICATIONS[2:])
_NUMBERS = frozenset({"integer", "number"})
_MOMENTS = frozenset({"date", "timestamp"})
#: Types whose values are so many that each row may be a group of its own.
_CONTINUOUS = frozenset({"timestamp", "number"})
_COARSE = frozenset({"coded", "banded", "divided", "month_of", "day_of", "outward"})
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
_AREAS: tuple[tuple[str, ...], ...] = (
    ("latitude", "longitude", "postcode", "address", "address_line", "uprn"),
    ("oa_code", "output_area"),
    ("lsoa_code", "lsoa_name", "lsoa"),
    ("msoa_code", "msoa_name", "msoa"),
    ("ward_code", "ward"),
    ("borough_code", "borough", "local_authority", "area_code"),
    ("force", "region", "country"),
)
_DOORS = "dbt models before they write, products before they write, edp lineage check"


_PICK_NOTHING = (
    "Use an identifier only to link data sets (equal to another's, IN its rows), as "
    "`is null` or in a count, and pick no rows of people by a limit, a sample, a "
    "window or somebody's value: one row for each person may be kept, a limit of "
    "groups set after the GROUP BY."
)


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
            return next((_shown(one) for one in self._values_of(sides)), None)
        asked = [key for side in sides for key in self._identities(side)]
        if not asked:
            return None
        if pick.kind == LINK and all(map(self._links, sides)):
            return None
        if pick.kind == RANGE:
            asked = [key for key in asked if not self._is_aged(pick, key, sides)]
        return _shown(asked[0]) if asked else None

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
            and column.logical_type in _MOMENTS
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
        return bool((_COARSEST if is_identity else _COARSE) & _sound(step, way))

    def tells_rows_apart(self, key: ColumnKey) -> bool:
        """Whether grouping by a data set's column would leave single people."""
        column = self.column(key)
        if column is None:
            return key[2] == _LINE and key[1] in self._holding_people
        if column.classification not in _GOVERNED:
            return False
        return self.identifies(key, column) or column.logical_type in _CONTINUOUS

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


@dataclass(frozen=True)
class ColumnRule:
    """One way to protect a value, by its name in declarations.

    Attributes:
        says: what it is, for documentation and for refusals.
        unmet: says why one governed column is not protected so; None where it is.
    """

    says: str
    unmet: Callable[[ColumnLaw, Judged], str | None]


def _sound(step: Step, way: Way) -> Way:
    """Return a way without the division of a value that was computed first."""
    return way - {"divided"} if step.how & {"computed", "combined"} else way


def _each_way(
    judged: Judged, holds: Callable[[Way], bool], otherwise: str
) -> str | None:
    return None if all(holds(way) for way in judged.step.ways) else otherwise


def _kinds(law: ColumnLaw, way: Way) -> set[str]:
    """Return the kinds of protection on a way that are over safe groups."""
    return {one.partition("@")[0] for one in way if law.is_safe(one)}


def _reaches(law: ColumnLaw, judged: Judged) -> str:
    made = sorted(judged.step.how - {LOOKUP}) or ["as it is"]
    picked = _picked_on(law, judged)
    if picked is not None:
        return f"single people are picked before they are grouped, by {picked}"
    unsafe = any(
        grouping_of(one) and not law.is_safe(one)
        for way in judged.step.ways
        for one in way
    )
    why = ", and its groups are single people or records" if unsafe else ""
    return f"it reaches the column by: {', '.join(made)}{why}"


def _picked_on(law: ColumnLaw, judged: Judged) -> str | None:
    """Return what picks single people on the way of a column; None where nothing."""
    tokens = sorted({one for way in judged.step.ways for one in way})
    return next((found for one in tokens if (found := law.picked(one))), None)


def _aggregate(law: ColumnLaw, judged: Judged) -> str | None:
    column = judged.column
    if not judged.is_direct:
        return _in_groups(law, judged)

    def holds(way: Way) -> bool:
        kinds = _kinds(law, way)
        if "count" in kinds:
            return True
        if law.identifies(judged.key, column):
            return "sum" in kinds and not way.isdisjoint({"blind", "banded"})
        if kinds & {"sum", "avg", "stddev", "variance"}:
            return True
        return "median" in kinds and column.logical_type in _NUMBERS | _MOMENTS

    return _each_way(
        judged,
        holds,
        f"no count, sum, average or spread over a GROUP BY: {_reaches(law, judged)}",
    )


def _group_by_dimension(law: ColumnLaw, judged: Judged) -> str | None:
    column = judged.column
    if not judged.is_direct:
        return _in_groups(law, judged)
    if law.identifies(judged.key, column):
        return "it identifies people or records, and can never be a dimension"

    def holds(way: Way) -> bool:
        kinds = _kinds(law, way)
        if column.logical_type in _CONTINUOUS and not _COARSE & _sound(
            judged.step, way
        ):
            return False
        return bool(kinds - {"rows"})

    if column.logical_type in _CONTINUOUS and not all(
        _COARSE & _sound(judged.step, way) for way in judged.step.ways
    ):
        return (
            f"a {column.logical_type} makes every row its own group: take its month, "
            "its day or a band"
        )
    return _each_way(
        judged, holds, f"no key of the query's own GROUP BY: {_reaches(law, judged)}"
    )


def _in_groups(law: ColumnLaw, judged: Judged) -> str | None:
    return _each_way(
        judged,
        lambda way: bool(_kinds(law, way)),
        f"not summed over the query's own GROUP BY: {_reaches(law, judged)}",
    )


def _banded(law: ColumnLaw, judged: Judged) -> str | None:
    if judged.column.logical_type not in _NUMBERS | _MOMENTS:
        return f"a {judged.column.logical_type} has no bands"
    return _each_way(
        judged,
        lambda way: not {"banded", "divided"}.isdisjoint(_sound(judged.step, way)),
        "no CASE of ranges with constant labels, and no whole division by five or "
        f"more: {_reaches(law, judged)}",
    )


def _month_of(law: ColumnLaw, judged: Judged) -> str | None:
    column = judged.column
    if column.logical_type not in _MOMENTS:
        return f"a {column.logical_type} has no month"
    if column.identifier_class == "direct":
        return "a direct identifier's month still identifies; band it"
    return _each_way(
        judged,
        lambda way: "month_of" in way,
        f"no month, quarter or year is taken of it: {_reaches(law, judged)}",
    )


def _generalised_area(law: ColumnLaw, judged: Judged) -> str | None:
    column = judged.column
    if column.from_coordinates is not None and _fineness(column.name) is not None:
        return None
    if judged.is_direct:
        return _each_way(
            judged,
            lambda way: "outward" in way,
            f"not looked up as a larger area: {_reaches(law, judged)}",
        )
    if LOOKUP not in judged.step.how or _fineness(column.name) is None:
        return f"no place that a larger area was looked up by: {_reaches(law, judged)}"
    mine = _fineness(column.name) or 0
    others = [_fineness(key[2]) for key in judged.value]
    if not others or any(other is None or other <= mine for other in others):
        made_of = ", ".join(sorted(key[2] for key in judged.value)) or "no column"
        return f"the value is made of {made_of}, no larger area than {column.name}"
    return None


def _fineness(name: str) -> int | None:
    """Return how fine an area a column names, 0 for a point; None for no area."""
    for fineness, names in enumerate(_AREAS):
        if any(name == one or name.endswith(f"_{one}") for one in names):
            return fineness
    return None


def _pseudonym(law: ColumnLaw, judged: Judged) -> str | None:
    return (
        "SQL cannot make one: a key in SQL would stand in compiled files and logs, and "
        "a hash without a key is undone by trying every value. Make it in a Python "
        "asset that declares it"
    )


#: The closed registry. A declaration names one of these, or several.
COLUMN_RULES: dict[str, ColumnRule] = {
    "aggregate": ColumnRule(
        "a count, sum, average, spread, or median of numbers, over the query's own "
        "GROUP BY; of identifiers only a count",
        _aggregate,
    ),
    "group_by_dimension": ColumnRule(
        "a key of the query's own GROUP BY; never an identifier, never a moment or a "
        "measured number that was not made coarser first",
        _group_by_dimension,
    ),
    "banded": ColumnRule(
        "ranges with constant labels, or a whole division by five or more",
        _banded,
    ),
    "month_of": ColumnRule("the month, quarter or year of a moment", _month_of),
    "generalised_area": ColumnRule(
        "a larger area, looked up by a smaller one or by ingestion from coordinates; "
        "or the first half of a postcode",
        _generalised_area,
    ),
    "pseudonym": ColumnRule(
        "a keyed token made in a Python asset; never by SQL", _pseudonym
    ),
}


@dataclass(frozen=True)
class ColumnUse:
    """A mart or product, and what its columns are declared to be.

    Attributes:
        relation: schema and name; of a product, its asset key.
        columns: its columns.
        declared: column → the rules that its declaration names.
        use_case: whose it is.
        purposes: data set → the purposes of the use.
        dpias: data set → its DPIA; one that cannot be relied on is not there.
        is_declared_only: its lineage is what it says (Python), not what its SQL does.
    """

    relation: Relation
    columns: Sequence[str]
    declared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    use_case: str | None = None
    purposes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    dpias: Mapping[str, Dpia] = field(default_factory=dict)
    is_declared_only: bool = False


def declared_rules(stated: Any) -> tuple[str, ...]:
    """Return the rules that a declaration names: one, or a list."""
    if stated is None:
        return ()
    return tuple(map(str, stated)) if isinstance(stated, list) else (str(stated),)


@enforces(4, door=_DOORS)
def columns_traceable(name: str, traced: Traced | None) -> tuple[Refusal, ...]:
    """Refuse a relation whose columns cannot all be followed to what they are made of.

    Source: UK GDPR Art. 5(2) and DPA 2018 s.34(3), accountability: nobody can show
    where data went that cannot be traced.
    """
    next_step = (
        "Write it with named columns of models and data sets (`ref`, `source`), which "
        "docs/gates.md describes, and look again: edp lineage check."
    )
    why = "What cannot be traced may hold anybody's data, whatever its name."
    if traced is None:
        said = f"The lineage of {name} could not be made."
        return (Refusal("column-lineage", said, why, next_step, 4),)
    found = []
    if traced.faults:
        said = f"{name} cannot be traced: {'; '.join(traced.faults)}."
        found.append(Refusal("column-lineage", said, why, next_step, 4))
    elif traced.untraced:
        unknown = ", ".join(one for one in traced.untraced if one != UNNAMED)
        said = (
            f"{name} has columns whose origin is not known: {unknown or 'all of them'}."
        )
        found.append(Refusal("column-lineage", said, why, next_step, 4))
    return tuple(found)


@enforces(4, door=_DOORS)
def columns_protected(law: ColumnLaw, use: ColumnUse) -> tuple[Refusal, ...]:
    """Refuse columns that carry personal data beyond its DPIA, or unprotected.

    Source: UK GDPR Arts. 5(1)(b)-(c), 25 and 35(7); DPA 2018 ss. 36, 37, 57 and 64.
    """
    unprotected = (*_unprotected(law, use),)
    return (
        *_misnamed(use),
        *_beyond_scope(law, use),
        *(unprotected or _picked_rows(law, use)),
    )


def _misnamed(use: ColumnUse) -> Iterator[Refusal]:
    for column, names in use.declared.items():
        unknown = [name for name in names if name not in COLUMN_RULES]
        if unknown or column not in use.columns:
            said = (
                f"knows no rule {', '.join(unknown)}; there are "
                f"{', '.join(COLUMN_RULES)}"
                if unknown
                else "has no such column"
            )
            yield Refusal(
                "column-declaration",
                f"{_shown((*use.relation, column))} is declared `{DECLARATION}: "
                f"{', '.join(names)}`, and the platform {said}."
                if unknown
                else f"{_shown((*use.relation, column))} is declared and {said}.",
                "A declaration that means nothing protects nobody.",
                f"Correct `{DECLARATION}` in the model's YAML.",
                4,
            )


def _beyond_scope(law: ColumnLaw, use: ColumnUse) -> Iterator[Refusal]:
    """Yield what lies outside a DPIA, once for each data set's column and reason."""
    told: set[tuple[str, str]] = set()
    reached = [
        (one, (*use.relation, name))
        for name in use.columns
        for one in law.governed(law.origins.of((*use.relation, name)))
    ]
    # Of several columns the one that says the most stands for all.
    reached.sort(key=lambda pair: _weight(pair[0]), reverse=True)
    for one, end in reached:
        data_set = one.key[1]
        dpia, contract = use.dpias.get(data_set), law.contracts[data_set]
        if dpia is None:
            continue  # the data set's own gate refuses
        purposes = use.purposes.get(data_set, ())
        for refusal in (
            *columns_covered(contract, dpia, [one.column.name]),
            *within_scope(contract, dpia, "mart", purposes, use.use_case),
        ):
            if (data_set, refusal.missing) in told:
                continue
            told.add((data_set, refusal.missing))
            yield Refusal(
                "column-scope",
                f"{_path(law, one.key, end)}: {_held(one)} goes beyond its DPIA. "
                f"{refusal.missing}",
                refusal.why,
                refusal.next_step,
                4,
            )


def _weight(one: Judged) -> tuple[bool, int]:
    """Return how much a governed column weighs: direct before indirect, then by law."""
    classification = one.column.classification or "public"
    return one.is_direct, CLASSIFICATIONS.index(classification)


def _unprotected(law: ColumnLaw, use: ColumnUse) -> Iterator[Refusal]:
    """Yield what no rule protects, the columns refused alike together."""
    alike: dict[tuple[ColumnKey, str], list[_Unprotected]] = {}
    for one in _unprotected_columns(law, use):
        alike.setdefault((one.worst.key, one.why), []).append(one)
    for first, *others in alike.values():
        yield _refusal(law, use, first, [one.end[2] for one in others])


@dataclass(frozen=True)
class _Unprotected:
    """A column that is refused: by which of its origins the most, and why."""

    end: ColumnKey
    worst: Judged
    why: str
    others: int
    rules: Sequence[str]


def _unprotected_columns(law: ColumnLaw, use: ColumnUse) -> Iterator[_Unprotected]:
    for name in use.columns:
        end = (*use.relation, name)
        rules = [one for one in use.declared.get(name, ()) if one in COLUMN_RULES]
        reached = law.origins.of(end)
        governed = [
            one for one in law.governed(reached) if not _is_as_such(law, use, one)
        ]
        failing = [
            (one, why)
            for one in governed
            if (why := _unmet(law, use, one, rules, governed)) is not None
        ]
        if not failing and rules and not use.is_declared_only:
            failing = _untrue(law, reached, rules, governed)
        if not failing:
            continue
        worst, why = max(failing, key=lambda pair: _weight(pair[0]))
        yield _Unprotected(end, worst, why, len(failing) - 1, rules)


def _picked_rows(law: ColumnLaw, use: ColumnUse) -> Iterator[Refusal]:
    """Yield what no column tells of: rows picked by a limit, and counted."""
    picked = None if use.is_declared_only else law.picked_rows(use.relation)
    if picked is not None:
        named = ", ".join(_shown((*use.relation, one)) for one in use.columns)
        yield Refusal(
            "column-lineage",
            f"{named}: single people are picked before they are grouped, by {picked}.",
            "A GROUP BY protects because many people stand in a group.",
            _PICK_NOTHING,
            4,
        )


def _is_as_such(law: ColumnLaw, use: ColumnUse, one: Judged) -> bool:
    """Whether the DPIA lets a column reach this use case as it is."""
    dpia = use.dpias.get(one.key[1])
    if dpia is None or dpia.scope is None or use.use_case is None:
        return False
    covered = dpia.scope.of(law.contracts[one.key[1]].id)
    if covered is None:
        return False
    return one.column.name in covered.as_such.get(use.use_case, ())


def _unmet(
    law: ColumnLaw,
    use: ColumnUse,
    one: Judged,
    rules: Sequence[str],
    governed: Iterable[Judged],
) -> str | None:
    """Say why one governed column may not reach a column; None where it may."""
    needs_rule = one.is_direct or (
        # A label found by a sensitive code is that code in other words. One found by
        # the identity of a record is the record's, and is judged by its own column.
        LOOKUP in one.step.how
        and not law.identifies(one.key, one.column)
        and not any(other.is_direct for other in governed)
    )
    if not needs_rule:
        if use.is_declared_only:
            return None if rules else "it decides the rows, and nothing is declared"
        if _in_groups(law, one) is None:
            return None
        if not rules:
            return f"it decides which rows there are, {_in_groups(law, one)}"
    if not rules:
        return "nothing is declared to protect it"
    if use.is_declared_only:
        return _unmet_by_word(law, one, rules)
    unmet = [(rule, COLUMN_RULES[rule].unmet(law, one)) for rule in rules]
    if any(why is None for _, why in unmet):
        return None
    return "; ".join(f"it is declared `{rule}`, but {why}" for rule, why in unmet)


def _unmet_by_word(law: ColumnLaw, one: Judged, rules: Sequence[str]) -> str | None:
    """Judge a declaration that no SQL bears out: by what the column is, alone."""
    if not law.identifies(one.key, one.column) or not one.is_direct:
        return None
    if {"aggregate", "pseudonym"}.intersection(rules):
        return None
    if "banded" in rules and one.column.logical_type in _NUMBERS | _MOMENTS:
        return None
    if "generalised_area" in rules and _fineness(one.column.name) is not None:
        return None
    return f"it identifies people or records, and `{', '.join(rules)}` does not change that"


def _untrue(
    law: ColumnLaw,
    reached: Reached,
    rules: Sequence[str],
    governed: Sequence[Judged],
) -> list[tuple[Judged, str]]:
    """Return what a declaration says untruly of columns that no law asks about.

    It is refused all the same: the day the column becomes personal it would stand.
    """
    if governed:
        return []
    found = []
    for key, step in reached.direct.items():
        column = law.column(key)
        if column is None:
            continue
        one = Judged(key, column, step, is_direct=True)
        reasons = [COLUMN_RULES[rule].unmet(law, one) for rule in rules]
        if all(why is not None for why in reasons):
            found.append(
                (one, f"it is declared `{', '.join(rules)}`, but {reasons[0]}")
            )
    return found[:1] if len(found) == len(reached.direct) else []


def _refusal(
    law: ColumnLaw, use: ColumnUse, found: _Unprotected, alike: Sequence[str]
) -> Refusal:
    one, end = found.worst, found.end
    dpia = use.dpias.get(one.key[1])
    record = dpia.id if dpia else law.contracts[one.key[1]].dpia_ref
    more = f" (and {found.others} more of its origins)" if found.others else ""
    also = f"; likewise {', '.join(alike)}" if alike else ""
    meant = "" if found.rules else f" ({DECLARATION}: one of {', '.join(COLUMN_RULES)})"
    picked = _picked_on(law, one)
    advice = (
        f"{_PICK_NOTHING} Else leave"
        if picked
        else (f"Aggregate it and declare so in the column's `meta`{meant}, leave")
    )
    return Refusal(
        "column-lineage",
        f"{_path(law, one.key, end)}: {_held(one)} under its DPIA ({record}) reaches "
        f"this column, and {found.why}{more}{also}.",
        "It may, made harmless by a rule that the query bears out, or as its DPIA says.",
        f"{advice} it out, or have the DPIA's `as_such` extended to "
        f"{use.use_case or 'a use case'}.",
        4,
    )


def _held(one: Judged) -> str:
    kind = (one.column.classification or "").replace("-", " ")
    is_identity = one.column.identifier_class == "direct"
    return f"{kind} data{' that identifies people' if is_identity else ''}"


def _path(law: ColumnLaw, start: ColumnKey, end: ColumnKey) -> str:
    steps = law.origins.path(start, end) or [(start, ""), (end, "")]
    return " → ".join(_shown(key) for key, _ in steps)


def _shown(key: ColumnKey) -> str:
    """Return a column as people write it: `stg_x.col`, but `marts.x.col`."""
    schema, table, column = key
    return f"{schema}.{table}.{column}" if schema == "marts" else f"{table}.{column}"
