"""Where the database differs from what is declared, and what would put it right.

Pure: two plain values in, changes out. `edp access plan` lists them, `edp access apply`
carries them out, and the asset check `access_as_declared` fails while there is any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from edp_platform.access.brokering import (
    SEARCH_PATH,
    BrokerFunction,
    brokered_marts,
    functions_of,
)
from edp_platform.access.declared import Declared, without
from edp_platform.access.functions import FUNCTIONS
from edp_platform.access.live import (
    STATE,
    Live,
    LiveFunction,
    LivePolicy,
    LiveRole,
    LiveTable,
    Privilege,
)
from edp_platform.access.naming import (
    BROKER,
    GOV,
    OWNER,
    PERSON_COMMENT,
    POLICY,
    PUBLISHED,
    READER,
    literal,
    quoted,
)
from edp_platform.governance.rules import enforces

#: Sessions that a person may have at once.
CONNECTIONS = 10
#: What every session of a person begins with. Their statements are logged, which they
#: cannot unset; the rest keeps one person from holding the others up, or a transaction
#: open beyond what was allowed when it began.
SETTINGS: dict[str, str] = {
    "search_path": "marts",
    "statement_timeout": "15min",
    "idle_in_transaction_session_timeout": "60s",
    "log_statement": "all",
    "temp_file_limit": "5GB",
}
#: Those that a person cannot change, and that only a superuser may give.
KEPT_SETTINGS = frozenset({"log_statement", "temp_file_limit"})
#: Schemas of the platform's own, beside the marts, that people may ask functions of.
OPEN_SCHEMAS = frozenset({"publication"})

#: Roles of the server's own whose members reach every table, or the machine beneath.
_ALL_DATA = frozenset(
    {
        *("pg_read_all_data", "pg_write_all_data", "pg_execute_server_program"),
        *("pg_read_server_files", "pg_write_server_files"),
    }
)

By = Literal["administrator", "owner"]
_OBJECTS = {"r": "tables", "S": "sequences", "f": "functions", "T": "types"}
_POWERS = "nosuperuser nocreatedb nocreaterole noreplication nobypassrls"


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes:
        kind: role, membership, function, large object, state, table, privilege.
        name: what it is of.
        said: how it differs, for people.
        statements: what puts it right; none where only a person can.
        by: who may do that.
        ends: logins that lose something, whose sessions are ended.
    """

    kind: str
    name: str
    said: str
    statements: tuple[str, ...] = ()
    by: By = "administrator"
    ends: frozenset[str] = frozenset()

    @property
    def is_by_hand(self) -> bool:
        """Whether nothing but a person can put it right."""
        return not self.statements and self.kind != "state"


@enforces(23, door="edp access plan, edp access apply, the check access_as_declared")
def as_declared(
    declared: Declared, live: Live, settings: Mapping[str, str] = SETTINGS
) -> tuple[Change, ...]:
    """Return where the database differs from what is declared; nothing: it is as it is.

    Source: UK GDPR Art. 32(1)(d); DPA 2018 s.66(2): measures are shown to be in place.

    Args:
        declared: what it should hold.
        live: what it holds.
        settings: what sessions of people begin with.
    """
    others = taken(declared, live)
    ours = without(declared, others)
    return (
        *_roles(declared, live, settings),
        *_memberships(ours, live),
        *_functions(ours, live),
        *_left_by_readers(live),
        *_state(ours, live),
        *_tables(ours, live),
        *_privileges(ours, live),
        *_undeclared_brokers(ours, live),
    )


def drift(live: Live, settings: Mapping[str, str] = SETTINGS) -> tuple[Change, ...]:
    """Return what somebody changed by hand since the last apply.

    The catalogue is compared with the rows of `gov` as apply left them: what a register
    or a date has changed since is no drift, it is what the next apply is for.
    """
    if not live.state["login"]:
        return ()  # nothing was ever applied
    holding = {str(row[0]) for row in live.state["column_grant"]}
    logins = {str(row[0]): str(row[0]) in holding for row in live.state["login"]}
    return as_declared(Declared(logins, live.state, ()), live, settings)


def taken(declared: Declared, live: Live) -> frozenset[str]:
    """Return the logins whose names are those of roles that somebody else made."""
    return frozenset(
        name
        for name in declared.logins
        if name in live.roles and not live.roles[name].is_person
    )


# ---------------------------------------------------------------------------- roles


def _roles(
    declared: Declared, live: Live, settings: Mapping[str, str]
) -> Iterator[Change]:
    people = {name for name, role in live.roles.items() if role.is_person}
    for name in sorted(people | declared.logins.keys()):
        may = declared.logins.get(name, False)
        role = live.roles.get(name)
        if role is None:
            login = "login" if may else "nologin"
            made = (
                f"create role {quoted(name)} {login} connection limit {CONNECTIONS}",
                f"comment on role {quoted(name)} is {literal(PERSON_COMMENT)}",
                *(_set(name, one, value) for one, value in settings.items()),
            )
            yield Change("role", name, "has no login yet", made)
        elif not role.is_person:
            said = (
                "is a role that somebody else made, and a person's login needs the "
                "name: rename the role, or give the person another id"
            )
            yield Change("role", name, said)
        else:
            yield from _role(name, role, may, settings, live.database)
    yield from _others(live)


def _others(live: Live) -> Iterator[Change]:
    """Yield roles beside ours that row security does not hold.

    Asked where we administer the server; a provider's own roles are the provider's.
    """
    if not _is_ours(live):
        return
    for name, role in sorted(live.roles.items()):
        beyond = {"superuser", "bypassrls"} & {*role.powers}
        if (
            beyond
            and not role.is_person
            and name not in (live.administrator, "postgres")
        ):
            said = (
                f"is {' and '.join(sorted(beyond))}, so row security does not hold it: "
                "drop the role, or take that from it"
            )
            yield Change("role", name, said)


def _is_ours(live: Live) -> bool:
    found = live.roles.get(live.administrator)
    return found is not None and "superuser" in found.powers


def _role(
    name: str,
    role: LiveRole,
    may: bool,
    settings: Mapping[str, str],
    database: str,
) -> Iterator[Change]:
    alter = f"alter role {quoted(name)}"
    if role.can_login != may:
        said = "may not sign in, and has a live grant" if may else "has no live grant"
        ends = frozenset() if may else frozenset({name})
        login = "login" if may else "nologin"
        yield Change("role", name, said, (f"{alter} {login}",), ends=ends)
    if role.powers:
        said = f"is {', '.join(role.powers)}"
        yield Change(
            "role", name, said, (f"{alter} {_POWERS}",), ends=frozenset({name})
        )
    if role.connections != CONNECTIONS:
        said = f"may hold {role.connections} connections at once"
        statement = f"{alter} connection limit {CONNECTIONS}"
        yield Change("role", name, said, (statement,))
    wanted = {f"{one}={value}" for one, value in settings.items()}
    if role.settings != wanted:
        # What a person sets for themselves may hold anything: its name is enough.
        other = sorted({one.partition("=")[0] for one in wanted ^ role.settings})
        made = (
            f"{alter} reset all",
            f"{alter} in database {quoted(database)} reset all",
            *(_set(name, one, value) for one, value in settings.items()),
        )
        yield Change("role", name, f"has other settings: {', '.join(other)}", made)


def _set(role: str, name: str, value: str) -> str:
    return f"alter role {quoted(role)} set {name} = {literal(value)}"


def _memberships(declared: Declared, live: Live) -> Iterator[Change]:
    people = {name for name, role in live.roles.items() if role.is_person}
    people |= {
        name for name in declared.logins if name not in live.roles or name in people
    }
    for name in sorted(people):
        if (READER, name) not in live.memberships:
            statement = f"grant {READER} to {quoted(name)}"
            said = f"is no member of {READER}"
            yield Change("membership", name, said, (statement,))
    for role, member in sorted(live.memberships):
        if member in people and role == READER:
            continue
        is_ours = role in (READER, OWNER) or role in people or member in people
        if role in _ALL_DATA and _is_ours(live):
            is_ours = True
        # Whoever administers acts for the owner; the provider's own roles are its own.
        may = member in (live.administrator, "postgres") and member not in people
        if is_ours and not may:
            statement = f"revoke {quoted(role)} from {quoted(member)} cascade"
            yield Change(
                "membership",
                member,
                f"is a member of {role}, which nobody declared",
                (statement,),
                ends=frozenset({member}),
            )


# ------------------------------------------------------------------------ functions


def _functions(declared: Declared, live: Live) -> Iterator[Change]:
    brokers = _brokers(declared, live)
    known = {
        *(one.signature for one in FUNCTIONS),
        *(one.signature for one in brokers),
    }
    for one in FUNCTIONS:
        held = live.functions.get(one.signature)
        wanted = LiveFunction(OWNER, one.is_definer, (one.config,), "s", "s", one.body)
        if held is None or replace(held, returns="") != wanted:
            said = "is missing" if held is None else "is not as the platform has it"
            yield Change("function", one.signature, said, one.statements)
    for broker in brokers:
        held = live.functions.get(broker.signature)
        if held is None or _unquoted(held) != _as_held(broker):
            said = "is missing" if held is None else "is not as the platform has it"
            yield Change("function", broker.signature, said, broker.statements)
    for signature, held in sorted(live.functions.items()):
        if signature in known:
            continue
        schema = signature.split(".", 1)[0]
        if schema == BROKER:
            continue  # see `_undeclared_brokers`
        fixed = any(one.startswith("search_path=pg_catalog") for one in held.config)
        if schema in OPEN_SCHEMAS and held.owner == OWNER and fixed:
            continue
        if held.is_definer and schema != GOV and held.owner != OWNER:
            # Somebody else's, which reads nothing of ours unless its owner may.
            role = live.roles.get(held.owner)
            if role is not None and not role.powers:
                continue
        said = (
            "runs with its owner's rights, and the platform does not know it: drop it, "
            "or have it made by a migration"
            if held.is_definer
            else "is no function of the platform"
        )
        yield Change("function", signature, said)


def _brokers(declared: Declared, live: Live) -> tuple[BrokerFunction, ...]:
    """Return the functions through which brokered marts of the snapshot are reached."""
    tables = {
        name: [*zip(table.columns, table.types, strict=True)]
        for (schema, name), table in live.tables.items()
        if schema == PUBLISHED and table.kind == "r"
    }
    return functions_of(brokered_marts([*declared.state["mart"]]), tables)


def _undeclared_brokers(declared: Declared, live: Live) -> Iterator[Change]:
    """Yield the functions of brokered marts that should not be.

    Last of all: what is held on them is taken back before they go.
    """
    known = {one.signature for one in _brokers(declared, live)}
    for signature in sorted(live.functions.keys() - known):
        schema, _, rest = signature.partition(".")
        if schema == BROKER:
            name, _, types = rest.partition("(")
            statement = f"drop function {BROKER}.{quoted(name)}({types}"
            said = "gives out a mart that nobody declared to be brokered"
            yield Change("function", signature, said, (statement,))


def _as_held(one: BrokerFunction) -> LiveFunction:
    return _unquoted(
        LiveFunction(OWNER, True, (SEARCH_PATH,), "v", "r", one.body, one.returns)
    )


def _unquoted(one: LiveFunction) -> LiveFunction:
    """Which names the catalogue quotes is its own affair."""
    return replace(one, returns=one.returns.replace('"', ""))


def _left_by_readers(live: Live) -> Iterator[Change]:
    """Yield what of the server's own functions is open to readers, and what they kept.

    Asked where we administer the server: nobody else may shut them.
    """
    if live.open_to_readers and _is_ours(live):
        said = (
            f"{len(live.open_to_readers)} functions of the server's own are open to "
            "people, by which what they read outlives their grant, or by which they "
            "hold others up"
        )
        made = [
            statement
            for one in live.open_to_readers
            for statement in (
                f"revoke execute on function pg_catalog.{one} from public, {READER}",
                f"grant execute on function pg_catalog.{one} to {OWNER}",
            )
        ]
        yield Change("function", "pg_catalog", said, tuple(made))
    for identity, keeper in sorted(live.left.items()):
        said = (
            f"is kept by {keeper}: what is left there outlives the grant it was read by"
        )
        statements = (f"select lo_unlink({identity})",) if _is_ours(live) else ()
        yield Change("large object", str(identity), said, statements)


# ---------------------------------------------------------------------------- state


def _state(declared: Declared, live: Live) -> Iterator[Change]:
    for table in STATE:
        wanted, held = declared.state[table], live.state.get(table, frozenset())
        if wanted == held:
            continue
        more, fewer = len(wanted - held), len(held - wanted)
        said = f"{more} rows to write, {fewer} to take away"
        lost = {
            str(row[STATE[table].index("login")])
            for row in held - wanted
            if "login" in STATE[table]
        }
        yield Change("state", f"{GOV}.{table}", said, by="owner", ends=frozenset(lost))


# --------------------------------------------------------------------------- tables


def _tables(declared: Declared, live: Live) -> Iterator[Change]:
    limited = declared.limited
    for (schema, name), table in sorted(live.tables.items()):
        if schema not in live.published:
            continue
        yield from _relation(schema, name, table, limited.get(name, ()))


def _relation(
    schema: str, name: str, table: LiveTable, limited: Sequence[str]
) -> Iterator[Change]:
    whole, where = f"{quoted(schema)}.{quoted(name)}", f"{schema}.{name}"
    if table.kind == "v":
        if not table.is_invoker:
            said = "is a view that reads with its owner's rights"
            statement = f"alter view {whole} set (security_invoker = true)"
            yield Change("table", where, said, (statement,))
        return
    if table.kind != "r":
        said = "is no plain table, so its rows cannot be kept from anybody: drop it"
        yield Change("table", where, said)
        return
    if table.owner != OWNER:
        statement = f"alter table {whole} owner to {OWNER}"
        yield Change("table", where, f"is owned by {table.owner}", (statement,))
    missing = [
        f"{what} row level security"
        for what, on in (("enable", table.is_secured), ("force", table.is_forced))
        if not on
    ]
    if missing:
        said = (
            "has row security off"
            if not table.is_secured
            else ("has row security that its owner passes by")
        )
        made = tuple(f"alter table {whole} {one}" for one in missing)
        yield Change("table", where, said, made, by="owner")
    forms = dict(zip(table.columns, table.forms, strict=True))
    wanted = LivePolicy(
        POLICY, "r", True, ("PUBLIC",), condition_kept(name, forms, limited)
    )
    if table.policies != (wanted,):
        foreign = [one.name for one in table.policies if one.name != POLICY]
        said = (
            f"has a policy that nobody declared: {', '.join(foreign)}"
            if foreign
            else "has no policy"
            if not table.policies
            else "has a policy that asks something else"
        )
        made = (
            *(f"drop policy {quoted(one.name)} on {whole}" for one in table.policies),
            policy_statement(schema, name, table.columns, limited),
        )
        yield Change("table", where, said, made, by="owner")


def policy_statement(
    schema: str, mart: str, columns: Sequence[str], limited: Sequence[str]
) -> str:
    """Return what makes the one policy of a published table.

    Args:
        schema: where it stands.
        mart: its name.
        columns: those it has.
        limited: those by whose values some grant limits its rows.
    """
    asked = [f"(select {GOV}.may_read({literal(mart)}))"]
    for column in limited:
        values = f"(select {GOV}.allowed_values({literal(mart)}, {literal(column)}))"
        if column in columns:
            asked.append(
                f"({values} is null or {quoted(column)}::text = any ({values}::text[]))"
            )
        else:
            # Whoever is limited by what this snapshot has not, sees none of it.
            asked.append(f"{values} is null")
    return (
        f"create policy {POLICY} on {quoted(schema)}.{quoted(mart)} for select "
        f"using ({' and '.join(asked)})"
    )


def condition_kept(mart: str, forms: Mapping[str, str], limited: Sequence[str]) -> str:
    """Return that policy's condition as the catalogue gives it back.

    Args:
        mart: the table's name.
        forms: column → how the catalogue writes it, made a text.
        limited: see `policy_statement`.
    """
    asked = [f"( SELECT {GOV}.may_read({literal(mart)}::text) AS may_read)"]
    for column in limited:
        values = (
            f"( SELECT {GOV}.allowed_values({literal(mart)}::text, "
            f"{literal(column)}::text) AS allowed_values)"
        )
        is_null = f"({values} IS NULL)"
        if column in forms:
            asked.append(f"({is_null} OR ({forms[column]} = ANY ({values}::text[])))")
        else:
            asked.append(is_null)
    return f"({' AND '.join(asked)})" if limited else asked[0]


# ----------------------------------------------------------------------- privileges


def _privileges(declared: Declared, live: Live) -> Iterator[Change]:
    wanted = frozenset(_wanted(declared, live))
    people = {name for name, role in live.roles.items() if role.is_person}
    people |= declared.logins.keys()
    held = live.privileges
    for one in sorted(wanted - held, key=_place):
        statement = f"grant {_on(one)} to {_grantee(one)}"
        by: By = "administrator" if one.kind == "database" else "owner"
        yield Change("privilege", _named(one), _said("lacks", one), (statement,), by)
    for one in sorted(held - wanted, key=_place):
        if not _is_watched(one, live, people):
            continue
        again = wanted & {_plain(one)}
        statements = [f"revoke {_on(one)} from {_grantee(one)} cascade"]
        statements += [f"grant {_on(kept)} to {_grantee(kept)}" for kept in again]
        if one.kind == "default":
            statements = [_revoke_default(one)]
        yield Change(
            "privilege",
            _named(one),
            _said("holds", one) + ", which nobody declared",
            tuple(statements),
            ends=frozenset({one.grantee} & people),
        )


def _wanted(declared: Declared, live: Live) -> Iterator[Privilege]:
    yield Privilege("database", "", live.database, "", READER, "CONNECT")
    for schema in sorted({BROKER, GOV, *OPEN_SCHEMAS, *live.published}):
        yield Privilege("schema", schema, schema, "", READER, "USAGE")
    for one in live.privileges:
        opened = one.kind == "function" and one.schema in OPEN_SCHEMAS
        if opened and one.grantee == READER and not one.is_grantable:
            yield one
    for function in FUNCTIONS:
        if function.is_definer:
            name = f"{function.name}({function.arguments})"
            yield Privilege("function", GOV, name, "", READER, "EXECUTE")
    brokered = brokered_marts([*declared.state["mart"]])
    stand = {one.mart for one in _brokers(declared, live)}
    for login, mart in {(row[0], row[1]) for row in declared.column_grants}:
        if mart in stand:
            yield Privilege("function", BROKER, f"{mart}()", "", login, "EXECUTE")
    for login, mart, column in declared.column_grants:
        if mart in brokered:
            continue
        for schema in live.published:
            table = live.tables.get((schema, mart))
            if table is not None and column in table.columns:
                yield Privilege("column", schema, mart, column, login, "SELECT")


def _is_watched(one: Privilege, live: Live, people: set[str]) -> bool:
    if one.grantee in people or one.grantee == READER:
        return True
    if one.grantee == "PUBLIC":
        # What runs with nobody's rights but the asker's gives nothing away.
        return one.kind != "function" or one.schema in (BROKER, GOV)
    ours = one.schema in live.published or one.schema in (BROKER, GOV)
    return ours and one.grantee not in (OWNER, live.administrator)


def _plain(one: Privilege) -> Privilege:
    return Privilege(
        one.kind, one.schema, one.name, one.column, one.grantee, one.privilege
    )


def _on(one: Privilege) -> str:
    whole = f"{quoted(one.schema)}.{quoted(one.name)}"
    if one.kind == "column":
        return f"{one.privilege} ({quoted(one.column)}) on {whole}"
    if one.kind == "schema":
        return f"{one.privilege} on schema {quoted(one.name)}"
    if one.kind == "database":
        return f"{one.privilege} on database {quoted(one.name)}"
    if one.kind == "function":
        name, _, arguments = one.name.partition("(")
        function = f"{quoted(one.schema)}.{quoted(name)}({arguments}"
        return f"{one.privilege} on function {function}"
    return f"{one.privilege} on {'sequence ' * one.is_sequence}{whole}"


def _revoke_default(one: Privilege) -> str:
    role, kind = one.name.rsplit(" ", 1)
    within = f" in schema {quoted(one.schema)}" if one.schema else ""
    objects = _OBJECTS.get(kind, "schemas")
    return (
        f"alter default privileges for role {quoted(role)}{within} revoke "
        f"{one.privilege} on {objects} from {_grantee(one)}"
    )


def _grantee(one: Privilege) -> str:
    return "public" if one.grantee == "PUBLIC" else quoted(one.grantee)


def _said(verb: str, one: Privilege) -> str:
    hand_on = " and may hand it on" if one.is_grantable else ""
    what = " by default" if one.kind == "default" else ""
    return f"{one.grantee} {verb} {one.privilege}{what}{hand_on}"


def _named(one: Privilege) -> str:
    parts = [one.schema] if one.kind != "schema" else []
    parts += [one.name, one.column]
    return ".".join(part for part in parts if part)


def _place(one: Privilege) -> tuple[str, ...]:
    return (one.kind, one.schema, one.name, one.column, one.grantee, one.privilege)
