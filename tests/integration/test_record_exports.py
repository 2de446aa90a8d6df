"""Exports and pages through the command line, of a platform that was built."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import edp_platform
from tests.accessible import Document, faults
from tests.integration.conftest import Platform

PACKAGE = Path(edp_platform.__file__).parent


def test_every_data_set_and_every_published_mart_is_in_the_catalogue(
    built: Platform, tmp_path: Path
) -> None:
    done = built.edp("export", "catalogue", "--to", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "catalogue.jsonld").read_text(encoding="utf-8"))
    told = {one["identifier"].split("/id/")[1] for one in document["dataset"]}
    marts = built.rows(
        "select table_name as name from information_schema.tables "
        "where table_schema = 'marts' and table_name <> 'snapshot'"
    )
    assert marts
    expected = {f"mart/{one['name'].replace('_', '-')}" for one in marts}
    expected |= {
        f"data-set/{path.parent.name.replace('_', '-')}"
        for path in (PACKAGE / "defs/datasets").glob("*/contract.yaml")
    }
    assert told == expected
    held = {
        one["identifier"]: one["temporal"]
        for one in document["dataset"]
        if "temporal" in one
    }
    (street,) = [one for name, one in held.items() if name.endswith("police-uk-street")]
    (row,) = built.rows(
        "select min(month) as first, max(month) as last from marts.crime_by_month"
    )
    assert street["startDate"] == row["first"][:7]
    assert street["endDate"] == row["last"][:7]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (
            "ropa",
            ["record-of-processing-article-30", "record-of-processing-section-61"],
        ),
        ("catalogue", ["catalogue"]),
        ("atrs", ["algorithmic-transparency-records"]),
    ],
)
def test_exports_are_files_of_each_format_and_pages_accessible(
    built: Platform, tmp_path: Path, kind: str, names: list[str]
) -> None:
    done = built.edp("export", kind, "--to", str(tmp_path), "--on", "2026-11-22")
    assert (tmp_path / f"{names[0]}.html").exists(), done.stderr
    for name in names:
        assert faults((tmp_path / f"{name}.html").read_text(encoding="utf-8")) == []
        with (tmp_path / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            assert len(list(csv.reader(file))) > 1
    again = tmp_path / "again"
    built.edp("export", kind, "--to", str(again), "--on", "2026-11-22")
    for path in again.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()
    only = tmp_path / "only"
    built.edp("export", kind, "--to", str(only), "--format", "csv")
    assert {path.suffix for path in only.iterdir()} == {".csv"}


def test_a_data_set_that_is_set_aside_is_told_and_the_status_is_one(
    fresh: Platform, own_defs: Path, tmp_path: Path
) -> None:
    contract = own_defs / "datasets/borough_profiles/contract.yaml"
    contract.write_text(
        contract.read_text().replace("classification:", "clasification:")
    )
    done = fresh.edp("export", "ropa", "--to", str(tmp_path / "out"), "--json")
    assert done.returncode == 1
    told: dict[str, Any] = json.loads(done.stdout)
    assert [one["name"] for one in told["left_out"]] == ["borough_profiles"]
    assert "left out" in done.stderr


def test_no_controller_no_export(fresh: Platform, tmp_path: Path) -> None:
    registers = tmp_path / "registers"
    shutil.copytree(PACKAGE / "registers", registers)
    (registers / "organisation.yaml").unlink()
    fresh.environment["EDP_REGISTERS"] = str(registers)
    done = fresh.edp("export", "ropa", "--to", str(tmp_path / "out"))
    assert done.returncode == 1
    assert "organisation.yaml" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_model_in_use_with_a_gap_is_told_and_the_status_is_one(
    fresh: Platform, tmp_path: Path
) -> None:
    whole = fresh.edp("export", "atrs", "--to", str(tmp_path / "whole"))
    assert whole.returncode == 0, whole.stderr
    registers = tmp_path / "registers"
    shutil.copytree(PACKAGE / "registers", registers)
    record = registers / "model_records/MR-LINKAGE.yaml"
    lines = record.read_text().splitlines(keepends=True)
    record.write_text("".join(one for one in lines if "version:" not in one))
    fresh.environment["EDP_REGISTERS"] = str(registers)
    done = fresh.edp("export", "atrs", "--to", str(tmp_path / "out"), "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["not_stated"] == {"MR-LINKAGE": ["model_version"]}


def test_every_record_has_a_page_that_is_accessible_and_linked(
    fresh: Platform, tmp_path: Path
) -> None:
    folder = tmp_path / "pages"
    done = fresh.edp("governance", "pages", "--to", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    made = sorted(folder.rglob("*.html"))
    assert len(made) == told["pages"]
    records = [
        *(PACKAGE / "registers").rglob("*.yaml"),
        *(PACKAGE / "defs").rglob("dpia.yaml"),
        *(PACKAGE / "defs").rglob("eqia.yaml"),
        *(PACKAGE / "defs").rglob("use_case.yaml"),
    ]
    assert len(made) == len(records) + 1  # and the index
    reached = set()
    for path in made:
        text = path.read_text(encoding="utf-8")
        assert faults(text) == [], path
        document = Document(text)
        for at in document.all("a"):
            href = document.tags[at][1]["href"].partition("#")[0]
            if href:
                target = (path.parent / href).resolve()
                assert target.exists(), f"{path}: {href}"
                reached.add(target)
    assert {path.resolve() for path in made} <= reached


def test_a_script_in_a_record_is_text_on_its_page(
    fresh: Platform, own_defs: Path, tmp_path: Path
) -> None:
    hostile = "<script>alert(document.domain)</script>"
    dpia = own_defs / "datasets/police_uk_street/dpia.yaml"
    text = dpia.read_text()
    title = next(line for line in text.splitlines() if "title:" in line)
    indent = title[: len(title) - len(title.lstrip())]
    dpia.write_text(text.replace(title, f'{indent}title: "{hostile}"', 1))
    folder = tmp_path / "pages"
    done = fresh.edp("governance", "pages", "--to", str(folder))
    assert done.returncode == 0, done.stderr
    shown = 0
    for path in folder.rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        assert "<script" not in page
        shown += "&lt;script&gt;alert(document.domain)" in page
    assert shown >= 2  # its own page, and the index


def test_a_record_that_cannot_be_read_is_named_and_the_status_is_one(
    fresh: Platform, own_defs: Path, tmp_path: Path
) -> None:
    eqia = own_defs / "neighbourhood_crime/eqia.yaml"
    eqia.write_text(eqia.read_text().replace("decision:", "decison:", 1))
    folder = tmp_path / "pages"
    done = fresh.edp("governance", "pages", "--to", str(folder))
    assert done.returncode == 1
    assert "eqia.yaml" in done.stderr
    assert "decison" in (folder / "index.html").read_text(encoding="utf-8")
