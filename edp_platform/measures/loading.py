"""Read the measures and refuse what is unknown, misspelt or unanswered.

Each fault is told as `file:line: what is wrong and what to write`. A column is looked
for in the YAML beside the model's SQL, which `edp lineage check` holds against the SQL.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from edp_platform.datasets import defs_root
from edp_platform.governance.records.base import (
    Fault,
    RecordInvalid,
    read_record,
)
from edp_platform.governance.registers import registers_root
from edp_platform.governance.rules import enforces
from edp_platform.measures.declared import (
    BROKEN_BY_CONNECT,
    CONNECT_FROM,
    NOT_NOTIFIABLE,
    AreaKind,
    Measure,
    Values,
)
from edp_platform.told import Told
from edp_platform.warehouse.manifest import dbt_project_folder
from edp_platform.yaml_source import UnreadableYaml, YamlDocument, load_yaml

#: Kind of area → columns of its code and name. A borough's name is looked up by its code.
AREA_COLUMNS: dict[AreaKind, tuple[str, str]] = {
    "borough": ("borough_code", "borough"),
    "ward": ("ward_code", "ward"),
    "lsoa": ("lsoa_code", "lsoa_name"),
}
#: What our models write where a record has no value of its own.
_OURS = frozenset({"unknown", "none", "Not stated", "Not known"})


class MeasureInvalid(RecordInvalid, Told):
    """A measure cannot be relied on; each line is `file:line: fault`."""


def measure_files(root: Path | None = None) -> list[Path]:
    """Return the files of measures, in the order of their names."""
    return sorted((root or defs_root()).glob("*/measures/*.yaml"))


def load_measures(root: Path | None = None) -> dict[str, Measure]:
    """Load every measure of every use case, by id in alphabetical order.

    Args:
        root: the folder of use cases; the platform's own where left out.

    Raises:
        MeasureInvalid: with a line for each fault of every file.
    """
    found, faults = _read(root)
    if faults:
        raise MeasureInvalid("\n".join(faults))
    return found


def check_measures(root: Path | None = None) -> list[str]:
    """Return every fault of every measure as `file:line: fault`."""
    return _read(root)[1]


def _read(root: Path | None) -> tuple[dict[str, Measure], list[str]]:
    measures: dict[str, Measure] = {}
    faults: list[str] = []
    for path in measure_files(root):
        try:
            document = load_yaml(path)
            measure = read_record(document, Measure, date.min, MeasureInvalid)
        except (UnreadableYaml, MeasureInvalid) as error:
            faults += str(error).splitlines()
            continue
        found = [
            str(Fault(path, document.line(["measure", *keys]), message))
            for keys, message in measure_faults(measure, document)
        ]
        if measure.id in measures:
            found.append(
                str(
                    Fault(
                        path,
                        document.line(["measure", "id"]),
                        f"`{measure.id}` is the id of another measure too; its figures "
                        "would be added up. Give one of them another id.",
                    )
                )
            )
        faults += found
        if not found:
            measures[measure.id] = measure
    return dict(sorted(measures.items())), faults


def measure_faults(
    measure: Measure, document: YamlDocument
) -> Iterator[tuple[list[str | int], str]]:
    """Yield (keys, message) for each fault that its fields alone do not show."""
    for at, name in enumerate(measure.source):
        if not (defs_root() / "datasets" / name / "contract.yaml").exists():
            yield (
                ["source", at],
                f"there is no data set {name}: edp catalogue lists them. A measure "
                "whose source is not known cannot be traced to its rows.",
            )
    team = measure.owner.removeprefix("team:")
    teams = registers_root() / "teams"
    if measure.owner.startswith("team:") and not (teams / f"{team}.yaml").exists():
        yield (
            ["owner"],
            f"the team {measure.owner} stands in no register, so nobody answers for "
            "the figure. Write a team of the register, or an e-mail address.",
        )
    assessed = _assessment(document.path.parents[1])
    if assessed != measure.eqia:
        yield (
            ["eqia"],
            f"the use case's equality impact assessment is {assessed or 'not there'}: "
            "a measure is shown under the one of its use case. Write its id.",
        )
    if document.path.stem != measure.id:
        yield (
            ["id"],
            f"the file is called {document.path.name}: a measure `{measure.id}` stands "
            f"in {measure.id}.yaml, where people look for it.",
        )
    yield from no_ratio_of_groups(measure)
    yield from total_notifiable(measure)
    yield from breaks_declared(measure)
    if measure.baseline is not None:
        # It brings polars, which most measures need not wait for.
        from edp_platform.analysis.signals.validity import limits_across_breaks

        for said in limits_across_breaks({measure.id: measure.series_settings()}):
            yield ["baseline"], said
    for index, values in enumerate(measure.values):
        place: list[str | int] = ["values", index]
        for at, name in enumerate(values.supplied_by):
            if name not in measure.source:
                yield (
                    [*place, "supplied_by", at],
                    f"{name} is not among its `source`: a reader looks there for where "
                    "the figure is from. Write it there too.",
                )
        columns = model_columns(dbt_project_folder()).get(values.model)
        if columns is None:
            yield (
                [*place, "from"],
                f"there is no model {values.model} in the dbt project, so there is "
                "nothing to count. Write the name of one; docs/marts.md lists them.",
            )
            continue
        wanted = [*values.columns()]
        for kind in values.areas:
            if kind != "force":
                code, name = AREA_COLUMNS[kind]
                named = [code] if kind == "borough" else [code, name]
                wanted += [(["areas"], one) for one in named]
        if values.force is None and not columns & {"force", "borough_code"}:
            yield (
                [*place, "areas"],
                f"{values.model} has neither `force` nor `borough_code`, so whose figure "
                "it is cannot be told. Write `force: …`, the force all its rows are of.",
            )
        yield from _unknown_values(values, place)
        for keys, name in wanted:
            if name not in columns:
                yield (
                    [*place, *keys],
                    f"{values.model} has no column `{name}`. It has "
                    f"{', '.join(sorted(columns))}.",
                )


@cache
def _assessment(use_case: Path) -> str | None:
    """Return the id of a use case's equality impact assessment."""
    try:
        found = load_yaml(use_case / "eqia.yaml").mapping("eqia").get("id")
    except UnreadableYaml:
        return None
    return str(found) if found else None


def _unknown_values(
    values: Values, place: list[str | int]
) -> Iterator[tuple[list[str | int], str]]:
    """Yield a fault for each value that no contract knows: it would count nothing."""
    for field in ("only", "counted"):
        for column, wanted in getattr(values, field).items():
            known = frozenset[str]().union(
                *(
                    known_values(defs_root() / "datasets" / name).get(column, ())
                    for name in values.supplied_by
                )
            )
            for value in wanted:
                if known and value not in known | _OURS:
                    near = difflib.get_close_matches(value, known, 3, 0.4)
                    yield (
                        [*place, field, column],
                        f"no contract of {values.supply} knows `{column}` to be "
                        f"`{value}`, so nothing would be counted. Write one that it "
                        f"does, such as {', '.join(near or sorted(known)[:3])}.",
                    )


@cache
def known_values(folder: Path) -> Mapping[str, frozenset[str]]:
    """Return column → the values its contract knows, as received and as labelled.

    Args:
        folder: of the data set; one without contract knows none.
    """
    try:
        document = load_yaml(folder / "contract.yaml")
    except UnreadableYaml:
        return {}  # told where contracts are checked
    found = {}
    for table in document.data.get("schema") or ():
        for column in table.get("properties") or ():
            names = {
                str(name)
                for one in column.get("enum") or ()
                if isinstance(one, dict)
                for name in (one.get("value"), one.get("label"))
                if name
            }
            if names:
                found[str(column.get("name"))] = frozenset(names)
    return found


@enforces(39, door="measures, when they are loaded and checked")
def total_notifiable(measure: Measure) -> tuple[tuple[list[str | int], str], ...]:
    """Refuse a total of notifiable offences that does not leave out the others.

    "Other Accepted Crime" is recorded and is not notifiable; with it the total is
    neither the force's nor the Home Office's. Source: Home Office Counting Rules for
    Recorded Crime; notes to the MPS crime dashboard.
    """
    if "total notifiable offences" not in measure.subject:
        return ()
    found: list[tuple[list[str | int], str]] = []
    for index, values in enumerate(measure.values):
        left_out = {one.lower() for each in values.without.values() for one in each}
        taken = {one.lower() for each in values.only.values() for one in each}
        if NOT_NOTIFIABLE in taken or NOT_NOTIFIABLE not in left_out:
            found.append(
                (
                    ["values", index],
                    "rule 39: “Other Accepted Crime” is not notifiable and would be "
                    "counted. Write `without: {offence_group: [Other Accepted Crime]}`.",
                )
            )
    return tuple(found)


@enforces(37, door="measures, when they are loaded and checked")
def no_ratio_of_groups(
    measure: Measure,
) -> tuple[tuple[list[str | int], str], ...]:
    """Refuse a ratio between groups of people among the measures of the one mart.

    A ratio is shown with its interval, the share of people whose group is not known and
    ten events in each group, and `measure_values` has no place for the second. Source:
    Race Disparity Unit, relative disparity; Equality Act 2010 s.149.
    """
    words = f"{measure.id} {measure.title} {' '.join(measure.subject)}".lower()
    if not {"disparity", "disproportionality"} & {*words.replace("_", " ").split()}:
        return ()
    return (
        (
            ["id"],
            "rule 37: a ratio between groups is shown with the share whose group is "
            "not known, which measure_values does not hold. Show search_disparity or "
            "search_outcome_test, which do, and leave this measure out.",
        ),
    )


@enforces(38, door="measures, when they are loaded and checked")
def breaks_declared(measure: Measure) -> tuple[tuple[list[str | int], str], ...]:
    """Refuse a measure of hate crime or domestic abuse that says no break of March 2024.

    Source: notes to the MPS crime dashboard: CONNECT replaced CRIS at the end of
    February 2024; neither is comparable before and after.
    """
    words = f"{measure.id} {measure.title} {' '.join(measure.subject)}".lower()
    named = {one for one in BROKEN_BY_CONNECT if one in words.replace("_", " ")}
    if not named or CONNECT_FROM in {one.from_ for one in measure.breaks}:
        return ()
    return (
        (
            ["breaks"] if measure.breaks else ["id"],
            f"rule 38: {' and '.join(sorted(named))} cannot be compared before and "
            "after March 2024, when CONNECT replaced CRIS, and no limits may be worked "
            "out across it. Write `breaks: [{from: 2024-03, why: …}]`.",
        ),
    )


@cache
def model_columns(project: Path) -> Mapping[str, frozenset[str]]:
    """Return model → its columns, as the YAML beside its SQL states them.

    Args:
        project: the dbt project.
    """
    found = {}
    for path in (project / "models").rglob("*.yml"):
        if path.name.startswith("_") or path.name.startswith("code_list_"):
            continue
        for model in _models_in(path):
            found[model["name"]] = frozenset(
                column["name"] for column in model.get("columns") or ()
            )
    return found


def _models_in(path: Path) -> Iterable[dict[str, Any]]:
    import yaml

    # Model YAML uses anchors in its unit tests, which our own reader refuses.
    loaded = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return (loaded or {}).get("models") or ()
