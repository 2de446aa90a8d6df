"""What each landed release of a month gives, counted as a report may have counted it.

A report that was made from an earlier release, or that counts what the platform sets
aside, can be recognised: the release is read again from landing and its rows are counted
under the same labels, with and without the rows that were kept out of the lake.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import polars as pl

from edp_platform.datasets import DataSet
from edp_platform.home import Home
from edp_platform.ingestion.landing import WHOLE, Delivery, LandingStore, Supplies
from edp_platform.ingestion.preparation import prepare
from edp_platform.legacy.mapping import Labels
from edp_platform.legacy.values import folded

#: Folded values of a cell's key, in the order that the counting was asked for.
FoldedKey = tuple[str, ...]
#: What models call a blank label.
_BLANK = "not stated"


@dataclass
class Counted:
    """One release of one month, counted by cell.

    Attributes:
        loaded: rows that go to the lake (or the sum of their figure).
        repeats: exact repeats of an identified row, set aside.
        kept_repeats: of those loaded, repeats without an identifier.
        quarantined: rows kept out that say which cell they are of.
        reasons: cell → why, of those quarantined.
        repeat_lines: cell → the lines set aside.
        by_label: (cell, column) → rows loaded by the label as received.
        unplaced: rows kept out of which nobody can say to which cell they belong.
    """

    loaded: Counter[FoldedKey] = field(default_factory=Counter)
    repeats: Counter[FoldedKey] = field(default_factory=Counter)
    kept_repeats: Counter[FoldedKey] = field(default_factory=Counter)
    quarantined: Counter[FoldedKey] = field(default_factory=Counter)
    reasons: dict[FoldedKey, Counter[str]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    repeat_lines: dict[FoldedKey, list[int]] = field(
        default_factory=lambda: defaultdict(list)
    )
    by_label: dict[tuple[FoldedKey, str], Counter[str]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    unplaced: int = 0


class Releases:
    """The releases of one data set, counted when asked, each file read once.

    Args:
        home: whose landing.
        data_set: its contract and reader.
        supplies: its deliveries.
        columns: column of the mart → of the lake, of those that the files hold.
        labels: what the contract calls values as received.
        measure: the mart's figure; summed where the files have a column of that name,
            else rows are counted.
        blanks: columns of the mart in which a blank is called "Not stated".
    """

    def __init__(
        self,
        home: Home,
        data_set: DataSet,
        supplies: Supplies,
        columns: Mapping[str, str],
        labels: Labels,
        measure: str,
        blanks: frozenset[str],
    ) -> None:
        self.data_set, self.supplies, self.columns = data_set, supplies, columns
        self._labels, self._measure, self._blanks = labels, measure, blanks
        self._store = LandingStore(home)
        self._read = cache(self._count)

    def slices(self, scope: str | None, month: str | None) -> list[list[Delivery]]:
        """Return the releases of each slice, earliest first.

        Args:
            scope: folded; None for every one.
            month: YYYY-MM; None for every one.
        """
        return [
            releases
            for (own, each), releases in self.supplies.slices.items()
            if (scope is None or folded(own) == scope)
            and (month is None or each in (month, WHOLE))
        ]

    def counted(self, delivery: Delivery, month: str | None) -> Counted:
        """Return what one delivery gives for one month, or for all of its months."""
        by_month = self._read(delivery)
        if month is not None:
            return by_month.get(month) or by_month.get(WHOLE) or Counted()
        return _sum(by_month.values())

    def _count(self, delivery: Delivery) -> dict[str, Counted]:
        prepared = prepare(
            self.data_set, delivery, self._store.original(delivery.sha256)
        )
        rows = prepared.rows
        names = [*dict.fromkeys(self.columns.values())]
        is_sum = self._measure in rows.columns
        figure = pl.col(self._measure).sum() if is_sum else pl.len()
        found: dict[str, Counted] = defaultdict(Counted)
        keyed = [pl.col(name).cast(pl.String) for name in names]
        grouped = rows.group_by("month", "is_exact_repeat", *keyed).agg(
            figure.alias("figure")
        )
        for month, is_repeat, *raw, number in grouped.iter_rows():
            key = self._key(dict(zip(names, raw, strict=True)))
            counted = found[month]
            counted.loaded[key] += int(number)
            if is_repeat:
                counted.kept_repeats[key] += int(number)
            for ours, own in self.columns.items():
                if ours in self._labels:
                    received = raw[names.index(own)] or ""
                    counted.by_label[(key, ours)][received] += int(number)
        first = rows.select(
            "month",
            pl.col("source_line").alias("repeats_line"),
            *(one.alias(f"key_{at}") for at, one in enumerate(keyed)),
        )
        again = prepared.set_aside.with_columns(pl.col("month").fill_null(WHOLE)).join(
            first, on=["month", "repeats_line"], how="left"
        )
        for row in again.iter_rows(named=True):
            raw_again = {name: row[f"key_{at}"] for at, name in enumerate(names)}
            key = self._key(raw_again)
            found[row["month"]].repeats[key] += 1
            found[row["month"]].repeat_lines[key].append(row["source_line"])
        self._take_quarantined(prepared.quarantined, delivery, names, found)
        return dict(found)

    def _take_quarantined(
        self,
        kept_out: pl.DataFrame,
        delivery: Delivery,
        names: list[str],
        found: dict[str, Counted],
    ) -> None:
        once = kept_out.unique(["source_line", "month"], maintain_order=True)
        for month, column, reason, record in once.select(
            "month", "column", "reason", "record"
        ).iter_rows():
            only = delivery.months[0] if len(delivery.months) == 1 else WHOLE
            counted = found[month or only]
            values = _typed(record)
            at_fault = {*(column or "").split(", ")}
            if values is None or not {*names} <= values.keys() or at_fault & {*names}:
                counted.unplaced += 1
                continue
            key = self._key({name: values[name] for name in names})
            counted.quarantined[key] += 1
            counted.reasons[key][reason] += 1

    def _key(self, raw: Mapping[str, Any]) -> FoldedKey:
        return tuple(self._folded(ours, raw[own]) for ours, own in self.columns.items())

    def _folded(self, ours: str, value: Any) -> str:
        word = folded(None if value is None else str(value))
        if not word and ours in self._blanks:
            return _BLANK
        known = self._labels.get(ours, {}).get(word)
        return folded(known.label) if known else word


def _typed(record: str | None) -> dict[str, Any] | None:
    """Return the values of a row that was read; None of one that could not be."""
    if record is None or not record.startswith("{"):
        return None
    try:
        found = json.loads(record)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _sum(several: Iterable[Counted]) -> Counted:
    total = Counted()
    for one in several:
        total.loaded += one.loaded
        total.repeats += one.repeats
        total.kept_repeats += one.kept_repeats
        total.quarantined += one.quarantined
        total.unplaced += one.unplaced
        for key, reasons in one.reasons.items():
            total.reasons[key] += reasons
        for key, lines in one.repeat_lines.items():
            total.repeat_lines[key] += lines
        for place, labels in one.by_label.items():
            total.by_label[place] += labels
    return total
