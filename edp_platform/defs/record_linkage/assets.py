"""Pairs of nominals, persons made of them, and the pairs that wait for a person.

The method stands in `edp_platform.analysis.linkage`; this file says when it runs, what
it reads, and what is asked of it. Metadata holds counts, never a value of a row.
"""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import AssetExecutionContext

from edp_platform.analysis.linkage.model import LinkageModel, load_linkage_model
from edp_platform.analysis.linkage.quality import Measured
from edp_platform.analysis.linkage.store import LinkageStore, as_told
from edp_platform.datasets import DataSet, DataSets
from edp_platform.governance.product_lineage import LINEAGE_METADATA
from edp_platform.home import Home
from edp_platform.orchestration.scope import is_rebuild, log_materializations

_MODEL = Path(__file__).parent / "linkage_model.yaml"
_POOL = "linkage"
#: Fewer true pairs than this in a group say nothing about it.
_FEWEST_PAIRS = 30

_STATED = load_linkage_model(_MODEL, date.today())
_NOMINALS = dg.AssetKey(["raw", _STATED.data_set])
PAIRS = dg.AssetKey(["record_linkage", "nominal_pairs"])
CLUSTERS = dg.AssetKey(["record_linkage", "nominal_clusters"])
QUEUE = dg.AssetKey(["record_linkage", "clerical_review_queue"])
_NUMBERS = frozenset({"match_probability", "match_weight", "weakest_link"})


def _opened() -> tuple[LinkageStore, DataSet]:
    """Open the room and the data set as they are now; the gate has been asked."""
    home = Home.open(date.today())
    model = load_linkage_model(_MODEL, home.made_on)
    return LinkageStore(home, model), DataSets.load(home).by_name[model.data_set]


def _lineage(columns: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """Declare which columns of the nominals each column is made of, for the gate.

    Which rows there are follows from everything that is compared.
    """
    raw = f"raw.{_STATED.data_set}"
    return {
        LINEAGE_METADATA: {
            "columns": {
                name: {"made_of": [f"{raw}.{source}" for source in sources]}
                for name, sources in columns.items()
            },
            "rows": [f"{raw}.{name}" for name in _COMPARED],
        },
        "dagster/column_schema": dg.TableSchema(
            [
                dg.TableColumn(name, "number" if name in _NUMBERS else "string")
                for name in columns
            ]
        ),
    }


_ID = (_STATED.identifier,)
_COMPARED = (*_ID, *_STATED.columns)


@dg.asset(
    key=PAIRS,
    deps=[_NOMINALS],
    kinds={"splink", "duckdb", "model"},
    pool=_POOL,
    tags={"regime": "part3", "classification": "criminal-offence"},
    metadata={
        "model_record": _STATED.model_record,
        "model": f"{_STATED.id} {_STATED.version}",
        "thresholds": f"match {_STATED.thresholds.match}, "
        f"review {_STATED.thresholds.review}",
        **_lineage(
            {
                "pair": _ID,
                "nominal_id_l": _ID,
                "nominal_id_r": _ID,
                "match_probability": _COMPARED,
                "match_weight": _COMPARED,
                "band": _COMPARED,
                "doubt": _COMPARED,
                **{f"agreement_{one}": (one,) for one in _STATED.columns},
                "model_version": (),
            }
        ),
    },
)
def nominal_pairs(context: AssetExecutionContext) -> dg.MaterializeResult:
    """Pairs of nominal records that may be about one person, with a probability.

    One row per pair at or above the review threshold, with how far each column agrees,
    in words. Scored again only when the nominals or the model changed.
    """
    store, data_set = _opened()
    scored = store.score(data_set.contract, again=is_rebuild(context))
    told: dict[str, Any] = {
        "dagster/row_count": scored.matches + scored.review,
        "model_version": scored.model_version,
        "threshold_match": store.model.thresholds.match,
        "threshold_review": store.model.thresholds.review,
        "nominals": scored.nominals,
        "pairs_compared": scored.compared,
        "pairs_matched": scored.matches,
        "pairs_for_review": scored.review,
        "weights_trained": scored.trained,
        "scored_again": scored.is_new,
    }
    log_materializations(context, PAIRS, told, None)
    return dg.MaterializeResult(metadata=told)


@dg.asset(
    key=CLUSTERS,
    deps=[PAIRS, _NOMINALS],
    kinds={"polars", "parquet"},
    pool=_POOL,
    tags={"regime": "part3", "classification": "criminal-offence"},
    metadata=_lineage({"nominal_id": _ID, "person_id": _ID, "weakest_link": _COMPARED}),
    check_specs=[
        dg.AssetCheckSpec(
            "precision",
            asset=CLUSTERS,
            description=(
                "Share of linked pairs of records that are one person, against the "
                f"planted truth: at least {_STATED.quality.precision}. A warning, and "
                "no figure, where nobody knows the truth."
            ),
        ),
        dg.AssetCheckSpec(
            "recall",
            asset=CLUSTERS,
            description=(
                "Share of pairs of records that are one person which were linked, "
                f"against the planted truth: at least {_STATED.quality.recall}. A "
                "warning, and no figure, where nobody knows the truth."
            ),
        ),
        dg.AssetCheckSpec(
            "equal_quality",
            asset=CLUSTERS,
            description=(
                f"No group by {', '.join(_STATED.monitored_by)} has a recall more than "
                f"{_STATED.largest_gap} below the whole (groups of {_FEWEST_PAIRS} true "
                "pairs or more)."
            ),
        ),
        dg.AssetCheckSpec(
            "one_person_each",
            asset=CLUSTERS,
            blocking=True,
            description=(
                "Every nominal of the lake stands in exactly one person, and no two "
                "that somebody decided are different stand in the same."
            ),
        ),
        dg.AssetCheckSpec(
            "plausible_size",
            asset=CLUSTERS,
            description=(
                "No person has more than "
                f"{_STATED.largest_plausible_person} nominals: a chain of weak links "
                "can join strangers."
            ),
        ),
    ],
)
def nominal_clusters(context: AssetExecutionContext) -> Any:
    """Persons: which nominal records are about one, as an overlay.

    One row per nominal with its person. No nominal is changed; a decision of a person
    overrides the score, and taking it back undoes the link.
    """
    store, data_set = _opened()
    made = store.cluster(data_set.contract)
    clusters = made.clusters
    people = clusters["person_id"].n_unique()
    largest = int(clusters["nominals"].max() or 0)  # type: ignore[arg-type]
    measured = store.measured(clusters)
    told = {
        "dagster/row_count": clusters.height,
        "persons": people,
        "nominals": clusters.height,
        "nominals_linked": clusters.filter(clusters["nominals"] > 1).height,
        "largest_person": largest,
        "joined_by_decision": clusters.filter(
            clusters["joined_by"] == "decision"
        ).height,
        "conflicts": made.conflicts.height,
        "model_version": store.last_run().model_version,
        **as_told(measured),
    }
    log_materializations(context, CLUSTERS, told, None)
    yield dg.MaterializeResult(metadata=told)
    yield _quality_check(
        "precision",
        measured.precision if measured else None,
        store.model.quality.precision,
        measured,
        store.model,
    )
    yield _quality_check(
        "recall",
        measured.recall if measured else None,
        store.model.quality.recall,
        measured,
        store.model,
    )
    yield _equal_quality(store, data_set, clusters, measured)
    whole, apart = store.overlay_faults(data_set.contract, clusters)
    yield dg.AssetCheckResult(
        check_name="one_person_each",
        passed=not whole and not apart,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"nominals_not_in_one_person": whole, "decisions_broken": apart},
    )
    yield dg.AssetCheckResult(
        check_name="plausible_size",
        passed=largest <= store.model.largest_plausible_person,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"largest_person": largest},
    )


@dg.asset(
    key=QUEUE,
    deps=[CLUSTERS, PAIRS],
    kinds={"polars", "parquet"},
    pool=_POOL,
    tags={"regime": "part3", "classification": "criminal-offence"},
    metadata=_lineage(
        {
            "pair": _ID,
            "nominal_id_l": _ID,
            "nominal_id_r": _ID,
            "match_probability": _COMPARED,
            "reason": _COMPARED,
        }
    ),
)
def clerical_review_queue(context: AssetExecutionContext) -> dg.MaterializeResult:
    """Pairs that the score does not settle, for a person to decide.

    One row per pair: in the band between the thresholds, or doubtful however high it
    scores (twins, a father and son), or in conflict with a decision. See `edp linkage
    review` and `edp linkage decide`.
    """
    store, _ = _opened()
    queue = store.queue_up()
    doubted = queue["doubt"].is_not_null().sum()
    told: dict[str, Any] = {
        "dagster/row_count": queue.height,
        "pairs_waiting": queue.height,
        "pairs_doubted": int(doubted),
        "decisions_on_record": store.decisions.all().height,
        "roles_that_may_review": list(store.model.clerical_review.roles),
    }
    log_materializations(context, QUEUE, told, None)
    return dg.MaterializeResult(metadata=told)


def _quality_check(
    name: str,
    figure: float | None,
    least: float,
    measured: Measured | None,
    model: LinkageModel,
) -> dg.AssetCheckResult:
    if figure is None:
        # Unknown is no pass: whoever reads the check must not believe it was measured.
        why = (
            "The truth about these nominals is not known here. Have a sample of pairs "
            "decided by two people, and compare."
            if measured is None
            else "Nothing was linked, or nothing is there to link: no figure."
        )
        return dg.AssetCheckResult(
            check_name=name,
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"figure": "unknown", "why": why, "least": least},
        )
    return dg.AssetCheckResult(
        check_name=name,
        passed=figure >= least,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "figure": figure,
            "least": least,
            "threshold": model.thresholds.match,
            **as_told(measured),
        },
    )


def _equal_quality(
    store: LinkageStore, data_set: DataSet, clusters: Any, measured: Measured | None
) -> dg.AssetCheckResult:
    whole = measured.recall if measured else None
    groups = store.measured_by_group(data_set.contract, clusters)
    behind = []
    if whole is not None:
        for column, figures in groups.items():
            for group, one in figures.items():
                if one.true < _FEWEST_PAIRS or one.recall is None:
                    continue
                if one.recall < whole - store.model.largest_gap:
                    behind.append(f"{column} {group}")
    return dg.AssetCheckResult(
        check_name="equal_quality",
        passed=whole is not None and not behind,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "recall_of_all": whole if whole is not None else "unknown",
            "groups_behind": behind,
            "by_group": dg.MetadataValue.json(
                {
                    column: {group: as_told(one) for group, one in figures.items()}
                    for column, figures in groups.items()
                }
            ),
        },
    )
