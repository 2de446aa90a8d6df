"""Which mart column each column of a report is, and what its labels are called here.

Inferred from names and values where only one reading is possible; whatever is not is
refused and shown, because a figure compared under a wrong column proves nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from edp_platform.legacy.failure import CannotCompare
from edp_platform.legacy.mart import TOTALS, MartRows, written
from edp_platform.legacy.report import Report
from edp_platform.legacy.values import as_day, as_figure, folded

#: Share of a column's labels that a mart column must know to be taken for it.
_ENOUGH = 0.5
#: How much better than the next best.
_CLEARLY = 0.2
#: Likeness from which a label may be a misspelling of another.
_NEAR = 0.8
_YEAR = re.compile(r"(19|20)\d{2}")

How = Literal["name", "values", "stated", "months across", "years across", "left out"]
HowLabel = Literal["same", "spelling", "contract", "name", "stated", "unknown"]


@dataclass(frozen=True)
class Stated:
    """What the person said, beyond what can be inferred.

    Attributes:
        columns: column of the report → of the mart; "" leaves it out.
        values: column of the mart → folded label of the report → ours.
        measure: the mart's figure.
        sum_over: columns of the grain that the report has not, to be added up.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    measure: str | None = None
    sum_over: tuple[str, ...] = ()


@dataclass(frozen=True)
class Columns:
    """Where everything stands in the report.

    Attributes:
        keys: column of the grain → place in the report.
        across: place → the text of its header, of columns that are months or years.
        across_key: the column of the grain that the headers stand for.
        figure: place of the figures of a report that has one a line.
        measure: the mart's column they are compared with.
        fixed: column of the grain that the report has not → its one value in the mart.
        summed: columns of the grain that are added up.
        told: each column of the report: `theirs`, `ours`, `how`.
    """

    keys: Mapping[str, int]
    across: Mapping[int, str]
    across_key: str | None
    figure: int | None
    measure: str
    fixed: Mapping[str, Any]
    summed: tuple[str, ...]
    told: tuple[dict[str, str], ...]

    def order(self, mart: MartRows) -> tuple[str, ...]:
        """Return the columns that name a cell, in the order of the grain."""
        return tuple(
            name for name in mart.grain if name in self.keys or name == self.across_key
        )


@dataclass(frozen=True)
class Label:
    """One label of the report and what it is here.

    Attributes:
        theirs: as the report has it.
        ours: as the mart has it; for one that nobody here knows, as the report has it.
        how: same, spelling (capitals, spaces, &), contract (a value the contract knows
            under this label), name (of the code that the mart has), stated, or unknown.
        until: the last month in which the publisher used it, where the contract says.
    """

    theirs: str
    ours: str
    how: HowLabel
    until: str | None = None


@dataclass(frozen=True)
class Known:
    """A label that a contract or the mart knows: what it is here, and until when."""

    label: str
    until: str | None = None
    how: HowLabel = "contract"


#: Column of the mart → folded value as received → what the contract calls it.
Labels = Mapping[str, Mapping[str, Known]]


def map_columns(
    report: Report,
    mart: MartRows,
    labels: Labels,
    stated: Stated,
    usual_measure: str | None,
) -> Columns:
    """Find which mart column each column of the report is.

    Args:
        report: as read.
        mart: the rows to compare with.
        labels: what contracts call the values of its columns.
        stated: by the person.
        usual_measure: what the mart counts, where neither the person nor a column's
            name says which figure is meant.

    Raises:
        CannotCompare: with everything that could not be placed.
    """
    finder = _Finder(report, mart, labels, stated)
    finder.place_stated()
    finder.place_across()
    finder.place_named()
    finder.place_by_values()
    measure = finder.measure(usual_measure)
    return finder.finish(measure)


class _Finder:
    def __init__(
        self, report: Report, mart: MartRows, labels: Labels, stated: Stated
    ) -> None:
        self.report, self.mart, self.labels, self.stated = report, mart, labels, stated
        self.keys: dict[str, int] = {}
        self.figures: dict[str, int] = {}
        self.across: dict[int, str] = {}
        self.across_key: str | None = None
        self.how: dict[int, tuple[str, How]] = {}
        self.troubles: list[str] = []

    @property
    def open_places(self) -> list[int]:
        return [at for at in range(len(self.report.header)) if at not in self.how]

    @property
    def open_keys(self) -> list[str]:
        return [
            name
            for name in self.mart.grain
            if name not in self.keys and name != self.across_key
        ]

    def cells(self, place: int) -> list[str]:
        return [cells[place] for _, cells in self.report.lines if cells[place]]

    def _take(self, place: int, ours: str, how: How) -> None:
        (self.keys if ours in self.mart.grain else self.figures)[ours] = place
        self.how[place] = (ours, how)

    def place_stated(self) -> None:
        known = (*self.mart.grain, *self.mart.measures)
        by_name = {folded(name): at for at, name in enumerate(self.report.header)}
        for theirs, ours in self.stated.columns.items():
            place = by_name.get(folded(theirs))
            if place is None:
                raise CannotCompare(
                    f"--map: the report has no column {theirs!r}. It has "
                    f"{', '.join(self.report.header)}."
                )
            if ours and ours not in known:
                raise CannotCompare(
                    f"--map: {self.mart.name} has no column {ours!r}. It has "
                    f"{', '.join(known)}."
                )
            if ours:
                self._take(place, ours, "stated")
            else:
                self.how[place] = ("", "left out")
        for place in self.open_places:
            if folded(self.report.header[place]) in TOTALS:
                self.how[place] = ("", "left out")

    def place_across(self) -> None:
        open_keys = self.open_keys
        days = [name for name in open_keys if name in self.mart.days]
        if len(days) == 1:
            self._across(
                days[0], "months across", lambda text: as_day(text) is not None
            )
        if not self.across and "year" in open_keys:
            self._across("year", "years across", _is_year)

    def _across(self, key: str, how: How, is_one: Any) -> None:
        header = self.report.header
        found = [at for at in self.open_places if is_one(header[at])]
        if len(found) < 2 and not (
            found and not any(self._names_measure(at) for at in self.open_places)
        ):
            return
        self.across_key = key
        for at in found:
            self.across[at] = header[at]
            self.how[at] = (key, how)

    def _names_measure(self, place: int) -> bool:
        return folded(self.report.header[place]) in map(folded, self.mart.measures)

    def place_named(self) -> None:
        wanted = {folded(name): name for name in self.open_keys}
        if not self.across:
            wanted |= {
                folded(name): name
                for name in self.mart.measures
                if name not in self.figures
            }
        for place in self.open_places:
            ours = wanted.get(folded(self.report.header[place]))
            if ours is not None and ours not in {**self.keys, **self.figures}:
                self._take(place, ours, "name")

    def place_by_values(self) -> None:
        while self.open_places and self.open_keys:
            scores = {
                (place, key): score
                for place in self.open_places
                for key in self.open_keys
                if (score := self._score(place, key)) >= _ENOUGH
            }
            if not scores:
                return
            (place, key), best = max(scores.items(), key=lambda one: one[1])
            rivals = [
                one
                for one, score in scores.items()
                if one != (place, key)
                and (one[0] == place or one[1] == key)
                and best - score < _CLEARLY
            ]
            if rivals:
                names = sorted({one[1] for one in (*rivals, (place, key))})
                theirs = sorted(
                    {self.report.header[one[0]] for one in (*rivals, (place, key))}
                )
                self.troubles.append(
                    f"{' and '.join(theirs)}: could be {' or '.join(names)}. Say which: "
                    f'--map "{theirs[0]}={names[0]}".'
                )
                return
            self._take(place, key, "values")

    def _score(self, place: int, key: str) -> float:
        values = {*self.cells(place)}
        if not values:
            return 0.0
        if key in self.mart.days:
            return sum(as_day(one) is not None for one in values) / len(values)
        ours = {folded(written(one)) for one in self.mart.values(key)}
        known = self.labels.get(key, {})
        placed = sum(
            (word := folded(one)) in ours
            or (word in known and folded(known[word].label) in ours)
            for one in values
        )
        return placed / len(values)

    def measure(self, usual: str | None) -> str:
        wanted = self.stated.measure
        if wanted is not None and wanted not in self.mart.measures:
            raise CannotCompare(
                f"--measure: {self.mart.name} has no figure {wanted!r}. It has "
                f"{', '.join(self.mart.measures)}."
            )
        if self.across:
            return wanted or usual or self.mart.measures[0]
        if wanted is None and len(self.figures) > 1:
            names = ", ".join(self.figures)
            self.troubles.append(
                f"the report has several figures ({names}). Say which is compared: "
                f"--measure {next(iter(self.figures))}."
            )
            return next(iter(self.figures))
        chosen = wanted or next(iter(self.figures), usual) or self.mart.measures[0]
        for name, place in self.figures.items():
            if name != chosen:
                self.how[place] = ("", "left out")
        if chosen not in self.figures:
            numeric = [at for at in self.open_places if self._is_numeric(at)]
            if len(numeric) == 1:
                self._take(numeric[0], chosen, "values")
            elif not self.troubles:
                names = ", ".join(self.report.header[at] for at in numeric)
                self.troubles.append(
                    f"which column holds {chosen}? "
                    + (f"These hold figures: {names}. " if names else "None does. ")
                    + f'Say: --map "THEIRS={chosen}".'
                )
        return chosen

    def _is_numeric(self, place: int) -> bool:
        cells = self.cells(place)
        try:
            return any(as_figure(one) is not None for one in cells)
        except ValueError:
            return False

    def finish(self, measure: str) -> Columns:
        header = self.report.header
        for place in self.open_places:
            if self.cells(place):
                self.troubles.append(
                    f"{header[place]!r} is none of {', '.join(self.open_keys) or 'them'}"
                    f': say what it is (--map "{header[place]}=our_column"), or leave it '
                    f'out (--map "{header[place]}=").'
                )
            else:
                self.how[place] = ("", "left out")
        fixed, summed = self._absent(measure)
        if self.troubles:
            known = ", ".join(self.mart.grain)
            raise CannotCompare(
                f"{self.report.name} cannot be laid beside {self.mart.name} (one row for "
                f"each {known}):\n" + "\n".join(f"  - {one}" for one in self.troubles)
            )
        return Columns(
            self.keys,
            self.across,
            self.across_key,
            self.figures.get(measure),
            measure,
            fixed,
            summed,
            tuple(
                {"theirs": header[at], "ours": ours, "how": how}
                for at, (ours, how) in sorted(self.how.items())
            ),
        )

    def _absent(self, measure: str) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Return the columns of the grain that the report has not: fixed, and summed."""
        fixed: dict[str, Any] = {}
        summed = []
        for name in self.open_keys:
            values = self.mart.values(name)
            if len(values) == 1:
                fixed[name] = values[0]
            elif name not in self.stated.sum_over:
                shown = ", ".join(written(one) for one in values[:4])
                more = ", …" if len(values) > 4 else ""
                self.troubles.append(
                    f"the report does not say {name} ({len(values)} values: {shown}"
                    f"{more}). Say which it is of (--where \"{name} = '…'\"), or that it "
                    f"adds them up (--sum-over {name})."
                )
            elif any(folded(written(one)) in TOTALS for one in values):
                self.troubles.append(
                    f"{name} has totals among its values: adding it up would count "
                    f"twice. Choose one: --where \"{name} = '…'\"."
                )
            else:
                summed.append(name)
        if summed and not str(self.mart.rows.schema.field(measure).type).startswith(
            ("int", "uint", "decimal")
        ):
            self.troubles.append(
                f"{measure} is no count: it cannot be added up over "
                f"{', '.join(summed)}."
            )
        return fixed, tuple(summed)


def _is_year(text: str) -> bool:
    return _YEAR.fullmatch(text.strip()) is not None


def place_labels(
    column: str,
    theirs: Iterable[str],
    mart: MartRows,
    labels: Labels,
    stated: Stated,
) -> tuple[dict[str, Label], list[str]]:
    """Return what each label of a report's column is called in the mart.

    Args:
        column: of the mart.
        theirs: the labels, as the report has them.
        mart: its rows.
        labels: what contracts know.
        stated: by the person.

    Returns:
        label as the report has it → what it is here; and a trouble for each that could
        be one of ours misspelt, which a person must say.
    """
    ours = {folded(written(one)): written(one) for one in mart.values(column)}
    days = {
        (one.year, one.month): one
        for one in mart.values(column)
        if isinstance(one, date)
    }
    said = stated.values.get(column, {})
    known = labels.get(column, {})
    placed: dict[str, Label] = {}
    troubles = []
    for text in sorted({*theirs}):
        word = folded(text)
        if word in said:
            placed[text] = Label(
                text, ours.get(folded(said[word]), said[word]), "stated"
            )
        elif column in mart.days:
            day = as_day(text)
            if day is None:
                troubles.append(f"{text!r} is no {column}")
                continue
            # A report may name the month, and the mart its first or its last day.
            at = days.get((day.year, day.month), day.replace(day=1))
            placed[text] = Label(text, written(at), "same")
        elif word in ours:
            how: HowLabel = "same" if text == ours[word] else "spelling"
            placed[text] = Label(text, ours[word], how)
        elif word in known and folded(known[word].label) in ours:
            one = known[word]
            placed[text] = Label(text, ours[folded(one.label)], one.how, one.until)
        else:
            near = _near(word, ours)
            if near:
                troubles.append(
                    f"{column}: is {text!r} our {' or '.join(map(repr, near))}? Say: "
                    f'--value "{column}: {text}={near[0]}" (or ={text} if it is not).'
                )
                continue
            until = known[word].until if word in known else None
            placed[text] = Label(text, text, "unknown", until)
    unknown = [one.theirs for one in placed.values() if one.how == "unknown"]
    if placed and len(unknown) > len(placed) / 2:
        shown = ", ".join(map(repr, unknown[:5]))
        troubles.append(
            f"{column}: {mart.name} knows none of {shown}"
            f"{', …' if len(unknown) > 5 else ''}; ours are "
            f"{', '.join(map(repr, [*ours.values()][:5]))}"
            f"{', …' if len(ours) > 5 else ''}. Say what each is: "
            f'--value "{column}: THEIRS=OURS".'
        )
    return placed, troubles


def _near(word: str, ours: Mapping[str, str]) -> list[str]:
    words = {*word.split()}
    inside = [
        one
        for one in ours
        if words and one and (words <= {*one.split()} or {*one.split()} <= words)
    ]
    close = difflib.get_close_matches(word, ours, 3, _NEAR)
    return [ours[one] for one in dict.fromkeys((*close, *inside))][:3]


def parse_columns(stated: Sequence[str]) -> dict[str, str]:
    """Read `Their Column=our_column`.

    Raises:
        CannotCompare: one is not written so.
    """
    found = {}
    for one in stated:
        theirs, equals, ours = one.rpartition("=")
        if not equals or not theirs.strip():
            raise CannotCompare(
                f'--map {one!r}: write "Their Column=our_column", or "Their Column=" to '
                "leave it out."
            )
        found[theirs.strip()] = ours.strip()
    return found


def parse_values(stated: Sequence[str]) -> dict[str, dict[str, str]]:
    """Read `column: Their label=our label`.

    Raises:
        CannotCompare: one is not written so.
    """
    found: dict[str, dict[str, str]] = {}
    for one in stated:
        column, colon, rest = one.partition(":")
        theirs, equals, ours = rest.partition("=")
        if not (colon and equals and theirs.strip() and ours.strip()):
            raise CannotCompare(
                f'--value {one!r}: write "our_column: Their label=our label".'
            )
        found.setdefault(column.strip(), {})[folded(theirs)] = ours.strip()
    return found
