"""What the warehouse was built from, and so which months of which models are due.

Recorded only after dbt has finished: a run killed in the middle leaves no record, and
the next one builds the same months again, which gives the same tables. Until then a
model is in doubt, and so it stays when a test of it failed: whatever else runs, it is
not published.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edp_platform.files import read_json, write_json
from edp_platform.home import Home
from edp_platform.ingestion.landing import WHOLE
from edp_platform.warehouse.models import Model, Models

#: data set → month (or `WHOLE`) → signature of the lake file.
LakeSignatures = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Due:
    """What to build.

    Attributes:
        models: unique ids that are out of date.
        months: the scope of the monthly ones; empty with `is_full`.
        is_full: SQL changed, so every month is built again in the new shape.
    """

    models: frozenset[str] = frozenset()
    months: tuple[str, ...] = ()
    is_full: bool = False


@dataclass
class BuiltRecord:
    """The record beside the warehouse file.

    Attributes:
        path: where it stands.
        models: unique id → what it was built from.
        doubted: unique id → months that were begun and did not end well; None for all.
    """

    path: Path
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    doubted: dict[str, list[str] | None] = field(default_factory=dict)

    @classmethod
    def read(cls, home: Home) -> BuiltRecord:
        """Read the record; empty when the warehouse file is gone."""
        path = home.warehouse.parent / "built.json"
        if not home.warehouse.exists():
            return cls(path)
        return cls(path, read_json(path, {}), read_json(_doubts(path), {}))

    def doubt(self, due: Due) -> None:
        """Record, before dbt starts, that these models are no longer as recorded.

        Raises:
            WriteFailed: it cannot be written, so nothing may be built.
        """
        months = None if due.is_full or not due.months else list(due.months)
        for unique_id in due.models:
            earlier = self.doubted.get(unique_id, [])
            self.doubted[unique_id] = (
                None
                if months is None or earlier is None
                else sorted({*earlier, *months})
            )
        write_json(_doubts(self.path), self.doubted)

    def made_by(self, models: Models, unique_ids: Collection[str]) -> list[str]:
        """Return those of these models whose table today's code made, and made well."""
        return [
            one
            for one in unique_ids
            if one not in self.doubted
            and self.models.get(one, {}).get("code") == models.code(one)
        ]

    def fingerprint(self, unique_ids: Collection[str]) -> str:
        """Return what these models were built from, all together, as 16 hex digits."""
        parts = [f"{one}={self.models.get(one)}" for one in sorted(unique_ids)]
        return _hash("\n".join(parts))

    def due(
        self,
        models: Models,
        lake: LakeSignatures,
        chosen: Collection[str],
        within: Collection[str] | None = None,
    ) -> Due:
        """Say what of the chosen models is out of date.

        Args:
            models: the models of the manifest.
            lake: what the lake holds now.
            chosen: unique ids that may be built.
            within: months that may be built; None for any.
        """
        out_of_date: set[str] = set()
        months: set[str] = set()
        is_full = False
        for unique_id in chosen:
            model = models.by_id[unique_id]
            record = self.models.get(unique_id)
            if record is None or record["code"] != models.code(unique_id):
                out_of_date.add(unique_id)
                is_full = is_full or record is not None
                record = {"months": {}, "whole": None}
            wanted = _months_wanted(model, models, lake)
            stale = sorted(
                month
                for month in wanted.keys() | record["months"].keys()
                if record["months"].get(month) != wanted.get(month)
                and (within is None or month in within)
            )
            if stale:
                out_of_date.add(unique_id)
                months.update(stale[:1] if model.is_onward else stale)
            if not model.is_monthly and record["whole"] != _whole(model, models, lake):
                out_of_date.add(unique_id)
            begun = self.doubted.get(unique_id, [])
            if begun is None:
                out_of_date.add(unique_id)
                is_full = is_full or model.is_monthly
            elif again := [one for one in begun if within is None or one in within]:
                out_of_date.add(unique_id)
                months.update(again)
        # Whoever named a mart alone built it on parents that were not as they should be.
        out_of_date |= models.descendants(out_of_date) & set(chosen)
        return Due(
            frozenset(out_of_date),
            () if is_full else tuple(sorted(months)),
            is_full,
        )

    def record(
        self,
        models: Models,
        lake: LakeSignatures,
        built: Collection[str],
        months: Collection[str],
        is_full: bool,
    ) -> None:
        """Record what was built, after it was.

        Raises:
            WriteFailed: the record cannot be written; the months stay due.
        """
        first = min(months, default=None)
        for unique_id in built:
            model = models.by_id[unique_id]
            wanted = _months_wanted(model, models, lake)
            held = (
                {}
                if is_full
                else dict(self.models.get(unique_id, {}).get("months", {}))
            )
            for month in wanted.keys() | held.keys():
                onward = model.is_onward and first is not None and month >= first
                if is_full or month in months or onward:
                    if month in wanted:
                        held[month] = wanted[month]
                    else:
                        held.pop(month, None)
            self.models[unique_id] = {
                "code": models.code(unique_id),
                "months": held,
                "whole": None if model.is_monthly else _whole(model, models, lake),
            }
            self.doubted.pop(unique_id, None)
        write_json(self.path, self.models)
        write_json(_doubts(self.path), self.doubted)


def _doubts(path: Path) -> Path:
    return path.with_name("doubted.json")


def _whole_sets(model: Model, models: Models, lake: LakeSignatures) -> list[str]:
    return [
        f"{name}={signature}"
        for name in sorted(models.data_sets(model.unique_id))
        if (signature := lake.get(name, {}).get(WHOLE))
    ]


def _months_wanted(
    model: Model, models: Models, lake: LakeSignatures
) -> dict[str, str]:
    """Return month → what the month should have been built from."""
    if not model.is_monthly:
        return {}
    base = "\n".join(_whole_sets(model, models, lake))
    by_month: dict[str, list[str]] = {}
    for name in sorted(models.data_sets(model.unique_id)):
        for month, signature in lake.get(name, {}).items():
            if month != WHOLE:
                by_month.setdefault(month, []).append(f"{name}={signature}")
    wanted, so_far = {}, ""
    for month in sorted(by_month):
        parts = "\n".join([base, *by_month[month]])
        if model.is_onward:
            so_far = _hash(so_far + parts)
            wanted[month] = so_far
        else:
            wanted[month] = _hash(parts)
    return wanted


def _whole(model: Model, models: Models, lake: LakeSignatures) -> str:
    parts = [
        f"{name}/{month}={signature}"
        for name in sorted(models.data_sets(model.unique_id))
        for month, signature in sorted(lake.get(name, {}).items())
    ]
    return _hash("\n".join(parts))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
