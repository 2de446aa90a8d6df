"""What may go wrong with the forecast of calls, in words for people."""

from edp_platform.told import Told


class DemandRefused(Told):
    """The forecast was not made; the message says what stands against it."""
