"""Keeping false alarms down when many tests are made at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def benjamini_hochberg(p_values: Floats) -> Floats:
    """Return the least false discovery rate at which each test would be called.

    Source: Benjamini and Hochberg (1995), "Controlling the false discovery rate", JRSS B
    57(1), 289-300, procedure 1, as adjusted values: all tests whose adjusted value is
    at most a rate are its discoveries.

    Args:
        p_values: (tests,) of one family; a nan is a test that could not be made, does
            not count, and stays nan.
    """
    found = np.full(p_values.shape, np.nan)
    known = ~np.isnan(p_values)
    number = int(known.sum())
    if number == 0:
        return found
    values = p_values[known]
    order = np.argsort(values)[::-1]
    scaled = values[order] * number / np.arange(number, 0, -1)
    adjusted = np.empty(number)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(scaled))
    found[known] = adjusted
    return found
