"""Comparisons kept on record, and what goes from them into the register."""

from __future__ import annotations

from datetime import date
from typing import Any

from edp_platform.append_only import AppendOnly
from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.legacy.comparison import Comparison
from edp_platform.legacy.failure import CannotCompare
from edp_platform.legacy.telling import causes, totals


def record(home: Home, service_id: str, found: Comparison, today: date) -> str:
    """Keep a comparison in the home, and say what to write into the register.

    The register is signed by people: nothing is written into it here.

    Args:
        home: whose room `legacy`.
        service_id: the legacy service on the register.
        found: the comparison.
        today: the day it was made.

    Returns:
        the entry of `compared`, as YAML.

    Raises:
        CannotCompare: no such service is on the register, or the mart does not
            replace it.
        WriteFailed: it could not be kept.
    """
    refuse_unknown(home, service_id, found.mart.name)
    entry = {
        "on": today.isoformat(),
        "file_sha256": found.report.sha256,
        "mart": found.mart.name,
        "cells": len(found.cells),
        "differing": sum(one.state != "equal" for one in found.cells),
    }
    _kept(home, service_id).add(
        entry
        | {
            "file": found.report.name,
            "snapshot": found.mart.snapshot,
            "measure": found.columns.measure,
            "counts": found.counts,
            "totals": totals(found),
            "causes": causes(found),
        }
    )
    lines = [f"{name}: {value}" for name, value in entry.items()]
    lines += ["accepted_by: null", "why: null"]
    return "  - " + "\n    ".join(lines) + "\n"


def refuse_unknown(home: Home, service_id: str, mart: str) -> None:
    """Refuse a comparison that the register has no place for.

    Raises:
        CannotCompare: see `record`.
    """
    services = Registers(home.made_on).legacy_services
    if service_id not in services:
        raise CannotCompare(
            f"--record: no legacy service {service_id} is on the register. There are "
            f"{', '.join(services) or 'none'}; begin one: edp legacy new {service_id}."
        )
    if mart not in services[service_id].replaced_by:
        raise CannotCompare(
            f"--record: {service_id} is replaced by "
            f"{', '.join(services[service_id].replaced_by) or 'no mart'}, not by {mart}. "
            "Compare with one of those, or change `replaced_by` first."
        )


def kept(home: Home, service_id: str) -> list[dict[str, Any]]:
    """Return the comparisons on record of one service, oldest first."""
    return _kept(home, service_id).rows()


def _kept(home: Home, service_id: str) -> AppendOnly:
    return AppendOnly(home.root / "legacy" / f"{service_id}.jsonl")
