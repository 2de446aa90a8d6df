"""The dbt models as assets: one step, one writer, every test an asset check.

Not `@dbt_assets`: it starts dbt in a process of its own and knows no gate. The specs
and check specs are dagster-dbt's, so names and the lineage in the UI are the usual ones.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from functools import cached_property
from typing import Any

import dagster as dg
from dagster import AssetExecutionContext
from dagster_dbt import DagsterDbtTranslator
from dagster_dbt.asset_utils import build_dbt_specs, get_asset_check_key_for_test

from edp_platform.components.governance_view import product_facts
from edp_platform.components.governed_dataset import (
    GATE_CHECK,
    gate_result,
    highest_classification,
)
from edp_platform.components.products import (
    Product,
    declared_lineage,
    reads_files,
    refusals_of,
)
from edp_platform.datasets import DataSets
from edp_platform.governance.column_law import ColumnLaw
from edp_platform.governance.column_lineage import Origins, Relation
from edp_platform.governance.column_rules import (
    ColumnUse,
    columns_protected,
    columns_traceable,
    declared_rules,
)
from edp_platform.governance.dpia import DpiaInvalid, Layer
from edp_platform.governance.gate import Refusal
from edp_platform.home import Home
from edp_platform.ingestion.lake import ensure_readable, is_held, signatures
from edp_platform.measures.history_keeping import keep_publication
from edp_platform.orchestration.progress import tell
from edp_platform.orchestration.scope import (
    MONTHS,
    is_rebuild,
    log_materializations,
    requested_months,
)
from edp_platform.publishing.snapshot import Use, publish
from edp_platform.use_cases import UseCaseFolder, product_refusals
from edp_platform.warehouse.building import BuildOutcome, NodeOutcome, build
from edp_platform.warehouse.built import BuiltRecord, Due
from edp_platform.warehouse.lineage import ColumnLineage
from edp_platform.warehouse.manifest import DbtFailed, ManifestStore
from edp_platform.warehouse.models import Model, Models
from edp_platform.warehouse.python_models import standing
from edp_platform.warehouse.row_counts import row_counts

#: DuckDB takes one writing process; the pool keeps a second run waiting, visibly.
POOL = "duckdb_warehouse"
PUBLISHED = dg.AssetKey(["published", "marts"])
_SHARED_OWNER = "team:data-engineering"


class Warehouse:
    """Makes the assets of the warehouse from the manifest and the loaded folders."""

    def __init__(
        self,
        home: Home,
        data_sets: DataSets,
        use_cases: Mapping[str, UseCaseFolder],
    ) -> None:
        self.home = home
        self.data_sets = data_sets
        self.use_cases = use_cases
        self.store = ManifestStore(home)
        self.products: tuple[Product, ...] = ()
        self._column_refusals: dict[str, list[Refusal]] = {}

    @cached_property
    def models(self) -> Models:
        """The models of the manifest."""
        return Models(self.store.manifest)

    @cached_property
    def lineage(self) -> ColumnLineage:
        """Where every column of every model comes from, under the contracts."""
        return ColumnLineage(
            self.store,
            {name: one.contract for name, one in self.data_sets.by_name.items()},
        )

    @cached_property
    def translator(self) -> DagsterDbtTranslator:
        """What says how a model looks as an asset."""
        return _Translator(self)

    def refusals(self, model: Model, today: date) -> list[Refusal]:
        """Return why the gate refuses this model.

        Asked of each data set it reads, and of each of its columns: whether it can be
        traced, and in a mart whether it may hold what it derives from.
        """
        layer: Layer = "mart" if model.layer == "mart" else "staging"
        found = []
        for use in self.uses(model):
            data_set = self.data_sets.by_name.get(use.data_set)
            if data_set is None:
                found.append(
                    Refusal(
                        "contract-valid",
                        f"The data set {use.data_set} is set aside or unknown.",
                        "A model may read only data sets under contract.",
                        "See edp status for its error.",
                        2,
                    )
                )
                continue
            found += data_set.refusals(
                layer, today, purposes=use.purposes, use_case=use.use_case
            )
        found += product_refusals(
            self.use_cases,
            model.use_case,
            model.name,
            today,
            is_model=model.is_model,
        )
        return [*found, *self.column_refusals(model)]

    def column_refusals(self, model: Model) -> list[Refusal]:
        """Return why a model's columns are refused: by where they come from."""
        if model.unique_id not in self._column_refusals:
            # One run asks several times, and nothing here changes with the day.
            self._column_refusals[model.unique_id] = self._refused_columns(model)
        return [*self._column_refusals[model.unique_id]]

    def _refused_columns(self, model: Model) -> list[Refusal]:
        traced = self.lineage.lineage.get(model.asset_key)
        found = columns_traceable(".".join(model.asset_key), traced)
        is_mart = model.layer == "mart" or model.schema == "marts"
        if found or traced is None or not is_mart:
            return [*found]
        return [*columns_protected(self.lineage.law, self.column_use(model))]

    @cached_property
    def law(self) -> ColumnLaw:
        """What contracts say of every column of models and products, carried along."""
        lineage = {
            **self.lineage.lineage,
            **declared_lineage(
                spec for one in self.products for spec in one.asset.specs
            ),
        }
        return ColumnLaw(Origins(lineage), self.lineage.contracts)

    @property
    def protected_by(self) -> dict[Relation, dict[str, tuple[str, ...]]]:
        """What models declare to protect their columns."""
        return {
            model.asset_key: {
                name: declared_rules(stated)
                for name, stated in model.protected_by.items()
            }
            for model in self.models.by_id.values()
        }

    def lineage_refusals(self) -> dict[str, list[Refusal]]:
        """Return asset → why its columns are refused, of models and products."""
        found = {
            "/".join(model.asset_key): self.column_refusals(model)
            for model in self.models.by_id.values()
        }
        for product in self.products:
            name = ", ".join(spec.key.to_user_string() for spec in product.asset.specs)
            found[name] = refusals_of(
                product.asset.specs,
                product.use_case,
                self.data_sets.by_name,
                self.lineage.lineage,
                reads_files(product.asset),
            )
        return {name: refusals for name, refusals in found.items() if refusals}

    def column_use(self, model: Model) -> ColumnUse:
        """Return what a mart's columns are declared to be, and for what they are used."""
        traced = self.lineage.lineage[model.asset_key]
        dpias = {}
        for use in self.uses(model):
            data_set = self.data_sets.by_name.get(use.data_set)
            if data_set is not None:
                # One that cannot be relied on shuts the gate by itself.
                with suppress(DpiaInvalid):
                    dpias[use.data_set] = data_set.dpia
        return ColumnUse(
            relation=model.asset_key,
            columns=[*traced.columns],
            declared={
                name: declared_rules(stated)
                for name, stated in model.protected_by.items()
            },
            use_case=model.use_case,
            purposes={use.data_set: use.purposes for use in self.uses(model)},
            dpias=dpias,
            is_declared_only=model.is_python,
        )

    def uses(self, model: Model) -> list[Use]:
        """Return what a model uses: each data set, for the purposes both sides state.

        Where the use case states none of the data set's purposes, its own are asked
        about, and the gate refuses them.
        """
        use_case = self.use_cases.get(model.use_case or "")
        found = []
        for name in sorted(self.models.data_sets(model.unique_id)):
            data_set = self.data_sets.by_name.get(name)
            if data_set is None:
                purposes = tuple(use_case.purposes) if use_case else ()
            elif use_case is None:
                purposes = data_set.contract.purposes
            else:
                purposes = use_case.purposes_of(data_set.contract)
            found.append(Use(name, purposes, model.use_case))
        return found

    def refused_models(self, today: date) -> set[str]:
        """Return the models that the gate refuses themselves."""
        return {
            model.unique_id
            for model in self.models.built.values()
            if self.refusals(model, today)
        }

    def shut_models(self, refused: Collection[str]) -> set[str]:
        """Return the models refused, and those that read one of them."""
        return self.models.descendants(set(refused)) & self.models.built.keys()

    def open_marts(
        self, refused: Collection[str], arrived: Collection[str]
    ) -> list[Model]:
        """Return the marts that may be published.

        Args:
            refused: models that the gate refuses.
            arrived: data sets of which the lake holds something. A mart of others is
                built where a measure reads it, but an empty mart says that nothing
                happened, where nobody has said so.
        """
        shut = self.shut_models(refused)

        def has_arrived(model: Model) -> bool:
            names = self.models.data_sets(model.unique_id)
            return not names or not names.isdisjoint(arrived)

        return [
            model
            for model in self.models.marts
            if model.unique_id not in shut and has_arrived(model)
        ]

    @property
    def arrived(self) -> frozenset[str]:
        """The data sets of which the lake holds something."""
        return frozenset(
            name
            for name, data_set in self.data_sets.by_name.items()
            if is_held(self.home, data_set.contract)
        )

    def published_state(self, marts: Sequence[Model]) -> str:
        """Return what a copy of these marts, published now, would be built from."""
        record = BuiltRecord.read(self.home)
        built = [one.unique_id for one in marts if one.unique_id in record.models]
        return record.fingerprint(built)

    def definitions(self) -> dg.Definitions:
        """Return the warehouse assets and the published copy."""
        return dg.Definitions(assets=[self._models_asset(), self._published_asset()])

    def lake(self) -> dict[str, dict[str, str]]:
        """Return what the lake holds of every data set."""
        found = {}
        for name, data_set in self.data_sets.by_name.items():
            ensure_readable(self.home, data_set.contract)
            found[name] = signatures(self.home, data_set.contract)
        return found

    def _models_asset(self) -> dg.AssetsDefinition:
        specs, checks = build_dbt_specs(
            translator=self.translator,
            manifest=self.store.manifest,
            select="fqn:*",
            exclude="resource_type:unit_test",
            selector="",
            io_manager_key=None,
            project=None,
        )
        gates = [
            dg.AssetCheckSpec(
                GATE_CHECK,
                asset=dg.AssetKey(model.asset_key),
                blocking=True,
                description=(
                    "The DPIA of every data set this mart derives from covers it: "
                    "layer, purpose and use case. Asked before dbt starts."
                ),
            )
            for model in self.models.marts
        ]

        @dg.multi_asset(
            name="warehouse",
            specs=specs,
            check_specs=[*checks, *gates],
            can_subset=True,
            pool=POOL,
            backfill_policy=dg.BackfillPolicy.single_run(),
        )
        def warehouse(context: AssetExecutionContext) -> Iterator[Any]:
            yield from _build_models(self, context)

        return warehouse

    def _published_asset(self) -> dg.AssetsDefinition:
        @dg.asset(
            key=PUBLISHED,
            deps=[dg.AssetKey(model.asset_key) for model in self.models.marts],
            group_name="warehouse",
            owners=[_SHARED_OWNER],
            kinds={"duckdb"},
            tags={"layer": "publication"},
            description=(
                "The marts of one moment, in a read-only copy that people query "
                "(edp sql). A failed check upstream leaves the last copy in place."
            ),
            pool=POOL,
        )
        def published(context: AssetExecutionContext) -> Iterator[Any]:
            marts = self.open_marts(self.refused_models(date.today()), self.arrived)
            record = BuiltRecord.read(self.home)
            snapshot = publish(
                self.home,
                [model.name for model in marts],
                datetime.now().astimezone(),
                self.published_state(marts),
                {model.name: self.uses(model) for model in marts},
                {one.name: record.models.get(one.unique_id) for one in marts},
                {one.name for one in marts if one.unique_id in record.doubted},
            )
            keep_publication(self.home, snapshot, self.store, self.models)
            metadata: dict[str, Any] = {
                "snapshot": snapshot.id,
                "as_at": snapshot.as_at,
                "dagster/row_count": sum(snapshot.rows.values()),
                "tables": len(snapshot.rows),
            }
            log_materializations(context, PUBLISHED, metadata, None)
            yield dg.MaterializeResult(metadata=metadata)

        return published


class _Translator(DagsterDbtTranslator):
    """Group from folder, owner from use case, law from the contracts beneath."""

    def __init__(self, warehouse: Warehouse) -> None:
        super().__init__()
        self._warehouse = warehouse

    def _model(self, properties: Mapping[str, Any]) -> Model | None:
        return self._warehouse.models.by_id.get(properties["unique_id"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        model = self._model(dbt_resource_props)
        return (model.use_case if model else None) or "warehouse"

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        model = self._model(dbt_resource_props)
        use_case = self._warehouse.use_cases.get(
            (model.use_case if model else "") or ""
        )
        return [use_case.product_owner if use_case else _SHARED_OWNER]

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> dict[str, str]:
        model = self._model(dbt_resource_props)
        if model is None:
            return {}
        names = self._warehouse.models.data_sets(model.unique_id)
        known = self._warehouse.data_sets.by_name
        contracts = [known[name].contract for name in sorted(names) if name in known]
        held = [highest_classification(contract) for contract in contracts]
        order = [
            "public",
            "official",
            "personal",
            "special-category",
            "criminal-offence",
        ]
        return {
            "layer": model.layer,
            "classification": max(held, key=order.index, default="public"),
            # A tag holds one value, and a mart may stand under several DPIAs.
            **{f"dpia/{contract.dpia_ref}": "" for contract in contracts},
        }

    def get_partitions_def(
        self, dbt_resource_props: Mapping[str, Any]
    ) -> dg.PartitionsDefinition | None:
        model = self._model(dbt_resource_props)
        return MONTHS if model is not None and model.is_monthly else None

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> dict[str, Any]:
        metadata = dict(super().get_metadata(dbt_resource_props))
        model = self._model(dbt_resource_props)
        if model is not None:
            known = self._warehouse.data_sets.by_name
            beneath = self._warehouse.models.data_sets(model.unique_id)
            metadata |= product_facts(
                [known[name] for name in sorted(beneath) if name in known],
                self._warehouse.use_cases.get(model.use_case or ""),
            )
        if model is not None and model.columns:
            metadata["dagster/column_schema"] = dg.TableSchema(
                columns=[
                    dg.TableColumn(name=name, type=kind, description=text)
                    for name, kind, text in model.columns
                ]
            )
        return metadata


def _build_models(
    warehouse: Warehouse, context: AssetExecutionContext
) -> Iterator[Any]:
    """Ask the gate, build what is due, tell what happened."""
    models, today = warehouse.models, date.today()
    by_key = {dg.AssetKey(one.asset_key): one for one in models.built.values()}
    chosen = {by_key[key].unique_id: by_key[key] for key in context.selected_asset_keys}
    refused: dict[str, list[Refusal]] = {}
    for model in chosen.values():
        refusals = warehouse.refusals(model, today)
        if refusals:
            refused[model.unique_id] = refusals
        if model.layer == "mart":
            yield gate_result(refusals, dg.AssetKey(model.asset_key))
    shut = models.descendants(set(refused)) if refused else set()
    allowed = [unique_id for unique_id in chosen if unique_id not in shut]
    lake = warehouse.lake()
    record = BuiltRecord.read(warehouse.home)
    months = requested_months(context)
    due = record.due(models, lake, allowed, within=months)
    if is_rebuild(context):
        due = Due(frozenset(allowed), tuple(months or due.months), months is None)
    outcome = BuildOutcome((), succeeded=True)
    if due.models:
        context.log.info(
            f"{len(due.models)} models are due, {len(due.months) or 'all'} months"
        )
        names = [models.by_id[unique_id].name for unique_id in due.models]
        known = () if is_rebuild(context) else record.made_by(models, due.models)
        record.doubt(due)
        try:
            with standing([models.by_id[one].name for one in known]):
                outcome = build(
                    warehouse.home,
                    warehouse.store,
                    names,
                    due.months,
                    finished=lambda name, status: tell(f"{name} {status}"),
                )
        except DbtFailed as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        settled = _settled(warehouse, outcome)
        record.record(models, lake, settled, due.months, due.is_full)
    yield from _told(warehouse, context, chosen, due, outcome, lake, shut)
    failed = [node for node in outcome.models if node.status == "error"]
    if failed:
        raise dg.Failure(
            "; ".join(f"{_name(node)}: {node.message.strip()}" for node in failed),
            allow_retries=False,
        )
    if refused:
        texts = [
            f"{models.by_id[unique_id].name}: {' '.join(map(str, refusals))}"
            for unique_id, refusals in refused.items()
        ]
        raise dg.Failure(
            f"{len(shut)} models were refused and not built. " + " ".join(texts[:5]),
            allow_retries=False,
        )


def _settled(warehouse: Warehouse, outcome: BuildOutcome) -> list[str]:
    """Return the models that were built and whose every error test passed.

    A model with a failed test stays due, so that the next run fails too, and says why,
    until the fault is mended: it is never quietly "up to date".
    """
    nodes = warehouse.store.manifest["nodes"]
    doubted = {
        parent
        for test in outcome.tests
        if test.status in ("fail", "error")
        for parent in nodes[test.unique_id]["depends_on"]["nodes"]
    }
    good = (node.unique_id for node in outcome.models if node.is_good)
    return [unique_id for unique_id in good if unique_id not in doubted]


def _name(node: NodeOutcome) -> str:
    return node.unique_id.rsplit(".", 1)[-1]


def _told(
    warehouse: Warehouse,
    context: AssetExecutionContext,
    chosen: Mapping[str, Model],
    due: Due,
    outcome: BuildOutcome,
    lake: Mapping[str, Mapping[str, str]],
    shut: set[str],
) -> Iterator[Any]:
    """Yield what each model and test became: materialisations and check results."""
    models = warehouse.models
    seconds = {node.unique_id: node.seconds for node in outcome.models if node.is_good}
    unbuilt = {node.unique_id for node in outcome.models if not node.is_good} | shut
    counts = row_counts(
        warehouse.home,
        [
            models.by_id[one]
            for one in seconds
            if models.by_id[one].materialized != "view"
        ],
    )
    lineage = warehouse.lineage
    for unique_id, model in sorted(
        chosen.items(), key=lambda pair: models.order[pair[0]]
    ):
        if unique_id in unbuilt:
            continue
        key = dg.AssetKey(model.asset_key)
        metadata: dict[str, Any] = {}
        if unique_id in seconds:
            metadata = {"seconds": round(seconds[unique_id], 2)}
            if model.name in counts:
                metadata["dagster/row_count"] = counts[model.name]
            traced = lineage.of(model.name)
            if traced:
                metadata["dagster/column_lineage"] = _table_lineage(traced)
                metadata["dagster/column_schema"] = _column_schema(warehouse, model)
            months: list[tuple[str, dict[str, Any]]] | None = None
            if model.is_monthly:
                held = {
                    month
                    for name in models.data_sets(unique_id)
                    for month in lake.get(name, {})
                }
                scope = due.months or sorted(held)
                months = [(month, {}) for month in scope if month in held]
            log_materializations(context, key, metadata, months)
        yield dg.MaterializeResult(asset_key=key, metadata=metadata)
    for node in outcome.tests:
        check = get_asset_check_key_for_test(
            warehouse.store.manifest, warehouse.translator, node.unique_id, project=None
        )
        if check is None or check not in context.selected_asset_check_keys:
            continue
        if node.status == "skipped":
            continue
        is_warning = node.status == "warn"
        yield dg.AssetCheckResult(
            check_name=check.name,
            asset_key=check.asset_key,
            passed=node.is_good,
            severity=(
                dg.AssetCheckSeverity.WARN
                if is_warning
                else dg.AssetCheckSeverity.ERROR
            ),
            metadata={
                "failing_rows": node.failures or 0,
                "seconds": round(node.seconds, 2),
                "status": node.status,
            },
        )


def _column_schema(warehouse: Warehouse, model: Model) -> dg.TableSchema:
    """Return a model's columns, each tagged with what law it is under.

    Told with what was built, not with the definition: it follows from the lineage,
    which definitions need not wait for.
    """
    rules = model.protected_by
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=name,
                type=kind,
                description=text,
                tags={
                    "classification": warehouse.law.value_classification(
                        (*model.asset_key, name.lower())
                    ),
                    **{
                        f"protected_by/{rule}": ""
                        for rule in declared_rules(rules.get(name.lower()))
                    },
                },
            )
            for name, kind, text in model.columns
        ]
    )


def _table_lineage(traced: Mapping[str, list[tuple[str, str, str]]]) -> Any:
    return dg.TableColumnLineage(
        {
            column: [
                dg.TableColumnDep(
                    asset_key=dg.AssetKey([schema, table]), column_name=name
                )
                for schema, table, name in sources
            ]
            for column, sources in traced.items()
        }
    )
