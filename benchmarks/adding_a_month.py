"""Add months one by one to a built home, in one warm process; print the seconds.

Usage: python -m benchmarks.adding_a_month HOME FOLDER MONTH...

Each month's files are landed first; the clock runs from then until the copy of the
marts is published.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date, datetime
from pathlib import Path

from edp_platform.home import Home
from edp_platform.ingestion.land import LandingOptions, land
from edp_platform.orchestration.session import Session


def add(session: Session, folder: Path, month: str) -> float:
    """Land a month and build what it touches; return the seconds after landing.

    Raises:
        SystemExit: a file was refused or the run failed.
    """
    files = [str(path) for path in sorted(folder.rglob(f"{month}-*.csv"))]
    options = LandingOptions(None, None, None)
    now = datetime.now().astimezone()
    outcomes = land(session.home, session.data_sets, files, options, now)
    if not outcomes or any(one.outcome != "landed" for one in outcomes):
        raise SystemExit(f"{month}: not every file was landed")
    started = time.perf_counter()
    due = session.due(after_landing=True)
    if not session.run(due.keys, 60, months=due.months).succeeded:
        raise SystemExit(f"{month}: the run failed; see edp status")
    return time.perf_counter() - started


def main(home: Path, folder: Path, months: list[str]) -> None:
    """Add the months; the last figure is the one of a warm process."""
    session = Session(Home.open(date.today(), home))
    _ = session.graph
    print(json.dumps([add(session, folder, month) for month in months]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
