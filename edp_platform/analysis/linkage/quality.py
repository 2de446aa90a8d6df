"""How good the linkage is, where somebody knows the truth.

Counted in pairs of records: precision is the share of linked pairs that are one person,
recall the share of pairs that are one person that were linked. Only the sample force
knows; a real force has no such file, and is told so.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from edp_platform.analysis.linkage.nominals import NOMINAL


@dataclass(frozen=True)
class Measured:
    """Pairs linked, pairs that are one person, and pairs that are both.

    Attributes:
        linked: pairs of records put in one person.
        true: pairs of records that are one person.
        both: true pairs that were linked.
        nominals: records counted.
        linked_and_true: linked pairs that are true; the same as `both` but for a group,
            where a person of the group may be linked to records of another.
    """

    linked: int
    true: int
    both: int
    nominals: int
    linked_and_true: int | None = None

    @property
    def precision(self) -> float | None:
        """Share of linked pairs that are one person; None where none was linked."""
        right = self.both if self.linked_and_true is None else self.linked_and_true
        return right / self.linked if self.linked else None

    @property
    def recall(self) -> float | None:
        """Share of true pairs that were linked; None where there are none."""
        return self.both / self.true if self.true else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both; None where either is unknown."""
        if self.precision is None or self.recall is None:
            return None
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def measure(clusters: pl.DataFrame, truth: pl.DataFrame) -> Measured | None:
    """Compare persons found with persons known.

    Args:
        clusters: `clustering.CLUSTERS_SCHEMA`.
        truth: `nominal_id, person_id`.

    Returns:
        None when the truth knows none of these nominals. Nominals it does not know are
        left out of every count.
    """
    known = clusters.select(NOMINAL, found="person_id").join(
        truth.select(NOMINAL, "person_id"), on=NOMINAL
    )
    if known.is_empty():
        return None
    return Measured(
        linked=_pairs(known, "found"),
        true=_pairs(known, "person_id"),
        both=_pairs(known, "found", "person_id"),
        nominals=known.height,
    )


def measure_by_group(
    clusters: pl.DataFrame, truth: pl.DataFrame, groups: pl.DataFrame
) -> dict[str, dict[str, Measured]]:
    """Tell precision and recall apart by groups of people.

    Args:
        clusters: `clustering.CLUSTERS_SCHEMA`.
        truth: `nominal_id, person_id`.
        groups: `nominal_id` and one column for each way of grouping.

    Returns:
        column → group → figures. A person known by records of two groups counts with
        the group of the first record; a pair across two persons counts with its first.
    """
    known = (
        clusters.select(NOMINAL, found="person_id")
        .join(truth.select(NOMINAL, "person_id"), on=NOMINAL)
        .join(groups, on=NOMINAL)
        .sort(NOMINAL)
    )
    told: dict[str, dict[str, Measured]] = {}
    for name in groups.columns:
        if name == NOMINAL:
            continue
        by_true = known.with_columns(_group=pl.col(name).first().over("person_id"))
        by_found = known.with_columns(_group=pl.col(name).first().over("found"))
        for group in sorted(known[name].drop_nulls().unique()):
            true = by_true.filter(pl.col("_group") == group)
            found = by_found.filter(pl.col("_group") == group)
            told.setdefault(name, {})[group] = Measured(
                linked=_pairs(found, "found"),
                true=_pairs(true, "person_id"),
                both=_pairs(true, "found", "person_id"),
                nominals=true.height,
                linked_and_true=_pairs(found, "found", "person_id"),
            )
    return told


def _pairs(known: pl.DataFrame, *by: str) -> int:
    sizes = known.group_by(*by).len()["len"].cast(pl.Int64)
    return int((sizes * (sizes - 1) // 2).sum())
