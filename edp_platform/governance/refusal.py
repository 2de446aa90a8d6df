"""A refusal: which rule, what is missing, why it matters, what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """Why a door stays shut.

    Attributes:
        rule: a short name of what refuses, for scripts.
        missing: what is missing; names the DPIA where it is one.
        why: why it matters.
        next_step: what to do next.
        number: the number of the rule in `governance.rules`, where it has one.
    """

    rule: str
    missing: str
    why: str
    next_step: str
    number: int | None = None

    def __str__(self) -> str:
        numbered = f"rule {self.number}: " if self.number is not None else ""
        return f"{numbered}{self.missing} {self.why} {self.next_step}"


class GateRefused(PermissionError):
    """A door refused; `refusals` says why. Nothing was written."""

    def __init__(self, data_set: str, refusals: Sequence[Refusal]) -> None:
        self.data_set = data_set
        self.refusals = tuple(refusals)
        body = "\n".join(f"  - {refusal}" for refusal in refusals)
        super().__init__(f"{data_set} was refused, and nothing was written:\n{body}")
