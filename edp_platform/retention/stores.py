"""The platform's own stores as copies: landing, evidence, lake, warehouse, published.

Each is searched whole, by every text column, whatever the column is called: a model that
renames an identifier does not hide a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from edp_platform.append_only import AppendOnly
from edp_platform.contracts import Contract
from edp_platform.contracts.frame_schema import polars_type
from edp_platform.datasets import DataSets
from edp_platform.files import read_json, replacing, write_json
from edp_platform.home import Home
from edp_platform.ingestion.conversion import typed
from edp_platform.ingestion.landing import SHORT, Delivery, LandingStore, Supplies
from edp_platform.ingestion.person_rows import (
    Marked,
    is_reference,
    mark,
    person_keys,
    record_cells,
    without,
    words_in,
)
from edp_platform.ingestion.readers import UnreadableFile
from edp_platform.ingestion.treatment import RECTIFICATION, Corrections
from edp_platform.publishing.snapshot import copy_anew_next
from edp_platform.retention.copies import Change, Exported, Held, register
from edp_platform.retention.people import People
from edp_platform.retention.served import ServedTables

#: Of the lake's compression, see `ingestion.lake`.
_COMPRESSION_LEVEL = 1


def may_hold_persons(contract: Contract | None) -> bool:
    """Whether a data set's rows may name a person the platform knows by identifier.

    A data set whose contract cannot be read may.
    """
    if contract is None:
        return True
    return bool(person_keys(contract)) or any(
        column.identifier_class == "direct" for column in contract.columns
    )


class Landing:
    """The originals, and the corrections beside them."""

    name = "landing"
    rooms = frozenset({"landing"})
    in_use = False
    corrected_by = "the original stays as received"

    def __init__(self, home: Home, data_sets: DataSets) -> None:
        self.home = home
        self.store = LandingStore(home)
        self.data_sets = data_sets

    def marks(self, people: People) -> dict[str, Marked]:
        """Return SHA-256 → what of the file concerns the persons, for files with any.

        Raises:
            UnreadableFile: a file that may name persons cannot be read by row, so
                nobody can say whether it does.
        """
        found = {}
        for sha256, contract in self._files().items():
            marked = mark(self.store.original(sha256), contract, people.nominal_ids)
            if not marked.is_empty:
                found[sha256] = marked
        return found

    def find(self, people: People) -> list[Held]:
        """See `Copy`."""
        return self.held(self.marks(people))

    def held(self, marks: Mapping[str, Marked]) -> list[Held]:
        """Return what `find` would, of marks that were just made."""
        return [
            Held(f"landing/{sha256[:SHORT]}", len(one.lines), len(one.cells))
            for sha256, one in marks.items()
        ]

    def export(self, people: People) -> Exported:
        """See `Copy`: each record as received, under the name of its file."""
        names = {one.sha256: one for one in self.store.deliveries()}
        rows: Exported = {}
        for sha256, marked in self.marks(people).items():
            path = self.store.original(sha256)
            delivery = names[sha256]
            rows.setdefault(delivery.data_set, []).extend(
                {
                    "file": delivery.name,
                    "line": line,
                    "supplied_by": delivery.supplier,
                    "landed_at": delivery.landed_at,
                    "record": record_cells(path, line),
                }
                for line in (*marked.lines, *marked.cells)
            )
        return rows

    def correct(self, change: Change) -> int:
        """Keep the originals: what was received stays on record."""
        return 0

    def restrict(self, people: People) -> int:
        """Keep the originals, and make their months due: the lake holds them back."""
        for sha256 in self.marks(people):
            self.store.treat(sha256)
        return 0

    def erase(self, people: People) -> int:
        """Rewrite the files without the persons."""
        gone = 0
        for sha256, marked in self.marks(people).items():
            self.rewrite(sha256, marked)
            gone += len(marked.lines)
        return gone

    def rewrite(self, sha256: str, marked: Marked) -> tuple[str, str]:
        """Rewrite one file without what is marked; return its hash before and after."""
        path = self.store.original(sha256)
        return self.store.rewrite(sha256, without(path.read_bytes(), path, marked))

    def _files(self) -> dict[str, Contract | None]:
        """Return SHA-256 → contract of the files that may name persons."""
        found: dict[str, Contract | None] = {}
        for delivery in self.store.deliveries():
            data_set = self.data_sets.by_name.get(delivery.data_set)
            contract = data_set.contract if data_set else None
            if not may_hold_persons(contract):
                continue
            if contract is None and not _is_text(self.store.original(delivery.sha256)):
                continue  # a spreadsheet or map whose data set is set aside
            found[delivery.sha256] = contract
        return found


def _is_text(path: Path) -> bool:
    with path.open("rb") as stream:
        return b"\0" not in stream.read(4096)


class Passing:
    """What passes through while it is landed or read; a kill may leave it behind."""

    name = "passing through"
    rooms = frozenset({"incoming"})
    corrected_by = "gone once it is read"
    in_use = False

    def __init__(self, home: Home, data_sets: DataSets) -> None:
        self.home = home
        self.folder = home.root / "incoming"

    def find(self, people: People) -> list[Held]:
        """See `Copy`: text files, by word."""
        root = self.home.root
        return [Held(str(path.relative_to(root)), 1) for path in self._about(people)]

    def export(self, people: People) -> Exported:
        """Nothing: it is a copy of what landing holds."""
        return {}

    def correct(self, change: Change) -> int:
        """Nothing: it is gone once it is read."""
        return 0

    def restrict(self, people: People) -> int:
        """Nothing: nobody works from it."""
        return 0

    def erase(self, people: People) -> int:
        """Delete the files: nothing lands or loads while a disposal holds the rows."""
        found = self._about(people)
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)

    def _about(self, people: People) -> list[Path]:
        wanted = people.compared
        found = []
        for path in sorted(self.folder.rglob("*")):
            if not path.is_file() or not _is_text(path):
                continue
            text = pl.DataFrame({"text": [path.read_text("utf-8", "replace")]})
            words = text.select(words_in(pl.col("text")))["text"].explode()
            if words.is_in(wanted.implode()).any():
                found.append(path)
        return found


class CorrectionsBeside:
    """What people put in the place of records: values, so a copy like any other."""

    name = "corrections"
    rooms = frozenset({"corrections"})
    in_use = False
    corrected_by = "the correction is recorded here, beside the original"

    def __init__(self, home: Home, data_sets: DataSets) -> None:
        self.home = home

    def find(self, people: People) -> list[Held]:
        """See `Copy`."""
        found = []
        for path, rows in self._files():
            count = sum(self._is_about(row, path, people) for row in rows)
            if count:
                found.append(Held(str(path.relative_to(self.home.root)), count))
        return found

    def export(self, people: People) -> Exported:
        """See `Copy`."""
        told: Exported = {}
        for path, rows in self._files():
            about = [row for row in rows if self._is_about(row, path, people)]
            if about:
                told.setdefault(path.parent.name, []).extend(about)
        return told

    def correct(self, change: Change) -> int:
        """Record the correction of each record, and make its months due."""
        store = LandingStore(self.home)
        known = {one.account_name: one for one in store.deliveries(change.data_set)}
        now = datetime.now(UTC)
        for account, lines in change.lines.items():
            for line in lines:
                Corrections(self.home, known[account]).add(
                    line,
                    {change.received_as: change.value},
                    kind=RECTIFICATION,
                    state="in force",
                    by=change.by,
                    reason=change.reason,
                    now=now,
                )
            store.treat(known[account].sha256)
        return sum(len(lines) for lines in change.lines.values())

    def restrict(self, people: People) -> int:
        """Keep them: they apply again when the restriction is lifted."""
        return 0

    def erase(self, people: People) -> int:
        """Rewrite the files without what is about the persons."""
        gone = 0
        for path, rows in self._files():
            about = {row["id"] for row in rows if self._is_about(row, path, people)}
            if not about:
                continue
            rest = [row for row in rows if row["id"] not in about]
            gone += len(about)
            if rest:
                with replacing(path) as temporary:
                    AppendOnly(temporary).add(*rest)
            else:
                path.unlink()
        return gone

    def _files(self) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
        for path in sorted(self.home.corrections.glob("*/*.jsonl")):
            yield path, AppendOnly(path).rows()

    def _is_about(self, row: dict[str, Any], path: Path, people: People) -> bool:
        if "line" not in row:
            return False  # ends an earlier row, and says nothing of anybody
        if row["line"] in people.lines.get(path.stem[:SHORT], ()):
            return True
        values = {str(value).strip().upper() for value in row["change"].values()}
        return bool(values & set(people.compared))


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


class DuckDbFiles:
    """DuckDB files whose tables are searched by every text column."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def paths(self) -> list[Path]:
        """Return the files."""
        raise NotImplementedError

    def find(self, people: People) -> list[Held]:
        """See `Copy`."""
        found = []
        for path in self.paths():
            for table, subject, mention in _counted(path, people):
                place = f"{path.relative_to(self.home.root)}/{table}"
                found.append(Held(place, subject, mention))
        return found

    def export(self, people: People) -> Exported:
        """See `Copy`."""
        told: Exported = {}
        for path in self.paths():
            with closing(_opened(path, people)) as connection:
                for schema, table, texts in _text_columns(connection):
                    rows = connection.execute(
                        f"select * from main_file.{_name(schema, table)} where "
                        + _any_of(texts)
                    ).pl()
                    if rows.height:
                        told.setdefault(f"{schema}.{table}", []).extend(rows.to_dicts())
        return told

    def correct(self, change: Change) -> int:
        """Take it at the rebuild."""
        return 0


class Warehouse(DuckDbFiles):
    """The file that only the pipeline opens."""

    name = "warehouse"
    rooms = frozenset({"warehouse"})
    in_use = True
    corrected_by = "rebuilt from the lake by the next run"

    def __init__(self, home: Home, data_sets: DataSets) -> None:
        super().__init__(home)

    def paths(self) -> list[Path]:
        """See `DuckDbFiles`."""
        return [self.home.warehouse] if self.home.warehouse.exists() else []

    def restrict(self, people: People) -> int:
        """Take the rows out; the next run builds without them."""
        return self.erase(people)

    def erase(self, people: People) -> int:
        """Write the file anew without the persons.

        A deletion alone would leave the old rows readable in the file's free blocks.
        """
        return sum(_written_without(path, people) for path in self.paths())


class Published(DuckDbFiles):
    """The read-only copies that people query, older ones too."""

    name = "published copy"
    rooms = frozenset({"published"})
    in_use = True
    corrected_by = "published anew by the next run; older copies are deleted"

    def __init__(self, home: Home, data_sets: DataSets) -> None:
        super().__init__(home)

    def paths(self) -> list[Path]:
        """See `DuckDbFiles`."""
        return sorted(self.home.published.glob("*.duckdb"))

    def restrict(self, people: People) -> int:
        """Take the persons out of every copy."""
        return self.erase(people)

    def erase(self, people: People) -> int:
        """Write the current copy anew without the persons; delete the older ones.

        An older copy also holds counts that they were part of.
        """
        pointer = read_json(self.home.published / "current.json", {})
        copy_anew_next(self.home)
        gone = 0
        for path in self.paths():
            held = sum(
                subject + mention for _, subject, mention in _counted(path, people)
            )
            if path.stem != pointer.get("id"):
                path.unlink()
                gone += held
            elif held:
                gone += _written_without(path, people)
                path.chmod(0o440)
                counts = _row_counts(path)
                rows = {name: counts.get(name, 0) for name in pointer["rows"]}
                write_json(
                    self.home.published / "current.json", pointer | {"rows": rows}
                )
        return gone


def _opened(path: Path, people: People, read_only: bool = True) -> Any:
    """Open a file as `main_file` beside a table `wanted` of the identifiers."""
    connection = duckdb.connect()
    try:
        mode = " (read_only)" if read_only else ""
        connection.execute(f"attach '{_quoted(path)}' as main_file{mode}")
        frame = people.compared.to_frame("nominal_id")
        connection.register("given", frame.to_arrow())
        connection.execute("create temp table wanted as from given")
    except BaseException:
        connection.close()
        raise
    return connection


def _text_columns(connection: Any) -> list[tuple[str, str, dict[str, str]]]:
    """Return schema, table and text columns with type, of every table of a file."""
    rows = connection.execute(
        "select schema_name, table_name, column_name, data_type "
        "from duckdb_columns() join duckdb_tables() "
        "using (database_name, schema_name, table_name) "
        "where database_name = 'main_file' order by all"
    ).fetchall()
    tables: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, kind in rows:
        texts = tables.setdefault((schema, table), {})
        if kind in ("VARCHAR", "VARCHAR[]"):
            texts[column] = kind
    return [(schema, table, texts) for (schema, table), texts in tables.items()]


def _is_one(column: str, kind: str) -> str:
    """Return the SQL that says whether a cell is one of the identifiers wanted."""
    name = '"' + column.replace('"', '""') + '"'
    if kind == "VARCHAR":
        return (
            f"coalesce(upper(trim({name})) in (select nominal_id from wanted), false)"
        )
    return (
        f"coalesce(list_has_any(list_transform({name}, lambda v: upper(trim(v))), "
        "(select list(nominal_id) from wanted)), false)"
    )


def _any_of(texts: dict[str, str], references: bool | None = None) -> str:
    """Return the SQL that says whether any of these columns is one of them.

    Args:
        texts: column → type.
        references: only columns that name somebody the row is not about, or only the
            others; None for all.
    """
    chosen = [
        _is_one(column, kind)
        for column, kind in texts.items()
        if references is None or is_reference(column) == references
    ]
    return " or ".join(chosen) or "false"


def _counted(path: Path, people: People) -> list[tuple[str, int, int]]:
    """Return table, rows about the persons, rows that only name them."""
    found = []
    with closing(_opened(path, people)) as connection:
        for schema, table, texts in _text_columns(connection):
            if not texts:
                continue
            subject, mention = connection.execute(
                "select count(*) filter (about), count(*) filter (naming and not about)"
                f" from (select {_any_of(texts, False)} as about, "
                f"{_any_of(texts, True)} as naming from main_file."
                f"{_name(schema, table)})"
            ).fetchone()
            if subject or mention:
                found.append((f"{schema}.{table}", int(subject), int(mention)))
    return found


def _written_without(path: Path, people: People) -> int:
    """Write a DuckDB file anew without the persons; return the rows that went.

    Raises:
        duckdb.IOException: another process has it open.
        WriteFailed: the disk is full; the file is as it was.
    """
    gone = 0
    path.chmod(0o640)
    # Opened to write, which nothing else can be doing then, and closed after the new
    # file stands in its place.
    with (
        closing(_opened(path, people, read_only=False)) as connection,
        replacing(path) as temporary,
    ):
        connection.execute(f"attach '{_quoted(temporary)}' as new_file")
        connection.execute("copy from database main_file to new_file (schema)")
        for schema, table, texts in _text_columns(connection):
            naming = {one: kind for one, kind in texts.items() if is_reference(one)}
            blanked = ", ".join(
                f'case when not {_is_one(one, kind)} then "{one}" end as "{one}"'
                for one, kind in naming.items()
            )
            replaced = f" replace ({blanked})" if naming else ""
            name = _name(schema, table)
            connection.execute(
                f"insert into new_file.{name} select *{replaced} "
                f"from main_file.{name} where not ({_any_of(texts, False)})"
            )
            before, after = (
                connection.execute(f"select count(*) from {file}.{name}").fetchone()[0]
                for file in ("main_file", "new_file")
            )
            gone += before - after
        connection.execute("detach new_file")
    return gone


def _row_counts(path: Path) -> dict[str, int]:
    with closing(duckdb.connect(str(path), read_only=True)) as connection:
        tables = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'marts'"
        ).fetchall()
        return {
            name: int(
                connection.execute(f'select count(*) from marts."{name}"').fetchone()[0]  # type: ignore[index]
            )
            for (name,) in tables
        }


def _name(schema: str, table: str) -> str:
    return f'"{schema}"."{table}"'


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _compared(value: pl.Expr) -> pl.Expr:
    return value.str.strip_chars(" ").str.to_uppercase()


def account_lines(
    home: Home, data_set: str, marks: Mapping[str, Marked]
) -> dict[str, tuple[int, ...]]:
    """Return account of each active file of a data set → lines about some persons."""
    supplies = Supplies(LandingStore(home).deliveries(data_set))
    found: dict[str, tuple[int, ...]] = {}
    for delivery in supplies.deliveries:
        if _is_active(supplies, delivery) and delivery.sha256 in marks:
            lines = marks[delivery.sha256].lines
            if lines:
                found[delivery.account_name] = lines
    return found


def _is_active(supplies: Supplies, delivery: Delivery) -> bool:
    return any(supplies.is_active(delivery, month) for month in delivery.months)


register(Landing)
register(Passing)
register(CorrectionsBeside)
register(
    lambda home, data_sets: TablesOfRoom(
        home,
        data_sets,
        "quarantine",
        "quarantine",
        corrected_by="corrected and released by edp quarantine",
        in_use=False,
    )
)
register(
    lambda home, data_sets: TablesOfRoom(
        home,
        data_sets,
        "repeats set aside",
        "set_aside",
        corrected_by="holds no values",
        in_use=False,
    )
)
register(
    lambda home, data_sets: TablesOfRoom(
        home,
        data_sets,
        "cleansed cells",
        "cleansed",
        corrected_by="written again when the file is read again",
        in_use=False,
    )
)
register(
    lambda home, data_sets: TablesOfRoom(
        home,
        data_sets,
        "restricted lines",
        "rights",
        corrected_by="holds no values",
        in_use=False,
    )
)
register(
    lambda home, data_sets: Lake(
        home,
        data_sets,
        "raw lake",
        "raw",
        corrected_by="corrected at once, and loaded so from then on",
        in_use=True,
    )
)
register(
    lambda home, data_sets: Linkage(
        home,
        data_sets,
        "linkage",
        "linkage",
        corrected_by="worked out again by the next linkage",
        in_use=False,
        by_data_set=False,
    )
)
register(
    lambda home, data_sets: TablesOfRoom(
        home,
        data_sets,
        "review list",
        "retention",
        corrected_by="worked out again by the next review",
        in_use=False,
        by_data_set=False,
    )
)
register(Warehouse)
register(Published)
register(ServedTables)

#: What `Landing.marks` raises where a file cannot be read by row.
UNSEARCHABLE = (UnreadableFile,)
