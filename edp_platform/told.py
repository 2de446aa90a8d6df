"""The errors that say, in one message, what is missing, why, and what to do next."""

from __future__ import annotations


class Told(Exception):
    """An error whose message is for the person who gave the command."""
