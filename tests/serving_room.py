"""One running PostgreSQL for a whole session of tests, migrated to the newest number.

`serving` is shared: a test makes tables, logins and records of its own names in it, and
leaves what others made. `own_serving` is for a test that changes the server itself.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from edp_platform.database.server import running
from edp_platform.home import Home


def reachable_folder(prefix: str = "edp-serving-") -> Path:
    """Return a new folder that the server's unprivileged account may enter.

    pytest's own folders are closed to everybody else.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o755)
    return folder


def running_home() -> Iterator[Home]:
    """Have a home with a running server; remove both at the end."""
    folder = reachable_folder()
    try:
        home = Home.open(date.today(), folder)
        with running(home):
            yield home
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def serving() -> Iterator[Home]:
    """A home whose server runs for the whole session; shared."""
    yield from running_home()


@pytest.fixture
def own_serving() -> Iterator[Home]:
    """A home whose server runs for this test alone."""
    yield from running_home()
