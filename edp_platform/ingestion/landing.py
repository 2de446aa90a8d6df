"""The landing store: each file exactly as received, once, by its SHA-256.

Beside the original stands a receipt with one *delivery* for each time it was supplied:
as which data set and slice, by whom, when, and as which release. Receipts are the only
record; everything to the right of landing can be rebuilt from them.
"""

from __future__ import annotations

import hashlib
import itertools
import shutil
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

from edp_platform.files import read_json, replacing, write_json
from edp_platform.home import Home

#: How much of the SHA-256 a lake row carries: 48 bits, which DuckDB keeps in line.
#: Landing refuses the (1 in 10^5 at 100,000 files) collision rather than mixing files.
SHORT = 12
#: The month of a data set that has none.
WHOLE = "whole"


@dataclass(frozen=True)
class Delivery:
    """One supply of one file.

    `months` are the slices it supplies ("YYYY-MM", or `WHOLE`); `scope` is what else
    its name says it is about (the force), so that slices of two forces coexist.
    `records` is the number of data rows, counted when it landed. `nth` counts the
    earlier deliveries of the same bytes to the data set: another release, or a copy
    under another month's name.
    """

    sha256: str
    name: str
    received_as: str
    data_set: str
    scope: str
    months: tuple[str, ...]
    records: int
    supplier: str
    release_date: str
    landed_at: str
    disposed: int = 0
    nth: int = 0

    @property
    def file(self) -> str:
        """The short identity that lake rows carry as `source_file`."""
        return self.sha256[:SHORT]

    @property
    def account_name(self) -> str:
        """What the file's evidence, ledger and account are named by.

        Two deliveries of the same bytes have two accounts: a copy of January named
        February is quarantined whole, and must not take January's evidence with it.
        """
        return f"{self.file}-{self.nth}" if self.nth else self.file

    @property
    def order(self) -> tuple[str, str]:
        """What decides which of two deliveries of a slice is the later release."""
        return (self.release_date, self.landed_at)


class LandingFailed(ValueError):
    """A file could not be landed; nothing was written."""


@dataclass
class Supplies:
    """The deliveries of one data set, and which one is active for each slice."""

    deliveries: list[Delivery]
    #: (scope, month) → deliveries, earliest release first; the last is active.
    slices: dict[tuple[str, str], list[Delivery]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        gathered: dict[tuple[str, str], list[Delivery]] = defaultdict(list)
        for delivery in sorted(self.deliveries, key=lambda one: one.order):
            for month in delivery.months:
                gathered[(delivery.scope, month)].append(delivery)
        self.slices = dict(gathered)

    @property
    def months(self) -> list[str]:
        """Every month that some file supplies, in order."""
        return sorted({month for _, month in self.slices})

    def active(self, month: str) -> list[Delivery]:
        """Return the active delivery of each scope of `month`, by scope."""
        chosen = [
            (scope, releases[-1])
            for (scope, each), releases in self.slices.items()
            if each == month
        ]
        return [delivery for _, delivery in sorted(chosen, key=lambda pair: pair[0])]

    def active_by_month(self) -> dict[str, list[Delivery]]:
        """Return the active deliveries of every month at once."""
        months: dict[str, list[tuple[str, Delivery]]] = defaultdict(list)
        for (scope, month), releases in self.slices.items():
            months[month].append((scope, releases[-1]))
        return {
            month: [one for _, one in sorted(pairs, key=lambda pair: pair[0])]
            for month, pairs in months.items()
        }

    def is_active(self, delivery: Delivery, month: str) -> bool:
        """Whether `delivery` is the latest release of its slice of `month`."""
        return self.slices[(delivery.scope, month)][-1] == delivery

    def superseded(self, month: str) -> list[tuple[Delivery, Delivery]]:
        """Return (earlier, later) for each release of `month` that was replaced."""
        return [
            pair
            for (_, each), releases in self.slices.items()
            if each == month
            for pair in itertools.pairwise(releases)
        ]


class LandingStore:
    """The store under `EDP_HOME/landing`."""

    def __init__(self, home: Home) -> None:
        self.folder = home.landing

    def original(self, sha256: str) -> Path:
        """Return the path of an original."""
        return self.folder / sha256[:2] / sha256 / "original"

    def _receipt(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256 / "receipt.json"

    def deliveries(self, data_set: str | None = None) -> list[Delivery]:
        """Return every delivery (of one data set), in no particular order."""
        found = []
        for receipt in self.folder.glob("??/*/receipt.json"):
            for item in read_json(receipt, {"deliveries": []})["deliveries"]:
                if data_set is None or item["data_set"] == data_set:
                    found.append(_delivery(item))
        return found

    def deliveries_of(self, sha256: str) -> list[Delivery]:
        """Return the deliveries of one file, earliest first."""
        record = read_json(self._receipt(sha256), {"deliveries": []})
        return [_delivery(item) for item in record["deliveries"]]

    def supplies(self) -> dict[str, Supplies]:
        """Return every data set's supplies, reading each receipt once."""
        gathered: dict[str, list[Delivery]] = defaultdict(list)
        for delivery in self.deliveries():
            gathered[delivery.data_set].append(delivery)
        return {name: Supplies(each) for name, each in gathered.items()}

    def find(self, prefix: str) -> list[Delivery]:
        """Return the deliveries whose SHA-256 starts with `prefix`, or so named."""
        return [
            delivery
            for delivery in self.deliveries()
            if delivery.sha256.startswith(prefix)
            or delivery.name == prefix
            or delivery.received_as == prefix
        ]

    def land(self, source: Path, delivery: Delivery) -> tuple[Delivery, bool]:
        """Keep the file and its receipt.

        Args:
            source: the file; read, never changed.
            delivery: what it is, with the SHA-256 of exactly these bytes.

        Returns:
            the delivery on record, and whether anything changed. The same bytes for
            the same slice with no later release change nothing.

        Raises:
            LandingFailed: another file has the same short identity.
            WriteFailed: the disk is full or read-only; nothing half-written.
        """
        known = self.deliveries_of(delivery.sha256)
        for old in known:
            same_slices = (old.data_set, old.scope, old.months) == (
                delivery.data_set,
                delivery.scope,
                delivery.months,
            )
            if same_slices and delivery.release_date <= old.release_date:
                return old, False
        if not known:
            self._refuse_collision(delivery)
            with replacing(self.original(delivery.sha256)) as temporary:
                shutil.copyfile(source, temporary)
                if sha256_of(temporary) != delivery.sha256:
                    raise LandingFailed(
                        f"{delivery.name} changed while it was being read; it was not "
                        "landed. Land it again once it is complete."
                    )
                temporary.chmod(0o440)
        delivery = replace(
            delivery, nth=sum(old.data_set == delivery.data_set for old in known)
        )
        write_json(
            self._receipt(delivery.sha256),
            {"deliveries": [asdict(one) for one in [*known, delivery]]},
        )
        # One file to look at, so that watching a store of thousands costs nothing.
        (self.folder / "changed").touch()
        return delivery, True

    def _refuse_collision(self, delivery: Delivery) -> None:
        folder = self.folder / delivery.sha256[:2]
        for other in folder.glob(f"{delivery.file}*"):
            if other.name != delivery.sha256 and (other / "receipt.json").exists():
                raise LandingFailed(
                    f"{delivery.name} shares the short identity {delivery.file} with "
                    "another file, so its rows could not be told apart. It was not "
                    "landed; report this, it is a one in 100,000 chance."
                )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as 64 hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def landed_now(now: datetime, sequence: int) -> str:
    """Return a landing time that keeps the order in which files were given."""
    return f"{now.isoformat(timespec='microseconds')}#{sequence:06d}"


def _delivery(item: dict[str, object]) -> Delivery:
    return Delivery(**{**item, "months": tuple(item["months"])})  # type: ignore[arg-type]


def with_release(delivery: Delivery, release: date) -> Delivery:
    """Return the same delivery as another release."""
    return replace(delivery, release_date=release.isoformat())


def newest_release(deliveries: Iterable[Delivery]) -> str | None:
    """Return the latest release date among `deliveries`."""
    return max((one.release_date for one in deliveries), default=None)
