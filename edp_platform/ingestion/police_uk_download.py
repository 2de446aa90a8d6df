"""Fetching street crime, outcomes and stop and search from data.police.uk.

`fetch_police_uk` brings the files of some months and forces into a folder laid out as
the publisher's own (`YYYY-MM/YYYY-MM-<force>-<kind>.csv`) and says, for each file,
which release it came from, and for each file that is missing, why.

Facts relied on, with where they are stated:

* `/data/archive/YYYY-MM.zip` holds the data published up to that month, for all forces;
  `latest.zip` is the newest (data.police.uk/about, "Data Download"). It redirects to a
  storage service that answers Range requests. Sizes: 1.6 GB now, 2.6 GB at most.
* The first archive is 2013-12. Archives up to 2017-04 hold every month from 2010-12;
  from 2017-05 on each holds the 36 months that end with its own
  (data.police.uk/data/archive states each one's range). Older archives are "out of
  date": outcomes decided later are only in later ones. So the newest archive that
  holds a month is the one to use, and its month is the file's release.
* Members are `YYYY-MM/YYYY-MM-<force>-<kind>.csv`, Deflate, and nothing else. A file
  that is absent was not supplied; that is never the same as no crime.
* `/api/crimes-street-dates` lists the months on the live site, newest first, each with
  the forces that supplied stop and search: `[{"date": "2024-06", "stop-and-search":
  ["bedfordshire", ...]}, ...]`. Months before its first are in archives only.
* `/api/forces` lists `[{"id": "metropolitan", "name": ...}, ...]` without the British
  Transport Police, whose identifier in file names is `btp` (docs/method/forces).
* Neither the British Transport Police nor the Police Service of Northern Ireland
  supplies outcomes (data.police.uk/about).
* The API allows 15 requests a second; this makes two in all. No key is needed. Data is
  under the Open Government Licence v3.0.

State is kept in `<target>/.fetch/`: archives while they are needed, half-fetched ones,
and `record.json`, which says what each release held, so that a run that was
interrupted, or is repeated, continues and fetches nothing twice. It can be deleted.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx

from edp_platform.files import read_json, replacing, write_json
from edp_platform.ingestion.archives import (
    ArchiveLimits,
    UnsafeArchive,
    archive_members,
)
from edp_platform.ingestion.download import (
    DownloadFailed,
    fetch_file,
    hold_alone,
    new_client,
)

KINDS = ("street", "outcomes", "stop-and-search")
BASE_URL = "https://data.police.uk"

#: The largest archive there has been is 2.56 GB (2017-04).
MAX_ARCHIVE_BYTES = 4 * 1024**3
#: The forces answer is some 3 KB, the dates answer some 60 KB.
MAX_API_BYTES = 8 * 1024**2

#: No data was published for earlier months.
FIRST_MONTH = "2010-12"
#: "These archives were not being generated before December 2013."
FIRST_ARCHIVE = "2013-12"
#: The last archive that holds everything from `FIRST_MONTH`.
LAST_FULL_ARCHIVE = "2017-04"
MONTHS_IN_ARCHIVE = 36

#: In file names but not in the list of forces.
BRITISH_TRANSPORT_POLICE = "btp"
FORCES_WITHOUT_OUTCOMES = frozenset({BRITISH_TRANSPORT_POLICE, "northern-ireland"})

#: Archives that may turn out not to exist before the site is taken to have changed.
_MOST_ABSENT_ARCHIVES = 6

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_FORCE = re.compile(r"[a-z]+(-[a-z]+)*")

#: Called as `progress(what, done so far, in all or None)`; bytes for "archive
#: YYYY-MM", files for "files of YYYY-MM".
FetchProgress = Callable[[str, int, int | None], None]

Cause = Literal["not_published", "no_archive", "not_supplied"]


class FetchRefused(ValueError):
    """What was asked for cannot be fetched; the message says what to ask instead."""


@dataclass(frozen=True)
class FetchedFile:
    """One file that is now in the target folder.

    Attributes:
        month: YYYY-MM.
        force: identifier as in file names, such as `city-of-london`.
        kind: one of `KINDS`.
        path: where it is.
        release: YYYY-MM of the archive it came from, its release.
        size: bytes.
        sha256: 64 hex digits.
        already_here: an earlier run had brought it; nothing was fetched now.
    """

    month: str
    force: str
    kind: str
    path: Path
    release: str
    size: int
    sha256: str
    already_here: bool


@dataclass(frozen=True)
class MissingFile:
    """One file that was asked for and is not to be had.

    Attributes:
        month: YYYY-MM.
        force: identifier as in file names.
        kind: one of `KINDS`.
        release: YYYY-MM of the archive that was looked in; None when none was.
        cause: `not_published` (the month is not out), `no_archive` (no archive holds
            the month), `not_supplied` (the archive has no such file).
        reason: the same for a person.
    """

    month: str
    force: str
    kind: str
    release: str | None
    cause: Cause
    reason: str


@dataclass(frozen=True)
class FetchResult:
    """What a fetch brought. `files` and `missing` together are all that was asked.

    Attributes:
        files: by month, force and kind.
        missing: by month, force and kind.
        newest_release: YYYY-MM of the newest archive on the site.
        archives_read: releases whose archive was read in this run.
    """

    files: tuple[FetchedFile, ...]
    missing: tuple[MissingFile, ...]
    newest_release: str
    archives_read: tuple[str, ...]


@dataclass(frozen=True, order=True)
class _Wanted:
    month: str
    force: str
    kind: str

    @property
    def file_name(self) -> str:
        return f"{self.month}-{self.force}-{self.kind}.csv"

    @property
    def member_name(self) -> str:
        return f"{self.month}/{self.file_name}"


@dataclass(frozen=True)
class _Site:
    """What data.police.uk says it has.

    `stop_and_search` gives, for each month on the live site, the forces that supplied
    it; `forces` maps identifier to name.
    """

    stop_and_search: dict[str, frozenset[str]]
    forces: dict[str, str]

    @property
    def newest(self) -> str:
        return max(self.stop_and_search)

    def is_published(self, month: str) -> bool:
        """Tell whether `month` should be in some archive."""
        if month < min(self.stop_and_search):
            return True
        return month in self.stop_and_search


def fetch_police_uk(
    from_month: str,
    to_month: str,
    forces: Sequence[str],
    kinds: Sequence[str] = KINDS,
    *,
    target: Path,
    base_url: str = BASE_URL,
    client: httpx.Client | None = None,
    progress: FetchProgress | None = None,
    max_bytes: int = MAX_ARCHIVE_BYTES,
    limits: ArchiveLimits | None = None,
    keep_archive: bool = False,
    retries: int = 5,
    sleep: Callable[[float], None] = time.sleep,
) -> FetchResult:
    """Fetch files of some months and forces into `target/YYYY-MM/`.

    Of all archives the fewest that cover the months are fetched, and of those the
    newest, since a later release carries later outcomes. A file that is already in
    `target` from the same release is left alone; one from another release is replaced.

    Args:
        from_month: first month, YYYY-MM.
        to_month: last month, YYYY-MM, included.
        forces: identifiers as in file names.
        kinds: any of `KINDS`.
        target: folder for the files; made when missing.
        base_url: the site; another one for tests or a mirror.
        client: see `download.new_client`; one is made and closed when None.
        progress: told what is going on.
        max_bytes: largest archive accepted, in bytes.
        limits: what an archive may hold; see `archives.ArchiveLimits`.
        keep_archive: leave the archives in `target/.fetch` for other fetches.
        retries: see `download.fetch_file`.
        sleep: see `download.fetch_file`.

    Returns:
        What is in `target` now, and what is missing and why.

    Raises:
        FetchRefused: a month, force or kind that there is not, no month that is
            published, or another fetch at work in `target`.
        DownloadFailed: the site could not be reached or answered unexpectedly.
        UnsafeArchive: an archive is damaged or hostile; it has been deleted.
        WriteFailed: a file could not be written.
    """
    months = _months_between(from_month, to_month)
    kinds = _checked_kinds(kinds)
    _check_force_spelling(forces)
    with (
        nullcontext(client) if client is not None else new_client() as http,
        _only_fetch_in(target) as state,
    ):
        fetcher = _Fetcher(
            base_url=base_url.rstrip("/"),
            client=http,
            target=target,
            state=state,
            progress=progress,
            max_bytes=max_bytes,
            limits=limits or ArchiveLimits(),
            keep_archive=keep_archive,
            retries=retries,
            sleep=sleep,
        )
        site = fetcher.ask_site()
        chosen = _known_forces(forces, site)
        wanted = [
            _Wanted(month, force, kind)
            for month in months
            for force in chosen
            for kind in kinds
        ]
        return fetcher.fetch(wanted, site)


def plan_archives(
    months: Collection[str], newest: str, absent: Collection[str] = ()
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Choose the fewest archives that hold `months`, and the newest among those.

    Going from the earliest month not yet covered, the newest archive that holds it
    reaches furthest forward, so taking it each time gives the fewest there can be.
    Each month then comes from the newest of the chosen archives that holds it.

    Args:
        months: YYYY-MM, each `FIRST_MONTH` or later.
        newest: YYYY-MM of the newest archive.
        absent: archives known not to exist.

    Returns:
        Months by archive, both ascending; and the months that no archive holds.
    """
    candidates = [
        release
        for release in reversed(_months_between(FIRST_ARCHIVE, newest))
        if release not in absent
    ]
    chosen: list[str] = []
    uncovered: list[str] = []
    for month in sorted(months):
        if any(_holds(release, month) for release in chosen):
            continue
        best = next((r for r in candidates if _holds(r, month)), None)
        if best is None:
            uncovered.append(month)
        else:
            chosen.append(best)
    plan: dict[str, list[str]] = {}
    for month in sorted(set(months) - set(uncovered)):
        plan.setdefault(max(r for r in chosen if _holds(r, month)), []).append(month)
    return {r: tuple(plan[r]) for r in sorted(plan)}, tuple(uncovered)


def _holds(release: str, month: str) -> bool:
    """Tell whether the archive of `release` is meant to hold `month`."""
    if month > release:
        return False
    return release <= LAST_FULL_ARCHIVE or _number(month) > (
        _number(release) - MONTHS_IN_ARCHIVE
    )


@dataclass
class _Known:
    """What earlier reading found in one release.

    `files` gives size and hash by member name, None for one it does not hold; `months`
    are all the months it holds anything for.
    """

    files: dict[str, dict[str, Any] | None]
    months: set[str]


@dataclass
class _Fetcher:
    """One run: the site, the folder and what is known of each release."""

    base_url: str
    client: httpx.Client
    target: Path
    state: Path
    progress: FetchProgress | None
    max_bytes: int
    limits: ArchiveLimits
    keep_archive: bool
    retries: int
    sleep: Callable[[float], None]

    def ask_site(self) -> _Site:
        """Ask the API which months and forces there are.

        Raises:
            DownloadFailed: no answer, or not of the documented shape.
        """
        dates = self._ask("crimes-street-dates")
        listed = self._ask("forces")
        try:
            by_month = {
                entry["date"]: frozenset(entry.get("stop-and-search") or ())
                for entry in dates
                if _MONTH.fullmatch(entry["date"])
            }
            forces = {entry["id"]: str(entry.get("name", "")) for entry in listed}
        except (TypeError, KeyError, AttributeError) as error:
            raise self._unexpected("another shape than its documentation") from error
        # Identifiers become parts of file names, so only plain ones are let in.
        for supplied in by_month.values():
            forces |= {force: "" for force in supplied if force not in forces}
        forces[BRITISH_TRANSPORT_POLICE] = "British Transport Police"
        forces = {
            force: name for force, name in forces.items() if _FORCE.fullmatch(force)
        }
        if not by_month or max(by_month) < FIRST_ARCHIVE:
            raise self._unexpected("no months")
        return _Site(by_month, forces)

    def fetch(self, wanted: list[_Wanted], site: _Site) -> FetchResult:
        """Bring what is wanted, archive by archive."""
        missing = [
            _not_published(item, site)
            for item in wanted
            if not site.is_published(item.month)
        ]
        rest = [item for item in wanted if site.is_published(item.month)]
        if not rest:
            raise FetchRefused(
                f"None of the months asked for is published on {self.base_url}; the "
                f"newest is {site.newest}. Ask for months up to {site.newest}."
            )
        files: dict[_Wanted, FetchedFile] = {}
        read: list[str] = []
        absent: dict[str, int] = {}
        # The plan is made from the earliest month on, and archives are read in that
        # order. So when one turns out not to exist, those already read stay in it.
        while True:
            plan, uncovered = plan_archives(
                {item.month for item in rest}, site.newest, absent
            )
            try:
                for release, months in plan.items():
                    items = [item for item in rest if item.month in months]
                    if self._settle(release, items):
                        read.append(release)
                break
            except _NoSuchArchive as gap:
                absent[gap.release] = gap.status
                if len(absent) > _MOST_ABSENT_ARCHIVES:
                    raise DownloadFailed(
                        f"{len(absent)} archives that {self.base_url} should have are "
                        f"not there (it answered {gap.status} for {gap.release}). "
                        "The site may have changed, or a proxy may be in the way; "
                        "look at its page /data/archive/, or download by hand and use "
                        "`edp land`."
                    ) from gap
        for release, months in plan.items():
            known = self._known(release)
            for item in rest:
                if item.month not in months:
                    continue
                entry = known.files[item.member_name]
                if entry is not None:
                    files[item] = FetchedFile(
                        month=item.month,
                        force=item.force,
                        kind=item.kind,
                        path=self._path(item),
                        release=release,
                        size=entry["size"],
                        sha256=entry["sha256"],
                        already_here=release not in read,
                    )
                elif item.month in known.months:
                    missing.append(_not_supplied(item, release, site))
                else:
                    missing.append(_month_not_held(item, release))
        missing += [
            _no_archive(item, absent) for item in rest if item.month in uncovered
        ]
        return FetchResult(
            files=tuple(files[item] for item in sorted(files)),
            missing=tuple(
                sorted(missing, key=lambda gap: (gap.month, gap.force, gap.kind))
            ),
            newest_release=site.newest,
            archives_read=tuple(dict.fromkeys(read)),
        )

    def _settle(self, release: str, items: list[_Wanted]) -> bool:
        """See that `items` are here as `release` has them; True if it was read.

        Raises:
            _NoSuchArchive: the site does not have this archive.
        """
        known = self._known(release)
        due = [item for item in items if not self._is_settled(item, known)]
        if not due:
            return False
        archive = self._archive(release)
        if not archive.exists():
            try:
                fetch_file(
                    f"{self.base_url}/data/archive/{release}.zip",
                    archive,
                    max_bytes=self.max_bytes,
                    client=self.client,
                    progress=self._tell(f"archive {release}"),
                    retries=self.retries,
                    sleep=self.sleep,
                )
            except DownloadFailed as error:
                # The storage service says 403 for a key that it does not have.
                if error.status in (403, 404, 410):
                    raise _NoSuchArchive(release, error.status) from error
                raise
        try:
            found, months = self._take_out(archive, release, due)
        except UnsafeArchive as error:
            archive.unlink(missing_ok=True)
            raise UnsafeArchive(
                f"{error} The downloaded copy has been deleted; running again "
                "fetches it afresh."
            ) from error
        known.files |= {item.member_name: found.get(item) for item in due}
        known.months |= months
        entry = {"files": known.files, "months": sorted(known.months)}
        write_json(self.state / "record.json", self._record() | {release: entry})
        if not self.keep_archive:
            archive.unlink(missing_ok=True)
        return True

    def _take_out(
        self, archive: Path, release: str, due: list[_Wanted]
    ) -> tuple[dict[_Wanted, dict[str, Any]], set[str]]:
        """Copy the members that are due to `target`.

        Returns:
            Size and hash of each one found; and all months the archive holds.
        """
        by_member = {item.member_name: item for item in due}
        months: set[str] = set()

        def is_due(name: str) -> bool:
            months.add(name.split("/", 1)[0])
            return name in by_member

        found: dict[_Wanted, dict[str, Any]] = {}
        tell = self._tell(f"files of {release}")
        for member in archive_members(archive, self.limits, is_due):
            item = by_member[member.name]
            # The path is computed from what was asked, not from the member's name.
            with (
                replacing(self._path(item)) as temporary,
                temporary.open("w+b") as file,
            ):
                size = member.copy_to(file)
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[item] = {"size": size, "sha256": digest}
            if tell:
                tell(len(found), len(due))
        return found, months

    def _is_settled(self, item: _Wanted, known: _Known) -> bool:
        """Tell whether nothing needs doing: it is here, or known to be missing."""
        if item.member_name not in known.files:
            return False
        entry = known.files[item.member_name]
        if entry is None:
            return True
        path = self._path(item)
        if not path.is_file() or path.stat().st_size != entry["size"]:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == entry["sha256"]

    def _record(self) -> dict[str, Any]:
        """Return what is known of each release; nothing when the record is unusable."""
        try:
            record = read_json(self.state / "record.json", {})
        except ValueError:
            return {}
        return record if isinstance(record, dict) else {}

    def _known(self, release: str) -> _Known:
        """Return what is known of a release, leaving out what is not as written."""
        entry = self._record().get(release)
        if not isinstance(entry, dict):
            return _Known({}, set())
        files, months = entry.get("files"), entry.get("months")
        if not isinstance(files, dict) or not isinstance(months, list):
            return _Known({}, set())
        return _Known(
            {
                name: file
                for name, file in files.items()
                if file is None
                or (isinstance(file, dict) and {"size", "sha256"} <= file.keys())
            },
            {month for month in months if isinstance(month, str)},
        )

    def _ask(self, method: str) -> list[Any]:
        answer = self.state / f"{method}.json"
        fetch_file(
            f"{self.base_url}/api/{method}",
            answer,
            max_bytes=MAX_API_BYTES,
            client=self.client,
            retries=self.retries,
            sleep=self.sleep,
        )
        try:
            value = json.loads(answer.read_bytes())
        except (ValueError, RecursionError) as error:
            raise self._unexpected("something that is not JSON") from error
        finally:
            answer.unlink(missing_ok=True)
        if not isinstance(value, list):
            raise self._unexpected("another shape than its documentation")
        return value

    def _unexpected(self, what: str) -> DownloadFailed:
        return DownloadFailed(
            f"The API of {self.base_url} answered with {what}, so which months and "
            "forces there are is not known. Try again later; if it stays so, download "
            "by hand and use `edp land`."
        )

    def _tell(self, what: str) -> Callable[[int, int | None], None] | None:
        progress = self.progress
        if progress is None:
            return None
        return lambda done, total: progress(what, done, total)

    def _archive(self, release: str) -> Path:
        return self.state / f"{release}.zip"

    def _path(self, item: _Wanted) -> Path:
        return self.target / item.month / item.file_name


class _NoSuchArchive(Exception):
    """The site does not have the archive of a month."""

    def __init__(self, release: str, status: int) -> None:
        super().__init__(release)
        self.release = release
        self.status = status


@contextmanager
def _only_fetch_in(target: Path) -> Iterator[Path]:
    """Keep other fetches out of `target`; yield its folder for state.

    Raises:
        FetchRefused: another process is fetching into it.
        DownloadFailed: the folder cannot be made or written.
    """
    state = target / ".fetch"
    try:
        state.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise DownloadFailed(
            f"{target} cannot be written ({error.strerror}), so there is nowhere to "
            "fetch to. Choose a folder you may write to."
        ) from error
    try:
        if not hold_alone(descriptor):
            raise FetchRefused(
                f"Another fetch is at work in {target}. Wait for it to end, or fetch "
                "to another folder."
            )
        yield state
    finally:
        os.close(descriptor)


def _months_between(first: str, last: str) -> list[str]:
    """Return all months from `first` to `last`, both included.

    Raises:
        FetchRefused: not months, in the wrong order, or before there was data.
    """
    for month in (first, last):
        if not _MONTH.fullmatch(month):
            raise FetchRefused(
                f"{month!r} is not a month. Give months as YYYY-MM, such as 2024-01."
            )
    if first > last:
        raise FetchRefused(
            f"The first month, {first}, is after the last, {last}. Swap them."
        )
    if first < FIRST_MONTH:
        raise FetchRefused(
            f"data.police.uk has no data before {FIRST_MONTH}, and {first} was asked "
            f"for. Start at {FIRST_MONTH} or later."
        )
    return [_month(number) for number in range(_number(first), _number(last) + 1)]


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1


def _month(number: int) -> str:
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def _checked_kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        asked = f"there is no kind {unknown[0]!r}" if unknown else "no kind was given"
        raise FetchRefused(
            f"Cannot fetch: {asked}. The kinds of file are {', '.join(KINDS)}."
        )
    return tuple(kind for kind in KINDS if kind in kinds)


def _check_force_spelling(forces: Sequence[str]) -> None:
    # Before the site is asked, so that a slip costs no request.
    if isinstance(forces, str) or not forces:
        raise FetchRefused(
            "No force was given as a list. Name at least one, such as metropolitan."
        )


def _known_forces(forces: Sequence[str], site: _Site) -> tuple[str, ...]:
    """Return the forces once each, in the order given.

    Raises:
        FetchRefused: a force that the site does not know; near names are suggested.
    """
    for force in forces:
        if force in site.forces:
            continue
        spellings = {name.lower(): known for known, name in site.forces.items()}
        spellings |= {known: known for known in site.forces}
        near = difflib.get_close_matches(force.lower(), spellings, n=5, cutoff=0.55)
        suggested = list(dict.fromkeys(spellings[name] for name in near))[:3]
        hint = (
            f"Did you mean {' or '.join(suggested)}?"
            if suggested
            else f"The forces are {', '.join(sorted(site.forces))}."
        )
        raise FetchRefused(f"data.police.uk has no force {force!r}. {hint}")
    return tuple(dict.fromkeys(forces))


def _not_published(item: _Wanted, site: _Site) -> MissingFile:
    return MissingFile(
        month=item.month,
        force=item.force,
        kind=item.kind,
        release=None,
        cause="not_published",
        reason=f"{item.month} is not published; the newest month is {site.newest}",
    )


def _not_supplied(item: _Wanted, release: str, site: _Site) -> MissingFile:
    if item.kind == "outcomes" and item.force in FORCES_WITHOUT_OUTCOMES:
        reason = "this force supplies no outcomes"
    elif item.kind == "stop-and-search" and item.force in site.stop_and_search.get(
        item.month, frozenset()
    ):
        reason = (
            f"the site lists it as supplied, but its archive {release} does not hold "
            "it; a later one may"
        )
    else:
        reason = (
            f"not in archive {release}: the force supplied nothing, which is not the "
            "same as nothing having happened"
        )
    return MissingFile(
        month=item.month,
        force=item.force,
        kind=item.kind,
        release=release,
        cause="not_supplied",
        reason=reason,
    )


def _month_not_held(item: _Wanted, release: str) -> MissingFile:
    return MissingFile(
        month=item.month,
        force=item.force,
        kind=item.kind,
        release=release,
        cause="no_archive",
        reason=(
            f"archive {release} should hold {item.month} but has nothing at all for "
            "that month; the publisher may keep fewer months than before"
        ),
    )


def _no_archive(item: _Wanted, absent: dict[str, int]) -> MissingFile:
    tried = [
        f"{release} (answered {status})"
        for release, status in sorted(absent.items())
        if _holds(release, item.month)
    ]
    return MissingFile(
        month=item.month,
        force=item.force,
        kind=item.kind,
        release=None,
        cause="no_archive",
        reason=f"no archive that holds {item.month} is there: {', '.join(tried)}",
    )
