"""What each DuckDB type becomes in PostgreSQL, and how DuckDB is asked for it.

The one place where that is said. A type that is not here is refused by name: what a
driver would guess at would be found out by whoever reads a wrong number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from edp_platform.told import Told

#: How a value is written in PostgreSQL's binary form; see `binary_copy`.
Form = Literal[
    "boolean",
    "int2",
    "int4",
    "int8",
    "float4",
    "float8",
    "numeric",
    "text",
    "bytes",
    "date",
    "timestamp",
    "time",
    "interval",
]


class TypeNotServed(Told):
    """A mart has a column of a type that nobody has said how to serve."""


@dataclass(frozen=True)
class ServedType:
    """One type.

    Attributes:
        postgresql: its name there.
        form: how its values are written.
        asked_as: how DuckDB is asked for a column `{}`, where not as it is.
        scale: digits after the point of a number.
    """

    postgresql: str
    form: Form
    asked_as: str = "{}"
    scale: int = 0


_WHOLE = "cast({} as decimal(38, 0))"
_MICROSECONDS = "cast({} as timestamp)"
_TYPES = {
    "BOOLEAN": ServedType("boolean", "boolean"),
    "TINYINT": ServedType("smallint", "int2"),
    "UTINYINT": ServedType("smallint", "int2"),
    "SMALLINT": ServedType("smallint", "int2"),
    "USMALLINT": ServedType("integer", "int4"),
    "INTEGER": ServedType("integer", "int4"),
    "UINTEGER": ServedType("bigint", "int8"),
    "BIGINT": ServedType("bigint", "int8"),
    # What sum() of whole numbers gives in DuckDB.
    "HUGEINT": ServedType("numeric(38, 0)", "numeric", _WHOLE),
    "UBIGINT": ServedType("numeric(20, 0)", "numeric", _WHOLE),
    "UHUGEINT": ServedType("numeric(38, 0)", "numeric", _WHOLE),
    "FLOAT": ServedType("real", "float4"),
    "DOUBLE": ServedType("double precision", "float8"),
    "VARCHAR": ServedType("text", "text"),
    "JSON": ServedType("json", "text", "cast({} as varchar)"),
    "UUID": ServedType("uuid", "bytes", "unhex(replace(cast({} as varchar), '-', ''))"),
    "BLOB": ServedType("bytea", "bytes"),
    "DATE": ServedType("date", "date"),
    "TIMESTAMP": ServedType("timestamp", "timestamp"),
    "TIMESTAMP_S": ServedType("timestamp", "timestamp", _MICROSECONDS),
    "TIMESTAMP_MS": ServedType("timestamp", "timestamp", _MICROSECONDS),
    # To the microsecond, as PostgreSQL has it.
    "TIMESTAMP_NS": ServedType("timestamp", "timestamp", _MICROSECONDS),
    "TIMESTAMP WITH TIME ZONE": ServedType("timestamptz", "timestamp"),
    "TIME": ServedType("time", "time"),
    "INTERVAL": ServedType("interval", "interval"),
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)\Z")


def served_type(table: str, column: str, duckdb_type: str) -> ServedType:
    """Return how a column is served.

    Raises:
        TypeNotServed: nobody has said how.
    """
    found = _TYPES.get(duckdb_type)
    if found is not None:
        return found
    if duckdb_type.startswith("ENUM("):
        return ServedType("text", "text", "cast({} as varchar)")
    if number := _DECIMAL.match(duckdb_type):
        precision, scale = map(int, number.groups())
        return ServedType(f"numeric({precision}, {scale})", "numeric", scale=scale)
    shown = duckdb_type if len(duckdb_type) < 60 else f"{duckdb_type[:60]}…"
    raise TypeNotServed(
        f"marts.{table}.{column} is of type {shown}, and nobody has said how that is "
        "served in PostgreSQL, so nothing was published and readers keep the snapshot "
        "they have. Cast it in the mart to a type that is served (a list or struct to "
        "text, or one row an item), or say how in publishing/served_types.py."
    )
