"""Marts that a whole run leaves out until somebody names them.

`EDP_LEAVE_OUT` lists marts and use cases, with commas between; `slow` stands for every
mart whose YAML says `after_landing: false` (forecasts, rankings, evaluations). What reads
one of them is left out with it, and so is what nothing else is made of. For a machine
that only loads, and for a test or a benchmark of something else.
"""

from __future__ import annotations

import os

from edp_platform.told import Told
from edp_platform.warehouse.models import Models

SETTING = "EDP_LEAVE_OUT"
SLOW = "slow"


class SettingInvalid(Told):
    """`EDP_LEAVE_OUT` names what is not there."""


def left_out(models: Models) -> frozenset[str]:
    """Return the models (unique ids) that whole runs leave out.

    Args:
        models: of the manifest.

    Raises:
        SettingInvalid: it names no mart and no use case.
    """
    named = [one.strip() for one in os.environ.get(SETTING, "").split(",")]
    chosen: set[str] = set()
    for name in filter(None, named):
        found = {
            one.unique_id
            for one in models.marts
            if name in (one.name, one.use_case)
            or (name == SLOW and not one.after_landing)
        }
        if not found and name != SLOW:
            raise SettingInvalid(
                f"{SETTING} names {name}, which is neither a mart nor a use case. What "
                "is left out must be known by name, or it would be made all the same: "
                "see edp catalogue, and write names with commas between, or slow."
            )
        chosen |= found
    without = models.descendants(chosen)
    kept = {one.unique_id for one in models.marts} - without
    needed = models.ancestors(kept)
    # A model that no mart reads is made for its checks.
    feeding = models.ancestors(without)
    return frozenset(without | (feeding - needed))
