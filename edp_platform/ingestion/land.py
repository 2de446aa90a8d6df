"""Landing files, folders, zips and URLs: recognise, ask the gate, keep, account."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, Literal, cast
from urllib.parse import unquote, urlsplit

from edp_platform.datasets import DataSets
from edp_platform.files import WriteFailed
from edp_platform.governance.gate import GateRefused
from edp_platform.governance.subject_keys import KeyLost
from edp_platform.home import FIRST_MONTH, Home
from edp_platform.ingestion.archives import (
    ArchiveLimits,
    ArchiveMember,
    UnsafeArchive,
    archive_members,
)
from edp_platform.ingestion.download import DownloadFailed, fetch_file, new_client
from edp_platform.ingestion.landing import (
    WHOLE,
    Delivery,
    LandingFailed,
    LandingStore,
    landed_now,
    sha256_of,
)
from edp_platform.ingestion.person_rows import without
from edp_platform.ingestion.readers import UnreadableFile
from edp_platform.ingestion.recognition import NotRecognised, recognise
from edp_platform.ingestion.row_lock import moving_rows
from edp_platform.retention.tombstones import disposed_again

_RELEASE_FOLDER = re.compile(r"release[_-](\d{4})-(\d{2})(?:-(\d{2}))?\Z")
_RELEASE_ARCHIVE = re.compile(r"(\d{4})-(\d{2})\.zip\Z")
#: What a folder holds that nobody meant to land.
#: A larger file is fetched on purpose, with `edp fetch` or by hand.
MAX_URL_BYTES = 2_000_000_000
_IGNORED = frozenset({"Thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class Landed:
    """What became of one file."""

    name: str
    outcome: Literal["landed", "unchanged", "refused"]
    delivery: Delivery | None = None
    reason: str = ""


@dataclass(frozen=True)
class LandingOptions:
    """What the person who lands files says about them."""

    data_set: str | None = None
    release: date | None = None
    supplier: str | None = None


@dataclass(frozen=True)
class _Candidate:
    path: Path
    name: str
    received_as: str
    release: date | None


def summary(counts: Mapping[str, int]) -> str:
    """Return one line for a person: how many files met which outcome, and what next."""
    line = (
        f"{counts['landed']} landed, {counts['unchanged']} already here, "
        f"{counts['refused']} refused."
    )
    return f"{line} Next: edp run" if counts["landed"] or counts["unchanged"] else line


def land(
    home: Home,
    data_sets: DataSets,
    sources: Sequence[str],
    options: LandingOptions,
    now: datetime,
    progress: Callable[[Landed], None] = lambda landed: None,
) -> list[Landed]:
    """Land every file that the sources name.

    Args:
        home: where to land.
        data_sets: what a file may be.
        sources: files, folders, zips and http(s) URLs.
        options: stated data set, release date, supplier.
        now: the time of landing; its date is the release date when none is known.
        progress: called with each file's outcome.

    Returns:
        one outcome a file, refusals included. A refused file changes nothing and does
        not stop the others.
    """
    # Members and downloads pass through the home, never the system's shared folder.
    incoming = home.root / "incoming"
    try:
        incoming.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteFailed(
            error.errno,
            f"{incoming} cannot be made ({error.strerror}). Check that EDP_HOME is a "
            "folder you may write to.",
        ) from error
    outcomes: list[Landed] = []
    for source in sources:
        for candidate in _guarded(_candidates(source, incoming), source):
            if isinstance(candidate, Landed):
                outcome = candidate
            else:
                with moving_rows(home):
                    outcome = _land_one(
                        candidate, home, data_sets, options, now, len(outcomes)
                    )
            outcomes.append(outcome)
            progress(outcome)
    return outcomes


def _guarded(
    candidates: Iterator[_Candidate], source: str
) -> Iterator[_Candidate | Landed]:
    """Turn a source that cannot be opened into one refusal."""
    try:
        yield from candidates
    except (UnsafeArchive, DownloadFailed, OSError) as error:
        yield Landed(source, "refused", reason=str(error))


def _land_one(
    candidate: _Candidate,
    home: Home,
    data_sets: DataSets,
    options: LandingOptions,
    now: datetime,
    sequence: int,
) -> Landed:
    store = LandingStore(home)
    try:
        # Taken first: what is said of the file below is of these bytes, or landing,
        # which copies and hashes again, refuses a file that changed meanwhile.
        sha256 = sha256_of(candidate.path)
        found = recognise(
            candidate.path,
            candidate.name,
            data_sets.by_name.values(),
            options.data_set,
        )
        found.data_set.pass_gate("raw", now.date())
        contract, reader = found.data_set.contract, found.data_set.reader
        months = reader.months(candidate.path, contract, found.parts)
        if contract.is_monthly and not months:
            raise UnreadableFile(
                f"{candidate.name} names no month that could be read, so its rows have "
                "no place in a monthly data set. Ask the supplier for it again."
            )
        _refuse_months_out_of_range(candidate.name, months, now.date())
        release = options.release or candidate.release or now.date()
        delivery = Delivery(
            sha256=sha256,
            name=candidate.name,
            received_as=candidate.received_as,
            data_set=found.data_set.name,
            scope=found.scope,
            months=tuple(months) if contract.is_monthly else (WHOLE,),
            records=reader.count(candidate.path),
            supplier=options.supplier or contract.supplier,
            release_date=release.isoformat(),
            landed_at=landed_now(now, sequence),
        )
        is_dated = bool(options.release or candidate.release)
        known = None if is_dated else _known(store, delivery)
        if known is not None:
            return Landed(candidate.received_as, "unchanged", known)
        # Who was disposed of stays gone: what is kept of the file is without them.
        marked = disposed_again(home, candidate.path, contract)
        kept, changed = store.land(
            candidate.path,
            delivery,
            lambda path: (
                None if marked.is_empty else without(path.read_bytes(), path, marked)
            ),
        )
    except NotRecognised as error:
        reason = f"{error}{_not_tried(data_sets)}"
        return Landed(candidate.received_as, "refused", reason=reason)
    except (
        UnreadableFile,
        GateRefused,
        LandingFailed,
        KeyLost,
        WriteFailed,
    ) as error:
        return Landed(candidate.received_as, "refused", reason=str(error))
    except OSError as error:
        reason = (
            f"{candidate.name} cannot be read ({error.strerror or error}). Check that "
            "it is there and that you may read it, then land it again."
        )
        return Landed(candidate.received_as, "refused", reason=reason)
    return Landed(candidate.received_as, "landed" if changed else "unchanged", kept)


def _refuse_months_out_of_range(name: str, months: list[str], today: date) -> None:
    """Refuse months that no partition stands for: they would wait for ever."""
    last = f"{today:%Y-%m}"
    outside = sorted(month for month in months if not FIRST_MONTH <= month <= last)
    if outside:
        raise UnreadableFile(
            f"{name} is about {', '.join(outside)}, and months from {FIRST_MONTH} to "
            f"{last} are kept. Check its name and dates with the supplier."
        )


def _not_tried(data_sets: DataSets) -> str:
    """Name the data sets that are set aside: the file may be of one of them."""
    if not data_sets.set_aside:
        return ""
    names = ", ".join(fault.name for fault in data_sets.set_aside)
    return f" Not tried, because it is set aside: {names} (see edp status)."


def _known(store: LandingStore, delivery: Delivery) -> Delivery | None:
    """Find the same bytes for the same slices: landed again, they change nothing."""
    for old in store.deliveries_of(delivery.sha256):
        if (old.data_set, old.scope, old.months) == (
            delivery.data_set,
            delivery.scope,
            delivery.months,
        ):
            return old
    return None


def _candidates(source: str, incoming: Path) -> Iterator[_Candidate]:
    if re.match(r"[a-z][a-z0-9+.-]*://", source, re.IGNORECASE):
        with tempfile.TemporaryDirectory(dir=incoming) as folder:
            name = unquote(urlsplit(source).path).rsplit("/", 1)[-1] or "download"
            with new_client() as client:
                path = fetch_file(
                    source,
                    Path(folder) / name,
                    max_bytes=MAX_URL_BYTES,
                    client=client,
                )
            yield from _from_path(path, source, incoming)
        return
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(
            f"{source} is not there. Give a file, a folder, a zip or an http(s) URL."
        )
    if path.is_dir():
        for each in sorted(path.rglob("*")):
            is_hidden = any(
                part.startswith(".") for part in each.relative_to(path).parts
            )
            # A link to nothing is tried, so that it is refused and not passed over.
            is_file = each.is_file() or (each.is_symlink() and not each.exists())
            if is_file and not is_hidden and each.name not in _IGNORED:
                yield from _from_path(each, str(each), incoming)
    else:
        yield from _from_path(path, str(path), incoming)


def _from_path(path: Path, received_as: str, incoming: Path) -> Iterator[_Candidate]:
    release = _release_of(path)
    if path.suffix.lower() != ".zip":
        yield _Candidate(path, path.name, received_as, release)
        return
    # Members are landed, the zip is not: what it holds beside them has no DPIA.
    for member in archive_members(path, ArchiveLimits()):
        with _extracted(member, incoming) as extracted:
            base_name = member.name.rsplit("/", 1)[-1]
            yield _Candidate(
                extracted, base_name, f"{received_as}!{member.name}", release
            )


@contextmanager
def _extracted(member: ArchiveMember, incoming: Path) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile(dir=incoming) as stream:
        member.copy_to(cast(BinaryIO, stream))
        stream.flush()
        yield Path(stream.name)


def _release_of(path: Path) -> date | None:
    """Read a release date off a folder `release_YYYY-MM` or an archive `YYYY-MM.zip`."""
    matches: Iterable[re.Match[str] | None] = (
        _RELEASE_ARCHIVE.match(path.name),
        *(_RELEASE_FOLDER.match(part) for part in reversed(path.parts[:-1])),
    )
    for match in matches:
        if match:
            year, month, *day = match.groups()
            try:
                return date(int(year), int(month), int((day or [None])[0] or 1))
            except ValueError:
                return None
    return None
