"""Questions to the published marts: asked as a person, on their own login, and logged.

The gate is asked first, then the database: each in its own words. Nothing is given out
before it is on the log.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from edp_platform.access.brokering import SMALLEST
from edp_platform.access.naming import BROKER as BROKER_SCHEMA
from edp_platform.auditing.collecting import BROKER
from edp_platform.auditing.events import Look, events_of
from edp_platform.auditing.known import Background, kept_background
from edp_platform.auditing.statements import KnownMart, Statement, read_statement
from edp_platform.datasets import DataSets
from edp_platform.governance.audit import AuditLog
from edp_platform.governance.gate import GateRefused
from edp_platform.home import Home
from edp_platform.publishing.readiness import (
    Made,
    fingerprint,
    keep_made,
    made,
    make_ready,
)
from edp_platform.publishing.snapshot import Snapshot, current
from edp_platform.told import Told
from edp_platform.use_cases import UseCaseFolder, UseCases, product_refusals

if TYPE_CHECKING:
    import psycopg
    from psycopg import Connection

Format = Literal["table", "csv", "json"]

#: A spreadsheet runs a cell that starts so as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LONGEST = "15min"
_COPY = re.compile(r"\s*copy\b", re.IGNORECASE)
_NUMERIC = 1700
_FORM = (
    "Queries are PostgreSQL's SQL over marts.NAME, such as: "
    "select * from marts.crime_by_month limit 5"
)


class QueryFailed(ValueError):
    """The query could not be answered; the message says what is there."""


@dataclass(frozen=True)
class Question:
    """What somebody asks.

    Attributes:
        sql: the query.
        person: who asks; an id of the registers.
        reason: why in fact; blank: what the grants are for.
        purpose: of the register; None: those of the grants.
        export: the form in which rows leave the screen; None: they do not.
    """

    sql: str
    person: str
    reason: str = ""
    purpose: str | None = None
    export: str | None = None


@dataclass(frozen=True)
class Answer:
    """What the database gave.

    Attributes:
        columns: by name.
        rows: as Python values.
        snapshot: the id of what was asked.
    """

    columns: list[str]
    rows: list[tuple[Any, ...]]
    snapshot: str


def ask(home: Home, question: Question, now: datetime) -> Answer:
    """Answer one query of one person, on their own login, and log it.

    Raises:
        NothingPublished: no copy yet.
        GateRefused: a DPIA beneath a mart no longer covers it.
        QueryFailed: the SQL is wrong, asks for what is not there or not granted, or
            would write.
        DatabaseUnavailable: the server cannot be started or reached.
        WriteFailed: it cannot be logged, so nothing is shown.
    """
    from edp_platform.database.server import running

    snapshot, today = current(home), now.date()
    inputs = fingerprint(today)
    named = read_statement(
        question.sql, {one: KnownMart(()) for one in snapshot.rows}
    ).marts
    asked = _Asked(home, question, kept_background(home) or Background(), now)
    try:
        _ask_gate(home, snapshot, named, inputs, today)
        with running(home):
            asked.background = make_ready(home, inputs, today)
            _remember(home, inputs, named)
            return asked.answer(snapshot)
    except (Told, GateRefused, QueryFailed) as error:
        if not asked.is_logged:
            asked.log(f"refused: {_briefly(error)}", 0)
        raise


def _ask_gate(
    home: Home, snapshot: Snapshot, named: Collection[str], inputs: str, today: date
) -> None:
    """Ask the gate, where nobody has under the same registers, contracts and day."""
    before = made(home)
    if before.inputs == inputs and {*named} <= {*before.asked}:
        return
    use_cases = UseCases.load(home).by_name
    pass_gate(snapshot, {*named}, DataSets.load(home), use_cases, today)


def _remember(home: Home, inputs: str, named: Collection[str]) -> None:
    before = made(home)
    if before.inputs == inputs and not {*named} <= {*before.asked}:
        keep_made(home, Made(inputs, before.state, (*before.asked, *named)))


def _briefly(error: Exception) -> str:
    """Return what refused, in words without any value of the query."""
    if isinstance(error, GateRefused):
        rules = sorted({f"rule {one.number}" for one in error.refusals})
        return f"the gate, {', '.join(rules)}"
    return type(error).__name__


class _Asked:
    """One question, and whether the log has it."""

    def __init__(
        self, home: Home, question: Question, background: Background, now: datetime
    ) -> None:
        self.home = home
        self.question = question
        self.background = background
        self.now = now
        self.is_logged = False
        self.session: str | None = None

    @property
    def statement(self) -> Statement:
        return read_statement(self.question.sql, self.background.marts)

    def answer(self, snapshot: Snapshot) -> Answer:
        import psycopg

        from edp_platform.database.connecting import as_person

        read, person = self.statement, self.question.person
        if read.is_several:
            raise QueryFailed(f"Ask one query at a time. {_FORM}")
        if _COPY.match(self.question.sql):
            raise QueryFailed(
                "COPY is for psql (edp access as PERSON -- psql). Here a query gives "
                "all its rows as a file with --format csv."
            )
        if person not in self.background.grants:
            self._refuse(read.marts)
        self._check_purpose(read)
        with as_person(self.home, person) as connection:
            connection.execute(
                f"set application_name = '{BROKER}'; "
                f"set statement_timeout = '{_LONGEST}'; begin transaction read only"
            )
            self.session, shut = _session(connection, read.marts)
            if shut:
                self._refuse(shut)
            try:
                cursor = connection.execute(self.question.sql.encode())
                if cursor.description is None:
                    raise QueryFailed(f"This asks for no rows. {_FORM}")
                columns = [one.name for one in cursor.description]
                numeric = [_is_computed(one) for one in cursor.description]
                rows = [_as_before(row, numeric) for row in cursor.fetchall()]
            except psycopg.Error as error:
                self._failed(error, read)
        self.log("done", len(rows))
        return Answer(columns, rows, snapshot.id)

    def log(self, outcome: str, row_count: int) -> None:
        """Write the events of this question, before anything is shown."""
        from edp_platform.governance.subject_keys import SubjectKey

        asked, read = self.question, self.statement
        unread = read.text is None and not read.is_quiet
        look = Look(
            asked.person,
            read,
            self.session,
            asked.reason,
            asked.purpose,
            row_count,
            outcome,
            asked.export if outcome == "done" else None,
            SubjectKey(self.home, "audit").of(asked.sql) if unread else None,
        )
        events = [(one, self.now) for one in events_of(look, self.background)]
        AuditLog(self.home).record_all(events)
        self.is_logged = True

    def _check_purpose(self, read: Statement) -> None:
        stated = self.question.purpose
        grants = self.background.grants_on(self.question.person, read.marts)
        allowed = {one for grant in grants for one in grant.purposes}
        if stated is not None and stated not in allowed:
            raise QueryFailed(
                f"{stated} is no purpose of {self.question.person}'s grants on "
                f"{read.object}: these are for {', '.join(sorted(allowed)) or 'nothing'}."
            )

    def _failed(self, error: psycopg.Error, read: Statement) -> NoReturn:
        """Tell why the database did not answer, after logging that it did not.

        Raises:
            QueryFailed: always.
        """
        from psycopg import errors

        name = type(error).__name__
        is_denied = isinstance(error, errors.InsufficientPrivilege)
        self.log(f"{'refused' if is_denied else 'failed'}: {name}", 0)
        said = f"Error: {error.diag.message_primary or error}"
        if is_denied:
            raise QueryFailed(f"{said}. {self._not_granted(read)}") from error
        if isinstance(error, errors.UndefinedTable | errors.InvalidSchemaName):
            raise QueryFailed(f"{said}. {self._there_is(said)}") from error
        if isinstance(error, errors.UndefinedColumn):
            raise QueryFailed(f"{said}. {self._columns(read)}") from error
        if isinstance(error, errors.SyntaxError | errors.UndefinedFunction):
            raise QueryFailed(f"{said}. {_FORM}") from error
        raise QueryFailed(said) from error

    def _not_granted(self, read: Statement) -> str:
        person = self.question.person
        own = self.background.grants.get(person, {})
        told = []
        brokered = [one for one in read.marts if one in own and self._is_brokered(one)]
        if brokered:
            names = ", ".join(
                f"select * from {self._asked_as(one)}" for one in brokered
            )
            return (
                f"Its very counts can say who somebody is, so {', '.join(brokered)} is "
                f"reached through its function alone: {names}. Rows with a count below "
                f"{SMALLEST} are left out"
            )
        for mart in read.marts:
            granted = {name for use in own.get(mart, ()) for name in use.columns}
            missing = [one for one in read.columns[mart] if one not in granted]
            if not granted:
                told.append(f"{person} has no grant on {mart}")
            elif missing:
                told.append(
                    f"{person} has no grant on {mart}'s {', '.join(missing)}; granted "
                    f"are {', '.join(sorted(granted))}"
                )
        if not told:
            return "Only the published marts are open. See: edp access me"
        first = read.marts[0]
        return (
            f"{'; '.join(told)}. Ask for it: edp access request {first} …; what you may "
            "see: edp access me"
        )

    def _is_brokered(self, mart: str) -> bool:
        known = self.background.marts.get(mart)
        return known is not None and known.is_brokered

    def _asked_as(self, mart: str) -> str:
        return (
            f"{BROKER_SCHEMA}.{mart}()" if self._is_brokered(mart) else f"marts.{mart}"
        )

    def _columns(self, read: Statement) -> str:
        own = self.background.grants.get(self.question.person, {})
        told = [
            f"{self._asked_as(mart)} has for you "
            f"{', '.join(sorted({one for use in own[mart] for one in use.columns}))}"
            for mart in read.marts
            if mart in own
        ]
        return f"{'; '.join(told)}. Text stands in single quotes." if told else _FORM

    def _there_is(self, said: str) -> str:
        own = sorted(self.background.grants.get(self.question.person, {}))
        wrong = said.partition('"')[2].partition('"')[0].rpartition(".")[2]
        near = get_close_matches(wrong, own, cutoff=0.5)
        return (
            (f"Near names: {', '.join(near)}. " if near else "")
            + f"The marts that {self.question.person} may see are: "
            f"{', '.join(map(self._asked_as, own)) or 'none'}. A mart is published "
            "when what it is made of has arrived and its checks have passed: edp status."
        )

    def _refuse(self, marts: Collection[str]) -> NoReturn:
        """Tell what is missing, and who puts it right.

        Raises:
            QueryFailed: always.
        """
        from edp_platform.access.declared import declare
        from edp_platform.access.facts import read_facts
        from edp_platform.access.holders import Holders
        from edp_platform.access.telling import access_of
        from edp_platform.governance.registers import Registers

        person, today = self.question.person, self.now.date()
        registers = Registers(self.home.made_on)
        if Holders(registers).get(person) is None:
            raise QueryFailed(
                f"{person} is nobody of the register `people`, nor of a supplier's "
                "people. Say who you are with --as-person ID, or set EDP_USER."
            )
        facts = read_facts(self.home, registers, today)
        told = access_of(person, declare(registers, facts, today), facts, today)
        missing = [
            f"{one['mart']}: {each['says']} ({each['who']} puts it right)"
            for one in told["may_not"]
            if one["mart"] in marts
            for each in one["missing"]
        ]
        raise QueryFailed(
            f"{person} may not see {', '.join(sorted(marts)) or 'anything'} now. "
            + (" ".join(missing) or "No grant of theirs is live.")
            + " What you may see: edp access me"
        )


def _session(
    connection: Connection[Any], marts: Collection[str]
) -> tuple[str, list[str]]:
    """Return the server's id of this session, and the marts that are shut to it.

    Row security would give no rows of these, and say nothing.
    """
    row = connection.execute(
        "select to_hex(floor(extract(epoch from backend_start))::bigint) || '.' || "
        "to_hex(pid), array(select m from unnest(%s::text[]) as m "
        "where not gov.may_read(m) and has_any_column_privilege("
        "to_regclass('marts.' || quote_ident(m)), 'SELECT')) "
        "from pg_stat_activity where pid = pg_backend_pid()",
        [sorted(marts)],
    ).fetchone()
    assert row is not None
    return str(row[0]), list(row[1])


def _is_computed(column: Any) -> bool:
    """Whether a column is a `numeric` that the query made: a sum, an average."""
    return column.type_code == _NUMERIC and column.scale is None


def _as_before(row: tuple[Any, ...], computed: list[bool]) -> tuple[Any, ...]:
    """Return sums as whole numbers and averages as floats, as any reader expects."""
    return tuple(
        _number(value) if is_computed and isinstance(value, Decimal) else value
        for value, is_computed in zip(row, computed, strict=True)
    )


def _number(value: Decimal) -> int | float:
    exponent = value.as_tuple().exponent
    return int(value) if exponent == 0 else float(value)


def pass_gate(
    snapshot: Snapshot,
    named: set[str],
    data_sets: DataSets,
    use_cases: Mapping[str, UseCaseFolder],
    today: date,
) -> None:
    """Ask the gate about every mart that is named, as of today.

    Raises:
        GateRefused: a DPIA beneath one, or its use case's records, no longer cover it.
        QueryFailed: a data set beneath one is set aside, so nobody can say.
    """
    for mart in sorted(name.rsplit(".", 1)[-1].strip('"') for name in named):
        for use in snapshot.uses.get(mart, []):
            data_set = data_sets.by_name.get(use.data_set)
            if data_set is None:
                raise QueryFailed(
                    f"{mart} is made from {use.data_set}, which is set aside: nobody "
                    "can say whether its DPIA still covers it. See edp status."
                )
            refusals = [
                *data_set.refusals(
                    "mart", today, purposes=use.purposes, use_case=use.use_case
                ),
                *product_refusals(use_cases, use.use_case, mart, today),
            ]
            if refusals:
                raise GateRefused(mart, refusals)


def as_csv(columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    """Return CSV; text that a spreadsheet would run as a formula starts with '."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in (columns, *rows):
        writer.writerow([_safe(value) for value in row])
    return text.getvalue()


def _safe(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return "" if value is None else value


def as_json(columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    """Return a JSON list of one object a row; dates are ISO text."""
    return json.dumps(
        [dict(zip(columns, row, strict=True)) for row in rows],
        default=str,
        ensure_ascii=False,
    )
