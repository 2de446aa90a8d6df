"""From pairs and decisions to persons.

Nominals joined by matches, or by people who said "same", are one person. A pair that a
person called different is never in one person, not even by way of a third record: where
that would happen, the weakest link that causes it is left out and sent to review.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from edp_platform.analysis.linkage.nominals import NOMINAL
from edp_platform.analysis.linkage.scoring import LEFT, RIGHT

#: The overlay: one row for each nominal. `joined_by`: "score", "decision" (some link of
#: the person was made by somebody) or "alone". `weakest_link` is the lowest probability
#: among the links of the person that the score made.
CLUSTERS_SCHEMA = pl.Schema(
    {
        NOMINAL: pl.String(),
        "person_id": pl.String(),
        "nominals": pl.Int64(),
        "joined_by": pl.String(),
        "weakest_link": pl.Float64(),
        "model_version": pl.String(),
    }
)
#: Links left out because a decision forbids what they would join.
CONFLICTS_SCHEMA = pl.Schema(
    {"pair": pl.String(), LEFT: pl.String(), RIGHT: pl.String(), "reason": pl.String()}
)


@dataclass(frozen=True)
class Clustered:
    """`CLUSTERS_SCHEMA` and `CONFLICTS_SCHEMA`."""

    clusters: pl.DataFrame
    conflicts: pl.DataFrame


def cluster(
    nominals: pl.Series,
    pairs: pl.DataFrame,
    decided: pl.DataFrame,
    model_version: str,
    named: Callable[[pl.Series], pl.Series],
) -> Clustered:
    """Make persons of nominals.

    Args:
        nominals: every nominal_id, once.
        pairs: scored pairs (`scoring.pairs_schema`).
        decided: decisions in force (`decisions.IN_FORCE_SCHEMA`); those about a nominal
            that is no longer there are passed over.
        model_version: told with each row.
        named: nominal_ids → names of persons. A person is named by the first of its
            nominal_ids in order, so the same nominals make the same persons.

    Returns:
        persons and conflicts.
    """
    here = nominals.implode()
    decided = decided.filter(pl.col(LEFT).is_in(here) & pl.col(RIGHT).is_in(here))
    matches = (
        pairs.filter(
            (pl.col("band") == "match")
            & pl.col(LEFT).is_in(here)
            & pl.col(RIGHT).is_in(here)
        )
        .join(decided, on=[LEFT, RIGHT], how="anti")
        .select("pair", LEFT, RIGHT, by=pl.lit("score"), strength="match_probability")
    )
    said_same = decided.filter(pl.col("answer") == "same").select(
        "pair",
        LEFT,
        RIGHT,
        by=pl.lit("decision"),
        strength=pl.lit(None, dtype=pl.Float64),
    )
    links = pl.concat([said_same, matches])
    forbidden = decided.filter(pl.col("answer") == "different").select(LEFT, RIGHT)
    kept, conflicts = _allowed(nominals, links, forbidden)
    label = components(nominals, kept)
    people = label.with_columns(
        person_id=named(label["first"]),
        nominals=pl.len().over("first").cast(pl.Int64),
    )
    evidence = (
        kept.join(label, left_on=LEFT, right_on=NOMINAL)
        .group_by("first")
        .agg(
            is_decided=(pl.col("by") == "decision").any(),
            weakest_link=pl.col("strength").min(),
        )
    )
    clusters = (
        people.join(evidence, on="first", how="left")
        .with_columns(
            joined_by=pl.when(pl.col("nominals") == 1)
            .then(pl.lit("alone"))
            .when(pl.col("is_decided"))
            .then(pl.lit("decision"))
            .otherwise(pl.lit("score")),
            model_version=pl.lit(model_version),
        )
        .select(list(CLUSTERS_SCHEMA))
        .sort(NOMINAL)
    )
    return Clustered(clusters, conflicts)


def components(nominals: pl.Series, links: pl.DataFrame) -> pl.DataFrame:
    """Return `nominal_id, first`: the first nominal, in order, of those joined to it.

    Every nominal takes the least label among its neighbours', and then its label's
    label, until nothing changes: a few joins over whole columns, however many nominals.
    """
    order = nominals.unique().sort()
    place = pl.DataFrame({NOMINAL: order, "at": pl.int_range(len(order), eager=True)})
    label = place["at"]
    ends = links.select(
        one=pl.col(LEFT).replace_strict(order, label, return_dtype=pl.Int64),
        other=pl.col(RIGHT).replace_strict(order, label, return_dtype=pl.Int64),
    )
    both = pl.concat([ends, ends.select(one="other", other="one")])
    while both.height:
        least = (
            both.select("one", label=label.gather(both["other"]))
            .group_by("one")
            .agg(pl.col("label").min())
        )
        lowered = pl.DataFrame({"at": place["at"], "label": label}).join(
            least, left_on="at", right_on="one", how="left", maintain_order="left"
        )
        lower = lowered.select(pl.min_horizontal("label", "label_right")).to_series()
        lower = lower.gather(lower)
        if (lower == label).all():
            break
        label = lower
    return place.select(NOMINAL, first=order.gather(label))


def _allowed(
    nominals: pl.Series, links: pl.DataFrame, forbidden: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Leave out the links that would bring a forbidden pair into one person."""
    no_conflict = pl.DataFrame(schema=CONFLICTS_SCHEMA)
    if forbidden.is_empty():
        return links, no_conflict
    label = components(nominals, links)
    groups = forbidden.join(label, left_on=LEFT, right_on=NOMINAL).join(
        label, left_on=RIGHT, right_on=NOMINAL, suffix="_right"
    )
    broken = groups.filter(pl.col("first") == pl.col("first_right"))["first"].unique()
    if broken.is_empty():
        return links, no_conflict
    placed = links.join(label, left_on=LEFT, right_on=NOMINAL)
    doubtful = placed.filter(pl.col("first").is_in(broken.implode())).drop("first")
    sound = placed.filter(~pl.col("first").is_in(broken.implode())).drop("first")
    # Few people are ever in conflict, so these alone are joined one link at a time:
    # what somebody decided first, then the strongest.
    ordered = doubtful.sort(
        pl.col("by") != "decision",
        pl.col("strength").fill_null(1.0),
        LEFT,
        RIGHT,
        descending=[False, True, False, False],
    )
    is_kept = _one_by_one(ordered, set(forbidden.iter_rows()))
    conflicts = ordered.filter(~is_kept).select(
        "pair",
        LEFT,
        RIGHT,
        reason=pl.when(pl.col("by") == "decision")
        .then(pl.lit(_CONTRADICTION))
        .otherwise(pl.lit(_FORBIDDEN)),
    )
    return pl.concat([sound, ordered.filter(is_kept)]), conflicts.sort(LEFT, RIGHT)


_FORBIDDEN = "would join records that somebody decided are different"
_CONTRADICTION = "decisions contradict each other by way of a third record"


def _one_by_one(ordered: pl.DataFrame, forbidden: set[tuple[str, str]]) -> pl.Series:
    """Return, for each link in order, whether it may stand after those before it."""
    members: dict[str, set[str]] = {}
    kept = []
    for one, other in ordered.select(LEFT, RIGHT).iter_rows():
        ours = members.setdefault(one, {one})
        theirs = members.setdefault(other, {other})
        if ours is theirs:
            kept.append(True)
            continue
        is_allowed = not any(
            (min(a, b), max(a, b)) in forbidden for a in ours for b in theirs
        )
        if is_allowed:
            joined = ours | theirs
            members.update(dict.fromkeys(joined, joined))
        kept.append(is_allowed)
    return pl.Series(kept, dtype=pl.Boolean)
