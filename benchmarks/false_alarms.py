"""Made-up series without change, or with a planted one, and what the alerts make of them.

`python -m benchmarks.false_alarms` prints the table of `docs/signals.md`: false alerts a
month of 300 watched series without change, the false discovery rate, and the months
until a planted change is an alert. `--months N` says how many months are tried.

Each month is a world of its own: ten measures in 30 areas, observed for some years and
looked at once, in its last month. Counts are over-dispersed (negative binomial), have a
yearly pattern that differs between areas, are correlated from month to month, and move
together across areas and measures.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from edp_platform.analysis.false_discovery import benjamini_hochberg
from edp_platform.analysis.signals.alerts import ASKED_RATE
from edp_platform.analysis.signals.charting import points
from edp_platform.analysis.signals.settings import SeriesSettings
from edp_platform.analysis.signals.states import states

#: Events a month of an average area, by measure.
LEVELS = (0.4, 1.5, 4, 12, 30, 30, 60, 100, 200, 400)
AREAS = 30


@dataclass(frozen=True)
class World:
    """What the series of a world are like.

    Attributes:
        months: observed.
        persistence: correlation of a month's level with that of the month before.
        noise: standard deviation of the level, as a share of it.
        shared: share of the level's variance that all areas have in common.
        season: amplitude of the yearly pattern, as a share of the level.
        dispersion: variance of counts beyond the Poisson, over mean²; 0.01 is an
            extra spread of 10 %.
    """

    months: int = 60
    persistence: float = 0.3
    noise: float = 0.05
    shared: float = 0.3
    season: float = 0.15
    dispersion: float = 0.01


#: Kinds of series without change that the alerts are tried on.
WORLDS = {
    "independent Poisson counts": World(noise=0, season=0, dispersion=0),
    "over-dispersed, seasonal": World(noise=0),
    "and correlated in time": World(shared=0.0),
    "and across areas": World(),
    "strongly correlated": World(persistence=0.5, shared=0.6, noise=0.07),
    "two years only": World(months=26),
}


def counts(
    world: World,
    worlds: int,
    seed: int,
    change: float = 0.0,
    since: int = 0,
    share: float = 0.1,
) -> tuple[np.ndarray, np.ndarray]:
    """Return counts of many worlds, and which of their series change.

    Args:
        world: what they are like.
        worlds: how many.
        seed: of the random numbers.
        change: of the level in the last `since` months, such as -0.2.
        since: months that the change has lasted.
        share: of the series that change.

    Returns:
        Whole numbers of shape (worlds, measures, areas, months); and booleans of shape
        (worlds, measures, areas).
    """
    random = np.random.default_rng(seed)
    shape = (worlds, len(LEVELS), AREAS)
    sizes = np.exp(random.normal(0, 0.4, shape)) * np.array(LEVELS)[:, None]
    month = np.arange(world.months)
    phase = random.uniform(0, 12, (worlds, len(LEVELS), 1, 1))
    phase = phase + random.normal(0, 1, (*shape, 1))
    season = 1 + world.season * np.sin(2 * np.pi * (month + phase) / 12)
    own = _persistent(random, (*shape, world.months), world.persistence)
    common = _persistent(random, (worlds, 1, 1, world.months), world.persistence)
    noise = np.sqrt(1 - world.shared) * own + np.sqrt(world.shared) * common
    level = np.exp(world.noise * noise - world.noise**2 / 2)
    changed = random.uniform(size=shape) < share
    is_late = month >= world.months - since
    factor = 1 + change * (changed[..., None] & is_late)
    means = sizes[..., None] * season * level * factor
    if world.dispersion:
        size = 1 / world.dispersion
        means = random.gamma(size, means / size)
    return random.poisson(means), changed


def _persistent(
    random: np.random.Generator, shape: tuple[int, ...], correlation: float
) -> np.ndarray:
    steps = random.normal(size=shape)
    steps[..., 1:] *= np.sqrt(1 - correlation**2)
    for month in range(1, shape[-1]):
        steps[..., month] += correlation * steps[..., month - 1]
    return steps


def as_values(made: np.ndarray) -> pl.DataFrame:
    """Return counts as rows of `measure_values`; each world's measures are its own."""
    _, measures, _, months = made.shape
    world, measure, area, month = (axis.ravel() for axis in np.indices(made.shape))
    starts = pl.date_range(
        date(2015, 1, 1), date(2015 + months // 12, 12, 1), "1mo", eager=True
    )
    return pl.DataFrame(
        {
            "world": world,
            "measure": world * measures + measure,
            "area_code": area,
            "month": starts.gather(month),
            "value": made.ravel().astype(float),
        }
    ).select(
        pl.format("m{}", "measure").alias("measure"),
        pl.lit("borough").alias("area_kind"),
        pl.format("A{}", "area_code").alias("area_code"),
        "month",
        "value",
        pl.lit("complete").alias("completeness"),
    )


def settings_of(made: np.ndarray, season: float) -> Mapping[str, SeriesSettings]:
    """Return the settings of every measure of `as_values`."""
    one = SeriesSettings(better="lower", seasonal=season > 0, lowest=0.0, is_count=True)
    return {f"m{number}": one for number in range(made.shape[0] * made.shape[1])}


def p_values_of(made: np.ndarray, season: float) -> tuple[np.ndarray, np.ndarray]:
    """Return p-values and whether the chart shows a signal, each (worlds, series)."""
    settings = settings_of(made, season)
    told = states(points(as_values(made), settings), settings)
    order = told.select(
        pl.col("measure").str.slice(1).cast(pl.Int64).alias("measure"),
        pl.col("area_code").str.slice(1).cast(pl.Int64).alias("area"),
        pl.col("p_value").fill_null(np.nan),
        (pl.col("variation") != "common cause").alias("signal"),
    ).sort("measure", "area")
    shape = (made.shape[0], -1)
    return (
        order["p_value"].to_numpy().reshape(shape),
        order["signal"].fill_null(False).to_numpy().reshape(shape),
    )


@dataclass(frozen=True)
class Alarms:
    """What the alerts of many months came to.

    Attributes:
        false_alerts: a month, of 300 series of which most or all did not change.
        false_rate: mean share of false ones among a month's alerts (none: 0).
        found: share of the changed series that are alerts.
        found_by_size: the same for under 5, 5 to 50 and over 50 events a month.
        signals: series a month of which the chart's rules show a signal.
    """

    false_alerts: float
    false_rate: float
    found: float
    found_by_size: tuple[float, float, float]
    signals: float


def try_alarms(
    world: World,
    worlds: int,
    seed: int = 1,
    change: float = 0.0,
    since: int = 0,
    at_a_time: int = 20,
) -> Alarms:
    """Simulate months, each looked at once, and return what the alerts came to."""
    levels = np.repeat(np.array(LEVELS), AREAS)
    sizes = (levels < 5, (levels >= 5) & (levels <= 50), levels > 50)
    false, shares, shown = [], [], []
    hits: list[list[float]] = [[], [], [], []]
    for start in range(0, worlds, at_a_time):
        number = min(at_a_time, worlds - start)
        made, changed = counts(world, number, seed + start, change, since)
        p, signal = p_values_of(made, world.season)
        for one in range(number):
            is_alert = benjamini_hochberg(p[one]) <= ASKED_RATE
            is_changed = changed[one].ravel() & (since > 0)
            false.append((is_alert & ~is_changed).sum())
            shares.append(false[-1] / max(is_alert.sum(), 1))
            shown.append(signal[one].sum())
            for place, among in enumerate((np.full(levels.shape, True), *sizes)):
                hits[place] += is_alert[is_changed & among].tolist()
    found = [float(np.mean(one)) if one else float("nan") for one in hits]
    return Alarms(
        float(np.mean(false)),
        float(np.mean(shares)),
        found[0],
        (found[1], found[2], found[3]),
        float(np.mean(shown)),
    )


def main() -> None:
    """Print both tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--months", type=int, default=500, help="of each kind of series"
    )
    months = parser.parse_args().months
    print(
        "| series without change | alerts a month | months with any | chart signals |"
    )
    print("| --- | ---: | ---: | ---: |")
    for name, world in WORLDS.items():
        one = try_alarms(world, months, seed=1000)
        print(
            f"| {name} | {one.false_alerts:.3f} | {one.false_rate:.1%} "
            f"| {one.signals:.1f} |",
            flush=True,
        )
    print()
    print("| change | months since | found: under 5 | 5 to 50 | over 50 | false |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for change in (-0.1, -0.2, -0.4, 0.1, 0.2, 0.4):
        for since in (1, 2, 3, 6, 12):
            one = try_alarms(
                WORLDS["and across areas"], months // 10, 2000, change, since
            )
            shares = " | ".join(f"{share:.0%}" for share in one.found_by_size)
            print(
                f"| {change:+.0%} | {since} | {shares} | {one.false_rate:.1%} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
