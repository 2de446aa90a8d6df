"""Conclusions on record that name a cause which no registered plan could show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from edp_platform.analysis.evaluation.registration import not_registered
from edp_platform.analysis.evaluation.wording import causal_wording
from edp_platform.governance.records.base import Fault
from edp_platform.yaml_source import load_yaml

if TYPE_CHECKING:
    from edp_platform.governance.registers import Registers


def faults(registers: Registers) -> Iterator[Fault]:
    """Yield a fault for each conclusion that names a cause without a standing plan.

    What the figures came to is not asked here: `edp evaluation show` holds the words
    against them. A plan that does not stand as registered needs no figures to be told.

    Args:
        registers: the force's records.
    """
    register = registers.evaluations
    for evaluation in register.values():
        said = evaluation.conclusion
        reasons = not_registered(evaluation, ())
        if said is None or not reasons:
            continue
        path = register.path(evaluation.id)
        line = load_yaml(path).line(["conclusion", "words"])
        for refusal in causal_wording(said.words, None):
            yield Fault(path, line, f"{refusal} The plan: {'; '.join(reasons)}.")
