"""Which columns each column of a model derives from, read off the SQL."""

from __future__ import annotations

from edp_platform.files import read_json
from edp_platform.warehouse.manifest import ManifestStore


class ColumnLineage:
    """The column lineage of one state of the dbt project, made with its manifest."""

    def __init__(self, store: ManifestStore) -> None:
        self._by_model = read_json(store.folder / "column_lineage.json", {})

    def of(self, model: str) -> dict[str, list[tuple[str, str, str]]]:
        """Return column → (schema, table, column) of each it derives from."""
        found = self._by_model.get(model, {})
        return {
            column: [(schema, table, name) for schema, table, name in sources]
            for column, sources in found.items()
        }
