"""What a query touches, and its text without any value: what the log may hold of it.

The text is rebuilt word by word: SQL's own words and the names of published tables and
columns stay, everything else is `?`. So a name that somebody typed between the wrong
quotes, as an alias or in a comment is no more in the log than one in a WHERE.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

#: sqlglot tells on its log what it does not know, with the text.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

_KEPT = re.compile(r"pg_[a-z_]+|information_schema|edp_[a-z]+")
_SCHEMAS = frozenset(
    {"marts", "broker", "gov", "publication", "current", "schema_as_at"}
)
#: Words of PostgreSQL that sqlglot's tokenizer has for names.
_WORDS = (
    "stdout stdin program to format csv binary header verbose costs buffers timing "
    "cursor hold scroll forward next security public role session authorization local "
    "transaction isolation level read only write committed serializable deferrable "
    "count date month year day hour minute second epoch language sql plpgsql do"
)
#: What says nothing about any table: no look at anything. FETCH goes on with a cursor
#: whose DECLARE was logged.
_QUIET = re.compile(
    r"\s*(begin|start\s+transaction|commit|end|rollback|abort|savepoint|release|set|"
    r"reset|show|deallocate|discard|close|fetch|move|listen|unlisten)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class KnownMart:
    """One published mart, as the log must know it.

    Attributes:
        columns: all of them.
        personal: those that can tell something about a person.
        data_sets: the contracts beneath it.
        dpias: their records.
        is_brokered: whether it is reached through a function alone.
    """

    columns: tuple[str, ...]
    personal: frozenset[str] = frozenset()
    data_sets: frozenset[str] = frozenset()
    dpias: tuple[str, ...] = ()
    is_brokered: bool = False


Known = Mapping[str, KnownMart]


@dataclass(frozen=True)
class Statement:
    """One query, as it may be logged.

    Attributes:
        marts: those it names.
        others: tables it names that are no marts, such as `pg_class`.
        columns: of each mart those it touches; all of them where that is unclear.
        text: without values; None where it cannot be read at all.
        is_quiet: whether it looks at nothing (BEGIN, SET).
        is_export: whether the server writes rows out (COPY … TO).
        is_parsed: whether its structure is known, and not only its words.
        is_several: whether it is more than one statement.
    """

    marts: tuple[str, ...]
    others: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    text: str | None = None
    is_quiet: bool = False
    is_export: bool = False
    is_parsed: bool = True
    is_several: bool = False

    @property
    def object(self) -> str:
        """What it is about, in words for the log."""
        named = [*(f"marts.{one}" for one in self.marts), *self.others]
        return ", ".join(named) or "no table"

    @property
    def touched(self) -> tuple[str, ...]:
        """The columns it touches, as `mart.column`."""
        return tuple(
            f"{mart}.{column}"
            for mart, columns in self.columns.items()
            for column in columns
        )

    def personal(self, known: Known) -> tuple[str, ...]:
        """Return the personal columns it touches, as `mart.column`."""
        return tuple(
            f"{mart}.{column}"
            for mart, columns in self.columns.items()
            for column in columns
            if mart in known and column in known[mart].personal
        )

    def combines(self, known: Known) -> bool:
        """Whether data of two contracts come together, a personal column among them."""
        beneath = {known[mart].data_sets for mart in self.marts if mart in known}
        several = len(beneath) > 1 and len(frozenset().union(*beneath)) > 1
        return several and bool(self.personal(known))


def read_statement(text: str, known: Known) -> Statement:
    """Return what a query touches and its text without values.

    Never raises: what cannot be read is a statement without text, on every mart whose
    name stands in it.
    """
    from sqlglot.errors import SqlglotError

    if _QUIET.match(text) and ";" not in text.rstrip().rstrip(";"):
        return Statement((), text=None, is_quiet=True)
    try:
        tokens = [*_tokens(text)]
    except (SqlglotError, RecursionError):
        marts = tuple(sorted(one for one in known if _stands_in(one, text)))
        return Statement(
            marts,
            columns={one: known[one].columns for one in marts},
            is_export=bool(re.match(r"\s*copy\b", text, re.IGNORECASE)),
            is_parsed=False,
        )
    names = [one.text for one in tokens if one.token_type.name in ("VAR", "IDENTIFIER")]
    lower = {one.lower() for one in names}
    # A name within a string may be run: query_to_xml('select …'), do $$ … $$.
    within = {one for one in known if one not in lower and _stands_in(one, text)}
    marts = tuple(sorted(known.keys() & lower | within))
    whole, others, is_parsed = _structure(text, known)
    if not is_parsed or within or _has_star(tokens):
        whole = frozenset(marts)
    columns = {
        mart: tuple(
            one for one in known[mart].columns if mart in whole or one.lower() in lower
        )
        for mart in marts
    }
    first = tokens[0].text.lower() if tokens else ""
    return Statement(
        marts,
        others,
        columns,
        _without_values(tokens, known, frozenset(marts)),
        is_export=first == "copy",
        is_parsed=is_parsed,
        is_several=any(
            one.token_type.name == "SEMICOLON" for one in tokens[: len(tokens) - 1]
        ),
    )


def _stands_in(name: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE) is not None


def _tokens(text: str) -> Iterator[Any]:
    """Yield the words of a query, those that a command's tokenizer swallowed included."""
    from sqlglot.dialects.postgres import Postgres

    swallowed = False
    for token in Postgres().tokenize(text):
        if swallowed and token.token_type.name == "STRING":
            yield from _tokens(token.text)
        else:
            yield token
        swallowed = token.token_type.name in ("COMMAND", "SHOW", "EXECUTE", "FETCH")


def _has_star(tokens: Sequence[Any]) -> bool:
    """Whether some `*` stands for columns: not count(*), not a multiplication."""
    before = ""
    for token in tokens:
        kind = token.token_type.name
        if kind == "STAR" and before in ("SELECT", "DISTINCT", "ALL", "COMMA", "DOT"):
            return True
        if kind == "TABLE":
            return True
        before = kind
    return False


def _structure(text: str, known: Known) -> tuple[frozenset[str], tuple[str, ...], bool]:
    """Return the marts asked by whole rows, other tables, and whether it was parsed."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        trees = [one for one in sqlglot.parse(text, dialect="postgres") if one]
    except (SqlglotError, RecursionError, ValueError):
        return frozenset(), (), False
    if not trees or any(tree.find(exp.Command) for tree in trees):
        return frozenset(), (), False
    aliases: dict[str, str] = {}
    others: set[str] = set()
    for tree in trees:
        ours = {one.alias_or_name.lower() for one in tree.find_all(exp.CTE)}
        for table in tree.find_all(exp.Table):
            name = table.name.lower()
            if name in known:
                aliases[table.alias_or_name.lower()] = name
                aliases[name] = name
            elif name not in ours and _KEPT.fullmatch(name):
                others.add(name)
            elif name and name not in ours:
                others.add("a table that is not published")
    whole = {
        aliases[column.name.lower()]
        for tree in trees
        for column in tree.find_all(exp.Column)
        if not column.table and column.name.lower() in aliases
    }
    # `natural join` compares every column that both sides have.
    if any(
        join.args.get("method") == "NATURAL"
        for tree in trees
        for join in tree.find_all(exp.Join)
    ):
        whole |= {*aliases.values()}
    return frozenset(whole), tuple(sorted(others)), True


@cache
def _vocabulary() -> frozenset[str]:
    """Return the words of SQL: keywords and functions, the same for everybody."""
    from sqlglot import exp
    from sqlglot.dialects.postgres import Postgres

    words = {one.lower() for one in Postgres.Tokenizer.KEYWORDS}
    words |= {one.lower() for one in exp.FUNCTION_BY_NAME}
    return frozenset(words) | {*_WORDS.split()} | _SCHEMAS


def _without_values(tokens: Sequence[Any], known: Known, marts: frozenset[str]) -> str:
    columns = {one.lower() for mart in marts for one in known[mart].columns}
    kept = _vocabulary() | {*known} | columns
    words = []
    for token in tokens:
        kind, text = token.token_type.name, token.text
        is_mark = bool(text) and not any(one.isalnum() or one == "_" for one in text)
        is_value = kind.endswith("STRING") or kind == "NUMBER"
        if is_value or (
            kind == "IDENTIFIER" and text.lower() not in {*known, *columns}
        ):
            word = "?"
        elif text.lower() in kept or _KEPT.fullmatch(text.lower()):
            word = text.lower()
        elif is_mark and len(text) <= 3:
            word = text
        else:
            word = "?"
        words.append(word)
    text = " ".join(words)
    for mark in (".", ",", ")", ";", "::"):
        text = text.replace(f" {mark}", mark)
    return text.replace("( ", "(").replace(". ", ".").replace(":: ", "::")
