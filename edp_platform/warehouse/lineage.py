"""The column lineage of the dbt project under its contracts, kept by what it is of.

Tracing costs about a second and the parser's import; both are spared when nothing that
lineage follows from has changed: the compiled SQL, the schemas it reads (down to the
contracts' columns), and the code that traces. What changed alone is traced again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edp_platform.contracts import Contract
from edp_platform.contracts.model import PLATFORM_COLUMNS
from edp_platform.files import read_json, write_json
from edp_platform.governance import column_lineage
from edp_platform.governance.column_law import ColumnLaw
from edp_platform.governance.column_lineage import (
    RAW,
    UNNAMED,
    ColumnKey,
    Lineage,
    Origins,
    Relation,
    Traced,
    parents_of,
    untraced,
)
from edp_platform.warehouse import python_models
from edp_platform.warehouse.manifest import ManifestStore
from edp_platform.warehouse.python_models import declared, is_python, not_there

_FILE = "column_lineage.json"


class ColumnLineage:
    """The lineage of every model, and the law that contracts carry along it.

    Args:
        store: the manifest, with the compiled SQL.
        contracts: data set → contract. A source without one is known by the columns
            that the manifest tells.
    """

    def __init__(self, store: ManifestStore, contracts: Mapping[str, Contract]) -> None:
        self.store = store
        self.contracts = contracts

    def of(self, model: str) -> dict[str, list[ColumnKey]]:
        """Return column → (schema, table, column) of each it is directly made of."""
        return parents_of(self.lineage, self._relations.get(model, ("", model)))

    def untraced(self, model: str) -> list[str]:
        """Return the columns of a model whose origin is unknown (`*`: all of them)."""
        return [*untraced(self.lineage, self._relations.get(model, ("", model)))]

    @cached_property
    def origins(self) -> Origins:
        """The lineage joined up, to the columns of the data sets."""
        return Origins(self.lineage)

    @cached_property
    def law(self) -> ColumnLaw:
        """What the contracts say of each column, carried along."""
        return ColumnLaw(self.origins, self.contracts)

    @cached_property
    def lineage(self) -> Lineage:
        """What every model derives from.

        Raises:
            DbtFailed: the dbt project does not parse.
        """
        forms, sources = self._forms, self._sources
        marks = {
            relation: _hash(
                [
                    sql,
                    self._faults.get(relation, ()),
                    sorted(self._stated_parents[relation]),
                ]
            )
            for relation, sql in forms.items()
        }
        for relation, (traced, faults) in self._declared.items():
            marks[relation] = _hash([traced.as_json(), faults])
        key = _hash([_tracer(), sorted(marks.items()), sorted(sources.items())])
        path = self.store.home.cache / _FILE
        kept = _read(path)
        if kept.get("key") == key:
            told: dict[str, Any] = kept["models"]
            return {
                (one["schema"], one["name"]): Traced.from_json(one["traced"])
                for one in told.values()
            }
        from edp_platform.governance.lineage_tracing import trace

        known = self._still_known(kept, marks)
        stated = {relation: traced for relation, (traced, _) in self._declared.items()}
        found = trace(forms, sources, {**known, **stated})
        columns = {
            **{one: frozenset(names) for one, names in sources.items()},
            **{one: frozenset([*each.columns, UNNAMED]) for one, each in found.items()},
        }
        found = {
            relation: _with_faults(
                traced,
                (
                    *self._faults.get(relation, ()),
                    *self._unstated(relation, traced),
                    *self._misdeclared(relation, columns),
                ),
            )
            for relation, traced in found.items()
        }
        # A full or read-only disk costs the time of tracing again, nothing else.
        with suppress(OSError):
            write_json(path, self._as_json(found, key, marks))
        return found

    @cached_property
    def _nodes(self) -> dict[str, dict[str, Any]]:
        return {
            unique_id: node
            for unique_id, node in self.store.manifest["nodes"].items()
            if node["resource_type"] == "model"
        }

    @cached_property
    def _relations(self) -> dict[str, Relation]:
        return {
            node["name"]: (node["schema"], node["name"])
            for node in self._nodes.values()
        }

    @cached_property
    def _forms(self) -> dict[Relation, list[str]]:
        compiled = self.store.compiled
        return {
            (node["schema"], node["name"]): compiled.get(unique_id, [])
            for unique_id, node in self._nodes.items()
        }

    @cached_property
    def _sources(self) -> dict[Relation, list[str]]:
        found = {
            (source["schema"], source["name"]): list(source["columns"])
            for source in self.store.manifest["sources"].values()
        }
        for name, contract in self.contracts.items():
            month = ["month"] if contract.is_monthly else []
            columns = [*contract.column_names, *month, *PLATFORM_COLUMNS]
            found[(RAW, name)] = [*dict.fromkeys(columns)]
        return found

    @cached_property
    def _faults(self) -> dict[Relation, tuple[str, ...]]:
        """What a model does beside its query, where no lineage can follow."""
        return {
            (self._nodes[one]["schema"], self._nodes[one]["name"]): tuple(reasons)
            for one, reasons in self.store.text_faults.items()
        }

    @cached_property
    def _stated_parents(self) -> dict[Relation, frozenset[Relation]]:
        """Return relation → those that `ref` and `source` say it reads."""
        by_id = {
            unique_id: (node["schema"], node["name"])
            for kind in ("nodes", "sources")
            for unique_id, node in self.store.manifest[kind].items()
        }

        def above(unique_id: str) -> set[Relation]:
            found: set[Relation] = set()
            for parent in self._nodes[unique_id]["depends_on"]["nodes"]:
                if parent in by_id:
                    found.add(by_id[parent])
                node = self._nodes.get(parent)
                if node and node["config"]["materialized"] == "ephemeral":
                    found |= above(parent)  # its text stands in the child's
            return found

        return {by_id[one]: frozenset(above(one)) for one in self._nodes}

    @cached_property
    def _declared(self) -> dict[Relation, tuple[Traced, tuple[str, ...]]]:
        """What models in Python say that they are made of, and what is wrong with it."""
        return {
            (node["schema"], node["name"]): declared(node)
            for node in self._nodes.values()
            if is_python(node)
        }

    def _misdeclared(
        self, relation: Relation, columns: Mapping[Relation, frozenset[str]]
    ) -> Iterator[str]:
        """Yield what is wrong with what a model in Python says of itself."""
        if relation not in self._declared:
            return
        traced, faults = self._declared[relation]
        yield from faults
        yield from not_there(traced, columns)
        for one in sorted(self._stated_parents[relation] - {*traced.reads}):
            yield f"it reads {'.'.join(one)} and names none of its columns"

    def _unstated(self, relation: Relation, traced: Traced) -> Iterator[str]:
        """Yield what a model reads behind dbt's back, whose gate nobody would ask."""
        for one in traced.reads:
            known = one in self._sources or one in self._forms
            if known and one not in self._stated_parents[relation]:
                yield f"it reads {'.'.join(one)} without `ref` or `source`"

    def _still_known(
        self, kept: Mapping[str, Any], marks: Mapping[Relation, str]
    ) -> Lineage:
        """Return what was traced before and would be traced alike again."""
        if kept.get("tracer") != _tracer():
            return {}
        known: Lineage = {}
        for one in kept.get("models", {}).values():
            relation = (one["schema"], one["name"])
            if marks.get(relation) == one["mark"]:
                known[relation] = Traced.from_json(one["traced"])
        columns_before = {
            (schema, name): columns for schema, name, columns in kept.get("sources", [])
        }
        grew = True
        while grew:
            gone = [
                relation
                for relation, traced in known.items()
                if not all(
                    one in known
                    or (
                        one in self._sources
                        and columns_before.get(one) == self._sources[one]
                    )
                    for one in traced.reads
                )
            ]
            for relation in gone:
                del known[relation]
            grew = bool(gone)
        return known

    def _as_json(
        self, found: Lineage, key: str, marks: Mapping[Relation, str]
    ) -> dict[str, Any]:
        return {
            "key": key,
            "tracer": _tracer(),
            "sources": [[*one, columns] for one, columns in self._sources.items()],
            "models": {
                f"{schema}.{name}": {
                    "schema": schema,
                    "name": name,
                    "mark": marks[(schema, name)],
                    "traced": traced.as_json(),
                }
                for (schema, name), traced in found.items()
            },
        }


def _with_faults(traced: Traced, faults: tuple[str, ...]) -> Traced:
    if not faults:
        return traced
    return replace(traced, faults=tuple(dict.fromkeys((*traced.faults, *faults))))


def _read(path: Path) -> dict[str, Any]:
    # A file that was damaged is worth as much as none.
    try:
        found = read_json(path, {})
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _tracer() -> str:
    """Return what traces: its code, and the parser's version."""
    code = Path(column_lineage.__file__).parent
    read = (
        (code / "column_lineage.py").read_bytes(),
        (code / "lineage_tracing.py").read_bytes(),
        (code / "row_picking.py").read_bytes(),
        (code / "sql_reading.py").read_bytes(),
        (code / "sql_shapes.py").read_bytes(),
        Path(python_models.__file__).read_bytes(),
        Path(__file__).read_bytes(),
    )
    return _hash(
        [version("sqlglot"), *(hashlib.sha256(one).hexdigest() for one in read)]
    )


def _hash(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]
