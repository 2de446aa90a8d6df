"""The gate: may this data set's columns enter this layer for this purpose today?

Pure: every door (landing, raw, dbt, a query) asks the same question and refuses on the
same answer. Sources: UK GDPR Art. 35 and DPA 2018 ss. 35-42, 57, 64; rules 1-4 of the
platform's governance table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from edp_platform.contracts import Contract
from edp_platform.governance.dpia import Dpia, Layer


@dataclass(frozen=True)
class Refusal:
    """Why a door stays shut: what is missing, why it matters, what to do next."""

    rule: str
    missing: str
    why: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.missing} {self.why} {self.next_step}"


class GateRefused(PermissionError):
    """A door refused; `refusals` says why. Nothing was written."""

    def __init__(self, data_set: str, refusals: Sequence[Refusal]) -> None:
        self.data_set = data_set
        self.refusals = tuple(refusals)
        body = "\n".join(f"  - {refusal}" for refusal in refusals)
        super().__init__(f"{data_set} was refused, and nothing was written:\n{body}")


def examine(
    contract: Contract,
    dpia: Dpia,
    parent: Dpia | None,
    *,
    layer: Layer,
    today: date,
    columns: Sequence[str] | None = None,
    purposes: Sequence[str] | None = None,
    use_case: str | None = None,
) -> tuple[Refusal, ...]:
    """Return every reason to refuse; an empty tuple opens the gate.

    Args:
        contract: the data set's contract, already valid.
        dpia: the record beside it.
        parent: the overarching DPIA it names, or None if there is none.
        layer: where the data would be written or read.
        today: the day of the question.
        columns: the columns that would be loaded; default all of the contract's.
        purposes: the purposes of the use; default those the contract states.
        use_case: the use case that asks, where one does.
    """
    return tuple(
        _reasons(
            contract,
            dpia,
            parent,
            layer=layer,
            today=today,
            columns=columns if columns is not None else contract.column_names,
            purposes=purposes if purposes is not None else contract.purposes,
            use_case=use_case,
        )
    )


def _reasons(
    contract: Contract,
    dpia: Dpia,
    parent: Dpia | None,
    *,
    layer: Layer,
    today: date,
    columns: Sequence[str],
    purposes: Sequence[str],
    use_case: str | None,
) -> Iterator[Refusal]:
    if dpia.id != contract.dpia_ref:
        yield Refusal(
            "dpia-present",
            f"The contract names {contract.dpia_ref}, the folder holds {dpia.id}.",
            "A data set is loaded only under its own DPIA.",
            "Make `dpiaRef` and the record's `id` the same.",
        )
    yield from _not_in_force(dpia, today)
    if parent is None or parent.id != dpia.parent:
        yield Refusal(
            "overarching-dpia",
            f"{dpia.id} names {dpia.parent} as its parent, which is not on record.",
            "Every data set stands under the platform's overarching DPIA.",
            "Add the overarching record to the registers, or correct `parent`.",
        )
    else:
        yield from _not_in_force(parent, today)
    scope = dpia.scope
    if scope is None:
        yield Refusal(
            "scope",
            f"{dpia.id} has no scope.",
            "A record without scope covers nothing.",
            "Write `scope` with contract, columns, layers and purposes.",
        )
        return
    if (scope.contract, scope.contract_major) != (contract.id, contract.major):
        yield Refusal(
            "contract-version",
            f"{dpia.id} covers {scope.contract} version {scope.contract_major}, the "
            f"contract is {contract.id} version {contract.major}.",
            "A new major version changes what is held, so it is assessed again.",
            "Have the DPIA reviewed for the new version.",
        )
    uncovered = [name for name in columns if name not in scope.columns]
    if uncovered:
        yield Refusal(
            "columns",
            f"{dpia.id} does not cover the column{'s' * (len(uncovered) > 1)} "
            f"{', '.join(uncovered)}.",
            "A column nobody assessed may not be loaded.",
            "Have the DPIA extended to it, or take the column out of the contract.",
        )
    if layer not in scope.layers:
        yield Refusal(
            "layer",
            f"{dpia.id} does not cover the layer `{layer}`.",
            f"It was approved for {', '.join(scope.layers) or 'no layer'} only.",
            "Have the DPIA extended to the layer.",
        )
    beyond = [purpose for purpose in purposes if purpose not in scope.purposes]
    if beyond:
        yield Refusal(
            "purpose",
            f"{dpia.id} does not cover the purpose{'s' * (len(beyond) > 1)} "
            f"{', '.join(beyond)}.",
            "Data collected for one purpose is not used for another unassessed.",
            "Have the DPIA extended to the purpose.",
        )
    if use_case is not None and scope.use_cases and use_case not in scope.use_cases:
        yield Refusal(
            "use-case",
            f"{dpia.id} does not cover the use case {use_case}.",
            f"It was approved for {', '.join(scope.use_cases)}.",
            "Have the DPIA extended to the use case.",
        )


def unregistered(
    contract: Contract, purposes: frozenset[str], retention_rules: frozenset[str]
) -> tuple[Refusal, ...]:
    """Return refusals for what a contract names and no register holds (rule 15)."""
    refusals = []
    unknown = [one for one in contract.purposes if one not in purposes]
    if unknown:
        refusals.append(
            Refusal(
                "purpose-registered",
                f"The purpose{'s' * (len(unknown) > 1)} {', '.join(unknown)} of "
                f"{contract.id} stand in no register.",
                "Data is used only for purposes that somebody has signed.",
                "Add the purpose to purposes.yaml, or correct the contract.",
            )
        )
    if contract.retention_rule not in retention_rules:
        refusals.append(
            Refusal(
                "retention-registered",
                f"The retention rule {contract.retention_rule} of {contract.id} stands "
                "in no schedule.",
                "Every data set has a rule for its review, retention and disposal.",
                "Add the rule to retention_schedule.yaml, or correct `rrdRule`.",
            )
        )
    return tuple(refusals)


def _not_in_force(dpia: Dpia, today: date) -> Iterator[Refusal]:
    if dpia.status != "approved":
        yield Refusal(
            "approved",
            f"{dpia.id} is `{dpia.status}`, not approved.",
            "Personal data is processed only under an approved assessment.",
            "Have it signed off; `sign_off` names who and when.",
        )
    later = [mark for mark in dpia.sign_off if mark.on > today]
    if dpia.status == "approved" and later:
        yield Refusal(
            "approved",
            f"{dpia.id} is signed with a date in the future ({later[0].on}).",
            "It is not in force before it is signed.",
            "Correct the date of `sign_off`.",
        )
    if dpia.review.due < today:
        yield Refusal(
            "in-date",
            f"{dpia.id} was due for review on {dpia.review.due}.",
            "An assessment that nobody looked at again no longer covers the data.",
            "Review it, and set the day of the next review in `review.due`.",
        )
