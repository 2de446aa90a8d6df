"""What is told when signing in cannot be offered, or somebody is not let in."""

from __future__ import annotations

from edp_platform.told import Told


class NotServable(Told):
    """The web parts may not be served this way; nothing was started."""


class Refused(Exception):
    """Somebody is not let in.

    Args:
        reason: a short name for the log, such as `left`.
        words: for the person in front of the screen; says no more than they may know.
        claimed: who they said they are, for the log; never a secret.
    """

    def __init__(self, reason: str, words: str, claimed: str = "") -> None:
        super().__init__(words)
        self.reason = reason
        self.words = words
        self.claimed = claimed
