"""Record linkage: scoring, doubts, people's decisions, persons, and how good it is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random

import polars as pl
import pytest

from edp_platform.analysis.linkage.clustering import Clustered, cluster, components
from edp_platform.analysis.linkage.decisions import (
    IN_FORCE_SCHEMA,
    Decision,
    Decisions,
    in_force,
    pair_id,
)
from edp_platform.analysis.linkage.failure import DecisionRefused
from edp_platform.analysis.linkage.model import (
    LinkageModel,
    LinkageModelInvalid,
    load_linkage_model,
)
from edp_platform.analysis.linkage.nominals import comparable, sound
from edp_platform.analysis.linkage.quality import measure, measure_by_group
from edp_platform.analysis.linkage.scoring import (
    LEFT,
    RIGHT,
    Scored,
    pairs_schema,
    score,
)
from edp_platform.datasets import defs_root
from tests.nominals_made import Made, make_nominals

MODEL = defs_root() / "record_linkage" / "linkage_model.yaml"
TODAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def model() -> LinkageModel:
    found = load_linkage_model(MODEL, TODAY)
    # Fewer random pairs than the real model draws: enough for so few people.
    training = found.training.model_copy(update={"random_pairs": 100_000})
    return found.model_copy(update={"training": training})


@pytest.fixture(scope="module")
def made() -> Made:
    return make_nominals(2_000)


@pytest.fixture(scope="module")
def scored(model: LinkageModel, made: Made) -> Scored:
    return score(comparable(made.nominals, model), model)


def plainly(first: pl.Series) -> pl.Series:
    return "person-" + first


def clustered(
    scored: Scored, made: Made, decided: pl.DataFrame | None = None
) -> Clustered:
    return cluster(
        made.nominals["nominal_id"],
        scored.pairs,
        pl.DataFrame(schema=IN_FORCE_SCHEMA) if decided is None else decided,
        scored.model_version,
        plainly,
    )


def pairs_together(persons: pl.DataFrame, column: str) -> set[frozenset[str]]:
    """Return every pair of nominals that one person holds: plain Python, no shortcut."""
    groups: dict[str, list[str]] = {}
    for nominal, person in persons.select("nominal_id", column).iter_rows():
        groups.setdefault(person, []).append(nominal)
    return {
        frozenset(pair)
        for group in groups.values()
        for pair in itertools.combinations(group, 2)
    }


def test_precision_and_recall_are_those_counted_pair_by_pair(
    scored: Scored, made: Made
) -> None:
    """The households and twins among them make precision hard."""
    clusters = clustered(scored, made).clusters
    linked = pairs_together(clusters, "person_id")
    true = pairs_together(made.truth, "person_id")
    assert len(true) > 300
    measured = measure(clusters, made.truth)
    assert measured is not None
    assert (measured.linked, measured.true, measured.both) == (
        len(linked),
        len(true),
        len(linked & true),
    )
    assert measured.precision == len(linked & true) / len(linked) >= 0.97
    assert measured.recall == len(linked & true) / len(true) >= 0.9
    assert measured.f1 == pytest.approx(
        2
        * measured.precision
        * measured.recall
        / (measured.precision + measured.recall)
    )


def test_figures_by_group_add_up_to_the_whole(scored: Scored, made: Made) -> None:
    clusters = clustered(scored, made).clusters
    whole = measure(clusters, made.truth)
    by_sex = measure_by_group(
        clusters, made.truth, made.nominals.select("nominal_id", "sex")
    )["sex"]
    assert whole is not None
    assert sum(one.true for one in by_sex.values()) == whole.true
    assert sum(one.linked for one in by_sex.values()) == whole.linked
    assert sum(one.both for one in by_sex.values()) == whole.both


def test_where_nobody_knows_the_truth_there_is_no_figure(
    scored: Scored, made: Made
) -> None:
    strangers = made.truth.with_columns(nominal_id="X" + pl.col("nominal_id"))
    assert measure(clustered(scored, made).clusters, strangers) is None


def test_the_same_nominals_give_the_same_everything(
    scored: Scored, model: LinkageModel, made: Made
) -> None:
    """In whatever order they come: weights, pairs, version and persons."""
    shuffled = made.nominals.sample(fraction=1, shuffle=True, seed=4)
    again = score(comparable(shuffled, model), model)
    assert again.parameters == scored.parameters
    assert again.model_version == scored.model_version
    assert again.pairs.equals(scored.pairs, null_equal=True)
    other = Made(shuffled, made.truth)
    assert clustered(again, other).clusters.equals(clustered(scored, made).clusters)


def test_another_seed_or_model_is_another_version(
    scored: Scored, model: LinkageModel, made: Made
) -> None:
    other = model.model_copy(update={"seed": model.seed + 1})
    version = score(comparable(made.nominals, other), other).model_version
    assert version != scored.model_version
    assert scored.model_version.startswith(f"{model.version}+{model.fingerprint}.")


def test_pairs_hold_no_value_of_a_record(scored: Scored, made: Made) -> None:
    columns = ["first_name", "surname", "phone", "email", "postcode", "pnc_id"]
    values = {
        str(value).upper()
        for column in columns
        for value in made.nominals[column].drop_nulls()
    }
    texts = [name for name, kind in scored.pairs.schema.items() if kind == pl.String]
    told = {
        str(value).upper()
        for name in texts
        for value in scored.pairs[name].drop_nulls()
    }
    assert not told & values


def test_bands_follow_the_thresholds_and_the_doubts(
    scored: Scored, model: LinkageModel
) -> None:
    for row in scored.pairs.to_dicts():
        likely = row["match_probability"] >= model.thresholds.match
        expected = "match" if likely and row["doubt"] is None else "review"
        assert row["band"] == expected
        assert row["match_probability"] >= model.thresholds.review
        assert row[LEFT] < row[RIGHT]
        assert row["pair"] == pair_id(row[RIGHT], row[LEFT])


def one_more(nominals: pl.DataFrame, *rows: dict[str, object]) -> pl.DataFrame:
    base = dict.fromkeys(nominals.columns)
    added = pl.DataFrame([base | row for row in rows], schema=nominals.schema)
    return pl.concat([nominals, added])


@dataclass(frozen=True)
class Second:
    """A person's second record: what differs, and what is to be said of the pair."""

    changed: dict[str, object]
    band: str | None
    column: str
    agreement: str


#: Each of another person, so that one scoring answers for all.
SECONDS = {
    "Quillfeather": Second(
        {"surname": "QUILFEATHER"}, "match", "surname", "nearly the same"
    ),
    "Brontesdale": Second(
        {"date_of_birth": date(1990, 7, 4)},
        "match",
        "date_of_birth",
        "day and month swapped",
    ),
    "Umberslade": Second(
        {"date_of_birth": date(1991, 4, 7)},
        "match",
        "date_of_birth",
        "one digit differs",
    ),
    "Yarnwhistle": Second({"first_name": "A"}, "match", "first_name", "initial only"),
    "Zephyrstone": Second(
        {"date_of_birth": None}, "match", "date_of_birth", "not known"
    ),
    # Twins: everything but the first name.
    "Ivyglass": Second(
        {"first_name": "Beatrix", "email": None}, "review", "first_name", "different"
    ),
    # A mother of the same name at the same address.
    "Oxenmarch": Second(
        {"date_of_birth": date(1962, 11, 23), "email": None},
        "review",
        "date_of_birth",
        "different",
    ),
    # Somebody of the same surname, address and telephone: never compared.
    "Ekwensiade": Second(
        {"first_name": "Beatrix", "date_of_birth": date(1962, 11, 23), "email": None},
        None,
        "first_name",
        "different",
    ),
}


@pytest.fixture(scope="module")
def judged(model: LinkageModel, made: Made) -> pl.DataFrame:
    rows: list[dict[str, object]] = []
    for at, (surname, second) in enumerate(SECONDS.items()):
        first = {
            "first_name": "Adaline",
            "surname": surname,
            "date_of_birth": date(1990, 4, 7),
            "sex": "Female",
            "postcode": f"SE{at + 1} 7DD",
            "phone": f"0799900011{at}",
            "email": f"adaline{at}@example.org",
        }
        rows += [
            {"nominal_id": f"Z{at}1", **first},
            {"nominal_id": f"Z{at}2", **first, **second.changed},
        ]
    nominals = one_more(made.nominals, *rows)
    return score(comparable(nominals, model), model).pairs


@pytest.mark.parametrize("surname", SECONDS)
def test_a_second_record_is_judged(
    judged: pl.DataFrame, model: LinkageModel, surname: str
) -> None:
    at = [*SECONDS].index(surname)
    second = SECONDS[surname]
    pairs = judged.filter(pl.col(LEFT) == f"Z{at}1", pl.col(RIGHT) == f"Z{at}2")
    if second.band is None:
        assert pairs.is_empty()
        return
    (found,) = pairs.to_dicts()
    assert found["band"] == second.band
    assert found[f"agreement_{second.column}"] == second.agreement
    if second.band == "review":
        assert found["match_probability"] > model.thresholds.match
        assert second.column in found["doubt"]


@pytest.mark.parametrize("number", [0, 1, 40])
def test_few_nominals_are_scored_by_the_start_values(
    model: LinkageModel, made: Made, number: int
) -> None:
    done = score(comparable(made.nominals.head(number), model), model)
    assert done.parameters["trained"] is False
    assert done.pairs.schema == pairs_schema(model)


def test_names_sound_alike_by_code() -> None:
    names = pl.DataFrame(
        {
            "name": [
                *("CATHERINE", "KATHRYN", "PHILIP", "FILIP", "SMITH", "SMYTH"),
                *("KNIGHT", "NIGHT", "WRIGHT", "RIGHT", "TYMCZAK", "HARRIS", ""),
            ]
        }
    )
    codes = names.select(sound(pl.col("name"))).to_series().to_list()
    for at in range(0, 10, 2):
        assert codes[at] == codes[at + 1], names["name"][at]
    assert codes[10] == "T522"  # the example of the US National Archives
    assert codes[0] != codes[2]
    assert codes[-1] is None


def test_persons_are_the_connected_ones_whatever_the_links() -> None:
    draw = Random(9)
    for _ in range(30):
        nominals = [f"N{at:03d}" for at in range(60)]
        links = [
            tuple(sorted(draw.sample(nominals, 2))) for _ in range(draw.randrange(70))
        ]
        frame = pl.DataFrame(
            links, schema={LEFT: pl.String, RIGHT: pl.String}, orient="row"
        )
        found = dict(components(pl.Series(nominals), frame).iter_rows())
        assert found == _by_hand(nominals, links)


def _by_hand(
    nominals: Sequence[str], links: Sequence[tuple[str, ...]]
) -> dict[str, str]:
    groups = {one: {one} for one in nominals}
    for one, other in links:
        joined = groups[one] | groups[other]
        for each in joined:
            groups[each] = joined
    return {one: min(groups[one]) for one in nominals}


NOMINALS = pl.Series(["A", "B", "C", "D"])


def some_pairs(*given: tuple[str, str, float, str]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "pair": pair_id(one, other),
                LEFT: one,
                RIGHT: other,
                "match_probability": probability,
                "band": band,
            }
            for one, other, probability, band in given
        ]
    )


def some_decisions(*given: tuple[str, str, str]) -> pl.DataFrame:
    rows = [(pair_id(one, other), one, other, answer) for one, other, answer in given]
    return pl.DataFrame(rows, schema=IN_FORCE_SCHEMA, orient="row")


def persons(
    pairs: pl.DataFrame, decided: pl.DataFrame
) -> tuple[list[str], pl.DataFrame]:
    done = cluster(NOMINALS, pairs, decided, "v", plainly)
    groups = done.clusters.group_by("person_id").agg(pl.col("nominal_id").sort())
    told = sorted("".join(group) for group in groups["nominal_id"].to_list())
    return told, done.conflicts


CHAIN = some_pairs(
    ("A", "B", 0.99, "match"), ("B", "C", 0.97, "match"), ("C", "D", 0.5, "review")
)


@pytest.mark.parametrize(
    ("decided", "expected", "conflicts"),
    [
        ([], ["ABC", "D"], []),
        ([("A", "B", "different")], ["A", "BC", "D"], []),
        ([("C", "D", "same")], ["ABCD"], []),
        ([("A", "D", "same")], ["ABCD"], []),  # scored by nobody
        # Never together, not even by way of B: the weaker link goes.
        ([("A", "C", "different")], ["AB", "C", "D"], [("B", "C")]),
        ([("A", "C", "different"), ("B", "C", "same")], ["A", "BC", "D"], [("A", "B")]),
        ([("A", "X", "same")], ["ABC", "D"], []),  # X is no longer there
        (
            [("A", "C", "different"), ("A", "B", "same"), ("B", "C", "same")],
            ["AB", "C", "D"],
            [("B", "C")],
        ),
    ],
)
def test_what_people_decided_overrides_the_score(
    decided: list[tuple[str, str, str]],
    expected: list[str],
    conflicts: list[tuple[str, str]],
) -> None:
    told, left_out = persons(CHAIN, some_decisions(*decided))
    assert told == expected
    assert left_out.select(LEFT, RIGHT).rows() == conflicts


def test_the_overlay_says_who_joined_a_person() -> None:
    decided = some_decisions(("C", "D", "same"))
    pairs = some_pairs(("A", "B", 0.99, "match"), ("C", "D", 0.5, "review"))
    done = cluster(NOMINALS, pairs, decided, "v", plainly).clusters
    told = dict(done.select("nominal_id", "joined_by").iter_rows())
    assert told == {"A": "score", "B": "score", "C": "decision", "D": "decision"}
    alone = cluster(NOMINALS, pairs.clear(), decided.clear(), "v", plainly).clusters
    assert set(alone["joined_by"]) == {"alone"}
    assert alone["person_id"].n_unique() == 4


def decision(answer: str, one: str = "A", other: str = "B", **changed: str) -> Decision:
    given = {"by": "records-manager", "at": "2026-03-02T09:00:00+00:00", "why": "seen"}
    return Decision(
        pair=pair_id(one, other),
        nominal_id_l=one,
        nominal_id_r=other,
        answer=answer,  # type: ignore[arg-type]
        **(given | changed),
    )


def test_the_last_decision_counts_and_none_is_lost(tmp_path: Path) -> None:
    decisions = Decisions(tmp_path / "decisions.parquet")
    for answer in ("same", "different", "withdrawn", "same"):
        decisions.add(decision(answer))
        standing = in_force(decisions.all())["answer"].to_list()
        assert standing == ([] if answer == "withdrawn" else [answer])
    assert decisions.all()["answer"].to_list() == [
        "same",
        "different",
        "withdrawn",
        "same",
    ]


@pytest.mark.parametrize(
    ("refused", "says"),
    [
        (decision("perhaps"), "is no answer"),
        (decision("same", why="  "), "who decided and why"),
        (decision("same", by=""), "who decided and why"),
        (decision("same", "B", "A"), "two nominals, in order"),
        (decision("same", "A", "A"), "two nominals, in order"),
        (decision("withdrawn"), "no decision on this pair to withdraw"),
    ],
)
def test_a_decision_that_is_not_whole_is_not_recorded(
    tmp_path: Path, refused: Decision, says: str
) -> None:
    decisions = Decisions(tmp_path / "decisions.parquet")
    with pytest.raises(DecisionRefused, match=says):
        decisions.add(refused)
    assert decisions.all().is_empty()


def test_what_cannot_be_logged_is_not_decided(tmp_path: Path) -> None:
    decisions = Decisions(tmp_path / "decisions.parquet")

    def full() -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        decisions.add(decision("same"), full)
    assert decisions.all().is_empty()


@pytest.mark.parametrize(
    ("find", "put", "says"),
    [
        ("review: 0.30", "review: 0.99", "lies below `match`"),
        ("as: postcode", "as: place", "as"),
        ("- [pnc_id]\n  - [email]", "- [shoe_size]\n  - [email]", "shoe_size"),
        ("when: [different], unless", "when: [odd], unless", "is never `odd`"),
        ("{column: sex,", "{column: surname,", "a column is compared twice"),
        ("- [ANTHONY, TONY]", "- [ANDREW, TONY]", "ANDREW stands in two lists"),
        ("- [ANTHONY, TONY]", "- [Anthony, TONY]", "capital letters"),
        ("seed: 20260101\n", "", "`seed` is not answered"),
        ("seed: ", "sead: 1\nseed: ", "`sead` is not a field"),
    ],
)
def test_a_model_that_contradicts_itself_is_refused(
    tmp_path: Path, find: str, put: str, says: str
) -> None:
    text = MODEL.read_text()
    assert find in text
    path = tmp_path / "linkage_model.yaml"
    path.write_text(text.replace(find, put, 1))
    with pytest.raises(LinkageModelInvalid) as refused:
        load_linkage_model(path, TODAY)
    assert says in str(refused.value)
    assert f"{path}:" in str(refused.value)
