"""Changes of state of the watched series: found once, on record for good.

A series' state is its variation, its direction, its assurance, and whether it is an
alert, as `analysis.signals` tells them. When one differs from the state last seen, that
is an event: who sees it does not depend on who looks. A series seen for the first time
has no state before, so nothing changed. An event is sent where the series has become an
alert, or is one and has turned: partial and provisional periods are no part of a state,
so they raise none.

`EDP_HOME/alerts/events.jsonl` is only ever added to, and is written before the states
seen are; a process killed between the two finds the same events on record and adds none
again. What is sent of them is said in `alerts_delivery`.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from edp_platform.append_only import AppendOnly
from edp_platform.files import read_json, replacing, write_json
from edp_platform.home import Home

#: What tells series apart.
SERIES = ("measure", "area_kind", "area_code")
#: What of a series is its state.
STATE = ("variation", "direction", "assurance", "alert")
#: Kinds of area whose alerts are never sent out: an area of a few households.
KEPT_INSIDE = frozenset({"lsoa"})
_BEFORE = "__before"


@dataclass(frozen=True)
class Event:
    """One change of state of one series.

    Attributes:
        id: of this event, and of no other.
        at: when it was seen, ISO 8601.
        snapshot: of the copy whose series it was seen in; None before publication.
        measure, area_kind, area_code, area: whose series.
        month: the newest period that could be judged.
        before, after: the states, column → word.
        words: what the series says now, in words.
        is_alert: it stands after the control of false discoveries.
        is_sent: it is for the webhook and the mail: it became an alert, or is one that
            turned, of an area that may be named outside.
    """

    id: str
    at: str
    snapshot: str | None
    measure: str
    area_kind: str
    area_code: str
    area: str
    month: str | None
    before: dict[str, str | None]
    after: dict[str, str | None]
    words: str
    is_alert: bool
    is_sent: bool


def with_states(series: pl.DataFrame) -> pl.DataFrame:
    """Add the columns of `STATE`, as words, to rows of the mart `measure_series`."""
    up = pl.col("direction").cast(pl.Int8)
    return series.with_columns(
        pl.col("variation").cast(pl.String),
        pl.when(up > 0)
        .then(pl.lit("up"))
        .when(up < 0)
        .then(pl.lit("down"))
        .alias("direction"),
        pl.col("assurance").cast(pl.String),
        pl.when(pl.col("is_alert").fill_null(False))
        .then(pl.lit("yes"))
        .otherwise(pl.lit("no"))
        .alias("alert"),
    )


def changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Return the series whose state differs.

    Args:
        before: `SERIES` and `STATE`: the states last seen.
        after: the same and more: the states now, one row per series.

    Returns:
        rows of `after`, with each of `STATE` before as `<name>__before`. Series that
        `before` does not hold are not among them.
    """
    known = before.select(
        *SERIES, *(pl.col(name).alias(f"{name}{_BEFORE}") for name in STATE)
    )
    both = after.join(known, on=list(SERIES), how="inner", nulls_equal=True)
    return both.filter(
        pl.any_horizontal(
            pl.col(name).ne_missing(pl.col(f"{name}{_BEFORE}")) for name in STATE
        )
    ).sort(SERIES)


class EventLog:
    """The events of one home, and the states last seen."""

    def __init__(self, home: Home) -> None:
        self.folder = home.root / "alerts"
        self._register = AppendOnly(self.folder / "events.jsonl")

    def events(self) -> list[Event]:
        """Return every event on record, oldest first."""
        return [Event(**row) for row in self._register.rows()]

    def observe(
        self, series: pl.DataFrame, now: datetime, snapshot: str | None = None
    ) -> list[Event]:
        """Record what changed since series were last seen.

        Args:
            series: one row per series, as the mart `measure_series`: `SERIES`,
                `variation`, `direction`, `assurance`, `is_alert`, and where there are
                `area`, `month`, `words`.
            now: when they are seen.
            snapshot: of the published copy they stand in.

        Returns:
            the events added.

        Raises:
            WriteFailed: they cannot be recorded; the next look finds them again.
        """
        series = with_states(series)
        with self._alone():
            events = self.events()
            states = self._seen(events)
            found = [
                _event(row, now, snapshot, len(events) + at)
                for at, row in enumerate(changes(states, series).iter_rows(named=True))
            ]
            self._register.add(*(asdict(one) for one in found))
            self._see(states, series, len(events) + len(found))
        return found

    def _seen(self, events: Sequence[Event]) -> pl.DataFrame:
        """Return the states last seen: those kept, and what events said since."""
        schema = dict.fromkeys((*SERIES, *STATE), pl.String)
        path = self._states
        kept = pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=schema)
        counted: int = read_json(self._counted, 0)
        since = [
            {name: getattr(one, name) for name in SERIES} | one.after
            for one in events[counted:]
        ]
        if not since:
            return kept
        newer = pl.DataFrame(since, schema=schema).unique(SERIES, keep="last")
        return pl.concat([kept.join(newer, on=list(SERIES), how="anti"), newer])

    def _see(self, states: pl.DataFrame, series: pl.DataFrame, counted: int) -> None:
        """Keep the states seen now, and of series that are not there, the last."""
        now = series.select(pl.col(name).cast(pl.String) for name in (*SERIES, *STATE))
        gone = states.join(now, on=list(SERIES), how="anti", nulls_equal=True)
        kept = pl.concat([now, gone]).sort(SERIES)
        if self._states.exists() and kept.equals(pl.read_parquet(self._states)):
            return
        with replacing(self._states) as temporary:
            kept.write_parquet(temporary, compression="zstd")
        write_json(self._counted, counted)

    @property
    def _states(self) -> Path:
        return self.folder / "states.parquet"

    @property
    def _counted(self) -> Path:
        return self.folder / "states.counted.json"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let two processes that see the same change record it once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".observing.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _event(row: dict[str, Any], now: datetime, snapshot: str | None, nth: int) -> Event:
    before = {name: row[f"{name}{_BEFORE}"] for name in STATE}
    after = {name: row[name] for name in STATE}
    text = f"{nth} {[row[name] for name in SERIES]} {after}"
    month = row.get("month")
    is_alert = after["alert"] == "yes"
    has_turned = any(
        before[name] != after[name] for name in ("variation", "direction", "alert")
    )
    return Event(
        id=hashlib.sha256(text.encode()).hexdigest()[:16],
        at=now.isoformat(timespec="seconds"),
        snapshot=snapshot,
        measure=row["measure"],
        area_kind=row["area_kind"],
        area_code=row["area_code"],
        area=row.get("area") or row["area_code"],
        month=None if month is None else str(month)[:7],
        before=before,
        after=after,
        words=row.get("words") or "",
        is_alert=is_alert,
        is_sent=is_alert and has_turned and row["area_kind"] not in KEPT_INSIDE,
    )


def in_words(event: Event, title: str) -> str:
    """Return one sentence on what changed, then what the series says.

    Args:
        event: the change.
        title: of the measure.
    """
    turned = [
        f"{name} from {event.before[name] or 'none'} to {event.after[name] or 'none'}"
        for name in STATE
        if event.before[name] != event.after[name]
    ]
    when = f" ({event.month})" if event.month else ""
    said = f" {event.words.strip()}" if event.words.strip() else ""
    return f"{title}, {event.area}{when}: {'; '.join(turned)}.{said}"
