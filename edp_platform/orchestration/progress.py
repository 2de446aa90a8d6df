"""What a step is doing now, for whoever watches: a line on a terminal, or nobody.

Not Dagster's log: each line there is a row in a database, and a month is loaded faster
than its row is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str], None]

_listeners: list[Listener] = []


def tell(what: str) -> None:
    """Tell whoever listens what was just done."""
    for listener in _listeners:
        listener(what)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Listen for the length of a block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
