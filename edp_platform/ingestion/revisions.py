"""What a later release changed: rows added, removed, and changed per column."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import polars as pl

from edp_platform.datasets import DataSet
from edp_platform.files import read_json, write_json
from edp_platform.home import Home
from edp_platform.ingestion.landing import Delivery, LandingStore, Supplies
from edp_platform.ingestion.preparation import prepare

#: polars uses every core within a comparison; two hide its waits.
_PAIRS_AT_ONCE = 2


@dataclass(frozen=True)
class Revision:
    """The difference between two releases of one slice.

    Attributes:
        earlier, later: short identities of the two files.
        matched: pairs of rows, one of either release, that carry the same identifier;
            rows that share one are paired by their values, sorted.
        added, removed: identified rows of only the later, only the earlier release.
        changed: column → matched rows whose value differs.
        unidentified_added, unidentified_removed: rows without an identifier that only
            the later or the earlier release holds, compared whole.
        identifiers: distinct identifiers that both releases hold.
        identifiers_changed: column → those whose value differs, each taken by the last
            of its rows in the file. A crime on two rows counts once here, and twice in
            `matched` and `changed`.
    """

    data_set: str
    scope: str
    month: str
    earlier: str
    later: str
    earlier_release: str
    later_release: str
    matched: int
    added: int
    removed: int
    changed: dict[str, int]
    unidentified_added: int
    unidentified_removed: int
    identifiers: int = 0
    identifiers_changed: dict[str, int] = field(default_factory=dict)


def compare(
    earlier: pl.DataFrame,
    later: pl.DataFrame,
    identity: Sequence[str],
    names: Sequence[str],
) -> dict[str, object]:
    """Compare two releases of one slice.

    Args:
        earlier, later: loaded rows of either release in the order of their file,
            `names` among their columns.
        identity: columns that identify a row, or none.
        names: the columns to compare.

    Returns:
        the counts of `Revision`.
    """
    if identity:
        has_key = pl.all_horizontal(pl.col(name).is_not_null() for name in identity)
    else:
        has_key = pl.lit(False)
    values = [name for name in names if name not in identity]
    old, new = _numbered(
        [
            frame.filter(has_key).select(*identity, *values)
            for frame in (earlier, later)
        ],
        identity,
    )
    key = [*identity, "nth"]
    both = old.join(new, on=key, how="inner", suffix="__later", nulls_equal=True)
    last_old, last_new = (
        frame.filter(has_key)
        .select(*identity, *values)
        .unique(identity or None, keep="last")
        for frame in (earlier, later)
    )
    each = last_old.join(
        last_new, on=list(identity) or list(names), how="inner", suffix="__later"
    )
    rest_old, rest_new = (
        frame.filter(~has_key).select(names).group_by(names).len()
        for frame in (earlier, later)
    )
    whole = rest_old.join(
        rest_new,
        on=list(names),
        how="full",
        coalesce=True,
        nulls_equal=True,
        suffix="__later",
    ).with_columns(pl.col("len").fill_null(0), pl.col("len__later").fill_null(0))
    surplus = whole["len__later"].cast(pl.Int64) - whole["len"].cast(pl.Int64)
    return {
        "matched": both.height,
        "added": new.height - both.height,
        "removed": old.height - both.height,
        "changed": _differing(both, values),
        "identifiers": each.height,
        "identifiers_changed": _differing(each, values) if identity else {},
        "unidentified_added": int(surplus.clip(lower_bound=0).sum()),
        "unidentified_removed": int((-surplus).clip(lower_bound=0).sum()),
    }


def _numbered(
    frames: Sequence[pl.DataFrame], identity: Sequence[str]
) -> list[pl.DataFrame]:
    """Number the rows that share an identifier, as `nth`.

    By value, so that they pair up and a mere reordering of the publisher's is not read
    as a change. Nearly every row has an identifier of its own, and is not sorted.
    """
    if not identity:
        return [frame.with_columns(nth=pl.lit(0, pl.Int64)) for frame in frames]
    key = list(identity)
    shared = pl.concat(
        frame.select(key).filter(pl.struct(key).is_duplicated()) for frame in frames
    ).unique()
    return [
        pl.concat(
            [
                frame.join(shared, on=key, how="anti").with_columns(
                    nth=pl.lit(0, pl.Int64)
                ),
                frame.join(shared, on=key, how="semi")
                .sort(frame.columns)
                .with_columns(nth=pl.int_range(pl.len(), dtype=pl.Int64).over(key)),
            ]
        )
        for frame in frames
    ]


def _differing(pairs: pl.DataFrame, values: Sequence[str]) -> dict[str, int]:
    """Return column → pairs whose value differs; columns that never do left out."""
    counts = pairs.select(
        pl.col(name).ne_missing(pl.col(f"{name}__later")).sum() for name in values
    ).row(0, named=True)
    return {name: int(count) for name, count in counts.items() if count}


def record_revisions(
    home: Home, data_set: DataSet, supplies: Supplies, months: Sequence[str]
) -> list[Revision]:
    """Record the difference for each superseded release of these months, once.

    Both files are read again from landing: a month is superseded rarely, and the lake
    holds the later release only.
    """
    pairs = [
        (month, earlier, later)
        for month in months
        for earlier, later in supplies.superseded(month)
    ]
    unrecorded: dict[tuple[Delivery, Delivery], list[str]] = {}
    for month, earlier, later in pairs:
        if not _path(home, data_set.name, month, earlier, later).exists():
            unrecorded.setdefault((earlier, later), []).append(month)

    def record(files: tuple[Delivery, Delivery]) -> None:
        for revision in _compared(home, data_set, files, unrecorded[files]):
            path = _path(home, data_set.name, revision.month, *files)
            write_json(path, asdict(revision))

    if unrecorded:
        with ThreadPoolExecutor(_PAIRS_AT_ONCE) as pool:
            for _ in pool.map(record, unrecorded):
                pass
    return [
        Revision(**read_json(_path(home, data_set.name, month, earlier, later)))
        for month, earlier, later in pairs
    ]


def _compared(
    home: Home,
    data_set: DataSet,
    files: tuple[Delivery, Delivery],
    months: Sequence[str],
) -> Iterator[Revision]:
    """Yield the difference between two releases in each of the months both supply."""
    earlier, later = files
    store = LandingStore(home)
    rows = [prepare(data_set, one, store.original(one.sha256)).rows for one in files]
    by_month = [frame.partition_by("month", as_dict=True) for frame in rows]
    for month in months:
        old, new = (
            held.get((month,), frame.clear())
            for held, frame in zip(by_month, rows, strict=True)
        )
        counts = compare(
            old,
            new,
            data_set.contract.identity,
            [column.name for column in data_set.contract.received],
        )
        yield Revision(
            data_set=data_set.name,
            scope=earlier.scope,
            month=month,
            earlier=earlier.file,
            later=later.file,
            earlier_release=earlier.release_date,
            later_release=later.release_date,
            **counts,  # type: ignore[arg-type]
        )


def unrecorded_months(home: Home, data_set: str, supplies: Supplies) -> set[str]:
    """Return the months in which a release was superseded and nobody compared it."""
    return {
        month
        for (_, month), releases in supplies.slices.items()
        for earlier, later in itertools.pairwise(releases)
        if not _path(home, data_set, month, earlier, later).exists()
    }


def _path(
    home: Home, data_set: str, month: str, earlier: Delivery, later: Delivery
) -> Path:
    name = f"{month}-{earlier.file}-{later.file}.json"
    return home.revisions / data_set / name


def read_revisions(home: Home, data_set: str | None = None) -> list[Revision]:
    """Return every revision on record, by data set and month."""
    pattern = f"{data_set or '*'}/*.json"
    return [
        Revision(**read_json(path)) for path in sorted(home.revisions.glob(pattern))
    ]
