"""The marts and DPIAs as they are today, read from the dbt project and the folders.

Knows nothing of Dagster: lineage and manifest are kept by what they are of, so that
`edp access` answers without parsing anything anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date

from edp_platform.access.brokering import declared_counts
from edp_platform.access.declared import Facts
from edp_platform.access.marts import (
    DataSetState,
    Mart,
    MartColumn,
    Source,
    column_of,
)
from edp_platform.datasets import DataSet, DataSets
from edp_platform.governance.column_law import ColumnLaw
from edp_platform.governance.column_rules import declared_rules
from edp_platform.governance.dpia import Dpia, DpiaInvalid
from edp_platform.governance.refusal import Refusal
from edp_platform.governance.registers import Registers
from edp_platform.governance.review_dates import stands
from edp_platform.home import Home
from edp_platform.use_cases import UseCaseFolder, UseCases, product_refusals
from edp_platform.warehouse.lineage import ColumnLineage
from edp_platform.warehouse.manifest import ManifestStore
from edp_platform.warehouse.models import Model, Models


def read_facts(home: Home, registers: Registers, today: date) -> Facts:
    """Read what grants are judged by.

    Args:
        home: whose dbt manifest and lineage.
        registers: the force's records.
        today: the day of the question.

    Raises:
        DbtFailed: the dbt project does not parse.
    """
    data_sets = DataSets.load(home, registers=registers).by_name
    use_cases = UseCases.load(home, registers=registers).by_name
    store = ManifestStore(home)
    models = Models(store.manifest)
    contracts = {name: one.contract for name, one in data_sets.items()}
    law = ColumnLineage(store, contracts).law
    marts = {
        model.name: _mart(model, models, law, data_sets, use_cases, today)
        for model in models.marts
    }
    dpias: dict[str, Dpia] = {}
    for name, one in data_sets.items():
        with suppress(DpiaInvalid):
            dpias[name] = one.dpia
    states = {name: state_of(one, today) for name, one in data_sets.items()}
    owners = {
        name: team.information_asset_owner
        for name, one in data_sets.items()
        for owner in one.contract.owners
        if (team := registers.teams.get(owner)) is not None
    }
    return Facts(marts, states, dpias, owners)


def _mart(
    model: Model,
    models: Models,
    law: ColumnLaw,
    data_sets: Mapping[str, DataSet],
    use_cases: Mapping[str, UseCaseFolder],
    today: date,
) -> Mart:
    traced = law.origins.lineage.get(model.asset_key)
    names = [*traced.columns] if traced else [name for name, _, _ in model.columns]
    columns = tuple(
        column_of(
            law, model.asset_key, name, declared_rules(model.protected_by.get(name))
        )
        for name in names
    )
    use_case = use_cases.get(model.use_case or "")
    sources = tuple(
        _source(name, data_sets.get(name), use_case, model.use_case, today)
        for name in sorted(models.data_sets(model.unique_id))
    )
    return Mart(
        model.name,
        tuple(_with_sources(one, sources) for one in columns),
        sources,
        model.use_case,
        product_refusals(
            use_cases, model.use_case, model.name, today, is_model=model.is_model
        ),
        counts=declared_counts(model.brokered),
    )


def _with_sources(column: MartColumn, sources: tuple[Source, ...]) -> MartColumn:
    if not column.is_personal or column.data_sets:
        return column
    # Nobody can say what it is made of: all that stands beneath the mart is asked.
    beneath = frozenset(one.data_set for one in sources)
    return MartColumn(column.name, column.identifier_class, beneath)


def _source(
    name: str,
    data_set: DataSet | None,
    use_case: UseCaseFolder | None,
    use_case_name: str | None,
    today: date,
) -> Source:
    """Return what a mart uses of a data set, and whether the DPIA covers that use."""
    if data_set is None:
        said = Refusal(
            "contract-valid",
            f"The data set {name} is set aside or unknown.",
            "A mart may read only data sets under contract.",
            "See edp status for its error.",
            2,
        )
        return Source(name, (), (said,))
    purposes = (
        data_set.contract.purposes
        if use_case is None
        else use_case.purposes_of(data_set.contract)
    )
    found = data_set.refusals("mart", today, purposes=purposes, use_case=use_case_name)
    is_open_data = data_set.contract.licence is not None
    return Source(name, purposes, found, is_open_data)


def state_of(data_set: DataSet, today: date) -> DataSetState:
    """Return whether a data set's DPIA lets its data be seen, and until when."""
    refused = tuple(str(one) for one in data_set.refusals("raw", today))
    dpia_ref = data_set.contract.dpia_ref
    try:
        records = (data_set.dpia, data_set.registers.platform_dpia)
    except DpiaInvalid:
        return DataSetState(data_set.name, dpia_ref, False, None, refused)
    good_until = min(_good_until(one, today) for one in records)
    return DataSetState(data_set.name, dpia_ref, not refused, good_until, refused)


def _good_until(dpia: Dpia, today: date) -> date:
    review = dpia.review
    if review.extension is not None and stands(review.extension, review.due, today):
        return max(review.due, review.extension.until)
    return review.due
