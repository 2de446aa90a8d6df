"""Making the database as declared: one transaction, looked at again before it commits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from edp_platform.access.brokering import brokered_marts, functions_of
from edp_platform.access.declared import Declared, limited_columns, without
from edp_platform.access.live import STATE, read_live, read_state
from edp_platform.access.naming import (
    BROKER,
    GOV,
    OWNER,
    PERSON_COMMENT,
    POLICY,
    READER,
    quoted,
)
from edp_platform.access.planning import (
    KEPT_SETTINGS,
    SETTINGS,
    Change,
    as_declared,
    policy_statement,
    taken,
)
from edp_platform.home import Home
from edp_platform.told import Told

if TYPE_CHECKING:
    from psycopg import Connection

#: How long to wait for a table that somebody reads, before their session is ended.
_PATIENCE = "1s"
#: One change may undo another: a table's privilege taken back takes its columns' along.
_ROUNDS = 3
#: A session as long as this would outlast what was allowed when it began. PostgreSQL 17
#: is the first that knows the setting.
_LONGEST_TRANSACTION = "15min"
_SINCE = 170_000


class NotAsDeclared(Told):
    """The database could not be made as declared; it stands as it stood."""


@dataclass(frozen=True)
class Applied:
    """What was put right.

    Attributes:
        changes: in the order in which they were made.
        ended: logins whose open sessions were ended.
        passwords: logins that had another password than the one kept here, and have
            that again. A new login is not among them.
    """

    changes: tuple[Change, ...]
    ended: tuple[str, ...]
    passwords: tuple[str, ...] = ()


def settings_of(connection: Connection[Any]) -> dict[str, str]:
    """Return what sessions of people begin with on this server.

    A managed server may keep `log_statement` and `temp_file_limit` to its provider;
    there the server's own audit (pgaudit) logs what people ask, and `docs/access.md`
    says how to turn it on.
    """
    found = dict(SETTINGS)
    if connection.info.server_version >= _SINCE:
        found["transaction_timeout"] = _LONGEST_TRANSACTION
    for name in KEPT_SETTINGS:
        row = connection.execute(
            "select rolsuper or has_parameter_privilege(%s, 'SET') "
            "from pg_roles where rolname = current_user",
            [name],
        ).fetchone()
        if row is None or not row[0]:
            del found[name]
    return found


def plan(connection: Connection[Any], declared: Declared) -> tuple[Change, ...]:
    """Return where the database differs from what is declared.

    Args:
        connection: as the administrator.
        declared: what it should hold.
    """
    return as_declared(declared, read_live(connection), settings_of(connection))


def apply(home: Home, connection: Connection[Any], declared: Declared) -> Applied:
    """Make the database as declared, all of it or nothing.

    Args:
        home: who keeps the passwords of the logins.
        connection: as the administrator, not in autocommit; committed at the end.
        declared: what it should hold.

    Raises:
        NotAsDeclared: something can be put right by a person alone.
        psycopg.Error: the server refused; nothing was changed.
    """
    from psycopg.errors import LockNotAvailable

    try:
        return _apply(home, connection, declared)
    except LockNotAvailable:
        # A reader who keeps a transaction open holds nobody's access open or shut.
        connection.rollback()
        ended = end_sessions(connection, _people(connection))
        connection.commit()
    try:
        applied = _apply(home, connection, declared)
    except LockNotAvailable as error:
        connection.rollback()
        raise NotAsDeclared(
            "A published table is being read or published just now, and nothing was "
            "changed. Try again: edp access apply."
        ) from error
    return replace(applied, ended=tuple(sorted({*ended, *applied.ended})))


def _apply(home: Home, connection: Connection[Any], declared: Declared) -> Applied:
    connection.execute(f"set local lock_timeout = '{_PATIENCE}'")
    _alone(connection)
    live, settings = read_live(connection), settings_of(connection)
    changes = left = as_declared(declared, live, settings)
    by_hand = [one for one in changes if one.is_by_hand]
    declared = without(declared, taken(declared, live))
    # What can only be done by hand shuts nothing else out: the rest is put right first,
    # most of all what takes something away.
    for _ in range(_ROUNDS):
        _carry_out(connection, left, declared)
        left = _unmade(connection, declared)
        if not left:
            break
    if left:
        connection.rollback()
        raise NotAsDeclared(
            "The database did not become as declared, and nothing was changed: "
            f"{_told(left)}. Whoever gave these privileges may have to take them back."
        )
    anew = _sign_ins(home, connection, declared.logins)
    connection.commit()
    ended = end_sessions(connection, {name for one in changes for name in one.ends})
    connection.commit()
    if by_hand:
        raise NotAsDeclared(
            f"What a program may put right was put right. This only you can: "
            f"{_told(by_hand)}."
        )
    return Applied(changes, ended, anew)


def _carry_out(
    connection: Connection[Any], changes: Iterable[Change], declared: Declared
) -> None:
    is_stale = False
    for one in changes:
        is_stale = is_stale or one.kind == "state"
        for statement in one.statements:
            _execute(connection, statement, one.by)
    if is_stale:
        write_state(connection, declared)


def _unmade(connection: Connection[Any], declared: Declared) -> tuple[Change, ...]:
    return tuple(one for one in plan(connection, declared) if not one.is_by_hand)


def _alone(connection: Connection[Any]) -> None:
    """Wait until nobody else writes: two at once would undo what the other made.

    A lock of a table of ours, not an advisory one, which any reader could hold for
    ever. Who reads an entitlement waits for nothing.
    """
    connection.execute(f"set local role {OWNER}")
    connection.execute(f"lock table {GOV}.login in exclusive mode")
    connection.execute("reset role")


def _told(changes: Iterable[Change]) -> str:
    return "; ".join(f"{one.name} {one.said}" for one in changes)


def _execute(connection: Connection[Any], statement: str, by: str) -> None:
    if by == "owner":
        connection.execute(f"set local role {OWNER}")
    # Without parameters, so that a `%` in a name is itself.
    connection.execute(statement)
    if by == "owner":
        connection.execute("reset role")


def write_state(connection: Connection[Any], declared: Declared) -> None:
    """Write the rows of `gov` anew, as whoever may write them.

    Publication calls it as the owner within the swap of a snapshot, so that a column
    that has become personal is granted to nobody who may not see it.
    """
    connection.execute(f"set local role {OWNER}")
    # Readers wait for nothing: rows are deleted, not the tables truncated.
    for table in reversed(STATE):
        connection.execute(f"delete from {GOV}.{table}")
    for table, columns in STATE.items():
        places = ", ".join(["%s"] * len(columns))
        insert = f"insert into {GOV}.{table} ({', '.join(columns)}) values ({places})"
        rows = [tuple(map(_stored, row)) for row in declared.state[table]]
        with connection.cursor() as cursor:
            cursor.executemany(insert, rows)
    connection.execute("reset role")


def _stored(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _sign_ins(
    home: Home, connection: Connection[Any], logins: Mapping[str, bool]
) -> tuple[str, ...]:
    """Have each login that may sign in do so with the password that is kept here.

    A person can change their own, which `edp sql` then does not know.

    Returns:
        those whose password was another.
    """
    from edp_platform.database.migrating import set_password
    from edp_platform.database.passwords import (
        ensure_password,
        forget_password,
        is_of,
    )

    kept = _verifiers(connection)
    anew = []
    # Whoever no grant names any more has a login all the same, that may not sign in.
    for role in sorted({*logins, *_people(connection)}):
        if not logins.get(role, False):
            forget_password(home, role)
            continue
        password, is_new = ensure_password(home, role)
        if is_new or kept is None:
            # Where nobody may know what the server keeps, it is given again.
            set_password(connection, role, password)
        elif not is_of(kept.get(role) or "", password):
            set_password(connection, role, password)
            anew.append(role)
    return tuple(sorted(anew))


def _verifiers(connection: Connection[Any]) -> dict[str, str] | None:
    """Return what the server keeps of each role's password; None where we may not."""
    row = connection.execute(
        "select has_table_privilege('pg_authid', 'SELECT')"
    ).fetchone()
    if row is None or not row[0]:
        return None
    found = connection.execute(
        "select rolname, rolpassword from pg_authid where rolpassword is not null"
    ).fetchall()
    return {str(name): str(kept) for name, kept in found}


def end_sessions(
    connection: Connection[Any], logins: Collection[str]
) -> tuple[str, ...]:
    """End the open sessions of some logins; return whose there were.

    Raises:
        NotAsDeclared: the server does not let the administrator.
    """
    if not logins:
        return ()
    from psycopg.errors import InsufficientPrivilege

    try:
        found = connection.execute(
            "select usename::text, pg_terminate_backend(pid) from pg_stat_activity "
            "where usename = any(%s) and pid <> pg_backend_pid()",
            [sorted(logins)],
        ).fetchall()
    except InsufficientPrivilege as error:
        connection.rollback()
        raise NotAsDeclared(
            f"What {', '.join(sorted(logins))} held was taken back, but their open "
            "sessions could not be ended: whoever administers the server grants "
            "pg_signal_backend to the user of EDP_POSTGRES_URL."
        ) from error
    return tuple(sorted({str(name) for name, _ in found}))


def grant_columns(
    connection: Connection[Any], schema: str, declared: Declared | None = None
) -> None:
    """Open a new snapshot to those who may read it, before it takes the old one's place.

    Row security is put on and forced, each table gets its one policy, and each login
    the columns that `gov.column_grant` names.

    Args:
        connection: as the owner, in the transaction that swaps the snapshot in.
        schema: where the new snapshot stands.
        declared: what is declared now; without it, as it was when last applied.
    """
    _alone(connection)
    known = _people(connection)
    if declared is not None:
        # Logins that are not made yet wait for apply.
        write_state(connection, without(declared, declared.logins.keys() - known))
    limited = limited_columns(read_state(connection, "row_limit"))
    tables = _tables(connection, schema)
    names = {table: [name for name, _ in columns] for table, columns in tables.items()}
    where = quoted(schema)
    connection.execute(f"grant usage on schema {where} to {READER}")
    for table in tables:
        whole = f"{where}.{quoted(table)}"
        for statement in (
            f"alter table {whole} enable row level security",
            f"alter table {whole} force row level security",
            f"drop policy if exists {POLICY} on {whole}",
            policy_statement(schema, table, names[table], limited.get(table, ())),
        ):
            connection.execute(statement)
    if known:
        # A privilege of a whole table takes those of its columns along.
        everybody = ", ".join(quoted(one) for one in sorted(known))
        connection.execute(
            f"revoke all on all tables in schema {where} from {everybody}"
        )
    brokered = brokered_marts([*read_state(connection, "mart")])
    granted = read_state(connection, "column_grant")
    for mart in brokered.keys() & tables.keys():
        _say_no_size(connection, f"{where}.{quoted(mart)}")
    _make_brokers(connection, tables, brokered, granted, known)
    by_login: dict[tuple[str, str], list[str]] = {}
    for login, of_mart, column in granted:
        if of_mart in brokered:
            continue
        if login in known and column in names.get(str(of_mart), ()):
            by_login.setdefault((str(login), str(of_mart)), []).append(str(column))
    for (login, mart), held in sorted(by_login.items()):
        chosen = ", ".join(quoted(one) for one in sorted(held))
        statement = (
            f"grant select ({chosen}) on {where}.{quoted(mart)} to {quoted(login)}"
        )
        connection.execute(statement)


def _say_no_size(connection: Connection[Any], whole: str) -> None:
    """Have the catalogue say nothing of how many rows a table has, now and later.

    Emptied and filled again within the transaction, without statistics: the estimate
    that everybody may read in `pg_class` is then unknown (PostgreSQL 14 on). Frozen, as
    publication fills it: who began before the swap sees the rows as well.
    """
    connection.execute(f"alter table {whole} no force row level security")
    with connection.cursor() as cursor:
        with cursor.copy(f"copy {whole} to stdout (format binary)") as taken:
            held = [bytes(one) for one in taken]
        cursor.execute(f"truncate {whole}")
        cursor.execute(
            f"alter table {whole} set (autovacuum_enabled = false, "
            "toast.autovacuum_enabled = false)"
        )
        with cursor.copy(f"copy {whole} from stdin (format binary, freeze)") as into:
            for one in held:
                into.write(one)
    connection.execute(f"alter table {whole} force row level security")


def _make_brokers(
    connection: Connection[Any],
    tables: Mapping[str, Sequence[tuple[str, str]]],
    brokered: Mapping[str, Sequence[str]],
    granted: Iterable[Sequence[object]],
    known: Collection[str],
) -> None:
    """Make the functions of brokered marts anew, for the columns the new snapshot has.

    They read schema `marts` by name: made within the swap, they never see the columns
    of one snapshot and the table of another.
    """
    for one in functions_of(brokered, tables):
        for statement in one.statements:
            connection.execute(statement)
        logins = sorted(
            {str(row[0]) for row in granted if row[1] == one.mart} & {*known}
        )
        for login in logins:
            connection.execute(
                f"grant execute on function {BROKER}.{quoted(one.mart)}() "
                f"to {quoted(login)}"
            )


def _tables(
    connection: Connection[Any], schema: str
) -> dict[str, list[tuple[str, str]]]:
    """Return table → (column, type as functions return it: without a length)."""
    found = connection.execute(
        "select c.relname::text, a.attname::text, format_type(a.atttypid, null) "
        "from pg_class as c join pg_attribute as a on a.attrelid = c.oid "
        "where c.relnamespace = %s::regnamespace and c.relkind = 'r' "
        "and a.attnum > 0 and not a.attisdropped order by 1, a.attnum",
        [quoted(schema)],
    ).fetchall()
    tables: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in found:
        tables.setdefault(table, []).append((column, kind))
    return tables


def _people(connection: Connection[Any]) -> frozenset[str]:
    found = connection.execute(
        "select rolname from pg_roles where shobj_description(oid, 'pg_authid') = %s",
        [PERSON_COMMENT],
    ).fetchall()
    return frozenset(str(name) for (name,) in found)
