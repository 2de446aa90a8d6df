"""The room of linkage on disk: what it keeps, and that it is a copy like any other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from edp_platform.analysis.linkage.failure import DecisionRefused, NothingScored
from edp_platform.analysis.linkage.model import LinkageModel, load_linkage_model
from edp_platform.analysis.linkage.review import decide_pair, review_pairs
from edp_platform.analysis.linkage.store import BY_OTHERS, LinkageStore
from edp_platform.contracts import Contract
from edp_platform.datasets import defs_root
from edp_platform.ingestion.landing import LandingStore
from edp_platform.retention.copies import Copy, copies
from edp_platform.retention.people import People
from tests.landing_room import TODAY, Room, all_data_sets, open_room
from tests.person_room import csv_of, nominal

FILE = "2010-01-sample-force-nominals.csv"
#: ONE, AGAIN and THIRD are one person; TWIN shares all but the first name with them.
ONE, AGAIN, THIRD, TWIN, OTHER = (f"N0000000{at}" for at in range(1, 6))
_SAME = {
    "first_name": "Zebedee",
    "surname": "Quillfeather",
    "date_of_birth": "1980-05-06",
    "phone": "07700 900123",
    "email": "Zebedee.Q@example.org",
}
ROWS: list[Mapping[str, str]] = [
    nominal(ONE, **_SAME),
    nominal(AGAIN, **{**_SAME, "surname": "QUILFEATHER"}),
    nominal(THIRD, **{**_SAME, "date_of_birth": "1980-06-05"}),
    nominal(TWIN, **{**_SAME, "first_name": "Aloysius", "email": ""}),
    nominal(OTHER, first_name="Ngozi", surname="Tapir", date_of_birth="1999-01-01"),
]


@pytest.fixture
def room(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Room:
    data_sets = all_data_sets(tmp_path_factory.getbasetemp() / "all")
    made = open_room(tmp_path, data_sets)
    made.receive(FILE, csv_of(data_sets, "nominals", ROWS), date(2010, 2, 1))
    made.load("nominals")
    return made


@pytest.fixture
def contract(room: Room) -> Contract:
    return room.data_sets.by_name["nominals"].contract


@pytest.fixture
def store(room: Room, contract: Contract) -> LinkageStore:
    path = defs_root() / "record_linkage" / "linkage_model.yaml"
    made = LinkageStore(room.home, load_linkage_model(path, TODAY))
    run(made, contract)
    return made


def run(store: LinkageStore, contract: Contract) -> None:
    store.score(contract)
    store.cluster(contract)
    store.queue_up()


def people_of(store: LinkageStore) -> list[str]:
    groups = store.clusters().group_by("person_id").agg(pl.col("nominal_id").sort())
    return sorted("+".join(one) for one in groups["nominal_id"].to_list())


def pair_of(store: LinkageStore, one: str, other: str) -> str:
    (found,) = store.pairs().filter(
        pl.col("nominal_id_l") == one, pl.col("nominal_id_r") == other
    )["pair"]
    return str(found)


def decided(store: LinkageStore, one: str, other: str, answer: str) -> None:
    decide_pair(
        store,
        pair_of(store, one, other),
        answer,
        by="records-manager",
        at="2026-03-02T10:00:00+00:00",
        why="looked at both records",
    )


def test_one_person_is_found_and_the_twin_waits(store: LinkageStore) -> None:
    assert people_of(store) == [f"{ONE}+{AGAIN}+{THIRD}", TWIN, OTHER]
    waiting = store.queue()
    assert set(waiting["nominal_id_r"]) == {TWIN}
    assert waiting["doubt"].null_count() == 0


def test_a_person_is_named_by_no_identifier(
    store: LinkageStore, room: Room, contract: Contract
) -> None:
    """A nominal that is disposed of would live on in the name of its person."""
    names = store.clusters()["person_id"]
    assert names.str.contains(r"^person-[0-9a-f]{16}$").all()
    assert not any(one in name for one in (ONE, AGAIN) for name in names)
    run(store, contract)
    assert store.clusters()["person_id"].to_list() == names.to_list()


def test_nothing_is_shown_before_anything_was_scored(
    room: Room, contract: Contract, store: LinkageStore
) -> None:
    empty = LinkageStore(room.home, store.model)
    for path in room.home.linkage.iterdir():
        if path.is_file():
            path.unlink()
    for ask in (empty.pairs, empty.clusters, empty.queue, empty.last_run):
        with pytest.raises(NothingScored, match="edp linkage run"):
            ask()


def test_scoring_is_done_again_only_where_something_changed(
    room: Room, store: LinkageStore, contract: Contract
) -> None:
    assert store.score(contract).is_new is False
    assert store.score(contract, again=True).is_new is True
    another = csv_of(room.data_sets, "nominals", [nominal("N00000009")])
    later = "2010-02-sample-force-nominals.csv"
    room.receive(later, another, date(2010, 3, 1))
    room.load("nominals")
    told = store.score(contract)
    assert (told.is_new, told.nominals) == (True, len(ROWS) + 1)
    other = store.model.model_copy(update={"fingerprint": "changed0"})
    assert LinkageStore(room.home, other).score(contract).is_new is True


def test_decisions_make_and_part_persons(
    store: LinkageStore, contract: Contract
) -> None:
    decided(store, ONE, TWIN, "same")
    run(store, contract)
    assert people_of(store) == ["+".join((ONE, AGAIN, THIRD, TWIN)), OTHER]
    # The other doubts stand, and say that they are about one person by now.
    reasons = store.queue()["reason"].to_list()
    assert reasons and all(reason.endswith(BY_OTHERS) for reason in reasons)
    decided(store, ONE, TWIN, "withdrawn")
    decided(store, ONE, THIRD, "different")
    run(store, contract)
    together = next(one for one in people_of(store) if AGAIN in one)
    assert together in (f"{ONE}+{AGAIN}", f"{AGAIN}+{THIRD}")
    assert store.overlay_faults(contract, store.clusters()) == (0, 0)
    conflict = store.queue().filter(pl.col("reason").str.contains("different"))
    assert conflict.height == 1 + store.queue()["doubt"].drop_nulls().len()
    decided(store, ONE, THIRD, "withdrawn")
    run(store, contract)
    assert people_of(store) == [f"{ONE}+{AGAIN}+{THIRD}", TWIN, OTHER]
    assert store.decisions.all().height == 4


def test_an_overlay_that_breaks_a_decision_is_noticed(
    store: LinkageStore, contract: Contract
) -> None:
    decided(store, ONE, AGAIN, "different")
    assert store.overlay_faults(contract, store.clusters()) == (0, 1)
    missing = store.clusters().filter(pl.col("nominal_id") != OTHER)
    assert store.overlay_faults(contract, missing)[0] == 1


def test_a_pair_is_shown_as_the_lake_holds_it(
    store: LinkageStore, contract: Contract
) -> None:
    pair = pair_of(store, ONE, TWIN)
    (found,) = review_pairs(store, contract, pair=pair, limit=5)
    rows = {row[0]: row[1:] for row in found.rows}
    assert rows["first_name"] == ("Zebedee", "Aloysius", "different")
    assert rows["phone"] == ("07700900123", "07700900123", "same")
    assert rows["pnc_id"] == ("", "", "not known")
    with pytest.raises(DecisionRefused, match="There is no pair"):
        review_pairs(store, contract, pair="nosuchpair", limit=5)


def copy_of(room: Room, name: str) -> Copy:
    (found,) = [one for one in copies(room.home, room.data_sets) if one.name == name]
    return found


def everything_under(folder: Path) -> str:
    """Return every row of every table, and every other file, as text."""
    told = []
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            told.append(str(pl.read_parquet(path).to_dicts()))
        elif path.is_file():
            told.append(path.read_text())
    return "\n".join(told)


def test_a_disposal_takes_pairs_persons_and_decisions(
    room: Room, store: LinkageStore, contract: Contract
) -> None:
    decided(store, ONE, AGAIN, "same")
    copy = copy_of(room, "linkage")
    people = People((ONE,))
    places = {held.place for held in copy.find(people)}
    assert places == {
        f"linkage/{name}.parquet"
        for name in ("decisions", "pairs", "persons", "review_queue")
    }
    assert copy.export(people)
    assert copy.erase(people) > 0
    assert copy.find(people) == []
    assert ONE not in everything_under(room.home.linkage)
    assert AGAIN in everything_under(room.home.linkage)


def test_a_restriction_leaves_decisions_for_when_it_is_lifted(
    room: Room, store: LinkageStore, contract: Contract
) -> None:
    decided(store, ONE, AGAIN, "different")
    copy = copy_of(room, "linkage")
    assert copy.restrict(People((ONE,))) > 0
    assert {held.place for held in copy.find(People((ONE,)))} == {
        "linkage/decisions.parquet"
    }
    assert review_pairs(store, contract, pair=None, limit=9) is not None
    # A nominal that is not in the lake is passed over, decision or not.
    run(store, contract)
    assert store.overlay_faults(contract, store.clusters()) == (0, 0)


def test_cleansed_cells_are_a_copy_found_by_their_lines(room: Room) -> None:
    delivery = LandingStore(room.home).deliveries("nominals")[0]
    copy = copy_of(room, "cleansed cells")
    people = People((ONE,), {delivery.file: (2,)})
    (held,) = copy.find(people)
    assert held.rows == 2  # telephone and e-mail of line 2
    assert copy.erase(people) == 2
    assert copy.find(people) == []
    assert "Zebedee.Q@example.org" in everything_under(room.home.cleansed)  # AGAIN's


def test_every_room_of_linkage_and_cleansing_is_answered_for(room: Room) -> None:
    rooms = {name for one in copies(room.home, room.data_sets) for name in one.rooms}
    assert {"linkage", "cleansed"} <= rooms


def test_the_model_covers_only_what_the_dpia_lets_through(
    store: LinkageStore, room: Room
) -> None:
    model: LinkageModel = store.model
    dpia = room.data_sets.by_name["nominals"].dpia
    assert dpia.scope is not None
    covered = dpia.scope.of(room.data_sets.by_name["nominals"].contract.id)
    assert covered is not None
    assert {model.identifier, *model.columns} == set(covered.as_such["record_linkage"])
    assert model.purpose in dpia.scope.purposes
