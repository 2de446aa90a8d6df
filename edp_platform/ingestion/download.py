"""Fetching one file over HTTP so that it arrives whole or not at all.

`fetch_file` writes to `<target>.part` and renames it when everything has been checked.
What has arrived is kept through interruptions: `<target>.part.json` holds the address,
the server's mark for that version of the file (ETag or Last-Modified) and its size, so
that the next attempt, in this process or a later one, asks only for the rest. The mark
goes with the request (If-Range): when the file has changed, the server sends it whole
and the old part is dropped. Without a mark two versions could be glued together, so
then every attempt starts over.

What is trusted of a server: nothing that can fill the disk (a size limit holds on what
it declares and on what arrives), nothing that leads elsewhere (redirects are followed
to https or within the same host, a few times, never from a public host to this
machine's own network), and no content beyond its length and, where known, its SHA-256.
"""

from __future__ import annotations

import errno
import hashlib
import ipaddress
import os
import random
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx

from edp_platform.files import read_json, write_json
from edp_platform.this_machine import is_this_machine

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has no flock
    fcntl = None  # type: ignore[assignment]

#: Called as `progress(bytes so far, bytes in all or None)`, at most once a MiB.
Progress = Callable[[int, int | None], None]

MAX_REDIRECTS = 5

#: An attempt that brought this much new content starts the count of retries afresh: on
#: a poor line a large file needs many attempts, and all that make headway are good.
HEADWAY_BYTES = 64 * 1024

#: Left free on the disk beside the file, so that the rest of the machine still works.
DISK_RESERVE_BYTES = 64 * 1024 * 1024

#: Waits before a retry, in seconds: doubling from the first to the longest. A server
#: may ask for more (Retry-After) up to the last; beyond that a person should decide.
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 60.0
LONGEST_RETRY_AFTER_SECONDS = 600.0

_PROGRESS_STEP_BYTES = 1024 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WORTH_RETRYING = frozenset({408, 425, 429, 500, 502, 503, 504})
_CONTENT_RANGE = re.compile(r"^bytes (?:(\d+)-\d+|\*)/(\d+|\*)$")


class DownloadFailed(Exception):
    """A file could not be fetched; the message says what, why and what to do.

    Attributes:
        status: the HTTP status that decided it, None when it was something else.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class _TryAgain(Exception):
    """This attempt failed in a way that another may not."""

    def __init__(self, why: str, retry_after: float = 0.0) -> None:
        super().__init__(why)
        self.retry_after = retry_after


def new_client() -> httpx.Client:
    """Return a client with timeouts fit for large files; close it after use.

    The read timeout is the longest silence between two pieces, not the whole download.
    """
    return httpx.Client(
        timeout=httpx.Timeout(60.0, connect=15.0),
        headers={"User-Agent": "edp-platform (open data download)"},
    )


def fetch_file(
    url: str,
    target: Path,
    *,
    max_bytes: int,
    client: httpx.Client,
    expected_sha256: str | None = None,
    progress: Progress | None = None,
    retries: int = 5,
    sleep: Callable[[float], None] = time.sleep,
) -> Path:
    """Fetch `url` into `target`, resuming what an earlier attempt left.

    `target` is replaced in one rename at the end and is untouched until then.

    Args:
        url: an https address; http only for this machine itself.
        target: where the file goes; `<target>.part` and `<target>.part.json` beside
            it are used meanwhile, and kept when the download is interrupted.
        max_bytes: largest file accepted, in bytes.
        client: see `new_client`. Its own redirect following is not used.
        expected_sha256: 64 hex digits, when the content is known beforehand.
        progress: told how many bytes have arrived.
        retries: attempts, after the first, that may bring nothing new in a row.
        sleep: waits a number of seconds; tests pass their own.

    Returns:
        `target`.

    Raises:
        DownloadFailed: the address is refused, the server will not give the file, it
            is too large, there is no room for it, its content is not as expected,
            or another process is fetching it.
    """
    address = _checked_address(url)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _Part.hold(target) as part:
            _fetch_all(
                address, part, max_bytes, client, progress, retries=retries, sleep=sleep
            )
            _check_content(part, address, expected_sha256)
            os.fsync(part.descriptor)
            part.path.replace(target)
            part.notes.unlink(missing_ok=True)
    except OSError as error:
        raise DownloadFailed(_why_not_written(error, target)) from error
    return target


def _fetch_all(
    address: httpx.URL,
    part: _Part,
    max_bytes: int,
    client: httpx.Client,
    progress: Progress | None,
    *,
    retries: int,
    sleep: Callable[[float], None],
) -> None:
    failures = 0
    furthest = part.size
    while True:
        try:
            _attempt(address, part, max_bytes, client, progress)
            return
        except _TryAgain as trouble:
            if part.size >= furthest + HEADWAY_BYTES:
                failures = 0
            # The furthest point, not the last: a server that always starts over would
            # otherwise look like progress for ever.
            furthest = max(furthest, part.size)
            failures += 1
            if failures > retries:
                kept = (
                    f" The {part.size:,} bytes that arrived are kept and will be "
                    "continued from."
                    if part.size
                    else ""
                )
                raise DownloadFailed(
                    f"Could not fetch {_shown(address)}: {failures} attempts brought "
                    f"nothing new, the last because {trouble}. Check the connection "
                    "and that the address opens in a browser, then run again."
                    f"{kept}"
                ) from trouble
            sleep(_pause(failures, trouble.retry_after, address))


def _attempt(
    address: httpx.URL,
    part: _Part,
    max_bytes: int,
    client: httpx.Client,
    progress: Progress | None,
) -> None:
    """Make one request and take what it brings.

    Raises:
        _TryAgain: another attempt may do better; `part` holds what can be built on.
        DownloadFailed: none would.
    """
    mark = part.resumable_mark(str(address))
    if mark is None:
        part.forget()
    # Compressed in transit, lengths and ranges would not be those of the file.
    headers = {"Accept-Encoding": "identity"}
    if mark is not None:
        headers |= {"Range": f"bytes={part.size}-", "If-Range": mark}
    try:
        with _answer(client, address, headers) as response:
            total = _start_of_body(response, address, part, resuming=mark is not None)
            if total is not None and total == part.size and response.status_code == 416:
                return
            if total is not None and total > max_bytes:
                part.forget()
                raise _too_large(address, f"declares {total:,} bytes", max_bytes)
            _check_room(part, total)
            _take_body(response, address, part, total, max_bytes, progress)
    except httpx.InvalidURL as error:
        raise DownloadFailed(
            f"{_shown(address)} redirects to something that is no address. The server "
            "is misconfigured; check the address with its publisher."
        ) from error
    except httpx.RequestError as error:
        # The message can quote the address with its query, so only the type is told.
        raise _TryAgain(f"the connection failed ({type(error).__name__})") from error
    if total is not None and part.size != total:
        raise _TryAgain(f"it ended after {part.size:,} of {total:,} bytes")


def _start_of_body(
    response: httpx.Response, address: httpx.URL, part: _Part, *, resuming: bool
) -> int | None:
    """Judge the answer and put `part` where its body continues.

    Returns:
        The whole file's length in bytes, None when the server does not say.
    """
    status = response.status_code
    if status == 200:
        part.forget()
        total = None if _is_encoded(response) else _declared_length(response)
        part.describe(str(address), response, total)
        return total
    if resuming and status in (206, 416):
        start, total = _content_range(response)
        whole = part.noted_size()
        same_size = whole is None or total is None or total == whole
        etag = response.headers.get("etag")
        same_mark = etag is None or status == 416 or etag == part.noted("etag")
        fits = start == part.size and same_size and same_mark
        if status == 206 and fits and not _is_encoded(response):
            return total if total is not None else whole
        if status == 416 and total is not None and total == part.size:
            return total
        part.forget()
        raise _TryAgain("the server's partial answer did not fit what had arrived")
    if status in _WORTH_RETRYING:
        raise _TryAgain(f"the server answered {status}", _retry_after(response))
    raise DownloadFailed(
        f"{_shown(address)} answered {status}. " + _advice(status),
        status=status,
    )


def _take_body(
    response: httpx.Response,
    address: httpx.URL,
    part: _Part,
    total: int | None,
    max_bytes: int,
    progress: Progress | None,
) -> None:
    told = part.size
    pieces = response.iter_bytes() if _is_encoded(response) else response.iter_raw()
    for piece in pieces:
        if part.size + len(piece) > max_bytes:
            part.forget()
            raise _too_large(address, "sent more", max_bytes)
        part.append(piece)
        if progress and part.size - told >= _PROGRESS_STEP_BYTES:
            told = part.size
            progress(part.size, total)
    if progress:
        progress(part.size, total)


@contextmanager
def _answer(
    client: httpx.Client, address: httpx.URL, headers: dict[str, str]
) -> Iterator[httpx.Response]:
    """Send the request, follow the redirects that are allowed, and give the answer."""
    here = address
    for _ in range(MAX_REDIRECTS + 1):
        request = client.build_request("GET", here, headers=headers)
        if here.host != address.host:
            # Whatever the client holds for the first host is not for another.
            request.headers.pop("authorization", None)
        response = client.send(request, stream=True, follow_redirects=False)
        try:
            if response.status_code not in _REDIRECTS:
                yield response
                return
            there = here.join(response.headers.get("location", ""))
        finally:
            response.close()
        _check_redirect(here, there)
        here = there
    raise DownloadFailed(
        f"{_shown(address)} redirected more than {MAX_REDIRECTS} times. It may be "
        "leading in a circle; check the address with its publisher."
    )


def _checked_address(url: str) -> httpx.URL:
    """Parse `url`, refusing what is not to be fetched.

    Raises:
        DownloadFailed: another scheme than http(s), http to another machine, no host,
            or a user name and password in the address.
    """
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise DownloadFailed(
            "That is not an address that can be fetched. Give one like "
            "https://data.police.uk/data/archive/2024-06.zip."
        ) from error
    if address.scheme not in ("http", "https") or not address.host:
        raise DownloadFailed(
            f"{_shown(address)} cannot be fetched: only https addresses are. Download "
            "the file another way and land it from a folder."
        )
    if address.userinfo:
        raise DownloadFailed(
            f"{_shown(address)} carries a user name or password, which would end up in "
            "records of what was fetched. Give the address without them."
        )
    if address.scheme == "http" and not is_this_machine(address.host):
        raise DownloadFailed(
            f"{_shown(address)} is plain http, so anyone on the way could change the "
            "file. Use its https address."
        )
    return address


def _check_redirect(here: httpx.URL, there: httpx.URL) -> None:
    """Refuse a redirect that leaves https, or leads a public host's caller inside."""
    if there.scheme != "https" and there.host != here.host:
        reason = "which is neither https nor the same host"
    elif there.scheme not in ("http", "https"):
        reason = "which is not a web address"
    elif here.scheme == "https" and there.scheme != "https":
        reason = "which gives up https"
    elif _is_inside(there.host) and not _is_inside(here.host):
        reason = "which is inside this machine's own network"
    else:
        return
    raise DownloadFailed(
        f"{_shown(here)} redirects to {_shown(there)}, {reason}. It was not followed; "
        "check the address with its publisher."
    )


def _is_inside(host: str) -> bool:
    """Tell whether `host`, by its literal address, is this machine or a private one."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return not address.is_global


class _Part:
    """The half-fetched file and its notes, held by one process at a time."""

    def __init__(self, target: Path, descriptor: int) -> None:
        self.path, self.notes = _part_paths(target)
        self.descriptor = descriptor
        self.size = os.fstat(descriptor).st_size
        self._noted: dict[str, Any] = self._read_notes()

    @classmethod
    @contextmanager
    def hold(cls, target: Path) -> Iterator[_Part]:
        """Open (or make) the part of `target` and keep other processes off it.

        Raises:
            DownloadFailed: another process holds it.
        """
        path, notes = _part_paths(target)
        descriptor = _open_alone(path)
        if descriptor is None:
            raise DownloadFailed(
                f"{target.name} is being fetched by another process. Two at once would "
                "mix their bytes; wait for it to end, then run again."
            )
        try:
            part = cls(target, descriptor)
            yield part
        finally:
            try:
                # Nothing worth continuing from: leave no trace.
                if os.fstat(descriptor).st_size == 0 and _is_same_file(
                    path, descriptor
                ):
                    path.unlink(missing_ok=True)
                    notes.unlink(missing_ok=True)
            finally:
                os.close(descriptor)

    def _read_notes(self) -> dict[str, Any]:
        try:
            noted = read_json(self.notes, {})
        except ValueError:
            return {}
        return noted if isinstance(noted, dict) else {}

    def noted(self, name: str) -> str | None:
        """Return one note as text, None when it is absent or not text."""
        value = self._noted.get(name)
        return value if isinstance(value, str) else None

    def noted_size(self) -> int | None:
        """Return the whole file's length in bytes as first declared, if it was."""
        value = self._noted.get("size")
        return value if isinstance(value, int) else None

    def resumable_mark(self, url: str) -> str | None:
        """Return what to send as If-Range, None when the part cannot be built on."""
        whole = self.noted_size()
        if self.size == 0 or self._noted.get("url") != url:
            return None
        if whole is not None and self.size > whole:
            return None
        etag = self.noted("etag")
        # A weak ETag promises the same meaning, not the same bytes.
        if etag and not etag.startswith("W/"):
            return etag
        return self.noted("last_modified")

    def describe(self, url: str, response: httpx.Response, total: int | None) -> None:
        """Note what is about to arrive, before it does."""
        resumable = not _is_encoded(response)
        self._noted = {
            "url": url,
            "etag": response.headers.get("etag") if resumable else None,
            "last_modified": (
                response.headers.get("last-modified") if resumable else None
            ),
            "size": total,
        }
        write_json(self.notes, self._noted)

    def append(self, piece: bytes) -> None:
        """Add bytes at the end, straight to the file so that a kill loses none."""
        rest = memoryview(piece)
        while rest:
            written = os.pwrite(self.descriptor, rest, self.size)
            self.size += written
            rest = rest[written:]

    def forget(self) -> None:
        """Drop what has arrived."""
        os.ftruncate(self.descriptor, 0)
        self.size = 0
        self._noted = {}
        self.notes.unlink(missing_ok=True)


def _part_paths(target: Path) -> tuple[Path, Path]:
    return (
        target.with_name(f"{target.name}.part"),
        target.with_name(f"{target.name}.part.json"),
    )


def _open_alone(path: Path) -> int | None:
    """Open `path` for reading and writing, alone; None when another process has it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if not hold_alone(descriptor):
            os.close(descriptor)
            return None
        # Between opening and locking, its holder may have renamed it into place;
        # writing on would then change a finished file.
        if _is_same_file(path, descriptor):
            return descriptor
        os.close(descriptor)


def hold_alone(descriptor: int) -> bool:
    """Lock an open file for this process until it is closed; False if it is taken."""
    if fcntl is None:  # pragma: no cover - Windows has no flock
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True


def _is_same_file(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _check_content(part: _Part, address: httpx.URL, expected: str | None) -> None:
    if expected is None:
        return
    with part.path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != expected.strip().lower():
        part.forget()
        raise DownloadFailed(
            f"{_shown(address)} gave a file whose SHA-256 is {actual}, not the "
            f"expected {expected}. It was thrown away. Check the expected value with "
            "the publisher, or run again in case the transfer was damaged."
        )


def _check_room(part: _Part, total: int | None) -> None:
    needed = DISK_RESERVE_BYTES + (total - part.size if total is not None else 0)
    free = shutil.disk_usage(part.path.parent).free
    if free < needed:
        raise DownloadFailed(
            f"No room for {part.path.stem} in {part.path.parent}: {free:,} bytes are "
            f"free and {needed:,} are needed (the rest of the file and a reserve). "
            "Free some space or fetch to a larger disk, then run again; what has "
            "arrived is kept."
        )


def _why_not_written(error: OSError, target: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk filled up while fetching {target.name} into {target.parent}. "
            "Free some space or fetch to a larger disk, then run again; what has "
            "arrived is kept."
        )
    return (
        f"{target} could not be written ({error.strerror or type(error).__name__}). "
        "Check that its folder exists and that you may write to it, then run again."
    )


def _too_large(address: httpx.URL, did: str, max_bytes: int) -> DownloadFailed:
    return DownloadFailed(
        f"{_shown(address)} {did}; the limit is {max_bytes:,} bytes. A file so much "
        "larger than expected is a mistake or worse. If it is right, raise the limit "
        "and run again."
    )


def _advice(status: int) -> str:
    if status in (401, 403):
        return "It is not open to everybody; check the address with its publisher."
    if status in (404, 410):
        return "There is no such file; check the address, or whether it has moved."
    return "Check that the address opens in a browser, then run again."


def _is_encoded(response: httpx.Response) -> bool:
    """Tell whether the server compressed the body in transit although asked not to."""
    return response.headers.get("content-encoding", "identity").lower() != "identity"


def _declared_length(response: httpx.Response) -> int | None:
    text = response.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _content_range(response: httpx.Response) -> tuple[int | None, int | None]:
    """Return the first byte's position and the whole length; None where unsaid."""
    match = _CONTENT_RANGE.match(response.headers.get("content-range", ""))
    if match is None:
        return None, None
    start, total = match.groups()
    return (
        None if start is None else int(start),
        None if total == "*" else int(total),
    )


def _retry_after(response: httpx.Response) -> float:
    """Return how many seconds the server asks to wait; 0 when it does not say."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _pause(failures: int, retry_after: float, address: httpx.URL) -> float:
    if retry_after > LONGEST_RETRY_AFTER_SECONDS:
        raise DownloadFailed(
            f"{address.host} asks to wait {retry_after:,.0f} seconds, longer than is "
            "sensible to sit and wait. Run again after that; what has arrived is kept."
        )
    doubled = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (failures - 1))
    # Spread out, so that many callers turned away together do not return together.
    return max(doubled * random.uniform(0.5, 1.0), retry_after)


def _shown(address: httpx.URL) -> str:
    """Return an address without what may be secret: user, password and query."""
    port = f":{address.port}" if address.port else ""
    return f"{address.scheme}://{address.host}{port}{address.path}"
