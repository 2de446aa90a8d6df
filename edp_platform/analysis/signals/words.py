"""The state of a series in plain English: what changed, by how much, since when."""

from __future__ import annotations

import polars as pl

from edp_platform.analysis.signals.preparing import FEW
from edp_platform.analysis.signals.xmr import RUN, TRIAL


def with_words(states: pl.DataFrame) -> pl.DataFrame:
    """Add `words` to states.

    Args:
        states: one row per series with what `states` gives and, beside it, `target`,
            `reached_when`, `is_seasonal`, `why_overlapping`, `watched` (number of
            series), `latest` and `latest_excluded` (the newest period of any kind).

    Returns:
        The rows with `words`: a few short sentences, the last of which says what the
        signal does not say.
    """
    parts = (_figure(), _change(), _target(), _limits(), _alarm(), _newest(), _silent())
    words = pl.concat_str(*parts, separator=" ", ignore_nulls=True)
    return states.with_columns(words.alias("words"))


def number(value: pl.Expr) -> pl.Expr:
    """Write a number with about three significant figures."""
    size = value.abs()
    places = (
        pl.when(size >= 100)
        .then(value.round(0))
        .when(size >= 10)
        .then(value.round(1))
        .otherwise(value.round(2))
    )
    # Minus nothing is nothing.
    return (places + 0.0).cast(pl.String).str.strip_suffix(".0")


def _month(day: str) -> pl.Expr:
    return pl.col(day).dt.strftime("%B %Y")


def _figure() -> pl.Expr:
    """What the newest usable figure is, and how it stands to what was expected."""
    value, none = number(pl.col("value")), pl.col("chart") == "none"
    expected = pl.format(
        "{} to {} expected, average {}",
        number(pl.col("lower_limit")),
        number(pl.col("upper_limit")),
        number(pl.col("centre")),
    ).fill_null("no range can be given from one point")
    plain = pl.format(
        "{}: {}, within what chance gives ({}).", _month("month"), value, expected
    )
    claimed = pl.format(
        "{}: {}, {}: {} ({}).",
        _month("month"),
        value,
        pl.col("variation").replace({"special cause": "a change"}),
        _reason(),
        expected,
    )
    unusable = pl.format(
        "No signal is computed: {}.",
        pl.when(pl.col("why_overlapping").is_not_null())
        .then(
            pl.format(
                "its periods overlap ({}), so one change shows in several of them",
                pl.col("why_overlapping").str.strip_chars(". "),
            )
        )
        .when(pl.col("excluded") == "overlapping")
        .then(
            pl.lit(
                "it behaves like a series of overlapping periods (its changes are "
                "undone a fixed number of periods later), which would give false "
                "signals; declare it under `overlapping` or mend the series"
            )
        )
        .when(pl.col("excluded") == FEW)
        .then(
            pl.lit(
                "it is a share of so few that chance alone moves it over most of its "
                "range; look at a larger area or a longer period"
            )
        )
        .otherwise(pl.lit("it has no complete period yet")),
    )
    return (
        pl.when(none)
        .then(unusable)
        .when(pl.col("variation") == "common cause")
        .then(plain)
        .otherwise(claimed)
    )


def _reason() -> pl.Expr:
    """Why the chart says that it is a change."""
    up = pl.col("direction") > 0
    since = pl.format(" since {}", _month("since"))
    high_low = (
        pl.when(up).then(pl.lit("above the upper")).otherwise(pl.lit("below the lower"))
    )
    is_rare = pl.col("chart") == "g"
    shift = (
        pl.when(is_rare)
        .then(
            pl.format(
                "{} events than chance gives{}",
                pl.when(up).then(pl.lit("more")).otherwise(pl.lit("fewer")),
                since,
            )
        )
        .otherwise(
            pl.format(
                "{} or more periods in a row {} the average{}",
                pl.lit(RUN),
                pl.when(up).then(pl.lit("above")).otherwise(pl.lit("below")),
                since,
            )
        )
    )
    trend = pl.format(
        "{} or more periods in a row each {} than the last{}",
        pl.lit(RUN),
        pl.when(up).then(pl.lit("higher")).otherwise(pl.lit("lower")),
        since,
    )
    close = pl.format(
        "two of three periods close to the {} limit{}",
        pl.when(up).then(pl.lit("upper")).otherwise(pl.lit("lower")),
        since,
    )
    return pl.concat_str(
        pl.when("is_outside_limits").then(pl.format("{} limit", high_low)),
        pl.when("is_trend").then(trend),
        pl.when("is_two_of_three").then(close),
        pl.when("is_shift").then(shift),
        separator="; ",
        ignore_nulls=True,
    )


def _change() -> pl.Expr:
    """By how much the periods that gave the p-value differ from the reference."""
    periods = (
        pl.when(pl.col("window") == 1)
        .then(pl.lit("The newest period is"))
        .otherwise(pl.format("The last {} periods together are", pl.col("window")))
    )
    percent = (pl.col("change").abs() * 100).round(0).cast(pl.Int64)
    told = pl.format(
        "{} {} % {} than the periods before.",
        periods,
        percent,
        pl.when(pl.col("change") > 0).then(pl.lit("higher")).otherwise(pl.lit("lower")),
    )
    return pl.when("is_alert").then(told)


def _target() -> pl.Expr:
    reached = pl.when(pl.col("reached_when") == "lower").then(pl.lit("or less"))
    told = pl.format(
        "Target {} {}: {}.",
        number(pl.col("target")),
        reached.otherwise(pl.lit("or more")),
        pl.col("assurance").replace(
            {
                "consistently hits": "it will be met unless the process changes",
                "consistently misses": "it will be missed unless the process changes",
                "hit or miss": "it may be met or missed by chance",
            }
        ),
    )
    return pl.when(
        pl.col("target").is_not_null() & pl.col("assurance").is_not_null()
    ).then(told)


def _limits() -> pl.Expr:
    trial = pl.format(
        "Trial limits: {} points, fewer than {}.", pl.col("points_used"), pl.lit(TRIAL)
    )
    season = (
        pl.when(pl.col("is_seasonal") & pl.col("seasonal_factor").is_null())
        .then(
            pl.lit(
                "Not adjusted for the time of year: fewer than two whole years since "
                "the last break."
            )
        )
        .when("is_seasonal")
        .then(pl.lit("The time of year is taken out."))
    )
    told = pl.concat_str(
        pl.when("is_trial").then(trial), season, separator=" ", ignore_nulls=True
    )
    return pl.when((pl.col("chart") != "none") & (told != "")).then(told)


def _alarm() -> pl.Expr:
    claims = pl.col("variation") != "common cause"
    return (
        pl.when("is_alert")
        .then(
            pl.format(
                "An alert: more than the {} series that are watched would give by chance.",
                pl.col("watched"),
            )
        )
        .when(claims & pl.col("is_watched"))
        .then(
            pl.format(
                "No alert: with {} series watched, its newest periods are not far enough "
                "from those before.",
                pl.col("watched"),
            )
        )
    )


def _newest() -> pl.Expr:
    later = pl.col("latest") > pl.col("month")
    return pl.when(later & (pl.col("chart") != "none")).then(
        pl.format(
            "{} is {} and raises no signal.",
            _month("latest"),
            pl.col("latest_excluded"),
        )
    )


def _silent() -> pl.Expr:
    claims = (pl.col("variation") != "common cause") | pl.col("is_alert")
    return pl.when(claims).then(
        pl.lit("It says that something changed, not what caused it.")
    )
