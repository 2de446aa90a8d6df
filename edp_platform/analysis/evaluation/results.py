"""All that a plan asks for, worked out, judged and put in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from edp_platform.analysis.evaluation.checks import (
    Displaced,
    Placebo,
    displaced,
    placebo_areas,
    placebo_months,
)
from edp_platform.analysis.evaluation.delivery import Delivered, delivered
from edp_platform.analysis.evaluation.design import (
    Groups,
    Panel,
    TooLittle,
    groups,
    months_of,
    panel,
)
from edp_platform.analysis.evaluation.difference import (
    Estimate,
    difference,
    randomisation_p,
)
from edp_platform.analysis.evaluation.trends import Trends, trends
from edp_platform.analysis.evaluation.wording import Wording, causal_wording
from edp_platform.analysis.false_discovery import benjamini_hochberg
from edp_platform.told import Told

if TYPE_CHECKING:
    from edp_platform.governance.records.evaluation import Evaluation

_DIFFERENCE, _SERIES = "difference_in_differences", "interrupted_time_series"
_EVENTS = "event_study"
#: Share of false findings among those called associated in the look at everything else.
_FALSE_SHARE = 0.1
_WHERE = {
    "public": "in public places",
    "private": "in private places",
    "online": "online",
    "any": "anywhere",
}


class CausalWording(Told):
    """Words of ours name a cause that was not shown: a fault of the code, not of data."""


@dataclass(frozen=True)
class Judged:
    """One estimate, and what may be said of it.

    Attributes:
        role: primary (the question of the plan), secondary (the same by the other
            method), exploratory (other crime types and environments).
        method: how it was worked out.
        crime_type, environment: of what.
        estimate: None where the data cannot bear one.
        p_value: by randomisation over areas where there are areas to compare, else of
            the estimate.
        placebo_passed, parallel_trends_passed: None where they are not asked for.
        displacement: see `checks.Displaced`.
        wording, words: what may be said.
        period: first month, of a block of the event study.
        facts: further figures, for the mart.
    """

    role: str
    method: str
    crime_type: str
    environment: str
    estimate: Estimate | None
    p_value: float | None
    wording: Wording
    words: str
    placebo_passed: bool | None = None
    parallel_trends_passed: bool | None = None
    displacement: str | None = None
    period: date | None = None
    facts: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Checks:
    """What an estimate must pass to be called a cause.

    Attributes:
        not_registered: why the plan does not count as registered; empty where it does.
        months, areas: pretended activities.
        trends: what is seen before.
        displaced: what is seen next door.
        random_p: by randomisation over areas.
        delivered: whether the activity was done as planned.
    """

    not_registered: tuple[str, ...]
    months: tuple[Placebo, ...]
    areas: Placebo
    trends: Trends
    displaced: Displaced
    random_p: float
    delivered: Delivered

    @property
    def placebo_passed(self) -> bool:
        """Whether every pretended activity was looked for and showed nothing."""
        return all(one.passed for one in (*self.months, self.areas))

    def not_passed(self) -> Iterator[str]:
        """Yield each thing that stands against the word."""
        yield from self.not_registered
        if self.delivered.verdict == "not as planned":
            yield "the activity was not done where and when, or only where, it was planned"
        if self.delivered.verdict == "not known":
            yield "no data show where the activity was done"
        for one in (*self.months, self.areas):
            if one.estimate is None:
                yield f"the placebo of {one.what} could not be looked for"
            elif not one.passed:
                yield f"the placebo of {one.what} shows a change where nothing was done"
        if self.random_p >= 0.05:
            yield (
                "areas chosen by chance show as much too often "
                f"(p {self.random_p:.2f} by randomisation)"
            )
        if self.trends.joint_p is None:
            yield "the trends before could not be looked at"
        elif not self.trends.is_parallel:
            yield (
                "the groups moved apart before the activity "
                f"(p {self.trends.joint_p:.2f})"
            )
        if self.displaced.verdict == "moved":
            yield "the outcome moved to the neighbouring areas"
        if self.displaced.verdict == "not known":
            yield "it is not known whether the outcome moved to neighbouring areas"


def evaluate(
    evaluation: Evaluation,
    reports: pl.DataFrame,
    patrols: pl.DataFrame,
    neighbours: Mapping[str, set[str]],
    not_registered: tuple[str, ...],
) -> list[Judged]:
    """Work out all that a plan asks for.

    Args:
        evaluation: the record.
        reports: `month`, `borough_code`, `crime_type`, `environment`, `reports` (without
            those brought over from a former system).
        patrols: `month`, `borough_code`, `activity`, `officer_hours`.
        neighbours: area → areas that share a border with it.
        not_registered: why the plan does not count as registered.

    Returns:
        the primary estimate first; one row that says what is missing where the data
        cannot bear it.

    Raises:
        CausalWording: words that were made here name a cause that was not shown.
    """
    plan = evaluation.plan
    outcome = plan.outcome
    try:
        held = (
            reports.group_by("month")
            .agg(pl.col("reports").sum())
            .filter(pl.col("reports") > 0)["month"]
            .to_list()
        )
        months = months_of(evaluation, held)
        areas = sorted(
            code for code in reports["borough_code"].unique() if code != "unknown"
        )
        chosen = groups(evaluation, areas, neighbours)
        found = _primary(evaluation, reports, patrols, chosen, months, not_registered)
    except TooLittle as missing:
        told = Judged(
            "primary",
            plan.method,
            outcome.crime_type,
            outcome.environment,
            None,
            None,
            "cannot tell",
            f"Cannot tell: {missing}",
        )
        return [told]
    found += _exploratory(evaluation, reports, chosen, months)
    for one in found:
        refused = causal_wording(one.words, one.wording)
        if refused:
            raise CausalWording(f"{evaluation.id}: {refused[0]}")
    return found


def _primary(
    evaluation: Evaluation,
    reports: pl.DataFrame,
    patrols: pl.DataFrame,
    chosen: Groups,
    months: Sequence[date],
    not_registered: tuple[str, ...],
) -> list[Judged]:
    plan = evaluation.plan
    outcome = plan.outcome
    counts = _of(reports, outcome.crime_type, outcome.environment)
    both = (*chosen.treated, *chosen.comparison)
    whole = panel(counts, sorted({*both, *chosen.buffer}), months, plan.starts)
    compared = whole.of(both)
    treated = compared.among(chosen.treated)
    estimate = difference(compared, treated)
    checks = Checks(
        not_registered,
        tuple(placebo_months(compared, chosen.treated, plan.placebo.months)),
        placebo_areas(compared.of(chosen.comparison), plan.placebo.areas),
        trends(compared, treated),
        displaced(
            whole.of((*chosen.buffer, *chosen.comparison)),
            chosen.buffer,
            outcome.expected,
        ),
        randomisation_p(compared, treated),
        delivered(patrols, plan.activity.name, chosen, months, plan.starts),
    )
    against = list(checks.not_passed())
    series = _series(evaluation, whole.of(chosen.treated))
    if series.estimate is not None and not _agree(estimate, series.estimate):
        against.append("the treated areas' own series does not agree")
    wording = _wording(evaluation, estimate, against)
    common = {
        "areas_treated": len(chosen.treated),
        "areas_compared": len(chosen.comparison),
        "areas_beside": len(chosen.buffer),
        "months_before": int((~compared.since).sum()),
        "months_since": int(compared.since.sum()),
    }
    beside = checks.displaced.estimate
    first = Judged(
        "primary",
        _DIFFERENCE,
        outcome.crime_type,
        outcome.environment,
        estimate,
        checks.random_p,
        wording,
        _words(evaluation, estimate, wording, chosen, months),
        checks.placebo_passed,
        checks.trends.is_parallel,
        checks.displaced.verdict,
        facts={
            **common,
            "reports_before": int(compared.counts[treated][:, ~compared.since].sum()),
            "reports_since": int(compared.counts[treated][:, compared.since].sum()),
            "pre_registered": not not_registered,
            "activity_delivered": checks.delivered.verdict,
            "activity_hours_treated": checks.delivered.treated,
            "activity_hours_compared": checks.delivered.compared,
            "not_passed": "; ".join(against) or None,
            "parallel_trends_p": checks.trends.joint_p,
            "unseen_trend_ratio": checks.trends.unseen,
            "displacement_ratio": beside.ratio if beside else None,
            "displacement_lower": beside.lower if beside else None,
            "displacement_upper": beside.upper if beside else None,
        },
    )
    if plan.method == _SERIES:
        # A plan that settled on a single series asked for no more than it can give.
        role = "secondary"
        if wording == "caused":
            wording = "associated"
        words = _words(evaluation, estimate, wording, chosen, months)
        first = replace(first, role=role, wording=wording, words=words)
        series = replace(series, role="primary")
    ordered = sorted((first, series), key=lambda one: one.role != "primary")
    blocks = [
        Judged(
            "primary" if plan.method == _DIFFERENCE else "secondary",
            _EVENTS,
            outcome.crime_type,
            outcome.environment,
            block.estimate,
            block.estimate.p_value,
            "associated" if block.estimate.is_clear else "no clear change",
            f"{_change(block.estimate)} in the three months from {block.month:%Y-%m}, "
            "against the three months before the activity.",
            period=block.month,
            facts=common,
        )
        for block in checks.trends.blocks
    ]
    return [*ordered, *blocks]


def _series(evaluation: Evaluation, treated: Panel) -> Judged:
    from edp_platform.analysis.evaluation.series import interrupted, pairs_for

    outcome = evaluation.plan.outcome
    start = int((~treated.since).sum())
    facts = {
        "areas_treated": len(treated.areas),
        "months_before": start,
        "months_since": len(treated.months) - start,
    }
    try:
        found = interrupted(
            treated.counts.sum(axis=0),
            start,
            first_month=treated.months[0].month,
        ).step
    except TooLittle as missing:
        return Judged(
            "secondary",
            _SERIES,
            outcome.crime_type,
            outcome.environment,
            None,
            None,
            "cannot tell",
            f"Cannot tell: {missing}",
            facts=facts,
        )
    season = (
        ""
        if pairs_for(start, len(treated.months) - start)
        else " The season could not be allowed for: a year before is not held."
    )
    return Judged(
        "secondary",
        _SERIES,
        outcome.crime_type,
        outcome.environment,
        found,
        found.p_value,
        "associated" if found.is_clear else "no clear change",
        f"{_change(found)} at {evaluation.plan.starts:%B %Y} in the treated areas' own "
        f"series, which has nothing to compare with.{season}",
        facts=facts,
    )


def _exploratory(
    evaluation: Evaluation,
    reports: pl.DataFrame,
    chosen: Groups,
    months: Sequence[date],
) -> list[Judged]:
    """Look at every other crime type and environment, never calling any a cause."""
    outcome = evaluation.plan.outcome
    both = sorted((*chosen.treated, *chosen.comparison))
    keys = reports.select("crime_type", "environment").unique().sort(pl.all())
    looked: list[tuple[str, str, Estimate | None, float | None, str]] = []
    for crime_type, environment in keys.iter_rows():
        if environment not in ("public", "private", "online") or (
            (crime_type, environment) == (outcome.crime_type, outcome.environment)
        ):
            continue
        counts = _of(reports, crime_type, environment)
        compared = panel(counts, both, months, evaluation.plan.starts)
        treated = compared.among(chosen.treated)
        try:
            estimate = difference(compared, treated)
        except TooLittle as missing:
            looked.append(
                (crime_type, environment, None, None, f"Cannot tell: {missing}")
            )
            continue
        p_value = randomisation_p(compared, treated)
        looked.append((crime_type, environment, estimate, p_value, ""))
    rates = benjamini_hochberg(
        np.array([np.nan if p is None else p for *_, p, _ in looked])
    )
    found = []
    for (crime_type, environment, seen, chance, why), rate in zip(
        looked, rates, strict=True
    ):
        wording: Wording = "cannot tell"
        words = why
        if seen is not None and chance is not None:
            wording = "associated" if rate <= _FALSE_SHARE else "no clear change"
            words = (
                f"{_change(seen)} in reports of {_lower(crime_type)} "
                f"{_WHERE[environment]}: looked at besides, not registered."
            )
        found.append(
            Judged(
                "exploratory",
                _DIFFERENCE,
                crime_type,
                environment,
                seen,
                chance,
                wording,
                words,
                facts={
                    "areas_treated": len(chosen.treated),
                    "areas_compared": len(chosen.comparison),
                },
            )
        )
    return found


def _of(reports: pl.DataFrame, crime_type: str, environment: str) -> pl.DataFrame:
    chosen = pl.col("crime_type") == crime_type
    if environment != "any":
        chosen &= pl.col("environment") == environment
    return reports.filter(chosen)


def _agree(one: Estimate, other: Estimate) -> bool:
    return one.lower <= other.upper and other.lower <= one.upper


def _wording(
    evaluation: Evaluation, estimate: Estimate, against: Sequence[str]
) -> Wording:
    plan = evaluation.plan
    if not estimate.is_clear:
        matters = plan.minimum_effect
        most = max(matters, 1 / matters)
        is_small = estimate.lower > 1 / most and estimate.upper < most
        return "no change that matters" if is_small else "no clear change"
    as_expected = (estimate.ratio < 1) is (plan.outcome.expected == "fewer")
    return "caused" if as_expected and not against else "associated"


def _change(estimate: Estimate) -> str:
    """Return a rate ratio as a change in per cent, with its interval."""
    change, low, high = (
        round(100 * (one - 1))
        for one in (estimate.ratio, estimate.lower, estimate.upper)
    )
    what = "fall" if change < 0 else "rise"
    if change == 0:
        return f"No change (95 % interval {low:+d} to {high:+d} %)"
    return f"A {what} of {abs(change)} % (95 % interval {low:+d} to {high:+d} %)"


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


def _words(
    evaluation: Evaluation,
    estimate: Estimate,
    wording: Wording,
    chosen: Groups,
    months: Sequence[date],
) -> str:
    plan = evaluation.plan
    name = plan.activity.name
    outcome = plan.outcome
    what = f"reports of {_lower(outcome.crime_type)} {_WHERE[outcome.environment]}"
    where = (
        f"in {len(chosen.treated)} areas from {plan.starts:%B %Y} to {months[-1]:%B %Y}, "
        f"against {len(chosen.comparison)} areas without it and the months before"
    )
    change = _change(estimate)
    lower = change[0].lower() + change[1:]
    if wording == "caused":
        return f"The {name} caused {lower} in {what}, {where}."
    if wording == "associated":
        return (
            f"The {name} is associated with {lower} in {what}, {where}. Whether one "
            "brought the other is not shown."
        )
    small = abs(round(100 * (1 - plan.minimum_effect)))
    if wording == "no change that matters":
        return (
            f"No change that matters: {lower} in {what}, {where}. A change of {small} % "
            "either way, the smallest that would matter, is ruled out."
        )
    return (
        f"No clear change: {lower} in {what}, {where}. Neither no change nor one of "
        f"{small} %, the smallest that would matter, is ruled out."
    )
