"""What the database should hold: registers, contracts and marts compiled to plain values.

Pure: nothing here reads a file or a clock. A grant that a rule refuses yields nothing,
and the refusals are kept, so that people are told what is missing and who puts it right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from edp_platform.access.holders import Holder, Holders
from edp_platform.access.marts import DataSetState, Mart, MartColumn
from edp_platform.access.naming import NoSuchLogin, role_of
from edp_platform.access.rules import (
    Asked,
    processing_until,
    recertified_until,
    refusals,
)
from edp_platform.governance.records.dpia import Dpia
from edp_platform.governance.records.grant import Grant
from edp_platform.governance.records.supplier import Supplier
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.registers import Registers
from edp_platform.governance.supplier_rules import supplier_complete

#: One row of a table of `gov`: its values in the order of the table's columns.
Row = tuple[object, ...]
#: When somebody who has not left will have.
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Facts:
    """What grants are judged by, beside the registers.

    Attributes:
        marts: mart → what it is.
        states: data set → whether its DPIA lets it be seen.
        dpias: data set → its DPIA; one that cannot be relied on is not there.
        owners: data set → the information asset owner who answers for it.
    """

    marts: Mapping[str, Mart]
    states: Mapping[str, DataSetState]
    dpias: Mapping[str, Dpia] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """One grant on one mart, and what refuses it today; nothing: it is live.

    Attributes:
        grant: the record.
        holder: who it is for; None where nobody has the id.
        mart: the mart's name.
        columns: those of the mart that it names.
        refusals: why it opens nothing.
    """

    grant: Grant
    holder: Holder | None
    mart: str
    columns: tuple[MartColumn, ...]
    refusals: tuple[Refusal, ...] = ()

    @property
    def is_live(self) -> bool:
        """Whether it opens the mart today."""
        return not self.refusals


@dataclass(frozen=True)
class Declared:
    """What the database should hold.

    Attributes:
        logins: role → whether it may sign in: everybody with a live grant may.
        state: table of `gov` → its rows.
        judged: each grant on each mart, live or refused.
    """

    logins: Mapping[str, bool]
    state: Mapping[str, frozenset[Row]]
    judged: tuple[Judged, ...]

    @property
    def column_grants(self) -> frozenset[tuple[str, str, str]]:
        """(login, mart, column) of each column that may be selected."""
        return self.state["column_grant"]  # type: ignore[return-value]

    @property
    def limited(self) -> Mapping[str, tuple[str, ...]]:
        """Mart → the columns by whose values some grant limits its rows."""
        return limited_columns(self.state["row_limit"])


def limited_columns(rows: Iterable[Row]) -> dict[str, tuple[str, ...]]:
    """Return mart → the columns that limit its rows, out of rows of `gov.row_limit`."""
    found: dict[str, set[str]] = {}
    for _, mart, column, _ in rows:
        found.setdefault(str(mart), set()).add(str(column))
    return {mart: tuple(sorted(columns)) for mart, columns in found.items()}


def declare(registers: Registers, facts: Facts, today: date) -> Declared:
    """Compile the registers to what the database should hold on a day.

    Args:
        registers: the force's people, suppliers and grants.
        facts: the marts and the DPIAs beneath them.
        today: the day; from the next on it is to be compiled anew.
    """
    judged = judge(registers, facts, today)
    live = [one for one in judged if one.is_live]
    roles: dict[str, bool] = {}
    for one in judged:
        if one.holder is not None and _may_have_login(one.holder):
            role = role_of(one.holder.id)
            roles[role] = roles.get(role, False) or one.is_live
    state: dict[str, frozenset[Row]] = {
        "login": frozenset(
            _login(one.holder)
            for one in judged
            if one.holder is not None and one.holder.id in roles
        ),
        "supplier_state": frozenset(_suppliers(registers, today)),
        "data_set_state": frozenset(
            (one.data_set, one.dpia, one.is_open, after(one.good_until))
            for one in facts.states.values()
        ),
        "mart": frozenset(
            (
                one.name,
                not one.refusals,
                None if one.counts is None else _list(one.counts),
            )
            for one in facts.marts.values()
        ),
        "mart_source": frozenset(
            (mart.name, one.data_set, not one.refusals, _list(one.purposes))
            for mart in facts.marts.values()
            for one in mart.sources
        ),
        "entitlement": frozenset(_entitlement(one, today) for one in live),
        "row_limit": frozenset(
            (one.grant.id, one.mart, column, _list(values))
            for one in live
            for column, values in one.grant.rows.items()
        ),
        "column_grant": frozenset(
            (str(one.grant.person), one.mart, column.name)
            for one in live
            for column in one.columns
        ),
    }
    return Declared(roles, state, judged)


def judge(registers: Registers, facts: Facts, today: date) -> tuple[Judged, ...]:
    """Return each grant on each mart it names, with what refuses it on a day."""
    holders = Holders(registers)
    grants = [*registers.grants.values()]
    found = []
    for grant in grants:
        holder = holders.get(grant.person)
        firm = _firm(holder, registers.suppliers.values())
        for mart, columns, wrong in _chosen(grant, facts.marts):
            asked = Asked(grant, holder, mart, columns, facts.states, today)
            found.append(
                Judged(
                    grant,
                    holder,
                    mart.name,
                    columns,
                    (
                        *wrong,
                        *_unnameable(grant, holder),
                        *refusals(
                            asked,
                            grants=grants,
                            firm=firm,
                            people=registers.people,
                            suppliers=registers.suppliers,
                            purposes=registers.purposes,
                            dpias=facts.dpias,
                        ),
                    ),
                )
            )
    return tuple(found)


def _chosen(
    grant: Grant, marts: Mapping[str, Mart]
) -> Iterator[tuple[Mart, tuple[MartColumn, ...], tuple[Refusal, ...]]]:
    """Yield the marts a grant names, its columns of each, and what it names wrongly."""
    if grant.is_every_mart:
        names = [one.name for one in marts.values() if one.admits(grant.purposes)]
    elif grant.data_sets:
        asked = frozenset(grant.data_sets)
        names = [
            one.name
            for one in marts.values()
            if one.data_sets and one.data_sets <= asked
        ]
    else:
        names = grant.marts
    for name in sorted(names):
        mart = marts.get(name)
        if mart is None:
            said = f"The grant {grant.id} names {name}, and there is no such mart."
            yield Mart(name, ()), (), (_misnamed(said),)
            continue
        columns = tuple(
            one
            for one in mart.columns
            if one.name in grant.columns
            or one.identifier_class in grant.identifier_classes
        )
        unknown = [
            one for one in (*grant.columns, *grant.rows) if one not in mart.by_name
        ]
        wrong = []
        if unknown:
            wrong.append(
                _misnamed(
                    f"The grant {grant.id} names {', '.join(unknown)}, and {name} has "
                    "no such column."
                )
            )
        elif not columns:
            wrong.append(_misnamed(f"The grant {grant.id} gives no column of {name}."))
        elif mart.is_brokered:
            wrong += _not_whole(grant, mart, columns)
        yield mart, columns, tuple(wrong)


def _not_whole(
    grant: Grant, mart: Mart, columns: tuple[MartColumn, ...]
) -> Iterator[Refusal]:
    """Yield why a grant opens nothing of a brokered mart: its function gives whole rows."""
    if not mart.counts or not {*mart.counts} <= {*mart.by_name}:
        yield Refusal(
            "grant-names",
            f"{mart.name} is brokered, and names no column of its own that counts.",
            "Small counts are left out, so it must be known which columns count.",
            "Name them in the model's YAML: config.meta.brokered: [COUNT, …].",
            18,
        )
    missing = [one.name for one in mart.columns if one not in columns]
    if missing:
        yield Refusal(
            "grant-names",
            f"The grant {grant.id} leaves out {', '.join(missing)} of {mart.name}, "
            "which is brokered.",
            "Its function gives whole rows, or none.",
            "Name all its columns, by identifier_classes or columns.",
            18,
        )


def _misnamed(said: str) -> Refusal:
    return Refusal(
        "grant-names",
        said,
        "What is granted must be known to the letter.",
        "Name marts and columns that are published: edp access what MART.",
        18,
    )


def _unnameable(grant: Grant, holder: Holder | None) -> tuple[Refusal, ...]:
    if holder is None or _may_have_login(holder):
        return ()
    said = f"The id {grant.person} cannot name a login of the database."
    return (
        Refusal(
            "grant-person",
            said,
            "Each person signs in as themselves.",
            "Give them another id.",
            18,
        ),
    )


def _may_have_login(holder: Holder) -> bool:
    try:
        role_of(holder.id)
    except NoSuchLogin:
        return False
    return True


def _firm(holder: Holder | None, suppliers: Iterable[Supplier]) -> frozenset[str]:
    """Return the ids of a firm's people, under whatever record, and of namesakes there.

    A second record for one firm, or a second id for one person, would else begin six
    months anew.
    """
    if holder is None or holder.supplier is None:
        return frozenset()
    firm, person = _same(holder.supplier.name), _same(holder.name)
    return frozenset(
        one.id
        for supplier in suppliers
        for one in supplier.people
        if one.id is not None
        and (_same(supplier.name) == firm or _same(one.name) == person)
    )


def _same(name: str) -> str:
    return "".join(one for one in name.casefold() if one.isalnum())


def start_of(day: date) -> datetime:
    """Return the moment at which a day begins, here."""
    return datetime.combine(day, time.min).astimezone()


def after(day: date | None) -> datetime | None:
    """Return the moment at which a day is over, here; None where there is no day."""
    return start_of(day + timedelta(days=1)) if day is not None else None


def _list(values: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _login(holder: Holder) -> Row:
    return (
        role_of(holder.id),
        holder.id,
        holder.supplier.id if holder.supplier else None,
        start_of(holder.left) if holder.left else _NEVER,
        after(holder.training_until),
        after(holder.vetted_until),
    )


def _suppliers(registers: Registers, today: date) -> Iterator[Row]:
    for supplier in registers.suppliers.values():
        # People who lack a form are refused one by one; the firm is not.
        firm = {
            supplier.id: supplier.model_copy(update={"people": supplier.people[:0]})
        }
        wrong = [
            one
            for one in supplier_complete(supplier.id, firm, today)
            if "names no people" not in one.missing
        ]
        closed = supplier.closed is not None and supplier.closed.on <= today
        if wrong or closed:
            continue
        yield (
            supplier.id,
            start_of(supplier.starts),
            after(supplier.ends),
            after(processing_until(supplier)),
        )


def _entitlement(one: Judged, today: date) -> Row:
    grant = one.grant
    looked = (
        after(recertified_until(grant, today)) if grant.kind == "contract" else None
    )
    return (
        grant.id,
        grant.person,
        one.mart,
        grant.kind,
        _list([column.name for column in one.columns]),
        _list([column.name for column in one.columns if column.is_personal]),
        _list(grant.purposes),
        start_of(grant.starts),
        after(grant.last_day),
        looked,
    )


def without(declared: Declared, logins: Collection[str]) -> Declared:
    """Return what is declared of everybody but some."""
    gone = frozenset(logins)
    if not gone:
        return declared
    grants = {one.grant.id for one in declared.judged if one.grant.person in gone}

    def kept(table: str, place: int, names: Collection[str] = gone) -> frozenset[Row]:
        return frozenset(
            row for row in declared.state[table] if row[place] not in names
        )

    return replace(
        declared,
        logins={role: may for role, may in declared.logins.items() if role not in gone},
        state={
            **declared.state,
            "login": kept("login", 0),
            "entitlement": kept("entitlement", 1),
            "row_limit": kept("row_limit", 0, grants),
            "column_grant": kept("column_grant", 0),
        },
    )
