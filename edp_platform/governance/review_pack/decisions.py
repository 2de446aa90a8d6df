"""Which decision stands on a sprint, and where the next one is to be written."""

from __future__ import annotations

from pathlib import Path

from edp_platform.governance.records.supplier_review import SupplierReview
from edp_platform.governance.registers import Registers


def review_of(
    registers: Registers, use_case: str, number: int
) -> SupplierReview | None:
    """Return the decision on a sprint that holds: the latest.

    Of two on one day it is the one that does not continue, as rule 22 has it.
    """
    found = [
        one
        for one in registers.supplier_reviews.values()
        if one.use_case == use_case and one.sprint == number
    ]
    return max(
        found, key=lambda one: (one.on, one.decision != "continue"), default=None
    )


def next_record(registers: Registers, use_case: str, number: int) -> Path:
    """Return the file where the decision on a sprint stands, or is to be written."""
    existing = review_of(registers, use_case, number)
    folder = registers.folder / "supplier_reviews"
    if existing is not None:
        return folder / f"{existing.id}.yaml"
    return folder / f"{first_id(use_case, number)}.yaml"


def first_id(use_case: str, number: int) -> str:
    """Return the id of the first review of a sprint."""
    return f"SR-{use_case.replace('_', '-').upper()}-{number}"
