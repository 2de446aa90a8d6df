"""When the marts that take long (forecasts, rankings, evaluations) are made.

A mart whose YAML says `after_landing: false` is not made anew after each landing but by
the next `edp run`. `EDP_SLOW_MARTS=off` leaves it out there too, until it is named; so
can a machine that only loads, and a test of something else.
"""

from __future__ import annotations

import os

from edp_platform.told import Told

SETTING = "EDP_SLOW_MARTS"


class SettingInvalid(Told):
    """`EDP_SLOW_MARTS` is neither on nor off."""


def are_left_out() -> bool:
    """Whether a run makes slow marts only where it names them.

    Raises:
        SettingInvalid: the setting is neither on nor off.
    """
    given = os.environ.get(SETTING, "").strip().lower()
    if given not in ("", "on", "off"):
        raise SettingInvalid(
            f"{SETTING} is {given!r}. It says whether a whole run makes forecasts and "
            "other marts that take long: write on or off, or leave it out for on."
        )
    return given == "off"
