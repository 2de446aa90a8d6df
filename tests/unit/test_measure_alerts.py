"""A change of state is found once, put on record, and reaches a receiver that was down."""

from __future__ import annotations

import email
import email.policy
import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl
import pytest

from edp_platform.components.alerts import alert_definitions, observe, send
from edp_platform.home import Home
from edp_platform.measures import loading
from edp_platform.measures.alerts import Event, EventLog, in_words
from edp_platform.measures.alerts_delivery import (
    MAIL_TO,
    WEBHOOK,
    Named,
    Outbox,
    WebhookInvalid,
    webhook_of,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAMES = {"burglary": Named("Burglary", "analyst@example.police.uk")}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(NOW.date(), tmp_path)


def series(*rows: tuple[str, str | None, int, bool]) -> pl.DataFrame:
    """Return states: area, variation, direction, is_alert; `lsoa…` is a small area."""
    return pl.DataFrame(
        [
            {
                "measure": "burglary",
                "area_kind": "lsoa" if area.startswith("lsoa") else "borough",
                "area_code": area,
                "area": area.title(),
                "month": date(2026, 2, 1),
                "variation": variation,
                "direction": direction,
                "assurance": "no target",
                "is_alert": is_alert,
                "words": f"{area} in words.",
            }
            for area, variation, direction, is_alert in rows
        ],
        schema_overrides={"variation": pl.String, "direction": pl.Int8},
    )


QUIET = ("camden", "common cause", 0, False)
CONCERN = ("camden", "concern", 1, False)
ALERT = ("camden", "concern", 1, True)


def test_a_change_is_an_event_once_and_the_first_look_is_none(home: Home) -> None:
    log = EventLog(home)
    assert log.observe(series(QUIET), NOW) == []
    assert log.observe(series(QUIET), NOW) == []
    (event,) = log.observe(series(CONCERN), NOW)
    assert (event.before["variation"], event.after["variation"]) == (
        "common cause",
        "concern",
    )
    assert not event.is_sent  # not after the control of false discoveries
    assert log.observe(series(CONCERN), NOW) == []
    (alert,) = log.observe(series(ALERT), NOW)
    assert alert.is_sent and alert.id != event.id
    assert "alert from no to yes" in in_words(alert, "Burglary")
    assert "camden in words" in in_words(alert, "Burglary")
    # A series that is not there for once is not new when it comes back.
    assert log.observe(series(("barnet", None, 0, False)), NOW) == []
    (back,) = log.observe(series(QUIET), NOW)
    assert not back.is_sent
    assert [one.id for one in log.events()] == [event.id, alert.id, back.id]


def test_killed_before_the_states_are_kept_the_same_event_comes_no_second_time(
    home: Home,
) -> None:
    log = EventLog(home)
    log.observe(series(QUIET), NOW)
    states, counted = (
        (log.folder / name).read_bytes()
        for name in ("states.parquet", "states.counted.json")
    )
    assert len(log.observe(series(ALERT), NOW)) == 1
    (log.folder / "states.parquet").write_bytes(states)
    (log.folder / "states.counted.json").write_bytes(counted)
    assert log.observe(series(ALERT), NOW) == []
    assert len(log.events()) == 1


def test_small_areas_are_on_record_and_not_sent(home: Home) -> None:
    log = EventLog(home)
    log.observe(series(("lsoa1", "common cause", 0, False)), NOW)
    (event,) = log.observe(series(("lsoa1", "concern", 1, True)), NOW)
    assert event.is_alert and not event.is_sent


class Receiver(HTTPServer):
    """Takes posts, and refuses the first few."""

    def __init__(self, refuse: int) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.refuse = refuse
        self.taken: list[tuple[str, dict[str, Any]]] = []
        self.asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/alerts"


class Taking(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        is_refused = self.server.asked <= self.server.refuse
        if not is_refused:
            key = self.headers["Idempotency-Key"]
            self.server.taken.append((key, json.loads(body)))
        self.send_response(503 if is_refused else 204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(refuse=1) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def with_alert(home: Home) -> Event:
    log = EventLog(home)
    log.observe(series(QUIET), NOW)
    (event,) = log.observe(series(ALERT), NOW)
    return event


def test_a_receiver_that_fails_first_gets_it_later_and_only_once(
    home: Home, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(MAIL_TO, raising=False)
    event, outbox = with_alert(home), Outbox(home)
    done = outbox.deliver(NAMES, NOW, receiver.url)
    assert (done.posted, done.written, done.failed, done.waiting) == (0, 1, 1, 1)
    assert done.why == "HTTP 503"
    soon = outbox.deliver(NAMES, NOW + timedelta(seconds=29), receiver.url)
    assert (soon.posted, soon.failed, receiver.asked) == (0, 0, 1)
    later = outbox.deliver(NAMES, NOW + timedelta(seconds=30), receiver.url)
    assert (later.posted, later.waiting) == (1, 0)
    for _ in range(2):
        again = outbox.deliver(NAMES, NOW + timedelta(days=1), receiver.url)
        assert (again.posted, again.written) == (0, 0)
    ((key, told),) = receiver.taken
    assert key == told["id"] == event.id
    assert told["title"] == "Burglary" and told["area"] == "Camden"
    assert "camden in words" in told["text"]

    (path,) = outbox.folder.glob("*.eml")
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert mail["To"] == "analyst@example.police.uk"
    assert mail["Subject"] == "Burglary, Camden: concern"
    assert "camden in words" in mail.get_content()
    path.unlink()  # a mail program took it
    assert outbox.deliver(NAMES, NOW, None).written == 0


def test_waits_double_up_to_an_hour(home: Home, receiver: Receiver) -> None:
    with_alert(home)
    receiver.refuse = 1000
    outbox, at = Outbox(home), NOW
    assert outbox.deliver(NAMES, at, receiver.url).failed == 1
    for wait in (30, 60, 120, 240, 480, 960, 1920, 3600, 3600):
        early = at + timedelta(seconds=wait - 1)
        assert outbox.deliver(NAMES, early, receiver.url).failed == 0
        at += timedelta(seconds=wait)
        assert outbox.deliver(NAMES, at, receiver.url).failed == 1


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://alerts.example/x", "not encrypted"),
        ("ftp://alerts.example/x", "no web address"),
        ("alerts", "no web address"),
    ],
)
def test_an_address_that_cannot_be_trusted_is_refused(url: str, why: str) -> None:
    with pytest.raises(WebhookInvalid, match=why):
        webhook_of({WEBHOOK: url})


def test_addresses_that_can(receiver: Receiver) -> None:
    for url in ("https://alerts.example/x", receiver.url, "http://localhost:1/x"):
        assert webhook_of({WEBHOOK: url}) == url
    assert webhook_of({WEBHOOK: " "}) is None


def test_the_check_finds_the_change_in_the_warehouse_and_it_is_sent(
    home: Home, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WEBHOOK, receiver.url)
    receiver.refuse = 0
    home.warehouse.parent.mkdir(parents=True)
    assert observe(home, NOW) == []
    for states in (series(QUIET), series(ALERT)):
        with duckdb.connect(str(home.warehouse)) as connection:
            connection.execute("create schema if not exists marts")
            connection.register("states", states.drop("area"))
            connection.execute(
                "create or replace table marts.measure_series as from states"
            )
            connection.execute(
                "create or replace table marts.measure_values as select measure, "
                "area_kind, area_code, 'Camden' as area from states"
            )
        events = observe(home, NOW)
    assert [one.area for one in events] == ["Camden"]
    # A measure that cannot be read stops no alert: it is named by its id.
    monkeypatch.setattr(loading, "_read", lambda root: ({}, ["burglary.yaml:1: fault"]))
    done = send(home, NOW)
    assert (done.posted, done.written) == (1, 1)
    assert receiver.taken[0][1]["title"] == "burglary"


def test_a_run_that_builds_the_series_tells_what_changed_and_goes_on(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(WEBHOOK, raising=False)
    home.warehouse.parent.mkdir(parents=True)
    built = [series(QUIET, ("barnet", None, 0, False))]

    @dg.asset(key=["marts", "measure_series"])
    def measure_series() -> None:
        states = built[-1].drop("area")
        with duckdb.connect(str(home.warehouse)) as connection:
            connection.execute("create schema if not exists marts")
            connection.register("states", states)
            connection.execute(
                "create or replace table marts.measure_series as from states"
            )

    definitions = dg.Definitions.merge(
        dg.Definitions(assets=[measure_series]), alert_definitions(home)
    )
    assert [one.name for one in definitions.sensors or ()] == ["alerts"]
    job = definitions.resolve_implicit_global_asset_job_def()
    first = job.execute_in_process()
    built.append(series(ALERT, ("barnet", "improvement", -1, False)))
    second = job.execute_in_process()
    assert first.success and second.success
    (before,) = first.get_asset_check_evaluations()
    (after,) = second.get_asset_check_evaluations()
    assert before.check_name == after.check_name == "trend_changed"
    assert (before.passed, after.passed) == (True, False)
    assert after.severity == dg.AssetCheckSeverity.WARN and not after.blocking
    assert after.metadata["changed"].value == 2
    assert after.metadata["alerts"].value == 1
    assert "camden in words" in str(after.metadata["words"].value)
    assert "barnet in words" not in str(after.metadata["words"].value)
