"""Why a cell differs: the causes that the platform's own records bear out.

A cause is *whole* when it accounts for the figure to the last row: the report's figure is
exactly what the release, with or without the rows kept out, gives. What may have played a
part and cannot be shown to is told as possible. What nothing accounts for is said to be
unknown, and is the first thing to look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal

from edp_platform.ingestion.landing import WHOLE, Delivery
from edp_platform.ingestion.revisions import Revision
from edp_platform.legacy.comparing import Cell, ReportCells
from edp_platform.legacy.releases import Counted, FoldedKey, Releases
from edp_platform.legacy.values import folded
from edp_platform.tracing.showing import counted

Kind = Literal[
    "superseded_release",
    "quarantined",
    "repeats",
    "stated_twice",
    "label",
    "not_in_report",
    "not_supplied",
    "partial_supply",
    "series_break",
    "disposed",
    "unknown",
]
#: Kind → as a heading, in the order they are told.
IN_WORDS: dict[str, str] = {
    "superseded_release": "an earlier release of the file",
    "repeats": "exact repeats",
    "quarantined": "quarantined rows",
    "stated_twice": "the report states the cell more than once",
    "label": "labels",
    "not_in_report": "the report leaves it out",
    "not_supplied": "no file was landed",
    "partial_supply": "partial supply",
    "series_break": "a break in the series",
    "disposed": "rows disposed of or restricted",
    "unknown": "unknown",
}
NO_LINE = "The report has no line for it."
_LINES_TOLD = 20
#: One slice of a data set, and its releases, earliest first.
_Slice = tuple[Releases, list[Delivery]]


@dataclass(frozen=True)
class Reason:
    """One cause of one cell.

    Attributes:
        kind: see `Kind`.
        text: in words; counts, names of files and lines, never a row's values.
        is_whole: whether it accounts (with the other whole ones) for all of it.
        rows: how many rows it is about, where that is known.
        files: short identity and name of the files concerned, with lines where known.
    """

    kind: Kind
    text: str
    is_whole: bool = False
    rows: int | None = None
    files: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Supply:
    """How far one month of one data set was supplied, as `supply_by_month` says."""

    data_set: str
    month: str
    force: str
    supply: str
    reason: str


@dataclass(frozen=True)
class Context:
    """What the platform knows around a comparison.

    Attributes:
        order: the columns of a cell's key.
        fixed: column of the grain → its one value, folded.
        period: the column of the key that holds days or years, if one does.
        releases: of each data set that the mart counts.
        held: columns of the mart that the files hold, in the order of their keys.
        supply: every month that was not supplied whole.
        periods: of the mart: those it has rows of.
        revisions: what later releases changed.
        out: rows disposed of and restricted, by file.
        first, last: first and last period of the report.
    """

    order: tuple[str, ...]
    fixed: Mapping[str, str]
    period: str | None
    releases: Sequence[Releases] = ()
    held: tuple[str, ...] = ()
    supply: Sequence[Supply] = ()
    periods: frozenset[str] = frozenset()
    revisions: Sequence[Revision] = ()
    out: Mapping[str, int] = field(default_factory=dict)
    first: str = ""
    last: str = ""

    @property
    def is_exact(self) -> bool:
        """Whether the files hold every column that tells cells apart."""
        named = {*self.order, *self.fixed} - {self.period if self.is_monthly else ""}
        return bool(self.releases) and named <= {*self.held}

    @property
    def is_monthly(self) -> bool:
        """Whether a cell is of one month."""
        return self.period == "month"


def explain(
    cells: Iterable[Cell], report: ReportCells, context: Context
) -> dict[tuple[str, ...], tuple[Reason, ...]]:
    """Return the causes of each cell that is not equal, the whole ones first.

    Args:
        cells: those compared.
        report: what the report says.
        context: what the platform knows.
    """
    compared = list(cells)
    moved = _moved(compared, context)
    found = {}
    for cell in compared:
        if cell.state == "equal":
            continue
        reasons = [*moved.get(cell.key, ()), *_unlearnt(cell, report, context)]
        if not reasons:
            reasons = [*_of_report(cell, report)]
        if not any(one.is_whole for one in reasons):
            reasons += _of_platform(cell, context)
        if not reasons:
            reasons = [
                Reason(
                    "unknown",
                    "Nothing on the platform's record accounts for it. Ask who makes the "
                    "report how it counts these rows.",
                )
            ]
        found[cell.key] = tuple(sorted(reasons, key=lambda one: not one.is_whole))
    return found


# ----------------------------------------------------------------- what the report does


def _of_report(cell: Cell, report: ReportCells) -> Iterator[Reason]:
    given = [one for one in cell.entries if one.value is not None]
    if cell.state == "missing":
        yield _left_out(cell, report)
    repeated = [
        [one for one in given if one.labels == labels]
        for labels, times in Counter(one.labels for one in given).items()
        if times > 1
    ]
    for several in repeated:
        lines = ", ".join(str(one.line) for one in several)
        without = sum(
            one.value or 0 for one in given if one.labels != several[0].labels
        )
        alone = any(without + (one.value or 0) == (cell.ours or 0) for one in several)
        yield Reason(
            "stated_twice",
            f"The report states this cell on {len(several)} lines ({lines}), and they are "
            "added up. " + ("One of them alone is our figure." if alone else ""),
            is_whole=alone,
        )
    for at, name in enumerate(report.order):
        read = {one.labels[at] for one in given}
        renamed = sorted(
            one
            for one in read
            if report.labels[name][one].how in ("contract", "stated")
        )
        if renamed and cell.state == "differs":
            yield Reason(
                "label",
                f"{', '.join(map(repr, renamed))} of the report is counted under "
                f"{cell.key[at]!r} here.",
            )


def _left_out(cell: Cell, report: ReportCells) -> Reason:
    blank = [one.line for one in cell.entries]
    if blank:
        text = f"The report's cell is blank (line {blank[0]})."
        return Reason("not_in_report", text, is_whole=True)
    for at, name in enumerate(report.order):
        if cell.key[at] not in report.stated[name]:
            return Reason(
                "not_in_report",
                f"The report has no figure at all for {name} {cell.key[at]!r}.",
                is_whole=True,
            )
    return Reason("not_in_report", NO_LINE, is_whole=True)


def _moved(
    cells: Sequence[Cell], context: Context
) -> dict[tuple[str, ...], list[Reason]]:
    """Pair a cell that is extra with one that is missing: the same under another label."""
    missing: dict[tuple[int, tuple[str, ...], float], list[Cell]] = {}
    for cell in cells:
        if cell.state == "missing" and cell.ours:
            for at, name in enumerate(context.order):
                if name != context.period:
                    rest = (*cell.key[:at], *cell.key[at + 1 :])
                    missing.setdefault((at, rest, cell.ours), []).append(cell)
    found: dict[tuple[str, ...], list[Reason]] = {}
    for cell in cells:
        if cell.state != "extra" or not cell.theirs:
            continue
        for at, name in enumerate(context.order):
            rest = (*cell.key[:at], *cell.key[at + 1 :])
            pair = missing.get((at, rest, cell.theirs), [])
            if len(pair) == 1:
                (other,) = pair
                text = (
                    f"The report's {cell.key[at]!r} has exactly our figure of "
                    f"{other.key[at]!r}, which it lacks: the same rows under another "
                    f'label. Say so: --value "{name}: {cell.key[at]}={other.key[at]}".'
                )
                for one in (cell, other):
                    found.setdefault(one.key, []).append(
                        Reason("label", text, is_whole=True)
                    )
    return found


def _unlearnt(cell: Cell, report: ReportCells, context: Context) -> Iterator[Reason]:
    """Yield the cause where the report knows the old label of a value and not the new."""
    if cell.state != "missing" or cell.entries or not context.is_exact:
        return
    for at, name in enumerate(context.order):
        known = {
            folded(one.theirs): one
            for one in report.labels[name].values()
            if one.ours == cell.key[at] and one.how == "contract"
        }
        if not known:
            continue
        active = _base(
            _key(cell, context), _month(cell, context), _slices(cell, context), -1
        )
        received = _received(active, _key(cell, context), name)
        if received and not known.keys() & {folded(one) for one in received}:
            old = ", ".join(
                f"{one.theirs!r}" + (f" (used until {one.until})" if one.until else "")
                for one in known.values()
            )
            yield Reason(
                "label",
                f"These rows were received as {', '.join(map(repr, sorted(received)))}, "
                f"which the report never has; it has {old} for the same.",
                is_whole=True,
                rows=sum(received.values()),
            )


# ---------------------------------------------------------------- what the platform does


def _of_platform(cell: Cell, context: Context) -> list[Reason]:
    month, slices = _month(cell, context), _slices(cell, context)
    exact = _recounted(cell, month, slices, context) if context.is_exact else None
    if exact:
        return exact
    return [
        *_supply(cell, context),
        *_possible(cell, month, slices, context),
        *_breaks(cell, context),
    ]


def _slices(cell: Cell, context: Context) -> list[_Slice]:
    month, scope = _month(cell, context), _value(cell, context, "force")
    return [
        (releases, each)
        for releases in context.releases
        for each in releases.slices(scope, month)
    ]


def _month(cell: Cell, context: Context) -> str | None:
    if not context.is_monthly or context.period is None:
        return None
    return cell.key[context.order.index(context.period)][:7]


def _value(cell: Cell, context: Context, name: str) -> str | None:
    if name in context.order:
        return folded(cell.key[context.order.index(name)])
    return context.fixed.get(name)


def _key(cell: Cell, context: Context) -> FoldedKey:
    return tuple(_value(cell, context, name) or "" for name in context.held)


@dataclass(frozen=True)
class _Base:
    """One way to choose a release of each slice, and what it gives for a cell."""

    release: str | None
    loaded: int
    parts: Mapping[str, int]
    counted: tuple[tuple[Delivery, Counted], ...]


def _recounted(
    cell: Cell,
    month: str | None,
    slices: Sequence[_Slice],
    context: Context,
) -> list[Reason]:
    """Return the causes that give the report's figure exactly; none where none does."""
    if not slices or cell.theirs is None:
        return []
    key = _key(cell, context)
    wanted = cell.theirs
    active = _base(key, month, slices, -1)
    if active.loaded != (cell.ours or 0):
        return []  # the mart counts otherwise than by rows: nothing would be shown
    for base in (active, *_earlier(key, month, slices)):
        for size in range(3):
            for chosen in combinations(
                [one for one in base.parts if base.parts[one]], size
            ):
                total = base.loaded + sum(base.parts[one] for one in chosen)
                if total == wanted and (chosen or base.release):
                    return [*_told(base, chosen, key)]
    return [*_by_label(active, key, wanted)]


def _base(
    key: FoldedKey,
    month: str | None,
    slices: Sequence[_Slice],
    which: int,
) -> _Base:
    """Count a cell in the release `which` of each slice (-1 the active, -2 before it)."""
    chosen = [(releases, each[max(which, -len(each))]) for releases, each in slices]
    counted = tuple(
        (one, releases.counted(one, month)) for releases, one in dict.fromkeys(chosen)
    )
    dates = sorted({one.release_date for one, _ in counted})
    return _Base(
        None if which == -1 else " and ".join(dates),
        sum(one.loaded[key] for _, one in counted),
        {
            "repeats": sum(one.repeats[key] for _, one in counted),
            "quarantined": sum(one.quarantined[key] for _, one in counted),
            "kept_repeats": -sum(one.kept_repeats[key] for _, one in counted),
        },
        counted,
    )


def _earlier(
    key: FoldedKey,
    month: str | None,
    slices: Sequence[_Slice],
) -> Iterator[_Base]:
    for back in range(2, max(len(each) for _, each in slices) + 1):
        yield _base(key, month, slices, -back)


def _told(base: _Base, chosen: Sequence[str], key: FoldedKey) -> Iterator[Reason]:
    files = tuple({"file": one.file, "name": one.name} for one, _ in base.counted)
    if base.release:
        yield Reason(
            "superseded_release",
            f"It is the figure of the release of {base.release} "
            f"({', '.join(one['name'] for one in files)}), which a later release "
            "superseded; the mart shows the later one (edp revisions).",
            is_whole=True,
            rows=base.loaded,
            files=files,
        )
    for part in chosen:
        rows = abs(base.parts[part])
        if part == "repeats":
            lines = [
                {
                    "file": one.file,
                    "name": one.name,
                    "line_numbers": sorted(each.repeat_lines[key])[:_LINES_TOLD],
                }
                for one, each in base.counted
                if each.repeat_lines.get(key)
            ]
            yield Reason(
                "repeats",
                f"It counts {counted(rows, 'exact repeat')} of identified rows, set aside "
                "here: one thing published twice is counted once.",
                is_whole=True,
                rows=rows,
                files=tuple(lines),
            )
        elif part == "kept_repeats":
            yield Reason(
                "repeats",
                f"It leaves out {counted(rows, 'row')} repeating another and without an "
                "identifier: they may be separate events, and are counted here.",
                is_whole=True,
                rows=rows,
                files=files,
            )
        else:
            reasons: Counter[str] = Counter()
            for _, each in base.counted:
                reasons += each.reasons.get(key, Counter())
            why = "; ".join(f"{number:,} {text}" for text, number in reasons.items())
            yield Reason(
                "quarantined",
                f"It counts {counted(rows, 'row')} quarantined here: {why}.",
                is_whole=True,
                rows=rows,
                files=files,
            )


def _by_label(base: _Base, key: FoldedKey, wanted: float) -> Iterator[Reason]:
    """Yield the cause where the report counts some of the labels received, not all."""
    columns = {
        name for _, each in base.counted for (own, name) in each.by_label if own == key
    }
    for name in sorted(columns):
        received = _received(base, key, name)
        if len(received) < 2:
            continue
        for size in range(1, len(received)):
            for chosen in combinations(sorted(received), size):
                if sum(received[one] for one in chosen) == wanted:
                    rest = [one for one in sorted(received) if one not in chosen]
                    yield Reason(
                        "label",
                        f"It counts only rows whose {name} was received as "
                        f"{', '.join(map(repr, chosen))}; received as "
                        f"{', '.join(map(repr, rest))} they are the same here.",
                        is_whole=True,
                        rows=int(abs(wanted - sum(received.values()))),
                    )
                    return


def _received(base: _Base, key: FoldedKey, name: str) -> Counter[str]:
    """Return the labels as received of a cell's rows, in one column."""
    received: Counter[str] = Counter()
    for _, each in base.counted:
        received += each.by_label.get((key, name), Counter())
    return received


def _supply(cell: Cell, context: Context) -> Iterator[Reason]:
    month, force = _month(cell, context), _value(cell, context, "force")
    if month is None:
        return
    told = [
        one
        for one in context.supply
        if one.month == month and (force is None or folded(one.force) == force)
    ]
    for one in told:
        if one.supply == "missing":
            yield Reason(
                "not_supplied",
                f"No file of {one.data_set} for {one.force} and {month} was landed.",
                is_whole=cell.ours is None,
            )
        else:
            why = f": {one.reason}" if one.reason else ""
            yield Reason(
                "partial_supply",
                f"{one.data_set} of {one.force} for {month} is marked "
                f"{one.supply.replace('_', ' ')}{why}",
            )
    at = context.order.index(context.period or "")
    if cell.ours is None and not told and cell.key[at] not in context.periods:
        yield Reason(
            "not_supplied",
            f"No file of {month} was landed: the mart has no row of that month at all.",
            is_whole=True,
        )


def _possible(
    cell: Cell,
    month: str | None,
    slices: Sequence[_Slice],
    context: Context,
) -> Iterator[Reason]:
    for releases, each in slices:
        active = each[-1]
        for one in context.revisions:
            if (
                one.data_set == releases.data_set.name
                and one.later == active.file
                and (month is None or one.month in (month, WHOLE))
            ):
                changed = ", ".join(one.changed) or "no column"
                yield Reason(
                    "superseded_release",
                    f"The release of {one.earlier_release} was superseded on "
                    f"{one.later_release}: {one.added + one.unidentified_added:,} rows "
                    f"added, {one.removed + one.unidentified_removed:,} removed, "
                    f"{changed} changed.",
                )
        if context.out.get(active.file):
            yield Reason(
                "disposed",
                f"{context.out[active.file]:,} rows of {active.name} are disposed of or "
                "restricted, and the report may still hold them.",
                rows=context.out[active.file],
            )
        if context.is_exact:
            yield from _kept_out(cell, releases.counted(active, month), active, context)


def _kept_out(
    cell: Cell, counted: Counted, active: Delivery, context: Context
) -> Iterator[Reason]:
    key = _key(cell, context)
    files = ({"file": active.file, "name": active.name},)
    if counted.quarantined[key] or counted.unplaced:
        text = f"{counted.quarantined[key]:,} rows of this cell"
        if counted.unplaced:
            text += f", and {counted.unplaced:,} that may be of any cell,"
        yield Reason(
            "quarantined",
            f"{text} of {active.name} are quarantined.",
            rows=counted.quarantined[key] + counted.unplaced,
            files=files,
        )
    if counted.repeats[key]:
        yield Reason(
            "repeats",
            f"{counted.repeats[key]:,} exact repeats of {active.name} are set aside.",
            rows=counted.repeats[key],
            files=files,
        )


def _breaks(cell: Cell, context: Context) -> Iterator[Reason]:
    month, force = _month(cell, context), _value(cell, context, "force")
    if month is None:
        return
    words = {folded(one) for one in cell.key}
    for releases in context.releases:
        for one in releases.data_set.contract.series_breaks:
            start, measure = str(one.get("from", ""))[:7], one.get("measure")
            if not context.first[:7] < start <= month:
                continue
            if force is not None and one.get("force") and folded(one["force"]) != force:
                continue
            if measure and folded(str(measure)) not in words:
                continue
            yield Reason(
                "series_break",
                f"The series breaks at {start}: {one.get('why', 'no reason stated')}",
            )
