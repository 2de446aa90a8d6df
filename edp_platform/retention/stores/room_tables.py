"""Parquet files of a room of the home: quarantine, lake, linkage and the like."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from edp_platform.contracts.frame_schema import polars_type
from edp_platform.datasets import DataSets
from edp_platform.files import replacing
from edp_platform.home import Home
from edp_platform.ingestion.conversion import typed
from edp_platform.ingestion.landing import LandingStore
from edp_platform.ingestion.person_rows import (
    is_reference,
    may_hold_persons,
    words_in,
)
from edp_platform.retention.copies import Change, Exported, Held
from edp_platform.retention.people import People

#: Of the lake's compression, see `ingestion.lake`.
_COMPRESSION_LEVEL = 1


class TablesOfRoom:
    """Parquet files under one room of the home.

    A row is about a person where a text cell is their identifier, where the text of a
    record holds it as a word, or where the row is of a line that is about them.
    """

    def __init__(
        self,
        home: Home,
        data_sets: DataSets,
        name: str,
        room: str,
        *,
        corrected_by: str,
        in_use: bool,
        by_data_set: bool = True,
    ) -> None:
        self.home = home
        self.data_sets = data_sets
        self.name = name
        self.rooms = frozenset({room})
        self.folder = home.root / room
        self.corrected_by = corrected_by
        self.in_use = in_use
        self.by_data_set = by_data_set

    def find(self, people: People) -> list[Held]:
        """See `Copy`."""
        found = []
        for path in self._files():
            rows, mentions = self._judged(path, people)
            if rows.any() or mentions:
                place = str(path.relative_to(self.home.root))
                only = sum(int((one & ~rows).sum()) for one in mentions.values())
                found.append(Held(place, int(rows.sum()), only))
        return found

    def export(self, people: People) -> Exported:
        """See `Copy`."""
        told: Exported = {}
        for path in self._files():
            rows, mentions = self._judged(path, people)
            about = rows
            for one in mentions.values():
                about = about | one
            if about.any():
                frame = pl.read_parquet(path, hive_partitioning=False)
                told.setdefault(self._data_set(path), []).extend(
                    frame.filter(about).to_dicts()
                )
        return told

    def correct(self, change: Change) -> int:
        """Take it at the rebuild, when the file is read again."""
        return 0

    def restrict(self, people: People) -> int:
        """Take the rows out, where people or models work from them."""
        return self.erase(people) if self.in_use else 0

    def erase(self, people: People) -> int:
        """Rewrite the files without the persons."""
        gone = 0
        for path in self._files():
            rows, mentions = self._judged(path, people)
            if not rows.any() and not mentions:
                continue
            gone += int(rows.sum())
            self._rewrite(path, rows, mentions)
        return gone

    def _rewrite(
        self, path: Path, rows: pl.Series, mentions: dict[str, pl.Series]
    ) -> None:
        frame = pl.read_parquet(path, hive_partitioning=False)
        footer = pl.read_parquet_metadata(path)
        kept = frame.with_columns(
            pl.when(~found).then(pl.col(name)).alias(name)
            for name, found in mentions.items()
        ).filter(~rows)
        if kept.is_empty() and "edp" not in footer and not self._keeps_empty(path):
            path.unlink()
            return
        with replacing(path) as temporary:
            kept.write_parquet(
                temporary,
                compression="zstd",
                compression_level=_COMPRESSION_LEVEL,
                metadata={"edp": footer["edp"]} if "edp" in footer else None,
            )

    def _keeps_empty(self, path: Path) -> bool:
        """Whether a reader wants the file even with no row left."""
        return self.name in ("raw lake", "linkage")

    def _judged(
        self, path: Path, people: People
    ) -> tuple[pl.Series, dict[str, pl.Series]]:
        """Return which rows are about the persons, and which cells only name them."""
        schema = pl.read_parquet_schema(path)
        wanted = people.compared.implode()
        texts = [
            name
            for name, kind in schema.items()
            if kind == pl.String and name != "source_file"
        ]
        lists = [name for name, kind in schema.items() if kind == pl.List(pl.String)]
        subjects: list[pl.Expr] = [
            _compared(pl.col(name)).is_in(wanted).fill_null(False).alias(name)
            for name in texts
        ]
        subjects += [
            pl.col(name)
            .list.eval(_compared(pl.element()).is_in(wanted))
            .list.any()
            .fill_null(False)
            .alias(name)
            for name in lists
        ]
        if "record" in texts:  # what was received, in one text
            subjects.append(
                words_in(pl.col("record"))
                .list.eval(pl.element().is_in(wanted))
                .list.any()
                .fill_null(False)
                .alias("record")
            )
            subjects = [
                one
                for at, one in enumerate(subjects)
                if at == len(subjects) - 1 or one.meta.output_name() != "record"
            ]
        lines = people.line_frame
        places = {"source_file", "source_line"} <= schema.keys() and lines.height > 0
        needed = [*texts, *lists, *(("source_file", "source_line") if places else ())]
        frame = pl.read_parquet(path, columns=needed, hive_partitioning=False)
        hits = frame.select(subjects) if subjects else pl.DataFrame()
        nothing = pl.repeat(False, frame.height, eager=True, dtype=pl.Boolean)
        rows, mentions = nothing, {}
        for name in hits.columns:
            if not hits[name].any():
                continue
            if is_reference(name):
                mentions[name] = hits[name]
            else:
                rows = rows | hits[name]
        if places:
            known = frame.select("source_file", "source_line").join(
                lines.with_columns(found=True),
                on=["source_file", "source_line"],
                how="left",
                maintain_order="left",
            )["found"]
            rows = rows | known.fill_null(False)
        return rows, mentions

    def _files(self) -> list[Path]:
        found = []
        for path in sorted(self.folder.rglob("*.parquet")):
            data_set = self.data_sets.by_name.get(self._data_set(path))
            is_ours = self.by_data_set and data_set is not None
            if is_ours and not may_hold_persons(data_set.contract):  # type: ignore[union-attr]
                continue
            found.append(path)
        return found

    def _data_set(self, path: Path) -> str:
        parts = path.relative_to(self.folder).parts
        if self.name == "restricted lines":
            parts = parts[1:]
        return parts[0] if len(parts) > 1 else path.stem


class Linkage(TablesOfRoom):
    """Pairs, persons and the queue, made again at will, and people's decisions."""

    def restrict(self, people: People) -> int:
        """Take the persons out of what is made; what people decided stays on record."""
        gone = 0
        for path in self._files():
            rows, mentions = self._judged(path, people)
            if path.stem != "decisions" and (rows.any() or mentions):
                gone += int(rows.sum())
                self._rewrite(path, rows, mentions)
        return gone


class Lake(TablesOfRoom):
    """The raw lake, which takes a correction at once and again at the next load."""

    def correct(self, change: Change) -> int:
        """Put the value in the rows of the records, typed as the contract types it."""
        contract = self.data_sets.by_name[change.data_set].contract
        column = contract.column(change.column)
        deliveries = {
            one.account_name: one
            for one in LandingStore(self.home).deliveries(change.data_set)
        }
        text = pl.DataFrame({column.name: [change.value or None]}).cast(pl.String)
        value = text.select(typed(column))[column.name].cast(
            polars_type(column.logical_type)
        )
        done = 0
        for path in sorted((self.folder / change.data_set).rglob("*.parquet")):
            frame = pl.read_parquet(path, hive_partitioning=False)
            wanted = pl.lit(False)
            for account, lines in change.lines.items():
                wanted = wanted | (
                    (pl.col("source_file") == deliveries[account].file)
                    & pl.col("source_line").is_in([*lines])
                )
            hits = frame.select(wanted.alias("hit"))["hit"]
            if not hits.any():
                continue
            done += int(hits.sum())
            footer = pl.read_parquet_metadata(path)
            with replacing(path) as temporary:
                frame.with_columns(
                    pl.when(hits)
                    .then(value)
                    .otherwise(pl.col(column.name))
                    .alias(column.name)
                ).write_parquet(
                    temporary,
                    compression="zstd",
                    compression_level=_COMPRESSION_LEVEL,
                    metadata={"edp": footer["edp"]} if "edp" in footer else None,
                )
        return done


def _compared(value: pl.Expr) -> pl.Expr:
    return value.str.strip_chars(" ").str.to_uppercase()
