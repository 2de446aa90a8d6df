"""How many calls wait, when calls take several cars: Green's multiple dispatch model.

Calls arrive at random (Poisson); each takes one, two or more cars, waits until all of
them are free, first come first served, and each car is free again after an exponential
time of its own. Source: Green (1980), "A queueing system in which customers require a
random number of servers", Operations Research 28(6), 1335-1346, and Green (1984), "A
multiple dispatch queueing model of police patrol operations", Management Science 30(6),
653-664. Taking several cars for more calls, or for longer ones, misleads (Green and
Kolesar 1984, Management Science 30(6), 665-670), so the model is solved as it is.

Not modelled: priority of grades (an immediate call does not go before another here, so
its wait is told too long), cars that stop other work, neighbours' cars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edp_platform.analysis.demand.failure import DemandRefused


@dataclass(frozen=True)
class Waiting:
    """What calls meet in the long run.

    Attributes:
        share: Of calls that wait, 0 to 1.
        mean: Wait of all calls, those that do not wait included, in mean service times.
        busy: Cars at work, on average.
    """

    share: float
    mean: float
    busy: float

    def share_within(self, time: float | np.ndarray) -> np.ndarray:
        """Return the share of calls that wait no longer than a time.

        The wait of those that wait is taken as exponential: exact where each call takes
        one car (Erlang's formula of 1917), close where calls take several.

        Args:
            time: In mean service times; below nought nobody is in time.
        """
        after = np.asarray(time, dtype=float)
        if self.share <= 0 or self.mean <= 0:
            return np.where(after >= 0, 1.0, 0.0)
        still = self.share * np.exp(-np.maximum(after, 0) * self.share / self.mean)
        return np.where(after >= 0, 1 - still, 0.0)


def erlang_c(load: float, servers: int) -> float:
    """Return the share of calls that wait where each takes one server (M/M/c).

    Source: Erlang (1917); C = B / (1 - r(1 - B)) with r = load / servers, and B by the
    recursion B(n) = aB(n-1) / (n + aB(n-1)) (Jagerman 1974).

    Args:
        load: Calls an hour times hours of service, in erlang.
        servers: How many there are.
    """
    if load >= servers:
        return 1.0
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def capacity(cars: int, shares: Sequence[float]) -> float:
    """Return the load at which the queue grows without end, in calls × service time.

    When a call always waits, the next one begins as soon as j cars are free, the i-th of
    them after 1 / (cars - i) service times (Green 1980).

    Args:
        cars: How many there are.
        shares: Of calls that take 1, 2, … cars.
    """
    time = 0.0
    for taken, share in enumerate(shares, 1):
        if share > 0 and taken > cars:
            return 0.0
        time += share * sum(1 / (cars - freed) for freed in range(min(taken, cars)))
    return 1 / time


def multiple_dispatch(load: float, cars: int, shares: Sequence[float]) -> Waiting:
    """Return how calls wait in the long run.

    States: cars at work while nobody waits; while calls wait, cars at work and how many
    the first of them takes. As soon as that many are free it begins and all cars are at
    work, whatever was before: so every way down a level ends in the same states, and the
    matrix G of matrix-geometric theory (Neuts 1981) is known without iteration.

    Args:
        load: Calls an hour × mean hours that a car is at work on one.
        cars: How many there are.
        shares: Of calls that take 1, 2, … cars; they add up to 1.

    Raises:
        DemandRefused: the load is not below the capacity, so calls wait without end.
    """
    if load <= 0:
        return Waiting(0.0, 0.0, 0.0)
    if load >= capacity(cars, shares):
        raise DemandRefused(
            f"{cars} cars cannot serve a load of {load:.2f}: more comes than they can "
            "do, and the queue grows without end. Ask about more cars."
        )
    given = [(taken, share) for taken, share in enumerate(shares, 1) if share > 0]
    waiting = [
        (busy, taken)
        for taken, _ in given
        for busy in range(cars - taken + 1, cars + 1)
    ]
    place = {phase: at for at, phase in enumerate(waiting)}
    phases = len(waiting)
    # Where a level is entered from above: all cars at work, a new first call.
    entry = np.zeros(phases)
    for taken, share in given:
        entry[place[cars, taken]] = share
    within = np.zeros((phases, phases))
    leaving = np.zeros(phases)
    for (busy, taken), at in place.items():
        within[at, at] = -(load + busy)
        if busy - 1 > cars - taken:
            within[at, place[busy - 1, taken]] = busy
        else:
            leaving[at] = busy
    upwards = load * np.linalg.inv(-within - load * np.outer(np.ones(phases), entry))
    empty = cars + 1
    balance = np.zeros((empty + phases, empty + phases))
    for busy in range(empty):
        balance[busy, busy] = -(load + busy)
        if busy:
            balance[busy, busy - 1] = busy
        for taken, share in given:
            to = busy + taken if busy + taken <= cars else empty + place[busy, taken]
            balance[busy, to] += load * share
    balance[empty:, cars] = leaving
    balance[empty:, empty:] = within + upwards @ np.outer(leaving, entry)
    levels = np.linalg.inv(np.eye(phases) - upwards)
    # One equation of balance follows from the others: probabilities that add up to 1.
    balance[:, 0] = np.concatenate([np.ones(empty), levels.sum(axis=1)])
    right = np.zeros(empty + phases)
    right[0] = 1.0
    stationary = np.linalg.solve(balance.T, right)
    free, first = stationary[:empty], stationary[empty:]
    begun = sum(share * free[: cars - taken + 1].sum() for taken, share in given)
    queue = float((first @ levels @ levels).sum())
    busy_cars = load * sum(taken * share for taken, share in given)
    return Waiting(float(np.clip(1 - begun, 0, 1)), queue / load, busy_cars)


def most_load(cars: int, shares: Sequence[float], without_wait: float) -> float:
    """Return the largest load at which enough calls find all their cars free.

    Args:
        cars: How many there are.
        shares: Of calls that take 1, 2, … cars.
        without_wait: Least share of calls that do not wait.

    Returns:
        Calls × service time, to one part in a thousand below; 0 where some call takes
        more cars than there are.
    """
    low, high = 0.0, capacity(cars, shares)
    while high - low > 1e-3 * max(high, 1e-6):
        middle = (low + high) / 2
        if multiple_dispatch(middle, cars, shares).share <= 1 - without_wait:
            low = middle
        else:
            high = middle
    return low


def cars_needed(
    loads: np.ndarray, shares: Sequence[float], without_wait: float
) -> np.ndarray:
    """Return the least number of cars for each load.

    Args:
        loads: Any shape; calls × service time.
        shares: Of calls that take 1, 2, … cars.
        without_wait: Least share of calls that do not wait.

    Returns:
        The same shape, integers; 0 where there is no load.
    """
    most = float(np.max(loads, initial=0.0))
    bounds = [0.0]
    while bounds[-1] < most:
        bounds.append(most_load(len(bounds), shares, without_wait))
    return np.searchsorted(np.asarray(bounds), loads, side="left")
