"""What a publication keeps of the measures: gathered from the platform, once published."""

from __future__ import annotations

from typing import Any

from edp_platform.files import read_json, write_json
from edp_platform.home import Home
from edp_platform.measures.declared import Measure
from edp_platform.measures.history import VALUES, History, Publication, read_lake
from edp_platform.measures.loading import (
    MeasureInvalid,
    load_measures,
    measure_files,
)
from edp_platform.publishing.snapshot import Snapshot
from edp_platform.warehouse.manifest import ManifestStore
from edp_platform.warehouse.models import Models

#: What of a measure decides its figures; the rest is how they are read.
_DECIDES = {"kind", "values", "frequency"}


def keep_publication(
    home: Home, snapshot: Snapshot, store: ManifestStore, models: Models
) -> Publication | None:
    """Keep what stood beneath the figures that were just published.

    Args:
        home: whose record.
        snapshot: just published.
        store: the manifest that the marts were built by.
        models: of that manifest.

    Returns:
        what was kept; None where the copy holds no figures, or is on record.

    Raises:
        LakeDamaged, WriteFailed: it cannot be kept; the next publication keeps it.
    """
    target = models.by_name.get(VALUES)
    if target is None or VALUES not in snapshot.rows:
        return None
    history = History(home)
    try:
        definitions = _definitions(home)
    except MeasureInvalid:
        # Told by `edp governance check`; the marts were built by those before.
        known = history.publications()
        last = history.definitions_at(known[-1]) if known else {}
        definitions = {name: history.definition(one) for name, one in last.items()}
    return history.keep(
        snapshot,
        definitions,
        code_beneath(store, models, target.unique_id),
        read_lake(home, models.data_sets(target.unique_id)),
    )


def _definitions(home: Home) -> dict[str, Any]:
    """Return measure → what of its definition decides its figures.

    Read again only where a file differs: dozens of them take a quarter of a second,
    which whoever landed a file would wait for.

    Raises:
        MeasureInvalid: one cannot be relied on.
    """
    stamps = [
        [str(path), (held := path.stat()).st_mtime_ns, held.st_size]
        for path in measure_files()
    ]
    path = home.cache / "measure_definitions.json"
    kept: dict[str, Any] = read_json(path, {})
    if kept.get("stamps") != stamps:
        found = {one.id: deciding(one) for one in load_measures().values()}
        kept = {"stamps": stamps, "definitions": found}
        write_json(path, kept)
    definitions: dict[str, Any] = kept["definitions"]
    return definitions


def deciding(measure: Measure) -> dict[str, Any]:
    """Return what of a definition decides the figures, ready for JSON."""
    found = measure.model_dump(mode="json", include=_DECIDES)
    for one in found["values"]:
        one.pop("supplied_by", None)  # completeness follows from it, no figure
        one.pop("data_set", None)
    return found


def code_beneath(store: ManifestStore, models: Models, target: str) -> dict[str, str]:
    """Return `schema.name` → SQL of a model and of every model beneath it."""
    waiting, found = [target], dict[str, str]()
    while waiting:
        model = models.by_id[waiting.pop()]
        name = ".".join(model.asset_key)
        if name in found:
            continue
        # The form of a whole build. A model that has none (Python) cannot be run again.
        found[name] = next(iter(store.compiled.get(model.unique_id, [])), "")
        waiting += [one for one in model.parents if one in models.by_id]
    return found
