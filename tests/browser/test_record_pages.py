"""Pages of records in a real browser: nothing is cut off on a narrow screen."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from edp_platform.governance.pages.site import all_records, write_pages
from edp_platform.home import Home
from edp_platform.publishing.exports.loading import load_sources
from edp_platform.publishing.exports.writing import export

_CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(
    _CHROMIUM is None, reason="Debian's chromium is not installed"
)
DAY = date(2026, 11, 22)
#: WCAG 2.2, 1.4.10: no sideways scrolling at 320 pixels; a table may scroll by itself.
_NARROW = 320
_MEASURE = """<script>addEventListener("load", () => {
  const wide = [...document.querySelectorAll("body *")].filter(
    one => one.getBoundingClientRect().right > innerWidth + 1
      && !one.closest(".scroll"));
  parent.postMessage(
    document.title + " " + document.documentElement.scrollWidth + " wide:"
      + wide.slice(0, 3).map(one => one.tagName).join(","), "*");
})</script></body>"""
#: It listens before the first page can speak.
_FRAMES = """<!DOCTYPE html><html><body><pre id="told"></pre><script>
addEventListener("message", event => {{
  document.getElementById("told").textContent += "PAGE " + event.data + "\\n";
}})</script>{frames}</body></html>"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One page of each kind, and the exports."""
    folder = tmp_path_factory.mktemp("pages")
    home = Home.open(DAY, folder / "home")
    written = write_pages(all_records(home), folder / "records", DAY)
    chosen = {path.parent.name: path for path in written}
    sources = load_sources(home, with_marts=False)
    exported = [
        path
        for kind in ("ropa", "catalogue", "atrs")
        for path in export(kind, sources, folder / "exports", DAY, ("html",)).files  # type: ignore[arg-type]
    ]
    return [*chosen.values(), *exported]


def test_no_page_scrolls_sideways_on_a_narrow_screen(
    pages: list[Path], tmp_path: Path
) -> None:
    assert _CHROMIUM is not None
    frames = []
    for at, path in enumerate(pages):
        text = path.read_text(encoding="utf-8")
        # The page forbids scripts; what measures it is one.
        text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
        (tmp_path / f"{at}.html").write_text(text.replace("</body>", _MEASURE))
        frames.append(
            f'<iframe src="{at}.html" width="{_NARROW}" height="900"></iframe>'
        )
    (tmp_path / "all.html").write_text(_FRAMES.format(frames="".join(frames)))
    shown = subprocess.run(
        [
            *(_CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu"),
            *("--no-first-run", "--disable-background-networking"),
            f"--user-data-dir={tmp_path / 'profile'}",
            *("--virtual-time-budget=60000", "--dump-dom"),
            f"file://{tmp_path / 'all.html'}",
        ],
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    told = re.findall(r"PAGE (.*) (\d+) wide:(.*)$", shown.stdout, re.M)
    assert len(told) == len(pages)
    for title, width, wide in told:
        assert int(width) <= _NARROW, f"{title} is {width} pixels wide: {wide}"
