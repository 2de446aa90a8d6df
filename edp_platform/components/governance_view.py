"""The registers as assets of the group `governance`: facts, checks, what is overdue.

They hold no data about people: each materialisation reads the records as they stand and
tells the same facts as `edp governance status`, so that whoever lives in the Dagster UI
sees what is late without the command line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import dagster as dg

from edp_platform.datasets import DataSet, DataSets
from edp_platform.governance.checking import faults
from edp_platform.governance.dpia import DpiaInvalid
from edp_platform.governance.overview import overview
from edp_platform.governance.registers import Registers
from edp_platform.governance.review_dates import notice
from edp_platform.home import Home
from edp_platform.use_cases import UseCaseFolder, UseCases

GROUP = "governance"
_OWNER = "team:platform"

#: Asset → check → (is it an error, what it says when it passes).
_CHECKS: dict[str, dict[str, tuple[bool, str]]] = {
    "data_sets": {
        "gates_open": (True, "Every data set may be loaded today."),
        "dpias_in_date": (True, "No DPIA is past its review."),
        "reviews_planned": (False, "No DPIA falls due within 30 days."),
        "owners_present": (True, "Somebody answers for every data set."),
        "retention_confirmed": (
            False,
            "Somebody confirmed every retention rule in use.",
        ),
    },
    "use_cases": {
        "gates_open": (True, "Every use case may run today."),
        "eqias_in_date": (True, "No equality impact assessment is past its review."),
        "suppliers_reviewed": (
            True,
            "Each delivered sprint of a supplier is reviewed.",
        ),
        "platform_reviewed": (True, "The overarching records follow every delivery."),
        "sprints_on_plan": (
            False,
            "No sprint is past its end or waits for acceptance.",
        ),
        "owners_present": (True, "Somebody answers for every use case."),
    },
    "registers": {
        "registers_valid": (True, "Every register and contract is valid."),
        "nothing_overdue": (True, "Nothing of the registers is overdue."),
    },
}
_COLUMNS: dict[str, tuple[str, ...]] = {
    "data_sets": (
        "name",
        "owner",
        "regime",
        "dpia",
        "dpia_status",
        "dpia_review_due",
        "retention_rule",
        "eqia",
        "gate",
    ),
    "use_cases": (
        "name",
        "owner",
        "stage",
        "status",
        "supplier",
        "eqia",
        "eqia_review_due",
        "gate",
    ),
    "registers": ("kind", "name", "owner", "since", "message"),
}


def governance_definitions(home: Home, asset_checks: frozenset[str]) -> dg.Definitions:
    """Return the assets of the governance view, and a daily schedule for them.

    Args:
        home: whose registers.
        asset_checks: the names of every other check of the graph (rule 11).
    """
    known = asset_checks | {name for one in _CHECKS.values() for name in one}
    assets = [_asset(name, home, known) for name in _CHECKS]
    job = dg.define_asset_job("governance", selection=dg.AssetSelection.groups(GROUP))
    daily = dg.ScheduleDefinition(
        name="governance_daily",
        job=job,
        cron_schedule="0 6 * * *",
        description="Reads the registers each morning, and tells what is overdue.",
    )
    return dg.Definitions(assets=assets, jobs=[job], schedules=[daily])


def _asset(name: str, home: Home, known: frozenset[str]) -> dg.AssetsDefinition:
    key = dg.AssetKey([GROUP, name])

    @dg.asset(
        key=key,
        group_name=GROUP,
        owners=[_OWNER],
        kinds={"yaml"},
        tags={"layer": "governance"},
        description=_DESCRIPTIONS[name],
        metadata={
            "dagster/column_schema": dg.TableSchema(
                columns=[dg.TableColumn(name=one) for one in _COLUMNS[name]]
            )
        },
        check_specs=[
            dg.AssetCheckSpec(check, asset=key, description=text)
            for check, (_, text) in _CHECKS[name].items()
        ],
    )
    def governed() -> Iterator[Any]:
        today = date.today()
        registers = Registers(home.made_on)
        registers.asset_checks = known
        data_sets = DataSets.load(home, registers=registers)
        use_cases = UseCases.load(home, registers=registers)
        told = overview(data_sets, use_cases, registers, today)
        wrong = faults(data_sets, use_cases, registers, today)
        for check, problems in _found(name, told, wrong).items():
            is_error, text = _CHECKS[name][check]
            yield dg.AssetCheckResult(
                check_name=check,
                asset_key=key,
                passed=not problems,
                severity=(
                    dg.AssetCheckSeverity.ERROR
                    if is_error
                    else dg.AssetCheckSeverity.WARN
                ),
                metadata={
                    "found": len(problems),
                    "what": dg.MetadataValue.md(
                        "\n".join(f"- {one}" for one in problems) or text
                    ),
                },
            )
        rows = told["overdue"] if name == "registers" else told[name]
        yield dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(rows),
                "as_of": today.isoformat(),
                "table": dg.MetadataValue.md(_table(rows, _COLUMNS[name])),
            }
        )

    return governed


_DESCRIPTIONS = {
    "data_sets": (
        "Every data set: owner, regime, DPIA and its review date, retention rule, EqIA, "
        "and whether its gate is open. The same as `edp governance status`."
    ),
    "use_cases": (
        "Every use case: owner, stage, sprint, supplier review, EqIA and its review "
        "date, and whether its gate is open. The same as `edp governance status`."
    ),
    "registers": (
        "Every register and contract, whether it is valid, and all that is overdue. The "
        "same as `edp governance check`."
    ),
}


def _found(
    name: str, told: dict[str, Any], wrong: Sequence[str]
) -> dict[str, list[str]]:
    """Return check → what it found, of one asset."""

    def overdue(*kinds: str) -> list[str]:
        return [one["message"] for one in told["overdue"] if one["kind"] in kinds]

    if name == "registers":
        return {
            "registers_valid": list(wrong),
            "nothing_overdue": [one["message"] for one in told["overdue"]],
        }
    shut = [
        f"{one['name']}: {refusal}" for one in told[name] for refusal in one["refusals"]
    ]
    names = {one["name"] for one in told[name]}
    ownerless = [
        one["message"]
        for one in told["overdue"]
        if one["kind"] == "owner" and one["name"] in names
    ]
    if name == "data_sets":
        return {
            "gates_open": shut,
            "dpias_in_date": overdue("dpia"),
            "reviews_planned": [
                f"{one['dpia']} is due on {one['dpia_review_due']}"
                for one in told[name]
                if one["dpia_notice"] in ("7 days", "30 days", "extended", "overdue")
            ],
            "owners_present": ownerless,
            "retention_confirmed": [
                f"{one['name']}: {one['retention_rule']} is not confirmed"
                for one in told[name]
                if not one["retention_confirmed"]
            ],
        }
    return {
        "gates_open": shut,
        "eqias_in_date": overdue("eqia"),
        "suppliers_reviewed": overdue("supplier_review"),
        "platform_reviewed": overdue("platform_review"),
        "sprints_on_plan": overdue("sprint", "acceptance"),
        "owners_present": ownerless,
    }


def _table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    if not rows:
        return "Nothing."
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    for row in rows:
        cells = (str(row.get(one) or "-").replace("|", "\\|") for one in columns)
        lines.append(
            "| " + " | ".join(cell.replace("\n", " ") for cell in cells) + " |"
        )
    return "\n".join(lines)


def data_set_facts(data_set: DataSet) -> dict[str, Any]:
    """Return what stands on a data set's own asset: DPIA, review, retention, regime."""
    contract = data_set.contract
    facts: dict[str, Any] = {
        "regime": contract.regime,
        "dpia": contract.dpia_ref,
        "retention_rule": contract.retention_rule,
        "dpia_status": "invalid",
    }
    rule = data_set.registers.retention_rules.get(contract.retention_rule)
    facts["retention_confirmed"] = rule is not None and rule.confirmed_by is not None
    try:
        dpia = data_set.dpia
    except DpiaInvalid:
        return facts
    facts["dpia_status"] = dpia.status
    facts["dpia_version"] = dpia.version
    facts["dpia_review_due"] = dpia.review.due.isoformat()
    if dpia.eqia_ref:
        facts["eqia"] = dpia.eqia_ref
    return facts


def product_facts(
    data_sets: Sequence[DataSet], use_case: UseCaseFolder | None
) -> dict[str, Any]:
    """Return what stands on a model's asset: the records of all it derives from.

    Args:
        data_sets: those beneath it.
        use_case: whose it is, where it is one's.
    """
    facts: dict[str, Any] = {
        "regimes": sorted({one.contract.regime for one in data_sets}),
        "dpias": sorted({one.contract.dpia_ref for one in data_sets}),
        "retention_rules": sorted({one.contract.retention_rule for one in data_sets}),
    }
    due = [
        found["dpia_review_due"]
        for one in data_sets
        if "dpia_review_due" in (found := data_set_facts(one))
    ]
    if due:
        facts["dpia_review_due"] = min(due)
    if use_case is None:
        return facts
    facts["stage"] = use_case.stated.stage
    facts["sprint"] = use_case.stated.sprint.number
    if use_case.stated.sprint.supplier:
        facts["supplier"] = use_case.stated.sprint.supplier
    try:
        facts["eqia"] = use_case.eqia.id
        facts["eqia_review_due"] = use_case.eqia.review.due.isoformat()
    except ValueError:
        facts["eqia"] = "invalid"
    return facts


def review_result(data_set: DataSet, today: date, check: str) -> dg.AssetCheckResult:
    """Return how soon a data set's DPIA is due, as a warning check.

    Args:
        data_set: whose DPIA.
        today: the day of the question.
        check: the check's name.
    """
    try:
        review = data_set.dpia.review
        soon, due = notice(review, today), review.due.isoformat()
    except DpiaInvalid:
        soon, due = "overdue", "unknown"
    return dg.AssetCheckResult(
        check_name=check,
        passed=not soon,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"review_due": due, "notice": soon or "more than 90 days off"},
    )
