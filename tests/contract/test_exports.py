"""Exports of the platform as it stands: complete, valid, the same every time, safe."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

import edp_platform
from edp_platform.contracts.model import Contract
from edp_platform.datasets import DataSet, SetAside
from edp_platform.governance.records.model_record import ModelRecord
from edp_platform.governance.records.organisation import Transfer
from edp_platform.home import Home
from edp_platform.publishing.exports.catalogue import CONTEXT, catalogue
from edp_platform.publishing.exports.loading import load_sources
from edp_platform.publishing.exports.record_of_processing import (
    as_rows,
    record_of_processing,
)
from edp_platform.publishing.exports.sources import Held, Mart, Sources
from edp_platform.publishing.exports.transparency import (
    NOT_STATED,
    transparency_record,
)
from edp_platform.publishing.exports.validation import (
    ExportInvalid,
    refuse_invalid,
    schema,
)
from edp_platform.publishing.exports.writing import export
from tests.accessible import faults

TODAY = date(2026, 11, 22)
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
DATA_SETS = {
    path.parent.name
    for path in (Path(edp_platform.__file__).parent / "defs/datasets").glob(
        "*/contract.yaml"
    )
}
MART = Mart(
    name="crime_by_month",
    title="Crime by month",
    description="One row per month.",
    use_case="neighbourhood_crime",
    owner="team:neighbourhood-policing",
    version="sql-0123",
    changed_on="2026-11-20",
    data_sets=("crime_reports", "police_uk_street"),
)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    home = Home.open(TODAY, tmp_path_factory.mktemp("home"))
    return replace(load_sources(home, with_marts=False), marts=(MART,))


def stated(data_set: DataSet) -> dict[str, Any]:
    """A DPIA as its YAML has it, read by nothing of ours."""
    data = yaml.safe_load(data_set.dpia_path.read_text(encoding="utf-8"))
    return data.get("dpia", data)


def test_every_data_set_is_in_the_record_of_processing(sources: Sources) -> None:
    part2 = record_of_processing(sources, "part2", TODAY)
    part3 = record_of_processing(sources, "part3", TODAY)
    entered = {one["data_set"] for one in (*part2["processing"], *part3["processing"])}
    without = {one["data_set"] for one in part2["without_personal_data"]}
    assert entered | without == DATA_SETS
    assert not entered & without
    assert part2["left_out"] == part3["left_out"] == []


def test_the_two_records_are_apart_and_hold_each_regime_entry_once(
    sources: Sources,
) -> None:
    for regime in ("part2", "part3"):
        expected = sorted(
            f"{name}/{one.get('purpose', one.get('purpose_id'))}"
            for name, data_set in sources.data_sets.items()
            for one in stated(data_set).get("regimes", [])
            if one["regime"] == regime
        )
        document = record_of_processing(sources, regime, TODAY)  # type: ignore[arg-type]
        assert sorted(one["id"] for one in document["processing"]) == expected
        assert expected, f"no entry of {regime} to look at"
    part3 = record_of_processing(sources, "part3", TODAY)
    assert all("section_35_2" in one["legal_basis"] for one in part3["processing"])
    part2 = record_of_processing(sources, "part2", TODAY)
    assert all("article_6_1" in one["legal_basis"] for one in part2["processing"])


def test_every_personal_column_is_in_the_record_of_processing(
    sources: Sources,
) -> None:
    document = record_of_processing(sources, "part3", TODAY)
    for one in document["processing"]:
        contract: Contract = sources.data_sets[one["data_set"]].contract
        told = {name for part in one["personal_data"] for name in part["columns"]}
        assert told == {
            column.name
            for column in contract.columns
            if column.classification not in ("public", "official")
        }


def test_sensitive_processing_states_its_condition_and_policy(
    sources: Sources,
) -> None:
    document = record_of_processing(sources, "part3", TODAY)
    checked = 0
    for one in document["processing"]:
        entry = next(
            each
            for each in stated(sources.data_sets[one["data_set"]])["regimes"]
            if each["regime"] == "part3"
            and each.get("purpose", each.get("purpose_id")) == one["purpose"]["id"]
        )
        if entry.get("sensitive"):
            assert one["conditions"]["law"] == "DPA 2018 section 42(4)"
            assert one["conditions"]["relied_on"] == [
                f"Schedule 8 paragraph {number}" for number in entry["sch8"]
            ]
            assert one["conditions"]["policy_document"] == entry["apd_ref"]
            checked += 1
        else:
            assert one["conditions"] is None
    assert checked


def test_a_model_that_reads_a_data_set_is_told_as_profiling(sources: Sources) -> None:
    names = {name for model in sources.models.values() for name in model.inputs}
    document = record_of_processing(sources, "part3", TODAY)
    for one in document["processing"]:
        assert bool(one["profiling"]) == (one["data_set"] in names)


def test_transfers_stand_with_the_data_set_they_are_of(sources: Sources) -> None:
    transfer = Transfer(
        to="Ireland", data_sets=["nominals"], safeguards="adequacy", law="s.74A"
    )
    organisation = sources.organisation.model_copy(update={"transfers": [transfer]})
    document = record_of_processing(
        replace(sources, organisation=organisation), "part3", TODAY
    )
    told = {one["data_set"]: one["transfers"] for one in document["processing"]}
    assert told["nominals"][0]["to"] == "Ireland"
    assert all(not found for name, found in told.items() if name != "nominals")


def test_what_cannot_be_read_is_named_as_left_out(
    sources: Sources, tmp_path: Path
) -> None:
    broken = replace(
        sources, set_aside=(SetAside(Path("defs/datasets/x"), "x:3: wrong"),)
    )
    done = export("ropa", broken, tmp_path, TODAY)
    assert done.left_out == (("x", "x:3: wrong"),)
    page = (tmp_path / "record-of-processing-article-30.html").read_text()
    assert "x:3: wrong" in page
    done = export("catalogue", broken, tmp_path, TODAY)
    assert done.left_out == (("x", "x:3: wrong"),)


@pytest.mark.parametrize(
    ("kind", "register"),
    [("ropa", "purposes"), ("ropa", "retention_schedule"), ("atrs", "model_records")],
)
def test_a_faulty_record_of_a_register_is_named_as_left_out(
    sources: Sources, tmp_path: Path, kind: Any, register: str
) -> None:
    faulty = replace(
        sources, faults=((register, "x.yaml:3: wrong"), ("problem_book", "other"))
    )
    done = export(kind, faulty, tmp_path, TODAY)
    assert done.left_out == ((register, "x.yaml:3: wrong"),)
    assert any(
        "x.yaml:3: wrong" in path.read_text(encoding="utf-8")
        for path in done.files
        if path.suffix == ".html"
    )


def test_nothing_about_people_is_open_whatever_a_contract_says(
    sources: Sources, tmp_path: Path
) -> None:
    data_set = sources.data_sets["nominals"]
    text = data_set.contract.path.read_text(encoding="utf-8")
    path = tmp_path / "contract.yaml"
    path.write_text(
        text.replace(
            "customProperties:\n",
            "customProperties:\n  - {property: publicRelease, value: true}\n",
            1,
        )
    )
    contract = replace(data_set.contract, path=path)
    changed = {**sources.data_sets, "nominals": replace(data_set, contract=contract)}
    document = catalogue(replace(sources, data_sets=changed), TODAY)
    (one,) = [
        each for each in document["dataset"] if each["identifier"].endswith("/nominals")
    ]
    assert one["accessRights"] == "INTERNAL"


def test_every_data_set_and_mart_is_in_the_catalogue(sources: Sources) -> None:
    document = catalogue(sources, TODAY)
    base = sources.organisation.identifier_base
    expected = {f"{base}/data-set/{name.replace('_', '-')}" for name in DATA_SETS}
    expected.add(f"{base}/mart/crime-by-month")
    identifiers = [one["identifier"] for one in document["dataset"]]
    assert sorted(identifiers) == sorted(expected)


def test_no_marking_is_one_that_the_model_does_not_have(sources: Sources) -> None:
    document = catalogue(sources, TODAY)
    assert "OFFICIAL-SENSITIVE" not in json.dumps(document)
    by_name = {one["identifier"].rsplit("/", 1)[-1]: one for one in document["dataset"]}
    assert by_name["nominals"]["handlingCaveat"] == "SENSITIVE"
    assert by_name["nominals"]["accessRights"] == "INTERNAL"
    assert "handlingCaveat" not in by_name["borough-boundaries"]
    # A mart is marked as the most sensitive data beneath it.
    assert by_name["crime-by-month"]["handlingCaveat"] == "SENSITIVE"


def test_nothing_about_people_is_open(sources: Sources) -> None:
    for one in catalogue(sources, TODAY)["dataset"]:
        name = one["identifier"].rsplit("/", 1)[-1].replace("-", "_")
        data_set = sources.data_sets.get(name)
        if data_set is not None and one["accessRights"] == "OPEN":
            classes = {column.classification for column in data_set.contract.columns}
            assert classes <= {"public", "official"}
            assert data_set.contract.licence


def test_every_term_of_the_catalogue_has_an_iri(sources: Sources) -> None:
    def terms(value: Any) -> set[str]:
        if isinstance(value, dict):
            found = {name for name in value if not name.startswith("@")}
            return found.union(*(terms(one) for one in value.values()))
        if isinstance(value, list):
            return set().union(*(terms(one) for one in value))
        return set()

    document = catalogue(
        replace(
            sources,
            held={"police_uk_street": Held("2026-01", "2026-03", "2026-04-02")},
            set_aside=(SetAside(Path("x"), "wrong"),),
        ),
        TODAY,
    )
    refuse_invalid("catalogue", document)
    used = terms({**document, "@context": {}})
    assert used <= set(CONTEXT)


def test_what_is_held_shows_in_the_catalogue(sources: Sources) -> None:
    held = {
        "mopac_public_attitude_survey": Held("2026-03", "2026-09", "2026-10-02", True)
    }
    document = catalogue(replace(sources, held=held), TODAY)
    (one,) = [
        each
        for each in document["dataset"]
        if each["identifier"].endswith("/mopac-public-attitude-survey")
    ]
    assert one["updateFrequency"] == "freq:quarterly"
    assert one["modified"] == "2026-10-02"
    assert one["temporal"]["startDate"] == "2026-03"


def test_every_model_on_record_is_exported_and_gaps_are_told(sources: Sources) -> None:
    assert sources.models
    for identity, model in sources.models.items():
        document = transparency_record(model, sources, TODAY)
        refuse_invalid("algorithmic_transparency_record", document)
        assert document["metadata"]["id"] == identity
        gaps = [
            name
            for group in (document["metadata"], *document["tier_2"].values())
            for name, value in group.items()
            if value == NOT_STATED
        ]
        assert sorted(document["not_stated"]) == sorted(set(gaps))


def test_a_model_of_unknown_inputs_says_so_and_invents_nothing(
    sources: Sources,
) -> None:
    known: ModelRecord = next(iter(sources.models.values()))
    model = known.model_copy(update={"inputs": ["nowhere"], "gates": []})
    document = transparency_record(model, sources, TODAY)
    refuse_invalid("algorithmic_transparency_record", document)
    assert (
        document["tier_2"]["data_specification"]["sensitive_attributes"] == NOT_STATED
    )
    assert document["metadata"]["date_of_completion"] == NOT_STATED


@pytest.mark.parametrize("kind", ["ropa", "catalogue", "atrs"])
def test_the_same_records_and_day_give_the_same_bytes(
    sources: Sources, tmp_path: Path, kind: Any
) -> None:
    one = export(kind, sources, tmp_path / "1", TODAY)
    two = export(kind, sources, tmp_path / "2", TODAY)
    assert one.entries
    assert [path.read_bytes() for path in one.files] == [
        path.read_bytes() for path in two.files
    ]
    other = export(kind, sources, tmp_path / "3", date(2026, 11, 23))
    assert one.files[0].read_bytes() != other.files[0].read_bytes()


@pytest.mark.parametrize("kind", ["ropa", "catalogue", "atrs"])
def test_every_page_of_an_export_is_accessible(
    sources: Sources, tmp_path: Path, kind: Any
) -> None:
    done = export(kind, sources, tmp_path, TODAY, ("html",))
    for path in done.files:
        assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("kind", ["ropa", "catalogue", "atrs"])
def test_no_cell_of_an_export_runs_as_a_formula(
    sources: Sources, tmp_path: Path, kind: Any
) -> None:
    hostile = '=HYPERLINK("http://x")<script>'
    name = "police_uk_stop_and_search"
    data_set = sources.data_sets[name]
    contract = replace(data_set.contract, name=hostile, purpose=hostile)
    changed = replace(
        sources,
        data_sets={**sources.data_sets, name: replace(data_set, contract=contract)},
        models={
            identity: model.model_copy(
                update={"name": hostile, "description": "@" + hostile}
            )
            for identity, model in sources.models.items()
        },
    )
    done = export(kind, changed, tmp_path, TODAY)
    seen = 0
    for path in done.files:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".csv":
            rows = list(csv.reader(io.StringIO(text)))
            assert len({len(row) for row in rows}) == 1
            cells = [cell for row in rows for cell in row]
            assert not [cell for cell in cells if cell.startswith(FORMULAS)]
            seen += sum(cell.startswith("'") for cell in cells)
        if path.suffix == ".html":
            assert "<script" not in text
    assert seen


def test_an_export_that_does_not_fit_its_schema_is_refused_and_nothing_written(
    sources: Sources, tmp_path: Path
) -> None:
    nameless = sources.organisation.model_copy(update={"email": "nobody"})
    with pytest.raises(ExportInvalid, match=r"\$\.controller\.email"):
        export("ropa", replace(sources, organisation=nameless), tmp_path / "a", TODAY)
    slugless = sources.organisation.model_copy(update={"slug": "Sample Force"})
    with pytest.raises(ExportInvalid, match="publisher"):
        export("catalogue", replace(sources, organisation=slugless), tmp_path, TODAY)
    assert list(tmp_path.iterdir()) == []


#: What the published model and template require, listed here apart from the schemas.
EXCHANGE_MODEL = (
    "title",
    "identifier",
    "description",
    "publisher",
    "creator",
    "contactPoint",
    "accessRights",
    "securityClassification",
    "licence",
    "version",
    "modified",
    "updateFrequency",
)
ATRS_TIER_2 = {
    "owner_and_responsibility": 4,
    "description_and_rationale": 2,
    "decision_making_process": 5,
    "tool_specification": 4,
    "model_specification": 9,
    "data_specification": 10,
    "risks_mitigations_and_impact_assessments": 2,
}


def test_the_schemas_require_what_the_standards_do() -> None:
    entry = schema("catalogue")["properties"]["dataset"]["items"]
    assert set(EXCHANGE_MODEL) <= set(entry["required"])
    assert (
        "OFFICIAL-SENSITIVE"
        not in entry["properties"]["securityClassification"]["enum"]
    )
    record = schema("algorithmic_transparency_record")["properties"]
    assert record["tier_1"]["required"] == [
        "name",
        "description",
        "website_url",
        "contact_email",
    ]
    groups = record["tier_2"]["properties"]
    assert {name: len(one["required"]) for name, one in groups.items()} == ATRS_TIER_2


@pytest.mark.parametrize("missing", EXCHANGE_MODEL)
def test_a_catalogue_without_a_required_field_is_refused(
    sources: Sources, missing: str
) -> None:
    document = catalogue(sources, TODAY)
    del document["dataset"][0][missing]
    with pytest.raises(ExportInvalid, match=missing):
        refuse_invalid("catalogue", document)


@pytest.mark.parametrize(
    "part",
    [
        "purpose",
        "data_subjects",
        "personal_data",
        "recipients",
        "transfers",
        "profiling",
        "legal_basis",
        "erasure",
        "security_measures",
    ],
)
def test_a_record_of_processing_without_what_the_law_asks_is_refused(
    sources: Sources, part: str
) -> None:
    for regime, name in (
        ("part2", "record_of_processing_article_30"),
        ("part3", "record_of_processing_section_61"),
    ):
        document = record_of_processing(sources, regime, TODAY)  # type: ignore[arg-type]
        del document["processing"][0][part]
        with pytest.raises(ExportInvalid, match=part):
            refuse_invalid(name, document)  # type: ignore[arg-type]


def test_every_entry_is_one_row_of_the_csv(sources: Sources) -> None:
    document = record_of_processing(sources, "part2", TODAY)
    columns, rows = as_rows(document)
    assert len(rows) == len(document["processing"])
    assert {len(row) for row in rows} == {len(columns)}
