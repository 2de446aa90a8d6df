"""The lineage of a use case's Python assets: what each declares, for no SQL shows it.

An asset says in its metadata, under `edp/lineage`, of which columns each of its own is
made, and what decides its rows:

    metadata={"edp/lineage": {
        "columns": {
            "borough": {"made_of": ["marts.crime_by_month.borough"]},
            "searches": {"made_of": ["facts.fct_searches.outcome"],
                         "protected_by": "aggregate"},
        },
        "rows": ["facts.fct_searches.month"],
    }}

Columns are named schema.table.column; the lake's are `raw.<data set>.<column>`. What
is declared is judged like a mart's lineage (`column_rules`), and refused where it names
what is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edp_platform.governance.column_lineage import (
    RAW,
    UNNAMED,
    Column,
    ColumnKey,
    Lineage,
    Relation,
    Step,
    Steps,
    Traced,
)
from edp_platform.governance.column_rules import declared_rules
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.rules import enforces

#: The metadata key of the declaration.
LINEAGE_METADATA = "edp/lineage"
#: Schemas that hold data under contract, in the order of the layers.
GOVERNED_SCHEMAS = (RAW, "staging", "intermediate", "facts", "marts", "published")


class DeclaredColumn(BaseModel):
    """One column of a product: what it is made of, and what protects that."""

    model_config = ConfigDict(extra="forbid")

    made_of: list[str] = []
    protected_by: str | list[str] | None = None


class DeclaredLineage(BaseModel):
    """What a product's columns are made of, and what decides which rows it has."""

    model_config = ConfigDict(extra="forbid")

    columns: dict[str, DeclaredColumn] = Field(default={})
    rows: list[str] = []

    @property
    def protected_by(self) -> dict[str, tuple[str, ...]]:
        """Column → the rules that protect it."""
        return {
            name: declared_rules(column.protected_by)
            for name, column in self.columns.items()
            if column.protected_by is not None
        }

    def traced(self) -> Traced:
        """Return it as lineage."""
        return Traced(
            columns={
                name: Column(_steps(column.made_of))
                for name, column in self.columns.items()
            },
            rows=_steps(self.rows),
            reads=tuple(sorted({key[:2] for key in self.named() if key is not None})),
        )

    @property
    def texts(self) -> list[str]:
        """Every column it names, as written."""
        return [*self.rows, *(one for c in self.columns.values() for one in c.made_of)]

    def named(self) -> Iterator[ColumnKey | None]:
        """Yield every column it names; None for what is no column's name."""
        return map(_key, self.texts)


def read_declaration(stated: Any) -> DeclaredLineage:
    """Read the value of the metadata key.

    Raises:
        ValueError: it is no declaration; the message says what is wrong with it.
    """
    try:
        return DeclaredLineage.model_validate(stated)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, one['loc'])) or LINEAGE_METADATA}: {one['msg']}"
            for one in error.errors()
        ]
        raise ValueError("; ".join(faults)) from None


@enforces(4, door="Python assets of use cases before they write, edp lineage check")
def product_declared(
    name: str,
    stated: Any,
    reads: Iterable[Relation],
    lineage: Lineage,
    data_sets: Mapping[str, Iterable[str]],
    is_reader: bool,
) -> tuple[Refusal, ...]:
    """Refuse a Python asset that reads governed data and does not say which.

    Source: UK GDPR Arts. 5(2) and 30; DPA 2018 ss. 34(3) and 61.

    Args:
        name: of the asset.
        stated: the value of its metadata `edp/lineage`; None where it has none.
        reads: the governed relations that it depends on.
        lineage: of every model, and of other products.
        data_sets: data set → all its columns, those that ingestion adds included.
        is_reader: whether its use case reads governed data at all.
    """
    wanted = sorted(set(reads))
    example = (
        f'Write metadata={{"{LINEAGE_METADATA}": {{"columns": {{"area": {{"made_of": '
        '["marts.crime_by_month.force"]}}, "rows": []}}'
    )
    if stated is None:
        if not wanted and not is_reader:
            return ()
        what = ", ".join(".".join(one) for one in wanted) or "data of its use case"
        return (
            _refusal(f"{name} reads {what} and declares no column lineage.", example),
        )
    try:
        declared = read_declaration(stated)
    except ValueError as error:
        return (_refusal(f"{name} declares lineage wrongly: {error}.", example),)
    unknown = sorted(
        text for text in declared.texts if not _is_known(_key(text), lineage, data_sets)
    )
    found = []
    if unknown:
        found.append(
            _refusal(
                f"{name} says that it is made of {', '.join(unknown)}, and there is no "
                "such column.",
                "Name columns as schema.table.column; edp lineage suggests near names.",
            )
        )
    told = {key[:2] for key in declared.named() if key is not None}
    untold = [
        ".".join(one) for one in wanted if one not in told and one[0] != "published"
    ]
    if untold:
        found.append(
            _refusal(
                f"{name} depends on {', '.join(untold)} and names none of its columns.",
                "Name what is read of it under `columns` or `rows`, or take the "
                "dependency out.",
            )
        )
    return tuple(found)


def _refusal(said: str, next_step: str) -> Refusal:
    why = "No SQL shows what Python makes of data, so it says so itself."
    return Refusal("product-lineage", said, why, f"{next_step.rstrip('.')}.", 4)


def _is_known(
    key: ColumnKey | None, lineage: Lineage, data_sets: Mapping[str, Iterable[str]]
) -> bool:
    if key is None:
        return False
    if key[0] == RAW:
        return key[2] in set(data_sets.get(key[1], ()))
    traced = lineage.get(key[:2])
    return traced is not None and (key[2] == UNNAMED or key[2] in traced.columns)


def _steps(texts: Iterable[str]) -> Steps:
    keys = [_key(text) for text in texts]
    return {key: Step(frozenset(["declared"])) for key in keys if key is not None}


def _key(text: str) -> ColumnKey | None:
    parts = text.split(".")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else None
