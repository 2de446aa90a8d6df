"""Marts that SQL cannot make: dbt models in Python, and what they must say of themselves.

No SQL shows what Python makes of data, so its YAML does: of which columns each column is
made (`made_of`), and what decides which rows there are (`rows`). What is said is judged
like the lineage of SQL. What is written is held to it: the columns of the YAML, in its
types, and no others.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edp_platform.governance.column_lineage import Relation, Traced
from edp_platform.governance.product_lineage import DeclaredLineage, read_declaration
from edp_platform.warehouse.python_form import NAME, form_faults

if TYPE_CHECKING:
    import duckdb
    import polars as pl

#: Types that a column may have: the text stands in the SQL that writes it.
_TYPE = re.compile(
    r"(varchar|date|timestamp|timestamptz|boolean|tinyint|smallint|integer|bigint|float"
    r"|double|decimal\(\d+, ?\d+\))(\[\])?"
)
_PACKAGE = Path(__file__).parents[1]
_FAILED = "Python model failed"
#: Lines of a traceback as dbt indents it: a place, and the error's own.
_FRAME = re.compile(r'^ +File "')
_ERROR = re.compile(r"^ {0,2}[A-Za-z_][\w.]*(:|$)")
#: Models of the build under way whose own table the same code made.
_standing: frozenset[str] = frozenset()


class ColumnsDiffer(ValueError):
    """A model in Python made other columns than its YAML declares; nothing was written."""


def is_python(node: Mapping[str, Any]) -> bool:
    """Whether a node of the manifest is a model in Python."""
    return node.get("language") == "python"


def code_read(node: Mapping[str, Any]) -> str:
    """Return a digest of the code that a model in Python says it is made by.

    Its own text is a few lines; the method stands in the package, in the files and
    folders that its `meta.code` names, such as `analysis/signals`.

    Raises:
        FileNotFoundError: it names a file that is not there.
    """
    digest = hashlib.sha256()
    for one in _meta(node).get("code") or []:
        place = _PACKAGE / one
        for path in sorted(_files(place)) if place.is_dir() else [place]:
            digest.update(str(path.relative_to(_PACKAGE)).encode() + b"\0")
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _files(folder: Path) -> Iterator[Path]:
    """Yield the code and the YAML of a folder."""
    for suffix in (".py", ".yaml"):
        yield from folder.rglob(f"*{suffix}")


def declared(node: Mapping[str, Any]) -> tuple[Traced, tuple[str, ...]]:
    """Return the lineage that a model in Python declares, and what is wrong with it.

    Args:
        node: of the manifest.

    Returns:
        the lineage, without columns where it cannot be read; and the faults, in words.
    """
    faults = [*form_faults(node["raw_code"])]
    columns: dict[str, Any] = {}
    for name, column in node["columns"].items():
        meta = column.get("meta") or {}
        if "made_of" not in meta:
            faults.append(f"its column {name} does not say `made_of`")
        columns[name.lower()] = {"made_of": meta.get("made_of") or []}
        if not _TYPE.fullmatch(column.get("data_type") or ""):
            faults.append(f"its column {name} has no `data_type` that is known here")
        if not re.fullmatch(NAME, name):
            faults.append(f"its column {name} is no plain name")
    try:
        stated = read_declaration(
            {"columns": columns, "rows": _meta(node).get("rows") or []}
        )
    except ValueError as error:
        return DeclaredLineage().traced(), (*faults, str(error))
    faults += [
        f"{text} is not schema.table.column"
        for text, key in zip(stated.texts, stated.named(), strict=True)
        if key is None
    ]
    try:
        code_read(node)
    except FileNotFoundError as error:
        faults.append(f"its `code` names {error.filename}, which is not there")
    return stated.traced(), tuple(faults)


@contextmanager
def standing(names: Collection[str]) -> Iterator[None]:
    """Let these models take over from their own table while a build lasts.

    One build at a time writes a warehouse, in whatever threads dbt takes.

    Args:
        names: of models whose table was made by the code that makes them now.
    """
    global _standing
    _standing = frozenset(names)
    try:
        yield
    finally:
        _standing = frozenset()


def previous(session: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame | None:
    """Return a model's own table as it stands; None where other code made it.

    The one thing that a model in Python may ask `session` for: what it made before.

    Args:
        session: dbt's.
        name: of the model itself.
    """
    if name not in _standing:
        return None
    return session.table(f"marts.{name}").pl()


def declared_only(given: Any, columns: Mapping[str, Sequence[str]]) -> Any:
    """Return dbt's own `dbt` of a model, which hands over declared columns alone.

    A mart is handed over whole: the gate let each of its columns through. Of anything
    beneath the marts, what the YAML does not name cannot be read, and so not be told.

    Args:
        given: the class that dbt writes beside the model.
        columns: relation that is no mart → the columns of it that the YAML names under
            `made_of` and `rows`. One that names none does not get as far as this.
    """

    class DeclaredOnly(given):
        def __init__(self, load: Any) -> None:
            super().__init__(load)
            whole: Any = self.ref

            def ref(name: str) -> Any:
                if name not in columns:
                    return whole(name)
                named = dict.fromkeys(columns[name])
                return whole(name).project(", ".join(f'"{one}"' for one in named))

            self.ref: Any = ref

    return DeclaredOnly


def not_there(
    traced: Traced, known: Mapping[Relation, frozenset[str]]
) -> Iterator[str]:
    """Yield what a model in Python says that it is made of, and that there is not."""
    steps = [traced.rows, *(column.direct for column in traced.columns.values())]
    for key in sorted({key for each in steps for key in each}):
        if key[2] not in known.get(key[:2], frozenset()):
            yield f"it says it is made of {'.'.join(key)}, and there is no such column"


def write(
    frame: Any,
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Mapping[str, str],
) -> None:
    """Write what a model in Python made as a table, in the declared columns and types.

    Args:
        frame: anything DuckDB reads: a polars frame, an Arrow table, a relation.
        connection: to the warehouse.
        relation: the table to make.
        columns: name → type, as the YAML declares.

    Raises:
        ColumnsDiffer: it has other columns.
        duckdb.Error: a value is not of its type.
    """
    made = [str(name) for name in frame.columns]
    if sorted(made) != sorted(columns):
        extra = sorted(set(made) - set(columns))
        missing = sorted(set(columns) - set(made))
        raise ColumnsDiffer(
            f"{relation} was not written: it made "
            + "; ".join(
                f"{word} {', '.join(names)}"
                for word, names in (("also", extra), ("not", missing))
                if names
            )
            + ". A column that nobody declared is judged by nobody. Declare it in the "
            "model's YAML, with made_of, or do not make it."
        )
    name = "made_in_python"
    connection.register(name, frame)
    try:
        listed = ", ".join(
            f'cast("{one}" as {kind}) as "{one}"' for one, kind in columns.items()
        )
        connection.execute(f"create table {relation} as select {listed} from {name}")
    finally:
        connection.unregister(name)


def without_values(message: str) -> str:
    """Return what dbt says of a failed model without what its error may quote of a row.

    A traceback of Python ends in the error's own words, which polars fills with values.
    Kept are the last place in the package, and the kind of error; our own errors hold
    names and counts only and are kept whole.
    """
    if _FAILED not in message:
        return message
    lines = message.splitlines()
    frames = [at for at, line in enumerate(lines) if _FRAME.match(line)]
    after = lines[frames[-1] + 1 :] if frames else []
    error = next((one.strip() for one in after if _ERROR.match(one)), "an error")
    kind = error.partition(":")[0]
    ours = [lines[at].partition("/edp_platform/")[2] for at in frames]
    where = [one for one in ours if one][-1:]
    told = error if kind.startswith("edp_platform.") else kind
    places = "".join(f" (edp_platform/{one})" for one in where).replace('"', "")
    return f"{_FAILED}: {told}{places}"


def _meta(node: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = node["config"].get("meta") or {}
    return found
