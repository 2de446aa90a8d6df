"""The mart `evaluation_results`: every registered evaluation, worked out and judged."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import polars as pl

from edp_platform.analysis.evaluation.neighbours import neighbours
from edp_platform.analysis.evaluation.registration import Look, Looks, not_registered
from edp_platform.analysis.evaluation.results import Judged, evaluate
from edp_platform.analysis.evaluation.wording import causal_wording
from edp_platform.governance.records.evaluation import Evaluation

SCHEMA: dict[str, Any] = {
    "evaluation": pl.String,
    "title": pl.String,
    "role": pl.String,
    "method": pl.String,
    "crime_type": pl.String,
    "environment": pl.String,
    "period": pl.Date,
    "rate_ratio": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "p_value": pl.Float64,
    "wording": pl.String,
    "words": pl.String,
    "plan_fingerprint": pl.String,
    "pre_registered": pl.Boolean,
    "activity": pl.String,
    "activity_delivered": pl.String,
    "activity_hours_treated": pl.Float64,
    "activity_hours_compared": pl.Float64,
    "placebo_passed": pl.Boolean,
    "parallel_trends_passed": pl.Boolean,
    "parallel_trends_p": pl.Float64,
    "unseen_trend_ratio": pl.Float64,
    "displacement": pl.String,
    "displacement_ratio": pl.Float64,
    "displacement_lower": pl.Float64,
    "displacement_upper": pl.Float64,
    "not_passed": pl.String,
    "conclusion": pl.String,
    "areas_treated": pl.Int64,
    "areas_compared": pl.Int64,
    "areas_beside": pl.Int64,
    "months_before": pl.Int64,
    "months_since": pl.Int64,
    "reports_before": pl.Int64,
    "reports_since": pl.Int64,
}


def results_of(
    evaluations: Iterable[Evaluation],
    reports: pl.DataFrame,
    patrols: pl.DataFrame,
    boundaries: pl.DataFrame,
    looks: Iterable[Look],
) -> pl.DataFrame:
    """Return the mart for some evaluations.

    Args:
        evaluations: the records.
        reports: `month`, `borough_code`, `crime_type`, `environment`, `crime_reports`
            and `reported_earlier`, as in `crime_reports_by_month`.
        patrols: `month`, `borough_code`, `activity`, `officer_hours`, as in
            `patrol_by_month`.
        boundaries: `borough_code`, `geometry_geojson`.
        looks: at outcomes so far, earliest first.

    Returns:
        one row an evaluation, method, crime type, environment and period; see the
        model's YAML.
    """
    # A month's file that is mostly what a former system handed over is no month of
    # reports: the few of its own would be taken for a quiet month.
    brought = pl.col("reported_earlier").sum().over("month")
    counted = reports.filter(
        brought * 2 < pl.col("crime_reports").sum().over("month")
    ).with_columns(reports=pl.col("crime_reports") - pl.col("reported_earlier"))
    beside = neighbours(boundaries)
    seen = list(looks)
    rows = [
        _row(evaluation, judged)
        for evaluation in evaluations
        for judged in evaluate(
            evaluation, counted, patrols, beside, not_registered(evaluation, seen)
        )
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def _row(evaluation: Evaluation, judged: Judged) -> dict[str, Any]:
    estimate = judged.estimate
    conclusion = None
    said = evaluation.conclusion
    # Words of people stand beside the estimate that answers the plan, if they may.
    if said and judged.role == "primary" and judged.period is None:
        refused = causal_wording(said.words, judged.wording)
        conclusion = None if refused else said.words
    return {
        **dict.fromkeys(SCHEMA),
        "evaluation": evaluation.id,
        "title": evaluation.title,
        "role": judged.role,
        "method": judged.method,
        "crime_type": judged.crime_type,
        "environment": judged.environment,
        "activity": evaluation.plan.activity.name,
        "period": judged.period or evaluation.plan.starts,
        "rate_ratio": estimate.ratio if estimate else None,
        "lower": estimate.lower if estimate else None,
        "upper": estimate.upper if estimate else None,
        "p_value": judged.p_value,
        "wording": judged.wording,
        "words": judged.words,
        "placebo_passed": judged.placebo_passed,
        "parallel_trends_passed": judged.parallel_trends_passed,
        "plan_fingerprint": evaluation.plan_fingerprint,
        "displacement": judged.displacement,
        "conclusion": conclusion,
        **(judged.facts or {}),
    }


def evaluation_results(
    reports: pl.DataFrame, patrols: pl.DataFrame, boundaries: pl.DataFrame
) -> pl.DataFrame:
    """Return the mart for every evaluation of the register, and record the look.

    Whoever makes this mart looks at outcomes, so the look is put on record under the
    home before any figure is worked out: a plan changed later is known by it.

    Args:
        reports: see `results_of`.
        patrols: see `results_of`.
        boundaries: see `results_of`.
    """
    from edp_platform.governance.registers import Registers
    from edp_platform.home import Home

    today = date.today()
    home = Home.open(today)
    evaluations = list(Registers(home.made_on).evaluations.values())
    looks = Looks(home.root)
    if not reports.is_empty():
        looks.record(evaluations, today)
    return results_of(evaluations, reports, patrols, boundaries, looks)
