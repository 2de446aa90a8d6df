"""How many rows each table holds, asked in one query."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from edp_platform.home import Home
from edp_platform.warehouse.models import Model


def row_counts(home: Home, models: Sequence[Model]) -> dict[str, int]:
    """Return model name → rows, of tables in the warehouse.

    Raises:
        duckdb.Error: the warehouse cannot be opened, or a table is missing.
    """
    if not models:
        return {}
    parts = [
        f'select \'{model.name}\', count(*) from "{model.schema}"."{model.name}"'
        for model in models
    ]
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        return dict(connection.execute(" union all ".join(parts)).fetchall())
