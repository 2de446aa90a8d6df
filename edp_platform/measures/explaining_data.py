"""The rows beneath a figure at two publications, and the states between them.

Of each month of each data set whose lake file differs, the rows of both are laid side by
side by the identifier that the contract names, and changed one kind at a time:

1. *publisher's revision*: rows the later release no longer has; values other than classes
   of rows that both have (a map point, an outcome's date); rows without an identifier,
   which nobody can follow from one release to the next; and every cell of a table of
   figures, whose rows are no records (a count by ward and offence).
2. *reclassification*: values of coded columns (a type of crime, an outcome) of rows that
   both have.
3. *late records*: rows that only the later release has, or the whole of a file that had
   not arrived.

A column is coded where its contract lists its values or names a code list. A row is a
record where the data set is kept by month and one column identifies it. Rows that share
an identifier are paired by their values, sorted, as `edp revisions` does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from edp_platform.contracts import Contract
from edp_platform.contracts.frame_schema import lake_schema
from edp_platform.datasets import DataSet
from edp_platform.home import Home
from edp_platform.ingestion.lake import lake_path, read_footer
from edp_platform.ingestion.landing import WHOLE, Delivery, LandingStore
from edp_platform.ingestion.places import Boundaries
from edp_platform.ingestion.preparation import prepare
from edp_platform.ingestion.treatment import Treatments
from edp_platform.measures.explaining import LATE, RECLASSIFICATION, REVISION
from edp_platform.measures.history import Lake, Mark
from edp_platform.rights.restrictions import Restrictions
from edp_platform.told import Told

#: The kinds of change of data, in the order of the walk.
OF_DATA = (REVISION, RECLASSIFICATION, LATE)


class NotOnRecord(Told):
    """What a lake file was made of cannot be read again."""


@dataclass(frozen=True)
class Slice:
    """One month of one data set whose lake file differs between two publications.

    Attributes:
        data_set: its name.
        month: YYYY-MM, or `landing.WHOLE`.
        before, after: what it was made of; None where there was none.
    """

    data_set: str
    month: str
    before: Mark | None
    after: Mark | None

    @property
    def is_same_files(self) -> bool:
        """Whether both were made of the same landed files."""
        return (
            self.before is not None
            and self.after is not None
            and self.before.files == self.after.files
        )

    @property
    def is_disposed(self) -> bool:
        """Whether rows of a file of the earlier one were taken out or treated since."""
        return (
            self.is_same_files
            and self.before is not None
            and self.after is not None
            and self.before.out != self.after.out
        )

    @property
    def is_read_otherwise(self) -> bool:
        """Whether the same bytes were read by another contract or reading version."""
        return self.is_same_files and not self.is_disposed


def slices(before: Lake, after: Lake, data_sets: Collection[str]) -> list[Slice]:
    """Return what differs between two states of the lake, of these data sets."""
    return [
        Slice(
            name, month, before.get(name, {}).get(month), after.get(name, {}).get(month)
        )
        for name in sorted(data_sets)
        for month in sorted({*before.get(name, {}), *after.get(name, {})})
        if before.get(name, {}).get(month) != after.get(name, {}).get(month)
    ]


class LakeRows:
    """The rows of lake files as they stand, or read again from landing as they stood."""

    def __init__(self, home: Home, data_sets: Mapping[str, DataSet]) -> None:
        self._home = home
        self._data_sets = data_sets
        self._store = LandingStore(home)
        self._read: dict[tuple[str, str], pl.DataFrame] = {}

    @cached_property
    def _deliveries(self) -> dict[tuple[str, str], list[Delivery]]:
        found: dict[tuple[str, str], list[Delivery]] = {}
        for one in sorted(self._store.deliveries(), key=lambda each: each.order):
            found.setdefault((one.data_set, one.file), []).append(one)
        return found

    def of(self, data_set: str, month: str, mark: Mark | None) -> pl.DataFrame:
        """Return the rows of one lake file as it was made of this, all lake columns.

        What was disposed of or restricted since is not among them.

        Raises:
            NotOnRecord: the data set is not loaded, or a file is in landing no more.
        """
        owner = self._data_sets.get(data_set)
        if owner is None:
            raise NotOnRecord(
                f"{data_set} is set aside, so its rows cannot be read. See edp status."
            )
        schema = lake_schema(owner.contract)
        if mark is None:
            return pl.DataFrame(schema=schema)
        path = lake_path(self._home, data_set, month)
        footer = read_footer(path)
        if footer is not None and footer.signature == mark.signature:
            return pl.read_parquet(path, hive_partitioning=False).select(*schema)
        frames = [self._prepared(owner, file, month) for file in mark.files]
        return pl.concat([pl.DataFrame(schema=schema), *frames])

    def scopes(self, data_set: str, month: str, mark: Mark | None) -> dict[str, str]:
        """Return scope → file of what a lake file was made of."""
        found = {}
        for file in mark.files if mark else ():
            for one in self._deliveries.get((data_set, file), ()):
                if month in one.months:
                    found[one.scope] = file
        return found

    def _prepared(self, owner: DataSet, file: str, month: str) -> pl.DataFrame:
        key = (owner.name, file)
        if key not in self._read:
            known = self._deliveries.get(key, [])
            if not known or not self._store.original(known[-1].sha256).exists():
                raise NotOnRecord(
                    f"The file {file} of {owner.name} is in landing no more, so the rows "
                    "that the earlier figure was made of cannot be read again."
                )
            treatments = Treatments(self._home, owner)
            with treatments.reading(known[-1]) as path:
                rows = prepare(owner, known[-1], path, self._boundaries(owner)).rows
            is_held = Restrictions(self._home).rows_of(rows, owner.contract)
            self._read[key] = rows.filter(~is_held)
        return (
            self._read[key]
            .filter(pl.col("month") == month)
            .select(*lake_schema(owner.contract))
        )

    def _boundaries(self, owner: DataSet) -> Boundaries | None:
        for column in owner.contract.columns:
            if column.from_coordinates:
                place = column.from_coordinates["boundaries"]
                return Boundaries.read(lake_path(self._home, place, WHOLE))
        return None


def stages(
    before: pl.DataFrame,
    after: pl.DataFrame,
    contract: Contract,
    arrived: Collection[str] = (),
) -> list[tuple[str, pl.DataFrame]]:
    """Return the rows of a lake file after each kind of change, from one to the other.

    Args:
        before, after: the rows of both, all lake columns.
        contract: of the data set.
        arrived: files of `after` of a scope that had none before: their rows are late,
            with an identifier or without.

    Returns:
        (cause, rows) for each of `OF_DATA`; the last holds the rows of `after`.
    """
    columns = after.columns
    is_late = pl.col("source_file").is_in(sorted(arrived))
    late = after.filter(is_late)
    rest = after.filter(~is_late)
    if not _is_of_records(contract):
        return [(REVISION, rest), (RECLASSIFICATION, rest), (LATE, after)]
    names = [one.name for one in contract.received if one.name in columns]
    (key,) = contract.identity
    coded = [
        one.name
        for one in contract.received
        if (one.known_values or one.code_list)
        and one.name in columns
        and one.name != key
    ]
    old, new = (
        _numbered(frame.filter(pl.col(key).is_not_null()), key, names)
        for frame in (before, rest)
    )
    nameless = rest.filter(pl.col(key).is_null())
    on = [key, "nth"]
    classes = old.select(
        *on, *(pl.col(name).alias(f"{name}__before") for name in coded)
    )
    both = new.join(classes, on=on, how="inner", nulls_equal=True)
    added = new.join(classes, on=on, how="anti", nulls_equal=True).select(columns)
    as_before = both.with_columns(
        pl.col(f"{name}__before").alias(name) for name in coded
    ).select(columns)
    revised = pl.concat([as_before, nameless])
    reclassified = pl.concat([both.select(columns), nameless])
    return [
        (REVISION, revised),
        (RECLASSIFICATION, reclassified),
        (LATE, pl.concat([reclassified, added, late])),
    ]


def kinds(
    before: pl.DataFrame, staged: Sequence[tuple[str, pl.DataFrame]], contract: Contract
) -> set[str]:
    """Return the kinds of change that changed a row: what is received, whatever order."""
    names = [one.name for one in contract.received if one.name in before.columns]
    found, last = set(), before
    for cause, rows in staged:
        if not _is_equal(last.select(names), rows.select(names)):
            found.add(cause)
        last = rows
    return found


def arrived_files(
    earlier: Mapping[str, str], later: Mapping[str, str]
) -> Iterator[str]:
    """Yield the files of scopes that had none before (see `LakeRows.scopes`)."""
    for scope, file in later.items():
        if scope not in earlier:
            yield file


def _is_of_records(contract: Contract) -> bool:
    return contract.is_monthly and len(contract.identity) == 1


def _numbered(frame: pl.DataFrame, key: str, names: Sequence[str]) -> pl.DataFrame:
    """Number the rows that share an identifier, by their values."""
    return frame.sort(names, nulls_last=True).with_columns(
        nth=pl.int_range(pl.len(), dtype=pl.Int64).over(key)
    )


def _is_equal(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    if one.height != other.height:
        return False
    names = one.columns
    return one.sort(names, nulls_last=True).equals(other.sort(names, nulls_last=True))
