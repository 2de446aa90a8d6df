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
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

from edp_platform.files import read_json, replacing, write_json
from edp_platform.home import Home
from edp_platform.ingestion.readers.delimited import count_records

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
    under another month's name. `disposed` is how many of the records were taken out
    since, or before they were kept, because of whom they were about; `treated` is
    raised whenever what is loaded of the file changes while its bytes stay (a
    correction, a restriction), so that its months become due.
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
    treated: int = 0

    @property
    def file(self) -> str:
        """The short identity that lake rows carry as `source_file`."""
        return self.sha256[:SHORT]

    @property
    def landed_on(self) -> date:
        """The day it landed: what a row calls past may not lie after it."""
        return date.fromisoformat(self.landed_at[:10])

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

    def land(
        self,
        source: Path,
        delivery: Delivery,
        kept: Callable[[Path], bytes | None] = lambda path: None,
    ) -> tuple[Delivery, bool]:
        """Keep the file and its receipt.

        Args:
            source: the file; read, never changed.
            delivery: what it is, with the SHA-256 of exactly these bytes.
            kept: given a copy of the file, what is kept of it: None for all, else the
                bytes without the records that may not come back.

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
        receipt = read_json(self._receipt(delivery.sha256), {})
        if not known:
            self._refuse_collision(delivery)
            with replacing(self.original(delivery.sha256)) as temporary:
                shutil.copyfile(source, temporary)
                if sha256_of(temporary) != delivery.sha256:
                    raise LandingFailed(
                        f"{delivery.name} changed while it was being read; it was not "
                        "landed. Land it again once it is complete."
                    )
                content = kept(temporary)
                if content is not None:
                    temporary.write_bytes(content)
                    rest = count_records(temporary)
                    delivery = replace(delivery, disposed=delivery.records - rest)
                    receipt["stored_sha256"] = sha256_of(temporary)
                temporary.chmod(0o440)
        else:
            # The same bytes again, of which the same records are gone already.
            delivery = replace(
                delivery, disposed=known[-1].disposed, treated=known[-1].treated
            )
        delivery = replace(
            delivery, nth=sum(old.data_set == delivery.data_set for old in known)
        )
        deliveries = [asdict(one) for one in [*known, delivery]]
        write_json(self._receipt(delivery.sha256), receipt | {"deliveries": deliveries})
        # One file to look at, so that watching a store of thousands costs nothing.
        (self.folder / "changed").touch()
        return delivery, True

    def stored_sha256(self, sha256: str) -> str:
        """Return the hash of the bytes kept: the identity, until rows were disposed."""
        stated: str = read_json(self._receipt(sha256), {}).get("stored_sha256", sha256)
        return stated

    def rewrite(self, sha256: str, content: bytes) -> tuple[str, str]:
        """Keep other bytes under the same identity: rows were disposed of.

        Done twice it gives the same, so that a disposal killed in the middle can be
        taken up again.

        Args:
            sha256: identity of the file, the hash of what was received.
            content: what is kept of it from now on.

        Returns:
            the hash of what stood there before, and of what stands there now.

        Raises:
            WriteFailed: the disk is full or read-only; the file is as it was.
        """
        receipt = read_json(self._receipt(sha256))
        before = sha256_of(self.original(sha256))
        with replacing(self.original(sha256)) as temporary:
            temporary.write_bytes(content)
            rest = count_records(temporary)
            after = sha256_of(temporary)
            temporary.chmod(0o440)
            deliveries = [
                item
                | {
                    "disposed": item["records"] - rest,
                    "treated": item.get("treated", 0) + (after != before),
                }
                for item in receipt["deliveries"]
            ]
            # The receipt first: killed between the two, the account is not exact, and
            # says so until the disposal is taken up again.
            write_json(
                self._receipt(sha256),
                receipt | {"deliveries": deliveries, "stored_sha256": after},
            )
        (self.folder / "changed").touch()
        return before, after

    def treat(self, sha256: str) -> None:
        """Make the months of a file due: what is loaded of it is about to change.

        Raises:
            WriteFailed: the disk is full or read-only.
        """
        receipt = read_json(self._receipt(sha256))
        for item in receipt["deliveries"]:
            item["treated"] = item.get("treated", 0) + 1
        write_json(self._receipt(sha256), receipt)
        (self.folder / "changed").touch()

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
