"""Where linkage stands under EDP_HOME, and what it was made from.

`linkage/pairs.parquet`, `persons.parquet` and `review_queue.parquet` can be made again
at any time; `decisions.parquet` cannot: people made it. `run.json` and
`parameters.json` hold counts and weights, no row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from edp_platform.analysis.linkage.clustering import (
    CLUSTERS_SCHEMA,
    CONFLICTS_SCHEMA,
    Clustered,
    cluster,
)
from edp_platform.analysis.linkage.decisions import Decisions, in_force
from edp_platform.analysis.linkage.failure import NothingScored
from edp_platform.analysis.linkage.model import LinkageModel
from edp_platform.analysis.linkage.nominals import NOMINAL, comparable, read_nominals
from edp_platform.analysis.linkage.quality import Measured, measure, measure_by_group
from edp_platform.analysis.linkage.scoring import (
    LEFT,
    RIGHT,
    Scored,
    pairs_schema,
    score,
)
from edp_platform.contracts import Contract
from edp_platform.files import read_json, replacing, write_json
from edp_platform.governance.subject_keys import SubjectKey
from edp_platform.home import Home
from edp_platform.ingestion.lake import lake_path, signatures
from edp_platform.ingestion.row_lock import moving_rows

#: Why a pair waits for a person.
IN_THE_BAND = "the score alone does not settle it"
BY_OTHERS = "; yet one person by way of other records"


@dataclass(frozen=True)
class Scoring:
    """What a run of the scoring came to: counts only."""

    model_version: str
    nominals: int
    compared: int
    matches: int
    review: int
    trained: bool
    made_from: str
    is_new: bool


class LinkageStore:
    """The room of one home.

    Args:
        home: whose room.
        model: as declared; its data set and columns are read.
    """

    def __init__(self, home: Home, model: LinkageModel) -> None:
        self.home = home
        self.model = model
        self.decisions = Decisions(home.linkage / "decisions.parquet")
        self.pairs_path = home.linkage / "pairs.parquet"
        self.clusters_path = home.linkage / "persons.parquet"
        self.conflicts_path = home.linkage / "conflicts.parquet"
        self.queue_path = home.linkage / "review_queue.parquet"
        self.run_path = home.linkage / "run.json"
        self.parameters_path = home.linkage / "parameters.json"

    def made_from(self, contract: Contract) -> str:
        """Return what pairs made now would follow from, as 16 hex digits."""
        parts = [
            self.model.fingerprint,
            *(
                f"{month} {signature}"
                for month, signature in sorted(signatures(self.home, contract).items())
            ),
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    def score(self, contract: Contract, *, again: bool = False) -> Scoring:
        """Score the nominals of the lake, unless the pairs that stand are of these.

        Args:
            contract: of the data set of nominals.
            again: score even so.

        Raises:
            LinkageFailed: Splink could not.
            WriteFailed: the disk is full or read-only.
        """
        with moving_rows(self.home):
            made_from = self.made_from(contract)
            before = read_json(self.run_path)
            if before and before["made_from"] == made_from and not again:
                return Scoring(**{**before, "is_new": False})
            nominals = self.nominals(contract)
            scored = score(comparable(nominals, self.model), self.model)
            told = _told(scored, nominals.height, made_from)
            with replacing(self.pairs_path) as temporary:
                scored.pairs.write_parquet(temporary)
            write_json(self.parameters_path, scored.parameters)
            # Last: what it says of the pairs is true only once they stand.
            write_json(
                self.run_path,
                {name: getattr(told, name) for name in told.__dataclass_fields__},
            )
            return told

    def nominals(self, contract: Contract) -> pl.DataFrame:
        """Return the nominals of the lake; see `nominals.read_nominals`."""
        paths = self._lake(contract)
        if not paths:
            schema = {
                NOMINAL: pl.String,
                **dict.fromkeys(self.model.columns, pl.String),
            }
            return pl.DataFrame(schema=schema)
        return read_nominals(paths, self.model)

    def last_run(self) -> Scoring:
        """Return what the last scoring came to.

        Raises:
            NothingScored: there was none.
        """
        told = read_json(self.run_path)
        if told is None or not self.pairs_path.exists():
            raise NothingScored(
                "No pairs have been scored yet, so there are no persons and nothing to "
                "review. Run: edp linkage run"
            )
        return Scoring(**{**told, "is_new": False})

    def pairs(self) -> pl.DataFrame:
        """Return the scored pairs.

        Raises:
            NothingScored: there are none yet.
        """
        self.last_run()
        return pl.read_parquet(self.pairs_path).select(list(pairs_schema(self.model)))

    def cluster(self, contract: Contract) -> Clustered:
        """Make persons of the pairs and of what people decided; write both tables.

        Raises:
            NothingScored: no pairs stand.
            WriteFailed: the disk is full or read-only.
        """
        with moving_rows(self.home):
            run = self.last_run()
            pairs = self.pairs()
            made = cluster(
                self.nominals(contract)[NOMINAL],
                pairs,
                in_force(self.decisions.all()),
                run.model_version,
                person_names(self.home),
            )
            with replacing(self.clusters_path) as temporary:
                made.clusters.write_parquet(temporary)
            with replacing(self.conflicts_path) as temporary:
                made.conflicts.write_parquet(temporary)
            return made

    def overlay_faults(
        self, contract: Contract, clusters: pl.DataFrame
    ) -> tuple[int, int]:
        """Count what may not be: nominals not in exactly one person, decisions broken.

        Args:
            contract: of the data set of nominals.
            clusters: the overlay.
        """
        nominals = self.nominals(contract).select(NOMINAL)
        repeated = clusters.filter(pl.col(NOMINAL).is_duplicated()).height
        missing = nominals.join(clusters, on=NOMINAL, how="anti").height
        strangers = clusters.join(nominals, on=NOMINAL, how="anti").height
        person = clusters.select(NOMINAL, "person_id")
        broken = (
            in_force(self.decisions.all())
            .filter(pl.col("answer") == "different")
            .join(person, left_on=LEFT, right_on=NOMINAL)
            .join(person, left_on=RIGHT, right_on=NOMINAL, suffix="_r")
            .filter(pl.col("person_id") == pl.col("person_id_r"))
        )
        return repeated + missing + strangers, broken.height

    def clusters(self) -> pl.DataFrame:
        """Return the overlay (`clustering.CLUSTERS_SCHEMA`).

        Raises:
            NothingScored: there is none yet.
        """
        if not self.clusters_path.exists():
            raise NothingScored(
                "No persons have been made of the nominals yet. Run: edp linkage run"
            )
        return pl.read_parquet(self.clusters_path).select(list(CLUSTERS_SCHEMA))

    def queue_up(self) -> pl.DataFrame:
        """Write the pairs that wait for a person; the most likely first.

        Returns:
            the columns of the pairs, and `reason`.

        Raises:
            NothingScored: no pairs stand.
            WriteFailed: the disk is full or read-only.
        """
        with moving_rows(self.home):
            pairs = self.pairs()
            decided = in_force(self.decisions.all())
            person = self.clusters().select(NOMINAL, "person_id")
            waiting = (
                pairs.filter(pl.col("band") == "review")
                .join(decided, on=[LEFT, RIGHT], how="anti")
                .join(person, left_on=LEFT, right_on=NOMINAL)
                .join(person, left_on=RIGHT, right_on=NOMINAL, suffix="_r")
                .with_columns(is_one=pl.col("person_id") == pl.col("person_id_r"))
                # What other records have settled asks nothing of a clerk, unless the
                # two disagree in what should make them doubt the others.
                .filter(~pl.col("is_one") | pl.col("doubt").is_not_null())
                .with_columns(
                    reason=pl.coalesce("doubt", pl.lit(IN_THE_BAND))
                    + pl.when("is_one").then(pl.lit(BY_OTHERS)).otherwise(pl.lit(""))
                )
                .select(*pairs.columns, "reason")
            )
            disputed = pl.DataFrame(schema=CONFLICTS_SCHEMA)
            if self.conflicts_path.exists():
                disputed = pl.read_parquet(self.conflicts_path)
            # A link that a person made may have no score at all.
            scores = pairs.drop(LEFT, RIGHT)
            disputed = disputed.join(scores, on="pair", how="left")
            queue = pl.concat([disputed.select(waiting.columns), waiting]).sort(
                "match_probability", LEFT, RIGHT, descending=[True, False, False]
            )
            with replacing(self.queue_path) as temporary:
                queue.write_parquet(temporary)
            return queue

    def queue(self) -> pl.DataFrame:
        """Return the pairs that wait, less those decided since they were queued.

        Raises:
            NothingScored: there is no queue yet.
        """
        if not self.queue_path.exists():
            raise NothingScored("No review queue stands yet. Run: edp linkage run")
        decided = in_force(self.decisions.all())
        return pl.read_parquet(self.queue_path).join(
            decided, on=[LEFT, RIGHT], how="anti", maintain_order="left"
        )

    def measured(self, clusters: pl.DataFrame) -> Measured | None:
        """Measure persons against the sample force's truth; None where there is none."""
        truth = self._truth()
        return None if truth is None else measure(clusters, truth)

    def measured_by_group(
        self, contract: Contract, clusters: pl.DataFrame
    ) -> dict[str, dict[str, Measured]]:
        """Measure by the groups that the model is monitored by; {} without a truth."""
        truth = self._truth()
        if truth is None or not self.model.monitored_by:
            return {}
        paths = self._lake(contract)
        if not paths:
            return {}
        groups = (
            pl.scan_parquet(paths, hive_partitioning=False)
            .select(
                pl.col(self.model.identifier).alias(NOMINAL), *self.model.monitored_by
            )
            .unique(NOMINAL, keep="first", maintain_order=True)
            .collect()
        )
        return measure_by_group(clusters, truth, groups)

    def _truth(self) -> pl.DataFrame | None:
        path = self.home.root / "sample" / "nominal_truth.parquet"
        return pl.read_parquet(path) if path.exists() else None

    def _lake(self, contract: Contract) -> list[Path]:
        return [
            lake_path(self.home, contract.data_set, month)
            for month in signatures(self.home, contract)
        ]


def person_names(home: Home) -> Callable[[pl.Series], pl.Series]:
    """Return how persons are named: a keyed hash, so that a name tells no identifier.

    A nominal that is disposed of would live on in the name of its person otherwise.
    """
    key = SubjectKey(home, "linkage")

    def named(first: pl.Series) -> pl.Series:
        return "person-" + key.hashed(first).str.head(16)

    return named


def _told(scored: Scored, nominals: int, made_from: str) -> Scoring:
    matches = int((scored.pairs["band"] == "match").sum())
    return Scoring(
        model_version=scored.model_version,
        nominals=nominals,
        compared=scored.compared,
        matches=matches,
        review=scored.pairs.height - matches,
        trained=bool(scored.parameters["trained"]),
        made_from=made_from,
        is_new=True,
    )


def as_told(measured: Measured | None) -> dict[str, Any]:
    """Return the figures of a measurement, ready for JSON."""
    if measured is None:
        return {"truth": "none here"}
    return {
        "precision": measured.precision,
        "recall": measured.recall,
        "f1": measured.f1,
        "pairs_linked": measured.linked,
        "pairs_true": measured.true,
        "pairs_both": measured.both,
        "nominals_known": measured.nominals,
    }
