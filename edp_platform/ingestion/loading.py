"""Load months of one data set: any range in one call, each month in one rename."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import polars as pl

from edp_platform.datasets import DataSet
from edp_platform.files import write_json
from edp_platform.home import Home
from edp_platform.ingestion.cleansed_cells import cleansed_by_rule
from edp_platform.ingestion.lake import (
    ensure_readable,
    lake_path,
    month_signature,
    read_footer,
    signatures,
    write_month,
)
from edp_platform.ingestion.landing import WHOLE, Delivery, Supplies
from edp_platform.ingestion.places import Boundaries
from edp_platform.ingestion.preparation import Prepared, keep_evidence, prepare
from edp_platform.ingestion.reconciliation import (
    Account,
    account_path,
    accounts,
    read_account,
)
from edp_platform.ingestion.revisions import (
    Revision,
    record_revisions,
    unrecorded_months,
)
from edp_platform.ingestion.row_lock import moving_rows
from edp_platform.ingestion.treatment import Treatments

#: polars uses every core within one file; a few at a time hide its waits, and Python's.
_FILES_AT_ONCE = 4


@dataclass(frozen=True)
class LoadedMonth:
    """One month as it now stands in the lake."""

    month: str
    rows: int
    changed: bool


@dataclass
class LoadResult:
    """What a load did."""

    data_set: str
    months: list[LoadedMonth] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    revisions: list[Revision] = field(default_factory=list)
    warnings: dict[str, int] = field(default_factory=dict)
    cleansed: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def changed(self) -> list[LoadedMonth]:
        """The months that were written."""
        return [month for month in self.months if month.changed]


def wanted_signatures(
    home: Home, data_set: DataSet, supplies: Supplies
) -> dict[str, str]:
    """Return month → the signature the lake should carry, for every supplied month."""
    derived = _derived_from(home, data_set)
    return {
        month: month_signature(data_set.contract, deliveries, derived)
        for month, deliveries in supplies.active_by_month().items()
    }


def due_months(home: Home, data_set: DataSet, supplies: Supplies) -> list[str]:
    """Return the months whose lake file is missing or made from something else.

    A month is due too where a release was superseded and the difference is not on
    record: an earlier release that lands late changes no row, and is still compared.
    """
    present = signatures(home, data_set.contract)
    wanted = wanted_signatures(home, data_set, supplies)
    stale = {
        month for month, signature in wanted.items() if present.get(month) != signature
    }
    return sorted(stale | unrecorded_months(home, data_set.name, supplies))


def load_months(
    home: Home,
    data_set: DataSet,
    supplies: Supplies,
    months: Sequence[str],
    *,
    rebuild: bool = False,
    progress: Callable[[LoadedMonth], None] = lambda month: None,
) -> LoadResult:
    """Load months, skipping those that stand unchanged.

    Months with no supply are left out: nothing is made up for them. The gate has been
    asked by the caller, who knows the layer and the day.

    Raises:
        UnreadableFile: a file cannot be read at all; the months before it stand.
        WriteFailed: the disk is full; every month is either old or new, none half.
    """
    with moving_rows(home):
        return _load_months(home, data_set, supplies, months, rebuild, progress)


def _load_months(
    home: Home,
    data_set: DataSet,
    supplies: Supplies,
    months: Sequence[str],
    rebuild: bool,
    progress: Callable[[LoadedMonth], None],
) -> LoadResult:
    contract = data_set.contract
    ensure_readable(home, contract)
    wanted = wanted_signatures(home, data_set, supplies)
    chosen = sorted(month for month in months if month in wanted)
    due = []
    result = LoadResult(data_set.name)
    for month in chosen:
        footer = read_footer(lake_path(home, data_set.name, month))
        if footer and footer.signature == wanted[month] and not rebuild:
            result.months.append(LoadedMonth(month, footer.rows, changed=False))
        else:
            due.append(month)
    if due:
        preparations = _Preparations(home, data_set, supplies, due)
        with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:

            def load(month: str) -> LoadedMonth:
                prepared = preparations.of(month)
                rows = write_month(
                    lake_path(home, data_set.name, month),
                    contract,
                    [one.rows.filter(pl.col("month") == month) for one in prepared],
                    wanted[month],
                    [one.delivery.file for one in prepared],
                )
                preparations.done(month)
                return LoadedMonth(month, rows, changed=True)

            for loaded in pool.map(load, due):
                result.months.append(loaded)
                progress(loaded)
        result.warnings = dict(preparations.warnings)
    result.months.sort(key=lambda one: one.month)
    if contract.is_cleansed:
        result.cleansed = cleansed_by_rule(home, supplies, chosen)
    # Both only read what was loaded, and neither fills a second core by itself.
    with ThreadPoolExecutor(1) as beside:
        counted = beside.submit(_accounts, home, supplies, chosen, due)
        # Of every month asked for, not only of those written now: a process that died
        # between the two would otherwise leave a difference unrecorded for good.
        result.revisions = record_revisions(home, data_set, supplies, chosen)
        result.accounts = counted.result()
    return result


def _accounts(
    home: Home, supplies: Supplies, months: Sequence[str], written: Sequence[str]
) -> list[Account]:
    """Return the account of every delivery of these months, each on record.

    Only files of months that were written now are counted again: the footer says that
    the others stand as they were counted, and one more month must cost the same after
    ten years as after one. An account that is missing, or did not add up, is counted.
    """
    wanted, changed = set(months), set(written)
    known: dict[Delivery, Account] = {}
    count = []
    for one in supplies.deliveries:
        if wanted.isdisjoint(one.months):
            continue
        recorded = read_account(home, one)
        if recorded and recorded.is_exact and changed.isdisjoint(one.months):
            known[one] = recorded
        else:
            count.append(one)
    for one, account in zip(count, accounts(home, supplies, count), strict=True):
        write_json(account_path(home, one), account.as_dict())
        known[one] = account
    return [known[one] for one in supplies.deliveries if one in known]


def _derived_from(home: Home, data_set: DataSet) -> str:
    """Return the signature of the boundaries that the data set's rows depend on."""
    places = [
        column.from_coordinates["boundaries"]
        for column in data_set.contract.columns
        if column.from_coordinates
    ]
    footers = [read_footer(lake_path(home, place, WHOLE)) for place in places]
    return "/".join(footer.signature if footer else "none" for footer in footers)


class _Preparations:
    """Each file prepared once, however many months it supplies, and then let go."""

    def __init__(
        self, home: Home, data_set: DataSet, supplies: Supplies, months: Sequence[str]
    ) -> None:
        self._home = home
        self._data_set = data_set
        self._treatments = Treatments(home, data_set)
        active = supplies.active_by_month()
        self._by_month = {month: active[month] for month in months}
        self._waiting = Counter(
            delivery for each in self._by_month.values() for delivery in each
        )
        self._locks = {delivery: threading.Lock() for delivery in self._waiting}
        self._prepared: dict[Delivery, Prepared] = {}
        self._counting = threading.Lock()
        self.warnings: Counter[str] = Counter()
        self._boundaries = self._read_boundaries()

    def _read_boundaries(self) -> Boundaries | None:
        for column in self._data_set.contract.columns:
            if column.from_coordinates:
                place = column.from_coordinates["boundaries"]
                return Boundaries.read(lake_path(self._home, place, WHOLE))
        return None

    def of(self, month: str) -> list[Prepared]:
        """Return the prepared files of a month, in the order of their scopes."""
        return [self._one(delivery) for delivery in self._by_month[month]]

    def _one(self, delivery: Delivery) -> Prepared:
        with self._locks[delivery]:
            prepared = self._prepared.get(delivery)
            if prepared is None:
                with self._treatments.reading(delivery) as path:
                    prepared = prepare(self._data_set, delivery, path, self._boundaries)
                prepared = self._treatments.hold_back(prepared)
                keep_evidence(self._home, prepared)
                self._prepared[delivery] = prepared
                with self._counting:
                    self.warnings.update(prepared.warnings)
            return prepared

    def done(self, month: str) -> None:
        """Let go of the files that no later month needs: memory stays flat."""
        with self._counting:
            for delivery in self._by_month[month]:
                self._waiting[delivery] -= 1
                if not self._waiting[delivery]:
                    self._prepared.pop(delivery, None)
