"""Lineage of queries put together at random, whose answers are known as they are made.

The makers below build a query and its lineage side by side, each from the parts alone;
the tracer has to find the same by reading the SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import duckdb
import pytest

from edp_platform.governance.column_lineage import UNNAMED, ColumnKey, Origins
from edp_platform.governance.lineage_tracing import trace

SOURCES = {("raw", "t"): ["a", "b", "c"], ("raw", "u"): ["d", "e", "f"]}
MODEL = ("marts", "m")
Keys = frozenset[ColumnKey]


@dataclass(frozen=True)
class Made:
    """A query and what it is known to derive from.

    Attributes:
        sql: a SELECT.
        columns: name → columns it is made of, columns that decide it alone.
        rows: columns that decide its rows.
    """

    sql: str
    columns: dict[str, tuple[Keys, Keys]]
    rows: Keys


class Maker:
    """Makes queries; each name is new, so that no name can help by chance."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.made = 0

    def name(self) -> str:
        self.made += 1
        return f"n{self.made}"

    def query(self, depth: int) -> Made:
        if depth == 0:
            return self.table()
        kinds = [
            self.projected,
            self.filtered,
            self.grouped,
            self.windowed,
            self.united,
            self.joined,
            self.existing,
            self.with_value,
            self.starred,
        ]
        return self.random.choice(kinds)(depth - 1)

    def table(self) -> Made:
        (schema, table), names = self.random.choice([*SOURCES.items()])
        columns = {
            self.name(): (frozenset([(schema, table, name)]), frozenset[ColumnKey]())
            for name in names
        }
        items = ", ".join(
            f"{one} as {alias}" for one, alias in zip(names, columns, strict=True)
        )
        return Made(f"select {items} from {schema}.{table}", columns, frozenset())

    def read(self, made: Made) -> tuple[str, str, str]:
        """Return (WITH clause, what stands in FROM, its alias)."""
        alias = self.name()
        if self.random.random() < 0.5:
            return f"with {alias} as ({made.sql}) ", alias, alias
        return "", f"({made.sql}) as {alias}", alias

    def pick(self, made: Made) -> str:
        return self.random.choice([*made.columns])

    def projected(self, depth: int) -> Made:
        made = self.query(depth)
        clause, source, alias = self.read(made)
        columns, items = {}, []
        for _ in range(self.random.randint(1, 3)):
            one, two = self.pick(made), self.pick(made)
            pattern, used = self.random.choice(
                [
                    ("{one}", (one,)),
                    ("upper({one})", (one,)),
                    ("{one} || {two}", (one, two)),
                    ("coalesce({one}, {two})", (one, two)),
                    ("case when {one} > 'k' then {two} else 'z' end", (one, two)),
                    ("array_to_string([{one}, {two}], '')", (one, two)),
                    ("struct_pack(x := {one})['x']", (one,)),
                ]
            )
            new = self.name()
            value = pattern.format(one=f"{alias}.{one}", two=f"{alias}.{two}")
            items.append(f"{value} as {new}")
            columns[new] = _all(made, used)
        sql = f"{clause}select {', '.join(items)} from {source}"
        return Made(sql, columns, made.rows)

    def starred(self, depth: int) -> Made:
        made = self.query(depth)
        clause, source, _ = self.read(made)
        gone, new = self.pick(made), self.name()
        if len(made.columns) > 1 and self.random.random() < 0.5:
            kept = {name: one for name, one in made.columns.items() if name != gone}
            return Made(
                f"{clause}select * exclude ({gone}) from {source}", kept, made.rows
            )
        renamed = {
            (new if name == gone else name): one for name, one in made.columns.items()
        }
        sql = f"{clause}select * rename ({gone} as {new}) from {source}"
        return Made(sql, renamed, made.rows)

    def filtered(self, depth: int) -> Made:
        made = self.query(depth)
        clause, source, alias = self.read(made)
        by = self.pick(made)
        sql = f"{clause}select * from {source} where {alias}.{by} > 'k'"
        return Made(sql, made.columns, made.rows | _both(made, [by]))

    def grouped(self, depth: int) -> Made:
        made = self.query(depth)
        clause, source, alias = self.read(made)
        by, of = self.pick(made), self.pick(made)
        key, most, count = self.name(), self.name(), self.name()
        how = self.random.choice(["1", "all", f"{alias}.{by}"])
        sql = (
            f"{clause}select {alias}.{by} as {key}, max({alias}.{of}) as {most}, "
            f"cast(count(*) as varchar) as {count} from {source} group by {how}"
        )
        columns = {
            key: made.columns[by],
            most: made.columns[of],
            count: (frozenset[ColumnKey](), frozenset[ColumnKey]()),
        }
        return Made(sql, columns, made.rows | _both(made, [by]))

    def windowed(self, depth: int) -> Made:
        made = self.query(depth)
        clause, source, alias = self.read(made)
        of, by, order = self.pick(made), self.pick(made), self.pick(made)
        new = self.name()
        over = f"partition by {alias}.{by} order by {alias}.{order}"
        if self.random.random() < 0.5:
            value, window = f"lag({alias}.{of}) over w", f" window w as ({over})"
        else:
            value, window = f"lag({alias}.{of}) over ({over})", ""
        direct, indirect = made.columns[of]
        columns = {new: (direct, indirect | _both(made, [by, order]))}
        sql = f"{clause}select {value} as {new} from {source}{window}"
        return Made(sql, columns, made.rows)

    def united(self, depth: int) -> Made:
        left, right = self.query(depth), self.query(depth)
        width = min(len(left.columns), len(right.columns))
        columns, parts = {}, []
        firsts, seconds = [*left.columns][:width], [*right.columns][:width]
        for first, second in zip(firsts, seconds, strict=True):
            new = self.name()
            parts.append((first, new))
            one, two = left.columns[first], right.columns[second]
            columns[new] = (one[0] | two[0], one[1] | two[1])
        left_items = ", ".join(f"{one} as {new}" for one, new in parts)
        right_items = ", ".join(seconds)
        sql = (
            f"select {left_items} from ({left.sql}) as {self.name()} union all "
            f"select {right_items} from ({right.sql}) as {self.name()}"
        )
        return Made(sql, columns, left.rows | right.rows)

    def joined(self, depth: int) -> Made:
        left, right = self.query(depth), self.query(depth)
        one, two = self.name(), self.name()
        by, to = self.pick(left), self.pick(right)
        kind = self.random.choice(["join", "left join", "semi join"])
        columns = dict(left.columns)
        if kind != "semi join":
            columns |= right.columns
        sql = (
            f"select * from ({left.sql}) as {one} {kind} ({right.sql}) as {two} "
            f"on {one}.{by} = {two}.{to}"
        )
        rows = left.rows | right.rows | _both(left, [by]) | _both(right, [to])
        return Made(sql, columns, rows)

    def existing(self, depth: int) -> Made:
        made, other = self.query(depth), self.query(0)
        clause, source, alias = self.read(made)
        within, by, to = self.name(), self.pick(made), self.pick(other)
        sql = (
            f"{clause}select {alias}.* from {source} where exists (select 1 from "
            f"({other.sql}) as {within} where {within}.{to} = {alias}.{by})"
        )
        rows = made.rows | other.rows | _both(made, [by]) | _both(other, [to])
        return Made(sql, made.columns, rows)

    def with_value(self, depth: int) -> Made:
        made, other = self.query(depth), self.query(depth)
        clause, source, alias = self.read(made)
        kept, of, within = self.pick(made), self.pick(other), self.name()
        first, second = self.name(), self.name()
        sql = (
            f"{clause}select {alias}.{kept} as {first}, (select max({within}.{of}) "
            f"from ({other.sql}) as {within}) as {second} from {source}"
        )
        direct, indirect = other.columns[of]
        columns = {
            first: made.columns[kept],
            second: (direct, indirect | other.rows),
        }
        return Made(sql, columns, made.rows)


def _all(made: Made, names: tuple[str, ...]) -> tuple[Keys, Keys]:
    found = [made.columns[name] for name in names]
    return (
        frozenset().union(*(one for one, _ in found)),
        frozenset().union(*(two for _, two in found)),
    )


def _both(made: Made, names: list[str]) -> Keys:
    direct, indirect = _all(made, tuple(names))
    return direct | indirect


@pytest.fixture(scope="module")
def engine() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("create schema raw")
    for (schema, table), names in SOURCES.items():
        columns = ", ".join(f"{name} varchar" for name in names)
        connection.execute(f"create table {schema}.{table} ({columns})")
    return connection


@pytest.mark.parametrize("first", range(0, 400, 50))
def test_finds_what_made_up_queries_derive_from(
    first: int, engine: duckdb.DuckDBPyConnection
) -> None:
    for seed in range(first, first + 50):
        made = Maker(seed).query(1 + seed % 5)
        # DuckDB itself must understand the query, or it proves nothing.
        assert engine.sql(made.sql).columns == [*made.columns], (seed, made.sql)
        lineage = trace({MODEL: made.sql}, SOURCES)
        traced = lineage[MODEL]
        assert (traced.untraced, traced.faults) == ((), ()), (seed, made.sql)
        origins = Origins(lineage)
        for name, (direct, indirect) in made.columns.items():
            found = origins.of((*MODEL, name))
            assert set(found.direct) == direct, (seed, name, made.sql)
            decided = {key for key in found.indirect if key[2] != UNNAMED}
            assert decided == indirect | made.rows, (seed, name, made.sql)
