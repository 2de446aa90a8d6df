"""Arrow tables in the binary form of PostgreSQL's COPY, without a loop over rows.

The form (PostgreSQL manual, COPY, "Binary Format"): a header; for each row the number of
fields, then each field as its length and its bytes, big end first; a trailer. Every
column is made into such fields at once, and Arrow joins them row by row.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

from edp_platform.publishing.served_types import ServedType

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)

#: Days and microseconds from 1970 to 2000, where PostgreSQL counts from.
_DAYS = 10_957
_MICROSECONDS = _DAYS * 86_400 * 1_000_000
_NULL_LENGTH = b"\xff\xff\xff\xff"
_FIXED = {
    "boolean": "u1",
    "int2": ">i2",
    "int4": ">i4",
    "int8": ">i8",
    "float4": ">f4",
    "float8": ">f8",
    "date": ">i4",
    "timestamp": ">i8",
    "time": ">i8",
}
_DIGITS = 10_000


def encoded(batch: pa.RecordBatch, types: Sequence[ServedType]) -> memoryview:
    """Return the rows of a batch, ready to be sent between header and trailer.

    Args:
        batch: at most some hundred thousand rows (their bytes must stay below 2 GB).
        types: how each column is served.

    Raises:
        pa.ArrowException: a column is not of the Arrow type that its served type has.
    """
    fields: list[Any] = []
    start = struct.pack(">h", len(types))
    waiting: list[NDArray[np.uint8]] = []
    rows = batch.num_rows

    def settle() -> None:
        if waiting:
            fields.append(_as_binary(np.concatenate(waiting, axis=1)))
            waiting.clear()

    waiting.append(np.broadcast_to(np.frombuffer(start, np.uint8), (rows, len(start))))
    for column, served in zip(batch.columns, types, strict=True):
        if served.form in _FIXED and not column.null_count:
            waiting.append(_fixed(column, served))
            continue
        settle()
        if served.form in _FIXED:
            fields.append(_with_nulls(_fixed(column, served), _is_null(column)))
        elif served.form in ("text", "bytes"):
            fields += _lengths_and_bytes(column)
        elif served.form == "numeric":
            fields.append(_with_nulls(_numeric(column, served.scale), _is_null(column)))
        else:
            fields.append(_with_nulls(_interval(column), _is_null(column)))
    settle()
    joined = (
        fields[0]
        if len(fields) == 1
        else pc.binary_join_element_wise(*fields, pa.scalar(b"", pa.binary()))
    )
    _, offsets, data = joined.buffers()
    ends = np.frombuffer(offsets, np.int32)[joined.offset :]
    return memoryview(data)[ends[0] : ends[rows]]


def _is_null(column: pa.Array) -> NDArray[np.bool_]:
    return column.is_null().to_numpy(zero_copy_only=False)


def _fixed(column: pa.Array, served: ServedType) -> NDArray[np.uint8]:
    """Return the fields of a column of one width, a row of bytes each; nulls as zero."""
    kind = np.dtype(_FIXED[served.form])
    fields = np.empty(len(column), np.dtype([("length", ">i4"), ("value", kind)]))
    fields["length"] = kind.itemsize
    fields["value"] = _values(column, served.form)
    return fields.view(np.uint8).reshape(len(column), -1)


def _values(column: pa.Array, form: str) -> NDArray[Any]:
    if form == "boolean":
        return column.cast(pa.uint8()).fill_null(0).to_numpy()
    if form == "date":
        days = column.cast(pa.int32()).fill_null(0).to_numpy()
        return _shifted(days, _DAYS)
    if form == "timestamp":
        return _shifted(column.cast(pa.int64()).fill_null(0).to_numpy(), _MICROSECONDS)
    if form == "time":
        return column.cast(pa.int64()).fill_null(0).to_numpy()
    return column.fill_null(0).to_numpy()


def _shifted(values: NDArray[Any], by: int) -> NDArray[Any]:
    """Count from 2000; "infinity" is the largest number in both, "-infinity" not."""
    limits = np.iinfo(values.dtype)
    shifted = values - values.dtype.type(by)
    shifted[values == limits.max] = limits.max
    shifted[values == -limits.max] = limits.min
    return shifted


def _as_binary(fields: NDArray[np.uint8]) -> pa.Array:
    rows, width = fields.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    return _binary(offsets, np.ascontiguousarray(fields))


def _binary(offsets: NDArray[np.int32], data: NDArray[np.uint8]) -> pa.Array:
    return pa.Array.from_buffers(
        pa.binary(),
        len(offsets) - 1,
        [None, pa.py_buffer(offsets), pa.py_buffer(data)],
    )


def _with_nulls(fields: NDArray[np.uint8], is_null: NDArray[np.bool_]) -> pa.Array:
    """Return fields where a null is its length alone, which is -1."""
    if not is_null.any():
        return _as_binary(fields)
    rows, width = fields.shape
    fields[is_null, :4] = 0xFF
    kept = np.ones((rows, width), bool)
    kept[is_null, 4:] = False
    offsets = np.zeros(rows + 1, np.int32)
    np.cumsum(np.where(is_null, 4, width), out=offsets[1:])
    return _binary(offsets, fields[kept])


def _lengths_and_bytes(column: pa.Array) -> list[pa.Array]:
    """Return the lengths of texts as fields, and their bytes."""
    values = column.cast(pa.binary())
    lengths = pc.binary_length(values).fill_null(-1).to_numpy().astype(">i4")
    if values.null_count:
        values = values.fill_null(b"")
    return [_as_binary(lengths.view(np.uint8).reshape(-1, 4)), values]


def _numeric(column: pa.Array, scale: int) -> NDArray[np.uint8]:
    """Return numbers as digits to the base 10,000, as many for each as the longest has.

    PostgreSQL drops leading and trailing zero digits as it reads them.
    """
    numbers = _unscaled(column)
    padding = -scale % 4
    fraction = (scale + padding) // 4
    negative = numbers < 0
    rest = np.abs(numbers)
    if rest.dtype != object and int(rest.max(initial=0)) > 2**63 // 10**padding - 1:
        rest = rest.astype(object)
    rest = rest * 10**padding
    digits: list[NDArray[np.int64]] = []
    while not digits or len(digits) <= fraction or rest.any():
        digits.append((rest % _DIGITS).astype(np.int64))
        rest = rest // _DIGITS
    count = len(digits)
    fields = np.empty(
        len(column),
        np.dtype(
            [
                *(("length", ">i4"), ("count", ">i2"), ("weight", ">i2")),
                *(("sign", ">u2"), ("scale", ">u2"), ("digits", ">i2", (count,))),
            ]
        ),
    )
    fields["length"] = 8 + 2 * count
    fields["count"] = count
    fields["weight"] = count - fraction - 1
    fields["sign"] = np.where(negative, 0x4000, 0)
    fields["scale"] = scale
    fields["digits"] = np.stack(digits[::-1], axis=1)
    return fields.view(np.uint8).reshape(len(column), -1)


def _unscaled(column: pa.Array) -> NDArray[Any]:
    """Return decimals as whole numbers of their last digit; nulls as zero."""
    wide = column.cast(pa.decimal128(38, column.type.scale))
    halves = np.frombuffer(wide.buffers()[1], np.int64).reshape(-1, 2)
    low, high = halves[wide.offset : wide.offset + len(wide)].T
    is_null = _is_null(column)
    if np.all(is_null | ((low >> 63) == high)) and not np.any(low == -(2**63)):
        return np.where(is_null, 0, low)
    whole = high.astype(object) * 2**64 + low.view(np.uint64).astype(object)
    return np.where(is_null, 0, whole)


def _interval(column: pa.Array) -> NDArray[np.uint8]:
    fields = np.zeros(
        len(column),
        np.dtype(
            [
                *(("length", ">i4"), ("microseconds", ">i8")),
                *(("days", ">i4"), ("months", ">i4")),
            ]
        ),
    )
    stored = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])
    given = np.frombuffer(column.buffers()[1], stored)
    given = given[column.offset : column.offset + len(column)]
    fields["length"] = 16
    fields["microseconds"] = given["nanoseconds"] // 1000
    fields["days"] = given["days"]
    fields["months"] = given["months"]
    return fields.view(np.uint8).reshape(len(column), -1)
