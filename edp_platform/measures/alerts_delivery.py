"""Alerts sent: to a webhook, and as an e-mail file for a mail program to take.

An outbox: what is to be sent follows from the events on record less what is on record as
delivered, so that nothing is lost by a crash, a full disk or a receiver that is down.
One process delivers at a time, and a delivery is recorded as soon as the receiver has
answered, so that nothing is sent twice; only where the process is killed between the two
is a message sent again, under the same `Idempotency-Key`, by which the receiver knows it.

A message holds the measure, the area and words; no record, no name of a person.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import urlsplit

from edp_platform.append_only import AppendOnly
from edp_platform.files import replacing
from edp_platform.home import Home
from edp_platform.measures.alerts import Event, EventLog, in_words
from edp_platform.this_machine import is_this_machine
from edp_platform.told import Told

#: Where alerts are posted; unset, nowhere.
WEBHOOK = "EDP_ALERT_WEBHOOK"
#: To whom the e-mail is addressed; unset, to the measure's owner where that is one.
MAIL_TO = "EDP_ALERT_MAIL_TO"
_SENDER = "edp@localhost"
_WAIT_FIRST, _WAIT_MOST = timedelta(seconds=30), timedelta(hours=1)
_TIMEOUT_SECONDS = 5.0
#: After so many that fail one after the other, the receiver is taken to be down.
_FAILURES_IN_A_ROW = 3


class WebhookInvalid(Told):
    """Alerts would be sent to an address that cannot be trusted with them."""


@dataclass(frozen=True)
class Named:
    """What a message says of a measure.

    Attributes:
        title: what people call it.
        owner: who answers for it.
    """

    title: str
    owner: str


@dataclass(frozen=True)
class Delivered:
    """What one round of delivering did.

    Attributes:
        posted: events that the webhook took.
        written: e-mail files written.
        failed: posts that failed now.
        waiting: events that the webhook has yet to take.
        why: what the last failure was; "" for none.
    """

    posted: int = 0
    written: int = 0
    failed: int = 0
    waiting: int = 0
    why: str = ""


def webhook_of(environment: Mapping[str, str]) -> str | None:
    """Return where alerts are posted; None for nowhere.

    Raises:
        WebhookInvalid: it is no address, or not encrypted and not this machine.
    """
    url = environment.get(WEBHOOK, "").strip()
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise WebhookInvalid(
            f"{WEBHOOK} is no web address, so alerts cannot be sent. They are kept. "
            "Write https://…, or leave it out to send none."
        )
    if parts.scheme == "http" and not is_this_machine(parts.hostname):
        raise WebhookInvalid(
            f"{WEBHOOK} is not encrypted: what a force's figures say would cross the "
            "network in the clear. Alerts are kept, not sent. Write https://…"
        )
    return url


class Outbox:
    """What of the events on record has been delivered, and what has not."""

    def __init__(self, home: Home) -> None:
        self._log = EventLog(home)
        self.folder = self._log.folder / "outbox"
        self._register = AppendOnly(self._log.folder / "deliveries.jsonl")

    def pending(self, channel: str) -> list[Event]:
        """Return the events that a channel has yet to take, oldest first.

        Args:
            channel: "webhook" or "mail".
        """
        done = {
            row["event"]
            for row in self._register.rows()
            if row["channel"] == channel and row["outcome"] == "delivered"
        }
        return [one for one in self._log.events() if one.is_sent and one.id not in done]

    def deliver(
        self,
        names: Mapping[str, Named],
        now: datetime,
        url: str | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> Delivered:
        """Write the e-mail files and post what is due to be posted.

        A post that fails is tried again after 30 s, and after twice as long each time,
        an hour at most; until then it waits, whoever calls.

        Args:
            names: measure → what messages say of it.
            now: decides what is due.
            url: see `webhook_of`; None posts nothing.
            clock: tells when each post was answered; `now` where left out.

        Raises:
            WriteFailed: it cannot be recorded, so nothing more is sent.
        """
        with self._alone() as is_alone:
            if not is_alone:
                return Delivered(waiting=len(self.pending("webhook")))
            written = 0
            for event in self.pending("mail"):
                self._write_mail(event, names)
                self._note(event, "mail", "delivered", now)
                written += 1
            if url is None:
                return Delivered(written=written)
            return self._post_due(names, now, url, clock or (lambda: now), written)

    def _post_due(
        self,
        names: Mapping[str, Named],
        now: datetime,
        url: str,
        clock: Callable[[], datetime],
        written: int,
    ) -> Delivered:
        failures = self._failures()
        due = [
            one
            for one in self.pending("webhook")
            if _next_try(failures.get(one.id, [])) <= now
        ]
        posted = failed = in_a_row = 0
        why = ""
        if due:
            import httpx

            with httpx.Client(timeout=_TIMEOUT_SECONDS) as client:
                for event in due:
                    why_not = _post(client, url, event, names)
                    outcome = f"failed: {why_not}" if why_not else "delivered"
                    self._note(event, "webhook", outcome, clock())
                    if not why_not:
                        posted, in_a_row = posted + 1, 0
                        continue
                    failed, in_a_row, why = failed + 1, in_a_row + 1, why_not
                    if in_a_row >= _FAILURES_IN_A_ROW:
                        break
        return Delivered(posted, written, failed, len(self.pending("webhook")), why)

    def _failures(self) -> dict[str, list[datetime]]:
        """Return event → when each post of it failed."""
        found: dict[str, list[datetime]] = {}
        for row in self._register.rows():
            if row["channel"] == "webhook":
                at = datetime.fromisoformat(row["at"])
                found.setdefault(row["event"], []).append(at)
        return found

    def _note(self, event: Event, channel: str, outcome: str, at: datetime) -> None:
        self._register.add(
            {
                "event": event.id,
                "channel": channel,
                "outcome": outcome,
                "at": at.isoformat(),
            }
        )

    def _write_mail(self, event: Event, names: Mapping[str, Named]) -> None:
        with replacing(self.folder / f"{event.id}.eml") as temporary:
            temporary.write_bytes(
                mail(event, _named(event, names)).as_bytes(policy=SMTP)
            )

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Let one process deliver at a time; the others have nothing to do."""
        self._log.folder.mkdir(parents=True, exist_ok=True)
        with (self._log.folder / ".delivering.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True


def _next_try(failures: Sequence[datetime]) -> datetime:
    """Return when an event may be posted again."""
    if not failures:
        return datetime.min.replace(tzinfo=UTC)
    wait = min(_WAIT_FIRST * 2 ** min(len(failures) - 1, 16), _WAIT_MOST)
    return failures[-1] + wait


def message(event: Event, named: Named) -> dict[str, object]:
    """Return what is posted of an event, ready for JSON."""
    return {
        "id": event.id,
        "at": event.at,
        "snapshot": event.snapshot,
        "measure": event.measure,
        "title": named.title,
        "owner": named.owner,
        "area_kind": event.area_kind,
        "area_code": event.area_code,
        "area": event.area,
        "month": event.month,
        "before": event.before,
        "after": event.after,
        "text": in_words(event, named.title),
        "see": f"edp measure show {event.measure} --area {event.area_code}",
    }


def mail(event: Event, named: Named) -> EmailMessage:
    """Return an event as an e-mail in plain text."""
    told = EmailMessage()
    told["From"] = _SENDER
    to = os.environ.get(MAIL_TO, "").strip() or (
        named.owner if "@" in named.owner else ""
    )
    told["To"] = to or "undisclosed-recipients:;"
    told["Subject"] = " ".join(f"{named.title}, {event.area}: {_turn(event)}".split())
    told["Date"] = format_datetime(datetime.fromisoformat(event.at))
    told["Message-ID"] = f"<{event.id}@edp.localhost>"
    told.set_content(
        f"{in_words(event, named.title)}\n\n"
        f"Seen {event.at}"
        + (f", snapshot {event.snapshot}" if event.snapshot else "")
        + ".\nAn alert stands after the control of false discoveries over all watched "
        "series; it says that the figures changed, not why.\n"
        f"See: edp measure show {event.measure} --area {event.area_code}\n"
        f"Who answers for the measure: {named.owner}\n"
    )
    return told


def _turn(event: Event) -> str:
    return event.after.get("variation") or "a change of state"


def _named(event: Event, names: Mapping[str, Named]) -> Named:
    return names.get(event.measure, Named(event.measure, "nobody on record"))


def _post(client: object, url: str, event: Event, names: Mapping[str, Named]) -> str:
    """Post one event; return why it was not taken, "" where it was.

    Never the answer's text: it is another's, and goes on record here.
    """
    import httpx

    assert isinstance(client, httpx.Client)
    try:
        answer = client.post(
            url,
            json=message(event, _named(event, names)),
            headers={"Idempotency-Key": event.id},
        )
    except httpx.HTTPError as error:
        return type(error).__name__
    return "" if answer.is_success else f"HTTP {answer.status_code}"
