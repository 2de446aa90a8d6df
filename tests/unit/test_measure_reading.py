"""A series as it is asked for, put together, drawn and told."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from edp_platform.measures.declared import Measure
from edp_platform.measures.explaining_trace import sql_of, where_of
from edp_platform.measures.reading import (
    Area,
    NoFigures,
    Shown,
    UnknownArea,
    UnknownMeasure,
    areas_of,
    choose_area,
    find_measure,
    put_together,
    values_sql,
    worked_out,
)
from edp_platform.measures.reading_plot import plot

STATED: dict[str, Any] = {
    "id": "burglary",
    "aim": "crime",
    "title": "Burglary",
    "kind": "count",
    "numerator": "Recorded burglaries",
    "denominator": None,
    "unit": "offences",
    "better": "lower",
    "areas": ["force", "borough"],
    "frequency": "month",
    "owner": "team:crime-data",
    "source": ["police_uk_street"],
    "values": [
        {
            "areas": ["force", "borough"],
            "from": "crime_by_borough_and_month",
            "supplied_by": ["police_uk_street"],
            "numerator": "crimes",
            "only": {"crime_type": ["Burglary"]},
        }
    ],
    "seasonal": False,
    "settles_after": 1,
    "method": "As counted.",
    "disclosure": "Counts may be shown down to the borough.",
    "eqia": "EQIA-PERFORMANCE-FRAMEWORK",
}
AREAS = [
    Area("force", "city-of-london", "city-of-london"),
    Area("force", "metropolitan", "metropolitan"),
    Area("borough", "E09000007", "Camden"),
    Area("borough", "E09000030", "Tower Hamlets"),
    Area("ward", "E05000001", "Camden"),
]


@pytest.fixture(scope="module")
def measure() -> Measure:
    return Measure.model_validate(STATED)


def test_an_area_is_found_by_code_or_name_and_the_force_where_none_is_named() -> None:
    assert choose_area(AREAS, None).code == "metropolitan"
    assert choose_area(AREAS[:1], None).code == "city-of-london"
    assert choose_area(AREAS, "tower hamlets").code == "E09000030"
    assert choose_area(AREAS, "e09000007").name == "Camden"
    with pytest.raises(UnknownArea, match=r"Several areas .* by code"):
        choose_area(AREAS, "Camden")
    with pytest.raises(UnknownArea, match=r"Near: Tower Hamlets \(E09000030\)"):
        choose_area(AREAS, "Tower Hamlet")
    with pytest.raises(UnknownArea, match="no figure of the whole force"):
        choose_area(AREAS[2:], None)


def test_a_measure_that_is_not_there_names_those_near(measure: Measure) -> None:
    known = {"burglary": measure}
    assert find_measure(known, "burglary") is measure
    for wrong in ("burglry", "Burglary", "burg"):
        with pytest.raises(UnknownMeasure, match="Near: burglary"):
            find_measure(known, wrong)
    with pytest.raises(UnknownMeasure, match="edp measure list"):
        find_measure(known, "xyz")


def test_nothing_published_says_what_to_run() -> None:
    with pytest.raises(NoFigures, match=r"edp land .* edp run"):
        areas_of(lambda sql: [], "burglary")


def test_what_a_person_writes_stays_a_literal() -> None:
    area = Area("borough", "x' or '1'='1", "x")
    assert "area_code = 'x'' or ''1''=''1'" in values_sql("burglary", area)


def _values(numbers: list[float], newest: str = "complete") -> pl.DataFrame:
    months = [date(2023 + at // 12, at % 12 + 1, 1) for at in range(len(numbers))]
    return pl.DataFrame(
        {
            "measure": "burglary",
            "area_kind": "force",
            "area_code": "metropolitan",
            "area": "metropolitan",
            "month": months,
            "numerator": numbers,
            "value": numbers,
            "lower": [one - 5 for one in numbers],
            "upper": [one + 5 for one in numbers],
            "interval": "byar",
            "completeness": ["complete"] * (len(numbers) - 1) + [newest],
            "as_at": date(2026, 1, 1),
        }
    ).with_columns(denominator=pl.lit(None, pl.Float64))


def _shown(measure: Measure, values: pl.DataFrame) -> Shown:
    points, series = worked_out(values, measure, AREAS[1])
    return Shown(
        AREAS[1], "s", "2026-01-01", put_together(values.to_dicts(), points), series
    )


def test_periods_hold_figure_interval_limits_and_signals(measure: Measure) -> None:
    numbers = [110.0, 92, 109, 91, 112, 90, 110, 93, 111, 92, 110, 91, 190, 100]
    shown = _shown(measure, _values(numbers, newest="partial"))
    jump, newest = shown.periods[12], shown.periods[13]
    assert jump["month"] == "2024-01-01"
    assert jump["interval"] == {"lower": 185.0, "upper": 195.0, "method": "byar"}
    assert jump["signals"][0] == "outside the limits" and jump["direction"] == "up"
    assert jump["limits"]["lower"] < 90 < jump["limits"]["upper"] < 190
    assert newest["left_out"] == "partial" and newest["signals"] == []
    assert newest["limits"]["centre"] is None

    drawn = plot(shown.periods, target=90.0)
    chart = "\n".join(drawn)
    assert chart.count("▲") == 2 and chart.count("○") == 2  # in the chart and below it
    assert chart.count("•") == 12 + 1
    for told in ("signal, upwards", "target", "limits", "centre", "2023-01", "2024-02"):
        assert told in chart
    # The highest value stands on the first line, and its label is its number.
    assert "▲" in drawn[0] and drawn[0].strip().startswith("190")
    assert max(map(len, drawn[:12])) <= 80


def test_a_chart_of_nothing_and_of_one_value(measure: Measure) -> None:
    empty = put_together([{"month": date(2024, 1, 1), "value": None}], [])
    assert plot(empty) == []
    one = put_together([{"month": date(2024, 1, 1), "value": 3.0}], [])
    assert sum(line.count("•") for line in plot(one)) == 2


def test_the_rows_of_a_figure_and_its_sql(measure: Measure) -> None:
    class _Model:
        columns = tuple(
            (name, "", "") for name in ("month", "force", "borough_code", "crime_type")
        )

    values = measure.values[0]
    force = Shown(AREAS[1], "s", "", [])
    borough = Shown(AREAS[3], "s", "", [])
    month = "2024-12-01"
    assert where_of(measure, values, force, _Model(), month) == (  # type: ignore[arg-type]
        "force = 'metropolitan' and month = date '2024-12-01' "
        "and crime_type in ('Burglary')"
    )
    quarterly = measure.model_copy(update={"frequency": "quarter"})
    assert "month >= date '2024-12-01' and month < date '2025-03-01'" in where_of(
        quarterly,
        values,
        borough,
        _Model(),  # type: ignore[arg-type]
        month,
    )
    (sql,) = sql_of(measure).values()
    assert "(counts.crime_type = 'Burglary')" in sql
    assert "counts.borough_code as area_code" in sql and "select * from final" in sql


def test_measures_are_listed_as_other_programs_rely_on(tmp_path: Path) -> None:
    from edp_platform.commands.measure import _listed

    told = _listed(Measure.model_validate(STATED))
    assert {"id", "aim", "title", "unit", "areas", "source"} <= told.keys()
    assert told["areas"] == ["force", "borough"]
