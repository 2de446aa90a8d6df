"""When runs publish to PostgreSQL."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from edp_platform.home import Home
from edp_platform.orchestration.served import (
    SettingInvalid,
    is_off,
    is_wanted,
    served_among,
    unless_wanted,
)
from edp_platform.publishing.serving import SettingInvalid as KeptInvalid
from edp_platform.publishing.serving import snapshots_kept

_SERVED = dg.AssetKey(["published", "demand"])
_KEYS = frozenset(
    {_SERVED, dg.AssetKey(["published", "marts"]), dg.AssetKey(["marts", "calls"])}
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(date(2026, 1, 1), tmp_path)


@pytest.mark.parametrize(
    ("setting", "url", "wanted"),
    [
        (None, None, False),
        (None, "postgresql://u:p@127.0.0.1/x", True),
        ("on", None, True),
        ("OFF", "postgresql://u:p@127.0.0.1/x", False),
    ],
)
def test_the_setting_decides_and_else_whether_there_is_a_server(
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
    setting: str | None,
    url: str | None,
    wanted: bool,
) -> None:
    for name, value in (("EDP_SERVING", setting), ("EDP_POSTGRES_URL", url)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert is_wanted(home) is wanted
    assert is_off() is (setting == "OFF")
    assert served_among(_KEYS) == {_SERVED}
    assert (_SERVED in unless_wanted(home, _KEYS)) is wanted
    # Who names a publication gets it in any case.
    assert unless_wanted(home, _KEYS, ["+published/demand"]) == _KEYS
    assert unless_wanted(home, frozenset({_SERVED})) == {_SERVED}


def test_a_setting_that_cannot_be_understood_is_refused(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDP_SERVING", "yes")
    with pytest.raises(SettingInvalid, match="on or off"):
        is_wanted(home)
    monkeypatch.setenv("EDP_SNAPSHOTS_KEPT", "0")
    with pytest.raises(KeptInvalid, match="from 1 on"):
        snapshots_kept()
    monkeypatch.setenv("EDP_SNAPSHOTS_KEPT", "3")
    assert snapshots_kept() == 3
