"""The mart's side of a comparison: its rows of the published copy, by its grain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from edp_platform.legacy.failure import CannotCompare
from edp_platform.publishing.snapshot import Snapshot
from edp_platform.warehouse.models import Model

_NUMBERS = ("INT", "DOUBLE", "FLOAT", "DECIMAL", "REAL")
#: Values of a key that are sums of the others: adding them up would count twice.
TOTALS = frozenset({"all", "total", "totals", "grand total", "overall"})


@dataclass(frozen=True)
class MartRows:
    """Rows of one mart.

    Attributes:
        name: of the mart.
        snapshot: id of the published copy.
        as_at: of the copy.
        grain: the columns that tell its rows apart.
        measures: columns of numbers outside the grain, in the mart's order.
        days: those of the grain that hold days (a month's first, a quarter's).
        rows: the grain and the measures.
        names: column of codes of the grain → name → code, of names that are of one code.
    """

    name: str
    snapshot: str
    as_at: str
    grain: tuple[str, ...]
    measures: tuple[str, ...]
    days: frozenset[str]
    rows: pa.Table
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def values(self, column: str) -> list[Any]:
        """Return the distinct values of a column of the grain, sorted."""
        distinct = self.rows.column(column).unique().to_pylist()
        return sorted(distinct, key=lambda one: "" if one is None else str(one))


def grain_of(manifest: Mapping[str, Any], model: Model) -> tuple[str, ...]:
    """Return the columns that its test `primary_key` says tell a mart's rows apart."""
    for node in manifest["nodes"].values():
        tested = node.get("test_metadata") or {}
        if (
            node.get("attached_node") == model.unique_id
            and tested.get("name") == "primary_key"
        ):
            return tuple(tested["kwargs"]["columns"])
    return ()


def read_mart(
    snapshot: Snapshot, model: Model, grain: tuple[str, ...], where: str | None
) -> MartRows:
    """Read a mart's grain and measures from the published copy.

    Args:
        snapshot: the copy.
        model: the mart.
        grain: see `grain_of`.
        where: which rows, as one SQL condition; it is locked into the copy.

    Raises:
        CannotCompare: the mart is not published, has no grain or figure, or the
            condition cannot be used.
    """
    if model.name not in snapshot.rows:
        raise CannotCompare(
            f"{model.name} is not in the published copy of {snapshot.as_at}. Build and "
            f"publish it: edp run +{model.name}."
        )
    if not grain:
        raise CannotCompare(
            f"{model.name} does not say what tells its rows apart (a test `primary_key` "
            "in its YAML), so no cell of a report could be matched with one."
        )
    with duckdb.connect(str(snapshot.path), read_only=True) as connection:
        # A person's SQL: the copy and nothing else, as for edp sql.
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        table = connection.table(f'marts."{model.name}"')
        types = dict(zip(table.columns, map(str, table.types), strict=True))
        measures = [
            name
            for name, kind in types.items()
            if name not in grain and any(part in kind for part in _NUMBERS)
        ]
        if not measures:
            raise CannotCompare(f"{model.name} holds no figure that could be compared.")
        wanted = ", ".join(f'"{name}"' for name in (*grain, *measures))
        try:
            rows = table.filter(where) if where is not None else table
            found: pa.Table = rows.project(wanted).to_arrow_table()
            names = {
                code: _names(rows, code, name)
                for code, name in _named_codes(grain, types).items()
            }
        except duckdb.Error:
            # What others say may quote a value of a row.
            raise CannotCompare(
                f"--where {where!r} cannot be used. {model.name} has the columns "
                f"{', '.join(types)}. Example: --where \"{grain[-1]} = '…'\"."
            ) from None
    if not found.num_rows:
        raise CannotCompare(
            f"No row of {model.name} matches {where or 'anything: the mart is empty'}."
        )
    return MartRows(
        model.name,
        snapshot.id,
        snapshot.as_at,
        grain,
        tuple(measures),
        frozenset(name for name in grain if types[name] == "DATE"),
        found,
        names,
    )


def _named_codes(grain: Iterable[str], types: Mapping[str, str]) -> dict[str, str]:
    """Return column of codes → the column of the same mart that names them."""
    found: dict[str, str] = {}
    for code in grain:
        stem = code.removesuffix("_code")
        for name in (stem, f"{stem}_name"):
            if stem != code and types.get(name) == "VARCHAR":
                found.setdefault(code, name)
    return found


def _names(rows: duckdb.DuckDBPyRelation, code: str, name: str) -> dict[str, str]:
    pairs = rows.project(f'"{name}", "{code}"').distinct().fetchall()
    codes: dict[str, set[str]] = {}
    for text, one in pairs:
        if text and one:
            codes.setdefault(str(text), set()).add(str(one))
    # Two wards of one name: only a person can say which is meant.
    return {text: min(each) for text, each in codes.items() if len(each) == 1}


def written(value: Any) -> str:
    """Return a key's value as it is shown and compared: a day in ISO form."""
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else str(value)
