"""A pytest plugin that takes one enforcer of a rule away before the tests are run.

`pytest -p tests.mutation.taking_away` with `EDP_RULE_TAKEN_AWAY=module:function`. It
stands among the tests: nothing in the platform can take a rule away.
"""

from __future__ import annotations

import importlib
import os

from edp_platform.governance.rules import Enforced


def pytest_configure() -> None:
    """Put what absence looks like in the enforcer's place."""
    module, name = os.environ["EDP_RULE_TAKEN_AWAY"].split(":")
    enforced = getattr(importlib.import_module(module), name)
    assert isinstance(enforced, Enforced)
    enforced.function = enforced.removed
