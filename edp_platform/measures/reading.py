"""The published figures of one series: asked for, put in order, with what they say.

Figures are asked of the published marts as the person who looks, on their own login;
figures as at an earlier publication come from what is on record (`history`), after the
same question was asked for no row, so that the same grants decide and the same log
tells. Limits and signals are those of the marts `measure_signals` and `measure_series`,
where they are published and granted; else they are worked out of the figures at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from edp_platform.told import Told

if TYPE_CHECKING:
    import polars as pl

    from edp_platform.measures.declared import Measure

MART, SIGNALS, SERIES = "measure_values", "measure_signals", "measure_series"
#: The columns of the mart of values that a figure is shown with.
COLUMNS = (
    "measure",
    "area_kind",
    "area_code",
    "area",
    "month",
    "numerator",
    "denominator",
    "value",
    "lower",
    "upper",
    "interval",
    "completeness",
    "as_at",
)
#: Column of a point → the rule that it broke, in words.
RULES = {
    "is_outside_limits": "outside the limits",
    "is_shift": "seven or more on one side of the mean",
    "is_trend": "seven or more rising or falling",
    "is_two_of_three": "two of three near a limit",
}
_LIMITS = ("centre", "lower_limit", "upper_limit")
_SERIES_KEY = ("area_kind", "area_code")
_STATE = (
    "month",
    "value",
    "variation",
    "direction",
    "assurance",
    "target",
    "chart",
    "points_used",
    "is_trial",
    "p_value",
    "change",
    "is_watched",
    "is_alert",
    "since",
    "words",
)
_POINT = ("variation", "direction", "since", "is_trial", "excluded", "chart")

#: Answers SQL as the person who looks: rows as dictionaries.
Ask = Callable[[str], list[dict[str, Any]]]


class UnknownMeasure(Told):
    """There is no such measure; the message says which come near."""


class UnknownArea(Told):
    """The measure has no such area; the message says which come near."""


class NoFigures(Told):
    """The measure has no published figure."""


@dataclass(frozen=True)
class Area:
    """One area of a measure.

    Attributes:
        kind: force, borough, ward or lsoa.
        code: of the area; of a force, its short name.
        name: what people call it.
        size: how many figures it has and how much they count: what decides which force
            is meant where none is named.
    """

    kind: str
    code: str
    name: str
    size: tuple[int, float] = field(default=(0, 0.0), compare=False)

    def as_dict(self) -> dict[str, str]:
        """Return kind, code and name, ready for JSON."""
        return {"kind": self.kind, "code": self.code, "name": self.name}


@dataclass(frozen=True)
class Shown:
    """One series as it is shown.

    Attributes:
        area: whose.
        snapshot, as_at: of the publication.
        periods: oldest first, each with its figure, limits and signals.
        series: what stands of the whole series: variation, assurance, words …
        is_from_mart: limits and signals are those published, over all series at once;
            else worked out of this series alone, so `is_alert` is not known.
    """

    area: Area
    snapshot: str
    as_at: str
    periods: list[dict[str, Any]]
    series: dict[str, Any] = field(default_factory=dict)
    is_from_mart: bool = False


def find_measure(measures: Mapping[str, Measure], name: str) -> Measure:
    """Return a measure by its id.

    Raises:
        UnknownMeasure: there is none.
    """
    if name in measures:
        return measures[name]
    titles = {one.title.lower(): one.id for one in measures.values()}
    near = get_close_matches(name.lower(), [*measures, *titles], 4, 0.5)
    near += [one for one in measures if len(name) > 2 and name.lower() in one]
    ids = list(dict.fromkeys(titles.get(one, one) for one in near))
    raise UnknownMeasure(
        f"There is no measure {name}. "
        + (f"Near: {', '.join(ids[:5])}. " if ids else "")
        + "edp measure list shows all."
    )


def areas_of(ask: Ask, measure: str) -> list[Area]:
    """Return the areas that a measure has published figures of.

    Raises:
        NoFigures: there is none.
    """
    rows = ask(
        "select area_kind, area_code, max(area) as area, count(value) as figures, "
        "coalesce(sum(numerator), 0) as counted "
        f"from marts.{MART} where measure = {quoted(measure)} "
        "group by area_kind, area_code"
    )
    found = areas_in(rows)
    if not found:
        raise NoFigures(
            f"{measure} has no published figure yet. It is made when files of its "
            "sources have landed and the marts are built: edp measure explain "
            f"{measure} names them, then edp land … and edp run."
        )
    return found


def areas_in(rows: Iterable[Mapping[str, Any]]) -> list[Area]:
    """Return the areas of rows, larger kinds first, then by name."""
    found = {
        # An area may have been written in two ways: its code tells.
        (row["area_kind"], row["area_code"]): Area(
            row["area_kind"],
            row["area_code"],
            row["area"] or row["area_code"],
            (int(row.get("figures", 0)), float(row.get("counted", 0))),
        )
        for row in rows
    }
    return sorted(
        found.values(), key=lambda one: (_ORDER.get(one.kind, 9), one.name, one.code)
    )


_ORDER = {"force": 0, "borough": 1, "ward": 2, "lsoa": 3}
#: The force that is meant where none is named and several are held.
_DEFAULT_FORCE = "metropolitan"


def choose_area(areas: Sequence[Area], stated: str | None) -> Area:
    """Return the area that was named, by code or name; the largest force where none was.

    Raises:
        UnknownArea: none of that name, or several.
    """
    if stated is None or stated.lower() == "force":
        forces = [one for one in areas if one.kind == "force"]
        named = [one for one in forces if one.code == _DEFAULT_FORCE]
        if forces:
            return (named or sorted(forces, key=lambda one: one.size))[-1]
        raise UnknownArea(
            "This measure has no figure of the whole force. Name an area with --area: "
            f"{_some(areas)}."
        )
    wanted = stated.strip().lower()
    found = [one for one in areas if one.code.lower() == wanted] or [
        one for one in areas if one.name.lower() == wanted
    ]
    if len(found) == 1:
        return found[0]
    if found:
        told = ", ".join(f"{one.code} ({one.kind})" for one in found)
        raise UnknownArea(
            f"Several areas are called {stated}: {told}. Name one by code."
        )
    names = {one.name.lower(): one for one in areas}
    codes = {one.code.lower(): one for one in areas}
    near = get_close_matches(wanted, [*names, *codes], 4, 0.55)
    near += [one for one in names if len(wanted) > 2 and wanted in one]
    told = ", ".join(
        dict.fromkeys(
            f"{(names | codes)[one].name} ({(names | codes)[one].code})" for one in near
        )
    )
    raise UnknownArea(
        f"This measure has no area {stated}. "
        + (f"Near: {told}." if told else f"It has {_some(areas)}.")
    )


def _some(areas: Sequence[Area]) -> str:
    told = ", ".join(f"{one.name} ({one.code})" for one in areas[:6])
    return told + (f" and {len(areas) - 6:,} more" if len(areas) > 6 else "")


def values_sql(measure: str, area: Area | None = None) -> str:
    """Return the question for the figures of a measure, or of one of its series."""
    return _question(MART, COLUMNS, measure, area)


def asks_for_nothing() -> str:
    """Return the question for no row: the same grants decide, and the log tells."""
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    return f"select {names} from marts.{MART} limit 0"


def points_sql(measure: str, area: Area | None = None) -> str:
    """Return the question for the published limits and signals of a measure."""
    return _question(
        SIGNALS, (*_SERIES_KEY, "month", *_LIMITS, *_POINT, *RULES), measure, area
    )


def series_sql(measure: str, area: Area | None = None) -> str:
    """Return the question for what stands of whole series of a measure."""
    return _question(SERIES, (*_SERIES_KEY, *_STATE), measure, area)


def _question(
    mart: str, columns: Sequence[str], measure: str, area: Area | None
) -> str:
    names = ", ".join(f'"{one}"' for one in columns)
    of_area = f" and {_of(area)}" if area else ""
    return (
        f"select {names} from marts.{mart} where measure = {quoted(measure)}{of_area}"
    )


def _of(area: Area) -> str:
    return f"area_kind = {quoted(area.kind)} and area_code = {quoted(area.code)}"


def quoted(text: str) -> str:
    """Return a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def worked_out(
    values: pl.DataFrame, measure: Measure, area: Area
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return points and state of one series, worked out of the figures at hand.

    Args:
        values: columns of the mart, of every area at hand of that kind, since seasonal
            factors are shared among them.
        measure: whose settings hold.
        area: whose points.
    """
    import polars as pl

    from edp_platform.analysis.signals.charting import signals

    same = values.filter(
        (pl.col("measure") == measure.id) & (pl.col("area_kind") == area.kind)
    )
    found = signals(same, {measure.id: measure.series_settings()})
    own = pl.col("area_code") == area.code
    states = found.series.filter(own).to_dicts()
    return found.points.filter(own).to_dicts(), (states[0] if states else {})


def put_together(
    values: Sequence[Mapping[str, Any]], points: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return periods, oldest first: figure, `limits`, `signals` and `variation`.

    Args:
        values: rows of the mart of values, of one series.
        points: rows with the limits and rules of the same series; may hold fewer.
    """
    by_month = {_day(one["month"]): one for one in points}
    periods = []
    for row in sorted(values, key=lambda one: str(one["month"])):
        point = by_month.get(_day(row["month"]), {})
        periods.append(
            {
                "month": _day(row["month"]),
                **{
                    name: row.get(name)
                    for name in ("numerator", "denominator", "value")
                },
                "interval": {
                    "lower": row.get("lower"),
                    "upper": row.get("upper"),
                    "method": row.get("interval"),
                },
                "completeness": row.get("completeness"),
                "as_at": None if row.get("as_at") is None else str(row["as_at"]),
                "limits": {
                    "centre": point.get("centre"),
                    "lower": point.get("lower_limit"),
                    "upper": point.get("upper_limit"),
                    "is_trial": point.get("is_trial"),
                    "chart": point.get("chart"),
                },
                "signals": [*broken_rules(point)],
                "direction": _direction(point),
                "variation": point.get("variation"),
                "left_out": point.get("excluded"),
            }
        )
    return periods


def broken_rules(point: Mapping[str, Any]) -> Iterator[str]:
    """Yield the rules that a point breaks, in words."""
    for name, words in RULES.items():
        if point.get(name):
            yield words


def _direction(point: Mapping[str, Any]) -> str | None:
    found = point.get("direction")
    return {1: "up", -1: "down"}.get(found) if isinstance(found, int) else None


def _day(value: Any) -> str:
    return value.isoformat()[:10] if isinstance(value, date) else str(value)[:10]


def plain(value: Any) -> Any:
    """Return a value ready for JSON."""
    return (
        value if value is None or isinstance(value, str | int | float) else str(value)
    )


def number(value: float | None) -> str:
    """Return a figure as a person reads it: three digits that count, - for none."""
    if value is None:
        return "-"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.3g}"
