"""Repeatable random numbers as polars columns.

The numbers come from the SplitMix64 sequence, worked out with plain 64-bit arithmetic.
``Expr.hash`` and ``Expr.sample`` would be shorter, but polars promises the same values
only within one of its versions, and the sample must be the same bytes after an upgrade.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import polars as pl
import pyarrow as pa

_GOLDEN = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB
_MASK = (1 << 64) - 1
_TO_UNIT = 2.0**-53


def _constant(value: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.UInt64)


# Made once: a sample takes thousands of small draws.
_MULTIPLIERS = [_constant(value) for value in (_GOLDEN, _FIRST, _SECOND)]
_DIVISORS = [_constant(1 << bits) for bits in (30, 27, 31, 11)]


def _mixed(index: pl.Expr, key: int) -> pl.Expr:
    golden, first, second = _MULTIPLIERS
    by_30, by_27, by_31, _ = _DIVISORS
    value = index * golden + _constant(key)
    value = (value ^ (value // by_30)) * first
    value = (value ^ (value // by_27)) * second
    return value ^ (value // by_31)


class Draws:
    """One named stream of random numbers.

    Streams with different names are independent, so adding a column to one file does
    not change any other file.
    """

    def __init__(self, seed: int, *scope: str | int):
        """Name the stream.

        Args:
            seed: The seed of the whole sample.
            scope: What the numbers are for, such as ``"street", "sample-force", 3``.
        """
        self._prefix = "|".join(str(part) for part in (seed, *scope))

    def _key(self, name: str) -> int:
        digest = hashlib.blake2b(f"{self._prefix}|{name}".encode(), digest_size=8)
        return int.from_bytes(digest.digest(), "little")

    def frame(self, rows: int, *names: str) -> pl.DataFrame:
        """Return a frame of numbers in [0, 1), one Float64 column a name."""
        index = pl.DataFrame({"index": pl.int_range(rows, dtype=pl.UInt64, eager=True)})
        return index.select(
            (_mixed(pl.col("index"), self._key(name)) // _DIVISORS[3])
            .cast(pl.Float64)
            .mul(_TO_UNIT)
            .alias(name)
            for name in names
        )

    def hex_identifiers(self, rows: int) -> pl.Series:
        """Return ``rows`` different texts of 64 hexadecimal characters."""
        index = pl.DataFrame(
            {"index": pl.int_range(rows * 4, dtype=pl.UInt64, eager=True)}
        )
        words = index.select(_mixed(pl.col("index"), self._key("id"))).to_series()
        if rows == 0:
            return pl.Series([], dtype=pl.String)
        # Four 64-bit words lie side by side in memory: read as one 32-byte value they
        # need no text handling a row.
        values = words.rechunk().to_arrow().buffers()[1]
        packed = pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(32), rows, [None, values]
        )
        return pl.Series(pl.from_arrow(packed)).bin.encode("hex")

    def seed_of(self, name: str) -> int:
        """Return a seed for what makes streams of its own."""
        return self._key(name)

    def number(self, name: str) -> float:
        """Return one number in [0, 1)."""
        value = (self._key(name) + _GOLDEN) & _MASK
        value = ((value ^ (value >> 30)) * _FIRST) & _MASK
        value = ((value ^ (value >> 27)) * _SECOND) & _MASK
        return ((value ^ (value >> 31)) >> 11) * _TO_UNIT


def cumulative(shares: Sequence[float]) -> pl.Series:
    """Return the running sum of the shares, scaled so that the last is 1."""
    series = pl.Series(shares, dtype=pl.Float64).cum_sum()
    return series / series[-1]


def cumulative_by_group(shares_by_group: Sequence[Sequence[float]]) -> pl.Series:
    """Return the bounds of several groups as one ordered list.

    Shifting each group's bounds by its number lets one search serve all groups: give
    ``choose`` the sum of the group and the random number. The index then counts
    through the lists of all groups laid end to end.
    """
    return pl.concat(
        [cumulative(shares) + number for number, shares in enumerate(shares_by_group)]
    )


def choose(bounds: pl.Series, uniform: pl.Series) -> pl.Series:
    """Return the index (UInt32) of the first bound above each number.

    Args:
        bounds: From ``cumulative`` or ``cumulative_by_group``.
        uniform: Numbers from 0 to below the last bound.
    """
    found = bounds.search_sorted(uniform, side="right")
    return pl.Series(found).clip(upper_bound=len(bounds) - 1).cast(pl.UInt32)


def counts_from_means(means: pl.Expr, first: pl.Expr, second: pl.Expr) -> pl.Expr:
    """Turn expected counts into whole counts that vary about as counts do.

    Args:
        means: Expected counts.
        first: Numbers in [0, 1).
        second: Further numbers in [0, 1), independent of the first.

    Returns:
        Int64 counts of 0 and above.
    """
    spread = means.sqrt() * (first - 0.5) * 2.0
    return (means + spread).clip(lower_bound=0.0).add(second).floor().cast(pl.Int64)
