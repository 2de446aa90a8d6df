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
from typing import Any

from edp_platform.governance.column_law import (
    CLASSIFICATIONS,
    COARSE,
    CONTINUOUS,
    MOMENTS,
    ColumnLaw,
    Judged,
    shown,
    sound_way,
)
from edp_platform.governance.column_lineage import (
    LOOKUP,
    UNNAMED,
    ColumnKey,
    Reached,
    Relation,
    Traced,
    Way,
    grouping_of,
)
from edp_platform.governance.gate import columns_covered, within_scope
from edp_platform.governance.records.dpia import Dpia
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.rules import enforces

#: Raise it when a rule judges otherwise than before.
RULES_VERSION = 2

#: Where a model's YAML declares what protects a column: `meta: {protected_by: …}`.
DECLARATION = "protected_by"
_NUMBERS = frozenset({"integer", "number"})
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
class ColumnRule:
    """One way to protect a value, by its name in declarations.

    Attributes:
        says: what it is, for documentation and for refusals.
        unmet: says why one governed column is not protected so; None where it is.
    """

    says: str
    unmet: Callable[[ColumnLaw, Judged], str | None]


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
        return "median" in kinds and column.logical_type in _NUMBERS | MOMENTS

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
    if _fineness(column.name) == 0 and column.logical_type not in _NUMBERS:
        return _each_way(
            judged,
            lambda way: "outward" in way,
            "a place as it was is a household or two: take a larger area",
        )

    def holds(way: Way) -> bool:
        kinds = _kinds(law, way)
        if column.logical_type in CONTINUOUS and not COARSE & sound_way(
            judged.step, way
        ):
            return False
        return bool(kinds - {"rows"})

    if column.logical_type in CONTINUOUS and not all(
        COARSE & sound_way(judged.step, way) for way in judged.step.ways
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
    if judged.column.logical_type not in _NUMBERS | MOMENTS:
        return f"a {judged.column.logical_type} has no bands"
    return _each_way(
        judged,
        lambda way: not {"banded", "divided"}.isdisjoint(sound_way(judged.step, way)),
        "no CASE of ranges with constant labels, and no whole division by five or "
        f"more: {_reaches(law, judged)}",
    )


def _month_of(law: ColumnLaw, judged: Judged) -> str | None:
    column = judged.column
    if column.logical_type not in MOMENTS:
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
                f"{shown((*use.relation, column))} is declared `{DECLARATION}: "
                f"{', '.join(names)}`, and the platform {said}."
                if unknown
                else f"{shown((*use.relation, column))} is declared and {said}.",
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
        named = ", ".join(shown((*use.relation, one)) for one in use.columns)
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
    if "banded" in rules and one.column.logical_type in _NUMBERS | MOMENTS:
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
    return " → ".join(shown(key) for key, _ in steps)
