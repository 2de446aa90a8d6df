"""What things are called in the database, so that every part says the same."""

from __future__ import annotations

from edp_platform.told import Told

#: Owns the published schemas and the tables of access; nobody's login.
OWNER = "edp_owner"
#: What every person's login is a member of: may connect, and ask what it may see.
READER = "edp_reader"
#: The schema of the newest snapshot; older ones are `marts_` and their id.
PUBLISHED = "marts"
#: What one may see, read by the functions of row security.
GOV = "gov"
#: The functions through which marts are reached whose very counts disclose.
BROKER = "broker"
#: The comment that tells a person's login from any other role of the server.
PERSON_COMMENT = "A person of the EDP. Made and changed by edp access apply alone."
#: The one policy of each published table.
POLICY = "may_read"

#: PostgreSQL cuts a longer name off, and two people could become one.
_LONGEST = 63
#: Names that mean something else to the database, even quoted, or are its own.
_RESERVED = frozenset({"public", "none", "postgres", "user", "session-user"})


class NoSuchLogin(Told):
    """A person's id cannot name a login."""


def role_of(person_id: str) -> str:
    """Return the name of a person's login: their id, so that logs say who it was.

    Raises:
        NoSuchLogin: the id is too long for a name in the database, or taken by it.
    """
    if len(person_id.encode()) > _LONGEST or person_id in _RESERVED:
        raise NoSuchLogin(
            f"The id {person_id} cannot name a login: the database has that name, or "
            f"cuts it off after {_LONGEST} bytes and two people could become one. Give "
            "them another id."
        )
    return person_id


def is_published(schema: str) -> bool:
    """Whether a schema holds a snapshot that people may be granted."""
    return schema == PUBLISHED or schema.startswith(f"{PUBLISHED}_")


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL writes it (`standard_conforming_strings` is on)."""
    return "'" + text.replace("'", "''") + "'"
