"""Requests of persons and the days by which they must be answered.

A request is answered within one month of receipt, to the corresponding day of the next
month or its last day (UK GDPR Art.12(3); DPA 2018 s.54). It may be extended by up to two
further months where it is complex, and the person is told why within the first
[for s.54 since the Data (Use and Access) Act 2025; to be confirmed by Information Rights].
"""

from __future__ import annotations

import calendar
import secrets
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

from edp_platform.append_only import AppendOnly
from edp_platform.governance.subject_keys import SubjectKey
from edp_platform.home import Home
from edp_platform.told import Told

Right = Literal["access", "rectification", "restriction", "erasure", "objection"]
#: How many further months a complex request may take in all.
MOST_EXTRA_MONTHS = 2

#: Restrictions of a right that the law names. Each use gives a reason, and is logged.
EXEMPTIONS = {
    "s.44(4)": "DPA 2018 s.44(4): information about processing, restricted",
    "s.45(4)(a)": "avoid obstructing an inquiry, investigation or procedure",
    "s.45(4)(b)": "avoid prejudicing the prevention, detection, investigation or "
    "prosecution of offences, or the execution of penalties",
    "s.45(4)(c)": "protect public security",
    "s.45(4)(d)": "protect national security",
    "s.45(4)(e)": "protect the rights and freedoms of others",
    "s.48(3)": "DPA 2018 s.48(3): information about a refusal, restricted",
    "Sch.2(2)": "DPA 2018 Sch.2 para.2: crime and taxation",
    "Sch.2(5)": "DPA 2018 Sch.2 para.5: legal proceedings",
    "Sch.2(16)": "DPA 2018 Sch.2 para.16: rights of others",
    "Sch.2(19)": "DPA 2018 Sch.2 para.19: legal professional privilege",
}


class RequestRefused(Told):
    """The request or what was asked of it does not fit; nothing was done."""


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        id: R-….
        subject: keyed hash of the person.
        right: what they ask.
        received: the day it came.
        due: the day by which it must be answered.
        extra_months: granted so far.
        state: open or closed.
        outcome: how it ended, in words.
    """

    id: str
    subject: str
    right: str
    received: date
    due: date
    extra_months: int = 0
    state: str = "open"
    outcome: str | None = None

    def days_left(self, today: date) -> int:
        """Return the days until it must be answered; negative when overdue."""
        return (self.due - today).days


def months_after(day: date, months: int) -> date:
    """Return the corresponding day so many months later, or that month's last day."""
    number = day.year * 12 + day.month - 1 + months
    year, month = divmod(number, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


class Requests:
    """The requests of one home: `EDP_HOME/rights/requests.jsonl`, append-only."""

    def __init__(self, home: Home) -> None:
        self._key = SubjectKey(home, "request")
        self._register = AppendOnly(home.rights / "requests.jsonl")

    def all(self) -> list[Request]:
        """Return every request as it stands, oldest first."""
        found: dict[str, Request] = {}
        for row in self._register.rows():
            if row["event"] == "opened":
                received = date.fromisoformat(row["received"])
                found[row["id"]] = Request(
                    row["id"],
                    row["subject"],
                    row["right"],
                    received,
                    months_after(received, 1),
                )
                continue
            before = found[row["id"]]
            if row["event"] == "extended":
                extra = before.extra_months + row["months"]
                found[row["id"]] = replace(
                    before,
                    extra_months=extra,
                    due=months_after(before.received, 1 + extra),
                )
            else:
                found[row["id"]] = replace(
                    before, state="closed", outcome=row["outcome"]
                )
        return list(found.values())

    def open(
        self, nominal_id: str, right: str, received: date, by: str, now: datetime
    ) -> Request:
        """Open a request.

        Raises:
            RequestRefused: it is dated in the future.
            WriteFailed: it cannot be written.
        """
        if received > now.date():
            raise RequestRefused(
                f"The request would have been received on {received}, which is in the "
                "future. Give the day it came with --received."
            )
        identity = f"R-{received:%Y%m%d}-{secrets.token_hex(3)}"
        self._add(
            identity,
            "opened",
            by,
            now,
            subject=self._key.of(nominal_id),
            right=right,
            received=received.isoformat(),
        )
        return self.get(identity)

    def get(self, identity: str, nominal_id: str | None = None) -> Request:
        """Return one request, of this person where one is given.

        Raises:
            RequestRefused: no such request, or of somebody else.
        """
        for one in self.all():
            if one.id == identity:
                if nominal_id is not None and one.subject != self._key.of(nominal_id):
                    raise RequestRefused(
                        f"{identity} is the request of somebody else; nothing was done."
                    )
                return one
        raise RequestRefused(
            f"There is no request {identity}; edp rights requests lists them."
        )

    def extend(
        self, identity: str, months: int, reason: str, by: str, now: datetime
    ) -> Request:
        """Give a complex request more time.

        Raises:
            RequestRefused: beyond two further months, after it was due, or closed.
            WriteFailed: it cannot be written.
        """
        before = self.get(identity)
        if before.state != "open":
            raise RequestRefused(f"{identity} is closed; it needs no more time.")
        if months < 1 or before.extra_months + months > MOST_EXTRA_MONTHS:
            raise RequestRefused(
                f"{identity} may take {MOST_EXTRA_MONTHS} further months in all and has "
                f"had {before.extra_months}. Answer it, or what can be answered of it."
            )
        if before.due < now.date():
            raise RequestRefused(
                f"{identity} was due on {before.due}: time is extended before it is up, "
                "and the person told. Answer it now and record why it is late."
            )
        self._add(identity, "extended", by, now, months=months, reason=reason)
        return self.get(identity)

    def close(self, identity: str, outcome: str, by: str, now: datetime) -> None:
        """Close a request with how it ended.

        Raises:
            WriteFailed: it cannot be written.
        """
        self._add(identity, "closed", by, now, outcome=outcome)

    def _add(
        self, identity: str, event: str, by: str, now: datetime, **rest: Any
    ) -> None:
        self._register.add(
            {"id": identity, "event": event, "by": by, "at": now.isoformat(), **rest}
        )


def check_exemption(name: str, reason: str) -> str:
    """Return an exemption as it goes on record.

    Raises:
        RequestRefused: the law names no such, or no reason is given.
    """
    if name not in EXEMPTIONS:
        raise RequestRefused(
            f"{name} is no exemption known here; there are {', '.join(EXEMPTIONS)}."
        )
    if not reason.strip():
        raise RequestRefused(f"{name} is relied on without a reason. Give --reason.")
    return f"{name}: {reason}"
