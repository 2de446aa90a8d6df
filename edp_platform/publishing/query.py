"""Questions to the published copy, answered read-only and without leaving it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import duckdb

from edp_platform.datasets import DataSets
from edp_platform.governance.gate import GateRefused
from edp_platform.home import Home
from edp_platform.publishing.snapshot import Snapshot, current
from edp_platform.use_cases import UseCaseFolder, UseCases, product_refusals

Format = Literal["table", "csv", "json"]

#: A spreadsheet runs a cell that starts so as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class QueryFailed(ValueError):
    """The query could not be answered; the message says what is there."""


def ask(
    home: Home, data_sets: DataSets, sql: str, today: date
) -> tuple[list[str], list[tuple[Any, ...]], str]:
    """Answer one query, if every mart it names may be read today.

    Args:
        home: whose published copy.
        data_sets: whose DPIAs are asked.
        sql: the query.
        today: the day of the question.

    Returns:
        the columns, the rows, and the snapshot's id.

    Raises:
        NothingPublished: no copy yet.
        QueryFailed: the SQL is wrong, asks for what is not there, or would write.
        GateRefused: a DPIA beneath a mart no longer covers it; the copy was published
            before, and is not shown.
    """
    snapshot = current(home)
    with duckdb.connect(str(snapshot.path), read_only=True) as connection:
        # The copy and nothing else: no file, no network, no extension, no setting.
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        try:
            named = connection.get_table_names(sql)
            use_cases = UseCases.load(home).by_name
            pass_gate(snapshot, named, data_sets, use_cases, today)
            result = connection.execute(sql)
            columns = [column[0] for column in result.description or []]
            return columns, result.fetchall(), snapshot.id
        except duckdb.CatalogException as error:
            raise QueryFailed(
                f"{error}\nThe published marts are: {', '.join(sorted(snapshot.rows))}. "
                "Ask them as marts.NAME. A mart is published when what it is made of has "
                "arrived and its checks have passed: edp status."
            ) from error
        except duckdb.Error as error:
            raise QueryFailed(str(error)) from error


def pass_gate(
    snapshot: Snapshot,
    named: set[str],
    data_sets: DataSets,
    use_cases: Mapping[str, UseCaseFolder],
    today: date,
) -> None:
    """Ask the gate about every mart that is named, as of today.

    Raises:
        GateRefused: a DPIA beneath one, or its use case's records, no longer cover it.
        QueryFailed: a data set beneath one is set aside, so nobody can say.
    """
    for mart in sorted(name.rsplit(".", 1)[-1].strip('"') for name in named):
        for use in snapshot.uses.get(mart, []):
            data_set = data_sets.by_name.get(use.data_set)
            if data_set is None:
                raise QueryFailed(
                    f"{mart} is made from {use.data_set}, which is set aside: nobody "
                    "can say whether its DPIA still covers it. See edp status."
                )
            refusals = [
                *data_set.refusals(
                    "mart", today, purposes=use.purposes, use_case=use.use_case
                ),
                *product_refusals(use_cases, use.use_case, mart, today),
            ]
            if refusals:
                raise GateRefused(mart, refusals)


def as_csv(columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    """Return CSV; text that a spreadsheet would run as a formula starts with '."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in (columns, *rows):
        writer.writerow([_safe(value) for value in row])
    return text.getvalue()


def _safe(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return "" if value is None else value


def as_json(columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    """Return a JSON list of one object a row; dates are ISO text."""
    return json.dumps(
        [dict(zip(columns, row, strict=True)) for row in rows],
        default=str,
        ensure_ascii=False,
    )
