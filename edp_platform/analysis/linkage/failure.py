"""What may go wrong with linkage, in words for people."""

from edp_platform.told import Told


class LinkageFailed(Told):
    """The pairs could not be scored; the message says why and what to do."""


class NothingScored(Told):
    """What is asked about does not stand yet; the message says what to run."""


class DecisionRefused(Told):
    """The decision was not recorded; the message says what is missing."""
