"""When forecasts and rankings are made."""

from __future__ import annotations

import pytest

from edp_platform.orchestration.slow_marts import SettingInvalid, are_left_out


@pytest.mark.parametrize(
    ("given", "left_out"), [("", False), ("on", False), (" OFF ", True)]
)
def test_the_setting_decides(
    monkeypatch: pytest.MonkeyPatch, given: str, left_out: bool
) -> None:
    monkeypatch.setenv("EDP_SLOW_MARTS", given)
    assert are_left_out() is left_out


def test_another_word_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDP_SLOW_MARTS", "later")
    with pytest.raises(SettingInvalid, match="write on or off"):
        are_left_out()
