"""`edp measure` asks as the person, and says what is unknown or not there yet."""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from edp_platform.analysis.signals.charting import signals
from edp_platform.commands.measure import app
from edp_platform.home import Home
from edp_platform.measures.declared import Measure
from edp_platform.measures.freezing_packs import pack
from edp_platform.measures.history_keeping import _definitions, deciding
from edp_platform.measures.reading import UnknownArea
from edp_platform.measures.reading_published import Published
from edp_platform.publishing.query import QueryFailed
from edp_platform.publishing.snapshot import Snapshot
from tests.unit.test_measure_reading import STATED

NOW = datetime(2026, 3, 2, 9).astimezone()
MEASURE = Measure.model_validate(STATED)


class OnDuckDB(Published):
    """Answers the same questions from tables in memory, and keeps what was asked."""

    def __init__(self, with_signals: bool, granted: bool = True) -> None:
        super().__init__(Home(Path("/nowhere"), NOW.date()), "P-1", "", NOW)
        self.connection = duckdb.connect(":memory:")
        self.connection.execute("create schema marts")
        values = _values()
        found = signals(values, {"burglary": MEASURE.series_settings()})
        self.granted, self.asked = granted, list[str]()
        tables = {"measure_values": values}
        if with_signals:
            tables |= {"measure_signals": found.points, "measure_series": found.series}
        for name, frame in tables.items():
            self.connection.register("frame", frame)
            self.connection.execute(f"create table marts.{name} as from frame")
        self.rows = {name: frame.height for name, frame in tables.items()}

    @cached_property
    def snapshot(self) -> Snapshot:
        return Snapshot("s-1", Path("/nowhere"), "2026-03-02", self.rows)

    def ask(self, sql: str) -> list[dict[str, Any]]:
        self.asked.append(sql)
        if not self.granted and "measure_values" not in sql:
            raise QueryFailed("not granted")
        return self.connection.execute(sql).pl().to_dicts()


def _values() -> pl.DataFrame:
    frames = []
    for kind, code, level in (
        ("force", "sample-city", 10.0),
        ("force", "sample-force", 100.0),
        ("borough", "E1", 40.0),
    ):
        numbers = [level + (1 if at % 2 else -1) for at in range(20)] + [level * 2]
        frames.append(
            pl.DataFrame(
                {
                    "measure": "burglary",
                    "area_kind": kind,
                    "area_code": code,
                    "area": code.title(),
                    "month": [
                        date(2024 + at // 12, at % 12 + 1, 1) for at in range(21)
                    ],
                    "numerator": numbers,
                    "denominator": None,
                    "value": numbers,
                    "lower": None,
                    "upper": None,
                    "interval": None,
                    "completeness": "complete",
                    "as_at": date(2026, 3, 2),
                },
                schema_overrides=dict.fromkeys(
                    ("denominator", "lower", "upper"), pl.Float64
                )
                | {"interval": pl.String},
            )
        )
    return pl.concat(frames)


def test_the_published_signals_are_shown_else_worked_out_again() -> None:
    published = OnDuckDB(with_signals=True)
    shown = published.show(MEASURE, None)
    assert shown.area.code == "sample-force"  # the larger of the two
    assert shown.is_from_mart and isinstance(shown.series["is_alert"], bool)
    assert shown.periods[-1]["signals"] and shown.periods[-1]["direction"] == "up"
    assert {"measure_signals", "measure_series"} <= {
        name
        for sql in published.asked
        for name in published.rows
        if f"marts.{name}" in sql
    }
    for other in (OnDuckDB(with_signals=False), OnDuckDB(True, granted=False)):
        again = other.show(MEASURE, "e1")
        assert not again.is_from_mart and again.series["is_alert"] is None
        same = OnDuckDB(with_signals=True).show(MEASURE, "e1")
        assert again.periods == same.periods
        assert again.series["words"]
    with pytest.raises(UnknownArea):
        published.show(MEASURE, "E2")


def test_a_pack_holds_the_newest_periods_of_the_kinds_of_area_asked_for() -> None:
    for published in (OnDuckDB(True), OnDuckDB(False)):
        content = pack(published, [MEASURE], ["borough"], 3)
        (measure,) = content["measures"]
        (series,) = measure["series"]
        assert series["area"] == {"kind": "borough", "code": "E1", "name": "E1"}
        assert [one["value"] for one in series["periods"]] == [39.0, 41.0, 80.0]
        assert series["series"]["words"]
        assert measure["definition"]["numerator"] == MEASURE.numerator
        json.dumps(content)
    published = OnDuckDB(with_signals=True)
    published.may_see()
    assert published.asked[-1].endswith("limit 0")


def test_lists_explains_and_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDP_HOME", str(tmp_path))
    monkeypatch.setattr(
        "edp_platform.measures.loading._read", lambda root: ({"burglary": MEASURE}, [])
    )
    runner = CliRunner()
    listed = runner.invoke(app, ["list", "--aim", "crime", "--json"])
    assert [one["id"] for one in json.loads(listed.stdout)] == ["burglary"]
    assert (
        json.loads(runner.invoke(app, ["list", "--aim", "trust", "--json"]).stdout)
        == []
    )
    explained = json.loads(runner.invoke(app, ["explain", "burglary", "--json"]).stdout)
    assert explained["counted_from"] == [
        "force, borough: crimes of crime_by_borough_and_month, where crime_type is Burglary"
    ]
    assert "int_measure_counts_by_month" in explained["sql"]
    for command, status, told in (
        (["list", "--aim", "money"], 2, "there is no aim"),
        (["show", "burglry"], 2, "Near: burglary"),
        (["why", "burglary"], 2, "No publication of the measures is on record"),
        (["frozen", "show", "x"], 1, "Nothing is published yet"),
    ):
        result = runner.invoke(app, command)
        said = " ".join((result.output or str(result.exception)).split())
        said += str(result.exception or "")
        assert told in said, command
        if status == 2:
            assert result.exit_code == 2
    alerts = json.loads(runner.invoke(app, ["alerts", "--json"]).stdout)
    assert alerts == {"events": [], "waiting": 0, "delivered": None}


def test_only_what_decides_a_figure_is_a_definition_and_it_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = MEASURE.model_copy(
        update={"title": "Other", "owner": "team:x", "method": "y"}
    )
    assert deciding(words) == deciding(MEASURE)
    rows = MEASURE.values[0].model_copy(update={"only": {"crime_type": ["Robbery"]}})
    assert deciding(MEASURE.model_copy(update={"values": [rows]})) != deciding(MEASURE)

    home = Home.open(NOW.date(), tmp_path)
    file = tmp_path / "burglary.yaml"
    file.write_text("a")
    module = "edp_platform.measures.history_keeping"
    monkeypatch.setattr(f"{module}.measure_files", lambda: [file])
    monkeypatch.setattr(f"{module}.load_measures", lambda: {"burglary": MEASURE})
    assert _definitions(home) == {"burglary": deciding(MEASURE)}
    monkeypatch.setattr(f"{module}.load_measures", dict)
    assert _definitions(home) == {"burglary": deciding(MEASURE)}
    file.write_text("bb")
    assert _definitions(home) == {}
