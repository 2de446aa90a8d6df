"""When the marts are published to PostgreSQL: one rule for every command.

`EDP_SERVING=on` or `off` decides. Unsaid, they are where `EDP_POSTGRES_URL` names a
server or the server of this home is running; a home that never had one is as quick as
before. Naming `published/<use case>` publishes in any case, and starts the server for it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import Any

from edp_platform.database import managed
from edp_platform.home import Home
from edp_platform.told import Told

SETTING = "EDP_SERVING"
_PREFIX = "published"
_COPY = "marts"


class SettingInvalid(Told):
    """`EDP_SERVING` is neither on nor off."""


def is_wanted(home: Home) -> bool:
    """Whether runs publish to PostgreSQL.

    Raises:
        SettingInvalid: the setting is neither on nor off.
    """
    given = _setting()
    if given:
        return given == "on"
    if managed.is_named():
        return True
    if not (home.root / "postgres").exists():
        return False
    from edp_platform.database.embedded import EmbeddedServer

    return EmbeddedServer(home).is_running()


def is_off() -> bool:
    """Whether nobody wants the server at all.

    Raises:
        SettingInvalid: the setting is neither on nor off.
    """
    return _setting() == "off"


def _setting() -> str:
    given = os.environ.get(SETTING, "").strip().lower()
    if given not in ("", "on", "off"):
        raise SettingInvalid(
            f"{SETTING} is {given!r}. It says whether runs publish the marts to "
            "PostgreSQL: write on or off, or leave it out to publish whenever the "
            "server runs."
        )
    return given


def served_among(keys: Collection[Any]) -> frozenset[Any]:
    """Return the keys of publications to PostgreSQL."""
    return frozenset(
        key
        for key in keys
        if len(key.path) == 2 and key.path[0] == _PREFIX and key.path[1] != _COPY
    )


def unless_wanted(
    home: Home, keys: frozenset[Any], named: Sequence[str] = ()
) -> frozenset[Any]:
    """Return keys without publications to PostgreSQL, where nobody asked for these.

    Args:
        home: whose server.
        keys: what a selection came to.
        named: what the person wrote.
    """
    served = served_among(keys)
    if not served or served == keys or is_wanted(home):
        return keys
    if any(text.strip("+").startswith(f"{_PREFIX}/") for text in named):
        return keys
    return keys - served


def is_due(home: Home) -> bool:
    """Whether there is a newer snapshot than the one that is served.

    A server that does not run yet is behind: the run that publishes starts it.
    """
    from edp_platform.database.migrating import is_behind as is_unmigrated
    from edp_platform.database.server import Server
    from edp_platform.publishing.serving import is_behind
    from edp_platform.publishing.snapshot import is_published

    if not is_published(home):
        return False
    if not Server.of(home).is_running() or is_unmigrated(home):
        return True
    return is_behind(home)
