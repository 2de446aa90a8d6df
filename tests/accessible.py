"""What a page must be for people who hear it, enlarge it, or print it.

The structural part of WCAG 2.2 AA that a parser can see; colours and reflow are looked
at in a browser.
"""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = {"meta", "link", "br", "hr", "img", "input", "rect", "circle", "path", "line"}
_FOCUSABLE = {"a", "button", "input", "select", "textarea"}


class Document(HTMLParser):
    """A page read once: what it is made of, in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[int, str] = {}
        self.parents: list[int | None] = []
        self._open: list[int] = []
        self.unbalanced: list[str] = []
        self.feed(text)
        self.close()
        self.unbalanced += [self.tags[at][0] for at in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = len(self.tags)
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self.parents.append(self._open[-1] if self._open else None)
        if tag not in _VOID:
            self._open.append(at)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self.parents.append(self._open[-1] if self._open else None)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self.tags[self._open[-1]][0] == tag:
            self._open.pop()
        else:
            self.unbalanced.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        for at in self._open:
            self.texts[at] = self.texts.get(at, "") + data

    def all(self, tag: str) -> list[int]:
        return [at for at, (name, _) in enumerate(self.tags) if name == tag]

    def text(self, at: int) -> str:
        return " ".join(self.texts.get(at, "").split())

    def inside(self, at: int, tag: str) -> bool:
        above = self.parents[at]
        while above is not None:
            if self.tags[above][0] == tag:
                return True
            above = self.parents[above]
        return False


def faults(text: str) -> list[str]:
    """Return what keeps a page from being accessible; nothing for a good one."""
    page = Document(text)
    found = [f"unbalanced <{tag}>" for tag in page.unbalanced]
    found += _document(page)
    found += _headings(page)
    found += _tables(page)
    found += _drawings(page)
    found += _links(page)
    return found


def _document(page: Document) -> list[str]:
    found = []
    (_, html), *_ = [page.tags[at] for at in page.all("html")]
    if not html.get("lang"):
        found.append("no language")
    if [page.text(at) for at in page.all("title") if not page.inside(at, "svg")] in (
        [],
        [""],
    ):
        found.append("no title")
    for tag in ("main", "header", "footer"):
        if len(page.all(tag)) != 1:
            found.append(f"{len(page.all(tag))} <{tag}>")
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    found += [f"id {one} stands twice" for one in {i for i in ids if ids.count(i) > 1}]
    first = next(attrs for tag, attrs in page.tags if tag in _FOCUSABLE)
    if first.get("href") != "#main":
        found.append("the first link does not skip to the content")
    if page.all("script"):
        found.append("a script")
    styled = [tag for tag, attrs in page.tags if "style" in attrs]
    found += [f"<{tag}> has a style of its own" for tag in styled]
    # Landmarks that a reader jumps between must be told apart.
    marks = [
        (tag, attrs.get("aria-label") or attrs.get("aria-labelledby") or "")
        for tag, attrs in page.tags
        if tag in ("nav", "section", "form") or attrs.get("role") == "region"
        if tag != "section" or "aria-label" in attrs or "aria-labelledby" in attrs
    ]
    found += [
        f"landmark {one} stands twice" for one in set(marks) if marks.count(one) > 1
    ]
    named = set(ids)
    for tag, attrs in page.tags:
        for name in ("aria-labelledby", "aria-describedby"):
            missing = set(attrs.get(name, "").split()) - named
            found += [
                f"<{tag}> {name} names {one}, which is not there" for one in missing
            ]
    return found


def _headings(page: Document) -> list[str]:
    levels = [
        (int(tag[1]), page.text(at))
        for at, (tag, _) in enumerate(page.tags)
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit()
    ]
    found = []
    if [level for level, _ in levels].count(1) != 1:
        found.append("not exactly one h1")
    before = 0
    for level, text in levels:
        if level > before + 1:
            found.append(f"h{level} {text!r} follows h{before}")
        if not text:
            found.append(f"an empty h{level}")
        before = level
    return found


def _tables(page: Document) -> list[str]:
    found = []
    captions = page.all("caption")
    for at in page.all("table"):
        own = [one for one in captions if page.parents[one] == at]
        if not own or not page.text(own[0]):
            found.append("a table without a caption")
    for at in page.all("th"):
        if page.tags[at][1].get("scope") not in ("col", "row"):
            found.append(f"<th> {page.text(at)!r} without scope")
        if not page.text(at):
            found.append("an empty <th>")
    return found


def _drawings(page: Document) -> list[str]:
    found = []
    for at in page.all("svg"):
        attrs = page.tags[at][1]
        names = [page.tags[one][1].get("id") for one in page.all("title")]
        if attrs.get("role") != "img" or not attrs.get("aria-labelledby"):
            found.append("a drawing without a name")
        elif attrs["aria-labelledby"].split()[0] not in names:
            found.append("a drawing whose name is not there")
        if not page.inside(at, "figure"):
            found.append("a drawing outside a figure")
        # The figures stand in a table after the drawing.
        if not any(table > at for table in page.all("table")):
            found.append("a drawing without its table")
    for at in page.all("img"):
        if "alt" not in page.tags[at][1]:
            found.append("an image without words")
    return found


def _links(page: Document) -> list[str]:
    found = []
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    for at in page.all("a"):
        href = page.tags[at][1].get("href", "")
        if not page.text(at):
            found.append("a link without text")
        if href.startswith("#") and href[1:] not in ids:
            found.append(f"{href} leads nowhere")
        if href.lower().startswith(("javascript:", "data:", "http:", "//")):
            found.append(f"a link to {href}")
    for tag, attrs in page.tags:
        if "src" in attrs or (tag == "link" and "href" in attrs):
            found.append(f"<{tag}> needs another file")
    return found
