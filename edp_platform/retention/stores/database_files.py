"""DuckDB files: the warehouse, and the published copies of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from edp_platform.datasets import DataSets
from edp_platform.files import read_json, replacing, write_json
from edp_platform.home import Home
from edp_platform.ingestion.person_rows import (
    is_reference,
)
from edp_platform.publishing.snapshot import copy_anew_next
from edp_platform.retention.copies import Change, Exported, Held
from edp_platform.retention.people import People


class DuckDbFiles(ABC):
    """DuckDB files whose tables are searched by every text column."""

    def __init__(self, home: Home) -> None:
        self.home = home

    @abstractmethod
    def paths(self) -> list[Path]:
        """Return the files."""

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
