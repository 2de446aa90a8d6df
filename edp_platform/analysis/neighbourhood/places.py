"""Areas that stay the same when LSOAs change, and the rule that only places are ranked."""

from __future__ import annotations

import polars as pl

from edp_platform.analysis.neighbourhood.failure import RankingRefused

#: All that a ranking may know: where, when and how many.
PLACE_COLUMNS = frozenset(
    {
        "data_set",
        "force",
        "area_kind",
        "area_code",
        "area",
        "borough_code",
        "borough",
        "offence_group",
        "frequency",
        "period",
        "crimes",
    }
)

#: How a constant area was found.
UNCHANGED = "code unchanged"
DERIVED = "derived from overlapping areas, not an official lookup"


def places_only(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame of counts as it is, or refuse what is about people.

    Who lives in an area is looked at after the ranking, to see where it points, and
    never before it.

    Raises:
        RankingRefused: a column is none of place, time and count.
    """
    others = sorted({*frame.columns} - PLACE_COLUMNS)
    if others:
        raise RankingRefused(
            f"Areas are not ranked by {', '.join(others)}. The ranking knows places, "
            "months and counts of crimes, and nothing about people: their age, origin "
            "or means would decide where police go. Leave the column out; the equality "
            "check reads it after the ranking is made."
        )
    return frame


def constant_areas(lookup: pl.DataFrame, overlaps: pl.DataFrame) -> pl.DataFrame:
    """Return the area of each LSOA code that holds the same ground in 2011 and 2021.

    LSOAs that overlap are put together until no overlap crosses an area: a split LSOA
    stays the one it was, merged ones become the one they became. Counts and residents
    then add up in either year's codes, and none has to be shared out by area of ground.

    Source: Norman, Rees and Boyle (2003), "Achieving data compatibility over space and
    time: creating consistent geographical zones", Int. J. Population Geography 9(5),
    365-386. The overlaps held were derived from boundaries; they are not the official
    lookup of the Office for National Statistics.

    Args:
        lookup: `lsoa_code`, `lsoa_name`, `borough_code`, `borough`, `force`; one row a
            code of either year.
        overlaps: `lsoa_2011_code`, `lsoa_2021_code`.

    Returns:
        one row a code of `lookup`: `lsoa_code`, `area_code`, `area`, `borough_code`,
        `borough`, `force`, `mapping`. The area is named after its least code of 2011.
    """
    pairs = overlaps.select(
        old=pl.lit("2011 ") + pl.col("lsoa_2011_code"),
        new=pl.lit("2021 ") + pl.col("lsoa_2021_code"),
    ).unique()
    # The least code of 2011 that can be reached is handed on until nothing changes.
    reached = pairs.with_columns(least="old")
    while True:
        before = reached["least"]
        for side in ("new", "old"):
            reached = reached.with_columns(least=pl.col("least").min().over(side))
        if reached["least"].equals(before):
            break
    named = pl.concat(
        [reached.select("least", code=side) for side in ("old", "new")]
    ).unique()
    members = named.select(
        "least",
        lsoa_code=pl.col("code").str.slice(5),
        changed=pl.len().over("least") > 2,
    ).unique(["lsoa_code"], keep="first", maintain_order=False)
    joined = lookup.join(members, on="lsoa_code", how="left").with_columns(
        area_code=pl.coalesce(pl.col("least").str.slice(5), "lsoa_code"),
        mapping=pl.when(
            pl.col("changed").fill_null(value=False)
            | (pl.col("least").str.slice(5) != pl.col("lsoa_code")).fill_null(
                value=False
            )
        )
        .then(pl.lit(DERIVED))
        .otherwise(pl.lit(UNCHANGED)),
    )
    # The area is in the borough of the code that it is named after.
    first = lookup.select(
        area_code="lsoa_code",
        area="lsoa_name",
        area_borough_code="borough_code",
        area_borough="borough",
        area_force="force",
    )
    return (
        joined.join(first, on="area_code", how="left")
        .select(
            "lsoa_code",
            "area_code",
            area=pl.coalesce("area", "lsoa_name"),
            borough_code=pl.coalesce("area_borough_code", "borough_code"),
            borough=pl.coalesce("area_borough", "borough"),
            force=pl.coalesce("area_force", "force"),
            mapping="mapping",
        )
        .sort("lsoa_code")
    )
