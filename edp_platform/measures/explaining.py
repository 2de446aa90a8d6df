"""The change of a figure as a sum: one part for each cause, nothing left out.

A figure is walked from what was published first to what was published last, one kind of
change at a time. Each part is the difference of two neighbouring states of the walk, so
the parts add up to the whole change by construction, in whole numbers to the last one.

Order of the walk, because a part may depend on it: disposal, code, definition,
publisher's revision, reclassification, late records. Of a numerator and a denominator
the parts are those of this walk. The value of a rate or a proportion, which is no sum of
its rows, is divided by Shapley's value over the same causes, which depends on no order:
each cause's mean contribution over all orders in which the causes could have come.

Source: L. S. Shapley, A value for n-person games, in Contributions to the Theory of
Games II, Princeton 1953, 307-317; as a decomposition of a change in statistics:
A. F. Shorrocks, Decomposition procedures for distributional analysis, Journal of
Economic Inequality 11 (2013) 99-126.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise
from math import factorial, isclose

DISPOSAL = "disposal"
CODE = "code"
DEFINITION = "definition"
REVISION = "publisher's revision"
RECLASSIFICATION = "reclassification"
LATE = "late records"
#: What nobody can say, named as that and never put anywhere else.
NOT_SEPARABLE = "not separable"

#: Cause → what it is, in words, in the order of the walk.
CAUSES: dict[str, str] = {
    DISPOSAL: "rows taken out by a disposal, a correction or a restriction",
    CODE: "the platform's models count otherwise",
    DEFINITION: "the measure is defined otherwise",
    REVISION: "the publisher changed or withdrew what it had published",
    RECLASSIFICATION: "records that both releases hold are of another class",
    LATE: "records that the earlier release did not hold",
    NOT_SEPARABLE: "cannot be told apart by what is on record",
}


@dataclass(frozen=True)
class Figure:
    """One figure: a cell of `marts.measure_values`, or a state on the way to it.

    Attributes:
        numerator: events, or what the measure counts.
        denominator: what they are counted among; None of a plain count.
        value: in the measure's unit; None where it cannot be computed.
    """

    numerator: float | None
    denominator: float | None
    value: float | None


@dataclass(frozen=True)
class Part:
    """What one cause changed.

    Attributes:
        cause: one of `CAUSES`.
        numerator, denominator, value: the change in each, in its own unit; None where
            the figure has none at either end.
    """

    cause: str
    numerator: float | None
    denominator: float | None
    value: float | None


def split(walk: Sequence[tuple[str, Figure]]) -> list[Part]:
    """Split the change of a figure into the steps of a walk.

    Args:
        walk: the state at the start (its cause is not looked at), then the state after
            each cause, in the order of the walk; the last is what is published now.

    Returns:
        one part for each step; numerators and denominators telescope, values are
        Shapley's where the value is a multiple of numerator ÷ denominator throughout,
        else they telescope too.

    Raises:
        ValueError: the walk has no start.
    """
    if not walk:
        raise ValueError("a walk begins with the figure that was published first")
    numerators = _steps([one.numerator for _, one in walk])
    denominators = _steps([one.denominator for _, one in walk])
    values = _shapley(walk) or _steps([one.value for _, one in walk])
    return [
        Part(
            cause, *(_as_float(each[at]) for each in (numerators, denominators, values))
        )
        for at, (cause, _) in enumerate(walk[1:])
    ]


def _steps(states: Sequence[float | None]) -> list[Fraction | None]:
    """Return the differences of neighbours; all None where either end has no value."""
    if states[0] is None or states[-1] is None:
        return [None] * (len(states) - 1)
    # A state between that has none changes nothing there, and all of it at the next.
    known: list[Fraction] = []
    for one in states:
        known.append(known[-1] if one is None else Fraction(one))
    return [after - before for before, after in pairwise(known)]


def _shapley(walk: Sequence[tuple[str, Figure]]) -> list[Fraction | None] | None:
    """Return Shapley's parts of value = scale × numerator ÷ denominator; None if not."""
    figures = [one for _, one in walk]
    scale = _scale(figures)
    if scale is None:
        return None
    tops = [
        one for one in _steps([each.numerator for each in figures]) if one is not None
    ]
    bases = [
        one for one in _steps([each.denominator for each in figures]) if one is not None
    ]
    first = figures[0]
    assert first.numerator is not None and first.denominator is not None
    top, base = Fraction(first.numerator), Fraction(first.denominator)

    def value(chosen: Sequence[int]) -> Fraction:
        below = base + sum((bases[at] for at in chosen), Fraction(0))
        return scale * (top + sum((tops[at] for at in chosen), Fraction(0))) / below

    try:
        parts = shapley(len(tops), value)
    except ZeroDivisionError:
        return None  # without one of the causes there would be nothing to divide by
    # The scale is known to a rounding error: what that leaves goes to the largest part.
    rest = Fraction(figures[-1].value or 0) - Fraction(first.value or 0) - sum(parts)
    if parts:
        largest = max(range(len(parts)), key=lambda at: abs(parts[at]))
        parts[largest] += rest
    return list(parts)


def _scale(figures: Sequence[Figure]) -> Fraction | None:
    """Return value × denominator ÷ numerator where it is the same at every state."""
    scales = [
        one.value * one.denominator / one.numerator
        for one in figures
        if one.numerator and one.denominator and one.value
    ]
    if not scales or any(
        one.numerator is None or not one.denominator or one.value is None
        for one in figures
    ):
        return None
    if not all(isclose(one, scales[0], rel_tol=1e-9) for one in scales):
        return None
    if any(one.value and not one.numerator for one in figures):
        return None
    return Fraction(scales[0])


def shapley(players: int, worth: Callable[[Sequence[int]], Fraction]) -> list[Fraction]:
    """Return each player's Shapley value, exactly.

    φ(i) = Σ over S ⊆ N∖{i} of |S|! (n−|S|−1)! ÷ n! × (v(S ∪ {i}) − v(S))
    Source: Shapley 1953, equation (13).

    Args:
        players: how many; the cost is 2 to their power.
        worth: of a coalition, given as the players' numbers in order.
    """
    known: dict[tuple[int, ...], Fraction] = {}

    def value(chosen: tuple[int, ...]) -> Fraction:
        if chosen not in known:
            known[chosen] = worth(chosen)
        return known[chosen]

    total = factorial(players)
    found = []
    for one in range(players):
        others = [each for each in range(players) if each != one]
        share = Fraction(0)
        for size in range(players):
            weight = Fraction(factorial(size) * factorial(players - size - 1), total)
            for chosen in combinations(others, size):
                joined = tuple(sorted((*chosen, one)))
                share += weight * (value(joined) - value(chosen))
        found.append(share)
    return found


def totals(parts: Sequence[Part]) -> dict[str, Part]:
    """Return cause → the sum of its parts, of each cause that changed anything."""
    found: dict[str, Part] = {}
    for cause in CAUSES:
        own = [one for one in parts if one.cause == cause]
        if any(one.numerator or one.denominator or one.value for one in own):
            found[cause] = Part(
                cause,
                *(
                    _sum([getattr(one, name) for one in own])
                    for name in ("numerator", "denominator", "value")
                ),
            )
    return found


def _sum(values: Sequence[float | None]) -> float | None:
    known = [Fraction(one) for one in values if one is not None]
    return _as_float(sum(known, Fraction(0))) if known else None


def _as_float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def as_json(parts: Mapping[str, Part]) -> list[dict[str, object]]:
    """Return parts ready for JSON, each with what its cause means."""
    return [
        {
            "cause": one.cause,
            "means": CAUSES[one.cause],
            "numerator": one.numerator,
            "denominator": one.denominator,
            "value": one.value,
        }
        for one in parts.values()
    ]
