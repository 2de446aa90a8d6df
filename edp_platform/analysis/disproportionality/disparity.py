"""Relative disparity: searches per head of one group against those of White people."""

from __future__ import annotations

import polars as pl

from edp_platform.analysis.disproportionality.counts import (
    RECORDS,
    REFERENCE,
    by_period,
    known_groups,
    side_by_side,
)
from edp_platform.analysis.disproportionality.facts import Denominators
from edp_platform.analysis.disproportionality.refusing import shown_honestly
from edp_platform.analysis.disproportionality.stratified import rate_ratio_over_strata
from edp_platform.analysis.disproportionality.words import in_words_period, number
from edp_platform.analysis.intervals import (
    LEVEL,
    Estimate,
    byar,
    counts_ratio,
    divided,
    rate_ratio,
)

CRUDE = "crude"
STRATIFIED = "mantel-haenszel"
RESIDENTS = "residents"
DETENTIONS = "detentions"
#: A ratio within boroughs speaks for searches placed in one. Where fewer than this
#: share are, it is refused: our own choice, half being the least that is most.
LEAST_PLACED_PERCENT = 50.0
_LEAST_STRATA = 2

_SUPPLY = ("source", "force", "month", "months_in_period")
_AREA = (*_SUPPLY, "area_kind", "area_code", "area")
_EVENTS = ("searches", "unrepeated")


def search_disparity(
    searches: pl.DataFrame,
    residents: pl.DataFrame,
    detentions: pl.DataFrame,
    facts: Denominators,
    level: float = LEVEL,
) -> pl.DataFrame:
    """Return rates and relative disparity, crude and within boroughs.

    Args:
        searches: `counts.searches_of`.
        residents: `counts.residents_of`.
        detentions: month, ethnic_group, detentions: of persons in the custody of the
            force whose own records are held; a second benchmark for those records.
        facts: denominators that do not fit.
        level: coverage of the intervals.

    Returns:
        one row per source, force, month, months_in_period (1, or 12 where all twelve
        are held), area, benchmark, method and ethnic group; what each column means
        stands in `search_disparity.yml`.
    """
    periods = by_period(_placed(searches, residents), ("source", "force"))
    boroughs = _with_residents(_of_boroughs(periods), residents)
    forces = _with_residents(_of_forces(periods), _of_whole_forces(residents))
    rows = pl.concat(
        [
            _crude(boroughs, level),
            _crude(forces, level),
            _within_boroughs(boroughs, forces, level),
            _against_detentions(
                _of_forces(periods), detentions, facts.own_force, level
            ),
        ],
        how="diagonal",
    )
    judged = rows.join(
        facts.unfit_areas(), on=["area_kind", "area_code"], how="left"
    ).with_columns(
        is_reference=pl.col("ethnic_group") == REFERENCE,
        least_events=pl.min_horizontal(
            "searches", "reference_searches", "least_benchmark"
        ),
        unknown_percent=divided(
            100 * pl.col("unknown_searches"), pl.col("all_searches")
        ),
        because=_because(),
    )
    return _finished(shown_honestly(judged))


def _placed(searches: pl.DataFrame, residents: pl.DataFrame) -> pl.DataFrame:
    """Return the searches with the name of the borough, where the force polices it."""
    names = residents.select("force", "borough_code", "borough").unique()
    once = pl.col("searches").filter(~pl.col("is_exact_repeat"))
    return (
        searches.group_by("source", "force", "month", "borough_code", "ethnic_group")
        .agg(pl.col("searches").sum(), once.sum().alias("unrepeated"))
        .join(names, on=["force", "borough_code"], how="left")
    )


def _of_boroughs(periods: pl.DataFrame) -> pl.DataFrame:
    keys = [*_SUPPLY, "borough_code", "borough"]
    placed = periods.filter(pl.col("borough").is_not_null())
    return (
        side_by_side(placed, keys, _EVENTS)
        .rename({"borough_code": "area_code", "borough": "area"})
        .with_columns(area_kind=pl.lit("borough"))
    )


def _of_forces(periods: pl.DataFrame) -> pl.DataFrame:
    return side_by_side(periods, _SUPPLY, _EVENTS).with_columns(
        area_kind=pl.lit("force"), area_code=pl.col("force"), area=pl.col("force")
    )


def _of_whole_forces(residents: pl.DataFrame) -> pl.DataFrame:
    return (
        residents.group_by("force", "population_year", "ethnic_group")
        .agg(pl.col("people").sum())
        .with_columns(borough_code=pl.col("force"))
    )


def _with_residents(rows: pl.DataFrame, residents: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with people of the group and of the reference, null if unknown."""
    people = residents.select(
        "force",
        pl.col("borough_code").alias("area_code"),
        "population_year",
        "ethnic_group",
        "people",
    )
    reference = people.filter(pl.col("ethnic_group") == REFERENCE).select(
        "force", "area_code", pl.col("people").alias("reference_people")
    )
    return rows.join(
        people, on=["force", "area_code", "ethnic_group"], how="left"
    ).join(reference, on=["force", "area_code"], how="left")


def _crude(rows: pl.DataFrame, level: float) -> pl.DataFrame:
    people, reference_people = pl.col("people"), pl.col("reference_people")

    def ratio(events: pl.Expr, reference: pl.Expr) -> Estimate:
        return rate_ratio(events, people, reference, reference_people, level)

    events, reference = pl.col("searches"), pl.col("reference_searches")
    unknown = pl.col("unknown_searches")
    rate = byar(events, people, level)
    return rows.with_columns(
        pl.lit(RESIDENTS).alias("benchmark"),
        pl.lit(CRUDE).alias("method"),
        divided(1000 * events, people).alias("rate_per_1000"),
        (1000 * rate.lower).alias("rate_lower"),
        (1000 * rate.upper).alias("rate_upper"),
        divided(1000 * reference, reference_people).alias("white_rate_per_1000"),
        *ratio(events, reference).named("ratio", "lower", "upper"),
        *ratio(pl.col("unrepeated"), pl.col("reference_unrepeated")).named(
            "ratio_without_repeats", "lower_without_repeats", "upper_without_repeats"
        ),
        # The two ends of what the unknown could make of it.
        ratio(events + unknown, reference).value.alias("highest_ratio"),
        ratio(events, reference + unknown).value.alias("lowest_ratio"),
    )


def _within_boroughs(
    boroughs: pl.DataFrame, forces: pl.DataFrame, level: float
) -> pl.DataFrame:
    """Return the Mantel-Haenszel rows of forces that police several boroughs."""
    keys = [*_SUPPLY, "ethnic_group"]
    people, reference_people = pl.col("people"), pl.col("reference_people")

    def ratio(events: pl.Expr, reference: pl.Expr) -> Estimate:
        return rate_ratio_over_strata(
            events, people, reference, reference_people, level
        )

    events, reference = pl.col("searches"), pl.col("reference_searches")
    unknown = pl.col("unknown_searches")
    pooled = boroughs.group_by(keys).agg(
        *ratio(events, reference).named("ratio", "lower", "upper"),
        *ratio(pl.col("unrepeated"), pl.col("reference_unrepeated")).named(
            "ratio_without_repeats", "lower_without_repeats", "upper_without_repeats"
        ),
        ratio(events + unknown, reference).value.alias("highest_ratio"),
        ratio(events, reference + unknown).value.alias("lowest_ratio"),
        pl.col(
            "searches",
            "unrepeated",
            "reference_searches",
            "unknown_searches",
            "all_searches",
            "all_unrepeated",
        ).sum(),
        people.sum(),
        reference_people.sum(),
        pl.col("population_year").first(),
        ((events + reference) > 0).sum().alias("strata"),
    )
    whole = forces.filter(pl.col("ethnic_group") != REFERENCE).select(
        *keys, pl.col("all_searches").alias("whole")
    )
    # Of a force with one area there is nothing to stratify by.
    several = boroughs.group_by("force").agg(pl.col("area_code").n_unique().alias("n"))
    return (
        whole.join(several.filter(pl.col("n") >= _LEAST_STRATA), on="force", how="semi")
        .join(pooled, on=keys, how="left")
        .with_columns(
            pl.lit(RESIDENTS).alias("benchmark"),
            pl.lit(STRATIFIED).alias("method"),
            pl.lit("force").alias("area_kind"),
            pl.col("force").alias("area_code"),
            pl.col("force").alias("area"),
            pl.col("strata").fill_null(0),
            divided(100 * pl.col("all_searches").fill_null(0), pl.col("whole")).alias(
                "placed_percent"
            ),
        )
        .drop("whole")
    )


def _against_detentions(
    forces: pl.DataFrame, detentions: pl.DataFrame, own_force: str, level: float
) -> pl.DataFrame:
    """Return searches per 1,000 persons detained, of the force's own records."""
    periods = by_period(
        detentions.with_columns(
            known_groups("ethnic_group"), pl.col("detentions").cast(pl.Float64)
        ),
        (),
    )
    counted = side_by_side(periods, ("month", "months_in_period"), ("detentions",))
    rows = forces.filter(
        (pl.col("source") == RECORDS) & (pl.col("force") == own_force)
    ).join(counted, on=["month", "months_in_period", "ethnic_group"])
    people, reference_people = pl.col("detentions"), pl.col("reference_detentions")
    more = pl.col("unknown_detentions")
    unknown = pl.col("unknown_searches")
    events, reference = pl.col("searches"), pl.col("reference_searches")
    ratio = counts_ratio(events, people, reference, reference_people, level)
    return rows.select(
        *rows.columns[: len(forces.columns)],
        people.alias("people"),
        reference_people.alias("reference_people"),
        pl.min_horizontal(people, reference_people).alias("least_benchmark"),
        pl.lit(DETENTIONS).alias("benchmark"),
        pl.lit(CRUDE).alias("method"),
        divided(1000 * events, people).alias("rate_per_1000"),
        divided(1000 * reference, reference_people).alias("white_rate_per_1000"),
        *ratio.named("ratio", "lower", "upper"),
        *ratio.named(
            "ratio_without_repeats", "lower_without_repeats", "upper_without_repeats"
        ),
        divided(
            (events + unknown) * (reference_people + more), reference * people
        ).alias("highest_ratio"),
        divided(
            events * reference_people, (reference + unknown) * (people + more)
        ).alias("lowest_ratio"),
    )


def _because() -> pl.Expr:
    """Return why a figure may not be worked out at all; null where it may."""
    is_resident = pl.col("benchmark") == RESIDENTS
    is_stratified = pl.col("method") == STRATIFIED
    return (
        pl.when(is_resident & pl.col("unfit_why").is_not_null())
        .then(
            pl.format(
                "the resident population of {} is a wrong denominator. {}",
                "area",
                "unfit_why",
            )
        )
        .when(is_stratified & (pl.col("strata") < _LEAST_STRATA))
        .then(pl.lit("fewer than two boroughs had any search placed in them"))
        .when(is_stratified & (pl.col("placed_percent") < LEAST_PLACED_PERCENT))
        .then(
            pl.format(
                "only {} per cent of the searches are placed in a borough, the rest have "
                "no coordinates; so few do not speak for all",
                pl.col("placed_percent").round(1),
            )
        )
        .when(pl.col("people").is_null() | pl.col("reference_people").is_null())
        .then(pl.format("no resident population is held for {}", "area"))
    )


def _finished(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of the mart, with words for people."""
    may_rate = pl.col("is_given") | pl.col("because").is_null()
    rates = ("rate_per_1000", "rate_lower", "rate_upper", "white_rate_per_1000")
    counts = ("searches", "people", "reference_searches", "reference_people")
    return (
        rows.with_columns(pl.when(may_rate).then(pl.col(*rates)))
        .with_columns(words=_words())
        .select(
            *_AREA,
            "benchmark",
            "method",
            "ethnic_group",
            "is_reference",
            pl.col(*counts).cast(pl.Int64).name.map(_shown),
            pl.col("population_year").cast(pl.Int64),
            *rates,
            "ratio",
            "lower",
            "upper",
            pl.col("unknown_searches").cast(pl.Int64),
            "unknown_percent",
            pl.col("highest_ratio").alias("ratio_if_all_unknown_in_group"),
            pl.col("lowest_ratio").alias("ratio_if_no_unknown_in_group"),
            pl.col("strata").cast(pl.Int64),
            "placed_percent",
            (pl.col("all_searches") - pl.col("all_unrepeated"))
            .cast(pl.Int64)
            .alias("exact_repeats"),
            "ratio_without_repeats",
            "lower_without_repeats",
            "upper_without_repeats",
            "is_given",
            "refused_why",
            "words",
        )
        .sort(*_AREA, "benchmark", "method", "ethnic_group", descending=False)
    )


def _shown(name: str) -> str:
    return {
        "people": "population",
        "reference_searches": "white_searches",
        "reference_people": "white_population",
    }.get(name, name)


def _words() -> pl.Expr:
    per = (
        pl.when(pl.col("benchmark") == RESIDENTS)
        .then(pl.format("resident of the {} census", "population_year"))
        .otherwise(pl.lit("person detained in the same period"))
    )
    where = pl.format("{}, {}", "area", in_words_period())
    within = pl.when(pl.col("method") == STRATIFIED).then(
        pl.format(
            "compared within {} boroughs, which hold {} per cent of the searches, ",
            pl.col("strata").cast(pl.Int64),
            number("placed_percent", 0),
        )
    )
    given = pl.format(
        "{}: {}{} people were searched {} times as often as White people, per {} (95 per "
        "cent interval {} to {}). The group is not known in {} per cent of searches; "
        "whatever it was, the ratio lies between {} and {}.",
        where,
        within.otherwise(pl.lit("")),
        "ethnic_group",
        number("ratio"),
        per,
        number("lower"),
        number("upper"),
        number("unknown_percent", 1),
        number("lowest_ratio"),
        number("highest_ratio"),
    )
    reference = pl.format(
        "{}: {} people are the group that others are compared with.",
        where,
        "ethnic_group",
    )
    refused = pl.format(
        "{}: no figure is given for {} people, because {}.",
        where,
        "ethnic_group",
        "refused_why",
    )
    return (
        pl.when(~pl.col("is_given"))
        .then(refused)
        .when(pl.col("is_reference"))
        .then(reference)
        .otherwise(given)
    )
