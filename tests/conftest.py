"""Fixtures that every kind of test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .debian_room import debian_url  # noqa: F401
from .publication_room import marts_room  # noqa: F401
from .serving_room import own_serving, serving  # noqa: F401

# Measures read every mart, and forecasts take as long as all the rest: their own tests
# name them.
os.environ.setdefault("EDP_LEAVE_OUT", "slow,measure_values")

_DEFAULT_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real published files, or a skip that says it is missing."""
    folder = Path(os.environ.get("EDP_TEST_DATA", _DEFAULT_DATA))
    if not (folder / "manifest.csv").exists():
        pytest.skip(f"real files are not at {folder}; set EDP_TEST_DATA to run this")
    return folder
