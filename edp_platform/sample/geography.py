"""The made-up land: boroughs, LSOAs of 2011 and 2021, wards, and map points.

Boroughs are the cells of a grid with shifted corners, so they meet without gap or
overlap; LSOAs are cells inside a borough. A point made from its LSOA's cell therefore
lies in the right borough, and a point-in-polygon test can be held against the codes.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from edp_platform.sample.draws import Draws

CITY_NAME = "Sample City"
AIRPORT_IN_BOROUGH_FILES = "London Heathrow and London City Airports"
AIRPORT_IN_WARD_FILES = "Aviation Security (SO18)"
NO_LOCATION = "No Location"
NO_LOCATION_IN_OUTCOMES = "No location"
NO_STREET_NAME = "On or near "
SPELT_TWO_WAYS = ("Millbrook upon Wend", "Millbrook Upon Wend")
NAMED_CITY_IN_SURVEY = ("Norminster", "City of Norminster")

# In the order of their codes: the city first, then by alphabet, as the real ones are.
BOROUGH_NAMES = [
    CITY_NAME,
    "Alderwick",
    "Ashmere and Thornley",
    "Bexcombe",
    "Brackenfold",
    "Carrowdale",
    "Chalkmere",
    "Dunsmoor",
    "Eastlow",
    "Elmsgate",
    "Fennimore",
    "Grantlow",
    "Harrowmead",
    "Hartsbourne and Fold",
    "Holmebury",
    "Kestrel Hill",
    "Kingsmere upon Wend",
    "Langmere",
    "Marlingate",
    "Millbrook upon Wend",
    "Netherfold",
    "Norminster",
    "Oakhallow",
    "Penfold and Marsh",
    "Ravensmoor",
    "Redmarsh",
    "Saltmarsh Quays",
    "Stanmoor Forest",
    "Thornhallow",
    "Uxmere",
    "Wendlow",
    "Westhallow",
    "Wychmoor",
]

_COLUMNS, _ROWS = 7, 5
_WEST, _SOUTH = -0.48, 51.31
_WIDTH, _HEIGHT = 0.11, 0.076
_CITY_CELL = (3, 2)
# Two corners of the grid lie outside the region: crimes are now and then put there.
_OUTSIDE_CELLS = [(0, 0), (6, 4)]
OUTSIDE_LSOAS = [
    ("E01990001", "Farshire 001A"),
    ("E01990002", "Lower Wealdham 004C"),
]

_LSOA_GRID = {"small": (4, 3), "medium": (10, 6), "met": (15, 10)}
_POINTS_BY_LSOA = {"small": 6, "medium": 8, "met": 8}
_WARDS_BY_BOROUGH = {"small": 4, "medium": 12, "met": 20}
_LSOAS_BY_MSOA = 5

_WARD_NAMES = [
    "Abbey", "Alders", "Bankside", "Beacon", "Bridge", "Brook", "Canal", "Castle",
    "Chapel", "Common", "Coppice", "Cross", "Dell", "Fairfield", "Fieldway", "Forge",
    "Gate", "Grange", "Green Lanes", "Grove", "Heath", "High Street", "Hollows",
    "Kiln", "Lea", "Manor", "Market", "Meadow", "Mill", "Orchard", "Park", "Priory",
    "Quarry", "River", "St Alban's", "St Mark's", "Station", "Town", "Vale", "Wharf",
]  # fmt: skip
STREET_FIRST = [
    "Abbot", "Acorn", "Alma", "Anchor", "Ashdown", "Barley", "Beech", "Bell", "Birch",
    "Bishop", "Bridle", "Broom", "Carter", "Cedar", "Chestnut", "Clover", "Cooper",
    "Coronation", "Dove", "Elder", "Factory", "Falcon", "Fern", "Fletcher", "Foundry",
    "Garnet", "Gilbert", "Hawthorn", "Hazel", "Heron", "Hop", "Ivy", "Juniper",
    "Lantern", "Larch", "Linden", "Mason", "Maple", "Mercer", "Mulberry", "Nettle",
    "Nightingale", "Osier", "Pepper", "Plough", "Poplar", "Quince", "Rook", "Rose",
    "Rowan", "Saddler", "Sorrel", "Spinner", "Tanner", "Thistle", "Union", "Victoria",
    "Weaver", "Willow", "Yew",
]  # fmt: skip
STREET_LAST = [
    "Street", "Road", "Lane", "Close", "Avenue", "Gardens", "Way", "Court", "Mews",
    "Place", "Terrace", "Row",
]  # fmt: skip
_PUBLIC_PLACES = [
    "Supermarket", "Shopping Area", "Parking Area", "Petrol Station",
    "Police Station", "Nightclub", "Park/Open Space", "Sports/Recreation Area",
    "Pedestrian Subway", "Conference/Exhibition Centre", "Hospital",
    "Clôs Y Gât", "Café Row",
]  # fmt: skip


@dataclass(frozen=True)
class Geography:
    """Everything that has a place. Rows are numbered from 0 in the order given.

    Attributes:
        boroughs: borough, borough_code, name, weight, ring (list of [lon, lat]), x, y.
        cells: One row a 2011 LSOA: cell, borough, lsoa_code, lsoa_name, msoa_code,
            msoa_name, borough_code, borough_name, ward_code, ward_name, weight.
        lsoas_2021: The same codes and names as of 2021, with borough.
        lsoa_changes: One row a pair of 2011 and 2021 LSOA that overlap.
        wards: The wards of the crime files: borough, borough_name, ward_code,
            ward_name, weight.
        points: One row a map point, then one a point outside the region, and last
            the row that stands for no location.
        nowhere: The number of that last row.
    """

    boroughs: pl.DataFrame
    cells: pl.DataFrame
    lsoas_2021: pl.DataFrame
    lsoa_changes: pl.DataFrame
    wards: pl.DataFrame
    points: pl.DataFrame
    nowhere: int

    def polygon(self, borough: int) -> list[list[float]]:
        """Return the closed ring of a borough as [longitude, latitude] pairs."""
        ring: list[list[float]] = self.boroughs["ring"][borough].to_list()
        return [*ring, ring[0]]


def make_geography(size: str, seed: int) -> Geography:
    """Make the land of a sample.

    Args:
        size: "small", "medium" or "met": how fine the LSOAs and wards are.
        seed: The sample's seed.
    """
    boroughs = _boroughs(seed)
    cells = _cells(size, seed, boroughs)
    cells, lsoas_2021, changes = _changes(cells)
    points = _points(size, seed, boroughs, cells)
    return Geography(
        boroughs=boroughs,
        cells=cells,
        lsoas_2021=lsoas_2021,
        lsoa_changes=changes,
        wards=_wards(size, cells),
        points=points,
        nowhere=points.height - 1,
    )


def _boroughs(seed: int) -> pl.DataFrame:
    draws = Draws(seed, "boroughs")
    corners = [
        [
            (
                _WEST + (x + 0.24 * (draws.number(f"x{x}.{y}") - 0.5)) * _WIDTH,
                _SOUTH + (y + 0.24 * (draws.number(f"y{x}.{y}") - 0.5)) * _HEIGHT,
            )
            for y in range(_ROWS + 1)
        ]
        for x in range(_COLUMNS + 1)
    ]
    taken = {_CITY_CELL, *_OUTSIDE_CELLS}
    free = [(x, y) for y in range(_ROWS) for x in range(_COLUMNS)]
    free = [cell for cell in free if cell not in taken]
    # Neighbours by alphabet should not be neighbours on the map.
    free.sort(key=lambda cell: draws.number(f"order{cell}"))
    rows = []
    for number, (name, (x, y)) in enumerate(
        zip(BOROUGH_NAMES, [_CITY_CELL, *free], strict=True)
    ):
        ring = [
            [round(longitude, 5), round(latitude, 5)]
            for longitude, latitude in (
                corners[x][y],
                corners[x + 1][y],
                corners[x + 1][y + 1],
                corners[x][y + 1],
            )
        ]
        rows.append(
            {
                "borough": number,
                "borough_code": f"E09000{901 + number}",
                "name": name,
                "weight": 0.5 + 1.3 * draws.number(f"weight{number}"),
                "ring": ring,
                "x": x,
                "y": y,
            }
        )
    return pl.DataFrame(rows)


def _cells(size: str, seed: int, boroughs: pl.DataFrame) -> pl.DataFrame:
    columns, rows = _LSOA_GRID[size]
    number = columns * rows
    wards = _WARDS_BY_BOROUGH[size]
    total = boroughs.height * number
    draws = Draws(seed, "cells").frame(total, "weight")
    within = pl.col("within")
    msoa = within // _LSOAS_BY_MSOA
    msoas = -(-number // _LSOAS_BY_MSOA)
    letters = pl.Series(list("ABCDE"))
    return (
        pl.DataFrame({"cell": pl.int_range(total, eager=True)})
        .with_columns(
            borough=pl.col("cell") // number,
            within=pl.col("cell") % number,
            # Crime is uneven: a few LSOAs hold much of it.
            weight=0.4 + 3.0 * draws["weight"].pow(4),
        )
        .join(
            boroughs.select(
                "borough", "borough_code", pl.col("name").alias("borough_name")
            ),
            on="borough",
            how="left",
            maintain_order="left",
        )
        .with_columns(
            column=within % columns,
            row=within // columns,
            msoa=msoa,
            lsoa_code=pl.lit("E01") + (900_001 + pl.col("cell")).cast(pl.String),
            msoa_code=pl.lit("E02")
            + (900_001 + pl.col("borough") * msoas + msoa).cast(pl.String),
            msoa_name=pl.col("borough_name")
            + " "
            + (msoa + 1).cast(pl.String).str.zfill(3),
            ward=pl.col("borough") * wards + within * wards // number,
        )
        .with_columns(
            lsoa_name=pl.col("msoa_name")
            + letters.gather(
                pl.Series([c % number % _LSOAS_BY_MSOA for c in range(total)])
            ),
            ward_code=pl.lit("E05") + (900_001 + pl.col("ward")).cast(pl.String),
            ward_name=_ward_name(pl.col("ward"), wards),
        )
    )


def _ward_name(ward: pl.Expr, wards: int) -> pl.Expr:
    names = pl.Series(_WARD_NAMES)
    position = (ward // wards * 11 + ward % wards) % len(_WARD_NAMES)
    return position.replace_strict(dict(enumerate(names)), return_dtype=pl.String)


def _changes(
    cells: pl.DataFrame,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Split some LSOAs and merge others between 2011 and 2021."""
    within = pl.col("within")
    split = within % 24 == 5
    merged = within.is_in([8, 9]) & (pl.col("borough") % 3 == 0)
    cells = cells.with_columns(
        fate=pl.when(split).then(1).when(merged).then(2).otherwise(0)
    )
    halves = pl.concat(
        [
            cells.with_columns(half=pl.lit(0)),
            cells.filter(pl.col("fate") == 1).with_columns(half=pl.lit(1)),
        ]
    ).sort("cell", "half")
    # The second of two merged LSOAs takes the code of the first.
    owner = pl.when((pl.col("fate") == 2) & (pl.col("within") == 9)).then(
        pl.col("cell") - 1
    )
    halves = halves.with_columns(
        new_key=owner.otherwise(pl.col("cell")) * 2 + pl.col("half")
    )
    new_keys = (
        halves.filter(pl.col("fate") > 0)
        .unique("new_key", keep="first", maintain_order=True)
        .with_row_index("new_number")
        .with_columns(
            # Real new LSOAs take the next free letters of their MSOA.
            new_letter=pl.int_range(pl.len()).over("msoa_code")
        )
        .select(
            "new_key",
            new_code=pl.lit("E01")
            + (930_001 + pl.col("new_number").cast(pl.Int64)).cast(pl.String),
            new_name=pl.col("msoa_name")
            + pl.col("new_letter").replace_strict(
                dict(enumerate("FGHIJKLMN")), return_dtype=pl.String
            ),
        )
    )
    halves = halves.join(new_keys, on="new_key", how="left", maintain_order="left")
    halves = halves.with_columns(
        lsoa_2021_code=pl.coalesce("new_code", "lsoa_code"),
        lsoa_2021_name=pl.coalesce("new_name", "lsoa_name"),
    )
    area = (
        pl.when(pl.col("fate") == 1)
        .then(pl.when(pl.col("half") == 0).then(0.493).otherwise(0.507))
        .otherwise(1.0)
    )
    changes = halves.select(
        pl.col("lsoa_code").alias("LSOA11CD"),
        pl.col("lsoa_name").alias("LSOA11NM"),
        pl.col("lsoa_2021_code").alias("LSOA21CD"),
        pl.col("lsoa_2021_name").alias("LSOA21NM"),
        area.alias("share_of_lsoa11_area"),
        pl.when(pl.col("fate") == 1)
        .then(0.998)
        .when(pl.col("fate") == 2)
        .then(0.5)
        .otherwise(1.0)
        .alias("share_of_lsoa21_area"),
        pl.when(pl.col("fate") == 0)
        .then(pl.lit("code unchanged"))
        .otherwise(pl.lit("area overlap"))
        .alias("method"),
    )
    lsoas_2021 = halves.unique("lsoa_2021_code", keep="first", maintain_order=True)
    halves_by_cell = halves.group_by("cell", maintain_order=True).agg(
        pl.col("lsoa_2021_code").first().alias("west_2021_code"),
        pl.col("lsoa_2021_name").first().alias("west_2021_name"),
        pl.col("lsoa_2021_code").last().alias("east_2021_code"),
        pl.col("lsoa_2021_name").last().alias("east_2021_name"),
    )
    cells = cells.join(halves_by_cell, on="cell", how="left", maintain_order="left")
    return cells, lsoas_2021, changes


def _points(
    size: str, seed: int, boroughs: pl.DataFrame, cells: pl.DataFrame
) -> pl.DataFrame:
    columns, rows = _LSOA_GRID[size]
    each = _POINTS_BY_LSOA[size]
    total = cells.height * each
    draws = Draws(seed, "points").frame(
        total, "across", "up", "weight", "first", "last", "public", "spell"
    )
    corner = boroughs.select(
        "borough",
        pl.col("weight").alias("borough_weight"),
        *(
            pl.col("ring").list.get(position).list.get(axis).alias(f"{name}{position}")
            for position in range(4)
            for axis, name in enumerate(("lon", "lat"))
        ),
    )
    across = (pl.col("column") + 0.04 + 0.92 * pl.col("across")) / columns
    up = (pl.col("row") + 0.04 + 0.92 * pl.col("up")) / rows

    def between(name: str) -> pl.Expr:
        return (
            pl.col(f"{name}0") * (1 - across) * (1 - up)
            + pl.col(f"{name}1") * across * (1 - up)
            + pl.col(f"{name}2") * across * up
            + pl.col(f"{name}3") * (1 - across) * up
        )

    east = (pl.col("across") >= 0.5) & (pl.col("fate") == 1)
    street = (
        (pl.col("first") * len(STREET_FIRST))
        .cast(pl.Int64)
        .replace_strict(dict(enumerate(STREET_FIRST)), return_dtype=pl.String)
        + " "
        + (pl.col("last") * len(STREET_LAST))
        .cast(pl.Int64)
        .replace_strict(dict(enumerate(STREET_LAST)), return_dtype=pl.String)
    )
    public = (
        (pl.col("first") * len(_PUBLIC_PLACES))
        .cast(pl.Int64)
        .replace_strict(dict(enumerate(_PUBLIC_PLACES)), return_dtype=pl.String)
    )
    inside = (
        cells.rename({"weight": "cell_weight"})
        .select(pl.all().repeat_by(each).explode())
        .hstack(draws)
        .join(corner, on="borough", how="left", maintain_order="left")
        .select(
            "borough",
            longitude=_six_decimals(between("lon")),
            latitude=_six_decimals(between("lat")),
            location=pl.lit(NO_STREET_NAME)
            + pl.when(pl.col("public") < 0.15).then(public).otherwise(street),
            lsoa_2011_code="lsoa_code",
            lsoa_2011_name="lsoa_name",
            lsoa_2021_code=pl.when(east)
            .then(pl.col("east_2021_code"))
            .otherwise(pl.col("west_2021_code")),
            lsoa_2021_name=pl.when(east)
            .then(pl.col("east_2021_name"))
            .otherwise(pl.col("west_2021_name")),
            loses_name=pl.col("spell") < 0.02,
            weight=pl.col("borough_weight")
            * pl.col("cell_weight")
            * (0.3 + 2.0 * pl.col("weight").pow(3))
            / cells.height,
        )
    )
    outside = pl.DataFrame(
        [
            {
                "longitude": f"{_WEST + (x + 0.5) * _WIDTH:.6f}",
                "latitude": f"{_SOUTH + (y + 0.5) * _HEIGHT:.6f}",
                "location": f"{NO_STREET_NAME}Farshire Turnpike",
                "lsoa_2011_code": code,
                "lsoa_2011_name": name,
                "lsoa_2021_code": code,
                "lsoa_2021_name": name,
                "loses_name": False,
                "weight": 0.0,
            }
            for (x, y), (code, name) in zip(_OUTSIDE_CELLS, OUTSIDE_LSOAS, strict=True)
        ]
    )
    nowhere = pl.DataFrame(
        {"location": [NO_LOCATION], "loses_name": [False], "weight": [0.0]}
    )
    return pl.concat([inside, outside, nowhere], how="diagonal")


def _six_decimals(value: pl.Expr) -> pl.Expr:
    """Write a coordinate as police.uk does, with all six decimals."""
    millionths = (value.abs() * 1_000_000).round().cast(pl.Int64)
    sign = pl.when(value < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    whole = (millionths // 1_000_000).cast(pl.String)
    return sign + whole + "." + (millionths % 1_000_000).cast(pl.String).str.zfill(6)


def _wards(size: str, cells: pl.DataFrame) -> pl.DataFrame:
    """Return the wards of the later elections, most of them with new codes."""
    each = _WARDS_BY_BOROUGH[size]
    old = cells.group_by("ward", maintain_order=True).agg(
        pl.col("borough", "borough_name", "ward_code", "ward_name").first(),
        pl.col("weight").sum(),
    )
    # One borough in five was not redrawn: the real ward file finds 22 % of its codes
    # in the 2019 lookup.
    redrawn = pl.col("borough") % 5 != 3
    return old.with_columns(
        ward_code=pl.when(redrawn)
        .then(pl.lit("E05") + (950_001 + pl.col("ward")).cast(pl.String))
        .otherwise(pl.col("ward_code")),
        ward_name=pl.when(redrawn & (pl.col("ward") % each % 4 == 3))
        .then(pl.col("ward_name") + " & Lower Wend")
        .otherwise(pl.col("ward_name")),
    )
