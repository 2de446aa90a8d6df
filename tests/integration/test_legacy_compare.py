"""A legacy report of real files, made by DuckDB from the CSVs, beside the mart.

Each difference is planted, and must be explained by its true cause. Nothing of the report
is made by the code that is tested.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

import edp_platform
from edp_platform.cli import app
from edp_platform.datasets import DataSets
from edp_platform.home import Home
from edp_platform.ingestion.lake import ensure_readable
from edp_platform.ingestion.land import LandingOptions, land
from edp_platform.ingestion.landing import LandingStore
from edp_platform.ingestion.loading import due_months, load_months
from edp_platform.publishing.snapshot import Use, publish
from edp_platform.warehouse.building import build
from edp_platform.warehouse.manifest import ManifestStore
from edp_platform.warehouse.models import Models

FORCE = "force = 'city-of-london'"
MONTHS = ("2023-10", "2023-11", "2023-12", "2024-01", "2024-02", "2024-03")
SEARCHED = ("2018-02", "2018-03", "2018-04")
MARTS = ("crime_by_month", "stop_and_search_by_month")


@dataclass
class Legacy:
    """A built and published home of real files, and what was landed in it."""

    home: Home
    files: dict[str, Path]
    earlier: dict[str, Path]
    searches: list[Path]
    folder: Path

    def edp(self, *arguments: str, **more: str) -> Any:
        """Run one command in this process."""
        variables = {"EDP_HOME": str(self.home.root), "COLUMNS": "200", **more}
        done = CliRunner().invoke(app, list(arguments), env=variables)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    def compare(self, report: Path, mart: str, *more: str, status: int) -> Any:
        done = self.edp("legacy", "compare", str(report), mart, *more, "--json")
        assert done.exit_code == status, done.stdout + done.stderr
        return json.loads(done.stdout)

    def write(self, name: str, rows: Sequence[Sequence[object]]) -> Path:
        path = self.folder / name
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(rows)
        return path


@pytest.fixture(scope="module")
def legacy(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Legacy]:
    """Land, load, build and publish once what two marts are made of."""
    with pytest.MonkeyPatch.context() as environment:
        # dbt reads where things stand from the environment of the process.
        for name in ("EDP_WAREHOUSE", "EDP_RAW", "DO_NOT_TRACK"):
            environment.setenv(name, "")
        environment.setenv("EDP_HOME", os.environ.get("EDP_HOME", ""))
        yield _build(shared_data, tmp_path_factory.mktemp("legacy"))


def _build(real: Path, folder: Path) -> Legacy:
    street = {
        month: real / "police_uk" / month / f"{month}-city-of-london-street.csv"
        for month in MONTHS
    }
    # One record that the contract turns away: its mark is not of the publisher's form.
    broken = folder / "2023-12" / street["2023-12"].name
    broken.parent.mkdir()
    text = street["2023-12"].read_text(encoding="utf-8").splitlines()
    at = next(at for at, line in enumerate(text) if ",Shoplifting," in line)
    text[at] = f"not-a-mark,{text[at].partition(',')[2]}"
    broken.write_text("\n".join(text) + "\n", encoding="utf-8")
    street["2023-12"] = broken
    earlier = {
        month: real
        / "police_uk_earlier_release"
        / month
        / f"{month}-city-of-london-street.csv"
        for month in ("2024-01", "2024-02")
    }
    searches = [
        real / "police_uk" / month / f"{month}-city-of-london-stop-and-search.csv"
        for month in SEARCHED
    ]
    home = Home.open(date.today(), folder / "home")
    data_sets = DataSets.load(home)
    lookups = [
        one
        for one in sorted((real / "reference").iterdir())
        if one.name.startswith("lsoa20") or one.suffix == ".geojson"
    ]
    for sources, released in (
        ([*earlier.values()], date(2024, 4, 1)),
        ([*street.values(), *searches, *lookups], date(2025, 1, 1)),
    ):
        outcomes = land(
            home,
            data_sets,
            [str(one) for one in sources],
            LandingOptions(release=released),
            datetime.now().astimezone(),
        )
        refused = [one.reason for one in outcomes if one.outcome == "refused"]
        assert not refused, refused
    for name, supplies in sorted(LandingStore(home).supplies().items()):
        data_set = data_sets.by_name[name]
        load_months(home, data_set, supplies, due_months(home, data_set, supplies))
    for data_set in data_sets.by_name.values():
        ensure_readable(home, data_set.contract)
    store = ManifestStore(home)
    models = Models(store.manifest)
    wanted = {models.by_name[name].unique_id for name in (*MARTS, "supply_by_month")}
    while (
        more := {
            parent
            for one in wanted
            for parent in models.by_id[one].parents
            if parent in models.by_id
        }
        - wanted
    ):
        wanted |= more
    outcome = build(home, store, [models.by_id[one].name for one in wanted], [])
    assert outcome.succeeded, [node for node in outcome.nodes if not node.is_good]
    uses = {
        "crime_by_month": [
            Use("police_uk_street", ("P-NEIGHBOURHOOD",), "neighbourhood_crime")
        ]
    }
    publish(home, [*MARTS, "supply_by_month"], datetime.now(), uses=uses)
    return Legacy(home, street, earlier, searches, folder)


def _counts(path: Path, *, repeats: bool = False) -> Counter[str]:
    """Count the CSV by type of crime; exact repeats of an identified row once."""
    read = "read_csv($file, all_varchar = true)"
    rows = (
        f"from {read}"
        if repeats
        else f'from {read} where "Crime ID" is null union all '
        f'select distinct * from {read} where "Crime ID" is not null'
    )
    with duckdb.connect() as connection:
        counted = connection.execute(
            f'select "Crime type", count(*) from ({rows}) group by 1',
            {"file": str(path)},
        ).fetchall()
    return Counter(dict(counted))


@pytest.fixture(scope="module")
def figures(legacy: Legacy) -> dict[str, Counter[str]]:
    """Month → type → crimes, counted apart from the platform."""
    found = {month: _counts(path) for month, path in legacy.files.items()}
    # The record that is turned away is no crime of the mart's.
    found["2023-12"]["Shoplifting"] -= 1
    return found


def _tidy(figures: dict[str, Counter[str]]) -> list[tuple[object, ...]]:
    return [
        (month, kind, number)
        for month, each in figures.items()
        for kind, number in sorted(each.items())
    ]


def _of(found: Any, month: str, kind: str) -> Any:
    (cell,) = [
        one
        for one in found["differences"]
        if one["key"] == {"month": f"{month}-01", "crime_type": kind}
    ]
    return cell


def _wide(figures: dict[str, Counter[str]]) -> list[list[object]]:
    names = ["Oct 2023", "November 2023", "12/2023", "Jan-24", "2024-02", "202403"]
    kinds = sorted({kind for each in figures.values() for kind in each})
    body = [
        [kind.upper().replace(" AND ", " & "), *(figures[m][kind] for m in MONTHS)]
        for kind in kinds
    ]
    return [
        ["Crimes of the City, by type"],
        ["Offence type", *names, "Total"],
        *([*row, sum(row[1:])] for row in body),  # type: ignore[arg-type]
        ["Total", *(sum(figures[month].values()) for month in MONTHS), ""],
        ["Source: the crime system"],
    ]


def test_a_report_that_counts_as_we_do_is_equal_in_every_cell(
    legacy: Legacy, figures: dict[str, Counter[str]]
) -> None:
    tidy = legacy.write("tidy.csv", [("Month", "Offence", "Crimes"), *_tidy(figures)])
    found = legacy.compare(tidy, "marts.crime_by_month", "--where", FORCE, status=0)
    assert found["is_equal"] is True and found["differences"] == []
    assert found["totals"]["theirs"] == found["totals"]["ours"]
    assert found["totals"]["ours"] == sum(sum(one.values()) for one in figures.values())
    assert {one["theirs"]: (one["ours"], one["how"]) for one in found["columns"]} == {
        "Month": ("month", "name"),
        "Offence": ("crime_type", "values"),
        "Crimes": ("crimes", "name"),
    }
    assert found["fixed"] == {"force": "city-of-london"}

    wide = legacy.compare(
        legacy.write("wide.csv", _wide(figures)), "crime_by_month", "--where", FORCE,
        status=0,
    )  # fmt: skip
    kinds = {kind for each in figures.values() for kind in each}
    assert wide["cells"]["compared"] == len(MONTHS) * len(kinds)
    assert wide["totals"] == found["totals"]
    assert len(wide["totals_lines"]) == len(wide["notes_lines"]) == 1
    shown = legacy.edp(
        "legacy", "compare", str(legacy.folder / "wide.csv"), "crime_by_month",
        "--where", FORCE,
    )  # fmt: skip
    assert shown.exit_code == 0 and "0 differing" in shown.stdout


def test_each_planted_difference_is_explained_by_its_true_cause(
    legacy: Legacy, figures: dict[str, Counter[str]]
) -> None:
    report = {month: Counter(each) for month, each in figures.items()}
    del report["2023-11"]
    # Made from the first release of a month that was published again.
    report["2024-02"] = _counts(legacy.earlier["2024-02"])
    # Repeats counted twice, and the record that is quarantined here.
    report["2023-10"] = _counts(legacy.files["2023-10"], repeats=True)
    report["2023-12"]["Shoplifting"] += 1
    # A figure that nothing accounts for, an extra row, a label of before 2013.
    report["2024-03"]["Burglary"] += 7
    report["2024-03"]["Cycle offences on the towpath"] = 4
    violence = report["2023-12"].pop("Violence and sexual offences")
    report["2023-12"]["Violent crime"] = violence
    rows = _tidy(report)
    drugs = next(one for one in rows if one[:2] == ("2024-01", "Drugs"))
    path = legacy.write("planted.csv", [("Month", "Type", "Number"), *rows, drugs])
    found = legacy.compare(path, "crime_by_month", "--where", FORCE, status=1)

    expected = {kind: number for kind, number in figures["2023-11"].items() if number}
    absent = [
        one for one in found["differences"] if one["key"]["month"] == "2023-11-01"
    ]
    assert {one["key"]["crime_type"]: one["ours"] for one in absent} == expected
    for one in absent:
        assert one["state"] == "missing" and one["theirs"] is None
        assert "no figure at all for month" in one["reasons"][0]["text"]
        assert one["rows"] == one["ours"]

    repeated = {
        kind: report["2023-10"][kind] - number
        for kind, number in figures["2023-10"].items()
        if report["2023-10"][kind] != number
    }
    assert repeated, "the real file has exact repeats of identified rows"
    for kind, number in repeated.items():
        cell = _of(found, "2023-10", kind)
        (reason,) = cell["reasons"]
        assert (reason["kind"], reason["is_whole"]) == ("repeats", True)
        assert reason["rows"] == number == cell["difference"]
        assert _is_repeat(legacy.files["2023-10"], reason["files"][0]["line_numbers"])

    changed = {
        kind
        for kind in {*report["2024-02"], *figures["2024-02"]}
        if report["2024-02"][kind] != figures["2024-02"][kind]
    }
    told = [one for one in found["differences"] if one["key"]["month"] == "2024-02-01"]
    assert {one["key"]["crime_type"] for one in told} == changed
    for one in told:
        assert one["reasons"][0]["kind"] == "superseded_release"
        assert one["reasons"][0]["is_whole"] is True
        assert "2024-04-01" in one["reasons"][0]["text"]

    (reason,) = _of(found, "2023-12", "Shoplifting")["reasons"]
    assert (reason["kind"], reason["rows"]) == ("quarantined", 1)
    assert "not-a-mark" not in json.dumps(found)
    for kind in ("Violent crime", "Violence and sexual offences"):
        (reason,) = [
            one
            for one in _of(found, "2023-12", kind)["reasons"]
            if one["kind"] == "label"
        ]
        assert "--value" in reason["text"] and reason["is_whole"] is True
    assert _of(found, "2024-03", "Cycle offences on the towpath")["state"] == "extra"
    burglary = _of(found, "2024-03", "Burglary")
    assert [one["kind"] for one in burglary["reasons"] if one["is_whole"]] == []
    assert burglary["difference"] == 7
    (source,) = burglary["files"]
    assert source["received_as"] == str(legacy.files["2024-03"])
    assert source["lines"] == burglary["rows"] == figures["2024-03"]["Burglary"]
    twice = _of(found, "2024-01", "Drugs")
    assert twice["reasons"][0]["kind"] == "stated_twice"
    assert len(twice["report_lines"]) == 2

    shown = legacy.edp(
        "legacy", "compare", str(path), "crime_by_month", "--where", FORCE,
        "--value", "crime_type: Violent crime=Violence and sexual offences",
    )  # fmt: skip
    assert shown.exit_code == 1
    assert "Violent crime is read as Violence and sexual offences" in shown.stdout
    assert (
        "unknown" in shown.stdout and "an earlier release of the file" in shown.stdout
    )
    every = legacy.edp(
        "legacy", "compare", str(path), "crime_by_month", "--where", FORCE,
        "--format", "csv",
    )  # fmt: skip
    assert len(every.stdout.splitlines()) == found["cells"]["compared"] + 1


def _is_repeat(path: Path, lines: list[int]) -> bool:
    text = path.read_text(encoding="utf-8").splitlines()
    return all(text[line - 1] in text[: line - 1] for line in lines)


def test_old_labels_are_read_as_ours_and_told(legacy: Legacy) -> None:
    """Searches by outcome as received: two labels of one outcome add up to ours."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select regexp_extract(filename, '(\\d{4}-\\d{2})-city', 1), "
            "coalesce(\"Outcome\", 'Not stated'), count(*) "
            "from read_csv(?, all_varchar = true, filename = true) group by all",
            [[str(one) for one in legacy.searches]],
        ).fetchall()
    others = [
        "borough_code",
        "object_of_search",
        "self_defined_ethnicity_5_plus_1",
        "officer_defined_ethnicity",
    ]
    summed = [part for name in others for part in ("--sum-over", name)]
    path = legacy.write("searches.csv", [("Month", "Outcome", "Searches"), *rows])
    found = legacy.compare(path, "stop_and_search_by_month", *summed, status=0)
    assert found["summed"] == others
    told = {one["theirs"]: one for one in found["labels"]}
    assert told["Suspect arrested"]["ours"] == "Arrest"
    assert told["Suspect arrested"]["used_until"] == "2018-03"

    # A report that never learnt the new label.
    kept = [one for one in rows if one[1] != "Arrest"]
    path = legacy.write("old.csv", [("Month", "Outcome", "Searches"), *kept])
    found = legacy.compare(
        path, "stop_and_search_by_month", *summed, "--months", "2018-02...2018-04",
        status=1,
    )  # fmt: skip
    (cell,) = found["differences"]
    assert cell["key"] == {"month": "2018-04-01", "outcome": "Arrest"}
    (reason,) = cell["reasons"]
    assert (reason["kind"], reason["rows"]) == ("label", cell["ours"])
    assert "used until 2018-03" in reason["text"]


@pytest.mark.parametrize(
    ("rows", "more", "said"),
    [
        ([("Month", "Offence", "N"), ("2024-01", "Burglry", 3), ("2024-01", "Drugs", 1),
          ("2024-01", "Robbery", 1)],
         ("--where", FORCE), "is 'Burglry' our 'Burglary'? Say: --value"),
        ([("Month", "Offence", "N", "M"), ("2024-01", "Burglary", 3, 4)],
         ("--where", FORCE), "These hold figures: N, M"),
        ([("Month", "Offence", "Note", "N"), ("2024-01", "Burglary", "late", 3)],
         ("--where", FORCE), "'Note' is none of"),
        ([("Month", "Offence", "N"), ("2024-01", "Burglary", "three")],
         ("--where", FORCE, "--map", "N=crimes"), "line 2: N is no figure"),
        ([("Month", "N"), ("2024-01", 3)], ("--where", FORCE),
         "does not say crime_type"),
        ([("Month", "Offence", "N"), ("1999-01", "Burglary", 3)], ("--where", FORCE),
         "No cell of"),
        ([("Month", "Offence", "N"), ("2024-01", "Burglary", 3)],
         ("--where", "1 = (select 1)); drop table x"), "cannot be used"),
        ([("Month", "Offence", "N"), ("2024-01", "Burglary", 3)],
         ("--map", "Nothing=crimes"), "has no column 'Nothing'"),
        ([("Month", "Offence", "N"), ("2024-01", "Burglary", 3)],
         ("--record", "LS-NOBODY"), "no legacy service LS-NOBODY"),
        ([("Month", "Offence", "N")], (), "no line below"),
    ],
)  # fmt: skip
def test_what_cannot_be_placed_is_refused_and_shown(
    legacy: Legacy,
    rows: list[tuple[object, ...]],
    more: tuple[str, ...],
    said: str,
) -> None:
    path = legacy.write("refused.csv", rows)
    done = legacy.edp("legacy", "compare", str(path), "crime_by_month", *more)
    assert done.exit_code == 2, done.stdout
    assert said in " ".join(done.stderr.split())


def test_a_comparison_is_kept_and_its_entry_printed_for_the_register(
    legacy: Legacy, figures: dict[str, Counter[str]]
) -> None:
    path = legacy.write("kept.csv", [("Month", "Offence", "N"), *_tidy(figures)])
    done = legacy.edp(
        "legacy", "compare", str(path), "crime_by_month", "--where", FORCE,
        "--record", "LS-CRIME-DASHBOARD",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    (row,) = [
        json.loads(line)
        for line in (legacy.home.root / "legacy" / "LS-CRIME-DASHBOARD.jsonl")
        .read_text(encoding="utf-8")
        .splitlines()
    ]
    assert row["differing"] == 0 and row["mart"] == "crime_by_month"
    assert f"file_sha256: {row['file_sha256']}" in done.stderr
    refused = legacy.edp(
        "legacy", "compare", str(path), "stop_and_search_by_month",
        "--record", "LS-CRIME-DASHBOARD",
    )  # fmt: skip
    assert refused.exit_code == 2 and "is replaced by" in refused.stderr


def test_a_mart_whose_dpia_lapsed_is_not_compared(
    legacy: Legacy, figures: dict[str, Counter[str]], tmp_path: Path
) -> None:
    path = legacy.write("gate.csv", [("Month", "Offence", "N"), *_tidy(figures)])
    defs = tmp_path / "defs"
    shutil.copytree(Path(edp_platform.__file__).parent / "defs", defs)
    command = ("legacy", "compare", str(path), "crime_by_month", "--where", FORCE)
    assert legacy.edp(*command, EDP_DEFS=str(defs)).exit_code == 0
    dpia = defs / "datasets" / "police_uk_street" / "dpia.yaml"
    text = dpia.read_text(encoding="utf-8")
    changed = text.replace("status: approved", "status: expired", 1)
    assert changed != text
    dpia.write_text(changed, encoding="utf-8")
    refused = legacy.edp(*command, EDP_DEFS=str(defs))
    assert refused.exit_code == 2 and refused.stdout == ""
    assert "DPIA-STREET-CRIME" in refused.stderr
