"""What may go wrong with the ranking of areas, in words for people."""

from edp_platform.told import Told


class RankingRefused(Told):
    """The ranking was not made; the message says what stands against it."""


class NearRepeatRefused(Told):
    """Near-repeats were not looked for; the message says why they cannot be."""
