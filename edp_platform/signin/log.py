"""The log of signing in: who came, who was refused and why, who left; never a secret."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from starlette.requests import HTTPConnection

from edp_platform.append_only import AppendOnly
from edp_platform.home import Home

Event = Literal["signed_in", "refused", "signed_out", "action"]
#: What somebody claims can be as long as they like.
_LONGEST = 200


class SignInLog:
    """`EDP_HOME/logs/signin.jsonl`, only ever added to."""

    def __init__(self, home: Home) -> None:
        self._rows = AppendOnly(home.root / "logs" / "signin.jsonl")

    def add(self, event: Event, conn: HTTPConnection, mode: str, **facts: Any) -> None:
        """Add one event.

        Raises:
            WriteFailed: it could not be written, so what it is about must not be done.
        """
        self._rows.add(
            {
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "event": event,
                "mode": mode,
                "from": conn.client.host if conn.client else "",
                "method": conn.scope.get("method", "websocket"),
                "path": conn.scope["path"][:_LONGEST],
                **{name: _cut(value) for name, value in facts.items() if value != ""},
            }
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return every event, oldest first."""
        return self._rows.rows()


def _cut(value: Any) -> Any:
    return value[:_LONGEST] if isinstance(value, str) else value
