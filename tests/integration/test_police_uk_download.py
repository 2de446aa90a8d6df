"""Fetching over HTTP, against a real server on this machine that misbehaves on demand.

The first half is `fetch_file`, the second `fetch_police_uk` against a small copy of
data.police.uk.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from edp_platform.ingestion import download
from edp_platform.ingestion.archives import ArchiveLimits, UnsafeArchive
from edp_platform.ingestion.download import DownloadFailed, fetch_file
from edp_platform.ingestion.police_uk_download import (
    FetchRefused,
    FetchResult,
    fetch_police_uk,
    plan_archives,
)

BODY = random.Random(1).randbytes(300_000)
MANY = 10_000_000
CHECKOUT = Path(__file__).parents[2]

#: A program that fetches its first argument into its second.
FETCH = """
import sys
from pathlib import Path
import httpx
from edp_platform.ingestion.download import fetch_file
client = httpx.Client(trust_env=False, timeout=60)
fetch_file(sys.argv[1], Path(sys.argv[2]), max_bytes=10**7, client=client)
"""


@dataclass
class Page:
    """What the server has at one path, and how it misbehaves there."""

    body: bytes = BODY
    etag: str | None = '"one"'
    last_modified: str | None = None
    honours_range: bool = True
    #: For each request in turn: break off after this many body bytes (None: do not).
    breaks: list[int | None] = field(default_factory=list)
    #: For each request in turn: a status to answer with, and headers.
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    declared_length: int | None = None
    chunked: bool = False
    range_start_offset: int = 0
    before_body: Callable[[Page], None] | None = None
    #: Called once the (perhaps broken off) body is sent, before the connection closes.
    after_body: Callable[[], object] | None = None


@dataclass
class Server:
    """A server on 127.0.0.1 and the requests it has seen."""

    url: str
    pages: dict[str, Page]
    seen: list[tuple[str, dict[str, str]]]

    def paths(self) -> list[str]:
        return [path for path, _ in self.seen]

    def ranges(self) -> list[str | None]:
        return [headers.get("range") for _, headers in self.seen]


@pytest.fixture
def server() -> Iterator[Server]:
    pages: dict[str, Page] = {}
    seen: list[tuple[str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            seen.append((path, {k.lower(): v for k, v in self.headers.items()}))
            self.close_connection = True
            page = pages.get(path)
            if page is None:
                self._plain(404, {})
            elif page.answers:
                self._plain(*page.answers.pop(0))
            else:
                # A client that has refused the body hangs up; that is its right.
                with contextlib.suppress(ConnectionError):
                    self._page(page)

        def _plain(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _page(self, page: Page) -> None:
            if page.before_body:
                page.before_body(page)
            start = self._range_start(page)
            if start is not None and start >= len(page.body):
                self._plain(416, {"Content-Range": f"bytes */{len(page.body)}"})
                return
            self.send_response(200 if start is None else 206)
            rest = page.body[start or 0 :]
            if start is not None:
                told = start + page.range_start_offset
                last = len(page.body) - 1
                self.send_header(
                    "Content-Range", f"bytes {told}-{last}/{len(page.body)}"
                )
            if page.etag:
                self.send_header("ETag", page.etag)
            if page.last_modified:
                self.send_header("Last-Modified", page.last_modified)
            for name, value in page.headers.items():
                self.send_header(name, value)
            stop = page.breaks.pop(0) if page.breaks else None
            sent = rest if stop is None else rest[:stop]
            if page.chunked:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(sent), sent))
                self.wfile.write(b"0\r\n\r\n" if stop is None else b"")
            else:
                length = page.declared_length
                self.send_header(
                    "Content-Length", str(len(rest) if length is None else length)
                )
                self.end_headers()
                self.wfile.write(sent)
            if page.after_body:
                page.after_body()

        def _range_start(self, page: Page) -> int | None:
            asked = self.headers.get("Range")
            mark = self.headers.get("If-Range")
            if asked is None or not page.honours_range:
                return None
            if mark not in (None, page.etag, page.last_modified):
                return None
            return int(asked.removeprefix("bytes=").removesuffix("-"))

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.01,))
    thread.start()
    yield Server(f"http://127.0.0.1:{running.server_port}", pages, seen)
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    # Whatever proxy the machine has is not for 127.0.0.1.
    with httpx.Client(timeout=5, trust_env=False) as made:
        yield made


@pytest.fixture
def fetch(
    server: Server, client: httpx.Client, tmp_path: Path
) -> Callable[..., list[float]]:
    """Fetch /file to `tmp_path/file`; return the pauses that were made."""

    def run(page: Page | None = None, **options: object) -> list[float]:
        if page is not None:
            server.pages["/file"] = page
        pauses: list[float] = []
        given = {"max_bytes": MANY, "client": client, "sleep": pauses.append} | options
        fetch_file(f"{server.url}/file", tmp_path / "file", **given)  # type: ignore[arg-type]
        return pauses

    return run


def failure(run: Callable[[], object]) -> str:
    with pytest.raises(DownloadFailed) as caught:
        run()
    message = str(caught.value)
    assert message.count(". ") + message.count("; ") >= 1
    return message


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# fetch_file


@pytest.mark.parametrize(
    "page",
    [
        Page(),
        Page(etag=None),
        Page(chunked=True),
        Page(body=b""),
        Page(body=b"x"),
    ],
    ids=["plain", "no mark", "chunked", "empty", "one byte"],
)
def test_a_file_arrives_whole_and_alone(fetch, tmp_path: Path, page: Page) -> None:
    assert fetch(page) == []
    assert (tmp_path / "file").read_bytes() == page.body
    assert left_in(tmp_path) == {"file"}


def test_progress_ends_at_the_whole(fetch) -> None:
    told: list[tuple[int, int | None]] = []
    fetch(Page(), progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (len(BODY), len(BODY))


def test_a_broken_connection_is_resumed_where_it_broke(
    fetch, server: Server, tmp_path: Path
) -> None:
    pauses = fetch(Page(breaks=[100_000, 50_000]))
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.ranges() == [None, "bytes=100000-", "bytes=150000-"]
    assert [h.get("if-range") for _, h in server.seen] == [None, '"one"', '"one"']
    assert len(pauses) == 2


def test_last_modified_is_the_mark_when_the_etag_is_weak(
    fetch, server: Server, tmp_path: Path
) -> None:
    when = "Sat, 01 Jun 2024 10:00:00 GMT"
    fetch(Page(etag='W/"weak"', last_modified=when, breaks=[100_000]))
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.seen[1][1]["if-range"] == when


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_mark_it_starts_over(
    fetch, server: Server, tmp_path: Path, etag: str | None
) -> None:
    fetch(Page(etag=etag, breaks=[100_000]))
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.ranges() == [None, None]


def test_a_later_process_resumes(
    fetch, server: Server, client: httpx.Client, tmp_path: Path
) -> None:
    page = Page(breaks=[100_000])
    with pytest.raises(DownloadFailed, match="100,000 bytes that arrived are kept"):
        fetch(page, retries=0)
    assert left_in(tmp_path) == {"file.part", "file.part.json"}
    notes = json.loads((tmp_path / "file.part.json").read_text())
    assert notes["url"] == f"{server.url}/file"
    assert (notes["etag"], notes["size"]) == ('"one"', len(BODY))
    subprocess.run(
        [sys.executable, "-c", FETCH, f"{server.url}/file", str(tmp_path / "file")],
        check=True,
        cwd=CHECKOUT,
    )
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.ranges() == [None, "bytes=100000-"]
    assert left_in(tmp_path) == {"file"}


def test_a_killed_process_leaves_what_can_be_resumed(
    fetch, server: Server, tmp_path: Path
) -> None:
    """The server sends a piece, then nothing, until the fetching process is dead."""
    hold = threading.Event()
    page = Page(breaks=[70_000], after_body=lambda: hold.wait(20))
    server.pages["/file"] = page
    process = subprocess.Popen(
        [sys.executable, "-c", FETCH, f"{server.url}/file", str(tmp_path / "file")],
        cwd=CHECKOUT,
    )
    part = tmp_path / "file.part"
    try:
        for _ in range(2_000):
            if part.exists() and part.stat().st_size == 70_000:
                break
            time.sleep(0.01)
        # While it runs, nobody else may write the same file.
        assert "another process" in failure(fetch)
    finally:
        process.kill()
        process.wait()
        hold.set()
    page.after_body = None
    fetch()
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.ranges() == [None, "bytes=70000-"]


def test_a_part_of_another_address_is_not_built_on(
    fetch, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "file.part").write_bytes(b"other")
    (tmp_path / "file.part.json").write_text(
        json.dumps({"url": f"{server.url}/other", "etag": '"one"', "size": 10})
    )
    fetch(Page())
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.ranges() == [None]


@pytest.mark.parametrize("notes", ["", "not json", "[]", '{"url": 1}'])
def test_unreadable_notes_start_over(fetch, tmp_path: Path, notes: str) -> None:
    (tmp_path / "file.part").write_bytes(b"left over")
    (tmp_path / "file.part.json").write_text(notes)
    fetch(Page())
    assert (tmp_path / "file").read_bytes() == BODY
    assert left_in(tmp_path) == {"file"}


def test_a_part_that_is_already_whole_is_confirmed_not_fetched(
    fetch, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "file.part").write_bytes(BODY)
    (tmp_path / "file.part.json").write_text(
        json.dumps({"url": f"{server.url}/file", "etag": '"one"', "size": len(BODY)})
    )
    fetch(Page())
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.ranges() == [f"bytes={len(BODY)}-"]


def test_a_part_longer_than_the_file_is_dropped(
    fetch, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "file.part").write_bytes(BODY + b"more")
    (tmp_path / "file.part.json").write_text(
        json.dumps({"url": f"{server.url}/file", "etag": '"one"', "size": None})
    )
    fetch(Page())
    assert (tmp_path / "file").read_bytes() == BODY


def test_a_server_that_ignores_ranges_is_taken_from_the_start(
    fetch, server: Server, tmp_path: Path
) -> None:
    fetch(Page(honours_range=False, breaks=[200_000]))
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.ranges() == [None, "bytes=200000-"]


def test_a_changed_file_is_taken_from_the_start(fetch, tmp_path: Path) -> None:
    page = Page(breaks=[100_000])
    changed = random.Random(2).randbytes(250_000)

    def change(page: Page) -> None:
        if not page.breaks:
            page.body, page.etag = changed, '"two"'

    page.before_body = change
    fetch(page)
    assert (tmp_path / "file").read_bytes() == changed


def test_a_partial_answer_of_another_version_is_not_glued_on(
    fetch, tmp_path: Path
) -> None:
    """The server honours Range but not If-Range, so that the versions would mix."""
    page = Page(breaks=[100_000])
    changed = random.Random(2).randbytes(len(BODY))

    def change(page: Page) -> None:
        if not page.breaks:
            page.body, page.last_modified, page.etag = changed, '"one"', '"two"'

    page.before_body = change
    assert len(fetch(page)) == 2
    assert (tmp_path / "file").read_bytes() == changed


def test_a_partial_answer_from_elsewhere_is_not_glued_on(
    fetch, server: Server, tmp_path: Path
) -> None:
    fetch(Page(breaks=[100_000], range_start_offset=7))
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.ranges() == [None, "bytes=100000-", None]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(fetch, tmp_path: Path, status: int) -> None:
    pauses = fetch(Page(answers=[(status, {}), (status, {})]))
    assert (tmp_path / "file").read_bytes() == BODY
    # Half to all of 0.5 s, then of 1 s.
    assert 0.25 <= pauses[0] <= 0.5 <= pauses[1] <= 1.0


def test_retry_after_in_seconds_is_honoured(fetch) -> None:
    assert fetch(Page(answers=[(503, {"Retry-After": "7"})])) == [7.0]


def test_retry_after_as_a_date_is_honoured(fetch) -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)
    (pause,) = fetch(Page(answers=[(429, {"Retry-After": when})]))
    assert 60 < pause <= 120


@pytest.mark.parametrize("nonsense", ["", "soon", "-5", "1e9", "²"])
def test_a_senseless_retry_after_is_passed_over(fetch, nonsense: str) -> None:
    encoded = nonsense.encode().decode("latin-1")
    (pause,) = fetch(Page(answers=[(503, {"Retry-After": encoded})]))
    assert pause <= 0.5


def test_a_very_long_retry_after_is_left_to_a_person(fetch) -> None:
    page = Page(answers=[(503, {"Retry-After": "86400"})])
    assert "86,400 seconds" in failure(lambda: fetch(page))


def test_it_gives_up_after_the_retries(fetch, server: Server, tmp_path: Path) -> None:
    page = Page(answers=[(503, {})] * 10)
    assert (
        "3 attempts brought nothing new, the last because the server answered 503"
        in failure(lambda: fetch(page, retries=2))
    )
    assert len(server.seen) == 3
    assert left_in(tmp_path) == set()


def test_headway_starts_the_count_afresh(fetch, tmp_path: Path) -> None:
    assert download.HEADWAY_BYTES == 65_536
    pauses = fetch(Page(breaks=[70_000] * 4), retries=1)
    assert (tmp_path / "file").read_bytes() == BODY
    assert len(pauses) == 4


def test_starting_over_is_no_headway(fetch, server: Server) -> None:
    """Each attempt brings 100,000 bytes, always the same ones."""
    page = Page(etag=None, breaks=[100_000] * 50)
    assert "3 attempts" in failure(lambda: fetch(page, retries=2))
    assert len(server.seen) == 3


def test_a_silent_server_is_given_up(fetch, server: Server) -> None:
    wait = threading.Event()
    page = Page(before_body=lambda _: wait.wait(5) and None)
    with httpx.Client(timeout=0.2, trust_env=False) as hasty:
        message = failure(lambda: fetch(page, client=hasty, retries=1))
    wait.set()
    assert "ReadTimeout" in message


def test_an_unreachable_server_is_given_up(
    server: Server, client: httpx.Client, tmp_path: Path
) -> None:
    pauses: list[float] = []
    message = failure(
        lambda: fetch_file(
            "http://127.0.0.1:9/file",
            tmp_path / "file",
            max_bytes=MANY,
            client=client,
            sleep=pauses.append,
        )
    )
    assert "ConnectError" in message
    assert len(pauses) == 5
    assert left_in(tmp_path) == set()


def test_a_length_declared_too_long_is_not_accepted(fetch, tmp_path: Path) -> None:
    page = Page(declared_length=len(BODY) + 10, etag=None)
    assert "failed" in failure(lambda: fetch(page, retries=1))
    assert not (tmp_path / "file").exists()


def test_a_length_declared_too_short_cuts_nothing_silently(
    fetch, tmp_path: Path
) -> None:
    """HTTP cannot tell; the expected hash does."""
    expected = hashlib.sha256(BODY).hexdigest()
    page = Page(declared_length=len(BODY) - 10)
    assert "SHA-256" in failure(lambda: fetch(page, expected_sha256=expected))
    assert left_in(tmp_path) == set()


def test_a_chunked_body_that_breaks_off_is_not_accepted(fetch, tmp_path: Path) -> None:
    fetch(Page(chunked=True, breaks=[100_000]))
    assert (tmp_path / "file").read_bytes() == BODY


def test_the_expected_hash_is_accepted(fetch) -> None:
    fetch(Page(), expected_sha256=hashlib.sha256(BODY).hexdigest().upper())


def test_a_file_declared_too_large_is_refused_unread(fetch, tmp_path: Path) -> None:
    message = failure(lambda: fetch(Page(), max_bytes=len(BODY) - 1))
    assert "declares 300,000 bytes" in message
    assert left_in(tmp_path) == set()


def test_a_file_of_the_very_limit_is_taken(fetch, tmp_path: Path) -> None:
    fetch(Page(), max_bytes=len(BODY))
    assert (tmp_path / "file").read_bytes() == BODY


def test_a_file_that_turns_out_too_large_is_refused(fetch, tmp_path: Path) -> None:
    message = failure(lambda: fetch(Page(chunked=True), max_bytes=1_000))
    assert "sent more" in message
    assert left_in(tmp_path) == set()


def test_a_body_compressed_in_transit_is_unpacked_and_limited(
    fetch, server: Server, tmp_path: Path
) -> None:
    packed = Page(body=gzip.compress(BODY), headers={"Content-Encoding": "gzip"})
    fetch(packed)
    assert server.seen[0][1]["accept-encoding"] == "identity"
    assert (tmp_path / "file").read_bytes() == BODY
    bomb = Page(
        body=gzip.compress(bytes(5_000_000)), headers={"Content-Encoding": "gzip"}
    )
    assert "sent more" in failure(lambda: fetch(bomb, max_bytes=1_000_000))


@pytest.mark.parametrize(
    ("status", "says"),
    [(404, "no such file"), (410, "no such file"), (403, "not open"), (400, "browser")],
)
def test_a_final_no_is_not_asked_again(
    fetch, server: Server, tmp_path: Path, status: int, says: str
) -> None:
    assert says in failure(lambda: fetch(Page(answers=[(status, {})])))
    assert len(server.seen) == 1
    assert left_in(tmp_path) == set()


def test_the_status_is_told(fetch) -> None:
    with pytest.raises(DownloadFailed) as caught:
        fetch(Page(answers=[(404, {})]))
    assert caught.value.status == 404


def test_a_failure_leaves_the_old_file(fetch, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    failure(lambda: fetch(Page(answers=[(404, {})])))
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_within_the_host_are_followed(
    fetch, server: Server, tmp_path: Path, status: int
) -> None:
    server.pages["/there"] = Page()
    fetch(Page(answers=[(status, {"Location": "/there"})]))
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.paths() == ["/file", "/there"]


def test_a_resumed_fetch_keeps_its_range_through_a_redirect(
    fetch, server: Server, tmp_path: Path
) -> None:
    server.pages["/there"] = Page(breaks=[100_000])
    fetch(Page(answers=[(302, {"Location": "/there"})] * 2))
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.ranges() == [None, None, "bytes=100000-", "bytes=100000-"]


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/file",
        "http://localhost/file",
        "http://example.invalid/file",
        "gopher://example.invalid/",
        "//[",
    ],
)
def test_redirects_that_lead_astray_are_refused(
    fetch, server: Server, tmp_path: Path, location: str
) -> None:
    assert "redirects to" in failure(
        lambda: fetch(Page(answers=[(302, {"Location": location})]))
    )
    assert len(server.seen) == 1
    assert left_in(tmp_path) == set()


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("http://data.example/file", "gives up https"),
        ("http://other.example/file", "neither https nor the same host"),
        ("https://127.0.0.1/file", "own network"),
        ("https://localhost/file", "own network"),
        ("https://169.254.169.254/latest", "own network"),
        ("https://[::1]/file", "own network"),
        ("https://10.0.0.1/file", "own network"),
        ("ftp://data.example/file", "not a web address"),
    ],
)
def test_redirects_of_a_public_host(tmp_path: Path, location: str, says: str) -> None:
    """No such host is asked: the answer is made up in this process."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "data.example"
        return httpx.Response(302, headers={"Location": location})

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        message = failure(
            lambda: fetch_file(
                "https://data.example/file?key=secret",
                tmp_path / "file",
                max_bytes=MANY,
                client=client,
            )
        )
    assert says in message
    assert "secret" not in message


def test_a_redirect_to_another_https_host_is_followed_without_authorisation(
    tmp_path: Path,
) -> None:
    asked: list[tuple[str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.host, request.headers.get("authorization")))
        if request.url.host == "data.example":
            return httpx.Response(302, headers={"Location": "https://store.example/f"})
        return httpx.Response(200, stream=httpx.ByteStream(BODY))

    with httpx.Client(
        transport=httpx.MockTransport(answer), headers={"Authorization": "Bearer x"}
    ) as client:
        fetch_file(
            "https://data.example/file",
            tmp_path / "file",
            max_bytes=MANY,
            client=client,
        )
    assert asked == [("data.example", "Bearer x"), ("store.example", None)]


def test_redirects_without_end_are_given_up(fetch, server: Server) -> None:
    page = Page(answers=[(302, {"Location": "/file"})] * 50)
    assert "redirected more than 5 times" in failure(lambda: fetch(page))
    assert len(server.seen) == 6


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://data.police.uk/file", "only https"),
        ("file:///etc/passwd", "only https"),
        ("data.police.uk/file", "only https"),
        ("https://", "only https"),
        ("http://data.police.uk/file", "plain http"),
        ("http://127.0.0.1.example/file", "plain http"),
        ("https://user:secret@data.police.uk/file", "user name or password"),
        ("https://data.police.uk:port/file", "not an address"),
    ],
)
def test_addresses_that_are_refused(
    client: httpx.Client, tmp_path: Path, url: str, says: str
) -> None:
    message = failure(
        lambda: fetch_file(url, tmp_path / "file", max_bytes=1, client=client)
    )
    assert says in message
    assert "secret" not in message


def test_too_little_room_is_said_before_writing(
    fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    short = download.DISK_RESERVE_BYTES + len(BODY) - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=short))
    assert "No room for file" in failure(lambda: fetch(Page()))
    assert left_in(tmp_path) == set()


def test_a_disk_that_fills_up_is_said(
    fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwrite

    def full(descriptor: int, data: bytes, at: int) -> int:
        if at > 100_000:
            raise OSError(28, "No space left on device")
        return real(descriptor, data, at)

    monkeypatch.setattr(os, "pwrite", full)
    assert "The disk filled up" in failure(lambda: fetch(Page()))
    assert not (tmp_path / "file").exists()
    monkeypatch.undo()
    fetch()
    assert (tmp_path / "file").read_bytes() == BODY


def test_a_folder_that_cannot_be_made_is_said(
    server: Server, client: httpx.Client, tmp_path: Path
) -> None:
    (tmp_path / "plain").write_text("a file, not a folder")
    message = failure(
        lambda: fetch_file(
            f"{server.url}/file",
            tmp_path / "plain/file",
            max_bytes=MANY,
            client=client,
        )
    )
    assert "could not be written" in message


# fetch_police_uk

HEADER = b"Crime ID,Month\n"


def content_of(name: str, release: str) -> bytes:
    """Return a file's content, different in each release as the real ones are."""
    return HEADER + f"{name},{release}\n".encode() * 50


def months_to(last: str, count: int) -> list[str]:
    year, month = map(int, last.split("-"))
    numbers = range(year * 12 + month - count, year * 12 + month)
    return [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in numbers]


def archive_of(release: str, months: list[str], leave_out: set[str]) -> bytes:
    """Make a release: three forces, three kinds, without what was not supplied."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for month in months:
            for force in ("metropolitan", "city-of-london", "btp"):
                for kind in ("street", "outcomes", "stop-and-search"):
                    name = f"{month}-{force}-{kind}.csv"
                    if name not in leave_out:
                        archive.writestr(f"{month}/{name}", content_of(name, release))
    return buffer.getvalue()


@dataclass
class Site:
    """A small copy of data.police.uk whose newest month is 2024-06."""

    server: Server
    client: httpx.Client
    target: Path
    pauses: list[float] = field(default_factory=list)

    def fetch(self, first: str, last: str, *forces: str, **options) -> FetchResult:
        return fetch_police_uk(
            first,
            last,
            list(forces or ("metropolitan",)),
            **(
                {
                    "target": self.target,
                    "base_url": self.server.url,
                    "client": self.client,
                    "sleep": self.pauses.append,
                }
                | options
            ),
        )

    def add(self, release: str, leave_out: set[str] = frozenset()) -> Page:  # type: ignore[assignment]
        count = 36 if release > "2017-04" else 200
        months = [m for m in months_to(release, count) if m >= "2010-12"]
        page = Page(body=archive_of(release, months, leave_out))
        self.server.pages[f"/data/archive/{release}.zip"] = page
        return page

    def archives_asked(self) -> list[str]:
        paths = self.server.paths()
        return [path[-11:-4] for path in paths if path.startswith("/data/archive")]


NOT_SUPPLIED = {
    "2024-06-city-of-london-stop-and-search.csv",
    "2024-05-metropolitan-stop-and-search.csv",
    *(f"{month}-btp-outcomes.csv" for month in months_to("2024-06", 200)),
}


@pytest.fixture
def site(server: Server, client: httpx.Client, tmp_path: Path) -> Site:
    dates = [
        {
            "date": month,
            "stop-and-search": ["metropolitan", "btp", "city-of-london"]
            if month != "2024-06"
            else ["metropolitan", "btp"],
        }
        for month in reversed(months_to("2024-06", 36))
    ]
    forces = [
        {"id": "metropolitan", "name": "Metropolitan Police Service"},
        {"id": "city-of-london", "name": "City of London Police"},
        {"id": "northern-ireland", "name": "Police Service of Northern Ireland"},
    ]
    server.pages["/api/crimes-street-dates"] = Page(json.dumps(dates).encode(), None)
    server.pages["/api/forces"] = Page(json.dumps(forces).encode(), None)
    made = Site(server, client, tmp_path / "police_uk")
    made.add("2024-06", NOT_SUPPLIED)
    return made


def files_in(target: Path) -> set[str]:
    return {
        str(path.relative_to(target))
        for path in target.rglob("*")
        if path.is_file() and ".fetch" not in path.parts
    }


def test_what_is_asked_is_fetched_with_its_release(site: Site) -> None:
    told: list[tuple[str, int, int | None]] = []
    result = site.fetch(
        "2024-01",
        "2024-02",
        "metropolitan",
        "city-of-london",
        progress=lambda *args: told.append(args),
    )
    assert result.missing == ()
    assert result.newest_release == "2024-06"
    assert result.archives_read == ("2024-06",)
    assert len(result.files) == 2 * 2 * 3
    assert len(files_in(site.target)) == 12
    for file in result.files:
        name = f"{file.month}-{file.force}-{file.kind}.csv"
        assert file.path == site.target / file.month / name
        content = file.path.read_bytes()
        assert content == content_of(name, "2024-06")
        assert file.size == len(content)
        assert file.sha256 == hashlib.sha256(content).hexdigest()
        assert (file.release, file.already_here) == ("2024-06", False)
    assert left_in(site.target / ".fetch") == {"lock", "record.json"}
    assert ("files of 2024-06", 12, 12) in told
    assert any(what == "archive 2024-06" for what, _, _ in told)


def test_kinds_can_be_chosen(site: Site) -> None:
    result = site.fetch("2024-01", "2024-01", kinds=["stop-and-search"])
    assert [file.kind for file in result.files] == ["stop-and-search"]


def test_missing_supply_is_told_apart(site: Site) -> None:
    result = site.fetch("2024-05", "2024-07", "metropolitan", "city-of-london", "btp")
    told = {
        (gap.month, gap.force, gap.kind): (gap.cause, gap.release, gap.reason)
        for gap in result.missing
        if gap.month != "2024-07"
    }
    assert {key: (cause, release) for key, (cause, release, _) in told.items()} == {
        ("2024-05", "btp", "outcomes"): ("not_supplied", "2024-06"),
        ("2024-06", "btp", "outcomes"): ("not_supplied", "2024-06"),
        ("2024-05", "metropolitan", "stop-and-search"): ("not_supplied", "2024-06"),
        ("2024-06", "city-of-london", "stop-and-search"): ("not_supplied", "2024-06"),
    }
    reason = {key: text for key, (_, _, text) in told.items()}
    assert "supplies no outcomes" in reason["2024-05", "btp", "outcomes"]
    assert "lists it" in reason["2024-05", "metropolitan", "stop-and-search"]
    assert "supplied nothing" in reason["2024-06", "city-of-london", "stop-and-search"]
    not_out = [gap for gap in result.missing if gap.month == "2024-07"]
    assert {gap.cause for gap in not_out} == {"not_published"}
    # Nothing asked for goes unmentioned.
    assert len(result.files) + len(result.missing) == 3 * 3 * 3


def test_a_second_fetch_asks_for_no_archive(site: Site) -> None:
    first = site.fetch("2024-05", "2024-06", "metropolitan")
    again = site.fetch("2024-05", "2024-06", "metropolitan")
    assert site.archives_asked() == ["2024-06"]
    assert again.missing == first.missing
    assert again.archives_read == ()
    assert all(file.already_here for file in again.files)
    assert [f.sha256 for f in again.files] == [f.sha256 for f in first.files]


@pytest.mark.parametrize("damage", ["changed", "deleted"])
def test_a_file_that_is_not_as_fetched_is_fetched_again(
    site: Site, damage: str
) -> None:
    (file,) = site.fetch("2024-01", "2024-01", kinds=["street"]).files
    before = file.path.read_bytes()
    if damage == "changed":
        file.path.write_bytes(b"x" * len(before))
    else:
        file.path.unlink()
    site.fetch("2024-01", "2024-01", kinds=["street"])
    assert file.path.read_bytes() == before


def test_kept_archives_serve_other_fetches(site: Site) -> None:
    site.fetch("2024-01", "2024-01", keep_archive=True)
    assert (site.target / ".fetch/2024-06.zip").exists()
    site.fetch("2024-02", "2024-02", keep_archive=True)
    assert site.archives_asked() == ["2024-06"]


def test_an_interrupted_download_continues(site: Site) -> None:
    page = site.server.pages["/data/archive/2024-06.zip"]
    half = len(page.body) // 2
    page.breaks = [half]
    with pytest.raises(DownloadFailed, match="are kept"):
        site.fetch("2024-01", "2024-01", retries=0)
    assert files_in(site.target) == set()
    result = site.fetch("2024-01", "2024-01")
    assert len(result.files) == 3
    assert site.server.seen[-1][1]["range"] == f"bytes={half}-"


def test_an_interruption_between_archives_keeps_the_first(site: Site) -> None:
    site.add("2023-12")
    page = site.server.pages["/data/archive/2024-06.zip"]
    page.answers = [(503, {})] * 1
    with pytest.raises(DownloadFailed):
        site.fetch("2021-01", "2024-02", kinds=["street"], retries=0)
    assert len(files_in(site.target)) == 6
    result = site.fetch("2021-01", "2024-02", kinds=["street"])
    assert site.archives_asked() == ["2023-12", "2024-06", "2024-06"]
    assert result.archives_read == ("2024-06",)
    assert len(result.files) == 38


def test_a_killed_extraction_is_done_again(site: Site) -> None:
    """The archive is there and some files are; the record is not yet written."""
    page = site.server.pages["/data/archive/2024-06.zip"]
    state = site.target / ".fetch"
    state.mkdir(parents=True)
    (state / "2024-06.zip").write_bytes(page.body)
    (site.target / "2024-01").mkdir()
    (site.target / "2024-01/2024-01-metropolitan-street.csv").write_bytes(b"old")
    (state / "record.json").write_text('{"2024-06": {"files": 1}}')
    (file,) = site.fetch("2024-01", "2024-01", kinds=["street"]).files
    assert site.archives_asked() == []
    assert file.path.read_bytes() == content_of(file.path.name, "2024-06")


def test_older_months_come_from_the_newest_archive_that_holds_them(
    site: Site,
) -> None:
    site.add("2023-12")
    result = site.fetch("2021-01", "2021-08", kinds=["street"])
    # One archive holds all eight months; 2021-07 and 2021-08 are in 2024-06 as well,
    # but the fewest archives is one.
    assert {file.release for file in result.files} == {"2023-12"}
    result = site.fetch("2021-01", "2024-02", kinds=["street"])
    releases = {file.month: file.release for file in result.files}
    assert releases["2021-06"] == "2023-12"
    assert releases["2021-07"] == "2024-06"


def test_a_later_release_replaces_the_file(site: Site) -> None:
    (file,) = site.fetch("2024-01", "2024-01", kinds=["street"]).files
    dates = json.loads(site.server.pages["/api/crimes-street-dates"].body)
    dates.insert(0, {"date": "2024-07", "stop-and-search": []})
    site.server.pages["/api/crimes-street-dates"].body = json.dumps(dates).encode()
    site.add("2024-07")
    (newer,) = site.fetch("2024-01", "2024-01", kinds=["street"]).files
    assert (newer.release, newer.path) == ("2024-07", file.path)
    assert newer.path.read_bytes() == content_of(newer.path.name, "2024-07")


def test_an_archive_that_is_not_there_is_planned_around(site: Site) -> None:
    site.add("2023-11")
    result = site.fetch("2021-01", "2024-02", kinds=["street"])
    assert site.archives_asked() == ["2023-12", "2023-11", "2024-06"]
    assert len(result.files) == 38
    assert result.missing == ()


def test_a_month_that_no_archive_holds_is_told(site: Site) -> None:
    del site.server.pages["/data/archive/2024-06.zip"]
    site.add("2024-05")
    result = site.fetch("2024-05", "2024-06", kinds=["street"])
    assert [file.release for file in result.files] == ["2024-05"]
    (gap,) = result.missing
    assert (gap.month, gap.cause, gap.release) == ("2024-06", "no_archive", None)
    assert "2024-06 (answered 404)" in gap.reason


def test_a_site_without_its_api_is_given_up(site: Site) -> None:
    site.server.pages.clear()
    with pytest.raises(DownloadFailed, match="no such file"):
        site.fetch("2024-01", "2024-01")


def test_a_site_without_archives_is_given_up(site: Site) -> None:
    del site.server.pages["/data/archive/2024-06.zip"]
    with pytest.raises(DownloadFailed, match="may have changed"):
        site.fetch("2023-01", "2023-01")
    assert len(site.archives_asked()) == 7


def test_an_archive_that_holds_fewer_months_than_it_should_is_told(
    site: Site,
) -> None:
    page = site.server.pages["/data/archive/2024-06.zip"]
    page.body = archive_of("2024-06", months_to("2024-06", 12), set())
    result = site.fetch("2023-06", "2023-07", kinds=["street"])
    (gap,) = result.missing
    assert (gap.month, gap.cause) == ("2023-06", "no_archive")
    assert "nothing at all for that month" in gap.reason


def test_a_hostile_archive_leaves_nothing(site: Site) -> None:
    page = site.server.pages["/data/archive/2024-06.zip"]
    name = b"2024-02/2024-02-metropolitan-street.csv"
    page.body = page.body.replace(name, b"../../../" + name[9:])
    with pytest.raises(UnsafeArchive, match="has been deleted"):
        site.fetch("2024-01", "2024-01")
    assert files_in(site.target) == set()
    assert not list(site.target.parent.glob("*.csv"))
    assert not (site.target / ".fetch/2024-06.zip").exists()


def test_what_the_server_sends_instead_of_an_archive_is_not_taken(site: Site) -> None:
    site.server.pages["/data/archive/2024-06.zip"].body = b"<html>Sorry</html>"
    with pytest.raises(UnsafeArchive, match="not a zip"):
        site.fetch("2024-01", "2024-01")


def test_limits_on_archives_hold(site: Site) -> None:
    with pytest.raises(DownloadFailed, match="the limit is 1,000 bytes"):
        site.fetch("2024-01", "2024-01", max_bytes=1_000)
    with pytest.raises(UnsafeArchive, match="max_member_bytes"):
        site.fetch("2024-01", "2024-01", limits=ArchiveLimits(max_member_bytes=10))


def test_a_busy_site_is_asked_again(site: Site) -> None:
    site.server.pages["/api/forces"].answers = [(503, {"Retry-After": "3"})]
    assert len(site.fetch("2024-01", "2024-01").files) == 3
    assert site.pauses == [3.0]


def test_the_archive_may_be_kept_elsewhere(site: Site) -> None:
    page = site.server.pages["/data/archive/2024-06.zip"]
    site.server.pages["/store/2024-06.zip"] = Page(body=page.body)
    page.answers = [(302, {"Location": "/store/2024-06.zip"})]
    assert len(site.fetch("2024-01", "2024-01").files) == 3


def test_two_fetches_in_one_folder_are_refused(site: Site) -> None:
    started, hold = threading.Event(), threading.Event()

    def wait(page: Page) -> None:
        started.set()
        hold.wait(20)

    site.server.pages["/api/forces"].before_body = wait
    first = threading.Thread(target=site.fetch, args=("2024-01", "2024-01"))
    first.start()
    assert started.wait(20)
    with pytest.raises(FetchRefused, match="Another fetch"):
        site.fetch("2024-01", "2024-01")
    hold.set()
    first.join()
    assert len(files_in(site.target)) == 3


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        ("2024-1", "2024-02", "YYYY-MM"),
        ("2024-01", "2024-13", "YYYY-MM"),
        ("2024-01\n", "2024-02", "YYYY-MM"),
        ("latest", "2024-02", "YYYY-MM"),
        ("2024-02", "2024-01", "after the last"),
        ("2010-11", "2024-01", "no data before 2010-12"),
    ],
)
def test_months_that_are_refused(site: Site, first: str, last: str, says: str) -> None:
    with pytest.raises(FetchRefused, match=says):
        site.fetch(first, last)
    assert site.server.seen == []


def test_only_unpublished_months_are_refused(site: Site) -> None:
    with pytest.raises(FetchRefused, match=r"newest is 2024-06"):
        site.fetch("2024-07", "2024-08")


@pytest.mark.parametrize(
    ("force", "says"),
    [
        ("metropolitn", "Did you mean metropolitan?"),
        ("Metropolitan", "Did you mean metropolitan?"),
        ("met police service", "Did you mean metropolitan?"),
        ("city of london", "Did you mean city-of-london?"),
        ("british transport police", "Did you mean btp?"),
        ("zzz", "The forces are btp, city-of-london"),
        ("../../etc", "has no force"),
    ],
)
def test_an_unknown_force_is_refused_with_near_names(
    site: Site, force: str, says: str
) -> None:
    with pytest.raises(FetchRefused) as caught:
        site.fetch("2024-01", "2024-01", force)
    assert says in str(caught.value)
    assert site.archives_asked() == []


def test_a_force_given_twice_counts_once(site: Site) -> None:
    assert len(site.fetch("2024-01", "2024-01", "btp", "btp").files) == 2


@pytest.mark.parametrize("kinds", [[], ["streets"]])
def test_unknown_kinds_are_refused(site: Site, kinds: list[str]) -> None:
    with pytest.raises(FetchRefused, match="stop-and-search"):
        site.fetch("2024-01", "2024-01", kinds=kinds)


def test_no_force_is_refused(site: Site) -> None:
    with pytest.raises(FetchRefused, match="No force"):
        fetch_police_uk("2024-01", "2024-01", [], target=site.target)
    with pytest.raises(FetchRefused, match="as a list"):
        fetch_police_uk("2024-01", "2024-01", "btp", target=site.target)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"{}",
        b"[1]",
        b'[{"month": "2024-06"}]',
        b'[{"date": 5}]',
        b"[]",
        b"[" * 100_000,
    ],
)
def test_an_api_that_answers_otherwise_is_said(site: Site, answer: bytes) -> None:
    site.server.pages["/api/crimes-street-dates"].body = answer
    with pytest.raises(DownloadFailed, match="The API of"):
        site.fetch("2024-01", "2024-01")
    assert left_in(site.target / ".fetch") == {"lock"}


def test_identifiers_from_the_api_do_not_become_paths(site: Site) -> None:
    forces = [{"id": "../../evil", "name": "Evil"}, {"id": "metropolitan"}]
    site.server.pages["/api/forces"].body = json.dumps(forces).encode()
    with pytest.raises(FetchRefused, match="has no force"):
        site.fetch("2024-01", "2024-01", "../../evil")
    assert len(site.fetch("2024-01", "2024-01").files) == 3


def test_a_folder_that_cannot_be_written_is_said(site: Site, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("a file")
    with pytest.raises(DownloadFailed, match="nowhere to fetch to"):
        site.fetch("2024-01", "2024-01", target=tmp_path / "plain")


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        # All in the newest.
        ("2024-01", "2024-06", ["2024-06"]),
        ("2021-07", "2024-06", ["2024-06"]),
        # One month more than an archive holds.
        ("2021-06", "2024-06", ["2024-05", "2024-06"]),
        # Months that only older archives hold: the newest that still does.
        ("2020-01", "2020-03", ["2022-12"]),
        ("2014-06", "2014-06", ["2017-05"]),
        # Before the 36-month window began, archives held everything.
        ("2014-05", "2014-05", ["2017-04"]),
        ("2010-12", "2014-05", ["2017-04"]),
        ("2010-12", "2024-06", ["2017-04", "2020-04", "2023-04", "2024-06"]),
    ],
)
def test_the_fewest_archives_and_of_those_the_newest(
    first: str, last: str, expected: list[str]
) -> None:
    count = (int(last[:4]) - int(first[:4])) * 12 + int(last[5:]) - int(first[5:]) + 1
    months = months_to(last, count)
    plan, uncovered = plan_archives(months, "2024-06")
    assert list(plan) == expected
    assert uncovered == ()
    assert sorted(m for held in plan.values() for m in held) == months


def test_months_come_from_the_newest_archive_chosen() -> None:
    plan, _ = plan_archives(months_to("2024-06", 42), "2024-06")
    assert plan["2023-12"] == tuple(months_to("2021-06", 6))
    assert plan["2024-06"] == tuple(months_to("2024-06", 36))


def test_plans_go_round_absent_archives() -> None:
    plan, uncovered = plan_archives(["2024-05", "2024-06"], "2024-06", {"2024-06"})
    assert plan == {"2024-05": ("2024-05",)}
    assert uncovered == ("2024-06",)
