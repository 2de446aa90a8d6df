"""Gaps between groups in the victims' survey: each group against everybody."""

from __future__ import annotations

import polars as pl

from edp_platform.analysis.disproportionality.counts import (
    UNKNOWN,
    by_period,
    known_groups,
)
from edp_platform.analysis.disproportionality.refusing import LEAST_EVENTS
from edp_platform.analysis.disproportionality.words import number
from edp_platform.analysis.intervals import (
    LEVEL,
    divided,
    share_gap,
    wilson,
)

SATISFIED = "satisfied overall"
FAIRLY = "treated fairly"
#: Question → the columns of its answers, weight, squared weights and share in the mart.
_QUESTIONS = {
    SATISFIED: ("answers", "weight", "weight_squared", "share_satisfied"),
    FAIRLY: (
        "answers_on_fairness",
        "weight_on_fairness",
        "weight_squared_on_fairness",
        "share_treated_fairly",
    ),
}
_KEYS = ("quarter_start", "months_in_period", "question")


def satisfaction_gap(answers: pl.DataFrame, level: float = LEVEL) -> pl.DataFrame:
    """Return how satisfied each group of victims is, against everybody who answered.

    Answers carry weights, so a group counts as its effective number of answers,
    (Σw)² ÷ Σw². Source: Kish (1965), Survey Sampling, section 11.7. Intervals:
    `intervals.wilson` and, of the gap, `intervals.share_gap`. A group is itself part of
    everybody: group − all = (1 − its share of the weight) · (group − the others), and
    the interval of the gap to the others is scaled alike.

    Args:
        answers: rows of the mart `victim_satisfaction_by_quarter`.
        level: coverage of the intervals.

    Returns:
        one row per quarter, months_in_period (3, or 12 where four quarters are held),
        question and ethnic group; what each column means stands in
        `satisfaction_gap.yml`.
    """
    periods = by_period(
        _questions(answers), (), period="quarter_start", every=3, length=12
    )
    sums = ("answers", "weight", "weight_squared", "weight_agreeing")
    groups = periods.group_by(*_KEYS, "ethnic_group").agg(pl.col(*sums).sum())
    is_unknown = pl.col("ethnic_group") == UNKNOWN
    compared = (
        groups.with_columns(
            *(
                (pl.col(one).sum().over(_KEYS) - pl.col(one)).alias(f"others_{one}")
                for one in sums
            ),
            divided(
                100 * pl.col("answers").filter(is_unknown).sum().over(_KEYS),
                pl.col("answers").sum().over(_KEYS),
            ).alias("unknown_percent"),
        )
        .filter(~is_unknown)
        .with_columns(
            _share("", "share"),
            _share("others_", "others_share"),
            _effective("", "effective_answers"),
            _effective("others_", "others_effective"),
        )
    )
    interval = wilson(
        pl.col("share") * pl.col("effective_answers"),
        pl.col("effective_answers"),
        level,
    )
    gap = share_gap(
        pl.col("share"),
        pl.col("effective_answers"),
        pl.col("others_share"),
        pl.col("others_effective"),
        level,
    )
    apart = 100 * divided(
        pl.col("others_weight"), pl.col("others_weight") + pl.col("weight")
    )
    judged = compared.with_columns(
        (100 * pl.col("share")).alias("percent"),
        (100 * interval.lower).alias("lower"),
        (100 * interval.upper).alias("upper"),
        (gap.value * apart).alias("gap"),
        (gap.lower * apart).alias("gap_lower"),
        (gap.upper * apart).alias("gap_upper"),
        refused_why=_refused(),
    ).with_columns(is_given=pl.col("refused_why").is_null())
    figures = ("percent", "lower", "upper", "gap", "gap_lower", "gap_upper")
    shown = judged.with_columns(pl.when(pl.col("is_given")).then(pl.col(*figures)))
    return (
        shown.join(
            _apart_from_all_others(shown), on=[*_KEYS, "ethnic_group"], how="left"
        )
        .with_columns(may_be_ranked=pl.col("may_be_ranked").fill_null(False))
        .with_columns(words=_words())
        .select(
            *_KEYS,
            "ethnic_group",
            pl.col("answers").cast(pl.Int64),
            "effective_answers",
            *figures,
            "unknown_percent",
            "may_be_ranked",
            "is_given",
            "refused_why",
            "words",
        )
        .sort(*_KEYS, "ethnic_group")
    )


def _questions(answers: pl.DataFrame) -> pl.DataFrame:
    return pl.concat(
        answers.select(
            "quarter_start",
            "ethnic_group",
            pl.lit(question).alias("question"),
            pl.col(count).cast(pl.Float64).alias("answers"),
            pl.col(weight).fill_null(0.0).alias("weight"),
            pl.col(squared).fill_null(0.0).alias("weight_squared"),
            (pl.col(share) * pl.col(weight)).fill_null(0.0).alias("weight_agreeing"),
        )
        for question, (count, weight, squared, share) in _QUESTIONS.items()
    ).with_columns(known_groups("ethnic_group"))


def _share(prefix: str, name: str) -> pl.Expr:
    weight = pl.col(f"{prefix}weight")
    return divided(pl.col(f"{prefix}weight_agreeing"), weight).clip(0, 1).alias(name)


def _effective(prefix: str, name: str) -> pl.Expr:
    weight = pl.col(f"{prefix}weight")
    return divided(weight**2, pl.col(f"{prefix}weight_squared")).alias(name)


def _refused() -> pl.Expr:
    few = (pl.col("effective_answers") < LEAST_EVENTS).fill_null(True)
    return (
        pl.when(few)
        .then(
            pl.lit(
                f"fewer than {LEAST_EVENTS} answers of the group, weights allowed for: "
                "its share could be almost anything"
            )
        )
        .when((pl.col("others_effective") < LEAST_EVENTS).fill_null(True))
        .then(pl.lit("there are too few answers of others to compare with"))
    )


def _apart_from_all_others(rows: pl.DataFrame) -> pl.DataFrame:
    """Return which groups' intervals overlap with no other group's of the question."""
    given = rows.filter("is_given").select(*_KEYS, "ethnic_group", "lower", "upper")
    pairs = given.join(given, on=_KEYS, suffix="_other").filter(
        pl.col("ethnic_group") != pl.col("ethnic_group_other")
    )
    is_apart = (pl.col("lower") > pl.col("upper_other")) | (
        pl.col("upper") < pl.col("lower_other")
    )
    return pairs.group_by(*_KEYS, "ethnic_group").agg(
        is_apart.all().alias("may_be_ranked")
    )


def _words() -> pl.Expr:
    when = pl.format(
        "{} months from {}",
        "months_in_period",
        pl.when(pl.col("months_in_period") == 3)
        .then(pl.col("quarter_start"))
        .otherwise(pl.col("quarter_start").dt.offset_by("-9mo"))
        .dt.strftime("%B %Y"),
    )
    ranked = (
        pl.when("may_be_ranked")
        .then(pl.lit("Its interval overlaps with no other group's."))
        .otherwise(
            pl.lit(
                "Its interval overlaps with another group's: the two are not ranked."
            )
        )
    )
    given = pl.format(
        "{}: {} per cent of {} victims were {} (95 per cent interval {} to {}), {} points "
        "from everybody who answered ({} to {}). {}",
        when,
        number("percent", 1),
        "ethnic_group",
        "question",
        number("lower", 1),
        number("upper", 1),
        number("gap", 1),
        number("gap_lower", 1),
        number("gap_upper", 1),
        ranked,
    )
    refused = pl.format(
        "{}: no figure is given for {} victims, because {}.",
        when,
        "ethnic_group",
        "refused_why",
    )
    return pl.when("is_given").then(given).otherwise(refused)
