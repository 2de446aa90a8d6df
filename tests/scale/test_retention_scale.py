"""The monthly review of millions of persons, set by set, on two cores."""

from __future__ import annotations

import time
from datetime import date

import duckdb
import polars as pl

from edp_platform.governance.registers import Registers
from edp_platform.retention.computing import ReviewInputs, review
from edp_platform.retention.schedule import read_schedule

TODAY = date(2026, 3, 2)
NOMINALS = 3_000_000
CRIMES = 5_000_000


def inputs() -> ReviewInputs:
    """Make everybody up in SQL: two links each, a tenth arrested, a few faults."""
    with duckdb.connect() as connection:

        def table(sql: str) -> pl.DataFrame:
            return connection.execute(sql).pl()

        return ReviewInputs(
            nominals=table(
                "select 'N' || i as nominal_id, case when i % 100 > 0 then "
                "date '1940-01-01' + cast(hash(i) % 22000 as integer) end "
                f"as date_of_birth from range({NOMINALS}) t(i)"
            ),
            links=table(
                f"select 'C' || (hash(i, 7) % {CRIMES}) as crime_number, "
                f"'N' || (i % {NOMINALS}) as nominal_id, "
                "(list_value('suspect', 'convicted', 'victim', 'witness', 'other'))"
                "[cast(1 + hash(i, 5) % 5 as bigint)] as subject_category, "
                "'none' as person_outcome, cast(null as date) as person_outcome_date, "
                "cast(null as date) as sentence_end, "
                "date '2005-01-01' + cast(hash(i, 3) % 7700 as integer) as linked_on "
                f"from range({2 * NOMINALS}) t(i)"
            ),
            crimes=table(
                "select 'C' || i as crime_number, case when i % 200 > 0 then "
                "cast(1 + hash(i, 11) % 3 as bigint) end as mopi_group, "
                "date '2005-01-01' + cast(hash(i, 3) % 7700 as integer) as reported_on "
                f"from range({CRIMES}) t(i)"
            ),
            contacts=table(
                "select 'N' || i as nominal_id, 'police_action' as kind, "
                "date '2012-01-01' + cast(hash(i, 2) % 5000 as integer) as \"on\" "
                f"from range(0, {NOMINALS}, 10) t(i)"
            ),
        )


def test_millions_of_persons_are_reviewed_at_once() -> None:
    given = inputs()
    schedule = read_schedule(Registers(date(2026, 1, 1)))
    started = time.perf_counter()
    found = review(given, schedule, TODAY)
    # Told, not asserted: how long it takes is the machine's.
    print(f"\n{NOMINALS:,} persons in {time.perf_counter() - started:.1f} s")
    assert found.height == NOMINALS
    assert found["person_id"].n_unique() == NOMINALS
    lacking = found.filter(
        pl.col("exceptions").list.contains("missing_date_of_birth")
    ).height
    assert lacking == NOMINALS // 100
    counts = dict(found.group_by("state").len().iter_rows())
    assert set(counts) == {"retained", "review_due", "disposal_due", "exception"}
    assert found.filter(
        (pl.col("state") != "exception") & (pl.col("exceptions").list.len() > 0)
    ).is_empty()
