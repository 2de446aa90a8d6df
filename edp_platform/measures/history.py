"""What each published figure stood on: one line a publication, and the months it changed.

Snapshots are dropped after a few; what is kept here is not. A publication keeps the
cells of the periods that differ from the publication before, the mark of each lake file
that differs, and the digests of every definition and model, each text once. So a figure
can be shown as at any publication, and two of them compared with what lay beneath.

`EDP_HOME/measures/publications.jsonl` is only ever added to. A publication killed in the
middle leaves no line, and the next one keeps the same months.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edp_platform.append_only import AppendOnly
from edp_platform.files import read_json, replacing, write_json
from edp_platform.home import Home
from edp_platform.told import Told

if TYPE_CHECKING:
    import polars as pl

    from edp_platform.publishing.snapshot import Snapshot

#: The mart whose figures are kept.
VALUES = "measure_values"
#: What tells its rows apart.
KEY = ("measure", "area_kind", "area_code", "month")
_MEMORY = "512MB"


class UnknownSnapshot(Told):
    """No publication of that id is on record."""


@dataclass(frozen=True)
class Mark:
    """What one lake file was made of.

    Attributes:
        signature: of the file's footer: bytes, contract, release, treatment.
        files: short identities of the landed files, in order.
        out: rows of them disposed of, and how often what is loaded of them was changed
            by a correction or a restriction, added up: it only ever grows.
    """

    signature: str
    files: tuple[str, ...]
    out: int = 0


#: data set → month → what its lake file was made of.
Lake = Mapping[str, Mapping[str, Mark]]


@dataclass(frozen=True)
class Publication:
    """One publication.

    Attributes:
        snapshot: id of the published copy.
        as_at: its time, ISO 8601.
        nth: its place on record, from 0.
        periods: period of the mart → digest of its cells, of those kept with it; None
            of a period that is no longer published.
        definitions: measure → digest of what of its definition decides its figures.
        code: model → digest of its SQL.
        lake: data set → month → mark as JSON.

    Of each only what differs from the publication before; None of what is gone. What
    stood at a publication is what `History` gives for it.
    """

    snapshot: str
    as_at: str
    nth: int
    periods: dict[str, str | None] = field(default_factory=dict)
    definitions: dict[str, str | None] = field(default_factory=dict)
    code: dict[str, str | None] = field(default_factory=dict)
    lake: dict[str, dict[str, Any]] = field(default_factory=dict)


class History:
    """The publications of one home, oldest first."""

    def __init__(self, home: Home) -> None:
        self._folder = home.root / "measures"
        self._register = AppendOnly(self._folder / "publications.jsonl")

    def publications(self) -> list[Publication]:
        """Return every publication on record, oldest first."""
        return [
            Publication(nth=nth, **row) for nth, row in enumerate(self._register.rows())
        ]

    def find(self, snapshot: str) -> Publication:
        """Return one publication, by its id, the start of it, `latest` or `first`.

        Raises:
            UnknownSnapshot: none or several match; the message says which there are.
        """
        known = self.publications()
        if known and snapshot in ("latest", "first"):
            return known[-1 if snapshot == "latest" else 0]
        found = [one for one in known if one.snapshot == snapshot] or [
            one for one in known if snapshot and one.snapshot.startswith(snapshot)
        ]
        if len(found) == 1:
            return found[0]
        raise UnknownSnapshot(_not_found(snapshot, known, found))

    def span(self, before: str | None, after: str) -> tuple[Publication, Publication]:
        """Return two publications, the earlier first.

        Args:
            before: see `find`; None for the one just before `after`.
            after: see `find`.

        Raises:
            UnknownSnapshot: one is not there, or they are in the wrong order.
        """
        later = self.find(after)
        if before is not None:
            earlier = self.find(before)
        elif later.nth > 0:
            earlier = self.publications()[later.nth - 1]
        else:
            raise UnknownSnapshot(
                f"{later.snapshot} is the first publication on record, so there is none "
                "before it to compare with. One is kept each time the marts are "
                "published: edp run."
            )
        if earlier.nth >= later.nth:
            raise UnknownSnapshot(
                f"{earlier.snapshot} was not published before {later.snapshot}. Write "
                "the earlier one as --from and the later one as --to."
            )
        return earlier, later

    def lake_at(self, publication: Publication) -> dict[str, dict[str, Mark]]:
        """Return what every lake file was made of when this was published."""
        return _marks(self._standing(publication).lake)

    def definitions_at(self, publication: Publication) -> dict[str, str]:
        """Return measure → digest of its definition when this was published."""
        return self._standing(publication).definitions

    def code_at(self, publication: Publication) -> dict[str, str]:
        """Return model → digest of its SQL when this was published."""
        return self._standing(publication).code

    def _standing(self, publication: Publication) -> _Standing:
        """Return what stood at a publication: every change up to it."""
        found = _Standing()
        for one in self.publications()[: publication.nth + 1]:
            found.take(one)
        return found

    def _newest(self) -> _Standing:
        """Return what stood at the newest publication, without reading them all.

        Kept beside the register, with the size that the register had: where it has
        another, the process that added to it was killed, and all are read again.
        """
        size = self._register.path.stat().st_size if self._register.path.exists() else 0
        kept = read_json(self._newest_path, {})
        if kept.get("size") == size:
            return _Standing(**kept["standing"])
        found = _Standing()
        for one in self.publications():
            found.take(one)
        return found

    def values_at(
        self, publication: Publication, measures: Collection[str] | None = None
    ) -> pl.DataFrame:
        """Return the figures as they were published then.

        Args:
            publication: see `find`.
            measures: which; None for all.

        Returns:
            the columns of `marts.measure_values` at that time; empty, with the columns
            of its key, where there were none.
        """
        import polars as pl

        files = self._files_at(publication)
        frames = []
        for snapshot, periods in sorted(files.items()):
            frame = pl.scan_parquet(self._values_path(snapshot)).filter(
                pl.col("month").cast(pl.String).is_in(sorted(periods))
            )
            if measures is not None:
                frame = frame.filter(pl.col("measure").is_in(sorted(measures)))
            frames.append(frame)
        if not frames:
            columns = dict.fromkeys(KEY, pl.String) | {"month": pl.Date}
            return pl.DataFrame(schema=columns)
        return pl.concat(frames, how="diagonal_relaxed").sort(KEY).collect()

    def definition(self, digest: str) -> dict[str, Any]:
        """Return a definition as it was kept; empty where it was not."""
        found: dict[str, Any] = read_json(self._text_path("definitions", digest), {})
        return found

    def code(self, digest: str) -> str | None:
        """Return a model's SQL as it was kept; None where it was not."""
        found: str | None = read_json(self._text_path("code", digest))
        return found

    def keep(
        self,
        snapshot: Snapshot,
        definitions: Mapping[str, Mapping[str, Any]],
        code: Mapping[str, str],
        lake: Lake,
    ) -> Publication | None:
        """Keep what a publication changed, after it was made.

        Args:
            snapshot: just published.
            definitions: measure → what of its definition decides its figures.
            code: model → its SQL, of the models that the figures come through.
            lake: what the lake holds now, of the data sets beneath.

        Returns:
            what was kept; None where the snapshot has no figures or is on record.

        Raises:
            WriteFailed: it cannot be written; the next publication keeps it.
        """
        standing = self._newest()
        if VALUES not in snapshot.rows or standing.snapshot == snapshot.id:
            return None
        digests = _digests(snapshot.path)
        kept = sorted(
            one for one in digests if digests[one] != standing.periods.get(one)
        )
        if kept:
            with replacing(self._values_path(snapshot.id)) as temporary:
                _copy(snapshot.path, kept, temporary)
        named = self._texts("definitions", definitions, standing.definitions)
        models = self._texts("code", code, standing.code)
        publication = Publication(
            snapshot.id,
            snapshot.as_at,
            standing.count,
            _changes(standing.periods, digests),
            _changes(standing.definitions, named),
            _changes(standing.code, models),
            _lake_changes(_marks(standing.lake), lake),
        )
        row = {
            name: value for name, value in vars(publication).items() if name != "nth"
        }
        self._register.add(row)
        standing.take(publication)
        size = self._register.path.stat().st_size
        write_json(self._newest_path, {"size": size, "standing": vars(standing)})
        return publication

    @property
    def _newest_path(self) -> Path:
        return self._folder / "newest.json"

    def _texts(
        self, kind: str, texts: Mapping[str, Any], known: Mapping[str, str]
    ) -> dict[str, str]:
        """Keep each text once by its digest; return name → digest."""
        found = {}
        for name, text in texts.items():
            found[name] = digest_of(text)
            path = self._text_path(kind, found[name])
            if known.get(name) != found[name] and not path.exists():
                write_json(path, text)
        return found

    def _text_path(self, kind: str, digest: str) -> Path:
        return self._folder / kind / f"{digest}.json"

    def _values_path(self, snapshot: str) -> Path:
        return self._folder / "values" / f"{snapshot}.parquet"

    def _files_at(self, publication: Publication) -> dict[str, set[str]]:
        """Return snapshot → the periods whose cells it kept and that still stood."""
        last: dict[str, str | None] = {}
        for one in self.publications()[: publication.nth + 1]:
            for period, digest in one.periods.items():
                last[period] = one.snapshot if digest else None
        found: dict[str, set[str]] = {}
        for period, snapshot in last.items():
            if snapshot is not None:
                found.setdefault(snapshot, set()).add(period)
        return found


@dataclass
class _Standing:
    """What stands after some publications, as JSON."""

    snapshot: str = ""
    count: int = 0
    periods: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)
    lake: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take(self, one: Publication) -> None:
        """Take over what a publication changed."""
        self.snapshot, self.count = one.snapshot, one.nth + 1
        _apply(self.periods, one.periods)
        _apply(self.definitions, one.definitions)
        _apply(self.code, one.code)
        for data_set, months in one.lake.items():
            _apply(self.lake.setdefault(data_set, {}), months)


def _apply(held: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        if value is None:
            held.pop(name, None)
        else:
            held[name] = value


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs; None of what is gone."""
    found = {name: each for name, each in now.items() if before.get(name) != each}
    return found | dict.fromkeys(before.keys() - now.keys())


def _marks(lake: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Mark]]:
    return {
        name: {
            month: Mark(mark[0], tuple(mark[1]), mark[2])
            for month, mark in months.items()
        }
        for name, months in lake.items()
    }


def digest_of(value: Any) -> str:
    """Return 16 hex digits of a JSON-ready value."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_lake(home: Home, data_sets: Collection[str]) -> dict[str, dict[str, Mark]]:
    """Return what the lake files of data sets are made of now.

    A file whose time and size are those of the last look is not opened again: thousands
    of footers take seconds, and a landing touches a few.

    Args:
        home: whose lake and landing.
        data_sets: names.

    Raises:
        LakeDamaged: a lake file cannot be read.
    """
    cached = home.cache / "measure_lake.json"
    before: dict[str, Any] = read_json(cached, {})
    seen: dict[str, Any] = {}
    found: dict[str, dict[str, Mark]] = {}
    for name in sorted(data_sets):
        own = found.setdefault(name, {})
        for month, path in _lake_files(home, name):
            held = path.stat()
            stamp = [held.st_mtime_ns, held.st_size]
            key = f"{name}/{month}"
            known = before.get(key)
            if known is None or known[0] != stamp:
                mark = _mark(home, name, path)
                known = [stamp, mark and [mark.signature, [*mark.files], mark.out]]
            seen[key] = known
            if known[1] is not None:
                own[month] = Mark(known[1][0], tuple(known[1][1]), known[1][2])
    if seen != before:
        write_json(cached, seen)
    return found


def _lake_files(home: Home, data_set: str) -> Iterator[tuple[str, Path]]:
    """Yield (month, path) of each lake file of a data set."""
    from edp_platform.ingestion.landing import WHOLE

    folder = home.raw / data_set
    whole = folder / "part-0.parquet"
    if whole.exists():
        yield WHOLE, whole
    for path in sorted(folder.glob("month=????-??/part-0.parquet")):
        yield path.parent.name.removeprefix("month="), path


def _mark(home: Home, data_set: str, path: Path) -> Mark | None:
    """Return what a lake file was made of; None of one that holds nothing."""
    from edp_platform.ingestion.lake import read_footer

    footer = read_footer(path)
    if footer is None:
        return None
    out = sum(taken_out(home, data_set, file) for file in footer.files)
    return Mark(footer.signature, footer.files, out)


def taken_out(home: Home, data_set: str, file: str) -> int:
    """Return how much of a landed file was taken out or treated, ever."""
    return max(
        (
            int(item.get("disposed", 0)) + int(item.get("treated", 0))
            for item in _deliveries(home, file)
            if item["data_set"] == data_set
        ),
        default=0,
    )


def _deliveries(home: Home, file: str) -> Iterator[dict[str, Any]]:
    for receipt in (home.landing / file[:2]).glob(f"{file}*/receipt.json"):
        yield from read_json(receipt, {"deliveries": []})["deliveries"]


def _lake_changes(before: Lake, now: Lake) -> dict[str, dict[str, Any]]:
    """Return the marks that differ, ready for JSON; None of what is gone."""
    found: dict[str, dict[str, Any]] = {}
    for name in before.keys() | now.keys():
        old, new = before.get(name, {}), now.get(name, {})
        as_json = [
            {
                month: [one.signature, [*one.files], one.out]
                for month, one in each.items()
            }
            for each in (old, new)
        ]
        changed = _changes(*as_json)
        if changed:
            found[name] = changed
    return found


def _digests(copy: Path) -> dict[str, str]:
    """Return period → digest of its cells in a published copy, whatever their order."""
    with _opened(copy) as connection:
        rows = connection.execute(
            "select cast(month as varchar), count(*), "
            "sum(cast(hash(cells) as hugeint)) "
            f"from (select month, {VALUES} as cells from marts.{VALUES}) group by month"
        ).fetchall()
    return {month: f"{count}-{total:x}" for month, count, total in rows}


def _copy(copy: Path, periods: Collection[str], target: Path) -> None:
    with _opened(copy) as connection:
        connection.execute(
            f"copy (select * from marts.{VALUES} where month in "
            "(select cast(unnest(?) as date)) order by all) to '"
            + str(target).replace("'", "''")
            + "' (format parquet, compression zstd)",
            [[*periods]],
        )


def _opened(copy: Path) -> Any:
    import duckdb

    connection = duckdb.connect(str(copy), read_only=True)
    connection.execute(f"set memory_limit = '{_MEMORY}'")
    return connection


def _not_found(
    snapshot: str, known: Collection[Publication], found: Collection[Publication]
) -> str:
    if not known:
        return (
            "No publication of the measures is on record yet, so there is nothing to "
            "compare. One is kept each time the marts are published: edp run."
        )
    ids = [one.snapshot for one in known]
    if found:
        several = ", ".join(one.snapshot for one in found)
        return (
            f"{snapshot} is the start of several snapshots: {several}. Write one out."
        )
    near = get_close_matches(snapshot, ids, 3, 0.5)
    last = ", ".join(f"{one.snapshot} ({one.as_at[:16]})" for one in [*known][-5:])
    return (
        f"No publication {snapshot} of the measures is on record. "
        + (f"Near: {', '.join(near)}. " if near else "")
        + f"The last are {last}; `latest` and `first` are understood too."
    )
