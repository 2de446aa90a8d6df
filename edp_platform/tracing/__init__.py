"""Trace: from a mart's row back to files and lines, from a file on to where it went.

Belongs here: finding the way and telling it. Does not belong here: row values. A trace
holds files, lines and counts, and of the marts only what names the person's own row.
"""

from __future__ import annotations

import difflib
from typing import Any

from edp_platform.datasets import DataSets
from edp_platform.home import Home
from edp_platform.ingestion.landing import Delivery, LandingStore
from edp_platform.tracing.failure import TraceFailed
from edp_platform.tracing.files import matching, trace_file
from edp_platform.tracing.marts import trace_mart
from edp_platform.tracing.showing import show_trace
from edp_platform.warehouse.manifest import ManifestStore
from edp_platform.warehouse.models import Models

__all__ = ["TraceFailed", "show_trace", "trace_any"]


def trace_any(
    home: Home, data_sets: DataSets, what: str, where: str | None, limit: int
) -> dict[str, Any]:
    """Trace a mart's rows back, or a landed file forward.

    Args:
        home: whose landing, lake, warehouse and published copy.
        data_sets: the data sets of the platform, to suggest names.
        what: a mart (`crime_by_month` or `marts.crime_by_month`), or a file: its base
            name, its path as received, or at least 6 digits of its SHA-256.
        where: for a mart, which rows: one SQL condition over its columns; None for all.
        limit: most lines to list (of each kind, for a file); 0 lists none.

    Returns:
        JSON-ready: `kind` is "mart" (see `marts.trace_mart`) or "file" (see
        `files.trace_file`).

    Raises:
        TraceFailed: nothing or too much matches, the condition is wrong, or the
            warehouse cannot be read now.
        NothingPublished: a mart, and there is no published copy yet.
        DbtFailed: the dbt project does not parse.
    """
    if limit < 0:
        raise TraceFailed(f"--limit is {limit}; give 0 or more lines to list.")
    models = Models(ManifestStore(home).manifest)
    deliveries = LandingStore(home).deliveries()
    marts = {model.name: model for model in models.marts}
    mart = marts.get(what.removeprefix("marts."))
    if mart is not None:
        return trace_mart(home, models, mart, where, limit, deliveries)
    found = matching(deliveries, what)
    if not found:
        raise TraceFailed(_nothing(what, list(marts), deliveries, data_sets))
    if where is not None:
        raise TraceFailed(
            f"{what} is a file, and --where chooses rows of a mart. Leave it out to "
            "see where the file's rows went, or name a mart."
        )
    return trace_file(home, models, what, found, deliveries, limit)


def _nothing(
    what: str, marts: list[str], deliveries: list[Delivery], data_sets: DataSets
) -> str:
    if what in data_sets.by_name:
        count = len({one.sha256 for one in deliveries if one.data_set == what})
        return (
            f"{what} is a data set, of which {count:,} files have landed. Name one of "
            "its files, or a mart; edp status shows what each data set holds."
        )
    names = {*marts, *(one.name for one in deliveries)}
    near = difflib.get_close_matches(what.removeprefix("marts."), names, 5, 0.5)
    # One word of a long name is too far off for `difflib`, and what people remember.
    near += sorted(name for name in names - {*near} if len(what) > 3 and what in name)
    suggestion = f" Did you mean: {', '.join(near[:5])}?" if near else ""
    return (
        f"No mart and no landed file is called {what}.{suggestion} Name a mart "
        f"({', '.join(sorted(marts))}), or a file by its name, its path as it was "
        "received, or 6 or more digits of its SHA-256."
    )
