"""From the measures' YAML: the dbt models that count them, in plain SQL.

Written into the dbt project as the sources of contracts are, so that dbt, the column
lineage and people see plain files; `drift` lists those that no longer say what the
measures say. What is counted stands here; intervals, completeness and the final shape
are in `measure_values.sql`, once for all measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from edp_platform.files import replacing
from edp_platform.measures.declared import RATE_PER, AreaKind, Measure, Values
from edp_platform.measures.loading import AREA_COLUMNS, model_columns

_FOLDER = Path("models/intermediate")
_HEADER = (
    "Generated from edp_platform/defs/*/measures. Do not edit: change a measure and run "
    "`edp generate`."
)
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
#: Kind of measure → what stands before the quotient.
_SCALE = {"count": 1, "rate": RATE_PER, "proportion": 100, "mean": 1, "survey": 100}
_INCREMENTAL = (
    "{{ config(\n    materialized='incremental',\n    incremental_strategy='by_month',\n"
    "    on_schema_change='fail'\n) }}\n\n"
)


@dataclass(frozen=True)
class Branch:
    """A measure for one kind of area, out of one model."""

    measure: Measure
    values: Values
    kind: AreaKind
    columns: frozenset[str]

    @property
    def has_own_force(self) -> bool:
        """Whether the model itself says whose row it is."""
        return self.values.force is None and "force" in self.columns

    @property
    def force(self) -> str:
        """The force of a row."""
        if self.values.force:
            return _text(self.values.force)
        return "counts.force" if self.has_own_force else "areas.force"

    @property
    def gives_shares(self) -> bool:
        """Whether its rows are shares without the numbers behind them."""
        return self.measure.kind == "survey" and self.values.denominator is None

    @property
    def needs_forces(self) -> bool:
        """Whether boroughs must be looked up: for name or force, or to be the force's."""
        if self.kind == "borough" or (self.kind != "force" and self.has_own_force):
            return True
        return self.values.force is None and not self.has_own_force

    @property
    def period(self) -> str:
        """The first day of the period of a row."""
        name = f"counts.{self.values.period}"
        if self.values.period == "year":
            return f"make_date(cast({name} as integer), 1, 1)"
        if self.measure.frequency == "month":
            return name
        return f"cast(date_trunc('{self.measure.frequency}', {name}) as date)"


def generated_files(measures: Iterable[Measure], project: Path) -> dict[Path, str]:
    """Return path (relative to the dbt project) → text of each generated file.

    Args:
        measures: every measure.
        project: the dbt project, whose models say which columns they have.
    """
    branches = [*_branches(measures, model_columns(project))]
    monthly = [one for one in branches if _is_monthly(one, project)]
    whole = [one for one in branches if not _is_monthly(one, project)]
    return {
        _FOLDER / "int_measure_counts_by_month.sql": (
            f"{_note()}{_INCREMENTAL}{_counts(monthly, True)}"
        ),
        _FOLDER / "int_measure_counts_by_month.yml": _counts_yaml(
            "int_measure_counts_by_month", "month"
        ),
        _FOLDER / "int_measure_counts_whole.sql": f"{_note()}{_counts(whole, False)}",
        _FOLDER / "int_measure_counts_whole.yml": _counts_yaml(
            "int_measure_counts_whole", "none"
        ),
        _FOLDER / "int_measure_settings.sql": f"{_note()}{_settings(branches)}",
        _FOLDER / "int_measure_settings.yml": _settings_yaml(),
        _FOLDER / "int_measure_rows_by_month.sql": (
            f"{_note()}{_INCREMENTAL}{_received(_supplies(branches, project))}"
        ),
        _FOLDER / "int_measure_rows_by_month.yml": _rows_yaml(),
        _FOLDER / "int_measure_releases.sql": (
            f"{_note()}{_union(_releases(branches, project), _RELEASES)}"
        ),
        _FOLDER / "int_measure_releases.yml": _releases_yaml(),
    }


def write_generated(measures: Iterable[Measure], project: Path) -> list[Path]:
    """Write what changed; return the paths written.

    Raises:
        WriteFailed: the dbt project cannot be written (an installed wheel, say).
    """
    differing = drift(measures, project)
    files = generated_files(measures, project) if differing else {}
    for target in differing:
        with replacing(target) as temporary:
            temporary.write_text(files[target.relative_to(project)], encoding="utf-8")
    return differing


def drift(measures: Iterable[Measure], project: Path) -> list[Path]:
    """Return the generated files that are missing or were edited by hand."""
    return [
        project / path
        for path, text in generated_files(measures, project).items()
        if not (project / path).exists()
        or (project / path).read_text(encoding="utf-8") != text
    ]


def _note() -> str:
    return f"-- noqa: disable=all\n-- {_HEADER}\n"


def _branches(
    measures: Iterable[Measure], columns: Mapping[str, frozenset[str]]
) -> Iterator[Branch]:
    for measure in measures:
        for values in measure.values:
            for kind in values.areas:
                yield Branch(measure, values, kind, columns[values.model])


def _is_monthly(branch: Branch, project: Path) -> bool:
    """Whether a run of some months may replace just those months of it.

    So only of a model whose own months stand each on its own, and are the periods.
    """
    path = next((project / "models").rglob(f"{branch.values.model}.sql"), None)
    sql = path.read_text(encoding="utf-8") if path else ""
    by_month = "incremental_strategy='by_month'" in sql
    return by_month and branch.values.period == "month"


def _union(selects: list[str], columns: list[tuple[str, str, str]]) -> str:
    return (
        f"with\n\nfinal as (\n{_united(selects, columns)}\n)\n\nselect * from final\n"
    )


def _united(selects: list[str], columns: list[tuple[str, str, str]]) -> str:
    # Without a select the table is still there, and empty.
    none = ",\n".join(
        f"    cast(null as {kind}) as {name}" for name, kind, _ in columns
    )
    text = "\nunion all\n".join(selects or [f"select\n{none}\nwhere false"])
    return "\n".join(f"    {line}" if line else line for line in text.split("\n"))


def _counts(branches: list[Branch], is_monthly: bool) -> str:
    """Return the rows of every measure under each other, and one GROUP BY of them.

    One, not one for each: what protects people on the way to a measure is then one and
    the same for all, which the column lineage can follow however many there are.
    """
    # Sums of weights and hours are rounded: their last bits depend on the order in which
    # threads add them up, and a figure must not change where nothing did.
    rows = _united([_taken(one, is_monthly) for one in branches], _COUNTS)
    return (
        f"with\n\nrows_counted as (\n{rows}\n),\n\n"
        "final as (\n"
        "    select\n"
        "        measure,\n"
        "        area_kind,\n"
        "        area_code,\n"
        "        min(area) as area,\n"
        "        force,\n"
        "        month,\n"
        "        cast(round(sum(numerator), 9) as double) as numerator,\n"
        "        cast(round(sum(denominator), 9) as double) as denominator,\n"
        "        cast(round(sum(squared_weights), 9) as double) as squared_weights\n"
        "    from rows_counted\n"
        "    group by measure, area_kind, area_code, force, month\n"
        ")\n\nselect * from final\n"
    )


def _taken(branch: Branch, is_monthly: bool) -> str:
    """Return the rows of a model that one measure counts, with what they count."""
    values, measure, kind = branch.values, branch.measure, branch.kind
    code = name = branch.force
    if kind != "force":
        code_column, name_column = AREA_COLUMNS[kind]
        holds_name = "areas" if kind == "borough" else "counts"
        code, name = f"counts.{code_column}", f"{holds_name}.{name_column}"
    numerator, denominator, squared = _summed(branch)
    lines = [
        "select",
        f"    {_text(measure.id)} as measure,",
        f"    {_text(kind)} as area_kind,",
        f"    {code} as area_code,",
        f"    {name} as area,",
        f"    {branch.force} as force,",
        f"    {branch.period} as month,",
        f"    {numerator} as numerator,",
        f"    {denominator} as denominator,",
        f"    {squared} as squared_weights",
        f"from {{{{ ref('{values.model}') }}}} as counts",
    ]
    if branch.needs_forces:
        lines += [
            "inner join {{ ref('int_borough_forces') }} as areas",
            "    on counts.borough_code = areas.borough_code",
        ]
        if branch.has_own_force:
            # What another force recorded there is that force's: its own measure.
            lines.append("    and counts.force = areas.force")
    wheres = [
        *(["{{ month_dates_in_scope('counts.month') }}"] if is_monthly else []),
        *_rows(values),
        # A question that was not asked in the period has no row.
        *([f"counts.{values.numerator} is not null"] * (measure.kind == "survey")),
        # Rows of no known place are the force's, and no ward's.
        *(["counts.borough_code is not null"] * (kind == "ward")),
    ]
    if wheres:
        lines.append("where\n    " + "\n    and ".join(wheres))
    return "\n".join(lines)


def _summed(branch: Branch) -> tuple[str, str, str]:
    """Return what of a row is added to numerator, denominator and squared weights."""
    values = branch.values
    none = "cast(null as double)"
    numerator = denominator = f"counts.{values.numerator}"
    if values.minus:
        numerator = denominator = f"{numerator} - counts.{values.minus}"
    if values.denominator != values.numerator:
        denominator = f"counts.{values.denominator}" if values.denominator else none
    if branch.gives_shares:
        # The file gives shares alone; over an area they are one and the same.
        return numerator, "1", none
    if branch.measure.kind == "survey":
        numerator = f"{numerator} * counts.{values.denominator}"
    if values.counted:
        chosen = " and ".join(
            _in(name, known) for name, known in values.counted.items()
        )
        numerator = f"case when {chosen} then {numerator} else 0 end"
    return (
        numerator,
        denominator,
        f"counts.{values.squared_weights}" if values.squared_weights else none,
    )


def _rows(values: Values) -> list[str]:
    return [
        *(_in(name, known) for name, known in values.only.items()),
        *(f"not {_in(name, known)}" for name, known in values.without.items()),
    ]


def _in(column: str, known: list[str]) -> str:
    if len(known) == 1:
        return f"(counts.{column} = {_text(known[0])})"
    return f"(counts.{column} in ({', '.join(map(_text, known))}))"


def _text(value: str | None) -> str:
    if value is None:
        return "cast(null as varchar)"
    return "'" + value.replace("'", "''") + "'"


def _number(value: float | None) -> str:
    return "cast(null as double)" if value is None else repr(float(value))


def effective_sample(measure: Measure, kind: AreaKind) -> float | None:
    """Return how many independent answers a period's share of a survey rests on.

    Respondents of the periods that share them, divided among the areas, and by the
    design effect (Kish 1965, Survey Sampling, 8.2); None where nothing is documented.

    Args:
        measure: of kind survey.
        kind: force, or one of `survey.areas` areas.
    """
    survey = measure.survey
    if survey is None:
        return None
    periods = measure.overlapping.periods if measure.overlapping else 1
    years = periods * _MONTHS[measure.frequency] / 12
    areas = 1 if kind == "force" else survey.areas
    return survey.respondents_per_year * years / areas / survey.design_effect


def _settings(branches: list[Branch]) -> str:
    rows = ",\n".join(
        "        ("
        + ", ".join(
            [
                _text(one.measure.id),
                _text(one.kind),
                _text(one.measure.kind),
                _number(_SCALE[one.measure.kind]),
                _text(one.measure.frequency),
                str(_MONTHS[one.measure.frequency]),
                str(one.measure.settles_after),
                _text(one.values.supply),
                str(_MONTHS[one.values.supplied_every]),
                _number(effective_sample(one.measure, one.kind)),
                str(one.gives_shares).lower(),
            ]
        )
        + ")"
        for one in branches
    )
    names = ", ".join(name for name, _, _ in _SETTINGS)
    return (
        f"with\n\nfinal as (\n    select *\n    from (\n        values\n{rows}\n"
        f"    ) as settings ({names})\n)\n\nselect * from final\n"
    )


def _supplies(branches: list[Branch], project: Path) -> list[str]:
    """Return a select for each monthly data set of each supply: one row for each."""
    columns = model_columns(project)
    found: dict[tuple[str, str, str], str] = {}
    for one in branches:
        for name in one.values.supplied_by:
            staging = columns.get(f"stg_{name}", frozenset())
            key = (one.values.supply, name, one.values.force or "")
            if "month_text" in staging and key not in found:
                found[key] = _supply(one.values, name, staging)
    return [found[key] for key in sorted(found)]


def _supply(values: Values, name: str, staging: frozenset[str]) -> str:
    places = ("borough_code", "lsoa_code")
    place = next((one for one in places if one in staging), None)
    join = []
    if values.force:
        force = f"{_text(values.force)} as force"
    elif "force" in staging:
        force = "received.force"
    else:
        force = "areas.force"
        join = [
            "inner join {{ ref('int_borough_forces') }} as areas",
            "    on received.borough = areas.borough",
        ]
    missing = f"case when received.{place} is null then 1 else 0 end" if place else "0"
    return "\n".join(
        [
            "select",
            "    received.month,",
            f"    {_text(values.supply)} as supply,",
            f"    {force},",
            "    received.release_date,",
            "    1 as row_count,",
            f"    {missing} as rows_without_place",
            f"from {{{{ ref('stg_{name}') }}}} as received",
            *join,
            "where {{ months_in_scope('received.month_text') }}",
        ]
    )


def _received(selects: list[str]) -> str:
    return (
        f"with\n\nreceived as (\n{_united(selects, _ROWS)}\n),\n\n"
        "final as (\n"
        "    select\n"
        "        month,\n"
        "        supply,\n"
        "        force,\n"
        "        release_date,\n"
        "        cast(sum(row_count) as bigint) as row_count,\n"
        "        cast(sum(rows_without_place) as bigint) as rows_without_place\n"
        "    from received\n"
        "    group by month, supply, force, release_date\n"
        ")\n\nselect * from final\n"
    )


def _releases(branches: list[Branch], project: Path) -> list[str]:
    """Return a select for each data set that is delivered whole: its last release."""
    columns = model_columns(project)
    names = {
        (one.values.supply, name)
        for one in branches
        for name in one.values.supplied_by
        if "month_text" not in columns.get(f"stg_{name}", frozenset())
    }
    return [
        f"select\n    {_text(supply)} as supply,\n"
        "    max(release_date) as release_date\n"
        f"from {{{{ ref('stg_{name}') }}}}"
        for supply, name in sorted(names)
    ]


_KEY = [
    ("measure", "varchar", "Identifier of the measure."),
    ("area_kind", "varchar", "Kind of area: force, borough, ward or lsoa."),
]
_COUNTS = [
    *_KEY,
    ("area_code", "varchar", "Code of the area; of a force, its short name."),
    ("area", "varchar", "Name of the area."),
    ("force", "varchar", "The force the area is in."),
    ("month", "date", "First day of the period."),
    ("numerator", "double", "What is counted."),
    ("denominator", "double", "What it is divided by; empty where nothing is."),
    ("squared_weights", "double", "Sum of the squared weights of a survey."),
]
_SETTINGS = [
    *_KEY,
    ("kind", "varchar", "count, rate, proportion, mean or survey."),
    ("scale", "double", "What the quotient is multiplied by."),
    ("frequency", "varchar", "month, quarter or year."),
    ("months", "integer", "Months of a period."),
    ("settles_after", "integer", "Latest periods that are provisional."),
    ("supply", "varchar", "Data sets whose supply makes a period complete."),
    ("supply_months", "integer", "Months from one supply of them to the next."),
    ("documented_sample", "double", "Effective sample that is documented, a period."),
    ("gives_shares", "boolean", "Whether the file gives shares without numbers."),
]
_ROWS = [
    ("month", "date", "First day of the month of the file that holds the row."),
    ("supply", "varchar", "Data sets that are supplied for a measure."),
    ("force", "varchar", "Force."),
    ("release_date", "date", "Release that they came in."),
    ("row_count", "bigint", "Rows held."),
    ("rows_without_place", "bigint", "Rows that no borough is known of."),
]
_RELEASES = [
    ("supply", "varchar", "Data set."),
    ("release_date", "date", "Its latest release."),
]


def _counts_yaml(name: str, partitioned: str) -> str:
    told = (
        "Counts that stand month by month"
        if partitioned == "month"
        else "Counts of models that are built whole"
    )
    return _model_yaml(
        name,
        f"One row per measure, area and period. {told}.",
        partitioned,
        _COUNTS,
        ["measure", "area_kind", "area_code", "force", "month"],
    )


def _settings_yaml() -> str:
    told = "One row per measure and kind of area: how its value is worked out."
    key = ["measure", "area_kind"]
    return _model_yaml("int_measure_settings", told, "none", _SETTINGS, key)


def _rows_yaml() -> str:
    told = (
        "One row per month, supply, force and release: rows received, from which "
        "it is judged whether a measure's period is complete."
    )
    key = ["month", "supply", "force", "release_date"]
    return _model_yaml("int_measure_rows_by_month", told, "month", _ROWS, key)


def _releases_yaml() -> str:
    told = "One row per data set that is delivered whole: its latest release."
    return _model_yaml("int_measure_releases", told, "none", _RELEASES, ["supply"])


def _model_yaml(
    name: str,
    description: str,
    partitioned: str,
    columns: list[tuple[str, str, str]],
    key: list[str],
) -> str:
    config: dict[str, str] = {"severity": "error"}
    if partitioned == "month":
        config["where"] = "__months_in_scope__"
    model = {
        "name": name,
        "description": description,
        "config": {"meta": {"partitioned": partitioned}},
        "data_tests": [
            {"primary_key": {"arguments": {"columns": key}, "config": config}}
        ],
        "columns": [
            {"name": column, "data_type": kind, "description": text}
            for column, kind, text in columns
        ],
    }
    document = {"version": 2, "models": [model]}
    body = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=88)
    return f"# {_HEADER}\n{body}"
