"""A home whose measures are published again and again from landed street files.

The models are few and written here, in the form in which dbt's compiled SQL is kept, so
that a change of code, of a definition or of data can be made one at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import duckdb

from edp_platform.measures.explaining_replay import models_beneath, sources_of
from edp_platform.measures.history import History, Publication, read_lake
from edp_platform.publishing.snapshot import Snapshot
from tests.landing_room import NOW, Room

GENERATED = "-- Generated from edp_platform/defs/*/measures. Do not edit.\n"
TARGET = "marts.measure_values"


def street_code(*crime_types: str) -> dict[str, str]:
    """Return models over street files: a count of crimes, and a share charged of them."""
    listed = ", ".join(f"'{one}'" for one in crime_types)
    return {
        "staging.stg_street": (
            "select cast(month || '-01' as date) as month, force, crime_type, "
            "last_outcome_category = 'Awaiting court outcome' as is_charged "
            'from "edp"."raw"."police_uk_street"'
        ),
        "marts.street": (
            "select month, force, crime_type, count(*) as crimes, "
            "count(*) filter (where is_charged) as charged "
            'from "edp"."staging"."stg_street" group by all'
        ),
        "intermediate.int_counts": (
            f"{GENERATED}select 'crimes' as measure, 'force' as area_kind, "
            "force as area_code, month, "
            f"sum(case when crime_type in ({listed}) then crimes else 0 end) "
            "as numerator, cast(null as double) as denominator, 1 as scale "
            'from "edp"."marts"."street" group by force, month '
            "union all select 'charged', 'force', force, month, sum(charged), "
            'sum(crimes), 100 from "edp"."marts"."street" '
            f"where crime_type in ({listed}) group by force, month"
        ),
        TARGET: (
            "select measure, area_kind, area_code, 'A force' as area, month, "
            "cast(numerator as double) as numerator, denominator, "
            "scale * numerator / coalesce(denominator, 1) as value, "
            "cast(null as double) as lower, cast(null as double) as upper, "
            "cast(null as varchar) as interval, 'complete' as completeness, "
            "date '2026-03-02' as as_at "
            'from "edp"."intermediate"."int_counts"'
        ),
    }


WARD_CODE = {
    "marts.ward": (
        "select cast(month || '-01' as date) as month, ward_code, sum(crimes) as crimes "
        'from "edp"."raw"."mps_ward_crime" group by all'
    ),
    "intermediate.int_counts": (
        f"{GENERATED}select 'wards' as measure, 'ward' as area_kind, "
        "ward_code as area_code, month, crimes as numerator "
        'from "edp"."marts"."ward"'
    ),
    TARGET: (
        "select measure, area_kind, area_code, area_code as area, month, "
        "cast(numerator as double) as numerator, cast(null as double) as denominator, "
        "cast(numerator as double) as value, 'complete' as completeness "
        'from "edp"."intermediate"."int_counts"'
    ),
}


@dataclass
class Measures:
    """The publications of one room."""

    room: Room
    code: dict[str, str]
    definitions: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    published: int = 0

    def define(self, version: str, model: str = "street") -> None:
        """Say that the measures are defined so."""
        for name in ("crimes", "charged", "wards"):
            self.definitions[name] = {
                "frequency": "month",
                "values": [{"model": model}],
                "version": version,
            }

    def publish(self) -> Publication:
        """Load what landed, build the models over the lake, publish and keep."""
        names = sources_of(self.code, models_beneath(self.code, TARGET))
        for name in names:
            self.room.load(name)
        self.published += 1
        at = NOW + timedelta(days=self.published)
        identity = f"{at:%Y%m%dT%H%M%S}-{self.published:08x}"
        path = self.room.home.published / f"{identity}.duckdb"
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(":memory:") as connection:
            connection.execute("attach ':memory:' as edp")
            for schema in ("raw", "staging", "intermediate", "marts"):
                connection.execute(f"create schema edp.{schema}")
            for name in names:
                glob = self.room.home.raw / name / "month=????-??" / "*.parquet"
                connection.execute(
                    f"create view edp.raw.{name} as select * from read_parquet("
                    f"'{glob}', hive_partitioning=true, hive_types={{'month': varchar}})"
                )
            for one in models_beneath(self.code, TARGET):
                connection.execute(f"create view edp.{one} as {self.code[one]}")
            connection.execute(f"attach '{path}' as copy")
            connection.execute("create schema copy.marts")
            connection.execute(
                f"create table copy.{TARGET} as select * from edp.{TARGET}"
            )
            (rows,) = connection.execute(
                f"select count(*) from copy.{TARGET}"
            ).fetchone() or (0,)
            connection.execute("detach copy")
        snapshot = Snapshot(identity, path, at.isoformat(), {"measure_values": rows})
        kept = History(self.room.home).keep(
            snapshot, self.definitions, self.code, read_lake(self.room.home, names)
        )
        assert kept is not None
        return kept
