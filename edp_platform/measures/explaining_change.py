"""Why published figures changed: from what stood beneath two publications.

Where one kind of thing changed, all of the change is its doing, and nothing is computed.
Where several did, the figures are computed again over the states between (see
`explaining` for the order, `explaining_data` for the states, `explaining_replay` for
how). What the walk leaves at either end is rows that were disposed of since, where the
receipts say that some were; else it is named "not separable", with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from math import isclose
from pathlib import Path
from typing import Any

import polars as pl

from edp_platform.contracts.frame_schema import lake_schema
from edp_platform.datasets import DataSet
from edp_platform.home import Home
from edp_platform.ingestion.lake import LakeDamaged, lake_path, read_footer
from edp_platform.ingestion.landing import WHOLE
from edp_platform.ingestion.readers import UnreadableFile
from edp_platform.measures.explaining import (
    CODE,
    DEFINITION,
    DISPOSAL,
    NOT_SEPARABLE,
    Figure,
    Part,
    split,
    totals,
)
from edp_platform.measures.explaining_data import (
    OF_DATA,
    LakeRows,
    NotOnRecord,
    Slice,
    arrived_files,
    kinds,
    slices,
    stages,
)
from edp_platform.measures.explaining_replay import (
    Cell,
    Replay,
    ReplayFailed,
    models_beneath,
    sources_of,
)
from edp_platform.measures.history import (
    VALUES,
    History,
    Lake,
    Mark,
    Publication,
    taken_out,
)
from edp_platform.told import Told

TARGET = f"marts.{VALUES}"
#: What the SQL of models says that are generated from the measures' definitions.
_OF_DEFINITIONS = "Generated from edp_platform/defs/*/measures"
#: Models that `measure_values` reads beside what is generated.
_RESIDENTS, _AREAS = "population_by_area", "int_borough_forces"
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


class CannotExplain(Told):
    """The measure has no figure at one of the publications."""


@dataclass(frozen=True)
class Changed:
    """One figure that changed, and its parts, which add up to the change.

    Attributes:
        cell: kind and code of the area, and the period.
        area: its name.
        before, after: as published.
        parts: cause → its part.
    """

    cell: Cell
    area: str
    before: Figure
    after: Figure
    parts: dict[str, Part]


@dataclass(frozen=True)
class Explained:
    """Why the figures of one measure changed between two publications.

    Attributes:
        measure: its id.
        before, after: the publications.
        changed: the figures that differ and that both hold.
        cells: how many figures both hold, of those asked for.
        first, gone: figures that only the later, only the earlier holds.
        beneath: what changed in the data, by data set and month: files and kinds.
        code: models whose SQL differs.
        is_redefined: whether the measure's definition differs.
        notes: what a reader must know of how it was told apart.
    """

    measure: str
    before: Publication
    after: Publication
    changed: list[Changed]
    cells: int
    first: int
    gone: int
    beneath: list[dict[str, Any]] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    is_redefined: bool = False
    notes: list[str] = field(default_factory=list)


def why(
    home: Home,
    data_sets: Mapping[str, DataSet],
    measure: str,
    publications: tuple[Publication, Publication],
    area: tuple[str, str] | None = None,
    month: date | None = None,
) -> Explained:
    """Split every change of a measure's figures between two publications.

    Args:
        home: whose record.
        data_sets: by name, to read rows of landed files again.
        measure: its id.
        publications: the earlier and the later.
        area: kind and code; None for all.
        month: the first day of the period; None for all.

    Raises:
        CannotExplain: neither holds a figure of it.
        LakeDamaged, WriteFailed: a file cannot be read or read again.
    """
    before, after = publications
    history = History(home)
    figures = [
        _figures(history.values_at(one, [measure]), area, month) for one in publications
    ]
    old, new = figures
    if not old or not new:
        which = before if not old else after
        raise CannotExplain(
            f"{measure} has no figure at {which.snapshot} for what was asked, so there "
            "is no change to tell apart. Leave out --area or --month to see all of it."
        )
    held = sorted(old.keys() & new.keys())
    cells = [one for one in held if not _is_same(old[one][1], new[one][1])]
    ends = [{one: each[one][1] for one in cells} for each in figures]
    walk = _Walk(home, history, data_sets, measure, publications, ends)
    states = walk.states() if cells else [ends[0]]
    changed = [
        Changed(
            one,
            new[one][0],
            old[one][1],
            new[one][1],
            totals(
                split(
                    [
                        (cause, state[one])
                        for cause, state in zip(
                            [NOT_SEPARABLE, *walk.causes], states, strict=True
                        )
                    ]
                )
            ),
        )
        for one in cells
    ]
    return Explained(
        measure,
        before,
        after,
        changed,
        len(held),
        len(new.keys() - old.keys()),
        len(old.keys() - new.keys()),
        walk.beneath,
        walk.code,
        walk.is_redefined,
        walk.notes,
    )


def _figures(
    values: pl.DataFrame, area: tuple[str, str] | None, month: date | None
) -> dict[Cell, tuple[str, Figure]]:
    if values.is_empty() or "value" not in values.columns:
        return {}
    if area is not None:
        values = values.filter(
            (pl.col("area_kind") == area[0]) & (pl.col("area_code") == area[1])
        )
    if month is not None:
        values = values.filter(pl.col("month") == month)
    rows = values.select(
        "area_kind",
        "area_code",
        pl.col("month").cast(pl.String),
        "area",
        "numerator",
        "denominator",
        "value",
    ).iter_rows()
    return {
        (kind, code, period): (name or code, Figure(*each))
        for kind, code, period, name, *each in rows
    }


def _is_same(one: Figure, other: Figure) -> bool:
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("numerator", "denominator", "value")
    )


class _Walk:
    """The states between two publications, for all changed figures at once."""

    def __init__(
        self,
        home: Home,
        history: History,
        data_sets: Mapping[str, DataSet],
        measure: str,
        publications: tuple[Publication, Publication],
        ends: list[dict[Cell, Figure]],
    ) -> None:
        self._home, self._data_sets, self._measure = home, data_sets, measure
        self._history = history
        self._ends = ends
        self._rows = LakeRows(home, data_sets)
        self._digests = [history.code_at(one) for one in publications]
        self._defined = [history.definitions_at(one) for one in publications]
        self._code = [self._kept_code(one) for one in self._digests]
        self._lakes = [history.lake_at(one) for one in publications]
        self.causes: list[str] = []
        self.notes: list[str] = []
        self.code = self._code_changed()
        self.is_redefined = len({one.get(measure) for one in self._defined}) > 1
        self._slices = slices(self._lakes[0], self._lakes[1], self._data_sets_beneath())
        self._staged: dict[Slice, list[tuple[str, pl.DataFrame]]] = {}
        self.beneath: list[dict[str, Any]] = []

    # What changed beneath ------------------------------------------------------------

    def _kept_code(self, digests: Mapping[str, str]) -> dict[str, str]:
        found = {}
        for name, digest in digests.items():
            text = self._history.code(digest)
            if text is not None:
                found[name] = text
        return found

    def _own_models(self, at: int) -> set[str]:
        """Return the models that this measure's figures come through, definitions apart."""
        code = self._code[at]
        definition = self._definition(at)
        names = {one["model"] for one in definition.get("values", [])}
        roots = {one for one in code if one.partition(".")[2] in names}
        # Beside them what they are divided by, and which force an area is in.
        shared = [_AREAS, *([_RESIDENTS] if definition.get("kind") == "rate" else [])]
        roots |= {one for one in code if one.partition(".")[2] in shared}
        found = {model for one in roots for model in models_beneath(code, one)}
        return found | ({TARGET} & code.keys())

    def _definition(self, at: int) -> dict[str, Any]:
        return self._history.definition(self._defined[at].get(self._measure, ""))

    def _code_changed(self) -> list[str]:
        names = self._own_models(0) & self._own_models(1)
        before, after = self._digests
        return sorted(one for one in names if before.get(one) != after.get(one))

    def _data_sets_beneath(self) -> set[str]:
        return {
            name
            for at in (0, 1)
            for name in sources_of(self._code[at], self._own_models(at))
        } or {name for lake in self._lakes for name in lake}

    def _is_disposed(self, marks: Iterator[tuple[str, Mark]]) -> bool:
        """Whether rows of what lake files were made of were taken out since."""
        return any(
            sum(taken_out(self._home, name, file) for file in mark.files) > mark.out
            for name, mark in marks
        )

    # The walk ------------------------------------------------------------------------

    def states(self) -> list[dict[Cell, Figure]]:
        """Return the figures at the start and after each of `causes`."""
        try:
            found = self._single() or self._replayed()
        except (NotOnRecord, ReplayFailed, LakeDamaged, UnreadableFile) as error:
            self.notes.append(f"It could not be told apart: {error}")
            found = [*self._ends]
            self.causes = [NOT_SEPARABLE]
        return found

    def _single(self) -> list[dict[Cell, Figure]] | None:
        """Return the two ends where one cause alone is at work."""
        found = set()
        if self.code:
            found.add(CODE)
        if self.is_redefined:
            found.add(DEFINITION)
        for one in self._slices:
            found |= self._kinds_of(one)
        if len(found) != 1:
            return None
        self.causes = [*found]
        return [*self._ends]

    def _kinds_of(self, one: Slice) -> set[str]:
        """Return the kinds of change of a slice, and tell them."""
        told: dict[str, Any] = {
            "data_set": one.data_set,
            "month": one.month,
            "files_before": list(one.before.files) if one.before else [],
            "files_after": list(one.after.files) if one.after else [],
        }
        if one.is_disposed:
            found = {DISPOSAL}
        elif one.is_read_otherwise:
            found = {CODE}
        else:
            before, staged = self._stage(one)
            found = kinds(before, staged, self._data_sets[one.data_set].contract)
            rows = [before, *(frame for _, frame in staged)]
            told |= {
                "rows_before": before.height,
                "rows_after": rows[-1].height,
                "rows_late": rows[-1].height - rows[-2].height,
            }
            if one.before and self._is_disposed(iter([(one.data_set, one.before)])):
                found = {*found, DISPOSAL}
        self.beneath.append(told | {"kinds": sorted(found)})
        return found

    def _stage(self, one: Slice) -> tuple[pl.DataFrame, list[tuple[str, pl.DataFrame]]]:
        owner = self._data_sets.get(one.data_set)
        if owner is None:
            raise NotOnRecord(f"{one.data_set} is set aside; see edp status.")
        before = self._rows.of(one.data_set, one.month, one.before)
        if one not in self._staged:
            after = self._rows.of(one.data_set, one.month, one.after)
            arrived = arrived_files(
                self._rows.scopes(one.data_set, one.month, one.before),
                self._rows.scopes(one.data_set, one.month, one.after),
            )
            self._staged[one] = stages(before, after, owner.contract, [*arrived])
        return before, self._staged[one]

    def _replayed(self) -> list[dict[Cell, Figure]]:
        for whole in (False, True):
            found = self._walked(self._months(whole))
            if self._is_sound(found) or whole:
                break
        causes, states = self._ends_told(found)
        self.causes = causes
        return states

    def _is_sound(self, found: list[tuple[str, dict[Cell, Figure]]]) -> bool:
        """Whether the last state is what was published last."""
        last = found[-1][1]
        return all(
            _is_close(last.get(one), each) for one, each in self._ends[1].items()
        )

    def _walked(
        self, months: frozenset[str] | None
    ) -> list[tuple[str, dict[Cell, Figure]]]:
        """Compute every state again: (cause, figures), the first that of the start."""
        chosen = [one for one in self._slices if months is None or one.month in months]
        # What a disposal left is the same on both sides of the walk.
        moving = [one for one in chosen if not one.is_same_files]
        first = self._state(self._lakes[0], months, {})
        walk = [("", self._chain(0, 0), first)]
        if self.code:
            walk.append((CODE, self._chain(1, 0), first))
        if self.is_redefined:
            walk.append((DEFINITION, self._chain(1, 1), first))
        last = self._chain(1, 1)
        for at, cause in enumerate(OF_DATA):
            if moving:
                rows = {
                    (one.data_set, one.month): self._stage(one)[1][at][1]
                    for one in moving
                }
                walk.append((cause, last, self._state(self._lakes[0], months, rows)))
        found: list[tuple[str, dict[Cell, Figure]]] = []
        for cause, code, state in walk:
            with Replay(code, TARGET, self._empty(code)) as replay:
                found.append((cause, replay.figures(state, self._measure)))
        return found

    def _ends_told(
        self, found: list[tuple[str, dict[Cell, Figure]]]
    ) -> tuple[list[str], list[dict[Cell, Figure]]]:
        """Join the walk to what was published, and name what is left at either end."""
        start, end = self._ends
        causes = [self._left(0, found[0][1]), *(one for one, _ in found[1:])]
        states = [start, *({c: self._at(f, c) for c in start} for _, f in found)]
        causes.append(self._left(1, found[-1][1]))
        states.append(end)
        if NOT_SEPARABLE in (causes[0], causes[-1]):
            self.notes.append(
                "The figures computed again differ from those published and no receipt "
                "says why; the difference is told as not separable."
            )
        return causes, states

    def _at(self, figures: Mapping[Cell, Figure], cell: Cell) -> Figure:
        """Return a figure of a state; a count that no row gives is nought."""
        found = figures.get(cell)
        if found is not None:
            return found
        is_count = self._ends[0][cell].denominator is None
        return Figure(0.0, None, 0.0) if is_count else Figure(0.0, None, None)

    def _left(self, at: int, figures: Mapping[Cell, Figure]) -> str:
        """Return what a difference between published and computed again is due to."""
        if all(
            _is_close(figures.get(one), each) for one, each in self._ends[at].items()
        ):
            return DISPOSAL  # nothing is left: the part is nought
        lake = self._lakes[at]
        names = self._data_sets_beneath()
        marks = ((name, mark) for name in names for mark in lake.get(name, {}).values())
        if self._is_disposed(marks):
            return DISPOSAL
        if any(one.is_read_otherwise for one in self._slices):
            return CODE
        return NOT_SEPARABLE

    # What the SQL is run over --------------------------------------------------------

    def _chain(self, code: int, definition: int) -> dict[str, str]:
        """Return models of one publication under the definitions of one."""
        found = {
            name: text
            for name, text in self._code[code].items()
            if _OF_DEFINITIONS not in text
        }
        found |= {
            name: text
            for name, text in self._code[definition].items()
            if _OF_DEFINITIONS in text
        }
        if TARGET not in found:
            raise ReplayFailed(f"the SQL of {TARGET} was not kept")
        return found

    def _empty(self, code: Mapping[str, str]) -> dict[str, pl.DataFrame]:
        names = sources_of(code, models_beneath(code, TARGET))
        return {
            name: pl.DataFrame(schema=lake_schema(self._data_sets[name].contract))
            for name in names
            if name in self._data_sets
        }

    def _months(self, whole: bool) -> frozenset[str] | None:
        """Return the months of the changed periods, and `WHOLE`; None for every month."""
        if whole:
            return None
        length = max(
            _MONTHS.get(self._definition(at).get("frequency", "month"), 1)
            for at in (0, 1)
        )
        return frozenset(
            {WHOLE}
            | {
                each
                for _, _, period in self._ends[0]
                for each in _following(date.fromisoformat(period), length)
            }
        )

    def _state(
        self,
        lake: Lake,
        months: frozenset[str] | None,
        rows: Mapping[tuple[str, str], pl.DataFrame],
    ) -> dict[str, dict[str, pl.DataFrame | Path]]:
        """Return a state of the lake: the files as they stood, but for rows given."""
        names = {name for each in self._code for name in sources_of(each, each)}
        found: dict[str, dict[str, pl.DataFrame | Path]] = {}
        for name in sorted(names & self._data_sets.keys()):
            own = found.setdefault(name, {})
            for month, mark in lake.get(name, {}).items():
                if months is None or month in months:
                    own[month] = self._file(name, month, mark)
        for (name, month), frame in rows.items():
            found.setdefault(name, {})[month] = frame
        return found

    def _file(self, name: str, month: str, mark: Mark) -> pl.DataFrame | Path:
        path = lake_path(self._home, name, month)
        footer = read_footer(path)
        if footer is not None and footer.signature == mark.signature:
            return path
        return self._rows.of(name, month, mark)


def _following(first: date, months: int) -> Iterator[str]:
    for step in range(months):
        year, month = divmod(first.month - 1 + step, 12)
        yield f"{first.year + year}-{month + 1:02}"


def _is_close(one: Figure | None, other: Figure) -> bool:
    if one is None:
        return False
    for name in ("numerator", "denominator", "value"):
        own, others = getattr(one, name), getattr(other, name)
        if (own is None) != (others is None):
            return False
        if own is not None and not isclose(own, others, rel_tol=1e-9, abs_tol=1e-9):
            return False
    return True
