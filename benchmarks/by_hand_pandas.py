"""What the platform does from landing to marts, written by hand: pandas.

The second yardstick of `python -m benchmarks`: the script that an analyst would write
who knows pandas. It does less than the other script, never more: the same raw Parquet,
the facts and the marts of crime, outcomes, searches and recorded crime, and none of
population, deprivation or survey (a hundredth of the work).

Usage: by_hand_pandas.py LANDED_HOME LABELS_CSV TARGET
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from benchmarks.by_hand_polars_duckdb import POLICE, REQUIRED, Delivery, Landed

FLOATS = ("longitude", "latitude")
BOOLEANS = [
    *("part_of_policing_operation", "outcome_linked_to_object"),
    "removed_more_than_outer_clothing",
]
CRIME_COLUMNS = [
    *("month", "force", "crime_type", "crime_key", "is_located"),
    *("shares_identifier", "ward_code", "is_ward_best_fit", "borough_code"),
    "is_outside_force_area",
]


def write(frame: pd.DataFrame, target: Path) -> None:
    """Write one Parquet file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(target, index=False, compression="zstd", compression_level=1)


def read_police(
    data_set: str, delivery: Delivery, path: Path
) -> tuple[pd.DataFrame, list[Any], int]:
    """Read, check and resolve one file of data.police.uk.

    Returns:
        the rows to load, (file, line) of the bad ones, how many repeats were set aside.
    """
    names = POLICE[data_set]
    file = delivery["sha256"][:12]
    bad, kept, numbers = [], [], []
    for number, line in enumerate(path.read_bytes().split(b"\n")[1:], start=2):
        if not line.strip():
            continue
        try:
            line.decode()
        except UnicodeDecodeError:
            bad.append((file, number))
            continue
        if line.count(b",") != len(names) - 1:
            bad.append((file, number))
            continue
        kept.append(line)
        numbers.append(number)
    text = pd.read_csv(
        io.BytesIO(b"\n".join(kept)),
        header=None,
        names=names,
        dtype=str,
        keep_default_na=False,
        na_values=[""],
    )
    frame = text.copy()
    frame["source_line"] = np.array(numbers, dtype="int64")
    broken = frame[REQUIRED[data_set]].isna().any(axis=1)
    for name in FLOATS:
        frame[name] = pd.to_numeric(text[name], errors="coerce")
        broken |= frame[name].isna() & text[name].notna()
    if "crime_id" in names:
        broken |= frame["crime_id"].notna() & ~frame["crime_id"].str.match(
            "^[0-9a-fA-F]{64}$", na=False
        )
        broken |= frame["file_month"].ne(delivery["months"][0])
    else:
        frame["searched_at"] = pd.to_datetime(
            text["searched_at"], format="%Y-%m-%dT%H:%M:%S%z", errors="coerce", utc=True
        )
        broken |= frame["searched_at"].isna()
        for name in BOOLEANS:
            frame[name] = text[name].str.lower().map({"true": True, "false": False})
            broken |= frame[name].isna() & text[name].notna()
    bad += [(file, int(line)) for line in frame.loc[broken, "source_line"]]
    frame = frame[~broken].copy()
    frame["force"] = delivery["scope"]
    frame["source_file"] = file
    frame["release_date"] = pd.Timestamp(delivery["release_date"])
    repeats = frame.duplicated(names)
    if "crime_id" not in names:
        frame["is_exact_repeat"], frame["shares_identifier"] = repeats, False
        return frame, bad, 0
    has_id = frame["crime_id"].notna()
    aside = repeats & has_id
    frame["is_exact_repeat"] = repeats & ~has_id
    frame = frame[~aside]
    shares = frame["crime_id"].duplicated(keep=False) & frame["crime_id"].notna()
    return frame.assign(shares_identifier=shares), bad, int(aside.sum())


def load_police(
    landed: Landed, data_set: str, target: Path, boundaries: dict[str, Any]
) -> tuple[list[Any], int]:
    """Write every month of one data set; return the bad rows and the repeats."""
    bad, aside = [], 0
    for month, deliveries in landed.months(data_set).items():
        frames = []
        for delivery in deliveries:
            frame, wrong, repeats = read_police(
                data_set, delivery, landed.path(delivery)
            )
            frames.append(frame)
            bad += wrong
            aside += repeats
        whole = pd.concat(frames, ignore_index=True)
        if data_set == "police_uk_stop_and_search":
            whole = boroughs_at(whole, boundaries)
        write(whole, target / "raw" / data_set / f"month={month}" / "part-0.parquet")
    return bad, aside


def boroughs_at(frame: pd.DataFrame, boundaries: dict[str, Any]) -> pd.DataFrame:
    """Add the code of the borough that each search's point lies in."""
    codes = [one["properties"]["LAD22CD"] for one in boundaries["features"]]
    shapes = shapely.from_geojson(
        [json.dumps(one["geometry"]) for one in boundaries["features"]]
    )
    points = frame[[*FLOATS]].drop_duplicates().dropna().reset_index(drop=True)
    at, which = shapely.STRtree(shapely.make_valid(shapes)).query(
        shapely.points(points["longitude"], points["latitude"]), predicate="intersects"
    )
    found = pd.Series([codes[one] for one in which], index=at, dtype=object)
    points["borough_code"] = found.groupby(level=0).min().reindex(points.index)
    return frame.merge(points, on=[*FLOATS], how="left")


def load_wide(landed: Landed, data_set: str, names: dict[str, str]) -> pd.DataFrame:
    """Read the wide files of recorded crime into one row a month and cell."""
    files: dict[str, tuple[Delivery, list[str]]] = {}
    for month, (delivery,) in landed.months(data_set).items():
        files.setdefault(delivery["sha256"], (delivery, []))[1].append(month)
    frames = []
    for delivery, months in files.values():
        wide = pd.read_csv(landed.path(delivery), dtype=str).rename(columns=names)
        cells = wide.melt(
            id_vars=list(names.values()), var_name="month", value_name="text"
        )
        cells["month"] = cells["month"].str[:4] + "-" + cells["month"].str[4:]
        cells["crimes"] = pd.to_numeric(cells["text"], errors="coerce")
        cells["release_date"] = pd.Timestamp(delivery["release_date"])
        sound = cells[cells["crimes"].ge(0) & cells["month"].isin(months)]
        frames.append(sound.drop(columns="text").astype({"crimes": "int64"}))
    return pd.concat(frames, ignore_index=True)


class Labels:
    """Harmonised labels and groupings, as maps."""

    def __init__(self, path: Path) -> None:
        self.table = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])

    def of(self, data_set: str, column: str) -> pd.DataFrame:
        """Return the labels of one column, by value."""
        chosen = self.table["data_set"].eq(data_set) & self.table["column_name"].eq(
            column
        )
        return self.table[chosen].set_index("value")

    def harmonised(self, values: pd.Series, data_set: str, column: str) -> pd.Series:
        """Return labels; a value without one stays as it is."""
        return values.map(self.of(data_set, column)["label"]).fillna(values)


def force_of(borough_code: str) -> str | None:
    """Return the force that polices a borough."""
    if borough_code in ("E09000001", "E09000901"):
        return "city-of-london" if borough_code == "E09000001" else "sample-city"
    if borough_code.startswith("E090009"):
        return "sample-force"
    return "metropolitan" if borough_code.startswith("E09") else None


def places(landed: Landed) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the boroughs with their forces, and every LSOA with ward and borough."""

    def table(data_set: str) -> pd.DataFrame:
        return pd.read_csv(landed.path(landed.whole(data_set)), dtype=str)

    names = [
        "lsoa_code",
        "lsoa_name",
        "msoa_code",
        "msoa_name",
        "borough_code",
        "borough",
    ]
    earlier = table("lsoa_2011_to_borough").set_axis(names, axis=1)
    later = table("lsoa_2021_to_borough").set_axis(names, axis=1)
    both = ["borough_code", "borough"]
    boroughs = pd.concat([later[both], earlier[both]]).drop_duplicates("borough_code")
    boroughs["force"] = [force_of(one) for one in boroughs["borough_code"]]
    wards = table("lsoa_2011_to_ward_2019")[["LSOA11CD", "WD19CD", "WD19NM"]]
    wards = wards.set_axis(["lsoa_code", "ward_code", "ward"], axis=1)
    overlaps = table("lsoa_2011_to_lsoa_2021").astype({"share_of_lsoa21_area": float})
    best = (
        overlaps.merge(wards, left_on="LSOA11CD", right_on="lsoa_code")
        .sort_values(["share_of_lsoa21_area", "LSOA11CD"], ascending=[False, True])
        .drop_duplicates("LSOA21CD")
        .set_index("LSOA21CD")
    )
    lsoas = pd.concat([later, earlier]).drop_duplicates("lsoa_code")
    lsoas = lsoas.merge(wards, on="lsoa_code", how="left")
    guessed = lsoas["ward_code"].isna() & lsoas["lsoa_code"].isin(best.index)
    for name in ("ward_code", "ward"):
        lsoas[name] = lsoas[name].fillna(lsoas["lsoa_code"].map(best[name]))
    lsoas["is_ward_best_fit"] = guessed
    columns = ["lsoa_code", "ward_code", "ward", "is_ward_best_fit", "borough_code"]
    return boroughs, lsoas[columns].merge(boroughs, on="borough_code", how="left")


def read_raw(target: Path, data_set: str, columns: list[str]) -> pd.DataFrame:
    """Read every month of a data set."""
    frames = []
    for path in sorted((target / "raw" / data_set).glob("month=*/part-0.parquet")):
        month = pd.Timestamp(path.parent.name.removeprefix("month="))
        frames.append(pd.read_parquet(path, columns=columns).assign(month=month))
    return pd.concat(frames, ignore_index=True)


def located(frame: pd.DataFrame) -> pd.Series:
    """Whether a row says where it happened."""
    has_point = frame["longitude"].notna() & frame["latitude"].notna()
    return has_point & frame["location"].fillna("").str.lower().ne("no location")


def keys(crime_id: pd.Series) -> pd.Series:
    """Return identifiers as numbers, missing ones as missing."""
    # Through floats, as `map` would go where some are missing, 60 bits become 53.
    numbers = [
        int(text[:15], 16) if isinstance(text, str) else None for text in crime_id
    ]
    return pd.Series(pd.array(numbers, dtype="Int64"), index=crime_id.index)


def make_crimes(
    target: Path, labels: Labels, boroughs: pd.DataFrame, lsoas: pd.DataFrame
) -> pd.DataFrame:
    """Build the fact of crimes."""
    received = [
        *("crime_id", "longitude", "latitude", "location", "lsoa_code", "crime_type"),
        *("last_outcome_category", "force", "is_exact_repeat", "shares_identifier"),
        *("source_file", "source_line"),
    ]
    crimes = read_raw(target, "police_uk_street", received)
    data_set = "police_uk_street"
    last = crimes.pop("last_outcome_category")
    crimes["last_outcome"] = labels.harmonised(last, data_set, "last_outcome_category")
    groups = labels.of(data_set, "last_outcome_category")["grouping"]
    crimes["last_outcome_group"] = last.map(groups)
    crimes["crime_type"] = labels.harmonised(
        crimes["crime_type"], data_set, "crime_type"
    )
    crimes["crime_key"] = keys(crimes.pop("crime_id"))
    crimes["is_located"] = located(crimes)
    street = (
        crimes.pop("location").str.replace("On or near ", "", regex=False).str.strip()
    )
    crimes["has_named_street"] = street.ne("") & street.str.lower().ne("no location")
    crimes = crimes.merge(
        lsoas.rename(columns={"force": "area_force"}).drop(columns=["ward", "borough"]),
        on="lsoa_code",
        how="left",
    )
    no_lsoa = crimes["lsoa_code"].isna()
    for name in ("ward_code", "borough_code"):
        crimes[name] = crimes[name].fillna("elsewhere").mask(no_lsoa, "no-lsoa")
    crimes["is_ward_best_fit"] = crimes["is_ward_best_fit"].eq(True)
    outside = crimes["area_force"].isna() | crimes["area_force"].ne(crimes["force"])
    known = crimes["force"].isin(boroughs["force"].dropna())
    crimes["is_outside_force_area"] = outside & known & ~no_lsoa
    write(crimes.drop(columns="area_force"), target / "facts" / "fct_crimes.parquet")
    return crimes[CRIME_COLUMNS]


def make_outcomes(
    target: Path, labels: Labels, crimes: pd.DataFrame, lsoas: pd.DataFrame
) -> pd.DataFrame:
    """Build the fact of outcomes, each joined to its crime."""
    received = [
        *("crime_id", "longitude", "latitude", "location", "lsoa_code", "outcome_type"),
        *(
            "force",
            "is_exact_repeat",
            "shares_identifier",
            "source_file",
            "source_line",
        ),
    ]
    outcomes = read_raw(target, "police_uk_outcomes", received)
    kind = outcomes.pop("outcome_type")
    outcomes["outcome"] = labels.harmonised(kind, "police_uk_outcomes", "outcome_type")
    groups = labels.of("police_uk_outcomes", "outcome_type")["grouping"]
    outcomes["outcome_group"] = kind.map(groups).fillna("not grouped")
    outcomes["crime_key"] = keys(outcomes.pop("crime_id"))
    outcomes["is_located"] = located(outcomes)
    outcomes = outcomes.drop(columns="location")
    first = (
        crimes.loc[
            crimes["crime_key"].isin(outcomes["crime_key"].dropna()),
            ["crime_key", "month", "crime_type"],
        ]
        .sort_values(["month", "crime_type"])
        .drop_duplicates("crime_key")
        .rename(columns={"month": "crime_month"})
    )
    outcomes = outcomes.merge(first, on="crime_key", how="left")
    outcomes["is_matched"] = outcomes["crime_month"].notna()
    now, then = outcomes["month"].dt, outcomes["crime_month"].dt
    months = (now.year - then.year) * 12 + now.month - then.month
    outcomes["months_to_outcome"] = months.astype("Int32")
    boroughs = outcomes["lsoa_code"].map(lsoas.set_index("lsoa_code")["borough_code"])
    no_lsoa = outcomes["lsoa_code"].isna()
    outcomes["borough_code"] = boroughs.fillna("elsewhere").mask(no_lsoa, "no-lsoa")
    write(outcomes, target / "facts" / "fct_outcomes.parquet")
    return outcomes


CODED = [
    *("search_type", "gender", "age_range", "self_defined_ethnicity"),
    *("officer_defined_ethnicity", "legislation", "object_of_search", "outcome"),
]


def make_searches(target: Path, labels: Labels) -> pd.DataFrame:
    """Build the fact of searches."""
    data_set = "police_uk_stop_and_search"
    received = [
        *("force", "searched_at", "longitude", "latitude", "borough_code", *CODED),
        *("outcome_linked_to_object", "is_exact_repeat", "source_file", "source_line"),
        *("part_of_policing_operation", "removed_more_than_outer_clothing"),
    ]
    searches = read_raw(target, data_set, received)
    local = searches["searched_at"].dt.tz_convert("Europe/London")
    searches["local_date"] = local.dt.tz_localize(None).dt.normalize()
    searches["local_hour"] = local.dt.hour
    searches["local_day_of_week"] = local.dt.dayofweek + 1
    own = searches["self_defined_ethnicity"]
    known = labels.of(data_set, "self_defined_ethnicity")
    searches["self_defined_ethnicity_5_plus_1"] = (
        own.map(known["grouping"])
        .fillna("Not stated")
        .mask(own.notna() & ~own.isin(known.index), "Unrecognised")
    )
    for column in CODED:
        harmonised = labels.harmonised(searches[column], data_set, column)
        searches[column] = harmonised.fillna("Not stated")
    has_point = searches["longitude"].notna() & searches["latitude"].notna()
    searches["has_coordinates"] = has_point
    searches["borough_code"] = (
        searches["borough_code"]
        .fillna("elsewhere")
        .mask(searches["borough_code"].isna() & ~has_point, "no-coordinates")
    )
    write(searches, target / "facts" / "fct_searches.parquet")
    return searches


def crime_marts(
    crimes: pd.DataFrame, boroughs: pd.DataFrame, lsoas: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Count crimes by borough and ward."""
    counted = crimes.assign(
        crimes=1,
        crimes_without_identifier=crimes["crime_key"].isna(),
        crimes_sharing_identifier=crimes["shares_identifier"],
        crimes_not_located=~crimes["is_located"],
        crimes_outside_force_area=crimes["is_outside_force_area"],
        crimes_placed_by_best_fit=crimes["is_ward_best_fit"],
    )
    totals = [
        *("crimes", "crimes_without_identifier", "crimes_sharing_identifier"),
        *("crimes_not_located", "crimes_outside_force_area"),
    ]
    by = ["month", "force", "borough_code", "crime_type"]
    by_borough = counted.groupby(by, as_index=False)[totals].sum()
    names = boroughs.set_index("borough_code")["borough"].to_dict()
    names |= {"no-lsoa": "No LSOA published", "elsewhere": "Outside the areas held"}
    by_borough["borough"] = by_borough["borough_code"].map(names)
    by = ["month", "force", "ward_code", "crime_type"]
    by_ward = counted.groupby(by, as_index=False)[
        ["crimes", "crimes_placed_by_best_fit"]
    ].sum()
    wards = lsoas.groupby("ward_code", as_index=False)[
        ["ward", "borough_code", "borough"]
    ].min()
    by_ward = by_ward.merge(wards, on="ward_code", how="left")
    for code in ("no-lsoa", "elsewhere"):
        by_ward.loc[by_ward["ward_code"].eq(code), "ward"] = names[code]
    by_month = by_borough.groupby(["month", "force", "crime_type"], as_index=False)[
        totals
    ].sum()
    return {
        "crime_by_borough_and_month": by_borough,
        "crime_by_ward_and_month": by_ward,
        "crime_by_month": by_month,
    }


def outcome_marts(outcomes: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Count outcomes by month, and by the months they took."""
    by = ["crime_month", "force", "crime_type", "outcome_group", "months_to_outcome"]
    matched = outcomes[outcomes["is_matched"]]
    over_time = matched.groupby([*by, "month"]).size().reset_index(name="outcomes")
    month, then = outcomes["month"], outcomes["crime_month"]
    counted = outcomes.assign(
        outcomes=1,
        matched_same_month=then.eq(month),
        matched_earlier_month=then.lt(month),
        matched_later_month=then.gt(month),
        unmatched=~outcomes["is_matched"],
    )
    by_month = counted.groupby(
        ["month", "force", "outcome", "outcome_group"], as_index=False
    )[
        [
            *("outcomes", "matched_same_month", "matched_earlier_month"),
            *("matched_later_month", "unmatched"),
        ]
    ].sum()
    return {"crime_outcomes_over_time": over_time, "outcomes_by_month": by_month}


def search_mart(searches: pd.DataFrame, boroughs: pd.DataFrame) -> pd.DataFrame:
    """Count searches by month, place, object, outcome and ethnicity."""
    linked = searches["outcome_linked_to_object"]
    counted = searches.assign(
        searches=1,
        exact_repeats=searches["is_exact_repeat"],
        found_object_of_search=linked.eq(True),
        searches_with_link_supplied=linked.notna(),
        without_coordinates=~searches["has_coordinates"],
    )
    by = [
        *("month", "force", "borough_code", "object_of_search", "outcome"),
        *("self_defined_ethnicity_5_plus_1", "officer_defined_ethnicity"),
    ]
    mart = counted.groupby(by, as_index=False)[
        [
            *("searches", "exact_repeats", "found_object_of_search"),
            *("searches_with_link_supplied", "without_coordinates"),
        ]
    ].sum()
    # Null, not nought, where a force does not supply the link.
    mart["found_object_of_search"] = (
        mart["found_object_of_search"]
        .astype("Int64")
        .mask(mart["searches_with_link_supplied"].eq(0))
    )
    names = boroughs.set_index("borough_code")["borough"].to_dict()
    names |= {"no-coordinates": "No coordinates", "elsewhere": "Outside the areas held"}
    return mart.assign(borough=mart["borough_code"].map(names))


def recorded_mart(
    cells: pd.DataFrame, data_set: str, labels: Labels, boroughs: pd.DataFrame
) -> pd.DataFrame:
    """Fill the months in which a pair of place and offence is not named with nought."""
    groups = labels.of(data_set, "offence_group")["grouping"]
    names = labels.of(data_set, "borough")["grouping"]
    cells = cells.assign(
        is_comparable=~cells["offence_group"]
        .map(groups)
        .fillna("")
        .str.startswith("not comparable"),
        is_borough=cells["borough"].map(names).ne("not a borough"),
        offence_group=labels.harmonised(
            cells["offence_group"], data_set, "offence_group"
        ),
        offence=cells["offence"].str[0].str.upper()
        + cells["offence"].str[1:].str.lower(),
        borough=labels.harmonised(cells["borough"], data_set, "borough"),
        month=pd.to_datetime(cells["month"] + "-01"),
    )
    by_ward = "ward_code" in cells
    by = [*(["ward_code"] if by_ward else []), "borough", "offence_group", "offence"]
    flags = {"is_borough": "min", "is_comparable": "min"} | (
        {"ward": "max"} if by_ward else {}
    )
    pairs = cells.groupby(by, as_index=False).agg(flags)
    months = cells.groupby("month", as_index=False)["release_date"].max()
    counted = cells.groupby(["month", *by], as_index=False)["crimes"].sum()
    mart = pairs.merge(months, how="cross").merge(
        counted, on=["month", *by], how="left"
    )
    mart["is_absent_zero"] = mart["crimes"].isna()
    mart["crimes"] = mart["crimes"].fillna(0).astype("int64")
    return mart.merge(boroughs[["borough", "borough_code"]], on="borough", how="left")


def main(home: Path, labels_path: Path, target: Path) -> None:
    """Read everything, build everything."""
    landed, labels = Landed(home), Labels(labels_path)
    boroughs, lsoas = places(landed)
    boundaries = json.loads(landed.path(landed.whole("borough_boundaries")).read_text())
    bad: list[Any] = []
    for data_set in POLICE:
        wrong, _ = load_police(landed, data_set, target, boundaries)
        bad += wrong
    columns = ["source_file", "source_line"]
    write(pd.DataFrame(bad, columns=columns), target / "quarantine.parquet")
    crimes = make_crimes(target, labels, boroughs, lsoas)
    marts = crime_marts(crimes, boroughs, lsoas)
    outcomes = make_outcomes(target, labels, crimes, lsoas)
    del crimes
    marts |= outcome_marts(outcomes)
    del outcomes
    marts["stop_and_search_by_month"] = search_mart(
        make_searches(target, labels), boroughs
    )
    names = {"MajorText": "offence_group", "MinorText": "offence"}
    borough = {"LookUp_BoroughName": "borough"}
    ward = {"WardName": "ward", "WardCode": "ward_code"}
    for data_set, received, mart in (
        ("mps_borough_crime", names | borough, "recorded_crime_by_borough_and_month"),
        ("mps_ward_crime", names | ward | borough, "recorded_crime_by_ward_and_month"),
    ):
        cells = load_wide(landed, data_set, received)
        write(cells, target / "raw" / data_set / "part-0.parquet")
        marts[mart] = recorded_mart(cells, data_set, labels, boroughs)
    for name, frame in marts.items():
        write(frame, target / "marts" / f"{name}.parquet")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
