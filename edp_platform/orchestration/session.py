"""One command's session: the home, Dagster's instance and the loaded definitions."""

from __future__ import annotations

import fcntl
import os
import threading
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from edp_platform.database import managed
from edp_platform.datasets import DataSets, SetAside
from edp_platform.files import read_json, replacing, write_json
from edp_platform.home import Home


def platform_file(name: str) -> Path:
    """Return `dagster.yaml` or `workspace.yaml`: of the checkout, or of the wheel."""
    package = Path(__file__).parents[1]
    packed = package / f"_{name}"
    return packed if packed.exists() else package.parent / name


def prepare_dagster_home(home: Home) -> Path:
    """Write Dagster's instance file into the home and point Dagster at it.

    Storage is SQLite in the home, or the database `dagster` of the server that
    `EDP_POSTGRES_URL` names.

    Raises:
        WriteFailed: the home cannot be written.
        NotEncrypted: that server would be talked to without TLS.
        DatabaseUnavailable: that server cannot be reached, or not be understood.
    """
    settings = yaml.safe_load(platform_file("dagster.yaml").read_text(encoding="utf-8"))
    if managed.is_named():
        settings["storage"] = {
            "custom": {
                "module": "edp_platform.orchestration.postgres_storage",
                "class": "PooledPostgresStorage",
                "config": {"postgres_url": _storage_url(home)},
            }
        }
    else:
        settings["event_log_storage"] = {
            "module": "edp_platform.orchestration.event_log",
            "class": "BatchingSqliteEventLogStorage",
            "config": {"base_dir": str(home.dagster / "history" / "runs")},
        }
    # Months of one asset are logged in one write.
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")
    text = yaml.safe_dump(settings, sort_keys=False)
    target = home.dagster / "dagster.yaml"
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        with replacing(target) as temporary:
            temporary.write_text(text, encoding="utf-8")
            temporary.chmod(0o600)  # it may hold the password of the database
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    os.environ["EDP_HOME"] = str(home.root)
    return target


def _storage_url(home: Home) -> str:
    """Return how Dagster connects to its database; made there at the first use."""
    from edp_platform.database.connecting import DAGSTER, DAGSTER_ROLE
    from edp_platform.database.server import Server

    server = Server.of(home)
    # Which server it was that this home's roles were made on.
    seen = home.dagster / "server.json"
    which = {"host": server.host, "port": server.port}
    if read_json(seen) != which:
        server.start()
        write_json(seen, which)
    given = server.sign_in(DAGSTER_ROLE)
    user, password = given.pop("user"), given.pop("password")
    # SQLAlchemy and dagster-postgres agree on psycopg2 only when it is named.
    return f"postgresql+psycopg2://{user}:{password}@/{DAGSTER}?" + urlencode(
        given, safe="/:,"
    )


@dataclass(frozen=True)
class Due:
    """What a run of everything due would do."""

    keys: frozenset[Any]
    refused: frozenset[Any]
    months: frozenset[str]


class Session:
    """Loads once what commands share; each part only when asked for."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._loaded_from: str | None = None
        prepare_dagster_home(home)
        warnings.filterwarnings("ignore", module=r"dagster.*")

    @cached_property
    def platform(self) -> Any:
        """Every folder, the warehouse over them, and what was set aside."""
        from edp_platform.components.platform import load_platform
        from edp_platform.declared import declared_mark

        # Before loading: what changes meanwhile must be seen as changed.
        self._loaded_from = declared_mark()
        return load_platform(self.home)

    def renewed(self) -> Session:
        """Return this session, or a new one where contracts or records changed since.

        A process that stays warm asks before each run: an approval taken away while it
        waited stops the very next run.
        """
        from edp_platform.declared import declared_mark

        is_current = self._loaded_from in (None, declared_mark())
        return self if is_current else Session(self.home)

    @property
    def definitions(self) -> Any:
        """Everything Dagster loads."""
        return self.platform.definitions

    @property
    def data_sets(self) -> DataSets:
        """The data sets."""
        found: DataSets = self.platform.data_sets
        return found

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        """The folders that could not be loaded."""
        found: tuple[SetAside, ...] = self.platform.set_aside
        return found

    @cached_property
    def graph(self) -> Any:
        """The asset graph."""
        return self.definitions.resolve_asset_graph()

    @contextmanager
    def instance(self) -> Iterator[Any]:
        """Open Dagster's instance."""
        import dagster as dg

        # Two first commands at once would both create the storage's tables.
        with (self.home.dagster / ".opening.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            opened = dg.DagsterInstance.get()
        with opened as instance:
            yield instance

    def due(self, *, after_landing: bool = False) -> Due:
        """Return what is out of date: raw data sets, models, the published copy.

        Args:
            after_landing: only what is made anew after each landing; a forecast of a
                minute waits for the next whole run.
        """
        import dagster as dg

        from edp_platform.components.governed_dataset import raw_key
        from edp_platform.components.warehouse import PUBLISHED
        from edp_platform.ingestion.landing import WHOLE, LandingStore
        from edp_platform.ingestion.loading import wanted_signatures
        from edp_platform.orchestration.landing_sensor import due_data_sets
        from edp_platform.orchestration.left_out import left_out
        from edp_platform.orchestration.served import is_due, is_wanted, served_among
        from edp_platform.publishing.snapshot import published_from
        from edp_platform.warehouse.built import BuiltRecord

        today = date.today()
        warehouse = self.platform.warehouse
        models = warehouse.models
        raw = due_data_sets(self.home, self.data_sets)
        supplies = LandingStore(self.home).supplies()
        # A refusal stands, and is told, whether or not anything is due.
        refused_sets = {
            name
            for name, data_set in self.data_sets.by_name.items()
            if name in supplies and data_set.refusals("raw", today)
        }
        lake = {name: dict(held) for name, held in warehouse.lake().items()}
        for name in raw.keys() - refused_sets:
            data_set = self.data_sets.by_name[name]
            lake[name] |= wanted_signatures(self.home, data_set, supplies[name])
        record = BuiltRecord.read(self.home)
        # What the gate shuts is asked for alone, so that its refusal is on record and
        # every other mart is built and published all the same.
        refused_models = warehouse.refused_models(today)
        shut = warehouse.shut_models(refused_models)
        # What derives from nothing that has arrived is not built yet: an empty mart
        # says that nothing happened, where nobody has said so.
        without = left_out(models)
        held = warehouse.arrived | (raw.keys() - refused_sets)
        fed = models.fed_by(held, without)
        known = models.built.keys() & (fed | record.models.keys()) - without
        if after_landing:
            known &= {one for one in known if models.by_id[one].after_landing}
        due = record.due(models, lake, known - shut)
        keys = {raw_key(name) for name in raw.keys() - refused_sets}
        keys |= {dg.AssetKey(models.by_id[one].asset_key) for one in due.models}
        marts = warehouse.open_marts(refused_models, held)
        last = published_from(self.home)
        mart_ids = {one.unique_id for one in marts}
        # Before the first mart there is nothing to copy, nor a warehouse to copy from.
        has_copied = last is not None or not mart_ids.isdisjoint(record.models)
        if due.models & mart_ids or (
            has_copied and warehouse.published_state(marts) != last
        ):
            keys.add(PUBLISHED)
        if is_wanted(self.home) and (PUBLISHED in keys or is_due(self.home)):
            keys |= served_among(self.graph.get_all_asset_keys())
        refused = {raw_key(name) for name in refused_sets}
        refused |= {
            dg.AssetKey(models.by_id[one].asset_key)
            for one in refused_models
            if models.by_id[one].layer == "mart"
            and models.data_sets(one) & supplies.keys()
            and self._is_ours_to_refuse(models.data_sets(one))
        }
        months = {month for name in raw for month in raw[name]} | set(due.months)
        if due.is_full:
            months |= {month for held in lake.values() for month in held}
        return Due(
            frozenset(keys),
            frozenset(refused),
            frozenset(months - {WHOLE}),
        )

    def _is_ours_to_refuse(self, names: Collection[str]) -> bool:
        """Whether every data set is loaded: one set aside is told of already."""
        return all(name in self.data_sets.by_name for name in names)

    def run(
        self,
        keys: Collection[Any],
        wait_seconds: float,
        *,
        months: Collection[str] = (),
        named: bool = False,
        rebuild: bool = False,
        told: Any = lambda what: None,
        waiting: Any = lambda why: None,
    ) -> Any:
        """Run assets in this process; see `running.run_assets` and `scope.run_tags`."""
        from edp_platform.orchestration.running import run_assets
        from edp_platform.orchestration.scope import REBUILD_TAG, run_tags
        from edp_platform.warehouse.building import import_dbt

        tags = run_tags(months, named, f"{date.today():%Y-%m}")
        if rebuild:
            tags[REBUILD_TAG] = "true"

        if any(key.path[0] != "raw" for key in keys):
            threading.Thread(target=import_dbt, daemon=True).start()
        with self.instance() as instance:
            return run_assets(
                self.definitions,
                instance,
                keys,
                tags,
                wait_seconds=wait_seconds,
                told=told,
                waiting=waiting,
            )

    def select(self, selections: Sequence[str]) -> frozenset[Any]:
        """Resolve what a person named; see `selection.resolve`."""
        from edp_platform.orchestration.refusals import NothingSelected
        from edp_platform.orchestration.selection import resolve
        from edp_platform.orchestration.served import unless_wanted

        found = resolve(selections, self.graph)
        aside = {one.name: one for one in self.set_aside}
        named = sorted({key.path[-1] for key in found} & aside.keys())
        if named and any(one.strip("+") in aside for one in selections):
            raise NothingSelected(
                "\n".join(f"{name} is set aside: {aside[name].error}" for name in named)
            )
        found -= {key for key in found if key.path[-1] in aside}
        return unless_wanted(self.home, found, selections)

    def with_downstream(self, keys: Collection[Any]) -> frozenset[Any]:
        """Return these assets and everything that reads them, the copy included."""
        import dagster as dg

        from edp_platform.orchestration.left_out import left_out
        from edp_platform.orchestration.served import unless_wanted

        selection = dg.AssetSelection.keys(*keys).downstream()
        models = self.platform.warehouse.models
        without = {dg.AssetKey(models.by_id[one].asset_key) for one in left_out(models)}
        found = frozenset(selection.resolve(self.graph)) - (without - frozenset(keys))
        return unless_wanted(self.home, found)

    def unsupplied(
        self, keys: Collection[Any], months: Sequence[str]
    ) -> dict[str, list[str]]:
        """Return data set → months asked for that no landed file supplies."""
        from edp_platform.ingestion.landing import LandingStore, Supplies

        supplies = LandingStore(self.home).supplies()
        found = {}
        for name in sorted(key.path[-1] for key in keys if key.path[0] == "raw"):
            if not self.data_sets.by_name[name].contract.is_monthly:
                continue
            held = set(supplies.get(name, Supplies([])).months)
            missing = [month for month in months if month not in held]
            if missing:
                found[name] = missing
        return found

    def is_monthly(self, data_set: str) -> bool:
        """Whether a data set is kept by month."""
        found: bool = self.data_sets.by_name[data_set].contract.is_monthly
        return found

    def supplied_months(self) -> set[str]:
        """Return every month that some landed file supplies."""
        from edp_platform.ingestion.landing import WHOLE, LandingStore

        supplies = LandingStore(self.home).supplies()
        return {month for each in supplies.values() for month in each.months} - {WHOLE}
