"""Monthly counts as the sample force publishes them: wide, one column a month.

The counts are made on their own and do not add up to the street files: the real ones
do not either, because both are counted by different rules.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from edp_platform.sample.draws import Draws, counts_from_means
from edp_platform.sample.geography import (
    AIRPORT_IN_BOROUGH_FILES,
    AIRPORT_IN_WARD_FILES,
    Geography,
)
from edp_platform.sample.timeline import (
    STEP_FACTOR,
    Timeline,
    month_text,
)

RECENT_MONTHS = 24
_RELEASES_APART = 6
_CHANGED_SHARE = 0.065
_STEP_OFFENCES = ("Theft from Person", "THEFT FROM THE PERSON")
_BURGLARY_YEARS = range(2011, 2022)


class Offence(NamedTuple):
    """An offence: its group, its name and its count in an average month at real size.

    The peak is the month with most offences.
    """

    group: str
    name: str
    monthly: float
    peak: int = 7


BOROUGH_OFFENCES = [
    Offence("Arson and Criminal Damage", "Arson", 170),
    Offence("Arson and Criminal Damage", "Criminal Damage", 4500),
    Offence("Burglary", "Burglary Business and Community", 1300, 12),
    Offence("Burglary", "Domestic Burglary", 2900, 12),
    Offence("Drug Offences", "Drug Trafficking", 650),
    Offence("Drug Offences", "Possession of Drugs", 3300),
    Offence("Historical Fraud and Forgery", "Historical Fraud and Forgery", 0.1),
    Offence("Miscellaneous Crimes Against Society", "Bail Offences", 4),
    Offence("Miscellaneous Crimes Against Society", "Dangerous Driving", 25),
    Offence(
        "Miscellaneous Crimes Against Society",
        "Disclosure, Obstruction, False or Misleading State",
        6,
    ),
    Offence("Miscellaneous Crimes Against Society", "Handling Stolen Goods", 50),
    Offence("Miscellaneous Crimes Against Society", "Obscene Publications", 300),
    Offence("Miscellaneous Crimes Against Society", "Other Forgery", 58),
    Offence("Miscellaneous Crimes Against Society", "Other Notifiable Offences", 230),
    Offence("Miscellaneous Crimes Against Society", "Wildlife Crime", 0.2),
    Offence("Possession of Weapons", "Other Firearm Offences", 11),
    Offence("Possession of Weapons", "Possession of Article with Blade or Point", 260),
    Offence("Possession of Weapons", "Possession of Firearms Offences", 40),
    Offence("Possession of Weapons", "Possession of Other Weapon", 240),
    Offence(
        "Public Order Offences",
        "Other Offences Against the State, or Public Order",
        630,
    ),
    Offence("Public Order Offences", "Public Fear Alarm or Distress", 3500),
    Offence(
        "Public Order Offences",
        "Racially or Religiously Aggravated Public Fear, Al",
        1000,
    ),
    Offence("Public Order Offences", "Violent Disorder", 6),
    Offence("Robbery", "Robbery of Business Property", 200, 11),
    Offence("Robbery", "Robbery of Personal Property", 2400, 11),
    Offence("Sexual Offences", "Other Sexual Offences", 1400),
    Offence("Sexual Offences", "Rape", 780),
    Offence("Theft", "Bicycle Theft", 1500),
    Offence("Theft", "Other Theft", 10000, 12),
    Offence("Theft", "Shoplifting", 3300, 11),
    Offence("Theft", "Theft from Person", 4700, 12),
    Offence("Vehicle Offences", "Aggravated Vehicle Taking", 65),
    Offence("Vehicle Offences", "Interfering with a Motor Vehicle", 950, 11),
    Offence("Vehicle Offences", "Theft from a Motor Vehicle", 5600, 11),
    Offence("Vehicle Offences", "Theft or Taking of a Motor Vehicle", 2700, 11),
    Offence("Violence Against the Person", "Homicide", 10),
    Offence("Violence Against the Person", "Violence with Injury", 6800),
    Offence("Violence Against the Person", "Violence without Injury", 13800),
]

# The ward files shout, and gather what the borough files list one by one.
_WARD_OFFENCES = [
    Offence("ARSON AND CRIMINAL DAMAGE", "ARSON", 170),
    Offence("ARSON AND CRIMINAL DAMAGE", "CRIMINAL DAMAGE", 4400),
    Offence("BURGLARY", "BURGLARY BUSINESS AND COMMUNITY", 1500, 12),
    Offence("BURGLARY", "RES BURGLARY OF A HOME", 1750, 12),
    Offence("BURGLARY", "RES BURGLARY OF UNCONNECTED BUILDING", 780, 12),
    Offence("DRUG OFFENCES", "POSSESSION OF DRUGS", 1850),
    Offence("DRUG OFFENCES", "TRAFFICKING OF DRUGS", 960),
    Offence("FRAUD AND FORGERY", "FRAUD AND FORGERY", 19),
    Offence("MISCELLANEOUS CRIMES AGAINST SOCIETY", "MISC CRIMES AGAINST SOCIETY", 760),
    Offence("NFIB FRAUD", "NFIB", 4),
    Offence("POSSESSION OF WEAPONS", "POSSESSION OF WEAPONS", 400),
    Offence("PUBLIC ORDER OFFENCES", "OTHER OFFENCES PUBLIC ORDER", 630),
    Offence("PUBLIC ORDER OFFENCES", "PUBLIC FEAR ALARM OR DISTRESS", 2980),
    Offence("PUBLIC ORDER OFFENCES", "RACE OR RELIGIOUS AGG PUBLIC FEAR", 1140),
    Offence("PUBLIC ORDER OFFENCES", "VIOLENT DISORDER", 11),
    Offence("ROBBERY", "ROBBERY OF BUSINESS PROPERTY", 600, 11),
    Offence("ROBBERY", "ROBBERY OF PERSONAL PROPERTY", 2400, 11),
    Offence("SEXUAL OFFENCES", "OTHER SEXUAL OFFENCES", 1330),
    Offence("SEXUAL OFFENCES", "RAPE", 695),
    Offence("THEFT", "BICYCLE THEFT", 1390),
    Offence("THEFT", "OTHER THEFT", 8900, 12),
    Offence("THEFT", "SHOPLIFTING", 6900, 11),
    Offence("THEFT", "THEFT FROM THE PERSON", 7300, 12),
    Offence("VEHICLE OFFENCES", "AGGRAVATED VEHICLE TAKING", 38),
    Offence("VEHICLE OFFENCES", "INTERFERING WITH A MOTOR VEHICLE", 940, 11),
    Offence("VEHICLE OFFENCES", "THEFT FROM A VEHICLE", 4650, 11),
    Offence("VEHICLE OFFENCES", "THEFT OR UNAUTH TAKING OF A MOTOR VEH", 2830, 11),
    Offence("VIOLENCE AGAINST THE PERSON", "DEATH SERIOUS INJURY ILLEGAL DRIVING", 11),
    Offence("VIOLENCE AGAINST THE PERSON", "HOMICIDE", 9),
    Offence("VIOLENCE AGAINST THE PERSON", "STALKING AND HARASSMENT", 4460),
    Offence("VIOLENCE AGAINST THE PERSON", "VIOLENCE WITH INJURY", 5890),
    Offence("VIOLENCE AGAINST THE PERSON", "VIOLENCE WITHOUT INJURY", 9340),
]
# What the earlier release called them, before the offences were classed anew.
_EARLIER_NAMES = {
    "RES BURGLARY OF A HOME": "BURGLARY - RESIDENTIAL",
    "RES BURGLARY OF UNCONNECTED BUILDING": "BURGLARY - RESIDENTIAL",
    "STALKING AND HARASSMENT": "VIOLENCE WITHOUT INJURY",
    "DEATH SERIOUS INJURY ILLEGAL DRIVING": "VIOLENCE WITH INJURY",
}


@dataclass(frozen=True)
class CountsFile:
    """A wide file.

    Attributes:
        folder: The folder under the data store, or "" for its top.
        name: The file name.
        table: The rows, ready to print.
        months: The months that are columns (numbers).
    """

    folder: str
    name: str
    table: pl.DataFrame
    months: list[int]


def borough_files(
    geography: Geography, timeline: Timeline, seed: int, scale: float
) -> list[CountsFile]:
    """Return the historical file and the one of the most recent 24 months.

    Args:
        geography: The land.
        timeline: The recent file ends with its last month; the historical one ends
            where the recent one begins.
        seed: The sample's seed.
        scale: Size of the sample against the real one.
    """
    recent_from = timeline.last - RECENT_MONTHS + 1
    first = recent_from - max(12, timeline.months - RECENT_MONTHS)
    areas = pl.concat(
        [
            # The city polices itself and is not in the sample force's counts.
            geography.boroughs.filter(pl.col("borough") > 0).select(
                pl.col("name").alias("LookUp_BoroughName"), "weight"
            ),
            pl.DataFrame(
                {"LookUp_BoroughName": [AIRPORT_IN_BOROUGH_FILES], "weight": [0.02]}
            ),
        ]
    )
    counts = _counts(
        areas, BOROUGH_OFFENCES, range(first, timeline.last + 1), timeline, seed, scale
    )
    keys = ["MajorText", "MinorText", "LookUp_BoroughName"]
    order = ["LookUp_BoroughName", "MajorText", "MinorText"]
    files = []
    for name, months in (
        ("MPS Borough Level Crime (Historical).csv", range(first, recent_from)),
        (
            "MPS Borough Level Crime (most recent 24 months).csv",
            range(recent_from, timeline.last + 1),
        ),
    ):
        files.append(
            CountsFile("", name, _wide(counts, keys, order, months), list(months))
        )
    return files


def ward_files(
    geography: Geography, timeline: Timeline, seed: int, scale: float
) -> tuple[list[CountsFile], dict[str, int]]:
    """Return two releases of the ward file that overlap, and what changed.

    Returns:
        The earlier and the later release; counts of cells that both hold (same
        offence, ward and month; a row left out counts as zeros only where the other
        release holds it) and of those that differ.
    """
    last = timeline.last
    first = last - RECENT_MONTHS + 1 - _RELEASES_APART
    areas = pl.concat(
        [
            geography.wards.filter(pl.col("borough") > 0).select(
                pl.col("ward_name").alias("WardName"),
                pl.col("ward_code").alias("WardCode"),
                pl.col("borough_name").alias("LookUp_BoroughName"),
                "weight",
            ),
            pl.DataFrame(
                {
                    "WardName": ["Airfield Villages"],
                    "WardCode": ["E05990001"],
                    "LookUp_BoroughName": [AIRPORT_IN_WARD_FILES],
                    "weight": [geography.wards["weight"].mean()],
                }
            ),
        ]
    )
    later = _counts(
        areas, _WARD_OFFENCES, range(first, last + 1), timeline, seed, scale
    )
    earlier = _as_earlier_release(later, seed)
    keys = ["MajorText", "MinorText", "WardName", "WardCode", "LookUp_BoroughName"]
    order = ["LookUp_BoroughName", "WardCode", "MajorText", "MinorText"]
    files = []
    for counts, end in ((earlier, last - _RELEASES_APART), (later, last)):
        months = range(end - RECENT_MONTHS + 1, end + 1)
        files.append(
            CountsFile(
                # Named after the month in which it came out.
                f"release_{month_text(end + 1)}",
                "MPS Ward Level Crime (most recent 24 months).csv",
                _wide(counts, keys, order, months),
                list(months),
            )
        )
    return files, _changed_cells(files[0], files[1], keys)


def burglary_table(geography: Geography, seed: int, scale: float) -> pl.DataFrame:
    """Return yearly burglaries by 2011 LSOA, years as columns, decimals as received."""
    cells = geography.cells.filter(pl.col("borough") > 0)
    draws = Draws(seed, "burglary")
    yearly = 60_000 * scale / float(cells["weight"].sum())
    years = [
        cells.with_columns(
            draws.frame(cells.height, f"{year}a", f"{year}b").rename(
                {f"{year}a": "a", f"{year}b": "b"}
            )
        )
        .select(
            counts_from_means(
                pl.col("weight") * yearly * (1 - 0.04 * (year - 2011)),
                pl.col("a"),
                pl.col("b"),
            )
            .cast(pl.Float64)
            .alias(str(year))
        )
        .to_series()
        for year in _BURGLARY_YEARS
    ]
    return cells.select(
        pl.col("lsoa_code").alias("LSOA11CD"),
        pl.col("lsoa_name").alias("LSOA11NM"),
        pl.col("msoa_code").alias("MSOA11CD"),
        pl.col("msoa_name").alias("MSOA11NM"),
        pl.col("borough_code").alias("LAD11CD"),
        pl.col("borough_name").alias("LAD11NM"),
    ).hstack(years)


def _counts(
    areas: pl.DataFrame,
    offences: list[Offence],
    months: range,
    timeline: Timeline,
    seed: int,
    scale: float,
) -> pl.DataFrame:
    """Return one row an offence, area and month, with ``month`` and ``crimes``."""
    table = pl.DataFrame(
        {
            "MajorText": [offence.group for offence in offences],
            "MinorText": [offence.name for offence in offences],
            "monthly": [float(offence.monthly) for offence in offences],
            "peak": [offence.peak for offence in offences],
        }
    )
    when = pl.DataFrame({"month": list(months)}, schema={"month": pl.Int32})
    total = float(areas["weight"].sum())
    rows = areas.join(table, how="cross").join(when, how="cross")
    draws = Draws(seed, "counts", offences[0].name).frame(rows.height, "a", "b")
    turn = (pl.col("month") % 12 + 1 - pl.col("peak")) * (2 * math.pi / 12)
    step = (
        pl.when(
            pl.col("MinorText").is_in(_STEP_OFFENCES)
            & (pl.col("month") >= timeline.step_from)
        )
        .then(STEP_FACTOR)
        .otherwise(1.0)
    )
    mean = (
        pl.col("monthly")
        * scale
        * pl.col("weight")
        / total
        * (1 + 0.1 * turn.cos())
        * step
    )
    return (
        rows.hstack(draws)
        .with_columns(crimes=counts_from_means(mean, pl.col("a"), pl.col("b")))
        .drop("monthly", "peak", "weight", "a", "b")
    )


def _as_earlier_release(later: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return what was counted before cells were corrected and offences reclassed."""
    draws = Draws(seed, "earlier counts").frame(later.height, "a", "b")
    change = (
        pl.when(pl.col("a") >= _CHANGED_SHARE)
        .then(0)
        .when(pl.col("b") < 0.5)
        .then(1)
        .otherwise(-1)
    )
    keys = [column for column in later.columns if column != "crimes"]
    return (
        later.hstack(draws)
        .with_columns(
            MinorText=pl.col("MinorText").replace(_EARLIER_NAMES),
            crimes=(pl.col("crimes") + change).clip(lower_bound=0),
        )
        .group_by(keys, maintain_order=True)
        .agg(pl.col("crimes").sum())
    )


def _wide(
    counts: pl.DataFrame, keys: list[str], order: list[str], months: range
) -> pl.DataFrame:
    """Turn months into columns, and leave out rows without any crime."""
    columns = [month_text(month).replace("-", "") for month in months]
    wide = (
        counts.filter(pl.col("month").is_in(list(months)))
        .with_columns(
            month=pl.col("month").replace_strict(
                dict(zip(months, columns, strict=True)), return_dtype=pl.String
            )
        )
        .pivot("month", index=keys, values="crimes")
    )
    return (
        wide.filter(pl.sum_horizontal(columns) > 0).sort(order).select(*keys, *columns)
    )


def _changed_cells(
    earlier: CountsFile, later: CountsFile, keys: list[str]
) -> dict[str, int]:
    shared = [month for month in earlier.months if month in later.months]
    columns = [month_text(month).replace("-", "") for month in shared]
    both = earlier.table.select(*keys, *columns).join(
        later.table.select(*keys, *columns), on=keys, suffix=" later"
    )
    changed = both.select(
        pl.sum_horizontal(
            (pl.col(column) != pl.col(f"{column} later")).sum() for column in columns
        )
    ).item()
    return {
        "rows_in_both": both.height,
        "cells_in_both": both.height * len(columns),
        "cells_changed": int(changed),
        "rows_added": later.table.height - both.height,
        "rows_removed": earlier.table.height - both.height,
    }


def unquoted_lines(table: pl.DataFrame) -> list[int]:
    """Return the line numbers of rows whose texts hold no comma (first 200 rows)."""
    texts = [name for name, kind in table.schema.items() if kind == pl.String]
    found = (
        table.head(200)
        .select(
            pl.arg_where(
                ~pl.any_horizontal(
                    pl.col(text).str.contains(",", literal=True) for text in texts
                )
            )
        )
        .to_series()
    )
    return [position + 2 for position in found.to_list()]
