"""The verdict of an evaluation in words, with its checks and a chart of characters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_WIDTH = 41
Row = Mapping[str, Any]


def answer(rows: Sequence[Row]) -> Row | None:
    """Return the row that answers the plan; None where the mart has none."""
    return next(
        (
            row
            for row in rows
            if row["role"] == "primary" and row["method"] != "event_study"
        ),
        None,
    )


def checks(row: Row) -> list[tuple[str, bool | None, str]]:
    """Return each check of the answer: its name, whether it is passed, and figures."""

    def figures(name: str) -> str:
        ratio = row[f"{name}_ratio"]
        if ratio is None:
            return ""
        low, high = row[f"{name}_lower"], row[f"{name}_upper"]
        return f"rate ratio {ratio:.2f} ({low:.2f} to {high:.2f})"

    unseen, joint = row["unseen_trend_ratio"], row["parallel_trends_p"]
    trend = [] if joint is None else [f"p {joint:.2f}"]
    if unseen is not None:
        trend.append(f"could miss a drift that makes a ratio of {unseen:.2f} by itself")
    hours = row["activity_hours_treated"], row["activity_hours_compared"]
    told = (
        f"{hours[0]:,.1f} officer hours an area and month, {hours[1]:,.1f} elsewhere"
        if None not in hours
        else ""
    )
    delivered, moved = row["activity_delivered"], row["displacement"]
    return [
        ("registered before the outcomes were seen", row["pre_registered"], ""),
        ("done where and when it was planned", _is(delivered, "as planned"), told),
        (
            "nothing found where nothing was done (placebo months and areas)",
            row["placebo_passed"],
            "",
        ),
        (
            "no trends apart before, as far as can be seen",
            row["parallel_trends_passed"],
            "; ".join(trend),
        ),
        (
            "not moved next door",
            None if moved in (None, "not known") else moved != "moved",
            figures("displacement"),
        ),
    ]


def _is(value: str | None, wanted: str) -> bool | None:
    return None if value in (None, "not known") else value == wanted


def chart(rows: Sequence[Row]) -> list[str]:
    """Draw the event study: a line a block, ratio and interval on a scale of ratios.

    `●` is the ratio, `├` and `┤` the ends of its interval, `│` no change; an interval
    that leaves the chart ends in `◄` or `►`.
    """
    blocks = sorted(
        (
            row
            for row in rows
            if row["method"] == "event_study" and row["rate_ratio"] is not None
        ),
        key=lambda row: str(row["period"]),
    )
    if not blocks:
        return []
    reach = max(abs(math.log(row["rate_ratio"])) for row in blocks)
    reach = min(max(2.2 * reach, math.log(1.5)), math.log(4))
    return [
        "rate ratio against the three months before the activity, 95 % interval",
        *(
            f"{str(row['period'])[:7]}  {row['rate_ratio']:5.2f}  {_bar(row, reach)}"
            for row in blocks
        ),
        f"{'':16}{math.exp(-reach):<{_WIDTH // 2}.2f}1{math.exp(reach):>{_WIDTH // 2}.2f}",
    ]


def _bar(row: Row, reach: float) -> str:
    def at(ratio: float) -> int:
        share = (math.log(ratio) + reach) / (2 * reach)
        return round(share * (_WIDTH - 1))

    low, mid, high = (at(row[name]) for name in ("lower", "rate_ratio", "upper"))
    cells = [" "] * _WIDTH
    for place in range(max(low, 0), min(high, _WIDTH - 1) + 1):
        cells[place] = "─"
    cells[_WIDTH // 2] = "│"
    cells[max(low, 0)] = "├" if low >= 0 else "◄"
    cells[min(high, _WIDTH - 1)] = "┤" if high < _WIDTH else "►"
    cells[min(max(mid, 0), _WIDTH - 1)] = "●"
    return "".join(cells).rstrip()


def besides(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what was looked at besides and is a finding, and how much was looked at."""
    looked = [row for row in rows if row["role"] == "exploratory"]
    for row in looked:
        if row["wording"] == "associated":
            yield str(row["words"])
    found = sum(row["wording"] == "associated" for row in looked)
    unclear = sum(row["wording"] == "cannot tell" for row in looked)
    if looked:
        yield (
            f"Looked at besides: {len(looked)} other crime types and environments; "
            f"{found} with a change (false ones held to one in ten), {unclear} with too "
            "few reports."
        )
