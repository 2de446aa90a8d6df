"""Dagster's PostgreSQL storage, with connections kept open.

The stock storage opens a connection for every statement: 80 ms a step of trivial assets,
where signing in is most of it. Same tables, same rows.
"""

from __future__ import annotations

from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres.storage import DagsterPostgresStorage
from dagster_postgres.utils import create_pg_engine, pg_url_from_config

#: Kept open by each process, and opened beside them when many threads ask at once.
_KEPT_OPEN = 2
_BESIDE = 20
_RENEWED_AFTER_SECONDS = 1800


class PooledPostgresStorage(DagsterPostgresStorage):
    """Runs, events and schedules over one pool of connections."""

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        super().__init__(postgres_url, should_autocreate_tables, inst_data)
        engine = create_pg_engine(
            postgres_url,
            isolation_level="AUTOCOMMIT",
            pool_size=_KEPT_OPEN,
            max_overflow=_BESIDE,
            pool_recycle=_RENEWED_AFTER_SECONDS,
            # A server that was started anew since has none of the old ones.
            pool_pre_ping=True,
        )
        for storage in (
            self._run_storage,
            self._event_log_storage,
            self._schedule_storage,
        ):
            storage._engine = engine

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> PooledPostgresStorage:
        """Make this class: the stock method makes its own whatever class is named."""
        return cls(pg_url_from_config(config_value), inst_data=inst_data)
