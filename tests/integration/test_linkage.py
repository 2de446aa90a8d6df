"""`edp linkage` and `edp cleansing` through the real command line, on the sample force."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from edp_platform.sample import make_sample

from .conftest import Platform

pytestmark = pytest.mark.doors

CLERK = ("--as-person", "records-manager")
LOOK = (*CLERK, "--purpose", "P-LINKAGE", "--reason", "monthly review")


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """A home with the sample's nominals loaded and linked once."""
    folder = tmp_path_factory.mktemp("linked")
    home = folder / "home"
    sample = home / "sample"
    make_sample(sample, "small", 6, 11, today=date.today())
    platform = Platform(home, sample)
    files = [str(one) for one in sample.rglob("*-nominals.csv")]
    for command in (("land", *files), ("run", "nominals"), ("linkage", "run")):
        done = platform.edp(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    return platform


@pytest.fixture
def own(linked: Platform, tmp_path: Path) -> Platform:
    """A copy of it that a test may change."""
    shutil.copytree(linked.home, tmp_path / "home")
    return Platform(tmp_path / "home", tmp_path / "home" / "sample")


def ask(platform: Platform, *arguments: str) -> Any:
    done = platform.edp(*arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def query(platform: Platform, sql: str) -> list[tuple[Any, ...]]:
    """Ask the files themselves, not the platform."""
    places = {
        "persons": platform.home / "linkage" / "persons.parquet",
        "pairs": platform.home / "linkage" / "pairs.parquet",
        "queue": platform.home / "linkage" / "review_queue.parquet",
        "truth": platform.home / "sample" / "nominal_truth.parquet",
        "lake": platform.home / "raw" / "nominals" / "month=*" / "part-0.parquet",
    }
    with duckdb.connect() as connection:
        for name, path in places.items():
            connection.execute(f"create view {name} as from read_parquet('{path}')")
        return connection.execute(sql).fetchall()


def test_precision_and_recall_are_those_of_the_files(linked: Platform) -> None:
    ((linked_pairs, true_pairs, both),) = query(
        linked,
        """
        with known as (
            select p.nominal_id, p.person_id as found, t.person_id as true
            from persons p join truth t using (nominal_id)
        ),
        pairs as (
            select a.found = b.found as linked, a.true = b.true as same
            from known a join known b on a.nominal_id < b.nominal_id
                and (a.found = b.found or a.true = b.true)
        )
        select count(*) filter (linked), count(*) filter (same),
            count(*) filter (linked and same) from pairs
        """,
    )
    told = ask(linked, "linkage", "show")["figures"]
    assert true_pairs > 100
    assert told["pairs_linked"] == linked_pairs
    assert told["pairs_true"] == true_pairs
    assert told["precision"] == pytest.approx(both / linked_pairs) and both
    assert told["recall"] == pytest.approx(both / true_pairs)
    assert told["precision"] >= 0.97
    assert told["recall"] >= 0.85


def test_every_nominal_has_one_person(linked: Platform) -> None:
    ((everyone,),) = query(linked, "select count(*) from lake")
    assert query(
        linked,
        "select count(*), count(distinct nominal_id) from persons "
        "semi join lake using (nominal_id)",
    ) == [(everyone, everyone)]


def test_a_rerun_gives_the_same_and_changes_no_nominal(own: Platform) -> None:
    room = own.home / "linkage"
    kept = {
        path: path.read_bytes()
        for path in (
            *(own.home / "raw").rglob("*.parquet"),
            *(
                room / f"{name}.parquet"
                for name in ("persons", "pairs", "review_queue")
            ),
        )
    }
    written = (room / "pairs.parquet").stat().st_mtime_ns
    assert ask(own, "linkage", "run")["is_good"] is True
    assert (room / "pairs.parquet").stat().st_mtime_ns == written
    assert ask(own, "linkage", "run", "--rebuild")["is_good"] is True
    assert (room / "pairs.parquet").stat().st_mtime_ns > written
    assert {path: path.read_bytes() for path in kept} == kept


def test_where_nobody_knows_the_truth_the_checks_say_so(own: Platform) -> None:
    """Unknown is a warning, never a pass."""
    (own.home / "sample" / "nominal_truth.parquet").unlink()
    told = ask(own, "linkage", "run")
    failed = {one["check"]: one["severity"] for one in told["checks_failed"]}
    assert failed == {"precision": "WARN", "recall": "WARN", "equal_quality": "WARN"}
    assert ask(own, "linkage", "show")["figures"]["truth"] == "none here"


def test_a_clerk_sees_a_pair_side_by_side_and_it_is_logged(own: Platform) -> None:
    (pair, one, other) = query(
        own, "select pair, nominal_id_l, nominal_id_r from queue limit 1"
    )[0]
    (found,) = ask(own, "linkage", "review", "--pair", pair, *LOOK)
    assert found["nominal_ids"] == [one, other]
    columns = [row[0] for row in found["rows"]]
    assert columns[:3] == ["first_name", "surname", "date_of_birth"]
    assert "ethnicity_officer_defined" not in columns
    ((surname,),) = query(own, f"select surname from lake where nominal_id = '{one}'")
    assert {row[0]: row[1] for row in found["rows"]}["surname"] == surname
    lines = (own.home / "audit" / "s62.jsonl").read_text().splitlines()
    event = json.loads(lines[-1])
    assert (event["op"], event["actor"]) == ("consultation", "records-manager")
    assert event["purpose_id"] == "P-LINKAGE"
    assert event["row_count"] == 2 and len(event["subjects_hash"]) == 2
    assert one not in lines[-1] and surname not in lines[-1]


def _last_logged(platform: Platform) -> str:
    log = platform.home / "audit" / "s62.jsonl"
    return log.read_text(encoding="utf-8").splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--purpose", "P-LINKAGE", "--reason", "x"), "Nobody is named"),
        (
            ("--as-person", "dpo", "--purpose", "P-LINKAGE", "--reason", "x"),
            "dpo is data protection officer; only",
        ),
        ((*CLERK, "--purpose", "P-STATISTICS", "--reason", "x"), "P-LINKAGE alone"),
        (
            (*CLERK, "--purpose", "P-LINKAGE", "--reason", " "),
            "`justification` is blank",
        ),
    ],
)
def test_nobody_else_sees_a_pair(
    linked: Platform, options: tuple[str, ...], says: str
) -> None:
    done = linked.edp("linkage", "review", *options)
    assert done.returncode == 1
    assert says in " ".join(done.stderr.split())
    if "blank" not in says:  # what cannot be logged is refused for that
        assert "refused: not allowed" in _last_logged(linked)
    values = query(linked, "select surname, email from lake limit 400")
    for value in {str(one) for row in values for one in row if one}:
        assert value not in done.stdout


def test_a_decision_overrides_the_score_and_can_be_taken_back(own: Platform) -> None:
    ((matched, one, other),) = query(
        own,
        """
        select pair, nominal_id_l, nominal_id_r from pairs
        join persons p on p.nominal_id = nominal_id_l
        where band = 'match' and p.nominals = 2 order by pair limit 1
        """,
    )
    ((waiting, left, right),) = query(
        own,
        "select pair, nominal_id_l, nominal_id_r from queue "
        "where reason not like '%by way of other%' order by pair limit 1",
    )

    def together(a: str, b: str) -> bool:
        return (
            query(
                own,
                f"select count(distinct person_id) from persons where nominal_id in "
                f"('{a}', '{b}')",
            )[0][0]
            == 1
        )

    assert together(one, other) and not together(left, right)
    because = ("--reason", "compared with the custody photographs", *CLERK)
    assert own.edp("linkage", "decide", matched, "different", *because).returncode == 0
    assert own.edp("linkage", "decide", waiting, "same", *because).returncode == 0
    told = ask(own, "linkage", "run")
    assert told["is_good"] is True
    assert not together(one, other) and together(left, right)
    assert query(own, f"select count(*) from queue where pair = '{waiting}'") == [(0,)]
    taken_back = own.edp("linkage", "decide", matched, "withdrawn", *because)
    assert taken_back.returncode == 0
    assert ask(own, "linkage", "run")["is_good"] is True
    assert together(one, other)
    kept = duckdb.sql(
        f"select answer, \"by\" from '{own.home}/linkage/decisions.parquet'"
    ).fetchall()
    assert kept == [
        (answer, "records-manager") for answer in ("different", "same", "withdrawn")
    ]
    actions = [
        json.loads(line)["op"]
        for line in (own.home / "audit" / "s62.jsonl").read_text().splitlines()
    ]
    assert actions[-3:] == ["alteration", "combination", "alteration"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nosuchpair", "same"), "There is no pair nosuchpair"),
        (("PAIR", "withdrawn"), "no decision on this pair to withdraw"),
    ],
)
def test_a_decision_that_cannot_be_is_refused(
    linked: Platform, arguments: tuple[str, ...], says: str
) -> None:
    ((pair,),) = query(linked, "select min(pair) from pairs")
    given = [pair if one == "PAIR" else one for one in arguments]
    done = linked.edp("linkage", "decide", *given, "--reason", "x", *CLERK)
    assert done.returncode in (1, 2)
    assert says in " ".join(done.stderr.replace("│", " ").split())
    assert not (linked.home / "linkage" / "decisions.parquet").exists()


def test_without_its_dpia_nothing_is_scored_shown_or_decided(
    own: Platform, tmp_path: Path
) -> None:
    import edp_platform

    root = tmp_path / "defs"
    shutil.copytree(Path(edp_platform.__file__).parent / "defs", root)
    own.environment["EDP_DEFS"] = str(root)
    dpia = root / "datasets" / "nominals" / "dpia.yaml"
    text = dpia.read_text()
    assert "status: approved" in text
    dpia.write_text(text.replace("status: approved", "status: draft", 1))
    room = own.home / "linkage"
    before = {path: path.read_bytes() for path in room.glob("*.*")}
    ((pair,),) = query(own, "select min(pair) from queue")
    for command in (
        ("run", "--rebuild"),
        ("show",),
        ("review", *LOOK),
        ("decide", pair, "same", "--reason", "x", *CLERK),
    ):
        done = own.edp("linkage", *command)
        assert done.returncode == 1, command
        told = " ".join((done.stdout + done.stderr).split())
        assert "rule 2: " in told and "DPIA-NOMINALS" in told, command
    assert {path: path.read_bytes() for path in room.glob("*.*")} == before


def _texts(folder: Path) -> Iterator[bytes]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes()


def test_no_name_stands_in_metadata_events_or_persons(linked: Platform) -> None:
    rows = query(
        linked, "select email, phone from lake where email is not null limit 40"
    )
    words = {str(value).encode() for row in rows for value in row if value}
    assert len(words) > 40
    for folder in (linked.home / "dagster", linked.home / "linkage"):
        for content in _texts(folder):
            assert not [word for word in words if word in content]


def test_cleansing_is_counted_and_what_was_received_is_shown(linked: Platform) -> None:
    told = ask(linked, "cleansing", "show", "nominals", "--rule", "plain-phone")
    assert told["declared"]["surname"][0] == "straight-apostrophes"
    counted = {one["month"]: one["cells"] for one in told["changed"]}
    received = duckdb.sql(
        f"""
        select regexp_extract(filename, '(\\d{{4}}-\\d{{2}})-[a-z-]*nominals', 1),
            count(*)
        from read_csv('{linked.sample}/force_systems/*/*-nominals.csv',
            all_varchar = true, filename = true)
        where "Phone" like '% %' group by 1
        """
    ).fetchall()
    assert counted == dict(received)
    status = linked.edp("status", "--json")
    of_nominals = next(
        one
        for one in json.loads(status.stdout)["data_sets"]
        if one["name"] == "nominals"
    )
    everything = ask(linked, "cleansing", "show", "nominals")["changed"]
    assert of_nominals["cells_cleansed"] == sum(one["cells"] for one in everything)
    look = ("--purpose", "P-LE-CRIME", "--reason", "asked by the supplier", *CLERK)
    cells = ask(linked, "cleansing", "cells", "nominals", "--limit", "3", *look)
    assert len(cells) == 3
    for cell in cells:
        (path,) = linked.home.glob(f"landing/*/{cell['source_file']}*/original")
        line = path.read_text().splitlines()[cell["source_line"] - 1]
        assert cell["original"] in line
    refused = linked.edp(
        "cleansing", "cells", "nominals", "--as-person", "stop-search-lead", *look[:4]
    )
    assert refused.returncode == 1 and "may not see cells" in refused.stderr
    assert "refused: not allowed" in _last_logged(linked)
