"""What a person is told when a report cannot be compared."""

from __future__ import annotations

from edp_platform.told import Told


class CannotCompare(Told):
    """The report cannot be compared; the message says what to state or mend."""
