"""A supplier's sprint that is over and was decided on: what rule 22 waits for.

In the sample force the first sprint was the force's own, so tests that need a decision on
a supplier put one on record here.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

SUPPLIER = "SUP-NORTHGATE"
USE_CASE = "performance_framework"
REVIEW = "SR-01"


def keep_pack(folder: Path, made_on: date, **changed: Any) -> str:
    """Keep the pack of the first sprint in a folder; return its SHA-256."""
    pack = {
        "use_case": changed.get("use_case", USE_CASE),
        "sprint": {
            "number": changed.get("sprint", 1),
            "supplier": changed.get("supplier", SUPPLIER),
        },
        "made_on": made_on.isoformat(),
    }
    text = json.dumps(pack, sort_keys=True)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{sha256}.json").write_text(text, encoding="utf-8")
    return sha256


def review(sha256: str, on: date) -> dict[str, Any]:
    """Return the record of a decision to continue after the first sprint."""
    return {
        "id": REVIEW,
        "supplier": SUPPLIER,
        "use_case": USE_CASE,
        "sprint": 1,
        "deliverables": [{"what": "stop_and_search_by_month", "delivered": True}],
        "quality": "Every check passed on each run.",
        "value_for_money": "Five per cent under budget.",
        "learning_shared": "Two analysts wrote the last tests themselves.",
        "evidence": sha256,
        "project_lead": "performance-lead",
        "reviewer": "commercial-lead",
        "decision": "continue",
        "reason": "What was ordered was delivered.",
        "on": on.isoformat(),
    }


def put_supplier_in_sprint_1(record: Path) -> None:
    """Say in a use case's record that its first sprint was the supplier's."""
    text = record.read_text(encoding="utf-8")
    changed = re.sub(r"supplier: null", f"supplier: {SUPPLIER}", text, count=1)
    assert changed != text
    record.write_text(changed, encoding="utf-8")


def put_decision(defs: Path, registers: Path, today: date) -> Path:
    """Put a supplier's first sprint and `continue` on record; return the decision."""
    put_supplier_in_sprint_1(defs / USE_CASE / "use_case.yaml")
    on = today - timedelta(days=28)
    folder = registers / "supplier_reviews"
    sha256 = keep_pack(folder / "evidence", on)
    path = folder / f"{REVIEW}.yaml"
    text = yaml.safe_dump(review(sha256, on), sort_keys=False)
    path.write_text(text, encoding="utf-8")
    return path
