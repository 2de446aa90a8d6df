"""A measure's definition in full, and the rows that one of its figures is made of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from edp_platform.home import Home
from edp_platform.measures.loading import AREA_COLUMNS
from edp_platform.measures.reading import NoFigures, Shown, quoted
from edp_platform.measures.sql import generated_files
from edp_platform.use_cases import UseCaseFolder, UseCases
from edp_platform.warehouse.manifest import ManifestStore, dbt_project_folder
from edp_platform.warehouse.models import Model, Models

if TYPE_CHECKING:
    from edp_platform.datasets import DataSets
    from edp_platform.measures.declared import Measure, Values

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_COUNTS = ("int_measure_counts_by_month.sql", "int_measure_counts_whole.sql")


def definition_of(measure: Measure) -> dict[str, Any]:
    """Return what a reader of a measure may ask, ready for JSON, and its SQL."""
    stated = measure.model_dump(mode="json", by_alias=True, exclude={"example"})
    stated["counted_from"] = [_counted(one) for one in measure.values]
    stated["sql"] = sql_of(measure)
    return stated


def _counted(values: Values) -> str:
    """Return in words which rows and columns of which model are added up."""
    rows = [
        *(f"{name} is {' or '.join(known)}" for name, known in values.only.items()),
        *(
            f"{name} is not {' or '.join(known)}"
            for name, known in values.without.items()
        ),
    ]
    told = f"{', '.join(values.areas)}: {values.numerator} of {values.model}"
    if values.minus:
        told += f", less {values.minus}"
    if values.denominator:
        told += f", of {values.denominator}"
    if rows:
        told += f", where {' and '.join(rows)}"
    for name, known in values.counted.items():
        told += f"; the numerator only where {name} is {' or '.join(known)}"
    return told


def sql_of(measure: Measure) -> dict[str, str]:
    """Return model → the SQL that counts this measure alone."""
    files = generated_files([measure], dbt_project_folder())
    found = {}
    for path, text in files.items():
        _, _, body = text.partition("with\n")
        # A file that counts nothing of this measure reads no model.
        if path.name in _COUNTS and "{{ ref(" in body:
            found[path.stem] = f"with\n{body}".rstrip()
    return found


def trace_figure(
    home: Home,
    data_sets: DataSets,
    measure: Measure,
    shown: Shown,
    month: date | None,
) -> dict[str, Any]:
    """Return one figure, how many rows of what it is made of, and how to list them.

    Args:
        home: whose warehouse and published copy.
        data_sets: of the platform.
        measure: whose figure.
        shown: its series.
        month: the first day of the period, or a day of its first month; None for the
            newest period that has a figure.

    Raises:
        NoFigures: the series has no such period.
    """
    period = _period(shown, month)
    places = [one for one in measure.values if shown.area.kind in one.areas]
    models = Models(ManifestStore(home).manifest)
    return {
        "month": period["month"],
        "area": shown.area.name,
        "area_code": shown.area.code,
        "value": period["value"],
        "numerator": period["numerator"],
        "denominator": period["denominator"],
        "snapshot": shown.snapshot,
        "rows": [
            told
            for values in places
            for told in _traced_all(
                home, data_sets, (measure, values), shown, models, period["month"]
            )
        ],
    }


def _period(shown: Shown, month: date | None) -> dict[str, Any]:
    held = [one for one in shown.periods if one["value"] is not None]
    if month is None and held:
        return held[-1]
    wanted = f"{month:%Y-%m}" if month else ""
    for one in shown.periods:
        if wanted and one["month"][:7] == wanted:
            return one
    spans = f"{shown.periods[0]['month'][:7]} to {shown.periods[-1]['month'][:7]}"
    raise NoFigures(
        f"{shown.area.name} has no figure of {wanted or 'any period'}. It has {spans}; "
        "name a period by its first month."
    )


def _traced_all(
    home: Home,
    data_sets: DataSets,
    counted: tuple[Measure, Values],
    shown: Shown,
    models: Models,
    month: str,
) -> list[dict[str, Any]]:
    """Return the trace of one figure through each mart that its model is made of."""
    measure, values = counted
    model = models.by_name.get(values.model)
    marts = _marts_of(model, models)
    beneath = sorted(models.data_sets(model.unique_id)) if model else measure.source
    where = where_of(measure, values, shown, model, month)
    found = []
    use_cases = UseCases.load(home).by_name if marts else {}
    for mart in marts:
        own = where_of(measure, values, shown, mart, month)
        found.append(_traced(home, data_sets, use_cases, mart, own))
    # A model over several marts takes a period from one of them.
    traced = [one for one in found if one["command"]] or found
    return traced or [
        {
            "model": values.model,
            "where": where,
            "command": None,
            "says": f"Counted from {values.model}, which is no published mart: its rows "
            f"are those of {', '.join(beneath)} where {where}. edp trace FILE follows a "
            "landed file to it.",
        }
    ]


def _marts_of(model: Model | None, models: Models) -> list[Model]:
    """Return a mart itself, or those that a model between is made of."""
    if model is None:
        return []
    if model.layer == "mart":
        return [model]
    parents = [models.by_id[one] for one in model.parents if one in models.by_id]
    return [one for one in parents if one.layer == "mart"]


def _traced(
    home: Home,
    data_sets: DataSets,
    use_cases: Mapping[str, UseCaseFolder],
    mart: Model,
    where: str,
) -> dict[str, Any]:
    """Return the trace of one figure through one mart, in a line and a command."""
    from edp_platform.governance.gate import GateRefused
    from edp_platform.publishing.query import QueryFailed, pass_gate
    from edp_platform.publishing.snapshot import current
    from edp_platform.tracing import TraceFailed, trace_any

    told: dict[str, Any] = {"model": mart.name, "where": where, "command": None}
    try:
        pass_gate(current(home), {mart.name}, data_sets, use_cases, date.today())
        found = trace_any(home, data_sets, mart.name, where, 0)
    except (GateRefused, TraceFailed, QueryFailed) as error:
        return told | {"says": f"Not traced: {error}"}
    rows = found["fact_rows"]
    files = len(found["files"])
    made = (
        f"{rows:,} rows of {found['fact']}, {found['lines']:,} lines of {files:,} files"
        if rows is not None
        else f"{files:,} files of its data sets"
    )
    return told | {
        "mart_rows": found["mart_rows"],
        "fact_rows": rows,
        "lines": found["lines"],
        "files": files,
        "command": f'edp trace {mart.name} --where "{where}" --limit 1000',
        "says": f"Made of {found['mart_rows']:,} rows of marts.{mart.name}, which "
        f"are made of {made}. List them:",
    }


def where_of(
    measure: Measure, values: Values, shown: Shown, model: Model | None, month: str
) -> str:
    """Return which rows of a model one figure is made of, as one SQL condition.

    Rows that count in the denominator alone are among them: both are the figure's.
    """
    columns = {name for name, _, _ in model.columns} if model else set()
    area, parts = shown.area, []
    if area.kind != "force":
        parts.append(f"{AREA_COLUMNS[area.kind][0]} = {quoted(area.code)}")  # type: ignore[index]
    elif "force" in columns and values.force is None:
        parts.append(f"force = {quoted(area.code)}")
    parts.append(_in_period(values.period, measure.frequency, month))
    for column, known in values.only.items():
        parts.append(f"{column} in ({', '.join(map(quoted, known))})")
    for column, known in values.without.items():
        parts.append(f"{column} not in ({', '.join(map(quoted, known))})")
    return " and ".join(parts)


def _in_period(column: str, frequency: str, month: str) -> str:
    first = date.fromisoformat(month)
    if column == "year":
        return f"year = {first.year}"
    year, after = divmod(first.month - 1 + _MONTHS[frequency], 12)
    last = date(first.year + year, after + 1, 1)
    if frequency == "month":
        return f"{column} = date '{first}'"
    return f"{column} >= date '{first}' and {column} < date '{last}'"
