"""A data set as an asset of the raw lake, behind the gate."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg
from dagster import AssetExecutionContext

from edp_platform.components.governance_view import data_set_facts, review_result
from edp_platform.contracts import Contract
from edp_platform.contracts.model import PLATFORM_COLUMNS
from edp_platform.datasets import DataSet, load_data_set
from edp_platform.files import WriteFailed
from edp_platform.governance.gate import Refusal
from edp_platform.governance.registers import Registers
from edp_platform.home import Home
from edp_platform.ingestion.lake import LakeDamaged
from edp_platform.ingestion.landing import WHOLE, LandingStore, Supplies
from edp_platform.ingestion.loading import LoadResult, load_months
from edp_platform.ingestion.readers import UnreadableFile
from edp_platform.orchestration.progress import tell
from edp_platform.orchestration.scope import (
    MONTHS,
    is_rebuild,
    log_materializations,
    requested_months,
)

GATE_CHECK = "dpia_gate"
RECONCILIATION_CHECK = "reconciliation"
QUALITY_CHECK = "contract_quality"
REVIEW_CHECK = "dpia_review"

#: A data set is late this long after its promise before the UI says so.
_GRACE_DAYS = 31


class GovernedDataset(dg.Component, dg.Model, dg.Resolvable):
    """One data set: landed files in, monthly Parquet out, nothing without its DPIA."""

    contract: str = "contract.yaml"
    dpia: str = "dpia.yaml"
    reader: Any

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Build the raw asset and its three checks from the folder."""
        home = Home.open(date.today())
        data_set = load_data_set(context.path, home, Registers(home.made_on))
        return dg.Definitions(assets=[raw_asset(data_set)])


def raw_key(data_set: str) -> dg.AssetKey:
    """Return the key of a data set's raw asset."""
    return dg.AssetKey(["raw", data_set])


def raw_asset(data_set: DataSet) -> dg.AssetsDefinition:
    """Return the asset that loads one data set into the lake."""
    contract = data_set.contract
    key = raw_key(contract.data_set)

    @dg.asset(
        key=key,
        deps=[raw_key(name) for name in _places(contract)],
        group_name="ingestion",
        owners=list(contract.owners),
        kinds={"polars", "parquet"},
        description=_description(contract),
        tags=_tags(contract),
        metadata={**_metadata(contract), **data_set_facts(data_set)},
        partitions_def=MONTHS if contract.is_monthly else None,
        backfill_policy=(
            dg.BackfillPolicy.single_run() if contract.is_monthly else None
        ),
        pool=f"raw_{contract.data_set}",
        freshness_policy=_freshness(contract),
        check_specs=_check_specs(key),
    )
    def raw(context: AssetExecutionContext) -> Iterator[Any]:
        home = Home.open(date.today())
        refusals = data_set.refusals("raw", date.today())
        yield gate_result(refusals)
        yield review_result(data_set, date.today(), REVIEW_CHECK)
        if refusals:
            raise dg.Failure(
                f"{contract.data_set} was refused, and nothing was written. "
                + " ".join(str(refusal) for refusal in refusals),
                allow_retries=False,
            )
        supplies = LandingStore(home).supplies().get(contract.data_set, Supplies([]))
        months = requested_months(context) if contract.is_monthly else [WHOLE]
        try:
            result = load_months(
                home,
                data_set,
                supplies,
                supplies.months if months is None else months,
                rebuild=is_rebuild(context),
                progress=lambda month: tell(f"{contract.data_set} {month.month}"),
            )
        except (LakeDamaged, UnreadableFile, WriteFailed) as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        told = _told(result)
        yield from _quality_results(result)
        changed = [
            (month.month, {"dagster/partition_row_count": month.rows})
            for month in result.changed
        ]
        if contract.is_monthly or changed:
            months_told = changed if contract.is_monthly else None
            log_materializations(context, key, told, months_told)
        yield dg.MaterializeResult(metadata=told)

    return raw


def _places(contract: Contract) -> list[str]:
    return sorted(
        {
            column.from_coordinates["boundaries"]
            for column in contract.columns
            if column.from_coordinates
        }
    )


def gate_result(
    refusals: Sequence[Refusal], key: dg.AssetKey | None = None
) -> dg.AssetCheckResult:
    """Return the gate's answer as a check, told before anything is written."""
    return dg.AssetCheckResult(
        check_name=GATE_CHECK,
        asset_key=key,
        passed=not refusals,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "refused_by": [refusal.rule for refusal in refusals],
            "rules": sorted({one.number for one in refusals if one.number is not None}),
            "why": dg.MetadataValue.md(
                "\n".join(f"- {refusal}" for refusal in refusals) or "Nothing refuses."
            ),
        },
    )


def _check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            GATE_CHECK,
            asset=key,
            blocking=True,
            description=(
                "The contract is valid and an approved DPIA, in date, covers these "
                "columns, this layer and these purposes. Asked before a byte is written."
            ),
        ),
        dg.AssetCheckSpec(
            REVIEW_CHECK,
            asset=key,
            description=(
                "The review of the DPIA is more than 90 days off. A warning that grows: "
                "90, 30 and 7 days before, then the gate shuts."
            ),
        ),
        dg.AssetCheckSpec(
            RECONCILIATION_CHECK,
            asset=key,
            blocking=True,
            description=(
                "For every file: rows landed = loaded + quarantined + repeats set "
                "aside + superseded + disposed + waiting."
            ),
        ),
        dg.AssetCheckSpec(
            QUALITY_CHECK,
            asset=key,
            description=(
                "No row was quarantined and no warning rule of the contract was "
                "broken. Counts by rule; values stay in the quarantine."
            ),
        ),
    ]


def _quality_results(result: LoadResult) -> Iterator[dg.AssetCheckResult]:
    inexact = [account for account in result.accounts if not account.is_exact]
    yield dg.AssetCheckResult(
        check_name=RECONCILIATION_CHECK,
        passed=not inexact,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "files": len(result.accounts),
            "files_that_do_not_add_up": [account.file for account in inexact],
        },
    )
    quarantined = sum(account.quarantined for account in result.accounts)
    yield dg.AssetCheckResult(
        check_name=QUALITY_CHECK,
        passed=not quarantined and not result.warnings,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "rows_quarantined": quarantined,
            "rows_by_warning": dg.MetadataValue.json(result.warnings),
        },
    )


def _told(result: LoadResult) -> dict[str, Any]:
    def total(field: str) -> int:
        return sum(getattr(account, field) for account in result.accounts)

    return {
        "dagster/row_count": sum(month.rows for month in result.months),
        "months_loaded": len(result.changed),
        "months_unchanged": len(result.months) - len(result.changed),
        "files": len(result.accounts),
        **{
            f"rows_{field}": total(field)
            for field in (
                "landed",
                "loaded",
                "quarantined",
                "set_aside",
                "superseded",
                "waiting",
            )
        },
        "revisions": len(result.revisions),
        **_cleansed(result),
    }


def _cleansed(result: LoadResult) -> dict[str, Any]:
    """Return what cleansing changed, where the contract names any rule."""
    if not result.cleansed:
        return {}
    cells = sum(sum(by_rule.values()) for by_rule in result.cleansed.values())
    by_month = dg.MetadataValue.json(result.cleansed)
    return {"cells_cleansed": cells, "cells_cleansed_by_rule": by_month}


def _description(contract: Contract) -> str:
    return (
        f"{contract.granularity} {contract.purpose}\n\n{contract.limitations}".strip()
    )


def _tags(contract: Contract) -> dict[str, str]:
    return {
        "layer": "raw",
        "regime": contract.regime,
        "dpia": contract.dpia_ref,
        "retention": contract.retention_rule,
        "classification": highest_classification(contract),
    }


def highest_classification(contract: Contract) -> str:
    """Return the most sensitive classification among a contract's columns."""
    order = ["public", "official", "personal", "special-category", "criminal-offence"]
    held = [column.classification or order[-1] for column in contract.columns]
    return max(held, key=order.index)


def _metadata(contract: Contract) -> dict[str, Any]:
    columns = [
        dg.TableColumn(
            name=column.name,
            type=column.logical_type,
            description=column.description,
            constraints=dg.TableColumnConstraints(nullable=not column.required),
            tags={
                "classification": str(column.classification),
                "identifier": str(column.identifier_class),
            },
        )
        for column in contract.columns
    ] + [
        dg.TableColumn(name=name, type=kind, description=meaning)
        for name, (kind, meaning) in PLATFORM_COLUMNS.items()
    ]
    return {
        "dagster/column_schema": dg.TableSchema(columns=columns),
        "contract": f"{contract.id} {contract.version}",
        "purposes": list(contract.purposes),
        "supplier": contract.supplier,
        "licence": contract.licence or "not stated",
        "series_breaks": len(contract.series_breaks),
    }


def _freshness(contract: Contract) -> dg.FreshnessPolicy | None:
    if contract.freshness_days is None or not contract.is_monthly:
        return None
    promise = timedelta(days=contract.freshness_days)
    return dg.FreshnessPolicy.time_window(
        fail_window=promise + timedelta(days=_GRACE_DAYS), warn_window=promise
    )
