"""The published figures, asked for as one person: on their login, and on the log."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from edp_platform.home import Home
from edp_platform.measures.history import History, Publication
from edp_platform.measures.reading import (
    MART,
    SERIES,
    SIGNALS,
    Area,
    NoFigures,
    Shown,
    areas_in,
    areas_of,
    asks_for_nothing,
    choose_area,
    plain,
    points_sql,
    put_together,
    series_sql,
    values_sql,
    worked_out,
)
from edp_platform.publishing.query import QueryFailed, Question, ask
from edp_platform.publishing.snapshot import Snapshot, current

if TYPE_CHECKING:
    import polars as pl

    from edp_platform.measures.declared import Measure


class Published:
    """What one person may see of the measures' figures.

    Args:
        home: whose published copy.
        person: who looks; an id of the registers.
        reason: why, for the log; blank for what their grants are for.
        now: when.
        export: the form in which figures leave the screen; None: they do not.
    """

    def __init__(
        self,
        home: Home,
        person: str,
        reason: str,
        now: datetime,
        export: str | None = None,
    ) -> None:
        self._home, self._person, self._reason = home, person, reason
        self._now, self._export = now, export

    @cached_property
    def snapshot(self) -> Snapshot:
        """The published copy.

        Raises:
            NothingPublished: there is none.
            NoFigures: it holds no figure of any measure.
        """
        found = current(self._home)
        if MART not in found.rows:
            raise NoFigures(
                "The published copy holds no measures yet, so there is nothing to show. "
                "They are made when files of their sources have landed: edp land …, "
                "then edp run."
            )
        return found

    def ask(self, sql: str) -> list[dict[str, Any]]:
        """Answer a question as the person, and log it.

        Raises:
            QueryFailed: it is not granted, or the server refused.
            GateRefused: a DPIA beneath no longer covers it.
        """
        question = Question(sql, self._person, self._reason, None, self._export)
        answer = ask(self._home, question, self._now)
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]

    def areas(self, measure: str) -> list[Area]:
        """Return the areas that a measure has published figures of."""
        _ = self.snapshot
        return areas_of(self.ask, measure)

    def show(self, measure: Measure, area: str | None) -> Shown:
        """Return one series as it is published now.

        Raises:
            UnknownArea, NoFigures, NothingPublished, QueryFailed, GateRefused.
        """
        chosen = choose_area(self.areas(measure.id), area)
        values = self.ask(values_sql(measure.id, chosen))
        signals = self._signals(measure, chosen)
        is_from_mart = signals is not None
        points, series = signals or worked_out(_frame(values), measure, chosen)
        return _shown(
            chosen,
            (self.snapshot.id, self.snapshot.as_at),
            values,
            (points, series),
            is_from_mart,
        )

    def show_all(self, measure: Measure, kinds: Collection[str]) -> list[Shown]:
        """Return every series of a measure as it is published now, of kinds of area.

        Raises:
            NoFigures, NothingPublished, QueryFailed, GateRefused.
        """
        values = self.values(measure.id)
        points, series = self._all_signals(measure)
        shown = []
        for area in areas_in(values):
            if area.kind not in kinds:
                continue
            place = (area.kind, area.code)
            own = [one for one in values if _place(one) == place]
            signals = (points.get(place, []), series.get(place, {}))
            is_from_mart = bool(signals[1])
            if not is_from_mart:
                signals = worked_out(_frame(values), measure, area)
            made = (self.snapshot.id, self.snapshot.as_at)
            shown.append(_shown(area, made, own, signals, is_from_mart))
        return shown

    def _all_signals(
        self, measure: Measure
    ) -> tuple[dict[Any, list[dict[str, Any]]], dict[Any, dict[str, Any]]]:
        if not {SIGNALS, SERIES} <= self.snapshot.rows.keys():
            return {}, {}
        try:
            points = self.ask(points_sql(measure.id))
            series = self.ask(series_sql(measure.id))
        except QueryFailed:
            return {}, {}
        by_place: dict[Any, list[dict[str, Any]]] = {}
        for one in points:
            by_place.setdefault(_place(one), []).append(one)
        return by_place, {_place(one): one for one in series}

    def show_as_at(
        self, measure: Measure, area: str | None, publication: Publication
    ) -> Shown:
        """Return one series as it was published earlier.

        Its signals are worked out of those figures: what stood in the marts of signals
        then is not kept.
        """
        values = self.kept(measure.id, publication)
        names = ["area_kind", "area_code", "area"]
        areas = areas_in(values.select(names).unique().to_dicts())
        if not areas:
            raise NoFigures(
                f"{measure.id} had no published figure in {publication.snapshot}."
            )
        chosen = choose_area(areas, area)
        import polars as pl

        own = values.filter(
            (pl.col("area_kind") == chosen.kind) & (pl.col("area_code") == chosen.code)
        )
        return _shown(
            chosen,
            (publication.snapshot, publication.as_at),
            own.to_dicts(),
            worked_out(values, measure, chosen),
            False,
        )

    def kept(self, measure: str, publication: Publication) -> pl.DataFrame:
        """Return a measure's figures of an earlier publication, if they may see them.

        Raises:
            QueryFailed: the figures of today are not granted, so neither are these.
        """
        _ = self.snapshot
        self.may_see()
        return History(self._home).values_at(publication, [measure])

    def may_see(self) -> None:
        """Ask for no row of the figures: the same grants decide, and the log tells.

        Raises:
            QueryFailed: they are not granted.
        """
        self.ask(asks_for_nothing())

    def values(self, measure: str) -> list[dict[str, Any]]:
        """Return every figure of a measure as it is published now."""
        _ = self.snapshot
        return self.ask(values_sql(measure))

    def _signals(
        self, measure: Measure, area: Area
    ) -> tuple[list[dict[str, Any]], dict[str, Any]] | None:
        """Return points and state as published; None where there are none to see."""
        if not {SIGNALS, SERIES} <= self.snapshot.rows.keys():
            return None
        try:
            points = self.ask(points_sql(measure.id, area))
            series = self.ask(series_sql(measure.id, area))
        except QueryFailed:
            return None  # granted are the figures alone: their signals follow from them
        return (points, series[0]) if points and series else None


def _place(row: dict[str, Any]) -> tuple[str, str]:
    return row["area_kind"], row["area_code"]


def _frame(values: list[dict[str, Any]]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(values, infer_schema_length=None).with_columns(
        pl.col("month").cast(pl.Date), pl.col("value").cast(pl.Float64)
    )


def _shown(
    area: Area,
    publication: tuple[str, str],
    values: list[dict[str, Any]],
    signals: tuple[list[dict[str, Any]], dict[str, Any]],
    is_from_mart: bool,
) -> Shown:
    points, series = signals
    told = {name: plain(value) for name, value in series.items()}
    if not is_from_mart:
        # Alerts are decided over all watched series together: of one, nobody knows.
        told |= {"is_alert": None, "is_watched": None}
    return Shown(area, *publication, put_together(values, points), told, is_from_mart)
