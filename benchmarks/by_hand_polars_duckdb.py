"""What the platform does from landing to marts, written by hand: polars and DuckDB.

The yardstick of `python -m benchmarks`: the script that a good engineer would write who
needs these tables and nothing else. It reads the same originals, keeps bad records out
and counts them, resolves exact repeats, counts what a later release changed, writes the
same monthly Parquet, builds the same facts and marts, checks their keys, and makes a
read-only copy of the marts. It has no gate, lineage, accounts of each file, incremental
runs, or record of what it did; those are what the ratio shows the price of.

Usage: by_hand_polars_duckdb.py LANDED_HOME LABELS_CSV TARGET
"""

from __future__ import annotations

import functools
import io
import json
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import fastexcel
import polars as pl
import shapely

Delivery = dict[str, Any]

POLICE = {
    "police_uk_street": [
        *("crime_id", "file_month", "reported_by", "falls_within"),
        *("longitude", "latitude", "location", "lsoa_code", "lsoa_name"),
        *("crime_type", "last_outcome_category", "context"),
    ],
    "police_uk_outcomes": [
        *("crime_id", "file_month", "reported_by", "falls_within"),
        *("longitude", "latitude", "location", "lsoa_code", "lsoa_name"),
        "outcome_type",
    ],
    "police_uk_stop_and_search": [
        *("search_type", "searched_at", "part_of_policing_operation"),
        *("policing_operation", "latitude", "longitude", "gender", "age_range"),
        *("self_defined_ethnicity", "officer_defined_ethnicity", "legislation"),
        *("object_of_search", "outcome", "outcome_linked_to_object"),
        "removed_more_than_outer_clothing",
    ],
}
#: Columns that may not be empty.
REQUIRED = {
    "police_uk_street": ["file_month", "crime_type"],
    "police_uk_outcomes": ["file_month", "outcome_type"],
    "police_uk_stop_and_search": ["searched_at"],
}
TYPES: dict[str, Any] = {
    "longitude": pl.Float64,
    "latitude": pl.Float64,
    "part_of_policing_operation": pl.Boolean,
    "outcome_linked_to_object": pl.Boolean,
    "removed_more_than_outer_clothing": pl.Boolean,
    "searched_at": pl.Datetime("us", "UTC"),
}
BOOLEANS = {"true": True, "false": False}
LSOA_BOROUGH = ["lsoa_code", "lsoa_name", "msoa_code", "msoa_name"]
AREA = [*LSOA_BOROUGH, "borough_code", "borough"]
AGES = ["all_ages", "0_15", "16_29", "30_44", "45_64", "65_plus"]
SEXES = ["persons", "males", "females"]
DOMAINS = [
    *("imd", "income", "employment", "education_skills_training", "health_disability"),
    *("crime", "barriers_housing_services", "living_environment"),
]

_LINE = ["source_file", "source_line"]
_CELL = ["month", "offence_group_received", "offence_received", "borough"]
_OFFENCES = ["month", "borough", "offence_group", "offence"]
_SUPPLY = ["month", "data_set", "force"]
_SEARCHED = ["object_of_search", "outcome", "self_defined_ethnicity_5_plus_1"]
#: What identifies a row of each table.
KEYS: dict[str, list[str]] = {
    "facts.fct_crimes": _LINE,
    "facts.fct_outcomes": _LINE,
    "facts.fct_searches": _LINE,
    "facts.fct_recorded_crime_borough": _CELL,
    "facts.fct_recorded_crime_ward": [*_CELL, "ward_code"],
    "marts.quality_flags_by_month": _SUPPLY,
    "marts.supply_by_month": _SUPPLY,
    "marts.crime_by_month": ["month", "force", "crime_type"],
    "marts.crime_by_borough_and_month": [
        *("month", "force", "borough_code", "crime_type")
    ],
    "marts.crime_by_ward_and_month": ["month", "force", "ward_code", "crime_type"],
    "marts.crime_outcomes_over_time": [
        *("crime_month", "force", "crime_type", "outcome_group", "months_to_outcome")
    ],
    "marts.outcomes_by_month": ["month", "force", "outcome", "outcome_group"],
    "marts.recorded_crime_by_borough_and_month": _OFFENCES,
    "marts.recorded_crime_by_ward_and_month": [*_OFFENCES, "ward_code"],
    "marts.burglary_by_lsoa_and_year": ["lsoa_code", "year"],
    "marts.stop_and_search_by_month": [
        *("month", "force", "borough_code", *_SEARCHED, "officer_defined_ethnicity")
    ],
    "marts.public_attitude_by_quarter": ["quarter_end", "borough", "measure"],
    "marts.borough_boundary": ["borough_code"],
    "marts.borough_profile_indicators": ["area_code", "indicator"],
    "marts.borough_ethnic_group_estimates": ["year", "area_code", "ethnic_group"],
    "marts.population_by_ethnic_group": ["area_code", "ethnic_group"],
    "marts.population_by_area": ["area_type", "area_code", "sex", "age_band"],
    "marts.deprivation_by_lsoa": ["lsoa_code", "index_year"],
    "marts.lsoa_lookup": ["lsoa_code"],
}


class Landed:
    """The originals, and which of them is the latest release of its slice."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "landing"
        deliveries: list[Delivery] = []
        for receipt in self.folder.glob("??/*/receipt.json"):
            deliveries += json.loads(receipt.read_bytes())["deliveries"]
        deliveries.sort(key=lambda one: (one["release_date"], one["landed_at"]))
        self.slices: dict[str, dict[tuple[str, str], Delivery]] = defaultdict(dict)
        self.superseded: list[tuple[str, Delivery, Delivery]] = []
        for one in deliveries:
            slices = self.slices[one["data_set"]]
            for month in one["months"]:
                before = slices.get((month, one["scope"]))
                if before is not None and before["sha256"] != one["sha256"]:
                    self.superseded.append((month, before, one))
                slices[(month, one["scope"])] = one

    def path(self, delivery: Delivery) -> Path:
        """Return where an original stands."""
        sha = delivery["sha256"]
        return self.folder / sha[:2] / sha / "original"

    def months(self, data_set: str) -> dict[str, list[Delivery]]:
        """Return month → its files, one a force."""
        found: dict[str, list[Delivery]] = defaultdict(list)
        for (month, _), delivery in sorted(self.slices[data_set].items()):
            found[month].append(delivery)
        return found

    def whole(self, data_set: str) -> Delivery:
        """Return the one file of a reference set."""
        (delivery,) = self.slices[data_set].values()
        return delivery


def write(frame: pl.DataFrame, target: Path) -> None:
    """Write one Parquet file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(target, compression="zstd", compression_level=1)


def split_records(raw: bytes, width: int) -> tuple[bytes, pl.Series | None, list[Any]]:
    """Leave out lines of another number of fields, or not of UTF-8.

    Returns:
        the sound bytes without header, their line numbers (None: all of them, from 2),
        and (line, reason) of the others.
    """
    start = raw.index(b"\n") + 1
    is_text = True
    try:
        raw.decode()
    except UnicodeDecodeError:
        is_text = False
    if is_text:
        lines = pl.read_lines(io.BytesIO(raw))["line"]
        wrong = lines.str.count_matches(",", literal=True) != width - 1
        if not wrong.any():
            return raw[start:], None, []
    kept, numbers, bad = [], [], []
    for number, line in enumerate(raw.split(b"\n")[1:], start=2):
        if not line.strip():
            continue
        if line.count(b",") != width - 1:
            bad.append((number, "fields"))
            continue
        try:
            line.decode()
        except UnicodeDecodeError:
            bad.append((number, "not UTF-8"))
            continue
        kept.append(line)
        numbers.append(number)
    return b"\n".join(kept), pl.Series(numbers, dtype=pl.Int64), bad


def typed(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Convert text columns; what will not go is null."""
    expressions = []
    for name in names:
        value = pl.col(name)
        if TYPES.get(name) == pl.Float64:
            value = value.cast(pl.Float64, strict=False)
        elif TYPES.get(name) == pl.Boolean:
            value = value.str.to_lowercase().replace_strict(
                BOOLEANS, default=None, return_dtype=pl.Boolean
            )
        elif name == "searched_at":
            value = value.str.to_datetime(
                "%Y-%m-%dT%H:%M:%S%#z", strict=False, time_unit="us", time_zone="UTC"
            )
        expressions.append(value)
    return frame.with_columns(expressions)


def read_police(
    data_set: str, delivery: Delivery, path: Path
) -> tuple[pl.DataFrame, list[Any], pl.DataFrame]:
    """Read, check and resolve one file of data.police.uk.

    Returns:
        the rows to load, (file, line, reason) of the bad ones, repeats set aside.
    """
    names = POLICE[data_set]
    raw = path.read_bytes()
    body, numbers, bad = split_records(raw, len(names))
    text = pl.read_csv(
        io.BytesIO(body),
        has_header=False,
        schema=dict.fromkeys(names, pl.String),
        quote_char='"' if b'"' in raw else None,
    )
    if numbers is None:
        numbers = pl.int_range(2, text.height + 2, dtype=pl.Int64, eager=True)
    text = text.with_columns(source_line=numbers)
    converted = [name for name in names if name in TYPES]
    frame = typed(text, converted)
    broken = pl.lit(False)
    for name in converted:
        broken = broken | (frame[name].is_null() & text[name].is_not_null())
    for name in REQUIRED[data_set]:
        broken = broken | pl.col(name).is_null()
    if "crime_id" in names:
        broken = broken | ~pl.col("crime_id").str.contains("^[0-9a-fA-F]{64}$")
        broken = broken | (pl.col("file_month") != delivery["months"][0])
    wrong = frame.select(broken.fill_null(False)).to_series()
    if wrong.any():
        bad += [(line, "value") for line in frame.filter(wrong)["source_line"]]
        frame = frame.filter(~wrong)
    frame = frame.with_columns(
        force=pl.lit(delivery["scope"]),
        source_file=pl.lit(delivery["sha256"][:12]),
        release_date=pl.lit(delivery["release_date"]).str.to_date(),
    )
    frame, aside = resolve_repeats(frame, names)
    return frame, [(delivery["sha256"][:12], *one) for one in bad], aside


def resolve_repeats(
    frame: pl.DataFrame, names: list[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Set aside exact repeats of an identified row; flag the others.

    Rows that share an identifier and differ are all kept, and flagged.
    """
    if "crime_id" not in names:
        repeats = ~frame.select(pl.struct(names).is_first_distinct()).to_series()
        flagged = frame.with_columns(is_exact_repeat=repeats, shares_identifier=False)
        return flagged, frame.clear().select("source_file", "source_line")
    has_id = frame["crime_id"].is_not_null()
    blank = frame.filter(~has_id)
    again = blank.filter(
        ~blank.select(pl.struct(names).is_first_distinct()).to_series()
    )
    shared = frame.filter(has_id & frame["crime_id"].is_duplicated())
    first = shared.select(pl.struct(names).is_first_distinct()).to_series()
    aside = shared.filter(~first).select("source_file", "source_line")
    left = shared.filter(first)
    differing = left.filter(left["crime_id"].is_duplicated())["source_line"]
    line = pl.col("source_line")
    frame = frame.filter(~line.is_in(aside["source_line"].implode())).with_columns(
        is_exact_repeat=line.is_in(again["source_line"].implode()),
        shares_identifier=line.is_in(differing.implode()),
    )
    return frame, aside


def boroughs_at(frame: pl.DataFrame, boundaries: pl.DataFrame) -> pl.DataFrame:
    """Add the code of the borough that each search's point lies in."""
    shapes = shapely.make_valid(shapely.from_geojson(boundaries["geometry"].to_list()))
    points = frame.select("longitude", "latitude").unique().drop_nulls()
    at, which = shapely.STRtree(shapes).query(
        shapely.points(points["longitude"].to_numpy(), points["latitude"].to_numpy()),
        predicate="intersects",
    )
    found = (
        pl.DataFrame(
            {"at": at, "borough_code": boundaries["borough_code"].gather(which)}
        )
        .group_by("at")
        .agg(pl.col("borough_code").min())
    )
    placed = points.with_row_index("at").with_columns(pl.col("at").cast(pl.Int64))
    return frame.join(
        placed.join(found, on="at", how="left").drop("at"),
        on=["longitude", "latitude"],
        how="left",
        maintain_order="left",
    )


def load_police(
    landed: Landed, data_set: str, target: Path, boundaries: pl.DataFrame
) -> tuple[list[Any], pl.DataFrame]:
    """Write every month of one data set; return the bad rows and the repeats."""

    def load(month: str, deliveries: list[Delivery]) -> tuple[list[Any], pl.DataFrame]:
        frames, bad, aside = [], [], []
        for delivery in deliveries:
            frame, wrong, repeats = read_police(
                data_set, delivery, landed.path(delivery)
            )
            frames.append(frame)
            bad += wrong
            aside.append(repeats)
        whole = pl.concat(frames)
        if data_set == "police_uk_stop_and_search":
            whole = boroughs_at(whole, boundaries)
        write(whole, target / "raw" / data_set / f"month={month}" / "part-0.parquet")
        return bad, pl.concat(aside)

    with ThreadPoolExecutor(2) as pool:
        months = landed.months(data_set)
        done = list(pool.map(load, months.keys(), months.values()))
    return [one for bad, _ in done for one in bad], pl.concat(
        [each for _, each in done]
    )


#: The columns of the wide files that are no month.
_OFFENCE = {"MajorText": "offence_group", "MinorText": "offence"}
_BOROUGH = {"LookUp_BoroughName": "borough"}
WIDE = {
    "mps_borough_crime": _OFFENCE | _BOROUGH,
    "mps_ward_crime": _OFFENCE
    | {"WardName": "ward", "WardCode": "ward_code"}
    | _BOROUGH,
}


@functools.cache
def wide_cells_of(path: Path, file: str, released: str, names: str) -> pl.DataFrame:
    """Read one wide file into one row a month and cell, text beside number."""
    known: dict[str, str] = json.loads(names)
    wide = pl.read_csv(path, infer_schema=False)
    return (
        wide.with_row_index("source_line", offset=2)
        .rename(known)
        .unpivot(
            on=[name for name in wide.columns if name not in known],
            index=[*known.values(), "source_line"],
            variable_name="month",
            value_name="text",
        )
        .with_columns(
            month=pl.col("month").str.slice(0, 4) + "-" + pl.col("month").str.slice(4),
            source_line=pl.col("source_line").cast(pl.Int64),
            crimes=pl.col("text").cast(pl.Int64, strict=False),
            source_file=pl.lit(file),
            release_date=pl.lit(released).str.to_date(),
        )
    )


def wide_cells(
    landed: Landed, delivery: Delivery, names: dict[str, str]
) -> pl.DataFrame:
    """Read one wide file, once."""
    return wide_cells_of(
        landed.path(delivery),
        delivery["sha256"][:12],
        delivery["release_date"],
        json.dumps(names),
    )


def load_wide(landed: Landed, data_set: str, target: Path) -> list[Any]:
    """Read the wide files of recorded crime into one row a month and cell."""
    names = WIDE[data_set]
    files: dict[str, tuple[Delivery, list[str]]] = {}
    for month, (delivery,) in landed.months(data_set).items():
        files.setdefault(delivery["sha256"], (delivery, []))[1].append(month)
    bad: list[Any] = []
    for delivery, months in files.values():
        cells = wide_cells(landed, delivery, names)
        wrong = cells.filter(pl.col("crimes").is_null() | (pl.col("crimes") < 0))
        bad += wrong.select("source_file", "source_line", pl.lit("cell")).rows()
        sound = cells.drop("text").filter(pl.col("crimes") >= 0)
        keys = ["month", *(name for name in names.values() if name != "ward")]
        if sound.select(pl.struct(keys).is_duplicated().any()).item():
            raise SystemExit(f"{data_set}: two rows of one key")
        for (month,), part in sound.group_by("month", maintain_order=True):
            if month in months:
                folder = target / "raw" / data_set / f"month={month}"
                write(part.drop("month"), folder / "part-0.parquet")
    return bad


def compare_releases(
    old: pl.DataFrame, new: pl.DataFrame, key: list[str], names: list[str]
) -> dict[str, Any]:
    """Count what a later release of a month added, took out and changed."""
    values = [name for name in names if name not in key]
    known = pl.all_horizontal(pl.col(name).is_not_null() for name in key)
    numbered = [
        frame.filter(known)
        .sort(*key, *values)
        .with_columns(nth=pl.int_range(pl.len()).over(key))
        for frame in (old, new)
    ]
    both = numbered[0].join(numbered[1], on=[*key, "nth"], suffix="__later")
    counts = both.select(
        pl.col(name).ne_missing(pl.col(f"{name}__later")).sum() for name in values
    ).row(0, named=True)
    rest = [frame.filter(~known).group_by(names).len() for frame in (old, new)]
    whole = rest[0].join(
        rest[1], on=names, how="full", coalesce=True, nulls_equal=True, suffix="__later"
    )
    surplus = whole["len__later"].fill_null(0).cast(pl.Int64) - whole["len"].fill_null(
        0
    ).cast(pl.Int64)
    return {
        "matched": both.height,
        "added": numbered[1].height - both.height,
        "removed": numbered[0].height - both.height,
        "changed": {name: count for name, count in counts.items() if count},
        "unidentified_added": int(surplus.clip(lower_bound=0).sum()),
        "unidentified_removed": int((-surplus).clip(lower_bound=0).sum()),
    }


def record_releases(landed: Landed, target: Path) -> None:
    """Write what each later release changed, of the months that were released twice."""

    def compared(pair: tuple[str, Delivery, Delivery]) -> dict[str, Any]:
        month, *files = pair
        data_set = files[0]["data_set"]
        if data_set in POLICE:
            names, key = POLICE[data_set], ["crime_id"]
            frames = [
                read_police(data_set, one, landed.path(one))[0].select(names)
                for one in files
            ]
        else:
            names = [*WIDE[data_set].values(), "crimes"]
            key = [name for name in names if name not in ("ward", "crimes")]
            frames = [
                wide_cells(landed, one, WIDE[data_set])
                .filter(pl.col("month") == month, pl.col("crimes") >= 0)
                .select(names)
                for one in files
            ]
        return {
            "data_set": data_set,
            "month": month,
            "earlier": files[0]["sha256"][:12],
            "later": files[1]["sha256"][:12],
            **compare_releases(*frames, key, names),
        }

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(compared, landed.superseded))
    (target / "revisions.json").write_text(json.dumps(found), encoding="utf-8")


def load_survey(landed: Landed, target: Path) -> list[Any]:
    """Read the attitude survey: dates of D/M/YYYY, decimal commas."""
    bad: list[Any] = []
    for delivery in {
        one["sha256"]: one
        for (one,) in landed.months("mopac_public_attitude_survey").values()
    }.values():
        text = pl.read_csv(
            landed.path(delivery),
            skip_rows=1,
            has_header=False,
            infer_schema=False,
        )
        named = dict(zip(text.columns, _SURVEY, strict=False))
        text = text.select(named.keys()).rename(named)
        share = [
            pl.when(~pl.col(name).str.contains(".", literal=True))
            .then(pl.col(name).str.replace(",", ".", literal=True))
            .cast(pl.Float64, strict=False)
            .alias(name)
            for name in ("proportion", "mps_proportion")
        ]
        frame = text.with_row_index("source_line", offset=2).with_columns(
            pl.col("source_line").cast(pl.Int64),
            pl.col("survey_date").str.to_date("%d/%m/%Y", strict=False),
            *share,
        )
        wrong = frame.select(
            pl.any_horizontal(
                pl.col("survey_date", "borough", "measure", "proportion").is_null(),
                ~pl.col("proportion").is_between(0, 1),
                ~pl.col("mps_proportion").is_between(0, 1),
                pl.col("mps_proportion").is_null()
                & text["mps_proportion"].is_not_null(),
            ).fill_null(False)
        ).to_series()
        file = delivery["sha256"][:12]
        bad += [(file, line, "value") for line in frame.filter(wrong)["source_line"]]
        frame = frame.filter(~wrong)
        keys = ["survey_date", "borough", "measure"]
        if frame.select(pl.struct(keys).is_duplicated().any()).item():
            raise SystemExit("mopac_public_attitude_survey: two rows of one key")
        by_month = frame.with_columns(month=pl.col("survey_date").dt.strftime("%Y-%m"))
        for (month,), part in by_month.group_by("month", maintain_order=True):
            folder = target / "raw" / "mopac_public_attitude_survey" / f"month={month}"
            write(part.drop("month"), folder / "part-0.parquet")
    return bad


_SURVEY = [
    "survey_date",
    "survey",
    "borough",
    "measure",
    "proportion",
    "mps_proportion",
]


def load_reference(landed: Landed, target: Path) -> pl.DataFrame:
    """Write every reference set; return the boundaries."""

    def table(data_set: str, names: list[str], texts: set[str]) -> None:
        frame = pl.read_csv(landed.path(landed.whole(data_set)), infer_schema=False)
        frame = frame.rename(dict(zip(frame.columns, names, strict=True)))
        numbers = [
            pl.col(name).cast(
                pl.Float64 if name.endswith("_score") or "share" in name else pl.Int64
            )
            for name in names
            if name not in texts
        ]
        frame = frame.with_columns(numbers)
        write(frame, target / "raw" / data_set / "part-0.parquet")

    table("lsoa_2011_to_borough", AREA, set(AREA))
    table("lsoa_2021_to_borough", AREA, set(AREA))
    wards = ["fid", "lsoa_code", "lsoa_name", "ward_code", "ward", *AREA[-2:]]
    table("lsoa_2011_to_ward_2019", wards, {*wards[1:]})
    overlaps = ["lsoa_2011_code", "lsoa_2011_name", "lsoa_2021_code", "lsoa_2021_name"]
    shares = ["share_of_lsoa_2011_area", "share_of_lsoa_2021_area"]
    table(
        "lsoa_2011_to_lsoa_2021", [*overlaps, *shares, "method"], {*overlaps, "method"}
    )
    people = [f"{sex}_{age}" for sex in SEXES for age in AGES]
    table("population_mid_2020", [*AREA, *people], set(AREA))
    place = ["lsoa_code", "lsoa_name", "borough_code", "borough"]
    indices = [
        f"{one}_{what}" for one in DOMAINS for what in ("score", "rank", "decile")
    ]
    table("deprivation_2019", [*place, *indices], set(place))
    table("deprivation_2025", [*place, "imd_rank", "imd_decile"], set(place))
    census = ["local_authority_code", "local_authority", "ethnic_group_code"]
    table(
        "census_2021_ethnic_group",
        [*census, "ethnic_group", "people"],
        {*census[:2], "ethnic_group"},
    )
    load_burglary(landed, target)
    load_workbooks(landed, target)
    features = json.loads(landed.path(landed.whole("borough_boundaries")).read_text())
    boundaries = pl.DataFrame(
        [
            {
                "borough_code": one["properties"]["LAD22CD"],
                "borough": one["properties"]["LAD22NM"],
                "geometry": json.dumps(one["geometry"], separators=(",", ":")),
            }
            for one in features["features"]
        ]
    )
    write(boundaries, target / "raw" / "borough_boundaries" / "part-0.parquet")
    return boundaries


def load_burglary(landed: Landed, target: Path) -> None:
    """Write burglaries by year in rows."""
    frame = pl.read_csv(
        landed.path(landed.whole("mps_lsoa_burglary")), infer_schema=False
    )
    years = [name for name in frame.columns if name.isdigit()]
    keys = [name for name in frame.columns if not name.isdigit()]
    frame = (
        frame.rename(dict(zip(keys, AREA, strict=True)))
        .unpivot(on=years, index=AREA, variable_name="year", value_name="burglaries")
        .with_columns(
            pl.col("year").cast(pl.Int64), pl.col("burglaries").cast(pl.Float64)
        )
    )
    write(frame, target / "raw" / "mps_lsoa_burglary" / "part-0.parquet")


def load_workbooks(landed: Landed, target: Path) -> None:
    """Write the two workbooks, one row a cell."""

    def sheet(book: fastexcel.ExcelReader, name: str) -> pl.DataFrame:
        cells = book.load_sheet(name, header_row=None, dtypes="string").to_polars()
        return cells.rename({old: f"c{at}" for at, old in enumerate(cells.columns)})

    frames = []
    book = fastexcel.read_excel(landed.path(landed.whole("borough_ethnic_group")))
    for year in (name for name in book.sheet_names if name.isdigit()):
        cells = sheet(book, year)
        top, below = cells.row(0), cells.row(1)
        numbers, intervals = top.index("Number"), top.index("95% Confidence Interval")
        body = cells.slice(2).filter(~pl.all_horizontal(pl.all().is_null()))
        ends = {below[at]: f"c{at}" for at in range(intervals, len(below)) if below[at]}
        for at in range(numbers, intervals):
            if below[at] in ends:
                frames.append(
                    body.select(
                        year=pl.lit(int(year), dtype=pl.Int64),
                        area_code="c0",
                        area="c1",
                        ethnic_group=pl.lit(below[at]),
                        people=pl.col(f"c{at}").cast(pl.Float64, strict=False),
                        confidence_interval=pl.col(ends[below[at]]).cast(
                            pl.Float64, strict=False
                        ),
                    )
                )
    estimates = pl.concat(frames)
    write(estimates, target / "raw" / "borough_ethnic_group" / "part-0.parquet")
    book = fastexcel.read_excel(landed.path(landed.whole("borough_profiles")))
    cells = sheet(book, book.sheet_names[0])
    indicators = {
        f"c{at}": name for at, name in enumerate(cells.row(0)) if at > 1 and name
    }
    profiles = (
        cells.slice(1)
        .filter(~pl.all_horizontal(pl.all().is_null()))
        .rename({"c0": "area_code", "c1": "area", **indicators})
        .unpivot(
            on=list(indicators.values()),
            index=["area_code", "area"],
            variable_name="indicator",
            value_name="value_text",
        )
    )
    write(profiles, target / "raw" / "borough_profiles" / "part-0.parquet")


def check_keys(connection: duckdb.DuckDBPyConnection) -> None:
    """Stop where two rows of a table have one key, or a part of a key is missing."""
    for table, key in KEYS.items():
        held = ", ".join(key)
        absent = " or ".join(f"{name} is null" for name in key)
        wrong = connection.execute(
            f"select exists (select 1 from {table} group by {held} having count(*) > 1) "
            f"or exists (select 1 from {table} where {absent})"
        ).fetchone()
        if wrong != (False,):
            raise SystemExit(f"{table}: two rows of one key, or a key that is missing")


def main(home: Path, labels: Path, target: Path) -> None:
    """Read everything, build everything."""
    landed = Landed(home)
    boundaries = load_reference(landed, target)
    bad: list[Any] = []
    aside: list[pl.DataFrame] = []
    for data_set in POLICE:
        wrong, repeats = load_police(landed, data_set, target, boundaries)
        bad += wrong
        aside.append(repeats)
    for data_set in WIDE:
        bad += load_wide(landed, data_set, target)
    bad += load_survey(landed, target)
    record_releases(landed, target)
    columns = ["source_file", "source_line", "reason"]
    write(pl.DataFrame(bad, columns, orient="row"), target / "quarantine.parquet")
    write(pl.concat(aside), target / "set_aside.parquet")

    statements = Path(__file__).with_name("by_hand.sql").read_text(encoding="utf-8")
    with duckdb.connect() as connection:
        # The newest storage form writes text columns in half the time.
        warehouse = target / "warehouse.duckdb"
        connection.execute(
            f"attach '{warehouse}' as warehouse (storage_version 'latest')"
        )
        connection.execute("use warehouse")
        connection.execute(f"set file_search_path = '{target / 'raw'}'")
        connection.execute("set preserve_insertion_order = false")
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            f"create table labels as from read_csv('{labels}', all_varchar = true)"
        )
        connection.execute(statements)
        check_keys(connection)
        connection.execute(f"attach '{target / 'published.duckdb'}' as published")
        connection.execute("create schema published.marts")
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'marts'"
        ).fetchall():
            connection.execute(
                f"create table published.marts.{name} as from marts.{name}"
            )
    (target / "published.duckdb").chmod(0o440)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
