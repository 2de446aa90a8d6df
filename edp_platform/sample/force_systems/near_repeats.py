"""The planted near repeats: after some burglaries another follows close by, and soon."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

NEAR_REPEAT_OFFENCE = "28E"
NEAR_REPEAT_SHARE = 0.2
NEAR_REPEAT_DAYS = 7
#: Of those, the share at the very same postcode.
SAME_POSTCODE_SHARE = 1 / 3


def near_repeats(frame: pl.DataFrame, offences: Sequence[str]) -> pl.DataFrame:
    """Move some burglaries to the small area of one that was just before.

    Args:
        frame: A month's reports in the order of reporting, with `reported_at`, `code`,
            `lsoa_code`, `borough_code`, `location_postcode`, and `follows` and `after`
            in [0, 1).
        offences: Codes of the offences that repeat.

    Returns:
        The same rows, with `is_near_repeat`: its small area is that of a report made
        up to `NEAR_REPEAT_DAYS` days before.
    """
    frame = frame.with_row_index("position")
    gap = pl.duration(
        seconds=(pl.col("after") * NEAR_REPEAT_DAYS * 86_400).cast(pl.Int64)
    )
    burglaries = frame.filter(pl.col("code").is_in(offences))
    following = burglaries.filter(pl.col("follows") < NEAR_REPEAT_SHARE).select(
        "position",
        around=pl.col("reported_at") - gap,
        at_postcode=pl.col("follows") < NEAR_REPEAT_SHARE * SAME_POSTCODE_SHARE,
    )
    # The first one after that moment which is not the follower itself: it lies between
    # the moment and the follower, so never further back than the days allow.
    first = burglaries.select(
        pl.col("reported_at").alias("around"),
        before="position",
        lsoa_before="lsoa_code",
        borough_before="borough_code",
        postcode_before="location_postcode",
    )
    moved = (
        following.sort("around")
        .join_asof(first, on="around", strategy="forward")
        .filter(pl.col("before") < pl.col("position"))
        .with_columns(postcode_before=pl.when("at_postcode").then("postcode_before"))
        .select("position", "lsoa_before", "borough_before", "postcode_before")
    )
    return (
        frame.join(moved, on="position", how="left", maintain_order="left")
        .with_columns(
            lsoa_code=pl.coalesce("lsoa_before", "lsoa_code"),
            borough_code=pl.coalesce("borough_before", "borough_code"),
            location_postcode=pl.coalesce("postcode_before", "location_postcode"),
            is_near_repeat=pl.col("borough_before").is_not_null(),
        )
        .drop("position", "lsoa_before", "borough_before", "postcode_before")
    )
