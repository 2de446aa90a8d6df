"""A million nominals of the sample force are linked, in the memory of a laptop."""

from __future__ import annotations

import resource
import time
from datetime import date

import polars as pl

from edp_platform.analysis.linkage.clustering import cluster
from edp_platform.analysis.linkage.decisions import IN_FORCE_SCHEMA
from edp_platform.analysis.linkage.model import LinkageModel, load_linkage_model
from edp_platform.analysis.linkage.nominals import comparable
from edp_platform.analysis.linkage.quality import measure
from edp_platform.analysis.linkage.scoring import score
from edp_platform.datasets import defs_root
from edp_platform.sample.force_systems.nominals import People

NOMINALS = 1_000_000
_MONTHS = 24


def made(model: LinkageModel) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return nominals as the lake would hold them, and the person each is."""
    people = People(seed=1)
    tables, truths = [], []
    for month in range(_MONTHS):
        year, of_year = 2023 + month // 12, month % 12 + 1
        start = date(year, of_year, 1)
        end = date(year + of_year // 12, of_year % 12 + 1, 1)
        days = pl.Series([start] * (NOMINALS // _MONTHS))
        records = people.record(
            year * 12 + of_year - 1, days, window=(start, end), orphans=0, faults=0
        )
        tables.append(records.table)
        truths.append(records.truth)
    table = pl.concat(tables)
    columns = {name: table[name] for name in ("nominal_id", *model.columns)}
    return pl.DataFrame(columns), pl.concat(truths)


def test_a_million_nominals() -> None:
    """Scored and made into persons, as precise as the model must be."""
    model = load_linkage_model(
        defs_root() / "record_linkage" / "linkage_model.yaml", date.today()
    )
    nominals, truth = made(model)
    started = time.perf_counter()
    scored = score(comparable(nominals, model), model)
    seconds = time.perf_counter() - started
    clustered = cluster(
        nominals["nominal_id"],
        scored.pairs,
        pl.DataFrame(schema=IN_FORCE_SCHEMA),
        scored.model_version,
        lambda first: "P-" + first,
    )
    whole = time.perf_counter() - started
    measured = measure(clustered.clusters, truth)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"\n{nominals.height:,} nominals, {scored.compared:,} pairs compared in "
        f"{seconds:.0f} s, persons after {whole:.0f} s; {peak:,.0f} MB; {measured}"
    )
    assert measured is not None
    assert measured.precision >= model.quality.precision
    assert measured.recall >= model.quality.recall
