"""Fetch from data.police.uk and land what came, each file with its release."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

from edp_platform.datasets import DataSets
from edp_platform.home import Home
from edp_platform.ingestion.land import LandingOptions, land, summary
from edp_platform.ingestion.police_uk_download import FetchRefused, fetch_police_uk


def fetch_and_land(
    home: Home,
    from_month: str,
    to_month: str,
    forces: list[str],
    target: Path | None,
    base_url: str,
    land_them: bool,
    out: Console,
    err: Console,
) -> bool:
    """Fetch, report what was not there, and land; return whether all was had.

    A force that supplied nothing for a month is told and is not a failure; a month that
    is not published, or an archive that is not there, is one.

    Raises:
        DownloadFailed, UnsafeArchive, WriteFailed: as `fetch_police_uk`.
    """
    folder = target or home.root / "fetched" / "police_uk"
    with Progress(
        *Progress.get_default_columns(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=err,
        transient=True,
    ) as progress:
        tasks: dict[str, object] = {}

        def told(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done, total=total)  # type: ignore[arg-type]

        try:
            result = fetch_police_uk(
                from_month,
                to_month,
                forces,
                target=folder,
                base_url=base_url,
                progress=told,
            )
        except FetchRefused as error:
            err.print(f"edp: {error}", soft_wrap=True, highlight=False)
            return False
    out.print(f"{len(result.files)} files in {folder}", soft_wrap=True)
    for missing in result.missing:
        err.print(
            f"missing: {missing.month} {missing.force} {missing.kind}: {missing.reason}",
            soft_wrap=True,
        )
    good = all(missing.cause == "not_supplied" for missing in result.missing)
    if land_them and result.files:
        good = _land(home, result.files, out, err) and good
    return good


def _land(home: Home, files: object, out: Console, err: Console) -> bool:
    data_sets = DataSets.load(home)
    counts: Counter[str] = Counter()
    by_release: dict[str, list[str]] = {}
    for file in files:  # type: ignore[attr-defined]
        by_release.setdefault(file.release, []).append(str(file.path))
    for release, paths in sorted(by_release.items()):
        year, month = release.split("-")
        options = LandingOptions(release=date(int(year), int(month), 1))
        for landed in land(
            home, data_sets, paths, options, datetime.now().astimezone()
        ):
            counts[landed.outcome] += 1
            if landed.outcome == "refused":
                err.print(f"refused {landed.name}: {landed.reason}", soft_wrap=True)
    out.print(summary(counts))
    return not counts["refused"]
