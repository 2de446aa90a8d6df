"""The outcome test: whether searches of one group find as often as those of another.

Two rates are shown, never one for the other. A *find* is a search that found what it
was for; forces say so in "outcome linked to object of search", and some never fill it.
A *positive outcome* is any outcome but no further action, whatever was found.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from edp_platform.analysis.disproportionality.counts import (
    COUNTED,
    REFERENCE,
    by_period,
    side_by_side,
)
from edp_platform.analysis.disproportionality.refusing import shown_honestly
from edp_platform.analysis.disproportionality.stratified import (
    odds_ratio_over_strata,
    proportion_ratio_over_strata,
)
from edp_platform.analysis.disproportionality.words import in_words_period, number
from edp_platform.analysis.intervals import (
    LEVEL,
    Estimate,
    divided,
    odds_ratio,
    proportion_ratio,
    wilson,
)

CRUDE = "crude"
STRATIFIED = "mantel-haenszel"
EVERYBODY = "All"
FIND = "find"
POSITIVE = "positive outcome"
#: Where a force says of fewer positive outcomes than these whether they are linked to
#: the object, its find rate is refused: the rest could be either. Our own choice.
LEAST_LINKED_PERCENT = 90.0
LEAST_PLACED_PERCENT = 50.0

#: What the test cannot show, beside every ratio.
LIMIT = (
    "The test compares average searches, not the last ones that an officer decides on: "
    "with equal thresholds rates can differ, and with unequal ones be equal "
    "(infra-marginality). It says where to look, not that officers treat groups unlike."
)

_SUPPLY = ("source", "force", "month", "months_in_period")
_AREA = (*_SUPPLY, "area_kind", "area_code", "area")
#: Not codes of a borough: see `fct_searches.borough_code`.
_NO_BOROUGH = ("no-coordinates", "elsewhere", "unknown")
_TESTED = ("trials", "successes", "trials_unrepeated", "successes_unrepeated")


def search_outcome_test(
    searches: pl.DataFrame, names: pl.DataFrame, level: float = LEVEL
) -> pl.DataFrame:
    """Return find rates and positive-outcome rates, and their ratios to White people's.

    Args:
        searches: `counts.searches_of`.
        names: borough_code and borough, of boroughs that have a name.
        level: coverage of the intervals.

    Returns:
        one row per source, force, month, months_in_period, area, outcome, method and
        ethnic group (with "All", whose rate is the force's); what each column means
        stands in `search_outcome_test.yml`.
    """
    tested = by_period(_outcomes(searches), ("source", "force"))
    placed = tested.filter(~pl.col("borough_code").is_in(_NO_BOROUGH)).join(
        names.select("borough_code", "borough").unique("borough_code"),
        on="borough_code",
    )
    boroughs = (
        side_by_side(placed, [*_SUPPLY, "outcome", "borough_code", "borough"], _TESTED)
        .rename({"borough_code": "area_code", "borough": "area"})
        .with_columns(area_kind=pl.lit("borough"))
    )
    forces = side_by_side(tested, [*_SUPPLY, "outcome"], _TESTED).with_columns(
        area_kind=pl.lit("force"), area_code=pl.col("force"), area=pl.col("force")
    )
    rows = pl.concat(
        [
            _crude(_with_everybody(boroughs), level),
            _crude(_with_everybody(forces), level),
            _within_boroughs(boroughs, forces, level),
        ],
        how="diagonal",
    )
    judged = rows.join(
        _linked(tested), on=[*_SUPPLY, "outcome"], how="left"
    ).with_columns(
        is_reference=pl.col("ethnic_group").is_in([REFERENCE, EVERYBODY]),
        least_events=pl.min_horizontal("successes", "reference_successes"),
        unknown_percent=divided(100 * pl.col("unknown_trials"), pl.col("all_trials")),
        because=_because(),
    )
    return _finished(shown_honestly(judged))


def _outcomes(searches: pl.DataFrame) -> pl.DataFrame:
    """Return the searches twice: as finds, and as positive outcomes."""
    kinds = {FIND: ("finds_known", "finds"), POSITIVE: COUNTED[1:3]}
    once = ~pl.col("is_exact_repeat")
    return pl.concat(
        searches.group_by("source", "force", "month", "borough_code", "ethnic_group")
        .agg(
            pl.col(trials).sum().alias("trials"),
            pl.col(successes).sum().alias("successes"),
            pl.col(trials).filter(once).sum().alias("trials_unrepeated"),
            pl.col(successes).filter(once).sum().alias("successes_unrepeated"),
            pl.col("positive_outcomes").sum().alias("could_be_linked"),
            pl.col("positive_outcomes_with_link").sum().alias("is_linked"),
        )
        .with_columns(outcome=pl.lit(kind))
        for kind, (trials, successes) in kinds.items()
    )


def _linked(tested: pl.DataFrame) -> pl.DataFrame:
    """Return of which share of positive outcomes the force says what they are linked to."""
    return tested.group_by([*_SUPPLY, "outcome"]).agg(
        divided(100 * pl.col("is_linked").sum(), pl.col("could_be_linked").sum()).alias(
            "linked_percent"
        )
    )


def _with_everybody(rows: pl.DataFrame) -> pl.DataFrame:
    everybody = rows.filter(pl.col("ethnic_group") == REFERENCE).with_columns(
        pl.lit(EVERYBODY).alias("ethnic_group"),
        *(pl.col(f"all_{one}").alias(one) for one in _TESTED),
    )
    return pl.concat([rows, everybody])


def _crude(rows: pl.DataFrame, level: float) -> pl.DataFrame:
    successes, trials = pl.col("successes"), pl.col("trials")
    share = wilson(successes, trials, level)
    return rows.with_columns(
        pl.lit(CRUDE).alias("method"),
        divided(100 * successes, trials).alias("percent"),
        (100 * share.lower).alias("percent_lower"),
        (100 * share.upper).alias("percent_upper"),
        divided(100 * pl.col("reference_successes"), pl.col("reference_trials")).alias(
            "white_percent"
        ),
        *_ratios(proportion_ratio, odds_ratio, level),
    )


def _within_boroughs(
    boroughs: pl.DataFrame, forces: pl.DataFrame, level: float
) -> pl.DataFrame:
    keys = [*_SUPPLY, "outcome", "ethnic_group"]
    is_compared = (pl.col("trials") > 0) & (pl.col("reference_trials") > 0)
    pooled = boroughs.group_by(keys).agg(
        *_ratios(proportion_ratio_over_strata, odds_ratio_over_strata, level),
        *(
            pl.col(f"{prefix}{one}").sum()
            for prefix in ("", "reference_", "unknown_", "all_")
            for one in _TESTED
        ),
        is_compared.sum().alias("strata"),
    )
    whole = forces.select(*keys, "area_kind", "area_code", "area", whole="all_trials")
    return (
        whole.join(pooled.filter(pl.col("ethnic_group") != REFERENCE), on=keys)
        .with_columns(
            pl.lit(STRATIFIED).alias("method"),
            divided(100 * pl.col("all_trials"), pl.col("whole")).alias(
                "placed_percent"
            ),
        )
        .drop("whole")
    )


def _ratios(
    ratio: Callable[..., Estimate], odds: Callable[..., Estimate], level: float
) -> list[pl.Expr]:
    """Return every ratio of a method: as it is, with the unknown, without repeats.

    Args:
        ratio: of two shares.
        odds: of the same.
        level: coverage.
    """
    successes, trials = pl.col("successes"), pl.col("trials")
    other, other_trials = pl.col("reference_successes"), pl.col("reference_trials")
    unknown_found = pl.col("unknown_successes")
    unknown_not = pl.col("unknown_trials") - unknown_found
    return [
        *ratio(successes, trials, other, other_trials, level).named(
            "ratio", "lower", "upper"
        ),
        # The most the unknown could make of it: all that found in the group, all that
        # found nothing White; the least is the other way round.
        ratio(
            successes + unknown_found,
            trials + unknown_found,
            other,
            other_trials + unknown_not,
            level,
        ).value.alias("highest_ratio"),
        ratio(
            successes,
            trials + unknown_not,
            other + unknown_found,
            other_trials + unknown_found,
            level,
        ).value.alias("lowest_ratio"),
        *ratio(
            pl.col("successes_unrepeated"),
            pl.col("trials_unrepeated"),
            pl.col("reference_successes_unrepeated"),
            pl.col("reference_trials_unrepeated"),
            level,
        ).named(
            "ratio_without_repeats", "lower_without_repeats", "upper_without_repeats"
        ),
        *odds(successes, trials, other, other_trials, level).named(
            "odds_ratio", "odds_lower", "odds_upper"
        ),
    ]


def _because() -> pl.Expr:
    """Return why a figure may not be worked out at all; null where it may."""
    is_find = pl.col("outcome") == FIND
    is_stratified = pl.col("method") == STRATIFIED
    unlinked = ~(pl.col("linked_percent") >= LEAST_LINKED_PERCENT).fill_null(False)
    return (
        pl.when(is_find & unlinked)
        .then(
            pl.format(
                "{} says of {} per cent of its positive outcomes whether they are linked "
                "to the object of the search, so what was found is not known; see the "
                "positive-outcome rate",
                "force",
                pl.col("linked_percent").fill_null(0).round(0).cast(pl.Int64),
            )
        )
        .when(pl.col("trials").fill_null(0) == 0)
        .then(pl.lit("no search of the group has a known outcome"))
        .when(is_stratified & (pl.col("strata") < 2))
        .then(pl.lit("fewer than two boroughs hold searches of both groups"))
        .when(is_stratified & (pl.col("placed_percent") < LEAST_PLACED_PERCENT))
        .then(
            pl.format(
                "only {} per cent of the searches are placed in a borough, the rest have "
                "no coordinates; so few do not speak for all",
                pl.col("placed_percent").round(1),
            )
        )
    )


def _finished(rows: pl.DataFrame) -> pl.DataFrame:
    rates = ("percent", "percent_lower", "percent_upper", "white_percent")
    # Nought finds would be untrue of a force that never says what was found.
    is_unsaid = (pl.col("outcome") == FIND) & pl.col("because").is_not_null()
    return (
        rows.with_columns(
            pl.when(pl.col("because").is_null()).then(pl.col(*rates)),
            pl.when(~is_unsaid).then(pl.col("successes", "reference_successes")),
        )
        .with_columns(words=_words())
        .select(
            *_AREA,
            "outcome",
            "method",
            "ethnic_group",
            "is_reference",
            pl.col("trials").cast(pl.Int64).alias("searches"),
            pl.col("successes").cast(pl.Int64),
            pl.col("reference_trials").cast(pl.Int64).alias("white_searches"),
            pl.col("reference_successes").cast(pl.Int64).alias("white_successes"),
            *rates,
            "ratio",
            "lower",
            "upper",
            "odds_ratio",
            "odds_lower",
            "odds_upper",
            "unknown_percent",
            "lowest_ratio",
            "highest_ratio",
            pl.col("strata").cast(pl.Int64),
            "placed_percent",
            "linked_percent",
            (pl.col("all_trials") - pl.col("all_trials_unrepeated"))
            .cast(pl.Int64)
            .alias("exact_repeats"),
            "ratio_without_repeats",
            "lower_without_repeats",
            "upper_without_repeats",
            "is_given",
            "refused_why",
            "words",
        )
        .sort(*_AREA, "outcome", "method", "ethnic_group")
    )


def _words() -> pl.Expr:
    where = pl.format("{}, {}", "area", in_words_period())
    what = (
        pl.when(pl.col("outcome") == FIND)
        .then(pl.lit("found what they were for"))
        .otherwise(pl.lit("ended in a positive outcome"))
    )
    within = (
        pl.when(pl.col("method") == STRATIFIED)
        .then(
            pl.format(
                "compared within {} boroughs, which hold {} per cent of the searches, ",
                pl.col("strata").cast(pl.Int64),
                number("placed_percent", 0),
            )
        )
        .otherwise(pl.lit(""))
    )
    given = pl.format(
        "{}: {}searches of {} people {} {} times as often as searches of White people (95 "
        "per cent interval {} to {}). The group is not known in {} per cent of searches; "
        "{} {} and {}. {}",
        where,
        within,
        "ethnic_group",
        what,
        number("ratio"),
        number("lower"),
        number("upper"),
        number("unknown_percent", 1),
        # The weights of boroughs move with the unknown: these two are no bounds.
        pl.when(pl.col("method") == STRATIFIED)
        .then(pl.lit("with all of them counted against the group, or for it, it is"))
        .otherwise(pl.lit("whatever it was, the ratio lies between")),
        number("lowest_ratio"),
        number("highest_ratio"),
        pl.lit(LIMIT),
    )
    reference = pl.format(
        "{}: {} per cent of searches{} {} (95 per cent interval {} to {}).",
        where,
        number("percent", 1),
        pl.when(pl.col("ethnic_group") == REFERENCE)
        .then(pl.lit(" of White people"))
        .otherwise(pl.lit("")),
        what,
        number("percent_lower", 1),
        number("percent_upper", 1),
    )
    refused = pl.format(
        "{}: {}: no {} rate is compared, because {}.",
        where,
        "ethnic_group",
        "outcome",
        "refused_why",
    )
    return (
        pl.when(~pl.col("is_given"))
        .then(refused)
        .when(pl.col("is_reference"))
        .then(reference)
        .otherwise(given)
    )
