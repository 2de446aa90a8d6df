"""Reference files: lookups, population, deprivation, ethnic groups and boundaries."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from edp_platform.sample.draws import Draws
from edp_platform.sample.geography import Geography
from edp_platform.sample.population import CENSUS_GROUPS, Population
from edp_platform.sample.profile_indicators import PROFILE_INDICATORS
from edp_platform.sample.spreadsheets import Cell, write_workbook
from edp_platform.sample.writing import write_table

ETHNIC_WORKBOOK = "ethnic-groups-by-borough.xlsx"
PROFILE_WORKBOOK = "london-borough-profilesV2.xlsx"
BOUNDARIES = "london_boroughs_2022.geojson"

_NATIONAL_LSOAS_2019 = 32_844
_NATIONAL_LSOAS_2021 = 33_755
_DOMAINS_2019 = [
    (
        "Index of Multiple Deprivation (IMD) Score",
        "Index of Multiple Deprivation (IMD)",
    ),
    ("Income Score (rate)", "Income"),
    ("Employment Score (rate)", "Employment"),
    ("Education, Skills and Training Score", "Education, Skills and Training"),
    ("Health Deprivation and Disability Score", "Health Deprivation and Disability"),
    ("Crime Score", "Crime"),
    ("Barriers to Housing and Services Score", "Barriers to Housing and Services"),
    ("Living Environment Score", "Living Environment"),
]
_RANK = "Rank (where 1 is most deprived)"
_DECILE = "Decile (where 1 is most deprived 10% of LSOAs)"
_OTHER_AREAS = [
    ("E06900001", "North Farshire"),
    ("E06900002", "South Farshire"),
    ("E06900003", "Wealdham & Marle"),
    ("W06900001", "Cwm Derw"),
]
_WORKBOOK_GROUPS = ["White", "Asian", "Black", "Mixed/ Other"]
_WORKBOOK_YEARS = range(2018, 2011, -1)
_WORKBOOK_REGIONS = [
    [("E12900007", "Sample Region"), ("E12900008", "Farshire and Weald")],
    [("W92900004", "Cwm Derw"), ("K02900001", "Sample Kingdom")],
]
_PROFILE_REGIONS = [
    ("E13900001", "Inner Sample Region"),
    ("E13900002", "Outer Sample Region"),
    ("E12900007", "Sample Region"),
    ("E92900001", "Sampleland"),
    ("K02900001", "Sample Kingdom"),
]
_COUNTRIES = ["Arden", "Borsovia", "Costa Linda", "Dunland", "Estmark"]
_PARTIES = ["Lab", "Cons", "Lib Dem", "No Overall Control"]


def write_reference(
    folder: Path, geography: Geography, population: Population, seed: int
) -> dict[str, dict[str, object]]:
    """Write all reference files.

    Args:
        folder: Where to write; it is made.
        geography: The land.
        population: Its residents.
        seed: The sample's seed.

    Returns:
        File name to data set and, where it is plain to count, rows.
    """
    tables = {
        "lsoa2011_msoa2011_lad2011_london.csv": (
            "lsoa_2011_to_borough",
            _lsoa_2011(geography),
        ),
        "lsoa2021_msoa2021_lad2022_london.csv": (
            "lsoa_2021_to_borough",
            _lsoa_2021(geography),
        ),
        "lsoa2011_ward2019_lad2019_london.csv": (
            "lsoa_2011_to_ward_2019",
            _wards_2019(geography),
        ),
        "lsoa2011_to_lsoa2021_london_derived.csv": (
            "lsoa_2011_to_lsoa_2021",
            geography.lsoa_changes,
        ),
        "lsoa2011_population_mid2020_london.csv": (
            "population_mid_2020",
            _lsoa_2011(geography).hstack(population.by_lsoa.drop("cell", "borough")),
        ),
        "imd2019_lsoa2011_london.csv": (
            "deprivation_2019",
            _deprivation_2019(geography, seed),
        ),
        "imd2025_lsoa2021_london.csv": (
            "deprivation_2025",
            _deprivation_2025(geography, seed),
        ),
        "census2021_ethnic_group_by_local_authority.csv": (
            "census_2021_ethnic_group",
            _census(geography, population, seed),
        ),
    }
    written: dict[str, dict[str, object]] = {}
    for name, (data_set, table) in tables.items():
        write_table(folder / name, table)
        written[name] = {"data_set": data_set, "rows": table.height}
    _write_boundaries(folder / BOUNDARIES, geography)
    written[BOUNDARIES] = {
        "data_set": "borough_boundaries",
        "rows": geography.boroughs.height,
    }
    sheets = _ethnic_sheets(geography, population, seed)
    write_workbook(folder / ETHNIC_WORKBOOK, sheets)
    written[ETHNIC_WORKBOOK] = {
        "data_set": "borough_ethnic_group",
        "rows": sum(_rows_with_code(rows) for _, rows in sheets[1:]),
    }
    profiles = _profile_rows(geography, seed)
    write_workbook(folder / PROFILE_WORKBOOK, [("london-borough-profilesV2", profiles)])
    written[PROFILE_WORKBOOK] = {
        "data_set": "borough_profiles",
        "rows": len(profiles) - 1,
    }
    return written


def _rows_with_code(rows: list[list[Cell]]) -> int:
    return sum(1 for row in rows[2:] if row and row[0])


def _lsoa_2011(geography: Geography) -> pl.DataFrame:
    return geography.cells.select(
        pl.col("lsoa_code").alias("LSOA11CD"),
        pl.col("lsoa_name").alias("LSOA11NM"),
        pl.col("msoa_code").alias("MSOA11CD"),
        pl.col("msoa_name").alias("MSOA11NM"),
        pl.col("borough_code").alias("LAD11CD"),
        pl.col("borough_name").alias("LAD11NM"),
    )


def _lsoa_2021(geography: Geography) -> pl.DataFrame:
    return geography.lsoas_2021.select(
        pl.col("lsoa_2021_code").alias("LSOA21CD"),
        pl.col("lsoa_2021_name").alias("LSOA21NM"),
        pl.col("msoa_code").alias("MSOA21CD"),
        pl.col("msoa_name").alias("MSOA21NM"),
        pl.col("borough_code").alias("LAD22CD"),
        pl.col("borough_name").alias("LAD22NM"),
    ).sort("LSOA21CD")


def _wards_2019(geography: Geography) -> pl.DataFrame:
    return geography.cells.sort("ward_code", "cell").select(
        pl.int_range(28_001, 28_001 + pl.len()).alias("FID"),
        pl.col("lsoa_code").alias("LSOA11CD"),
        pl.col("lsoa_name").alias("LSOA11NM"),
        pl.col("ward_code").alias("WD19CD"),
        pl.col("ward_name").alias("WD19NM"),
        pl.col("borough_code").alias("LAD19CD"),
        pl.col("borough_name").alias("LAD19NM"),
    )


def _rank(score: pl.Expr, national: int) -> pl.Expr:
    """Rank an LSOA nationally; ranks of one region leave gaps, as the real ones do."""
    place = score.rank("ordinal", descending=True).cast(pl.Int64)
    return 1 + (place - 1) * (national - 1) // pl.len()


def _decile(rank: pl.Expr, national: int) -> pl.Expr:
    return (rank - 1) * 10 // national + 1


def _deprivation_2019(geography: Geography, seed: int) -> pl.DataFrame:
    cells = geography.cells
    draws = Draws(seed, "deprivation 2019").frame(
        cells.height, *(name for _, name in _DOMAINS_2019)
    )
    # Where there is more crime there is more deprivation, loosely.
    base = (cells["weight"] / cells["weight"].max()).rename("base")
    frame = draws.hstack([base])
    columns: list[pl.Expr] = []
    for heading, name in _DOMAINS_2019:
        top = 0.6 if "rate" in heading else 60.0
        value = (0.35 * pl.col("base") + 0.65 * pl.col(name)) * top
        if name.startswith(("Health", "Crime")):
            value = value / 15.0 - 2.0
        rank = _rank(value, _NATIONAL_LSOAS_2019)
        columns += [
            value.round(3).alias(heading),
            rank.alias(f"{name} {_RANK}"),
            _decile(rank, _NATIONAL_LSOAS_2019).alias(f"{name} {_DECILE}"),
        ]
    return cells.select(
        pl.col("lsoa_code").alias("geography code"),
        pl.col("lsoa_name").alias("LSOA name (2011)"),
        pl.col("borough_code").alias("Local Authority District code (2019)"),
        pl.col("borough_name").alias("Local Authority District name (2019)"),
    ).hstack(frame.select(columns))


def _deprivation_2025(geography: Geography, seed: int) -> pl.DataFrame:
    lsoas = geography.lsoas_2021.sort("lsoa_2021_code")
    draws = Draws(seed, "deprivation 2025").frame(lsoas.height, "value")
    score = (lsoas["weight"] / 4 + draws["value"]).rename("score")
    rank = _rank(pl.col("score"), _NATIONAL_LSOAS_2021)
    ranks = score.to_frame().select(
        rank.alias(f"Index of Multiple Deprivation (IMD) {_RANK}"),
        # The heading is cut off in the file as received.
        _decile(rank, _NATIONAL_LSOAS_2021).alias(
            f"Index of Multiple Deprivation (IMD) {_DECILE}".removesuffix("s)")
        ),
    )
    return lsoas.select(
        pl.col("lsoa_2021_code").alias("LSOA code (2021)"),
        pl.col("lsoa_2021_name").alias("LSOA name (2021)"),
        pl.col("borough_code").alias("Local Authority District code (2024)"),
        pl.col("borough_name").alias("Local Authority District name (2024)"),
    ).hstack(ranks)


def _census(geography: Geography, population: Population, seed: int) -> pl.DataFrame:
    names = {code: name for code, name, _ in CENSUS_GROUPS}
    inside = population.by_ethnic_group.join(
        geography.boroughs.select("borough", "borough_code", "name"),
        on="borough",
        how="left",
        maintain_order="left",
    )
    draws = Draws(seed, "census elsewhere")
    elsewhere = pl.DataFrame(
        [
            {
                "borough_code": code,
                "name": name,
                "code": group,
                "people": 0
                if group < 0
                else round(
                    (90_000 if group == 4 else 6_000) * draws.number(f"{code}{group}")
                ),
            }
            for code, name in _OTHER_AREAS
            for group in names
        ]
    )
    return pl.concat(
        [inside.select("borough_code", "name", "code", "people"), elsewhere]
    ).select(
        pl.col("borough_code").alias("Upper tier local authorities Code"),
        pl.col("name").alias("Upper tier local authorities"),
        pl.col("code").alias("Ethnic group (8 categories) Code"),
        pl.col("code")
        .replace_strict(names, return_dtype=pl.String)
        .alias("Ethnic group"),
        pl.col("people").alias("Observation"),
    )


def _write_boundaries(path: Path, geography: Geography) -> None:
    features = []
    for borough in geography.boroughs.iter_rows(named=True):
        rings: list[object] = [geography.polygon(borough["borough"])]
        several = borough["borough"] % 8 == 5
        features.append(
            {
                "type": "Feature",
                "properties": {
                    "LAD22NM": borough["name"],
                    "LAD22CD": borough["borough_code"],
                },
                "geometry": {
                    "type": "MultiPolygon" if several else "Polygon",
                    "coordinates": [rings] if several else rings,
                },
            }
        )
    content = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")


def _ethnic_sheets(
    geography: Geography, population: Population, seed: int
) -> list[tuple[str, list[list[Cell]]]]:
    metadata: list[list[Cell]] = [
        ["Name", "Ethnic Group Statistics"],
        ["ShortName", "Ethnic Group Statistics"],
        [],
        ["Title", "Population by Ethnic Group by borough"],
        ["Publisher", "Made up for the sample force"],
        ["Measures", "Numbers"],
        ["Warnings/Notes", "Figures may not add exactly due to rounding."],
        [None, "Numbers rounded to nearest thousand"],
        [None, 'Cells with a value of "-" have been supressed'],
    ]
    people = (
        population.by_ethnic_group.filter(pl.col("code") > 0)
        .with_columns(
            group=pl.col("code").replace_strict(
                {1: 1, 2: 2, 3: 3, 4: 0, 5: 0, 6: 0, 7: 3}
            )
        )
        .group_by("borough", "group")
        .agg(pl.col("people").sum())
    )
    by_borough: dict[int, list[int]] = {}
    for borough, group, number in people.iter_rows():
        by_borough.setdefault(borough, [0, 0, 0, 0])[group] = number
    names = geography.boroughs.select("borough", "borough_code", "name").rows()
    draws = Draws(seed, "ethnic workbook")
    sheets = [("Metadata", metadata)]
    for year in _WORKBOOK_YEARS:
        heads: list[Cell] = [*_WORKBOOK_GROUPS, "Total"]
        rows: list[list[Cell]] = [
            ["Code", "Area", "Number", *[None] * 5, "95% Confidence Interval"],
            [None, None, *heads, None, *heads],
            [],
        ]
        total = [0, 0, 0, 0]
        for borough, code, name in names:
            growth = 1 - 0.008 * (2018 - year) + 0.02 * draws.number(f"{year}{code}")
            values = [int(round(number * growth, -3)) for number in by_borough[borough]]
            total = [a + b for a, b in zip(total, values, strict=True)]
            rows.append(_ethnic_row(code, name, values, suppressed=borough == 0))
        for number, block in enumerate(_WORKBOOK_REGIONS):
            rows.append([])
            for position, (code, name) in enumerate(block):
                # The first region is the sum of the boroughs, the others surround it.
                times = 1 if number == position == 0 else 3 + 2 * number + position
                rows.append(_ethnic_row(code, name, [value * times for value in total]))
        sheets.append((str(year), rows))
    return sheets


def _ethnic_row(
    code: str, name: str, values: list[int], *, suppressed: bool = False
) -> list[Cell]:
    total = sum(values)
    intervals = [max(2000, int(round(value * 0.09, -3))) for value in values]
    whole = max(4000, int(round(total * 0.07, -3)))
    if suppressed:
        # Small samples are withheld group by group, but not in total.
        return [code, name, *["-"] * 4, total, None, *["-"] * 4, whole]
    return [code, name, *values, total, None, *intervals, whole]


def _profile_rows(geography: Geography, seed: int) -> list[list[Cell]]:
    rows: list[list[Cell]] = [
        [
            "Code",
            "Area/INDICATOR",
            "Inner/ Outer London",
            *(heading for heading, *_ in PROFILE_INDICATORS),
        ]
    ]
    draws = Draws(seed, "profiles")
    areas = geography.boroughs.select("borough", "borough_code", "name").rows()
    for borough, code, name in areas:
        inner = "Inner London" if borough % 5 < 2 else "Outer London"
        rows.append([code, name, inner, *_profile_values(draws, code, borough == 0)])
    for code, name in _PROFILE_REGIONS:
        rows.append([code, name, None, *_profile_values(draws, code, False)])
    return rows


def _profile_values(draws: Draws, code: str, is_city: bool) -> list[Cell]:
    values: list[Cell] = []
    for position, (heading, low, high) in enumerate(PROFILE_INDICATORS):
        number = draws.number(f"{code}|{heading}")
        if is_city and position % 4 == 1:
            # The marks that the real file uses for what is not known.
            values.append("-.!"[position % 3])
        elif low is not None and high is not None:
            values.append(round(low + number * (high - low), 4))
        elif heading == "Political control in council":
            values.append(_PARTIES[int(number * len(_PARTIES))])
        else:
            values.append(_COUNTRIES[int(number * len(_COUNTRIES))])
    return values
