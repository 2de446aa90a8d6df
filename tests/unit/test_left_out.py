"""What whole runs leave out until it is named."""

from __future__ import annotations

from typing import Any

import pytest

from edp_platform.orchestration.left_out import SettingInvalid, left_out
from edp_platform.warehouse.models import Models


def _node(name: str, folders: list[str], *parents: str, **meta: Any) -> dict[str, Any]:
    return {
        "unique_id": name,
        "name": name,
        "schema": folders[0],
        "resource_type": "model",
        "fqn": ["edp", *folders, name],
        "language": "sql",
        "raw_code": "",
        "depends_on": {"nodes": [*parents]},
        "description": "",
        "columns": {},
        "config": {"materialized": "table", "meta": meta},
    }


_MODELS = Models(
    {
        "nodes": {
            one["unique_id"]: one
            for one in (
                _node("calls", ["staging"]),
                _node("for_checks", ["intermediate"], "calls"),
                _node("added_up", ["intermediate"], "counts"),
                _node("counts", ["marts", "demand"], "calls"),
                _node("values", ["marts", "framework"], "added_up"),
                _node("signals", ["marts", "framework"], "values"),
                _node("forecast", ["marts", "demand"], "counts", after_landing=False),
            )
        },
        "sources": {},
        "macros": {},
    }
)


@pytest.mark.parametrize(
    ("given", "without"),
    [
        ("", set()),
        ("slow", {"forecast"}),
        ("signals", {"signals"}),
        # And what reads it, and what nothing else is made of.
        ("values", {"values", "signals", "added_up"}),
        (" values , slow", {"values", "signals", "added_up", "forecast"}),
        ("framework", {"values", "signals", "added_up"}),
    ],
)
def test_what_is_named_and_what_stands_for_it_alone(
    monkeypatch: pytest.MonkeyPatch, given: str, without: set[str]
) -> None:
    monkeypatch.setenv("EDP_LEAVE_OUT", given)
    assert left_out(_MODELS) == without


def test_a_name_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDP_LEAVE_OUT", "valeus")
    with pytest.raises(SettingInvalid, match="valeus, which is neither"):
        left_out(_MODELS)
