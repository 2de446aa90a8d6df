"""The pages of signing in: plain HTML that needs no script and no other file."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import (
    ChoiceLoader,
    Environment,
    PackageLoader,
    StrictUndefined,
    select_autoescape,
)
from starlette.responses import HTMLResponse

#: `form-action` keeps a form's answer here even if markup were ever let in.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return one of the pages.

    Args:
        template: its name, without `.html`.
        status: of the answer.
        values: what it shows; everything is escaped.
    """
    return HTMLResponse(fragment(template, **values), status, HEADERS)


def fragment(template: str, **values: Any) -> str:
    """Return a piece of HTML; everything in `values` is escaped."""
    return _environment().get_template(f"{template}.html").render(**values)


@cache
def _environment() -> Environment:
    return Environment(
        # Second for `page.css`: one look for all pages.
        loader=ChoiceLoader(
            [
                PackageLoader("edp_platform.signin"),
                PackageLoader("edp_platform.governance.pages"),
            ]
        ),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
