"""Marts whose very counts disclose: reached through a function each, and no other way.

A mart is brokered where its dbt YAML says so, `config.meta.brokered: [COUNT, …]`, the
columns that count persons or events. Nobody holds a privilege on its table. Whoever has
a live grant on all of its columns may call `broker.NAME()`, which asks the entitlement
at the moment of the call, leaves out every row with a count of 1 to 9, and tells the
server's log how many rows it gave. The planner knows a function by a constant, so that
EXPLAIN estimates nothing.

The threshold of 10 is the one of police and health statistics (governance.md 6;
ONS, "Policy on protecting confidentiality in tables of birth and death statistics").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edp_platform.access.naming import BROKER, GOV, OWNER, PUBLISHED, literal, quoted

#: The smallest count that is given, beside nought.
SMALLEST = 10
#: How the server's log tells how many rows were given (`auditing.raw_log` reads it).
SAID = "edp broker gave"
SEARCH_PATH = "search_path=pg_catalog, pg_temp"
_TAG = "$broker$"


@dataclass(frozen=True)
class BrokerFunction:
    """The function through which one mart is reached.

    Attributes:
        mart: its name, which is the function's too.
        columns: (name, type as the catalogue spells it), in order.
        counts: the columns that count; one that the mart has not shuts it.
    """

    mart: str
    columns: tuple[tuple[str, str], ...]
    counts: tuple[str, ...]

    @property
    def signature(self) -> str:
        """Schema, name and types, as `Live.functions` names it."""
        return f"{BROKER}.{self.mart}()"

    @property
    def returns(self) -> str:
        """What it returns, as the catalogue spells it but for quotes."""
        columns = ", ".join(f"{name} {kind}" for name, kind in self.columns)
        return f"TABLE({columns})"

    @property
    def body(self) -> str:
        """Its text, in PL/pgSQL: only there can a function say something to the log.

        Every name carries its schema. Row security of the table holds within it, keyed
        on who is signed in, so that limits on rows hold too.
        """
        names = [name for name, _ in self.columns]
        every = ", ".join(literal(one) for one in names)
        given = ", ".join(quoted(one) for one in names)
        kept = " and ".join(
            f"coalesce({quoted(one)} <= 0 or {quoted(one)} >= {SMALLEST}, true)"
            for one in self.counts
        )
        return f"""
#variable_conflict use_column
declare
    given bigint;
begin
    if session_user <> current_user and not (
        {GOV}.may_read({literal(self.mart)}) and not exists (
            select from unnest(array[{every}]::text[]) as asked (name)
            where not exists (
                select from {GOV}.column_grant as c
                where c.login = session_user::text and c.mart = {literal(self.mart)}
                  and c.column_name = asked.name)))
    then
        raise insufficient_privilege using
            message = 'permission denied for function {self.mart}',
            hint = 'Who has a live grant on the whole mart may: edp access me.';
    end if;
    return query select {given} from {PUBLISHED}.{quoted(self.mart)} where {kept};
    get diagnostics given = row_count;
    raise log '{SAID} % rows', given;
end
"""

    @property
    def statements(self) -> tuple[str, ...]:
        """What makes it; what it returns cannot be replaced, so it is made anew."""
        whole = f"{quoted(BROKER)}.{quoted(self.mart)}"
        columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in self.columns)
        says = (
            f"The rows of {self.mart}, without those of which a count is 1 to "
            f"{SMALLEST - 1}, for who has a live grant on all of it. Each call is logged."
        )
        return (
            f"drop function if exists {whole}()",
            f"create function {whole}() returns table ({columns}) language plpgsql "
            "volatile parallel restricted security definer "
            f"set search_path = pg_catalog, pg_temp as {_TAG}{self.body}{_TAG}",
            f"alter function {whole}() owner to {OWNER}",
            f"comment on function {whole}() is {literal(says)}",
            f"revoke all on function {whole}() from public",
        )


def functions_of(
    brokered: Mapping[str, Sequence[str]],
    tables: Mapping[str, Sequence[tuple[str, str]]],
) -> tuple[BrokerFunction, ...]:
    """Return the functions there should be: one for each brokered mart that stands.

    A mart that names no count of its own gets none, and stays shut.

    Args:
        brokered: mart → the columns that count.
        tables: mart → (column, type) as they stand in schema `marts`.
    """
    return tuple(
        BrokerFunction(name, tuple(tables[name]), tuple(counts))
        for name, counts in sorted(brokered.items())
        if name in tables
        and counts
        and {*counts} <= {column for column, _ in tables[name]}
    )


def brokered_marts(rows: Sequence[tuple[object, ...]]) -> dict[str, tuple[str, ...]]:
    """Return mart → the columns that count, out of rows of `gov.mart`."""
    return {
        str(mart): tuple(counts)  # type: ignore[arg-type]
        for mart, _, counts in rows
        if counts is not None
    }


def declared_counts(said: object) -> tuple[str, ...] | None:
    """Return the counts that `config.meta.brokered` names; None: it is not brokered.

    `true`, or a single word, is brokered and shut: a slip opens nothing.
    """
    if said is None or said is False:
        return None
    if isinstance(said, list | tuple):
        return tuple(sorted({str(one) for one in said}))
    return ()
