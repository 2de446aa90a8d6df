"""What the database holds: read from its catalogue in one look, as plain values.

Read as the administrator, whom the catalogue hides nothing from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from edp_platform.access.declared import Row
from edp_platform.access.naming import (
    BROKER,
    GOV,
    PERSON_COMMENT,
    PUBLISHED,
    READER,
)

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True)
class LiveRole:
    """One role.

    Attributes:
        can_login: whether it may sign in.
        powers: what it may beyond that: superuser, createdb, createrole, replication,
            bypassrls.
        connections: the most it may hold at once; -1 for no limit.
        settings: what its sessions begin with, as `name=value`.
        is_person: whether it was made as somebody's login (its comment says so).
    """

    can_login: bool
    powers: tuple[str, ...] = ()
    connections: int = -1
    settings: frozenset[str] = frozenset()
    is_person: bool = False


@dataclass(frozen=True)
class LivePolicy:
    """One policy of a table: for whom, for which command, and its condition."""

    name: str
    command: str
    is_permissive: bool
    roles: tuple[str, ...]
    condition: str | None


@dataclass(frozen=True)
class LiveTable:
    """One table, view or other relation.

    Attributes:
        kind: as `pg_class.relkind`: r table, v view, m materialized view, …
        owner: the role that owns it.
        is_secured: whether row security is on.
        is_forced: whether it holds for the owner too.
        is_invoker: of a view: whether it reads with the rights of who asks.
        columns: their names, in order.
        forms: each column as the catalogue writes it in a condition, made a text.
        policies: by name.
        types: each column's type, as functions return it: without a length.
    """

    kind: str
    owner: str
    is_secured: bool
    is_forced: bool
    is_invoker: bool
    columns: tuple[str, ...]
    forms: tuple[str, ...] = ()
    policies: tuple[LivePolicy, ...] = ()
    types: tuple[str, ...] = ()


@dataclass(frozen=True)
class Privilege:
    """One privilege that somebody holds on something.

    Attributes:
        kind: column, table, schema, function, database or default.
        schema: where it stands; empty for a database.
        name: what it is on; of a function with its types.
        column: of a column.
        grantee: the role, or PUBLIC.
        privilege: such as SELECT.
        is_grantable: whether they may hand it on.
        is_sequence: of a table: whether it is a sequence.
    """

    kind: str
    schema: str
    name: str
    column: str
    grantee: str
    privilege: str
    is_grantable: bool = False
    is_sequence: bool = False


@dataclass(frozen=True)
class LiveFunction:
    """One function: its owner, whose rights it runs with, setting, text and result."""

    owner: str
    is_definer: bool
    config: tuple[str, ...]
    volatility: str
    parallel: str
    source: str
    returns: str = ""


@dataclass(frozen=True)
class Live:
    """What the database holds.

    Attributes:
        database: its name.
        administrator: who looked.
        roles: role → what it is; all but the server's own (`pg_…`).
        memberships: (role, member).
        published: the schemas with a snapshot that people can reach.
        tables: (schema, name) → relation, of every schema but the server's.
        privileges: all that is held by anybody but the owner of the thing.
        functions: signature → function, of `gov` and `broker`, and every other that
            runs as its owner.
        open_to_readers: functions of the server's own that no reader has business with
            (`SHUT_FUNCTIONS`) and may call.
        left: large object → who keeps it.
        state: table of `gov` → its rows.
    """

    database: str
    administrator: str
    roles: Mapping[str, LiveRole]
    memberships: frozenset[tuple[str, str]]
    published: tuple[str, ...]
    tables: Mapping[tuple[str, str], LiveTable]
    privileges: frozenset[Privilege]
    functions: Mapping[str, LiveFunction]
    state: Mapping[str, frozenset[Row]]
    open_to_readers: tuple[str, ...] = ()
    left: Mapping[int, str] = field(default_factory=dict)


#: Functions of the server's own that everybody may call, and no reader needs. What a
#: large object holds outlives the grant it was read under; advisory locks fill the
#: table of locks that all share, and hold up who publishes; the counters tell how many
#: rows a table has; messages fill the disk.
SHUT_FUNCTIONS = (
    "^(lo_|lowrite$|loread$|pg_advisory_|pg_try_advisory_|pg_logical_emit_message$|"
    "pg_stat_get_(xact_)?(tuples_|live_tuples|dead_tuples|mod_since|ins_since))"
)

#: Table of `gov` → its columns, in the order of `Declared.state`.
STATE: dict[str, tuple[str, ...]] = {
    "login": (
        *("login", "person", "supplier", "active_until"),
        *("training_until", "vetting_until"),
    ),
    "supplier_state": ("supplier", "starts", "ends", "processing_until"),
    "data_set_state": ("data_set", "dpia", "is_open", "good_until"),
    "mart": ("mart", "is_open", "counts"),
    "mart_source": ("mart", "data_set", "is_covered", "purposes"),
    "entitlement": (
        *("grant_id", "login", "mart", "kind", "columns", "personal", "purposes"),
        *("starts", "ends", "recertified_until"),
    ),
    "row_limit": ("grant_id", "mart", "column_name", "allowed"),
    "column_grant": ("login", "mart", "column_name"),
}
_MOMENTS = frozenset(
    {
        *("active_until", "training_until", "vetting_until", "starts", "ends"),
        *("processing_until", "good_until", "recertified_until"),
    }
)

_OURS = "nspname !~ '^pg_' and nspname <> 'information_schema'"
#: What an extension brought is the extension's.
_NOT_BROUGHT = (
    "not exists (select from pg_depend as e where e.objid = {}.oid and e.deptype = 'e')"
)

_ROLES = """
select r.rolname, r.rolcanlogin, r.rolconnlimit,
    array_remove(array[
        case when r.rolsuper then 'superuser' end,
        case when r.rolcreatedb then 'createdb' end,
        case when r.rolcreaterole then 'createrole' end,
        case when r.rolreplication then 'replication' end,
        case when r.rolbypassrls then 'bypassrls' end], null),
    coalesce((
        select array_agg(c) from pg_db_role_setting as s, unnest(s.setconfig) as c
        where s.setrole = r.oid), '{}'),
    coalesce(shobj_description(r.oid, 'pg_authid') = %s, false)
from pg_roles as r where r.rolname !~ '^pg_'
"""

_MEMBERS = """
select g.rolname, m.rolname from pg_auth_members as a
join pg_roles as g on g.oid = a.roleid join pg_roles as m on m.oid = a.member
"""

_TABLES = f"""
select n.nspname, c.relname,
    coalesce(array_agg(a.attname::text order by a.attnum)
        filter (where a.attname is not null), '{{}}'),
    coalesce(array_agg(
        case when a.atttypid = 'text'::regtype then quote_ident(a.attname)
            else '(' || quote_ident(a.attname) || ')::text' end
        order by a.attnum) filter (where a.attname is not null), '{{}}'),
    coalesce(array_agg(format_type(a.atttypid, null) order by a.attnum)
        filter (where a.attname is not null), '{{}}'),
    c.relkind::text, pg_get_userbyid(c.relowner),
    c.relrowsecurity, c.relforcerowsecurity,
    coalesce(c.reloptions && array['security_invoker=true', 'security_invoker=on',
        'security_invoker=1'], false)
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
left join pg_attribute as a
    on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p', 'v', 'm', 'f') and {_OURS}
group by n.nspname, c.oid, c.relname
"""

_POLICIES = """
select n.nspname, c.relname, p.polname, p.polcmd::text, p.polpermissive,
    (select array_agg(case when o = 0 then 'PUBLIC' else pg_get_userbyid(o) end)
     from unnest(p.polroles) as o),
    pg_get_expr(p.polqual, p.polrelid)
from pg_policy as p join pg_class as c on c.oid = p.polrelid
join pg_namespace as n on n.oid = c.relnamespace
"""

_GRANTEE = (
    "case when a.grantee = 0 then 'PUBLIC' else pg_get_userbyid(a.grantee)::text end"
)

_PRIVILEGES = f"""
select 'table', n.nspname::text, c.relname::text, '', {_GRANTEE}, a.privilege_type,
    a.is_grantable, c.relkind = 'S'
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace,
    aclexplode(c.relacl) as a
where a.grantee <> c.relowner and {_OURS} and {_NOT_BROUGHT.format("c")}
union all
select 'column', n.nspname::text, c.relname::text, t.attname::text, {_GRANTEE},
    a.privilege_type, a.is_grantable, false
from pg_attribute as t join pg_class as c on c.oid = t.attrelid
join pg_namespace as n on n.oid = c.relnamespace, aclexplode(t.attacl) as a
where a.grantee <> c.relowner and not t.attisdropped and {_OURS}
union all
select 'schema', n.nspname::text, n.nspname::text, '', {_GRANTEE}, a.privilege_type,
    a.is_grantable, false
from pg_namespace as n,
    aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) as a
where a.grantee <> n.nspowner and {_OURS}
union all
select 'function', n.nspname::text,
    p.proname::text || '(' || pg_get_function_identity_arguments(p.oid) || ')', '',
    {_GRANTEE}, a.privilege_type, a.is_grantable, false
from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace,
    aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
where a.grantee <> p.proowner and {_OURS} and {_NOT_BROUGHT.format("p")}
union all
select 'database', '', d.datname::text, '', {_GRANTEE}, a.privilege_type, a.is_grantable,
    false
from pg_database as d,
    aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a
where a.grantee <> d.datdba and d.datname = current_database()
union all
select 'default', coalesce(n.nspname::text, ''),
    pg_get_userbyid(d.defaclrole)::text || ' ' || d.defaclobjtype::text, '',
    {_GRANTEE}, a.privilege_type, a.is_grantable, false
from pg_default_acl as d left join pg_namespace as n on n.oid = d.defaclnamespace,
    aclexplode(d.defaclacl) as a
where a.grantee <> d.defaclrole
"""

_FUNCTIONS = f"""
select n.nspname || '.' || p.proname || '('
        || coalesce((select string_agg(format_type(t, null), ', ' order by at)
            from unnest(p.proargtypes) with ordinality as u (t, at)), '') || ')',
    pg_get_userbyid(p.proowner), p.prosecdef, coalesce(p.proconfig, '{{}}'),
    p.provolatile::text, p.proparallel::text, p.prosrc, pg_get_function_result(p.oid)
from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
where {_OURS} and {_NOT_BROUGHT.format("p")}
    and (n.nspname in ('{GOV}', '{BROKER}') or p.prosecdef)
"""

_OPEN_TO_READERS = f"""
select p.oid::regprocedure::text from pg_proc as p
where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ '{SHUT_FUNCTIONS}'
    and has_function_privilege('{READER}', p.oid, 'EXECUTE')
order by 1
"""

_LEFT = """
select l.oid, r.rolname from pg_largeobject_metadata as l
join pg_roles as r on r.oid = l.lomowner
"""

_PUBLISHED = f"""
select n.nspname::text from pg_namespace as n
where n.nspname = '{PUBLISHED}'
   or (n.nspname ~ '^{PUBLISHED}_'
       and has_schema_privilege('{READER}', n.oid, 'USAGE'))
order by 1
"""


def read_live(connection: Connection[Any]) -> Live:
    """Read what the database holds.

    Args:
        connection: as the administrator, to the database of what is served.
    """

    def rows(query: str, *given: object) -> list[Any]:
        asked = connection.execute(query, given or None)
        return asked.fetchall()

    policies: dict[tuple[str, str], list[LivePolicy]] = {}
    for schema, table, name, command, permissive, roles, condition in rows(_POLICIES):
        policies.setdefault((schema, table), []).append(
            LivePolicy(name, command, permissive, tuple(sorted(roles)), condition)
        )
    ((database, administrator),) = rows("select current_database(), current_user")
    return Live(
        database=database,
        administrator=administrator,
        roles={
            name: LiveRole(login, tuple(powers), limit, frozenset(settings), person)
            for name, login, limit, powers, settings, person in rows(
                _ROLES, PERSON_COMMENT
            )
        },
        memberships=frozenset((role, member) for role, member in rows(_MEMBERS)),
        published=tuple(name for (name,) in rows(_PUBLISHED)),
        tables={
            (schema, name): LiveTable(
                kind,
                owner,
                is_secured=secured,
                is_forced=forced,
                is_invoker=invoker,
                columns=tuple(columns),
                forms=tuple(forms),
                types=tuple(types),
                policies=tuple(
                    sorted(policies.get((schema, name), []), key=lambda p: p.name)
                ),
            )
            for (
                schema,
                name,
                columns,
                forms,
                types,
                kind,
                owner,
                secured,
                forced,
                invoker,
            ) in rows(_TABLES)
        },
        privileges=frozenset(Privilege(*one) for one in rows(_PRIVILEGES)),
        functions={
            signature: LiveFunction(
                owner, definer, tuple(config), volatility, parallel, source, returns
            )
            for (
                signature,
                owner,
                definer,
                config,
                volatility,
                parallel,
                source,
                returns,
            ) in rows(_FUNCTIONS)
        },
        state={table: read_state(connection, table) for table in STATE},
        open_to_readers=tuple(one for (one,) in rows(_OPEN_TO_READERS)),
        left=dict(rows(_LEFT)),
    )


def read_state(connection: Connection[Any], table: str) -> frozenset[Row]:
    """Return the rows of one table of `gov`, as `Declared.state` has them."""
    columns = ", ".join(
        # As a number: what somebody set to infinity is no moment that Python has.
        f"extract(epoch from {one})::float8" if one in _MOMENTS else one
        for one in STATE[table]
    )
    query = f"select {columns} from {GOV}.{table}"
    return frozenset(
        tuple(map(_plain, row)) for row in connection.execute(query).fetchall()
    )


def _plain(value: Any) -> object:
    if isinstance(value, list):
        return tuple(sorted(value, key=str))
    if isinstance(value, float) and math.isfinite(value):
        return datetime.fromtimestamp(value, UTC)
    return value
